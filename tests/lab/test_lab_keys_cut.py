"""A cable pulled, or the program killed, amid writing a key: no key is lost, and the next run finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.faults import BoardGone
from app.flow import to_finish
from app.undo.store import UndoStore
from app.work.events import Failed
from lab.key_desk import KeyDesk
from lab.openssl import as_pem, firmware_reads, key_of, new_key, public_half
from lab.program import Program, given
from lab.station import MakeStation, at_write

pytestmark = pytest.mark.lab


def sound_keys(folder: Path) -> set[bytes]:
    """The public halves of all keys in a key safe that `openssl` finds sound, and the board's firmware can read."""
    files = [file.read_bytes() for file in folder.rglob("*.bin")]
    sound = set()
    for raw in files:
        try:
            sound.add(public_half("rsa", raw))
        except AssertionError:
            continue
        assert firmware_reads(raw)
    return sound


CASES = [
    pytest.param("core", "restore-key", id="core-restored"),
    pytest.param("photon", "change-key", id="photon-changed"),
]
FIRST = 1  # a Core's sector is erased and nothing written; others have the key, and not yet its public half


@pytest.mark.parametrize(("name", "recipe"), CASES)
def test_a_key_whose_writing_the_cable_cut_is_finished_by_the_next_run(
    station: MakeStation, name: str, recipe: str, tmp_path: Path
) -> None:
    desk = KeyDesk(station, name)
    place = desk.place
    before = desk.around()
    old = desk.slot_of(before)
    file = tmp_path / "device.pem"
    file.write_bytes(as_pem(new_key("rsa")))
    answers = {"key": "file", "key-file": str(file), "key-belongs": True, "way": "here"}
    with at_write(FIRST, place.pull_soon):
        last = desk.run(recipe, answers)
    assert isinstance(last, Failed), last
    assert last.code == BoardGone.code
    (rescue,) = place.undo.interrupted()
    torn = desk.in_memory()
    assert torn != before
    halves = sound_keys(place.safe.root)
    assert public_half("rsa", old) in halves
    (new_half,) = halves - {public_half("rsa", old)}

    file.unlink()  # it is in the key safe
    place.plug_in_again()
    key, again = to_finish(rescue)
    desk.succeed(key, dict(again))
    after = desk.around()
    new = desk.slot_of(after)
    assert torn != after
    assert public_half("rsa", new) == new_half
    assert after == desk.with_key(before, key_of(new))
    assert sound_keys(place.safe.root) == halves
    assert place.undo.interrupted() == ()


def test_a_new_key_amid_whose_writing_the_program_was_killed_is_the_one_that_gets_onto_the_board(
    station: MakeStation, tmp_path: Path
) -> None:
    desk = KeyDesk(station, "core-0.7")
    place = desk.place
    before = desk.around()
    old = desk.slot_of(before)
    program, keys = Program(tmp_path / "data"), tmp_path / "data" / "keys"
    answers = given({"way": "here", "plan": True, "device-id": place.board.device_id})
    program.run_and_die(FIRST, "run", "change-key", "--board", place.cable.port_path, *answers)
    torn = desk.in_memory()
    assert torn != before
    halves = sound_keys(keys)
    (new_half,) = halves - {public_half("rsa", old)}
    assert len(halves) == 2

    words = program.how_to_finish()
    assert words[1] == "change-key"
    program.run(*words, *given({"plan": True, "device-id": place.board.device_id}))
    after = desk.around()
    new = desk.slot_of(after)
    assert torn != after
    assert public_half("rsa", new) == new_half
    assert after == desk.with_key(before, key_of(new))
    assert sound_keys(keys) == halves
    assert UndoStore(tmp_path / "data" / "boards").interrupted() == ()
