"""Makes a new device key, in process, that the board's firmware can read (device-protocol.md 4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.keys.device_key import KeyReport
from app.platforms.model import Algorithm


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key nobody else has. Its repr shows nothing private.

    Attributes:
        report: The report of `slot_der`; its state is always GOOD.
        slot_der: What to write to a board.
        rejected: How many keys were made and thrown away before, because the firmware could not have read them.
    """

    report: KeyReport
    slot_der: bytes = field(repr=False)
    rejected: int = 0


def generate(algorithm: Algorithm) -> NewKey:
    """Make a key: RSA with 1024 bits and the exponent 65537, or EC on P-256.

    Raises:
        ValueError: No device has a private key of that algorithm.
    """
    raise NotImplementedError
