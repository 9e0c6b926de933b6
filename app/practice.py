"""What practice mode puts in the place of real things: boards, with the makers' server block, and Wi-Fi around them."""

from __future__ import annotations

from collections.abc import Callable

from app.clock import Clock
from app.faults import Fault
from app.firmware.pack import RescuePack, pick
from app.transports.wifi_parse import frequency_of, strongest_first
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan, WifiScanner
from app.virtual.air import HOME, PRACTICE_AIR, Cipher, Network, Security
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import PRACTICE_BOARDS, make


def practice_board(name: str, clock: Clock, pack: RescuePack) -> VirtualBoard:
    """Build a practice board; it has no power until it is plugged in.

    Without the block its slot is blank, and its light says what a real board's would.

    Args:
        name: A key of `PRACTICE_BOARDS`.
        clock: The time it lives by.
        pack: Where the block is looked for.
    """
    try:
        block = pack.read(pick(PRACTICE_BOARDS[name].kind.key, "server-key").name)
    except Fault:
        block = b""
    return make(name, clock, server=block, built_in_server=block)


def practice_scanner() -> WifiScanner:
    """Return what hears the networks that practice boards hear, and more: this computer has a better radio."""
    return AirScanner(PRACTICE_AIR, HOME.ssid)


class AirScanner:
    """A computer in the air of virtual boards.

    Args:
        networks: The air.
        joined: Name of the network it is in.
    """

    def __init__(self, networks: tuple[Network, ...], joined: bytes | None) -> None:
        self._networks = networks
        self._joined = joined

    def scan(self, within: float, clock: Clock, check: Callable[[], None]) -> Scan:
        """Return the networks of the air, strongest first; it takes no time."""
        check()
        heard = [
            HeardNetwork(
                b"" if each.hidden else each.ssid,
                each.channel,
                each.rssi,
                _PROTECTIONS[each.security],
                _ENCRYPTIONS[each.cipher or Cipher.UNSET],
                frequency_of(each.channel),
            )
            for each in self._networks
        ]
        return Scan(strongest_first(heard), self._joined)


_PROTECTIONS = {
    Security.OPEN: Protection.OPEN,
    Security.WEP: Protection.WEP,
    Security.WPA: Protection.WPA,
    Security.WPA2: Protection.WPA2,
    Security.WPA_ENTERPRISE: Protection.WPA_ENTERPRISE,
    Security.WPA2_ENTERPRISE: Protection.WPA2_ENTERPRISE,
}
_ENCRYPTIONS = {
    Cipher.UNSET: Encryption.UNKNOWN,
    Cipher.AES: Encryption.AES,
    Cipher.TKIP: Encryption.TKIP,
    Cipher.AES_TKIP: Encryption.AES_TKIP,
}
