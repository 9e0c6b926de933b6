"""Plausible firmware images for practice boards, and how a board judges images (device-protocol.md 7.1)."""

from __future__ import annotations

import functools
import hashlib
import random
import struct
import zlib
from dataclasses import dataclass

BOOT_LOADER, MONOLITHIC, SYSTEM_PART, USER_PART = 2, 3, 4, 5
LETTERS = {BOOT_LOADER: "b", MONOLITHIC: "m", SYSTEM_PART: "s", USER_PART: "u"}

CORE_INFO = 0x10C
F2_INFO = 0x184
_INFO = "<IIBBHHBBBBHBBH"
_SUFFIX = 36
_CRC = 4
_TAIL = 38  # digest, size of the suffix, check sum

_MOST_SOUND = 32
_sound: dict[bytes, bytes] = {}
"""Images whose check sum was found right, by their tails: to compare is many times as fast as to sum up again."""


@dataclass(frozen=True, slots=True)
class Module:
    """What the 24 bytes of module info say, and whether the image around them is whole.

    Attributes:
        dependencies: Function, index and least version of the two things it needs; function 0 for nothing.
    """

    start: int
    end: int
    version: int
    platform: int
    function: int
    index: int
    dependencies: tuple[tuple[int, int, int], tuple[int, int, int]]
    whole: bool
    digest: bytes

    @property
    def size(self) -> int:
        """Bytes of the image with its check sum."""
        return self.end - self.start + _CRC


@functools.cache
def build(
    *,
    seed: str,
    size: int,
    start: int,
    platform: int,
    function: int,
    index: int,
    version: int,
    info_at: int,
    dependency: tuple[int, int, int] = (0, 0, 0),
    second: tuple[int, int, int] = (0, 0, 0),
) -> bytes:
    """Return an image of `size` bytes with module info, digest and check sum; the rest is noise from the seed."""
    body = bytearray(random.Random(seed).randbytes(size - _SUFFIX - _CRC))
    if info_at:
        body[:8] = struct.pack("<II", 0x2000_5000, (start + info_at + 0x200) | 1)  # stack pointer, reset vector
    info = struct.pack(
        _INFO, start, start + size - _CRC, 0, 0, version, platform, function, index, *dependency, *second
    )
    body[info_at : info_at + len(info)] = info
    body += b"\0\0"
    body += hashlib.sha256(body).digest() + struct.pack("<H", _SUFFIX)
    return bytes(body) + zlib.crc32(body).to_bytes(_CRC, "big")


@functools.cache
def legacy_core_image(seed: str, size: int) -> bytes:
    """Return an image as of 2013-14: a vector table, no module info, no check sum (7.1)."""
    body = bytearray(random.Random(seed).randbytes(size - 4)) + b"\0\0\xff\xff"
    body[:8] = struct.pack("<II", 0x2000_5000, 0x0800_55E1)
    return bytes(body)


_MARK = b"Practice program: "
_MARK_AT = 0x150  # behind the vector table


def practice_program(key: str, size: int = 6_000) -> bytes:
    """Return an image as of 2013-14 that a virtual Core takes for the program of that key (see `programs`)."""
    body = bytearray(legacy_core_image(f"practice {key}", size))
    mark = _MARK + key.encode() + b"\0"
    body[_MARK_AT : _MARK_AT + len(mark)] = mark
    return bytes(body)


def practice_mark(image: bytes | bytearray) -> str:
    """Return the key of a practice program; "" where the image is none."""
    place = _MARK_AT + len(_MARK)
    if bytes(image[_MARK_AT:place]) != _MARK:
        return ""
    return bytes(image[place : place + 32]).partition(b"\0")[0].decode("ascii", "replace")


def practice_tinker() -> bytes:
    """Return a Core image of 0.7.0, as the cloud sends one over the air (8.4)."""
    return build(
        seed="tinker over the air",
        size=20_000,
        start=0x0800_5000,
        platform=0,
        function=MONOLITHIC,
        index=0,
        version=207,
        info_at=CORE_INFO,
    )


def read_module(cells: bytes | bytearray, offset: int, info_at: int, platform: int) -> Module | None:
    """Return the module that stands at an offset of a memory, None where no plausible module info is.

    Args:
        cells: The memory.
        offset: Where the image begins in it.
        info_at: Where its module info is, counted from there.
        platform: The platform id it must have.
    """
    raw = bytes(cells[offset + info_at : offset + info_at + struct.calcsize(_INFO)])
    if len(raw) < struct.calcsize(_INFO):
        return None
    start, end, _, _, version, found, function, index, *rest = struct.unpack(_INFO, raw)
    size = end - start + _CRC
    if not start < end or found != platform or function not in LETTERS or offset + size > len(cells):
        return None
    image = memoryview(cells)[offset : offset + size]
    tail = bytes(image[-_TAIL:])
    known = _sound.get(tail)
    whole = known is not None and len(known) == size and cells.startswith(known, offset)
    if not whole:
        whole = zlib.crc32(image[:-_CRC]) == int.from_bytes(image[-_CRC:], "big")
        if whole:
            if len(_sound) >= _MOST_SOUND:
                _sound.clear()
            _sound[tail] = bytes(image)
    needs = ((rest[0], rest[1], rest[2]), (rest[3], rest[4], rest[5]))
    return Module(start, end, version, found, function, index, needs, whole, bytes(image[-_TAIL:-6]))
