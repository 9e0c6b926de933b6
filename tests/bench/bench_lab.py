"""How fast we read beside `dfu-util`, and how soon a board is shown; on the real kernel's USB stack, in the USB lab.

Run by hand: `python tests/bench/bench_lab.py` (after `python tests/lab/prepare.py`). It starts a guest, and itself in
it. Both programs read the same virtual board in the same boot, in turn; ratios are what counts, seconds are the
machine's.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from lab.desk import Desk, KernelAnnouncements  # noqa: E402
from lab.guest import Engine, Guest  # noqa: E402
from lab.prepare import LabMissing, find  # noqa: E402
from lab.usbip_server import Cable  # noqa: E402

from app.clock import RealClock  # noqa: E402
from app.engine.watcher import Watcher  # noqa: E402
from app.platforms.identify import boot_loader_of  # noqa: E402
from app.platforms.model import Mode  # noqa: E402
from app.platforms.table import platform  # noqa: E402
from app.protocols.dfu import DfuSession  # noqa: E402
from app.transports.base import Sighting  # noqa: E402
from app.virtual.catalogue import make  # noqa: E402
from app.virtual.hand import PracticeHand  # noqa: E402
from app.work.events import BoardsChanged, Event  # noqa: E402
from app.work.identity import IdentityBook  # noqa: E402

ROUNDS = 7
PLUGS = 12
WHOLE = 128 * 1024
LIMIT_S = 180.0


def main() -> int:
    """Start a guest and measure in it."""
    try:
        lab = find()
    except LabMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        core = max(os.sched_getaffinity(0))
        guest = Guest(lab, Engine.UML, Path(folder), [sys.executable, __file__, "inside"], core=core)
        guest.start()
        run = guest.wait(LIMIT_S)
    print(run.output, end="")
    if run.exit_status != 0:
        print(run.kernel_log[-2000:], file=sys.stderr)
    return 0 if run.exit_status == 0 else 1


def inside() -> int:
    """Measure, in the guest."""
    with Desk() as desk:
        for name in ("core", "photon"):
            measure_reading(desk, name)
        measure_showing(desk)
    return 0


def measure_reading(desk: Desk, name: str) -> None:
    """Compare reading the key slot and 128 KiB of internal flash."""
    board = make(name, RealClock())
    cable = desk.plug(board)
    PracticeHand(board).enter_dfu()
    seen = desk.await_mode(cable, Mode.DFU)
    slot = platform(name).slot("device-private")
    for what, alt, address, size in (
        (f"key slot, {slot.size} bytes", slot.alt, slot.address, slot.size),
        ("internal flash, 128 KiB", 0, 0x08000000, WHOLE),
    ):
        target = Path("/run/tmp/read.bin")
        ours: list[tuple[float, int]] = []
        theirs: list[tuple[float, int]] = []
        for _ in range(ROUNDS):
            theirs.append(timed(cable, lambda: desk.dfu_util(cable, alt, address, size, target)))  # noqa: B023
            ours.append(timed(cable, lambda: read(desk, name, seen, alt, address, size)))  # noqa: B023
        start = statistics.median(timed(cable, lambda: desk.run_dfu_util(["--version"]))[0] for _ in range(ROUNDS))
        our_time, their_time = (statistics.median(each for each, _ in runs) for runs in (ours, theirs))
        our_count, their_count = (statistics.median(count for _, count in runs) for runs in (ours, theirs))
        print(
            f"{name}: {what}: dfu-util {their_time * 1000:.0f} ms ({(their_time - start) * 1000:.0f} ms without its "
            f"start), we {our_time * 1000:.0f} ms: {their_time / our_time:.1f} times as fast "
            f"({(their_time - start) / our_time:.1f} without the start); "
            f"transfers {their_count:.0f} and {our_count:.0f}",
            flush=True,
        )
    cable.pull()
    desk.await_gone(cable)


def read(desk: Desk, name: str, seen: Sighting, alt: int, address: int, size: int) -> bytes:
    """Read as the recipes do: open, settle, choose, read, close."""
    boot_loader = boot_loader_of(platform(name), seen.serial, seen.release)
    assert boot_loader is not None
    with DfuSession(desk.bus.open_usb(seen), quirks=boot_loader.quirks, clock=desk.clock) as session:
        session.settle()
        session.select(alt)
        return session.read(address, size)


def timed(cable: Cable, action: Callable[[], object]) -> tuple[float, int]:
    """Return seconds and the number of transfers."""
    transfers = cable.log.count
    began = time.perf_counter()
    action()
    return time.perf_counter() - began, cable.log.count - transfers


def measure_showing(desk: Desk) -> None:
    """From the kernel's announcement to the watcher's news."""
    news = threading.Condition()
    seen: list[tuple[float, BoardsChanged]] = []

    def post(event: Event) -> None:
        moment = time.monotonic()
        if isinstance(event, BoardsChanged):
            with news:
                seen.append((moment, event))
                news.notify_all()

    watcher = Watcher(desk.bus, IdentityBook(RealClock()), post)
    watcher.start()
    delays = []
    try:
        for _ in range(PLUGS):
            board = make("photon-0.7", desk.board_clock, profiles=False)
            with KernelAnnouncements() as kernel:
                cable = desk.plug(board)
                port = cable.port_path
                announced = kernel.added(cable)
                with news:
                    assert news.wait_for(lambda: port in ports(seen), 10), "not shown within 10 s"  # noqa: B023
                shown = next(moment for moment, event in seen if port in ports([(moment, event)]))
            delays.append(shown - announced)
            cable.pull()
            desk.await_gone(cable)
            with news:
                seen.clear()
    finally:
        watcher.stop()
        watcher.join(5)
    typical, worst = statistics.median(delays) * 1000, max(delays) * 1000
    print(f"announced by the kernel to shown: {typical:.1f} ms, worst of {PLUGS} {worst:.1f} ms (allowed 100 ms)")


def ports(seen: list[tuple[float, BoardsChanged]]) -> set[str]:
    """The ports with boards in these news."""
    return {board.port_path for _, event in seen for board in event.boards}


if __name__ == "__main__":
    raise SystemExit(inside() if sys.argv[1:] == ["inside"] else main())
