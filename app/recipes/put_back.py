"""Put back what was kept of a board: everything that was saved, or what stood there before a rescue.

The order of writing, and what a cut at any moment leaves behind:

1. Marks in the settings that make the board install something are taken off first, so that nothing half-written and
   nothing old is installed. The boot loader keeps settings in order itself: they are whole at every moment (2.4.10).
2. Copies that nothing runs from: factory firmware, backup, download area, free memory.
3. Marks that stood there before, now that what they would install is whole again.
4. System parts in order of their index, then the program; a Core's flags, and its keys if they were asked for.
5. Settings that this boot loader reaches only once the system parts are whole again (2.4.11).

It is a rescue of its own with a journal of its own: an interrupted one is finished by running it again. The boot loader
is never written.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from app.faults import (
    Cancelled,
    Fault,
    KeptOfOtherBoard,
    KeysNotProven,
    NothingKept,
    RescueUnknown,
)
from app.platforms.model import Medium, Mode, Quirk
from app.platforms.table import platform as platform_of
from app.recipes.base import Group, Promise, Recipe
from app.recipes.put_back_pieces import BOOT_LOADER, RUNS, Order, when, whole, worth_reading
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    enter_dfu,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    restart_in_dfu,
    starts_alone,
    unlock_safe,
)
from app.recipes.system_set import LOADER, loader_of
from app.recipes.waiting import DCT
from app.text import Text, joined, text
from app.undo.board_name import Match
from app.work.board import match
from app.work.events import Fact, Outcome
from app.work.flashing import RESUME, Rescue, board_name
from app.work.guard import require_proven
from app.work.job import Job
from app.work.kept import Kept, Kind, Piece, by_name, listed, of_one_origin, pieces
from app.work.plan import SlotState, XRay
from app.work.questions import Choose, Confirm
from app.work.spans import Target
from app.work.step import Step
from app.work.verdicts import CORE_FLAGS
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

MOST_OFFERED = 20
START_S = 10.0
_WHAT_TITLE = text("PutBack", "What shall be put back?")
_WHAT_BODY = text("PutBack", "The newest is the first. You will see what would change before anything is written.")
_A_DUMP = text("PutBack", "{when}: everything that was on the board, {size} bytes")
_A_RESCUE = text("PutBack", "{when}: what was there before “{recipe}”")
_A_RESCUE_OPEN = text("PutBack", "{when}: what was there before “{recipe}”, which was interrupted")

_OTHER_TITLE = text("PutBack", "Put the firmware of another board onto this one?")
_OTHER_BODY = text(
    "PutBack",
    "What you chose was kept of another board of the same kind: {kept}. Its firmware is made for this one, too. Keys "
    "and settings stay as they are.",
)
_OTHER_YES = text("PutBack", "Put its firmware onto this board")
_OTHER_NO = text("PutBack", "Leave the board as it is")
_MAYBE_TITLE = text("PutBack", "Is this the board it was kept of?")
_MAYBE_BODY = text(
    "PutBack",
    "Boards of this kind all show the same number on USB, so the program cannot tell. It was kept on {when}.",
)
_MAYBE_YES = text("PutBack", "It is the same board")

_KEYS_TITLE = text("PutBack", "Put keys and settings back, too?")
_KEYS_BODY = text(
    "PutBack",
    "What the board holds now differs: {names}. If the board reaches its cloud as it is, leave them. If the keys were "
    "lost or overwritten since, put them back.",
)
_KEYS_YES = text("PutBack", "Put keys and settings back")
_KEYS_NO = text("PutBack", "Leave keys and settings as they are")

_STAYS_LOADER = text("PutBack", "The boot loader.")
_STAYS_KEYS = text("PutBack", "Keys and settings of this board.")
_STAYS_SAME = text("PutBack", "Everything that is the same as it was.")
_NEEDS_POWER = text("PutBack", "A cable that stays in until the end.")
_NEEDS_RESTART = text(
    "PutBack",
    "One restart in between: this boot loader finds the settings again only after a restart. You may have to press the "
    "buttons once.",
)
_WARN_LOADER = text(
    "PutBack", "The boot loader is another one now than it was then. It stays as it is: it is never written directly."
)
_WARN_FIXED = text("PutBack", "{name} differs from what was kept, but cannot be written over USB.")
_WARN_MISSING = text("PutBack", "{name} could not be read when this was kept, so it stays as it is.")
_WARN_OTHER = text("PutBack", "This is the firmware of another board: {kept}.")
_WARN_KEYS = text("PutBack", "Keys and settings of the board are replaced by those that were kept.")
_WARN_KEYS_STAY = text("PutBack", "Keys and settings differ from what was kept. They were left as they are.")
_WARN_DAMAGED = text(
    "PutBack",
    "A part of the journal is lost, so more may have been changed on the board than can be put back. See what is on "
    "the board afterwards.",
)
_WARN_OUT_OF_REACH = text(
    "PutBack",
    "The boot loader that is on the board now reaches keys and settings only with the help of a whole system from 0.7 "
    "on, and what is put back is none. They stay on the board, but in update mode nobody can read or write them until "
    "a newer system is back. Back up the key of this board before.",
)
_WARN_LOADER_TOO_OLD = text(
    "PutBack",
    "What is put back needs boot loader {wanted} or later, and this board has {found}. It may only get as far as safe "
    "mode (breathing magenta). Restore the system instead, or afterwards: that brings the boot loader it needs.",
)
_WARN_NO_SETTINGS = text(
    "PutBack",
    "The boot loader still cannot reach the settings, so a mark in them could not be put back: {name}. The system that "
    "was there before was not whole either.",
)

_VERIFIED = text("PutBack", "{size} bytes read from the disk: all as they were kept.")
_FOUND = text("PutBack", "Slots that differ: {count}. The same as kept: {same}.")
_NOTHING_TO_DO = text("PutBack", "Not needed: nothing differs.")
_NOTHING_HERE = text("PutBack", "Not needed.")
_NOT_CLOSED = text("PutBack", "The interrupted rescue could not be marked as done: {reason}")
_DONE = text("PutBack", "The board holds again what was kept of it.")
_DONE_SAME = text("PutBack", "Nothing had to be put back: the board holds what was kept of it.")
_DONE_BUT_KEYS = text(
    "PutBack", "The board holds again what was kept of it, but for keys and settings: those were left as they are."
)
_DONE_NO_KEYS = text(
    "PutBack", "Nothing was put back: only keys and settings differ from what was kept, and they were left as they are."
)
_STILL_OPEN = text(
    "PutBack",
    "What was interrupted is not undone without its keys and settings, so it is still offered to be finished.",
)
_CAME_BACK_IN_DFU = text(
    "PutBack",
    "The board came back in update mode: what is on it does not start. That may be how it was before.",
)
_NEXT_LOOK = text("PutBack", "If the board does not do what you expect, see what is on it.")


class PutBack(Recipe):
    """Write back what was kept of a board, where it differs from what is there."""

    key = "put-back"
    title = text("PutBack", "Put it back")
    summary = text(
        "PutBack",
        "Brings back what was on the board before: a whole board that was saved, or what a rescue replaced.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("PutBack", "All memory that what was kept is compared with."),
        writes=text(
            "PutBack",
            "Only what differs. Never the boot loader; keys and settings only if you say so and it is proven that they "
            "are from this very board.",
        ),
        keeps=text("PutBack", "Everything that is replaced, so that this can be undone as well."),
        takes=text("PutBack", "One to two minutes, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "PutBack",
                "If the cable is pulled meanwhile, the board may not start until this is finished: plug it in again "
                "and choose to finish it.",
            ),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._kept: Kept | None = None
        self._pieces: tuple[Piece, ...] = ()
        self._before: Looked | None = None
        self._after: XRay | None = None
        self._match = Match.NO
        self._quirks: frozenset[Quirk] = frozenset()
        self._placed: Order | None = None
        self._reached = True
        self._keys_left = False  # they differ, and the person wants them to stay
        self._warnings: list[Text] = []
        self._left: Text = LEFT_RUNNING

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("PutBack", "Read what was kept"), self._prepare, weight=2),
            Step(
                text("PutBack", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=2,
                detail=text("PutBack", "Without buttons where that is possible."),
            ),
            Step(text("PutBack", "Compare it with what is on the board"), self._compare, weight=8),
            Step(
                text("PutBack", "Agree on the plan and keep what is replaced"),
                self._agree,
                weight=3,
                detail=text("PutBack", "Nothing is written before you have seen the plan."),
            ),
            Step(text("PutBack", "Put back what nothing runs from"), self._write_early, weight=8),
            Step(text("PutBack", "Put back the firmware"), self._write_firmware, weight=16),
            Step(text("PutBack", "Put back what could not be reached before"), self._write_late, weight=2),
            Step(text("PutBack", "Start the board"), self._start, weight=3, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was put back, and where that is kept which was replaced by it."""
        kept = self._kept
        assert kept is not None
        targets = self._targets
        facts = [
            Fact("from", text("PutBack", "As it was on"), when(kept.made)),
            Fact("places", text("PutBack", "Slots put back"), str(len(targets))),
        ]
        if self._after is not None:
            facts += [
                Fact(f"now-{slot.region}", slot.name, slot.what)
                for slot in self._after.slots
                if any(target.region == slot.region for target in targets)
            ]
        done, same = (_DONE_BUT_KEYS, _DONE_NO_KEYS) if self._keys_left else (_DONE, _DONE_SAME)
        return Outcome(
            done if targets else same,
            (*facts, *self._rescue.where_kept()),
            kept=self._rescue.files,
            warnings=tuple(self._warnings),
            next_steps=(*((self._left,) if self._left is LEFT_QUIET else ()), _NEXT_LOOK),
            xray=self._after,
            next_recipes=("x-ray",),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while its firmware is untouched."""
        self._rescue.close()
        if not any(key.startswith(RUNS) or key == CORE_FLAGS for key in self._rescue.touched):
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _prepare(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        self._rescue.resumes(job)
        self._kept = kept = self._choose(job)
        self._rescue.answers[kept.kind.value] = kept.id
        if kept.board.platform != job.platform.key or (kept.kind is Kind.RESCUE and self._matched(job) is Match.NO):
            raise self._other_board(job)
        unlock_safe(job)
        self._rescue.prepare(job, kept.size, secrets=True)
        self._pieces = pieces(job.undo, kept, job.platform)
        job.say(_VERIFIED.with_values(size=sum(len(piece.content) for piece in self._pieces)))

    def _compare(self, job: Job) -> None:
        kept = self._kept
        assert kept is not None
        identity_from_dct(job)
        self._match = self._matched(job)
        self._insist_on_board(job)
        looked = look(job)
        self._quirks = loader_of(looked, job.platform, job.boot_loader).quirks
        self._reached = all(
            looked.xray.slot(region.key).state is not SlotState.UNREADABLE
            for region in job.platform.regions
            if region.medium is Medium.DCT
        )
        chosen = self._worth_reading(job)
        current = self._read(job, chosen)
        self._before = replace(looked, memory={**looked.memory, **whole(chosen, current)})
        differing = [
            piece for piece, there in zip(chosen, current, strict=True) if there is None or there != piece.content
        ]
        self._take(job, differing)
        job.say(_FOUND.with_values(count=len(self._targets), same=len(chosen) - len(differing)))

    def _agree(self, job: Job) -> None:
        looked = self._before
        assert looked is not None
        if not self._targets:
            job.skip(_NOTHING_TO_DO)
            return
        stays = [_STAYS_LOADER, _STAYS_SAME]
        if not any(target.over_key for target in self._targets):
            stays.append(_STAYS_KEYS)
        needs = [_NEEDS_POWER]
        if self._order.late and Quirk.PART2_NEEDS_RESET in self._quirks:
            needs.append(_NEEDS_RESTART)
        plan = self._rescue.plan(
            job, looked, self._targets, stays=stays, needs=needs, warnings=self._warnings, extra_seconds=START_S
        )
        self._rescue.agree(job, plan)

    # --- steps: writing ---

    def _write_early(self, job: Job) -> None:
        self._write(job, self._order.early)

    def _write_firmware(self, job: Job) -> None:
        if Quirk.DCT_NEEDS_PART2 in self._quirks and Quirk.PART2_NEEDS_RESET in self._quirks and self._order.firmware:
            # 2.4.11: this boot loader goes on calling code in part 2 at the addresses it found when it started.
            self._rescue.blind = frozenset({DCT})
        self._write(job, self._order.firmware)

    def _write_late(self, job: Job) -> None:
        if not self._order.late:
            job.skip(_NOTHING_HERE)
            return
        if DCT in self._rescue.blind:
            restart_in_dfu(job)  # only then does this boot loader find the settings (2.4.11)
            self._rescue.blind = frozenset()
        if look(job, (DCT,)).xray.slot(DCT).state is SlotState.UNREADABLE:
            for target in self._order.late:
                words = _WARN_NO_SETTINGS.with_values(name=target.title)
                job.note(words)
                self._warnings.append(words)
            return
        self._write(job, self._order.late)

    def _start(self, job: Job) -> None:
        """Start the board. It is finished once the board was told to: only that sets a Core's flag right (2.2, 3.1).

        Raises:
            NotSeenStarting: It may not have been told to.
        """
        self._after = self._rescue.look_again(job)
        closes = bool(self._targets or job.given(RESUME)) or self._is_open
        alone = not closes or starts_alone(job)
        self._left = leave_dfu(job)
        if closes:
            insist_on_start(job, self._left, alone=alone)
        self._rescue.finish(job)
        self._close(job)
        said = self._left if self._left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            self._warnings.append(said)
        job.say(said)

    # --- which ---

    def _choose(self, job: Job) -> Kept:
        """Return what was named beforehand, or what the interrupted run was at, or what the person chooses."""
        beforehand = {kind: job.given(kind.value) for kind in Kind}
        if not any(beforehand.values()) and job.given(RESUME):
            recorded = job.undo.rescue(job.given(RESUME)).answers
            beforehand = {kind: str(recorded.get(kind.value, "")) for kind in Kind}
        for kind, kept_id in beforehand.items():
            if kept_id:
                return by_name(job.undo, kind, kept_id)
        offered = listed(job.undo, board_name(job))
        if not offered:
            raise NothingKept(job.board.sighting.serial or "")
        options = tuple((each.name, _words(each)) for each in offered[:MOST_OFFERED])
        answer = str(job.ask(Choose("what", _WHAT_TITLE, _WHAT_BODY, options)))
        return next(each for each in offered if each.name == answer)

    def _matched(self, job: Job) -> Match:
        assert self._kept is not None
        return match(self._kept.board, job.board)

    def _other_board(self, job: Job) -> KeptOfOtherBoard:
        return KeptOfOtherBoard(f"plugged in: {job.board.sighting.serial}", kept=self._from)

    @property
    def _from(self) -> str:
        """The board it was kept of, for people."""
        assert self._kept is not None
        board = self._kept.board
        return f"{platform_of(board.platform).name} {board.device_id or board.serial}".strip()

    def _insist_on_board(self, job: Job) -> None:
        """See that what was kept may come onto this board at all.

        Raises:
            KeptOfOtherBoard: It is from another board, and is more than its plain firmware.
            Cancelled: The person does not want it.
        """
        kept = self._kept
        assert kept is not None
        if self._match is Match.YES:
            return
        if self._match is Match.NO and kept.kind is Kind.RESCUE:
            raise self._other_board(job)
        question = Confirm("other-board", _OTHER_TITLE, _OTHER_BODY.with_values(kept=self._from), _OTHER_YES, _OTHER_NO)
        if self._match is Match.MAYBE:
            body = _MAYBE_BODY.with_values(when=when(kept.made))
            question = Confirm("other-board", _MAYBE_TITLE, body, _MAYBE_YES, _OTHER_NO)
        if not job.ask(question):
            raise Cancelled
        self._rescue.answers["other-board"] = True
        if self._match is Match.NO:
            self._warnings.append(_WARN_OTHER.with_values(kept=self._from))

    # --- what ---

    def _worth_reading(self, job: Job) -> list[Piece]:
        """Return the pieces that can be compared; of the settings of a whole board also the marks in them alone."""
        return worth_reading(job.platform, job.boot_loader, self._pieces, own=self._match is not Match.NO)

    def _read(self, job: Job, chosen: Sequence[Piece]) -> list[bytes | None]:
        """Return what stands on the board in place of each piece; None where it cannot be read now."""
        total = sum(len(piece.content) for piece in chosen)
        done = 0
        found: list[bytes | None] = []
        for piece in chosen:
            readable = self._reached or not piece.settings
            found.append(_there(job, piece, done, total) if readable else None)
            done += len(piece.content)
        return found

    def _take(self, job: Job, differing: Sequence[Piece]) -> None:
        """Turn what differs into targets, in their order, and tell what stays although it differs."""
        kept = self._kept
        assert kept is not None
        for piece in differing:
            if piece.region.key.startswith(BOOT_LOADER):
                if _WARN_LOADER not in self._warnings:
                    self._warnings.append(_WARN_LOADER)
            elif not piece.region.writable:
                self._warnings.append(_WARN_FIXED.with_values(name=piece.region.name))
        if kept.dump is not None:
            rows = {row.key: row.name for row in job.platform.regions}
            self._warnings += [
                _WARN_MISSING.with_values(name=rows.get(each.region, each.region)) for each in kept.dump.missing
            ]
        if kept.rescue is not None and kept.rescue.damaged:
            self._warnings.append(_WARN_DAMAGED)
        self._placed = order = Order(job.platform, kept, reached=self._reached)
        possible = [
            piece for piece in differing if piece.region.writable and not piece.region.key.startswith(BOOT_LOADER)
        ]
        keys = [piece for piece in possible if piece.key]
        with_keys = self._insist_on_keys(job, keys)
        wider = [piece for piece in keys if piece.settings] if with_keys else []
        for piece in possible:
            if piece.key and not with_keys:
                continue
            if piece.settings and not piece.key and any(_inside(piece, other) for other in wider):
                continue  # the mark is part of the settings that are put back whole
            order.place(piece)
        order.sort()
        self._warn_of_loader(job)
        if self._loses_settings(job):
            self._warnings.append(_WARN_OUT_OF_REACH)

    def _warn_of_loader(self, job: Job) -> None:
        """The boot loader stays as it is, so what is put back may need a newer one (7.2)."""
        assert self._before is not None
        found = self._before.installed.get(LOADER)
        wanted = self._order.loader_wanted()
        if found is not None and found < wanted:
            self._warnings.append(_WARN_LOADER_TOO_OLD.with_values(wanted=wanted, found=found))

    def _loses_settings(self, job: Job) -> bool:
        """Whether the boot loader will reach the settings no more, though it does now (2.4.11, 8.5)."""
        if not self._reached or Quirk.DCT_NEEDS_PART2 not in self._quirks:
            return False
        return self._order.ends_reach()

    def _insist_on_keys(self, job: Job, keys: Sequence[Piece]) -> bool:
        """Whether keys and settings are put back, too: only if the person says so, and on the very board.

        Raises:
            KeysNotProven: They shall be, but it is not proven that they are from this board.
            IdentityUnproven: They shall be, but nothing proves which board this is.
        """
        if not keys:
            return False
        if self._match is Match.NO:
            return False
        names = joined(dict.fromkeys(piece.region.name for piece in keys))
        question = Confirm("with-keys", _KEYS_TITLE, _KEYS_BODY.with_values(names=names), _KEYS_YES, _KEYS_NO)
        wanted = bool(job.ask(question))
        self._rescue.answers["with-keys"] = wanted
        if not wanted:
            self._keys_left = True
            self._warnings.append(_WARN_KEYS_STAY)
            return False
        require_proven(job)
        if self._matched(job) is not Match.YES:
            raise KeysNotProven(f"kept of {self._from}")
        self._warnings.append(_WARN_KEYS)
        return True

    # --- inside ---

    @property
    def _is_open(self) -> bool:
        """Whether what is put back was kept by a rescue that is still interrupted."""
        assert self._kept is not None
        return self._kept.rescue is not None and self._kept.rescue.open

    @property
    def _targets(self) -> list[Target]:
        return self._placed.targets if self._placed is not None else []

    @property
    def _order(self) -> Order:
        assert self._placed is not None
        return self._placed

    def _write(self, job: Job, targets: Sequence[Target]) -> None:
        """Write one after another as one stretch of progress."""
        if not targets:
            job.skip(_NOTHING_HERE)
            return
        self._rescue.write_all(job, targets)

    def _close(self, job: Job) -> None:
        """The rescue whose traces were removed is no longer interrupted, and neither is this one."""
        kept = self._kept
        assert kept is not None
        try:
            open_ones = {rescue.id for rescue in job.undo.interrupted()}
            over = [] if kept.origin is None else [each.id for each in of_one_origin(job.undo, kept.origin)]
            if kept.id in open_ones and self._keys_left:
                job.note(_STILL_OPEN)
                self._warnings.append(_STILL_OPEN)
            elif not self._keys_left:
                for each in over:
                    job.undo.forget(each)
            if job.given(RESUME) in open_ones:
                with job.undo.resume(job.given(RESUME)) as journal:
                    journal.finish()
        except RescueUnknown:
            return
        except Fault as fault:  # the board is done; that an old note stays open is no failure of this run
            job.note(_NOT_CLOSED.with_values(reason=fault.cause))


def _words(kept: Kept) -> Text:
    """Return one line about something that can be put back."""
    moment = when(kept.made)
    if kept.rescue is None:
        return _A_DUMP.with_values(when=moment, size=kept.size)
    from app.recipes.registry import known  # which imports this module

    recipe = known(kept.rescue.recipe)
    words = _A_RESCUE_OPEN if kept.rescue.open else _A_RESCUE
    return words.with_values(when=moment, recipe=kept.rescue.recipe if recipe is None else recipe.title)


def _inside(piece: Piece, other: Piece) -> bool:
    """Whether a piece is all inside another one."""
    same = piece.region.key == other.region.key
    return same and other.address <= piece.address and piece.end <= other.end


def _there(job: Job, piece: Piece, done: int, total: int) -> bytes:
    """Return what stands on the board in place of a piece."""
    with job.dfu(piece.region.alt) as session:
        return session.read(piece.address, len(piece.content), lambda here, _: job.tick(done + here, total))
