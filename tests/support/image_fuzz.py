"""Firmware images with something wrong in them, and whether anything is taken in by one: the fuzz target."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Sequence

from app.faults import ImageUnreadable
from app.firmware.image import Image, find, parse
from app.firmware.verdict import Judgement, judge
from app.platforms.table import PLATFORMS
from support.image_maker import may_fit, reseal

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)
_WORDS = (
    0,
    1,
    0xFFFF_FFFF,
    0x7FFF_FFFF,
    0x0800_0000,
    0x0800_5000,
    0x0802_0000,
    0x0804_0000,
    0x0806_0000,
    0x0808_0000,
    0x080A_0000,
    0x2000_5000,
)


def _bit(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]


def _byte(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(content))
    value = dice.choice((*_INTERESTING, dice.randrange(256)))
    return content[:at] + bytes([value]) + content[at + 1 :]


def _run(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(content))
    size = min(dice.choice((2, 4, 16, 64, 1024, 4096)), len(content) - at)
    fill = dice.choice((b"\xff" * size, b"\0" * size, dice.randbytes(size)))
    return content[:at] + fill + content[at + size :]


def _cut(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    return content[: dice.choice((dice.randrange(len(content)), len(content) - dice.randrange(1, 5), 1024, 4, 0))]


def _longer(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    size = dice.choice((1, 2, 4, 16, 1024))
    return content + dice.choice((b"\xff" * size, b"\0" * size, dice.randbytes(size)))


def _insert(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + dice.randbytes(dice.choice((1, 2, 4, 64))) + content[at:]


def _delete(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(content))
    return content[:at] + content[at + dice.choice((1, 2, 4, 64)) :]


def _swap(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    pages = len(content) // 256
    if pages < 2:
        return content[::-1]
    one, two = sorted(dice.sample(range(pages), 2))
    first, second = content[one * 256 : one * 256 + 256], content[two * 256 : two * 256 + 256]
    return content[: one * 256] + second + content[one * 256 + 256 : two * 256] + first + content[two * 256 + 256 :]


def _splice(content: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    other = dice.choice(others)
    at = dice.randrange(min(len(content), len(other)))
    return content[:at] + other[at:]


def _header(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    """Change what an image says about itself."""
    at = dice.choice((0, 0x10C, 0x184)) + dice.choice((0, 4, 8, 10, 12, 14, 15, 16, 20))
    if at + 4 > len(content):
        at = 0
    new = dice.choice(
        (
            bytes([dice.randrange(16)]),
            struct.pack("<H", dice.randrange(32)),
            struct.pack("<I", dice.choice(_WORDS)),
            struct.pack("<I", dice.choice(_WORDS) + dice.randrange(0x2_0000) & 0xFFFF_FFFF),
        )
    )
    return content[:at] + new + content[at + len(new) :]


def _end(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    """Change the suffix or the checksum."""
    at = len(content) - dice.randrange(1, 45)
    at = max(at, 0)
    return content[:at] + bytes([dice.randrange(256)]) + content[at + 1 :]


def _header_resealed(content: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """Change what an image says about itself and make the checksum right again: nothing but its words can tell."""
    return reseal(_header(content, dice, others))


def _header_made_whole(content: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """As before, the hash inside made right too: a valid image that says something else about itself."""
    changed = _header(content, dice, others)
    if len(changed) > 64:
        changed = changed[:-38] + hashlib.sha256(changed[:-38]).digest() + changed[-6:]
    return reseal(changed)


def _retold(content: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    """A valid image that is built for another place, or has another size, and says so."""
    for at in (0, 0x10C, 0x184):
        if at + 68 > len(content):
            break
        start, last = struct.unpack_from("<II", content, at)
        if last - start + 4 != len(content):
            continue
        move, more = dice.choice(
            ((0x4000, 0), (-0x2_0000, 0), (0x2_0000, 0), (4, 0), (0, 4), (0, 110_592), (0, 131_072))
        )
        head = struct.pack("<II", (start + move) & 0xFFFF_FFFF, (last + move + more) & 0xFFFF_FFFF)
        changed = content[:at] + head + content[at + 8 : -44] + bytes(more) + content[-44:]
        return reseal(changed[:-38] + hashlib.sha256(changed[:-38]).digest() + changed[-6:])
    return _bit(content, dice, ())


def _size_resealed(content: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    return reseal(dice.choice((_cut, _longer))(content, dice, others))


MUTATIONS: tuple[Mutation, ...] = (
    _bit,
    _bit,
    _byte,
    _byte,
    _run,
    _cut,
    _longer,
    _insert,
    _delete,
    _swap,
    _splice,
    _header,
    _header,
    _end,
    _header_resealed,
    _header_made_whole,
    _retold,
    _size_resealed,
)


class FalseFitError(AssertionError):
    """Something was called fit that is not."""


def mutate(bases: Sequence[bytes], dice: random.Random) -> tuple[bytes, bytes]:
    """Return an image, and the same with one to three things wrong."""
    base = dice.choice(bases)
    content = base
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        content = dice.choice(MUTATIONS)(content or b"\0", dice, bases)
    return base, content


def fuzz(bases: Sequence[bytes], count: int, seed: int) -> Counter[str]:
    """Mutate, read, find and judge `count` times; return what came of it.

    Raises:
        FalseFitError: A mutated image was called fit for a place without a word, and is not.
        Exception: Anything else that is not the refusal of a file is a bug.
    """
    dice = random.Random(seed)
    outcome: Counter[str] = Counter()
    for number in range(count):
        base, content = mutate(bases, dice)
        outcome["mutated"] += 1
        outcome[_look_in_memory(content, dice, f"{seed}:{number}")] += 1
        try:
            image = parse(content)
        except ImageUnreadable as refused:
            outcome[f"refused: {type(refused).__name__}"] += 1
            continue
        outcome[_class_of(image, base, _judgements(image, dice, f"{seed}:{number}"))] += 1
    return outcome


def _judgements(image: Image, dice: random.Random, where: str) -> list[Judgement]:
    """Judge for every board where it would belong, and for one region that dice choose."""
    found = []
    for platform in PLATFORMS:
        for region in (None, dice.choice(platform.regions).key):
            judgement = judge(image, platform, region=region)
            found.append(judgement)
            if judgement.ok and (
                judgement.region is None or not may_fit(image.content, platform.key, judgement.region)
            ):
                raise FalseFitError(f"{where}: called fit for {judgement.region} of {platform.key}")
            doubted = {problem.code for problem in judgement.problems if not problem.absolute}
            if not judgement.ok and not judgement.absolute and not doubted:
                raise FalseFitError(f"{where}: not fit, but no reason given")
    return found


def _class_of(image: Image, base: bytes, judgements: Sequence[Judgement]) -> str:
    if any(judgement.ok for judgement in judgements):
        return "fits: nothing changed" if image.content == base else "fits: whole, with a right checksum of its own"
    if not any(not judgement.absolute for judgement in judgements):
        return "judged misfit"
    if image.crc_ok is None:
        module = zlib.crc32(base[:-4]) == int.from_bytes(base[-4:], "big")
        return "doubted: lost its header and its checksum" if module else "doubted: never had a checksum"
    return "doubted: right checksum, but something else"


def _look_in_memory(content: bytes, dice: random.Random, where: str) -> str:
    """Put the bytes into a slot of flash memory, look what is there, and judge that."""
    platform = dice.choice(PLATFORMS)
    region = dice.choice(platform.regions)
    room = min(region.size, len(content) + 512)
    image = find(content[:room].ljust(room, b"\xff"), region.start, platform)
    if image is None:
        return "in memory: no image"
    judgement = judge(image, platform, region=region.key)
    if judgement.ok and not may_fit(image.content, platform.key, region.key):
        raise FalseFitError(f"{where}: found in memory, called fit for {region.key} of {platform.key}")
    if judgement.ok:
        return "in memory: fits"
    return "in memory: misfit" if judgement.absolute else "in memory: doubted"
