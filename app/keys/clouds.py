"""The clouds a person uses, remembered on this computer, and which of them a board is set to."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, unique
from pathlib import Path

from app.files import FileActions, file_faults, put
from app.keys.server_key import (
    PARTICLE_FINGERPRINTS,
    AddressKind,
    ServerAddress,
    ServerBlock,
    fingerprint_of,
    is_server_key,
    parse_host,
    usual_server,
)
from app.platforms.model import Algorithm

log = logging.getLogger(__name__)

FILE = "clouds.json"
UNREADABLE = "clouds-unreadable.json"
FORMAT = 1
ID_DIGITS = 12
PARTICLE_DOMAINS = (".spark.io", ".particle.io")


@dataclass(frozen=True, slots=True)
class Cloud:
    """A local cloud that a board was switched to. Nothing in it is secret.

    Attributes:
        id: Stable name, made of key and address: the same cloud is remembered once.
        name: What the person calls it, or its host.
        host: Name or IPv4 address of the server, as boards are told it.
        port: Its port; None for the usual one.
        public_der: The server's public key (SPKI, DER).
        algorithm: What kind of key that is.
        used: When a board was last switched to it, or it was entered.
    """

    id: str
    name: str
    host: str
    port: int | None
    public_der: bytes
    algorithm: Algorithm
    used: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its public key, 64 hex digits."""
        return fingerprint_of(self.public_der)

    @property
    def address(self) -> ServerAddress:
        """Its address as it is written to a board."""
        return parse_host(self.host if self.port is None else f"{self.host}:{self.port}")

    @property
    def public_pem(self) -> bytes:
        """Its public key as PEM."""
        lines = base64.encodebytes(self.public_der).replace(b"\n", b"")
        rows = b"\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
        return b"-----BEGIN PUBLIC KEY-----\n" + rows + b"\n-----END PUBLIC KEY-----\n"


def local_cloud(
    address: ServerAddress, public_der: bytes, algorithm: Algorithm, *, name: str = "", used: datetime | None = None
) -> Cloud:
    """Return a cloud with the id that its key and its address give it."""
    usual = usual_server(algorithm)[1]
    port = None if address.port in (None, usual) else address.port
    marks = f"{fingerprint_of(public_der)} {address.host.lower()} {port or usual}"
    return Cloud(
        hashlib.sha256(marks.encode()).hexdigest()[:ID_DIGITS],
        name.strip() or address.host,
        address.host,
        port,
        public_der,
        algorithm,
        (used or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
    )


# --- which one a board is set to ------------------------------------------------------------------------------------


@unique
class CloudKind(Enum):
    """Whose server a board is set to."""

    PARTICLE = "particle"
    LOCAL = "local"  # a remembered one
    UNKNOWN = "unknown"  # nobody the program knows, or key and address of different clouds
    NONE = "none"  # nothing is stored there: the firmware uses what is built into it, or nothing


@dataclass(frozen=True, slots=True)
class WhichCloud:
    """Whose server a board is set to.

    Attributes:
        kind: The answer.
        name: Name of the local cloud; "" for others.
        cloud_id: Its id; "" for others.
        mixed: Whether the key is of one known cloud and the address of another place: such a board never connects.
        key_of: Whose the key is, whatever the address.
    """

    kind: CloudKind
    name: str = ""
    cloud_id: str = ""
    mixed: bool = False
    key_of: CloudKind = CloudKind.UNKNOWN


def which_cloud(block: ServerBlock, known: Iterable[Cloud]) -> WhichCloud:
    """Tell which cloud a server block means.

    Args:
        block: From the board.
        known: The clouds remembered; a `CloudBook` will do.
    """
    clouds = tuple(known)
    key_of, of_key = whose_key(block, clouds)
    address_of, at_address = whose_address(block, clouds)
    if key_of is CloudKind.NONE:
        blank = address_of is CloudKind.NONE and not block.problems_beyond_blank
        return WhichCloud(CloudKind.NONE if blank else CloudKind.UNKNOWN, key_of=key_of)
    if key_of is CloudKind.PARTICLE:
        ours = address_of in (CloudKind.PARTICLE, CloudKind.NONE)  # without an address firmware calls Particle (4.3)
        return WhichCloud(CloudKind.PARTICLE if ours else CloudKind.UNKNOWN, mixed=not ours, key_of=key_of)
    for cloud in of_key:
        if cloud in at_address:
            return WhichCloud(CloudKind.LOCAL, cloud.name, cloud.id, key_of=key_of)
    if of_key:
        # The same server under another address; or its address was mistyped. Nobody but the person can tell.
        return WhichCloud(CloudKind.UNKNOWN, of_key[0].name, of_key[0].id, mixed=True, key_of=key_of)
    return WhichCloud(CloudKind.UNKNOWN)


def whose_key(block: ServerBlock, known: tuple[Cloud, ...]) -> tuple[CloudKind, list[Cloud]]:
    """Tell whose server key a board has; NONE when it has no sound one. Also those remembered clouds that have it."""
    if block.public_der is None:
        return CloudKind.NONE, []
    if block.fingerprint == PARTICLE_FINGERPRINTS[block.algorithm]:
        return CloudKind.PARTICLE, []
    same = [cloud for cloud in known if cloud.fingerprint == block.fingerprint]
    return (CloudKind.LOCAL if same else CloudKind.UNKNOWN), same


def whose_address(block: ServerBlock, known: tuple[Cloud, ...]) -> tuple[CloudKind, list[Cloud]]:
    """Tell whose server address a board has; NONE when it has none. Also those remembered clouds that are there."""
    if block.address.kind is AddressKind.NONE:
        return CloudKind.NONE, []
    host = block.host.lower()
    usual, usual_port = usual_server(block.algorithm)
    if host == usual or host.endswith(PARTICLE_DOMAINS):
        return CloudKind.PARTICLE, []
    same = [cloud for cloud in known if (cloud.host.lower(), cloud.port or usual_port) == (host, block.port)]
    return (CloudKind.LOCAL if same else CloudKind.UNKNOWN), same


# --- remembered -----------------------------------------------------------------------------------------------------


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CloudBook:
    """The clouds a person used, in one file. Every method may be called from any thread.

    All raise `NoRoom`, `DiskFailed`, `FolderRefused` or `FolderGone` when the operating system refuses.
    """

    def __init__(
        self, root: Path, *, now: Callable[[], datetime] = _utc_now, actions: FileActions | None = None
    ) -> None:
        """Open the book; nothing is touched yet.

        Args:
            root: Its folder (`paths.clouds_folder`); made when a cloud is remembered.
            now: The time, with its zone.
            actions: What changes the disk.
        """
        self.root = root
        self._now = now
        self._actions = actions or FileActions()
        self._turn = threading.Lock()

    def clouds(self) -> tuple[Cloud, ...]:
        """Return the clouds remembered, the one used last first. What cannot be understood is passed over."""
        with self._turn, file_faults(self.root):
            return self._read()

    def __iter__(self) -> Iterator[Cloud]:
        return iter(self.clouds())

    def remember(self, cloud: Cloud) -> Cloud:
        """Keep a cloud, or keep of a known one that it was used again, and what it is called now; return it."""
        with self._turn, file_faults(self.root):
            used = replace(cloud, used=self._now().astimezone(UTC).replace(microsecond=0))
            self._write([used, *(each for each in self._read() if each.id != cloud.id)])
        return used

    def forget(self, cloud_id: str) -> None:
        """Forget a cloud; one that is not remembered is none of our business."""
        with self._turn, file_faults(self.root):
            known = self._read()
            left = [each for each in known if each.id != cloud_id]
            if len(left) < len(known):
                self._write(left)

    # --- inside ---

    @property
    def _file(self) -> Path:
        return self.root / FILE

    def _read(self) -> tuple[Cloud, ...]:
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return ()
        found = _parse(content)
        if found is None:
            log.warning("%s cannot be understood", FILE)
            return ()
        return found

    def _write(self, clouds: Iterable[Cloud]) -> None:
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self._actions.make_folder(self.root)
        if self._file.is_file() and _parse(self._file.read_bytes()) is None:
            # Somebody may still want to look into it.
            self._actions.replace(self._file, self.root / UNREADABLE)
        put(self._actions, self._file, _format(clouds))
        self._actions.flush_folder(self.root)


def _format(clouds: Iterable[Cloud]) -> bytes:
    rows = [
        {
            "name": cloud.name,
            "host": cloud.host,
            "port": cloud.port,
            "algorithm": cloud.algorithm.value,
            "public_key": cloud.public_der.hex(),
            "used": cloud.used.isoformat(),
        }
        for cloud in clouds
    ]
    return json.dumps({"format": FORMAT, "clouds": rows}, indent=1, ensure_ascii=True).encode()


def _parse(content: bytes) -> tuple[Cloud, ...] | None:
    """Return the clouds in a file; None if it is none. A row that is wrong is passed over."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or not isinstance(whole.get("clouds"), list):
        return None
    found: dict[str, Cloud] = {}
    for row in whole["clouds"]:
        cloud = _row(row)
        if cloud is None:
            log.warning("a row of %s was passed over", FILE)
        else:
            found.setdefault(cloud.id, cloud)
    return tuple(sorted(found.values(), key=lambda cloud: cloud.used, reverse=True))


def _row(row: object) -> Cloud | None:
    from app.faults import Fault

    if not isinstance(row, dict):
        return None
    name, host, port, key = (row.get(each) for each in ("name", "host", "port", "public_key"))
    if not (isinstance(name, str) and isinstance(host, str) and isinstance(key, str)):
        return None
    if not (port is None or type(port) is int):
        return None
    try:
        algorithm = Algorithm(row.get("algorithm"))
        der = bytes.fromhex(key)
        used = datetime.fromisoformat(str(row.get("used")))
        if used.tzinfo is None or not is_server_key(der, algorithm):
            return None
        address = parse_host(host if port is None else f"{host}:{port}", algorithm)
    except (ValueError, OverflowError, Fault):
        return None
    return local_cloud(address, der, algorithm, name=name, used=used)
