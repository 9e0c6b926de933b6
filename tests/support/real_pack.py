"""The real firmware images, as `packaging/dev.py` puts them into `resources/pack`. They are never committed.

Use it as `pack = real_pack()` inside a test, or give a fixture its result.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from app.firmware.pack import PackState, RescuePack

PLACE = Path(__file__).resolve().parents[2] / "resources" / "pack"
WHY = "no real firmware images in resources/pack: run `python3 packaging/dev.py setup` with a network"


@cache
def _complete() -> bool:
    return all(item.state is PackState.PRESENT for item in RescuePack(PLACE).items())


def real_pack() -> RescuePack:
    """Return the pack of real images; without them the test is skipped, and where the lab is required it fails."""
    if not _complete():
        if os.environ.get("REKINDLE_LAB") == "require":
            pytest.fail(WHY)
        pytest.skip(WHY)
    return RescuePack(PLACE)
