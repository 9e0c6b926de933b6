"""The content of a piece of memory as it was: kept once, verified whenever it is read, secrets sealed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.faults import SafeLocked, SnapshotDamaged, SnapshotDiffers, UndoDiskFailed, UndoNoRoom, WrongPassphrase
from app.files import FileActions, file_faults, publish
from app.keys.backup import sha256
from app.keys.passphrase import OVERHEAD
from app.keys.safe import KeySafe
from app.platforms.table import platform as platform_of

CONTENT = "content"  # the folder of a board's snapshots
PLAIN = ".bin"
SECRET = ".secret"
SEALED = ".locked"
SALT = 16  # random bytes before the content of a `.secret` file
MOST_NAMES = 999  # files of the same hash; more than one only after the first was damaged
STALE = timedelta(days=1)  # unfinished files older than this belong to no running program

FILE_NAME = re.compile(r"[0-9a-f]{64}(?:-\d{1,3})?(?:\.bin|\.secret|\.locked)")
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+|\.[0-9]+)*")  # `factory-0.4.9` is one


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
        return self.file.suffix == SEALED


def holds_secrets(platform: str, address: int, size: int) -> bool:
    """Whether these addresses overlap memory that the board table calls secret; whatever the alternate setting.

    Some boot loaders choose the memory by address alone (device-protocol.md 2.2.3, 2.4.2).
    """
    kind = platform_of(platform)
    return any(
        found.secret and found.start < address + size and address < found.end
        for found in (*kind.regions, *kind.monolithic_regions)
    )


def check_region(region: str) -> str:
    """Insist on the key of a region, and return it: it becomes part of names.

    Raises:
        ValueError: It is something else.
    """
    if not _WORD.fullmatch(region):
        raise ValueError(f"not a key of a region: {region!r}")
    return region


@contextlib.contextmanager
def undo_faults(folder: Path) -> Iterator[None]:
    """Turn errors of the operating system into faults about what is kept."""
    with file_faults(folder, no_room=UndoNoRoom, disk_failed=UndoDiskFailed):
        yield


class Contents:
    """The files that hold contents. Its caller takes care that one thread is here at a time."""

    def __init__(self, root: Path, safe: KeySafe | None, actions: FileActions, now: Callable[[], datetime]) -> None:
        self.root = root
        self._safe = safe
        self._actions = actions
        self._now = now
        self._settled: set[Path] = set()

    def insist_open(self) -> None:
        """See that secrets can be kept.

        Raises:
            SafeLocked: The key safe has a passphrase, and was not unlocked.
        """
        if self._safe is not None and self._safe.locked:
            raise SafeLocked

    def folder(self, board_folder: str, name: str) -> Path:
        """Make a folder of a board where it is missing, have its name on the disk, and return it."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        folder = self.root / board_folder / name
        for made in (self.root, folder.parent, folder):
            # A program that ended between making and flushing left a folder whose name may not last.
            if made not in self._settled or not made.is_dir():
                self._actions.make_folder(made)
                self._actions.flush_folder(made.parent)
                self._settled.add(made)
        return folder

    def keep(self, board_folder: str, content: bytes, *, secret: bool) -> tuple[Path, str]:
        """Keep a content, and return its file and that file's SHA-256 once it was read back.

        Raises:
            SafeLocked: It is secret, and the key safe was not unlocked; nothing was written.
            SnapshotDiffers: It reads back differently.
            OSError: The operating system refuses.
        """
        suffix, packed = self._pack(content, secret=secret)
        folder = self.folder(board_folder, CONTENT)
        self._tidy(folder)
        while True:
            if (known := self._known(folder, suffix, content, packed)) is not None:
                # Whoever made it may have ended before its name was on the disk.
                self._actions.flush_folder(folder)
                return known
            path = _free_name(folder, sha256(packed), suffix)
            try:
                publish(self._actions, path, packed)
            except FileExistsError:  # another program just kept the same
                continue
            self._actions.flush_folder(folder)
            if path.read_bytes() != packed:
                raise SnapshotDiffers(folder=folder)
            return path, sha256(packed)

    def read(self, snapshot: Snapshot) -> bytes:
        """Return a content, verified.

        Raises:
            SnapshotDamaged: It is not what was kept.
            SafeLocked: It is sealed, and the key safe was not unlocked.
            WrongPassphrase: It was sealed with another passphrase.
            OSError: The operating system refuses.
        """
        content = self._unpack(snapshot.file.suffix, packed_bytes(snapshot))
        if len(content) != snapshot.size:
            raise SnapshotDamaged(name=snapshot.file.name)
        return content

    def _pack(self, content: bytes, *, secret: bool) -> tuple[str, bytes]:
        """Return the suffix and the bytes of the file for a content."""
        if not secret:
            return PLAIN, content
        container = None if self._safe is None else self._safe.seal(content)
        return (SECRET, os.urandom(SALT) + content) if container is None else (SEALED, container)

    def _unpack(self, suffix: str, packed: bytes) -> bytes:
        if suffix == SEALED:
            if self._safe is None:
                raise WrongPassphrase("no key safe")
            return self._safe.open_sealed(packed)
        return packed[SALT:] if suffix == SECRET else packed

    def _known(self, folder: Path, suffix: str, content: bytes, packed: bytes) -> tuple[Path, str] | None:
        """Return a sound file that holds this content in the same way already."""
        wanted = f"{sha256(packed)}*{PLAIN}" if suffix == PLAIN else f"*{suffix}"
        for path in sorted(folder.glob(wanted)):
            if not FILE_NAME.fullmatch(path.name):
                continue
            try:
                there = path.read_bytes() if path.stat().st_size == len(packed) else b""
                if sha256(there) == path.name[:64] and self._unpack(suffix, there) == content:
                    return path, path.name[:64]
            except (OSError, WrongPassphrase):  # one that cannot be read is no reason not to keep it again
                continue
        return None

    def _tidy(self, folder: Path) -> None:
        """Remove unfinished files of programs that ended: what they were to hold was still on the board then."""
        for part in folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if self._now() - datetime.fromtimestamp(part.stat().st_mtime, UTC) > STALE:
                    self._actions.remove(part)


def packed_bytes(snapshot: Snapshot) -> bytes:
    """Return the bytes of a snapshot's file as they lie on the disk, verified.

    Raises:
        SnapshotDamaged: The file is gone or was changed.
        OSError: The operating system refuses.
    """
    try:
        packed = snapshot.file.read_bytes()
    except FileNotFoundError:
        raise SnapshotDamaged(name=snapshot.file.name) from None
    if sha256(packed) != snapshot.digest:
        raise SnapshotDamaged(name=snapshot.file.name)
    return packed


def packed_size(snapshot: Snapshot) -> int:
    """Bytes of a snapshot's file on the disk."""
    return snapshot.size + {SECRET: SALT, SEALED: OVERHEAD}.get(snapshot.file.suffix, 0)


def _free_name(folder: Path, digest: str, suffix: str) -> Path:
    for number in range(1, MOST_NAMES + 1):
        path = folder / (f"{digest}{suffix}" if number == 1 else f"{digest}-{number}{suffix}")
        if not os.path.lexists(path):
            return path
    raise UndoDiskFailed("too many damaged files of the same name", folder=folder)
