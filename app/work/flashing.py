"""How every recipe that writes does it: look, plan, agree, keep what is there, write, read back, remember how far.

A recipe makes one `Rescue` per run, plans its targets with it, and writes them one after another in its own steps.
Run again with the same answers it skips what is already right, so finishing an interrupted rescue is running it again.

The keys of a board cannot be reached from here: a target whose erase units touch a key slot, or memory that holds
secrets, is refused as a mistake of the program before anything is read or written.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.faults import Cancelled, Fault, RescueOfOtherBoard, RescueUnknown, WrongBoardReturned
from app.firmware.image import Function
from app.platforms.model import KeySlot, Medium, Quirk, Region
from app.protocols.flash import Flasher, FlashReport, UnitWritten, plan_flash
from app.text import Text, text
from app.undo.board_name import BoardName, Match
from app.undo.journal import Journal
from app.undo.rescue import InterruptedRescue
from app.undo.snapshots import Snapshot
from app.work.board import match
from app.work.events import Fact
from app.work.job import Job
from app.work.plan import PlannedWrite, RescuePlan, XRay
from app.work.questions import Review
from app.work.reading import read_twice
from app.work.spans import Memory, Span, Target, is_of, laid_over, made_of, meets, refuse_keys, span_of
from app.work.verdicts import CORE_FLAGS
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

RESUME = "resume"
"""Name of the answer that says which interrupted rescue a run finishes: the id of its journal."""
PLAN = "plan"
"""Name of the question that shows the plan."""
SAME_WORK = (frozenset({"restore-key", "change-key"}), frozenset({"switch-cloud", "local-cloud"}))
"""Recipes, by their keys, that make the same thing of a board: one that ends well ends what an earlier run of the other
left half-done at the same place. A proof of the handshake is in none: a board that was set to another cloud meanwhile
has not got back the server it had, so only finishing or putting back ends that, or the person's word."""
DOWNLOADS = "ota"
ROOM_TO_SPARE = 64 * 1024  # for the journal and the names of files, beside what is kept

_PLAN_TITLE = text("Flashing", "This is what will be done")
_PLAN_BODY = text(
    "Flashing",
    "Nothing has been written yet. What is replaced is kept on this computer first and can be put back.",
)
_YES = text("Flashing", "Do it")
_NO = text("Flashing", "Leave the board as it is")
_AGAIN_TITLE = text("Flashing", "The board no longer holds what it held")
_AGAIN_BODY = text(
    "Flashing",
    "What is to be replaced has changed since you saw the plan. Is this still the same board? This is the plan as it "
    "stands now.",
)
_ALL_THERE = text("Flashing", "Not needed: all of it is there already.")
_WRITTEN = text("Flashing", "{written} bytes written and all {size} read back: right.")
_KEPT_IN = text("Flashing", "What was there is kept in")
_NOT_KEPT = text("Flashing", "{name}: cannot be read now, so it is not kept. Nothing is written there.")
_OLD_NOT_CLOSED = text("Flashing", "An earlier interrupted run could not be marked as finished: {reason}")


@dataclass(frozen=True, slots=True)
class _Reviewed:
    """What the person agreed to: the board it was, the X-ray, and what goes with it."""

    board: BoardName
    looked: Looked
    targets: tuple[Target, ...]
    stays: tuple[Text, ...]
    needs: tuple[Text, ...]
    warnings: tuple[Text, ...]
    extra_seconds: float


class Rescue:
    """One writing run on one board. Close it in any case, for example in the recipe's `tidy`.

    Attributes:
        touched: Keys of the regions that were written to so far.
        kept: What was kept on this computer, in order.
        blind: Keys of regions that must not be read any more, for example because what reads them was replaced.
    """

    def __init__(self, recipe_key: str) -> None:
        """Take what is needed to run the recipe again later.

        Args:
            recipe_key: Key of the recipe.
        """
        self.recipe_key = recipe_key
        self.answers: dict[str, object] = {}
        """The answers that shaped it, by question; never a secret. They may be set until `agree`."""
        self.touched: set[str] = set()
        self.kept: list[Snapshot] = []
        self.blind: frozenset[str] = frozenset()
        self._reviewed: _Reviewed | None = None
        self._memory = Memory()
        self._journal: Journal | None = None
        self._began = False  # the journal is of this run, not of one that it finishes
        self._refused = False  # the plan, when it was shown again
        self._interrupted: tuple[InterruptedRescue, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files that what was replaced is kept in, each once."""
        return tuple(dict.fromkeys(str(each.file) for each in self.kept))

    def where_kept(self) -> tuple[Fact, ...]:
        """Return the folder of those files as a fact for the end of the run; nothing when there are none."""
        folders = tuple(dict.fromkeys(str(each.file.parent) for each in self.kept))
        return tuple(Fact("folder", _KEPT_IN, folder, copy=True) for folder in folders[:1])

    # --- before anything is written ---

    def prepare(self, job: Job, need: int = 0, *, secrets: bool = False) -> None:
        """Before anything is asked of the board: make sure that what is there can be kept on this computer.

        Args:
            job: The run.
            need: Bytes that will be kept at most.
            secrets: Whether keys or settings are among them.

        Raises:
            Fault: The disk is full, or the folder cannot be written, or the key safe is locked.
        """
        job.undo.insist_writable(need + ROOM_TO_SPARE, secret=secrets)

    def resumes(self, job: Job) -> bool:
        """Whether this run finishes an interrupted one of the same board.

        Raises:
            RescueUnknown: There is none of the id given, or it is of another board.
        """
        rescue_id = job.given(RESUME)
        if not rescue_id:
            return False
        rescue = job.undo.rescue(rescue_id)
        if rescue.recipe != self.recipe_key or match(rescue.board, job.board) is Match.NO:
            raise RescueUnknown(f"{rescue_id} is of another board or recipe")
        return True

    def takes_up(self, job: Job, targets: Sequence[Target] = ()) -> bool:
        """Whether an interrupted run of this recipe, or of one that does the same, is over when this run is.

        Such a run plans all its targets, also what the board holds by now: only that closes what is open.

        Args:
            job: The run, on the very board that the other one was interrupted on.
            targets: All that might be written, where that is known: only a run that writes there, too, is over then.
        """
        return bool(self._taken_up(job, targets))

    def unfinished(self, job: Job, region: str) -> bool:
        """Whether a run that this one takes up may have left a target in that region half-written.

        Then it is planned again even where it looks whole: what stands beside it in its erase unit may be torn.
        """
        return any(
            target.region == region and target not in rescue.written
            for rescue in self._taken_up(job)
            for target in rescue.planned
        )

    def left_by_cut(self, job: Job, slot: KeySlot, found: bytes, written: Sequence[bytes]) -> bool:
        """Whether all that stands in a slot may be what runs that this one takes up kept, wrote, or had just erased.

        Then nothing is lost with it. Whatever else stands there came later, from somebody or something else.

        Args:
            job: The run.
            slot: The slot.
            found: What stands in it.
            written: What those runs may have written there.
        """
        sources = list(written)
        for piece in (piece for rescue in self._taken_up(job) for piece in rescue.snapshots):
            if piece.alt == slot.alt and piece.address <= slot.address and slot.address + len(found) <= piece.end:
                try:
                    sources.append(job.undo.read(piece)[slot.address - piece.address :][: len(found)])
                except Fault as fault:
                    log.info("%s: %s", piece.file.name, fault.code)
        return made_of(found, sources, blank=True)

    def plan(
        self,
        job: Job,
        looked: Looked,
        targets: Sequence[Target],
        *,
        stays: Sequence[Text] = (),
        needs: Sequence[Text] = (),
        warnings: Sequence[Text] = (),
        extra_seconds: float = 0.0,
    ) -> RescuePlan:
        """Work out what will change, without changing anything; the board has to be in update mode.

        Args:
            job: The run.
            looked: What is on the board.
            targets: What to write, in order; one may go over an earlier one.
            stays: What is left alone, in words.
            needs: What else is needed.
            warnings: What a person must not miss.
            extra_seconds: How long everything but writing takes.

        Raises:
            ValueError: A target would reach a key, or does not fit: a mistake of the program.
            RescueUnknown: By now it is known that what was to be finished is of another board, or it may be and the
                memory of this one is not what was left behind.
            Fault: The board could not be read.
        """
        self.resumes(job)
        for target in targets:
            refuse_keys(job.platform, target)
        self._reviewed = _Reviewed(
            board_name(job),
            looked,
            tuple(targets),
            tuple(stays),
            tuple(needs),
            tuple(warnings),
            extra_seconds,
        )
        self._memory = Memory()
        self._interrupted = self._taken_up(job)
        for target in targets:
            if not target.later:
                self._read_before(job, target)
        self._insist_on_what_was_left(job, self._reviewed.targets)
        return self._planned(job, self._reviewed.targets)

    def agree(
        self, job: Job, plan: RescuePlan, *, keep: Sequence[str] = (), agreed: Callable[[], None] | None = None
    ) -> None:
        """Show the plan (question `plan`); once it is agreed to, keep everything it replaces and begin the journal.

        Args:
            job: The run.
            plan: From `plan`.
            keep: Keys of further regions to keep although nothing is written to them, for example those with keys.
            agreed: Called once it was agreed to, before the journal begins; it may still change `answers`.

        Raises:
            Cancelled: It was not agreed to.
            Fault: Something could not be kept; then nothing may be written.
        """
        if not job.ask(Review(PLAN, _PLAN_TITLE, _PLAN_BODY, plan, _YES, _NO)):
            raise Cancelled
        job.insist_same()
        reviewed = self._of_review(job)
        extra = self._read_extra(job, keep)
        pieces = self._memory.outermost()
        room = sum(len(content) for _, content in pieces) + sum(len(content) for _, content in extra)
        job.undo.insist_writable(room + ROOM_TO_SPARE, secret=any(region.secret for region, _ in extra))
        if agreed is not None:
            agreed()
        self._journal = self._begin(job)
        for region, content in extra:
            self._keep(job, region.key, Span(region.alt, region.start, region.size), content)
        for place, content in pieces:
            self._keep(job, self._region_of(job, place), place, content)
        for target in reviewed.targets:
            self._note_plan(job, target)

    def add(self, job: Job, target: Target) -> None:
        """Add a target that could be known only now; the words of the plan that was agreed to have to cover it.

        Args:
            job: The run.
            target: It is kept when it is written.

        Raises:
            ValueError: It would reach a key, or does not fit: a mistake of the program.
            Fault: It could not be noted; then nothing may be written.
        """
        refuse_keys(job.platform, target)
        reviewed = self._of_review(job)
        self._reviewed = replace(reviewed, targets=(*reviewed.targets, target))
        self._note_plan(job, target)

    # --- writing ---

    def write(self, job: Job, target: Target, *, done: int = 0, total: int = 0) -> FlashReport:
        """Write one target of the plan over what was kept, and read it back.

        What is there is looked at once more before: if it is not what the person agreed to replace, they are asked
        again, and what is there is kept too.

        Args:
            job: The run.
            target: One of those planned; they are written in the planned order.
            done: Bytes of the step done before this target.
            total: Bytes of the whole step; 0 when it is this target alone.

        Raises:
            Fault: The board could not be written, or does not hold what was written.
            Cancelled: The person stopped the job; between two erase units.
        """
        job.insist_same()
        reviewed, journal = self._of_review(job), self._journal
        assert journal is not None, "nothing is written that was not agreed to"
        assert target in reviewed.targets, "nothing is written that was not planned"
        region = job.platform.region(target.region)
        loader = job.boot_loader
        place = span_of(job.platform, target)
        whole = total or len(target.content)
        with job.dfu(region.alt) as session:
            current = session.read(place.start, place.size)
        later = target.later and place not in self._memory
        beside = place.size > len(target.content)
        # What stands beside the target is written again with it, and a single read may be wrong.
        if (later and beside) or (not later and current != self._memory[place]):
            current = read_twice(job, place.alt, place.start, place.size, region.key)
        if later:
            self._memory.put(place, current)
            self._keep(job, target.region, place, current)
        if current != self._memory[place]:
            self._agree_again(job, target, place, current)
        address, content = self._mended(job, target, place, current)
        plan = plan_flash(job.platform, loader, region, address, content, current)
        if plan.units:
            job.changed = True
            self.touched.add(region.key)

        def on_unit(news: UnitWritten) -> None:
            if news.done:
                journal.page(region.key, news.address, news.size)

        with job.dfu(region.alt) as session:
            report = Flasher(session, job.platform, loader, job.clock).write(
                plan, on_unit, lambda here, _: job.tick(done + here, whole)
            )
        self._memory.put(place, plan.wanted)
        journal.wrote(region.key, target.address, len(target.content))
        job.tick(done + len(target.content), whole)
        return report

    def reached(self, point: str) -> None:
        """Note that a point was reached which nothing on the board tells of; `has_reached` tells a later run."""
        assert self._journal is not None, "a point lies behind what was agreed to"
        self._journal.reached(point)

    def has_reached(self, job: Job, point: str) -> bool:
        """Whether the interrupted run that this one finishes reached that point."""
        return self.resumes(job) and point in job.undo.rescue(job.given(RESUME)).reached

    def write_all(self, job: Job, targets: Sequence[Target]) -> bool:
        """Write targets one after another as one stretch of progress, and let the step say what that took.

        Returns:
            Whether anything had to be written.

        Raises:
            As `write`.
        """
        total = sum(len(target.content) for target in targets)
        done = written = 0
        for target in targets:
            written += self.write(job, target, done=done, total=total).written
            done += len(target.content)
        job.say(_WRITTEN.with_values(written=written, size=total) if written else _ALL_THERE)
        return written > 0

    def look_again(self, job: Job, *, coming: Mapping[tuple[Function, int], int] | None = None) -> XRay:
        """Look at the board once more after writing, but for what is `blind`.

        A Core's flags are left out: leaving update mode is about to set them (2.2), and that cannot be looked at.

        Args:
            job: The run.
            coming: As for `look`.
        """
        unseen = {CORE_FLAGS, *self.blind}
        return look(job, {region.key for region in job.platform.regions} - unseen, coming=coming).xray

    def finish(self, job: Job) -> None:
        """Close the journal, and those of earlier interrupted runs on this very board that are over with this one."""
        if self._journal is None:
            return
        if job.identity is not None and self._of_review(job).board.device_id is None:
            self._journal.knows(job.identity.device_id)
        self._journal.finish()
        self._journal = None
        try:
            for earlier in self._superseded(job):
                job.undo.resume(earlier.id).finish()
        except Fault as fault:  # the board is done; that an old note stays open is no failure of this run
            job.note(_OLD_NOT_CLOSED.with_values(reason=fault.cause))

    def close(self, job: Job | None = None) -> None:
        """Let go of the journal as it is: what is not finished is offered to be finished. May be called twice.

        Args:
            job: The run, if its recipe changes the board in no other way than by `write`. Then one that was begun here
                is forgotten if the person ended it before anything was written: there is nothing to finish or to undo.
        """
        journal, self._journal = self._journal, None
        if journal is None:
            return
        unwanted = job is not None and (self._refused or job.stopping)
        if unwanted and self._began and not self.touched:
            try:
                journal.drop()
            except Fault as fault:  # it is offered to be finished, which does no harm
                log.info("rescue %s could not be dropped: %s", journal.id, fault.code)
        journal.close()

    # --- inside ---

    def _of_review(self, job: Job) -> _Reviewed:
        """Return what was reviewed, once it is sure that the board on the port is the one it was reviewed for.

        Raises:
            WrongBoardReturned: It is another one.
        """
        assert self._reviewed is not None, "nothing is written that was not planned"
        if match(self._reviewed.board, job.board) is Match.NO:
            raise WrongBoardReturned(f"planned for {self._reviewed.board.serial}, found {job.board.sighting.serial}")
        return self._reviewed

    def _read_before(self, job: Job, target: Target) -> None:
        """Learn what stands in the units a target touches: from the X-ray where it read so far, else from the board."""
        place = span_of(job.platform, target)
        if place in self._memory:
            return
        assert self._reviewed is not None
        region = job.platform.region(target.region)
        known = self._reviewed.looked.memory.get(region.key, b"")[max(0, place.start - region.start) :]
        content = known[: place.size] if place.start >= region.start else b""
        if len(content) < place.size:
            with job.dfu(place.alt) as session:
                content += session.read(place.start + len(content), place.size - len(content))
        self._memory.put(place, content)

    def _planned(self, job: Job, targets: Sequence[Target]) -> RescuePlan:
        """Play the writes through on a copy of the memory, each on what the one before it leaves behind."""
        reviewed = self._reviewed
        assert reviewed is not None
        loader = job.boot_loader
        memory = self._memory.copy()
        writes = []
        for target in targets:
            place = span_of(job.platform, target)
            region = job.platform.region(target.region)
            known = place in memory
            current = memory[place] if known else bytes(place.size)
            address, content = self._mended(job, target, place, current) if known else (target.address, target.content)
            plan = plan_flash(job.platform, loader, region, address, content, current)
            if known:
                memory.put(place, plan.wanted)
            writes.append(
                PlannedWrite(
                    title=target.title,
                    region=region.key,
                    where=region.name,
                    alt=region.alt,
                    address=target.address,
                    size=plan.size,
                    changed=plan.changed if known else None,
                    why=target.why,
                    source=target.source,
                    seconds=plan.seconds,
                )
            )
        return RescuePlan(
            reviewed.looked.xray,
            tuple(writes),
            reviewed.stays,
            reviewed.needs,
            reviewed.warnings,
            sum(write.seconds for write in writes) + reviewed.extra_seconds,
        )

    def _taken_up(self, job: Job, targets: Sequence[Target] = ()) -> tuple[InterruptedRescue, ...]:
        """Return the interrupted rescues that are over when this run is."""
        rescue_id = job.given(RESUME)
        return (job.undo.rescue(rescue_id),) if rescue_id else self._superseded(job, targets)

    def _superseded(self, job: Job, targets: Sequence[Target] = ()) -> tuple[InterruptedRescue, ...]:
        """Return earlier interrupted runs on this very board that do the same work at places where this run writes."""
        if self._reviewed is not None:
            targets = self._reviewed.targets
        places = [span_of(job.platform, each) for each in targets] if targets or self._reviewed is not None else None
        rescue_id = job.given(RESUME)
        begun = job.undo.rescue(rescue_id).started if rescue_id else None  # else this run is the newest there is
        same = next((each for each in SAME_WORK if self.recipe_key in each), frozenset({self.recipe_key}))
        return tuple(
            each
            for each in job.undo.interrupted()
            if each.recipe in same
            and (each.recipe == self.recipe_key or begun is None or each.started < begun)
            and match(each.board, job.board) is Match.YES
            and (places is None or any(meets(place, target) for place in places for target in each.planned))
        )

    def _insist_on_what_was_left(self, job: Job, targets: Sequence[Target]) -> None:
        """Where no ID tells boards apart, what stands on this one has to be what the interrupted run left behind.

        A place it had written holds that, or what later targets made of it. One it may have torn holds, byte for byte,
        something old, something new, or nothing. Settings are left out: firmware changes them whenever it starts; and
        so is the download area, where it puts what comes over the air.

        Raises:
            RescueOfOtherBoard: Another board's memory, or this one's was changed by somebody else.
        """
        rescue_id = job.given(RESUME)
        rescue = job.undo.rescue(rescue_id) if rescue_id else None
        if rescue is None or match(rescue.board, job.board) is not Match.MAYBE:
            return
        for number, target in enumerate(targets):
            place = span_of(job.platform, target)
            begun = next((each for each in rescue.planned if is_of(each, place.alt, target)), None)
            if begun is None or target.into_settings or target.over_key or target.region == DOWNLOADS:
                continue
            if place not in self._memory:
                continue
            rest = targets[number:]
            if begun in rescue.written:
                start, end, olds = target.address, target.address + len(target.content), [target.content]
            else:
                start, end = place.start, place.end
                olds = [
                    job.undo.read(piece)[start - piece.address : end - piece.address]
                    for piece in rescue.snapshots
                    if piece.alt == place.alt and piece.address <= start and end <= piece.end
                ]
            news = [
                laid_over(old, start, each)
                for old in olds[:1]
                for each in rest
                if job.platform.region(each.region).alt == place.alt
            ]
            torn = begun not in rescue.written or any(
                meets(place, later) and later not in rescue.written for later in rescue.planned if later != begun
            )
            current = self._memory[place][start - place.start : end - place.start]
            if olds and not made_of(current, [*olds, *news], blank=torn):
                log.info("alt %d 0x%08X: not what the interrupted run left", place.alt, start)
                raise RescueOfOtherBoard(f"{target.region} 0x{start:08X}")

    def _mended(self, job: Job, target: Target, place: Span, current: bytes) -> tuple[int, bytes]:
        """Return what is written, and where: the target, with the rest of its erase units where a cut tore that.

        A run that ended between erasing such a unit and writing all of it took what stands there beside the target;
        it is in what that run kept. What changes once the target was read back is somebody else's, and stays.
        """
        before = target.address - place.start
        behind = before + len(target.content)
        if place.size == len(target.content):
            return target.address, target.content
        for rescue in reversed(self._interrupted):  # the oldest first
            begun = [each for each in rescue.planned if each not in rescue.written]
            if not any(
                (each.alt, each.address, each.size) == (place.alt, target.address, len(target.content))
                for each in begun
            ):
                continue
            for piece in rescue.snapshots:
                if piece.alt == place.alt and piece.address <= place.start and place.end <= piece.end:
                    kept = job.undo.read(piece)[place.start - piece.address :][: place.size]
                    if (kept[:before], kept[behind:]) == (current[:before], current[behind:]):
                        return target.address, target.content
                    log.info("alt %d 0x%08X: beside what is written, as it was kept", place.alt, place.start)
                    return place.start, kept[:before] + target.content + kept[behind:]
        return target.address, target.content

    def _agree_again(self, job: Job, target: Target, place: Span, current: bytes) -> None:
        """The board holds something else than was agreed to replace: ask once more, and keep that too.

        Raises:
            Cancelled: The person does not agree.
        """
        log.info("alt %d 0x%08X: not what was reviewed", place.alt, place.start)
        reviewed = self._of_review(job)
        self._memory.put(place, current)
        chosen = [region.key for region in job.platform.regions if region.key not in self.blind]
        self._reviewed = replace(reviewed, looked=look(job, chosen))
        rest = reviewed.targets[reviewed.targets.index(target) :]
        if not job.ask(Review(PLAN, _AGAIN_TITLE, _AGAIN_BODY, self._planned(job, rest), _YES, _NO)):
            self._refused = True
            raise Cancelled
        job.insist_same()
        self._keep(job, target.region, place, current)

    def _read_extra(self, job: Job, keys: Sequence[str]) -> list[tuple[Region, bytes]]:
        """Read whole regions that are only kept. One that the boot loader cannot give now cannot be changed either.

        Raises:
            KeyReadsDiffer: No two reads in a row were the same.
        """
        found = []
        for key in keys:
            region = job.platform.region(key)
            content = read_twice(job, region.alt, region.start, region.size, region.key)
            if region.medium is Medium.DCT and job.has(Quirk.DCT_NEEDS_PART2) and content == bytes(region.size):
                job.note(_NOT_KEPT.with_values(name=region.name))
                continue
            found.append((region, content))
        return found

    def _note_plan(self, job: Job, target: Target) -> None:
        assert self._journal is not None
        alt = job.platform.region(target.region).alt
        digest = "" if target.over_key else hashlib.sha256(target.content).hexdigest()
        self._journal.plans(target.region, alt, target.address, len(target.content), digest)

    def _begin(self, job: Job) -> Journal:
        assert self._reviewed is not None
        rescue_id = job.given(RESUME)
        if rescue_id:
            return job.undo.resume(rescue_id)
        self._began = True
        return job.undo.begin(self._reviewed.board, self.recipe_key, self.answers)

    def _keep(self, job: Job, region: str, place: Span, content: bytes) -> None:
        assert self._reviewed is not None
        assert self._journal is not None
        secret = job.platform.region(region).secret
        snapshot = job.undo.keep(self._reviewed.board, region, place.alt, place.start, content, secret=secret)
        self._journal.keeps(snapshot)
        self.kept.append(snapshot)

    def _region_of(self, job: Job, place: Span) -> str:
        """Return the key of the region a span was planned for."""
        assert self._reviewed is not None
        return next(each.region for each in self._reviewed.targets if span_of(job.platform, each) == place)


def board_name(job: Job) -> BoardName:
    """Return what is known of the job's board, as the undo store names boards."""
    identity = job.identity
    return BoardName(job.platform.key, identity.device_id if identity else None, job.board.sighting.serial or "")
