"""Keys on the real kernel's USB stack: what we write `dfu-util` reads, what it writes we read, and `openssl` judges."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support import device_keys

from app.work.events import Asked, Event
from app.work.questions import WatchLight
from lab.key_desk import KeyDesk, fingerprint, told
from lab.openssl import as_pem, firmware_reads, key_of, new_key, public_half
from lab.station import MakeStation, Station

pytestmark = pytest.mark.lab


# --- what we write, dfu-util reads ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "photon", "electron"])
def test_a_key_that_openssl_made_and_we_restore_is_what_dfu_util_reads(
    station: MakeStation, name: str, tmp_path: Path
) -> None:
    desk = KeyDesk(station, name, key="corrupt")
    key = new_key(desk.slot.kind)
    file = tmp_path / "device.pem"
    file.write_bytes(as_pem(key))
    before = desk.around()
    broken = desk.slot_of(before)
    answers = {"key": "file", "key-file": str(file), "key-belongs": True, "key-slot": "device-private-udp"}
    outcome = desk.succeed("restore-key", answers)
    assert told(outcome)["fingerprint"] == fingerprint(desk.slot.kind, key)
    assert desk.around() == desk.with_key(before, key)
    assert len(desk.kept(broken)) == len(desk.kept(key)) == 1
    assert desk.place.undo.interrupted() == ()


@pytest.mark.parametrize("name", ["core-0.7", "photon"])
def test_a_new_key_that_we_make_is_what_dfu_util_reads_and_openssl_checks(station: MakeStation, name: str) -> None:
    desk = KeyDesk(station, name)
    before = desk.around()
    old = desk.slot_of(before)
    outcome = desk.succeed("change-key", {"way": "here"})
    after = desk.around()
    new = desk.slot_of(after)
    assert new != old
    assert after == desk.with_key(before, key_of(new))
    assert firmware_reads(new)
    assert [backup.file(".bin").read_bytes() for backup in desk.kept(new)] == [new]
    assert [backup.file(".bin").read_bytes() for backup in desk.kept(old)] == [old]
    (letter,) = outcome.documents
    assert letter.content.encode() == public_half("rsa", new, "PEM")
    assert desk.place.undo.interrupted() == ()


def says_when_it_has_a_key(place: Station, event: Event) -> None:
    """A person who says that the light was cyan for a while, once the board has had the time to make itself a key."""
    if not (isinstance(event, Asked) and isinstance(event.question, WatchLight)):
        return
    reply = event.reply

    def look() -> None:
        place.desk.await_("a key in the slot", lambda: place.board.dct[34] != 0xFF or None)
        reply("asked")

    threading.Thread(target=look, name="eyes", daemon=True).start()


def test_a_key_that_the_board_makes_itself_is_kept_as_dfu_util_reads_it(station: MakeStation) -> None:
    desk = KeyDesk(station, "photon", profiles=True)
    old = desk.slot_of(desk.around())
    desk.place.before_event = lambda event: says_when_it_has_a_key(desk.place, event)
    outcome = desk.succeed("change-key", {"way": "board"})
    after = desk.around()
    new, half = desk.slot_of(after), bytes(after[1250 : 1250 + 162])
    assert new != old
    assert firmware_reads(new)
    assert public_half("rsa", new) == half
    assert [backup.file(".bin").read_bytes() for backup in desk.kept(new)] == [new]
    (letter,) = outcome.documents
    assert letter.content.encode() == public_half("rsa", new, "PEM")


# --- what dfu-util writes, we read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "photon", "electron"])
def test_a_key_that_dfu_util_writes_is_read_judged_and_kept(station: MakeStation, name: str) -> None:
    desk = KeyDesk(station, name)
    slot, key = desk.slot, new_key(desk.slot.kind)
    desk.load(key)
    raw = desk.slot_of(desk.around())
    assert raw.startswith(key)
    said = told(desk.succeed("check-keys", {"light": "unseen"}))
    assert said["key"] == "good"
    assert said["fingerprint"] == fingerprint(slot.kind, key)
    # The Particle command line leaves the public half alone, and so it belongs to another key now.
    assert said.get("public-half") == (None if slot.half is None else "is of another key")
    (kept,) = desk.kept(key)
    assert kept.file(".bin").read_bytes() == raw
    assert kept.fingerprint == said["fingerprint"].replace(" ", "")
    assert public_half(slot.kind, kept.file(".der").read_bytes()) == public_half(slot.kind, key)
    desk.succeed("back-up-key")
    assert len(desk.kept(key)) == 1, "the same bytes are kept once"
    assert desk.slot_of(desk.around()) == raw


def test_a_key_that_dfu_util_writes_too_short_for_the_firmware_is_found_and_written_right(station: MakeStation) -> None:
    desk = KeyDesk(station, "core")
    short = device_keys.as_openssl(device_keys.SHORT_P, device_keys.SHORT_Q)
    desk.load(short)
    before = desk.around()
    raw = desk.slot_of(before)
    assert not firmware_reads(raw)
    outcome = desk.succeed("check-keys", {"light": "unseen"})
    assert told(outcome)["key"] == "sound, but the board's firmware cannot use it"
    assert outcome.next_recipes[0] == "restore-key"
    desk.succeed("restore-key", {"key": "board"})
    after = desk.around()
    new = desk.slot_of(after)
    assert firmware_reads(new)
    assert public_half("rsa", new) == public_half("rsa", short)
    assert after == desk.with_key(before, key_of(new))
    assert len(desk.kept(short)) == 1
