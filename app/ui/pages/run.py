"""The run: its steps, one progress bar, what the person must do now, and Stop."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.clicks import ConfirmStop, GiveAnswer, PressStop
from app.flow import AppState, RunState, StepState, StepStatus
from app.recipes.registry import recipe
from app.ui.pages.base import Page, StepMark, box, breakable, button, clear, label, let_go, mono_lines, set_kind
from app.ui.questions import QuestionView, view_for
from app.ui.say import announce, data_size, duration, number, say, size_per_second
from app.ui.theme import SPACE
from app.work.events import Asked
from app.work.questions import DoThis, Review, TellLight, WatchLight

PROGRESS_STEPS = 1000


class RunPage(Page):
    """One run under way. It keeps its widgets between states, so nothing flickers and the focus stays."""

    def __init__(self) -> None:
        super().__init__("")
        self._run = -1
        self._asked: Asked | None = None
        self._view: QuestionView | None = None
        self._rows: list[tuple[StepMark, QLabel, QLabel]] = []
        self._pinned: QWidget | None = None
        self._place_is_theirs = False  # the person has scrolled or opened something: never jump again
        self._notes = 0
        self._spoken = ""

        self._steps = QGridLayout()
        self._steps.setHorizontalSpacing(SPACE + SPACE // 2)
        self._steps.setVerticalSpacing(SPACE)
        self._steps.setColumnStretch(1, 3)
        self._steps.setColumnStretch(2, 2)
        self.content.addLayout(self._steps)

        self._progress = QProgressBar()
        self._progress.setRange(0, PROGRESS_STEPS)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(self.tr("Progress"))
        self._speed = label("", "muted")
        self._percent = label("", "muted")
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight)
        figures = QHBoxLayout()
        figures.addWidget(self._speed, 1)
        figures.addWidget(self._percent)
        bar = QVBoxLayout()
        bar.setSpacing(SPACE // 2)
        bar.addWidget(self._progress)
        bar.addLayout(figures)
        self.content.addLayout(bar)

        self._question = QVBoxLayout()
        self.content.addLayout(self._question)

        self._confirm, confirm = box("warning-box")
        self._confirm_words = label(
            self.tr("The board is being changed. The run can only stop after this step. Stop then?"), "strong"
        )
        confirm.addWidget(self._confirm_words)
        choice = QHBoxLayout()
        choice.addStretch(1)
        self._go_on = button(self.tr("&Go on"), "", lambda: self.chose.emit(ConfirmStop(False)))
        choice.addWidget(self._go_on)
        choice.addWidget(
            button(self.tr("Stop after this s&tep"), "primary", lambda: self.chose.emit(ConfirmStop(True)))
        )
        confirm.addLayout(choice)
        self.content.addWidget(self._confirm)

        self._details = mono_lines(self.tr("Details"))
        self._details.hide()
        self.content.addWidget(self._details)
        self.content.addStretch(1)

        # Only when the layout has settled does the bar know how far it goes.
        bar_of_page = self.scroller.verticalScrollBar()
        bar_of_page.rangeChanged.connect(lambda _least, _most: self._reveal())
        bar_of_page.actionTriggered.connect(lambda _action: self._leave_place())

        self._state = label("", "muted")
        self._fold = button(self.tr("&Details"))
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._details.setVisible)
        self._stop = button(self.tr("&Stop"), "", lambda: self.chose.emit(PressStop()))
        self._stop.setObjectName("stop")
        self.footer.add(self._state, 1)
        self.footer.add(self._fold)
        self.footer.add(self._stop)

    def show_state(self, state: AppState) -> None:
        """Draw the run."""
        run = state.run
        if run is None:
            return
        if run.run != self._run:
            self._begin(run)
        self.title.setText(say(run.title if run.title is not None else recipe(run.recipe).title))
        self._show_steps(run)
        self._show_progress(run)
        self._show_question(run)
        self._show_notes(run)
        self._confirm.setVisible(run.confirm_stop)
        self._stop.setEnabled(not run.stopping and not run.confirm_stop and run.live)
        self._stop.setText(self.tr("Stopping...") if run.stopping else self.tr("&Stop"))
        self._state.setText(self._state_words(run))

    def first_focus(self) -> QWidget | None:
        """The open question, else Stop."""
        if self._view is not None and (wanted := self._view.first_focus()) is not None:
            return wanted
        return self._stop

    def _begin(self, run: RunState) -> None:
        self._end_question()  # one that waited for its run, which has ended
        self._asked = None
        self._run = run.run
        self._notes = 0
        self._spoken = ""
        self._details.clear()
        clear(self._steps)
        self._rows = []

    def _state_words(self, run: RunState) -> str:
        if run.stopping:
            if run.stops_at_once:
                if run.current is not None and run.current.plan.stop_waits is not None:
                    return say(run.current.plan.stop_waits)
                return self.tr("Stopping... the board is left as it was found.")
            return self.tr("It will stop after this step.")
        if run.asked is not None and isinstance(run.asked.question, Review):
            return self.tr("Nothing is written before you agree.")
        if not run.changes_board:
            return self.tr("Nothing is changed on the board.")
        if not run.stops_at_once:
            return self.tr("The board is being changed. Leave it plugged in.")
        return ""

    def _show_steps(self, run: RunState) -> None:
        if len(self._rows) != len(run.steps):
            clear(self._steps)
            self._rows = []
            for place, step in enumerate(run.steps):
                row = (StepMark(step.status), label(say(step.plan.title)), label("", "muted"))
                row[2].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                for column, widget in enumerate(row):
                    self._steps.addWidget(widget, place, column)
                self._rows.append(row)
        for (mark, title, note), step in zip(self._rows, run.steps, strict=True):
            mark.set_status(step.status)
            active = step.status is StepStatus.RUNNING
            set_kind(title, "strong" if active else "muted" if step.status is StepStatus.WAITING else "")
            note.setText(breakable(self._note(run, step)))
            title.setAccessibleName(f"{say(step.plan.title)}: {self._status_words(step.status)}")
        if run.current is not None and (title_now := say(run.current.plan.title)) != self._spoken:
            self._spoken = title_now
            announce(self, title_now)

    def _note(self, run: RunState, step: StepState) -> str:
        if step.note is not None:
            return say(step.note)
        if step.status is StepStatus.SKIPPED:
            return self.tr("not needed")
        if step.status is StepStatus.RUNNING and run.asked is not None:
            return self.tr("your turn")
        return ""

    def _status_words(self, status: StepStatus) -> str:
        return {
            StepStatus.WAITING: self.tr("not yet"),
            StepStatus.RUNNING: self.tr("now"),
            StepStatus.DONE: self.tr("done"),
            StepStatus.SKIPPED: self.tr("not needed"),
            StepStatus.BROKEN: self.tr("not finished"),
        }[status]

    def _show_progress(self, run: RunState) -> None:
        self._progress.setValue(round(run.fraction * PROGRESS_STEPS))
        self._percent.setText(self.tr("{percent} %").format(percent=number(round(run.fraction * 100))))
        words = []
        if run.rate > 0:
            moved = self.tr("{done} of {total}").format(done=data_size(run.done), total=data_size(run.total))
            words += [moved, size_per_second(run.rate)]
        if run.seconds_left is not None and run.seconds_left >= 1:
            words.append(self.tr("about {time} left").format(time=duration(run.seconds_left)))
        self._speed.setText(" · ".join(words))

    def _show_question(self, run: RunState) -> None:
        if run.asked is not self._asked and not self._goes_on(run):
            self._end_question()
            self._asked = run.asked
            if run.asked is not None:
                self._begin_question(run.asked)
        if self._view is not None:
            self._view.show_hint(say(run.hint) if run.hint is not None else "")
        # While hands are busy or the plan is read there is nothing to measure.
        waits = run.asked is not None and isinstance(run.asked.question, DoThis | Review | WatchLight | TellLight)
        self._progress.setVisible(not waits)
        self._percent.setVisible(self._progress.isVisibleTo(self))
        self._speed.setVisible(self._progress.isVisibleTo(self))

    def _goes_on(self, run: RunState) -> bool:
        """Whether the view stays: it waits for its question to come again, or that has come."""
        if self._view is None or not self._view.stays or not run.live:
            return False
        if run.asked is None:
            return True
        if not self._view.renew(run.asked.question):
            return False
        self._asked = run.asked
        return True

    def _begin_question(self, asked: Asked) -> None:
        view = self._view = view_for(asked.question)
        view.answered.connect(lambda answer: self.chose.emit(GiveAnswer(answer)))
        self._question.addWidget(view)
        self._watch_for_hands(view)
        self._pinned = view.pinned
        if self._pinned is not None:
            self.footer.add(self._pinned)
        self._fold.setVisible(self._pinned is None)
        self._stop.setVisible(not view.says_no)
        if (wanted := view.first_focus()) is not None:
            wanted.setFocus()
        announce(self, say(asked.question.title))

    def _end_question(self) -> None:
        place = cast("QWidget | None", self.window().focusWidget())
        answered_here = any(
            part is not None and part.isAncestorOf(place) for part in (self._view, self._pinned) if place
        )
        if self._pinned is not None:
            let_go(self._pinned)
        clear(self._question)
        self._view = self._pinned = None
        self._place_is_theirs = False
        self._fold.show()
        self._stop.show()
        if answered_here:
            self._stop.setFocus()  # or the focus would go to whatever comes next, on the other side of the window

    def _watch_for_hands(self, view: QuestionView) -> None:
        """Notice when somebody works on the question: what they aim at must not move by itself any more."""
        for part in view.findChildren(QWidget):
            if isinstance(part, QAbstractScrollArea):
                part.viewport().installEventFilter(self)
            if part.focusPolicy() is not Qt.FocusPolicy.NoFocus:
                part.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the place on the page to the person from the first press of a key or of the mouse."""
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress):
            self._leave_place()
        return super().eventFilter(watched, event)

    def _leave_place(self) -> None:
        self._place_is_theirs = True

    def _reveal(self) -> None:
        """Scroll to the question: with large words it may be below the edge, and nobody looks for it there."""
        if self._view is not None and not self._place_is_theirs:
            self.scroller.verticalScrollBar().setValue(self._view.y() - SPACE * 2)

    def _show_notes(self, run: RunState) -> None:
        for words in run.notes[self._notes :]:
            self._details.appendPlainText(say(words))
        self._notes = len(run.notes)
