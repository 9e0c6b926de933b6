#!/usr/bin/env python3
"""Build what a person downloads: `packaging/dev.py package [windows|macos|linux|all]` calls this with `.venv`'s Python.

Each system has a module of its own beside this file, with `build() -> list[Product]`. What is finished lies in `dist/`,
with `SHA256SUMS`. `all` is what this system can build: on Linux all three, on a Mac macOS.
Exit status: 0 built, 1 something failed, 2 wrong usage, 3 built, but larger than it may be.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import release_notice
from parts import DIST, Product, report, say, version

SYSTEMS = ("linux", "windows", "macos")
HERE = {"linux": "linux", "win32": "windows", "darwin": "macos"}
BUILT_ON = {"linux": SYSTEMS, "darwin": ("macos",)}
"""What each system can build."""
TOO_LARGE = 3


def main(arguments: list[str]) -> int:
    """Build for the systems named; for this one when none is."""
    wanted = arguments or [HERE.get(sys.platform, "linux")]
    if wanted == ["all"]:
        wanted = [system for system in SYSTEMS if system in BUILT_ON.get(sys.platform, ())]
        left = [system for system in SYSTEMS if system not in wanted]
        if left:
            say(f"Built on another system, and left out here: {', '.join(left)}")
        if not wanted:
            return 1
    if not set(wanted) <= set(SYSTEMS):
        print(f"{__doc__}\nSystems: {', '.join(SYSTEMS)}, all")
        return 2
    if release_notice.lacking():
        say(release_notice.lacking())
    DIST.mkdir(exist_ok=True)
    products: list[Product] = []
    for system in wanted:
        say(f"Building Rekindle {version()} for {system}")
        begun = time.monotonic()
        products += importlib.import_module(system).build()
        say(f"{system}: {time.monotonic() - begun:.0f} s")
    return 0 if report(products) else TOO_LARGE


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
