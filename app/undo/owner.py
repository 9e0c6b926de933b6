"""Who is at work on a file: a lock of the operating system, gone with its program however that ends.

Where the file system knows no locks, only this program's own files are known to be in work.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

# Windows forbids others to read what is locked, so the byte locked is far behind any journal's end.
_FAR_AWAY = 0x7FFF_0000
_TAKEN = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})

# Some network file systems drop a lock when its program closes the file anywhere: ours are never looked at again.
_ours: set[Path] = set()
_ours_lock = threading.Lock()


def take(path: Path, descriptor: int) -> bool:
    """Take a file that is open for writing; False when somebody, here or elsewhere, is at work on it."""
    with _ours_lock:
        if path in _ours or not _lock(descriptor):
            return False
        _ours.add(path)
        return True


def release(path: Path, descriptor: int) -> None:
    """Close a file that was taken; another one may take it then."""
    with _ours_lock:
        _ours.discard(path)
        os.close(descriptor)


def is_taken(path: Path) -> bool:
    """Whether somebody is at work on a file.

    Raises:
        OSError: It cannot be opened.
    """
    with _ours_lock:
        if path in _ours:
            return True
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            return not _lock(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file for as long as it stays open; True also where there are no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            at = os.lseek(descriptor, 0, os.SEEK_CUR)
            try:
                os.lseek(descriptor, _FAR_AWAY, os.SEEK_SET)
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, at, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
