"""Hands the window's orders about newer versions to the thread that looks for them. Nothing here waits."""

from __future__ import annotations

from typing import Protocol, assert_never

from app.orders import DelayUpdate, DropUpdate, LookForUpdate, RememberUpdates, UpdateDeed, UseUpdateAddress
from app.updates import Version


class Updates(Protocol):
    """What the window needs of that thread: orders that return at once, as in `app.engine.updates`."""

    def agree(self, *, yes: bool) -> None:
        """Look once a day, or do not."""

    def look(self) -> None:
        """Look now."""

    def set_address(self, typed: str) -> None:
        """Look there."""

    def skip(self, version: Version) -> None:
        """Not this one."""

    def put_off(self, version: Version) -> None:
        """Later."""


def carry_out(updates: Updates, order: UpdateDeed) -> None:
    """Give one order."""
    match order:
        case RememberUpdates(yes):
            updates.agree(yes=yes)
        case LookForUpdate():
            updates.look()
        case UseUpdateAddress(typed):
            updates.set_address(typed)
        case DropUpdate(version):
            updates.skip(version)
        case DelayUpdate(version):
            updates.put_off(version)
        case _ as missing:
            assert_never(missing)
