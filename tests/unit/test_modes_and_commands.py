"""The table of one-key commands and that of the modes, against the specification typed a second time."""

from __future__ import annotations

import pytest

from app.platforms.console import CONSOLE_COMMANDS, as_sent, cannot, console_command, numbers
from app.platforms.model import Platform
from app.platforms.modes import MODES, NO_WAY, ModeKind, buttons_for, lights_of
from app.platforms.table import PLATFORMS, platform
from app.recipes.registry import known

# device-protocol.md 5.2, typed again: key, first firmware ("" for spark_0), whether only boards with Wi-Fi have it.
COMMANDS = {
    "w": ("", True),
    "i": ("", False),
    "m": ("0.4.0", False),
    "x": ("0.4.0", False),
    "s": ("0.4.0", False),
    "v": ("0.4.4", False),
    "L": ("0.5.0", False),
    "c": ("0.6.0", False),
    "C": ("0.6.0", False),
    "d": ("0.8.0", False),
}
CHANGING = {"w", "C", "x", "L"}

BY_KEY = {each.key: each for each in MODES}


def test_every_command_of_the_specification_is_there_but_the_one_that_waits_for_a_file() -> None:
    assert {each.key: (each.since, each.wifi_only) for each in CONSOLE_COMMANDS} == COMMANDS


def test_exactly_the_commands_that_change_something_warn_first() -> None:
    assert {each.key for each in CONSOLE_COMMANDS if each.caution is not None} == CHANGING


def test_the_wifi_dialogue_offers_the_recipe_instead() -> None:
    assert known(console_command("w").recipe) is not None


@pytest.mark.parametrize(
    ("key", "board", "version", "works"),
    [
        ("d", "photon", "0.7.0", False),
        ("d", "photon", "0.8.0-rc.10", True),
        ("d", "photon", "2.3.1", True),
        ("d", "photon", "", True),
        ("c", "core", "0.5.2", False),
        ("L", "photon", "0.5.0", True),
        ("v", "core", "0.4.0", False),
        ("v", "core", "of before 2015", True),
        ("w", "electron", "", False),
        ("w", "core", "0.4.0", True),
        ("m", "electron", "1.0.1", True),
    ],
)
def test_a_command_that_a_board_does_not_know_says_why(key: str, board: str, version: str, *, works: bool) -> None:
    assert (cannot(console_command(key), platform(board), version) is None) is works


def test_without_a_board_every_command_may_be_known() -> None:
    assert not [each for each in CONSOLE_COMMANDS if cannot(each, None, "") is not None]


@pytest.mark.parametrize(
    ("version", "read"), [("0.8.0-rc.10", (0, 8, 0)), ("2.3.1", (2, 3, 1)), ("1.0", (1, 0, 0)), ("", None), ("x", None)]
)
def test_versions_are_read_by_their_numbers(version: str, read: tuple[int, int, int] | None) -> None:
    assert numbers(version) == read


@pytest.mark.parametrize(
    ("line", "asked", "sent"),
    [
        ("w", False, b"w"),
        ("C", False, b"C"),
        ("f", False, b"f"),
        ("i", False, b"i\n"),
        ("w", True, b"w\n"),
        ("", True, b"\n"),
    ],
)
def test_no_line_end_answers_the_first_question_of_a_dialogue(line: str, *, asked: bool, sent: bytes) -> None:
    assert as_sent(line, b"\n", asked=asked) == sent


def test_the_modes_are_those_of_board_and_program() -> None:
    assert [each.key for each in MODES if each.kind is ModeKind.DOING] == ["normal", "listening", "safe-mode", "dfu"]
    assert [each.key for each in MODES if each.kind is ModeKind.PROGRAM] == ["automatic", "semi-automatic", "manual"]
    assert len({each.key for each in MODES}) == len(MODES)


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda each: each.key)
def test_every_mode_has_a_light_ways_and_jobs_on_every_board(board: Platform) -> None:
    for each in MODES:
        assert each.enter, each.key
        assert each.leave, each.key
        assert each.works, each.key
        assert each.fails, each.key
        assert len(lights_of(each, board)) == len(each.lights), each.key
        assert all(known(key) is not None for key in each.recipes), each.key
        assert (buttons_for(each, board) is None) is (each.choreography == ""), each.key


@pytest.mark.parametrize(
    ("key", "board", "loader", "button", "after", "until"),
    [
        ("dfu", "core", None, "MODE", "3 seconds", "10 seconds"),
        ("dfu", "core", "0.7", "MODE", "3 seconds", "6.5 seconds"),
        ("dfu", "photon", None, "SETUP", "3 seconds", "6.5 seconds"),
        ("safe-mode", "photon", None, "SETUP", "one second", "3 seconds"),
        ("listening", "core", None, "MODE", "3 seconds", "10 seconds"),
        ("listening", "photon", None, "SETUP", "3 seconds", "10 seconds"),
    ],
)
def test_the_buttons_are_told_for_this_board(
    key: str, board: str, loader: str | None, button: str, after: str, until: str
) -> None:
    kind = platform(board)
    words = buttons_for(BY_KEY[key], kind, kind.boot_loader(loader) if loader else None)
    assert words is not None
    told = words.english()
    assert button in told
    assert f"takes {after};" in told
    assert f"before {until} are over" in told


def test_a_core_with_its_first_boot_loader_has_no_buttons_for_safe_mode() -> None:
    assert buttons_for(BY_KEY["safe-mode"], platform("core")) == NO_WAY


def test_the_lights_are_those_of_the_usual_firmware() -> None:
    assert [each.era for each in lights_of(BY_KEY["normal"], platform("core"))] == ["core-2014"] * 3
    assert [each.key for each in lights_of(BY_KEY["dfu"], platform("photon"))] == ["boot-loader.dfu"]
    assert [each.key for each in lights_of(BY_KEY["safe-mode"], platform("photon"))] == ["from-0.7.safe-mode"]
