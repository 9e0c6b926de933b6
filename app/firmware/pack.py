"""The rescue pack: firmware files by name, size and SHA-256, and the folder they are kept in.

None of the files is part of this program. They come from the public package `particle-cli`: with an installer, from the
package's own archive, or one by one from its source repository (`app.firmware.fetch`). Nothing is used before its hash
was compared with the table here (device-protocol.md 4.3 and 7.3).
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
import urllib.parse
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.faults import (
    Fault,
    PackArchiveUnreadable,
    PackDiskFailed,
    PackFileDamaged,
    PackFileMissing,
    PackNoRoom,
)
from app.files import FileActions, file_faults, put
from app.firmware.archive import contents
from app.firmware.image import Image, parse
from app.platforms.table import platform as platform_of
from app.text import Text, text

_log = logging.getLogger(__name__)

PACKAGE = "particle-cli"
# The public repository the package is made from; its tags hold every file of the table, byte for byte.
REPOSITORY = "particle-iot/particle-cli"

PART_KEPT_S = 7 * 24 * 3600.0
"""So long the beginning of a download is worth going on with."""
PART_WRITTEN_S = 3600.0
"""After so long nobody is still writing a file of a few hundred kilobytes: its program was killed."""


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file of the pack.

    Attributes:
        name: Its name here and in the folder; the package's own name except where two versions use the same one.
        size: In bytes.
        sha256: 64 lower-case hex digits; the only thing a file is recognised by.
        platform: The key of the platform it is for; None for every one.
        role: What it is for: `tinker`, `doctor`, `radio-patch`, `radio-patch-1.14`, `deep-update`, `voodoospark`,
            `tinker-usb-debugging`, `bootloader`, `system-1`, `system-2`, `system-3` (the module's index, which is also
            the region's key; never the number in the Electron's file names), `ota-flag`, `server-key`, `licence`.
        release: The Device OS (or patch) release it belongs to; empty where nothing says.
        title: For people.
        package_version: The version of the package it is taken from.
        member: Its path in that package.
        remote: Its path below the repository's raw files, beginning with the tag, ready for an address.
    """

    name: str
    size: int
    sha256: str
    platform: str | None
    role: str
    release: str
    title: Text
    package_version: str
    member: str
    remote: str


_TITLES = {
    "tinker": text("Pack", "Tinker"),
    "doctor": text("Pack", "Doctor"),
    "radio-patch": text("Pack", "Radio patch, service pack 1.13.7"),
    "radio-patch-1.14": text("Pack", "Radio patch, service pack 1.14"),
    "deep-update": text("Pack", "Deep update of June 2014"),
    "voodoospark": text("Pack", "VoodooSpark"),
    "tinker-usb-debugging": text("Pack", "Tinker that reports over USB"),
    "bootloader": text("Pack", "Boot loader"),
    "system-1": text("Pack", "System part 1"),
    "system-2": text("Pack", "System part 2"),
    "system-3": text("Pack", "System part 3"),
    "ota-flag": text("Pack", "The mark that makes a board install a waiting update"),
    "server-key": text("Pack", "Key and address of the Particle cloud"),
    "licence": text("Pack", "Licence of these files"),
}


def _title(platform: str | None, role: str, release: str, version: str) -> Text:
    """Say what a file is, for which board, and of which release, or of which package when nothing tells that."""
    what: Text = _TITLES[role]
    # The name of a patch says its number already.
    release = "" if role in ("deep-update", "radio-patch", "radio-patch-1.14") else release
    if platform is None:
        return what
    board = platform_of(platform).name
    if not release and version == "1.16.0":
        return text("Pack", "{board}: {what}, older, of package {version}").with_values(
            board=board, what=what, version=version
        )
    if not release:
        return text("Pack", "{board}: {what}").with_values(board=board, what=what)
    return text("Pack", "{board}: {what}, {release}").with_values(board=board, what=what, release=release)


def _file(
    version: str,
    member: str,
    size: int,
    sha256: str,
    platform: str | None,
    role: str,
    release: str,
    name: str = "",
) -> PackFile:
    """A row of the table; at each version's tag the repository holds the members of that version at the same paths."""
    remote = f"v{version}/{urllib.parse.quote(member)}"
    name = name or member.rpartition("/")[2]
    return PackFile(
        name, size, sha256, platform, role, release, _title(platform, role, release, version), version, member, remote
    )


# device-protocol.md 7.3 (images and the flag) and 4.3 (keys); the licence file of both package versions is the same.
# fmt: off
PACK: tuple[PackFile, ...] = (
    _file("2.16.0", "assets/binaries/core_tinker.bin",
          98932, "8e55851b39bcfb6a6ada1ee26fe968e36662abe7c1cee814b3f52e1d2616f051",
          "core", "tinker", "0.7.0"),
    _file("1.16.0", "binaries/core_tinker.bin",
          82864, "f82984e8fb78339a90bd690a50df175f00f3dc8acf72b4f7c8697576ca4d164b",
          "core", "tinker", "", name="core_tinker-1.16.bin"),
    _file("2.16.0", "assets/binaries/core_doctor.bin",
          93908, "d37ee413578dc8d8e210d907f1298b5899869f39784acd99ec9871fefe21db93",
          "core", "doctor", ""),
    _file("2.16.0", "assets/binaries/cc3000-patch-programmer.bin",
          25068, "7291e032472121b1f70f9daf56e4de175f21beba50172da8fbe737e2e2734670",
          "core", "radio-patch", "1.13.7"),
    _file("2.16.0", "assets/binaries/cc3000-patch-programmer_1_14.bin",
          25240, "7df4ee5c284ec2bdd209398ee64068d86c57c59465f6d56018fee874517dbb45",
          "core", "radio-patch-1.14", "1.14.7"),
    _file("2.16.0", "assets/binaries/deep_update_2014_06.bin",
          93636, "fd5a64395e5c454f8f0485689371141bc2297e2d1d03a90c0367c2b7734fa2f8",
          "core", "deep-update", "2014_06"),
    _file("2.16.0", "assets/binaries/voodoospark.bin",
          87060, "552c2201edbe15c3464c7be62992c9599f0742062f60b4bf6c33f8b5ee46d2b8",
          "core", "voodoospark", ""),
    _file("2.16.0", "assets/binaries/tinker-0.4.5-photon.bin",
          5324, "4122f115129c3565f6a56a0625beb15fcb366200e797160ae334776eecf7013f",
          "photon", "tinker", "0.4.5"),
    _file("1.16.0", "binaries/photon_tinker.bin",
          3952, "cd4241ffdf536e0d78ee6d18b54777eda24de5e72f6d8ca0ec000df94ca85555",
          "photon", "tinker", ""),
    _file("2.16.0", "assets/binaries/photon_doctor.bin",
          6888, "f7846c51b787a1a1bf30a5c06e38664aba9285a235fa40b945938323cc8dfdc2",
          "photon", "doctor", ""),
    _file("2.16.0", "assets/binaries/tinker-0.4.5-p1.bin",
          5324, "e4f6a51fb68407c39d535153d279ffa9a5ca09b9ee2dd2007d5c6469feff12f0",
          "p1", "tinker", "0.4.5"),
    _file("1.16.0", "binaries/p1_tinker.bin",
          4740, "39aa2c8fd51f0b6a294c152e799098472f7d0bc7568f65418f3039b295c717d3",
          "p1", "tinker", ""),
    _file("2.16.0", "assets/binaries/p1_doctor.bin",
          6888, "7e52af943180d9f1b98ea53ab196c9d8cebf9a4b90d42a6df16c6cadbe602ed0",
          "p1", "doctor", ""),
    _file("2.16.0", "assets/binaries/electron_tinker.bin",
          5776, "c505033c91cdd6dadb1c5f386ea60fbf6986fd1f67cd7d7d8f9d3cfc3dd6688a",
          "electron", "tinker", ""),
    _file("2.16.0", "assets/binaries/electron_doctor.bin",
          6664, "f974f6fb825f81c3777e756db76d3d436f868dc2c8faadb815b1ff5b1936cd1f",
          "electron", "doctor", ""),
    _file("2.16.0", "assets/binaries/tinker-usb-debugging-0.6.0-electron.bin",
          10464, "80ee543738ae31ca339191324139bf1a157448e65c41cec971451a1b6cc3f179",
          "electron", "tinker-usb-debugging", "0.6.0"),
    _file("1.16.0", "binaries/tinker-usb-debugging-v0.4.8-rc.6-electron.bin",
          5856, "caf9527a7e88c75072288a65d0ce47aa30046e34a92938410f47e538efc27088",
          "electron", "tinker-usb-debugging", "0.4.8-rc.6"),
    _file("2.16.0", "assets/updates/photon-bootloader@2.2.0+lto.bin",
          15124, "f6efd97c1b3e3c417a606a9b215c29a08cca49b07e524c2a3f8ea92b9d89b241",
          "photon", "bootloader", "2.2.0"),
    _file("2.16.0", "assets/updates/photon-system-part1@2.2.0.bin",
          241496, "7709a91aa93cc7cb16571b1ab92af04321bc548c4b687a28a57088b33b3329da",
          "photon", "system-1", "2.2.0"),
    _file("2.16.0", "assets/updates/photon-system-part2@2.2.0.bin",
          260840, "5f51499ac3d804faeafc72f68d8ddc726d127f5961013b57af52727d2d025634",
          "photon", "system-2", "2.2.0"),
    _file("1.16.0", "updates/system-part1-0.5.2-photon.bin",
          250956, "45d78ddd46399d5807065efedfdb56894c9ac732b9bf8abdbdeb47e1118e1ac9",
          "photon", "system-1", "0.5.2"),
    _file("1.16.0", "updates/system-part2-0.5.2-photon.bin",
          187492, "129687b936769329b71be58922eda10dafed663ff458798ab4dcc7ad84f373de",
          "photon", "system-2", "0.5.2"),
    _file("2.16.0", "assets/updates/p1-bootloader@2.2.0+lto.bin",
          15784, "4d202d69c64f038e3b91bb98d88029d79efc9c8318d1238ece9bd2f6dafd70bd",
          "p1", "bootloader", "2.2.0"),
    _file("2.16.0", "assets/updates/p1-system-part1@2.2.0.bin",
          241496, "02dc6c980c37d21445dc8eb522709e3df57737f03c8bfedfb80779926c8556a5",
          "p1", "system-1", "2.2.0"),
    _file("2.16.0", "assets/updates/p1-system-part2@2.2.0.bin",
          260968, "8e0fc3c4fbd53bb25acbe3a38407326487487d9ce32259934c3442c5a6120f29",
          "p1", "system-2", "2.2.0"),
    _file("1.16.0", "updates/system-part1-0.5.2-p1.bin",
          250940, "a1b37250985090361a8b96a3c025c49685e7980d548ec670e4b0da9ac004eae6",
          "p1", "system-1", "0.5.2"),
    _file("1.16.0", "updates/system-part2-0.5.2-p1.bin",
          188300, "ecb7e896317415db28bd4a07012225e66a6b74c39e0e9876e837a613b220f059",
          "p1", "system-2", "0.5.2"),
    _file("2.16.0", "assets/updates/electron-bootloader@2.2.0+lto.bin",
          15672, "5daea2c95028cde1efd3105577d102016fc0309aa3a8664a5108d26ceeffe93a",
          "electron", "bootloader", "2.2.0"),
    _file("2.16.0", "assets/updates/electron-system-part1@2.2.0.bin",
          87468, "0c13e0c25066fe779695e09581cb30cf20a70a2dbbbbd8248b9a57e772b975d2",
          "electron", "system-3", "2.2.0"),
    _file("2.16.0", "assets/updates/electron-system-part2@2.2.0.bin",
          114012, "a57472735c5fb80ebdfb11e78a5393f9db21bc093eb56957f30fe380548f5e05",
          "electron", "system-1", "2.2.0"),
    _file("2.16.0", "assets/updates/electron-system-part3@2.2.0.bin",
          122364, "97f1ed6029f27fecc97e19e0fcf62e8188c1cfbbe919ce41100ea11e496e1308",
          "electron", "system-2", "2.2.0"),
    _file("1.16.0", "updates/system-part1-0.5.2-electron.bin",
          122916, "a677b4bce2c5db3f2cac2db795a25ce7deaa645204cc32d20f2d4f129b0b7680",
          "electron", "system-1", "0.5.2"),
    _file("1.16.0", "updates/system-part2-0.5.2-electron.bin",
          120724, "d6a99294054108451c54aaa4692caf279146e6645dae12af8f6897b714346a9c",
          "electron", "system-2", "0.5.2"),
    _file("2.16.0", "assets/updates/ota-flag-a5.bin",
          1, "6922e93e3827642ce4b883c756b31abf80036649d3614bf5fcb3adda43b8ea32",
          None, "ota-flag", ""),
    _file("2.16.0", "assets/keys/rsa.pub.der",
          512, "2a1c82fb5f28fe1ba95b4af966aca326eb22398b977fa2540233dbe703fddb16",
          None, "server-key", ""),
    _file("2.16.0", "assets/keys/rsa.pub-padded.der",
          2048, "f4e4ac980b56a88a50f359b5fb60b0313274685b27edbffe3e135f897b88744b",
          "core", "server-key", ""),
    _file("2.16.0", "assets/keys/ec.pub.der",
          320, "8bf15949f650e70f7a575b15585084ac12af597642427a5ca00a427d421affa4",
          "electron", "server-key", ""),
    _file("2.16.0", "LICENSE",
          11305, "b5a4b38c45345c600f8752cf0a9692dcb3c293fc156cc503688c60e9e7903ad2",
          None, "licence", "", name="particle-cli-LICENSE.txt"),
)
# fmt: on

_BY_NAME = {file.name: file for file in PACK}
_BY_CONTENT = {(file.size, file.sha256): file for file in PACK}
_SIZES = frozenset(file.size for file in PACK)


def pack_file(name: str) -> PackFile:
    """Return the file of that name; KeyError when the table has none."""
    return _BY_NAME[name]


def pick(platform_key: str, role: str, release: str | None = None) -> PackFile:
    """Return the file for that board and role: one of this release, or the newest.

    A file made for this board comes before one for every board; so the Electron's server key is the one for its usual
    transport (4.1).

    Raises:
        KeyError: There is none.
    """
    fitting = [
        file
        for file in PACK
        if file.role == role and file.platform in (platform_key, None) and release in (file.release, None)
    ]
    if not fitting:
        raise KeyError((platform_key, role, release))
    return max(fitting, key=lambda file: (file.platform is not None, _numbers(file.package_version), file.release))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def recognise(content: bytes) -> PackFile | None:
    """Return the file of the pack these bytes are, whatever they were called; None when they are none."""
    if len(content) not in _SIZES:
        return None
    return _BY_CONTENT.get((len(content), hashlib.sha256(content).hexdigest()))


class PackState(Enum):
    """What a file of the pack is like now."""

    PRESENT = "present"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class PackItem:
    """A file of the pack and its state."""

    file: PackFile
    state: PackState


@dataclass(frozen=True, slots=True)
class Added:
    """What came of adding files.

    Attributes:
        names: The pack's files that were in there, in the table's order; all of them are stored now.
        unknown: How many other files were in there.
    """

    names: tuple[str, ...]
    unknown: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Whose some of the files are.

    Attributes:
        title: What the notice is about.
        words: Sentences for people.
        licence: The licence file as it came with the files; empty when it is not there.
    """

    title: Text
    words: tuple[Text, ...]
    licence: str


class RescuePack:
    """The pack's files on this computer. Any thread; several programs at once.

    A file is under its name only when it was whole and its hash was right; it is compared again at every read.

    Args:
        root: The person's folder; made when the first file is stored.
        bundled: A folder that came with the program and is only read; None when none came.
        actions: What changes the disk.
    """

    def __init__(self, root: Path, bundled: Path | None = None, actions: FileActions | None = None) -> None:
        self.root = root
        self.bundled = bundled
        self._actions = actions or FileActions()
        self._writing = threading.Lock()

    def items(self) -> tuple[PackItem, ...]:
        """Look at every file. One that is damaged in the person's folder counts as damaged, whatever came along.

        Raises:
            Fault: A folder cannot be read.
        """
        return tuple(PackItem(file, self._state(file)) for file in PACK)

    def read(self, name: str) -> bytes:
        """Return the content of a file, compared with its hash just now.

        A missing or damaged file is taken from what came with the program, and put right.

        Raises:
            KeyError: The table has no such name.
            PackFileMissing, PackFileDamaged: It has to be added or downloaded first.
            Fault: A folder cannot be read.
        """
        file = pack_file(name)
        found = self._look(self.root, file)
        if isinstance(found, bytes):
            return found
        spare = self._look(self.bundled, file) if self.bundled else PackState.MISSING
        if isinstance(spare, bytes):
            if found is PackState.DAMAGED:
                try:
                    self.store(name, spare)
                except Fault as fault:  # for example a full disk; the bytes are right all the same
                    _log.warning("%s: the damaged copy stays: %s: %s", name, fault.code, fault.detail)
            return spare
        if PackState.DAMAGED in (found, spare):
            raise PackFileDamaged(name, file=file.title)
        raise PackFileMissing(name, file=file.title)

    def image(self, name: str) -> Image:
        """Return a file of the pack as a firmware image.

        Raises:
            KeyError: The table has no such name.
            Fault: As `read`; ImageUnreadable for a key, the flag or the licence.
        """
        return parse(self.read(name))

    def store(self, name: str, content: bytes) -> None:
        """Keep a file under its name, over a damaged one; the bytes must be the right ones.

        Raises:
            PackFileDamaged: The bytes are not what the table says; nothing was changed.
            Fault: The folder cannot be written.
        """
        file = pack_file(name)
        if recognise(content) != file:
            raise PackFileDamaged(name, file=file.title)
        with self._writing, file_faults(self.root, no_room=PackNoRoom, disk_failed=PackDiskFailed):
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                put(self._actions, self.root / name, content)
            except PermissionError:
                # On Windows a file cannot be replaced while another program reads it; then that one is right already.
                if not isinstance(self._look(self.root, file), bytes):
                    raise
            self._actions.flush_folder(self.root)

    def part(self, name: str) -> Path:
        """Return where the beginning of a download of that file is kept until the rest has come."""
        return self.root / f".{name}.part"

    def sweep(self) -> tuple[str, ...]:
        """Remove what killed programs left unfinished; return the names.

        The beginning of a download stays a week, to go on with. What another program may be writing just now stays.
        A folder that refuses is left as it is: what lies there does no harm.
        """
        resumable = {self.part(file.name).name for file in PACK}
        now = time.time()
        swept = []
        try:
            for entry in sorted(os.scandir(self.root), key=lambda entry: entry.name):
                if not (entry.name.startswith(".") and entry.name.endswith(".part")):
                    continue
                stays = PART_KEPT_S if entry.name in resumable else PART_WRITTEN_S
                if entry.is_file(follow_symlinks=False) and now - entry.stat(follow_symlinks=False).st_mtime > stays:
                    self._actions.remove(Path(entry.path))
                    swept.append(entry.name)
        except OSError as error:
            _log.debug("unfinished files of the pack stay: %s", error)
        return tuple(swept)

    def fill_from_bundle(self) -> tuple[str, ...]:
        """Copy what is missing or damaged from what came with the program; return the names, in the table's order.

        Raises:
            Fault: A folder cannot be read or written.
        """
        if self.bundled is None:
            return ()
        filled = []
        for file in PACK:
            if isinstance(self._look(self.root, file), bytes):
                continue
            content = self._look(self.bundled, file)
            if isinstance(content, bytes):
                self.store(file.name, content)
                filled.append(file.name)
        return tuple(filled)

    def add(self, path: Path) -> Added:
        """Take the pack's files out of a file, a folder, or an archive (.tgz, .tar, .zip), whatever their names are.

        They are recognised by size and SHA-256 alone; nothing is stored under a name that comes from outside.

        Raises:
            PackArchiveUnreadable: It is an archive, but a broken one. What was recognised before the break is stored.
            Fault: The file or folder cannot be read, or ours not written.
        """
        found: dict[str, bytes] = {}
        unknown = 0
        broken: PackArchiveUnreadable | None = None
        try:
            with file_faults(path, disk_failed=PackDiskFailed):
                for content in contents(path, _SIZES):
                    file = recognise(content) if content is not None else None
                    if file is None or content is None:
                        unknown += 1
                    else:
                        found[file.name] = content
        except PackArchiveUnreadable as fault:
            broken = fault
        names = tuple(file.name for file in PACK if file.name in found)
        for name in names:
            self.store(name, found[name])
        if broken is not None:
            raise broken
        return Added(names, unknown)

    def notices(self) -> tuple[Notice, ...]:
        """Say whose the files are and under which licence they came.

        Raises:
            Fault: A folder cannot be read.
        """
        try:
            licence = self.read(LICENCE).decode("utf-8")
        except (PackFileMissing, PackFileDamaged):
            licence = ""
        return (
            Notice(
                text("Pack", "Firmware files from Particle"),
                (
                    text(
                        "Pack",
                        "Spark IO, today called Particle, made these files and gives them away in its package "
                        "particle-cli, versions 2.16.0 and 1.16.0.",
                    ),
                    text(
                        "Pack",
                        "The package's licence file is the Apache License 2.0 with the line “Copyright 2014 Spark "
                        "IO”. It names no other licence for single files.",
                    ),
                    text("Pack", "Rekindle does not change the files; each one is compared with its known SHA-256."),
                ),
                licence,
            ),
            Notice(
                text("Pack", "Radio patches for the Spark Core"),
                (
                    text(
                        "Pack",
                        "The patch programs and the deep update also carry a service pack that Texas Instruments made "
                        "for its CC3000 radio. It came inside the same package, under the same licence file.",
                    ),
                ),
                "",
            ),
        )

    def _state(self, file: PackFile) -> PackState:
        found = self._look(self.root, file)
        if found is PackState.MISSING and self.bundled is not None:
            found = self._look(self.bundled, file)
        return found if isinstance(found, PackState) else PackState.PRESENT

    def _look(self, folder: Path, file: PackFile) -> bytes | PackState:
        """Return the right content, or how it is not right."""
        path = folder / file.name
        with file_faults(folder, disk_failed=PackDiskFailed):
            try:
                there = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return PackState.MISSING
            if not stat.S_ISREG(path.stat().st_mode) or there.st_size != file.size:
                return PackState.DAMAGED
            content = path.read_bytes()
        return content if recognise(content) == file else PackState.DAMAGED


LICENCE = next(file.name for file in PACK if file.role == "licence")
