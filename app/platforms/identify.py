"""Which board is this, and what do its USB numbers prove? Pure functions over the board table."""

from __future__ import annotations

import re
import struct

from app.platforms.model import BootLoader, Mode, Platform, SerialForm
from app.platforms.table import PLATFORMS

# 1.4: the same on every board of firmware and boot loaders up to 0.5.x: CDC, DFU, DFU of the high-speed build.
CONSTANT_SERIALS = frozenset({"00000000050C", "00000000010C", "00000000010B"})

_DEVICE_ID = re.compile(r"[0-9A-Fa-f]{24}")
_HASH_12 = re.compile(r"[0-9A-F]{12}")
_ID_LOWER = re.compile(r"[0-9a-f]{24}")
_ID_UPPER = re.compile(r"[0-9A-F]{24}")


def identify(vendor: int, product: int, product_name: str | None = None) -> tuple[Platform, Mode] | None:
    """Tell which board announces these USB ids, and in which mode.

    Prototypes of the Photon announce the Core's ids (device-protocol.md 1.1). They are told apart by their product
    name, and are no board of ours.

    Args:
        vendor: idVendor.
        product: idProduct.
        product_name: iProduct, when it could be read.

    Returns:
        The board and NORMAL or DFU; None for anything else.
    """
    for platform in PLATFORMS:
        for mode, usb_id in platform.ids.items():
            if (usb_id.vendor, usb_id.product) == (vendor, product):
                stranger = platform.shares_ids and _belongs_to_another(platform, product_name)
                return None if stranger else (platform, mode)
    return None


def _belongs_to_another(platform: Platform, product_name: str | None) -> bool:
    """Whether some other board, and not this one, announces this product name."""
    name = _clean(product_name)
    return name not in _product_names(platform) and any(name in _product_names(other) for other in PLATFORMS)


def _product_names(platform: Platform) -> set[str]:
    return {look.product for look in platform.firmware_looks} | {known.product for known in platform.boot_loaders}


def _clean(descriptor: str | None) -> str:
    """Drop the NULs and blanks that old firmware leaves at the end of its strings (1.2)."""
    return (descriptor or "").split("\0", 1)[0].strip()


def serial_form(serial: str | None) -> SerialForm | None:
    """Tell what kind of iSerialNumber this is (device-protocol.md 1.4).

    24 digits without a letter count as lower case: they are the device ID either way.

    Returns:
        None when it is none of ours, or could not be read.
    """
    digits = _clean(serial)
    if digits in CONSTANT_SERIALS:
        return SerialForm.CONSTANT
    if _HASH_12.fullmatch(digits):
        return SerialForm.HASH_12
    if _ID_LOWER.fullmatch(digits):
        return SerialForm.ID_24_LOWER
    if _ID_UPPER.fullmatch(digits):
        return SerialForm.ID_24_UPPER
    return None


def boot_loader_of(platform: Platform, serial: str | None, release: int) -> BootLoader | None:
    """Tell the boot loader's generation of a board in DFU mode.

    Some generations look the same from outside. Then the oldest counts: on a Core it is the usual one by far, and
    on the others it is the worse one, so believing in it is the careful choice.

    Args:
        platform: Which board it is.
        serial: iSerialNumber in DFU mode.
        release: bcdDevice in DFU mode.

    Returns:
        None when nothing in the table looks like this.
    """
    form = serial_form(serial)
    for boot_loader in platform.boot_loaders:
        if boot_loader.serial_form is form and release in boot_loader.releases:
            return boot_loader
    return None


def core_serial(device_id: str) -> str:
    """Return the serial number a Core makes of its device ID (device-protocol.md 1.4).

    Args:
        device_id: 24 hex digits, either case.

    Returns:
        12 upper-case hex digits.

    Raises:
        ValueError: It is not a device ID.
    """
    first, second, third = struct.unpack("<3I", bytes.fromhex(_checked(device_id)))
    return f"{(first + third) & 0xFFFFFFFF:08X}{second >> 16:04X}"


def serial_matches(platform: Platform, device_id: str, serial: str | None) -> bool | None:
    """Tell whether a serial number can belong to the board of this device ID.

    Args:
        platform: Which board it is; only the Core hashes its ID.
        device_id: 24 hex digits, either case.
        serial: iSerialNumber in any mode.

    Returns:
        True or False when the serial number proves it, None when it says nothing.

    Raises:
        ValueError: `device_id` is not a device ID.
    """
    wanted = _checked(device_id)
    digits = _clean(serial)
    match serial_form(serial):
        case SerialForm.ID_24_LOWER | SerialForm.ID_24_UPPER:
            return digits.lower() == wanted
        case SerialForm.HASH_12 if _hashes(platform):
            return digits == core_serial(wanted)
        case _:
            return None


def _hashes(platform: Platform) -> bool:
    return any(boot_loader.serial_form is SerialForm.HASH_12 for boot_loader in platform.boot_loaders)


def _checked(device_id: str) -> str:
    """Return the device ID in lower case."""
    if not _DEVICE_ID.fullmatch(device_id):
        raise ValueError("a device ID has 24 hex digits")
    return device_id.lower()
