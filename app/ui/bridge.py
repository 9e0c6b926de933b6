"""The one crossing from other threads to the GUI thread."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal

from app.work.events import Event

log = logging.getLogger(__name__)


class Bridge(QObject):
    """Lives in the GUI thread; `post` may be called from any thread. Connect (queued) before anything starts.

    Signals:
        arrived: An event, delivered in the GUI thread.
    """

    arrived = Signal(object)

    def post(self, event: Event) -> None:
        """Hand an event over; never blocks, never raises."""
        try:
            self.arrived.emit(event)
        except RuntimeError:  # the window is gone; nobody is left to tell
            log.debug("dropped %s", type(event).__name__)
