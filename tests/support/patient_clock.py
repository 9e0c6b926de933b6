"""A clock that runs faster than the real one, for tests where a window, an engine and a virtual board live together.

Its time passes only while somebody waits, a slice at a time. So a machine that is busy elsewhere, or a test that
computes for long, does not use up a time-out of the program: the slice that was overslept still counts as one slice.
"""

from __future__ import annotations

import threading
import time

SLICE_S = 0.002  # real seconds


class PatientClock:
    """Passes up to `factor` seconds in each real second somebody waits; safe from several threads."""

    def __init__(self, factor: float = 20.0) -> None:
        self._factor = factor
        self._now = 1000.0
        self._counted = time.monotonic()
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def pause(self, seconds: float) -> None:
        self.wait(threading.Event(), seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        until = self._now + max(0.0, seconds)
        while not event.is_set() and self._now < until:
            event.wait(min(SLICE_S, (until - self._now) / self._factor))
            self._count()
        return event.is_set()

    def _count(self) -> None:
        """Add the real time since the last slice of anybody's, however many wait at once, and at most one slice."""
        with self._lock:
            real = time.monotonic()
            self._now += self._factor * min(real - self._counted, SLICE_S)
            self._counted = real
