"""The window from click to safe, on practice boards: real engine, real protocol code, no board."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot
from support.window import WAIT_MS, Desk

from app.clicks import PickRecipe, Screen
from app.keys.device_key import KeyState
from app.platforms.model import Mode
from app.ui.parts.coach_view import CoachView
from app.virtual.bus import VirtualUsbPipe
from app.virtual.catalogue import make
from app.work.events import Failed, Stopped, Succeeded
from app.work.questions import DoThis

MakeDesk = Callable[..., Desk]
CORE_KEY_AT = 0x2000  # SPI flash, device-protocol.md 3.2
CORE_KEY_SIZE = 612


def words_on(desk: Desk) -> str:
    shown = [each.text() for each in desk.window.findChildren(QLabel) if each.isVisible()]
    return "\n".join(shown).replace("\u200b", "")


def run_to_the_end(desk: Desk) -> None:
    """Start the planned run; press the board's buttons whenever the coach asks for update mode."""

    def ended() -> bool:
        run = desk.window.state.run
        return run is not None and not run.live

    def ended_or_asked() -> bool:
        run = desk.window.state.run
        return ended() or (run is not None and run.asked is not None)

    desk.click("start")
    desk.qtbot.waitUntil(ended_or_asked, timeout=WAIT_MS)
    if not ended():
        run = desk.window.state.run
        assert run is not None
        assert run.asked is not None
        assert isinstance(run.asked.question, DoThis)
        desk.qtbot.waitUntil(
            lambda: any(coach.isVisible() for coach in desk.window.findChildren(CoachView)), timeout=WAIT_MS
        )
        desk.enter_dfu()
        desk.qtbot.waitUntil(ended, timeout=WAIT_MS)


def test_a_photon_key_goes_into_the_safe_by_two_clicks(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.click("back-up-now")
    assert photon.screen is Screen.PLAN
    assert "Nothing. The board is only read." in words_on(photon)
    run_to_the_end(photon)
    photon.wait_for_screen(Screen.RESULT)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    (kept,) = photon.safe.backups()
    assert (kept.state, kept.device_id, kept.damaged) == (KeyState.GOOD, photon.board.device_id, None)
    assert kept.file(".bin").read_bytes() in bytes(photon.board.dct)
    photon.qtbot.waitUntil(lambda: bool(photon.window.state.backups), timeout=WAIT_MS)
    photon.click("done")
    photon.wait_for_board()
    assert "backed up" in words_on(photon)


def test_a_core_key_goes_into_the_safe_with_the_button_coach(desk: MakeDesk) -> None:
    core = desk("core")
    core.wait_for_board()
    core.click("back-up-now")
    run_to_the_end(core)
    run = core.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    (kept,) = core.safe.backups()
    slot = bytes(core.board.spi[CORE_KEY_AT : CORE_KEY_AT + CORE_KEY_SIZE])
    assert kept.file(".bin").read_bytes() == slot
    assert kept.device_id == core.board.device_id


def test_the_device_id_is_shown_copied_and_drawn_as_a_code(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.click("card-read-id")
    run_to_the_end(photon)
    photon.wait_for_screen(Screen.RESULT)
    assert photon.board.device_id in words_on(photon)
    copies = [each for each in photon.window.findChildren(QPushButton) if each.accessibleName() == "Copy Device ID"]
    (copy,) = [each for each in copies if each.isVisible()]
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == photon.board.device_id


def test_a_core_in_update_mode_is_shown_with_mode_and_light_in_words(desk: MakeDesk) -> None:
    core = desk("core")
    core.hand.enter_dfu()
    core.wait_for_board(Mode.DFU)
    shown = words_on(core)
    assert "Spark Core" in shown
    assert "Update mode (DFU) · blinking yellow" in shown
    assert "not read yet" in shown
    assert "not backed up yet" in shown


def test_without_a_board_the_cable_is_suspected_and_no_card_pretends(desk: MakeDesk) -> None:
    empty = desk("photon", plugged=False, practice=False)
    empty.qtbot.waitUntil(lambda: empty.window.state.no_board_for_long, timeout=WAIT_MS)
    assert "Many cables only charge" in words_on(empty)
    assert not empty.button("back-up-now").isEnabled()
    assert "Plug a board in first." in words_on(empty)
    assert empty.button("open-guide").isEnabled()


def test_the_practice_core_listens_by_itself_and_tells_its_id_without_a_finger(desk: MakeDesk) -> None:
    core = desk("core")
    core.wait_for_board()
    assert core.board.light_pattern == "blinking blue"
    core.click("card-read-id")
    core.click("start")
    core.wait_for_screen(Screen.RESULT)
    assert core.board.device_id in words_on(core)


def test_a_practice_core_that_is_silent_says_which_button_to_hold(desk: MakeDesk) -> None:
    core = desk("core", profiles=True)
    core.qtbot.waitUntil(lambda: core.window.state.looked, timeout=WAIT_MS)
    assert "Hold its MODE button for three seconds" in words_on(core)


def test_pulling_the_cable_on_the_plan_page_waits_for_the_board(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.click("back-up-now")
    photon.click("cable")
    photon.qtbot.waitUntil(lambda: photon.window.state.board is None, timeout=WAIT_MS)
    assert photon.screen is Screen.PLAN
    assert not photon.button("start").isEnabled()
    assert "Plug it in again" in words_on(photon)
    photon.click("cable")
    photon.wait_for_board()
    assert photon.button("start").isEnabled()


def test_a_second_board_makes_cards_to_pick_from(desk: MakeDesk) -> None:
    both = desk("photon")
    both.wait_for_board()
    both.bus.plug(make("p1", both.clock), "1-2")
    both.qtbot.waitUntil(lambda: len(both.window.state.boards) == 2, timeout=WAIT_MS)
    assert both.button("board-1-1").isChecked()
    both.click("board-1-2")
    board = both.window.state.board
    assert board is not None
    assert board.platform.key == "p1"


def test_pulling_the_cable_in_a_run_says_what_to_do_and_offers_another_try(
    desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = desk("core")
    core.hand.enter_dfu()
    core.wait_for_board(Mode.DFU)
    core.click("back-up-now")
    begun, pulled = threading.Event(), threading.Event()
    read = VirtualUsbPipe.control_in

    def held(pipe: VirtualUsbPipe, *arguments: Any) -> bytes:  # noqa: ANN401 - handed on
        begun.set()
        assert pulled.wait(WAIT_MS / 1000)  # on a busy machine the run would be over before the window shows it
        return read(pipe, *arguments)

    monkeypatch.setattr(VirtualUsbPipe, "control_in", held)
    core.click("start")
    core.wait_for_screen(Screen.RUN)
    core.qtbot.waitUntil(begun.is_set, timeout=WAIT_MS)
    core.bus.unplug(core.board)
    pulled.set()
    core.wait_for_screen(Screen.RESULT)
    run = core.window.state.run
    assert run is not None
    assert isinstance(run.end, Failed)
    assert run.end.code != "bug"
    assert run.end.cause.english() in words_on(core)
    assert core.button("retry").isEnabled()
    core.bus.plug(core.board)
    core.hand.enter_dfu()
    core.wait_for_board(Mode.DFU)
    core.click("retry")
    core.wait_for_screen(Screen.RESULT)
    core.qtbot.waitUntil(lambda: core.window.state.run is not None and core.window.state.run.run == 2, timeout=WAIT_MS)


def test_stop_leaves_everything_as_it_was(desk: MakeDesk) -> None:
    core = desk("core")
    core.wait_for_board()
    core.window.dispatch(PickRecipe("back-up-key"))
    core.click("start")
    core.qtbot.waitUntil(
        lambda: core.window.state.run is not None and core.window.state.run.asked is not None, timeout=WAIT_MS
    )
    core.click("stop")
    core.wait_for_screen(Screen.RESULT)
    run = core.window.state.run
    assert run is not None
    assert run.end == Stopped(run.run, False)
    assert "Nothing has been changed on the board." in words_on(core)
    assert core.safe.backups() == ()


def test_closing_while_nothing_runs_closes_at_once(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.window.close()
    assert not photon.window.isVisible()


def test_closing_during_a_run_asks_then_stops_then_closes(desk: MakeDesk, qtbot: QtBot) -> None:
    core = desk("core")
    core.wait_for_board()
    core.window.dispatch(PickRecipe("back-up-key"))
    core.click("start")
    qtbot.waitUntil(
        lambda: core.window.state.run is not None and core.window.state.run.asked is not None, timeout=WAIT_MS
    )
    core.window.close()
    assert core.window.isVisible()
    core.click("stay")
    core.window.close()
    core.click("stop-and-close")
    qtbot.waitUntil(lambda: not core.window.isVisible(), timeout=WAIT_MS)


def test_the_light_guide_opens_from_a_run_and_goes_back_to_it(desk: MakeDesk) -> None:
    core = desk("core")
    core.wait_for_board()
    core.window.dispatch(PickRecipe("back-up-key"))
    core.click("start")
    core.wait_for_screen(Screen.RUN)
    core.click("open-guide")
    assert core.screen is Screen.GUIDE
    QTest.keyClick(core.window, Qt.Key.Key_Escape)
    assert core.screen in (Screen.RUN, Screen.RESULT)
