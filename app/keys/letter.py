"""What a cloud has to be told of a board's new key: the device ID and the public half. Nothing in it is secret.

The private half never leaves the board and the key safe. Whoever sends a letter (by account, by mail, by hand into a
folder of a local cloud) needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.keys.backup import check_device_id
from app.keys.device_key import KeyReport
from app.platforms.model import Algorithm

SUFFIX = ".pub.pem"
LOCAL_CLOUD_PLACE = "core_keys/{id}.pub.pem"  # spark-server and what came before it (device-protocol.md 10.3)
LOCAL_CLOUD_FORK_PLACE = "data/deviceKeys/{id}.pub.pem"  # a fork of it (10.3)

_ALGORITHMS = {Algorithm.RSA_1024: "rsa", Algorithm.EC_P256: "ecc"}  # as the cloud's interface calls them (10.2)
_PEM_HEAD = "-----BEGIN PUBLIC KEY-----"


@dataclass(frozen=True, slots=True)
class PublicKeyLetter:
    """A board's public key, ready to be sent to a cloud.

    Attributes:
        device_id: 24 lower-case hex digits.
        platform: Key of the platform, for example `photon`.
        algorithm: `rsa` or `ecc`, as the cloud's interface calls them (device-protocol.md 10.2).
        public_pem: The public key, SPKI in PEM, with a line end at its end.

    Raises:
        ValueError: One of them has another form; so a private key never gets into a letter.
    """

    device_id: str
    platform: str
    algorithm: str
    public_pem: str

    def __post_init__(self) -> None:
        check_device_id(self.device_id)
        if self.algorithm not in _ALGORITHMS.values():
            raise ValueError("the algorithm is rsa or ecc")
        if not self.public_pem.startswith(_PEM_HEAD) or "PRIVATE" in self.public_pem:
            raise ValueError("not a public key in PEM")

    @property
    def file_name(self) -> str:
        """The name this is saved under: the one a local cloud looks for."""
        return f"{self.device_id}{SUFFIX}"


def letter(device_id: str, platform: str, report: KeyReport) -> PublicKeyLetter:
    """Return the letter for a key that was examined.

    Args:
        device_id: The proven device ID.
        platform: Key of the platform.
        report: What `device_key.examine` said of the private key.

    Raises:
        ValueError: There is no key, or no device has a key of this kind.
    """
    if not report.public_pem:
        raise ValueError("there is no key in this slot")
    return PublicKeyLetter(device_id, platform, _algorithm_name(report.algorithm), report.public_pem.decode())


def letter_of(device_id: str, platform: str, algorithm: Algorithm, public_pem: str) -> PublicKeyLetter:
    """Return the letter for a public key that is kept.

    Raises:
        ValueError: It is no public key, or no device has a key of this kind.
    """
    return PublicKeyLetter(device_id, platform, _algorithm_name(algorithm), public_pem)


def _algorithm_name(algorithm: Algorithm) -> str:
    """Return what the cloud's interface calls a kind of device key (10.2).

    Raises:
        ValueError: No device has a key of this kind.
    """
    try:
        return _ALGORITHMS[algorithm]
    except KeyError:
        raise ValueError("no device has a key of this kind") from None


def local_cloud_places(device_id: str) -> tuple[str, str]:
    """Return where local clouds keep a board's public key, from their own folder; the usual place first (10.3)."""
    return LOCAL_CLOUD_PLACE.format(id=device_id), LOCAL_CLOUD_FORK_PLACE.format(id=device_id)
