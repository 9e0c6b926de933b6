"""The computer's real network, by itself: on the loopback, where nothing leaves the computer."""

from __future__ import annotations

import select
import socket
import sys
import threading
from collections.abc import Callable
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from support.clock import FastClock

from app.clock import Deadline, RealClock
from app.cloud_faults import ListenRefused, PortTaken
from app.faults import Cancelled
from app.transports import network
from app.transports.network import Connection, HostNetwork, Listener, Reach

HOST = "127.0.0.1"
CLOCK = RealClock()


def unchecked() -> None:
    """Nobody stops."""


def soon(found: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is looked for
    """Look again until there is something; the loopback takes no time, but not none."""
    deadline = Deadline(CLOCK, 5.0)
    while not deadline.passed():
        thing = found()
        if thing:
            return thing
        CLOCK.pause(0.001)
    raise AssertionError("nothing came")


@pytest.fixture
def listener() -> Any:  # noqa: ANN401 - a fixture
    made = HostNetwork().listen(0)
    yield made
    made.close()


def pair(listener: Listener) -> tuple[socket.socket, Connection]:
    outside = socket.create_connection((HOST, listener.port), timeout=5.0)
    return outside, soon(listener.accept)


def test_nothing_waits_when_there_is_nothing(listener: Listener) -> None:
    assert listener.accept() is None
    outside, inside = pair(listener)
    assert inside.receive() == b""
    outside.close()
    inside.close()


def test_bytes_go_both_ways_and_the_end_is_told(listener: Listener) -> None:
    outside, inside = pair(listener)
    assert inside.peer.host == HOST
    assert inside.peer.port == outside.getsockname()[1]
    outside.sendall(b"hello")
    assert soon(inside.receive) == b"hello"
    inside.send(b"there")
    assert outside.recv(5) == b"there"
    outside.close()
    assert soon(lambda: inside.receive() is None)
    inside.send(b"nobody reads this")
    assert inside.receive() is None
    inside.close()
    inside.close()


def test_what_is_sent_arrives_before_the_end(listener: Listener) -> None:
    outside, inside = pair(listener)
    inside.send(b"x" * 1000)
    inside.close()
    received = b""
    while piece := outside.recv(4096):
        received += piece
    assert received == b"x" * 1000
    assert inside.receive() is None
    outside.close()


def test_a_reset_connection_is_an_ended_one(listener: Listener) -> None:
    outside, inside = pair(listener)
    outside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    outside.close()
    assert soon(lambda: inside.receive() is None)
    inside.close()


def test_who_never_reads_is_gone_after_a_while(listener: Listener) -> None:
    outside, inside = pair(listener)
    for _ in range(400):
        inside.send(b"x" * 65536)
        if inside.receive() is None:
            break
    assert inside.receive() is None
    outside.close()
    inside.close()


def test_a_port_somebody_has_is_called_taken(listener: Listener) -> None:
    with pytest.raises(PortTaken) as found:
        HostNetwork().listen(listener.port)
    assert str(listener.port) in found.value.cause.english()


def test_a_port_is_free_again_at_once(listener: Listener) -> None:
    outside, inside = pair(listener)
    port = listener.port
    inside.close()
    listener.close()
    listener.close()
    HostNetwork().listen(port).close()
    outside.close()


def test_a_computer_that_forbids_it_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(_self: object, _address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", type("Refusing", (socket.socket,), {"bind": bind}))
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ListenRefused):
        HostNetwork().listen(5683)


def test_a_server_is_reached_or_refuses(listener: Listener) -> None:
    port = listener.port
    assert HostNetwork().reach(HOST, port, 5.0, CLOCK, unchecked) is Reach.ANSWERS
    assert HostNetwork().reach("localhost", port, 5.0, CLOCK, unchecked) is Reach.ANSWERS
    listener.close()
    assert HostNetwork().reach(HOST, port, 5.0, CLOCK, unchecked) is Reach.REFUSED


def test_a_name_that_is_no_name_has_no_host() -> None:
    assert HostNetwork().reach("a" * 70 + ".invalid", 1, 5.0, CLOCK, unchecked) is Reach.NO_HOST


class _Undecided:
    """A socket whose connection is under way for ever."""

    def __enter__(self) -> _Undecided:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def setblocking(self, _flag: bool) -> None:
        return

    def connect_ex(self, _address: object) -> int:
        return 115  # EINPROGRESS


def test_silence_ends_with_its_time_and_with_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_UNDER_WAY", frozenset({115}))
    monkeypatch.setattr(socket, "socket", lambda *_: _Undecided())
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    clock = FastClock()
    assert HostNetwork().reach("192.0.2.7", 5683, 20.0, clock, unchecked) is Reach.SILENT

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        HostNetwork().reach("192.0.2.7", 5683, 20.0, clock, stop)


def test_a_look_up_that_never_ends_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: released.wait(30) and [])
    assert HostNetwork().reach("slow.example", 5683, 20.0, FastClock(), unchecked) is Reach.NO_HOST
    released.set()


def test_own_addresses_end_with_the_loopback() -> None:
    own = HostNetwork().own_addresses()
    assert [str(IPv4Address(address)) for address in own] == list(own)
    assert IPv4Address(own[-1]).is_loopback


@pytest.mark.parametrize(
    ("adapters", "ways", "wanted"),
    [
        (
            {"lo": "127.0.0.1", "docker0": "172.17.0.1", "eth0": "192.168.1.20"},
            (),
            ("192.168.1.20", "172.17.0.1", "127.0.0.1"),
        ),
        (
            {"eth0": "10.0.0.5", "wlan0": "192.168.1.20", "lo": "127.0.0.1"},
            ("192.168.1.20",),
            ("192.168.1.20", "10.0.0.5", "127.0.0.1"),
        ),
        (
            {"tun0": "10.8.0.2", "wlan0": "192.168.1.20", "lo": "127.0.0.1"},
            ("10.8.0.2",),  # all traffic goes through a tunnel, but the board is in the house
            ("192.168.1.20", "10.8.0.2", "127.0.0.1"),
        ),
        ({"en0": "169.254.3.4", "lo0": "127.0.0.1"}, (), ("169.254.3.4", "127.0.0.1")),
        (
            {"Ethernet": "203.0.114.9", "vEthernet (WSL)": "172.28.0.1", "WLAN": "10.1.1.2", "Loopback": "127.0.0.1"},
            (),
            ("10.1.1.2", "203.0.114.9", "172.28.0.1", "127.0.0.1"),
        ),
    ],
)
def test_the_likeliest_address_is_the_first(
    monkeypatch: pytest.MonkeyPatch, adapters: dict[str, str], ways: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    def rows(address: str) -> list[SimpleNamespace]:
        six = SimpleNamespace(family=socket.AF_INET6, address="fe80::1")
        return [six, SimpleNamespace(family=socket.AF_INET, address=address)]

    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {name: rows(at) for name, at in adapters.items()})
    monkeypatch.setattr(psutil, "net_if_stats", dict)
    monkeypatch.setattr(network, "_ways_out", lambda: ways)
    assert HostNetwork().own_addresses() == wanted


def test_an_adapter_that_is_off_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SimpleNamespace(family=socket.AF_INET, address="192.168.1.20")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": [row]})
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {"eth0": SimpleNamespace(isup=False)})
    assert HostNetwork().own_addresses() == ()
