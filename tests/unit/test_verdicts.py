"""What the findings of an X-ray mean: every state that a board can be in, as facts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.firmware.image import Dependency, Form, Function, Image
from app.platforms.table import platform
from app.text import Text, text
from app.work.plan import Health, SlotState, SlotView, Verdict
from app.work.verdicts import CoreFlags, Facts, flag_words, verdict

GOOD, UNPROVEN, BLANK, DAMAGED = SlotState.GOOD, SlotState.UNPROVEN, SlotState.BLANK, SlotState.DAMAGED
MISFIT, UNKNOWN, UNREADABLE, KEPT = SlotState.MISFIT, SlotState.UNKNOWN, SlotState.UNREADABLE, SlotState.KEPT
RUN = CoreFlags(0x5000, 0xFFFF, 0xFFFF)
UPGRADE, RESTORE, FLASH = "full-firmware-upgrade", "restore-system", "flash-file"


def slots(board: str, states: Mapping[str, SlotState]) -> dict[str, SlotView]:
    rows = {}
    for key, state in states.items():
        region = platform(board).region(key)
        what = text("Test", "what stands there")
        rows[key] = SlotView(key, region.name, region.alt, region.start, region.size, 0, state, what)
    return rows


def core(
    application: SlotState = GOOD,
    factory: SlotState = GOOD,
    *,
    flags: CoreFlags = RUN,
    backup: SlotState = BLANK,
    ota: SlotState = BLANK,
    loader: str = "original",
    role: str = "",
) -> Verdict:
    board = platform("core")
    states = {"application": application, "factory": factory, "backup": backup, "ota": ota}
    roles = {"application": role} if role else {}
    return verdict(Facts(board, board.boot_loader(loader), slots("core", states), flags=flags, roles=roles))


def image(function: Function, index: int, version: int, *needs: tuple[Function, int, int]) -> Image:
    dependencies = tuple(Dependency(*need) for need in needs)
    return Image(b"", Form.MODULE, 0, function, index, version, 6, dependencies, True, "")


PART_1 = image(Function.SYSTEM, 1, 2202, (Function.SYSTEM, 2, 207))
PART_2 = image(Function.SYSTEM, 2, 2202, (Function.SYSTEM, 1, 2202), (Function.BOOT_LOADER, 0, 1003))
USER = image(Function.USER, 1, 3, (Function.SYSTEM, 2, 6))
WELL = {"bootloader": GOOD, "system-1": GOOD, "system-2": GOOD, "user": GOOD, "ota": BLANK, "dct": KEPT}
INSTALLED = {
    (Function.BOOT_LOADER, 0): 1006,
    (Function.SYSTEM, 1): 2202,
    (Function.SYSTEM, 2): 2202,
    (Function.USER, 1): 3,
}


def photon(
    states: Mapping[str, SlotState] | None = None,
    *,
    installed: Mapping[tuple[Function, int], int | None] | None = None,
    pending: bool | None = False,
) -> Verdict:
    """A Photon in which everything is well but for what is named; None takes a version away."""
    board = platform("photon")
    all_states = {**WELL, **(states or {})}
    there = {"system-1": PART_1, "system-2": PART_2, "user": USER}
    images = {key: each for key, each in there.items() if all_states[key] in (GOOD, MISFIT)}
    versions = {key: each for key, each in {**INSTALLED, **(installed or {})}.items() if each is not None}
    facts = Facts(
        board, board.boot_loader("1.2"), slots("photon", all_states), images, versions, update_pending=pending
    )
    return verdict(facts)


def said(found: Verdict) -> str:
    return " ".join(each.english() for each in found.reasons)


def test_a_core_that_holds_good_firmware_has_nothing_wrong() -> None:
    found = core()
    assert found.health is Health.NOTHING_WRONG
    assert found.recipes == ()
    assert "can start from" in said(found)


def test_firmware_without_a_checksum_is_not_called_proven() -> None:
    found = core(UNPROVEN)
    assert found.health is Health.NOTHING_WRONG
    assert "no checksum" in said(found)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (BLANK, "There is no firmware in the board"),
        (DAMAGED, "The firmware in the board is damaged"),
        (UNKNOWN, "is no firmware for this board"),
        (MISFIT, "is no firmware for this board"),
    ],
)
def test_a_core_without_firmware_that_starts_is_repaired_by_a_full_upgrade(state: SlotState, words: str) -> None:
    found = core(state)
    assert found.health is Health.OVER_USB
    assert found.recipes == (UPGRADE, FLASH)
    assert words in said(found)
    assert "can start from" not in said(found)


@pytest.mark.parametrize("role", ["radio-patch", "radio-patch-1.14"])
def test_a_core_that_holds_the_radio_patch_has_an_unfinished_upgrade(role: str) -> None:
    found = core(GOOD, role=role)
    assert found.health is Health.OVER_USB
    assert found.recipes == (UPGRADE,)
    assert "was not finished" in said(found)


def test_a_core_that_holds_the_deep_update_is_told_what_that_is() -> None:
    found = core(GOOD, role="deep-update")
    assert found.health is Health.NOTHING_WRONG
    assert "deep update" in said(found)


@pytest.mark.parametrize("state", [BLANK, DAMAGED, UNKNOWN, MISFIT])
def test_a_factory_slot_that_cannot_start_is_spoken_of(state: SlotState) -> None:
    found = core(factory=state)
    assert found.health is Health.OVER_USB
    assert found.recipes == (UPGRADE,)
    assert "factory" in said(found)
    assert "{" not in said(found)


def test_a_flag_that_says_nothing_holds_only_the_original_boot_loader_back() -> None:
    nothing = CoreFlags(0xFFFF, 0xFFFF, 0xFFFF)
    assert core(flags=nothing).health is Health.OVER_USB
    assert "stays in update mode" in said(core(flags=nothing))
    assert "while it keeps its power" in said(core(flags=nothing)), "BKP_DR10 may let it start, too (3.1)"
    assert "processor's copy" in flag_words(nothing).english()
    assert core(flags=nothing, loader="0.4").health is Health.NOTHING_WRONG


def test_a_flag_is_no_matter_where_there_is_no_firmware_to_start() -> None:
    assert "system flag" not in said(core(BLANK, flags=CoreFlags(0xFFFF, 0xFFFF, 0xFFFF)))


@pytest.mark.parametrize(("flag", "slot"), [(0x0005, "ota"), (0x5555, "backup")])
def test_what_waits_for_the_next_start_is_judged_by_what_would_be_copied(flag: int, slot: str) -> None:
    flags = CoreFlags(flag, 0xFFFF, 0xFFFF)
    good = core(flags=flags, ota=GOOD, backup=UNPROVEN)
    assert good.health is Health.NOTHING_WRONG
    assert "next start" in said(good) or "restores its backup" in said(good)
    bad = {"ota": GOOD, "backup": GOOD, slot: DAMAGED}
    assert core(flags=flags, ota=bad["ota"], backup=bad["backup"]).health is Health.OVER_USB


def test_a_waiting_factory_reset_and_a_waiting_loss_of_wifi_are_told() -> None:
    found = core(flags=CoreFlags(0x5000, 0xAAAA, 1))
    assert found.health is Health.NOTHING_WRONG
    assert "factory reset is waiting" in said(found)
    assert "forget the Wi-Fi" in said(found)


@pytest.mark.parametrize(
    ("flag", "words"),
    [(0x5000, "may run"), (0x0005, "waits to be installed"), (0x5555, "not finished"), (0xFFFF, "nothing is said")],
)
def test_the_flag_is_told_in_words_with_its_value(flag: int, words: str) -> None:
    sentence = flag_words(CoreFlags(flag, 0xFFFF, 0xFFFF)).english()
    assert words in sentence
    assert f"0x{flag:04X}" in sentence


def test_a_photon_whose_parts_fit_has_nothing_wrong() -> None:
    found = photon()
    assert found.health is Health.NOTHING_WRONG
    assert said(found) == "The system parts are whole and fit each other."


@pytest.mark.parametrize("part", ["system-1", "system-2"])
@pytest.mark.parametrize("state", [BLANK, DAMAGED, UNKNOWN])
def test_a_system_part_that_is_not_there_is_restored_over_usb(part: str, state: SlotState) -> None:
    found = photon({part: state}, installed={(Function.SYSTEM, int(part[-1])): None})
    assert found.health is Health.OVER_USB
    assert found.recipes[0] == RESTORE
    assert platform("photon").region(part).name.english() in said(found)


def test_a_whole_image_in_the_wrong_slot_is_told_as_such() -> None:
    board = platform("photon")
    stranger = image(Function.SYSTEM, 1, 2202)
    states = slots("photon", {**WELL, "system-2": MISFIT})
    installed = {(Function.SYSTEM, 1): 2202, (Function.BOOT_LOADER, 0): 1006}
    images = {"system-1": image(Function.SYSTEM, 1, 2202), "system-2": stranger}
    found = verdict(Facts(board, board.boot_loader("1.2"), states, images, installed, update_pending=False))
    assert found.health is Health.OVER_USB
    assert "Where System part 2 belongs stands" in said(found)


def test_a_part_older_than_the_other_one_needs_is_named_with_both_versions() -> None:
    found = photon({"system-2": MISFIT}, installed={(Function.SYSTEM, 1): 1406})
    assert found.health is Health.OVER_USB
    assert found.recipes == (RESTORE,)
    assert "2202 (2.2.0)" in said(found)
    assert "1406 (1.4.4)" in said(found)


def test_a_boot_loader_older_than_part_2_needs_must_be_replaced_first() -> None:
    found = photon({"system-2": MISFIT}, installed={(Function.BOOT_LOADER, 0): 101})
    assert found.health is Health.OVER_USB
    assert "must be replaced first" in said(found)


def test_a_damaged_boot_loader_must_not_lose_power_and_no_recipe_is_offered() -> None:
    found = photon({"bootloader": DAMAGED, "system-2": DAMAGED}, installed={(Function.BOOT_LOADER, 0): None})
    assert found.health is Health.OTHER_TOOL
    assert found.recipes == ()
    assert found.reasons[0].english().startswith("The boot loader is damaged")
    assert "Do not unplug" in found.reasons[0].english()


def test_a_boot_loader_that_is_not_known_leaves_it_undecided() -> None:
    assert photon({"bootloader": UNKNOWN}, installed={(Function.BOOT_LOADER, 0): None}).health is Health.UNDECIDED


@pytest.mark.parametrize("state", [BLANK, DAMAGED, UNKNOWN])
def test_without_a_user_program_the_board_is_in_safe_mode_and_not_broken(state: SlotState) -> None:
    found = photon({"user": state}, installed={(Function.USER, 1): None})
    assert found.health is Health.OVER_USB
    assert found.recipes == (RESTORE, FLASH)
    assert "safe mode" in said(found)


def test_a_user_program_for_newer_system_parts_means_safe_mode() -> None:
    found = photon({"user": MISFIT}, installed={(Function.SYSTEM, 2): 5, (Function.SYSTEM, 1): 2202})
    assert "needs newer system parts" in said(found)


def test_what_follows_from_a_missing_part_is_not_told_as_a_second_trouble() -> None:
    found = photon({"system-2": DAMAGED, "user": MISFIT}, installed={(Function.SYSTEM, 2): None})
    assert "user program" not in said(found)


def test_settings_that_cannot_be_read_leave_it_undecided_unless_the_reason_is_found() -> None:
    assert photon({"dct": UNREADABLE}, pending=None).health is Health.UNDECIDED
    broken = photon({"dct": UNREADABLE, "system-2": DAMAGED}, installed={(Function.SYSTEM, 2): None}, pending=None)
    assert broken.health is Health.OVER_USB


def test_a_waiting_update_is_told_and_judged() -> None:
    assert photon({"ota": GOOD}, pending=True).health is Health.NOTHING_WRONG
    assert photon({"ota": DAMAGED}, pending=True).health is Health.OVER_USB
    assert photon({"ota": DAMAGED}, pending=False).health is Health.NOTHING_WRONG


def test_a_factory_slot_of_a_photon_may_be_empty() -> None:
    assert photon({"factory": BLANK}).health is Health.NOTHING_WRONG


def test_an_electron_of_0_5_has_no_third_part_and_a_later_one_needs_it() -> None:
    board = platform("electron")
    states = {"bootloader": GOOD, "system-1": GOOD, "system-2": GOOD, "system-3": BLANK, "user": GOOD, "dct": KEPT}
    old = {
        "system-1": image(Function.SYSTEM, 1, 17),
        "system-2": image(Function.SYSTEM, 2, 17, (Function.SYSTEM, 1, 17)),
    }
    installed = {(Function.SYSTEM, 1): 17, (Function.SYSTEM, 2): 17, (Function.BOOT_LOADER, 0): 7}
    loader = board.boot_loader("0.4.4")
    facts = Facts(board, loader, slots("electron", states), old, installed, update_pending=False)
    assert verdict(facts).health is Health.NOTHING_WRONG
    new = {**old, "system-1": image(Function.SYSTEM, 1, 2202, (Function.SYSTEM, 3, 2202))}
    states["system-1"] = MISFIT
    later = verdict(Facts(board, loader, slots("electron", states), new, installed, update_pending=False))
    assert later.health is Health.OVER_USB
    assert "System part 3 is missing" in said(later)


def test_every_sentence_of_a_verdict_has_its_values() -> None:
    verdicts = [core(a, f) for a in SlotState for f in SlotState]
    verdicts += [photon({key: state}) for key in WELL for state in SlotState]
    for found in verdicts:
        for reason in found.reasons:
            assert isinstance(reason, Text)
            assert "{" not in reason.english()
