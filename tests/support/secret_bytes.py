"""Looking for private keys in what the program tells: every way their bytes and numbers could be written down."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

WINDOW = 9  # bytes; a multiple of three, so that base64 has three spellings and no more
DIGITS = 24  # of a long number; nobody writes so many by chance
MOMENT = re.compile(r'"(?:t|took)":[\d.e+-]+,?')


def spellings(secret: bytes) -> Iterator[str]:
    """Every way a few secret bytes could be written down; base64 is also the body of a PEM file."""
    for start in range(0, len(secret) - WINDOW - 2, WINDOW):
        piece = secret[start : start + WINDOW]
        if len(set(piece)) < 3:  # erased memory, or filled up
            continue
        yield piece.hex()
        yield piece.hex().upper()
        yield piece.hex(" ")
        yield repr(piece)[2:-1]
        yield piece.decode("latin-1")
        yield ", ".join(str(byte) for byte in piece)
        for shift in range(3):
            yield base64.b64encode(secret[start + shift : start + shift + WINDOW]).decode()


def private_part(content: bytes) -> bytes:
    """The secret bytes of a key in DER, which may be followed by anything: the public half is none."""
    if content[:1] != b"\x30" or len(content) < 40:
        return b""
    if content[1] < 0x80:
        return content[7:39]  # SEC1: the scalar stands in front of the public point
    end = 4 + int.from_bytes(content[2:4], "big") if content[1] == 0x82 else 3 + content[2]
    # The public half of an RSA key stands in front of its private half.
    return content[150:end] if end > 200 else content[7:39]


def numbers(content: bytes) -> tuple[int, ...]:
    """The private numbers of a key in DER, as far as it can be read."""
    try:
        key = load_der_private_key(bytes(content), None)
    except ValueError:
        return ()
    if isinstance(key, rsa.RSAPrivateKey):
        found = key.private_numbers()
        return found.d, found.p, found.q, found.dmp1, found.dmq1, found.iqmp
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return (key.private_numbers().private_value,)


@cache
def needles(content: bytes) -> frozenset[str]:
    """Everything to look for because of one key, in the bytes that stand in its slot."""
    size = 4 + int.from_bytes(content[2:4], "big") if content[1:2] == b"\x82" else 2 + content[1]
    found = set(spellings(private_part(content)))
    for number in numbers(content[:size]):
        for written in (str(number), f"{number:x}", f"{number:X}"):
            found |= {written[at:end] for at, end in pairwise(range(0, len(written) + 1, DIGITS))}
    return frozenset(found)


def told(text: str, secrets: Iterable[bytes]) -> list[str]:
    """Return what of these keys stands in that text."""
    return [needle for content in secrets for needle in needles(content) if needle in text]


class Listener(logging.Handler):
    """Keeps everything that is logged, with the words of every exception."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


class Told:
    """What runs have told so far. A line that was looked at for the same keys is not looked at again."""

    def __init__(self) -> None:
        self._known: dict[bytes, set[str]] = {}
        self.lines = 0

    def look(self, texts: Iterable[str], secrets: Iterable[bytes]) -> list[str]:
        """Return what of these keys stands in these texts."""
        lines = {MOMENT.sub("", line) for text in texts for line in text.split("\n")}
        found: list[str] = []
        for content in secrets:
            known = self._known.setdefault(content, set())
            fresh = lines - known
            known |= fresh
            self.lines += len(fresh)
            found += told("\n".join(fresh), [content])
        return found
