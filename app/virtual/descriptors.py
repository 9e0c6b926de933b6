"""Descriptors as the boards send them, and the standard requests that every enumeration answers."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum, unique
from functools import lru_cache

from app.virtual.face import Stall
from app.virtual.personality import Family, Firmware, Kind, Personality, serial_text


# USB 2.0 tables 9-4 and 9-5.
@unique
class Standard(IntEnum):
    """bRequest of a standard request."""

    GET_STATUS = 0
    CLEAR_FEATURE = 1
    SET_FEATURE = 3
    SET_ADDRESS = 5
    GET_DESCRIPTOR = 6
    GET_CONFIGURATION = 8
    SET_CONFIGURATION = 9
    GET_INTERFACE = 10
    SET_INTERFACE = 11


DEVICE = 1
CONFIGURATION = 2
STRING = 3
DFU_FUNCTIONAL = 0x21

LANGUAGES = bytes((4, STRING, 0x09, 0x04))  # LangID 0x0409
MICROSOFT_STRING = 0xEE
MICROSOFT_VENDOR_CODE = 0xEE  # 1.5
MICROSOFT_GUID = "{37fb5f90-1a34-4929-933b-8a27e1850033}"  # 1.5

CORE_TRANSFER_SIZE = 1024  # 1.2
F2_TRANSFER_SIZE = 4096  # 1.5
# The strings are 48 characters long although their texts are shorter: the rest is NULs (1.2).
CORE_LAYOUT_CHARACTERS = 48


@dataclass(frozen=True, slots=True)
class Setup:
    """The 8 bytes that begin a control transfer, taken apart."""

    request_type: int
    request: int
    value: int
    index: int
    length: int

    @classmethod
    def parse(cls, setup: bytes) -> Setup:
        """Take the 8 bytes apart."""
        return _parsed(setup)

    @property
    def inward(self) -> bool:
        """Whether the data stage goes to the host."""
        return bool(self.request_type & 0x80)

    @property
    def standard(self) -> bool:
        """Whether this is a standard request."""
        return self.request_type & 0x60 == 0x00

    @property
    def vendor(self) -> bool:
        """Whether this is a vendor request."""
        return self.request_type & 0x60 == 0x40


@lru_cache(maxsize=256)
def _parsed(setup: bytes) -> Setup:
    """Take them apart once: nearly all transfers begin with the same few."""
    return Setup(*struct.unpack("<BBHHH", setup))


@dataclass(slots=True)
class Descriptors:
    """Everything one enumeration describes itself with, and its standard state.

    Attributes:
        device: Device descriptor, 18 bytes.
        configuration: Configuration with all that belongs to it.
        strings: String descriptors by index, complete with length and type.
        alts: Number of alternate settings each interface accepts.
        last_string: Indices up to here do not stall even where no string is (1.2).
        functional: DFU functional descriptor; empty outside DFU mode.
        microsoft: Whether Microsoft OS descriptors are answered.
    """

    device: bytes
    configuration: bytes
    strings: dict[int, bytes]
    alts: tuple[int, ...]
    last_string: int = 0
    functional: bytes = b""
    microsoft: bool = False
    configured: int = 0
    alt: dict[int, int] = field(default_factory=dict)

    def text(self, index: int) -> str | None:
        """Return a string without trailing NULs, as an operating system shows it; None where there is none."""
        raw = self.strings.get(index)
        return None if raw is None else raw[2:].decode("utf-16-le").rstrip("\0")

    def standard(self, setup: Setup) -> bytes:
        """Answer a standard request.

        Raises:
            Stall: The request is not known.
        """
        match setup.request:
            case Standard.GET_DESCRIPTOR:
                return self._descriptor(setup)[: setup.length]
            case Standard.GET_CONFIGURATION:
                return bytes((self.configured,))[: setup.length]
            case Standard.SET_CONFIGURATION if setup.value in (0, 1):
                self.configured = setup.value
                self.alt.clear()
                return b""
            case Standard.GET_INTERFACE if setup.index < len(self.alts):
                return bytes((self.alt.get(setup.index, 0),))[: setup.length]
            case Standard.SET_INTERFACE if setup.index < len(self.alts) and setup.value < self.alts[setup.index]:
                self.alt[setup.index] = setup.value
                return b""
            case Standard.GET_STATUS:
                # Self powered; an endpoint or interface has nothing to say.
                return bytes((setup.request_type & 0x1F == 0, 0))[: setup.length]
            case Standard.CLEAR_FEATURE | Standard.SET_FEATURE | Standard.SET_ADDRESS:
                return b""
        raise Stall

    def microsoft_descriptor(self, setup: Setup) -> bytes:
        """Answer the vendor request for a Microsoft OS 1.0 feature descriptor.

        Raises:
            Stall: Not one of the two that exist.
        """
        match setup.index:
            case 4:  # extended compat id
                return compatible_id()[: setup.length]
            case 5:  # extended properties
                return extended_properties()[: setup.length]
        raise Stall

    def _descriptor(self, setup: Setup) -> bytes:
        kind, index = setup.value >> 8, setup.value & 0xFF
        if kind == DEVICE:
            return self.device
        if kind == CONFIGURATION and index == 0:
            return self.configuration
        if kind == DFU_FUNCTIONAL and self.functional:
            return self.functional
        if kind == STRING and index in self.strings:
            return self.strings[index]
        if kind == STRING and index <= self.last_string:
            return bytes((0x36, 0x00, 0x00, 0x20, 0xFF, 0x47, 0x70, 0x47))  # whatever lies in memory there
        raise Stall  # device qualifier (6) too: full speed only


def string_descriptor(text: str, characters: int = 0) -> bytes:
    """Return a string descriptor, filled up with NULs to that many characters."""
    body = text.ljust(characters, "\0").encode("utf-16-le")
    return bytes((2 + len(body), STRING)) + body


def compatible_id() -> bytes:
    """Return the extended compat id descriptor: WINUSB for the first interface."""
    section = bytes((0, 1)) + b"WINUSB\0\0" + bytes(8) + bytes(6)
    return struct.pack("<IHHB7x", 16 + len(section), 0x0100, 4, 1) + section


def extended_properties() -> bytes:
    """Return the extended properties descriptor with the interface GUID."""
    name = "DeviceInterfaceGUID\0".encode("utf-16-le")
    value = (MICROSOFT_GUID + "\0").encode("utf-16-le")
    section = struct.pack("<IIH", 14 + len(name) + len(value), 1, len(name)) + name
    section += struct.pack("<I", len(value)) + value
    return struct.pack("<IHHH", 10 + len(section), 0x0100, 5, 1) + section


def _device(usb: int, of_class: tuple[int, int, int], ids: tuple[int, int], release: int) -> bytes:
    return struct.pack("<BBHBBBBHHHBBBB", 18, DEVICE, usb, *of_class, 64, *ids, release, 1, 2, 3, 1)


def _configuration(body: bytes, interfaces: int, index: int, power: int) -> bytes:
    return struct.pack("<BBHBBBBB", 9, CONFIGURATION, 9 + len(body), interfaces, 1, index, 0xC0, power) + body


def _interface(number: int, alt: int, endpoints: int, of_class: tuple[int, int, int], index: int) -> bytes:
    return bytes((9, 4, number, alt, endpoints, *of_class, index))


def _endpoint(address: int, attributes: int, size: int, interval: int) -> bytes:
    return struct.pack("<BBBBHB", 7, 5, address, attributes, size, interval)


def _functional(transfer_size: int) -> bytes:
    return struct.pack("<BBBHHH", 9, DFU_FUNCTIONAL, 0x0B, 255, transfer_size, 0x011A)


def core_dfu(board: Personality, device_id: str) -> Descriptors:
    """Return the Core's boot loader (1.2)."""
    functional = _functional(CORE_TRANSFER_SIZE)
    body = b"".join(_interface(0, alt, 0, (0xFE, 1, 2), 4 + alt) for alt in (0, 1)) + functional
    strings = {0: LANGUAGES, 1: string_descriptor(board.boot.manufacturer), 2: string_descriptor("CORE DFU ")}
    strings[3] = string_descriptor(serial_text(board.dfu_serial, device_id, ""))
    for alt, layout in enumerate(board.kind.layouts):
        strings[4 + alt] = string_descriptor(layout, CORE_LAYOUT_CHARACTERS)
    return Descriptors(
        device=_device(0x0100, (0, 0, 0), board.kind.dfu, board.boot.release),
        configuration=_configuration(body, 1, 0, 0x32),
        strings=strings,
        alts=(4, 4, 4),  # alt <= 3 and interface <= 2 do not stall
        last_string=8,
        functional=functional,
    )


def f2_dfu(board: Personality, device_id: str) -> Descriptors:
    """Return the boot loader of a Photon, P1 or Electron (1.5).

    The indices of the layout strings have no source; 4 and 5 are the configuration's and the interface's names.
    """
    functional = _functional(F2_TRANSFER_SIZE)
    layouts = board.kind.layouts
    body = b"".join(_interface(0, alt, 0, (0xFE, 1, 2), 6 + alt) for alt in range(len(layouts))) + functional
    name = "Photon" if board.boot.early_product else board.kind.name
    strings = {
        0: LANGUAGES,
        1: string_descriptor(board.boot.manufacturer),
        2: string_descriptor(f"{name} DFU Mode"),
        3: string_descriptor(serial_text(board.dfu_serial, device_id, "00000000010C")),
        4: string_descriptor("DFU Config"),
        5: string_descriptor("DFU Interface"),
        **{6 + alt: string_descriptor(layout) for alt, layout in enumerate(layouts)},
    }
    if board.boot.microsoft:
        strings[MICROSOFT_STRING] = _microsoft_string()
    return Descriptors(
        device=_device(0x0200, (0, 0, 0), board.kind.dfu, board.boot.release),
        configuration=_configuration(body, 1, 2, 0x32),
        strings=strings,
        alts=(len(layouts),),
        functional=functional,
        microsoft=board.boot.microsoft,
    )


@dataclass(frozen=True, slots=True)
class SerialEndpoints:
    """Endpoint addresses of a serial port."""

    command: int
    to_board: int
    to_host: int


def endpoints(kind: Kind, firmware: Firmware) -> SerialEndpoints:
    """Return the endpoints of the first serial port (1.3, 1.6)."""
    if kind.family is Family.F1:
        return SerialEndpoints(command=0x82, to_board=0x03, to_host=0x81)
    if not firmware.at_least(0, 6, 0):
        return SerialEndpoints(command=0x82, to_board=0x01, to_host=0x81)
    return SerialEndpoints(command=0x8A if kind.key == "electron" else 0x83, to_board=0x01, to_host=0x81)


def cdc(board: Personality, device_id: str) -> Descriptors:
    """Return the serial port of the running firmware: Core (1.3), Photon and its family (1.6)."""
    kind, firmware = board.kind, board.firmware
    found = endpoints(kind, firmware)
    port = b"".join(
        (
            _interface(0, 0, 1, (2, 2, 1), 0),
            bytes((5, 0x24, 0x00, 0x10, 0x01)),  # header, CDC 1.10
            bytes((5, 0x24, 0x01, 0x00, 0x01)),  # call management
            bytes((4, 0x24, 0x02, 0x02)),  # ACM: line coding and control line state
            bytes((5, 0x24, 0x06, 0x00, 0x01)),  # union
            _endpoint(found.command, 3, 8, 255),
            _interface(1, 0, 2, (0x0A, 0, 0), 0),
            _endpoint(found.to_board, 2, 64, 0),
            _endpoint(found.to_host, 2, 64, 0),
        )
    )
    serial = serial_text(board.cdc_serial, device_id, "00000000050C")
    strings = {0: LANGUAGES, 3: string_descriptor(serial)}
    renamed = firmware.at_least(0, 4, 4)  # "later builds" (1.3); this release is a guess from 1.2 and 1.5
    if kind.family is Family.F1:
        maker = "Particle          " if renamed else "Spark Devices     "
        strings |= {1: string_descriptor(maker), 2: string_descriptor(kind.early_product)}
        return Descriptors(
            device=_device(0x0200, (2, 0, 0), kind.cdc, 0x0200),
            configuration=_configuration(port, 2, 0, 450 // 2),
            strings=strings,
            alts=(1, 1),
        )
    if not firmware.at_least(0, 6, 0):
        maker = "Particle" if renamed else "Spark Devices"
        strings |= {1: string_descriptor(maker), 2: string_descriptor(kind.early_product)}
        return Descriptors(
            device=_device(0x0200, (2, 0, 0), kind.cdc, 0x0200),
            configuration=_configuration(port, 2, 0, 0x32),
            strings=strings,
            alts=(1, 1),
        )
    strings |= {
        1: string_descriptor("Particle"),
        2: string_descriptor(kind.name),
        4: string_descriptor("Composite"),
        MICROSOFT_STRING: _microsoft_string(),
    }
    # The interface for vendor requests: that it exists is in 1.6, its number and class are a guess.
    body = bytes((8, 0x0B, 0, 2, 2, 2, 1, 0)) + port + _interface(2, 0, 0, (0xFF, 0xFF, 0xFF), 0)
    return Descriptors(
        device=_device(0x0200, (0xEF, 2, 1), kind.cdc, 0x0250),
        configuration=_configuration(body, 3, 4, 0x32),
        strings=strings,
        alts=(1, 1, 1),
        microsoft=True,
    )


def _microsoft_string() -> bytes:
    return bytes((18, STRING)) + "MSFT100".encode("utf-16-le") + bytes((MICROSOFT_VENDOR_CODE, 0))


def for_dfu(board: Personality, device_id: str) -> Descriptors:
    """Return what the board describes itself with in DFU mode."""
    return core_dfu(board, device_id) if board.kind.family is Family.F1 else f2_dfu(board, device_id)
