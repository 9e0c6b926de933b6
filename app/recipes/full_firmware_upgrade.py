"""The full firmware upgrade of a Core: factory firmware, radio patch, Tinker (device-protocol.md 8.3, support page)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.faults import BoardDidNotReturn
from app.firmware.pack import PACK, PackFile, pick
from app.platforms.model import Mode, Platform
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.shared import (
    LEFT_IN_DFU,
    coach_into_dfu,
    enter_dfu,
    insist_on_leaving,
    insist_on_start,
    leave_as_found,
    leave_dfu,
    unlock_safe,
    warn_of_waiting,
)
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.plan import SlotState, XRay
from app.work.questions import Choose, LightStage, WatchLight
from app.work.spans import Target
from app.work.step import Step
from app.work.verdicts import CORE_FLAGS, FULL_UPGRADE, RUN_APPLICATION
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

APPLICATION, FACTORY = "application", "factory"
KEY_REGIONS = ("server-key", "device-key")
PATCH_ROLES = {"1.13.7": "radio-patch", "1.14": "radio-patch-1.14"}
USUAL_PATCH, FORGETS_WIFI = "1.13.7", "1.14"
JOIN_WIFI = "join-wifi"

PATCHED = "radio-patched"  # a point noted in the journal

PATCHING_S = 60.0  # 8.3: 20 to 60 s
PATCH_LIMIT_S = 120.0  # 8.3: then the board is back, or will not come back by itself
START_S = 10.0

RADIO_PATCH = Choose(
    name="radio-patch",
    title=text("FullUpgrade", "Which radio patch?"),
    body=text(
        "FullUpgrade",
        "The Core's Wi-Fi radio has software of its own, and the rescue pack has two versions of it. We take the first "
        "unless you have a reason.",
    ),
    options=(
        (
            "1.13.7",
            text(
                "FullUpgrade",
                "Service pack 1.13.7, the usual one. Whether it keeps the stored Wi-Fi networks is not certain.",
            ),
        ),
        (
            "1.14",
            text(
                "FullUpgrade",
                "Service pack 1.14, the newer of the two in the pack. It forgets the stored Wi-Fi networks.",
            ),
        ),
    ),
)
PATCH_AGAIN = Choose(
    name="patch-again",
    title=text("FullUpgrade", "Run the radio patch again?"),
    body=text(
        "FullUpgrade",
        "By what is on the board, an upgrade may have patched the radio already. Running it once more usually takes "
        "less than a minute.",
    ),
    options=(
        ("run", text("FullUpgrade", "Run the radio patch")),
        ("skip", text("FullUpgrade", "Go on without it")),
    ),
)

_FACTORY_WHY = text(
    "FullUpgrade",
    "First, because nothing depends on it yet: it is what a factory reset puts back. It lies beside the firmware, so "
    "the board stays as it is if anything goes wrong here.",
)
_PATCH_WHY = text(
    "FullUpgrade",
    "It runs once, writes new software into the Wi-Fi radio, and returns to update mode by itself.",
)
_TINKER_WHY = text("FullUpgrade", "Last: the program a new Core has. It takes the place of the radio patch.")

_STAYS = (
    text(
        "FullUpgrade",
        "The board's keys. They are not touched; a copy of them is kept on this computer all the same.",
    ),
    text("FullUpgrade", "The boot loader."),
)
_STAYS_WIFI = text(
    "FullUpgrade", "Perhaps the stored Wi-Fi networks; it is not certain that this radio patch keeps them."
)
_NEEDS_WIFI = text("FullUpgrade", "Name and password of your Wi-Fi: the board may have to be told them again.")
_NEEDS_POWER = text("FullUpgrade", "A cable that stays in until the end, above all while the light blinks magenta.")
_WARN_PROGRAM = text(
    "FullUpgrade", "The program that is on the board now is replaced by Tinker. It is kept and can be put back."
)
_WARN_WIFI = text("FullUpgrade", "This radio patch makes the board forget its Wi-Fi networks.")

_WATCH_TITLE = text("FullUpgrade", "The radio is being patched: leave the cable in")
_WATCH_BODY = text(
    "FullUpgrade",
    "The board works alone now and does not show on USB. It usually takes less than a minute and ends by itself with "
    "blinking yellow.",
)
_STAGE_PATCHING = text("FullUpgrade", "The radio gets its new software. It may do this a second time.")
_STAGE_PATCHED = text("FullUpgrade", "Done; this is very short.")
_STAGE_CLEARING = text("FullUpgrade", "The board forgets its Wi-Fi networks.")
_STAGE_DFU = text("FullUpgrade", "Back in update mode. The program sees it and goes on.")
_STUCK = text("FullUpgrade", "The light has been dark, or has not changed, for more than a minute")
_STUCK_HELP = text(
    "FullUpgrade",
    "The board did not come back by itself. Bring it into update mode with the buttons; nothing is lost.",
)
_NOT_CERTAIN = text(
    "FullUpgrade",
    "The board did not come back from the radio patch by itself, so it is not certain that the radio was patched. If "
    "Wi-Fi does not work, do this upgrade again.",
)
_NOT_MARKED = text(
    "FullUpgrade",
    "The board came back from the radio patch without the mark that the patch sets at its end, so it is not certain "
    "that the radio was patched. If Wi-Fi does not work, do this upgrade again.",
)
_BACK = text("FullUpgrade", "The board came back by itself.")
_BY_HAND = text("FullUpgrade", "The board was brought back with the buttons.")
_RAN_BEFORE = text("FullUpgrade", "Not needed: the radio patch ran before this upgrade was interrupted.")
_SKIPPED = text("FullUpgrade", "Not run this time.")
_NOT_NEEDED = text("FullUpgrade", "Not needed.")
_FOUND = text("FullUpgrade", "Found: {what}.")
_CAME_BACK_IN_DFU = text(
    "FullUpgrade",
    "The board came back in update mode although Tinker was written and read back. Press RESET once; if it blinks "
    "yellow again, look what is on it.",
)
_FIT = text(
    "FullUpgrade", "Only the Spark Core has a radio that is patched like this. For this board restore the system."
)
_DONE = text("FullUpgrade", "This Core has its full firmware upgrade.")
_NEXT_WIFI = text(
    "FullUpgrade",
    "If the light blinks blue the board is waiting for a network: join a Wi-Fi network with it. If it breathes cyan it "
    "is connected already.",
)
_PATCHED_BACK = text("FullUpgrade", "{patch}: run, and the board came back by itself")
_PATCHED_UNSURE = text("FullUpgrade", "{patch}: run, but its end was not seen")


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of the pack this upgrade writes, read and verified before anything is asked of the board."""

    tinker: PackFile
    patch: PackFile
    tinker_bytes: bytes = field(repr=False)
    patch_bytes: bytes = field(repr=False)


def _needed(platform: Platform, choice: str) -> tuple[PackFile, PackFile]:
    """Return Tinker and the chosen radio patch."""
    return pick(platform.key, "tinker"), pick(platform.key, PATCH_ROLES[choice])


class FullFirmwareUpgrade(Recipe):
    """Write the factory firmware, patch the radio, write Tinker."""

    key = FULL_UPGRADE
    title = text("FullUpgrade", "Full firmware upgrade")
    summary = text(
        "FullUpgrade",
        "For a Core that drops its connection, behaves oddly, or has no firmware that starts: new factory firmware, "
        "new radio software, new Tinker.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("FullUpgrade", "All memory that holds firmware, and what is going to be replaced."),
        writes=text(
            "FullUpgrade",
            "The factory firmware, the radio patch, and Tinker in place of the program that is on the board.",
        ),
        keeps=text(
            "FullUpgrade",
            "Everything that is replaced, and the keys, in a folder of this board on this computer, so that it can be "
            "put back.",
        ),
        takes=text("FullUpgrade", "Two to three minutes, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "FullUpgrade",
                "If the cable is pulled meanwhile, the board may not start until the upgrade is finished: plug it in "
                "again and choose to finish it.",
            ),
            text("FullUpgrade", "The board may have to be told its Wi-Fi network again."),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board for which the pack has a radio patch."""
        if any(file.role in PATCH_ROLES.values() and file.platform == board.platform.key for file in PACK):
            return Fit.yes()
        return Fit.no(_FIT)

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """Tinker and the usual radio patch."""
        return tuple(file.name for file in _needed(board.platform, USUAL_PATCH))

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._files: _Files | None = None
        self._choice = ""
        self._before: Looked | None = None
        self._after: XRay | None = None
        self._factory: Target | None = None
        self._patch: Target | None = None
        self._tinker: Target | None = None
        self._no_patch: Text | None = None  # why it is not run
        self._patch_began = False
        self._patched: Text | None = None
        self._warnings: list[Text] = []

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("FullUpgrade", "Check what is needed"), self._prepare, weight=1),
            Step(
                text("FullUpgrade", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=2,
                detail=text("FullUpgrade", "Without buttons where that is possible."),
            ),
            Step(text("FullUpgrade", "Read what is on the board"), self._look, weight=2),
            Step(
                text("FullUpgrade", "Agree on the plan and keep what is replaced"),
                self._agree,
                weight=2,
                detail=text("FullUpgrade", "Nothing is written before you have seen the plan."),
            ),
            Step(text("FullUpgrade", "Write the factory firmware"), self._write_factory, weight=8),
            Step(text("FullUpgrade", "Write the radio patch"), self._write_patch, weight=5),
            Step(
                text("FullUpgrade", "Patch the radio"),
                self._run_patch,
                weight=20,
                detail=text("FullUpgrade", "The board works alone. Leave the cable in."),
            ),
            Step(text("FullUpgrade", "Write Tinker"), self._write_tinker, weight=12),
            Step(text("FullUpgrade", "Start the board"), self._start, weight=3, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was done, what was there before, and where that is kept."""
        assert self._before is not None
        before = self._before.xray
        facts = [
            Fact("firmware-before", text("FullUpgrade", "Firmware before"), before.slot(APPLICATION).what),
            Fact("factory-before", text("FullUpgrade", "Factory firmware before"), before.slot(FACTORY).what),
        ]
        if self._after is not None:
            facts += [
                Fact("firmware", text("FullUpgrade", "Firmware now"), self._after.slot(APPLICATION).what),
                Fact("factory", text("FullUpgrade", "Factory firmware now"), self._after.slot(FACTORY).what),
            ]
        facts.append(Fact("radio", text("FullUpgrade", "Radio patch"), self._patched or self._no_patch or _SKIPPED))
        return Outcome(
            _DONE,
            (*facts, *self._rescue.where_kept()),
            kept=self._rescue.files,
            warnings=tuple(self._warnings),
            next_steps=(_NEXT_WIFI,),
            xray=self._after,
            next_recipes=(JOIN_WIFI,),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while its firmware is untouched."""
        self._rescue.close()
        if APPLICATION not in self._rescue.touched and not self._patch_began:
            leave_as_found(job, self._found_mode)

    # --- steps ---

    def _prepare(self, job: Job) -> None:
        platform = job.platform
        room = sum(platform.region(key).size for key in (APPLICATION, FACTORY, *KEY_REGIONS))
        unlock_safe(job)
        self._rescue.prepare(job, room, secrets=True)
        self._rescue.resumes(job)
        self._found_mode = job.refresh().mode
        self._choice = str(job.ask(RADIO_PATCH))
        self._rescue.answers[RADIO_PATCH.name] = self._choice
        tinker, patch = _needed(platform, self._choice)
        self._files = _Files(tinker, patch, job.pack.read(tinker.name), job.pack.read(patch.name))

    def _look(self, job: Job) -> None:
        self._before = look(job)
        job.say(_FOUND.with_values(what=self._before.xray.slot(APPLICATION).what))

    def _agree(self, job: Job) -> None:
        files, looked = self._files, self._before
        assert files is not None
        assert looked is not None
        self._no_patch = self._why_no_patch(job, files, looked)
        start = {key: job.platform.region(key).start for key in (APPLICATION, FACTORY)}
        self._factory = Target(
            files.tinker.title, FACTORY, start[FACTORY], files.tinker_bytes, _FACTORY_WHY, files.tinker.name
        )
        self._tinker = Target(
            files.tinker.title, APPLICATION, start[APPLICATION], files.tinker_bytes, _TINKER_WHY, files.tinker.name
        )
        targets = [self._factory, self._tinker]
        extra = START_S
        warnings = warn_of_waiting(looked)
        if looked.xray.slot(APPLICATION).state is not SlotState.BLANK:
            warnings.append(_WARN_PROGRAM)
        stays = list(_STAYS)
        if self._no_patch is None:
            self._patch = Target(
                files.patch.title, APPLICATION, start[APPLICATION], files.patch_bytes, _PATCH_WHY, files.patch.name
            )
            targets.insert(1, self._patch)
            extra += PATCHING_S
            if self._choice == FORGETS_WIFI:
                warnings.append(_WARN_WIFI)
            else:
                stays.append(_STAYS_WIFI)
        plan = self._rescue.plan(
            job,
            looked,
            targets,
            stays=stays,
            needs=(_NEEDS_POWER, _NEEDS_WIFI),
            warnings=warnings,
            extra_seconds=extra,
        )
        self._rescue.agree(job, plan, keep=KEY_REGIONS)

    def _write_factory(self, job: Job) -> None:
        assert self._factory is not None
        self._rescue.write_all(job, (self._factory,))

    def _write_patch(self, job: Job) -> None:
        if self._patch is None:
            job.skip(self._no_patch or _NOT_NEEDED)
            return
        self._rescue.write_all(job, (self._patch,))

    def _run_patch(self, job: Job) -> None:
        files = self._files
        assert files is not None
        if self._patch is None:
            job.skip(self._no_patch or _NOT_NEEDED)
            return
        self._patch_began = True
        insist_on_leaving(job, "to run the radio patch")
        if self._watch(job):
            after = look(job, (CORE_FLAGS,)).flags
            marked = after is not None and after.ota_update != RUN_APPLICATION
            self._patched = (_PATCHED_BACK if marked else _PATCHED_UNSURE).with_values(patch=files.patch.title)
            if marked:
                self._rescue.reached(PATCHED)
            else:
                self._warnings.append(_NOT_MARKED)
            job.say(_BACK)
            return
        job.note(_STUCK_HELP)
        coach_into_dfu(job)
        self._patched = _PATCHED_UNSURE.with_values(patch=files.patch.title)
        self._warnings.append(_NOT_CERTAIN)
        job.say(_BY_HAND)

    def _write_tinker(self, job: Job) -> None:
        assert self._tinker is not None
        self._rescue.write_all(job, (self._tinker,))
        self._after = self._rescue.look_again(job)

    def _start(self, job: Job) -> None:
        """Start Tinker; the upgrade is finished once the board was seen leaving update mode.

        The patch has taken off the flag that lets the original boot loader start anything, and only leaving update
        mode sets it again (2.2, 3.1): a board cut off just before would stay in update mode for ever.

        Raises:
            NotSeenStarting: It did not leave, or nothing came back; this Tinker does show on USB.
        """
        left = leave_dfu(job)
        insist_on_start(job, left, alone=False, shows=True)
        self._rescue.finish(job)
        if left is LEFT_IN_DFU:
            self._warnings.append(_CAME_BACK_IN_DFU)
        job.say(left if left is not LEFT_IN_DFU else _CAME_BACK_IN_DFU)

    # --- inside ---

    def _why_no_patch(self, job: Job, files: _Files, looked: Looked) -> Text | None:
        """Say why the radio is not patched this time; None when it is.

        Told by the journal of an interrupted upgrade, which notes when the board came back from it by itself. Where it
        does not tell and the patch still stands on the board, the flag tells whether it was begun (0x5000, set when
        update mode is left) or has ended (8.3: the patch sets 0xFFFF). That something else stands there proves nothing:
        it may come from a factory reset.
        """
        if self._rescue.has_reached(job, PATCHED):
            return _RAN_BEFORE
        holds_patch = looked.roles.get(APPLICATION) == files.patch.role
        ended = holds_patch and looked.flags is not None and looked.flags.ota_update != RUN_APPLICATION
        slots = (looked.xray.slot(APPLICATION), looked.xray.slot(FACTORY))
        all_right = all(slot.sha256 == files.tinker.sha256 for slot in slots)
        if (ended or all_right) and job.ask(PATCH_AGAIN) == "skip":
            return _SKIPPED
        return None

    def _watch(self, job: Job) -> bool:
        """Wait until the board is back in update mode; return whether it came by itself."""
        stages = [
            LightStage("core-radio.patching", _STAGE_PATCHING, PATCHING_S),
            LightStage("core-radio.patched", _STAGE_PATCHED, 1.5),
        ]
        if self._choice == FORGETS_WIFI:
            stages.append(LightStage("core-radio.clearing", _STAGE_CLEARING))
        held = job.platform.choreography("dfu", job.board.boot_loader)
        yellow = next(step.light for step in held.steps if step.after_ms == held.hold_ms)
        stages.append(LightStage(yellow, _STAGE_DFU))
        question = WatchLight(
            name="radio-patching",
            title=_WATCH_TITLE,
            body=_WATCH_BODY,
            platform=job.platform,
            stages=tuple(stages),
            options=(("stuck", _STUCK),),
            until=Mode.DFU,
        )
        try:
            return isinstance(job.watch(question, PATCH_LIMIT_S), Board)
        except BoardDidNotReturn as fault:
            log.info("radio patch: %s", fault.detail)
            return False
