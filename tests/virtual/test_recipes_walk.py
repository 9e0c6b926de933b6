"""Every recipe on every board with every mishap: success, or a fault with a cause and a next step; never a bug."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, desk

from app.engine.runner import run_recipe
from app.recipes import shared
from app.recipes.base import Recipe
from app.recipes.registry import RECIPES
from app.text import Text
from app.virtual.catalogue import HEALTHY_BOARDS
from app.virtual.mishaps import STANDARD_MISHAPS, Mishap
from app.work.events import Failed, Succeeded


def said(words: Text) -> str:
    sentence = words.english()
    assert sentence.strip()
    assert "{" not in sentence, sentence
    return sentence


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", HEALTHY_BOARDS)
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.key)
def test_every_mishap_ends_in_success_or_in_a_fault_with_advice(
    recipe: type[Recipe], name: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "COACH_S", 20.0)  # the same way at a fifteenth of the looks
    for mishap in (Mishap.NONE, *STANDARD_MISHAPS):
        place = desk(name, tmp_path / mishap.name, mode, answers={"how": "press"})
        before = place.memories()
        job = place.job()
        place.board.mishap = mishap
        run_recipe(recipe(), job)
        last = place.person.events[-1]
        if mishap is Mishap.NONE:
            assert isinstance(last, Succeeded), last
        if isinstance(last, Failed):
            assert last.code != "bug", (mishap.name, last.detail)
            assert said(last.cause)
            assert said(last.next_step)
        else:
            assert isinstance(last, Succeeded), last
        if not mishap.wrong_board:  # another board has another ID, and its firmware stores that itself
            assert place.memories() == before, mishap.name
