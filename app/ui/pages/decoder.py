"""What is my light doing? The light decoder as a page of its own: it opens from everywhere and needs no board."""

from __future__ import annotations

from app.clicks import Back
from app.flow import AppState
from app.ui.pages.base import Page, button


class DecoderPage(Page):
    """Tells from colour and rhythm what a light means, for the board on the table or for any."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("What is my light doing?"))
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Draw the decoder for the board of this state."""
