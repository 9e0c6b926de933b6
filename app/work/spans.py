"""What a writing run knows of the memory it writes to: its targets, the erase units they touch, what stands there.

Pure: no board, no file. The one rule here that protects a board is `refuse_keys`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.platforms.model import Platform
from app.protocols.flash import span
from app.text import Text
from app.undo.journal import Planned

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to write.

    Attributes:
        title: What it is, for example `System part 1, 2.2.0`.
        region: Key of the platform's region it goes into.
        address: First address.
        content: The bytes.
        why: Why it is written, and why at this place in the order.
        source: Where the bytes come from, for example the name of a file.
        into_settings: Whether it is meant to go into memory that holds settings and keys. Even then never over a key,
            unless `over_key` says so.
        over_key: Whether it is a key itself.
        later: Whether what stands there can be read only once targets before it are written (2.4.11). It is kept then.
    """

    title: Text
    region: str
    address: int
    content: bytes = field(repr=False)
    why: Text
    source: str
    into_settings: bool = False
    over_key: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of whole erase units that a target touches; where nothing is erased (DCT), its bytes alone."""

    alt: int
    start: int
    size: int

    @property
    def end(self) -> int:
        """First address behind it."""
        return self.start + self.size

    def holds(self, other: Span) -> bool:
        """Whether another one is all inside this one."""
        return self.alt == other.alt and self.start <= other.start and other.end <= self.end


class Memory:
    """What stands in the spans of a plan, as far as this run knows. A write to one shows in all that overlap it."""

    def __init__(self, content: Mapping[Span, bytes] | None = None) -> None:
        self._content = dict(content or {})

    def __contains__(self, place: Span) -> bool:
        return place in self._content

    def __getitem__(self, place: Span) -> bytes:
        return self._content[place]

    def put(self, place: Span, content: bytes) -> None:
        """Note what stands in a span now."""
        for other, before in self._content.items():
            start, end = max(place.start, other.start), min(place.end, other.end)
            if other.alt == place.alt and start < end:
                piece = content[start - place.start : end - place.start]
                self._content[other] = before[: start - other.start] + piece + before[end - other.start :]
        self._content[place] = content

    def copy(self) -> Memory:
        """Return one to try things on."""
        return Memory(self._content)

    def outermost(self) -> list[tuple[Span, bytes]]:
        """Return the spans that are inside no other one."""
        return [
            (place, content)
            for place, content in self._content.items()
            if not any(other != place and other.holds(place) for other in self._content)
        ]


def refuse_keys(platform: Platform, target: Target) -> None:
    """Refuse a target whose erase units reach a key, or memory with secrets, that it is not meant for.

    Raises:
        ValueError: It does, or it is not all in its region: a mistake of the program.
    """
    place = span_of(platform, target)
    if not target.over_key:
        for slot in platform.key_slots:
            if slot.alt == place.alt and slot.address < place.end and place.start < slot.address + slot.size:
                raise ValueError(f"{target.region} 0x{target.address:08X} would reach the key slot {slot.key}")
    if not (target.over_key or target.into_settings):
        for region in platform.regions:
            if region.secret and region.alt == place.alt and region.start < place.end and place.start < region.end:
                raise ValueError(f"{target.region} 0x{target.address:08X} would reach {region.key}")


def is_of(planned: Planned, alt: int, target: Target) -> bool:
    """Whether a target of this run is one of the run before, with the very same bytes."""
    place = (planned.alt, planned.address, planned.size)
    if place != (alt, target.address, len(target.content)):
        return False
    return planned.sha256 == hashlib.sha256(target.content).hexdigest()


def laid_over(old: bytes, start: int, target: Target) -> bytes:
    """Return a stretch of memory that begins at `start` as it is once a target is written over it."""
    first = max(0, target.address - start)
    content = target.content[max(0, start - target.address) :][: max(0, len(old) - first)]
    return old[:first] + content + old[first + len(content) :]


def made_of(current: bytes, sources: Sequence[bytes], *, blank: bool) -> bool:
    """Whether every byte is that of a source at the same place, or erased where `blank` allows it."""
    for at in range(0, len(current), _CHUNK):
        here = current[at : at + _CHUNK]
        pieces = [source[at : at + _CHUNK] for source in sources]
        if here in pieces:
            continue
        if blank:
            pieces.append(b"\xff" * len(here))
        if not all(any(piece[number] == byte for piece in pieces) for number, byte in enumerate(here)):
            return False
    return True


def meets(place: Span, planned: Planned) -> bool:
    """Whether a target of an earlier run lies, in part at least, in a span."""
    return place.alt == planned.alt and place.start < planned.address + planned.size and planned.address < place.end


def span_of(platform: Platform, target: Target) -> Span:
    """Return the stretch of whole erase units that a target touches.

    Raises:
        ValueError: It is not all in its region: a mistake of the program.
    """
    region = platform.region(target.region)
    start, size = span(platform, region, target.address, len(target.content))
    return Span(region.alt, start, size)
