"""A web server in this process that gives (or refuses, cuts, garbles) files; also good as a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from support.loopback import Loopback


@dataclass
class Asked:
    """One request: what stood behind GET, and which bytes were wanted from."""

    target: str
    begin: int | None


@dataclass
class PackSource:
    """What the server does; tests change it at any time.

    Attributes:
        files: Content by path.
        cuts: For each request in turn, after how many bytes the line is cut; None or no entry: never.
        ranges: Whether it knows them.
        begins_elsewhere: Whether it answers a range with another one.
        status: Answered to everything, with a short page.
        length: Whether it tells how long an answer is (else the end of the line is the end).
        chunked: Whether it sends in chunks, without a length in front.
        moved_to: Where everything has gone.
        before: Called at each request; may wait.
        identity: How it proves who it is; with one it speaks TLS.
        socks: Whether it is asked as a SOCKS 5 proxy; wherever it shall connect to, it gives its own files.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    ranges: bool = True
    begins_elsewhere: bool = False
    status: int = 200
    length: bool = True
    chunked: bool = False
    moved_to: str = ""
    before: Callable[[], None] = lambda: None
    identity: ssl.SSLContext | None = None
    socks: bool = False
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> PackSource:
        self._server = Loopback(self._handler(), self.identity)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def address(self) -> str:
        return self._server.address

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def setup(self) -> None:
                super().setup()
                if source.socks:
                    _version, methods = self.rfile.read(2)
                    self.rfile.read(methods)
                    self.wfile.write(b"\x05\x00")
                    # Version, command, nothing, kind 3 (a name), its length.
                    request = self.rfile.read(5)
                    target = self.rfile.read(request[4]).decode()
                    port = int.from_bytes(self.rfile.read(2), "big")
                    source.asked.append(Asked(f"{target}:{port}", None))
                    self.wfile.write(b"\x05\x00\x00\x01" + bytes(6))

            def do_GET(self) -> None:
                source._answer(self)

            def do_CONNECT(self) -> None:
                source.asked.append(Asked(self.path, None))
                self.send_response(source.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def _answer(self, to: BaseHTTPRequestHandler) -> None:
        wanted = to.headers.get("Range")
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else None
        self.asked.append(Asked(to.path, begin))
        cut = self.cuts.pop(0) if self.cuts else None
        self.before()
        path = "/" + to.path.split("/", 3)[3] if to.path.startswith("http://") else to.path  # asked as a proxy
        content = self.files.get(path)
        if self.moved_to:
            to.send_response(302)
            to.send_header("Location", self.moved_to + path)
            to.send_header("Content-Length", "0")
            to.end_headers()
            return
        status = self.status if content is not None else 404
        if status != 200 or content is None:
            content = b"no such thing"
        elif begin is not None and self.ranges:
            if begin >= len(content):
                status, body = 416, b""
            else:
                begin += 1 if self.begins_elsewhere else 0
                status, body = 206, content[begin:]
            self._send(to, status, body, f"bytes {begin}-{len(content) - 1}/{len(content)}", cut)
            return
        self._send(to, status, content, "", cut)

    def _send(self, to: BaseHTTPRequestHandler, status: int, body: bytes, part: str, cut: int | None) -> None:
        to.send_response(status)
        if part and status == 206:
            to.send_header("Content-Range", part)
        if self.chunked:
            to.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        elif self.length:
            to.send_header("Content-Length", str(len(body)))
        if cut is not None or not self.length:
            to.close_connection = True
        to.end_headers()
        try:
            to.wfile.write(body[:cut])
            to.wfile.flush()
        except OSError:  # the other side has heard enough
            to.close_connection = True
