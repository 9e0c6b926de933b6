"""What a virtual board shows on its USB plug while it is enumerated: descriptors, endpoint 0, bulk endpoints.

The in-process bus (`bus.py`) and the USB lab's USB/IP server both talk to this and to nothing else, so the real
kernel and our unit tests meet the same device.
"""

from __future__ import annotations

from typing import Protocol


class Stall(Exception):
    """The device answers with a STALL handshake."""


class NoAnswer(Exception):
    """The device never answers this transfer; the host runs into its time limit."""


class Gone(Exception):
    """The device has left the bus."""


class UsbFace(Protocol):
    """One enumeration of the board. A mode change makes a new face; a face never comes back once gone.

    Every call may take (clock) time, as the real transfer would, and may raise `Stall`, `NoAnswer` or `Gone`.
    """

    def attached(self) -> bool:
        """Whether the device is still on the bus (looks at the clock: a pending reset happens now)."""

    def device_descriptor(self) -> bytes:
        """The 18 bytes of the device descriptor."""

    def configuration_descriptor(self) -> bytes:
        """The whole configuration, wTotalLength bytes."""

    def control(self, setup: bytes, data: bytes) -> bytes:
        """Carry out a control transfer, standard requests included.

        Args:
            setup: The 8 bytes bmRequestType, bRequest, wValue, wIndex, wLength.
            data: Data stage of an OUT transfer, else empty.

        Returns:
            The data stage of an IN transfer, at most wLength bytes; empty for OUT.
        """

    def bulk_out(self, endpoint: int, data: bytes) -> None:
        """Bytes to a bulk OUT endpoint (the serial port's data)."""

    def bulk_in(self, endpoint: int, length: int) -> bytes:
        """What the device has to say on a bulk IN endpoint now; b"" stands for NAK (nothing yet)."""
