"""Whole recipes and the watcher on the real kernel's USB stack, with a person who presses the board's buttons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.person import Person
from support.stores import stores

from app.engine.engine import Engine
from app.faults import BoardGone
from app.keys.safe import KeySafe
from app.platforms.model import Mode
from app.platforms.table import platform
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.events import BoardsChanged, Event, Failed, StepStarted, Stopped, Succeeded
from lab.desk import Desk, KernelAnnouncements
from lab.station import RUN_S, SHOWN_S, Observer, shows
from lab.usbip_server import Cable

pytestmark = pytest.mark.lab

READING_STEP = 2  # of back-up-key
TRANSFERS_INTO_THE_READ = 8


def run(desk: Desk, recipe: str, board: VirtualBoard, cable: Cable, safe: KeySafe) -> Succeeded:
    observer = Observer(Person(board))
    engine = Engine(desk.bus, desk.clock, safe, observer, **stores(safe.root.parent, safe))
    engine.start()
    try:
        observer.first(lambda event: shows(event, cable.port_path), SHOWN_S)
        number = engine.run(recipe, cable.port_path)
        _, last = observer.first(
            lambda event: isinstance(event, Succeeded | Failed | Stopped) and event.run == number, RUN_S
        )
    finally:
        engine.close()
    assert isinstance(last, Succeeded), last
    return last


@pytest.mark.parametrize("name", ["core", "core-0.7", "photon", "photon-0.5", "p1", "electron"])
def test_backed_up_key_is_byte_for_byte_what_dfu_util_reads(desk: Desk, name: str, tmp_path: Path) -> None:
    board = make(name, desk.board_clock)
    hand = PracticeHand(board)
    cable = desk.plug(board)
    hand.enter_listening()
    desk.await_mode(cable, Mode.NORMAL)
    safe = KeySafe(tmp_path / "safe")
    run(desk, "back-up-key", board, cable, safe)

    kept = {backup.slot: safe.key_bytes(backup) for backup in safe.backups()}
    slots = [slot for slot in platform(name.split("-")[0]).key_slots if slot.key.startswith("device-private")]
    hand.enter_dfu()
    desk.await_mode(cable, Mode.DFU)
    theirs = {slot.key: desk.dfu_util(cable, slot.alt, slot.address, slot.size, tmp_path / slot.key) for slot in slots}
    assert slots[0].key in kept
    assert kept == {key: raw for key, raw in theirs.items() if key in kept}


@pytest.mark.parametrize("name", ["core", "photon"])
def test_unplug_while_the_key_is_read_ends_in_board_gone(
    desk: Desk, name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_dfu()
    desk.await_mode(cable, Mode.DFU)
    safe = KeySafe(tmp_path / "safe")

    def pull_soon(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == READING_STEP:
            board.mishap = Mishap(gone_at=board.transfers + TRANSFERS_INTO_THE_READ)

    observer = Observer(pull_soon)
    engine = Engine(desk.bus, desk.clock, safe, observer, **stores(tmp_path, safe))
    engine.start()
    try:
        observer.first(lambda event: shows(event, cable.port_path), SHOWN_S)
        engine.run("back-up-key", cable.port_path)
        began, _ = observer.first(lambda event: isinstance(event, StepStarted) and event.step == READING_STEP, RUN_S)
        ended, last = observer.first(lambda event: isinstance(event, Failed), RUN_S)
    finally:
        engine.close()
    assert isinstance(last, Failed)
    assert last.code == BoardGone.code
    assert desk.sighting(cable) is None
    assert safe.backups() == ()
    record_property("measured", f"{name}: read begun, cable pulled, fault shown: {(ended - began) * 1000:.0f} ms")


@pytest.mark.parametrize("name", ["core", "photon"])
def test_device_id_is_read_by_the_recipe(desk: Desk, name: str, tmp_path: Path) -> None:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_listening()
    desk.await_mode(cable, Mode.NORMAL)
    done = run(desk, "read-id", board, cable, KeySafe(tmp_path / "safe"))
    values = {fact.value for fact in done.outcome.facts}
    assert board.device_id in values


def test_plugged_in_board_is_shown(desk: Desk, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    board = make("photon-0.7", desk.board_clock, profiles=False)  # without networks it comes up by itself
    observer = Observer(Person(board))
    safe = KeySafe(tmp_path / "safe")
    engine = Engine(desk.bus, desk.clock, safe, observer, **stores(tmp_path, safe))
    engine.start()
    try:
        observer.first(lambda event: isinstance(event, BoardsChanged), SHOWN_S)
        with KernelAnnouncements() as kernel:
            cable = desk.plug(board)
            announced = kernel.added(cable)
            shown, event = observer.first(lambda event: shows(event, cable.port_path), SHOWN_S)
    finally:
        engine.close()
    assert isinstance(event, BoardsChanged)
    assert [found.platform.key for found in event.boards] == ["photon"]
    record_property("measured", f"announced by the kernel to shown: {(shown - announced) * 1000:.1f} ms")
