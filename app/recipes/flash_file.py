"""Flash a program of one's own: any firmware file, judged for this board and this slot before a byte is written.

What can never work is refused with the reason and what to do instead; what is only doubtful is listed and asked about
once. Source: device-protocol.md 3, 7.2, 8.1, 8.5.
"""

from __future__ import annotations

import hashlib
import logging
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.faults import (
    BadAnswer,
    BootLoaderAlone,
    Cancelled,
    FileUnreadable,
    ImageDoesNotFit,
    ImageUnreadable,
    SnapshotDamaged,
)
from app.firmware.image import Function, Image, parse
from app.firmware.pack import recognise
from app.firmware.releases import describe
from app.firmware.verdict import Judgement, Problem, judge
from app.platforms.model import Mode, Platform, Quirk
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    enter_dfu,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    starts_alone,
    warn_of_waiting,
)
from app.recipes.system_set import loader_of, system_regions
from app.text import Text, joined, text
from app.work.events import Fact, Outcome
from app.work.flashing import RESUME, Rescue, board_name
from app.work.job import Job
from app.work.memory_map import places
from app.work.plan import Health, XRay
from app.work.questions import Choose, Confirm, PickFile
from app.work.spans import Target
from app.work.step import Step
from app.work.verdicts import FLASH_FILE
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

LARGEST = 2 * 1024 * 1024  # bytes; no board of the table has more memory in one piece
START_S = 10.0
DCT = "dct"
MOVED = "factory-moved"

FILE = PickFile(
    name="file",
    title=text("FlashFile", "Which program?"),
    body=text(
        "FlashFile", "The .bin file of a program that was built for this board. It is checked before it is used."
    ),
    suffixes=(".bin",),
)
_SLOT_TITLE = text("FlashFile", "Where shall it go?")
_SLOT_BODY = text(
    "FlashFile",
    "The board runs what is in its first slot. What is in the slot for factory firmware only waits there for a "
    "factory reset.",
)
_SLOT_RUNS = text("FlashFile", "{place}: the board runs it at once")
_SLOT_WAITS = text("FlashFile", "{place}: it waits there for a factory reset")
_RISK_TITLE = text("FlashFile", "There is a doubt about this file")
_RISK_YES = text("FlashFile", "Flash it all the same")
_RISK_NO = text("FlashFile", "Leave the board as it is")
_REASON = text("FlashFile", "{words} {step}")
_AND = text("FlashFile", "{before} {after}")

_WHY = text("FlashFile", "It is what you chose, and it is built for this slot.")
_WHY_PIECE = text("FlashFile", "Complete firmware reaches over several slots; they are written from its beginning on.")
_STAYS_KEYS = text("FlashFile", "Keys, Wi-Fi networks and all other settings.")
_STAYS_KEYS_ALONE = text(
    "FlashFile", "The keys. What this program does to the Wi-Fi networks the board knows is not certain."
)
_STAYS_LOADER = text("FlashFile", "The boot loader.")
_NEEDS_POWER = text("FlashFile", "A cable that stays in until the end.")
_WARN_REPLACED = text("FlashFile", "This is replaced: {what}. It is kept and can be put back.")
_WARN_PARTS = text(
    "FlashFile",
    "It takes the place of the system parts. Update mode then cannot reach keys and settings until a system with parts "
    "is back; they stay on the board all the same.",
)
_WARN_UPDATE = text("FlashFile", "An update waits on the board. At the next start it may replace what is written now.")

_IS = text("FlashFile", "It is {what}, {size} bytes, and fits this kind of board.")
_FOUND = text("FlashFile", "Found: {what}.")
_DONE = text("FlashFile", "The firmware you chose is on the board.")
_DONE_FACTORY = text("FlashFile", "The firmware you chose is on the board as its factory firmware.")
_CAME_BACK_IN_DFU = text(
    "FlashFile",
    "The board came back in update mode: what it holds now does not start, although it was written and read back. See "
    "what is on it, or put back what was there.",
)
_NEXT_LIGHT = text(
    "FlashFile",
    "Look at the light. Breathing cyan: connected. Blinking green: it looks for its network. Blinking blue: it waits "
    "to be told one. Your program may show something else.",
)
_NEXT_SAFE_MODE = text(
    "FlashFile",
    "Breathing magenta is safe mode, which cannot be seen over USB: the system is missing something that your program "
    "needs. Restore the system then.",
)
_NEXT_PUT_BACK = text("FlashFile", "If you do not like it: “Put it back” brings back what was there before.")
_TOO_LARGE = text("FlashFile", "It has {size} bytes; no board has room for that.")


@dataclass(frozen=True, slots=True)
class _Slot:
    """A slot the image may go into, with what speaks against it."""

    key: str
    judged: Judgement


class FlashFile(Recipe):
    """Write one firmware file to the slot it is built for."""

    key = FLASH_FILE
    title = text("FlashFile", "Flash my own program")
    summary = text(
        "FlashFile",
        "Puts a .bin file onto the board: your own program, or any firmware. It is checked against the board first.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("FlashFile", "All memory that holds firmware, and what is going to be replaced."),
        writes=text("FlashFile", "Your file, into the slot it is built for. Nothing else."),
        keeps=text("FlashFile", "What it replaces, in a folder of this board on this computer, so it can be put back."),
        takes=text("FlashFile", "Less than a minute, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "FlashFile",
                "If the cable is pulled meanwhile, the board may not start until this is finished: plug it in again "
                "and choose to finish it.",
            ),
        ),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._name = ""
        self._image: Image | None = None
        self._slot: _Slot | None = None
        self._before: Looked | None = None
        self._after: XRay | None = None
        self._targets: list[Target] = []
        self._warnings: list[Text] = []
        self._left: Text = LEFT_RUNNING
        self._has_safe_mode = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("FlashFile", "Check the file"), self._prepare, weight=1),
            Step(
                text("FlashFile", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=2,
                detail=text("FlashFile", "Without buttons where that is possible."),
            ),
            Step(text("FlashFile", "Read what is on the board"), self._look, weight=2),
            Step(
                text("FlashFile", "Agree on the plan and keep what is replaced"),
                self._agree,
                weight=2,
                detail=text("FlashFile", "Nothing is written before you have seen the plan."),
            ),
            Step(text("FlashFile", "Write the program"), self._write, weight=12),
            Step(text("FlashFile", "Look at the board once more"), self._look_again, weight=2),
            Step(text("FlashFile", "Start the board"), self._start, weight=3, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what is on the board now, what was there before, and where that is kept."""
        before, after, image = self._before, self._after, self._image
        assert before is not None
        assert after is not None
        assert image is not None
        region = self._targets[0].region
        facts = [
            Fact("file", text("FlashFile", "File"), self._name),
            Fact("program", text("FlashFile", "What it is"), describe(image)),
            Fact("place", text("FlashFile", "Slot"), before.xray.slot(region).name),
            Fact("before", text("FlashFile", "Before"), before.xray.slot(region).what),
            Fact("now", text("FlashFile", "Now"), after.slot(region).what),
        ]
        verdict = after.verdict
        bad = verdict.health is not Health.NOTHING_WRONG
        return Outcome(
            _DONE_FACTORY if self._waits else _DONE,
            (*facts, *self._rescue.where_kept()),
            kept=self._rescue.files,
            warnings=(*self._warnings, *(verdict.reasons if bad else ())),
            next_steps=(
                *((self._left,) if self._left is LEFT_QUIET else ()),
                _NEXT_LIGHT,
                *((_NEXT_SAFE_MODE,) if self._has_safe_mode else ()),
                _NEXT_PUT_BACK,
            ),
            xray=after,
            next_recipes=tuple(dict.fromkeys((*(verdict.recipes if bad else ()), "put-back"))),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while it is as it was found."""
        self._rescue.close()
        if not self._rescue.touched:
            leave_as_found(job, self._found_mode)

    # --- steps ---

    def _prepare(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        self._rescue.resumes(job)
        given = str(job.ask(FILE))
        if not given:
            raise Cancelled
        path = Path(given).expanduser()
        content = _read(path)
        self._name = job.given("name") or path.name
        self._image = image = parse(content)
        self._has_safe_mode = bool(system_regions(job.platform))  # only a system in parts may lack one (7.2)
        judged = judge(image, job.platform)
        _insist(judged)
        if image.function is Function.BOOT_LOADER:
            raise BootLoaderAlone(path.name)
        self._rescue.prepare(job, 2 * LARGEST)
        job.say(_IS.with_values(what=describe(image), size=image.size))

    def _look(self, job: Job) -> None:
        identity_from_dct(job)  # so that what is kept is kept of this board, not of all that show the same number (1.4)
        self._before = look(job)
        image = self._image
        assert image is not None
        place = judge(image, job.platform).place
        assert place is not None
        first = places(job.platform, place.alt, place.start, place.start + image.size)[0].region.key
        job.say(_FOUND.with_values(what=self._before.xray.slot(first).what))

    def _agree(self, job: Job) -> None:
        image, looked = self._image, self._before
        assert image is not None
        assert looked is not None
        self._slot = slot = self._choose(job, image, looked)
        self._accept_risks(job, slot.judged)
        self._plan_targets(job.platform, image, slot)
        self._insist_on_copy(job)
        warnings = self._foreseen(job, looked)
        plan = self._rescue.plan(
            job,
            looked,
            self._targets,
            stays=(_STAYS_KEYS_ALONE if _patches_radio(image) else _STAYS_KEYS, _STAYS_LOADER),
            needs=(_NEEDS_POWER,),
            warnings=warnings,
            extra_seconds=START_S,
        )
        self._rescue.agree(job, plan, agreed=lambda: self._keep_file(job, image, slot))

    def _write(self, job: Job) -> None:
        if self._settings_get_lost(job):
            self._rescue.blind = frozenset({DCT})
        self._rescue.write_all(job, self._targets)

    def _look_again(self, job: Job) -> None:
        self._after = self._rescue.look_again(job)
        job.say(_FOUND.with_values(what=self._after.slot(self._targets[0].region).what))

    def _start(self, job: Job) -> None:
        """Start the board. It is finished once the board was told to: only that sets a Core's flag right (2.2, 3.1).

        Raises:
            NotSeenStarting: It may not have been told to.
        """
        alone = starts_alone(job)
        self._left = leave_dfu(job)
        insist_on_start(job, self._left, alone=alone)
        self._rescue.finish(job)
        said = self._left if self._left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU
        if self._left not in (LEFT_RUNNING, LEFT_QUIET):
            self._warnings.append(said)
        job.say(said)

    # --- where ---

    def _choose(self, job: Job, image: Image, looked: Looked) -> _Slot:
        """Return where it goes: the slot named beforehand, the only one there is, or the one the person chooses.

        Raises:
            ImageDoesNotFit: It can go into none, or not into the one that was named.
            BadAnswer: There is no slot of that name on this board.
        """
        platform = job.platform
        offered = [
            _Slot(key, judge(image, platform, region=key, installed=looked.installed)) for key in _keys(image, platform)
        ]
        named = job.given("slot")
        if named and named not in (slot.key for slot in offered):
            try:
                judged = judge(image, platform, region=named, installed=looked.installed)
            except KeyError:
                reason = "one of " + ", ".join(slot.key for slot in offered)
                raise BadAnswer(name="slot", reason=reason) from None
            _insist(judged)
            return _Slot(named, judged)
        for slot in offered[:1]:
            _insist(slot.judged)
        fit = [slot for slot in offered if not slot.judged.absolute and not _has(slot.judged, MOVED)]
        if not named and len(fit) == 1:
            return fit[0]
        if named:
            fit = offered
        options = tuple(
            (
                slot.key,
                (_SLOT_RUNS if number == 0 else _SLOT_WAITS).with_values(place=platform.region(slot.key).name),
            )
            for number, slot in enumerate(fit)
        )
        answer = str(job.ask(Choose("slot", _SLOT_TITLE, _SLOT_BODY, options)))
        chosen = next(slot for slot in fit if slot.key == answer)
        _insist(chosen.judged)
        return chosen

    def _keep_file(self, job: Job, image: Image, slot: _Slot) -> None:
        """Keep an own copy, so that an interrupted run can be finished when the file is gone or was built anew."""
        target = self._targets[0]
        copy = job.undo.keep(
            board_name(job), target.region, job.platform.region(target.region).alt, target.address, image.content
        )
        self._rescue.answers.update({FILE.name: str(copy.file), "name": self._name, "slot": slot.key})

    def _accept_risks(self, job: Job, judged: Judgement) -> None:
        """Ask once about everything that is doubtful.

        Raises:
            Cancelled: The person leaves it.
        """
        if not judged.problems:
            return
        reasons = [_REASON.with_values(words=each.words, step=each.next_step) for each in judged.problems]
        if not job.ask(Confirm("risk", _RISK_TITLE, joined(reasons, _AND), _RISK_YES, _RISK_NO)):
            raise Cancelled
        self._rescue.answers["risk"] = True
        self._warnings += [each.words for each in judged.problems]

    def _settings_get_lost(self, job: Job) -> bool:
        """Whether the boot loader must not be asked for settings once this is written, until it starts anew.

        One from before the 1.2 line goes on calling code in part 2 at the addresses it found when it started (2.4.11).
        """
        assert self._before is not None
        row = loader_of(self._before, job.platform, job.boot_loader)
        calls = {Quirk.DCT_NEEDS_PART2, Quirk.PART2_NEEDS_RESET}
        return calls <= row.quirks and any(target.region.startswith("system-") for target in self._targets)

    def _plan_targets(self, platform: Platform, image: Image, slot: _Slot) -> None:
        place = slot.judged.place
        assert place is not None
        title = describe(image)
        stretches = places(platform, place.alt, place.start, place.start + image.size)
        for each in stretches:
            at = each.address - place.start
            why = _WHY if len(stretches) == 1 else _WHY_PIECE
            content = image.content[at : at + each.size]
            key = slot.key if len(stretches) == 1 and place in platform.regions else each.region.key
            self._targets.append(Target(title, key, each.address, content, why, self._name))

    def _insist_on_copy(self, job: Job) -> None:
        """See that what an interrupted run is finished with is what it began with: old firmware has no checksum (7.1).

        Raises:
            SnapshotDamaged: It is not.
        """
        if not self._rescue.resumes(job):
            return
        begun = {(each.region, each.address): each.sha256 for each in job.undo.rescue(job.given(RESUME)).planned}
        for target in self._targets:
            digest = hashlib.sha256(target.content).hexdigest()
            if begun.get((target.region, target.address), digest) != digest:
                raise SnapshotDamaged(name=self._name)

    def _foreseen(self, job: Job, looked: Looked) -> list[Text]:
        """Say what a person must not miss about what is on the board now."""
        image = self._image
        assert image is not None
        found = list(self._warnings)
        for key in dict.fromkeys(target.region for target in self._targets):
            there = looked.xray.slot(key)
            if there.used:
                found.append(_WARN_REPLACED.with_values(what=there.what))
        if image.function is Function.MONOLITHIC and job.has(Quirk.DCT_NEEDS_PART2):
            found.append(_WARN_PARTS)
        if looked.update_pending:
            found.append(_WARN_UPDATE)
        return found if self._waits else [*found, *warn_of_waiting(looked)]

    @property
    def _waits(self) -> bool:
        """Whether it went into a slot from which nothing runs."""
        return self._slot is not None and self._slot.key.startswith("factory")


def _patches_radio(image: Image) -> bool:
    """Whether it is one of the pack's radio patches: one forgets the Wi-Fi networks, the other perhaps (8.3)."""
    known = recognise(image.content)
    return known is not None and known.role.startswith("radio-patch")


def _read(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        FileUnreadable: The operating system refuses.
        ImageUnreadable: It is far too large for firmware.
    """
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):  # reading a pipe could wait for ever
            raise FileUnreadable("no regular file", file=path.name or str(path))
        size = there.st_size
        if size > LARGEST:
            raise ImageUnreadable(reason=_TOO_LARGE.with_values(size=size))
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        log.info("file: %s", error)
        raise FileUnreadable(str(error), file=path.name or str(path)) from error


def _insist(judged: Judgement) -> None:
    """Let nothing through that can never work.

    Raises:
        ImageDoesNotFit: It cannot; with the gravest reason.
    """
    problem: Problem | None = next((each for each in judged.problems if each.absolute), None)
    if problem is not None:
        raise ImageDoesNotFit(problem.code, reason=problem.words, step=problem.next_step)


def _has(judged: Judgement, code: str) -> bool:
    return any(problem.code == code for problem in judged.problems)


def _keys(image: Image, platform: Platform) -> tuple[str, ...]:
    """Return the slots that make sense for an image: where it runs, and where it waits for a factory reset (8.6)."""
    home = judge(image, platform).region
    assert home is not None, "an image without a home was refused before"
    runs_alone = image.function is Function.USER or home == "application"
    waits = [row.key for row in platform.regions if row.key.split("-")[0] == "factory"] if runs_alone else []
    return (home, *waits)
