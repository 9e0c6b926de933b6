"""What a virtual Core does with what its flash holds: patch programmers, deep update, over the air, half images."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.real_pack import real_pack
from support.virtual_desk import Desk, Dfu

from app.virtual.board import Phase
from app.virtual.images import build, practice_program
from app.virtual.mishaps import Mishap
from app.virtual.programs import PROGRAMS
from app.virtual.timing import Timing

APP, APP_END = 0x5000, 0x20000
KEY = slice(0x2000, 0x2264)
PATCHING, PATCHED, CLEARING = "blinking magenta slowly", "green", "blue"
DEEP, ONLINE, OTA = "blinking orange", "breathing cyan", "blinking magenta"
# Slow enough to be seen between two looks a second apart.
TIMING = replace(Timing.TYPICAL, stage=1.5)


def flashed(image: bytes, **options: object) -> Desk:
    """A Core in update mode whose application has been replaced; it has stored networks."""
    desk = Desk("core", **{"timing": TIMING, "radio": "older", **options})
    desk.dfu()
    desk.board.internal[APP:APP_END] = image.ljust(APP_END - APP, b"\xff")
    return desk


def leave(desk: Desk) -> None:
    """End update mode, as a host does."""
    dfu = Dfu(desk.face)
    dfu.clear()
    dfu.send(2, b"")
    dfu.status()
    desk.clock.pause(0.01)
    assert not dfu.face.attached()


def radio(desk: Desk) -> str:
    desk.board.tick()
    return desk.board.radio.value


def release(desk: Desk) -> str:
    """What the firmware that runs calls itself; "" for one of 2014."""
    desk.board.tick()
    return desk.board.personality.firmware.version


def seen(desk: Desk, seconds: int) -> list[str]:
    """The lights of the next seconds, each once, in their order."""
    lights: list[str] = []
    for _ in range(seconds):
        pattern = desk.board.light_pattern
        if lights[-1:] != [pattern]:
            lights.append(pattern)
        desk.clock.pause(1)
    return lights


@pytest.mark.parametrize(
    ("program", "patched", "lights", "networks"),
    [
        ("radio-patch", "1.13.7", [PATCHING, PATCHED], True),
        ("radio-patch-1.14", "1.14", [PATCHING, PATCHED, CLEARING], False),
    ],
)
def test_patch_programmer_shows_its_work_and_comes_back_in_dfu(
    program: str, patched: str, lights: list[str], networks: bool
) -> None:
    desk = flashed(practice_program(program))
    key = bytes(desk.board.spi[KEY])
    leave(desk)
    assert desk.board.program == program
    assert seen(desk, 40) == [*lights, "blinking yellow"]
    assert desk.phase() is Phase.DFU
    assert radio(desk) == patched
    assert desk.has_profiles() is networks
    assert desk.board.internal[0x4C04:0x4C06] == b"\xff\xff"
    assert desk.board.spi[KEY] == key


def test_nothing_is_on_the_bus_and_no_button_but_reset_works_while_the_radio_is_patched() -> None:
    desk = flashed(practice_program("radio-patch"))
    leave(desk)
    desk.board.press("mode")
    for _ in range(25):
        assert desk.board.face() is None
        assert desk.board.light_pattern == PATCHING
        desk.clock.pause(1)
    desk.board.release("mode")
    desk.hand.reset()
    assert radio(desk) == "older"
    assert desk.board.light_pattern == PATCHING  # it begins again


def test_a_patch_that_does_not_match_is_written_once_more() -> None:
    desk = flashed(practice_program("radio-patch"), mishap=Mishap(patch_fails=1))
    leave(desk)
    desk.clock.pause(TIMING.radio_patch + 1)
    assert desk.board.light_pattern == PATCHING
    assert radio(desk) == "older"
    desk.clock.pause(TIMING.radio_patch)
    assert radio(desk) == "1.13.7"
    desk.clock.pause(5)
    assert desk.phase() is Phase.DFU


def test_a_patch_programmer_that_stands_still_goes_on_after_reset() -> None:
    desk = flashed(practice_program("radio-patch"), mishap=Mishap(patch_freezes=1))
    leave(desk)
    assert seen(desk, 300) == [PATCHING]
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.phase() is Phase.DFU


def test_the_older_patch_may_forget_the_networks_too() -> None:
    desk = flashed(practice_program("radio-patch"), mishap=Mishap(patch_clears=True))
    leave(desk)
    assert seen(desk, 40) == [PATCHING, PATCHED, CLEARING, "blinking yellow"]
    assert not desk.has_profiles()


def test_power_lost_while_patching_changes_nothing_and_it_begins_anew() -> None:
    desk = flashed(practice_program("radio-patch"))
    leave(desk)
    desk.clock.pause(10)
    desk.bus.unplug(desk.board)
    desk.bus.plug(desk.board)
    desk.clock.pause(10)
    assert desk.board.light_pattern == PATCHING
    desk.clock.pause(60)
    assert desk.phase() is Phase.DFU
    assert radio(desk) == "1.13.7"


def test_a_later_boot_loader_runs_the_patch_programmer_again_and_again() -> None:
    desk = flashed(practice_program("radio-patch"), boot="0.5")
    desk.hand.reset()
    desk.clock.pause(200)
    assert desk.phase() is Phase.FIRMWARE
    assert desk.board.program == "radio-patch"


def test_deep_update_patches_restarts_and_gets_tinker_over_the_air() -> None:
    desk = flashed(practice_program("deep-update"))
    key = bytes(desk.board.spi[KEY])
    before = bytes(desk.board.internal[APP : APP + 6000])
    leave(desk)
    lights = seen(desk, 90)
    assert lights[0] == DEEP
    assert lights[1] == "blinking green"
    assert lights.index(ONLINE) < lights.index(OTA) < lights.index("blinking magenta rapidly")
    assert lights[-1] == ONLINE
    board = desk.board
    assert radio(desk) == "1.13.7"
    assert desk.has_profiles()
    assert release(desk) == "0.7.0"
    assert board.spi[0x40000 : 0x40000 + 6000] == before
    assert board.spi[KEY] == key
    assert board.face() is not None  # this firmware shows itself on USB


def test_deep_update_leaves_a_radio_that_is_new_enough_alone() -> None:
    for new in ("1.13.7", "1.14"):
        desk = flashed(practice_program("deep-update"), radio=new)
        leave(desk)
        assert DEEP not in seen(desk, 60)
        assert radio(desk) == new


def test_deep_update_counts_its_attempts_and_gives_up_after_five() -> None:
    desk = flashed(practice_program("deep-update"), mishap=Mishap(patch_fails=99))
    leave(desk)
    counts = []
    for _ in range(5):
        desk.clock.pause(TIMING.radio_patch + 0.001)
        counts.append(desk.board.internal[0x4C02])
    assert counts == [1, 2, 3, 4, 5]
    assert desk.board.light_pattern == "blinking green"
    assert radio(desk) == "older"
    desk.clock.pause(60)
    assert release(desk) == "0.7.0"
    assert desk.has_profiles()


def test_deep_update_that_fails_once_keeps_the_networks() -> None:
    desk = flashed(practice_program("deep-update"), mishap=Mishap(patch_fails=1))
    leave(desk)
    desk.clock.pause(2 * TIMING.radio_patch + 1)
    assert radio(desk) == "1.13.7"
    assert desk.board.internal[0x4C02:0x4C04] == b"\x00\x00"
    assert desk.has_profiles()


def test_deep_update_without_networks_ends_in_listening_mode() -> None:
    desk = flashed(practice_program("deep-update"), profiles=False)
    leave(desk)
    assert seen(desk, 60) == [DEEP, "blinking blue"]
    assert desk.listens()


def test_deep_update_without_a_network_in_reach_keeps_on_connecting() -> None:
    desk = flashed(practice_program("deep-update"), online=False)
    leave(desk)
    assert seen(desk, 120) == [DEEP, "blinking green"]


def test_deep_update_that_stands_still_goes_on_after_reset() -> None:
    desk = flashed(practice_program("deep-update"), mishap=Mishap(patch_freezes=1, ota_freezes=1))
    leave(desk)
    assert seen(desk, 200) == [DEEP]
    desk.hand.reset()
    assert seen(desk, 200)[-1] == OTA
    desk.hand.reset()
    desk.clock.pause(60)
    assert release(desk) == "0.7.0"


def test_an_image_that_does_not_arrive_is_sent_again() -> None:
    desk = flashed(practice_program("deep-update"), mishap=Mishap(ota_fails=2))
    leave(desk)
    assert [light for light in seen(desk, 200) if light in (OTA, "blinking magenta rapidly")] == [
        OTA,
        OTA,
        OTA,
        "blinking magenta rapidly",
    ]
    assert release(desk) == "0.7.0"


@pytest.mark.parametrize(("flag", "networks"), [(0, True), (1, False), (2, True), (0xFFFF, True)])
def test_firmware_clears_the_networks_when_the_flag_says_so(flag: int, networks: bool) -> None:
    desk = Desk("core-0.7")
    desk.board.internal[0x4C02:0x4C04] = flag.to_bytes(2, "little")
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.has_profiles() is networks
    assert desk.listens() is not networks
    if not networks:
        assert desk.board.internal[0x4C02:0x4C04] == b"\x00\x00"


def test_ten_seconds_leave_the_clearing_of_the_networks_to_the_factory_firmware() -> None:
    desk = Desk("core", factory_image=False)
    desk.hand.hold_mode_through_reset(11)
    desk.clock.pause(60)
    assert desk.phase() is Phase.DFU  # an erased factory slot was copied
    assert desk.board.internal[0x4C02] == 1
    assert desk.has_profiles()


@pytest.mark.parametrize(("boot", "safe"), [("original", False), ("0.4", True), ("0.7", True)])
def test_startup_mode_is_for_later_boot_loaders(boot: str, safe: bool) -> None:
    desk = Desk("core-0.7", boot=boot)
    desk.board.internal[0x4C0C] = 1
    desk.hand.reset()
    desk.clock.pause(60)
    assert desk.board.safe_mode is safe
    assert desk.board.internal[0x4C0C] == (0 if safe else 1)
    desk.hand.reset()
    desk.clock.pause(60)
    assert not desk.board.safe_mode


def module(version: int) -> bytes:
    return build(
        seed=f"core {version}",
        size=9000,
        start=0x08005000,
        platform=0,
        function=3,
        index=0,
        version=version,
        info_at=0x10C,
    )


@pytest.mark.parametrize(
    ("number", "version"),
    [(11, "0.4.9"), (17, "0.5.2"), (102, "0.6.0"), (207, "0.7.0"), (309, "0.8.0-rc.10"), (1213, "1.2.1")],
)
def test_console_tells_the_release_of_the_flashed_image(number: int, version: str) -> None:
    desk = flashed(module(number))
    leave(desk)
    desk.clock.pause(60)
    assert desk.listening().say(b"v").decode() == f"system firmware version: {version}\n\r\n"


def test_image_without_module_info_is_of_2014() -> None:
    desk = Desk("core-0.7")
    desk.dfu()
    desk.board.internal[APP:APP_END] = practice_program("nothing known").ljust(APP_END - APP, b"\xff")
    leave(desk)
    desk.clock.pause(60)
    assert desk.board.personality.firmware.spark
    assert desk.board.face() is None


@pytest.mark.parametrize("image", [module(207)[:4096], practice_program("radio-patch")[:1024]])
def test_half_an_image_crashes(image: bytes) -> None:
    desk = flashed(image)
    leave(desk)
    desk.clock.pause(60)
    assert desk.phase() is Phase.CRASHED
    assert desk.board.light_pattern == "off"
    assert desk.board.face() is None
    desk.hand.enter_dfu()
    desk.clock.pause(5)
    assert desk.phase() is Phase.DFU


def test_erased_application_stays_in_dfu() -> None:
    desk = Desk("core-no-firmware")
    assert desk.phase() is Phase.DFU
    desk.hand.hold_mode_through_reset(11)  # factory reset
    desk.clock.pause(60)
    assert desk.phase() is Phase.FIRMWARE


def test_real_factory_image_is_what_a_factory_reset_brings_back() -> None:
    tinker = real_pack().read("core_tinker.bin")
    desk = Desk("core-no-firmware")
    desk.board.spi[0x20000 : 0x20000 + len(tinker)] = tinker
    desk.hand.hold_mode_through_reset(11)
    desk.clock.pause(60)
    assert desk.board.internal[APP : APP + len(tinker)] == tinker
    assert desk.board.program == "tinker"
    assert not desk.has_profiles()
    assert desk.listens()


@pytest.mark.parametrize(
    ("name", "program", "version"),
    [
        ("core_tinker.bin", "tinker", "0.7.0"),
        ("core_tinker-1.16.bin", "tinker-of-2016", "0.5.1"),
        ("core_doctor.bin", "doctor", "0.6.2"),
        ("cc3000-patch-programmer.bin", "radio-patch", ""),
        ("cc3000-patch-programmer_1_14.bin", "radio-patch-1.14", ""),
        ("deep_update_2014_06.bin", "deep-update", ""),
    ],
)
def test_real_images_are_recognised(name: str, program: str, version: str) -> None:
    image = real_pack().read(name)
    desk = flashed(image)
    leave(desk)
    desk.clock.pause(1)
    assert desk.board.program == program
    assert release(desk) == version
    if version:
        assert b"version: " + version.encode() in image


@pytest.mark.parametrize("program", [key for key, row in PROGRAMS.items() if row.radio is not None])
def test_real_images_and_practice_images_do_the_same(program: str) -> None:
    name = {
        "radio-patch": "cc3000-patch-programmer.bin",
        "radio-patch-1.14": "cc3000-patch-programmer_1_14.bin",
        "deep-update": "deep_update_2014_06.bin",
    }[program]
    shows = []
    for image in (real_pack().read(name), practice_program(program)):
        desk = flashed(image)
        leave(desk)
        shows.append((seen(desk, 90), radio(desk), desk.has_profiles(), desk.phase()))
    assert shows[0] == shows[1]
