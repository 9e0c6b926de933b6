"""Change the key: a new device key, made here or by the board itself, and the public half for the cloud.

The order of things, and what a cut at any moment leaves behind:

1. The key on the board goes into the key safe. Nothing is written before it is there and was read back.
2. The new key is made in memory; once the plan is agreed to it goes into the key safe too, and is read back. Only then
   the journal begins, and names both backups: a run that is cut off is finished with the very same new key.
3. The key is written, read back, and the board started.

"Let the board make its own" (device-protocol.md 8.5) erases the slot instead. The board makes a key when it next calls
its cloud (4.2); then it is read and kept. If it makes none, a key made here is written, or the old one put back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from app.faults import BoardDidNotReturn, Fault, FlashDiffers, RescueUnknown, WrongBoardReturned
from app.keys.device_key import KeyReport, KeyState, examine, firmware_form, public_der
from app.keys.letter import letter
from app.keys.new_key import generate
from app.keys.safe import Backup
from app.platforms.model import Algorithm, KeySlot, Mode, Platform
from app.recipes import change_key_words as words
from app.recipes.base import Group, Promise, Recipe
from app.recipes.put_back_pieces import when
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    RESTART_S,
    ask_console_for_id,
    coach_into_dfu,
    enter_dfu,
    insist_on_leaving,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    starts_alone,
    unlock_safe,
    what_became,
)
from app.text import Text, text
from app.undo.board_name import Match
from app.undo.rescue import InterruptedRescue
from app.work.board import Identity, match
from app.work.events import Fact, Outcome
from app.work.flashing import RESUME, Rescue
from app.work.guard import can_be_typed, require_proven
from app.work.job import Job
from app.work.key_work import (
    ALGORITHMS,
    STATES,
    filled,
    is_erased,
    keep,
    keep_new,
    key_targets,
    main_slot,
    public_slot,
    read_slot,
)
from app.work.letters import document
from app.work.made_keys import never_on_board
from app.work.reading import read_once
from app.work.server_work import TCP_SERVER
from app.work.spans import Target
from app.work.step import Step
from app.work.xray import look

log = logging.getLogger(__name__)

OLD_KEY, NEW_KEY = "old-key", "new-key"
"""Answers in the journal: which backups in the key safe hold the two keys, as `folder/name`."""
POINT_NEW = "new-key "
"""Begins a point in the journal: the new key is this backup after all, and is written from here."""
POINT_OLD = "old-key-back"
"""Point in the journal: the person wants the old key back."""
ROOM = 16 * 1024  # for the erase unit with the key, or what is replaced in the settings
MAKES_ONE_S = 120.0
"""How long the board has for its network, its cloud and the key, if the person says nothing."""
START_S = 10.0
DIGITS = 8
DEVICE_CODE = "device-code"


@dataclass(frozen=True, slots=True)
class _Key:
    """A key and where it is kept. Its repr shows nothing private."""

    report: KeyReport
    backup: Backup | None = None  # None: not yet, or there was nothing to keep
    der: bytes = field(default=b"", repr=False)  # what to write


class ChangeKey(Recipe):
    """Give a board a new device key, keep the old one and the new one, and hand over the public half."""

    key = words.KEY
    title = text("ChangeKey", "Change the key")
    summary = text(
        "ChangeKey",
        "Gives the board a new key, when the old one is lost or damaged for good. Its cloud has to be told then, so "
        "restore the old key if you have it.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("ChangeKey", "The memory where the board keeps its private key, twice."),
        writes=text("ChangeKey", "The device key alone. Server key, firmware and networks stay."),
        keeps=text(
            "ChangeKey", "The old key and the new one, in your key safe on this computer, before anything is written."
        ),
        takes=text("ChangeKey", "About half a minute; two minutes more if the board makes its own key."),
        risks=(
            text(
                "ChangeKey",
                "The cloud still knows the old key: the board connects again only once the cloud has the new public "
                "half. For the Particle cloud that takes the account of the board, or Particle's support.",
            ),
            text(
                "ChangeKey",
                "If the cable is pulled meanwhile, plug the board in again and choose to finish it: it is finished "
                "with the same new key. Or put back what was there.",
            ),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._earlier: InterruptedRescue | None = None
        self._identity: Identity | None = None
        self._platform: Platform | None = None
        self._slot: KeySlot | None = None
        self._state = KeyState.BLANK  # of what is in the slot now
        self._old: _Key | None = None
        self._new: _Key | None = None
        self._damaged: Backup | None = None  # what is in the slot now, where it is neither of the two
        self._way = ""
        self._targets: tuple[Target, ...] = ()
        self._erased = False  # the board is to make a key and has none yet
        self._made_before = False  # ... and has made it since the run that this one finishes was cut off
        self._warnings: list[Text] = []
        self._left: Text = LEFT_RUNNING

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ChangeKey", "Look at the board"), self._look),
            Step(
                text("ChangeKey", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("ChangeKey", "Without buttons where that is possible."),
            ),
            Step(
                text("ChangeKey", "Read the key that is there and keep it"),
                self._read,
                weight=4,
                detail=text("ChangeKey", "Twice, and compared; nothing is written to the board."),
            ),
            Step(text("ChangeKey", "Decide"), self._decide, weight=2),
            Step(
                text("ChangeKey", "Make the new key, agree on the plan, keep the new key"),
                self._agree,
                weight=3,
                detail=text("ChangeKey", "Nothing is written before you have seen the plan."),
            ),
            Step(text("ChangeKey", "Write it and read it back"), self._write, weight=3),
            Step(text("ChangeKey", "Let the board make its own key"), self._let_make, weight=6),
            Step(text("ChangeKey", "Check the key on the board"), self._check, weight=2),
            Step(text("ChangeKey", "Start the board"), self._start, weight=3, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say which key the board has now, where both are kept, and what its cloud has to be told."""
        if self._way == words.RESTORE:
            return self._unchanged(words.NEXT_RESTORE, words.RESTORE_KEY)
        if self._way == words.CHECK:
            return self._unchanged(words.NEXT_CHECK, words.CHECK_KEYS)
        assert self._identity is not None
        facts = [Fact("device-id", words.F_ID, self._identity.device_id, copy=True, qr=True)]
        if self._way == words.OLD:
            assert self._old is not None
            facts.append(_fingerprint("fingerprint", words.F_NOW, self._old))
            steps = (words.NEXT_NETWORK, *self._quiet())
            return Outcome(
                words.DONE_OLD,
                (*facts, *self._kept_facts()),
                kept=self._files(),
                warnings=tuple(self._warnings),
                next_steps=steps,
                next_recipes=(words.CHECK_KEYS,),
                unfinished=True,
            )
        new = self._new
        assert new is not None
        assert self._platform is not None
        facts += [
            Fact("algorithm", words.F_KIND, ALGORITHMS[new.report.algorithm]),
            _fingerprint("old-fingerprint", words.F_OLD, self._old),
            _fingerprint("fingerprint", words.F_NEW, new),
        ]
        return Outcome(
            words.DONE_BOARD if self._way == words.BOARD else words.DONE_HERE,
            (*facts, *self._kept_facts()),
            kept=self._files(),
            warnings=(words.WARN_CLOUD, *self._warnings),
            next_steps=(words.NEXT_SEND, *((words.NEXT_BACK,) if self._has_old else ()), *self._quiet()),
            documents=(document(letter(self._identity.device_id, self._platform.key, new.report)),),
            next_recipes=(words.REGISTER_KEY,),
            unfinished=True,
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while its key is untouched."""
        self._rescue.close(job)
        if not self._rescue.touched and not self._erased:
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _look(self, job: Job) -> None:
        job.safe.insist_writable()
        self._found_mode = job.refresh().mode
        self._platform = job.platform
        self._rescue.resumes(job)
        unlock_safe(job)
        self._rescue.prepare(job, ROOM, secrets=True)
        ask_console_for_id(job)
        if job.identity is None and can_be_typed(job):
            require_proven(job)  # before the buttons: a board that hides its ID hides it in update mode, too

    def _read(self, job: Job) -> None:
        identity_from_dct(job)
        self._identity = require_proven(job)
        self._earlier = self._cut_off(job)
        self._slot = slot = main_slot(job)
        raw = read_slot(job, slot, lambda here: job.tick(here, 2 * slot.size))
        there = examine(raw, slot.algorithm)
        self._state = there.state
        if self._earlier is not None:
            self._old = self._recorded(job, self._recorded_name(OLD_KEY))
            self._new = self._recorded(job, self._recorded_name(NEW_KEY))
            self._begin_anew(job, there)
        if is_erased(raw):
            job.say(words.OLD_KEPT_BEFORE if self._has_old else words.NOTHING_TO_KEEP)
        elif self._is(there, self._new):
            job.say(words.OLD_KEPT_BEFORE if self._old is not None else words.NEW_IS_THERE)
        elif self._old is not None and not there.fingerprint:
            self._keep_damage(job, raw, there)
        else:
            found = _Key(there, keep(job, slot, raw, there), there.der or b"")
            job.say(words.OLD_KEPT.with_values(state=STATES[there.state]))
            self._made_before = self._made_since(job, there)
            if self._made_before:
                self._new = found
            elif not self._is(there, self._old):
                self._old = found

    def _decide(self, job: Job) -> None:
        if self._resumes(job) and self._points(POINT_OLD) and self._has_old:
            self._way = words.OLD
            return
        slot, state = self._key_slot, self._state
        makes_own = public_slot(job.platform, slot) is not None  # a Core never makes one, and has no place for it (4.2)
        way = str(job.ask(words.way_question(state, makes_own=makes_own, restorable=self._restorable(job))))
        if way == words.BOARD and self._resumes(job) and self._points(POINT_NEW):
            way = words.HERE  # the board had made none, and a key made here was chosen
        self._way = way

    def _agree(self, job: Job) -> None:
        if self._nothing_to_write:
            job.skip(words.NOTHING_CHANGED if self._changes_nothing else words.NOT_ERASED)
            return
        slot = self._key_slot
        agreed = partial(self._before_writing, job, None)
        if self._way == words.HERE:
            fresh = self._made_here(job)
            self._targets = self._writes(job, fresh)
            agreed = partial(self._before_writing, job, fresh)
        elif self._way == words.OLD:
            self._targets = self._puts_back(job)
        else:
            blank, half = key_targets(job.platform, slot, b"", b"")
            self._targets = (
                replace(blank, title=words.BLANK_TITLE, why=words.BLANK_WHY),
                # The board writes there itself; what was there is put back with the old key only if it is planned, too.
                replace(half, title=words.BLANK_HALF_TITLE, why=words.BLANK_HALF_WHY),
            )
        own = self._way == words.BOARD
        looked = look(job, {target.region for target in self._targets})
        plan = self._rescue.plan(
            job,
            looked,
            self._targets,
            stays=(words.STAYS_SERVER, words.STAYS_FIRMWARE),
            needs=(words.NEEDS_CABLE, *((words.NEEDS_NETWORK,) if own else ())),
            warnings=(*((words.WARN_FALLBACK,) if own else ()), words.WARN_CLOUD),
            extra_seconds=START_S + (MAKES_ONE_S if own else 0.0),
        )
        self._rescue.answers[words.WAY] = self._way
        if self._old is not None and self._old.backup is not None:
            self._rescue.answers[OLD_KEY] = _name(self._old.backup)
        self._rescue.agree(job, plan, agreed=agreed)
        if self._way == words.HERE and self._resumes(job):
            self._note_new(job)

    # --- steps: writing ---

    def _write(self, job: Job) -> None:
        if self._nothing_to_write:
            job.skip(words.NOTHING_CHANGED if self._changes_nothing else words.NOT_ERASED)
            return
        self._rescue.write_all(job, self._targets)
        self._erased = self._way == words.BOARD

    def _let_make(self, job: Job) -> None:
        if self._changes_nothing:
            job.skip(words.NOTHING_CHANGED)
            return
        if self._way != words.BOARD:
            job.skip(words.NOT_THIS_WAY)
            return
        if not self._erased:
            job.skip(words.NOT_ERASED)
            return
        slot = self._key_slot
        while True:
            light = self._run_once(job)
            raw = read_slot(job, slot, lambda here: job.tick(here, 2 * slot.size))
            made = examine(raw, slot.algorithm)
            if made.state is KeyState.GOOD:
                self._new = _Key(made, keep(job, slot, raw, made), made.der or b"")
                self._erased = False
                job.say(words.BOARD_MADE)
                return
            answer = str(job.ask(words.no_key_question(state=made.state, light=light, old=self._has_old)))
            if answer != words.AGAIN:
                break
        self._way = answer
        if answer == words.HERE:
            fresh = self._made_here(job)
            self._keep_new(job, fresh)
            self._targets = self._writes(job, fresh)
            self._note_new(job)
        else:
            self._targets = self._puts_back(job)
            self._rescue.reached(POINT_OLD)
        # The slot itself is known; what stands in that of the public half is read, and kept, when its turn comes.
        self._targets = tuple(replace(each, later=True) for each in self._targets)
        for target in self._targets:
            self._rescue.add(job, target)
        self._rescue.write_all(job, self._targets)
        self._erased = False

    def _check(self, job: Job) -> None:
        if self._changes_nothing:
            job.skip(words.NOTHING_CHANGED)
            return
        slot = self._key_slot
        wanted = self._old if self._way == words.OLD else self._new
        raw = read_slot(job, slot, lambda here: job.tick(here, 2 * slot.size))
        found = examine(raw, slot.algorithm)
        if not self._is(found, wanted):
            raise FlashDiffers(f"{slot.key}: {found.state.value}")
        public = public_slot(job.platform, slot)
        if public is not None and read_once(job, public.alt, public.address, public.size) != public_der(found):
            job.note(words.WARN_HALF)
            self._warnings.append(words.WARN_HALF)
        job.say(words.CHECKED_OLD if self._way == words.OLD else words.CHECKED)

    def _start(self, job: Job) -> None:
        """Start the board, and close the journal.

        Raises:
            NotSeenStarting: It may not have been told to start.
        """
        if self._changes_nothing:
            leave_as_found(job, self._found_mode)
            return
        alone = starts_alone(job)
        self._left = leave_dfu(job)
        insist_on_start(job, self._left, alone=alone)
        self._rescue.finish(job)
        self._close(job)
        if self._left is LEFT_IN_DFU:
            self._left = words.WARN_IN_DFU
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            self._warnings.append(self._left)
        job.say(self._left)

    # --- what an interrupted run left ---

    def _cut_off(self, job: Job) -> InterruptedRescue | None:
        """Return the interrupted run of this very board: the one to be finished, or the newest there is."""
        if self._rescue.resumes(job):
            return job.undo.rescue(job.given(RESUME))
        mine = (each for each in job.undo.interrupted() if each.recipe == self.key)
        return next((each for each in mine if match(each.board, job.board) is Match.YES), None)

    def _resumes(self, job: Job) -> bool:
        return self._earlier is not None and self._earlier.id == job.given(RESUME)

    def _begin_anew(self, job: Job, there: KeyReport) -> None:
        """Take a new key that a cut-off run had brought onto the board for the old one, unless that run is finished.

        Whoever begins anew wants a key that nobody knows, and that one may be known by now.
        """
        assert self._earlier is not None
        if self._new is None or self._resumes(job):
            return
        was_whole = bool(self._earlier.written) and not self._points(POINT_NEW)  # else those may be what was erased
        if was_whole or self._is(there, self._new):
            self._old, self._new = self._new, None
            job.note(words.NEW_IS_OLD)

    def _keep_damage(self, job: Job, raw: bytes, there: KeyReport) -> None:
        """Keep what is damaged, too, unless it is only what the cut left of keys that are in the safe already."""
        ours = [filled(key.der, len(raw)) for key in (self._old, self._new) if key is not None and key.der]
        if self._rescue.left_by_cut(job, self._key_slot, raw, ours):
            job.say(words.OLD_KEPT_BEFORE)
            return
        self._damaged = keep(job, self._key_slot, raw, there)
        job.say(words.DAMAGE_KEPT)

    def _recorded_name(self, answer: str) -> str:
        """Return which backup the journal names, "" for none."""
        assert self._earlier is not None
        if answer == NEW_KEY:
            points = sorted(point for point in self._earlier.reached if point.startswith(POINT_NEW))
            if points:
                return points[-1].removeprefix(POINT_NEW)
        return str(self._earlier.answers.get(answer, ""))

    def _points(self, point: str) -> bool:
        assert self._earlier is not None
        return any(each.startswith(point) for each in self._earlier.reached)

    def _recorded(self, job: Job, name: str) -> _Key | None:
        """Return the key of that name in the key safe, if it is there, whole, and of this board."""
        assert self._identity is not None
        for backup in job.safe.backups():
            mine = backup.device_id == self._identity.device_id and backup.slot == self._key_slot.key
            if mine and backup.damaged is None and _name(backup) == name:
                report = examine(job.safe.key_bytes(backup), self._key_slot.algorithm)
                return _Key(report, backup, report.der or b"")
        return None

    def _made_since(self, job: Job, there: KeyReport) -> bool:
        """Whether what is there is the key the board made after an interrupted run had erased the old one.

        There is a key, it is not the old one, and the run that is finished had left the board to make one: nothing
        else puts one there, and to erase it again would only make the board make another.
        """
        if not self._resumes(job) or self._points(POINT_NEW) or self._points(POINT_OLD):
            return False
        assert self._earlier is not None
        left_to_board = self._earlier.answers.get(words.WAY) == words.BOARD
        return left_to_board and there.state is KeyState.GOOD and not self._is(there, self._old)

    def _close(self, job: Job) -> None:
        """Mark the interrupted run as done that needed nothing to be written any more."""
        rescue_id = job.given(RESUME)
        try:
            if rescue_id and rescue_id in {each.id for each in job.undo.interrupted()}:
                with job.undo.resume(rescue_id) as journal:
                    journal.finish()
        except RescueUnknown:
            return
        except Fault as fault:  # the board is done; that an old note stays open is no failure of this run
            job.note(words.NOT_CLOSED.with_values(reason=fault.cause))

    # --- keys ---

    @property
    def _key_slot(self) -> KeySlot:
        assert self._slot is not None
        return self._slot

    @property
    def _has_old(self) -> bool:
        """Whether there is an old key that could be written back."""
        return self._old is not None and bool(self._old.der)

    @staticmethod
    def _is(found: KeyReport, key: _Key | None) -> bool:
        """Whether what was found is that key."""
        return key is not None and bool(found.fingerprint) and found.fingerprint == key.report.fingerprint

    def _made_here(self, job: Job) -> _Key:
        """Return the new key: that of an interrupted run, or one made now."""
        if self._new is not None and self._new.report.state is KeyState.GOOD:
            job.note(words.TAKEN_UP)
            return self._new
        new = generate(self._key_slot.algorithm)
        if new.rejected:
            job.note(words.REJECTED.with_values(count=new.rejected))
        return _Key(new.report, None, new.slot_der)

    def _keep_new(self, job: Job, fresh: _Key) -> None:
        """Put the new key into the key safe and read it back: after this it may be written."""
        backup = fresh.backup
        if backup is None:
            backup = keep_new(job, self._key_slot, fresh.der)
            job.note(words.MADE_HERE)
        self._new = replace(fresh, backup=backup)
        self._rescue.answers[NEW_KEY] = _name(backup)

    def _before_writing(self, job: Job, fresh: _Key | None) -> None:
        """See that the old key is still in the key safe, as the person may have needed an hour; keep the new one, too.

        Raises:
            Fault: It is not, or not whole; then nothing may be written.
        """
        if self._old is not None and self._old.backup is not None:
            job.safe.key_bytes(self._old.backup)
        if fresh is not None:
            self._keep_new(job, fresh)

    def _note_new(self, job: Job) -> None:
        """Let the journal, whose answers never change, name the new key if they do not."""
        name = self._rescue.answers[NEW_KEY]
        if not self._resumes(job) or self._recorded_name(NEW_KEY) != name:
            self._rescue.reached(f"{POINT_NEW}{name}")

    def _writes(self, job: Job, key: _Key) -> tuple[Target, ...]:
        source = words.SOURCE_HERE.english()
        return key_targets(job.platform, self._key_slot, key.der, public_der(key.report), source)

    def _puts_back(self, job: Job) -> tuple[Target, ...]:
        old = self._old
        assert old is not None
        source = words.SOURCE_OLD.english()
        return key_targets(job.platform, self._key_slot, old.der, public_der(old.report), source)

    def _restorable(self, job: Job) -> words.Restorable | None:
        """Return the newest key in the safe that is better restored than replaced; None if there is none."""
        assert self._identity is not None
        for backup in job.safe.backups():
            mine = backup.device_id == self._identity.device_id and backup.slot == self._key_slot.key
            if not mine or backup.damaged is not None or never_on_board(job, backup):
                continue
            is_there = self._old is not None and backup.fingerprint == self._old.report.fingerprint
            is_new = self._new is not None and backup.fingerprint == self._new.report.fingerprint
            if backup.state is KeyState.GOOD and not is_new and (not is_there or self._state is not KeyState.GOOD):
                return words.Restorable(when(backup.made), backup.fingerprint[:DIGITS])
            if is_there and self._can_be_mended:
                return words.Restorable(when(backup.made), backup.fingerprint[:DIGITS], same=True)
        return None

    @property
    def _can_be_mended(self) -> bool:
        """Whether the key on the board only has to be written in another form for its firmware to read it (4.2)."""
        old = self._old
        if old is None or self._state is not KeyState.UNUSABLE_BY_FIRMWARE or not old.der:
            return False
        if old.report.algorithm is not Algorithm.RSA_1024:
            return False
        try:
            firmware_form(old.der)
        except ValueError:
            return False
        return True

    # --- the board makes its own ---

    def _run_once(self, job: Job) -> str:
        """Let the board run until it has called its cloud, and bring it back; return what the person saw, or "".

        Raises:
            WrongBoardReturned: It is another board that is in update mode now.
        """
        told, marks = identity_from_dct(job), self._marks(job)
        insist_on_leaving(job, "so that it makes a key")
        try:
            job.wait_for(Mode.NORMAL, RESTART_S)
        except BoardDidNotReturn as fault:
            log.info("the board shall make a key: %s", fault.detail)
            if what_became(job) is LEFT_IN_DFU:
                return ""  # nothing on it starts
        seen = ""
        try:
            answer = job.watch(words.watch_question(job.platform), MAKES_ONE_S)
            seen = answer if isinstance(answer, str) else ""
        except BoardDidNotReturn as fault:
            log.info("nobody said what the light did: %s", fault.detail)
        if what_became(job) is LEFT_QUIET:
            coach_into_dfu(job)  # its program shows nothing on USB
        else:
            enter_dfu(job)
        self._insist_on_board(job, told, marks)
        return seen

    @staticmethod
    def _marks(job: Job) -> bytes:
        """Return what stays in a board's settings and may tell it from others, where its serial number does not (1.4).

        What key it has cannot tell it: a new one is what it is to make.
        """
        if can_be_typed(job):
            return b""
        code, server = job.platform.field(DEVICE_CODE), job.platform.slot(TCP_SERVER)
        return read_once(job, code.alt, code.address, code.size) + read_once(
            job, server.alt, server.address, server.size
        )

    def _insist_on_board(self, job: Job, told: Identity | None, marks: bytes) -> None:
        """See that the board that came back is the one that left: its key is going to be kept under that one's ID.

        Raises:
            WrongBoardReturned: It is another one.
        """
        assert self._identity is not None
        tells = identity_from_dct(job)
        if job.identity is None or job.identity.device_id != self._identity.device_id:
            raise WrongBoardReturned("its settings tell another device ID")
        if told is not None and tells is None:
            raise WrongBoardReturned("its settings tell no device ID")
        if self._marks(job) != marks:
            raise WrongBoardReturned("other settings than the board had that left")

    # --- the end ---

    @property
    def _changes_nothing(self) -> bool:
        return self._way in (words.RESTORE, words.CHECK)

    @property
    def _nothing_to_write(self) -> bool:
        """Whether the board is left alone, or has made its key since the run that is finished erased the old one."""
        return self._changes_nothing or self._made_before

    def _unchanged(self, step: Text, recipe: str) -> Outcome:
        return Outcome(
            words.DONE_NOTHING,
            (_fingerprint("fingerprint", words.F_NOW, self._old), *self._kept_facts()),
            kept=self._files(),
            next_steps=(step,),
            next_recipes=(recipe,),
            unfinished=True,
        )

    def _backups(self) -> list[Backup]:
        return [key.backup for key in (self._old, self._new) if key is not None and key.backup is not None]

    def _files(self) -> tuple[str, ...]:
        backups = [*self._backups(), *((self._damaged,) if self._damaged is not None else ())]
        return tuple(dict.fromkeys(str(path) for backup in backups for path in backup.files))

    def _kept_facts(self) -> tuple[Fact, ...]:
        named = (("old-kept", words.F_OLD_KEPT, self._old), ("new-kept", words.F_NEW_KEPT, self._new))
        facts = [Fact(key, name, each.backup.name) for key, name, each in named if each and each.backup]
        folders = dict.fromkeys(str(backup.folder) for backup in self._backups())
        return (*facts, *(Fact("folder", words.F_FOLDER, folder, copy=True) for folder in folders))

    def _quiet(self) -> tuple[Text, ...]:
        return (LEFT_QUIET,) if self._left is LEFT_QUIET else ()


def _name(backup: Backup) -> str:
    return f"{backup.folder.name}/{backup.name}"


def _fingerprint(key: str, name: Text, of: _Key | None) -> Fact:
    if of is None or not of.report.fingerprint:
        return Fact(key, name, words.NO_OLD if of is None else STATES[of.report.state])
    return Fact(key, name, of.report.readable_fingerprint, copy=True)
