"""The thread of the account: every order ends with one event, whatever the server, the store or the person does."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.clock import FastClock
from support.cloud_server import CloudServer, Failure
from support.secret_store import SecretStore

from app.account_faults import NotSignedIn
from app.cloud.client import CloudClient
from app.cloud.profiles import PARTICLE, Profile, ProfileBook, profile
from app.cloud.profiles import CloudServer as Kind
from app.cloud.session import Sessions
from app.cloud.tokens import TokenStore
from app.engine import accounts as module
from app.engine.accounts import Accounts
from app.work.events import (
    AccountChanged,
    AccountFailed,
    AccountOrder,
    AccountStopped,
    CloudBoardChanged,
    CloudDeed,
    DevicesListed,
    Event,
    OneTimeCodeAsked,
    ProfilesListed,
    SignInState,
)

USER, PASSWORD = "ada@example.org", "correct horse"
MINE, OTHER, AWAY = "a" * 24, "b" * 24, "c" * 24
WAIT_S = 20.0


class Desk:
    """A server, its profile as the active one, and the thread."""

    def __init__(self, server: CloudServer, folder: Path) -> None:
        self.server = server
        self.store: SecretStore | None = SecretStore()
        self.clock = FastClock()
        self.book = ProfileBook(folder / "accounts")
        self.at = self.book.add(profile(server.address, name="mine", kind=Kind(server.personality.value)))
        self.book.choose(self.at.id)
        self.news: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.running: list[Accounts] = []

    def make_client(self, at: Profile, check: Callable[[], None]) -> CloudClient:
        return CloudClient(at, clock=self.clock, check=check)

    def start(self) -> Accounts:
        made = Accounts(self.book, Sessions(TokenStore(lambda: self.store), self.make_client), self.news.put)
        self.running.append(made)
        made.start()
        assert isinstance(self.next(), ProfilesListed)
        return made

    def next(self) -> Event:
        return self.news.get(timeout=WAIT_S)

    def signed_in(self) -> Accounts:
        made = self.start()
        assert self.next() == AccountChanged(self.at, SignInState.OUT)
        made.sign_in(USER, PASSWORD)
        assert self.next() == AccountChanged(self.at, SignInState.IN, USER)
        return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with CloudServer() as server:
        server.user(USER, PASSWORD)
        server.board(MINE, owner=USER, name="mine")
        server.board(OTHER)
        server.board(AWAY, owner="bob")
        made = Desk(server, tmp_path)
        yield made
        server.released.set()
        for each in made.running:
            each.stop()
            assert each.join(WAIT_S)


def test_a_start_without_a_network_shows_who_is_signed_in_and_no_error(desk: Desk) -> None:
    desk.signed_in()
    desk.server.failures = [Failure(times=99, after_doing=False)]
    asked = len(desk.server.asked)
    again = desk.start()
    assert desk.next() == AccountChanged(desk.at, SignInState.IN, USER)
    assert len(desk.server.asked) == asked
    again.list_boards(quiet=True)
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.quiet
    assert again.account is not None


def test_the_first_start_asks_nobody(desk: Desk) -> None:
    desk.book.choose(PARTICLE.id)
    made = Accounts(desk.book, Sessions(TokenStore(lambda: desk.store), desk.make_client), desk.news.put)
    desk.running.append(made)
    made.start()
    assert desk.next() == ProfilesListed((PARTICLE, desk.at), PARTICLE)
    assert desk.next() == AccountChanged(PARTICLE, SignInState.OUT)
    with pytest.raises(NotSignedIn) as caught:
        made.required()
    assert "Particle" in caught.value.cause.english()


def test_signing_in_listing_and_out(desk: Desk) -> None:
    made = desk.signed_in()
    made.list_boards()
    listed = desk.next()
    assert isinstance(listed, DevicesListed)
    assert [(board.id, board.name) for board in listed.boards] == [(MINE, "mine")]
    made.sign_out()
    assert desk.next() == AccountChanged(desk.at, SignInState.OUT)
    assert made.account is None
    assert not desk.server.tokens
    made.sign_out()
    assert desk.next() == AccountChanged(desk.at, SignInState.OUT)


def test_a_one_time_code_is_asked_for_and_may_be_wrong_once(desk: Desk) -> None:
    desk.server.user(USER, PASSWORD, otp="123456")
    made = desk.start()
    desk.next()
    made.sign_in(USER, PASSWORD)
    assert desk.next() == OneTimeCodeAsked(desk.at, USER)
    made.enter_code("000000")
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.code == "account.code-refused"
    made.enter_code("123456")
    assert desk.next() == AccountChanged(desk.at, SignInState.IN, USER)
    made.enter_code("123456")
    assert isinstance(desk.next(), AccountFailed)


def test_a_wrong_password_is_told_with_its_order(desk: Desk) -> None:
    made = desk.start()
    desk.next()
    made.sign_in(USER, "wrong")
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert (failed.order, failed.code, failed.quiet) == (AccountOrder.SIGN_IN, "account.sign-in-refused", False)


def test_deeds_with_boards(desk: Desk) -> None:
    made = desk.signed_in()
    made.rename(MINE, "new")
    assert desk.next() == CloudBoardChanged(desk.at, MINE, CloudDeed.RENAMED, "new")
    made.blink(MINE, on=True)
    assert desk.next() == CloudBoardChanged(desk.at, MINE, CloudDeed.BLINKS)
    made.blink(MINE, on=False)
    assert desk.next() == CloudBoardChanged(desk.at, MINE, CloudDeed.BLINKS_NO_MORE)
    made.release(MINE)
    assert desk.next() == CloudBoardChanged(desk.at, MINE, CloudDeed.RELEASED)
    made.release(AWAY)
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert (failed.device_id, failed.code) == (AWAY, "account.not-yours")


def test_a_sign_in_that_is_over_is_told_before_the_failure(desk: Desk) -> None:
    made = desk.signed_in()
    desk.server.tokens.clear()
    made.list_boards()
    assert desk.next() == AccountChanged(desk.at, SignInState.OVER, USER)
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.code == "account.signed-out"
    assert made.account is None
    assert desk.store is not None
    assert not desk.store.held


def test_a_job_that_hears_the_same_says_so_once(desk: Desk) -> None:
    made = desk.signed_in()
    account = made.required()
    made.refused(account)
    made.refused(account)
    assert desk.next() == AccountChanged(desk.at, SignInState.OVER, USER)
    made.list_profiles()
    assert isinstance(desk.next(), ProfilesListed)


def test_who_signs_in_anew_while_a_job_hears_that_the_old_sign_in_is_over_stays_signed_in(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.signed_in()
    account = made.required()

    def meanwhile(_sessions: Sessions, _at: Profile) -> None:
        made.sign_in(USER, PASSWORD)
        assert desk.next() == AccountChanged(desk.at, SignInState.IN, USER)

    monkeypatch.setattr(Sessions, "forget", meanwhile)
    made.refused(account)
    made.list_profiles()
    assert isinstance(desk.next(), ProfilesListed)
    assert made.account is not None


def test_a_pasted_token_that_is_refused_does_not_end_the_sign_in_there_is(desk: Desk) -> None:
    made = desk.signed_in()
    made.use_token("0123456789abcdef")
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.order is AccountOrder.TOKEN
    assert made.account is not None


def test_each_server_has_its_own_sign_in(desk: Desk) -> None:
    made = desk.signed_in()
    made.add_profile("192.168.7.9", "school")
    listed = desk.next()
    assert isinstance(listed, ProfilesListed)
    assert listed.active.name == "school"
    assert desk.next() == AccountChanged(listed.active, SignInState.OUT)
    assert made.account is None
    made.choose_profile(desk.at.id)
    desk.next()
    assert desk.next() == AccountChanged(desk.at, SignInState.IN, USER)
    made.forget_profile(desk.at.id)
    assert desk.next() == ProfilesListed((PARTICLE, listed.active), PARTICLE)
    assert desk.next() == AccountChanged(PARTICLE, SignInState.OUT)
    assert desk.store is not None
    assert not desk.store.held


def test_what_was_meant_for_one_server_never_reaches_another(desk: Desk) -> None:
    accounts = desk.signed_in()
    seen = desk.at.id
    with CloudServer() as other:
        other.user(USER, PASSWORD)
        other.board(MINE, owner=USER, name="mine")
        accounts.add_profile(other.address, "other", Kind.PARTICLE)
        assert isinstance(desk.next(), ProfilesListed)
        changed = desk.next()
        assert isinstance(changed, AccountChanged)
        accounts.sign_in(USER, PASSWORD, at=seen)
        accounts.use_token("0123456789abcdef", at=seen)
        for _ in range(2):
            failed = desk.next()
            assert isinstance(failed, AccountFailed)
            assert failed.code == "account.another-cloud"
        assert other.asked == []
        accounts.sign_in(USER, PASSWORD, at=changed.profile.id)
        assert isinstance(desk.next(), AccountChanged)
        asked = len(other.asked)
        accounts.release(MINE, at=seen)
        accounts.rename(MINE, "new", at=seen)
        accounts.blink(MINE, on=True, at=seen)
        for _ in range(3):
            failed = desk.next()
            assert isinstance(failed, AccountFailed)
            assert failed.code == "account.another-cloud"
        assert len(other.asked) == asked
        assert other.boards[MINE].owner == USER


def test_an_address_that_is_none_is_a_failed_order(desk: Desk) -> None:
    made = desk.signed_in()
    made.add_profile("http://8.8.8.8")
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.code == "account.not-encrypted"
    assert made.account is not None


def test_the_same_list_is_not_asked_for_twice_at_once(desk: Desk) -> None:
    made = desk.signed_in()
    hold = threading.Event()
    begun = threading.Event()
    real = desk.server._answer

    def slow(asked: object) -> object:
        begun.set()
        hold.wait(WAIT_S)
        return real(asked)  # type: ignore[arg-type]

    desk.server._answer = slow  # type: ignore[method-assign]
    made.list_boards()
    assert begun.wait(WAIT_S)
    made.list_boards()
    made.list_boards()
    hold.set()
    assert isinstance(desk.next(), DevicesListed)
    made.list_profiles()
    assert isinstance(desk.next(), ProfilesListed)


def test_a_stop_ends_what_is_under_way_and_what_waits(desk: Desk) -> None:
    made = desk.signed_in()
    desk.server.failures = [Failure(times=10_000, status=503, headers={"Retry-After": "20"})]
    here = threading.Event()
    go_on = threading.Event()
    pause = desk.clock.pause

    def slowly(seconds: float) -> None:
        here.set()
        go_on.wait(WAIT_S)
        pause(seconds)

    desk.clock.pause = slowly  # type: ignore[method-assign]
    made.list_boards()
    made.rename(MINE, "new")
    assert here.wait(WAIT_S)
    made.cancel()
    go_on.set()
    assert desk.next() == AccountStopped(AccountOrder.LIST)
    assert desk.next() == AccountStopped(AccountOrder.BOARD)
    desk.server.failures = []
    made.list_boards()
    assert isinstance(desk.next(), DevicesListed)


def test_a_locked_store_at_the_start_is_a_note(desk: Desk) -> None:
    assert desk.store is not None
    desk.store.error = RuntimeError("locked")
    desk.start()
    changed = desk.next()
    assert isinstance(changed, AccountChanged)
    assert changed.state is SignInState.OUT
    assert changed.note is not None
    assert "locked" in changed.note.english()


def test_no_store_is_a_note_at_the_sign_in(desk: Desk) -> None:
    desk.store = None
    made = desk.start()
    assert desk.next() == AccountChanged(desk.at, SignInState.OUT)
    made.sign_in(USER, PASSWORD)
    changed = desk.next()
    assert isinstance(changed, AccountChanged)
    assert changed.note is not None
    assert "until the program ends" in changed.note.english()


def test_a_mistake_of_ours_ends_the_order_and_not_the_thread(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    made = desk.signed_in()
    made.release("not an id")
    failed = desk.next()
    assert isinstance(failed, AccountFailed)
    assert failed.code == "bug"
    assert "ValueError" in failed.detail
    made.list_boards()
    assert isinstance(desk.next(), DevicesListed)
    assert "failed" in caplog.text


def test_no_event_holds_a_secret(desk: Desk) -> None:
    heard: list[str] = []
    made = desk.signed_in()
    token = made.required().token.value
    made.list_boards()
    made.sign_in(USER, "wrong password")
    made.release(AWAY)
    for _ in range(3):
        heard.append(repr(desk.next()))
    assert [each for each in heard if token in each or "wrong password" in each or PASSWORD in each] == []
    assert token not in repr(made.account)


def test_the_person_s_own_accounts_are_made_without_touching_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    made = module.accounts(heard.put, FastClock(), (), practice=True, tokens=TokenStore(lambda: None))
    made.start()
    assert heard.get(timeout=WAIT_S) == ProfilesListed((PARTICLE,), PARTICLE)
    assert heard.get(timeout=WAIT_S) == AccountChanged(PARTICLE, SignInState.OUT)
    made.stop()
    assert made.join(WAIT_S)
    assert list(tmp_path.iterdir()) == []


def test_a_start_waits_neither_for_the_library_that_asks_servers_nor_for_the_one_that_keeps_secrets() -> None:
    code = (
        "import sys, app.engine.accounts, app.engine.engine;"
        "print(*sorted({'httpx', 'keyring', 'truststore', 'cryptography', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
