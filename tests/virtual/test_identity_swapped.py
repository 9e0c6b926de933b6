"""Boards swapped on one port while nobody could see it: no board's key may end under another board's ID."""

from __future__ import annotations

from pathlib import Path

from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.recipes.back_up_key import BackUpKey
from app.recipes.read_identity import ReadIdentity
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.board import Proof
from app.work.events import Note

DCT_ID = 3618  # device-protocol.md 1.4 and 3.5
OTHER_ID = "3b0031000347343138333038"


def with_id_in_memory(place: Desk, device_id: str) -> None:
    place.board.dct[DCT_ID : DCT_ID + 12] = bytes.fromhex(device_id)


def swap(place: Desk, *, id_in_memory: bool) -> None:
    """Pull the board and plug another of the same kind in, in update mode, within a few seconds."""
    place.bus.unplug(place.board)
    place.book.look(place.bus.sightings())
    place.board = make("photon-0.5", place.clock, profiles=True)
    place.board.dct[34:40] = bytes(6)  # another key
    if id_in_memory:
        with_id_in_memory(place, OTHER_ID)
    place.bus.plug(place.board, "1-1")
    PracticeHand(place.board).enter_dfu()
    place.clock.pause(1)


def test_two_old_photons_swapped_in_update_mode_keep_their_keys_apart(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    with_id_in_memory(place, place.board.device_id)
    place.succeed(ReadIdentity)
    swap(place, id_in_memory=True)
    place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert (backup.device_id, backup.proof) == (OTHER_ID, "dct")


def test_an_old_photon_that_comes_back_in_update_mode_inherits_nothing(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    with_id_in_memory(place, place.board.device_id)
    place.succeed(ReadIdentity)
    swap(place, id_in_memory=False)
    assert place.seen().identity is None
    place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert backup.device_id is None


def test_memory_that_contradicts_what_was_proven_leaves_the_key_under_the_serial(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, LISTENING)
    place.succeed(ReadIdentity)
    assert place.seen().identity is not None
    swap(place, id_in_memory=True)
    place.succeed(BackUpKey)
    for backup in place.safe.backups():
        assert backup.device_id in (None, OTHER_ID)
    assert place.safe.backups()


def test_an_id_is_read_again_from_a_board_that_may_have_been_swapped(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, LISTENING)
    place.succeed(ReadIdentity)
    swap(place, id_in_memory=True)
    place.person.events.clear()
    place.succeed(ReadIdentity)
    notes = [event.words.english() for event in place.person.events if isinstance(event, Note)]
    assert len(notes) == 1
    assert OTHER_ID in notes[0]
    identity = place.seen().identity
    assert identity is not None
    assert identity.proof is Proof.CONSOLE  # asked anew, not inherited


def test_a_backup_that_could_not_be_joined_is_joined_the_next_time(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    place.succeed(BackUpKey)
    place.clock.pause(5)
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    place.succeed(ReadIdentity)
    assert [backup.device_id for backup in place.safe.backups()] == [None]
    place.safe.unlock("correct horse")
    place.succeed(ReadIdentity)
    assert [backup.device_id for backup in place.safe.backups()] == [place.board.device_id]


def test_an_id_proven_while_running_is_kept_where_nothing_speaks_against_it(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, RUNNING)
    place.succeed(ReadIdentity)
    place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert (backup.device_id, backup.proof) == (place.board.device_id, Proof.CONSOLE.value)
