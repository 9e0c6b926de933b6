"""What goes wrong must look the same on the real USB stack as on the bus in this process, which all other tests use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.clock import FastClock

from app.faults import Fault, PortBusy
from app.platforms.model import Mode
from app.transports.base import Bus, Sighting, UsbPipe
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from lab.desk import Desk

pytestmark = pytest.mark.lab

GETSTATUS, ABORT = 3, 6  # DFU 1.1, 3
PATIENCE_MS = 300
BOOTED_S = 10.0

MISHAPS = {
    "nothing": Mishap(),
    "stall": Mishap(stall_at=2),
    "silent-once": Mishap(silent_at=2),
    "silent-from-then-on": Mishap(silent_from=2),
    "gone": Mishap(gone_at=2),
    "wrong": Mishap(wrong_at=2),
}


def dialogue(pipe: UsbPipe) -> list[object]:
    """Talk to a boot loader, and note what came of each request: bytes, or the kind of fault."""
    requests: tuple[Callable[[], object], ...] = (
        lambda: pipe.control_in(0xA1, GETSTATUS, 0, 0, 6, PATIENCE_MS),
        lambda: pipe.control_in(0xA1, GETSTATUS, 0, 0, 6, PATIENCE_MS),
        lambda: pipe.control_out(0x21, ABORT, 0, 0, b"", PATIENCE_MS),
        lambda: pipe.control_in(0xA1, 0x7E, 0, 0, 6, PATIENCE_MS),
        lambda: pipe.control_in(0xA1, GETSTATUS, 0, 0, 64, PATIENCE_MS),
        lambda: pipe.control_in(0xA1, GETSTATUS, 0, 5, 6, PATIENCE_MS),
        # A Core would accept it (device-protocol.md 1.2), but does not announce it.
        lambda: pipe.select_alt(0, 3),
        lambda: pipe.select_alt(0, 1),
    )
    found: list[object] = []
    for request in requests:
        try:
            found.append(request())
        except Fault as fault:
            found.append(type(fault))
    return found


def talk(bus: Bus, seen: Sighting, board: VirtualBoard, mishap: Mishap) -> list[object]:
    """Have the mishap happen, counted from now."""
    counted = {
        name: value + board.transfers
        for name in ("gone_at", "stall_at", "silent_at", "silent_from", "wrong_at")
        if (value := getattr(mishap, name)) is not None
    }
    with bus.open_usb(seen) as pipe:
        board.mishap = replace(mishap, **counted)
        return dialogue(pipe)


def test_interfaces_of_the_serial_port_belong_to_its_driver(desk: Desk) -> None:
    cable = desk.plug(make("photon", desk.board_clock))
    with desk.bus.open_usb(desk.await_mode(cable, Mode.NORMAL)) as pipe:
        with pytest.raises(PortBusy):
            pipe.select_alt(0, 0)
        with pytest.raises(PortBusy):
            pipe.control_in(0xA1, 0x21, 0, 1, 7, PATIENCE_MS)


@pytest.mark.parametrize("name", ["core", "photon"])
@pytest.mark.parametrize("mishap", MISHAPS)
def test_mishap_looks_the_same_on_the_real_bus(desk: Desk, name: str, mishap: str) -> None:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_dfu()
    real = talk(desk.bus, desk.await_mode(cable, Mode.DFU), board, MISHAPS[mishap])

    clock = FastClock()
    twin = make(name, clock)
    bus = VirtualBus(clock, [twin])
    PracticeHand(twin).enter_dfu()
    clock.pause(BOOTED_S)
    assert real == talk(bus, bus.sightings()[0], twin, MISHAPS[mishap])
