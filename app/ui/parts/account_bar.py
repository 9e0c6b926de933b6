"""The line above every page: which cloud server is asked and who is signed in there, and the way to the boards."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy

from app.account_flow import AccountState
from app.clicks import Go, Screen
from app.flow import AppState
from app.ui.pages.base import button
from app.ui.theme import SPACE, tokens
from app.work.events import SignInState

LEAST = 72  # px at text scale 1.0 that are left of a long name


class AccountBar(QFrame):
    """Hidden until the server is known, which is before anything could be asked of it.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "account-bar")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE * 4 - 5, SPACE // 2, SPACE * 4 - 5, SPACE // 2)
        row.setSpacing(SPACE)
        self._who = CutButton()
        self._who.setProperty("kind", "link")
        self._who.setObjectName("open-account")
        self._who.clicked.connect(lambda: self.chose.emit(Go(Screen.ACCOUNT)))
        boards = button(self.tr("My boards"), "link", lambda: self.chose.emit(Go(Screen.BOARDS)))
        boards.setObjectName("open-boards")
        boards.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        boards.setAccessibleDescription(self.tr("The boards of your account in the cloud"))
        row.addWidget(self._who)
        row.addStretch(1)
        row.addWidget(boards)
        self.hide()

    def show_state(self, state: AppState) -> None:
        """Say which server and who."""
        account = state.account
        self.setVisible(account.active is not None)
        if account.active is not None:
            self._who.set_words(self._words(account, account.active.name))
            told = self.tr("Cloud server and sign-in: {words}").format(words=self._words(account, account.active.name))
            self._who.setAccessibleName(told)
            self._who.setToolTip(account.active.base_url)

    def _words(self, account: AccountState, server: str) -> str:
        match account.sign_in:
            case None:
                who = self.tr("looking...")
            case SignInState.IN:
                who = account.user or self.tr("signed in")
            case SignInState.OVER:
                who = self.tr("sign-in is over")
            case SignInState.OUT:
                who = self.tr("not signed in")
        return f"{server} · {who}"


class CutButton(QPushButton):
    """A button whose words are cut where there is no room; its accessible name and its page say them whole."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self.setAutoDefault(True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_words(self, words: str) -> None:
        """Show these words."""
        if words != self._words:
            self._words = words
            self.updateGeometry()
            self._cut()

    def sizeHint(self) -> QSize:
        """As wide as all the words."""
        shown = super().sizeHint()
        lacking = self.fontMetrics().horizontalAdvance(self._words) - self.fontMetrics().horizontalAdvance(self.text())
        return QSize(shown.width() + lacking + SPACE, shown.height())

    def minimumSizeHint(self) -> QSize:
        """The words can be cut."""
        return QSize(min(tokens().px(LEAST), self.sizeHint().width()), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut them to the room there is."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        room = max(0, self.width() - SPACE * 2)
        cut = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideMiddle, room)
        if cut != self.text():
            self.setText(cut)
