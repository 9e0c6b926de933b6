"""Linux: a Debian package and a portable program in one file. Built on Linux, on x86-64."""

from __future__ import annotations

import gzip
import io
import os
import platform
import re
import shutil
import struct
import subprocess
from pathlib import Path
from string import Template

import changes
import icons
import own_python
import portable
import sbom
import wheels
from parts import (
    DIST,
    MEGABYTE,
    ROOT,
    Product,
    build_environment,
    build_folder,
    build_python,
    epoch,
    must,
    need,
    normalize,
    project,
    say,
    size_of,
    stage_program,
    version,
    write_listing,
)

FILES = ROOT / "packaging" / "linux"
TOOLS = {"dpkg-deb": "dpkg", "gcc": "gcc"}
"""Programs that have to be there, and the Debian package of each."""
DEB_LIMIT = 40 * MEGABYTE
PORTABLE_LIMIT = 57 * MEGABYTE
"""With the rescue pack it may have 60 MB."""
HOME = "usr/lib/rekindle"
APPLICATION = "alt.rekindle.rekindle"
"""For software centres. Such a name is to be a domain of the project's, turned round, and the project has none. Below
`alt` nobody ever will: it is kept for names that are no domains (RFC 9476)."""
FONTS = "fonts-dejavu-core | fonts-freefont-ttf | fonts-noto-core | fonts-liberation"
# What the window needs of the system: never bundled, because a graphics driver and its settings belong together.
DEPENDS = ("libstdc++6 (>= 11)", "libgcc-s1", "libgl1", "libegl1", "fontconfig-config", FONTS)
_PT_DYNAMIC = 2
_DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 5, 15, 29
OLDEST_C_LIBRARY = (2, 34)
"""Qt's wheels need it; what the build machine brings along may need a newer one."""


def names() -> tuple[Path, Path]:
    """Return where the Debian package and the portable program will be."""
    return DIST / f"rekindle_{version()}_amd64.deb", DIST / f"rekindle-{version()}-linux-x86_64"


def build() -> list[Product]:
    """Build both.

    Raises:
        SystemExit: Something that is needed is missing, or a tool failed.
    """
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        say("The Linux files are built on Linux, on x86-64.")
        raise SystemExit(1)
    need(TOOLS)
    work = build_folder("linux")
    deb, loose = names()
    root = work / "deb"
    lay_out(root, freeze(work))
    write_listing(root, DIST / f"rekindle_{version()}_amd64.listing")
    # -Zxz and one thread: with more, the bytes depend on how many there were.
    pack: list[str | Path] = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", "--threads-max=1", "--build", root, deb]
    must(pack, environment=build_environment())
    portable.write(root / HOME, loose, work / "portable")
    return [Product(deb, DEB_LIMIT, size_of(root)), Product(loose, PORTABLE_LIMIT, size_of(root / HOME))]


def freeze(work: Path) -> Path:
    """Freeze the program with its libraries.

    Args:
        work: An empty folder.

    Returns:
        The folder with the program.
    """
    stage, lib = work / "program", work / "lib"
    stage_program(stage)
    wheels.unpack(wheels.fetch(wheels.linux(platform.python_version())), lib)
    sbom.write(stage / "resources" / "licences", components(), "linux")
    normalize(stage)
    variables = {
        **build_environment(),
        "PYTHONPATH": os.pathsep.join((str(stage), str(lib))),
        "PYTHONNOUSERSITE": "1",
        "PYINSTALLER_CONFIG_DIR": str(work / "pyinstaller"),
        "REKINDLE_STAGE": str(stage),
        "REKINDLE_LIB": str(lib),
    }
    say("Freezing (a minute or two)")
    command: list[str | Path] = [build_python(), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places: list[str | Path] = ["--distpath", work / "frozen", "--workpath", work / "steps"]
    done = must([*command, *places, ROOT / "packaging" / "linux.spec"], folder=work, environment=variables)
    (work / "freeze.log").write_text(done.stdout)
    return work / "frozen" / "rekindle"


def components() -> list[sbom.Component]:
    """Return everything others made that is inside."""
    libraries = sbom.of_wheels(wheels.fetch(wheels.linux(platform.python_version())))
    words = own_python.licence()
    return [*libraries, sbom.python(platform.python_version(), words), sbom.boot_loader(), sbom.firmware()]


def system_components(program: Path) -> list[sbom.Component]:
    """Return the system's libraries that were taken along, by the packages of the build machine they come from."""
    found: dict[str, sbom.Component] = {}
    system = platform.freedesktop_os_release()["ID"]
    for path in sorted((program / "_internal").glob("*.so*")):
        package = _owner(path)
        if package is None or package in found:
            continue
        told = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False
        ).stdout
        copyright_file = Path("/usr/share/doc") / package.split(":")[0] / "copyright"
        words = copyright_file.read_text(encoding="utf-8", errors="replace") if copyright_file.exists() else ""
        texts = (("copyright", words),) if words else ()
        name = package.split(":")[0]
        found[package] = sbom.Component(name, told, "see the text", f"pkg:deb/{system}/{name}@{told}", "", texts)
    return list(found.values())


def build_number(library: bytes) -> bytes | None:
    """Return what the linker wrote into a library to tell it from every other one; stripping keeps it."""
    found = re.search(rb"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0(.{20})", library, re.DOTALL)
    return found.group(1) if found else None


def _owner(library: Path) -> str | None:
    """Return the package a bundled library is from: one of the same name may have come with a wheel, or with Python."""
    number = build_number(library.read_bytes())
    for folder in ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"):
        same = Path(folder) / library.name
        if number is not None and same.exists() and build_number(same.read_bytes()) == number:
            told = subprocess.run(["dpkg", "-S", same], capture_output=True, text=True, check=False)
            if told.returncode == 0:
                return told.stdout.split(": ")[0].split(",")[0].strip()
    return None


def lay_out(root: Path, program: Path) -> None:
    """Lay out the Debian package: the program, and what the desktop and the system look for.

    Args:
        root: The folder to fill; it stands for `/`.
        program: The frozen program.
    """
    shutil.copytree(program, root / HOME, symlinks=True)
    for path in (root / HOME).rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            path.write_bytes(without_build_paths(path.read_bytes()))
            path.chmod(0o644)  # a library is loaded, not started
    command = root / "usr/bin/rekindle"
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/rekindle/rekindle")
    for name, content in share_files().items():
        icons.write(content, root / name)
    everything = [*components(), *system_components(program)]
    sbom.write(root / HOME / "_internal" / "resources" / "licences", everything, "linux")
    shutil.copyfile(ROOT / "resources/udev/70-rekindle.rules", _place(root / "usr/lib/udev/rules.d/70-rekindle.rules"))
    documents = root / "usr/share/doc/rekindle"
    _place(documents / "copyright").write_text(copyright_text(), encoding="utf-8")
    for name in ("NOTICES.txt", "sbom.cdx.json"):
        (documents / name).symlink_to(f"../../../lib/rekindle/_internal/resources/licences/{name}")
    control = root / "DEBIAN"
    control.mkdir()
    for script in ("postinst", "postrm"):
        shutil.copyfile(FILES / script, control / script)
        (control / script).chmod(0o755)
    normalize(root)
    text = control_text(size_of(root) - size_of(control), needed_c_library(root / HOME))
    (control / "control").write_text(text, encoding="utf-8")
    normalize(root)


def _place(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def share_files() -> dict[str, bytes]:
    """Return what goes below `/usr/share` and is made here: path -> content."""
    found = {f"usr/share/icons/hicolor/{side}x{side}/apps/rekindle.png": icons.png(side) for side in icons.LINUX_SIZES}
    found["usr/share/icons/hicolor/scalable/apps/rekindle.svg"] = icons.SOURCE.read_bytes()
    found["usr/share/applications/rekindle.desktop"] = (FILES / "rekindle.desktop").read_bytes()
    found[f"usr/share/metainfo/{APPLICATION}.metainfo.xml"] = metainfo().encode()
    found["usr/share/man/man1/rekindle.1.gz"] = _zipped(fill("rekindle.1"))
    found["usr/share/doc/rekindle/changelog.gz"] = _zipped(fill("changelog"))
    return found


def metainfo() -> str:
    """Return the AppStream file."""
    return fill("rekindle.metainfo.xml")


def fill(name: str) -> str:
    """Return a file of `packaging/linux` with version and day in it."""
    from datetime import UTC, datetime

    day = datetime.fromtimestamp(epoch(), UTC)
    words = Template((FILES / name).read_text(encoding="utf-8"))
    return words.substitute(
        version=version(),
        day=day.strftime("%Y-%m-%d"),
        date=day.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        changes=changes.debian(version()),
    )


def _zipped(words: str) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(words.encode())
    return packed.getvalue()


def needed_c_library(folder: Path) -> tuple[int, int]:
    """Return the oldest version of the C library that everything in a folder runs with."""
    newest = OLDEST_C_LIBRARY
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        if content.startswith(b"\x7fELF"):
            for found in re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\d]*\0)", content):
                newest = max(newest, (int(found[0]), int(found[1])))
    return newest


def without_build_paths(library: bytes) -> bytes:
    """Return a library that looks for others in no absolute folder (ELF64, DT_RPATH and DT_RUNPATH).

    The interpreter of the build machine names its own folder; on another computer anybody might own one of that name.
    What is bundled is found without. Anything else than such a library is returned as it is.
    """
    if library[:6] != b"\x7fELF\2\1":
        return library
    start, size, count = (
        *struct.unpack_from("<Q", library, 0x20),
        *struct.unpack_from("<HH", library, 0x36),
    )
    parts = [struct.unpack_from("<IIQQQQQQ", library, start + number * size) for number in range(count)]
    dynamic = next((part for part in parts if part[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return library
    at, length = dynamic[2], dynamic[5]
    entries = list(struct.iter_unpack("<qQ", library[at : at + length - length % 16]))
    words = dict(entries).get(_DT_STRTAB, 0)
    # In memory the words are elsewhere than in the file.
    words += next((part[2] - part[3] for part in parts if part[0] == 1 and part[3] <= words < part[3] + part[5]), 0)

    def stays(tag: int, value: int) -> bool:
        return tag not in (_DT_RPATH, _DT_RUNPATH) or library[words + value : words + value + 1] != b"/"

    kept = b"".join(struct.pack("<qQ", *entry) for entry in entries if stays(*entry))
    return library[:at] + kept.ljust(16 * len(entries), b"\0") + library[at + 16 * len(entries) :]


def control_text(size: int, c_library: tuple[int, int]) -> str:
    """Return the Debian package's control file.

    Args:
        size: Of everything installed, in bytes.
        c_library: Oldest version that will do.
    """
    major, minor = c_library
    depends = ", ".join((f"libc6 (>= {major}.{minor})", *DEPENDS))
    return (
        "Package: rekindle\n"
        f"Version: {version()}\n"
        "Architecture: amd64\n"
        f"Maintainer: {project()['authors'][0]['name']} <rekindle@localhost>\n"
        f"Installed-Size: {(size + 1023) // 1024}\n"
        f"Depends: {depends}\n"
        "Suggests: network-manager\n"
        "Section: electronics\n"
        "Priority: optional\n"
        "Description: bring Spark Core and Particle Photon boards back to life\n"
        " Reads a board's ID, keeps its key safe, and brings its firmware back over USB:\n"
        " Spark Core, Photon, P1 and Electron. The maker's firmware files are inside, so\n"
        " it works without a network. Practice mode needs no board at all.\n"
    )


def copyright_text() -> str:
    """Return the Debian package's copyright file."""
    return (
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Upstream-Name: Rekindle\n"
        "\n"
        "Files: *\n"
        f"Copyright: {project()['authors'][0]['name']}\n"
        f"License: {project()['license']}\n"
        "\n"
        f"License: {project()['license']}\n"
        " On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.\n"
        "\n"
        "Comment: The libraries, the interpreter and the firmware files inside, whose they are and under which\n"
        " licences: /usr/share/doc/rekindle/NOTICES.txt, and sbom.cdx.json beside it for tools.\n"
    )
