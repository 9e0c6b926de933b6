"""My boards: what the account has in the cloud, which one is on the desk, and what can be done with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from app.account_flow import AccountState, names_board, shown_name
from app.clicks import (
    Back,
    BoardForm,
    ConfirmRelease,
    GiveBoardName,
    Go,
    OpenBoardForm,
    PickCloudBoard,
    PickRecipe,
    PressBlink,
    PressListBoards,
    PressStopAccount,
    Screen,
)
from app.flow import AppState
from app.recipes.base import Fit
from app.recipes.registry import known
from app.ui.pages.base import (
    CopyButton,
    Page,
    TurningRow,
    box,
    breakable,
    button,
    focus_lost,
    has_focus,
    keep_in_sight,
    label,
)
from app.ui.parts.board_list import (
    BoardList,
    BoardModel,
    Sorting,
    count_words,
    heard_words,
    kind_words,
    state_words,
)
from app.ui.say import announce, day_and_time, say
from app.ui.theme import SPACE, tokens
from app.work.events import AccountFailed, SignInState

if TYPE_CHECKING:
    from app.cloud.client import CloudBoard
    from app.work.board import Board

CLAIM = "claim-board"
READ_ID = "read-id"
LONGEST_NAME = 60  # characters
FILTER_MS = 60
"""A filter waits so long for the next letter; a hundredth part of what a person would notice as slow."""
LIST_HEIGHT = 176  # px, the least
FIELD_WIDTH = 400  # px


class MyBoardsPage(Page):
    """List above, the chosen board below it. The order and the filter are how the page looks, no part of the state."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("My boards"))
        self._account: AccountState | None = None
        self._desk_shown: object = None
        self._claims: Board | None = None
        self._detail_of: object = None
        self._spoken: object = None
        self._model = BoardModel(self)
        self.content.addWidget(self._make_desk())
        self.content.addWidget(self._make_stranger())
        self.content.addWidget(self._make_trouble())
        self._tools = self._make_tools()
        self.content.addWidget(self._tools)
        self._list = BoardList(self._model, self.tr("Boards of your account"))
        self._list.picked.connect(lambda device_id: self.chose.emit(PickCloudBoard(device_id)))
        self._list.opened.connect(lambda _device_id: self._enter())
        self._list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.content.addWidget(self._list, 1)
        self._nothing = self._make_nothing()
        self.content.addWidget(self._nothing)
        self.content.addWidget(self._make_detail())
        self._filler = QWidget()
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.content.addWidget(self._filler)
        self._make_footer()

    def show_state(self, state: AppState) -> None:
        """Draw the list, the board on the desk and the chosen one."""
        account = state.account
        before, self._account = self._account, account
        had = self.isVisible() and has_focus(self)
        came = before is not None and before.boards is None and bool(account.boards)
        self._show_desk(state)
        if account != before:
            self._show_stranger(account)
            self._show_list(account)
            self._show_list_trouble(account)
            self._show_detail(account, before)
        if had and (focus_lost(self) or (came and self._back.hasFocus())):
            self.first_focus().setFocus()

    def first_focus(self) -> QWidget:
        """What is asked first: an open form, signing in, the list."""
        for wanted in (self._name, self._typed, self._sign_in, self._again, self._list_now):
            if wanted.isVisibleTo(self) and wanted.isEnabled():
                return wanted
        if self._list.isVisibleTo(self):
            return self._list
        return self._back

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed to confirm is forgotten."""
        self._typed.clear()
        super().hideEvent(event)

    # --- making ---

    def _make_desk(self) -> QWidget:
        self._desk, column = box("chip", margin=1)
        row = TurningRow(narrow=440)
        row.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        self._desk_words = label("")
        self._desk_act = button("", "", self._act_on_desk)
        self._desk_act.setObjectName("desk-board")
        row.add(self._desk_words, 1)
        row.add(self._desk_act)
        column.addWidget(row)
        return self._desk

    def _make_stranger(self) -> QWidget:
        self._stranger, column = box("hero")
        self._stranger_words = label("", "heading")
        column.addWidget(self._stranger_words)
        column.addWidget(
            label(self.tr("Your boards are listed as soon as you are. Boards on the cable need no account."))
        )
        self._sign_in = button(self.tr("Sign &in..."), "primary", lambda: self.chose.emit(Go(Screen.ACCOUNT)))
        self._sign_in.setObjectName("boards-to-account")
        row = TurningRow()
        row.add(self._sign_in)
        row.add_stretch()
        column.addWidget(row)
        return self._stranger

    def _make_trouble(self) -> QWidget:
        self._trouble, column = box("danger-box")
        self._cause = label("", "danger")
        self._next = label("")
        column.addWidget(self._cause)
        column.addWidget(self._next)
        self._again = button(self.tr("Try a&gain"), "", lambda: self.chose.emit(PressListBoards()))
        self._again.setObjectName("list-again")
        row = TurningRow()
        row.add(self._again)
        row.add_stretch()
        column.addWidget(row)
        self._trouble.hide()
        return self._trouble

    def _make_tools(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self._filter = QLineEdit()
        self._filter.setObjectName("board-filter")
        self._filter.setAcceptDrops(False)
        self._filter.setClearButtonEnabled(True)
        self._filter.setPlaceholderText(self.tr("Find by name, ID, kind or state"))
        self._filter.setAccessibleName(self.tr("Find a board by name, ID, kind or state"))
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(FILTER_MS)
        self._wait.timeout.connect(self._find)
        self._filter.textChanged.connect(lambda _words: self._wait.start())
        self._filter.returnPressed.connect(self._find_now)
        self._order = QComboBox()
        self._order.setObjectName("board-order")
        self._order.setAccessibleName(self.tr("Order"))
        for sorting, words in (
            (Sorting.NAME, self.tr("By name")),
            (Sorting.ONLINE, self.tr("Online first")),
            (Sorting.HEARD, self.tr("Heard of last")),
            (Sorting.ID, self.tr("By ID")),
        ):
            self._order.addItem(words, sorting)
        self._order.currentIndexChanged.connect(lambda _index: self._sort())
        self._refresh = button(self.tr("Re&fresh"), "", lambda: self.chose.emit(PressListBoards()))
        self._refresh.setObjectName("refresh-boards")
        row = TurningRow(narrow=430)
        row.add(self._filter, 1)
        both = QWidget()
        beside = QHBoxLayout(both)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(SPACE)
        beside.addWidget(self._order, 1)
        beside.addWidget(self._refresh)
        row.add(both)
        column.addWidget(row)
        self._count = label("", "muted")
        column.addWidget(self._count)
        return holder

    def _make_nothing(self) -> QWidget:
        frame, column = box()
        self._nothing_words = label("", "strong")
        self._nothing_more = label("", "muted")
        column.addWidget(self._nothing_words)
        column.addWidget(self._nothing_more)
        self._stop = button(self.tr("&Stop"), "", lambda: self.chose.emit(PressStopAccount()))
        self._stop.setObjectName("stop-listing")
        self._list_now = button(self.tr("List them &now"), "", lambda: self.chose.emit(PressListBoards()))
        self._list_now.setObjectName("list-now")
        row = TurningRow()
        row.add(self._stop)
        row.add(self._list_now)
        row.add_stretch()
        column.addWidget(row)
        return frame

    def _make_detail(self) -> QWidget:
        self._detail, column = box()
        self._heading = label("", "card-title")
        column.addWidget(self._heading)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE * 2)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(1, 1)
        self._id = label("", "mono")
        self._copy = CopyButton("", self.tr("device ID"))
        self._copy.setObjectName("copy-cloud-id")
        name = label(self.tr("Device ID"), "muted")
        name.setWordWrap(False)
        for place, part in enumerate((name, self._id, self._copy)):
            grid.addWidget(part, 0, place)
        column.addWidget(holder)
        self._facts = label("", "muted")
        column.addWidget(self._facts)
        self._deep = label(
            self.tr("The cloud says that this Core needs its deep update: plug it in and choose Deep update."),
            "warning",
        )
        column.addWidget(self._deep)
        self._deeds = TurningRow()
        self._rename = button(self.tr("&Rename..."), "", lambda: self.chose.emit(OpenBoardForm(BoardForm.NAME)))
        self._rename.setObjectName("rename-board")
        self._blink = button(self.tr("Make it bli&nk"), "", lambda: self.chose.emit(PressBlink()))
        self._blink.setObjectName("blink-board")
        self._release = button(self.tr("Relea&se..."), "", lambda: self.chose.emit(OpenBoardForm(BoardForm.RELEASE)))
        self._release.setObjectName("release-board")
        for control in (self._rename, self._blink, self._release):
            self._deeds.add(control)
        self._deeds.add_stretch()
        column.addWidget(self._deeds)
        self._why_not = label(self.tr("Only a board that is online can blink."), "muted")
        column.addWidget(self._why_not)
        column.addWidget(self._make_name_form())
        column.addWidget(self._make_release_form())
        self._doing = label(self.tr("Asking the cloud..."), "muted")
        column.addWidget(self._doing)
        self._board_cause = label("", "danger")
        self._board_next = label("")
        column.addWidget(self._board_cause)
        column.addWidget(self._board_next)
        return self._detail

    def _make_name_form(self) -> QWidget:
        self._name_form = QWidget()
        column = QVBoxLayout(self._name_form)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(label(self.tr("New name")))
        self._name = self._line("board-name", self.tr("New name of the board"), self._give_name)
        column.addWidget(self._name)
        self._save = button(self.tr("&Save name"), "primary", self._give_name)
        self._save.setObjectName("save-name")
        column.addWidget(self._form_row(self._save, "cancel-name"))
        return self._name_form

    def _make_release_form(self) -> QWidget:
        self._release_form = QWidget()
        column = QVBoxLayout(self._release_form)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(
            label(
                self.tr(
                    "After that the board has no owner: anybody can claim it, and you can only have it back if nobody "
                    "was faster. What is on the board stays as it is."
                ),
                "warning",
            )
        )
        self._ask = label("")
        column.addWidget(self._ask)
        self._typed = self._line("release-name", self.tr("Name or ID of the board"), self._give_release)
        column.addWidget(self._typed)
        self._let_go = button(self.tr("&Release this board"), "primary", self._give_release)
        self._let_go.setObjectName("confirm-release")
        column.addWidget(self._form_row(self._let_go, "cancel-release"))
        return self._release_form

    def _make_footer(self) -> None:
        transfer = button(self.tr("Hand o&ver a board"), "", lambda: self.chose.emit(Go(Screen.TRANSFER)))
        transfer.setObjectName("boards-to-transfer")
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add(transfer)
        self.footer.add_stretch()
        self.footer.add(self._back)

    def _line(self, name: str, words: str, give: object) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName(name)
        line.setAcceptDrops(False)
        line.setMaxLength(LONGEST_NAME)
        line.setAccessibleName(words)
        line.textChanged.connect(lambda _words: self._look())
        line.returnPressed.connect(give)
        return line

    def _form_row(self, primary: QWidget, cancel: str) -> QWidget:
        row = TurningRow()
        row.add(primary)
        leave = button(self.tr("Ca&ncel"), "", lambda: self.chose.emit(OpenBoardForm(BoardForm.NONE)))
        leave.setObjectName(cancel)
        row.add(leave)
        row.add_stretch()
        return row

    # --- drawing ---

    def _show_stranger(self, account: AccountState) -> None:
        out = account.sign_in in (SignInState.OUT, SignInState.OVER)
        self._stranger.setVisible(out)
        server = account.active.name if account.active is not None else ""
        if account.sign_in is SignInState.OVER:
            self._stranger_words.setText(self.tr("Your sign-in at {server} is over").format(server=server))
        else:
            self._stranger_words.setText(self.tr("You are not signed in at {server}").format(server=server))

    def _show_list(self, account: AccountState) -> None:
        boards = account.boards
        some = bool(boards)
        self._tools.setVisible(some)
        self._list.setVisible(some)
        self._list.setMinimumHeight(tokens().px(LIST_HEIGHT) if tokens().scale < 1.5 else LIST_HEIGHT)
        self._filler.setVisible(not some)
        self._refresh.setEnabled(not account.listing)
        self._refresh.setText(self.tr("Listing...") if account.listing else self.tr("Re&fresh"))
        self._model.set_boards(boards or ())
        self._list.choose(account.chosen)
        self._show_count()
        empty = boards is not None and not boards
        waiting = account.sign_in is None or (account.signed_in and boards is None and account.list_trouble is None)
        self._nothing.setVisible(empty or waiting)
        self._stop.setVisible(waiting and account.listing)
        # An empty list has no line of tools above it: a board claimed just now would never show.
        self._list_now.setVisible((empty or waiting) and account.signed_in and not account.listing)
        server = account.active.name if account.active is not None else ""
        if empty:
            self._nothing_words.setText(self.tr("There is no board in this account yet."))
            self._nothing_more.setText(
                self.tr("Plug one in, bring it to Wi-Fi until its light breathes cyan, then claim it.")
            )
        elif account.listing:
            self._nothing_words.setText(self.tr("Asking {server} for your boards...").format(server=server))
            self._nothing_more.setText(self.tr("You can go on with other things meanwhile."))
        else:
            self._nothing_words.setText(self.tr("Not listed yet."))
            self._nothing_more.setText("")
        self._nothing_more.setVisible(bool(self._nothing_more.text()))

    def _show_count(self) -> None:
        account = self._account
        if account is None or not account.boards:
            return
        every, shown = len(account.boards), self._model.rowCount()
        if shown < every:
            words = self.tr("{shown} of {all} boards").format(shown=count_words(shown), all=count_words(every))
        elif every == 1:
            words = self.tr("One board")
        else:
            online = sum(board.online is True for board in account.boards)
            words = self.tr("{all} boards, {online} online").format(all=count_words(every), online=count_words(online))
        if account.listed_at is not None:
            words = self.tr("{boards} · listed {when}").format(boards=words, when=day_and_time(account.listed_at))
        self._count.setText(words)

    def _show_list_trouble(self, account: AccountState) -> None:
        trouble = account.list_trouble
        self._trouble.setVisible(trouble is not None)
        if trouble is not None:
            self._say(trouble, self._cause, self._next)
            self._again.setEnabled(not account.listing)

    def _show_detail(self, account: AccountState, before: AccountState | None) -> None:
        board = account.board
        self._detail.setVisible(board is not None)
        if board is None:
            return
        form, idle = account.board_form, account.doing != board.id
        self._heading.setText(breakable(shown_name(board)) if board.name else self.tr("Without a name"))
        self._id.setText(breakable(board.id))
        self._copy.set_value(board.id)
        self._facts.setText(self._fact_words(board))
        self._deep.setVisible(board.needs_deep_update)
        blinks = board.id in account.blinking
        self._blink.setText(self.tr("Stop it bli&nking") if blinks else self.tr("Make it bli&nk"))
        self._blink.setAccessibleName(self._blink.text().replace("&", ""))
        self._blink.setEnabled(idle and (board.online is not False or blinks))
        self._why_not.setVisible(board.online is False and not blinks and form is BoardForm.NONE)
        self._deeds.setVisible(form is BoardForm.NONE)
        for control in (self._rename, self._release, self._name_form, self._release_form):
            control.setEnabled(idle)
        self._name_form.setVisible(form is BoardForm.NAME)
        self._release_form.setVisible(form is BoardForm.RELEASE)
        self._doing.setVisible(not idle)
        for line in (self._name, self._typed):
            line.setMaximumWidth(tokens().px(FIELD_WIDTH))
        opened = before is None or before.board_form is not form or before.chosen != account.chosen
        if opened:
            self._open_form(form, board)
        trouble = account.board_trouble
        if trouble is not None and trouble.device_id != board.id:
            trouble = None
        self._board_cause.setVisible(trouble is not None)
        self._board_next.setVisible(trouble is not None)
        if trouble is not None:
            if trouble is not self._spoken:
                QTimer.singleShot(0, self, lambda: keep_in_sight(self._board_next))
            self._say(trouble, self._board_cause, self._board_next)
        self._look()

    def _open_form(self, form: BoardForm, board: CloudBoard) -> None:
        self._typed.clear()
        self._name.setText(board.name)
        self._name.selectAll()
        if form is BoardForm.NAME:
            self._name.setFocus()
        elif form is BoardForm.RELEASE:
            name = shown_name(board)
            self._ask.setText(self.tr("To go on, type its name: {name}").format(name=breakable(name)))
            if not board.name:
                self._ask.setText(self.tr("To go on, type its ID: {name}").format(name=breakable(name)))
            self._typed.setFocus()
        if form is not BoardForm.NONE:
            QTimer.singleShot(0, self, lambda: keep_in_sight(self._let_go if self._let_go.isVisible() else self._save))

    def _fact_words(self, board: CloudBoard) -> str:
        account = self._account
        heard = heard_words(board)
        parts = [
            kind_words(board),
            say(state_words(board)),
            self.tr("last heard {when}").format(when=heard) if heard else "",
            self.tr("Device OS {version}").format(version=board.system_version) if board.system_version else "",
        ]
        if board.owner and account is not None and board.owner != account.user:
            parts.append(self.tr("belongs to {owner}").format(owner=breakable(board.owner)))
        return " · ".join(part for part in parts if part)

    # --- the board on the desk ---

    def _show_desk(self, state: AppState) -> None:
        account, board = state.account, state.shown_board
        desk = frozenset(each.identity.device_id for each in state.boards if each.identity is not None)
        self._model.set_desk(desk)
        shown = (board, account.boards, account.signed_in, state.live_run is None)
        if shown == self._desk_shown:
            return
        self._desk_shown = shown
        self._claims = None
        self._desk.setVisible(board is not None and account.signed_in and account.boards is not None)
        if board is None or account.boards is None:
            return
        name = board.platform.name
        act, possible = "", state.live_run is None
        if board.identity is None:
            words = self.tr("On the desk: {board}. Its ID is not read yet, so it cannot be found in the list.")
            act = self.tr("Read the &ID")
        elif (mine := account.board_of(board.identity.device_id)) is not None:
            words = self.tr("On the desk: {board}. It is “{name}” in this list.").format(
                board=name, name=breakable(shown_name(mine))
            )
            act, possible = self.tr("Sho&w it"), True
        else:
            words = self.tr("On the desk: {board}. It is not in this account.")
            fit = self._claim_fit(board)
            if fit is not None:
                act, possible = self.tr("Claim i&t..."), possible and fit.ok
                words = words if fit.reason is None else f"{words} {say(fit.reason)}"
        self._desk_words.setText(words.replace("{board}", name))
        self._desk_act.setText(act)
        self._desk_act.setAccessibleName(act.replace("&", ""))
        self._desk_act.setVisible(bool(act))
        self._desk_act.setEnabled(possible)
        self._claims = board

    def _claim_fit(self, board: Board) -> Fit | None:
        claim = known(CLAIM)
        return None if claim is None else claim.fit(board)

    def _act_on_desk(self) -> None:
        board, account = self._claims, self._account
        if board is None or account is None:
            return
        if board.identity is None:
            self.chose.emit(PickRecipe(READ_ID))
        elif account.board_of(board.identity.device_id) is not None:
            self._filter.clear()
            self._find()
            self.chose.emit(PickCloudBoard(board.identity.device_id))
            self._list.choose(board.identity.device_id, seen=True)
            self._list.setFocus()
        else:
            self.chose.emit(PickRecipe(CLAIM))

    # --- what the person does ---

    def _find_now(self) -> None:
        self._find()
        if self._model.rowCount():
            self._list.setFocus()

    def _find(self) -> None:
        self._wait.stop()
        self._model.set_words(self._filter.text())
        self._after_arranging()
        announce(self, self._count.text())

    def _sort(self) -> None:
        self._model.set_sorting(self._order.currentData())
        self._after_arranging()

    def _after_arranging(self) -> None:
        if self._account is not None:
            self._list.choose(self._account.chosen, seen=True)
        self._show_count()

    def _enter(self) -> None:
        """Enter on a row goes to what can be done with it."""
        if self._rename.isVisible() and self._rename.isEnabled():
            self._rename.setFocus()
            keep_in_sight(self._rename)

    def _look(self) -> None:
        account = self._account
        board = account.board if account is not None else None
        if board is not None:
            name = self._name.text().strip()
            self._save.setEnabled(bool(name) and name != board.name)
            self._let_go.setEnabled(names_board(board, self._typed.text()))

    def _give_name(self) -> None:
        if self._save.isEnabled():
            self.chose.emit(GiveBoardName(self._name.text().strip()))

    def _give_release(self) -> None:
        if self._let_go.isEnabled():
            typed = self._typed.text()
            self._typed.clear()
            self.chose.emit(ConfirmRelease(typed))

    def _say(self, trouble: AccountFailed, cause: QWidget, next_step: QWidget) -> None:
        words = say(trouble.cause), say(trouble.next_step)
        for part, sentence in zip((cause, next_step), words, strict=True):
            part.setText(breakable(sentence))  # type: ignore[attr-defined]
        if trouble is not self._spoken:
            self._spoken = trouble
            announce(self, " ".join(words))
