from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st
from support import device_keys as keys

from app.keys.device_key import KeyState, RsaComponents, examine, firmware_reads
from app.platforms.model import Algorithm

RSA = Algorithm.RSA_1024
EC = Algorithm.EC_P256
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(
    OPENSSL is None, reason="NOT PROVEN HERE: openssl is missing, so nobody checks that it accepts our keys"
)


def openssl(*arguments: str, given: bytes) -> bytes:
    assert OPENSSL is not None
    return subprocess.run([OPENSSL, *arguments], input=given, capture_output=True, check=True, timeout=20).stdout


def components(p: int = keys.P, q: int = keys.Q) -> RsaComponents:
    n, _, *others = keys.integers(p, q)
    return RsaComponents(n, *others)


# --- good keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("der", [keys.as_device(), keys.as_openssl()], ids=["device", "openssl"])
@pytest.mark.parametrize("rest", [b"", b"\xff", b"\x00\x30\x82old data"])
def test_a_good_rsa_key_is_cut_out_of_its_slot(der: bytes, rest: bytes) -> None:
    report = examine(der + rest, RSA)
    assert (report.state, report.bits, report.problems) == (KeyState.GOOD, 1024, ())
    assert report.der == der
    assert report.canonical_der == keys.as_openssl()


def test_the_device_form_is_the_611_bytes_of_the_specification() -> None:
    assert len(keys.as_device()) == 611
    assert keys.as_device() != keys.as_openssl()


def test_the_public_key_is_the_specified_header_around_the_modulus() -> None:
    report = examine(keys.slot(keys.as_device()), RSA)
    # device-protocol.md 4.2, written out, around bytes 11..138 of the DER (4.5)
    spki = (
        bytes.fromhex("30819f300d06092a864886f70d010101050003818d0030818902818100")
        + keys.as_device()[11:139]
        + bytes.fromhex("0203010001")
    )
    found = load_pem_public_key(report.public_pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert found == spki
    assert len(spki) == 162
    assert report.fingerprint == hashlib.sha256(spki).hexdigest()


def test_a_fingerprint_is_grouped_for_people() -> None:
    report = examine(keys.slot(keys.as_device()), RSA)
    assert re.fullmatch(r"([0-9a-f]{4} ){15}[0-9a-f]{4}", report.readable_fingerprint)
    assert report.readable_fingerprint.replace(" ", "") == report.fingerprint


def test_a_good_ec_key_is_cut_out_of_its_slot() -> None:
    der = keys.ec_der()
    report = examine(keys.slot(der, 192), EC)
    assert (report.state, report.bits, report.der, report.problems) == (KeyState.GOOD, 256, der, ())


def test_an_ec_key_without_its_point_is_good_and_gets_it() -> None:
    full = keys.ec_der(77)
    secret = (77).to_bytes(32, "big")
    curve = keys.tlv(0xA0, bytes.fromhex("06082a8648ce3d030107"))
    bare = keys.tlv(0x30, b"\x02\x01\x01" + keys.tlv(0x04, secret) + curve)
    report = examine(keys.slot(bare, 192), EC)
    assert (report.state, report.der, report.canonical_der) == (KeyState.GOOD, bare, full)


# --- empty slots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [RSA, EC])
@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff" * 612, b"\x00" * 612, b"\xff" + keys.as_device()[1:]],
    ids=["nothing", "erased", "zeros", "first byte erased"],
)
def test_an_empty_slot_is_blank_and_says_why(raw: bytes, algorithm: Algorithm) -> None:
    report = examine(raw, algorithm)
    assert report.state is KeyState.BLANK
    assert len(report.problems) == 1
    assert (report.der, report.public_pem, report.fingerprint) == (None, b"", "")


# --- the firmware's fixed-offset reader -----------------------------------------------------------------------------


def test_the_firmware_reads_the_device_s_own_form() -> None:
    assert firmware_reads(keys.as_device()) == components()


def test_the_firmware_reads_lengths_128_and_64_too() -> None:
    sizes = (128, 3, 128, 64, 64, 64, 64, 64)
    contents = [number.to_bytes(size, "big") for number, size in zip(keys.integers(keys.P, keys.Q), sizes, strict=True)]
    der = keys.rsa_der(contents)
    assert firmware_reads(der) == components()
    assert examine(keys.slot(der), RSA).state is KeyState.GOOD


def test_a_sound_key_with_a_short_number_is_unusable_by_the_firmware() -> None:
    der = keys.as_openssl(keys.SHORT_P, keys.SHORT_Q)
    report = examine(keys.slot(der), RSA)
    assert report.state is KeyState.UNUSABLE_BY_FIRMWARE
    assert report.der == der
    assert report.public_pem
    assert "firmware cannot read it" in report.problems[0].english()
    # The same key in the device's own form is fine: it is the encoding, not the key.
    assert examine(keys.slot(keys.as_device(keys.SHORT_P, keys.SHORT_Q)), RSA).state is KeyState.GOOD


@pytest.mark.parametrize("index", range(8))
def test_two_extra_zeros_in_any_number_are_unusable_by_the_firmware(index: int) -> None:
    contents = [keys.shortest(number) for number in keys.integers(keys.P, keys.Q)]
    contents[index] = b"\x00\x00" + contents[index]
    der = keys.rsa_der(contents)
    assert firmware_reads(der + b"\xff" * 20) != components()
    assert examine(der, RSA).state is KeyState.UNUSABLE_BY_FIRMWARE


def test_another_exponent_is_unusable_by_the_firmware() -> None:
    report = examine(keys.slot(keys.as_openssl(e=257)), RSA)
    assert report.state is KeyState.UNUSABLE_BY_FIRMWARE
    assert "65537" in report.problems[0].english()


@given(st.binary(max_size=700))
def test_the_firmware_reader_takes_any_bytes(raw: bytes) -> None:
    found = firmware_reads(raw)
    # To N; N; exponent and length; D; five times length and number, with a tag before each.
    assert found is None or len(raw) >= 10 + 128 + 5 + 3 + 128 + 5 * (2 + 64)


# --- damaged keys ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(8))
def test_one_wrong_number_makes_a_key_corrupt(index: int) -> None:
    numbers = keys.integers(keys.P, keys.Q)
    numbers[index] ^= 0b1000
    report = examine(keys.rsa_der([keys.shortest(number) for number in numbers]), RSA)
    assert report.state is KeyState.CORRUPT
    assert report.der is None
    assert report.problems


def test_numbers_that_fit_together_but_are_not_prime_are_corrupt() -> None:
    # Every congruence holds for this composite; only a test for primes finds it.
    contents = [keys.shortest(number) for number in keys.integers(keys.P + 2, keys.Q)]
    assert examine(keys.rsa_der(contents), RSA).state is KeyState.CORRUPT


def test_a_key_of_another_size_is_corrupt_and_says_its_size() -> None:
    report = examine(keys.as_openssl(61, 53, 17), RSA)
    assert report.state is KeyState.CORRUPT
    assert "12 bits" in report.problems[0].english()


def test_a_key_longer_than_its_slot_is_corrupt() -> None:
    report = examine(keys.as_device()[:600], RSA)
    assert report.state is KeyState.CORRUPT
    assert "cut short" in report.problems[0].english()


def test_a_key_of_the_other_kind_is_corrupt() -> None:
    assert examine(keys.slot(keys.ec_der()), RSA).state is KeyState.CORRUPT
    assert examine(keys.slot(keys.as_device()), EC).state is KeyState.CORRUPT


def test_a_wrong_point_makes_an_ec_key_corrupt() -> None:
    der = bytearray(keys.ec_der())
    der[-1] ^= 1
    assert examine(bytes(der), EC).state is KeyState.CORRUPT


@pytest.mark.parametrize("scalar", [0, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551])
def test_a_secret_number_outside_the_curve_is_corrupt(scalar: int) -> None:
    curve = keys.tlv(0xA0, bytes.fromhex("06082a8648ce3d030107"))
    der = keys.tlv(0x30, b"\x02\x01\x01" + keys.tlv(0x04, scalar.to_bytes(32, "big")) + curve)
    assert examine(der, EC).state is KeyState.CORRUPT


def test_no_device_has_an_rsa_2048_key() -> None:
    with pytest.raises(ValueError, match="rsa-2048"):
        examine(keys.as_device(), Algorithm.RSA_2048)


# --- anything at all ------------------------------------------------------------------------------------------------


@given(st.binary(max_size=700), st.sampled_from([RSA, EC]))
def test_any_bytes_give_a_report(raw: bytes, algorithm: Algorithm) -> None:
    report = examine(raw, algorithm)
    assert report.state in {KeyState.BLANK, KeyState.CORRUPT}  # nobody guesses a key
    assert report.problems


def damage(key: bytes) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, len(key) - 1), st.integers(1, 255))


@given(damage(keys.as_device()))
def test_any_damaged_byte_of_an_rsa_key_is_noticed(where: tuple[int, int]) -> None:
    raw = bytearray(keys.slot(keys.as_device()))
    raw[where[0]] ^= where[1]
    # Each integer is determined by the others, and no length can change alone.
    assert examine(bytes(raw), RSA).state in {KeyState.CORRUPT, KeyState.BLANK}


@given(damage(keys.ec_der()))
def test_any_damaged_byte_of_an_ec_key_is_noticed(where: tuple[int, int]) -> None:
    raw = bytearray(keys.slot(keys.ec_der(), 192))
    raw[where[0]] ^= where[1]
    assert examine(bytes(raw), EC).state in {KeyState.CORRUPT, KeyState.BLANK}


@given(st.integers(0, 610))
def test_a_key_anded_with_another_is_corrupt(split: int) -> None:
    # What writing without erasing does to the Core's SPI flash.
    other = keys.slot(keys.as_device(keys.SHORT_P, keys.SHORT_Q))
    raw = keys.slot(keys.as_device())
    mixed = bytes(a & b for a, b in zip(raw[:split], other[:split], strict=True)) + raw[split:]
    report = examine(mixed, RSA)
    assert report.state is (KeyState.GOOD if mixed == raw else KeyState.CORRUPT)


def test_nothing_private_is_shown() -> None:
    report = examine(keys.slot(keys.as_device()), RSA)
    shown = repr(report) + repr(firmware_reads(keys.as_device()))
    for number in keys.integers(keys.P, keys.Q)[2:]:
        assert str(number) not in shown
        assert number.to_bytes(128, "big").lstrip(b"\0").hex()[:16] not in shown
    assert repr(keys.as_device())[2:40] not in shown


# --- what the Particle command line's OpenSSL says ------------------------------------------------------------------


@needs_openssl
@pytest.mark.parametrize(
    "der",
    [keys.as_device(), keys.as_openssl(), keys.as_openssl(keys.SHORT_P, keys.SHORT_Q)],
    ids=["device", "openssl", "short"],
)
def test_openssl_accepts_both_rsa_forms_and_finds_the_same_public_key(der: bytes) -> None:
    report = examine(keys.slot(der), RSA)
    assert report.der is not None
    assert report.canonical_der is not None
    for form in (report.der, report.canonical_der):
        found = openssl("rsa", "-inform", "DER", "-pubout", given=form)
        assert found.split() == report.public_pem.split()
    assert openssl("rsa", "-pubin", "-outform", "DER", given=report.public_pem)


@needs_openssl
def test_openssl_accepts_the_ec_forms_and_finds_the_same_public_key() -> None:
    report = examine(keys.slot(keys.ec_der(), 192), EC)
    assert report.der is not None
    assert openssl("ec", "-inform", "DER", "-pubout", given=report.der).split() == report.public_pem.split()


def test_strict_readers_accept_the_canonical_form() -> None:
    report = examine(keys.slot(keys.as_device()), RSA)
    assert report.canonical_der is not None
    key = load_der_private_key(report.canonical_der, password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers().d == components().d
