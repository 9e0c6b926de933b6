"""A release key of the tests' own, notices it signs, and a server that gives them, garbage, or nothing for long."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.updates import envelope_of, signed_bytes
from support.loopback import Loopback

NOW = datetime(2026, 12, 2, 12, 0, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
LINK = "https://releases.example/0.2.0"
NOTES = "A board that was lost is found again.\n\nGrüße – 你好."


def plain(**changes: object) -> dict[str, object]:
    """What a good notice holds, with these members changed; None leaves one out."""
    issued = changes.pop("at", NOW - timedelta(days=1))
    assert isinstance(issued, datetime)
    members: dict[str, object] = {
        "version": "0.2.0",
        "date": "2026-12-01",
        "issued": issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "expires": (issued + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "link": LINK,
        "notes": NOTES,
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def sign(content: bytes, key: Ed25519PrivateKey = KEY) -> bytes:
    """Return the signed file for any content."""
    return envelope_of(content, key.sign(signed_bytes(content)))


def envelope(**changes: object) -> bytes:
    """Return a good notice, signed, with these members changed."""
    return sign(json.dumps(plain(**changes)).encode())


class NoticeServer:
    """Gives `content` at /notice on the loopback; what it was asked with is in `asked`.

    Attributes:
        content: What it gives.
        status: With which status.
        moved_to: Where it leads instead.
        cookie: Sent along, "" for none.
        before: Called before it answers; may wait.
        piece: Bytes sent at once; 0 for all.
        between: Called between two pieces.
        identity: How it proves who it is; with one it speaks TLS.
    """

    def __init__(self, content: bytes = b"", identity: ssl.SSLContext | None = None) -> None:
        self.identity = identity
        self.content = content
        self.status = 200
        self.moved_to = ""
        self.cookie = ""
        self.before: Callable[[], object] = lambda: None
        self.piece = 0
        self.between: Callable[[], object] = lambda: None
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __enter__(self) -> NoticeServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 20

            def do_GET(self) -> None:
                server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                server.before()
                self.send_response(302 if server.moved_to else server.status)
                if server.moved_to:
                    self.send_header("Location", server.moved_to)
                if server.cookie:
                    self.send_header("Set-Cookie", server.cookie)
                self.end_headers()
                step = server.piece or max(1, len(server.content))
                try:
                    for begin in range(0, len(server.content), step):
                        self.wfile.write(server.content[begin : begin + step])
                        server.between()
                except OSError:  # the other side has heard enough
                    pass

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = Loopback(Handler, self.identity)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def address(self) -> str:
        return f"{self._server.address}/notice"
