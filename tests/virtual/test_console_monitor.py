"""The serial monitor at the command line, on virtual boards."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from typing import TextIO, cast

import pytest
from support.patient_clock import PatientClock

from app.console import Desk, WrongUsageError
from app.console_monitor import watch_port
from app.terminal import DONE, FAULT, STOPPED, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand

PASSWORD = "forty winks"
LIMIT_S = 20.0
CTRL_C = "\x03"


class Typist(io.TextIOBase):
    """Standard input of somebody who waits for words before each line, and may press Ctrl-C at last."""

    def __init__(self, news: io.StringIO, *talk: tuple[str, str]) -> None:
        super().__init__()
        self._news = news
        self._talk = list(talk)

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]  # as typeshed has it for text
        if not self._talk:
            return ""
        words, line = self._talk.pop(0)
        end = time.monotonic() + LIMIT_S
        while words not in self._news.getvalue() and time.monotonic() < end:
            threading.Event().wait(0.005)
        if line == CTRL_C:
            os.kill(os.getpid(), signal.SIGINT)
            return ""
        return line + "\n"


def listen(
    board: str, *talk: tuple[str, str], as_hex: bool = False, seconds: float | None = None, count: int = 1
) -> tuple[int, str, str]:
    """Run the monitor beside a listening board; return its exit code and what it printed."""
    clock = PatientClock(100.0)
    boards = [make(board, clock, profiles=True) for _ in range(count)]
    bus = VirtualBus(clock, boards)
    for each in boards:
        PracticeHand(each).enter_listening()
    while len(bus.sightings()) < count:  # a Core of 2013 is on USB only in listening mode
        clock.pause(0.1)
    news, asides = io.StringIO(), io.StringIO()
    terminal = Terminal(cast(TextIO, Typist(news, *talk)), news, asides)
    try:
        code = watch_port(Desk(bus, clock, {}), terminal, board=None, stamps=False, as_hex=as_hex, seconds=seconds)
    finally:
        bus.close()
    return code, news.getvalue(), asides.getvalue()


def test_a_dialogue_is_led_from_a_terminal_and_the_password_is_not_printed() -> None:
    code, news, asides = listen(
        "core",
        ("is open at 9600 8N1", "i"),
        ("Your core id is ", "w"),
        ("SSID: ", "at home"),
        ("WPA2: ", "3"),
        ("Password: ", PASSWORD),
        ("Spark <3 you!", CTRL_C),
    )
    assert code == STOPPED
    assert PASSWORD not in news
    assert news.count("< SSID: ") == 1
    assert "> at home\n< at home\n" in news
    assert "Ctrl-C" in asides


def test_bytes_are_printed_as_hex_digits_when_asked_for() -> None:
    code, news, _ = listen("photon", ("is open", "i"), ("6f 75 72", CTRL_C), as_hex=True)
    assert code == STOPPED
    assert "> 69 0a  |i.|" in news
    assert "< 59 6f 75 72 20" in news


def test_it_ends_by_itself_when_asked_to() -> None:
    assert listen("photon", seconds=30.0)[0] == DONE


def test_without_a_board_it_says_so() -> None:
    clock = PatientClock(100.0)
    news, asides = io.StringIO(), io.StringIO()
    terminal = Terminal(io.StringIO(), news, asides)
    code = watch_port(Desk(VirtualBus(clock), clock, {}), terminal, board=None, stamps=True, as_hex=False, seconds=None)
    assert code == FAULT


def test_with_several_boards_one_has_to_be_named() -> None:
    with pytest.raises(WrongUsageError):
        listen("photon", count=2)
