"""The plan says which firmware files a rescue needs, and leads to those that are missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFrame, QLabel
from support.window import WAIT_MS, Desk

from app.clicks import Back, PickRecipe, Screen
from app.firmware.pack import PACK, PackItem, PackState, RescuePack
from app.recipes.registry import recipe
from app.work.events import BoardsChanged

MakeDesk = Callable[..., Desk]


def words_on(desk: Desk) -> str:
    return "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in words_on(desk), timeout=WAIT_MS)


def warned(desk: Desk) -> bool:
    return any(each.isVisible() for each in desk.window.findChildren(QFrame, "files-missing"))


class ToldPack(RescuePack):
    """A pack that lacks what the test says."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.missing: tuple[str, ...] = ()

    def items(self) -> tuple[PackItem, ...]:
        states = {name: PackState.DAMAGED if number else PackState.MISSING for number, name in enumerate(self.missing)}
        return tuple(PackItem(file, states.get(file.name, PackState.PRESENT)) for file in PACK)


@pytest.fixture
def pack(tmp_path: Path) -> ToldPack:
    return ToldPack(tmp_path / "pack")


def list_pack(desk: Desk, pack: ToldPack, *missing: str) -> None:
    """Have the pack lack only these, and the window told."""
    pack.missing = missing
    desk.engine.list_pack()


def plan_of(desk: Desk, key: str) -> tuple[str, ...]:
    desk.wait_for_board()
    board = desk.window.state.board
    assert board is not None
    desk.window.dispatch(PickRecipe(key))
    desk.wait_for_screen(Screen.PLAN)
    return recipe(key).needs_files(board)


def test_with_all_files_here_the_plan_names_them_and_start_stands_out(desk: MakeDesk, pack: ToldPack) -> None:
    photon = desk("photon", pack=pack)
    list_pack(photon, pack)
    plan_of(photon, "restore-system")
    wait_for_words(photon, "From the rescue pack: System part 1; System part 2; Boot loader; Tinker. All here.")
    assert not warned(photon)
    assert photon.button("start").property("kind") == "primary"


def test_missing_files_are_told_with_a_way_to_get_them_and_back(desk: MakeDesk, pack: ToldPack) -> None:
    photon = desk("photon", pack=pack)
    needs = plan_of(photon, "restore-system")
    list_pack(photon, pack, *needs[:2])
    wait_for_words(photon, "2 of the 4 firmware files for this are missing or damaged.")
    wait_for_words(photon, "Not here: System part 1; System part 2.")
    assert photon.button("start").isEnabled()  # another answer may need other files
    assert photon.button("start").property("kind") != "primary"
    photon.click("get-files")
    photon.wait_for_screen(Screen.PACK)
    list_pack(photon, pack, needs[0])
    photon.window.dispatch(Back())
    photon.wait_for_screen(Screen.PLAN)
    wait_for_words(photon, "One of the 4 firmware files for this is missing or damaged.")
    assert photon.window.focusWidget() is photon.button("get-files")
    list_pack(photon, pack)
    photon.qtbot.waitUntil(lambda: not warned(photon), timeout=WAIT_MS)
    assert photon.button("start").property("kind") == "primary"


def test_files_for_other_boards_are_not_missed(desk: MakeDesk, pack: ToldPack) -> None:
    core = desk("core", pack=pack)
    list_pack(core, pack, *(file.name for file in PACK if file.platform != "core"))
    plan_of(core, "deep-update")
    wait_for_words(core, "From the rescue pack: Deep update of June 2014. All here.")
    assert not warned(core)
    assert core.window.state.lacking
    list_pack(core, pack, "deep_update_2014_06.bin")
    wait_for_words(core, "The firmware file for this is missing or damaged.")


def test_what_writes_nothing_needs_nothing(desk: MakeDesk, pack: ToldPack) -> None:
    photon = desk("photon", pack=pack)
    list_pack(photon, pack, *(file.name for file in PACK))
    photon.qtbot.waitUntil(lambda: len(photon.window.state.lacking) == len(PACK), timeout=WAIT_MS)
    assert plan_of(photon, "read-id") == ()
    assert not warned(photon)
    assert "From the rescue pack" not in words_on(photon)


def test_a_board_that_is_away_for_a_moment_needs_what_it_needed(desk: MakeDesk, pack: ToldPack) -> None:
    photon = desk("photon", pack=pack)
    needs = plan_of(photon, "restore-system")
    list_pack(photon, pack, needs[0])
    photon.qtbot.waitUntil(lambda: warned(photon), timeout=WAIT_MS)
    photon.window.dispatch(BoardsChanged(()))
    wait_for_words(photon, "The board is not there.")
    assert warned(photon)
