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
from dataclasses import replace

from app.faults import BoardDidNotReturn, Fault, NoAnswer, WrongBoardReturned
from app.firmware.pack import PACK, PackFile, pick
from app.platforms.model import Mode
from app.recipes import deep_update_words as texts
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.deep_update_words import (
    END,
    GOING,
    INSTEAD,
    KEY,
    KNOWN,
    LIGHT,
    NETWORK,
    NEXT,
    START_OVER,
    WATCH,
    YELLOW,
    End,
)
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
from app.work.verdicts import CORE_FLAGS, FORGET_WIFI, RUN_APPLICATION, STARTS
from app.work.xray import Looked, look

log = logging.getLogger(__name__)

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
        return Fit.no(texts.FIT)

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
        self._end: End | None = None
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
        ending = texts.ENDINGS[end]
        facts = []
        if self._before is not None:
            what = self._before.xray.slot(APPLICATION).what
            facts.append(Fact("firmware-before", text("DeepUpdate", "Firmware before"), what))
        if self._holds is not None:
            facts.append(Fact("firmware", text("DeepUpdate", "Firmware now"), self._holds))
        if self._starts:
            facts.append(Fact("radio", text("DeepUpdate", "Software of the radio"), texts.NOT_OVER_USB))
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
                if words is not texts.NEXT_PUT_BACK or self._had_program
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
        answer = str(job.ask(texts.NETWORK_QUESTION))
        self._rescue.answers[NETWORK] = answer
        self._knows_network = answer == KNOWN
        if answer == INSTEAD:
            self._end = End.INSTEAD

    def _enter(self, job: Job) -> None:
        if self._end is not None:
            job.skip(texts.INSTEAD_SKIP)
            return
        enter_dfu(job)

    def _look(self, job: Job) -> None:
        if self._end is not None:
            job.skip(texts.INSTEAD_SKIP)
            return
        self._before = look(job)
        job.say(texts.FOUND.with_values(what=self._before.xray.slot(APPLICATION).what))

    def _agree(self, job: Job) -> None:
        if self._end is not None:
            job.skip(texts.INSTEAD_SKIP)
            return
        file, looked = self._file, self._before
        assert file is not None
        assert looked is not None
        start = job.platform.region(APPLICATION).start
        self._target = Target(file.title, APPLICATION, start, self._content, texts.WHY, file.name)
        warnings = [texts.WARN_PROGRAM] if self._had_program else []
        if not self._knows_network:
            warnings.append(texts.WARN_NO_WIFI)
        # Its own firmware takes the order to forget networks for its count of attempts (8.4).
        warnings += warn_of_waiting(replace(looked, flags=None))
        plan = self._rescue.plan(
            job,
            looked,
            (self._target,),
            stays=texts.STAYS,
            needs=(texts.NEEDS_WIFI, texts.NEEDS_POWER),
            warnings=warnings,
            extra_seconds=WORKS_S,
        )
        self._rescue.agree(job, plan, keep=KEY_REGIONS)

    def _write(self, job: Job) -> None:
        if self._end is not None:
            job.skip(texts.INSTEAD_SKIP)
            return
        assert self._target is not None
        self._rescue.write_all(job, (self._target,))

    def _follow(self, job: Job) -> None:
        if self._end is not None:
            job.skip(texts.INSTEAD_SKIP)
            return
        self._start(job)
        for _ in range(LOOKS_AT_MOST):
            self._end = self._go_on(job)
            if self._end is not None:
                break
        else:
            self._end = End.UNSEEN
        if self._end in (End.DARK, End.UNSEEN) or self._held_back:
            self._rescue.close()  # perhaps it has never started: then it is offered to be finished
        else:
            self._rescue.finish(job)
        if self._end in (End.FROZEN, End.DARK, End.RED, End.REPLACED) and self._attempts == FORGET_WIFI:
            self._warnings.append(texts.WARN_WIPE)
        if self._attempts == ATTEMPTS:
            self._warnings.append(texts.WARN_USED_UP)
        job.say(texts.ENDINGS[self._end].summary)

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

    def _go_on(self, job: Job) -> End | None:
        """Watch until something is known; return how it ended, None when it goes on."""
        seen = self._watch(job)
        if isinstance(seen, Board):
            return self._came_back(job, seen)
        if seen is None:
            return End.ON_USB if self._on_usb else End.UNSEEN
        if seen == GOING:
            return None
        if seen == YELLOW:
            return self._looks_yellow(job)
        if seen in texts.ENDS_BY_LIGHT:
            return texts.ENDS_BY_LIGHT[seen]
        return self._in_trouble(job, seen)

    def _watch(self, job: Job) -> str | Board | None:
        """Wait for USB or for the person's answer. After a while the person is asked; None when nobody answers."""
        if not self._ask_now:
            try:
                return job.watch(
                    self._question(job, texts.WATCH_TITLE, texts.WATCH_BODY, texts.OPTIONS, usb=True), WATCH_S
                )
            except BoardDidNotReturn:
                log.info("deep update: nothing on USB and no answer so far")
        title, body = (texts.BACK_TITLE, texts.BACK_BODY) if self._ask_now else (texts.ASK_TITLE, texts.ASK_BODY)
        self._ask_now = False
        options = (*texts.OPTIONS, *texts.OPTIONS_LATER)
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
                LightStage("core-radio.deep-update", texts.STAGE_PATCHING),
                LightStage("core-2014.connecting", texts.STAGE_CONNECTING),
                LightStage("core-2014.ota", texts.STAGE_RECEIVING),
                LightStage("core-2014.cloud-connected", texts.STAGE_DONE),
            ),
            options=options,
            until=Mode.NORMAL if usb else None,
            or_back=usb,
        )

    def _came_back(self, job: Job, board: Board) -> End | None:
        """Tell what it means that the board shows on USB."""
        if board.mode is Mode.DFU:
            return self._in_update_mode(job)
        self._ask_now = True
        try:
            for _ in range(PROBES):
                if job.is_listening():
                    return End.NEEDS_WIFI
                job.pause(PROBE_PAUSE_S)
                if job.refresh().mode is Mode.DFU:
                    self._ask_now = False
                    return self._in_update_mode(job)
        except WrongBoardReturned:
            raise
        except Fault as fault:  # it restarts under our hands, or may not be opened: the person sees its light
            log.info("is it listening: %s: %s", fault.code, fault.detail)
            job.note(texts.NOT_ASKED.with_values(reason=fault.cause))
            return None
        self._on_usb = True
        return None

    def _looks_yellow(self, job: Job) -> End | None:
        """The person thinks it is in update mode: USB knows."""
        if self._is_in_dfu(job):
            return self._in_update_mode(job)
        job.note(texts.NOT_YELLOW)
        return None

    def _in_trouble(self, job: Job, seen: str) -> End | None:
        """Say what to do about what the light does, and go on or end; both are bounded."""
        title, body, end = texts.TROUBLES[seen]
        options = [(END, texts.STOP_HERE)]
        if self._starts < STARTS_AT_MOST:
            options.insert(0, (START_OVER, texts.START_OVER_OPTION))
        if self._troubles < TROUBLES_AT_MOST:
            options.insert(0, (WATCH, texts.WATCH_ON))
        self._troubles += 1
        answer = self._ask(job, Choose(NEXT, self._with_button(title), body, tuple(options)))
        if answer == WATCH:
            return None
        if answer == START_OVER:
            return self._start_over(job, end)
        return end

    def _start_over(self, job: Job, end: End) -> End | None:
        if not self._is_in_dfu(job):
            try:
                coach_into_dfu(job)
            except BoardDidNotReturn:
                job.note(texts.NOT_IN_DFU)
                return end
        return self._in_update_mode(job, wanted=True)

    def _in_update_mode(self, job: Job, *, wanted: bool = False) -> End | None:
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
            job.note(texts.NO_MORE_STARTS.with_values(count=self._starts))
            return End.FROZEN
        if not wanted or self._attempts == ATTEMPTS:
            body = texts.IN_DFU_BODY
            if self._attempts is not None:
                body = texts.IN_DFU_BODY_COUNTED.with_values(count=self._attempts, most=ATTEMPTS)
            options = ((WATCH, texts.START_AGAIN), (END, texts.STOP_HERE))
            if self._ask(job, Choose(NEXT, texts.IN_DFU_TITLE, body, options)) == END:
                return End.FROZEN
        self._start(job)
        return None

    def _ended_by(self, job: Job, looked: Looked) -> End:
        """Other firmware stands where the deep update was: the cloud's, or what a factory reset has put there."""
        assert self._before is not None
        slot = looked.xray.slot(APPLICATION)
        factory = self._before.xray.slot(FACTORY)
        newer = slot.state in STARTS and slot.version is not None  # what the cloud sends tells its version (7.1)
        if not newer or slot.sha256 == factory.sha256:
            return End.REPLACED
        left = leave_dfu(job)
        if left is not LEFT_RUNNING:
            self._warnings.append(texts.CAME_BACK_IN_DFU if left is LEFT_IN_DFU else left)
        return End.ARRIVED

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
