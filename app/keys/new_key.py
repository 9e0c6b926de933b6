"""Makes a new device key, in process, that the board's firmware can read (device-protocol.md 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.keys.device_key import FIRMWARE_EXPONENT, RSA_BITS, KeyReport, KeyState, examine
from app.platforms.model import Algorithm

MOST_DRAWS = 30
"""Keys made at most: about one in a hundred is rejected, so that many in a row are no bad luck."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key nobody else has. Its repr shows nothing private.

    Attributes:
        report: The report of `slot_der`; its state is always GOOD.
        slot_der: What to write to a board.
        rejected: How many keys were made and thrown away before, because the firmware could not have read them.
    """

    report: KeyReport
    slot_der: bytes = field(repr=False)
    rejected: int = 0


def draw(algorithm: Algorithm) -> bytes:
    """Make one key as OpenSSL makes it, which the firmware may be unable to read: PKCS#1 or SEC1 in DER.

    Raises:
        ValueError: No device has a private key of that algorithm.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm is Algorithm.RSA_1024:
        key = rsa.generate_private_key(FIRMWARE_EXPONENT, RSA_BITS)
    elif algorithm is Algorithm.EC_P256:
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        raise ValueError(f"no device key is {algorithm.value}")
    return key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def generate(algorithm: Algorithm, *, source: Callable[[Algorithm], bytes] = draw) -> NewKey:
    """Make a key: RSA with 1024 bits and the exponent 65537, or EC on P-256.

    A key whose shortest encoding the firmware cannot read is thrown away (4.2) instead of being encoded longer: so
    other programs may rewrite the file with the key as they like, and it stays usable.

    Args:
        algorithm: What the board needs: `RSA_1024` or `EC_P256`.
        source: Makes one key.

    Raises:
        ValueError: No device has a private key of that algorithm.
        RuntimeError: `MOST_DRAWS` keys in a row could not be used, which is no bad luck any more.
    """
    for rejected in range(MOST_DRAWS):
        der = source(algorithm)
        report = examine(der, algorithm)
        if report.state is KeyState.GOOD:
            return NewKey(report, der, rejected)
    raise RuntimeError(f"none of {MOST_DRAWS} keys could be used")
