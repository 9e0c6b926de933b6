"""The light guide: every pattern of the boards' light, alive side by side, with what it means and what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.platforms.lights import ERAS, PATTERNS, Colour, LightPattern, Rhythm
from app.platforms.model import Platform
from app.platforms.modes import mode_of_light
from app.recipes.registry import known
from app.text import Text, text
from app.ui.pages.base import TurningRow, Words
from app.ui.parts.led import Led
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.say import say
from app.ui.theme import SPACE, tokens

CARD_WIDTH = 270  # px at text scale 1.0; as many columns as fit

COLOUR_NAMES: dict[Colour, Text] = {
    Colour.OFF: text("LightGuide", "No light"),
    Colour.RED: text("LightGuide", "Red"),
    Colour.GREEN: text("LightGuide", "Green"),
    Colour.BLUE: text("LightGuide", "Blue"),
    Colour.YELLOW: text("LightGuide", "Yellow"),
    Colour.CYAN: text("LightGuide", "Cyan (light blue)"),
    Colour.MAGENTA: text("LightGuide", "Magenta (pink)"),
    Colour.WHITE: text("LightGuide", "White"),
    Colour.ORANGE: text("LightGuide", "Orange"),
    Colour.GRAY: text("LightGuide", "Gray"),
}
RHYTHM_NAMES: dict[Rhythm, Text] = {
    Rhythm.OFF: text("LightGuide", "Off"),
    Rhythm.SOLID: text("LightGuide", "Solid"),
    Rhythm.SLOW_BLINK: text("LightGuide", "Slow blinking"),
    Rhythm.BLINK: text("LightGuide", "Blinking"),
    Rhythm.FAST_BLINK: text("LightGuide", "Fast blinking"),
    Rhythm.BREATHING: text("LightGuide", "Breathing"),
    Rhythm.COUNTED: text("LightGuide", "A few blinks, then a pause"),
    Rhythm.SOS: text("LightGuide", "SOS, then a count"),
}


def fitting(
    patterns: tuple[LightPattern, ...], eras: tuple[str, ...], colour: Colour | None, rhythm: Rhythm | None
) -> tuple[LightPattern, ...]:
    """Return the patterns of these eras with this colour and rhythm; None stands for any, no eras for all. Pure."""
    return tuple(
        pattern
        for pattern in patterns
        if (not eras or pattern.era in eras)
        and (colour is None or pattern.colour is colour)
        and (rhythm is None or pattern.rhythm is rhythm)
    )


class LightCard(QFrame):
    """One pattern: its light, its name, its rhythm, what it means, what to do, and the job that helps."""

    chosen = Signal(str)
    modes = Signal()

    def __init__(
        self,
        pattern: LightPattern,
        parent: QWidget | None = None,
        *,
        below_name: QWidget | None = None,
        starts: bool = True,
    ) -> None:
        """Make a card.

        Args:
            pattern: The light.
            parent: Where it lies.
            below_name: More about this light, shown below its name.
            starts: Whether the job that helps can be started here.
        """
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        led = Led(self, diameter=tokens().px(36))
        led.show_pattern(pattern)
        name = Words(say(pattern.name), self)
        name.setProperty("kind", "card-title")
        bar = RhythmBar(self)
        bar.show_pattern(pattern)
        meaning = Words(say(pattern.meaning), self)
        advice = Words(say(pattern.advice), self)
        advice.setProperty("kind", "muted")
        head = QVBoxLayout()
        head.setSpacing(SPACE // 2)
        head.addStretch(1)
        for part in (name, below_name, bar):
            if part is not None:
                head.addWidget(part)
        head.addStretch(1)
        top = QHBoxLayout()
        top.addWidget(led)
        top.addLayout(head, 1)
        # Below the light, not beside it: sentences and the button need the whole width where words are large.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE + SPACE // 2, SPACE, SPACE + SPACE // 2, SPACE + SPACE // 2)
        layout.setSpacing(SPACE // 2)
        layout.addLayout(top)
        layout.addWidget(meaning)
        layout.addWidget(advice)
        for part in (name, meaning, advice):
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        helping = known(pattern.recipe) if starts else None
        self.start: QPushButton | None = None
        if helping is not None:
            start = self.start = QPushButton(say(helping.title), self)
            start.setProperty("kind", "small")
            start.setAccessibleDescription(say(pattern.name))
            start.clicked.connect(lambda: self.chosen.emit(pattern.recipe))
            layout.addSpacing(SPACE // 2)
            layout.addWidget(start, 0, Qt.AlignmentFlag.AlignLeft)
        mode = mode_of_light(pattern) if starts else None
        if mode is not None:
            about = QPushButton(self.tr("About this mode"), self)
            about.setObjectName(f"about-{pattern.key}")
            about.setProperty("kind", "small")
            about.setAccessibleDescription(say(mode.name))
            about.clicked.connect(self.modes)
            layout.addWidget(about, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)


class LightGuidePage(QWidget):
    """Every light, to be filtered by board and firmware, colour and rhythm.

    Signals:
        chosen: The person wants the job with this recipe key.
        decode: The person wants to find out which light it is.
        modes: The person wants the modes explained.
        closed: The person wants to go back.
    """

    chosen = Signal(str)
    decode = Signal()
    modes = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "page")
        self._platform: Platform | None = None
        self._cards: dict[str, LightCard] = {}
        self._headings: dict[str, QLabel] = {}
        self._columns = 0

        title = QLabel(self.tr("Light guide"), self)
        title.setProperty("kind", "title")
        back = QPushButton(self.tr("&Back"), self)
        back.clicked.connect(self.closed)
        self._era = self._choice(self.tr("Board and firmware"))
        self._colour = self._choice(self.tr("Colour"))
        self._rhythm = self._choice(self.tr("Rhythm"))
        self._colour.addItem(self.tr("Any colour"), None)
        for colour in Colour:
            self._colour.addItem(say(COLOUR_NAMES[colour]), colour)
        self._rhythm.addItem(self.tr("Any rhythm"), None)
        for rhythm in Rhythm:
            self._rhythm.addItem(say(RHYTHM_NAMES[rhythm]), rhythm)
        self._fill_eras()
        find = QPushButton(self.tr("&Which one is mine?"), self)
        find.setObjectName("find-light")
        find.setAccessibleDescription(self.tr("Choose colour and rhythm, tap along, and see what fits best"))
        find.clicked.connect(self.decode)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(back)
        filters = TurningRow()
        for choice in (self._era, self._colour, self._rhythm):
            filters.add(choice, 1)
            choice.currentIndexChanged.connect(self._arrange)

        self._grid_holder = QWidget(self)
        self._grid_holder.setProperty("kind", "page")
        self._grid = QGridLayout(self._grid_holder)
        self._grid.setContentsMargins(0, 0, SPACE, 0)
        self._grid.setSpacing(SPACE + 4)
        self._nothing = QLabel(self.tr("No light is like this. Choose another colour or rhythm."), self)
        self._nothing.setWordWrap(True)
        self._everything = QPushButton(self.tr("Show all lights"), self)
        self._everything.clicked.connect(self._show_all)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(self.tr("Lights"))
        inside = QWidget()  # the way to the decoder scrolls with the lights: large words leave no room above them
        inside.setProperty("kind", "page")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        modes = QPushButton(self.tr("Modes e&xplained"), self)
        modes.setObjectName("guide-modes")
        modes.clicked.connect(self.modes)
        ways = TurningRow()
        ways.add(find)
        ways.add(modes)
        ways.add_stretch()
        column.addWidget(ways)
        column.addWidget(self._grid_holder, 1)
        scroll.setWidget(inside)
        note = QLabel(self.tr("Colour is never alone: every light has a name, and its rhythm is drawn below it."), self)
        note.setProperty("kind", "muted")
        note.setWordWrap(True)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(head)
        layout.addWidget(filters)
        layout.addWidget(self._nothing)
        layout.addWidget(self._everything, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(scroll, 1)
        layout.addWidget(note)

    def show_platform(self, platform: Platform | None) -> None:
        """Offer the lights of this kind of board first; None offers all."""
        if platform is self._platform:
            return
        self._platform = platform
        self._fill_eras()
        self._arrange()

    def first_focus(self) -> QWidget:
        """Where the keyboard starts."""
        return self._era

    def showEvent(self, event: QShowEvent) -> None:
        """Make the cards when they are first wanted, not while the program starts."""
        self._arrange()
        super().showEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as fit."""
        super().resizeEvent(event)
        if self.isVisible() and self._columns_that_fit() != self._columns:
            self._arrange()

    def _choice(self, name: str) -> QComboBox:
        choice = QComboBox(self)
        choice.setAccessibleName(name)
        choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        choice.setMinimumContentsLength(10)
        return choice

    def _fill_eras(self) -> None:
        self._era.blockSignals(True)
        self._era.clear()
        if self._platform is not None:
            ours = self.tr("{board}: all its lights").format(board=self._platform.name)
            self._era.addItem(ours, self._platform.light_eras)
        self._era.addItem(self.tr("All boards"), ())
        for key, name in ERAS.items():
            self._era.addItem(say(name), (key,))
        self._era.blockSignals(False)

    def _show_all(self) -> None:
        for choice in (self._era, self._colour, self._rhythm):
            choice.setCurrentIndex(0)

    def _columns_that_fit(self) -> int:
        return max(1, (self.width() - 8 * SPACE) // tokens().px(CARD_WIDTH))

    def _arrange(self) -> None:
        if not self.isVisible():
            return
        eras = tuple(self._era.currentData() or ())
        shown = fitting(PATTERNS, eras, self._colour.currentData(), self._rhythm.currentData())
        self._columns = self._columns_that_fit()
        while (item := self._grid.takeAt(0)) is not None:
            if (taken := item.widget()) is not None:
                taken.hide()
        row = 0
        for era in ERAS:
            of_era = [pattern for pattern in shown if pattern.era == era]
            if not of_era:
                continue
            heading = self._heading(era)
            self._grid.addWidget(heading, row, 0, 1, self._columns)
            heading.show()
            for place, pattern in enumerate(of_era):
                card = self._card(pattern)
                self._grid.addWidget(card, row + 1 + place // self._columns, place % self._columns)
                card.show()
            row += 2 + (len(of_era) - 1) // self._columns
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < self._columns else 0)
        for old in range(self._grid.rowCount()):
            self._grid.setRowStretch(old, 0)
        self._grid.setRowStretch(row, 1)
        self._nothing.setVisible(not shown)
        self._everything.setVisible(not shown)

    def _heading(self, era: str) -> QLabel:
        if era not in self._headings:
            self._headings[era] = QLabel(say(ERAS[era]), self._grid_holder)
            self._headings[era].setProperty("kind", "heading")
            self._headings[era].setWordWrap(True)
        return self._headings[era]

    def _card(self, pattern: LightPattern) -> LightCard:
        if pattern.key not in self._cards:
            self._cards[pattern.key] = LightCard(pattern, self._grid_holder)
            self._cards[pattern.key].chosen.connect(self.chosen)
            self._cards[pattern.key].modes.connect(self.modes)
        return self._cards[pattern.key]
