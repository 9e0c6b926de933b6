"""The README's "Add a recipe in ten minutes" is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.desk import LISTENING, desk

from app.recipes.base import Recipe

README = Path(__file__).resolve().parents[2] / "README.md"


def recipe_of_the_readme() -> type[Recipe]:
    code = re.search(r"### Add a recipe.*?```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    names: dict[str, object] = {"__name__": "readme_recipe"}
    exec(compile(code[1], str(README), "exec"), names)
    found = names["AskVersion"]
    assert isinstance(found, type)
    assert issubclass(found, Recipe)
    return found


@pytest.mark.parametrize(
    ("name", "version"), [("core", "of before 2015"), ("core-0.7", "0.7.0"), ("photon-0.5", "0.5."), ("photon", "2.")]
)
def test_the_example_recipe_does_what_the_readme_says(name: str, version: str, tmp_path: Path) -> None:
    outcome = desk(name, tmp_path, LISTENING).succeed(recipe_of_the_readme())
    assert f"runs firmware {version}" in outcome.summary.english()


def test_the_readme_names_files_that_exist() -> None:
    root = README.parent
    words = README.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:app|tests|packaging|resources)/[\w./-]+\.(?:py|rules|png|toml)", words))
    missing = {name for name in named if not (root / name).exists()} - {"app/recipes/ask_version.py"}
    assert named
    assert not missing
