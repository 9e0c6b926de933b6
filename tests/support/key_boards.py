"""Practice boards with the keys of a case in their memory, and the key check played on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from app.keys import clouds
from app.keys.backup import KeyEntry
from app.keys.device_key import examine
from support.desk import IN_DFU, Desk, desk
from support.key_cases import GOOD_KEY, OLD, OTHER_KEY, PORTED, REFILLING, TCP, KeyCase, book, particle_fingerprints

ROWS = {
    ("core", OLD): "core",
    ("core", PORTED): "core-0.7",
    ("photon", PORTED): "photon-0.7",
    ("photon", REFILLING): "photon",
    ("electron", REFILLING): "electron",
}
"""Practice boards by platform and module version of their firmware."""
TRANSPORT_AT = 2977  # device-protocol.md 3.5


@contextmanager
def makers_key() -> Iterator[None]:
    """Let a key made for tests pass for the makers' one, whose blob is not in the project."""
    with mock.patch.object(clouds, "PARTICLE_FINGERPRINTS", particle_fingerprints()):
        yield


def lay(case: KeyCase, folder: Path, mode: str = IN_DFU) -> Desk:
    """Lay a desk with a board that has these keys, in update mode: running, it might repair some of them itself."""
    place = desk(ROWS[case.board, case.firmware or OLD], folder, mode)
    put(case, place)
    return place


def put(case: KeyCase, place: Desk) -> None:
    """Put the keys of a case into a board's memory, its clouds into the book, its backups into the safe."""
    cells = place.board.dct if place.board.spi_flash is None else place.board.spi
    contents = [(case.key_slot, case.key_bytes()), (case.server_slot, case.server_bytes())]
    if case.half_slot is not None:
        contents.append((case.half_slot, case.half_bytes()))
    if case.other_server:
        other = KeyCase("", (), case.board, transport="-udp" if case.transport == TCP else TCP)
        contents.append((other.server_slot, other.server_bytes()))
    for slot, content in contents:
        cells[slot.address : slot.address + len(content)] = content
    if case.board == "electron":
        cells[TRANSPORT_AT] = 0 if case.transport == TCP else 0xFF
    for cloud in book(case.server_slot):
        place.clouds.remember(cloud)
    if case.good_in_safe:
        keep(case, place, OTHER_KEY if case.other_in_safe else GOOD_KEY)


def keep(case: KeyCase, place: Desk, key: bytes) -> None:
    """Put a good key of this board into its safe."""
    slot = case.key_slot
    raw = key.ljust(slot.size, b"\xff")
    board = place.seen()
    entry = KeyEntry(
        platform=board.platform.key,
        slot=slot.key,
        alt=slot.alt,
        address=slot.address,
        raw=raw,
        report=examine(raw, slot.algorithm),
        device_id=place.board.device_id,
        proof="usb-serial",
        serial=board.sighting.serial,
    )
    place.safe.store(entry)
