"""The macOS app, as far as it can be looked at without a Mac: property list, icon, spec, what stays, what is joined."""

from __future__ import annotations

import ast
import plistlib
import re
import struct
import sys
from pathlib import Path

import frozen
import icons
import macos
import parts
import pytest

SPEC = (parts.ROOT / "packaging" / "macos.spec").read_text(encoding="utf-8")


def _call(name: str) -> dict[str, str]:
    for node in ast.walk(ast.parse(SPEC)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            return {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
    raise AssertionError(name)


def test_the_property_list_can_be_written_and_has_the_one_version() -> None:
    told = plistlib.loads(plistlib.dumps(macos.information()))
    assert told == macos.information()
    assert told["CFBundleShortVersionString"] == told["CFBundleVersion"] == parts.version()
    assert re.fullmatch(r"\d+(\.\d+){0,2}", told["CFBundleVersion"])
    assert re.fullmatch(r"[A-Za-z0-9.-]+", told["CFBundleIdentifier"])
    assert told["CFBundlePackageType"] == "APPL"
    assert not {"CFBundleDocumentTypes", "CFBundleURLTypes", "UTExportedTypeDeclarations"} & set(told)


def test_the_spec_makes_the_app_that_the_property_list_and_the_build_speak_of() -> None:
    bundle, program = _call("BUNDLE"), _call("EXE")
    assert bundle["name"] == repr(macos.frozen_app().name)
    assert bundle["info_plist"] == "information()"
    assert bundle["bundle_identifier"] == "IDENTIFIER"
    assert program["name"] == repr(macos.information()["CFBundleExecutable"])
    assert program["target_arch"] == "os.environ[ARCHITECTURE]"
    assert program["console"] == "False"
    asked = set(re.findall(r'os\.environ\["(\w+)"\]', SPEC))
    given = set(re.findall(r'^ {8}"(REKINDLE_\w+)":', Path(macos.__file__).read_text(encoding="utf-8"), re.MULTILINE))
    assert asked == given


def test_the_icon_holds_a_picture_of_the_promised_size_in_each_part(qapp: object) -> None:
    content = icons.icns()
    assert (content[:4], struct.unpack(">I", content[4:8])[0]) == (b"icns", len(content))
    at, sides = 8, {}
    while at < len(content):
        kind, size = content[at : at + 4].decode(), struct.unpack(">I", content[at + 4 : at + 8])[0]
        assert content[at + 8 : at + 16] == b"\x89PNG\r\n\x1a\n"
        sides[kind] = struct.unpack(">I", content[at + 24 : at + 28])[0]
        at += size
    assert sides == icons.ICNS_KINDS


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("PySide6/Qt/plugins/platforms/libqcocoa.dylib", True),
        ("PySide6/Qt/plugins/iconengines/libqsvgicon.dylib", True),
        ("PySide6/Qt/plugins/styles/libqmacstyle.dylib", True),
        ("PySide6/Qt/plugins/sqldrivers/libqsqlite.dylib", False),
        ("PySide6/Qt/lib/QtCore.framework/Versions/A/QtCore", True),
        ("PySide6/Qt/lib/QtCore.framework/Versions/A/Resources/Info.plist", True),
        ("libusb_package/libusb-1.0.dylib", True),
    ],
)
def test_what_a_mac_needs_stays_in_the_app(name: str, kept: bool) -> None:
    assert frozen.stays(name) is kept


def test_only_files_for_one_processor_are_joined(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "psutil").mkdir(parents=True)
        (folder / "psutil" / "_psutil.so").write_bytes(b"\xcf\xfa\xed\xfe" + folder.name.encode())
        (folder / "fat.dylib").write_bytes(b"\xca\xfe\xba\xbe")
        (folder / "words.py").write_bytes(folder.name.encode())
    assert macos.to_join(one, other) == ["psutil/_psutil.so"]
    (other / "psutil" / "_psutil.so").unlink()
    with pytest.raises(SystemExit):
        macos.to_join(one, other)


def test_the_processor_is_this_macs_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(macos.ARCHITECTURE, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert macos.architecture() == "arm64"
    monkeypatch.setenv(macos.ARCHITECTURE, macos.BOTH)
    assert macos.architecture() == macos.BOTH
    monkeypatch.setenv(macos.ARCHITECTURE, "ppc")
    with pytest.raises(SystemExit):
        macos.architecture()


def test_the_disk_image_is_compressed_and_named_after_version_and_processor() -> None:
    target = macos.image("arm64")
    command = [str(part) for part in macos.image_command(Path("folder"), target)]
    assert target.name == f"Rekindle-{parts.version()}-macos-arm64.dmg"
    assert (command[:2], command[-1]) == (["hdiutil", "create"], str(target))
    assert command[command.index("-format") + 1] == "UDZO"


@pytest.mark.skipif(sys.platform == "darwin", reason="here it would build")
def test_elsewhere_than_on_a_mac_nothing_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        macos.build()
    assert "on a Mac" in capsys.readouterr().err
