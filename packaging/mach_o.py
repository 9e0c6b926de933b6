"""Programs and libraries of macOS (Mach-O): what they ask for, for which processors they are, and joining them.

Just enough of the format, as Apple's headers `mach-o/loader.h` and `mach-o/fat.h` describe it, for 64-bit processors.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROCESSORS = {0x01000007: "x86_64", 0x0100000C: "arm64"}
THIN = b"\xcf\xfa\xed\xfe"
"""How a file for one processor begins."""
FAT = b"\xca\xfe\xba\xbe"
"""How a file for several begins (and, by chance, byte code of Java)."""
EXECUTABLE = 2
"""File type of a program; others are libraries and modules."""
SYSTEM = ("/usr/lib/", "/System/Library/")
"""Where the libraries of macOS itself are."""

_ALIGNMENT = 14  # of the parts of a joined file: a page of arm64 is 2^14 bytes
_HEADER = 32
_NEEDS = {0x0C, 0x8000_0018, 0x8000_001F, 0x20, 0x8000_0023}  # load, weak, re-export, lazy, upward
_ID, _RPATH, _SEGMENT, _SIGNATURE, _SYMBOLS = 0x0D, 0x8000_001C, 0x19, 0x1D, 0x02
_BUILD_VERSION, _OLD_VERSION = 0x32, 0x24
_MACOS = 1


class NotThisFormatError(ValueError):
    """The file is no 64-bit Mach-O file, or is cut off."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a slice that is mapped as a whole; `command` is where its load command stands."""

    name: str
    command: int
    offset: int
    size: int
    first_section: int | None
    """Where the content of its first section begins; None when it has none in the file."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What a file holds for one processor."""

    processor: str
    kind: int
    content: bytes
    name: str
    """What it calls itself (install name); "" for a program or module."""
    needs: tuple[str, ...]
    rpaths: tuple[str, ...]
    minimum: tuple[int, int] | None
    """The oldest macOS it says it runs on."""
    segments: tuple[Segment, ...]
    signature: tuple[int, int] | None
    """Offset and size of its code signature."""
    symbols: tuple[int, int, int] | None
    """Where its table of symbols is, how many there are, and where their names begin."""

    def wanted_symbols(self) -> frozenset[str]:
        """The names it takes from other files: functions and variables."""
        if self.symbols is None:
            return frozenset()
        table, count, names = self.symbols
        found = set()
        for number in range(count):
            at, kind = struct.unpack_from("<IB", self.content, table + 16 * number)
            if kind & 0xE0 == 0 and kind & 0x0F == 1:  # not for debuggers, external, not defined here
                begin = names + at
                found.add(self.content[begin : self.content.index(b"\0", begin)].decode())
        return frozenset(found)

    @property
    def commands_end(self) -> int:
        """Where its load commands end."""
        return _HEADER + int(struct.unpack_from("<I", self.content, 20)[0])


def is_mach_o(path: Path) -> bool:
    """Whether a file begins like one."""
    with path.open("rb") as file:
        return file.read(4) in (THIN, FAT)


def files(folder: Path) -> Iterator[Path]:
    """Yield every Mach-O file in a folder, sorted by name; links are not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and is_mach_o(path):
            yield path


def slices(content: bytes) -> tuple[Slice, ...]:
    """Return what a file holds, one for each processor, in its order.

    Raises:
        NotThisFormatError: It is none, is for another processor, or is damaged.
    """
    try:
        if content[:4] == THIN:
            return (_slice(content),)
        if content[:4] != FAT:
            raise NotThisFormatError("no Mach-O header")
        found = []
        for number in range(struct.unpack_from(">I", content, 4)[0]):
            kind, _, offset, size, alignment = struct.unpack_from(">IIIII", content, 8 + 20 * number)
            if offset + size > len(content) or offset % (1 << alignment):
                raise NotThisFormatError("a part lies outside the file, or not where it may")
            part = _slice(content[offset : offset + size])
            if PROCESSORS[kind] != part.processor:
                raise NotThisFormatError("a part is for another processor than the table says")
            found.append(part)
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise NotThisFormatError(str(error)) from error
    return tuple(found)


def _slice(content: bytes) -> Slice:
    magic, processor, _, kind, count, size, _, _ = struct.unpack_from("<4sIIIIIII", content)
    if magic != THIN or _HEADER + size > len(content):
        raise NotThisFormatError("no 64-bit Mach-O header")
    at, name = _HEADER, ""
    needs: list[str] = []
    rpaths: list[str] = []
    segments: list[Segment] = []
    minimum: tuple[int, int] | None = None
    signature: tuple[int, int] | None = None
    symbols: tuple[int, int, int] | None = None
    for _ in range(count):
        command, length = struct.unpack_from("<II", content, at)
        if length < 8 or at + length > _HEADER + size:
            raise NotThisFormatError("a load command is damaged")
        if command in _NEEDS or command in (_ID, _RPATH):
            begin = at + struct.unpack_from("<I", content, at + 8)[0]
            words = content[begin : at + length].split(b"\0", 1)[0].decode()
            if command == _ID:
                name = words
            else:
                (rpaths if command == _RPATH else needs).append(words)
        elif command == _SEGMENT:
            segments.append(_segment(content, at))
        elif command == _SIGNATURE:
            signature = struct.unpack_from("<II", content, at + 8)
            if sum(signature) > len(content):
                raise NotThisFormatError("the signature lies outside the file")
        elif command == _SYMBOLS:
            symbols = struct.unpack_from("<III", content, at + 8)
        elif command == _BUILD_VERSION:
            system, number = struct.unpack_from("<II", content, at + 8)
            if system == _MACOS:
                minimum = number >> 16, number >> 8 & 0xFF
        elif command == _OLD_VERSION:
            number = struct.unpack_from("<I", content, at + 8)[0]
            minimum = number >> 16, number >> 8 & 0xFF
        at += length
    return Slice(
        PROCESSORS[processor],
        kind,
        content,
        name,
        tuple(needs),
        tuple(rpaths),
        minimum,
        tuple(segments),
        signature,
        symbols,
    )


def _segment(content: bytes, at: int) -> Segment:
    name, _, _, offset, size, _, _, sections = struct.unpack_from("<16sQQQQIII", content, at + 8)
    places = []
    for number in range(sections):
        length, place = struct.unpack_from("<QI", content, at + 72 + 80 * number + 40)
        if length and place:
            places.append(place)
    first = min(places) if places else None
    return Segment(name.rstrip(b"\0").decode(), at, offset, size, first)


def join(parts: Iterable[bytes]) -> bytes:
    """Return one file for several processors, as `lipo -create` makes it: each part as it is, signature and all.

    Args:
        parts: Files for one processor each.

    Raises:
        NotThisFormatError: One is none, or two are for the same processor.
    """
    numbers = {name: number for number, name in PROCESSORS.items()}
    found: dict[int, bytes] = {}
    for part in parts:
        if part[:4] != THIN:
            raise NotThisFormatError("not for one processor")
        number = numbers[_slice(part).processor]
        if number in found:
            raise NotThisFormatError("two for the same processor")
        found[number] = part
    head = struct.pack(">4sI", FAT, len(found))
    place = 8 + 20 * len(found)
    body = b""
    for number, part in sorted(found.items()):
        offset = -(-(place + len(body)) // (1 << _ALIGNMENT)) * (1 << _ALIGNMENT)
        subtype = struct.unpack_from("<I", part, 8)[0]
        head += struct.pack(">IIIII", number, subtype, offset, len(part), _ALIGNMENT)
        body += bytes(offset - place - len(body)) + part
    return head + body


def resolve(name: str, asker: Path, rpaths: Sequence[str], program: Path) -> tuple[Path, ...]:
    """Return where macOS would look for a library, the first place first; none for one of the system's own.

    Args:
        name: As in a load command, for example `@rpath/QtCore.framework/Versions/A/QtCore`.
        asker: The file that asks.
        rpaths: Its own, and those of whoever loads it.
        program: The program itself.
    """
    rest = name.removeprefix("@rpath/")
    names = [f"{rpath}/{rest}" for rpath in rpaths] if rest != name else [name]
    places = []
    for one in names:
        one = one.replace("@loader_path", str(asker.parent), 1) if one.startswith("@loader_path") else one
        one = one.replace("@executable_path", str(program.parent), 1) if one.startswith("@executable_path") else one
        places.append(Path(PurePosixPath(one)))
    return tuple(places)


def needed(roots: Iterable[Path], program: Path) -> frozenset[Path]:
    """Return the files that some ask for, directly or by others, without those of the system and without the roots.

    What is not there is left out; `missing` tells about it.
    """
    wanted, seen = list(roots), set[Path]()
    first = set(wanted)
    while wanted:
        asker = wanted.pop()
        for part in slices(asker.read_bytes()):
            for name in part.needs:
                for place in resolve(name, asker, part.rpaths, program):
                    found = Path(os.path.normpath(place))
                    if place.is_file() and found not in seen:
                        seen.add(found)
                        wanted.append(found)
    return frozenset(seen - first)


def missing(folder: Path, program: Path) -> Mapping[str, tuple[str, ...]]:
    """Return what files in a folder ask for and would not find, inside the folder or in the system, and who asks."""
    lacking: dict[str, set[str]] = {}
    inside = folder.resolve()
    of_program = tuple(rpath for part in slices(program.read_bytes()) for rpath in part.rpaths)
    for asker in files(folder):
        for part in slices(asker.read_bytes()):
            for name in part.needs:
                # A library may name itself, wherever it was built; the loader knows it by then.
                if name == part.name or (name.startswith(SYSTEM) and ".." not in name):
                    continue
                places = resolve(name, asker.resolve(), (*part.rpaths, *of_program), program.resolve())
                if not any(place.is_file() and place.resolve().is_relative_to(inside) for place in places):
                    lacking.setdefault(name, set()).add(asker.relative_to(folder).as_posix())
    return {name: tuple(sorted(askers)) for name, askers in sorted(lacking.items())}
