"""What a job may ask of the account: who is signed in, and something to ask the server with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from app.account_faults import NotSignedIn
from app.cloud.profiles import PARTICLE

if TYPE_CHECKING:
    from app.cloud.client import CloudClient
    from app.cloud.session import Account


class JobAccounts(Protocol):
    """The accounts as a job sees them; `app.engine.accounts.Accounts` is one. All of it is for the job's own thread."""

    def required(self, check: Callable[[], None] = ...) -> Account:
        """Return who is signed in at the active server.

        Args:
            check: Called now and then while it is still being looked up; raises Cancelled to stop.

        Raises:
            NotSignedIn: Nobody is.
        """

    def client(self, account: Account, check: Callable[[], None] = ...) -> CloudClient:
        """Return what asks an account's server; the caller closes it."""

    def refused(self, account: Account) -> None:
        """Take note that the server refused this sign-in."""


class Nobody:
    """Accounts of a program that has none."""

    def required(self, check: Callable[[], None] = lambda: None) -> Account:
        """Nobody is signed in.

        Raises:
            NotSignedIn: Always.
        """
        check()
        raise NotSignedIn(cloud=PARTICLE.name)

    def client(self, account: Account, check: Callable[[], None] = lambda: None) -> CloudClient:
        """Ask nobody.

        Raises:
            NotSignedIn: Always.
        """
        raise NotSignedIn(cloud=account.profile.name)

    def refused(self, account: Account) -> None:
        """Nothing is kept, so nothing is forgotten."""
