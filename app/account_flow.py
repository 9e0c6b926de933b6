"""The part of the window's state that is about the account: who is signed in where, and which boards are there. Pure.

`app.flow` holds an `AccountState`, has clicks and news about the account taken here, and hands on what they order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from app.account_faults import OneTimeCodeRefused, TokenRefused
from app.clicks import (
    AccountClick,
    AccountForm,
    BoardForm,
    ConfirmRelease,
    GiveBoardName,
    GiveCode,
    GiveServer,
    GiveSignIn,
    GiveToken,
    OpenAccountForm,
    OpenBoardForm,
    PickCloudBoard,
    PickServer,
    PressBlink,
    PressForgetServer,
    PressListBoards,
    PressLookAgain,
    PressSignOut,
    PressStopAccount,
)
from app.cloud.profiles import CloudServer
from app.orders import (
    BlinkBoard,
    DropServer,
    EnterCode,
    KeepServer,
    ListCloudBoards,
    LookForSignIn,
    NameBoard,
    Order,
    ReleaseBoard,
    SignIn,
    SignOut,
    StopAccount,
    UseServer,
    UseToken,
)
from app.text import Text, text
from app.work.events import (
    AccountChanged,
    AccountEvent,
    AccountFailed,
    AccountOrder,
    AccountStopped,
    CloudBoardChanged,
    CloudDeed,
    DevicesListed,
    OneTimeCodeAsked,
    ProfilesListed,
    SignInState,
)

if TYPE_CHECKING:
    from datetime import datetime

    from app.cloud.client import CloudBoard
    from app.cloud.profiles import Profile

DEED_WORDS = {
    CloudDeed.RELEASED: text("AccountFlow", "{board} was released. It has no owner now: anybody can claim it."),
    CloudDeed.RENAMED: text("AccountFlow", "The board is called {board} now."),
    CloudDeed.BLINKS: text("AccountFlow", "{board} blinks in all colours now."),
    CloudDeed.BLINKS_NO_MORE: text("AccountFlow", "{board} shows its own light again."),
}


@dataclass(frozen=True, slots=True)
class AccountState:
    """What is known of the account.

    Attributes:
        profiles: The servers there are.
        active: The one that is asked; None until it is known, and where the program has no accounts.
        sign_in: Whether somebody is signed in there; None until it was looked up.
        user: The user name; "" for nobody, and where the server does not tell it.
        note: What the person has to know about the sign-in.
        form: What the account's page asks for.
        busy: The order under way on that page.
        trouble: Why the last one came to nothing.
        boards: The account's boards; None until they were listed.
        listed_at: When that was.
        listing: They are being listed.
        list_trouble: Why they could not be.
        chosen: ID of the board that was chosen among them, "" for none.
        board_form: What is asked about it.
        doing: ID of the board something is being done with, "" for none.
        board_trouble: Why that came to nothing.
        blinking: IDs of the boards that were made to blink.
    """

    profiles: tuple[Profile, ...] = ()
    active: Profile | None = None
    sign_in: SignInState | None = None
    user: str = ""
    note: Text | None = None
    form: AccountForm = AccountForm.SIGN_IN
    busy: AccountOrder | None = None
    trouble: AccountFailed | None = None
    boards: tuple[CloudBoard, ...] | None = None
    listed_at: datetime | None = None
    listing: bool = False
    list_trouble: AccountFailed | None = None
    chosen: str = ""
    board_form: BoardForm = BoardForm.NONE
    doing: str = ""
    board_trouble: AccountFailed | None = None
    blinking: frozenset[str] = frozenset()

    @property
    def signed_in(self) -> bool:
        """Whether somebody is signed in at the active server."""
        return self.sign_in is SignInState.IN

    @property
    def board(self) -> CloudBoard | None:
        """The chosen board."""
        return self.board_of(self.chosen)

    def board_of(self, device_id: str) -> CloudBoard | None:
        """Return a board of the account, None if it is not among those listed."""
        if not device_id:
            return None
        return next((board for board in self.boards or () if board.id == device_id), None)


NO_ACCOUNT = AccountState()
"""Nothing is known yet."""

Step = tuple[AccountState, tuple[Order, ...]]


def names_board(board: CloudBoard, typed: str) -> bool:
    """Whether a person who typed this surely means that board: its whole name or its whole ID."""
    said = typed.strip().casefold()
    return bool(said) and said in (board.name.strip().casefold(), board.id.casefold())


def shown_name(board: CloudBoard) -> str:
    """Return what a board is called on the screen: its name, else its ID."""
    return board.name or board.id


def open_account(account: AccountState) -> AccountState:
    """The account's page opens: old troubles are over; a one-time code that is waited for still is."""
    form = account.form if account.form is AccountForm.CODE else AccountForm.SIGN_IN
    return replace(account, form=form, trouble=None)


def open_boards(account: AccountState) -> Step:
    """The page of the account's boards opens, or what it shows may be old: list them anew."""
    account = replace(account, board_form=BoardForm.NONE, board_trouble=None)
    return _list(account)


def refresh_boards(account: AccountState) -> Step:
    """A job has ended that may have changed them: list them anew, if they were listed before."""
    return _list(account, quiet=True) if account.boards is not None else (account, ())


def step_back(account: AccountState, *, on_boards: bool) -> AccountState | None:
    """Return the account with its open form closed, None if none is open: Escape closes a form before a page."""
    if on_boards:
        open_form = account.board_form is not BoardForm.NONE and not account.doing
        return replace(account, board_form=BoardForm.NONE, board_trouble=None) if open_form else None
    if account.form is AccountForm.SIGN_IN or account.busy is not None:
        return None
    return replace(account, form=AccountForm.SIGN_IN, trouble=None)


def after_click(account: AccountState, click: AccountClick) -> Step:
    """Return the account after a click, and what it orders."""
    match click:
        case PressStopAccount():
            return account, (StopAccount(),)
        case PressListBoards():
            return _list(account)
        case PickCloudBoard() | OpenBoardForm() | GiveBoardName() | PressBlink() | ConfirmRelease():
            return _board_click(account, click)
        case _:
            return (account, ()) if account.busy is not None else _page_click(account, click)


def _page_click(
    account: AccountState,
    click: PickServer
    | GiveServer
    | PressForgetServer
    | OpenAccountForm
    | GiveSignIn
    | GiveCode
    | GiveToken
    | PressSignOut
    | PressLookAgain,
) -> Step:
    match click:
        case PickServer(profile_id):
            if account.active is None or account.active.id == profile_id:
                return account, ()
            return _busy(replace(account, form=AccountForm.SIGN_IN), AccountOrder.PROFILES, UseServer(profile_id))
        case GiveServer(address, name, kind):
            if not address.strip():
                return account, ()
            return _busy(account, AccountOrder.PROFILES, KeepServer(address, name, kind))
        case PressForgetServer():
            if account.active is None:
                return account, ()
            return _busy(account, AccountOrder.PROFILES, DropServer(account.active.id))
        case OpenAccountForm(form):
            return replace(account, form=form, trouble=None), ()
        case GiveSignIn(user, password):
            if not user.strip() or not password:
                return account, ()
            return _busy(account, AccountOrder.SIGN_IN, SignIn(user.strip(), password, _server(account)))
        case GiveCode(code):
            return _busy(account, AccountOrder.CODE, EnterCode(code)) if code.strip() else (account, ())
        case GiveToken(words):
            if not words.strip():
                return account, ()
            return _busy(account, AccountOrder.TOKEN, UseToken(words, _server(account)))
        case PressSignOut(password):
            if not account.signed_in:
                return account, ()
            asks = account.active is not None and account.active.kind is CloudServer.LOCAL
            if asks and account.form is not AccountForm.SIGN_OUT:
                return replace(account, form=AccountForm.SIGN_OUT, trouble=None), ()
            return _busy(account, AccountOrder.SIGN_OUT, SignOut(password))
        case PressLookAgain():
            return _busy(account, AccountOrder.RESTORE, LookForSignIn())
        case _ as missing:
            assert_never(missing)


def _board_click(
    account: AccountState, click: PickCloudBoard | OpenBoardForm | GiveBoardName | PressBlink | ConfirmRelease
) -> Step:
    board = account.board
    if account.doing:
        return account, ()
    match click:
        case PickCloudBoard(device_id):
            if device_id == account.chosen:
                return account, ()
            return replace(account, chosen=device_id, board_form=BoardForm.NONE, board_trouble=None), ()
        case OpenBoardForm(form):
            if board is None:
                return account, ()
            return replace(account, board_form=form, board_trouble=None), ()
        case GiveBoardName(name):
            if board is None or not name.strip():
                return account, ()
            return _doing(account, board, NameBoard(board.id, name.strip(), _server(account)))
        case PressBlink():
            if board is None:
                return account, ()
            return _doing(account, board, BlinkBoard(board.id, board.id not in account.blinking, _server(account)))
        case ConfirmRelease(typed):
            if board is None or not names_board(board, typed):
                return account, ()
            return _doing(account, board, ReleaseBoard(board.id, _server(account)))
        case _ as missing:
            assert_never(missing)


def after_event(account: AccountState, event: AccountEvent) -> Step:
    """Return the account after news of it, and what that orders."""
    match event:
        case ProfilesListed(profiles, active):
            account = replace(account, profiles=profiles)
            if account.active == active:
                return account, ()
            if account.active is not None and account.active.id == active.id:
                return replace(account, active=active), ()
            return _without_boards(replace(account, active=active, sign_in=None, user="", note=None)), ()
        case AccountChanged(profile, sign_in, user, note):
            same = account.active is not None and account.active.id == profile.id
            account = account if same else _without_boards(account)
            account = replace(account, active=profile, sign_in=sign_in, user=user, note=note, busy=None, trouble=None)
            account = replace(account, form=AccountForm.SIGN_IN)
            return (account if sign_in is SignInState.IN else _without_boards(account)), ()
        case OneTimeCodeAsked(profile, user):
            return replace(account, active=profile, user=user, form=AccountForm.CODE, busy=None, trouble=None), ()
        case DevicesListed(profile, boards, at):
            account = replace(account, listing=False)
            if account.active is None or account.active.id != profile.id or not account.signed_in:
                return account, ()  # of a server that was left meanwhile
            account = replace(account, boards=boards, listed_at=at, list_trouble=None)
            if account.board is None and not account.doing:
                account = replace(account, chosen="", board_form=BoardForm.NONE, board_trouble=None)
            return account, ()
        case CloudBoardChanged():
            return _board_changed(account, event)
        case AccountFailed():
            return _failed(account, event), ()
        case AccountStopped(order):
            return _ended(account, order), ()
        case _ as missing:
            assert_never(missing)


def words_of(account: AccountState, event: CloudBoardChanged) -> Text:
    """Say what was done with a board; `account` as it was before."""
    board = account.board_of(event.device_id)
    name = event.name or (shown_name(board) if board is not None else event.device_id)
    return DEED_WORDS[event.deed].with_values(board=name)


def _list(account: AccountState, *, quiet: bool = False) -> Step:
    if not account.signed_in or account.listing:
        return account, ()
    return replace(account, listing=True, list_trouble=None), (ListCloudBoards(quiet),)


def _server(account: AccountState) -> str:
    """The server the person sees: an order for it must not reach one that was chosen meanwhile."""
    return account.active.id if account.active is not None else ""


def _busy(account: AccountState, with_order: AccountOrder, order: Order) -> Step:
    return replace(account, busy=with_order, trouble=None), (order,)


def _doing(account: AccountState, board: CloudBoard, order: Order) -> Step:
    return replace(account, doing=board.id, board_trouble=None), (order,)


def _without_boards(account: AccountState) -> AccountState:
    return replace(
        account,
        boards=None,
        listed_at=None,
        list_trouble=None,
        chosen="",
        board_form=BoardForm.NONE,
        doing="",
        board_trouble=None,
        blinking=frozenset(),
    )


def _ended(account: AccountState, order: AccountOrder) -> AccountState:
    match order:
        case AccountOrder.LIST:
            return replace(account, listing=False)
        case AccountOrder.BOARD:
            return replace(account, doing="")
        case _:
            return replace(account, busy=None)


def _failed(account: AccountState, event: AccountFailed) -> AccountState:
    account = _ended(account, event.order)
    over = event.code == TokenRefused.code  # told by the sign-in itself, which asks to sign in again
    match event.order:
        case AccountOrder.LIST:
            return account if event.quiet or over else replace(account, list_trouble=event)
        case AccountOrder.BOARD:
            return account if over else replace(account, board_trouble=event)
        case AccountOrder.CODE if event.code != OneTimeCodeRefused.code and not event.retryable:
            return replace(account, form=AccountForm.SIGN_IN, trouble=event)
        case _:
            return replace(account, trouble=event)


def _board_changed(account: AccountState, event: CloudBoardChanged) -> Step:
    account = replace(account, doing="")
    if account.active is None or account.active.id != event.profile.id:
        return account, ()
    boards = account.boards
    match event.deed:
        case CloudDeed.RELEASED:
            left = None if boards is None else tuple(board for board in boards if board.id != event.device_id)
            blinking = account.blinking - {event.device_id}
            return replace(account, boards=left, chosen="", board_form=BoardForm.NONE, blinking=blinking), ()
        case CloudDeed.RENAMED:
            named = None
            if boards is not None:
                named = tuple(
                    replace(board, name=event.name) if board.id == event.device_id else board for board in boards
                )
            return replace(account, boards=named, board_form=BoardForm.NONE), ()
        case CloudDeed.BLINKS:
            return replace(account, blinking=account.blinking | {event.device_id}), ()
        case CloudDeed.BLINKS_NO_MORE:
            return replace(account, blinking=account.blinking - {event.device_id}), ()
        case _ as missing:
            assert_never(missing)
