"""Rules that no linter knows: checked over the syntax tree of every module."""

from __future__ import annotations

import ast
import functools
import re
import string
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "app").rglob("*.py"))
BANNED_METHODS = {
    "sleep": "waits go through the Clock",
    "processEvents": "never pump events",
    "terminate": "threads are asked to stop and joined",
    "exec_": "no nested event loop",
}
ALLOWED_TOP_LEVEL = {"pyproject.toml", "app", "resources", "tests", "packaging", "README.md", "LICENSE"}


@functools.cache
def parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


@functools.cache
def calls() -> list[tuple[str, ast.Call]]:
    """Return every call in the program with the place where it stands."""
    return [
        (f"{module.relative_to(ROOT)}:{node.lineno}", node)
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.Call)
    ]


def name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def test_no_module_calls_what_is_banned_on_instances() -> None:
    found = [f"{place}: {BANNED_METHODS[name_of(call)]}" for place, call in calls() if name_of(call) in BANNED_METHODS]
    assert not found


def test_every_marked_text_has_two_literals_and_sound_places() -> None:
    for place, call in calls():
        if not (isinstance(call.func, ast.Name) and call.func.id == "text"):
            continue
        literals = [part.value for part in call.args if isinstance(part, ast.Constant)]
        assert len(call.args) == 2, f"{place}: text() takes context and sentence"
        assert len(literals) == 2, f"{place}: the collector of translations needs two literals"
        assert all(isinstance(part, str) and part.strip() for part in literals), f"{place}: empty text"
        names = [name for _, name, _, _ in string.Formatter().parse(str(literals[1])) if name is not None]
        assert all(name.isidentifier() for name in names), f"{place}: places have names"


def test_every_module_says_what_it_is_for() -> None:
    assert [str(module.relative_to(ROOT)) for module in MODULES if not ast.get_docstring(parsed(module))] == []


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
