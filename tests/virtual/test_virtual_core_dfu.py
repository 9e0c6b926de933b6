"""The Core's boot loader: everything it does differently (device-protocol.md 2.1 to 2.3)."""

from __future__ import annotations

import struct

import pytest
from support.virtual_desk import Desk, Dfu

from app.virtual.board import Phase
from app.virtual.face import Gone, NoAnswer, Stall


@pytest.fixture
def desk() -> Desk:
    return Desk("core")


@pytest.fixture
def dfu(desk: Desk) -> Dfu:
    found = desk.dfu()
    found.clear()
    return found


def test_clearing_a_good_status_makes_an_error(dfu: Dfu) -> None:
    dfu.clear()
    assert dfu.status() == "0E 00 00 00 0A 00"
    dfu.abort()
    assert dfu.state() == 10, "ABORT does not leave dfuERROR"
    dfu.clear()
    assert dfu.state() == 2


def test_upload_of_block_1_stalls_into_the_illegal_state_and_only_two_clears_help(dfu: Dfu) -> None:
    with pytest.raises(Stall):
        dfu.upload(1, 64)
    assert dfu.state() == 0x0F
    dfu.abort()
    assert dfu.state() == 0x0F
    dfu.clear()
    assert dfu.state() == 10
    dfu.clear()
    assert dfu.state() == 2


def test_upload_stalls_after_set_address_without_abort(dfu: Dfu) -> None:
    dfu.at(0x08005000)
    with pytest.raises(Stall):
        dfu.upload(2, 64)


def test_upload_stalls_in_the_error_state_at_entry(desk: Desk) -> None:
    fresh = desk.dfu()
    with pytest.raises(Stall):
        fresh.upload(2, 64)


def test_download_stalls_while_a_block_waits(dfu: Dfu) -> None:
    dfu.send(0, bytes.fromhex("2100500008"))
    with pytest.raises(Stall):
        dfu.send(2, b"\0\0")


def test_block_0_upload_lists_commands_and_its_state_depends_on_the_length(dfu: Dfu) -> None:
    assert dfu.upload(0, 64) == bytes.fromhex("002141")
    assert dfu.state() == 2
    assert dfu.upload(0, 3) == bytes.fromhex("002141")
    assert dfu.state() == 9


def test_pointer_after_power_up_is_the_application(desk: Desk, dfu: Dfu) -> None:
    assert dfu.upload(2, 64) == desk.board.internal[0x5000:0x5040]


@pytest.mark.parametrize("alt", [0, 1, 2, 3])
def test_alternate_setting_is_ignored(desk: Desk, dfu: Dfu, alt: int) -> None:
    dfu.alt(alt)
    assert dfu.read(0x08005000, 32) == desk.board.internal[0x5000:0x5020]
    assert dfu.read(0x00002000, 32) == desk.board.spi[0x2000:0x2020]


def test_alternate_settings_beyond_three_stall(dfu: Dfu) -> None:
    with pytest.raises(Stall):
        dfu.alt(4)


@pytest.mark.parametrize("command", ["41", "92", "77 01 02", "21", "00"])
def test_unknown_and_incomplete_commands_are_accepted_and_do_nothing(desk: Desk, dfu: Dfu, command: str) -> None:
    before = bytes(desk.board.internal)
    assert dfu.command(command)[1] == "00 00 00 00 05 00"
    assert bytes(desk.board.internal) == before


def test_block_1_is_accepted_and_thrown_away(desk: Desk, dfu: Dfu) -> None:
    before = bytes(desk.board.spi)
    dfu.at(0x0)
    assert dfu.block(1, b"\0" * 64)[1] == "00 00 00 00 05 00"
    assert bytes(desk.board.spi) == before


def test_write_protected_pages_swallow_everything_without_an_error(desk: Desk, dfu: Dfu) -> None:
    before = bytes(desk.board.internal[:0x4000])
    assert dfu.erase(0x08003C00)[1] == "00 00 00 00 05 00"
    assert dfu.block(2, b"\0" * 64)[1] == "00 00 00 00 05 00"
    assert bytes(desk.board.internal[:0x4000]) == before


def test_system_flags_page_can_be_written_although_it_is_said_to_be_read_only(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08004C00)
    dfu.block(2, b"\x01\x02\x03\x04")
    assert desk.board.internal[0x4C00:0x4C05] == b"\x01\x02\x03\x04\xff"


def test_writing_unerased_internal_flash_keeps_old_halfwords_but_zero_goes_through(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08010000)
    dfu.block(2, bytes.fromhex("1234 ffff abcd 5678"))
    dfu.block(2, bytes.fromhex("0030 1111 0000 5678"))
    assert desk.board.internal[0x10000:0x10008] == bytes.fromhex("1234 1111 0000 5678")


def test_odd_internal_write_is_padded_with_ff(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08010000)
    dfu.block(2, b"\x01\x02\x03\x04\x05")
    assert desk.board.internal[0x10000:0x10008] == b"\x01\x02\x03\x04\x05\xff\xff\xff"


def test_writing_unerased_spi_flash_clears_bits(desk: Desk, dfu: Dfu) -> None:
    dfu.at(0x100000)
    dfu.block(2, b"\xf0\x0f")
    dfu.block(2, b"\x3c\x3c")
    assert desk.board.spi[0x100000:0x100002] == b"\x30\x0c"


def test_odd_spi_write_loses_its_last_byte(desk: Desk, dfu: Dfu) -> None:
    dfu.at(0x100000)
    dfu.block(2, b"\x01\x02\x03")
    assert desk.board.spi[0x100000:0x100003] == b"\x01\x02\xff"


def test_spi_erase_takes_the_4_kb_around_the_address(desk: Desk, dfu: Dfu) -> None:
    desk.board.spi[0x1000:0x4000] = bytes(0x3000)
    dfu.erase(0x2ABC)
    assert desk.board.spi[0x1000:0x4000] == bytes(0x1000) + b"\xff" * 0x1000 + bytes(0x1000)


def test_spi_addresses_wrap_inside_the_chip(desk: Desk, dfu: Dfu) -> None:
    assert dfu.read(0x00200000 + 0x2000, 64) == desk.board.spi[0x2000:0x2040]


def test_other_addresses_skip_writes_and_read_the_alias_of_flash(desk: Desk, dfu: Dfu) -> None:
    before = bytes(desk.board.internal), bytes(desk.board.spi)
    dfu.erase(0x20000000)
    dfu.block(2, b"\0" * 16)
    assert (bytes(desk.board.internal), bytes(desk.board.spi)) == before
    assert dfu.read(0x20000000, 64) == desk.board.internal[:64]


def test_writing_several_blocks_counts_from_the_pointer(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x100000)
    dfu.block(2, b"\x11" * 1024)
    dfu.block(3, b"\x22" * 1024)
    assert desk.board.spi[0x100000:0x100800] == b"\x11" * 1024 + b"\x22" * 1024


def test_work_is_done_after_the_status_and_the_next_transfer_waits_for_it(desk: Desk, dfu: Dfu) -> None:
    dfu.send(0, bytes.fromhex("4100000108"))
    began = desk.clock.now()
    dfu.status()
    assert desk.clock.now() == began
    dfu.status()
    assert desk.clock.now() - began == pytest.approx(0.030)


def test_impatient_host_gets_no_answer_from_a_busy_board(desk: Desk, dfu: Dfu) -> None:
    dfu.send(0, bytes.fromhex("4100000108"))
    dfu.status()
    with pytest.raises(NoAnswer):
        desk.face.control(struct.pack("<BBHHH", 0xA1, 3, 0, 0, 6), b"", patience=0.010)
    assert dfu.status() == "00 00 00 00 05 00"


def test_detach_stalls(dfu: Dfu) -> None:
    with pytest.raises(Stall):
        dfu.plain(0, 1000)


def test_reading_more_than_a_block_of_spi_flash_crashes_the_boot_loader(desk: Desk, dfu: Dfu) -> None:
    dfu.at(0x2000)
    dfu.abort()
    with pytest.raises(NoAnswer):
        dfu.upload(2, 2048)
    with pytest.raises(NoAnswer):
        dfu.status()
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.FIRMWARE


def test_long_reads_of_internal_flash_are_fine_up_to_its_end(desk: Desk, dfu: Dfu) -> None:
    assert dfu.read(0x08005000, 4096) == desk.board.internal[0x5000:0x6000]
    dfu.at(0x0801FC00)
    dfu.abort()
    with pytest.raises(NoAnswer):
        dfu.upload(2, 2048)


def test_leave_works_from_idle_too_and_sets_the_run_flag(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08004C00)
    dfu.abort()
    dfu.send(2, b"")
    assert dfu.status() == "00 01 00 00 07 00"
    with pytest.raises(Gone):
        dfu.status()
    assert desk.board.internal[0x4C04:0x4C06] == b"\x00\x50"


def test_original_boot_loader_stays_in_dfu_without_the_run_flag(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08004C00)
    dfu.status()
    desk.bus.unplug(desk.board)
    desk.bus.plug(desk.board)
    desk.clock.pause(60)
    assert desk.board.light_pattern == "blinking yellow"


def test_cable_that_comes_off_takes_the_backup_registers_with_it(desk: Desk, dfu: Dfu) -> None:
    dfu.send(2, b"")
    dfu.status()
    desk.clock.pause(60)
    assert desk.phase() is Phase.FIRMWARE
    desk.board.lose()
    desk.board.internal[0x4C00:0x5000] = b"\xff" * 0x400
    desk.board.plug()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.DFU


def test_later_boot_loader_runs_the_application_without_the_run_flag() -> None:
    desk = Desk("core", boot="0.5")
    desk.board.internal[0x4C00:0x5000] = b"\xff" * 0x400
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.FIRMWARE


def test_application_without_stack_pointer_means_dfu(desk: Desk) -> None:
    desk.board.internal[0x5000:0x5004] = b"\xff" * 4
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.DFU


def test_later_boot_loader_pretends_to_be_idle_and_leaves_half_a_second_later() -> None:
    desk = Desk("core", boot="0.5")
    dfu = desk.dfu()
    dfu.clear()
    dfu.send(2, b"")
    assert dfu.status() == "00 00 00 00 05 00"
    assert dfu.status()[-5:] == "08 00"
    desk.clock.pause(0.4)
    assert dfu.face.attached()
    desk.clock.pause(0.2)
    assert not dfu.face.attached()


def test_waiting_update_is_copied_and_the_old_application_kept(desk: Desk) -> None:
    board = desk.board
    old = bytes(board.internal[0x5000:0x6000])
    new = bytes.fromhex("00500020e1550008") + b"\x42" * 4088
    board.spi[0x60000 : 0x60000 + len(new)] = new
    board.internal[0x4C04:0x4C06] = b"\x05\x00"
    desk.hand.reset()
    assert board.light_pattern == "blinking magenta rapidly"
    desk.clock.pause(60)
    assert board.internal[0x5000:0x6000] == new
    assert board.spi[0x40000:0x41000] == old
    assert board.phase is Phase.FIRMWARE


def test_failed_download_restores_the_backup(desk: Desk) -> None:
    board = desk.board
    board.spi[0x40000:0x40400] = bytes.fromhex("00500020e1550008") + b"\x33" * 1016
    board.internal[0x4C04:0x4C06] = b"\x55\x55"
    desk.hand.reset()
    assert board.light_pattern == "blinking red rapidly"
    desk.clock.pause(60)
    assert board.internal[0x5008:0x5400] == b"\x33" * 1016
