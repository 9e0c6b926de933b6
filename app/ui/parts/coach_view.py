"""The button coach: which finger, how long, which colour to wait for. USB shows when it is done, not a click."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from app.platforms.lights import LightPattern, pattern
from app.platforms.model import ButtonStep, Choreography
from app.ui.pages.base import Words
from app.ui.parts.board_view import BoardView, Mark
from app.ui.parts.led import shown_colour
from app.ui.say import say
from app.ui.theme import SPACE, tokens
from app.work.questions import DoThis

AFTER_LAST_MS = 2500  # how much of the line is drawn after the last change of the light


def target_step(choreography: Choreography) -> int:
    """Return which step of the choreography to let go at: the last one that the hold time reaches."""
    reached = [number for number, step in enumerate(choreography.steps) if step.after_ms <= choreography.hold_ms]
    return reached[-1] if reached else 0


class HoldLine(QWidget):
    """How long to hold, as a line of time: what the light does when, and where to let go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steps: tuple[ButtonStep, ...] = ()
        self._target = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: tuple[ButtonStep, ...], target: int) -> None:
        """Draw these steps and mark the one to let go at."""
        self._steps = steps
        self._target = target
        self.setVisible(bool(steps))
        self.update()

    def sizeHint(self) -> QSize:
        """A bar and two lines of small print."""
        return QSize(tokens().px(240), tokens().px(50))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the line."""
        if not self._steps:
            return
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        total = self._steps[-1].after_ms + AFTER_LAST_MS
        scale = self.width() / total
        bar = look.px(14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.border))
        painter.drawRoundedRect(QRectF(0, 0, self.width(), bar), 4, 4)
        for number, step in enumerate(self._steps):
            ends = self._steps[number + 1].after_ms if number + 1 < len(self._steps) else total
            left, width = step.after_ms * scale, (ends - step.after_ms) * scale
            colour = QColor(look.border)
            if step.light:
                colour = shown_colour(pattern(step.light).colour, dark=look.dark)
            colour.setAlphaF(1.0 if number == self._target else 0.35)
            painter.setPen(QColor(look.control_border))
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(left, 0.5, width - 1, bar - 1), 4, 4)
        small = QFont(self.font())
        small.setPixelSize(max(11, look.px(11)))
        painter.setFont(small)
        metrics = QFontMetrics(small)
        painter.setPen(QColor(look.muted))
        for step in self._steps:
            seconds = self.tr("{seconds:g} s").format(seconds=step.after_ms / 1000)
            left = min(step.after_ms * scale, self.width() - metrics.horizontalAdvance(seconds))
            painter.drawText(QRectF(left, bar + 2, 80, metrics.height()), seconds)
        target = self._steps[self._target]
        small.setBold(True)
        painter.setFont(small)
        painter.setPen(QColor(look.text))
        words = self.tr("let go here")
        room = QFontMetrics(small).horizontalAdvance(words)
        left = min(max(0.0, target.after_ms * scale), self.width() - room)
        painter.drawText(QRectF(left, bar + 2 + metrics.height(), room + 4, metrics.height()), words)


class CoachView(QFrame):
    """Something for the person's hands, drawn; it goes away by itself when USB shows that it happened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self._board = BoardView(self, height=270)
        self._title = Words(parent=self)
        self._title.setProperty("kind", "heading")
        self._body = Words(parent=self)
        self._body.setProperty("kind", "lead")
        self._line = HoldLine(self)
        self._waiting = QProgressBar(self)
        self._waiting.setTextVisible(False)
        self._waiting.setAccessibleName(self.tr("Waiting for the board"))
        self._status = QLabel(self.tr("Waiting for the board. It moves on by itself."), self)
        self._status.setProperty("kind", "muted")
        self._hint = Words(parent=self)
        self._hint.setProperty("kind", "warning")
        self._hint.hide()
        words = QVBoxLayout()
        words.setSpacing(SPACE + 4)
        words.addStretch(1)
        for part in (self._title, self._body, self._line, self._waiting, self._status, self._hint):
            if isinstance(part, QLabel):
                part.setWordWrap(True)
            words.addWidget(part)
        words.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE, 2 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._board, 2)
        layout.addLayout(words, 3)

    def show_question(self, question: DoThis) -> None:
        """Draw what is to be done."""
        self._title.setText(say(question.title))
        self._body.setText(say(question.body))
        self._hint.hide()
        # Nobody knows how long it takes, so the bar is a busy one; a bar that moves against the person's wish is not.
        self._waiting.setRange(0, 0 if tokens().motion else 1)
        choreography = question.choreography
        light: LightPattern | None = None
        steps: tuple[ButtonStep, ...] = ()
        target = 0
        marks: dict[str, tuple[Mark, str]] = {}
        if choreography is not None:
            steps, target = choreography.steps, target_step(choreography)
            if steps and steps[target].light:
                light = pattern(steps[target].light)
            marks["mode"] = (Mark.HOLD, self.tr("hold"))
            if choreography.after_reset:
                marks["reset"] = (Mark.TAP, self.tr("tap"))
        self._board.show_board(question.platform.key if question.platform else None, light)
        self._board.set_marks(marks)
        self._line.show_steps(steps, target)
        self._announce(self._title)

    def show_hint(self, words: str) -> None:
        """Say what the coach saw, for example that a finger was early."""
        self._hint.setText(words)
        self._hint.show()
        self._announce(self._hint)

    def _announce(self, label: QLabel) -> None:
        """Let a screen reader say it: nobody looks for a sentence that appears by itself."""
        QAccessible.updateAccessibility(QAccessibleEvent(label, QAccessible.Event.Alert))
