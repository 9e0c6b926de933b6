"""One small view per kind of question. The coach is for hands; the others hand back an answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.text import Text
from app.ui.pages.base import CardButton, CardGrid, TurningRow, Words, breakable, button, label
from app.ui.parts.coach_view import CoachView
from app.ui.parts.decoder_panel import DecoderPanel
from app.ui.parts.plan_view import PlanView
from app.ui.parts.watch_view import WatchView, light_of
from app.ui.parts.wifi_panel import WifiPanel
from app.ui.say import say
from app.ui.theme import SPACE
from app.work.light_decoder import LightReading
from app.work.questions import (
    Choose,
    ChooseCard,
    Confirm,
    DoThis,
    Enter,
    PickFile,
    Question,
    Review,
    TellLight,
    WatchLight,
    WifiForm,
)
from app.work.wifi_form import LookAgain

FEW_CARDS = 4
"""So many cards look better in full rows; of more, the last row may be short."""


class QuestionView(QFrame):
    """A card with a question.

    Signals:
        answered: The answer, in the form the question's class names.
    """

    answered = Signal(object)

    def __init__(self, title: str, body: str) -> None:
        super().__init__()
        self.setProperty("kind", "hero")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(SPACE * 3, SPACE * 2, SPACE * 3, SPACE * 2)
        self.column.setSpacing(SPACE + SPACE // 2)
        self.column.addWidget(label(title, "heading"))
        self.column.addWidget(label(breakable(body), "lead"))
        self._hint = label("", "warning")
        self._hint.hide()
        self.column.addWidget(self._hint)
        self.buttons = TurningRow()
        self.buttons.add_stretch()

    @property
    def pinned(self) -> QWidget | None:
        """Buttons that a page keeps in sight while the question scrolls, None when the question is short."""
        return None

    @property
    def says_no(self) -> bool:
        """Whether one of its buttons ends the run, so that Stop beside it would be the same once more."""
        return False

    @property
    def stays(self) -> bool:
        """Whether it was answered in a way that brings the same question again, and waits for that."""
        return False

    def renew(self, question: Question) -> bool:
        """Take the question that came again; False where it is another one, for which this is not the view."""
        return False

    def show_hint(self, words: str) -> None:
        """Say what was wrong or what was seen."""
        self._hint.setText(words)
        self._hint.setVisible(bool(words))

    def first_focus(self) -> QWidget | None:
        """Return the control to answer with."""
        return None


class ConfirmView(QuestionView):
    """Yes or no."""

    def __init__(self, question: Confirm) -> None:
        super().__init__(say(question.title), say(question.body))
        no = button(say(question.no), "primary" if question.risky else "", lambda: self.answered.emit(False))
        yes = button(say(question.yes), "" if question.risky else "primary", lambda: self.answered.emit(True))
        self._first = no if question.risky else yes
        for each in (yes, no) if question.risky else (no, yes):
            self.buttons.add(each)
        self.column.addWidget(self.buttons)

    def first_focus(self) -> QWidget:
        """Yes, where nothing speaks against it; the question says what it means."""
        return self._first


class ChooseView(QuestionView):
    """One of several, as radio buttons."""

    def __init__(self, question: Choose) -> None:
        super().__init__(say(question.title), say(question.body))
        self._group = QButtonGroup(self)
        for number, (_, words) in enumerate(question.options):
            option = QRadioButton()
            option.setAccessibleName(say(words))
            self._group.addButton(option, number)
            row = QHBoxLayout()
            row.setSpacing(SPACE)
            row.addWidget(option)
            row.addWidget(OptionWords(say(words), option), 1)
            self.column.addLayout(row)
        self._go = button(self.tr("Co&ntinue"), "primary", lambda: self._answer(question))
        self._go.setEnabled(False)
        self._group.idToggled.connect(lambda _id, _on: self._go.setEnabled(True))
        self.buttons.add(self._go)
        self.column.addWidget(self.buttons)

    def first_focus(self) -> QWidget | None:
        """The first option."""
        return self._group.button(0)

    def _answer(self, question: Choose) -> None:
        self.answered.emit(question.options[self._group.checkedId()][0])


class ChooseCardView(QuestionView):
    """One of several that need a sentence each, as cards; a click chooses."""

    def __init__(self, question: ChooseCard) -> None:
        super().__init__(say(question.title), say(question.body))
        self.setProperty("kind", "plain")
        self.column.setContentsMargins(0, 0, 0, 0)
        marked = any(card.mark is not None for card in question.cards)
        cards: list[QWidget] = []
        for card in question.cards:
            option = CardButton(
                breakable(say(card.title) if isinstance(card.title, Text) else card.title),
                breakable(say(card.body)),
                fits=card.fits,
                icon=card.icon,
                light=light_of(card.light) if card.light else None,
                mark=say(card.mark) if card.mark is not None else "",
                corner=marked,
            )
            option.setObjectName(f"choose-{card.key}")
            option.clicked.connect(lambda _checked=False, chosen=card.key: self.answered.emit(chosen))
            cards.append(option)
        self._first = next((option for option in cards if option.isEnabled()), None)
        grid = CardGrid(narrow=240, full_rows=len(cards) <= FEW_CARDS)
        grid.set_groups([(QWidget(), cards)])
        self.column.addWidget(grid)

    def first_focus(self) -> QWidget | None:
        """The first card that can be chosen."""
        return self._first


class OptionWords(Words):
    """The words of a radio button, which cannot wrap them itself; a click on them chooses it."""

    def __init__(self, words: str, option: QRadioButton) -> None:
        super().__init__(words)
        self._option = option

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Choose the option."""
        self._option.click()


class EnterView(QuestionView):
    """A line of text; dots when it is a secret."""

    def __init__(self, question: Enter) -> None:
        super().__init__(say(question.title), say(question.body))
        hint = say(question.hint)
        self._line = QLineEdit(question.start)
        self._line.setAcceptDrops(False)  # files dropped on it are the window's
        self._line.setAccessibleName(say(question.title))
        self._line.setAccessibleDescription(hint)
        self._line.setPlaceholderText(hint)
        if question.secret:
            self._line.setEchoMode(QLineEdit.EchoMode.Password)
        self._go = button(self.tr("Co&ntinue"), "primary", lambda: self.answered.emit(self._line.text()))
        self._go.setEnabled(bool(question.start) or question.allow_empty)
        self._line.textChanged.connect(lambda words: self._go.setEnabled(bool(words) or question.allow_empty))
        self._line.returnPressed.connect(self._go.click)
        self._line.selectAll()  # typing replaces what was there the last time
        self.column.addWidget(self._line)
        self.buttons.add(self._go)
        self.column.addWidget(self.buttons)

    def first_focus(self) -> QWidget:
        """The line."""
        return self._line


class PickFileView(QuestionView):
    """A file or folder of the person's: picked, or dropped anywhere on the window, which answers for this view."""

    def __init__(self, question: PickFile) -> None:
        super().__init__(say(question.title), say(question.body))
        folder = question.folder
        self.column.addWidget(
            label(
                self.tr("You can also drop the folder on this window.")
                if folder
                else self.tr("You can also drop the file on this window."),
                "muted",
            )
        )
        self._pick = button(
            self.tr("Choose a &folder...") if folder else self.tr("Choose a &file..."),
            "primary",
            lambda: self._ask(question),
        )
        self._pick.setObjectName("pick")
        without = self.tr("&Without a folder") if folder else self.tr("&Without a file")
        none = button(without if question.none is None else say(question.none), "", lambda: self.answered.emit(""))
        none.setObjectName("pick-none")
        self.buttons.add(none)
        self.buttons.add(self._pick)
        self.column.addWidget(self.buttons)

    def first_focus(self) -> QWidget:
        """The button that opens the dialog."""
        return self._pick

    def _ask(self, question: PickFile) -> None:
        if question.folder:
            ask_folder(self, say(question.title), None, lambda path: self.answered.emit(str(path)))
            return
        kinds = " ".join(f"*{suffix}" for suffix in question.suffixes)
        ask_file(self, say(question.title), kinds, lambda path: self.answered.emit(str(path)))


class DoThisView(QuestionView):
    """The button coach; it has no answer, USB shows when it is done."""

    def __init__(self, question: DoThis) -> None:
        super().__init__("", "")
        for part in self.findChildren(QLabel):
            part.hide()
        self.setProperty("kind", "plain")
        self.column.setContentsMargins(0, 0, 0, 0)
        self._coach = CoachView()
        self._coach.show_question(question)
        self.column.addWidget(self._coach)

    def show_hint(self, words: str) -> None:
        """Say what the coach saw."""
        if words:
            self._coach.show_hint(words)


class ReviewView(QuestionView):
    """The plan of a rescue. It may be long, so its two buttons stay in sight below it."""

    def __init__(self, question: Review) -> None:
        super().__init__(say(question.title), say(question.body))
        self.setProperty("kind", "plain")
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.addWidget(PlanView(question.plan))
        self._no = button(say(question.no), "", lambda: self.answered.emit(False))
        self._no.setObjectName("review-no")
        self._yes = button(say(question.yes), "primary", lambda: self.answered.emit(True))
        self._yes.setObjectName("review-yes")
        self.buttons.add(self._no)
        self.buttons.add(self._yes)
        self.column.addWidget(self.buttons)
        self._careful = bool(question.plan.warnings)

    @property
    def pinned(self) -> QWidget:
        """Yes and No."""
        return self.buttons

    @property
    def says_no(self) -> bool:
        """No to the plan is the end."""
        return True

    def first_focus(self) -> QWidget:
        """Yes; No where a warning wants to be read first."""
        return self._no if self._careful else self._yes


class WatchLightView(QuestionView):
    """What the light will show; ended by a button, or by itself when USB shows it."""

    def __init__(self, question: WatchLight) -> None:
        super().__init__(say(question.title), say(question.body))
        self.setProperty("kind", "plain")
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.addWidget(WatchView(question))
        self._first: QPushButton | None = None
        self._ends_by_itself = question.until is not None
        if not question.options:
            return
        options = CardGrid(narrow=240, full_rows=True)
        cards: list[QWidget] = []
        for key, words in question.options:
            option = CardButton(say(words), "")
            option.setObjectName(f"light-{key}")
            option.clicked.connect(lambda _checked=False, chosen=key: self.answered.emit(chosen))
            cards.append(option)
            self._first = self._first or option
        options.set_groups([(label(self.tr("What does the light do?"), "section"), cards)])
        self.column.addWidget(options)

    def first_focus(self) -> QWidget | None:
        """The first thing the light may do; none where an answer is the exception, so no Enter gives it unread."""
        return None if self._ends_by_itself else self._first


class TellLightView(QuestionView):
    """What the light does: the light decoder, whose reading is the answer."""

    def __init__(self, question: TellLight) -> None:
        super().__init__(say(question.title), say(question.body))
        self.setProperty("kind", "plain")
        self.column.setContentsMargins(0, 0, 0, 0)
        self._panel = DecoderPanel(question.platform, question.eras or question.platform.light_eras, starts=False)
        self.column.addWidget(self._panel)
        self._show = button(self.tr("Sho&w"), "", self._panel.go_to_answers)
        self._show.setAccessibleName(self.tr("Show what it may mean"))
        unseen = button(self.tr("I cannot see &it"), "", lambda: self.answered.emit(LightReading()))
        unseen.setObjectName("light-unseen")
        self._go = button(self.tr("Co&ntinue"), "primary", lambda: self.answered.emit(self._panel.answer()))
        self._go.setObjectName("light-go")
        others = TurningRow()  # turns alone: large words leave the samples little room
        others.add(self._show)
        others.add(unseen)
        self.buttons.add(others)
        self.buttons.add(self._go)
        self.column.addWidget(self.buttons)
        self._panel.changed.connect(self._look)
        self._panel.turned.connect(self._look)
        self._look()

    @property
    def pinned(self) -> QWidget:
        """The buttons stay in sight below the samples."""
        return self.buttons

    def first_focus(self) -> QWidget:
        """The colours."""
        return self._panel.first_focus()

    def _look(self) -> None:
        self._show.setVisible(self._panel.reading is not None and not self._panel.beside)
        self._go.setEnabled(self._panel.reading is not None)


class WifiFormView(QuestionView):
    """The networks a board is to be told; ends with all of them at once."""

    def __init__(self, question: WifiForm) -> None:
        super().__init__(say(question.title), say(question.body))
        self._panel = WifiPanel(question)
        self.column.addWidget(self._panel)
        self._more = button(self.tr("A&dd another network"), "", self._add)
        self._more.setObjectName("wifi-more")
        self._go = button(self.tr("Co&ntinue"), "primary", self._hand_on)
        self._go.setObjectName("wifi-go")
        self.buttons.add(self._more)
        self.buttons.add(self._go)
        self.column.addWidget(self.buttons)
        self._looking = False
        self._panel.wants_look.connect(self._look_again)
        self._panel.changed.connect(self._look)
        self._panel.wants_file.connect(self._ask_file)
        for line in self._panel.findChildren(QLineEdit):
            line.returnPressed.connect(self._go.click)
        self._look()

    @property
    def pinned(self) -> QWidget:
        """Both buttons: a list of networks may be long."""
        return self.buttons

    def first_focus(self) -> QWidget:
        """The list of networks."""
        return self._panel.first_focus()

    def _look(self) -> None:
        self._go.setEnabled(self._panel.whole)
        self._more.setEnabled(self._panel.can_add)

    @property
    def stays(self) -> bool:
        """While networks are looked for, with everything that was typed."""
        return self._looking

    def renew(self, question: Question) -> bool:
        """Show what was found."""
        if not isinstance(question, WifiForm):
            return False
        self._wait(looking=False)
        self._panel.renew(question)
        self._panel.first_focus().setFocus()
        return True

    def show_hint(self, words: str) -> None:
        """Say what was wrong, or that it looks around."""
        super().show_hint(words or (self.tr("Looking for networks...") if self._looking else ""))

    def _look_again(self) -> None:
        self._wait(looking=True)
        self.answered.emit(LookAgain())

    def _wait(self, *, looking: bool) -> None:
        self._looking = looking
        self._panel.setEnabled(not looking)
        self.buttons.setEnabled(not looking)
        self.show_hint("")

    def _add(self) -> None:
        if self._panel.agreed():
            self._panel.add()

    def _hand_on(self) -> None:
        if self._panel.agreed():
            # The form is emptied, which turns the button off: the focus would go to the other side of the window.
            self._panel.first_focus().setFocus()
            self.answered.emit(self._panel.answer())

    def _ask_file(self, kind: str) -> None:
        ask_file(
            self, self.tr("Choose a file"), "*.pem *.crt *.cer *.key", lambda file: self._panel.take_file(kind, file)
        )


def view_for(question: Question) -> QuestionView:
    """Return the view of this kind of question."""
    match question:
        case Confirm():
            return ConfirmView(question)
        case Choose():
            return ChooseView(question)
        case ChooseCard():
            return ChooseCardView(question)
        case Enter():
            return EnterView(question)
        case PickFile():
            return PickFileView(question)
        case DoThis():
            return DoThisView(question)
        case Review():
            return ReviewView(question)
        case WatchLight():
            return WatchLightView(question)
        case TellLight():
            return TellLightView(question)
        case WifiForm():
            return WifiFormView(question)
        case _ as missing:
            assert_never(missing)


def ask_file(parent: QWidget, title: str, kinds: str, then: Callable[[Path], None]) -> None:
    """Let the person pick a file, without a nested event loop; `then` is called only when one was picked."""
    dialog = QFileDialog(parent, title)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    if kinds:
        dialog.setNameFilter(kinds)
    _open(dialog, then)


def ask_folder(parent: QWidget, title: str, start: Path | None, then: Callable[[Path], None]) -> None:
    """Let the person pick a folder; `start` is shown first, None for where the system was last."""
    dialog = QFileDialog(parent, title, str(start) if start is not None else "")
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    _open(dialog, then)


def ask_target(parent: QWidget, title: str, suggestion: Path, then: Callable[[Path], None]) -> None:
    """Let the person name a file to be written."""
    dialog = QFileDialog(parent, title, str(suggestion.parent))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile)
    dialog.selectFile(suggestion.name)
    _open(dialog, then)


def _open(dialog: QFileDialog, then: Callable[[Path], None]) -> None:
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.finished.connect(lambda _result: dialog.deleteLater())
    dialog.open()
