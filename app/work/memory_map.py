"""All memory that update mode can reach, without holes and without anything twice.

The board table names places by what they are for: some share memory, and between some there is memory without a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.platforms.model import Platform, Region
from app.text import text

TRANSPORT = "transport"

_BETWEEN = text("MemoryMap", "Memory without a name at {address}")


def whole_memory(platform: Platform) -> tuple[Region, ...]:
    """Return rows that together are all memory of a board, in order of alternate setting and address.

    Of places that share memory the one that holds the other is returned. What is between the places is returned as rows
    that are not in the board table and count as not writable; their keys begin with `rest-`.
    """
    return tuple(row for number in range(len(platform.alts)) for row in _rows(platform, number))


def _rows(platform: Platform, alt: int) -> Iterator[Region]:
    base = platform.bases[alt]
    end = base + sum(run.size * run.count for run in platform.erase_units[alt])
    regions = sorted((row for row in platform.regions if row.alt == alt), key=lambda row: (row.start, -row.size))
    at = base
    for row in regions:
        if row.end <= at:
            continue
        if row.start > at:
            yield _between(row, at, row.start)
        yield row
        at = row.end
    if at < end:
        yield _between(regions[-1], at, end)


def _between(neighbour: Region, start: int, end: int) -> Region:
    """Return a row for memory that has no name; it is of the same kind as what lies beside it."""
    return Region(
        key=f"rest-{neighbour.alt}-{start:08x}",
        name=_BETWEEN.with_values(address=f"0x{start:08X}"),
        alt=neighbour.alt,
        start=start,
        size=end - start,
        medium=neighbour.medium,
        writable=False,
        source="",
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one region."""

    region: Region
    address: int
    size: int


def places(platform: Platform, alt: int, start: int, end: int) -> Sequence[Place]:
    """Cut a stretch of memory along the places of the board table; what has no name there is left out.

    A stretch that is inside one place is returned as it is, with the smallest place that holds all of it.
    """
    holding = [row for row in platform.regions if row.alt == alt and row.start <= start and end <= row.end]
    if holding:
        return (Place(min(holding, key=lambda row: row.size), start, end - start),)
    named = [row for row in whole_memory(platform) if row.alt == alt and row in platform.regions]
    found = []
    for row in named:
        first, last = max(start, row.start), min(end, row.end)
        if first < last:
            found.append(Place(row, first, last - first))
    return tuple(found)


def touches_key(platform: Platform, alt: int, start: int, end: int) -> bool:
    """Whether a stretch of memory has bytes of a key slot (device-protocol.md 3.2, 3.5)."""
    return any(
        slot.alt == alt and start < slot.address + slot.size and slot.address < end for slot in platform.key_slots
    )


def chooses_key(platform: Platform, alt: int, start: int, end: int) -> bool:
    """Whether it has the byte by which a board with two keys and two servers knows which to use (3.5, 4.1)."""
    return any(
        field.key == TRANSPORT and field.alt == alt and start < field.address + field.size and field.address < end
        for field in platform.fields
    )
