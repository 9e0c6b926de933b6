"""Pages that have nothing to show say so, and what would change that."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QLabel
from support.window import WAIT_MS, Desk

from app.clicks import PickRecipe, Screen
from app.faults import NothingKept
from app.firmware.pack import PACK
from app.work.events import Failed

MakeDesk = Callable[..., Desk]


def words_on(desk: Desk) -> str:
    return "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in words_on(desk), timeout=WAIT_MS)


def test_nothing_to_put_back_leads_to_what_would_keep_something(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.window.dispatch(PickRecipe("put-back"))
    photon.click("start")
    photon.wait_for_screen(Screen.RESULT)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Failed)
    assert run.end.code == NothingKept.code
    wait_for_words(photon, "Nothing that was on this board is kept on this computer.")
    photon.click("save-board-from-fault")
    photon.wait_for_screen(Screen.PLAN)
    assert photon.window.state.recipe == "save-board"


def test_an_empty_pack_says_how_much_there_is_to_get_and_how(desk: MakeDesk) -> None:
    photon = desk("photon", plugged=False)
    photon.qtbot.waitUntil(lambda: photon.window.state.pack is not None, timeout=WAIT_MS)
    photon.click("open-pack")
    photon.wait_for_screen(Screen.PACK)
    wait_for_words(photon, f"0 of {len(PACK)} files are here: 0 bytes of ")
    assert f"Missing: {len(PACK)}." in words_on(photon)
    assert "Or drop files anywhere on this window" in words_on(photon)
    assert photon.window.focusWidget() is photon.button("download-pack")
    assert photon.button("add-to-pack").isEnabled()
