"""The local cloud guide without a window: everything said beforehand, or a word about what was not said."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from support.air import Air
from support.ears import Ears
from support.patient_clock import PatientClock
from support.spark_server import lay_out, public_pem
from support.spec_cloud import server_key, server_public

from app import console
from app.console import Desk
from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.device_key import examine, public_der
from app.keys.safe import KeySafe
from app.platforms.model import Algorithm
from app.terminal import DONE, FAULT, Terminal
from app.undo.store import UndoStore
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand

HOST = "192.168.1.30"


class Seat:
    """A practice board in update mode, a server's folder, and a terminal with nobody at it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.clock = clock = PatientClock(160.0)
        self.air = Air()
        self.air.serve((HOST,), 5683)
        self.air.serve((HOST,), 8080)
        self.board = make(name, clock, profiles=True, world=self.air)
        self.bus = VirtualBus(clock, [self.board])
        self.desk = Desk(self.bus, clock, {"1-1": self.board})
        self.keys = lay_out(folder / "server")
        self.news = io.StringIO()
        clock.pause(5)
        PracticeHand(self.board).enter_dfu()
        clock.pause(2)

    def run(self, **answers: str) -> int:
        (self.folder / "out").mkdir(exist_ok=True)
        safe = KeySafe(self.folder / "safe", practice=True)
        code = console.run(
            "local-cloud",
            self.desk,
            safe,
            Terminal(io.StringIO(), self.news, io.StringIO()),
            board=None,
            answers={name.replace("_", "-"): value for name, value in answers.items()},
            as_json=True,
            pack=RescuePack(self.folder / "pack"),
            undo=UndoStore(self.folder / "boards", safe=safe),
            clouds=CloudBook(self.folder / "clouds"),
            network=self.air,
            scanner=Ears(),
            save=self.folder / "out",
        )
        self.bus.close()
        return code

    @property
    def slot(self) -> bytes:
        return bytes(self.board.spi[0x2000:0x2264] if self.board.spi_flash is not None else self.board.dct[34:646])


@pytest.mark.parametrize("name", ["core", "photon"])
def test_with_everything_said_beforehand_it_is_done(name: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path, name)
    code = seat.run(
        server_folder=str(tmp_path / "server"), host=HOST, plan="yes", seen="connected", device_id=seat.board.device_id
    )
    assert code == DONE, seat.news.getvalue()[-2000:]
    outcome = json.loads(seat.news.getvalue().splitlines()[-1])["outcome"]
    assert outcome["unfinished"] is False
    own = public_der(examine(seat.slot, Algorithm.RSA_1024))
    assert public_der((seat.keys / f"{seat.board.device_id}.pub.pem").read_bytes()) == own
    block = seat.board.spi[0x1000:] if seat.board.spi_flash is not None else seat.board.dct[2082:]
    assert bytes(block[:294]) == server_public()
    assert str(server_key().private_numbers().d) not in seat.news.getvalue()
    assert "PRIVATE" not in seat.news.getvalue()


def test_without_the_folder_the_key_is_saved_to_be_handed_on(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    file = tmp_path / "default_key.pub.pem"
    file.write_bytes(public_pem())
    code = seat.run(server_folder="", server_key=str(file), host=HOST, plan="yes", seen="red")
    assert code == DONE, seat.news.getvalue()[-2000:]
    outcome = json.loads(seat.news.getvalue().splitlines()[-1])["outcome"]
    assert outcome["unfinished"] is True
    saved = tmp_path / "out" / f"{seat.board.device_id}.pub.pem"
    assert public_der(saved.read_bytes()) == public_der(examine(seat.slot, Algorithm.RSA_1024))


def test_with_nobody_to_look_at_the_light_it_is_not_claimed(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    code = seat.run(server_folder=str(tmp_path / "server"), host=HOST, plan="yes")
    assert code == DONE, seat.news.getvalue()[-2000:]
    outcome = json.loads(seat.news.getvalue().splitlines()[-1])["outcome"]
    assert outcome["unfinished"] is True
    assert "not known" in outcome["summary"]


def test_without_answers_nothing_is_changed_and_the_question_is_named(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "photon")
    before = bytes(seat.board.dct)
    assert seat.run() == FAULT
    assert bytes(seat.board.dct) == before
    assert "server-folder" in seat.news.getvalue()
