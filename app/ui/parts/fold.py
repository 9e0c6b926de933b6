"""A heading that opens and closes what is below it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import SPACE, tokens

CHEVRON = 16  # px at text scale 1.0


class FoldButton(QPushButton):
    """The heading: a button with a chevron that points down while its part is open."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setProperty("kind", "fold")
        self.setCheckable(True)
        self.setAutoDefault(True)
        self.setAccessibleName(words)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.toggled.connect(lambda _open: self._describe())
        self._describe()

    def sizeHint(self) -> QSize:
        """A line of words with room to hit."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        """The same: its words are short."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + tokens().px(CHEVRON) + SPACE * 4, max(self.fontMetrics().height() + SPACE * 2, 32))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the words, then the chevron at the left."""
        super().paintEvent(event)
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.colour("muted"), 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        side = look.px(CHEVRON)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        painter.translate(self.width() - SPACE // 2 - side if mirrored else SPACE // 2, (self.height() - side) / 2)
        painter.scale(side / 16, side / 16)
        if self.isChecked():
            painter.drawPolyline([QPointF(3.5, 6), QPointF(8, 10.5), QPointF(12.5, 6)])
        elif mirrored:
            painter.drawPolyline([QPointF(10, 3.5), QPointF(5.5, 8), QPointF(10, 12.5)])
        else:
            painter.drawPolyline([QPointF(6, 3.5), QPointF(10.5, 8), QPointF(6, 12.5)])

    def _describe(self) -> None:
        self.setAccessibleDescription(self.tr("open") if self.isChecked() else self.tr("closed"))


class Fold(QWidget):
    """A part of a page that can be closed."""

    def __init__(self, words: str, inside: QWidget, *, opened: bool = False) -> None:
        super().__init__()
        self.button = FoldButton(words)
        self.inside = inside
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.button)
        column.addWidget(inside)
        self.button.toggled.connect(inside.setVisible)
        self.button.setChecked(opened)
        inside.setVisible(opened)
