"""Give a board its key back: from the key safe, from its own memory in a form it can read, or from a file.

A readable good key exists at every moment: what the board holds is kept before anything is written, and so is what is
going to be written. Source of what is written where: device-protocol.md 3.2, 3.5, 4.2, 4.4, 4.5.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.faults import Cancelled, FlashDiffers
from app.key_faults import BackupHoldsNoKey
from app.keys.backup import sha256
from app.keys.device_key import KeyReport, KeyState, examine, public_der
from app.keys.letter import letter
from app.keys.safe import Backup
from app.platforms.model import Algorithm, KeySlot, Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.restore_key_choice import BACKUP, KEY, Board, Chosen, choose, named_backup, short
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    ask_console_for_id,
    enter_dfu,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    starts_alone,
    unlock_safe,
)
from app.text import Text, text
from app.work.events import Fact, Outcome
from app.work.flashing import Rescue
from app.work.guard import DEVICE_ID_QUESTION, can_be_typed, require_proven
from app.work.job import Job
from app.work.key_work import (
    ALGORITHMS,
    IN_USE,
    STATES,
    TCP_SLOT,
    device_slots,
    is_erased,
    keep,
    keep_new,
    key_targets,
    public_slot,
    read_slot,
)
from app.work.letters import document
from app.work.questions import Choose, Confirm
from app.work.reading import part_of_step
from app.work.spans import Target
from app.work.step import Step
from app.work.xray import look

log = logging.getLogger(__name__)

SLOT = "key-slot"
"""Name of the question which of two keys, where a board has one for each cloud connection."""
START_S = 10.0
NEED = 64 * 1024  # bytes; more than any memory that is kept before a key is written

_SLOT_TITLE = text("RestoreKey", "Which of the two keys?")
_SLOT_BODY = text("RestoreKey", "This board has one key for each kind of cloud connection, and uses one of them.")
_SLOT_USED = text("RestoreKey", "The key it uses as it is set now ({kind})")
_SLOT_OTHER = text("RestoreKey", "The key it does not use as it is set now ({kind})")

_NO_SUCH_SLOT = text("RestoreKey", "It is no device key of this kind of board.")

_BELONGS_TITLE = text("RestoreKey", "Is this the key of this board?")
_BELONGS_BODY = text(
    "RestoreKey",
    "Nobody can tell from a key which board it belongs to. Its fingerprint is {fingerprint}. With the key of another "
    "board this one does not reach its cloud. What it holds now is kept and can be put back.",
)
_BELONGS_YES = text("RestoreKey", "It is the key of this board")
_BELONGS_NO = text("RestoreKey", "Leave the board as it is")
_OTHERS_TITLE = text("RestoreKey", "This key was read from another board")
_OTHERS_BODY = text(
    "RestoreKey",
    "Your key safe knows this key as that of board {board}. Its fingerprint is {fingerprint}. Two boards with one key "
    "get in each other's way at their cloud. Go on only if you know that this board had the key first and somebody "
    "put it onto the other one. What this board holds now is kept and can be put back.",
)
_OTHERS_YES = text("RestoreKey", "It is the key of this board all the same")

_FOUND = text("RestoreKey", "On the board now: {state}. Kept in the key safe.")
_FOUND_NONE = text("RestoreKey", "There is no key on the board, so there is nothing to keep.")
_CHOSEN = text("RestoreKey", "From {source}: a sound key the board's firmware can read. Fingerprint {fingerprint} …")
_CHOSEN_REWRITTEN = text(
    "RestoreKey",
    "From {source}: a sound key, written in the form the board's firmware can read. Fingerprint {fingerprint} …",
)
_SAME = text("RestoreKey", "Not needed: this very key is on the board already.")
_STAYS_OTHERS = text("RestoreKey", "Firmware, Wi-Fi networks, server key and all other settings.")
_STAYS_KEPT = text("RestoreKey", "The key that is there now, in your key safe.")
_NEEDS_POWER = text("RestoreKey", "A cable that stays in until the end.")
_WARN_FILE = text(
    "RestoreKey",
    "Nobody can know whether this is the key of this board. If the board does not reach its cloud, put the old one "
    "back.",
)
_WARN_OTHERS = text(
    "RestoreKey",
    "Your key safe knows this key as that of board {board}. If the board does not reach its cloud, put the old one "
    "back.",
)
_WARN_SOUND = text(
    "RestoreKey",
    "The board has another key now, and a sound one. If it reaches its cloud with that, leave it: the cloud may not "
    "know the one you chose any more.",
)
_WARN_OTHER_SLOT = text(
    "RestoreKey", "As this board is set now, it does not use this key, but that of its other cloud connection."
)
_STAYS_SAME_KEY = text("RestoreKey", "The key itself: only the form changes in which it is written.")
_NEXT_REWRITTEN = text(
    "RestoreKey",
    "The board's firmware could not have read the key in its first form. It is the same key, now in the form that "
    "boards make themselves; its server need not be told.",
)
_NEXT_COMPLETED = text(
    "RestoreKey",
    "The public point of the key was missing or compressed in its first form. It is the same key, written complete; "
    "its server need not be told.",
)
_RIGHT = text("RestoreKey", "Read twice: it is the key that was chosen.")
_CAME_BACK_IN_DFU = text(
    "RestoreKey", "The board came back in update mode: it has no firmware that starts. The key is in its place."
)

_DONE = text("RestoreKey", "The board has its key.")
_DONE_SAME = text("RestoreKey", "The board has this very key already. Nothing was written.")
_OLD_KEPT = text("RestoreKey", "The key it had before is kept in")
_NEXT_CLOUD = text("RestoreKey", "See whether the board reaches its cloud now: its light breathes cyan.")
_NEXT_UNKNOWN = text(
    "RestoreKey", "If its cloud does not know this key yet, hand on the public half of it; the private half stays here."
)


@dataclass(slots=True)
class _Found:
    """What a private slot of the board holds, and where that is kept."""

    slot: KeySlot
    in_use: bool  # by the board's cloud connection as it is set now
    report: KeyReport
    raw: bytes = field(repr=False)
    backup: Backup | None = None


class RestoreKey(Recipe):
    """Write a key that was kept, or a file with one, to the board it belongs to."""

    key = "restore-key"
    title = text("RestoreKey", "Restore the key")
    summary = text(
        "RestoreKey",
        "For a board that lost its private key or whose key is damaged: gives it a backup from the key safe, or a key "
        "from a file.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("RestoreKey", "The memory where the board keeps its private key, twice, before and afterwards."),
        writes=text(
            "RestoreKey",
            "The key, and its public half where the board keeps that, too; only where it differs, and nothing beside "
            "it.",
        ),
        keeps=text(
            "RestoreKey",
            "The key that is on the board now, and the one that is written, in your key safe, before anything is "
            "written.",
        ),
        takes=text("RestoreKey", "About twenty seconds, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "RestoreKey",
                "If the cable is pulled meanwhile, the board may be without a key until this is finished: plug it in "
                "again and choose to finish it, or to put back what was there.",
            ),
            text("RestoreKey", "The board restarts, so a program running on it is interrupted."),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._found: list[_Found] = []
        self._place: _Found | None = None  # where the key goes
        self._public = b""  # what stands in the slot of its public half
        self._chosen: Chosen | None = None
        self._written: Backup | None = None  # the key that was written, in the safe
        self._targets: tuple[Target, ...] = ()
        self._device_id = ""
        self._platform = ""
        self._warnings: list[Text] = []
        self._left: Text = NOT_LEFT

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("RestoreKey", "Look at the board"), self._prepare),
            Step(
                text("RestoreKey", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("RestoreKey", "Without buttons where that is possible."),
            ),
            Step(
                text("RestoreKey", "Read the key that is there now, and keep it"),
                self._read,
                weight=4,
                detail=text("RestoreKey", "Nothing is written to the board."),
            ),
            Step(text("RestoreKey", "Choose the key and check it"), self._choose),
            Step(
                text("RestoreKey", "Agree on the plan and put the key into the key safe"),
                self._agree,
                weight=2,
                detail=text("RestoreKey", "Nothing is written before you have seen the plan."),
            ),
            Step(text("RestoreKey", "Write the key"), self._write, weight=3, can_stop=False, goes_on=True),
            Step(text("RestoreKey", "Read it back and compare"), self._compare, weight=3, can_stop=False, goes_on=True),
            Step(text("RestoreKey", "Start the board"), self._start, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say which key the board has, where the one before is kept, and what to do next."""
        chosen, place = self._chosen, self._place
        assert chosen is not None
        assert place is not None
        facts = [
            Fact("from", text("RestoreKey", "From"), chosen.source),
            Fact("algorithm", text("RestoreKey", "Kind"), ALGORITHMS[chosen.report.algorithm]),
            Fact("fingerprint", text("RestoreKey", "Fingerprint"), chosen.report.readable_fingerprint, copy=True),
            Fact("device-id", text("RestoreKey", "Device ID"), self._device_id, copy=True, qr=True),
            Fact("before", text("RestoreKey", "Before"), STATES[place.report.state]),
        ]
        if place.backup is not None:
            facts.append(Fact("folder", _OLD_KEPT, str(place.backup.folder), copy=True))
        backups = [each.backup for each in self._found if each.backup is not None]
        backups += [self._written] if self._written is not None else []
        kept = dict.fromkeys(str(path) for backup in backups for path in backup.files)
        kept |= dict.fromkeys(self._rescue.files)
        hand_on = not chosen.certain or self._replaces_sound
        return Outcome(
            _DONE if self._targets else _DONE_SAME,
            tuple(facts),
            kept=tuple(kept),
            warnings=tuple(self._warnings),
            next_steps=(
                *self._rewritten_words(chosen),
                _NEXT_CLOUD,
                *((_NEXT_UNKNOWN,) if hand_on else ()),
                *((LEFT_QUIET,) if self._left is LEFT_QUIET else ()),
            ),
            next_recipes=(*(("register-key",) if hand_on else ()), "check-keys", "prove-handshake"),
            documents=(document(letter(self._device_id, self._platform, chosen.report)),) if hand_on else (),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only if it was not written to."""
        self._rescue.close(job)
        if not self._rescue.touched:
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _prepare(self, job: Job) -> None:
        job.safe.insist_writable()
        unlock_safe(job)
        self._rescue.prepare(job, NEED, secrets=True)
        self._found_mode = job.refresh().mode
        self._rescue.resumes(job)
        named_backup(job)  # a name that was mistyped is said before anybody presses a button
        ask_console_for_id(job)

    def _read(self, job: Job) -> None:
        identity_from_dct(job)  # also where the ID is known: as in the backup of a key
        slots = device_slots(job)
        if len(slots) > 1:
            job.note(IN_USE.with_values(kind=next(ALGORITHMS[slot.algorithm] for slot, in_use in slots if in_use)))
        total = 2 * sum(slot.size for slot, _ in slots)
        done = 0
        for slot, in_use in slots:
            raw = read_slot(job, slot, part_of_step(job, done, total))
            self._found.append(_Found(slot, in_use, examine(raw, slot.algorithm), raw))
            done += 2 * slot.size
        self._keep_found(job)
        now = next(each for each in self._found if each.in_use)
        job.say(_FOUND.with_values(state=STATES[now.report.state]) if now.backup is not None else _FOUND_NONE)

    def _choose(self, job: Job) -> None:
        identity = require_proven(job)
        self._device_id, self._platform = identity.device_id, job.platform.key
        self._keep_found(job)  # the ID may have been proven just now; then this is where they are
        self._place = place = self._choose_place(job)
        public = public_slot(job.platform, place.slot)
        self._public = b"" if public is None else read_slot(job, public)
        half = "" if public is None else sha256(self._public)
        board = Board(identity, place.slot, place.report, place.raw, half, self._rescue.resumes(job))
        self._chosen = chosen = choose(job, board)
        words = _CHOSEN_REWRITTEN if chosen.rewritten else _CHOSEN
        job.say(words.with_values(source=chosen.source, fingerprint=short(chosen.report.fingerprint)))
        if not chosen.certain:
            self._insist_on_word(job, chosen)
        if self._replaces_sound:
            self._warnings.append(_WARN_SOUND)
        if not place.in_use:
            self._warnings.append(_WARN_OTHER_SLOT)

    def _agree(self, job: Job) -> None:
        self._targets = self._needed(job)
        if not self._targets:
            job.skip(_SAME)
            return
        chosen = self._chosen
        assert chosen is not None
        stays = [_STAYS_SAME_KEY] if chosen.rewritten else []
        stays += [_STAYS_KEPT] if self._now.backup is not None else []
        looked = look(job, {target.region for target in self._targets})
        plan = self._rescue.plan(
            job,
            looked,
            self._targets,
            stays=(*stays, _STAYS_OTHERS),
            needs=(_NEEDS_POWER,),
            warnings=self._warnings,
            extra_seconds=START_S,
        )
        self._rescue.agree(job, plan, agreed=lambda: self._keep_chosen(job))

    # --- steps: writing ---

    def _write(self, job: Job) -> None:
        if not self._targets:
            job.skip(_SAME)
            return
        self._rescue.write_all(job, self._targets)

    def _compare(self, job: Job) -> None:
        """Read the slot as anybody would who knows nothing of what was written.

        Raises:
            FlashDiffers: It is not the key that was chosen.
        """
        chosen, place = self._chosen, self._now
        assert chosen is not None
        if not self._targets:
            job.skip(_SAME)
            return
        raw = read_slot(job, place.slot, part_of_step(job, 0, 2 * place.slot.size))
        found = examine(raw, place.slot.algorithm)
        if found.state is not KeyState.GOOD or found.fingerprint != chosen.report.fingerprint:
            raise FlashDiffers(f"{place.slot.key}: {found.state.value}")
        job.say(_RIGHT)

    def _start(self, job: Job) -> None:
        """Start the board. It is finished once the board was told to: only that sets a Core's flag right (2.2, 3.1).

        Raises:
            NotSeenStarting: It may not have been told to.
        """
        alone = not self._targets or starts_alone(job)
        self._left = leave_dfu(job)
        if self._targets:
            insist_on_start(job, self._left, alone=alone)
        self._rescue.finish(job)
        said = self._left if self._left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            self._warnings.append(said)
        job.say(said)

    # --- inside ---

    @property
    def _now(self) -> _Found:
        """What is, or was, in the slot the key goes into."""
        assert self._place is not None
        return self._place

    @property
    def _replaces_sound(self) -> bool:
        """Whether the board had a key it could use, and gets another one."""
        assert self._chosen is not None
        before = self._now.report
        return before.state is KeyState.GOOD and before.fingerprint != self._chosen.report.fingerprint

    @staticmethod
    def _rewritten_words(chosen: Chosen) -> tuple[Text, ...]:
        if not chosen.rewritten:
            return ()
        # Whether firmware makes do without the point of an EC key is not known (4.2); of RSA its form is.
        return (_NEXT_COMPLETED if chosen.report.algorithm is Algorithm.EC_P256 else _NEXT_REWRITTEN,)

    def _keep_found(self, job: Job) -> None:
        """Keep what the slots hold. What an interrupted run has torn it kept before, whole."""
        for each in self._found:
            unused = not each.in_use and each.report.state is KeyState.BLANK
            if not (is_erased(each.raw) or unused or self._is_torn(job, each)):
                each.backup = keep(job, each.slot, each.raw, each.report)

    def _is_torn(self, job: Job, found: _Found) -> bool:
        """Whether a slot holds but what the run that is finished left there when it was cut off."""
        if found.report.state is not KeyState.CORRUPT or not self._rescue.resumes(job):
            return False
        named = named_backup(job)
        ours = [job.safe.key_bytes(named)] if named is not None and named.slot == found.slot.key else []
        return self._rescue.left_by_cut(job, found.slot, found.raw, ours)

    def _keep_chosen(self, job: Job) -> None:
        """Keep what is about to be written, and let the journal name it: that is all a later run has to know."""
        assert self._chosen is not None
        self._keep_found(job)  # once more: the person may have needed an hour, and the same bytes are kept once
        self._written = written = keep_new(job, self._now.slot, self._chosen.slot_der, self._chosen.origin)
        self._rescue.answers.update({SLOT: self._now.slot.key, KEY: f"{BACKUP}{written.reference}"})
        if can_be_typed(job):  # so that nobody has to type it again after a pulled cable
            self._rescue.answers[DEVICE_ID_QUESTION.name] = self._device_id

    def _choose_place(self, job: Job) -> _Found:
        """Return the slot the key goes into: that of the cloud connection in use, or the one the person chooses.

        Raises:
            BackupHoldsNoKey: The backup that was named beforehand is for none of them.
        """
        found = self._found
        if found[0].slot.key == TCP_SLOT:  # 4.1: only an Electron can be set to use the other one
            return found[0]
        named = named_backup(job)
        if named is not None and not job.given(SLOT):
            place = next((each for each in found if each.slot.key == named.slot), None)
            if place is None:
                raise BackupHoldsNoKey(reason=_NO_SUCH_SLOT)
            return place
        ordered = sorted(found, key=lambda each: not each.in_use)
        options = tuple(
            (
                each.slot.key,
                (_SLOT_USED if each.in_use else _SLOT_OTHER).with_values(kind=ALGORITHMS[each.slot.algorithm]),
            )
            for each in ordered
        )
        answer = str(job.ask(Choose(SLOT, _SLOT_TITLE, _SLOT_BODY, options)))
        return next(each for each in found if each.slot.key == answer)

    def _insist_on_word(self, job: Job, chosen: Chosen) -> None:
        """Let the person say that it is this board's key, as nothing else says it; once, not again to finish a run.

        Raises:
            Cancelled: They do not.
        """
        other, fingerprint = chosen.other, chosen.report.readable_fingerprint
        self._warnings.append(_WARN_OTHERS.with_values(board=other) if other else _WARN_FILE)
        if self._rescue.resumes(job):
            return
        body = _BELONGS_BODY.with_values(fingerprint=fingerprint)
        question = Confirm("key-belongs", _BELONGS_TITLE, body, _BELONGS_YES, _BELONGS_NO)
        if other:  # under a name of its own: who said beforehand that a file is right may not know of the other board
            body = _OTHERS_BODY.with_values(board=other, fingerprint=fingerprint)
            question = Confirm("key-of-other-board", _OTHERS_TITLE, body, _OTHERS_YES, _BELONGS_NO, risky=True)
        if not job.ask(question):
            raise Cancelled

    def _needed(self, job: Job) -> tuple[Target, ...]:
        """Return what has to be written; all of it where an interrupted run may have left something torn."""
        chosen, place = self._chosen, self._now
        assert chosen is not None
        half = public_der(chosen.report)
        private, *public = key_targets(job.platform, place.slot, chosen.slot_der, half, chosen.source.english())
        if self._rescue.takes_up(job, (private, *public)):
            return (private, *public)
        same = place.report.state is KeyState.GOOD and place.report.fingerprint == chosen.report.fingerprint
        differing = [target for target in public if target.content != self._public]
        return (*(() if same else (private,)), *differing)
