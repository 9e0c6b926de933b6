"""What a Windows program or library asks of others, and what it offers: just enough of the PE format.

Offsets are those of Microsoft's "PE Format" for 64-bit files (PE32+).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

SUFFIXES = frozenset({".exe", ".dll", ".pyd"})

_PE_OFFSET_AT = 0x3C
_PE32_PLUS = 0x20B
_DIRECTORIES_AT = 112  # in the optional header
_EXPORTS, _IMPORTS, _DELAYED = 0, 1, 13  # numbers of data directories
_IMPORT_ENTRY, _DELAYED_ENTRY = 20, 32  # bytes

# Part of every Windows 10 and 11. Names that begin with SETS stand for one of these, whichever the version has.
_SYSTEM_NAMES = """
    advapi32 authz bcrypt bcryptprimitives cabinet cfgmgr32 comctl32 comdlg32 crypt32 d2d1 d3d11 d3d12 d3d9 dbghelp
    dnsapi dwmapi dwrite dxgi gdi32 hid icuuc imm32 iphlpapi kernel32 kernelbase mpr mscms msi msvcrt ncrypt
    netapi32 newdev normaliz ntdll ole32 oleaut32 opengl32 pdh powrprof propsys psapi rpcrt4 secur32 setupapi shcore
    shell32 shlwapi uiautomationcore user32 userenv uxtheme version winmm wintrust winusb ws2_32 wtsapi32
"""
SYSTEM = frozenset(f"{name}.dll" for name in _SYSTEM_NAMES.split())
SETS = ("api-ms-win-", "ext-ms-")


class NotThisFormatError(ValueError):
    """The file is no 64-bit Windows program or library."""


class PeFile:
    """A file, read as a whole."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        at = self._number("<I", _PE_OFFSET_AT) if content[:2] == b"MZ" else len(content)
        if content[at : at + 4] != b"PE\0\0":
            raise NotThisFormatError("no PE header")
        sections, optional_size = self._number("<H", at + 6), self._number("<H", at + 20)
        self._optional = at + 24
        if self._number("<H", self._optional) != _PE32_PLUS:
            raise NotThisFormatError("not PE32+")
        table = self._optional + optional_size
        self._sections = [
            struct.unpack_from("<IIII", content, table + 40 * number + 8) for number in range(sections)
        ]  # virtual size, address, size in the file, place in the file

    def imports(self) -> frozenset[str]:
        """The names of the libraries it needs, in lower case; those it loads only when used as well."""
        direct = self._names(_IMPORTS, _IMPORT_ENTRY, 12)
        return frozenset(direct + self._names(_DELAYED, _DELAYED_ENTRY, 4))

    def functions(self) -> dict[str, frozenset[str]]:
        """The names it needs of each library (lower case) from the start on; numbers alone are left out."""
        address, size = self._directory(_IMPORTS)
        found: dict[str, set[str]] = {}
        if not size:
            return {}
        at = self._place(address)
        while name := self._number("<I", at + 12):
            names = found.setdefault(self._text(name).lower(), set())
            thunk = self._place(self._number("<I", at) or self._number("<I", at + 16))
            while value := self._number("<Q", thunk):
                if not value >> 63:
                    names.add(self._text(value + 2))  # after the hint
                thunk += 8
            at += _IMPORT_ENTRY
        return {library: frozenset(names) for library, names in found.items()}

    def exports(self) -> tuple[str, ...]:
        """The names it offers to others, sorted."""
        address, size = self._directory(_EXPORTS)
        if not size:
            return ()
        at = self._place(address)
        count, names = self._number("<I", at + 24), self._place(self._number("<I", at + 32))
        return tuple(sorted(self._text(self._number("<I", names + 4 * number)) for number in range(count)))

    def stamp(self) -> int:
        """The moment in its header; 0, or any number that is the same in two builds."""
        return self._number("<I", self._optional - 16)

    def _names(self, directory: int, entry: int, name_at: int) -> list[str]:
        address, size = self._directory(directory)
        found: list[str] = []
        if not size:
            return found
        at = self._place(address)
        while name := self._number("<I", at + name_at):
            found.append(self._text(name).lower())
            at += entry
        return found

    def _directory(self, number: int) -> tuple[int, int]:
        at = self._optional + _DIRECTORIES_AT + 8 * number
        return self._number("<I", at), self._number("<I", at + 4)

    def _place(self, address: int) -> int:
        for size, start, raw_size, raw in self._sections:
            if start <= address < start + max(size, raw_size):
                return int(address - start + raw)
        raise NotThisFormatError(f"address {address:#x} is in no section")

    def _text(self, address: int) -> str:
        start = self._place(address)
        return self._content[start : self._content.index(b"\0", start)].decode("ascii")

    def _number(self, form: str, at: int) -> int:
        try:
            value: int = struct.unpack_from(form, self._content, at)[0]
        except struct.error:
            raise NotThisFormatError("it ends too early") from None
        return value


def is_system(name: str) -> bool:
    """Whether a library of this name (lower case) is a part of Windows."""
    return name in SYSTEM or name.startswith(SETS)


def needed(roots: Iterable[Path], library: Mapping[str, Path]) -> frozenset[Path]:
    """Return the files of `library` that `roots` need, directly or through others.

    Args:
        roots: Programs and libraries to begin with.
        library: Name in lower case -> file.
    """
    found: set[Path] = set()
    left = list(roots)
    while left:
        for name in PeFile(left.pop().read_bytes()).imports():
            path = library.get(name)
            if path is not None and path not in found:
                found.add(path)
                left.append(path)
    return frozenset(found)


def missing(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return each library that is neither in `folder` nor a part of Windows, with the files that ask for it."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    there = {path.name.lower() for path in files}
    asked: dict[str, list[str]] = {}
    for path in files:
        for name in PeFile(path.read_bytes()).imports():
            if name not in there and not is_system(name):
                asked.setdefault(name, []).append(path.relative_to(folder).as_posix())
    return {name: tuple(askers) for name, askers in sorted(asked.items())}
