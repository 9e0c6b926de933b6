"""What restoring a system writes on a board, why, and in which order (device-protocol.md 2.4.11, 3.4, 3.5, 8.5).

Decided from what is on the board and what the person answers; nothing is written here.
"""

from __future__ import annotations

from app.faults import DowngradeRefused
from app.firmware.image import Function
from app.firmware.releases import describe, release_of, versioned
from app.platforms.model import BootLoader, Quirk
from app.recipes.shared import warn_of_waiting
from app.recipes.system_set import LOADER, SystemSet, insist_it_fits, newer_on_board, resulting, why_not_own
from app.recipes.waiting import DCT, FLAG, FLAG_OFF, NO_ORDER, ORDERS, orders_in
from app.text import Text, text
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.plan import Health, SlotState
from app.work.questions import Choose, Confirm
from app.work.spans import Target
from app.work.verdicts import PENDING_UPDATE, RESTORE
from app.work.xray import Looked

USER, OTA, LOADER_REGION, FACTORY = "user", "ota", "bootloader", "factory"

START_S = 12.0
INSTALL_S = 8.0

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
_UNKNOWN_LOADER = text("RestoreSystem", "one that is not known")
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

_APPLICATION = Choose("application", _APPLICATION_TITLE, _APPLICATION_BODY, (("keep", _KEEP), ("tinker", _TINKER)))


class SystemPlan:
    """What one run writes, and what a person is told of it before.

    Attributes:
        loader: The image of the new boot loader, for the download area; None where none is needed.
        flag: The mark that makes the new system install it.
        quiet: What takes off that which would replace what is written.
        parts: The system parts, in order.
        application: The program; None where the one on the board stays.
        tinker_stays: Whether the one that stays is Tinker.
        reached: Whether the settings can be reached now.
        stays, needs, warnings: For the plan, in words.
    """

    def __init__(self, chosen: SystemSet, before: Looked, row: BootLoader, rescue: Rescue) -> None:
        """Take what is known before anything is decided.

        Args:
            chosen: The release.
            before: What is on the board.
            row: The boot loader's generation by its version, as far as it is known.
            rescue: Of this run; what the person decides becomes part of its answers.
        """
        self._chosen = chosen
        self._before = before
        self._row = row
        self._rescue = rescue
        self.loader: Target | None = None
        self.flag: Target | None = None
        self.quiet: list[Target] = []
        self.parts: list[Target] = []
        self.application: Target | None = None
        self.tinker_stays = False
        self.reached = before.xray.slot(DCT).state is not SlotState.UNREADABLE
        self.stays: list[Text] = [_STAYS_KEYS, _STAYS_FACTORY]
        self.needs: list[Text] = [_NEEDS_POWER]
        self.warnings: list[Text] = []

    @property
    def extra_seconds(self) -> float:
        """How long everything but writing takes, in seconds."""
        return START_S + (INSTALL_S if self.loader is not None else 0.0)

    @property
    def _is_ready(self) -> bool:
        """Whether the new boot loader lay in the download area when the board was looked at."""
        there = self._before.memory.get(OTA, b"")
        return self.loader is not None and there.startswith(self.loader.content)

    @property
    def dct_in_part2(self) -> bool:
        """Whether the boot loader reaches the settings with the help of system part 2 (2.4.11)."""
        return Quirk.DCT_NEEDS_PART2 in self._row.quirks

    @property
    def restart_needed(self) -> bool:
        """Whether it finds a new part 2 only after a restart (2.4.11)."""
        return Quirk.PART2_NEEDS_RESET in self._row.quirks

    def work_out(self, job: Job) -> None:
        """Decide on everything, with the questions that this takes; the board is read but not changed.

        Raises:
            SystemDoesNotFit: A part of the release would not run with the others.
            DowngradeRefused: The board has a newer system, and the person keeps it.
            Fault: The board could not be read.
        """
        chosen, before = self._chosen, self._before
        needed = chosen.loader_needed
        here = before.installed.get(LOADER)
        with_loader = chosen.boot_loader is not None and needed is not None and (here is None or here < needed)
        after = resulting(chosen, before.installed, with_loader=with_loader)
        insist_it_fits(chosen, job.platform, after, with_loader=with_loader)
        self.warnings += [*self._insist_on_downgrade(job), *warn_of_waiting(before)]
        self._plan_parts(job)
        program = self._plan_application(job, why_not_own(before, job.platform, after))
        if self.reached:
            self.quiet = self.waiting(job, later=False)
        if with_loader:
            self._plan_loader(job)
            self.warnings.append(_WARN_INSTALL)
            if not self.reached and self.restart_needed:
                self.needs.append(_NEEDS_RESET)
        elif needed is None:
            self.stays.append(_STAYS_LOADER_OLD)
        else:
            self.stays.append(_STAYS_LOADER.with_values(here=versioned(*LOADER, here)))
        if before.xray.slot(LOADER_REGION).state not in (SlotState.GOOD, SlotState.UNPROVEN):
            self.warnings.append(_WARN_LOADER)
        if self.dct_in_part2 and not chosen.gives_dct:
            self.warnings.append(_WARN_NO_DCT)
        if program is not None:
            self.warnings.append(program)
        elif self.application is None:
            self.stays.append(_STAYS_PROGRAM)
        if before.xray.slot(FACTORY).state is not SlotState.BLANK:
            reason = why_not_own(before, job.platform, after, FACTORY)
            if reason is not None:
                self.warnings.append(_WARN_FACTORY.with_values(reason=reason))

    def early(self) -> list[Target]:
        """What is written before the parts, in order."""
        found = list(self.quiet)
        if self.reached:
            found += self.install()
        return found

    def install(self) -> list[Target]:
        """What makes the board install the new boot loader, in order; nothing where it needs none."""
        return [target for target in (self.loader, self.flag) if target is not None]

    def targets(self) -> list[Target]:
        """Everything that is written, in order."""
        found = [*self.early(), *self.parts]
        if self.application is not None:
            found.append(self.application)
        if not self.reached:
            found += self.install()
        return found

    def waiting(self, job: Job, *, later: bool) -> list[Target]:
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

    # --- inside ---

    def _insist_on_downgrade(self, job: Job) -> list[Text]:
        """Go back to an older system only when that is asked for in so many words.

        Raises:
            DowngradeRefused: It is not.
        """
        chosen, before = self._chosen, self._before
        newer = newer_on_board(chosen, before, job.platform)
        if newer is None:
            return []
        here, wanted = describe(newer), chosen.release
        verdict = before.xray.verdict
        broken = verdict.health is Health.OVER_USB and RESTORE in verdict.recipes  # a key does not count here
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

    def _plan_parts(self, job: Job) -> None:
        chosen, before = self._chosen, self._before
        for part in chosen.parts:
            earlier = [
                need.index
                for need in part.image.dependencies
                if need.function is Function.SYSTEM and need.index < part.image.index
            ]
            why = _WHY_NEXT.with_values(index=max(earlier)) if earlier else _WHY_FIRST
            start = job.platform.region(part.region).start
            self.parts.append(Target(describe(part.image), part.region, start, part.content, why, part.file.name))
        for key in chosen.empties:
            slot = before.xray.slot(key)
            if slot.state is not SlotState.BLANK:
                region = job.platform.region(key)
                title = _EMPTY_TITLE.with_values(part=region.name)
                self.parts.append(Target(title, key, region.start, b"\xff" * region.size, _WHY_EMPTY, _hex(FLAG_OFF)))

    def _plan_application(self, job: Job, unfit: Text | None) -> Text | None:
        """Decide what becomes of the program; return a warning when one is lost."""
        tinker, slot = self._chosen.tinker, self._before.xray.slot(USER)
        if slot.sha256 == tinker.file.sha256 and not self._rescue.unfinished(job, USER):
            self.tinker_stays = True
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
        self.application = Target(tinker.file.title, USER, start, tinker.content, why, tinker.file.name)
        return None if blank else _WARN_PROGRAM

    def _plan_loader(self, job: Job) -> None:
        """Put the boot loader into the download area, and the mark into the settings: now, or once they can be reached.

        Not before: an order that waits in settings nobody can read would copy this image over something else (3.5).
        """
        chosen, before = self._chosen, self._before
        loader = chosen.boot_loader
        assert loader is not None
        here = before.installed.get(LOADER)
        why = (_WHY_LOADER if self.reached else _WHY_LOADER_LATER).with_values(
            needed=chosen.loader_needed, here=_UNKNOWN_LOADER if here is None else release_words(here)
        )
        # Only its first sector is touched; on a Photon the factory firmware shares the area's second one (3.3).
        start = job.platform.region(OTA).start
        self.loader = Target(describe(loader.image), OTA, start, loader.content, why, loader.file.name)
        field = job.platform.field(FLAG)
        self.flag = Target(
            _FLAG_TITLE,
            DCT,
            field.address,
            bytes((PENDING_UPDATE,)),
            _WHY_FLAG if self.reached else _WHY_FLAG_LATER,
            _hex(bytes((PENDING_UPDATE,))),
            into_settings=True,
            later=not self.reached,
        )
        if self._is_ready:
            # Its mark may stay on: what it would install is whole and is what is wanted.
            self.quiet = [each for each in self.quiet if each.title is not _FLAG_OFF_TITLE]


def _hex(content: bytes) -> str:
    """Say where a handful of bytes comes from: nowhere, it is these."""
    return f"0x{content.hex().upper()}"


def release_words(version: int) -> str:
    """Say a boot loader's number, and its release where one is known to have it, for example `11 (0.6.3)`."""
    release = release_of(version, Function.BOOT_LOADER)
    return f"{version} ({release})" if release else str(version)
