"""An account server for tests, written from device-protocol.md 10.2 and 10.3 alone: it knows nothing of `app.cloud`.

Two personalities: PARTICLE has accounts, one-time codes, owners, transfers, claim codes; LOCAL has what a spark-server
has: no one-time codes, no DELETE of a board, `POST /v1/devices` as a stub or not at all, RSA keys only, "Success!".
What the specification leaves open (statuses and bodies of refusals) follows what is publicly told of both.

It is used in this process: `with CloudServer() as server:`; state may be looked at and changed between requests.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from support.loopback import Loopback

NINETY_DAYS_S = 90 * 86400
CLIENTS = {"CLI2": "client_secret_here"}


class Personality(Enum):
    PARTICLE = "particle"
    LOCAL = "local"


@dataclass
class User:
    """One account."""

    name: str
    password: str
    otp: str = ""  # "" for an account without a second step


@dataclass
class Board:
    """One board as the server knows it."""

    id: str
    name: str = ""
    owner: str = ""  # "" for nobody
    online: bool = True
    platform_id: int = 6
    version: str = "2.2.0"
    heard: datetime = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
    signalling: bool = False
    key: str = ""
    algorithm: str = ""
    needs_deep_update: bool = False


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Failure:
    """Something to go wrong. It is played `times` times, for requests to a path that begins so.

    `status` with `body` answers that; `cut` ends the line after so many bytes of the right answer; `cut_before` ends it
    before anything is done, `after_doing` does first what was asked.
    """

    path: str = "/"
    method: str = ""
    times: int = 1
    status: int = 0
    body: bytes = b'{"error": "trouble"}'
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    after_doing: bool = True
    silent: bool = False


class Refusal(Exception):
    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class CloudServer:
    """The server; all its state is public."""

    def __init__(
        self,
        personality: Personality = Personality.PARTICLE,
        *,
        stub_claim: bool = True,
        can_change: bool = False,
        identity: ssl.SSLContext | None = None,
    ) -> None:
        """Make it.

        Args:
            personality: Whose interface it speaks.
            stub_claim: LOCAL: whether `POST /v1/devices` is a stub that says ok, or missing (10.3).
            can_change: LOCAL: whether it knows `PUT /v1/devices/:id`; the specification does not say.
            identity: For https.
        """
        self.personality = personality
        self.stub_claim = stub_claim
        self.can_change = can_change
        self.users: dict[str, User] = {}
        self.boards: dict[str, Board] = {}
        self.tokens: dict[str, tuple[str, datetime]] = {}
        self.mfa_tokens: dict[str, str] = {}
        self.claim_codes: dict[str, str] = {}
        self.transfers: list[tuple[str, str]] = []
        self.failures: list[Failure] = []
        self.asked: list[Asked] = []
        self.released = threading.Event()  # lets silent requests go
        self._turn = threading.RLock()
        self._identity = identity

    # --- the outside ---

    def __enter__(self) -> Self:
        self._server = Loopback(self._handler(), self._identity)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.close()

    @property
    def address(self) -> str:
        return self._server.address

    # --- what tests arrange ---

    def user(self, name: str = "ada@example.org", password: str = "correct horse", otp: str = "") -> User:
        self.users[name] = User(name, password, otp)
        return self.users[name]

    def board(self, device_id: str, **state: object) -> Board:
        self.boards[device_id] = Board(device_id, **state)  # type: ignore[arg-type]
        return self.boards[device_id]

    def token_for(self, user: str, seconds: float = NINETY_DAYS_S) -> str:
        token = secrets.token_hex(20)
        self.tokens[token] = (user, datetime.now(UTC) + timedelta(seconds=seconds))
        return token

    def many(self, count: int, owner: str) -> None:
        """Have that many boards."""
        for number in range(count):
            device_id = f"{number:024x}"
            self.boards[device_id] = Board(device_id, f"board-{number}", owner, online=number % 3 == 0)

    def comes_online(self, device_id: str, claim_code: str = "") -> None:
        """A board connects and, if it holds one, shows its claim code (10.1)."""
        board = self.boards.setdefault(device_id, Board(device_id))
        board.online = True
        board.heard = datetime.now(UTC)
        owner = self.claim_codes.pop(claim_code, "")
        if owner and not board.owner:
            board.owner = owner

    def approve_transfers(self) -> None:
        """Every owner agrees."""
        for device_id, user in self.transfers:
            self.boards[device_id].owner = user
        self.transfers.clear()

    # --- one request ---

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def do_GET(self) -> None:
                server._serve(self)

            do_POST = do_PUT = do_DELETE = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def _serve(self, to: BaseHTTPRequestHandler) -> None:
        raw = to.rfile.read(int(to.headers.get("Content-Length") or 0))
        asked = Asked(to.command, to.path, {name.lower(): value for name, value in to.headers.items()}, _form(to, raw))
        with self._turn:
            self.asked.append(asked)
            failure = self._failure(asked)
        if failure is not None and failure.silent:
            self.released.wait(15)
            to.close_connection = True
            return
        if failure is not None and failure.status:
            self._send(to, failure.status, failure.body, failure.headers)
            return
        if failure is not None and not failure.after_doing:
            to.close_connection = True
            return
        try:
            with self._turn:
                status, answer = 200, self._answer(asked)
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
        plain = isinstance(answer, bytes)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = {"Content-Type": "text/plain" if plain else "application/json"}
        self._send(to, status, body, headers, None if failure is None else failure.cut)

    def _failure(self, asked: Asked) -> Failure | None:
        for failure in self.failures:
            fits = asked.path.startswith(failure.path) and failure.method in ("", asked.method)
            if fits and failure.times > 0:
                failure.times -= 1
                return failure
        return None

    def _send(
        self,
        to: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        cut: int | None = None,
    ) -> None:
        to.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            to.send_header(name, value)
        if cut is not None:
            to.close_connection = True
        try:
            to.end_headers()
            to.wfile.write(body[:cut])
            to.wfile.flush()
        except OSError:  # the other side has heard enough
            to.close_connection = True

    # --- what is answered (10.2) ---

    def _answer(self, asked: Asked) -> object:
        path = urlsplit(asked.path).path
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match (asked.method, parts):
            case ("POST", ["oauth", "token"]):
                return self._sign_in(asked.form)
            case ("DELETE", ["v1", "access_tokens", "current"]) if self.personality is Personality.PARTICLE:
                del self.tokens[self._token(asked)]
                return {"ok": True}
            case ("DELETE", ["v1", "access_tokens", token]):
                return self._end_token(asked, token)
            case ("GET", ["v1", "user"]) if self.personality is Personality.PARTICLE:
                return {"username": self._who(asked), "account_info": {}}
            case ("GET", ["v1", "devices"]):
                user = self._who(asked)
                return [self._row(board) for board in self.boards.values() if self._sees(user, board)]
            case ("GET", ["v1", "devices", device_id]):
                return self._row(self._board(self._who(asked), device_id))
            case ("POST", ["v1", "devices"]):
                return self._claim(self._who(asked), asked.form)
            case ("DELETE", ["v1", "devices", device_id]) if self.personality is Personality.PARTICLE:
                self._board(self._who(asked), device_id).owner = ""
                return {"ok": True}
            case ("PUT", ["v1", "devices", device_id]) if self.personality is Personality.PARTICLE or self.can_change:
                return self._change(self._board(self._who(asked), device_id), asked.form)
            case ("POST", ["v1", "provisioning", device_id]):
                return self._key(self._who(asked), device_id, asked.form)
            case ("POST", ["v1", "device_claims"]) if self.personality is Personality.PARTICLE:
                code = secrets.token_urlsafe(64)[:63]
                self.claim_codes[code] = self._who(asked)
                return {"claim_code": code, "device_ids": []}
        if self.personality is Personality.LOCAL:
            raise Refusal(404, f"Cannot {asked.method} {path}\n".encode())
        raise Refusal(404, {"ok": False, "error": "Not Found"})

    def _sign_in(self, form: dict[str, str]) -> object:
        if CLIENTS.get(form.get("client_id", "")) != form.get("client_secret"):
            raise Refusal(400, {"error": "invalid_client", "error_description": "Client credentials are invalid"})
        if form.get("grant_type") == "urn:custom:mfa-otp" and self.personality is Personality.PARTICLE:
            name = self.mfa_tokens.get(form.get("mfa_token", ""), "")
            if not name or form.get("otp") != self.users[name].otp:
                raise Refusal(403, {"error": "invalid_grant", "error_description": "Invalid code"})
            del self.mfa_tokens[form["mfa_token"]]
            return self._made(name)
        if form.get("grant_type") != "password":
            raise Refusal(400, {"error": "invalid_request"})
        user = self.users.get(form.get("username", ""))
        if user is None or user.password != form.get("password"):
            raise Refusal(400, {"error": "invalid_grant", "error_description": "User credentials are invalid"})
        if user.otp and self.personality is Personality.PARTICLE:
            mfa_token = secrets.token_hex(20)
            self.mfa_tokens[mfa_token] = user.name
            words = "Multi-factor authentication required"
            raise Refusal(403, {"error": "mfa_required", "error_description": words, "mfa_token": mfa_token})
        return self._made(user.name)

    def _made(self, user: str) -> object:
        return {"access_token": self.token_for(user), "token_type": "bearer", "expires_in": NINETY_DAYS_S}

    def _end_token(self, asked: Asked, token: str) -> object:
        name, _, password = _basic(asked).partition(":")
        user = self.users.get(name)
        if user is None or user.password != password:
            raise Refusal(401, {"ok": False, "errors": ["Bad password"]})
        otp = parse_qs(urlsplit(asked.path).query).get("otp", [""])[0]
        if user.otp and otp != user.otp:
            raise Refusal(401, {"ok": False, "errors": ["Bad password"]})
        self.tokens.pop(token, None)
        return {"ok": True}

    def _token(self, asked: Asked) -> str:
        """The token of a request, told in exactly one of three ways."""
        query = parse_qs(urlsplit(asked.path).query)
        header = asked.headers.get("authorization", "")
        ways = [
            header.removeprefix("Bearer ") if header.startswith("Bearer ") else "",
            query.get("access_token", [""])[0],
            asked.form.get("access_token", ""),
        ]
        told = [way for way in ways if way]
        if len(told) != 1:
            raise Refusal(400, {"code": 400, "error": "invalid_request"})
        known = self.tokens.get(told[0])
        if known is None or known[1] <= datetime.now(UTC):
            # The real one repeats what it was asked, so must this one.
            words = f"The access token provided is invalid: {told[0]}"
            raise Refusal(401, {"code": 401, "error": "invalid_token", "error_description": words})
        return told[0]

    def _who(self, asked: Asked) -> str:
        return self.tokens[self._token(asked)][0]

    def _sees(self, user: str, board: Board) -> bool:
        return self.personality is Personality.LOCAL or board.owner == user

    def _board(self, user: str, device_id: str) -> Board:
        board = self.boards.get(device_id)
        if board is not None and self._sees(user, board):
            return board
        if self.personality is Personality.LOCAL:
            raise Refusal(404, "Oops, I couldn't find that core in the database")
        raise Refusal(403, {"error": "Permission Denied", "info": "I didn't recognize that device name or ID"})

    def _row(self, board: Board) -> dict[str, object]:
        heard = board.heard.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row: dict[str, object] = {
            "id": board.id,
            "name": board.name or None,
            "last_app": None,
            "last_heard": heard if board.online or self.personality is Personality.PARTICLE else None,
            "connected": board.online,
        }
        if self.personality is Personality.LOCAL:
            return row | ({"requires_deep_update": True} if board.needs_deep_update else {})
        return row | {
            "online": board.online,
            "last_ip_address": "192.0.2.7",
            "product_id": board.platform_id,
            "platform_id": board.platform_id,
            "cellular": board.platform_id == 10,
            "status": "normal",
            "functions": ["digitalread", "digitalwrite", "analogread", "analogwrite"],
            "variables": {},
            "system_firmware_version": board.version,
            "owner": board.owner,
        }

    def _claim(self, user: str, form: dict[str, str]) -> object:
        if self.personality is Personality.LOCAL:
            if not self.stub_claim:
                raise Refusal(404, b"Cannot POST /v1/devices\n")
            return {"ok": True}
        device_id = form.get("id", "")
        board = self.boards.get(device_id)
        if board is None or not board.online:
            raise Refusal(404, {"ok": False, "errors": ["Device is not connected"]})
        if board.owner not in ("", user):
            if form.get("request_transfer") != "true":
                words = "That belongs to someone else. To request a transfer add ?request_transfer=true to the URL."
                raise Refusal(403, {"ok": False, "error": words})
            self.transfers.append((device_id, user))
            return {"ok": True, "transferid": secrets.token_hex(12)}
        board.owner = user
        return {"ok": True, "user_id": secrets.token_hex(12), "id": device_id, "connected": True}

    def _change(self, board: Board, form: dict[str, str]) -> object:
        if "name" in form:
            if not form["name"] or len(form["name"]) > 60 or "/" in form["name"]:
                raise Refusal(400, {"ok": False, "error": "Name is not valid"})
            board.name = form["name"]
            return {"id": board.id, "name": board.name, "updated_at": "2024-05-01T12:00:00.000Z"}
        if form.get("signal") in ("0", "1"):
            if not board.online:
                raise Refusal(408, {"error": "Timed out."})
            board.signalling = form["signal"] == "1"
            return {"id": board.id, "connected": True, "signaling": board.signalling}
        raise Refusal(400, {"ok": False, "error": "Nothing to do"})

    def _key(self, user: str, device_id: str, form: dict[str, str]) -> object:
        key, algorithm = form.get("publicKey", ""), form.get("algorithm", "rsa")
        sound = form.get("deviceID") == device_id and key.startswith("-----BEGIN PUBLIC KEY-----")
        if self.personality is Personality.LOCAL:
            if not sound or algorithm != "rsa":
                raise Refusal(400, {"error": "Could not add the key"})
            board = self.boards.setdefault(device_id, Board(device_id, online=False))
            board.key, board.algorithm = key, algorithm
            return b"Success!"
        if not sound or algorithm not in ("rsa", "ecc") or not form.get("order", "").startswith("manual_"):
            raise Refusal(400, {"ok": False, "error": "Invalid key"})
        board = self._board(user, device_id)
        board.key, board.algorithm = key, algorithm
        return {"ok": True}


def _form(to: BaseHTTPRequestHandler, raw: bytes) -> dict[str, str]:
    if to.headers.get("Content-Type", "").startswith("application/json"):
        content = json.loads(raw or b"{}")
        return {str(name): str(value) for name, value in content.items()}
    return {name: values[-1] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()}


def _basic(asked: Asked) -> str:
    header = asked.headers.get("authorization", "")
    if not header.startswith("Basic "):
        raise Refusal(401, {"ok": False, "errors": ["Unauthorized."]})
    return base64.b64decode(header.removeprefix("Basic ")).decode()
