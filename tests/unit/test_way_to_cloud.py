"""What this computer tries of the way to the cloud: offline is one sentence, and silence is not called a failure."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from support.air import HERE, LOOPBACK, Air
from support.clock import FastClock
from support.offline import Offline

from app.clock import RealClock
from app.faults import Cancelled
from app.protocols.dtls_hello import client_hello
from app.transports.network import HostNetwork, Reach
from app.work.way_to_cloud import PAGE, Check, State, from_here

CLOUD, ADDRESS = "device.spark.io", "52.0.0.7"
UDP_CLOUD = "53ff.udp.particle.io"
CLOCK = RealClock()


def unchecked() -> None:
    """Nobody stops."""


def air(page: int | None = 204, *, address: str = ADDRESS, port: int | None = 5683) -> Air:
    made = Air(names={CLOUD: address, UDP_CLOUD: address})
    made.page_status = page
    if port is not None:
        made.serve((ADDRESS,), port)
    return made


def told(checks: tuple[Check, ...]) -> dict[str, State]:
    assert len({each.key for each in checks}) == len(checks)
    for each in checks:
        assert "{" not in each.words.english()
        assert (each.change is None) is (each.state is not State.FAILED)
    return {each.key: each.state for each in checks}


def look(made: Air, host: str = CLOUD, port: int = 5683, *, udp: bool = False) -> dict[str, State]:
    return told(from_here(made, FastClock(), unchecked, host, port, udp=udp))


OK, FAILED, UNKNOWN = State.OK, State.FAILED, State.UNKNOWN
FINE = {"internet": OK, "portal": OK, "name": OK}


def test_where_all_is_well_everything_is_well() -> None:
    assert look(air()) == {**FINE, "tcp": OK}


def test_a_computer_that_is_offline_says_so_once() -> None:
    assert told(from_here(Offline(), FastClock(), unchecked, CLOUD, 5683)) == {"internet": FAILED}
    assert look(Air((LOOPBACK, "169.254.3.4"))) == {"internet": FAILED}


def test_a_name_from_memory_alone_does_not_make_a_computer_online() -> None:
    assert look(air(None, port=None)) == {"internet": FAILED}


def test_a_page_to_sign_in_is_told_alone() -> None:
    for status in (200, 302, 511):
        assert look(air(status)) == {"portal": FAILED}


@pytest.mark.parametrize("status", [403, 404, 407, 503])
def test_a_broken_page_leaves_the_internet_open_as_a_question(status: int) -> None:
    assert look(air(status)) == {"internet": UNKNOWN, "name": OK, "tcp": OK}


@pytest.mark.parametrize("nowhere", ["0.0.0.0", "127.0.0.1"])
def test_a_filter_that_leads_the_test_page_to_this_computer_is_no_page_to_sign_in(nowhere: str) -> None:
    made = air(200)  # of a program on this computer
    made.names[str(urlsplit(PAGE).hostname)] = nowhere
    assert look(made) == {"internet": UNKNOWN, "name": OK, "tcp": OK}
    assert look(air(None)) == {"internet": UNKNOWN, "name": OK, "tcp": OK}


def test_a_name_nobody_knows_is_told_and_nothing_is_tried_after_it() -> None:
    assert look(air(), "unknown.example") == {"internet": OK, "portal": OK, "name": FAILED}


def test_the_makers_name_inside_a_house_is_bent() -> None:
    for inside in ("192.168.1.1", "10.0.0.1", "127.0.0.1", "0.0.0.0"):
        assert look(air(address=inside)) == {"internet": OK, "portal": OK, "name": FAILED}


def test_the_name_of_an_own_server_may_lead_into_the_house() -> None:
    made = air()
    made.names["nas.home"] = "192.168.1.9"
    made.serve(("192.168.1.9",), 5683)
    assert look(made, "nas.home") == {**FINE, "tcp": OK}


def test_a_shut_port_is_told_with_what_opens_it() -> None:
    checks = from_here(air(port=None), FastClock(), unchecked, CLOUD, 5683)
    assert told(checks) == {**FINE, "tcp": FAILED}
    assert checks[-1].change is not None
    assert "5683" in checks[-1].change.english()


def test_a_server_that_refuses_is_there() -> None:
    made = air(port=80)
    checks = from_here(made, FastClock(), unchecked, CLOUD, 5683)
    assert checks[-1].state is FAILED
    assert "refuses" in checks[-1].words.english()


def test_a_server_in_the_house_is_tried_alone_and_without_internet() -> None:
    made = Air()
    made.serve((HERE,), 5683)
    assert look(made, HERE) == {"tcp": OK}
    assert look(made, "192.168.1.77") == {"tcp": FAILED}


def test_a_server_by_a_public_address_needs_no_name() -> None:
    assert look(air(), ADDRESS) == {"internet": OK, "portal": OK, "tcp": OK}


@pytest.mark.parametrize(
    ("reach", "state", "sent"),
    [(Reach.ANSWERS, OK, 1), (Reach.REFUSED, FAILED, 1), (Reach.NO_HOST, FAILED, 1), (None, UNKNOWN, 2)],
)
def test_over_udp_any_answer_is_good_and_silence_says_nothing(reach: Reach | None, state: State, sent: int) -> None:
    made = air()
    if reach is not None:
        made.answering[UDP_CLOUD, 5684] = reach
    assert look(made, UDP_CLOUD, 5684, udp=True) == {**FINE, "udp": state}
    assert [(host, port) for host, port, _ in made.datagrams] == [(UDP_CLOUD, 5684)] * sent
    assert len({data for _, _, data in made.datagrams}) == sent  # each with a random of its own


def test_a_stop_comes_through() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        from_here(air(), FastClock(), stop, CLOUD, 5683)


# --- the first message of DTLS ----------------------------------------------------------------------------------------


def test_a_client_hello_is_one_whole_record() -> None:
    hello = client_hello(bytes(range(32)))
    assert hello[:13] == bytes.fromhex("16 fefd 0000 000000000000") + (len(hello) - 13).to_bytes(2, "big")
    body = hello[25:]
    assert hello[13] == 1
    assert hello[14:17] == hello[22:25] == len(body).to_bytes(3, "big")
    assert body[:2] == bytes.fromhex("fefd")
    assert body[2:34] == bytes(range(32))
    assert body[34:42] == bytes.fromhex("00 00 0002 c0ae 01 00")
    extensions = body[44:]
    assert len(extensions) == int.from_bytes(body[42:44], "big")
    found = []
    while extensions:
        size = int.from_bytes(extensions[2:4], "big")
        found.append(int.from_bytes(extensions[:2], "big"))
        extensions = extensions[4 + size :]
    assert found == [10, 11, 13, 19, 20]
    with pytest.raises(ValueError, match="31"):
        client_hello(bytes(31))


# --- the real network, on the loopback --------------------------------------------------------------------------------


@pytest.fixture
def echo() -> Iterator[int]:
    """Somebody who answers every datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((LOOPBACK, 0))

        def answer() -> None:
            data, sender = made.recvfrom(100)
            while data != b"end":
                made.sendto(b"!" + data, sender)
                data, sender = made.recvfrom(100)

        living = threading.Thread(target=answer)
        living.start()
        yield made.getsockname()[1]
        made.sendto(b"end", made.getsockname())
        living.join(10)


def test_a_datagram_is_answered_refused_or_lost(echo: int) -> None:
    host = HostNetwork()
    assert host.datagram(LOOPBACK, echo, b"x", 10.0, CLOCK, unchecked) is Reach.ANSWERS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        port = silent.getsockname()[1]
        assert host.datagram(LOOPBACK, port, b"x", 1.0, FastClock(), unchecked) is Reach.SILENT
    assert host.datagram(LOOPBACK, port, b"x", 10.0, CLOCK, unchecked) in (Reach.REFUSED, Reach.SILENT)
    assert host.datagram("a" * 70 + ".invalid", 1, b"x", 5.0, CLOCK, unchecked) is Reach.NO_HOST


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/login\r\n\r\n", 302),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n<html>", 200),
        (b"garbage\r\n\r\n", None),
        (b"", None),
    ],
)
def test_a_page_is_asked_for_straight_and_followed_nowhere(
    answer: bytes, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with socket.create_server((LOOPBACK, 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(4096)
                line.sendall(answer)

        living = threading.Thread(target=serve)
        living.start()
        url = f"http://{LOOPBACK}:{server.getsockname()[1]}/generate_204"
        assert HostNetwork().page(url, 10.0, CLOCK, unchecked) == status
        living.join(10)


def test_a_page_nobody_serves_and_one_that_is_no_address_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert HostNetwork().page("http://127.0.0.1:1/", 10.0, CLOCK, unchecked) is None
    assert HostNetwork().page("http://[", 10.0, CLOCK, unchecked) is None


def test_a_call_that_takes_too_long_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = threading.Event()
    looks: list[object] = []

    def slow(*_: object) -> list[object]:
        looks.append(freed.wait(10))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert HostNetwork().look_up("slow.example", 1.0, FastClock(), unchecked) == ()
    freed.set()


def test_an_address_is_its_own_name_and_a_name_has_each_address_once() -> None:
    host = HostNetwork()
    assert host.look_up("10.1.2.3", 1.0, CLOCK, unchecked) == ("10.1.2.3",)
    assert host.look_up("localhost", 5.0, CLOCK, unchecked) == (LOOPBACK,)
    assert host.look_up("a" * 70 + ".invalid", 5.0, CLOCK, unchecked) == ()


def test_the_page_is_one_without_a_cipher_so_that_who_is_in_the_way_shows_himself() -> None:
    assert PAGE.startswith("http://")


def stopping() -> Callable[[], None]:
    def stop() -> None:
        raise Cancelled

    return stop


def test_a_stop_ends_waiting_for_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        with pytest.raises(Cancelled):
            HostNetwork().datagram(LOOPBACK, silent.getsockname()[1], b"x", 10.0, CLOCK, stopping())
