"""The seam: a bus that lists boards, a pipe for control transfers, a pipe for serial bytes.

Every implementation (real, virtual, tracing, replaying) obeys the same contract, checked by tests/contract.
All operating-system errors leave as faults: `BoardGone`, `BoardSilent` (time-out), `TransferStalled`, `AccessDenied`,
`DriverMissing`, `PortBusy`, `UsbLibraryMissing`, `BusFailed`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something seen on the bus, before we know what it is.

    Attributes:
        port_path: Where it is plugged in, for example `1-2.3`. Stays the same when the board changes its mode.
        address: The bus address; changes at each re-enumeration, so two sightings of one board differ in it.
        vendor: idVendor.
        product: idProduct.
        serial: iSerialNumber as the device gives it; None when it could not be read.
        product_name: iProduct without trailing NULs; None when it could not be read.
        release: bcdDevice, for example 0x0250.
        serial_port: The operating system's name of its serial port (`/dev/ttyACM0`, `COM5`); None when it has none.
        denied: True when the operating system will not let this program open it.
    """

    port_path: str
    address: int
    vendor: int
    product: int
    serial: str | None
    product_name: str | None
    release: int
    serial_port: str | None
    denied: bool = False


class Closes(Protocol):
    """Something to be opened with `with`: leaving the block closes it. Who implements `close` inherits the rest."""

    @abstractmethod
    def close(self) -> None:
        """Let go; never raises, may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class UsbPipe(Closes, Protocol):
    """An opened USB device: control transfers on endpoint 0.

    Standard requests (GET_DESCRIPTOR) go the same way. Every call raises the faults named at the top.
    """

    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        """Send a control transfer with an optional data stage to the device."""

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        """Ask for at most `length` bytes; a shorter answer is returned as it is."""

    def select_alt(self, interface: int, alt: int) -> None:
        """Claim the interface and choose its alternate setting."""


class SerialPipe(Closes, Protocol):
    """An opened serial port."""

    def write(self, data: bytes, timeout_ms: int) -> None:
        """Send bytes; `BoardSilent` if the device does not take them in time."""

    def read(self, timeout_ms: int) -> bytes:
        """Return what arrives next (1 to 4096 bytes), or b"" when nothing came in time."""

    def set_baud(self, baud: int) -> None:
        """Send a line coding; on these boards 14400 and 28800 are commands (device-protocol.md 5.6)."""


class Bus(Protocol):
    """Where boards are seen and opened. `sightings` and the two waits are safe from any thread."""

    def sightings(self) -> Sequence[Sighting]:
        """List what is there now, known boards and strangers alike, without opening a board's interfaces."""

    def open_usb(self, sighting: Sighting) -> UsbPipe:
        """Open it for control transfers."""

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        """Open its serial port with DTR set; the baud rate is sent before anything else."""

    def wait_for_change(self, seconds: float) -> bool:
        """Sleep until something may have been plugged or unplugged (True), or the time is over (False)."""

    def wake(self) -> None:
        """End every `wait_for_change` under way, from another thread."""

    def close(self) -> None:
        """Let go of the operating system's resources; never raises."""
