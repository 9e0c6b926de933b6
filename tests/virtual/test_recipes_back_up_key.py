"""Backing up a key: what is read is what is in the board's memory, what is kept is what was read."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.engine.runner import run_recipe
from app.keys.device_key import KeyState
from app.platforms.model import Mode
from app.recipes.back_up_key import BackUpKey
from app.recipes.read_identity import ReadIdentity
from app.recipes.shared import LEFT_IN_DFU, NOT_LEFT
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Note, StepStarted, Stopped, Succeeded
from app.work.questions import DoThis

BOARDS = ["core", "core-0.5", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1"]


def coached(place: Desk) -> list[str]:
    return [
        event.question.name
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, DoThis)
    ]


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", BOARDS)
def test_what_is_kept_is_what_is_in_the_boards_memory(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    before = place.memories()
    outcome = place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert backup.file(".bin").read_bytes() == place.slot
    assert place.slot.startswith(backup.file(".der").read_bytes())
    assert backup.state is KeyState.GOOD
    assert set(outcome.kept) == {str(path) for path in backup.files}
    assert not outcome.warnings
    assert place.memories() == before


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
def test_an_electron_keeps_both_keys_and_names_the_one_in_use(mode: str, tmp_path: Path) -> None:
    place = desk("electron", tmp_path, mode)
    outcome = place.succeed(BackUpKey)
    kept = {backup.slot: backup.file(".bin").read_bytes() for backup in place.safe.backups()}
    assert kept == {
        "device-private": bytes(place.board.dct[34:646]),
        "device-private-udp": bytes(place.board.dct[3106:3298]),
    }
    assert {fact.key: fact.value for fact in outcome.facts}["algorithm"].english() == "elliptic curve P-256"  # type: ignore[union-attr]


def test_an_electron_set_to_tcp_uses_its_rsa_key(tmp_path: Path) -> None:
    place = desk("electron", tmp_path, IN_DFU)
    place.board.dct[2977] = 0  # device-protocol.md 3.5
    outcome = place.succeed(BackUpKey)
    assert {fact.key: fact.value for fact in outcome.facts}["algorithm"].english() == "RSA, 1024 bits"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"])
def test_boards_that_can_be_switched_over_usb_need_no_finger(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path)
    place.succeed(BackUpKey)
    assert coached(place) == []


@pytest.mark.parametrize("name", ["core", "core-0.5", "core-0.7"])
def test_a_core_goes_straight_to_the_coach(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path)
    place.succeed(BackUpKey)
    assert coached(place) == ["enter-dfu"]


def test_where_the_serial_port_is_taken_the_control_request_does_it(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    with place.bus.open_serial(place.bus.sightings()[0], 9600):
        place.succeed(BackUpKey)
    assert coached(place) == []


@pytest.mark.parametrize("name", ["core-0.5", "photon", "photon-0.5", "p1", "electron"])
@pytest.mark.parametrize("mode", [RUNNING, IN_DFU])
def test_the_board_runs_its_firmware_again_afterwards(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    place.succeed(BackUpKey)
    assert place.seen().mode is Mode.NORMAL


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("blank", KeyState.BLANK),
        ("corrupt", KeyState.CORRUPT),
        ("unusable", KeyState.UNUSABLE_BY_FIRMWARE),
    ],
)
@pytest.mark.parametrize("name", ["core", "photon"])
def test_whatever_is_in_the_slot_is_reported_as_such_and_kept_byte_for_byte(
    name: str, key: str, state: KeyState, tmp_path: Path
) -> None:
    # Out of reach of its network, where a Photon has had no reason to make a missing key (4.2).
    place = desk(name, tmp_path, IN_DFU, key=key, online=False)
    before = place.slot
    outcome = place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert backup.state is state
    assert backup.file(".bin").read_bytes() == before
    assert outcome.warnings
    assert outcome.summary.english() != "The key of this board is safe."
    assert "new key" in outcome.next_steps[0].english()


def test_a_key_that_is_safe_should_be_copied_to_a_second_place(tmp_path: Path) -> None:
    (step,) = desk("photon", tmp_path).succeed(BackUpKey).next_steps
    assert "second place" in step.english()


def test_a_warning_about_the_key_not_in_use_says_that_it_is_not_in_use(tmp_path: Path) -> None:
    outcome = desk("electron", tmp_path, IN_DFU, key="unusable").succeed(BackUpKey)
    assert outcome.summary.english() == "The key of this board is safe."
    assert len(outcome.warnings) == 1
    assert outcome.warnings[0].english().startswith("The key of the other cloud connection")


def test_a_warning_about_the_key_in_use_stands_by_itself(tmp_path: Path) -> None:
    outcome = desk("electron", tmp_path, IN_DFU, key="corrupt").succeed(BackUpKey)
    other = [words.english().startswith("The key of the other cloud connection") for words in outcome.warnings]
    assert other == [False, True]


def test_a_second_backup_of_the_same_key_keeps_the_first(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    place.succeed(BackUpKey)
    first = place.safe.backups()
    place.clock.pause(10)
    place.succeed(BackUpKey)
    assert place.safe.backups() == first


def test_two_reads_that_differ_once_are_read_again(tmp_path: Path) -> None:
    place = desk("photon-0.6", tmp_path, IN_DFU)
    counted = place.board.transfers
    place.succeed(BackUpKey)
    transfers = place.board.transfers - counted
    hit = 0
    for at in range(1, transfers):
        again = desk("photon-0.6", tmp_path / str(at), IN_DFU, mishap=Mishap(wrong_at=at))
        last = again.play(BackUpKey)
        noted = [event for event in again.person.events if isinstance(event, Note) and "differ" in event.words.source]
        if noted and isinstance(last, Succeeded):
            hit += 1
            assert again.safe.backups()[0].file(".bin").read_bytes() == again.slot
    assert hit > 0


def test_reads_that_never_agree_end_in_a_fault_and_keep_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.protocols.dfu import DfuSession

    reads = iter(range(1000))

    def noise(self: DfuSession, address: int, size: int, progress: Callable[[int, int], None] | None = None) -> bytes:
        return bytes([next(reads) % 256]) * size

    place = desk("core", tmp_path, IN_DFU)
    monkeypatch.setattr(DfuSession, "read", noise)
    assert place.fail(BackUpKey).code == "key.reads-differ"
    assert place.safe.backups() == ()


def test_a_boot_loader_that_cannot_reach_the_keys_is_not_believed(tmp_path: Path) -> None:
    place = desk("photon", tmp_path)
    place.board.internal[0x60000:0x60400] = bytes(0x400)  # system part 2 is damaged (3.3)
    place.person.hand.enter_dfu()
    place.clock.pause(5)
    failed = place.fail(BackUpKey)
    assert failed.code == "key.memory-unreadable"
    assert place.safe.backups() == ()


# --- whose key it is ---


def test_without_a_proven_id_the_key_is_kept_under_the_serial(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    outcome = place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert backup.device_id is None
    assert "8D8154934854" in backup.folder.name
    assert any("joined to its ID" in step.english() for step in outcome.next_steps)


@pytest.mark.parametrize("name", ["core", "photon-0.5"])
def test_reading_the_id_later_joins_the_backup_to_it(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, IN_DFU)
    place.succeed(BackUpKey)
    place.clock.pause(5)
    if not place.bus.sightings():  # a Core of 2014 whose application has no serial port shows only when it listens
        place.person.hand.enter_listening()
    place.succeed(ReadIdentity)
    (backup,) = place.safe.backups()
    assert backup.device_id == place.board.device_id
    assert backup.file(".bin").read_bytes() == place.slot


def test_a_core_is_joined_even_after_a_restart_of_the_program(tmp_path: Path) -> None:
    desk("core", tmp_path, IN_DFU).succeed(BackUpKey)
    later = desk("core", tmp_path, LISTENING)
    later.succeed(ReadIdentity)
    (backup,) = later.safe.backups()
    assert backup.device_id == later.board.device_id


def test_a_constant_serial_joins_nothing_after_the_board_was_away_for_long(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    place.succeed(BackUpKey)
    place.bus.unplug(place.board)
    place.book.look(place.bus.sightings())
    place.clock.pause(60)
    place.bus.plug(place.board)
    place.clock.pause(5)
    place.succeed(ReadIdentity)
    (backup,) = place.safe.backups()
    assert backup.device_id is None


def test_a_constant_serial_joins_nothing_of_another_program_run(tmp_path: Path) -> None:
    desk("photon-0.5", tmp_path, IN_DFU).succeed(BackUpKey)
    later = desk("photon-0.5", tmp_path, LISTENING)
    later.succeed(ReadIdentity)
    (backup,) = later.safe.backups()
    assert backup.device_id is None


def test_a_core_of_another_id_does_not_get_the_backup(tmp_path: Path) -> None:
    desk("core", tmp_path, IN_DFU).succeed(BackUpKey)
    other = desk("core-0.5", tmp_path, LISTENING)
    other.succeed(ReadIdentity)
    (backup,) = other.safe.backups()
    assert backup.device_id is None


def test_the_id_in_the_configuration_memory_proves_an_old_photon(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)  # 1.4
    place.succeed(BackUpKey)
    (backup,) = place.safe.backups()
    assert (backup.device_id, backup.proof) == (place.board.device_id, "dct")


# --- stopping, failing, locking ---


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_stop_at_any_step_leaves_a_running_board_running(name: str, step: int, tmp_path: Path) -> None:
    place = desk(name, tmp_path)

    def stop_then(event: Event) -> None:
        place.person(event)
        if isinstance(event, StepStarted) and event.step == step:
            job.stop()

    job = place.job(post=stop_then)
    run_recipe(BackUpKey(), job)
    last = place.person.events[-1]
    place.clock.pause(10)
    if step == 5:
        assert isinstance(last, Succeeded)  # the last step cannot be stopped: the backup is complete
    else:
        assert last == Stopped(job.run, False)
    assert "yellow" not in place.board.light_pattern
    assert len(place.safe.backups()) == (1 if step >= 4 else 0)


def test_a_fault_after_entering_update_mode_leaves_the_board_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("photon", tmp_path)
    monkeypatch.setattr("app.work.reading.READ_ROUNDS", 0)
    assert place.fail(BackUpKey).code == "key.reads-differ"
    place.clock.pause(10)
    assert place.seen().mode is Mode.NORMAL


def test_a_fault_leaves_a_board_that_was_in_update_mode_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = desk("photon", tmp_path, IN_DFU)
    monkeypatch.setattr("app.work.reading.READ_ROUNDS", 0)
    place.fail(BackUpKey)
    place.clock.pause(10)
    assert place.seen().mode is Mode.DFU


def test_a_board_without_firmware_is_said_to_be_back_in_update_mode(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.board.internal[0x5000:0x5008] = b"\xff" * 8  # no application (3.1)
    outcome = place.succeed(BackUpKey)
    assert outcome.warnings == (LEFT_IN_DFU,)
    assert place.seen().mode is Mode.DFU


def test_a_board_that_goes_away_after_the_key_is_safe_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("photon", tmp_path)
    store = place.safe.store

    def store_then_pull(entry: object) -> object:
        backup = store(entry)  # type: ignore[arg-type]
        place.bus.unplug(place.board)
        return backup

    monkeypatch.setattr(place.safe, "store", store_then_pull)
    outcome = place.succeed(BackUpKey)
    assert outcome.warnings == (NOT_LEFT,)
    assert place.safe.backups()


def test_another_board_coming_back_gets_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    place = desk("core", tmp_path, LISTENING)
    job = place.job()
    place.board.mishap = Mishap(wrong_board=True)
    run_recipe(BackUpKey(), job)
    last = place.person.events[-1]
    assert isinstance(last, Failed)
    assert last.code == "board.another-one"
    assert place.safe.backups() == ()


def test_a_locked_safe_asks_for_its_passphrase_before_anything_is_asked_of_fingers(tmp_path: Path) -> None:
    place = desk("core", tmp_path, answers={"passphrase": "correct horse"})
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    place.succeed(BackUpKey)
    asked = [event.question.name for event in place.person.events if isinstance(event, Asked)]
    assert asked == ["passphrase", "enter-dfu"]
    (backup,) = place.safe.backups()
    assert backup.encrypted


def test_a_safe_that_takes_no_files_is_told_before_anything_is_asked_of_fingers(tmp_path: Path) -> None:
    place = desk("core", tmp_path)
    place.safe.root.write_bytes(b"a file where the folder should be")
    failed = place.fail(BackUpKey)
    assert failed.code.startswith("safe.")
    assert not [event for event in place.person.events if isinstance(event, Asked)]


def test_a_folder_of_somebody_else_is_told_before_anything_is_asked_of_fingers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = desk("core", tmp_path)
    monkeypatch.setattr("app.keys.safe.os.access", lambda *_: False)
    assert place.fail(BackUpKey).code == "safe.no-access"
    assert not [event for event in place.person.events if isinstance(event, Asked)]


def test_a_wrong_passphrase_three_times_is_a_fault(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, answers={"passphrase": "wrong"})
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    failed = place.fail(BackUpKey)
    assert sum(isinstance(event, Asked) for event in place.person.events) == 3
    assert failed.cause.english()


def test_no_private_byte_leaves_in_events_or_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = desk("core", tmp_path)
    with caplog.at_level(logging.DEBUG):
        place.succeed(BackUpKey)
    secret = place.slot[150:200]
    told = repr(place.person.events) + caplog.text
    for form in (secret.hex(), repr(secret)[2:-1], secret.hex().upper()):
        assert form[:24] not in told
    note = json.loads(place.safe.backups()[0].file(".json").read_text())
    assert secret.hex() not in json.dumps(note)


@pytest.mark.parametrize("transfer", range(1, 8))
def test_a_cable_pulled_before_update_mode_is_a_fault_and_no_reason_to_press_buttons(
    transfer: int, tmp_path: Path
) -> None:
    place = desk("photon", tmp_path, mishap=Mishap(gone_at=transfer))
    assert place.fail(BackUpKey).code in {"usb.board-gone", "board.did-not-return"}
    assert not any(isinstance(event, Asked) for event in place.person.events)
