"""What the launchers on Windows run: tell the program that it is an installed one, then start it."""

from __future__ import annotations

import os
import sys

sys.frozen = True  # type: ignore[attr-defined]  # practice mode starts `sys.executable --practice` then
if sys.platform == "win32":
    # Qt's plugins need Qt's libraries. PySide6 would have them found by PATH, which the launcher closes for safety.
    os.add_dll_directory(os.path.join(os.path.dirname(os.path.abspath(__file__)), "PySide6"))

for name in ("stdout", "stderr"):
    if getattr(sys, name) is None:  # the program with a window, started by a double-click, has no place to print to
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the program runs

from app.main import main  # noqa: E402 - it may ask for it while it is loaded

if __name__ == "__main__":
    raise SystemExit(main())
