"""Boards on the real kernel's USB stack in DFU mode: seen, identified, read, and read the same by `dfu-util`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.faults import BoardGone, Fault
from app.platforms.identify import boot_loader_of
from app.platforms.model import Mode, Platform, Quirk
from app.platforms.table import platform
from app.protocols.dfu import DfuSession
from app.transports.base import Sighting
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.hand import PracticeHand
from lab.desk import Desk
from lab.usbip_server import Cable

pytestmark = pytest.mark.lab

EVERY_BOARD = sorted(HEALTHY_BOARDS)
WHOLE_READ = 128 * 1024


def kind_of(name: str) -> Platform:
    return platform(name.split("-")[0])


def quirks_of(kind: Platform, seen: Sighting) -> frozenset[Quirk]:
    boot_loader = boot_loader_of(kind, seen.serial, seen.release)
    assert boot_loader is not None
    return boot_loader.quirks


def read(desk: Desk, kind: Platform, seen: Sighting, alt: int, address: int, size: int) -> bytes:
    with DfuSession(desk.bus.open_usb(seen), quirks=quirks_of(kind, seen), clock=desk.clock) as session:
        session.settle()
        session.select(alt)
        return session.read(address, size)


@pytest.mark.parametrize("name", EVERY_BOARD)
def test_kernel_enumerates_and_we_identify_in_both_modes(desk: Desk, name: str) -> None:
    board = make(name, desk.board_clock)
    hand = PracticeHand(board)
    cable = desk.plug(board)
    hand.enter_listening()
    normal = desk.await_mode(cable, Mode.NORMAL)
    assert desk.identified(cable) == (kind_of(name), Mode.NORMAL)
    hand.enter_dfu()
    in_dfu = desk.await_mode(cable, Mode.DFU)
    assert desk.identified(cable) == (kind_of(name), Mode.DFU)
    assert boot_loader_of(kind_of(name), in_dfu.serial, in_dfu.release) is not None
    assert in_dfu.port_path == normal.port_path
    assert in_dfu.address != normal.address
    assert not in_dfu.denied


@pytest.mark.parametrize("name", EVERY_BOARD)
def test_key_slot_is_byte_for_byte_what_dfu_util_reads(desk: Desk, name: str, tmp_path: Path) -> None:
    cable, board = plugged_in_dfu(desk, name)
    seen = desk.await_mode(cable, Mode.DFU)
    slot = next(slot for slot in kind_of(name).key_slots if slot.key.startswith("device-private"))
    theirs = desk.dfu_util(cable, slot.alt, slot.address, slot.size, tmp_path / "slot.bin")
    ours = read(desk, kind_of(name), seen, slot.alt, slot.address, slot.size)
    memory = board.dct if kind_of(name).key != "core" else board.spi
    assert len(theirs) == slot.size
    assert ours == theirs
    assert ours == bytes(memory[slot.address : slot.address + slot.size])


@pytest.mark.parametrize("name", ["core", "photon"])
def test_dfu_util_reads_the_same_before_and_after_us(desk: Desk, name: str, tmp_path: Path) -> None:
    cable, board = plugged_in_dfu(desk, name)
    seen = desk.await_mode(cable, Mode.DFU)
    size = WHOLE_READ if name == "core" else 0x20000
    before = desk.dfu_util(cable, 0, 0x08000000, size, tmp_path / "before.bin")
    ours = read(desk, kind_of(name), seen, 0, 0x08000000, size)
    after = desk.dfu_util(cable, 0, 0x08000000, size, tmp_path / "after.bin")
    assert ours == before == after == bytes(board.internal[:size])


def test_unplug_in_the_middle_of_a_read_says_board_gone(
    desk: Desk, record_property: Callable[[str, object], None]
) -> None:
    cable, _ = plugged_in_dfu(desk, "photon")
    seen = desk.await_mode(cable, Mode.DFU)
    reading = threading.Event()
    raised: list[tuple[float, Fault]] = []

    def read_for_ever() -> None:
        try:
            with DfuSession(desk.bus.open_usb(seen), quirks=frozenset(), clock=desk.clock) as session:
                session.settle()
                while True:
                    session.read(0x08000000, 0x4000, lambda done, total: reading.set())
        except Fault as fault:
            raised.append((time.monotonic(), fault))

    thread = threading.Thread(target=read_for_ever, daemon=True)
    thread.start()
    assert reading.wait(10)
    pulled = time.monotonic()
    cable.pull()
    thread.join(2.0)
    assert not thread.is_alive(), "two seconds after the unplug the read is still waiting"
    moment, fault = raised[0]
    assert type(fault) is BoardGone
    record_property("measured", f"unplug to BoardGone: {(moment - pulled) * 1000:.0f} ms")


def plugged_in_dfu(desk: Desk, name: str) -> tuple[Cable, VirtualBoard]:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_dfu()
    return cable, board
