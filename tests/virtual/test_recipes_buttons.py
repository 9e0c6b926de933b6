"""Factory reset and clearing the Wi-Fi networks: explained, coached, and done with the buttons of virtual boards."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.engine.runner import run_recipe
from app.platforms.model import Mode
from app.recipes.clear_wifi import ClearWifi
from app.recipes.factory_reset import FactoryReset
from app.virtual.hand import PracticeHand
from app.virtual.layout import slots_of
from app.virtual.machine import Phase
from app.work.events import Asked, Event, Hint, Stopped
from app.work.questions import Choose, Confirm, DoThis, WatchLight

F2 = ["photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"]
CORES = ["core", "core-0.5", "core-0.7"]


def asked(place: Desk) -> list[str]:
    return [event.question.name for event in place.person.events if isinstance(event, Asked)]


def confirm(place: Desk) -> str:
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Confirm)
    ]
    return question.body.english()


def user(place: Desk) -> bytes:
    if place.board.spi_flash is not None:
        return bytes(place.board.internal[0x5000:0x20000])
    start = slots_of(place.board.personality.kind).user
    return bytes(place.board.internal[start : start + 0x20000])


def forget_program(place: Desk) -> None:
    """Put something else where the program is, so that a reset is seen."""
    start = slots_of(place.board.personality.kind).user
    place.board.internal[start + 0x1000 : start + 0x1100] = bytes(256)


@pytest.mark.parametrize("name", F2)
def test_a_board_without_factory_firmware_is_told_so_and_not_coached(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path)
    before = place.memories()
    outcome = place.succeed(FactoryReset)
    assert "no factory firmware" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-system",)
    assert asked(place) == []
    assert place.memories() == before
    place.clock.pause(10.0)
    assert place.seen().mode is not Mode.DFU


@pytest.mark.parametrize("name", F2)
def test_the_explanation_names_the_better_way_and_no_leaves_all_as_it_is(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, answers={"factory-reset": False}, factory_image=True)
    before = place.memories()
    outcome = place.succeed(FactoryReset)
    assert "restore the system" in confirm(place)
    assert "No factory reset" in outcome.summary.english()
    assert outcome.next_recipes == ("restore-system",)
    assert place.memories() == before


@pytest.mark.parametrize("choice", ["keep", "clear"])
@pytest.mark.parametrize("name", F2)
def test_the_buttons_put_the_factory_program_back(name: str, choice: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, answers={"factory-reset": True, "wifi": choice}, factory_image=True)
    good = user(place)
    forget_program(place)
    outcome = place.succeed(FactoryReset)
    assert user(place)[:0x2000] == good[:0x2000]
    assert "started again" in outcome.summary.english()
    assert place.board.profiles is (choice == "keep" or name == "electron")
    told = any("join a Wi-Fi network" in words.english() for words in outcome.next_steps)
    assert told is (name != "electron")
    if name == "electron":
        assert outcome.next_recipes == ("restore-system",)
    else:
        kept, gone = ("restore-system", "join-wifi"), ("join-wifi", "restore-system")
        assert outcome.next_recipes == (kept if choice == "keep" else gone)
    assert place.seen().mode is not Mode.DFU


@pytest.mark.parametrize("name", CORES)
def test_a_core_gets_its_factory_firmware_back_and_the_oldest_boot_loader_forgets_wifi(
    name: str, tmp_path: Path
) -> None:
    place = desk(name, tmp_path, answers={"factory-reset": True})
    outcome = place.succeed(FactoryReset)
    assert user(place)[:0x10000] == bytes(place.board.spi[0x20000:0x30000])
    assert "forgets its Wi-Fi" in confirm(place)
    assert not place.board.profiles
    assert "started again" in outcome.summary.english()
    assert outcome.next_recipes == ("join-wifi", "full-firmware-upgrade")


@pytest.mark.parametrize("content", [b"\xff" * 0x20000, b"rubbish" * 100])
def test_a_core_whose_factory_firmware_would_not_start_is_warned(content: bytes, tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.board.spi[0x20000 : 0x20000 + len(content)] = content
    before = place.memories()
    outcome = place.succeed(FactoryReset)
    assert asked(place) == []
    assert "Do not try" in outcome.warnings[0].english()
    assert place.memories() == before


def test_letting_go_too_early_is_hinted_at_and_tried_again(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, answers={"factory-reset": True, "wifi": "keep"}, factory_image=True)
    good = user(place)
    forget_program(place)
    hand = PracticeHand(place.board)
    watched = place.bus.wait_for_change
    looks = 0

    def clumsy(_question: DoThis) -> None:
        hand.enter_dfu()

    def later(seconds: float) -> bool:
        nonlocal looks
        looks += 1
        if any(isinstance(event, Hint) and "too early" in event.words.english() for event in place.person.events):
            place.bus.wait_for_change = watched  # type: ignore[method-assign]
            hand.hold_mode_through_reset(7.0)
        return watched(seconds)

    place.person.do = clumsy
    place.bus.wait_for_change = later  # type: ignore[method-assign]
    place.succeed(FactoryReset)
    assert looks
    assert user(place)[:0x2000] == good[:0x2000]


def test_nobody_pressing_ends_in_an_uncertain_result(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, answers={"factory-reset": True, "wifi": "keep"}, factory_image=True)
    place.person.do = lambda question: None
    outcome = place.succeed(FactoryReset)
    assert "not certain" in outcome.summary.english()
    assert any("update mode" in words.english() for words in outcome.next_steps)


# --- Wi-Fi ---


def hold_until_forgotten(place: Desk) -> None:
    """Hold the button when the watch is shown, as its words say."""

    class Watched(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Asked) and isinstance(event.question, WatchLight):
                place.person.hand.hold_mode(11.0)

    place.person.events = Watched()


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", ["photon", "photon-0.5", "photon-0.6", "p1", "core", "core-0.7"])
def test_the_long_press_forgets_the_networks(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode, answers={"forget": True, "clear-wifi": "done"})
    hold_until_forgotten(place)
    known = [place.board.profiles]
    outcome = place.succeed(ClearWifi)
    known.append(place.board.profiles)
    assert known == [True, False]
    assert "has forgotten" in outcome.summary.english()
    assert outcome.next_recipes == ("join-wifi",)
    (watch,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, WatchLight)
    ]
    assert [stage.light.rpartition(".")[2] for stage in watch.stages] == ["listening", "clear-wifi"]
    assert place.board.phase is Phase.FIRMWARE


def test_no_forgets_nothing(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"forget": False})
    outcome = place.succeed(ClearWifi)
    assert place.board.profiles
    assert "keeps" in outcome.summary.english()
    assert outcome.next_recipes == ()
    assert asked(place) == ["forget"]


@pytest.mark.parametrize("seen", ["red", "nothing"])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_another_way_is_offered_when_it_did_not_work(name: str, seen: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, answers={"forget": True, "clear-wifi": seen})
    outcome = place.succeed(ClearWifi)
    assert "factory-reset" in outcome.next_recipes
    assert any("10 seconds" in words.english() for words in outcome.next_steps)


def test_an_electron_has_no_networks_to_forget(tmp_path: Path) -> None:
    assert not ClearWifi.fit(desk("electron", tmp_path).seen()).ok


def test_a_stop_while_deciding_leaves_the_board_alone(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    job = place.job()
    job.stop()
    before = place.memories()
    run_recipe(ClearWifi(), job)
    assert isinstance(place.person.events[-1], Stopped)
    assert place.memories() == before
    assert not any(isinstance(event, Asked) and isinstance(event.question, Choose) for event in place.person.events)
