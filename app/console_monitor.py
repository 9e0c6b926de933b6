"""The serial monitor without a window: lines of the board to standard output, lines of standard input to the board."""

from __future__ import annotations

import queue
import threading

from app.clock import Deadline
from app.console import SLICE_S, Desk, boards_here, choose, say_fault
from app.engine.monitor import Monitor
from app.engine.watcher import Watcher
from app.faults import Fault
from app.platforms.console import as_sent
from app.terminal import DONE, FAULT, STOPPED, Terminal
from app.text import Text, text
from app.work.events import Event, MonitorChanged, MonitorStatus
from app.work.identity import IdentityBook
from app.work.serial_lines import Line, Transcript, handed_on

JOIN_S = 5.0


_HOW = text(
    "Console",
    "9600 8N1. A line you type is sent with a line feed; in listening mode each character is a command. Passwords are "
    "not printed. Ctrl-C ends it.",
)
_TROUBLE = text("Console", "{cause} {next_step}")


def watch_port(
    desk: Desk, terminal: Terminal, *, board: str | None, stamps: bool, as_hex: bool, seconds: float | None
) -> int:
    """Print what a board says until Ctrl-C, and send what is typed; return the exit code.

    Args:
        desk: Boards and time.
        terminal: Where to print and read.
        board: Device ID, serial number or port path of the board; None when there is only one.
        stamps: Whether the time stands before each line.
        as_hex: Whether bytes are shown as hex digits.
        seconds: After how long to end by itself; None for never.

    Raises:
        WrongUsageError: It is not clear which board is meant.
    """
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    watcher = Watcher(desk.bus, IdentityBook(desk.clock), events.put)
    monitor: Monitor | None = None
    with terminal.interrupts(lambda: events.put(None)):
        watcher.start()
        try:
            chosen = choose(boards_here(desk, events, terminal), board)
            monitor = Monitor(desk.bus, desk.clock, lambda: watcher.boards, events.put, chosen.port_path)
            terminal.aside(_HOW.english())
            show = _Show(monitor.transcript, terminal, stamps=stamps, as_hex=as_hex)
            monitor.start()
            return _until_end(desk, events, monitor, show, terminal, seconds)
        except Fault as fault:
            say_fault(terminal, fault, as_json=False)
            return FAULT
        except KeyboardInterrupt:
            return STOPPED
        finally:
            if monitor is not None:
                monitor.stop()
                monitor.join(JOIN_S)
            watcher.stop()
            watcher.join(JOIN_S)


def _until_end(
    desk: Desk,
    events: queue.SimpleQueue[Event | None],
    monitor: Monitor,
    show: _Show,
    terminal: Terminal,
    seconds: float | None,
) -> int:
    deadline = Deadline(desk.clock, seconds if seconds is not None else float("inf"))
    typist: threading.Thread | None = None
    while not deadline.passed():
        try:
            event = events.get(timeout=SLICE_S)
        except queue.Empty:
            show.look(quiet=True)
            continue
        if event is None:
            return STOPPED
        if isinstance(event, MonitorChanged):
            if event.cause is not None:
                terminal.aside(_TROUBLE.with_values(cause=event.cause, next_step=event.next_step or "").english())
            if event.status is MonitorStatus.OPEN and typist is None:
                # What is typed before is for nobody; a thread, because reading a line cannot be given a limit.
                typist = threading.Thread(target=_type, args=(terminal, monitor), name="typist", daemon=True)
                typist.start()
        show.look(quiet=False)
    show.look(quiet=True)
    show.look(quiet=True)
    return DONE


def _type(terminal: Terminal, monitor: Monitor) -> None:
    while True:
        try:
            line = terminal.read("", secret=False)
        except (EOFError, KeyboardInterrupt):
            return
        monitor.send(as_sent(line, b"\n", asked=monitor.transcript.asks))


class _Show:
    """Prints each line once: when it has ended, or when nothing more of it comes for a moment."""

    def __init__(self, transcript: Transcript, terminal: Terminal, *, stamps: bool, as_hex: bool) -> None:
        self._transcript = transcript
        self._terminal = terminal
        self._stamps = stamps
        self._as_hex = as_hex
        self._next = 0
        self._seen: tuple[int, int] | None = None
        self._printed = 0  # bytes of the line under way that are printed already

    def look(self, *, quiet: bool) -> None:
        """Print what is new; of a line under way only if it is the same as at the last quiet look."""
        for line in self._transcript.since(self._next).lines:
            size = len(line.data)
            if not line.ended and not self._is_last_cut(line):
                waits, self._seen = self._seen == (line.number, size), (line.number, size)
                if not quiet or not waits or size == self._printed:
                    return
                self._print(line)
                self._printed = size
                return
            if size > self._printed or line.words is not None or not size:
                self._print(line)
            self._next, self._printed, self._seen = line.number + 1, 0, None

    def _is_last_cut(self, line: Line) -> bool:
        """Whether nothing more belongs to a line without an end: something else was said after it."""
        return self._transcript.newest > line.number + 1

    def _print(self, line: Line) -> None:
        rest = Line(
            line.number,
            line.at,
            line.kind,
            line.data[self._printed :],
            None if line.secret_from is None else max(0, line.secret_from - self._printed),
            line.words,
        )
        told = handed_on(self._transcript, (rest,), stamps=self._stamps, as_hex=self._as_hex, say=Text.english)
        self._terminal.say(told[0])
