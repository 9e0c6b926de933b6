"""The macOS app, as far as it can be looked at without a Mac: property list, icon, spec, what stays, what is joined."""

from __future__ import annotations

import ast
import hashlib
import marshal
import plistlib
import re
import shutil
import struct
from pathlib import Path

import check_macos
import disk_image
import frozen
import icons
import mac_bundle
import mac_signature
import mach_o
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


def test_on_linux_the_app_for_both_kinds_of_mac_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def build(*given: object) -> list[parts.Product]:
        asked.append(given)
        return []

    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(mac_bundle, "build", build)
    assert macos.build() == []
    assert asked == [(macos.information(), "13.0", macos.image("universal"))]


def test_where_it_cannot_be_built_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(SystemExit):
        macos.build()
    assert "on Linux or on a Mac" in capsys.readouterr().err


def test_a_missing_tool_is_named_with_the_package_it_is_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: None)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with pytest.raises(SystemExit):
        mac_bundle.build(macos.information(), macos.OLDEST, tmp_path / "image.dmg")
    assert "apt-get install xorriso" in capsys.readouterr().err


# --- Mach-O files, made up ---

NUMBERS = {"x86_64": 0x01000007, "arm64": 0x0100000C}


def command(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 8)
    return struct.pack("<II", kind, 8 + len(body)) + body


def named(kind: int, name: str, head: int = 4) -> bytes:
    """A load command with a name behind fixed numbers: 4 of a library, 1 of a path to look in."""
    return command(kind, struct.pack("<I", 8 + 4 * head) + bytes(4 * (head - 1)) + name.encode() + b"\0")


def mach(machine: str, *commands: bytes, kind: int = 6, content: bytes = b"code" * 2000) -> bytes:
    """A small file of that form: a segment with a section, one for what is linked, and these commands."""
    page = 0x4000
    size = page + len(content) if kind == mach_o.EXECUTABLE else page
    section = struct.pack("<16s16sQQIIIIIIII", b"__text", b"__TEXT", 0, 64, 0x2000, 0, 0, 0, 0, 0, 0, 0)
    text = struct.pack("<16sQQQQIIII", b"__TEXT", 0, page, 0, page, 5, 5, 1, 0) + section
    linked = struct.pack("<16sQQQQIIII", b"__LINKEDIT", page, page, page, size - page, 1, 1, 0, 0)
    minimum = command(0x32, struct.pack("<IIII", 1, 13 << 16, 15 << 16, 0))
    all_commands = [command(0x19, text), command(0x19, linked), minimum, *commands]
    body = b"".join(all_commands)
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, NUMBERS[machine], 3, kind, len(all_commands), len(body), 0, 0)
    whole = head + body
    assert len(whole) < 0x2000
    whole += bytes(page - len(whole)) + content
    return whole[:size] if kind != mach_o.EXECUTABLE else whole


def program(machine: str) -> bytes:
    return mach(machine, named(0x0C, "/usr/lib/libSystem.B.dylib"), kind=mach_o.EXECUTABLE)


def both(*commands: bytes) -> bytes:
    return mach_o.join([mach(machine, *commands) for machine in NUMBERS])


def test_a_file_tells_what_it_asks_for() -> None:
    content = mach(
        "arm64",
        named(0x0D, "@rpath/liba.dylib"),
        named(0x0C, "@rpath/libb.dylib"),
        named(0x80000018, "/usr/lib/libz.1.dylib"),
        named(0x8000001C, "@loader_path/more", head=1),
    )
    (part,) = mach_o.slices(content)
    assert (part.processor, part.name, part.minimum) == ("arm64", "@rpath/liba.dylib", (13, 0))
    assert part.needs == ("@rpath/libb.dylib", "/usr/lib/libz.1.dylib")
    assert part.rpaths == ("@loader_path/more",)
    assert part.signature is None


def test_names_that_are_taken_from_others_are_those_not_defined_in_the_file() -> None:
    names = b"\0_mine\0_theirs\0"
    table = struct.pack("<IBBHQ", 1, 0x0F, 1, 0, 64) + struct.pack("<IBBHQ", 7, 0x01, 0, 0, 0)
    content = mach("arm64", command(2, struct.pack("<IIII", 0x3000, 2, 0x3000 + len(table), len(names))))
    content = content[:0x3000] + table + names + content[0x3000 + len(table) + len(names) :]
    assert mach_o.slices(content)[0].wanted_symbols() == {"_theirs"}


def test_joined_files_lie_on_pages_in_the_order_of_their_processors() -> None:
    parts = {machine: program(machine) for machine in NUMBERS}
    whole = mach_o.join(parts[machine] for machine in ("arm64", "x86_64"))
    table = [struct.unpack_from(">IIIII", whole, 8 + 20 * number) for number in range(2)]
    assert [row[0] for row in table] == sorted(NUMBERS.values())
    assert all(row[2] % (1 << 14) == 0 and row[4] == 14 for row in table)
    assert {part.processor: part.content for part in mach_o.slices(whole)} == parts
    assert mach_o.join(parts.values()) == whole


@pytest.mark.parametrize("wrong", [["arm64", "arm64"], ["x86_64", ""]])
def test_what_cannot_be_joined_is_refused(wrong: list[str]) -> None:
    with pytest.raises(mach_o.NotThisFormatError):
        mach_o.join([program(machine) if machine else b"words" for machine in wrong])


@pytest.mark.parametrize("cut", [3, 20, 40, 200])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(mach_o.NotThisFormatError):
        mach_o.slices(program("arm64")[:cut])
    with pytest.raises(mach_o.NotThisFormatError):
        mach_o.slices(both()[:cut])


def test_only_files_for_one_processor_are_joined(tmp_path: Path) -> None:
    for machine, folder in zip(NUMBERS, (tmp_path / "one", tmp_path / "other"), strict=True):
        (folder / "psutil").mkdir(parents=True)
        (folder / "psutil" / "_psutil.so").write_bytes(mach(machine))
        (folder / "fat.dylib").write_bytes(both())
        (folder / "words.py").write_bytes(machine.encode())
    one, other = tmp_path / "one", tmp_path / "other"
    assert mac_bundle.to_join(one, other) == ["psutil/_psutil.so"]
    mac_bundle.join(one, other)
    assert [part.processor for part in mach_o.slices((one / "psutil" / "_psutil.so").read_bytes())] == list(NUMBERS)
    (other / "fat.dylib").unlink()
    assert mac_bundle.to_join(tmp_path / "other", tmp_path / "other") == ["psutil/_psutil.so"]
    (one / "psutil" / "_psutil.so").unlink()
    with pytest.raises(SystemExit):
        mac_bundle.to_join(one, other)


def app_with(folder: Path, files: dict[str, bytes]) -> Path:
    """Lay out files as an app's, with a program for both processors."""
    contents = folder / "Rekindle.app" / "Contents"
    files = {"MacOS/rekindle": mach_o.join(map(program, NUMBERS)), "Info.plist": b"<plist/>", **files}
    for name, content in files.items():
        (contents / name).parent.mkdir(parents=True, exist_ok=True)
        (contents / name).write_bytes(content)
    return contents


def test_what_is_asked_for_is_found_in_the_app_or_told(tmp_path: Path) -> None:
    look = named(0x8000001C, "@loader_path/more", head=1)
    contents = app_with(
        tmp_path,
        {
            "Resources/a.so": both(look, named(0x0C, "@rpath/b.dylib"), named(0x0C, "@loader_path/c.dylib")),
            "Resources/more/b.dylib": both(named(0x0D, "/built/elsewhere/b.dylib"), named(0x0C, "@rpath/none.dylib")),
            "Resources/c.dylib": both(named(0x0C, "/usr/local/lib/libz.dylib"), named(0x0C, "/usr/lib/libz.1.dylib")),
        },
    )
    start = contents / "MacOS" / "rekindle"
    assert mach_o.missing(contents, start) == {
        "/usr/local/lib/libz.dylib": ("Resources/c.dylib",),
        "@rpath/none.dylib": ("Resources/more/b.dylib",),
    }
    found = mach_o.needed([contents / "Resources" / "a.so"], start)
    assert found == {contents / "Resources" / "more" / "b.dylib", contents / "Resources" / "c.dylib"}


def test_a_library_outside_of_the_app_is_none_of_it(tmp_path: Path) -> None:
    contents = app_with(tmp_path, {"Resources/a.so": both(named(0x0C, "@loader_path/../../../out.dylib"))})
    (tmp_path / "out.dylib").write_bytes(both())
    assert set(mach_o.missing(contents, contents / "MacOS" / "rekindle")) == {"@loader_path/../../../out.dylib"}


def test_a_signature_fits_every_page_and_is_put_in_the_place_of_another() -> None:
    for machine in NUMBERS:
        once = mac_signature.sign(program(machine), "a.b", b"info", b"files")
        (part,) = mach_o.slices(once)
        said = mac_signature.verify(part)
        assert (said.name, said.flags) == ("a.b", mac_signature.AD_HOC)
        assert said.specials[mac_signature.INFO] == hashlib.sha256(b"info").digest()
        assert said.specials[mac_signature.RESOURCES] == hashlib.sha256(b"files").digest()
        assert part.signature is not None
        assert sum(part.signature) == len(once) == part.segments[-1].offset + part.segments[-1].size
        assert part.needs == ("/usr/lib/libSystem.B.dylib",)
        assert mac_signature.sign(once, "a.b", b"info", b"files") == once
        assert len(mac_signature.sign(once, "a.longer.name", b"info", b"files")) == len(once) + len("longer.nam")


@pytest.mark.parametrize("place", [0x1800, 0x4100, 17_000])
def test_a_changed_byte_is_noticed_wherever_it_is(place: int) -> None:
    signed = bytearray(mac_signature.sign(program("arm64"), "a.b", b"info", b"files"))
    signed[place] ^= 1
    with pytest.raises(mac_signature.BadSignatureError):
        mac_signature.verify(mach_o.slices(bytes(signed))[0])


def test_what_has_no_signature_or_half_of_one_is_told() -> None:
    with pytest.raises(mac_signature.BadSignatureError):
        mac_signature.verify(mach_o.slices(program("arm64"))[0])
    signed = bytearray(mac_signature.sign(program("arm64"), "a.b", b"info", b"files"))
    at, size = mach_o.slices(bytes(signed))[0].signature or (0, 0)
    signed[at : at + size] = bytes(size)
    with pytest.raises(mac_signature.BadSignatureError):
        mac_signature.verify(mach_o.slices(bytes(signed))[0])


def test_the_seal_names_every_file_and_binds_the_program_to_it(tmp_path: Path) -> None:
    contents = app_with(tmp_path, {"Resources/lib/words.txt": b"words", "Resources/a.so": both()})
    (contents / "Resources" / "link").symlink_to("a.so")
    mac_signature.seal(contents.parent, "rekindle", "a.b")
    told = plistlib.loads((contents / mac_signature.SEAL).read_bytes())
    assert told["files2"]["Resources/lib/words.txt"] == {"hash2": hashlib.sha256(b"words").digest()}
    assert told["files2"]["Resources/link"] == {"symlink": "a.so"}
    assert set(told["files2"]) == {"Resources/a.so", "Resources/lib/words.txt", "Resources/link"}
    seal = hashlib.sha256((contents / mac_signature.SEAL).read_bytes()).digest()
    parts = mach_o.slices((contents / "MacOS" / "rekindle").read_bytes())
    assert [mac_signature.verify(part).specials[mac_signature.RESOURCES] for part in parts] == [seal, seal]


# --- the disk image ---


def test_an_image_holds_what_was_packed_and_is_the_same_each_time() -> None:
    raw = bytes(range(256)) * 2 * 1200
    image = disk_image.pack(raw)
    assert disk_image.unpack(image) == raw
    assert disk_image.pack(raw) == image
    assert image[-512:-508] == b"koly"


@pytest.mark.parametrize("place", [20, -512, -300, -20])
def test_a_damaged_image_is_refused(place: int) -> None:
    image = bytearray(disk_image.pack(bytes(range(256)) * 2 * 700))
    image[place] ^= 0x55
    with pytest.raises(disk_image.BadImageError):
        disk_image.unpack(bytes(image))


def test_the_file_system_is_cut_out_of_the_disk() -> None:
    def entry(kind: bytes, first: int, count: int) -> bytes:
        return struct.pack(">2sHIII32s32s", b"PM", 0, 2, first, count, b"x", kind).ljust(512, b"\0")

    disk = b"ER".ljust(512, b"\0") + entry(b"Apple_partition_map", 1, 2) + entry(b"Apple_HFS", 4, 2) + bytes(512)
    assert disk_image.apple_partition(disk + b"a" * 1024 + b"b" * 512) == b"a" * 1024
    with pytest.raises(disk_image.BadImageError):
        disk_image.apple_partition(disk[:1024])


@pytest.mark.skipif(shutil.which("xorriso") is None, reason="xorriso makes the file system")
def test_no_file_has_notes_of_the_finder_and_no_block_is_lost(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "words.txt").write_bytes(b"words" * 1000)
    (shown / "Applications").symlink_to("/Applications")
    disk_image.write(shown, "A name", tmp_path, tmp_path / "a.dmg", tell=lambda _: None)
    raw = disk_image.unpack((tmp_path / "a.dmg").read_bytes())
    assert b"????" not in raw
    assert b"slnkrhap" in raw
    block, total, free = struct.unpack_from(">III", raw, 1024 + 40)
    length, first = struct.unpack_from(">Q8xI", raw, 1024 + 112)
    marked = sum(byte.bit_count() for byte in raw[first * block :][:length])
    # Two copies of the header, the bitmap, the tree of parts, the catalogue, and two files, as Apple's fsck_hfs counts.
    special = sum(struct.unpack_from(">12xI", raw, 1024 + at)[0] for at in (112, 192, 272))
    assert (marked, free) == (2 + special + 3 + 1, total - marked)
    assert raw[-1024:-512] == raw[1024:1536]
    assert disk_image.tidy(raw) == raw


def test_a_file_system_that_is_not_as_expected_is_refused() -> None:
    with pytest.raises(disk_image.BadImageError):
        disk_image.tidy(bytes(4096))
    with pytest.raises(disk_image.BadImageError):
        disk_image.tidy(bytes(1024) + b"H+" + bytes(38) + struct.pack(">II", 512, 4) + bytes(974))


# --- what the check looks at ---


def test_an_import_that_leads_nowhere_is_found_wherever_it_stands(tmp_path: Path) -> None:
    library = both() + b"\0PyInit_errno\0"
    contents = app_with(tmp_path, {"Resources/python/libpython3.11.dylib": library, "Resources/lib/x/_fast.so": both()})
    sources = {
        "start": "import errno, sys, x._fast\nfrom x import one\ndef f():\n    import nowhere.at_all\n",
        "x/one": "from . import two\nfrom .three import name\n",
        "x/two": "from x.inner.deep import thing\nimport errno.more\n",
        "x/three": "name = 1\n",
        "x/inner/deep": "thing = 1\n",
        "unused": "import not_asked_for\n",
    }
    for name, words in sources.items():
        path = contents / "Resources" / "lib" / f"{name}.pyc"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(16) + marshal.dumps(compile(words, name, "exec")))
    reached, lacking = check_macos.Modules(contents).lacking(["start"])
    assert lacking == {"nowhere": {"start"}, "errno.more": {"x.two"}}
    assert reached == len(
        {"start", "errno", "sys", "x", "x._fast", "x.one", "x.two", "x.three", "x.inner", "x.inner.deep"}
    )


def test_a_damaged_picture_of_the_icon_is_noticed(qapp: object) -> None:
    picture = icons.png(32)
    assert check_macos.png_side(picture) == 32
    assert check_macos.png_side(picture[:-1]) == 0
    assert check_macos.png_side(picture[:60] + bytes([picture[60] ^ 1]) + picture[61:]) == 0
