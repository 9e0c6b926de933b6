"""The engine with its real threads: runs, stops, two boards, refusals, file errands, and an end without leftovers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app.engine.engine import Engine
from app.keys.safe import Backup, KeySafe
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.events import (
    Asked,
    BackupCopied,
    BackupsListed,
    BoardsChanged,
    Event,
    Failed,
    FileWorkFailed,
    ReportSaved,
    Stopped,
    Succeeded,
)
from app.work.questions import DoThis

LIMIT_S = 20.0
ENDS = (Succeeded, Failed, Stopped)


class Bench:
    """Two boards that run, an engine, and its news in order."""

    def __init__(self, folder: Path) -> None:
        self.clock = PatientClock(160.0)
        self.boards = (make("photon", self.clock), make("core-0.5", self.clock))
        self.bus = VirtualBus(self.clock, self.boards)
        self.safe = KeySafe(folder / "safe", practice=True)
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.engine = Engine(self.bus, self.clock, self.safe, self.news.put, **stores(folder, self.safe))

    def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event from now on that is wanted; everything else is dropped."""
        while True:
            event = self.news.get(timeout=LIMIT_S)
            if wanted(event):
                return event

    def until_end(self, *runs: int) -> dict[int, Event]:
        """The last event of each of these runs."""
        ended: dict[int, Event] = {}
        while set(ended) != set(runs):
            event = self.until(lambda event: isinstance(event, ENDS))
            assert isinstance(event, ENDS)
            ended[event.run] = event
        return ended

    def until_boards(self, count: int) -> None:
        self.until(lambda event: isinstance(event, BoardsChanged) and len(event.boards) == count)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path / "data"))
    before = threading.active_count()
    made = Bench(tmp_path)
    made.engine.start()
    made.until_boards(2)
    yield made
    assert made.engine.close()
    made.bus.close()
    assert threading.active_count() == before


def test_two_boards_are_worked_on_at_the_same_time(bench: Bench) -> None:
    runs = [bench.engine.run("read-id", port) for port in ("1-1", "1-2")]
    ended = bench.until_end(*runs)
    found = [event.outcome.facts[0].value for _, event in sorted(ended.items()) if isinstance(event, Succeeded)]
    assert found == [board.device_id for board in bench.boards]


def test_a_second_job_on_the_same_board_is_refused(bench: Bench) -> None:
    first = bench.engine.run("back-up-key", "1-2")
    bench.until(lambda event: isinstance(event, Asked))
    second = bench.engine.run("read-id", "1-2")
    refused = bench.until_end(second)[second]
    assert isinstance(refused, Failed)
    assert refused.code == "board.busy"
    bench.engine.stop(first)
    assert isinstance(bench.until_end(first)[first], Stopped)


def test_a_run_on_an_empty_port_is_refused(bench: Bench) -> None:
    run = bench.engine.run("read-id", "7-7")
    refused = bench.until_end(run)[run]
    assert isinstance(refused, Failed)
    assert refused.code == "board.none"


def test_a_recipe_nobody_wrote_is_a_mistake_of_the_caller(bench: Bench) -> None:
    with pytest.raises(KeyError):
        bench.engine.run("make-coffee", "1-1")


def test_the_next_run_may_start_as_soon_as_the_last_event_is_there(bench: Bench) -> None:
    for _ in range(3):
        run = bench.engine.run("read-id", "1-1")
        assert isinstance(bench.until_end(run)[run], Succeeded)


def test_the_coach_works_between_threads(bench: Bench) -> None:
    run = bench.engine.run("back-up-key", "1-2")
    asked = bench.until(lambda event: isinstance(event, Asked))
    assert isinstance(asked, Asked)
    assert isinstance(asked.question, DoThis)
    PracticeHand(bench.boards[1]).enter_dfu()
    assert isinstance(bench.until_end(run)[run], Succeeded)


def test_unplugging_is_seen_and_ends_the_run_in_a_fault(bench: Bench) -> None:
    run = bench.engine.run("back-up-key", "1-1")
    bench.until(lambda event: getattr(event, "run", None) == run)
    bench.bus.unplug(bench.boards[0])
    event = bench.until_end(run)[run]
    assert isinstance(event, Failed)
    assert event.code in {"usb.board-gone", "board.did-not-return"}


def test_closing_stops_a_run_that_waits_for_a_person(bench: Bench) -> None:
    run = bench.engine.run("back-up-key", "1-2")
    bench.until(lambda event: isinstance(event, Asked))
    assert bench.engine.close()
    assert isinstance(bench.until_end(run)[run], Stopped)


def test_the_clerk_lists_and_copies_backups(bench: Bench, tmp_path: Path) -> None:
    run = bench.engine.run("back-up-key", "1-1")
    assert isinstance(bench.until_end(run)[run], Succeeded)
    bench.engine.list_backups()
    listed = bench.until(lambda event: isinstance(event, BackupsListed))
    assert isinstance(listed, BackupsListed)
    (backup,) = listed.backups
    assert isinstance(backup, Backup)
    target = tmp_path / "stick"
    target.mkdir()
    bench.engine.copy_backup(backup, target)
    copied = bench.until(lambda event: isinstance(event, BackupCopied))
    assert isinstance(copied, BackupCopied)
    assert {Path(path).read_bytes() for path in copied.paths} == {path.read_bytes() for path in backup.files}


def test_a_copy_that_fails_is_told_and_the_clerk_goes_on(bench: Bench, tmp_path: Path) -> None:
    run = bench.engine.run("back-up-key", "1-1")
    bench.until_end(run)
    (backup,) = bench.safe.backups()
    bench.engine.copy_backup(backup, tmp_path / "not" / "there")
    failed = bench.until(lambda event: isinstance(event, FileWorkFailed))
    assert isinstance(failed, FileWorkFailed)
    assert failed.code != "bug"
    bench.engine.save_report(tmp_path / "report.zip")
    assert bench.until(lambda event: isinstance(event, ReportSaved)) == ReportSaved(str(tmp_path / "report.zip"))
