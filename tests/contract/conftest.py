"""The buses that must keep the contract.

`pytest tests/contract --hardware` adds the computer's own bus, with a board on a real cable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.clock import FastClock

from app.clock import Clock, RealClock
from app.transports.base import Bus, Sighting
from app.transports.host_bus import HostBus
from app.transports.trace import TracingBus
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--hardware", action="store_true", help="also use the boards on this computer's cables")


@dataclass(frozen=True)
class Desk:
    """A bus with a Photon in normal mode on it, and a hand to handle it where there is one."""

    bus: Bus
    clock: Clock
    board: VirtualBoard | None = None
    table: VirtualBus | None = None

    def sighting(self) -> Sighting:
        (seen,) = self.bus.sightings()
        return seen

    @property
    def virtual_board(self) -> VirtualBoard:
        if self.board is None:
            pytest.skip("needs a hand that pulls cables and presses buttons")
        return self.board

    @property
    def hand(self) -> PracticeHand:
        return PracticeHand(self.virtual_board)

    def unplug(self) -> None:
        board = self.virtual_board
        assert self.table is not None
        self.table.unplug(board)

    def plug_again(self) -> None:
        assert self.table is not None
        self.table.plug(self.virtual_board)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "desk" in metafunc.fixturenames:
        buses = [pytest.param("virtual"), pytest.param("traced")]
        if metafunc.config.getoption("--hardware", default=False):
            buses.append(pytest.param("host", marks=pytest.mark.hardware))
        metafunc.parametrize("desk", buses, indirect=True)


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "host":
        host = HostBus()
        yield Desk(host, RealClock())
        host.close()
        return
    clock = FastClock()
    board = make("photon", clock)
    table = VirtualBus(clock, [board])
    clock.pause(20)
    bus: Bus = TracingBus(table, tmp_path / "trace.jsonl", clock=clock) if request.param == "traced" else table
    yield Desk(bus, clock, board, table)
    bus.close()
