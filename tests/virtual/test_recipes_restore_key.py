"""Restoring a key on virtual boards: the right key into the right place, nothing beside it, and no key ever lost."""

from __future__ import annotations

import itertools
import json
import logging
import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from support import device_keys
from support.cuts import Kind, cut
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.ending_disk import Refusing, no_room
from support.every import part
from support.moments import asked, at_step, come_back, plans

from app.engine.runner import run_recipe
from app.flow import to_put_back
from app.keys.backup import KeyEntry, Origin
from app.keys.device_key import KeyState, examine, firmware_reads, public_der
from app.keys.safe import Backup, KeySafe
from app.platforms.model import Algorithm, Mode
from app.recipes.back_up_key import BackUpKey
from app.recipes.put_back import PutBack
from app.recipes.restore_key import RestoreKey
from app.undo.store import UndoStore
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, Stopped, Succeeded
from app.work.identity import IdentityBook
from app.work.questions import Card, ChooseCard, Confirm

WRITE_STEP, START_STEP = 5, 7
DCT_PRIVATE, DCT_PUBLIC = slice(34, 646), slice(1250, 1412)  # device-protocol.md 3.5
UDP_PRIVATE, UDP_PUBLIC = slice(3106, 3298), slice(2978, 3069)
DEVICE_ID = slice(3618, 3630)
OTHER_ID = "53ff6f065067544840551999"
YES: dict[str, object] = {"plan": True, "key-belongs": True}

BOARDS = (
    *((name, {"boot": boot}) for name in ("core", "core-0.5", "core-0.7") for boot in ("original", "0.4", "0.5")),
    *(("photon", {"boot": boot, "firmware": "2.x"}) for boot in ("0.4.0", "0.5", "0.6", "0.7", "2.x")),
    *(("p1", {"boot": boot}) for boot in ("0.5", "0.6", "0.7", "2.x")),
    *((name, {}) for name in ("photon-0.5", "photon-0.6", "photon-0.7", "photon-safe-mode")),
)
"""Every kind of board that uses its RSA key, with every generation of its boot loader."""


def lay(name: str, folder: Path, mode: str = IN_DFU, **options: Any) -> Desk:  # noqa: ANN401 - handed on to `make`
    place = desk(name, folder, mode, answers=dict(YES), **options)
    place.person.answers["device-id"] = place.board.device_id
    if place.board.spi_flash is None:
        place.board.dct[DEVICE_ID] = bytes.fromhex(place.board.device_id)  # as firmware from 0.6 on leaves it (1.4)
    return place


def is_core(place: Desk) -> bool:
    return place.board.spi_flash is not None


def keep_key(place: Desk, slot: str = "device-private") -> Backup:
    """Back the key up; return the backup, the board being in update mode again."""
    known = {} if place.board.spi_flash is None else {"device-id": place.board.device_id}
    place.succeed(BackUpKey, known)
    place.hand_into_dfu()
    return next(each for each in place.safe.backups() if each.slot == slot)


def put(place: Desk, content: bytes) -> None:
    """Put something into the key slot; what is behind it stays."""
    memory, start = (place.board.spi, 0x2000) if is_core(place) else (place.board.dct, 34)
    memory[start : start + len(content)] = content


def rubbish(size: int = 612) -> bytes:
    return random.Random(5).randbytes(size)


def outside(place: Desk) -> bytes:
    """Everything in the memory with the key but what a key is allowed to go over."""
    kept = bytearray(place.board.spi if is_core(place) else place.board.dct)
    if is_core(place):
        kept[0x2000 : 0x2000 + 1024] = b""  # 4.4: as the Particle command line
    else:
        for slot in (UDP_PRIVATE, UDP_PUBLIC, DCT_PUBLIC, DCT_PRIVATE):
            kept[slot] = bytes(slot.stop - slot.start)
    return bytes(kept)


def named(backup: Backup) -> dict[str, object]:
    return {"key": f"backup:{backup.reference}"}


def from_file(path: Path) -> dict[str, object]:
    return {"key": "file", "key-file": str(path)}


def restore(place: Desk, answers: Mapping[str, object] | None = None) -> Outcome:
    return place.succeed(RestoreKey, answers)


def refused(place: Desk, answers: Mapping[str, object] | None = None) -> str:
    """Run it, see that it ends in a fault and that nothing at all was changed; return its code."""
    before = place.memories()
    fault = place.fail(RestoreKey, answers)
    assert (outside(place), place.slot) == (outside_of(before, place), slot_of(before, place))
    assert place.undo.interrupted() == ()
    assert fault.cause.english().count("{") == fault.next_step.english().count("{") == 0
    return fault.code


def outside_of(memories: tuple[bytes, ...], place: Desk) -> bytes:
    kept = bytearray(memories[1])
    if is_core(place):
        kept[0x2000 : 0x2000 + 1024] = b""
    else:
        for slot in (UDP_PRIVATE, UDP_PUBLIC, DCT_PUBLIC, DCT_PRIVATE):
            kept[slot] = bytes(slot.stop - slot.start)
    return bytes(kept)


def slot_of(memories: tuple[bytes, ...], place: Desk) -> bytes:
    return memories[1][0x2000 : 0x2000 + 612] if is_core(place) else memories[1][DCT_PRIVATE]


def facts(outcome: Outcome) -> Mapping[str, str]:
    return {fact.key: fact.value if isinstance(fact.value, str) else fact.value.english() for fact in outcome.facts}


def warned(outcome: Outcome) -> str:
    return " ".join(words.english() for words in outcome.warnings)


def cards(place: Desk) -> tuple[Card, ...]:
    questions = [event.question for event in place.person.events if isinstance(event, Asked)]
    return next(each.cards for each in questions if isinstance(each, ChooseCard))


def store(place: Desk, raw: bytes, *, device_id: str | None, serial: str | None = None, **more: Any) -> Backup:  # noqa: ANN401
    """Put something into the key safe as if it had been kept of some board."""
    kind = place.seen().platform
    slot = kind.slot(more.pop("slot", "device-private"))
    return place.safe.store(
        KeyEntry(
            platform=kind.key,
            slot=slot.key,
            alt=slot.alt,
            address=slot.address,
            raw=raw,
            report=examine(raw, slot.algorithm),
            device_id=device_id,
            proof=None if device_id is None else "usb-serial",
            serial=serial,
            **more,
        )
    )


@cache
def other_key() -> bytes:
    """A key that no practice board has, as a board would make it."""
    return device_keys.as_device()


# --- where it goes ----------------------------------------------------------------------------------------------------


def damaged(key: bytes, number: int) -> bytes:
    """What a slot may hold that has lost its key: rubbish, nothing, or the key with a torn end."""
    return (rubbish(), b"\xff" * 612, key[:300] + rubbish(312))[number % 3]


@pytest.mark.parametrize("number", range(len(BOARDS)), ids=[f"{name}-{opts}" for name, opts in BOARDS])
def test_a_lost_key_comes_back_and_nothing_beside_it_changes(number: int, tmp_path: Path) -> None:
    name, options = BOARDS[number]
    place = lay(name, tmp_path, **options)
    if is_core(place):
        place.board.spi[0x2400:0x3000] = rubbish(0xC00)  # the rest of its erase sector
        place.board.spi[0x1000:0x2000] = rubbish(0x1000)  # and the one before
    backup = keep_key(place)
    key = place.slot
    put(place, damaged(key, number))
    before = outside(place)
    after: list[tuple[bytes, bytes]] = []
    at_step(place, START_STEP, lambda: after.append((place.slot, outside(place))))
    outcome = restore(place, named(backup))
    assert after == [(key, before)]
    assert facts(outcome)["fingerprint"].replace(" ", "") == backup.fingerprint
    assert outcome.next_recipes == ("check-keys", "prove-handshake")
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("mode", [RUNNING, LISTENING])
@pytest.mark.parametrize("name", ["core", "photon", "photon-0.5", "electron"])
def test_it_runs_again_afterwards_whatever_it_did_before(name: str, mode: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, mode)
    file = tmp_path / "mine.der"
    file.write_bytes(other_key())
    if name == "electron":
        file.write_bytes(device_keys.ec_der())
        place.person.answers["key-slot"] = "device-private-udp"
    restore(place, from_file(file))
    place.clock.pause(10)
    assert place.seen().mode is Mode.NORMAL


@pytest.mark.parametrize("name", ["photon", "photon-0.6", "p1"])
def test_the_public_half_follows_the_key(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    file = tmp_path / "mine.der"
    file.write_bytes(other_key())
    restore(place, from_file(file))
    report = examine(place.slot, Algorithm.RSA_1024)
    assert bytes(place.board.dct[DCT_PUBLIC]) == public_der(report)
    assert place.slot == other_key().ljust(612, b"\xff")


def test_where_only_the_public_half_is_wrong_only_that_is_written(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    backup = keep_key(place)
    right = public_der(examine(place.slot, Algorithm.RSA_1024))
    place.board.dct[DCT_PUBLIC] = rubbish(162)
    restore(place, named(backup))
    assert bytes(place.board.dct[DCT_PUBLIC]) == right
    (plan,) = plans(place)
    assert [write.address for write in plan.writes] == [1250]


@pytest.mark.parametrize("name", ["core", "photon"])
def test_the_key_that_is_there_already_costs_no_write_and_no_question(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    backup = keep_key(place)
    if not is_core(place):
        place.board.dct[DCT_PUBLIC] = public_der(examine(place.slot, Algorithm.RSA_1024))
    before = place.slot, outside(place)
    outcome = restore(place, named(backup))
    assert (place.slot, outside(place)) == before
    assert plans(place) == []
    assert "already" in outcome.summary.english()


# --- which keys are offered -------------------------------------------------------------------------------------------


def test_this_boards_backups_come_first_then_those_of_nobody_and_a_file_always(tmp_path: Path) -> None:
    place = lay("photon-0.5", tmp_path)
    mine = keep_key(place)
    constant = place.seen().sighting.serial
    perhaps = store(place, other_key().ljust(612, b"\xff"), device_id=None, serial=constant)
    short = device_keys.as_openssl(device_keys.SHORT_P, device_keys.SHORT_Q)
    store(place, short.ljust(612, b"\xff"), device_id=OTHER_ID)
    put(place, rubbish())
    place.person.answers.update(named(mine))
    restore(place)
    offered = cards(place)
    assert [card.key for card in offered] == [
        f"backup:{mine.reference}",
        f"backup:{perhaps.reference}",
        "file",
    ]
    assert "perhaps" in offered[1].body.english()


def test_the_newest_backup_is_the_first_and_the_one_on_the_board_is_marked(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    keep_key(place)
    later = KeySafe(place.safe.root, practice=True, now=lambda: datetime.now(UTC) + timedelta(days=1))
    place.safe = later
    newest = store(place, other_key().ljust(612, b"\xff"), device_id=place.board.device_id)
    place.person.answers.update(named(newest))
    restore(place)
    first, second, _ = cards(place)
    assert first.key == f"backup:{newest.reference}"
    assert first.mark is None
    assert second.mark is not None


def test_a_damaged_backup_is_shown_and_cannot_be_chosen(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    backup = keep_key(place)
    backup.file(".bin").write_bytes(b"gone")
    place.play(RestoreKey)
    card = next(each for each in cards(place) if each.key == f"backup:{backup.reference}")
    assert not card.fits
    assert card.body in [each.damaged for each in place.safe.backups()]


def test_what_is_replaced_is_in_the_safe_even_if_that_was_emptied_meanwhile(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    own = keep_key(place)
    put(place, device_keys.slot(device_keys.as_device()))
    torn = place.slot

    def post(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "plan":
            shutil.rmtree(place.safe.root)
        place.person(event)

    run_recipe(RestoreKey(), place.job(named(own), post=post))
    assert isinstance(place.person.events[-1], Succeeded)
    assert torn in {place.safe.key_bytes(backup) for backup in place.safe.backups()}


def test_a_torn_key_that_was_kept_is_not_offered_as_a_key(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    torn = store(place, rubbish(), device_id=place.board.device_id)
    place.play(RestoreKey)
    assert not next(card for card in cards(place) if card.key == f"backup:{torn.reference}").fits
    assert refused(place, named(torn)) == "key.backup-no-key"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "photon", "photon-0.5", "electron"])
def test_a_backup_of_another_board_is_refused(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    backup = store(place, other_key().ljust(612, b"\xff"), device_id=OTHER_ID)
    answers = {**named(backup), "key-slot": "device-private"}
    assert refused(place, answers) == "key.other-board"
    assert OTHER_ID in place.person.events[-1].cause.english()  # type: ignore[union-attr]


def test_a_backup_under_a_serial_number_that_contradicts_is_refused(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    backup = store(place, other_key().ljust(612, b"\xff"), device_id=None, serial="8D96428E5349")
    assert refused(place, named(backup)) == "key.other-board"


def others_key(folder: Path) -> tuple[Desk, dict[str, object]]:
    """A file with a key that the key safe holds as read from another board."""
    place = lay("photon", folder)
    store(place, other_key().ljust(612, b"\xff"), device_id=OTHER_ID)
    file = folder / "key.der"
    file.write_bytes(other_key())
    return place, from_file(file)


def test_a_file_with_a_key_read_from_another_board_is_written_only_after_a_word_of_its_own(tmp_path: Path) -> None:
    place, answers = others_key(tmp_path)
    place.person.answers["key-of-other-board"] = True
    outcome = restore(place, answers)
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and event.question.name == "key-of-other-board"
    ]
    assert isinstance(question, Confirm)
    assert question.risky
    assert OTHER_ID in question.body.english()
    assert "key-belongs" not in asked(place)
    assert OTHER_ID in warned(outcome)
    assert place.slot.startswith(other_key())
    written = next(
        each for each in place.safe.backups() if each.device_id == place.board.device_id and each.origin is Origin.FILE
    )
    assert written.fingerprint == examine(other_key(), Algorithm.RSA_1024).fingerprint


def test_a_key_read_from_another_board_stays_away_unless_that_very_question_is_answered(tmp_path: Path) -> None:
    place, answers = others_key(tmp_path)
    before = place.slot
    for given in ({"key-of-other-board": False}, {"key-belongs": True}):
        place.person.willing = "key-of-other-board" in given
        last = place.play(RestoreKey, {**answers, "plan": True, **given})
        assert isinstance(last, Stopped if place.person.willing else Failed)
        assert place.slot == before
        assert place.undo.interrupted() == ()
    assert asked(place)[-1] == "key-of-other-board"


def test_a_key_read_from_another_board_is_finished_after_a_cut_without_another_word(tmp_path: Path) -> None:
    place, answers = others_key(tmp_path)
    place.person.answers["key-of-other-board"] = True
    at_step(place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_amid=place.board.transfers + 12)))
    assert isinstance(place.play(RestoreKey, answers), Failed)
    come_back(place)
    (rescue,) = place.undo.interrupted()
    place.person.answers.pop("key-of-other-board")
    restore(place, {**rescue.answers, "resume": rescue.id})
    assert place.slot.startswith(other_key())


def test_a_nameless_backup_of_a_key_read_from_another_board_is_asked_about_too(tmp_path: Path) -> None:
    place, _ = others_key(tmp_path)
    backup = store(place, other_key().ljust(612, b"\0"), device_id=None, serial="00000000010C")
    place.person.answers["key-of-other-board"] = True
    restore(place, named(backup))
    assert "key-of-other-board" in asked(place)
    assert place.slot.startswith(other_key())


def test_what_came_from_a_file_proves_nothing_about_the_board_it_was_put_onto(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    store(place, other_key().ljust(612, b"\xff"), device_id=OTHER_ID, origin=Origin.FILE)
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    restore(place, from_file(file))
    assert "key-belongs" in asked(place)
    assert place.slot.startswith(other_key())


def test_a_corrupt_backup_is_refused(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    backup = keep_key(place)
    backup.file(".bin").write_bytes(b"gone")
    assert refused(place, named(backup)) == "safe.damaged"


def test_a_backup_that_is_not_there_is_said_before_a_button_is_pressed(tmp_path: Path) -> None:
    place = lay("core", tmp_path, RUNNING)
    assert refused(place, {"key": "backup:nowhere/nothing"}) == "key.backup-unknown"
    assert asked(place) == []


def test_a_practice_boards_key_is_not_offered_among_real_ones(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    practice = store(place, other_key().ljust(612, b"\xff"), device_id=place.board.device_id)
    place.safe = KeySafe(place.safe.root)
    assert refused(place, named(practice)) == "key.backup-unknown"


def test_no_key_is_written_to_a_board_nobody_knows(tmp_path: Path) -> None:
    place = lay("photon-0.5", tmp_path)
    place.board.dct[DEVICE_ID] = b"\xff" * 12
    assert refused(place) == "identity.unproven"


def test_a_core_is_asked_for_its_device_id_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    assert refused(place, {"device-id": OTHER_ID}) == "identity.mismatch"


@pytest.mark.parametrize("boot", ["0.7", "2.x"])
def test_a_boot_loader_that_reaches_no_keys_now_says_so(boot: str, tmp_path: Path) -> None:
    place = lay("photon", tmp_path, boot=boot, part2=False)
    assert refused(place) == "key.memory-unreadable"


def test_a_locked_safe_is_unlocked_before_anything_is_asked_of_the_board(tmp_path: Path) -> None:
    place = lay("core", tmp_path, RUNNING)
    place.safe.set_passphrase("words")
    place.safe.lock()
    assert refused(place, {"passphrase": "others"}) == "safe.wrong-passphrase"
    assert asked(place) == []


def test_with_a_passphrase_the_whole_way_keeps_only_sealed_keys(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    place.safe.set_passphrase("words")
    backup = keep_key(place)
    key = place.slot
    put(place, rubbish())
    place.safe.lock()
    place.person.answers["passphrase"] = "words"
    restore(place, named(backup))
    assert place.slot == key
    assert not any(key[:64] in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


# --- keys in forms the firmware cannot read ---------------------------------------------------------------------------


def short_key() -> bytes:
    """A sound key that OpenSSL has encoded too short for the firmware (4.2)."""
    return device_keys.as_openssl(device_keys.SHORT_P, device_keys.SHORT_Q)


@pytest.mark.parametrize("name", ["core", "photon"])
def test_the_key_on_the_board_is_written_again_so_that_its_firmware_can_read_it(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    put(place, short_key().ljust(612, b"\xff"))
    old = place.slot
    outcome = restore(place, {"key": "board"})
    before, after = examine(old, Algorithm.RSA_1024), examine(place.slot, Algorithm.RSA_1024)
    assert before.state is KeyState.UNUSABLE_BY_FIRMWARE
    assert after.state is KeyState.GOOD
    assert after.fingerprint == before.fingerprint
    assert firmware_reads(place.slot) is not None
    assert "server need not be told" in outcome.next_steps[0].english()
    assert old in [place.safe.key_bytes(each) for each in place.safe.backups()]
    assert "key-belongs" not in asked(place)
    assert plans(place)[0].warnings == outcome.warnings == ()
    assert outcome.documents == ()


def test_the_key_on_the_board_is_the_likeliest_where_only_its_form_is_wrong(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    backup = keep_key(place)
    put(place, short_key().ljust(612, b"\xff"))
    place.person.answers["key"] = "board"
    restore(place)
    assert [card.key for card in cards(place)] == ["board", f"backup:{backup.reference}", "file"]


def test_a_good_key_on_the_board_is_not_offered_to_be_written_again(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    assert refused(place, {"key": "board"}) == "question.bad-answer"


def test_a_backup_in_a_short_form_is_written_in_a_form_that_can_be_read(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    backup = store(place, short_key().ljust(612, b"\xff"), device_id=place.board.device_id)
    outcome = restore(place, named(backup))
    after = examine(place.slot, Algorithm.RSA_1024)
    assert after.state is KeyState.GOOD
    assert after.fingerprint == backup.fingerprint
    assert "server need not be told" in outcome.next_steps[0].english()


def test_a_key_no_encoding_makes_readable_is_refused(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    raw = device_keys.as_openssl(e=257).ljust(612, b"\xff")
    backup = store(place, raw, device_id=place.board.device_id)
    assert backup.state is KeyState.UNUSABLE_BY_FIRMWARE
    assert refused(place, named(backup)) == "key.backup-no-key"
    file = tmp_path / "key.der"
    file.write_bytes(raw)
    assert refused(place, from_file(file)) == "key-file.unusable"


def test_replacing_a_sound_key_is_warned_of_in_the_plan_and_its_public_half_handed_on(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    mine = store(place, other_key().ljust(612, b"\xff"), device_id=place.board.device_id)
    outcome = restore(place, named(mine))
    (plan,) = plans(place)
    assert "a sound one" in " ".join(words.english() for words in plan.warnings)
    assert len(outcome.documents) == 1
    put(place, rubbish())
    place.hand_into_dfu()
    outcome = restore(place, named(mine))
    assert outcome.documents == ()
    assert outcome.warnings == ()


# --- files ------------------------------------------------------------------------------------------------------------


def loaded(der: bytes) -> Any:  # noqa: ANN401 - whichever key it is
    algorithm = Algorithm.RSA_1024 if len(der) > 300 else Algorithm.EC_P256
    return serialization.load_der_private_key(examine(der, algorithm).canonical_der or b"", None)


FORMS = {
    "pkcs1-der": lambda der: der,
    "pkcs1-pem": lambda der: loaded(der).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    "pkcs8-der": lambda der: loaded(der).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    "pkcs8-pem": lambda der: loaded(der).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "locked-pem": lambda der: loaded(der).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret words")
    ),
    "slot": lambda der: der + rubbish(1024 - len(der)),
}


@pytest.mark.parametrize("name", ["core", "electron"])
@pytest.mark.parametrize("form", FORMS)
def test_a_key_from_a_file_in_each_form(form: str, name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    der = device_keys.ec_der() if name == "electron" else other_key()
    algorithm = Algorithm.EC_P256 if name == "electron" else Algorithm.RSA_1024
    content = FORMS[form](der)
    file = tmp_path / "key"
    file.write_bytes(content[:192] if form == "slot" and name == "electron" else content)
    answers = {**from_file(file), "key-passphrase": "secret words", "key-slot": "device-private-udp"}
    outcome = restore(place, answers)
    raw = bytes(place.board.dct[UDP_PRIVATE]) if name == "electron" else place.slot
    found = examine(raw, algorithm)
    assert found.state is KeyState.GOOD
    assert found.fingerprint == examine(der, algorithm).fingerprint
    assert "key-belongs" in asked(place)
    assert "Nobody can know" in warned(outcome)
    (document,) = outcome.documents
    assert document.content.encode() == found.public_pem
    assert document.file_name == f"{place.board.device_id}.pub.pem"


def test_a_file_whose_public_half_the_board_keeps_is_known_to_be_its_own(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(examine(place.slot, Algorithm.RSA_1024).der or b"")
    place.board.dct[DCT_PUBLIC] = public_der(examine(place.slot, Algorithm.RSA_1024))
    put(place, b"\xff" * 612)
    outcome = restore(place, from_file(file))
    assert "key-belongs" not in asked(place)
    assert "Nobody" not in warned(outcome)


def test_saying_that_it_is_not_this_boards_key_changes_nothing(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    before = place.slot
    assert isinstance(place.play(RestoreKey, {**from_file(file), "key-belongs": False}), Stopped)
    assert place.slot == before
    assert place.undo.interrupted() == ()
    assert len(place.safe.backups()) == 1  # what the board holds


def test_the_passphrase_may_be_wrong_twice(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    file = tmp_path / "key.pem"
    file.write_bytes(FORMS["locked-pem"](other_key()))
    words = iter(["no", "neither", "secret words"])
    tell = place.person

    def answer(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "key-passphrase":
            tell.events.append(event)
            event.reply(next(words))
        else:
            tell(event)

    run_recipe(RestoreKey(), place.job(from_file(file), post=answer))
    assert isinstance(tell.events[-1], Succeeded)
    assert asked(place).count("key-passphrase") == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "key-file.unreadable"),
        (b"not a key", "key-file.unreadable"),
        (b"\xff" * 612, "key-file.unreadable"),
        (bytes(2_000_000), "key-file.too-long"),
    ],
)
def test_a_file_that_is_no_key_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(content)
    assert refused(place, from_file(file)) == code


def test_a_key_of_the_wrong_kind_and_a_wrong_passphrase_are_refused(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(device_keys.ec_der())
    assert refused(place, from_file(file)) == "key-file.wrong-kind"
    file.write_bytes(FORMS["locked-pem"](other_key()))
    assert refused(place, {**from_file(file), "key-passphrase": "no"}) == "key-file.wrong-passphrase"
    assert refused(place, from_file(tmp_path / "nowhere")) == "file.unreadable"
    assert refused(place, from_file(tmp_path)) == "file.unreadable"
    assert isinstance(place.play(RestoreKey, {"key": "file", "key-file": ""}), Stopped)


def test_a_wrong_file_is_said_and_asked_for_again_and_there_is_a_way_back_to_the_choice(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    wrong, right = tmp_path / "server.pub.pem", tmp_path / "key.der"
    wrong.write_bytes(b"not a key")
    right.write_bytes(device_keys.as_device())
    tell = place.person
    files = iter(["", str(wrong), str(tmp_path / "nowhere"), str(right)])
    said: list[str] = []

    def answer(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "key":
            event.reply("file")
        elif isinstance(event, Asked) and event.question.name == "key-file":
            said.append(event.question.body.english())
            event.reply(next(files))
        else:
            tell(event)

    place.person.answers["key-belongs"] = True
    run_recipe(RestoreKey(), place.job({}, post=answer))
    assert isinstance(tell.events[-1], Succeeded)
    assert said[0] == said[1]
    assert "No private key" in said[2]
    assert "nowhere" in said[3]


# --- an Electron's two keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over_tcp", [False, True])
def test_an_electrons_key_in_use_is_offered_first(over_tcp: bool, tmp_path: Path) -> None:
    place = lay("electron", tmp_path)
    if over_tcp:
        place.board.dct[2977] = 0  # 3.5
    used, other = ("device-private", "device-private-udp") if over_tcp else ("device-private-udp", "device-private")
    place.person.answers.update({"key-slot": other})
    place.play(RestoreKey)
    question = next(
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and event.question.name == "key-slot"
    )
    assert [key for key, _ in question.options] == [used, other]  # type: ignore[union-attr]


@pytest.mark.parametrize("slot", ["device-private", "device-private-udp"])
def test_a_backup_goes_into_the_slot_it_is_from(slot: str, tmp_path: Path) -> None:
    place = lay("electron", tmp_path)
    where = UDP_PRIVATE if slot.endswith("udp") else DCT_PRIVATE
    backup = keep_key(place, slot)
    key = bytes(place.board.dct[where])
    other = bytes(place.board.dct[DCT_PRIVATE if slot.endswith("udp") else UDP_PRIVATE])
    place.board.dct[where] = rubbish(where.stop - where.start)
    outcome = restore(place, named(backup))
    assert bytes(place.board.dct[where]) == key
    assert bytes(place.board.dct[DCT_PRIVATE if slot.endswith("udp") else UDP_PRIVATE]) == other
    assert ("does not use this key" in warned(outcome)) == (slot == "device-private")
    assert "key-slot" not in asked(place)
    place.hand_into_dfu()
    swapped = {"device-private": "device-private-udp", "device-private-udp": "device-private"}[slot]
    assert refused(place, {**named(backup), "key-slot": swapped}) == "key.backup-no-key"


# --- what is kept, and the order of it --------------------------------------------------------------------------------


def readable_keys(place: Desk) -> int:
    """How many different sound keys are in the safe or on the board at this moment."""
    found = {examine(place.slot, Algorithm.RSA_1024).fingerprint}
    found |= {each.fingerprint for each in place.safe.backups() if each.damaged is None and each.fingerprint}
    return len(found - {""})


@pytest.mark.parametrize("name", ["core", "photon", "photon-0.5"])
def test_both_keys_are_in_the_safe_before_the_first_byte_is_written(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    old = place.slot
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    at_step(place, WRITE_STEP, lambda: seen.append((place.slot, readable_keys(place))))
    seen: list[tuple[bytes, int]] = []
    outcome = restore(place, from_file(file))
    assert seen == [(old, 2)]
    kept = {place.safe.key_bytes(each): each for each in place.safe.backups()}
    assert kept[old].origin is Origin.BOARD
    assert kept[other_key().ljust(612, b"\xff")].origin is Origin.FILE
    assert {each.device_id for each in kept.values()} == {place.board.device_id}
    assert {str(path) for each in kept.values() for path in each.files} <= set(outcome.kept)
    assert facts(outcome)["folder"] == str(kept[old].folder)


def test_no_to_the_plan_changes_nothing_and_keeps_no_key_of_a_file(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    before = place.slot
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    assert place.play(RestoreKey, {**from_file(file), "plan": False}) == Stopped(1, False)
    assert place.slot == before
    assert [each.origin for each in place.safe.backups()] == [Origin.BOARD]
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_full_disk_at_any_moment_is_said_and_no_key_is_lost(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codes: set[str] = set()
    for actions in range(0, 160, 13):
        folder = tmp_path / str(actions)
        place = lay(name, folder)
        old = place.slot
        disk = Refusing(actions, no_room)
        place.safe = KeySafe(folder / "safe", practice=True, actions=disk)
        place.undo = UndoStore(folder / "boards", safe=place.safe, actions=disk)
        file = tmp_path / "key.der"
        file.write_bytes(other_key())
        last = place.play(RestoreKey, from_file(file))
        if isinstance(last, Succeeded):
            break
        codes.add(said(last))
        assert place.slot == old or (readable(place, old) and readable(place, other_key().ljust(612, b"\xff")))
    else:
        pytest.fail("the disk always refused")
    assert all("not noted" in record.message for record in caplog.records if record.levelno >= logging.WARNING)
    assert codes == {"safe.no-room", "undo.no-room"}


def said(event: Event) -> str:
    assert isinstance(event, Failed), event
    assert event.code != "bug", event.detail
    return event.code


def readable(place: Desk, key: bytes) -> bool:
    safe = KeySafe(place.safe.root, practice=True)
    return key in [safe.key_bytes(each) for each in safe.backups() if each.damaged is None]


# --- interrupted ------------------------------------------------------------------------------------------------------


def new_program(place: Desk, folder: Path) -> Desk:
    """The program starts once more: nothing is left but the board and what is on the disk."""
    shutil.copytree(place.undo.root.parent, folder)
    safe = KeySafe(folder / "safe", practice=True)
    anew = replace(place, safe=safe, undo=UndoStore(folder / "boards", safe=safe), book=IdentityBook(place.clock))
    anew.book.look(anew.bus.sightings())
    return anew


_WRITING: dict[str, range] = {}


def transfers_of_writing(name: str, folder: Path) -> range:
    """The transfers, counted from the beginning of a run, in which something is written to the board."""
    if name not in _WRITING:
        _WRITING[name] = find_transfers_of_writing(name, folder)
    return _WRITING[name]


def find_transfers_of_writing(name: str, folder: Path) -> range:
    """Run it once undisturbed, and count."""
    place, answers = torn_board(name, folder)
    start = place.board.transfers
    moments: list[int] = []
    for step in (WRITE_STEP, WRITE_STEP + 1):
        at_step(place, step, lambda: moments.append(place.board.transfers - start))
    restore(place, answers)
    return range(moments[0] + 1, moments[1] + 1)


def torn_board(name: str, folder: Path) -> tuple[Desk, dict[str, object]]:
    """A board that gets another key, so that both can be told apart; its ID has to be proven anew after each start."""
    place = lay(name, folder)
    if is_core(place):
        place.board.spi[0x2400:0x3000] = rubbish(0xC00)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "key.der"
    file.write_bytes(other_key())
    return place, from_file(file)


KINDS = (Kind.BEFORE, Kind.AMID, Kind.AFTER, Kind.KILLED)


CUT_SHORT = list(itertools.product(("core", "photon", "photon-0.5"), KINDS, ("finish", "put-back")))


@pytest.mark.parametrize(("name", "kind", "end"), part(CUT_SHORT, 2, "cut short"))
def test_a_cut_while_writing_can_be_finished_and_put_back(name: str, kind: Kind, end: str, tmp_path: Path) -> None:
    whole = transfers_of_writing(name, tmp_path / "whole")
    listed_once = False
    for number in part(whole, 20, f"restore {name}{kind}{end}"):
        folder = tmp_path / f"{kind.value}-{number}"
        place, answers = torn_board(name, folder)
        old, beside = place.slot, outside(place)
        last = cut(place, RestoreKey, kind, number, answers)
        assert not isinstance(last, Failed) or last.code != "bug"
        assert readable(place, old)
        assert readable(place, other_key().ljust(612, b"\xff"))
        (folder / "key.der").unlink()  # the journal names the key in the safe
        come_back(place)
        place = new_program(place, folder.with_name(f"{folder.name}-anew"))
        (rescue,) = place.undo.interrupted()
        listed_once = True
        assert "file" not in json.dumps(rescue.answers)
        done: list[tuple[bytes, bytes]] = []
        place.person.events.clear()
        at_step(place, START_STEP, lambda: done.append((place.slot, outside(place))))  # noqa: B023 - called at once
        if end == "finish":
            outcome = restore(place, {**rescue.answers, "resume": rescue.id})
            assert "device-id" not in asked(place)
            assert "key-belongs" not in asked(place)
            assert "Nobody" in warned(outcome)
            wanted = other_key().ljust(612, b"\xff")
        else:
            recipe, given = to_put_back(rescue)
            assert recipe == PutBack.key
            outcome = place.succeed(PutBack, {**dict(given), "with-keys": True})
            wanted = old
        assert done == [(wanted, beside)], (kind, number)
        assert place.undo.interrupted() == ()
    assert listed_once


@pytest.mark.parametrize("name", ["core", "photon"])
def test_running_it_again_instead_of_finishing_it_leaves_nothing_to_finish(name: str, tmp_path: Path) -> None:
    place, answers = torn_board(name, tmp_path)
    beside = outside(place)
    at_step(place, WRITE_STEP + 1, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 2)))
    place.fail(RestoreKey, answers)  # everything is written by then
    assert place.undo.interrupted()
    come_back(place)
    place.succeed(RestoreKey, answers)
    assert place.undo.interrupted() == ()
    place.hand_into_dfu()
    assert (place.slot, outside(place)) == (other_key().ljust(612, b"\xff"), beside)


@pytest.mark.parametrize("transfer", range(1, 16))
def test_one_wrong_read_before_writing_changes_nothing_beside_the_key(transfer: int, tmp_path: Path) -> None:
    place, answers = torn_board("core", tmp_path)
    beside = outside(place)
    at_step(
        place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(wrong_at=place.board.transfers + transfer))
    )
    place.play(RestoreKey, answers)
    place.hand_into_dfu()
    assert outside(place) == beside
    assert asked(place).count("plan") == 1


def test_a_run_cut_before_it_is_agreed_to_leaves_nothing_to_finish(tmp_path: Path) -> None:
    place, answers = torn_board("photon", tmp_path)
    old = place.slot
    last = cut(place, RestoreKey, Kind.BEFORE, 5, answers)
    assert isinstance(last, Failed)
    assert place.slot == old
    assert place.undo.interrupted() == ()


def test_a_journal_names_the_key_and_holds_none(tmp_path: Path) -> None:
    place, answers = torn_board("core", tmp_path)
    number = transfers_of_writing("core", tmp_path / "whole")[1]
    cut(place, RestoreKey, Kind.BEFORE, number, answers)
    (rescue,) = place.undo.interrupted()
    assert set(rescue.answers) == {"key", "key-slot", "device-id"}
    (named_one,) = [each for each in place.safe.backups() if f"backup:{each.reference}" == rescue.answers["key"]]
    assert place.safe.key_bytes(named_one).startswith(other_key())


def test_what_broke_after_the_cut_is_kept_too_when_it_is_finished(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    at_step(place, START_STEP, lambda: place.bus.unplug(place.board))
    assert isinstance(place.play(RestoreKey, from_file(file)), Failed)
    come_back(place)
    put(place, other_key()[:100] + rubbish(100))
    broken = place.slot
    (rescue,) = place.undo.interrupted()
    restore(place, {**rescue.answers, "resume": rescue.id})
    assert broken in {place.safe.key_bytes(backup) for backup in place.safe.backups()}
    assert place.slot.startswith(other_key())


def test_finishing_on_another_board_is_refused(tmp_path: Path) -> None:
    place, answers = torn_board("photon", tmp_path / "one")
    number = transfers_of_writing("photon", tmp_path / "whole")[1]
    cut(place, RestoreKey, Kind.BEFORE, number, answers)
    (rescue,) = place.undo.interrupted()
    other = lay("photon", tmp_path / "two", device_id=OTHER_ID)
    other.undo, other.safe = place.undo, place.safe
    before = other.slot
    assert other.fail(RestoreKey, {**rescue.answers, "resume": rescue.id}).code == "undo.unknown-rescue"
    assert other.slot == before


# --- around it --------------------------------------------------------------------------------------------------------


def test_without_a_window_everything_can_be_said_beforehand(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    place.person.willing = False
    place.play(RestoreKey, {**from_file(file), "key-belongs": "yes", "plan": "yes"})
    assert isinstance(place.person.events[-1], Succeeded)
    assert asked(place) == ["plan"]  # for the record


def test_nothing_of_a_key_is_said_or_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    place = lay("photon", tmp_path)
    old = place.slot
    file = tmp_path / "key.pem"
    file.write_bytes(FORMS["locked-pem"](other_key()))
    restore(place, {**from_file(file), "key-passphrase": "secret words"})
    told = caplog.text + "".join(repr(event) for event in place.person.events)
    assert "secret words" not in told
    for key in (old, other_key()):
        for at in range(0, 600, 16):
            piece = key[at : at + 16]
            assert piece.hex() not in told.lower()
            assert repr(piece)[2:-1] not in told


def test_a_board_that_does_not_start_says_so_and_has_its_key(tmp_path: Path) -> None:
    place = lay("core-no-firmware", tmp_path)
    backup = store(place, other_key().ljust(612, b"\xff"), device_id=place.board.device_id)
    outcome = restore(place, named(backup))
    assert place.slot.startswith(other_key())
    assert "no firmware that starts" in warned(outcome)
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("step", range(1, WRITE_STEP))
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_stop_before_writing_leaves_the_board_as_it_was_found(name: str, step: int, tmp_path: Path) -> None:
    place = lay(name, tmp_path, RUNNING)
    key = place.slot
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    job = place.job(from_file(file))
    at_step(place, step, job.stop)
    run_recipe(RestoreKey(), job)
    assert place.person.events[-1] == Stopped(job.run, False)
    place.clock.pause(10)
    assert place.seen().mode is Mode.NORMAL
    assert place.slot == key


def test_a_stop_while_writing_comes_too_late_to_leave_a_key_that_nobody_read_back(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    file = tmp_path / "key.der"
    file.write_bytes(other_key())
    job = place.job(from_file(file))
    at_step(place, WRITE_STEP, job.stop)
    run_recipe(RestoreKey(), job)
    assert isinstance(place.person.events[-1], Succeeded)
    assert place.slot == other_key().ljust(612, b"\xff")
    assert place.undo.interrupted() == ()
