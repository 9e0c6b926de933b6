"""A board on a real port that leaves update mode and connects to a server in the guest, by real TCP on its loopback."""

from __future__ import annotations

import pytest
from support.spec_cloud import SpecCloud, server_block

from app.platforms.model import Mode
from app.transports.network import HostNetwork
from lab.station import MakeStation

pytestmark = pytest.mark.lab

HOST = "127.0.0.1"


@pytest.mark.parametrize("name", ["core-0.7", "photon"])
def test_board_that_leaves_update_mode_calls_the_server_in_its_block(station: MakeStation, name: str) -> None:
    listener = HostNetwork().listen(0)
    place = station(name, server=server_block(HOST, listener.port), profiles=True)
    cloud = SpecCloud(listener, place.board.registered)

    def shows(light: str) -> bool | None:
        cloud.poll()
        return place.board.light_pattern == light or None

    try:
        place.leave()
        place.desk.await_("a board connected to its cloud", lambda: shows("breathing cyan"))
        talk = cloud.talks[-1]  # it may have called before, on its way into update mode
        assert talk.plain[40:52] == bytes.fromhex(place.board.device_id)
        place.into_dfu()
        place.desk.await_mode(place.cable, Mode.DFU)
        place.desk.await_("the end of the line", lambda: talk.line.receive() is None or None)
    finally:
        for talk in cloud.talks:
            talk.line.close()
        listener.close()
