"""Asks one account server: the requests of device-protocol.md 10.2, and what a local cloud answers differently (10.3).

The specification names requests, not answers. What answers look like beyond it is from public descriptions of the
Particle interface and of local clouds' programs, and is read with tolerance: unknown fields are passed over, `online`
and `connected` mean the same, missing ones are unknown.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import httpx
import truststore

from app import log as program_log
from app.account_faults import (
    BoardNameRefused,
    CloudDoesNotOffer,
    CloudNameNotFound,
    CloudNotEncrypted,
    CloudNotTrusted,
    CloudProxyUnusable,
    CloudSilent,
    CloudSilentMaybeDone,
    CloudTooOften,
    CloudTrouble,
    CloudTroubleMaybeDone,
    CloudUnreachable,
    KeyKindNotTaken,
    NotTheCloud,
    OneTimeCodeNeeded,
    TokenMalformed,
)
from app.clock import Clock, Deadline
from app.cloud.answers import FIRST_REFUSAL, FIRST_TROUBLE, REPEATABLE, Call, meaning
from app.cloud.profiles import CloudServer, Profile, is_address, is_private
from app.faults import Fault
from app.keys.letter import PublicKeyLetter

_log = logging.getLogger(__name__)

CONNECT_S = 10.0
READ_S = 12.0
"""How long nothing may come before the answer counts as lost; so long a stop can take at worst."""
WHOLE_S = 60.0
"""How long one answer may take from its first byte to its last."""
TRIES = 3
"""How often a call that may be repeated is sent at most."""
FIRST_PAUSE_S = 1.0
"""Before the second try; before each further one three times as long."""
LONGEST_PAUSE_S = 20.0
"""A server that wants a longer pause is not waited for: the person is told."""
SLICE_S = 0.1
"""How often a pause looks whether it shall stop."""
LIST_BYTES = 32 * 1024 * 1024
"""The most a list of boards may have: 10,000 of them have about 8 MB."""
ANSWER_BYTES = 256 * 1024
"""The most any other answer may have."""
LONGEST_TEXT = 200
"""Longest name or other text of a board that is believed."""

CLIENT_ID = "CLI2"
CLIENT_SECRET = "client_secret_here"  # the public one of all command-line clients (10.2), no secret
CODE_LENGTH = 63
"""Length of a claim code (device-protocol.md 10.2)."""

_ID = re.compile(r"[0-9a-f]{24}")
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_CLAIM_CODE = re.compile(r"[\x21-\x7e]{63}")
_SAID = re.compile(r"[A-Za-z0-9_ .,'-]{1,60}")
_TOKEN_PATH = "/v1/access_tokens/"


class _NoTokenInLog(logging.Filter):
    """One request has the token in its address (10.2), and the library logs addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _TOKEN_PATH not in record.getMessage()


_quiet = _NoTokenInLog()
for _chatty in ("httpx", "httpcore.http11", "httpcore.connection", "httpcore.proxy", "httpcore.http2"):
    logging.getLogger(_chatty).addFilter(_quiet)


@dataclass(frozen=True, slots=True)
class Token:
    """What proves to a server who asks.

    Attributes:
        value: The secret itself; in no repr.
        ends: When it ends by itself; None when the server did not say, or never.
    """

    value: str = field(repr=False)
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """What a board shows the cloud so that it becomes one of the account's.

    Attributes:
        value: 63 characters; in no repr.
    """

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloudBoard:
    """A board as the server knows it.

    Attributes:
        id: 24 lower-case hex digits.
        name: "" when it has none.
        online: Whether it is connected now; None when the server does not say.
        last_heard: When it was heard of last, with its zone; None when the server does not say.
        platform_id: 0 Core, 6 Photon, 8 P1, 10 Electron; None when the server does not say.
        system_version: Of its firmware, for example `2.2.0`; "" when the server does not say.
        owner: Whose it is; "" when the server does not say.
        needs_deep_update: What a local cloud says of a Core (device-protocol.md 10.3).
    """

    id: str
    name: str = ""
    online: bool | None = None
    last_heard: datetime | None = None
    platform_id: int | None = None
    system_version: str = ""
    owner: str = ""
    needs_deep_update: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Who a token belongs to."""

    name: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of claiming.

    Attributes:
        id: The board.
        transfer_requested: The owner was asked to hand it over; it is not yours yet.
        certain: Whether the server keeps whose a board is: a local cloud only says yes (device-protocol.md 10.3).
    """

    id: str
    transfer_requested: bool = False
    certain: bool = True


def make_http(profile: Profile) -> httpx.Client:
    """Return what asks the server of a profile.

    Proxies (HTTP, SOCKS 5) are those of the environment and of the system's settings, but never for a server that is
    asked without encryption: that one is in the own network. Certificates are judged by the system's store. Nothing is
    followed elsewhere: a password goes to no address but the one the person chose.

    Raises:
        CloudProxyUnusable: The proxy's setting is wrong.
    """
    try:
        return httpx.Client(
            verify=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=profile.encrypted,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            follow_redirects=False,
            # No compression: a small answer that unfolds into a huge one must not be possible.
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "rekindle"},
        )
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        # Only the kind of error: its words may hold the proxy's password.
        raise CloudProxyUnusable(type(error).__name__, host=profile.host) from None


def resolve(host: str) -> tuple[str, ...]:
    """Return the IP addresses of a name, IPv4 first: the servers of local clouds listen there.

    Raises:
        OSError: It has none.
    """
    found = dict.fromkeys(str(row[4][0]) for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    return tuple(sorted(found, key=lambda address: ":" in address))


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CloudClient:
    """One server, asked by one thread at a time. Every method but `close` waits for the network: never in the window.

    Every method raises, besides what it says itself: `CloudNameNotFound`, `CloudUnreachable`, `CloudSilent`,
    `CloudNotTrusted`, `CloudProxyUnusable`, `NotTheCloud`, `CloudTrouble`, `CloudTooOften`, `CloudNotEncrypted`, what
    `app.cloud.answers` has for a refusal, and what `check` raises. No exception holds a password, code or token.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        clock: Clock,
        check: Callable[[], None] = lambda: None,
        http: Callable[[Profile], httpx.Client] = make_http,
        now: Callable[[], datetime] = _utc_now,
        resolve: Callable[[str], tuple[str, ...]] = resolve,
    ) -> None:
        """Take what is needed; nothing is asked yet.

        Args:
            profile: The server.
            clock: What pauses between tries go through.
            check: Called between pieces and pauses; raises Cancelled to stop.
            http: Makes what asks.
            now: The time, with its zone.
            resolve: Finds the addresses of a name.
        """
        self.profile = profile
        self._clock = clock
        self._check = check
        self._now = now
        self._resolve = resolve
        self._http = http(profile)
        self._secrets: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    # --- signing in and out ---

    def sign_in(self, user: str, password: str) -> Token:
        """Sign in.

        Raises:
            SignInRefused: User name and password do not fit.
            OneTimeCodeNeeded: They do, and the server wants a one-time code, too: `one_time_code` goes on.
        """
        self._keep_secret(password)
        form = {
            "username": user,
            "password": password,
            "grant_type": "password",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        return self._token(self._ask(Call.SIGN_IN, "POST", "/oauth/token", form=form))

    def one_time_code(self, mfa_token: str, code: str) -> Token:
        """Finish signing in to an account with a second step.

        Args:
            mfa_token: From `OneTimeCodeNeeded`.
            code: What the person's authenticator app shows; spaces in it do not count.

        Raises:
            OneTimeCodeRefused: It is wrong or too old.
        """
        otp = "".join(code.split())
        self._keep_secret(mfa_token)
        self._keep_secret(otp)
        form = {
            "grant_type": "urn:custom:mfa-otp",
            "mfa_token": mfa_token,
            "otp": otp,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        return self._token(self._ask(Call.ONE_TIME_CODE, "POST", "/oauth/token", form=form))

    def revoke(self, token: Token, *, user: str = "", password: str = "", code: str = "") -> None:
        """Make a token worthless.

        Args:
            token: Which.
            user: With the password.
            password: "" for none; a local cloud ends a token only with it.
            code: A one-time code for an account that has a second step, only with the password.

        Raises:
            CloudDoesNotOffer: This server does not do it without a password.
            SignInRefused: User name and password do not fit.
        """
        if not password:
            if self.profile.kind is CloudServer.LOCAL:
                raise CloudDoesNotOffer(host=self.profile.host)
            # Not in the specification, which knows the way with a password only; publicly described as ending the
            # token that the request itself carries.
            self._ask(Call.REVOKE, "DELETE", f"{_TOKEN_PATH}current", token=token)
            return
        self._keep_secret(password)
        self._keep_secret(token.value)
        otp = "".join(code.split())
        self._keep_secret(otp)
        path = f"{_TOKEN_PATH}{quote(token.value, safe='')}" + (f"?otp={quote(otp, safe='')}" if otp else "")
        self._ask(Call.REVOKE, "DELETE", path, basic=(user, password))

    def who(self, token: Token) -> User:
        """Tell whose a token is.

        Raises:
            CloudDoesNotOffer: A local cloud may not know.
        """
        answer = self._ask(Call.WHO, "GET", "/v1/user", token=token)
        name = _words(_mapping(answer), "username")
        if not name:
            raise self._wrong(Call.WHO, "no username")
        return User(name)

    # --- boards ---

    def devices(self, token: Token) -> tuple[CloudBoard, ...]:
        """List the account's boards, or all that a local cloud knows. One answer has them all: there are no pages."""
        answer = self._ask(Call.DEVICES, "GET", "/v1/devices", token=token, most=LIST_BYTES)
        if not isinstance(answer, list):
            raise self._wrong(Call.DEVICES, "no list")
        found: dict[str, CloudBoard] = {}
        for row in answer:
            board = _board(row)
            if board is not None:
                found.setdefault(board.id, board)
        if len(found) < len(answer):
            _log.info("%d rows of the list of boards were passed over", len(answer) - len(found))
        return tuple(found.values())

    def device(self, token: Token, device_id: str) -> CloudBoard:
        """Look at one board.

        Raises:
            BoardNotYours: It is not in the account.
            BoardUnknownToCloud: The server does not know it.
        """
        answer = self._ask(Call.DEVICE, "GET", f"/v1/devices/{_checked(device_id)}", token=token)
        board = _board(answer)
        if board is None or board.id != device_id:
            raise self._wrong(Call.DEVICE, "another board, or none")
        return board

    def claim(self, token: Token, device_id: str, *, request_transfer: bool = False) -> Claim:
        """Make a board one of the account's. It must be online.

        Args:
            token: Whose it shall be.
            device_id: 24 lower-case hex digits.
            request_transfer: Ask the owner for it, if it has one.

        Raises:
            BoardOfSomeoneElse: It has an owner.
            BoardNotOnline: It is not connected.
            CloudDoesNotOffer: An old local cloud: whatever connects to it is in its list.
        """
        form = {"id": _checked(device_id)}
        if request_transfer:
            form["request_transfer"] = "true"
        call = Call.TRANSFER if request_transfer else Call.CLAIM
        self._ask(call, "POST", "/v1/devices", token=token, form=form)
        return Claim(device_id, request_transfer, self.profile.kind is CloudServer.PARTICLE)

    def release(self, token: Token, device_id: str) -> None:
        """Let a board go: it belongs to nobody then.

        Raises:
            BoardNotYours: It is not in the account.
            CloudDoesNotOffer: A local cloud (device-protocol.md 10.3).
        """
        self._ask(Call.RELEASE, "DELETE", f"/v1/devices/{_checked(device_id)}", token=token)

    def rename(self, token: Token, device_id: str, name: str) -> str:
        """Give a board another name; return the one it has now.

        Raises:
            BoardNameRefused: The server does not take it.
        """
        call = Call.RENAME
        answer = self._ask(call, "PUT", f"/v1/devices/{_checked(device_id)}", token=token, form={"name": name})
        now = _words(_mapping(answer), "name")
        if now and now != name:
            raise BoardNameRefused(f"{call.value}: another name came back", host=self.profile.host)
        return name

    def signal(self, token: Token, device_id: str, *, on: bool) -> None:
        """Make a board shout rainbows, or stop it.

        Raises:
            BoardNotOnline: It is not connected.
        """
        form = {"signal": "1" if on else "0"}
        self._ask(Call.SIGNAL, "PUT", f"/v1/devices/{_checked(device_id)}", token=token, form=form)

    def send_key(self, token: Token, letter: PublicKeyLetter) -> None:
        """Tell the server a board's public key.

        Raises:
            KeyRefusedByCloud: It does not take it.
            KeyKindNotTaken: A local cloud, and the key is none of RSA (device-protocol.md 10.3).
        """
        if self.profile.kind is CloudServer.LOCAL and letter.algorithm != "rsa":
            raise KeyKindNotTaken(letter.algorithm)
        form = {
            "deviceID": letter.device_id,
            "publicKey": letter.public_pem,
            "order": f"manual_{int(self._now().timestamp() * 1000)}",
            "filename": "cli",
            "algorithm": letter.algorithm,
        }
        self._ask(Call.SEND_KEY, "POST", f"/v1/provisioning/{_checked(letter.device_id)}", token=token, form=form)

    def claim_code(self, token: Token) -> ClaimCode:
        """Get a code that makes the board which shows it one of the account's."""
        answer = _mapping(self._ask(Call.CLAIM_CODE, "POST", "/v1/device_claims", token=token))
        code = answer.get("claim_code")
        if not isinstance(code, str) or not _CLAIM_CODE.fullmatch(code):
            raise self._wrong(Call.CLAIM_CODE, "no code of 63 characters")
        self._keep_secret(code)
        return ClaimCode(code)

    # --- how it is asked ---

    def _ask(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        token: Token | None = None,
        form: Mapping[str, str] | None = None,
        basic: tuple[str, str] | None = None,
        most: int = ANSWER_BYTES,
    ) -> object:
        """Ask, again where that is right; return what JSON was answered."""
        headers = {}
        if token is not None:
            self._keep_secret(token.value)
            # The header alone: with two ways at once some servers refuse, and addresses end up in logs.
            headers["Authorization"] = f"Bearer {token.value}"
        auth = httpx.BasicAuth(*map(_writable, basic)) if basic else None
        tries = TRIES if call in REPEATABLE else 1
        pause = FIRST_PAUSE_S
        while True:
            self._check()
            tries -= 1
            try:
                return self._once(call, method, path, headers, auth, form, most)
            except _Again as again:
                wait = pause if again.wait is None else again.wait
                if not tries or wait > LONGEST_PAUSE_S:
                    raise again.fault from None
                _log.info("%s: %s, once more in %.0f s", call.value, again.fault.code, wait)
            self._pause(wait)
            pause *= 3

    def _once(
        self,
        call: Call,
        method: str,
        path: str,
        headers: Mapping[str, str],
        auth: httpx.Auth | None,
        form: Mapping[str, str] | None,
        most: int,
    ) -> object:
        base, host_header = self._base()
        # What no alphabet can write becomes a question mark: the error for it would carry the whole text along.
        data = None if form is None else {name: _writable(value) for name, value in form.items()}
        request = self._http.build_request(method, base + path, headers={**headers, **host_header}, data=data)
        with self._translated(call):
            answer = self._http.send(request, auth=auth, stream=True)
            try:
                body = self._body(call, answer, most)
            finally:
                answer.close()
        return self._read(call, answer, body)

    def _base(self) -> tuple[str, dict[str, str]]:
        """Return where to send to: without encryption only to an address that is known to be in the own network."""
        profile = self.profile
        if profile.encrypted:
            return profile.base_url, {}
        host = profile.host
        if is_address(host):
            addresses: tuple[str, ...] = (host,)
        else:
            try:
                addresses = self._resolve(host)
            except (OSError, UnicodeError) as error:
                raise CloudNameNotFound(type(error).__name__, host=host) from None
        if not addresses or not all(is_private(address) for address in addresses):
            raise CloudNotEncrypted(host=host)
        parts = urlsplit(profile.base_url)
        # Asked under the very address that was looked at: a name could have another one a moment later.
        chosen = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        return f"http://{chosen}" + (f":{parts.port}" if parts.port else ""), {"Host": parts.netloc}

    @contextlib.contextmanager
    def _translated(self, call: Call) -> Iterator[None]:
        """Turn what the network does into faults; only kinds of errors, their words may hold a proxy's password."""
        host = self.profile.host
        try:
            yield
        except httpx.ConnectTimeout as error:
            raise _Again(CloudSilent(_kind(error), host=host)) from None
        except httpx.ProxyError as error:
            raise CloudProxyUnusable(_kind(error), host=host) from None
        except httpx.ConnectError as error:
            raise self._unreachable(error) from None
        except httpx.TransportError as error:
            # Sent, perhaps; whether it was carried out nobody knows.
            silent = CloudSilentMaybeDone if call in _ONCE_ONLY else CloudSilent
            raise _Again(silent(_kind(error), host=host)) from None

    def _unreachable(self, error: Exception) -> Fault:
        host = self.profile.host
        chain: list[BaseException] = []
        inner: BaseException | None = error
        while inner is not None and inner not in chain:
            chain.append(inner)
            inner = inner.__cause__ or inner.__context__
        for each in chain:
            if isinstance(each, ssl.SSLCertVerificationError):
                return CloudNotTrusted(each.verify_message or _kind(each), host=host)
        if any(isinstance(each, ssl.SSLError) for each in chain):
            return NotTheCloud("no TLS", host=host)
        if self.profile.encrypted and _proxied(self.profile.base_url):
            return CloudProxyUnusable(_kind(error), host=host)
        if any(isinstance(each, socket.gaierror) for each in chain):
            return CloudNameNotFound(_kind(error), host=host)
        return CloudUnreachable(_kind(error), host=host)

    def _body(self, call: Call, answer: httpx.Response, most: int) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise self._wrong(call, "a compressed answer")
        came = bytearray()
        deadline = Deadline(self._clock, WHOLE_S)
        for piece in answer.iter_raw():
            came += piece
            self._check()
            if len(came) > most:
                raise self._wrong(call, f"more than {most} bytes")
            if deadline.passed():
                silent = CloudSilentMaybeDone if call in _ONCE_ONLY else CloudSilent
                raise _Again(silent("too slow", host=self.profile.host))
        return bytes(came)

    def _read(self, call: Call, answer: httpx.Response, body: bytes) -> object:
        """Return what was answered, or raise what it means."""
        status = answer.status_code
        page = body.lstrip()[:1] == b"<"
        if status >= FIRST_REFUSAL:
            if (
                page
                and self.profile.kind is CloudServer.PARTICLE
                and status < FIRST_TROUBLE
                and status not in (407, 429)
            ):
                raise self._wrong(call, f"a page, status {status}")
            raise self._refusal(call, status, _json(body), answer.headers.get("Retry-After", ""))
        if not 200 <= status < 300:
            raise self._wrong(call, f"status {status}")  # sent elsewhere, for example to a hotel's sign-in page
        if not body.strip():
            return {}
        content = _json(body)
        if content is None:
            if self.profile.kind is CloudServer.LOCAL and call is Call.SEND_KEY and body.strip() == b"Success!":
                return {}  # what a local cloud says (device-protocol.md 10.3)
            raise self._wrong(call, "no JSON")
        if isinstance(content, dict) and (content.get("error") or content.get("errors") or content.get("ok") is False):
            raise self._refusal(call, status, content, "")
        return content

    def _refusal(self, call: Call, status: int, content: object, retry_after: str) -> Exception:
        host = self.profile.host
        said = _said(content)
        mfa_token = content.get("mfa_token") if isinstance(content, dict) else None
        if call is Call.SIGN_IN and "mfa_required" in said and isinstance(mfa_token, str) and mfa_token:
            self._keep_secret(mfa_token)
            return OneTimeCodeNeeded(mfa_token)
        kind = meaning(call, self.profile.kind, status, said)
        detail = f"{call.value}: {status} {self._told(content)}".rstrip()
        wait = self._wait(retry_after)
        if issubclass(kind, CloudTooOften):
            return _Again(CloudTooOften(detail, wait=wait, host=host), wait)
        if issubclass(kind, CloudTrouble | CloudSilent):
            if call in _ONCE_ONLY:
                kind = CloudTroubleMaybeDone if issubclass(kind, CloudTrouble) else CloudSilentMaybeDone
            return _Again(kind(detail, host=host, status=status), wait)
        return kind(detail, host=host, status=status)

    def _told(self, content: object) -> str:
        """Return the server's short name of the error, if it can hold no secret: some servers repeat what was sent."""
        words = content.get("error") if isinstance(content, dict) else None
        if not isinstance(words, str) or not _SAID.fullmatch(words):
            return ""
        return "" if any(secret in words for secret in self._secrets) else words

    def _wait(self, retry_after: str) -> int | None:
        """Return the seconds a server wants to be left alone; it tells them or a time."""
        value = retry_after.strip()
        if re.fullmatch(r"[0-9]{1,6}", value):
            return int(value)
        if not value:
            return None
        try:
            when = email.utils.parsedate_to_datetime(value)
            return max(0, int((when - self._now()).total_seconds()) + 1)
        except (ValueError, TypeError, OverflowError):
            return None

    def _pause(self, seconds: float) -> None:
        deadline = Deadline(self._clock, seconds)
        while not deadline.passed():
            self._check()
            self._clock.pause(min(SLICE_S, deadline.left))

    def _token(self, answer: object) -> Token:
        content = _mapping(answer)
        value = content.get("access_token")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise self._wrong(Call.SIGN_IN, "no token")
        self._keep_secret(value)
        seconds = content.get("expires_in")
        ends = None
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _A_CENTURY_S:
            ends = self._now() + timedelta(seconds=seconds)
        return Token(value, ends)

    def _wrong(self, call: Call, why: str) -> NotTheCloud:
        return NotTheCloud(f"{call.value}: {why}", host=self.profile.host)

    def _keep_secret(self, secret: str) -> None:
        program_log.keep_secret(secret)
        if len(secret) >= program_log.SHORTEST_SECRET:
            self._secrets.add(secret)


_ONCE_ONLY = frozenset({Call.CLAIM, Call.TRANSFER, Call.RELEASE, Call.SEND_KEY})
_OWN_WORDS = frozenset(range(FIRST_REFUSAL, FIRST_TROUBLE)) - {407, 429}
"""Refusals that Particle explains in JSON; pages under these are from something on the way (407, 429: also)."""
_A_CENTURY_S = 100 * 365 * 86400


class _Again(Exception):
    """What may be over when the same is asked again."""

    def __init__(self, fault: Fault, wait: int | None = None) -> None:
        super().__init__()
        self.fault = fault
        self.wait = wait


def pasted_token(words: str) -> Token:
    """Return the token in what a person pasted.

    Raises:
        TokenMalformed: There is none.
    """
    value = words.strip().strip("\"'")
    program_log.keep_secret(value)
    if not _TOKEN.fullmatch(value):
        raise TokenMalformed
    return Token(value)


def _writable(words: str) -> str:
    return words.encode("utf-8", "replace").decode()


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _proxied(url: str) -> bool:
    """Whether the environment or the system has a proxy for this address."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(parts.hostname or "")


def _checked(device_id: str) -> str:
    if not _ID.fullmatch(device_id):
        raise ValueError("a device ID has 24 lower-case hex digits")
    return device_id


def _json(body: bytes) -> object:
    """Return JSON as it was read; None for what is none."""
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content


def _mapping(answer: object) -> dict[str, object]:
    return answer if isinstance(answer, dict) else {}


def _said(content: object) -> str:
    """Return the server's own words, to be looked at and not shown."""
    if isinstance(content, str):
        return content[:LONGEST_TEXT]
    if not isinstance(content, dict):
        return ""
    found: list[str] = []
    several = content.get("errors")
    for words in (content.get("error"), content.get("error_description"), content.get("info"), content.get("message")):
        if isinstance(words, str):
            found.append(words[:LONGEST_TEXT])
    for each in several[:10] if isinstance(several, list) else ():
        words = each.get("error") if isinstance(each, dict) else each
        if isinstance(words, str):
            found.append(words[:LONGEST_TEXT])
    return " ".join(found).lower()


def _words(row: Mapping[str, object], key: str) -> str:
    """Return a text of a board or user without what could not be shown."""
    value = row.get(key)
    if not isinstance(value, str):
        return ""
    return "".join(each for each in value if each.isprintable())[:LONGEST_TEXT]


def _board(row: object) -> CloudBoard | None:
    if not isinstance(row, dict):
        return None
    device_id = row.get("id")
    if not isinstance(device_id, str) or not _ID.fullmatch(device_id.lower()):
        return None
    online = next((row[key] for key in ("online", "connected") if isinstance(row.get(key), bool)), None)
    platform = next((row[key] for key in ("platform_id", "product_id") if type(row.get(key)) is int), None)
    return CloudBoard(
        id=device_id.lower(),
        name=_words(row, "name"),
        online=online,
        last_heard=_moment(row.get("last_heard")),
        platform_id=platform,
        system_version=_words(row, "system_firmware_version"),
        owner=_words(row, "owner"),
        needs_deep_update=row.get("requires_deep_update") is True,
    )


def _moment(value: object) -> datetime | None:
    """Return a time as servers write it: ISO 8601, or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
