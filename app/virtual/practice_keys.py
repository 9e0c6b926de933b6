"""Keys for practice boards, made from the board's id: the same in every run, and in no file of the project.

They protect nothing: everybody can make them again.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

EXPONENT = 65537
PRIME_BITS = 512
# SubjectPublicKeyInfo of an RSA-1024 key up to the modulus (device-protocol.md 4.2).
SPKI_HEADER = bytes.fromhex("30819F300D06092A864886F70D010101050003818D0030818902818100")
SPKI_TAIL = bytes.fromhex("0203010001")

# The odd primes below 2000, multiplied.
_SMALL = math.prod(
    number for number in range(3, 2000, 2) if all(number % factor for factor in range(3, math.isqrt(number) + 1, 2))
)


@dataclass(frozen=True, slots=True, repr=False)
class RsaNumbers:
    """The numbers of an RSA-1024 private key, in the order of PKCS#1."""

    n: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int

    @property
    def parts(self) -> tuple[int, ...]:
        """The six numbers the firmware reads, each with a place of fixed size."""
        return self.n, self.d, self.p, self.q, self.dp, self.dq, self.qinv

    def fits_firmware(self) -> bool:
        """Whether the firmware's fixed-offset reader gets along with the standard encoding (4.2)."""
        return all(len(_integer(value)) in (size, size + 1) for value, size in zip(self.parts, _SIZES, strict=True))

    def standard_der(self) -> bytes:
        """Return PKCS#1 in standard DER, as manufacturing wrote it into Cores."""
        return _sequence([_integer(0), _integer(self.n), _integer(EXPONENT), *map(_integer, self.parts[1:])])

    def device_der(self) -> bytes:
        """Return PKCS#1 as a device writes it that made its own key: one leading zero always, 611 bytes."""
        padded = [b"\0" + value.to_bytes(size, "big") for value, size in zip(self.parts, _SIZES, strict=True)]
        return _sequence([_integer(0), padded[0], _integer(EXPONENT), *padded[1:]])

    def public_der(self) -> bytes:
        """Return the public key as SubjectPublicKeyInfo, 162 bytes."""
        return SPKI_HEADER + self.n.to_bytes(128, "big") + SPKI_TAIL


_SIZES = (128, 128, 64, 64, 64, 64, 64)


def _integer(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    return bytes((0x81, size)) if size < 0x100 else b"\x82" + size.to_bytes(2, "big")


def _sequence(integers: list[bytes]) -> bytes:
    body = b"".join(b"\x02" + _length(len(value)) + value for value in integers)
    return b"\x30" + _length(len(body)) + body


def _is_prime(number: int, numbers: random.Random) -> bool:
    if math.gcd(number, _SMALL) != 1:
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        power = pow(numbers.randrange(2, number - 1), odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def _prime(numbers: random.Random) -> int:
    while True:
        # The two highest bits make the product of two primes exactly 1024 bits long.
        candidate = numbers.getrandbits(PRIME_BITS) | (3 << (PRIME_BITS - 2)) | 1
        if candidate % EXPONENT != 1 and _is_prime(candidate, numbers):
            return candidate


def _numbers(p: int, q: int) -> RsaNumbers:
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    return RsaNumbers(p * q, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


@functools.cache
def rsa_key(seed: str, *, usable: bool = True) -> RsaNumbers:
    """Return the RSA-1024 key of a seed.

    Args:
        seed: Any text, for example the device id.
        usable: Whether the firmware can read the key's standard encoding; about one key in fifty is not usable.
    """
    return _make(seed, usable)


def _make(seed: str, usable: bool) -> RsaNumbers:
    numbers = random.Random(f"rsa {seed}")
    primes: list[int] = []
    while True:
        primes.append(_prime(numbers))
        newest = primes[-1]
        for older, swap in itertools.product(primes[:-1], (False, True)):
            found = _numbers(newest, older) if swap else _numbers(older, newest)
            if found.fits_firmware() is usable:
                return found


@functools.cache
def ec_key(seed: str) -> tuple[bytes, bytes]:
    """Return the EC P-256 key of a seed: private SEC1 DER and public SubjectPublicKeyInfo DER."""
    secret = random.Random(f"ec {seed}").randrange(1, 1 << 255)
    key = ec.derive_private_key(secret, ec.SECP256R1())
    private = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
