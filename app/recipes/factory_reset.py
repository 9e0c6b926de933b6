"""Factory reset: what it does on this very board, what is better, and the buttons for it (device-protocol.md 8.1, 8.6).

It is read first whether there is anything that a reset could put back: a Core copies whatever lies there without
looking, and most Photons have nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.faults import BoardDidNotReturn
from app.platforms.model import Choreography, Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    enter_dfu,
    leave_as_found,
    what_became,
)
from app.recipes.system_set import system_regions
from app.text import Text, text
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.plan import SlotState
from app.work.questions import Choose, Confirm, DoThis
from app.work.step import Step
from app.work.verdicts import FULL_UPGRADE, RESTORE, STARTS
from app.work.xray import Looked, look

KEY = "factory-reset"
JOIN_WIFI = "join-wifi"
CLEARING = "factory-reset-clear"
FACTORY = "factory"
HANDS_S = 180.0
"""For the buttons, more than once, and for the copying."""

_DOES_CORE = text(
    "FactoryReset",
    "The board copies its factory firmware over the firmware it has now, without looking whether it is whole. The "
    "program that is on it is gone then.",
)
_DOES_CORE_FORGETS = text(
    "FactoryReset",
    "The board copies its factory firmware over the firmware it has now, without looking whether it is whole, and "
    "forgets its Wi-Fi networks. The program that is on it is gone then.",
)
_DOES_PARTS = text(
    "FactoryReset",
    "The board copies its factory program over your own program, which is gone then. The system stays as it is, so "
    "a broken system is not repaired by this.",
)
_BETTER_PARTS = text("FactoryReset", "It is better to restore the system: that repairs what a factory reset leaves.")
_BETTER_CORE = text("FactoryReset", "A full firmware upgrade does more: newer firmware, and a patch for the radio.")
_THERE = text("FactoryReset", "{does} Factory firmware on this board: {what}. {better}")

_CONFIRM_TITLE = text("FactoryReset", "Do a factory reset all the same?")
_YES = text("FactoryReset", "Do the factory reset")
_NO = text("FactoryReset", "Leave the board as it is")

_WIFI = Choose(
    "wifi",
    text("FactoryReset", "What about the Wi-Fi networks?"),
    text("FactoryReset", "Both kinds of reset put the factory program in place of your own."),
    (
        ("keep", text("FactoryReset", "Keep the Wi-Fi networks the board knows")),
        ("clear", text("FactoryReset", "Forget them too")),
    ),
)

_DO_TITLE = text("FactoryReset", "Hold {button}, tap RESET, keep holding {button}")
_DO_GREEN = text(
    "FactoryReset",
    "The light blinks magenta, then yellow, then green after about {seconds} seconds: let go then, and before it "
    "turns white at {late} seconds.",
)
_DO_WHITE = text(
    "FactoryReset",
    "Hold on through all colours until the light blinks white, after about {seconds} seconds. Then let go.",
)

_NONE_THERE = text("FactoryReset", "There is no factory firmware on this board, so a factory reset cannot help.")
_NOT_WHOLE = text(
    "FactoryReset", "What lies in the place of the factory firmware is not whole, so a factory reset cannot help."
)
_EMPTY_CORE = text(
    "FactoryReset", "A Core would copy it all the same and then have no firmware that starts. Do not try it."
)
_DECLINED = text("FactoryReset", "No factory reset was done.")
_DONE = text("FactoryReset", "The board has started again after the buttons.")
_NOT_SURE = text("FactoryReset", "Whether the factory reset was done is not certain.")
_ONLY_IF = text(
    "FactoryReset",
    "If the light never blinked {colour}, the reset was not done: the button was let go too early. Start again.",
)
_GREEN, _WHITE = text("FactoryReset", "green"), text("FactoryReset", "white")
_NOT_NEEDED = text("FactoryReset", "Not done.")
_FOUND = text("FactoryReset", "Factory firmware: {what}.")
_IN_DFU = text(
    "FactoryReset",
    "The board is in update mode (blinking yellow): the button was let go too early, or no firmware on it starts.",
)
_STILL_DFU = text("FactoryReset", "The board is still in update mode (blinking yellow). Press RESET to start it.")
_NEXT_WIFI = text(
    "FactoryReset", "If the light blinks blue the board waits for a network: join a Wi-Fi network with it."
)


class FactoryReset(Recipe):
    """Explain, recommend what is better, and coach the buttons if it is wanted all the same."""

    key = KEY
    title = text("FactoryReset", "Factory reset, explained")
    summary = text(
        "FactoryReset",
        "What a factory reset would do on this board, and what is better. It hardly ever repairs a Photon.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("FactoryReset", "All memory that holds firmware, to see what a factory reset would put back."),
        writes=text(
            "FactoryReset", "Nothing from here. If you choose the reset, the board itself replaces the program on it."
        ),
        keeps=text("FactoryReset", "Nothing is stored. Save what is on the board first if you need its program."),
        takes=text("FactoryReset", "A minute."),
        risks=(text("FactoryReset", "The program that is on the board is gone after a factory reset."),),
        changes_board=True,
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._looked: Looked | None = None
        self._buttons: Choreography | None = None  # set once the person wants it
        self._why_not: Text | None = None
        self._became: Text | None = None
        self._better = RESTORE
        self._modem = False
        self._parts = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(
                text("FactoryReset", "Bring the board into update mode (DFU)"),
                self._enter,
                weight=3,
                detail=text("FactoryReset", "To see what a factory reset would put back."),
            ),
            Step(text("FactoryReset", "Read what is on it"), self._look, weight=4),
            Step(text("FactoryReset", "Decide"), self._decide, weight=2),
            Step(text("FactoryReset", "Press the buttons"), self._press, weight=6),
            Step(text("FactoryReset", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what a reset would do or has done, and what is better."""
        assert self._looked is not None
        xray = self._looked.xray
        facts = (Fact("factory", text("FactoryReset", "Factory firmware"), xray.slot(FACTORY).what),)
        steps: list[Text] = []
        recipes = [self._better]
        if self._buttons is None:
            summary = self._why_not or _DECLINED
            steps += [_BETTER_PARTS if self._parts else _BETTER_CORE]
            if self._found_mode is Mode.DFU:
                steps.append(_STILL_DFU)
        else:
            summary = _DONE if self._became is LEFT_RUNNING else _NOT_SURE
            if self._became is LEFT_IN_DFU:
                steps.append(_IN_DFU)
            elif self._became is LEFT_QUIET:
                steps.append(LEFT_QUIET)
            else:
                steps.append(_ONLY_IF.with_values(colour=_GREEN if self._buttons.until_ms else _WHITE))
                if not self._modem:
                    steps.append(_NEXT_WIFI)
                    # A hold without an end forgets the networks (8.1): then nothing goes before a new one.
                    recipes.insert(0 if self._buttons.until_ms is None else 1, JOIN_WIFI)
        warnings = (_EMPTY_CORE,) if self._why_not is not None and not self._parts else ()
        return Outcome(summary, facts, warnings=warnings, next_steps=tuple(steps), next_recipes=tuple(recipes))

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- steps ---

    def _enter(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        self._parts = bool(system_regions(job.platform))
        self._modem = job.platform.has_modem
        self._better = RESTORE if self._parts else FULL_UPGRADE
        enter_dfu(job)

    def _look(self, job: Job) -> None:
        self._looked = look(job)
        job.say(_FOUND.with_values(what=self._looked.xray.slot(FACTORY).what))

    def _decide(self, job: Job) -> None:
        assert self._looked is not None
        slot = self._looked.xray.slot(FACTORY)
        if slot.state not in STARTS:
            self._why_not = _NONE_THERE if slot.state is SlotState.BLANK else _NOT_WHOLE
            job.say(self._why_not)
            return
        keeping = job.platform.choreography(KEY, job.board.boot_loader)
        always_forgets = keeping.until_ms is None
        if self._parts:
            does, better = _DOES_PARTS, _BETTER_PARTS
        else:
            does, better = (_DOES_CORE_FORGETS if always_forgets else _DOES_CORE), _BETTER_CORE
        body = _THERE.with_values(does=does, what=slot.what, better=better)
        if not job.ask(Confirm(KEY, _CONFIRM_TITLE, body, _YES, _NO)):
            job.say(_DECLINED)
            return
        clear = not always_forgets and not job.platform.has_modem and job.ask(_WIFI) == "clear"
        self._buttons = job.platform.choreography(CLEARING, job.board.boot_loader) if clear else keeping

    def _press(self, job: Job) -> None:
        if self._buttons is None:
            job.skip(_NOT_NEEDED)
            return
        button, late = job.platform.mode_button, self._buttons.until_ms
        body = (_DO_GREEN if late else _DO_WHITE).with_values(
            seconds=f"{self._buttons.hold_ms / 1000:g}", late=f"{(late or 0) / 1000:g}"
        )
        do = DoThis(
            "press-factory-reset",
            _DO_TITLE.with_values(button=button),
            body,
            job.platform,
            self._buttons,
            Mode.NORMAL,
        )
        job.changed = True
        try:
            job.coach(do, HANDS_S)
            self._became = LEFT_RUNNING
        except BoardDidNotReturn:
            self._became = what_became(job)
        job.say(_IN_DFU if self._became is LEFT_IN_DFU else self._became)

    def _leave(self, job: Job) -> None:
        if self._buttons is not None or self._found_mode is Mode.DFU:
            job.skip(_NOT_NEEDED)
            return
        leave_as_found(job, self._found_mode)
