"""What a recipe says beforehand it needs of the rescue pack is what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, desk
from support.real_pack import real_pack

from app.firmware.pack import RescuePack
from app.recipes.base import Recipe
from app.recipes.deep_update import DeepUpdate
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.recipes.registry import RECIPES
from app.recipes.restore_system import RestoreSystem

BOARDS = ("core", "photon", "p1", "electron")
USUAL = {
    "radio-patch": "1.13.7",
    "network": "known",
    "release": "2.2.0",
    "plan": False,
    "light": "unseen",
    "cloud": "particle",
}
WRITES_THE_PACKS = (FullFirmwareUpgrade, DeepUpdate, RestoreSystem)


class NotingPack(RescuePack):
    """A pack that notes what is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: set[str] = set()

    def read(self, name: str) -> bytes:
        self.asked.add(name)
        return super().read(name)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.key)
def test_what_a_recipe_needs_is_what_it_reads(recipe: type[Recipe], tmp_path: Path) -> None:
    fitting = 0
    for name in BOARDS:
        pack = NotingPack(real_pack().root)
        place = desk(name, tmp_path / name, IN_DFU, pack=pack, answers=USUAL)
        if not recipe.fit(place.seen()).ok:
            continue
        fitting += 1
        place.play(recipe)
        assert pack.asked == set(recipe.needs_files(place.seen())), name
        if recipe in WRITES_THE_PACKS:
            assert pack.asked
    assert fitting


def test_every_board_has_a_recipe_that_needs_files(tmp_path: Path) -> None:
    for name in BOARDS:
        board = desk(name, tmp_path / name, IN_DFU).seen()
        assert any(recipe.fit(board).ok and recipe.needs_files(board) for recipe in RECIPES)
