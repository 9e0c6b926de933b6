"""Python's garbage is collected in the GUI thread alone while there is a window."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt, QTimer

LOOK_MS = 1000


@contextmanager
def collected_in_gui_thread() -> Iterator[None]:
    """Keep the garbage collector out of every other thread; call it in the GUI thread.

    It runs in whichever thread makes an object at the wrong moment. When Qt deletes a tree of widgets, it looks up the
    Python side of each one before it waits for the interpreter: a worker that collects just then frees what was looked
    up, and the program crashes. That happened about once in 500 questions that were answered.
    """
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.VeryCoarseTimer)
    timer.timeout.connect(collect_what_is_due)
    gc.disable()
    timer.start(LOOK_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.enable()


def collect_what_is_due() -> None:
    """Do what Python would have done by itself: the oldest generation that has reached its threshold, if one has."""
    due = [count > limit > 0 for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if any(due):
        gc.collect(max(generation for generation, reached in enumerate(due) if reached))
