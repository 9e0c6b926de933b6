"""Cutting a virtual board off at an exact transfer, and bringing its memories back to what they were."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.virtual_desk import Desk, Dfu

from app.virtual.face import Gone
from app.virtual.mishaps import Mishap

PAGE = 0x8000  # offset of a page in the middle of the application
NEW = bytes(range(1, 256)) * 5


def prepared(name: str) -> Desk:
    desk = Desk(name)
    dfu = desk.dfu()
    if name == "core":
        dfu.clear()
        dfu.abort()
    desk.board.transfers = 0
    return desk


def erase_and_write(desk: Desk, address: int, size: int, alt: int = 0) -> None:
    """1 to 3 erase, 4 to 6 write a block: DNLOAD, GETSTATUS that does it, GETSTATUS."""
    dfu = Dfu(desk.face)
    if alt:
        dfu.alt(alt)
    dfu.erase(address)
    dfu.block(2, NEW[:size])


def cut(name: str, mishap: Mishap, address: int = 0x08000000 + PAGE, size: int = 1024, alt: int = 0) -> Desk:
    desk = prepared(name)
    desk.board.mishap = mishap
    with pytest.raises(Gone):
        erase_and_write(desk, address, size, alt)
    assert desk.board.face() is None
    desk.board.mishap = Mishap.NONE
    return desk


def page(desk: Desk) -> bytes:
    return bytes(desk.board.internal[PAGE : PAGE + 1024])


def test_before_amid_and_after_an_erase() -> None:
    old = page(prepared("core"))
    blank = b"\xff" * 1024
    assert page(cut("core", Mishap(gone_at=2))) == old
    half = page(cut("core", Mishap(gone_amid=2)))
    assert half.startswith(b"\xff" * 500)
    assert half.endswith(old[-500:])
    assert page(cut("core", Mishap(gone_after=2))) == blank
    assert page(cut("core", Mishap(gone_at=3))) == blank


def test_before_amid_and_after_a_write() -> None:
    blank = b"\xff" * 1024
    assert page(cut("core", Mishap(gone_at=5))) == blank
    assert page(cut("core", Mishap(gone_amid=5))) == NEW[:512] + b"\xff" * 512
    assert page(cut("core", Mishap(gone_after=5))) == NEW[:1024]


def test_cut_write_of_the_dct_is_whole_or_not_there_at_all() -> None:
    old = bytes(prepared("photon").board.dct)
    amid = cut("photon", Mishap(gone_amid=5), 2082, 512, alt=1)
    assert bytes(amid.board.dct) == old
    after = cut("photon", Mishap(gone_after=5), 2082, 512, alt=1)
    assert bytes(after.board.dct) == old[:2082] + NEW[:512] + old[2594:]


CUTS: dict[str, Callable[[int], Mishap]] = {
    "before": lambda number: Mishap(gone_at=number),
    "amid": lambda number: Mishap(gone_amid=number),
    "after": lambda number: Mishap(gone_after=number),
}


@pytest.mark.parametrize("phase", CUTS)
@pytest.mark.parametrize("name", ["core", "photon"])
def test_every_transfer_of_a_write_can_be_the_last(name: str, phase: str) -> None:
    address = 0x08008000 if name == "core" else 0x080A0000
    desk = prepared(name)
    erase_and_write(desk, address, 1024)
    count = desk.board.transfers
    assert count == 6
    key = slice(0x2000, 0x2264)
    for number in range(1, count + 1):
        desk = prepared(name)
        safe = bytes(desk.board.spi[key]), bytes(desk.board.dct)
        desk.board.mishap = CUTS[phase](number)
        with pytest.raises(Gone):
            erase_and_write(desk, address, 1024)
        assert desk.board.transfers == number
        assert (bytes(desk.board.spi[key]), bytes(desk.board.dct)) == safe
        desk.board.mishap = Mishap.NONE
        desk.bus.unplug(desk.board)
        desk.bus.plug(desk.board)
        desk.dfu()


def test_power_cut_after_leaving_leaves_the_flag_to_run() -> None:
    desk = prepared("core")
    desk.board.internal[0x4C04:0x4C06] = b"\xff\xff"
    dfu = Dfu(desk.face)
    dfu.send(2, b"")
    desk.board.mishap = Mishap(gone_after=2)
    with pytest.raises(Gone):
        dfu.status()
    assert desk.board.internal[0x4C04:0x4C06] == b"\x00\x50"


@pytest.mark.parametrize("name", ["core", "photon", "p1", "electron"])
def test_memories_come_back_and_the_board_with_them(name: str) -> None:
    desk = Desk(name, radio="older")
    board = desk.board
    before = board.memories()
    board.internal[:] = bytes(len(board.internal))
    board.spi[:] = bytes(len(board.spi))
    board.dct[:] = bytes(len(board.dct))
    board.profiles = False
    if board.f2_flash is not None:
        board.f2_flash.protected.clear()
    assert board.memories() != before
    board.restore(before)
    assert board.memories() == before
    assert board.face() is None
    desk.bus.plug(board)
    desk.dfu()
    assert "older" in repr(before)
    assert len(repr(before)) < 300  # no keys


def test_one_state_can_be_tried_on_two_boards() -> None:
    one, other = Desk("core", radio="older"), Desk("core")
    other.board.restore(one.board.memories())
    other.bus.plug(other.board)
    other.clock.pause(60)
    assert other.board.memories() == one.board.memories()
