"""A network in memory: the program's `Network` and the boards' `World` in one, with failures as data.

`air = Air()`; give it to the job as its network and to `make(..., world=air)`; `air.bring(board)` lets the board live
on whenever the program looks at the network, so that neither a watcher nor a thread is needed.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from app.clock import Clock
from app.cloud_faults import ListenRefused, PortTaken
from app.transports.network import Connection, Peer, Reach

HERE = "192.168.1.20"  # this computer in the house
LOOPBACK = "127.0.0.1"
BOARD = "192.168.1.50"
FIRST_FREE_PORT = 49152


@dataclass(frozen=True, slots=True)
class Weather:
    """What goes wrong in the air. It may be changed at any time: `air.weather = Weather(...)`.

    Attributes:
        name: For test ids.
        firewall: What comes from outside to this computer is swallowed: a board's line never gets ready.
        refuses: It is refused at once.
        other_network: No way leads from the board to this computer.
        cut_up: The line breaks once so many bytes have gone from the board's side to the program's.
        cut_down: Likewise from the program to the board.
        deaf_up: Everything after so many bytes from the board is lost, and the line stays open.
        deaf_down: Likewise from the program to the board.
        crumb: Bytes that one look at a line brings at most.
        taken: Ports of this computer that other programs have.
        denied: The operating system lets nobody listen.
    """

    name: str = "fair"
    firewall: bool = False
    refuses: bool = False
    other_network: bool = False
    cut_up: int | None = None
    cut_down: int | None = None
    deaf_up: int | None = None
    deaf_down: int | None = None
    crumb: int | None = None
    taken: frozenset[int] = frozenset()
    denied: bool = False

    FAIR: ClassVar[Weather]


Weather.FAIR = Weather()


class Lives(Protocol):
    """Something that lets happen what is due, for example a virtual board."""

    def tick(self) -> None:
        """Let everything happen that is due."""


class _Way:
    """One direction of a line."""

    def __init__(self, cut: int | None, deaf: int | None) -> None:
        self.waiting = bytearray()
        self.sent = 0
        self.ended = False
        self._cut = cut
        self._deaf = deaf

    def put(self, data: bytes) -> bool:
        """Take bytes; return whether the line breaks with them."""
        limits = [limit for limit in (self._cut, self._deaf) if limit is not None]
        if not self.ended and data:
            room = max(0, min([len(data), *(limit - self.sent for limit in limits)]))
            self.waiting += data[:room]
            self.sent += len(data)
        return self._cut is not None and self.sent >= self._cut

    def take(self, most: int | None) -> bytes | None:
        """Return what has come; None at the end."""
        if not self.waiting and self.ended:
            return None
        found = bytes(self.waiting[:most])
        del self.waiting[: len(found)]
        return found


class AirLine:
    """One end of a line: a board's `Line` and the program's `Connection` at once.

    Attributes:
        peer: Who is at the other end.
        ready: Whether the other end has taken the connection.
        heard: Everything this end has received.
    """

    def __init__(self, air: Air, peer: Peer, inward: _Way, outward: _Way, *, ready: bool, listens: bool) -> None:
        self.peer = peer
        self.ready = ready
        self.heard = b""
        self._air = air
        self._listens = listens
        self._inward = inward
        self._outward = outward
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether this end was closed, here."""
        return self._closed

    def receive(self) -> bytes | None:
        """Return what came since the last call."""
        if self._listens:  # a board looks with its own lock held, and must not touch another board's
            self._air.live()
        with self._air.lock:
            if self._closed:
                return None
            found = self._inward.take(self._air.weather.crumb)
            self.heard += found or b""
            return found

    def send(self, data: bytes) -> None:
        """Send the bytes."""
        with self._air.lock:
            if not self._closed and self._outward.put(data):
                self._inward.ended = self._outward.ended = True

    def close(self) -> None:
        """End the connection."""
        with self._air.lock:
            self._closed = self._inward.ended = self._outward.ended = True


class AirListener:
    """A port somebody listens on."""

    def __init__(self, air: Air, hosts: frozenset[str], port: int) -> None:
        self.hosts = hosts
        self.port = port
        self._air = air
        self.queue: list[AirLine] = []

    def accept(self) -> Connection | None:
        """Return the next connection somebody made."""
        self._air.live()
        with self._air.lock:
            return self.queue.pop(0) if self.queue else None

    def close(self) -> None:
        """Stop listening; nobody has taken what still waits."""
        with self._air.lock:
            self._air.listeners[:] = [known for known in self._air.listeners if known is not self]
            waiting, self.queue = self.queue, []
        for line in waiting:
            line.close()


class Air:
    """The network of one house.

    Args:
        addresses: IPv4 addresses of this computer, as `own_addresses` returns them.
        names: Names that are known in the house, with their addresses.
        ports: What a router does: the port a board dials, and the one it really gets to.
        weather: What goes wrong.

    Attributes:
        weather: What goes wrong now.
        dialled: Every host and port a board wanted to reach.
        lines: The boards' ends of all lines so far.
        page_status: Status of every page there is; None where none comes.
        answering: What happens to datagrams to a host and port; to all others nothing does.
        datagrams: Every datagram that was sent from this computer.
    """

    def __init__(
        self,
        addresses: Iterable[str] = (HERE, LOOPBACK),
        *,
        names: Mapping[str, str] | None = None,
        ports: Mapping[int, int] | None = None,
        weather: Weather = Weather.FAIR,
    ) -> None:
        self.addresses = tuple(addresses)
        self.names = dict(names or {})
        self.ports = dict(ports or {})
        self.weather = weather
        self.lock = threading.RLock()
        self.listeners: list[AirListener] = []
        self.dialled: list[tuple[str, int]] = []
        self.lines: list[AirLine] = []
        self.page_status: int | None = None
        self.answering: dict[tuple[str, int], Reach] = {}
        self.datagrams: list[tuple[str, int, bytes]] = []
        self._free = itertools.count(FIRST_FREE_PORT)
        self._living: list[Lives] = []

    def bring(self, *living: Lives) -> None:
        """Let these live on whenever the program looks at the network."""
        self._living += living

    def live(self) -> None:
        """Let the boards do what is due; no lock may be held."""
        for board in self._living:
            board.tick()

    # --- Network ----------------------------------------------------------------------------------------------------

    def own_addresses(self) -> tuple[str, ...]:
        """Return the addresses of this computer."""
        return self.addresses

    def listen(self, port: int) -> AirListener:
        """Listen on all addresses of this computer.

        Raises:
            PortTaken: Another program has the port.
            ListenRefused: The computer does not allow it.
        """
        return self.serve(self.addresses, port)

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Try to connect from this computer."""
        self.live()
        check()
        address = self.names.get(host, host)
        if not address.replace(".", "").isdecimal():
            return Reach.NO_HOST
        with self.lock:
            known = {*self.addresses, *(own for listener in self.listeners for own in listener.hosts)}
            if self._listener(address, port) is not None:
                return Reach.ANSWERS
        if address in known:
            return Reach.REFUSED
        clock.pause(within)
        check()
        return Reach.SILENT

    def look_up(self, host: str, within: float, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
        """Return the address of a name this air knows."""
        check()
        address = self.names.get(host, host)
        return (address,) if address.replace(".", "").isdecimal() else ()

    def page(self, url: str, within: float, clock: Clock, check: Callable[[], None]) -> int | None:
        """Return the status every page has in this air."""
        check()
        if self.page_status is None:
            clock.pause(within)
        return self.page_status

    def datagram(
        self, host: str, port: int, data: bytes, within: float, clock: Clock, check: Callable[[], None]
    ) -> Reach:
        """Return what happens to a datagram: those of this air that answer are in `answering`."""
        check()
        self.datagrams.append((host, port, data))
        if not self.look_up(host, within, clock, check):
            return Reach.NO_HOST
        if (host, port) in self.answering:
            return self.answering[host, port]
        clock.pause(within)
        return Reach.SILENT

    # --- World ------------------------------------------------------------------------------------------------------

    def connect(self, host: str, port: int) -> AirLine | None:
        """Begin to connect, as a board does."""
        with self.lock:
            self.dialled.append((host, port))
            line = self.dial(host, self.ports.get(port, port), peer=BOARD)
            if line is not None:
                self.lines.append(line)
            return line

    # --- for tests --------------------------------------------------------------------------------------------------

    def serve(self, hosts: Iterable[str], port: int) -> AirListener:
        """Listen on other addresses: another computer of the house."""
        with self.lock:
            wanted = frozenset(hosts)
            if self.weather.denied:
                raise ListenRefused(f"port {port}: denied", port=port)
            port = port or next(self._free)
            busy = any(listener.port == port and listener.hosts & wanted for listener in self.listeners)
            if busy or port in self.weather.taken:
                raise PortTaken(f"port {port}: taken", port=port)
            listener = AirListener(self, wanted, port)
            self.listeners.append(listener)
            return listener

    def dial(self, host: str, port: int, *, peer: str = "192.168.1.66") -> AirLine | None:
        """Begin to connect, as anybody in the house does; None where no way leads there."""
        with self.lock:
            weather = self.weather
            address = self.names.get(host, host)
            own = address in self.addresses
            known = own or any(address in listener.hosts for listener in self.listeners)
            if not known or (own and weather.other_network):
                return None
            up, down = _Way(weather.cut_up, weather.deaf_up), _Way(weather.cut_down, weather.deaf_down)
            swallowed = own and weather.firewall
            listener = None if own and weather.refuses else self._listener(address, port)
            ready = listener is not None and not swallowed
            here = AirLine(self, Peer(address, port), down, up, ready=ready, listens=False)
            if swallowed:
                return here
            if listener is None:
                here.close()
                return here
            listener.queue.append(AirLine(self, Peer(peer, next(self._free)), up, down, ready=True, listens=True))
            return here

    def _listener(self, address: str, port: int) -> AirListener | None:
        return next((known for known in self.listeners if known.port == port and address in known.hosts), None)
