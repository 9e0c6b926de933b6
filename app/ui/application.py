"""Puts the window together: look, bus, safe, engine, bridge. The only place in `app.ui` that builds them."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QSocketNotifier, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app import log, paths
from app.clicks import ConfirmClose
from app.clock import RealClock
from app.engine.accounts import Accounts, accounts
from app.engine.engine import Engine
from app.engine.updates import UpdateDesk, update_desk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.transports.base import Bus
from app.transports.host_bus import HostBus
from app.transports.network import HostNetwork, Network
from app.transports.trace import traced
from app.transports.wifi_host import HostScanner
from app.transports.wifi_scan import WifiScanner
from app.ui.bridge import Bridge
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.ui.theme import apply_theme
from app.undo.store import UndoStore
from app.work.events import Post


def run(*, practice: str | None, trace: Path | None) -> int:
    """Show the window until it is closed.

    Args:
        practice: Name of the practice board on the desk; None works with real boards.
        trace: File that gets every exchange with the boards; None for no trace.

    Returns:
        The exit code.

    Raises:
        TraceRefusedError: The trace file cannot be made.
    """
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Rekindle")
    app.setDesktopFileName("rekindle")
    app.setWindowIcon(QIcon(str(paths.resource("icons/rekindle.svg"))))
    settings = Settings(paths.data_folder() / "settings.ini")

    def dress() -> None:
        apply_theme(
            app,
            scheme=settings.scheme,
            text_scale=settings.text_scale,
            reduced_motion=settings.reduced_motion,
        )

    dress()
    clock = RealClock()
    pack = RescuePack(paths.pack_folder(), paths.bundled_pack())
    panel = None
    scanner: WifiScanner = HostScanner()
    network: Network = HostNetwork()
    updates: UpdateDesk | None = None  # practice leaves this computer alone
    if practice is None:
        bus: Bus = HostBus()
        updates = update_desk()

        def make_accounts(post: Post) -> Accounts:
            return accounts(post, clock, clouds, practice=False)

    else:
        # Only practice needs virtual boards; a start with real ones should not wait for them.
        from app.practice import practice_accounts, practice_board, practice_network, practice_scanner
        from app.ui.practice import PracticePanel
        from app.virtual.bus import VirtualBus

        desk = VirtualBus(clock)
        board = practice_board(practice, clock, pack)
        desk.plug(board)
        panel = PracticePanel(desk, clock, board, practice, lambda name: practice_board(name, clock, pack))
        bus = desk
        scanner = practice_scanner()
        network = practice_network()

        def make_accounts(post: Post) -> Accounts:
            return practice_accounts(post, clock, clouds, lambda: desk.boards)

    if trace is not None:
        bus = traced(bus, trace)
    safe = KeySafe(paths.key_safe_folder(practice=practice is not None), practice=practice is not None)
    bridge = Bridge()
    undo = UndoStore(paths.boards_folder(practice=practice is not None), safe=safe, practice=practice is not None)
    clouds = CloudBook(paths.clouds_folder(practice=practice is not None))
    engine = Engine(
        bus,
        clock,
        safe,
        bridge.post,
        pack=pack,
        undo=undo,
        clouds=clouds,
        network=network,
        scanner=scanner,
        accounts=make_accounts,
        updates=updates,
    )
    window = Shell(engine, settings, practice=panel, trace=trace)

    def dress_again() -> None:
        dress()
        window.fit_text()

    window.look_changed.connect(dress_again)
    app.styleHints().colorSchemeChanged.connect(dress_again)
    # Queued: the engine also posts from inside the window's own calls.
    bridge.arrived.connect(window.dispatch, Qt.ConnectionType.QueuedConnection)
    window.show()
    threading.Thread(target=log.note_environment, name="environment", daemon=True).start()
    engine.start()
    engine.list_backups()
    try:
        with on_signal(lambda: window.dispatch(ConfirmClose(True))):
            return app.exec()
    finally:
        engine.close()
        bus.close()


@contextmanager
def on_signal(close: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C in the terminal and a polite kill stop the run and close the window; nobody may be there to ask.

    Python runs its handlers only between two of its own instructions, and while Qt waits there is none: a byte on a
    socket wakes Qt up.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: ours.recv(64))
    wake_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: close()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wake_before)
        notifier.setEnabled(False)
        ours.close()
        theirs.close()
