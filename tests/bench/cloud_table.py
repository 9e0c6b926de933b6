"""A table of what account servers answer and of the sentence that is shown, made by asking a server that answers so.

Run by hand: `python tests/bench/cloud_table.py [--markdown]`. Each row was really answered by a server in this process
and really asked by the program; the exit status is 1 if an answer came through as anything but a sentence.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import httpx  # noqa: E402
from support.clock import FastClock  # noqa: E402

from app.cloud.answers import Call  # noqa: E402
from app.cloud.client import CloudClient, Token  # noqa: E402
from app.cloud.profiles import CloudServer, Profile  # noqa: E402
from app.faults import Fault  # noqa: E402
from app.keys.letter import PublicKeyLetter  # noqa: E402

BOARD = "a" * 24
TOKEN = Token("f" * 40)
LETTER = PublicKeyLetter(BOARD, "photon", "rsa", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
HOSTS = {CloudServer.PARTICLE: "api.particle.io", CloudServer.LOCAL: "cloud.home"}
STATUSES = (400, 401, 403, 404, 405, 407, 408, 409, 418, 422, 429, 500, 501, 502, 503, 504)
SOMEONE = json.dumps({"error": "That belongs to someone else."}).encode()
MFA = json.dumps({"error": "mfa_required", "mfa_token": "m" * 20}).encode()

ASKED: dict[Call, Callable[[CloudClient], object]] = {
    Call.SIGN_IN: lambda client: client.sign_in("user", "password"),
    Call.ONE_TIME_CODE: lambda client: client.one_time_code("m" * 20, "123456"),
    Call.REVOKE: lambda client: client.revoke(TOKEN, user="user", password="password"),
    Call.WHO: lambda client: client.who(TOKEN),
    Call.DEVICES: lambda client: client.devices(TOKEN),
    Call.DEVICE: lambda client: client.device(TOKEN, BOARD),
    Call.CLAIM: lambda client: client.claim(TOKEN, BOARD),
    Call.TRANSFER: lambda client: client.claim(TOKEN, BOARD, request_transfer=True),
    Call.RELEASE: lambda client: client.release(TOKEN, BOARD),
    Call.RENAME: lambda client: client.rename(TOKEN, BOARD, "name"),
    Call.SIGNAL: lambda client: client.signal(TOKEN, BOARD, on=True),
    Call.SEND_KEY: lambda client: client.send_key(TOKEN, LETTER),
    Call.CLAIM_CODE: lambda client: client.claim_code(TOKEN),
}


def sentence(call: Call, kind: CloudServer, answer: Callable[[httpx.Request], httpx.Response]) -> str:
    """Return what is shown when this call is answered so."""

    def http(_profile: Profile) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer))

    at = Profile("x", "x", f"https://{HOSTS[kind]}", kind)
    with CloudClient(at, clock=FastClock(), http=http) as client:
        try:
            ASKED[call](client)
        except Fault as fault:
            return f"{fault.cause.english()} {fault.next_step.english()}"
    return ""


def answered(status: int, body: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, stream=httpx.ByteStream(body))


def broken(error: Callable[[str], Exception]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise error("")

    return answer


EVERYWHERE: tuple[tuple[str, Callable[[httpx.Request], httpx.Response]], ...] = (
    *((str(status), answered(status, b"{}")) for status in STATUSES),
    ("a web page", answered(200, b"<html>")),
    ("sent elsewhere (302)", answered(302, b"")),
    ("no connection", broken(httpx.ConnectError)),
    ("no connection in time", broken(httpx.ConnectTimeout)),
    ("no answer in time", broken(httpx.ReadTimeout)),
    ("cut in the middle", broken(httpx.ReadError)),
    ("the proxy refuses", broken(httpx.ProxyError)),
)
SPECIAL: tuple[tuple[Call, str, Callable[[httpx.Request], httpx.Response]], ...] = (
    (Call.SIGN_IN, "403 mfa_required", answered(403, MFA)),
    (Call.CLAIM, "403 someone else", answered(403, SOMEONE)),
    (Call.RENAME, "200 with another name", answered(200, b'{"name": "other"}')),
)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Return server, what was asked, what was answered, and the sentence; neighbours that are alike as one."""
    for kind in CloudServer:
        for call in Call:
            special = [(name, answer) for each, name, answer in SPECIAL if each is call]
            grouped: dict[str, list[str]] = {}
            for name, answer in (*special, *EVERYWHERE):
                grouped.setdefault(sentence(call, kind, answer), []).append(name)
            for words, names in grouped.items():
                yield kind.value, call.value, ", ".join(names), words


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true")
    markdown = parser.parse_args().markdown
    found = list(rows())
    if markdown:
        print("| server | asked | answered | shown |\n|---|---|---|---|")
    for row in found:
        print("| " + " | ".join(row) + " |" if markdown else "\n  ".join((" · ".join(row[:3]), row[3])))
    silent = [row for row in found if not row[3] or "{" in row[3]]
    print(f"\n{len(found)} rows, {len(silent)} without a sentence")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
