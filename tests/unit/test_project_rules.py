"""Rules that no linter knows: checked over the syntax tree of every module."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
BANNED_METHODS = {
    "sleep": "waits go through the Clock",
    "processEvents": "never pump events",
    "terminate": "threads are asked to stop and joined",
    "exec_": "no nested event loop",
}
ALLOWED_TOP_LEVEL = {"pyproject.toml", "app", "resources", "tests", "packaging", "README.md", "LICENSE"}


def calls(module: Path) -> Iterator[ast.Call]:
    tree = ast.parse(module.read_text(encoding="utf-8"), filename=str(module))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_calls_what_is_banned_on_instances(module: Path) -> None:
    found = [
        f"line {call.lineno}: {name_of(call)}: {BANNED_METHODS[name_of(call)]}"
        for call in calls(module)
        if name_of(call) in BANNED_METHODS
    ]
    assert not found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_marked_text_has_two_literals_and_sound_places(module: Path) -> None:
    for call in calls(module):
        if not (isinstance(call.func, ast.Name) and call.func.id == "text"):
            continue
        literals = [part.value for part in call.args if isinstance(part, ast.Constant)]
        assert len(call.args) == 2, f"line {call.lineno}: text() takes context and sentence"
        assert len(literals) == 2, f"line {call.lineno}: the collector of translations needs two literals"
        assert all(isinstance(part, str) and part.strip() for part in literals), f"line {call.lineno}: empty text"
        places = [name for _, name, _, _ in string.Formatter().parse(str(literals[1])) if name is not None]
        assert all(name.isidentifier() for name in places), f"line {call.lineno}: places have names"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_the_top_level_holds_what_was_agreed_and_nothing_else() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listing.splitlines()}
    assert {name for name in top if not name.startswith(".")} == ALLOWED_TOP_LEVEL


def test_packaging_is_no_package_or_it_would_hide_the_library_of_that_name() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()


def test_the_import_contracts_hold() -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_map_in_the_readme_names_every_package_and_module_of_the_program() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start = readme.index("## The map")
    drawn = readme[start : readme.index("### What to touch", start)]
    packages = [path.parent.name + "/" for path in sorted((ROOT / "app").glob("*/__init__.py"))]
    modules = [path.name for path in sorted((ROOT / "app").glob("*.py")) if not path.name.startswith("__")]
    missing = [f"app/{name}" for name in packages if f"app/{name}" not in drawn]
    missing += [name for name in modules if not re.search(rf"\b{re.escape(name)}", drawn)]
    assert missing == []
