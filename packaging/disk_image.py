"""Compressed disk images of macOS (UDIF, "UDZO"): written here, without a Mac, around a file system of `xorriso`.

The format is Apple's own and was never published by it; others have described it, and `7z`, `dmg2img` and macOS read
it. Numbers are big-endian, sectors have 512 bytes.
"""

from __future__ import annotations

import hashlib
import plistlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from parts import build_environment, epoch, must, say, sha256

SECTOR = 512
CHUNK = 512
"""Sectors that are compressed together; what Apple's own tool takes."""
_TRAILER = ">4sIIIQQQQQII16sII128sQQ120xII128sIQ12x"
_TABLE = ">4sIQQQII24xII128sI"
_ENTRY = ">IIQQQQ"
_ZLIB, _END = 0x80000005, 0xFFFFFFFF
_CRC32 = 2
_BITS = 32
_NAME = "whole disk (Apple_HFS : 0)"
_APPLE_HFS = b"Apple_HFS"


class BadImageError(ValueError):
    """The file is no such image, or not what its checksums say."""


def pack(raw: bytes) -> bytes:
    """Return the image of a file system (whole sectors), compressed; the same bytes make the same image."""
    sectors = len(raw) // SECTOR
    body, entries = bytearray(), b""
    for first in range(0, sectors, CHUNK):
        chunk = raw[first * SECTOR : (first + CHUNK) * SECTOR]
        small = zlib.compress(chunk, 9)
        entries += struct.pack(_ENTRY, _ZLIB, 0, first, len(chunk) // SECTOR, len(body), len(small))
        body += small
    entries += struct.pack(_ENTRY, _END, 0, sectors, 0, len(body), 0)
    total = zlib.crc32(raw)
    table = struct.pack(_TABLE, b"mish", 1, 0, sectors, 0, CHUNK + 8, 0, _CRC32, _BITS, _sum(total), len(entries) // 40)
    note = {"Attributes": "0x0050", "ID": "0"}
    forks = {
        "blkx": [{**note, "CFName": _NAME, "Data": table + entries, "Name": _NAME}],
        "plst": [{**note, "Data": bytes(1032), "Name": ""}],
    }
    described = plistlib.dumps({"resource-fork": forks})
    trailer = struct.pack(
        _TRAILER,
        *(b"koly", 4, SECTOR, 1, 0, 0, len(body), 0, 0, 1, 1, hashlib.sha256(raw).digest()[:16]),
        *(_CRC32, _BITS, _sum(zlib.crc32(body)), len(body), len(described)),
        *(_CRC32, _BITS, _sum(zlib.crc32(struct.pack(">I", total))), 1, sectors),
    )
    return bytes(body) + described + trailer


def _sum(number: int) -> bytes:
    return struct.pack(">I", number) + bytes(124)


def unpack(image: bytes) -> bytes:
    """Return what an image made by `pack` holds, after comparing every checksum.

    Raises:
        BadImageError: It is none, or is damaged.
    """
    try:
        return _unpack(image)
    except (struct.error, zlib.error, KeyError, IndexError, plistlib.InvalidFileException) as error:
        raise BadImageError(str(error)) from error


def _unpack(image: bytes) -> bytes:
    trailer = struct.unpack(_TRAILER, image[-SECTOR:])
    if trailer[:3] != (b"koly", 4, SECTOR):
        raise BadImageError("no trailer")
    body_at, body_size, described_at, described_size = *trailer[5:7], *trailer[15:17]
    body = image[body_at : body_at + body_size]
    if trailer[14] != _sum(zlib.crc32(body)):
        raise BadImageError("the checksum of what is compressed")
    plist = plistlib.loads(image[described_at : described_at + described_size])
    raw, totals = bytearray(), b""
    for part in plist["resource-fork"]["blkx"]:
        table = part["Data"]
        head = struct.unpack_from(_TABLE, table)
        if head[0] != b"mish" or head[2] * SECTOR != len(raw):
            raise BadImageError("no table of parts")
        begin = len(raw)
        for number in range(head[-1]):
            kind, _, first, count, at, size = struct.unpack_from(_ENTRY, table, struct.calcsize(_TABLE) + 40 * number)
            if begin + first * SECTOR != len(raw):
                raise BadImageError("a part is missing")
            if kind == _ZLIB:
                chunk = zlib.decompress(body[at : at + size])
                if len(chunk) != count * SECTOR:
                    raise BadImageError("a part is of another size")
                raw += chunk
            elif kind != _END or number != head[-1] - 1:
                raise BadImageError("a part of another kind")
        total = zlib.crc32(raw[begin:])
        if head[9] != _sum(total) or head[3] * SECTOR != len(raw) - begin:
            raise BadImageError("the checksum of what is inside")
        totals += struct.pack(">I", total)
    if trailer[-3] != _sum(zlib.crc32(totals)) or trailer[-1] * SECTOR != len(raw):
        raise BadImageError("the checksum of the whole")
    return bytes(raw)


def apple_partition(disk: bytes) -> bytes:
    """Return the HFS+ file system of a disk with Apple's partition map.

    Raises:
        BadImageError: It has none.
    """
    number = 1
    while disk[number * SECTOR :][:2] == b"PM":
        entry = disk[number * SECTOR : (number + 1) * SECTOR]
        first, count = struct.unpack_from(">II", entry, 8)
        if entry[48:80].rstrip(b"\0") == _APPLE_HFS:
            return disk[first * SECTOR : (first + count) * SECTOR]
        number += 1
    raise BadImageError("no HFS+ in it")


# HFS+, as Apple's TN1150 describes it: the volume header, and in it the special files.
_HEADER_AT = 1024
"""Where the header is; its second copy is as far from the end."""
_BITMAP, _CATALOG = 112, 272
_SPECIAL = (_BITMAP, 192, _CATALOG, 352, 432)
_FILE = 2
_FINDER = 48  # bytes of a file's record before what the Finder knows of it
_FORKS = (88, 168)
_NO_TYPE = b"????????"


def tidy(volume: bytes) -> bytes:
    """Return an HFS+ file system of xorriso without the two things in it that macOS takes offence at.

    Each file has "????" as its type and creator. To macOS these are notes of the Finder, and `codesign --strict`
    refuses a program that has such. And a block that is no file's is marked as used: macOS looks through an image from
    the network with `fsck_hfs`, which calls that corrupt.

    Raises:
        BadImageError: It is not as xorriso writes one: each file in one piece.
    """
    whole = bytearray(volume)
    try:
        _tidy(whole)
    except (struct.error, IndexError) as error:
        raise BadImageError(str(error)) from error
    return bytes(whole)


def _tidy(whole: bytearray) -> None:
    magic, size, blocks = struct.unpack_from(">2s38xII", whole, _HEADER_AT)
    if magic != b"H+" or size * blocks != len(whole):
        raise BadImageError("no HFS+ that fills it")
    taken = bytearray(blocks)

    def take(at: int) -> tuple[int, int]:
        """Note the blocks of a fork; return where it begins and how long it is, in bytes."""
        length, count, first, together = struct.unpack_from(">Q4xIII", whole, at)
        if count != together or any(taken[first : first + count]) or first + count > blocks:
            raise BadImageError("a file in several pieces, or two in one place")
        taken[first : first + count] = b"\1" * count
        return first * size, length

    for first, end in ((0, _HEADER_AT + SECTOR), (len(whole) - _HEADER_AT, len(whole))):
        for block in range(first // size, -(-end // size)):
            taken[block] = 1
    special = {at: take(_HEADER_AT + at) for at in _SPECIAL}
    catalog, _ = special[_CATALOG]
    number, node_size = struct.unpack_from(">I4xH", whole, catalog + 24)  # the first leaf
    while number:
        node = catalog + number * node_size
        number, records = struct.unpack_from(">I6xH", whole, node)
        for place in range(1, records + 1):
            record = node + struct.unpack_from(">H", whole, node + node_size - 2 * place)[0]
            record += 2 + struct.unpack_from(">H", whole, record)[0]
            if struct.unpack_from(">H", whole, record)[0] == _FILE:
                for fork in _FORKS:
                    take(record + fork)
                finder = slice(record + _FINDER, record + _FINDER + len(_NO_TYPE))
                if whole[finder] == _NO_TYPE:
                    whole[finder] = bytes(len(_NO_TYPE))
    bitmap, length = special[_BITMAP]
    bits = "".join(map(str, taken)).ljust(8 * length, "0")
    whole[bitmap : bitmap + length] = int(bits, 2).to_bytes(length, "big")
    for header in (_HEADER_AT, len(whole) - _HEADER_AT):
        struct.pack_into(">I", whole, header + 48, blocks - sum(taken))


def write(folder: Path, volume: str, work: Path, target: Path, tell: Callable[[str], None] = say) -> None:
    """Write the compressed image of a folder.

    Args:
        folder: What it shows when it is opened.
        volume: The name it shows.
        work: A folder for what is made on the way.
        target: The image.
        tell: Is told what takes a while.

    Raises:
        SystemExit: xorriso is missing, or failed.
    """
    tell("Packing the disk image (about a minute)")
    disk = work / "disk.iso"
    # Drawn from the content, so that two builds have the same.
    listed = "".join(f"{path.relative_to(folder)} {path.lstat().st_size}\n" for path in sorted(folder.rglob("*")))
    serial = hashlib.sha256(f"{volume} {epoch()}\n{listed}".encode()).hexdigest()[:16]
    options = ["-quiet", "-V", volume, "-R", "-uid", "0", "-gid", "0", "-hfsplus", "-hfsplus-serial-no", serial]
    must(
        ["xorriso", "-no_rc", "-as", "mkisofs", *options, "-o", disk.resolve(), folder.resolve()],
        environment=build_environment(),
    )
    target.write_bytes(pack(tidy(apple_partition(disk.read_bytes()))))
    tell(f"{target.name} {sha256(target)}")
    disk.unlink()
