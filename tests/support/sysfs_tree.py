"""A folder that looks like the kernel's USB part of sysfs and /dev."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class SysfsTree:
    """Plug and unplug devices by making and removing the files the kernel would."""

    def __init__(self, root: Path) -> None:
        self.system = root / "sys"
        self.nodes = root / "dev"
        self.devices = self.system / "bus" / "usb" / "devices"
        self.devices.mkdir(parents=True)
        self.nodes.mkdir()

    def plug(
        self,
        name: str = "1-2.3",
        *,
        address: int = 7,
        vendor: str = "1d50",
        product: str = "607f",
        serial: bytes | None = b"8D7028785355",
        product_name: bytes | None = b"CORE DFU ",
        device_class: str = "00",
        terminals: tuple[str, ...] = (),
    ) -> Path:
        folder = self.devices / name
        folder.mkdir()
        values: dict[str, bytes | None] = {
            "idVendor": vendor.encode(),
            "idProduct": product.encode(),
            "devnum": str(address).encode(),
            "bcdDevice": b"0250",
            "bDeviceClass": device_class.encode(),
            "serial": serial,
            "product": product_name,
        }
        for attribute, value in values.items():
            if value is not None:
                (folder / attribute).write_bytes(value + b"\n")
        for number, terminal in enumerate(terminals):
            (folder / f"{name}:1.{2 * number}" / "tty" / terminal).mkdir(parents=True)
            (folder / f"{name}:1.{2 * number + 1}").mkdir()
            (self.nodes / terminal).touch()
        self.node(name, address).parent.mkdir(parents=True, exist_ok=True)
        self.node(name, address).touch()
        return folder

    def node(self, name: str, address: int) -> Path:
        return self.nodes / "bus" / "usb" / f"{int(name.split('-')[0]):03d}" / f"{address:03d}"

    def unplug(self, name: str, address: int) -> None:
        shutil.rmtree(self.devices / name)
        os.unlink(self.node(name, address))
