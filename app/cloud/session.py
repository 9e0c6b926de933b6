"""Signing in at a server and out again: what an account is, how it is proven, kept, and forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.account_faults import CloudDoesNotOffer, OneTimeCodeNeeded, SignInRefused, TokenRefused
from app.cloud.profiles import Profile
from app.cloud.tokens import NOT_FORGOTTEN, NOTES, Kept, SavedSignIn, TokenStore
from app.faults import Fault
from app.text import Text, text

if TYPE_CHECKING:
    from app.cloud.client import CloudClient, Token

log = logging.getLogger(__name__)

MakeClient = Callable[[Profile, Callable[[], None]], "CloudClient"]
"""Makes what asks a profile's server; the second argument is called now and then and raises Cancelled to stop."""

STILL_VALID = text(
    "Session",
    "You are signed out on this computer. {host} could not be told, so the old sign-in stays valid there until it ends "
    "by itself. Where the cloud lists your sign-ins, you can end it earlier.",
)
NEEDS_PASSWORD = text(
    "Session",
    "You are signed out on this computer. {host} ends a sign-in only with your password, so the old one stays valid "
    "there until it ends by itself (a local cloud: 90 days after it began).",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is signed in somewhere. Its repr holds no secret.

    Attributes:
        profile: Where.
        user: User name; "" if the server does not tell whose a token is.
        token: The proof.
        kept: Where the sign-in is kept.
    """

    profile: Profile
    user: str
    token: Token
    kept: Kept

    @property
    def note(self) -> Text | None:
        """What the person has to know about where the sign-in is kept."""
        return NOTES[self.kept]


@dataclass(frozen=True, slots=True)
class SignedOut:
    """How signing out ended: here it always does.

    Attributes:
        revoked: Whether the server made the token worthless.
        note: What the person has to know; None if all is done.
    """

    revoked: bool
    note: Text | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sessions:
    """Signs in and out. Everything waits for network and store: never in the window's thread."""

    def __init__(self, tokens: TokenStore, make_client: MakeClient, *, now: Callable[[], datetime] = _utc_now) -> None:
        """Take what is needed.

        Args:
            tokens: Where sign-ins are kept.
            make_client: Makes what asks a server.
            now: The time, with its zone.
        """
        self._tokens = tokens
        self._make_client = make_client
        self._now = now

    def restore(self, profile: Profile) -> tuple[Account | None, Kept]:
        """Return the account that is kept for a profile, without asking the server: offline is no trouble here.

        A token that ended by itself is forgotten. The second value tells whether the store could be looked into.
        """
        from app.cloud.client import Token

        saved, kept = self._tokens.load(profile)
        if saved is None:
            return None, kept
        if saved.ends is not None and saved.ends <= self._now():
            log.info("the sign-in kept has ended by itself")
            self._tokens.forget(profile)
            return None, kept
        return Account(profile, saved.user, Token(saved.token, saved.ends), kept), kept

    def sign_in(self, profile: Profile, user: str, password: str, check: Callable[[], None] = lambda: None) -> Account:
        """Sign in with user name and password.

        Raises:
            OneTimeCodeNeeded: Go on with `enter_code`.
            SignInRefused: They do not fit.
            Fault: The server cannot be asked, see `CloudClient`.
        """
        with self._make_client(profile, check) as client:
            return self._kept(profile, user.strip(), client.sign_in(user.strip(), password))

    def enter_code(
        self,
        profile: Profile,
        user: str,
        needed: OneTimeCodeNeeded,
        code: str,
        check: Callable[[], None] = lambda: None,
    ) -> Account:
        """Finish signing in with a one-time code.

        Raises:
            OneTimeCodeRefused: It is wrong or too old; another one may be tried.
            Fault: The server cannot be asked.
        """
        with self._make_client(profile, check) as client:
            return self._kept(profile, user.strip(), client.one_time_code(needed.mfa_token, code))

    def use_token(self, profile: Profile, words: str, check: Callable[[], None] = lambda: None) -> Account:
        """Sign in with a token that was made elsewhere.

        Raises:
            TokenMalformed: It is none.
            TokenRefused: The server does not accept it.
            Fault: The server cannot be asked.
        """
        from app.cloud.client import pasted_token

        token = pasted_token(words)
        with self._make_client(profile, check) as client:
            try:
                user = client.who(token).name
            except CloudDoesNotOffer:  # a local cloud: its list of boards is behind the same door
                client.devices(token)
                user = ""
        return self._kept(profile, user, token)

    def sign_out(
        self, account: Account, password: str = "", code: str = "", check: Callable[[], None] = lambda: None
    ) -> SignedOut:
        """Forget the sign-in here, and have the server make it worthless. Never raises but what `check` raises.

        Args:
            account: Who.
            password: A local cloud ends a sign-in only with it; "" for none.
            code: A one-time code, for an account with a second step, only with the password.
            check: Called now and then.
        """
        forgotten = self._tokens.forget(account.profile)
        revoked, note = False, None
        try:
            with self._make_client(account.profile, check) as client:
                client.revoke(account.token, user=account.user, password=password, code=code)
            revoked = True
        except TokenRefused:  # worthless already
            revoked = True
        except (CloudDoesNotOffer, SignInRefused):
            note = NEEDS_PASSWORD.with_values(host=account.profile.host)
        except Fault as fault:
            log.info("signing out: %s %s", fault.code, fault.detail)
            note = STILL_VALID.with_values(host=account.profile.host)
        return SignedOut(revoked, note if forgotten else NOT_FORGOTTEN)

    def forget(self, profile: Profile) -> None:
        """Forget a sign-in that the server refused: it is worthless."""
        self._tokens.forget(profile)

    def client(self, account: Account, check: Callable[[], None] = lambda: None) -> CloudClient:
        """Return what asks the account's server; the caller closes it."""
        return self._make_client(account.profile, check)

    def _kept(self, profile: Profile, user: str, token: Token) -> Account:
        kept = self._tokens.keep(profile, SavedSignIn(user, token.value, token.ends))
        return Account(profile, user, token, kept)
