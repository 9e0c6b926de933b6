"""Linux: what is plugged in, read from files the kernel keeps, without opening a device.

Works as soon as the kernel knows the device: neither udev nor libusb is needed, and no transfer reaches a board.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from app.transports.base import Sighting

_HUB_CLASS = 0x09  # USB 2.0, bDeviceClass of a hub


class Sysfs:
    """The kernel's list of USB devices.

    Args:
        system: Where sysfs is mounted.
        nodes: Where the device nodes are.
    """

    def __init__(self, system: Path = Path("/sys"), nodes: Path = Path("/dev")) -> None:
        self._bus = system / "bus"
        self._devices = self._bus / "usb" / "devices"
        self._nodes = nodes

    def available(self) -> bool:
        """Whether the kernel tells at all; if it does and has no USB, the list is simply empty."""
        return self._bus.is_dir()

    def sightings(self, interesting: Callable[[int, int], bool]) -> Sequence[Sighting]:
        """List the devices that `interesting` (vendor, product) picks, in the order of their ports."""
        found = (self._sighting(name, interesting) for name in self._names())
        return tuple(sorted((seen for seen in found if seen), key=lambda seen: _port_order(seen.port_path)))

    def names(self) -> tuple[str, ...]:
        """Every device and interface name: cheap to compare, differs when something was plugged or unplugged."""
        try:
            return tuple(sorted(os.listdir(self._devices)))
        except OSError:
            return ()

    def present(self, port_path: str, address: int) -> bool:
        """Whether the device that had this address is still in this port."""
        return self._number(self._devices / port_path / "devnum", 10) == address

    def usb_node(self, port_path: str, address: int) -> Path:
        """The device node that control transfers go through."""
        bus = int(port_path.partition("-")[0])
        return self._nodes / "bus" / "usb" / f"{bus:03d}" / f"{address:03d}"

    def _names(self) -> list[str]:
        # `usb1` is a root hub, `1-2:1.0` an interface.
        return [name for name in self.names() if ":" not in name and not name.startswith("usb")]

    def _sighting(self, name: str, interesting: Callable[[int, int], bool]) -> Sighting | None:
        folder = self._devices / name
        vendor = self._number(folder / "idVendor", 16)
        product = self._number(folder / "idProduct", 16)
        if vendor is None or product is None or not interesting(vendor, product):
            return None
        address = self._number(folder / "devnum", 10)
        release = self._number(folder / "bcdDevice", 16)
        if address is None or release is None or self._number(folder / "bDeviceClass", 16) == _HUB_CLASS:
            return None
        terminal = self._terminal(name)
        node = self.usb_node(name, address) if terminal is None else Path(terminal)
        return Sighting(
            port_path=name,
            address=address,
            vendor=vendor,
            product=product,
            serial=self._text(folder / "serial"),
            product_name=self._text(folder / "product"),
            release=release,
            serial_port=terminal,
            denied=node.exists() and not os.access(node, os.R_OK | os.W_OK),
        )

    def _terminal(self, name: str) -> str | None:
        """The serial port of the lowest interface that has one: further ones belong to the application."""
        try:
            interfaces = sorted(entry for entry in os.listdir(self._devices / name) if entry.startswith(f"{name}:"))
        except OSError:
            return None
        for interface in interfaces:
            try:
                terminals = sorted(os.listdir(self._devices / name / interface / "tty"))
            except OSError:
                continue
            if terminals:
                return str(self._nodes / terminals[0])
        return None

    def _number(self, path: Path, base: int) -> int | None:
        found = self._text(path)
        try:
            return None if found is None else int(found, base)
        except ValueError:
            return None

    def _text(self, path: Path) -> str | None:
        """One attribute without its line end; spaces belong to the device's own text. None if it is not there."""
        try:
            return path.read_bytes().decode("utf-8", "replace").removesuffix("\n").rstrip("\0")
        except OSError:  # unplugged while we look, or the device has no such string
            return None


def _port_order(port_path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in port_path.replace("-", ".").split(".") if part.isdigit())
