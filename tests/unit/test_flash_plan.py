"""Plans of the flasher, carried out on simple models of each memory written from the specification (2.2, 2.4, 2.5)."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.platforms.model import BootLoader, Medium, Platform, Region
from app.platforms.table import PLATFORMS, platform
from app.protocols.flash import FlashPlan, plan_flash, reachable, span

CORE, PHOTON, P1 = platform("core"), platform("photon"), platform("p1")


@dataclass(frozen=True)
class Case:
    """A region, and how much of it a test works on."""

    board: Platform
    region: str
    room: int

    @property
    def where(self) -> Region:
        return self.board.region(self.region)

    @property
    def boot_loader(self) -> BootLoader:
        return self.board.boot_loader()


INTERNAL = Case(CORE, "application", 6 * 1024)
SPI = Case(CORE, "factory", 5 * 4096)
SECTORS = Case(PHOTON, "ota", 2 * 131_072)
PROTECTED = Case(PHOTON, "system-1", 2 * 131_072)
DCT = Case(PHOTON, "dct", 16_384)
P1_SERIAL = Case(P1, "serial-flash", 4 * 4096)
CASES = [INTERNAL, SPI, SECTORS, PROTECTED, DCT, P1_SERIAL]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.board.key}-{case.region}")


def unit_at(board: Platform, alt: int, address: int) -> tuple[int, int]:
    """The erase unit that contains the address, found by counting."""
    at = board.bases[alt]
    for run in board.erase_units[alt]:
        for _ in range(run.count):
            if at <= address < at + run.size:
                return at, run.size
            at += run.size
    raise AssertionError(hex(address))


class Memory:
    """What the chip does with erases and writes, one byte or half-word at a time; it fails a test that abuses it."""

    def __init__(self, case: Case, base: int, cells: bytes) -> None:
        self.case, self.base, self.cells = case, base, bytearray(cells)
        self.erased: set[int] = set()
        self.commands = 0

    def erase(self, address: int) -> None:
        start, size = unit_at(self.case.board, self.case.where.alt, address)
        assert start == address, "the pointer has to stand at the unit's beginning"
        assert start not in self.erased, "erased twice"
        self.erased.add(start)
        self.cells[start - self.base : start - self.base + size] = b"\xff" * size
        self.commands += 1

    def write(self, address: int, data: bytes) -> None:
        assert 1 <= len(data) <= self.case.boot_loader.transfer_size
        assert self.base <= address
        assert address + len(data) <= self.base + len(self.cells)
        self.commands += 1
        at = address - self.base
        medium = self.case.where.medium
        if medium is Medium.DCT:
            self.cells[at : at + len(data)] = data
            return
        assert address % 4 == 0
        assert len(data) % 4 == 0
        if medium is Medium.INTERNAL_F1:
            for place in range(0, len(data), 2):
                (old,) = struct.unpack_from("<H", self.cells, at + place)
                (new,) = struct.unpack_from("<H", data, place)
                assert old == 0xFFFF or new == 0, "the flash controller would refuse this half-word"
                struct.pack_into("<H", self.cells, at + place, new)
            return
        if self.case is PROTECTED:
            assert unit_at(self.case.board, 0, address)[0] in self.erased, "still write protected"
        for place, value in enumerate(data):
            result = self.cells[at + place] & value
            assert result == value or medium is Medium.SPI, "the boot loader would compare and stall"
            self.cells[at + place] = result


def carry_out(case: Case, plan: FlashPlan, current: bytes) -> Memory:
    memory = Memory(case, plan.units_start, current)
    for unit in plan.units:
        if unit.erase:
            memory.erase(unit.address)
        for block in unit.blocks:
            assert unit.address <= block.address
            assert block.end <= unit.end
            memory.write(block.address, block.data)
    return memory


def check(case: Case, address: int, content: bytes, current: bytes) -> FlashPlan:
    """Plan, carry out, compare; return the plan."""
    start, size = span(case.board, case.where, address, len(content))
    assert len(current) == size
    plan = plan_flash(case.board, case.boot_loader, case.where, address, content, current)
    memory = carry_out(case, plan, current)
    offset = address - start
    assert memory.cells == current[:offset] + content + current[offset + len(content) :] == plan.wanted
    assert plan.changed == sum(one != other for one, other in zip(content, current[offset:], strict=False))
    assert memory.commands == plan.erases + plan.blocks
    for unit in plan.units:
        assert unit.old != unit.new, "nothing to do here"
    assert (not plan.units) == (plan.changed == 0)
    again = plan_flash(case.board, case.boot_loader, case.where, address, content, bytes(memory.cells))
    assert (again.units, again.changed) == ((), 0)
    return plan


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def changes(draw: st.DrawFn, old: bytes, room: int) -> bytes:
    """Turn some stretches of `old` into noise, blank, zeros, fewer bits."""
    new = bytearray(old)
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, room - 1))
        length = draw(st.sampled_from([1, 2, 3, 4, 100, 1024, 4096, 9000]))
        part = new[start : start + length]
        match draw(st.sampled_from(["noise", "blank", "zero", "clear"])):
            case "noise":
                part = bytearray(noise(start, len(part)))
            case "blank":
                part = bytearray(b"\xff" * len(part))
            case "zero":
                part = bytearray(len(part))
            case _:
                part = bytearray(one & other for one, other in zip(part, noise(length, len(part)), strict=True))
        new[start : start + length] = part
    return bytes(new)


@st.composite
def situations(draw: st.DrawFn, case: Case) -> tuple[int, bytes, bytes]:
    """An address, a content, and what is there now."""
    first = case.where.start
    old = draw(st.sampled_from([b"\xff" * case.room, noise(1, case.room), bytes(case.room)]))
    old = changes(draw, old, case.room)
    begin = draw(st.integers(0, case.room - 1))
    end = draw(st.integers(begin + 1, case.room))
    new = changes(draw, old, case.room)[begin:end]
    start, size = span(case.board, case.where, first + begin, len(new))
    return first + begin, new, old[start - first : start - first + size]


@settings(deadline=None)
@given(st.data())
@every_case
def test_a_plan_carried_out_gives_the_content_and_touches_nothing_else(case: Case, data: st.DataObject) -> None:
    check(case, *data.draw(situations(case)))


@settings(deadline=None)
@given(st.data())
@every_case
def test_no_plan_has_more_commands_than_erasing_and_filling_what_differs(case: Case, data: st.DataObject) -> None:
    address, content, current = data.draw(situations(case))
    plan = check(case, address, content, current)
    block = case.boot_loader.transfer_size
    for unit in plan.units:
        pieces = [(unit.old[at : at + block], unit.new[at : at + block]) for at in range(0, unit.size, block)]
        differing = sum(old != new for old, new in pieces)
        filled = sum(new.count(0xFF) != len(new) for _, new in pieces)
        assert len(unit.blocks) <= (filled if unit.erase else differing)
        if unit.erase and case is not PROTECTED:
            assert any(cannot_take(case, old, new) for old, new in pieces), "erased without need"


def cannot_take(case: Case, old: bytes, new: bytes) -> bool:
    """Whether one block of memory has to be erased to become `new`, found word by word."""
    words = [(old[at : at + 4], new[at : at + 4]) for at in range(0, len(new), 4)]
    changed = [number for number, (before, after) in enumerate(words) if before != after]
    if not changed:
        return False
    stretch = words[changed[0] : changed[-1] + 1]
    if case.where.medium is Medium.INTERNAL_F1:
        # Written in one go, so what stands between two changes is programmed too.
        return any(
            before[half : half + 2] != b"\xff\xff" and after[half : half + 2] != b"\0\0"
            for before, after in stretch
            for half in (0, 2)
        )
    return any(one & other != other for before, after in stretch for one, other in zip(before, after, strict=True))


def test_a_fresh_image_on_the_core_costs_one_erase_and_one_block_a_page() -> None:
    content = noise(3, 98_932)
    start, size = span(CORE, INTERNAL.where, 0x0800_5000, len(content))
    plan = plan_flash(CORE, CORE.boot_loader(), INTERNAL.where, 0x0800_5000, content, noise(4, size))
    assert (start, size) == (0x0800_5000, 97 * 1024)
    assert (plan.erases, plan.blocks, len(plan.units)) == (97, 97, 97)
    assert 9.5 < plan.seconds < 10.8


def test_an_image_on_blank_pages_costs_no_erase() -> None:
    content = noise(3, 10 * 1024)
    plan = check(INTERNAL, 0x0800_5000, content, b"\xff" * len(content))
    assert (plan.erases, plan.blocks) == (0, 10)


def test_a_blank_page_in_the_content_is_erased_and_not_written() -> None:
    content = noise(3, 1024) + b"\xff" * 1024 + noise(5, 100) + b"\xff" * 924
    plan = check(INTERNAL, 0x0800_5000, content, noise(6, 3072))
    assert [(unit.erase, [len(block.data) for block in unit.blocks]) for unit in plan.units] == [
        (True, [1024]),
        (True, []),
        (True, [100]),
    ]


def test_a_used_half_word_of_the_core_takes_zero_without_an_erase() -> None:
    old = bytearray(b"\xff" * 1024)
    old[16:18] = b"\x34\x12"
    new = bytearray(old)
    new[16:18] = b"\0\0"
    plan = check(INTERNAL, 0x0800_5000, bytes(new), bytes(old))
    assert (plan.erases, plan.blocks) == (0, 1)


def test_a_used_half_word_of_the_core_takes_nothing_else_without_an_erase() -> None:
    old = b"\xff\xff\x34\x12" + b"\xff" * 1020
    new = b"\xff\xff\x34\x10" + b"\xff" * 1020
    assert check(INTERNAL, 0x0800_5000, new, old).erases == 1


def test_what_stands_before_the_change_is_stepped_over_not_written_again() -> None:
    old = noise(9, 512) + b"\xff" * 512
    new = noise(9, 512) + b"\xff" * 188 + noise(10, 200) + b"\xff" * 124
    plan = check(INTERNAL, 0x0800_5000, new, old)
    assert plan.erases == 0
    assert [(block.address, len(block.data)) for block in plan.units[0].blocks] == [(0x0800_5000 + 700, 200)]


def test_spi_bits_are_cleared_without_an_erase() -> None:
    old = noise(1, 4096)
    new = bytes(value & 0x7F for value in old[:500]) + old[500:]
    plan = check(SPI, 0x2_0000, new, old)
    assert (plan.erases, plan.blocks) == (0, 1)


def test_the_rest_of_a_shared_sector_is_kept() -> None:
    region = CORE.region("server-key")
    old = noise(1, 4096)
    plan = plan_flash(CORE, CORE.boot_loader(), region, 0x1180, b"\x01" * 128, old)
    assert (plan.units_start, plan.units_size) == (0x1000, 4096)
    assert plan.wanted == old[:0x180] + b"\x01" * 128 + old[0x200:]
    assert (plan.erases, plan.blocks) == (1, 4)


def test_protected_memory_is_erased_even_when_it_is_blank_and_other_memory_is_not() -> None:
    blank = b"\xff" * 131_072
    assert check(PROTECTED, 0x0802_0000, noise(1, 5000), blank).erases == 1
    assert check(SECTORS, 0x080C_0000, noise(1, 5000), blank).erases == 0


def test_blank_blocks_of_an_erased_sector_are_not_written() -> None:
    content = noise(1, 4096) + b"\xff" * 8192 + noise(2, 4096)
    assert check(PROTECTED, 0x0802_0000, content, noise(5, 131_072)).blocks == 30


def test_the_dct_is_written_byte_for_byte_where_it_differs() -> None:
    old = noise(1, 1)
    plan = check(DCT, 1753, b"\xa5", old)
    assert [(block.address, block.data) for block in plan.units[0].blocks] == [(1753, b"\xa5")]
    old = noise(1, 9000)
    new = bytearray(old)
    for place in (7, 4000, 4200, 8999):
        new[place] ^= 1
    plan = check(DCT, 100, bytes(new), old)
    assert [(block.address, len(block.data)) for block in plan.units[0].blocks] == [(107, 3994), (4300, 1), (9099, 1)]
    assert plan.erases == 0


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)
def test_spans_are_whole_erase_units_inside_the_alternate_setting(board: Platform) -> None:
    for region in board.regions:
        if region.medium is Medium.DCT:
            assert span(board, region, region.start + 5, 9) == (region.start + 5, 9)
            continue
        for address, size in ((region.start, region.size), (region.end - 1, 1), (region.start + 1, region.size - 1)):
            start, length = span(board, region, address, size)
            first, last = unit_at(board, region.alt, address), unit_at(board, region.alt, address + size - 1)
            assert (start, start + length) == (first[0], sum(last))


@pytest.mark.parametrize(("address", "size"), [(0x0800_4FFF, 2), (0x0801_FFFF, 2), (0x0800_5000, 0)])
def test_what_is_not_in_the_region_is_refused(address: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in application"):
        span(CORE, INTERNAL.where, address, size)


def test_a_region_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        plan_flash(CORE, CORE.boot_loader(), CORE.region("bootloader"), 0x0800_0000, b"1", bytes(1024))


def test_anything_but_the_span_is_refused_as_current_content() -> None:
    with pytest.raises(ValueError, match="the span has 1024 bytes"):
        plan_flash(CORE, CORE.boot_loader(), INTERNAL.where, 0x0800_5000, b"12", b"12")


def test_a_plan_shows_no_content() -> None:
    plan = check(DCT, 34, b"secret", b"\xff" * 6)
    shown = repr(plan)
    assert "secret" not in shown
    assert "ff" not in shown.lower().replace("offset", "")


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)
def test_every_boot_loader_and_region_has_an_estimate(board: Platform) -> None:
    for boot_loader in board.boot_loaders:
        for region in board.regions:
            if region.writable and reachable(board, boot_loader, region):
                size = min(region.size, 4096)
                _, whole = span(board, region, region.start, size)
                plan = plan_flash(board, boot_loader, region, region.start, bytes(size), b"\xff" * whole)
                assert 0 < plan.seconds < 5
