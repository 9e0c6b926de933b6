"""The runner: steps in order, progress that never falls, and whatever happens turned into one last event."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.clock import FastClock
from support.desk import Desk, desk

from app.engine.runner import PROGRESS_PAUSE_S, run_recipe
from app.faults import BoardGone, NotListening
from app.recipes.base import Group, Promise, Recipe
from app.text import Text, text
from app.work.events import (
    Event,
    Failed,
    Note,
    Outcome,
    PlanReady,
    StepDone,
    StepProgress,
    StepSkipped,
    StepStarted,
    Stopped,
    Succeeded,
)
from app.work.job import Job
from app.work.step import Step

WORDS = text("Test", "Words")


class Scripted(Recipe):
    """A recipe made of what a test wants to happen."""

    key = "scripted"
    title = WORDS
    summary = WORDS
    group = Group.RESCUE
    promise = Promise(WORDS, WORDS, WORDS, WORDS)

    def __init__(self, *steps: Callable[[Job], None] | Step, tidy: Callable[[Job], None] = lambda job: None) -> None:
        self._steps = tuple(step if isinstance(step, Step) else Step(WORDS, step) for step in steps)
        self._tidy = tidy
        self.tidied = 0

    def steps(self) -> Sequence[Step]:
        return self._steps

    def outcome(self) -> Outcome:
        return Outcome(WORDS)

    def tidy(self, job: Job) -> None:
        self.tidied += 1
        self._tidy(job)


@pytest.fixture
def place(tmp_path: Path) -> Desk:
    return desk("photon", tmp_path)


def play(place: Desk, recipe: Recipe, prepare: Callable[[Job], None] = lambda job: None) -> list[Event]:
    job = place.job()
    prepare(job)
    run_recipe(recipe, job)
    return place.person.events


def last(place: Desk, recipe: Recipe) -> Event:
    return play(place, recipe)[-1]


def nothing(job: Job) -> None:
    pass


def test_events_come_in_the_promised_order(place: Desk) -> None:
    def say(job: Job) -> None:
        job.say(WORDS)

    def skip(job: Job) -> None:
        job.skip(WORDS)

    kinds = [type(event) for event in play(place, Scripted(say, skip))]
    assert kinds == [
        PlanReady,
        StepStarted,
        StepProgress,
        StepDone,
        StepStarted,
        StepProgress,
        StepSkipped,
        Succeeded,
    ]


def test_the_plan_shows_every_step_with_its_weight(place: Desk) -> None:
    steps = (Step(WORDS, nothing, weight=3), Step(WORDS, nothing, can_stop=False, detail=WORDS))
    plan = play(place, Scripted(*steps))[0]
    assert isinstance(plan, PlanReady)
    assert [(step.weight, step.can_stop, step.detail) for step in plan.steps] == [(3, True, None), (1, False, WORDS)]


def test_a_fault_ends_the_run_with_its_code_cause_and_next_step(place: Desk) -> None:
    def fail(job: Job) -> None:
        raise BoardGone("at transfer 7")

    event = last(place, Scripted(fail, nothing))
    assert event == Failed(1, "usb.board-gone", BoardGone.cause, BoardGone.next_step, True, "at transfer 7")


def test_a_fault_names_the_button_of_this_board(place: Desk) -> None:
    def fail(job: Job) -> None:
        raise NotListening

    event = last(place, Scripted(fail))
    assert isinstance(event, Failed)
    assert "SETUP" in event.next_step.english()


def test_a_bug_is_logged_with_its_traceback_and_tells_no_secret(place: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(job: Job) -> None:
        raise ValueError("secret words")

    with caplog.at_level(logging.ERROR):
        event = last(place, Scripted(fail))
    assert isinstance(event, Failed)
    assert event.code == "bug"
    assert "secret words" not in event.detail
    assert "test_engine_runner.py" in event.detail
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("error", [BoardGone(), RuntimeError("bug")])
def test_tidying_up_happens_once_and_its_trouble_never_hides_the_first_reason(
    place: Desk, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(job: Job) -> None:
        raise NotListening

    def tidy(job: Job) -> None:
        raise error

    recipe = Scripted(fail, tidy=tidy)
    with caplog.at_level(logging.CRITICAL):
        event = last(place, recipe)
    assert isinstance(event, Failed)
    assert event.code == NotListening.code
    assert recipe.tidied == 1


def test_success_tidies_nothing(place: Desk) -> None:
    recipe = Scripted(nothing)
    assert isinstance(last(place, recipe), Succeeded)
    assert recipe.tidied == 0


def test_a_stop_before_the_start_stops_before_the_first_step(place: Desk) -> None:
    started: list[Job] = []
    events = play(place, Scripted(started.append), prepare=Job.stop)
    assert isinstance(events[-1], Stopped)
    assert not started


@pytest.mark.parametrize("wish", ["check", "tick", "pause", "ask"])
def test_a_stop_takes_effect_in_every_call_a_step_makes(place: Desk, wish: str) -> None:
    from app.work.questions import Enter

    def work(job: Job) -> None:
        job.stop()
        match wish:
            case "check":
                job.check()
            case "tick":
                job.tick(1, 2)
            case "pause":
                job.pause(1)
            case _:
                job.ask(Enter("x", WORDS, WORDS, WORDS))
        raise AssertionError("went on")

    assert last(place, Scripted(work)) == Stopped(1, False)


def test_a_step_that_must_not_be_stopped_is_finished_first(place: Desk) -> None:
    done = []

    def careful(job: Job) -> None:
        job.stop()
        job.changed = True
        job.check()
        job.tick(1, 2)
        job.pause(1)
        done.append("careful")

    events = play(place, Scripted(Step(WORDS, careful, can_stop=False), lambda job: done.append("more")))
    assert done == ["careful"]
    assert events[-1] == Stopped(1, True)
    assert any(isinstance(event, StepDone) for event in events)


def test_a_stop_in_a_last_step_that_must_not_be_stopped_is_too_late(place: Desk) -> None:
    assert isinstance(last(place, Scripted(Step(WORDS, Job.stop, can_stop=False))), Succeeded)


def test_tidying_up_cannot_be_stopped(place: Desk) -> None:
    tidied = []

    def tidy(job: Job) -> None:
        job.pause(1)
        job.check()
        tidied.append(True)

    def work(job: Job) -> None:
        job.stop()
        job.check()

    assert isinstance(last(place, Scripted(work, tidy=tidy)), Stopped)
    assert tidied


def progress(events: list[Event]) -> list[StepProgress]:
    return [event for event in events if isinstance(event, StepProgress)]


def test_progress_is_thinned_to_about_20_a_second_and_ends_complete(place: Desk) -> None:
    def work(job: Job) -> None:
        for done in range(1001):
            job.clock.pause(0.001)
            job.tick(done, 1000)

    news = progress(play(place, Scripted(work)))
    assert len(news) <= 1.001 / PROGRESS_PAUSE_S + 3
    assert news[-2].done == 1000
    assert news[-1].fraction == 1.0


def test_the_fraction_never_falls_even_when_a_step_counts_anew(place: Desk) -> None:
    def work(job: Job) -> None:
        for done in (5, 10, 2, 8, 10):
            job.clock.pause(1)
            job.tick(done, 10)

    news = [event.fraction for event in progress(play(place, Scripted(Step(WORDS, work, weight=3), work)))]
    assert all(earlier <= later for earlier, later in itertools.pairwise(news))
    assert news[-1] == 1.0


def test_fractions_follow_the_weights(place: Desk) -> None:
    steps = [Step(WORDS, nothing, weight=weight) for weight in (1, 3, 4)]
    assert [event.fraction for event in progress(play(place, Scripted(*steps)))] == [1 / 8, 4 / 8, 1.0]


def test_speed_and_time_left_come_from_what_was_measured(place: Desk) -> None:
    def work(job: Job) -> None:
        job.tick(0, 1000)
        job.clock.pause(2.0)
        job.tick(500, 1000)

    half = next(event for event in progress(play(place, Scripted(work))) if event.done == 500)
    assert half.rate == pytest.approx(250)
    assert half.seconds_left == pytest.approx(2.0)


def test_what_are_no_bytes_has_no_speed(place: Desk) -> None:
    def work(job: Job) -> None:
        job.tick(0, 4, of_bytes=False)
        job.clock.pause(2.0)
        job.tick(2, 4, of_bytes=False)

    half = next(event for event in progress(play(place, Scripted(work))) if event.done == 2)
    assert half.rate == 0.0
    assert half.seconds_left == pytest.approx(2.0)


def test_a_receiver_that_raises_does_not_disturb_the_job(
    place: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []

    def receiver(event: Event) -> None:
        seen.append(event)
        raise RuntimeError("window gone")

    job = Job(
        run=1,
        board=place.seen(),
        bus=place.bus,
        clock=FastClock(),
        safe=place.safe,
        book=place.book,
        post=receiver,
        pack=place.pack,
        undo=place.undo,
        clouds=place.clouds,
        network=place.network,
        scanner=place.scanner,
    )
    with caplog.at_level(logging.CRITICAL):
        run_recipe(Scripted(lambda job: job.note(WORDS)), job)
    assert isinstance(seen[-1], Succeeded)
    assert Note(1, WORDS) in seen


def test_the_board_is_free_before_the_last_event_is_posted(place: Desk) -> None:
    order: list[str] = []

    def receiver(event: Event) -> None:
        if isinstance(event, Succeeded):
            order.append("event")

    job = Job(
        run=1,
        board=place.seen(),
        bus=place.bus,
        clock=FastClock(),
        safe=place.safe,
        book=place.book,
        post=receiver,
        pack=place.pack,
        undo=place.undo,
        clouds=place.clouds,
        network=place.network,
        scanner=place.scanner,
    )
    run_recipe(Scripted(nothing), job, before_last=lambda: order.append("free"))
    assert order == ["free", "event"]


def test_notes_of_a_step_do_not_reach_the_next_one(place: Desk) -> None:
    def say(job: Job) -> None:
        job.say(WORDS)

    notes: list[Text | None] = [
        event.note for event in play(place, Scripted(say, nothing)) if isinstance(event, StepDone)
    ]
    assert notes == [WORDS, None]


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_stop_waits_for_the_step_that_has_to_follow(goes_on: bool, tmp_path: Path) -> None:
    job = desk("core", tmp_path).job()
    done: list[str] = []

    def first(job: Job) -> None:
        job.stop()
        assert job.stopping
        done.append("first")

    recipe = Scripted(
        Step(WORDS, first, can_stop=False, goes_on=goes_on), Step(WORDS, lambda _: done.append("next"), can_stop=False)
    )
    run_recipe(recipe, job)
    assert done == (["first", "next"] if goes_on else ["first"])
