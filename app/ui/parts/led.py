"""The living light: a pattern played at its true colour and rhythm.

`Pulse` knows what the light shows now and when that changes; `paint_light` draws it; `Led` is a light on its own.
Where less motion is wanted the light stands still at the brightest moment of the pattern's own colour: name and
rhythm bar say the rest.
"""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QRadialGradient, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.platforms.lights import Colour, LightPattern
from app.ui.theme import tokens

FADE_STEP_MS = 33
SHORTEST_WAIT_MS = 8
GLOW_REACH = 1.7  # of a light on its own, in radii
LENS_OFF = QColor("#c9d0d6")


# A screen is no LED: on light ground yellow and cyan vanish, on dark ground pure blue does.
_ON_LIGHT = {
    Colour.YELLOW: "#f0c400",
    Colour.CYAN: "#14c4d8",
    Colour.GREEN: "#1fb84f",
    Colour.MAGENTA: "#d633d6",
    Colour.ORANGE: "#ff7a1a",
    Colour.RED: "#e53535",
    Colour.BLUE: "#2f6bff",
}
_ON_DARK = {Colour.BLUE: "#3d6bff"}


def shown_colour(colour: Colour, *, dark: bool) -> QColor:
    """Return the colour to paint for an LED colour so that it can be seen on that ground."""
    chosen = (_ON_DARK if dark else _ON_LIGHT).get(colour)
    return QColor(chosen) if chosen else QColor.fromRgb(colour.value)


def paint_light(
    painter: QPainter, centre: QPointF, radius: float, colour: QColor, brightness: float, reach: float
) -> None:
    """Draw a lens of that radius and, when it is lit, its glow, which ends `reach` radii from the centre."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    if brightness > 0.01:
        glow = QRadialGradient(centre, radius * reach)
        for place, strength in ((0.0, 0.75), (1.0 / reach, 0.55), (0.3 + 0.7 / reach, 0.2), (1.0, 0.0)):
            shade = QColor(colour)
            shade.setAlphaF(strength * brightness)
            glow.setColorAt(place, shade)
        painter.setBrush(glow)
        painter.drawEllipse(centre, radius * reach, radius * reach)
    painter.setBrush(mix(LENS_OFF, colour, brightness))
    rim = QColor("#5b6670")
    rim.setAlphaF(0.55)
    painter.setPen(rim)
    painter.drawEllipse(centre, radius, radius)
    painter.restore()


def mix(ground: QColor, colour: QColor, share: float) -> QColor:
    """Return the colour between the two; `share` 1.0 is all colour."""
    share = min(1.0, max(0.0, share))
    return QColor.fromRgbF(
        ground.redF() + (colour.redF() - ground.redF()) * share,
        ground.greenF() + (colour.greenF() - ground.greenF()) * share,
        ground.blueF() + (colour.blueF() - ground.blueF()) * share,
    )


class Pulse(QObject):
    """Plays a pattern: says what the light shows now and calls out each time that changes.

    Signals:
        beat: The light changed; paint it again.
    """

    beat = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pattern: LightPattern | None = None
        self._began = time.monotonic()
        self._running = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._next)

    @property
    def pattern(self) -> LightPattern | None:
        """What is being played."""
        return self._pattern

    def play(self, pattern: LightPattern | None) -> None:
        """Play this pattern from its beginning; the one already playing goes on undisturbed."""
        if pattern is self._pattern:
            return
        self._pattern = pattern
        self._began = time.monotonic()
        self.beat.emit()
        self._schedule()

    def set_running(self, running: bool) -> None:
        """Let time go on only while somebody can see it."""
        self._running = running
        self._schedule()

    def now(self) -> tuple[Colour, float]:
        """Return colour and brightness (0.0 to 1.0) at this moment."""
        if self._pattern is None:
            return Colour.OFF, 0.0
        if not tokens().motion:
            lit = [frame for frame in self._pattern.frames if frame.colour is not Colour.OFF]
            # Of two colours the one the pattern is named after: a flash at the end tells more than what came before.
            named = [frame for frame in lit if frame.colour is self._pattern.colour] or lit
            brightest = max(named, key=lambda frame: max(frame.start, frame.end), default=None)
            return (brightest.colour, max(brightest.start, brightest.end)) if brightest else (Colour.OFF, 0.0)
        colour, brightness = self._pattern.at(self._elapsed_ms())
        return colour, brightness if colour is not Colour.OFF else 0.0

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._began) * 1000

    def _next(self) -> None:
        self.beat.emit()
        self._schedule()

    def _schedule(self) -> None:
        self._timer.stop()
        pattern = self._pattern
        if not self._running or pattern is None or not tokens().motion or not _moves(pattern):
            return
        left = self._elapsed_ms() % pattern.period_ms
        for frame in pattern.frames:
            if left < frame.ms:
                until_change = frame.ms - left
                wait = min(until_change, FADE_STEP_MS) if frame.start != frame.end else until_change
                self._timer.start(max(SHORTEST_WAIT_MS, round(wait) + 1))
                return
            left -= frame.ms


def _moves(pattern: LightPattern) -> bool:
    return len(pattern.frames) > 1 or any(frame.start != frame.end for frame in pattern.frames)


class Led(QWidget):
    """One light on its own, for cards and lists. It says nothing to a screen reader: words stand beside it."""

    def __init__(self, parent: QWidget | None = None, diameter: int = 40) -> None:
        super().__init__(parent)
        self._diameter = diameter
        self._pulse = Pulse(self)
        self._pulse.beat.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_pattern(self, pattern: LightPattern | None) -> None:
        """Play this pattern; None is a dark light."""
        self._pulse.play(pattern)

    def sizeHint(self) -> QSize:
        """Room for the lens and its glow."""
        side = round(self._diameter * GLOW_REACH)
        return QSize(side, side)

    def showEvent(self, event: QShowEvent) -> None:
        """Start to move."""
        self._pulse.set_running(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop moving."""
        self._pulse.set_running(False)
        super().hideEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the light."""
        colour, brightness = self._pulse.now()
        painter = QPainter(self)
        centre = QPointF(self.width() / 2, self.height() / 2)
        shown = shown_colour(colour, dark=tokens().dark)
        paint_light(painter, centre, self._diameter / 2, shown, brightness, GLOW_REACH)
