"""A server's key and address: byte for byte as boards hold them, from files of any kind, and as people type them."""

from __future__ import annotations

import contextlib
import subprocess
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from support.real_pack import real_pack
from support.spec_cloud import server_key, server_public

from app.cloud_faults import (
    HostBad,
    HostIsIpv6,
    HostMissing,
    HostNoServer,
    HostTooLong,
    PortBad,
    ServerKeyPrivate,
    ServerKeyUnreadable,
    ServerKeyWrongExponent,
    ServerKeyWrongKind,
    ServerKeyWrongSize,
)
from app.faults import Fault
from app.keys.server_key import (
    NO_ADDRESS,
    PARTICLE_FINGERPRINTS,
    AddressKind,
    ServerAddress,
    ServerState,
    build_address,
    build_server,
    is_server_key,
    parse_address,
    parse_host,
    parse_server,
    read_server_key_file,
)
from app.platforms.model import Algorithm, KeySlot
from app.platforms.table import platform

CORE, PHOTON = platform("core").slot("server-public"), platform("photon").slot("server-public")
UDP = platform("electron").slot("server-public-udp")
SLOTS = (CORE, PHOTON, UDP)
RSA, EC = Algorithm.RSA_2048, Algorithm.EC_P256
TYPED_CHARACTERS = "abcXYZ019-_.:[]/\\ éß☃\x00%"

labels = st.from_regex(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,10}[A-Za-z0-9_])?", fullmatch=True)
names = (
    st.lists(labels, min_size=1, max_size=5)
    .map(".".join)
    .filter(lambda name: len(name) <= 64 and not set(name) <= set("0123456789."))
)
numbers = st.tuples(st.integers(1, 223), *[st.integers(0, 255)] * 3).map(lambda parts: ".".join(map(str, parts)))
ports = st.none() | st.integers(1, 0xFFFE)
addresses = (
    st.builds(ServerAddress, st.just(AddressKind.IPV4), numbers, ports)
    | st.builds(ServerAddress, st.just(AddressKind.DOMAIN), names, ports)
    | st.builds(ServerAddress, st.just(AddressKind.NONE), st.just(""), ports)
)


@cache
def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public(slot: KeySlot) -> bytes:
    if slot.algorithm is RSA:
        return server_public()
    return curve_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# --- the address ----------------------------------------------------------------------------------------------------


@given(addresses)
def test_what_is_built_is_what_is_parsed(address: ServerAddress) -> None:
    block = build_address(address)
    assert len(block) == 128
    assert parse_address(block) == (address, ())


@given(addresses)
def test_a_typed_address_is_the_one_that_was_meant(address: ServerAddress) -> None:
    if address.kind is not AddressKind.NONE:
        port = "" if address.port is None else f":{address.port}"
        assert parse_host(f" {address.host}{port}\n") == address


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(block: bytes) -> None:
    address, problems = parse_address(block)
    assert (address.kind is AddressKind.NONE) == (address.host == "")
    assert address.port is None or 0 < address.port < 0xFFFF
    for problem in problems:
        assert "{" not in problem.english()


def test_an_ipv4_address_has_its_bytes_where_the_firmware_looks() -> None:
    block = build_address(ServerAddress(AddressKind.IPV4, "192.168.1.10", 5684))
    assert block == b"\x00\x04\xc0\xa8\x01\x0a" + b"\xff" * 60 + b"\x16\x34" + b"\xff" * 60


def test_a_name_has_its_length_its_characters_and_a_nul() -> None:
    block = build_address(ServerAddress(AddressKind.DOMAIN, "device.spark.io"))
    assert block == b"\x01\x0fdevice.spark.io\x00" + b"\xff" * 110


def test_the_longest_name_ends_right_before_the_port() -> None:
    name = "a" * 60 + ".org"
    block = build_address(ServerAddress(AddressKind.DOMAIN, name, 1234))
    assert block[:68] == b"\x01\x40" + name.encode() + (1234).to_bytes(2, "big")


@pytest.mark.parametrize("stored", [b"\x00\x00", b"\xff\xff"])
def test_a_port_of_zeros_or_ones_is_the_usual_one(stored: bytes) -> None:
    block = bytearray(build_address(ServerAddress(AddressKind.IPV4, "10.0.0.1", 99)))
    block[66:68] = stored
    assert parse_address(bytes(block))[0].port is None


@pytest.mark.parametrize("kind", [2, 3, 0x7F, 0xFE, 0xFF])
def test_another_type_is_no_address(kind: int) -> None:
    block = bytearray(build_address(ServerAddress(AddressKind.DOMAIN, "cloud.example.org")))
    block[0] = kind
    assert parse_address(bytes(block)) == (NO_ADDRESS, ())


def test_a_length_of_zero_is_no_address() -> None:
    assert parse_address(b"\x01\x00" + b"\xff" * 126) == (NO_ADDRESS, ())
    assert parse_address(b"\x00\x00" + b"\xff" * 126) == (NO_ADDRESS, ())


@pytest.mark.parametrize("head", [b"\x01\x7f", b"\x01\xff", b"\x00\x05", b"\x00\xff"])
def test_a_wrong_length_byte_is_damage(head: bytes) -> None:
    address, problems = parse_address(head + b"a" * 126)
    assert address.kind is AddressKind.NONE
    assert str(head[1]) in problems[0].english()


def test_a_name_of_no_characters_is_damage() -> None:
    address, problems = parse_address(b"\x01\x04\x00\x01\x02\x03" + b"\xff" * 122)
    assert (address.kind, len(problems)) == (AddressKind.NONE, 1)


def test_a_stored_name_that_lies_over_the_port_is_read_and_named_a_problem() -> None:
    name = b"b" * 126
    address, problems = parse_address(b"\x01\x7e" + name)
    assert address.host == name.decode()
    assert "port" in problems[0].english()


def test_what_cannot_be_stored_is_not_built() -> None:
    for address in (
        ServerAddress(AddressKind.DOMAIN, "a" * 65),
        ServerAddress(AddressKind.DOMAIN, ""),
        ServerAddress(AddressKind.DOMAIN, "white space"),
        ServerAddress(AddressKind.IPV4, "1.2.3"),
        ServerAddress(AddressKind.IPV4, "1.2.3.4", 0),
        ServerAddress(AddressKind.IPV4, "1.2.3.4", 0xFFFF),
    ):
        with pytest.raises(ValueError, match=r"address|stored"):
            build_address(address)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", HostMissing),
        ("   ", HostMissing),
        (":5683", HostMissing),
        ("::1", HostIsIpv6),
        ("fe80::1%eth0", HostIsIpv6),
        ("[2001:db8::1]:5683", HostIsIpv6),
        ("2001:db8:0:0:0:0:0:1", HostIsIpv6),
        ("a" * 65, HostTooLong),
        ("a." * 40 + "org", HostTooLong),
        ("http://192.168.1.10:8080", HostBad),
        ("192.168.1.10/devices", HostBad),
        ("cloud example", HostBad),
        ("müller.example", HostBad),
        ("-cloud.example", HostBad),
        ("cloud-.example", HostBad),
        ("cloud..example", HostBad),
        (".", HostBad),
        ("1.2.3", HostBad),
        ("1.2.3.4.5", HostBad),
        ("256.1.1.1", HostBad),
        ("192.168.001.010", HostBad),
        ("1..2.3", HostBad),
        ("12345", HostBad),
        ("0.0.0.0", HostNoServer),
        ("255.255.255.255", HostNoServer),
        ("224.0.1.187", HostNoServer),
        ("10.0.0.1:", PortBad),
        ("10.0.0.1:0", PortBad),
        ("10.0.0.1:65535", PortBad),  # which means the usual one, as the board understands it
        ("10.0.0.1:99999", PortBad),
        ("10.0.0.1:-1", PortBad),
        ("10.0.0.1:١٢", PortBad),
        ("10.0.0.1:http", PortBad),
    ],
)
def test_what_cannot_be_an_address_is_said_in_a_sentence_of_its_own(typed: str, fault: type[Fault]) -> None:
    with pytest.raises(fault) as raised:
        parse_host(typed)
    assert "{" not in raised.value.cause.english() + raised.value.next_step.english()


@given(st.text(alphabet=TYPED_CHARACTERS, max_size=90))
def test_nothing_that_is_typed_breaks_the_parser(typed: str) -> None:
    try:
        address = parse_host(typed)
    except Fault:
        return
    assert parse_address(build_address(address)) == (address, ())


def test_a_dot_at_the_end_of_a_name_does_not_count() -> None:
    assert parse_host("cloud.example.org.").host == "cloud.example.org"


# --- key and address ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot.key}-{slot.size}")
@given(address=addresses)
def test_a_block_that_is_built_is_read_as_it_was_meant(slot: KeySlot, address: ServerAddress) -> None:
    raw = build_server(slot, public(slot), address)
    block = parse_server(raw, slot)
    assert len(raw) == slot.size
    assert (block.state, block.public_der, block.address) == (ServerState.GOOD, public(slot), address)
    assert build_server(slot, block.public_der or b"", block.address) == raw


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot.key}-{slot.size}")
@given(raw=st.binary(max_size=600))
def test_no_bytes_break_the_parser_of_blocks(slot: KeySlot, raw: bytes) -> None:
    block = parse_server(raw, slot)
    assert (block.public_der is None) == (block.fingerprint == "")
    assert block.host
    assert block.port


def test_a_block_is_as_the_particle_command_line_builds_it() -> None:
    raw = build_server(PHOTON, server_public(), ServerAddress(AddressKind.IPV4, "192.168.1.10", 5683))
    assert raw[:294] == server_public()
    assert set(raw[294:384]) == {0xFF}
    assert raw[384:390] == bytes((0, 4, 192, 168, 1, 10))
    assert set(raw[390:450]) == {0xFF}
    assert raw[450:452] == b"\x16\x33"
    assert set(raw[452:]) == {0xFF}
    assert build_server(CORE, server_public(), ServerAddress(AddressKind.IPV4, "192.168.1.10", 5683)) == raw.ljust(
        2048, b"\xff"
    )


@pytest.mark.parametrize(
    ("name", "slot", "host"),
    [
        ("rsa.pub.der", PHOTON, "device.spark.io"),
        ("rsa.pub-padded.der", CORE, "device.spark.io"),
        ("ec.pub.der", UDP, "$id.udp.particle.io"),
    ],
)
def test_the_makers_blocks_are_understood(name: str, slot: KeySlot, host: str) -> None:
    raw = real_pack().read(name)
    block = parse_server(raw, slot)
    assert (block.state, block.host, block.address.port) == (ServerState.GOOD, host, None)
    assert block.fingerprint == PARTICLE_FINGERPRINTS[slot.algorithm]
    built = build_server(slot, block.public_der or b"", block.address)
    # The makers' EC block has no NUL behind the name, as none is needed (4.3).
    end = (slot.address_offset or 0) + 2 + len(host)
    assert built == raw if slot is not UDP else built[:end] + b"\xff" + built[end + 1 :] == raw


def test_blank_memory_is_blank_and_the_firmware_takes_its_own_server() -> None:
    for raw in (b"\xff" * 512, b"\x00" * 512, b"\xff" + server_public()):
        block = parse_server(raw.ljust(512, b"\xff"), PHOTON)
        assert block.state is ServerState.BLANK
    assert (block.host, block.port, block.usual_port) == ("device.spark.io", 5683, True)
    assert parse_server(b"\xff" * 320, UDP).host == "$id.udp.particle.io"
    assert parse_server(b"\xff" * 320, UDP).port == 5684


def test_an_address_without_a_key_is_blank_and_keeps_its_address() -> None:
    raw = b"\xff" * 384 + build_address(ServerAddress(AddressKind.IPV4, "10.1.2.3"))
    block = parse_server(raw, PHOTON)
    assert (block.state, block.host) == (ServerState.BLANK, "10.1.2.3")


@pytest.mark.parametrize("at", [0, 1, 20, 32, 288, 289, 293])
def test_one_wrong_byte_of_the_frame_is_damage(at: int) -> None:
    raw = bytearray(build_server(PHOTON, server_public(), NO_ADDRESS))
    raw[at] ^= 0x01
    assert parse_server(bytes(raw), PHOTON).state is ServerState.CORRUPT


def test_a_point_that_is_not_on_the_curve_is_damage() -> None:
    raw = bytearray(build_server(UDP, public(UDP), NO_ADDRESS))
    raw[60] ^= 0x01
    assert parse_server(bytes(raw), UDP).state is ServerState.CORRUPT


def test_a_sound_key_with_a_damaged_address_is_damage_and_keeps_its_key() -> None:
    raw = bytearray(build_server(PHOTON, server_public(), ServerAddress(AddressKind.IPV4, "10.0.0.1")))
    raw[385] = 9
    block = parse_server(bytes(raw), PHOTON)
    assert (block.state, block.public_der) == (ServerState.CORRUPT, server_public())


def test_a_device_slot_is_no_place_for_a_server() -> None:
    private = platform("photon").slot("device-private")
    with pytest.raises(ValueError, match="no server address"):
        parse_server(b"", private)
    with pytest.raises(ValueError, match="no server address"):
        build_server(private, server_public(), NO_ADDRESS)
    with pytest.raises(ValueError, match="no server key"):
        build_server(UDP, server_public(), NO_ADDRESS)


# --- files ----------------------------------------------------------------------------------------------------------


def openssl(folder: Path, *arguments: str) -> bytes:
    """Run openssl in a folder; return what it prints."""
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys made by openssl, as a local cloud makes them."""
    folder = tmp_path_factory.mktemp("openssl")
    openssl(folder, "genrsa", "-out", "default_key.pem", "2048")
    openssl(folder, "rsa", "-in", "default_key.pem", "-pubout", "-out", "default_key.pub.pem")
    openssl(folder, "rsa", "-in", "default_key.pem", "-pubout", "-outform", "DER", "-out", "default_key.pub.der")
    openssl(folder, "rsa", "-in", "default_key.pem", "-RSAPublicKey_out", "-out", "pkcs1.pub.pem")
    openssl(folder, "rsa", "-in", "default_key.pem", "-outform", "DER", "-out", "default_key.der")
    openssl(folder, "rsa", "-in", "default_key.pem", "-aes128", "-passout", "pass:open", "-out", "sealed.pem")
    openssl(folder, "genrsa", "-out", "small.pem", "1024")
    openssl(folder, "rsa", "-in", "small.pem", "-pubout", "-out", "small.pub.pem")
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "curve.pem")
    openssl(folder, "ec", "-in", "curve.pem", "-pubout", "-out", "curve.pub.pem")
    openssl(folder, "ec", "-in", "curve.pem", "-pubout", "-outform", "DER", "-out", "curve.pub.der")
    return folder


@pytest.mark.parametrize("name", ["default_key.pub.pem", "default_key.pub.der", "pkcs1.pub.pem"])
def test_public_keys_made_by_openssl_are_read(name: str, made: Path) -> None:
    der = read_server_key_file((made / name).read_bytes())
    assert der == (made / "default_key.pub.der").read_bytes()
    assert is_server_key(der, RSA)
    assert openssl(made, "pkey", "-pubin", "-inform", "DER", "-in", "default_key.pub.der", "-outform", "DER", "-pubout")


def test_a_whole_block_is_a_key_file_too(made: Path) -> None:
    der = (made / "default_key.pub.der").read_bytes()
    block = build_server(PHOTON, der, ServerAddress(AddressKind.IPV4, "192.168.1.10"))
    assert read_server_key_file(block) == der


@pytest.mark.parametrize("name", ["default_key.pem", "default_key.der", "sealed.pem", "small.pem", "curve.pem"])
def test_a_private_key_is_refused_and_nothing_of_it_is_told(name: str, made: Path) -> None:
    content = (made / name).read_bytes()
    with pytest.raises(ServerKeyPrivate) as raised:
        read_server_key_file(content)
    fault = raised.value
    assert fault.detail == ""
    assert fault.__cause__ is None
    assert "private" in fault.cause.english()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_every_form_of_private_key_is_known(form: PrivateFormat) -> None:
    for key in (server_key(), curve_key()):
        plain = key.private_bytes(Encoding.DER, form, NoEncryption())
        for content in (
            plain,
            plain.ljust(1024, b"\xff")[:1024] if isinstance(key, ec.EllipticCurvePrivateKey) else plain,
        ):
            if form is PrivateFormat.PKCS8 and content != plain:
                continue
            with pytest.raises(ServerKeyPrivate):
                read_server_key_file(content)
    sealed = server_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    with pytest.raises(ServerKeyPrivate):
        read_server_key_file(sealed)


def test_keys_of_another_size_are_refused_with_their_size(made: Path) -> None:
    with pytest.raises(ServerKeyWrongSize) as raised:
        read_server_key_file((made / "small.pub.pem").read_bytes())
    assert "1024" in raised.value.cause.english()
    # Made by hand: generating one takes seconds, and only its size is looked at.
    big = rsa.RSAPublicNumbers(65537, (1 << 4095) | 1).public_key()
    with pytest.raises(ServerKeyWrongSize) as raised:
        read_server_key_file(big.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert "4096" in raised.value.cause.english()


def test_another_exponent_is_refused() -> None:
    odd = rsa.RSAPublicNumbers(3, server_key().public_key().public_numbers().n).public_key()
    with pytest.raises(ServerKeyWrongExponent) as raised:
        read_server_key_file(odd.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert " 3." in raised.value.cause.english()


def test_keys_of_another_kind_are_refused(made: Path) -> None:
    for name in ("curve.pub.pem", "curve.pub.der"):
        with pytest.raises(ServerKeyWrongKind) as raised:
            read_server_key_file((made / name).read_bytes())
        assert "elliptic curve" in raised.value.cause.english()
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    with pytest.raises(ServerKeyWrongKind):
        read_server_key_file(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(ServerKeyWrongKind) as raised:
        read_server_key_file(edwards.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert "{" not in raised.value.cause.english()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 512,
        b"hello",
        b"-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"ssh-rsa AAAAB3NzaC1yc2E= somebody",
    ],
)
def test_other_files_are_no_keys(content: bytes) -> None:
    with pytest.raises(ServerKeyUnreadable):
        read_server_key_file(content)


@given(st.binary(max_size=400))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    with pytest.raises(Fault):
        read_server_key_file(content)


@given(st.integers(0, 293), st.binary(min_size=1, max_size=4))
def test_no_damaged_key_file_breaks_the_reader(at: int, damage: bytes) -> None:
    content = bytearray(server_public())
    content[at : at + len(damage)] = damage
    for each in (bytes(content), bytes(content[: at + 1])):
        with contextlib.suppress(Fault):
            assert is_server_key(read_server_key_file(each), RSA)
