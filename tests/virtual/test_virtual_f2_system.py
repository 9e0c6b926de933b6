"""What a virtual Photon, P1 or Electron does with what its flash holds: parts, safe mode, waiting updates."""

from __future__ import annotations

import struct

import pytest
from support.clock import FastClock
from support.real_pack import real_pack
from support.virtual_desk import Desk, Dfu

from app.virtual.board import Phase
from app.virtual.catalogue import make
from app.virtual.face import Stall
from app.virtual.images import BOOT_LOADER, SYSTEM_PART, USER_PART, build
from app.virtual.personality import f2_boot_loader

PART1, PART2, USER, OTA = 0x20000, 0x60000, 0xA0000, 0xC0000
FLAG = 1753


def part(
    index: int,
    version: int,
    *,
    needs: tuple[int, int, int] = (0, 0, 0),
    second: tuple[int, int, int] = (0, 0, 0),
    platform: int = 6,
    start: int = 0,
) -> bytes:
    return build(
        seed=f"part {index} {version}",
        size=20_000,
        start=start or {1: 0x08020000, 2: 0x08060000}[index],
        platform=platform,
        function=SYSTEM_PART,
        index=index,
        version=version,
        info_at=0x184,
        dependency=needs,
        second=second,
    )


def boot_loader(version: int, platform: int = 6) -> bytes:
    return build(
        seed=f"boot {version}",
        size=15_000,
        start=0x08000000,
        platform=platform,
        function=BOOT_LOADER,
        index=0,
        version=version,
        info_at=0x184,
    )


def user(needs: int, *, version: int = 4) -> bytes:
    return build(
        seed=f"user {needs} {version}",
        size=5_000,
        start=0x080A0000,
        platform=6,
        function=USER_PART,
        index=1,
        version=version,
        info_at=0,
        dependency=(SYSTEM_PART, 2, needs),
    )


def put(desk: Desk, offset: int, image: bytes) -> None:
    desk.board.internal[offset : offset + len(image)] = image


def erase(desk: Desk, offset: int) -> None:
    desk.board.internal[offset : offset + 0x20000] = b"\xff" * 0x20000


def restart(desk: Desk) -> None:
    desk.hand.reset()
    desk.clock.pause(60)
    desk.board.tick()


@pytest.fixture
def desk() -> Desk:
    return Desk("photon")


def release(desk: Desk) -> str:
    return desk.board.personality.firmware.version


@pytest.mark.parametrize(
    ("number", "version"), [(17, "0.5.2"), (109, "0.6.3"), (403, "0.9.0"), (1512, "1.5.2"), (2202, "2.2.0")]
)
def test_firmware_is_what_part_2_says(desk: Desk, number: int, version: str) -> None:
    put(desk, PART1, part(1, number))
    put(desk, PART2, part(2, number, needs=(4, 1, number)))
    restart(desk)
    assert release(desk) == version
    text = desk.listening().say(b"v").decode()
    assert text == f"system firmware version: {version}\n\r\n"


@pytest.mark.parametrize("damage", ["erased", "first byte", "another board's", "of another address"])
def test_board_whose_first_part_is_nothing_stays_in_dfu(desk: Desk, damage: str) -> None:
    match damage:
        case "erased":
            erase(desk, PART1)
        case "first byte":
            desk.board.internal[PART1 + 0x184 : PART1 + 0x18C] = bytes(8)
        case "another board's":
            put(desk, PART1, part(1, 2202, platform=8))
        case "of another address":
            put(desk, PART1, part(2, 2202))
    restart(desk)
    assert desk.phase() is Phase.DFU


def test_board_without_a_whole_second_part_crashes_dark_and_can_still_be_brought_into_dfu() -> None:
    desk = Desk("photon-broken-part2")
    assert desk.phase() is Phase.CRASHED
    assert desk.board.light_pattern == "off"
    assert desk.board.face() is None
    desk.hand.hold_mode(5)
    assert desk.phase() is Phase.CRASHED
    desk.dfu()
    assert desk.phase() is Phase.DFU


def in_safe_mode(desk: Desk) -> bool:
    return desk.board.safe_mode and desk.board.light_pattern == "breathing magenta"


def test_application_that_needs_a_newer_system_means_safe_mode() -> None:
    desk = Desk("photon-safe-mode")
    assert in_safe_mode(desk)
    listed = desk.listening().say(b"s").decode()
    assert '"vv":26' in listed  # dependencies are not met (5.3)
    put(desk, USER, user(207))
    restart(desk)
    assert not desk.board.safe_mode


@pytest.mark.parametrize("trouble", ["no application", "damaged application", "old part 1", "old boot loader"])
def test_what_is_missing_or_too_old_means_safe_mode(desk: Desk, trouble: str) -> None:
    match trouble:
        case "no application":
            erase(desk, USER)
        case "damaged application":
            desk.board.internal[USER + 0x100] ^= 1
        case "old part 1":
            put(desk, PART1, part(1, 2202))
        case "old boot loader":
            put(desk, PART2, part(2, 2302, second=(BOOT_LOADER, 0, 2000)))
    restart(desk)
    assert in_safe_mode(desk)


def test_running_firmware_protects_its_parts_and_erasing_takes_that_off(desk: Desk) -> None:
    dfu = desk.dfu()
    desk.board.internal[PART1 : PART1 + 0x20000] = b"\xff" * 0x20000  # blank, and still protected
    dfu.at(0x08020000)
    dfu.send(2, b"\0" * 64)
    with pytest.raises(Stall):
        dfu.status()
    dfu.status()
    dfu.erase(0x08020000)
    dfu.at(0x08020000)
    assert dfu.block(2, b"\0" * 64)[0].startswith("00")
    assert desk.board.internal[PART1 : PART1 + 64] == b"\0" * 64
    assert desk.board.memories().protected == {6, 7, 8}


def test_a_board_fresh_from_the_drawer_is_protected_before_it_has_run() -> None:
    assert make("electron", FastClock()).memories().protected == {5, 6, 7}


@pytest.mark.parametrize("version", [2, 3, 7, 8, 11, 101, 201, 311, 501, 502, 1005, 1006])
def test_installed_boot_loader_decides_how_dfu_behaves(version: int) -> None:
    desk = Desk("photon")
    put(desk, OTA, boot_loader(version))
    desk.board.dct[FLAG] = 0xA5
    restart(desk)
    assert desk.board.dct[FLAG] == 0xFF
    desk.dfu()
    expected = f2_boot_loader(version)
    assert desk.board.personality.boot == expected
    assert desk.face.described.text(1) == expected.manufacturer
    assert desk.face.described.device[12:14] == expected.release.to_bytes(2, "little")


@pytest.mark.parametrize("number", [17, 207, 1002])
def test_older_firmware_takes_no_notice_of_the_flag(number: int) -> None:
    desk = Desk("photon-0.7")
    put(desk, PART1, part(1, number))
    put(desk, PART2, part(2, number))
    put(desk, OTA, boot_loader(1006))
    desk.board.dct[FLAG] = 0xA5
    restart(desk)
    assert desk.board.dct[FLAG] == 0xA5
    assert desk.board.personality.boot.key == "0.7"
    # The parts that are written next do.
    put(desk, PART1, part(1, 2202))
    put(desk, PART2, part(2, 2202, needs=(4, 1, 2202), second=(2, 0, 1003)))
    restart(desk)
    assert desk.board.dct[FLAG] == 0xFF
    assert desk.board.personality.boot.key == "2.x"
    assert not desk.board.safe_mode


@pytest.mark.parametrize("damage", ["platform", "check sum", "nothing"])
def test_what_is_no_boot_loader_for_this_board_is_not_installed(desk: Desk, damage: str) -> None:
    image = bytearray(boot_loader(501, platform=8 if damage == "platform" else 6))
    if damage == "check sum":
        image[200] ^= 1
    put(desk, OTA, b"\xff" * 15_000 if damage == "nothing" else bytes(image))
    desk.board.dct[FLAG] = 0xA5
    before = bytes(desk.board.internal[:0x4000])
    restart(desk)
    assert desk.board.dct[FLAG] == 0xFF
    assert desk.board.internal[:0x4000] == before
    assert desk.phase() is Phase.FIRMWARE


def test_power_lost_while_a_boot_loader_is_installed_leaves_no_flag(desk: Desk) -> None:
    put(desk, OTA, boot_loader(501))
    desk.board.dct[FLAG] = 0xA5
    before = bytes(desk.board.internal[:0x4000])
    desk.hand.reset()
    assert desk.board.dct[FLAG] == 0xFF  # cleared first (8.5)
    desk.bus.unplug(desk.board)
    desk.bus.plug(desk.board)
    desk.clock.pause(60)
    assert desk.board.internal[:0x4000] == before


def test_waiting_application_is_copied_by_the_boot_loader(desk: Desk) -> None:
    image = user(6, version=9)
    put(desk, OTA, image)
    desk.board.dct[FLAG] = 0xA5
    desk.hand.reset()
    desk.clock.pause(1)
    assert desk.board.light_pattern == "blinking magenta rapidly"
    desk.clock.pause(60)
    assert desk.board.internal[USER : USER + len(image)] == image
    assert desk.board.dct[2852:2854] == b"\xff\xff"
    assert not desk.board.safe_mode


def test_an_order_to_copy_out_of_bounds_is_only_taken_off(desk: Desk) -> None:
    order = struct.pack("<HBBIIIBBH", 0xABCD, 1, 1, 0x080C0000, 0x08000000, 0x4000, 1, 2, 0)
    desk.board.dct[2872 : 2872 + len(order)] = order
    before = bytes(desk.board.internal)
    restart(desk)
    assert desk.board.internal == before
    assert desk.board.dct[2872:2874] == b"\xff\xff"
    assert desk.phase() is Phase.FIRMWARE


def test_flags_in_the_dct_ask_for_safe_mode_a_factory_reset_and_no_networks() -> None:
    desk = Desk("photon", factory_image=True)
    desk.board.dct[18] = 1
    restart(desk)
    assert in_safe_mode(desk)
    erase(desk, USER)
    desk.board.dct[12:14] = b"\xaa\xaa"
    restart(desk)
    assert not in_safe_mode(desk)
    assert desk.board.dct[12:14] == b"\xff\xff"
    desk.board.dct[6:8] = b"\x01\x00"
    restart(desk)
    assert not desk.has_profiles()
    assert desk.listens()


def test_safe_mode_that_firmware_asks_for_lasts_one_start(desk: Desk) -> None:
    desk.control_in(0xC0, 1, 0, 60, 64)
    desk.clock.pause(1)
    desk.control_in(0xC0, 2, 0, 1, 64)
    desk.clock.pause(60)
    assert in_safe_mode(desk)
    restart(desk)
    assert not desk.board.safe_mode


# --- the real images ------------------------------------------------------------------------------------------------

RESTORE = {
    "photon": {
        0xC0000: "photon-bootloader@2.2.0+lto.bin",
        0x20000: "photon-system-part1@2.2.0.bin",
        0x60000: "photon-system-part2@2.2.0.bin",
        0xA0000: "tinker-0.4.5-photon.bin",
    },
    "p1": {
        0xC0000: "p1-bootloader@2.2.0+lto.bin",
        0x20000: "p1-system-part1@2.2.0.bin",
        0x60000: "p1-system-part2@2.2.0.bin",
        0xA0000: "tinker-0.4.5-p1.bin",
    },
    "electron": {
        0xC0000: "electron-bootloader@2.2.0+lto.bin",
        0x20000: "electron-system-part2@2.2.0.bin",
        0x40000: "electron-system-part3@2.2.0.bin",
        0x60000: "electron-system-part1@2.2.0.bin",
        0x80000: "electron_tinker.bin",
    },
}


def write(dfu: Dfu, offset: int, image: bytes) -> None:
    address = 0x08000000 + offset
    for sector in range(address, address + len(image), 0x20000):
        dfu.erase(sector)
    dfu.at(address)
    for number in range(0, len(image), 4096):
        dfu.block(2 + number // 4096, image[number : number + 4096])


@pytest.mark.parametrize("name", RESTORE)
def test_real_parts_over_dfu_make_a_board_of_2_2_0_with_its_boot_loader(name: str) -> None:
    pack = real_pack()
    desk = Desk(name, boot="0.6", firmware="0.6")
    key = bytes(desk.board.dct[34:3618])
    dfu = desk.dfu()
    for offset, image in RESTORE[name].items():
        write(dfu, offset, pack.read(image))
    dfu.alt(1)
    dfu.at(FLAG)
    dfu.block(2, b"\xa5")
    dfu.send(2, b"")
    dfu.status()
    desk.clock.pause(60)
    board = desk.board
    assert desk.phase() is Phase.FIRMWARE
    assert not board.safe_mode
    assert board.program == "tinker"
    assert release(desk) == "2.2.0"
    assert board.personality.boot.version == 1006
    assert board.dct[FLAG] == 0xFF
    assert bytes(board.dct[34:FLAG]) == key[: FLAG - 34]
    listed = desk.listening().say(b"s").decode()
    assert listed.count('"vv":30') == len(RESTORE[name])


@pytest.mark.parametrize("name", ["photon", "p1", "electron"])
def test_real_parts_of_0_5_2_run_too(name: str) -> None:
    pack = real_pack()
    desk = Desk(name, boot="0.5", firmware="0.5")
    places = (0x20000, 0x40000) if name == "electron" else (0x20000, 0x60000)
    for number, place in enumerate(places, start=1):
        put(desk, place, pack.read(f"system-part{number}-0.5.2-{name}.bin"))
    if name == "electron":
        erase(desk, 0x60000)
    put(desk, 0x80000 if name == "electron" else USER, pack.read(f"{name}_tinker.bin"))
    restart(desk)
    assert release(desk) == "0.5.2"
    assert not desk.board.safe_mode


def test_new_parts_without_their_boot_loader_end_in_safe_mode() -> None:
    pack = real_pack()
    desk = Desk("photon", boot="0.7", firmware="0.7")
    for offset, image in RESTORE["photon"].items():
        if offset != OTA:
            put(desk, offset, pack.read(image))
    restart(desk)
    assert in_safe_mode(desk)
