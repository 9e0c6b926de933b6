"""Back up the private key: read it twice, understand it, keep it safe. Nothing is written to the board."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.faults import (
    BackupDiffers,
    Fault,
    KeyMemoryUnreadable,
    KeyReadsDiffer,
)
from app.keys.backup import KeyEntry
from app.keys.device_key import KeyReport, KeyState, examine
from app.keys.safe import Backup
from app.platforms.model import Algorithm, KeySlot, Mode, Quirk
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import HOW_PROVEN, identity_from_dct
from app.recipes.shared import (
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    ask_console_for_id,
    enter_dfu,
    leave_as_found,
    leave_dfu,
    unlock_safe,
)
from app.text import Text, text
from app.work.board import Identity
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.step import Step

log = logging.getLogger(__name__)

PRIVATE_SLOTS = "device-private"
TCP_SLOT = "device-private"
TRANSPORT_FIELD = "transport"
TRANSPORT_TCP = 0  # device-protocol.md 3.5; anything else is the platform's default
READ_ROUNDS = 3

_ALGORITHMS = {
    Algorithm.RSA_1024: text("BackUpKey", "RSA, 1024 bits"),
    Algorithm.RSA_2048: text("BackUpKey", "RSA, 2048 bits"),
    Algorithm.EC_P256: text("BackUpKey", "elliptic curve P-256"),
}
_STATES = {
    KeyState.GOOD: text("BackUpKey", "good"),
    KeyState.BLANK: text("BackUpKey", "there is no key"),
    KeyState.CORRUPT: text("BackUpKey", "damaged"),
    KeyState.UNUSABLE_BY_FIRMWARE: text("BackUpKey", "sound, but the board's firmware cannot use it"),
}
_SUMMARIES = {
    KeyState.GOOD: text("BackUpKey", "The key of this board is safe."),
    KeyState.BLANK: text("BackUpKey", "This board has no key. What its key slot holds was kept byte for byte."),
    KeyState.CORRUPT: text("BackUpKey", "The key of this board is damaged. It was kept byte for byte as it is."),
    KeyState.UNUSABLE_BY_FIRMWARE: text(
        "BackUpKey", "The key of this board is safe, but the board itself cannot use this key."
    ),
}
_COPY_IT = text("BackUpKey", "Copy the backup to a second place, for example a USB stick: a computer can break too.")
_FIND_OR_REPLACE = text(
    "BackUpKey",
    "Look for an older backup of this board's key. If there is none, the board needs a new key, and its server has to "
    "learn the public half of it.",
)
_REPLACE = text(
    "BackUpKey", "To reach a cloud the board needs a new key, and its server has to learn the public half of it."
)
_WHAT_NEXT = {  # 4.2
    KeyState.GOOD: _COPY_IT,
    KeyState.BLANK: _FIND_OR_REPLACE,
    KeyState.CORRUPT: _FIND_OR_REPLACE,
    KeyState.UNUSABLE_BY_FIRMWARE: _REPLACE,
}
_OTHER_KEY = text("BackUpKey", "The key of the other cloud connection, which this board does not use now: {problem}")
_READS_DIFFER = text("BackUpKey", "The two reads differ; reading again.")
_ID_UNKNOWN = text("BackUpKey", "not proven yet")
_ID_LATER = text(
    "BackUpKey",
    "The device ID is not proven yet, so the backup is kept under the board's USB serial number. Use Read the device "
    "ID with this board: the backup is then joined to its ID.",
)
_OTHER_TRANSPORT_BLANK = text("BackUpKey", "The key slot of the other cloud connection is empty, as it should be.")
_IN_USE = text("BackUpKey", "As this board is set, it reaches the cloud with its key of the kind {kind}.")


@dataclass(frozen=True, slots=True)
class _Read:
    """One slot as it was read. The bytes are secret."""

    slot: KeySlot
    in_use: bool  # by the board's cloud connection as it is set now
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class _Key:
    """What a slot turned out to hold, and where it is kept."""

    read: _Read
    report: KeyReport
    backup: Backup | None = None


class BackUpKey(Recipe):
    """Read the device's private key in update mode and keep it in the key safe."""

    key = "back-up-key"
    title = text("BackUpKey", "Back up the key")
    summary = text(
        "BackUpKey",
        "Keeps a verified copy of the board's private key. Without its key a board never reaches its cloud again.",
    )
    group = Group.KEEP_SAFE
    promise = Promise(
        reads=text("BackUpKey", "The memory where the board keeps its private key, twice."),
        writes=text("BackUpKey", "Nothing. The board is only read."),
        keeps=text(
            "BackUpKey",
            "The key byte for byte, and as files that other tools accept, in your key safe on this computer. An "
            "older backup is never overwritten.",
        ),
        takes=text("BackUpKey", "About ten seconds, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "BackUpKey",
                "If the cable is pulled meanwhile, nothing is lost: plug the board in and start again.",
            ),
            text("BackUpKey", "The board restarts, so a program running on it is interrupted."),
        ),
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._identity: Identity | None = None
        self._reads: list[_Read] = []
        self._keys: list[_Key] = []
        self._left: Text = NOT_LEFT

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("BackUpKey", "Look at the board"), self._look),
            Step(
                text("BackUpKey", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("BackUpKey", "Without buttons where that is possible."),
            ),
            Step(
                text("BackUpKey", "Read the key twice and compare"),
                self._read,
                weight=4,
                detail=text("BackUpKey", "Nothing is written to the board."),
            ),
            Step(text("BackUpKey", "Check the key"), self._check),
            Step(text("BackUpKey", "Keep it in the key safe and read it back"), self._keep, can_stop=False),
            Step(text("BackUpKey", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was found and where it is kept."""
        report = self._main.report
        facts = [Fact("key", text("BackUpKey", "Key"), _STATES[report.state])]
        if report.state in (KeyState.GOOD, KeyState.UNUSABLE_BY_FIRMWARE):
            facts += [
                Fact("algorithm", text("BackUpKey", "Kind"), _ALGORITHMS[report.algorithm]),
                Fact("fingerprint", text("BackUpKey", "Fingerprint"), report.readable_fingerprint, copy=True),
            ]
        if self._identity is None:
            facts.append(Fact("device-id", text("BackUpKey", "Device ID"), _ID_UNKNOWN))
        else:
            facts += [
                Fact("device-id", text("BackUpKey", "Device ID"), self._identity.device_id, copy=True, qr=True),
                Fact("proof", text("BackUpKey", "How it is known"), HOW_PROVEN[self._identity.proof]),
            ]
        kept = [key.backup for key in self._keys if key.backup is not None]
        facts.append(Fact("folder", text("BackUpKey", "Folder"), str(kept[0].folder), copy=True))
        warnings = [
            problem if key.read.in_use else _OTHER_KEY.with_values(problem=problem)
            for key in self._keys
            if key.backup is not None
            for problem in key.report.problems
        ]
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            warnings.append(self._left)
        return Outcome(
            _SUMMARIES[report.state],
            tuple(facts),
            kept=tuple(str(path) for backup in kept for path in backup.files),
            warnings=tuple(warnings),
            next_steps=(
                _WHAT_NEXT[report.state],
                *((_ID_LATER,) if self._identity is None else ()),
                *((LEFT_QUIET,) if self._left is LEFT_QUIET else ()),
            ),
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- steps ---

    def _look(self, job: Job) -> None:
        job.safe.insist_writable()
        unlock_safe(job)
        board = job.refresh()
        self._found_mode = board.mode
        if board.mode is not Mode.DFU and job.identity is None:
            ask_console_for_id(job)
        if job.identity is not None:
            job.say(HOW_PROVEN[job.identity.proof])

    def _read(self, job: Job) -> None:
        # Asked even if the ID is known: a serial number that is the same on every board cannot tell two of them apart.
        identity_from_dct(job)
        self._identity = job.identity
        slots = self._slots(job)
        total = 2 * sum(slot.size for slot, _ in slots)
        done = 0
        for slot, in_use in slots:
            raw = _read_twice(job, slot, done, total)
            if job.has(Quirk.DCT_NEEDS_PART2) and raw == bytes(len(raw)):
                raise KeyMemoryUnreadable(f"{slot.key}: {len(raw)} zeros")
            self._reads.append(_Read(slot, in_use, raw))
            done += 2 * slot.size

    def _check(self, job: Job) -> None:
        self._keys = [_Key(read, examine(read.raw, read.slot.algorithm)) for read in self._reads]
        job.say(_STATES[self._main.report.state])

    def _keep(self, job: Job) -> None:
        for key in self._keys:
            if not key.read.in_use and key.report.state is KeyState.BLANK:
                job.note(_OTHER_TRANSPORT_BLANK)
                continue
            key.backup = self._store(job, key.read.slot, key.read.raw, key.report)
        job.say(text("BackUpKey", "Stored, read back and compared."))

    def _leave(self, job: Job) -> None:
        try:
            self._left = leave_dfu(job)
        except Fault as fault:  # the key is safe: whatever happens to the board now is no failure of the backup
            log.info("return to normal: %s: %s", fault.code, fault.detail)
            self._left = fault.cause
        job.say(self._left)
        if self._identity is None and job.identity is not None:
            # The running firmware has shown the ID: the backups were joined to it, and that is where they are now.
            self._identity = job.identity
            for key in self._keys:
                if key.backup is not None:
                    key.backup = self._store(job, key.read.slot, key.read.raw, key.report)

    # --- inside ---

    @property
    def _main(self) -> _Key:
        """The key the board's cloud connection uses."""
        return next(key for key in self._keys if key.read.in_use)

    def _slots(self, job: Job) -> list[tuple[KeySlot, bool]]:
        """Return the private-key slots, each with whether the board's cloud connection uses it (4.1)."""
        found = [slot for slot in job.platform.key_slots if slot.key.startswith(PRIVATE_SLOTS)]
        if len(found) == 1:
            return [(found[0], True)]
        transport = job.platform.field(TRANSPORT_FIELD)
        with job.dfu(transport.alt) as session:
            over_tcp = session.read(transport.address, transport.size)[0] == TRANSPORT_TCP
        used = TCP_SLOT if over_tcp else found[0].key
        job.note(_IN_USE.with_values(kind=_ALGORITHMS[job.platform.slot(used).algorithm]))
        return [(slot, slot.key == used) for slot in found]

    def _store(self, job: Job, slot: KeySlot, raw: bytes, report: KeyReport) -> Backup:
        identity = self._identity
        backup = job.safe.store(
            KeyEntry(
                platform=job.platform.key,
                slot=slot.key,
                alt=slot.alt,
                address=slot.address,
                raw=raw,
                report=report,
                device_id=identity.device_id if identity else None,
                proof=identity.proof.value if identity else None,
                serial=job.board.sighting.serial,
                system_version=job.board.system_version,
            )
        )
        if job.safe.key_bytes(backup) != raw:
            raise BackupDiffers(folder=backup.folder)
        if identity is None:
            job.keep_for_later(backup)
        return backup


def _read_twice(job: Job, slot: KeySlot, done: int, total: int) -> bytes:
    """Read a slot in two sessions of their own until both agree.

    Raises:
        KeyReadsDiffer: They never did.
    """
    for _ in range(READ_ROUNDS):
        first, second = (_read_once(job, slot, done + half * slot.size, total) for half in (0, 1))
        if first == second:
            return first
        job.note(_READS_DIFFER)
    raise KeyReadsDiffer(slot.key)


def _read_once(job: Job, slot: KeySlot, done: int, total: int) -> bytes:
    with job.dfu(slot.alt) as session:
        return session.read(slot.address, slot.size, lambda here, _: job.tick(done + here, total))
