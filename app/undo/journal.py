"""The journal of one rescue: a line for each thing that was kept, planned, written."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from app.undo.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Planned:
    """A target of a rescue.

    Attributes:
        region: Key of the platform's region.
        alt: DFU alternate setting.
        address: First address.
        size: Bytes of the content.
        sha256: Of the content, hex; "" for secrets.
    """

    region: str
    alt: int
    address: int
    size: int
    sha256: str


class Journal:
    """A rescue in progress. No other program can take it, and it is not offered as interrupted, until it is closed.

    Close it in any case (it is a context manager): while it is open nobody is offered to finish it.
    Of all targets do `keeps` and `plans` before the first byte is written; nothing called later than that raises.
    """

    @property
    def id(self) -> str:
        """Name of the rescue."""
        raise NotImplementedError

    def keeps(self, snapshot: Snapshot) -> None:
        """Note what was there before; it is on the disk when this returns.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: Nothing may be changed on the board then.
        """
        raise NotImplementedError

    def plans(self, region: str, alt: int, address: int, size: int, sha256: str) -> None:
        """Note that this will be written; from now on an end of the program is an interrupted rescue.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: Nothing may be changed on the board then.
        """
        raise NotImplementedError

    def knows(self, device_id: str) -> None:
        """Note the device ID of the board, proven only after the rescue was begun.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: It was not noted.
        """
        raise NotImplementedError

    def page(self, region: str, address: int, size: int) -> None:
        """Note that a page was written. Never fails: the board must not be left half-written for want of a note."""
        raise NotImplementedError

    def wrote(self, region: str, address: int, size: int) -> None:
        """Note that a target was written and read back. Never fails."""
        raise NotImplementedError

    def finish(self) -> bool:
        """Note that everything was written, and close; False when it could not be noted (it will be offered again)."""
        raise NotImplementedError

    def drop(self) -> None:
        """Note that the person wants no more of it, and close.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: It will be offered again.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of it as it is. A second time does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
