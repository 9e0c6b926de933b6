"""The engine with the rescue pack and interrupted rescues: clerk, download thread, and an end without leftovers."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.clock import FastClock
from support.ears import Ears
from support.offline import Offline

from app.engine.downloader import RATE_OVER_S, TELL_EVERY_S, Downloader
from app.engine.engine import Engine
from app.faults import PackOffline
from app.firmware.pack import PACK, PackFile, PackState, RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.undo.board_name import BoardName
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.work.events import (
    BoardsChanged,
    Event,
    FileWorkFailed,
    PackAdded,
    PackFetched,
    PackFetchFailed,
    PackFetchStopped,
    PackFileCame,
    PackListed,
    PackProgress,
    RescuesInterrupted,
)

LIMIT_S = 20.0
FLAG = next(file for file in PACK if file.role == "ota-flag")
FLAG_BYTES = b"\xa5"
NAMES = (PACK[0].name, PACK[1].name)


class Source:
    """Downloads nothing, as slowly as the test wants."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.thread = ""
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.fault: Exception | None = None

    def fetch(self, names: Sequence[str], progress: Callable[[str, int, int], None], check: Callable[[], None]) -> None:
        self.asked.append(tuple(names))
        self.thread = threading.current_thread().name
        progress(names[0], 0, 100)
        self.begun.set()
        while not self.go_on.wait(0.01):
            check()
        if self.fault is not None:
            raise self.fault
        for name in names:
            progress(name, 100, 100)


class Bench:
    """An engine without boards, with a pack and a store, and its news in order."""

    def __init__(self, folder: Path) -> None:
        self.bundle = folder / "bundle"
        self.bundle.mkdir()
        (self.bundle / FLAG.name).write_bytes(FLAG_BYTES)
        self.pack = RescuePack(folder / "pack", self.bundle)
        safe = KeySafe(folder / "safe")
        self.undo = UndoStore(folder / "boards", safe=safe)
        self.bus = VirtualBus(FastClock())
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.source = Source()
        self.engine = Engine(
            self.bus,
            FastClock(),
            safe,
            self.news.put,
            pack=self.pack,
            undo=self.undo,
            clouds=CloudBook(folder / "clouds"),
            network=Offline(),
            scanner=Ears(),
            fetcher=lambda: self.source,
        )

    def next(self) -> Event:
        while isinstance(event := self.news.get(timeout=LIMIT_S), BoardsChanged):
            pass
        return event

    def flag_state(self) -> PackState:
        listed = self.next()
        assert isinstance(listed, PackListed)
        return next(item.state for item in listed.items if item.file is FLAG)

    def begin_and_vanish(self) -> str:
        """Begin a rescue and end as if the power had gone."""
        journal = self.undo.begin(BoardName("photon", None, "serial"), "restore-system", {"release": "2.2.0"})
        journal.plans("system-1", 0, 0x0802_0000, 4, "0" * 64)
        journal.close()
        return journal.id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    assert made.engine.close()
    made.bus.close()


@pytest.fixture
def started(bench: Bench) -> Bench:
    bench.engine.start()
    assert isinstance(bench.next(), PackListed)
    assert bench.next() == RescuesInterrupted(())
    return bench


# --- at the start ---------------------------------------------------------------------------------------------------


def test_what_a_killed_download_left_long_ago_is_gone_after_the_start(bench: Bench) -> None:
    bench.pack.root.mkdir()
    old = bench.pack.part(FLAG.name)
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    bench.engine.start()
    assert bench.flag_state() is PackState.PRESENT
    assert not old.exists()


def test_the_pack_is_filled_from_what_came_along_and_interrupted_rescues_are_told_at_the_start(bench: Bench) -> None:
    rescue = bench.begin_and_vanish()
    bench.engine.start()
    assert bench.flag_state() is PackState.PRESENT
    assert (bench.pack.root / FLAG.name).read_bytes() == FLAG_BYTES
    told = bench.next()
    assert isinstance(told, RescuesInterrupted)
    assert [(each.id, each.recipe, dict(each.answers)) for each in told.rescues] == [
        (rescue, "restore-system", {"release": "2.2.0"})
    ]


def test_a_pack_that_cannot_be_filled_is_told_as_it_is(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.pack.root.write_text("a file where the folder should be")
    bench.engine.start()
    event = bench.next()
    assert isinstance(event, PackListed | FileWorkFailed)
    assert not isinstance(event, FileWorkFailed) or event.code != "bug"
    assert "could not be filled" in caplog.text
    assert isinstance(bench.next(), RescuesInterrupted)


# --- adding ---------------------------------------------------------------------------------------------------------


def test_files_are_recognised_by_content_and_the_new_list_follows(started: Bench, tmp_path: Path) -> None:
    (started.pack.root / FLAG.name).write_bytes(b"x")
    given = [tmp_path / "whatever.bin", tmp_path / "blink.bin", tmp_path / "not there.tgz"]
    given[0].write_bytes(FLAG_BYTES)
    given[1].write_bytes(b"a program")
    started.engine.add_to_pack(given)
    added = started.next()
    assert isinstance(added, PackAdded)
    assert (added.names, added.repaired, added.unknown) == ((FLAG.name,), (FLAG.name,), (str(given[1]),))
    (trouble,) = added.troubles
    assert trouble.english().startswith("not there.tgz: ")
    assert started.flag_state() is PackState.PRESENT


def test_a_damaged_file_is_listed_as_damaged(started: Bench) -> None:
    (started.pack.root / FLAG.name).write_bytes(b"x")
    started.engine.list_pack()
    assert started.flag_state() is PackState.DAMAGED


# --- downloading ----------------------------------------------------------------------------------------------------


def test_a_download_has_a_thread_of_its_own_and_ends_with_a_new_list(started: Bench) -> None:
    started.engine.fetch_pack(NAMES)
    assert isinstance(started.next(), PackProgress)
    started.engine.list_pack()  # the clerk is free meanwhile
    assert isinstance(started.next(), PackListed)
    started.source.go_on.set()
    ended = [started.next() for _ in range(6)]
    assert [type(event) for event in ended] == [*[PackProgress, PackFileCame] * 2, PackFetched, PackListed]
    assert (ended[1], ended[3], ended[4]) == (*map(PackFileCame, NAMES), PackFetched(NAMES))
    assert (started.source.thread, started.source.asked) == ("download", [NAMES])


def test_what_came_with_the_program_is_not_downloaded(started: Bench) -> None:
    (started.pack.root / FLAG.name).write_bytes(b"x")
    started.source.go_on.set()
    started.engine.fetch_pack([FLAG.name])
    assert started.next() == PackFetched((FLAG.name,))
    assert started.flag_state() is PackState.PRESENT
    assert started.source.asked == []
    (started.pack.root / FLAG.name).unlink()
    started.engine.fetch_pack([FLAG.name, *NAMES])
    while not isinstance(started.next(), PackFetched):
        pass
    assert started.source.asked == [NAMES]


def test_a_second_download_waits_for_nobody_and_does_not_begin(started: Bench) -> None:
    started.engine.fetch_pack(NAMES)
    assert started.source.begun.wait(LIMIT_S)
    started.engine.fetch_pack(NAMES)
    started.source.go_on.set()
    while not isinstance(started.next(), PackListed):
        pass
    assert started.source.asked == [NAMES]


def test_who_hears_the_end_may_begin_the_next_download_at_once(started: Bench) -> None:
    started.source.go_on.set()
    for _ in range(20):
        started.engine.fetch_pack(NAMES)
        while not isinstance(started.next(), PackFetched):
            pass
    assert len(started.source.asked) == 20


def test_a_download_stops_when_asked(started: Bench) -> None:
    started.engine.fetch_pack(NAMES)
    assert isinstance(started.next(), PackProgress)
    started.engine.stop_fetch()
    assert started.next() == PackFetchStopped()
    assert isinstance(started.next(), PackListed)


def test_stopping_without_a_download_does_not_stop_the_next_one(started: Bench) -> None:
    started.engine.stop_fetch()
    started.source.go_on.set()
    started.engine.fetch_pack(NAMES)
    assert isinstance(started.next(), PackProgress)


@pytest.mark.parametrize("fault", [PackOffline("no route", host="example.org"), RuntimeError("a mistake")])
def test_a_download_that_fails_says_why_and_what_to_do(
    started: Bench, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    started.source.fault = fault
    started.source.go_on.set()
    started.engine.fetch_pack(NAMES)
    assert isinstance(started.next(), PackProgress)
    failed = started.next()
    assert isinstance(failed, PackFetchFailed)
    assert failed.code == ("pack.offline" if isinstance(fault, PackOffline) else "bug")
    assert failed.next_step.english()
    assert isinstance(started.next(), PackListed)
    assert ("a mistake" in caplog.text) is not isinstance(fault, PackOffline)


def test_closing_ends_a_download_and_none_begins_after(started: Bench) -> None:
    started.engine.fetch_pack(NAMES)
    assert started.source.begun.wait(LIMIT_S)
    assert started.engine.close()
    assert "download" not in {thread.name for thread in threading.enumerate()}
    started.engine.fetch_pack(NAMES)
    assert started.source.asked == [NAMES]


def test_a_file_that_is_not_of_the_pack_is_a_mistake_of_the_caller(started: Bench) -> None:
    with pytest.raises(KeyError):
        started.engine.fetch_pack(["no such file"])


# --- how far it is --------------------------------------------------------------------------------------------------


class Script:
    """Tells the progress of a download whose pieces come at these times: (seconds to wait, name, bytes)."""

    def __init__(self, clock: FastClock, pieces: Sequence[tuple[float, PackFile, int]]) -> None:
        self.clock = clock
        self.pieces = pieces

    def fetch(self, names: Sequence[str], progress: Callable[[str, int, int], None], check: Callable[[], None]) -> None:
        for seconds, file, done in self.pieces:
            self.clock.pause(seconds)
            progress(file.name, done, file.size)


def told(files: Sequence[PackFile], pieces: Sequence[tuple[float, PackFile, int]]) -> list[PackProgress]:
    clock = FastClock()
    news: list[Event] = []
    downloader = Downloader(lambda: Script(clock, pieces), clock, news.append)
    assert downloader.start(files)
    assert downloader.join(LIMIT_S)
    assert isinstance(news[-1], PackFetched)
    return [event for event in news if isinstance(event, PackProgress)]


ONE, TWO = sorted(PACK, key=lambda file: file.size)[-2:]


def test_progress_is_told_about_ten_times_a_second_and_at_both_ends() -> None:
    step = 0.01
    pieces = [(step, ONE, done) for done in range(0, ONE.size, 1000)]
    shown = told([ONE], [*pieces, (step, ONE, ONE.size)])
    assert len(shown) <= len(pieces) * step / TELL_EVERY_S + 3
    assert len(shown) >= len(pieces) * step / TELL_EVERY_S - 3
    assert (shown[0].done, shown[-1].done) == (0, ONE.size)


def test_progress_is_that_of_the_whole_order_with_the_speed_of_the_last_seconds() -> None:
    whole = ONE.size + TWO.size
    half = ONE.size // 2
    shown = told(
        [ONE, TWO],
        [
            (0.0, ONE, 0),
            (1.0, ONE, half),
            (1.0, ONE, ONE.size),
            (0.0, TWO, 0),
            (RATE_OVER_S * 2, TWO, 0),
            (1.0, TWO, 5000),
        ],
    )
    assert {event.total for event in shown} == {whole}
    assert shown[0].rate == 0.0
    assert shown[0].seconds_left is None
    assert shown[1].rate == pytest.approx(half / 1.0)
    assert shown[1].seconds_left == pytest.approx((whole - half) / half)
    assert shown[2].done == ONE.size
    assert shown[-1].done == ONE.size + 5000
    assert shown[-1].rate == pytest.approx(5000)  # nothing came before it for a long time


def test_what_an_earlier_download_left_is_no_speed() -> None:
    shown = told([ONE], [(0.0, ONE, ONE.size - 2000), (1.0, ONE, ONE.size - 1000), (1.0, ONE, ONE.size)])
    assert [event.rate for event in shown] == [0.0, pytest.approx(1000), pytest.approx(1000)]


def test_a_source_that_begins_again_lowers_the_count_and_the_speed_is_never_negative() -> None:
    shown = told([ONE], [(0.0, ONE, 9000), (1.0, ONE, 0), (1.0, ONE, 3000), (1.0, ONE, ONE.size)])
    assert [event.done for event in shown] == [9000, 0, 3000, ONE.size]
    assert all(event.rate >= 0 for event in shown)
    assert all(event.seconds_left is None or event.seconds_left >= 0 for event in shown)


# --- interrupted rescues --------------------------------------------------------------------------------------------


def test_a_forgotten_rescue_is_offered_no_more(started: Bench) -> None:
    rescue = started.begin_and_vanish()
    started.engine.list_interrupted()
    told_now = started.next()
    assert isinstance(told_now, RescuesInterrupted)
    assert [each.id for each in told_now.rescues] == [rescue]
    started.engine.forget_interrupted(rescue)
    assert started.next() == RescuesInterrupted(())


def test_forgetting_one_that_is_finished_meanwhile_just_lists_the_others(started: Bench) -> None:
    rescue = started.begin_and_vanish()
    with started.undo.resume(rescue) as journal:
        started.engine.forget_interrupted(rescue)
        failed = started.next()
        assert isinstance(failed, FileWorkFailed)
        assert failed.code == "undo.elsewhere"
        assert journal.finish()
    started.engine.forget_interrupted(rescue)
    assert started.next() == RescuesInterrupted(())
