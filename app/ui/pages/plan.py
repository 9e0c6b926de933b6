"""The plan: what a run will do, read, write and keep, before it starts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.flow import AppState, Back, PressStart, StepStatus
from app.recipes.registry import RECIPES
from app.text import Text
from app.ui.pages.base import Page, StepMark, box, button, clear, label
from app.ui.pages.home import fit_of
from app.ui.say import say
from app.ui.theme import SPACE


class PlanPage(Page):
    """Steps and promises of one recipe, and the button that starts it."""

    def __init__(self) -> None:
        super().__init__("")
        self._recipe = ""
        self._summary = label("", "lead")
        self.content.addWidget(self._summary)
        self._banner, banner = box("warning-box")
        self._reason = label("", "warning")
        banner.addWidget(self._reason)
        self.content.addWidget(self._banner)
        self.content.addWidget(label(self.tr("What will happen"), "section"))
        steps_box, steps = box()
        self._steps = QGridLayout()
        self._steps.setHorizontalSpacing(SPACE + SPACE // 2)
        self._steps.setVerticalSpacing(SPACE)
        self._steps.setColumnStretch(1, 1)
        steps.addLayout(self._steps)
        self.content.addWidget(steps_box)
        self.content.addWidget(label(self.tr("Good to know"), "section"))
        facts_box, facts = box()
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(SPACE * 3)
        self._facts.setVerticalSpacing(SPACE)
        self._facts.setColumnStretch(1, 1)
        facts.addLayout(self._facts)
        self.content.addWidget(facts_box)
        self.content.addStretch(1)
        self._start = button(self.tr("&Start"), "primary", lambda: self.chose.emit(PressStart()))
        self._start.setObjectName("start")
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)
        self.footer.add(self._start)

    def show_state(self, state: AppState) -> None:
        """Draw the plan of the chosen recipe for the chosen board."""
        recipe = next((found for found in RECIPES if found.key == state.recipe), None)
        if recipe is None:
            return
        if state.recipe != self._recipe:
            self._recipe = state.recipe
            self.title.setText(say(recipe.title))
            self._summary.setText(say(recipe.summary))
            clear(self._steps)
            for row, step in enumerate(recipe().steps()):
                self._steps.addWidget(StepMark(StepStatus.WAITING), row * 2, 0)
                self._steps.addWidget(label(say(step.title)), row * 2, 1)
                if step.detail is not None:
                    self._steps.addWidget(label(say(step.detail), "muted"), row * 2 + 1, 1)
            clear(self._facts)
            promise = recipe.promise
            self._fact(self.tr("Reads"), promise.reads)
            self._fact(self.tr("Writes"), promise.writes)
            self._fact(self.tr("Keeps"), promise.keeps)
            self._fact(self.tr("Takes"), promise.takes)
            for number, risk in enumerate(promise.risks):
                self._fact(self.tr("Could go wrong") if number == 0 else "", risk)
        fit = fit_of(recipe, state.board)
        if state.board is None:
            self._reason.setText(self.tr("The board is not there. Plug it in again; then you can start."))
        elif fit.reason is not None:
            self._reason.setText(say(fit.reason))
        self._banner.setVisible(not fit.ok)
        self._start.setEnabled(fit.ok)

    def first_focus(self) -> QWidget:
        """Start, or Back while there is no board."""
        return self._start if self._start.isEnabled() else self._back

    def _fact(self, name: str, words: Text) -> None:
        row = self._facts.rowCount()
        heading = label(name, "section")
        heading.setWordWrap(False)
        self._facts.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignTop)
        self._facts.addWidget(label(say(words)), row, 1)
