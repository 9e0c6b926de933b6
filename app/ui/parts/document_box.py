"""Lines to be handed to somebody, with a way to take them: copied as a whole, or saved to a file."""

from __future__ import annotations

from math import ceil

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout

from app.ui.pages.base import CopyButton, TurningRow, breakable, button, label
from app.ui.say import say
from app.ui.theme import SPACE
from app.work.events import Document

MOST_LINES = 16
"""Longer ones scroll; a public key has six, or a dozen where large words make them wrap."""


class DocumentBox(QFrame):
    """One document of an outcome.

    Signals:
        save: The person wants this `Document` in a file.
    """

    save = Signal(object)

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        title = say(document.title)
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        column.setSpacing(SPACE)
        column.addWidget(label(title, "card-title"))
        column.addWidget(label(breakable(say(document.body))))
        column.addWidget(DocumentLines(title, document.content))
        row = TurningRow()
        copy = CopyButton(document.content, title)
        copy.setObjectName(f"copy-{document.key}")
        keep = button(self.tr("Save as..."), "small", lambda: self.save.emit(document))
        keep.setObjectName(f"save-{document.key}")
        keep.setAccessibleDescription(title)
        row.add(label(breakable(document.file_name), "muted"), 1)
        row.add(copy)
        row.add(keep)
        column.addWidget(row)


class DocumentLines(QPlainTextEdit):
    """The lines, to be read and marked; as high as they are, up to `MOST_LINES`."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words.rstrip("\n"))
        self.setReadOnly(True)
        self.setAcceptDrops(False)  # files dropped on it are the window's
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)
        self.setProperty("kind", "mono")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap where the box is narrow, so the height follows from the width."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._fit)

    def sizeHint(self) -> QSize:
        """As high as the lines."""
        return QSize(super().sizeHint().width(), self._height())

    def _height(self) -> int:
        needed = max(1, round(self.document().size().height()))
        lines = min(MOST_LINES, needed)
        scrolls = Qt.ScrollBarPolicy.ScrollBarAsNeeded if needed > MOST_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(scrolls)
        edges = self.height() - self.viewport().height() + 3 * round(self.document().documentMargin())
        return lines * ceil(QFontMetricsF(self.font()).lineSpacing()) + edges

    def _fit(self) -> None:
        wanted = self._height()
        if wanted != self.height():
            self.setFixedHeight(wanted)
