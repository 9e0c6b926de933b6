"""A desk with one virtual board in a chosen mode, and everything a job needs; time costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.runner import run_recipe
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.recipes.base import Recipe
from app.transports.base import Bus
from app.transports.network import Network
from app.transports.wifi_scan import WifiScanner
from app.undo.store import UndoStore
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.accounts import JobAccounts
from app.work.board import Board
from app.work.events import Event, Failed, Outcome, Post, Succeeded
from app.work.identity import IdentityBook
from app.work.job import Job
from support.clock import FastClock
from support.ears import Ears
from support.offline import Offline
from support.person import Person

BOOT_S = 5.0

RUNNING, LISTENING, IN_DFU = "running", "listening", "in-dfu"


@dataclass
class Desk:
    """One board, one bus, one safe, one book, one pack (empty unless given), one undo store, one book of clouds."""

    clock: FastClock
    board: VirtualBoard
    bus: VirtualBus
    safe: KeySafe
    book: IdentityBook
    person: Person
    pack: RescuePack
    undo: UndoStore
    clouds: CloudBook
    network: Network
    scanner: WifiScanner
    runs: int = 0
    accounts: JobAccounts | None = None

    def seen(self, bus: Bus | None = None) -> Board:
        """The board as the watcher would see it now."""
        (board,) = self.book.look((bus or self.bus).sightings())
        return board

    def job(self, answers: Mapping[str, object] | None = None, bus: Bus | None = None, post: Post | None = None) -> Job:
        """A job on the board as it is now."""
        self.runs += 1
        return Job(
            run=self.runs,
            board=self.seen(),
            bus=bus or self.bus,
            clock=self.clock,
            safe=self.safe,
            book=self.book,
            post=post or self.person,
            answers=answers,
            pack=self.pack,
            undo=self.undo,
            clouds=self.clouds,
            network=self.network,
            scanner=self.scanner,
            accounts=self.accounts,
        )

    def play(self, recipe: type[Recipe], answers: Mapping[str, object] | None = None, bus: Bus | None = None) -> Event:
        """Run a recipe to its end in this thread; return the last event."""
        run_recipe(recipe(), self.job(answers, bus))
        return self.person.events[-1]

    def succeed(self, recipe: type[Recipe], answers: Mapping[str, object] | None = None) -> Outcome:
        """Run a recipe that has to succeed; return its outcome."""
        last = self.play(recipe, answers)
        assert isinstance(last, Succeeded), last
        return last.outcome

    def fail(self, recipe: type[Recipe], answers: Mapping[str, object] | None = None) -> Failed:
        """Run a recipe that has to end in a fault; return it."""
        last = self.play(recipe, answers)
        assert isinstance(last, Failed), last
        assert last.code != "bug", last.detail
        return last

    @property
    def slot(self) -> bytes:
        """What is in the first 612 bytes of the key slot of a Core or Photon, straight from the board's memory."""
        if self.board.spi_flash is not None:
            return bytes(self.board.spi[0x2000 : 0x2000 + 612])  # device-protocol.md 3.2
        return bytes(self.board.dct[34 : 34 + 612])  # 3.5

    def hand_into_dfu(self) -> None:
        """Bring the board into update mode with the buttons."""
        PracticeHand(self.board).enter_dfu()
        self.clock.pause(BOOT_S)

    def memories(self) -> tuple[bytes, ...]:
        """Everything the board keeps."""
        return bytes(self.board.internal), bytes(self.board.spi if self.board.spi_flash else self.board.dct)


def desk(
    name: str,
    folder: Path,
    mode: str = RUNNING,
    *,
    answers: Mapping[str, object] | None = None,
    willing: bool = True,
    mishap: Mishap = Mishap.NONE,
    key: str = "good",
    port: str = "1-1",
    app_uses_serial: bool = True,
    pack: RescuePack | None = None,
    network: Network | None = None,
    scanner: WifiScanner | None = None,
    prepare: Callable[[VirtualBoard], None] | None = None,
    **options: Any,  # noqa: ANN401 - handed on to `make`
) -> Desk:
    """Lay a desk: plug a practice board in, let it start, bring it into a mode; then the mishap begins.

    `prepare` changes the board's memories before it gets power.
    """
    clock = FastClock()
    board = make(name, clock, **{"key": key, "app_uses_serial": app_uses_serial, "profiles": True, **options})
    if prepare is not None:
        prepare(board)
    bus = VirtualBus(clock)
    bus.plug(board, port)
    clock.pause(BOOT_S)
    hand = PracticeHand(board)
    if mode == LISTENING:
        hand.enter_listening()
    elif mode == IN_DFU:
        hand.enter_dfu()
    clock.pause(BOOT_S)
    person = Person(board, answers, willing=willing)
    safe = KeySafe(folder / "safe", practice=True)
    ready = Desk(
        clock,
        board,
        bus,
        safe,
        IdentityBook(clock),
        person,
        pack or RescuePack(folder / "pack"),
        UndoStore(folder / "boards", safe=safe),
        CloudBook(folder / "clouds"),
        network or Offline(),
        scanner or Ears(),
    )
    ready.book.look(bus.sightings())
    board.mishap = mishap
    return ready
