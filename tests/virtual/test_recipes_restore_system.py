"""Restoring the system of a Photon, P1 and Electron, with the real images, on virtual boards of every generation."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.desk import IN_DFU, RUNNING, Desk, desk
from support.every import part
from support.moments import plans
from support.real_pack import real_pack

from app.firmware.pack import RescuePack, pick
from app.platforms.model import Mode
from app.platforms.table import platform
from app.recipes.restore_system import RestoreSystem
from app.recipes.system_set import generation, releases
from app.virtual import images
from app.virtual.board import VirtualBoard
from app.virtual.layout import COPY_LAYOUT, COPY_PENDING, slots_of
from app.virtual.machine import Phase
from app.virtual.mishaps import Mishap
from app.virtual.personality import f2_boot_loader
from app.work.events import Asked, Event, Outcome, StepStarted, Stopped, Succeeded
from app.work.plan import Health, PlannedWrite, RescuePlan, SlotState
from app.work.questions import Confirm, DoThis, Review

ANSWERS = {"release": "2.2.0", "application": "keep", "downgrade": True, "plan": True}
FLAG, DEVICE_ID = 1753, slice(3618, 3630)
# Version of the boot loader, firmware that was on boards with it (0.3).
GENERATIONS = [(2, "0.4.4"), (7, "0.5"), (11, "0.6"), (101, "0.7"), (201, "1.0"), (311, "1.2"), (501, "1.4")]
NEEDED = 1003  # what system part 2 of 2.2.0 asks for (7.3)
BOARDS = ["photon", "p1", "electron"]
DCT_IN_PART2 = 101
START_STEP = 9


@pytest.fixture
def pack() -> RescuePack:
    return real_pack()


def loader(version: int) -> Callable[[VirtualBoard], None]:
    """Give a board a boot loader of that version."""

    def prepare(board: VirtualBoard) -> None:
        image = images.build(
            seed=f"boot loader {version}",
            size=15_124,
            start=0x0800_0000,
            platform=board.personality.kind.number,
            function=images.BOOT_LOADER,
            index=0,
            version=version,
            info_at=images.F2_INFO,
        )
        board.internal[: len(image)] = image

    return prepare


def lay(
    name: str,
    folder: Path,
    pack: RescuePack,
    mode: str = RUNNING,
    *,
    loader_version: int = 0,
    prepare: Callable[[VirtualBoard], None] | None = None,
    answers: dict[str, object] | None = None,
    **options: Any,  # noqa: ANN401
) -> Desk:
    def both(board: VirtualBoard) -> None:
        if loader_version:
            loader(loader_version)(board)
        if prepare is not None:
            prepare(board)

    if loader_version:
        options["boot"] = f2_boot_loader(loader_version).key
    given = {**ANSWERS, **(answers or {})}
    place = desk(name, folder, mode, pack=pack, answers=given, prepare=both, claimed=True, secret="S" * 15, **options)
    if not place.bus.sightings():
        place.hand_into_dfu()
    return place


def key_of(place: Desk) -> str:
    return place.board.personality.kind.key


def parts(place: Desk, release: str = "2.2.0") -> dict[str, bytes]:
    """The files of a release by region."""
    found = {}
    for number in (1, 2, 3):
        try:
            found[f"system-{number}"] = place.pack.read(pick(key_of(place), f"system-{number}", release).name)
        except KeyError:
            continue
    return found


def holds(place: Desk, region: str, content: bytes) -> bool:
    start = platform(key_of(place)).region(region).start - 0x0800_0000
    return bytes(place.board.internal[start : start + len(content)]) == content


def program(place: Desk) -> bytes:
    start = slots_of(place.board.personality.kind).user
    return bytes(place.board.internal[start : start + 0x20000])


def secrets(place: Desk) -> bytes:
    """All settings but the mark of a waiting update and the device ID, which firmware from 0.6 stores itself."""
    kept = bytearray(place.board.dct)
    kept[FLAG] = 0
    kept[DEVICE_ID] = bytes(12)
    return bytes(kept)


def restored(place: Desk, release: str = "2.2.0") -> bool:
    return all(holds(place, region, content) for region, content in parts(place, release).items())


def new_loader(place: Desk) -> bool:
    return holds(place, "bootloader", place.pack.read(pick(key_of(place), "bootloader", "2.2.0").name))


def restore(place: Desk, **answers: object) -> Outcome:
    place.person.answers.update(answers)
    return place.succeed(RestoreSystem)


def plan_of(place: Desk) -> RescuePlan:
    return [
        event.question.plan
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Review)
    ][-1]


def wrote(plan: RescuePlan) -> list[str]:
    return [write.region for write in plan.writes]


def buttons(place: Desk) -> list[str]:
    return [
        event.question.name
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, DoThis)
    ]


def runs_well(place: Desk) -> bool:
    place.clock.pause(20.0)
    board = place.board
    return board.phase is Phase.FIRMWARE and not board.safe_mode and board.personality.firmware.version == "2.2.0"


# --- every board, every boot loader ---


@pytest.mark.parametrize(("version", "firmware"), GENERATIONS)
@pytest.mark.parametrize("name", BOARDS)
def test_every_generation_gets_the_system_and_the_boot_loader_it_needs(
    name: str, version: int, firmware: str, tmp_path: Path, pack: RescuePack
) -> None:
    place = lay(name, tmp_path, pack, loader_version=version, firmware=firmware)
    own, keys = program(place), secrets(place)
    outcome = restore(place)
    assert restored(place)
    assert runs_well(place)
    assert new_loader(place)
    assert place.board.dct[FLAG] == 0xFF
    assert program(place) == own
    assert secrets(place) == keys
    assert place.undo.interrupted() == ()
    assert outcome.xray is not None
    assert outcome.xray.verdict.health is Health.NOTHING_WRONG
    assert {fact.key: fact.value for fact in outcome.facts}["version"] == "2.2.0"
    assert not outcome.warnings


@pytest.mark.parametrize("name", BOARDS)
def test_a_boot_loader_that_is_new_enough_is_left_alone(name: str, tmp_path: Path, pack: RescuePack) -> None:
    place = lay(name, tmp_path, pack, loader_version=1005, firmware="1.4")
    before = bytes(place.board.internal[:0x4000])
    restore(place)
    assert bytes(place.board.internal[:0x4000]) == before
    assert "ota" not in wrote(plan_of(place))
    assert "dct" not in wrote(plan_of(place))
    assert runs_well(place)


@pytest.mark.parametrize("version", [7, 11, 101, 201, 311, 1006])
@pytest.mark.parametrize("name", ["photon", "p1"])
def test_a_broken_second_part_is_repaired_whatever_the_boot_loader(
    name: str, version: int, tmp_path: Path, pack: RescuePack
) -> None:
    place = lay(name, tmp_path, pack, loader_version=version, firmware="0.7", part2=False)
    keys = secrets(place)
    outcome = restore(place)
    assert restored(place)
    assert runs_well(place)
    assert new_loader(place) is (version < NEEDED)
    assert secrets(place) == keys
    blind = version >= DCT_IN_PART2
    order = wrote(plan_of(place))
    if version < NEEDED:
        assert order[-2:] == ["ota", "dct"] if blind else order.index("ota") < order.index("system-1")
        assert (order[-1] == "dct") is blind
    assert ("back-up-key" in outcome.next_recipes) is blind
    assert ("join-wifi" in outcome.next_recipes) is (name != "electron")
    assert not outcome.warnings


def test_a_boot_loader_that_needs_a_restart_gets_it_without_buttons(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.7", tmp_path, pack, part2=False)
    restore(place)
    assert buttons(place) == []
    later = plan_of(place).writes[-1]
    assert isinstance(later, PlannedWrite)
    assert later.region == "dct"
    assert later.changed is None, "it cannot be known before the parts are there"
    assert any("restart in between" in words.english() for words in plan_of(place).needs)


def test_the_electron_gets_its_files_by_module_index(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("electron", tmp_path, pack, loader_version=501, firmware="1.4")
    assert "join-wifi" not in restore(place).next_recipes  # it has no Wi-Fi
    writes = {write.region: write.source for write in plan_of(place).writes}
    assert writes["system-1"] == "electron-system-part2@2.2.0.bin"
    assert writes["system-2"] == "electron-system-part3@2.2.0.bin"
    assert writes["system-3"] == "electron-system-part1@2.2.0.bin"
    assert wrote(plan_of(place)) == ["ota", "dct", "system-1", "system-2", "system-3"]


def test_the_plan_is_in_the_order_that_survives_a_cut(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack)
    restore(place, application="tinker")
    plan = plan_of(place)
    assert wrote(plan) == ["ota", "dct", "system-1", "system-2", "user"]
    assert [write.address for write in plan.writes] == [0x080C_0000, FLAG, 0x0802_0000, 0x0806_0000, 0x080A_0000]
    assert all(write.why.english() for write in plan.writes)
    assert any("magenta" in words.english() for words in plan.warnings)


def test_the_factory_firmware_beside_the_download_area_stays(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack, factory_image=True)
    before = bytes(place.board.internal[0xE0000:])
    restore(place)
    assert bytes(place.board.internal[0xE0000:]) == before


def test_a_second_run_writes_nothing(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack)
    restore(place)
    place.clock.pause(20.0)
    before = place.memories()
    restore(place)
    assert [write.changed for write in plan_of(place).writes] == [0, 0]
    place.clock.pause(20.0)
    assert place.memories() == before


# --- newer on the board, older asked for ---


def test_a_newer_system_on_the_board_is_not_replaced_unless_asked_for(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon", tmp_path, pack, answers={"downgrade": False})
    before = place.memories()
    failed = place.fail(RestoreSystem)
    assert failed.code == "system.newer-on-board"
    assert "2.3.1" in failed.cause.english()
    assert "2.2.0" in failed.cause.english()
    assert place.memories() == before
    place.clock.pause(10.0)
    assert place.seen().mode is not Mode.DFU, "it goes on as it was found"


def test_going_back_is_told_to_be_the_repair_where_the_newer_system_is_broken(tmp_path: Path, pack: RescuePack) -> None:
    for name, repairs in (("photon", False), ("photon-broken-part2", True)):
        place = lay(name, tmp_path / name, pack, IN_DFU)
        restore(place)
        (question,) = [
            event.question
            for event in place.person.events
            if isinstance(event, Asked) and event.question.name == "downgrade"
        ]
        assert isinstance(question, Confirm)
        assert ("repairs it" in question.body.english()) is repairs
        assert ("better to keep" in question.body.english()) is not repairs


def test_a_newer_system_is_replaced_when_asked_for(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon", tmp_path, pack)
    restore(place)
    assert restored(place)
    assert any("step back" in words.english() for words in plan_of(place).warnings)


@pytest.mark.parametrize("name", BOARDS)
def test_the_old_release_can_be_had_and_the_new_one_again(name: str, tmp_path: Path, pack: RescuePack) -> None:
    place = lay(name, tmp_path, pack)
    keys, loader_before = secrets(place), bytes(place.board.internal[:0x4000])
    outcome = restore(place, release="0.5.2")
    assert restored(place, "0.5.2")
    assert bytes(place.board.internal[:0x4000]) == loader_before
    assert wrote(plan_of(place))[:2] == ["system-1", "system-2"]
    loses = any("keys and settings" in words.english() for words in plan_of(place).warnings)
    assert loses is (name != "electron"), "only where the boot loader borrows the code for it (2.4.11)"
    assert outcome.xray is not None
    if name == "electron":
        assert outcome.xray.slot("system-3").state is SlotState.BLANK
    else:
        assert outcome.xray.slot("dct").state is SlotState.UNREADABLE
    place.clock.pause(20.0)
    assert place.board.personality.firmware.version == "0.5.2"
    restore(place, release="2.2.0")
    assert restored(place)
    assert runs_well(place)
    assert secrets(place) == keys


def test_the_newest_release_is_the_first_offered() -> None:
    for name in BOARDS:
        assert releases(platform(name)) == ("2.2.0", "0.5.2")
    assert releases(platform("core")) == ()


@pytest.mark.parametrize(
    ("version", "key"),
    [(2, "0.4.0"), (3, "0.4.4"), (7, "0.4.4"), (8, "0.6"), (101, "0.7"), (201, "0.7"), (311, "1.2"), (1006, "1.2")],
)
def test_the_generation_is_told_by_the_version(version: int, key: str) -> None:
    assert generation(platform("photon"), version).key == key


# --- the program ---


def test_tinker_replaces_the_program_when_it_is_chosen(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.7", tmp_path, pack)
    restore(place, application="tinker")
    assert holds(place, "user", pack.read(pick("photon", "tinker").name))
    assert runs_well(place)
    assert any("replaced by Tinker" in words.english() for words in plan_of(place).warnings)


def test_a_program_that_needs_more_than_the_new_system_is_replaced(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.7", tmp_path, pack, user_needs=2302)
    restore(place)
    assert holds(place, "user", pack.read(pick("photon", "tinker").name))
    assert runs_well(place)
    assert any("cannot stay" in write.why.english() for write in plan_of(place).writes)


def test_a_program_that_waited_for_a_newer_system_is_kept(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-safe-mode", tmp_path, pack)
    own = program(place)
    assert place.board.safe_mode
    restore(place)
    assert program(place) == own
    assert runs_well(place)


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_without_a_program_gets_tinker_without_being_asked(name: str, tmp_path: Path, pack: RescuePack) -> None:
    place = lay(name, tmp_path, pack, application=False)
    restore(place)
    assert holds(place, "user", pack.read(pick(name, "tinker").name))
    assert runs_well(place)
    assert not any("replaced by Tinker" in words.english() for words in plan_of(place).warnings)


# --- what waits on the board ---


def order(board: VirtualBoard) -> None:
    """An interrupted update over the air: an old part lies in the download area and waits to be copied over part 2."""
    slots, kind = slots_of(board.personality.kind), board.personality.kind
    old = images.build(
        seed="old part",
        size=60_000,
        start=0x0806_0000,
        platform=kind.number,
        function=images.SYSTEM_PART,
        index=2,
        version=207,
        info_at=images.F2_INFO,
    )
    board.internal[slots.ota : slots.ota + len(old)] = old
    record = struct.pack(COPY_LAYOUT, COPY_PENDING, 1, 1, 0x0800_0000 + slots.ota, 0x0806_0000, len(old), 1, 4, 0)
    board.dct[2852 : 2852 + len(record)] = record


@pytest.mark.parametrize("version", [11, 1006])
def test_a_download_that_waits_to_be_copied_is_taken_off(version: int, tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon", tmp_path, pack, IN_DFU, loader_version=version)
    order(place.board)
    restore(place)
    assert restored(place)
    assert runs_well(place)


def test_a_waiting_copy_is_taken_off_even_where_it_is_seen_only_later(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-broken-part2", tmp_path, pack, IN_DFU)
    order(place.board)
    restore(place)
    assert restored(place)
    assert runs_well(place)


@pytest.mark.parametrize("broken", [False, True])
def test_a_copy_carried_out_at_the_restart_in_between_is_written_over(
    broken: bool, tmp_path: Path, pack: RescuePack
) -> None:
    def waiting(board: VirtualBoard) -> None:
        order(board)
        if broken:
            board.internal[slots_of(board.personality.kind).ota + 5000] ^= 1

    place = lay("photon-0.7", tmp_path, pack, IN_DFU, part2=False, prepare=waiting)
    restore(place)
    assert restored(place)
    assert runs_well(place)
    assert len(plans(place)) == 2, "what was found after the restart is asked about before it is replaced"


def test_a_waiting_update_is_not_installed_over_the_new_system(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon", tmp_path, pack, IN_DFU)
    order(place.board)
    place.board.dct[2852:2872] = b"\xff" * 20
    place.board.dct[FLAG] = 0xA5
    restore(place)
    assert wrote(plan_of(place))[0] == "dct"
    assert place.board.dct[FLAG] == 0xFF
    assert restored(place)
    assert runs_well(place)


def test_an_old_mark_is_off_while_the_boot_loader_is_written_beneath_it(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack, IN_DFU)
    place.board.dct[FLAG] = 0xA5
    restore(place)
    assert wrote(plan_of(place))[:3] == ["dct", "ota", "dct"]
    assert new_loader(place)
    assert runs_well(place)


# --- stranger boards ---


def test_firmware_of_one_piece_makes_room_for_a_system_in_parts(tmp_path: Path, pack: RescuePack) -> None:
    def whole(board: VirtualBoard) -> None:
        image = images.build(
            seed="all in one",
            size=380_000,
            start=0x0802_0000,
            platform=6,
            function=images.MONOLITHIC,
            index=0,
            version=1213,
            info_at=images.F2_INFO,
        )
        board.internal[0x20000 : 0x20000 + len(image)] = image

    place = lay("photon", tmp_path, pack, prepare=whole, loader_version=311)
    keys = secrets(place)
    restore(place)
    assert restored(place)
    assert runs_well(place)
    assert secrets(place) == keys


@pytest.mark.parametrize("version", [11, 1006])
def test_a_damaged_boot_loader_that_still_answers_is_replaced_with_a_warning(
    version: int, tmp_path: Path, pack: RescuePack
) -> None:
    place = lay("photon-0.6", tmp_path, pack, IN_DFU, loader_version=version)
    place.board.internal[0x2000] ^= 0xFF
    restore(place)
    assert any("SWD" in words.english() for words in plan_of(place).warnings)
    assert restored(place)
    assert runs_well(place)
    assert new_loader(place)


def test_another_boot_loader_than_any_known_is_replaced_with_a_warning(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack, IN_DFU)
    place.board.internal[0x184:0x19C] = bytes(24)
    restore(place)
    assert any("SWD" in words.english() for words in plan_of(place).warnings)
    assert new_loader(place)


# --- what must not happen ---


def test_a_missing_file_is_told_before_anything_is_asked_of_the_board(tmp_path: Path) -> None:
    place = lay("photon-0.6", tmp_path, RescuePack(tmp_path / "empty"))
    before = place.board.transfers
    assert place.fail(RestoreSystem).code == "pack.missing"
    assert place.board.transfers == before


def test_a_no_to_the_plan_changes_nothing(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack, answers={"plan": False})
    before = place.memories()
    last = place.play(RestoreSystem)
    assert isinstance(last, Stopped)
    assert not last.changed
    assert place.memories() == before
    assert place.undo.interrupted() == ()


def test_a_core_is_told_what_to_do_instead(tmp_path: Path) -> None:
    assert not RestoreSystem.fit(desk("core", tmp_path).seen()).ok


def test_a_board_that_does_not_start_is_told_so(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("photon-0.6", tmp_path, pack)

    class Watched(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, StepStarted) and event.step == START_STEP:
                place.board.mishap = Mishap(never_returns=True)

    place.person.events = Watched(place.person.events)
    assert place.fail(RestoreSystem).code == "board.not-seen-starting"
    assert not place.bus.sightings()
    assert len(place.undo.interrupted()) == 1


# --- cut and finished ---


def come_back(place: Desk) -> None:
    """After a pulled cable: plug the board in again, and let it start."""
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(15.0)
    if not place.bus.sightings():  # parts that do not match show nothing on USB
        place.hand_into_dfu()


CUTS: dict[str, tuple[str, dict[str, Any]]] = {
    "0.5": ("photon-0.5", {}),
    "0.6-broken": ("photon-0.6", {"part2": False}),
    "0.7": ("photon-0.7", {}),
    "0.7-broken": ("photon-0.7", {"part2": False}),
    "today": ("photon", {}),
    "today-broken": ("photon-broken-part2", {}),
    "electron": ("electron", {"boot": "0.7", "firmware": "0.7"}),
}


@pytest.fixture(scope="module")
def lengths() -> dict[str, int]:
    """How many transfers a run takes that nothing cuts, by case; filled as the cases come."""
    return {}


@pytest.mark.parametrize(("case", "share"), [(case, share) for case in CUTS for share in part(range(8), 8, case)])
def test_a_cable_pulled_anywhere_is_finished_by_the_next_run(
    case: str, share: int, tmp_path: Path, pack: RescuePack, lengths: dict[str, int]
) -> None:
    name, options = CUTS[case]
    if case not in lengths:
        whole = lay(name, tmp_path / "whole", pack, **options)
        first = whole.board.transfers
        restore(whole, application="tinker")
        lengths[case] = whole.board.transfers - first

    place = lay(name, tmp_path / "cut", pack, answers={"application": "tinker"}, **options)
    keys = secrets(place)
    at = place.board.transfers + 1 + (lengths[case] - 1) * (2 * share + 1) // 16
    place.board.mishap = (Mishap(gone_at=at), Mishap(gone_amid=at), Mishap(gone_after=at))[share % 3]
    cut = place.play(RestoreSystem)
    assert secrets(place) == keys
    come_back(place)
    rescues = place.undo.interrupted()
    assert len(rescues) <= 1
    answers = {**rescues[0].answers, "resume": rescues[0].id} if rescues else {}
    assert rescues or not getattr(cut, "changed", False)
    if rescues:  # nothing but the plan is asked again
        place.person.answers = {"plan": True}
    last = place.play(RestoreSystem, answers)
    assert isinstance(last, Succeeded), last
    assert restored(place)
    assert holds(place, "user", pack.read(pick(key_of(place), "tinker").name))
    assert runs_well(place)
    assert place.board.personality.boot.version >= NEEDED
    assert place.board.dct[FLAG] == 0xFF
    assert secrets(place) == keys
    assert place.undo.interrupted() == ()
