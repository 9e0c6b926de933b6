from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.image_maker import (
    BOOT_LOADER,
    CORE,
    CORE_FIRMWARE,
    ELECTRON,
    HOMES,
    MONOLITHIC,
    NUMBERS,
    USER,
    WHOLE,
    Recipe,
    make,
    make_legacy,
    reseal,
)

from app.firmware.image import Function, find, parse
from app.firmware.verdict import Judgement, Problem, judge
from app.platforms.table import PLATFORMS, platform

BOARDS = [board.key for board in PLATFORMS]
EVERYTHING = [*HOMES.values(), *WHOLE.values()]
SLOTS = [(board.key, region.key) for board in PLATFORMS for region in board.regions]


def verdict(
    recipe: Recipe, board: str, region: str | None = None, installed: dict[tuple[Function, int], int] | None = None
) -> Judgement:
    return judge(parse(make(recipe)), platform(board), region=region, installed=installed)


def codes(judgement: Judgement) -> list[str]:
    return [problem.code for problem in judgement.problems]


def words(judgement: Judgement) -> str:
    return " ".join(f"{problem.words.english()} {problem.next_step.english()}" for problem in judgement.problems)


def only(judgement: Judgement) -> Problem:
    (problem,) = judgement.problems
    return problem


# --- where things belong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("board", "region"), HOMES)
def test_every_module_is_told_where_it_belongs_and_fits_there(board: str, region: str) -> None:
    told = verdict(HOMES[board, region], board)
    assert told.ok, words(told)
    assert told.region == region
    assert told.place == platform(board).region(region)
    assert verdict(HOMES[board, region], board, region).ok


@pytest.mark.parametrize("board", WHOLE)
def test_firmware_in_one_piece_uses_the_other_cut_of_the_memory(board: str) -> None:
    for region in (None, "user", "system-1"):
        told = verdict(WHOLE[board].but(size=300_000), board, region)
        assert told.ok, words(told)
        assert told.place is not None
        assert (told.place.start, told.place.size) == (0x0802_0000, 393_216)
    assert verdict(WHOLE[board], board, "factory").place == platform(board).monolithic_regions[1]
    assert codes(verdict(WHOLE[board], board, "system-2")) == ["other-slot"]


@pytest.mark.parametrize("board", WHOLE)
@pytest.mark.parametrize("region", ["factory", "ota"])
def test_a_copy_of_firmware_in_one_piece_does_not_go_over_the_system_parts_of_a_board(board: str, region: str) -> None:
    parts = {(Function.SYSTEM, 1): 2202, (Function.SYSTEM, 2): 2202}
    problem = only(verdict(WHOLE[board], board, region, installed=parts))
    assert (problem.code, problem.absolute) == ("over-system", True)
    assert "System part 2" in problem.words.english()
    assert verdict(WHOLE[board], board, region, installed={(Function.MONOLITHIC, 0): 2202}).ok
    assert verdict(WHOLE[board], board, installed=parts).ok


def test_the_electron_has_no_place_for_firmware_in_one_piece() -> None:
    told = verdict(WHOLE["photon"].but(platform=ELECTRON), "electron")
    assert codes(told) == ["no-slot"]
    assert told.region is None
    assert told.absolute


@pytest.mark.parametrize(("board", "index"), [("photon", 3), ("p1", 3), ("electron", 4), ("photon", 0), ("core", 1)])
def test_a_system_part_the_board_does_not_have_is_refused(board: str, index: int) -> None:
    told = verdict(HOMES["photon", "system-1"].but(platform=NUMBERS[board], index=index), board)
    assert codes(told) == ["no-slot"]
    assert f"System part {index}" in words(told)


@pytest.mark.parametrize("function", [1, 6, 7, 8])
def test_modules_of_other_kinds_have_no_place(function: int) -> None:
    told = verdict(HOMES["photon", "user"].but(function=function), "photon")
    assert codes(told) == ["no-slot"]


@pytest.mark.parametrize(("board", "region"), SLOTS)
def test_nothing_fits_another_board_or_another_slot(board: str, region: str) -> None:
    for recipe in EVERYTHING:
        told = verdict(recipe, board, region)
        homes = [home for (key, home), made in HOMES.items() if key == board and made == recipe]
        if recipe.function == USER:
            homes.append("factory")
        if recipe.function == MONOLITHIC:
            homes += ["factory", "ota"]
            homes += ["backup", "application"] if recipe.platform == CORE else ["user", "system-1"]
        expected = recipe.platform == NUMBERS[board] and region in homes
        assert told.ok is expected, f"{recipe}: {words(told)}"
        assert told.region == region
        if recipe.platform != NUMBERS[board]:
            assert told.absolute


def test_a_region_the_board_does_not_have_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        verdict(CORE_FIRMWARE, "core", "system-1")


# --- the wrong board ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_the_wrong_board_names_both(board: str) -> None:
    others = [recipe for recipe in EVERYTHING if recipe.platform != NUMBERS[board]]
    assert others
    for recipe in others:
        problem = only(verdict(recipe, board))
        assert (problem.code, problem.absolute) == ("wrong-board", True)
        built_for = next(row.name for row in PLATFORMS if row.number == recipe.platform)
        assert built_for in problem.words.english()
        assert platform(board).name in problem.words.english()
        assert platform(board).name in problem.next_step.english()


def test_boards_outside_the_table_are_named_or_numbered() -> None:
    argon = Recipe(12, 5, 1, 0x000D_4000, 0, 1 << 20)
    assert "Particle Argon" in words(verdict(argon, "photon"))
    assert "platform 4711" in words(verdict(argon.but(platform=4711), "photon"))


@pytest.mark.parametrize("board", ["photon", "p1", "electron"])
def test_old_core_firmware_is_for_the_core_alone(board: str) -> None:
    told = judge(parse(make_legacy()), platform(board))
    assert codes(told) == ["wrong-board"]
    assert "Spark Core" in words(told)


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("board", "region"), HOMES)
def test_a_damaged_image_is_never_written(board: str, region: str) -> None:
    content = bytearray(make(HOMES[board, region]))
    content[0x280] ^= 4
    problem = only(judge(parse(bytes(content)), platform(board)))
    assert (problem.code, problem.absolute) == ("corrupt", True)


def test_an_image_that_is_cut_off_in_memory_is_told_so() -> None:
    board = platform("photon")
    image = find(make(HOMES["photon", "system-1"])[:0x400], 0x0802_0000, board)
    assert image is not None
    problem = only(judge(image, board, region="system-1"))
    assert (problem.code, problem.absolute) == ("truncated", True)
    assert str(0x600 - 0x400) in problem.words.english()


def test_an_image_without_checksum_is_doubted_and_the_person_may_insist() -> None:
    problem = only(judge(parse(make_legacy()), platform("core")))
    assert (problem.code, problem.absolute) == ("unproven", False)


def test_an_image_changed_after_it_was_built_is_doubted() -> None:
    content = bytearray(make(CORE_FIRMWARE))
    content[0x280] ^= 4
    problem = only(judge(parse(reseal(bytes(content))), platform("core")))
    assert (problem.code, problem.absolute) == ("changed-inside", False)


def test_a_core_image_of_odd_length_is_doubted_and_a_photon_one_is_not() -> None:
    problem = only(verdict(CORE_FIRMWARE.but(size=0x601), "core"))
    assert (problem.code, problem.absolute) == ("odd-length", False)
    assert verdict(HOMES["photon", "user"].but(size=0x601), "photon").ok


# --- place and size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("board", "region"), HOMES)
def test_an_image_has_to_be_built_for_its_place(board: str, region: str) -> None:
    recipe = HOMES[board, region]
    problem = only(verdict(recipe.but(start=recipe.start + 0x4000), board))
    assert (problem.code, problem.absolute) == ("linked-elsewhere", True)
    assert f"0x{recipe.start:08x}" in problem.words.english()
    assert f"0x{recipe.start + 0x4000:08x}" in problem.words.english()


@pytest.mark.parametrize(("board", "region"), HOMES)
def test_an_image_may_fill_its_place_and_no_byte_more(board: str, region: str) -> None:
    recipe = HOMES[board, region]
    assert verdict(recipe.but(size=recipe.room), board).ok
    problem = only(verdict(recipe.but(size=recipe.room + 4), board))
    assert (problem.code, problem.absolute) == ("too-large", True)
    assert str(recipe.room) in problem.words.english()


def test_a_factory_image_of_the_core_has_to_fit_where_it_will_be_copied() -> None:
    assert verdict(CORE_FIRMWARE.but(size=110_592), "core", "factory").ok
    assert codes(verdict(CORE_FIRMWARE.but(size=110_596), "core", "factory")) == ["too-large"]


# --- slots ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", ["photon", "p1", "electron"])
def test_a_boot_loader_is_never_written_into_its_own_place(board: str) -> None:
    told = verdict(HOMES[board, "ota"], board, "bootloader")
    problem = only(told)
    assert (problem.code, problem.absolute) == ("boot-loader-direct", True)
    assert platform(board).region("ota").name.english() in problem.next_step.english()
    assert "flag" in problem.next_step.english()


@pytest.mark.parametrize("region", [None, "bootloader", "ota", "application"])
def test_the_boot_loader_of_the_core_stays(region: str | None) -> None:
    told = verdict(Recipe(CORE, BOOT_LOADER, 0, 0x0800_0000, 0x184, 19_456), "core", region)
    problem = only(told)
    assert (problem.code, problem.absolute) == ("boot-loader-fixed", True)


def test_the_numbers_in_the_electrons_file_names_do_not_count() -> None:
    # `electron-system-part1@2.2.0.bin` says it is index 3.
    told = verdict(HOMES["electron", "system-3"], "electron", "system-1")
    problem = only(told)
    assert (problem.code, problem.absolute) == ("other-slot", True)
    assert "Whatever the file is called" in problem.words.english()
    assert "System part 3" in problem.words.english()
    assert "System part 3" in problem.next_step.english()


@pytest.mark.parametrize("region", ["system-1", "user"])
def test_a_module_that_only_waits_in_the_download_area_does_no_harm_there(region: str) -> None:
    problem = only(verdict(HOMES["photon", region], "photon", "ota"))
    assert (problem.code, problem.absolute) == ("other-slot", False)


def test_the_factory_slots_of_core_and_photon_take_what_they_would_put_back() -> None:
    for region in ("factory", "backup", "ota"):
        assert verdict(CORE_FIRMWARE, "core", region).ok
    assert verdict(HOMES["photon", "user"], "photon", "factory").ok
    assert codes(verdict(HOMES["photon", "system-1"], "photon", "factory")) == ["other-slot"]


def test_the_electrons_factory_slot_moved_after_0_4_9() -> None:
    user = HOMES["electron", "user"]
    old = {(Function.SYSTEM, 1): 11, (Function.SYSTEM, 2): 11}
    new = {(Function.SYSTEM, 1): 17, (Function.SYSTEM, 2): 11}
    assert verdict(user, "electron", "factory").ok
    assert verdict(user, "electron", "factory", new).ok
    assert verdict(user, "electron", "factory-0.4.9", old).ok
    for region, installed in (("factory", old), ("factory-0.4.9", new), ("factory-0.4.9", None)):
        problem = only(verdict(user, "electron", region, installed))
        assert (problem.code, problem.absolute) == ("factory-moved", False)


# --- dependencies and versions --------------------------------------------------------------------------------------


def test_what_is_not_known_of_the_board_is_not_judged() -> None:
    needy = HOMES["photon", "user"].but(needs=((4, 2, 2202),))
    assert verdict(needy, "photon").ok
    assert codes(verdict(needy, "photon", installed={})) == ["dependency"]


def test_an_unmet_dependency_is_told_with_release_names() -> None:
    part2 = HOMES["photon", "system-2"].but(version=2202, needs=((4, 1, 2202), (2, 0, 1003)))
    told = verdict(part2, "photon", installed={(Function.SYSTEM, 1): 17})
    assert codes(told) == ["dependency", "dependency"]
    first, second = told.problems
    assert "System part 1, 2.2.0" in first.words.english()
    assert "System part 1, 0.5.2" in first.words.english()
    assert "System part 1 of release 2.2.0" in first.next_step.english()
    assert "version 1003" in second.words.english()
    assert "none" in second.words.english()
    assert "Boot loader of release 2.0.1" in second.next_step.english()
    assert not told.absolute


def test_a_version_newer_than_every_known_release_is_told_by_its_number() -> None:
    needy = HOMES["photon", "user"].but(needs=((4, 2, 9000),))
    said = words(verdict(needy, "photon", installed={(Function.SYSTEM, 2): 2202}))
    assert "version 9000" in said
    assert "release" not in said


def test_met_dependencies_are_no_problem() -> None:
    part2 = HOMES["photon", "system-2"].but(version=2202, needs=((4, 1, 2202), (2, 0, 1003)))
    after = {(Function.SYSTEM, 1): 2202, (Function.SYSTEM, 2): 2202, (Function.BOOT_LOADER, 0): 1006}
    assert verdict(part2, "photon", installed=after).ok


@pytest.mark.parametrize(("region", "key"), [("system-1", (Function.SYSTEM, 1)), ("ota", (Function.BOOT_LOADER, 0))])
def test_going_back_to_an_older_version_has_to_be_asked_for(region: str, key: tuple[Function, int]) -> None:
    recipe = HOMES["photon", region].but(version=7)
    for present in (6, 7):
        assert verdict(recipe, "photon", installed={key: present}).ok
    problem = only(verdict(recipe, "photon", installed={key: 1006}))
    assert (problem.code, problem.absolute) == ("downgrade", False)


def test_a_persons_own_firmware_has_no_older_and_newer() -> None:
    installed = {(Function.USER, 1): 9, (Function.MONOLITHIC, 0): 207}
    assert verdict(HOMES["photon", "user"], "photon", installed=installed).ok
    assert verdict(CORE_FIRMWARE.but(version=0), "core", installed=installed).ok


# --- whatever it is -------------------------------------------------------------------------------------------------


@given(
    recipe=st.builds(
        Recipe,
        platform=st.sampled_from((0, 6, 8, 10, 12)),
        function=st.integers(1, 8),
        index=st.integers(0, 4),
        start=st.sampled_from((0x0800_0000, 0x0800_5000, 0x0802_0000, 0x0804_0000, 0x0806_0000, 0x080A_0000)),
        info_at=st.sampled_from((0, 0x10C, 0x184)),
        room=st.just(0),
        needs=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(0, 3000)), max_size=2).map(tuple),
        size=st.integers(0x300, 0x900),
    ),
    slot=st.sampled_from(SLOTS),
    anywhere=st.booleans(),
    installed=st.none()
    | st.dictionaries(st.tuples(st.sampled_from(Function), st.integers(0, 3)), st.integers(0, 3000), max_size=4),
)
def test_a_verdict_is_ok_or_has_reasons_in_words_and_is_never_ok_for_another_board(
    recipe: Recipe, slot: tuple[str, str], anywhere: bool, installed: dict[tuple[Function, int], int] | None
) -> None:
    board, region = slot
    told = verdict(recipe, board, None if anywhere else region, installed)
    assert told.ok == (not told.problems)
    for problem in told.problems:
        assert problem.words.english().endswith(".")
        assert problem.next_step.english().endswith(".")
        assert "{" not in problem.words.english() + problem.next_step.english()
    if recipe.platform != NUMBERS[board]:
        assert told.absolute
    if told.ok:
        assert told.place is not None
        assert recipe.size <= told.place.size
        assert recipe.function in (2, 3, 4, 5)


def test_no_verdict_depends_on_the_name_of_a_board() -> None:
    for (board, region), recipe in HOMES.items():
        renamed = dataclasses.replace(platform(board), key="other", name="Other board")
        assert judge(parse(make(recipe)), renamed).region == region
