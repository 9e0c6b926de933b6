"""`rekindle pack`: what people and scripts get."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path

import pytest
from support.pack_source import PackSource
from support.real_pack import real_pack

from app import console_pack, paths
from app.console import WrongUsageError
from app.firmware.pack import PACK, RescuePack, pack_file
from app.main import main
from app.terminal import DONE, FAULT, STOPPED, WRONG_USAGE, Terminal

FLAG = "ota-flag-a5.bin"
OTHER = "deep_update_2014_06.bin"


class Screen(Terminal):
    """A terminal whose lines are kept."""

    def __init__(self) -> None:
        self.news, self.prompts = io.StringIO(), io.StringIO()
        super().__init__(io.StringIO(), self.news, self.prompts)

    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()

    def rows(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines()]


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def pack(tmp_path: Path) -> RescuePack:
    return RescuePack(tmp_path / "pack")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's own data folder; nothing came with it."""
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "bundled_pack", lambda: None)
    return tmp_path / "data" / "pack"


@pytest.fixture
def flag_file(tmp_path: Path) -> Path:
    path = tmp_path / "renamed"
    path.write_bytes(b"\xa5")
    return path


def test_the_list_is_one_line_a_file(pack: RescuePack) -> None:
    pack.store(FLAG, b"\xa5")
    (pack.root / OTHER).write_bytes(b"?")
    screen = Screen()
    assert console_pack.list_pack(pack, screen, as_json=False) == DONE
    words = {line.split()[1]: line.split()[0] for line in screen.lines()}
    assert words.keys() == {file.name for file in PACK}
    assert (words[FLAG], words[OTHER], words["rsa.pub.der"]) == ("here", "damaged", "missing")
    assert f"{len(PACK) - 1} files are missing or damaged" in screen.prompts.getvalue()


def test_the_list_for_scripts_has_the_promised_members(pack: RescuePack) -> None:
    pack.store(FLAG, b"\xa5")
    screen = Screen()
    assert console_pack.list_pack(pack, screen, as_json=True) == DONE
    rows = [row["pack_file"] for row in screen.rows()]
    assert len(rows) == len(PACK)
    (flag,) = [row for row in rows if isinstance(row, dict) and row["name"] == FLAG]
    assert flag == {
        "name": FLAG,
        "title": pack_file(FLAG).title.english(),
        "platform": None,
        "role": "ota-flag",
        "release": "",
        "size": 1,
        "sha256": pack_file(FLAG).sha256,
        "package_version": "2.16.0",
        "state": "present",
    }
    assert not screen.prompts.getvalue()


def test_adding_says_what_was_found(program: Path, flag_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", "add", str(flag_file)]) == DONE
    assert FLAG in capsys.readouterr().out
    assert (program / FLAG).read_bytes() == b"\xa5"
    assert main(["pack", "add", "--json", str(flag_file)]) == DONE
    row = json.loads(capsys.readouterr().out)
    assert row == {"pack_added": {"path": str(flag_file), "names": [FLAG], "unknown": 0}}


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
def test_one_useless_file_does_not_keep_the_others_out(
    program: Path, flag_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], order: tuple[str, str]
) -> None:
    (tmp_path / "letter.txt").write_text("hello")
    files = {"good": str(flag_file), "bad": str(tmp_path / "letter.txt")}
    assert main(["pack", "--json", "add", *(files[each] for each in order)]) == FAULT
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    failed = next(row for row in rows if row.get("event") == "Failed")
    assert (failed["code"], failed["run"]) == ("pack.nothing-found", 0)
    assert "letter.txt" in failed["cause"]
    assert (program / FLAG).exists()


def test_fetching_gets_what_is_missing_and_nothing_else(pack: RescuePack) -> None:
    real = real_pack()
    pack.store(FLAG, b"\xa5")
    with PackSource({f"/{file.remote}": real.read(file.name) for file in PACK}) as source:
        screen = Screen()
        assert console_pack.fetch_pack(pack, [FLAG, OTHER], screen, as_json=True, source=source.address) == DONE
        assert [one.target for one in source.asked] == [f"/{pack_file(OTHER).remote}"]
        (row,) = screen.rows()
        assert isinstance(row["pack_fetched"], dict)
        assert row["pack_fetched"]["name"] == OTHER
        assert console_pack.fetch_pack(pack, [], Screen(), as_json=False, source=source.address) == DONE
        assert len(source.asked) == len(PACK) - 1
        screen = Screen()
        assert console_pack.fetch_pack(pack, [], screen, as_json=False, source=source.address) == DONE
        assert f"All {len(PACK)} files are here" in screen.prompts.getvalue()
        assert len(source.asked) == len(PACK) - 1


def test_what_came_with_the_program_is_not_downloaded(tmp_path: Path) -> None:
    RescuePack(tmp_path / "bundle").store(FLAG, b"\xa5")
    pack = RescuePack(tmp_path / "pack", tmp_path / "bundle")
    with PackSource() as source:
        assert console_pack.fetch_pack(pack, [FLAG], Screen(), as_json=False, source=source.address) == DONE
        assert not source.asked
    assert (pack.root / FLAG).exists()


def test_a_source_without_the_file_is_a_fault_for_scripts_too(pack: RescuePack) -> None:
    with PackSource() as source:
        screen = Screen()
        assert console_pack.fetch_pack(pack, [OTHER], screen, as_json=True, source=source.address) == FAULT
    (row,) = screen.rows()
    assert (row["event"], row["code"]) == ("Failed", "pack.refused")


def test_control_c_while_fetching_stops(pack: RescuePack, monkeypatch: pytest.MonkeyPatch) -> None:
    real = real_pack()
    path = f"/{pack_file(OTHER).remote}"
    with PackSource({path: real.read(OTHER)}) as source:
        source.before = lambda: signal.raise_signal(signal.SIGINT)
        assert console_pack.fetch_pack(pack, [OTHER, FLAG], Screen(), as_json=False, source=source.address) == STOPPED
        assert len(source.asked) == 1


def test_a_name_that_is_in_no_row_is_wrong_usage(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUsageError):
        console_pack.fetch_pack(RescuePack(program), ["other.bin"], Screen(), as_json=False)
    assert main(["pack", "fetch", "other.bin"]) == WRONG_USAGE
    assert "other.bin" in capsys.readouterr().err


def test_json_may_stand_before_or_behind_the_deed(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["pack", "--json"], ["pack", "--json", "notices"], ["pack", "notices", "--json"]):
        assert main(words) == DONE
        lines = capsys.readouterr().out.splitlines()
        assert lines
        assert all(isinstance(json.loads(line), dict) for line in lines)
    assert main(["pack"]) == DONE
    assert not capsys.readouterr().out.startswith("{")


def test_the_notices_end_with_the_licence(tmp_path: Path) -> None:
    screen = Screen()
    assert console_pack.show_notices(real_pack(), screen, as_json=False) == DONE
    assert "Texas Instruments" in screen.news.getvalue()
    assert "Copyright 2014 Spark IO" in screen.news.getvalue()
    empty = Screen()
    assert console_pack.show_notices(RescuePack(tmp_path / "none"), empty, as_json=False) == DONE
    assert empty.lines()[-1] == "The licence file is not here yet; it comes with the files."


def test_the_packs_folders_are_the_persons_and_the_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    assert paths.pack_folder() == tmp_path / "pack"
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    assert paths.bundled_pack() is None
    (tmp_path / "pack").mkdir()
    assert paths.bundled_pack() == tmp_path / "pack"
