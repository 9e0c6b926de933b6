"""Puts the window together: look, bus, safe, engine, bridge. The only place in `app.ui` that builds them."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app import paths
from app.clock import RealClock
from app.engine.engine import Engine
from app.keys.safe import KeySafe
from app.transports.base import Bus
from app.transports.host_bus import HostBus
from app.transports.trace import TracingBus
from app.ui.bridge import Bridge
from app.ui.practice import PracticePanel
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.ui.theme import apply_theme
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make


def run(*, practice: str | None, trace: Path | None) -> int:
    """Show the window until it is closed.

    Args:
        practice: Name of the practice board on the desk; None works with real boards.
        trace: File that gets every exchange with the boards; None for no trace.

    Returns:
        The exit code.
    """
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Rekindle")
    app.setDesktopFileName("rekindle")
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
    panel = None
    if practice is None:
        bus: Bus = HostBus()
    else:
        desk = VirtualBus(clock)
        board = make(practice, clock)
        desk.plug(board)
        panel = PracticePanel(desk, clock, board, practice)
        bus = desk
    if trace is not None:
        bus = TracingBus(bus, trace)
    safe = KeySafe(paths.key_safe_folder(practice=practice is not None), practice=practice is not None)
    bridge = Bridge()
    engine = Engine(bus, clock, safe, bridge.post)
    window = Shell(engine, settings, practice=panel, trace=trace)

    def dress_again() -> None:
        dress()
        window.fit_text()

    window.look_changed.connect(dress_again)
    app.styleHints().colorSchemeChanged.connect(dress_again)
    # Queued: the engine also posts from inside the window's own calls.
    bridge.arrived.connect(window.dispatch, Qt.ConnectionType.QueuedConnection)
    window.show()
    engine.start()
    engine.list_backups()
    try:
        return app.exec()
    finally:
        engine.close()
        bus.close()
