"""The workflow of the public runners calls commands that exist, and keeps the files that they make."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import dev
import linux
import macos
import package
import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / ".github" / "workflows" / "installers.yml").read_text(encoding="utf-8").splitlines()
RUNS = [found.group(1) for line in LINES if (found := re.fullmatch(r"\s*- run: (\S.*)", line))]
SCRIPTS = [words for words in map(shlex.split, RUNS) if any(word.endswith(".py") for word in words)]


def _arguments(words: Sequence[str]) -> tuple[str, list[str]]:
    at = next(number for number, word in enumerate(words) if word.endswith(".py"))
    return words[at], list(words[at + 1 :])


def test_every_step_that_runs_something_is_read_by_this_test() -> None:
    assert len(RUNS) == sum("run:" in line.split("#")[0] for line in LINES)
    program = macos.frozen_app().joinpath("Contents", "MacOS", macos.information()["CFBundleExecutable"])
    others = [words for words in map(shlex.split, RUNS) if words not in SCRIPTS and words[:2] != ["sudo", "apt-get"]]
    assert others == [[program.relative_to(ROOT).as_posix(), "--self-check"]]


@pytest.mark.parametrize("words", SCRIPTS, ids=" ".join)
def test_a_command_of_the_workflow_exists(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    script, arguments = _arguments(words)
    assert (ROOT / script).is_file()
    if script != "packaging/dev.py":
        assert re.fullmatch(r"packaging/check_\w+\.py", script)
        return
    called: list[list[str]] = []

    def call(command: Sequence[str | Path], **_: str) -> int:
        called.append([str(part) for part in command])
        return 0

    monkeypatch.setattr(dev, "set_up", lambda: None)
    monkeypatch.setattr(dev, "get_images", lambda: True)
    monkeypatch.setattr(dev, "call", call)
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    assert dev.main() == 0
    if arguments[0] == "package":
        assert set(arguments[1:]) <= {*package.SYSTEMS, "all"}
        assert called[-1][1:] == ["packaging/package.py", *arguments[1:]]


def test_every_system_is_built() -> None:
    named = {system for words in SCRIPTS for system in words if "package" in words}
    built = {*named, *(package.BUILT_ON["linux"] if "all" in named else ())} & set(package.SYSTEMS)
    assert built == set(package.SYSTEMS)


def test_the_files_that_are_built_are_kept() -> None:
    kept = [line.strip() for line in LINES if line.strip().startswith("dist/")]
    for path in linux.names():
        assert any(fnmatch(f"dist/{path.name}", pattern) for pattern in kept), path.name
    for kind in ("arm64", macos.EVERY):
        assert any(fnmatch(f"dist/{macos.image(kind).name}", pattern) for pattern in kept)
    assert "dist/Rekindle-*-Setup.exe" in kept


def test_actions_have_a_version_and_no_address_is_named() -> None:
    used = [line.split("uses:", 1)[1].strip() for line in LINES if "uses:" in line]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)
    assert not any("://" in line or re.search(r"\b[\w-]+\.(?:org|com|io)\b", line) for line in LINES)
    assert not any("\t" in line for line in LINES)


def test_the_python_of_the_runners_is_one_the_program_runs_with() -> None:
    versions = {found.group(1) for line in LINES if (found := re.search(r'python-version: "(.+)"', line))}
    assert versions == {"{}.{}".format(*dev.OLDEST)}


@pytest.mark.parametrize(
    ("here", "built"), [("linux", ["linux", "windows", "macos"]), ("darwin", ["macos"]), ("win32", [])]
)
def test_all_is_what_this_system_can_build(
    here: str, built: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    reported: list[object] = []

    class Module:
        def __init__(self, system: str) -> None:
            self.system = system

        def build(self) -> list[object]:
            asked.append(self.system)
            return [self.system]

    monkeypatch.setattr(sys, "platform", here)
    monkeypatch.setattr("importlib.import_module", Module)
    monkeypatch.setattr(package, "DIST", tmp_path)

    def report(products: list[object]) -> bool:
        reported.extend(products)
        return True

    monkeypatch.setattr(package, "report", report)
    assert package.main(["all"]) == (0 if built else 1)
    assert asked == reported == built
    told = capsys.readouterr().err
    left = [system for system in package.SYSTEMS if system not in built]
    assert ("left out" in told) is bool(left)
    assert all(system in told.splitlines()[0] for system in left)
