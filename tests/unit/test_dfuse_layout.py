from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faults import WrongAnswer
from app.protocols.dfuse import erase_command, parse_layout, set_address_command

CORE_INTERNAL = "@Internal Flash  /0x08000000/20*001Ka,108*001Kg\0"
CORE_SPI = "@SPI Flash : SST25x/0x00000000/512*04Kg" + "\0" * 9
PHOTON_INTERNAL = "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"


def test_core_internal_flash_has_one_kilobyte_pages() -> None:
    layout = parse_layout(CORE_INTERNAL)
    assert layout.name == "Internal Flash"
    assert [(part.start, part.end, part.unit_size, part.count) for part in layout.segments] == [
        (0x08000000, 0x08005000, 1024, 20),
        (0x08005000, 0x08020000, 1024, 108),
    ]
    assert [(part.readable, part.erasable, part.writable) for part in layout.segments] == [
        (True, False, False),
        (True, True, True),
    ]


def test_core_spi_flash_is_two_megabytes_of_four_kilobyte_sectors() -> None:
    layout = parse_layout(CORE_SPI)
    assert layout.name == "SPI Flash : SST25x"
    assert layout.contains(0, 2 * 1024 * 1024)
    assert not layout.contains(1, 2 * 1024 * 1024)
    assert [(part.start, part.unit_size, part.count) for part in layout.segments] == [(0, 0x1000, 512)]


def test_photon_sectors_grow_with_their_address() -> None:
    layout = parse_layout(PHOTON_INTERNAL)
    assert [(part.start, part.unit_size, part.count) for part in layout.segments] == [
        (0x08000000, 0x4000, 3),
        (0x0800C000, 0x4000, 1),
        (0x08010000, 0x10000, 1),
        (0x08020000, 0x20000, 7),
    ]
    assert layout.contains(0x08000000, 0x100000)


def test_dct_and_serial_flash_strings_are_understood() -> None:
    assert parse_layout("@DCT Flash   /0x00000000/01*016Kg").contains(0, 0x4000)
    assert parse_layout("@Serial Flash   /0x00000000/256*004Kg").contains(0, 0x100000)


@pytest.mark.parametrize("tail", ["\0\0", "\0junk/0x1/9*9Kg", "\ufffd\x07", ",", ",nonsense", " and more"])
def test_garbage_after_the_string_changes_nothing(tail: str) -> None:
    assert parse_layout(CORE_SPI.rstrip("\0") + tail) == parse_layout(CORE_SPI)


@pytest.mark.parametrize(
    "string",
    ["", "DFU Interface", "@", "@Flash", "@Flash/0x0/", "@Flash/0x0/0*16Kg", "@F/0xFFFFFFFF/2*16Mg", "@F/0x0/16Kg"],
)
def test_what_is_no_layout_is_a_wrong_answer(string: str) -> None:
    with pytest.raises(WrongAnswer):
        parse_layout(string)


@given(st.text(alphabet="@/0x18*aKMg, \0\ufffd", max_size=60))
def test_garbage_is_read_or_refused_never_a_crash(string: str) -> None:
    try:
        layout = parse_layout("@" + string)
    except WrongAnswer:
        return
    assert all(part.start < part.end <= 1 << 32 for part in layout.segments)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 128)), min_size=1, max_size=5))
def test_runs_follow_each_other_without_a_gap(runs: list[tuple[int, int]]) -> None:
    layout = parse_layout("@X/0x08000000/" + ",".join(f"{count:02}*{size:03}Kg" for count, size in runs))
    at = 0x08000000
    for part, (count, size) in zip(layout.segments, runs, strict=True):
        assert (part.start, part.count, part.unit_size) == (at, count, size * 1024)
        at = part.end
    assert layout.contains(0x08000000, at - 0x08000000)
    assert not layout.contains(0x08000000, at - 0x08000000 + 1)


def test_commands_have_the_address_in_little_endian() -> None:
    assert set_address_command(0x08005000) == bytes.fromhex("2100500008")
    assert erase_command(0x000006D9) == bytes.fromhex("41d9060000")
