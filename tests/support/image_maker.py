"""Firmware images made to measure, and what must hold for one that fits: a second reading of device-protocol.md 7.

Imports nothing of `app.firmware`: what is made and checked here is what that is tested with.
"""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from dataclasses import dataclass, replace

BOOT_LOADER, MONOLITHIC, SYSTEM, USER = 2, 3, 4, 5
CORE, PHOTON, P1, ELECTRON = 0, 6, 8, 10


@dataclass(frozen=True)
class Recipe:
    """What a module says about itself, and how its file is made."""

    platform: int
    function: int
    index: int
    start: int
    info_at: int
    room: int
    version: int = 1
    needs: tuple[tuple[int, int, int], ...] = ()
    suffix: int = 36
    size: int = 0x600
    seed: int = 0
    flags: int = 0

    def but(self, **changes: object) -> Recipe:
        return replace(self, **changes)  # type: ignore[arg-type]


CORE_FIRMWARE = Recipe(CORE, MONOLITHIC, 0, 0x0800_5000, 0x10C, 110_592)
# Every module that has a place on a board of the table, by the region it belongs into.
HOMES: dict[tuple[str, str], Recipe] = {("core", "application"): CORE_FIRMWARE}
for _key, _number in (("photon", PHOTON), ("p1", P1)):
    HOMES[_key, "system-1"] = Recipe(_number, SYSTEM, 1, 0x0802_0000, 0x184, 262_144)
    HOMES[_key, "system-2"] = Recipe(_number, SYSTEM, 2, 0x0806_0000, 0x184, 262_144)
    HOMES[_key, "user"] = Recipe(_number, USER, 1, 0x080A_0000, 0, 131_072)
    HOMES[_key, "ota"] = Recipe(_number, BOOT_LOADER, 0, 0x0800_0000, 0x184, 16_384)
HOMES["electron", "system-1"] = Recipe(ELECTRON, SYSTEM, 1, 0x0802_0000, 0x184, 131_072)
HOMES["electron", "system-2"] = Recipe(ELECTRON, SYSTEM, 2, 0x0804_0000, 0x184, 131_072)
HOMES["electron", "system-3"] = Recipe(ELECTRON, SYSTEM, 3, 0x0806_0000, 0, 131_072)
HOMES["electron", "user"] = Recipe(ELECTRON, USER, 1, 0x0808_0000, 0, 131_072)
HOMES["electron", "ota"] = Recipe(ELECTRON, BOOT_LOADER, 0, 0x0800_0000, 0x184, 16_384)
# Builds in one piece; they belong into no region of the ordinary cut.
WHOLE: dict[str, Recipe] = {
    "photon": Recipe(PHOTON, MONOLITHIC, 0, 0x0802_0000, 0x184, 393_216),
    "p1": Recipe(P1, MONOLITHIC, 0, 0x0802_0000, 0x184, 393_216),
}
NUMBERS = {"core": CORE, "photon": PHOTON, "p1": P1, "electron": ELECTRON}
KNOWN_LEGACY = {
    "7291e032472121b1f70f9daf56e4de175f21beba50172da8fbe737e2e2734670",
    "7df4ee5c284ec2bdd209398ee64068d86c57c59465f6d56018fee874517dbb45",
    "fd5a64395e5c454f8f0485689371141bc2297e2d1d03a90c0367c2b7734fa2f8",
}


def info(recipe: Recipe) -> bytes:
    """The 24 bytes of module information."""
    needs = (*recipe.needs, (0, 0, 0), (0, 0, 0))[:2]
    last = recipe.start + recipe.size - 4
    head = struct.pack("<IIBBHH", recipe.start, last & 0xFFFF_FFFF, 0, recipe.flags, recipe.version, recipe.platform)
    return head + bytes([recipe.function, recipe.index]) + b"".join(struct.pack("<BBH", *need) for need in needs)


def make(recipe: Recipe) -> bytes:
    """A whole, valid image."""
    body = bytearray(random.Random(recipe.seed).randbytes(recipe.size))
    if recipe.info_at:
        stack = 0x2000_5000 if recipe.platform == CORE else 0x2002_0000
        body[:8] = struct.pack("<II", stack, recipe.start + recipe.info_at + 0x101)
    body[recipe.info_at : recipe.info_at + 24] = info(recipe)
    body[-6:-4] = struct.pack("<H", recipe.suffix)
    if recipe.suffix in (36, 40):
        body[-38:-6] = hashlib.sha256(body[:-38]).digest()
    return reseal(bytes(body))


def reseal(content: bytes) -> bytes:
    """Give an image the checksum that its bytes ask for."""
    return content[:-4] + zlib.crc32(content[:-4]).to_bytes(4, "big")


def make_legacy(size: int = 0x800, seed: int = 0) -> bytes:
    """A Core image as before 0.4: no module information, no checksum."""
    body = bytearray(random.Random(seed).randbytes(size))
    body[:8] = struct.pack("<II", 0x2000_5000, 0x0800_5000 + size // 2 // 2 * 2 + 1)
    body[-4:] = b"\0\0\xff\xff"
    return bytes(body)


def may_fit(content: bytes, platform: str, region: str) -> bool:
    """Whether these bytes may be called fit for this place without a word: the least that must hold, no more.

    A whole module with the right checksum, of this board, built for and not larger than the place where it runs; or
    one of the published images that carry no checksum.
    """
    if platform == "core" and hashlib.sha256(content).hexdigest() in KNOWN_LEGACY:
        return region in ("application", "factory", "backup", "ota")
    homes = [recipe for (board, home), recipe in HOMES.items() if board == platform and region in _places(home, recipe)]
    if platform in WHOLE and region in ("user", "factory", "ota", "system-1"):
        homes.append(WHOLE[platform])
    return any(_is(content, home) for home in homes)


def _places(home: str, recipe: Recipe) -> tuple[str, ...]:
    if recipe.function == USER:
        return (home, "factory", "factory-0.4.9")
    return (home, "factory", "backup", "ota") if recipe.function == MONOLITHIC else (home,)


def _is(content: bytes, home: Recipe) -> bool:
    if len(content) > home.room or zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "big"):
        return False
    for at in (0, 0xC0, 0x10C, 0x184, 0x200):
        said = content[at : at + 24]
        if len(said) == 24 and struct.unpack_from("<II", said) == (home.start, home.start + len(content) - 4):
            return struct.unpack_from("<HBB", said, 12) == (home.platform, home.function, home.index) or (
                # Only of system parts there is more than one.
                home.function != SYSTEM and struct.unpack_from("<HB", said, 12) == (home.platform, home.function)
            )
    return False
