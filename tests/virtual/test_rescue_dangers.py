"""Dangers a hostile reading of the rescues found: ways to lose something, or to be told what is not so."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, desk
from support.real_pack import real_pack

from app.firmware.pack import RescuePack, pick
from app.recipes.flash_file import FlashFile


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
