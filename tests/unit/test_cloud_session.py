"""Signing in and out at a server, as one person after another does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from support.clock import FastClock
from support.cloud_server import CloudServer, Failure, Personality
from support.secret_store import SecretStore

from app.account_faults import OneTimeCodeNeeded, OneTimeCodeRefused, SignInRefused, TokenRefused
from app.cloud.client import CloudClient
from app.cloud.profiles import CloudServer as Kind
from app.cloud.profiles import Profile, profile
from app.cloud.session import Account, Sessions
from app.cloud.tokens import Kept, TokenStore

USER, PASSWORD = "ada@example.org", "correct horse"


class Desk:
    """A server, a store for passwords, and somebody in front of them."""

    def __init__(self, server: CloudServer) -> None:
        self.server = server
        self.store: SecretStore | None = SecretStore()
        self.now = datetime.now(UTC)
        self.at = profile(server.address, kind=Kind(server.personality.value))

    def sessions(self) -> Sessions:
        """What a program that has just started has."""

        def make(at: Profile, check: Callable[[], None]) -> CloudClient:
            return CloudClient(at, clock=FastClock(), check=check)

        return Sessions(TokenStore(lambda: self.store), make, now=lambda: self.now)

    def signed_in(self) -> Account:
        return self.sessions().sign_in(self.at, USER, PASSWORD)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with CloudServer() as server:
        server.user(USER, PASSWORD)
        yield Desk(server)


@pytest.fixture
def local() -> Iterator[Desk]:
    with CloudServer(Personality.LOCAL) as server:
        server.user(USER, PASSWORD)
        yield Desk(server)


def test_a_sign_in_lasts_over_the_programs_end(desk: Desk) -> None:
    account = desk.sessions().sign_in(desk.at, f" {USER} ", PASSWORD)
    assert (account.user, account.kept, account.note) == (USER, Kept.STORE, None)
    before = len(desk.server.asked)
    found, kept = desk.sessions().restore(desk.at)
    assert found == account
    assert kept is Kept.STORE
    assert len(desk.server.asked) == before  # offline it works, too


def test_without_a_store_it_does_not_last_and_that_is_said(desk: Desk) -> None:
    desk.store = None
    account = desk.signed_in()
    assert account.note is not None
    assert desk.sessions().restore(desk.at) == (None, Kept.MEMORY)


def test_a_token_that_ended_by_itself_is_forgotten(desk: Desk) -> None:
    desk.signed_in()
    desk.now += timedelta(days=91)
    assert desk.sessions().restore(desk.at)[0] is None
    assert desk.store is not None
    assert not desk.store.held


def test_a_wrong_password_keeps_nothing(desk: Desk) -> None:
    with pytest.raises(SignInRefused):
        desk.sessions().sign_in(desk.at, USER, "wrong")
    assert desk.store is not None
    assert not desk.store.held


def test_a_second_step_can_be_tried_again(desk: Desk) -> None:
    desk.server.user(USER, PASSWORD, otp="123456")
    sessions = desk.sessions()
    with pytest.raises(OneTimeCodeNeeded) as needed:
        sessions.sign_in(desk.at, USER, PASSWORD)
    with pytest.raises(OneTimeCodeRefused):
        sessions.enter_code(desk.at, USER, needed.value, "000000")
    account = sessions.enter_code(desk.at, USER, needed.value, "123 456")
    assert desk.sessions().restore(desk.at)[0] == account


def test_a_pasted_token_tells_whose_it_is(desk: Desk) -> None:
    account = desk.sessions().use_token(desk.at, f" {desk.server.token_for(USER)}\n")
    assert account.user == USER
    assert desk.sessions().restore(desk.at)[0] == account


def test_a_pasted_token_that_opens_nothing_is_not_kept(desk: Desk, local: Desk) -> None:
    for each in (desk, local):
        with pytest.raises(TokenRefused):
            each.sessions().use_token(each.at, "0123456789abcdef")
        assert each.sessions().restore(each.at)[0] is None


def test_a_local_cloud_takes_a_pasted_token_without_saying_whose(local: Desk) -> None:
    assert local.sessions().use_token(local.at, local.server.token_for(USER)).user == ""


def test_signing_out_makes_the_token_worthless(desk: Desk) -> None:
    account = desk.signed_in()
    done = desk.sessions().sign_out(account)
    assert (done.revoked, done.note) == (True, None)
    assert not desk.server.tokens
    assert desk.sessions().restore(desk.at)[0] is None


def test_signing_out_offline_forgets_here_and_says_so(desk: Desk) -> None:
    account = desk.signed_in()
    desk.server.failures = [Failure(times=9, after_doing=False)]
    done = desk.sessions().sign_out(account)
    assert not done.revoked
    assert done.note is not None
    assert "stays valid" in done.note.english()
    assert desk.server.tokens
    assert desk.sessions().restore(desk.at)[0] is None


def test_signing_out_of_what_is_over_already_is_done(desk: Desk) -> None:
    account = desk.signed_in()
    desk.server.tokens.clear()
    assert desk.sessions().sign_out(account).revoked


def test_a_local_cloud_ends_a_sign_in_only_with_the_password(local: Desk) -> None:
    account = local.signed_in()
    done = local.sessions().sign_out(account)
    assert not done.revoked
    assert done.note is not None
    assert "password" in done.note.english()
    assert local.server.tokens
    account = local.signed_in()
    assert local.sessions().sign_out(account, PASSWORD).revoked
    assert account.token.value not in local.server.tokens


def test_a_store_that_keeps_what_shall_go_is_named(desk: Desk) -> None:
    account = desk.signed_in()
    assert desk.store is not None
    desk.store.error = RuntimeError("locked")
    done = desk.sessions().sign_out(account)
    assert done.note is not None
    assert "remove the entry" in done.note.english()
    assert done.revoked


def test_no_secret_is_in_an_account_s_repr(desk: Desk) -> None:
    account = desk.signed_in()
    assert account.token.value not in repr(account)
