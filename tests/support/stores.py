"""Where programs of a test find the rescue pack and keep what was on boards: in the test's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from app.firmware.pack import RescuePack
from app.keys.safe import KeySafe
from app.undo.store import UndoStore


class Stores(TypedDict):
    """What `Engine`, `Job` and `console.run` are given beside the key safe."""

    pack: RescuePack
    undo: UndoStore


def stores(folder: Path, safe: KeySafe) -> Stores:
    """Return an empty pack and an empty store below this folder."""
    return Stores(pack=RescuePack(folder / "pack"), undo=UndoStore(folder / "boards", safe=safe))
