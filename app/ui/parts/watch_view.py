"""What the light will show while a board works by itself: stage by stage, each at its true colour and rhythm."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.platforms.lights import PATTERNS, LightPattern
from app.ui.pages.base import CardGrid, TurningRow, label
from app.ui.parts.led import Led
from app.ui.parts.plan_view import about
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.say import duration, number, say
from app.ui.theme import SPACE, tokens
from app.work.questions import LightStage, WatchLight

SECOND_MS = 1000
RHYTHM_WIDTH = 240  # px at text scale 1.0


def light_of(key: str) -> LightPattern | None:
    """Return the pattern of that key, None when there is none: a missing light must not stop a rescue."""
    return next((found for found in PATTERNS if found.key == key), None)


def expected_seconds(stages: tuple[LightStage, ...]) -> float | None:
    """Return how long it takes until the last stage begins (or ends, where that is said); None when not known."""
    lengths = [stage.seconds for stage in stages]
    if lengths and lengths[-1] is None:
        lengths.pop()
    known = [length for length in lengths if length is not None]
    return sum(known) if known and len(known) == len(lengths) else None


class StageCard(QFrame):
    """One stage: its place in the order, its light, its words and how long it lasts."""

    def __init__(self, place: int, stage: LightStage) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        light = light_of(stage.light)
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        head = say(light.name) if light is not None else say(stage.words)
        title = TurningRow(narrow=260)
        title.add(label(f"{number(place)}.  {head}", "card-title"), 1)
        if stage.seconds is not None:
            lasts = label(about(stage.seconds), "muted")
            lasts.setWordWrap(False)
            title.add(lasts)
        words.addWidget(title)
        if light is not None:
            bar = RhythmBar()
            bar.setMaximumWidth(tokens().px(RHYTHM_WIDTH))
            bar.show_pattern(light)
            words.addWidget(bar)
            if say(stage.words) != head:
                words.addWidget(label(say(stage.words)))
        words.addStretch(1)
        led = Led(diameter=tokens().px(32))
        led.show_pattern(light)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE, SPACE, SPACE * 2, SPACE)
        row.setSpacing(SPACE)
        row.addWidget(led, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)


class WatchView(QWidget):
    """The stages in order, how long they take, and how long it has been."""

    def __init__(self, question: WatchLight) -> None:
        super().__init__()
        self._expected = expected_seconds(question.stages)
        self._began = time.monotonic()
        self._tick = QTimer(self)
        self._tick.setInterval(SECOND_MS)
        self._tick.timeout.connect(self.show_time)

        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE + SPACE // 2)
        if question.stages:
            stages = CardGrid(widest=3, narrow=220, full_rows=True)
            cards: list[QWidget] = [StageCard(place, stage) for place, stage in enumerate(question.stages, 1)]
            stages.set_groups([(label(self.tr("What the light will show, in this order"), "section"), cards)])
            column.addWidget(stages)
        # Nobody sees how far the board is; a bar that moves against the person's wish is none.
        self._waiting = QProgressBar()
        self._waiting.setTextVisible(False)
        self._waiting.setRange(0, 0 if tokens().motion else 1)
        self._waiting.setAccessibleName(self.tr("Waiting for the board"))
        column.addWidget(self._waiting)
        self._time = label("", "strong")
        column.addWidget(self._time)
        if question.until is not None:
            words = self.tr("It goes on by itself as soon as the program sees that the board is done.")
            if question.or_back:
                words = self.tr("It goes on by itself as soon as the board shows on USB again.")
            column.addWidget(label(words, "muted"))
        self.show_time()

    def show_time(self) -> None:
        """Say how long it has been, and whether that is longer than expected."""
        passed = time.monotonic() - self._began
        if passed < 1:
            words = self.tr("Watch the light.")
        elif self._expected is None:
            words = self.tr("So far: {time}.").format(time=duration(passed))
        elif passed <= self._expected:
            words = self.tr("So far: {time} of {expected}.").format(
                time=duration(passed), expected=about(self._expected)
            )
        else:
            words = self.tr("So far: {time}. That is longer than usual, but give it a little more.").format(
                time=duration(passed)
            )
        self._time.setText(words)

    def showEvent(self, event: QShowEvent) -> None:
        """Count."""
        self._tick.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop counting."""
        self._tick.stop()
        super().hideEvent(event)
