"""The key safe: append-only, verified, with who, when and what beside each key."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.faults import (
    BackupDamaged,
    BackupDiffers,
    DiskFailed,
    IdentityMismatch,
    SafeLocked,
    WrongPassphrase,
)
from app.files import FileActions, file_faults, publish, write_new
from app.keys.backup import (
    DER,
    FILE_NAME,
    HASH_DIGITS,
    NAME_PARTS,
    NOTE,
    PART_NAME,
    PUBLIC,
    RAW,
    SEALED_KEY,
    SEALED_RAW,
    SERIAL_FOLDER,
    STAMP,
    Backup,
    KeyEntry,
    check_device_id,
    is_board_folder,
    read_note,
    sha256,
    write_note,
)
from app.keys.device_key import KeyReport, KeyState, examine
from app.keys.passphrase import OVERHEAD, Passphrase
from app.platforms.identify import serial_matches
from app.platforms.table import platform
from app.text import Text, text

__all__ = ["Backup", "KeyEntry", "KeySafe"]

CHECK_FILE = "passphrase.check"
CHECK_CONTENT = b"This is the passphrase of the key safe."
# Files of an unfinished backup younger than this may belong to another running program.
SETTLED = timedelta(minutes=10)
MOST_NAMES = 999

_CLOSED = text("Safe", "The folder {name} cannot be read. Does it belong to another user of this computer?")
_NO_NOTE = text("Safe", "The note of this backup cannot be read.")
_WRONG_FOLDER = text("Safe", "The note of this backup names another board than its folder.")
_MISSING = text("Safe", "The file {name} is missing or cannot be read.")
_CHANGED = text("Safe", "The file {name} was changed after it was stored.")
_UNFINISHED = text(
    "Safe", "This backup was interrupted before it was finished, but the bytes of the key are all there."
)
_TORN = text("Safe", "This backup was interrupted while it was written, so a part of it is missing.")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Group:
    """The files in a folder that share a name: finished ones by suffix, and parts an ended program left."""

    base: str
    finished: dict[str, Path] = field(default_factory=dict)
    parts: list[tuple[str, Path]] = field(default_factory=list)

    @property
    def committed(self) -> bool:
        return NOTE in self.finished

    def leftovers(self) -> list[tuple[str, Path]]:
        """What an interrupted program left: parts, and everything without a note."""
        return self.parts if self.committed else [*self.parts, *self.finished.items()]


class KeySafe:
    """Keeps key slots byte for byte; never overwrites and, but for leftovers it holds elsewhere, never removes.

    Every public method may be called from any thread, and raises `FolderRefused`, `FolderGone`, `NoRoom` or
    `DiskFailed` when the operating system refuses.
    """

    def __init__(
        self,
        root: Path,
        *,
        practice: bool = False,
        now: Callable[[], datetime] = _utc_now,
        actions: FileActions | None = None,
    ) -> None:
        """Open the safe; nothing is touched yet.

        Args:
            root: Folder of the safe; made when the first key is stored.
            practice: Whether the keys are practice boards' ones; goes into their notes.
            now: The time, with its zone.
            actions: What changes the disk.
        """
        self.root = root
        self.practice = practice
        self._now = now
        self._actions = actions or FileActions()
        self._passphrase: Passphrase | None = None
        self._turn = threading.RLock()

    # --- storing ----------------------------------------------------------------------------------------------------

    def insist_writable(self) -> None:
        """Make the safe's folder and see that files can be put into it, before anything is asked of a board."""
        with self._turn, file_faults(self.root):
            self._make_root()
            if not self.root.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self.root))
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self.root))

    def store(self, entry: KeyEntry) -> Backup:
        """Keep a key slot, and return its backup once it is on the disk and was read back.

        The same bytes of the same slot and board are kept once: a sound earlier backup is returned instead.

        Raises:
            SafeLocked: The safe has a passphrase, and was not unlocked.
            BackupDiffers: What was written reads back differently.
        """
        with self._turn, file_faults(self.root):
            self._insist_unlocked()
            folder = self._board_folder(entry.folder_name)
            self._tidy(folder)
            new = self._describe(entry)
            for known in self._committed(folder):
                if self._same(known, new) and self._raw_if_open(known) == entry.raw:
                    return known
            return self._write(new, self._contents(entry.raw, entry.report), len(entry.raw), entry.report.der)

    def join(self, backups: Iterable[Backup], device_id: str, proof: str) -> tuple[Backup, ...]:
        """Give backups kept under a serial number to the board they are now known to be from.

        The originals stay; `backups()` shows them no more. The caller must know that each backup is from this board:
        many boards may share a serial number.

        Args:
            backups: Which ones; those that have this ID already are returned as they are.
            device_id: The proven ID.
            proof: How it was proven.

        Raises:
            IdentityMismatch: The serial number kept with a backup, or its ID, contradicts `device_id`. Nothing was
                changed.
            BackupDamaged: One of them is damaged; those before it are joined.
            SafeLocked: The safe has a passphrase, and was not unlocked.
        """
        check_device_id(device_id)
        chosen = tuple(backups)
        for backup in chosen:
            if backup.device_id not in (None, device_id) or _contradicts(backup, device_id):
                raise IdentityMismatch(f"backup {backup.name} in {backup.folder.name}")
        with self._turn, file_faults(self.root):
            return tuple(
                backup if backup.device_id == device_id else self._join_one(backup, device_id, proof)
                for backup in chosen
            )

    def _join_one(self, backup: Backup, device_id: str, proof: str) -> Backup:
        self._insist_sound(backup)
        self._insist_unlocked()
        folder = self._board_folder(device_id)
        new = replace(
            backup,
            folder=folder,
            device_id=device_id,
            proof=proof,
            joined_from=backup.reference,
        )
        raw = self.key_bytes(backup)
        for known in self._committed(folder):
            if self._same(known, new) and self._raw_if_open(known) == raw:
                return known
        if backup.algorithm is None:
            raise BackupDamaged(reason=_NO_NOTE)
        report = examine(raw, backup.algorithm)
        return self._write(new, self._contents(raw, report), len(raw), report.der)

    def _describe(self, entry: KeyEntry) -> Backup:
        """Return the backup to be made of this; its name and files are not settled yet."""
        return Backup(
            folder=self.root / entry.folder_name,
            name="",
            device_id=entry.device_id,
            proof=entry.proof,
            serial=entry.serial,
            platform=entry.platform,
            slot=entry.slot,
            made=self._now().astimezone(UTC).replace(microsecond=0),
            sha256=sha256(entry.raw),
            fingerprint=entry.report.fingerprint,
            state=entry.report.state,
            encrypted=self._passphrase is not None,
            damaged=None,
            files=(),
            alt=entry.alt,
            address=entry.address,
            algorithm=entry.report.algorithm,
            system_version=entry.system_version,
            practice=self.practice,
            origin=entry.origin,
        )

    def _contents(self, raw: bytes, report: KeyReport) -> dict[str, bytes]:
        """Return suffix and content of each file but the note, the slot itself first."""
        public = {PUBLIC: report.public_pem} if report.public_pem else {}
        if self._passphrase is None:
            return {RAW: raw, **({DER: report.der} if report.der is not None else {}), **public}
        der = report.canonical_der
        sealed = {SEALED_KEY: self._passphrase.pkcs8(der)} if der is not None else {}
        return {SEALED_RAW: self._passphrase.seal(raw), **sealed, **public}

    def _write(self, new: Backup, contents: Mapping[str, bytes], size: int, der: bytes | None) -> Backup:
        """Write a backup's files, then its note; return it as read back."""
        new = replace(new, name=_free_name(new), encrypted=self._passphrase is not None)
        for suffix, content in contents.items():
            publish(self._actions, new.file(suffix), content)
        self._actions.flush_folder(new.folder)
        if any(new.file(suffix).read_bytes() != content for suffix, content in contents.items()):
            raise BackupDiffers(folder=new.folder)
        publish(self._actions, new.file(NOTE), write_note(new, contents, size, der))
        self._actions.flush_folder(new.folder)
        stored = self._load(new.folder, new.name)
        if stored.damaged or sha256(self.key_bytes(stored)) != new.sha256:
            raise BackupDiffers(folder=new.folder)
        return stored

    @staticmethod
    def _same(known: Backup, new: Backup) -> bool:
        """Whether a sound backup of the same bytes of the same slot of, as far as one can know, the same board."""
        return (
            known.damaged is None
            and (known.platform, known.slot, known.sha256) == (new.platform, new.slot, new.sha256)
            and known.device_id == new.device_id
            and (known.device_id is not None or known.serial == new.serial)
        )

    def _board_folder(self, name: str) -> Path:
        """Make the folder of a board where it is missing."""
        folder = self.root / name
        self._make_root()
        self._make_folder(folder)
        return folder

    def _make_root(self) -> None:
        if not self.root.is_dir():
            self.root.parent.mkdir(parents=True, exist_ok=True)
        self._make_folder(self.root)

    def _make_folder(self, folder: Path) -> None:
        fresh = not folder.exists()
        self._actions.make_folder(folder)
        if fresh:
            self._actions.flush_folder(folder.parent)

    # --- reading ----------------------------------------------------------------------------------------------------

    def backups(self) -> tuple[Backup, ...]:
        """Return every backup, newest first; damaged and interrupted ones say so.

        One kept under a serial number is left out once the same bytes are kept under a proven ID.
        """
        with self._turn, file_faults(self.root):
            if not self.root.is_dir():
                return ()
            folders = [folder for folder in self.root.iterdir() if is_board_folder(folder.name) and folder.is_dir()]
            found = [backup for folder in folders for backup in self._everything_or_why_not(folder)]
        return tuple(sorted(_without_joined(found), key=lambda backup: (backup.made, backup.name), reverse=True))

    def key_bytes(self, backup: Backup) -> bytes:
        """Return the slot of a backup byte for byte, checked against its hash. Secret.

        Raises:
            BackupDamaged: It is not what was stored.
            SafeLocked: It is encrypted, and the safe was not unlocked.
            WrongPassphrase: It was encrypted with another passphrase than the one the safe was unlocked with.
        """
        with self._turn, file_faults(backup.folder):
            self._insist_sound(backup)
            raw = backup.file(SEALED_RAW if backup.encrypted else RAW).read_bytes()
            if backup.encrypted:
                if self._passphrase is None:
                    raise SafeLocked
                raw = self._passphrase.open(raw)
            if sha256(raw) != backup.sha256:
                raise BackupDamaged(reason=_CHANGED.with_values(name=backup.name))
            return raw

    def public_pem(self, backup: Backup) -> str:
        """Return the public key of a backup, SPKI in PEM, checked now against what its note says. No secret.

        Raises:
            BackupDamaged: It is not what was stored, or was stored without one.
        """
        with self._turn, file_faults(backup.folder):
            now = self._load(backup.folder, backup.name)
            self._insist_sound(now)
            path = now.file(PUBLIC)
            if path not in now.files:
                raise BackupDamaged(reason=_MISSING.with_values(name=path.name))
            return path.read_text(encoding="ascii")

    def copy_to(self, backup: Backup, folder: Path) -> tuple[Path, ...]:
        """Copy a backup's files into a folder the person chose, read them back, and return where they are.

        Nothing there is overwritten: a number is added to the name. Encrypted files stay encrypted.

        Raises:
            BackupDiffers: A copy reads back differently; the copies are removed again.
        """
        with self._turn:
            with file_faults(backup.folder):
                contents = {path.name: path.read_bytes() for path in backup.files}
            made: list[Path] = []
            with file_faults(folder):
                try:
                    stem = _free_copy_name(backup, folder)
                    for name, content in contents.items():
                        path = folder / f"{stem}{name.removeprefix('.').removeprefix(backup.name)}"
                        write_new(self._actions, path, content)
                        made.append(path)
                    self._actions.flush_folder(folder)
                    if any(path.read_bytes() != content for path, content in zip(made, contents.values(), strict=True)):
                        raise BackupDiffers(folder=folder)  # noqa: TRY301 - the copies go in either case
                except (OSError, BackupDiffers):
                    for path in made:
                        with contextlib.suppress(OSError):
                            self._actions.remove(path)
                    raise
            return tuple(made)

    def _insist_sound(self, backup: Backup) -> None:
        if backup.damaged is not None:
            raise BackupDamaged(reason=backup.damaged)

    def _raw_if_open(self, backup: Backup) -> bytes | None:
        """The slot byte for byte, or None if it cannot be read now."""
        try:
            return self.key_bytes(backup)
        except (BackupDamaged, SafeLocked, WrongPassphrase):
            return None

    def _committed(self, folder: Path) -> list[Backup]:
        return [self._load(folder, group.base) for group in _groups(folder) if group.committed]

    def _everything_or_why_not(self, folder: Path) -> list[Backup]:
        """Every backup in a folder; one closed folder must not hide what is in all others."""
        try:
            return self._everything(folder)
        except PermissionError:
            return [_closed(folder, self._now())]

    def _everything(self, folder: Path) -> list[Backup]:
        """Every backup in a folder, and what an interrupted one left unless it is held elsewhere."""
        committed = self._committed(folder)
        orphans = [
            _orphan(folder, group)
            for group in _groups(folder)
            if not group.committed and not self._held_elsewhere(group, committed)
        ]
        return [*committed, *orphans]

    def _load(self, folder: Path, name: str) -> Backup:
        """Return a backup as its files are now; never raises for what is in them."""
        note = folder / f"{name}{NOTE}"
        try:
            backup, hashes = read_note(folder, name, note.read_bytes())
        except (OSError, ValueError):
            return _unreadable(folder, name, tuple(folder.glob(f"{name}.*")), _NO_NOTE)
        damaged = _damage(backup, hashes)
        if damaged is None:
            return backup
        return replace(backup, damaged=damaged, files=tuple(path for path in backup.files if path.exists()))

    # --- what an ended program left ---------------------------------------------------------------------------------

    def _tidy(self, folder: Path) -> None:
        """Remove leftovers of interrupted backups whose bytes are certainly held by a sound one."""
        committed = self._committed(folder)
        for group in _groups(folder):
            leftovers = group.leftovers()
            if leftovers and self._settled(leftovers) and self._held_elsewhere(group, committed):
                for _, path in leftovers:
                    self._actions.remove(path)

    def _settled(self, leftovers: Sequence[tuple[str, Path]]) -> bool:
        try:
            newest = max(path.stat().st_mtime for _, path in leftovers)
        except FileNotFoundError:  # another program is at work on them
            return False
        return self._now() - datetime.fromtimestamp(newest, UTC) > SETTLED

    def _held_elsewhere(self, group: _Group, committed: Sequence[Backup]) -> bool:
        sound = [backup for backup in committed if backup.damaged is None]
        return all(self._spare(group.base, suffix, _leftover(path), sound) for suffix, path in group.leftovers())

    def _spare(self, base: str, suffix: str, content: bytes, sound: Sequence[Backup]) -> bool:
        """Whether nothing is lost with this content, because a sound backup in the same folder has it too."""
        if not content:
            return True
        if suffix in (RAW, DER):
            digest = sha256(content)
            # A part of the slot, or its beginning that is the key.
            return any(
                backup.sha256 == digest or (self._raw_if_open(backup) or b"").startswith(content) for backup in sound
            )
        named = _name_parts(base)
        alike = [backup for backup in sound if backup.slot == named["slot"] and backup.sha256.startswith(named["hash"])]
        if suffix != SEALED_RAW or not alike:
            return bool(alike)
        if self._passphrase is None:
            return False
        try:
            return sha256(self._passphrase.open(content)) in {backup.sha256 for backup in alike}
        except WrongPassphrase:
            # A torn container can never be opened. A whole one of another passphrase is not ours to judge.
            return any(len(content) < len(self._raw_if_open(backup) or b"") + OVERHEAD for backup in alike)

    # --- the passphrase ---------------------------------------------------------------------------------------------

    @property
    def has_passphrase(self) -> bool:
        """Whether new private files are encrypted."""
        with self._turn:
            return self._passphrase is not None or (self.root / CHECK_FILE).exists()

    @property
    def locked(self) -> bool:
        """Whether `unlock` is needed before a key can be stored."""
        with self._turn:
            return self._passphrase is None and self.has_passphrase

    def set_passphrase(self, words: str) -> None:
        """Encrypt private files from now on; backups that exist already stay as they are.

        Raises:
            ValueError: There is a passphrase already, or this one is empty or longer than 1023 bytes.
        """
        with self._turn, file_faults(self.root):
            if self.has_passphrase:
                raise ValueError("the key safe has a passphrase already")
            passphrase = Passphrase(words)
            self._make_root()
            publish(self._actions, self.root / CHECK_FILE, passphrase.seal(CHECK_CONTENT))
            self._actions.flush_folder(self.root)
            self._passphrase = passphrase

    def unlock(self, words: str) -> None:
        """Use the passphrase until `lock` or the end of the program.

        Raises:
            WrongPassphrase: It is not the safe's.
        """
        with self._turn, file_faults(self.root):
            if not words:
                raise WrongPassphrase
            passphrase = Passphrase(words)
            if passphrase.open((self.root / CHECK_FILE).read_bytes()) != CHECK_CONTENT:
                raise WrongPassphrase
            self._passphrase = passphrase

    def lock(self) -> None:
        """Forget the passphrase."""
        with self._turn:
            self._passphrase = None

    def _insist_unlocked(self) -> None:
        if self.locked:
            raise SafeLocked

    # --- for secrets kept elsewhere ---------------------------------------------------------------------------------

    def seal(self, content: bytes) -> bytes | None:
        """Return a container of the safe's passphrase with this content; None when the safe has no passphrase.

        Raises:
            SafeLocked: The safe has a passphrase, and was not unlocked.
        """
        with self._turn:
            self._insist_unlocked()
            return None if self._passphrase is None else self._passphrase.seal(content)

    def open_sealed(self, container: bytes) -> bytes:
        """Return the content of a container that `seal` made. Secret.

        Raises:
            SafeLocked: The safe was not unlocked.
            WrongPassphrase: It was sealed with another passphrase than the one the safe was unlocked with.
        """
        with self._turn:
            if self._passphrase is None:
                raise SafeLocked
            return self._passphrase.open(container)


def _damage(backup: Backup, hashes: Mapping[str, str]) -> Text | None:
    """Say in which way a backup's files are not what its note says, or None."""
    proven = not backup.folder.name.startswith(SERIAL_FOLDER)
    if backup.device_id != (backup.folder.name if proven else None):
        return _WRONG_FOLDER
    for suffix, wanted in hashes.items():
        path = backup.file(suffix)
        try:
            actual = sha256(path.read_bytes())
        except OSError:
            return _MISSING.with_values(name=path.name)
        if actual != wanted:
            return _CHANGED.with_values(name=path.name)
    if not backup.encrypted and hashes[RAW] != backup.sha256:
        return _CHANGED.with_values(name=backup.file(NOTE).name)
    return None


def _contradicts(backup: Backup, device_id: str) -> bool:
    """Whether the serial number kept with a backup cannot belong to this device ID (device-protocol.md 1.4)."""
    try:
        kind = platform(backup.platform)
    except KeyError:
        return False
    return serial_matches(kind, device_id, backup.serial) is False


def _groups(folder: Path) -> list[_Group]:
    """Sort the safe's files in a folder by the backup they belong to; strangers are passed over."""
    groups: dict[str, _Group] = {}
    for path in sorted(folder.iterdir()):
        if named := FILE_NAME.fullmatch(path.name):
            groups.setdefault(named["base"], _Group(named["base"])).finished[named["suffix"]] = path
        elif named := PART_NAME.fullmatch(path.name):
            groups.setdefault(named["base"], _Group(named["base"])).parts.append((named["suffix"], path))
    return list(groups.values())


def _leftover(path: Path) -> bytes:
    """Return what is in a leftover; nothing if another program finished or removed it since the folder was listed."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _name_parts(base: str) -> dict[str, str]:
    named = NAME_PARTS.fullmatch(base)
    assert named is not None  # only names of that form get here
    return named.groupdict()


def _orphan(folder: Path, group: _Group) -> Backup:
    """Describe what an interrupted program left of a backup."""
    hashes = {sha256(_leftover(path)) for suffix, path in group.leftovers() if suffix == RAW}
    whole = sorted(digits for digits in hashes if digits.startswith(_name_parts(group.base)["hash"]))
    sealed = SEALED_RAW in group.finished
    files = tuple(path for _, path in group.leftovers())
    backup = _unreadable(folder, group.base, files, _UNFINISHED if whole or sealed else _TORN)
    return replace(backup, sha256=whole[0] if whole else "", encrypted=sealed)


def _closed(folder: Path, now: datetime) -> Backup:
    """Describe a folder that cannot be read, as one backup that is damaged."""
    base = f"{now.strftime(STAMP)}-unknown-{'0' * HASH_DIGITS}"
    return _unreadable(folder, base, (), _CLOSED.with_values(name=folder.name))


def _unreadable(folder: Path, base: str, files: tuple[Path, ...], why: Text) -> Backup:
    """Describe a backup without its note, from names alone."""
    named = _name_parts(base)
    proven = not folder.name.startswith(SERIAL_FOLDER)
    try:
        made = datetime.strptime(named["made"], STAMP).replace(tzinfo=UTC)
    except ValueError:  # digits, but no date
        made = datetime.fromtimestamp(0, UTC)
    return Backup(
        folder=folder,
        name=base,
        device_id=folder.name if proven else None,
        proof=None,
        serial=None,
        platform="" if proven else folder.name.split("-")[1],
        slot=named["slot"],
        made=made,
        sha256="",
        fingerprint="",
        state=None,
        encrypted=False,
        damaged=why,
        files=files,
    )


def _without_joined(backups: Sequence[Backup]) -> list[Backup]:
    """Leave out unproven backups that are kept under a proven ID too."""
    proven = [backup for backup in backups if backup.device_id is not None and backup.damaged is None]
    joined = {backup.joined_from for backup in proven}
    # Two boards may both have an empty slot, but never by chance the same key.
    telling = {(backup.platform, backup.slot, backup.sha256) for backup in proven if backup.state is not KeyState.BLANK}
    return [
        backup
        for backup in backups
        if backup.device_id is not None
        or not (backup.reference in joined or (backup.platform, backup.slot, backup.sha256) in telling)
    ]


def _free_name(new: Backup) -> str:
    """Return a name nothing in the folder has, not even as a leftover."""
    base = f"{new.made.strftime(STAMP)}-{new.slot}-{new.sha256[:HASH_DIGITS]}"
    taken = {group.base for group in _groups(new.folder)}
    return _first_free(base, lambda name: name in taken, new.folder)


def _free_copy_name(backup: Backup, folder: Path) -> str:
    """Return a name for copies that tells the board and that no file in the folder begins with."""
    taken = [path.name for path in folder.iterdir()]
    wanted = f"{backup.folder.name}-{backup.name}"
    return _first_free(wanted, lambda name: any(there.startswith(f"{name}.") for there in taken), folder)


def _first_free(base: str, taken: Callable[[str], bool], folder: Path) -> str:
    for name in (base, *(f"{base}-{number}" for number in range(2, MOST_NAMES + 1))):
        if not taken(name):
            return name
    raise DiskFailed("too many files of the same name", folder=folder)
