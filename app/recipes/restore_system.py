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
    DowngradeRefused,
    Fault,
    FlashDiffers,
    NotSeenStarting,
    SettingsOutOfReach,
    WrongBoardReturned,
)
from app.firmware.image import Function
from app.firmware.releases import describe, release_of, versioned
from app.platforms.model import BootLoader, Mode, Quirk
from app.protocols import requests
from app.protocols.modules import ModuleFunction, ModuleReport, ModuleStore
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
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
    warn_of_waiting,
)
from app.recipes.system_set import (
    LOADER,
    SystemSet,
    insist_it_fits,
    loader_of,
    newer_on_board,
    read_set,
    releases,
    resulting,
    set_files,
    system_regions,
    why_not_own,
)
from app.recipes.waiting import DCT, FLAG, FLAG_OFF, NO_ORDER, ORDERS, orders_in
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.plan import Health, SlotState, XRay
from app.work.questions import Choose, Confirm, LightStage, WatchLight
from app.work.spans import Target
from app.work.step import Step
from app.work.verdicts import PENDING, PENDING_UPDATE, RESTORE
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

USER, OTA, LOADER_REGION, FACTORY = "user", "ota", "bootloader", "factory"

START_S = 12.0
RESTARTS_AT_MOST = 3
INSTALL_S = 8.0
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
_APPLICATION_TITLE = text("RestoreSystem", "Keep your own program?")
_APPLICATION_BODY = text(
    "RestoreSystem", "The program on the board is whole, and the system that will be written has all it needs."
)
_KEEP = text("RestoreSystem", "Keep my own program")
_TINKER = text("RestoreSystem", "Put Tinker in its place, the program of a new board")
_DOWNGRADE_TITLE = text("RestoreSystem", "Go back to an older system?")
_DOWNGRADE_BODY = text(
    "RestoreSystem",
    "The board has a newer system than the one you chose. On the board: {here}. Chosen: {wanted}. A program that "
    "asks for the newer one does not run on the older one: the board stays in safe mode then. It is better to keep the "
    "newer one unless you have a reason.",
)
_DOWNGRADE_BODY_BROKEN = text(
    "RestoreSystem",
    "The board has a newer system than the one you chose. On the board: {here}. Chosen: {wanted}. What is on the board "
    "does not work as it is, and going back repairs it. A program that asks for the newer one does not run on the "
    "older one: the board stays in safe mode then.",
)
_DOWNGRADE_YES = text("RestoreSystem", "Go back to the older one")
_DOWNGRADE_NO = text("RestoreSystem", "Keep the newer one")

# --- words of the plan ------------------------------------------------------------------------------------------------

_WHY_LOADER = text(
    "RestoreSystem",
    "First. The new system needs boot loader {needed} or later, and the board has {here}. A boot loader is never "
    "written into its own place: this copy waits in the download area until the new system has checked it.",
)
_WHY_LOADER_LATER = text(
    "RestoreSystem",
    "When the settings can be reached, so that it is sure that nothing else waits to be installed. The new system "
    "needs boot loader {needed} or later, and the board has {here}. A boot loader is never written into its own place: "
    "this copy waits in the download area until the new system has checked it.",
)
_WHY_FLAG = text(
    "RestoreSystem",
    "The mark that makes the new system install that boot loader at its first start. It is set while the settings can "
    "surely be reached, before the parts are changed.",
)
_WHY_FLAG_LATER = text(
    "RestoreSystem",
    "The mark that makes the new system install that boot loader. Last, because this boot loader reaches the settings "
    "only with the help of a whole system part 2.",
)
_WHY_ORDER = text(
    "RestoreSystem",
    "A download waits to be copied over the firmware at the next start. It would replace what is written now, so its "
    "order is taken off.",
)
_WHY_FLAG_OFF = text(
    "RestoreSystem",
    "An update waits in the download area. Its mark is taken off, so that nothing half-written and nothing old is "
    "installed.",
)
_WHY_FIRST = text("RestoreSystem", "The other parts build on it, so it comes before them.")
_WHY_NEXT = text("RestoreSystem", "It needs system part {index}, which is written before it.")
_WHY_EMPTY = text(
    "RestoreSystem", "This release does not have this part. What is there belongs to a newer one and would not fit."
)
_WHY_TINKER = text("RestoreSystem", "Last, when its system is there. You chose it in place of your own program.")
_WHY_TINKER_INSTEAD = text("RestoreSystem", "Last, when its system is there. Your own program cannot stay: {reason}")
_WHY_TINKER_NEEDED = text(
    "RestoreSystem", "Last, when its system is there. Without any program the board would stay in safe mode. {reason}"
)
_FLAG_TITLE = text("RestoreSystem", "Mark: install the boot loader")
_FLAG_OFF_TITLE = text("RestoreSystem", "Mark of a waiting update: off")
_ORDER_TITLE = text("RestoreSystem", "Order to copy a waiting download: off")
_EMPTY_TITLE = text("RestoreSystem", "{part}: emptied")

_STAYS_KEYS = text(
    "RestoreSystem",
    "Keys, Wi-Fi networks and all other settings. They are not touched; where they can be read, a copy is kept on this "
    "computer all the same.",
)
_STAYS_LOADER = text("RestoreSystem", "The boot loader: {here} is new enough.")
_STAYS_LOADER_OLD = text("RestoreSystem", "The boot loader; the pack has none that belongs to this release.")
_STAYS_PROGRAM = text("RestoreSystem", "Your own program.")
_STAYS_FACTORY = text("RestoreSystem", "The factory firmware and the memory of your program.")
_NEEDS_POWER = text("RestoreSystem", "A cable that stays in until the end.")
_NEEDS_RESET = text(
    "RestoreSystem",
    "One restart in between: this boot loader finds the settings again only after a restart. You may have to press the "
    "buttons once.",
)
_WARN_INSTALL = text(
    "RestoreSystem",
    "At its first start the board replaces its own boot loader, and the light may blink magenta. Leave the cable in: "
    "we know of no way to repair a cut in that moment over USB.",
)
_WARN_DOWNGRADE = text("RestoreSystem", "This is a step back: from {here} to {wanted}.")
_WARN_NO_DCT = text(
    "RestoreSystem",
    "The boot loader stays, and it needs a system from 0.7 on to reach keys and settings. They stay on the board, but "
    "in update mode nobody can read or write them until a newer system is back.",
)
_WARN_PROGRAM = text("RestoreSystem", "The program on the board is replaced by Tinker. It is kept and can be put back.")
_WARN_LOADER = text(
    "RestoreSystem",
    "The boot loader on the board is damaged or not known although it answers. The board may not start again without a "
    "programmer on its SWD pins, but a whole system could still replace it.",
)
_WARN_FACTORY = text("RestoreSystem", "The factory firmware does not fit this system; avoid a factory reset. {reason}")

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
    "If the light blinks blue the board waits for its Wi-Fi network: set up Wi-Fi. If it breathes cyan, it is "
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
_UNKNOWN_LOADER = text("RestoreSystem", "one that is not known")
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
        self._loader: Target | None = None
        self._flag: Target | None = None
        self._quiet: list[Target] = []  # what takes off that which would replace what is written
        self._parts: list[Target] = []
        self._application: Target | None = None
        self._application_words: Text = _OWN_STAYS
        self._reached = True  # whether the settings could be reached before
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
        self._reached = before.xray.slot(DCT).state is not SlotState.UNREADABLE
        job.say(_FOUND.with_values(what=self._system_before(before)))

    def _agree(self, job: Job) -> None:
        chosen, before = self._set, self._before
        assert chosen is not None
        assert before is not None
        needed = chosen.loader_needed
        here = before.installed.get(LOADER)
        with_loader = chosen.boot_loader is not None and needed is not None and (here is None or here < needed)
        after = resulting(chosen, before.installed, with_loader=with_loader)
        insist_it_fits(chosen, job.platform, after, with_loader=with_loader)
        warnings = [*self._insist_on_downgrade(job, chosen, before), *warn_of_waiting(before)]
        stays = [_STAYS_KEYS, _STAYS_FACTORY]
        needs = [_NEEDS_POWER]
        self._plan_parts(job, chosen, before)
        program = self._plan_application(job, chosen, before, why_not_own(before, job.platform, after))
        if self._reached:
            self._quiet = self._waiting(job, later=False)
        if with_loader:
            self._plan_loader(job, chosen, before)
            warnings.append(_WARN_INSTALL)
            if not self._reached and self._restart_needed:
                needs.append(_NEEDS_RESET)
        elif needed is None:
            stays.append(_STAYS_LOADER_OLD)
        else:
            stays.append(_STAYS_LOADER.with_values(here=versioned(*LOADER, here)))
        if before.xray.slot(LOADER_REGION).state not in (SlotState.GOOD, SlotState.UNPROVEN):
            warnings.append(_WARN_LOADER)
        if self._dct_in_part2 and not chosen.gives_dct:
            warnings.append(_WARN_NO_DCT)
        if program is not None:
            warnings.append(program)
        elif self._application is None:
            stays.append(_STAYS_PROGRAM)
        if before.xray.slot(FACTORY).state is not SlotState.BLANK:
            reason = why_not_own(before, job.platform, after, FACTORY)
            if reason is not None:
                warnings.append(_WARN_FACTORY.with_values(reason=reason))
        plan = self._rescue.plan(
            job,
            before,
            self._targets(),
            stays=stays,
            needs=needs,
            warnings=warnings,
            extra_seconds=START_S + (INSTALL_S if with_loader else 0.0),
        )
        # What waits in settings that cannot be read may replace a program that stays, when the board restarts.
        at_risk = (USER,) if not self._reached and self._application is None else ()
        self._rescue.agree(job, plan, keep=(DCT, *at_risk))

    # --- steps: writing ---

    def _write_loader(self, job: Job) -> None:
        """Everything that has to be done before the parts change."""
        early = self._early()
        if not early and self._loader is not None:
            job.skip(_LOADER_LATER)
            return
        if not early:
            job.skip(_LOADER_FINE if self._set is not None and self._set.boot_loader else _LOADER_NONE)
            return
        self._rescue.write_all(job, early)

    def _write_parts(self, job: Job) -> None:
        if self._dct_in_part2 and self._restart_needed:
            # 2.4.11: this boot loader goes on calling code in part 2 at the addresses it found when it started.
            self._rescue.blind = frozenset({DCT})
        self._part_changed = self._rescue.write_all(job, self._parts)

    def _write_application(self, job: Job) -> None:
        if self._application is None:
            job.skip(self._application_words)
            return
        self._rescue.write_all(job, [self._application])

    def _write_flag(self, job: Job) -> None:
        """On a board whose settings could not be reached before: now that the parts are whole, they can."""
        if self._reached:
            job.skip(_FLAG_NOT_NEEDED)
            return
        if self._flag is None and not self._can_read_keys_now:
            job.skip(_FLAG_NOT_NEEDED)
            return
        if self._restart_needed and self._flag is not None:
            # The new system has an older boot loader than it wants and so starts in safe mode, which still can be told
            # to enter update mode. Only after a start does this boot loader find the settings (2.4.11, 8.5).
            job.note(_RESTARTS)
            self._restart(job)
            if self._loader_now(job) >= self._loader_version:
                # The flag was set by a run that was cut, and the restart was what it waited for.
                self._flag = None
                job.skip(_LOADER_THERE)
                return
        slot = look(job, (DCT,)).xray.slot(DCT)
        if slot.state is SlotState.UNREADABLE:
            if self._flag is None:
                job.skip(_FLAG_NOT_NEEDED)
                return
            raise SettingsOutOfReach("alt 1 reads as zeros although the parts are whole")
        late = self._waiting(job, later=True)
        for target in late:
            self._rescue.add(job, target)
        if self._flag is not None:
            self._rescue.write_all(job, [*late, *self._install()])
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
            self._rescue.write_all(job, self._parts)
        raise FlashDiffers("the system parts are replaced at every start")

    def _look_again(self, job: Job) -> None:
        chosen = self._set
        assert chosen is not None
        coming = {LOADER: self._loader_version} if self._flag is not None else {}
        self._after = self._rescue.look_again(job, coming=coming)
        for part in chosen.parts:
            if self._after.slot(part.region).sha256 != part.file.sha256:
                raise FlashDiffers(f"{part.region} is no longer what was written")
        before = self._before
        assert before is not None
        program = before.xray.slot(USER).sha256 if self._application is None else chosen.tinker.file.sha256
        if self._after.slot(USER).sha256 != program:
            raise FlashDiffers("the program is no longer what it shall be")
        job.say(_ALL_RIGHT)

    def _start(self, job: Job) -> None:
        """Start the board. With a new boot loader on its way it is finished once the board was seen again.

        Raises:
            NotSeenStarting: It was not. Without power in that moment the mark is off and nothing is installed (8.5).
        """
        self._left = leave_dfu(job, self._watch(job))
        if self._flag is not None and self._left is LEFT_QUIET:
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

    # --- what is planned ---

    def _insist_on_downgrade(self, job: Job, chosen: SystemSet, before: Looked) -> list[Text]:
        """Go back to an older system only when that is asked for in so many words.

        Raises:
            DowngradeRefused: It is not.
        """
        newer = newer_on_board(chosen, before, job.platform)
        if newer is None:
            return []
        here, wanted = describe(newer), chosen.release
        broken = before.xray.verdict.health is Health.OVER_USB
        body = _DOWNGRADE_BODY_BROKEN if broken else _DOWNGRADE_BODY
        question = Confirm(
            "downgrade",
            _DOWNGRADE_TITLE,
            body.with_values(here=here, wanted=wanted),
            _DOWNGRADE_YES,
            _DOWNGRADE_NO,
        )
        if not job.ask(question):
            raise DowngradeRefused(f"{newer.version} on the board, {chosen.version} chosen", here=here, wanted=wanted)
        self._rescue.answers["downgrade"] = True
        return [_WARN_DOWNGRADE.with_values(here=here, wanted=wanted)]

    def _plan_parts(self, job: Job, chosen: SystemSet, before: Looked) -> None:
        for part in chosen.parts:
            earlier = [
                need.index
                for need in part.image.dependencies
                if need.function is Function.SYSTEM and need.index < part.image.index
            ]
            why = _WHY_NEXT.with_values(index=max(earlier)) if earlier else _WHY_FIRST
            start = job.platform.region(part.region).start
            self._parts.append(Target(describe(part.image), part.region, start, part.content, why, part.file.name))
        for key in chosen.empties:
            slot = before.xray.slot(key)
            if slot.state is not SlotState.BLANK:
                region = job.platform.region(key)
                title = _EMPTY_TITLE.with_values(part=region.name)
                self._parts.append(Target(title, key, region.start, b"\xff" * region.size, _WHY_EMPTY, _hex(FLAG_OFF)))

    def _plan_application(self, job: Job, chosen: SystemSet, before: Looked, unfit: Text | None) -> Text | None:
        """Decide what becomes of the program; return a warning when one is lost."""
        tinker, slot = chosen.tinker, before.xray.slot(USER)
        if slot.sha256 == tinker.file.sha256 and not self._rescue.unfinished(job, USER):
            self._application_words = _TINKER_STAYS
            return None
        blank = slot.state is SlotState.BLANK
        if unfit is None:
            if job.ask(_APPLICATION) == "keep":
                self._rescue.answers[_APPLICATION.name] = "keep"
                return None
            self._rescue.answers[_APPLICATION.name] = "tinker"
            why = _WHY_TINKER
        else:
            why = (_WHY_TINKER_NEEDED if blank else _WHY_TINKER_INSTEAD).with_values(reason=unfit)
        start = job.platform.region(USER).start
        self._application = Target(tinker.file.title, USER, start, tinker.content, why, tinker.file.name)
        return None if blank else _WARN_PROGRAM

    def _plan_loader(self, job: Job, chosen: SystemSet, before: Looked) -> None:
        """Put the boot loader into the download area, and the mark into the settings: now, or once they can be reached.

        Not before: an order that waits in settings nobody can read would copy this image over something else (3.5).
        """
        loader = chosen.boot_loader
        assert loader is not None
        here = before.installed.get(LOADER)
        why = (_WHY_LOADER if self._reached else _WHY_LOADER_LATER).with_values(
            needed=chosen.loader_needed, here=_UNKNOWN_LOADER if here is None else _release_words(here)
        )
        # Only its first sector is touched; on a Photon the factory firmware shares the area's second one (3.3).
        start = job.platform.region(OTA).start
        self._loader = Target(describe(loader.image), OTA, start, loader.content, why, loader.file.name)
        field = job.platform.field(FLAG)
        self._flag = Target(
            _FLAG_TITLE,
            DCT,
            field.address,
            bytes((PENDING_UPDATE,)),
            _WHY_FLAG if self._reached else _WHY_FLAG_LATER,
            _hex(bytes((PENDING_UPDATE,))),
            into_settings=True,
            later=not self._reached,
        )
        if self._is_ready:
            # Its mark may stay on: what it would install is whole and is what is wanted.
            self._quiet = [each for each in self._quiet if each.title is not _FLAG_OFF_TITLE]

    def _waiting(self, job: Job, *, later: bool) -> list[Target]:
        """Return what takes off each update that waits on the board; the settings can be reached.

        An interrupted update over the air leaves such a thing behind: at the next start the download area would be
        copied over what is written now (`flash_modules` and the update flag, 3.5).
        """
        orders, flag = job.platform.field(ORDERS), job.platform.field(FLAG)
        with job.dfu(job.platform.region(DCT).alt) as session:
            waiting = session.read(orders.address, orders.size)
            pending = session.read(flag.address, flag.size) == bytes((PENDING_UPDATE,))
        found = [
            Target(
                _ORDER_TITLE,
                DCT,
                orders.address + at,
                NO_ORDER,
                _WHY_ORDER,
                _hex(NO_ORDER),
                into_settings=True,
                later=later,
            )
            for at in orders_in(waiting)
        ]
        if pending and not (later and self._is_ready):
            found.append(
                Target(
                    _FLAG_OFF_TITLE,
                    DCT,
                    flag.address,
                    FLAG_OFF,
                    _WHY_FLAG_OFF,
                    _hex(FLAG_OFF),
                    into_settings=True,
                    later=later,
                )
            )
        return found

    def _early(self) -> list[Target]:
        """What is written before the parts, in order."""
        found = list(self._quiet)
        if self._reached:
            found += self._install()
        return found

    def _install(self) -> list[Target]:
        """What makes the board install the new boot loader, in order; nothing where it needs none."""
        return [target for target in (self._loader, self._flag) if target is not None]

    def _targets(self) -> list[Target]:
        found = [*self._early(), *self._parts]
        if self._application is not None:
            found.append(self._application)
        if not self._reached:
            found += self._install()
        return found

    # --- inside ---

    @property
    def _is_ready(self) -> bool:
        """Whether the new boot loader lay in the download area when the board was looked at."""
        there = self._before.memory.get(OTA, b"") if self._before is not None else b""
        return self._loader is not None and there.startswith(self._loader.content)

    @property
    def _dct_in_part2(self) -> bool:
        assert self._row is not None
        return Quirk.DCT_NEEDS_PART2 in self._row.quirks

    @property
    def _restart_needed(self) -> bool:
        assert self._row is not None
        return Quirk.PART2_NEEDS_RESET in self._row.quirks

    @property
    def _can_read_keys_now(self) -> bool:
        """Whether the settings could not be reached before but can be now."""
        return not self._reached and self._set is not None and self._set.gives_dct

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
        if self._flag is not None:
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
        if self._flag is None or loader is None:
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
        if self._flag is not None:
            return _LOADER_COMING.with_values(version=_release_words(self._loader_version))
        return before.xray.slot(LOADER_REGION).what

    def _application_fact(self) -> Text:
        assert self._set is not None
        if self._application is not None or self._application_words is _TINKER_STAYS:
            return self._set.tinker.file.title
        return _APPLICATION_OWN


def _release_question(offered: Sequence[str]) -> Choose:
    options = tuple(
        (release, (_RELEASE_OLDER if number else _RELEASE_NEWEST).with_values(release=release))
        for number, release in enumerate(offered)
    )
    return Choose("release", _RELEASE_TITLE, _RELEASE_BODY, options)


_APPLICATION = Choose("application", _APPLICATION_TITLE, _APPLICATION_BODY, (("keep", _KEEP), ("tinker", _TINKER)))


def _hex(content: bytes) -> str:
    """Say where a handful of bytes comes from: nowhere, it is these."""
    return f"0x{content.hex().upper()}"


def _release_words(version: int) -> str:
    """Say a boot loader's number, and its release where one is known to have it, for example `11 (0.6.3)`."""
    release = release_of(version, Function.BOOT_LOADER)
    return f"{version} ({release})" if release else str(version)


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
