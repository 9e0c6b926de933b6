"""The X-ray, a plan and a whole rescue at the command line: as a table, as a numbered list, as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.ears import Ears
from support.offline import Offline
from support.patient_clock import PatientClock
from support.real_pack import real_pack

from app import console
from app.console import Desk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.plan_lines import duration, light_lines, plan_lines, xray_lines
from app.platforms.table import platform
from app.terminal import DONE, FAULT, Terminal
from app.text import text
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.plan import Health, PlannedWrite, RescuePlan, SlotState, SlotView, Verdict, XRay
from app.work.questions import LightStage, WatchLight

WORDS = text("Test", "Some words.")


class Nobody(io.StringIO):
    """Standard input with nobody at it."""

    def isatty(self) -> bool:
        return False


class Typist(io.StringIO):
    """Standard input with somebody who types these lines."""

    def isatty(self) -> bool:
        return True


class Seat:
    """A practice board in update mode, and a terminal whose output is kept."""

    def __init__(
        self, folder: Path, name: str, pack: RescuePack | None = None, typist: io.StringIO | None = None
    ) -> None:
        self.clock = clock = PatientClock(160.0)
        self.board = make(name, clock)
        self.desk = Desk(VirtualBus(clock, [self.board]), clock, {"1-1": self.board})
        self.safe = KeySafe(folder / "safe", practice=True)
        self.undo = UndoStore(folder / "boards", safe=self.safe)
        self.clouds = CloudBook(folder / "clouds")
        self.pack = pack or RescuePack(folder / "pack")
        self.news, self.asides = io.StringIO(), io.StringIO()
        self.terminal = Terminal(typist or Nobody(), self.news, self.asides)
        clock.pause(5)
        PracticeHand(self.board).enter_dfu()
        clock.pause(2)

    def run(self, recipe: str, answers: Mapping[str, str] | None = None, *, as_json: bool = False) -> int:
        return console.run(
            recipe,
            self.desk,
            self.safe,
            self.terminal,
            board=None,
            answers=answers or {},
            as_json=as_json,
            pack=self.pack,
            undo=self.undo,
            clouds=self.clouds,
            network=Offline(),
            scanner=Ears(),
        )

    @property
    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()


def test_the_x_ray_is_a_table_with_a_verdict(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core-no-firmware")
    assert seat.run("x-ray") == DONE
    (row,) = [line for line in seat.lines if line.strip().startswith("Firmware ")]
    assert "0x08005000" in row
    assert "110592 bytes" in row
    assert "Empty" in row
    assert "  Helps: rekindle run full-firmware-upgrade" in seat.lines
    assert "  Next: rekindle run full-firmware-upgrade" not in seat.lines  # said once is enough


def test_the_x_ray_as_json_has_every_slot_and_no_bytes(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    assert seat.run("x-ray", as_json=True) == DONE
    last = json.loads(seat.lines[-1])
    xray = last["outcome"]["xray"]
    slots = {slot["region"]: slot for slot in xray["slots"]}
    assert slots["system-1"]["start"] == 0x0802_0000
    assert slots["system-1"]["state"] == "good"
    assert len(slots["system-1"]["sha256"]) == 64
    assert slots["dct"]["sha256"] == ""
    assert xray["verdict"]["health"] == "nothing-wrong"
    assert last["outcome"]["next_recipes"] == []


def test_a_plan_agreed_to_beforehand_is_printed_and_carried_out(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", real_pack())
    assert seat.run("full-firmware-upgrade", {"radio-patch": "1.13.7", "plan": "yes"}) == DONE
    said = "\n".join(seat.lines)
    assert "Will be written, in this order:" in said
    assert "  1. Spark Core: Tinker" in said
    assert "alt 1 0x00020000: 98932 bytes" in said
    assert "from cc3000-patch-programmer.bin" in said
    assert "Blinking magenta" in said
    assert "Verdict: Nothing wrong was found." in said


def test_a_system_is_restored_with_answers_given_beforehand(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon", real_pack())
    answers = {"release": "2.2.0", "application": "tinker", "plan": "yes"}
    assert seat.run("restore-system", {**answers, "downgrade": "no"}) == FAULT
    seat.clock.pause(10)
    assert seat.run("restore-system", {**answers, "downgrade": "yes"}) == DONE
    said = "\n".join(seat.lines)
    assert "the board has newer system firmware" in said.lower()
    assert "The board says: 2.2.0" in said


def test_where_nobody_can_be_asked_the_plan_is_shown_with_the_answer_it_takes(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", real_pack())
    before = bytes(seat.board.internal), bytes(seat.board.spi)
    assert seat.run("full-firmware-upgrade", {"radio-patch": "1.13.7"}) == FAULT
    assert any("--answer plan=yes" in line for line in seat.lines)
    assert any("Will be written" in line for line in seat.lines)
    assert (bytes(seat.board.internal), bytes(seat.board.spi)) == before


def test_a_person_at_the_terminal_says_no_to_the_plan(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", real_pack(), typist=Typist("1.14\nno\n"))
    before = bytes(seat.board.internal), bytes(seat.board.spi)
    assert seat.run("full-firmware-upgrade") == 130
    assert "Do it (yes) / Leave the board as it is (no):" in seat.asides.getvalue()
    assert (bytes(seat.board.internal), bytes(seat.board.spi)) == before


def test_the_plan_as_json_has_what_is_promised(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "core", real_pack())
    assert seat.run("full-firmware-upgrade", {"radio-patch": "1.14", "plan": "no"}, as_json=True) == 130
    events = [json.loads(line) for line in seat.lines]
    (asked,) = [each for each in events if each["event"] == "Asked" and each["question"]["kind"] == "Review"]
    plan = asked["question"]["plan"]
    assert set(plan) >= {"xray", "writes", "stays", "needs", "warnings", "seconds"}
    assert [write["region"] for write in plan["writes"]] == ["factory", "application", "application"]
    key = bytes(seat.board.spi[0x2000:0x2010]).hex()
    assert key not in "\n".join(seat.lines)


# --- the lines alone ---


SLOT = SlotView("factory", WORDS, 1, 0x20000, 131072, 0, SlotState.BLANK, WORDS, WORDS)
XRAY = XRay("core", (SLOT,), Verdict(Health.OVER_USB, (WORDS,), ("x-ray",)))


@pytest.mark.parametrize(
    ("changed", "words"), [(None, "100 bytes, about"), (0, "all of them there already"), (7, "7 of them change")]
)
def test_a_write_tells_how_much_changes_when_that_is_known(changed: int | None, words: str) -> None:
    write = PlannedWrite(WORDS, "factory", WORDS, 1, 0x20000, 100, changed, WORDS, "a file", 5.0)
    lines = plan_lines(RescuePlan(XRAY, (write,), (WORDS,), (WORDS,), (WORDS,), 300.0))
    assert any(words in line for line in lines)
    assert [line for line in lines if line.startswith("  Stays:")]
    assert [line for line in lines if line.startswith("  Needed:")]
    assert [line for line in lines if line.startswith("  Warning:")]
    assert lines[-1] == "  Takes: about 5 minutes"


def test_a_plan_with_nothing_to_write_says_so() -> None:
    assert "Nothing has to be written." in plan_lines(RescuePlan(XRAY, ()))


def test_every_state_and_verdict_has_words() -> None:
    for state in SlotState:
        for health in Health:
            slot = SlotView("factory", WORDS, 1, 0, 1, 0, state, WORDS)
            assert all(line.strip() for line in xray_lines(XRay("core", (slot,), Verdict(health))))


def test_stages_of_a_light_are_numbered_and_named() -> None:
    stages = (LightStage("core-radio.patching", WORDS, 60.0), LightStage("core-radio.patched", WORDS))
    lines = light_lines(WatchLight("light", WORDS, WORDS, platform("core"), stages))
    assert lines == [
        "  1. Blinking magenta, a little slowly, about 60 s: Some words.",
        "  2. Solid green: Some words.",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "about 1 s"), (59.6, "about 60 s"), (89.0, "about 89 s"), (150.0, "about 2 minutes")]
)
def test_times_are_no_more_exact_than_they_are_known(seconds: float, words: str) -> None:
    assert duration(seconds) == words
