"""Boards on the real kernel's USB stack in normal mode: `cdc_acm` makes a tty, and our serial port works on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.faults import BoardGone, Fault
from app.platforms.model import Mode
from app.protocols import requests
from app.protocols.listening import ListeningConsole
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.hand import PracticeHand
from lab.desk import Desk
from lab.usbip_server import Cable

pytestmark = pytest.mark.lab

CALM_BAUD = 9600
DFU_BAUD = 14400  # device-protocol.md 5.6: an order, not a speed
RATHER_LONG_S = 3.0  # a board that obeys is gone within a fraction of this


@pytest.mark.parametrize("name", sorted(HEALTHY_BOARDS))
def test_device_id_comes_through_a_real_tty(desk: Desk, name: str) -> None:
    with listening(desk, name) as (board, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        assert seen.serial_port is not None
        assert seen.serial_port.startswith("/dev/ttyACM")
        with ListeningConsole(desk.bus.open_serial(seen, CALM_BAUD), desk.clock) as console:
            identity = console.identity()
        assert identity is not None
        assert identity.device_id == board.device_id


@pytest.mark.parametrize("name", ["core", "photon"])
def test_console_answers_again_after_the_port_was_closed(desk: Desk, name: str) -> None:
    with listening(desk, name) as (board, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        for _ in range(3):
            with ListeningConsole(desk.bus.open_serial(seen, CALM_BAUD), desk.clock) as console:
                identity = console.identity()
            assert identity is not None
            assert identity.device_id == board.device_id


def test_photon_tells_its_id_over_a_control_request(desk: Desk) -> None:
    with listening(desk, "photon") as (board, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        with desk.bus.open_usb(seen) as pipe:
            assert requests.device_id(pipe, desk.clock) == board.device_id


def test_14400_baud_makes_a_photon_reappear_in_dfu(desk: Desk, record_property: Callable[[str, object], None]) -> None:
    with listening(desk, "photon") as (_, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        began = time.monotonic()
        with opened_and_perhaps_lost(desk, cable, DFU_BAUD):
            desk.await_("the port's end", lambda: desk.sighting(cable) != seen or None)
        gone = time.monotonic()
        in_dfu = desk.await_mode(cable, Mode.DFU)
        assert in_dfu.address != seen.address
        took = f"14400 baud to port gone {(gone - began) * 1000:.0f} ms, in DFU {time.monotonic() - began:.2f} s"
        record_property("measured", took)


def test_14400_baud_does_not_move_a_factory_core(desk: Desk) -> None:
    with listening(desk, "core") as (_, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        with opened_and_perhaps_lost(desk, cable, DFU_BAUD):
            watched_until = desk.clock.now() + RATHER_LONG_S
            while (left := watched_until - desk.clock.now()) > 0:
                desk.bus.wait_for_change(left)
                found = desk.identified(cable)
                assert found is None or found[1] is Mode.NORMAL
        again = desk.await_mode(cable, Mode.NORMAL)
        assert (again.vendor, again.product) == (seen.vendor, seen.product)


def test_unplug_while_listening_to_the_tty_says_board_gone(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    with listening(desk, "photon") as (_, cable):
        seen = desk.await_mode(cable, Mode.NORMAL)
        with desk.bus.open_serial(seen, CALM_BAUD) as port:
            pulled = time.monotonic()
            cable.pull()
            fault = fault_of_reading(port.read)
            took = time.monotonic() - pulled
        assert type(fault) is BoardGone
        desk.await_gone(cable)
        record_property("measured", f"unplug to BoardGone on the tty: {took * 1000:.0f} ms")


@contextmanager
def listening(desk: Desk, name: str) -> Iterator[tuple[VirtualBoard, Cable]]:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_listening()
    yield board, cable


@contextmanager
def opened_and_perhaps_lost(desk: Desk, cable: Cable, baud: int) -> Iterator[None]:
    """Open the port; the board may leave at once, even before the opening is done."""
    seen = desk.sighting(cable)
    assert seen is not None
    try:
        port = desk.bus.open_serial(seen, baud)
    except BoardGone:
        yield
        return
    with port:
        yield


def fault_of_reading(read: Callable[[int], bytes]) -> Fault | None:
    for _ in range(20):
        try:
            read(100)
        except Fault as fault:
            return fault
    return None
