"""A board that sends as fast as it can, and the serial monitor's window: does anything else have to wait?

Run by hand: `python tests/bench/bench_monitor.py`. A pseudo-terminal stands for the board, and the program's own
pyserial port reads it; a thread writes lines of 40 characters at about 1 MB/s. A 10 ms timer in the window says how
late it is, idle and during the flood. POSIX only. Uses the platform plugin it finds (`QT_QPA_PLATFORM=offscreen`).
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests"))

TICK_MS = 10
PHASE_S = 8.0
RATE = 1_000_000  # bytes per second
LINE = b"a board that talks without end, line %08d\r\n"


def main() -> int:
    """Measure and print."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import tty

    from PySide6.QtCore import QElapsedTimer, Qt, QTimer
    from PySide6.QtWidgets import QApplication
    from support.stores import stores

    from app.clicks import Go, OpenMonitor, Screen
    from app.clock import RealClock
    from app.engine.engine import Engine
    from app.keys.safe import KeySafe
    from app.platforms.model import Mode
    from app.platforms.table import platform
    from app.transports.base import SerialPipe, Sighting
    from app.transports.serial_bus import SerialBus
    from app.ui import theme
    from app.ui.bridge import Bridge
    from app.ui.parts.serial_view import SerialView
    from app.ui.settings import Settings
    from app.ui.shell import Shell
    from app.virtual.bus import VirtualBus

    master, slave = os.openpty()
    tty.setraw(slave)
    ids = platform("photon").ids[Mode.NORMAL]
    seen = Sighting("1-1", 2, ids.vendor, ids.product, "0" * 24, "Photon", 0x250, os.ttyname(slave))

    class OneBoard(VirtualBus):
        """A desk with one board, whose serial port is the pseudo-terminal."""

        def sightings(self) -> list[Sighting]:
            return [seen]

        def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
            return SerialBus().open(sighting.serial_port or "", baud)

    clock = RealClock()
    app = QApplication([])
    theme.apply_theme(app, scheme=theme.Scheme.LIGHT)
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as name:
        folder = Path(name)
        safe = KeySafe(folder / "safe")
        bridge = Bridge()
        bus = OneBoard(clock)
        engine = Engine(bus, clock, safe, bridge.post, **stores(folder, safe))
        window = Shell(engine, Settings(folder / "settings.ini"))
        bridge.arrived.connect(window.dispatch, Qt.ConnectionType.QueuedConnection)
        window.show()
        engine.start()
        late: dict[str, list[float]] = {"idle": [], "flood": []}
        phase = "idle"
        since = QElapsedTimer()
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(TICK_MS)
        written = 0
        stop = threading.Event()

        def tick() -> None:
            late[phase].append(max(0.0, since.nsecsElapsed() / 1e6 - TICK_MS))
            since.restart()

        def write() -> None:
            nonlocal written
            began, number = time.monotonic(), 0
            while not stop.is_set():
                block = b"".join(LINE % (number + each) for each in range(64))
                number += 64
                os.write(master, block)
                written += len(block)
                ahead = written / RATE - (time.monotonic() - began)
                if ahead > 0:
                    stop.wait(ahead)

        cpu = 0.0
        drawn = 0

        def count() -> None:
            nonlocal drawn
            drawn += phase == "flood"

        def measure() -> None:
            since.start()
            timer.start()

        def flood() -> None:
            nonlocal phase, cpu
            phase = "flood"
            cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime
            threading.Thread(target=write, daemon=True).start()

        window.drawn.connect(count)
        timer.timeout.connect(tick)
        QTimer.singleShot(300, lambda: window.dispatch(Go(Screen.MONITOR)))
        QTimer.singleShot(600, lambda: window.dispatch(OpenMonitor("1-1")))
        QTimer.singleShot(1500, measure)
        QTimer.singleShot(1500 + round(PHASE_S * 1000), flood)
        QTimer.singleShot(1500 + round(2 * PHASE_S * 1000), app.quit)
        app.exec()
        stop.set()
        timer.stop()
        cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu
        monitor = window.state.monitor
        assert monitor is not None
        transcript = monitor.transcript
        (view,) = window.page(Screen.MONITOR).findChildren(SerialView)
        shown = view.document().blockCount()
        window.hide()
        engine.close()
        bus.close()
    print(f"written: {written / PHASE_S / 1e6:.2f} MB/s; lines seen: {transcript.newest}; kept: ", end="")
    print(f"{len(transcript.since(0).lines)}; shown: {shown}, drawn {drawn / PHASE_S:.0f} times a second")
    print(f"processor time of program and writer: {cpu / PHASE_S * 100:.0f} %")
    for name, each in late.items():
        ordered = sorted(each)
        at = {share: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)}
        print(f"lateness of a {TICK_MS} ms timer in the window, {name}: ", end="")
        print(", ".join(f"{share:.0%} {value:.1f} ms" for share, value in at.items()), f"worst {ordered[-1]:.1f} ms")
    print(f"most memory used: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
