"""Newer versions of the program: the one quiet question, and the card that tells of one. Both can be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, time
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.clicks import AgreeToUpdates, OpenUpdatePage, PutOffUpdate, SkipUpdate
from app.flow import AppState
from app.ui.pages.base import TurningRow, box, breakable, button, clear, has_focus, label
from app.ui.parts.fold import Fold
from app.ui.say import announce, day
from app.ui.theme import SPACE
from app.updates import Notice

LONGEST_WORD = 30
"""Characters of a word in the notes that is not broken."""
SHORT_NOTES = 600
"""Characters; longer notes are folded at first: the cards of the page are what the person came for."""
FEW_LINES = 12
"""As written, for the same reason."""


class UpdateCard(QWidget):
    """Hidden while there is nothing to ask and nothing to tell; never takes the keyboard.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self, *, asks: bool) -> None:
        """Make it empty; `asks` says whether this is the place for the question."""
        super().__init__()
        self._asks = asks
        self._shown: object = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def show_state(self, state: AppState) -> bool:
        """Ask, tell, or do neither; made again only when that has changed.

        Returns:
            Whether the keyboard was in what went away: the page knows where it belongs now.
        """
        known = state.updates.state if state.updates is not None else None
        asks = self._asks and known is not None and known.asks
        notice = known.to_tell if known is not None else None
        shown = (asks, notice, known.installed if known is not None else "")
        if shown == self._shown:
            return False
        self._shown = shown
        had_focus = self.isVisible() and has_focus(self)
        clear(self._column)
        if known is not None and notice is not None:
            self._column.addWidget(self._tell(notice, known.installed))
        elif asks:
            self._column.addWidget(self._ask())
        self.setVisible(asks or notice is not None)
        return had_focus

    def _ask(self) -> QWidget:
        words = self.tr("Look once a day for a newer Rekindle? Sends nothing but the request.")
        row = TurningRow(narrow=420)
        row.add(label(words, "muted"), 1)
        for answer, yes, name in ((self.tr("Yes"), True, "updates-yes"), (self.tr("No"), False, "updates-no")):
            give = button(answer, "small", partial(self.chose.emit, AgreeToUpdates(yes)))
            give.setObjectName(name)
            give.setAccessibleName(answer)
            give.setAccessibleDescription(words)
            row.add(give)
        return row

    def _tell(self, notice: Notice, installed: str) -> QWidget:
        frame, column = box("card")
        frame.setObjectName("update-notice")
        title = self.tr("Rekindle {version} is there").format(version=notice.version.words)
        column.addWidget(label(breakable(title), "card-title"))
        noon = datetime.combine(notice.date, time(12), UTC)  # whatever the zone, that day
        when = self.tr("Released {day}. You have version {installed}.").format(day=day(noon), installed=installed)
        column.addWidget(label(when, "muted"))
        if notice.notes:
            notes = label(breakable(notice.notes, LONGEST_WORD))
            notes.setObjectName("update-notes")
            if len(notice.notes) > SHORT_NOTES or notice.notes.count("\n") >= FEW_LINES:
                column.addWidget(Fold(self.tr("What is new"), notes))
            else:
                column.addWidget(notes)
        column.addWidget(label(breakable(notice.link), "muted"))
        row = TurningRow()
        for words, click, name in (
            (self.tr("Open the page"), OpenUpdatePage(), "update-open"),
            (self.tr("Not this one"), SkipUpdate(), "update-skip"),
            (self.tr("Later"), PutOffUpdate(), "update-later"),
        ):
            press = button(words, "", partial(self.chose.emit, click))
            press.setObjectName(name)
            press.setAccessibleDescription(title)
            row.add(press)
            if name == "update-open":
                row.add_stretch()
        column.addSpacing(SPACE // 2)
        column.addWidget(row)
        announce(self, title)
        return frame
