"""Our X-ray and restored systems on the real kernel's USB stack, and `dfu-util` reading what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from app.firmware.pack import pick
from app.work.plan import Health
from lab.station import RESTORE, MakeStation

pytestmark = pytest.mark.lab

BOOT_LOADER = 0x0800_0000


@pytest.mark.parametrize("name", ["core", "photon", "p1"])
def test_the_x_ray_has_the_checksums_of_what_dfu_util_reads(station: MakeStation, name: str) -> None:
    place = station(name)
    found = place.x_ray()
    assert found.verdict.health is Health.NOTHING_WRONG
    told = [slot for slot in found.slots if slot.sha256 and slot.used]
    assert len(told) >= (2 if name == "core" else 4)
    place.into_dfu()
    for slot in told:
        assert slot.sha256 == hashlib.sha256(place.dfu_util_reads(slot.alt, slot.start, slot.used)).hexdigest(), slot


@pytest.mark.parametrize("name", ["photon-0.5", "p1", "electron"])
def test_what_restoring_the_system_writes_is_what_dfu_util_reads(
    station: MakeStation, name: str, record_property: Callable[[str, object], None]
) -> None:
    place = station(name)
    keys, before = place.secrets(), place.board.transfers
    outcome = place.succeed("restore-system", RESTORE)
    record_property("measured", f"{name}: system restored with {place.board.transfers - before} transfers")
    assert outcome.xray is not None
    assert outcome.xray.verdict.health is Health.NOTHING_WRONG
    place.await_running()
    parts = {region.key for region in place.kind.regions if region.key.startswith("system-")}
    assert parts <= place.check_written().keys()
    if "ota" in place.written():
        loader = place.pack.read(pick(place.kind.key, "bootloader", "2.2.0").name)
        assert place.dfu_util_reads(0, BOOT_LOADER, len(loader)) == loader
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()
