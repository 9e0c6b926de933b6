"""A board's side of the handshake for tests, from device-protocol.md 10.1 and 4.2, with RSA done by plain numbers.

It shares no code with the program nor with the virtual boards: three hands wrote from one specification.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

DEVICE_ID = "53ff6f065067544840551187"
HEADER = bytes.fromhex("30819f300d06092a864886f70d010101050003818d0030818902818100")


@functools.cache
def server_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A server's key, the same one for every test."""
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def device_key(number: int = 0) -> rsa.RSAPrivateKey:
    """A board's key, the same one for every test."""
    return rsa.generate_private_key(65537, 1024)


def spki(key: rsa.RSAPrivateKey) -> bytes:
    """The 162 bytes of a board's public key."""
    return HEADER + key.public_key().public_numbers().n.to_bytes(128, "big") + bytes.fromhex("0203010001")


def padded(message: bytes) -> bytes:
    """PKCS#7 to 16 bytes."""
    fill = 16 - len(message) % 16
    return message + bytes([fill]) * fill


@dataclass
class ShakingDevice:
    """Feed it what the server sends; it gives what the board sends.

    Attributes:
        key: The board's private key.
        server: The server key it holds (only the public half is used).
        sends_key: Whether it sends its public key: firmware from 0.4.0.
        hello_bytes: 13, 15 or 29.
        device_id: The ID it tells.
        nonce: What it answers instead of the nonce it was sent, for a replay.
        told: The public key it sends instead of its own.
        seen: What it understood: "session" once it accepted key and signature, "hello" at the end.
        colour: What its light would flash: "orange" when it cannot read the session, "magenta" for the signature.
    """

    key: rsa.RSAPrivateKey
    server: rsa.RSAPrivateKey
    sends_key: bool = True
    hello_bytes: int = 15
    device_id: str = DEVICE_ID
    nonce: bytes | None = None
    told: bytes | None = None
    platform: int = 6
    seen: list[str] = field(default_factory=list)
    colour: str = ""
    closed: bool = False
    _inbox: bytes = b""
    _session: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the server; return what goes back."""
        self._inbox += data
        out = b""
        while not self.closed:
            piece = self._next()
            if piece is None:
                break
            out += piece
        return out

    def answer(self, nonce: bytes) -> bytes:
        """The 256 bytes: RSA with padding of type 2."""
        plain = (self.nonce or nonce) + bytes.fromhex(self.device_id)
        if self.sends_key:
            plain += self.told if self.told is not None else spki(self.key)
        numbers = self.server.public_key().public_numbers()
        filler = hashlib.shake_256(nonce).digest(2048).replace(b"\x00", b"")
        block = b"\x00\x02" + filler[: 256 - 3 - len(plain)] + b"\x00" + plain
        return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(256, "big")

    def hello(self) -> bytes:
        """The frame with the first message."""
        message = b"\x50\x02" + self._session[32:34] + b"\xb1\x68\xff" + bytes([0x12, 0x34, 0, 7, 0, 1])
        if self.hello_bytes >= 15:
            message += self.platform.to_bytes(2, "big")
        if self.hello_bytes == 29:
            message += b"\x00\x0c" + bytes.fromhex(self.device_id)
        sealed = self._aes().encryptor().update(padded(message))
        return len(sealed).to_bytes(2, "big") + sealed

    def _next(self) -> bytes | None:
        if not self.seen:
            if len(self._inbox) < 40:
                return None
            nonce = self._take(40)
            self.seen.append("nonce")
            return self.answer(nonce)
        if self.seen == ["nonce"]:
            if len(self._inbox) < 384:
                return None
            return self._take_session(self._take(128), self._take(256))
        if len(self._inbox) < 18 or "hello" in self.seen:
            return None
        frame = self._take(18)
        assert frame[:2] == b"\x00\x10"
        plain = self._aes().decryptor().update(frame[2:])
        assert plain[:2] == b"\x51\x02"
        assert plain[5:7] == b"\xb1\x68"
        assert plain[7:] == bytes([9]) * 9
        self.seen.append("hello")
        return b""

    def _take_session(self, cipher: bytes, signature: bytes) -> bytes:
        private = self.key.private_numbers()
        block = pow(int.from_bytes(cipher, "big"), private.d, private.public_numbers.n).to_bytes(128, "big")
        end = block.find(b"\x00", 2)
        if block[:2] != b"\x00\x02" or len(block) - end - 1 != 40:
            return self._break("orange")
        session = block[end + 1 :]
        numbers = self.server.public_key().public_numbers()
        opened = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(256, "big")
        mac = hmac.new(session, cipher, hashlib.sha1).digest()
        if opened != b"\x00\x01" + b"\xff" * (256 - 3 - 20) + b"\x00" + mac:
            return self._break("magenta")
        self._session = session
        self.seen.append("session")
        return self.hello()

    def _break(self, colour: str) -> bytes:
        self.colour = colour
        self.closed = True
        return b""

    def _take(self, size: int) -> bytes:
        piece, self._inbox = self._inbox[:size], self._inbox[size:]
        return piece

    def _aes(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._session[:16]), modes.CBC(self._session[16:32]))
