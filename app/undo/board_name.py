"""Which board something was kept from, and whether that is the board that is plugged in now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.keys.backup import check_device_id, serial_folder
from app.platforms.identify import serial_form, serial_matches
from app.platforms.model import Platform, SerialForm
from app.platforms.table import platform as platform_of


@unique
class Match(Enum):
    """Whether two descriptions are of the same board."""

    YES = "yes"
    MAYBE = "maybe"  # nothing contradicts it, and nothing proves it: old Photons all have the same serial number
    NO = "no"


@dataclass(frozen=True, slots=True)
class BoardName:
    """What was known of a board when something of it was kept.

    Attributes:
        platform: Key of the platform, for example `core`.
        device_id: The proven device ID, 24 lower-case hex digits, or None.
        serial: Its USB serial number then, as it was; "" when it could not be read.

    Raises:
        ValueError: There is no such platform, or `device_id` has the wrong form.
    """

    platform: str
    device_id: str | None
    serial: str = ""

    def __post_init__(self) -> None:
        try:
            platform_of(self.platform)
        except KeyError:
            raise ValueError(f"no platform {self.platform!r}") from None
        if self.device_id is not None:
            check_device_id(self.device_id)

    @property
    def folder_name(self) -> str:
        """Name of the folder its things belong into."""
        return self.device_id or serial_folder(self.platform, self.serial)

    def matches(self, platform: str, device_id: str | None, serial: str | None) -> Match:
        """Tell whether a board that is plugged in is this one (device-protocol.md 1.4).

        Args:
            platform: Key of its platform.
            device_id: Its proven ID, or None.
            serial: Its USB serial number, in whatever mode it is.
        """
        if platform != self.platform:
            return Match.NO
        mine, theirs = _id(self.device_id, self.serial), _id(device_id, serial)
        if mine is not None and theirs is not None:
            return Match.YES if mine == theirs else Match.NO
        kind = platform_of(platform)
        if mine is not None:
            said = serial_matches(kind, mine, serial)
        elif theirs is not None:
            said = serial_matches(kind, theirs, self.serial)
        else:
            said = _same_hash(kind, self.serial, serial or "")
        return Match.MAYBE if said is None else Match.YES if said else Match.NO


def _id(device_id: str | None, serial: str | None) -> str | None:
    """Return what is proven: a serial number of 24 digits is the device ID."""
    if device_id is not None:
        return device_id.lower()
    if serial_form(serial) in (SerialForm.ID_24_LOWER, SerialForm.ID_24_UPPER):
        return (serial or "")[:24].lower()
    return None


def _same_hash(kind: Platform, one: str, other: str) -> bool | None:
    """Compare two serial numbers that are no device IDs; None when they say nothing."""
    hashes = any(boot_loader.serial_form is SerialForm.HASH_12 for boot_loader in kind.boot_loaders)
    if not hashes or not serial_form(one) is serial_form(other) is SerialForm.HASH_12:
        return None
    return one[:12] == other[:12]
