"""The rescue pack's table, folder, and the ways files come in without a network."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import random
import re
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.real_pack import real_pack

from app.faults import (
    FolderGone,
    ImageUnreadable,
    PackArchiveUnreadable,
    PackFileDamaged,
    PackFileMissing,
    PackNoRoom,
)
from app.files import FileActions
from app.firmware import archive as archives
from app.firmware.image import Form, Function
from app.firmware.pack import PACK, PackFile, PackState, RescuePack, pack_file, pick, recognise
from app.firmware.releases import release_of
from app.platforms.table import PLATFORMS, platform

FLAG = "ota-flag-a5.bin"  # the only file everybody knows by heart
FLAG_BYTES = b"\xa5"
BIG = "photon-system-part2@2.2.0.bin"
FUNCTIONS = {
    "tinker": Function.USER,
    "doctor": Function.USER,
    "tinker-usb-debugging": Function.USER,
    "bootloader": Function.BOOT_LOADER,
    "system-1": Function.SYSTEM,
    "system-2": Function.SYSTEM,
    "system-3": Function.SYSTEM,
}


@pytest.fixture
def pack(tmp_path: Path) -> RescuePack:
    return RescuePack(tmp_path / "pack")


def states(pack: RescuePack) -> dict[str, PackState]:
    return {item.file.name: item.state for item in pack.items()}


# --- the table ------------------------------------------------------------------------------------------------------


def test_every_row_names_a_file_of_its_own() -> None:
    assert len({file.name for file in PACK}) == len(PACK)
    assert len({file.sha256 for file in PACK}) == len(PACK)
    assert len({file.remote for file in PACK}) == len(PACK)


@pytest.mark.parametrize("file", PACK, ids=lambda file: file.name)
def test_a_row_is_fit_for_every_disk_and_every_address(file: PackFile) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9@+._-]*", file.name)
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert file.size > 0
    assert file.platform is None or file.platform in {each.key for each in PLATFORMS}
    assert re.fullmatch(r"v[0-9.]+/[A-Za-z0-9/%._-]+", file.remote)
    assert file.title.english().strip()


@pytest.mark.parametrize("file", [file for file in PACK if file.role in FUNCTIONS], ids=lambda file: file.name)
def test_an_image_is_what_its_row_says(file: PackFile) -> None:
    pack = real_pack()
    assert file.platform is not None
    image = pack.image(file.name)
    board = platform(file.platform)
    assert image.crc_ok
    assert image.platform == board.number
    if image.form is Form.CORE:
        return
    assert image.function is FUNCTIONS[file.role]
    if file.role.startswith("system-"):
        assert file.role == f"system-{image.index}"
        assert image.start == board.region(file.role).start
    if file.role.startswith("system-") or file.role == "bootloader":
        assert image.version is not None
        assert release_of(image.version, image.function) == file.release


def test_no_two_titles_are_the_same_but_for_keys() -> None:
    titles = [file.title.english() for file in PACK if file.role != "server-key"]
    assert len(set(titles)) == len(titles)


def test_the_newest_is_picked_unless_a_release_is_named() -> None:
    assert pick("photon", "system-1").release == "2.2.0"
    assert pick("photon", "system-1", "0.5.2").name == "system-part1-0.5.2-photon.bin"
    assert pick("core", "tinker").release == "0.7.0"
    assert pick("electron", "tinker-usb-debugging").release == "0.6.0"


def test_the_electrons_part_numbers_are_those_of_the_modules() -> None:
    assert pick("electron", "system-3").name == "electron-system-part1@2.2.0.bin"
    assert pick("electron", "system-1").name == "electron-system-part2@2.2.0.bin"
    assert pick("electron", "system-2").name == "electron-system-part3@2.2.0.bin"


def test_each_board_gets_the_server_key_of_its_usual_transport() -> None:
    assert pick("core", "server-key").name == "rsa.pub-padded.der"
    assert pick("photon", "server-key").name == "rsa.pub.der"
    assert pick("p1", "server-key").name == "rsa.pub.der"
    assert pick("electron", "server-key").name == "ec.pub.der"


@pytest.mark.parametrize("wanted", [("core", "system-1"), ("photon", "voodoospark"), ("photon", "system-3")])
def test_what_does_not_exist_for_a_board_is_not_picked(wanted: tuple[str, str]) -> None:
    with pytest.raises(KeyError):
        pick(*wanted)


def test_content_is_recognised_whatever_it_is_called() -> None:
    assert recognise(FLAG_BYTES) is pack_file(FLAG)
    assert recognise(b"\xa4") is None
    assert recognise(b"") is None


# --- the folder -----------------------------------------------------------------------------------------------------


def test_an_empty_folder_lacks_everything_and_is_not_made_by_looking(pack: RescuePack) -> None:
    assert set(states(pack).values()) == {PackState.MISSING}
    assert not pack.root.exists()
    with pytest.raises(PackFileMissing) as caught:
        pack.read(BIG)
    assert "Particle Photon: System part 2, 2.2.0" in caught.value.cause.english()


def test_a_file_that_changed_since_the_last_read_is_refused(pack: RescuePack) -> None:
    pack.store(FLAG, FLAG_BYTES)
    assert pack.read(FLAG) == FLAG_BYTES
    (pack.root / FLAG).write_bytes(b"\xa4")
    assert states(pack)[FLAG] is PackState.DAMAGED
    with pytest.raises(PackFileDamaged):
        pack.read(FLAG)
    pack.store(FLAG, FLAG_BYTES)
    assert states(pack)[FLAG] is PackState.PRESENT


def test_wrong_bytes_are_never_stored(pack: RescuePack) -> None:
    with pytest.raises(PackFileDamaged):
        pack.store(BIG, FLAG_BYTES)
    assert not pack.root.exists()


def test_a_folder_under_a_files_name_is_damage_not_a_crash(pack: RescuePack) -> None:
    (pack.root / FLAG).mkdir(parents=True)
    assert states(pack)[FLAG] is PackState.DAMAGED


def test_a_damaged_file_is_put_right_from_what_came_with_the_program(tmp_path: Path) -> None:
    RescuePack(tmp_path / "bundle").store(FLAG, FLAG_BYTES)
    pack = RescuePack(tmp_path / "pack", tmp_path / "bundle")
    pack.root.mkdir()
    (pack.root / FLAG).write_bytes(b"?")
    assert states(pack)[FLAG] is PackState.DAMAGED
    assert pack.read(FLAG) == FLAG_BYTES
    assert states(pack)[FLAG] is PackState.PRESENT


def test_what_came_with_the_program_is_read_without_a_copy(tmp_path: Path) -> None:
    RescuePack(tmp_path / "bundle").store(FLAG, FLAG_BYTES)
    pack = RescuePack(tmp_path / "pack", tmp_path / "bundle")
    assert states(pack)[FLAG] is PackState.PRESENT
    assert pack.read(FLAG) == FLAG_BYTES
    assert not pack.root.exists()


def test_filling_copies_only_what_is_needed_and_right(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    RescuePack(bundle).store(FLAG, FLAG_BYTES)
    (bundle / BIG).write_bytes(b"damaged while it was packed")
    pack = RescuePack(tmp_path / "pack", bundle)
    assert pack.fill_from_bundle() == (FLAG,)
    assert pack.fill_from_bundle() == ()
    assert states(pack)[BIG] is PackState.DAMAGED
    with pytest.raises(PackFileDamaged):
        pack.read(BIG)
    assert RescuePack(tmp_path / "pack").fill_from_bundle() == ()


def test_the_whole_pack_is_copied_and_read_back(tmp_path: Path) -> None:
    real = real_pack()
    pack = RescuePack(tmp_path / "pack", real.root)
    assert pack.fill_from_bundle() == tuple(file.name for file in PACK)
    alone = RescuePack(tmp_path / "pack")
    assert {name: hashlib.sha256(alone.read(name)).hexdigest() for name in states(alone)} == {
        file.name: file.sha256 for file in PACK
    }


def test_a_key_is_no_image() -> None:
    with pytest.raises(ImageUnreadable):
        real_pack().image("rsa.pub.der")


class BrokenAt(FileActions):
    """A disk that fails at one action."""

    def __init__(self, action: str, number: int) -> None:
        self._action = action
        self._number = number

    def _fail_at(self, action: str) -> None:
        if action == self._action:
            raise OSError(self._number, os.strerror(self._number))

    def write(self, descriptor: int, content: bytes) -> None:
        self._fail_at("write")
        super().write(descriptor, content)

    def replace(self, part: Path, final: Path) -> None:
        self._fail_at("replace")
        super().replace(part, final)


@pytest.mark.parametrize("action", ["write", "replace"])
def test_a_disk_that_fails_leaves_no_half_file_under_a_name(tmp_path: Path, action: str) -> None:
    pack = RescuePack(tmp_path / "pack", actions=BrokenAt(action, errno.ENOSPC))
    with pytest.raises(PackNoRoom):
        pack.store(FLAG, FLAG_BYTES)
    assert list(pack.root.iterdir()) == []


def test_a_full_disk_does_not_keep_the_right_bytes_from_being_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    RescuePack(tmp_path / "bundle").store(FLAG, FLAG_BYTES)
    pack = RescuePack(tmp_path / "pack", tmp_path / "bundle", actions=BrokenAt("write", errno.ENOSPC))
    pack.root.mkdir()
    (pack.root / FLAG).write_bytes(b"?")
    assert pack.read(FLAG) == FLAG_BYTES
    assert states(pack)[FLAG] is PackState.DAMAGED
    assert "the damaged copy stays" in caplog.text


def test_a_right_file_another_program_is_reading_need_not_be_replaced(tmp_path: Path) -> None:
    RescuePack(tmp_path / "pack").store(FLAG, FLAG_BYTES)
    pack = RescuePack(tmp_path / "pack", actions=BrokenAt("replace", errno.EACCES))
    pack.store(FLAG, FLAG_BYTES)
    assert pack.read(FLAG) == FLAG_BYTES


# --- adding ---------------------------------------------------------------------------------------------------------


def tar_of(members: Mapping[str, bytes], *, packed: bool = True) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz" if packed else "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def zip_of(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


MAKERS: dict[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "tgz": tar_of,
    "tar": lambda members: tar_of(members, packed=False),
    "zip": zip_of,
    "zip, bzip2": lambda members: zip_of(members, zipfile.ZIP_BZIP2),
    "zip, lzma": lambda members: zip_of(members, zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_an_archive_is_known_by_its_content_alone(pack: RescuePack, tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "something without a telling name"
    archive.write_bytes(
        MAKERS[kind]({"package/readme": b"hello", "../../../tmp/evil": FLAG_BYTES, "/etc/passwd": b"x" * 320})
    )
    added = pack.add(archive)
    assert added.names == (FLAG,)
    assert added.unknown == 2
    assert sorted(path.name for path in pack.root.iterdir()) == [FLAG]


@pytest.mark.parametrize("kind", MAKERS)
def test_the_whole_package_comes_out_of_an_archive(pack: RescuePack, tmp_path: Path, kind: str) -> None:
    real = real_pack()
    archive = tmp_path / "package"
    archive.write_bytes(MAKERS[kind]({f"package/{file.member}-{file.name}": real.read(file.name) for file in PACK}))
    assert pack.add(archive).names == tuple(file.name for file in PACK)
    assert set(states(pack).values()) == {PackState.PRESENT}


def test_a_single_file_is_known_by_its_content(pack: RescuePack, tmp_path: Path) -> None:
    file = tmp_path / "firmware (1).bin"
    file.write_bytes(FLAG_BYTES)
    assert pack.add(file).names == (FLAG,)
    file.write_bytes(b"\xa4")
    assert pack.add(file).names == ()
    assert pack.add(file).unknown == 1


def test_a_folder_is_searched_with_the_archives_in_it(pack: RescuePack, tmp_path: Path) -> None:
    real = real_pack()
    deep = tmp_path / "downloads" / "deep"
    deep.mkdir(parents=True)
    (deep / "a").write_bytes(FLAG_BYTES)
    (deep / "b.tgz").write_bytes(tar_of({"x": real.read(BIG)}))
    (deep / "c").write_bytes(b"")
    if sys.platform != "win32":
        os.mkfifo(deep / "pipe")  # reading it would wait for ever
    added = pack.add(tmp_path / "downloads")
    assert set(added.names) == {FLAG, BIG}
    assert added.unknown == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(pack: RescuePack, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PackArchiveUnreadable):
        pack.add(tmp_path / "pipe")


def test_adding_repairs_what_is_damaged(pack: RescuePack, tmp_path: Path) -> None:
    pack.root.mkdir()
    (pack.root / FLAG).write_bytes(b"?")
    file = tmp_path / "flag"
    file.write_bytes(FLAG_BYTES)
    pack.add(file)
    assert states(pack)[FLAG] is PackState.PRESENT


def test_a_file_that_is_not_there_is_a_fault(pack: RescuePack, tmp_path: Path) -> None:
    with pytest.raises(FolderGone):
        pack.add(tmp_path / "nothing")


def test_what_came_before_the_break_of_an_archive_is_kept(pack: RescuePack, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(300_000)
    whole = tar_of({"flag": FLAG_BYTES, "noise": noise})
    archive = tmp_path / "half.tgz"
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PackArchiveUnreadable) as caught:
        pack.add(archive)
    assert "half.tgz" in caught.value.cause.english()
    assert states(pack)[FLAG] is PackState.PRESENT


def test_an_archive_that_swells_without_end_is_left(
    pack: RescuePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED", 1_000_000)
    archive = tmp_path / "bomb.tgz"
    archive.write_bytes(tar_of({"bomb": bytes(2_000_000), "flag": FLAG_BYTES}))
    with pytest.raises(PackArchiveUnreadable):
        pack.add(archive)
    assert states(pack)[FLAG] is PackState.MISSING


def test_members_of_no_known_size_are_not_even_unpacked(pack: RescuePack, tmp_path: Path) -> None:
    whole = zip_of({"bomb": bytes(2_000_000), "flag": FLAG_BYTES})
    begin = whole.index(b"bomb") + 4
    archive = tmp_path / "bomb.zip"
    archive.write_bytes(whole[:begin] + b"\xff" * 100 + whole[begin + 100 :])  # unpacking it would fail
    assert pack.add(archive).names == (FLAG,)


@pytest.mark.parametrize("kind", ["tgz", "zip"])
def test_an_archive_with_too_many_members_is_left(
    pack: RescuePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    archive = tmp_path / "many"
    archive.write_bytes(MAKERS[kind]({str(number): b"" for number in range(11)}))
    with pytest.raises(PackArchiveUnreadable):
        pack.add(archive)


def test_links_in_an_archive_lead_nowhere(pack: RescuePack, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(FLAG_BYTES)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for kind, name in ((tarfile.SYMTYPE, "soft"), (tarfile.LNKTYPE, "hard")):
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = str(tmp_path / "secret")
            member.size = 0
            archive.addfile(member)
    (tmp_path / "links.tgz").write_bytes(made.getvalue())
    assert pack.add(tmp_path / "links.tgz").names == ()


@pytest.mark.parametrize("kind", MAKERS)
def test_no_damaged_archive_does_more_than_fail(pack: RescuePack, tmp_path: Path, kind: str) -> None:
    whole = MAKERS[kind]({f"member{number}": bytes([number]) * 320 for number in range(4)} | {"flag": FLAG_BYTES})
    chance = random.Random(kind)
    archive = tmp_path / "archive"
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(4, len(changed))] = chance.randrange(256)
        archive.write_bytes(changed[: chance.randrange(4, len(changed) + 1)])
        try:
            names = pack.add(archive).names
        except PackArchiveUnreadable:
            continue
        assert names in ((), (FLAG,))


def test_a_packed_file_that_is_no_archive_is_refused(pack: RescuePack, tmp_path: Path) -> None:
    file = tmp_path / "one.gz"
    file.write_bytes(gzip.compress(b"only text"))
    with pytest.raises(PackArchiveUnreadable):
        pack.add(file)


# --- whose they are -------------------------------------------------------------------------------------------------


def test_the_notices_carry_the_licence_that_came_with_the_files(pack: RescuePack) -> None:
    notices = real_pack().notices()
    assert "Apache License" in notices[0].licence
    assert "Copyright 2014 Spark IO" in notices[0].licence
    words = " ".join(sentence.english() for notice in notices for sentence in notice.words)
    for fact in ("Particle", "Apache License 2.0", "Texas Instruments", "CC3000"):
        assert fact in words
    assert pack.notices()[0].licence == ""
    assert [notice.words for notice in pack.notices()] == [notice.words for notice in notices]


# --- what killed programs leave -------------------------------------------------------------------------------------

HOUR = 3600.0
DAY = 24 * HOUR


def leave(pack: RescuePack, name: str, age: float) -> Path:
    pack.root.mkdir(parents=True, exist_ok=True)
    path = pack.root / name
    path.write_bytes(b"half")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize(
    ("name", "age", "stays"),
    [
        (f".{BIG}.part", 6 * DAY, True),  # the beginning of a download, to go on with
        (f".{BIG}.part", 8 * DAY, False),
        (".a-file-of-an-older-program.bin.part", 2 * HOUR, False),
        (f".{BIG}.0123abcd.part", 2 * HOUR, False),
        (f"..{BIG}.part.0123abcd.part", 2 * HOUR, False),
        (f".{BIG}.0123abcd.part", 60.0, True),  # another program may be writing it just now
        (f".{BIG}.part", -DAY, True),  # the clock was wrong once
        (BIG, 30 * DAY, True),
        (".hidden", 30 * DAY, True),
        ("letter.part", 30 * DAY, True),
    ],
)
def test_what_killed_programs_left_is_swept_in_time(pack: RescuePack, name: str, age: float, stays: bool) -> None:
    path = leave(pack, name, age)
    assert pack.sweep() == (() if stays else (name,))
    assert path.exists() is stays


def test_sweeping_leaves_folders_and_links_alone_and_needs_no_folder(pack: RescuePack, tmp_path: Path) -> None:
    assert pack.sweep() == ()
    assert not pack.root.exists()
    other = tmp_path / "letter"
    other.write_bytes(b"dear")
    os.utime(other, (0, 0))
    pack.root.mkdir()
    (pack.root / ".folder.part").mkdir()
    os.utime(pack.root / ".folder.part", (0, 0))
    if sys.platform != "win32":  # there it takes a special right
        (pack.root / ".link.part").symlink_to(other)
    assert pack.sweep() == ()
    assert other.read_bytes() == b"dear"


class Stubborn(FileActions):
    """A disk that removes nothing."""

    def remove(self, path: Path) -> None:
        raise PermissionError(errno.EACCES, "no", str(path))


def test_a_folder_that_refuses_to_be_swept_is_no_trouble(tmp_path: Path) -> None:
    pack = RescuePack(tmp_path / "pack", actions=Stubborn())
    path = leave(pack, ".old.part", 30 * DAY)
    assert pack.sweep() == ()
    assert path.exists()
