"""TCP between this computer and a board in the same house: the only module that opens a socket for it.

Nothing here waits: whoever waits does it through a `Clock`, so that a test, a practice board and a stop by the person
work the same way. IPv4 only, because the firmware knows no other (4.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from app.clock import Clock


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
