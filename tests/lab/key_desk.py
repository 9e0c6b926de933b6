"""A board whose keys are written and read in the guest: where they are, and what `dfu-util` sees of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from app.keys.safe import Backup
from app.work.events import Event, Outcome
from lab.openssl import public_half
from lab.station import MakeStation, Station


@dataclass(frozen=True)
class Slot:
    """Where a board keeps its key, typed from device-protocol.md 3.2, 3.5 and 4.4: all of it in alternate setting 1.

    Attributes:
        kind: Of key, as `openssl` calls it.
        start, size: The slot.
        written: Bytes that are written: on a Core more than the slot.
        half: Where the public half is; None on a Core, which has no place for it.
        around: What `dfu-util` reads to see the neighbours too: a Core's sectors of server and key, and else
            the settings up to the device ID, which firmware writes whenever it starts.
    """

    kind: str
    start: int
    size: int
    written: int
    half: int | None
    around: tuple[int, int]


SLOTS = {
    "core": Slot("rsa", 0x2000, 612, 1024, None, (0x1000, 0x2000)),
    "photon": Slot("rsa", 34, 612, 612, 1250, (0, 3618)),
    "electron": Slot("ec", 3106, 192, 192, 2978, (0, 3618)),
}
PATTERN = bytes(range(256)) * 12  # in what is left of a Core's sector


class KeyDesk:
    """A board whose key is written or read, seen through `dfu-util`."""

    def __init__(self, station: MakeStation, name: str, **options: object) -> None:
        self.slot = SLOTS[name.split("-")[0]]
        self.place: Station = station(name, **options)
        if self.slot.half is None:
            self.place.board.spi[0x2400:0x3000] = PATTERN

    def around(self) -> bytearray:
        """The memory with the key and what is beside it, as `dfu-util` reads it."""
        self.place.into_dfu()
        return bytearray(self.place.dfu_util_reads(1, *self.slot.around))

    def load(self, key: bytes) -> None:
        """Write a key with `dfu-util`, as the Particle command line does: with a zero behind an odd number (2.2)."""
        self.place.desk.run_dfu_util(self.place.dfu_util_arguments(1, self.slot.start, key + bytes(len(key) % 2)))

    def slot_of(self, around: bytearray) -> bytes:
        """The slot out of that memory."""
        start = self.slot.start - self.slot.around[0]
        return bytes(around[start : start + self.slot.size])

    def in_memory(self) -> bytes:
        """The same memory straight from the board, in whatever state it is."""
        cells = self.place.board.spi if self.slot.half is None else self.place.board.dct
        start, size = self.slot.around
        return bytes(cells[start : start + size])

    def with_key(self, around: bytearray, der: bytes) -> bytearray:
        """What has to be there once a key is written: the key, erased bytes, its public half, and nothing else."""
        slot, first = self.slot, self.slot.around[0]
        changed = bytearray(around)
        changed[slot.start - first : slot.start - first + slot.written] = der.ljust(slot.written, b"\xff")
        if slot.half is not None:
            half = public_half(slot.kind, der)
            changed[slot.half : slot.half + len(half)] = half
        return changed

    def succeed(self, recipe: str, answers: Mapping[str, object] | None = None) -> Outcome:
        """Run a recipe with the person typing the ID where the board does not show it."""
        return self.place.succeed(recipe, self._answers(answers))

    def run(self, recipe: str, answers: Mapping[str, object] | None = None) -> Event:
        """The same with a recipe that may end in any way; return the last event."""
        return self.place.run(recipe, self._answers(answers))

    def _answers(self, answers: Mapping[str, object] | None) -> dict[str, object]:
        return {"device-id": self.place.board.device_id, "plan": True, **(answers or {})}

    def kept(self, der: bytes) -> list[Backup]:
        """The backups of that key, whose file with the slot begins with it."""
        return [each for each in self.place.safe.backups() if each.file(".bin").read_bytes().startswith(der)]


def told(outcome: Outcome) -> dict[str, str]:
    return {fact.key: fact.value if isinstance(fact.value, str) else fact.value.english() for fact in outcome.facts}


def fingerprint(kind: str, der: bytes) -> str:
    """SHA-256 of the public half that `openssl` makes of a key, in groups of four digits."""
    digits = hashlib.sha256(public_half(kind, der)).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, 64, 4))
