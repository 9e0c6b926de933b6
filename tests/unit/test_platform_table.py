"""The board table makes sense in itself and agrees with a second reading of the specification."""

from __future__ import annotations

import itertools
import re

import pytest
from unit import platform_second_table as second

from app.platforms.lights import ERAS, pattern
from app.platforms.model import (
    CAREFUL_QUIRKS,
    Algorithm,
    Choreography,
    Medium,
    Mode,
    Platform,
    Quirk,
    Region,
    SerialForm,
)
from app.platforms.table import PLATFORMS, platform

SECTION = re.compile(r"\d+(\.\d+)?(-\d+\.\d+)?(, \d+(\.\d+)?(-\d+\.\d+)?)*")

every_board = pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)


def _bounds(board: Platform, alt: int) -> tuple[int, int]:
    total = sum(units.size * units.count for units in board.erase_units[alt])
    return board.bases[alt], board.bases[alt] + total


def _edges(board: Platform, alt: int) -> set[int]:
    at = board.bases[alt]
    edges = {at}
    for units in board.erase_units[alt]:
        for _ in range(units.count):
            at += units.size
            edges.add(at)
    return edges


def _sources(board: Platform) -> list[str]:
    return [
        board.source,
        *(row.source for row in board.regions + board.monolithic_regions),
        *(row.source for row in board.key_slots),
        *(row.source for row in board.boot_loaders),
        *(row.source for row in board.choreographies),
        *(row.source for row in board.firmware_looks),
        *(row.source for row in board.fields),
    ]


def _rows(regions: tuple[Region, ...]) -> list[tuple[str, int, int, int, bool]]:
    return sorted((found.key, found.alt, found.start, found.end - 1, found.writable) for found in regions)


def test_the_four_boards_are_in_the_table_once() -> None:
    assert sorted(board.key for board in PLATFORMS) == sorted(second.USB_IDS)
    assert len({board.name for board in PLATFORMS}) == len({board.number for board in PLATFORMS}) == 4
    assert platform("p1").key == "p1"
    with pytest.raises(KeyError):
        platform("argon")


def test_usb_ids_are_unique_over_all_boards_and_modes() -> None:
    ids = [usb_id for board in PLATFORMS for usb_id in board.ids.values()]
    assert len(set(ids)) == len(ids)
    assert all(set(board.ids) == {Mode.NORMAL, Mode.DFU} for board in PLATFORMS)


# --- each row makes sense -------------------------------------------------------------------------------------------


@every_board
def test_names_inside_a_board_are_unique(board: Platform) -> None:
    for rows in (board.regions, board.key_slots, board.boot_loaders, board.firmware_looks, board.fields):
        keys = [row.key for row in rows]
        assert len(set(keys)) == len(keys)


@every_board
def test_every_alternate_setting_has_a_base_and_erase_units(board: Platform) -> None:
    numbers = [alt.number for alt in board.alts]
    assert numbers == list(range(len(board.alts)))
    assert len(board.bases) == len(board.erase_units) == len(numbers)


@every_board
def test_the_layout_string_agrees_with_base_and_erase_units(board: Platform) -> None:
    for alt in board.alts:
        _, base, runs = alt.layout.split("/")
        assert int(base, 16) == board.bases[alt.number]
        told = [(int(size) * 1024, int(count)) for count, size in re.findall(r"(\d+)\*(\d+)K[a-g]", runs)]
        assert told == [(units.size, units.count) for units in board.erase_units[alt.number]]


@every_board
def test_regions_are_inside_their_alternate_setting(board: Platform) -> None:
    for region in board.regions + board.monolithic_regions:
        low, high = _bounds(board, region.alt)
        assert low <= region.start < region.end <= high, region.key


@every_board
def test_regions_overlap_only_where_the_specification_says_so(board: Platform) -> None:
    overlaps = {
        (one.key, other.key)
        for one, other in itertools.combinations(board.regions, 2)
        if one.alt == other.alt and one.start < other.end and other.start < one.end
    }
    assert overlaps == set(board.shared_overlaps)
    assert overlaps == ({("ota", "factory")} if board.key in ("photon", "p1") else set())


@every_board
def test_erase_units_divide_regions(board: Platform) -> None:
    for region in board.regions + board.monolithic_regions:
        edges = _edges(board, region.alt)
        assert region.start in edges, region.key
        assert region.end in edges, region.key


@every_board
def test_key_slots_and_fields_are_inside_a_region(board: Platform) -> None:
    places = [(slot.key, slot.alt, slot.address, max(slot.size, slot.segment)) for slot in board.key_slots]
    places += [(field.key, field.alt, field.address, field.size) for field in board.fields]
    for key, alt, address, size in places:
        assert size > 0
        assert any(
            region.alt == alt and region.start <= address and address + size <= region.end for region in board.regions
        ), key


@every_board
def test_key_slots_do_not_overlap_and_hold_their_address_block(board: Platform) -> None:
    for one, other in itertools.combinations(board.key_slots, 2):
        assert one.address + one.size <= other.address or other.address + other.size <= one.address
    for slot in board.key_slots:
        assert slot.key.startswith("server") is (slot.address_offset is not None)
        if slot.address_offset is not None:
            assert slot.address_offset + 128 <= slot.size


@every_board
def test_the_first_private_key_slot_is_the_one_of_the_default_transport(board: Platform) -> None:
    first = next(slot for slot in board.key_slots if slot.key.startswith("device-private"))
    wanted = Algorithm.EC_P256 if board.key == "electron" else Algorithm.RSA_1024
    assert first.algorithm is wanted


@every_board
def test_every_row_names_its_sections_by_number(board: Platform) -> None:
    for source in _sources(board):
        assert SECTION.fullmatch(source), source


@every_board
def test_light_eras_exist_and_every_light_named_belongs_to_one_of_them(board: Platform) -> None:
    assert set(board.light_eras) <= set(ERAS)
    for choreography in board.choreographies:
        for step in choreography.steps:
            if step.light:
                assert pattern(step.light).era in board.light_eras


@every_board
def test_choreographies_tell_their_steps_in_order_of_time(board: Platform) -> None:
    for choreography in board.choreographies:
        times = [step.after_ms for step in choreography.steps]
        assert times == sorted(set(times))
        assert choreography.hold_ms in times
        assert choreography.until_ms is None or choreography.until_ms > choreography.hold_ms
        assert set(choreography.boot_loaders) <= {known.key for known in board.boot_loaders}


@every_board
def test_everything_to_be_reached_by_buttons_is_told_once_for_each_boot_loader(board: Platform) -> None:
    for boot_loader in board.boot_loaders:
        for key in ("dfu", "listening", "factory-reset", "clear-wifi"):
            fitting = [
                found
                for found in board.choreographies
                if found.key == key and (not found.boot_loaders or boot_loader.key in found.boot_loaders)
            ]
            assert [board.choreography(key, boot_loader)] == fitting


@every_board
def test_a_boot_loader_either_reports_errors_or_never_does(board: Platform) -> None:
    for boot_loader in board.boot_loaders:
        quirks = boot_loader.quirks
        for one, other in (
            (Quirk.NEVER_REPORTS_ERRORS, Quirk.STALLS_ON_FAILURE),
            (Quirk.WORKS_AFTER_STATUS, Quirk.WORKS_DURING_STATUS),
        ):
            assert (one in quirks) is not (other in quirks)
        assert not {Quirk.BAD_READ_STALE, Quirk.BAD_READ_ZERO} <= quirks


def test_every_quirk_is_used_by_some_boot_loader() -> None:
    used = {quirk for board in PLATFORMS for known in board.boot_loaders for quirk in known.quirks}
    assert used == set(Quirk)


@every_board
def test_asking_for_what_a_board_has_not_is_an_error(board: Platform) -> None:
    for ask in (board.region, board.slot, board.field, board.boot_loader, board.choreography):
        with pytest.raises(KeyError):
            ask("nonsense")


def test_a_core_with_its_original_boot_loader_has_no_safe_mode() -> None:
    core = platform("core")
    with pytest.raises(KeyError):
        core.choreography("safe-mode")
    assert core.choreography("safe-mode", core.boot_loader("0.4")).hold_ms == 1000


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)
def test_an_unknown_boot_loader_is_treated_with_all_the_care_any_of_them_needs(board: Platform) -> None:
    careful = board.careful_boot_loader()
    for known in board.boot_loaders:
        assert known.quirks & CAREFUL_QUIRKS <= careful.quirks
        assert careful.transfer_size == known.transfer_size
    for promise in (Quirk.STALLS_ON_FAILURE, Quirk.VERIFIES_WRITES):
        assert promise not in careful.quirks
    assert careful.key not in {known.key for known in board.boot_loaders}
    needs_part2 = board.key in ("photon", "p1")
    assert ({Quirk.DCT_NEEDS_PART2, Quirk.PART2_NEEDS_RESET} <= careful.quirks) is needs_part2


def test_the_usual_boot_loader_answers_when_none_is_known() -> None:
    core = platform("core")
    assert core.boot_loader().key == "original"
    assert core.choreography("dfu") == core.choreography("dfu", core.boot_loader("original"))
    assert platform("photon").boot_loader().serial_form is SerialForm.ID_24_LOWER


# --- and agrees with the second reading -----------------------------------------------------------------------------


@every_board
def test_usb_ids_and_platform_number_agree(board: Platform) -> None:
    told = (board.number, str(board.ids[Mode.NORMAL]), str(board.ids[Mode.DFU]))
    assert told == second.USB_IDS[board.key]


@every_board
def test_layout_strings_and_erase_units_agree(board: Platform) -> None:
    assert [alt.layout for alt in board.alts] == second.ALT_STRINGS[board.key]
    told = [[units.size // 1024 for units in runs for _ in range(units.count)] for runs in board.erase_units]
    assert told == second.ERASE_KB[board.key]


@every_board
def test_regions_agree(board: Platform) -> None:
    assert _rows(board.regions) == sorted(second.MEMORY[board.key])
    wanted = sorted(second.MONOLITHIC) if board.key in ("photon", "p1") else []
    assert _rows(board.monolithic_regions) == wanted


@every_board
def test_media_follow_from_board_and_alternate_setting(board: Platform) -> None:
    media = (Medium.INTERNAL_F1, Medium.SPI) if board.key == "core" else (Medium.INTERNAL_F2, Medium.DCT, Medium.SPI)
    assert all(region.medium is media[region.alt] for region in board.regions)


@every_board
def test_key_slots_agree(board: Platform) -> None:
    told = [
        (
            slot.key,
            slot.alt,
            slot.address,
            slot.size,
            slot.segment,
            None if slot.address_offset is None else slot.address + slot.address_offset,
            None if slot.port_offset is None else slot.address + slot.port_offset,
            slot.algorithm.value,
        )
        for slot in board.key_slots
    ]
    assert told == second.KEY_SLOTS[board.key]


@every_board
def test_default_server_and_button_name_agree(board: Platform) -> None:
    assert (board.default_host, board.default_port) == second.SERVERS[board.key]
    assert board.mode_button == second.BUTTONS[board.key]


@every_board
def test_fields_agree(board: Platform) -> None:
    if board.key == "core":
        flags = {row.address - 0x08004C00: row.size for row in board.fields if row.alt == 0}
        assert flags == second.CORE_FLAGS
        assert (board.field("server-address").address, board.field("server-port").address) == (0x1180, 0x11C2)
        return
    assert {row.address: row.size for row in board.fields} == second.DCT_FIELDS
    assert len(board.fields) == len(second.DCT_FIELDS)
    assert {key: board.field(key).address for key in second.DCT_BY_NAME} == second.DCT_BY_NAME


@every_board
def test_boot_loaders_agree(board: Platform) -> None:
    told = [
        (
            known.key,
            known.serial_form.value,
            known.releases[0],
            known.transfer_size,
            known.initial_address,
            known.manufacturer,
            known.product,
            known.versions,
            {poll.medium.value: (poll.erase_ms, poll.write_ms) for poll in known.poll_times},
        )
        for known in board.boot_loaders
    ]
    assert told == second.BOOT_LOADERS[board.key]
    assert all(len(known.releases) == 1 for known in board.boot_loaders)


@every_board
def test_quirks_agree(board: Platform) -> None:
    for known in board.boot_loaders:
        assert {quirk.value for quirk in known.quirks} == second.QUIRKS[board.key, known.key]


@every_board
def test_normal_mode_descriptors_agree(board: Platform) -> None:
    told = [(look.key, look.product, look.release, look.serial_form.value) for look in board.firmware_looks]
    assert told == second.NORMAL_MODE[board.key]


@pytest.mark.parametrize(("board_key", "boot_loader_key"), list(second.HOLDS))
def test_button_windows_after_a_reset_agree(board_key: str, boot_loader_key: str) -> None:
    board = platform(board_key)
    told = {
        found.key: (found.hold_ms, found.until_ms)
        for found in board.choreographies
        if found.after_reset and boot_loader_key in found.boot_loaders
    }
    assert told == second.HOLDS[board_key, boot_loader_key]


def _colours(choreography: Choreography) -> dict[int, str]:
    return {step.after_ms: pattern(step.light).colour.name.lower() for step in choreography.steps if step.light}


@every_board
def test_colours_while_the_button_is_held_after_a_reset_agree(board: Platform) -> None:
    for known in board.boot_loaders:
        wanted = second.HELD_COLOURS["original" if known.key == "original" else "later"]
        for found in board.choreographies:
            if found.after_reset and known.key in found.boot_loaders:
                assert _colours(found) == wanted


@every_board
def test_buttons_while_the_firmware_runs_agree(board: Platform) -> None:
    listening = board.choreography("listening")
    assert (listening.hold_ms, listening.until_ms, listening.after_reset) == (3000, 10_000, False)
    assert set(_colours(listening).values()) == {"blue"}
    clear = board.choreography("clear-wifi")
    assert (clear.hold_ms, clear.from_listening) == (second.CLEAR_WIFI_MS[board.key], True)
    leave = board.choreography("leave-listening")
    assert (leave.hold_ms, leave.until_ms, leave.from_listening) == (3000, 8000, True)
    clicks = {found.key: found.clicks for found in board.choreographies if found.clicks}
    assert clicks == ({"signal-bars": 1, "power-off": 2} if board.key == "electron" else {})


@every_board
def test_memory_protected_by_running_firmware_is_what_the_second_reading_says(board: Platform) -> None:
    protected = {
        address for region in board.regions if region.erase_first for address in range(region.start, region.end, 1024)
    }
    again = {address for first, last in second.SYSTEM_PARTS[board.key] for address in range(first, last + 1, 1024)}
    assert protected == again


@every_board
def test_usual_times_agree_and_every_erase_unit_has_one(board: Platform) -> None:
    rows = {(row.medium.value, row.unit_size // 1024): row for row in board.work_times}
    media = {row.medium for row in board.regions}
    assert {medium for medium, _ in rows} == {medium.value for medium in media}
    for (medium, size), row in rows.items():
        assert (row.erase_ms, row.write_us + row.byte_ns * 4096 // 1000) == second.TYPICAL_TIMES[medium][size]
    for region in board.regions:
        sizes = {units.size // 1024 for units in board.erase_units[region.alt]}
        assert {(region.medium.value, size) for size in sizes} <= set(rows)
