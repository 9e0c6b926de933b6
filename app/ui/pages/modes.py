"""Modes explained: what a board may be doing, how to get there and back, and what works meanwhile."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.clicks import Back
from app.ui.pages.base import Page, button


class ModesPage(Page):
    """A page to read."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("Modes explained"))
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def first_focus(self) -> QWidget:
        """Back; the text is read from the top."""
        return self._back
