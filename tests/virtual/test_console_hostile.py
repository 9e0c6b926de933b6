"""The command line in hostile hands: Ctrl-C and kill at any moment, pipes that break, options in the wrong place."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import clock, console
from app.console import Desk
from app.keys.safe import KeySafe
from app.main import main
from app.plain import event_json, json_line
from app.terminal import FAULT, STOPPED, OutputLostError, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.work.events import RunEvent

ROOT = Path(__file__).resolve().parents[2]
UPDATE_MODE_LIGHT = "yellow"

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and /dev/full are POSIX")


class Seat:
    """A Photon on a desk, and news that go where the test wants."""

    def __init__(self, folder: Path, news: io.StringIO) -> None:
        clock = PatientClock(160.0)
        self.board = make("photon", clock)
        self.desk = Desk(VirtualBus(clock, [self.board]), clock, {"1-1": self.board})
        self.safe = KeySafe(folder / "safe", practice=True)
        self.stores = stores(folder, self.safe)
        self.news = news
        self.asides = io.StringIO()

    def back_up(self) -> int:
        terminal = Terminal(io.StringIO(), self.news, self.asides)
        return console.run(
            "back-up-key", self.desk, self.safe, terminal, board=None, answers={}, as_json=True, **self.stores
        )


class Trigger(io.StringIO):
    """Does something as soon as a piece of news holds these words."""

    def __init__(self, words: str, error: OSError | None = None) -> None:
        super().__init__()
        self._words = words
        self._error = error

    def write(self, words: str, /) -> int:
        if self._words in words:
            if self._error is not None:
                raise self._error
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)  # the impatient press twice
        return super().write(words)


@posix
@pytest.mark.parametrize("when", ["PlanReady", '"step": 1', '"step": 2', '"step": 3', '"step": 5'])
def test_ctrl_c_at_any_step_ends_the_run_and_leaves_the_board_running(when: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, Trigger(when))
    code = seat.back_up()
    last = json.loads(seat.news.getvalue().splitlines()[-1])["event"]
    assert (code, last) in {(STOPPED, "Stopped"), (0, "Succeeded")}
    assert UPDATE_MODE_LIGHT not in seat.board.light_pattern
    assert all(backup.damaged is None for backup in seat.safe.backups())


@posix
def test_ctrl_c_while_the_end_is_printed_is_too_late(tmp_path: Path) -> None:
    assert Seat(tmp_path, Trigger("Succeeded")).back_up() == 0


@pytest.mark.parametrize("when", ["PlanReady", '"step": 2'])
def test_a_reader_who_leaves_stops_the_run_and_the_board_runs_again(when: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, Trigger(when, BrokenPipeError(32, "broken")))
    with pytest.raises(OutputLostError):
        seat.back_up()
    assert UPDATE_MODE_LIGHT not in seat.board.light_pattern


def process(arguments: list[str], data: Path, out: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, "REKINDLE_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.PIPE,
    )


@posix
def test_a_broken_pipe_and_a_full_disk_end_without_a_traceback(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with process(["list", "--practice"], tmp_path, writer) as cut:
        os.close(writer)
        _, words = cut.communicate(timeout=50)
    assert (cut.returncode, words) == (STOPPED, b"")
    with (
        Path("/dev/full").open("wb") as full,
        process(["list", "--practice", "--json"], tmp_path, full.fileno()) as ended,
    ):
        _, words = ended.communicate(timeout=50)
    assert ended.returncode == FAULT
    assert b"No space left" in words
    assert b"Traceback" not in words


@posix
def test_a_trace_that_breaks_off_is_told_and_spoils_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    monkeypatch.setattr(clock, "RealClock", lambda: PatientClock(160.0))
    assert main(["run", "read-id", "--practice", "photon", "--trace", "/dev/full"]) == 0
    assert "the trace ends here" in caplog.text
    assert "the trace is not whole" in capsys.readouterr().err
    assert main(["run", "read-id", "--practice", "photon", "--trace", str(tmp_path / "trace")]) == 0
    assert capsys.readouterr().err == ""


@posix
def test_ctrl_c_before_anything_runs_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    monkeypatch.setattr("app.main._desk", interrupted)
    assert main(["list"]) == STOPPED
    assert main(["run", "read-id"]) == STOPPED


@pytest.mark.parametrize(
    "arguments",
    [
        ["--practice", "photon", "run", "back-up-key"],
        ["--trace", "trace.jsonl", "list"],
        ["--trace", "trace.jsonl", "run", "back-up-key", "--practice"],
    ],
)
def test_options_of_the_window_before_a_command_never_reach_a_real_board(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    monkeypatch.setattr("app.main._desk", lambda *_: pytest.fail("a desk was laid"))
    assert main(arguments) == 2
    assert "after" in capsys.readouterr().err


@pytest.mark.parametrize("wanted", ["9-9", ""])
def test_the_wrong_board_is_not_told_as_no_board(wanted: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, io.StringIO())
    terminal = Terminal(io.StringIO(), seat.news, seat.asides)
    code = console.run(
        "read-id", seat.desk, seat.safe, terminal, board=wanted, answers={}, as_json=False, **seat.stores
    )
    assert code == FAULT
    assert "2a0047001247353236343033" in seat.news.getvalue()
    assert "cable" not in seat.news.getvalue()


def test_a_board_that_may_not_be_opened_is_listed_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(tmp_path, io.StringIO())
    seat.desk.clock.pause(5)
    denied = tuple(replace(each, denied=True, serial=None) for each in seat.desk.bus.sightings())
    monkeypatch.setattr(seat.desk.bus, "sightings", lambda: denied)
    assert console.list_boards(seat.desk, Terminal(io.StringIO(), seat.news, seat.asides), as_json=False) == 0
    assert "does not let the program open it" in seat.news.getvalue()
    assert seat.asides.getvalue().strip()


# --- JSON ---


def test_every_event_of_a_run_is_described_where_scripts_are_promised_it() -> None:
    from typing import get_args

    from app import plain

    told = plain.__doc__ or ""
    assert all(f"`{kind.__name__}`" in told for kind in get_args(RunEvent))


def test_a_line_of_json_is_ascii_and_loses_nothing() -> None:
    from app.text import text
    from app.work.events import Note

    line = json_line(event_json(Note(1, text("Test", "{path}").with_values(path="dé日\udcff"))))
    assert line.isascii()
    assert json.loads(line) == {"event": "Note", "run": 1, "words": "dé日\udcff"}
