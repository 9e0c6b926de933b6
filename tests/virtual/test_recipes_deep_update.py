"""The deep update of a Core, with the real image, on virtual boards: every way it can end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.desk import BOOT_S, IN_DFU, LISTENING, RUNNING, Desk, desk
from support.real_pack import real_pack

from app.engine.runner import run_recipe
from app.faults import UndoNoRoom, WrongBoardReturned
from app.firmware.pack import RescuePack
from app.platforms.lights import pattern
from app.platforms.model import Mode
from app.recipes.deep_update import STARTS_AT_MOST, TROUBLES_AT_MOST, DeepUpdate
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Note, Outcome, StepSkipped, StepStarted, Stopped, Succeeded
from app.work.job import Job
from app.work.plan import RescuePlan
from app.work.questions import Choose, DoThis, Review, WatchLight

IMAGE = "deep_update_2014_06.bin"
FULL = "full-firmware-upgrade"
PLAN_STEP, WRITE_STEP, FOLLOW_STEP = 3, 4, 5
ANSWERS = {"network": "known", "plan": True}
MINUTES_3 = 180.0


@pytest.fixture
def pack() -> RescuePack:
    return real_pack()


class Watcher:
    """A person who looks at the light when asked, says what it does, and does with the hands what they were told."""

    def __init__(self, place: Desk, **answers: str) -> None:
        self._place = place
        self._answers = answers
        self.told: list[str] = []
        self._last = ""

    def __call__(self, event: Event) -> None:
        place = self._place
        place.person.events.append(event)
        if not isinstance(event, Asked):
            return
        match event.question:
            case DoThis() as question:
                place.person.do(question)
            case WatchLight(until=None):
                self.told.append(self.light())
                event.reply(self.told[-1])
            case WatchLight():
                pass  # this person takes the time until they are asked
            case Choose(name="next", options=options):
                event.reply(self.go_on([key for key, _ in options]))
            case question if question.name in place.person.answers:
                event.reply(place.person.answers[question.name])

    def light(self) -> str:
        """Say what the light does, in the words of the options."""
        shown, before = self._place.board.light_pattern, self._last
        self._last = shown
        words = {"breathing cyan": "cyan", "blinking blue": "blue", "blinking yellow": "yellow", "off": "dark"}
        if shown in words:
            return words[shown]
        if shown != before:
            return "going"  # it was something else when they looked last
        return "connecting" if shown == "blinking green" else "frozen"

    def go_on(self, options: list[str]) -> str:
        """Tap RESET and watch on as long as that is offered, then start over, then stop."""
        wanted = next(key for key in ("watch", "start-over", "end") if key in options)
        if wanted == "watch" and self.told[-1:] == ["frozen"]:
            self._place.person.hand.reset()
            self._last = ""
        return self._answers.get("next", wanted)


def core(folder: Path, pack: RescuePack, mode: str = IN_DFU, name: str = "core-old-radio", **answers: object) -> Desk:
    # Tinker of 2014 opens no serial port, so the deep update shows on USB only while it listens (1.3).
    return desk(name, folder, mode, pack=pack, answers={**ANSWERS, **answers}, app_uses_serial=mode == RUNNING)


def silent(folder: Path, pack: RescuePack, **options: object) -> Desk:
    """A desk whose Core is in update mode and made to order."""
    place = core(folder, pack)
    place.bus.unplug(place.board)
    board: VirtualBoard = make("core-old-radio", place.clock, **options)  # type: ignore[arg-type]
    place.board = place.person.board = board
    place.person.hand = PracticeHand(board)
    place.bus.plug(board, "1-1")
    place.clock.pause(BOOT_S)
    place.hand_into_dfu()
    place.book.look(place.bus.sightings())
    return place


def watched(place: Desk, **answers: str) -> Outcome:
    """Run it with a person who watches the light; it has to end well."""
    watcher = Watcher(place, **answers)
    run_recipe(DeepUpdate(), place.job(post=watcher))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    return last.outcome


def at_first(place: Desk, kind: type[object], act: Callable[[], None]) -> None:
    """Do something once, when the first question of that kind is asked."""
    done: list[bool] = []
    before = place.person.events

    class Watched(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Asked) and isinstance(event.question, kind) and not done:
                done.append(True)
                act()

    place.person.events = Watched(before)


def at_step(place: Desk, step: int, act: Callable[[], None]) -> None:
    """Do something once when a step begins."""
    done: list[bool] = []
    before = place.person.events

    class Watched(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, StepStarted) and event.step == step and not done:
                done.append(True)
                act()

    place.person.events = Watched(before)


def application(place: Desk) -> bytes:
    return bytes(place.board.internal[0x5000:0x20000])


def keys(place: Desk) -> bytes:
    return bytes(place.board.spi[:0x20000])


def asked(place: Desk, kind: type[object]) -> list[object]:
    return [
        event.question for event in place.person.events if isinstance(event, Asked) and isinstance(event.question, kind)
    ]


def radio(place: Desk) -> str:
    return str(place.board.radio.value)


def english(outcome: Outcome) -> str:
    return " ".join(words.english() for words in (outcome.summary, *outcome.next_steps, *outcome.warnings))


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
def test_an_old_radio_is_patched_and_tinker_comes_from_the_cloud(mode: str, tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, mode)
    before = keys(place)
    outcome = watched(place)
    assert "is connected" in outcome.summary.english()
    assert radio(place) == "1.13.7"
    assert place.board.profiles
    assert place.board.light_pattern == "breathing cyan"
    assert not application(place).startswith(pack.read(IMAGE)[:1024])
    assert keys(place) == before
    assert outcome.warnings == ()
    assert outcome.next_recipes == ()
    assert not outcome.unfinished
    assert place.undo.interrupted() == ()


def test_done_is_said_honestly_and_how_to_check_it(tmp_path: Path, pack: RescuePack) -> None:
    outcome = watched(core(tmp_path, pack))
    words = english(outcome)
    assert "cannot see over USB" in words
    assert "spark/cc3000-patch-version" in words
    assert "1.28" in words
    assert "put back" in words
    (seen,) = [fact.value for fact in outcome.facts if fact.key == "radio"]
    assert not isinstance(seen, str)
    assert seen.english() == "cannot be seen over USB"


def test_a_core_without_a_program_is_not_told_that_its_program_is_replaced(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, name="core-no-firmware")
    assert "put back" not in english(watched(place))
    (plan,) = [
        event.question.plan
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Review)
    ]
    assert not any("program" in words.english() for words in plan.warnings)


def test_what_was_there_is_kept_and_the_keys_too(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    before, device_key = application(place), bytes(place.board.spi[0x2000:0x3000])
    outcome = watched(place)
    stored = [Path(path).read_bytes() for path in outcome.kept]
    assert any(len(each) > 90_000 and before.startswith(each) for each in stored)
    assert any(device_key in each for each in stored)
    assert not any(device_key[:32].hex() in repr(event) for event in place.person.events)


def test_the_rest_of_a_shared_erase_unit_stays(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    before, size = application(place), len(pack.read(IMAGE))
    seen: list[bytes] = []
    at_step(place, FOLLOW_STEP, lambda: seen.append(application(place)))
    watched(place)
    assert seen[0][:size] == pack.read(IMAGE)
    behind = -(-size // 1024) * 1024
    assert seen[0][behind:] == before[behind:]


def test_the_plan_says_what_is_needed_and_where_it_goes(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, network="later")
    watched(place)
    (review,) = asked(place, Review)
    assert isinstance(review, Review)
    plan: RescuePlan = review.plan
    (write,) = plan.writes
    assert (write.alt, write.address, write.size, write.source) == (0, 0x0800_5000, 93_636, IMAGE)
    assert any("Stored Wi-Fi" in words.english() for words in plan.needs)
    assert any("blinking blue" in words.english() for words in plan.warnings)
    assert any("Wi-Fi networks" in words.english() for words in plan.stays)


def test_the_lights_named_are_those_the_board_shows(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    watched(place)
    (first, *_) = asked(place, WatchLight)
    assert isinstance(first, WatchLight)
    named = [pattern(stage.light) for stage in first.stages]
    assert [light.colour.name for light in named] == ["ORANGE", "GREEN", "MAGENTA", "CYAN"]
    other = silent(tmp_path / "other", pack)
    shown: list[str] = []

    def look() -> None:
        for _ in range(100):
            shown.append(other.board.light_pattern)
            other.clock.pause(1)

    at_first(other, WatchLight, look)
    watched(other)
    kinds = [name for number, name in enumerate(shown) if name not in shown[:number]]
    expected = ["blinking orange", "blinking green", "breathing cyan", "blinking magenta"]
    assert [name for name in kinds if name in expected] == expected


def test_the_full_upgrade_instead_changes_nothing(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, LISTENING, network="instead")
    before = place.memories()
    outcome = place.succeed(DeepUpdate)
    assert outcome.next_recipes == (FULL,)
    assert place.memories() == before
    assert len([event for event in place.person.events if isinstance(event, StepSkipped)]) == 5
    assert place.undo.interrupted() == ()


def test_no_to_the_plan_changes_nothing(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, plan=False)
    before = place.memories()
    last = place.play(DeepUpdate)
    assert isinstance(last, Stopped)
    assert not last.changed
    assert place.memories() == before
    assert place.undo.interrupted() == ()


def test_without_a_network_it_is_seen_to_listen(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, profiles=False)
    outcome = watched(place)
    assert "waits for its Wi-Fi" in outcome.summary.english()
    assert outcome.next_recipes == ("join-wifi", FULL)
    assert radio(place) == "1.13.7"
    assert len(asked(place, WatchLight)) == 1  # USB told it, nobody was asked


def test_blue_said_by_the_person_is_the_same(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, light="blue")
    outcome = place.succeed(DeepUpdate)
    assert "waits for its Wi-Fi" in outcome.summary.english()


def test_a_network_out_of_reach_is_told_and_may_be_waited_for(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, online=False)
    outcome = watched(place, next="end")
    assert "cannot get through" in outcome.summary.english()
    assert outcome.next_recipes == (FULL,)
    assert "MODE" in english(outcome)
    assert radio(place) == "1.13.7"


def test_standing_still_goes_on_after_reset(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=1, ota_freezes=1))
    outcome = watched(place)
    assert "is connected" in outcome.summary.english()
    assert radio(place) == "1.13.7"
    choices = asked(place, Choose)
    tapped = [each for each in choices if isinstance(each, Choose) and each.name == "next"]
    assert len(tapped) == 2
    assert "RESET" in tapped[0].title.english()


def test_standing_still_for_ever_ends_after_a_bounded_number_of_tries(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=99))
    outcome = watched(place)
    assert "did not get to its end" in outcome.summary.english()
    assert outcome.next_recipes == (FULL,)
    assert len(asked(place, DoThis)) == STARTS_AT_MOST - 1
    tries = [each for each in asked(place, Choose) if isinstance(each, Choose) and each.name == "next"]
    assert len(tries) == TROUBLES_AT_MOST + STARTS_AT_MOST
    assert radio(place) == "older"
    assert place.undo.interrupted() == ()


def test_five_attempts_that_fail_still_end_in_the_cloud_and_nothing_is_claimed(
    tmp_path: Path, pack: RescuePack
) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_fails=99))
    outcome = watched(place)
    assert radio(place) == "older"
    assert "cannot see over USB" in english(outcome)


def test_a_board_brought_into_update_mode_meanwhile_tells_its_attempts_and_starts_again(
    tmp_path: Path, pack: RescuePack
) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_fails=2))

    def meddle() -> None:
        place.clock.pause(65)
        place.hand_into_dfu()

    at_first(place, WatchLight, meddle)
    outcome = watched(place)
    (again,) = [each for each in asked(place, Choose) if isinstance(each, Choose) and each.name == "next"]
    assert "2 of 5 attempts" in again.body.english()
    assert "is connected" in outcome.summary.english()
    assert radio(place) == "1.13.7"


@pytest.mark.parametrize(("fails", "warns"), [(1, "forget its Wi-Fi"), (5, "used all its attempts")])
def test_what_the_count_left_on_the_board_means_is_told(
    fails: int, warns: str, tmp_path: Path, pack: RescuePack
) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_fails=fails))

    def meddle() -> None:
        place.clock.pause(30 * fails + 3)
        place.hand_into_dfu()

    at_first(place, WatchLight, meddle)
    outcome = watched(place, next="end")
    assert place.board.internal[0x4C02] == fails
    assert any(warns in words.english() for words in outcome.warnings)
    assert outcome.next_recipes == (FULL,)
    assert place.seen().mode is Mode.DFU  # ready for the other upgrade


def test_update_mode_after_the_end_is_read_as_the_end(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)

    def meddle() -> None:
        place.clock.pause(100)
        assert place.board.light_pattern == "breathing cyan"
        place.hand_into_dfu()

    at_first(place, WatchLight, meddle)
    outcome = watched(place)
    assert "newer firmware from the cloud" in outcome.summary.english()
    assert any(fact.key == "firmware" for fact in outcome.facts)
    assert place.seen().mode is not Mode.DFU  # it was started again


def test_a_factory_reset_meanwhile_is_not_taken_for_the_cloud(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)

    def meddle() -> None:
        place.person.hand.hold_mode_through_reset(11)
        place.clock.pause(20)
        place.hand_into_dfu()

    at_first(place, WatchLight, meddle)
    outcome = watched(place)
    assert "other firmware" in outcome.summary.english()
    assert outcome.next_recipes == (FULL, "deep-update")
    assert outcome.unfinished


def test_orange_taken_for_yellow_is_put_right_by_usb(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=1))

    class Mistaken(Watcher):
        def light(self) -> str:
            return "yellow" if not self.told else super().light()

    run_recipe(DeepUpdate(), place.job(post=Mistaken(place)))
    assert isinstance(place.person.events[-1], Succeeded)
    notes = [event.words.english() for event in place.person.events if isinstance(event, Note)]
    assert any("that is orange" in words for words in notes)


def test_yellow_that_is_yellow_is_read(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=1))

    class Presses(Watcher):
        def light(self) -> str:
            if not self.told:
                place.hand_into_dfu()
            return super().light()

    run_recipe(DeepUpdate(), place.job(post=Presses(place)))
    assert isinstance(place.person.events[-1], Succeeded)
    assert radio(place) == "1.13.7"


@pytest.mark.parametrize(
    ("light", "words", "recipes"),
    [("red", "flashes red", (FULL, "back-up-key")), ("dark", "light is dark", (FULL,)), ("frozen", "its end", (FULL,))],
)
def test_trouble_that_is_not_worked_on_ends_with_what_to_go_on_with(
    light: str, words: str, recipes: tuple[str, ...], tmp_path: Path, pack: RescuePack
) -> None:
    place = core(tmp_path, pack, light=light, next="end")
    outcome = place.succeed(DeepUpdate)
    assert words in outcome.summary.english()
    assert outcome.next_recipes == recipes
    assert outcome.unfinished


def test_trouble_can_be_started_over_from_update_mode(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=1))
    outcome = watched(place, next="start-over")
    assert "is connected" in outcome.summary.english()
    assert len(asked(place, DoThis)) == 1


def test_starting_over_without_the_buttons_ends_with_advice(
    tmp_path: Path, pack: RescuePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = silent(tmp_path, pack, mishap=Mishap(patch_freezes=1))
    monkeypatch.setattr(place.person, "do", lambda question: None)
    outcome = watched(place, next="start-over")
    assert "did not get to its end" in outcome.summary.english()
    assert outcome.next_recipes == (FULL,)


def test_nobody_answers_but_the_port_comes_back(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)
    outcome = place.succeed(DeepUpdate)
    assert "shows on USB as newer firmware does" in outcome.summary.english()
    assert "not" not in outcome.summary.english()


def test_a_port_that_another_program_holds_is_told_and_the_person_asked(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)
    at_first(place, WatchLight, lambda: setattr(place.board, "mishap", Mishap(busy=True)))
    outcome = watched(place)
    assert "is connected" in outcome.summary.english()
    notes = [event.words.english() for event in place.person.events if isinstance(event, Note)]
    assert any("could not be asked" in words for words in notes)


def test_a_cable_pulled_while_it_works_only_makes_it_begin_again(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)

    def pull() -> None:
        place.clock.pause(10)
        place.bus.unplug(place.board)
        place.clock.pause(5)
        place.bus.plug(place.board, "1-1")

    at_first(place, WatchLight, pull)
    outcome = watched(place)
    assert "is connected" in outcome.summary.english()
    assert radio(place) == "1.13.7"


def test_another_board_on_the_port_is_refused(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)
    other = make("core-0.7", place.clock)

    def swap() -> None:
        place.bus.unplug(place.board)
        place.bus.plug(other, "1-1")

    at_first(place, WatchLight, swap)
    run_recipe(DeepUpdate(), place.job(post=Watcher(place)))
    last = place.person.events[-1]
    assert isinstance(last, Failed)
    assert last.code == WrongBoardReturned.code


def test_nobody_answers_and_nothing_comes_back(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, online=False)
    outcome = place.succeed(DeepUpdate)
    assert "Nobody said how it ended" in outcome.summary.english()
    assert outcome.next_recipes == (FULL,)


def test_somebody_who_always_wants_to_wait_does_not_hold_the_board_for_ever(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, online=False)

    class Patient(Watcher):
        def light(self) -> str:
            return "going"

    began = place.clock.now()
    run_recipe(DeepUpdate(), place.job(post=Patient(place)))
    assert isinstance(place.person.events[-1], Succeeded)
    assert 3600 < place.clock.now() - began < 3 * 3600


def test_an_answer_given_beforehand_counts_after_the_wait(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, online=False)
    began = place.clock.now()
    last = place.play(DeepUpdate, {"network": "known", "plan": "yes", "light": "cyan"})
    assert isinstance(last, Succeeded), last
    assert place.clock.now() - began > MINUTES_3


def test_a_stop_while_watching_leaves_the_board_at_work(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack)
    jobs: list[Job] = []
    at_first(place, WatchLight, lambda: jobs[0].stop())
    jobs.append(place.job())
    run_recipe(DeepUpdate(), jobs[0])
    last = place.person.events[-1]
    assert isinstance(last, Stopped)
    assert last.changed
    assert place.undo.interrupted() == ()
    place.clock.pause(120)
    assert place.board.light_pattern == "breathing cyan"


@pytest.mark.parametrize("transfer", [250, 340, 364, 400, 480, 640, 799, 900, 1000, 1070, 1076])
def test_a_pulled_cable_is_finished_later(transfer: int, tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    before, original = keys(place), application(place)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + transfer)
    run_recipe(DeepUpdate(), place.job(post=Watcher(place)))
    last = place.person.events[-1]
    assert isinstance(last, Failed), last
    assert last.code != "bug", last.detail
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(5.0)
    place.hand_into_dfu()
    place.book.look(place.bus.sightings())
    interrupted = place.undo.interrupted()
    answers: dict[str, object] = {}
    if interrupted:
        answers = {**interrupted[0].answers, "resume": interrupted[0].id}
    else:
        assert application(place) == original
    run_recipe(DeepUpdate(), place.job(answers, post=Watcher(place)))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "is connected" in last.outcome.summary.english()
    assert keys(place) == before
    assert place.undo.interrupted() == ()


def test_a_cut_while_it_is_started_is_offered_to_be_finished_where_the_board_cannot_start_alone(
    tmp_path: Path, pack: RescuePack
) -> None:
    def flagless(name: str) -> Desk:
        made = core(tmp_path / name, pack)
        made.board.internal[0x4C04:0x4C06] = b"\xff\xff"  # says nothing of the firmware (3.1)
        return made

    whole, place = flagless("whole"), flagless("cut")
    seen: list[int] = []
    at_first(whole, WatchLight, lambda: seen.append(whole.board.transfers))
    began = whole.board.transfers
    watched(whole)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + seen[0] - began)
    run_recipe(DeepUpdate(), place.job(post=Watcher(place)))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "dark" in last.outcome.summary.english()
    (rescue,) = place.undo.interrupted()
    place.board.mishap = Mishap.NONE
    place.bus.plug(place.board, "1-1")
    place.clock.pause(BOOT_S)
    run_recipe(DeepUpdate(), place.job({**rescue.answers, "resume": rescue.id}, post=Watcher(place)))
    last = place.person.events[-1]
    assert isinstance(last, Succeeded), last
    assert "is connected" in last.outcome.summary.english()
    assert place.undo.interrupted() == ()


def test_a_board_that_was_not_told_to_start_stays_open_when_the_person_stops_in_update_mode(
    tmp_path: Path, pack: RescuePack
) -> None:
    def flagless(name: str) -> Desk:
        made = core(tmp_path / name, pack)
        made.board.internal[0x4C04:0x4C06] = b"\xff\xff"  # says nothing of the firmware (3.1)
        return made

    whole, place = flagless("whole"), flagless("cut")
    seen: list[int] = []
    at_first(whole, WatchLight, lambda: seen.append(whole.board.transfers))
    began = whole.board.transfers
    watched(whole)

    def plug_in_again() -> None:
        place.board.mishap = Mishap.NONE
        place.bus.plug(place.board, "1-1")
        place.clock.pause(BOOT_S)

    at_first(place, WatchLight, plug_in_again)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + seen[0] - began)
    outcome = watched(place, next="end")
    assert place.seen().mode is Mode.DFU
    assert outcome.unfinished
    assert len(place.undo.interrupted()) == 1


def test_a_second_run_writes_nothing_that_is_there(tmp_path: Path, pack: RescuePack) -> None:
    place = silent(tmp_path, pack, online=False)
    watched(place, next="end")
    place.hand_into_dfu()
    assert application(place).startswith(pack.read(IMAGE))
    transfers = place.board.transfers
    watched(place, next="end")
    assert place.board.transfers - transfers < 600  # read, never written


def test_a_missing_file_of_the_pack_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    place = core(tmp_path, RescuePack(tmp_path / "empty"))
    before = place.board.transfers
    assert place.fail(DeepUpdate).code == "pack.missing"
    assert place.board.transfers == before
    assert asked(place, Choose) == []


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, pack: RescuePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = core(tmp_path, pack)
    before = place.memories()

    def full(*_: object, **__: object) -> None:
        raise UndoNoRoom("full", folder=tmp_path)

    monkeypatch.setattr(place.undo, "keep", full)
    assert place.fail(DeepUpdate).code == UndoNoRoom.code
    assert place.memories() == before


def test_it_is_for_cores_only(tmp_path: Path) -> None:
    for name in ("photon", "p1", "electron"):
        assert not DeepUpdate.fit(desk(name, tmp_path / name, IN_DFU).seen()).ok
    assert DeepUpdate.fit(desk("core", tmp_path / "core", IN_DFU).seen()).ok
