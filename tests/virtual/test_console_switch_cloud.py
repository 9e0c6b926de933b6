"""Switching clouds without a window, with and without everything said beforehand."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.real_pack import real_pack
from support.spec_cloud import server_block, server_public
from support.stores import stores

from app import console
from app.console import Desk
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make

SERVER = slice(2082, 2594)  # device-protocol.md 3.5
OLD, NEW = "192.168.7.31", "192.168.7.30"


class Seat:
    """A practice Photon that is set to a local cloud, and a terminal nobody sits at."""

    def __init__(self, folder: Path) -> None:
        self.clock = PatientClock(160.0)
        self.board = make("photon", self.clock, profiles=True, server=server_block(OLD, name="other"))
        self.safe = KeySafe(folder / "safe", practice=True)
        self.stores = stores(folder, self.safe)
        self.stores["pack"] = real_pack()
        self.file = folder / "default_key.pub.der"
        self.file.write_bytes(server_public())

    def run(self, answers: Mapping[str, str], *, as_json: bool = False) -> tuple[int, str]:
        """Return the exit code and what was printed."""
        news, asides = io.StringIO(), io.StringIO()
        bus = VirtualBus(self.clock, [self.board])
        try:
            code = console.run(
                "switch-cloud",
                Desk(bus, self.clock, {"1-1": self.board}),
                self.safe,
                Terminal(io.StringIO(), news, asides),
                board=None,
                answers=answers,
                as_json=as_json,
                **self.stores,
            )
        finally:
            bus.close()
        return code, news.getvalue() + asides.getvalue()

    @property
    def local(self) -> dict[str, str]:
        return {"cloud": "local", "server-key": str(self.file), "host": NEW, "plan": "yes"}


def test_there_and_back_with_everything_said_beforehand(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    old = bytes(seat.board.dct[SERVER])
    code, said = seat.run(seat.local)
    assert code == DONE, said
    assert bytes(seat.board.dct[SERVER])[:390] == server_block(NEW)[:390]
    assert f"{OLD}, a cloud that is not known here" in said
    assert NEW in said
    code, said = seat.run({"cloud": "before", "plan": "yes"})
    assert code == DONE, said
    assert bytes(seat.board.dct[SERVER]) == old


def test_as_json_the_end_says_what_the_board_is_set_to(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    code, said = seat.run({"cloud": "particle", "plan": "yes"}, as_json=True)
    assert code == DONE, said
    ends = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    outcome = next(each["outcome"] for each in reversed(ends) if "outcome" in each)
    told = {fact["key"]: fact["value"] for fact in outcome["facts"]}
    assert (told["server-host"], told["server-port"]) == ("device.spark.io", "5683")
    assert outcome["next_recipes"][0] == "switch-cloud"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"host": "fe80::1"}, "IPv6"),
        ({"host": "a" * 65 + ".org"}, "characters"),
        ({"server-key": "nowhere.pem"}, "cannot be read"),
        ({"cloud": "moon"}, "one of particle, local"),
    ],
)
def test_a_wrong_answer_is_said_and_nothing_is_written(answers: dict[str, str], words: str, tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    old = bytes(seat.board.dct[SERVER])
    code, said = seat.run({**seat.local, **answers})
    assert code == FAULT
    assert words in said
    assert bytes(seat.board.dct[SERVER]) == old
