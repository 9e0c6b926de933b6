"""See what is on the board, slot by slot, and what that means. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from app.platforms.model import Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.shared import LEFT_RUNNING, enter_dfu, leave_as_found, leave_dfu
from app.text import Text, text
from app.work.events import Outcome
from app.work.job import Job
from app.work.plan import HEALTH_WORDS, Health
from app.work.step import Step
from app.work.xray import Looked, look

_STAYS = text("XRayRecipe", "It stays in update mode, as it was found.")
_STAYS_WARNED = text("XRayRecipe", "It stays in update mode: it may not start again.")
_IN_UPDATE_MODE = text(
    "XRayRecipe", "The board is still in update mode (blinking yellow). Press RESET, or go on with a repair."
)
_READY_FOR_REPAIR = text("XRayRecipe", "The board is still in update mode (blinking yellow), ready for a repair.")


class XRayRecipe(Recipe):
    """Read every slot in update mode, judge it, and return the board as it was found."""

    key = "x-ray"
    title = text("XRayRecipe", "See what is on the board")
    summary = text(
        "XRayRecipe",
        "Looks at all firmware on the board, tells what is whole, missing or damaged, and what would repair it.",
    )
    group = Group.RESCUE
    promise = Promise(
        reads=text("XRayRecipe", "All memory that holds firmware. Of keys and settings only whether they are there."),
        writes=text("XRayRecipe", "Nothing. The board is only read."),
        keeps=text("XRayRecipe", "Nothing is stored."),
        takes=text("XRayRecipe", "A few seconds, and a little longer if you have to press the buttons."),
        risks=(
            text("XRayRecipe", "If the cable is pulled meanwhile, nothing is lost: plug the board in and start again."),
            text("XRayRecipe", "The board restarts, so a program running on it is interrupted."),
        ),
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._looked: Looked | None = None
        self._left: Text | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(
                text("XRayRecipe", "Bring the board into update mode (DFU)"),
                self._enter,
                weight=3,
                detail=text("XRayRecipe", "Without buttons where that is possible."),
            ),
            Step(
                text("XRayRecipe", "Read what is on it"),
                self._look,
                weight=4,
                detail=text("XRayRecipe", "Nothing is written to the board."),
            ),
            Step(text("XRayRecipe", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was found."""
        assert self._looked is not None
        xray = self._looked.xray
        danger = xray.verdict.health is Health.OTHER_TOOL
        return Outcome(
            HEALTH_WORDS[xray.verdict.health],
            warnings=xray.verdict.reasons if danger else (),
            next_steps=self._next_steps(),
            xray=xray,
            next_recipes=xray.verdict.recipes,
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        if self._looked is None or self._looked.xray.verdict.health is not Health.OTHER_TOOL:
            leave_as_found(job, self._found_mode)

    # --- steps ---

    def _enter(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        enter_dfu(job)

    def _look(self, job: Job) -> None:
        self._looked = look(job)
        job.say(HEALTH_WORDS[self._looked.xray.verdict.health])

    def _leave(self, job: Job) -> None:
        assert self._looked is not None
        if self._looked.xray.verdict.health is Health.OTHER_TOOL:
            job.skip(_STAYS_WARNED)
        elif self._found_mode is Mode.DFU:
            job.skip(_STAYS)  # telling it to start would change its flags (3.1)
        else:
            self._left = leave_dfu(job)
            job.say(self._left)

    # --- inside ---

    def _next_steps(self) -> tuple[Text, ...]:
        if self._left is None:
            assert self._looked is not None
            broken = self._looked.xray.verdict.health is Health.OVER_USB
            return (_READY_FOR_REPAIR if broken else _IN_UPDATE_MODE,)
        return () if self._left is LEFT_RUNNING else (self._left,)
