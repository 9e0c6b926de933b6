"""Newer versions at the command line: whether they are looked for, where, and a look right now."""

from __future__ import annotations

from collections.abc import Callable

from app.console import guarded
from app.engine.updates import NOTHING_NEWER, UpdateDesk
from app.plain import json_line
from app.terminal import Terminal
from app.text import text
from app.update_faults import UpdatesWithoutAddress, UpdatesWithoutKey
from app.updates import Notice, Standing, UpdateState, is_newer

_ON = text("Console", "Rekindle looks for a newer version once a day, while its window is open.")
_OFF = text("Console", "Rekindle does not look for newer versions. To have it look: rekindle updates on")
_AT = text("Console", "Address: {address}")
_OWN = text("Console", "You gave this address. For the one that came with this copy: rekindle updates address default")
_TRIED = text("Console", "Looked last: {when}")
_NEVER = text("Console", "It has not looked yet.")
_SKIPPED = text("Console", "The window does not tell of it for now: you said so.")
_RELEASED = text("Console", "Released {day}: {link}")


class UpdateConsole:
    """The commands of `rekindle updates`; each returns the exit code."""

    def __init__(self, desk: UpdateDesk, terminal: Terminal, *, as_json: bool) -> None:
        """Take what is needed.

        Args:
            desk: What does the work.
            terminal: Where to print.
            as_json: Whether to print one JSON object a line.
        """
        self._desk = desk
        self._terminal = terminal
        self._json = as_json

    def status(self) -> int:
        """Tell what is known; nobody is asked."""
        return self._guarded(self._tell)

    def agree(self, *, yes: bool) -> int:
        """Look once a day from now on, or no more."""

        def work() -> None:
            standing = self._desk.state().standing
            if yes and standing is Standing.NO_KEY:
                raise UpdatesWithoutKey
            if yes and standing is Standing.NO_ADDRESS:
                raise UpdatesWithoutAddress
            self._desk.agree(yes=yes)
            self._tell(whole=False)

        return self._guarded(work)

    def now(self) -> int:
        """Look now and say what came of it."""

        def work() -> None:
            notice = self._desk.look(asked=True)
            if self._json:
                self._tell()
                return
            self._terminal.say(self._desk.words(notice).english())
            if is_newer(notice, self._desk.installed):
                self._tell_notice(notice)

        return self._guarded(work)

    def address(self, typed: str) -> int:
        """Look there from now on; `default` is the address that came with the program."""

        def work() -> None:
            self._desk.set_address("" if typed == "default" else typed)
            self._tell(whole=False)

        return self._guarded(work)

    # --- inside ---

    def _guarded(self, work: Callable[[], None]) -> int:
        return guarded(self._terminal, work, as_json=self._json)

    def _tell(self, *, whole: bool = True) -> None:
        """Print the state; unless it is the `whole`, without what was found."""
        known = self._desk.state()
        if self._json:
            self._terminal.say(json_line({"updates": _row(known)}))
            return
        if known.standing is Standing.NO_KEY:
            self._terminal.say(UpdatesWithoutKey.cause.english())
            return
        self._terminal.say((_ON if known.agreed else _OFF).english())
        if known.standing is Standing.NO_ADDRESS:
            self._terminal.say(UpdatesWithoutAddress.cause.english())
            return
        self._terminal.say(_AT.with_values(address=known.address).english())
        if known.own_address:
            self._terminal.say(_OWN.english())
        when = f"{known.tried.astimezone():%Y-%m-%d %H:%M}" if known.tried else ""
        self._terminal.say((_TRIED.with_values(when=when) if when else _NEVER).english())
        if not whole:
            return
        if known.notice is None:
            if known.tried:
                self._terminal.say(NOTHING_NEWER.with_values(installed=known.installed).english())
            return
        self._terminal.say(self._desk.words(known.notice).english())
        if known.quiet:
            self._terminal.say(_SKIPPED.english())
        self._tell_notice(known.notice)

    def _tell_notice(self, notice: Notice) -> None:
        self._terminal.say(_RELEASED.with_values(day=notice.date.isoformat(), link=notice.link).english())
        for line in notice.notes.splitlines():
            self._terminal.say(f"  {line}".rstrip())


def _row(known: UpdateState) -> dict[str, object]:
    notice = known.notice
    return {
        "standing": known.standing.value,
        "installed": known.installed,
        "agreed": known.agreed,
        "address": known.address,
        "own_address": known.own_address,
        "tried": known.tried.isoformat() if known.tried else None,
        "notice": None
        if notice is None
        else {
            "version": notice.version.words,
            "date": notice.date.isoformat(),
            "expires": notice.expires.isoformat(),
            "link": notice.link,
            "notes": notice.notes,
            "quiet": known.quiet,
        },
    }
