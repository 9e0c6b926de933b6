"""The server side of the handshake, typed from device-protocol.md 10.1 for tests: no line of the program is in it."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.transports.network import Connection, Listener


@cache
def _made(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def server_key(name: str = "ours") -> rsa.RSAPrivateKey:
    """Return a server's key, made once a session for each name."""
    return _made(name)


def server_public(name: str = "ours") -> bytes:
    """Return its public half: 294 bytes."""
    return server_key(name).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def server_block(host: str, port: int = 5683, *, name: str = "ours") -> bytes:
    """Return a server block of 512 bytes (4.3)."""
    block = bytearray(server_public(name).ljust(512, b"\xff"))
    digits = host.replace(".", "")
    raw = bytes(int(part) for part in host.split(".")) if digits.isdecimal() else host.encode()
    block[384:386] = bytes((0 if digits.isdecimal() else 1, len(raw)))
    block[386 : 386 + len(raw)] = raw
    block[450:452] = port.to_bytes(2, "big")
    return bytes(block)


@dataclass(frozen=True, slots=True)
class Faults:
    """What the server does wrong.

    Attributes:
        says_nothing: Not even a nonce.
        other_device_key: It encrypts for a key that is not the board's.
        bad_signature: The last byte of its signature is wrong.
        signed_by: It signs with the key of that name instead.
        short_secrets: It sends 39 bytes instead of 40.
        closes_after: It closes after so many of its bytes.
        silent_after: It sends no more than so many.
        drips: It sends a byte in every tenth look.
        talks_first: Another message comes before its Hello.
        bad_hello: Its Hello does not decrypt.
        frame_length: The length its Hello claims.
    """

    name: str = "none"
    says_nothing: bool = False
    other_device_key: bool = False
    bad_signature: bool = False
    signed_by: str = ""
    short_secrets: bool = False
    closes_after: int | None = None
    silent_after: int | None = None
    drips: bool = False
    talks_first: bool = False
    bad_hello: bool = False
    frame_length: int | None = None

    NONE: ClassVar[Faults]


Faults.NONE = Faults()


class Talk:
    """One connection of the server."""

    def __init__(self, line: Connection, key: str, device_public: bytes, faults: Faults) -> None:
        self.line = line
        self.faults = faults
        self.nonce = os.urandom(40)
        self.secrets = os.urandom(39 if faults.short_secrets else 40)
        self.plain = b""
        self.hello = b""
        self.sent = 0
        self.looks = 0
        self.step = 0
        self.done = False
        self._key = key
        self._public = device_public
        self._came = b""
        self._out = b"" if faults.says_nothing else self.nonce

    def poll(self) -> None:
        """Do the next thing."""
        came = self.line.receive()
        if came is None:
            return
        self._came += came
        if self.step == 0 and len(self._came) >= 256:
            self.step = 1
            self._read_introduction()
        elif self.step == 1 and len(self._came) >= 18:
            self.step = 2
            self._read_hello()
        self._flush()

    def _read_introduction(self) -> None:
        block, self._came = self._came[:256], self._came[256:]
        try:
            self.plain = server_key(self._key).decrypt(block, padding.PKCS1v15())
        except ValueError:
            self.line.close()
            return
        if self.plain[:40] != self.nonce:  # a decryption that failed without saying so
            self.line.close()
            return
        if self.faults.other_device_key:
            other = rsa.generate_private_key(65537, 1024).public_key()
            cipher = other.encrypt(self.secrets, padding.PKCS1v15())
        else:
            known = load_der_public_key(self._public)
            assert isinstance(known, rsa.RSAPublicKey)
            cipher = known.encrypt(self.secrets, padding.PKCS1v15())
        digest = hmac.new(self.secrets, cipher, hashlib.sha1).digest()
        numbers = server_key(self.faults.signed_by or self._key).private_numbers()
        signed = b"\0\x01" + b"\xff" * (256 - 3 - 20) + b"\0" + digest
        # By the Chinese remainder theorem, four times as fast as with d.
        value = int.from_bytes(signed, "big")
        first, second = pow(value, numbers.dmp1, numbers.p), pow(value, numbers.dmq1, numbers.q)
        signature = (second + numbers.iqmp * (first - second) % numbers.p * numbers.q).to_bytes(256, "big")
        if self.faults.bad_signature:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        self._out += cipher + signature

    def _read_hello(self) -> None:
        key, iv, salt = self.secrets[:16], self.secrets[16:32], self.secrets[32:]
        assert self._came[:2] == b"\0\x10", "a Hello of any board fills one block"
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        plain = decryptor.update(self._came[2:18])
        assert plain[-plain[-1] :] == bytes((plain[-1],)) * plain[-1]
        self.hello = plain[: -plain[-1]]
        assert self.hello[2:4] == salt[:2]
        if self.faults.talks_first:
            frame, iv = self._seal(key, iv, bytes.fromhex("40000001"))
            self._out += frame
        hello = bytes.fromhex("51 02 12 34") + salt[2:3] + bytes.fromhex("B1 68")
        frame, _ = self._seal(key, iv, hello)
        if self.faults.bad_hello:
            frame = frame[:2] + bytes(value ^ 0x55 for value in frame[2:])
        if self.faults.frame_length is not None:
            frame = self.faults.frame_length.to_bytes(2, "big") + frame[2:]
        self._out += frame
        self.done = True

    @staticmethod
    def _seal(key: bytes, iv: bytes, message: bytes) -> tuple[bytes, bytes]:
        filling = 16 - len(message) % 16
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        body = encryptor.update(message + bytes((filling,)) * filling)
        return len(body).to_bytes(2, "big") + body, body[:16]

    def _flush(self) -> None:
        faults = self.faults
        most = len(self._out)
        for limit in (faults.closes_after, faults.silent_after):
            if limit is not None:
                most = min(most, max(0, limit - self.sent))
        self.looks += 1
        if faults.drips:
            most = int(self.looks % 10 == 0)
        part = self._out[:most]
        self._out = self._out[len(part) :]
        self.line.send(part)
        self.sent += len(part)
        if faults.closes_after is not None and self.sent >= faults.closes_after:
            self.line.close()


class SpecCloud:
    """A server that takes every connection.

    Attributes:
        faults: What it does wrong with the connections to come.
        talks: All connections so far.
    """

    def __init__(self, listener: Listener, device_public: bytes) -> None:
        self.faults = Faults.NONE
        self.talks: list[Talk] = []
        self._listener = listener
        self._public = device_public

    def poll(self) -> None:
        """Do the next thing on every connection."""
        while (line := self._listener.accept()) is not None:
            self.talks.append(Talk(line, "ours", self._public, self.faults))
        for talk in self.talks:
            talk.poll()
