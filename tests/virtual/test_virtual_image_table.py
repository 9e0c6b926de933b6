"""The virtual board's table of programs and the rescue pack's are two readings of 7.3: they must agree."""

from __future__ import annotations

import pytest
from support.clock import FastClock
from support.real_pack import real_pack

from app.firmware.pack import PACK, PackFile
from app.virtual import programs
from app.virtual.board import Phase
from app.virtual.catalogue import make

APPLICATIONS = (
    "tinker",
    "doctor",
    "radio-patch",
    "radio-patch-1.14",
    "deep-update",
    "voodoospark",
    "tinker-usb-debugging",
)
FILES = [file for file in PACK if file.role in APPLICATIONS]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_programs_of_the_pack_are_known(file: PackFile) -> None:
    rows = programs.CORE_IMAGES if file.platform == "core" else programs.USER_IMAGES
    found = [key for size, digest, key in rows if (size, digest) == (file.size, file.sha256)]
    assert found in ([file.role], [f"{file.role}-of-2016"])


def test_every_known_program_is_in_the_pack_or_left_out_on_purpose() -> None:
    ours = {digest for _, digest, _ in (*programs.CORE_IMAGES, *programs.USER_IMAGES)}
    voodoospark = {digest for _, digest, key in programs.CORE_IMAGES if key == "voodoospark"}
    assert ours - {file.sha256 for file in FILES} <= voodoospark


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.platform not in ("core", None)], ids=lambda file: file.name
)
def test_real_applications_are_recognised_on_their_board(file: PackFile) -> None:
    assert file.platform is not None
    image = real_pack().read(file.name)
    clock = FastClock()
    board = make(file.platform, clock)
    at = 0x80000 if file.platform == "electron" else 0xA0000
    board.internal[at : at + 0x20000] = image.ljust(0x20000, b"\xff")
    board.plug()
    clock.pause(60)
    assert board.phase is Phase.FIRMWARE
    assert board.program == file.role
    assert not board.safe_mode
