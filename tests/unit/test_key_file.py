from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from support import device_keys as keys
from support.every import examples

from app.faults import Fault
from app.key_faults import (
    KeyFileEncrypted,
    KeyFilePublic,
    KeyFileTooLong,
    KeyFileUnreadable,
    KeyFileUnusable,
    KeyFileWrongKind,
    KeyFileWrongPassphrase,
)
from app.keys.device_key import KeyState, examine, firmware_form, firmware_reads, public_der
from app.keys.key_file import DEEPEST, MOST, MOST_ITERATIONS, Form, KeyFile, read_key_file
from app.keys.passphrase import Passphrase
from app.platforms.model import Algorithm

RSA = Algorithm.RSA_1024
EC = Algorithm.EC_P256
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(
    OPENSSL is None, reason="NOT PROVEN HERE: openssl is missing, so nobody checks that files made by it can be read"
)
SECRET = "correct horse"
OLD_DATA = b"-----BEGIN what stood there before\n" * 8


def openssl(*arguments: str, given: bytes = b"", refused: str = "") -> bytes:
    assert OPENSSL is not None
    done = subprocess.run([OPENSSL, *arguments], input=given, capture_output=True, timeout=20)
    if done.returncode and refused:
        pytest.skip(f"NOT PROVEN HERE: this openssl {refused}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def rsa_pem() -> bytes:
    """A fresh RSA-1024 key of openssl in PKCS#1 PEM."""
    return openssl("rsa", "-traditional", given=openssl("genrsa", "1024"))


@cache
def ec_pem() -> bytes:
    """A fresh P-256 key of openssl, as the Particle command line makes it: with its parameters in front."""
    return openssl("ecparam", "-name", "prime256v1", "-genkey")


def numbers(der: bytes) -> object:
    """What a key is, read by other code than the program's."""
    found = load_der_private_key(der, None)
    assert isinstance(found, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return found.private_numbers()


def minimal(file: KeyFile) -> bytes:
    assert file.report.canonical_der is not None
    return file.report.canonical_der


Make = Callable[[], bytes]
LOCK = ("-passout", f"pass:{SECRET}")
V1 = ("-v1", "PBE-SHA1-3DES")

# What openssl writes: the file, its form, and whether it is locked.
RSA_FILES: dict[str, tuple[Make, Form, bool]] = {
    "genrsa": (lambda: openssl("genrsa", "1024"), Form.PKCS8_PEM, False),
    "PKCS#1 PEM": (rsa_pem, Form.PKCS1_PEM, False),
    "PKCS#1 DER": (lambda: openssl("rsa", "-traditional", "-outform", "DER", given=rsa_pem()), Form.PKCS1_DER, False),
    "PKCS#8 PEM": (lambda: openssl("pkcs8", "-topk8", "-nocrypt", given=rsa_pem()), Form.PKCS8_PEM, False),
    "PKCS#8 DER": (
        lambda: openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", given=rsa_pem()),
        Form.PKCS8_DER,
        False,
    ),
    **{
        f"old style, {cipher}": (
            lambda cipher=cipher: openssl("rsa", "-traditional", f"-{cipher}", *LOCK, given=rsa_pem()),  # type: ignore[misc]
            Form.PKCS1_PEM,
            True,
        )
        for cipher in ("aes128", "aes256", "des3")
    },
    "PKCS#8 PEM, locked": (lambda: openssl("pkcs8", "-topk8", *LOCK, given=rsa_pem()), Form.PKCS8_PEM, True),
    "PKCS#8 DER, locked": (
        lambda: openssl("pkcs8", "-topk8", "-outform", "DER", *LOCK, given=rsa_pem()),
        Form.PKCS8_DER,
        True,
    ),
    "PKCS#8 with 3DES, as before 2016": (
        lambda: openssl("pkcs8", "-topk8", *V1, *LOCK, given=rsa_pem()),
        Form.PKCS8_PEM,
        True,
    ),
    "PKCS#8 with scrypt": (lambda: openssl("pkcs8", "-topk8", "-scrypt", *LOCK, given=rsa_pem()), Form.PKCS8_PEM, True),
}
EC_FILES: dict[str, tuple[Make, Form, bool]] = {
    "SEC1 PEM with parameters": (ec_pem, Form.SEC1_PEM, False),
    "SEC1 PEM": (lambda: openssl("ec", given=ec_pem()), Form.SEC1_PEM, False),
    "SEC1 DER": (lambda: openssl("ec", "-outform", "DER", given=ec_pem()), Form.SEC1_DER, False),
    "compressed point": (
        lambda: openssl("ec", "-conv_form", "compressed", "-outform", "DER", given=ec_pem()),
        Form.SEC1_DER,
        False,
    ),
    "no point": (lambda: openssl("ec", "-no_public", "-outform", "DER", given=ec_pem()), Form.SEC1_DER, False),
    "PKCS#8 PEM": (lambda: openssl("pkcs8", "-topk8", "-nocrypt", given=ec_pem()), Form.PKCS8_PEM, False),
    "PKCS#8 DER": (
        lambda: openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", given=ec_pem()),
        Form.PKCS8_DER,
        False,
    ),
    "old style": (lambda: openssl("ec", "-aes256", *LOCK, given=ec_pem()), Form.SEC1_PEM, True),
    "PKCS#8 PEM, locked": (lambda: openssl("pkcs8", "-topk8", *LOCK, given=ec_pem()), Form.PKCS8_PEM, True),
    "PKCS#8 compressed": (
        lambda: openssl("pkcs8", "-topk8", "-nocrypt", given=openssl("ec", "-conv_form", "compressed", given=ec_pem())),
        Form.PKCS8_PEM,
        False,
    ),
}


# --- files made by openssl ------------------------------------------------------------------------------------------


@needs_openssl
@pytest.mark.parametrize("name", RSA_FILES)
def test_an_rsa_file_of_openssl_is_read_and_openssl_reads_what_would_be_written(name: str) -> None:
    make, form, locked = RSA_FILES[name]
    made = make()
    file = read_key_file(made, RSA, passphrase=SECRET if locked else None)
    assert (file.form, file.encrypted, file.report.state) == (form, locked, KeyState.GOOD)
    assert file.report.der == file.slot_der
    assert firmware_reads(file.slot_der)
    der = openssl("rsa", "-traditional", "-outform", "DER", "-passin", f"pass:{SECRET}", given=made)
    assert minimal(file) == der
    assert file.slot_der == (firmware_form(der) if file.rewritten else der)
    assert openssl("rsa", "-inform", "DER", "-traditional", "-outform", "DER", given=file.slot_der) == der
    assert openssl("rsa", "-inform", "DER", "-pubout", given=file.slot_der).split() == file.report.public_pem.split()


@needs_openssl
@pytest.mark.parametrize("name", EC_FILES)
def test_an_ec_file_of_openssl_is_read_and_written_complete(name: str) -> None:
    make, form, locked = EC_FILES[name]
    file = read_key_file(make(), EC, passphrase=SECRET if locked else None)
    assert (file.form, file.encrypted, file.report.state) == (form, locked, KeyState.GOOD)
    assert file.slot_der == openssl("ec", "-outform", "DER", given=ec_pem())
    assert file.rewritten == (name in ("compressed point", "no point", "PKCS#8 compressed"))


@needs_openssl
@pytest.mark.parametrize("name", [name for name, found in {**RSA_FILES, **EC_FILES}.items() if found[2]])
@pytest.mark.parametrize("passphrase", [None, "", "another", "corr\udc00ct", "x" * 2000])
def test_a_locked_file_asks_for_its_passphrase_and_takes_no_other(name: str, passphrase: str | None) -> None:
    files, algorithm = (RSA_FILES, RSA) if name in RSA_FILES else (EC_FILES, EC)
    fault = KeyFileWrongPassphrase if passphrase else KeyFileEncrypted
    with pytest.raises(fault) as found:
        read_key_file(files[name][0](), algorithm, passphrase=passphrase)
    assert not passphrase or passphrase not in repr(found.value)


@needs_openssl
@pytest.mark.parametrize(
    "arguments", [("rsa", "-traditional", "-camellia128"), ("pkcs8", "-topk8", "-v2", "camellia-128-cbc")]
)
def test_a_lock_the_program_does_not_know_is_said_to_be_one(arguments: tuple[str, ...]) -> None:
    made = openssl(*arguments, *LOCK, given=rsa_pem(), refused="has no Camellia")
    with pytest.raises(KeyFileUnreadable) as found:
        read_key_file(made, RSA, passphrase=SECRET)
    assert "does not know" in found.value.cause.english()


@needs_openssl
@pytest.mark.parametrize("composed", ["Schlüssel", "Schlu\u0308ssel"], ids=["composed", "taken apart"])
def test_an_accent_is_tried_as_typed_and_put_together(composed: str) -> None:
    made = openssl("rsa", "-traditional", "-aes128", "-passout", "pass:Schlüssel", given=rsa_pem())
    assert read_key_file(made, RSA, passphrase=composed).encrypted


@needs_openssl
@pytest.mark.parametrize("form", ["DER", "PEM"])
@pytest.mark.parametrize("algorithm", [RSA, EC])
def test_a_public_key_is_told_from_a_private_one(form: str, algorithm: Algorithm) -> None:
    made = [
        openssl("rsa", "-pubout", "-outform", form, given=rsa_pem()),
        openssl("rsa", "-RSAPublicKey_out", "-outform", form, given=rsa_pem()),
        openssl("ec", "-pubout", "-outform", form, given=ec_pem()),
        openssl("req", "-new", "-x509", "-key", "/dev/stdin", "-subj", "/CN=x", "-outform", form, given=rsa_pem()),
        openssl("req", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", "-outform", form, given=rsa_pem()),
    ]
    for content in made:
        with pytest.raises(KeyFilePublic):
            read_key_file(content, algorithm)


@needs_openssl
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("genrsa", "2048"), "an RSA key of 2048 bits"),
        (("genrsa", "512"), "an RSA key of 512 bits"),
        (("ecparam", "-name", "prime256v1", "-genkey"), "an EC key for the curve P-256"),
        (("ecparam", "-name", "secp384r1", "-genkey"), "an EC key for the curve P-384"),
        (("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"), "an EC key for the curve P-521"),
        (("genpkey", "-algorithm", "ED25519"), "a key that is neither RSA nor EC"),
    ],
)
def test_a_key_of_another_kind_is_called_what_it_is(arguments: tuple[str, ...], words: str) -> None:
    made = openssl(*arguments, refused=f"does not {' '.join(arguments)}")
    for content in (made, openssl("pkey", "-aes128", *LOCK, given=made)):
        for algorithm, needed in ((RSA, "an RSA key of 1024 bits"), (EC, "an EC key for the curve P-256")):
            if words == needed:
                continue
            with pytest.raises(KeyFileWrongKind) as found:
                read_key_file(content, algorithm, passphrase=SECRET)
            assert found.value.cause.english() == f"This file holds {words}. This board needs {needed}."


@needs_openssl
def test_a_curve_that_is_spelled_out_is_another_curve() -> None:
    made = openssl("ecparam", "-name", "prime256v1", "-genkey", "-param_enc", "explicit", refused="names every curve")
    with pytest.raises(KeyFileWrongKind):
        read_key_file(made, EC)


@needs_openssl
def test_openssl_and_the_firmware_read_a_saved_key_as_the_same_numbers() -> None:
    short = keys.as_openssl(keys.SHORT_P, keys.SHORT_Q)
    form = firmware_form(short)
    assert openssl("rsa", "-inform", "DER", "-traditional", "-outform", "DER", given=form) == short
    assert openssl("rsa", "-inform", "DER", "-check", "-noout", given=form).strip() == b"RSA key ok"


# --- files without openssl ------------------------------------------------------------------------------------------


def pem(label: str, der: bytes, ends: str = "\n") -> bytes:
    lines = [f"-----BEGIN {label}-----", *base64.encodebytes(der).decode().split(), f"-----END {label}-----", ""]
    return ends.join(lines).encode()


@pytest.mark.parametrize("der", [keys.as_device(), keys.as_openssl()], ids=["board", "openssl"])
def test_a_key_the_firmware_reads_is_written_as_it_stood(der: bytes) -> None:
    for content in (der, pem("RSA PRIVATE KEY", der)):
        file = read_key_file(content, RSA)
        assert (file.slot_der, file.rewritten, file.encrypted) == (der, False, False)


def test_a_sound_key_encoded_too_short_is_saved_in_the_board_s_own_form() -> None:
    file = read_key_file(keys.as_openssl(keys.SHORT_P, keys.SHORT_Q), RSA)
    assert file.slot_der == keys.as_device(keys.SHORT_P, keys.SHORT_Q)
    assert (file.form, file.rewritten, file.report.state) == (Form.PKCS1_DER, True, KeyState.GOOD)
    assert numbers(minimal(file)) == numbers(keys.as_openssl(keys.SHORT_P, keys.SHORT_Q))


@pytest.mark.parametrize("size", [612, 1024, 4096])
@pytest.mark.parametrize("filling", [b"\xff", OLD_DATA, keys.as_device(keys.SHORT_P, keys.SHORT_Q), b"\x30\x82"])
def test_a_slot_is_read_with_whatever_stands_behind_its_key(size: int, filling: bytes) -> None:
    for der in (keys.as_openssl(), keys.as_device()):
        behind = (filling * size)[: size - len(der)]
        file = read_key_file(der + behind, RSA)
        assert (file.form, file.slot_der) == (Form.SLOT, der)


@pytest.mark.parametrize("filling", [b"\xff", OLD_DATA])
def test_an_ec_slot_is_read_with_whatever_stands_behind_its_key(filling: bytes) -> None:
    der = keys.ec_der()
    file = read_key_file((der + filling * 192)[:192], EC)
    assert (file.form, file.slot_der) == (Form.SLOT, der)


@pytest.mark.parametrize("ends", ["\n", "\r\n", " \r\n"])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"Bag Attributes\n  friendlyName: core\n", b"\n\n"])
def test_line_ends_and_words_around_a_pem_do_not_matter(ends: str, before: bytes) -> None:
    content = before + pem("RSA PRIVATE KEY", keys.as_openssl(), ends) + b"that was it\n"
    assert read_key_file(content, RSA).slot_der == keys.as_openssl()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_pem_a_windows_console_wrote_is_read(encoding: str) -> None:
    words = pem("RSA PRIVATE KEY", keys.as_openssl()).decode()
    content = words.encode(encoding) if encoding == "utf-16" else b"\xfe\xff" + words.encode(encoding)
    assert read_key_file(content, RSA).slot_der == keys.as_openssl()


def test_a_certificate_beside_the_key_does_not_matter_and_a_second_key_does() -> None:
    key = pem("RSA PRIVATE KEY", keys.as_openssl())
    assert read_key_file(pem("CERTIFICATE", b"0\x00") + key, RSA).slot_der == keys.as_openssl()
    with pytest.raises(KeyFileUnreadable) as found:
        read_key_file(key + pem("EC PRIVATE KEY", keys.ec_der()), RSA)
    assert "more than one" in found.value.cause.english()


def test_a_container_of_the_key_safe_is_read_with_its_passphrase() -> None:
    container = Passphrase(SECRET).seal(keys.slot(keys.as_device()))
    file = read_key_file(container, RSA, passphrase=SECRET)
    assert (file.slot_der, file.form, file.encrypted) == (keys.as_device(), Form.SLOT, True)
    with pytest.raises(KeyFileEncrypted):
        read_key_file(container, RSA)
    with pytest.raises(KeyFileWrongPassphrase):
        read_key_file(container, RSA, passphrase="another")


@pytest.mark.parametrize("algorithm", [RSA, EC])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "It is empty."),
        (b" \r\n", "It is empty."),
        (b"\xff" * 612, "empty key slot"),
        (b"\xff" + keys.as_device(), "empty key slot"),
        (b"\x00" * 612, "empty key slot"),
        (b"<html>404</html>", "not laid out like a key"),
        (b"0", "not laid out like a key"),
        (keys.as_device()[:400], "cut short"),
        (pem("RSA PRIVATE KEY", keys.as_openssl())[:-40], "like a PEM file"),
        (pem("RSA PRIVATE KEY", b"").replace(b"-----\n-----", b"-----\n!?\n-----"), "like a PEM file"),
        (pem("EC PARAMETERS", b"\x06\x01\x01"), "like a PEM file"),
        (pem("OPENSSH PRIVATE KEY", b"openssh-key-v1\0"), "OpenSSH"),
        (keys.tlv(0x30, b"\x02\x01\x03" + keys.tlv(0x30, b"")), "not laid out"),  # begins like PKCS#12
        (keys.tlv(0x30, b"\x02\x01\x01" + keys.tlv(0x04, bytes(32))), "for which curve"),
    ],
)
def test_what_is_no_key_says_in_which_way(content: bytes, words: str, algorithm: Algorithm) -> None:
    with pytest.raises(KeyFileUnreadable) as found:
        read_key_file(content, algorithm)
    assert words in found.value.cause.english()


def test_a_huge_file_is_not_looked_at() -> None:
    with pytest.raises(KeyFileTooLong):
        read_key_file(keys.as_device() + b"\xff" * MOST, RSA)
    assert read_key_file(keys.as_device().ljust(MOST, b"\xff"), RSA).slot_der == keys.as_device()


@cache
def uneven() -> tuple[int, int]:
    """Primes of 520 and 504 bits, found once: their product has 1024."""
    p = 2**520 - 2**512 - 2**100 - 1
    return _prime_below(p), _prime_below(2**504 - 2**90 - 1)


def _prime_below(number: int) -> int:
    while pow(2, number - 1, number) != 1:
        number -= 2
    return number


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (lambda: keys.as_openssl(e=257), "exponent is not 65537"),
        (lambda: keys.as_openssl(*uneven()), "not of the same size"),
    ],
)
def test_a_key_no_encoding_can_save_is_unusable(key: Make, words: str) -> None:
    assert examine(key(), RSA).state is KeyState.UNUSABLE_BY_FIRMWARE
    with pytest.raises(KeyFileUnusable) as found:
        read_key_file(key(), RSA)
    assert words in found.value.cause.english()


def test_a_key_that_does_not_fit_together_is_not_taken() -> None:
    integers = keys.integers(keys.P, keys.Q)
    integers[4] ^= 8
    with pytest.raises(KeyFileUnreadable) as found:
        read_key_file(keys.rsa_der([keys.shortest(number) for number in integers]), RSA)
    assert "damaged" in found.value.cause.english()


def locked(iterations: int, *, scrypt: bool = False, depth: int = 0) -> bytes:
    """An `EncryptedPrivateKeyInfo` that wants its passphrase hashed so often."""
    oid = "060b2b06010401da47040b" if scrypt else "06092a864886f70d01050c"
    number = keys.tlv(0x02, keys.shortest(iterations))
    kdf = keys.tlv(0x30, bytes.fromhex(oid) + keys.tlv(0x30, keys.tlv(0x04, bytes(8)) + number + b"\x02\x01\x08"))
    for _ in range(depth):
        kdf = keys.tlv(0x30, kdf)
    cipher = keys.tlv(0x30, bytes.fromhex("060960864801650304012a") + keys.tlv(0x04, bytes(16)))
    scheme = keys.tlv(0x30, bytes.fromhex("06092a864886f70d01050d") + keys.tlv(0x30, kdf + cipher))
    return keys.tlv(0x30, scheme + keys.tlv(0x04, bytes(64)))


@pytest.mark.parametrize(
    "content", [locked(MOST_ITERATIONS + 1), locked(2**30, scrypt=True), locked(2**64)], ids=["PBKDF2", "scrypt", "mad"]
)
def test_a_lock_that_would_keep_the_computer_busy_is_refused(content: bytes) -> None:
    with pytest.raises(KeyFileUnreadable) as found:
        read_key_file(content, RSA, passphrase=SECRET)
    assert "too long" in found.value.cause.english()


def test_a_lock_with_boxes_in_boxes_is_no_lock() -> None:
    with pytest.raises(KeyFileUnreadable):
        read_key_file(locked(1, depth=DEEPEST), RSA, passphrase=SECRET)


def test_no_device_has_an_rsa_2048_key_in_a_file_either() -> None:
    with pytest.raises(ValueError, match="rsa-2048"):
        read_key_file(keys.as_device(), Algorithm.RSA_2048)


# --- anything at all ------------------------------------------------------------------------------------------------


def read(content: bytes, algorithm: Algorithm) -> KeyFile | Fault:
    try:
        return read_key_file(content, algorithm, passphrase=SECRET)
    except Fault as found:
        fault = found
    assert "{" not in fault.cause.english() + fault.next_step.english()
    return fault


@given(st.binary(max_size=700), st.sampled_from([RSA, EC]), st.sampled_from([b"", b"0\x82", b"0\x30", b"-----BEGIN "]))
def test_any_bytes_are_no_key(raw: bytes, algorithm: Algorithm, start: bytes) -> None:
    assert isinstance(read(start + raw, algorithm), Fault)


def pkcs8(key: bytes, kind: str) -> bytes:
    return keys.tlv(0x30, b"\x02\x01\x00" + keys.tlv(0x30, bytes.fromhex(kind)) + keys.tlv(0x04, key))


RSA_KIND = "06092a864886f70d0101010500"
EC_KIND = "06072a8648ce3d020106082a8648ce3d030107"
WHOLE = [
    (keys.as_openssl(), RSA),
    (keys.slot(keys.as_device()), RSA),
    (pkcs8(keys.as_device(), RSA_KIND), RSA),
    (pem("PRIVATE KEY", pkcs8(keys.as_openssl(), RSA_KIND)), RSA),
    (pem("RSA PRIVATE KEY", keys.as_device()), RSA),
    (keys.slot(keys.ec_der(), 192), EC),
    (pkcs8(keys.ec_der(), EC_KIND), EC),
    (pem("EC PRIVATE KEY", keys.ec_der()), EC),
]


@pytest.mark.parametrize(("content", "algorithm"), WHOLE)
@settings(max_examples=examples(40))
@given(data=st.data())
def test_a_damaged_file_is_the_same_key_or_none(content: bytes, algorithm: Algorithm, data: st.DataObject) -> None:
    whole = read_key_file(content, algorithm)
    raw = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    found = read(bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))]), algorithm)
    if isinstance(found, KeyFile):
        assert found.report.fingerprint == whole.report.fingerprint
        assert minimal(found) == minimal(whole)


@cache
def locked_files() -> tuple[tuple[bytes, bytes, Algorithm], ...]:
    """Files locked by openssl, as DER and base64 lines, and what is in them."""
    return tuple(
        (openssl("pkcs8", "-topk8", "-iter", "1", "-outform", "DER", *LOCK, given=made), made, algorithm)
        for made, algorithm in ((rsa_pem(), RSA), (ec_pem(), EC))
    )


@needs_openssl
@pytest.mark.parametrize("index", [0, 1], ids=["RSA", "EC"])
@given(where=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_damaged_locked_file_is_the_same_key_or_none(index: int, where: int, flip: int) -> None:
    content, plain, algorithm = locked_files()[index]
    raw = bytearray(content)
    raw[where % len(raw)] ^= flip
    found = read(bytes(raw), algorithm)
    if isinstance(found, KeyFile):
        assert minimal(found) == minimal(read_key_file(plain, algorithm))


# --- secrets --------------------------------------------------------------------------------------------------------


def test_nothing_private_is_shown_by_a_file_or_by_what_is_wrong_with_it() -> None:
    file = read_key_file(keys.as_device(), RSA)
    damaged = bytearray(keys.as_device())
    damaged[300] ^= 1
    shown = repr(file)
    for content, algorithm in ((bytes(damaged), RSA), (keys.as_device(), EC), (keys.as_openssl(e=257), RSA)):
        found = read(content, algorithm)
        assert isinstance(found, Fault)
        chain: BaseException | None = found
        while chain is not None:
            shown += repr(chain) + str(chain) + repr(vars(chain))
            chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    for number in keys.integers(keys.P, keys.Q)[2:]:
        assert str(number) not in shown
        assert number.to_bytes(128, "big").lstrip(b"\0").hex()[:16] not in shown
    assert repr(keys.as_device())[2:40] not in shown


# --- the board's own form, and the public half ----------------------------------------------------------------------


@pytest.mark.parametrize("primes", [(keys.P, keys.Q), (keys.SHORT_P, keys.SHORT_Q)])
def test_the_board_s_own_form_is_the_same_key_in_611_bytes(primes: tuple[int, int]) -> None:
    form = firmware_form(keys.as_openssl(*primes) + b"\xff")
    assert form == keys.as_device(*primes)
    assert firmware_form(form) == form
    assert len(form) == 611


@pytest.mark.parametrize(
    "der", [b"", os.urandom(16), keys.ec_der(), keys.as_openssl(e=257), keys.as_device()[:600]], ids=range(5)
)
def test_what_is_no_usable_rsa_key_has_no_form_of_a_board(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no sound RSA key of 1024 bits|the public exponent is not 65537)$"):
        firmware_form(der)


def test_a_public_half_is_the_same_from_a_report_and_from_its_pem() -> None:
    report = examine(keys.as_device(), RSA)
    assert hashlib.sha256(public_der(report)).hexdigest() == report.fingerprint
    assert public_der(report.public_pem) == public_der(report)
    with pytest.raises(ValueError, match="no public key"):
        public_der(examine(b"", RSA))
    with pytest.raises(ValueError, match="no public key"):
        public_der(pem("RSA PRIVATE KEY", keys.as_device()))
