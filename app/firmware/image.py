"""Firmware images: what a file or a piece of flash memory holds, told from its bytes alone.

Three forms (device-protocol.md 7.1): modules, which carry 24 bytes of module information and a checksum; complete
firmware of the Core, which carries the same further in; and Core firmware from before 0.4, which carries neither.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, IntEnum, unique
from typing import Final

from app.faults import ImageDamaged, ImageUnreadable
from app.platforms.model import Medium, Platform
from app.platforms.table import PLATFORMS
from app.text import Text, text


@unique
class Function(IntEnum):
    """What a module is (7.1)."""

    NONE = 0
    RESOURCE = 1
    BOOT_LOADER = 2
    MONOLITHIC = 3
    SYSTEM = 4
    USER = 5
    SETTINGS = 6
    NCP = 7
    RADIO_STACK = 8


@unique
class Form(Enum):
    """How an image describes itself."""

    MODULE = "module"
    CORE = "core"  # module information at 0x10C
    LEGACY = "legacy"  # the Core before 0.4: no module information, no checksum


@dataclass(frozen=True, slots=True)
class Dependency:
    """A module that another one needs, at least in this version."""

    function: Function
    index: int
    version: int


@dataclass(frozen=True, slots=True)
class KnownLegacy:
    """An image without a checksum that is known by its hash (7.3)."""

    size: int
    sha256: str
    title: Text


@dataclass(frozen=True, slots=True)
class Image:
    """A firmware image.

    Attributes:
        content: All its bytes.
        form: How it describes itself.
        start: First address it is built for; a copy kept elsewhere (factory slot, download area) keeps it.
        function: What it is; a legacy image counts as MONOLITHIC.
        index: Its number among modules of its function.
        version: Module version number; None for a legacy image.
        platform: Platform number it says; None for a legacy image.
        dependencies: What it needs.
        crc_ok: Whether its checksum is right; None when it carries none.
        sha256: Of `content`, 64 hex digits.
        sha_ok: Whether the SHA-256 it carries itself is right; None when it carries none.
        missing: Bytes it says it has beyond the end of `content`; only `find` gives such an image.
    """

    content: bytes = field(repr=False)
    form: Form
    start: int
    function: Function
    index: int
    version: int | None
    platform: int | None
    dependencies: tuple[Dependency, ...]
    crc_ok: bool | None
    sha256: str
    sha_ok: bool | None = None
    missing: int = 0

    @property
    def size(self) -> int:
        """Bytes there are."""
        return len(self.content)

    @property
    def end(self) -> int:
        """First address after it, where it is built for."""
        return self.start + self.size

    @property
    def built_for(self) -> int:
        """Platform number it is built for; only the Core has images that do not say so."""
        return LEGACY_PLATFORM if self.platform is None else self.platform

    @property
    def known(self) -> KnownLegacy | None:
        """The published image this is, when it carries no checksum of its own."""
        if self.form is not Form.LEGACY:
            return None
        return next((row for row in KNOWN_LEGACY if row.sha256 == self.sha256), None)


KNOWN_LEGACY: Final = (
    KnownLegacy(
        25068,
        "7291e032472121b1f70f9daf56e4de175f21beba50172da8fbe737e2e2734670",
        text("Firmware", "Radio patch, service pack 1.13.7"),
    ),
    KnownLegacy(
        25240,
        "7df4ee5c284ec2bdd209398ee64068d86c57c59465f6d56018fee874517dbb45",
        text("Firmware", "Radio patch, service pack 1.14"),
    ),
    KnownLegacy(
        93636,
        "fd5a64395e5c454f8f0485689371141bc2297e2d1d03a90c0367c2b7734fa2f8",
        text("Firmware", "Deep update of June 2014"),
    ),
)

LEGACY_PLATFORM: Final = 0
LEGACY_START: Final = 0x0800_5000
LEGACY_ROOM: Final = 110_592
"""Bytes the Core has for its firmware (3.1)."""

_LEGACY_START_BYTES = LEGACY_START.to_bytes(4, "little")
_INFO = struct.Struct("<IIBBHHBBBBHBBH")
_CORE_INFO_AT = 0x10C
# 7.1: user parts and one system part of the Electron; the other STM32F2 modules; the Core; nRF52; Bluz.
_INFO_AT = (0, 0x184, _CORE_INFO_AT, 0x200, 0xC0)
_CRC_SIZE = 4
_SHA_AT = 38  # from the end: 32 bytes of hash, suffix size (2), checksum (4)
_SUFFIXES = (36, 40)  # sizes of a suffix that holds a hash
_SMALLEST = _INFO.size + 36 + _CRC_SIZE
_FUNCTIONS = frozenset(function.value for function in Function if function is not Function.NONE)


@dataclass(frozen=True, slots=True)
class _Info:
    """Module information as it stands in the bytes, believed or not."""

    at: int
    start: int
    last: int  # address of the checksum
    version: int
    platform: int
    function: int
    index: int
    needs: tuple[tuple[int, int, int], ...]

    @property
    def size(self) -> int:
        return self.last - self.start + _CRC_SIZE


def parse(content: bytes) -> Image:
    """Read a firmware file.

    A wrong checksum is no reason to refuse: the image says `crc_ok` False, and a verdict tells what that means.

    Args:
        content: The whole file.

    Raises:
        ImageDamaged: It is firmware, but cut off, too long, or its module information contradicts itself.
        ImageUnreadable: It is no firmware image of any board this program knows the form of.
    """
    infos = _infos(content)
    for info in infos:
        if info.start < info.last and info.function in _FUNCTIONS and info.size == len(content):
            return _module(content, info)
    words = _by_first_bytes(content)
    if words is not None:
        raise ImageUnreadable(reason=words)
    _refuse_broken_module(content, infos)
    if _starts_as_legacy(content):
        return _legacy_file(content)
    raise ImageUnreadable(reason=_looks_like(content))


def find(memory: bytes, address: int, platform: Platform) -> Image | None:
    """Find the image at the start of a slot of flash memory.

    What follows the image is ignored: blank flash, or what an earlier, longer image left behind. An image that carries
    no size (a Core's from before 0.4) is taken to reach to the last byte that is not 0xFF, unless it is one of the
    known ones: then its size is known too.

    Args:
        memory: The slot's bytes.
        address: Address of the slot as DFU counts it.
        platform: The board.

    Returns:
        The image, `missing` greater than 0 when it says it is longer than `memory`; None when there is none.
    """
    starts = _starts(platform)
    infos = _infos(memory)
    for info in infos:
        if not (info.start < info.last and info.function in _FUNCTIONS):
            continue
        if info.size <= len(memory):
            image = _module(memory[: info.size], info)
            if image.crc_ok or info.start == address or info.start in starts:
                return image
        elif info.start in starts:
            return _module(memory, info)
    if not _holds_legacy(platform) or not _starts_as_legacy(memory):
        return None
    for row in KNOWN_LEGACY:
        if hashlib.sha256(memory[: row.size]).hexdigest() == row.sha256:
            return _legacy(memory[: row.size])
    used = memory.rstrip(b"\xff")
    used += b"\xff" * (-len(used) % 4)  # flash is written in words, and the last one may end in 0xFF
    if _entry(used) >= LEGACY_START + len(used) or len(used) > LEGACY_ROOM:
        return None
    broken = _moved_info(used) or any(info.at == _CORE_INFO_AT and _was_core(info) for info in infos)
    return _legacy(used, broken=broken)


def _infos(content: bytes) -> tuple[_Info, ...]:
    """Read what would be module information at every place where it can be."""
    return tuple(_info(content, at) for at in _INFO_AT if at + _INFO.size + _CRC_SIZE <= len(content))


def _info(content: bytes, at: int) -> _Info:
    start, last, _, _, version, platform, function, index, *needs = _INFO.unpack_from(content, at)
    return _Info(at, start, last, version, platform, function, index, ((needs[0], needs[1], needs[2]), (*needs[3:],)))


def _module(content: bytes, info: _Info) -> Image:
    missing = info.size - len(content)
    return Image(
        content=content,
        form=Form.CORE if info.at == _CORE_INFO_AT else Form.MODULE,
        start=info.start,
        function=Function(info.function),
        index=info.index,
        version=info.version,
        platform=info.platform,
        dependencies=tuple(
            Dependency(Function(function), index, version)
            for function, index, version in info.needs
            if function in _FUNCTIONS
        ),
        crc_ok=missing == 0 and _crc_ok(content),
        sha256=hashlib.sha256(content).hexdigest(),
        sha_ok=None if missing else _sha_ok(content),
        missing=missing,
    )


def _crc_ok(content: bytes) -> bool:
    """The CRC-32 of zlib over everything before it, stored big endian (7.1)."""
    return zlib.crc32(memoryview(content)[:-_CRC_SIZE]) == int.from_bytes(content[-_CRC_SIZE:], "big")


def _sha_ok(content: bytes) -> bool | None:
    """Compare the hash in the suffix with what stands before it; None when the suffix holds none (7.1)."""
    if int.from_bytes(content[-_CRC_SIZE - 2 : -_CRC_SIZE], "little") not in _SUFFIXES:
        return None
    return hashlib.sha256(memoryview(content)[:-_SHA_AT]).digest() == content[-_SHA_AT : -_SHA_AT + 32]


# --- module information that is not whole ---------------------------------------------------------------------------


def _starts(platform: Platform) -> frozenset[int]:
    """First addresses of everything a module can be built for on this board."""
    return frozenset(
        region.start
        for region in (*platform.regions, *platform.monolithic_regions)
        if region.medium in (Medium.INTERNAL_F1, Medium.INTERNAL_F2)
    )


_ALL_STARTS = frozenset[int]().union(*(_starts(platform) for platform in PLATFORMS))


def _refuse_broken_module(content: bytes, infos: Collection[_Info]) -> None:
    """Refuse what was a module once: one sure sign of it is enough, because no legacy image has any by chance.

    Without this a Core image with a damaged header would pass for one that never had a header nor a checksum.
    """
    size = len(content)
    for info in infos:
        if info.start not in _ALL_STARTS or info.function not in _FUNCTIONS or info.last <= info.start:
            continue
        values = {"said": info.size, "found": size}
        if info.size > size:
            raise ImageDamaged(
                reason=text(
                    "Firmware", "The file is cut off: it says it has {said} bytes, but has only {found}."
                ).with_values(**values)
            )
        raise ImageDamaged(
            reason=text(
                "Firmware", "The file has {found} bytes, but the firmware in it says it has only {said}."
            ).with_values(**values)
        )
    whole = size > _SMALLEST and (_crc_ok(content) or _sha_ok(content))
    # An odd number in the second word of the file is the reset vector of an old Core image, no end of a module.
    ends = {info.last - size + _CRC_SIZE for info in infos if info.at or info.last % 2 == 0}
    told = any(info.start in _ALL_STARTS for info in infos) or not ends.isdisjoint(_ALL_STARTS)
    if whole or told or _moved_info(content):
        raise ImageDamaged(
            reason=text("Firmware", "The part of the file that says what it is and where it belongs is damaged.")
        )


# --- the Core before 0.4 --------------------------------------------------------------------------------------------


def _entry(content: bytes) -> int:
    return int.from_bytes(content[4:8], "little")


def _starts_as_legacy(content: bytes) -> bool:
    """Initial stack pointer in RAM, and an odd reset vector inside the application's memory (7.1)."""
    stack, entry = int.from_bytes(content[:4], "little"), _entry(content)
    return stack & 0x2FFE_0000 == 0x2000_0000 and LEGACY_START <= entry < LEGACY_START + LEGACY_ROOM and entry & 1 == 1


def _legacy_file(content: bytes) -> Image:
    if len(content) > LEGACY_ROOM:
        raise ImageDamaged(
            reason=text(
                "Firmware", "It begins as firmware of a Core, but has {found} bytes; a Core has room for {room}."
            ).with_values(found=len(content), room=LEGACY_ROOM)
        )
    if _entry(content) >= LEGACY_START + len(content):
        raise ImageDamaged(
            reason=text(
                "Firmware", "The file is cut off: it has only {found} bytes and starts running beyond them."
            ).with_values(found=len(content))
        )
    return _legacy(content)


def _legacy(content: bytes, *, broken: bool = False) -> Image:
    return Image(
        content=content,
        form=Form.CORE if broken else Form.LEGACY,
        start=LEGACY_START,
        function=Function.MONOLITHIC,
        index=0,
        version=None,
        platform=None,
        dependencies=(),
        crc_ok=False if broken else None,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _moved_info(content: bytes) -> bool:
    """Whether module information of a Core image stands anywhere: bytes before it were lost, added or moved."""
    at = content.find(_LEGACY_START_BYTES)
    while 0 <= at <= len(content) - _INFO.size:
        info = _info(content, at)
        if info.function == Function.MONOLITHIC and info.platform == LEGACY_PLATFORM and _ends_inside(info):
            return True
        at = content.find(_LEGACY_START_BYTES, at + 1)
    return False


def _ends_inside(info: _Info) -> bool:
    return LEGACY_START < info.last < LEGACY_START + LEGACY_ROOM


def _was_core(info: _Info) -> bool:
    """Whether there was module information of a Core image: a part of it still says so."""
    return info.start == LEGACY_START or (
        _ends_inside(info) and info.platform == LEGACY_PLATFORM and info.function == Function.MONOLITHIC
    )


def _holds_legacy(platform: Platform) -> bool:
    return platform.number == LEGACY_PLATFORM


# --- files given by mistake -----------------------------------------------------------------------------------------

_BY_FIRST_BYTES: tuple[tuple[bytes, Text], ...] = (
    (
        b"\x7fELF",
        text("Firmware", "It is a program with debug information (.elf); the .bin file made from it is needed."),
    ),
    (b"PK\x03\x04", text("Firmware", "It is a zip archive; the .bin file inside it is needed.")),
    (b"\x1f\x8b", text("Firmware", "It is a compressed archive (gzip); the .bin file inside it is needed.")),
    (b"DfuSe", text("Firmware", "It is a DfuSe file (.dfu); the plain .bin file is needed.")),
    (b"UF2\n", text("Firmware", "It is a UF2 file; the plain .bin file is needed.")),
    (b"%PDF", text("Firmware", "It is a PDF document.")),
    (b"\x89PNG", text("Firmware", "It is a picture.")),
    (b"\xff\xd8\xff", text("Firmware", "It is a picture.")),
    (b"GIF8", text("Firmware", "It is a picture.")),
    (b"-----BEGIN", text("Firmware", "It is a key or a certificate.")),
)
_LOOK_AT = 4096
_TEXT_BYTES = bytes({*range(0x20, 0x7F), *range(0x80, 0x100), 0x09, 0x0A, 0x0C, 0x0D})


def _by_first_bytes(content: bytes) -> Text | None:
    """Say what a file is by its first bytes; None when they say nothing."""
    return next((words for begin, words in _BY_FIRST_BYTES if content.startswith(begin)), None)


def _looks_like(content: bytes) -> Text:
    """Say in words what a file is that is no firmware image."""
    if not content:
        return text("Firmware", "It is empty.")
    if not content.strip(b"\xff") or not content.strip(b"\x00"):
        return text("Firmware", "It holds nothing but blank memory.")
    kind = _text_words(content[:_LOOK_AT])
    if kind is not None:
        return kind
    if len(content) < _SMALLEST:
        return text("Firmware", "It is far too short for firmware. Its size in bytes: {found}.").with_values(
            found=len(content)
        )
    return text("Firmware", "Nothing in it says which board it is for or where it belongs.")


def _text_words(begin: bytes) -> Text | None:
    """Say what kind of text it is; None when it is no text."""
    if begin[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return text("Firmware", "It is a text file.")
    if begin.translate(None, _TEXT_BYTES):
        return None
    try:
        plain = begin.decode().lstrip("\ufeff \t\r\n").lower()
    except UnicodeDecodeError as problem:
        if len(begin) < _LOOK_AT or problem.start < _LOOK_AT - 3:  # only the last character may have been cut
            return None
        plain = begin[: problem.start].decode().lstrip("\ufeff \t\r\n").lower()
    if plain.startswith((":10", ":02", ":20")):
        return text("Firmware", "It is an Intel HEX file (.hex); the plain .bin file is needed.")
    if plain.startswith(("s0", "s1", "s3")) and plain[2:10].isalnum():
        return text("Firmware", "It is a Motorola S-record file; the plain .bin file is needed.")
    if plain.startswith(("<!doctype", "<html", "<head", "<?xml", "<!--")):
        return text("Firmware", "It is a web page, perhaps the answer of a server that did not have the file.")
    return text("Firmware", "It is a text file.")
