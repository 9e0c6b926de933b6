"""An account server for practice: it lives in this program, knows the practice boards on the desk, and no real account.

It speaks as much of device-protocol.md 10.2 as the program uses, written from there; nothing is asked of any network.
What is refused, and how, follows what is publicly told of the makers' cloud; the specification is silent about that.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from app.virtual.board import VirtualBoard

USER = "maker@example.org"
CAREFUL_USER = "careful@example.org"
"""This one has a second step."""
NEIGHBOUR = "neighbour@example.org"
"""Somebody else, whose boards cannot be claimed."""
PASSWORD = "practice"  # it stands on the screen
CODE = "271828"
"""What the careful user's authenticator app shows, at any time."""

TOKEN_LIFE = timedelta(days=90)
LONGEST_NAME = 60

_OTHERS = (  # device ID, name, owner, kind of board, connected
    ("2b0048000547343337373737", "greenhouse", USER, 6, True),
    ("51ff70065067545627470287", "doorbell", USER, 0, False),
    ("48ff6c065067555026311387", "borrowed-core", NEIGHBOUR, 0, True),  # the practice board `core-0.5`
    ("300039000e47343233323032", "careful-photon", CAREFUL_USER, 6, True),
)


@dataclass(slots=True)
class _Known:
    """What the server keeps of a board."""

    id: str
    name: str = ""
    owner: str = ""  # "" for nobody
    platform_id: int = 6
    version: str = ""
    online: bool = False
    heard: datetime | None = None
    shown_code: str = ""  # the last claim code it showed


class _RefusedError(Exception):
    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class PracticeCloud:
    """The server. May be asked from any thread.

    Args:
        boards: The practice boards that have power now.
        now: The time, with its zone.
    """

    def __init__(
        self,
        boards: Callable[[], Iterable[VirtualBoard]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._boards = boards
        self._now = now
        self._turn = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._half_way: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        self._known: dict[str, _Known] = {}
        for device_id, name, owner, platform_id, online in _OTHERS:
            heard = now() - (timedelta() if online else timedelta(days=40))
            self._known[device_id] = _Known(device_id, name, owner, platform_id, "", online, heard)

    def token_for(self, user: str) -> str:
        """Sign somebody in without a password; return the token."""
        with self._turn:
            return self._made_for(user)

    def give(self, device_id: str, user: str) -> None:
        """Have a board belong to somebody, connected or not."""
        with self._turn:
            self._known.setdefault(device_id, _Known(device_id)).owner = user

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer one request.

        Args:
            method: For example `GET`.
            target: Path and query.
            headers: With names in lower case.
            body: A form, or nothing.

        Returns:
            Status, headers and body.
        """
        form = {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        with self._turn:
            self._look_at_desk()
            try:
                status, content = 200, self._answer(method, target, headers, form)
            except _RefusedError as refused:
                status, content = refused.status, refused.body
        return status, {"Content-Type": "application/json"}, json.dumps(content).encode()

    # --- inside; with the turn held ---

    def _look_at_desk(self) -> None:
        """Take note of which practice boards are connected, and of claim codes they show (10.1)."""
        here = {board.device_id: board for board in self._boards()}
        for device_id, board in here.items():
            online = board.in_makers_cloud
            if device_id not in self._known and not online:
                continue
            known = self._known.setdefault(device_id, _Known(device_id))
            known.online = online
            known.platform_id, known.version = board.personality.kind.number, board.personality.firmware.version
            if online:
                known.heard = self._now()
            code = board.published_claim_code
            if code and code != known.shown_code:
                known.shown_code = code
                user = self._codes.pop(code, "")
                known.owner = known.owner or user

    def _answer(self, method: str, target: str, headers: Mapping[str, str], form: Mapping[str, str]) -> object:
        split = urlsplit(target)
        parts = [unquote(part) for part in split.path.strip("/").split("/")]
        match method, parts:
            case "POST", ["oauth", "token"]:
                return self._sign_in(form)
            case "DELETE", ["v1", "access_tokens", token]:
                return self._end(headers, token, parse_qs(split.query).get("otp", [""])[0])
        user = self._who(headers)
        match method, parts:
            case "GET", ["v1", "user"]:
                return {"username": user}
            case "GET", ["v1", "devices"]:
                return [_row(each) for each in self._known.values() if each.owner == user]
            case "POST", ["v1", "devices"]:
                return self._claim(user, form)
            case "GET", ["v1", "devices", device_id]:
                return _row(self._mine(user, device_id))
            case "DELETE", ["v1", "devices", device_id]:
                self._mine(user, device_id).owner = ""
                return {"ok": True}
            case "PUT", ["v1", "devices", device_id]:
                return _changed(self._mine(user, device_id), form)
            case "POST", ["v1", "provisioning", device_id]:
                return self._take_key(self._mine(user, device_id), form)
            case "POST", ["v1", "device_claims"]:
                code = secrets.token_urlsafe(64)[:63]
                self._codes[code] = user
                return {"claim_code": code}
        raise _refusal(404, "Not Found")

    def _sign_in(self, form: Mapping[str, str]) -> object:
        if form.get("grant_type") == "urn:custom:mfa-otp":
            user = self._half_way.get(form.get("mfa_token", ""), "")
            if not user or form.get("otp") != CODE:
                raise _refusal(403, "invalid_grant")
            del self._half_way[form["mfa_token"]]
        else:
            user = form.get("username", "")
            if user not in (USER, CAREFUL_USER) or form.get("password") != PASSWORD:
                raise _refusal(400, "invalid_grant")
            if user == CAREFUL_USER:
                ticket = secrets.token_hex(20)
                self._half_way[ticket] = user
                raise _RefusedError(403, {"error": "mfa_required", "mfa_token": ticket})
        life = int(TOKEN_LIFE.total_seconds())
        return {"access_token": self._made_for(user), "token_type": "bearer", "expires_in": life}

    def _made_for(self, user: str) -> str:
        token = secrets.token_hex(20)
        self._tokens[token] = user
        return token

    def _end(self, headers: Mapping[str, str], token: str, otp: str) -> object:
        if token == "current":
            self._who(headers)
            del self._tokens[_bearer(headers)]
            return {"ok": True}
        given = headers.get("authorization", "").removeprefix("Basic ")
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            name = password = ""
        wrong = name not in (USER, CAREFUL_USER) or password != PASSWORD or (name == CAREFUL_USER and otp != CODE)
        if wrong:
            raise _refusal(401, "Bad password")
        self._tokens.pop(token, None)
        return {"ok": True}

    def _who(self, headers: Mapping[str, str]) -> str:
        user = self._tokens.get(_bearer(headers), "")
        if not user:
            raise _refusal(401, "invalid_token")
        return user

    def _mine(self, user: str, device_id: str) -> _Known:
        known = self._known.get(device_id)
        if known is None or known.owner != user:
            raise _refusal(403, "Permission Denied")
        return known

    def _claim(self, user: str, form: Mapping[str, str]) -> object:
        known = self._known.get(form.get("id", ""))
        if known is None or not known.online:
            raise _refusal(404, "Device is not connected")
        if known.owner not in ("", user):
            if form.get("request_transfer") != "true":
                raise _refusal(403, "That belongs to someone else.")
            return {"ok": True, "transferid": secrets.token_hex(12)}
        known.owner = user
        return {"ok": True, "id": known.id, "connected": True}

    def _take_key(self, known: _Known, form: Mapping[str, str]) -> object:
        lines = form.get("publicKey", "").strip().splitlines()
        framed = len(lines) > 2 and lines[0] == "-----BEGIN PUBLIC KEY-----" and lines[-1] == "-----END PUBLIC KEY-----"
        try:
            key = base64.b64decode("".join(lines[1:-1]), validate=True) if framed else b""
        except ValueError:
            key = b""
        if not key or form.get("deviceID") != known.id or form.get("algorithm") not in ("rsa", "ecc"):
            raise _refusal(400, "Invalid key")
        for board in self._boards():
            if board.device_id == known.id:
                with board.lock:
                    board.registered = key
        return {"ok": True}


def _refusal(status: int, words: str) -> _RefusedError:
    return _RefusedError(status, {"ok": False, "error": words})


def _bearer(headers: Mapping[str, str]) -> str:
    return headers.get("authorization", "").removeprefix("Bearer ")


def _row(known: _Known) -> dict[str, object]:
    return {
        "id": known.id,
        "name": known.name or None,
        "online": known.online,
        "last_heard": None if known.heard is None else known.heard.isoformat(),
        "platform_id": known.platform_id,
        "system_firmware_version": known.version or None,
        "owner": known.owner,
    }


def _changed(known: _Known, form: Mapping[str, str]) -> object:
    if "name" in form:
        if not form["name"] or len(form["name"]) > LONGEST_NAME:
            raise _refusal(400, "Name is not valid")
        known.name = form["name"]
        return {"id": known.id, "name": known.name}
    if form.get("signal") not in ("0", "1"):
        raise _refusal(400, "Nothing to do")
    if not known.online:
        raise _refusal(408, "Timed out.")
    return {"id": known.id, "connected": True, "signaling": form["signal"] == "1"}
