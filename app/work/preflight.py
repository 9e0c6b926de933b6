"""What speaks against a network before a board is told it, and what this computer can try of the way to the cloud.

Each rule is one row of `RULES` with where its fact is from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique

from app.clock import Clock
from app.platforms.model import Platform
from app.protocols.wifi import WifiLogin
from app.text import Text
from app.transports.network import Network
from app.transports.wifi_scan import Scan
from app.work.wifi_form import SeenNetwork


@unique
class Severity(Enum):
    """How much it speaks against a network."""

    STOPS = "stops"  # the board will not get in
    WARNS = "warns"  # it may not


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a network.

    Attributes:
        rule: Key of its row in `RULES`.
        severity: How much.
        words: What it is, a sentence.
        change: What to change, a sentence.
    """

    rule: str
    severity: Severity
    words: Text
    change: Text


@unique
class State(Enum):
    """What trying something told."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried from this computer.

    Attributes:
        key: `internet`, `portal`, `name`, `tcp`, or `udp`.
        state: What it told.
        words: The same as a sentence.
        change: What to do about it, None where nothing.
    """

    key: str
    state: State
    words: Text
    change: Text | None = None


def look_at(network: SeenNetwork | WifiLogin, platform: Platform) -> tuple[Finding, ...]:
    """Return what speaks against a network for this kind of board, what stops it first."""
    raise NotImplementedError


def marked(seen: SeenNetwork, platform: Platform) -> SeenNetwork:
    """Return the network with `note` and `fits` as the findings say."""
    raise NotImplementedError


def merge(board_scan: tuple[SeenNetwork, ...], computer_scan: Scan, platform: Platform) -> tuple[SeenNetwork, ...]:
    """Return what board and computer see as one marked list, strongest first, one row for each name and security."""
    raise NotImplementedError


def from_here(
    network: Network, clock: Clock, check: Callable[[], None], host: str, port: int, *, udp: bool
) -> tuple[Check, ...]:
    """Try from this computer what a board needs on its way to the cloud."""
    raise NotImplementedError
