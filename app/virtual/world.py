"""The network a virtual board is in: which servers it reaches, and the lines to them.

Nothing here waits: a board asks its lines when its own agenda says so, with its lock held.
"""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
from contextlib import suppress
from typing import Protocol

LOCALHOST = "127.0.0.1"
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.ECONNREFUSED, getattr(errno, "WSAEWOULDBLOCK", 0))
MOST_AT_ONCE = 4096  # bytes taken from a line at once


class Line(Protocol):
    """A TCP connection of a board. No call waits."""

    @property
    def ready(self) -> bool:
        """Whether the other end has taken the connection; it stays true when the line is closed later."""

    def receive(self) -> bytes | None:
        """Return what came since the last call: b"" is nothing yet, None is refused, closed or broken."""

    def send(self, data: bytes) -> None:
        """Send the bytes, as far as the other end is still there; never an error, `receive` tells of the end."""

    def close(self) -> None:
        """End the connection; a second time does nothing."""


class World(Protocol):
    """Where a board's connections go."""

    def connect(self, host: str, port: int) -> Line | None:
        """Begin to connect; None where no way leads there.

        Args:
            host: Name or IPv4 address in dotted form, as it stands in the board's server block.
            port: 1 to 65535.
        """


class OwnComputer:
    """The computer this program runs on, by real TCP, and nothing else: no packet leaves it, no name is asked for."""

    def connect(self, host: str, port: int) -> Line | None:
        """Begin to connect, if the host is this computer."""
        for address in of_this_computer(host):
            with suppress(OSError):
                return _RealLine(address, port)
        return None


def of_this_computer(host: str) -> tuple[str, ...]:
    """Return the addresses of this computer that a name or address may mean, most likely first."""
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        own = socket.gethostname().lower()
        known = {"localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
        return (LOCALHOST,) if name in known else ()
    return () if address.is_unspecified or address.is_multicast else (str(address),)


class _RealLine:
    """A line by real TCP.

    It comes from the very address it goes to: the operating system lets nobody have an address that is not its own, so
    that nothing can go anywhere else.

    Raises:
        OSError: That address is not this computer's.
    """

    def __init__(self, address: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._ready = False
        try:
            self._socket.setblocking(False)
            self._socket.bind((address, 0))
            began = self._socket.connect_ex((address, port))
        except OSError:
            self._socket.close()
            raise
        if began not in _UNDER_WAY:  # for example a broadcast address, which anybody may have
            self._socket.close()
            raise OSError(began, "no way leads there")
        self._broken = began == errno.ECONNREFUSED

    @property
    def ready(self) -> bool:
        """Whether the other end has taken the connection."""
        if not self._ready and not self._broken:
            # Windows reports a refused connection as an exceptional condition only.
            _, done, failed = select.select([], [self._socket], [self._socket], 0)
            if done or failed:
                self._broken = bool(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) or not done
                self._ready = not self._broken
        return self._ready

    def receive(self) -> bytes | None:
        """Return what came since the last call."""
        if not self.ready:
            return None if self._broken else b""
        if self._broken:
            return None
        try:
            found = self._socket.recv(MOST_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            found = b""
        self._broken = not found
        return found or None

    def send(self, data: bytes) -> None:
        """Send the bytes; a board never sends more than a fresh socket's buffer holds."""
        if not self.ready or self._broken:
            return
        try:
            self._broken = self._socket.send(data) < len(data)
        except OSError:
            self._broken = True

    def close(self) -> None:
        """End the connection."""
        self._broken = True
        self._socket.close()
