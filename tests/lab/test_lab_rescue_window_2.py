"""The other recipes in the window on the real kernel's USB stack: from the first click to the board's bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.clicks import Screen
from app.firmware.pack import pick
from app.platforms.model import Mode
from app.virtual.images import practice_tinker
from app.virtual.timing import Timing
from app.work.questions import Confirm, Question, WatchLight
from lab.station import MakeStation
from lab.window import RUN_MS, Window, window_on

pytestmark = pytest.mark.lab

FORGETS_S = 11.0  # a person holds a little longer than the 10 s it takes
QUICK_RADIO = replace(Timing.TYPICAL, stage=0.5, copy=1.0, radio_patch=5.0, ota=5.0)


def test_a_core_is_looked_at_and_saved_and_comes_back_after_dfu_util_wrote_over_it(
    station: MakeStation, qtbot: QtBot
) -> None:
    place = station("core")
    row = place.kind.region("application")
    keys, before = place.secrets(), place.cells(row.key, row.size)
    other = place.pack.read(pick("core", "tinker").name)
    with window_on(place, qtbot) as window:
        window.start("x-ray")
        found = window.outcome().xray
        assert found is not None
        used = found.slot(row.key).used
        assert place.dfu_util_reads(row.alt, row.start, used) == before[:used]
        window.click("done")

        window.start("save-board")
        window.outcome()
        (dump,) = place.undo.dumps()
        assert dump.missing == ()
        kept = {part.region: place.undo.read(part) for part in dump.parts}
        assert kept[row.key] == before == place.dfu_util_reads(row.alt, row.start, row.size)
        window.click("done")

        place.dfu_util_writes(row.key, other)
        assert place.cells(row.key, len(other)) == other != before[: len(other)]

        window.start("put-back")
        window.choose("what", f"dump-{dump.id}")
        window.agree()
        window.outcome()
    place.await_running()
    place.into_dfu()
    assert place.dfu_util_reads(row.alt, row.start, row.size) == before
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()


def test_the_deep_update_from_the_first_click_to_breathing_cyan(station: MakeStation, qtbot: QtBot) -> None:
    place = station("core-old-radio", profiles=True, timing=QUICK_RADIO)
    row = place.kind.region("application")
    keys = place.secrets()
    image, newest = place.pack.read(pick("core", "deep-update").name), practice_tinker()
    with window_on(place, qtbot) as window:
        window.start("deep-update")
        window.choose("network", "known")
        window.agree()
        window.wait(lambda: place.cells(row.key, len(image)) == image, RUN_MS)
        say_cyan(window, newest)
        assert not window.outcome().unfinished
    assert place.undo.interrupted() == ()
    place.into_dfu()
    assert place.dfu_util_reads(row.alt, row.start, len(newest)) == newest
    assert place.secrets() == keys


def say_cyan(window: Window, newest: bytes) -> None:
    """Look at the board until it breathes cyan for good, and click that until the run is over: it may ask anew."""
    place = window.place
    told: list[Question] = []

    def over() -> bool:
        asked = window.asked
        cyan = place.board.light_pattern == "breathing cyan" and place.cells("application", len(newest)) == newest
        if cyan and isinstance(asked, WatchLight) and asked not in told and window.shows("light-cyan"):
            told.append(asked)
            window.click("light-cyan")
        return window.shell.state.screen is Screen.RESULT

    window.wait(over, RUN_MS)


def test_a_core_forgets_its_networks_and_nothing_else(station: MakeStation, qtbot: QtBot) -> None:
    place = station("core", profiles=True)
    rows = [place.kind.region(key) for key in ("application", "factory")]
    keys, before = place.secrets(), [place.cells(row.key, row.size) for row in rows]
    with window_on(place, qtbot) as window:
        window.start("clear-wifi")
        window.wait_for(Confirm, "forget")
        window.click_words("Forget them")
        window.press("enter-listening")
        window.wait_for(WatchLight, "clear-wifi")
        known = [place.board.profiles]
        window.by_hand(lambda: place.hand.hold_mode(FORGETS_S))
        known.append(place.board.profiles)
        assert known == [True, False]
        window.click("light-done")
        assert "has forgotten" in window.outcome().summary.english()
    place.into_dfu()
    assert [place.dfu_util_reads(row.alt, row.start, row.size) for row in rows] == before
    assert place.secrets() == keys


def test_a_core_copies_its_factory_firmware_over_its_program(station: MakeStation, qtbot: QtBot) -> None:
    place = station("core", profiles=True)
    application, factory = place.kind.region("application"), place.kind.region("factory")
    keys, image = place.secrets(), place.cells(factory.key, factory.size).rstrip(b"\xff")
    assert place.cells(application.key, len(image)) != image
    with window_on(place, qtbot) as window:
        window.start("factory-reset")
        window.wait_for(Confirm, "factory-reset")
        window.click_words("Do the factory reset")
        window.press("press-factory-reset")
        assert "started again" in window.outcome().summary.english()
    assert not place.board.profiles, "this boot loader knows no reset that keeps them"
    place.into_dfu()
    assert place.dfu_util_reads(application.alt, application.start, len(image)) == image
    assert place.dfu_util_reads(factory.alt, factory.start, len(image)) == image
    assert place.secrets() == keys


def test_a_photon_without_factory_firmware_is_told_so_and_nothing_changes(station: MakeStation, qtbot: QtBot) -> None:
    place = station("photon")
    row = place.kind.region("user")
    before = place.board.memories()
    with window_on(place, qtbot) as window:
        window.start("factory-reset")
        outcome = window.outcome()
        assert window.shell.state.board is not None
        assert window.shell.state.board.mode is Mode.DFU
    assert "no factory firmware" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-system",)
    assert place.board.memories() == before
    assert place.dfu_util_reads(row.alt, row.start, row.size) == place.cells(row.key, row.size)
