"""The boards' memories, with what each does when it is written without being erased (device-protocol.md 2.2-2.4)."""

from __future__ import annotations

import itertools
from typing import Protocol

from app.virtual.timing import Timing

F1_BASE = 0x0800_0000
F1_SIZE = 128 * 1024
F1_PAGE = 1024
F1_PROTECTED_END = 0x0800_4000  # pages 0-15, option bytes set in manufacture (2.2.11)

F2_BASE = 0x0800_0000
F2_SIZE = 1024 * 1024
F2_SECTORS = (16, 16, 16, 16, 64, 128, 128, 128, 128, 128, 128, 128)  # KB, STM32F205 (2.7)
F2_WRITABLE = 0x0802_0000  # 2.4.5

SPI_SIZE = 2 * 1024 * 1024
SPI_SECTOR = 4096
P1_SERIAL_SIZE = 1024 * 1024
DCT_SIZE = 0x4000


class Memory(Protocol):
    """One medium behind a DFU alternate setting.

    `erase` and `write` return whether the medium reports success, and how long it is busy in seconds.
    """

    cells: bytearray

    def read(self, address: int, size: int) -> bytes:
        """Return what stands there; shorter where the memory ends."""

    def erase(self, address: int) -> tuple[bool, float]:
        """Erase the unit that contains the address."""

    def write(self, address: int, data: bytes) -> tuple[bool, float]:
        """Program bytes from the address on."""


class InternalF1:
    """128 KB in pages of 1 KB, programmed in half-words; the first 16 KB are write protected."""

    def __init__(self, timing: Timing) -> None:
        self.cells = bytearray(b"\xff" * F1_SIZE)
        self._timing = timing

    def read(self, address: int, size: int) -> bytes:
        """Return what stands there; shorter where the memory ends."""
        start = address - F1_BASE
        return bytes(self.cells[start : start + size])

    def erase(self, address: int) -> tuple[bool, float]:
        """Erase one page; fails on a protected one and outside the chip."""
        start = (address - F1_BASE) // F1_PAGE * F1_PAGE
        if address < F1_PROTECTED_END or start >= F1_SIZE:
            return False, 0.0
        self.cells[start : start + F1_PAGE] = b"\xff" * F1_PAGE
        return True, self._timing.f1_page_erase

    def write(self, address: int, data: bytes) -> tuple[bool, float]:
        """Program half-words: only an erased one takes a value, any one takes 0x0000 (PGERR, 2.2.7)."""
        data += b"\xff" * (-len(data) % 4)
        takes = len(data) // 2 * self._timing.f1_halfword
        place = slice(address - F1_BASE, address - F1_BASE + len(data))
        if address >= F1_PROTECTED_END and place.stop <= F1_SIZE and self.cells[place] == b"\xff" * len(data):
            self.cells[place] = data  # the usual case: all of it is blank
            return True, takes
        good = True
        for at in range(0, len(data), 2):
            start = address - F1_BASE + at
            old, new = bytes(self.cells[start : start + 2]), data[at : at + 2]
            if address + at < F1_PROTECTED_END or start + 2 > F1_SIZE:
                good = False
            elif old == b"\xff\xff" or new == b"\x00\x00":
                self.cells[start : start + 2] = new
            else:
                good = False
        return good, takes


class InternalF2:
    """1 MB in sectors of 16, 64 and 128 KB, programmed in words, which can only clear bits.

    Attributes:
        protected: Sectors whose write protection is on; erasing one through the boot loader takes it off (2.4.9).
        verifies: Whether the boot loader compares what it has written (2.4.8).
    """

    def __init__(self, timing: Timing, *, verifies: bool) -> None:
        self.cells = bytearray(b"\xff" * F2_SIZE)
        self.protected: set[int] = set()
        self.verifies = verifies
        self._timing = timing
        ends = list(itertools.accumulate(size * 1024 for size in F2_SECTORS))
        self._sectors = list(zip([0, *ends[:-1]], ends, strict=True))

    def read(self, address: int, size: int) -> bytes:
        """Return what stands there; shorter where the memory ends."""
        start = address - F2_BASE
        return bytes(self.cells[start : start + size])

    def sector(self, address: int) -> int:
        """Return the number of the sector that contains the address."""
        offset = address - F2_BASE
        return next(number for number, (start, end) in enumerate(self._sectors) if start <= offset < end)

    def erase(self, address: int) -> tuple[bool, float]:
        """Erase one sector, write protection included; below 0x08020000 it is refused."""
        if not F2_WRITABLE <= address < F2_BASE + F2_SIZE:
            return False, 0.0
        number = self.sector(address)
        start, end = self._sectors[number]
        self.protected.discard(number)
        self.cells[start:end] = b"\xff" * (end - start)
        return True, {
            16: self._timing.f2_erase_16k,
            64: self._timing.f2_erase_64k,
            128: self._timing.f2_erase_128k,
        }[F2_SECTORS[number]]

    def write(self, address: int, data: bytes) -> tuple[bool, float]:
        """Program words and compare; only the first address is checked (2.4.5).

        What an address between two words does is not known, only that it should be none (2.4.8): it fails here.
        """
        if not F2_WRITABLE <= address < F2_BASE + F2_SIZE or address % 4:
            return False, 0.0
        data += b"\xff" * (-len(data) % 4)
        start = address - F2_BASE
        data = data[: F2_SIZE - start]
        if not self.protected.isdisjoint((self.sector(address), self.sector(address + len(data) - 1))):
            return False, 0.0
        old = self.cells[start : start + len(data)]
        mask = int.from_bytes(old, "little") & int.from_bytes(data, "little")
        new = mask.to_bytes(len(data), "little")
        self.cells[start : start + len(data)] = new
        return new == data or not self.verifies, len(data) // 4 * self._timing.f2_word


class SerialFlash:
    """A serial flash with sectors of 4 KB whose bits can only be cleared; addresses wrap inside the chip."""

    def __init__(self, timing: Timing, size: int, *, even_only: bool) -> None:
        self.cells = bytearray(b"\xff" * size)
        self._timing = timing
        self._even_only = even_only

    def read(self, address: int, size: int) -> bytes:
        """Return what stands there, from the beginning again where the chip ends."""
        start = address % len(self.cells)
        found = bytes(self.cells[start : start + size])
        while len(found) < size:
            found += bytes(self.cells[: size - len(found)])
        return found

    def erase(self, address: int) -> tuple[bool, float]:
        """Erase one sector."""
        start = address % len(self.cells) // SPI_SECTOR * SPI_SECTOR
        self.cells[start : start + SPI_SECTOR] = b"\xff" * SPI_SECTOR
        return True, self._timing.spi_sector_erase

    def write(self, address: int, data: bytes) -> tuple[bool, float]:
        """Clear bits; the drivers of 2013-14 lose the last byte of an odd number (2.2.8)."""
        if self._even_only and len(data) % 2:
            data = data[:-1]
        start = address % len(self.cells)
        rest = len(self.cells) - start
        for at, part in ((start, data[:rest]), (0, data[rest:])):
            old = int.from_bytes(self.cells[at : at + len(part)], "little")
            both = old & int.from_bytes(part, "little")
            self.cells[at : at + len(part)] = both.to_bytes(len(part), "little")
        return True, len(data) * self._timing.spi_byte


class Dct:
    """The application's part of the device configuration table: any byte can be written, nothing needs erasing.

    Each write copies one 16 KB flash sector into the other, which sets its time (2.4.10).
    """

    def __init__(self, timing: Timing) -> None:
        self.cells = bytearray(b"\xff" * DCT_SIZE)
        self._timing = timing

    def read(self, address: int, size: int) -> bytes:
        """Return what stands there; shorter where the area ends."""
        return bytes(self.cells[address : address + size])

    def erase(self, address: int) -> tuple[bool, float]:
        """Do nothing, successfully."""
        return True, 0.0

    def write(self, address: int, data: bytes) -> tuple[bool, float]:
        """Replace bytes."""
        data = data[: DCT_SIZE - address]
        self.cells[address : address + len(data)] = data
        return True, self._timing.f2_erase_16k + DCT_SIZE // 4 * self._timing.f2_word
