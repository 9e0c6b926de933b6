"""The program as people meet it, on the real kernel's USB stack: the window (offscreen), and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from support.stores import stores

from app.clicks import Screen
from app.engine.engine import Engine
from app.keys.safe import KeySafe
from app.platforms.model import Mode
from app.platforms.table import platform
from app.ui.bridge import Bridge
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.events import Succeeded
from app.work.questions import DoThis
from lab.desk import Desk
from lab.usbip_server import Cable

pytestmark = pytest.mark.lab

SHOWN_MS = 15_000
RUN_MS = 50_000
COMMAND_S = 50.0


@contextmanager
def window_on(desk: Desk, qtbot: QtBot, safe: KeySafe, settings: Path) -> Iterator[Shell]:
    """Put the window together as the program does, on this desk's bus."""
    bridge = Bridge()
    engine = Engine(desk.bus, desk.clock, safe, bridge.post, **stores(settings.parent, safe))
    shell = Shell(engine, Settings(settings))
    qtbot.addWidget(shell)
    bridge.arrived.connect(shell.dispatch, Qt.ConnectionType.QueuedConnection)
    shell.show()
    engine.start()
    engine.list_backups()
    try:
        yield shell
    finally:
        engine.close()


def press(qtbot: QtBot, shell: Shell, name: str) -> None:
    """Wait until that button is there and can be pressed, and click it."""

    def ready() -> bool:
        found = [each for each in shell.findChildren(QPushButton, name) if each.isVisible()]
        return bool(found) and found[-1].isEnabled()

    qtbot.waitUntil(ready, timeout=SHOWN_MS)
    wanted = next(each for each in shell.findChildren(QPushButton, name) if each.isVisible())
    QTest.mouseClick(wanted, Qt.MouseButton.LeftButton)


def listening(desk: Desk, name: str) -> tuple[VirtualBoard, Cable]:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_listening()
    desk.await_mode(cable, Mode.NORMAL)
    return board, cable


def read_by_dfu_util(desk: Desk, name: str, board: VirtualBoard, cable: Cable, into: Path) -> bytes:
    slot = platform(name).slot("device-private")
    PracticeHand(board).enter_dfu()
    desk.await_mode(cable, Mode.DFU)
    return desk.dfu_util(cable, slot.alt, slot.address, slot.size, into)


@pytest.mark.parametrize("name", ["core", "photon"])
def test_window_backs_up_the_key_from_click_to_safe(desk: Desk, qtbot: QtBot, name: str, tmp_path: Path) -> None:
    board, cable = listening(desk, name)
    safe = KeySafe(tmp_path / "safe")
    helped: list[threading.Thread] = []
    with window_on(desk, qtbot, safe, tmp_path / "settings.ini") as shell:

        def over() -> bool:
            run = shell.state.run
            if run is not None and run.asked is not None and isinstance(run.asked.question, DoThis) and not helped:
                helped.append(threading.Thread(target=PracticeHand(board).enter_dfu, daemon=True))
                helped[0].start()
            return run is not None and run.end is not None

        press(qtbot, shell, "back-up-now")
        press(qtbot, shell, "start")
        qtbot.waitUntil(over, timeout=RUN_MS)
        end = shell.state.run.end if shell.state.run else None
        assert isinstance(end, Succeeded), end
        qtbot.waitUntil(lambda: shell.state.screen is Screen.RESULT, timeout=SHOWN_MS)
        qtbot.waitUntil(lambda: bool(shell.state.backups), timeout=SHOWN_MS)
    assert bool(helped) is (name == "core"), "the buttons are for boards that cannot do without"
    backup = next(each for each in safe.backups() if each.slot == "device-private")
    assert safe.key_bytes(backup) == read_by_dfu_util(desk, name, board, cable, tmp_path / "slot.bin")


def test_window_does_not_start_on_a_pulled_cable(desk: Desk, qtbot: QtBot, tmp_path: Path) -> None:
    _, cable = listening(desk, "core")
    with window_on(desk, qtbot, KeySafe(tmp_path / "safe"), tmp_path / "settings.ini") as shell:
        press(qtbot, shell, "back-up-now")
        cable.pull()
        qtbot.waitUntil(lambda: not shell.state.boards, timeout=SHOWN_MS)
        start = next(each for each in shell.findChildren(QPushButton, "start"))
        assert not start.isEnabled()


def test_command_line_lists_the_board_and_backs_up_its_key(desk: Desk, tmp_path: Path) -> None:
    board, cable = listening(desk, "photon")

    def command(*arguments: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments, "--json"],
            env={**os.environ, "REKINDLE_DATA": str(tmp_path / "data")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert board.device_id in json.dumps(command("list"))
    assert command("run", "back-up-key", "--board", cable.port_path)
    safe = KeySafe(tmp_path / "data" / "keys")
    backup = next(each for each in safe.backups() if each.slot == "device-private")
    assert backup.device_id == board.device_id
    assert safe.key_bytes(backup) == read_by_dfu_util(desk, "photon", board, cable, tmp_path / "slot.bin")
