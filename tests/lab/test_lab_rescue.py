"""Rescues with the real images on the real kernel's USB stack, and `dfu-util` reading what they wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from app.firmware.pack import pick
from app.work.plan import Health
from lab.station import RESTORE, UPGRADE, MakeStation

pytestmark = pytest.mark.lab

BOOT_LOADER = 0x0800_0000


@pytest.mark.parametrize("name", ["core", "photon", "p1", "electron"])
def test_the_x_ray_has_the_checksums_of_what_dfu_util_reads(station: MakeStation, name: str) -> None:
    place = station(name)
    found = place.x_ray()
    assert found.verdict.health is Health.NOTHING_WRONG
    told = [slot for slot in found.slots if slot.sha256 and slot.used]
    assert len(told) >= (2 if name == "core" else 4)
    place.into_dfu()
    for slot in told:
        assert slot.sha256 == hashlib.sha256(place.dfu_util_reads(slot.alt, slot.start, slot.used)).hexdigest(), slot


def test_what_a_full_upgrade_writes_is_what_dfu_util_reads(
    station: MakeStation, record_property: Callable[[str, object], None]
) -> None:
    place = station("core-old-radio")
    keys, before = place.secrets(), place.board.transfers
    outcome = place.succeed("full-firmware-upgrade", UPGRADE)
    record_property("measured", f"full upgrade of a Core: {place.board.transfers - before} transfers")
    assert outcome.xray is not None
    assert outcome.xray.verdict.health is Health.NOTHING_WRONG
    place.await_running()
    assert place.check_written().keys() == {"factory", "application"}
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("name", ["photon-0.5", "photon-broken-part2", "p1", "electron"])
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


def test_restoring_once_more_writes_nothing(station: MakeStation) -> None:
    place = station("photon")
    place.succeed("restore-system", RESTORE)
    place.into_dfu()
    before = bytes(place.board.internal), bytes(place.board.dct)
    place.succeed("restore-system", RESTORE)
    assert all(write.changed == 0 for write in place.plan.writes)
    assert (bytes(place.board.internal), bytes(place.board.dct)) == before
