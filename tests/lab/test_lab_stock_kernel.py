"""The cross-check: the same on an unmodified distribution kernel, emulated, so only the most important."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.platforms.identify import boot_loader_of
from app.platforms.model import Mode
from app.platforms.table import platform
from app.protocols.dfu import DfuSession
from app.protocols.listening import ListeningConsole
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.hand import PracticeHand
from lab.desk import Desk

pytestmark = pytest.mark.lab("qemu")


def test_stock_kernel_enumerates_every_board_at_once(desk: Desk) -> None:
    boards = {name: make(name, desk.board_clock) for name in sorted(HEALTHY_BOARDS)}
    cables = {name: desk.plug(board) for name, board in boards.items()}
    for board in boards.values():
        PracticeHand(board).enter_listening()
    for name, cable in cables.items():
        desk.await_mode(cable, Mode.NORMAL)
        found = desk.identified(cable)
        assert found is not None
        assert found[0].key == name.split("-")[0]


@pytest.mark.parametrize("name", ["core", "photon"])
def test_stock_kernel_carries_id_and_key_slot(desk: Desk, name: str, tmp_path: Path) -> None:
    board = make(name, desk.board_clock)
    hand = PracticeHand(board)
    cable = desk.plug(board)
    hand.enter_listening()
    seen = desk.await_mode(cable, Mode.NORMAL)
    with ListeningConsole(desk.bus.open_serial(seen, 9600), desk.clock) as console:
        identity = console.identity()
    assert identity is not None
    assert identity.device_id == board.device_id
    hand.enter_dfu()
    seen = desk.await_mode(cable, Mode.DFU)
    kind = platform(name)
    slot = next(slot for slot in kind.key_slots if slot.key.startswith("device-private"))
    theirs = desk.dfu_util(cable, slot.alt, slot.address, slot.size, tmp_path / "slot.bin")
    boot_loader = boot_loader_of(kind, seen.serial, seen.release)
    assert boot_loader is not None
    with DfuSession(desk.bus.open_usb(seen), quirks=boot_loader.quirks, clock=desk.clock) as session:
        session.settle()
        session.select(slot.alt)
        ours = session.read(slot.address, slot.size)
    assert ours == theirs
    assert len(ours) == slot.size
