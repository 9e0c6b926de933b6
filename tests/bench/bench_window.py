"""How soon the window is there, how soon it shows a board, and whether a job ever keeps it waiting.

Run by hand: `python tests/bench/bench_window.py`. Each start is a process of its own, in turn with a bare Qt window;
ratios are what counts, seconds are the machine's. Uses the platform plugin it finds (`QT_QPA_PLATFORM=offscreen`,
or a real one with a display).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

STARTS = 9
PLUGS = 15
TICK_MS = 10
IDLE_TICKS = 400
LIMIT_S = 60


def main() -> int:
    """Measure and print."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        os.environ["REKINDLE_DATA"] = folder
        starts: dict[str, list[float]] = {"bare": [], "rekindle": []}
        for number in range(STARTS + 1):
            for kind, times in starts.items():
                began = time.time()
                painted = float(child(kind))
                if number:  # the first pair warms the disk cache
                    times.append(painted - began)
        bare, ours = (statistics.median(times) for times in starts.values())
        print(f"start to first painted window: {ours * 1000:.0f} ms; a bare Qt window: {bare * 1000:.0f} ms")
        print(f"  ratio {ours / bare:.2f} (median of {STARTS} pairs)")
        for line in child("job").splitlines():
            print(line)
    return 0


def child(kind: str) -> str:
    """Run one measurement in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, __file__, kind], capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout.strip()


def start_bare() -> None:
    """The least a Qt program can do: an application and one label."""
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QApplication, QLabel

    class Window(QLabel):
        def paintEvent(self, event: QPaintEvent) -> None:
            super().paintEvent(event)
            report_and_quit()

    app = QApplication(sys.argv[:1])
    window = Window("Rekindle")
    window.show()
    app.exec()


def start_rekindle() -> None:
    """The whole program as a person starts it, with real boards."""
    from PySide6.QtCore import QCoreApplication, QEvent, QObject
    from PySide6.QtWidgets import QApplication

    from app.main import main as start

    class FirstPaint(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Paint:
                report_and_quit()
            return False

    watch = FirstPaint()
    run_the_loop = QApplication.exec

    def watched_loop(*_: object) -> int:
        app = QCoreApplication.instance()
        if app is not None:
            app.installEventFilter(watch)
        return run_the_loop()

    setattr(QApplication, "exec", watched_loop)  # noqa: B010 - a stub says it cannot be assigned
    start([])


def report_and_quit() -> None:
    """Say when, once, and end."""
    from PySide6.QtCore import QCoreApplication, QTimer

    if not getattr(report_and_quit, "done", False):
        report_and_quit.done = True  # type: ignore[attr-defined]
        print(time.time())
        QTimer.singleShot(0, QCoreApplication.quit)


def run_job() -> None:
    """A practice Photon in the window: plug it in and out, then back up its key; watch a 10 ms timer all the while."""
    from PySide6.QtCore import QElapsedTimer, Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from app import paths
    from app.clock import RealClock
    from app.engine.engine import Engine
    from app.firmware.pack import RescuePack
    from app.keys.clouds import CloudBook
    from app.keys.safe import KeySafe
    from app.transports.network import HostNetwork
    from app.transports.wifi_host import HostScanner
    from app.ui.bridge import Bridge
    from app.ui.settings import Settings
    from app.ui.shell import Shell
    from app.ui.theme import apply_theme
    from app.undo.store import UndoStore
    from app.virtual.bus import VirtualBus
    from app.virtual.catalogue import make
    from app.work.events import BoardsChanged, Event, Failed, Succeeded

    app = QApplication(sys.argv[:1])
    apply_theme(app)
    clock = RealClock()
    bus = VirtualBus(clock)
    bridge = Bridge()
    safe = KeySafe(paths.key_safe_folder(practice=True), practice=True)
    pack = RescuePack(paths.pack_folder(), paths.bundled_pack())
    undo = UndoStore(paths.boards_folder(practice=True), safe=safe, practice=True)
    clouds = CloudBook(paths.clouds_folder(practice=True))
    engine = Engine(
        bus,
        clock,
        safe,
        bridge.post,
        pack=pack,
        undo=undo,
        clouds=clouds,
        network=HostNetwork(),
        scanner=HostScanner(),
    )
    window = Shell(engine, Settings(paths.data_folder() / "settings.ini"))
    bridge.arrived.connect(window.dispatch, Qt.ConnectionType.QueuedConnection)
    window.resize(1000, 700)
    window.show()
    engine.start()

    lateness: dict[str, list[float]] = {"idle": [], "job": []}
    phase = "idle"
    since = QElapsedTimer()
    since.start()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def tick() -> None:
        nonlocal phase
        lateness[phase].append(abs(since.nsecsElapsed() / 1e6 - TICK_MS))
        since.restart()
        if phase == "idle" and len(lateness["idle"]) == IDLE_TICKS:
            phase = "job"
            engine.run("back-up-key", "1-1")

    ended: list[Event] = []
    shown: list[float] = []
    announced = 0.0

    def arrived(event: Event) -> None:
        """After the window has drawn the news: this slot was connected last."""
        if isinstance(event, Succeeded | Failed):
            ended.append(event)
            timer.stop()
            QTimer.singleShot(0, app.quit)
        if isinstance(event, BoardsChanged) and event.boards and announced:
            window.grab()  # painted, not only told
            shown.append(time.monotonic() - announced)

    bridge.arrived.connect(arrived, Qt.ConnectionType.QueuedConnection)

    def plug_next() -> None:
        nonlocal announced
        for board in tuple(bus.boards):
            bus.unplug(board)
        if len(shown) == PLUGS:
            announced = 0.0
            bus.plug(make("photon", clock), port="1-1")
            QTimer.singleShot(3500, begin_ticks)
            return
        board = make("photon", clock)
        bus.plug(board, port="1-1")
        while board.face() is None:  # its own start-up time is not ours
            clock.pause(0.001)
        announced = time.monotonic()
        QTimer.singleShot(300, plug_next)

    def begin_ticks() -> None:
        since.restart()
        timer.start(TICK_MS)

    timer.timeout.connect(tick)
    QTimer.singleShot(300, plug_next)
    app.exec()
    engine.close()
    bus.close()
    if not isinstance(ended[0], Succeeded):
        raise SystemExit(f"the job failed: {ended[0]}")
    median = statistics.median(shown) * 1000
    print(f"plug-in on the bus to painted in the window: median {median:.1f} ms, worst {max(shown) * 1000:.1f} ms")
    for name, late in lateness.items():
        ordered = sorted(late)
        nearly_worst = ordered[int(len(ordered) * 0.99)]
        print(f"lateness of a 10 ms timer in the window, {name}:", end=" ")
        print(f"99 % within {nearly_worst:.2f} ms, worst {ordered[-1]:.2f} ms")
    print(f"  ratio of the worst, job to idle: {max(lateness['job']) / max(lateness['idle']):.2f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bare"]:
            start_bare()
        case ["rekindle"]:
            start_rekindle()
        case ["job"]:
            run_job()
        case _:
            raise SystemExit(main())
