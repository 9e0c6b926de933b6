"""Runs a recipe from its first step to its end, and turns whatever happens into events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from app.clock import Clock
from app.faults import Cancelled, Fault
from app.recipes.base import Recipe
from app.text import Text, text
from app.work.events import (
    Failed,
    PlanReady,
    RunEvent,
    StepDone,
    StepPlan,
    StepProgress,
    StepSkipped,
    StepStarted,
    Stopped,
    Succeeded,
)
from app.work.job import Job
from app.work.step import Step

log = logging.getLogger(__name__)

PROGRESS_PAUSE_S = 0.05
"""About 20 pieces of news a second are enough for people and screen readers."""
MEASURED_AFTER_S = 0.2
"""A speed measured over less than this says nothing."""

BUG_CODE = "bug"
BUG_CAUSE = text("Runner", "The program made a mistake.")
BUG_NEXT_STEP = text("Runner", "Save the report and send it to us; then press RESET on the board and try again.")


def run_recipe(recipe: Recipe, job: Job, before_last: Callable[[], None] = lambda: None) -> None:
    """Run a recipe in the calling thread; post `PlanReady`, step news, then one of `Succeeded`, `Stopped`, `Failed`.

    Never raises: a `Fault` becomes `Failed` with its code, any other exception is a bug, is logged with its traceback
    and becomes `Failed` with code `bug`. After both, and after a stop, the recipe may tidy up.

    Args:
        recipe: What to do; an instance for this run only.
        job: The run.
        before_last: Called when the board is free again, just before the last event is posted, so that whoever gets
            that event may start the next run at once.
    """
    last = _play(recipe, job)
    if not isinstance(last, Succeeded):
        job.shield()
        try:
            recipe.tidy(job)
        except (Fault, Cancelled) as fault:
            log.info("run %d: tidying up ended with %r", job.run, fault)
        except Exception:  # the runner alone catches everything
            log.exception("run %d: tidying up failed", job.run)
    before_last()
    job.post(last)


def _play(recipe: Recipe, job: Job) -> RunEvent:
    try:
        steps = tuple(recipe.steps())
        plans = tuple(StepPlan(step.title, step.detail, step.weight, step.can_stop, step.stop_waits) for step in steps)
        job.post(PlanReady(job.run, recipe.key, recipe.title, plans))
        progress = Progress(job, steps)
        goes_on = False
        for number, step in enumerate(steps):
            if not goes_on:
                job.check()
            goes_on = step.goes_on
            _play_step(job, progress, number, step)
        return Succeeded(job.run, recipe.outcome())
    except Cancelled:
        log.info("run %d: stopped", job.run)
        return Stopped(job.run, job.changed)
    except Fault as fault:
        log.info("run %d: %s: %s", job.run, fault.code, fault.detail)
        button = job.platform.mode_button
        return Failed(
            job.run,
            fault.code,
            _with_button(fault.cause, button),
            _with_button(fault.next_step, button),
            fault.retryable,
            fault.detail,
        )
    except Exception as error:  # the runner alone catches everything
        log.exception("run %d: bug", job.run)
        return Failed(job.run, BUG_CODE, BUG_CAUSE, BUG_NEXT_STEP, True, where(error))


def _play_step(job: Job, progress: Progress, number: int, step: Step) -> None:
    job.post(StepStarted(job.run, number))
    progress.start(number)
    job.begin_step(progress.tick, can_stop=step.can_stop)
    try:
        step.run(job)
    finally:
        note, skipped = job.end_step()
    progress.finish()
    job.post(StepSkipped(job.run, number, note) if skipped else StepDone(job.run, number, note))


def _with_button(words: Text, button: str) -> Text:
    """Fill in what is printed beside this board's button, where the sentence speaks of it."""
    return words.with_values(button=button) if "{button}" in words.source else words


def where(error: BaseException) -> str:
    """Name a bug by its kind and place; never by its words, which may hold a secret."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    at = f" at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
    return f"{type(error).__name__}{at}"


class Progress:
    """Turns the ticks of one step after another into thinned news whose fraction never falls."""

    def __init__(self, job: Job, steps: tuple[Step, ...]) -> None:
        self._job = job
        self._clock: Clock = job.clock
        self._weights = [max(0.0, step.weight) for step in steps]
        self._whole = sum(self._weights) or 1.0
        self._step = 0
        self._before = 0.0
        self._fraction = 0.0
        self._last_news = float("-inf")
        self._first: tuple[float, int] | None = None

    def start(self, number: int) -> None:
        """A step begins."""
        self._step = number
        self._before = sum(self._weights[:number]) / self._whole
        self._first = None
        self._last_news = float("-inf")

    def finish(self) -> None:
        """The step is over: its whole share is done."""
        self._post(1.0, 1, 1, 0.0, 0.0)

    def tick(self, done: int, total: int, of_bytes: bool) -> None:
        """A step reports how far it is."""
        now = self._clock.now()
        if self._first is None:
            self._first = (now, done)
        if done < total and now - self._last_news < PROGRESS_PAUSE_S:
            return
        self._last_news = now
        since, at_first = self._first
        speed = (done - at_first) / (now - since) if now - since >= MEASURED_AFTER_S else 0.0
        left = (total - done) / speed if speed > 0 else None
        share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
        self._post(share, done, total, speed if of_bytes else 0.0, left)

    def _post(self, share: float, done: int, total: int, rate: float, left: float | None) -> None:
        here = self._before + share * self._weights[self._step] / self._whole
        self._fraction = min(1.0, max(self._fraction, here))
        self._job.post(StepProgress(self._job.run, self._step, self._fraction, done, total, rate, left))
