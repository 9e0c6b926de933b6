from __future__ import annotations

import errno
from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from support.clock import FastClock
from usb.core import USBError, USBTimeoutError

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
from app.transports.usb_bus import UsbBus, UsbDevice, fault_from

# libusb code, errno as pyusb pairs them, the fault while the board is there, the fault once it is not.
BY_NUMBER: tuple[tuple[int | None, int | None, type[Fault], type[Fault]], ...] = (
    (-1, errno.EIO, BusFailed, BoardGone),
    (-2, errno.EINVAL, BusFailed, BusFailed),
    (-3, errno.EACCES, AccessDenied, AccessDenied),
    (-4, errno.ENODEV, BoardGone, BoardGone),
    (-5, errno.ENOENT, BusFailed, BoardGone),
    (-6, errno.EBUSY, PortBusy, PortBusy),
    (-7, errno.ETIMEDOUT, BoardSilent, BoardSilent),
    (-8, errno.EOVERFLOW, BusFailed, BusFailed),
    (-9, errno.EPIPE, TransferStalled, TransferStalled),
    (-10, errno.EINTR, BusFailed, BusFailed),
    (-11, errno.ENOMEM, BusFailed, BusFailed),
    (-99, None, BusFailed, BoardGone),
    (None, errno.EPERM, AccessDenied, AccessDenied),
    (None, errno.EACCES, AccessDenied, AccessDenied),
    (None, errno.ENODEV, BoardGone, BoardGone),
    (None, errno.EBUSY, PortBusy, PortBusy),
    (None, errno.ETIMEDOUT, BoardSilent, BoardSilent),
    (None, errno.EPIPE, TransferStalled, TransferStalled),
    (None, errno.EPROTO, BusFailed, BoardGone),
    (None, None, BusFailed, BusFailed),
)


@pytest.mark.parametrize(("code", "number", "there", "left"), BY_NUMBER)
def test_each_number_becomes_its_fault(
    code: int | None, number: int | None, there: type[Fault], left: type[Fault]
) -> None:
    error = USBError("Words in any language", code, number)
    assert type(fault_from(error, present=lambda: True, windows=False)) is there
    assert type(fault_from(error, present=lambda: False, windows=False)) is left


def test_words_of_an_error_do_not_matter() -> None:
    error = USBError("Operation timed out, access denied, no such device", -9, errno.EPIPE)
    assert type(fault_from(error, present=lambda: True, windows=False)) is TransferStalled


def test_not_supported_means_a_missing_driver_on_windows_only() -> None:
    error = NotImplementedError("Operation not supported or unimplemented on this platform")
    assert type(fault_from(error, present=lambda: True, windows=True)) is DriverMissing
    assert type(fault_from(error, present=lambda: True, windows=False)) is BusFailed


def test_detail_keeps_the_numbers() -> None:
    assert "libusb -6, errno 16" in fault_from(USBError("Busy", -6, 16), present=lambda: True, windows=False).detail


class FakeBackend:
    """pyusb's backend as far as the bus uses it."""

    def __init__(self) -> None:
        self.devices: list[SimpleNamespace] = []
        self.calls: list[tuple[object, ...]] = []
        self.answers: list[bytes | Exception] = []
        self.failing: dict[str, Exception] = {}

    def plug(self, ports: tuple[int, ...] = (2, 3), address: int = 7, **more: int) -> SimpleNamespace:
        device = SimpleNamespace(
            bus=1,
            address=address,
            port_numbers=ports,
            idVendor=0x1D50,
            idProduct=0x607F,
            bcdDevice=0x0200,
            bDeviceClass=0,
            iProduct=2,
            iSerialNumber=3,
        )
        vars(device).update(more)
        self.devices.append(device)
        return device

    def enumerate_devices(self) -> list[SimpleNamespace]:
        return list(self.devices)

    def get_device_descriptor(self, device: SimpleNamespace) -> SimpleNamespace:
        return device

    def open_device(self, device: SimpleNamespace) -> SimpleNamespace:
        self._note("open_device", device.address)
        return device

    def close_device(self, handle: SimpleNamespace) -> None:
        self._note("close_device", handle.address)

    def claim_interface(self, handle: SimpleNamespace, interface: int) -> None:
        self._note("claim_interface", interface)

    def release_interface(self, handle: SimpleNamespace, interface: int) -> None:
        self._note("release_interface", interface)

    def set_interface_altsetting(self, handle: SimpleNamespace, interface: int, alt: int) -> None:
        self._note("set_interface_altsetting", interface, alt)

    def ctrl_transfer(
        self, handle: SimpleNamespace, kind: int, request: int, value: int, index: int, data: array[int], timeout: int
    ) -> int:
        self._note("ctrl_transfer", kind, request, value, index, data.tobytes(), timeout)
        answer = self.answers.pop(0) if self.answers else b""
        if isinstance(answer, Exception):
            raise answer
        if kind & 0x80:
            data[: len(answer)] = array("B", answer)
            return len(answer)
        return len(data)

    def _note(self, name: str, *arguments: object) -> None:
        if name in self.failing:
            raise self.failing[name]
        self.calls.append((name, *arguments))

    def named(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


def bus_on(backend: Any, present: Callable[[str, int], bool] | None = None, *, windows: bool = False) -> UsbBus:  # noqa: ANN401
    return UsbBus(FastClock(), present, windows=windows, load_backend=lambda: backend)


def test_devices_are_named_by_bus_and_ports(backend: FakeBackend) -> None:
    backend.plug(ports=(2, 3), address=7)
    assert bus_on(backend).devices() == [UsbDevice("1-2.3", 7, 0x1D50, 0x607F, 0x0200, 2, 3)]


def test_hubs_and_root_hubs_are_left_out(backend: FakeBackend) -> None:
    backend.plug(bDeviceClass=9)
    backend.plug().port_numbers = None
    assert bus_on(backend).devices() == []


def test_missing_library_is_its_own_fault() -> None:
    with pytest.raises(UsbLibraryMissing):
        bus_on(None).devices()
    with pytest.raises(UsbLibraryMissing):
        bus_on(None).open("1-1", 1)


def test_a_board_that_enumerated_again_is_not_the_one_that_was_seen(backend: FakeBackend) -> None:
    backend.plug(address=8)
    with pytest.raises(BoardGone):
        bus_on(backend).open("1-2.3", 7)


def test_opening_waits_until_libusb_hears_of_a_board_the_kernel_has() -> None:
    class Late(FakeBackend):
        looks = 0

        def enumerate_devices(self) -> list[SimpleNamespace]:
            self.looks += 1
            return super().enumerate_devices() if self.looks > 3 else []

    backend = Late()
    backend.plug(address=7)
    with bus_on(backend, lambda path, address: (path, address) == ("1-2.3", 7)).open("1-2.3", 7):
        assert backend.named("open_device") == [(7,)]


def test_opening_does_not_wait_for_ever_for_libusb(backend: FakeBackend) -> None:
    with pytest.raises(BoardGone):
        bus_on(backend, lambda path, address: True).open("1-2.3", 7)


@pytest.mark.parametrize(
    ("error", "windows", "kind"),
    [
        (USBError("Access denied", -3, errno.EACCES), False, AccessDenied),
        (NotImplementedError("not supported"), True, DriverMissing),
        (USBError("Resource busy", -6, errno.EBUSY), False, PortBusy),
    ],
)
def test_a_refused_opening_keeps_the_original_error(
    backend: FakeBackend, error: Exception, windows: bool, kind: type[Fault]
) -> None:
    backend.plug(address=7)
    backend.failing["open_device"] = error
    with pytest.raises(kind) as caught:
        bus_on(backend, windows=windows).open("1-2.3", 7)
    assert caught.value.__cause__ is error


def test_a_control_answer_shorter_than_asked_is_returned_as_it_is(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.answers = [b"\x01\x02"]
    with bus_on(backend).open("1-2.3", 7) as pipe:
        assert pipe.control_in(0xC0, 0x50, 0, 20, 64, 500) == b"\x01\x02"
    assert backend.named("ctrl_transfer") == [(0xC0, 0x50, 0, 20, bytes(64), 500)]


def test_data_goes_out_with_the_given_time_limit(backend: FakeBackend) -> None:
    backend.plug(address=7)
    with bus_on(backend).open("1-2.3", 7) as pipe:
        pipe.control_out(0x40, 0x50, 0, 50, b"abc", 250)
    assert backend.named("ctrl_transfer") == [(0x40, 0x50, 0, 50, b"abc", 250)]


def test_no_time_limit_never_means_for_ever(backend: FakeBackend) -> None:
    backend.plug(address=7)
    with bus_on(backend).open("1-2.3", 7) as pipe:
        pipe.control_out(0x40, 0x50, 0, 50, b"", 0)
    assert backend.named("ctrl_transfer") == [(0x40, 0x50, 0, 50, b"", 1)]


def test_vendor_requests_to_the_device_claim_nothing(backend: FakeBackend) -> None:
    backend.plug(address=7)
    with bus_on(backend).open("1-2.3", 7) as pipe:
        pipe.control_in(0xC0, 0x50, 0, 20, 25, 500)
    assert backend.named("claim_interface") == []


def test_class_requests_claim_their_interface_once_and_give_it_back(backend: FakeBackend) -> None:
    backend.plug(address=7)
    with bus_on(backend).open("1-2.3", 7) as pipe:
        pipe.control_in(0xA1, 3, 0, 0, 6, 500)
        pipe.select_alt(0, 1)
        pipe.control_in(0xA1, 3, 0, 0, 6, 500)
    assert backend.named("claim_interface") == [(0,)]
    assert backend.named("set_interface_altsetting") == [(0, 1)]
    assert [call[0] for call in backend.calls[-2:]] == ["release_interface", "close_device"]


def test_a_stalled_transfer_keeps_the_original_error_and_the_pipe_goes_on(backend: FakeBackend) -> None:
    backend.plug(address=7)
    stall = USBError("Pipe error", -9, errno.EPIPE)
    backend.answers = [stall, b"\x00" * 6]
    with bus_on(backend).open("1-2.3", 7) as pipe:
        with pytest.raises(TransferStalled) as caught:
            pipe.control_in(0xA1, 2, 2, 0, 1024, 500)
        assert len(pipe.control_in(0xA1, 3, 0, 0, 6, 500)) == 6
    assert caught.value.__cause__ is stall


def test_no_answer_is_board_silent(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.answers = [USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)]
    with bus_on(backend).open("1-2.3", 7) as pipe, pytest.raises(BoardSilent):
        pipe.control_in(0xA1, 3, 0, 0, 6, 500)


def test_an_io_error_is_board_gone_only_when_the_board_left(backend: FakeBackend) -> None:
    device = backend.plug(address=7)
    backend.answers = [USBError("Input/Output Error", -1, errno.EIO), USBError("Input/Output Error", -1, errno.EIO)]
    with bus_on(backend).open("1-2.3", 7) as pipe:
        with pytest.raises(BusFailed):
            pipe.control_in(0xA1, 3, 0, 0, 6, 500)
        backend.devices.remove(device)
        with pytest.raises(BoardGone):
            pipe.control_in(0xA1, 3, 0, 0, 6, 500)


def test_a_held_interface_is_port_busy(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.failing["claim_interface"] = USBError("Resource busy", -6, errno.EBUSY)
    with bus_on(backend).open("1-2.3", 7) as pipe, pytest.raises(PortBusy):
        pipe.select_alt(0, 0)


def test_closing_never_raises_and_may_be_repeated(backend: FakeBackend) -> None:
    backend.plug(address=7)
    pipe = bus_on(backend).open("1-2.3", 7)
    pipe.select_alt(0, 0)
    backend.failing["release_interface"] = USBError("No such device", -4, errno.ENODEV)
    pipe.close()
    pipe.close()
    assert backend.named("close_device") == [(7,)]
    with pytest.raises(BoardGone):
        pipe.control_in(0xA1, 3, 0, 0, 6, 500)


def test_strings_are_read_without_trailing_nuls(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.answers = [
        b"\x1a\x03" + "CORE DFU \0\0\0".encode("utf-16-le"),
        b"\x1a\x03" + "8D7028785355".encode("utf-16-le"),
    ]
    bus = bus_on(backend)
    assert bus.strings(bus.devices()[0]) == ("CORE DFU ", "8D7028785355")
    assert backend.named("close_device") == [(7,)]


def test_strings_that_stall_are_none(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.answers = [USBError("Pipe error", -9, errno.EPIPE), USBError("Pipe error", -9, errno.EPIPE)]
    bus = bus_on(backend)
    assert bus.strings(bus.devices()[0]) == (None, None)


def test_strings_of_a_board_without_driver_are_none(backend: FakeBackend) -> None:
    backend.plug(address=7)
    backend.failing["open_device"] = NotImplementedError("not supported")
    bus = bus_on(backend, windows=True)
    assert bus.strings(bus.devices()[0]) == (None, None)


def test_the_backend_has_what_the_bus_calls() -> None:
    """The fake above stands for this class; a renamed method would pass unseen without this."""
    from usb.backend.libusb1 import _LibUSB

    for name in vars(FakeBackend):
        if not name.startswith("_") and name not in ("plug", "named"):
            assert callable(getattr(_LibUSB, name))
