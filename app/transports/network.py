"""TCP between this computer and a board in the same house: the only module that opens a socket for it.

Nothing here waits: whoever waits does it through a `Clock`, so that a test, a practice board and a stop by the person
work the same way. IPv4 only, because the firmware knows no other (4.3).
"""

from __future__ import annotations

import errno
import logging
import select
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import Protocol, TypeVar

from app.clock import Clock, Deadline
from app.cloud_faults import ListenRefused, PortTaken

log = logging.getLogger(__name__)

Told = TypeVar("Told")


class Reach(Enum):
    """What trying to connect to a server told."""

    ANSWERS = "answers"  # something listens there
    REFUSED = "refused"  # the computer is there, nothing listens on the port
    SILENT = "silent"  # no answer in time: wrong network, switched off, or a firewall
    NO_HOST = "no-host"  # the name has no IPv4 address, or there is no way to it


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection: an IPv4 address in dotted form, and a port."""

    host: str
    port: int


class Connection(Protocol):
    """A TCP connection somebody made to this computer. No call waits."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""

    def receive(self) -> bytes | None:
        """Return what came since the last call: b"" is nothing yet, None is closed by the other end or broken."""

    def send(self, data: bytes) -> None:
        """Send the bytes, as far as the other end is still there; never an error, `receive` tells of the end."""

    def close(self) -> None:
        """End the connection; a second time does nothing."""


class Listener(Protocol):
    """A port of this computer that waits for connections. No call waits."""

    @property
    def port(self) -> int:
        """The port that is really used."""

    def accept(self) -> Connection | None:
        """Return the next connection somebody made, None if there is none."""

    def close(self) -> None:
        """Stop listening; connections already accepted stay. A second time does nothing."""


class Network(Protocol):
    """The network as seen from this computer."""

    def own_addresses(self) -> tuple[str, ...]:
        """IPv4 addresses of this computer, the likeliest one for a board first, loopback last; nothing is sent."""

    def listen(self, port: int) -> Listener:
        """Listen on all own addresses; port 0 is any free one.

        Raises:
            PortTaken: Another program has the port.
            ListenRefused: The computer does not allow it.
        """

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Try to connect to a server, and close the connection at once.

        Args:
            host: Name or IPv4 address.
            port: 1 to 65535.
            within: Seconds after which it counts as silent.
            clock: What the waiting goes through.
            check: Called while it waits; raises to stop.
        """

    def look_up(self, host: str, within: float, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
        """Return the IPv4 addresses of a name, () where nobody knows it or no answer came in time."""

    def page(self, url: str, within: float, clock: Clock, check: Callable[[], None]) -> int | None:
        """Ask for a page straight, past any proxy, and follow it nowhere.

        Returns:
            The status of the answer, None where none came in time.
        """

    def datagram(
        self, host: str, port: int, data: bytes, within: float, clock: Clock, check: Callable[[], None]
    ) -> Reach:
        """Send one datagram and wait for any answer from there; nothing of it is looked at."""


# --- the computer's own network -------------------------------------------------------------------------------------

_WAITING_CONNECTIONS = 16
_CHUNK = 4096
_UNSENT_MOST = 64 * 1024
"""Who does not read for so long is gone: what waits to be sent does not grow without end."""
_LOOK_S = 0.05
_FAR = (("192.0.2.1", 9), ("10.254.254.253", 9), ("192.168.254.253", 9))
"""Where a datagram would go to: asked for the way alone, nothing is ever sent there. The first is kept free for
examples in documents, so it stands for everything outside."""
_MADE_BY_PROGRAMS = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "vethernet", "utun", "tun", "tap", "wg")
_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, getattr(errno, "WSAEWOULDBLOCK", -1)})
_TAKEN = frozenset({errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", -1)})
_EXCLUSIVE_TAKEN = frozenset({errno.EACCES, getattr(errno, "WSAEACCES", -1)})


class HostNetwork:
    """The real network of this computer."""

    def own_addresses(self) -> tuple[str, ...]:
        """IPv4 addresses of this computer, the likeliest one for a board first, loopback last; nothing is sent."""
        import psutil  # here, or every start of the program would wait for it

        found: dict[str, str] = {}
        running = psutil.net_if_stats()
        for name, addresses in psutil.net_if_addrs().items():
            if name not in running or running[name].isup:
                found.update((each.address, name) for each in addresses if each.family == socket.AF_INET)
        ways = _ways_out()
        return tuple(sorted(found, key=lambda address: _rank(address, found[address], ways)))

    def listen(self, port: int) -> Listener:
        """Listen on all own addresses; port 0 is any free one.

        Raises:
            PortTaken: Another program has the port.
            ListenRefused: The computer does not allow it.
        """
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            if sys.platform == "win32":  # there the other option would share a port that somebody uses
                made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:  # connections of a moment ago do not keep the port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(("", port))
            made.listen(_WAITING_CONNECTIONS)
        except OSError as error:
            made.close()
            if error.errno in _TAKEN or (sys.platform == "win32" and error.errno in _EXCLUSIVE_TAKEN):
                raise PortTaken(f"port {port}: {error}", port=port) from error
            raise ListenRefused(f"port {port}: {error}", port=port) from error
        return _HostListener(made)

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Try to connect to a server, and close the connection at once.

        Args:
            host: Name or IPv4 address.
            port: 1 to 65535.
            within: Seconds after which it counts as silent.
            clock: What the waiting goes through.
            check: Called while it waits; raises to stop.
        """
        deadline = Deadline(clock, within)
        address = _address_of(host, deadline, clock, check)
        if address is None:
            return Reach.NO_HOST
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            made.setblocking(False)
            try:
                code = made.connect_ex((address, port))
            except OSError as error:
                log.info("connect to %s:%d: %s", address, port, error)
                return Reach.NO_HOST
            while code in _UNDER_WAY:
                if _is_decided(made):
                    code = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    break
                check()
                if deadline.passed():
                    return Reach.SILENT
                clock.pause(min(_LOOK_S, deadline.left))
        return _meaning(code)

    def look_up(self, host: str, within: float, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
        """Return the IPv4 addresses of a name, () where nobody knows it or no answer came in time."""
        return _addresses_of(host, Deadline(clock, within), clock, check)

    def page(self, url: str, within: float, clock: Clock, check: Callable[[], None]) -> int | None:
        """Ask for a page straight, past any proxy, and follow it nowhere.

        Returns:
            The status of the answer, None where none came in time.
        """

        def ask() -> int | None:
            import httpx  # here, or every start of the program would wait for it

            try:
                with (
                    httpx.Client(trust_env=False, timeout=within) as client,
                    client.stream("GET", url, headers={"User-Agent": "rekindle", "Cache-Control": "no-cache"}) as came,
                ):
                    return came.status_code
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                log.info("%s: %s", url, type(error).__name__)
                return None

        return _aside(ask, None, Deadline(clock, within), clock, check)

    def datagram(
        self, host: str, port: int, data: bytes, within: float, clock: Clock, check: Callable[[], None]
    ) -> Reach:
        """Send one datagram and wait for any answer from there; nothing of it is looked at."""
        deadline = Deadline(clock, within)
        address = _address_of(host, deadline, clock, check)
        if address is None:
            return Reach.NO_HOST
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.setblocking(False)
            try:
                made.connect((address, port))  # so that nobody else's answer counts, and a refusal is told
                made.send(data)
            except OSError as error:
                log.info("datagram to %s:%d: %s", address, port, error)
                return Reach.REFUSED if error.errno == errno.ECONNREFUSED else Reach.NO_HOST
            while True:
                try:
                    made.recv(_CHUNK)
                except (BlockingIOError, InterruptedError):
                    pass
                except ConnectionError:
                    return Reach.REFUSED
                except OSError as error:
                    log.info("datagram to %s:%d: %s", address, port, error)
                    return Reach.NO_HOST
                else:
                    return Reach.ANSWERS
                check()
                if deadline.passed():
                    return Reach.SILENT
                clock.pause(min(_LOOK_S, deadline.left))


class _HostListener:
    """A listening socket."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self._port = int(made.getsockname()[1])

    @property
    def port(self) -> int:
        """The port that is really used."""
        return self._port

    def accept(self) -> Connection | None:
        """Return the next connection somebody made, None if there is none."""
        try:
            made, address = self._socket.accept()
        except OSError as error:  # nobody is there, or is gone again
            if not isinstance(error, BlockingIOError):
                log.info("accept on port %d: %s", self._port, error)
            return None
        made.setblocking(False)
        return _HostConnection(made, Peer(str(address[0]), int(address[1])))

    def close(self) -> None:
        """Stop listening; connections already accepted stay. A second time does nothing."""
        self._socket.close()


class _HostConnection:
    """An accepted socket."""

    def __init__(self, made: socket.socket, peer: Peer) -> None:
        self._socket = made
        self._peer = peer
        self._unsent = b""
        self._ended = False

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        return self._peer

    def receive(self) -> bytes | None:
        """Return what came since the last call: b"" is nothing yet, None is closed by the other end or broken."""
        self._flush()
        if self._ended:
            return None
        try:
            came = self._socket.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            log.info("connection of %s: %s", self._peer.host, error)
            self._ended = True
            return None
        if not came:
            self._ended = True
            return None
        return came

    def send(self, data: bytes) -> None:
        """Send the bytes, as far as the other end is still there; never an error, `receive` tells of the end."""
        self._unsent += data
        self._flush()

    def close(self) -> None:
        """End the connection; a second time does nothing."""
        self._flush()
        self._ended = True
        self._unsent = b""
        with suppress(OSError):  # the other end may be gone, and this one closed
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _flush(self) -> None:
        while self._unsent and not self._ended:
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                self._ended = len(self._unsent) > _UNSENT_MOST
                return
            except OSError as error:
                log.info("connection of %s: %s", self._peer.host, error)
                self._ended = True
                return
            self._unsent = self._unsent[sent:]


def _ways_out() -> tuple[str, ...]:
    """Return the own addresses that datagrams to elsewhere would carry, the way to everywhere first. None is sent."""
    found = []
    for far in _FAR:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, suppress(OSError):
            asked.connect(far)
            found.append(str(asked.getsockname()[0]))
    return tuple(dict.fromkeys(found))


def _rank(address: str, adapter: str, ways: tuple[str, ...]) -> tuple[int, int, int, bytes]:
    """Return what to sort by: a house's network on a real adapter first, loopback last."""
    number = IPv4Address(address)
    if number.is_loopback:
        kind = 4
    elif number.is_link_local:  # an adapter that got no address from a router
        kind = 3
    elif adapter.lower().startswith(_MADE_BY_PROGRAMS):
        kind = 2
    else:
        kind = 0 if number.is_private else 1
    way = ways.index(address) if address in ways else len(ways)
    house = 0 if address.startswith("192.168.") else 1
    return kind, way, house, number.packed


def _address_of(host: str, deadline: Deadline, clock: Clock, check: Callable[[], None]) -> str | None:
    """Return the IPv4 address of a host, None if it has none or the name is not found in time."""
    found = _addresses_of(host, deadline, clock, check)
    return found[0] if found else None


def _addresses_of(host: str, deadline: Deadline, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
    """Return the IPv4 addresses of a host, () if it has none or the name is not found in time."""
    try:
        return (str(IPv4Address(host)),)
    except ValueError:
        pass

    def look_up() -> tuple[str, ...]:
        try:
            rows = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            log.info("look up %s: %s", host, error)
            return ()
        return tuple(dict.fromkeys(str(row[4][0]) for row in rows))

    return _aside(look_up, (), deadline, clock, check)


def _aside(ask: Callable[[], Told], late: Told, deadline: Deadline, clock: Clock, check: Callable[[], None]) -> Told:
    """Return what a call that cannot be stopped gives; when it takes too long it is left alone, and `late` returned."""
    done = threading.Event()
    found: list[Told] = []

    def run() -> None:
        try:
            found.append(ask())
        finally:
            done.set()

    threading.Thread(target=run, name="look-up", daemon=True).start()
    while not clock.wait(done, min(_LOOK_S, deadline.left)):
        check()
        if deadline.passed():
            return late
    return found[0] if found else late


def _is_decided(made: socket.socket) -> bool:
    """Whether an attempt to connect has ended; Windows shows a failed one as an exception alone."""
    _, writable, failed = select.select([], [made], [made], 0)
    return bool(writable or failed)


def _meaning(code: int) -> Reach:
    if code in (0, errno.EISCONN):
        return Reach.ANSWERS
    if code in (errno.ECONNREFUSED, errno.ECONNRESET, getattr(errno, "WSAECONNREFUSED", -1)):
        return Reach.REFUSED
    if code in (errno.ETIMEDOUT, getattr(errno, "WSAETIMEDOUT", -1)):
        return Reach.SILENT
    return Reach.NO_HOST
