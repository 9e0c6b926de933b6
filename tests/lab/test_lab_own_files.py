"""A person's own file, a whole board saved and put back, and the deep update, on the real kernel's USB stack."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.firmware.pack import pick
from app.virtual.images import practice_tinker
from app.virtual.timing import Timing
from app.work.events import Asked, Event
from app.work.plan import Health, SlotState
from app.work.questions import WatchLight
from lab.station import MakeStation, Station

pytestmark = pytest.mark.lab

ENOUGH = 256 * 1024  # bytes of one place to compare; a Core's serial flash has 2 MB
QUICK_RADIO = replace(Timing.TYPICAL, stage=0.5, copy=1.0, radio_patch=5.0, ota=5.0)


@pytest.mark.parametrize(
    ("board", "role", "region"),
    [
        ("core", "tinker", "factory"),
        ("core", "voodoospark", "application"),
        ("electron", "tinker-usb-debugging", "user"),
    ],
)
def test_an_own_file_is_what_dfu_util_reads(
    station: MakeStation, board: str, role: str, region: str, tmp_path: Path
) -> None:
    place = station(board)
    keys = place.secrets()
    name = pick(place.kind.key, role).name
    own = tmp_path / "my own blink.bin"
    own.write_bytes(place.pack.read(name))
    place.succeed("flash-file", {"file": str(own), "slot": region, "risk": True, "plan": True})
    assert [write.region for write in place.plan.writes] == [region]
    place.into_dfu()
    place.check(region, name)
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()


def test_an_own_file_that_dfu_util_reads_back_from_the_board_fits_the_board_again(
    station: MakeStation, tmp_path: Path
) -> None:
    place = station("photon")
    used = place.x_ray().slot("user").used
    place.into_dfu()
    region = place.kind.region("user")
    own = tmp_path / "read-by-dfu-util.bin"
    own.write_bytes(place.dfu_util_reads(0, region.start, used))
    place.succeed("flash-file", {"file": str(own), "slot": "user", "risk": True, "plan": True})
    assert [write.changed for write in place.plan.writes] == [0]


ANSWERS = {"plan": True, "with-keys": False, "other-board": True}


def save(place: Station) -> str:
    """Save the board, and see that `dfu-util` reads what was saved."""
    place.succeed("save-board", {"device-id": place.board.device_id})
    (dump,) = place.undo.dumps()
    assert dump.missing == ()
    place.into_dfu()
    for part in dump.parts:
        if part.region not in ("dct", "system-flags"):  # a start writes marks there
            size = min(part.size, ENOUGH)
            assert place.undo.read(part)[:size] == place.dfu_util_reads(part.alt, part.address, size), part.region
    return dump.id


def test_a_saved_core_is_what_dfu_util_reads(station: MakeStation) -> None:
    save(station("core"))


def test_a_saved_photon_comes_back_after_dfu_util_wrote_over_it(station: MakeStation) -> None:
    place = station("photon")
    dump = save(place)
    rows = [place.kind.region(key) for key in ("system-2", "user")]
    before = [place.cells(row.key, row.size) for row in rows]
    other = place.pack.read(pick("photon", "tinker").name)
    for row in rows:
        place.dfu_util_writes(row.key, other)
        assert place.cells(row.key, len(other)) == other
    place.succeed("put-back", {**ANSWERS, "device-id": place.board.device_id, "dump": dump})
    place.into_dfu()
    assert [place.dfu_util_reads(row.alt, row.start, row.size) for row in rows] == before
    assert place.undo.interrupted() == ()


def cyan(place: Station, event: Event) -> None:
    """A person who says what the light does once it breathes cyan for good: with the newest program."""
    if not (isinstance(event, Asked) and isinstance(event.question, WatchLight)):
        return
    reply, newest = event.reply, practice_tinker()

    def done() -> bool:
        return place.board.light_pattern == "breathing cyan" and place.cells("application", len(newest)) == newest

    def look() -> None:
        place.desk.await_("cyan", lambda: done() or None)
        reply("cyan")

    threading.Thread(target=look, name="eyes", daemon=True).start()


def test_the_deep_update_runs_from_the_real_image_to_the_newest_tinker(station: MakeStation) -> None:
    place = station("core-old-radio", profiles=True, timing=QUICK_RADIO)
    keys = place.secrets()
    image = pick("core", "deep-update").name
    stood: list[bytes] = []

    def told(event: Event) -> None:
        if isinstance(event, Asked) and isinstance(event.question, WatchLight) and not stood:
            stood.append(place.cells("application", len(place.pack.read(image))))
        cyan(place, event)

    place.before_event = told
    place.succeed("deep-update", {"network": "known", "plan": True})
    assert stood == [place.pack.read(image)]
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()
    place.before_event = lambda _: None
    place.into_dfu()
    found = place.x_ray()
    assert found.verdict.health is Health.NOTHING_WRONG
    slot = found.slot("application")
    assert slot.state in (SlotState.GOOD, SlotState.UNPROVEN)
    place.into_dfu()
    newest = practice_tinker()
    assert place.dfu_util_reads(0, slot.start, len(newest)) == newest
