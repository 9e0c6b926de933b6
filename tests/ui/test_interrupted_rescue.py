"""An interrupted rescue in the window: offered on home, finished, set aside, forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from support.window import WAIT_MS, Desk

from app.clicks import RunBegan, Screen
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.transports.base import Sighting
from app.undo.board_name import BoardName
from app.work.board import Board
from app.work.events import BoardsChanged, Failed, RescuesInterrupted, Succeeded

MakeDesk = Callable[..., Desk]
OTHER_ID = "2a0047001247353236343044"


def words_on(desk: Desk) -> str:
    shown = "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())
    return shown.replace("\u200b", "")


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in words_on(desk), timeout=WAIT_MS)


def begin_and_vanish(desk: Desk, device_id: str | None, recipe: str = "read-id") -> str:
    """Leave a rescue behind as the last program did when its computer lost power; return its ID."""
    board = BoardName("photon", device_id, device_id or "")
    kept = desk.undo.keep(board, "system-1", 0, 0x0802_0000, b"what was there before", secret=False)
    journal = desk.undo.begin(board, recipe, {"release": "2.2.0"})
    journal.keeps(kept)
    journal.plans("system-1", 0, 0x0802_0000, 4, "0" * 64)
    journal.plans("system-2", 0, 0x0806_0000, 4, "0" * 64)
    journal.wrote("system-1", 0x0802_0000, 4)
    journal.close()
    desk.engine.list_interrupted()
    desk.qtbot.waitUntil(lambda: bool(desk.window.state.rescues), timeout=WAIT_MS)
    return journal.id


def own_id(desk: Desk) -> str:
    desk.wait_for_board()
    board = desk.window.state.board
    assert board is not None
    assert board.identity is not None
    return board.identity.device_id


def buttons(desk: Desk, name: str) -> list[QPushButton]:
    return [each for each in desk.window.findChildren(QPushButton, name) if each.isVisible()]


def test_home_says_what_was_interrupted_and_that_nothing_is_lost(desk: MakeDesk) -> None:
    photon = desk("photon")
    device_id = own_id(photon)
    begin_and_vanish(photon, device_id)
    wait_for_words(photon, "Finish the interrupted rescue?")
    told = words_on(photon)
    assert f"Particle Photon ({device_id})" in told
    assert "1 of 2 parts are written; next was: System part 2." in told
    assert "Nothing is lost" in told
    assert "The board is plugged in." in told
    assert photon.button("finish-rescue").isEnabled()
    assert photon.button("finish-rescue").accessibleName() == "Finish the interrupted rescue"
    assert photon.button("back-up-now").property("kind") != "primary"  # one thing stands out


def test_finishing_runs_the_recipe_again_with_its_answers_and_the_rescue_it_goes_on_with(desk: MakeDesk) -> None:
    photon = desk("photon")
    rescue = begin_and_vanish(photon, own_id(photon))
    photon.click("finish-rescue")
    photon.wait_for_screen(Screen.RESULT)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded)
    assert (run.recipe, run.answers) == ("read-id", (("release", "2.2.0"), ("resume", rescue)))


def test_a_run_that_fails_amid_a_rescue_says_that_it_can_be_finished(desk: MakeDesk) -> None:
    photon = desk("photon")
    own_id(photon)
    board = photon.window.state.board
    assert board is not None
    photon.window.dispatch(RunBegan(9, "read-id", board, True))
    photon.window.dispatch(
        Failed(9, "board.gone", text("Test", "It went away."), text("Test", "Plug it in."), True, "")
    )
    photon.wait_for_screen(Screen.RESULT)
    assert "The first page offers to finish this" not in words_on(photon)
    begin_and_vanish(photon, own_id(photon))
    wait_for_words(photon, "The first page offers to finish this")


def test_after_a_run_the_list_is_fresh(desk: MakeDesk) -> None:
    photon = desk("photon")
    rescue = begin_and_vanish(photon, own_id(photon))
    with photon.undo.resume(rescue) as journal:
        assert journal.finish()
    photon.click("finish-rescue")
    photon.wait_for_screen(Screen.RESULT)
    photon.qtbot.waitUntil(lambda: not photon.window.state.rescues, timeout=WAIT_MS)
    photon.click("done")
    photon.wait_for_screen(Screen.HOME)
    assert not buttons(photon, "finish-rescue")
    assert photon.button("back-up-now").property("kind") == "primary"


def test_another_board_cannot_be_mistaken_for_the_one(desk: MakeDesk) -> None:
    photon = desk("photon")
    own_id(photon)
    begin_and_vanish(photon, OTHER_ID)
    wait_for_words(photon, "Plug in this very board to go on.")
    assert not photon.button("finish-rescue").isEnabled()
    assert photon.button("rescue-later").isEnabled()


@pytest.mark.parametrize(("kind", "button"), [("core", "MODE"), ("photon", "SETUP")])
def test_a_board_that_shows_nothing_is_brought_back_by_its_buttons(desk: MakeDesk, kind: str, button: str) -> None:
    away = desk(kind, plugged=False)
    away.qtbot.waitUntil(lambda: away.window.state.looked, timeout=WAIT_MS)
    journal = away.undo.begin(BoardName(kind, OTHER_ID, OTHER_ID), "read-id", {})
    journal.plans("application", 0, 0x0802_0000, 4, "0" * 64)
    journal.close()
    away.engine.list_interrupted()
    wait_for_words(away, f"hold {button} and tap RESET; let go of {button} when the light blinks yellow")
    assert "after about 3 seconds" in words_on(away)
    away.click("rescue-guide")
    away.wait_for_screen(Screen.GUIDE)


def test_a_board_that_shows_itself_needs_no_buttons(desk: MakeDesk) -> None:
    photon = desk("photon")
    begin_and_vanish(photon, own_id(photon))
    wait_for_words(photon, "The board is plugged in.")
    assert "tap RESET" not in words_on(photon)


def seen_without_telling_serial() -> Board:
    kind = platform("photon")
    ids = kind.ids[Mode.DFU]
    seen = Sighting("1-7", 5, ids.vendor, ids.product, None, None, 0x0200, None)
    return Board(seen, kind, Mode.DFU)


def test_a_board_that_may_be_the_one_comes_with_a_warning(desk: MakeDesk) -> None:
    photon = desk("photon", plugged=False)
    photon.qtbot.waitUntil(lambda: photon.window.state.looked, timeout=WAIT_MS)
    begin_and_vanish(photon, OTHER_ID)
    photon.window.dispatch(BoardsChanged((seen_without_telling_serial(),)))
    wait_for_words(photon, "The board on USB 1-7 may be the one: its serial number does not tell.")
    assert photon.button("finish-rescue").isEnabled()


def test_putting_back_is_offered_where_something_was_kept(desk: MakeDesk) -> None:
    photon = desk("photon")
    begin_and_vanish(photon, own_id(photon))
    assert photon.button("put-back-rescue").isEnabled()
    bare = tuple(replace(each, snapshots=()) for each in photon.window.state.rescues)
    photon.window.dispatch(RescuesInterrupted(bare))
    photon.qtbot.waitUntil(lambda: not buttons(photon, "put-back-rescue"), timeout=WAIT_MS)


def test_a_rescue_of_a_recipe_this_version_lacks_can_only_be_set_aside_or_forgotten(desk: MakeDesk) -> None:
    photon = desk("photon")
    begin_and_vanish(photon, own_id(photon), recipe="of-the-future")
    wait_for_words(photon, "does not know that rescue")
    assert not buttons(photon, "finish-rescue")
    assert photon.button("forget-rescue").isEnabled()


def test_not_now_makes_room_and_can_be_taken_back(desk: MakeDesk) -> None:
    photon = desk("photon")
    begin_and_vanish(photon, own_id(photon))
    photon.click("rescue-later")
    wait_for_words(photon, "Interrupted rescues set aside for now: 1.")
    assert not buttons(photon, "finish-rescue")
    assert photon.window.focusWidget() is photon.button("show-rescues")
    QTest.keyClick(photon.button("show-rescues"), Qt.Key.Key_Space)
    assert photon.button("finish-rescue").isEnabled()


def test_forgetting_asks_first_and_what_was_kept_stays(desk: MakeDesk) -> None:
    photon = desk("photon")
    rescue = begin_and_vanish(photon, own_id(photon))
    photon.click("forget-rescue")
    wait_for_words(photon, "Forget this rescue?")
    assert photon.window.focusWidget() is photon.button("keep-rescue")
    photon.click("keep-rescue")
    assert photon.button("finish-rescue").isEnabled()
    photon.click("forget-rescue")
    photon.click("really-forget")
    photon.qtbot.waitUntil(lambda: not photon.window.state.rescues, timeout=WAIT_MS)
    assert photon.undo.interrupted() == ()
    (kept,) = photon.undo.rescue(rescue).snapshots
    assert photon.undo.read(kept) == b"what was there before"


def test_a_start_offers_what_the_last_program_left(desk: MakeDesk) -> None:
    first = desk("photon")
    begin_and_vanish(first, own_id(first))
    later = desk("photon")
    later.wait_for_board()
    assert later.button("finish-rescue").isEnabled()
