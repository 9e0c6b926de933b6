"""The store of what was on boards: what is kept before a change, and the rescues that were interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.files import FileActions
from app.keys.safe import KeySafe
from app.undo.board_name import BoardName, Match
from app.undo.dumps import Dump, DumpPart
from app.undo.journal import Journal, Planned
from app.undo.snapshots import Snapshot

__all__ = ["BoardName", "Dump", "DumpPart", "InterruptedRescue", "Journal", "Match", "Planned", "Snapshot", "UndoStore"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class InterruptedRescue:
    """A rescue as its journal tells it. Nothing in it is secret.

    Attributes:
        id: Its name.
        board: The board it was begun on, with the ID if that was proven later.
        recipe: Key of the recipe.
        answers: What shaped it; no secrets.
        program: The program's name and version then.
        started: When, UTC.
        snapshots: What was kept, in that order.
        planned: What was to be written, in that order.
        written: What was written and read back.
        pages: How many pages were noted as written.
        finished: Whether it was done to its end.
        dropped: Whether the person wants no more of it.
        damaged: Whether a part of the journal cannot be read; more may have been planned and written then.
    """

    id: str
    board: BoardName
    recipe: str
    answers: Mapping[str, object]
    program: str
    started: datetime
    snapshots: tuple[Snapshot, ...] = ()
    planned: tuple[Planned, ...] = ()
    written: tuple[Planned, ...] = ()
    pages: int = 0
    finished: bool = False
    dropped: bool = False
    damaged: bool = False

    @property
    def to_put_back(self) -> tuple[Snapshot, ...]:
        """What was there before, in the order to write it so that the oldest content wins where pieces overlap."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Room:
    """How much the store takes: number of kept files and their bytes."""

    files: int
    bytes: int


class UndoStore:
    """Keeps what was on boards; nothing in it is ever removed or overwritten.

    Every method may be called from any thread, and raises `UndoNoRoom`, `UndoDiskFailed`, `FolderRefused` or
    `FolderGone` when the operating system refuses.
    """

    def __init__(
        self,
        root: Path,
        *,
        safe: KeySafe | None = None,
        now: Callable[[], datetime] = _utc_now,
        actions: FileActions | None = None,
    ) -> None:
        """Open the store; nothing is touched yet.

        Args:
            root: Its folder (`paths.boards_folder`); made when something is kept.
            safe: The key safe whose passphrase seals secrets; without one, or while it has no passphrase, they are
                kept open, for the owner's eyes.
            now: The time, with its zone.
            actions: What changes the disk.
        """
        raise NotImplementedError

    def insist_writable(self, need: int = 0, *, secret: bool = False) -> None:
        """Before anything is asked of a board: see that so many bytes can be kept, and secrets too if there are any.

        Raises:
            SafeLocked: There are secrets, and the key safe has a passphrase and was not unlocked.
        """
        raise NotImplementedError

    def keep(
        self, board: BoardName, region: str, alt: int, address: int, content: bytes, secret: bool = False
    ) -> Snapshot:
        """Keep a piece of memory, and return it once it is on the disk and was read back.

        The same content of the same board is kept once. What overlaps memory the board table calls secret is a secret.

        Raises:
            SafeLocked: It is secret, and the key safe was not unlocked; nothing was written.
            SnapshotDiffers: It reads back differently.
        """
        raise NotImplementedError

    def read(self, snapshot: Snapshot) -> bytes:
        """Return what was kept, verified. A secret if the snapshot is one.

        Raises:
            SnapshotDamaged: It is not what was kept.
            SafeLocked: It is sealed, and the key safe was not unlocked.
            WrongPassphrase: It was sealed with another passphrase.
        """
        raise NotImplementedError

    def begin(self, board: BoardName, recipe: str, answers: Mapping[str, object] | None = None) -> Journal:
        """Begin a rescue; its journal is on the disk when this returns.

        Args:
            board: The board.
            recipe: Key of the recipe.
            answers: What is needed to run it again: text, numbers, yes or no. Never a secret.
        """
        raise NotImplementedError

    def resume(self, rescue_id: str) -> Journal:
        """Take up an interrupted rescue: to finish it, to put back what was there, or to drop it.

        Raises:
            RescueUnknown: There is none of that name, or it was finished or dropped.
            RescueElsewhere: Another running program, or another part of this one, is at work on it.
        """
        raise NotImplementedError

    def rescue(self, rescue_id: str) -> InterruptedRescue:
        """Return a rescue, whatever became of it.

        Raises:
            RescueUnknown: There is none of that name.
        """
        raise NotImplementedError

    def interrupted(self) -> tuple[InterruptedRescue, ...]:
        """Return the rescues that may have left a board half-written and that nobody is at work on, newest first."""
        raise NotImplementedError

    def forget(self, rescue_id: str) -> None:
        """Offer an interrupted rescue no more; what was kept stays.

        Raises:
            RescueUnknown: There is none of that name, or it was finished or dropped already.
            RescueElsewhere: Another running program is at work on it.
        """
        raise NotImplementedError

    def save_dump(self, board: BoardName, parts: Iterable[DumpPart], boot_loader: str = "") -> Dump:
        """Keep everything that is on a board; the dump exists once all of it is on the disk and was read back.

        Raises:
            ValueError: No parts, or a region twice.
            SafeLocked: There are secrets in it, and the key safe was not unlocked; nothing was written.
            SnapshotDiffers: Something reads back differently.
        """
        raise NotImplementedError

    def dumps(self, board: BoardName | None = None) -> tuple[Dump, ...]:
        """Return dumps, newest first: all, or those that are or may be this board's (`dump.board.matches` tells)."""
        raise NotImplementedError

    def open_dump(self, manifest: Path) -> Dump:
        """Return the dump of a manifest, here or where it was copied to.

        Raises:
            SnapshotDamaged: It is no manifest, or not as it was written.
        """
        raise NotImplementedError

    def load_dump(self, dump: Dump) -> dict[str, bytes]:
        """Return every content of a dump by region, all of them verified. Secret.

        Raises:
            SnapshotDamaged: One of them, or the manifest, is not what was kept.
            SafeLocked: One is sealed, and the key safe was not unlocked.
            WrongPassphrase: One was sealed with another passphrase.
        """
        raise NotImplementedError

    def copy_dump(self, dump: Dump, folder: Path) -> Path:
        """Copy a dump into a new folder inside one the person chose, read it back, and return that new folder.

        Sealed contents stay sealed.

        Raises:
            SnapshotDamaged: One of the contents is not what was kept.
            SnapshotDiffers: The copy reads back differently; it is removed again.
        """
        raise NotImplementedError

    def room(self, board: BoardName | None = None) -> Room:
        """Return how much is kept: of all boards, or of those that are or may be this one."""
        raise NotImplementedError
