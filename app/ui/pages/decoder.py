"""What is my light doing? The light decoder as a page of its own: it opens from everywhere and needs no board."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.clicks import Back, Go, PickRecipe, Screen
from app.flow import AppState
from app.platforms.model import Platform
from app.ui.pages.base import Page, TurningRow, button, label
from app.ui.parts.decoder_panel import DecoderPanel


class DecoderPage(Page):
    """Tells from colour and rhythm what a light means, for the board on the table or for any."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("What is my light doing?"))
        self._platform: Platform | None = None
        self.panel = DecoderPanel()
        self.content.addWidget(self.panel)
        self.content.addStretch(1)
        self._summary = label("", "strong")
        self._show = button(self.tr("Sho&w"), "", self.panel.go_to_answers)
        self._show.setObjectName("show-answers")
        self._show.setAccessibleName(self.tr("Show what it means and what helps"))
        self._over = button(self.tr("Start &over"), "", self.panel.start_over)
        self._over.setObjectName("start-over")
        told, ways = TurningRow(narrow=200), TurningRow()  # each turns alone: large words leave the page little room
        told.add(self._summary, 1)
        told.add(self._show)
        ways.add(self._over)
        ways.add(button(self.tr("&Back"), "", lambda: self.chose.emit(Back())))
        self.footer.add(told, 1)
        self.footer.add(ways)
        self.panel.changed.connect(self._look)
        self.panel.turned.connect(self._look)
        self.panel.chosen.connect(lambda key: self.chose.emit(PickRecipe(key)))
        self.panel.modes.connect(lambda: self.chose.emit(Go(Screen.MODES)))
        self.panel.guide.connect(lambda: self.chose.emit(Go(Screen.GUIDE)))
        self._look()

    def show_state(self, state: AppState) -> None:
        """Ask about the board of this state; what was said stays."""
        board = state.shown_board
        platform = board.platform if board is not None else None
        if platform is not None and platform is not self._platform:
            self.panel.show_platform(platform)
        self._platform = platform
        there = board is not None and not state.board_is_away
        self.panel.show_mode(platform, board.mode if board is not None and there else None)

    def first_focus(self) -> QWidget:
        """The colours."""
        return self.panel.first_focus()

    def _look(self) -> None:
        words = self.panel.summary()
        self._summary.setText(words)
        self._show.setVisible(bool(words) and not self.panel.beside)
        self._over.setEnabled(bool(words))
