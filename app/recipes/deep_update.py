"""The deep update of a Core: it patches its own radio, then gets Tinker from the cloud (device-protocol.md 8.4).

What USB shows of it is next to nothing: the firmware inside the deep update is of 2014 and has a serial port only
while it listens (1.3). So the person watches the light, and the program watches the port for what may come up there:

- a port that answers: the board listens, so it knows no Wi-Fi network (8.4);
- a port that does not answer: most likely the firmware that the cloud has sent, which always has one (1.3);
- update mode: somebody held the button. What is in the memory then tells how far it came.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, unique

from app.faults import BoardDidNotReturn, Fault, NoAnswer, WrongBoardReturned
from app.firmware.pack import PACK, PackFile, pick
from app.platforms.model import Mode
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_RUNNING,
    coach_into_dfu,
    enter_dfu,
    insist_on_leaving,
    leave_as_found,
    leave_dfu,
    starts_alone,
    unlock_safe,
    warn_of_waiting,
)
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.flashing import Rescue
from app.work.job import Job
from app.work.plan import SlotState
from app.work.questions import Choose, LightStage, WatchLight
from app.work.spans import Target
from app.work.step import Step
from app.work.verdicts import CORE_FLAGS, FORGET_WIFI, FULL_UPGRADE, RUN_APPLICATION, STARTS
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

KEY = "deep-update"
ROLE = "deep-update"
APPLICATION, FACTORY = "application", "factory"
KEY_REGIONS = ("server-key", "device-key")

ATTEMPTS = 5  # 8.4
STARTS_AT_MOST = 3
"""How often one run starts the deep update: once, and twice more by way of update mode."""
TROUBLES_AT_MOST = 6
"""How often one run gives advice and watches on."""
LOOKS_AT_MOST = 30
"""How often one run asks what the light does; more than an hour of watching."""
WATCH_S = 180.0
"""The patch programmer of that service pack takes 60 s at most (8.3); after three times that the person is asked."""
ANSWER_S = 600.0
"""Then nobody is there: the board goes on without us, so nothing is lost by ending."""
PROBES, PROBE_PAUSE_S = 4, 1.0  # a board that has just come back needs a moment before its console answers
WORKS_S = 120.0  # for the plan: patching, connecting, receiving, restarting

NETWORK = "network"
KNOWN, LATER, INSTEAD = "known", "later", "instead"
LIGHT = "light"
CYAN, BLUE, CONNECTING, FROZEN, RED, DARK = "cyan", "blue", "connecting", "frozen", "red", "dark"
YELLOW, GOING = "yellow", "going"
NEXT = "next"
WATCH, START_OVER, END = "watch", "start-over", "end"


@unique
class _End(Enum):
    """How a run ended."""

    INSTEAD = "instead"
    CONNECTED = "connected"
    ARRIVED = "arrived"
    ON_USB = "on-usb"
    NEEDS_WIFI = "needs-wifi"
    NO_NETWORK = "no-network"
    RED = "red"
    DARK = "dark"
    FROZEN = "frozen"
    REPLACED = "replaced"
    UNSEEN = "unseen"


_NETWORK = Choose(
    name=NETWORK,
    title=text("DeepUpdate", "Has this Core been on a Wi-Fi network that is in reach now?"),
    body=text(
        "DeepUpdate",
        "The deep update ends in the cloud: the board connects by itself and gets its newest program from there. For "
        "that it needs a Wi-Fi network it knows, and the internet. The full firmware upgrade does the same for the "
        "radio without any network.",
    ),
    options=(
        (KNOWN, text("DeepUpdate", "Yes: it knows a network that is in reach")),
        (
            LATER,
            text("DeepUpdate", "No, or I am not sure: do it, and give the board its Wi-Fi when it blinks blue"),
        ),
        (INSTEAD, text("DeepUpdate", "Leave it: I would rather do the full firmware upgrade, without a network")),
    ),
)

_WHY = text(
    "DeepUpdate",
    "It runs by itself: it looks how old the software of the Wi-Fi radio is, writes the newer one if needed, connects, "
    "and is then replaced by the newest Tinker from the cloud.",
)
_STAYS = (
    text(
        "DeepUpdate",
        "The board's keys. They are not touched; a copy of them is kept on this computer all the same.",
    ),
    text("DeepUpdate", "The stored Wi-Fi networks."),
    text("DeepUpdate", "The boot loader and the factory firmware."),
)
_NEEDS_POWER = text("DeepUpdate", "A cable that stays in until the end, above all while the light blinks orange.")
_NEEDS_WIFI = text(
    "DeepUpdate", "Stored Wi-Fi: a network in reach that the board knows, with internet, so that it reaches its cloud."
)
_WARN_PROGRAM = text(
    "DeepUpdate",
    "The program that is on the board now is replaced, in the end by Tinker. It is kept and can be put back.",
)
_WARN_NO_WIFI = text(
    "DeepUpdate",
    "Without a Wi-Fi network it knows, the board stops at blinking blue. It goes on by itself once it has its Wi-Fi.",
)

# --- words while it works ---------------------------------------------------------------------------------------------

_WATCH_TITLE = text("DeepUpdate", "The board works alone now: watch its light and leave the cable in")
_WATCH_BODY = text(
    "DeepUpdate",
    "Orange looks much like the yellow of update mode. To tell them apart: in update mode the board shows on USB and "
    "this program says so; while it only waits, the light is orange.",
)
_ASK_TITLE = text("DeepUpdate", "What does the light do now?")
_ASK_BODY = text("DeepUpdate", "Only the light tells how far the board is. If it still changes, give it more time.")
_BACK_TITLE = text("DeepUpdate", "The board shows on USB again. What does its light do?")
_BACK_BODY = text(
    "DeepUpdate",
    "That is a good sign: newer firmware shows on USB whenever it runs, firmware of 2013 and 2014 only while it "
    "listens or where its program asks for it. It is done when it breathes cyan.",
)
_STAGE_PATCHING = text(
    "DeepUpdate", "The radio gets its new software. It may restart and do it again, five times at most."
)
_STAGE_CONNECTING = text(
    "DeepUpdate", "It connects: green to its Wi-Fi, then cyan to its cloud. A radio that was new enough begins here."
)
_STAGE_RECEIVING = text(
    "DeepUpdate", "The cloud sends the newest Tinker; the board restarts with it. This may take more than one try."
)
_STAGE_DONE = text("DeepUpdate", "Done: it runs its newest program and is connected.")

_OPTIONS = (
    (CYAN, text("DeepUpdate", "It breathes cyan, and has done so for a minute: done")),
    (BLUE, text("DeepUpdate", "It blinks blue")),
    (CONNECTING, text("DeepUpdate", "It has been blinking green or cyan for long; we would give it three minutes")),
    (
        FROZEN,
        text("DeepUpdate", "It has stayed orange or magenta, or stood still, for long; we would wait three minutes"),
    ),
    (RED, text("DeepUpdate", "It flashes red")),
    (DARK, text("DeepUpdate", "Nothing: it is dark")),
)
_OPTIONS_LATER = (
    (YELLOW, text("DeepUpdate", "It blinks yellow, I think")),
    (GOING, text("DeepUpdate", "It still changes: wait longer")),
)
_NOT_YELLOW = text("DeepUpdate", "USB shows no board in update mode, so that is orange: the board is still at work.")
_NOT_ASKED = text("DeepUpdate", "It shows on USB but could not be asked whether it listens: {reason}")

_FROZEN_TITLE = text("DeepUpdate", "Tap RESET once, without {button}")
_FROZEN_BODY = text(
    "DeepUpdate",
    "The deep update begins again where it is needed; the board counts its attempts at the radio and makes five at "
    "most. In the middle of a download (magenta) the board may go back to its backup firmware (fast red). If a reset "
    "does not help, start it over from update mode, or do the full firmware upgrade.",
)
_CONNECTING_TITLE = text("DeepUpdate", "The board cannot get through to its network or its cloud")
_CONNECTING_BODY = text(
    "DeepUpdate",
    "The radio has had its turn; what is missing is the way to the cloud. Green: is the network in reach, and is its "
    "password still the same? Cyan: does this network reach the internet, and let port 5683 out?",
)
_RED_TITLE = text("DeepUpdate", "Red says why it does not get on")
_RED_BODY = text(
    "DeepUpdate",
    "Two blinks: no internet. Three blinks: the cloud cannot be reached. A red flash after fast cyan: the exchange of "
    "keys broke off. Fast red: it goes back to its backup firmware. Red SOS: the firmware crashed. The light guide "
    "shows them all.",
)
_DARK_TITLE = text("DeepUpdate", "Check the cable, then tap RESET")
_DARK_BODY = text(
    "DeepUpdate",
    "If even the small blue light is off, the board has no power: try another cable and another USB port. If only the "
    "main light is off, no firmware runs: start over from update mode.",
)
_WATCH_ON = text("DeepUpdate", "I did that: watch on")
_START_OVER = text("DeepUpdate", "Bring it into update mode and start the deep update over")
_STOP_HERE = text("DeepUpdate", "Stop here")

_IN_DFU_TITLE = text("DeepUpdate", "The board is in update mode, and the deep update has not ended")
_IN_DFU_BODY = text(
    "DeepUpdate", "It is all there and can be started again. The full firmware upgrade needs no network."
)
_IN_DFU_BODY_COUNTED = text(
    "DeepUpdate",
    "It is all there and can be started again. The board has counted {count} of {most} attempts at its radio; once all "
    "are used it does not try any more. The full firmware upgrade patches the radio without a network.",
)
_START_AGAIN = text("DeepUpdate", "Start it again")
_NO_MORE_STARTS = text("DeepUpdate", "It was started {count} times. That is enough: do the full firmware upgrade.")
_NOT_IN_DFU = text("DeepUpdate", "The board did not get into update mode.")

_INSTEAD_SKIP = text("DeepUpdate", "Not done: the full firmware upgrade was chosen.")
_FOUND = text("DeepUpdate", "Found: {what}.")

# --- words at the end -------------------------------------------------------------------------------------------------

_NOT_OVER_USB = text("DeepUpdate", "cannot be seen over USB")
_NEXT_CHECK = text(
    "DeepUpdate",
    "The program cannot see over USB which software the radio has. To be sure: when it connects, the newest Tinker "
    "publishes the event spark/cc3000-patch-version in your cloud; its value should be 1.28.",
)
_NEXT_PUT_BACK = text("DeepUpdate", "The program that was on the board is kept on this computer and can be put back.")
_NEXT_WIFI = text(
    "DeepUpdate",
    "Give the board its Wi-Fi network: as long as it blinks blue it waits for that. Then it connects, blinks magenta, "
    "restarts, and breathes cyan at the end.",
)
_NEXT_NETWORK = text(
    "DeepUpdate",
    "Leave it powered near its network, and look at its light again later: it is done when it breathes cyan. If its "
    "network is gone, hold {button} for three seconds until it blinks blue and give it another one.",
)
_NEXT_GUIDE = text("DeepUpdate", "Find the light in the light guide: it says what each colour and count means.")
_NEXT_KEYS = text("DeepUpdate", "Before anything is done about the keys, back them up.")
_NEXT_FULL = text(
    "DeepUpdate", "Do the full firmware upgrade: it patches the radio and writes Tinker over USB, without a network."
)
_NEXT_CABLE = text("DeepUpdate", "Try another cable, another USB port and another power supply.")
_NEXT_LOOK = text(
    "DeepUpdate",
    "When it breathes cyan, it is done. If it stands still for long (we would wait three minutes), tap RESET; if that "
    "does not help, do the full firmware upgrade.",
)
_WARN_WIPE = text(
    "DeepUpdate",
    "The deep update has left its count of attempts on the board, and other firmware takes a count of one as an order: "
    "it will forget its Wi-Fi networks.",
)
_CAME_BACK_IN_DFU = text(
    "DeepUpdate",
    "The board came back in update mode: what it holds now does not start. A full firmware upgrade replaces it.",
)
_WARN_USED_UP = text("DeepUpdate", "The board has used all its attempts at the radio, so the radio may not be patched.")
_FIT = text(
    "DeepUpdate", "Only the Spark Core has a radio that is patched like this. For this board restore the system."
)


@dataclass(frozen=True, slots=True)
class _Ending:
    """What is said at an end, which recipes go on from it, and whether it is the end that was wanted."""

    summary: Text
    next_steps: tuple[Text, ...]
    recipes: tuple[str, ...] = ()
    reached: bool = False


_GOOD = (_NEXT_CHECK, _NEXT_PUT_BACK)
_ENDINGS = {
    _End.INSTEAD: _Ending(
        text("DeepUpdate", "Nothing was changed. The full firmware upgrade does it without a network."),
        (_NEXT_FULL,),
        (FULL_UPGRADE,),
    ),
    _End.CONNECTED: _Ending(
        text("DeepUpdate", "By its light the deep update is done, and this Core is connected."),
        _GOOD,
        reached=True,
    ),
    _End.ARRIVED: _Ending(
        text("DeepUpdate", "The deep update is done: newer firmware from the cloud has taken its place."),
        _GOOD,
        reached=True,
    ),
    _End.ON_USB: _Ending(
        text(
            "DeepUpdate",
            "The deep update ran, and the board shows on USB as newer firmware does. It is done when it breathes cyan.",
        ),
        _GOOD,
        reached=True,
    ),
    _End.NEEDS_WIFI: _Ending(
        text("DeepUpdate", "The radio has had its turn. To end the update the board waits for its Wi-Fi network."),
        (_NEXT_WIFI, *_GOOD),
        (FULL_UPGRADE,),
    ),
    _End.NO_NETWORK: _Ending(
        text("DeepUpdate", "The radio has had its turn, but the board cannot get through to its cloud."),
        (_NEXT_NETWORK, _NEXT_FULL, *_GOOD),
        (FULL_UPGRADE,),
    ),
    _End.RED: _Ending(
        text("DeepUpdate", "The deep update is on the board, but the board is in trouble: its light flashes red."),
        (_NEXT_GUIDE, _NEXT_KEYS, _NEXT_FULL),
        (FULL_UPGRADE, "back-up-key"),
    ),
    _End.DARK: _Ending(
        text("DeepUpdate", "The deep update was written, but the board's light is dark."),
        (_NEXT_CABLE, _NEXT_FULL),
        (FULL_UPGRADE,),
    ),
    _End.FROZEN: _Ending(
        text("DeepUpdate", "The deep update was written but did not get to its end."), (_NEXT_FULL,), (FULL_UPGRADE,)
    ),
    _End.REPLACED: _Ending(
        text("DeepUpdate", "The deep update is no longer on the board. It holds other firmware now."),
        (
            text(
                "DeepUpdate",
                "If you did no factory reset, the cloud has sent it and all is well. If you did one, the deep update "
                "was lost and can be done again.",
            ),
            _NEXT_CHECK,
        ),
        (FULL_UPGRADE, KEY),
    ),
    _End.UNSEEN: _Ending(
        text("DeepUpdate", "The deep update was written and started. Nobody said how it ended."),
        (_NEXT_LOOK, *_GOOD),
        (FULL_UPGRADE,),
    ),
}

_TROUBLES = {
    CONNECTING: (_CONNECTING_TITLE, _CONNECTING_BODY, _End.NO_NETWORK),
    FROZEN: (_FROZEN_TITLE, _FROZEN_BODY, _End.FROZEN),
    RED: (_RED_TITLE, _RED_BODY, _End.RED),
    DARK: (_DARK_TITLE, _DARK_BODY, _End.DARK),
}
_ENDS_BY_LIGHT = {CYAN: _End.CONNECTED, BLUE: _End.NEEDS_WIFI}


class DeepUpdate(Recipe):
    """Write the deep update, start it, and guide through what its light shows."""

    key = KEY
    title = text("DeepUpdate", "Deep update")
    summary = text(
        "DeepUpdate",
        "For a Core of 2013 or 2014 that flashes cyan or drops its connection, and still knows its Wi-Fi: new software "
        "for its radio, then the newest Tinker from the cloud.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("DeepUpdate", "All memory that holds firmware, and what is going to be replaced."),
        writes=text(
            "DeepUpdate",
            "The deep update in place of the program that is on the board. It then patches the radio and is replaced "
            "by Tinker, without this program.",
        ),
        keeps=text(
            "DeepUpdate",
            "Everything that is replaced, and the keys, in a folder of this board on this computer, so that it can be "
            "put back.",
        ),
        takes=text("DeepUpdate", "Three to ten minutes; the board may need several tries by itself."),
        risks=(
            text(
                "DeepUpdate",
                "It needs a Wi-Fi network the board knows, and its cloud. Without them it stops half-way; the full "
                "firmware upgrade does not.",
            ),
            text(
                "DeepUpdate",
                "If the cable is pulled while the light blinks orange, the board begins again when it is plugged in.",
            ),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board for which the pack has a deep update."""
        if any(file.role == ROLE and file.platform == board.platform.key for file in PACK):
            return Fit.yes()
        return Fit.no(_FIT)

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """The update itself."""
        return (pick(board.platform.key, ROLE).name,)

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(self.key)
        self._file: PackFile | None = None
        self._content = b""
        self._knows_network = False
        self._before: Looked | None = None
        self._target: Target | None = None
        self._button = ""
        self._end: _End | None = None
        self._starts = 0
        self._troubles = 0
        self._on_usb = False
        self._ask_now = False
        self._attempts: int | None = None  # as the board has counted them
        self._held_back = False  # in update mode, with the deep update and a flag that does not let it start
        self._holds: Text | None = None  # what was found where the deep update was
        self._warnings: list[Text] = []

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("DeepUpdate", "Check what is needed"), self._prepare, weight=1),
            Step(
                text("DeepUpdate", "Bring the board into update mode (DFU)"),
                self._enter,
                weight=2,
                detail=text("DeepUpdate", "Without buttons where that is possible."),
            ),
            Step(text("DeepUpdate", "Read what is on the board"), self._look, weight=2),
            Step(
                text("DeepUpdate", "Agree on the plan and keep what is replaced"),
                self._agree,
                weight=2,
                detail=text("DeepUpdate", "Nothing is written before you have seen the plan."),
            ),
            Step(text("DeepUpdate", "Write the deep update"), self._write, weight=12),
            Step(
                text("DeepUpdate", "Watch the board update itself"),
                self._follow,
                weight=30,
                detail=text("DeepUpdate", "Only the light shows how far it is. Leave the cable in."),
            ),
        )

    def outcome(self) -> Outcome:
        """Say how it ended as far as that can be known, what was there before, and where that is kept."""
        end = self._end
        assert end is not None
        ending = _ENDINGS[end]
        facts = []
        if self._before is not None:
            what = self._before.xray.slot(APPLICATION).what
            facts.append(Fact("firmware-before", text("DeepUpdate", "Firmware before"), what))
        if self._holds is not None:
            facts.append(Fact("firmware", text("DeepUpdate", "Firmware now"), self._holds))
        if self._starts:
            facts.append(Fact("radio", text("DeepUpdate", "Software of the radio"), _NOT_OVER_USB))
        if self._attempts is not None:
            counted = text("DeepUpdate", "Attempts at the radio, as the board counts them")
            facts.append(Fact("attempts", counted, f"{self._attempts} / {ATTEMPTS}"))
        return Outcome(
            ending.summary,
            (*facts, *self._rescue.where_kept()),
            kept=self._rescue.files,
            warnings=tuple(self._warnings),
            next_steps=tuple(
                self._with_button(words)
                for words in ending.next_steps
                if words is not _NEXT_PUT_BACK or self._had_program
            ),
            next_recipes=ending.recipes,
            unfinished=not ending.reached,
        )

    def tidy(self, job: Job) -> None:
        """Let go of the journal, so that it can be finished; restart the board only while its firmware is untouched."""
        self._rescue.close()
        if APPLICATION not in self._rescue.touched and not self._starts:
            leave_as_found(job, self._found_mode)

    @property
    def _had_program(self) -> bool:
        """Whether there was anything in the place of the program."""
        return self._before is not None and self._before.xray.slot(APPLICATION).state is not SlotState.BLANK

    # --- steps ---

    def _prepare(self, job: Job) -> None:
        platform = job.platform
        self._button = platform.mode_button
        room = sum(platform.region(key).size for key in (APPLICATION, *KEY_REGIONS))
        unlock_safe(job)
        self._rescue.prepare(job, room, secrets=True)
        self._rescue.resumes(job)
        self._found_mode = job.refresh().mode
        self._file = pick(platform.key, ROLE)
        self._content = job.pack.read(self._file.name)
        answer = str(job.ask(_NETWORK))
        self._rescue.answers[NETWORK] = answer
        self._knows_network = answer == KNOWN
        if answer == INSTEAD:
            self._end = _End.INSTEAD

    def _enter(self, job: Job) -> None:
        if self._end is not None:
            job.skip(_INSTEAD_SKIP)
            return
        enter_dfu(job)

    def _look(self, job: Job) -> None:
        if self._end is not None:
            job.skip(_INSTEAD_SKIP)
            return
        self._before = look(job)
        job.say(_FOUND.with_values(what=self._before.xray.slot(APPLICATION).what))

    def _agree(self, job: Job) -> None:
        if self._end is not None:
            job.skip(_INSTEAD_SKIP)
            return
        file, looked = self._file, self._before
        assert file is not None
        assert looked is not None
        start = job.platform.region(APPLICATION).start
        self._target = Target(file.title, APPLICATION, start, self._content, _WHY, file.name)
        warnings = [_WARN_PROGRAM] if self._had_program else []
        if not self._knows_network:
            warnings.append(_WARN_NO_WIFI)
        # Its own firmware takes the order to forget networks for its count of attempts (8.4).
        warnings += warn_of_waiting(replace(looked, flags=None))
        plan = self._rescue.plan(
            job,
            looked,
            (self._target,),
            stays=_STAYS,
            needs=(_NEEDS_WIFI, _NEEDS_POWER),
            warnings=warnings,
            extra_seconds=WORKS_S,
        )
        self._rescue.agree(job, plan, keep=KEY_REGIONS)

    def _write(self, job: Job) -> None:
        if self._end is not None:
            job.skip(_INSTEAD_SKIP)
            return
        assert self._target is not None
        self._rescue.write_all(job, (self._target,))

    def _follow(self, job: Job) -> None:
        if self._end is not None:
            job.skip(_INSTEAD_SKIP)
            return
        self._start(job)
        for _ in range(LOOKS_AT_MOST):
            self._end = self._go_on(job)
            if self._end is not None:
                break
        else:
            self._end = _End.UNSEEN
        if self._end in (_End.DARK, _End.UNSEEN) or self._held_back:
            self._rescue.close()  # perhaps it has never started: then it is offered to be finished
        else:
            self._rescue.finish(job)
        if self._end in (_End.FROZEN, _End.DARK, _End.RED, _End.REPLACED) and self._attempts == FORGET_WIFI:
            self._warnings.append(_WARN_WIPE)
        if self._attempts == ATTEMPTS:
            self._warnings.append(_WARN_USED_UP)
        job.say(_ENDINGS[self._end].summary)

    # --- while the board works ---

    def _start(self, job: Job) -> None:
        """Let the board run the deep update.

        Where its flag lets it start by itself (3.1) there is nothing left for this program to finish from then on. Else
        only leaving update mode sets the flag (2.2), and whether it did, what the board does next has to show.

        Raises:
            DfuRefused: The board does not leave update mode.
        """
        self._starts += 1
        insist_on_leaving(job, "to run the deep update")
        self._held_back = False
        assert self._before is not None
        if self._before.flags is not None and self._before.flags.ota_update == RUN_APPLICATION:
            self._rescue.finish(job)

    def _go_on(self, job: Job) -> _End | None:
        """Watch until something is known; return how it ended, None when it goes on."""
        seen = self._watch(job)
        if isinstance(seen, Board):
            return self._came_back(job, seen)
        if seen is None:
            return _End.ON_USB if self._on_usb else _End.UNSEEN
        if seen == GOING:
            return None
        if seen == YELLOW:
            return self._looks_yellow(job)
        if seen in _ENDS_BY_LIGHT:
            return _ENDS_BY_LIGHT[seen]
        return self._in_trouble(job, seen)

    def _watch(self, job: Job) -> str | Board | None:
        """Wait for USB or for the person's answer. After a while the person is asked; None when nobody answers."""
        if not self._ask_now:
            try:
                return job.watch(self._question(job, _WATCH_TITLE, _WATCH_BODY, _OPTIONS, usb=True), WATCH_S)
            except BoardDidNotReturn:
                log.info("deep update: nothing on USB and no answer so far")
        title, body = (_BACK_TITLE, _BACK_BODY) if self._ask_now else (_ASK_TITLE, _ASK_BODY)
        self._ask_now = False
        options = (*_OPTIONS, *_OPTIONS_LATER)
        try:
            return job.watch(self._question(job, title, body, options, usb=False), ANSWER_S)
        except (BoardDidNotReturn, NoAnswer) as fault:
            log.info("deep update: %s", fault.code)
            return None

    def _question(
        self, job: Job, title: Text, body: Text, options: tuple[tuple[str, Text], ...], *, usb: bool
    ) -> WatchLight:
        return WatchLight(
            name=LIGHT,
            title=title,
            body=body,
            platform=job.platform,
            stages=(
                LightStage("core-radio.deep-update", _STAGE_PATCHING),
                LightStage("core-2014.connecting", _STAGE_CONNECTING),
                LightStage("core-2014.ota", _STAGE_RECEIVING),
                LightStage("core-2014.cloud-connected", _STAGE_DONE),
            ),
            options=options,
            until=Mode.NORMAL if usb else None,
            or_back=usb,
        )

    def _came_back(self, job: Job, board: Board) -> _End | None:
        """Tell what it means that the board shows on USB."""
        if board.mode is Mode.DFU:
            return self._in_update_mode(job)
        self._ask_now = True
        try:
            for _ in range(PROBES):
                if job.is_listening():
                    return _End.NEEDS_WIFI
                job.pause(PROBE_PAUSE_S)
                if job.refresh().mode is Mode.DFU:
                    self._ask_now = False
                    return self._in_update_mode(job)
        except WrongBoardReturned:
            raise
        except Fault as fault:  # it restarts under our hands, or may not be opened: the person sees its light
            log.info("is it listening: %s: %s", fault.code, fault.detail)
            job.note(_NOT_ASKED.with_values(reason=fault.cause))
            return None
        self._on_usb = True
        return None

    def _looks_yellow(self, job: Job) -> _End | None:
        """The person thinks it is in update mode: USB knows."""
        if self._is_in_dfu(job):
            return self._in_update_mode(job)
        job.note(_NOT_YELLOW)
        return None

    def _in_trouble(self, job: Job, seen: str) -> _End | None:
        """Say what to do about what the light does, and go on or end; both are bounded."""
        title, body, end = _TROUBLES[seen]
        options = [(END, _STOP_HERE)]
        if self._starts < STARTS_AT_MOST:
            options.insert(0, (START_OVER, _START_OVER))
        if self._troubles < TROUBLES_AT_MOST:
            options.insert(0, (WATCH, _WATCH_ON))
        self._troubles += 1
        answer = self._ask(job, Choose(NEXT, self._with_button(title), body, tuple(options)))
        if answer == WATCH:
            return None
        if answer == START_OVER:
            return self._start_over(job, end)
        return end

    def _start_over(self, job: Job, end: _End) -> _End | None:
        if not self._is_in_dfu(job):
            try:
                coach_into_dfu(job)
            except BoardDidNotReturn:
                job.note(_NOT_IN_DFU)
                return end
        return self._in_update_mode(job, wanted=True)

    def _in_update_mode(self, job: Job, *, wanted: bool = False) -> _End | None:
        """The board can be read again: tell how far it came, and start it again where it is not at its end.

        Args:
            job: The run.
            wanted: Whether the person has asked for another start already.
        """
        looked = look(job, (APPLICATION, CORE_FLAGS))
        slot = looked.xray.slot(APPLICATION)
        if looked.roles.get(APPLICATION) != ROLE:
            self._holds = slot.what
            return self._ended_by(job, looked)
        self._held_back = not starts_alone(job)
        count = looked.flags.nvmem_reset if looked.flags is not None else 0
        self._attempts = count if 1 <= count <= ATTEMPTS else None
        if self._starts >= STARTS_AT_MOST:
            job.note(_NO_MORE_STARTS.with_values(count=self._starts))
            return _End.FROZEN
        if not wanted or self._attempts == ATTEMPTS:
            body = _IN_DFU_BODY
            if self._attempts is not None:
                body = _IN_DFU_BODY_COUNTED.with_values(count=self._attempts, most=ATTEMPTS)
            options = ((WATCH, _START_AGAIN), (END, _STOP_HERE))
            if self._ask(job, Choose(NEXT, _IN_DFU_TITLE, body, options)) == END:
                return _End.FROZEN
        self._start(job)
        return None

    def _ended_by(self, job: Job, looked: Looked) -> _End:
        """Other firmware stands where the deep update was: the cloud's, or what a factory reset has put there."""
        assert self._before is not None
        slot = looked.xray.slot(APPLICATION)
        factory = self._before.xray.slot(FACTORY)
        newer = slot.state in STARTS and slot.version is not None  # what the cloud sends tells its version (7.1)
        if not newer or slot.sha256 == factory.sha256:
            return _End.REPLACED
        left = leave_dfu(job)
        if left is not LEFT_RUNNING:
            self._warnings.append(_CAME_BACK_IN_DFU if left is LEFT_IN_DFU else left)
        return _End.ARRIVED

    # --- inside ---

    def _ask(self, job: Job, question: Choose) -> str:
        """Ask how to go on; where nobody answers, it ends here."""
        try:
            return str(job.ask(question, ANSWER_S))
        except NoAnswer:
            return END

    def _is_in_dfu(self, job: Job) -> bool:
        try:
            return job.refresh().mode is Mode.DFU
        except WrongBoardReturned:
            raise
        except Fault:  # nothing is there
            return False

    def _with_button(self, words: Text) -> Text:
        return words.with_values(button=self._button) if "{button}" in words.source else words
