"""The key check on the command line: answered beforehand, typed at a prompt, as JSON, and saved for the cloud."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import console
from app.console import Desk
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand

FACTOR = 800.0


class Typist(io.StringIO):
    """Standard input, with somebody at it or not."""

    def __init__(self, words: str = "", *, there: bool = True) -> None:
        super().__init__(words)
        self._there = there

    def isatty(self) -> bool:
        return self._there


class Seat:
    """A board in update mode, and a terminal whose output is kept."""

    def __init__(self, folder: Path, name: str, typist: Typist | None = None) -> None:
        clock = PatientClock(FACTOR)
        self.board = make(name, clock, profiles=True)
        self._desk = Desk(VirtualBus(clock, (self.board,)), clock, {"1-1": self.board})
        self.safe = KeySafe(folder / "safe", practice=True)
        self._stores = stores(folder, self.safe)
        self.news = io.StringIO()
        self.asides = io.StringIO()
        self._terminal = Terminal(typist or Typist(there=False), self.news, self.asides)
        clock.pause(5)
        PracticeHand(self.board).enter_dfu()
        clock.pause(5)

    def run(self, answers: Mapping[str, str], *, as_json: bool = False) -> int:
        return console.run(
            "check-keys",
            self._desk,
            self.safe,
            self._terminal,
            board=None,
            answers=answers,
            as_json=as_json,
            **self._stores,
        )

    @property
    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()


@pytest.mark.parametrize("name", ["core", "photon", "p1", "electron"])
def test_with_the_light_answered_beforehand_it_needs_nobody(name: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, name)
    assert seat.run({"light": "orange"}) == DONE
    assert any("There is no server key on the board" in line for line in seat.lines)
    assert any("At fault" in line and "the server key" in line for line in seat.lines)
    assert any("switch-cloud" in line for line in seat.lines)
    assert seat.safe.backups()


def test_the_light_is_typed_at_the_prompt_and_its_rhythm_is_said(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon", Typist("purple\nmagenta\n"))
    assert seat.run({}) == DONE
    told = seat.asides.getvalue() + seat.news.getvalue()
    assert "Fast cyan, then a magenta flash" in told
    assert "one short flash" in told
    assert "unseen" in told


def test_with_nobody_there_and_no_answer_it_says_which_answer_is_missing(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    assert seat.run({}) == FAULT
    assert any("light" in line for line in seat.lines)


def test_json_tells_the_cards_the_finding_and_the_public_key(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon", Typist())
    assert seat.run({"light": "orange"}, as_json=True) == DONE
    end = json.loads(seat.lines[-1])
    assert end["event"] == "Succeeded"
    outcome = end["outcome"]
    assert {fact["key"] for fact in outcome["facts"]} >= {
        "key",
        "fingerprint",
        "public-half",
        "server-key",
        "server-host",
        "server-port",
        "cloud",
        "culprit",
    }
    (letter,) = outcome["documents"]
    assert letter["content"].startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in seat.news.getvalue()
