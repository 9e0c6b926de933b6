"""What can go wrong with cable and port amid the Wi-Fi dialogue, on a real tty: a clear end, and no half password."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from support.wifi_mishaps import ROWS, Row

from app.protocols import wifi_dialogue
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Note, Succeeded
from app.work.questions import DoThis
from app.work.wifi_form import WifiAnswer
from lab.desk import BOARD_TIMES, Desk
from lab.wifi_desk import WifiDesk, wifi_desk

pytestmark = pytest.mark.lab

LOST, STOPPED, NO_DIALOGUE = "wifi.dialogue-lost", "wifi.dialogue-stopped", "wifi.no-dialogue"
QUIET_S = 0.065 * BOARD_TIMES  # longer than the dialogue waits for more, in the board's seconds
HOLD = "import serial, sys; port = serial.Serial({!r}, exclusive=True); print('held', flush=True); sys.stdin.read()"
STEAL = """
import os, select, sys
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # of two who wait for a byte this one wakes first
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
print("ready", flush=True)
sys.stdin.readline()
with open(sys.argv[2], "wb", buffering=0) as loot:
    while True:
        select.select([port], [], [])
        try:
            loot.write(os.read(port, 4096))
        except BlockingIOError:
            pass  # the other one was at it already
"""


def row(begins: str) -> Row:
    """The row of the table that begins so."""
    return next(each for each in ROWS if each.words.startswith(begins))


def run(at: WifiDesk) -> Event:
    """Tell the board its network, as the window does."""
    return at.place.run("join-wifi", {"network": WifiAnswer((at.row.login,)), "join-light": "connected"})


def holds_all_or_nothing(at: WifiDesk) -> bool:
    """Insist that the board has no part of what it was told, that no line was cut, and that nobody else knows."""
    assert at.stored in ([], [at.wanted])
    assert at.strange() == []
    shown = [repr(event) for event in at.place.news]
    assert at.leaks(at.row.secret, *shown) == []
    return bool(at.stored)


def failed(event: Event, *codes: str) -> Failed:
    """Insist on one of these faults, with a cause and something to do."""
    assert isinstance(event, Failed), event
    assert event.code in codes, event
    assert event.cause.english()
    assert event.next_step.english()
    return event


@contextmanager
def short_waits() -> Iterator[None]:
    """Wait less for a board that will not answer; the full waits are tested where time costs nothing."""
    with (
        mock.patch.object(wifi_dialogue, "FIRST_S", 1.0),
        mock.patch.object(wifi_dialogue, "SCAN_S", 1.5),
        mock.patch.object(wifi_dialogue, "ANSWER_S", 1.0),
        mock.patch.object(wifi_dialogue, "SAVING_S", 1.5),
    ):
        yield


Act = Callable[[WifiDesk], None]


def reset(at: WifiDesk) -> None:
    at.side.reset(at.place.board)


def pull(at: WifiDesk) -> None:
    at.side.mute()
    at.place.pull_soon()


@pytest.mark.parametrize(
    ("begins", "question", "count", "act"),
    [
        ("B: Core", "saving", 0, reset),
        ("C: Photon", "password", 31, reset),
        ("E: Photon 2.x", "password", 64, reset),
        ("D: Core", "name", 7, pull),
        ("E: Photon 2.x, EAP", "private-key", 30, pull),
    ],
)
def test_a_board_that_goes_away_amid_the_dialogue_holds_nothing(
    begins: str, question: str, count: int, act: Act, desk: Desk, tmp_path: Path
) -> None:
    with wifi_desk(desk, tmp_path, row(begins), listens=True) as at:
        at.side.at(question, count, lambda: act(at))
        failed(run(at), LOST)
        assert not holds_all_or_nothing(at)
        assert len(at.side.left) == count


@pytest.mark.parametrize(
    ("begins", "question", "count", "code"),
    [
        ("E: Photon 2.x", "name", 0, NO_DIALOGUE),
        ("D: Core", "name", 32, STOPPED),
        ("A", "password", 16, STOPPED),
        ("B: Core", "saving", 0, STOPPED),
    ],
)
def test_a_board_that_no_longer_answers_holds_nothing(
    begins: str, question: str, count: int, code: str, desk: Desk, tmp_path: Path
) -> None:
    with wifi_desk(desk, tmp_path, row(begins), listens=True) as at, short_waits():
        at.side.at(question, count, at.side.mute)
        failed(run(at), code)
        assert not holds_all_or_nothing(at)
        assert len(at.side.left) == count


@pytest.mark.parametrize("begins", ["C: Core", "E: Photon 2.x"])
def test_words_in_single_bytes_with_pauses_amid_them_are_the_same_words(
    begins: str, desk: Desk, tmp_path: Path
) -> None:
    with wifi_desk(desk, tmp_path, row(begins), listens=True) as at:
        at.side.gap, at.side.quiet = 0.001, QUIET_S
        event = run(at)
        assert isinstance(event, Succeeded), event
        assert holds_all_or_nothing(at)


@pytest.mark.parametrize("begins", ["B: Core", "E: Photon 2.x"])
def test_noise_amid_the_dialogue_ends_in_a_network_or_a_fault(begins: str, desk: Desk, tmp_path: Path) -> None:
    with wifi_desk(desk, tmp_path, row(begins), listens=True) as at, short_waits():

        def noisy() -> None:
            at.place.board.mishap = Mishap(garbage=True)

        at.side.at("password", 5, noisy)
        event = run(at)
        if isinstance(event, Failed):
            failed(event, STOPPED, "wifi.noise")
        held = holds_all_or_nothing(at)
        assert held or isinstance(event, Failed)


def test_a_port_that_another_program_begins_to_read_ends_in_a_fault(desk: Desk, tmp_path: Path) -> None:
    with wifi_desk(desk, tmp_path, row("D: Photon"), listens=True) as at, short_waits():
        port = desk.sighting(at.place.cable)
        assert port is not None
        stolen = tmp_path / "stolen"
        thief = subprocess.Popen(
            [sys.executable, "-c", STEAL, str(port.serial_port), str(stolen)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert thief.stdout is not None
        assert thief.stdout.readline() == b"ready\n"

        def steal() -> None:
            assert thief.stdin is not None
            thief.stdin.write(b"go\n")
            thief.stdin.flush()

        at.side.at("name", 32, steal)  # what the board says after that is the thief's
        try:
            event = run(at)
        finally:
            thief.kill()
            thief.communicate(timeout=10)
        held = holds_all_or_nothing(at)
        assert stolen.read_bytes() != b""
        failed(event, LOST, STOPPED)
        assert not held or at.side.taken[-1][0] == "password"


def test_a_port_that_another_program_holds_is_named_and_nothing_is_sent(desk: Desk, tmp_path: Path) -> None:
    with wifi_desk(desk, tmp_path, row("E: Photon 2.x"), listens=True) as at:
        port = desk.sighting(at.place.cable)
        assert port is not None
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(port.serial_port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            fault = failed(run(at), "usb.port-busy")
        finally:
            holder.communicate(timeout=10)
        assert str(holder.pid) in f"{fault.detail} {fault.cause.english()} {fault.next_step.english()}"
        assert at.side.taken == []
        event = run(at)
        assert isinstance(event, Succeeded), event
        assert holds_all_or_nothing(at)


@pytest.mark.parametrize("begins", ["C: Core", "E: Photon 2.x"])
def test_a_board_left_amid_its_dialogue_is_restarted_by_the_rate_of_its_port(
    begins: str, desk: Desk, tmp_path: Path
) -> None:
    with wifi_desk(desk, tmp_path, row(begins), listens=True) as at:
        port = desk.sighting(at.place.cable)
        assert port is not None
        asks = threading.Event()
        half = threading.Event()
        at.side.at("name", 0, asks.set)
        with at.place.bus.open_serial(port, 9600) as pipe:
            desk.await_("listening", lambda: at.place.board.listening_now or None)
            pipe.write(b"w", 1000)
            desk.await_("the question", lambda: asks.is_set() or None)
            at.side.at("name", 4, half.set)
            pipe.write(b"Half", 1000)
            desk.await_("half a name", lambda: half.is_set() or None)
        event = run(at)
        assert isinstance(event, Succeeded), event
        assert holds_all_or_nothing(at)
        assert any(isinstance(each, Note) and "has to restart" in each.words.english() for each in at.place.news)
        assert not any(isinstance(each, Asked) and isinstance(each.question, DoThis) for each in at.place.news)
