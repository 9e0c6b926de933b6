"""Reading the device ID: each way section 1.4 allows, and the way out where it allows none."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk

from app.platforms.model import Mode
from app.recipes.read_identity import ReadIdentity
from app.virtual.mishaps import Mishap
from app.work.board import Proof
from app.work.events import Asked, Note, Outcome
from app.work.questions import DoThis

ALL = ["core", "core-0.5", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"]


def facts(outcome: Outcome) -> dict[str, str]:
    return {fact.key: fact.value if isinstance(fact.value, str) else fact.value.english() for fact in outcome.facts}


def asked(place: Desk) -> list[str]:
    return [event.question.name for event in place.person.events if isinstance(event, Asked)]


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize("name", ALL)
def test_the_id_is_the_boards_own(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode, answers={"how": "press"})
    before = place.memories()
    outcome = place.succeed(ReadIdentity)
    assert facts(outcome)["device-id"] == place.board.device_id
    identity = place.seen().identity
    assert identity is not None
    assert identity.device_id == place.board.device_id
    assert place.memories() == before


def test_the_id_can_be_copied_and_shown_as_qr(tmp_path: Path) -> None:
    fact = desk("photon", tmp_path).succeed(ReadIdentity).facts[0]
    assert (fact.key, fact.copy, fact.qr) == ("device-id", True, True)


@pytest.mark.parametrize("mode", [RUNNING, IN_DFU])
@pytest.mark.parametrize("name", ["photon", "photon-0.6", "photon-0.7", "p1", "electron"])
def test_a_telling_serial_needs_no_question_and_no_restart(name: str, mode: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path, mode)
    address = place.seen().sighting.address
    place.succeed(ReadIdentity)
    assert asked(place) == []
    assert place.seen().sighting.address == address


@pytest.mark.parametrize("name", ["core-0.5", "photon-0.5"])
def test_firmware_from_0_5_listens_without_a_finger(name: str, tmp_path: Path) -> None:
    place = desk(name, tmp_path)
    outcome = place.succeed(ReadIdentity)
    assert asked(place) == []
    assert place.seen().mode is Mode.LISTENING
    assert outcome.next_steps  # it has to be told how the board runs on


def test_a_core_of_2014_is_coached_into_listening(tmp_path: Path) -> None:
    place = desk("core", tmp_path)
    place.succeed(ReadIdentity)
    assert asked(place) == ["enter-listening"]


def test_a_core_in_update_mode_is_told_why_not_and_what_to_press(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"how": "press"})
    outcome = place.succeed(ReadIdentity)
    assert asked(place) == ["how", "enter-listening"]
    assert any(isinstance(event, Note) and "checksum" in event.words.source for event in place.person.events)
    coach = next(
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, DoThis)
    )
    assert "RESET" in coach.body.english()
    assert "MODE" in coach.body.english()
    assert facts(outcome)["device-id"] == place.board.device_id


def test_a_core_in_update_mode_accepts_a_typed_id_whose_hash_agrees(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU, answers={"how": "type", "device-id": "53ff6f065067544840551187"})
    place.succeed(ReadIdentity)
    identity = place.seen().identity
    assert identity is not None
    assert identity.proof is Proof.TYPED
    assert place.seen().mode is Mode.DFU


def test_a_typed_id_given_beforehand_asks_nothing(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    place.succeed(ReadIdentity, {"device-id": "53FF6F065067544840551187"})
    assert asked(place) == []


def test_a_typed_id_of_another_board_is_refused(tmp_path: Path) -> None:
    place = desk("core", tmp_path, IN_DFU)
    assert place.fail(ReadIdentity, {"device-id": "48ff6c065067555026311387"}).code == "identity.mismatch"
    assert place.seen().identity is None


def test_the_id_in_the_configuration_memory_is_used_where_the_serial_says_nothing(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)  # device-protocol.md 1.4
    place.succeed(ReadIdentity)
    identity = place.seen().identity
    assert identity is not None
    assert identity.proof is Proof.DCT
    assert place.seen().mode is Mode.DFU


def test_an_old_photon_in_update_mode_without_a_stored_id_is_restarted_and_asked(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU)
    place.board.dct[3618:3630] = b"\xff" * 12
    place.succeed(ReadIdentity)
    identity = place.seen().identity
    assert identity is not None
    assert identity.proof is Proof.CONSOLE
    assert asked(place) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("core", {"device-id", "proof"}),
        ("core-0.5", {"device-id", "proof", "mac", "system-version", "modules"}),
        ("core-0.7", {"device-id", "proof", "mac", "system-version", "modules", "claimed"}),
        ("photon", {"device-id", "proof", "mac", "system-version", "modules", "claimed"}),
        ("photon-0.5", {"device-id", "proof", "mac", "system-version", "modules"}),
    ],
)
def test_a_listening_board_tells_what_its_firmware_can_tell(name: str, wanted: set[str], tmp_path: Path) -> None:
    assert set(facts(desk(name, tmp_path, LISTENING).succeed(ReadIdentity))) == wanted


def test_modules_are_listed_in_words(tmp_path: Path) -> None:
    told = facts(desk("photon", tmp_path, LISTENING).succeed(ReadIdentity))
    assert told["modules"].startswith("boot loader: 1006, system part 1: 2302, system part 2: 2302")
    assert told["system-version"] == "2.3.1"


def test_a_running_board_tells_its_version_over_usb(tmp_path: Path) -> None:
    told = facts(desk("photon", tmp_path).succeed(ReadIdentity))
    assert told["system-version"] == "2.3.1"
    assert "modules" in told


def test_a_board_with_a_console_that_lies_about_its_id_is_refused(tmp_path: Path) -> None:
    place = desk("core", tmp_path, LISTENING)
    place.board.plate = place.board.plate.__class__("48ff6c065067555026311387", place.board.plate.mac)
    console = place.board._firmware._console
    assert console is not None
    console._plate = place.board.plate
    assert place.fail(ReadIdentity).code == "identity.mismatch"


def test_an_electron_that_listens_tells_about_its_modem(tmp_path: Path) -> None:
    told = facts(desk("electron", tmp_path, LISTENING).succeed(ReadIdentity))
    assert told["imei"] == "353162070012345"
    assert told["iccid"] == "8934076500002345678"


def test_a_console_that_falls_silent_before_it_told_the_id_is_a_fault_that_says_which_button(tmp_path: Path) -> None:
    place = desk("core", tmp_path, LISTENING, mishap=Mishap(silent_from=40))
    fault = place.fail(ReadIdentity)
    assert fault.code == "console.not-listening"
    assert "MODE" in fault.next_step.english()
