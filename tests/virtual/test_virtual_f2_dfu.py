"""The boot loaders of Photon, P1 and Electron (device-protocol.md 2.4)."""

from __future__ import annotations

import struct

import pytest
from support.virtual_desk import Desk, Dfu

from app.virtual.board import Phase
from app.virtual.face import NoAnswer, Stall

USER = 0x080A0000


def stalled(dfu: Dfu, value: int, data: bytes) -> bool:
    """Whether that block is refused in the first status request; the next one is always good."""
    dfu.send(value, data)
    try:
        dfu.status()
    except Stall:
        assert dfu.status()[-5:] == "05 00"
        return True
    dfu.status()
    return False


def erase_stalls(dfu: Dfu, address: int) -> bool:
    return stalled(dfu, 0, b"\x41" + address.to_bytes(4, "little"))


@pytest.fixture
def desk() -> Desk:
    return Desk("photon")


@pytest.fixture
def dfu(desk: Desk) -> Dfu:
    return desk.dfu()


def test_boot_loader_starts_idle_and_a_needless_clear_makes_an_error(dfu: Dfu) -> None:
    assert dfu.status() == "00 00 00 00 02 00"
    dfu.clear()
    assert dfu.status() == "0E 00 00 00 0A 00"


def test_choosing_the_configuration_again_leaves_the_illegal_state(desk: Desk, dfu: Dfu) -> None:
    with pytest.raises(Stall):
        dfu.upload(1, 64)
    assert dfu.state() == 0x0F
    desk.control_out(0x00, 9, 1, 0)
    assert dfu.state() == 2


def test_alternate_setting_decides_what_is_read(desk: Desk, dfu: Dfu) -> None:
    dfu.alt(1)
    assert dfu.read(34, 612) == desk.board.dct[34 : 34 + 612]
    dfu.alt(0)
    assert dfu.read(0x08020000, 64) == desk.board.internal[0x20000:0x20040]


def test_first_boot_loader_chose_by_address_and_reported_nothing() -> None:
    desk = Desk("photon-0.5", boot="0.4.0")
    dfu = desk.dfu()
    assert dfu.read(34, 64) == desk.board.dct[34:98]
    assert not erase_stalls(dfu, 0x08000000)


def test_initial_pointer_is_the_first_system_part(desk: Desk, dfu: Dfu) -> None:
    assert dfu.upload(2, 64) == desk.board.internal[0x20000:0x20040]


@pytest.mark.parametrize("address", [0x08000000, 0x0800C000, 0x08010000, 0x0801FFFF, 0x08100000, 0x2002])
def test_erase_outside_the_writable_sectors_stalls(dfu: Dfu, address: int) -> None:
    assert erase_stalls(dfu, address)


def test_reading_the_boot_loader_is_allowed(desk: Desk, dfu: Dfu) -> None:
    assert dfu.read(0x08000000, 64) == desk.board.internal[:64]


def test_writing_the_boot_loader_stalls(dfu: Dfu) -> None:
    dfu.at(0x08000000)
    assert stalled(dfu, 2, b"\0" * 64)


@pytest.mark.parametrize("command", ["41", "92"])
def test_commands_without_effect_stall(dfu: Dfu, command: str) -> None:
    assert stalled(dfu, 0, bytes.fromhex(command))


def test_block_1_is_ignored(dfu: Dfu) -> None:
    assert not stalled(dfu, 1, b"\0" * 64)


def test_erase_takes_the_whole_sector_inside_the_status_request(desk: Desk, dfu: Dfu) -> None:
    board = desk.board
    board.internal[0x80000:0xC0000] = bytes(0x40000)
    dfu.send(0, b"\x41" + (USER + 0x1234).to_bytes(4, "little"))
    began = desk.clock.now()
    dfu.status()
    assert desk.clock.now() - began == pytest.approx(1.0)
    assert board.internal[0x80000:0xA0000] == bytes(0x20000)
    assert board.internal[0xA0000:0xC0000] == b"\xff" * 0x20000


def test_impatient_host_loses_the_status_of_an_erase(desk: Desk, dfu: Dfu) -> None:
    dfu.send(0, b"\x41" + USER.to_bytes(4, "little"))
    began = desk.clock.now()
    with pytest.raises(NoAnswer):
        desk.face.control(struct.pack("<BBHHH", 0xA1, 3, 0, 0, 6), b"", patience=0.5)
    assert desk.clock.now() - began == pytest.approx(0.5)
    assert dfu.status()[-5:] == "05 00"
    assert desk.clock.now() - began == pytest.approx(1.0)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_write_to_an_address_between_two_words_stalls_and_changes_nothing(desk: Desk, dfu: Dfu, offset: int) -> None:
    dfu.erase(USER)
    dfu.at(USER + offset)
    assert stalled(dfu, 2, b"\x12" * 8)
    assert desk.board.internal[0xA0000:0xA0010] == b"\xff" * 16


def test_write_is_verified_and_stalls_where_bits_would_have_to_rise(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(USER)
    assert not stalled(dfu, 2, b"\xf0" * 8)
    assert not stalled(dfu, 2, b"\x30" * 8), "old AND new is the new one"
    assert stalled(dfu, 2, b"\x0f" * 8)
    assert desk.board.internal[0xA0000:0xA0008] == b"\x00" * 8


def test_system_parts_are_write_protected_until_erased(desk: Desk, dfu: Dfu) -> None:
    desk.board.internal[0x3F000:0x40000] = b"\xff" * 0x1000
    dfu.at(0x0803F000)
    assert stalled(dfu, 2, b"\x12" * 64)
    dfu.erase(0x08020000)
    dfu.at(0x0803F000)
    assert not stalled(dfu, 2, b"\x12" * 64)


@pytest.mark.parametrize(("name", "poll"), [("photon-0.5", 50), ("photon-0.6", 50), ("photon-0.7", 0), ("photon", 0)])
def test_poll_time_of_internal_flash(name: str, poll: int) -> None:
    dfu = Desk(name).dfu()
    assert dfu.at(USER)[0] == f"00 {poll:02X} 00 00 04 00"


def test_poll_times_of_the_dct_are_swapped_and_stay_stale(dfu: Dfu) -> None:
    dfu.alt(1)
    dfu.at(34)
    assert dfu.erase(34) == ("00 F4 01 00 04 00", "00 F4 01 00 05 00")
    assert dfu.block(2, b"\x30") == ("00 01 00 00 04 00", "00 01 00 00 05 00")


def test_dct_erase_does_nothing_and_any_byte_can_be_written(desk: Desk, dfu: Dfu) -> None:
    before = bytes(desk.board.dct)
    dfu.alt(1)
    dfu.erase(34)
    assert bytes(desk.board.dct) == before
    dfu.at(1753)
    dfu.block(2, b"\xa5")
    dfu.block(2, b"\xff")
    assert desk.board.dct[1753] == 0xFF


def test_dct_addresses_end_at_16_kb(dfu: Dfu) -> None:
    dfu.alt(1)
    dfu.at(0x4000)
    assert stalled(dfu, 2, b"\0")


def test_bad_reads_give_zeros_today(dfu: Dfu) -> None:
    dfu.alt(1)
    assert dfu.read(0x08020000, 4096) == bytes(4096)


def test_bad_reads_gave_stale_buffer_contents_up_to_0_6() -> None:
    desk = Desk("photon-0.6")
    dfu = desk.dfu()
    good = dfu.read(USER, 4096)
    dfu.alt(1)
    assert dfu.read(USER, 4096) == good


def test_reads_never_exceed_the_buffer(dfu: Dfu) -> None:
    assert len(dfu.read(USER, 8192)) == 4096


@pytest.mark.parametrize("name", ["photon", "photon-0.7", "p1"])
def test_dct_is_out_of_reach_without_a_good_part_2(name: str) -> None:
    desk = Desk(name, part2=False)
    dfu = desk.dfu()
    dfu.alt(1)
    assert dfu.read(34, 612) == bytes(612)
    assert stalled(dfu, 2, b"\0")
    assert not erase_stalls(dfu, 34)


@pytest.mark.parametrize("boot", ["0.7", "2.x"])
def test_system_part_2_of_0_6_has_no_dct_code_for_later_boot_loaders(boot: str) -> None:
    dfu = Desk("photon", boot=boot, firmware="0.6").dfu()
    dfu.alt(1)
    assert dfu.read(34, 612) == bytes(612)


@pytest.mark.parametrize("name", ["photon-0.5", "photon-0.6"])
def test_earlier_boot_loaders_reach_the_dct_without_part_2(name: str) -> None:
    desk = Desk(name, part2=False)
    dfu = desk.dfu()
    dfu.alt(1)
    assert dfu.read(34, 612) == desk.board.dct[34 : 34 + 612]


@pytest.mark.parametrize(("name", "at_once"), [("photon", True), ("photon-0.7", False)])
def test_dct_comes_back_with_part_2_at_once_or_after_a_reset(name: str, at_once: bool) -> None:
    part2 = bytes(Desk(name).board.internal[0x60000:0xA0000])
    desk = Desk(name, part2=False)
    dfu = desk.dfu()
    for sector in (0x08060000, 0x08080000):
        dfu.erase(sector)
    dfu.at(0x08060000)
    for number in range(0, len(part2), 4096):
        dfu.block(2 + number // 4096, part2[number : number + 4096])
    key = bytes(desk.board.dct[34:646])
    dfu.alt(1)
    assert (dfu.read(34, 612) == key) is at_once
    again = desk.dfu()
    again.alt(1)
    assert again.read(34, 612) == key


def test_breaking_part_2_takes_the_dct_away(dfu: Dfu) -> None:
    dfu.erase(0x08060000)
    dfu.alt(1)
    assert dfu.read(34, 612) == bytes(612)


def test_detach_only_waits(desk: Desk, dfu: Dfu) -> None:
    began = desk.clock.now()
    dfu.plain(0, 700)
    assert desk.clock.now() - began == pytest.approx(0.7)
    assert dfu.state() == 2
    assert dfu.face.attached()


def test_leaving_looks_idle_and_resets_half_a_second_later(desk: Desk, dfu: Dfu) -> None:
    dfu.send(2, b"")
    assert dfu.status() == "00 00 00 00 05 00"
    assert dfu.state() == 8
    desk.clock.pause(0.51)
    assert not dfu.face.attached()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.FIRMWARE


def test_board_without_a_system_part_comes_back_in_dfu(desk: Desk, dfu: Dfu) -> None:
    dfu.erase(0x08020000)
    dfu.send(2, b"")
    dfu.status()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.DFU


def test_damaged_application_means_safe_mode(desk: Desk) -> None:
    desk.board.internal[0xA0100] ^= 0xFF
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.board.safe_mode
    assert desk.board.light_pattern == "breathing magenta"


def test_waiting_boot_loader_is_installed_at_the_next_start(desk: Desk, dfu: Dfu) -> None:
    board = desk.board
    newer = bytes(Desk("photon", boot="0.6").board.internal[:0x4000])
    board.internal[0xC0000:0xC4000] = newer
    dfu.alt(1)
    dfu.at(1753)
    dfu.block(2, b"\xa5")
    dfu.send(2, b"")
    dfu.status()
    desk.clock.pause(60)
    assert board.internal[:15124] == newer[:15124]
    assert board.dct[1753] == 0xFF
    assert board.phase is Phase.FIRMWARE


def test_p1_has_a_serial_flash_without_protection_or_verification() -> None:
    desk = Desk("p1")
    dfu = desk.dfu()
    dfu.alt(2)
    dfu.at(0x1000)
    assert not stalled(dfu, 2, b"\xf0\x0f\xff")
    assert not stalled(dfu, 2, b"\x0f\xff\x77")
    assert desk.board.spi[0x1000:0x1003] == b"\x00\x0f\x77"
    dfu.erase(0x1FFF)
    assert desk.board.spi[0x1000:0x2000] == b"\xff" * 0x1000
    assert erase_stalls(dfu, 0x100000)


def test_photon_has_no_third_alternate_setting(dfu: Dfu) -> None:
    with pytest.raises(Stall):
        dfu.alt(2)


def test_firmware_of_0_6_and_later_leaves_the_device_id_in_the_dct() -> None:
    early, later = Desk("photon-0.5"), Desk("photon-0.6")
    assert early.board.dct[3618:3630] == b"\xff" * 12
    assert later.board.dct[3618:3630].hex() == later.board.device_id
