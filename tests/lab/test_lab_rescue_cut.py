"""A cable pulled amid writing: the rescue is finished, or what was there put back, on the real kernel's USB stack."""

from __future__ import annotations

import pytest

from app.faults import BoardGone
from app.flow import to_finish, to_put_back
from app.undo.rescue import InterruptedRescue
from app.virtual.machine import Memories
from app.work.events import Failed
from lab.station import RESTORE, UPGRADE, MakeStation, Station, at_write

pytestmark = pytest.mark.lab

CASES = [
    # Board, recipe, answers, and at which erase or write it is cut: amid the factory firmware in SPI flash, or amid a
    # system part. That such a Photon is finished, too, is seen in the window.
    pytest.param("core", "full-firmware-upgrade", UPGRADE, 40, id="core-factory"),
    pytest.param("photon-0.7", "restore-system", RESTORE, 30, id="photon-system"),
]


def interrupt(place: Station, recipe: str, answers: dict[str, object], number: int) -> InterruptedRescue:
    """Pull the cable amid writing; return the rescue that is offered to be finished."""
    with at_write(number, place.pull_soon):
        last = place.run(recipe, answers)
    assert isinstance(last, Failed), last
    assert last.code == BoardGone.code
    assert last.next_step.english()
    assert place.desk.sighting(place.cable) is None
    (rescue,) = place.undo.interrupted()
    assert rescue.recipe == recipe
    assert len(rescue.written) < len(rescue.planned)
    return rescue


def but_flags(memories: Memories) -> tuple[bytes, bytes]:
    """What only a rescue changes; a Core notes in its flags that it was let go of (2.2), and a Photon its ID (3.5)."""
    return memories.internal[:0x4C00] + memories.internal[0x5000:], memories.serial


def test_after_a_pulled_cable_an_upgrade_is_finished_in_another_port(station: MakeStation) -> None:
    place = station("core")
    keys = place.secrets()
    rescue = interrupt(place, "full-firmware-upgrade", UPGRADE, 40)
    place.plug_in_again()
    key, answers = to_finish(rescue)
    place.succeed(key, {**dict(answers), "plan": True})
    place.await_running()
    place.check_written()
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize(("name", "recipe", "answers", "number"), CASES)
def test_after_a_pulled_cable_what_was_there_is_put_back(
    station: MakeStation, name: str, recipe: str, answers: dict[str, object], number: int
) -> None:
    place = station(name)
    before = place.board.memories()
    rescue = interrupt(place, recipe, answers, number)
    place.plug_in_again()
    assert but_flags(place.board.memories()) != but_flags(before)
    key, given = to_put_back(rescue)
    place.succeed(key, {**dict(given), "plan": True})
    place.await_running()
    assert but_flags(place.board.memories()) == but_flags(before)
    assert place.undo.interrupted() == ()
