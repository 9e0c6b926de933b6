"""One thread for everything about the account: servers, signing in and out, the list of boards, small deeds."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app import paths
from app.account_faults import AnotherCloudChosen, NotSignedIn, OneTimeCodeNeeded, OneTimeCodeRefused, TokenRefused
from app.clock import Clock
from app.cloud.profiles import CloudServer, Profile, ProfileBook, profile
from app.cloud.session import Account, MakeClient, Sessions
from app.cloud.tokens import NOT_LOOKED_UP, Kept, TokenStore
from app.engine.runner import BUG_CODE, where
from app.faults import Cancelled, Fault
from app.text import text
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
    Post,
    ProfilesListed,
    SignInState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.cloud.client import CloudClient, Token
    from app.keys.clouds import Cloud

log = logging.getLogger(__name__)

_BUG_CAUSE = text("Accounts", "The program made a mistake.")
_BUG_NEXT_STEP = text("Accounts", "Save the report and send it to us.")

LOOK_UP_S = 60.0
"""How long a job waits for the first look into the store for passwords, which may ask the person to unlock it."""
LOOK_UP_SLICE_S = 0.1

Check = Callable[[], None]
Deed = Callable[["CloudClient", "Token"], CloudDeed]


@dataclass(frozen=True, slots=True)
class _Order:
    """Something to do; what it holds may be secret, so it has no repr of that."""

    kind: AccountOrder
    work: Callable[[Check], AccountEvent]
    stopping: threading.Event
    device_id: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class _HalfWay:
    """A sign-in that waits for its one-time code."""

    profile: Profile
    user: str
    needed: OneTimeCodeNeeded


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Accounts:
    """Who is signed in where. Every method returns at once and may be called from any thread, but where it says so.

    Each order ends with exactly one of the event it names, `AccountFailed` and `AccountStopped`. Before
    `AccountFailed` with the code of `TokenRefused` comes `AccountChanged` with `SignInState.OVER`.
    """

    def __init__(
        self, book: ProfileBook, sessions: Sessions, post: Post, *, now: Callable[[], datetime] = _utc_now
    ) -> None:
        """Take what is needed; nothing happens before `start`."""
        self._book = book
        self._sessions = sessions
        self._post = post
        self._now = now
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopping = threading.Event()  # of every order given since the last `cancel`
        self._looked = threading.Event()  # once it is known whether a sign-in is kept
        self._listing = False
        self._account: Account | None = None
        self._half_way: _HalfWay | None = None
        self._thread = threading.Thread(target=self._work, name="account", daemon=True)

    # --- life ---

    def start(self) -> None:
        """Begin: `ProfilesListed` and `AccountChanged` follow. No server is asked, so being offline is no trouble."""
        self._thread.start()
        self.restore()

    def stop(self) -> None:
        """Ask the thread to end; what is under way is stopped."""
        self.cancel()
        self._orders.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the thread's end; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """Stop what is under way and all that waits; `AccountStopped` follows for each."""
        with self._lock:
            self._stopping.set()
            self._stopping = threading.Event()
            self._listing = False  # an order given now shall not count as one of those

    # --- for jobs, in their threads ---

    @property
    def account(self) -> Account | None:
        """Who is signed in at the active server."""
        with self._lock:
            return self._account

    def required(self, check: Check = lambda: None) -> Account:
        """Return who is signed in; right after `start`, wait until that is known.

        Args:
            check: Called now and then; raises Cancelled to stop.

        Raises:
            NotSignedIn: Nobody is.
        """
        waited = 0.0
        while self._thread.is_alive() and waited < LOOK_UP_S and not self._looked.wait(LOOK_UP_SLICE_S):
            check()
            waited += LOOK_UP_SLICE_S
        found = self.account
        if found is None:
            raise NotSignedIn(cloud=self._book.active().name)
        return found

    def client(self, account: Account, check: Callable[[], None] = lambda: None) -> CloudClient:
        """Return what asks an account's server, for the calling thread alone, which closes it and may wait with it."""
        return self._sessions.client(account, check)

    def refused(self, account: Account) -> None:
        """Take note that the server refused this sign-in (`TokenRefused`): `AccountChanged` follows, if it was in use.

        Waits for the system's store for passwords.
        """
        with self._lock:
            current = self._account is not None and self._account.token == account.token
            if current:
                self._account = None
        if not current:
            return
        self._sessions.forget(account.profile)
        with self._lock:
            anew = self._account is not None  # signed in again while the store was waited for: nothing is over
        if not anew:
            self._post(AccountChanged(account.profile, SignInState.OVER, account.user))

    # --- servers ---

    def restore(self) -> None:
        """Look at the profiles and at what is kept for the active one: `ProfilesListed`, then `AccountChanged`."""
        self._order(AccountOrder.RESTORE, lambda _check: self._restore())

    def list_profiles(self) -> None:
        """Ask for `ProfilesListed`."""
        self._order(AccountOrder.PROFILES, lambda _check: self._profiles())

    def choose_profile(self, profile_id: str) -> None:
        """Make a server the active one: `ProfilesListed`, then `AccountChanged`. A sign-in elsewhere stays kept."""

        def choose(_check: Check) -> AccountEvent:
            self._book.choose(profile_id)
            return self._restore()

        self._order(AccountOrder.PROFILES, choose)

    def add_profile(self, address: str, name: str = "", kind: CloudServer = CloudServer.LOCAL) -> None:
        """Add a server and make it the active one: `ProfilesListed`, then `AccountChanged`."""

        def add(_check: Check) -> AccountEvent:
            self._book.choose(self._book.add(profile(address, name=name, kind=kind)).id)
            return self._restore()

        self._order(AccountOrder.PROFILES, add)

    def forget_profile(self, profile_id: str) -> None:
        """Forget a server and its sign-in (without asking it): `ProfilesListed`, then `AccountChanged`."""

        def forget(_check: Check) -> AccountEvent:
            for each in self._book.profiles():
                if each.id == profile_id:
                    self._sessions.forget(each)
            self._book.forget(profile_id)
            return self._restore()

        self._order(AccountOrder.PROFILES, forget)

    # --- signing in and out ---

    def sign_in(self, user: str, password: str, *, at: str = "") -> None:
        """Sign in at the active server: `AccountChanged`, or `OneTimeCodeAsked`.

        Args:
            user: User name.
            password: Password.
            at: The server the person saw when they typed it: it is told to no other one. "" for the active one.
        """

        def work(check: Check) -> AccountEvent:
            active = self._active(at)
            try:
                return self._signed_in(self._sessions.sign_in(active, user, password, check))
            except OneTimeCodeNeeded as needed:
                self._half_way = _HalfWay(active, user, needed)
                return OneTimeCodeAsked(active, user)

        self._order(AccountOrder.SIGN_IN, work)

    def enter_code(self, code: str) -> None:
        """Go on after `OneTimeCodeAsked`: `AccountChanged`. After `AccountFailed` another code may be tried."""

        def work(check: Check) -> AccountEvent:
            half_way = self._half_way
            if half_way is None or half_way.profile != self._book.active():
                raise OneTimeCodeRefused(host=self._book.active().host)
            account = self._sessions.enter_code(half_way.profile, half_way.user, half_way.needed, code, check)
            return self._signed_in(account)

        self._order(AccountOrder.CODE, work)

    def use_token(self, words: str, *, at: str = "") -> None:
        """Sign in with a token that was pasted, at the server the person saw then: `AccountChanged`."""

        def work(check: Check) -> AccountEvent:
            return self._signed_in(self._sessions.use_token(self._active(at), words, check))

        self._order(AccountOrder.TOKEN, work)

    def sign_out(self, password: str = "", code: str = "") -> None:
        """Sign out, also when the server cannot be told: `AccountChanged`, whose note then says so.

        Args:
            password: A local cloud ends a sign-in only with it.
            code: A one-time code, where the account has a second step, only with the password.
        """

        def work(_check: Check) -> AccountEvent:
            self._half_way = None
            with self._lock:
                account, self._account = self._account, None
            if account is None:
                return AccountChanged(self._book.active(), SignInState.OUT)
            # Not to be stopped half-way: the sign-in is gone here already.
            note = self._sessions.sign_out(account, password, code).note
            return AccountChanged(account.profile, SignInState.OUT, note=note)

        self._order(AccountOrder.SIGN_OUT, work)

    # --- boards ---

    def list_boards(self, *, quiet: bool = False) -> None:
        """Ask for `DevicesListed`, unless that is asked already.

        Args:
            quiet: The program asks by itself, for example at its start: a failure is no error to be shown.
        """

        def work(check: Check) -> AccountEvent:
            account = self.required()
            with self.client(account, check) as client:
                return DevicesListed(account.profile, client.devices(account.token), self._now())

        self._order(AccountOrder.LIST, work, quiet=quiet)

    def release(self, device_id: str, *, at: str = "") -> None:
        """Release a board; the person has confirmed it: `CloudBoardChanged`.

        Args:
            device_id: Which.
            at: The server in whose list the person saw it: no other one is asked. "" for the active one.
        """

        def deed(client: CloudClient, token: Token) -> CloudDeed:
            client.release(token, device_id)
            return CloudDeed.RELEASED

        self._do(device_id, deed, at=at)

    def rename(self, device_id: str, name: str, *, at: str = "") -> None:
        """Give a board another name: `CloudBoardChanged`. `at` as in `release`."""

        def deed(client: CloudClient, token: Token) -> CloudDeed:
            client.rename(token, device_id, name)
            return CloudDeed.RENAMED

        self._do(device_id, deed, name, at=at)

    def blink(self, device_id: str, *, on: bool, at: str = "") -> None:
        """Make a board that is online blink in all colours, or stop it: `CloudBoardChanged`. `at` as in `release`."""

        def deed(client: CloudClient, token: Token) -> CloudDeed:
            client.signal(token, device_id, on=on)
            return CloudDeed.BLINKS if on else CloudDeed.BLINKS_NO_MORE

        self._do(device_id, deed, at=at)

    # --- inside; all of it in the account thread ---

    def _active(self, at: str) -> Profile:
        """Return the active server, if it is the one an order was given for."""
        active = self._book.active()
        if at and active.id != at:
            raise AnotherCloudChosen
        return active

    def _do(self, device_id: str, deed: Deed, name: str = "", *, at: str = "") -> None:
        def work(check: Check) -> AccountEvent:
            account = self.required()
            if at and account.profile.id != at:
                raise AnotherCloudChosen
            with self.client(account, check) as client:
                done = deed(client, account.token)
            return CloudBoardChanged(account.profile, device_id, done, name)

        self._order(AccountOrder.BOARD, work, device_id=device_id)

    def _order(
        self, kind: AccountOrder, work: Callable[[Check], AccountEvent], *, device_id: str = "", quiet: bool = False
    ) -> None:
        with self._lock:
            stopping = self._stopping
            if kind is AccountOrder.LIST:
                if self._listing:
                    return
                self._listing = True
        self._orders.put(_Order(kind, work, stopping, device_id, quiet))

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            news = self._result(order)
            self._looked.set()
            if order.kind is AccountOrder.LIST:
                with self._lock:  # before the news: who hears them may ask anew
                    self._listing = False
            self._post(news)

    def _result(self, order: _Order) -> AccountEvent:
        account = self.account

        def check() -> None:
            if order.stopping.is_set():
                raise Cancelled

        try:
            check()
            return order.work(check)
        except Cancelled:
            return AccountStopped(order.kind)
        except Fault as fault:
            log.info("account: %s: %s %s", order.kind.value, fault.code, fault.detail)
            ours = order.kind in (AccountOrder.LIST, AccountOrder.BOARD)  # else it is a token that was pasted
            if ours and isinstance(fault, TokenRefused) and account is not None:
                self.refused(account)
            failed = AccountFailed(
                order.kind, fault.code, fault.cause, fault.next_step, fault.retryable, fault.detail, order.device_id
            )
        except Exception as error:  # the window waits for an end, whatever happens
            log.exception("account: %s failed", order.kind.value)
            failed = AccountFailed(
                order.kind, BUG_CODE, _BUG_CAUSE, _BUG_NEXT_STEP, False, where(error), order.device_id
            )
        return replace(failed, quiet=order.quiet)

    def _profiles(self) -> ProfilesListed:
        return ProfilesListed(self._book.profiles(), self._book.active())

    def _restore(self) -> AccountChanged:
        self._half_way = None
        listed = self._profiles()
        self._post(listed)
        found, kept = self._sessions.restore(listed.active)
        with self._lock:
            self._account = found
        if found is None:
            note = NOT_LOOKED_UP if kept is Kept.LOCKED else None
            return AccountChanged(listed.active, SignInState.OUT, note=note)
        return AccountChanged(found.profile, SignInState.IN, found.user, found.note)

    def _signed_in(self, account: Account) -> AccountChanged:
        self._half_way = None
        with self._lock:
            self._account = account
        return AccountChanged(account.profile, SignInState.IN, account.user, account.note)


def accounts(
    post: Post,
    clock: Clock,
    clouds: Iterable[Cloud],
    *,
    practice: bool,
    tokens: TokenStore | None = None,
    make_client: MakeClient | None = None,
) -> Accounts:
    """Return the accounts of the person at this computer, with a thread of their own.

    Args:
        post: Where news go; called in the account thread.
        clock: What pauses between tries go through.
        clouds: The local clouds boards were switched to; they offer themselves.
        practice: Whether the boards are practice boards: their servers are remembered apart.
        tokens: Where sign-ins are kept; None for the system's store.
        make_client: Makes what asks a server; None for the network.
    """
    return Accounts(*book_and_sessions(clock, clouds, practice=practice, tokens=tokens, make_client=make_client), post)


def book_and_sessions(
    clock: Clock,
    clouds: Iterable[Cloud],
    *,
    practice: bool,
    tokens: TokenStore | None = None,
    make_client: MakeClient | None = None,
) -> tuple[ProfileBook, Sessions]:
    """Return what accounts are made of; the arguments are those of `accounts`."""

    def by_network(at: Profile, check: Callable[[], None]) -> CloudClient:
        from app.cloud.client import CloudClient as Client  # it brings a library only an account needs

        return Client(at, clock=clock, check=check)

    book = ProfileBook(paths.accounts_folder(practice=practice), clouds=clouds)
    return book, Sessions(tokens or TokenStore(), make_client or by_network)
