"""What the judging of a board's keys goes by: what its slots hold, what its light did, and what follows from the two.

Pure, and nothing in it is secret. Numbers in brackets are sections of device-protocol.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, unique

from app.keys.clouds import Cloud, CloudKind, whose_address, whose_key
from app.keys.device_key import KeyReport, KeyState, firmware_form
from app.keys.server_key import ServerBlock, ServerState
from app.platforms.model import Platform

REFILLS_SINCE = 1000
"""Module versions of Device OS 1.x: from then on firmware fills in a blank server key itself (0.3, 4.2)."""


@unique
class LightSeen(Enum):
    """What the light did when the board tried to reach its cloud. The values are answers (`--answer light=orange`)."""

    ORANGE = "orange"  # fast cyan, then one orange flash
    MAGENTA = "magenta"
    RED = "red"
    RED_OR_ORANGE = "red-or-orange"  # the two are hard to tell apart
    FLASH = "flash"  # one flash, of a colour that was not seen
    CYAN = "cyan"  # blinking cyan all the time
    CONNECTED = "breathing-cyan"
    BLINKS = "two-or-three-blinks"  # slow ones, red or orange
    OTHER = "other"  # never cyan
    UNSEEN = "unseen"


@unique
class PublicHalf(Enum):
    """What stands where the board keeps the public half of its key (4.2)."""

    NO_PLACE = "no-place"  # a Core keeps none
    BLANK = "blank"
    MATCHES = "matches"
    DIFFERS = "differs"
    ALONE = "alone"  # there is no device key to compare it with


@dataclass(frozen=True, slots=True)
class ServerFound:
    """The server key and the server address in use, as far as the diagnosis needs them.

    Attributes:
        block: What the board holds.
        key_of: Whose key it is; NONE when there is no sound one.
        address_of: Whose address it is; NONE when there is none, so that the firmware's own default counts (4.3).
        cloud: Name of the known local cloud the key is of, "" for none.
        address_cloud: Name of the known local cloud the address is of, "" for none.
    """

    block: ServerBlock
    key_of: CloudKind
    address_of: CloudKind
    cloud: str = ""
    address_cloud: str = ""

    @property
    def belongs(self) -> bool:
        """Whether key and address are known to be of one cloud; without an address the firmware goes to Particle's."""
        if self.key_of is CloudKind.LOCAL:
            return self.address_of is CloudKind.LOCAL and self.cloud == self.address_cloud
        return self.key_of is CloudKind.PARTICLE and self.address_of in (CloudKind.PARTICLE, CloudKind.NONE)


def server_found(block: ServerBlock, clouds: Iterable[Cloud]) -> ServerFound:
    """Tell whose key and whose address a board has, each by itself.

    Args:
        block: From the board.
        clouds: The local clouds remembered.
    """
    known = tuple(clouds)
    key_of, keys = whose_key(block, known)
    address_of, places = whose_address(block, known)
    both = [cloud for cloud in keys if cloud in places]  # the same server may be known under two addresses
    key, place = ((both or found)[0].name if found else "" for found in (keys, places))
    return ServerFound(block, key_of, address_of, key, place)


@dataclass(frozen=True, slots=True)
class KeysFound:
    """Everything the slots and the key safe tell. Its repr shows nothing private.

    Attributes:
        platform: What kind of board.
        device: The device key in use.
        server: The server key and address in use.
        public_half: How the public half beside the device key fits it.
        firmware: Module version of the system firmware, 0 for a Core's firmware from before 0.4; None when not known.
        good_in_safe: Whether the key safe has a good key of this board for this slot.
        other_in_safe: Whether one of those is another key than the one on the board.
        over: How the board reaches its cloud (4.1), `TCP` or `UDP`.
        other_server_good: Whether the slot of the other transport holds a sound server key (Electron).
    """

    platform: Platform
    device: KeyReport
    server: ServerFound
    public_half: PublicHalf = PublicHalf.NO_PLACE
    firmware: int | None = None
    good_in_safe: bool = False
    other_in_safe: bool = False
    over: str = "TCP"
    other_server_good: bool = False


class Case:
    """One case to be judged: what the rules ask for."""

    def __init__(self, found: KeysFound, light: LightSeen) -> None:
        self.found = found
        self.server = found.server
        self.block = found.server.block
        self.light = light

    # --- the board's own key ---

    def device(self, state: KeyState) -> bool:
        """Whether the device key is in this state."""
        return self.found.device.state is state

    @property
    def makes_own(self) -> bool:
        """Photon, P1 and Electron make a missing key themselves, and keep its public half; a Core does not (4.2)."""
        return self.found.public_half is not PublicHalf.NO_PLACE

    @property
    def only_the_form(self) -> bool:
        """Whether the key itself would do, and only its encoding does not."""
        if not self.device(KeyState.UNUSABLE_BY_FIRMWARE) or self.found.device.der is None:
            return False
        try:
            firmware_form(self.found.device.der)
        except ValueError:
            return False
        return True

    # --- the server ---

    def pair(self, key: CloudKind, address: CloudKind) -> bool:
        """Whether the server key is sound and it and the address are of these."""
        return self.block.state is ServerState.GOOD and self.server.key_of is key and self.server.address_of is address

    @property
    def blank(self) -> bool:
        """Whether there is no server key."""
        return self.block.state is ServerState.BLANK

    @property
    def no_address(self) -> bool:
        """Whether there is no server address."""
        return self.server.address_of is CloudKind.NONE

    @property
    def nowhere(self) -> bool:
        """Whether the address leads back to the board, or to nobody."""
        if self.block.address.host.lower() in ("localhost", "localhost."):
            return True
        address = self._ip
        return address is not None and (address.is_loopback or address.is_unspecified)

    @property
    def at_home(self) -> bool:
        """Whether the address is one of a home network, where only a local cloud can be."""
        address = self._ip
        return address is not None and address.is_private

    @property
    def _ip(self) -> ipaddress.IPv4Address | None:
        try:
            return ipaddress.IPv4Address(self.block.address.host)
        except ValueError:
            return None

    @property
    def particle(self) -> bool:
        """Whether server key and address are both those of the Particle cloud."""
        return self.server.belongs and self.server.key_of is CloudKind.PARTICLE

    @property
    def refills(self) -> bool:
        """Whether the empty server key is sure to be filled in, and nothing that was seen speaks against it."""
        empty = self.blank and self.no_address and self.makes_own and self.firmware(REFILLS_SINCE) is True
        return empty and self.saw(LightSeen.UNSEEN, LightSeen.CONNECTED, LightSeen.OTHER)

    def firmware(self, at_least: int) -> bool | None:
        """Whether the firmware has this module version or a later one; None when its version is not known."""
        return None if self.found.firmware is None else self.found.firmware >= at_least

    # --- the light ---

    def saw(self, *lights: LightSeen) -> bool:
        """Whether the light did one of these."""
        return self.light in lights
