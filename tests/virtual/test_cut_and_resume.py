"""Rescues cut off at chosen transfers in every step, and finished; `tests/bench/sweep_cuts.py` does it at every one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from support.cuts import (
    UPGRADE,
    Case,
    Cut,
    Kind,
    Whole,
    come_back,
    finish_after,
    play_cut,
    put_back_after,
    restore,
    run_whole,
    settle,
    start_anew,
)
from support.desk import IN_DFU, Desk
from support.every import part
from support.real_pack import real_pack

from app.recipes.flash_file import FlashFile
from app.virtual.machine import Radio
from app.work.events import Succeeded

KINDS = (Kind.BEFORE, Kind.AMID, Kind.AFTER, Kind.KILLED)
UPGRADE_STEPS = range(2, 9)  # those with transfers


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Whole]:
    """What comes of a case without a cut; run once for each case."""

    @cache
    def known(board: str) -> Whole:
        case = UPGRADE if board == UPGRADE.board else restore(board)
        return run_whole(case, tmp_path_factory.mktemp("whole") / "desk", real_pack())

    return lambda case: known(case.board)


def cut_off(case: Case, whole: Whole, kind: Kind, number: int, folder: Path, again: int = 0) -> Cut:
    place = case.lay(folder / "first", real_pack())
    last = play_cut(case, place, kind, number)
    cut = Cut(kind, number, -1 if kind is Kind.ALONE else whole.phases[number - 1], again)
    return finish_after(case, whole, place, folder / "next", cut, last)


def spread(numbers: Sequence[int], count: int) -> list[int]:
    """So many of them: the first, the last, and some between."""
    return [numbers[round(at * (len(numbers) - 1) / (count - 1))] for at in range(count)]


def test_a_whole_upgrade_is_what_cut_ones_are_held_against(whole: Callable[[Case], Whole]) -> None:
    tinker = real_pack().read("core_tinker.bin")
    found = whole(UPGRADE)
    assert found.after.internal[0x5000:].startswith(tinker)
    assert found.after.serial[0x20000:].startswith(tinker)
    assert found.before.radio is Radio.OLD
    assert found.after.radio is Radio.PATCH_1_13_7
    for one, other in ((found.before, found.after),):
        assert one.internal[:0x5000] == other.internal[:0x5000]
        assert one.serial[:0x20000] == other.serial[:0x20000]
        assert one.serial[0x40000:] == other.serial[0x40000:]


@pytest.mark.parametrize(("kind", "step"), part(list(itertools.product(KINDS, UPGRADE_STEPS)), 3, "upgrade"))
def test_an_upgrade_cut_off_anywhere_is_finished_right(
    step: int, kind: Kind, tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    found = whole(UPGRADE)
    numbers = [at for at, phase in enumerate(found.phases, start=1) if phase == step]
    number = spread(numbers, len(KINDS))[(KINDS.index(kind) + step) % len(KINDS)]
    cut = cut_off(UPGRADE, found, kind, number, tmp_path)
    assert not cut.wrong, cut


@pytest.mark.parametrize(("step", "change", "twice"), [(4, -5, False), (4, -3, True), (7, -2, True), (7, -1, False)])
def test_what_stands_beside_what_is_written_survives_a_cut(
    step: int, change: int, twice: bool, tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    """The last unit of a target is erased and written with what stands behind the target."""
    found = whole(UPGRADE)
    number = [at for at in found.changing if found.phases[at - 1] == step][change]
    cut = cut_off(UPGRADE, found, Kind.AMID, number, tmp_path, again=number if twice else 0)
    assert not cut.wrong, cut


@pytest.mark.parametrize(("board", "step"), [("photon-0.7", step) for step in (1, 3, 4, 5, 6, 8, 9)])
def test_restoring_a_system_cut_off_anywhere_is_finished_right(
    board: str, step: int, tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    case = restore(board)
    found = whole(case)
    numbers = [at for at, phase in enumerate(found.phases, start=1) if phase == step]
    cut = cut_off(case, found, KINDS[step % len(KINDS)], numbers[len(numbers) * 2 // 3], tmp_path)
    assert not cut.wrong, cut


def never_let_go_of(place: Desk) -> None:
    """As after a radio patch: the original boot loader starts nothing until it was told to leave (2.2, 3.1)."""
    place.board.internal[0x4C04:0x4C06] = b"\xff\xff"


@pytest.mark.parametrize("kind", KINDS)
def test_an_own_program_that_was_written_but_not_started_is_finished(kind: Kind, tmp_path: Path) -> None:
    file = tmp_path / "own.bin"
    file.write_bytes(real_pack().read("core_tinker.bin"))
    answers = {"file": str(file), "slot": "application", "plan": True}
    case = Case(FlashFile, "core-no-firmware", IN_DFU, answers, never_let_go_of)
    found = run_whole(case, tmp_path / "whole", real_pack())
    cut = cut_off(case, found, kind, len(found.phases) - 1, tmp_path)
    assert not cut.wrong, cut
    assert cut.listed
    assert cut.how == "finished"


@pytest.mark.parametrize(
    ("step", "kind", "twice"),
    [(4, Kind.AMID, False), (5, Kind.KILLED, True), (6, Kind.BEFORE, False), (7, Kind.AMID, True)],
)
def test_what_was_there_before_a_cut_upgrade_is_put_back(
    step: int, kind: Kind, twice: bool, tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    found = whole(UPGRADE)
    numbers = [at for at, phase in enumerate(found.phases, start=1) if phase == step]
    number = numbers[len(numbers) // 2]
    place = UPGRADE.lay(tmp_path / "first", real_pack())
    last = play_cut(UPGRADE, place, kind, number)
    cut = Cut(kind, number, step, again=700 if twice else 0)
    cut = put_back_after(UPGRADE, found, place, tmp_path / "next", cut, last)
    assert not cut.wrong, cut
    assert cut.how == "put back"


def test_a_factory_reset_in_place_of_the_patch_does_not_pass_for_a_patched_radio(
    tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    """The power fails while the radio is patched, and then the button is held too long: Tinker comes from the factory.

    Then something else stands where the patch was, although it never ended.
    """
    found = whole(UPGRADE)
    (first, last) = next((first, last) for first, last, phase in found.gaps if phase == 6)
    place = UPGRADE.lay(tmp_path / "first", real_pack())
    play_cut(UPGRADE, place, Kind.ALONE, (first + last) // 2)
    come_back(place, Kind.ALONE)
    place.person.hand.hold_mode_through_reset(11.0)
    settle(place)
    place.hand_into_dfu()
    assert place.board.internal[0x5000:].startswith(real_pack().read("core_tinker.bin"))
    assert place.board.radio is Radio.OLD
    place = start_anew(UPGRADE, place, tmp_path / "next")
    (rescue,) = place.undo.interrupted()
    assert isinstance(place.play(UPGRADE.recipe, {**rescue.answers, "resume": rescue.id}), Succeeded)
    assert place.board.radio is Radio.PATCH_1_13_7


@pytest.mark.parametrize(("case", "step"), [(UPGRADE, 6), (restore("photon-0.7"), 9)], ids=["patching", "installing"])
@pytest.mark.parametrize("share", [0.25, 0.5])
def test_power_lost_while_the_board_works_alone_is_made_good(
    case: Case, step: int, share: float, tmp_path: Path, whole: Callable[[Case], Whole]
) -> None:
    """While the radio is patched, and while the new system installs the boot loader."""
    found = whole(case)
    (first, last) = next((first, last) for first, last, phase in found.gaps if phase == step)
    cut = cut_off(case, found, Kind.ALONE, round(first + share * (last - first)), tmp_path)
    assert not cut.wrong, cut
    assert cut.how == "finished"
