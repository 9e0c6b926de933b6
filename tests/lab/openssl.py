"""Keys by `openssl`, the second opinion on everything that is a key: it makes them, and judges those of the board."""

from __future__ import annotations

import re
import subprocess
from functools import cache

OPENSSL_S = 60.0
_INTEGER = re.compile(r"l=\s*(\d+) prim: INTEGER")
FIRMWARE_READS = ((1,), (128, 129), (3,), (128, 129), *((64, 65),) * 5)
"""Bytes of each INTEGER of a private key that the firmware's fixed-offset reader can use (device-protocol.md 4.2)."""


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Run `openssl` with that on its standard input; return its standard output. It must succeed."""
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, timeout=OPENSSL_S, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


@cache
def new_key(kind: str, name: str = "") -> bytes:
    """Return a private key in DER, `rsa` (1024 bits) or `ec` (P-256), made once in a guest for each name."""
    if kind == "ec":
        return openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-outform", "DER")
    while True:
        pem = openssl("genrsa", "-traditional", "1024")
        der = openssl("rsa", "-traditional", "-outform", "DER", given=pem)
        if firmware_reads(der):
            return der


def as_pem(der: bytes) -> bytes:
    """Return a private key as PEM in PKCS#8, as people have it in files today."""
    return openssl("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", given=der)


def public_half(kind: str, slot: bytes, form: str = "DER") -> bytes:
    """Return the public half of the sound private key with which a slot begins."""
    key = key_of(slot)
    openssl(kind, "-inform", "DER", "-check", "-noout", given=key)
    return openssl(kind, "-inform", "DER", "-pubout", "-outform", form, given=key)


def firmware_reads(slot: bytes) -> bool:
    """Whether the firmware's reader of RSA keys gets along with the key with which a slot begins."""
    told = openssl("asn1parse", "-inform", "DER", given=key_of(slot)).decode()
    sizes = [int(size) for size in _INTEGER.findall(told)]
    return len(sizes) == len(FIRMWARE_READS) and all(
        size in fits for size, fits in zip(sizes, FIRMWARE_READS, strict=True)
    )


@cache
def server_public(name: str = "") -> bytes:
    """Return the public key of a local cloud as PEM, made once in a guest for each name."""
    return openssl("rsa", "-pubout", given=openssl("genrsa", "2048"))


def public_der(pem: bytes) -> bytes:
    """Return a public key in PEM as DER."""
    return openssl("pkey", "-pubin", "-outform", "DER", given=pem)


def key_of(slot: bytes) -> bytes:
    """Return the key with which a slot begins: a DER SEQUENCE, to its last byte."""
    assert slot[0] == 0x30
    if slot[1] < 0x80:
        return slot[: 2 + slot[1]]
    digits = slot[1] & 0x7F
    return slot[: 2 + digits + int.from_bytes(slot[2 : 2 + digits], "big")]
