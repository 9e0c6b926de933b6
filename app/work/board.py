"""A board on the table: a sighting whose kind we know, with what was proven about its identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.platforms.model import BootLoader, Mode, Platform
from app.transports.base import Sighting
from app.undo.board_name import BoardName, Match


@unique
class Proof(Enum):
    """How a device ID came to be known, strongest first (device-protocol.md 1.4)."""

    SERIAL = "usb-serial"  # the USB serial number is the device ID
    CONTROL = "control-request"  # the board told it over a control request
    CONSOLE = "console"  # the board told it on its listening console
    DCT = "dct"  # read from the board's configuration memory in DFU mode
    TYPED = "typed"  # the person typed it and the serial's hash agrees


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven device ID: 24 lower-case hex digits."""

    device_id: str
    proof: Proof


@dataclass(frozen=True, slots=True)
class Board:
    """One board on one port, in one mode.

    Attributes:
        sighting: What the bus shows now.
        platform: What kind of board it is.
        mode: What it is doing, as far as known.
        boot_loader: Its boot loader's generation, when it is in DFU mode and can be told; else None.
        identity: Its proven device ID, or None.
        system_version: Device OS version text, when the board told it; else "".
    """

    sighting: Sighting
    platform: Platform
    mode: Mode
    boot_loader: BootLoader | None = None
    identity: Identity | None = None
    system_version: str = ""

    @property
    def port_path(self) -> str:
        """Where it is plugged in; the thread that ties a board's modes together."""
        return self.sighting.port_path


def match(name: BoardName, board: Board) -> Match:
    """Whether what the undo store kept under this name is from this board, as far as is known of it now."""
    device_id = board.identity.device_id if board.identity else None
    return name.matches(board.platform.key, device_id, board.sighting.serial)
