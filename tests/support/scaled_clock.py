"""A real clock that runs faster: for the lab, where boards stand before a kernel with a time of its own."""

from __future__ import annotations

import threading
import time


class ScaledClock:
    """Passes `factor` seconds in each real second."""

    def __init__(self, factor: float = 20.0) -> None:
        self._factor = factor

    def now(self) -> float:
        return time.monotonic() * self._factor

    def pause(self, seconds: float) -> None:
        if seconds > 0:
            threading.Event().wait(seconds / self._factor)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds) / self._factor)
