"""Keeps one board's serial port open for a person who looks on: a thread of its own, finite waits, bounded memory.

The rate is 9600 and cannot be set: 14400 and 28800 are commands (device-protocol.md 5.6), and over USB none is faster
than another.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence

from app.clock import Clock
from app.faults import BoardGone, BoardSilent, Fault
from app.platforms.model import Mode
from app.text import Text, text
from app.transports.base import Bus, SerialPipe
from app.work.board import Board
from app.work.events import MonitorChanged, MonitorGrew, MonitorStatus, Post
from app.work.serial_lines import Transcript

log = logging.getLogger(__name__)

BAUD = 9600
"""Nominal (5.1), and none of the magic rates (5.6)."""
READ_MS = 200
"""How long one read waits; what is to be sent, and a job that wants the port, wait no longer than this."""
READ_TO_TELL_MS = 50
"""The same while there are lines that were not told yet."""
WRITE_MS = 1000
TELL_EVERY_S = 0.05
"""News of new lines come no oftener, and only after the last ones were fetched: a flood cannot fill a queue."""
LOOK_AGAIN_S = 0.25
TRY_AGAIN_S = 1.0
SETTLING_S = 3.0
"""A board that has just come may be refused for so long: access rules and other programs look at it first."""
LEND_LIMIT_S = 5.0
"""A job waits for the port no longer; a close that hangs in the system must not hold it for ever."""

OPENED = text("Monitor", "Port {port} of the {board} is open at 9600 8N1.")
WENT_AWAY = text("Monitor", "The board went away. The port is opened again when it is back.")
LENT = text("Monitor", "A job needs the board: the port is closed until it has ended.")
CLOSED = text("Monitor", "The port was closed.")
NOT_TAKEN = text("Monitor", "The board did not take what was sent. Its program may not read from USB.")
BROKEN = text("Monitor", "The port failed: {cause} {next_step}")
_BUG_CAUSE = text("Monitor", "The program made a mistake while it read the port.")
_BUG_NEXT_STEP = text("Monitor", "Save the report and send it to us, then open the port again.")


class Monitor:
    """One thread that reads the serial port of the board on one USB port, and opens it again whenever it comes back.

    Posts `MonitorChanged` whenever its status changes, and `MonitorGrew` when there are lines nobody has fetched.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        boards: Callable[[], Sequence[Board]],
        post: Post,
        port_path: str,
        *,
        transcript: Transcript | None = None,
        lent: bool = False,
        after: Monitor | None = None,
    ) -> None:
        """Take what is needed; nothing happens before `start`.

        Args:
            bus: Where the board is opened.
            clock: What every wait goes through.
            boards: The boards that are there now, asked for a few times a second; it must not block.
            post: Where news go.
            port_path: Where the board is plugged in.
            transcript: Where to go on with the lines; None for a new one.
            lent: Whether a job has the board already.
            after: The monitor before it, whose end is awaited first: two at one port would keep each other out.
        """
        self._bus = bus
        self._clock = clock
        self._boards = boards
        self._post = post
        self._after = after
        self.port_path = port_path
        self.transcript = transcript or Transcript()
        self._to_send: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._lent = threading.Event()
        if lent:
            self._lent.set()
        self._free = threading.Event()  # the port is not held by this monitor
        self._free.set()
        self._wake = threading.Event()
        self._told: MonitorChanged | None = None
        self._told_at = float("-inf")
        self._came_at = float("-inf")
        self._address: int | None = None
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it was not asked to end, and its thread has not ended by itself."""
        return not self._stop.is_set() and self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; the port is closed then. Returns at once."""
        self._stop.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def send(self, data: bytes) -> None:
        """Send these bytes as soon as the port is open; what is sent while it is not open is dropped."""
        self._to_send.put(data)

    def lend(self) -> None:
        """A job needs the board: let go of the port. Returns at once; the job calls `wait_until_free`."""
        self._lent.set()
        self._wake.set()

    def wait_until_free(self) -> None:
        """Wait until the port is let go of; called by a job's thread, after `lend`."""
        # In the computer's time, whatever clock the boards have: this waits for a thread, not for a board.
        if not self._free.wait(LEND_LIMIT_S):
            log.error("the monitor did not let go of its port within %.0f s", LEND_LIMIT_S)

    def give_back(self) -> None:
        """The job has ended."""
        self._lent.clear()
        self._wake.set()

    # --- the thread ---

    def _work(self) -> None:
        try:
            if self._after is not None:
                self._after.join(LEND_LIMIT_S)
                self._after = None
            self._tell(MonitorStatus.OPENING)
            while not self._stop.is_set():
                self._wake.clear()
                self._round()
        except Exception:  # a thread that dies silently would look like a board that says nothing
            log.exception("the serial monitor failed")
            self._tell(MonitorStatus.CLOSED, _BUG_CAUSE, _BUG_NEXT_STEP)
        else:
            self.transcript.note(CLOSED)
            self._tell(MonitorStatus.CLOSED)
        finally:
            self._free.set()
            self._grew(at_once=True)

    def _round(self) -> None:
        """Open the port and read until something ends that, or wait a moment and say for what."""
        if self._lent.is_set():
            self._tell(MonitorStatus.LENT)
            self._pause(LOOK_AGAIN_S)
            return
        board = self._board()
        if board is None:
            self._tell(MonitorStatus.AWAY)
            self._pause(LOOK_AGAIN_S)
            return
        if board.sighting.address != self._address:
            if self._address is not None:
                self._came_at = self._clock.now()
            self._address = board.sighting.address
        self._free.clear()
        try:
            if self._lent.is_set():  # asked for in this very moment, by somebody who may have seen the port free
                return
            with self._bus.open_serial(board.sighting, BAUD) as pipe:
                self.transcript.opened(board.sighting.address)
                self.transcript.note(OPENED.with_values(port=board.sighting.serial_port, board=board.platform.name))
                self._drop_unsent()
                self._tell(MonitorStatus.OPEN)
                self._read(pipe)
        except BoardGone as fault:
            log.info("monitor: %s", fault.detail)
            if self._told is not None and self._told.status is MonitorStatus.OPEN:
                self.transcript.note(WENT_AWAY)
            self._tell(MonitorStatus.AWAY)
        except Fault as fault:
            self._refused(fault)
            return
        finally:
            self._free.set()
            self._grew(at_once=True)
        if not (self._stop.is_set() or self._lent.is_set()):
            self._pause(LOOK_AGAIN_S)

    def _read(self, pipe: SerialPipe) -> None:
        untold = False
        while not (self._stop.is_set() or self._lent.is_set()):
            while not self._to_send.empty():
                data = self._to_send.get_nowait()
                try:
                    pipe.write(data, WRITE_MS)
                except BoardSilent:
                    self.transcript.note(NOT_TAKEN)
                else:
                    self.transcript.sent(data)
            if data := pipe.read(READ_TO_TELL_MS if untold else READ_MS):
                self.transcript.came(data)
            untold = self._grew()
        if self._lent.is_set():
            self.transcript.note(LENT)

    def _refused(self, fault: Fault) -> None:
        """The port cannot be opened, or failed: try again by itself, and say why when it is not just new."""
        was_open = self._told is not None and self._told.status is MonitorStatus.OPEN
        log.info("monitor: %s: %s", fault.code, fault.detail)
        if was_open:
            self.transcript.note(BROKEN.with_values(cause=fault.cause, next_step=fault.next_step))
        if was_open or self._clock.now() - self._came_at >= SETTLING_S:
            self._tell(MonitorStatus.REFUSED, fault.cause, fault.next_step)
        self._grew(at_once=True)
        self._pause(TRY_AGAIN_S)

    def _board(self) -> Board | None:
        """Return the board on the port, if it has a serial port now."""
        for board in self._boards():
            if board.port_path == self.port_path:
                return board if board.mode is not Mode.DFU and board.sighting.serial_port is not None else None
        return None

    def _drop_unsent(self) -> None:
        while not self._to_send.empty():
            self._to_send.get_nowait()

    def _pause(self, seconds: float) -> None:
        self._clock.wait(self._wake, seconds)

    def _tell(self, status: MonitorStatus, cause: Text | None = None, next_step: Text | None = None) -> None:
        news = MonitorChanged(self.port_path, status, self.transcript, cause, next_step)
        if news != self._told:
            self._told = news
            self._post(news)

    def _grew(self, *, at_once: bool = False) -> bool:
        """Say that there are new lines, if the last such news was heard; at most every `TELL_EVERY_S`.

        Returns:
            Whether there may be something left to say soon.
        """
        if not at_once and self._clock.now() - self._told_at < TELL_EVERY_S:
            return True
        number = self.transcript.to_be_told()
        if number is None:
            return False
        self._told_at = self._clock.now()
        self._post(MonitorGrew(self.port_path, number))
        return True
