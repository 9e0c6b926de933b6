"""Builds `Rekindle-<version>-Setup.exe`, on Linux: packaging/windows/README.md says what has to be installed.

What goes in: the libraries as wheels of the lock, a Python for Windows (a folder given by REKINDLE_WINDOWS_PYTHON, or
else the one that a pinned wheel carries), the standard library, two launchers and the driver helper, compiled here.
Everything but a signature is the same, byte for byte, in two builds of one commit.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import icons
import own_python
import pe_file
import sbom
import wheels
from parts import (
    CACHE,
    DIST,
    ROOT,
    Product,
    build_environment,
    build_folder,
    epoch,
    must,
    need,
    normalize,
    say,
    sha256,
    size_of,
    stage_program,
    version,
    write_listing,
)

HERE = ROOT / "packaging" / "windows"
COMPILER = "x86_64-w64-mingw32-gcc"
RESOURCES = "x86_64-w64-mingw32-windres"
TOOLS = {COMPILER: "gcc-mingw-w64-x86-64", RESOURCES: "binutils-mingw-w64-x86-64", "makensis": "nsis"}
"""Programs that have to be there, and the Debian package of each."""
LIMIT = 30_000_000
"""What the setup may weigh beside the rescue pack, in bytes."""

PYTHON_FOLDER = "REKINDLE_WINDOWS_PYTHON"
"""Variable: a folder with Python for Windows (x86-64), for example the unpacked embeddable package."""
CERTIFICATE, PASSWORD_FILE = "REKINDLE_SIGN_PKCS12", "REKINDLE_SIGN_PASSWORD_FILE"
TIME_STAMPS = "REKINDLE_SIGN_TIME_STAMPS"
"""Variables: a PKCS 12 file, a file with its password, and the address of a time stamp server. Without: unsigned."""

# The wheel whose folder deploy_libs holds the files of CPython 3.11.9 as the Python Software Foundation signed them.
CARRIER = wheels.Pin(
    "panda3d", "1.10.16", "", frozenset({"37acfb92655c4226879f95c988e2ef1449a53c54486d6c1ebc00e2772429af82"})
)
CARRIER_FOLDER = "deploy_libs/"
CARRIED = "3.11.9"

# The package whose source of libwdi, and Microsoft's redistributable files for WinUSB, the driver helper is built from.
DRIVER_SOURCE = "winusb-driver-generator@2.1.10"
DRIVER_SHA256 = "1c8089cceb4e064f56804493c4d33a85c1f70d91f0b1829b2734eaf285f562e7"
LIBWDI = "1.5.1"

# Of a Python for Windows; all others (Tk, SQLite, sounds, installers, what every Windows 10 has) stay out.
RUNTIME = re.compile(
    r"python3\d+\.dll|python3\.dll|libcrypto-3\S*\.dll|libssl-3\S*\.dll|libffi-\d+\.dll|pyexpat\.pyd|select\.pyd|"
    r"unicodedata\.pyd|_(asyncio|bz2|ctypes|decimal|elementtree|hashlib|lzma|multiprocessing|overlapped|queue|socket|"
    r"ssl|uuid|wmi|zoneinfo)\.pyd",
    re.IGNORECASE,
)
# Of PySide6: the modules the program imports. Which of Qt's libraries they need is read from the files themselves.
QT_MODULES = ("QtCore", "QtGui", "QtSvg", "QtWidgets")
QT_PLUGINS = (
    "iconengines/qsvgicon.dll",
    "imageformats/qico.dll",
    "imageformats/qsvg.dll",
    "platforms/qoffscreen.dll",
    "platforms/qwindows.dll",
    "styles/qmodernwindowsstyle.dll",
)
# Microsoft's runtime: once, beside the launchers.
MSVC = re.compile(r"(concrt|msvcp|vcamp|vccorlib|vcomp|vcruntime)140\S*\.dll", re.IGNORECASE)
MSVC_FROM = "shiboken6"

CFLAGS = (
    "-O2",
    "-municode",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-static",
    "-static-libgcc",
    "-s",
    "-Wl,--no-insert-timestamp",
)
LIBWDI_SOURCES = ("libwdi.c", "libwdi_dlg.c", "logging.c", "pki.c", "tokenizer.c", "vid_data.c")
LIBWDI_TEMPLATES = tuple(
    f"{kind}.{part}.in" for part in ("inf", "cat") for kind in ("winusb", "libusb0", "libusbk", "usbser")
)


def build() -> list[Product]:
    """Build the setup.

    Raises:
        SystemExit: Something is missing, or failed.
    """
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch())  # a commit that is made meanwhile changes nothing
    need(TOOLS)
    work = build_folder("windows")
    runtime = find_runtime(work / "python")
    say(f"Python {runtime.version} for Windows, from {runtime.origin}")
    payload = stage(work / "payload", runtime, work)
    lacking = pe_file.missing(payload)
    if lacking:
        for name, askers in lacking.items():
            say(f"{name} is nowhere, but needed by {', '.join(askers)}")
        raise SystemExit(1)
    write_listing(payload, DIST / "windows-payload.txt")
    say("Packing with NSIS (about two minutes)")
    target = make_setup(payload, work, version(), DIST / f"Rekindle-{version()}-Setup.exe")
    return [Product(target, LIMIT, size_of(payload))]


# --- Python ---


def find_runtime(work: Path) -> own_python.Runtime:
    """Return the Python that goes in: the folder REKINDLE_WINDOWS_PYTHON names, or the one the pinned wheel carries.

    Raises:
        SystemExit: The folder holds none.
    """
    given = os.environ.get(PYTHON_FOLDER)
    if given:
        return runtime_in(Path(given))
    wheel = wheels.get_pins(wheels.windows(CARRIED), (CARRIER,))[CARRIER.name]
    work.mkdir(parents=True)
    with zipfile.ZipFile(wheel.path) as archive:
        for name in archive.namelist():
            short = PurePosixPath(name).name
            if name == CARRIER_FOLDER + short and RUNTIME.fullmatch(short):
                (work / short).write_bytes(archive.read(name))
    words = own_python.licence()
    return own_python.Runtime(CARRIED, tuple(sorted(work.iterdir())), f"{CARRIER.name} {CARRIER.version}", words)


def runtime_in(folder: Path) -> own_python.Runtime:
    """Return the Python of a folder, for example of an unpacked embeddable package.

    Raises:
        SystemExit: There is none.
    """
    files = tuple(sorted(path for path in folder.iterdir() if path.is_file()))
    library = next((path for path in files if re.fullmatch(r"python3\d\d+\.dll", path.name, re.IGNORECASE)), None)
    if library is None:
        say(f"There is no python3xx.dll in {folder}.")
        raise SystemExit(1)
    number = product_version(library)
    licence = next((path for path in files if path.name.lower() == "license.txt"), None)
    words = licence.read_text(encoding="utf-8", errors="replace") if licence else ""
    chosen = [path for path in files if RUNTIME.fullmatch(path.name) or path.suffix == ".zip"]
    return own_python.Runtime(number, tuple(chosen), str(folder), words)


def product_version(path: Path) -> str:
    """Return the version a Windows file says its product has, for example "3.11.9".

    Raises:
        SystemExit: It says none.
    """
    pattern = "ProductVersion".encode("utf-16-le") + rb"(?:\0\0)+((?:[\d.]\0)+)"
    if found := re.search(pattern, path.read_bytes()):
        return found.group(1).decode("utf-16-le")
    say(f"{path} does not say which version it is.")
    raise SystemExit(1)


# --- the payload ---


def stage(payload: Path, runtime: own_python.Runtime, work: Path) -> Path:
    """Lay out what is installed: launchers and Python in the folder itself, everything in Python in `lib`."""
    if not own_python.fits(runtime.version):
        say(f"Build with Python {runtime.version.rpartition('.')[0]}: the program is compiled for it.")
        raise SystemExit(1)
    library = payload / "lib"
    chosen = wheels.fetch(wheels.windows(runtime.version))
    wheels.unpack(chosen, library)
    for path in runtime.files:
        if RUNTIME.fullmatch(path.name):
            shutil.copyfile(path, payload / path.name.lower())
    for path in sorted((library / MSVC_FROM).iterdir()):
        if MSVC.fullmatch(path.name):
            shutil.copyfile(path, payload / path.name.lower())
    prune(library)
    stage_program(library)
    shutil.copyfile(HERE / "rekindle_start.py", library / "rekindle_start.py")
    own_python.compile_tree(library, "lib")
    own_python.library_zip(runtime, payload / f"python{runtime.short}.zip", work)
    (payload / f"python{runtime.short}._pth").write_text(f"python{runtime.short}.zip\n.\nlib\n", newline="\n")

    compiled = work / "compiled"
    compiled.mkdir()
    make_stable_library(payload, runtime, compiled)
    make_launchers(payload, runtime, compiled)
    source = driver_source(compiled)
    make_driver_helper(payload, source, compiled)
    sign([payload / name for name in ("Rekindle.exe", "rekindle-cli.exe", "rekindle-driver.exe")])
    keep_needed_runtime(payload)

    components = sbom.of_wheels(chosen)
    components += [sbom.python(runtime.version, runtime.licence), sbom.firmware(), *driver_components(source)]
    components += [*runtime_components(payload), *tool_components()]
    sbom.write(payload / "licences", components, "windows")
    normalize(payload)
    return payload


def prune(library: Path) -> None:
    """Take out of the libraries what a program at work does not need."""
    qt = library / "PySide6"
    roots = [qt / f"{name}.pyd" for name in QT_MODULES] + [qt / "plugins" / name for name in QT_PLUGINS]
    everything = {path.name.lower(): path for path in qt.glob("*.dll") if not MSVC.fullmatch(path.name)}
    keep = set(roots) | pe_file.needed(roots, everything)
    keep |= {qt / "__init__.py", qt / "_config.py", qt / "_git_pyside_version.py"}
    for path in sorted(qt.rglob("*")):
        if path.is_file() and path not in keep:
            path.unlink()
    shiboken = library / "shiboken6"
    for path in sorted(shiboken.rglob("*")):
        wanted = path.suffix in (".py", ".pyd") or (path.suffix == ".dll" and not MSVC.fullmatch(path.name))
        if path.is_file() and not wanted:
            path.unlink()
    for path in sorted(library.rglob("*")):
        if path.is_file() and path.suffix in (".pyi", ".typed", ".c", ".h", ".lib", ".pxd", ".rst"):
            path.unlink()
        elif path.is_dir() and path.name in ("tests", "__pyinstaller"):
            shutil.rmtree(path)
    own_python.trim_notes(library)
    own_python.drop_empty(library)


def keep_needed_runtime(payload: Path) -> None:
    """Of Microsoft's runtime leave only what something here asks for."""
    there = {path.name: path for path in payload.iterdir() if MSVC.fullmatch(path.name)}
    files = [path for path in payload.rglob("*") if path.suffix in pe_file.SUFFIXES and path not in there.values()]
    wanted = pe_file.needed(files, there)
    for path in there.values():
        if path not in wanted:
            path.unlink()


# --- what is compiled here ---


def make_stable_library(payload: Path, runtime: own_python.Runtime, work: Path) -> None:
    """Make `python3.dll`, which libraries for every Python 3 ask for: each of its names leads to the real one."""
    if (payload / "python3.dll").exists():
        return
    real = f"python{runtime.short}"
    names = pe_file.PeFile((payload / f"{real}.dll").read_bytes()).exports()
    table = work / "python3.def"
    table.write_text("LIBRARY python3\nEXPORTS\n" + "".join(f"  {name} = {real}.{name}\n" for name in names))
    # Else the linker takes an address that follows from the name of the folder.
    fixed = ["-Wl,--no-insert-timestamp", "-Wl,--image-base=0x1e0000000"]
    flags = ["-shared", "-nostdlib", "-s", *fixed, "-Wl,--entry=0"]
    empty = work / "empty.c"
    empty.write_text("typedef int nothing;\n")
    must([COMPILER, *flags, "-o", payload / "python3.dll", empty, table], environment=build_environment())


def four_numbers(number: str, between: str) -> str:
    """Return a version as Windows wants it, for example 1.2rc3 as 1.2.3.0."""
    return between.join(([*re.findall(r"\d+", number)] + ["0"] * 4)[:4])


def resources(work: Path, name: str, description: str) -> Path:
    """Compile icon, version and manifest of a program."""
    icon = icons.write(icons.ico(), work / "rekindle.ico")
    filled = {
        "ICON": icon.name,
        "MANIFEST": "program.manifest",
        "VERSION": version(),
        "VERSION4": four_numbers(version(), "."),
        "VERSION_NUMBERS": four_numbers(version(), ","),
        "DESCRIPTION": description,
        "NAME": name,
        "COPYRIGHT": "The Rekindle contributors. Apache License 2.0",
    }
    for source in ("program.manifest", "program.rc"):
        words = (HERE / source).read_text(encoding="utf-8")
        for key, value in filled.items():
            words = words.replace(f"@{key}@", value)
        (work / source).write_text(words, encoding="utf-8", newline="\n")
    compiled = work / f"{name}.res.o"
    must([RESOURCES, "program.rc", compiled], folder=work, environment=build_environment())
    return compiled


def make_launchers(payload: Path, runtime: own_python.Runtime, work: Path) -> None:
    """Compile the program a person double-clicks, and the one for terminals."""
    library = f'-DPYTHON_DLL=L"python{runtime.short}.dll"'
    for name, description, kind in (
        ("Rekindle", "Rekindle", ["-mwindows"]),
        ("rekindle-cli", "Rekindle without a window", ["-mconsole", "-DCONSOLE"]),
    ):
        extra = resources(work, name, description)
        command: list[str | Path] = [
            COMPILER,
            *CFLAGS,
            *kind,
            library,
            HERE / "launcher.c",
            extra,
            "-o",
            payload / f"{name}.exe",
        ]
        must([*command, "-lshell32"], environment=build_environment())


def driver_source(work: Path) -> Path:
    """Return the folder of libwdi's source, unpacked from a package that is compared with its pinned hash.

    Raises:
        SystemExit: It cannot be had, or is another one.
    """
    name, _, number = DRIVER_SOURCE.partition("@")
    archive = CACHE / "build" / f"{name}-{number}.tgz"
    if not archive.exists():
        import rescue_pack

        say(f"Getting the source of libwdi: npm pack {DRIVER_SOURCE}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        with rescue_pack.npm() as command:
            if command is None or not rescue_pack.succeeds(
                [*command, *rescue_pack.NPM_PACK, DRIVER_SOURCE], archive.parent
            ):
                raise SystemExit(1)
    if sha256(archive) != DRIVER_SHA256:
        say(f"{archive} is not {DRIVER_SOURCE}.")
        raise SystemExit(1)
    with tarfile.open(archive) as packed:
        packed.extractall(work / "driver", filter="data")
    return work / "driver" / "package"


def known_boards() -> tuple[tuple[str, str, int, int], ...]:
    """Return each board in update mode as name, title, vendor and product, from the program's own table."""
    from app.platforms.model import Mode
    from app.platforms.table import PLATFORMS

    return tuple(
        (platform.key, f"{platform.name} (update mode)", platform.ids[Mode.DFU].vendor, platform.ids[Mode.DFU].product)
        for platform in PLATFORMS
    )


def boards_header(boards: Iterable[tuple[str, str, int, int]]) -> str:
    """Return the table of boards for drivers.c."""
    lines = [f'    {{L"{key}", "{title}", 0x{vendor:04x}, 0x{product:04x}}},' for key, title, vendor, product in boards]
    return "static const struct known_board BOARDS[] = {\n" + "\n".join(lines) + "\n};\n"


def embedded_header(files: Sequence[tuple[str, str, bytes]], moment: int) -> str:
    """Return what libwdi carries along, as its own tool would write it, but with one time stamp.

    Args:
        files: Folder each is written to ("" for none), name, content.
        moment: Seconds since 1970; it is the date of the driver.
    """
    lines = ["#pragma once"]
    for number, (_, _, content) in enumerate(files):
        lines.append(
            f"static const unsigned char file_{number:03X}[] = {{{','.join(str(byte) for byte in content) or 0}}};"
        )
    lines.append(
        "struct res { char *subdir; char *name; size_t size; int64_t creation_time; const unsigned char *data; };"
    )
    lines.append("static const struct res resource[] = {")
    for number, (folder, name, content) in enumerate(files):
        lines.append(f'    {{"{folder}", "{name}", {len(content)}, INT64_C({moment}), file_{number:03X}}},')
    lines.append("};\nstatic const int nb_resources = sizeof(resource) / sizeof(resource[0]);")
    return "\n".join(lines) + "\n"


def make_driver_helper(payload: Path, source: Path, work: Path) -> None:
    """Compile libwdi and the helper around it."""
    libwdi = source / "deps" / "libwdi" / "libwdi"
    redistributable = source / "deps" / "wdk_10_redist_x64" / "redist" / "wdf"
    build = work / "libwdi"
    build.mkdir()
    shutil.copyfile(HERE / "config.h", build / "config.h")
    # Its own code is taken as it is, warnings and all.
    quiet = ["-O2", "-w", "-static", "-static-libgcc", "-s", "-Wl,--no-insert-timestamp", f"-ffile-prefix-map={work}=."]
    include: list[str | Path] = ["-I", build, "-I", libwdi]
    installer = build / "installer_x64.exe"
    must(
        [COMPILER, *quiet, *include, libwdi / "installer.c", "-o", installer, "-lsetupapi", "-lnewdev", "-lole32"],
        environment=build_environment(),
    )
    files = [
        ("amd64", "WdfCoInstaller01011.dll", (redistributable / "WdfCoInstaller01011.dll").read_bytes()),
        ("amd64", "winusbcoinstaller2.dll", (redistributable / "winusbcoinstaller2.dll").read_bytes()),
        (".", "installer_x64.exe", installer.read_bytes()),
        *(("", name, (libwdi / name).read_bytes()) for name in LIBWDI_TEMPLATES),
    ]
    (build / "embedded.h").write_text(embedded_header(files, epoch()))
    (build / "boards.h").write_text(boards_header(known_boards()))
    objects = []
    for name in LIBWDI_SOURCES:
        objects.append(build / f"{name}.o")
        must([COMPILER, "-c", *quiet, *include, libwdi / name, "-o", objects[-1]], environment=build_environment())
    extra = resources(work, "rekindle-driver", "Rekindle: driver for boards in update mode")
    libraries = ["-lsetupapi", "-lole32", "-lntdll", "-lshell32", "-ladvapi32"]
    command: list[str | Path] = [COMPILER, *CFLAGS, "-mconsole", *include, HERE / "drivers.c", *objects, extra]
    must([*command, "-o", payload / "rekindle-driver.exe", *libraries], environment=build_environment())


def driver_components(source: Path) -> tuple[sbom.Component, ...]:
    """Describe what the driver helper is made of."""
    words = (source / "deps" / "libwdi" / "COPYING-LGPL").read_text(encoding="utf-8", errors="replace")
    name, _, number = DRIVER_SOURCE.partition("@")
    purl = f"pkg:npm/{name}@{number}"
    remark = (
        f"Source: the package {name} {number}. It is linked into rekindle-driver.exe; packaging/windows.py builds it."
    )
    microsoft = (
        "Microsoft's redistributable co-installers of the Windows Driver Kit, unchanged, inside rekindle-driver.exe."
    )
    return (
        sbom.Component("libwdi", LIBWDI, "LGPL-3.0-or-later", purl, DRIVER_SHA256, (("COPYING-LGPL", words),), remark),
        sbom.Component("WinUSB co-installers", "1.11", "see the remark", remark=microsoft),
    )


def runtime_components(payload: Path) -> tuple[sbom.Component, ...]:
    """Describe what came with Python and the libraries as files of others."""
    openssl = "In libcrypto-3.dll and libssl-3.dll, as Python for Windows brings them."
    ffi = "In libffi-8.dll, as Python for Windows brings it."
    microsoft = "Microsoft's redistributable runtime (msvcp140*.dll, vcruntime140*.dll), unchanged, as Qt brings it."
    found = [
        sbom.Component("OpenSSL", product_version(payload / "libcrypto-3.dll"), "Apache-2.0", remark=openssl),
        sbom.Component(
            "Visual C++ runtime", product_version(payload / "vcruntime140.dll"), "see the remark", remark=microsoft
        ),
    ]
    if (payload / "libffi-8.dll").exists():
        found.append(sbom.Component("libffi", "8", "MIT", remark=ffi))
    return tuple(found)


def tool_components() -> tuple[sbom.Component, ...]:
    """Describe what the tools of this build put into what they make."""
    nsis = "The setup and the uninstaller are its programs, with the packing of LZMA."
    runtime = "Parts of its C runtime, and of libgcc with its exception, are in the launchers and the driver helper."
    told = must([COMPILER, "-dM", "-E", "-include", "_mingw.h", "-x", "c", os.devnull]).stdout
    numbers = (re.search(rf"__MINGW64_VERSION_{part} (\d+)", told) for part in ("MAJOR", "MINOR", "BUGFIX"))
    number = ".".join(found.group(1) for found in numbers if found)
    packed = must(["makensis", "-VERSION"]).stdout.strip().removeprefix("v")
    return (
        sbom.Component("NSIS", packed, "Zlib AND CPL-1.0", remark=nsis),
        sbom.Component(
            "MinGW-w64 runtime", number, "ZPL-2.1 AND GPL-3.0-or-later WITH GCC-exception-3.1", remark=runtime
        ),
    )


# --- the setup ---


def removal(payload: Path) -> str:
    """Return the part of the uninstaller that deletes what was installed, name by name, and nothing else."""
    files = sorted(path.relative_to(payload) for path in payload.rglob("*") if path.is_file())
    folders = sorted((path.relative_to(payload) for path in payload.rglob("*") if path.is_dir()), reverse=True)
    lines = [f'Delete "$INSTDIR\\{_windows(path)}"' for path in files]
    lines += [f'RMDir "$INSTDIR\\{_windows(path)}"' for path in folders]
    return "".join(f"{line}\n" for line in lines)


def probes(payload: Path) -> str:
    """Return the part of the uninstaller that asks, before it deletes anything, whether a program is in use."""
    loaded = (".exe", ".dll", ".pyd", ".zip")
    files = sorted(path.relative_to(payload) for path in payload.rglob("*") if path.suffix in loaded)
    return "".join(f'${{Probe}} "$INSTDIR\\{_windows(path)}"\n' for path in files)


def content(payload: Path) -> str:
    """Return the part of the setup that lays out the payload: in sorted order, not in that of this machine's disk."""
    lines = []
    for folder in [payload, *sorted(path for path in payload.rglob("*") if path.is_dir())]:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if files:
            inside = folder.relative_to(payload)
            lines.append(f'SetOutPath "$INSTDIR\\{_windows(inside)}"' if inside.parts else 'SetOutPath "$INSTDIR"')
            lines += [f'File "{str(path).replace("$", "$$")}"' for path in files]
    return "".join(f"{line}\n" for line in lines)


def _windows(path: Path) -> str:
    return path.as_posix().replace("/", "\\").replace("$", "$$")


def setup_picture() -> bytes:
    """Draw what stands at the side of the setup's first and last page: the icon on the colour of its board; a BMP."""
    from PySide6.QtCore import QBuffer, QIODevice, QRect
    from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter

    width, height, side = 164, 314, 112  # px; the size is NSIS's
    picture = QImage(width, height, QImage.Format.Format_RGB888)
    painter = QPainter(picture)
    colours = QLinearGradient(0, 0, 0, height)
    colours.setColorAt(0, QColor("#31506b"))
    colours.setColorAt(1, QColor("#16283a"))
    painter.fillRect(picture.rect(), colours)
    painter.drawImage(QRect((width - side) // 2, 48, side, side), QImage.fromData(icons.png(side)))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "BMP")  # type: ignore[call-overload] # a QBuffer is a device; the stub knows names only
    return bytes(buffer.data().data())


def make_setup(payload: Path, work: Path, number: str, target: Path) -> Path:
    """Pack the payload with NSIS.

    Args:
        payload: What is installed.
        work: For what is made on the way; it has the icon in `compiled`.
        number: The version it says it is.
        target: The setup.

    Raises:
        SystemExit: makensis failed.
    """
    parts = {"content.nsh": content(payload), "removal.nsh": removal(payload), "probes.nsh": probes(payload)}
    for name, lines in parts.items():
        (work / name).write_text(lines, encoding="utf-8", newline="\n")
    picture = icons.write(setup_picture(), work / "setup.bmp")
    os.utime(picture, (epoch(), epoch()))  # the setup unpacks it with its date
    defined = {
        "VERSION": number,
        "VERSION4": four_numbers(number, "."),
        "CONTENT": str(work / "content.nsh"),
        "REMOVAL": str(work / "removal.nsh"),
        "PROBES": str(work / "probes.nsh"),
        "ICON": str(work / "compiled" / "rekindle.ico"),
        "PICTURE": str(picture),
        "LICENCE": str(payload / "licences" / "LICENSE.txt"),
        "TARGET": str(target),
        "KILOBYTES": str(size_of(payload) // 1024),
    }
    if signing():
        defined["SIGN"] = " ".join(f'"{part}"' for part in (sys.executable, Path(__file__).resolve()))
    command = ["makensis", "-V2", "-WX", "-NOCD", "-INPUTCHARSET", "UTF8"]
    must(
        [*command, *(f"-D{name}={value}" for name, value in defined.items()), HERE / "rekindle.nsi"],
        environment=build_environment(),
    )
    sign([target])
    return target


def signing() -> bool:
    """Whether a certificate was given."""
    return bool(os.environ.get(CERTIFICATE))


def sign(files: Iterable[Path]) -> None:
    """Sign programs in place; does nothing without a certificate.

    Raises:
        SystemExit: It failed.
    """
    if not signing():
        return
    for path in files:
        signed = path.with_name(path.name + ".signed")
        command: list[str | Path] = ["osslsigncode", "sign", "-pkcs12", os.environ[CERTIFICATE]]
        if PASSWORD_FILE in os.environ:
            command += ["-readpass", os.environ[PASSWORD_FILE]]
        if TIME_STAMPS in os.environ:
            command += ["-ts", os.environ[TIME_STAMPS]]
        must([*command, "-h", "sha256", "-n", "Rekindle", "-in", path, "-out", signed])
        os.replace(signed, path)


if __name__ == "__main__":  # makensis calls it so, to have the uninstaller signed before it is packed
    sign([Path(name) for name in sys.argv[1:]])
