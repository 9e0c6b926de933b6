"""Control transfers through libusb: the only module that imports pyusb.

pyusb's backend is used directly, not its device objects: those cache descriptors, open and claim behind one's back,
and outlive the device they stand for. Here every opening looks the device up afresh by port and address.
"""

from __future__ import annotations

import errno
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Any

from app.clock import Clock, Deadline
from app.faults import (
    AccessDenied,
    BoardGone,
    BoardSilent,
    BusFailed,
    DriverMissing,
    Fault,
    PortBusy,
    TransferStalled,
    UsbLibraryMissing,
)
from app.transports.base import Closes, UsbPipe

# libusb.h, enum libusb_error
_IO = -1
_ACCESS = -3
_NO_DEVICE = -4
_NOT_FOUND = -5
_BUSY = -6
_TIMEOUT = -7
_PIPE = -9
_NOT_SUPPORTED = -12
_OTHER = -99

_FAULT_BY_CODE: dict[int, type[Fault]] = {
    _ACCESS: AccessDenied,
    _NO_DEVICE: BoardGone,
    _BUSY: PortBusy,
    _TIMEOUT: BoardSilent,
    _PIPE: TransferStalled,
}
_FAULT_BY_ERRNO: dict[int, type[Fault]] = {
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.ENODEV: BoardGone,
    errno.EBUSY: PortBusy,
    errno.ETIMEDOUT: BoardSilent,
    errno.EPIPE: TransferStalled,
}
# What a host controller also reports when the board leaves in the middle of a transfer.
_PERHAPS_GONE_CODES = frozenset({_IO, _NOT_FOUND, _OTHER})
_PERHAPS_GONE_ERRNOS = frozenset({errno.EIO, errno.ENOENT, errno.ENXIO, errno.EPROTO})

_GET_DESCRIPTOR = 6  # USB 2.0, table 9-4
_STRING = 3  # USB 2.0, table 9-5
_ENGLISH = 0x0409
_STRING_TIMEOUT_MS = 500
_HUB_CLASS = 0x09
_INTERFACE_RECIPIENT = 1  # bmRequestType bits 0-4
_VENDOR_TYPE = 2  # bmRequestType bits 5-6
_LOOK_AGAIN_S = 0.02
_LIBUSB_LAG_S = 1.0


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One device as libusb lists it, without opening it. `product_index` and `serial_index` number its strings."""

    port_path: str
    address: int
    vendor: int
    product: int
    release: int
    product_index: int
    serial_index: int


def fault_from(error: Exception, *, present: Callable[[], bool], windows: bool) -> Fault:
    """Turn an error of pyusb into a fault, by its numbers alone.

    Args:
        error: `USBError` (any `OSError`), or the `NotImplementedError` that stands for LIBUSB_ERROR_NOT_SUPPORTED.
        present: Asked only where the number alone does not tell a departed board from a failed transfer.
        windows: Whether "not supported" means that no driver is bound to the device.
    """
    code = getattr(error, "backend_error_code", None)
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, NotImplementedError):
        code = _NOT_SUPPORTED
    detail = f"libusb {code}, errno {number}: {error}"
    if code == _NOT_SUPPORTED:
        return DriverMissing(detail) if windows else BusFailed(detail)
    kind = _FAULT_BY_CODE.get(code) if code is not None else None
    kind = kind or (_FAULT_BY_ERRNO.get(number) if number is not None else None)
    if kind is None and (code in _PERHAPS_GONE_CODES or number in _PERHAPS_GONE_ERRNOS) and not present():
        kind = BoardGone
    return (kind or BusFailed)(detail)


class LibusbPipe(Closes):
    """An opened device; see `UsbPipe`."""

    def __init__(self, backend: Any, handle: Any, translate: Callable[[Exception], Fault]) -> None:  # noqa: ANN401 - pyusb has no types
        self._backend = backend
        self._handle: Any = handle
        self._translate = translate
        self._claimed: set[int] = set()

    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        """Send a control transfer with an optional data stage to the device."""
        sent = self._transfer(request_type & 0x7F, request, value, index, array("B", data), timeout_ms)
        if sent != len(data):
            raise BusFailed(f"control transfer took {sent} of {len(data)} bytes")

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        """Ask for at most `length` bytes; a shorter answer is returned as it is."""
        answer = array("B", bytes(length))
        count = self._transfer(request_type | 0x80, request, value, index, answer, timeout_ms)
        return answer[:count].tobytes()

    def select_alt(self, interface: int, alt: int) -> None:
        """Claim the interface and choose its alternate setting."""
        handle = self._opened()
        with _Faults(self._translate):
            self._claim(interface)
            self._backend.set_interface_altsetting(handle, interface, alt)

    def close(self) -> None:
        """Release the device; never raises, may be called twice."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        for interface in self._claimed:
            with suppress(OSError, NotImplementedError):
                self._backend.release_interface(handle, interface)
        with suppress(OSError, NotImplementedError):
            self._backend.close_device(handle)

    def _transfer(
        self, request_type: int, request: int, value: int, index: int, stage: array[int], timeout_ms: int
    ) -> int:
        handle = self._opened()
        try:
            if request_type & 0x1F == _INTERFACE_RECIPIENT and request_type >> 5 & 3 != _VENDOR_TYPE:
                self._claim(index & 0xFF)
            # To libusb, a time limit of 0 means for ever.
            return int(
                self._backend.ctrl_transfer(handle, request_type, request, value, index, stage, max(1, timeout_ms))
            )
        except (OSError, NotImplementedError) as error:  # not `_Faults`: there are hundreds of transfers a second
            raise self._translate(error) from error

    def _claim(self, interface: int) -> None:
        if interface not in self._claimed:
            self._backend.claim_interface(self._handle, interface)
            self._claimed.add(interface)

    def _opened(self) -> Any:  # noqa: ANN401 - pyusb has no types
        if self._handle is None:
            raise BoardGone("the pipe is closed")
        return self._handle


class _Faults:
    """Turns what pyusb raises inside the block into faults."""

    def __init__(self, translate: Callable[[Exception], Fault]) -> None:
        self._translate = translate

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError | NotImplementedError):
            raise self._translate(error) from error


def _load_backend() -> Any:  # noqa: ANN401 - pyusb has no types
    import libusb_package
    import usb.backend.libusb1

    return usb.backend.libusb1.get_backend(find_library=libusb_package.find_library)


def library_name() -> str:
    """Return the path of the libusb that is used.

    Raises:
        UsbLibraryMissing: libusb could not be loaded.
    """
    import libusb_package

    backend = _load_backend()
    if backend is None:
        raise UsbLibraryMissing
    return str(libusb_package.get_library_path() or backend.lib._name)


class UsbBus:
    """Lists and opens devices through libusb. Safe from any thread; libusb is loaded when first needed.

    Args:
        clock: For the short waits below.
        present: Whether a device is still plugged in, where something better than libusb knows (Linux: sysfs).
        windows: Whether this is Windows.
        load_backend: Makes pyusb's libusb-1.0 backend; returns None when the library cannot be loaded.
    """

    def __init__(
        self,
        clock: Clock,
        present: Callable[[str, int], bool] | None = None,
        *,
        windows: bool = sys.platform == "win32",
        load_backend: Callable[[], Any] = _load_backend,
    ) -> None:
        self._clock = clock
        self._knows = present
        self._windows = windows
        self._load_backend = load_backend
        self._backend: Any = None
        self._loaded = False
        self._loading = Lock()

    def devices(self) -> list[UsbDevice]:
        """List what is plugged in, hubs left out, without opening anything.

        Raises:
            UsbLibraryMissing: libusb could not be loaded.
        """
        return [device for _, device in self._enumerate()]

    def open(self, port_path: str, address: int) -> UsbPipe:
        """Open the device that has this address in this port.

        Raises:
            BoardGone, AccessDenied, DriverMissing, PortBusy, UsbLibraryMissing, BusFailed: As in `app.faults`.
        """
        backend, device = self._find(port_path, address)

        def translate(error: Exception) -> Fault:
            return fault_from(error, present=lambda: self._present(port_path, address), windows=self._windows)

        with _Faults(translate):
            return LibusbPipe(backend, backend.open_device(device), translate)

    def strings(self, device: UsbDevice) -> tuple[str | None, str | None]:
        """Open the device for a moment and read iProduct and iSerialNumber; None for what it does not tell."""
        try:
            with self.open(device.port_path, device.address) as pipe:
                return _string(pipe, device.product_index), _string(pipe, device.serial_index)
        except Fault:  # no driver, no permission, gone: then nothing is known
            return None, None

    def _library(self) -> Any:  # noqa: ANN401 - pyusb has no types
        with self._loading:
            if not self._loaded:
                self._backend = self._load_backend()
                self._loaded = True
            if self._backend is None:
                raise UsbLibraryMissing("libusb-1.0 could not be loaded")
            return self._backend

    def _enumerate(self) -> Iterator[tuple[Any, UsbDevice]]:
        backend = self._library()
        with _Faults(lambda error: fault_from(error, present=lambda: True, windows=self._windows)):
            for device in backend.enumerate_devices():
                found = backend.get_device_descriptor(device)
                if not found.port_numbers or found.bDeviceClass == _HUB_CLASS:
                    continue
                yield (
                    device,
                    UsbDevice(
                        port_path=f"{found.bus}-{'.'.join(str(port) for port in found.port_numbers)}",
                        address=found.address,
                        vendor=found.idVendor,
                        product=found.idProduct,
                        release=found.bcdDevice,
                        product_index=found.iProduct,
                        serial_index=found.iSerialNumber,
                    ),
                )

    def _find(self, port_path: str, address: int) -> tuple[Any, Any]:
        """Look the device up; libusb may hear of it a moment later than the kernel's own list."""
        backend = self._library()
        deadline = Deadline(self._clock, _LIBUSB_LAG_S)
        while True:
            for device, found in self._enumerate():
                if (found.port_path, found.address) == (port_path, address):
                    return backend, device
            if self._knows is None or deadline.passed() or not self._knows(port_path, address):
                raise BoardGone(f"nothing at port {port_path} with address {address}")
            self._clock.pause(_LOOK_AGAIN_S)

    def _present(self, port_path: str, address: int) -> bool:
        if self._knows is not None:
            return self._knows(port_path, address)
        try:
            return any((found.port_path, found.address) == (port_path, address) for found in self.devices())
        except Fault:
            return False


def _string(pipe: UsbPipe, index: int) -> str | None:
    """Read one string descriptor; None when there is none or the device refuses."""
    if index == 0:
        return None
    try:
        raw = pipe.control_in(0x80, _GET_DESCRIPTOR, _STRING << 8 | index, _ENGLISH, 255, _STRING_TIMEOUT_MS)
    except (TransferStalled, BoardSilent, BusFailed):
        return None
    if len(raw) < 2 or raw[1] != _STRING:
        return None
    return raw[2 : raw[0]].decode("utf-16-le", "replace").rstrip("\0")
