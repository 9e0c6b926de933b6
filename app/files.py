"""How files a person may need again come to the disk: whole or not at all, and never over another one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from app.faults import (
    DiskFailed,
    Fault,
    FileNameTaken,
    FileNoRoom,
    FileNotWritten,
    FolderGone,
    FolderRefused,
    NoRoom,
)

OWNER_FILE = 0o600
OWNER_FOLDER = 0o700
ANYBODYS_FILE = 0o666  # less what the system's mask takes away
PART_DIGITS = 8  # random hex digits that keep the names of unfinished files apart
# What file systems without hard links (FAT, exFAT, some network shares) answer to link().
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})

FAULTS: dict[int, type[Fault]] = {
    errno.ENOSPC: NoRoom,
    errno.EDQUOT: NoRoom,
    errno.EFBIG: NoRoom,
    errno.EACCES: FolderRefused,
    errno.EPERM: FolderRefused,
    errno.EROFS: FolderRefused,
    errno.ENOENT: FolderGone,
    errno.ENOTDIR: FolderGone,
    errno.ESTALE: FolderGone,
}


@contextlib.contextmanager
def file_faults(
    folder: Path, *, no_room: type[Fault] = NoRoom, disk_failed: type[Fault] = DiskFailed
) -> Iterator[None]:
    """Turn errors of the operating system, by number, into faults about this folder.

    The two faults whose advice depends on what was to be kept can be replaced.
    """
    try:
        yield
    except OSError as error:
        kind = FAULTS.get(error.errno or 0, disk_failed)
        raise (no_room if kind is NoRoom else kind)(str(error), folder=folder) from error


class FileActions:
    """Every action of the program's stores that changes the disk; the one seam where tests end the program.

    All raise OSError.
    """

    def make_folder(self, folder: Path) -> None:
        """Make the folder for its owner alone, if it is not there; take it away from others if it is."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, OWNER_FOLDER)
        if sys.platform != "win32" and stat.S_IMODE(folder.stat().st_mode) & ~OWNER_FOLDER:
            # Some file systems know no owners; the files are worth keeping there too.
            with contextlib.suppress(PermissionError):
                os.chmod(folder, OWNER_FOLDER)

    def create(self, path: Path) -> int:
        """Open a file that must not exist yet, for its owner alone; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), OWNER_FILE)

    def extend(self, path: Path) -> int:
        """Open a file that is there, to write behind its end; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def write(self, descriptor: int, content: bytes) -> None:
        """Write everything."""
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]

    def flush(self, descriptor: int) -> None:
        """Have the file's content on the disk."""
        os.fsync(descriptor)

    def place(self, part: Path, final: Path) -> None:
        """Give a finished file its name; FileExistsError if the name is taken. The old name may remain."""
        if sys.platform == "win32":
            os.rename(part, final)  # refuses to overwrite there
            return
        try:
            os.link(part, final)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            # Not safe against a second program taking the name just now; but names contain a hash of the content.
            if os.path.lexists(final):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from error
            os.rename(part, final)

    def replace(self, part: Path, final: Path) -> None:
        """Give a finished file its name, over another one of that name."""
        os.replace(part, final)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def flush_folder(self, folder: Path) -> None:
        """Have the folder's names on the disk; Windows does this by itself."""
        if sys.platform == "win32":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # the file system cannot flush folders
                raise
        finally:
            os.close(descriptor)


class HandedOn(FileActions):
    """For files the person hands on, for example a public key: the system's usual rights, so a server may read it."""

    def create(self, path: Path) -> int:
        """Open a file that must not exist yet; return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), ANYBODYS_FILE)


def publish(actions: FileActions, path: Path, content: bytes) -> None:
    """Write a file so that it has its name only when it is whole and on the disk.

    Raises:
        FileExistsError: The name is taken; nothing was changed.
        OSError: Anything else; the file does not exist under its name.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(PART_DIGITS // 2)}.part")
    try:
        write_new(actions, part, content)
        actions.place(part, path)
    except OSError:
        # The caller still holds the bytes and hears of it; only an ended program leaves parts behind.
        actions.remove(part)
        raise
    actions.remove(part)


def put(actions: FileActions, path: Path, content: bytes) -> None:
    """Write a file as `publish` does, over whatever has its name now.

    Raises:
        OSError: What had the name is unchanged.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(PART_DIGITS // 2)}.part")
    try:
        write_new(actions, part, content)
        actions.replace(part, path)
    except OSError:
        actions.remove(part)
        raise


def hand_on(path: Path, content: bytes, *, over: bool) -> None:
    """Write a file for the person to hand on, whole or not at all; with the same content there already, it is done.

    Args:
        path: Where.
        content: What; never a secret.
        over: Whether another file of that name may be replaced, because the person agreed to that.

    Raises:
        FileNameTaken: It may not.
        Fault: What the operating system refuses, see `file_faults`.
    """
    with file_faults(path.parent, no_room=FileNoRoom, disk_failed=FileNotWritten):
        if over:
            put(HandedOn(), path, content)
            return
        try:
            publish(HandedOn(), path, content)
        except FileExistsError:
            if path.read_bytes() != content:
                raise FileNameTaken(file=path.name, folder=path.parent) from None


def write_new(actions: FileActions, path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, and have it on the disk."""
    descriptor = actions.create(path)
    try:
        actions.write(descriptor, content)
        actions.flush(descriptor)
    finally:
        os.close(descriptor)
