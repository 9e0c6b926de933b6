"""Properties of the memories, and what is in them when a board comes out of the drawer."""

from __future__ import annotations

import itertools

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import FastClock
from support.every import examples

from app.virtual.catalogue import PRACTICE_BOARDS, make
from app.virtual.flash import F1_BASE, F2_BASE, InternalF1, InternalF2, SerialFlash
from app.virtual.images import read_module
from app.virtual.personality import (
    CORE_BOOT_LOADERS,
    F2_BOOT_LOADERS,
    FIRMWARES,
    Family,
    Serial,
    serial_text,
)
from app.virtual.practice_keys import ec_key, rsa_key
from app.virtual.timing import Timing

blocks = st.binary(min_size=1, max_size=64)


@given(first=blocks, second=blocks)
@settings(max_examples=examples(60), deadline=None)
def test_serial_flash_only_ever_loses_bits(first: bytes, second: bytes) -> None:
    flash = SerialFlash(Timing.ZERO, 8192, even_only=False)
    flash.write(8000, first)
    before = flash.read(8000, 192)
    flash.write(8000, second)
    after = flash.read(8000, 192)
    assert all(new & old == new for old, new in zip(before, after, strict=True))
    assert after[: len(second)] == bytes(old & new for old, new in zip(before, second, strict=False))


@given(first=blocks, second=blocks)
@settings(max_examples=examples(60), deadline=None)
def test_f1_flash_takes_a_value_once_or_zero(first: bytes, second: bytes) -> None:
    flash = InternalF1(Timing.ZERO)
    address = F1_BASE + 0x8000
    flash.write(address, first)
    before = flash.read(address, 64)
    good, _ = flash.write(address, second)
    after = flash.read(address, 64)
    padded = second + b"\xff" * (-len(second) % 4)
    for at in range(0, len(padded), 2):
        old, new, now = before[at : at + 2], padded[at : at + 2], after[at : at + 2]
        assert now == (new if old == b"\xff\xff" or new == b"\0\0" else old)
    assert good is all(
        before[at : at + 2] == b"\xff\xff" or padded[at : at + 2] == b"\0\0" for at in range(0, len(padded), 2)
    )


@given(first=blocks, second=blocks)
@settings(max_examples=examples(60), deadline=None)
def test_f2_flash_reports_success_exactly_when_the_data_stands_there(first: bytes, second: bytes) -> None:
    flash = InternalF2(Timing.ZERO, verifies=True)
    address = F2_BASE + 0xA0000
    flash.write(address, first)
    good, _ = flash.write(address, second)
    padded = second + b"\xff" * (-len(second) % 4)
    assert good is (flash.read(address, len(padded)) == padded)


def test_sectors_of_the_f2_fill_its_megabyte() -> None:
    flash = InternalF2(Timing.ZERO, verifies=True)
    numbers = [flash.sector(F2_BASE + offset) for offset in range(0, 1 << 20, 16384)]
    lengths = [len(list(group)) for _, group in itertools.groupby(numbers)]
    assert lengths == [1, 1, 1, 1, 4, 8, 8, 8, 8, 8, 8, 8]


@pytest.mark.parametrize("name", PRACTICE_BOARDS)
def test_every_practice_board_has_a_key_that_opens_and_belongs_to_it(name: str) -> None:
    board, again = make(name, FastClock()), make(name, FastClock())
    core = board.personality.kind.family is Family.F1
    slot = bytes(board.spi[0x2000:0x2264] if core else board.dct[34:646])
    assert slot == bytes(again.spi[0x2000:0x2264] if core else again.dct[34:646])
    length = int.from_bytes(slot[2:4], "big") + 4
    assert slot[length:] == b"\xff" * (612 - length)
    numbers = rsa_key(board.device_id)
    assert numbers.fits_firmware()
    key = load_der_private_key(numbers.standard_der(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 1024
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert numbers.public_der() == public
    assert len(public) == 162
    if core:
        assert slot[:length] == numbers.standard_der()
    else:
        assert length == 611
        assert slot[:11] == bytes.fromhex("3082025F02010002818100")
        assert bytes(board.dct[1250 : 1250 + 162]) == public


def test_boards_have_keys_and_ids_of_their_own() -> None:
    ids = [row.device_id for row in PRACTICE_BOARDS.values()]
    assert len(set(ids)) == len(ids)
    assert len({rsa_key(device_id).n for device_id in ids}) == len(ids)


def test_electron_has_an_elliptic_key_too() -> None:
    board = make("electron", FastClock())
    private, public = ec_key(board.device_id)
    assert (len(private), len(public)) == (121, 91)
    key = load_der_private_key(private, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert bytes(board.dct[3106 : 3106 + 192]) == private + b"\xff" * (192 - 121)
    assert bytes(board.dct[2978 : 2978 + 91]) == public


@pytest.mark.parametrize("name", ["core", "photon"])
def test_key_slots_can_be_blank_corrupt_or_unusable(name: str) -> None:
    def slot(key: str) -> bytes:
        board = make(name, FastClock(), key=key)
        return bytes(board.spi[0x2000:0x2264] if name == "core" else board.dct[34:646])

    assert slot("blank") == b"\xff" * 612
    assert slot("corrupt")[:4] == slot("good")[:4]
    assert slot("corrupt") != slot("good")
    unusable = rsa_key(PRACTICE_BOARDS[name].device_id, usable=False)
    assert not unusable.fits_firmware()
    assert slot("unusable").startswith(unusable.standard_der())
    key = load_der_private_key(unusable.standard_der(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers().p * key.private_numbers().q == unusable.n
    with pytest.raises(ValueError, match="purple"):
        make(name, FastClock(), key="purple")


@pytest.mark.parametrize("name", ["photon", "photon-0.5", "p1", "electron"])
def test_system_parts_are_whole_and_of_the_board(name: str) -> None:
    board = make(name, FastClock())
    number = board.personality.kind.number
    first = read_module(board.internal, 0x20000, 0x184, number)
    assert first is not None
    assert first.whole
    assert first.start == 0x08020000
    assert first.version == board.personality.firmware.module
    assert read_module(board.internal, 0x20000, 0x184, number + 1) is None
    assert read_module(board.internal, 0xFFFF0, 0x184, number) is None


def test_core_looks_as_it_left_the_factory() -> None:
    board = make("core", FastClock())
    assert board.internal[0x5000:0x5004] == bytes.fromhex("00500020")
    reset = int.from_bytes(board.internal[0x5004:0x5008], "little")
    assert reset % 2 == 1
    assert 0x08005000 <= reset < 0x08020000
    assert board.internal[0x4C04:0x4C06] == b"\x00\x50"
    assert board.spi[0x20000:0x20004] == bytes.fromhex("00500020")
    assert bytes(board.spi[0x1000:0x2000]) == b"\xff" * 0x1000
    assert board.dct == b""
    assert len(board.spi) == 2 << 20
    assert len(board.internal) == 128 << 10


def test_every_row_of_the_catalogue_names_software_that_exists() -> None:
    for row in PRACTICE_BOARDS.values():
        boot_loaders = CORE_BOOT_LOADERS if row.kind.family is Family.F1 else F2_BOOT_LOADERS
        assert row.boot in boot_loaders
        assert row.firmware in FIRMWARES
        assert row.device_id == row.device_id.lower()
        assert len(bytes.fromhex(row.device_id)) == 12
        assert row.title.source


def test_serials_in_every_form() -> None:
    device_id = "53ff6f065067544840551187"
    assert serial_text(Serial.UPPER_24, device_id, "") == device_id.upper()
    assert serial_text(Serial.LOWER_24, device_id, "") == device_id
    assert serial_text(Serial.CONSTANT, device_id, "00000000010C") == "00000000010C"


def test_timing_can_be_scaled() -> None:
    assert Timing.TYPICAL.scaled(0.5).f2_erase_128k == 0.5
    assert Timing.TYPICAL.scaled(0) == Timing.ZERO
