"""Living samples to choose from, in the manner of radio buttons: a light, its name, and its rhythm as a picture.

One of a group is chosen. The arrow keys move the choice, Tab goes to the chosen one and on to what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from app.platforms.lights import Colour, LightPattern, Rhythm, pattern
from app.ui.pages.base import CardGrid, keep_in_sight, label
from app.ui.parts.led import Led
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.theme import SPACE, tokens

LENS = 16  # px at text scale 1.0
RING = 14  # px at text scale 1.0, the mark that says which one is chosen

# A pattern of the boards that moves so; its colour is exchanged.
_SAMPLES = {
    Rhythm.OFF: "special.no-light",
    Rhythm.SOLID: "special.solid-white",
    Rhythm.SLOW_BLINK: "from-0.7.listening",
    Rhythm.BLINK: "boot-loader.dfu",
    Rhythm.FAST_BLINK: "special.fast-white",
    Rhythm.BREATHING: "special-core.pulsing-white",
    Rhythm.COUNTED: "core-2014.no-internet",
    Rhythm.SOS: "panic.nmi",
}


def sample(colour: Colour, rhythm: Rhythm) -> LightPattern:
    """Return a light that moves like this in that colour; pure."""
    moves = pattern(_SAMPLES[rhythm])
    frames = (replace(frame, colour=colour) if frame.colour is not Colour.OFF else frame for frame in moves.frames)
    return replace(moves, colour=colour, rhythm=rhythm, frames=tuple(frames))


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to choose.

    Attributes:
        key: What the group says when it is chosen.
        name: Its name in the person's language.
        light: What it looks like; None for an answer that is not a light.
        bar: Whether its rhythm is drawn below the name.
        hint: A few words more below the name, "" for none.
    """

    key: str
    name: str
    light: LightPattern | None = None
    bar: bool = False
    hint: str = ""


class Swatch(QRadioButton):
    """One sample. The whole tile can be clicked; a ring with a dot says that it is chosen, not only a colour.

    Signals:
        passed_on: The left or right arrow was pressed: 1 for the next sample, -1 for the one before.
    """

    passed_on = Signal(int)

    def __init__(self, offer: Offer) -> None:
        super().__init__()
        self.setObjectName(f"swatch-{offer.key}")
        self.setAccessibleName(offer.name)
        self.setAccessibleDescription(offer.hint)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(SPACE * 2 + tokens().px(RING), SPACE - 2, SPACE, SPACE - 2)
        row.setSpacing(SPACE // 2)
        self._led: Led | None = None
        self._bar: RhythmBar | None = None
        if offer.light is not None:
            self._led = Led(diameter=tokens().px(LENS))
            row.addWidget(self._led)
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        words.addStretch(1)
        words.addWidget(label(offer.name))
        if offer.hint:
            words.addWidget(label(offer.hint, "muted"))
        if offer.bar:
            self._bar = RhythmBar()
            words.addWidget(self._bar)
        words.addStretch(1)
        row.addLayout(words, 1)
        for part in self.findChildren(QWidget):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_light(offer.light)

    def show_light(self, light: LightPattern | None) -> None:
        """Show this light instead, where the sample has one."""
        if self._led is not None:
            self._led.show_pattern(light)
        if self._bar is not None:
            self._bar.show_pattern(light)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go through all samples, row after row; up and down are Qt's own."""
        ways = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        way = ways.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        else:
            self.passed_on.emit(-way if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else way)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A sample that the keys came to is in sight."""
        super().focusInEvent(event)
        if event.reason() is not Qt.FocusReason.MouseFocusReason:
            keep_in_sight(self)

    def hitButton(self, place: QPoint) -> bool:
        """The whole tile."""
        return self.rect().contains(place)

    def hasHeightForWidth(self) -> bool:
        """Words wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the wrapped words, and high enough to hit."""
        return max(tokens().px(40), self._row.heightForWidth(width))

    def sizeHint(self) -> QSize:
        """The layout's, not a radio button's."""
        return self._row.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """The layout's, not a radio button's."""
        return self._row.minimumSize()

    def enterEvent(self, event: QEnterEvent) -> None:
        """The ground follows the pointer."""
        super().enterEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the tile and the ring; the words and the light draw themselves."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen, focused = self.isChecked(), self.hasFocus()
        width = (3 if look.high_contrast else 2) if chosen or focused else 1
        painter.setPen(QPen(look.colour("accent" if chosen or focused else "border"), width))
        painter.setBrush(look.colour("accent_soft" if chosen else "card_hover" if self.underMouse() else "card"))
        edge = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), look.radius, look.radius)
        if focused:  # the chosen one has the same edge: a line inside it says where the keyboard is
            painter.setPen(QPen(look.colour("text"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(3.5, 3.5, -3.5, -3.5), look.radius - 3, look.radius - 3
            )
        side = look.px(RING)
        left = SPACE + side / 2
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            left = self.width() - left
        centre = QPointF(left, self.height() / 2)
        painter.setPen(QPen(look.colour("accent" if chosen else "control_border"), 1.6))
        painter.setBrush(look.colour("card"))
        painter.drawEllipse(centre, side / 2 - 1, side / 2 - 1)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("accent"))
            painter.drawEllipse(centre, side / 4, side / 4)


class SwatchGroup(QWidget):
    """Samples in as many columns as fit, one of which is chosen.

    Signals:
        chosen: The key of the sample that the person chose.
    """

    chosen = Signal(str)

    def __init__(self, heading: str, offers: Sequence[Offer], *, widest: int = 5, narrow: int = 130) -> None:
        """Make a group in which nothing is chosen yet.

        Args:
            heading: What is chosen; also its name for screen readers.
            offers: The samples.
            widest: The most columns.
            narrow: The least width of a column, in px at text scale 1.0.
        """
        super().__init__()
        self.setAccessibleName(heading)
        self._keys = [offer.key for offer in offers]
        self._group = QButtonGroup(self)
        self._swatches = [Swatch(offer) for offer in offers]
        for place, swatch in enumerate(self._swatches):
            self._group.addButton(swatch, place)
            swatch.passed_on.connect(lambda way, here=place: self._go_on(here + way))
        grid = CardGrid(widest=widest, narrow=narrow)
        grid.set_groups([(label(heading, "section"), list(self._swatches))])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(grid)
        self._group.idToggled.connect(self._toggled)

    @property
    def key(self) -> str | None:
        """What is chosen; None when nothing is."""
        place = self._group.checkedId()
        return self._keys[place] if place >= 0 else None

    def choose(self, key: str | None) -> None:
        """Choose this one, None for none, without saying so."""
        if key == self.key:
            return
        self._group.blockSignals(True)
        if key is None:
            self._group.setExclusive(False)
            for swatch in self._swatches:
                swatch.setChecked(False)
            self._group.setExclusive(True)
        else:
            self._swatches[self._keys.index(key)].setChecked(True)
        self._group.blockSignals(False)

    def swatch(self, key: str) -> Swatch:
        """Return the sample of that key."""
        return self._swatches[self._keys.index(key)]

    def first_focus(self) -> QWidget:
        """The chosen sample, else the first."""
        return self._group.checkedButton() or self._swatches[0]

    def _go_on(self, place: int) -> None:
        swatch = self._swatches[place % len(self._swatches)]
        swatch.setFocus(Qt.FocusReason.OtherFocusReason)
        swatch.click()

    def _toggled(self, place: int, on: bool) -> None:
        if on:
            self.chosen.emit(self._keys[place])
