"""A passphrase for key bytes: each locked container can be opened with the passphrase alone, wherever it is copied."""

from __future__ import annotations

import os
import unicodedata

from app.faults import WrongPassphrase

# A container: MAGIC, salt (16), log2 of scrypt's N (1), r (1), p (1), nonce (12), AES-256-GCM ciphertext and tag (16).
# Everything before the nonce is authenticated too.
MAGIC = b"REKINDLE LOCKED 1\n"
SALT = 16
NONCE = 12
COST = bytes([15, 8, 1])  # scrypt N = 2**15, r = 8, p = 1: 32 MB and about a tenth of a second
MOST = (20, 16, 4)  # a damaged header must not ask for gigabytes
KEY = 32
LONGEST = 1023  # bytes; what OpenSSL takes for a PEM file
HEADER = len(MAGIC) + SALT + len(COST)
OVERHEAD = HEADER + NONCE + 16  # bytes a container is longer than its content


class Passphrase:
    """A passphrase in use. Its repr is silent."""

    def __init__(self, words: str) -> None:
        # The same passphrase typed on another system may arrive with its accents taken apart.
        self._words = unicodedata.normalize("NFC", words).encode()
        if not 0 < len(self._words) <= LONGEST:
            raise ValueError(f"a passphrase has 1 to {LONGEST} bytes")
        self._salt = os.urandom(SALT)
        self._keys: dict[bytes, bytes] = {}

    def seal(self, content: bytes) -> bytes:
        """Return a container with this content."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header = MAGIC + self._salt + COST
        nonce = os.urandom(NONCE)
        return header + nonce + AESGCM(self._key(header)).encrypt(nonce, content, header)

    def open(self, container: bytes) -> bytes:
        """Return the content of a container.

        Raises:
            WrongPassphrase: It was sealed with another passphrase, or it is damaged.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header, nonce, sealed = container[:HEADER], container[HEADER : HEADER + NONCE], container[HEADER + NONCE :]
        if len(nonce) < NONCE or not header.startswith(MAGIC) or not _sane(header[-len(COST) :]):
            raise WrongPassphrase("not a locked container")
        try:
            content = AESGCM(self._key(header)).decrypt(nonce, sealed, header)
        except InvalidTag:
            raise WrongPassphrase from None
        self._salt = header[len(MAGIC) : len(MAGIC) + SALT]  # one slow derivation serves the whole safe
        return content

    def pkcs8(self, der: bytes) -> bytes:
        """Return a private key in DER as encrypted PKCS#8 PEM, which OpenSSL opens with the passphrase."""
        from cryptography.hazmat.primitives.serialization import (
            BestAvailableEncryption,
            Encoding,
            PrivateFormat,
            load_der_private_key,
        )

        key = load_der_private_key(der, password=None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(self._words))

    def _key(self, header: bytes) -> bytes:
        if header not in self._keys:
            from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

            log_n, r, p = header[-len(COST) :]
            salt = header[len(MAGIC) : len(MAGIC) + SALT]
            self._keys[header] = Scrypt(salt=salt, length=KEY, n=1 << log_n, r=r, p=p).derive(self._words)
        return self._keys[header]


def _sane(cost: bytes) -> bool:
    return all(0 < asked <= most for asked, most in zip(cost, MOST, strict=True))
