"""The light of the virtual board and the light guide are two readings of section 9: they must show the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from support.virtual_desk import LONG, Desk

from app.platforms.lights import LightPattern, mode_pattern, pattern, patterns_of
from app.platforms.model import Button, Mode
from app.platforms.table import PLATFORMS, platform
from app.virtual.catalogue import HEALTHY_BOARDS
from app.virtual.cloud_model import Verdict
from app.virtual.images import practice_program
from app.virtual.light import cloud_trouble
from app.virtual.personality import FIRMWARES
from app.virtual.timing import Timing

STEP_MS = 5  # divides every stretch of every pattern
# Looks are taken in the middle of a step, so that none falls on the moment of a change.
AWAY_FROM_CHANGES_MS = 2.5
STAGE_S = 20.0
SLOW = replace(Timing.TYPICAL, stage=STAGE_S)
SLOW_PATCH = replace(Timing.TYPICAL, radio_check=10.0)
MARGIN_S = 0.25

Look = tuple[int, float]


def of_guide(known: LightPattern, ms: float) -> Look:
    colour, brightness = known.at(ms)
    return (colour.value if brightness else 0, brightness)


def watch(desk: Desk, ms: int) -> list[Look]:
    """Look at the board's light for that long."""
    looks = []
    desk.clock.pause(AWAY_FROM_CHANGES_MS / 1000)
    for _ in range(ms // STEP_MS):
        now = desk.board.light()
        looks.append((now.rgb if now.on else 0, now.brightness))
        desk.clock.pause(STEP_MS / 1000)
    return looks


def alike(one: Look, other: Look) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) < 0.001


def shows(desk: Desk, key: str) -> bool:
    """Whether the board shows that pattern for two periods, wherever in it we come in."""
    known = pattern(key)
    period = known.period_ms
    looks = watch(desk, 2 * period)
    return any(
        all(
            alike(look, of_guide(known, begin + AWAY_FROM_CHANGES_MS + number * STEP_MS))
            for number, look in enumerate(looks)
        )
        for begin in range(0, period, STEP_MS)
    )


def colour_now(desk: Desk) -> int:
    """The colour of the present pattern, 0 for none."""
    return next((colour for colour, _ in watch(desk, 200) if colour), 0)


def in_dfu(name: str, **options: object) -> Desk:
    desk = Desk(name, **options)
    desk.dfu()
    return desk


def in_listening(name: str, **options: object) -> Desk:
    desk = Desk(name, **options)
    desk.listening()
    return desk


def connecting(stage: int, name: str, **options: object) -> Desk:
    """A board that has been in that stage of connecting for a moment."""
    desk = Desk(name, timing=SLOW, **options)
    desk.hand.reset()
    desk.clock.pause(stage * STAGE_S + MARGIN_S)
    return desk


def clearing(name: str) -> Desk:
    desk = in_listening(name)
    desk.board.press("mode")
    desk.clock.pause(7.0 if name == "core" else 10.0)
    return desk


def without_networks(name: str) -> Desk:
    """A board that has left listening mode and knows no network."""
    desk = clearing(name)
    desk.clock.pause(LONG)
    desk.board.release("mode")
    desk.hand.hold_mode(5)
    return desk


def held(name: str, seconds: float, **options: object) -> Desk:
    desk = Desk(name, factory_image=True, **options)
    desk.board.press("mode")
    desk.board.press("reset")
    desk.board.release("reset")
    desk.clock.pause(seconds)
    return desk


def let_go(name: str, seconds: float, wait: float, **options: object) -> Desk:
    desk = held(name, seconds, **options)
    desk.board.release("mode")
    desk.clock.pause(wait)
    return desk


def flagged(flag: bytes) -> Desk:
    """A Core that finds this update flag at its start (3.1)."""
    desk = Desk("core")
    desk.board.internal[0x4C04:0x4C06] = flag
    desk.hand.reset()
    return desk


def updating_its_boot_loader() -> Desk:
    desk = Desk("photon", timing=replace(Timing.TYPICAL, f2_erase_16k=10.0))
    desk.board.internal[0xC0000:0xC4000] = Desk("photon", boot="0.6").board.internal[:0x4000]
    desk.board.dct[1753] = 0xA5
    desk.hand.reset()
    return desk


def running(program: str, seconds: float, **options: object) -> Desk:
    """A Core that has run that program for so long."""
    desk = Desk("core", radio="older", **options)
    desk.board.internal[0x5000:0x20000] = practice_program(program).ljust(0x1B000, b"\xff")
    desk.hand.reset()
    desk.clock.pause(seconds)
    return desk


def unplugged() -> Desk:
    desk = Desk("photon")
    desk.bus.unplug(desk.board)
    return desk


# Practice board: eras of its boot loader and of its firmware.
ERAS = {
    "core": ("boot-loader-2014", "core-2014"),
    "core-0.5": ("boot-loader-2014", "up-to-0.6"),
    "core-0.7": ("boot-loader-2014", "from-0.7"),
    "photon-0.5": ("boot-loader", "up-to-0.6"),
    "photon-0.6": ("boot-loader", "up-to-0.6"),
    "photon-0.7": ("boot-loader", "from-0.7"),
    "photon": ("boot-loader", "from-0.7"),
    "p1": ("boot-loader", "from-0.7"),
    "electron": ("boot-loader", "from-0.7"),
}
STAGES = ("connecting", "dhcp", "cloud-connecting", "handshake", "cloud-connected")

SITUATIONS: dict[str, tuple[Callable[[], Desk], str]] = {
    **{f"{name} in dfu": (partial(in_dfu, name), f"{boot}.dfu") for name, (boot, _) in ERAS.items()},
    **{f"{name} listening": (partial(in_listening, name), f"{era}.listening") for name, (_, era) in ERAS.items()},
    **{
        f"{name} {stage}": (partial(connecting, number, name), f"{era}.{stage}")
        for name, (_, era) in ERAS.items()
        for number, stage in enumerate(STAGES)
    },
    **{f"{name} clearing": (partial(clearing, name), f"{era}.clear-wifi") for name, (_, era) in ERAS.items()},
    **{
        f"{name} without networks": (partial(without_networks, name), f"{era}.network-on")
        for name, (_, era) in ERAS.items()
        if name != "core"  # it cannot be made to leave listening mode
    },
    **{
        f"{name} in safe mode": (partial(let_go, name, 2.0, LONG), f"{era}.safe-mode")
        for name, (boot, era) in ERAS.items()
        if boot == "boot-loader"
    },
    "core factory reset": (partial(held, "core", 11.0), "boot-loader-2014.factory-reset"),
    "photon factory reset": (partial(let_go, "photon", 8.0, 1.0), "boot-loader.factory-reset"),
    "photon full factory reset": (partial(let_go, "photon", 11.0, 1.0), "boot-loader.factory-reset-clear"),
    "core applying": (partial(flagged, b"\x05\x00"), "boot-loader-2014.ota"),
    "core restoring": (partial(flagged, b"\x55\x55"), "boot-loader-2014.restore"),
    "photon applying": (updating_its_boot_loader, "boot-loader.ota"),
    "core patching": (partial(running, "radio-patch", 5.0), "core-radio.patching"),
    "core patched": (partial(running, "radio-patch", 31.0, timing=SLOW_PATCH), "core-radio.patched"),
    "core patching 1.14": (partial(running, "radio-patch-1.14", 5.0), "core-radio.patching"),
    "core clearing 1.14": (partial(running, "radio-patch-1.14", 41.0, timing=SLOW_PATCH), "core-radio.clearing"),
    "core deep update": (partial(running, "deep-update", 5.0), "core-radio.deep-update"),
    "core receiving": (partial(running, "deep-update", 45.0), "core-2014.ota"),
    "photon with an application too new for it": (partial(Desk, "photon-safe-mode"), "from-0.7.safe-mode"),
    "photon with half an update": (partial(Desk, "photon-broken-part2"), "special.no-light"),
    "unplugged": (unplugged, "special.no-light"),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_board_and_light_guide_show_the_same(situation: str) -> None:
    bring, key = SITUATIONS[situation]
    desk = bring()
    board = platform(desk.board.personality.kind.key)
    assert pattern(key) in (*patterns_of(board), pattern("special.no-light"))
    assert shows(desk, key)


TROUBLES = {
    Verdict.NO_INTERNET: "no-internet",
    Verdict.UNREACHABLE: "no-cloud",
    Verdict.BROKEN: "handshake-red",
    Verdict.UNREADABLE: "handshake-orange",
    Verdict.UNSIGNED: "handshake-magenta",
}


@pytest.mark.parametrize("verdict", TROUBLES)
@pytest.mark.parametrize(("firmware", "era"), [("spark_11", "core-2014"), ("0.5", "up-to-0.6"), ("2.x", "from-0.7")])
def test_trouble_with_the_cloud_looks_as_in_the_light_guide(verdict: Verdict, firmware: str, era: str) -> None:
    light, seconds = cloud_trouble(FIRMWARES[firmware], verdict)
    known = pattern(f"{era}.{TROUBLES[verdict]}")
    ms = round(seconds * 1000)
    # In the guide the cyan of the handshake is part of what failed; on the board it was shown before.
    begin = known.period_ms - ms
    for moment in range(0, ms, STEP_MS):
        now = light.at((moment + AWAY_FROM_CHANGES_MS) / 1000)
        looked = (now.rgb if now.on else 0, now.brightness)
        assert alike(looked, of_guide(known, begin + moment + AWAY_FROM_CHANGES_MS))


HOLDS = [
    pytest.param(board.key, boot.key, step.after_ms, step.light, id=f"{board.key}-{boot.key}-{step.after_ms}")
    for board in PLATFORMS
    for boot in board.boot_loaders
    for step in board.choreography("dfu", boot).steps
    if step.light
]
# The board table's boot loaders by the names of the virtual ones.
VIRTUAL_BOOT = {"0.4.4": "0.5", "1.2": "2.x"}


@pytest.mark.parametrize(("board", "boot", "after_ms", "key"), HOLDS)
def test_held_button_shows_what_the_coach_says_at_the_moment_it_says(
    board: str, boot: str, after_ms: int, key: str
) -> None:
    virtual_boot = VIRTUAL_BOOT.get(boot, boot)
    before = held(board, after_ms / 1000 - MARGIN_S, boot=virtual_boot)
    assert colour_now(before) != pattern(key).colour.value
    assert shows(held(board, after_ms / 1000 + MARGIN_S, boot=virtual_boot), key)


@pytest.mark.parametrize("name", ERAS)
def test_the_light_the_window_expects_in_a_mode_is_the_one_the_board_shows(name: str) -> None:
    board = platform(Desk(name).board.personality.kind.key)
    for mode, bring in ((Mode.DFU, in_dfu), (Mode.LISTENING, in_listening)):
        expected = mode_pattern(board, mode)
        assert expected is not None
        assert shows(bring(name), expected.key)


def test_every_practice_board_is_looked_at() -> None:
    assert set(ERAS) == set(HEALTHY_BOARDS)


def test_a_light_of_another_speed_or_colour_is_told_apart() -> None:
    desk = in_dfu("photon")
    for key in ("boot-loader.safe-mode", "boot-loader.ota", "from-0.7.listening", "special.no-light"):
        assert not shows(desk, key)
    assert shows(desk, "boot-loader.dfu")


def test_the_buttons_have_the_names_the_board_table_gives_them() -> None:
    desk = Desk("photon")
    for button in Button:
        desk.board.press(button.value)
        assert desk.board.is_pressed(button.value)
    assert desk.board.light_pattern == "off"
