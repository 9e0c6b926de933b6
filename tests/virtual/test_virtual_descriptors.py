"""What the boards describe themselves with (device-protocol.md 1)."""

from __future__ import annotations

import struct

import pytest
from support.virtual_desk import Desk

from app.virtual.catalogue import HEALTHY_BOARDS
from app.virtual.face import Stall, UsbFace


def split(configuration: bytes) -> list[bytes]:
    """Cut a configuration into its descriptors."""
    parts = []
    while configuration:
        parts.append(configuration[: configuration[0]])
        configuration = configuration[configuration[0] :]
    return parts


def string(desk: Desk, index: int) -> bytes:
    return desk.control_in(0x80, 6, 0x0300 | index, 0x0409, 255)


def text(desk: Desk, index: int) -> str:
    return string(desk, index)[2:].decode("utf-16-le")


def test_core_in_dfu_mode_describes_itself_byte_by_byte() -> None:
    desk = Desk("core")
    face: UsbFace = desk.dfu().face
    assert face.device_descriptor().hex(" ") == "12 01 00 01 00 00 00 40 50 1d 7f 60 00 02 01 02 03 01"
    assert face.configuration_descriptor() == bytes.fromhex(
        "09 02 24 00 01 01 00 C0 32 09 04 00 00 00 FE 01 02 04 09 04 00 01 00 FE 01 02 05 09 21 0B FF 00 00 04 1A 01"
    )


def test_core_strings_in_dfu_mode_have_the_lengths_and_nuls_of_the_boot_loader() -> None:
    desk = Desk("core")
    desk.dfu()
    assert string(desk, 0) == bytes.fromhex("04030904")
    assert [string(desk, index)[0] for index in range(1, 6)] == [38, 20, 26, 98, 98]
    assert [len(string(desk, index)) for index in range(1, 6)] == [38, 20, 26, 98, 98]
    assert text(desk, 1) == "Spark Devices     "
    assert text(desk, 2) == "CORE DFU "
    assert text(desk, 3) == "8D8154934854"
    assert text(desk, 4) == "@Internal Flash  /0x08000000/20*001Ka,108*001Kg\0"
    assert text(desk, 5) == "@SPI Flash : SST25x/0x00000000/512*04Kg" + "\0" * 9


def test_core_string_indices_up_to_8_do_not_stall() -> None:
    desk = Desk("core")
    desk.dfu()
    for index in (6, 7, 8):
        assert string(desk, index)
    with pytest.raises(Stall):
        string(desk, 9)


def test_core_in_normal_mode_is_a_serial_port_of_67_bytes() -> None:
    face = Desk("core-0.5").face
    assert face.device_descriptor().hex(" ") == "12 01 00 02 02 00 00 40 50 1d 7d 60 00 02 01 02 03 01"
    configuration = face.configuration_descriptor()
    assert len(configuration) == 67
    assert configuration[:9] == bytes.fromhex("09 02 43 00 02 01 00 C0 E1")
    endpoints = [part for part in split(configuration) if part[1] == 5]
    assert [(part[2], part[3], struct.unpack_from("<H", part, 4)[0]) for part in endpoints] == [
        (0x82, 3, 8),
        (0x03, 2, 64),
        (0x81, 2, 64),
    ]


@pytest.mark.parametrize(("name", "alts"), [("photon", 2), ("photon-0.5", 2), ("p1", 3), ("electron", 2)])
def test_later_boards_in_dfu_mode_have_one_interface_per_alternate_setting(name: str, alts: int) -> None:
    face = Desk(name).dfu().face
    configuration = face.configuration_descriptor()
    assert configuration[:9] == bytes((9, 2, 18 + 9 * alts, 0, 1, 1, 2, 0xC0, 0x32))
    assert [part[3] for part in split(configuration) if part[1] == 4] == list(range(alts))
    assert split(configuration)[-1] == bytes.fromhex("09 21 0B FF 00 00 10 1A 01")
    assert face.device_descriptor()[2:4] == b"\x00\x02"


@pytest.mark.parametrize(
    ("name", "ids", "product", "release", "serial"),
    [
        ("photon-0.5", (0x2B04, 0xD006), "Photon DFU Mode", 0x0200, "00000000010C"),
        ("photon-0.6", (0x2B04, 0xD006), "Photon DFU Mode", 0x0250, "3B0025000647343138333038"),
        ("photon-0.7", (0x2B04, 0xD006), "Photon DFU Mode", 0x0250, "270038000f47353136383631"),
        ("p1", (0x2B04, 0xD008), "P1 DFU Mode", 0x0250, "440042000c51353532343635"),
        ("electron", (0x2B04, 0xD00A), "Electron DFU Mode", 0x0250, "560053000a51363432383136"),
    ],
)
def test_names_and_serials_in_dfu_mode(
    name: str, ids: tuple[int, int], product: str, release: int, serial: str
) -> None:
    desk = Desk(name)
    desk.dfu()
    sighting = desk.bus.sightings()[0]
    assert (sighting.vendor, sighting.product) == ids
    assert sighting.product_name == product
    assert sighting.release == release
    assert sighting.serial == serial
    assert text(desk, 1) == "Particle"
    assert [text(desk, 6), text(desk, 7)] == [
        "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg",
        "@DCT Flash   /0x00000000/01*016Kg",
    ]


def test_early_boot_loaders_call_every_board_a_photon() -> None:
    desk = Desk("p1", boot="0.5")
    desk.dfu()
    assert desk.bus.sightings()[0].product_name == "Photon DFU Mode"


@pytest.mark.parametrize(
    ("name", "ids", "product", "release", "serial"),
    [
        ("core-0.5", (0x1D50, 0x607D), "Spark Core with WiFi    ", 0x0200, "8D80306E5055"),
        ("core-0.7", (0x1D50, 0x607D), "Spark Core with WiFi    ", 0x0200, "50FF6C065067545639190387"),
        ("photon-0.5", (0x2B04, 0xC006), "Photon with WiFi", 0x0200, "00000000050C"),
        ("photon-0.6", (0x2B04, 0xC006), "Photon", 0x0250, "3B0025000647343138333038"),
        ("photon", (0x2B04, 0xC006), "Photon", 0x0250, "2a0047001247353236343033"),
        ("p1", (0x2B04, 0xC008), "P1", 0x0250, "440042000c51353532343635"),
        ("electron", (0x2B04, 0xC00A), "Electron", 0x0250, "560053000a51363432383136"),
    ],
)
def test_names_and_serials_in_normal_mode(
    name: str, ids: tuple[int, int], product: str, release: int, serial: str
) -> None:
    sighting = Desk(name).bus.sightings()[0]
    assert (sighting.vendor, sighting.product) == ids
    assert sighting.product_name == product
    assert sighting.release == release
    assert sighting.serial == serial
    assert sighting.serial_port == "/dev/ttyVIRTUAL0"


@pytest.mark.parametrize("name", [name for name in HEALTHY_BOARDS if name != "core"])
def test_serial_port_can_be_driven_by_a_kernel(name: str) -> None:
    configuration = Desk(name).face.configuration_descriptor()
    parts = split(configuration)
    assert struct.unpack_from("<H", configuration, 2)[0] == len(configuration)
    assert all(len(part) == part[0] for part in parts)
    interfaces = [part for part in parts if part[1] == 4]
    assert configuration[4] == len(interfaces)
    assert [part[2] for part in interfaces] == list(range(len(interfaces)))
    assert [part[5:8] for part in interfaces[:2]] == [bytes((2, 2, 1)), bytes((10, 0, 0))]
    assert sum(part[4] for part in interfaces) == len([part for part in parts if part[1] == 5])
    functional = [part[2] for part in parts if part[1] == 0x24]
    assert functional == [0, 1, 2, 6], "header, call management, ACM, union"
    union = next(part for part in parts if part[1:3] == b"\x24\x06")
    assert union[3:] == bytes((0, 1))


def test_composite_device_binds_its_two_serial_interfaces_together() -> None:
    desk = Desk("photon")
    assert desk.face.device_descriptor()[4:7] == bytes((0xEF, 2, 1))
    assert split(desk.face.configuration_descriptor())[1] == bytes((8, 0x0B, 0, 2, 2, 2, 1, 0))
    assert text(desk, 4) == "Composite"


def test_command_endpoint_of_the_electron_is_a_dummy() -> None:
    assert [Desk(name).face.serial.command for name in ("photon", "electron")] == [0x83, 0x8A]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["photon-0.6", "photon", "p1", "electron"])
def test_microsoft_descriptors_name_winusb_and_the_interface(name: str) -> None:
    desk = Desk(name)
    desk.dfu()
    assert string(desk, 0xEE) == bytes.fromhex("12 03 4D 00 53 00 46 00 54 00 31 00 30 00 30 00 EE 00")
    compatible = desk.control_in(0xC0, 0xEE, 0, 4, 255)
    assert struct.unpack_from("<IHHB", compatible) == (40, 0x0100, 4, 1)
    assert compatible[18:26] == b"WINUSB\0\0"
    properties = desk.control_in(0xC1, 0xEE, 0, 5, 255)
    assert struct.unpack_from("<I", properties)[0] == len(properties)
    assert "{37fb5f90-1a34-4929-933b-8a27e1850033}".encode("utf-16-le") in properties


@pytest.mark.parametrize("name", ["core", "photon-0.5"])
def test_early_boards_have_no_microsoft_descriptors(name: str) -> None:
    desk = Desk(name)
    desk.dfu()
    with pytest.raises(Stall):
        string(desk, 0xEE if name == "photon-0.5" else 9)
    with pytest.raises(Stall):
        desk.control_in(0xC0, 0xEE, 0, 4, 255)


@pytest.mark.parametrize("name", ["core-0.5", "photon"])
@pytest.mark.parametrize("dfu", [False, True])
def test_standard_requests_of_an_enumeration(name: str, dfu: bool) -> None:
    desk = Desk(name)
    if dfu:
        desk.dfu()
    assert desk.control_in(0x80, 6, 0x0100, 0, 8) == desk.face.device_descriptor()[:8]
    assert desk.control_in(0x80, 6, 0x0200, 0, 9) == desk.face.configuration_descriptor()[:9]
    with pytest.raises(Stall):
        desk.control_in(0x80, 6, 0x0600, 0, 10)  # device qualifier
    assert desk.control_in(0x80, 8, 0, 0, 1) == b"\0"
    desk.control_out(0x00, 5, 7, 0)
    desk.control_out(0x00, 9, 1, 0)
    assert desk.control_in(0x80, 8, 0, 0, 1) == b"\x01"
    assert desk.control_in(0x80, 0, 0, 0, 2) == b"\x01\0"
    assert desk.control_in(0x81, 10, 0, 0, 1) == b"\0"
    desk.control_out(0x02, 1, 0, 0x81)
    with pytest.raises(Stall):
        desk.control_out(0x00, 9, 2, 0)


def test_dfu_functional_descriptor_can_be_asked_for() -> None:
    desk = Desk("core")
    desk.dfu()
    assert desk.control_in(0x81, 6, 0x2100, 0, 9) == bytes.fromhex("09 21 0B FF 00 00 04 1A 01")


def test_chosen_alternate_setting_is_told() -> None:
    desk = Desk("photon")
    desk.dfu().alt(1)
    assert desk.control_in(0x81, 10, 0, 0, 1) == b"\x01"


def test_line_coding_is_kept() -> None:
    desk = Desk("photon")
    assert desk.control_in(0xA1, 0x21, 0, 0, 7) == struct.pack("<IBBB", 9600, 0, 0, 8)
    desk.set_baud(115200)
    assert desk.control_in(0xA1, 0x21, 0, 0, 7) == struct.pack("<IBBB", 115200, 0, 0, 8)
    desk.control_out(0x21, 0x22, 3, 0)
    with pytest.raises(Stall):
        desk.control_out(0x21, 0x02, 0, 0)
