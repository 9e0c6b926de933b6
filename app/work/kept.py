"""What was kept of boards, as something that can be put back: pieces of memory, verified, none twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique

from app.cloud_faults import OldServerNotKept
from app.faults import KeptUnknown, RescueUnknown, SnapshotDamaged
from app.platforms.model import Medium, Platform, Region
from app.undo.board_name import BoardName
from app.undo.dumps import Dump
from app.undo.rescue import InterruptedRescue
from app.undo.snapshots import Snapshot
from app.undo.store import UndoStore
from app.work.memory_map import chooses_key, places, touches_key

EARLIER = "earlier-run"
"""Name of the answer, in a journal only, that holds which interrupted run kept what the board really had."""


@unique
class Kind(Enum):
    """What somebody kept it for."""

    DUMP = "dump"  # a person saved the whole board
    RESCUE = "rescue"  # a recipe kept what it was going to replace


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that can be put back, as its manifest or journal tells it; nothing of its content was read yet.

    Attributes:
        kind: What it is.
        id: Its name.
        board: The board it is from.
        made: When, UTC.
        rescue: The rescue, or None.
        origin: The rescue that kept what was there before that one: mostly itself. See `origin_of`.
        dump: The dump, or None.
    """

    kind: Kind
    id: str
    board: BoardName
    made: datetime
    rescue: InterruptedRescue | None = None
    origin: InterruptedRescue | None = None
    dump: Dump | None = None

    @property
    def name(self) -> str:
        """Return kind and id in one word, for example `dump-2026-11-23T07-01-06Z-e636b377`."""
        return f"{self.kind.value}-{self.id}"

    @property
    def sealed(self) -> bool:
        """Whether the key safe's passphrase is needed to read it."""
        return any(part.sealed for part in self._parts)

    @property
    def size(self) -> int:
        """Bytes of all its pieces."""
        return sum(part.size for part in self._parts)

    @property
    def _parts(self) -> tuple[Snapshot, ...]:
        if self.dump is not None:
            return self.dump.parts
        return () if self.origin is None else self.origin.to_put_back


def listed(store: UndoStore, board: BoardName) -> tuple[Kept, ...]:
    """Return everything that is or may be of this board and can be put back, newest first."""
    found = [_of_dump(dump) for dump in _dumps(store, board) if dump.damaged is None]
    for rescue in store.rescues(board):
        if rescue.to_put_back:
            with suppress(OldServerNotKept):
                found.append(_of_rescue(store, rescue))
    return tuple(sorted(found, key=lambda each: (each.made, each.id), reverse=True))


def by_name(store: UndoStore, kind: Kind, kept_id: str) -> Kept:
    """Return one of any board.

    Raises:
        KeptUnknown: There is none of that kind and id.
        OldServerNotKept: What the board really had was kept by another rescue, and that one is gone.
    """
    if kind is Kind.RESCUE:
        try:
            return _of_rescue(store, store.rescue(kept_id))
        except RescueUnknown:
            raise KeptUnknown(name=kept_id) from None
    for dump in _dumps(store):
        if dump.id == kept_id:
            return _of_dump(dump)
    raise KeptUnknown(name=kept_id)


def _dumps(store: UndoStore, board: BoardName | None = None) -> Iterator[Dump]:
    """Give no dump of a practice board that somebody copied in among real ones: its keys and IDs are made up."""
    return (dump for dump in store.dumps(board) if dump.practice == store.practice)


def _of_dump(dump: Dump) -> Kept:
    return Kept(Kind.DUMP, dump.id, dump.board, dump.made, dump=dump)


def _of_rescue(store: UndoStore, rescue: InterruptedRescue) -> Kept:
    origin = origin_of(store, rescue)
    return Kept(Kind.RESCUE, rescue.id, rescue.board, rescue.started, rescue=rescue, origin=origin)


def origin_of(store: UndoStore, rescue: InterruptedRescue) -> InterruptedRescue:
    """Return the run that kept what a board really had: one that began on what another left behind names that one.

    Raises:
        OldServerNotKept: Its journal is there no more.
    """
    known = {rescue.id}
    while (earlier := str(rescue.answers.get(EARLIER, ""))) and earlier not in known:
        known.add(earlier)
        try:
            rescue = store.rescue(earlier)
        except RescueUnknown:
            raise OldServerNotKept(earlier) from None
    return rescue


def of_one_origin(store: UndoStore, origin: InterruptedRescue) -> Iterator[InterruptedRescue]:
    """Give the interrupted runs that are over once what was there before one of them is back: it, and what followed."""
    for rescue in store.interrupted():
        with suppress(OldServerNotKept):
            if origin_of(store, rescue).id == origin.id:
                yield rescue


# --- its content ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one place with what shall stand there again.

    Attributes:
        region: The place: a row of the board table, or of `whole_memory`.
        address: First address.
        content: The bytes. Perhaps secret.
        key: Whether keys are among them, or what says which of them the board uses, or all settings: what needs a
            consent of its own and a proven board.
    """

    region: Region
    address: int
    content: bytes = field(repr=False)
    key: bool = False

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + len(self.content)

    @property
    def settings(self) -> bool:
        """Whether it goes into memory with settings that the boot loader itself keeps in order."""
        return self.region.medium is Medium.DCT


def pieces(store: UndoStore, kept: Kept, platform: Platform) -> tuple[Piece, ...]:
    """Read everything from the disk, verified, in order of alternate setting and address.

    Raises:
        SnapshotDamaged: Something is not what was kept.
        SafeLocked: Something is sealed, and the key safe was not unlocked.
        WrongPassphrase: Something was sealed with another passphrase.
    """
    if kept.dump is not None:
        if kept.dump.damaged is not None:
            raise SnapshotDamaged(name=kept.dump.manifest.name)
        return _of_parts(kept.dump, store.load_dump(kept.dump), platform)
    assert kept.origin is not None
    return tuple(_of_snapshots(store, kept.origin, platform))


def _of_parts(dump: Dump, contents: Mapping[str, bytes], platform: Platform) -> tuple[Piece, ...]:
    rows = {row.key: row for row in platform.regions}
    found = []
    for part in dump.parts:
        content = contents[part.region]
        row = rows.get(part.region)
        if row is None or (row.alt, row.start, row.size) != (part.alt, part.address, len(content)):
            continue  # memory without a name, or a board table of another time: nothing is written there
        key = row.secret or touches_key(platform, row.alt, row.start, row.end)
        found.append(Piece(row, part.address, content, key))
    return tuple(found)


def _of_snapshots(store: UndoStore, rescue: InterruptedRescue, platform: Platform) -> Iterator[Piece]:
    """Give what the rescue was to write over. Of settings only the very bytes: their memory is shared with the keys."""
    memory: dict[int, list[tuple[int, bytes]]] = {}
    for snapshot in rescue.to_put_back:
        content = store.read(snapshot)
        for start, end in _written_over(rescue, snapshot, platform):
            memory[snapshot.alt] = _laid_over(
                memory.get(snapshot.alt, []), start, content[start - snapshot.address : end - snapshot.address]
            )
    for alt, runs in sorted(memory.items()):
        for start, content in _joined(runs):
            for place in places(platform, alt, start, start + len(content)):
                at = place.address - start
                end = place.address + place.size
                key = touches_key(platform, alt, place.address, end) or chooses_key(platform, alt, place.address, end)
                yield Piece(place.region, place.address, content[at : at + place.size], key)


def _written_over(rescue: InterruptedRescue, snapshot: Snapshot, platform: Platform) -> Iterator[tuple[int, int]]:
    if all(row.medium is not Medium.DCT for row in platform.regions if row.alt == snapshot.alt):
        yield snapshot.address, snapshot.end
        return
    for target in rescue.planned:
        start, end = max(target.address, snapshot.address), min(target.address + target.size, snapshot.end)
        if target.alt == snapshot.alt and start < end:
            yield start, end


def _laid_over(runs: list[tuple[int, bytes]], start: int, content: bytes) -> list[tuple[int, bytes]]:
    """Return the runs with this content over them, in order of address."""
    end = start + len(content)
    left: list[tuple[int, bytes]] = [(start, content)]
    for at, there in runs:
        if at < start:
            left.append((at, there[: start - at]))
        if at + len(there) > end:
            left.append((max(at, end), there[max(0, end - at) :]))
        # what lies between is covered
    return sorted((at, there) for at, there in left if there)


def _joined(runs: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Give runs that touch as one."""
    begin, content = runs[0][0], b""
    for at, there in runs:
        if at != begin + len(content):
            yield begin, content
            begin, content = at, b""
        content += there
    yield begin, content
