"""A board left amid its Wi-Fi dialogue: recognised by how it echoes, restarted, and never told a line by accident."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from support.clock import FastClock
from support.desk import Desk, desk
from support.scripted import ScriptedSerialPipe

from app.faults import Fault
from app.platforms.model import Mode
from app.protocols.listening import ListeningConsole, Presence
from app.protocols.wifi import Cipher, Security, WifiLogin
from app.recipes import shared
from app.recipes.base import Recipe
from app.recipes.clear_wifi import ClearWifi
from app.recipes.join_wifi import JoinWifi
from app.recipes.read_identity import ReadIdentity
from app.virtual.air import HOME
from app.virtual.mishaps import Mishap
from app.work.events import Failed, Stopped
from app.work.job import Job
from app.work.questions import DoThis
from app.work.wifi_form import WifiAnswer

HOME_LOGIN = WifiLogin(HOME.ssid, Security.WPA2, HOME.password.decode(), Cipher.AES)
# How far the person or a program got before it went away: what was typed after `w`, line by line, the last one open.
AT_NAME = (b"",)
HALF_NAME = (b"Prac",)
AT_PASSWORD_A = (b"Practice\n", b"")
AT_PASSWORD = (b"Practice\n", b"3\n", b"half of it")
AT_PASSWORD_SEEN = (b"Practice\n", b"half of it")


def left_amid(name: str, firmware: str, typed: tuple[bytes, ...], folder: Path, *, known: bool = False) -> Desk:
    place = desk(
        name,
        folder,
        firmware=firmware,
        profiles=known,
        answers={"network": WifiAnswer((HOME_LOGIN,)), "join-light": "connected"},
    )
    place.clock.pause(5.0)
    place.board.tick()
    if not place.board.listening_now:  # most do by themselves, without a network
        place.person.hand.enter_listening()
        place.clock.pause(2.0)
        place.board.tick()
    (seen,) = place.bus.sightings()
    with place.bus.open_serial(seen, 9600) as pipe:
        pipe.write(b"w", 1000)
        for line in typed:
            place.clock.pause(30.0)
            place.board.tick()
            while pipe.read(100):
                pass
            if line:
                pipe.write(line, 1000)
        place.clock.pause(2.0)
        place.board.tick()
    return place


@pytest.mark.parametrize(
    ("name", "firmware", "typed"),
    [
        ("core", "spark_1", AT_PASSWORD_A),
        ("core", "spark_11", AT_NAME),
        ("core", "spark_11", AT_PASSWORD),
        ("core-0.5", "0.4.9", AT_PASSWORD),
        ("photon-0.5", "0.5", HALF_NAME),
        ("photon-0.7", "0.7", AT_PASSWORD_SEEN),
        ("photon", "1.2", AT_NAME),
        ("photon", "2.x", AT_PASSWORD_SEEN),
    ],
)
def test_a_board_left_amid_its_dialogue_is_restarted_and_told_anew(
    name: str, firmware: str, typed: tuple[bytes, ...], tmp_path: Path
) -> None:
    place = left_amid(name, firmware, typed, tmp_path)
    asked: list[str] = []

    def reset_first(question: DoThis) -> None:
        asked.append(question.title.english())
        assert place.board.profiles_stored == ()
        place.person.hand.reset()
        place.clock.pause(6.0)
        place.board.tick()
        if not place.board.listening_now:
            place.person.hand.enter_listening()

    place.person.do = reset_first
    place.succeed(JoinWifi)
    assert [each.password for each in place.board.profiles_stored] == [HOME.password]
    if firmware.startswith("spark"):
        assert len(asked) == 1
        assert asked[0].startswith("Tap RESET")
    else:
        assert asked == []  # firmware from 0.4 is restarted over the serial port


@pytest.mark.parametrize("name", ["photon-0.5", "photon"])
def test_a_board_that_knows_a_network_is_made_to_listen_again(name: str, tmp_path: Path) -> None:
    place = left_amid(name, "", AT_NAME, tmp_path, known=True)
    place.person.willing = False
    place.succeed(JoinWifi, {"network": WifiAnswer((HOME_LOGIN,)), "join-light": "connected"})
    assert place.board.profiles_stored[-1].password == HOME.password


@pytest.mark.parametrize(("name", "firmware"), [("photon-0.7", "0.7"), ("photon", "2.x")])
def test_after_a_fault_amid_the_dialogue_trying_again_is_all_it_takes(name: str, firmware: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, firmware=firmware, profiles=False)
    place.person.willing = False
    without = WifiLogin(HOME.ssid, Security.OPEN, "")
    failed = place.fail(JoinWifi, {"network": WifiAnswer((without,))})
    assert (failed.code, failed.retryable) == ("wifi.wants-password", True)
    place.succeed(JoinWifi, {"network": WifiAnswer((HOME_LOGIN,)), "join-light": "connected"})
    assert [each.password for each in place.board.profiles_stored] == [HOME.password]


@pytest.mark.parametrize("typed", [AT_NAME, AT_PASSWORD_A])
@pytest.mark.parametrize("firmware", ["spark_1", "spark_3"])
def test_nobody_who_presses_reset_leaves_what_was_typed_unsaved(
    firmware: str, typed: tuple[bytes, ...], tmp_path: Path
) -> None:
    place = left_amid("core", firmware, typed, tmp_path)
    place.person.do = lambda _question: None  # for as long as the coach waits
    last = place.play(JoinWifi)
    assert isinstance(last, Failed)
    assert last.code == "board.did-not-return"
    assert place.board.profiles_stored == ()


@pytest.mark.parametrize(
    ("answers", "wanted", "sent"),
    [
        ({b"v": [b"v"], b"\x7f": []}, Presence.ECHOES, b"v\x7f"),
        ({b"v": [b"v"], b"\x7f": [b"\x7f"]}, Presence.ECHOES, b"v\x7f\x7f"),
        ({b"v": [b"you typed v\r\n"]}, Presence.SILENT, b"vi"),
        ({}, Presence.SILENT, b"vi"),
    ],
)
def test_what_only_repeats_is_asked_no_more(
    answers: dict[bytes, Iterable[bytes | float | Fault]], wanted: Presence, sent: bytes
) -> None:
    clock = FastClock()
    pipe = ScriptedSerialPipe(clock, answers)
    assert ListeningConsole(pipe, clock).presence(1.0) is wanted
    assert pipe.sent == sent


def test_only_an_empty_line_that_is_not_deleted_is_surely_a_prompt(tmp_path: Path) -> None:
    place = left_amid("photon", "2.x", AT_NAME, tmp_path)
    job = place.job()
    with job.console() as console:
        assert console.presence(1.0) is Presence.PROMPT
        assert console.presence(1.0) is Presence.PROMPT  # and what was typed has been taken back


@pytest.mark.parametrize(("name", "firmware"), [("core", "spark_11"), ("photon", "2.x")])
def test_a_board_that_hangs_is_reset_first(name: str, firmware: str, tmp_path: Path) -> None:
    place = desk(
        name,
        tmp_path,
        firmware=firmware,
        profiles=False,
        mishap=Mishap(silent_from=1),
        answers={"network": WifiAnswer((HOME_LOGIN,)), "join-light": "connected"},
    )
    asked: list[str] = []

    def reset(question: DoThis) -> None:
        asked.append(question.title.english())
        place.board.mishap = Mishap.NONE
        place.person.hand.reset()

    place.person.do = reset
    place.succeed(JoinWifi)
    assert len(asked) == 1
    assert asked[0].startswith("Tap RESET")


@pytest.mark.parametrize("recipe", [JoinWifi, ReadIdentity, ClearWifi])
def test_a_stop_amid_the_restart_does_not_leave_the_board_in_update_mode(
    recipe: type[Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = left_amid("photon-0.5", "0.5", AT_NAME, tmp_path)
    really_send = shared._send_baud

    def send_and_stop(job: Job, baud: int) -> bool:
        sent = really_send(job, baud)
        if baud == shared.DFU_BAUD:
            job.stop()
        return sent

    monkeypatch.setattr(shared, "_send_baud", send_and_stop)
    place.person.answers["forget"] = True
    assert isinstance(place.play(recipe), Stopped)
    place.clock.pause(20.0)
    place.board.tick()
    assert place.seen().mode is not Mode.DFU
