"""Joining a network on virtual boards of every console generation: from listening to the light that says "online"."""

from __future__ import annotations

import base64
import hashlib
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.every import part

from app.engine.runner import run_recipe
from app.faults import BoardGone, BoardSilent, Fault
from app.log import redact
from app.protocols import requests
from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin
from app.protocols.wifi_dialogue import WifiDialogue
from app.recipes import shared
from app.recipes.join_wifi import JoinWifi
from app.transports.trace import TracingBus
from app.virtual import air
from app.virtual.air import Network
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome
from app.work.questions import DoThis, WifiForm
from app.work.wifi_form import WifiAnswer

GENERATIONS = [
    ("core", "spark_1"),
    ("core", "spark_3"),
    ("core", "spark_11"),
    ("core-0.5", "0.4.0"),
    ("core-0.5", "0.4.9"),
    ("core-0.5", "0.5"),
    ("core-0.7", "0.7"),
    ("photon-0.5", "0.4.0"),
    ("photon-0.5", "0.4.9"),
    ("photon-0.5", "0.5"),
    ("photon-0.6", "0.6"),
    ("photon-0.7", "0.7"),
    ("photon", "0.8"),
    ("photon", "1.0"),
    ("photon", "1.2"),
    ("photon", "1.5"),
    ("photon", "2.x"),
    ("p1", "2.x"),
]
PASSWORD = "pässwörd ž 123"
SECRET = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(40))
WINDOW = 6
BY_REQUEST = ("0.8", "1.0", "1.2", "1.5")
NETWORKS = {
    Security.OPEN: Network("Freies Café".encode(), air.Security.OPEN),
    Security.WEP: Network(b"Old", air.Security.WEP, password=PASSWORD.encode()),
    Security.WPA: Network(b"Older", air.Security.WPA, air.Cipher.TKIP, password=PASSWORD.encode()),
    Security.WPA2: Network("Zuhause 家 ".encode(), password=PASSWORD.encode()),
}


def login(kind: Security, **changes: Any) -> WifiLogin:  # noqa: ANN401 - handed on
    known = NETWORKS[kind]
    cipher = Cipher.TKIP if kind is Security.WPA else Cipher.UNKNOWN
    values: dict[str, Any] = {"security": kind, "password": PASSWORD if known.password else "", "cipher": cipher}
    return WifiLogin(known.ssid, **{**values, **changes})


def at(
    name: str,
    firmware: str,
    folder: Path,
    *logins: WifiLogin,
    mode: str = RUNNING,
    forget: bool = False,
    light: str = "connected",
    **options: Any,  # noqa: ANN401 - handed on to `make`
) -> Desk:
    answers = {"network": WifiAnswer(logins, forget, anyway=True), "join-light": light, "clear-wifi": "done"}
    given: dict[str, Any] = {"networks": tuple(NETWORKS.values()), "profiles": False, **options}
    return desk(name, folder, mode, answers=answers, firmware=firmware, **given)


def online(place: Desk, seconds: float = 60.0) -> str:
    """What the light does after a while."""
    for _ in range(round(seconds)):
        place.clock.pause(1.0)
        place.board.tick()
    return place.board.light_pattern


def names(outcome: Outcome) -> str:
    return str(outcome.facts[0].value)


@pytest.mark.parametrize(
    ("name", "firmware", "security"),
    [
        (name, firmware, security)
        for name, firmware in GENERATIONS
        for security in NETWORKS
        if firmware != "spark_1" or security is Security.WPA2  # firmware of 2013 knows no other
    ],
)
def test_every_generation_joins_every_kind_of_network(
    name: str, firmware: str, security: Security, tmp_path: Path
) -> None:
    place = at(name, firmware, tmp_path, login(security))
    outcome = place.succeed(JoinWifi)
    (stored,) = place.board.profiles_stored
    assert (stored.ssid, int(stored.security)) == (NETWORKS[security].ssid, int(security))
    assert stored.password == (PASSWORD.encode() if security is not Security.OPEN else b"")
    assert names(outcome) == login(security).name
    if security is Security.WEP and name.startswith("core"):
        assert "green" in online(place)  # nobody has ever seen it work (5.4)
    else:
        assert online(place) == "breathing cyan"


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", ["core", "photon-0.5", "photon"])
def test_from_whatever_the_board_does(name: str, mode: str, tmp_path: Path) -> None:
    place = at(name, "", tmp_path, login(Security.WPA2), mode=mode, profiles=True)
    place.succeed(JoinWifi)
    assert place.board.profiles_stored[-1].ssid == NETWORKS[Security.WPA2].ssid


@pytest.mark.parametrize(("name", "firmware"), GENERATIONS)
def test_several_networks_in_one_go_and_the_old_ones_forgotten(name: str, firmware: str, tmp_path: Path) -> None:
    logins = [login(Security.WPA2), WifiLogin(b"Office", Security.WPA2, "geheim geheim", Cipher.AES)]
    place = at(name, firmware, tmp_path, *logins, forget=True, profiles=True)
    if firmware not in BY_REQUEST:  # the person holds the button as long as asked

        def person(event: Event) -> None:
            if isinstance(event, Asked) and event.question.name == "clear-wifi":
                place.board.press("mode")
                place.clock.pause(11.0)
                place.board.tick()
                place.board.release("mode")
                place.clock.pause(5.0)
            place.person(event)

        job = place.job(post=person)
    else:
        job = place.job()
    run_recipe(JoinWifi(), job)
    last = place.person.events[-1]
    assert not isinstance(last, Failed), last
    assert [each.ssid for each in place.board.profiles_stored] == [each.ssid for each in logins]


def test_the_boards_own_scan_is_offered_where_it_can_be_asked(tmp_path: Path) -> None:
    place = at("photon", "1.2", tmp_path, login(Security.WPA2))
    place.succeed(JoinWifi)
    (form,) = [
        each.question for each in place.person.events if isinstance(each, Asked) if each.question.name == "network"
    ]
    assert isinstance(form, WifiForm)
    assert {row.ssid for row in form.seen} == {each.ssid for each in NETWORKS.values()}
    assert form.enterprise


@pytest.mark.parametrize("firmware", ["0.7", "1.2", "2.x"])
def test_a_company_network_with_name_and_password(firmware: str, tmp_path: Path) -> None:
    corp = Network(b"Corp", air.Security.WPA2_ENTERPRISE, password=b"s3cret!", identity=b"ann")
    sign_in = Enterprise(Eap.PEAP, "ann", "anonymous")
    wanted = WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "s3cret!", Cipher.AES, enterprise=sign_in)
    place = at("photon-0.7" if firmware == "0.7" else "photon", firmware, tmp_path, wanted, networks=(corp,))
    place.succeed(JoinWifi)
    assert online(place) == "breathing cyan"


@pytest.mark.parametrize("name", ["core-0.7", "photon-0.6"])
def test_a_board_without_company_networks_is_not_told_one(name: str, tmp_path: Path) -> None:
    sign_in = Enterprise(Eap.PEAP, "ann")
    wanted = WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "s3cret!", enterprise=sign_in)
    place = at(name, "", tmp_path, wanted)
    assert place.fail(JoinWifi).code == "wifi.security-not-possible"
    assert place.board.profiles_stored == ()


# --- typed at a terminal ----------------------------------------------------------------------------------------------


def test_a_name_alone_is_asked_for_security_and_a_hidden_password(tmp_path: Path) -> None:
    place = at("core-0.5", "", tmp_path)
    place.person.answers.update({"network": "Office", "security": "wpa2", "password": " with spaces "})
    place.succeed(JoinWifi)
    assert place.board.profiles_stored[-1].password == b" with spaces "


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    place = at("core-0.5", "", tmp_path)
    failed = place.fail(JoinWifi, {"network": "Office", "security": "wpa2", "password": "on the line"})
    assert failed.code == "wifi.password-on-command-line"
    in_json = '{"ssid": "Office", "password": "on the line"}'
    failed = place.fail(JoinWifi, {"network": in_json})
    assert failed.code == "question.bad-answer"
    assert "on the line" not in repr(place.person.events)


def test_a_script_gives_the_password_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" from a file \nnot this", encoding="utf-8")
    place = at("photon", "", tmp_path)
    place.person.answers.clear()
    given = {
        "network": "Office",
        "security": "wpa2",
        "password-file": str(tmp_path / "password"),
        "join-light": "unseen",
    }
    assert place.succeed(JoinWifi, given).unfinished
    assert place.board.profiles_stored[-1].password == b" from a file "
    assert " from a file " not in redact("told: ' from a file '")


# --- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (WifiLogin(b"", Security.WPA2, "x" * 8), "wifi.name-missing"),
        (WifiLogin(b"x" * 33, Security.WPA2, "x" * 8), "wifi.name-long"),
        (WifiLogin(b"Home", Security.WPA2, "short"), "wifi.password-length"),
        (WifiLogin(b"Home", Security.WPA2, "x" * 65), "wifi.password-length"),
        (WifiLogin(b"Home", Security.WPA2, ""), "wifi.password-missing"),
        (WifiLogin(b"Home", Security.WPA2, "eight\nand more"), "wifi.control-character"),
        (WifiLogin(b"Ho\tme", Security.OPEN, ""), "wifi.control-character"),
    ],
)
def test_what_no_board_can_be_told_is_never_sent(wanted: WifiLogin, code: str, tmp_path: Path) -> None:
    place = at("photon", "", tmp_path, wanted)
    assert place.fail(JoinWifi).code == code
    assert place.board.profiles_stored == ()


@pytest.mark.parametrize(("name", "firmware"), [("photon-0.5", "0.5"), ("photon", "1.2"), ("photon", "2.x")])
def test_a_board_that_cannot_save_says_so(name: str, firmware: str, tmp_path: Path) -> None:
    place = at(name, firmware, tmp_path, login(Security.WPA2))
    place.board.mishap = Mishap(wifi_refuses=9)
    assert place.fail(JoinWifi).code == "wifi.not-saved"


@pytest.mark.parametrize(
    ("light", "recipe"),
    [
        *((light, "why-not-connecting") for light in ("green", "green-breathing", "cyan", "blinks", "other", "unseen")),
        ("green", "join-wifi"),
        ("cyan", "check-keys"),
        ("flash", "check-keys"),
        ("blue", "x-ray"),
        ("white", "x-ray"),
    ],
)
def test_where_the_light_stops_says_what_helps(light: str, recipe: str, tmp_path: Path) -> None:
    outcome = at("photon", "", tmp_path, login(Security.WPA2), light=light).succeed(JoinWifi)
    assert outcome.unfinished
    assert recipe in outcome.next_recipes
    assert outcome.next_steps


def test_a_wrong_password_is_seen_by_the_light(tmp_path: Path) -> None:
    place = at("photon", "", tmp_path, login(Security.WPA2, password="wrong password"), light="green")
    outcome = place.succeed(JoinWifi)
    assert "green" in online(place)
    assert "password" in outcome.next_steps[0].english()


def spellings(secret: bytes) -> set[str]:
    """Every way a few bytes of it could be written down."""
    found = set()
    for start in range(len(secret) - WINDOW + 1):
        piece = secret[start : start + WINDOW]
        base = base64.b64encode(secret[start : start + WINDOW]).decode().rstrip("=")
        found |= {
            piece.hex(),
            piece.hex().upper(),
            piece.hex(" "),
            repr(piece)[2:-1],
            piece.decode("latin-1"),
            base[:-1],
        }
    return found


def told_bytes(row: dict[str, object]) -> bytes:
    data = row.get("data")
    return data.encode("latin-1") if isinstance(data, str) else b""


@pytest.mark.parametrize(("name", "firmware"), GENERATIONS)
def test_no_piece_of_a_password_is_in_a_trace(name: str, firmware: str, tmp_path: Path) -> None:
    place = at(name, firmware, tmp_path, login(Security.WPA2))
    file = tmp_path / "trace.jsonl"
    bus = TracingBus(place.bus, file)
    assert not isinstance(place.play(JoinWifi, bus=bus), Failed)
    bus.close()
    told = file.read_text(encoding="utf-8")
    assert [each for each in spellings(PASSWORD.encode()) if each in told] == []
    for way in ("read", "write"):  # old firmware says it a character at a time
        joined = b"".join(told_bytes(row) for row in map(json.loads, told.splitlines()) if row.get("do") == way)
        assert b"Password: " in joined or way == "write" or firmware in BY_REQUEST
        assert all(PASSWORD.encode()[at : at + 4] not in joined for at in range(len(PASSWORD.encode()) - 3))
    assert place.board.profiles_stored[-1].password == PASSWORD.encode()


@pytest.mark.parametrize("firmware", ["0.7", "1.2", "2.x"])
def test_no_piece_of_a_private_key_is_in_a_trace(firmware: str, tmp_path: Path) -> None:
    sign_in = Enterprise(Eap.TLS, certificate=pem("CERTIFICATE", b"c" * 300), private_key=pem("PRIVATE KEY", SECRET))
    wanted = WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "", Cipher.AES, enterprise=sign_in)
    corp = Network(b"Corp", air.Security.WPA2_ENTERPRISE, eap=air.Eap.TLS)
    place = at("photon-0.7" if firmware == "0.7" else "photon", firmware, tmp_path, wanted, networks=(corp,))
    file = tmp_path / "trace.jsonl"
    bus = TracingBus(place.bus, file)
    assert not isinstance(place.play(JoinWifi, bus=bus), Failed)
    bus.close()
    typed = base64.b64encode(SECRET)
    assert [each for each in spellings(typed) if each in file.read_text(encoding="utf-8")] == []
    (stored,) = place.board.profiles_stored
    assert stored.private_key.replace(b"\r\n", b"\n").strip() == sign_in.private_key.encode().strip()
    assert online(place) == "breathing cyan"


def pem(kind: str, content: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""))


@pytest.mark.parametrize("firmware", ["1.2", "2.x"])
def test_nothing_secret_is_told_while_joining(firmware: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = at("photon", firmware, tmp_path, login(Security.WPA2))
    with caplog.at_level("DEBUG"):
        place.succeed(JoinWifi)
    assert PASSWORD not in repr(place.person.events)
    assert PASSWORD not in caplog.text


def test_a_stop_before_anything_was_told_lets_the_board_run_again(tmp_path: Path) -> None:
    place = at("photon", "", tmp_path, profiles=True)
    place.person.answers.clear()
    failed = place.play(JoinWifi, {"network": "Office", "security": "wpa2", "password": "x"})
    assert isinstance(failed, Failed)
    place.clock.pause(5.0)
    place.board.tick()
    assert not place.board.listening_now


def test_a_port_that_goes_amid_the_dialogue_is_a_fault_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = at("photon", "", tmp_path, login(Security.WPA2))

    def gone(_self: WifiDialogue, _within: float) -> bytes:
        raise BoardGone

    monkeypatch.setattr(WifiDialogue, "_read", gone)
    assert place.fail(JoinWifi).code == "wifi.dialogue-lost"


@pytest.mark.parametrize(
    ("trouble", "code"), [(BoardGone, "wifi.dialogue-lost"), (BoardSilent, "wifi.dialogue-stopped")]
)
def test_trouble_amid_the_request_names_the_network(
    trouble: type[Fault], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> bool:
        raise trouble

    monkeypatch.setattr(requests, "wifi_set", broken)
    failed = at("photon", "1.2", tmp_path, login(Security.WPA2)).fail(JoinWifi)
    assert failed.code == code
    assert login(Security.WPA2).name in failed.cause.english()


def test_what_is_saved_counts_although_the_board_could_not_be_told_to_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> bool:
        raise BoardGone

    monkeypatch.setattr(requests, "stop_listening", broken)
    outcome = at("photon", "1.2", tmp_path, login(Security.WPA2)).succeed(JoinWifi)
    assert any("tap RESET" in each.english() for each in outcome.warnings)


CUT_OFF = [
    (name, firmware, kind)
    for name, firmware in (("core-0.5", "0.5"), ("photon", "1.2"), ("photon", "2.x"))
    for kind in ("gone_at", "gone_amid", "gone_after", "silent_from")
]


@pytest.mark.parametrize(("name", "firmware", "kind"), part(CUT_OFF, 3, "cut off at any moment"))
def test_a_cable_that_comes_off_at_any_moment_leaves_no_half_password(
    name: str, firmware: str, kind: str, tmp_path: Path
) -> None:
    ended = 0
    for count in (*range(1, 60, 3), *range(60, 2000, 41)):
        place = at(name, firmware, tmp_path / f"{count}", login(Security.WPA2))
        place.person.willing = True
        place.board.mishap = Mishap(**{kind: count})
        last = place.play(JoinWifi)
        stored = [each.password for each in place.board.profiles_stored]
        assert stored in ([], [PASSWORD.encode()])
        if not isinstance(last, Failed):
            break
        assert last.code != "bug", last.detail
        assert last.next_step.english()
        ended += 1
    assert ended > 3


@pytest.mark.parametrize("name", ["photon-0.6", "photon-0.7", "photon"])
def test_a_program_that_moved_the_magic_rate_is_passed_by_a_request(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "LISTENING_BAUD", 19200)  # the program changed the number (5.6)
    place = at(name, "", tmp_path, login(Security.WPA2), profiles=True)
    place.succeed(JoinWifi)
    assert not any(isinstance(each, Asked) and isinstance(each.question, DoThis) for each in place.person.events)
    assert place.board.profiles_stored[-1].ssid == NETWORKS[Security.WPA2].ssid


@pytest.mark.parametrize(("name", "firmware"), part(GENERATIONS, 3, "noise"))
def test_noise_before_all_the_board_says_ends_in_a_network_or_a_fault(name: str, firmware: str, tmp_path: Path) -> None:
    place = at(name, firmware, tmp_path, login(Security.WPA2), mode=LISTENING)
    place.board.mishap = Mishap(garbage=True)
    last = place.play(JoinWifi)
    stored = [each.password for each in place.board.profiles_stored]
    if isinstance(last, Failed):
        assert last.code.startswith(("wifi.", "console.", "board.")), last
        assert stored == []
    else:
        assert stored == [PASSWORD.encode()]
