"""A practice board at the command line, and everything a run of a key recipe leaves to be read."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app import console, log
from app.console import Desk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.terminal import Terminal
from app.transports.trace import TracingBus
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from support.ears import Ears
from support.offline import Offline
from support.patient_clock import PatientClock


class KeySeat:
    """A practice board in update mode, a terminal with nobody at it, and a trace."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.clock = clock = PatientClock(160.0)
        self.board = make(name, clock, profiles=True)
        self.trace = folder / "trace.jsonl"
        self.bus = TracingBus(VirtualBus(clock, [self.board]), self.trace)
        self.desk = Desk(self.bus, clock, {"1-1": self.board})
        self.safe = KeySafe(folder / "safe", practice=True)
        self.undo = UndoStore(folder / "boards", safe=self.safe)
        self.news, self.asides = io.StringIO(), io.StringIO()
        clock.pause(5)
        self.into_dfu()

    def into_dfu(self) -> None:
        PracticeHand(self.board).enter_dfu()
        self.clock.pause(2)

    @property
    def key(self) -> bytes:
        return bytes(self.board.spi[0x2000:0x2264] if self.board.spi_flash is not None else self.board.dct[34:646])

    def run(self, recipe: str, save: Path | None = None, /, **answers: str) -> int:
        return console.run(
            recipe,
            self.desk,
            self.safe,
            Terminal(io.StringIO(), self.news, self.asides),
            board=None,
            answers={name.replace("_", "-"): value for name, value in answers.items()},
            as_json=True,
            pack=RescuePack(self.folder / "pack"),
            undo=self.undo,
            clouds=CloudBook(self.folder / "clouds"),
            network=Offline(),
            scanner=Ears(),
            save=save,
        )

    @property
    def last(self) -> dict[str, object]:
        """The last event printed."""
        found = json.loads(self.news.getvalue().splitlines()[-1])
        assert isinstance(found, dict)
        return found

    @contextmanager
    def logging_everything(self) -> Iterator[None]:
        """Have the program write its log, down to the smallest news."""
        root = logging.getLogger()
        level = root.level
        log.set_up(self.folder / "logs")
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            log.tear_down()

    def told(self) -> str:
        """All that was printed, traced, logged, and noted in journals and beside backups."""
        files = [self.trace, *(self.folder / "logs").iterdir()]
        files += [*self.undo.root.rglob("*.json*"), *self.safe.root.rglob("*.json")]
        return "\n".join(
            [self.news.getvalue(), self.asides.getvalue(), *(path.read_text(encoding="utf-8") for path in files)]
        )
