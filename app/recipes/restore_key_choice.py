"""Which keys a board could be given, and what each of them turns out to be: backups, its own one, a file.

Nothing here reads or writes a board. The bytes of a key stay in `Chosen`, which shows nothing of them.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.faults import BackupDamaged, Cancelled, Fault, FileUnreadable, SafeLocked
from app.key_faults import (
    BackupHoldsNoKey,
    BackupUnknown,
    KeyFileEncrypted,
    KeyFileTooLong,
    KeyFileWrongPassphrase,
    KeyOfOtherBoard,
)
from app.keys.backup import Origin, sha256
from app.keys.device_key import KeyReport, KeyState, examine, firmware_form
from app.keys.key_file import MOST, KeyFile, read_key_file
from app.keys.safe import Backup
from app.platforms.identify import serial_matches
from app.platforms.model import Algorithm, KeySlot
from app.platforms.table import platform as platform_of
from app.recipes.put_back_pieces import when
from app.text import Text, joined, text
from app.work.board import Identity
from app.work.job import Job
from app.work.made_keys import never_on_board
from app.work.questions import Card, ChooseCard, Enter, PickFile

log = logging.getLogger(__name__)

KEY = "key"
"""Name of the question which key; also what a journal names the key by that is being written."""
BACKUP = "backup:"
BOARD = "board"
FILE = "file"
MOST_OFFERED = 20
PASSPHRASE_TRIES = 3
TRIES = 10

_TITLE = text("RestoreKey", "Which key shall the board get?")
_BODY = text("RestoreKey", "The likeliest one is the first. You will see the plan before anything is written.")
_BACKUP_TITLE = text("RestoreKey", "Backup of {when}")
_MINE = text("RestoreKey", "Kept of this very board. Fingerprint {fingerprint} …")
_MINE_WRITTEN = text("RestoreKey", "A key that was made for this board. Fingerprint {fingerprint} …")
_MINE_FILE = text("RestoreKey", "It came from a file and was written to this board. Fingerprint {fingerprint} …")
_NOBODYS = text(
    "RestoreKey", "Kept of a {board} whose ID was not known then; perhaps of this one. Fingerprint {fingerprint} …"
)
_REWRITES = text("RestoreKey", "It is written in another form, so that the board's firmware can read it.")
_AND = text("RestoreKey", "{before} {after}")
_NO_KEY = text("RestoreKey", "There is no usable key in it: what the board held then was damaged.")
_ON_BOARD = text("RestoreKey", "On the board now")
_BOARD_TITLE = text("RestoreKey", "The key that is on the board now")
_BOARD_BODY = text(
    "RestoreKey",
    "It is sound, but in a form the board's firmware cannot read. The same key is written so that the firmware can "
    "read it; its server need not be told.",
)
_FILE_TITLE = text("RestoreKey", "A file")
_FILE_BODY = text("RestoreKey", "A .der, .pem or .bin file with the private key of this board.")

_PICK = PickFile(
    name="key-file",
    title=text("RestoreKey", "Which file holds the key?"),
    body=text("RestoreKey", "The private key of this board: a .der or .pem file, or the bytes of its key slot (.bin)."),
    suffixes=(".der", ".pem", ".key", ".bin", ".locked"),
    none=text("RestoreKey", "Back to the choice"),
)
_PASSPHRASE = Enter(
    name="key-passphrase",
    title=text("RestoreKey", "Type the passphrase of this file"),
    body=text("RestoreKey", "The key in it is locked. The passphrase is used for this once and kept nowhere."),
    hint=text("RestoreKey", "the passphrase this file was locked with"),
    secret=True,
)

_AGAIN = text("RestoreKey", "{cause} {next_step}")

_FROM_BACKUP = text("RestoreKey", "the backup of {when}")
_FROM_BOARD = text("RestoreKey", "the board itself")
_FROM_FILE = text("RestoreKey", "the file {name}")
_OTHER_SLOT = text("RestoreKey", "It is no device key of this kind of board.")
_OTHER_SLOT_CHOSEN = text("RestoreKey", "It is for the other cloud connection than the one that was chosen.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A key to be written. Its repr shows nothing private.

    Attributes:
        report: What `examine` says of it in the encoding that is written.
        slot_der: That encoding.
        source: Where it comes from, in words.
        name: The same as a name: of a file, a backup, a slot.
        origin: The same, for the key safe.
        rewritten: Whether the encoding is another one than that of its source.
        certain: Whether it is known to be this board's key.
        other: ID of another board that the key safe knows it as the key of, "" for none. That board may have got it
            from somebody's hand, so it is for a person to say whether this one is to have it.
    """

    report: KeyReport
    slot_der: bytes = field(repr=False)
    source: Text
    name: str
    origin: Origin
    rewritten: bool
    certain: bool
    other: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """What is known of the board that gets a key.

    Attributes:
        identity: Its proven identity.
        slot: The slot the key goes into.
        report: What that slot holds now.
        raw: The bytes of it.
        public: Fingerprint of the public half that the board keeps beside its key; "" where it keeps none.
        resumed: Whether an interrupted run is finished, so that what is on the board may be of that run.
    """

    identity: Identity
    slot: KeySlot
    report: KeyReport
    raw: bytes = field(repr=False)
    public: str = ""
    resumed: bool = False


def short(fingerprint: str) -> str:
    """Return the beginning of a fingerprint, enough to tell two keys apart at a glance."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, 16, 4))


def named_backup(job: Job) -> Backup | None:
    """Return the backup that the answer given beforehand names; None when it names none.

    Raises:
        BackupUnknown: The key safe has no such backup.
    """
    given = job.given(KEY)
    if not given.startswith(BACKUP):
        return None
    return _by_reference(job, given.removeprefix(BACKUP))


def choose(job: Job, board: Board) -> Chosen:
    """Ask which key the board shall get, and return it once it is known to be one that it can get.

    Raises:
        BackupUnknown: The one named beforehand is not in the safe.
        BackupDamaged: It is damaged.
        BackupHoldsNoKey: It holds no key, or none of this kind of board, or one no encoding makes readable.
        KeyOfOtherBoard: It is a backup of another board.
        SafeLocked: The key safe was not unlocked.
        FileUnreadable: The file given beforehand cannot be read; and whatever `read_key_file` raises of it. What a
            person picks is asked for again.
        Cancelled: The person picked no file.
    """
    named = named_backup(job)
    if named is not None:  # perhaps under the name it had before its board was known, so it is on no card
        _insist_on_backup(job, named, board)
        return _of_backup(job, named, board)
    question = ChooseCard(KEY, _TITLE, _BODY, _cards(_offered(job, board), board))
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(KEY)
        answer = str(job.ask(question))
        if answer == BOARD:
            return _of_board(board)
        if answer != FILE:
            return _of_backup(job, _by_reference(job, answer.removeprefix(BACKUP)), board)
        chosen = _of_file(job, board)
        if chosen is not None:
            return chosen
        if beforehand:
            break
    raise Cancelled


def _can_be_rewritten(report: KeyReport) -> bool:
    """Whether a sound key the firmware cannot read could be read by it in another encoding."""
    return report.state is KeyState.UNUSABLE_BY_FIRMWARE and _rewritten(report) is not None


def _rewritten(report: KeyReport) -> bytes | None:
    if report.der is None or report.algorithm is not Algorithm.RSA_1024:
        return None
    try:
        return firmware_form(report.der)
    except ValueError:
        return None


# --- backups ----------------------------------------------------------------------------------------------------------


def _by_reference(job: Job, reference: str) -> Backup:
    """Return a backup by folder and name; also by those it had before it was joined to the ID of its board."""
    for backup in _backups(job):
        if reference in (backup.reference, backup.joined_from):
            return backup
    raise BackupUnknown(name=reference)


def _backups(job: Job) -> Sequence[Backup]:
    """Practice boards' keys that somebody copied in among real ones are made up, and the other way round."""
    return [each for each in job.safe.backups() if each.practice == job.safe.practice or each.damaged is not None]


def _offered(job: Job, board: Board) -> list[Backup]:
    """Return what is or may be this board's, newest first.

    In order: its own backups, those of the key it has now, those made for it that it never had, those of boards nobody
    knew, those that are no use. What was kept just now of a key that is damaged, or has a card of its own, is left out.
    """
    device_id = board.identity.device_id
    no_choice = board.report.state is KeyState.CORRUPT or _can_be_rewritten(board.report)
    now = sha256(board.raw) if no_choice else ""
    found = [
        each
        for each in _backups(job)
        if (each.platform == job.platform.key or each.damaged is not None)
        and each.slot in (board.slot.key, "unknown")
        and each.state is not KeyState.BLANK
        and each.sha256 != now
    ]
    mine = [each for each in found if each.device_id == device_id]
    mine.sort(
        key=lambda each: (
            not _fits(each),
            never_on_board(job, each),
            each.fingerprint == board.report.fingerprint,
        )
    )
    known = {each.fingerprint for each in mine if each.fingerprint} | _others(job, device_id).keys()
    perhaps = [
        each
        for each in found
        if each.device_id is None
        and _fits(each)
        and serial_matches(job.platform, device_id, each.serial) is not False
        and each.fingerprint not in known
    ]
    useless = [each for each in mine if not _fits(each)]
    return [*mine[: len(mine) - len(useless)], *perhaps, *useless][:MOST_OFFERED]


def _fits(backup: Backup) -> bool:
    return backup.damaged is None and backup.state not in (KeyState.CORRUPT, KeyState.BLANK)


def _others(job: Job, device_id: str) -> dict[str, str]:
    """Return the fingerprints of keys known to be other boards', each with that board's ID.

    What somebody once took from a file says nothing about a board.
    """
    return {
        each.fingerprint: each.device_id
        for each in _backups(job)
        if each.device_id is not None
        and each.device_id != device_id
        and each.fingerprint
        and each.damaged is None
        and each.origin is not Origin.FILE
    }


def _cards(backups: Sequence[Backup], board: Board) -> tuple[Card, ...]:
    cards = []
    if _can_be_rewritten(board.report):  # the likeliest: whoever gave the board that key told its cloud of it
        cards.append(Card(BOARD, _BOARD_TITLE, _BOARD_BODY, "key-board", _ON_BOARD))
    cards += [_card(each, board) for each in backups if _fits(each)]
    cards.append(Card(FILE, _FILE_TITLE, _FILE_BODY, "key-file"))
    cards += [_card(each, board) for each in backups if not _fits(each)]
    return tuple(cards)


def _card(backup: Backup, board: Board) -> Card:
    title = _BACKUP_TITLE.with_values(when=when(backup.made))
    key = f"{BACKUP}{backup.reference}"
    if backup.damaged is not None:
        return Card(key, title, backup.damaged, "key-backup", fits=False)
    if backup.state is KeyState.CORRUPT:
        return Card(key, title, _NO_KEY, "key-backup", fits=False)
    origins = {Origin.BOARD: _MINE, Origin.MADE: _MINE_WRITTEN, Origin.FILE: _MINE_FILE}
    words = origins[backup.origin] if backup.device_id is not None else _NOBODYS
    body = words.with_values(fingerprint=short(backup.fingerprint), board=platform_of(backup.platform).name)
    if backup.state is KeyState.UNUSABLE_BY_FIRMWARE:
        body = joined([body, _REWRITES], _AND)
    there = bool(backup.fingerprint) and backup.fingerprint == board.report.fingerprint
    return Card(key, title, body, "key-backup", _ON_BOARD if there else None)


def _insist_on_backup(job: Job, backup: Backup, board: Board) -> None:
    """Refuse a backup that was named and can never come onto this board.

    Raises:
        BackupDamaged: It is damaged.
        KeyOfOtherBoard: It is another board's.
        BackupHoldsNoKey: It is for another slot, or holds no key.
    """
    if backup.damaged is not None:
        raise BackupDamaged(reason=backup.damaged)
    device_id = board.identity.device_id
    other = backup.platform != job.platform.key or backup.device_id not in (None, device_id)
    if other or serial_matches(job.platform, device_id, backup.serial) is False:
        raise KeyOfOtherBoard(f"plugged in: {device_id}", board=backup.device_id or backup.folder.name)
    if backup.slot != board.slot.key:
        raise BackupHoldsNoKey(reason=_OTHER_SLOT_CHOSEN if backup.slot.startswith("device-private") else _OTHER_SLOT)
    if backup.state in (KeyState.BLANK, KeyState.CORRUPT):
        raise BackupHoldsNoKey(reason=_NO_KEY)


def _of_backup(job: Job, backup: Backup, board: Board) -> Chosen:
    report = examine(job.safe.key_bytes(backup), board.slot.algorithm)
    mine = backup.device_id is not None and backup.origin is not Origin.FILE
    origin = backup.origin if mine else Origin.FILE
    certain = mine or _known(job, report.fingerprint, board)
    der = report.der if report.state is KeyState.GOOD else _rewritten(report)
    if der is None:
        raise BackupHoldsNoKey(reason=report.problems[0] if report.problems else _NO_KEY)
    return Chosen(
        examine(der, board.slot.algorithm),
        der,
        _FROM_BACKUP.with_values(when=when(backup.made)),
        backup.name,
        origin,
        rewritten=der != report.der,
        certain=certain,
        other="" if certain else _others(job, board.identity.device_id).get(report.fingerprint, ""),
    )


def _of_board(board: Board) -> Chosen:
    der = _rewritten(board.report)
    assert der is not None, "the card is only shown where it can be rewritten"
    report = examine(der, board.slot.algorithm)
    return Chosen(report, der, _FROM_BOARD, board.slot.key, Origin.BOARD, rewritten=True, certain=True)


def _known(job: Job, fingerprint: str, board: Board) -> bool:
    """Whether a key is known to be this board's: from a backup read from it, or from the public half it keeps."""
    device_id = board.identity.device_id
    if not board.resumed and fingerprint in (board.public, board.report.fingerprint):
        return True
    for each in _backups(job):
        mine = each.device_id == device_id and each.damaged is None and each.origin is not Origin.FILE
        if mine and each.fingerprint == fingerprint:
            return True
    return False


# --- files ------------------------------------------------------------------------------------------------------------


def _of_file(job: Job, board: Board) -> Chosen | None:
    """Return the key in the file the person picks, None if they pick none; a wrong file is said, and asked for again.

    Raises:
        Fault: What was given beforehand holds no key that this board can get.
    """
    question = _PICK
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(_PICK.name) or job.answered_beforehand(_PASSPHRASE.name)
        given = str(job.ask(question))
        if not given:
            return None
        try:
            return _in_file(job, board, Path(given).expanduser())
        except SafeLocked:
            raise  # no other file would help
        except Fault as fault:
            if beforehand:
                raise
            question = replace(_PICK, body=_AGAIN.with_values(cause=fault.cause, next_step=fault.next_step))
    return None


def _in_file(job: Job, board: Board, path: Path) -> Chosen:
    found = _unlocked(job, _content(path), board.slot.algorithm)
    certain = _known(job, found.report.fingerprint, board)
    return Chosen(
        found.report,
        found.slot_der,
        _FROM_FILE.with_values(name=path.name),
        path.name,
        Origin.BOARD if certain else Origin.FILE,
        rewritten=found.rewritten,
        certain=certain,
        other="" if certain else _others(job, board.identity.device_id).get(found.report.fingerprint, ""),
    )


def _unlocked(job: Job, content: bytes, algorithm: Algorithm) -> KeyFile:
    """Read a key file, with its passphrase if it needs one.

    Raises:
        KeyFileWrongPassphrase: The person does not know it.
    """
    try:
        return read_key_file(content, algorithm)
    except KeyFileEncrypted as fault:
        job.note(fault.cause)
    for last in (False,) * (PASSPHRASE_TRIES - 1) + (True,):
        beforehand = job.answered_beforehand(_PASSPHRASE.name)
        try:
            return read_key_file(content, algorithm, passphrase=str(job.ask(_PASSPHRASE)))
        except KeyFileWrongPassphrase as fault:
            if last or beforehand:
                raise
            job.note(fault.cause)
    raise KeyFileWrongPassphrase


def _content(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        FileUnreadable: The operating system refuses.
        KeyFileTooLong: It is far longer than any key.
    """
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):  # reading a pipe could wait for ever
            raise FileUnreadable("no regular file", file=path.name or str(path))
        if there.st_size > MOST:
            raise KeyFileTooLong(most=MOST)
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        log.info("key file: %s", type(error).__name__)
        raise FileUnreadable(type(error).__name__, file=path.name or str(path)) from error
