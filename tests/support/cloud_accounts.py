"""Somebody who is signed in at a server of the tests or of practice, as a job sees it."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from app.account_faults import NotSignedIn
from app.clock import Clock
from app.cloud.client import CloudClient, Token, make_http
from app.cloud.in_memory import in_memory
from app.cloud.profiles import PARTICLE, Profile, profile
from app.cloud.profiles import CloudServer as Kind
from app.cloud.session import Account
from app.cloud.tokens import Kept
from app.virtual.practice_account import USER, PracticeCloud
from support.cloud_server import CloudServer, Personality

ADA = "ada@example.org"


class SignedIn:
    """One account at one server; `over` once the server refused its token."""

    def __init__(
        self, clock: Clock, at: Profile, user: str, token: str, http: Callable[[Profile], httpx.Client] = make_http
    ) -> None:
        self.clock = clock
        self.account = Account(at, user, Token(token), Kept.MEMORY)
        self.http = http
        self.over = False
        self.clients = 0

    def required(self, check: Callable[[], None] = lambda: None) -> Account:
        check()
        if self.over:
            raise NotSignedIn(cloud=self.account.profile.name)
        return self.account

    def client(self, account: Account, check: Callable[[], None] = lambda: None) -> CloudClient:
        assert account == self.account
        self.clients += 1
        return CloudClient(account.profile, clock=self.clock, check=check, http=self.http)

    def refused(self, account: Account) -> None:
        assert account == self.account
        self.over = True


def at_server(server: CloudServer, clock: Clock, user: str = ADA) -> SignedIn:
    """Sign somebody in at the tests' server."""
    kind = Kind.PARTICLE if server.personality is Personality.PARTICLE else Kind.LOCAL
    return SignedIn(clock, profile(server.address, name="mine", kind=kind), user, server.token_for(user))


def at_practice(cloud: PracticeCloud, clock: Clock, user: str = USER) -> SignedIn:
    """Sign somebody in at the server of practice."""
    return SignedIn(clock, PARTICLE, user, cloud.token_for(user), in_memory(cloud.answer))
