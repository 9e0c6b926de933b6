"""One backup of a key slot: what goes in, what comes out, and the note beside its files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, unique
from functools import cache
from pathlib import Path

from app.keys.device_key import KeyReport, KeyState
from app.platforms.model import Algorithm
from app.text import Text

FORMAT = 1
STAMP = "%Y-%m-%dT%H-%M-%SZ"  # no colons: Windows forbids them in names
SERIAL_FOLDER = "serial-"  # begins the folders of boards whose ID is unproven
HASH_DIGITS = 8  # of the SHA-256 of the raw bytes, in the name

RAW = ".bin"  # the slot byte for byte
DER = ".der"
PUBLIC = ".pub.pem"
SEALED_RAW = ".bin.locked"  # the slot byte for byte, in a container of `passphrase.py`
SEALED_KEY = ".pkcs8.pem"
NOTE = ".json"  # written last: a backup exists from then on
PRIVATE = frozenset({RAW, DER, SEALED_RAW, SEALED_KEY})

_DEVICE_ID = re.compile(r"[0-9a-f]{24}")
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BASE = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[a-z0-9-]+?-[0-9a-f]{8}(?:-\d{1,3})?"
_SUFFIX = "|".join(re.escape(suffix) for suffix in (RAW, DER, PUBLIC, SEALED_RAW, SEALED_KEY, NOTE))
FILE_NAME = re.compile(rf"(?P<base>{_BASE})(?P<suffix>{_SUFFIX})")
PART_NAME = re.compile(rf"\.(?P<base>{_BASE})(?P<suffix>{_SUFFIX})\.[0-9a-f]+\.part")
NAME_PARTS = re.compile(
    r"(?P<made>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)-(?P<slot>[a-z0-9-]+?)-(?P<hash>[0-9a-f]{8})(?:-\d{1,3})?"
)


@unique
class Origin(Enum):
    """Where a key was when it was put into the safe, and so what its backup says about a board."""

    BOARD = "board"  # read from the board
    MADE = "made"  # made new for the board
    FILE = "file"  # a file somebody chose: that it is this board's is what they said


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key slot as read from a board, to be put into the safe. Its repr shows nothing private.

    Attributes:
        platform: Key of the platform, for example `core`.
        slot: Key of the slot, for example `device-private`.
        alt: DFU alternate setting it was read from.
        address: First byte of the slot.
        raw: The slot byte for byte.
        report: What `device_key.examine` said about `raw`.
        device_id: The proven device ID, 24 lower-case hex digits, or None.
        proof: How the ID was proven (`app.work.board.Proof.value`); None exactly when `device_id` is None.
        serial: USB serial number of the board when the slot was read.
        system_version: Device OS version, when known.
        origin: Where the key is from.

    Raises:
        ValueError: Something in it has the wrong form, or an ID comes without its proof.
    """

    platform: str
    slot: str
    alt: int
    address: int
    raw: bytes = field(repr=False)
    report: KeyReport
    device_id: str | None
    proof: str | None
    serial: str | None
    system_version: str = ""
    origin: Origin = Origin.BOARD

    def __post_init__(self) -> None:
        if not (_WORD.fullmatch(self.platform) and _WORD.fullmatch(self.slot)):
            raise ValueError(f"not a key of a platform and a slot: {self.platform!r}, {self.slot!r}")
        if (self.device_id is None) != (self.proof is None):
            raise ValueError("a device ID comes with its proof, and no proof without it")
        if self.device_id is not None:
            check_device_id(self.device_id)

    @property
    def folder_name(self) -> str:
        """Name of the folder this belongs into."""
        return self.device_id or serial_folder(self.platform, self.serial)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup in the safe. Nothing in it is secret.

    Attributes:
        folder: The folder of its board.
        name: What the names of its files have in common.
        device_id: The proven device ID, or None: then nobody knows for sure which board this is from, and several
            boards may lie in the same folder (old Photons all have the same serial).
        proof: How the ID was proven, or None.
        serial: USB serial number of the board when the key was read.
        platform: Key of the platform.
        slot: Key of the slot.
        made: When the key was read from the board, UTC.
        sha256: SHA-256 of the slot byte for byte, hex; empty when unknown.
        fingerprint: SHA-256 of the public key (SPKI, DER), hex; empty when the slot holds no key.
        state: What the slot holds; None when the note cannot be read.
        encrypted: Whether the private files need the passphrase.
        damaged: Why it cannot be relied upon, or None.
        files: Its files, the note last.
        alt: DFU alternate setting of the slot.
        address: First byte of the slot.
        algorithm: What kind of key belongs into the slot.
        system_version: Device OS version of the board then, when known.
        practice: Whether it is from a practice board.
        joined_from: Folder and name of the unproven backup this was made from, or empty.
        origin: Where the key is from.
    """

    folder: Path
    name: str
    device_id: str | None
    proof: str | None
    serial: str | None
    platform: str
    slot: str
    made: datetime
    sha256: str
    fingerprint: str
    state: KeyState | None
    encrypted: bool
    damaged: Text | None
    files: tuple[Path, ...]
    alt: int = 0
    address: int = 0
    algorithm: Algorithm | None = None
    system_version: str = ""
    practice: bool = False
    joined_from: str = ""
    origin: Origin = Origin.BOARD

    @property
    def reference(self) -> str:
        """Folder and name in one word, by which an answer or a journal names it."""
        return f"{self.folder.name}/{self.name}"

    def file(self, suffix: str) -> Path:
        """Return the path of one of its files, whether it exists or not."""
        return self.folder / f"{self.name}{suffix}"


def check_device_id(device_id: str) -> None:
    """Insist on 24 lower-case hex digits.

    Raises:
        ValueError: It is something else.
    """
    if not _DEVICE_ID.fullmatch(device_id):
        raise ValueError("a device ID has 24 lower-case hex digits")


def serial_folder(platform: str, serial: str | None) -> str:
    """Name the folder for boards nothing but this serial number is known of; the note keeps the serial exactly."""
    return f"{SERIAL_FOLDER}{platform}-{re.sub(r'[^A-Za-z0-9_-]', '_', serial or 'none')[:64]}"


def is_board_folder(name: str) -> bool:
    """Whether the safe keeps backups in folders of that name."""
    return bool(_DEVICE_ID.fullmatch(name)) or name.startswith(SERIAL_FOLDER)


def sha256(content: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


@cache
def tool_version() -> str:
    """Name and version of this program, as kept in notes."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"rekindle {version('rekindle')}"
    except PackageNotFoundError:
        return "rekindle"


def write_note(backup: Backup, contents: Mapping[str, bytes], size: int, der: bytes | None) -> bytes:
    """Return the note of a backup whose files have these contents; what it says of the key is public.

    Args:
        backup: What it describes.
        contents: Suffix and content of every file but the note.
        size: Bytes of the slot that were read.
        der: The key as on the board, if there is one.
    """
    note = {
        "format": FORMAT,
        "practice": backup.practice,
        "platform": backup.platform,
        "device_id": backup.device_id,
        "proof": backup.proof,
        "serial": backup.serial,
        "system_version": backup.system_version,
        "slot": {"key": backup.slot, "alt": backup.alt, "address": backup.address, "size": size},
        "made": backup.made.isoformat(),
        "algorithm": backup.algorithm.value if backup.algorithm else None,
        "state": backup.state.value if backup.state else None,
        "sha256": backup.sha256,
        "der_sha256": sha256(der) if der is not None else None,
        "fingerprint": backup.fingerprint,
        "encrypted": backup.encrypted,
        "files": {suffix: sha256(content) for suffix, content in contents.items()},
        "joined_from": backup.joined_from,
        "origin": backup.origin.value,
        "tool": tool_version(),
    }
    return json.dumps(note, indent=2, ensure_ascii=False).encode() + b"\n"


def read_note(folder: Path, name: str, note: bytes) -> tuple[Backup, dict[str, str]]:
    """Return the backup a note describes, unchecked, and the SHA-256 of each file by suffix.

    Raises:
        ValueError: It is no note, or not one of this version.
    """
    found = json.loads(note)
    try:
        if found["format"] != FORMAT:
            raise ValueError("a note of another version")
        made = datetime.fromisoformat(found["made"])
        hashes = {str(suffix): str(digits) for suffix, digits in found["files"].items()}
        if made.tzinfo is None or not _file_set(hashes, encrypted=bool(found["encrypted"])):
            raise ValueError("not a complete note")
        backup = Backup(
            folder=folder,
            name=name,
            device_id=_optional(found["device_id"]),
            proof=_optional(found["proof"]),
            serial=_optional(found["serial"]),
            platform=str(found["platform"]),
            slot=str(found["slot"]["key"]),
            made=made.astimezone(UTC),
            sha256=str(found["sha256"]),
            fingerprint=str(found["fingerprint"]),
            state=KeyState(found["state"]),
            encrypted=bool(found["encrypted"]),
            damaged=None,
            files=(*(folder / f"{name}{suffix}" for suffix in hashes), folder / f"{name}{NOTE}"),
            alt=int(found["slot"]["alt"]),
            address=int(found["slot"]["address"]),
            algorithm=Algorithm(found["algorithm"]),
            system_version=str(found["system_version"]),
            practice=bool(found["practice"]),
            joined_from=str(found["joined_from"]),
            origin=Origin(found.get("origin", Origin.BOARD.value)),  # older notes are all of keys read from boards
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("not a note") from error
    return backup, hashes


def _file_set(hashes: Mapping[str, str], *, encrypted: bool) -> bool:
    """Whether these are the files a backup can have: the slot itself is always among them."""
    return (SEALED_RAW if encrypted else RAW) in hashes and hashes.keys() <= (PRIVATE | {PUBLIC})


def _optional(value: object) -> str | None:
    return None if value is None else str(value)
