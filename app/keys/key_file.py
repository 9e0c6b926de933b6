"""Reads a device's private key from a file made by anyone: this program, OpenSSL, or the Particle command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique

from app.keys.device_key import KeyReport
from app.platforms.model import Algorithm


@unique
class Form(Enum):
    """In which form a key stood in its file."""

    PKCS1_DER = "pkcs1-der"
    PKCS1_PEM = "pkcs1-pem"
    SEC1_DER = "sec1-der"
    SEC1_PEM = "sec1-pem"
    PKCS8_DER = "pkcs8-der"
    PKCS8_PEM = "pkcs8-pem"
    SLOT = "slot"  # the bytes of a slot, with whatever follows the key


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key out of a file. Its repr shows nothing private.

    Attributes:
        form: How the key stood in the file.
        encrypted: Whether the file was locked with a passphrase.
        report: The report of `slot_der`; its state is always GOOD.
        slot_der: What to write to a board.
        rewritten: Whether `slot_der` is another encoding of the same key than the file's.
    """

    form: Form
    encrypted: bool
    report: KeyReport
    slot_der: bytes = field(repr=False)
    rewritten: bool = False


def read_key_file(content: bytes, algorithm: Algorithm, *, passphrase: str | None = None) -> KeyFile:
    """Read the private key in a file.

    Args:
        content: The file.
        algorithm: What the board needs: `RSA_1024` or `EC_P256`.
        passphrase: Of the file, if it is locked; ignored otherwise.

    Raises:
        KeyFileUnreadable: It is no private key, or a damaged one.
        KeyFileTooLong: It is far longer than a key.
        KeyFilePublic: It is a public key.
        KeyFileEncrypted: It is locked, and no passphrase was given.
        KeyFileWrongPassphrase: The passphrase does not fit.
        KeyFileWrongKind: It is a key of another algorithm, size or curve.
        KeyFileUnusable: The firmware cannot use the key in any encoding.
        ValueError: No device has a private key of that algorithm.
    """
    raise NotImplementedError
