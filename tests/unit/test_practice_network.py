"""The network of practice mode: it answers as the practice air says, and asks nobody on the real internet."""

from __future__ import annotations

import socket

import pytest
from support.clock import FastClock

from app import main
from app.platforms.table import PLATFORMS
from app.practice import practice_network
from app.transports.network import Reach
from app.transports.wifi_host import HostScanner
from app.virtual.air import HOME, Internet, Network
from app.work.way_to_cloud import State, from_here

LAN = "192.168.7.20"


def unchecked() -> None:
    """Nobody stops it."""


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> object:
        raise AssertionError("practice asked the real network")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(socket, "gethostbyname", asked)
    monkeypatch.setattr("httpx.Client", asked)
    monkeypatch.setattr(socket, "socket", asked)
    monkeypatch.setattr("app.transports.network.HostNetwork.own_addresses", lambda _: (LAN, "127.0.0.1"))


def look(air: Network = HOME) -> list[dict[str, State]]:
    clock, network = FastClock(), practice_network(air)
    found = []
    for each in PLATFORMS:
        host = each.default_host.replace("$id", "0123456789abcdef01234567")
        checks = from_here(network, clock, unchecked, host, each.default_port, udp=each.has_modem)
        found.append({check.key: check.state for check in checks})
    return found


def test_practice_finds_the_way_to_each_makers_cloud_free_without_asking_anybody() -> None:
    for states in look():
        assert set(states) in ({"internet", "portal", "name", "tcp"}, {"internet", "portal", "name", "udp"})
        assert set(states.values()) == {State.OK}


def test_practice_finds_what_is_behind_the_network_it_is_in() -> None:
    for internet, wanted in (
        (Internet.NONE, {"internet": State.FAILED}),
        (Internet.PORTAL, {"portal": State.FAILED}),
    ):
        assert all(states == wanted for states in look(Network(b"Elsewhere", internet=internet)))
    shut = look(Network(b"Elsewhere", internet=Internet.BLOCKED))[0]
    assert shut == {"internet": State.OK, "portal": State.OK, "name": State.OK, "tcp": State.FAILED}


def test_another_computer_of_the_house_and_an_unknown_name_are_not_asked_for() -> None:
    network, clock = practice_network(), FastClock()
    assert network.reach("192.168.7.99", 5683, 5.0, clock, unchecked) is Reach.SILENT
    assert network.reach("somebody.example.org", 5683, 5.0, clock, unchecked) is Reach.NO_HOST
    assert network.datagram("192.168.7.99", 5684, b"hello", 5.0, clock, unchecked) is Reach.SILENT
    assert network.look_up("somebody.example.org", 5.0, clock, unchecked) == ()


def test_a_run_on_practice_boards_has_the_practice_network_and_scanner() -> None:
    assert type(main.network_for(practice=True)) is type(practice_network())
    assert type(main.network_for(practice=False)).__name__ == "HostNetwork"
    assert isinstance(main.scanner_for(practice=False), HostScanner)
