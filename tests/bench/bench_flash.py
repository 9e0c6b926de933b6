"""How fast we write beside `dfu-util`, in the USB lab: the same virtual board, the same timing, the same boot.

Run by hand: `python tests/bench/bench_flash.py` (after `python tests/lab/prepare.py`; real images in `resources/pack`).
`dfu-util` writes and does not look at the result. We read what is there, write what differs and read everything back.
Ratios are what counts, seconds are the machine's; of several rounds the quickest of each program is shown.

What the board demanded is shown twice. "Waits" are the times it told us to wait and the times its memory was busy, the
longer of the two where they run side by side. "Needs" are these and the time it held our transfers, from their arrival
to the answer: a virtual board is a program too, and serves a transfer no faster than it can. The overhead is what
comes on top of what it needs: our program, libusb and the kernel. It takes a machine that does nothing else: where it
does, `chrt -f 5` before the command helps, but does not make up for it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from lab.desk import Desk  # noqa: E402
from lab.guest import Engine, Guest  # noqa: E402
from lab.prepare import LabMissing, find  # noqa: E402
from lab.usbip_server import Cable, Enumeration, Transfer  # noqa: E402
from support.real_pack import WHY  # noqa: E402

from app import paths  # noqa: E402
from app.clock import RealClock  # noqa: E402
from app.firmware.pack import RescuePack, pick  # noqa: E402
from app.platforms.identify import boot_loader_of  # noqa: E402
from app.platforms.model import Medium, Mode, Platform, Quirk, Region  # noqa: E402
from app.platforms.table import platform  # noqa: E402
from app.protocols.dfu import DfuSession  # noqa: E402
from app.protocols.flash import Flasher, plan_flash, span  # noqa: E402
from app.transports.base import Sighting  # noqa: E402
from app.transports.host_bus import HostBus  # noqa: E402
from app.virtual.answer import Answer  # noqa: E402
from app.virtual.board import VirtualBoard  # noqa: E402
from app.virtual.catalogue import make  # noqa: E402
from app.virtual.descriptors import Setup  # noqa: E402
from app.virtual.dfu_model import DNBUSY  # noqa: E402
from app.virtual.hand import PracticeHand  # noqa: E402

LIMIT_S = 500.0
ROUNDS = 2
OVERHEAD = 0.05
MISSED = 3  # exit status when a target was missed


@dataclass(frozen=True)
class Piece:
    """Content for the beginning of a region, and what stands there before."""

    region: Region
    content: bytes
    before: bytes


@dataclass(frozen=True)
class Case:
    """One row of the table; `target` is the largest allowed ratio of our time to theirs."""

    board: str
    title: str
    pieces: tuple[Piece, ...]
    target: float


@dataclass
class Measured:
    """Seconds, control transfers of the DFU class, seconds the board told to wait, and needed in all."""

    seconds: float = 0.0
    transfers: int = 0
    waits: float = 0.0
    needs: float = 0.0


def main(arguments: list[str]) -> int:
    """Start a guest and measure in it; arguments are boards, all when there are none."""
    if paths.bundled_pack() is None:
        print(WHY, file=sys.stderr)
        return 2
    if unknown := set(arguments) - {case.board for case in cases()}:
        print(f"no such board: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    try:
        lab = find()
    except LabMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="rekindle-bench-") as folder:
        core = max(os.sched_getaffinity(0))
        command = [sys.executable, __file__, "inside", *arguments]
        guest = Guest(lab, Engine.UML, Path(folder), command, core=core)
        guest.start()
        run = guest.wait(LIMIT_S)
    print(run.output, end="")
    if run.exit_status not in (0, MISSED):
        print(run.kernel_log[-2000:], file=sys.stderr)
    return 1 if run.exit_status is None else run.exit_status


def cases() -> list[Case]:
    """What is compared."""
    bundled = paths.bundled_pack()
    assert bundled is not None, WHY
    pack = RescuePack(bundled)

    def image(board: str, role: str) -> bytes:
        return pack.read(pick(board, role).name)

    def noise(size: int) -> bytes:
        return random.Random(size).randbytes(size)

    core, photon = platform("core"), platform("photon")
    application, factory = core.region("application"), core.region("factory")
    tinker = image("core", "tinker")
    pages = -(-len(tinker) // 1024)
    almost = bytearray(tinker)
    for page in random.Random(5).sample(range(pages), round(pages * 0.05)):
        almost[page * 1024 : page * 1024 + 1024] = noise(len(almost[page * 1024 : page * 1024 + 1024]))
    parts = tuple(
        Piece(photon.region(f"system-{index}"), image("photon", f"system-{index}"), noise(photon.region(key).size))
        for index, key in ((1, "system-1"), (2, "system-2"))
    )
    return [
        Case("core", "Tinker, over another image", (Piece(application, tinker, noise(application.size)),), 0.7),
        Case("core", "Tinker again", (Piece(application, tinker, tinker),), 0.1),
        Case("core", "Tinker, 5 % of pages changed", (Piece(application, tinker, bytes(almost)),), 0.2),
        Case("core", "factory image, SPI flash", (Piece(factory, tinker, noise(factory.size)),), 0.7),
        Case("photon", "system parts 1 and 2", parts, 1.0),
        Case("photon", "system parts again", tuple(Piece(p.region, p.content, p.content) for p in parts), 0.1),
    ]


def inside(boards: list[str]) -> int:
    """Measure, in the guest."""
    good = True
    ours = Writer()
    with Desk() as desk:
        print(f"{'board':<7} {'what':<29} {'dfu-util':>9} {'we':>9}  ratio   transfers     waits     needs overhead")
        for name in ("core", "photon"):
            if boards and name not in boards:
                continue
            board = make(name, RealClock())
            cable = desk.plug(board)
            PracticeHand(board).enter_dfu()
            desk.await_mode(cable, Mode.DFU)
            demand = Demand(board, platform(name))
            for number, case in enumerate(cases()):
                if case.board == name:
                    good &= measure(desk, cable, board, demand, ours, number)
            cable.pull()
            desk.await_gone(cable)
        ours.close()
    print("all targets met" if good else "NOT ALL TARGETS MET")
    return 0 if good else MISSED


class Demand:
    """Counts what a board demands."""

    def __init__(self, board: VirtualBoard, kind: Platform) -> None:
        face = board.face()
        assert face is not None
        assert face.dfu is not None
        self._board = board
        self._waits = self._served = 0.0
        self._arrived: dict[int, float] = {}
        beside = Quirk.WORKS_AFTER_STATUS in kind.boot_loader().quirks
        status, take, answer = face.dfu._get_status, Enumeration._inbox, Enumeration._answer

        def status_counted(setup: Setup) -> Answer:
            found = status(setup)
            if found.data[4:5] == bytes((DNBUSY,)):
                wait = int.from_bytes(found.data[1:4], "little") / 1000
                self._waits += max(wait, found.busy) if beside else wait + found.takes
                if not beside:
                    self._served -= found.takes  # the board holds the transfer so long: it is counted there already
            return found

        def take_counted(wire: Enumeration, transfer: Transfer) -> Any:  # noqa: ANN401 - handed through
            self._arrived[transfer.number] = time.perf_counter()
            return take(wire, transfer)

        def answer_counted(wire: Enumeration, transfer: Transfer, code: int, data: bytes) -> None:
            answer(wire, transfer, code, data)
            self._served += time.perf_counter() - self._arrived.pop(transfer.number)

        face.dfu._get_status = status_counted  # type: ignore[method-assign]
        Enumeration._inbox = take_counted  # type: ignore[method-assign, assignment]
        Enumeration._answer = answer_counted  # type: ignore[method-assign, assignment]

    def measure(self, action: Callable[[], object]) -> Measured:
        """Do it and say what it took."""
        transfers, waits, served, began = self._board.transfers, self._waits, self._served, time.perf_counter()
        action()
        seconds = time.perf_counter() - began
        waits = self._waits - waits
        return Measured(seconds, self._board.transfers - transfers, waits, waits + self._served - served)


class Writer:
    """Our program in a process of its own, as `dfu-util` is: it shares no interpreter with the virtual board."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "writer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._hear("ready")

    def write(self, number: int, port: str) -> None:
        """Write a case's pieces to the board in that port."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number} {port}\n")
        self._process.stdin.flush()
        self._hear("done")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _hear(self, word: str) -> None:
        assert self._process.stdout is not None
        heard = self._process.stdout.readline().strip()
        assert heard == word, heard


def be_writer() -> int:
    """Be our program: write the case that is named on each line."""
    bus, clock, known = HostBus(), RealClock(), cases()
    print("ready", flush=True)
    on_ports: dict[str, Sighting] = {}
    for line in sys.stdin:
        number, port = line.split()
        if port not in on_ports:  # the window knows what is plugged in before anybody presses a button
            on_ports = {found.port_path: found for found in bus.sightings()}
        write(bus, clock, on_ports[port], known[int(number)])
        print("done", flush=True)
    bus.close()
    return 0


def write(bus: HostBus, clock: RealClock, seen: Sighting, case: Case) -> None:
    """Read, plan, write, read back, as the recipes do."""
    kind = platform(case.board)
    loader = boot_loader_of(kind, seen.serial, seen.release)
    assert loader is not None
    with DfuSession(bus.open_usb(seen), quirks=loader.quirks, clock=clock) as session:
        session.settle()
        for piece in case.pieces:
            session.select(piece.region.alt)
            start, size = span(kind, piece.region, piece.region.start, len(piece.content))
            current = session.read(start, size)
            plan = plan_flash(kind, loader, piece.region, piece.region.start, piece.content, current)
            Flasher(session, kind, loader, clock).write(plan)


def measure(desk: Desk, cable: Cable, board: VirtualBoard, demand: Demand, writer: Writer, number: int) -> bool:
    """Write with both programs, each onto the same content; return whether the targets are met."""
    case = cases()[number]
    files = []
    for place, piece in enumerate(case.pieces):
        files.append(Path(f"/run/tmp/image-{place}.bin"))
        files[-1].write_bytes(piece.content)

    def theirs() -> None:
        for piece, file in zip(case.pieces, files, strict=True):
            at = ["-a", str(piece.region.alt), "-s", f"0x{piece.region.start:08X}"]
            desk.run_dfu_util(["-p", cable.port_path, *at, "-D", str(file)])

    results: list[list[Measured]] = [[], []]
    for _ in range(ROUNDS):
        for action, rounds in zip((theirs, lambda: writer.write(number, cable.port_path)), results, strict=True):
            prepare(board, case)
            rounds.append(demand.measure(action))
            for piece in case.pieces:
                at = piece.region.start - platform(case.board).bases[piece.region.alt]
                cells = board.spi if piece.region.medium is Medium.SPI else board.internal
                assert cells[at : at + len(piece.content)] == piece.content, f"{case.title}: not written"
    them, us = (min(rounds, key=lambda found: found.seconds) for rounds in results)
    ratio = us.seconds / them.seconds
    overhead, their_overhead = (found.seconds / found.needs - 1 for found in (us, them))
    # Where next to nothing has to be waited for, a share of it says nothing.
    good = ratio <= case.target and (us.waits < 1 or overhead <= OVERHEAD)
    print(
        f"{case.board:<7} {case.title:<29} {them.seconds:7.2f} s {us.seconds:7.2f} s {ratio:6.3f} "
        f"{them.transfers:5d} {us.transfers:5d} {us.waits:7.2f} s {us.needs:7.2f} s {overhead:7.1%} "
        f"(theirs {their_overhead:.1%}) {'' if good else 'MISSED'}",
        flush=True,
    )
    return good


def prepare(board: VirtualBoard, case: Case) -> None:
    """Put there what stands there before."""
    for piece in case.pieces:
        at = piece.region.start - platform(case.board).bases[piece.region.alt]
        cells = board.spi if piece.region.medium is Medium.SPI else board.internal
        cells[at : at + piece.region.size] = piece.before.ljust(piece.region.size, b"\xff")


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        raise SystemExit(inside(sys.argv[2:]))
    if sys.argv[1:2] == ["writer"]:
        raise SystemExit(be_writer())
    raise SystemExit(main(sys.argv[1:]))
