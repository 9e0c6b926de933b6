"""The full firmware upgrade of a Core, with the real images, on virtual boards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.every import part
from support.real_pack import real_pack

from app.engine.runner import run_recipe
from app.faults import UndoNoRoom
from app.firmware.pack import RescuePack
from app.platforms.model import Mode
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, StepSkipped, StepStarted, Stopped, Succeeded
from app.work.plan import Health, RescuePlan
from app.work.questions import Review, WatchLight

TINKER, PATCH = "core_tinker.bin", "cc3000-patch-programmer.bin"
ANSWERS = {"radio-patch": "1.13.7", "plan": True}
FACTORY_STEP, PATCH_STEP, RUN_STEP, TINKER_STEP, START_STEP = 4, 5, 6, 7, 8
UNITS = {"factory": 4096, "application": 1024}


@pytest.fixture
def pack() -> RescuePack:
    return real_pack()


def core(folder: Path, pack: RescuePack, mode: str = IN_DFU, name: str = "core", **answers: object) -> Desk:
    return desk(name, folder, mode, pack=pack, answers={**ANSWERS, **answers})


def application(place: Desk) -> bytes:
    return bytes(place.board.internal[0x5000:0x20000])


def factory(place: Desk) -> bytes:
    return bytes(place.board.spi[0x20000:0x40000])


def keys(place: Desk) -> bytes:
    return bytes(place.board.spi[:0x20000])


def upgraded(place: Desk) -> bool:
    tinker = place.pack.read(TINKER)
    return application(place).startswith(tinker) and factory(place).startswith(tinker)


def upgrade(place: Desk) -> Outcome:
    return place.succeed(FullFirmwareUpgrade)


def at_step(place: Desk, step: int, act: Callable[[], None]) -> None:
    """Do something once when a step begins."""
    person = place.person
    done: list[bool] = []
    before = person.events

    class Watched(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, StepStarted) and event.step == step and not done:
                done.append(True)
                act()

    person.events = Watched(before)


def come_back(place: Desk) -> None:
    """After a pulled cable: plug the board in again, and let it start."""
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(5.0)
    if not place.bus.sightings():  # half of a program runs, and shows nothing on USB
        place.hand_into_dfu()


def finish(place: Desk, **answers: object) -> Event:
    """Finish the interrupted rescue as the window does: the recorded answers, and its id."""
    (rescue,) = place.undo.interrupted()
    assert rescue.recipe == FullFirmwareUpgrade.key
    return place.play(FullFirmwareUpgrade, {**rescue.answers, "resume": rescue.id, **answers})


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", ["core", "core-old-radio", "core-no-firmware"])
def test_every_core_ends_with_tinker_twice_and_its_keys_untouched(
    name: str, mode: str, tmp_path: Path, pack: RescuePack
) -> None:
    if name == "core-no-firmware" and mode != IN_DFU:
        mode = IN_DFU
    place = core(tmp_path, pack, mode, name)
    before = keys(place)
    outcome = upgrade(place)
    assert upgraded(place)
    assert keys(place) == before
    assert outcome.warnings == ()
    assert outcome.next_recipes == ("join-wifi",)
    assert outcome.xray is not None
    assert outcome.xray.verdict.health is Health.NOTHING_WRONG
    assert place.seen().mode is not Mode.DFU
    assert place.undo.interrupted() == ()


def test_the_rest_of_a_shared_erase_unit_stays(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    size = len(pack.read(TINKER))
    before = {"factory": factory(place), "application": application(place)}
    upgrade(place)
    after = {"factory": factory(place), "application": application(place)}
    for region, unit in UNITS.items():
        behind = -(-size // unit) * unit
        assert after[region][behind:] == before[region][behind:], region


@pytest.mark.parametrize("choice", ["1.13.7", "1.14"])
def test_the_chosen_patch_runs_and_only_the_later_one_surely_forgets_wifi(
    choice: str, tmp_path: Path, pack: RescuePack
) -> None:
    place = core(tmp_path, pack, **{"radio-patch": choice})
    outcome = upgrade(place)
    radio = next(fact for fact in outcome.facts if fact.key == "radio")
    assert choice in str(getattr(radio.value, "english", lambda: radio.value)())
    assert place.board.profiles is (choice == "1.13.7")
    (plan,) = plans(place)
    assert any("forget" in words.english() for words in plan.warnings) is (choice == "1.14")
    assert [write.region for write in plan.writes] == ["factory", "application", "application"]


def plans(place: Desk) -> list[RescuePlan]:
    """Every plan the person was shown."""
    return [
        event.question.plan
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Review)
    ]


def test_the_plan_tells_addresses_sizes_and_an_honest_time(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    began: list[float] = []
    at_step(place, FACTORY_STEP, lambda: began.append(place.clock.now()))
    upgrade(place)
    took = place.clock.now() - began[0]
    (plan,) = plans(place)
    assert [write.address for write in plan.writes] == [0x20000, 0x0800_5000, 0x0800_5000]
    assert [write.alt for write in plan.writes] == [1, 0, 0]
    assert [write.size for write in plan.writes] == [98_932, 25_068, 98_932]
    assert plan.writes[2].changed is not None
    assert plan.seconds * 0.3 < took < plan.seconds * 1.5
    assert plan.stays
    assert plan.needs


def test_no_changes_nothing_and_leaves_nothing_to_finish(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, plan=False)
    before = place.memories()
    last = place.play(FullFirmwareUpgrade)
    assert isinstance(last, Stopped)
    assert not last.changed
    assert place.memories() == before
    assert place.undo.interrupted() == ()


def test_what_was_there_is_kept_and_the_keys_too(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    before = {"application": application(place), "factory": factory(place)}
    device_key = bytes(place.board.spi[0x2000:0x3000])
    outcome = upgrade(place)
    assert len(outcome.kept) == 4
    stored = [Path(path).read_bytes() for path in outcome.kept]
    for content in before.values():
        assert any(len(each) > 90_000 and content.startswith(each) for each in stored)
    assert any(device_key in each for each in stored)
    assert not any(device_key[:32].hex() in repr(event) for event in place.person.events)


def test_with_a_passphrase_the_kept_keys_are_sealed(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, passphrase="correct horse")
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    outcome = upgrade(place)
    key = bytes(place.board.spi[0x2000:0x2040])
    assert not any(key in Path(path).read_bytes() for path in outcome.kept)


def test_a_missing_file_of_the_pack_is_told_before_anything_is_asked_of_the_board(tmp_path: Path) -> None:
    place = core(tmp_path, RescuePack(tmp_path / "empty"))
    before = place.board.transfers
    assert place.fail(FullFirmwareUpgrade).code == "pack.missing"
    assert place.board.transfers == before


def test_a_full_disk_is_told_before_anything_is_written(
    tmp_path: Path, pack: RescuePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = core(tmp_path, pack)
    before = place.memories()

    def full(*_: object, **__: object) -> None:
        raise UndoNoRoom("full", folder=tmp_path)

    monkeypatch.setattr(place.undo, "keep", full)
    assert place.fail(FullFirmwareUpgrade).code == UndoNoRoom.code
    assert place.memories() == before


def test_a_second_upgrade_writes_nothing_and_asks_whether_to_patch_again(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    upgrade(place)
    place.hand_into_dfu()
    before = application(place), factory(place)
    wear = place.board.transfers
    last = place.play(FullFirmwareUpgrade, {"patch-again": "skip"})
    assert isinstance(last, Succeeded), last
    assert (application(place), factory(place)) == before
    assert any(isinstance(event, StepSkipped) and event.step == RUN_STEP for event in place.person.events)
    assert place.board.transfers - wear < 1700  # read, never written


def test_a_patch_that_stands_still_is_ended_by_the_person_and_told(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, **{"radio-patching": "stuck"})
    place.board.mishap = Mishap(patch_freezes=1)
    outcome = upgrade(place)
    assert upgraded(place)
    assert any("not certain" in warning.english() for warning in outcome.warnings)


def test_a_patch_that_never_ends_is_brought_back_with_the_buttons(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    place.board.mishap = Mishap(patch_freezes=1)
    outcome = upgrade(place)
    assert upgraded(place)
    assert any("not certain" in warning.english() for warning in outcome.warnings)


def test_the_watch_names_lights_the_board_really_shows(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack, **{"radio-patch": "1.14"})
    seen: list[str] = []
    at_step(place, RUN_STEP, lambda: seen.append(place.board.light_pattern))
    upgrade(place)
    (watch,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, WatchLight)
    ]
    assert [stage.light for stage in watch.stages] == [
        "core-radio.patching",
        "core-radio.patched",
        "core-radio.clearing",
        "boot-loader-2014.dfu",
    ]


def test_a_board_that_changed_since_the_plan_is_asked_about_again(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)

    def other_content() -> None:
        place.board.spi[0x20010] ^= 0x55

    at_step(place, FACTORY_STEP, other_content)
    upgrade(place)
    assert len(plans(place)) == 2
    assert upgraded(place)


def test_no_to_a_changed_board_writes_nothing(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)

    def other_content() -> None:
        place.board.spi[0x20010] ^= 0x55
        place.person.answers["plan"] = False

    at_step(place, FACTORY_STEP, other_content)
    last = place.play(FullFirmwareUpgrade)
    assert isinstance(last, Stopped)
    assert not last.changed
    assert not factory(place).startswith(pack.read(TINKER)[:4096])


PULLED = [340, 400, 660, 929, 935, 1000, 1130, 1150, 1161, 1180, 1400, 1700, 2000, 2185]


@pytest.mark.parametrize("transfer", part(PULLED, 3, "pulled"))
def test_a_pulled_cable_is_finished_later_with_the_right_bytes(transfer: int, tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    before = keys(place)
    original = application(place)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + transfer)
    last = place.play(FullFirmwareUpgrade)
    assert isinstance(last, Failed), last
    assert last.code != "bug", last.detail
    come_back(place)
    if not place.undo.interrupted():  # nothing was written yet
        assert application(place) == original
        assert isinstance(place.play(FullFirmwareUpgrade), Succeeded)
    else:
        place.person.answers["patch-again"] = "run"
        finished = finish(place)
        assert isinstance(finished, Succeeded), finished
    assert upgraded(place)
    assert keys(place) == before
    assert place.undo.interrupted() == ()


def test_once_tinker_was_begun_the_patch_is_not_run_again(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    at_step(place, TINKER_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 250)))
    assert isinstance(place.play(FullFirmwareUpgrade), Failed)
    come_back(place)
    place.person.events.clear()
    assert isinstance(finish(place), Succeeded)
    assert any(isinstance(event, StepSkipped) and event.step == RUN_STEP for event in place.person.events)
    assert upgraded(place)


def test_a_new_run_closes_the_interrupted_one_of_the_same_board(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    at_step(place, PATCH_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 80)))
    assert isinstance(place.play(FullFirmwareUpgrade), Failed)
    come_back(place)
    assert len(place.undo.interrupted()) == 1
    assert isinstance(place.play(FullFirmwareUpgrade), Succeeded)
    assert place.undo.interrupted() == ()


def test_a_rescue_of_another_board_is_not_finished_here(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    at_step(place, PATCH_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 80)))
    assert isinstance(place.play(FullFirmwareUpgrade), Failed)
    (rescue,) = place.undo.interrupted()
    other = core(tmp_path, pack, name="core-0.7")
    before = other.memories()
    assert other.fail(FullFirmwareUpgrade, {"resume": rescue.id}).code == "undo.unknown-rescue"
    assert other.memories() == before


def test_a_stop_between_two_units_can_be_finished(tmp_path: Path, pack: RescuePack) -> None:
    place = core(tmp_path, pack)
    job = place.job()
    at_step(place, TINKER_STEP, job.stop)
    run_recipe(FullFirmwareUpgrade(), job)
    last = place.person.events[-1]
    assert isinstance(last, Stopped)
    assert last.changed
    assert place.seen().mode is Mode.DFU  # never started half-way
    place.person.answers["patch-again"] = "skip"
    assert isinstance(finish(place), Succeeded)
    assert upgraded(place)


def test_it_is_for_cores_only(tmp_path: Path) -> None:
    for name in ("photon", "p1", "electron"):
        fit = FullFirmwareUpgrade.fit(desk(name, tmp_path / name, IN_DFU).seen())
        assert not fit.ok
