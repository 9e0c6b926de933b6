"""The content of a piece of memory as it was: kept once, verified whenever it is read, secrets sealed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A piece of a board's memory that is kept on the disk. Nothing in it is secret.

    Attributes:
        region: Key of the platform's region.
        alt: DFU alternate setting it was read from.
        address: First address.
        size: Bytes of the content.
        file: Where it is kept.
        digest: SHA-256 of that file, hex.
        secret: Whether it holds private keys, passwords or the like.
    """

    region: str
    alt: int
    address: int
    size: int
    file: Path
    digest: str
    secret: bool

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.size

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, hex; "" for secrets: it would let anybody test a guess."""
        return "" if self.secret else self.digest

    @property
    def sealed(self) -> bool:
        """Whether the key safe's passphrase is needed to read it."""
        return self.file.suffix == ".locked"
