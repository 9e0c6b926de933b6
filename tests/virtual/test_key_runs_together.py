"""Runs that make the same thing of a board: one that ends well ends what an earlier one left, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support import device_keys
from support.desk import IN_DFU, Desk, desk
from support.moments import at_step, come_back
from support.real_pack import real_pack

from app.engine.runner import run_recipe
from app.recipes.back_up_key import BackUpKey
from app.recipes.base import Recipe
from app.recipes.change_key import ChangeKey
from app.recipes.prove_handshake import ProveHandshake
from app.recipes.registry import known
from app.recipes.restore_key import RestoreKey
from app.recipes.switch_cloud import SwitchCloud
from app.undo.board_name import BoardName
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Stopped
from app.work.flashing import SAME_WORK

PRIVATE, UDP, SERVER = "device-private", "device-private-udp", "server-public"
OTHER_ID = "53ff6f065067544840551999"
WRITE_STEP = 5  # of each of the three recipes


def laid(name: str, folder: Path) -> Desk:
    place = desk(name, folder / "own", IN_DFU, answers={"plan": True, "key-belongs": True}, pack=real_pack())
    place.person.answers["device-id"] = place.board.device_id
    if place.board.spi_flash is None:
        place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)
    return place


def from_file(folder: Path) -> dict[str, object]:
    file = folder / "key.der"
    file.write_bytes(device_keys.as_device())
    return {"key": "file", "key-file": str(file), "key-slot": PRIVATE}


def left(place: Desk, recipe: type[Recipe], slot: str, device_id: str = "") -> str:
    """Leave the journal of a run that was cut off; return its name."""
    platform = place.seen().platform
    where = platform.slot(slot)
    region = next(row for row in platform.regions if row.alt == where.alt and row.start <= where.address < row.end)
    board = BoardName(platform.key, device_id or place.board.device_id, place.seen().sighting.serial or "")
    with place.undo.begin(board, recipe.key, {}) as journal:
        journal.plans(region.key, where.alt, where.address, where.size, "")
        return journal.id


def still_open(place: Desk) -> set[str]:
    return {each.id for each in place.undo.interrupted()}


def test_the_table_names_recipes_that_there_are() -> None:
    assert all(known(key) is not None for group in SAME_WORK for key in group)


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_cut_off_change_that_restoring_undid_is_offered_no_more(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path)
    old = place.slot
    place.succeed(BackUpKey)
    place.hand_into_dfu()
    (backup,) = place.safe.backups()
    at_step(place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_amid=place.board.transfers + 12)))
    assert isinstance(place.play(ChangeKey, {"way": "here"}), Failed)
    come_back(place)
    assert len(still_open(place)) == 1
    place.succeed(RestoreKey, {"key": f"backup:{backup.reference}"})
    assert place.slot == old
    assert still_open(place) == set()


def test_a_cut_off_change_is_offered_no_more_where_its_old_key_turns_out_to_be_there(tmp_path: Path) -> None:
    place = laid("photon", tmp_path)
    place.succeed(BackUpKey)
    place.hand_into_dfu()
    (backup,) = place.safe.backups()
    left(place, ChangeKey, PRIVATE)
    place.succeed(RestoreKey, {"key": f"backup:{backup.reference}"})
    assert still_open(place) == set()


def test_a_cut_off_restoring_is_over_once_the_board_has_a_new_key(tmp_path: Path) -> None:
    place = laid("core", tmp_path)
    left(place, RestoreKey, PRIVATE)
    place.succeed(ChangeKey, {"way": "here"})
    assert still_open(place) == set()


def test_runs_on_another_board_or_another_slot_stay_open(tmp_path: Path) -> None:
    place = laid("electron", tmp_path)
    stays = {left(place, ChangeKey, UDP), left(place, ChangeKey, PRIVATE, OTHER_ID), left(place, SwitchCloud, SERVER)}
    place.succeed(RestoreKey, from_file(tmp_path))
    assert still_open(place) == stays


def test_finishing_the_older_of_two_leaves_the_newer_one_of_another_kind(tmp_path: Path) -> None:
    place = laid("photon", tmp_path)
    at_step(place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_amid=place.board.transfers + 12)))
    assert isinstance(place.play(ChangeKey, {"way": "here"}), Failed)
    (older,) = place.undo.interrupted()
    come_back(place)
    newer = left(place, RestoreKey, PRIVATE)
    place.succeed(ChangeKey, {**older.answers, "resume": older.id})
    assert still_open(place) == {newer}


def test_another_server_does_not_silently_end_a_proof_whose_old_server_is_away(tmp_path: Path) -> None:
    place = laid("photon", tmp_path)
    proof = left(place, ProveHandshake, SERVER)
    earlier = left(place, SwitchCloud, SERVER)
    place.succeed(SwitchCloud, {"cloud": "particle"})
    assert earlier not in still_open(place)
    assert proof in still_open(place)


def _change(_: Path) -> tuple[type[Recipe], dict[str, object]]:
    return ChangeKey, {"way": "here"}


def _restore(folder: Path) -> tuple[type[Recipe], dict[str, object]]:
    return RestoreKey, from_file(folder)


def _switch(_: Path) -> tuple[type[Recipe], dict[str, object]]:
    return SwitchCloud, {"cloud": "particle"}


@pytest.mark.parametrize("which", [_change, _restore, _switch])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_run_that_is_stopped_after_consent_and_before_the_first_write_leaves_nothing_open(
    which: Callable[[Path], tuple[type[Recipe], dict[str, object]]], name: str, tmp_path: Path
) -> None:
    place = laid(name, tmp_path)
    recipe, answers = which(tmp_path)
    before = place.memories()
    stays = left(place, ProveHandshake, PRIVATE)
    job = place.job(answers)
    begin = place.undo.begin

    def begin_and_stop(*given: object) -> object:
        job.stop()
        return begin(*given)  # type: ignore[arg-type]

    place.undo.begin = begin_and_stop  # type: ignore[assignment,method-assign]
    run_recipe(recipe(), job)
    assert place.person.events[-1] == Stopped(job.run, False)
    assert place.memories() == before
    assert still_open(place) == {stays}


def test_a_plan_that_is_refused_when_it_is_shown_again_leaves_nothing_open(tmp_path: Path) -> None:
    place = laid("photon", tmp_path)
    agreed = iter([True, False])
    tell = place.person

    def post(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "plan":
            tell.events.append(event)
            event.reply(next(agreed))
        else:
            tell(event)

    changed = bytes(reversed(place.slot))
    at_step(place, WRITE_STEP, lambda: place.board.dct.__setitem__(slice(34, 646), changed))
    run_recipe(ChangeKey(), place.job({"way": "here"}, post=post))
    assert isinstance(place.person.events[-1], Stopped)
    assert place.slot == changed
    assert still_open(place) == set()
