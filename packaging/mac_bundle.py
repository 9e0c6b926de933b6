"""Builds `Rekindle.app` for both kinds of Mac, and the disk image around it, on Linux. `macos.py` calls this.

What goes in: the libraries as wheels of the lock, a Python for macOS (a folder given by REKINDLE_MAC_PYTHON, or else
the one that a pinned wheel carries), the standard library, and a launcher that is cross-compiled here. What a wheel
has for one processor only is joined with its counterpart. No file of others is changed otherwise: their signatures
stay what they were. Two builds of one commit are the same, byte for byte.

The Python modules, Qt and all else lie in `Contents/Resources`, as data of the app: so one seal covers everything.
"""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import disk_image
import icons
import mac_signature
import mach_o
import own_python
import sbom
import wheels
from parts import (
    CACHE,
    DIST,
    MEGABYTE,
    ROOT,
    Product,
    build_environment,
    build_folder,
    epoch,
    must,
    need,
    normalize,
    say,
    size_of,
    stage_program,
    version,
    write_listing,
)

HERE = ROOT / "packaging" / "macos"
PROGRAM = "rekindle"
TOOLS = {"xorriso": "xorriso"}
"""Programs that have to be there, and the Debian package of each."""

PYTHON_FOLDER = "REKINDLE_MAC_PYTHON"
"""Variable: a folder with Python for both kinds of Mac: `libpython3.11.dylib`, its modules (`*.cpython-311-darwin.so`)
and their libraries side by side, each asking for the others by `@loader_path`."""
# The wheel whose folder deploy_libs holds CPython 3.11.9 for both processors, in just that form.
CARRIER = wheels.Pin(
    "panda3d", "1.10.16", "", frozenset({"985cda212f7c69890267bd72b2175f4935a36b3785b18d904407678676221896"})
)
CARRIER_FOLDER = "deploy_libs/"
CARRIED = "3.11.9"
# A compiler for any system, with the libraries of macOS to link with; on x86-64 Linux.
COMPILER = wheels.Pin(
    "ziglang", "0.17.1", "", frozenset({"ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54"})
)
COMPILER_NAMES = {"arm64": "aarch64", "x86_64": "x86_64"}
CFLAGS = ("-O2", "-Wall", "-Wextra", "-Werror", "-g0")
ROOM = "-Wl,-headerpad,0x400"
"""Room in the head of the program for the load command of its signature."""

# Of the modules of Python; all others (tests, Tk, curses, SQLite, sounds) stay out.
_MODULES = """
    _asyncio _bisect _blake2 _bz2 _contextvars _csv _ctypes _datetime _decimal _elementtree _hashlib _heapq _json _lzma
    _md5 _multibytecodec _multiprocessing _opcode _pickle _posixshmem _posixsubprocess _queue _random _scproxy _sha1
    _sha256 _sha3 _sha512 _socket _ssl _statistics _struct _typing _uuid _zoneinfo array binascii cmath fcntl grp math
    mmap pyexpat resource select syslog termios unicodedata zlib
"""
MODULES = frozenset(_MODULES.split())
MODULE = re.compile(r"(\w+)\.cpython-\d+-darwin\.so")
LIBRARY = re.compile(r"libpython3\.\d+\.dylib")
# Of the standard library, what only a Mac needs and the build for Windows leaves out.
OF_MACS = ("_osx_support.py",)

QT_MODULES = ("QtCore", "QtGui", "QtSvg", "QtWidgets")
QT_PLUGINS = (
    "iconengines/libqsvgicon.dylib",
    "imageformats/libqgif.dylib",
    "imageformats/libqico.dylib",
    "imageformats/libqjpeg.dylib",
    "imageformats/libqsvg.dylib",
    "platforms/libqcocoa.dylib",
    "platforms/libqoffscreen.dylib",
    "styles/libqmacstyle.dylib",
)
LEFT_OUT_SUFFIXES = frozenset({".pyi", ".typed", ".c", ".h", ".a", ".o", ".pxd", ".rst"})


def build(information: Mapping[str, Any], oldest: str, target: Path) -> list[Product]:
    """Build the disk image.

    Args:
        information: The app's Info.plist.
        oldest: The oldest macOS it runs on, for example "13.0".
        target: The image.

    Raises:
        SystemExit: Something is missing, or failed.
    """
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch())  # a commit that is made meanwhile changes nothing
    need(TOOLS)
    work = build_folder("macos")
    image = work / "image"
    app = make_app(image / "Rekindle.app", work, information, oldest)
    (image / "Applications").symlink_to("/Applications")
    normalize(image)
    write_listing(image, DIST / "macos-payload.txt")
    for name, size in sizes(app):
        print(f"  {size / MEGABYTE:6.1f} MB  {name}")
    disk_image.write(image, f"Rekindle {version()}", work, target)
    return [Product(target, installed=size_of(app))]


def sizes(app: Path) -> list[tuple[str, int]]:
    """Return what takes how much room (bytes), the largest first."""
    resources = app / "Contents" / "Resources"
    folders = [path for path in (resources / "lib").iterdir() if path.is_dir()]
    found = [(path.name, size_of(path)) for path in folders if not path.name.endswith(".dist-info")]
    found.append(("Python", size_of(resources / "python")))
    return sorted(((name, size) for name, size in found if size >= MEGABYTE), key=lambda item: -item[1])


def make_app(app: Path, work: Path, information: Mapping[str, Any], oldest: str) -> Path:
    """Lay out the app, and seal it.

    Raises:
        SystemExit: Something asks for a file that is nowhere, or Python's version does not fit.
    """
    runtime = find_runtime(work / "runtime")
    say(f"Python {runtime.version} for macOS, from {runtime.origin}")
    if not own_python.fits(runtime.version):
        say(f"Build with Python {runtime.version.rpartition('.')[0]}: the program is compiled for it.")
        raise SystemExit(1)
    contents = app / "Contents"
    python, library = contents / "Resources" / "python", contents / "Resources" / "lib"
    for folder in (python, contents / "MacOS"):
        folder.mkdir(parents=True)

    chosen = {machine: wheels.fetch(wheels.macos(runtime.version, machine)) for machine in COMPILER_NAMES}
    components = lay_libraries(chosen, library, work)
    prune_qt(library, contents / "MacOS" / PROGRAM)
    own_python.drop_empty(library)
    lay_python(runtime, python, work)
    stage_program(library)
    shutil.copyfile(HERE / "rekindle_start.py", library / "rekindle_start.py")
    own_python.compile_tree(library, "lib")
    components += [sbom.python(runtime.version, runtime.licence), *runtime_components(python), sbom.firmware()]
    sbom.write(library / "resources" / "licences", components, "macos")

    program = make_launcher(runtime, contents / "MacOS" / PROGRAM, work, oldest)
    icons.write(icons.icns(), contents / "Resources" / str(information["CFBundleIconFile"]))
    (contents / "Info.plist").write_bytes(plistlib.dumps(dict(information)))
    (contents / "PkgInfo").write_bytes(b"APPL????")
    lacking = mach_o.missing(app, program)
    if lacking:
        for name, askers in lacking.items():
            say(f"{name} is nowhere, but needed by {', '.join(askers)}")
        raise SystemExit(1)
    mac_signature.seal(app, PROGRAM, str(information["CFBundleIdentifier"]))
    normalize(app)
    return app


# --- Python ---


def find_runtime(work: Path) -> own_python.Runtime:
    """Return the Python that goes in: the folder REKINDLE_MAC_PYTHON names, or the one the pinned wheel carries.

    Raises:
        SystemExit: The folder holds none.
    """
    given = os.environ.get(PYTHON_FOLDER)
    if given:
        return runtime_in(Path(given))
    wheel = wheels.get_pins(wheels.macos(CARRIED, "arm64"), (CARRIER,))[CARRIER.name]
    work.mkdir(parents=True)
    with zipfile.ZipFile(wheel.path) as archive:
        for name in archive.namelist():
            short = PurePosixPath(name).name
            if name == CARRIER_FOLDER + short:
                (work / short).write_bytes(archive.read(name))
    words = own_python.licence()
    return own_python.Runtime(CARRIED, runtime_files(work), f"{CARRIER.name} {CARRIER.version}", words)


def runtime_in(folder: Path) -> own_python.Runtime:
    """Return the Python of a folder.

    Raises:
        SystemExit: There is none, or it does not say its version.
    """
    library = next((path for path in sorted(folder.iterdir()) if LIBRARY.fullmatch(path.name)), None)
    told = re.search(rb"\0(3\.\d+\.\d+)\0", library.read_bytes()) if library is not None else None
    if told is None:
        say(f"There is no libpython3.x.dylib that says its version in {folder}.")
        raise SystemExit(1)
    licence = next((path for path in folder.iterdir() if path.name.lower() == "license.txt"), None)
    words = licence.read_text(encoding="utf-8", errors="replace") if licence else ""
    return own_python.Runtime(told.group(1).decode(), runtime_files(folder), str(folder), words)


def runtime_files(folder: Path) -> tuple[Path, ...]:
    """Return what goes in of a folder with Python: library, chosen modules, whatever these ask for, its zip if any."""
    modules = [path for path in sorted(folder.iterdir()) if LIBRARY.fullmatch(path.name) or _wanted(path.name)]
    zips = sorted(folder.glob("python3*.zip"))
    tables = sorted(folder.glob("_sysconfigdata*.py"))
    return (*modules, *sorted(mach_o.needed(modules, folder / "nothing")), *tables, *zips)


def _wanted(name: str) -> bool:
    found = MODULE.fullmatch(name)
    return found is not None and (found.group(1) in MODULES or found.group(1).startswith("_codecs_"))


def lay_python(runtime: own_python.Runtime, folder: Path, work: Path) -> None:
    """Copy the runtime's files, and write its standard library as a zip of byte code."""
    for path in runtime.files:
        if path.suffix != ".zip":
            shutil.copyfile(path, folder / path.name)
    if runtime.library is None:
        for name in OF_MACS:
            shutil.copyfile(Path(sysconfig.get_path("stdlib")) / name, folder / name)
    own_python.compile_tree(folder, "python")
    own_python.library_zip(runtime, folder / f"python{runtime.short}.zip", work)


def runtime_components(folder: Path) -> list[sbom.Component]:
    """Describe what came with Python as files of others."""
    library = folder / "libcrypto.3.dylib"
    if not library.exists():
        return []
    told = re.search(rb"OpenSSL (\d+\.\d+\.\d+)", library.read_bytes())
    remark = "In libcrypto.3.dylib and libssl.3.dylib, as Python for macOS brings them."
    return [sbom.Component("OpenSSL", told.group(1).decode() if told else "3", "Apache-2.0", remark=remark)]


# --- libraries ---


def lay_libraries(chosen: Mapping[str, Sequence[wheels.Wheel]], library: Path, work: Path) -> list[sbom.Component]:
    """Unpack the wheels, join what is for one processor each, and drop what a program at work does not need.

    Returns:
        What each is and how it is licensed.
    """
    first, *others = chosen
    wheels.unpack(chosen[first], library)
    for machine in others:
        other = work / f"lib-{machine}"
        wheels.unpack(chosen[machine], other)
        join(library, other)
    for path in sorted(library.rglob("*")):
        if path.is_file() and path.suffix in LEFT_OUT_SUFFIXES:
            path.unlink()
        elif path.is_dir() and path.name in ("tests", "__pyinstaller"):
            shutil.rmtree(path)
    own_python.trim_notes(library)
    described = {wheel.name: sbom.of_wheel(wheel) for wheel in chosen[first]}
    for wheel in (wheel for machine in others for wheel in chosen[machine]):
        if wheel.sha256 != described[wheel.name].sha256:
            remark = f"Its binary files are joined of two wheels; the other one has the SHA-256 {wheel.sha256}."
            described[wheel.name] = replace(described[wheel.name], remark=remark)
    return [*(described[name] for name in sorted(described)), *sbom.inside(chosen[first])]


def to_join(lib: Path, other: Path) -> list[str]:
    """Return the files that are for one processor in each of two folders, as sorted paths in them.

    Raises:
        SystemExit: A file for one processor has no counterpart: the app would not run on the other.
    """
    mine, theirs = _thin(lib), _thin(other)
    alone = sorted((mine - theirs) | (theirs - mine))
    if alone:
        say(f"These are there for one processor only: {', '.join(alone)}")
        raise SystemExit(1)
    return sorted(mine)


def _thin(folder: Path) -> set[str]:
    found = set()
    for path in mach_o.files(folder):
        with path.open("rb") as file:
            if file.read(4) == mach_o.THIN and path.suffix != ".o":
                found.add(path.relative_to(folder).as_posix())
    return found


def join(lib: Path, other: Path) -> None:
    """Make each file of `lib` that is for one processor a file for both, with its counterpart in `other`."""
    for name in to_join(lib, other):
        (lib / name).write_bytes(mach_o.join([(lib / name).read_bytes(), (other / name).read_bytes()]))


def prune_qt(library: Path, program: Path) -> None:
    """Leave of Qt what the program imports, and what that asks for."""
    qt = library / "PySide6"
    roots = [qt / f"{name}.abi3.so" for name in QT_MODULES]
    roots += [qt / "Qt" / "plugins" / name for name in QT_PLUGINS]
    keep = {*roots, *mach_o.needed(roots, program)}
    keep |= {qt / f"{name}.py" for name in ("__init__", "_config", "_git_pyside_version")}
    frameworks = {part for path in keep for part in path.parents if part.suffix == ".framework"}
    for path in sorted(qt.rglob("*")):
        # A framework is found by its Info.plist.
        described = "Resources" in path.parts and frameworks & set(path.parents)
        if path.is_file() and path not in keep and not described:
            path.unlink()
    for path in sorted((library / "shiboken6").rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".so", ".dylib"):
            path.unlink()


# --- the launcher ---


def compiler() -> tuple[str | Path, ...]:
    """Return the command of the C compiler; unpacks it from its pinned wheel, once."""
    home = CACHE / f"{COMPILER.name}-{COMPILER.version}"
    if not (home / "complete").exists():
        wheel = wheels.get_pins(wheels.linux(CARRIED), (COMPILER,))[COMPILER.name]
        say("Unpacking the C compiler for macOS (once)")
        if home.exists():
            shutil.rmtree(home)
        with zipfile.ZipFile(wheel.path) as archive:
            archive.extractall(home)
        (home / "ziglang" / "zig").chmod(0o755)
        (home / "complete").touch()
    return home / "ziglang" / "zig", "cc"


def compile_launcher(runtime: own_python.Runtime, target: Path, work: Path, flags: Iterable[str]) -> None:
    """Compile the launcher for one system."""
    caches = {f"ZIG_{kind}_CACHE_DIR": str(CACHE / "zig") for kind in ("GLOBAL", "LOCAL")}
    library = next(path.name for path in runtime.files if LIBRARY.fullmatch(path.name))
    defined = [f'-DPYTHON_LIBRARY="{library}"', f'-DPYTHON_ZIP="python{runtime.short}.zip"']
    # By a relative name, from a folder of its own: where the checkout lies is nobody's business.
    source = work / "launcher"
    source.mkdir(exist_ok=True)
    shutil.copyfile(HERE / "launcher.c", source / "launcher.c")
    command = [*compiler(), *CFLAGS, *defined, *flags, "launcher.c", "-o", target]
    must(command, folder=source, environment={**build_environment(), **caches})


def make_launcher(runtime: own_python.Runtime, target: Path, work: Path, oldest: str) -> Path:
    """Compile the launcher for both processors into one file."""
    parts = []
    for machine, name in COMPILER_NAMES.items():
        thin = work / f"{PROGRAM}-{machine}"
        compile_launcher(runtime, thin, work, ("-target", f"{name}-macos.{oldest}", ROOM))
        parts.append(thin.read_bytes())
    target.write_bytes(mach_o.join(parts))
    target.chmod(0o755)
    return target
