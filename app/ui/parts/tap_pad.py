"""Tapping along with a light: a pad for the space bar or the mouse, and a picture of the taps.

It says when the taps were; what they mean is for `app.work.light_decoder`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.pages.base import TurningRow, button, label
from app.ui.theme import SPACE, tokens

MOST_TAPS = 60
NEW_START = 6.0  # s; after so long a silence somebody has begun anew
SHOWN = 8.0  # s of taps that are drawn
STRIP = 28  # px at text scale 1.0
_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PadButton(QPushButton):
    """Takes each tap when it goes down: when it comes up says nothing about the light.

    Signals:
        went_down: A key or the mouse button went down.
    """

    went_down = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """One tap for each time the key goes down, however long it is held."""
        if event.key() not in _KEYS:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.setDown(True)
            self.went_down.emit()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """The key is up again."""
        if event.key() not in _KEYS:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self.setDown(False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """One tap."""
        super().mousePressEvent(event)
        if event.button() is Qt.MouseButton.LeftButton:
            self.went_down.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second of two fast taps is a tap, too."""
        self.mousePressEvent(event)


class TapStrip(QWidget):
    """The last taps on a line of time, as strokes; it stands still between two taps."""

    def __init__(self) -> None:
        super().__init__()
        self._taps: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_taps(self, taps: Sequence[float]) -> None:
        """Draw these, in seconds; the newest is at the end."""
        self._taps = tuple(taps)
        self.update()

    def sizeHint(self) -> QSize:
        """A strip."""
        return QSize(120, tokens().px(STRIP))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a stroke for each tap, and a tick for each second."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = self.height() - 2
        painter.setPen(QPen(look.colour("control_border"), 1))
        painter.drawLine(0, ground, self.width(), ground)
        seconds = round(SHOWN)
        for second in range(seconds + 1):
            place = round((self.width() - 1) * second / seconds)
            painter.drawLine(place, ground - 4, place, ground)
        if not self._taps:
            return
        # From the left until the strip is full, then the newest stays at the right.
        began = max(self._taps[0], self._taps[-1] - SHOWN + 0.4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.colour("accent"))
        width = max(3.0, 3.0 * look.scale)
        for tap in self._taps:
            if tap >= began:
                left = width / 2 + (self.width() - 2 * width) * (tap - began) / SHOWN
                painter.drawRoundedRect(QRectF(left, 1, width, ground - 2), 1, 1)


class TapPad(QWidget):
    """The pad, the picture, what the taps look like, and a way to begin anew.

    Signals:
        changed: The taps so far, in seconds (tuple of float); empty when they were cleared.
    """

    changed = Signal(object)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._taps: list[float] = []
        self._pad = PadButton(self.tr("&Tap along here"))
        self._pad.setObjectName("tap")
        self._pad.setProperty("kind", "tap")
        self._pad.setAccessibleName(self.tr("Tap along"))
        self._pad.setAccessibleDescription(self.tr("Press the space bar each time the light comes on."))
        self._pad.setMinimumHeight(tokens().px(56))
        self._pad.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self._pad.went_down.connect(self.tap)
        self._strip = TapStrip()
        self._words = label("", "strong")
        self._words.hide()
        self._clear = button(self.tr("Clear taps"), "small", self.clear)
        self._clear.setObjectName("clear-taps")
        self._clear.setEnabled(False)
        beside = QWidget()
        picture = QVBoxLayout(beside)
        picture.setContentsMargins(0, 0, 0, 0)
        picture.setSpacing(SPACE // 2)
        picture.addWidget(
            label(
                self.tr("Click, or press the space bar, each time the light comes on. Five taps or more tell best."),
                "muted",
            )
        )
        picture.addWidget(self._strip)
        row = TurningRow(narrow=360)
        row.add(self._pad)
        row.add(beside, 1)
        below = TurningRow()
        below.add(self._words, 1)
        below.add(self._clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(row)
        column.addWidget(below)

    @property
    def taps(self) -> tuple[float, ...]:
        """When the taps were, in seconds; only their distances mean something."""
        return tuple(self._taps)

    def tap(self) -> None:
        """Take a tap now."""
        now = self._clock()
        if self._taps and now - self._taps[-1] > NEW_START:
            self._taps.clear()
        self._taps = [*self._taps[-MOST_TAPS + 1 :], now]
        self._show()

    def clear(self) -> None:
        """Forget the taps."""
        if self._taps:
            self._taps.clear()
            self._show()
            self._pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def say(self, words: str) -> None:
        """Say what the taps look like."""
        self._words.setText(words)
        self._words.setVisible(bool(words))

    def _show(self) -> None:
        self._strip.show_taps(self._taps)
        self._clear.setEnabled(bool(self._taps))
        self.changed.emit(tuple(self._taps))
