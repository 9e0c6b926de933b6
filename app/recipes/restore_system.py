"""Restore the system of a Photon, P1 or Electron: boot loader, system parts, program (device-protocol.md 8.5).

What a cut at any moment leaves behind, and why the next run can finish it:

- The boot loader's own memory is never written from here, so update mode can always be reached with the buttons.
- The new boot loader lies in the download area and does nothing there until the flag is set. The flag is set only once
  the image was read back. Where the settings can be reached only later, both come after the parts: an order that waits
  there would copy the image over something else. If the old system starts with the flag set, it either takes no notice
  (before 1.2), or it installs the new boot loader early. That does no harm: parts ask for a boot loader of at least
  some version.
- System parts that do not match start nothing, or safe mode. Boot loaders from 0.7 on then lose the settings, too
  (2.4.11); the next run writes the parts before the flag.
- The one moment we know of that USB cannot repair is not ours: while the new system copies the boot loader into its
  place (after it has checked the image and taken off the flag). The person is told to leave the cable in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from app.faults import (
    Fault,
    FlashDiffers,
    NotSeenStarting,
    SettingsOutOfReach,
    WrongBoardReturned,
)
from app.firmware.releases import versioned
from app.platforms.model import BootLoader, Mode
from app.protocols import requests
from app.protocols.modules import ModuleFunction, ModuleReport, ModuleStore
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.restore_plan import INSTALL_S, LOADER_REGION, OTA, USER, SystemPlan, release_words
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    enter_dfu,
    has_requests,
    leave_as_found,
    leave_dfu,
    restart_in_dfu,
    unlock_safe,
)
from app.recipes.system_set import (
    LOADER,
    SystemSet,
    loader_of,
    read_set,
    releases,
    set_files,
    system_regions,
)
from app.recipes.waiting import DCT
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.plan import SlotState, XRay
from app.work.questions import Choose, LightStage, WatchLight
from app.work.step import Step
from app.work.verdicts import PENDING, RESTORE
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

RESTARTS_AT_MOST = 3
ASK_TRIES, ASK_PAUSE_S = 3, 2.0

_RELEASE_TITLE = text("RestoreSystem", "Which release of the system?")
_RELEASE_BODY = text(
    "RestoreSystem",
    "The rescue pack has these. Take the newest unless you have a reason: a program asks for a system of some version "
    "or a newer one.",
)
_RELEASE_NEWEST = text("RestoreSystem", "{release}, the newest of the rescue pack")
_RELEASE_OLDER = text(
    "RestoreSystem", "{release}, an old one. On most boards this is a step back, and you will be asked once more."
)
# --- what is said on the way ------------------------------------------------------------------------------------------

_FOUND = text("RestoreSystem", "Found: {what}.")
_LOADER_FINE = text("RestoreSystem", "Not needed: the boot loader is new enough.")
_LOADER_LATER = text("RestoreSystem", "Later: the settings, where its mark belongs, cannot be reached yet.")
_LOADER_NONE = text("RestoreSystem", "Not needed: this release leaves the boot loader as it is.")
_RESTARTS = text("RestoreSystem", "The board restarts once, so that its boot loader finds the settings again.")
_COPIED_OVER = text(
    "RestoreSystem",
    "At its restart the board carried out an order that could not be seen before: it copied a download over the new "
    "system. The system is written once more.",
)
_FLAG_SET = text("RestoreSystem", "The mark is set; the new system installs the boot loader at its first start.")
_FLAG_NOT_NEEDED = text("RestoreSystem", "Not needed: nothing is left to be set.")
_LOADER_THERE = text("RestoreSystem", "Not needed any more: the board has installed the boot loader already.")
_OWN_STAYS = text("RestoreSystem", "Not needed: your own program stays.")
_TINKER_STAYS = text("RestoreSystem", "Not needed: it is Tinker already.")
_ALL_RIGHT = text("RestoreSystem", "Everything stands as it should.")
_NOT_ASKED = text("RestoreSystem", "The running board was asked for its version but did not answer: {reason}")
_RUNS = text("RestoreSystem", "The board runs and says that it has version {version}.")

_WATCH_TITLE = text("RestoreSystem", "The board starts its new system")
_WATCH_BODY = text("RestoreSystem", "Leave the cable in. The program sees it as soon as the board is back on USB.")
_STAGE_INSTALL = text("RestoreSystem", "It installs its new boot loader. Short, and perhaps not to be seen.")
_STAGE_START = text("RestoreSystem", "It looks for its network.")
_STAGE_LISTEN = text("RestoreSystem", "It knows no network and waits to be told one. That is all right.")
_NOTHING = text("RestoreSystem", "The light has been dark, or has not changed, for a minute")

_DONE = text("RestoreSystem", "The system of this board is restored.")
_DONE_UNSEEN = text("RestoreSystem", "The system is on the board, but its start was not seen.")
_CAME_BACK_IN_DFU = text(
    "RestoreSystem",
    "The board came back in update mode although everything was written and read back. Press RESET once; if it blinks "
    "yellow again, look what is on it.",
)
_OTHER_VERSION = text("RestoreSystem", "The board says that it runs {version}, but {release} was written.")
_LOADER_NOT_TAKEN = text(
    "RestoreSystem", "The board runs, but it has not installed its new boot loader. Restore the system once more."
)
_NEXT_WIFI = text(
    "RestoreSystem",
    "If the light blinks blue the board waits for a network: join a Wi-Fi network with it. If it breathes cyan, it is "
    "connected.",
)
_NEXT_LIGHT = text("RestoreSystem", "If the light breathes cyan the board is connected.")
_NEXT_SAFE_MODE = text(
    "RestoreSystem", "If it breathes magenta it is in safe mode: see what is on the board, and what it says is missing."
)
_NEXT_KEY = text("RestoreSystem", "The keys of this board can be read again now: back up its key.")
_FIT = text("RestoreSystem", "The firmware of this board has no separate system. Do a full firmware upgrade instead.")
_APPLICATION_OWN = text("RestoreSystem", "Your own, kept")
_LOADER_COMING = text("RestoreSystem", "{version}, installed at the first start")
_INSTALLED_SINCE = text("RestoreSystem", "Installed at the first start; the running board says so.")


class RestoreSystem(Recipe):
    """Write a whole system that fits together, with the boot loader it needs, and see the board start."""

    key = RESTORE
    title = text("RestoreSystem", "Restore the system")
    summary = text(
        "RestoreSystem",
        "For a Photon, P1 or Electron that does not start, stays in safe mode, or was left half updated: a whole "
        "system that fits together, and the boot loader it needs. Works offline.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("RestoreSystem", "All memory that holds firmware, and what is going to be replaced."),
        writes=text(
            "RestoreSystem",
            "The system parts; the program where it is missing or does not fit; and where a newer boot loader is "
            "needed a copy of it and a mark, from which the board installs it by itself.",
        ),
        keeps=text(
            "RestoreSystem",
            "Everything that is replaced, and the settings with the keys, in a folder of this board on this computer, "
            "so that it can be put back.",
        ),
        takes=text("RestoreSystem", "About a minute, and a little longer if you have to press the buttons."),
        risks=(
            text(
                "RestoreSystem",
                "If the cable is pulled meanwhile, the board may not start until this is finished: plug it in again "
                "and choose to finish it.",
            ),
            text(
                "RestoreSystem",
                "Where a newer boot loader is needed, the board installs it at its first start. Leave the cable in "
                "then.",
            ),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board whose system has parts, and for which the pack has some."""
        return Fit.yes() if system_regions(board.platform) and releases(board.platform) else Fit.no(_FIT)

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """Everything of the newest release, also what may turn out not to be needed."""
        files = set_files(board.platform, releases(board.platform)[0])
        return tuple(file.name for file in files.values())

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._set: SystemSet | None = None
        self._before: Looked | None = None
        self._after: XRay | None = None
        self._row: BootLoader | None = None  # the boot loader's generation by its version, as far as it is known
        self._plan: SystemPlan | None = None
        self._part_changed = False
        self._left: Text = LEFT_RUNNING
        self._version: str | None = None
        self._modules: ModuleReport | None = None
        self._warnings: list[Text] = []
        self._modem = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("RestoreSystem", "Check what is needed"), self._prepare, weight=1),
            Step(
                text("RestoreSystem", "Bring the board into update mode (DFU)"),
                self._enter,
                weight=2,
                detail=text("RestoreSystem", "Without buttons where that is possible."),
            ),
            Step(text("RestoreSystem", "Read what is on the board"), self._look, weight=3),
            Step(
                text("RestoreSystem", "Agree on the plan and keep what is replaced"),
                self._agree,
                weight=3,
                detail=text("RestoreSystem", "Nothing is written before you have seen the plan."),
            ),
            Step(text("RestoreSystem", "Put a newer boot loader ready"), self._write_loader, weight=3),
            Step(text("RestoreSystem", "Write the system parts"), self._write_parts, weight=20),
            Step(text("RestoreSystem", "Write the program"), self._write_application, weight=3),
            Step(text("RestoreSystem", "Let the new system install the boot loader"), self._write_flag, weight=3),
            Step(text("RestoreSystem", "Look at the board once more"), self._look_again, weight=3),
            Step(text("RestoreSystem", "Start the board"), self._start, weight=4, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was done, what was there before, how the board runs, and where that which was replaced is kept."""
        chosen, before = self._set, self._before
        assert chosen is not None
        assert before is not None
        seen = self._left is LEFT_RUNNING
        facts = [
            Fact("system-before", text("RestoreSystem", "System before"), self._system_before(before)),
            Fact("system", text("RestoreSystem", "System now"), chosen.release),
            Fact("boot-loader", text("RestoreSystem", "Boot loader"), self._loader_words(before)),
            Fact("application", text("RestoreSystem", "Program"), self._application_fact()),
        ]
        if self._version:
            facts.append(Fact("version", text("RestoreSystem", "The board says"), self._version, copy=True))
        recipes = []
        if _LOADER_NOT_TAKEN in self._warnings:
            recipes.append(self.key)
        if self._can_read_keys_now:
            recipes.append("back-up-key")
        if not self._modem:
            recipes.append("join-wifi")
        return Outcome(
            _DONE if seen else _DONE_UNSEEN,
            (*facts, *self._rescue.where_kept()),
            kept=self._rescue.files,
            warnings=tuple(self._warnings),
            next_steps=(
                *((self._left,) if self._left in (LEFT_QUIET, NOT_LEFT) else ()),
                _NEXT_LIGHT if self._modem else _NEXT_WIFI,
                _NEXT_SAFE_MODE,
                *((_NEXT_KEY,) if self._can_read_keys_now else ()),
            ),
            xray=self._after,
            next_recipes=tuple(recipes),
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while it is as it was found."""
        self._rescue.close()
        if self._rescue.touched <= {OTA}:
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _prepare(self, job: Job) -> None:
        platform = job.platform
        room = sum(platform.region(key).size for key in (*system_regions(platform), USER, OTA, DCT))
        unlock_safe(job)
        self._rescue.prepare(job, room, secrets=True)
        self._rescue.resumes(job)
        self._found_mode = job.refresh().mode
        offered = releases(platform)
        release = str(job.ask(_release_question(offered))) if len(offered) > 1 else offered[0]
        self._rescue.answers["release"] = release
        # Every file now, also those that may turn out not to be needed: a missing one is no surprise half-way.
        self._set = read_set(job.pack, platform, release)
        self._modem = platform.has_modem

    def _enter(self, job: Job) -> None:
        enter_dfu(job)

    def _look(self, job: Job) -> None:
        identity_from_dct(job)  # so that what is kept is kept of this board, not of all that show the same number (1.4)
        self._before = before = look(job)
        self._row = loader_of(before, job.platform, job.boot_loader)
        job.say(_FOUND.with_values(what=self._system_before(before)))

    def _agree(self, job: Job) -> None:
        chosen, before, row = self._set, self._before, self._row
        assert chosen is not None
        assert before is not None
        assert row is not None
        self._plan = ours = SystemPlan(chosen, before, row, self._rescue)
        ours.work_out(job)
        plan = self._rescue.plan(
            job,
            before,
            ours.targets(),
            stays=ours.stays,
            needs=ours.needs,
            warnings=ours.warnings,
            extra_seconds=ours.extra_seconds,
        )
        # What waits in settings that cannot be read may replace a program that stays, when the board restarts.
        at_risk = (USER,) if not ours.reached and ours.application is None else ()
        self._rescue.agree(job, plan, keep=(DCT, *at_risk))

    # --- steps: writing ---

    def _write_loader(self, job: Job) -> None:
        """Everything that has to be done before the parts change."""
        early = self._planned.early()
        if not early and self._planned.loader is not None:
            job.skip(_LOADER_LATER)
            return
        if not early:
            job.skip(_LOADER_FINE if self._set is not None and self._set.boot_loader else _LOADER_NONE)
            return
        self._rescue.write_all(job, early)

    def _write_parts(self, job: Job) -> None:
        if self._planned.dct_in_part2 and self._planned.restart_needed:
            # 2.4.11: this boot loader goes on calling code in part 2 at the addresses it found when it started.
            self._rescue.blind = frozenset({DCT})
        self._part_changed = self._rescue.write_all(job, self._planned.parts)

    def _write_application(self, job: Job) -> None:
        if self._planned.application is None:
            job.skip(_TINKER_STAYS if self._planned.tinker_stays else _OWN_STAYS)
            return
        self._rescue.write_all(job, [self._planned.application])

    def _write_flag(self, job: Job) -> None:
        """On a board whose settings could not be reached before: now that the parts are whole, they can."""
        if self._planned.reached:
            job.skip(_FLAG_NOT_NEEDED)
            return
        if self._planned.flag is None and not self._can_read_keys_now:
            job.skip(_FLAG_NOT_NEEDED)
            return
        if self._planned.restart_needed and self._planned.flag is not None:
            # The new system has an older boot loader than it wants and so starts in safe mode, which still can be told
            # to enter update mode. Only after a start does this boot loader find the settings (2.4.11, 8.5).
            job.note(_RESTARTS)
            self._restart(job)
            if self._loader_now(job) >= self._loader_version:
                # The flag was set by a run that was cut, and the restart was what it waited for.
                self._planned.flag = None
                job.skip(_LOADER_THERE)
                return
        slot = look(job, (DCT,)).xray.slot(DCT)
        if slot.state is SlotState.UNREADABLE:
            if self._planned.flag is None:
                job.skip(_FLAG_NOT_NEEDED)
                return
            raise SettingsOutOfReach("alt 1 reads as zeros although the parts are whole")
        late = self._planned.waiting(job, later=True)
        for target in late:
            self._rescue.add(job, target)
        if self._planned.flag is not None:
            self._rescue.write_all(job, [*late, *self._planned.install()])
            job.say(_FLAG_SET)
        elif late:
            self._rescue.write_all(job, late)
        else:
            job.skip(_FLAG_NOT_NEEDED)

    def _restart(self, job: Job) -> None:
        """Restart until the parts outlive it: an order nobody could see before may be carried out at the first start.

        Then it is spent, so that the parts stay once they are written again.

        Raises:
            FlashDiffers: They are replaced at every start.
        """
        chosen = self._set
        assert chosen is not None
        for _ in range(RESTARTS_AT_MOST):
            restart_in_dfu(job)
            self._rescue.blind = frozenset()
            there = look(job, [part.region for part in chosen.parts]).xray
            if all(there.slot(part.region).sha256 == part.file.sha256 for part in chosen.parts):
                return
            job.note(_COPIED_OVER)
            self._rescue.blind = frozenset({DCT})  # as before, when they were written the first time
            self._rescue.write_all(job, self._planned.parts)
        raise FlashDiffers("the system parts are replaced at every start")

    def _look_again(self, job: Job) -> None:
        chosen = self._set
        assert chosen is not None
        coming = {LOADER: self._loader_version} if self._planned.flag is not None else {}
        self._after = self._rescue.look_again(job, coming=coming)
        for part in chosen.parts:
            if self._after.slot(part.region).sha256 != part.file.sha256:
                raise FlashDiffers(f"{part.region} is no longer what was written")
        before = self._before
        assert before is not None
        program = before.xray.slot(USER).sha256 if self._planned.application is None else chosen.tinker.file.sha256
        if self._after.slot(USER).sha256 != program:
            raise FlashDiffers("the program is no longer what it shall be")
        job.say(_ALL_RIGHT)

    def _start(self, job: Job) -> None:
        """Start the board. With a new boot loader on its way it is finished once the board was seen again.

        Raises:
            NotSeenStarting: It was not. Without power in that moment the mark is off and nothing is installed (8.5).
        """
        self._left = leave_dfu(job, self._watch(job))
        if self._planned.flag is not None and self._left is LEFT_QUIET:
            raise NotSeenStarting(LEFT_QUIET.english())
        if self._left is LEFT_RUNNING:
            self._ask_running(job)
        self._rescue.finish(job)
        if self._left is LEFT_IN_DFU:
            self._warnings.append(_CAME_BACK_IN_DFU)
        elif self._left is NOT_LEFT:
            self._warnings.append(NOT_LEFT)
        said = _RUNS.with_values(version=self._version) if self._version else self._left
        job.say(_CAME_BACK_IN_DFU if self._left is LEFT_IN_DFU else said)

    # --- inside ---

    @property
    def _planned(self) -> SystemPlan:
        assert self._plan is not None
        return self._plan

    @property
    def _can_read_keys_now(self) -> bool:
        """Whether the settings could not be reached before but can be now."""
        return not self._planned.reached and self._set is not None and self._set.gives_dct

    @property
    def _loader_version(self) -> int:
        assert self._set is not None
        assert self._set.boot_loader is not None
        return self._set.boot_loader.image.version or 0

    def _loader_now(self, job: Job) -> int:
        return look(job, (LOADER_REGION,)).installed.get(LOADER, 0)

    def _watch(self, job: Job) -> WatchLight:
        assert self._set is not None
        era = "from-0.7" if self._set.gives_dct else "up-to-0.6"
        stages = [LightStage(f"{era}.connecting", _STAGE_START), LightStage(f"{era}.listening", _STAGE_LISTEN)]
        if self._planned.flag is not None:
            stages.insert(0, LightStage(f"{era}.ota", _STAGE_INSTALL, INSTALL_S))
        return WatchLight(
            name="starting",
            title=_WATCH_TITLE,
            body=_WATCH_BODY,
            platform=job.platform,
            stages=tuple(stages),
            options=(("nothing", _NOTHING),),
            until=Mode.NORMAL,
        )

    def _ask_running(self, job: Job) -> None:
        """Ask the running board what it is. It may restart once more meanwhile, so it is asked more than once."""
        assert self._set is not None
        for last in (False,) * (ASK_TRIES - 1) + (True,):
            try:
                self._version, self._modules = _told(job)
                break
            except WrongBoardReturned:
                raise
            except Fault as fault:
                log.info("asking the running board: %s: %s", fault.code, fault.detail)
                if last:
                    job.note(_NOT_ASKED.with_values(reason=fault.cause))
                    return
                job.pause(ASK_PAUSE_S)
        if self._version:
            job.told_version(self._version)
            if self._version != self._set.release:
                self._warnings.append(_OTHER_VERSION.with_values(version=self._version, release=self._set.release))
        loader = self._told_loader
        if self._planned.flag is None or loader is None:
            return
        if loader < (self._set.loader_needed or 0):
            self._warnings.append(_LOADER_NOT_TAKEN)
        elif self._after is not None:
            self._after = _installed(self._after, loader)

    @property
    def _told_loader(self) -> int | None:
        modules = self._modules.modules if self._modules is not None else ()
        return next(
            (
                module.version
                for module in modules
                if module.function is ModuleFunction.BOOT_LOADER and module.store is ModuleStore.MAIN
            ),
            None,
        )

    def _system_before(self, before: Looked) -> Text:
        assert self._set is not None
        return before.xray.slot(self._set.parts[0].region).what

    def _loader_words(self, before: Looked) -> Text | str:
        told = self._told_loader
        if told is not None:
            return versioned(*LOADER, told)
        if self._planned.flag is not None:
            return _LOADER_COMING.with_values(version=release_words(self._loader_version))
        return before.xray.slot(LOADER_REGION).what

    def _application_fact(self) -> Text:
        assert self._set is not None
        if self._planned.application is not None or self._planned.tinker_stays:
            return self._set.tinker.file.title
        return _APPLICATION_OWN


def _release_question(offered: Sequence[str]) -> Choose:
    options = tuple(
        (release, (_RELEASE_OLDER if number else _RELEASE_NEWEST).with_values(release=release))
        for number, release in enumerate(offered)
    )
    return Choose("release", _RELEASE_TITLE, _RELEASE_BODY, options)


def _installed(xray: XRay, loader: int) -> XRay:
    """Return the X-ray as it is once the board has installed its boot loader: that takes off the mark, too (8.5)."""
    slots = []
    for slot in xray.slots:
        if slot.region == LOADER_REGION:
            slot = replace(
                slot,
                state=SlotState.GOOD,
                used=0,
                what=versioned(*LOADER, loader),
                detail=_INSTALLED_SINCE,
                version=loader,
                sha256="",
            )
        elif slot.region == DCT:
            slot = replace(slot, detail=None)
        slots.append(slot)
    reasons = tuple(words for words in xray.verdict.reasons if words != PENDING)
    return replace(xray, slots=tuple(slots), verdict=replace(xray.verdict, reasons=reasons))


def _told(job: Job) -> tuple[str | None, ModuleReport | None]:
    """Return version and modules as the running board tells them; None for what it cannot tell now."""
    if has_requests(job.refresh()):
        with job.usb() as pipe:
            version = requests.system_version(pipe, job.clock, job.check)
            return version, requests.module_info(pipe, job.clock, job.check)
    if job.is_listening():
        with job.console() as console:
            return console.version(), console.modules()
    return None, None
