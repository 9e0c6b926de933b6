"""Scanners for tests: one that hears what it is told to hear, by itself nothing."""

from __future__ import annotations

from collections.abc import Callable

from app.clock import Clock
from app.transports.wifi_scan import Scan

SILENCE = Scan()


class Ears:
    """A computer whose Wi-Fi hears these scans, one after the other, and the last one for ever.

    Attributes:
        scans: What it hears from now on.
        looks: How often somebody has looked around.
    """

    def __init__(self, *scans: Scan) -> None:
        self.scans = list(scans or (SILENCE,))
        self.looks = 0

    def scan(self, within: float, clock: Clock, check: Callable[[], None]) -> Scan:
        """Return what is heard this time."""
        check()
        self.looks += 1
        return self.scans.pop(0) if len(self.scans) > 1 else self.scans[0]
