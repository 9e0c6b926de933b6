"""Everything that was on a board, as a manifest and the files it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.text import Text
from app.undo.board_name import BoardName
from app.undo.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class DumpPart:
    """A region as it was read, to be put into a dump.

    Attributes:
        region: Key of the platform's region; once in a dump.
        alt: DFU alternate setting it was read from.
        address: First address.
        content: The bytes.
        secret: Whether it holds private keys, passwords or the like; known secret memory is one in any case.
    """

    region: str
    alt: int
    address: int
    content: bytes = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump on the disk. Nothing in it is secret.

    Attributes:
        id: Its name.
        board: The board it is from.
        boot_loader: Key of that board's boot loader; "" when not known.
        made: When, UTC.
        program: The program's name and version then.
        parts: What was on the board, in order of alternate setting and address.
        manifest: The file that tells all this.
        damaged: Why it cannot be used, or None. Contents are checked when they are read.
    """

    id: str
    board: BoardName
    boot_loader: str
    made: datetime
    program: str
    parts: tuple[Snapshot, ...]
    manifest: Path
    damaged: Text | None = None

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum(part.size for part in self.parts)
