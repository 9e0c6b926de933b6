"""The key check on practice boards: what it reads, what it says, what it leaves alone, and where it sends people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.air import Air
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.key_boards import ROWS, lay, makers_key, put
from support.key_cases import ATTIC, CASES, CORRUPT_KEY, EC_KEY, GARAGE, GOOD_KEY, HOME, UDP, KeyCase

from app.engine.runner import run_recipe
from app.platforms.lights import pattern
from app.platforms.model import Mode, Platform
from app.platforms.table import PLATFORMS
from app.recipes.base import Group
from app.recipes.check_keys import CheckKeys, light_cards
from app.recipes.registry import RECIPES, known
from app.text import Text
from app.transports.network import Reach
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Note, Outcome, Succeeded
from app.work.key_case import LightSeen
from app.work.key_diagnosis import diagnose
from app.work.key_rules import REPAIR_WORDS, SURENESS_WORDS, Repair
from app.work.questions import ChooseCard

BOARDS = ["core", "core-0.5", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"]
PLAYABLE = [case for case in CASES if (case.board, case.firmware) in ROWS]


@pytest.fixture(autouse=True)
def _makers() -> Iterator[None]:
    with makers_key():
        yield


def facts(outcome: Outcome) -> dict[str, str]:
    return {f.key: f.value.english() if isinstance(f.value, Text) else f.value for f in outcome.facts}


def named(name: str) -> KeyCase:
    (case,) = [case for case in CASES if case.name == name]
    return case


def check(case: KeyCase, light: LightSeen, folder: Path) -> tuple[Desk, Outcome]:
    place = lay(case, folder)
    return place, place.succeed(CheckKeys, {"light": light.value})


@pytest.mark.parametrize("case", PLAYABLE, ids=lambda case: case.name)
def test_a_board_is_told_what_the_diagnosis_says_of_what_it_holds(case: KeyCase, tmp_path: Path) -> None:
    light, code, repair = case.says[0]
    place = lay(case, tmp_path)
    before = place.memories()
    outcome = place.succeed(CheckKeys, {"light": light.value})
    main = diagnose(case.found(), light).main
    assert main.code == code
    assert outcome.summary.english().startswith(main.words.english())
    assert outcome.summary.english().endswith(SURENESS_WORDS[main.sureness].english())
    if known(repair.recipe) is not None:
        assert outcome.next_recipes[0] == repair.recipe
    assert place.memories() == before


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_can_be_checked_in_every_mode_and_keeps_its_key_in_the_safe(
    name: str, mode: str, tmp_path: Path
) -> None:
    place = desk(name, tmp_path, mode)
    outcome = place.succeed(CheckKeys, {"light": "unseen"})
    (first, *_) = place.safe.backups()
    assert first.state is not None
    assert first.state.value == "good"
    assert set(outcome.kept) == {str(path) for backup in place.safe.backups() for path in backup.files}
    assert facts(outcome)["key"] == "good"
    assert facts(outcome)["server-key"] == "there is no key"


def test_facts_name_the_server_its_port_its_fingerprint_and_its_cloud(tmp_path: Path) -> None:
    place, outcome = check(named("Keys good, set to a local cloud"), LightSeen.UNSEEN, tmp_path)
    said = facts(outcome)
    assert (said["server-host"], said["server-port"], said["cloud"]) == (HOME, "5683", GARAGE)
    assert (
        said["server-fingerprint"].replace(" ", "")
        == named("Keys good, set to a local cloud").found().server.block.fingerprint
    )
    assert said["culprit"] == "nothing"
    assert "transport" not in said
    assert place.seen().mode is Mode.DFU


def test_key_and_address_of_two_clouds_are_both_named(tmp_path: Path) -> None:
    _, outcome = check(named("One local cloud's key with another one's address"), LightSeen.RED, tmp_path)
    assert facts(outcome)["cloud"] == f"key: {GARAGE}; address: {ATTIC}"


def test_the_public_half_of_a_photon_is_compared_with_its_key(tmp_path: Path) -> None:
    case = named("Public half is of another key")
    _, outcome = check(case, LightSeen.UNSEEN, tmp_path / "other")
    assert facts(outcome)["public-half"] == "is of another key"
    _, outcome = check(replace(case, half=None), LightSeen.UNSEEN, tmp_path / "own")
    assert facts(outcome)["public-half"] == "belongs to the device key"
    _, outcome = check(replace(case, half=b""), LightSeen.UNSEEN, tmp_path / "none")
    assert facts(outcome)["public-half"] == "not stored on the board"
    _, outcome = check(replace(case, key=CORRUPT_KEY), LightSeen.UNSEEN, tmp_path / "alone")
    assert facts(outcome)["public-half"].startswith("is stored, but")


def test_an_electron_says_how_it_reaches_its_cloud_and_keeps_both_keys(tmp_path: Path) -> None:
    place, outcome = check(named("Electron: keys good, Particle over UDP"), LightSeen.CONNECTED, tmp_path / "udp")
    assert facts(outcome)["transport"] == "UDP"
    assert {backup.slot for backup in place.safe.backups()} == {"device-private", "device-private-udp"}
    _, outcome = check(named("Electron set to TCP, server key for UDP only"), LightSeen.CYAN, tmp_path / "tcp")
    assert facts(outcome)["transport"] == "TCP"
    assert facts(outcome)["culprit"] == "the choice between TCP and UDP"


# --- the light ---


def asked(place: Desk) -> list[ChooseCard]:
    return [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, ChooseCard)
    ]


@pytest.mark.parametrize(("mode", "begins"), [(RUNNING, "Watch the board's main light"), (IN_DFU, "The board is not")])
def test_the_light_is_asked_for_before_update_mode_hides_it(mode: str, begins: str, tmp_path: Path) -> None:
    place = desk("photon", tmp_path, mode, answers={"light": "red"})
    seen: list[Mode] = []

    def noting(event: Event) -> None:
        if isinstance(event, Asked):
            seen.append(place.seen().mode)
        place.person(event)

    run_recipe(CheckKeys(), place.job(post=noting))
    (question,) = asked(place)
    assert question.body.english().startswith(begins)
    assert seen == [Mode.NORMAL if mode == RUNNING else Mode.DFU]


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)
def test_every_light_has_a_card_with_a_name_and_a_rhythm(board: Platform) -> None:
    cards = light_cards(board)
    assert [card.key for card in cards] == [card.key for card in light_cards(PLATFORMS[0])]
    assert {card.key for card in cards} == {light.value for light in LightSeen}
    assert len({card.title for card in cards}) == len(cards)
    for card in cards:
        assert card.body.english().endswith(".")
        if card.light:
            assert pattern(card.light).era in board.light_eras
            assert pattern(card.light).name == card.title or card.key == LightSeen.BLINKS.value
    assert sum(bool(card.light) for card in cards) == 6


def test_an_answer_that_is_no_light_is_refused(tmp_path: Path) -> None:
    assert desk("photon", tmp_path, IN_DFU).fail(CheckKeys, {"light": "purple"}).code == "question.bad-answer"


def test_what_the_light_did_is_among_the_facts_unless_nobody_saw_it(tmp_path: Path) -> None:
    case = named("Keys good, set to the Particle cloud")
    _, outcome = check(case, LightSeen.MAGENTA, tmp_path / "seen")
    assert facts(outcome)["light"] == "Fast cyan, then a magenta flash"
    _, outcome = check(case, LightSeen.UNSEEN, tmp_path / "unseen")
    assert "light" not in facts(outcome)


# --- what comes next ---


def test_the_public_key_is_handed_on_where_the_server_may_not_know_it(tmp_path: Path) -> None:
    case = replace(named("Keys good, set to a local cloud"), board="photon")
    place, outcome = check(case, LightSeen.ORANGE, tmp_path / "orange")
    (letter,) = outcome.documents
    assert letter.key == "public-key"
    assert letter.file_name == f"{place.board.device_id}.pub.pem"
    assert letter.content.encode() == case.found().device.public_pem
    assert "PRIVATE" not in letter.content
    assert "Hand the board's public key" in outcome.next_steps[0].english()
    assert check(case, LightSeen.CONNECTED, tmp_path / "connected")[1].documents == ()


def test_without_a_proven_id_nobody_gets_a_key_under_a_wrong_name(tmp_path: Path) -> None:
    _, outcome = check(named("Keys good, set to a local cloud"), LightSeen.ORANGE, tmp_path)
    assert outcome.documents == ()
    assert any("Read the device ID" in step.english() for step in outcome.next_steps)


def test_a_board_that_needs_a_repair_stays_in_update_mode_for_it(tmp_path: Path) -> None:
    case = named("Photon 0.7: no server key")
    place = lay(case, tmp_path, RUNNING)
    outcome = place.succeed(CheckKeys, {"light": "cyan"})
    assert place.seen().mode is Mode.DFU
    assert "ready for the next step" in outcome.next_steps[-1].english()


def test_a_board_with_sound_keys_runs_its_firmware_again(tmp_path: Path) -> None:
    place = desk("photon-0.7", tmp_path, RUNNING)
    put(replace(named("Keys good, set to a local cloud"), board="photon"), place)
    outcome = place.succeed(CheckKeys, {"light": "breathing-cyan"})
    assert place.seen().mode is Mode.NORMAL
    assert "Nothing is wrong" in outcome.summary.english()
    assert not outcome.warnings
    assert set(outcome.next_recipes) <= {"prove-handshake"}


@pytest.mark.parametrize(
    ("case", "light", "recipes"),
    [
        ("Keys good, set to the Particle cloud", LightSeen.OTHER, ("join-wifi",)),
        ("Electron: keys good, Particle over UDP", LightSeen.CYAN, ()),
    ],
)
def test_a_board_that_is_not_on_its_network_yet_joins_one_if_it_has_wifi(
    case: str, light: LightSeen, recipes: tuple[str, ...], tmp_path: Path
) -> None:
    _, outcome = check(named(case), light, tmp_path)
    assert outcome.next_steps[0] == REPAIR_WORDS[Repair.CONNECT]
    assert outcome.next_recipes == recipes


def test_two_faults_ask_for_another_check_after_the_first_repair(tmp_path: Path) -> None:
    case = replace(named("Server key damaged"), key=CORRUPT_KEY)
    _, outcome = check(case, LightSeen.UNSEEN, tmp_path)
    assert len(outcome.warnings) == 1
    assert any("once more afterwards" in step.english() for step in outcome.next_steps)


def test_a_good_key_of_another_board_in_the_safe_is_no_reason_to_restore_it(tmp_path: Path) -> None:
    case = replace(named("Device key damaged, a backup in the safe"), board="photon", firmware=207)
    place = lay(case, tmp_path)
    assert diagnose(case.found()).repair is Repair.RESTORE_KEY
    assert "Restore the board's key" in place.succeed(CheckKeys, {"light": "unseen"}).next_steps[0].english()
    other = desk("photon-0.7", tmp_path / "other", IN_DFU, device_id="2a0047001247353236343099")
    put(replace(case, good_in_safe=False), other)
    borrowed = replace(other, safe=place.safe)
    assert "new key" in borrowed.succeed(CheckKeys, {"light": "unseen"}).next_steps[0].english()


def test_an_empty_key_slot_leaves_nothing_to_keep(tmp_path: Path) -> None:
    place, outcome = check(named("Core: no device key"), LightSeen.UNSEEN, tmp_path)
    assert place.safe.backups() == ()
    assert outcome.kept == ()


def test_two_reads_that_differ_once_are_read_again(tmp_path: Path) -> None:
    whole = desk("photon-0.6", tmp_path / "whole", IN_DFU)
    base = whole.board.transfers
    whole.succeed(CheckKeys, {"light": "unseen"})
    again = 0
    for at in range(5, whole.board.transfers - base, 7):
        place = desk("photon-0.6", tmp_path / str(at), IN_DFU, mishap=Mishap(wrong_at=at))
        last = place.play(CheckKeys, {"light": "unseen"})
        if isinstance(last, Succeeded):
            (backup,) = place.safe.backups()
            assert backup.file(".bin").read_bytes() == place.slot
        again += any(isinstance(event, Note) and "differ" in event.words.source for event in place.person.events)
    assert again > 0


def test_nothing_private_is_told_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for case in (named("Server key damaged"), replace(named("Electron: keys good, Particle over UDP"), server=GARAGE)):
        place = lay(case, tmp_path / case.board)
        place.succeed(CheckKeys, {"light": "orange"})
        secret = (EC_KEY[8:38] if case.transport == UDP else GOOD_KEY)[-60:]
        told = f"{place.person.events!r}{caplog.text}"
        assert secret.hex() not in told
        assert repr(secret)[2:-1] not in told


def test_it_stands_among_keys_and_clouds() -> None:
    assert CheckKeys in RECIPES
    assert CheckKeys.group is Group.KEYS
    assert not CheckKeys.promise.changes_board


@pytest.mark.parametrize(("answer", "said"), [(Reach.ANSWERS, "answers on UDP port 5684"), (Reach.SILENT, "No answer")])
def test_the_server_of_a_board_without_wifi_is_tried_from_here_by_udp(answer: Reach, said: str, tmp_path: Path) -> None:
    air = Air(("192.168.1.20",))
    air.page_status = 204
    place = desk("electron", tmp_path, IN_DFU, network=air)
    host = f"{place.board.device_id}.udp.particle.io"
    air.names[host] = "52.1.2.3"
    air.answering[host, 5684] = answer
    outcome = place.succeed(CheckKeys, {"light": LightSeen.UNSEEN.value})
    assert said in facts(outcome)["check-udp"]
    assert {(asked, port) for asked, port, _ in air.datagrams} == {(host, 5684)}


def test_the_server_of_a_board_with_wifi_is_the_interview_s_to_try(tmp_path: Path) -> None:
    outcome = desk("photon", tmp_path, IN_DFU).succeed(CheckKeys, {"light": LightSeen.UNSEEN.value})
    assert [key for key in facts(outcome) if key.startswith("check-")] == []
