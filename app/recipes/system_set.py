"""Which system a board can be given, and whether that fits what stays on it (device-protocol.md 0.3, 3.4, 7.2, 8.5).

Pure but for reading the rescue pack; no board is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.faults import SystemDoesNotFit
from app.firmware.image import Function, Image, find, parse
from app.firmware.pack import PACK, PackFile, RescuePack, pick
from app.firmware.releases import describe, version_of
from app.firmware.verdict import judge
from app.platforms.model import BootLoader, Platform
from app.text import Text, text
from app.work.plan import SlotState
from app.work.xray import Looked

Installed = Mapping[tuple[Function, int], int]
"""Versions by function and index."""

LOADER = (Function.BOOT_LOADER, 0)
_LOADER_REGION, _PROGRAM_REGION = "ota", "user"
FIRST_WITH_DCT = "0.7.0"
"""Boot loaders from 0.7 on find the code for alt 1 in a system part 2 of this release or later (2.4.11)."""
KNOWS_FLAG = "1.2.1"
"""The first release that is known to install what waits in the download area by the flag at 1753 (3.5, 11)."""

_NO_PROGRAM = text("SystemSet", "There is none on the board.")
_DAMAGED = text("SystemSet", "The one on the board is damaged.")
_UNKNOWN = text("SystemSet", "What is on the board is no program that the system would start.")


@dataclass(frozen=True, slots=True)
class Piece:
    """An image of the pack and the region it is written into."""

    region: str
    file: PackFile
    content: bytes = field(repr=False)
    image: Image = field(repr=False)


@dataclass(frozen=True, slots=True)
class SystemSet:
    """A release for one kind of board.

    Attributes:
        release: For example `2.2.0`.
        parts: The system parts, in the order in which they are written: by module index (8.5).
        boot_loader: The release's boot loader; None where the pack has none, or the release cannot install one.
        tinker: The program a new board has.
        empties: Keys of regions for parts that this release does not have (3.4).
    """

    release: str
    parts: tuple[Piece, ...]
    boot_loader: Piece | None
    tinker: Piece
    empties: tuple[str, ...]

    @property
    def version(self) -> int:
        """Module version of the parts."""
        return version_of(self.release, Function.SYSTEM)

    @property
    def loader_needed(self) -> int | None:
        """Least version of the boot loader that the parts ask for; None when they ask for none."""
        return max(
            (
                need.version
                for part in self.parts
                for need in part.image.dependencies
                if need.function is Function.BOOT_LOADER
            ),
            default=None,
        )

    @property
    def gives_dct(self) -> bool:
        """Whether boot loaders from 0.7 on reach the settings with the help of this system (2.4.11)."""
        return self.version >= version_of(FIRST_WITH_DCT, Function.SYSTEM)


def releases(platform: Platform) -> tuple[str, ...]:
    """Return the releases the pack has for this board, the newest first."""
    found = {file.release for file in PACK if file.platform == platform.key and file.role == "system-1"}
    return tuple(sorted(found, key=lambda release: version_of(release, Function.SYSTEM), reverse=True))


def read_set(pack: RescuePack, platform: Platform, release: str) -> SystemSet:
    """Read everything a release may need from the pack, every hash compared.

    Raises:
        PackFileMissing, PackFileDamaged: A file has to be added or downloaded first.
        Fault: The pack's folder cannot be read.
    """
    files = set_files(platform, release)
    pieces = {region: _piece(pack, region, file) for region, file in files.items()}
    regions = system_regions(platform)
    return SystemSet(
        release,
        tuple(pieces[key] for key in regions if key in pieces),
        pieces.get(_LOADER_REGION),
        pieces[_PROGRAM_REGION],
        tuple(key for key in regions if key not in pieces),
    )


def set_files(platform: Platform, release: str) -> dict[str, PackFile]:
    """Return the files of the pack that `read_set` reads, by the region each is for; parts this release has not miss.

    Raises:
        KeyError: The pack has no such boot loader, or no Tinker for this board.
    """
    files = {}
    for key in system_regions(platform):
        with contextlib.suppress(KeyError):
            files[key] = pick(platform.key, key, release)
    if version_of(release, Function.SYSTEM) >= version_of(KNOWS_FLAG, Function.SYSTEM):
        files[_LOADER_REGION] = pick(platform.key, "bootloader", release)
    files[_PROGRAM_REGION] = pick(platform.key, "tinker")
    return files


def _piece(pack: RescuePack, region: str, file: PackFile) -> Piece:
    content = pack.read(file.name)
    return Piece(region, file, content, parse(content))


def system_regions(platform: Platform) -> tuple[str, ...]:
    """Return the keys of the regions of system parts, by module index; none on a Core."""
    return tuple(row.key for row in platform.regions if row.key.startswith("system-") and row.key[-1].isdigit())


def generation(platform: Platform, version: int) -> BootLoader:
    """Return the boot loader's row by its module version; over USB some rows look the same (0.3)."""
    rows = [row for row in platform.boot_loaders if row.versions and min(row.versions) <= version]
    return max(rows, key=lambda row: min(row.versions), default=platform.boot_loaders[0])


def loader_of(looked: Looked, platform: Platform, seen: BootLoader) -> BootLoader:
    """Return the row of the board's boot loader: by its version where that was read, else as USB shows it."""
    version = looked.installed.get(LOADER)
    return seen if version is None else generation(platform, version)


def image_in(looked: Looked, platform: Platform, region: str) -> Image | None:
    """Return the image that was found at the start of a region; None when there is none."""
    return find(looked.memory.get(region, b""), platform.region(region).start, platform)


def newer_on_board(chosen: SystemSet, looked: Looked, platform: Platform) -> Image | None:
    """Return the newest system firmware on the board if it is newer than the release; whole or not."""
    images = [image_in(looked, platform, key) for key in system_regions(platform)]
    newer = [
        image
        for image in images
        if image is not None
        and image.function in (Function.SYSTEM, Function.MONOLITHIC)
        and (image.version or 0) > chosen.version
    ]
    return max(newer, key=lambda image: image.version or 0, default=None)


def resulting(chosen: SystemSet, before: Installed, *, with_loader: bool) -> dict[tuple[Function, int], int]:
    """Return what will be installed once the set is on the board; complete firmware of one piece is gone then."""
    after = {key: version for key, version in before.items() if key[0] not in (Function.SYSTEM, Function.MONOLITHIC)}
    for part in chosen.parts:
        after[part.image.function, part.image.index] = part.image.version or 0
    if with_loader and chosen.boot_loader is not None:
        after[LOADER] = chosen.boot_loader.image.version or 0
    return after


def insist_it_fits(chosen: SystemSet, platform: Platform, after: Installed, *, with_loader: bool) -> None:
    """Judge every image of the set as if all the others were there already.

    Raises:
        SystemDoesNotFit: One of them would not.
    """
    pieces = list(chosen.parts)
    if with_loader and chosen.boot_loader is not None:
        pieces.append(chosen.boot_loader)
    for piece in pieces:
        judged = judge(piece.image, platform, region=piece.region, installed=after)
        if judged.problems:
            raise SystemDoesNotFit(piece.region, part=describe(piece.image), reason=judged.problems[0].words)


def why_not_own(looked: Looked, platform: Platform, after: Installed, region: str = "user") -> Text | None:
    """Say why the program in a region would not run with what will be installed; None when it would."""
    if looked.xray.slot(region).state is SlotState.BLANK:
        return _NO_PROGRAM
    image = image_in(looked, platform, region)
    if image is None or image.function is not Function.USER:
        return _UNKNOWN
    if image.missing or not image.crc_ok:
        return _DAMAGED
    problems = judge(image, platform, region=region, installed=after).problems
    # A changed build, or a factory region that this release looks for elsewhere, keeps no program from running.
    return next((each.words for each in problems if each.absolute or each.code == "dependency"), None)
