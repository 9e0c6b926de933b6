"""A network nothing can be reached in, for tests that need none."""

from __future__ import annotations

from collections.abc import Callable

from app.clock import Clock
from app.cloud_faults import ListenRefused
from app.transports.network import Listener, Reach

LAN = "192.168.7.20"


class Offline:
    """A computer that has an address, but the cable is out."""

    def own_addresses(self) -> tuple[str, ...]:
        """The address it would have, and its own."""
        return LAN, "127.0.0.1"

    def listen(self, port: int) -> Listener:
        """Nobody may listen."""
        raise ListenRefused(port=port)

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Nothing is there."""
        return Reach.NO_HOST

    def look_up(self, host: str, within: float, clock: Clock, check: Callable[[], None]) -> tuple[str, ...]:
        """Nobody knows any name."""
        return ()

    def page(self, url: str, within: float, clock: Clock, check: Callable[[], None]) -> int | None:
        """No page comes."""
        return None

    def datagram(
        self, host: str, port: int, data: bytes, within: float, clock: Clock, check: Callable[[], None]
    ) -> Reach:
        """Nothing is there."""
        return Reach.NO_HOST
