"""A board is told by its USB numbers, and its serial number proves exactly what it can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platforms.identify import boot_loader_of, core_serial, identify, serial_form, serial_matches
from app.platforms.model import Mode, SerialForm
from app.platforms.table import PLATFORMS, platform

# device-protocol.md A.1
VECTORS = (
    ("53ff6f065067544840551187", "8D8154934854"),
    ("48ff6c065067555026311387", "8D80306E5055"),
    ("50ff6c065067545639190387", "8D7018895654"),
)
device_ids = st.binary(min_size=12, max_size=12).map(bytes.hex)


@pytest.mark.parametrize(
    ("vendor", "product", "key", "mode"),
    [
        (0x1D50, 0x607D, "core", Mode.NORMAL),
        (0x1D50, 0x607F, "core", Mode.DFU),
        (0x2B04, 0xC006, "photon", Mode.NORMAL),
        (0x2B04, 0xD006, "photon", Mode.DFU),
        (0x2B04, 0xC008, "p1", Mode.NORMAL),
        (0x2B04, 0xD008, "p1", Mode.DFU),
        (0x2B04, 0xC00A, "electron", Mode.NORMAL),
        (0x2B04, 0xD00A, "electron", Mode.DFU),
    ],
)
def test_every_usb_id_names_its_board_and_mode(vendor: int, product: int, key: str, mode: Mode) -> None:
    assert identify(vendor, product) == (platform(key), mode)


def test_strangers_are_nobody() -> None:
    assert identify(0x1D50, 0x607E) is None
    assert identify(0x2B04, 0xC00C) is None  # an Argon
    assert identify(0x0483, 0xDF11) is None


@pytest.mark.parametrize("name", ["CORE DFU ", "CORE DFU", "CORE DFU \0\0", "", None, "something else"])
def test_a_core_in_dfu_mode_is_a_core_unless_its_name_is_another_boards(name: str | None) -> None:
    assert identify(0x1D50, 0x607F, name) == (platform("core"), Mode.DFU)


def test_a_prototype_of_the_photon_under_the_cores_ids_is_nobody() -> None:
    assert identify(0x1D50, 0x607F, "Photon DFU Mode") is None
    assert identify(0x1D50, 0x607D, "Photon with WiFi\0") is None


def test_a_core_in_normal_mode_pads_its_name_with_blanks() -> None:
    assert identify(0x1D50, 0x607D, "Spark Core with WiFi    ") == (platform("core"), Mode.NORMAL)


def test_old_boot_loaders_call_every_board_a_photon_and_their_ids_still_count() -> None:
    assert identify(0x2B04, 0xD008, "Photon DFU Mode") == (platform("p1"), Mode.DFU)
    assert identify(0x2B04, 0xD00A, "Photon DFU Mode") == (platform("electron"), Mode.DFU)


@pytest.mark.parametrize(
    ("serial", "form"),
    [
        ("8D7028785355", SerialForm.HASH_12),
        ("8D7028785355\0\0", SerialForm.HASH_12),
        ("00000000050C", SerialForm.CONSTANT),
        ("00000000010C", SerialForm.CONSTANT),
        ("00000000010B", SerialForm.CONSTANT),
        ("53ff6f065067544840551187", SerialForm.ID_24_LOWER),
        ("53FF6F065067544840551187", SerialForm.ID_24_UPPER),
        ("8d7028785355", None),
        ("53Ff6f065067544840551187", None),
        ("53ff6f06506754484055118", None),
        ("", None),
        (None, None),
        ("RedBear", None),
    ],
)
def test_the_form_of_a_serial_number_is_told(serial: str | None, form: SerialForm | None) -> None:
    assert serial_form(serial) is form


@pytest.mark.parametrize(
    ("key", "serial", "release", "boot_loader"),
    [
        ("core", "8D8154934854", 0x0200, "original"),
        ("core", "53FF6F065067544840551187", 0x0200, "0.7"),
        ("photon", "00000000010C", 0x0200, "0.4.0"),
        ("photon", "53FF6F065067544840551187", 0x0250, "0.6"),
        ("photon", "53ff6f065067544840551187", 0x0250, "0.7"),
        ("p1", "53ff6f065067544840551187", 0x0250, "0.7"),
        ("electron", "00000000010B", 0x0200, "0.4.0"),
    ],
)
def test_the_boot_loader_is_told_from_serial_and_release(key: str, serial: str, release: int, boot_loader: str) -> None:
    found = boot_loader_of(platform(key), serial, release)
    assert found is not None
    assert found.key == boot_loader


@pytest.mark.parametrize(
    ("key", "serial", "release"),
    [
        ("core", None, 0x0200),
        ("core", "8D8154934854", 0x0250),
        ("photon", "8D8154934854", 0x0200),
        ("photon", "53ff6f065067544840551187", 0x0200),
    ],
)
def test_a_boot_loader_that_looks_like_none_is_not_guessed(key: str, serial: str | None, release: int) -> None:
    assert boot_loader_of(platform(key), serial, release) is None


@pytest.mark.parametrize(("device_id", "serial"), VECTORS)
def test_a_core_makes_its_serial_of_its_id(device_id: str, serial: str) -> None:
    assert core_serial(device_id) == serial
    assert core_serial(device_id.upper()) == serial


@pytest.mark.parametrize("wrong", ["", "53ff", "53ff6f06506754484055118g", "53ff6f0650675448405511870", "53 " * 8])
def test_no_serial_is_made_of_what_is_no_device_id(wrong: str) -> None:
    with pytest.raises(ValueError, match="24 hex digits"):
        core_serial(wrong)
    with pytest.raises(ValueError, match="24 hex digits"):
        serial_matches(platform("photon"), wrong, "00000000010C")


@given(device_ids)
def test_a_cores_serial_follows_the_two_sums_of_the_specification(device_id: str) -> None:
    raw = bytes.fromhex(device_id)
    total = (int.from_bytes(raw[0:4], "little") + int.from_bytes(raw[8:12], "little")) % 2**32
    assert core_serial(device_id) == f"{total:08x}{raw[7]:02x}{raw[6]:02x}".upper()


@given(device_ids)
def test_a_serial_that_is_the_id_proves_it_on_every_board(device_id: str) -> None:
    other = ("0" if device_id[0] != "0" else "1") + device_id[1:]
    for board in PLATFORMS:
        for form in (device_id, device_id.upper()):
            assert serial_matches(board, device_id, form) is True
            assert serial_matches(board, other, form) is False


@pytest.mark.parametrize(("device_id", "serial"), VECTORS)
def test_a_cores_hash_proves_its_id_and_refutes_another(device_id: str, serial: str) -> None:
    assert serial_matches(platform("core"), device_id, serial) is True
    assert serial_matches(platform("core"), "53ff6f065067544840551188", serial) is False


def test_a_hash_says_nothing_about_a_board_that_does_not_hash() -> None:
    device_id, serial = VECTORS[0]
    assert serial_matches(platform("photon"), device_id, serial) is None


@pytest.mark.parametrize("serial", ["00000000050C", "00000000010C", "00000000010B", "", None, "garbage"])
def test_a_constant_or_unreadable_serial_says_nothing(serial: str | None) -> None:
    for board in PLATFORMS:
        assert serial_matches(board, VECTORS[0][0], serial) is None
