"""The Linux files: what is in the Debian package besides the frozen program."""

from __future__ import annotations

import configparser
import gzip
import os
import runpy
import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import linux
import parts
import pytest

from app.transports.host_bus import _VENDORS


@pytest.fixture(autouse=True)
def _one_time_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_the_control_file_names_version_size_and_the_c_library_that_is_needed() -> None:
    fields = dict(
        line.split(": ", 1) for line in linux.control_text(2049, (2, 36)).splitlines() if not line.startswith(" ")
    )
    assert fields["Version"] == parts.version()
    assert fields["Installed-Size"] == "3"
    assert fields["Depends"].startswith("libc6 (>= 2.36), ")
    assert linux.names()[0].name == f"rekindle_{parts.version()}_amd64.deb"


def test_the_newest_c_library_any_file_asks_for_is_found(tmp_path: Path) -> None:
    assert linux.needed_c_library(tmp_path) == (2, 34)
    (tmp_path / "one.so").write_bytes(b"\x7fELF...\0GLIBC_2.2.5\0GLIBC_2.38\0libc.so.6\0")
    (tmp_path / "words.txt").write_bytes(b"\0GLIBC_2.99\0")
    assert linux.needed_c_library(tmp_path) == (2, 38)


def test_the_desktop_entry_starts_the_command_and_shows_the_icon_that_is_installed(qapp: object) -> None:
    files = linux.share_files()
    entry = configparser.ConfigParser(interpolation=None)
    entry.read_string(files["usr/share/applications/rekindle.desktop"].decode())
    desktop = entry["Desktop Entry"]
    assert (desktop["exec"], desktop["icon"], desktop["terminal"]) == ("rekindle", "rekindle", "false")
    assert "mimetype" not in desktop
    assert "usr/share/icons/hicolor/scalable/apps/rekindle.svg" in files
    for side in (16, 48, 256):
        assert files[f"usr/share/icons/hicolor/{side}x{side}/apps/rekindle.png"].startswith(b"\x89PNG")
    assert files == linux.share_files()
    manual = gzip.decompress(files["usr/share/man/man1/rekindle.1.gz"]).decode()
    assert f"Rekindle {parts.version()}" in manual
    line = next(line for line in manual.splitlines() if line.startswith(".BR list "))
    assert line.removeprefix(".BR ").removesuffix(" .").split(' ", " ') == [
        "list",
        "run",
        "pack",
        "rescues",
        "light",
        "monitor",
        "account",
        "updates",
    ]


def test_the_appstream_file_tells_release_and_boards() -> None:
    root = ET.fromstring(linux.metainfo())
    release = root.find("releases/release")
    assert release is not None
    assert release.attrib == {"version": parts.version(), "date": "2023-11-14"}
    assert root.findtext("launchable") == "rekindle.desktop"
    assert root.findtext("id") == linux.APPLICATION
    told = {(element.text or "")[5:9] for element in root.findall("provides/modalias")}
    assert {int(vendor, 16) for vendor in told} == set(_VENDORS)


def test_the_scripts_of_the_package_stop_at_the_first_error_and_touch_no_home() -> None:
    for name in ("postinst", "postrm"):
        words = (linux.FILES / name).read_text(encoding="utf-8")
        assert words.startswith("#!/bin/sh\n")
        assert "\nset -e\n" in words
        assert "/home" not in words


@pytest.mark.parametrize(("path", "left"), [(b"/home/builder/lib", [1, 5, 0, 0]), (b"$ORIGIN/lib", [1, 29, 5, 0])])
def test_a_library_forgets_the_build_machines_folders_and_keeps_its_own(path: bytes, left: list[int]) -> None:
    words, memory = b"\0" + path + b"\0libc.so.6\0", 0x1000
    table = struct.pack("<qQqQqQqQ", 1, len(path) + 2, 29, 1, 5, memory + 64 + 2 * 56 + 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 4, 0, memory, memory, 500, 500, 8)
    where = 64 + 2 * 56
    dynamic = struct.pack("<IIQQQQQQ", 2, 4, where, memory + where, memory + where, 64, 64, 8)
    head = (b"\x7fELF\2\1".ljust(0x20, b"\0") + struct.pack("<Q", 64)).ljust(0x36, b"\0") + struct.pack("<HH", 56, 2)
    library = head.ljust(64, b"\0") + load + dynamic + table + words
    made = linux.without_build_paths(library)
    assert [tag for tag, _ in struct.iter_unpack("<qQ", made[where : where + 64])] == left
    assert (made[:where], made[where + 64 :]) == (library[:where], library[where + 64 :])
    assert linux.without_build_paths(b"no library") == b"no library"


@pytest.mark.parametrize("before", [None, "/opt/lib"])
def test_the_frozen_program_gives_those_it_starts_the_systems_libraries(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
        monkeypatch.setenv(name, "/bundle")
    monkeypatch.setenv("PYINSTALLER_RESET_ENVIRONMENT", "")
    if before is not None:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", before)
    seen: dict[str, str] = {}
    monkeypatch.setattr("app.main.main", lambda: seen.update(os.environ))
    with pytest.raises(SystemExit):
        runpy.run_path(str(parts.ROOT / "packaging" / "start.py"))
    assert seen.get("LD_LIBRARY_PATH") == before
    assert not {"QT_PLUGIN_PATH", "QML2_IMPORT_PATH", "LD_LIBRARY_PATH_ORIG"} & set(seen)


def test_a_library_is_known_by_what_its_linker_wrote_and_not_by_its_name() -> None:
    note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"
    assert linux.build_number(b"\x7fELF.." + note + b"\n" * 20 + b"..") == b"\n" * 20
    assert linux.build_number(b"\x7fELF" + b"\n" * 60) is None
