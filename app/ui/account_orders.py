"""Hands the window's orders about the account to the account's thread. Nothing here waits."""

from __future__ import annotations

from typing import Protocol, assert_never

from app.cloud.profiles import CloudServer
from app.orders import (
    AccountDeed,
    BlinkBoard,
    DropServer,
    EnterCode,
    KeepServer,
    ListCloudBoards,
    LookForSignIn,
    NameBoard,
    ReleaseBoard,
    SignIn,
    SignOut,
    StopAccount,
    UseServer,
    UseToken,
)


class Accounts(Protocol):
    """What the window needs of the account's thread: orders that return at once, as in `app.engine.accounts`."""

    def restore(self) -> None:
        """Look at the servers and at the sign-in that is kept."""

    def choose_profile(self, profile_id: str) -> None:
        """Make a server the active one."""

    def add_profile(self, address: str, name: str = "", kind: CloudServer = CloudServer.LOCAL) -> None:
        """Add a server and make it the active one."""

    def forget_profile(self, profile_id: str) -> None:
        """Forget a server."""

    def sign_in(self, user: str, password: str, *, at: str = "") -> None:
        """Sign in."""

    def enter_code(self, code: str) -> None:
        """Go on with a one-time code."""

    def use_token(self, words: str, *, at: str = "") -> None:
        """Sign in with a token."""

    def sign_out(self, password: str = "", code: str = "") -> None:
        """Sign out."""

    def cancel(self) -> None:
        """Stop what waits for a server."""

    def list_boards(self, *, quiet: bool = False) -> None:
        """List the account's boards."""

    def rename(self, device_id: str, name: str, *, at: str = "") -> None:
        """Name a board."""

    def blink(self, device_id: str, *, on: bool, at: str = "") -> None:
        """Have a board blink, or stop that."""

    def release(self, device_id: str, *, at: str = "") -> None:
        """Release a board."""


def carry_out(accounts: Accounts, order: AccountDeed) -> None:
    """Give one order."""
    match order:
        case UseServer(profile_id):
            accounts.choose_profile(profile_id)
        case KeepServer(address, name, kind):
            accounts.add_profile(address, name, kind)
        case DropServer(profile_id):
            accounts.forget_profile(profile_id)
        case SignIn(user, password, at):
            accounts.sign_in(user, password, at=at)
        case EnterCode(code):
            accounts.enter_code(code)
        case UseToken(words, at):
            accounts.use_token(words, at=at)
        case SignOut(password):
            accounts.sign_out(password)
        case StopAccount():
            accounts.cancel()
        case LookForSignIn():
            accounts.restore()
        case ListCloudBoards(quiet):
            accounts.list_boards(quiet=quiet)
        case NameBoard(device_id, name, at):
            accounts.rename(device_id, name, at=at)
        case BlinkBoard(device_id, on, at):
            accounts.blink(device_id, on=on, at=at)
        case ReleaseBoard(device_id, at):
            accounts.release(device_id, at=at)
        case _ as missing:
            assert_never(missing)
