"""Dangers a hostile reading of the rescues found: ways to lose something, or to be told what is not so."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, desk
from support.real_pack import real_pack

from app.engine.runner import run_recipe
from app.firmware.pack import RescuePack, pick
from app.recipes.flash_file import FlashFile
from app.virtual.mishaps import Mishap
from app.work.events import Failed, StepStarted

WRITE_STEP = 4  # of flash-file


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
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(5.0)
    place.hand_into_dfu()
    place.succeed(FlashFile, {"file": str(tinker), "slot": "application"})
    assert [rescue.id for rescue in place.undo.interrupted()] == [left.id]
