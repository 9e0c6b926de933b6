"""What is in a file, a folder or an archive that a person has, looked through with bounds on memory and time."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from app.faults import PackArchiveUnreadable

# Guards against archives that are made to fill the memory or the time. The package itself unpacks to 26 MB.
MOST_MEMBERS = 50_000
MOST_UNPACKED = 512 * 1024 * 1024
PIECE = 64 * 1024

# What the standard library says of broken archives, of encrypted ones, and of ways to pack it does not know.
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, gzip.BadGzipFile, RuntimeError, ValueError)


def contents(path: Path, sizes: Collection[int]) -> Iterator[bytes | None]:
    """Yield the content of every file in there that has one of these sizes, and None for every other one.

    Args:
        path: A file, a folder, or an archive.
        sizes: In bytes.

    Raises:
        PackArchiveUnreadable: It is an archive, but a broken one, or has far more in it than any honest package.
        OSError: The disk refuses.
    """
    if not path.is_dir():
        if path.exists() and not path.is_file():  # a pipe or a device could make us wait for ever
            raise PackArchiveUnreadable("no regular file", file=path.name)
        yield from _opened(path, sizes)
        return
    seen = 0
    for folder, _folders, names in os.walk(path):
        for name in names:
            seen += 1
            if seen > MOST_MEMBERS:
                raise PackArchiveUnreadable(f"more than {MOST_MEMBERS} files", file=path.name)
            inner = Path(folder, name)
            if inner.is_file():  # no pipes and no devices: they could wait for ever
                yield from _opened(inner, sizes)


def _opened(path: Path, sizes: Collection[int]) -> Iterator[bytes | None]:
    """Yield what is in an archive, or the file itself."""
    with path.open("rb") as file:
        head = file.read(262)
        file.seek(0)
        try:
            if head.startswith(b"PK\x03\x04"):
                yield from _unzipped(file, sizes)
            elif head.startswith(b"\x1f\x8b"):
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from _untarred(_Bounded(unpacked), sizes)
            elif head[257:262] == b"ustar":
                yield from _untarred(_Bounded(file), sizes)
            else:
                yield _right_size(file, path.stat().st_size, sizes)
        except _BROKEN as error:
            raise PackArchiveUnreadable(str(error), file=path.name) from error
        except OSError as error:
            if error.errno is not None:  # the disk's; without a number it is an unpacker's
                raise
            raise PackArchiveUnreadable(str(error), file=path.name) from error


class _Bounded(io.RawIOBase):
    """A file that ends with an error when more than any honest package is read from it."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self._left = MOST_UNPACKED

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands over
        """Read on."""
        piece = self._file.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            raise tarfile.ReadError(f"more than {MOST_UNPACKED} bytes")
        buffer[: len(piece)] = piece
        return len(piece)


def _untarred(file: io.RawIOBase, sizes: Collection[int]) -> Iterator[bytes | None]:
    """Yield a tar file's members."""
    with tarfile.open(fileobj=io.BufferedReader(file, PIECE), mode="r|") as archive:
        seen = 0
        for member in archive:
            seen += 1
            if seen > MOST_MEMBERS:
                raise tarfile.ReadError(f"more than {MOST_MEMBERS} members")
            if not member.isreg():
                continue
            inner = archive.extractfile(member) if member.size in sizes else None
            yield _right_size(inner, member.size, sizes) if inner is not None else None


def _unzipped(file: IO[bytes], sizes: Collection[int]) -> Iterator[bytes | None]:
    """Yield a zip file's members."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise zipfile.BadZipFile(f"more than {MOST_MEMBERS} members")
        for member in members:
            if member.is_dir():
                continue
            if member.file_size not in sizes:
                yield None
                continue
            with archive.open(member) as inner:
                yield _right_size(inner, member.file_size, sizes)


def _right_size(file: IO[bytes], size: int, sizes: Collection[int]) -> bytes | None:
    """Return what is in a file of one of these sizes; None when it is not."""
    if size not in sizes:
        return None
    content = file.read(size + 1)
    return content if len(content) == size else None
