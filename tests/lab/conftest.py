"""The lab's fixtures (inside the guest) and its relay (outside)."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.real_pack import real_pack

from lab.desk import Desk
from lab.guest import GUEST_FOLDER
from lab.relay import GuestReporter, Relay, in_guest
from lab.station import MakeStation, Station


def pytest_configure(config: pytest.Config) -> None:
    plugin = GuestReporter(config) if in_guest() else Relay(config)
    config.pluginmanager.register(plugin, "usb-lab")


@pytest.fixture
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A desk in the guest: plug virtual boards into the real kernel's ports."""
    with Desk() as desk:
        yield desk
        desk.put_away()
        (Path(GUEST_FOLDER) / f"{request.node.name}.wire").write_text(desk.wire_log(), "utf-8")
    assert not desk.bugs(), "\n".join(desk.bugs())


@pytest.fixture
def station(desk: Desk, tmp_path: Path) -> Iterator[MakeStation]:
    """Make stations at the desk: a board in update mode, our program with the real images, `dfu-util`."""
    with ExitStack() as stations:

        def lay(name: str, **options: Any) -> Station:  # noqa: ANN401 - handed on to `make`
            return stations.enter_context(Station(desk, name, tmp_path, real_pack(), **options))

        yield lay


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    desk = getattr(item, "funcargs", {}).get("desk")
    if report.failed and isinstance(desk, Desk):
        report.sections.append(("wire log (end)", desk.wire_log(last=80)))
    return report
