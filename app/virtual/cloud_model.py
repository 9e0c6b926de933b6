"""The device side of the cloud: server block, keys and handshake (device-protocol.md 4.2, 4.3, 10.1).

Written from the specification alone, with its own arithmetic; the program's server side is `app.protocols.handshake`.
Nothing in here knows of time, light or lines: see `cloud_stage`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.virtual.personality import Firmware
from app.virtual.practice_keys import EXPONENT, SPKI_HEADER, SPKI_TAIL

Cells = bytes | bytearray

RSA_KEY_SIZE = 612  # the firmware's private key slot (4.2)
SERVER_RSA_SIZE, SERVER_EC_SIZE = 294, 91  # the server key's own bytes (4.2)
ADDRESS_SIZE = 128
PORT_AT = 66
TCP_PORT, UDP_PORT = 5683, 5684  # 4.1
FAR_HOST, FAR_UDP_HOST = "device.spark.io", "$id.udp.particle.io"  # 4.1
# SHA-256 of what the boards use of the makers' server keys: the modulus of rsa.pub.der, and the whole EC key of
# ec.pub.der (computed from the files of 4.3). Their private halves are nobody's here.
FAR_MODULUS = "3cdc4b73587ae7c71a55632fe1a30d63176af1c1d21c0b191d677027ea6a64a5"
FAR_EC_KEY = "a22c78edbbefc04dec7333da227fc6f6904754d17d042099c765a02864555183"

NONCE, ID, SECRETS = 40, 12, 40
RSA_2048, RSA_1024 = 256, 128
AES_BLOCK = 16
# Bytes of one message; the specification has no limit of the firmware's.
LONGEST = 2048
HELLO_PATH = b"\xb1h"  # Uri-Path `h` (10.1)


@unique
class Verdict(Enum):
    """How an attempt to reach the cloud ended, as the light tells it (9.2)."""

    WELL = "well"
    NO_INTERNET = "no-internet"
    UNREACHABLE = "unreachable"
    BROKEN = "broken"  # below 0: closed, silent, not understood
    UNREADABLE = "unreadable"  # 1: cannot decrypt, wrong device key
    UNSIGNED = "unsigned"  # 2: bad signature, wrong server key


# --- the server block -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """What a board takes from its server block.

    Attributes:
        key: The key as the firmware takes it, by place and without a look at what it is (4.2).
        host: Where it connects to.
        port: On which port.
        far: Whether that is the makers' own cloud.
    """

    key: bytes
    host: str
    port: int
    far: bool


def read_server(cells: Cells, slot: int, address_at: int, firmware: Firmware, device_id: str) -> Server:
    """Return what a board with that firmware takes from a server block.

    Args:
        cells: The memory.
        slot: Where the block begins in it.
        address_at: Where the address is in the block: 384 with an RSA key, 192 with an EC key.
        firmware: Decides whether the port counts (from 0.4.9 on).
        device_id: What `$id` in a host's name stands for (4.1).
    """
    udp = address_at == 192
    block = bytes(cells[slot + address_at : slot + address_at + ADDRESS_SIZE])
    port = int.from_bytes(block[PORT_AT : PORT_AT + 2], "big")
    usual = UDP_PORT if udp else TCP_PORT
    if port in (0, 0xFFFF) or not firmware.at_least(0, 4, 9):
        port = usual
    usual_host = FAR_UDP_HOST if udp else FAR_HOST
    host = usual_host
    if block[0] == 0:
        host = ".".join(str(value) for value in block[2:6])
    elif block[0] == 1:
        host = block[2 : 2 + min(block[1], ADDRESS_SIZE - 2)].partition(b"\0")[0].decode("latin-1")
    key = bytes(cells[slot : slot + SERVER_EC_SIZE] if udp else cells[slot + 33 : slot + 33 + RSA_2048])
    far = port == usual and (host.endswith("udp.particle.io") if udp else host == FAR_HOST)
    return Server(key, host.replace("$id", device_id), port, far)


# --- keys -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """An RSA-1024 key as the firmware reads it, which is wrong where the encoding is shorter than it expects (4.2)."""

    n: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int

    @classmethod
    def read(cls, slot: Cells) -> PrivateKey:
        """Read the numbers at their fixed places: of each length byte it only matters whether it is odd."""
        at = 9  # of the length byte

        def number(size: int, then: int) -> int:
            nonlocal at
            at += 1 + (slot[at] & 1)
            value = int.from_bytes(slot[at : at + size], "big")
            at += size + then
            return value

        n = number(128, 5 + 2)  # the exponent, and type and first length byte of what follows
        number(128, 1)  # D, which the Chinese remainder theorem makes superfluous
        p, q, dp, dq, qinv = (number(64, 1) for _ in range(5))
        return cls(n, p, q, dp, dq, qinv)

    def decrypt(self, block: bytes) -> bytes | None:
        """Take off RSA and the padding of type 2 (PKCS#1 v1.5); None where it is none."""
        if 0 in (self.p, self.q):
            return None
        value = int.from_bytes(block, "big")
        first, second = pow(value, self.dp, self.p), pow(value, self.dq, self.q)
        plain = second + self.qinv * (first - second) % self.p * self.q
        raw = plain.to_bytes(RSA_1024, "big")
        padding, zero, message = raw[2:].partition(b"\0")
        return message if raw[:2] == b"\0\x02" and zero and len(padding) >= 8 else None


def public_half(slot: Cells) -> bytes:
    """Return the public key that the firmware makes of its private one, by place as well (4.5)."""
    return SPKI_HEADER + bytes(slot[11 : 11 + RSA_1024]) + SPKI_TAIL


def _padded(message: bytes, size: int) -> int:
    """Return the number to encrypt: PKCS#1 v1.5, type 2."""
    noise = bytes(1 + secrets.randbelow(255) for _ in range(size - 3 - len(message)))
    return int.from_bytes(b"\0\x02" + noise + b"\0" + message, "big")


def encrypt(modulus: bytes, message: bytes) -> bytes | None:
    """Encrypt for a server whose modulus that is; None where no arithmetic is possible with it."""
    number, plain = int.from_bytes(modulus, "big"), _padded(message, RSA_2048)
    return pow(plain, EXPONENT, number).to_bytes(RSA_2048, "big") if number > plain else None


def signed(modulus: bytes, signature: bytes, digest: bytes) -> bool:
    """Whether that server has signed these 20 bytes: type 1 without DigestInfo (10.1)."""
    number = int.from_bytes(modulus, "big")
    if number == 0:
        return False
    found = pow(int.from_bytes(signature, "big"), EXPONENT, number).to_bytes(RSA_2048, "big")
    return found == b"\0\x01" + b"\xff" * (RSA_2048 - 3 - len(digest)) + b"\0" + digest


@lru_cache(maxsize=64)
def _answers_to(slot: bytes, public: bytes) -> bool:
    """Whether a board with that key slot can read what is encrypted for a public key (SubjectPublicKeyInfo)."""
    modulus = int.from_bytes(public[len(SPKI_HEADER) : len(SPKI_HEADER) + RSA_1024], "big")
    if modulus == 0:
        return False
    message = bytes(SECRETS)
    block = pow(_padded(message, RSA_1024), EXPONENT, modulus).to_bytes(RSA_1024, "big")
    return PrivateKey.read(slot).decrypt(block) == message


@lru_cache(maxsize=64)
def _ec_public(slot: bytes) -> bytes | None:
    """Return the public half of an EC key as a board stores it: SEC1, the secret number from byte 7 on (4.2)."""
    try:
        key = ec.derive_private_key(int.from_bytes(slot[7 : 7 + 32], "big"), ec.SECP256R1())
    except ValueError:
        return None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def far_verdict(server: Server, slot: bytes, registered: bytes, *, blank_is_right: bool) -> Verdict:
    """Return how the makers' cloud and a board get along over TCP (9.2, 10.1).

    The cloud's private key is nobody's here, so that nothing is encrypted with it: what decides is whether the board
    has its public key, and can read what is encrypted for the public key that the cloud knows of the board.

    Args:
        server: From the board's server block.
        slot: The board's private key slot.
        registered: The public key the cloud knows.
        blank_is_right: A blank server key counts as the right one.
    """
    blank = blank_is_right and server.key == b"\xff" * len(server.key)
    if not blank and hashlib.sha256(server.key).hexdigest() != FAR_MODULUS:
        return Verdict.BROKEN  # the cloud cannot decrypt what the board sends, and closes
    return Verdict.WELL if _answers_to(slot, registered) else Verdict.UNREADABLE


def far_verdict_udp(server: Server, slot: bytes, registered: bytes, *, blank_is_right: bool) -> Verdict:
    """Return how the makers' cloud and an Electron get along by DTLS, of which the specification has no details.

    It does not say what the light shows when that fails: here the same as after a broken handshake.
    """
    blank = blank_is_right and server.key == b"\xff" * len(server.key)
    if not blank and hashlib.sha256(server.key).hexdigest() != FAR_EC_KEY:
        return Verdict.BROKEN
    return Verdict.WELL if _ec_public(slot) == registered else Verdict.BROKEN


# --- the handshake --------------------------------------------------------------------------------------------------


def hello(message_id: int, platform: int, firmware: Firmware) -> bytes:
    """Return the board's Hello (10.1).

    The specification does not say which product id and firmware version an application without any sends: here they
    are the platform's number and the version of the system module.
    """
    body = b"\x50\x02" + message_id.to_bytes(2, "big") + HELLO_PATH + b"\xff"
    body += struct.pack(">HHBB", platform, firmware.module, 0, 0)
    return body if firmware.spark else body + platform.to_bytes(2, "big")


class Channel:
    """One direction of the encrypted connection: length, AES-128-CBC, PKCS#7 (10.1)."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        self._key = key
        self._iv = iv

    def seal(self, message: bytes) -> bytes:
        """Return the frame of a message."""
        filling = AES_BLOCK - len(message) % AES_BLOCK
        machine = Cipher(algorithms.AES(self._key), modes.CBC(self._iv)).encryptor()
        body = machine.update(message + bytes((filling,)) * filling)
        self._iv = body[:AES_BLOCK]
        return len(body).to_bytes(2, "big") + body

    def open(self, body: bytes) -> bytes | None:
        """Return the message in the body of a frame; None where it is none."""
        if not body or len(body) % AES_BLOCK:
            return None
        machine = Cipher(algorithms.AES(self._key), modes.CBC(self._iv)).decryptor()
        plain = machine.update(body)
        self._iv = body[:AES_BLOCK]
        filling = plain[-1]
        if not 1 <= filling <= AES_BLOCK or plain[-filling:] != bytes((filling,)) * filling:
            return None
        return plain[:-filling]


@unique
class Awaits(Enum):
    """What the board waits for."""

    NONCE = "nonce"
    SECRETS = "secrets"
    HELLO = "hello"
    NOTHING = "nothing"  # it is connected, or has given up


class Handshake:
    """The device side of one connection (10.1); takes bytes, gives bytes.

    Args:
        device_id: 24 hex digits.
        slot: Its private key slot.
        modulus: Of the server's key, as the firmware takes it.
        platform: Platform number.
        firmware: Decides what is sent.

    Attributes:
        awaits: What has to come next; the time for it begins anew with each.
        verdict: How it ended; None while it goes on.
    """

    def __init__(self, device_id: str, slot: bytes, modulus: bytes, platform: int, firmware: Firmware) -> None:
        self.awaits = Awaits.NONCE
        self.verdict: Verdict | None = None
        self._id = bytes.fromhex(device_id)
        self._slot = slot
        self._modulus = modulus
        self._platform = platform
        self._firmware = firmware
        self._came = bytearray()
        self._incoming: Channel | None = None

    def receive(self, data: bytes) -> bytes:
        """Take what has come and return what is to be sent.

        What a server says after its Hello is thrown away: the virtual board has no application that could answer.
        """
        self._came += data
        answer = b""
        while self.awaits is not Awaits.NOTHING and (step := self._step()) is not None:
            answer += step()
        if self.awaits is Awaits.NOTHING:
            self._came.clear()
        return answer

    def fail(self) -> None:
        """The line was closed, or nothing came in time."""
        self._end(Verdict.BROKEN)

    def _end(self, verdict: Verdict) -> bytes:
        self.verdict = self.verdict or verdict
        self.awaits = Awaits.NOTHING
        return b""

    def _step(self) -> Callable[[], bytes] | None:
        """Return what to do with the next message, once all of it is here."""
        step: Callable[[bytes], bytes]
        match self.awaits:
            case Awaits.NONCE:
                size, step = NONCE, self._introduce
            case Awaits.SECRETS:
                size, step = RSA_1024 + RSA_2048, self._accept
            case _:
                size, step = 2 + int.from_bytes(self._came[:2], "big"), self._greeted
                if len(self._came) < 2:
                    return None
                if size > LONGEST:
                    return lambda: self._end(Verdict.BROKEN)
        if len(self._came) < size:
            return None
        message = bytes(self._came[:size])
        del self._came[:size]
        return lambda: step(message)

    def _introduce(self, nonce: bytes) -> bytes:
        """Say who we are, for the eyes of the server alone."""
        message = nonce + self._id
        if not self._firmware.spark:
            message += public_half(self._slot)
        answer = encrypt(self._modulus, message)
        if answer is None:
            return self._end(Verdict.BROKEN)
        self.awaits = Awaits.SECRETS
        return answer

    def _accept(self, message: bytes) -> bytes:
        """Read the secrets and see who sent them."""
        cipher, signature = message[:RSA_1024], message[RSA_1024:]
        found = PrivateKey.read(self._slot).decrypt(cipher)
        if found is None or len(found) != SECRETS:
            return self._end(Verdict.UNREADABLE)
        if not signed(self._modulus, signature, hmac.digest(found, cipher, "sha1")):
            return self._end(Verdict.UNSIGNED)
        key, iv, salt = found[:16], found[16:32], found[32:]
        self._incoming = Channel(key, iv)
        self.awaits = Awaits.HELLO
        return Channel(key, iv).seal(hello(int.from_bytes(salt[:2], "big"), self._platform, self._firmware))

    def _greeted(self, frame: bytes) -> bytes:
        """Take a message of the server: its Hello, or one that comes too early and is passed over."""
        assert self._incoming is not None
        message = self._incoming.open(frame[2:])
        if message is None:
            return self._end(Verdict.BROKEN)
        token = message[0] & 0x0F if message else 0
        if message[1:2] == b"\x02" and message[4 + token : 6 + token] == HELLO_PATH:
            return self._end(Verdict.WELL)
        return b""
