"""The byte traces of device-protocol.md, appendix A, on the virtual boards."""

from __future__ import annotations

import pytest
from support.virtual_desk import Desk

from app.virtual.board import Phase
from app.virtual.face import Stall
from app.virtual.personality import Serial, serial_text

RESTING = "00 00 00 00 02 00"


@pytest.mark.parametrize(
    ("device_id", "serial"),
    [
        ("53ff6f065067544840551187", "8D8154934854"),
        ("48ff6c065067555026311387", "8D80306E5055"),
        ("50ff6c065067545639190387", "8D7018895654"),
    ],
)
def test_serial_of_a_core_is_the_hash_of_its_id(device_id: str, serial: str) -> None:
    assert serial_text(Serial.HASH_12, device_id, "") == serial


def test_fresh_core_session_erases_writes_and_leaves_as_in_appendix_a2() -> None:
    desk = Desk("core")
    dfu = desk.dfu()
    assert dfu.status() == "0A 00 00 00 0A 00"
    dfu.clear()
    assert dfu.status() == RESTING
    done = ("00 32 00 00 04 00", "00 00 00 00 05 00")
    assert dfu.command("41 00 50 00 08") == done
    assert desk.board.internal[0x5000:0x5400] == b"\xff" * 1024
    assert dfu.command("21 00 50 00 08") == done
    image = bytes.fromhex("00500020e1550008") + bytes(1016)
    assert dfu.block(2, image) == done
    assert desk.board.internal[0x5000:0x5400] == image
    dfu.send(2, b"")
    assert dfu.status() == "00 01 00 00 07 00"
    assert not dfu.face.attached()


def test_poll_times_of_the_core_follow_the_old_pointer() -> None:
    dfu = Desk("core").dfu()
    dfu.clear()
    assert dfu.command("21 00 10 00 00")[0] == "00 32 00 00 04 00"
    assert dfu.command("41 00 10 00 00")[0] == "00 14 00 00 04 00"
    assert dfu.block(2, b"\0\0")[0] == "00 1E 00 00 04 00"


def test_core_reads_spi_flash_block_by_block_after_abort() -> None:
    desk = Desk("core")
    dfu = desk.dfu()
    dfu.clear()
    dfu.command("21 00 20 00 00")
    dfu.abort()
    assert dfu.upload(2, 1024) == desk.board.spi[0x2000:0x2400]
    assert dfu.upload(3, 1024) == desk.board.spi[0x2400:0x2800]
    dfu.abort()
    assert dfu.state() == 2


def test_photon_writes_the_update_flag_as_in_appendix_a3() -> None:
    desk = Desk("photon")
    dfu = desk.dfu()
    dfu.alt(1)
    # The pointer is still 0x08020000, which is not valid here: the poll bytes stay as they are.
    assert dfu.command("21 D9 06 00 00") == ("00 00 00 00 04 00", "00 00 00 00 05 00")
    assert dfu.block(2, b"\xa5") == ("00 01 00 00 04 00", "00 01 00 00 05 00")
    assert desk.board.dct[1753] == 0xA5
    assert dfu.read(1753, 1) == b"\xa5"


def test_photon_stalls_the_status_of_a_protected_erase_and_goes_on() -> None:
    dfu = Desk("photon").dfu()
    dfu.send(0, bytes.fromhex("41 00 00 00 08"))
    with pytest.raises(Stall):
        dfu.status()
    assert dfu.status()[-5:] == "05 00"
    assert dfu.status()[:2] == "00"


def test_listening_core_of_2014_tells_its_id() -> None:
    assert Desk("core").listening().say(b"i") == b"Your core id is 53ff6f065067544840551187\r\n"


def test_channel_tells_the_device_id_as_in_appendix_a5() -> None:
    desk = Desk("photon")
    assert desk.control_in(0xC0, 1, 0, 20, 64) == bytes.fromhex("0300000000000100")
    assert desk.control_in(0xC0, 2, 0, 1, 64) == bytes.fromhex("010000000200")
    desk.clock.pause(0.05)
    assert desk.control_in(0xC0, 2, 0, 1, 64) == bytes.fromhex("0D00000000001A00000000000000")
    assert desk.control_in(0xC0, 4, 0, 1, 26) == b"\x0a\x18" + desk.board.device_id.encode()


@pytest.mark.parametrize(
    ("name", "upper", "tail"), [("photon", True, b""), ("photon-0.7", True, b"\0"), ("photon-0.6", False, b"\0")]
)
def test_raw_request_tells_the_device_id(name: str, upper: bool, tail: bytes) -> None:
    desk = Desk(name)
    shown = desk.board.device_id.upper() if upper else desk.board.device_id
    assert desk.control_in(0xC0, 0x50, 0, 20, 64) == shown.encode() + tail


def test_board_that_left_dfu_runs_its_application_again() -> None:
    desk = Desk("core")
    dfu = desk.dfu()
    dfu.clear()
    dfu.send(0, b"")
    dfu.status()
    desk.clock.pause(60)
    assert desk.board.phase is Phase.FIRMWARE
    assert desk.board.light_pattern == "breathing cyan"
