"""The deep update on the command line: answered beforehand, typed at a prompt, as JSON, and with nobody there."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

from support.ears import Ears
from support.offline import Offline
from support.patient_clock import PatientClock
from support.real_pack import real_pack

from app import console
from app.console import Desk
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.terminal import DONE, STOPPED, Terminal
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand

AGREED = {"network": "known", "plan": "yes"}
FACTOR = 100.0  # faster, and a busy machine lets the board's light go by before anybody looks


class Typist(io.StringIO):
    """Standard input, with somebody at it or not."""

    def __init__(self, words: str = "", *, there: bool = True) -> None:
        super().__init__(words)
        self._there = there

    def isatty(self) -> bool:
        return self._there


class Seat:
    """A Core with an old radio in update mode, and a terminal whose output is kept."""

    def __init__(self, folder: Path, typist: Typist | None = None, *, profiles: bool = True) -> None:
        clock = PatientClock(FACTOR)
        self.board = make("core-old-radio", clock, profiles=profiles)
        self._desk = Desk(VirtualBus(clock, (self.board,)), clock, {"1-1": self.board})
        self._safe = KeySafe(folder / "safe", practice=True)
        self._undo = UndoStore(folder / "boards", safe=self._safe)
        self._clouds = CloudBook(folder / "clouds")
        self._pack = real_pack()
        self.news = io.StringIO()
        self.asides = io.StringIO()
        self._terminal = Terminal(typist or Typist(there=False), self.news, self.asides)
        clock.pause(5)
        PracticeHand(self.board).enter_dfu()
        clock.pause(5)

    def run(self, answers: Mapping[str, str], *, as_json: bool = False) -> int:
        return console.run(
            "deep-update",
            self._desk,
            self._safe,
            self._terminal,
            board=None,
            answers=answers,
            as_json=as_json,
            pack=self._pack,
            undo=self._undo,
            clouds=self._clouds,
            network=Offline(),
            scanner=Ears(),
        )

    @property
    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()


def test_with_nobody_there_it_ends_when_the_board_is_back_on_usb(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    assert seat.run(AGREED) == DONE
    assert seat.board.radio.value == "1.13.7"
    assert any("--answer light=cyan: It breathes cyan, and has done so" in line for line in seat.lines)
    assert any("shows on USB as newer firmware does" in line for line in seat.lines)


def test_the_light_is_typed_at_the_prompt(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Typist("green\ncyan\n"))
    assert seat.run(AGREED) == DONE
    assert any("and this Core is connected" in line for line in seat.lines)
    assert "one of cyan, blue" in seat.asides.getvalue()
    assert "yellow: It blinks yellow, I think" in seat.asides.getvalue()


def test_all_questions_are_asked_one_after_the_other(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Typist("later\nyes\ncyan\n"))
    assert seat.run({}) == DONE
    assert any("Stored Wi-Fi" in line for line in seat.lines)


def test_no_to_the_plan_stops_and_changes_nothing(tmp_path: Path) -> None:
    seat = Seat(tmp_path, Typist())
    before = bytes(seat.board.internal), bytes(seat.board.spi)
    assert seat.run({**AGREED, "plan": "no"}) == STOPPED
    assert (bytes(seat.board.internal), bytes(seat.board.spi)) == before


def test_json_tells_the_lights_the_options_and_the_end(tmp_path: Path) -> None:
    seat = Seat(tmp_path, profiles=False)
    assert seat.run(AGREED, as_json=True) == DONE
    events = [json.loads(line) for line in seat.lines]
    questions = [each["question"] for each in events if each["event"] == "Asked"]
    assert [each["kind"] for each in questions] == ["Review", "WatchLight"]
    assert questions[1]["name"] == "light"
    assert questions[1]["stages"][0]["light"] == "core-radio.deep-update"
    assert [key for key, _ in questions[1]["options"]] == ["cyan", "blue", "connecting", "frozen", "red", "dark"]
    assert events[-1]["event"] == "Succeeded"
    assert events[-1]["outcome"]["next_recipes"] == ["join-wifi", "full-firmware-upgrade"]


def test_the_other_recipe_is_named_as_a_command(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    assert seat.run({"network": "instead"}) == DONE
    assert any(line.strip() == "Next: rekindle run full-firmware-upgrade" for line in seat.lines)
