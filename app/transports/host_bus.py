"""The computer's own USB and serial ports as one `Bus`."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from app.clock import Clock, Deadline, RealClock
from app.faults import AccessDenied, BoardGone, Fault, PortBusy
from app.transports.base import SerialPipe, Sighting, UsbPipe
from app.transports.changes import Announcements, Comparison, Source, Uevents, WindowsNotices
from app.transports.holder import holder_of
from app.transports.serial_bus import SerialBus, SerialPort
from app.transports.sysfs import Sysfs
from app.transports.usb_bus import UsbBus, UsbDevice

log = logging.getLogger(__name__)

Opened = TypeVar("Opened")

_VENDORS = frozenset({0x1D50, 0x2B04})  # device-protocol.md 1.1; the access rule in resources/udev has the same
_TRIES_FOR_STRINGS = 3
_NEW_NODE_S = 2.0
_PERMISSIONS_WITHIN_S = 1.0
_LOOK_AGAIN_S = 0.05
_PERIOD_S = 0.5
_PERIOD_WITH_NOTICES_S = 2.0


def may_be_a_board(vendor: int, product: int) -> bool:
    """Whether the vendor number is one these boards use, alone or together with strangers."""
    return vendor in _VENDORS


class HostBus:
    """Boards on this computer's cables.

    On Linux, listing reads sysfs only: no transfer, no libusb, no udev. Elsewhere libusb lists, each device's strings
    are read once per enumeration, and serial ports are joined to devices by what the system tells of both.

    Args:
        interesting: Says by vendor and product number which devices are listed. Off Linux a listed device is opened
            once for its strings, so keep mice and keyboards out.
        sysfs: Linux's list of devices; ignored where the kernel has none.
        usb: Opens devices for control transfers.
        ports: Opens serial ports.
        clock: For short waits while opening.
    """

    def __init__(
        self,
        interesting: Callable[[int, int], bool] = may_be_a_board,
        *,
        sysfs: Sysfs | None = None,
        usb: UsbBus | None = None,
        ports: SerialBus | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._interesting = interesting
        self._clock = clock or RealClock()
        self._sysfs = _usable(sysfs or Sysfs())
        self._usb = usb or UsbBus(self._clock, self._sysfs.present if self._sysfs else None)
        self._ports = ports or SerialBus()
        self._strings: dict[UsbDevice, tuple[int, str | None, str | None]] = {}
        self._strings_lock = threading.Lock()
        self._announcements = Announcements()
        self._sources = self._start_sources()

    def sightings(self) -> Sequence[Sighting]:
        """List what is there now, without opening a board's interfaces.

        Raises:
            UsbLibraryMissing: Off Linux, libusb could not be loaded.
            BusFailed: Off Linux, libusb could not list.
        """
        self._announcements.catch_up()
        if self._sysfs:
            return self._sysfs.sightings(self._interesting)
        devices = [found for found in self._usb.devices() if self._interesting(found.vendor, found.product)]
        port_of = join(devices, self._ports.ports() if devices else ())
        return tuple(self._sighting(device, port_of.get(device)) for device in devices)

    def open_usb(self, sighting: Sighting) -> UsbPipe:
        """Open it for control transfers."""
        node = self._sysfs.usb_node(sighting.port_path, sighting.address) if self._sysfs else None
        return self._open(node, lambda: self._usb.open(sighting.port_path, sighting.address))

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        """Open its serial port with DTR set; the baud rate is sent before anything else."""
        name = sighting.serial_port
        if name is None:
            raise BoardGone(f"the board at port {sighting.port_path} has no serial port")
        if self._sysfs and not self._sysfs.present(sighting.port_path, sighting.address):
            # Its name may belong to another board by now.
            raise BoardGone(f"nothing at port {sighting.port_path} with address {sighting.address}")
        return self._open(Path(name) if self._sysfs else None, lambda: self._ports.open(name, baud))

    def wait_for_change(self, seconds: float) -> bool:
        """Sleep until something may have been plugged or unplugged (True), or the time is over (False).

        A change is announced at once and again about 0.2 s later, when permissions have settled. Each thread is told
        of every change since it last listed or waited, so none is lost in between.
        """
        return self._announcements.wait(seconds)

    def wake(self) -> None:
        """End every `wait_for_change` under way, from another thread; they return True."""
        self._announcements.announce()

    def close(self) -> None:
        """Let go of the operating system's resources; never raises."""
        for source in self._sources:
            try:
                source.close()
            except OSError:
                log.warning("a source of bus changes did not close", exc_info=True)
        self._sources = ()
        self._announcements.close()

    def _start_sources(self) -> tuple[Source, ...]:
        announce = self._announcements.announce
        if self._sysfs:
            try:
                return (Uevents(announce),)
            except OSError:
                log.info("no kernel announcements here, comparing instead", exc_info=True)
            return (Comparison(announce, self._sysfs.names, _PERIOD_S),)
        if sys.platform == "win32":
            comparison = Comparison(announce, self._fingerprint, _PERIOD_WITH_NOTICES_S)
            try:
                return (WindowsNotices(comparison.look), comparison)
            except OSError:
                log.info("no device notices here, comparing instead", exc_info=True)
                comparison.close()
        return (Comparison(announce, self._fingerprint, _PERIOD_S),)

    def _fingerprint(self) -> object:
        """What differs when a board came or went: devices by libusb, and on a Mac the names of serial ports."""
        try:
            devices: Sequence[UsbDevice] = self._usb.devices()
        except Fault:
            devices = ()
        nodes = sorted(path.name for path in Path("/dev").glob("cu.*")) if sys.platform == "darwin" else []
        return devices, nodes

    def _sighting(self, device: UsbDevice, port: SerialPort | None) -> Sighting:
        product_name, serial = self._strings_of(device)
        return Sighting(
            port_path=device.port_path,
            address=device.address,
            vendor=device.vendor,
            product=device.product,
            serial=serial or (port.serial if port else None),
            product_name=product_name,
            release=device.release,
            serial_port=port.name if port else None,
        )

    def _strings_of(self, device: UsbDevice) -> tuple[str | None, str | None]:
        """Read the strings once per enumeration; a device that tells nothing is asked a few times, then left alone."""
        with self._strings_lock:
            for other in [kept for kept in self._strings if kept.port_path == device.port_path and kept != device]:
                del self._strings[other]
            tries, product_name, serial = self._strings.get(device, (0, None, None))
            if product_name is None and serial is None and tries < _TRIES_FOR_STRINGS:
                product_name, serial = self._usb.strings(device)
                self._strings[device] = (tries + 1, product_name, serial)
            return product_name, serial

    def _open(self, node: Path | None, opening: Callable[[], Opened]) -> Opened:
        """Open, allow a new device node a moment for its permissions, and name who holds a busy one."""
        deadline = Deadline(self._clock, _PERMISSIONS_WITHIN_S)
        while True:
            try:
                return opening()
            except AccessDenied:
                if node is None or deadline.passed() or not _is_new(node):
                    raise
                self._clock.pause(_LOOK_AGAIN_S)
            except PortBusy as busy:
                holder = holder_of(str(node)) if node else None
                if holder is None:
                    raise
                raise PortBusy(f"{node} is held by {holder}; {busy.detail}", program=holder) from busy.__cause__


def join(devices: Sequence[UsbDevice], ports: Sequence[SerialPort]) -> dict[UsbDevice, SerialPort]:
    """Say which serial port belongs to which device, where both come from different lists of the system.

    The place is the best evidence, then the only one of its kind. A port that fits several devices equally well is
    given to none: better no console than another board's.
    """
    joined: dict[UsbDevice, SerialPort] = {}
    left = sorted(ports, key=lambda port: port.name)
    for same in (_same_location, _same_ports, _same_kind):
        for port in tuple(left):
            fitting = [device for device in devices if device not in joined and same(device, port)]
            alone = not any(same(device, other) for device in fitting for other in left if other != port)
            if port in left and len(fitting) == 1 and (alone or same is not _same_kind):
                joined[fitting[0]] = port
                # Further ports in the same place are the application's (device-protocol.md 1.6).
                left = [other for other in left if other != port and not _same_place(other, port)]
    return joined


def _same_place(one: SerialPort, other: SerialPort) -> bool:
    return one.location is not None and one.location == other.location


def _same_kind(device: UsbDevice, port: SerialPort) -> bool:
    return (device.vendor, device.product) == (port.vendor, port.product)


def _same_location(device: UsbDevice, port: SerialPort) -> bool:
    return _same_kind(device, port) and device.port_path == port.location


def _same_ports(device: UsbDevice, port: SerialPort) -> bool:
    # Windows: libusb and the registry number the buses differently, the ports alike.
    return (
        _same_kind(device, port)
        and port.location is not None
        and device.port_path.partition("-")[2] == port.location.partition("-")[2]
    )


def _usable(sysfs: Sysfs) -> Sysfs | None:
    return sysfs if sysfs.available() else None


def _is_new(node: Path) -> bool:
    try:
        return time.time() - os.stat(node).st_ctime < _NEW_NODE_S
    except OSError:
        return False
