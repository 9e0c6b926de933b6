"""Why won't it connect? What can be measured, the light, as few questions as possible, and the most likely cause.

Nothing is written to the board. It follows the steps of the user's support page; the rules are in
`app/work/connect_rules.py`. Its keys are read only where they come into question, and only after the person agreed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.faults import Fault, WrongBoardReturned
from app.platforms.lights import pattern
from app.platforms.model import Mode
from app.protocols import requests
from app.protocols.diagnostics import Diagnostics
from app.protocols.modules import ModuleFunction, ModuleReport, ModuleStore
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.check_keys import NEEDS_UPDATE_MODE, CheckKeys
from app.recipes.join_wifi_words import light_era
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    enter_dfu,
    has_requests,
    leave_as_found,
    leave_dfu,
    unlock_safe,
)
from app.text import Text, text
from app.undo.board_name import Match
from app.work.board import Board, match
from app.work.connect_asks import DONT_KNOW, Ask
from app.work.connect_case import UNKNOWN, Known, Measured, light_seen, stages_of
from app.work.connect_diagnosis import Diagnosis, diagnose, next_question, options_of
from app.work.connect_report import FIELDS, Told, report
from app.work.connect_rules import SURENESS_REASONS, SURENESS_WORDS
from app.work.events import Document, Fact, Outcome
from app.work.job import Job
from app.work.key_rules import Sureness
from app.work.light_decoder import LightReading
from app.work.preflight import State, from_here, merge
from app.work.questions import Card, Choose, ChooseCard, Confirm, Enter, TellLight
from app.work.step import Step

log = logging.getLogger(__name__)

KEY = "why-not-connecting"
START, LIGHT, READ_KEYS, REPORT = "start", "light", "read-keys", "report"
CHANGE_KEY = "change-key"
SCAN_S = 15.0
MOST_OTHERS, MOST_RECIPES = 2, 3

_SYSTEM_ERAS = ("core-2014", "up-to-0.6", "from-0.7")

_NO_WIFI = text(
    "WhyNot", "This is about Wi-Fi, and this board has none. For a board that flashes after cyan, check its keys."
)
_START = Confirm(
    START,
    text("WhyNot", "The board is in update mode, where it does not connect. Start it?"),
    text("WhyNot", "Then its light shows how far it gets. Nothing is written."),
    text("WhyNot", "Start it"),
    text("WhyNot", "Leave it as it is"),
)
_LIGHT_TITLE = text("WhyNot", "What does the board's light do?")
_LIGHT_BODY = text(
    "WhyNot",
    "Watch the main light for half a minute. It tells how far the board gets. If it does several things in turn, "
    "choose the one it ends with.",
)
_READ_KEYS = Confirm(
    READ_KEYS,
    text("WhyNot", "Read the keys on the board?"),
    text(
        "WhyNot",
        "So far: {cause} Its keys would tell more. For that the board goes into update mode (DFU), with the buttons if "
        "need be. The key is only read, and kept in your key safe.",
    ),
    text("WhyNot", "Read them"),
    text("WhyNot", "Not now"),
)
_REPORT = Confirm(
    REPORT,
    text("WhyNot", "Fill in a report to show to others?"),
    text(
        "WhyNot",
        "So far: {cause} If that does not help, a forum or a friend may know more. The report asks six things about "
        "your network; any may be left out. Without it, the report is made with what is known.",
    ),
    text("WhyNot", "Fill it in"),
    text("WhyNot", "Not now"),
)

_RUNNING = text("WhyNot", "It runs its firmware.")
_LISTENS = text("WhyNot", "It listens (blinking blue).")
_HALF_WRITTEN = text("WhyNot", "It is in update mode, amid a rescue that was not finished.")
_IN_DFU = text("WhyNot", "It is in update mode (blinking yellow).")
_RUNNING_VERSION = text("WhyNot", "It runs firmware {version}.")
_LISTENS_VERSION = text("WhyNot", "It listens (blinking blue); its firmware is {version}.")
_NOT_NEEDED = text("WhyNot", "Not needed: what is known says enough.")
_NO_LIGHT_NEEDED = text("WhyNot", "USB tells what it does.")
_UNSEEN = text("WhyNot", "Nobody saw it.")
_STAYS = text("WhyNot", "It stays in update mode.")
_HEARD = text("WhyNot", "{count} networks heard.")
_NONE_FAILED = text("WhyNot", "What could be tried works.")
_FAILED = text("WhyNot", "{words}")
_NOT_TRIED = text("WhyNot", "Nothing could be tried from here.")
_ASKED = text("WhyNot", "Questions answered: {count}.")
_NONE_ASKED = text("WhyNot", "No question was needed.")
_NO_KEYS = text("WhyNot", "They do not come into question so far.")
_KEYS_LATER = text("WhyNot", "Not now.")
_WITHOUT = text("WhyNot", "Then it is done without.")
_READ = text("WhyNot", "Read and kept.")
_NO_REPORT = text("WhyNot", "Not needed: the cause is certain.")
_REPORT_READY = text("WhyNot", "The report has what is known.")
_REPORT_FILLED = text("WhyNot", "The report is filled in.")
_SUMMARY = text("WhyNot", "{cause} {sure}")
_IN_UPDATE_MODE = text("WhyNot", "The board is still in update mode (blinking yellow), ready for the next step.")


class WhyNotConnecting(Recipe):
    """Measure, ask for the light, ask as little as possible, and say what is most likely wrong."""

    key = KEY
    title = text("WhyNot", "Why won't it connect?")
    summary = text(
        "WhyNot", "The board does not get online? A few questions and what can be measured tell the most likely reason."
    )
    group = Group.SET_UP
    promise = Promise(
        reads=text("WhyNot", "Its mode and version, where it tells them. Its keys only if you agree."),
        writes=text("WhyNot", "Nothing. The board is only looked at."),
        keeps=text("WhyNot", "Nothing; if keys are read, the board's own key in your key safe."),
        takes=text("WhyNot", "One to three minutes, for at most five questions after the light."),
        risks=(
            text(
                "WhyNot",
                "This computer looks for Wi-Fi networks, asks for a test page of Google's, and tries to reach the "
                "board's cloud.",
            ),
        ),
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board with Wi-Fi."""
        return Fit.no(_NO_WIFI) if board.platform.has_modem else Fit.yes()

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._known: Known | None = None
        self._light: LightReading | None = None
        self._light_words: Text | None = None
        self._quiet = False
        self._scan_trouble: Text | None = None
        self._told = Told()
        self._document: Document | None = None
        self._facts: list[Fact] = []
        self._next: tuple[str, ...] = ()
        self._kept: tuple[str, ...] = ()
        self._left: Text | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("WhyNot", "Look at the board"), self._look),
            Step(text("WhyNot", "Say what its light does"), self._ask_light, weight=3),
            Step(
                text("WhyNot", "Try the way from this computer"),
                self._measure,
                weight=3,
                detail=text("WhyNot", "Networks here, the internet, and the board's cloud. It works offline, too."),
            ),
            Step(
                text("WhyNot", "Answer what cannot be measured"),
                self._interview,
                weight=3,
                detail=text("WhyNot", "Only questions whose answer would change the result."),
            ),
            Step(
                text("WhyNot", "Read its keys, if you agree"),
                self._read_keys,
                weight=3,
                detail=text("WhyNot", "Only where they come into question."),
            ),
            Step(text("WhyNot", "Make a report"), self._make_report),
        )

    def outcome(self) -> Outcome:
        """Say what is most likely wrong, how sure that is, and what to do."""
        main, *others = self._diagnosis.causes
        facts = [
            *self._facts,
            *(
                Fact(f"also-{number}", text("WhyNot", "Also possible"), cause.words)
                for number, cause in enumerate(others[:MOST_OTHERS], start=1)
            ),
        ]
        steps = [main.step]
        if self._left is not None:
            steps.append(self._left)
        return Outcome(
            _SUMMARY.with_values(cause=main.words, sure=SURENESS_WORDS[main.sureness]),
            tuple(facts),
            kept=self._kept,
            next_steps=tuple(steps),
            next_recipes=self._next,
            unfinished=main.code != "connected",
            documents=(self._document,) if self._document is not None else (),
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- steps ---

    def _look(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        self._known = Known(_from_journal(job))
        if self._found_mode is Mode.DFU:
            self._measured(mode=Mode.DFU)
            if self._now.measured.unfinished:
                job.say(_HALF_WRITTEN)  # what is half-written had better not be started
                return
            if not job.ask(_START):
                job.say(_IN_DFU)
                return
            left = leave_dfu(job)
            if left is LEFT_IN_DFU:
                self._measured(starts=False)
                job.say(left)
                return
            if left is not LEFT_RUNNING:
                self._quiet = left is LEFT_QUIET
                if self._quiet:
                    self._measured(mode=Mode.NORMAL)
                job.say(left)
                return
        self._ask_board(job)

    def _ask_light(self, job: Job) -> None:
        if self._now.measured.mode is not Mode.NORMAL:
            job.skip(_NO_LIGHT_NEEDED)
            return
        question = TellLight(LIGHT, _LIGHT_TITLE, _LIGHT_BODY, job.platform, self._eras(job))
        answer = job.ask(question)
        assert isinstance(answer, LightReading)
        self._light = answer
        self._known = replace(self._now, stages=stages_of(answer))
        if not answer.could_see:
            job.say(_UNSEEN)
            return
        self._light_words = pattern(answer.best).name
        job.say(self._light_words)

    def _measure(self, job: Job) -> None:
        if self._diagnosis.clear:
            job.skip(_NOT_NEEDED)
            return
        scan = job.scanner.scan(SCAN_S, job.clock, job.check)
        self._scan_trouble = scan.trouble
        heard = merge((), scan, job.platform, version=self._now.measured.version)
        self._measured(joined=scan.joined, heard=heard)
        if heard:
            job.note(_HEARD.with_values(count=len(heard)))
        elif scan.trouble is not None:
            job.note(scan.trouble)
        self._try_way(job, job.platform.default_host, job.platform.default_port)
        checks = self._now.measured.checks
        failed = next((each for each in checks if each.state is State.FAILED), None)
        if failed is not None:
            job.say(_FAILED.with_values(words=failed.words))
        else:
            job.say(_NONE_FAILED if any(each.state is State.OK for each in checks) else _NOT_TRIED)

    def _interview(self, job: Job) -> None:
        while (ask := next_question(self._now)) is not None:
            answer = str(job.ask(_question(self._now, ask)))
            self._known = self._now.with_answer(ask.key, answer)
        count = len(self._now.told)
        if count:
            job.say(_ASKED.with_values(count=count))
        else:
            job.skip(_NONE_ASKED)

    def _read_keys(self, job: Job) -> None:
        main = self._diagnosis.main
        if not main.keys or self._quiet:
            job.skip(_NO_KEYS)
            return
        if not job.ask(replace(_READ_KEYS, body=_READ_KEYS.body.with_values(cause=main.words))):
            job.skip(_KEYS_LATER)
            return
        job.safe.insist_writable()
        unlock_safe(job)
        enter_dfu(job)
        check = CheckKeys()
        found = check.judge(job, light_seen(self._now.stages))
        self._measured(keys=found)
        self._kept = check.kept
        place = check.server.host, check.server.port
        if place != (job.platform.default_host, job.platform.default_port):
            self._try_way(job, *place)
        if not found.good and found.repair in NEEDS_UPDATE_MODE:
            self._left = _IN_UPDATE_MODE  # fingers that brought it there need not do so again
            job.say(_STAYS)
            return
        left = leave_dfu(job)
        self._left = None if left is LEFT_RUNNING else left
        job.say(_READ)

    def _make_report(self, job: Job) -> None:
        main = self._diagnosis.main
        wished = job.answered_beforehand(REPORT)
        if main.sureness is Sureness.CERTAIN and not wished:
            self._tell(job)
            job.skip(_NO_REPORT)
            return
        filled = False
        if wished or main.sureness is Sureness.POSSIBLE:  # whoever has something to try first is not kept any longer
            filled = bool(job.ask(replace(_REPORT, body=_REPORT.body.with_values(cause=main.words))))
        if filled:
            answers = {}
            for each in FIELDS:
                given = job.ask(Enter(each.key, each.title, each.body, each.hint, allow_empty=True))
                answers[each.key] = str(given)
            self._told = Told(answers)
        job.say(_REPORT_FILLED if filled else _REPORT_READY)
        made = datetime.now().astimezone()
        self._document = report(
            job.board, self._now, self._diagnosis, self._light, self._told, made, self._scan_trouble
        )
        self._tell(job)

    # --- inside ---

    @property
    def _now(self) -> Known:
        assert self._known is not None, "the first step looks"
        return self._known

    @property
    def _diagnosis(self) -> Diagnosis:
        return diagnose(self._now)

    def _measured(self, **facts: object) -> None:
        self._known = replace(self._now, measured=replace(self._now.measured, **facts))  # type: ignore[arg-type]

    def _ask_board(self, job: Job) -> None:
        """Ask what a board tells without being disturbed: over its console if it listens, else by control request."""
        version, claimed, modules, listens = "", None, None, False
        numbers: Diagnostics | None = None
        try:
            listens = job.refresh().sighting.serial_port is not None and job.is_listening()
            if listens:
                with job.console() as console:
                    version = console.version() or ""
                    claimed, modules, numbers = console.claimed(), console.modules(), console.diagnostics()
            elif has_requests(job.board):
                with job.usb() as pipe:
                    version = requests.system_version(pipe, job.clock, job.check) or ""
                    modules = requests.module_info(pipe, job.clock, job.check)
                    claimed = requests.claimed(pipe, job.clock, job.check)
                    numbers = requests.diagnostics(pipe, job.clock, job.check)
        except WrongBoardReturned:
            raise
        except Fault as fault:  # an answer less; the light tells more anyway
            log.info("ask the board: %s: %s", fault.code, fault.detail)
        if version:
            job.told_version(version)
        self._measured(
            mode=Mode.LISTENING if listens else Mode.NORMAL,
            version=version,
            claimed=claimed,
            system_sound=_sound(modules),
            diagnostics=tuple((numbers or {}).items()),
        )
        if version:
            job.say((_LISTENS_VERSION if listens else _RUNNING_VERSION).with_values(version=version))
        else:
            job.say(_LISTENS if listens else _RUNNING)

    def _eras(self, job: Job) -> tuple[str, ...]:
        """Return the generations of lights that come into question."""
        version = self._now.measured.version
        if not version:
            return job.platform.light_eras
        era = light_era(job.platform, version)
        return tuple(each for each in job.platform.light_eras if each == era or each not in _SYSTEM_ERAS)

    def _try_way(self, job: Job, host: str, port: int) -> None:
        self._measured(checks=from_here(job.network, job.clock, job.check, host, port, udp=False))

    def _tell(self, job: Job) -> None:
        """Gather what the outcome says, while the board is known."""
        from app.recipes.registry import known  # the registry lists this recipe, too

        diagnosis = self._diagnosis
        measured = self._now.measured
        self._facts = [Fact("sureness", text("WhyNot", "How sure"), SURENESS_REASONS[diagnosis.main.sureness])]
        if self._light_words is not None:
            self._facts.append(Fact("light", text("WhyNot", "The light"), self._light_words))
        if measured.version:
            self._facts.append(Fact("version", text("WhyNot", "Firmware"), measured.version))
        self._facts += [
            Fact(f"check-{each.key}", text("WhyNot", "From this computer"), each.words)
            for each in measured.checks
            if each.state is not State.UNKNOWN
        ]
        found = [(key, known(key)) for key in dict.fromkeys(diagnosis.main.recipes)]
        fitting = tuple(key for key, recipe in found if recipe is not None and recipe.fit(job.board).ok)
        self._next = fitting[:MOST_RECIPES]


def _from_journal(job: Job) -> Measured:
    """Return what earlier work on this very board tells."""
    mine = [each for each in job.undo.rescues() if match(each.board, job.board) is Match.YES]
    return Measured(
        job.platform,
        unfinished=next((each.recipe for each in mine if each.open), ""),
        new_key=any(each.recipe == CHANGE_KEY and each.finished for each in mine),
    )


def _sound(modules: ModuleReport | None) -> bool | None:
    """Whether the system parts a board lists are whole and fit each other; None when it lists none."""
    if modules is None:
        return None
    system = (ModuleFunction.SYSTEM, ModuleFunction.MONOLITHIC)
    there = [each for each in modules.modules if each.function in system and each.store is ModuleStore.MAIN]
    return all(each.valid for each in there) if there else None


def _question(known: Known, ask: Ask) -> Choose | ChooseCard:
    options = options_of(known, ask)
    cards = [Card(each.key, each.words, each.body) for each in options if each.body is not None]
    if cards:
        cards.append(Card(UNKNOWN, DONT_KNOW, _WITHOUT))
        return ChooseCard(ask.key, ask.title, ask.body, tuple(cards))
    rows = [(each.key, each.words) for each in options if isinstance(each.words, Text)]
    return Choose(ask.key, ask.title, ask.body, (*rows, (UNKNOWN, DONT_KNOW)))
