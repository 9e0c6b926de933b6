"""The whole program in one test: a virtual board, the engine, and the window, in time that runs faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.clicks import Screen
from app.engine.accounts import Accounts
from app.engine.downloader import Fetcher
from app.engine.engine import Engine
from app.engine.updates import UpdateDesk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.platforms.model import Mode
from app.transports.network import Network
from app.transports.wifi_scan import WifiScanner
from app.ui.bridge import Bridge
from app.ui.practice import PracticePanel
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.undo.store import UndoStore
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.events import Post
from support.ears import Ears
from support.offline import Offline
from support.patient_clock import PatientClock

WAIT_MS = 10_000


class Desk:
    """A board on the desk, and the window that looks at it."""

    def __init__(
        self,
        qtbot: QtBot,
        folder: Path,
        name: str = "photon",
        *,
        plugged: bool = True,
        practice: bool = True,
        factor: float = 20.0,
        profiles: bool | None = None,
        pack: RescuePack | None = None,
        fetcher: Callable[[], Fetcher] | None = None,
        network: Network | None = None,
        scanner: WifiScanner | None = None,
        accounts: Callable[[Post], Accounts] | None = None,
        updates: UpdateDesk | None = None,
    ) -> None:
        self.qtbot = qtbot
        self.clock = PatientClock(factor)
        self.bus = VirtualBus(self.clock)
        self.board: VirtualBoard = make(name, self.clock, profiles=profiles)
        self.hand = PracticeHand(self.board)
        self.safe = KeySafe(folder / "safe", practice=True)
        self.panel = PracticePanel(self.bus, self.clock, self.board, name)
        if not practice:
            qtbot.addWidget(self.panel)  # which no window takes
        self.bridge = Bridge()
        self.pack = pack or RescuePack(folder / "pack")
        self.undo = UndoStore(folder / "boards", safe=self.safe)
        self.clouds = CloudBook(folder / "clouds")
        self.engine = Engine(
            self.bus,
            self.clock,
            self.safe,
            self.bridge.post,
            pack=self.pack,
            undo=self.undo,
            clouds=self.clouds,
            network=network or Offline(),
            scanner=scanner or Ears(),
            fetcher=fetcher,
            accounts=accounts,
            updates=updates,
        )
        settings = Settings(folder / "settings.ini")
        self.window = Shell(self.engine, settings, practice=self.panel if practice else None, no_board_ms=100)
        self.bridge.arrived.connect(self.window.dispatch, Qt.ConnectionType.QueuedConnection)
        self._fingers: list[threading.Thread] = []
        if plugged:
            self.bus.plug(self.board)
        qtbot.addWidget(self.window)
        self.window.show()
        self.engine.start()
        self.engine.list_backups()

    def close(self) -> None:
        for finger in self._fingers:
            finger.join(WAIT_MS / 1000)
        self.window.hide()
        assert self.engine.close()
        self.bus.close()

    @property
    def screen(self) -> Screen:
        return self.window.state.screen

    def wait_for_screen(self, screen: Screen) -> None:
        self.qtbot.waitUntil(lambda: self.screen is screen, timeout=WAIT_MS)

    def wait_for_board(self, mode: Mode | None = None) -> None:
        def there() -> bool:
            board = self.window.state.board
            return board is not None and (mode is None or board.mode is mode)

        self.qtbot.waitUntil(there, timeout=WAIT_MS)

    def button(self, name: str) -> QPushButton:
        """The button of that object name which is on the screen."""

        def found() -> list[QPushButton]:
            return [each for each in self.window.findChildren(QPushButton, name) if each.isVisible()]

        # Layouts show what was put into them a turn of the event loop later.
        self.qtbot.waitUntil(lambda: bool(found()), timeout=WAIT_MS)
        return found()[0]

    def button_called(self, words: str) -> QPushButton:
        """The button on the screen with these words."""
        found = [each for each in self.window.findChildren(QPushButton) if each.isVisible() and each.text() == words]
        assert len(found) == 1, (words, len(found))
        return found[0]

    def click(self, name: str) -> None:
        button = self.button(name)
        assert button.isEnabled(), name
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def enter_dfu(self) -> None:
        """Have a finger bring the board into update mode, while the window goes on."""
        finger = threading.Thread(target=self.hand.enter_dfu, name="finger")
        self._fingers.append(finger)
        finger.start()
