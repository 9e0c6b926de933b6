"""Keys made for tests only, encoded as boards and as OpenSSL encode them."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

E = 65537
P = int(
    "faeb6c987b44956625b29c49e66a9effd0f51668461ce28d980077f8d50662b5"
    "ad83a49e5756574c0fb08b767ac7c2f1d5e28a2ea5d31b1a185ef05223cb1003",
    16,
)
Q = int(
    "f6388e9912006d89ddab5cea1f8845278cebbbe3bc19b18c205117724fe04e6b"
    "904b019dc9ce114ac8e618475e6c4decdfca9d0c7db38b869f3b37c9e03db239",
    16,
)
# With these primes dP is 503 bits long: one of the two keys in a hundred the firmware cannot read.
SHORT_P = int(
    "f5a52762465a51ea2733330e7b2088558fe403525110ea11472c39ce9953196c"
    "7619e916d07a2340677b2045123bf73bd7501bb1e6a55a39bf1243a1419332a1",
    16,
)
SHORT_Q = int(
    "dae75e1d805a0e13300b6370103bdf8569507f5852cd41d3e44127c1acb27d1e"
    "66009f0e8d65f39db4b668661980950371940bf5ceb958a516551a989d2d2e5f",
    16,
)


def tlv(tag: int, content: bytes) -> bytes:
    """One DER element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + content


def shortest(number: int) -> bytes:
    """The content of an INTEGER as X.690 wants it."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def integers(p: int, q: int, e: int = E) -> list[int]:
    """The integers of RSAPrivateKey in their order, after the version."""
    d = pow(e, -1, (p - 1) * (q - 1))
    return [p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]


def rsa_der(contents: list[bytes]) -> bytes:
    """RSAPrivateKey of these INTEGER contents."""
    return tlv(0x30, b"".join(tlv(0x02, content) for content in [b"\x00", *contents]))


def as_openssl(p: int = P, q: int = Q, e: int = E) -> bytes:
    """A key with the shortest encoding, as OpenSSL makes it."""
    return rsa_der([shortest(number) for number in integers(p, q, e)])


def as_device(p: int = P, q: int = Q) -> bytes:
    """A key as a board makes it: lengths 129 and 65 throughout, 611 bytes (device-protocol.md 4.2)."""
    sizes = (129, 3, 129, 65, 65, 65, 65, 65)
    return rsa_der([number.to_bytes(size, "big") for number, size in zip(integers(p, q), sizes, strict=True)])


def slot(der: bytes, size: int = 612) -> bytes:
    """A key in its slot, the rest erased."""
    return der.ljust(size, b"\xff")


def ec_der(scalar: int = 0x1234567) -> bytes:
    """SEC1 with curve and public point, as OpenSSL makes it."""
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
