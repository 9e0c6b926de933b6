"""The serial monitor: what a board says over USB, and what is sent to it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.clicks import Back
from app.ui.pages.base import Page, button
from app.ui.settings import Settings


class SerialMonitorPage(Page):
    """Lines that come and go, and a line to send."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self._settings = settings
        self.title.setText(self.tr("Serial monitor"))
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def first_focus(self) -> QWidget:
        """Back."""
        return self._back
