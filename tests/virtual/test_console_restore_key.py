"""A key restored without a window: named beforehand, finished after a pulled cable, and no private byte told."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path

import pytest
from support import device_keys
from support.offline import Offline
from support.scaled_clock import ScaledClock

from app import console, log
from app.console import Desk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.transports.trace import TracingBus
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand

WINDOW = 9


class Seat:
    """A practice board in update mode, a terminal with nobody at it, and a trace."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.clock = clock = ScaledClock(400.0)
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

    def run(self, recipe: str = "restore-key", **answers: str) -> int:
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
        )


def pieces(key: bytes) -> list[str]:
    """The private part of an RSA key, in the ways a program writes bytes."""
    found = []
    for start in range(150, 590, WINDOW):
        piece = key[start : start + WINDOW]
        found += [piece.hex(), piece.hex(" "), repr(piece)[2:-1], ", ".join(str(byte) for byte in piece)]
        found += [base64.b64encode(key[start + shift : start + shift + WINDOW]).decode() for shift in range(3)]
    return found


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_file_and_then_a_backup_without_a_window_and_without_telling_a_private_byte(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seat = Seat(tmp_path, name)
    file = tmp_path / "mine.der"
    file.write_bytes(device_keys.as_device())
    old = seat.key
    root = logging.getLogger()
    level = root.level
    log.set_up(tmp_path / "logs")
    root.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            known = {"device_id": seat.board.device_id, "plan": "yes"}
            first = seat.run(key="file", key_file=str(file), key_belongs="yes", **known)
            middle = seat.key
            (backup,) = [each for each in seat.safe.backups() if seat.safe.key_bytes(each) == old]
            seat.into_dfu()
            second = seat.run(key=f"backup:{backup.reference}", **known)
    finally:
        root.setLevel(level)
        log.tear_down()
    seat.bus.close()
    assert (first, second) == (DONE, DONE), seat.news.getvalue()
    assert middle.startswith(device_keys.as_device())
    assert seat.key == old
    told = [seat.news.getvalue(), seat.asides.getvalue(), caplog.text, seat.trace.read_text(encoding="utf-8")]
    told += [path.read_text(encoding="utf-8") for path in (tmp_path / "logs").iterdir()]
    told += [path.read_text(encoding="utf-8") for path in (tmp_path / "boards").rglob("*.json*")]
    told += [path.read_text(encoding="utf-8") for path in seat.safe.root.rglob("*.json")]
    everything = "\n".join(told)
    assert backup.fingerprint in everything
    assert [found for key in (old, device_keys.as_device()) for found in pieces(key) if found in everything] == []


def test_without_answers_nothing_is_changed_and_the_question_is_named(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    before = bytes(seat.board.dct)
    assert seat.run() == FAULT
    seat.bus.close()
    assert bytes(seat.board.dct) == before
    last = json.loads(seat.news.getvalue().splitlines()[-1])
    assert last["code"] == "question.no-answer"
    assert "--answer key=" in last["next_step"]
