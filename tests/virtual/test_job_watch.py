"""Watching a light: ended by USB, by the person, or by time; and what is told of a plan agreed to beforehand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.desk import IN_DFU, RUNNING, Desk, desk

from app.faults import BadAnswer, BoardDidNotReturn, Cancelled, WrongBoardReturned
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.board import Board
from app.work.events import Answered, Asked, Event
from app.work.job import Job
from app.work.plan import Health, RescuePlan, Verdict, XRay
from app.work.questions import LightStage, Review, WatchLight

WORDS = text("Test", "Words")
STAGES = (LightStage("core-radio.patching", WORDS, 40.0), LightStage("boot-loader-2014.dfu", WORDS))


def question(until: Mode | None = Mode.DFU) -> WatchLight:
    return WatchLight("light", WORDS, WORDS, platform("core"), STAGES, (("stuck", WORDS), ("blue", WORDS)), until)


def news(place: Desk) -> list[type[Event]]:
    return [type(event) for event in place.person.events]


def test_the_board_in_the_awaited_mode_ends_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    job = place.job()
    PracticeHand(place.board).enter_dfu()
    found = job.watch(question(), 60)
    assert isinstance(found, Board)
    assert found.mode is Mode.DFU
    assert job.board.mode is Mode.DFU
    assert news(place)[-2:] == [Asked, Answered]


def test_a_board_that_never_left_does_not_end_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    with pytest.raises(BoardDidNotReturn):
        place.job().watch(question(), 30)
    assert news(place)[-1] is Answered


def test_the_persons_answer_ends_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING, answers={"light": "blue"})
    assert place.job().watch(question(), 60) == "blue"


def test_an_answer_given_beforehand_waits_for_usb_where_usb_can_end_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    began = place.clock.now()
    assert place.job({"light": "stuck"}).watch(question(), 30) == "stuck"
    assert place.clock.now() - began >= 30


def test_an_answer_given_beforehand_counts_at_once_where_nothing_else_ends_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    assert place.job({"light": "stuck"}).watch(question(None), 30) == "stuck"
    assert place.person.events == []


def test_an_answer_of_another_form_is_refused(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    with pytest.raises(BadAnswer):
        place.job({"light": "purple"}).watch(question(None), 30)


def test_another_board_on_the_port_ends_it_in_a_fault(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    job = place.job()
    place.bus.unplug(place.board)
    other = make("core-0.7", place.clock)
    place.bus.plug(other)
    PracticeHand(other).enter_dfu()
    with pytest.raises(WrongBoardReturned):
        job.watch(question(), 30)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    jobs: list[Job] = []

    def stop(event: Event) -> None:
        if isinstance(event, Asked):
            jobs[0].stop()

    jobs.append(place.job(post=stop))
    with pytest.raises(Cancelled):
        jobs[0].watch(question(), 30)


def test_a_plan_agreed_to_beforehand_is_told_all_the_same(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    plan = RescuePlan(XRay("core", (), Verdict(Health.NOTHING_WRONG)), ())
    review = Review("plan", WORDS, WORDS, plan, WORDS, WORDS)
    assert place.job({"plan": "yes"}).ask(review) is True
    assert news(place) == [Asked, Answered]
    asked = place.person.events[0]
    assert isinstance(asked, Asked)
    asked.reply(False)  # goes nowhere
    assert asked.question == review


@pytest.mark.parametrize("mode", [Mode.DFU, Mode.NORMAL])
def test_where_any_coming_back_ends_it_both_modes_do(mode: Mode, tmp_path: Path) -> None:
    place = desk("core-0.7", tmp_path, RUNNING)
    job = place.job()
    hand = PracticeHand(place.board)
    if mode is Mode.DFU:
        hand.enter_dfu()
    else:
        hand.reset()
        assert job.wait_until_gone(5)
    found = job.watch(replace(question(), or_back=True), 60)
    assert isinstance(found, Board)
    assert found.mode is mode


def test_where_any_coming_back_ends_it_a_board_that_stayed_does_not(tmp_path: Path) -> None:
    place = desk("core-0.7", tmp_path, RUNNING)
    with pytest.raises(BoardDidNotReturn):
        place.job().watch(replace(question(), or_back=True), 30)


def test_something_else_ends_it_and_is_asked_again_and_again(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    looks: list[float] = []

    def ended() -> bool:
        looks.append(place.clock.now())
        return len(looks) == 20

    began = place.clock.now()
    assert place.job().watch(question(), 60, ended) == ""
    assert len(looks) == 20
    assert place.clock.now() - began <= 10
    assert news(place)[-1] is Answered


def test_an_answer_given_beforehand_waits_for_it(tmp_path: Path) -> None:
    place = desk("core", tmp_path, RUNNING)
    assert place.job({"light": "stuck"}).watch(question(None), 30, lambda: True) == ""
    assert place.job({"light": "stuck"}).watch(question(None), 30, lambda: False) == "stuck"


def test_what_is_found_while_waiting_ends_it_in_a_fault(tmp_path: Path) -> None:
    def ended() -> bool:
        raise WrongBoardReturned

    place = desk("core", tmp_path, RUNNING)
    with pytest.raises(WrongBoardReturned):
        place.job().watch(question(), 60, ended)
    assert news(place)[-1] is Answered
