"""The engine and the command line with a key safe that has a passphrase."""

from __future__ import annotations

import io
import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import FastClock
from support.patient_clock import PatientClock
from support.stores import stores

from app.console import Desk, run
from app.engine.engine import Engine
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.work.events import (
    BackupsListed,
    BoardsChanged,
    Event,
    FileWorkFailed,
    PackListed,
    PassphraseRefused,
    Protection,
    RescuesInterrupted,
    SafeProtection,
)

LIMIT_S = 20.0
SECRET = "correct horse battery staple"


class WatchedSafe(KeySafe):
    """A key safe that notes which thread does the slow work."""

    threads: set[str]

    def unlock(self, words: str) -> None:
        self.threads.add(threading.current_thread().name)
        super().unlock(words)

    def set_passphrase(self, words: str) -> None:
        self.threads.add(threading.current_thread().name)
        super().set_passphrase(words)


class Bench:
    """An engine without boards, and its news about the safe."""

    def __init__(self, folder: Path) -> None:
        clock = FastClock()
        self.bus = VirtualBus(clock)
        self.safe = WatchedSafe(folder / "safe")
        self.safe.threads = set()
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.engine = Engine(self.bus, clock, self.safe, self.news.put, **stores(folder, self.safe))

    def next(self) -> Event:
        others = BoardsChanged | PackListed | RescuesInterrupted
        while isinstance(event := self.news.get(timeout=LIMIT_S), others):
            pass
        return event


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.engine.start()
    yield made
    assert made.engine.close()
    made.bus.close()


def test_a_passphrase_is_set_locked_and_unlocked_by_the_clerk(bench: Bench) -> None:
    bench.engine.set_passphrase(SECRET)
    assert bench.next() == SafeProtection(Protection.UNLOCKED)
    bench.engine.lock()
    assert bench.next() == SafeProtection(Protection.LOCKED)
    bench.engine.unlock(SECRET)
    assert bench.next() == SafeProtection(Protection.UNLOCKED)
    assert bench.safe.threads == {"clerk"}


def test_a_list_of_backups_comes_with_the_protection(bench: Bench) -> None:
    bench.engine.list_backups()
    assert bench.next() == SafeProtection(Protection.UNPROTECTED)
    assert bench.next() == BackupsListed(())


def test_a_wrong_passphrase_is_refused_and_the_safe_stays_locked(bench: Bench) -> None:
    bench.safe.set_passphrase(SECRET)
    bench.safe.lock()
    bench.engine.unlock("wrong")
    refused = bench.next()
    assert isinstance(refused, PassphraseRefused)
    assert refused.code == "safe.wrong-passphrase"
    assert bench.safe.locked


def test_a_passphrase_that_another_program_has_set_meanwhile_is_not_replaced(bench: Bench) -> None:
    KeySafe(bench.safe.root).set_passphrase("the first")
    bench.engine.set_passphrase(SECRET)
    refused = bench.next()
    assert isinstance(refused, PassphraseRefused)
    assert refused.code == "safe.has-passphrase"
    bench.safe.unlock("the first")


def test_a_folder_that_cannot_be_written_is_a_fault_with_a_next_step(bench: Bench) -> None:
    bench.safe.root.parent.joinpath("safe").write_text("a file where the folder should be")
    bench.engine.set_passphrase(SECRET)
    failed = bench.next()
    assert isinstance(failed, PassphraseRefused | FileWorkFailed)
    assert failed.code != "bug"
    assert failed.next_step.english()


def test_the_words_are_in_no_event_and_no_log(bench: Bench) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        bench.engine.set_passphrase(SECRET)
        told = [bench.next()]
        bench.engine.set_passphrase(SECRET)
        told.append(bench.next())
        bench.engine.unlock(SECRET + "!")
        told.append(bench.next())
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert SECRET not in repr(told) + written.getvalue()


class Reader(io.StringIO):
    """Standard input without a person."""

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("answers", "code"), [({"passphrase": SECRET}, DONE), ({}, FAULT), ({"passphrase": "x"}, FAULT)]
)
def test_the_command_line_backs_up_into_a_locked_safe_only_with_its_passphrase(
    answers: dict[str, str], code: int, tmp_path: Path
) -> None:
    clock = PatientClock(160.0)
    boards = {"1-1": make("photon", clock)}
    safe = KeySafe(tmp_path / "safe", practice=True)
    safe.set_passphrase(SECRET)
    safe.lock()
    news, asides = io.StringIO(), io.StringIO()
    desk = Desk(VirtualBus(clock, boards.values()), clock, boards)
    terminal = Terminal(Reader(), news, asides)
    kept = stores(tmp_path, safe)
    assert run("back-up-key", desk, safe, terminal, board=None, answers=answers, as_json=False, **kept) == code
    assert [kept.encrypted for kept in safe.backups()] == [True] * (code == DONE)
    assert SECRET not in news.getvalue() + asides.getvalue()
    if not answers:
        assert "--answer passphrase=VALUE" in news.getvalue()
