"""Buttons and light (device-protocol.md 8.1 and 9)."""

from __future__ import annotations

import pytest
from support.virtual_desk import LONG, Desk

from app.virtual.board import Phase

SAFE_TO_TELL = 0.05  # seconds on either side of a limit


def watch_hold(desk: Desk, seconds: float) -> str:
    """Hold MODE through a reset, return the light after that time, let go and wait."""
    board = desk.board
    board.press("mode")
    board.press("reset")
    board.release("reset")
    desk.clock.pause(seconds)
    shown = board.light_pattern
    board.release("mode")
    desk.clock.pause(LONG)
    return shown


@pytest.mark.parametrize(
    ("seconds", "shown", "phase"),
    [
        (0.5, "off", Phase.FIRMWARE),
        (2.95, "off", Phase.FIRMWARE),
        (3.05, "blinking yellow", Phase.DFU),
        (9.95, "blinking yellow", Phase.DFU),
        (10.05, "blinking white rapidly", Phase.FIRMWARE),
    ],
)
def test_held_button_of_the_original_boot_loader(seconds: float, shown: str, phase: Phase) -> None:
    desk = Desk("core")
    assert watch_hold(desk, seconds) == shown
    assert desk.phase() is phase
    assert not desk.board.safe_mode


def test_original_boot_loader_resets_to_factory_without_waiting_for_the_release() -> None:
    desk = Desk("core")
    board = desk.board
    factory = bytes(board.spi[0x20000:0x21000])
    board.press("mode")
    board.press("reset")
    board.release("reset")
    desk.clock.pause(10 + LONG)
    assert board.internal[0x5000:0x6000] == factory
    assert not board.profiles
    assert board.listening_now, "without Wi-Fi profiles it listens by itself"


def test_factory_reset_from_an_erased_slot_ends_in_dfu() -> None:
    desk = Desk("core", factory_image=False)
    watch_hold(desk, 10.05)
    assert desk.phase() is Phase.DFU


@pytest.mark.parametrize(
    ("seconds", "shown", "phase", "safe"),
    [
        (0.95, "off", Phase.FIRMWARE, False),
        (1.05, "blinking magenta", Phase.FIRMWARE, True),
        (2.95, "blinking magenta", Phase.FIRMWARE, True),
        (3.05, "blinking yellow", Phase.DFU, False),
        (6.45, "blinking yellow", Phase.DFU, False),
        (6.55, "blinking green rapidly", Phase.FIRMWARE, False),
        (9.95, "blinking green rapidly", Phase.FIRMWARE, False),
        (10.05, "blinking white rapidly", Phase.FIRMWARE, False),
    ],
)
@pytest.mark.parametrize("name", ["photon", "electron"])
def test_held_button_of_later_boot_loaders_with_a_factory_image(
    name: str, seconds: float, shown: str, phase: Phase, safe: bool
) -> None:
    desk = Desk(name, factory_image=True)
    assert watch_hold(desk, seconds) == shown
    assert desk.phase() is phase
    assert desk.board.safe_mode is safe
    assert desk.has_profiles() is (seconds < 10)


def test_factory_reset_of_a_photon_takes_the_factory_application() -> None:
    desk = Desk("photon", factory_image=True)
    factory = bytes(desk.board.internal[0xE0000:0xE1000])
    desk.board.internal[0xA0000:0xA1000] = bytes(0x1000)
    watch_hold(desk, 7)
    assert desk.board.internal[0xA0000:0xA1000] == factory


def test_photon_of_today_without_factory_image_stays_at_yellow_until_ten_seconds() -> None:
    desk = Desk("photon")
    assert watch_hold(desk, 8) == "blinking yellow"
    assert desk.phase() is Phase.DFU
    assert watch_hold(desk, 11) == "blinking white rapidly"
    assert desk.phase() is Phase.FIRMWARE
    assert not desk.has_profiles()


def test_loop_ends_after_twelve_seconds_even_while_held() -> None:
    desk = Desk("photon")
    desk.board.press("mode")
    desk.hand.reset()
    desk.clock.pause(12)
    assert desk.phase() is Phase.FIRMWARE


def test_photon_0_7_without_factory_image_enters_dfu_while_held() -> None:
    desk = Desk("photon-0.7")
    desk.board.press("mode")
    desk.hand.reset()
    desk.clock.pause(LONG)
    assert desk.phase() is Phase.DFU
    assert desk.board.face() is not None


def test_early_photon_does_not_look_for_a_factory_image_and_ends_in_dfu() -> None:
    desk = Desk("photon-0.5")
    assert watch_hold(desk, 7) == "blinking green rapidly"
    assert desk.phase() is Phase.DFU


def test_later_boot_loader_on_a_core_has_safe_mode() -> None:
    desk = Desk("core-0.5", boot="0.5")
    assert watch_hold(desk, 2) == "blinking magenta"
    assert desk.board.safe_mode


def test_reset_held_keeps_the_board_dark_and_off_the_bus() -> None:
    desk = Desk("photon")
    desk.board.press("reset")
    desk.clock.pause(LONG)
    assert desk.board.light_pattern == "off"
    assert desk.bus.sightings() == []
    desk.board.release("reset")
    desk.clock.pause(LONG)
    assert desk.board.light_pattern == "breathing cyan"


@pytest.mark.parametrize("name", ["core-0.5", "photon-0.5", "photon", "electron"])
def test_mode_held_three_seconds_starts_listening(name: str) -> None:
    desk = Desk(name)
    desk.hand.hold_mode(2.9)
    assert not desk.listens()
    desk.board.press("mode")
    desk.clock.pause(3.0)
    assert desk.listens()
    assert desk.board.light_pattern == "blinking blue"


@pytest.mark.parametrize(("seconds", "listens"), [(2.9, True), (3.1, False), (7.9, False), (8.1, True)])
def test_mode_held_while_listening_leaves_it(seconds: float, listens: bool) -> None:
    desk = Desk("photon")
    desk.listening()
    desk.hand.hold_mode(seconds)
    assert desk.listens() is listens
    assert desk.has_profiles()


def test_core_of_2014_cannot_leave_listening_by_button() -> None:
    desk = Desk("core")
    desk.listening()
    desk.hand.hold_mode(5)
    assert desk.listens()


@pytest.mark.parametrize(("name", "seconds"), [("core", 7.0), ("photon", 10.0)])
def test_mode_held_long_while_listening_clears_the_profiles(name: str, seconds: float) -> None:
    desk = Desk(name)
    desk.listening()
    desk.board.press("mode")
    desk.clock.pause(seconds - SAFE_TO_TELL)
    assert desk.has_profiles()
    assert desk.board.light_pattern == "blinking blue"
    desk.clock.pause(2 * SAFE_TO_TELL)
    assert desk.board.light_pattern == "blinking blue rapidly"
    assert not desk.has_profiles()
    desk.clock.pause(1.3)
    assert desk.board.light_pattern == "blinking blue"


def test_core_of_2014_clears_after_ten_seconds_in_one_go() -> None:
    desk = Desk("core")
    desk.hand.hold_mode(9.9)
    assert desk.has_profiles()
    desk.hand.reset()
    desk.clock.pause(LONG)
    desk.hand.hold_mode(10.1)
    assert not desk.has_profiles()


def test_dfu_light_toggles_every_100_ms() -> None:
    desk = Desk("core")
    desk.board.press("mode")
    desk.board.press("reset")
    desk.board.release("reset")
    desk.clock.pause(3.05)
    seen = []
    for _ in range(4):
        seen.append(desk.board.light().on)
        desk.clock.pause(0.1)
    assert seen == [True, False, True, False]
    assert desk.board.light().rgb == 0xFFFF00


def test_listening_light_toggles_every_250_ms() -> None:
    desk = Desk("core")
    desk.board.press("mode")
    desk.clock.pause(3.125)
    seen = []
    for _ in range(4):
        seen.append((desk.board.light().rgb, desk.board.light().on))
        desk.clock.pause(0.25)
    assert seen == [(0x0000FF, True), (0x0000FF, False)] * 2


def test_breathing_swells_for_two_seconds_and_fades_for_two() -> None:
    desk = Desk("photon", online=True)
    desk.hand.reset()
    desk.clock.pause(4 * 1.5)
    seen = []
    for _ in range(4):
        seen.append(round(desk.board.light().brightness, 3))
        desk.clock.pause(1.0)
    assert seen == [0.0, 0.5, 1.0, 0.5]


def test_light_tells_how_far_the_connection_is() -> None:
    desk = Desk("core")
    desk.hand.reset()
    seen = []
    for _ in range(6):
        desk.clock.pause(0.75)
        seen.append(desk.board.light_pattern)
        desk.clock.pause(0.75)
    assert seen == [
        "blinking green",
        "breathing green",
        "blinking cyan",
        "blinking cyan rapidly",
        "breathing cyan",
        "breathing cyan",
    ]


def test_board_without_network_keeps_blinking_green() -> None:
    assert Desk("photon", online=False).board.light_pattern == "blinking green"


def test_board_without_profiles_listens_by_itself() -> None:
    desk = Desk("core", profiles=False)
    assert desk.listens()
    assert desk.bus.sightings()[0].serial_port is not None


def test_electron_stops_listening_after_five_minutes() -> None:
    desk = Desk("electron")
    desk.board.press("mode")
    desk.clock.pause(3)
    desk.board.release("mode")
    desk.clock.pause(299)
    assert desk.listens()
    desk.clock.pause(2)
    assert not desk.listens()
    assert desk.board.light_pattern == "blinking green"


def test_electron_counts_its_five_minutes_anew_each_time() -> None:
    desk = Desk("electron")
    desk.hand.enter_listening()
    desk.clock.pause(200)
    desk.hand.hold_mode(5)
    assert not desk.listens()
    desk.hand.enter_listening()
    desk.clock.pause(200)
    assert desk.listens()


@pytest.mark.parametrize(
    ("name", "options"), [("core", {}), ("photon", {}), ("electron", {"firmware": "0.5"}), ("core-0.7", {})]
)
def test_other_boards_and_earlier_electrons_listen_for_ever(name: str, options: dict[str, str]) -> None:
    desk = Desk(name, **options)
    desk.listening()
    desk.clock.pause(3600)
    assert desk.listens()


def test_board_without_power_is_dark_and_forgets_nothing_in_its_memories() -> None:
    desk = Desk("core")
    key = bytes(desk.board.spi[0x2000:0x2264])
    desk.bus.unplug(desk.board)
    assert desk.board.light_pattern == "off"
    assert desk.board.spi[0x2000:0x2264] == key


def test_buttons_that_are_already_up_or_down_change_nothing() -> None:
    desk = Desk("photon")
    desk.board.release("mode")
    desk.board.press("mode")
    desk.board.press("mode")
    assert desk.board.is_pressed("mode")
    desk.board.release("mode")
    assert not desk.board.is_pressed("mode")
    assert desk.phase() is Phase.FIRMWARE
