"""The end of a run: what happened, what was found, what was kept where, what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app import paths
from app.account_faults import (
    CloudConflict,
    CloudSilentMaybeDone,
    CloudTroubleMaybeDone,
    NotSignedIn,
    NotYetYours,
    TokenRefused,
)
from app.clicks import Go, PickCloudBoard, PickRecipe, PressRetry, PressSaveDocument, PressSaveReport, Screen
from app.faults import DriverMissing, NothingKept
from app.flow import AppState, RunState, StepStatus
from app.recipes.registry import known, recipe
from app.recipes.save_board import SaveBoard
from app.text import Text
from app.ui.pages.base import (
    CardButton,
    CardGrid,
    CopyButton,
    Page,
    StepMark,
    TurningRow,
    box,
    breakable,
    button,
    clear,
    label,
    mono_lines,
    set_kind,
)
from app.ui.parts.document_box import DocumentBox
from app.ui.parts.fold import Fold
from app.ui.parts.plan_view import warning_box
from app.ui.parts.qr import QrView
from app.ui.parts.xray_view import HEALTH_STATES, SlotMark, VerdictView, XrayView
from app.ui.questions import ask_target
from app.ui.say import announce, number, say
from app.ui.settings import Settings
from app.ui.theme import SPACE, tokens
from app.undo.board_name import Match
from app.undo.rescue import InterruptedRescue
from app.work.board import match
from app.work.events import Document, Fact, Failed, Stopped, Succeeded
from app.work.plan import Health, SlotState

NAME_LEAST, NAME_WIDTH = 130, 190
"""How wide the names of what was found must and may be: px at text scale 1.0."""
LARGE = 1.5
"""From this text scale on they stand above what was found."""
LOOK_AT_THE_LIST = (CloudSilentMaybeDone.code, CloudTroubleMaybeDone.code, CloudConflict.code, NotYetYours.code)
"""After these a person is told to look at the list of their boards."""
FEW_FILES = 2
"""No more names than this are shown at once; what is kept of a board before a rescue is many files."""


class ResultPage(Page):
    """How the last run ended.

    Signals:
        show_file: A file or folder is to be shown in the system's file manager.
    """

    show_file = Signal(QUrl)

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self._settings = settings
        self._run: RunState | None = None
        self._interrupted = False
        self._next: QWidget | None = None
        self._body = QVBoxLayout()
        self._body.setSpacing(SPACE * 2)
        self.content.addLayout(self._body)
        self._details = mono_lines(self.tr("Details"))
        self._details.hide()
        self.content.addWidget(self._details)
        self.content.addStretch(1)
        self._fold = button(self.tr("Det&ails"))
        self._fold.setCheckable(True)
        self._fold.toggled.connect(self._details.setVisible)
        self._report = button(self.tr("Save &report..."), "", self._ask_report)
        self._retry = button(self.tr("&Try again"), "", lambda: self.chose.emit(PressRetry()))
        self._retry.setObjectName("retry")
        self._done = button(self.tr("D&one"), "primary", lambda: self.chose.emit(Go(Screen.HOME)))
        self._done.setObjectName("done")
        self.footer.add(self._fold)
        self.footer.add_stretch()
        self.footer.add(self._report)
        self.footer.add(self._retry)
        self.footer.add(self._done)

    def show_state(self, state: AppState) -> None:
        """Draw the end of the last run."""
        run = state.run
        if run is None or run.end is None:
            return
        interrupted = not isinstance(run.end, Succeeded) and any(_is_of(rescue, run) for rescue in state.rescues)
        if run is self._run and interrupted == self._interrupted:  # that it can be finished is heard after the end
            return
        self._run = run
        self._interrupted = interrupted
        self._next = None
        clear(self._body)
        self._fold.setChecked(False)
        self._details.setPlainText("\n".join(say(words) for words in run.notes))
        failed = isinstance(run.end, Failed)
        self._report.setVisible(failed)
        self._retry.setVisible(isinstance(run.end, Stopped) or (isinstance(run.end, Failed) and run.end.retryable))
        retry = self._retry.isVisibleTo(self)
        set_kind(self._retry, "primary" if retry else "")
        set_kind(self._done, "" if retry else "primary")
        self.title.setText(say(run.title if run.title is not None else recipe(run.recipe).title))
        match run.end:
            case Succeeded():
                self._show_success(run.end)
            case Stopped():
                self._show_stopped(run.end)
            case Failed():
                self._show_failure(run.end)
            case _ as missing:
                assert_never(missing)
        if interrupted:
            self._body.addWidget(
                label(
                    self.tr(
                        "Nothing is lost: what was on the board is kept. The first page offers to finish this, or to "
                        "put back what was there."
                    ),
                    "lead",
                )
            )
        self.scroller.verticalScrollBar().setValue(0)

    def first_focus(self) -> QWidget:
        """The recipe to go on with, or Try again when that makes sense, else Done."""
        if self._next is not None:
            return self._next
        return self._retry if self._retry.isVisibleTo(self) else self._done

    def _head(self, sign: StepStatus | SlotState, words: str) -> None:
        row = QHBoxLayout()
        row.setSpacing(SPACE + SPACE // 2)
        mark = StepMark(sign) if isinstance(sign, StepStatus) else SlotMark(sign)
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label(breakable(words), "heading"), 1)
        self._body.addLayout(row)
        announce(self, words)

    def _show_success(self, end: Succeeded) -> None:
        outcome = end.outcome
        health = outcome.xray.verdict.health if outcome.xray is not None else Health.NOTHING_WRONG
        sick = health in (Health.OVER_USB, Health.OTHER_TOOL)  # a tick before "something is wrong" would mislead
        done = SlotState.UNKNOWN if outcome.unfinished else StepStatus.DONE
        self._head(HEALTH_STATES[health] if sick else done, say(outcome.summary))
        told = outcome.xray.verdict.reasons if outcome.xray is not None else ()
        for warning in outcome.warnings:
            if warning not in told:
                self._body.addWidget(warning_box(say(warning)))
        if outcome.xray is not None and outcome.xray.verdict.reasons:
            self._body.addWidget(VerdictView(outcome.xray.verdict, reasons_only=True))
        self._section(self.tr("What to do next"), outcome.next_steps)
        self._show_documents(each for each in outcome.documents if not each.aside)
        self._show_next(outcome.next_recipes)
        self._show_way_to_boards(outcome.facts)
        if outcome.xray is not None:
            self._body.addWidget(Fold(self.tr("What is on the board now"), XrayView(outcome.xray)))
        if outcome.kept:
            self._show_kept(outcome.kept)
        if outcome.facts:
            self._show_facts(outcome.facts)
        self._show_documents(each for each in outcome.documents if each.aside)

    def _show_documents(self, documents: Iterable[Document]) -> None:
        for document in documents:
            shown = DocumentBox(document)
            shown.save.connect(self._ask_document)
            self._body.addWidget(shown)

    def _show_next(self, keys: tuple[str, ...]) -> None:
        """Offer the recipes to go on with, the best first. Whether one fits the board now is said on its plan page."""
        cards: list[QWidget] = []
        for key in keys:
            if (found := known(key)) is not None:
                card = CardButton(say(found.title), say(found.summary), icon=key)
                card.setObjectName(f"next-{key}")
                card.clicked.connect(lambda _checked=False, chosen=key: self.chose.emit(PickRecipe(chosen)))
                cards.append(card)
        if not cards:
            return
        self._next = cards[0]
        grid = CardGrid(widest=2, narrow=240)
        grid.set_groups([(label(self.tr("Go on with"), "section"), cards)])
        self._body.addWidget(grid)
        set_kind(self._done, "")

    def _show_way_to_boards(self, facts: tuple[Fact, ...]) -> None:
        """After something was done at a cloud: the way to its list, with this board chosen if it is in there."""
        done = known(self._run.recipe) if self._run is not None else None
        if done is None or not done.needs_account:
            return
        device_id = next((fact.value for fact in facts if fact.key == "device-id"), "")
        boards = button(self.tr("My &boards"), "", lambda: self._go_to_boards(str(device_id)))
        boards.setObjectName("result-to-boards")
        self._body.addWidget(_at_the_left(boards))
        if self._next is None:
            self._next = boards

    def _go_to_boards(self, device_id: str = "") -> None:
        if device_id:
            self.chose.emit(PickCloudBoard(device_id))
        self.chose.emit(Go(Screen.BOARDS))

    def _show_facts(self, facts: tuple[Fact, ...]) -> None:
        self._body.addWidget(label(self.tr("What was found"), "section"))
        frame, column = box()
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, SPACE, 0)
        grid.setHorizontalSpacing(SPACE * 2)
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        large = tokens().scale >= LARGE
        if large:
            grid.setColumnStretch(0, 1)
        names = 0
        for place, fact in enumerate(facts):
            value = say(fact.value) if isinstance(fact.value, Text) else fact.value
            heading = label(say(fact.label), "section")
            if large:  # each name above its value
                row, at = 2 * place + 1, 0
                grid.addWidget(heading, row - 1, 0, 1, 3)
            else:
                row, at = place, 1
                # One long name must not squeeze all values, nor a long value the names.
                heading.setMaximumWidth(tokens().px(NAME_WIDTH))
                heading.ensurePolished()
                natural = heading.fontMetrics().horizontalAdvance(heading.text()) + SPACE
                names = max(names, min(natural, tokens().px(NAME_LEAST)))
                grid.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignTop)
            broken = breakable(value)
            # What was given places to break is not for marking: they would be copied, too.
            shown = label(broken, "mono") if fact.copy else label(broken, selectable=broken == value)
            grid.addWidget(shown, row, at, 1, 2 - at, Qt.AlignmentFlag.AlignTop)
            if fact.copy:
                grid.addWidget(CopyButton(value, say(fact.label)), row, 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnMinimumWidth(0, names)
        grid.setRowStretch(2 * len(facts), 1)
        line = TurningRow(narrow=560)
        line.add(table, 1)
        code = next((fact for fact in facts if fact.qr), None)
        if code is not None:
            picture = QrView()
            picture.show_text(say(code.value) if isinstance(code.value, Text) else code.value)
            line.add(picture)
        column.addWidget(line)
        self._body.addWidget(frame)

    def _show_kept(self, kept: tuple[str, ...]) -> None:
        self._body.addWidget(label(self.tr("What was kept, and where"), "section"))
        frame, column = box()
        folder = Path(kept[0]).parent
        column.addWidget(label(breakable(str(folder)), "muted"))
        names = QWidget()
        lines = QVBoxLayout(names)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(SPACE // 2)
        for path in kept:
            lines.addWidget(label(breakable(Path(path).name)))
        if len(kept) > FEW_FILES:
            column.addWidget(Fold(self.tr("{number} files").format(number=number(len(kept))), names))
        else:
            column.addWidget(names)
        row = TurningRow()
        row.add(button(self.tr("Show in &folder"), "", lambda: self.show_file.emit(QUrl.fromLocalFile(str(folder)))))
        safes = (paths.key_safe_folder(practice=False), paths.key_safe_folder(practice=True))
        if any(folder.is_relative_to(safe) for safe in safes):
            row.add(button(self.tr("Open the key safe"), "", lambda: self.chose.emit(Go(Screen.SAFE))))
        row.add_stretch()
        column.addWidget(row)
        self._body.addWidget(frame)

    def _show_stopped(self, end: Stopped) -> None:
        self._head(StepStatus.SKIPPED, self.tr("You stopped it."))
        words = (
            self.tr("Some things on the board were changed already. Run it again to finish.")
            if end.changed
            else self.tr("Nothing has been changed on the board.")
        )
        self._body.addWidget(label(words, "lead"))

    def _show_failure(self, end: Failed) -> None:
        self._head(StepStatus.BROKEN, say(end.cause))
        frame, column = box("danger-box")
        column.addWidget(label(self.tr("What to do now"), "section"))
        column.addWidget(label(say(end.next_step), "lead", selectable=True))
        if end.code.startswith("pack."):
            pack = button(self.tr("Open the rescue pack"), "", lambda: self.chose.emit(Go(Screen.PACK)))
            pack.setObjectName("open-pack-from-fault")
            column.addWidget(_at_the_left(pack))
        elif end.code in (NotSignedIn.code, TokenRefused.code):
            sign_in = button(self.tr("Sign in..."), "", lambda: self.chose.emit(Go(Screen.ACCOUNT)))
            sign_in.setObjectName("sign-in-from-fault")
            column.addWidget(_at_the_left(sign_in))
        elif end.code in LOOK_AT_THE_LIST:
            boards = button(self.tr("My boards"), "", self._go_to_boards)
            boards.setObjectName("boards-from-fault")
            column.addWidget(_at_the_left(boards))
        elif end.code == DriverMissing.code:
            driver = button(self.tr("Fix the dri&ver"), "", lambda: self.chose.emit(Go(Screen.DRIVER)))
            driver.setObjectName("driver-from-fault")
            column.addWidget(_at_the_left(driver))
        elif end.code == NothingKept.code:
            save = button(say(SaveBoard.title), "", lambda: self.chose.emit(PickRecipe(SaveBoard.key)))
            save.setObjectName("save-board-from-fault")
            column.addWidget(_at_the_left(save))
        self._body.addWidget(frame)
        self._details.appendPlainText(end.code)
        if end.detail:
            self._details.appendPlainText(end.detail)

    def _section(self, heading: str, lines: tuple[Text, ...]) -> None:
        if not lines:
            return
        self._body.addWidget(label(heading, "section"))
        for words in lines:
            self._body.addWidget(label(say(words), "lead", selectable=True))

    def _ask_document(self, document: Document) -> None:
        suggestion = self._settings.last_folder / Path(document.file_name).name
        ask_target(self, self.tr("Save as"), suggestion, lambda target: self._save_document(document, target))

    def _save_document(self, document: Document, target: Path) -> None:
        self._settings.last_folder = target.parent
        self.chose.emit(PressSaveDocument(document, target))

    def _ask_report(self) -> None:
        name = f"rekindle-report-{datetime.now().astimezone():%Y-%m-%d-%H%M}.zip"
        ask_target(self, self.tr("Save report"), self._settings.last_folder / name, self._report_to)

    def _report_to(self, target: Path) -> None:
        self._settings.last_folder = target.parent
        self.chose.emit(PressSaveReport(target))


def _is_of(rescue: InterruptedRescue, run: RunState) -> bool:
    """Whether an interrupted rescue is what is left of this run: the same recipe, perhaps on this board."""
    return rescue.recipe == run.recipe and match(rescue.board, run.board) is not Match.NO


def _at_the_left(control: QPushButton) -> QWidget:
    row = TurningRow()
    row.add(control)
    row.add_stretch()
    return row
