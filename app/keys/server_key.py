"""The server a board is set to: its public key and its address, as they lie on the board (device-protocol.md 4.2, 4.3).

The firmware parses no ASN.1: it takes the modulus from a fixed place. So what counts as a key here is, byte for byte,
the one form it can use.
"""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass, field
from enum import Enum, unique

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
from app.platforms.model import Algorithm, KeySlot
from app.text import Text, text

ERASED = 0xFF
FIRST_MULTICAST = 224  # RFC 1112, RFC 919: from here on, and with 0 in front, no address of one computer
ADDRESS_BYTES = 128
IPV4_TYPE, DOMAIN_TYPE = 0, 1
IPV4_BYTES = 4
NAME_AT = 2
PORT_AT = 66
MOST_STORED = 126
"""What the length byte of a domain may say (4.3)."""
MOST_HOST = PORT_AT - NAME_AT
"""Characters in front of the port: a longer name would be written over by it."""
PORT_UNSET = (0x0000, 0xFFFF)  # both mean the usual one (4.3)
MOST_PORT = 0xFFFE

RSA_BITS = 2048
EXPONENT = 65537
RSA_HEAD = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
"""What stands before the modulus in SPKI of RSA-2048; the firmware takes bytes 33 to 288 (4.2)."""
RSA_MODULUS_BYTES = 256
RSA_TAIL = bytes.fromhex("0203010001")
RSA_DER_BYTES = len(RSA_HEAD) + RSA_MODULUS_BYTES + len(RSA_TAIL)
EC_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
EC_DER_BYTES = len(EC_HEAD) + 64
# SEC 2, secp256r1
EC_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
EC_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

PARTICLE_FINGERPRINTS = {
    Algorithm.RSA_2048: "aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e",
    Algorithm.EC_P256: "a22c78edbbefc04dec7333da227fc6f6904754d17d042099c765a02864555183",
}
"""SHA-256 of the Particle cloud's server keys (SPKI, DER) in the blobs of 4.3."""
_USUAL = {Algorithm.RSA_2048: ("device.spark.io", 5683), Algorithm.EC_P256: ("$id.udp.particle.io", 5684)}  # 4.1

_KIND_WANTED = text("ServerKey", "RSA, 2048 bits")
_KIND_CURVE = text("ServerKey", "elliptic curve")
_KIND_OTHER = text("ServerKey", "neither RSA nor an elliptic curve")

_NO_KEY = text("ServerKey", "There is no server key: its place is empty.")
_KEY_DAMAGED = text("ServerKey", "What is in the place of the server key is no key that the board's firmware can use.")
_LENGTH_DAMAGED = text("ServerKey", "The server address is damaged: it says that it has {length} characters.")
_NAME_DAMAGED = text("ServerKey", "The server address is damaged: it is no name.")
_OVER_PORT = text(
    "ServerKey",
    "The name of the server is so long that it lies over the port. Firmware from 0.4.9 on takes a wrong port.",
)
_CUT_SHORT = text("ServerKey", "Not all of the server's key and address could be read.")


# --- the address ----------------------------------------------------------------------------------------------------


@unique
class AddressKind(Enum):
    """What kind of address is stored (4.3)."""

    NONE = "none"  # the firmware uses the host built into it
    IPV4 = "ipv4"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a server as it is stored on a board.

    Attributes:
        kind: What is stored.
        host: Dotted IPv4 address or name; "" for none.
        port: Its port; None when none is stored, and the firmware uses the usual one.
    """

    kind: AddressKind
    host: str = ""
    port: int | None = None


NO_ADDRESS = ServerAddress(AddressKind.NONE)


def usual_server(algorithm: Algorithm) -> tuple[str, int]:
    """Return host and port that firmware uses when none is stored (4.1); `$id` stands for the device ID.

    Args:
        algorithm: Of the server key: `RSA_2048` for TCP, `EC_P256` for UDP.

    Raises:
        KeyError: No server key is of that kind.
    """
    return _USUAL[algorithm]


def host_words(host: str) -> str:
    """Return a host as a person reads it: `$id` is the firmware's word for the device ID (4.1)."""
    return host.replace("$id", "[ID]")


def parse_address(block: bytes) -> tuple[ServerAddress, tuple[Text, ...]]:
    """Read the 128 bytes of an address; never raises, whatever they are.

    Returns:
        The address, and what is wrong with it; `AddressKind.NONE` if no host can be had from it.
    """
    if len(block) < ADDRESS_BYTES:
        return NO_ADDRESS, (_CUT_SHORT,)
    stored = int.from_bytes(block[PORT_AT : PORT_AT + 2], "big")
    port = None if stored in PORT_UNSET else stored
    kind, length = block[0], block[1]
    if kind not in (IPV4_TYPE, DOMAIN_TYPE) or length == 0:
        return ServerAddress(AddressKind.NONE, port=port), ()
    if kind == IPV4_TYPE:
        if length != IPV4_BYTES:
            return ServerAddress(AddressKind.NONE, port=port), (_LENGTH_DAMAGED.with_values(length=length),)
        host = ".".join(str(byte) for byte in block[NAME_AT : NAME_AT + IPV4_BYTES])
        return ServerAddress(AddressKind.IPV4, host, port), ()
    if length > MOST_STORED:
        return ServerAddress(AddressKind.NONE, port=port), (_LENGTH_DAMAGED.with_values(length=length),)
    name = block[NAME_AT : NAME_AT + length]
    if any(not 0x20 < byte < 0x7F for byte in name):
        return ServerAddress(AddressKind.NONE, port=port), (_NAME_DAMAGED,)
    problems = (_OVER_PORT,) if length > MOST_HOST else ()
    return ServerAddress(AddressKind.DOMAIN, name.decode("ascii"), port), problems


def build_address(address: ServerAddress) -> bytes:
    """Return the 128 bytes of an address; what is not used is erased (0xFF).

    Raises:
        ValueError: It cannot be stored: a mistake of the program, `parse_host` gives only what can.
    """
    block = bytearray([ERASED]) * ADDRESS_BYTES
    match address.kind:
        case AddressKind.NONE:
            pass
        case AddressKind.IPV4:
            parts = [int(part) for part in address.host.split(".")]
            if len(parts) != IPV4_BYTES:
                raise ValueError("no IPv4 address")
            block[:NAME_AT] = bytes([IPV4_TYPE, IPV4_BYTES])
            block[NAME_AT : NAME_AT + IPV4_BYTES] = bytes(parts)
        case AddressKind.DOMAIN:
            name = address.host.encode("ascii")
            if not 0 < len(name) <= MOST_HOST or any(not 0x20 < byte < 0x7F for byte in name):
                raise ValueError("no name that can be stored")
            block[:NAME_AT] = bytes([DOMAIN_TYPE, len(name)])
            block[NAME_AT : NAME_AT + len(name)] = name
            if len(name) < MOST_HOST:
                block[NAME_AT + len(name)] = 0  # as the blobs of the Particle command line have it (4.3)
    if address.port is not None:
        if not 0 < address.port <= MOST_PORT:
            raise ValueError("no port that can be stored")
        block[PORT_AT : PORT_AT + 2] = address.port.to_bytes(2, "big")
    return bytes(block)


_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-_.")
_NUMBERS = frozenset(string.digits + ".")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MOST_LABEL = 63


def parse_host(typed: str, algorithm: Algorithm = Algorithm.RSA_2048) -> ServerAddress:
    """Understand what a person typed: `host` or `host:port`.

    As on the board, only digits and dots are an IPv4 address; everything else is a name (4.3).

    Args:
        typed: What was typed; blanks around it do not count.
        algorithm: Of the server's key; decides what the usual port is.

    Raises:
        HostMissing: Nothing was typed.
        HostIsIpv6: The firmware knows no IPv6.
        HostTooLong: There is no room for it on the board.
        HostBad: It is neither a name nor an IPv4 address.
        HostNoServer: It is an IPv4 address that belongs to no single computer.
        PortBad: There is a colon, but no port behind it.
    """
    whole = typed.strip()
    if not whole:
        raise HostMissing
    if "://" not in whole and (whole.count(":") > 1 or "[" in whole):
        raise HostIsIpv6(host=_short(whole))
    if "/" in whole or "\\" in whole:
        raise HostBad(host=_short(whole))
    host, colon, given = whole.partition(":")
    host = host.strip()
    if not host:
        raise HostMissing
    if len(host) > MOST_HOST:
        raise HostTooLong(length=len(host), most=MOST_HOST)
    if not set(host) <= _NAME_CHARACTERS:
        raise HostBad(host=_short(host))
    port = _parse_port(given.strip(), algorithm) if colon else None
    if set(host) <= _NUMBERS:
        return ServerAddress(AddressKind.IPV4, _ipv4(host), port)
    labels = host.removesuffix(".").split(".")
    if any(not 0 < len(label) <= _MOST_LABEL or label[0] == "-" or label[-1] == "-" for label in labels):
        raise HostBad(host=_short(host))
    return ServerAddress(AddressKind.DOMAIN, host.removesuffix("."), port)


def _parse_port(given: str, algorithm: Algorithm) -> int:
    port = int(given) if _PORT.fullmatch(given) else 0
    if not 0 < port <= MOST_PORT:
        raise PortBad(port=_short(given) or "“”", usual=usual_server(algorithm)[1])
    return port


def _ipv4(host: str) -> str:
    parts = host.split(".")
    numbers = [int(part) for part in parts if part.isdigit() and (part == "0" or part[0] != "0") and len(part) <= 3]
    # No leading zeros: some programs read those as octal.
    if len(parts) != IPV4_BYTES or len(numbers) != IPV4_BYTES or max(numbers) > 0xFF:
        raise HostBad(host=_short(host))
    if numbers[0] == 0 or numbers[0] >= FIRST_MULTICAST:
        raise HostNoServer(host=host)
    return host


def _short(typed: str) -> str:
    return typed if len(typed) <= MOST_HOST else f"{typed[:MOST_HOST]}…"


# --- the key --------------------------------------------------------------------------------------------------------


def fingerprint_of(public_der: bytes) -> str:
    """Return the SHA-256 of a public key (SPKI, DER), 64 hex digits."""
    return hashlib.sha256(public_der).hexdigest()


def is_server_key(der: bytes, algorithm: Algorithm) -> bool:
    """Whether these bytes are, to the last, a server key in the form the firmware uses (4.2)."""
    if algorithm is Algorithm.RSA_2048:
        modulus = der[len(RSA_HEAD) : -len(RSA_TAIL)]
        framed = len(der) == RSA_DER_BYTES and der.startswith(RSA_HEAD) and der.endswith(RSA_TAIL)
        return framed and modulus[0] >= 0x80 and modulus[-1] & 1 == 1
    if algorithm is Algorithm.EC_P256:
        if len(der) != EC_DER_BYTES or not der.startswith(EC_HEAD):
            return False
        x, y = (int.from_bytes(der[at : at + 32], "big") for at in (len(EC_HEAD), len(EC_HEAD) + 32))
        return x < EC_P and y < EC_P and (y * y - (x * x * x - 3 * x + EC_B)) % EC_P == 0
    return False


def _key_bytes(algorithm: Algorithm) -> int:
    """Return how many bytes a server key of that kind has on a board."""
    return {Algorithm.RSA_2048: RSA_DER_BYTES, Algorithm.EC_P256: EC_DER_BYTES}[algorithm]


def read_server_key_file(content: bytes) -> bytes:
    """Return the public key (SPKI, DER) of a local cloud from a file: PEM or DER, also with an address block behind it.

    Local clouds speak TCP, so it is an RSA key of 2048 bits (10.1, 10.3).

    Args:
        content: The whole file.

    Raises:
        ServerKeyPrivate: It is a private key; nothing of it is in the fault.
        ServerKeyUnreadable: It is no key.
        ServerKeyWrongKind: It is a key of another kind.
        ServerKeyWrongSize: It is an RSA key of another size.
        ServerKeyWrongExponent: It is an RSA key of another exponent.
    """
    der = content[:RSA_DER_BYTES]
    if is_server_key(der, Algorithm.RSA_2048):
        return der
    return _in_form(_load_public(content))


def _load_public(content: bytes) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

    if b"PRIVATE KEY-----" in content or _is_private_der(content):
        raise ServerKeyPrivate
    loaders = (load_pem_public_key,) if b"-----BEGIN" in content else (load_der_public_key,)
    for load in loaders:
        try:
            return load(content)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    raise ServerKeyUnreadable from None


def _is_private_der(content: bytes) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        load_der_private_key(content, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:  # it is one, and sealed
        return True
    except (ValueError, UnsupportedAlgorithm):
        from app.keys.device_key import KeyState, examine

        # What was read from a board: a key with the rest of its slot behind it.
        states = (
            {examine(content, each).state for each in (Algorithm.RSA_1024, Algorithm.EC_P256)} if content else set()
        )
        return bool(states & {KeyState.GOOD, KeyState.UNUSABLE_BY_FIRMWARE})
    return True


def _in_form(key: object) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not isinstance(key, rsa.RSAPublicKey):
        found = _KIND_CURVE if isinstance(key, ec.EllipticCurvePublicKey) else _KIND_OTHER
        raise ServerKeyWrongKind(found=found, wanted=_KIND_WANTED)
    if key.key_size != RSA_BITS:
        raise ServerKeyWrongSize(bits=key.key_size)
    exponent = key.public_numbers().e
    if exponent != EXPONENT:
        raise ServerKeyWrongExponent(exponent=exponent)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if not is_server_key(der, Algorithm.RSA_2048):  # for example an even modulus
        raise ServerKeyUnreadable
    return der


# --- both -----------------------------------------------------------------------------------------------------------


@unique
class ServerState(Enum):
    """What the server block of a board turned out to be."""

    GOOD = "good"
    BLANK = "blank"  # no key; there may be an address all the same
    CORRUPT = "corrupt"  # something is there, but key or address is damaged


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """Key and address of the server a board is set to. Nothing in it is secret.

    Attributes:
        slot: Key of the slot, `server-public` or `server-public-udp`.
        algorithm: What kind of key belongs into it.
        raw: The slot as read.
        state: What it holds.
        public_der: The server's key (SPKI, DER); None when there is none that can be used.
        fingerprint: SHA-256 of that, 64 hex digits; "" when there is none.
        address: The address as stored.
        problems: What is wrong, in plain words; empty for a good block.
    """

    slot: str
    algorithm: Algorithm
    raw: bytes = field(repr=False)
    state: ServerState
    public_der: bytes | None = field(repr=False)
    fingerprint: str
    address: ServerAddress
    problems: tuple[Text, ...] = ()

    @property
    def host(self) -> str:
        """The host that firmware takes: the one stored, or the usual one."""
        return self.address.host or usual_server(self.algorithm)[0]

    @property
    def port(self) -> int:
        """The port that firmware from 0.4.9 on takes; older firmware always takes 5683 (4.3)."""
        return self.address.port or usual_server(self.algorithm)[1]

    @property
    def usual_port(self) -> bool:
        """Whether the port is the one that firmware of every age uses."""
        return self.port == usual_server(self.algorithm)[1]

    @property
    def readable_fingerprint(self) -> str:
        """The fingerprint in groups of four digits, for people who compare two."""
        return " ".join(self.fingerprint[at : at + 4] for at in range(0, len(self.fingerprint), 4))

    @property
    def problems_beyond_blank(self) -> tuple[Text, ...]:
        """What is wrong beside that there is no key."""
        return tuple(problem for problem in self.problems if problem is not _NO_KEY)


def parse_server(raw: bytes, slot: KeySlot) -> ServerBlock:
    """Tell what the bytes of a server slot are; never fails, whatever they are.

    Args:
        raw: The slot as read from the board, from its first byte.
        slot: A slot with an address, of the board table.

    Raises:
        ValueError: The slot is not one of a server.
    """
    if slot.address_offset is None:
        raise ValueError(f"{slot.key} has no server address")
    der: bytes | None = raw[: _key_bytes(slot.algorithm)]
    key_place = raw[: slot.address_offset]
    problems: list[Text] = []
    blank = False
    if der is None or not is_server_key(der, slot.algorithm):
        der = None
        blank = not key_place.strip(bytes([ERASED])) or not key_place.strip(b"\x00") or key_place[:1] == b"\xff"
        problems.append(_NO_KEY if blank else _KEY_DAMAGED)
    address, wrong = parse_address(raw[slot.address_offset : slot.address_offset + ADDRESS_BYTES])
    problems += wrong
    state = ServerState.CORRUPT if wrong or not (blank or der) else ServerState.BLANK if blank else ServerState.GOOD
    return ServerBlock(
        slot.key, slot.algorithm, raw, state, der, fingerprint_of(der) if der else "", address, tuple(problems)
    )


def build_server(slot: KeySlot, public_der: bytes, address: ServerAddress) -> bytes:
    """Return the whole slot: key, address, and erased bytes (0xFF) everywhere else.

    Raises:
        ValueError: The key or the address cannot be stored there: a mistake of the program.
    """
    if slot.address_offset is None:
        raise ValueError(f"{slot.key} has no server address")
    if not is_server_key(public_der, slot.algorithm):
        raise ValueError(f"no server key of the kind {slot.algorithm.value}")
    block = bytearray([ERASED]) * slot.size
    block[: len(public_der)] = public_der
    block[slot.address_offset : slot.address_offset + ADDRESS_BYTES] = build_address(address)
    return bytes(block)
