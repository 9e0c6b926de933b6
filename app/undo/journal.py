"""The journal of one rescue: a line for each thing that was kept, planned, written.

A line is a JSON object that begins with `check`, 16 hex digits of the SHA-256 of the rescue's name and of what follows,
and counts its records with `n`. So a line is whole or it is none, and a record that is missing in between is noticed.
A line that was torn when its program ended gets the mark `~` at its end before anything is written behind it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from app.faults import Fault
from app.files import FileActions
from app.keys.backup import check_device_id, sha256
from app.undo import owner
from app.undo.snapshots import Snapshot, check_region, holds_secrets, undo_faults

FORMAT = 1
CHECK_DIGITS = 16
_BEFORE = b'{"check":"'
_BETWEEN = b'",'
_HEAD = len(_BEFORE) + CHECK_DIGITS + len(_BETWEEN)
TORN = b"~"
FINISHED = "finish"
DROPPED = "drop"

log = logging.getLogger(__name__)


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


# --- lines ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Records:
    """What a journal's bytes say.

    Attributes:
        known: Its records in order, up to where one is missing or damaged.
        ends: Whether, anywhere, a whole record says that it was finished or dropped.
        damaged: Whether something is missing or damaged other than a torn end.
        clean: Whether the next line can be written right behind.
    """

    known: tuple[dict[str, object], ...]
    ends: frozenset[str]
    damaged: bool
    clean: bool


def write_line(rescue_id: str, record: Mapping[str, object]) -> bytes:
    """Return a record as a line of the journal."""
    body = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode()[1:]
    return _BEFORE + _check(rescue_id, body) + _BETWEEN + body + b"\n"


def read_lines(rescue_id: str, content: bytes) -> Records:
    """Return what a journal says; never raises, whatever is in it."""
    known: list[dict[str, object]] = []
    ends: set[str] = set()
    damaged = False
    *lines, torn = content.split(b"\n")
    for line in lines:
        if line.endswith(TORN):
            continue
        record = _read_line(rescue_id, line)
        if record is None or record["n"] != len(known):
            damaged = True
        if record is not None and record["what"] in (FINISHED, DROPPED):
            ends.add(str(record["what"]))
        if record is not None and not damaged:
            known.append(record)
    return Records(tuple(known), frozenset(ends), damaged, not torn)


def _read_line(rescue_id: str, line: bytes) -> dict[str, object] | None:
    body = line[_HEAD:]
    if line[:_HEAD] != _BEFORE + _check(rescue_id, body) + _BETWEEN:
        return None
    try:
        record = json.loads(b"{" + body)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and {"n", "what"} <= record.keys() else None


def _check(rescue_id: str, body: bytes) -> bytes:
    return sha256(rescue_id.encode() + b"\n" + body)[:CHECK_DIGITS].encode()


# --- the rescue in progress -----------------------------------------------------------------------------------------


class Journal:
    """A rescue in progress. No other program can take it, and it is not offered as interrupted, until it is closed.

    Close it in any case (it is a context manager): while it is open nobody is offered to finish it.
    Of all targets do `keeps` and `plans` before the first byte is written; nothing called later than that raises.
    """

    def __init__(
        self,
        path: Path,
        platform: str,
        descriptor: int,
        actions: FileActions,
        now: Callable[[], datetime],
        *,
        number: int = 0,
        clean: bool = True,
    ) -> None:
        """Go on with a journal that is open and was taken; `UndoStore.begin` and `resume` do this.

        Args:
            path: The journal.
            platform: Key of the board's platform.
            descriptor: The open file, at its end.
            actions: What changes the disk.
            now: The time, with its zone.
            number: How many records it has.
            clean: Whether its last line is whole.
        """
        self._path = path
        self._platform = platform
        self._descriptor: int | None = descriptor
        self._actions = actions
        self._now = now
        self._number = number
        self._clean = clean
        self._turn = threading.RLock()

    @property
    def id(self) -> str:
        """Name of the rescue."""
        return self._path.stem

    def keeps(self, snapshot: Snapshot) -> None:
        """Note what was there before; it is on the disk when this returns.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: Nothing may be changed on the board then.
        """
        self.note(
            "keep",
            region=snapshot.region,
            alt=snapshot.alt,
            address=snapshot.address,
            size=snapshot.size,
            board=snapshot.file.parent.parent.name,
            file=snapshot.file.name,
            digest=snapshot.digest,
            secret=snapshot.secret,
        )

    def plans(self, region: str, alt: int, address: int, size: int, sha256: str) -> None:
        """Note that this will be written; from now on an end of the program is an interrupted rescue.

        The hash of a content that goes into secret memory is not noted.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: Nothing may be changed on the board then.
        """
        check_region(region)
        shown = "" if holds_secrets(self._platform, address, size) else sha256
        self.note("plan", region=region, alt=alt, address=address, size=size, sha256=shown)

    def knows(self, device_id: str) -> None:
        """Note the device ID of the board, proven only after the rescue was begun. Never fails.

        Raises:
            ValueError: `device_id` has the wrong form.
        """
        check_device_id(device_id)
        self._note_if_possible("board", flush=True, device_id=device_id)

    def page(self, region: str, address: int, size: int) -> None:
        """Note that a page was written. Never fails: the board must not be left half-written for want of a note."""
        self._note_if_possible("page", flush=False, region=region, address=address, size=size)

    def reached(self, point: str) -> None:
        """Note that a point of the rescue was reached which nothing on the board tells of. Never fails.

        Args:
            point: Its name, known to the recipe.
        """
        self._note_if_possible("reached", flush=True, point=point)

    def wrote(self, region: str, address: int, size: int) -> None:
        """Note that a target was written and read back. Never fails."""
        self._note_if_possible("wrote", flush=True, region=region, address=address, size=size)

    def finish(self) -> bool:
        """Note that everything was written, and close; False when it could not be noted (it will be offered again)."""
        noted = self._note_if_possible(FINISHED, flush=True)
        self.close()
        return noted

    def drop(self) -> None:
        """Note that the person wants no more of it, and close.

        Raises:
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: It will be offered again.
        """
        try:
            self.note(DROPPED)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of it as it is. A second time does nothing."""
        with self._turn:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                owner.release(self._path, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def note(self, what: str, *, flush: bool = True, **facts: object) -> None:
        """Write a record, and have it on the disk if it is to be flushed.

        Raises:
            ValueError: The journal was closed, or a fact is nothing JSON knows.
            UndoNoRoom, UndoDiskFailed, FolderRefused, FolderGone: It was not noted.
        """
        with self._turn, undo_faults(self._path.parent):
            if self._descriptor is None:
                raise ValueError("this journal was closed")
            at = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
            line = write_line(self.id, {"n": self._number, "what": what, "at": at, **facts})
            if not self._clean:
                line = TORN + b"\n" + line
            self._clean = False
            self._actions.write(self._descriptor, line)
            self._clean = True
            self._number += 1
            if flush:
                self._actions.flush(self._descriptor)

    def _note_if_possible(self, what: str, *, flush: bool, **facts: object) -> bool:
        try:
            self.note(what, flush=flush, **facts)
        except (Fault, ValueError) as error:
            log.warning("rescue %s: %r was not noted: %s", self.id, what, error)
            return False
        return True
