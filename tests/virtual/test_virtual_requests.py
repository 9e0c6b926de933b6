"""USB control requests of the firmware (device-protocol.md 6)."""

from __future__ import annotations

import json
import struct

import pytest
from support.virtual_desk import LONG, Desk

from app.virtual.board import Phase
from app.virtual.face import Gone, Stall

OK, PENDING, BUSY, NOT_FOUND = 0, 2, 3, 5


def service(desk: Desk, request: int, index: int, value: int = 0) -> bytes:
    return desk.control_in(0xC0, request, value, index, 64)


def status_of(reply: bytes) -> int:
    return int(struct.unpack_from("<H", reply, 4)[0])


def ask(desk: Desk, kind: int) -> tuple[int, bytes]:
    """Run a request without payload to its end; return result and reply."""
    identifier = struct.unpack_from("<H", service(desk, 1, kind), 6)[0]
    desk.clock.pause(0.1)
    flags, status, *rest = struct.unpack_from("<IH", reply := service(desk, 2, identifier))
    assert (status, rest) == (OK, [])
    if not flags & 4:
        return int(struct.unpack_from("<i", reply, 6)[0]), b""
    size, result = struct.unpack_from("<Ii", reply, 6)
    return int(result), desk.control_in(0xC0, 4, 0, identifier, size)


def test_version_over_the_channel() -> None:
    assert ask(Desk("photon"), 30) == (0, b"\x0a\x052.3.1")


def test_serial_number_over_the_channel() -> None:
    assert ask(Desk("photon", serial_number="PHHMAB123"), 21) == (0, b"\x0a\x09PHHMAB123")
    assert ask(Desk("photon"), 21)[0] < 0


def test_mode_over_the_channel_is_empty_unless_listening() -> None:
    desk = Desk("photon")
    assert ask(desk, 72) == (0, b"")
    desk.listening()
    assert ask(desk, 72) == (0, b"\x08\x01")


def test_module_list_over_the_channel() -> None:
    result, reply = ask(Desk("photon"), 90)
    assert result == 0
    assert json.loads(reply)["p"] == 6


def test_listening_starts_and_stops_over_the_channel() -> None:
    desk = Desk("photon")
    assert ask(desk, 70) == (0, b"")
    assert desk.board.listening_now
    assert ask(desk, 71) == (0, b"")
    assert not desk.board.listening_now


def test_dfu_over_the_channel_comes_a_second_after_the_result() -> None:
    desk = Desk("photon")
    before = desk.face
    assert ask(desk, 50) == (0, b"")
    desk.clock.pause(0.9)
    assert before.attached()
    desk.clock.pause(LONG)
    assert desk.board.phase is Phase.DFU


def test_dfu_over_the_channel_of_1_0_comes_at_once() -> None:
    desk = Desk("photon", firmware="1.0")
    before = desk.face
    ask(desk, 50)
    desk.clock.pause(0.05)
    assert not before.attached()


@pytest.mark.parametrize("kind", [40, 60])
def test_restart_over_the_channel(kind: int) -> None:
    desk = Desk("photon")
    before = desk.face
    ask(desk, kind)
    desk.clock.pause(LONG)
    assert not before.attached()
    assert desk.board.phase is Phase.FIRMWARE
    assert desk.board.safe_mode is (kind == 60)


@pytest.mark.parametrize("kind", [20, 21, 30, 72, 999])
def test_channel_of_1_0_does_not_know_the_newer_types(kind: int) -> None:
    assert ask(Desk("photon", firmware="1.0"), kind) == (-120, b"")


def test_request_is_pending_first_and_forgotten_after_its_end() -> None:
    desk = Desk("photon")
    service(desk, 1, 71)
    assert status_of(service(desk, 2, 1)) == PENDING
    desk.clock.pause(0.1)
    assert status_of(service(desk, 2, 1)) == OK
    assert status_of(service(desk, 2, 1)) == NOT_FOUND


def test_fifth_request_is_busy_until_all_are_reset() -> None:
    desk = Desk("photon")
    assert [status_of(service(desk, 1, 20)) for _ in range(5)] == [OK, OK, OK, OK, BUSY]
    assert status_of(service(desk, 5, 0)) == OK
    assert service(desk, 1, 20)[6:] == b"\x05\x00", "ids go on counting"
    assert status_of(service(desk, 5, 5)) == OK
    assert status_of(service(desk, 5, 5)) == NOT_FOUND


def test_payload_is_waited_for() -> None:
    desk = Desk("photon")
    service(desk, 1, 90, value=3)
    reply = service(desk, 2, 1)
    assert reply == bytes.fromhex("010000000000"), "ready for the payload: OK without a result"
    with pytest.raises(Stall):
        desk.control_out(0x40, 3, 0, 1, b"12")
    desk.control_out(0x40, 3, 0, 1, b"123")
    assert status_of(service(desk, 2, 1)) == PENDING


def test_reply_must_be_fetched_in_its_exact_size() -> None:
    desk = Desk("photon")
    service(desk, 1, 20)
    desk.clock.pause(0.1)
    with pytest.raises(Stall):
        desk.control_in(0xC0, 4, 0, 1, 64)
    assert len(desk.control_in(0xC0, 4, 0, 1, 26)) == 26
    with pytest.raises(Stall):
        desk.control_in(0xC0, 4, 0, 1, 26)


@pytest.mark.parametrize("request_number", [1, 2, 5])
def test_service_requests_need_room_for_64_bytes(request_number: int) -> None:
    with pytest.raises(Stall):
        Desk("photon").control_in(0xC0, request_number, 0, 20, 63)


@pytest.mark.parametrize("name", ["core-0.5", "core-0.7", "photon-0.5"])
def test_boards_without_control_requests_stall(name: str) -> None:
    desk = Desk(name)
    for request in (1, 0x50):
        with pytest.raises(Stall):
            desk.control_in(0xC0, request, 0, 20, 64)


def test_photon_0_7_has_no_channel() -> None:
    with pytest.raises(Stall):
        service(Desk("photon-0.7"), 1, 20)


@pytest.mark.parametrize(
    ("name", "reply"), [("photon-0.6", b"0.6.3\0\0"), ("photon-0.7", b"0.7.0\0"), ("photon", b"2.3.1")]
)
def test_raw_version(name: str, reply: bytes) -> None:
    assert Desk(name).control_in(0xC0, 0x50, 0, 30, 64) == reply


def test_raw_device_id_in_binary_and_in_a_short_buffer() -> None:
    desk = Desk("photon-0.6")
    assert desk.control_in(0xC0, 0x50, 1, 20, 12).hex() == desk.board.device_id
    assert desk.control_in(0xC0, 0x50, 0, 20, 24).decode() == desk.board.device_id


def test_raw_requests_stall_when_unknown_or_too_long() -> None:
    desk = Desk("photon-0.7")
    for value in (21, 72, 90):
        with pytest.raises(Stall):
            desk.control_in(0xC0, 0x50, 0, value, 64)
    with pytest.raises(Stall):
        desk.control_in(0xC0, 0x50, 0, 20, 65)


@pytest.mark.parametrize(("index", "phase"), [(40, Phase.FIRMWARE), (50, Phase.DFU)])
def test_raw_restart_of_0_6_never_finishes_its_transfer(index: int, phase: Phase) -> None:
    desk = Desk("photon-0.6")
    before = desk.face
    with pytest.raises(Gone):
        desk.control_out(0x40, 0x50, 0, index)
    desk.clock.pause(LONG)
    assert not before.attached()
    assert desk.board.phase is phase


def test_raw_dfu_of_0_7_finishes_first() -> None:
    desk = Desk("photon-0.7")
    desk.control_out(0x40, 0x50, 0, 50)
    desk.clock.pause(LONG)
    assert desk.board.phase is Phase.DFU


def test_raw_safe_mode_came_with_0_7() -> None:
    desk = Desk("photon-0.7")
    desk.control_out(0x40, 0x50, 0, 60)
    desk.clock.pause(LONG)
    assert desk.board.safe_mode
    with pytest.raises(Stall):
        Desk("photon-0.6").control_out(0x40, 0x50, 0, 60)


def test_raw_listening_restarts_on_0_6_and_does_not_on_0_7() -> None:
    early, later = Desk("photon-0.6"), Desk("photon-0.7")
    with pytest.raises(Gone):
        early.control_out(0x40, 0x50, 0, 70)
    early.clock.pause(LONG)
    assert early.board.listening_now
    later.control_out(0x40, 0x50, 0, 70)
    assert later.board.listening_now
    later.control_out(0x40, 0x50, 1, 70)
    assert not later.board.listening_now


def test_raw_orders_are_gone_from_0_8_on() -> None:
    with pytest.raises(Stall):
        Desk("photon").control_out(0x40, 0x50, 0, 50)
