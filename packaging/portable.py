"""The portable program: one file that unpacks itself once for each version, and starts from there ever after.

A small program (`linux/portable.c`) with a script in it (`linux/portable.sh`), then a tar file packed by gzip, because
every Linux has both. Other packers make it smaller, but are not on every system. Built with gcc.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

from parts import ROOT, build_environment, epoch, must

FILES = ROOT / "packaging" / "linux"
START = 16_384
"""Bytes of what starts the file, filled up with zeros: the script has to say where it ends before it is compiled."""
STAMP_DIGITS = 16
FLAGS = (
    "-Os",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",  # no library, so no memcpy
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-fno-pie",
    "-no-pie",
    "-static",
    "-nostdlib",
    "-s",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wl,--build-id=none,-z,noexecstack",
)


def write(program: Path, target: Path, work: Path) -> None:
    """Write the portable file.

    Args:
        program: A folder with the program, `rekindle`, and everything it needs.
        target: Where to write it.
        work: A folder for what lies about meanwhile.

    Raises:
        SystemExit: gcc is missing or failed.
    """
    packed = pack(program)
    work.mkdir(parents=True, exist_ok=True)
    (work / "portable.inc").write_text(quoted(script(program, packed)), encoding="ascii")
    begins = work / "portable"
    source = FILES / "portable.c"
    must(["gcc", *FLAGS, "-I", work, "-o", begins, source], folder=work, environment=build_environment())
    with target.open("wb") as file:
        file.write(begins.read_bytes().ljust(START, b"\0"))
        if file.tell() != START:
            raise ValueError(f"what starts the file has {file.tell()} bytes; there is room for {START}")
        file.write(packed)
    target.chmod(0o755)


def script(program: Path, packed: bytes, start: int = START) -> str:
    """Return the script for what was packed, without its comments.

    Args:
        program: The folder that was packed.
        packed: What became of it.
        start: How many bytes of the file come before that.
    """
    # Blocks of 4 KB: a file fills its last one, and a folder has one.
    need = sum(-(-entry.lstat().st_size // 4096) * 4 + 4 for entry in program.rglob("*"))
    values = {
        "START": str(start),
        "STAMP": hashlib.sha256(packed).hexdigest()[:STAMP_DIGITS],
        "SHAPE": shape(program),
        "NEED": str(need),
    }
    words = (FILES / "portable.sh").read_text(encoding="ascii")
    for name, value in values.items():
        words = words.replace(f"@{name}@", value)
    return "".join(f"{line}\n" for line in words.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def quoted(words: str) -> str:
    """Return text as lines of C."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in words.splitlines())
    return "".join(f'"{line}\\n"\n' for line in escaped)


def pack(folder: Path) -> bytes:
    """Return what is in a folder as a tar file packed by gzip: the same bytes for the same files."""
    made = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=made, compresslevel=9, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            entry = archive.gettarinfo(path, path.relative_to(folder).as_posix())
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = epoch()
            if path.is_symlink() or not path.is_file():
                archive.addfile(entry)
                continue
            entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return made.getvalue()


def shape(folder: Path) -> str:
    """Return what the script computes of everything unpacked, where only the person may read and write."""
    lines = []
    for path in folder.rglob("*"):
        name, told = path.relative_to(folder).as_posix(), path.lstat()
        when = f"{epoch()}.0000000000"
        if path.is_symlink():
            lines.append(f"l 777 {told.st_size} {when} {name} {os.readlink(path)}")
        elif path.is_file():
            lines.append(f"f {told.st_mode & 0o700:o} {told.st_size} {when} {name} ")
    ordered = sorted(line.encode() for line in lines)
    return hashlib.sha256(b"".join(line + b"\n" for line in ordered)).hexdigest()
