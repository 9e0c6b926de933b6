#!/usr/bin/env python3
"""Look into the macOS disk image built on Linux: `python3 packaging/check_macos.py [--twice] [IMAGE]`.

On Linux the finished image is opened with two programs of others and compared with what was packed; every file in it
is looked at: property list, icon, both processors in each Mach-O file, each library it asks for, each page of each
signature, the seal, the rescue pack, licences, each module that is imported. Then the app's byte code is started by its
own launcher, compiled for Linux, with Linux's binary files in place of the Mac's, and does a job in practice mode.
`--twice` builds once more and compares.

On a Mac the image is mounted, looked at in the same way, and the app itself is run. THAT WAS NEVER DONE.

Needs on Linux p7zip-full and dmg2img, and .venv. Exit status: 0 all is well, 1 something is not, 2 a tool is missing.
"""

from __future__ import annotations

import dis
import hashlib
import json
import marshal
import os
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import disk_image  # noqa: E402 - found only now
import icons  # noqa: E402
import mac_bundle  # noqa: E402
import mac_signature  # noqa: E402
import mach_o  # noqa: E402
import macos  # noqa: E402
import own_python  # noqa: E402
import wheels  # noqa: E402
from check_linux import Checks  # noqa: E402
from parts import CACHE, DIST, ROOT, listing, pack_files, sha256, version  # noqa: E402

TOOLS = {"7z": "p7zip-full", "dmg2img": "dmg2img"}
SLOW_S = 300.0
WINDOW_S = 10.0
BOARDS = ("core", "photon")
MANY = 12
PROCESSORS = {"arm64", "x86_64"}

# PySide6's own files name macOS 15 as the oldest, though its wheel is for 13 on. macOS looks at that number in the
# program only; a library fails when it asks for a function that is not there. So those they ask for are looked at.
NEWER_THAN_IT_SAYS = re.compile(r"Contents/Resources/lib/(?:PySide6|shiboken6)/[^/]+")
NEWER_FUNCTIONS = re.compile(
    r"__libcpp_verbose_abort|__hash_memory|__from_native_exception_pointer|8to_chars|10from_chars|3pmr|"
    r"__is_posix_terminal|__get_ostream_file"
)
"""Parts of the names of what the C++ library of macOS has since 13.3, 14 and later."""

# Asked for somewhere behind a condition, and not there on a Mac, or not in this program.
_ELSEWHERE = """
    System _interpqueues _interpreters _overlapped _typeshed _winapi _winreg annotationlib bcrypt brotli brotlicffi
    click concurrent.interpreters doctest exceptiongroup h2 java jnius msvcrt nt org pathlib.types
    psutil._psutil_windows pygments requests rich sniffio test trio urllib3 vms_lib win32evtlog win32evtlogutil
    winreg zstandard
"""
ELSEWHERE = frozenset(_ELSEWHERE.split())
BUILT_IN = frozenset(
    {"_frozen_importlib", "_frozen_importlib_external", "_warnings", "builtins", "marshal", "os.path", "sys"}
)
"""In Python's library, but not begun by a function `PyInit_...`."""
FIRST = ("rekindle_start", "encodings", "encodings.utf_8", "encodings.idna", "codecs", "io", "abc", "runpy")


def main(arguments: list[str]) -> int:
    """Run all checks; return the exit status."""
    given = [argument for argument in arguments if not argument.startswith("-")]
    image = Path(given[0]).resolve() if given else macos.image(macos.EVERY)
    on_mac = sys.platform == "darwin"
    missing = [] if on_mac else [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing or not image.is_file():
        print(f"{__doc__}\nMissing: {', '.join(missing) or f'{image}, which `package macos` builds'}")
        return 2
    checks = Checks()
    with tempfile.TemporaryDirectory() as made:
        work = Path(made).resolve()
        with mounted(image, work) if on_mac else extracted(checks, image, work) as folder:
            app = folder / "Rekindle.app"
            check_app(checks, app)
            if on_mac:
                check_run(checks, app, work)
            else:
                rehearse(checks, app, work)
                checks.skip("starting the app itself: this is no Mac. It was never run on one.")
    if "--twice" in arguments:
        check_twice(checks, image)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def check_app(checks: Checks, app: Path) -> None:
    """Look at everything in an app that can be seen without running it."""
    contents = app / "Contents"
    for look in (
        check_description,
        check_icon,
        check_names,
        check_binaries,
        check_signatures,
        check_seal,
        check_origin,
        check_pack,
        check_licences,
        check_imports,
    ):
        try:
            look(checks, contents)
        except (OSError, ValueError, KeyError, struct.error, IndexError, StopIteration) as error:
            checks.that(False, f"{look.__name__}: the app can be looked at", f"{type(error).__name__}: {error}")


# --- the image ---


@contextmanager
def mounted(image: Path, work: Path) -> Iterator[Path]:
    """Have macOS open the image."""
    place = work / "mounted"
    place.mkdir()
    subprocess.run(
        ["hdiutil", "attach", "-nobrowse", "-readonly", "-mountpoint", place, image], check=True, timeout=SLOW_S
    )
    try:
        yield place
    finally:
        subprocess.run(["hdiutil", "detach", place], check=False, timeout=SLOW_S)


@contextmanager
def extracted(checks: Checks, image: Path, work: Path) -> Iterator[Path]:
    """Open the image with programs of others, and compare what they find with what was packed."""
    try:
        raw = disk_image.unpack(image.read_bytes())
    except disk_image.BadImageError as error:
        raw = b""
        checks.that(False, "image: every checksum in it is right", str(error))
    else:
        checks.that(True, f"image: every checksum in it is right ({len(raw)} bytes of file system)")
    try:
        tidy = disk_image.tidy(raw) == raw
    except disk_image.BadImageError as error:
        checks.that(False, "image: it holds an HFS+ file system", str(error))
    else:
        checks.that(tidy, "image: each used block is one file's, and no file has notes of the Finder")
    other = work / "other.img"
    told = run("dmg2img", image, other)
    same = other.is_file() and other.read_bytes() == raw != b""
    checks.that(same, "image: dmg2img unpacks the same file system", told.stdout)
    other.unlink(missing_ok=True)
    told = run("7z", "t", image)
    checks.that(told.returncode == 0 and "Everything is Ok" in told.stdout, "image: 7z finds no fault", told.stdout)
    folder = work / "extracted"
    run("7z", "x", f"-o{folder}", image)
    volume = f"Rekindle {version()}"
    found = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    checks.that(found == [volume], f"image: the volume is called {volume}", str(found))
    inside = folder / volume
    shown = sorted(path.name for path in inside.iterdir()) if inside.is_dir() else []
    checks.that(
        shown == ["Applications", "Rekindle.app"], "image: it shows the app and the folder to put it", str(shown)
    )
    # 7z writes a link that leads out of its folder as one inside: the words in it are asked for.
    link = run("7z", "e", "-so", image, f"{volume}/Applications").stdout
    is_link = (inside / "Applications").is_symlink()
    checks.that(is_link and link == "/Applications", "image: the folder is a link to /Applications", link)
    note = DIST / "macos-payload.txt"
    if note.is_file():
        packed = without_links(note.read_text(encoding="utf-8").splitlines())
        differ = sorted(packed ^ without_links(map(str, listing(inside))))
        checks.that(
            bool(packed) and not differ,
            f"image: {len(packed)} files and folders have the bytes, modes and dates that were packed",
            "\n".join(differ[:MANY]),
        )
    else:
        checks.skip(f"comparing with what was packed: there is no {note.name}")
    yield inside


def without_links(lines: Sequence[str] | Iterator[str]) -> set[str]:
    """Return the lines of a listing that are no links."""
    return {line for line in lines if not line.startswith("link ")}


# --- what can be seen ---


def check_description(checks: Checks, contents: Path) -> None:
    """Look at the property list and at the program it names."""
    told = plistlib.loads((contents / "Info.plist").read_bytes())
    checks.that(told == macos.information(), "app: Info.plist is what the build says", str(told))
    numbers = {told.get("CFBundleShortVersionString"), told.get("CFBundleVersion")}
    checks.that(numbers == {version()}, f"app: its version is {version()}, from pyproject.toml", str(numbers))
    package = (contents / "PkgInfo").read_bytes()
    checks.that(package == b"APPL????", "app: PkgInfo says that it is one", str(package))
    program = contents / "MacOS" / told["CFBundleExecutable"]
    runs = program.is_file() and program.stat().st_mode & 0o777 == 0o755
    checks.that(runs, f"app: {program.name} may be run")
    kinds = {part.kind for part in mach_o.slices(program.read_bytes())}
    checks.that(kinds == {mach_o.EXECUTABLE}, "app: it is a program for macOS", str(kinds))


def check_icon(checks: Checks, contents: Path) -> None:
    """Look at each picture of the icon."""
    content = (contents / "Resources" / macos.information()["CFBundleIconFile"]).read_bytes()
    at, sides, whole = 8, {}, content[:4] == b"icns" and struct.unpack(">I", content[4:8])[0] == len(content)
    while whole and at < len(content):
        kind, size = struct.unpack_from(">4sI", content, at)
        sides[kind.decode()] = png_side(content[at + 8 : at + size])
        at += max(size, 8)
    checks.that(whole and sides == icons.ICNS_KINDS, f"app: the icon has {len(sides)} whole pictures", str(sides))


def png_side(content: bytes) -> int:
    """Return the side of a square PNG in px, after comparing the checksum of each of its parts; 0 if it is damaged."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        return 0
    at, parts = 8, []
    while at + 12 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if zlib.crc32(content[at + 4 : at + 8 + size]) != struct.unpack_from(">I", content, at + 8 + size)[0]:
            return 0
        parts.append(kind)
        at += 12 + size
    width, height = struct.unpack_from(">II", content, 16)
    return int(width) if parts[:1] == [b"IHDR"] and parts[-1:] == [b"IEND"] and width == height else 0


def check_names(checks: Checks, contents: Path) -> None:
    """Look at names and modes."""
    names = [path.relative_to(contents).as_posix() for path in contents.rglob("*")]
    odd = [name for name in names if not name.isascii() or len(name.rsplit("/", 1)[-1]) > 255]
    checks.that(not odd, f"app: {len(names)} names that every file system takes", str(odd[:MANY]))
    twice = len(names) - len({name.lower() for name in names})
    checks.that(twice == 0, "app: no two names differ in upper and lower case only")
    runnable = {contents / "MacOS" / mac_bundle.PROGRAM, *mach_o.files(contents)}
    modes = {path: path.stat().st_mode & 0o777 for path in contents.rglob("*") if not path.is_symlink()}
    bad = [
        f"{path} {mode:o}"
        for path, mode in modes.items()
        if mode != (0o755 if path.is_dir() else 0o644) and (path not in runnable or mode != 0o755)
    ]
    checks.that(
        not bad, "app: nothing but code is runnable, and nothing may be written by others", "\n".join(bad[:MANY])
    )


def binaries(contents: Path) -> Mapping[str, tuple[mach_o.Slice, ...]]:
    """Return every Mach-O file of an app by its name from `Contents` on."""
    return {
        f"Contents/{path.relative_to(contents).as_posix()}": mach_o.slices(path.read_bytes())
        for path in mach_o.files(contents)
    }


def check_binaries(checks: Checks, contents: Path) -> None:
    """Look at what every Mach-O file is for, and what it asks for."""
    found = binaries(contents)
    single = [name for name, parts in found.items() if {part.processor for part in parts} != PROCESSORS]
    checks.that(
        not single and len(found) > 50, f"app: {len(found)} binary files, each for both processors", str(single)
    )
    oldest = tuple(int(number) for number in macos.OLDEST.split("."))
    newer = {name for name, parts in found.items() for part in parts if part.minimum is None or part.minimum > oldest}
    own = {name for name in newer if NEWER_THAN_IT_SAYS.fullmatch(name)}
    checks.that(
        not newer - own,
        f"app: none asks for a newer macOS than {macos.OLDEST}, PySide6 apart",
        str(sorted(newer - own)),
    )
    unknown = {
        f"{name}: {symbol}"
        for name in own
        for part in found[name]
        for symbol in part.wanted_symbols()
        if NEWER_FUNCTIONS.search(symbol)
    }
    asked = sum(len(part.wanted_symbols()) for name in own for part in found[name])
    checks.that(
        not unknown and asked > 100 * len(own),
        f"app: {len(own)} files of PySide6 say a newer one; of {asked} names they ask for none is newer",
        "\n".join(sorted(unknown)[:MANY]),
    )
    lacking = mach_o.missing(contents, contents / "MacOS" / mac_bundle.PROGRAM)
    asked = sum(len(part.needs) for parts in found.values() for part in parts)
    checks.that(
        not lacking,
        f"app: {asked} load commands lead to a file in the app or to macOS itself",
        "\n".join(f"{name}: {', '.join(askers)}" for name, askers in lacking.items()),
    )


def check_signatures(checks: Checks, contents: Path) -> None:
    """Hash every page of every signed file."""
    bad, right, unsigned = [], 0, 0
    for name, parts in binaries(contents).items():
        for part in parts:
            if part.signature is None and part.processor != "arm64":
                unsigned += 1
                continue
            try:
                mac_signature.verify(part)
            except mac_signature.BadSignatureError as error:
                bad.append(f"{name} ({part.processor}): {error}")
            else:
                right += 1
    sentence = f"app: {right} signatures fit each page; every part for arm64 has one ({unsigned} for Intel have none)"
    checks.that(right > 0 and not bad, sentence, "\n".join(bad[:MANY]))


def check_seal(checks: Checks, contents: Path) -> None:
    """Compare the list of sealed files with the files, and the program's signature with the list."""
    told = plistlib.loads((contents / mac_signature.SEAL).read_bytes())
    loose = {"Info.plist", "PkgInfo", mac_signature.SEAL, f"MacOS/{mac_bundle.PROGRAM}"}
    files = {path.relative_to(contents).as_posix(): path for path in contents.rglob("*") if not path.is_dir()}
    differ = [name for name in files if name not in loose and name not in told["files2"]]
    differ += [name for name in told["files2"] if name not in files]
    for name in told["files2"].keys() & files.keys():
        content = files[name].read_bytes()
        if (told["files2"][name], told["files"].get(name)) != (
            {"hash2": hashlib.sha256(content).digest()},
            hashlib.sha1(content).digest(),
        ):
            differ.append(name)
    outside = sorted(name for name in files if name not in loose and not name.startswith("Resources/"))
    checks.that(
        not differ and not outside and loose <= files.keys(),
        f"app: the seal covers {len(told['files2'])} files, and nothing else lies in it",
        "\n".join([*differ, *outside][:MANY]),
    )
    info = hashlib.sha256((contents / "Info.plist").read_bytes()).digest()
    seal = hashlib.sha256((contents / mac_signature.SEAL).read_bytes()).digest()
    for part in mach_o.slices((contents / "MacOS" / mac_bundle.PROGRAM).read_bytes()):
        said = mac_signature.verify(part)
        checks.that(
            (said.name, said.flags) == (macos.IDENTIFIER, mac_signature.AD_HOC)
            and (said.specials[mac_signature.INFO], said.specials[mac_signature.RESOURCES]) == (info, seal),
            f"app: the program for {part.processor} is bound to Info.plist and the seal",
            str(said),
        )


def check_origin(checks: Checks, contents: Path) -> None:
    """Look for the names of folders of the machine that built it."""
    places = {str(ROOT), str(Path.home()), str(CACHE), sys.base_prefix} - {"/"}
    # A short name is part of others ("/root" of "/rootfs"): it has to be followed by something.
    wanted = re.compile(b"|".join(re.escape(f"{place}/".encode()) for place in sorted(places)))
    files = {path.relative_to(contents).as_posix(): path for path in contents.rglob("*") if path.is_file()}
    told = [f"{name}: {found.group().decode()}" for name in files if (found := wanted.search(files[name].read_bytes()))]
    checks.that(bool(files) and not told, "app: nothing in it tells where it was built", "\n".join(told[:MANY]))


def check_pack(checks: Checks, contents: Path) -> None:
    """Compare the rescue pack with the program's own table."""
    from app.firmware.pack import PACK, PackState, RescuePack

    folder = contents / "Resources" / "lib" / "resources" / "pack"
    bad = [item.file.name for item in RescuePack(folder).items() if item.state is not PackState.PRESENT]
    checks.that(not bad, f"app: the rescue pack is whole, {len(PACK)} files", str(bad))


def check_licences(checks: Checks, contents: Path) -> None:
    """Look at the licences and the bill of materials."""
    library = contents / "Resources" / "lib"
    folder = library / "resources" / "licences"
    same = (folder / "LICENSE.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()
    checks.that(same, "app: its own licence is there")
    bill = json.loads((folder / "sbom.cdx.json").read_text(encoding="utf-8"))
    listed = {(wheels.canonical(item["name"]), item.get("version")) for item in bill["components"]}
    inside = set()
    for note in library.glob("*.dist-info"):
        name, number = note.name.removesuffix(".dist-info").split("-", 1)
        if name != "rekindle":
            inside.add((wheels.canonical(name), number))
    inside.add(("python", mac_bundle.CARRIED) if not os.environ.get(mac_bundle.PYTHON_FOLDER) else next(iter(inside)))
    checks.that(
        len(inside) > 10 and inside <= listed,
        f"app: the bill of materials names all {len(inside)} libraries in it",
        str(sorted(inside - listed)),
    )
    hashes = {item["name"]: item["hashes"][0]["content"] for item in bill["components"] if item["type"] == "firmware"}
    wanted = {path.name: sha256(path) for path in pack_files().values()}
    checks.that(hashes == wanted, "app: it names each file of the rescue pack with its hash")
    words = (folder / "NOTICES.txt").read_text(encoding="utf-8")
    unnamed = [name for name, _ in inside if name not in wheels.canonical(words)]
    lesser = "GNU LESSER GENERAL PUBLIC LICENSE" in words
    checks.that(not unnamed and lesser, "app: NOTICES.txt names each, with the words of its licence", str(unnamed))


# --- what it imports ---


class Modules:
    """Every Python module of an app: byte code, binary ones, and those inside Python's library."""

    def __init__(self, contents: Path) -> None:
        resources = contents / "Resources"
        self.code: dict[str, CodeType] = {}
        self.packages: set[str] = set()
        self.others: set[str] = set(BUILT_IN)
        for archive in sorted((resources / "python").glob("python3*.zip")):
            with zipfile.ZipFile(archive) as packed:
                for name in packed.namelist():
                    if name.endswith(".pyc"):
                        self._add(name, packed.read(name))
        for folder in (resources / "python", resources / "lib"):
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).as_posix()
                if path.suffix == ".pyc":
                    self._add(name, path.read_bytes())
                elif path.suffix == ".so":
                    self.others.add(f"{name.rpartition('/')[0]}/{path.name.split('.')[0]}".strip("/").replace("/", "."))
        library = next(path for path in (resources / "python").iterdir() if mac_bundle.LIBRARY.fullmatch(path.name))
        self.others |= {found.decode() for found in re.findall(rb"PyInit_(\w+)", library.read_bytes())}

    def _add(self, path: str, content: bytes) -> None:
        parts = path.removesuffix(".pyc").split("/")
        if parts[-1] == "__init__":
            parts.pop()
            self.packages.add(".".join(parts))
        name = ".".join(parts)
        self.code[name] = marshal.loads(content[16:])
        for number in range(1, len(parts)):  # a folder without __init__ is a package too
            self.others.add(".".join(parts[:number]))

    def __contains__(self, name: str) -> bool:
        return name in self.code or name in self.others

    def lacking(self, first: Sequence[str]) -> tuple[int, dict[str, set[str]]]:
        """Follow every import, wherever it stands; return how many modules were reached, and what was not found."""
        reached: set[str] = set()
        lacking: dict[str, set[str]] = {}
        wanted = [(name, "the start") for name in first]
        while wanted:
            name, asker = wanted.pop()
            parts = name.split(".")
            for number in range(1, len(parts) + 1):
                part = ".".join(parts[:number])
                if part not in self:
                    lacking.setdefault(part, set()).add(asker)
                    break
                if part not in reached:
                    reached.add(part)
                    if part in self.code:
                        wanted += [(found, part) for found in self._asked(part)]
        return len(reached), lacking

    def _asked(self, name: str) -> Iterator[str]:
        for asked, names, level in imports(self.code[name]):
            full = asked
            if level:
                parts = name.split(".")
                base = parts[: len(parts) - level + (name in self.packages)]
                full = ".".join([*base, asked] if asked else base)
            yield full
            yield from (f"{full}.{one}" for one in names if f"{full}.{one}" in self)


def imports(code: CodeType) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield each import in a piece of byte code: the module, the names taken from it, how far up it is looked for."""
    before: list[object] = [None, None]
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            level, names = before[-2:]
            yield str(step.argval), names if isinstance(names, tuple) else (), level if isinstance(level, int) else 0
        before.append(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from imports(constant)


def check_imports(checks: Checks, contents: Path) -> None:
    """Follow every import from the start on."""
    reached, lacking = Modules(contents).lacking(FIRST)
    bad = [f"{name}: {', '.join(sorted(askers)[:4])}" for name, askers in lacking.items() if name not in ELSEWHERE]
    checks.that(
        reached > 500 and not bad,
        f"app: {reached} modules are reached by imports, and all are there ({len(lacking)} are other systems')",
        "\n".join(sorted(bad)[:MANY]),
    )


# --- what can be run ---


def run(*words: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        [str(word) for word in words],
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SLOW_S,
        text=True,
        errors="replace",
        check=False,
    )


def check_run(checks: Checks, app: Path, work: Path) -> None:
    """On a Mac: have macOS judge the seal, then run the app on each processor it can."""
    told = run("codesign", "--verify", "--deep", "--strict", "--verbose=2", app)
    checks.that(told.returncode == 0, "macOS: the seal is right", told.stdout)
    machines = [name for name in sorted(PROCESSORS) if run("arch", f"-{name}", "/usr/bin/true").returncode == 0]
    for machine in sorted(PROCESSORS - set(machines)):
        checks.skip(f"running the part for {machine}: this Mac cannot")
    for machine in machines:
        program = ("arch", f"-{machine}", str(app / "Contents" / "MacOS" / mac_bundle.PROGRAM))
        try_program(checks, program, work / f"home-{machine}", f"macOS, {machine}")


def try_program(checks: Checks, program: Sequence[str], home: Path, where: str) -> None:
    """Ask the program for its version, have it check itself, and do a job in practice mode."""
    home.mkdir()
    evil = home / "evil"
    evil.mkdir()
    for name in ("os", "site", "app", "encodings", "rekindle_start"):
        (evil / f"{name}.py").write_text("raise SystemExit('somebody else')\n")
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(evil),
        "PYTHONHOME": str(evil),
        "PYTHONSTARTUP": str(evil / "os.py"),
        "PYTHONEXECUTABLE": str(evil / "python"),
        "__PYVENV_LAUNCHER__": str(evil / "python"),
        "QT_PLUGIN_PATH": str(evil),
        "QT_QPA_PLATFORM_PLUGIN_PATH": str(evil),
        "REKINDLE_DATA": str(home / "data"),
    }
    told = run(*program, "--version", environment=environment)
    right = (told.returncode, told.stdout.strip()) == (0, f"rekindle {version()}")
    checks.that(right, f"{where}: it starts, and no Python but its own has a say", told.stdout)
    told = run(*program, "--self-check", environment=environment)
    good = sum(line.startswith("ok ") for line in told.stdout.splitlines())
    checks.that(told.returncode == 0 and good >= 10, f"{where}: it checks itself, {good} parts work", told.stdout)
    frozen = "frozen" in told.stdout and str(Path(program[-1]).parent.parent) in told.stdout
    checks.that(frozen, f"{where}: it knows that it is an app, and where its pictures are", told.stdout)
    for board in BOARDS:
        told = run(*program, "run", "back-up-key", "--practice", board, environment=environment)
        checks.that(told.returncode == 0, f"{where}: practice {board}: the key is backed up", told.stdout)
    # Not offscreen on a Mac: a window needs Qt's plugin for Cocoa, and a person who is signed in there.
    window = {**environment, "QT_QPA_PLATFORM": "cocoa"} if sys.platform == "darwin" else environment
    stays, words = stays_open((*program, "--practice"), window)
    checks.that(stays, f"{where}: the window of practice mode opens, and stays for {WINDOW_S:.0f} seconds", words)
    logged = "".join(path.read_text(encoding="utf-8") for path in home.rglob("*.log"))
    checks.that(f"({Path(program[-1])})" in logged, f"{where}: practice mode would start this program again", logged)
    keys = list((home / "data" / "practice-keys").rglob("*.der"))
    checks.that(len(keys) >= len(BOARDS), f"{where}: {len(keys)} keys are in the practice safe")


def stays_open(program: Sequence[str], environment: Mapping[str, str]) -> tuple[bool, str]:
    """Start a program and end it after `WINDOW_S`; return whether it ran until then, and what it printed."""
    with subprocess.Popen(
        program, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    ) as running:
        try:
            printed, _ = running.communicate(timeout=WINDOW_S)
        except subprocess.TimeoutExpired:
            running.kill()
            return True, ""
        return False, f"exit status {running.returncode}\n{printed.decode(errors='replace')}"


def rehearse(checks: Checks, app: Path, work: Path) -> None:
    """Start the app's byte code on Linux, by its own launcher, with Linux's binary files in place of the Mac's."""
    python = Path(sysconfig.get_config_var("LIBDIR")) / str(sysconfig.get_config_var("INSTSONAME"))
    library = next(
        path for path in (app / "Contents/Resources/python").iterdir() if mac_bundle.LIBRARY.match(path.name)
    )
    number = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if ".so" not in python.name or not python.is_file() or number not in library.name:
        checks.skip(f"rehearsal: it needs Python {number} with a shared library, of the app's version")
        return
    stage = work / "rehearsal"
    contents = stage / "Contents"
    shutil.copytree(app / "Contents", contents, symlinks=True)
    replace_binaries(contents, work, python, library.name)
    runtime = own_python.Runtime(f"{number}.0", (Path(library.name),), "", "")
    program = contents / "MacOS" / mac_bundle.PROGRAM
    mac_bundle.compile_launcher(runtime, program, work, ("-target", "x86_64-linux-gnu.2.34"))
    try_program(checks, (str(program),), work / "home", "rehearsal on Linux")


def replace_binaries(contents: Path, work: Path, python: Path, library: str) -> None:
    """Put Linux's binary files in the place of those of macOS, and only where there is one in the app.

    Args:
        contents: The folder `Contents` of a copy of the app.
        work: A folder for what is made on the way.
        python: The library of this Python.
        library: What the app calls its own.
    """
    here = contents / "Resources" / "python"
    modules = {path.name.split(".")[0] for path in here.glob("*.so")}
    lib = contents / "Resources" / "lib"
    names = {path.relative_to(lib).parts[0] for path in mach_o.files(lib)}
    for path in list(mach_o.files(contents)):
        path.unlink()
    shutil.copyfile(python, here / library)
    for path in Path(sysconfig.get_config_var("DESTSHARED")).glob("*.so"):
        if path.name.split(".")[0] in modules:
            shutil.copyfile(path, here / path.name)
    of_macs = wheels.macos(mac_bundle.CARRIED, "arm64").markers()
    pins = [pin for pin in wheels.read_lock() if wheels.applies(pin.marker, of_macs)]
    # Each library with binary files, in the version of the app.
    mine = {"cryptography", "cffi", "psutil", "libusb-package", "pyside6-essentials", "shiboken6"}
    linux = wheels.linux(mac_bundle.CARRIED)
    chosen = wheels.get_pins(linux, [pin for pin in pins if pin.name in mine])
    other = work / "linux"
    wheels.unpack(chosen.values(), other)
    for path in sorted(other.rglob("*")):
        inside = path.relative_to(other)
        if (
            path.is_file()
            and ".so" in path.name
            and inside.parts[0] in {*names, "_cffi_backend.cpython-311-x86_64-linux-gnu.so"}
        ):
            target = lib / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
    shutil.rmtree(other)
    # The store for passwords of Linux; that of macOS needs no library.
    wheels.unpack([wheel for wheel in wheels.fetch(linux) if wheel.name in ("secretstorage", "jeepney")], lib)


def check_twice(checks: Checks, image: Path) -> None:
    """Build once more and compare."""
    before, first = sha256(image), (DIST / "macos-payload.txt").read_text(encoding="utf-8")
    # The moment of the first: a commit made meanwhile would be another.
    os.environ["SOURCE_DATE_EPOCH"] = first.split("\n", 1)[0].split()[3]
    again = macos.build()[0].path
    second = (DIST / "macos-payload.txt").read_text(encoding="utf-8")
    differ = sorted(set(first.splitlines()) ^ set(second.splitlines()))
    checks.that(not differ, "built twice: the payload is the same", "\n".join(differ[:MANY]))
    checks.that(sha256(again) == before, f"built twice: {again.name} is the same, byte for byte")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
