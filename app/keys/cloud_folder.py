"""The folder of a local cloud on this computer: its own key, and the public keys of the boards it knows.

Only public halves leave this module. Source of the names: device-protocol.md 10.3.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path, PurePosixPath

from app.cloud_faults import NoCloudFolder
from app.faults import Fault, FileNoRoom, FileNotWritten
from app.files import FileActions, HandedOn, file_faults, publish, put
from app.keys.letter import LOCAL_CLOUD_FORK_PLACE, LOCAL_CLOUD_PLACE, SUFFIX, PublicKeyLetter
from app.keys.server_key import read_server_key_file

log = logging.getLogger(__name__)

PRIVATE, PUBLIC = "default_key.pem", "default_key.pub.pem"
FORK = "data"  # where a fork of the server has everything
UNKNOWN = "_handshake"
"""What stands behind the device ID in the name of a key that a board nobody told the server of has shown."""
MOST_BYTES = 64 * 1024
MOST_NUMBERS = 1000

_KEYS = PurePosixPath(LOCAL_CLOUD_PLACE).parent
_FORK_KEYS = PurePosixPath(LOCAL_CLOUD_FORK_PLACE).parent
_INSIDE = (_KEYS.name, _FORK_KEYS.name, FORK)  # folders that a person may choose in place of the one around them


@unique
class Stored(Enum):
    """What the server has as the key of a board."""

    NOTHING = "nothing"
    SAME = "same"
    OTHER = "other"  # another key, or no key at all


@dataclass(frozen=True, slots=True)
class Knock:
    """A key that a board has shown the server, and that the server does not know.

    Attributes:
        file: Where the server noted it.
        public_der: The key (SPKI, DER); None while the file holds none.
    """

    file: Path
    public_der: bytes | None


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a board's key that was given to the server.

    Attributes:
        file: Where the server has it.
        wrote: Whether it was not there already.
        kept: Where the other key is now that had this name; None when there was none.
    """

    file: Path
    wrote: bool
    kept: Path | None = None


@dataclass(frozen=True, slots=True)
class ServerKey:
    """The server's own key.

    Attributes:
        public_der: Its public half (SPKI, DER).
        file: What it was read from.
        stale: Whether the file with its public half holds another one than belongs to its private half.
    """

    public_der: bytes
    file: Path
    stale: bool = False


@dataclass(frozen=True, slots=True)
class CloudFolder:
    """The folder of a local cloud.

    Attributes:
        root: The folder.
        home: The folder in it with the server's own key.
        keys: The folder with the public keys of boards.
    """

    root: Path
    home: Path
    keys: Path

    def server_key(self) -> ServerKey:
        """Return the server's own public key: the half of the private one it works with, where that can be had.

        Raises:
            NoCloudFolder: There is none.
            Fault: It is none that boards can use, see `read_server_key_file`.
        """
        shown = _read(self.home / PUBLIC)
        worked_with = _public_half(_read(self.home / PRIVATE))
        if worked_with is None and shown is None:
            raise NoCloudFolder(folder=self.root)
        if worked_with is None:
            assert shown is not None
            return ServerKey(read_server_key_file(shown), self.home / PUBLIC)
        found = read_server_key_file(worked_with)
        try:
            stale = shown is not None and read_server_key_file(shown) != found
        except Fault:
            stale = True
        return ServerKey(found, self.home / PRIVATE, stale)

    def place_of(self, device_id: str) -> Path:
        """Return where the server looks for the key of a board."""
        return self.keys / f"{device_id}{SUFFIX}"

    def stored(self, device_id: str, public_der: bytes) -> Stored:
        """Tell whether the server has this key for a board."""
        content = _read(self.place_of(device_id))
        if content is None:
            return Stored.NOTHING
        return Stored.SAME if _der(content) == public_der else Stored.OTHER

    def place(self, letter: PublicKeyLetter, actions: FileActions | None = None) -> Placed:
        """Give the server the key of a board. Another one of its name is kept beside it, with a number.

        At no moment the server is without a key that it had.

        Args:
            letter: The board and its key.
            actions: What changes the disk.

        Raises:
            Fault: What the operating system refuses, see `file_faults`; what was there is unchanged.
        """
        return self._place(letter.device_id, letter.public_pem.encode("ascii"), actions or HandedOn())

    def knock_of(self, device_id: str) -> Knock | None:
        """Return the key that a board of this ID has shown and the server does not know; None where there is none."""
        file = self.keys / f"{device_id}{UNKNOWN}{SUFFIX}"
        content = _read(file)
        return None if content is None else Knock(file, _der(content))

    def seen(self, device_id: str) -> int:
        """Return a number that changes when the server notes such a key anew; 0 where there is none."""
        try:
            return (self.keys / f"{device_id}{UNKNOWN}{SUFFIX}").stat().st_mtime_ns
        except OSError:
            return 0

    def accept(self, device_id: str, public_der: bytes) -> Placed:
        """Let the server know a key it has seen: the file loses the mark in its name (10.3).

        Args:
            device_id: Of the board.
            public_der: The key that was agreed to. The file may hold another one by now; that is not accepted.

        Raises:
            Fault: What the operating system refuses.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

        acting = HandedOn()
        pem = load_der_public_key(public_der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        placed = self._place(device_id, pem, acting)
        with file_faults(self.keys, no_room=FileNoRoom, disk_failed=FileNotWritten):
            acting.remove(self.keys / f"{device_id}{UNKNOWN}{SUFFIX}")
        return placed

    def _place(self, device_id: str, content: bytes, actions: FileActions) -> Placed:
        final = self.place_of(device_id)
        with file_faults(self.keys, no_room=FileNoRoom, disk_failed=FileNotWritten):
            self.keys.mkdir(parents=True, exist_ok=True)
            try:
                there = final.read_bytes()
            except FileNotFoundError:
                put(actions, final, content)
                return Placed(final, wrote=True)
            if _der(there) == _der(content):
                return Placed(final, wrote=False)
            kept = _keep(actions, final, there)
            put(actions, final, content)
        return Placed(final, wrote=True, kept=kept)


def open_folder(path: Path) -> CloudFolder:
    """Find out how a local cloud has its files in a folder, or in the one around it.

    Raises:
        NoCloudFolder: None has.
    """
    roots = [path]
    for _ in range(2):
        if roots[-1].name in _INSIDE:
            roots.append(roots[-1].parent)
    for root in reversed(roots):  # the outermost first: to the server, that is its folder
        if _has_key(root):
            return CloudFolder(root, root, root / _KEYS)
        home = root / FORK
        if _has_key(home) and not (home / _KEYS).is_dir():
            return CloudFolder(root, home, root / _FORK_KEYS)
    raise NoCloudFolder(folder=path)


def _has_key(home: Path) -> bool:
    return any((home / name).is_file() for name in (PRIVATE, PUBLIC))


def _keep(actions: FileActions, final: Path, content: bytes) -> Path:
    """Put a key beside the one that takes its name, under a number; the same one is kept once."""
    for number in range(1, MOST_NUMBERS):
        beside = final.with_name(f"{final.name}.{number}")
        try:
            publish(actions, beside, content)
        except FileExistsError:
            if _read(beside) == content:
                return beside
        else:
            return beside
    raise FileNotWritten(f"{MOST_NUMBERS} files are kept already", folder=final.parent)


def _read(path: Path) -> bytes | None:
    """Return a file's bytes; None where there is none, or it cannot be read, or is far longer than any key."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_bytes()
    except OSError as error:
        log.info("%s: %s", path.name, type(error).__name__)
        return None


def _public_half(private_pem: bytes | None) -> bytes | None:
    """Return the public half of a private key, in DER; None where that cannot be read. Nothing else leaves here."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    if private_pem is None:
        return None
    try:
        key = load_pem_private_key(private_pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # damaged, or sealed with a passphrase
        return None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _der(public_pem: bytes) -> bytes | None:
    """Return a public key in its one form; None where it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(public_pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
