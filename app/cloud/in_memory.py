"""What asks a server that lives in this program: the same client and the same bytes, and no network at all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping

import httpx

from app.cloud.profiles import PARTICLE, Profile

Answerer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, dict[str, str], bytes]]
"""Answers a request: method, path with query, headers (names in lower case) and body; status, headers and body."""


_asking = threading.local()


class _NoRequest(logging.Filter):
    """The library logs each request with its address; a log that says a real server was asked would be wrong here."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_asking, "in_memory", False)


_quiet = _NoRequest()
logging.getLogger("httpx").addFilter(_quiet)


class _Client(httpx.Client):
    def send(self, request: httpx.Request, **how: object) -> httpx.Response:
        _asking.in_memory = True
        try:
            return super().send(request, **how)  # type: ignore[arg-type]
        finally:
            _asking.in_memory = False


class _Body(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def in_memory(answer: Answerer) -> Callable[[Profile], httpx.Client]:
    """Return what `CloudClient` takes as `http`: `answer` speaks for the Particle cloud, and nothing else answers."""

    def make(profile: Profile) -> httpx.Client:
        def handle(request: httpx.Request) -> httpx.Response:
            if profile.id != PARTICLE.id:
                raise httpx.ConnectError("there is no other server in here", request=request)
            headers = {name.lower(): value for name, value in request.headers.items()}
            target = request.url.raw_path.decode("ascii")
            status, told, body = answer(request.method, target, headers, request.read())
            return httpx.Response(status, headers=told, stream=_Body(body))

        return _Client(transport=httpx.MockTransport(handle), trust_env=False)

    return make
