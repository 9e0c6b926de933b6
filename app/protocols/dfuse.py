"""DfuSe words: the address commands of block 0 and the memory-layout string of an alternate setting.

Source: device-protocol.md 1.2, 1.5 and 2.1.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache

from app.faults import WrongAnswer

SET_ADDRESS = 0x21  # block 0, device-protocol.md 2.1
ERASE = 0x41

# The letter that ends a run of units is 'a' + (bits - 1): `a` readable only, `g` everything.
READABLE = 1
ERASABLE = 2
WRITABLE = 4

_UNIT_BYTES = {"": 1, " ": 1, "B": 1, "K": 1024, "M": 1024 * 1024}

# "03*016Kg": three units of 16 KB; what follows the last one that fits is garbage and ignored.
_RUN = re.compile(r"\s*([0-9]{1,4})\*([0-9]{1,4})([BKM ]?)([a-g])")
# "/0x08000000/": where the runs after it begin.
_BASE = re.compile(r"\s*/\s*0[xX]([0-9A-Fa-f]{1,8})\s*/")
_ADDRESSES = 1 << 32


def set_address_command(address: int) -> bytes:
    """Return the block 0 command that moves the address pointer."""
    return struct.pack("<BI", SET_ADDRESS, address)


def erase_command(address: int) -> bytes:
    """Return the block 0 command that erases the page or sector that contains the address."""
    return struct.pack("<BI", ERASE, address)


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of equal erase units.

    What it claims about reading, erasing and writing is the boot loader's own word, which device-protocol.md 11
    shows to be wrong in places on every board: it is kept for display and never obeyed.

    Attributes:
        start: First address.
        unit_size: Bytes of one page or sector.
        count: How many.
        readable: Whether the string says so.
        erasable: Whether the string says so.
        writable: Whether the string says so.
    """

    start: int
    unit_size: int
    count: int
    readable: bool
    erasable: bool
    writable: bool

    @property
    def end(self) -> int:
        """First address after the segment."""
        return self.start + self.unit_size * self.count


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """What an alternate setting says about its memory: a name and segments in the order given."""

    name: str
    segments: tuple[Segment, ...]

    def contains(self, address: int, size: int) -> bool:
        """Whether all of these bytes lie in the memory, across segments that touch."""
        at = address
        end = address + size
        while at < end:
            reached = max((part.end for part in self.segments if part.start <= at < part.end), default=at)
            if reached == at:
                return False
            at = reached
        return True


@lru_cache(maxsize=64)  # a board tells the same few each time it is opened
def parse_layout(string: str) -> MemoryLayout:
    """Read a memory-layout string such as `@Internal Flash  /0x08000000/20*001Ka,108*001Kg`.

    The Core's strings end in NULs, and a descriptor that is declared too long may end in anything (1.2): reading
    stops at the first NUL and at the first thing that is not a run of units.

    Raises:
        WrongAnswer: It is not a memory-layout string.
    """
    told = string.split("\0", 1)[0]
    name, slash, _ = told.partition("/")
    if not name.startswith("@") or not slash:
        raise WrongAnswer(f"not a memory-layout string: {told[:80]!r}")
    segments: list[Segment] = []
    place = len(name)
    while base := _BASE.match(told, place):
        at = int(base[1], 16)
        place = base.end()
        while run := _RUN.match(told, place):
            count, size = int(run[1]), int(run[2]) * _UNIT_BYTES[run[3]]
            bits = ord(run[4]) - ord("a") + 1
            if not count or not size or at + count * size > _ADDRESSES:
                raise WrongAnswer(f"impossible memory-layout string: {told[:80]!r}")
            segments.append(
                Segment(at, size, count, bool(bits & READABLE), bool(bits & ERASABLE), bool(bits & WRITABLE))
            )
            at += count * size
            place = run.end()
            if not told.startswith(",", place):
                break
            place += 1
    if not segments:
        raise WrongAnswer(f"memory-layout string without memory: {told[:80]!r}")
    return MemoryLayout(name[1:].strip(), tuple(segments))
