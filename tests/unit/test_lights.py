"""Every light pattern is complete, has the specified rhythm, and is told in words."""

from __future__ import annotations

import pytest
from unit import platform_second_table as second

from app.platforms.lights import (
    ERAS,
    PANIC_CODES,
    PATTERNS,
    Colour,
    Frame,
    LightPattern,
    Rhythm,
    mode_pattern,
    pattern,
    patterns_of,
)
from app.platforms.model import Mode, Platform
from app.platforms.table import PLATFORMS, platform
from app.recipes.registry import RECIPES as REGISTERED

RECIPES = {"", *(recipe.key for recipe in REGISTERED)}

every_pattern = pytest.mark.parametrize("known", PATTERNS, ids=lambda known: known.key)
every_board = pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)


def _plain(frames: tuple[Frame, ...]) -> list[tuple[int, int, float, float]]:
    return [(frame.colour.value, frame.ms, frame.start, frame.end) for frame in frames]


def _on(colour: int, ms: int) -> tuple[int, int, float, float]:
    return (colour, ms, 1.0, 1.0)


def _off(ms: int) -> tuple[int, int, float, float]:
    return (0, ms, 0.0, 0.0)


@every_pattern
def test_a_pattern_is_complete(known: LightPattern) -> None:
    assert known.era in ERAS
    assert known.key.startswith(known.era + ".")
    assert known.period_ms > 0
    assert all(frame.ms > 0 and 0.0 <= frame.start <= 1.0 and 0.0 <= frame.end <= 1.0 for frame in known.frames)
    assert known.recipe in RECIPES
    for sentence in (known.name, known.meaning, known.advice):
        assert sentence.context == "Lights"
        assert "{" not in sentence.english()
    assert known.meaning.english().endswith(".")
    assert known.advice.english().endswith(".")


@every_pattern
def test_a_pattern_names_its_section_or_the_support_page(known: LightPattern) -> None:
    for part in known.source.split(", "):
        chapter, _, section = part.partition(".")
        assert part == "support page" or (chapter.isdigit() and section.isdigit())


@every_pattern
def test_the_colour_named_is_the_one_shown(known: LightPattern) -> None:
    shown = {frame.colour for frame in known.frames}
    handshake = {Colour.CYAN} if known.key in {*second.REFUSALS, *second.NOW_AND_THEN} else set()
    assert known.colour in shown
    assert shown - {Colour.OFF} - handshake == {known.colour} - {Colour.OFF}


@every_pattern
def test_the_rhythm_named_is_the_one_shown(known: LightPattern) -> None:
    period = known.period_ms
    match known.rhythm:
        case Rhythm.OFF | Rhythm.SOLID:
            assert len(known.frames) == 1
        case Rhythm.SLOW_BLINK:
            assert (len(known.frames), period >= 400) == (2, True)
        case Rhythm.BLINK:
            assert (len(known.frames), period) == (2, 200)
        case Rhythm.FAST_BLINK:
            assert (len(known.frames), period) == (2, 100)
        case Rhythm.BREATHING:
            assert [(frame.start, frame.end) for frame in known.frames] == [(0.0, 1.0), (1.0, 0.0)]
        case Rhythm.COUNTED:
            assert known.key in {*second.COUNTS, *second.REFUSALS, *second.NOW_AND_THEN}
        case Rhythm.SOS:
            assert known.era == "panic"


def test_every_pattern_is_in_the_second_table_exactly_once() -> None:
    wanted = [
        *second.BLINKS,
        *second.BREATHS,
        *second.STEADY,
        *second.COUNTS,
        *second.REFUSALS,
        *second.NOW_AND_THEN,
        *second.PANICS.values(),
    ]
    assert sorted(wanted) == sorted(known.key for known in PATTERNS)


@pytest.mark.parametrize("key", second.BLINKS)
def test_blinks_have_the_specified_colour_and_speed(key: str) -> None:
    colour, toggle = second.BLINKS[key]
    assert _plain(pattern(key).frames) == [_on(colour, toggle), _off(toggle)]


@pytest.mark.parametrize("key", second.BREATHS)
def test_breathing_goes_up_and_down_in_four_seconds(key: str) -> None:
    colour = second.BREATHS[key]
    assert _plain(pattern(key).frames) == [(colour, 2000, 0.0, 1.0), (colour, 2000, 1.0, 0.0)]


@pytest.mark.parametrize("key", second.STEADY)
def test_steady_lights_do_not_move(key: str) -> None:
    frames = pattern(key).frames
    assert [frame.colour.value for frame in frames] == [second.STEADY[key]]
    assert frames[0].start == frames[0].end


@pytest.mark.parametrize("key", second.COUNTS)
def test_counted_blinks_are_half_a_second_on_and_off(key: str) -> None:
    colour, times = second.COUNTS[key]
    *blinks, gap = _plain(pattern(key).frames)
    assert blinks == [_on(colour, 500), _off(500)] * times
    assert gap == _off(gap[1])


@pytest.mark.parametrize("key", second.REFUSALS)
def test_a_failed_handshake_is_fast_cyan_and_then_a_quarter_second_of_its_colour(key: str) -> None:
    *handshake, flash = _plain(pattern(key).frames)
    assert flash == _on(second.REFUSALS[key], 250)
    assert handshake == [_on(0x00FFFF, 50), _off(50)] * (len(handshake) // 2)
    assert handshake


@pytest.mark.parametrize("key", second.NOW_AND_THEN)
def test_cyan_with_a_flash_now_and_then_blinks_cyan_most_of_the_time(key: str) -> None:
    *cyan, flash, gap = _plain(pattern(key).frames)
    assert flash[0] == second.NOW_AND_THEN[key]
    assert gap[0] == 0
    assert cyan == [_on(0x00FFFF, 100), _off(100)] * (len(cyan) // 2)
    assert len(cyan) > 10


@pytest.mark.parametrize("code", second.PANICS)
def test_a_panic_is_sos_and_its_code(code: int) -> None:
    red = 0xFF0000
    short = [_on(red, 150), _off(100)] * 3
    long = [_on(red, 300), _off(100)] * 3
    count = [_on(red, 300), _off(300)] * code
    known = pattern(second.PANICS[code])
    wanted = [*short, _off(100), *long, _off(100), *short, _off(900), *count, _off(800)]
    assert PANIC_CODES[known.key] == code
    assert _plain(known.frames) == wanted
    assert known.period_ms == 4600 + 600 * code
    assert known.name.english().endswith("one red blink" if code == 1 else f"{code} red blinks")


def test_keys_are_unique_and_an_unknown_one_is_an_error() -> None:
    assert len({known.key for known in PATTERNS}) == len(PATTERNS)
    with pytest.raises(KeyError):
        pattern("from-0.7.nonsense")


def test_every_era_has_patterns_and_is_shown_by_some_board() -> None:
    assert {known.era for known in PATTERNS} == set(ERAS)
    assert {era for board in PLATFORMS for era in board.light_eras} == set(ERAS)


@every_board
def test_a_board_shows_the_patterns_of_its_eras_only(board: Platform) -> None:
    shown = patterns_of(board)
    assert {known.era for known in shown} == set(board.light_eras)
    assert len(set(shown)) == len(shown)


def test_only_a_core_has_a_radio_to_patch_and_the_lights_of_2014() -> None:
    core_only = {"core-2014", "boot-loader-2014", "core-radio", "special-core"}
    assert core_only <= set(platform("core").light_eras)
    for key in ("photon", "p1", "electron"):
        assert not core_only & set(platform(key).light_eras)


@every_board
def test_dfu_is_yellow_and_listening_blue_and_a_running_board_may_show_anything(board: Platform) -> None:
    dfu, listening = mode_pattern(board, Mode.DFU), mode_pattern(board, Mode.LISTENING)
    assert dfu is not None
    assert (dfu.colour, dfu.period_ms, dfu.recipe) == (Colour.YELLOW, 200, "back-up-key")
    assert dfu.era == ("boot-loader-2014" if board.key == "core" else "boot-loader")
    assert listening is not None
    assert (listening.colour, listening.period_ms, listening.recipe) == (Colour.BLUE, 500, "join-wifi")
    assert mode_pattern(board, Mode.NORMAL) is None


@every_board
def test_every_pattern_of_one_mode_on_one_board_looks_alike(board: Platform) -> None:
    for mode in (Mode.DFU, Mode.LISTENING):
        looks = {known.frames for known in patterns_of(board) if known.mode is mode}
        assert len(looks) == 1


def test_a_pattern_can_be_asked_at_any_moment() -> None:
    dfu = pattern("boot-loader.dfu")
    assert dfu.at(0) == (Colour.YELLOW, 1.0)
    assert dfu.at(99.9) == (Colour.YELLOW, 1.0)
    assert dfu.at(100) == (Colour.OFF, 0.0)
    assert dfu.at(200) == (Colour.YELLOW, 1.0)
    breathing = pattern("from-0.7.cloud-connected")
    assert breathing.at(0) == (Colour.CYAN, 0.0)
    assert breathing.at(1000) == (Colour.CYAN, 0.5)
    assert breathing.at(3000) == (Colour.CYAN, 0.5)
    assert breathing.at(4000 * 7 + 2000) == (Colour.CYAN, 1.0)


JOINS = ("network-off", "listening", "clear-wifi")
STUCK = ("network-on", "connecting", "dhcp", "no-internet")
"""Lights at which a board may stop on its way; the last one has two colours."""


def test_the_missing_firmware_of_a_core_shows_in_its_small_blue_light_only() -> None:
    assert [known.key for known in PATTERNS if known.small_blue] == ["special-core.no-firmware"]


@pytest.mark.parametrize(
    ("key", "recipe"),
    [
        ("core-2014.cloud-connecting", "deep-update"),
        ("up-to-0.6.cloud-connecting", "why-not-connecting"),
        ("from-0.7.cloud-connecting", "why-not-connecting"),
        ("from-0.7.connected", "why-not-connecting"),
        *((f"{era}.{key}", "why-not-connecting") for era in ("core-2014", "up-to-0.6", "from-0.7") for key in STUCK),
        ("up-to-0.6.safe-mode", "restore-system"),
        ("from-0.7.safe-mode", "restore-system"),
        ("from-0.7.clear-wifi-failed", "clear-wifi"),
        ("boot-loader-2014.restore", "factory-reset"),
        ("special-core.no-firmware", "factory-reset"),
        ("core-2014.handshake", "check-keys"),
        ("core-2014.no-cloud", "check-keys"),
        ("up-to-0.6.handshake-red", "check-keys"),
        ("from-0.7.handshake-orange", "check-keys"),
        ("from-0.7.handshake-magenta", "check-keys"),
        ("special.orange-flashing", "check-keys"),
        ("special-core.cyan-red", "check-keys"),
        *((f"{era}.{key}", "join-wifi") for era in ("core-2014", "up-to-0.6", "from-0.7") for key in JOINS),
        ("boot-loader-2014.factory-reset", "join-wifi"),
        ("boot-loader.factory-reset", ""),
        ("boot-loader.factory-reset-clear", "join-wifi"),
        ("core-radio.clearing", "join-wifi"),
        ("core-radio.patching", "full-firmware-upgrade"),
        ("core-radio.deep-update", "full-firmware-upgrade"),
    ],
)
def test_a_light_leads_to_what_its_advice_names(key: str, recipe: str) -> None:
    assert pattern(key).recipe == recipe
    known = {
        "deep-update": "deep update",
        "full-firmware-upgrade": "full firmware upgrade",
        "check-keys": "the keys",
        "join-wifi": "join a wi-fi network",
        "why-not-connecting": "find out why it won't connect",
    }
    assert known.get(recipe, "") in pattern(key).advice.english().lower()
