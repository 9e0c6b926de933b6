"""Time that a test can make fast: nothing in the program waits except through a `Clock`."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What every wait goes through. Times are monotonic seconds."""

    def now(self) -> float:
        """Seconds since some fixed moment."""

    def pause(self, seconds: float) -> None:
        """Let that many seconds pass."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let at most that many seconds pass, less if the event is set; return whether it is set."""


class RealClock:
    """The computer's own monotonic clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let that many seconds pass."""
        if seconds > 0:
            # A lock nobody gives back. An event would do, but it wakes up later, and a flasher waits hundreds of times.
            never = threading.Lock()
            never.acquire()
            never.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let at most that many seconds pass, less if the event is set; return whether it is set."""
        return event.wait(max(0.0, seconds))


class Deadline:
    """A moment after which waiting ends."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.now() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain, never below zero."""
        return max(0.0, self._end - self._clock.now())

    def passed(self) -> bool:
        """Whether the moment has come."""
        return self._clock.now() >= self._end
