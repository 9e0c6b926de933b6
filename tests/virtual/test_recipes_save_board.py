"""Saving a whole board, on virtual boards: every byte, honestly, and nothing secret told."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.moments import at_step

from app.platforms.model import Mode, Platform
from app.platforms.table import PLATFORMS
from app.recipes.back_up_key import BackUpKey
from app.recipes.save_board import SaveBoard
from app.virtual.catalogue import HEALTHY_BOARDS
from app.virtual.mishaps import Mishap
from app.work.events import Failed, Note, Outcome, StepProgress, StepSkipped
from app.work.memory_map import places, whole_memory

READ_STEP = 2


def saved(place: Desk) -> dict[tuple[int, int], bytes]:
    """Every content of the newest dump, by alternate setting and address."""
    dump = place.undo.dumps()[0]
    contents = place.undo.load_dump(dump)
    return {(part.alt, part.address): contents[part.region] for part in dump.parts}


def as_memory(found: dict[tuple[int, int], bytes], alt: int) -> bytes:
    """The contents of one alternate setting, one after another; they have to touch."""
    rows = sorted((address, content) for (number, address), content in found.items() if number == alt)
    for (address, content), (following, _) in pairwise(rows):
        assert address + len(content) == following
    return b"".join(content for _, content in rows)


def words(outcome: Outcome) -> str:
    return " ".join(each.english() for each in (*outcome.warnings, *outcome.next_steps))


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.key)
def test_the_rows_are_all_memory_once(platform: Platform) -> None:
    rows = whole_memory(platform)
    for number, base in enumerate(platform.bases):
        here = [row for row in rows if row.alt == number]
        assert here[0].start == base
        assert all(row.end == following.start for row, following in pairwise(here))
        assert here[-1].end == base + sum(run.size * run.count for run in platform.erase_units[number])


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.key)
def test_a_stretch_is_cut_along_the_places_without_losing_a_named_byte(platform: Platform) -> None:
    for row in platform.regions:
        for start, end in ((row.start, row.end), (row.start + 16, row.end - 16), (max(0, row.start - 64), row.end)):
            found = places(platform, row.alt, start, end)
            covered = {address for each in found for address in (each.address, each.address + each.size - 1)}
            assert covered
            assert all(each.region.start <= each.address <= each.region.end - each.size for each in found)
            assert max(each.address + each.size for each in found) == end


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", HEALTHY_BOARDS)
def test_every_byte_of_every_board_is_in_what_was_saved(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    outcome = place.succeed(SaveBoard)
    found = saved(place)
    board = place.board
    assert as_memory(found, 0) == bytes(board.internal)
    if name.startswith("core"):
        assert as_memory(found, 1) == bytes(board.spi)
    else:
        assert as_memory(found, 1) == bytes(board.dct)
    if name == "p1":
        assert as_memory(found, 2) == bytes(board.spi)
    assert place.undo.dumps()[0].missing == ()
    assert (place.seen().mode is Mode.DFU) is (mode == IN_DFU)
    assert place.undo.interrupted() == ()
    folder = next(fact for fact in outcome.facts if fact.key == "folder")
    assert folder.copy
    assert all(Path(path).is_file() and path.startswith(str(folder.value)) for path in outcome.kept)


def test_a_proven_id_names_the_folder_and_an_unproven_one_is_told(tmp_path: Path) -> None:
    proven = desk("photon", tmp_path / "a", RUNNING)
    outcome = proven.succeed(SaveBoard)
    fact = next(fact for fact in outcome.facts if fact.key == "device-id")
    assert fact.value == proven.board.device_id
    assert proven.undo.dumps()[0].board.device_id == proven.board.device_id
    listening = desk("photon-0.5", tmp_path / "b", LISTENING)
    listening.succeed(SaveBoard)
    assert listening.undo.dumps()[0].board.device_id == listening.board.device_id
    hidden = desk("core", tmp_path / "c", IN_DFU)
    hidden.succeed(SaveBoard)
    assert hidden.undo.dumps()[0].board.device_id is None


def test_settings_that_cannot_be_reached_are_recorded_as_missing_with_the_reason(tmp_path: Path) -> None:
    place = desk("photon-broken-part2", tmp_path, IN_DFU)
    outcome = place.succeed(SaveBoard)
    (missing,) = place.undo.dumps()[0].missing
    assert (missing.region, missing.alt, missing.size) == ("dct", 1, 16 * 1024)
    assert "system parts" in missing.reason
    assert "NOT" in words(outcome)
    assert any(isinstance(event, Note) and "NOT" in event.words.english() for event in place.person.events)
    assert "restore-system" in outcome.next_recipes
    assert as_memory(saved(place), 0) == bytes(place.board.internal)


def test_with_a_passphrase_every_secret_is_sealed_and_the_safe_is_asked_for_first(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, answers={"passphrase": "correct horse"})
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    outcome = place.succeed(SaveBoard)
    key = bytes(place.board.dct[34:100])
    for file in (tmp_path / "boards").rglob("*"):
        assert not file.is_file() or key not in file.read_bytes()
    assert "open" not in " ".join(warning.english() for warning in outcome.warnings)
    assert not any(repr(key[:24])[2:-1] in repr(event) for event in place.person.events)
    assert as_memory(saved(place), 1) == bytes(place.board.dct)


def test_without_a_passphrase_the_person_is_told_that_keys_lie_open(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    assert "open" in words(place.succeed(SaveBoard))


def test_a_locked_safe_nobody_can_open_ends_it_before_the_board_is_asked(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    before = place.board.transfers
    assert place.fail(SaveBoard, {"passphrase": "wrong"}).code == "safe.wrong-passphrase"
    assert place.board.transfers == before
    assert place.undo.dumps() == ()


def test_progress_counts_bytes(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.succeed(SaveBoard)
    ticks = [event for event in place.person.events if isinstance(event, StepProgress) and event.step == READ_STEP]
    assert len(ticks) > 5
    assert ticks[-2].total > 2_000_000
    assert any(event.rate > 0 and event.seconds_left is not None for event in ticks)
    fractions = [event.fraction for event in ticks]
    assert fractions == sorted(fractions)


def test_a_pulled_cable_leaves_no_dump(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    place.board.mishap = Mishap(gone_at=place.board.transfers + 150)
    last = place.play(SaveBoard)
    assert isinstance(last, Failed)
    assert place.undo.dumps() == ()


def test_the_same_board_saved_twice_takes_its_room_once(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.succeed(SaveBoard)
    once = sorted(place.undo.root.glob("*/content/*"))
    assert once
    place.succeed(SaveBoard)
    assert len(place.undo.dumps()) == 2
    assert sorted(place.undo.root.glob("*/content/*")) == once


def test_it_needs_no_pack_and_changes_nothing(tmp_path: Path) -> None:
    place = desk("electron", tmp_path, IN_DFU)
    before = bytes(place.board.internal), bytes(place.board.dct)
    seen: list[int] = []
    at_step(place, READ_STEP, lambda: seen.append(1))
    place.succeed(SaveBoard)
    assert seen
    assert (bytes(place.board.internal), bytes(place.board.dct)) == before
    assert not SaveBoard.promise.changes_board
    assert any(isinstance(event, StepSkipped) for event in place.person.events)
    assert SaveBoard.group is BackUpKey.group
