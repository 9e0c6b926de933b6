"""Back up the private key: read it twice, understand it, keep it safe. Nothing is written to the board."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.faults import Fault
from app.keys.device_key import KeyReport, KeyState, examine
from app.keys.safe import Backup
from app.platforms.model import KeySlot, Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    HOW_PROVEN,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    enter_dfu,
    leave_as_found,
    leave_dfu,
    look_before_reading,
)
from app.text import Text, text
from app.work.board import Identity
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.key_work import ALGORITHMS, IN_USE, STATES, device_slots, keep, read_slot
from app.work.reading import part_of_step
from app.work.step import Step

log = logging.getLogger(__name__)

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
_ID_UNKNOWN = text("BackUpKey", "not proven yet")
_ID_LATER = text(
    "BackUpKey",
    "The device ID is not proven yet, so the backup is kept under the board's USB serial number. Use Read the device "
    "ID with this board: the backup is then joined to its ID.",
)
_OTHER_TRANSPORT_BLANK = text("BackUpKey", "The key slot of the other cloud connection is empty, as it should be.")


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
        facts = [Fact("key", text("BackUpKey", "Key"), STATES[report.state])]
        if report.state in (KeyState.GOOD, KeyState.UNUSABLE_BY_FIRMWARE):
            facts += [
                Fact("algorithm", text("BackUpKey", "Kind"), ALGORITHMS[report.algorithm]),
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
        self._found_mode = look_before_reading(job)

    def _read(self, job: Job) -> None:
        # Asked even if the ID is known: a serial number that is the same on every board cannot tell two of them apart.
        identity_from_dct(job)
        self._identity = job.identity
        slots = device_slots(job)
        if len(slots) > 1:
            job.note(IN_USE.with_values(kind=next(ALGORITHMS[slot.algorithm] for slot, in_use in slots if in_use)))
        total = 2 * sum(slot.size for slot, _ in slots)
        done = 0
        for slot, in_use in slots:
            raw = read_slot(job, slot, part_of_step(job, done, total))
            self._reads.append(_Read(slot, in_use, raw))
            done += 2 * slot.size

    def _check(self, job: Job) -> None:
        self._keys = [_Key(read, examine(read.raw, read.slot.algorithm)) for read in self._reads]
        job.say(STATES[self._main.report.state])

    def _keep(self, job: Job) -> None:
        for key in self._keys:
            if not key.read.in_use and key.report.state is KeyState.BLANK:
                job.note(_OTHER_TRANSPORT_BLANK)
                continue
            key.backup = keep(job, key.read.slot, key.read.raw, key.report)
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
                    key.backup = keep(job, key.read.slot, key.read.raw, key.report)

    # --- inside ---

    @property
    def _main(self) -> _Key:
        """The key the board's cloud connection uses."""
        return next(key for key in self._keys if key.read.in_use)
