"""Wi-Fi by control request (device-protocol.md 6.3), against messages typed out byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FastClock
from support.scripted import In, Out, ScriptedUsbPipe, Transfer

from app.clock import Clock
from app.faults import RequestRefused, WrongAnswer
from app.protocols import requests
from app.protocols.wifi import AccessPoint, Cipher, Eap, Enterprise, Security, WifiLogin
from app.transports.base import UsbPipe

INIT, CHECK, SEND, RECV, RESET = 1, 2, 3, 4, 5


def reply(flags: int, *values: tuple[str, int]) -> bytes:
    return struct.pack("<IH", flags, 0) + b"".join(struct.pack("<" + form, value) for form, value in values)


def asked(kind: int, payload: bytes = b"", answer: bytes = b"", result: int = 0) -> list[Transfer]:
    """The transfers of one request on the channel."""
    script: list[Transfer] = [In(INIT, len(payload), reply(3, ("H", 1)), 64, 0xC0, kind)]
    if payload:
        script.append(Out(SEND, 0, payload, None, 0x40, 1))
    sizes: tuple[tuple[str, int], ...] = (("I", len(answer)),) if answer else ()
    script.append(In(CHECK, 0, reply(13 if answer else 9, *sizes, ("i", result)), 64, 0xC0, 1))
    if answer:
        script.append(In(RECV, 0, answer, len(answer), 0xC0, 1))
    elif result not in (0, -120):
        script.append(In(RESET, 0, reply(1), 64, 0xC0, 1))
    return script


# Two networks: "Cafe" WPA2 AES channel 6 at -60 dBm (a ten-byte number), and an open one at -40 dBm.
SCAN = bytes.fromhex(
    "0a34"
    "0a1f 0a0443616665 1206010203040506 1803 2001 2806 38c4ffffffffffffffff01"
    "0a11 0a044f70656e 38d8ffffffffffffffff01".replace(" ", "")
)


def test_a_scan_tells_names_security_channel_and_strength_strongest_first() -> None:
    pipe = ScriptedUsbPipe(asked(112, answer=SCAN))
    assert requests.wifi_scan(pipe, FastClock()) == (
        AccessPoint(b"Open", Security.OPEN, Cipher.UNKNOWN, 0, -40),
        AccessPoint(b"Cafe", Security.WPA2, Cipher.AES, 6, -60),
    )
    assert not pipe.script


def test_a_scan_that_the_firmware_does_not_know_is_none() -> None:
    assert requests.wifi_scan(ScriptedUsbPipe(asked(112, result=-120)), FastClock()) is None


def test_unknown_security_and_hidden_networks_in_a_scan() -> None:
    odd = bytes.fromhex("0a0a0a06 0a0158 18ff010a00".replace(" ", ""))
    assert requests.wifi_scan(ScriptedUsbPipe(asked(112, answer=odd)), FastClock()) == (
        AccessPoint(b"X", None, Cipher.UNKNOWN, 0, 0),
    )


@pytest.mark.parametrize("cut", range(1, len(SCAN)))
def test_a_scan_that_is_cut_off_is_a_wrong_answer(cut: int) -> None:
    with pytest.raises(WrongAnswer):
        requests.wifi_scan(ScriptedUsbPipe(asked(112, answer=SCAN[:cut])), FastClock())


@given(st.binary(max_size=60))
def test_whatever_a_scan_holds_it_is_read_or_wrong(raw: bytes) -> None:
    try:
        found = requests.wifi_scan(ScriptedUsbPipe(asked(112, answer=raw)), FastClock())
    except WrongAnswer:
        return
    assert found is not None


def test_a_network_is_set_in_one_message() -> None:
    message = bytes.fromhex("0a150a04486f6d65180320014209") + b"secret123"
    pipe = ScriptedUsbPipe(asked(113, message))
    assert requests.wifi_set(pipe, FastClock(), WifiLogin(b"Home", Security.WPA2, "secret123", Cipher.AES))
    assert not pipe.script


def test_an_open_network_is_a_name_and_nothing_else() -> None:
    pipe = ScriptedUsbPipe(asked(113, bytes.fromhex("0a060a044f70656e")))
    assert requests.wifi_set(pipe, FastClock(), WifiLogin(b"Open", Security.OPEN, ""))


def test_a_sign_in_has_its_fields() -> None:
    inner = b"\x0a\x04Corp\x18\x05\x42\x06s3cret\x48\x19\x52\x03ann\x5a\x01o\x72\x04A\r\nB"
    pipe = ScriptedUsbPipe(asked(113, b"\x0a" + bytes([len(inner)]) + inner))
    sign_in = Enterprise(Eap.PEAP, "ann", "o", root="A\n\nB\n")
    assert requests.wifi_set(
        pipe, FastClock(), WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "s3cret", enterprise=sign_in)
    )


def test_a_network_that_is_not_stored_is_a_fault_without_the_password() -> None:
    message = bytes.fromhex("0a130a04486f6d6518034209") + b"secret123"
    with pytest.raises(RequestRefused) as caught:
        requests.wifi_set(
            ScriptedUsbPipe(asked(113, message, result=-100)), FastClock(), WifiLogin(b"Home", None, "secret123")
        )
    assert "secret123" not in repr(caught.value) + caught.value.detail


@pytest.mark.parametrize(("order", "kind"), [(requests.wifi_clear, 115), (requests.stop_listening, 71)])
def test_orders_are_taken_or_not_known(order: Callable[[UsbPipe, Clock], bool], kind: int) -> None:
    assert order(ScriptedUsbPipe(asked(kind)), FastClock())
    assert not order(ScriptedUsbPipe(asked(kind, result=-120)), FastClock())
