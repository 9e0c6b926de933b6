"""The cloud's side of the handshake a board begins its TCP connection with (device-protocol.md 10.1).

Nothing here waits, reads a clock or touches a socket: bytes and times come in, bytes and findings come out. What comes
in is a stranger's: every length is fixed or bounded, every step has a time limit, and at most one key operation is done
for each connection before the other side has shown that it knows this run's server key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Imported where it is used: loading it takes longer than the window takes to be drawn.
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

NONCE = 40
ANSWER = 256
ID = 12
PUBLIC_KEY = 162
SESSION = 40
STEP_S = 30.0
"""How long the server waits for each step (10.1), however many bytes trickle in meanwhile."""
BOARD_WAITS_S = 15.0
"""A board gives up after 20 s without what it waits for (10.1); what it refuses, it refuses in a few."""
TOTAL_S = 120.0
"""How long for all of it (10.1)."""

_BLOCK = 16
_IDS = (NONCE + ID, NONCE + ID + PUBLIC_KEY)  # without and with the public key, which is sent from 0.4.0 on
_HEADER = bytes.fromhex("30819f300d06092a864886f70d010101050003818d0030818902818100")  # of a public key (4.2)
_HELLO_START = b"\x50\x02"  # CoAP: not to be confirmed, without a token, POST
_HELLO_PATH = b"\xb1h\xff"
_HELLO_SIZES = (13, 15, 15 + 2 + ID)  # 2013-14; with the platform; with the ID
_FRAMES = (16, 32)  # those three with their padding
_SERVER_EXPONENT = 65537


@unique
class Stage(IntEnum):
    """What a connection has shown so far; each one is more than the one before."""

    CALLED = 0  # it is there, and has our nonce
    ANSWERED = 1  # as many bytes came as an answer has
    KNOWS_SERVER = 2  # they were encrypted with our server key, for this very connection
    KNOWS_ID = 3  # and carry the ID of our board
    SAME_KEY = 4  # and the public key is that of the private key in its slot, where the firmware sends one
    DONE = 5  # it read our session key with its private key, accepted our signature, and said hello in that session


@unique
class Failure(Enum):
    """Why a connection came no further than its stage."""

    LEFT = "left"  # it was ended by the other side, which had sent nothing of this step
    CUT_SHORT = "cut-short"  # ... which had sent a part of it
    SILENT = "silent"  # nothing came in time
    SLOW = "slow"  # a part came in time
    GARBAGE = "garbage"  # what came is no part of a handshake
    WRONG_SERVER_KEY = "wrong-server-key"
    OLD_NONCE = "old-nonce"  # the answer is one to another connection
    WRONG_ID = "wrong-id"
    OTHER_KEY = "other-key"  # the public key it sent is not that of its slot
    BAD_SESSION = "bad-session"  # its hello cannot be read with the session key it was sent


@dataclass(frozen=True, slots=True)
class Hello:
    """What a board tells of itself in its first message.

    Attributes:
        product: Product ID.
        version: Version of the product's firmware.
        platform: Platform number, None where the firmware is of 2013 or 2014 and does not tell.
        device_id: The ID, where it is repeated here; None on most firmware.
    """

    product: int
    version: int
    platform: int | None
    device_id: str | None


def new_server_key() -> rsa.RSAPrivateKey:
    """Return a server key for one run; it is kept nowhere. It takes a tenth of a second or more."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(_SERVER_EXPONENT, ANSWER * 8)


def public_half(key: rsa.RSAPrivateKey | rsa.RSAPublicKey) -> bytes:
    """Return a key's public half as it lies on boards: SPKI in DER, 294 bytes of 2048 bits, 162 of 1024."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key() if isinstance(key, rsa.RSAPrivateKey) else key
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class Handshake:
    """One connection. Feed it with `receive`, `ended` and `tick`; send what `take` gives.

    Attributes:
        stage: How far it came.
        failure: Why it came no further; None while it goes on, and when it is done.
        device_id: The ID it told, 24 lower-case digits, once it showed that it knows our server key.
        told_key: Whether its answer held a public key; None before.
        hello: Its first message, once done.
    """

    def __init__(
        self,
        server_key: rsa.RSAPrivateKey,
        device_public: bytes,
        is_ours: Callable[[str], bool | None],
        now: float,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Begin with a connection that was just made.

        Args:
            server_key: The server's, of 2048 bits.
            device_public: Public half of the key in the board's slot: SPKI in DER.
            is_ours: Whether an ID is the board's; None when that is not known.
            now: The time, in seconds.
            random: Where secrets come from.

        Raises:
            ValueError: The device key is none of RSA with 1024 bits.
        """
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        device_key = load_der_public_key(device_public)
        if not isinstance(device_key, rsa.RSAPublicKey) or device_key.key_size != 1024:
            raise ValueError("not a device key of RSA with 1024 bits")
        self.stage = Stage.CALLED
        self.failure: Failure | None = None
        self.device_id: str | None = None
        self.told_key: bool | None = None
        self.hello: Hello | None = None
        self._server_key = server_key
        self._device_key = device_key
        self._device_public = public_half(device_key)
        self._is_ours = is_ours
        self._random = random
        self._nonce = random(NONCE)
        self._session = b""
        self._in = bytearray()
        self._frame = 0  # bytes of the frame that is coming, once its length is known
        self._out = self._nonce
        self._end = now + TOTAL_S
        self._step_end = now + STEP_S

    @property
    def over(self) -> bool:
        """Whether nothing more is to be had from this connection."""
        return self.failure is not None or self.stage is Stage.DONE

    @property
    def ours(self) -> bool:
        """Whether it knows our server key, which only the board does that it was written to."""
        return self.stage >= Stage.KNOWS_SERVER

    def take(self) -> bytes:
        """Return what is to be sent now, and forget it."""
        out, self._out = self._out, b""
        return out

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes that came, in pieces of any size. Those behind the end count for nothing."""
        self.tick(now)
        while data and not self.over:
            # Never more is kept than the step can need, whatever is sent.
            room = self._wanted() - len(self._in)
            self._in += data[:room]
            data = data[room:]
            if len(self._in) == self._wanted():
                self._go_on(data, now)

    def ended(self, now: float) -> None:
        """The other side has ended the connection. One that waited long for our next bytes did not refuse them."""
        if self.over:
            return
        if now >= self._step_end - STEP_S + BOARD_WAITS_S:
            self.failure = Failure.SLOW if self._in else Failure.SILENT
        else:
            self.failure = Failure.CUT_SHORT if self._in else Failure.LEFT

    def tick(self, now: float) -> None:
        """Let time pass."""
        if not self.over and now >= min(self._step_end, self._end):
            self.failure = Failure.SLOW if self._in else Failure.SILENT

    # --- inside ---

    def _wanted(self) -> int:
        """How many bytes the step has, as far as is known by now."""
        if self.stage is Stage.CALLED:
            return ANSWER
        return 2 + self._frame

    def _go_on(self, behind: bytes, now: float) -> None:
        """Look at what is there, now that it is as much as was wanted."""
        if self.stage is Stage.CALLED:
            self.stage = Stage.ANSWERED
            if behind:  # a board waits for the session key first
                self.failure = Failure.GARBAGE
            else:
                self._read_answer(bytes(self._in))
            self._in.clear()
            self._step_end = now + STEP_S
        elif not self._frame:
            self._frame = int.from_bytes(self._in, "big")
            if self._frame not in _FRAMES:
                self.failure = Failure.GARBAGE
        else:
            self._read_hello(bytes(self._in[2:]))
            self._in.clear()

    def _read_answer(self, answer: bytes) -> None:
        """Read the 256 bytes; the nonce alone judges what decrypting gives.

        Of bytes that were never encrypted for this key the library makes up a plain text (implicit rejection), of any
        length and content.
        """
        from cryptography.hazmat.primitives.asymmetric import padding

        try:
            plain = self._server_key.decrypt(answer, padding.PKCS1v15())
        except ValueError:
            self.failure = Failure.WRONG_SERVER_KEY
            return
        device_id, sent_key = plain[NONCE : NONCE + ID].hex(), plain[NONCE + ID :]
        if not hmac.compare_digest(plain[:NONCE], self._nonce):
            replayed = len(plain) in _IDS and (sent_key.startswith(_HEADER) or self._is_ours(device_id) is True)
            self.failure = Failure.OLD_NONCE if replayed else Failure.WRONG_SERVER_KEY
            return
        self.stage = Stage.KNOWS_SERVER
        if len(plain) not in _IDS:
            self.failure = Failure.GARBAGE
            return
        self.device_id = device_id
        if self._is_ours(device_id) is False:
            self.failure = Failure.WRONG_ID
            return
        self.stage = Stage.KNOWS_ID
        self.told_key = bool(sent_key)
        if sent_key and sent_key != self._device_public:
            self.failure = Failure.OTHER_KEY
            return
        self.stage = Stage.SAME_KEY
        self._send_session()

    def _send_session(self) -> None:
        """Make up the session, encrypted for the board's key, and signed: the raw HMAC, with no name of a digest."""
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

        self._session = self._random(SESSION)
        cipher = self._device_key.encrypt(self._session, padding.PKCS1v15())
        mac = hmac.new(self._session, cipher, hashlib.sha1).digest()
        self._out += cipher + self._server_key.sign(mac, padding.PKCS1v15(), NoDigestInfo())

    def _read_hello(self, cipher: bytes) -> None:
        hello = _hello_of(_unpadded(self._cipher().decryptor().update(cipher)))
        if hello is None:
            self.failure = Failure.BAD_SESSION
        elif hello.device_id not in (None, self.device_id):
            self.failure = Failure.WRONG_ID
        else:
            self.hello = hello
            self.stage = Stage.DONE
            self._out += self._own_hello()

    def _own_hello(self) -> bytes:
        """Return the server's hello in its frame, the first message in its direction."""
        from cryptography.hazmat.primitives.padding import PKCS7

        chosen = self._random(3)
        number = (int.from_bytes(chosen[:2], "big") + 1) & 0xFFFF
        message = b"\x51\x02" + number.to_bytes(2, "big") + chosen[2:] + b"\xb1h"
        padder = PKCS7(_BLOCK * 8).padder()
        sealed = self._cipher().encryptor().update(padder.update(message) + padder.finalize())
        return len(sealed).to_bytes(2, "big") + sealed

    def _cipher(self) -> Cipher[modes.CBC]:
        """Return the cipher as either direction begins with it."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(self._session[:16]), modes.CBC(self._session[16:32]))


def _unpadded(plain: bytes) -> bytes:
    """Return a message without its padding; empty when that is wrong."""
    from cryptography.hazmat.primitives.padding import PKCS7

    unpadder = PKCS7(_BLOCK * 8).unpadder()
    try:
        return unpadder.update(plain) + unpadder.finalize()
    except ValueError:
        return b""


def _hello_of(message: bytes) -> Hello | None:
    """Return what a board's first message tells, None when it is no such message."""
    if len(message) not in _HELLO_SIZES or message[:2] != _HELLO_START or message[4:7] != _HELLO_PATH:
        return None
    device_id = None
    if len(message) == _HELLO_SIZES[2]:
        if int.from_bytes(message[15:17], "big") != ID:
            return None
        device_id = message[17:].hex()
    return Hello(
        product=int.from_bytes(message[7:9], "big"),
        version=int.from_bytes(message[9:11], "big"),
        platform=int.from_bytes(message[13:15], "big") if len(message) >= _HELLO_SIZES[1] else None,
        device_id=device_id,
    )
