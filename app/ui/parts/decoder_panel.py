"""The light decoder: what a person sees goes in by choosing, tapping and counting; what it may mean comes out at once.

The same panel is a page of its own and the answer to a job's question. What the light may mean is worked out by
`app.work.light_decoder`; here it is asked and shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.platforms.lights import ERAS, Colour, Rhythm, pattern
from app.platforms.model import Mode, Platform
from app.platforms.table import PLATFORMS
from app.text import text
from app.ui.pages.base import CardButton, CardGrid, TurningRow, box, button, label
from app.ui.pages.light_guide import COLOUR_NAMES, RHYTHM_NAMES, LightCard
from app.ui.parts.fold import Fold
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.parts.swatches import Offer, SwatchGroup, sample
from app.ui.parts.tap_pad import TapPad
from app.ui.say import announce, number, say
from app.ui.theme import SPACE, tokens
from app.work.light_decoder import (
    AGES,
    UNSURE,
    Guess,
    LightReading,
    Reading,
    Seen,
    TapRhythm,
    Telling,
    TellingOption,
    decode,
    eras_for,
    reading_of,
    rhythm_of,
    tapped,
    with_told,
)
from app.work.light_words import POSSIBLE, UNLIKELY, likely_words

SIDE_BY_SIDE = 700
"""From this width on (px at text scale 1.0) the answers are beside what is asked, else below it."""
SHOWN_GUESSES = 3
"""So many guesses are open; the others are folded away."""
LEAST_LIKELIHOOD = 0.01
LIKELIHOOD_WIDTH = 56  # px at text scale 1.0
MOST_COUNT = {Rhythm.COUNTED: 9, Rhythm.SOS: 14}
COUNT, SMALL_BLUE = "count", "small-blue"
"""Questions that tell, and that the panel asks without being told to."""
UNKNOWN = "unknown"
"""Key of the sample that says: I cannot tell."""
ANNOUNCE_MS = 600  # a screen reader is told when the fingers rest, not at each tap

_HINTS = {
    Rhythm.SLOW_BLINK: text("Decoder", "About 2 a second"),
    Rhythm.BLINK: text("Decoder", "About 5 a second"),
    Rhythm.FAST_BLINK: text("Decoder", "About 10 a second"),
    Rhythm.BREATHING: text("Decoder", "Fades in and out"),
    Rhythm.COUNTED: text("Decoder", "Or one single flash"),
    Rhythm.SOS: text("Decoder", "Short, long, short"),
}


class Likelihood(QWidget):
    """How likely a guess is: a word, a figure and a bar."""

    def __init__(self) -> None:
        super().__init__()
        self._words = label("", "muted")
        self._bar = QProgressBar()
        self._bar.setRange(0, 100)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Likelihood"))
        self._bar.setFixedWidth(tokens().px(LIKELIHOOD_WIDTH))
        row = QHBoxLayout(self)  # beside the words: below them it would look like one more rhythm
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self._bar)
        row.addWidget(self._words, 1)

    def show_likelihood(self, likelihood: float) -> None:
        """Show this one, 0.0 to 1.0."""
        percent = round(likelihood * 100)
        words = self.tr("{words}, {percent} %").format(words=say(likely_words(likelihood)), percent=number(percent))
        self._words.setText(words)
        self._bar.setValue(percent)
        self._bar.setAccessibleDescription(words)


class GuessCard(LightCard):
    """One thing the light may say, and how likely it is."""

    def __init__(self, guess: Guess, *, starts: bool) -> None:
        self._likelihood = Likelihood()
        super().__init__(guess.pattern, below_name=self._likelihood, starts=starts)
        self.setObjectName(f"guess-{guess.pattern.key}")

    def show_likelihood(self, likelihood: float) -> None:
        """Show this one, 0.0 to 1.0."""
        self._likelihood.show_likelihood(likelihood)


class TellingButton(CardButton):
    """One answer to the question that tells, with its living light and the rhythm of that as a picture."""

    def __init__(self, option: TellingOption) -> None:
        light = pattern(option.light) if option.light else None
        super().__init__(say(option.words), light=light)
        self.setObjectName(f"tell-{option.key}")
        column = self.layout()
        if light is not None and column is not None:
            bar = RhythmBar()
            bar.show_pattern(light)
            column.addWidget(bar)


class Counter(QWidget):
    """How many blinks: a number to be typed, or counted up with a button while the light blinks.

    Signals:
        changed: The number, 0 when it was not counted.
    """

    changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._words = label()
        self._spin = QSpinBox()
        self._spin.setObjectName("count")
        self._spin.setSpecialValueText(self.tr("not counted"))
        self._spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._spin.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._words.setBuddy(self._spin)
        less = button("\N{MINUS SIGN}", "", self._spin.stepDown)
        less.setAccessibleName(self.tr("One blink less"))
        more = button("+", "", self._spin.stepUp)
        more.setObjectName("count-up")
        more.setAccessibleName(self.tr("One blink more"))
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for part in (less, self._spin, more):
            row.addWidget(part)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self._words)
        column.addLayout(row)
        self._spin.valueChanged.connect(self.changed)

    def ask(self, rhythm: Rhythm, count: int | None) -> None:
        """Ask for the count of this rhythm; `count` is what is known."""
        if rhythm is Rhythm.SOS:
            self._words.setText(self.tr("How many slow red blinks follow the SOS, before it all starts again?"))
        else:
            self._words.setText(self.tr("How many blinks or flashes are there before the pause?"))
        self._spin.setAccessibleName(self._words.text())
        self._spin.blockSignals(True)
        self._spin.setRange(0, MOST_COUNT.get(rhythm, 0))
        self._spin.setValue(count or 0)
        self._spin.blockSignals(False)


class DecoderPanel(QWidget):
    """Asks what the light does and shows what it may mean.

    Signals:
        changed: Something else was seen, or the boards in question changed.
        turned: The answers are now beside what is asked, or no longer.
        chosen: The person wants the job with this recipe key.
        modes: The person wants the modes explained.
        guide: The person wants to see all lights.
    """

    changed = Signal()
    turned = Signal()
    chosen = Signal(str)
    modes = Signal()
    guide = Signal()

    def __init__(
        self,
        platform: Platform | None = None,
        eras: tuple[str, ...] = (),
        *,
        starts: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a panel in which nothing is said yet.

        Args:
            platform: The board it is about; None when it is not known.
            eras: Which boards and firmware come into question; empty lets the person choose.
            starts: Whether the jobs that help can be started here.
            clock: Tells the seconds, for the taps.
        """
        super().__init__()
        self._fixed = eras
        self._starts = starts
        self._seen = Seen()
        self._reading: Reading | None = None
        self._on_usb: tuple[Platform | None, Mode | None] = (None, None)
        self._cards: dict[str, GuessCard] = {}
        self._order: tuple[str, ...] = ()
        self._telling: Telling | None = None
        self._first_option: QWidget | None = None

        self._announce = QTimer(self)
        self._announce.setSingleShot(True)
        self._announce.setInterval(ANNOUNCE_MS)
        self._announce.timeout.connect(lambda: announce(self, self.summary()))

        self._boards = self._make_boards()
        self._colours = self._make_colours()
        self._rhythms = self._make_rhythms()
        self._small_blue = self._make_small_blue()
        self._counter = Counter()
        self._counter.changed.connect(self._counted)
        self._pad = TapPad(clock)
        self._pad.changed.connect(self._tapped)

        asks = QVBoxLayout()
        asks.setSpacing(SPACE * 2)
        asks.addWidget(self._boards)
        for part in (self._colours, self._small_blue, self._rhythms, self._counter):
            asks.addWidget(part)
        self._tap_heading = label(self.tr("Or tap along with it"), "section")
        asks.addWidget(self._tap_heading)
        asks.addWidget(self._pad)
        asks.addStretch(1)
        self._sides = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._sides.setContentsMargins(0, 0, 0, 0)
        self._sides.setSpacing(SPACE * 3)
        self._sides.addLayout(asks, 3)
        self._answers = self._make_answers()
        self._sides.addWidget(self._answers, 2)
        self._others.hide()
        self.show_platform(platform)
        self._look()

    # --- what others ask ---

    @property
    def seen(self) -> Seen:
        """What was said so far."""
        return self._seen

    @property
    def reading(self) -> Reading | None:
        """What the light may say; None while nothing was said."""
        return self._reading

    @property
    def eras(self) -> tuple[str, ...]:
        """Which boards and firmware come into question."""
        if self._fixed:
            return self._fixed
        age = str(self._age.currentData())
        if (board := self._platform()) is not None:
            return eras_for(board, age)
        return tuple(era for era in ERAS if not age or era == age or era not in AGES)

    def answer(self) -> LightReading:
        """Return the answer to `TellLight`."""
        return reading_of(self._seen, self.eras)

    def show_platform(self, platform: Platform | None) -> None:
        """Choose this board; None leaves the choice as it is."""
        if platform is not None:
            self._board.setCurrentIndex(max(0, self._board.findData(platform.key)))

    def show_mode(self, platform: Platform | None, mode: Mode | None) -> None:
        """Take into account in which mode USB shows the board of that kind, while it is the one that is asked about."""
        if (platform, mode) != self._on_usb:
            self._on_usb = (platform, mode)
            self._look()

    def start_over(self) -> None:
        """Forget what was said."""
        self._pad.clear()
        self._take(Seen())
        self._colours.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)

    def summary(self) -> str:
        """Return the most likely meaning in one line; "" while nothing was said."""
        if self._reading is None or not self._reading.guesses:
            return ""
        best = self._reading.guesses[0]
        words = likely_words(best.likelihood)  # where much is possible, the first of it is still no less likely
        return self.tr("{likelihood}: {name}").format(
            likelihood=say(POSSIBLE if words is UNLIKELY else words), name=say(best.pattern.name)
        )

    @property
    def beside(self) -> bool:
        """Whether the answers are beside what is asked, so that both are in sight."""
        return self._sides.direction() is QBoxLayout.Direction.LeftToRight

    def first_focus(self) -> QWidget:
        """The colours."""
        return self._colours.first_focus()

    def first_answer(self) -> QWidget | None:
        """Return the control to go on with among the answers: the question that tells, else a job; None for neither."""
        if self._first_option is not None:
            return self._first_option
        starts = (self._cards[key].start for key in self._order[:SHOWN_GUESSES])
        return next((start for start in starts if start is not None), None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Answers beside the question where there is room."""
        super().resizeEvent(event)
        beside = self.width() >= tokens().px(SIDE_BY_SIDE)
        wanted = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if self._sides.direction() is not wanted:
            self._sides.setDirection(wanted)
            self.turned.emit()

    def go_to_answers(self) -> None:
        """Bring the answers in sight and the keyboard to them."""
        around = self.parentWidget()
        while around is not None and not isinstance(around, QScrollArea):
            around = around.parentWidget()
        if around is not None and (inside := around.widget()) is not None:
            place = self._answers.mapTo(inside, QPoint(0, 0))
            around.verticalScrollBar().setValue(place.y() - SPACE * 2)
        if (wanted := self.first_answer()) is not None:
            wanted.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- making ---

    def _make_boards(self) -> QWidget:
        self._board = self._choice("decoder-board", self.tr("Board"))
        self._board.addItem(self.tr("Any board"), "")
        for row in PLATFORMS:
            self._board.addItem(row.name, row.key)
        self._age = self._choice("decoder-age", self.tr("Age of the firmware"))
        self._board.currentIndexChanged.connect(self._board_chosen)
        self._age.currentIndexChanged.connect(self._look)
        self._fill_ages()
        choices = TurningRow()
        choices.add(self._board, 1)
        choices.add(self._age, 1)
        choices.setVisible(not self._fixed)
        return choices

    def _choice(self, name: str, words: str) -> QComboBox:
        choice = QComboBox()
        choice.setObjectName(name)
        choice.setAccessibleName(words)
        choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        choice.setMinimumContentsLength(10)
        return choice

    def _platform(self) -> Platform | None:
        return next((row for row in PLATFORMS if row.key == self._board.currentData()), None)

    def _fill_ages(self) -> None:
        board = self._platform()
        eras = board.light_eras if board is not None else tuple(ERAS)
        self._age.blockSignals(True)
        self._age.clear()
        self._age.addItem(self.tr("Any firmware"), "")
        for era in AGES:
            if era in eras:
                self._age.addItem(say(ERAS[era]), era)
        self._age.blockSignals(False)

    def _make_colours(self) -> SwatchGroup:
        offers = [
            Offer(colour.name, say(COLOUR_NAMES[colour]), sample(colour, Rhythm.SOLID if colour.value else Rhythm.OFF))
            for colour in (*(each for each in Colour if each is not Colour.OFF), Colour.OFF)
        ]
        offers.append(Offer(UNKNOWN, self.tr("I cannot tell")))
        group = SwatchGroup(self.tr("Which colour is it?"), offers, widest=4, narrow=118)
        group.setObjectName("colours")
        group.chosen.connect(self._colour_chosen)
        return group

    def _make_rhythms(self) -> SwatchGroup:
        offers = []
        for rhythm in Rhythm:
            if rhythm is not Rhythm.OFF:  # that is a matter of the colour
                hint = say(_HINTS[rhythm]) if rhythm in _HINTS else ""
                light = sample(Colour.WHITE, rhythm)
                offers.append(Offer(rhythm.value, say(RHYTHM_NAMES[rhythm]), light, bar=True, hint=hint))
        offers.append(Offer(UNKNOWN, self.tr("I cannot tell")))
        group = SwatchGroup(self.tr("How does it move?"), offers, widest=3, narrow=210)
        group.setObjectName("rhythms")
        group.chosen.connect(self._rhythm_chosen)
        return group

    def _make_small_blue(self) -> SwatchGroup:
        offers = (
            Offer("yes", self.tr("It glows, if dimly")),
            Offer("no", self.tr("It is dark")),
            Offer(UNKNOWN, self.tr("I cannot tell")),
        )
        group = SwatchGroup(
            self.tr("And the small blue light, in the upper right corner of a Core?"), offers, widest=3, narrow=150
        )
        group.setObjectName("small-blue")
        group.chosen.connect(
            lambda key: self._take(replace(self._seen, small_blue={"yes": True, "no": False}.get(key)))
        )
        return group

    def _make_answers(self) -> QWidget:
        side = QWidget()
        side.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE + SPACE // 2)
        column.addWidget(label(self.tr("What it may mean"), "section"))
        self._empty, empty = box()
        empty.addWidget(
            label(
                self.tr(
                    "Choose the colour and how it moves. Each alone says something already; both together say most. "
                    "If colours are hard to tell, tapping along is enough."
                ),
                "muted",
            )
        )
        column.addWidget(self._empty)
        self._more = label("", "accent")
        column.addWidget(self._more)
        self._question, question = box("hero")
        self._question_words: QLabel = label("", "strong")
        question.addWidget(self._question_words)
        self._options = CardGrid(widest=2, narrow=150)
        question.addWidget(self._options)
        self._unsure = button(self.tr("I cannot tell"), "small", lambda: self._tell(UNSURE))
        self._unsure.setObjectName("tell-unsure")
        question.addWidget(self._unsure, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._question)
        self._untell = button(self.tr("Take back the last answer"), "small", self._take_back)
        self._untell.setObjectName("take-back")
        column.addWidget(self._untell, 0, Qt.AlignmentFlag.AlignLeft)
        self._open = QVBoxLayout()
        self._open.setSpacing(SPACE)
        column.addLayout(self._open)
        others = QWidget()
        self._folded = QVBoxLayout(others)
        self._folded.setContentsMargins(0, 0, 0, 0)
        self._folded.setSpacing(SPACE)
        self._others = Fold(self.tr("Less likely"), others)
        column.addWidget(self._others)
        see_all = button(self.tr("See all li&ghts"), "link", self.guide.emit)
        see_all.setObjectName("see-all-lights")
        see_all.setVisible(self._starts)
        column.addWidget(see_all, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return side

    # --- what the person says ---

    def _board_chosen(self) -> None:
        self._fill_ages()
        self._look()

    def _colour_chosen(self, key: str) -> None:
        colour = Colour[key] if key != UNKNOWN else None
        dark, was_dark = colour is Colour.OFF, self._seen.colour is Colour.OFF
        seen = replace(self._seen, colour=colour)
        if dark:
            seen = replace(seen, rhythm=Rhythm.OFF, period_ms=None, count=None)
        elif was_dark:
            seen = replace(seen, rhythm=None, small_blue=None)
        if dark:
            self._pad.clear()
        self._take(seen)

    def _rhythm_chosen(self, key: str) -> None:
        rhythm = Rhythm(key) if key != UNKNOWN else None
        self._pad.clear()
        self._take(replace(self._seen, rhythm=rhythm, period_ms=None, count=None))

    def _counted(self, count: int) -> None:
        self._take(replace(self._seen, count=count or None))

    def _tapped(self, taps: tuple[float, ...]) -> None:
        found = rhythm_of(taps)
        self._pad.say(self._tap_words(len(taps), found))
        if found is not None:
            self._take(tapped(self._seen, found))
        elif self._seen.period_ms is not None:  # what was tapped is gone, or began anew
            self._take(replace(self._seen, rhythm=None, period_ms=None, count=None))

    def _tap_words(self, taps: int, found: TapRhythm | None) -> str:
        if not taps:
            return ""
        if found is None:
            return self.tr("Go on: taps so far: {count}.").format(count=number(taps))
        looks = self.tr("Looks like: {rhythm}.").format(rhythm=say(RHYTHM_NAMES[found.rhythm]))
        if found.count is not None:
            looks = self.tr("Looks like: {rhythm}. Blinks: {count}.").format(
                rhythm=say(RHYTHM_NAMES[found.rhythm]), count=number(found.count)
            )
        if found.too_fast:
            looks += " " + self.tr("That is as fast as fingers go: the light may be faster still. Compare it above.")
        return looks

    def _tell(self, option: str) -> None:
        if self._telling is None:
            return
        inside = self._question.isAncestorOf(QApplication.focusWidget() or self)
        self._take(with_told(self._seen, self._telling.key, option))
        if inside:  # the button that was pressed is gone
            (self._first_option or self._untell).setFocus(Qt.FocusReason.OtherFocusReason)

    def _take_back(self) -> None:
        self._take(replace(self._seen, told=self._seen.told[:-1]), keep_told=True)
        if self._first_option is not None:
            self._first_option.setFocus(Qt.FocusReason.OtherFocusReason)

    def _take(self, seen: Seen, *, keep_told: bool = False) -> None:
        """Go on with this; what was told about something else seen no longer counts."""
        if seen == self._seen:
            return
        base_changed = replace(seen, told=()) != replace(self._seen, told=())
        self._seen = replace(seen, told=()) if base_changed and not keep_told else seen
        self._look()

    # --- what is shown ---

    def _look(self) -> None:
        """Show what belongs to what was said, and what it may mean."""
        seen = self._seen
        said = seen != Seen()
        self._reading = decode(self._with_all_known(), self.eras) if said else None
        dark = seen.colour is Colour.OFF
        if seen.colour is not None or self._colours.key != UNKNOWN:
            self._colours.choose(seen.colour.name if seen.colour is not None else None)
        if seen.rhythm is not None or self._rhythms.key != UNKNOWN:
            self._rhythms.choose(seen.rhythm.value if seen.rhythm not in (None, Rhythm.OFF) else None)
        if seen.small_blue is not None or self._small_blue.key != UNKNOWN:
            self._small_blue.choose({True: "yes", False: "no", None: None}[seen.small_blue])
        shade = seen.colour if seen.colour is not None and not dark else Colour.WHITE
        for rhythm in Rhythm:
            if rhythm is not Rhythm.OFF:
                self._rhythms.swatch(rhythm.value).show_light(sample(shade, rhythm))
        self._small_blue.setVisible(dark)
        for part in (self._rhythms, self._tap_heading, self._pad):
            part.setVisible(not dark)
        counts = seen.rhythm in MOST_COUNT
        self._counter.setVisible(counts)
        if counts and seen.rhythm is not None:
            self._counter.ask(seen.rhythm, seen.count)
        self._empty.setVisible(not said)
        self._show_telling()
        self._show_guesses()
        if said:
            self._announce.start()
        self.changed.emit()

    def _with_all_known(self) -> Seen:
        """What was seen, with the mode on USB, and the questions set aside that this panel asks in its own way."""
        seen = self._seen
        on_usb, mode = self._on_usb
        if on_usb is not None and on_usb.key == self._board.currentData():
            seen = replace(seen, mode=mode)
        here = {COUNT: seen.rhythm in MOST_COUNT and seen.count is None, SMALL_BLUE: seen.colour is Colour.OFF}
        for question, asked in here.items():
            if asked and question not in dict(seen.told):
                seen = with_told(seen, question, UNSURE)
        return seen

    @property
    def _more_to_say(self) -> str:
        """What has not been asked for yet; "" when both colour and rhythm were answered, if only by not knowing."""
        if self._colours.key is None:
            return self.tr("Choose the colour, too.")
        if self._seen.colour is not Colour.OFF and self._rhythms.key is None:
            return self.tr("Choose how it moves, too, or tap along.")
        return ""

    def _show_telling(self) -> None:
        more = self._more_to_say if self._reading is not None else ""
        self._more.setText(more)
        self._more.setVisible(bool(more))
        # Samples are quicker than a question; it is for what they leave open.
        telling = self._reading.telling if self._reading is not None and not more else None
        self._question.setVisible(telling is not None)
        self._untell.setVisible(bool(self._seen.told))
        if telling == self._telling:
            return
        self._telling = telling
        self._first_option = None
        cards: list[QWidget] = []
        if telling is not None:
            self._question_words.setText(say(telling.words))
            for option in telling.options:
                card = TellingButton(option)
                card.clicked.connect(lambda _checked=False, chosen=option.key: self._tell(chosen))
                cards.append(card)
            self._first_option = cards[0]
        self._options.set_groups([(QWidget(), cards)] if cards else [])

    def _show_guesses(self) -> None:
        guesses = self._reading.guesses if self._reading is not None else ()
        guesses = tuple(guess for guess in guesses if guess.likelihood >= LEAST_LIKELIHOOD)
        for guess in guesses:
            self._card(guess).show_likelihood(guess.likelihood)
        order = tuple(guess.pattern.key for guess in guesses)
        if order == self._order:
            return
        self._order = order
        for layout in (self._open, self._folded):
            while (item := layout.takeAt(0)) is not None:
                if (taken := item.widget()) is not None:
                    taken.hide()
        for place, guess in enumerate(guesses):
            card = self._card(guess)
            (self._open if place < SHOWN_GUESSES else self._folded).addWidget(card)
            card.show()
        self._others.setVisible(len(guesses) > SHOWN_GUESSES)

    def _card(self, guess: Guess) -> GuessCard:
        key = guess.pattern.key
        if key not in self._cards:
            self._cards[key] = GuessCard(guess, starts=self._starts)
            self._cards[key].chosen.connect(self.chosen)
            self._cards[key].modes.connect(self.modes)
        return self._cards[key]
