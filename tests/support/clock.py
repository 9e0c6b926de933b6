"""A clock that jumps: waiting costs no time, and every wait is remembered."""

from __future__ import annotations

import threading


class FastClock:
    """Time moves only when somebody waits; safe from several threads."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now  # one number is read at once; a board asks a dozen times for each transfer

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._now += max(0.0, seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if event.is_set():
            return True
        self.pause(seconds)
        return event.is_set()
