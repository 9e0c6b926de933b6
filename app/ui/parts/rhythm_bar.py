"""A pattern's rhythm as a picture that stands still: time runs to the right, brightness is height.

It carries the rhythm for people who do not see the colour or do not want motion.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.platforms.lights import Colour, LightPattern
from app.ui.parts.led import shown_colour
from app.ui.theme import tokens

SHOWN_MS = 2000
HEIGHT = 10
GAP = 1.0


class RhythmBar(QWidget):
    """Two seconds of a pattern, or one whole period where that is longer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pattern: LightPattern | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_pattern(self, pattern: LightPattern | None) -> None:
        """Draw this pattern."""
        self._pattern = pattern
        self.update()

    def sizeHint(self) -> QSize:
        """A thin strip."""
        return QSize(120, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the strip."""
        if self._pattern is None:
            return
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.border))
        painter.drawRoundedRect(QRectF(0, self.height() - 2, self.width(), 2), 1, 1)
        shown = max(SHOWN_MS, self._pattern.period_ms)
        scale = self.width() / shown
        frames = self._pattern.frames
        if len(frames) == 1 and frames[0].start == frames[0].end:  # a steady light has no seams
            frames = (replace(frames[0], ms=shown),)
        began = 0.0
        while began < shown:
            for frame in frames:
                if frame.colour is not Colour.OFF:
                    self._paint_frame(painter, began * scale, frame.ms * scale, frame.start, frame.end, frame.colour)
                began += frame.ms

    def _paint_frame(
        self, painter: QPainter, left: float, width: float, start: float, end: float, colour: Colour
    ) -> None:
        painter.setBrush(shown_colour(colour, dark=tokens().dark))
        painter.setPen(
            QColor(tokens().control_border) if colour is Colour.WHITE and not tokens().dark else Qt.PenStyle.NoPen
        )
        height = self.height()
        right = min(left + width - (GAP if width > 3 * GAP else 0.0), float(self.width()))
        outline = [QPointF(left, height), QPointF(left, height * (1 - start))]
        outline += [QPointF(right, height * (1 - end)), QPointF(right, height)]
        painter.drawPolygon(QPolygonF(outline))
