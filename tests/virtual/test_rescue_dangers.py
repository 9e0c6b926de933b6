"""Dangers a hostile reading of the rescues found: ways to lose something, or to be told what is not so."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.desk import IN_DFU, desk
from support.moments import at_step, come_back, plans
from support.real_pack import real_pack

from app.engine.runner import run_recipe
from app.firmware.pack import RescuePack, pick
from app.protocols.dfu import DfuSession
from app.recipes.base import Recipe
from app.recipes.deep_update import DeepUpdate
from app.recipes.factory_reset import FactoryReset
from app.recipes.flash_file import FlashFile
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.recipes.put_back import PutBack
from app.recipes.restore_system import RestoreSystem
from app.recipes.save_board import SaveBoard
from app.recipes.shared import NOT_LEFT, leave_dfu
from app.recipes.x_ray import XRayRecipe
from app.text import Text
from app.undo.store import UndoStore
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, StepDone, StepStarted, Succeeded
from app.work.job import Job
from app.work.plan import SlotState
from app.work.questions import Review

WRITE_STEP = 4  # of flash-file
START_STEP = 7  # of put-back


@pytest.fixture
def pack() -> RescuePack:
    return real_pack()


@pytest.mark.parametrize(("board", "asked"), [("photon-0.7", False), ("photon", True)])
def test_settings_are_not_asked_of_a_boot_loader_whose_code_was_just_replaced(
    board: str, asked: bool, pack: RescuePack, tmp_path: Path
) -> None:
    part = pick("photon", "system-2", "2.2.0")
    file = tmp_path / "part.bin"
    file.write_bytes(pack.read(part.name))
    place = desk(board, tmp_path, IN_DFU, pack=pack, answers={"plan": True, "risk": True, "file": str(file)})
    outcome = place.succeed(FlashFile)
    assert outcome.xray is not None
    assert any(slot.region == "dct" for slot in outcome.xray.slots) is asked


def test_settings_are_not_asked_of_a_boot_loader_that_nothing_tells_of(
    pack: RescuePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.work.identity.boot_loader_of", lambda *_: None)  # as where USB tells nothing of it
    file = tmp_path / "part.bin"
    file.write_bytes(pack.read(pick("photon", "system-2", "2.2.0").name))
    place = desk("photon", tmp_path, IN_DFU, pack=pack, answers={"plan": True, "risk": True, "file": str(file)})
    place.board.internal[0x184:0x19C] = b"\xff" * 24  # 7.1: its version cannot be read either
    assert place.seen().boot_loader is None
    outcome = place.succeed(FlashFile)
    assert outcome.xray is not None
    assert not any(slot.region == "dct" for slot in outcome.xray.slots)


def test_a_program_half_written_in_one_place_is_not_forgotten_because_another_place_was_written(
    pack: RescuePack, tmp_path: Path
) -> None:
    tinker = tmp_path / "tinker.bin"
    tinker.write_bytes(pack.read(pick("core", "tinker").name))
    doctor = tmp_path / "doctor.bin"
    doctor.write_bytes(pack.read(pick("core", "doctor").name))
    place = desk("core", tmp_path, IN_DFU, pack=pack, answers={"plan": True})
    cut: list[int] = []

    def pull(event: object) -> None:
        if isinstance(event, StepStarted) and event.step == WRITE_STEP and not cut:
            cut.append(1)
            place.board.mishap = Mishap(gone_after=place.board.transfers + 60)
        place.person(event)  # type: ignore[arg-type]

    run_recipe(FlashFile(), place.job({"file": str(doctor), "slot": "factory"}, post=pull))
    assert isinstance(place.person.events[-1], Failed)
    (left,) = place.undo.interrupted()
    assert {target.region for target in left.planned} == {"factory"}
    come_back(place)
    place.succeed(FlashFile, {"file": str(tinker), "slot": "application"})
    assert [rescue.id for rescue in place.undo.interrupted()] == [left.id]


def test_what_is_one_board_s_own_does_not_come_onto_another_with_its_firmware(tmp_path: Path) -> None:
    source = desk("core", tmp_path, IN_DFU)
    source.board.internal[0x4C02:0x4C04] = b"\x01\x00"  # 3.1: forget the Wi-Fi networks
    source.board.spi[:16] = bytes(range(16))  # 3.2: what the maker noted
    source.succeed(SaveBoard)
    other = desk("core-0.5", tmp_path, IN_DFU, answers={"plan": True, "other-board": True})
    (dump,) = other.undo.dumps()
    flags, notes = bytes(other.board.internal[0x4C00:0x5000]), bytes(other.board.spi[:0x3000])
    after: list[tuple[bytes, bytes]] = []
    at_step(
        other,
        START_STEP,
        lambda: after.append((bytes(other.board.internal[0x4C00:0x5000]), bytes(other.board.spi[:0x3000]))),
    )
    other.succeed(PutBack, {"dump": dump.id})
    assert after == [(flags, notes)]
    assert bytes(other.board.internal[0x5000:0x20000]) == bytes(source.board.internal[0x5000:0x20000])


def test_putting_back_is_not_over_while_the_board_was_not_told_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"plan": True, "with-keys": False})
    place.succeed(SaveBoard)
    (dump,) = place.undo.dumps()
    place.board.internal[0x5100] ^= 1

    def pulled(job: Job) -> Text:
        place.bus.unplug(place.board)
        return leave_dfu(job)

    monkeypatch.setattr("app.recipes.put_back.leave_dfu", pulled)
    assert place.fail(PutBack, {"dump": dump.id}).code == "board.not-seen-starting"
    (left,) = place.undo.interrupted()
    monkeypatch.undo()
    come_back(place)
    place.succeed(PutBack, {"dump": dump.id, "resume": left.id})
    assert place.undo.interrupted() == ()


def test_a_board_whose_buttons_nobody_pressed_is_not_said_to_have_no_firmware(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, answers={"factory-reset": True, "wifi": "keep"}, factory_image=True)
    place.person.do = lambda question: None
    place.succeed(FactoryReset)
    notes = [event.note.english() for event in place.person.events if isinstance(event, StepDone) and event.note]
    assert not any("no firmware that can start" in note for note in notes)


def test_a_rescue_is_not_finished_on_another_board_of_the_same_number(pack: RescuePack, tmp_path: Path) -> None:
    answers = {"plan": True, "release": "2.2.0", "application": "tinker"}
    first = desk("photon-0.5", tmp_path, IN_DFU, pack=pack, answers=answers)
    first.board.dct[3618:3630] = bytes.fromhex(first.board.device_id)  # 1.4: as firmware from 0.6 on leaves it
    first.board.mishap = Mishap(gone_after=first.board.transfers + 400)
    assert isinstance(first.play(RestoreSystem), Failed)
    (left,) = first.undo.interrupted()
    assert left.board.device_id == first.board.device_id
    second = desk("photon-0.5", tmp_path, IN_DFU, pack=pack, answers=answers)
    second.board.dct[3618:3630] = bytes(reversed(bytes.fromhex(first.board.device_id)))
    before = second.memories()
    assert second.fail(RestoreSystem, {"resume": left.id}).code == "undo.unknown-rescue"
    assert second.memories() == before
    assert [rescue.id for rescue in second.undo.interrupted()] == [left.id]


@pytest.mark.parametrize(
    ("recipe", "transfer"),
    [*((RestoreSystem, number) for number in (450, 650, 1000, 1200)), *((FlashFile, number) for number in (350, 600))],
)
def test_where_no_id_tells_boards_apart_a_rescue_is_finished_only_on_the_memory_it_left(
    recipe: type[Recipe], transfer: int, pack: RescuePack, tmp_path: Path
) -> None:
    file = tmp_path / "part.bin"
    file.write_bytes(pack.read(pick("photon", "system-1", "2.2.0").name))
    answers = {"plan": True, "risk": True, "release": "2.2.0", "application": "tinker", "file": str(file)}
    first = desk("photon-0.5", tmp_path, IN_DFU, pack=pack, answers=answers)
    first.board.mishap = Mishap(gone_amid=first.board.transfers + transfer)
    assert isinstance(first.play(recipe), Failed)
    (left,) = first.undo.interrupted()
    assert left.board.device_id is None
    second = desk("photon-0.5", tmp_path, IN_DFU, pack=pack, answers=answers)
    second.board.internal[0x20100] ^= 1
    second.board.internal[0x20000:0x20004] = b"\x00\x00\x00\x20"
    before = second.memories()
    assert second.fail(recipe, {**left.answers, "resume": left.id}).code == "undo.rescue-of-other-board"
    assert second.memories() == before
    assert [rescue.id for rescue in second.undo.interrupted()] == [left.id]
    come_back(first)
    first.succeed(recipe, {**left.answers, "resume": left.id})
    assert first.undo.interrupted() == ()


@pytest.mark.parametrize(("board", "warned"), [("photon-0.6", True), ("photon-0.7", False), ("electron", False)])
def test_a_system_from_which_the_new_boot_loader_cannot_reach_the_keys_is_put_back_only_with_a_warning(
    board: str, warned: bool, pack: RescuePack, tmp_path: Path
) -> None:
    answers = {"plan": True, "release": "2.2.0", "application": "tinker", "downgrade": True, "with-keys": False}
    place = desk(board, tmp_path, IN_DFU, pack=pack, answers=answers)
    place.succeed(RestoreSystem)
    place.hand_into_dfu()
    (rescue,) = place.undo.rescues()
    place.succeed(PutBack, {"rescue": rescue.id})
    plan = plans(place)[-1]
    assert "system-2" in {write.region for write in plan.writes}
    assert any("Back up the key" in warning.english() for warning in plan.warnings) is warned


def test_a_board_changed_while_the_plan_is_read_gets_nothing_even_at_the_same_address(
    pack: RescuePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"radio-patch": "1.13.7", "patch-again": "run"}
    place = desk("core", tmp_path, IN_DFU, pack=pack, answers=answers)
    other = make("core-0.5", place.clock, profiles=True)

    def read_the_plan(event: Event) -> None:
        place.person(event)
        if isinstance(event, Asked) and isinstance(event.question, Review):
            before = place.bus.sightings()[0].address
            place.bus.unplug(place.board)
            place.bus.plug(other, "1-1")
            place.clock.pause(5.0)
            PracticeHand(other).enter_dfu()
            place.clock.pause(5.0)
            monkeypatch.setattr(place.bus, "_last_address", before - 1)
            assert place.bus.sightings()[0].address == before
            event.reply(True)

    run_recipe(FullFirmwareUpgrade(), place.job(post=read_the_plan))
    last = place.person.events[-1]
    assert isinstance(last, Failed)
    assert last.code == "board.another-one"
    assert not any(place.undo.root.rglob("*.secret"))


@pytest.mark.parametrize(("board", "region"), [("core", "free"), ("photon", "eeprom"), ("p1", "serial-flash")])
def test_memory_of_which_only_the_beginning_was_read_is_not_said_to_be_empty(
    board: str, region: str, tmp_path: Path
) -> None:
    place = desk(board, tmp_path, IN_DFU)
    if board == "core":
        place.board.spi[0x80000:] = b"\xff" * 0x1000 + b"data" + b"\xff" * (0x180000 - 0x1004)
    outcome = place.succeed(XRayRecipe)
    assert outcome.xray is not None
    slot = outcome.xray.slot(region)
    assert slot.state is SlotState.KEPT
    assert "not looked at" in slot.what.english() or slot.what.english() == "in use"


def test_a_rescue_is_not_finished_with_a_copy_that_has_changed_on_the_disk(pack: RescuePack, tmp_path: Path) -> None:
    file = tmp_path / "old.bin"
    file.write_bytes(pack.read(pick("core", "radio-patch").name))  # of 2014: it carries no checksum (7.3)
    place = desk("core", tmp_path, IN_DFU, answers={"plan": True, "risk": True, "slot": "application"})
    at_step(place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_after=place.board.transfers + 60)))
    assert isinstance(place.play(FlashFile, {"file": str(file)}), Failed)
    (left,) = place.undo.interrupted()
    copy = Path(str(left.answers["file"]))
    changed = bytearray(copy.read_bytes())
    changed[5000] ^= 1
    copy.chmod(0o600)
    copy.write_bytes(changed)
    come_back(place)
    torn = place.memories()
    assert place.fail(FlashFile, {**left.answers, "resume": left.id}).code == "undo.damaged"
    assert place.memories() == torn


def test_what_was_saved_of_a_practice_board_is_not_put_onto_a_real_one(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"plan": True})
    real, place.undo = place.undo, UndoStore(place.undo.root, practice=True)
    place.succeed(SaveBoard)
    (dump,) = place.undo.dumps()
    place.undo = real
    place.board.internal[0x5100] ^= 1
    before = place.memories()
    assert place.fail(PutBack, {"dump": dump.id}).code == "undo.unknown"
    assert place.fail(PutBack).code == "undo.nothing-kept"
    assert place.memories() == before


@pytest.mark.parametrize(("board", "warned"), [("photon-0.6", True), ("photon", False)])
def test_firmware_that_needs_a_newer_boot_loader_is_put_back_only_with_a_warning(
    board: str, warned: bool, pack: RescuePack, tmp_path: Path
) -> None:
    answers = {"plan": True, "release": "2.2.0", "application": "tinker", "downgrade": True, "other-board": True}
    source = desk("photon-0.7", tmp_path, IN_DFU, pack=pack, answers=answers)
    source.succeed(RestoreSystem)
    source.hand_into_dfu()
    source.succeed(SaveBoard)
    (dump,) = source.undo.dumps()
    other = desk(board, tmp_path, IN_DFU, answers=answers)
    other.play(PutBack, {"dump": dump.id})
    (plan,) = plans(other)
    assert any("needs boot loader" in warning.english() for warning in plan.warnings) is warned


def test_a_program_that_a_waiting_order_replaced_is_kept_and_not_said_to_stand_as_it_should(
    pack: RescuePack, tmp_path: Path
) -> None:
    def order(board: VirtualBoard) -> None:
        """Let a copy from the download area over the user firmware wait (3.5)."""
        words = struct.pack("<HBBIIIBB", 0xABCD, 1, 1, 0x080C_0000, 0x080A_0000, 0x4000, 0, 5)
        board.dct[2852 : 2852 + len(words)] = words

    answers = {"plan": True, "release": "2.2.0", "application": "keep", "downgrade": True}
    place = desk("photon-0.7", tmp_path, IN_DFU, pack=pack, part2=False, prepare=order, answers=answers)
    program = bytes(place.board.internal[0xA0000:0xC0000])
    assert place.fail(RestoreSystem).code == "dfu.flash-differs"
    (left,) = place.undo.interrupted()
    (kept,) = (piece for piece in left.snapshots if piece.region == "user")
    assert place.undo.read(kept) == program
    come_back(place)
    place.succeed(RestoreSystem, {"resume": left.id})
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize(
    ("recipe", "board"), [(FullFirmwareUpgrade, "core"), (DeepUpdate, "core-old-radio"), (RestoreSystem, "photon-0.7")]
)
def test_a_factory_reset_that_waits_is_in_the_plan_of_every_rescue(
    recipe: type[Recipe], board: str, pack: RescuePack, tmp_path: Path
) -> None:
    answers = {"plan": False, "radio-patch": "1.13.7", "network": "known", "release": "2.2.0", "application": "keep"}
    place = desk(board, tmp_path, IN_DFU, pack=pack, answers=answers)
    if place.board.spi_flash is not None:
        place.board.internal[0x4C08:0x4C0A] = b"\xaa\xaa"  # 3.1
    else:
        place.board.dct[12:14] = b"\xaa\xaa"  # 3.5
    place.play(recipe)
    (plan,) = plans(place)
    assert any("factory reset waits" in warning.english() for warning in plan.warnings)


@pytest.mark.parametrize(
    ("role", "kept"), [("tinker", True), ("radio-patch", False), ("radio-patch-1.14", False), ("deep-update", True)]
)
def test_a_radio_patch_of_one_s_own_is_not_said_to_keep_the_wi_fi_networks(
    role: str, kept: bool, pack: RescuePack, tmp_path: Path
) -> None:
    file = tmp_path / "own.bin"
    file.write_bytes(pack.read(pick("core", role).name))
    place = desk("core", tmp_path, IN_DFU, answers={"plan": False, "slot": "application"})
    place.play(FlashFile, {"file": str(file)})
    (plan,) = plans(place)
    assert any("Wi-Fi networks and all other settings" in words.english() for words in plan.stays) is kept


def test_where_nothing_was_put_back_a_board_that_does_not_leave_is_no_interrupted_rescue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"plan": True})
    place.succeed(SaveBoard)
    (dump,) = place.undo.dumps()
    monkeypatch.setattr("app.recipes.put_back.leave_dfu", lambda job: NOT_LEFT)
    outcome = place.succeed(PutBack, {"dump": dump.id})
    assert NOT_LEFT in outcome.warnings


@pytest.mark.parametrize(("flag", "over"), [(b"\x00\x50", True), (b"\xff\xff", False)])
@pytest.mark.parametrize("recipe", [FlashFile, PutBack])
def test_a_cable_pulled_in_the_moment_of_leaving_leaves_open_what_could_stay_in_update_mode(
    recipe: type[Recipe], flag: bytes, over: bool, pack: RescuePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tinker.bin"
    file.write_bytes(pack.read(pick("core", "tinker").name))
    place = desk("core", tmp_path, IN_DFU, answers={"plan": True, "with-keys": False, "slot": "application"})
    place.board.internal[0x4C04:0x4C06] = flag  # 3.1
    place.succeed(SaveBoard)
    (dump,) = place.undo.dumps()
    place.board.internal[0x5100] ^= 1

    leave = DfuSession.leave

    def pulled(session: DfuSession) -> None:
        session.settle()
        before = place.board.transfers
        session.settle()
        # The word to leave comes next; the GETSTATUS that makes the board carry it out never arrives (2.2).
        place.board.mishap = Mishap(gone_at=2 * place.board.transfers - before + 2)
        leave(session)

    monkeypatch.setattr(DfuSession, "leave", pulled)
    last = place.play(recipe, {"dump": dump.id, "file": str(file)})
    assert bytes(place.board.internal[0x4C04:0x4C06]) == flag, "the board was not told"
    assert isinstance(last, Succeeded) is over
    assert (place.undo.interrupted() == ()) is over
    if over:
        return
    assert isinstance(last, Failed)
    assert last.code == "board.not-seen-starting"
    monkeypatch.undo()
    (left,) = place.undo.interrupted()
    come_back(place)
    place.succeed(recipe, {**left.answers, "resume": left.id})
    assert place.undo.interrupted() == ()
    assert bytes(place.board.internal[0x4C04:0x4C06]) == b"\x00\x50"
