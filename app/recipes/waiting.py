"""What waits in the settings of a Photon, P1 or Electron to be installed at its next start (device-protocol.md 3.5)."""

from __future__ import annotations

DCT = "dct"
"""The region of the settings."""
FLAG, ORDERS = "ota-update-flag", "flash-modules"
"""Fields of the settings: the mark of an update in the download area, and orders to copy downloads."""
FLAG_OFF = b"\xff"
NO_ORDER = b"\xff\xff"  # over the first two bytes of an order
_ORDER_SIZE = 20  # five of them
_ORDER_WAITS = (0xABCD).to_bytes(2, "little")


def orders_in(content: bytes) -> tuple[int, ...]:
    """Return where in the field `flash-modules` an order that waits begins, in bytes from the field's start."""
    return tuple(at for at in range(0, len(content), _ORDER_SIZE) if content.startswith(_ORDER_WAITS, at))
