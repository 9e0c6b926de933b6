"""A local cloud in the manner of spark-server, typed from device-protocol.md 10.1 and 10.3 for tests."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from app.transports.network import Connection
from support.air import Air, AirListener
from support.spec_cloud import Faults, Talk, server_key

BOARDS, PROGRAMS = 5683, 8080


def public_pem(name: str = "ours") -> bytes:
    """The server's public key as the server writes it."""
    return server_key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def lay_out(root: Path, *, fork: bool = False) -> Path:
    """Make a server's folder as its first run does; return where it keeps the keys of boards."""
    home = root / "data" if fork else root
    keys = home / ("deviceKeys" if fork else "core_keys")
    keys.mkdir(parents=True)
    private = server_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (home / "default_key.pem").write_bytes(private)
    if not fork:
        (home / "default_key.pub.pem").write_bytes(public_pem())
    return keys


class _Visit(Talk):
    """One board calls: its key is looked for in the folder; an unknown one is noted, and the board refused."""

    def __init__(self, line: Connection, server: SparkServer) -> None:
        super().__init__(line, server.name, b"", Faults.NONE)
        self.server = server

    def _read_introduction(self) -> None:
        try:
            plain = server_key(self.server.name).decrypt(self._came[:256], padding.PKCS1v15())
        except ValueError:
            plain = b""
        if plain[:40] != self.nonce:  # for another server, or decrypted to something by chance
            self.line.close()
            return
        device_id, shown = plain[40:52].hex(), plain[52:]
        known = self.server.key_of(device_id)
        if known is None:
            self.server.notes(device_id, shown)
            self.line.close()
            return
        self._public = known
        super()._read_introduction()
        if self.server.signs_as:
            self._out = b""
            self._resign()

    def _resign(self) -> None:
        """Send secrets that are signed by another server."""
        known = load_der_public_key(self._public)
        assert isinstance(known, rsa.RSAPublicKey)
        cipher = known.encrypt(self.secrets, padding.PKCS1v15())
        digest = hmac.new(self.secrets, cipher, hashlib.sha1).digest()
        numbers = server_key(self.server.signs_as).private_numbers()
        block = b"\0\x01" + b"\xff" * (256 - 3 - 20) + b"\0" + digest
        self._out = cipher + pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")


class SparkServer:
    """The server itself.

    Args:
        air: The network.
        host: The address it runs at.
        keys: Where it has the keys of boards.
        name: Name of its own key.
        port: Where boards call.
        programs: Whether it listens for programs, too.
        boards: Whether it listens for boards.
        notes_unknown: Whether it writes down keys it does not know.
        signs_as: Name of another server's key that it signs with.

    Attributes:
        name: Name of its own key.
        remembers: The keys of boards as they were when it started; None where it looks at each call.
    """

    def __init__(
        self,
        air: Air,
        host: str,
        keys: Path,
        *,
        name: str = "ours",
        port: int = BOARDS,
        programs: bool = True,
        boards: bool = True,
        notes_unknown: bool = True,
        signs_as: str = "",
    ) -> None:
        self.name = name
        self.keys = keys
        self.signs_as = signs_as
        self.notes_unknown = notes_unknown
        self.visits: list[_Visit] = []
        self.remembers: dict[str, bytes] | None = None
        self._busy = False
        self._listeners: list[AirListener] = []
        self._for_boards: AirListener | None = None
        if boards:
            self._for_boards = air.serve((host,), port)
            self._listeners.append(self._for_boards)
        if programs:
            self._listeners.append(air.serve((host,), PROGRAMS))

    def read_keys_once(self) -> None:
        """From now on know only what is in the folder now."""
        self.remembers = {}
        for file in self.keys.glob("*.pub.pem"):
            found = self._on_disk(file.name.removesuffix(".pub.pem"))
            if found is not None:
                self.remembers[file.name.removesuffix(".pub.pem")] = found

    def key_of(self, device_id: str) -> bytes | None:
        """The public key it knows of a board."""
        return self._on_disk(device_id) if self.remembers is None else self.remembers.get(device_id)

    def _on_disk(self, device_id: str) -> bytes | None:
        try:
            found = load_pem_public_key((self.keys / f"{device_id}.pub.pem").read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm):
            return None
        return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def notes(self, device_id: str, shown: bytes) -> None:
        """Write down the key of a board it does not know; old firmware shows none."""
        if shown and self.notes_unknown:
            pem = load_der_public_key(shown).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (self.keys / f"{device_id}_handshake.pub.pem").write_bytes(pem)

    @property
    def online(self) -> bool:
        """Whether a board is connected."""
        return any(visit.done for visit in self.visits)

    def tick(self) -> None:
        """Do what is due."""
        if self._busy:  # looking at a line lets everybody else live, too
            return
        self._busy = True
        try:
            if self._for_boards is not None:
                while self._for_boards.queue:
                    self.visits.append(_Visit(self._for_boards.queue.pop(0), self))
            for visit in self.visits:
                visit.poll()
        finally:
            self._busy = False

    def stop(self) -> None:
        """End the program."""
        for listener in self._listeners:
            listener.close()
        for visit in self.visits:
            visit.line.close()
