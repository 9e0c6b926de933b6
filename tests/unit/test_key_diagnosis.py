"""Every rule of the diagnosis is reached, and says what it must; every fault leads to one repair."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every import examples
from support.key_cases import CASES, GARAGE, GOOD_KEY, HOME, OLD, KeyCase, book, particle_fingerprints, rsa_server

from app.keys import clouds
from app.keys.clouds import CloudKind
from app.keys.device_key import examine
from app.keys.server_key import parse_server
from app.platforms.model import Algorithm
from app.platforms.table import PLATFORMS
from app.work.key_case import LightSeen, server_found
from app.work.key_diagnosis import diagnose
from app.work.key_rules import CULPRIT_WORDS, REPAIR_WORDS, RULES, SURENESS_WORDS, Culprit, Repair, Sureness

SAID = [(case, light, code, repair) for case in CASES for light, code, repair in case.says]


@pytest.fixture(autouse=True)
def _stand_in_for_the_makers_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "PARTICLE_FINGERPRINTS", particle_fingerprints())


@pytest.mark.parametrize(
    ("case", "light", "code", "repair"), SAID, ids=[f"{case.name} / {light.value}" for case, light, _, _ in SAID]
)
def test_a_fault_with_a_light_is_found_and_has_one_repair(
    case: KeyCase, light: LightSeen, code: str, repair: Repair
) -> None:
    found = diagnose(case.found(), light)
    assert (found.main.code, found.repair) == (code, repair)
    assert found.repairs[:1] == (() if repair is Repair.NONE else (repair,))
    assert found.good == (found.culprit is Culprit.NOTHING)


def test_every_rule_is_reached_by_a_case() -> None:
    reached = {finding.code for case, light, _, _ in SAID for finding in diagnose(case.found(), light).findings}
    assert reached - {"light-contradicts"} == {rule.code for rule in RULES}
    assert "light-contradicts" in reached


def test_rules_have_names_of_their_own_and_a_source() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        for section in rule.source.split(", "):
            chapter, _, number = section.partition(".")
            assert (chapter + number).isdigit(), rule.code


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whatever_is_seen_there_is_an_answer_in_whole_sentences(case: KeyCase) -> None:
    for light in LightSeen:
        found = diagnose(case.found(), light)
        for finding in found.findings:
            said = finding.words.english()
            assert said.endswith(".")
            assert [part for part in ("{", "  ", "None") if part in said] == [], said
        assert SURENESS_WORDS[found.main.sureness].english()
        assert CULPRIT_WORDS[found.culprit].english()
        assert REPAIR_WORDS[found.repair].english()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nobody_having_seen_the_light_is_the_same_as_no_light(case: KeyCase) -> None:
    assert diagnose(case.found()) == diagnose(case.found(), LightSeen.UNSEEN)


def named(name: str) -> KeyCase:
    (case,) = [case for case in CASES if case.name == name]
    return case


def test_two_faults_are_both_told_and_the_light_says_which_goes_first() -> None:
    case = replace(named("Device key damaged"), server="damaged")
    by_orange, by_magenta = (diagnose(case.found(), light) for light in (LightSeen.ORANGE, LightSeen.MAGENTA))
    assert [finding.code for finding in by_orange.findings] == ["device-corrupt", "server-corrupt"]
    assert [finding.code for finding in by_magenta.findings] == ["server-corrupt", "device-corrupt"]
    assert by_orange.repairs == (Repair.CHANGE_KEY, Repair.SWITCH_CLOUD)


def test_what_stands_in_memory_is_certain_and_what_only_the_light_says_is_not() -> None:
    assert diagnose(named("Server key damaged").found()).main.sure
    orange = diagnose(named("Keys good, set to a local cloud").found(), LightSeen.ORANGE).main
    assert (orange.sureness, orange.culprit) == (Sureness.LIKELY, Culprit.SERVER_KNOWS)
    red = diagnose(named("Keys good, set to a local cloud").found(), LightSeen.RED).main
    assert (red.sureness, red.culprit) == (Sureness.POSSIBLE, Culprit.EITHER)


def test_a_board_that_cannot_be_connected_but_is_said_to_be_asks_for_a_second_look() -> None:
    codes = [each.code for each in diagnose(named("Device key damaged").found(), LightSeen.CONNECTED).findings]
    assert codes == ["device-corrupt", "light-contradicts"]


def test_a_public_half_of_another_key_never_hides_what_the_light_says_of_the_server() -> None:
    codes = [each.code for each in diagnose(named("Public half is of another key").found(), LightSeen.CYAN).findings]
    assert codes == ["cyan", "public-half"]


def test_a_doubt_about_the_port_never_makes_a_sound_board_a_faulty_one() -> None:
    found = diagnose(named("Own port, firmware not known").found())
    assert found.good
    assert [each.code for each in found.findings][-1] == "port-perhaps-ignored"


def test_a_port_is_honoured_from_0_4_9_on() -> None:
    case = replace(named("Own port, firmware older than 0.4.9"), firmware=10)
    assert diagnose(case.found()).main.code == "port-ignored"
    assert diagnose(replace(case, firmware=11).found()).main.code == "sound-unknown"
    assert diagnose(replace(case, firmware=OLD, host=f"{HOME}:5683").found()).main.code == "unknown-key-at-local"


def test_the_name_of_the_local_cloud_is_said() -> None:
    found = diagnose(named("Local cloud's key without an address").found())
    assert "garage" in found.main.words.english()
    assert "device.spark.io" in found.main.words.english()


def test_an_electron_over_udp_is_sent_to_the_host_of_its_own() -> None:
    case = replace(named("Electron: keys good, Particle over UDP"), server=GARAGE, host="")
    assert "[ID].udp.particle.io" in diagnose(case.found()).main.words.english()


def test_a_cloud_known_under_two_addresses_is_named_by_the_one_on_the_board() -> None:
    case = named("Keys good, set to a local cloud")
    (first, _) = book(case.server_slot)
    moved = replace(first, id="another", name="moved", host="192.168.1.99")
    found = server_found(case.found().server.block, (moved, first))
    assert (found.cloud, found.address_cloud, found.belongs) == ("garage", "garage", True)


def test_a_makers_host_is_known_in_whatever_letters_it_is_written() -> None:
    case = replace(named("Keys good, set to the Particle cloud"), host="Device.Spark.IO")
    assert case.found().server.address_of is CloudKind.PARTICLE


def test_every_repair_that_is_a_recipe_is_named_like_one() -> None:
    assert [repair.recipe for repair in Repair] == [
        "",
        "restore-key",
        "change-key",
        "switch-cloud",
        "",
        "prove-handshake",
        "join-wifi",
    ]


def test_only_a_core_keeps_no_public_half() -> None:
    kinds = {case.board for case in CASES}
    assert kinds <= {board.key for board in PLATFORMS}
    assert [board.key for board in PLATFORMS if not any(s.key == "device-public" for s in board.key_slots)] == ["core"]


def test_nothing_private_is_in_what_a_diagnosis_shows() -> None:
    secret = GOOD_KEY[150:200]
    for case in CASES:
        shown = f"{case.found()!r}{diagnose(case.found())!r}{case!r}"
        assert secret.hex() not in shown
        assert repr(secret)[2:-1] not in shown


@given(
    server=st.binary(min_size=512, max_size=512),
    framed=st.booleans(),
    device=st.sampled_from([b"", GOOD_KEY, b"\x30\x82\x02\x5f", bytes(612)]),
    light=st.sampled_from(LightSeen),
    firmware=st.sampled_from([None, 0, 11, 2202]),
)
@settings(max_examples=examples(60), deadline=None)
def test_whatever_is_in_the_slots_there_is_an_answer(
    server: bytes, framed: bool, device: bytes, light: LightSeen, firmware: int | None
) -> None:
    case = named("Photon 2.2: no server key")
    raw = rsa_server("any") + server[294:] if framed else server
    block = parse_server(raw, case.server_slot)
    found = replace(
        case.found(),
        device=examine(device.ljust(612, b"\xff"), Algorithm.RSA_1024),
        server=server_found(block, book(case.server_slot)),
        firmware=firmware,
    )
    said = diagnose(found, light)
    assert all(finding.words.english() for finding in said.findings)
    assert said.repairs[:1] == (() if said.good or said.repair is Repair.NONE else (said.repair,))
