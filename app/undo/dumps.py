"""Everything that was on a board, as a manifest and the files it names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from app.keys.backup import sha256
from app.text import Text, text
from app.undo.board_name import BoardName
from app.undo.snapshots import CONTENT, FILE_NAME, Snapshot, check_region, packed_size

FORMAT = 1
KIND = "rekindle dump"
DUMPS = "dumps"  # the folder of a board's manifests

_MISSING = text("Undo", "The file {name} is missing or was changed.")


@dataclass(frozen=True, slots=True)
class DumpPart:
    """A region as it was read, to be put into a dump.

    Attributes:
        region: Key of the platform's region; once in a dump.
        alt: DFU alternate setting it was read from.
        address: First address.
        content: The bytes.
        secret: Whether it holds private keys, passwords or the like; known secret memory is one in any case.

    Raises:
        ValueError: `region` has the wrong form.
    """

    region: str
    alt: int
    address: int
    content: bytes = field(repr=False)
    secret: bool = False

    def __post_init__(self) -> None:
        check_region(self.region)


@dataclass(frozen=True, slots=True)
class Missing:
    """A region that could not be read, so it is not in the dump.

    Attributes:
        region: Key of the platform's region.
        alt: DFU alternate setting.
        address: First address.
        size: Bytes.
        reason: Why, in English.

    Raises:
        ValueError: `region` has the wrong form.
    """

    region: str
    alt: int
    address: int
    size: int
    reason: str

    def __post_init__(self) -> None:
        check_region(self.region)


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump on the disk. Nothing in it is secret.

    Attributes:
        id: Its name.
        board: The board it is from.
        boot_loader: Key of that board's boot loader; "" when not known.
        made: When, UTC.
        program: The program's name and version then.
        parts: What was on the board, in order of alternate setting and address.
        manifest: The file that tells all this.
        practice: Whether it is from a practice board; nothing of that belongs on a real one.
        damaged: Why it cannot be used, or None; every byte is checked only when it is loaded.
        missing: What could not be read.
    """

    id: str
    board: BoardName
    boot_loader: str
    made: datetime
    program: str
    parts: tuple[Snapshot, ...]
    manifest: Path
    practice: bool = False
    damaged: Text | None = None
    missing: tuple[Missing, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all contents."""
        return sum(part.size for part in self.parts)

    @property
    def secret(self) -> bool:
        """Whether private keys, passwords or the like are in it."""
        return any(part.secret for part in self.parts)


def write_manifest(dump: Dump) -> bytes:
    """Return the manifest of a dump, with a check over all it says."""
    said: dict[str, object] = {
        "kind": KIND,
        "format": FORMAT,
        "id": dump.id,
        "program": dump.program,
        "practice": dump.practice,
        "made": dump.made.isoformat(),
        "platform": dump.board.platform,
        "device_id": dump.board.device_id,
        "serial": dump.board.serial,
        "boot_loader": dump.boot_loader,
        "regions": [
            {
                "region": part.region,
                "alt": part.alt,
                "address": part.address,
                "size": part.size,
                "secret": part.secret,
                "sha256": part.sha256,
                "file": part.file.name,
                "file_sha256": part.digest,
            }
            for part in dump.parts
        ],
        "missing": [asdict(each) for each in dump.missing],
    }
    return json.dumps({**said, "check": _check(said)}, indent=2).encode() + b"\n"


def read_manifest(manifest: Path, content: bytes) -> Dump:
    """Return the dump a manifest describes.

    Raises:
        ValueError: It is no manifest, not one of this version, or not as it was written.
    """
    files = manifest.parent.parent / CONTENT
    try:
        said = json.loads(content)
        check = said.pop("check")
        if (said["kind"], said["format"], check) != (KIND, FORMAT, _check(said)):
            raise ValueError("not a manifest of this version, or changed")
        dump = Dump(
            id=str(said["id"]),
            board=BoardName(said["platform"], said["device_id"], said["serial"]),
            boot_loader=str(said["boot_loader"]),
            made=datetime.fromisoformat(said["made"]).astimezone(UTC),
            program=str(said["program"]),
            parts=tuple(
                Snapshot(
                    region=check_region(part["region"]),
                    alt=int(part["alt"]),
                    address=int(part["address"]),
                    size=int(part["size"]),
                    file=files / _checked(part["file"]),
                    digest=str(part["file_sha256"]),
                    secret=bool(part["secret"]),
                )
                for part in said["regions"]
            ),
            manifest=manifest,
            practice=bool(said["practice"]),
            missing=tuple(
                Missing(
                    check_region(each["region"]),
                    int(each["alt"]),
                    int(each["address"]),
                    int(each["size"]),
                    str(each["reason"]),
                )
                for each in said["missing"]
            ),
        )
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("not a manifest") from error
    if not dump.parts or len({part.region for part in dump.parts}) < len(dump.parts):
        raise ValueError("a dump has parts, and each region once")
    return replace(dump, damaged=_damage(dump.parts))


def _check(said: object) -> str:
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def _checked(name: str) -> str:
    if not FILE_NAME.fullmatch(name):
        raise ValueError("not the name of a content")
    return name


def _damage(parts: Sequence[Snapshot]) -> Text | None:
    """Say which file is missing or has another size, or None."""
    for part in parts:
        try:
            sound = part.file.stat().st_size == packed_size(part)
        except OSError:
            sound = False
        if not sound:
            return _MISSING.with_values(name=part.file.name)
    return None
