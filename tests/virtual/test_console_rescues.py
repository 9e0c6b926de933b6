"""Interrupted rescues at the command line."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest

from app import paths
from app.console_rescues import forget_rescue, list_rescues
from app.main import main
from app.terminal import DONE, FAULT, Terminal
from app.undo.board_name import BoardName
from app.undo.store import UndoStore

PHOTON_ID = "2a0047001247353236343033"


class Bench:
    """A store, and a terminal nobody sits at."""

    def __init__(self, folder: Path) -> None:
        self.undo = UndoStore(folder)
        self.news = io.StringIO()
        self.asides = io.StringIO()
        self.terminal = Terminal(io.StringIO(), self.news, self.asides)

    def begin_and_vanish(self, recipe: str = "back-up-key") -> str:
        journal = self.undo.begin(
            BoardName("photon", PHOTON_ID, PHOTON_ID), recipe, {"older": True, "file": "/my own/blink.bin"}
        )
        journal.plans("system-1", 0, 0x0802_0000, 4, "0" * 64)
        journal.plans("system-2", 0, 0x0806_0000, 4, "0" * 64)
        journal.wrote("system-1", 0x0802_0000, 4)
        journal.close()
        return journal.id


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "boards")


def test_without_one_it_says_so_to_people_only(bench: Bench) -> None:
    assert list_rescues(bench.undo, bench.terminal, as_json=False) == DONE
    assert bench.news.getvalue() == ""
    assert "No rescue was interrupted." in bench.asides.getvalue()
    assert list_rescues(bench.undo, bench.terminal, as_json=True) == DONE
    assert bench.news.getvalue() == ""


def test_a_line_says_what_was_interrupted_and_the_next_one_is_the_command_that_finishes_it(bench: Bench) -> None:
    rescue = bench.begin_and_vanish()
    assert list_rescues(bench.undo, bench.terminal, as_json=False) == DONE
    line, finish = bench.news.getvalue().splitlines()
    assert line.startswith(f"{rescue}  Particle Photon {PHOTON_ID}  back-up-key, begun ")
    assert line.endswith("1 of 2 parts are written")
    words = shlex.split(finish.removeprefix("  Finish: "))
    assert words[:5] == ["rekindle", "run", "back-up-key", "--board", PHOTON_ID]
    assert set(words[6::2]) == {"older=yes", "file=/my own/blink.bin", f"resume={rescue}"}
    assert set(words[5::2]) == {"--answer"}


def test_what_is_written_twice_at_one_place_counts_twice(bench: Bench) -> None:
    journal = bench.undo.begin(BoardName("core", None, "8D8154934854"), "full-firmware-upgrade", {})
    journal.plans("application", 0, 0x0800_5000, 25_068, "1" * 64)
    journal.plans("application", 0, 0x0800_5000, 98_932, "2" * 64)
    journal.wrote("application", 0x0800_5000, 25_068)
    journal.close()
    assert list_rescues(bench.undo, bench.terminal, as_json=False) == DONE
    assert bench.news.getvalue().splitlines()[0].endswith("1 of 2 parts are written")


def test_the_commands_for_a_practice_board_name_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "boards")
    bench.undo = UndoStore(tmp_path / "boards", practice=True)
    bench.begin_and_vanish()
    assert list_rescues(bench.undo, bench.terminal, as_json=False) == DONE
    finish = bench.news.getvalue().splitlines()[1]
    assert "run back-up-key --practice photon --board " in finish
    assert "new one at each start" in bench.asides.getvalue()


def test_a_recipe_this_version_lacks_has_no_command(bench: Bench) -> None:
    bench.begin_and_vanish("of-the-future")
    assert list_rescues(bench.undo, bench.terminal, as_json=False) == DONE
    assert len(bench.news.getvalue().splitlines()) == 1


def test_json_tells_everything_a_script_needs(bench: Bench) -> None:
    rescue = bench.begin_and_vanish()
    assert list_rescues(bench.undo, bench.terminal, as_json=True) == DONE
    told = json.loads(bench.news.getvalue())["rescue"]
    assert (told["id"], told["platform"], told["device_id"], told["recipe"]) == (
        rescue,
        "photon",
        PHOTON_ID,
        "back-up-key",
    )
    assert told["answers"] == {"older": True, "file": "/my own/blink.bin"}
    assert [each["region"] for each in told["planned"]] == ["system-1", "system-2"]
    assert [each["region"] for each in told["written"]] == ["system-1"]


def test_a_forgotten_one_is_listed_no_more_and_cannot_be_forgotten_twice(bench: Bench) -> None:
    rescue = bench.begin_and_vanish()
    assert forget_rescue(bench.undo, rescue, bench.terminal, as_json=False) == DONE
    assert bench.undo.interrupted() == ()
    assert forget_rescue(bench.undo, rescue, bench.terminal, as_json=False) == FAULT
    assert "undo.unknown-rescue" in bench.news.getvalue()


def test_practice_boards_have_rescues_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    rescue = Bench(paths.boards_folder(practice=True)).begin_and_vanish()
    assert main(["rescues"]) == DONE
    assert capsys.readouterr().out == ""
    assert main(["rescues", "--practice"]) == DONE
    told = capsys.readouterr().out
    assert rescue in told
    assert "run back-up-key --practice photon --board " in told
    assert main(["rescues", "--practice", "--forget", rescue]) == DONE
    assert main(["rescues", "--practice", "--json"]) == DONE
    assert capsys.readouterr().out == ""
