"""Code signatures of macOS without a key ("ad hoc"): reading, checking, and sealing an app with one.

Apple's processors run nothing without a signature, and macOS calls an app "damaged" whose parts are not sealed. A seal
without a key proves nothing about who made the app: for that the app is signed again on a Mac.

The format is that of Apple's `cs_blobs.h`; everything in it is big-endian.
"""

from __future__ import annotations

import hashlib
import plistlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mach_o

SEAL = "_CodeSignature/CodeResources"
"""Where an app keeps the hashes of its files, in `Contents`."""

_SUPER, _DIRECTORY, _REQUIREMENTS, _CMS = 0xFADE0CC0, 0xFADE0C02, 0xFADE0C01, 0xFADE0B01
_SLOT_DIRECTORY, _SLOT_REQUIREMENTS, _SLOT_CMS = 0, 2, 0x10000
INFO, REQUIREMENTS, RESOURCES = 1, 2, 3
"""Numbers of the special hashes: of Info.plist, of the requirements, of the list of files."""
AD_HOC = 0x2
_SHA256 = 2
_HASHES = {1: "sha1", _SHA256: "sha256"}
_PAGE_BITS = 12
_VERSION = 0x20400  # the first with the limits of the executable segment
_HEAD = 88  # bytes of a code directory of that version before its name
_MAIN_PROGRAM = 1
_NO_REQUIREMENTS = struct.pack(">III", _REQUIREMENTS, 12, 0)
_NO_CMS = struct.pack(">II", _CMS, 8)
_LOAD_COMMAND = 0x1D
_PAGES = {"arm64": 1 << 14, "x86_64": 1 << 12}

# The rules that Apple's codesign writes for an app.
_LOCALIZED: dict[str, Any] = {
    "^Resources/.*\\.lproj/": {"optional": True, "weight": 1000.0},
    "^Resources/.*\\.lproj/locversion.plist$": {"omit": True, "weight": 1100.0},
    "^Resources/Base\\.lproj/": {"weight": 1010.0},
}
_NESTED = "Frameworks|SharedFrameworks|PlugIns|Plug-ins|XPCServices|Helpers|MacOS|Library/"
RULES: dict[str, Any] = {"^Resources/": True, **_LOCALIZED, "^version.plist$": True}
RULES_2: dict[str, Any] = {
    ".*\\.dSYM($|/)": {"weight": 11.0},
    "^(.*/)?\\.DS_Store$": {"omit": True, "weight": 2000.0},
    f"^({_NESTED}(Automator|Spotlight|LoginItems))/": {"nested": True, "weight": 10.0},
    "^.*": True,
    "^Info\\.plist$": {"omit": True, "weight": 20.0},
    "^PkgInfo$": {"omit": True, "weight": 20.0},
    "^Resources/": {"weight": 20.0},
    **_LOCALIZED,
    "^[^/]+$": {"nested": True, "weight": 10.0},
    "^embedded\\.provisionprofile$": {"weight": 20.0},
    "^version\\.plist$": {"weight": 20.0},
}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a slice's signature says: its name, its flags, and its special hashes by number."""

    name: str
    flags: int
    specials: Mapping[int, bytes]


class BadSignatureError(ValueError):
    """A signature is missing, damaged, or does not fit what it signs."""


def verify(part: mach_o.Slice) -> Signature:
    """Read a slice's signature, and hash each of its pages against it.

    Raises:
        BadSignatureError: There is none, or it is not right.
    """
    if part.signature is None:
        raise BadSignatureError("no signature")
    begin, size = part.signature
    blob = part.content[begin : begin + size]
    try:
        magic, length, count = struct.unpack_from(">III", blob)
        if magic != _SUPER or length > size:
            raise BadSignatureError("no signature where the load command says")
        found = []
        for number in range(count):
            slot, at = struct.unpack_from(">II", blob, 12 + 8 * number)
            if slot == _SLOT_DIRECTORY or 0x1000 <= slot < 0x1005:  # the second: further ones, with other hashes
                found.append(_verify_directory(blob[at:], part.content, begin))
    except (struct.error, KeyError) as error:
        raise BadSignatureError(str(error)) from error
    if not found:
        raise BadSignatureError("no code directory")
    return found[-1]


def _verify_directory(blob: bytes, content: bytes, signature_at: int) -> Signature:
    magic, length, _, flags, hashes_at, name_at, specials, pages, limit = struct.unpack_from(">9I", blob)
    size, kind, _, page_bits = struct.unpack_from(">4B", blob, 36)
    if magic != _DIRECTORY or length > len(blob):
        raise BadSignatureError("no code directory")
    if limit != signature_at:
        raise BadSignatureError("it covers less than all there is")
    page = 1 << page_bits
    if pages != -(-limit // page):
        raise BadSignatureError("it has not one hash for each page")
    for number in range(pages):
        told = blob[hashes_at + size * number :][:size]
        if hashlib.new(_HASHES[kind], content[page * number : min(page * (number + 1), limit)]).digest() != told:
            raise BadSignatureError(f"page {number} is not what was signed")
    name = blob[name_at : blob.index(b"\0", name_at)].decode()
    special = {number: blob[hashes_at - size * number :][:size] for number in range(1, specials + 1)}
    return Signature(name, flags, special)


def sign(content: bytes, name: str, info: bytes, resources: bytes) -> bytes:
    """Return a program for one processor with an ad-hoc signature in place of what it had.

    Args:
        content: The program.
        name: The identifier of its app.
        info: The app's Info.plist.
        resources: The app's list of files (`SEAL`).

    Raises:
        BadSignatureError: There is no room for the load command.
    """
    part = mach_o.slices(content)[0]
    whole = bytearray(content)
    if part.signature is None:
        limit = -(-len(whole) // 16) * 16
        whole += bytes(limit - len(whole))
        at = part.commands_end
        first = min(segment.first_section for segment in part.segments if segment.first_section is not None)
        if at + 16 > first or any(whole[at : at + 16]):
            raise BadSignatureError("no room for the load command; link with more")
        count, size = struct.unpack_from("<II", whole, 16)
        struct.pack_into("<II", whole, 16, count + 1, size + 16)
    else:
        limit = part.signature[0]
        del whole[limit:]
        at = _command_at(part)
    length = len(_blob(b"", limit, name, 0, info, resources))
    struct.pack_into("<IIII", whole, at, _LOAD_COMMAND, 16, limit, length)
    last = next(segment for segment in part.segments if segment.name == "__LINKEDIT")
    filled = limit + length - last.offset
    page = _PAGES[part.processor]
    struct.pack_into("<Q", whole, last.command + 32, -(-filled // page) * page)
    struct.pack_into("<Q", whole, last.command + 48, filled)
    text = next(segment for segment in part.segments if segment.name == "__TEXT")
    return bytes(whole) + _blob(bytes(whole), limit, name, text.size, info, resources)


def _command_at(part: mach_o.Slice) -> int:
    at = 32
    while struct.unpack_from("<I", part.content, at)[0] != _LOAD_COMMAND:
        at += struct.unpack_from("<I", part.content, at + 4)[0]
    return at


def _blob(content: bytes, limit: int, name: str, text: int, info: bytes, resources: bytes) -> bytes:
    """The signature; without content its hashes are of nothing, but its length is right."""
    specials = [hashlib.sha256(blob).digest() for blob in (resources, _NO_REQUIREMENTS, info)]
    page = 1 << _PAGE_BITS
    pages = [hashlib.sha256(content[at : min(at + page, limit)]).digest() for at in range(0, limit, page)]
    called = name.encode() + b"\0"
    hashes_at = _HEAD + len(called) + 32 * len(specials)
    length = hashes_at + 32 * len(pages)
    head = struct.pack(
        ">9I4BIIIIQQQQ",
        *(_DIRECTORY, length, _VERSION, AD_HOC, hashes_at, _HEAD, len(specials), len(pages), limit),
        *(32, _SHA256, 0, _PAGE_BITS),
        *(0, 0, 0, 0, 0),
        *(0, text, _MAIN_PROGRAM),
    )
    parts = {
        _SLOT_DIRECTORY: head + called + b"".join(specials) + b"".join(pages),
        _SLOT_REQUIREMENTS: _NO_REQUIREMENTS,
        _SLOT_CMS: _NO_CMS,
    }
    at, index, body = 12 + 8 * len(parts), b"", b""
    for slot, part in parts.items():
        index += struct.pack(">II", slot, at + len(body))
        body += part
    return struct.pack(">III", _SUPER, at + len(body), len(parts)) + index + body


def sealed(contents: Path) -> dict[str, Any]:
    """Return the list of an app's files with their hashes, as in `SEAL`.

    Args:
        contents: The folder `Contents` of the app. All its code but the program itself is below `Resources`.
    """
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for path in sorted((contents / "Resources").rglob("*")):
        name = path.relative_to(contents).as_posix()
        if path.is_symlink():
            old[name] = new[name] = {"symlink": str(path.readlink())}
        elif path.is_file():
            content = path.read_bytes()
            old[name] = hashlib.sha1(content).digest()  # for old systems
            new[name] = {"hash2": hashlib.sha256(content).digest()}
    return {"files": old, "files2": new, "rules": RULES, "rules2": RULES_2}


def seal(app: Path, program: str, name: str) -> None:
    """Write an app's list of files, and sign its program for each processor.

    Args:
        app: The app.
        program: The name of its program in `Contents/MacOS`.
        name: Its identifier.
    """
    contents = app / "Contents"
    target = contents / SEAL
    target.parent.mkdir(exist_ok=True)
    resources = plistlib.dumps(sealed(contents), sort_keys=True)
    target.write_bytes(resources)
    path = contents / "MacOS" / program
    info = (contents / "Info.plist").read_bytes()
    parts = [sign(part.content, name, info, resources) for part in mach_o.slices(path.read_bytes())]
    path.write_bytes(mach_o.join(parts))
