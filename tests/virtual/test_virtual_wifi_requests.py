"""Wi-Fi by control request (device-protocol.md 6.3): Photon and P1 from 0.8 to 1.5."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual_desk import LONG, Desk

from app.virtual.air import Cipher, Network, Security
from app.virtual.protobuf import field, message, read_fields, varint

PASSWORD = b"secret123"
NET = Network(b"MyNet", password=PASSWORD, channel=11, rssi=-61, bssid=bytes.fromhex("020406080a0c"))
# WiFiSetCredentialsRequest{ap{ssid=1, security=3, cipher=4, password=8}}, by hand.
CREDENTIALS = bytes.fromhex("0a 16 0a 05 4d79 4e65 74 18 03 20 01 42 09 736563726574313233")


def desk_of(firmware: str, name: str = "photon", **options: Any) -> Desk:  # noqa: ANN401 - handed on
    given: dict[str, Any] = {"networks": (NET,), "firmware": firmware, **options}
    desk = Desk(name, **given)
    desk.board.profiles = False
    return desk


def ask(desk: Desk, kind: int, payload: bytes = b"", within: float = 40.0) -> tuple[int, bytes] | None:
    """Carry out a request; None where it is still under way after that many seconds."""
    identifier = struct.unpack_from("<H", desk.control_in(0xC0, 1, len(payload), kind, 64), 6)[0]
    if payload:
        desk.control_out(0x40, 3, 0, identifier, payload)
    desk.clock.pause(within)
    reply = desk.control_in(0xC0, 2, 0, identifier, 64)
    flags, status = struct.unpack_from("<IH", reply)
    if status == 2:
        return None
    assert status == 0
    if not flags & 4:
        return int(struct.unpack_from("<i", reply, 6)[0]), b""
    size, result = struct.unpack_from("<Ii", reply, 6)
    return int(result), desk.control_in(0xC0, 4, 0, identifier, size)


@pytest.mark.parametrize("firmware", ["0.8", "1.0", "1.2", "1.4", "1.5"])
def test_network_is_stored_and_the_board_goes_on_listening_until_told(firmware: str) -> None:
    desk = desk_of(firmware)
    desk.listening()
    assert ask(desk, 113, CREDENTIALS) == (0, b"")
    (profile,) = desk.board.profiles_stored
    assert (profile.ssid, profile.security, profile.password, profile.cipher) == (b"MyNet", 3, PASSWORD, 1)
    assert desk.listens()
    assert ask(desk, 71) == (0, b"")
    assert not desk.listens()
    desk.clock.pause(LONG)
    assert desk.board.light_pattern == "breathing cyan"


@pytest.mark.parametrize("kind", range(110, 116))
@pytest.mark.parametrize(("name", "firmware"), [("photon", "2.x"), ("electron", "1.4")])
def test_other_boards_do_not_know_them(name: str, firmware: str, kind: int) -> None:
    assert ask(desk_of(firmware, name), kind) == (-120, b"")


def test_scan_tells_what_is_in_the_air() -> None:
    hidden, far = Network(b"secret", hidden=True), Network(b"five", channel=44)
    desk = desk_of("1.4", "p1", networks=(NET, hidden, far))
    assert ask(desk, 112, within=3.9) is None, "a scan takes a while"
    assert ask(desk_of("1.4", networks=(NET, hidden, far)), 112) == (
        0,
        bytes.fromhex("0a 22 0a 20 0a05 4d79 4e6574 1206 020406080a0c 1803 2001 280b 38 c3ffffffffffffffff01"),
    )


def test_scan_of_an_empty_air_is_an_empty_list() -> None:
    assert ask(desk_of("1.4", networks=()), 112) == (0, b"\x0a\x00")


def test_network_without_a_cipher_is_looked_for() -> None:
    without = message(1, field(1, b"MyNet") + field(3, 3) + field(8, PASSWORD))
    desk = desk_of("1.2")
    assert ask(desk, 113, without) == (0, b"")
    assert desk.board.profiles_stored[0].cipher is Cipher.AES
    desk = desk_of("1.2", networks=())
    assert ask(desk, 113, without, within=29.0) is None
    assert ask(desk_of("1.2", networks=()), 113, without) == (-100, b"")
    assert desk.board.profiles_stored == ()


@pytest.mark.parametrize("password", [b"", b"seven77", b"x" * 65])
def test_what_cannot_be_is_refused(password: bytes) -> None:
    desk = desk_of("1.4")
    payload = message(1, field(1, b"MyNet") + field(3, 3) + field(4, 1) + field(8, password))
    assert ask(desk, 113, payload) == (-100, b"")
    assert ask(desk, 113, message(1, field(1, b"n" * 33))) == (-100, b"")
    assert desk.board.profiles_stored == ()


@pytest.mark.parametrize("payload", [b"\xff", b"\x08\x01", b"\x0a\x02\x18\x09", b"\x0a\x05abc", CREDENTIALS[:-1]])
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    desk = desk_of("1.4")
    assert ask(desk, 113, payload) == (-280, b"")
    assert desk.board.profiles_stored == ()


def test_list_has_no_passwords_and_can_be_cleared() -> None:
    desk = desk_of("1.4")
    ask(desk, 113, CREDENTIALS)
    ask(desk, 113, message(1, field(1, b"Open")))
    found = ask(desk, 114)
    assert found is not None
    result, reply = found
    assert result == 0
    assert PASSWORD not in reply
    inner = read_fields(reply)[1]
    assert inner == message(1, field(1, b"MyNet") + field(3, 3) + field(4, 1)) + message(1, field(1, b"Open"))
    assert ask(desk, 115) == (0, b"")
    assert desk.board.profiles_stored == ()
    assert ask(desk, 114) == (0, b"\x0a\x00")


def test_antenna_is_kept_without_power() -> None:
    desk = desk_of("1.4")
    assert ask(desk, 111) == (0, b"\x08\x01")
    assert ask(desk, 110, b"\x08\x02") == (0, b"")
    desk.board.unplug()
    desk.board.plug()
    desk.clock.pause(LONG)
    assert ask(desk, 111) == (0, b"\x08\x02")
    assert ask(desk, 110, b"\x08\x04") == (-270, b"")
    assert ask(desk, 110, b"\x08") == (-280, b"")


def test_only_enterprise_network_is_replaced() -> None:
    desk = desk_of("1.4")
    for name in (b"one", b"two"):
        payload = message(
            1, field(1, name) + field(3, 5) + field(4, 1) + field(8, b"pw") + field(9, 25) + field(10, b"me")
        )
        assert ask(desk, 113, payload) == (0, b"")
    (profile,) = desk.board.profiles_stored
    assert (profile.ssid, profile.security, profile.eap, profile.identity) == (
        b"two",
        Security.WPA2_ENTERPRISE,
        25,
        b"me",
    )


@given(number=st.integers(1, 500), value=st.integers(-(1 << 31), (1 << 63) - 1).filter(bool))
def test_numbers_survive_their_encoding(number: int, value: int) -> None:
    assert read_fields(field(number, value)) == {number: value % (1 << 64)}
    assert len(varint(value)) == 10 or value >= 0


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read_fields(data)
    except ValueError:
        return
    assert sum(len(value) for value in found.values() if isinstance(value, bytes)) <= len(data)
