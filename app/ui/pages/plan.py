"""The plan: what a run will do, read, write and keep, before it starts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.clicks import Back, Go, PressStart, Screen
from app.firmware.pack import pack_file
from app.flow import AppState, StepStatus
from app.recipes.base import Promise
from app.recipes.registry import known
from app.ui.pages.base import Page, StepMark, TurningRow, box, button, clear, label, set_kind
from app.ui.pages.home import fit_of
from app.ui.pages.pack import what
from app.ui.say import announce, say
from app.ui.theme import SPACE


class PlanPage(Page):
    """Steps and promises of one recipe, and the button that starts it."""

    def __init__(self) -> None:
        super().__init__("")
        self._recipe = ""
        self._told: object = None  # what the facts say of the rescue pack
        self._summary = label("", "lead")
        self.content.addWidget(self._summary)
        self._banner, banner = box("warning-box")
        self._reason = label("", "warning")
        banner.addWidget(self._reason)
        self.content.addWidget(self._banner)
        self.content.addWidget(self._make_lacking())
        self.content.addWidget(self._make_stranger())
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
        recipe = known(state.recipe)
        if recipe is None:
            return
        fresh = state.recipe != self._recipe
        if fresh:
            self._recipe = state.recipe
            self.title.setText(say(recipe.title))
            self._summary.setText(say(recipe.summary))
            clear(self._steps)
            for row, step in enumerate(recipe().steps()):
                self._steps.addWidget(StepMark(StepStatus.WAITING), row * 2, 0)
                self._steps.addWidget(label(say(step.title)), row * 2, 1)
                if step.detail is not None:
                    self._steps.addWidget(label(say(step.detail), "muted"), row * 2 + 1, 1)
        fit = fit_of(recipe, state.board)
        if fresh or state.board is not None:  # a board that is away for a moment needs what it needed
            needs = recipe.needs_files(state.board) if state.board is not None and fit.ok else ()
            missing = tuple(item.file.name for item in state.lacking if item.file.name in needs)
            told = (state.recipe, needs, missing, state.pack is None)
            if told != self._told:
                self._told = told
                self._show_facts(recipe.promise, "" if state.pack is None else self._files_words(needs, missing))
                self._show_lacking(needs, missing)
        if state.board is None:
            self._reason.setText(self.tr("The board is not there. Plug it in again; then you can start."))
        elif fit.reason is not None:
            self._reason.setText(say(fit.reason))
        self._banner.setVisible(not fit.ok)
        stranger = recipe.needs_account and not state.account.signed_in
        self._show_stranger(state, stranger=stranger)
        self._start.setEnabled(fit.ok and not stranger)

    def first_focus(self) -> QWidget:
        """Get what is missing; else Start, or Back while there is no board."""
        if self._lacking.isVisibleTo(self):
            return self._get
        if self._stranger.isVisibleTo(self):
            return self._sign_in
        return self._start if self._start.isEnabled() else self._back

    def _make_lacking(self) -> QWidget:
        self._lacking, column = box("warning-box")
        self._lacking.setObjectName("files-missing")
        self._lacking_words = label("", "warning")
        self._get = button(self.tr("&Get them..."), "primary", lambda: self.chose.emit(Go(Screen.PACK)))
        self._get.setObjectName("get-files")
        self._get.setAccessibleDescription(self.tr("Opens the rescue pack"))
        row = TurningRow(narrow=420)
        row.add(self._lacking_words, 1)
        row.add(self._get)
        column.addWidget(row)
        self._lacking.hide()
        return self._lacking

    def _make_stranger(self) -> QWidget:
        self._stranger, column = box("warning-box")
        self._stranger.setObjectName("sign-in-first")
        self._stranger_words = label("", "warning")
        self._sign_in = button(self.tr("Sign &in..."), "primary", lambda: self.chose.emit(Go(Screen.ACCOUNT)))
        self._sign_in.setObjectName("plan-to-account")
        row = TurningRow(narrow=420)
        row.add(self._stranger_words, 1)
        row.add(self._sign_in)
        column.addWidget(row)
        self._stranger.hide()
        return self._stranger

    def _show_stranger(self, state: AppState, *, stranger: bool) -> None:
        active = state.account.active
        self._stranger_words.setText(
            self.tr("This asks a cloud, and you are not signed in at {server}.").format(
                server=active.name if active is not None else self.tr("any")
            )
        )
        self._stranger.setVisible(stranger)

    def _show_lacking(self, needs: tuple[str, ...], missing: tuple[str, ...]) -> None:
        words = self.tr("{number} of the {all} firmware files for this are missing or damaged.")
        if len(needs) == 1:
            words = self.tr("The firmware file for this is missing or damaged.")
        elif len(missing) == 1:
            words = self.tr("One of the {all} firmware files for this is missing or damaged.")
        self._lacking_words.setText(words.format(number=len(missing), all=len(needs)))
        if missing and self._lacking.isHidden():
            announce(self, self._lacking_words.text())
        self._lacking.setVisible(bool(missing))
        set_kind(self._start, "" if missing else "primary")  # one thing stands out

    def _files_words(self, needs: tuple[str, ...], missing: tuple[str, ...]) -> str:
        """Say which files a run needs and whether they are here; "" when it needs none."""
        if not needs:
            return ""
        names = "; ".join(what(pack_file(name).title) for name in needs)
        if not missing:
            return self.tr("From the rescue pack: {files}. All here.").format(files=names)
        if len(missing) == len(needs):
            return self.tr("From the rescue pack: {files}.").format(files=names)
        lacking = "; ".join(what(pack_file(name).title) for name in missing)
        return self.tr("From the rescue pack: {files}. Not here: {missing}.").format(files=names, missing=lacking)

    def _show_facts(self, promise: Promise, files: str) -> None:
        clear(self._facts)
        self._fact(self.tr("Reads"), say(promise.reads))
        self._fact(self.tr("Writes"), say(promise.writes))
        self._fact(self.tr("Keeps"), say(promise.keeps))
        self._fact(self.tr("Takes"), say(promise.takes))
        if files:
            self._fact(self.tr("Needs"), files)
        for number, risk in enumerate(promise.risks):
            self._fact(self.tr("Could go wrong") if number == 0 else "", say(risk))

    def _fact(self, name: str, words: str) -> None:
        row = self._facts.rowCount()
        heading = label(name, "section")
        heading.setWordWrap(False)
        self._facts.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignTop)
        self._facts.addWidget(label(words), row, 1)
