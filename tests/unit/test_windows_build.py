from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.platforms.table import PLATFORMS
from app.ui.pages.driver import OUTCOMES

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "packaging"))  # behind the libraries: one of them has the same name as that folder

import own_python  # noqa: E402
import pe_file  # noqa: E402
import screen  # noqa: E402
import windows  # noqa: E402
from parts import listing, normalize  # noqa: E402

SCRIPT = (ROOT / "packaging" / "windows" / "rekindle.nsi").read_text(encoding="utf-8")
HELPER = (ROOT / "packaging" / "windows" / "drivers.c").read_text(encoding="utf-8")
LAUNCHER = (ROOT / "packaging" / "windows" / "launcher.c").read_text(encoding="utf-8")
SOURCES = {
    "pkg/__init__.py": "NAMES = frozenset({'one', 'two', 'three', 'four', 'five'})\n",
    "pkg/deep/part.py": "def said(word: str) -> bool:\n    return word in {'a', 'b', 'c', 'd', 'e'}\n",
}


def tree(folder: Path) -> Path:
    for name, words in SOURCES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words)
    return folder


def test_byte_code_is_the_same_wherever_it_was_made(tmp_path: Path) -> None:
    listings = []
    for place in ("here", "somewhere/else/altogether"):
        folder = tree(tmp_path / place)
        own_python.compile_tree(folder, "lib")
        normalize(folder, 1_700_000_000)
        listings.append(listing(folder))
    assert listings[0] == listings[1]
    assert [entry.name for entry in listings[0] if entry.kind == "file"] == ["pkg/__init__.pyc", "pkg/deep/part.pyc"]


def test_byte_code_runs_without_its_source(tmp_path: Path) -> None:
    folder = tree(tmp_path)
    own_python.compile_tree(folder, "lib")
    told = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\nimport pkg.deep.part as p\n"
         "print(p.said('a'), p.said.__code__.co_filename)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["True", "lib/pkg/deep/part.py"]


def test_the_uninstaller_deletes_each_file_by_name_and_no_folder_with_something_in_it(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "cash$.txt").write_text("")
    lines = windows.removal(tmp_path).splitlines()
    assert lines == [
        'Delete "$INSTDIR\\cash$$.txt"',
        'Delete "$INSTDIR\\pkg\\__init__.py"',
        'Delete "$INSTDIR\\pkg\\deep\\part.py"',
        'RMDir "$INSTDIR\\pkg\\deep"',
        'RMDir "$INSTDIR\\pkg"',
    ]
    assert not re.search(r"RMDir\s+/r", SCRIPT, re.IGNORECASE)


def test_before_anything_is_deleted_every_program_file_is_asked_whether_it_is_in_use(tmp_path: Path) -> None:
    tree(tmp_path)
    for name in ("b.dll", "a$.exe", "pkg/c.pyd", "python311.zip", "note.txt"):
        (tmp_path / name).write_text("")
    assert windows.probes(tmp_path).splitlines() == [
        '${Probe} "$INSTDIR\\a$$.exe"',
        '${Probe} "$INSTDIR\\b.dll"',
        '${Probe} "$INSTDIR\\pkg\\c.pyd"',
        '${Probe} "$INSTDIR\\python311.zip"',
    ]
    section = SCRIPT.split('Section "Uninstall"')[1]
    assert section.index("un.EndIfRunning") < section.index("un.EndIfInUse") < section.index("${REMOVAL}")


def test_the_setup_looks_for_trouble_first_and_leaves_an_uninstaller_before_it_lays_out_anything() -> None:
    section = SCRIPT.split('Section "Rekindle"')[1].split("SectionEnd")[0]
    order = ("EndIfRunning", "EndIfNoRoom", "RemoveBefore", "WriteUninstaller", '"UninstallString"', "${CONTENT}")
    places = [section.index(word) for word in order]
    assert places == sorted(places)


def test_what_tells_keyring_its_stores_is_kept_of_the_libraries_notes(tmp_path: Path) -> None:
    for name, words in (("keyring-1", "[keyring.backends]\nWindows = it\n"), ("other-1", "[console_scripts]\nx = y\n")):
        note = tmp_path / f"{name}.dist-info"
        note.mkdir()
        (note / "entry_points.txt").write_text(words)
        (note / "METADATA").write_text(f"Name: {name}\nVersion: 1\nSummary: long\n\nwords")
        (note / "RECORD").write_text("")
    own_python.trim_notes(tmp_path)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == [
        "keyring-1.dist-info/METADATA",
        "keyring-1.dist-info/entry_points.txt",
        "other-1.dist-info/METADATA",
    ]


def test_the_setup_lays_out_each_file_in_sorted_order(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "zeta.txt").write_text("")
    assert windows.content(tmp_path).splitlines() == [
        'SetOutPath "$INSTDIR"',
        f'File "{tmp_path / "zeta.txt"}"',
        'SetOutPath "$INSTDIR\\pkg"',
        f'File "{tmp_path / "pkg" / "__init__.py"}"',
        'SetOutPath "$INSTDIR\\pkg\\deep"',
        f'File "{tmp_path / "pkg" / "deep" / "part.py"}"',
    ]
    assert "File /r" not in SCRIPT


def test_the_setup_asks_for_no_administrator_and_writes_for_one_person_only() -> None:
    assert "RequestExecutionLevel user" in SCRIPT
    assert "HKLM" not in SCRIPT
    assert "SetShellVarContext all" not in SCRIPT
    assert "$PROGRAMFILES" not in SCRIPT


def test_the_setup_knows_by_the_same_name_that_the_program_is_open() -> None:
    assert 'w "RekindleIsOpen"' in SCRIPT
    assert 'L"RekindleIsOpen"' in LAUNCHER


def test_everything_the_script_is_given_it_uses_and_the_other_way_round() -> None:
    used = set(re.findall(r"\$\{([A-Z0-9]+)\}", SCRIPT)) - {"KEY"}
    source = (ROOT / "packaging" / "windows.py").read_text(encoding="utf-8")
    given = set(re.findall(r'^        "([A-Z0-9]+)": .*$', source.split("def make_setup")[1], re.MULTILINE))
    assert used == given | {"SIGN"}


def test_the_helper_has_the_boards_of_the_table_by_name() -> None:
    lines = windows.boards_header(windows.known_boards())
    assert '{L"core", "Spark Core (update mode)", 0x1d50, 0x607f},' in lines
    assert lines.count("{L") == len(PLATFORMS)


def test_page_and_helper_mean_the_same_by_an_exit_status() -> None:
    found = re.search(r"enum \{ (.*) \};", HELPER)
    assert found is not None
    names = found.group(1).split(", ")
    assert [names[number] for number in sorted(OUTCOMES)] == ["DONE", "REFUSED", "PENDING", "FORBIDDEN"]


def test_what_libwdi_carries_has_the_time_stamp_of_the_build_only() -> None:
    header = windows.embedded_header([("amd64", "a.dll", b"\x01\x02"), ("", "empty", b"")], 1234)
    assert '{"amd64", "a.dll", 2, INT64_C(1234), file_000},' in header
    assert "file_001[] = {0};" in header


@pytest.mark.parametrize(
    ("number", "four"), [("0.1.0", "0.1.0.0"), ("2", "2.0.0.0"), ("1.2rc3", "1.2.3.0"), ("1.2.3.4.5", "1.2.3.4")]
)
def test_windows_gets_four_numbers(number: str, four: str) -> None:
    assert windows.four_numbers(number, ".") == four


def test_a_runtime_folder_says_itself_which_python_it_is(tmp_path: Path) -> None:
    words = "ProductVersion\0\x003.11.9\0\0Translation".encode("utf-16-le")
    (tmp_path / "python311.dll").write_bytes(b"MZ" + bytes(64) + words)
    (tmp_path / "python311.zip").write_bytes(b"")
    (tmp_path / "sqlite3.dll").write_bytes(b"")
    (tmp_path / "LICENSE.txt").write_text("its licence")
    runtime = windows.runtime_in(tmp_path)
    assert (runtime.version, runtime.short, runtime.licence) == ("3.11.9", "311", "its licence")
    assert runtime.library == tmp_path / "python311.zip"
    assert [path.name for path in runtime.files] == ["python311.dll", "python311.zip"]


def test_a_folder_without_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        windows.runtime_in(tmp_path)


@pytest.mark.parametrize("name", ["tcl86t.dll", "sqlite3.dll", "_tkinter.pyd", "api-ms-win-crt-heap-l1-1-0.dll"])
def test_what_the_program_does_not_use_of_python_stays_out(name: str) -> None:
    assert windows.RUNTIME.fullmatch(name) is None


@pytest.mark.parametrize("content", [b"", b"MZ", b"MZ" + bytes(100), b"\x7fELF" + bytes(100)])
def test_what_is_no_windows_program_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(pe_file.NotThisFormatError):
        pe_file.PeFile(content)


def made_library(imports: dict[str, tuple[str, ...]], exports: tuple[str, ...]) -> bytes:
    """A PE32+ file with one section that holds both tables."""
    start = 0x1000
    body = bytearray(20 * (len(imports) + 1) + 40)
    export_at = 20 * (len(imports) + 1)

    def put(data: bytes) -> int:
        at = len(body)
        body.extend(data)
        return start + at

    for number, (library, names) in enumerate(imports.items()):
        hints = [put(b"\0\0" + name.encode() + b"\0") for name in names]
        thunks = put(b"".join(hint.to_bytes(8, "little") for hint in hints) + bytes(8))
        entry = thunks.to_bytes(4, "little") + bytes(8) + put(library.encode() + b"\0").to_bytes(4, "little")
        body[20 * number : 20 * number + 16] = entry
    pointers = put(b"".join(put(name.encode() + b"\0").to_bytes(4, "little") for name in exports))
    body[export_at + 24 : export_at + 28] = len(exports).to_bytes(4, "little")
    body[export_at + 32 : export_at + 36] = pointers.to_bytes(4, "little")
    directories = bytearray(16 * 8)
    directories[0:8] = (start + export_at).to_bytes(4, "little") + (40).to_bytes(4, "little")
    directories[8:16] = start.to_bytes(4, "little") + (20).to_bytes(4, "little")
    optional = (0x20B).to_bytes(2, "little") + bytes(110) + directories
    coff = b"\x64\x86" + (1).to_bytes(2, "little") + bytes(12) + len(optional).to_bytes(2, "little") + bytes(2)
    head = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + coff + optional
    raw = len(head) + 40
    numbers = (len(body), start, len(body), raw)
    section = b".all\0\0\0\0" + b"".join(number.to_bytes(4, "little") for number in numbers) + bytes(16)
    return head + section + bytes(body)


def test_imports_and_exports_are_read(tmp_path: Path) -> None:
    read = pe_file.PeFile(made_library({"KERNEL32.dll": ("Sleep", "Beep"), "Other.dll": ("it",)}, ("zeta", "alpha")))
    assert read.imports() == {"kernel32.dll", "other.dll"}
    assert read.functions() == {"kernel32.dll": {"Sleep", "Beep"}, "other.dll": {"it"}}
    assert read.exports() == ("alpha", "zeta")
    (tmp_path / "a.pyd").write_bytes(made_library({"b.dll": ("f",), "kernel32.dll": ("Sleep",)}, ("a",)))
    (tmp_path / "b.dll").write_bytes(made_library({"c.dll": ("f",), "api-ms-win-crt-heap-l1-1-0.dll": ("m",)}, ("f",)))
    assert pe_file.missing(tmp_path) == {"c.dll": ("b.dll",)}
    (tmp_path / "c.dll").write_bytes(made_library({}, ("f",)))
    assert pe_file.missing(tmp_path) == {}
    there = {path.name: path for path in tmp_path.glob("*.dll")}
    assert pe_file.needed([tmp_path / "a.pyd"], there) == set(there.values())


def test_the_library_of_a_runtime_is_taken_as_it_is(tmp_path: Path) -> None:
    archive = tmp_path / "python311.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("os.pyc", b"code")
    runtime = own_python.Runtime("3.11.9", (archive,), "a folder", "")
    own_python.library_zip(runtime, tmp_path / "out.zip", tmp_path / "work")
    assert (tmp_path / "out.zip").read_bytes() == archive.read_bytes()


def test_a_screen_becomes_a_picture() -> None:
    fields = [100, 7, 2, 24, 2, 1, 0, 0, 32, 0, 32, 32, 8, 4, 0, 0, 0, 8, 0, 0, 2, 1, 0, 0, 0]
    head = b"".join(number.to_bytes(4, "big") for number in fields)
    shown = screen.read_xwd(head + bytes([3, 2, 1, 0, 30, 20, 10, 0]))
    assert shown.rows == (bytes([1, 2, 3, 10, 20, 30]),)
    assert shown.png().startswith(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match="not such a dump"):
        screen.read_xwd(bytes(100))


def test_nothing_is_signed_without_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(windows.CERTIFICATE, raising=False)
    windows.sign([tmp_path / "not-there.exe"])
    assert os.listdir(tmp_path) == []
