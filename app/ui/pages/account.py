"""The account: which cloud server is asked, signing in and out there, and where the sign-in is kept."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QLineEdit, QRadioButton, QVBoxLayout, QWidget

from app.account_flow import AccountState
from app.clicks import (
    AccountForm,
    Back,
    GiveCode,
    GiveServer,
    GiveSignIn,
    GiveToken,
    Go,
    OpenAccountForm,
    PickServer,
    PressForgetServer,
    PressLookAgain,
    PressSignOut,
    PressStopAccount,
    Screen,
)
from app.cloud.profiles import CloudServer, Profile
from app.cloud.tokens import NOT_LOOKED_UP
from app.flow import AppState
from app.ui.pages.base import Page, TurningRow, box, button, focus_lost, has_focus, keep_in_sight, label, set_kind, wipe
from app.ui.say import announce, say
from app.ui.theme import SPACE, tokens
from app.work.events import AccountOrder, SignInState

FIELD_WIDTH = 400  # px
LONGEST = 256  # characters of a user name, a password or a code
LONGEST_TOKEN = 4096


class AccountPage(Page):
    """One card for the server, one for the sign-in. Nothing that was typed is kept longer than it is needed."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("Account"))
        self._account: AccountState | None = None
        self._profiles: object = None
        self._to_job = False  # a job's plan waits below this page
        self.content.addWidget(
            label(
                self.tr(
                    "Boards on the cable need no account. You need one for what only a cloud can do: make a board "
                    "yours, name it, give it away."
                ),
                "lead",
            )
        )
        self.content.addWidget(self._make_practice())
        self.content.addWidget(self._make_server())
        self.content.addWidget(self._make_session())
        self.content.addWidget(self._make_trouble())
        self.content.addWidget(self._make_waiting())
        self.content.addStretch(1)
        self._transfer = button(self.tr("Hand o&ver a board"), "", lambda: self.chose.emit(Go(Screen.TRANSFER)))
        self._transfer.setObjectName("account-to-transfer")
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add(self._transfer)
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Draw server and sign-in."""
        account = state.account
        before, self._account = self._account, account
        if account == before and (state.under is Screen.PLAN) is self._to_job:
            return
        had = self.isVisible() and has_focus(self)
        self._show_practice(state)
        self._to_job = state.under is Screen.PLAN
        set_kind(self._back, "primary" if self._to_job and account.signed_in else "")
        set_kind(self._boards, "" if self._to_job else "primary")
        self._show_server(account)
        self._show_forms(account, practice=state.practice)
        self._say_trouble(account, before)
        moved = before is None or self._place(before) != self._place(account)
        if had and (moved or focus_lost(self)):
            self.first_focus().setFocus()

    def first_focus(self) -> QWidget:
        """The first empty line of the form that is open, else its button."""
        lines = {
            AccountForm.SIGN_IN: (self._user, self._password),
            AccountForm.CODE: (self._code,),
            AccountForm.TOKEN: (self._token,),
            AccountForm.SERVER: (self._address, self._name),
            AccountForm.SIGN_OUT: (self._out_password,),
        }
        account = self._account
        if account is not None and account.busy is not None:
            return self._stop
        shown = [line for line in lines[account.form if account else AccountForm.SIGN_IN] if line.isVisibleTo(self)]
        for line in shown:
            if not line.text() and line.isEnabled():
                return line
        if shown and shown[0].isEnabled():
            return shown[0]
        return self._boards if self._boards.isVisibleTo(self) and not self._to_job else self._back

    # --- the server ---

    def _make_practice(self) -> QWidget:
        frame, column = box("chip", margin=1)
        self._practice_words = label("")
        column.addWidget(self._practice_words)
        self._practice_box = frame
        frame.hide()
        return frame

    def _make_server(self) -> QWidget:
        frame, column = box()
        column.addWidget(label(self.tr("Cloud server"), "card-title"))
        self._servers = QComboBox()
        self._servers.setObjectName("servers")
        self._servers.setAccessibleName(self.tr("Cloud server"))
        self._servers.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._servers.setMinimumContentsLength(12)
        self._servers.activated.connect(
            lambda index: self.chose.emit(PickServer(str(self._servers.itemData(index, Qt.ItemDataRole.UserRole))))
        )
        row = TurningRow(narrow=420)
        self._add = button(
            self.tr("&Add a server..."), "", lambda: self.chose.emit(OpenAccountForm(AccountForm.SERVER))
        )
        self._add.setObjectName("add-server")
        self._forget = button(self.tr("&Forget it"), "", lambda: self.chose.emit(PressForgetServer()))
        self._forget.setObjectName("forget-server")
        self._forget.setAccessibleName(self.tr("Forget this server and its sign-in"))
        row.add(self._servers, 1)
        row.add(self._add)
        row.add(self._forget)
        column.addWidget(row)
        self._server_words = label("", "muted")
        column.addWidget(self._server_words)
        self._open_line = label(
            self.tr(
                "It is asked without encryption (http). Whoever listens in your network could read your password: use "
                "one that you use nowhere else."
            ),
            "warning",
        )
        column.addWidget(self._open_line)
        column.addWidget(self._make_server_form())
        return frame

    def _make_server_form(self) -> QWidget:
        holder, column = self._form("form-server")
        self._address = self._line(
            column, "server-address", self.tr("Address, for example 192.168.1.10 or http://host:8080")
        )
        self._name = self._line(column, "server-name", self.tr("What you call it (may stay empty)"))
        self._local = QRadioButton(self.tr("A local cloud of your own"))
        self._like = QRadioButton(self.tr("Works like Particle's"))
        self._local.setChecked(True)
        kinds = QButtonGroup(holder)
        for choice in (self._local, self._like):
            kinds.addButton(choice)
            column.addWidget(choice)
        self._keep = button(self.tr("A&dd"), "primary", self._give_server)
        self._keep.setObjectName("give-server")
        self._address.textChanged.connect(self._look)
        for line in (self._address, self._name):
            line.returnPressed.connect(self._give_server)
        column.addWidget(self._row(self._keep, self._cancel("cancel-server")))
        self._server_form = holder
        return holder

    # --- the sign-in ---

    def _make_session(self) -> QWidget:
        self._session, column = box("hero")
        self._heading = label("", "heading")
        column.addWidget(self._heading)
        self._words = label("")
        column.addWidget(self._words)
        column.addWidget(self._make_sign_in())
        column.addWidget(self._make_code())
        column.addWidget(self._make_token())
        column.addWidget(self._make_signed_in())
        column.addWidget(self._make_sign_out())
        self._again = button(self.tr("Look a&gain"), "", lambda: self.chose.emit(PressLookAgain()))
        self._again.setObjectName("look-again")
        self._again_row = self._row(self._again)
        column.addWidget(self._again_row)
        return self._session

    def _make_trouble(self) -> QWidget:
        self._trouble, trouble = box("danger-box")
        self._cause = label("", "danger")
        self._next = label("")
        trouble.addWidget(self._cause)
        trouble.addWidget(self._next)
        return self._trouble

    def _make_waiting(self) -> QWidget:
        self._busy_words = label("", "muted")
        self._stop = button(self.tr("&Stop"), "", lambda: self.chose.emit(PressStopAccount()))
        self._stop.setObjectName("stop-account")
        self._waiting = TurningRow(narrow=260)
        self._waiting.add(self._busy_words, 1)
        self._waiting.add(self._stop)
        return self._waiting

    def _make_sign_in(self) -> QWidget:
        holder, column = self._form("form-sign-in")
        self._user = self._line(column, "user", self.tr("User name (often an e-mail address)"))
        self._password = self._line(column, "password", self.tr("Password"), secret=True)
        self._go = button(self.tr("Sign &in"), "primary", self._give_sign_in)
        self._go.setObjectName("sign-in")
        token = button(
            self.tr("Use an access &token..."), "", lambda: self.chose.emit(OpenAccountForm(AccountForm.TOKEN))
        )
        token.setObjectName("open-token")
        token.setAccessibleDescription(self.tr("Instead of user name and password"))
        for line in (self._user, self._password):
            line.textChanged.connect(self._look)
        self._user.returnPressed.connect(self._password.setFocus)
        self._password.returnPressed.connect(self._give_sign_in)
        column.addWidget(self._row(self._go, token))
        self._sign_in_form = holder
        return holder

    def _make_code(self) -> QWidget:
        holder, column = self._form("form-code")
        column.addWidget(
            label(
                self.tr(
                    "User name and password are right. This account has a second step: type the code that your "
                    "authenticator app shows for it now."
                )
            )
        )
        self._code = self._line(column, "one-time-code", self.tr("One-time code"))
        self._code.setInputMethodHints(
            Qt.InputMethodHint.ImhDigitsOnly
            | Qt.InputMethodHint.ImhSensitiveData
            | Qt.InputMethodHint.ImhNoPredictiveText
        )
        self._enter = button(self.tr("&Go on"), "primary", self._give_code)
        self._enter.setObjectName("enter-code")
        self._code.textChanged.connect(self._look)
        self._code.returnPressed.connect(self._give_code)
        column.addWidget(self._row(self._enter, self._cancel("cancel-code", self.tr("Sign in a&new"))))
        self._code_form = holder
        return holder

    def _make_token(self) -> QWidget:
        holder, column = self._form("form-token")
        column.addWidget(
            label(
                self.tr(
                    "An access token stands for a sign-in: paste one that your cloud or one of its tools made for you. "
                    "Treat it like a password."
                )
            )
        )
        self._token = self._line(column, "token", self.tr("Access token"), secret=True)
        self._token.setMaxLength(LONGEST_TOKEN)
        self._use = button(self.tr("&Use this token"), "primary", self._give_token)
        self._use.setObjectName("use-token")
        self._token.textChanged.connect(self._look)
        self._token.returnPressed.connect(self._give_token)
        column.addWidget(self._row(self._use, self._cancel("cancel-token")))
        self._token_form = holder
        return holder

    def _make_signed_in(self) -> QWidget:
        holder, column = self._form("signed-in")
        self._boards = button(self.tr("M&y boards"), "primary", lambda: self.chose.emit(Go(Screen.BOARDS)))
        self._boards.setObjectName("account-to-boards")
        self._out = button(self.tr("Sign &out"), "", lambda: self.chose.emit(PressSignOut()))
        self._out.setObjectName("sign-out")
        column.addWidget(self._row(self._boards, self._out))
        self._signed_in = holder
        return holder

    def _make_sign_out(self) -> QWidget:
        holder, column = self._form("form-sign-out")
        column.addWidget(
            label(
                self.tr(
                    "A local cloud ends a sign-in only with your password. Without it you are signed out on this "
                    "computer, and the old sign-in stays valid there until it ends by itself."
                )
            )
        )
        self._out_password = self._line(column, "sign-out-password", self.tr("Password (may stay empty)"), secret=True)
        leave = button(self.tr("Sign &out now"), "primary", self._give_sign_out)
        leave.setObjectName("sign-out-now")
        self._out_password.returnPressed.connect(self._give_sign_out)
        column.addWidget(self._row(leave, self._cancel("cancel-sign-out")))
        self._sign_out_form = holder
        return holder

    # --- drawing ---

    def _show_practice(self, state: AppState) -> None:
        self._practice_box.setVisible(state.practice)
        if state.practice and not self._practice_words.text():
            from app.practice import SIGN_IN_WORDS  # only practice needs what comes with it

            self._practice_words.setText(say(SIGN_IN_WORDS))

    def _show_server(self, account: AccountState) -> None:
        listed = (account.profiles, account.active)
        if listed != self._profiles:
            self._profiles = listed
            self._servers.clear()
            for profile in account.profiles:
                self._servers.addItem(self._server_name(profile), profile.id)
            if account.active is not None:
                self._servers.setCurrentIndex(self._servers.findData(account.active.id))
        elif account.active is not None:  # a choice that came to nothing is taken back
            self._servers.setCurrentIndex(self._servers.findData(account.active.id))
        active = account.active
        local = active is not None and active.kind is CloudServer.LOCAL
        self._server_words.setText(
            self.tr("A local cloud: it knows fewer requests than Particle's, and each server has its own accounts.")
            if local
            else self.tr("Each server has accounts of its own. The one chosen here is the one that is asked.")
        )
        self._open_line.setVisible(active is not None and not active.encrypted)
        form = account.form is AccountForm.SERVER
        self._server_form.setVisible(form)
        self._add.setVisible(not form)
        self._forget.setVisible(not form and active is not None and active.id != account.profiles[0].id)
        for part in (self._servers, self._add, self._forget):
            part.setEnabled(account.busy is None)

    def _server_name(self, profile: Profile) -> str:
        address = profile.base_url.partition("://")[2]
        return address if profile.name in (address, profile.host) else f"{profile.name} · {address}"

    def _show_forms(self, account: AccountState, *, practice: bool) -> None:
        signed_in, form, idle = account.signed_in, account.form, account.busy is None
        server = account.active.name if account.active is not None else ""
        self._session.setVisible(account.sign_in is not None and form is not AccountForm.SERVER)
        self._sign_in_form.setVisible(form is AccountForm.SIGN_IN and not signed_in)
        self._code_form.setVisible(form is AccountForm.CODE)
        self._token_form.setVisible(form is AccountForm.TOKEN)
        self._signed_in.setVisible(signed_in and form is AccountForm.SIGN_IN)
        self._sign_out_form.setVisible(form is AccountForm.SIGN_OUT)
        self._heading.setText(self._heading_words(account, server))
        words = self._kept_words(account, practice=practice)
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._again_row.setVisible(account.note == NOT_LOOKED_UP and idle)
        for holder in (
            self._server_form,
            self._sign_in_form,
            self._code_form,
            self._token_form,
            self._signed_in,
            self._sign_out_form,
        ):
            holder.setEnabled(idle)
        self._waiting.setVisible(not idle)
        self._busy_words.setText(self._waiting_words(account, server))
        for line in self.findChildren(QLineEdit):
            line.setMaximumWidth(tokens().px(FIELD_WIDTH))
        self._forget_what_was_typed(account)
        self._look()

    def _heading_words(self, account: AccountState, server: str) -> str:
        if account.signed_in:
            if account.user:
                return self.tr("Signed in at {server} as {user}").format(server=server, user=account.user)
            return self.tr("Signed in at {server}").format(server=server)
        if account.form is AccountForm.CODE:
            return self.tr("One-time code")
        if account.sign_in is SignInState.OVER:
            return self.tr("Your sign-in at {server} is over").format(server=server)
        return self.tr("Sign in at {server}").format(server=server)

    def _kept_words(self, account: AccountState, *, practice: bool) -> str:
        if account.note is not None:
            return say(account.note)
        if account.signed_in and practice:
            return self.tr("A sign-in of practice ends with the program.")
        if account.signed_in:
            return self.tr("The sign-in is kept in this computer's store for passwords. Your password is not kept.")
        if account.sign_in is SignInState.OVER:
            return self.tr("It was too old, or it was ended elsewhere. Nothing on your boards has changed.")
        return ""

    def _waiting_words(self, account: AccountState, server: str) -> str:
        match account.busy:
            case AccountOrder.SIGN_IN | AccountOrder.CODE | AccountOrder.TOKEN:
                return self.tr("Signing in at {server}...").format(server=server)
            case AccountOrder.SIGN_OUT:
                return self.tr("Signing out...")
            case _:
                return self.tr("One moment...")

    def _say_trouble(self, account: AccountState, before: AccountState | None) -> None:
        trouble = account.trouble
        self._trouble.setVisible(trouble is not None)
        if trouble is not None:
            self._cause.setText(say(trouble.cause))
            self._next.setText(say(trouble.next_step))
            if before is None or before.trouble is not trouble:
                # Below the form: in a small window it would be out of sight, and only an emptied line would show.
                QTimer.singleShot(0, self, lambda: keep_in_sight(self._trouble))
                announce(self, f"{say(trouble.cause)} {say(trouble.next_step)}")
        if before is not None and before.sign_in is not account.sign_in and account.sign_in is not None:
            announce(self, self._heading.text())

    def _forget_what_was_typed(self, account: AccountState) -> None:
        """A form that has closed holds nothing any more; a user name stays for another try."""
        if account.signed_in:
            wipe(self._user)
        for form, lines in (
            (AccountForm.SIGN_IN, (self._password,)),
            (AccountForm.CODE, (self._code,)),
            (AccountForm.TOKEN, (self._token,)),
            (AccountForm.SERVER, (self._address, self._name)),
            (AccountForm.SIGN_OUT, (self._out_password,)),
        ):
            if account.form is not form or (form is AccountForm.SIGN_IN and account.signed_in):
                for line in lines:
                    wipe(line)

    def hideEvent(self, event: QHideEvent) -> None:
        """Whoever goes to another page leaves no secret behind in a line."""
        for line in (self._password, self._code, self._token, self._out_password):
            wipe(line)
        super().hideEvent(event)

    # --- giving ---

    def _look(self) -> None:
        """Let only a complete form be given."""
        self._go.setEnabled(bool(self._user.text().strip()) and bool(self._password.text()))
        self._enter.setEnabled(bool(self._code.text().strip()))
        self._use.setEnabled(bool(self._token.text().strip()))
        self._keep.setEnabled(bool(self._address.text().strip()))

    def _give_sign_in(self) -> None:
        user, password = self._user.text(), self._password.text()
        if not self._go.isEnabled():
            (self._user if not user.strip() else self._password).setFocus()
            return
        wipe(self._password)
        self.chose.emit(GiveSignIn(user, password))

    def _give_code(self) -> None:
        code = self._code.text()
        if code.strip():
            wipe(self._code)
            self.chose.emit(GiveCode(code))

    def _give_token(self) -> None:
        words = self._token.text()
        if words.strip():
            wipe(self._token)
            self.chose.emit(GiveToken(words))

    def _give_sign_out(self) -> None:
        password = self._out_password.text()
        wipe(self._out_password)
        self.chose.emit(PressSignOut(password))

    def _give_server(self) -> None:
        if self._address.text().strip():
            kind = CloudServer.LOCAL if self._local.isChecked() else CloudServer.PARTICLE
            self.chose.emit(GiveServer(self._address.text().strip(), self._name.text().strip(), kind))

    # --- small parts ---

    def _place(self, account: AccountState) -> object:
        """What the keyboard's place depends on."""
        return account.form, account.busy, account.sign_in, account.active and account.active.id

    def _form(self, name: str) -> tuple[QWidget, QVBoxLayout]:
        holder = QWidget()
        holder.setObjectName(name)
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, SPACE // 2, 0, 0)
        column.setSpacing(SPACE)
        return holder, column

    def _row(self, *controls: QWidget) -> TurningRow:
        row = TurningRow()
        for control in controls:
            row.add(control)
        row.add_stretch()
        return row

    def _cancel(self, name: str, words: str = "") -> QWidget:
        made = button(words or self.tr("Ca&ncel"), "", lambda: self.chose.emit(OpenAccountForm(AccountForm.SIGN_IN)))
        made.setObjectName(name)
        return made

    def _line(self, column: QVBoxLayout, name: str, words: str, *, secret: bool = False) -> QLineEdit:
        line = QLineEdit()
        heading = label(words)
        heading.setBuddy(line)
        column.addWidget(heading)
        column.addWidget(line)
        line.setAcceptDrops(False)  # files dropped on it are the window's
        line.setObjectName(name)
        if secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
        line.setMaxLength(LONGEST)
        line.setAccessibleName(words)
        return line
