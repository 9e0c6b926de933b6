"""What the installers of all systems share: wheels by the lock, the staged program, listings, icons, papers."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import struct
import sys
import zipfile
from pathlib import Path

import frozen
import icons
import package
import parts
import pytest
import sbom
import wheels
from support.real_pack import real_pack

import app.log

COMMIT = "1700000000"


@pytest.fixture(autouse=True)
def _one_time_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", COMMIT)
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def _pack() -> None:
    real_pack()  # skips, or fails where nothing may be skipped, without the images


def test_the_program_says_the_version_that_stands_in_pyproject() -> None:
    assert parts.version() == app.log.version()


@pytest.mark.usefixtures("_pack")
def test_two_stagings_have_the_same_listing_whatever_the_umask(tmp_path: Path) -> None:
    parts.stage_program(tmp_path / "one")
    before = os.umask(0o077)
    try:
        parts.stage_program(tmp_path / "two")
    finally:
        os.umask(before)
    assert parts.listing(tmp_path / "one") == parts.listing(tmp_path / "two")


@pytest.mark.usefixtures("_pack")
def test_the_payload_has_program_pictures_rule_and_pack_and_nothing_of_the_machine() -> None:
    names = parts.program_files()
    assert list(names) == sorted(names)
    for name in ("app/main.py", "app/__main__.py", "resources/icons/rekindle.svg", "resources/udev/70-rekindle.rules"):
        assert name in names
    assert sum(name.startswith("resources/pack/") for name in names) == len(parts.pack_files())
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", "~"))]


def test_a_damaged_pack_is_never_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    with pytest.raises(SystemExit):
        parts.pack_files()


def test_a_listing_shows_links_modes_times_and_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "tool").write_bytes(b"y")
    (tmp_path / "tool").chmod(0o700)
    parts.normalize(tmp_path)
    file, link, tool = parts.listing(tmp_path)
    assert (file.mode, file.modified, file.content) == (0o644, int(COMMIT), hashlib.sha256(b"x").hexdigest())
    assert (link.kind, link.content) == ("link", "file")
    assert tool.mode == 0o755


def test_a_zip_depends_on_names_and_bytes_only(tmp_path: Path) -> None:
    made = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("b", "a")[:: 1 if number == 1 else -1]:
            (folder / name).write_text(name)
            os.utime(folder / name, (number, number))
        parts.zip_folder(folder, tmp_path / f"{number}.zip")
        made.append((tmp_path / f"{number}.zip").read_bytes())
    assert made[0] == made[1]


def test_the_build_gets_the_time_of_the_commit_but_no_zip_gets_one_before_1980(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts.epoch() == int(COMMIT)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert parts.epoch() == parts.OLDEST_EPOCH


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("", True),
        ("sys_platform == 'win32'", False),
        ("python_full_version < '3.12'", True),
        ("python_full_version < '3.9'", False),
        ('python_version >= "3.10" and os_name == "posix"', True),
        ("(sys_platform == 'win32' or os_name == 'posix') and extra == 'socks'", True),
        ("sys_platform == 'win32' or os_name == 'posix' and extra == 'other'", False),
        ("platform_machine in 'x86_64 aarch64'", True),
        ("platform_machine not in 'x86_64 aarch64'", False),
        ("python_version == '3.11.*'", True),
    ],
)
def test_markers_are_read_as_pip_reads_them(marker: str, expected: bool) -> None:
    variables = {**wheels.linux("3.11.7").markers(), "extra": "socks"}
    assert wheels.applies(marker, variables) is expected


@pytest.mark.parametrize("marker", ["python_version", "(os_name == 'posix'", "os_name == 'posix' 'x'", "os_name ? 'x'"])
def test_what_is_no_marker_is_refused(marker: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        wheels.applies(marker, wheels.linux("3.11.7").markers())


def test_the_lock_has_a_version_and_hashes_for_everything_the_program_names() -> None:
    for target in (wheels.linux("3.11.7"), wheels.windows("3.11.9"), wheels.macos("3.13.1", "arm64")):
        pins = [pin for pin in wheels.read_lock() if wheels.applies(pin.marker, target.markers())]
        assert len({pin.name for pin in pins}) == len(pins)
        assert all(pin.version and pin.hashes for pin in pins)
        wanted = [wheels.split_requirement(each) for each in parts.project()["dependencies"]]
        needed = {name for name, _, marker in wanted if wheels.applies(marker, target.markers())}
        assert needed <= {pin.name for pin in pins}


def test_the_build_tools_are_locked_by_hash_too() -> None:
    pins = wheels.read_lock(parts.BUILD_LOCK)
    assert "pyinstaller" in {pin.name for pin in pins}
    assert all(pin.hashes for pin in pins)


def wheel(folder: Path, name: str, members: dict[str, str]) -> wheels.Wheel:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return wheels.Wheel(name, "1.0", path)


def test_a_wheel_is_laid_out_without_scripts_and_never_outside(tmp_path: Path) -> None:
    good = wheel(
        tmp_path,
        "good",
        {
            "good/__init__.py": "",
            "good/__pycache__/x.pyc": "",
            "good-1.0.data/scripts/run": "",
            "good-1.0.data/platlib/extra.py": "",
        },
    )
    wheels.unpack([good], tmp_path / "lib")
    assert [entry.name for entry in parts.listing(tmp_path / "lib")] == ["extra.py", "good", "good/__init__.py"]
    with pytest.raises(ValueError, match="outside"):
        wheels.unpack([wheel(tmp_path, "bad", {"../outside": ""})], tmp_path / "other")


def test_the_cache_gives_only_what_the_lock_knows(tmp_path: Path) -> None:
    made = wheel(tmp_path, "good", {"good/__init__.py": ""})
    right = wheels.Pin("good", "1.0", "", frozenset({made.sha256}))
    wrong = wheels.Pin("good", "1.0", "", frozenset({"00" * 32}))
    assert wheels._here(tmp_path, right) == made
    assert wheels._here(tmp_path, wrong) is None


def test_papers_name_each_part_with_its_licence_in_full(tmp_path: Path) -> None:
    made = wheel(
        tmp_path,
        "good",
        {
            "good-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: good\nLicense-Expression: MIT\n\nwords\n",
            "good-1.0.dist-info/licenses/LICENSE": "Do what you like.",
        },
    )
    component = sbom.of_wheel(made)
    assert (component.licence, component.sha256) == ("MIT", made.sha256)
    assert "Do what you like." in sbom.notices([component])
    bill = sbom.cyclonedx([component], "linux")
    assert json.loads(json.dumps(bill))["components"][0]["hashes"] == [{"alg": "SHA-256", "content": made.sha256}]
    assert bill == sbom.cyclonedx([component], "linux")
    assert bill["serialNumber"] != sbom.cyclonedx([component], "windows")["serialNumber"]


def test_papers_name_what_is_linked_into_cryptography(tmp_path: Path) -> None:
    library = "cryptography/hazmat/bindings/_rust.abi3.so"
    made = wheel(tmp_path, "cryptography", {library: "...\0OpenSSL 4.0.3 1 Sep 2026\0..."})
    inside = sbom.inside([made])
    assert [(part.name, part.version) for part in inside] == [("OpenSSL (of cryptography)", "4.0.3")]
    silent = wheel(tmp_path, "cryptography", {library: "..."})
    with pytest.raises(ValueError, match="which OpenSSL"):
        sbom.inside([silent])


@pytest.mark.parametrize("system", ["linux", "windows"])
def test_a_build_asks_for_its_tools_before_it_begins(
    system: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[str] = []
    builder = importlib.import_module(system)
    monkeypatch.setattr(builder, "build_folder", begun.append)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("shutil.which", lambda tool: None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with pytest.raises(SystemExit):
        builder.build()
    told = capsys.readouterr().err
    assert all(package in told for package in builder.TOOLS.values())
    assert begun == []


def test_icon_files_hold_a_png_of_each_size(qapp: object) -> None:
    drawn = icons.ico()
    count = struct.unpack_from("<HHH", drawn)[2]
    assert count == len(icons.ICO_SIZES)
    for number, side in enumerate(icons.ICO_SIZES):
        width, height, *_, size, offset = struct.unpack_from("<BBBBHHII", drawn, 6 + 16 * number)
        assert (width, height) == (side % 256, side % 256)
        assert struct.unpack_from(">II", drawn, offset + 16) == (side, side)
        assert drawn[offset : offset + 4] == b"\x89PNG"
        assert drawn[offset : offset + size].endswith(b"IEND\xaeB`\x82")
    apple = icons.icns()
    at, kinds = 8, {}
    assert struct.unpack(">4sI", apple[:8]) == (b"icns", len(apple))
    while at < len(apple):
        kind, size = struct.unpack_from(">4sI", apple, at)
        kinds[kind.decode()] = struct.unpack_from(">I", apple, at + 8 + 16)[0]
        at += size
    assert kinds == icons.ICNS_KINDS


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        ("PySide6/Qt/plugins/iconengines/libqsvgicon.so", True),
        ("PySide6/Qt/plugins/imageformats/libqsvg.so", True),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/plugins/platforms/qwindows.dll", True),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("PySide6/Qt/plugins/tls/libqopensslbackend.so", False),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("libicudata.so.73", True),
        ("libstdc++.so.6", False),
        ("libusb_package/libusb-1.0.so", True),
        ("resources/pack/p1-system-part2@2.2.0.bin", True),
        ("resources/udev/70-rekindle.rules", True),
    ],
)
def test_a_frozen_program_keeps_what_it_needs(name: str, stays: bool) -> None:
    assert frozen.stays(name) is stays


def test_a_library_goes_with_the_last_one_that_asked_for_it() -> None:
    needs = {"plug/libqxcb.so": ["libcursor.so.0"], "libcursor.so.0": ["libc.so.6"], "libpixman.so.0": []}
    assert frozen.closure(needs, lambda name: needs[name]) == {"plug/libqxcb.so", "libcursor.so.0"}
    assert frozen.closure_target("PySide6/Qt/lib/libQt6Core.so.6", "../../../libQt6Core.so.6") == "libQt6Core.so.6"


def test_a_build_for_an_unknown_system_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(["amiga"]) == 2
    assert "linux, windows, macos" in capsys.readouterr().out


@pytest.mark.usefixtures("_pack")
def test_a_file_that_is_too_large_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "DIST", tmp_path)
    file = tmp_path / "setup"
    file.write_bytes(b"x")
    pack = sum(path.stat().st_size for path in parts.pack_files().values())
    assert parts.report([parts.Product(file, limit=0)])
    assert not parts.report([parts.Product(file, limit=-pack)])
    assert "MISSED" in capsys.readouterr().out
    assert (tmp_path / "SHA256SUMS").read_text() == f"{hashlib.sha256(b'x').hexdigest()}  setup\n"
