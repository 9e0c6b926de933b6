"""The store of what was on boards: what is kept before a change, and the rescues that were interrupted."""

from __future__ import annotations

import errno
import logging
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.faults import (
    RescueElsewhere,
    RescueUnknown,
    SnapshotDamaged,
    SnapshotDiffers,
    UndoNoRoom,
)
from app.files import FileActions, publish
from app.keys.backup import STAMP, is_board_folder, tool_version
from app.keys.safe import KeySafe
from app.undo import owner
from app.undo.board_name import BoardName, Match
from app.undo.dumps import DUMPS, Dump, DumpPart, Missing, read_manifest, write_manifest
from app.undo.journal import FORMAT, Journal, read_lines
from app.undo.rescue import InterruptedRescue, told
from app.undo.snapshots import (
    FILE_NAME,
    Contents,
    Snapshot,
    check_region,
    holds_secrets,
    undo_faults,
)

RESCUES = "rescues"  # the folder of a board's journals
JOURNAL = ".jsonl"
RANDOM_DIGITS = 8  # hex digits that keep names of the same second apart
SPARE = 1024 * 1024  # bytes that must stay free for the journal and what the file system needs
TAIL = 512  # bytes; the last record of an ended rescue is shorter

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{8}")

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
        practice: bool = False,
        now: Callable[[], datetime] = _utc_now,
        actions: FileActions | None = None,
    ) -> None:
        """Open the store; nothing is touched yet.

        Args:
            root: Its folder (`paths.boards_folder`); made when something is kept.
            safe: The key safe whose passphrase seals secrets; without one, or while it has no passphrase, they are
                kept open, for the owner's eyes.
            practice: Whether the boards are practice ones; goes into manifests.
            now: The time, with its zone.
            actions: What changes the disk.
        """
        self.root = root
        self._practice = practice
        self._now = now
        self._actions = actions or FileActions()
        self._contents = Contents(root, safe, self._actions, now)
        self._turn = threading.RLock()

    @property
    def practice(self) -> bool:
        """Whether the boards are practice ones."""
        return self._practice

    # --- keeping ----------------------------------------------------------------------------------------------------

    def insist_writable(self, need: int = 0, *, secret: bool = False) -> None:
        """Before anything is asked of a board: see that so many bytes can be kept, and secrets too if there are any.

        Raises:
            SafeLocked: There are secrets, and the key safe has a passphrase and was not unlocked.
        """
        with self._turn, undo_faults(self.root):
            if secret:
                self._contents.insist_open()
            self.root.parent.mkdir(parents=True, exist_ok=True)
            self._actions.make_folder(self.root)
            if not self.root.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.root))
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.root))
            if shutil.disk_usage(self.root).free < need + SPARE:
                raise UndoNoRoom(f"{need} bytes are needed", folder=self.root)

    def keep(
        self, board: BoardName, region: str, alt: int, address: int, content: bytes, secret: bool = False
    ) -> Snapshot:
        """Keep a piece of memory, and return it once it is on the disk and was read back.

        The same content of the same board is kept once. What overlaps memory the board table calls secret is a secret.

        Raises:
            SafeLocked: It is secret, and the key safe was not unlocked; nothing was written.
            SnapshotDiffers: It reads back differently.
        """
        check_region(region)
        secret = secret or holds_secrets(board.platform, address, len(content))
        with self._turn, undo_faults(self.root):
            file, digest = self._contents.keep(board.folder_name, content, secret=secret)
        return Snapshot(region, alt, address, len(content), file, digest, secret)

    def read(self, snapshot: Snapshot) -> bytes:
        """Return what was kept, verified. A secret if the snapshot is one.

        Raises:
            SnapshotDamaged: It is not what was kept.
            SafeLocked: It is sealed, and the key safe was not unlocked.
            WrongPassphrase: It was sealed with another passphrase.
        """
        with self._turn, undo_faults(snapshot.file.parent):
            return self._contents.read(snapshot)

    # --- rescues ----------------------------------------------------------------------------------------------------

    def begin(self, board: BoardName, recipe: str, answers: Mapping[str, object] | None = None) -> Journal:
        """Begin a rescue; its journal is on the disk when this returns.

        Args:
            board: The board.
            recipe: Key of the recipe.
            answers: What is needed to run it again: text, numbers, yes or no. Never a secret.

        Raises:
            ValueError: An answer is something else.
        """
        given = dict(answers or {})
        if not all(value is None or isinstance(value, str | int | float | bool) for value in given.values()):
            raise ValueError("answers are text, numbers, yes or no")
        with self._turn, undo_faults(self.root):
            folder = self._contents.folder(board.folder_name, RESCUES)
            path = folder / f"{self._new_name()}{JOURNAL}"
            descriptor = self._actions.create(path)
            if not owner.take(path, descriptor):
                os.close(descriptor)
                raise RescueElsewhere(path.name)
            journal = Journal(path, board.platform, descriptor, self._actions, self._now)
            try:
                journal.note(
                    "begin",
                    format=FORMAT,
                    program=tool_version(),
                    recipe=recipe,
                    answers=given,
                    platform=board.platform,
                    device_id=board.device_id,
                    serial=board.serial,
                )
                self._actions.flush_folder(folder)
            except BaseException:
                journal.close()
                raise
            return journal

    def resume(self, rescue_id: str) -> Journal:
        """Take up an interrupted rescue: to finish it, to put back what was there, or to drop it.

        Raises:
            RescueUnknown: There is none of that name, or it was finished or dropped.
            RescueElsewhere: Another running program, or another part of this one, is at work on it.
        """
        with self._turn, undo_faults(self.root):
            path = self._journal(rescue_id)
            descriptor = self._actions.extend(path)
            if not owner.take(path, descriptor):
                os.close(descriptor)
                raise RescueElsewhere(rescue_id)
            try:
                records = read_lines(rescue_id, path.read_bytes())
                found = told(path, records, self.root)
                if found is None or found.finished or found.dropped:
                    raise RescueUnknown(rescue_id)  # noqa: TRY301 - it must be let go of in any case
            except BaseException:
                owner.release(path, descriptor)
                raise
            number, clean = len(records.known), records.clean
            journal = Journal(
                path, found.board.platform, descriptor, self._actions, self._now, number=number, clean=clean
            )
        try:
            journal.note("resume", program=tool_version())
        except BaseException:
            journal.close()
            raise
        return journal

    def rescue(self, rescue_id: str) -> InterruptedRescue:
        """Return a rescue, whatever became of it.

        Raises:
            RescueUnknown: There is none of that name.
        """
        with self._turn, undo_faults(self.root):
            path = self._journal(rescue_id)
            found = told(path, read_lines(rescue_id, path.read_bytes()), self.root)
        if found is None:
            raise RescueUnknown(rescue_id)
        return found

    def interrupted(self) -> tuple[InterruptedRescue, ...]:
        """Return the rescues that may have left a board half-written and that nobody is at work on, newest first.

        A journal that cannot be read is passed over, and the log tells.
        """
        with self._turn, undo_faults(self.root):
            paths = [path for folder in self._board_folders() for path in self._listed(folder / RESCUES, f"*{JOURNAL}")]
            found = [rescue for path in paths if (rescue := self._left_alone(path)) is not None]
        return tuple(sorted(found, key=lambda rescue: (rescue.started, rescue.id), reverse=True))

    def rescues(self, board: BoardName | None = None) -> tuple[InterruptedRescue, ...]:
        """Return rescues that planned to write something, whatever became of them, newest first.

        Args:
            board: Those that are or may be this board's (`rescue.board.matches` tells); None for all.
        """
        with self._turn, undo_faults(self.root):
            paths = [path for folder in self._board_folders() for path in self._listed(folder / RESCUES, f"*{JOURNAL}")]
            found = []
            for path in paths:
                try:
                    rescue = self._load(path)
                except OSError as error:
                    log.warning("journal %s cannot be read: %s", path.name, error)
                    continue
                if rescue is not None and (rescue.planned or rescue.damaged):
                    found.append(rescue)
        if board is not None:
            described = (board.platform, board.device_id, board.serial)
            found = [rescue for rescue in found if rescue.board.matches(*described) is not Match.NO]
        return tuple(sorted(found, key=lambda rescue: (rescue.started, rescue.id), reverse=True))

    def forget(self, rescue_id: str) -> None:
        """Offer an interrupted rescue no more; what was kept stays.

        Raises:
            RescueUnknown: There is none of that name, or it was finished or dropped already.
            RescueElsewhere: Another running program is at work on it.
        """
        with self.resume(rescue_id) as journal:
            journal.drop()

    def _left_alone(self, path: Path) -> InterruptedRescue | None:
        """Return the rescue of a journal if it is an interrupted one."""
        try:
            if _ended(path):
                return None
            found = self._load(path)
            if found is None or not found.open or self._in_work(path):
                return None
            found = self._load(path)  # whoever was at work on it a moment ago may have finished it
        except OSError as error:
            log.warning("journal %s cannot be read: %s", path.name, error)
            return None
        return found if found is not None and found.open else None

    @staticmethod
    def _in_work(path: Path) -> bool:
        try:
            return owner.is_taken(path)
        except PermissionError:  # it may be looked at, so it is shown; nobody can go on with it
            return False

    def _load(self, path: Path) -> InterruptedRescue | None:
        return told(path, read_lines(path.stem, path.read_bytes()), self.root)

    def _journal(self, rescue_id: str) -> Path:
        if _NAME.fullmatch(rescue_id):
            for folder in self._board_folders():
                path = folder / RESCUES / f"{rescue_id}{JOURNAL}"
                if path.is_file():
                    return path
        raise RescueUnknown(rescue_id)

    # --- dumps ------------------------------------------------------------------------------------------------------

    def save_dump(
        self, board: BoardName, parts: Iterable[DumpPart], boot_loader: str = "", missing: Iterable[Missing] = ()
    ) -> Dump:
        """Keep everything that is on a board; the dump exists once all of it is on the disk and was read back.

        Args:
            board: The board.
            parts: What was read.
            boot_loader: Key of its boot loader.
            missing: What could not be read.

        Raises:
            ValueError: No parts, or a region twice.
            SafeLocked: There are secrets in it, and the key safe was not unlocked; nothing was written.
            SnapshotDiffers: Something reads back differently.
        """
        chosen = sorted(parts, key=lambda part: (part.alt, part.address, part.region))
        if not chosen or len({part.region for part in chosen}) < len(chosen):
            raise ValueError("a dump has parts, and each region once")
        with self._turn, undo_faults(self.root):
            if any(part.secret or holds_secrets(board.platform, part.address, len(part.content)) for part in chosen):
                self._contents.insist_open()
            kept = tuple(
                self.keep(board, part.region, part.alt, part.address, part.content, part.secret) for part in chosen
            )
            folder = self._contents.folder(board.folder_name, DUMPS)
            name = self._new_name()
            made = self._now().astimezone(UTC).replace(microsecond=0)
            file = folder / f"{name}.json"
            dump = Dump(
                name,
                board,
                boot_loader,
                made,
                tool_version(),
                kept,
                file,
                practice=self._practice,
                missing=tuple(missing),
            )
            publish(self._actions, dump.manifest, write_manifest(dump))
            self._actions.flush_folder(folder)
            try:
                sound = read_manifest(dump.manifest, dump.manifest.read_bytes()) == dump
            except ValueError:
                sound = False
            if not sound:
                raise SnapshotDiffers(folder=folder)
            return dump

    def dumps(self, board: BoardName | None = None) -> tuple[Dump, ...]:
        """Return dumps, newest first: all, or those that are or may be this board's (`dump.board.matches` tells).

        A manifest that cannot be read is passed over, and the log tells.
        """
        found: list[Dump] = []
        with self._turn, undo_faults(self.root):
            for folder in self._board_folders():
                for path in self._listed(folder / DUMPS, "*.json"):
                    try:
                        found.append(read_manifest(path, path.read_bytes()))
                    except (OSError, ValueError) as error:
                        log.warning("manifest %s cannot be read: %s", path.name, error)
        if board is not None:
            described = (board.platform, board.device_id, board.serial)
            found = [dump for dump in found if dump.board.matches(*described) is not Match.NO]
        return tuple(sorted(found, key=lambda dump: (dump.made, dump.id), reverse=True))

    def open_dump(self, manifest: Path) -> Dump:
        """Return the dump of a manifest.

        Raises:
            SnapshotDamaged: It is no manifest, or not as it was written.
        """
        with self._turn, undo_faults(manifest.parent):
            try:
                return read_manifest(manifest, manifest.read_bytes())
            except ValueError:
                raise SnapshotDamaged(name=manifest.name) from None

    def load_dump(self, dump: Dump) -> dict[str, bytes]:
        """Return every content of a dump by region, all of them verified. Secret.

        Raises:
            SnapshotDamaged: One of them, or the manifest, is not what was kept.
            SafeLocked: One is sealed, and the key safe was not unlocked.
            WrongPassphrase: One was sealed with another passphrase.
        """
        known = self.open_dump(dump.manifest)
        if replace(known, damaged=None) != replace(dump, damaged=None):
            raise SnapshotDamaged(name=dump.manifest.name)
        return {part.region: self.read(part) for part in known.parts}

    # --- folders ----------------------------------------------------------------------------------------------------

    def _new_name(self) -> str:
        return f"{self._now().astimezone(UTC).strftime(STAMP)}-{secrets.token_hex(RANDOM_DIGITS // 2)}"

    def _board_folders(self) -> Sequence[Path]:
        if not self.root.is_dir():
            return ()
        return [folder for folder in sorted(self.root.iterdir()) if is_board_folder(folder.name) and folder.is_dir()]

    @staticmethod
    def _listed(folder: Path, pattern: str) -> list[Path]:
        """The store's own files in a folder; none if there is no such folder or it is closed to us."""
        try:
            return [
                path
                for path in sorted(folder.glob(pattern))
                if _NAME.fullmatch(path.stem) or FILE_NAME.fullmatch(path.name)
            ]
        except OSError as error:
            log.warning("folder %s cannot be read: %s", folder.name, error)
            return []


def _ended(path: Path) -> bool:
    """Whether the last line of a journal says that the rescue was finished or dropped; spares reading all of it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return bool(read_lines(path.stem, b"\n".join(file.read().split(b"\n")[-2:])).ends)
