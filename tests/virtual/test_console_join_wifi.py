"""Joining a network from a terminal: the list, the name, the password that does not show; and from a script."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import console
from app.console import Desk
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.virtual.air import HOME
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make

PASSWORD = HOME.password.decode()


class Somebody(Terminal):
    """A terminal at which somebody types these lines."""

    def __init__(self, *lines: str) -> None:
        self.news, self.asides = io.StringIO(), io.StringIO()
        super().__init__(io.StringIO(), self.news, self.asides)
        self._lines = list(lines)
        self.hidden: list[bool] = []

    @property
    def has_person(self) -> bool:
        return bool(self._lines) or bool(self.hidden)

    def read(self, prompt: str, *, secret: bool) -> str:
        self.hidden.append(secret)
        if not self._lines:
            raise EOFError
        return self._lines.pop(0)


def run(folder: Path, terminal: Terminal, *, as_json: bool = False, firmware: str = "", **answers: str) -> int:
    clock = PatientClock(1500.0)
    board = make("photon", clock, profiles=False, firmware=firmware)
    safe = KeySafe(folder / "safe", practice=True)
    code = console.run(
        "join-wifi",
        Desk(VirtualBus(clock, [board]), clock, {"1-1": board}),
        safe,
        terminal,
        board=None,
        answers={name.replace("_", "-"): value for name, value in answers.items()},
        as_json=as_json,
        **stores(folder, safe),
    )
    if code == DONE:
        (stored,) = board.profiles_stored
        assert (stored.ssid, stored.password) == (HOME.ssid, HOME.password)
    return code


def test_the_password_is_asked_without_showing_it(tmp_path: Path) -> None:
    somebody = Somebody("1", PASSWORD, "connected")
    assert run(tmp_path, somebody, firmware="1.2") == DONE, somebody.news.getvalue()
    assert somebody.hidden == [False, True, False]
    told = somebody.news.getvalue() + somebody.asides.getvalue()
    assert "1. Practice, 90 %, channel 6, WPA2" in told
    assert PASSWORD not in told


def test_a_network_nobody_sees_is_asked_for_its_security(tmp_path: Path) -> None:
    somebody = Somebody("Practice", "perhaps", "wpa2", PASSWORD, "connected")
    assert run(tmp_path, somebody) == DONE, somebody.news.getvalue()
    assert somebody.hidden == [False, False, False, True, False]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_script_with_the_password_in_a_file(as_json: bool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(PASSWORD + "\n", encoding="utf-8")
    terminal = Terminal(io.StringIO(), news := io.StringIO(), io.StringIO())
    network = json.dumps({"ssid": "Practice", "security": "wpa2", "password-file": str(tmp_path / "secret")})
    assert run(tmp_path, terminal, as_json=as_json, network=network) == DONE, news.getvalue()
    assert PASSWORD not in news.getvalue()


def test_a_script_that_puts_the_password_on_the_line_is_told_how(tmp_path: Path) -> None:
    terminal = Terminal(io.StringIO(), news := io.StringIO(), io.StringIO())
    assert run(tmp_path, terminal, network="Practice", security="wpa2", password=PASSWORD) == FAULT
    assert "password-file" in news.getvalue()
    assert PASSWORD not in news.getvalue()
