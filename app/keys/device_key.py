"""What is in a key slot, and whether the board's own firmware could use it (device-protocol.md 4.1 and 4.2)."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import TYPE_CHECKING

from app.keys.der import (
    BIT_STRING,
    EC_PARAMETERS,
    EC_PUBLIC_KEY,
    INTEGER,
    OCTET_STRING,
    P256_OID,
    SEQUENCE,
    DerError,
    Reader,
    encode,
)
from app.platforms.model import Algorithm
from app.text import Text, text

if TYPE_CHECKING:
    # Imported where it is used: loading it takes longer than the window takes to be drawn.
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, secp256r1
P256_BYTES = 32

ERASED = 0xFF  # 4.2: a key is missing if the first byte is 0xFF
RSA_BITS = 1024
FIRMWARE_EXPONENT = 65537  # 4.2: the firmware never reads the exponent
FIRMWARE_N_LENGTH = 9  # 4.2: where the low length byte of N is
FIRMWARE_EXPONENT_BYTES = 5  # `02 03 01 00 01` lies between N and D
FIRMWARE_LONG = 128  # bytes of N and D; their length takes two bytes, `81 80` or `81 81`
FIRMWARE_SHORT = 64  # bytes of P, Q, dP, dQ and qInv; their length takes one byte


_PUBLIC_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")


@unique
class KeyState(Enum):
    """What a key slot turned out to hold."""

    GOOD = "good"
    BLANK = "blank"  # never written, or erased
    CORRUPT = "corrupt"  # something is there, but it is no key
    UNUSABLE_BY_FIRMWARE = "unusable-by-firmware"  # a sound key the board itself cannot read (4.2)


@dataclass(frozen=True, slots=True)
class KeyReport:
    """What `examine` found. Its repr shows nothing private.

    Attributes:
        state: What the slot holds.
        algorithm: What kind of key belongs into the slot.
        bits: Size of the key in bits; 0 when there is none.
        der: The key exactly as it stands on the board, without the rest of the slot. OpenSSL, and with it the
            Particle command line, accepts this form, and `particle keys load` writes it back unchanged. None when
            the slot holds no key.
        canonical_der: The same key in the shortest encoding, for readers stricter than OpenSSL. The device's own
            keys have extra zeros in front of their integers, so this may differ from `der`. Never write it to a
            board: the firmware may be unable to read it. None when the slot holds no key.
        public_pem: The public key (SPKI, PEM); empty when there is none.
        fingerprint: SHA-256 of the public key (SPKI, DER), 64 lower-case hex digits; empty when there is none.
        problems: What is wrong, in plain words; empty for a good key.
    """

    state: KeyState
    algorithm: Algorithm
    bits: int = 0
    der: bytes | None = field(default=None, repr=False)
    canonical_der: bytes | None = field(default=None, repr=False)
    public_pem: bytes = b""
    fingerprint: str = ""
    problems: tuple[Text, ...] = ()

    @property
    def readable_fingerprint(self) -> str:
        """The fingerprint in groups of four digits, for people who compare two."""
        return " ".join(self.fingerprint[at : at + 4] for at in range(0, len(self.fingerprint), 4))


@dataclass(frozen=True, slots=True, repr=False)
class RsaComponents:
    """The integers of an RSA private key as somebody read them. Secret: it has no telling repr."""

    n: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int


def examine(raw: bytes, algorithm: Algorithm) -> KeyReport:
    """Tell what the bytes of a device's private-key slot are.

    Args:
        raw: The slot as read from the board; whatever follows the key is ignored.
        algorithm: What belongs into the slot: `RSA_1024` or `EC_P256`.

    Raises:
        ValueError: No device has a private key of that algorithm.
    """
    if algorithm not in (Algorithm.RSA_1024, Algorithm.EC_P256):
        raise ValueError(f"no device key is {algorithm.value}")
    blank = _blank(raw)
    if blank is not None:
        return KeyReport(KeyState.BLANK, algorithm, problems=(blank,))
    try:
        return _examine_rsa(raw) if algorithm is Algorithm.RSA_1024 else _examine_ec(raw)
    except _NoKeyError as found:
        # Raised from nothing: what a foreign exception says about a private key must go no further.
        return KeyReport(KeyState.CORRUPT, algorithm, problems=(found.problem,))
    except DerError as found:
        return KeyReport(KeyState.CORRUPT, algorithm, problems=(_CUT_SHORT if found.cut_short else _NO_STRUCTURE,))


def firmware_form(der: bytes) -> bytes:
    """Return the same RSA key in the encoding a board writes itself, which the firmware can always read (4.2).

    Args:
        der: The key as PKCS#1 DER; whatever follows it is ignored.

    Returns:
        611 bytes: N and D in 129 bytes, P, Q, dP, dQ and qInv in 65.

    Raises:
        ValueError: It is no sound RSA key of 1024 bits with the exponent 65537, or its primes are not of 512 bits.
    """
    try:
        real, e, _ = _read_rsa(der)
        _rsa_key(real, e)
    except (_NoKeyError, DerError):
        raise ValueError("no sound RSA key of 1024 bits") from None
    if e != FIRMWARE_EXPONENT:
        raise ValueError(f"the public exponent is not {FIRMWARE_EXPONENT}")
    try:
        numbers = (
            (0, 1),
            (real.n, FIRMWARE_LONG + 1),
            (e, 3),
            (real.d, FIRMWARE_LONG + 1),
            *((number, FIRMWARE_SHORT + 1) for number in (real.p, real.q, real.dp, real.dq, real.qinv)),
        )
        form = encode(SEQUENCE, b"".join(encode(INTEGER, number.to_bytes(size, "big")) for number, size in numbers))
    except OverflowError:
        form = b""
    if firmware_reads(form) != real:
        raise ValueError("the primes are not of 512 bits each")
    return form


def public_der(source: KeyReport | bytes) -> bytes:
    """Return a public key as SPKI in DER: of a report, or of a public key in PEM.

    Raises:
        ValueError: The report is of a slot without a key, or the bytes are no public key in PEM.
    """
    pem = source.public_pem if isinstance(source, KeyReport) else source
    armour = _PUBLIC_PEM.search(pem)
    if armour is None:
        raise ValueError("no public key in PEM")
    return base64.b64decode(b"".join(armour[1].split()), validate=True)


def firmware_reads(slot: bytes) -> RsaComponents | None:
    """Read an RSA private key the way the boards' TCP firmware does; None if it would read past the bytes.

    It parses no ASN.1: it looks at the low length byte of each INTEGER where that byte must be, skips one byte more
    if it is odd, and takes exactly 128 bytes (N, D) or 64 bytes (P, Q, dP, dQ, qInv) (device-protocol.md 4.2).
    """
    found: list[int] = []
    at = FIRMWARE_N_LENGTH
    sizes = (FIRMWARE_LONG,) * 2 + (FIRMWARE_SHORT,) * 5
    # From the end of one integer to the low length byte of the next: over the exponent and `02 81`, or over `02`.
    steps = (FIRMWARE_EXPONENT_BYTES + 2, 1, 1, 1, 1, 1, 0)
    for size, step in zip(sizes, steps, strict=True):
        if at >= len(slot):
            return None
        start = at + 1 + (slot[at] & 1)
        end = start + size
        if end > len(slot):
            return None
        found.append(int.from_bytes(slot[start:end], "big"))
        at = end + step
    return RsaComponents(*found)


class _NoKeyError(Exception):
    """The bytes are no key; says why, and nothing of the bytes."""

    def __init__(self, problem: Text) -> None:
        super().__init__(problem.source)
        self.problem = problem


_NO_STRUCTURE = text("Keys", "The slot holds data, but it is not laid out like a key.")
_CUT_SHORT = text("Keys", "The key is cut short: it is longer than the slot.")
_INCONSISTENT = text("Keys", "The numbers of the key do not fit together: at least one of them was damaged.")
_WRONG_SIZE = text("Keys", "The key has {bits} bits, but this board needs one of 1024 bits.")
_WRONG_CURVE = text("Keys", "The key is not made for the curve this board uses (P-256).")
_ERASED = text("Keys", "The slot is empty: no key was ever written, or it was erased.")
_ERASED_START = text("Keys", "The slot counts as empty because its first byte is erased, but other data follows.")
_ZERO = text("Keys", "The slot is empty: it holds nothing but zeros.")
_FIRMWARE_LENGTHS = text(
    "Keys",
    "The key is sound, but the board's firmware cannot read it: at least one of its numbers has a length the firmware "
    "does not expect. A board with this key never reaches the cloud.",
)
_FIRMWARE_EXPONENT = text(
    "Keys",
    "The key is sound, but the board's firmware cannot use it: its public exponent is not 65537. "
    "A board with this key never reaches the cloud.",
)


def _blank(raw: bytes) -> Text | None:
    """Say in which way the slot is empty, or None."""
    if not raw.strip(bytes([ERASED])):
        return _ERASED
    if raw[0] == ERASED:
        return _ERASED_START
    return None if raw.strip(b"\x00") else _ZERO


def _examine_rsa(raw: bytes) -> KeyReport:
    """Judge PKCS#1 `RSAPrivateKey`."""
    real, e, end = _read_rsa(raw)
    key = _rsa_key(real, e)
    problems: tuple[Text, ...] = ()
    if e != FIRMWARE_EXPONENT:
        problems = (_FIRMWARE_EXPONENT,)
    elif firmware_reads(raw) != real:
        problems = (_FIRMWARE_LENGTHS,)
    return _report(key, Algorithm.RSA_1024, RSA_BITS, raw[:end], problems)


def _read_rsa(raw: bytes) -> tuple[RsaComponents, int, int]:
    """Return the integers of an RSA key with 1024 bits, its public exponent, and how long it is in bytes."""
    outer = Reader(raw)
    inner = Reader(outer.element(SEQUENCE))
    version = inner.integer()
    n, e, d, p, q, dp, dq, qinv = (inner.integer() for _ in range(8))
    inner.end()
    if version != 0:
        raise DerError
    if n.bit_length() != RSA_BITS:
        raise _NoKeyError(_WRONG_SIZE.with_values(bits=n.bit_length()))
    return RsaComponents(n, d, p, q, dp, dq, qinv), e, outer.at


def _rsa_key(real: RsaComponents, e: int) -> rsa.RSAPrivateKey:
    """Build the key if its integers belong together."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    n, p, q = real.n, real.p, real.q
    together = (
        1 < p < n
        and 1 < q < n
        and p * q == n
        and 2 < e < n
        and 0 < real.d < n
        and (e * real.d) % math.lcm(p - 1, q - 1) == 1
        and real.dp == real.d % (p - 1)
        and real.dq == real.d % (q - 1)
        and real.qinv < p
        and (real.qinv * q) % p == 1
    )
    if not together:
        raise _NoKeyError(_INCONSISTENT)
    try:
        # Also checks that p and q are prime.
        return rsa.RSAPrivateNumbers(
            p, q, real.d, real.dp, real.dq, real.qinv, rsa.RSAPublicNumbers(e, n)
        ).private_key()
    except ValueError:
        raise _NoKeyError(_INCONSISTENT) from None


def _examine_ec(raw: bytes) -> KeyReport:
    """Read SEC1 `ECPrivateKey` (RFC 5915)."""
    from cryptography.hazmat.primitives.asymmetric import ec

    outer = Reader(raw)
    inner = Reader(outer.element(SEQUENCE))
    if inner.integer() != 1:
        raise DerError
    secret = inner.element(OCTET_STRING)
    if not 0 < len(secret) <= P256_BYTES:
        raise _NoKeyError(_WRONG_CURVE)
    # Optional in SEC1, but without it neither OpenSSL nor anybody else can know the curve.
    if not inner.more() or inner.element(EC_PARAMETERS) != P256_OID:
        raise _NoKeyError(_WRONG_CURVE)
    point: bytes | None = None
    if inner.more():
        wrapped = Reader(inner.element(EC_PUBLIC_KEY))
        point = wrapped.element(BIT_STRING)
        wrapped.end()
    inner.end()
    scalar = int.from_bytes(secret, "big")
    if not 0 < scalar < P256_ORDER:
        raise _NoKeyError(_INCONSISTENT)
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    if point is not None and point not in _points(key.public_key()):
        raise _NoKeyError(_INCONSISTENT)
    return _report(key, Algorithm.EC_P256, key.curve.key_size, raw[: outer.at], ())


def _points(public: ec.EllipticCurvePublicKey) -> tuple[bytes, ...]:
    """The contents a BIT STRING with this point may have: no unused bits, then either form of the point."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    forms = (PublicFormat.UncompressedPoint, PublicFormat.CompressedPoint)
    return tuple(b"\x00" + public.public_bytes(Encoding.X962, form) for form in forms)


def _report(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: Algorithm,
    bits: int,
    der: bytes,
    problems: tuple[Text, ...],
) -> KeyReport:
    """Report a sound key; `problems` are the firmware's troubles with it."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    public = key.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyReport(
        state=KeyState.UNUSABLE_BY_FIRMWARE if problems else KeyState.GOOD,
        algorithm=algorithm,
        bits=bits,
        der=der,
        canonical_der=key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        fingerprint=hashlib.sha256(spki).hexdigest(),
        problems=problems,
    )
