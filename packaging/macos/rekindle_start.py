"""What the program of the macOS app runs: tell Rekindle that it is an installed one, then start it."""

from __future__ import annotations

import sys

sys.frozen = True  # type: ignore[attr-defined]  # practice mode starts `sys.executable --practice` then

from app.main import main  # noqa: E402 - it may ask for it while it is loaded

if __name__ == "__main__":
    raise SystemExit(main())
