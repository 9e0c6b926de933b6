"""The serial monitor's thread on virtual boards: it opens, reads, sends, yields to jobs, and comes back by itself."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app.engine.engine import Engine
from app.engine.monitor import BAUD, Monitor
from app.faults import PortBusy
from app.keys.safe import KeySafe
from app.transports.base import Closes, SerialPipe, Sighting, UsbPipe
from app.transports.trace import traced
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.board import Board
from app.work.events import (
    BoardsChanged,
    Event,
    Failed,
    MonitorChanged,
    MonitorGrew,
    MonitorStatus,
    Stopped,
    Succeeded,
)
from app.work.identity import IdentityBook
from app.work.serial_lines import KEPT_LINES, Transcript, handed_on

LIMIT_S = 20.0
PASSWORD = "Zwölf Äpfel im Korb"


class Listener(VirtualBus):
    """A desk that remembers every rate a serial port was given, and refuses it as often as it is told to."""

    def __init__(self, clock: PatientClock) -> None:
        super().__init__(clock)
        self.rates: list[int] = []
        self.refuses = 0

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        self.rates.append(baud)
        if self.refuses:
            self.refuses -= 1
            raise PortBusy("held")
        return super().open_serial(sighting, baud)


class Bench:
    """A board in listening mode, an engine, and its news in order."""

    def __init__(self, folder: Path, name: str = "photon") -> None:
        self.clock = PatientClock(100.0)
        self.board = make(name, self.clock, profiles=True)
        self.bus = Listener(self.clock)
        self.bus.plug(self.board)
        self.hand = PracticeHand(self.board)
        self.safe = KeySafe(folder / "safe", practice=True)
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.engine = Engine(self.bus, self.clock, self.safe, self.news.put, **stores(folder, self.safe))
        self.transcript: Transcript | None = None

    def open(self) -> None:
        self.engine.start()
        self.hand.enter_listening()  # a Core of 2013 is on USB only then
        self.until(lambda event: isinstance(event, BoardsChanged) and bool(event.boards))
        self.engine.open_monitor("1-1")
        self.until_status(MonitorStatus.OPEN)

    def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event from now on that is wanted."""
        while True:
            event = self.news.get(timeout=LIMIT_S)
            if isinstance(event, MonitorChanged):
                self.transcript = event.transcript
            if wanted(event):
                return event

    def until_status(self, status: MonitorStatus) -> MonitorChanged:
        event = self.until(lambda event: isinstance(event, MonitorChanged) and event.status is status)
        assert isinstance(event, MonitorChanged)
        return event

    def until_said(self, words: bytes) -> None:
        """Wait until the board has said this, fetching lines as the window does."""
        assert self.transcript is not None
        while words not in b"".join(line.data for line in self.transcript.since(0).lines):
            self.until(lambda event: isinstance(event, MonitorGrew))

    def words(self) -> str:
        assert self.transcript is not None
        lines = self.transcript.since(0).lines
        told = handed_on(self.transcript, lines, stamps=False, as_hex=False, say=lambda words: words.english())
        return "\n".join(told)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    assert made.engine.close()
    made.bus.close()


def test_one_port_one_rate_and_the_answers_of_the_board(bench: Bench) -> None:
    bench.open()
    bench.engine.send_serial(b"i")
    bench.until_said(b"Your device id is ")
    bench.engine.send_serial(b"v")
    bench.until_said(b"system firmware version: ")
    bench.engine.open_monitor("1-1")  # again: it is open already
    bench.engine.close_monitor()
    bench.until_status(MonitorStatus.CLOSED)
    assert bench.bus.rates == [BAUD]
    assert BAUD not in {14400, 28800}  # commands (device-protocol.md 5.6)
    assert bench.words().splitlines()[-1] == "- The port was closed."


def test_a_job_takes_the_port_and_gives_it_back(bench: Bench) -> None:
    bench.open()
    run = bench.engine.run("read-id", "1-1")
    bench.until_status(MonitorStatus.LENT)
    end = bench.until(lambda event: isinstance(event, Succeeded | Failed | Stopped))
    assert isinstance(end, Succeeded)
    assert end.run == run
    bench.until_status(MonitorStatus.OPEN)
    bench.engine.send_serial(b"i")
    bench.until_said(b"Your device id is ")
    assert "A job needs the board" in bench.words()


def test_a_monitor_opened_during_a_job_waits_for_its_end(bench: Bench) -> None:
    bench.engine.start()
    bench.until(lambda event: isinstance(event, BoardsChanged) and bool(event.boards))
    bench.engine.run("back-up-key", "1-1")
    bench.engine.open_monitor("1-1")
    first = bench.until(lambda event: isinstance(event, MonitorChanged) and event.status is not MonitorStatus.OPENING)
    assert isinstance(first, MonitorChanged)
    assert first.status is MonitorStatus.LENT
    bench.until(lambda event: isinstance(event, Succeeded))
    bench.until_status(MonitorStatus.OPEN)


def test_a_board_that_goes_and_comes_back_is_opened_again_and_its_lines_stay(bench: Bench) -> None:
    bench.open()
    bench.engine.send_serial(b"i")
    bench.until_said(b"Your device id is ")
    bench.bus.unplug(bench.board)
    bench.until_status(MonitorStatus.AWAY)
    bench.bus.plug(bench.board)
    bench.until_status(MonitorStatus.OPEN)
    told = bench.words()
    assert told.index("Your device id is") < told.index("The board went away") < told.rindex("is open at 9600")


def test_a_board_in_update_mode_has_no_port_and_is_waited_for(bench: Bench) -> None:
    bench.engine.start()
    bench.hand.enter_dfu()
    bench.until(lambda event: isinstance(event, BoardsChanged) and any(b.boot_loader for b in event.boards))
    bench.engine.open_monitor("1-1")
    bench.until_status(MonitorStatus.AWAY)
    bench.hand.reset()
    bench.until_status(MonitorStatus.OPEN)


def test_a_port_held_by_another_program_says_so_and_is_tried_again(bench: Bench) -> None:
    bench.engine.start()
    bench.until(lambda event: isinstance(event, BoardsChanged) and bool(event.boards))
    (sighting,) = bench.bus.sightings()
    with bench.bus.open_serial(sighting, 9600):
        bench.engine.open_monitor("1-1")
        refused = bench.until_status(MonitorStatus.REFUSED)
        assert refused.cause is not None
        assert refused.cause.source == PortBusy("x").cause.source
        assert refused.next_step is not None
    bench.until_status(MonitorStatus.OPEN)


def statuses_until(bench: Bench, status: MonitorStatus) -> list[MonitorStatus]:
    """Every status that is told up to this one."""
    told: list[MonitorStatus] = []
    while not told or told[-1] is not status:
        event = bench.until(lambda event: isinstance(event, MonitorChanged))
        assert isinstance(event, MonitorChanged)
        told.append(event.status)
    return told


def test_a_port_closed_and_opened_at_once_is_not_held_by_the_monitor_before(bench: Bench) -> None:
    bench.open()
    for _ in range(8):
        bench.engine.close_monitor()
        bench.engine.open_monitor("1-1")
        assert MonitorStatus.REFUSED not in statuses_until(bench, MonitorStatus.OPEN)


def test_a_board_that_has_just_come_may_refuse_for_a_moment_and_nobody_is_bothered(bench: Bench) -> None:
    bench.open()
    bench.bus.unplug(bench.board)
    bench.until_status(MonitorStatus.AWAY)
    bench.bus.refuses = 1
    bench.bus.plug(bench.board)
    assert MonitorStatus.REFUSED not in statuses_until(bench, MonitorStatus.OPEN)
    assert bench.bus.refuses == 0


def test_what_is_sent_while_the_port_is_closed_is_dropped(bench: Bench) -> None:
    bench.open()
    bench.bus.unplug(bench.board)
    bench.until_status(MonitorStatus.AWAY)
    bench.engine.send_serial(b"w")
    bench.bus.plug(bench.board)
    bench.until_status(MonitorStatus.OPEN)
    assert "> w" not in bench.words()


def test_a_password_typed_by_hand_is_stored_by_the_board_and_handed_on_by_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "core")
    trace = tmp_path / "trace.txt"
    bus = traced(bench.bus, trace)
    bench.engine = Engine(bus, bench.clock, bench.safe, bench.news.put, **stores(tmp_path, bench.safe))
    try:
        bench.open()
        for send, said in (
            (b"w", b"SSID: "),
            (b"at home\n", b"WPA2: "),
            (b"3\n", b"Password: "),
            (PASSWORD.encode() + b"\n", b"Spark <3 you!"),
        ):
            bench.engine.send_serial(send)
            bench.until_said(said)
    finally:
        assert bench.engine.close()
        bus.close()
    (stored,) = (profile for profile in bench.board.profiles_stored if profile.ssid == b"at home")
    assert stored.password == PASSWORD.encode()
    assert PASSWORD not in bench.words()
    written = trace.read_text(encoding="utf-8")
    assert PASSWORD not in written
    assert PASSWORD.encode().hex() not in written.replace(" ", "")
    assert "Spark <3 you!" in written or "SSID" in written  # the trace is one


def test_a_port_that_is_closed_and_opened_again_amid_the_password_still_hands_on_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "core")
    try:
        bench.open()
        for send, said in ((b"w", b"SSID: "), (b"at home\n", b"WPA2: "), (b"3\n", b"Password: ")):
            bench.engine.send_serial(send)
            bench.until_said(said)
        bench.engine.close_monitor()
        bench.until_status(MonitorStatus.CLOSED)
        bench.engine.open_monitor("1-1")
        bench.until_status(MonitorStatus.OPEN)
        bench.engine.send_serial(PASSWORD.encode() + b"\n")
        bench.until_said(b"Spark <3 you!")  # the board was not restarted: it still waited for the password
        assert PASSWORD not in bench.words()
    finally:
        assert bench.engine.close()
        bench.bus.close()


def test_a_board_that_was_plugged_in_anew_is_asked_for_no_password_any_more(bench: Bench) -> None:
    bench.open()
    for send, said in (
        (b"w", b"SSID: "),
        (b"elsewhere\n", b"Enterprise: "),
        (b"1\n", b"Cipher"),
        (b"1\n", b"Password: "),
    ):
        bench.engine.send_serial(send)
        bench.until_said(said)
    bench.bus.unplug(bench.board)
    bench.until_status(MonitorStatus.AWAY)
    bench.bus.plug(bench.board)
    bench.until_status(MonitorStatus.OPEN)
    bench.engine.send_serial(b"hello")
    while "> hello" not in bench.words():
        bench.until(lambda event: isinstance(event, MonitorGrew))


def test_the_window_closing_ends_the_monitor(bench: Bench) -> None:
    bench.open()
    assert bench.engine.close()
    bench.until_status(MonitorStatus.CLOSED)
    assert bench.engine.close()


class Flood:
    """A bus whose one board sends as fast as it is read, then leaves."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks

    def open_serial(self, _sighting: Sighting, _baud: int) -> SerialPipe:
        return FloodPipe(self)

    def open_usb(self, _sighting: Sighting) -> UsbPipe:
        raise NotImplementedError

    def sightings(self) -> Sequence[Sighting]:
        return ()

    def wait_for_change(self, seconds: float) -> bool:
        return False

    def wake(self) -> None:
        return

    def close(self) -> None:
        return


class FloodPipe(Closes):
    def __init__(self, flood: Flood) -> None:
        self._flood = flood

    def read(self, timeout_ms: int) -> bytes:
        if self._flood.left == 0:
            return b""
        self._flood.left -= 1
        return b"0123456789012345678901234567890123456789\r\n" * 97

    def write(self, data: bytes, timeout_ms: int) -> None:
        return

    def set_baud(self, baud: int) -> None:
        raise AssertionError("the rate is never changed")

    def close(self) -> None:
        return


def test_a_flood_that_nobody_fetches_is_told_once_and_stays_within_bounds() -> None:
    clock = PatientClock(100.0)
    board = make("photon", clock, profiles=True)
    desk = VirtualBus(clock, [board])
    boards: tuple[Board, ...] = ()
    while not boards:
        clock.pause(0.1)
        boards = IdentityBook(clock).see(desk)[1]
    news: queue.SimpleQueue[Event] = queue.SimpleQueue()
    flood = Flood(chunks=200)
    monitor = Monitor(flood, clock, lambda: boards, news.put, "1-1")
    monitor.start()
    while flood.left:
        clock.pause(0.05)
    monitor.stop()
    assert monitor.join(LIMIT_S)
    grew = [
        event for event in iter(lambda: None if news.empty() else news.get(), None) if isinstance(event, MonitorGrew)
    ]
    assert len(grew) == 1
    assert len(monitor.transcript.since(0).lines) == KEPT_LINES
    assert monitor.transcript.lost == 200 * 97 + 2 - KEPT_LINES
