"""A job on a virtual board: questions, coaching, coming back, the identity lock, the guard in front of key writing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.faults import (
    AccessDenied,
    BadAnswer,
    BoardDidNotReturn,
    BoardGone,
    Cancelled,
    IdentityMismatch,
    IdentityUnproven,
    NoAnswer,
    WrongBoardReturned,
)
from app.log import REDACTED, redact
from app.platforms.model import Mode
from app.recipes.shared import coach_into_dfu, coach_into_listening
from app.text import text
from app.virtual.mishaps import Mishap
from app.work import coach as words
from app.work.board import Proof
from app.work.events import Answered, Asked, Event, Hint
from app.work.guard import require_proven
from app.work.job import ASK_LIMIT_S
from app.work.questions import Choose, DoThis, Enter

CORE_ID = "53ff6f065067544840551187"
WORDS = text("Test", "Words")
QUESTION = Enter("device-id", WORDS, WORDS, WORDS)
CHOICE = Choose("how", WORDS, WORDS, (("press", WORDS), ("type", WORDS)))


def hints(place: Desk) -> list[str]:
    return [event.words.source for event in place.person.events if isinstance(event, Hint)]


# --- questions ---


def test_the_first_reply_counts(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)

    def twice(event: Event) -> None:
        if isinstance(event, Asked):
            event.reply("first")
            event.reply("second")

    assert place.job(post=twice).ask(QUESTION) == "first"


def test_a_question_is_over_once_it_is_answered(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"how": "type"})
    assert place.job().ask(CHOICE) == "type"
    assert place.person.events[-1] == Answered(1, "how")


def test_an_answer_given_beforehand_is_taken_without_asking_but_only_once(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"how": "type"})
    job = place.job({"how": "press"})
    assert job.ask(CHOICE) == "press"
    assert not place.person.events
    assert job.ask(CHOICE) == "type"


def test_an_answer_beforehand_that_does_not_fit_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BadAnswer):
        desk("photon", tmp_path).job({"how": "jump"}).ask(CHOICE)


def test_a_question_nobody_answers_ends_after_an_hour(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, willing=False)
    began = place.clock.now()
    with pytest.raises(NoAnswer):
        place.job().ask(QUESTION)
    assert ASK_LIMIT_S <= place.clock.now() - began < ASK_LIMIT_S + 1
    assert isinstance(place.person.events[-1], Answered)


def test_a_fault_as_answer_ends_the_run_with_it(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"device-id": NoAnswer(question=WORDS, name="device-id")})
    with pytest.raises(NoAnswer):
        place.job().ask(QUESTION)


# --- coaching and coming back ---


@pytest.mark.parametrize("mode", [RUNNING, LISTENING])
@pytest.mark.parametrize("name", ["core", "core-0.5", "photon", "p1", "electron"])
def test_the_coach_ends_when_usb_shows_update_mode(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    board = coach_into_dfu(place.job())
    assert board.mode is Mode.DFU
    assert isinstance(place.person.events[-1], Answered)


@pytest.mark.parametrize("mode", [RUNNING, IN_DFU])
@pytest.mark.parametrize("name", ["core", "core-0.5", "core-0.7", "photon", "photon-0.5", "p1", "electron"])
def test_the_coach_ends_when_the_console_answers(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    board = coach_into_listening(place.job())
    assert board.mode is Mode.LISTENING
    assert place.seen().mode is Mode.LISTENING


def test_the_coach_says_that_mode_was_let_go_too_early_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("photon", tmp_path)
    tries = iter([place.person.hand.reset, place.person.hand.enter_dfu])

    def clumsy(question: DoThis) -> None:
        next(tries)()
        place.clock.pause(5)

    place.person.do = clumsy
    job = place.job()
    watched = place.bus.wait_for_change

    def later(seconds: float) -> bool:
        if words.LET_GO_TOO_EARLY.source in hints(place):
            for action in tries:
                action()
        return watched(seconds)

    monkeypatch.setattr(place.bus, "wait_for_change", later)
    assert coach_into_dfu(job).mode is Mode.DFU
    assert words.LET_GO_TOO_EARLY.source in hints(place)


def test_the_coach_gives_up_in_the_end(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, willing=False)
    with pytest.raises(BoardDidNotReturn):
        coach_into_dfu(place.job())
    assert hints(place) == [words.NOTHING_YET.source]


def test_a_board_that_may_not_be_opened_is_not_coached_for_ever(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, willing=False, mishap=Mishap(denied=True))
    began = place.clock.now()
    with pytest.raises(AccessDenied):
        coach_into_listening(place.job())
    assert place.clock.now() - began < 30


def test_the_coach_can_be_stopped(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, willing=False)
    job = place.job()
    place.person.willing = True
    place.person.do = lambda question: job.stop()
    with pytest.raises(Cancelled):
        coach_into_dfu(job)


@pytest.mark.parametrize("name", ["core", "photon", "electron"])
def test_another_board_that_comes_back_on_the_port_is_refused(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path)
    job = place.job()
    place.board.mishap = Mishap(wrong_board=True)
    with pytest.raises(WrongBoardReturned):
        coach_into_dfu(job)


def test_another_kind_of_board_on_the_port_is_refused(tmp_path: Path) -> None:
    place = desk("photon", tmp_path / "a")
    other = desk("core-0.5", tmp_path / "b")
    job = place.job()
    job.bus = other.bus
    with pytest.raises(WrongBoardReturned):
        job.refresh()


def test_an_empty_port_is_a_board_that_is_gone(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    job = place.job()
    place.bus.unplug(place.board)
    with pytest.raises(BoardGone):
        job.refresh()


def test_waiting_for_a_board_that_does_not_change_ends_in_time(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    began = place.clock.now()
    with pytest.raises(BoardDidNotReturn):
        place.job().wait_for(Mode.NORMAL, 5)
    assert 5 <= place.clock.now() - began < 6


def test_a_plain_reset_counts_as_coming_back(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    job = place.job()
    before = job.board.sighting.address
    place.person.hand.reset()
    board = job.wait_for(Mode.NORMAL, 10)
    assert board.mode is Mode.NORMAL
    assert board.sighting.address != before


# --- the guard ---


def test_a_proven_board_passes_the_guard_without_a_question(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    assert require_proven(place.job()).proof is Proof.SERIAL
    assert not place.person.events


def test_a_typed_id_whose_hash_agrees_passes_the_guard(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"device-id": f" {CORE_ID.upper()} "})
    identity = require_proven(place.job())
    assert (identity.device_id, identity.proof) == (CORE_ID, Proof.TYPED)
    assert place.seen().identity == identity


@pytest.mark.parametrize("typed", ["48ff6c065067555026311387", "53ff6f06506754484055118", "no id"])
def test_a_wrong_id_is_asked_for_again_and_then_refused(typed: str, tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"device-id": typed})
    with pytest.raises(IdentityMismatch):
        require_proven(place.job())
    assert sum(isinstance(event, Asked) for event in place.person.events) == 3
    assert place.seen().identity is None


def test_a_wrong_id_given_beforehand_is_refused_at_once(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    with pytest.raises(IdentityMismatch):
        require_proven(place.job({"device-id": "48ff6c065067555026311387"}))
    assert not [event for event in place.person.events if isinstance(event, Asked)]


def test_where_the_serial_says_nothing_no_typed_id_passes(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU, answers={"device-id": "1f0031000547343432313031"})
    with pytest.raises(IdentityUnproven):
        require_proven(place.job())
    assert not place.person.events


def test_the_identity_a_job_holds_is_its_own_boards_whatever_the_port_shows_later(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    job = place.job()
    mine = job.identity
    seen = place.bus.sightings()[0]
    place.book.look([replace(seen, serial="ab" * 12, address=99)])
    assert job.identity == mine


def test_a_secret_answer_never_gets_into_the_log(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"passphrase": "battery staple"})
    assert place.job().ask(Enter("passphrase", WORDS, WORDS, WORDS, secret=True)) == "battery staple"
    assert redact("typed battery staple") == f"typed {REDACTED}"
