"""The account at the command line: who is signed in where, signing in and out, the boards.

Passwords, one-time codes and tokens are typed or come from standard input: never from the command line, which other
programs can see and shells remember.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.account_faults import (
    CloudAddressBad,
    CloudUnknown,
    NotSignedIn,
    OneTimeCodeNeeded,
    OneTimeCodeRefused,
    TokenRefused,
)
from app.cloud.profiles import CloudServer, Profile, ProfileBook, profile
from app.cloud.tokens import NOT_LOOKED_UP, Kept
from app.console import guarded
from app.faults import NoAnswer
from app.plain import json_line, to_json
from app.terminal import Terminal
from app.text import Text, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.cloud.client import CloudBoard
    from app.cloud.session import Account, Sessions

CODE_TRIES = 3

_AT = text("Console", "Cloud: {name} ({address})")
_SIGNED_IN = text("Console", "Signed in as {user}.")
_SIGNED_IN_NAMELESS = text("Console", "Signed in.")
_NOBODY = text("Console", "Nobody is signed in. Sign in: rekindle account sign-in")
_SIGNED_OUT = text("Console", "Signed out.")
_USER = text("Console", "User name")
_PASSWORD = text("Console", "Password")
_PASSWORD_OR_NOT = text("Console", "Password, or nothing to forget the sign-in on this computer only")
_CODE = text("Console", "One-time code of your authenticator app")
_TOKEN = text("Console", "Access token")
_ONLINE = text("Console", "online")
_OFFLINE = text("Console", "offline")
_UNSURE = text("Console", "not told")
_HEARD = text("Console", "last heard of {when}")
_NO_BOARDS = text("Console", "No boards are in this account.")
_HERE = text("Console", "(chosen)")


class AccountConsole:
    """The commands of `rekindle account`; each returns the exit code."""

    def __init__(self, book: ProfileBook, sessions: Sessions, terminal: Terminal, *, as_json: bool) -> None:
        """Take what is needed.

        Args:
            book: The clouds.
            sessions: Signs in and out.
            terminal: Where to print and ask.
            as_json: Whether to print one JSON object a line.
        """
        self._book = book
        self._sessions = sessions
        self._terminal = terminal
        self._json = as_json

    def status(self) -> int:
        """Tell who is signed in; no server is asked."""
        return self._guarded(lambda: self._tell(self._book.active()))

    def sign_in(self, user: str) -> int:
        """Sign in with user name, password and, where the account wants one, a one-time code."""
        return self._guarded(lambda: self._sign_in(user))

    def use_token(self) -> int:
        """Sign in with a token from standard input."""

        def work() -> None:
            at = self._shown()
            # Not asked without an echo when it is piped in: that would read the terminal instead.
            words = self._ask(_TOKEN, "token", secret=self._terminal.has_person)
            self._told(self._sessions.use_token(at, words))

        return self._guarded(work)

    def sign_out(self) -> int:
        """Sign out, here in any case."""
        return self._guarded(self._sign_out)

    def boards(self) -> int:
        """List the account's boards."""
        return self._guarded(self._boards)

    def clouds(self) -> int:
        """List the clouds."""

        def work() -> None:
            active = self._book.active()
            for each in self._book.profiles():
                if self._json:
                    self._terminal.say(json_line({"cloud": {**_row(each), "active": each == active}}))
                else:
                    mark = f"  {_HERE.english()}" if each == active else ""
                    self._terminal.say(f"{each.name:<20} {each.base_url}{mark}")

        return self._guarded(work)

    def choose(self, wanted: str) -> int:
        """Choose a cloud by its name or address; a new address is that of a local cloud, and is kept."""
        return self._guarded(lambda: self._choose(wanted))

    # --- inside ---

    def _guarded(self, work: Callable[[], None]) -> int:
        return guarded(self._terminal, work, as_json=self._json)

    def _shown(self) -> Profile:
        """Return the active cloud, after saying which it is: nothing goes to another one than the person thinks."""
        at = self._book.active()
        if not self._json:
            self._terminal.aside(_AT.with_values(name=at.name, address=at.base_url).english())
        return at

    def _tell(self, at: Profile) -> None:
        account, kept = self._sessions.restore(at)
        if account is not None:
            self._told(account, at_too=True)
            return
        if self._json:
            self._terminal.say(json_line({"account": {"cloud": _row(at), "signed_in": False}}))
        else:
            self._terminal.say(_AT.with_values(name=at.name, address=at.base_url).english())
            self._terminal.say(_NOBODY.english())
        if kept is Kept.LOCKED:
            self._terminal.aside(NOT_LOOKED_UP.english())

    def _told(self, account: Account, *, at_too: bool = False) -> None:
        at = account.profile
        if self._json:
            row = {"cloud": _row(at), "signed_in": True, "user": account.user, "kept": account.kept.value}
            self._terminal.say(json_line({"account": row}))
        else:
            if at_too:
                self._terminal.say(_AT.with_values(name=at.name, address=at.base_url).english())
            words = _SIGNED_IN.with_values(user=account.user) if account.user else _SIGNED_IN_NAMELESS
            self._terminal.say(words.english())
        if account.note is not None:
            self._terminal.aside(account.note.english())

    def _sign_in(self, user: str) -> None:
        at = self._shown()
        user = user or self._ask(_USER, "user", secret=False)
        password = self._ask(_PASSWORD, "password", secret=True)
        try:
            account = self._sessions.sign_in(at, user, password)
        except OneTimeCodeNeeded as needed:
            account = self._enter_code(at, user, needed)
        self._told(account)

    def _enter_code(self, at: Profile, user: str, needed: OneTimeCodeNeeded) -> Account:
        for tries_left in reversed(range(CODE_TRIES)):
            code = self._ask(_CODE, "code", secret=True)
            try:
                return self._sessions.enter_code(at, user, needed, code)
            except OneTimeCodeRefused as fault:
                if not tries_left:
                    raise
                self._terminal.aside(fault.cause.english())
        raise AssertionError("the last try returns or raises")

    def _sign_out(self) -> None:
        at = self._shown()
        account, _ = self._sessions.restore(at)
        if account is None:
            self._tell(at)
            return
        password = ""
        if at.kind is CloudServer.LOCAL and self._terminal.has_person:
            password = self._ask(_PASSWORD_OR_NOT, "password", secret=True)
        done = self._sessions.sign_out(account, password)
        if self._json:
            row = {"cloud": _row(at), "signed_in": False, "ended_at_the_cloud": done.revoked}
            self._terminal.say(json_line({"account": row}))
        else:
            self._terminal.say(_SIGNED_OUT.english())
        if done.note is not None:
            self._terminal.aside(done.note.english())

    def _boards(self) -> None:
        at = self._shown()
        account, kept = self._sessions.restore(at)
        if account is None:
            if kept is Kept.LOCKED:
                self._terminal.aside(NOT_LOOKED_UP.english())
            raise NotSignedIn(cloud=at.name)
        try:
            with self._sessions.client(account) as client:
                boards = client.devices(account.token)
        except TokenRefused:
            self._sessions.forget(at)
            raise
        for board in boards:
            self._terminal.say(json_line({"cloud_board": to_json(board)}) if self._json else _line(board))
        if not boards and not self._json:
            self._terminal.aside(_NO_BOARDS.english())

    def _choose(self, wanted: str) -> None:
        found = [
            each
            for each in self._book.profiles()
            if wanted.casefold() in (each.name.casefold(), each.id, each.base_url)
        ]
        if len(found) > 1:
            raise CloudUnknown(f"{len(found)} clouds have this name")
        if not found:
            if not any(mark in wanted for mark in ".:"):  # a word is a name, and there is none of it
                raise CloudAddressBad(address=wanted)
            found = [self._book.add(profile(wanted))]
        self._tell(self._book.choose(found[0].id))

    def _ask(self, what: Text, name: str, *, secret: bool) -> str:
        try:
            return self._terminal.read(f"{what.english()}: ", secret=secret)
        except EOFError:
            raise NoAnswer(question=what, name=name) from None


def _row(at: Profile) -> dict[str, object]:
    return {"id": at.id, "name": at.name, "address": at.base_url, "kind": at.kind.value}


def _line(board: CloudBoard) -> str:
    state = {True: _ONLINE, False: _OFFLINE, None: _UNSURE}[board.online].english()
    heard = ""
    if board.last_heard is not None and not board.online:
        heard = "  " + _HEARD.with_values(when=f"{board.last_heard.astimezone():%Y-%m-%d %H:%M}").english()
    name = "".join(each if each.isprintable() else "?" for each in board.name)
    return f"{board.id}  {name or '-':<24} {state}{heard}"
