"""The Wi-Fi networks this computer sees: asked of the operating system's own tools, never of the radio itself.

A board may see others: it sits elsewhere and has a simpler radio. `app.work.preflight` says what it can join of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import Protocol

from app.clock import Clock
from app.text import Text


@unique
class Protection(Enum):
    """How a network is protected; of several ways it offers, the newest that is older than WPA3."""

    OPEN = "open"
    WEP = "wep"
    WPA = "wpa"
    WPA2 = "wpa2"
    WPA3 = "wpa3"  # nothing older is offered; the same for open networks that encrypt
    WPA3_AT_BEST = "wpa3-at-best"  # the system names the newest alone: WPA2 may be offered too
    WPA_ENTERPRISE = "wpa-enterprise"
    WPA2_ENTERPRISE = "wpa2-enterprise"
    WPA3_ENTERPRISE = "wpa3-enterprise"
    UNKNOWN = "unknown"


@unique
class Encryption(Enum):
    """How a protected network encrypts what goes through the air."""

    UNKNOWN = "unknown"
    AES = "aes"
    TKIP = "tkip"
    AES_TKIP = "aes+tkip"


@dataclass(frozen=True, slots=True)
class HeardNetwork:
    """One radio of one network, as this computer hears it.

    Attributes:
        ssid: Its name; b"" where it does not tell it.
        channel: 0 where it is not known. On 6 GHz the numbers begin at 1 again.
        rssi: Strength in dBm, for example -60; 0 where it is not known.
        security: How it is protected.
        encryption: As far as the system tells.
        frequency_mhz: 0 where it is not known.
    """

    ssid: bytes
    channel: int = 0
    rssi: int = 0
    security: Protection = Protection.UNKNOWN
    encryption: Encryption = Encryption.UNKNOWN
    frequency_mhz: int = 0


@dataclass(frozen=True, slots=True)
class Scan:
    """What a look around told.

    Attributes:
        heard: Every radio heard, strongest first; several may have the same name.
        joined: Name of the network this computer is in; None if it is in none, or nobody tells.
        trouble: Why there is nothing, or names are missing; None when all is well.
    """

    heard: tuple[HeardNetwork, ...] = ()
    joined: bytes | None = None
    trouble: Text | None = None


class WifiScanner(Protocol):
    """Whoever can tell which networks are here."""

    def scan(self, within: float, clock: Clock, check: Callable[[], None]) -> Scan:
        """Look around. A missing tool or radio is no fault: the scan's `trouble` says it.

        Args:
            within: Seconds after which to give up.
            clock: What the waiting goes through.
            check: Called while it waits; raises to stop.
        """
