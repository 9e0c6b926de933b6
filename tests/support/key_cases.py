"""Faults of keys, each as the bytes a board holds, with what the diagnosis has to say of them for each light."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.keys.clouds import Cloud, local_cloud
from app.keys.device_key import examine, public_der
from app.keys.server_key import (
    NO_ADDRESS,
    RSA_HEAD,
    RSA_TAIL,
    AddressKind,
    ServerAddress,
    build_server,
    fingerprint_of,
    parse_host,
    parse_server,
)
from app.platforms.model import Algorithm, KeySlot, Platform
from app.platforms.table import platform
from app.work.key_case import KeysFound, LightSeen, PublicHalf, server_found
from app.work.key_rules import Repair
from support import device_keys

USED = datetime(2026, 11, 23, tzinfo=UTC)
OLD, PORTED, REFILLING = 0, 207, 2202  # module versions: before 0.4, 0.7.0, 2.2.0
ELSEWHERE = "cloud.example.org"
HOME = "192.168.1.20"
PORT_8080 = "192.168.1.20:8080"


@cache
def rsa_server(name: str) -> bytes:
    """A server key in the form firmware uses; nobody can have its private half, and no test needs it."""
    digits = b"".join(hashlib.sha512(f"{name} {number}".encode()).digest() for number in range(4))
    return RSA_HEAD + bytes([digits[0] | 0x80]) + digits[1:-1] + bytes([digits[-1] | 1]) + RSA_TAIL


@cache
def ec_server(name: str) -> bytes:
    """The same over UDP: a point of the curve."""
    scalar = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") >> 1
    key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def server_key(name: str, slot: KeySlot) -> bytes:
    """A server's key of the kind that belongs into a slot."""
    return ec_server(name) if slot.algorithm is Algorithm.EC_P256 else rsa_server(name)


PARTICLE = "particle"
GARAGE = "garage"
ATTIC = "attic"
STRANGER = "stranger"


def particle_fingerprints() -> dict[Algorithm, str]:
    """What stands in for the fingerprints of the makers' keys, whose blobs are not in the project."""
    return {
        Algorithm.RSA_2048: fingerprint_of(rsa_server(PARTICLE)),
        Algorithm.EC_P256: fingerprint_of(ec_server(PARTICLE)),
    }


def book(slot: KeySlot) -> tuple[Cloud, ...]:
    """The local clouds the person has used."""
    return tuple(
        local_cloud(parse_host(host, slot.algorithm), server_key(name, slot), slot.algorithm, name=name, used=USED)
        for name, host in ((GARAGE, HOME), (ATTIC, "attic.local"))
    )


GOOD_KEY = device_keys.as_device()
OTHER_KEY = device_keys.as_device(device_keys.SHORT_P, device_keys.SHORT_Q)
SHORT_FORM = device_keys.as_openssl(device_keys.SHORT_P, device_keys.SHORT_Q)
WRONG_EXPONENT = device_keys.as_openssl(e=257)
WRONG_SIZE = device_keys.as_openssl(2**127 - 1, 2**61 - 1)
CORRUPT_KEY = GOOD_KEY[:200] + bytes(64) + GOOD_KEY[264:]

TCP, UDP = "", "-udp"

Says = tuple[LightSeen, str, Repair]


@dataclass(frozen=True)
class KeyCase:
    """One state of a board's keys.

    Attributes:
        name: The fault, in words.
        says: For a light, which rule has to come first and which repair.
        board: Key of the platform.
        key: The device key slot from its start; "" is a blank one.
        server: Whose server key is there; "" for none, `damaged` for a damaged one.
        host: The server address as a person would type it; "" for none.
        firmware: Module version.
        half: Which public half is stored; the key's own unless said otherwise.
        good_in_safe: Whether the safe has a good key of this board.
        other_in_safe: Whether one of those is another one.
        transport: Which slots are in use.
        other_server: Whether the other transport has a sound server key.
    """

    name: str
    says: tuple[Says, ...]
    board: str = "core"
    key: bytes = field(default=GOOD_KEY, repr=False)
    server: str = PARTICLE
    host: str = "device.spark.io"
    firmware: int | None = PORTED
    half: bytes | None = field(default=None, repr=False)
    good_in_safe: bool = False
    other_in_safe: bool = False
    transport: str = TCP
    other_server: bool = False

    @property
    def platform(self) -> Platform:
        """What kind of board."""
        return platform(self.board)

    @property
    def key_slot(self) -> KeySlot:
        """Where its device key is."""
        return self.platform.slot(f"device-private{self.transport}")

    @property
    def server_slot(self) -> KeySlot:
        """Where its server key is."""
        return self.platform.slot(f"server-public{self.transport}")

    @property
    def half_slot(self) -> KeySlot | None:
        """Where its public half is, None on a Core."""
        wanted = f"device-public{self.transport}"
        return next((slot for slot in self.platform.key_slots if slot.key == wanted), None)

    def key_bytes(self) -> bytes:
        """The whole device key slot."""
        return self.key.ljust(self.key_slot.size, b"\xff")

    def server_bytes(self) -> bytes:
        """The whole server slot."""
        slot = self.server_slot
        address = NO_ADDRESS
        if self.host:
            by_id = self.host.startswith("$")  # which nobody types, but the makers store
            typed = ServerAddress(AddressKind.DOMAIN, self.host)
            address = typed if by_id else parse_host(self.host, slot.algorithm)
        block = bytearray(build_server(slot, server_key(self.server or STRANGER, slot), address))
        assert slot.address_offset is not None
        if not self.server:
            block[: slot.address_offset] = b"\xff" * slot.address_offset
        elif self.server == "damaged":
            block[20:40] = bytes(20)
        elif self.server == "damaged-address":
            block[slot.address_offset : slot.address_offset + 2] = bytes((1, 200))
        return bytes(block)

    def half_bytes(self) -> bytes:
        """The public half slot; blank where there is no key."""
        slot = self.half_slot
        assert slot is not None
        report = examine(self.key_bytes(), self.key_slot.algorithm)
        own = public_der(report) if report.public_pem else b""
        return (own if self.half is None else self.half).ljust(slot.size, b"\xff")

    @cache  # noqa: B019 - the cases are constants, and a key is slow to examine
    def found(self) -> KeysFound:
        """What a recipe would find."""
        report = examine(self.key_bytes(), self.key_slot.algorithm)
        half = PublicHalf.NO_PLACE
        if self.half_slot is not None:
            half = PublicHalf.DIFFERS if self.half is not None else PublicHalf.MATCHES
            half = half if report.public_pem else PublicHalf.BLANK
        block = parse_server(self.server_bytes(), self.server_slot)
        return KeysFound(
            self.platform,
            report,
            server_found(block, book(self.server_slot)),
            half,
            self.firmware,
            good_in_safe=self.good_in_safe,
            other_in_safe=self.other_in_safe,
            over="UDP" if self.transport == UDP else "TCP",
            other_server_good=self.other_server,
        )


EC_KEY = device_keys.ec_der()

L, R = LightSeen, Repair


def every(code: str, repair: Repair, *lights: LightSeen) -> tuple[Says, ...]:
    """The same for several lights; for all of them if none is named."""
    return tuple((light, code, repair) for light in lights or tuple(L))


CASES: tuple[KeyCase, ...] = (
    KeyCase("Core: no device key", every("device-blank", R.CHANGE_KEY), key=b""),
    KeyCase(
        "Core: no device key, a backup in the safe", every("device-blank", R.RESTORE_KEY), key=b"", good_in_safe=True
    ),
    KeyCase("Photon: no device key", every("device-blank-makes-own", R.CHANGE_KEY), board="photon", key=b""),
    KeyCase(
        "Photon: no device key, a backup in the safe",
        every("device-blank-makes-own", R.RESTORE_KEY),
        board="photon",
        key=b"",
        good_in_safe=True,
    ),
    KeyCase("Device key damaged", every("device-corrupt", R.CHANGE_KEY), key=CORRUPT_KEY),
    KeyCase(
        "Device key damaged, a backup in the safe",
        every("device-corrupt", R.RESTORE_KEY),
        key=CORRUPT_KEY,
        good_in_safe=True,
    ),
    KeyCase("Device key of a wrong size", every("device-corrupt", R.CHANGE_KEY), key=WRONG_SIZE),
    KeyCase("Device key sound, but too short for the firmware", every("device-form", R.RESTORE_KEY), key=SHORT_FORM),
    KeyCase("Device key with another exponent", every("device-unusable", R.CHANGE_KEY), key=WRONG_EXPONENT),
    KeyCase(
        "Public half is of another key",
        (
            (L.UNSEEN, "public-half", R.RESTORE_KEY),
            (L.CONNECTED, "public-half", R.RESTORE_KEY),
            (L.ORANGE, "orange-public-half", R.RESTORE_KEY),
            (L.MAGENTA, "magenta-particle", R.PROVE),
        ),
        board="photon",
        half=public_der(examine(device_keys.slot(OTHER_KEY), Algorithm.RSA_1024)),
    ),
    KeyCase("No server key", every("server-blank", R.SWITCH_CLOUD), server="", host=""),
    KeyCase(
        "Photon 2.2: no server key",
        (
            *every("server-blank-refills", R.NONE, L.UNSEEN, L.CONNECTED, L.OTHER),
            *every("server-blank-perhaps", R.SWITCH_CLOUD, L.ORANGE, L.RED, L.CYAN),
        ),
        board="photon",
        server="",
        host="",
        firmware=REFILLING,
    ),
    KeyCase(
        "Photon, firmware not known: no server key",
        every("server-blank-perhaps", R.SWITCH_CLOUD),
        board="photon",
        server="",
        host="",
        firmware=None,
    ),
    KeyCase(
        "Photon 0.7: no server key",
        every("server-blank", R.SWITCH_CLOUD),
        board="photon",
        server="",
        host="",
        firmware=PORTED,
    ),
    KeyCase("Server address without a key", every("address-without-key", R.SWITCH_CLOUD), server="", host=HOME),
    KeyCase("Server key damaged", every("server-corrupt", R.SWITCH_CLOUD), server="damaged"),
    KeyCase("Server address damaged", every("address-corrupt", R.SWITCH_CLOUD), server="damaged-address"),
    KeyCase(
        "Particle's key with a local address",
        every("particle-key-at-home", R.SWITCH_CLOUD),
        server=PARTICLE,
        host=HOME,
    ),
    KeyCase(
        "Particle's key with an address of the home network",
        every("particle-key-at-home", R.SWITCH_CLOUD, L.MAGENTA, L.RED),
        host="10.0.0.7",
    ),
    KeyCase(
        "Particle's key with somebody's address",
        (
            *every("particle-key-elsewhere", R.SWITCH_CLOUD, L.MAGENTA, L.RED, L.UNSEEN),
            (L.CONNECTED, "connected", R.NONE),
        ),
        host=ELSEWHERE,
    ),
    KeyCase(
        "Local cloud's key without an address",
        every("key-without-address", R.SWITCH_CLOUD),
        server=GARAGE,
        host="",
    ),
    KeyCase(
        "Unknown key without an address",
        (
            *every("unknown-key-without-address", R.SWITCH_CLOUD, L.RED, L.MAGENTA, L.UNSEEN),
            (L.CONNECTED, "connected", R.NONE),
        ),
        server=STRANGER,
        host="",
    ),
    KeyCase("Local cloud's key with Particle's address", every("local-key-at-particle", R.SWITCH_CLOUD), server=GARAGE),
    KeyCase(
        "Unknown key with Particle's address",
        every("unknown-key-at-particle", R.SWITCH_CLOUD, L.RED, L.MAGENTA, L.UNSEEN),
        server=STRANGER,
    ),
    KeyCase(
        "One local cloud's key with another one's address",
        every("two-local-clouds", R.SWITCH_CLOUD, L.RED, L.MAGENTA, L.UNSEEN),
        server=GARAGE,
        host="attic.local",
    ),
    KeyCase(
        "Unknown key with a local cloud's address",
        every("unknown-key-at-local", R.SWITCH_CLOUD, L.RED, L.MAGENTA, L.UNSEEN),
        server=STRANGER,
        host=HOME,
    ),
    KeyCase("Loopback address", every("address-nowhere", R.SWITCH_CLOUD), server=GARAGE, host="127.0.0.1"),
    KeyCase("Address is localhost", every("address-nowhere", R.SWITCH_CLOUD), server=GARAGE, host="localhost"),
    KeyCase(
        "Own port, firmware older than 0.4.9",
        every("port-ignored", R.SWITCH_CLOUD, L.CYAN, L.BLINKS, L.UNSEEN),
        server=STRANGER,
        host=PORT_8080,
        firmware=OLD,
    ),
    KeyCase(
        "Own port, firmware not known",
        ((L.UNSEEN, "sound-unknown", R.NONE), (L.CYAN, "cyan-moved", R.SWITCH_CLOUD)),
        server=STRANGER,
        host="10.1.1.1:8080",
        firmware=None,
    ),
    KeyCase(
        "Electron set to TCP, server key for UDP only",
        every("transport", R.SWITCH_CLOUD),
        board="electron",
        server="",
        host="",
        firmware=REFILLING,
        other_server=True,
    ),
    KeyCase(
        "Electron over UDP: no server key for it, one for TCP",
        (
            *every("server-blank-refills", R.NONE, L.UNSEEN, L.CONNECTED),
            *every("transport", R.SWITCH_CLOUD, L.RED, L.ORANGE, L.CYAN),
        ),
        board="electron",
        key=EC_KEY,
        server="",
        host="",
        transport=UDP,
        firmware=REFILLING,
        other_server=True,
    ),
    KeyCase(
        "Keys good, set to the Particle cloud",
        (
            (L.CONNECTED, "connected", R.NONE),
            (L.UNSEEN, "sound", R.NONE),
            (L.ORANGE, "orange", R.HAND_ON),
            (L.MAGENTA, "magenta-particle", R.PROVE),
            *every("flash", R.PROVE, L.RED, L.RED_OR_ORANGE, L.FLASH),
            *every("cyan", R.PROVE, L.CYAN, L.BLINKS),
            (L.OTHER, "not-that-far", R.CONNECT),
        ),
    ),
    KeyCase(
        "Keys good, another key of this board in the safe",
        ((L.ORANGE, "orange-other-in-safe", R.RESTORE_KEY), (L.CONNECTED, "connected", R.NONE)),
        good_in_safe=True,
        other_in_safe=True,
    ),
    KeyCase("Keys good, no address stored", every("sound", R.NONE, L.UNSEEN), host=""),
    KeyCase(
        "Keys good, set to a local cloud",
        (
            (L.CONNECTED, "connected", R.NONE),
            (L.UNSEEN, "sound", R.NONE),
            (L.ORANGE, "orange", R.HAND_ON),
            (L.MAGENTA, "magenta", R.SWITCH_CLOUD),
            *every("flash", R.PROVE, L.RED, L.RED_OR_ORANGE, L.FLASH),
            *every("cyan-moved", R.SWITCH_CLOUD, L.CYAN, L.BLINKS),
            (L.OTHER, "not-that-far", R.CONNECT),
        ),
        server=GARAGE,
        host=HOME,
    ),
    KeyCase(
        "Keys good, local cloud has another address than before",
        ((L.UNSEEN, "sound-moved", R.NONE), (L.CYAN, "cyan-moved", R.SWITCH_CLOUD)),
        server=GARAGE,
        host="192.168.1.99",
    ),
    KeyCase(
        "Keys good, set to a server nobody knows",
        (
            (L.CONNECTED, "connected", R.NONE),
            (L.UNSEEN, "sound-unknown", R.NONE),
            (L.ORANGE, "orange", R.HAND_ON),
            (L.MAGENTA, "magenta", R.SWITCH_CLOUD),
            *every("flash-unknown-server", R.SWITCH_CLOUD, L.RED, L.RED_OR_ORANGE, L.FLASH),
            (L.CYAN, "cyan-moved", R.SWITCH_CLOUD),
        ),
        server=STRANGER,
        host=ELSEWHERE,
    ),
    KeyCase(
        "Electron: keys good, Particle over UDP",
        (
            (L.CONNECTED, "connected", R.NONE),
            (L.UNSEEN, "sound", R.NONE),
            (L.ORANGE, "orange", R.HAND_ON),
            (L.RED, "flash", R.SWITCH_CLOUD),
            (L.CYAN, "cyan", R.CONNECT),
        ),
        board="electron",
        key=EC_KEY,
        host="$id.udp.particle.io",
        transport=UDP,
        firmware=REFILLING,
    ),
)
