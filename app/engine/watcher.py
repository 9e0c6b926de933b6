"""Watches the bus in a thread of its own: it only lists boards, never opens one."""

from __future__ import annotations

import logging
import threading

from app.faults import BusFailed, Fault
from app.text import Text, text
from app.transports.base import Bus
from app.work.board import Board
from app.work.events import BoardsChanged, BusTrouble, Post
from app.work.identity import IdentityBook

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 2.0
"""The safety net: a change the system did not announce (an access right that came later) shows after this long."""
SOON_S = 0.2
LOOKS_SOON = 5
"""After a change the list is read a few times more: serial ports and access rights arrive a moment later."""

_BUG_CAUSE = text("Watcher", "The program made a mistake while it listed the boards.")
_BUG_NEXT_STEP = text("Watcher", "Save the report and send it to us, then start the program again.")


def changes(before: BoardsChanged | BusTrouble | None, boards: tuple[Board, ...]) -> BoardsChanged | None:
    """Return the news that these boards are there now, or None when that is no news. Pure."""
    denied = tuple(board.port_path for board in boards if board.sighting.denied)
    now = BoardsChanged(boards, denied)
    return None if now == before else now


class Watcher:
    """One thread that posts `BoardsChanged` whenever the list of boards is different, from the first list on."""

    def __init__(self, bus: Bus, book: IdentityBook, post: Post) -> None:
        self._bus = bus
        self._book = book
        self._post = post
        self._stop = threading.Event()
        self._known = threading.Lock()
        self._boards: tuple[Board, ...] = ()
        self._last: BoardsChanged | BusTrouble | None = None
        self._soon = 0
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    @property
    def boards(self) -> tuple[Board, ...]:
        """The boards that were there at the last look."""
        with self._known:
            return self._boards

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stop.set()
        self._bus.wake()

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def look(self) -> None:
        """List the boards once, and post what is new."""
        event: BoardsChanged | BusTrouble | None
        try:
            _, boards = self._book.see(self._bus)
        except Fault as fault:
            event = self._trouble(fault.code, fault.cause, fault.next_step, fault.detail)
        except Exception as error:  # the watcher must outlive its own mistakes
            log.exception("listing boards failed")
            event = self._trouble("bug", _BUG_CAUSE, _BUG_NEXT_STEP, type(error).__name__)
        else:
            with self._known:
                self._boards = boards
            event = changes(self._last, boards)
        if event is not None:
            self._last = event
            self._soon = LOOKS_SOON
            self._post(event)

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.look()
            seconds = SOON_S if self._soon > 0 else LOOK_AGAIN_S
            self._soon = max(0, self._soon - 1)
            try:
                if self._bus.wait_for_change(seconds):
                    self._soon = LOOKS_SOON
            except BusFailed as fault:
                log.warning("waiting for changes: %s", fault.detail)
                self._stop.wait(LOOK_AGAIN_S)

    def _trouble(self, code: str, cause: Text, next_step: Text, detail: str) -> BusTrouble | None:
        event = BusTrouble(code, cause, next_step, detail)
        return None if event == self._last else event
