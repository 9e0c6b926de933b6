"""Where a board is rescued in the guest: a real port, the engine with the real images, and a person at the board."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from unittest import mock

from support.ears import Ears
from support.person import Person

from app.clock import Clock, Deadline
from app.engine.engine import Engine
from app.firmware.pack import PACK, RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.platforms.identify import boot_loader_of
from app.platforms.model import Mode, Platform
from app.platforms.table import platform
from app.protocols.dfu import DfuSession
from app.transports.base import Bus
from app.transports.network import HostNetwork, Network
from app.transports.wifi_scan import WifiScanner
from app.undo.store import UndoStore
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.dfu_model import CoreDfu, DfuModel, F2Dfu, Pending
from app.virtual.flash import Memory
from app.virtual.hand import PracticeHand
from app.virtual.machine import Phase
from app.work.events import Asked, BoardsChanged, Event, Failed, Outcome, Stopped, Succeeded
from app.work.plan import PlannedWrite, RescuePlan, XRay
from app.work.questions import DoThis, Review, WatchLight
from lab.desk import BOARD_TIMES, Desk
from lab.usbip_server import Cable

SHOWN_S = 15.0
TRIES = 4
LOOK_S = 4.0
RUN_S = 60.0
INTERNAL = 0x0800_0000
FILES = frozenset(file.name for file in PACK)

UPGRADE = {"radio-patch": "1.13.7", "patch-again": "run", "plan": True}
RESTORE = {"release": "2.2.0", "application": "tinker", "downgrade": True, "plan": True}


class Observer:
    """Where the engine's news go: handed to the person at the desk, and waited for by the test."""

    def __init__(self, person: Callable[[Event], None]) -> None:
        self._person = person
        self._changed = threading.Condition()
        self.events: list[tuple[float, Event]] = []

    def __call__(self, event: Event) -> None:
        moment = time.monotonic()
        with self._changed:
            self.events.append((moment, event))
            self._changed.notify_all()
        self._person(event)

    def first(self, wanted: Callable[[Event], bool], within: float) -> tuple[float, Event]:
        """Wait for an event of that sort."""

        def look() -> tuple[float, Event] | None:
            return next(((moment, event) for moment, event in self.events if wanted(event)), None)

        with self._changed:
            found = self._changed.wait_for(look, within)
        assert found is not None, f"not within {within:.0f} s; so far: {[event for _, event in self.events]}"
        return found


def shows(event: Event, port_path: str) -> bool:
    """Whether the event says that a board is on that port."""
    return isinstance(event, BoardsChanged) and any(board.port_path == port_path for board in event.boards)


def _waits_for_ever(event: Event, answers: Mapping[str, object]) -> bool:
    """Whether it is a question that neither the hands nor the answers of the test will end."""
    if not isinstance(event, Asked) or isinstance(event.question, DoThis | WatchLight):
        return False
    return event.question.name not in answers


@contextmanager
def hurried_waits() -> Iterator[None]:
    """Let boards ask for waits in their own, faster seconds; else a host that obeys is no faster on a fast board."""

    def hurried(wait: int | None) -> int | None:
        return None if wait is None else round(wait / BOARD_TIMES)

    core, f2 = CoreDfu._poll_for, F2Dfu._poll_for

    def of_core(model: CoreDfu, pending: Pending) -> int | None:
        return hurried(core(model, pending))

    def of_f2(model: F2Dfu, pending: Pending) -> int | None:
        return hurried(f2(model, pending))

    with mock.patch.object(CoreDfu, "_poll_for", of_core), mock.patch.object(F2Dfu, "_poll_for", of_f2):
        yield


@contextmanager
def at_write(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something once, while a boot loader carries out that erase or write, counted from 1.

    It is done in a board's thread, with the board's lock held.
    """
    change = DfuModel._change
    numbers = itertools.count(1)

    def watched(model: DfuModel, medium: Memory, address: int, data: bytes | None) -> tuple[bool, float]:
        if next(numbers) == number:
            act()
        return change(model, medium, address, data)

    with mock.patch.object(DfuModel, "_change", watched):
        yield


class Station:
    """One board in a port of the desk, and all that the program keeps. Leave it as a context manager."""

    def __init__(
        self,
        desk: Desk,
        name: str,
        folder: Path,
        pack: RescuePack,
        *,
        clock: Clock | None = None,
        dfu: bool = True,
        **options: Any,  # noqa: ANN401
    ) -> None:
        """Plug the board in and bring it into update mode.

        Args:
            desk: The desk in the guest.
            name: Of the practice board.
            folder: For everything that is kept.
            pack: The real images.
            clock: The time the board lives by, if not the desk's faster one.
            dfu: Whether it is brought into update mode; else it starts what it holds.
            **options: Handed on to `make`.
        """
        self.desk = desk
        self.bus: Bus = desk.bus  # as our program sees it
        self.kind: Platform = platform(name.split("-")[0])
        self.board: VirtualBoard = make(name, clock or desk.board_clock, **options)
        self.hand = PracticeHand(self.board)
        self.pack = pack
        self.folder = folder
        self.safe = KeySafe(folder / "safe")
        self.undo = UndoStore(folder / "boards", safe=self.safe)
        self.clouds = CloudBook(folder / "clouds")
        self.network: Network = HostNetwork()
        self.scanner: WifiScanner = Ears()  # what is in the air around the test changes nothing
        self.news: list[Event] = []  # of the last run
        self.before_event: Callable[[Event], None] = lambda _: None
        self.cable: Cable = desk.plug(self.board)
        self._waits = contextlib.ExitStack()
        if dfu:
            self.into_dfu()

    def __enter__(self) -> Self:
        self._waits.enter_context(hurried_waits())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.close()

    # --- hands

    def into_dfu(self) -> None:
        """Bring the board into update mode with the buttons, unless it is there.

        Like a person, look again after a while: a light seen just while the cable goes in may be gone a moment later,
        and a finger may be late on a busy machine.
        """
        for _ in range(TRIES):
            if "yellow" not in self.board.light_pattern:
                self.hand.enter_dfu()
            if self._comes_in_dfu(LOOK_S):
                break
        self.desk.await_mode(self.cable, Mode.DFU)

    def _comes_in_dfu(self, within: float) -> bool:
        """Whether the board is seen in update mode before so many seconds have passed."""
        deadline = Deadline(self.desk.clock, within)
        while not deadline.passed():
            found = self.desk.identified(self.cable)
            if found is not None and found[1] is Mode.DFU:
                return True
            self.desk.bus.wait_for_change(min(deadline.left, 0.05))
        return False

    def pull_soon(self) -> None:
        """Pull the cable with another hand: whoever holds the board's lock may call this."""
        threading.Thread(target=self.cable.pull, name="hand", daemon=True).start()

    def plug_in_again(self) -> None:
        """Plug the board in after the cable was pulled: into another port, as people do."""
        self.cable.pull()
        self.desk.await_gone(self.cable)
        self.cable = self.desk.plug(self.board)
        self.into_dfu()

    # --- our program

    def run(self, recipe: str, answers: Mapping[str, object] | None = None) -> Event:
        """Run a recipe as the window does, with an engine of its own; return the last event."""
        person = Person(self.board, answers)

        def told(event: Event) -> None:
            self.before_event(event)
            person(event)

        observer = Observer(told)
        engine = Engine(
            self.bus,
            self.desk.clock,
            self.safe,
            observer,
            pack=self.pack,
            undo=self.undo,
            clouds=self.clouds,
            network=self.network,
            scanner=self.scanner,
        )
        engine.start()
        try:
            observer.first(lambda event: shows(event, self.cable.port_path), SHOWN_S)
            number = engine.run(recipe, self.cable.port_path, answers)
            _, last = observer.first(
                lambda event: (
                    (isinstance(event, Succeeded | Failed | Stopped) and event.run == number)
                    or _waits_for_ever(event, answers or {})
                ),
                RUN_S,
            )
        finally:
            assert engine.close()
        self.news = [event for _, event in observer.events]
        return last

    def succeed(self, recipe: str, answers: Mapping[str, object] | None = None) -> Outcome:
        """Run a recipe that has to succeed."""
        last = self.run(recipe, answers)
        assert isinstance(last, Succeeded), last
        return last.outcome

    def x_ray(self) -> XRay:
        """What our program finds on the board."""
        found = self.succeed("x-ray").xray
        assert found is not None
        return found

    @property
    def plan(self) -> RescuePlan:
        """What the person was shown last."""
        asked = [event.question for event in self.news if isinstance(event, Asked)]
        return [question for question in asked if isinstance(question, Review)][-1].plan

    @contextmanager
    def session(self) -> Iterator[DfuSession]:
        """Give a session of our own, settled."""
        seen = self.desk.await_mode(self.cable, Mode.DFU)
        loader = boot_loader_of(self.kind, seen.serial, seen.release)
        assert loader is not None
        with DfuSession(self.desk.bus.open_usb(seen), quirks=loader.quirks, clock=self.desk.clock) as session:
            session.settle()
            yield session

    def read(self, alt: int, address: int, size: int) -> bytes:
        """Read memory with our own session."""
        with self.session() as session:
            session.select(alt)
            return session.read(address, size)

    def leave(self) -> None:
        """Start the firmware with our own session."""
        with self.session() as session:
            session.leave()

    # --- the second opinion

    def dfu_util_reads(self, alt: int, address: int, size: int) -> bytes:
        """Read memory with `dfu-util`."""
        return self.desk.dfu_util(self.cable, alt, address, size, self.folder / "upload.bin")

    def dfu_util_arguments(self, alt: int, address: int, content: bytes, more: str = "") -> list[str]:
        """Return what `dfu-util` needs to write memory."""
        file = self.folder / "download.bin"
        file.write_bytes(content)
        return ["-p", self.cable.port_path, "-a", str(alt), "-s", f"0x{address:08X}{more}", "-D", str(file)]

    def dfu_util_writes(self, region: str, content: bytes, more: str = "") -> str:
        """Write to the beginning of a region with `dfu-util`; return what it printed."""
        place = self.kind.region(region)
        return self.desk.run_dfu_util(self.dfu_util_arguments(place.alt, place.start, content, more))

    def written(self) -> dict[str, PlannedWrite]:
        """What the plan leaves in each region it wrote from the pack; what it wrote over later is left out."""
        return {write.region: write for write in self.plan.writes if write.source in FILES}

    def check_written(self) -> dict[str, bytes]:
        """Insist that pack, plan, our read, `dfu-util` and the board's own memory agree; return bytes by region."""
        self.into_dfu()
        return {region: self.check(region, write.source) for region, write in self.written().items()}

    def check(self, region: str, name: str) -> bytes:
        """Insist that a region begins with that file of the pack for `dfu-util`, us and the board itself."""
        place = self.kind.region(region)
        wanted = self.pack.read(name)
        theirs = self.dfu_util_reads(place.alt, place.start, len(wanted))
        assert theirs == wanted, f"{region}: dfu-util reads something else than {name}"
        assert self.read(place.alt, place.start, len(wanted)) == theirs, region
        assert self.cells(region, len(wanted)) == theirs, region
        return theirs

    def cells(self, region: str, size: int) -> bytes:
        """What is at the beginning of a region, straight from the board's memory."""
        place = self.kind.region(region)
        if place.alt == 0:
            return bytes(self.board.internal[place.start - INTERNAL : place.start - INTERNAL + size])
        cells = self.board.spi if self.kind.key == "core" else self.board.dct
        return bytes(cells[place.start : place.start + size])

    def secrets(self) -> bytes:
        """Every key slot of the board."""
        cells = self.board.spi if self.kind.key == "core" else self.board.dct
        return b"".join(bytes(cells[slot.address : slot.address + slot.size]) for slot in self.kind.key_slots)

    @property
    def runs(self) -> bool:
        """Whether its firmware runs, with its application."""
        return self.board.phase is Phase.FIRMWARE and not self.board.safe_mode

    def await_running(self) -> None:
        """Wait until the firmware runs."""
        self.desk.await_("running firmware", lambda: self.runs or None)


class MakeStation(Protocol):
    """The fixture `station`."""

    def __call__(self, name: str, **options: Any) -> Station:  # noqa: ANN401 - handed on to `make`
        """Lay a station for that practice board."""
