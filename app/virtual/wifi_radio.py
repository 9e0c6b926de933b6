"""A board's Wi-Fi, as its firmware uses it: what a scan finds, and what is stored."""

from __future__ import annotations

from typing import Protocol

from app.virtual.air import Cipher, Network, Profile, Security, found, heard, stored
from app.virtual.layout import DCT_ANTENNA
from app.virtual.personality import Family, Personality
from app.virtual.timing import Timing

_PLAIN = {Security.WPA_ENTERPRISE: Security.WPA, Security.WPA2_ENTERPRISE: Security.WPA2}
ANTENNAS = (1, 2, 3)  # internal, external, auto (6.3)


class Owner(Protocol):
    """What the radio needs of its board (see `machine.Machine`)."""

    timing: Timing
    networks: tuple[Network, ...]
    profiles_stored: tuple[Profile, ...]
    personality: Personality
    dct_cells: bytearray

    def goes_wrong(self, name: str) -> bool:
        """Whether that mishap happens once more."""


class WifiRadio:
    """The Wi-Fi of one board; called with the board's lock held."""

    def __init__(self, machine: Owner) -> None:
        self._machine = machine

    @property
    def _core(self) -> bool:
        return self._machine.personality.kind.family is Family.F1

    def heard(self) -> tuple[Network, ...]:
        """Return what a scan finds."""
        return heard(self._machine.networks, core=self._core)

    def found(self, ssid: bytes) -> tuple[Security, Cipher] | None:
        """Return what a scan says of a network; None where it finds none of that name.

        A Core's scan reports no cipher (5.4 D). It cannot log in to an enterprise network, and what its scan says of
        one has no source: here its plain kind.
        """
        network = found(self._machine.networks, ssid, core=self._core)
        if network is None:
            return None
        if self._core:
            return _PLAIN.get(network.security, network.security), Cipher.UNSET
        return network.security, network.cipher or Cipher.UNSET

    def search_seconds(self, ssid: bytes) -> float:
        """Return how long the firmware looks for that name: until it is found, or for as long as it may (5.4 C)."""
        timing = self._machine.timing
        return timing.wifi_search if self.found(ssid) is None else timing.wifi_scan

    @property
    def scan_seconds(self) -> float:
        """How long a scan takes."""
        return self._machine.timing.wifi_scan

    # --- what is stored ---------------------------------------------------------------------------------------------

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """The stored networks."""
        return self._machine.profiles_stored

    def store(self, profile: Profile) -> bool:
        """Store a network. Returns whether that went well.

        Photons and P1s of 0.4.6 and later look at the lengths (5.4 C); what a Core would refuse has no source.
        """
        machine = self._machine
        looks = not self._core and machine.personality.firmware.at_least(0, 4, 6)
        if (looks and not profile.acceptable) or machine.goes_wrong("wifi_refuses"):
            return False
        machine.profiles_stored = stored(machine.profiles_stored, profile)
        return True

    def forget(self) -> None:
        """Forget all networks."""
        self._machine.profiles_stored = ()

    @property
    def out_of_memory(self) -> bool:
        """Whether there is no memory for enterprise credentials this time (5.5)."""
        return self._machine.goes_wrong("wifi_no_memory")

    # --- antenna ----------------------------------------------------------------------------------------------------

    @property
    def antenna(self) -> int:
        """The chosen antenna; the internal one, as long as nothing was chosen."""
        chosen = self._machine.dct_cells[DCT_ANTENNA]
        return chosen if chosen in ANTENNAS else ANTENNAS[0]

    @antenna.setter
    def antenna(self, chosen: int) -> None:
        # The place is known (3.5), what stands there is not: here the number of the request.
        self._machine.dct_cells[DCT_ANTENNA] = chosen
