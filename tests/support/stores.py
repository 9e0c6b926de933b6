"""Where programs of a test find the rescue pack and keep what was on boards: in the test's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from app.firmware.pack import RescuePack
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.transports.network import Network
from app.transports.wifi_scan import WifiScanner
from app.undo.store import UndoStore
from support.ears import Ears
from support.offline import Offline


class Stores(TypedDict):
    """What `Engine`, `Job` and `console.run` are given beside the key safe."""

    pack: RescuePack
    undo: UndoStore
    clouds: CloudBook
    network: Network
    scanner: WifiScanner


def stores(folder: Path, safe: KeySafe) -> Stores:
    """Return an empty pack, an empty store and an empty book of clouds below this folder, no network, and no Wi-Fi."""
    return Stores(
        pack=RescuePack(folder / "pack"),
        undo=UndoStore(folder / "boards", safe=safe),
        clouds=CloudBook(folder / "clouds"),
        network=Offline(),
        scanner=Ears(),
    )
