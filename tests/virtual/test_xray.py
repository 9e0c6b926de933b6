"""The X-ray on virtual boards: it reads right, changes nothing, and never shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import device_keys as keys
from support.desk import IN_DFU, RUNNING, Desk, desk
from support.real_pack import real_pack

from app.faults import BoardGone
from app.plain import to_json
from app.platforms.model import Mode
from app.recipes.x_ray import XRayRecipe
from app.virtual.catalogue import HEALTHY_BOARDS, PRACTICE_BOARDS
from app.virtual.mishaps import Mishap
from app.work.plan import Health, SlotState
from app.work.xray import Looked, look


def xray(place: Desk) -> Looked:
    return look(place.job())


def internal(place: Desk, address: int, content: bytes) -> None:
    place.board.internal[address - 0x0800_0000 : address - 0x0800_0000 + len(content)] = content


@pytest.mark.parametrize("name", HEALTHY_BOARDS)
def test_nothing_is_wrong_with_a_healthy_board_and_looking_changes_nothing(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, IN_DFU)
    before = place.memories()
    looked = xray(place)
    assert looked.xray.verdict.health is Health.NOTHING_WRONG, looked.xray.verdict
    assert looked.xray.verdict.recipes == ()
    assert place.memories() == before
    assert {slot.state for slot in looked.xray.slots} <= {
        SlotState.GOOD,
        SlotState.UNPROVEN,
        SlotState.BLANK,
        SlotState.KEPT,
    }


@pytest.mark.parametrize("name", PRACTICE_BOARDS)
def test_secrets_are_counted_and_never_shown(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, IN_DFU)
    looked = xray(place)
    shown = repr(looked) + repr(to_json(looked.xray))
    for region in place.seen().platform.regions:
        if region.secret:
            assert region.key not in looked.memory
            assert all(not slot.sha256 for slot in looked.xray.slots if slot.region == region.key)
    key = place.slot
    assert key[:16].hex() not in shown
    assert repr(bytes(key[:16]))[2:-1] not in shown
    assert not any(key[:64] in content for content in looked.memory.values())


@pytest.mark.parametrize(
    ("name", "health", "recipe"),
    [
        ("core-no-firmware", Health.OVER_USB, "full-firmware-upgrade"),
        ("photon-broken-part2", Health.OVER_USB, "restore-system"),
        ("photon-safe-mode", Health.OVER_USB, "restore-system"),
    ],
)
def test_patients_get_the_verdict_and_the_recipe_that_helps(
    name: str, health: Health, recipe: str, tmp_path: Path
) -> None:
    found = xray(desk(name, tmp_path, IN_DFU)).xray.verdict
    assert found.health is health
    assert found.recipes[0] == recipe


def put_key(place: Desk, at: int, size: int, content: bytes) -> None:
    memory = place.board.spi if place.seen().platform.key == "core" else place.board.dct
    memory[at : at + size] = content.ljust(size, b"\xff")


RSA_AT = {"core": (0x2000, 1024), "photon": (34, 612)}
EC_AT = (3106, 192)
TRANSPORT_AT = 2977


@pytest.mark.parametrize(
    ("key", "state", "core_words", "photon_words"),
    [
        (b"", SlotState.BLANK, "a Core never makes a key", "no cloud knows that one"),
        (keys.as_device()[:-1] + b"\x00", SlotState.DAMAGED, "key is damaged", "key is damaged"),
        (keys.as_openssl(keys.SHORT_P, keys.SHORT_Q), SlotState.MISFIT, "firmware cannot use it", "cannot use it"),
        (keys.ec_der(), SlotState.DAMAGED, "key is damaged", "key is damaged"),
    ],
    ids=["blank", "damaged", "unusable", "other kind"],
)
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_device_key_the_board_cannot_use_is_told_and_nothing_of_it_is_shown(
    name: str, key: bytes, state: SlotState, core_words: str, photon_words: str, tmp_path: Path
) -> None:
    place = desk(name, tmp_path, IN_DFU)
    put_key(place, *RSA_AT[name], key)
    looked = xray(place)
    found = looked.xray.verdict
    assert (found.health, found.recipes) == (Health.OVER_USB, ("check-keys",))
    assert (core_words if name == "core" else photon_words) in found.reasons[0].english()
    if name == "core":
        assert looked.xray.slot("device-key").state is state
    else:
        assert looked.xray.slot("dct").state is SlotState.KEPT
    shown = repr(looked) + repr(to_json(looked.xray))
    assert not key or key[40:56].hex() not in shown
    assert not key or repr(key[40:56])[2:-1] not in shown


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_good_key_with_old_data_behind_it_is_right(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, IN_DFU)
    put_key(place, *RSA_AT[name], keys.as_openssl() + b"\x30\x82")
    looked = xray(place)
    assert looked.xray.verdict.health is Health.NOTHING_WRONG
    slot = looked.xray.slot("device-key" if name == "core" else "dct")
    assert ("key, not shown: good" if name == "core" else "device key: good") in slot.what.english()
    assert slot.sha256 == ""


@pytest.mark.parametrize("over_tcp", [False, True])
def test_an_electron_is_judged_by_the_key_it_uses(over_tcp: bool, tmp_path: Path) -> None:
    place = desk("electron", tmp_path, IN_DFU)
    place.board.dct[TRANSPORT_AT] = 0 if over_tcp else 0xFF
    put_key(place, *RSA_AT["photon"], keys.as_device())
    put_key(place, *EC_AT, b"\x30damaged")
    verdict = xray(place).xray.verdict
    assert verdict.recipes == (() if over_tcp else ("check-keys",))


def test_settings_behind_a_broken_part_2_are_not_readable(tmp_path: Path) -> None:
    looked = xray(desk("photon-broken-part2", tmp_path, IN_DFU)).xray
    assert looked.slot("system-2").state is SlotState.DAMAGED
    assert looked.slot("dct").state is SlotState.UNREADABLE


def test_a_byte_turned_over_in_a_proven_image_makes_it_damaged(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    internal(place, 0x0802_5000, bytes([place.board.internal[0x2_5000] ^ 1]))
    looked = xray(place).xray
    assert looked.slot("system-1").state is SlotState.DAMAGED
    assert looked.verdict.health is Health.OVER_USB


def test_a_damaged_boot_loader_is_another_tools_work_and_the_board_is_not_restarted(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, RUNNING)
    internal(place, 0x0800_1000, bytes([place.board.internal[0x1000] ^ 1]))
    outcome = place.succeed(XRayRecipe)
    assert outcome.xray is not None
    assert outcome.xray.verdict.health is Health.OTHER_TOOL
    assert any("Do not unplug" in warning.english() for warning in outcome.warnings)
    assert outcome.next_recipes == ()
    assert place.seen().mode is Mode.DFU


def test_files_of_the_pack_are_known_by_their_bytes(tmp_path: Path) -> None:
    pack = real_pack()
    place = desk("core", tmp_path, IN_DFU)
    tinker, patch = pack.read("core_tinker.bin"), pack.read("cc3000-patch-programmer.bin")
    place.board.spi[0x20000 : 0x20000 + 110_592] = tinker.ljust(110_592, b"\xff")
    internal(place, 0x0800_5000, patch.ljust(110_592, b"\xff"))
    looked = xray(place)
    assert looked.roles == {"factory": "tinker", "application": "radio-patch"}
    assert looked.xray.slot("factory").state is SlotState.GOOD
    assert looked.xray.slot("factory").version == 207
    assert looked.xray.slot("application").used == len(patch)
    assert looked.xray.verdict.recipes == ("full-firmware-upgrade",)


def test_an_image_for_another_board_is_a_misfit_and_does_not_count_as_installed(tmp_path: Path) -> None:
    pack = real_pack()
    place = desk("photon", tmp_path, IN_DFU)
    wrong = pack.read("p1-system-part1@2.2.0.bin")
    internal(place, 0x0802_0000, wrong)
    looked = xray(place)
    assert looked.xray.slot("system-1").state is SlotState.MISFIT
    assert not any(index == 1 and function.name == "SYSTEM" for function, index in looked.installed)
    assert looked.xray.verdict.health is Health.OVER_USB


def test_noise_where_firmware_belongs_is_no_firmware(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    internal(place, 0x0800_5000, bytes(range(256)) * 432)
    slot = xray(place).xray.slot("application")
    assert slot.state is SlotState.UNKNOWN
    assert slot.used == 0


@pytest.mark.parametrize("flag", [0x0005, 0x5555, 0xFFFF])
def test_the_flag_of_a_core_is_read_and_told(flag: int, tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    internal(place, 0x0800_4C04, flag.to_bytes(2, "little"))
    looked = xray(place)
    assert looked.flags is not None
    assert looked.flags.ota_update == flag
    assert f"0x{flag:04X}" in looked.xray.slot("system-flags").what.english()


def test_a_waiting_update_of_a_photon_is_told(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    place.board.dct[1753] = 0xA5  # device-protocol.md 3.5
    looked = xray(place).xray
    assert looked.slot("dct").detail is not None
    assert looked.verdict.health is Health.OVER_USB  # the download area is blank


def test_only_what_was_asked_for_is_looked_at(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    before = place.board.transfers
    looked = look(place.job(), ("system-flags",))
    assert [slot.region for slot in looked.xray.slots] == ["system-flags"]
    assert place.board.transfers - before < 60


def test_a_cable_pulled_while_looking_is_a_fault(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.board.mishap = Mishap(gone_at=place.board.transfers + 100)
    with pytest.raises(BoardGone):
        xray(place)


def test_the_recipe_leaves_a_board_found_in_update_mode_there_and_another_one_running(tmp_path: Path) -> None:
    there = desk("core", tmp_path / "a", IN_DFU)
    before = there.memories()
    assert there.succeed(XRayRecipe).xray is not None
    assert there.seen().mode is Mode.DFU
    assert there.memories() == before
    running = desk("photon", tmp_path / "b", RUNNING)
    running.succeed(XRayRecipe)
    assert running.seen().mode is not Mode.DFU


def test_memory_the_boot_loader_takes_for_other_memory_is_not_looked_at_and_no_trouble(tmp_path: Path) -> None:
    place = desk("p1", tmp_path, IN_DFU, boot="0.4.0", firmware="0.4.0")  # chooses by address alone (2.4.2)
    looked = xray(place)
    hidden = looked.xray.slot("serial-flash")
    assert hidden.state is SlotState.UNREADABLE
    assert hidden.detail is not None
    assert not any("Serial flash" in str(reason.values) for reason in looked.xray.verdict.reasons)
