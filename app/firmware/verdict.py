"""Whether an image belongs on a board and into a slot, and if not, why: in words a person understands.

Everything comes from the board table's rows and from device-protocol.md 7.2: where a board keeps what it runs (home)
and copies of it, never which board it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from app.firmware.image import Form, Function, Image
from app.firmware.releases import describe, part, release_since, version_of, versioned
from app.platforms.model import Platform, Quirk, Region
from app.platforms.table import PLATFORMS
from app.text import Text, text

_OTA_FLAG: Final = "ota-update-flag"
"""Field of boards that install by themselves what lies in their download area (8.5)."""

# 1.1: boards outside the table whose firmware a person may take by mistake.
_OTHER_BOARDS: Final = {
    9: "Particle Ethernet prototype",
    12: "Particle Argon",
    13: "Particle Boron",
    14: "Particle Xenon",
    22: "Particle A SoM",
    23: "Particle B SoM",
    24: "Particle X SoM",
    25: "Particle B5 SoM",
    26: "Particle Tracker",
    32: "Particle P2 or Photon 2",
    35: "Particle M SoM",
    37: "Particle Electron 2",
    88: "RedBear Duo",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why an image should not be written.

    Attributes:
        code: Stable and searchable, for example `wrong-board`.
        words: What is wrong.
        next_step: What to do instead.
        absolute: Whether it can never be overridden.
    """

    code: str
    words: Text
    next_step: Text
    absolute: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found out about an image, a board and a slot.

    Attributes:
        ok: There is no problem.
        region: Key of the region the image is meant for or was asked about; None when the board has no place for it.
        problems: Why not, the gravest first.
        place: That region's row; for complete firmware of a board with parts it is one of `monolithic_regions`.
    """

    ok: bool
    region: str | None
    problems: tuple[Problem, ...]
    place: Region | None = None

    @property
    def absolute(self) -> bool:
        """Whether a problem among them can never be overridden."""
        return any(problem.absolute for problem in self.problems)


def judge(
    image: Image,
    platform: Platform,
    *,
    region: str | None = None,
    installed: Mapping[tuple[Function, int], int] | None = None,
) -> Judgement:
    """Judge whether an image may be written.

    Args:
        image: What would be written.
        platform: The board.
        region: Key of the platform's region it would go into; None to be told where it belongs.
        installed: Versions by function and index of what is on the board, or will be when it is this image's turn;
            None when that is not known: dependencies are not judged then.

    Raises:
        KeyError: The platform has no region of that key.
    """
    home = _home(image, platform)
    place = home if region is None else _place(image, platform, home, region)
    problems = tuple(_problems(image, platform, home, place, installed))
    key = region if region is not None else None if place is None else place.key
    return Judgement(not problems, key, problems, place)


# --- where things belong --------------------------------------------------------------------------------------------


def _row(rows: tuple[Region, ...], key: str) -> Region | None:
    return next((found for found in rows if found.key == key), None)


def _home(image: Image, platform: Platform) -> Region | None:
    """Return the region an image is written into to be used; None when the board has none."""
    match image.function:
        case Function.SYSTEM:
            return _row(platform.regions, f"system-{image.index}")
        case Function.USER:
            return _row(platform.regions, "user")
        case Function.BOOT_LOADER:
            installs = any(known.key == _OTA_FLAG for known in platform.fields)
            return _row(platform.regions, "ota") if installs else None
        case Function.MONOLITHIC:
            return _row(platform.regions, "application") or _row(platform.monolithic_regions, "user")
        case _:
            return None


def _runs_in(image: Image, platform: Platform, home: Region) -> Region:
    """Return where an image runs: its home, but a boot loader is copied from there to its own place."""
    return platform.region("bootloader") if image.function is Function.BOOT_LOADER else home


def _copies(image: Image, platform: Platform) -> tuple[Region, ...]:
    """Return the regions that hold copies of such an image, from which the board can put it back itself (8.6)."""
    match image.function:
        case Function.USER:
            return tuple(found for found in platform.regions if found.key.split("-")[0] == "factory")
        case Function.MONOLITHIC:
            whole = _row(platform.regions, "application") is not None
            rows = platform.regions if whole else platform.monolithic_regions
            return tuple(found for found in rows if found.key in ("factory", "backup", "ota"))
        case _:
            return ()


def _place(image: Image, platform: Platform, home: Region | None, key: str) -> Region:
    """Return the row of a region a person asked about: complete firmware sees the memory cut otherwise (3.3)."""
    asked = platform.region(key)
    if image.function is Function.MONOLITHIC and platform.monolithic_regions:
        if home is not None and home.start == asked.start:
            return home
        return _row(platform.monolithic_regions, key) or asked
    return asked


# --- what can be wrong ----------------------------------------------------------------------------------------------


def _problems(
    image: Image,
    platform: Platform,
    home: Region | None,
    place: Region | None,
    installed: Mapping[tuple[Function, int], int] | None,
) -> Iterator[Problem]:
    """Give the problems, the gravest first."""
    yield from _damage(image)
    if image.built_for != platform.number:
        yield _wrong_board(image, platform)
        return
    if home is None or place is None:
        yield _no_home(image, platform)
        return
    yield from _misplaced(image, platform, home, place)
    yield from _doubts(image, platform)
    if installed is not None:
        yield from _unmet(image, installed)
        yield from _downgrade(image, installed)
        yield from _over_parts(platform, home, place, installed)
    yield from _factory_age(platform, place, installed)


_FRESH_COPY = text("Firmware", "Get this firmware again from where it came from.")


def _damage(image: Image) -> Iterator[Problem]:
    if image.missing:
        yield Problem(
            "truncated",
            text("Firmware", "It is cut off: {missing} bytes at its end are missing.").with_values(
                missing=image.missing
            ),
            _FRESH_COPY,
            absolute=True,
        )
    elif image.crc_ok is False:
        yield Problem(
            "corrupt",
            text("Firmware", "It is damaged: its checksum does not match its bytes."),
            _FRESH_COPY,
            absolute=True,
        )


def board_name(number: int) -> Text:
    """Name the kind of board that has this platform number."""
    name = next((row.name for row in PLATFORMS if row.number == number), _OTHER_BOARDS.get(number))
    if name is None:
        return text("Firmware", "another kind of board (platform {number})").with_values(number=number)
    return text("Firmware", "the {name}").with_values(name=name)


def _wrong_board(image: Image, platform: Platform) -> Problem:
    return Problem(
        "wrong-board",
        text("Firmware", "It is firmware for {other}, and this board is a {board}.").with_values(
            other=board_name(image.built_for), board=platform.name
        ),
        text("Firmware", "Choose firmware for the {board}.").with_values(board=platform.name),
        absolute=True,
    )


def _no_home(image: Image, platform: Platform) -> Problem:
    if image.function is Function.BOOT_LOADER:
        return Problem(
            "boot-loader-fixed",
            text("Firmware", "The boot loader of the {board} cannot be changed over USB.").with_values(
                board=platform.name
            ),
            text("Firmware", "Leave the boot loader as it is."),
            absolute=True,
        )
    return Problem(
        "no-slot",
        text("Firmware", "The {board} has no place for this: {what}.").with_values(
            board=platform.name, what=describe(image)
        ),
        text("Firmware", "Choose other firmware."),
        absolute=True,
    )


def _misplaced(image: Image, platform: Platform, home: Region, place: Region) -> Iterator[Problem]:
    """Everything about the region: whether it belongs there, is built for it, and has room."""
    runs_in = _runs_in(image, platform, home)
    if place not in (home, *_copies(image, platform)):
        yield _other_slot(image, home, place, runs_in)
        return
    if image.start != runs_in.start:
        yield Problem(
            "linked-elsewhere",
            text("Firmware", "It is built to run at address {start}, but would run at {place}.").with_values(
                start=f"0x{image.start:08x}", place=f"0x{runs_in.start:08x}"
            ),
            text("Firmware", "Build it again for this place, or choose other firmware."),
            absolute=True,
        )
    room = min(place.size, runs_in.size)
    size = image.size + image.missing
    if size > room:
        yield Problem(
            "too-large",
            text("Firmware", "It has {size} bytes, and there is room for {room}.").with_values(size=size, room=room),
            text("Firmware", "Build it smaller, or choose other firmware."),
            absolute=True,
        )


def _other_slot(image: Image, home: Region, place: Region, runs_in: Region) -> Problem:
    if image.function is Function.BOOT_LOADER and place == runs_in:
        return Problem(
            "boot-loader-direct",
            text("Firmware", "A boot loader is never written into its own place: a cut cable would end the board."),
            text("Firmware", "It goes into: {region}. The board installs it by itself once a flag is set.").with_values(
                region=home.name
            ),
            absolute=True,
        )
    # In the download area it does no harm: it only waits there, as after an update over the air.
    waits = place.key == "ota" and image.function in (Function.SYSTEM, Function.USER)
    words = text("Firmware", "Whatever the file is called, it is this: {what}. It does not belong into: {place}.")
    words = words.with_values(what=part(image.function, image.index), place=place.name)
    return Problem(
        "other-slot",
        words,
        text("Firmware", "It belongs into: {region}.").with_values(region=home.name),
        absolute=not waits,
    )


def _doubts(image: Image, platform: Platform) -> Iterator[Problem]:
    if image.form is Form.LEGACY and image.known is None:
        yield Problem(
            "unproven",
            text(
                "Firmware", "It carries no checksum and is none of the known ones: nothing can prove that it is whole."
            ),
            text("Firmware", "Go on only if you trust where it came from."),
            absolute=False,
        )
    if image.crc_ok and image.sha_ok is False:
        yield Problem(
            "changed-inside",
            text("Firmware", "It was changed after it was built: the SHA-256 it carries does not match."),
            text("Firmware", "Go on only if you trust where it came from."),
            absolute=False,
        )
    if image.size % 2 and any(Quirk.EVEN_LENGTH in loader.quirks for loader in platform.boot_loaders):
        yield Problem(
            "odd-length",
            text("Firmware", "It has an odd number of bytes, which firmware for this board never has by itself."),
            text("Firmware", "Get it again; if you know it is right, one byte is added when it is written."),
            absolute=False,
        )


def _unmet(image: Image, installed: Mapping[tuple[Function, int], int]) -> Iterator[Problem]:
    for need in image.dependencies:
        present = installed.get((need.function, need.index))
        if present is not None and present >= need.version:
            continue
        what = versioned(need.function, need.index, need.version)
        since = release_since(need.version, need.function)
        values = {
            "what": what,
            "here": text("Firmware", "none") if present is None else versioned(need.function, need.index, present),
        }
        step = text("Firmware", "Write this first: {part}.")
        if since:
            step = text("Firmware", "Write this first: {part} of release {release} or a newer one.")
        yield Problem(
            "dependency",
            text("Firmware", "It needs this or newer: {what}. On the board: {here}.").with_values(**values),
            step.with_values(part=part(need.function, need.index), **({"release": since} if since else {})),
            absolute=False,
        )


def _downgrade(image: Image, installed: Mapping[tuple[Function, int], int]) -> Iterator[Problem]:
    if image.function not in (Function.SYSTEM, Function.BOOT_LOADER) or image.version is None:
        return
    present = installed.get((image.function, image.index))
    if present is not None and present > image.version:
        yield Problem(
            "downgrade",
            text("Firmware", "The board has a newer one: {here}. This is: {what}.").with_values(
                here=versioned(image.function, image.index, present), what=describe(image)
            ),
            text("Firmware", "Keep the newer one, unless you have a reason to go back."),
            absolute=False,
        )


def _over_parts(
    platform: Platform, home: Region, place: Region, installed: Mapping[tuple[Function, int], int]
) -> Iterator[Problem]:
    """Copies of complete firmware lie where a board with system parts has part of its system (3.3)."""
    if place == home or place not in platform.monolithic_regions:
        return
    if any(function is Function.MONOLITHIC for function, _ in installed):
        return
    under = next(
        (
            row
            for row in platform.regions
            if row.key.startswith("system-")
            and row.alt == place.alt
            and row.start < place.end
            and place.start < row.end
        ),
        None,
    )
    if under is None:
        return
    yield Problem(
        "over-system",
        text(
            "Firmware",
            "A board that runs complete firmware has room for a copy here. This board does not run any, and the copy "
            "would go over this: {part}.",
        ).with_values(part=under.name),
        text("Firmware", "Write it into the place from which it runs: {region}.").with_values(region=home.name),
        absolute=True,
    )


def _factory_age(
    platform: Platform, place: Region, installed: Mapping[tuple[Function, int], int] | None
) -> Iterator[Problem]:
    """Boards whose factory region moved with a release: only firmware up to it looks at the old place (3.4)."""
    moved = next((found for found in platform.regions if found.key.startswith("factory-")), None)
    if moved is None or place.key.split("-")[0] != "factory":
        return
    release = moved.key.removeprefix("factory-")
    last = version_of(release, Function.SYSTEM)
    versions = [version for (function, _), version in (installed or {}).items() if function is Function.SYSTEM]
    old = bool(versions) and max(versions) <= last
    if old == (place.key == moved.key):
        return
    right = moved if old else platform.region("factory")
    yield Problem(
        "factory-moved",
        text("Firmware", "The system firmware on this board does not look for factory firmware here."),
        text("Firmware", "Use this place: {region}.").with_values(region=right.name),
        absolute=False,
    )
