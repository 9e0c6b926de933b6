"""The network around virtual boards: real TCP to this computer and nowhere else, and the air of the tests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.air import HERE, LOOPBACK, Air, AirLine, Weather
from support.clock import FastClock
from support.real_pack import real_pack
from support.spec_cloud import SpecCloud, server_block

from app.clock import Deadline, RealClock
from app.cloud_faults import ListenRefused, PortTaken
from app.firmware.pack import RescuePack
from app.practice import practice_board
from app.transports.network import HostNetwork, Reach
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.world import Line, OwnComputer

PATIENCE_S = 10.0
NOT_OURS = ("192.0.2.1", "8.8.8.8", "0.0.0.0", "224.0.1.187", "255.255.255.255")


def soon(look: Callable[[], bool]) -> None:
    """Wait until that is so, on real sockets."""
    clock = RealClock()
    deadline = Deadline(clock, PATIENCE_S)
    while not look():
        assert not deadline.passed()
        clock.pause(0.001)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server((LOOPBACK, 0)) as made:
        made.settimeout(PATIENCE_S)
        yield made


def call(server: socket.socket) -> Line:
    line = OwnComputer().connect(LOOPBACK, server.getsockname()[1])
    assert line is not None
    return line


# --- this computer --------------------------------------------------------------------------------------------------


def test_line_to_this_computer_carries_bytes_both_ways(server: socket.socket) -> None:
    line = call(server)
    other, peer = server.accept()
    with other:
        assert peer[0] == LOOPBACK
        soon(lambda: line.ready)
        assert line.receive() == b""
        line.send(b"hello")
        assert other.recv(100) == b"hello"
        other.sendall(b"nonce")
        came = b""

        def whole() -> bool:
            nonlocal came
            came += line.receive() or b""
            return came == b"nonce"

        soon(whole)
    soon(lambda: line.receive() is None)
    assert line.ready
    line.send(b"nobody hears this")
    line.close()
    line.close()
    assert line.receive() is None


def test_line_that_is_closed_here_ends_there(server: socket.socket) -> None:
    line = call(server)
    other, _ = server.accept()
    with other:
        soon(lambda: line.ready)
        line.close()
        other.settimeout(PATIENCE_S)
        assert other.recv(10) == b""


def test_port_nobody_listens_on_refuses() -> None:
    with socket.create_server((LOOPBACK, 0)) as made:
        port = made.getsockname()[1]
    line = OwnComputer().connect(LOOPBACK, port)
    if line is not None:  # some systems refuse at once
        soon(lambda: line.receive() is None)
        assert not line.ready
        line.send(b"nothing")
        line.close()


@pytest.mark.parametrize("host", NOT_OURS)
def test_no_address_of_anybody_else_is_reached(host: str) -> None:
    assert OwnComputer().connect(host, 5683) is None


@pytest.mark.parametrize("host", ["device.spark.io", "example.org", "", "1.2.3", "$id.udp.particle.io"])
def test_no_name_of_anybody_else_is_asked_for(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a name was looked up")

    for way in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection"):
        monkeypatch.setattr(socket, way, never)
    assert OwnComputer().connect(host, 5683) is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "me", "me.local", "me.home"])
def test_this_computer_is_known_by_its_name(host: str, server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Me.home")
    line = OwnComputer().connect(host, server.getsockname()[1])
    assert line is not None
    other, _ = server.accept()
    other.close()
    line.close()


def test_board_connects_to_the_programs_own_listener_by_real_tcp() -> None:
    listener = HostNetwork().listen(0)
    clock = FastClock()
    board = make("photon", clock, server=server_block(LOOPBACK, listener.port), profiles=True)
    cloud = SpecCloud(listener, board.registered)
    board.plug()

    def connected() -> bool:
        clock.pause(0.05)
        cloud.poll()
        return board.light_pattern == "breathing cyan"

    try:
        soon(connected)
        (talk,) = cloud.talks
        assert talk.line.peer.host == LOOPBACK
        board.unplug()
        soon(lambda: talk.line.receive() is None)
    finally:
        board.unplug()
        for talk in cloud.talks:
            talk.line.close()
        listener.close()


# --- practice boards ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEALTHY_BOARDS)
def test_practice_board_of_the_program_has_the_makers_block_and_gets_to_the_cloud(name: str) -> None:
    board = practice_board(name, FastClock(), real_pack())
    board.profiles = True
    board.plug()
    board.clock.pause(20)
    assert board.light_pattern == "breathing cyan"


def test_practice_board_without_a_rescue_pack_shows_what_a_real_one_with_a_blank_slot_would(tmp_path: Path) -> None:
    for name, light in (("core-0.7", "a red flash"), ("photon", "breathing cyan")):
        board = practice_board(name, FastClock(), RescuePack(tmp_path))
        board.plug()
        seen = set()
        for _ in range(400):
            board.clock.pause(0.05)
            seen.add(board.light_pattern)
        assert light in seen


# --- the air of the tests -------------------------------------------------------------------------------------------


def pair(air: Air, port: int = 5683) -> tuple[AirLine, AirLine]:
    """Both ends of a line: a board's and the program's."""
    listener = air.listen(port)
    here = air.connect(HERE, port)
    there = listener.accept()
    assert here is not None
    assert isinstance(there, AirLine)
    listener.close()
    return here, there


def test_air_carries_bytes_both_ways_until_one_end_closes() -> None:
    here, there = pair(Air())
    here.send(b"up")
    there.send(b"down")
    there.close()
    assert here.ready
    assert here.receive() == b"down"
    assert here.receive() is None
    assert there.receive() is None
    assert (here.peer.host, here.peer.port) == (HERE, 5683)


def test_air_breaks_a_line_after_so_many_bytes() -> None:
    here, there = pair(Air(weather=Weather(cut_up=3)))
    here.send(b"abcdef")
    assert there.receive() == b"abc"
    assert there.receive() is None
    assert here.receive() is None


def test_air_swallows_what_comes_after_so_many_bytes() -> None:
    here, there = pair(Air(weather=Weather(deaf_down=2, crumb=1)))
    there.send(b"abcdef")
    assert [here.receive() for _ in range(3)] == [b"a", b"b", b""]


def test_air_knows_firewalls_routers_and_other_networks() -> None:
    air = Air(ports={80: 8080}, names={"home": HERE})
    listener = air.listen(8080)
    through = air.connect("home", 80)
    assert through is not None
    assert through.ready
    assert listener.accept() is not None
    assert listener.accept() is None
    air.weather = Weather(firewall=True)
    swallowed = air.connect(HERE, 8080)
    assert swallowed is not None
    assert not swallowed.ready
    assert swallowed.receive() == b""
    assert listener.accept() is None
    air.weather = Weather(other_network=True)
    assert air.connect(HERE, 8080) is None
    air.weather = Weather.FAIR
    refused = air.connect(HERE, 8081)
    assert refused is not None
    assert refused.receive() is None
    assert air.connect("10.1.2.3", 8080) is None
    assert air.dialled[0] == ("home", 80)


def test_air_gives_each_port_once() -> None:
    air = Air(weather=Weather(taken=frozenset({5683})))
    with pytest.raises(PortTaken):
        air.listen(5683)
    first = air.listen(0)
    with pytest.raises(PortTaken):
        air.listen(first.port)
    caller = air.dial(HERE, first.port)
    assert caller is not None
    first.close()
    assert caller.receive() is None
    air.listen(first.port).close()
    air.weather = Weather(denied=True)
    with pytest.raises(ListenRefused):
        air.listen(0)


def test_air_says_what_the_program_reaches() -> None:
    air, clock = Air(names={"home": "192.168.1.9"}), FastClock()
    air.serve(["192.168.1.9"], 8080)

    def reach(host: str, port: int) -> Reach:
        return air.reach(host, port, 5.0, clock, lambda: None)

    assert reach("home", 8080) is Reach.ANSWERS
    assert reach("home", 5683) is Reach.REFUSED
    assert reach("nowhere", 8080) is Reach.NO_HOST
    before = clock.now()
    assert reach("192.168.1.77", 8080) is Reach.SILENT
    assert clock.now() - before == 5.0
    assert air.own_addresses() == (HERE, LOOPBACK)


def test_air_lets_a_board_live_whenever_the_program_looks() -> None:
    air, clock = Air(), FastClock()
    board = make("photon", clock, world=air, server=server_block(HERE), profiles=True)
    air.bring(board)
    board.plug()
    listener = air.listen(5683)
    assert listener.accept() is None
    clock.pause(5.0)
    assert listener.accept() is not None
