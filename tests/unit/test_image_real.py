"""The published images, read as device-protocol.md 7.3 has them; typed off that table independently of the program."""

from __future__ import annotations

import hashlib

import pytest
from support.real_pack import real_pack

from app.faults import ImageUnreadable
from app.firmware.image import KNOWN_LEGACY, Form, Function, Image, find, parse
from app.firmware.pack import PACK, pack_file
from app.firmware.releases import describe, release_of, release_since, version_of
from app.firmware.verdict import judge
from app.platforms.table import PLATFORMS, platform

B, M, S, U = Function.BOOT_LOADER, Function.MONOLITHIC, Function.SYSTEM, Function.USER
Needs = tuple[tuple[Function, int, int], ...]

# name: board, function, index, version, start, address of the checksum, needs, region, words
ROWS: dict[str, tuple[str, Function, int, int, int, int, Needs, str, str]] = {
    "core_tinker-1.16.bin": ("core", M, 0, 0, 0x8005000, 0x80193AC, (), "application", "Complete firmware"),
    "core_tinker.bin": ("core", M, 0, 207, 0x8005000, 0x801D270, (), "application", "Complete firmware, 0.7.0"),
    "core_doctor.bin": ("core", M, 0, 0, 0x8005000, 0x801BED0, (), "application", "Complete firmware"),
    "voodoospark.bin": ("core", M, 0, 0, 0x8005000, 0x801A410, (), "application", "Complete firmware"),
    "photon_tinker.bin": ("photon", U, 1, 2, 0x80A0000, 0x80A0F6C, ((S, 2, 1),), "user", "User firmware"),
    "p1_tinker.bin": ("p1", U, 1, 2, 0x80A0000, 0x80A1280, ((S, 2, 3),), "user", "User firmware"),
    "electron_tinker.bin": ("electron", U, 1, 3, 0x8080000, 0x808168C, ((S, 2, 10),), "user", "User firmware"),
    "tinker-0.4.5-photon.bin": ("photon", U, 1, 3, 0x80A0000, 0x80A14C8, ((S, 2, 6),), "user", "User firmware"),
    "tinker-0.4.5-p1.bin": ("p1", U, 1, 3, 0x80A0000, 0x80A14C8, ((S, 2, 6),), "user", "User firmware"),
    "tinker-usb-debugging-0.6.0-electron.bin": (
        *("electron", U, 1, 4, 0x8080000, 0x80828DC),
        *(((S, 2, 102),), "user", "User firmware"),
    ),
    "photon_doctor.bin": ("photon", U, 1, 4, 0x80A0000, 0x80A1AE4, ((S, 2, 108),), "user", "User firmware"),
    "p1_doctor.bin": ("p1", U, 1, 4, 0x80A0000, 0x80A1AE4, ((S, 2, 108),), "user", "User firmware"),
    "electron_doctor.bin": ("electron", U, 1, 4, 0x8080000, 0x8081A04, ((S, 2, 108),), "user", "User firmware"),
    "system-part1-0.5.2-photon.bin": (
        *("photon", S, 1, 17, 0x8020000, 0x805D448),
        *((), "system-1", "System part 1, 0.5.2"),
    ),
    "system-part2-0.5.2-photon.bin": (
        *("photon", S, 2, 17, 0x8060000, 0x808DC60),
        *(((S, 1, 17),), "system-2", "System part 2, 0.5.2"),
    ),
    "system-part1-0.5.2-electron.bin": (
        *("electron", S, 1, 17, 0x8020000, 0x803E020),
        *((), "system-1", "System part 1, 0.5.2"),
    ),
    "system-part2-0.5.2-electron.bin": (
        *("electron", S, 2, 17, 0x8040000, 0x805D790),
        *(((S, 1, 17),), "system-2", "System part 2, 0.5.2"),
    ),
    "photon-bootloader@2.2.0+lto.bin": (
        *("photon", B, 0, 1006, 0x8000000, 0x8003B10),
        *((), "ota", "Boot loader, 2.2.0"),
    ),
    "photon-system-part1@2.2.0.bin": (
        *("photon", S, 1, 2202, 0x8020000, 0x805AF54),
        *(((S, 2, 207),), "system-1", "System part 1, 2.2.0"),
    ),
    "photon-system-part2@2.2.0.bin": (
        *("photon", S, 2, 2202, 0x8060000, 0x809FAE4),
        *(((S, 1, 2202), (B, 0, 1003)), "system-2", "System part 2, 2.2.0"),
    ),
    "p1-bootloader@2.2.0+lto.bin": ("p1", B, 0, 1006, 0x8000000, 0x8003DA4, (), "ota", "Boot loader, 2.2.0"),
    "electron-bootloader@2.2.0+lto.bin": (
        *("electron", B, 0, 1006, 0x8000000, 0x8003D34),
        *((), "ota", "Boot loader, 2.2.0"),
    ),
    "electron-system-part1@2.2.0.bin": (
        *("electron", S, 3, 2202, 0x8060000, 0x80755A8),
        *(((S, 2, 110),), "system-3", "System part 3, 2.2.0"),
    ),
    "electron-system-part2@2.2.0.bin": (
        *("electron", S, 1, 2202, 0x8020000, 0x803BD58),
        *(((S, 3, 2202),), "system-1", "System part 1, 2.2.0"),
    ),
    "electron-system-part3@2.2.0.bin": (
        *("electron", S, 2, 2202, 0x8040000, 0x805DDF8),
        *(((S, 1, 2202), (B, 0, 1003)), "system-2", "System part 2, 2.2.0"),
    ),
}
LEGACY = {
    "cc3000-patch-programmer.bin": (25068, 0x080055E1, "Radio patch, service pack 1.13.7"),
    "cc3000-patch-programmer_1_14.bin": (25240, 0x08005789, "Radio patch, service pack 1.14"),
    "deep_update_2014_06.bin": (93636, 0x08009151, "Deep update of June 2014"),
}
IMAGES = [file.name for file in PACK if file.platform is not None and file.role not in ("server-key", "licence")]


@pytest.mark.parametrize("name", ROWS)
def test_a_published_image_reads_as_the_table_has_it(name: str) -> None:
    board, function, index, version, start, last, needs, region, said = ROWS[name]
    image = real_pack().image(name)
    assert image.built_for == image.platform == platform(board).number
    assert (image.function, image.index, image.version) == (function, index, version)
    assert (image.start, image.end) == (start, last + 4)
    assert tuple((need.function, need.index, need.version) for need in image.dependencies) == needs
    assert image.form is (Form.CORE if board == "core" else Form.MODULE)
    assert (image.crc_ok, image.sha_ok) == (True, True)
    assert describe(image).english() == said
    assert judge(image, platform(board)).region == region


@pytest.mark.parametrize("name", LEGACY)
def test_a_published_image_without_checksum_is_known(name: str) -> None:
    size, entry, said = LEGACY[name]
    image = real_pack().image(name)
    assert image.form is Form.LEGACY
    assert image.size == size
    assert int.from_bytes(image.content[4:8], "little") == entry
    assert image.crc_ok is None
    assert describe(image).english() == said
    told = judge(image, platform("core"))
    assert told.ok
    assert told.region == "application"


@pytest.mark.parametrize("name", IMAGES)
def test_a_published_image_fits_its_own_board_and_no_other(name: str) -> None:
    file, image = pack_file(name), real_pack().image(name)
    assert file.platform is not None
    assert {board.key for board in PLATFORMS if judge(image, board).ok} == {file.platform}
    region = {"bootloader": "ota", "system-1": "system-1", "system-2": "system-2", "system-3": "system-3"}.get(
        file.role, "application" if file.platform == "core" else "user"
    )
    assert judge(image, platform(file.platform)).region == region


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("rest", [b"", b"\xff" * 3000, bytes(range(256)) * 12], ids=["nothing", "blank", "old data"])
def test_a_published_image_is_found_in_memory(name: str, rest: bytes) -> None:
    file, image = pack_file(name), real_pack().image(name)
    assert file.platform is not None
    assert find(image.content + rest, image.start, platform(file.platform)) == image


@pytest.mark.parametrize("name", LEGACY)
def test_a_known_image_with_one_changed_byte_is_known_no_more(name: str) -> None:
    content = bytearray(real_pack().read(name))
    content[0x1000] ^= 1
    told = judge(parse(bytes(content)), platform("core"))
    assert [problem.code for problem in told.problems] == ["unproven"]


def test_voodoospark_is_for_the_core_whoever_lists_it_for_the_photon() -> None:
    told = judge(real_pack().image("voodoospark.bin"), platform("photon"))
    said = told.problems[0].words.english()
    assert "Spark Core" in said
    assert "Particle Photon" in said
    assert told.absolute


@pytest.mark.parametrize("board", ["photon", "p1", "electron"])
def test_the_parts_of_a_release_go_together(board: str) -> None:
    pack = real_pack()
    files = [file for file in PACK if file.platform == board and file.release == "2.2.0"]
    images = [pack.image(file.name) for file in files]
    installed = {(image.function, image.index): image.version or 0 for image in images}
    assert all(judge(image, platform(board), installed=installed).ok for image in images)


def test_user_firmware_on_older_system_parts_is_told_what_is_missing() -> None:
    image = real_pack().image("photon_doctor.bin")
    told = judge(image, platform("photon"), installed={(S, 1): 17, (S, 2): 17})
    (problem,) = told.problems
    assert problem.code == "dependency"
    assert "System part 2, 0.5.2" in problem.words.english()
    assert "0.6.3" in problem.next_step.english()  # 108 is no release's number; 109 is the next


@pytest.mark.parametrize("name", ["ota-flag-a5.bin", "rsa.pub.der", "ec.pub.der", "particle-cli-LICENSE.txt"])
def test_what_is_no_image_in_the_pack_is_refused(name: str) -> None:
    with pytest.raises(ImageUnreadable):
        real_pack().image(name)


def test_every_image_of_the_table_is_checked_here() -> None:
    untold = {"tinker-usb-debugging-v0.4.8-rc.6-electron.bin"}  # rows that say "same" or give no numbers
    untold |= {f"p1-system-part{number}@2.2.0.bin" for number in (1, 2)}
    untold |= {f"system-part{number}-0.5.2-p1.bin" for number in (1, 2)}
    assert set(IMAGES) == ROWS.keys() | LEGACY.keys() | untold


def test_the_known_images_are_those_of_the_pack() -> None:
    known = {(row.size, row.sha256) for row in KNOWN_LEGACY}
    assert known == {(pack_file(name).size, pack_file(name).sha256) for name in LEGACY}


@pytest.mark.parametrize(
    ("function", "version", "release"),
    [
        (S, 17, "0.5.2"),
        (S, 2202, "2.2.0"),
        (M, 207, "0.7.0"),
        (B, 1006, "2.2.0"),
        (B, 8, "0.6.0"),
        (S, 110, ""),
        (U, 17, ""),
    ],
)
def test_a_version_number_names_a_release(function: Function, version: int, release: str) -> None:
    assert release_of(version, function) == release
    if release:
        assert version_of(release, function) == version


def test_the_next_release_after_a_version_is_known() -> None:
    assert release_since(110, S) == "0.7.0"
    assert release_since(9000, S) == ""


def test_the_hash_of_an_image_is_that_of_its_bytes() -> None:
    image: Image = real_pack().image("core_tinker.bin")
    assert image.sha256 == hashlib.sha256(image.content).hexdigest() == pack_file("core_tinker.bin").sha256
