"""macOS: `Rekindle.app` in a disk image. Nothing that is built here was ever run on a Mac so far.

On Linux the app is laid out for both kinds of Mac (`mac_bundle.py`). On a Mac PyInstaller freezes it, for the processor
of that Mac; with `REKINDLE_MAC_ARCHITECTURE=universal2` for both, which needs a Python for both (python.org's is).
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import icons
import mac_bundle
import own_python
import sbom
import wheels
from parts import (
    BUILD,
    DIST,
    ROOT,
    Product,
    build_environment,
    build_folder,
    build_python,
    must,
    normalize,
    project,
    say,
    size_of,
    stage_program,
    version,
    write_listing,
)

ARCHITECTURES = ("arm64", "x86_64")
BOTH = "universal2"
ARCHITECTURE = "REKINDLE_MAC_ARCHITECTURE"
"""Variable: arm64, x86_64 or universal2."""
IDENTITY = "REKINDLE_MAC_IDENTITY"
"""Variable: the name of a Developer ID in the keychain. Without: an ad-hoc signature, at which macOS warns."""
IDENTIFIER = "alt.rekindle.rekindle"
"""By custom a domain backwards; none belongs to this project (see `linux.APPLICATION`). It never changes: settings of
macOS hang on it."""
OLDEST = "13.0"
"""Qt's wheels of the lock for Python 3.11 need it."""
EVERY = "universal"
"""What the disk image built on Linux says in its name."""


def image(kind: str) -> Path:
    """Return where the disk image for a processor, or for both, will be."""
    return DIST / f"Rekindle-{version()}-macos-{kind}.dmg"


def frozen_app() -> Path:
    """Return where a build leaves the app."""
    return BUILD / "macos" / "frozen" / "Rekindle.app"


def architecture() -> str:
    """Return what the app is built for: arm64, x86_64 or universal2.

    Raises:
        SystemExit: The variable names something else.
    """
    chosen = os.environ.get(ARCHITECTURE) or platform.machine()
    if chosen not in (*ARCHITECTURES, BOTH):
        say(f"{ARCHITECTURE} is one of {', '.join(ARCHITECTURES)}, {BOTH}; not {chosen}.")
        raise SystemExit(1)
    return chosen


def information() -> dict[str, Any]:
    """Return the app's Info.plist; the version is that of pyproject.toml."""
    return {
        "CFBundleDisplayName": "Rekindle",
        "CFBundleExecutable": "rekindle",
        "CFBundleIconFile": "rekindle.icns",
        "CFBundleIdentifier": IDENTIFIER,
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleName": "Rekindle",
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": version(),
        "CFBundleVersion": version(),
        "LSApplicationCategoryType": "public.app-category.utilities",
        "LSMinimumSystemVersion": OLDEST,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": f"{project()['authors'][0]['name']}, {project()['license']}",
        "NSLocalNetworkUsageDescription": "Rekindle talks to boards and to your own cloud in this network.",
        "NSPrincipalClass": "NSApplication",
        "NSSupportsAutomaticGraphicsSwitching": True,
    }


def build() -> list[Product]:
    """Build the disk image.

    Raises:
        SystemExit: This is neither Linux nor a Mac, something that is needed is missing, or a tool failed.
    """
    system = platform.system()
    if system == "Linux":
        return mac_bundle.build(information(), OLDEST, image(EVERY))
    if system != "Darwin":
        say("The macOS files are built on Linux or on a Mac; see packaging/README.md.")
        raise SystemExit(1)
    work, kind = build_folder("macos"), architecture()
    freeze(work, kind)
    app = frozen_app()
    shown = work / "image"
    shown.mkdir()
    # A copy by the system's own tool: the signature covers links and extended attributes.
    must(["ditto", app, shown / app.name])
    (shown / "Applications").symlink_to("/Applications")
    target = image(kind)
    write_listing(shown, target.with_suffix(".listing"))
    must(image_command(shown, target))
    return [Product(target, installed=size_of(app))]


def image_command(folder: Path, target: Path) -> list[str | Path]:
    """Return the command that packs a folder into a compressed disk image."""
    name = f"Rekindle {version()}"
    options = ["-volname", name, "-fs", "HFS+", "-format", "UDZO", "-imagekey", "zlib-level=9", "-ov"]
    return ["hdiutil", "create", *options, "-srcfolder", folder, target]


def freeze(work: Path, kind: str) -> None:
    """Freeze the program with its libraries into `frozen_app()`.

    Args:
        work: The empty folder of the build.
        kind: What `architecture` returns.
    """
    stage, lib = work / "program", work / "lib"
    stage_program(stage)
    machines = ARCHITECTURES if kind == BOTH else (kind,)
    python = platform.python_version()
    chosen = {machine: wheels.fetch(wheels.macos(python, machine)) for machine in machines}
    wheels.unpack(chosen[machines[0]], lib)
    for machine in machines[1:]:
        other = work / f"lib-{machine}"
        wheels.unpack(chosen[machine], other)
        mac_bundle.join(lib, other)
    words = own_python.licence()
    described = [*sbom.of_wheels(chosen[machines[0]]), sbom.python(python, words), sbom.boot_loader(), sbom.firmware()]
    sbom.write(stage / "resources" / "licences", described, "macos")
    normalize(stage)
    normalize(lib)
    variables = {
        **build_environment(),
        "PYTHONPATH": os.pathsep.join((str(stage), str(lib))),
        "PYTHONNOUSERSITE": "1",
        "PYINSTALLER_CONFIG_DIR": str(work / "pyinstaller"),
        "REKINDLE_STAGE": str(stage),
        "REKINDLE_LIB": str(lib),
        "REKINDLE_ICON": str(icons.write(icons.icns(), work / "rekindle.icns")),
        ARCHITECTURE: kind,
    }
    say(f"Freezing for {kind} (a few minutes)")
    command: list[str | Path] = [build_python(), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places: list[str | Path] = ["--distpath", work / "frozen", "--workpath", work / "steps"]
    done = must([*command, *places, ROOT / "packaging" / "macos.spec"], folder=work, environment=variables)
    (work / "freeze.log").write_text(done.stdout)
