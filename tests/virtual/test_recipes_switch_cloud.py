"""Switching clouds on virtual boards: the right bytes in place, the board's key untouched, and always a way back."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from support.cuts import Kind, cut
from support.desk import IN_DFU, RUNNING, Desk, desk
from support.ending_disk import Refusing, no_room
from support.every import part
from support.moments import asked, at_step, come_back, plans
from support.offline import LAN
from support.person import Person
from support.real_pack import real_pack
from support.spec_cloud import server_block, server_key, server_public

from app.engine.runner import run_recipe
from app.faults import Fault
from app.flow import to_put_back
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.recipes.put_back import PutBack
from app.recipes.save_board import SaveBoard
from app.recipes.switch_cloud import SwitchCloud
from app.undo.store import UndoStore
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, Stopped, Succeeded
from app.work.identity import IdentityBook
from app.work.key_work import device_slots
from app.work.questions import Card, ChooseCard, Confirm, Enter, PickFile

WRITE_STEP, START_STEP = 5, 7
HOST, OTHER_HOST = "192.168.7.30", "192.168.7.31"
BOARDS = ("core", "core-0.5", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1")
KINDS = (Kind.BEFORE, Kind.AMID, Kind.AFTER, Kind.KILLED)
PLACES = {True: slice(0x1000, 0x1800), False: slice(2082, 2594)}  # device-protocol.md 3.2, 3.5, 4.4
UDP_PLACE, TRANSPORT = slice(3298, 3618), 2977
DEVICE_ID = slice(3618, 3630)  # which firmware from 0.6 on writes whenever it starts


def is_core(place: Desk) -> bool:
    return place.board.spi_flash is not None


def cells(place: Desk) -> bytearray:
    return place.board.spi if is_core(place) else place.board.dct


def server(place: Desk) -> bytes:
    """The server slot, straight from the board's memory."""
    return bytes(cells(place)[PLACES[is_core(place)]])


def outside(place: Desk) -> bytes:
    """Everything in that memory beside it."""
    kept = bytearray(cells(place))
    kept[PLACES[is_core(place)]] = b""
    return bytes(kept)


def block(place: Desk, host: str = HOST, name: str = "ours", port: int = 0xFFFF) -> bytes:
    """A server block for that board, built by the tests' own reading of the specification."""
    made = server_block(host, port, name=name)
    return made.ljust(2048, b"\xff") if is_core(place) else made


def lay(name: str, folder: Path, *, host: str = OTHER_HOST, key: str = "other", **options: Any) -> Desk:  # noqa: ANN401
    """A board in update mode that is set to a server nobody knows."""
    place = desk(name, folder, IN_DFU, answers={"plan": True}, pack=real_pack(), **options)
    place.board.dct[DEVICE_ID] = bytes.fromhex(place.board.device_id)
    put(place, block(place, host, key))
    if is_core(place):  # what shares the sector must stay
        place.board.spi[0x1800:0x2000] = bytes(range(256)) * 8
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_key.pub.pem").write_bytes(
        server_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return place


def put(place: Desk, content: bytes) -> None:
    at = PLACES[is_core(place)].start
    cells(place)[at : at + len(content)] = content


def local(folder: Path, host: str = HOST) -> dict[str, object]:
    return {"cloud": "local", "server-key": str(folder / "default_key.pub.pem"), "host": host}


def switch(place: Desk, answers: Mapping[str, object]) -> Outcome:
    outcome = place.succeed(SwitchCloud, answers)
    place.hand_into_dfu()
    return outcome


def refused(place: Desk, answers: Mapping[str, object]) -> str:
    """Run it, see that it ends in a fault and that nothing was changed; return its code."""
    before = server(place), outside(place)
    fault = place.fail(SwitchCloud, answers)
    assert (server(place), outside(place)) == before
    assert place.undo.interrupted() == ()
    return fault.code


def facts(outcome: Outcome) -> dict[str, str]:
    return {fact.key: fact.value if isinstance(fact.value, str) else fact.value.english() for fact in outcome.facts}


def warned(outcome: Outcome) -> str:
    return " ".join(words.english() for words in outcome.warnings)


def cards(place: Desk) -> dict[str, Card]:
    """The cards the person was shown last."""
    shown = [event.question for event in place.person.events if isinstance(event, Asked)]
    return {card.key: card for each in shown if isinstance(each, ChooseCard) for card in each.cards}


def in_order(place: Desk, name: str, answers: list[object]) -> None:
    """Answer a question that is asked again with one answer after another."""
    given = iter(answers)

    class Patient(Person):
        def __call__(self, event: Event) -> None:
            if isinstance(event, Asked) and event.question.name == name:
                self.answers[name] = next(given)
            super().__call__(event)

    place.person = Patient(place.board, place.person.answers)


# --- to a cloud and back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_gets_the_key_and_the_address_of_a_local_cloud(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    beside = outside(place)
    outcome = switch(place, local(tmp_path))
    assert server(place) == block(place)
    assert outside(place) == beside
    told = facts(outcome)
    assert (told["server-host"], told["server-port"], told["cloud"]) == (HOST, "5683", HOST)
    assert OTHER_HOST in told["before"]
    assert outcome.next_recipes[0] == "switch-cloud"
    assert {"check-keys", "prove-handshake"} <= set(outcome.next_recipes)
    assert [(cloud.host, cloud.public_der) for cloud in place.clouds.clouds()] == [(HOST, server_public())]
    assert warned(outcome) == ""


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_gets_the_makers_block_byte_for_byte(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    beside = outside(place)
    outcome = switch(place, {"cloud": "particle"})
    assert server(place) == real_pack().read("rsa.pub-padded.der" if is_core(place) else "rsa.pub.der")
    assert outside(place) == beside
    assert facts(outcome)["server-host"] == "device.spark.io"
    assert "Particle" in outcome.summary.english()
    assert outcome.documents == ()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_the_server_before_comes_back_byte_for_byte_though_years_went_by(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path / "then")
    old = block(place, OTHER_HOST, "other")[:-3] + b"odd"  # bytes nobody looks at come back, too
    put(place, old)
    switch(place, {"cloud": "particle"})
    place = new_program(place, tmp_path / "now")
    outcome = switch(place, {"cloud": "before"})
    assert server(place) == old
    assert facts(outcome)["server-host"] == OTHER_HOST


def test_one_click_leads_back_and_forth(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    old = server(place)
    switch(place, local(tmp_path))
    for wanted in (old, block(place), old):
        switch(place, {"cloud": "before"})
        assert server(place) == wanted


def test_the_server_before_is_also_found_in_a_saved_board(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    old = server(place)
    place.succeed(SaveBoard)
    place.hand_into_dfu()
    put(place, real_pack().read("rsa.pub.der"))
    switch(place, {"cloud": "before"})
    assert server(place) == old


def test_without_anything_kept_there_is_no_way_back(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    assert refused(place, {"cloud": "before"}) == "cloud.none-before"
    place.person.answers["cloud"] = "particle"
    place.succeed(SwitchCloud)
    assert "before" not in cards(place)


def test_what_another_board_had_is_not_offered(tmp_path: Path) -> None:
    place = lay("photon", tmp_path / "one")
    switch(place, local(tmp_path / "one"))
    other = lay("photon", tmp_path / "two", device_id="53ff6f065067544840551999")
    other.undo, other.clouds = place.undo, place.clouds
    other.person.answers["cloud"] = "particle"
    other.succeed(SwitchCloud)
    assert "before" not in cards(other)
    assert len([key for key in cards(other) if key.startswith("cloud-")]) == 1


def test_what_was_kept_and_damaged_is_passed_over(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    switch(place, local(tmp_path))
    for file in (tmp_path / "boards").rglob("*.secret"):
        file.write_bytes(b"x")
    assert refused(place, {"cloud": "before"}) == "cloud.none-before"


def test_the_cloud_on_the_board_carries_a_mark(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    switch(place, {**local(tmp_path), "cloud-name": "Workshop"})
    place.person.answers["cloud"] = "particle"
    switch(place, {})
    marks = {
        card.title if isinstance(card.title, str) else card.title.english(): card.mark for card in cards(place).values()
    }
    assert [title for title, mark in marks.items() if mark is not None] == ["Workshop"]
    switch(place, {})
    assert cards(place)["particle"].mark is not None


def test_a_remembered_cloud_needs_no_file_and_no_address(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    switch(place, local(tmp_path))
    (tmp_path / "default_key.pub.pem").unlink()
    switch(place, {"cloud": "particle"})
    (cloud,) = place.clouds.clouds()
    place.person.events.clear()
    switch(place, {"cloud": f"cloud-{cloud.id}"})
    assert server(place) == block(place)
    assert asked(place) == ["plan"]


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    switch(place, local(tmp_path))
    wear = place.board.transfers
    outcome = place.succeed(SwitchCloud, local(tmp_path))
    assert "already" in outcome.summary.english()
    assert place.board.transfers > wear
    assert place.undo.interrupted() == ()
    assert len(plans(place)) == 1


@pytest.mark.parametrize("content", [b"\xff" * 512, bytes(512), b"\x30" * 512], ids=["blank", "zeros", "rubbish"])
def test_a_board_without_a_sound_server_gets_one(content: bytes, tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    put(place, content)
    switch(place, local(tmp_path))
    assert server(place) == block(place)


def test_the_boards_own_key_is_in_the_safe_before_anything_is_written(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    held: list[list[bytes]] = []
    at_step(place, WRITE_STEP, lambda: held.append([place.safe.key_bytes(each) for each in place.safe.backups()]))
    switch(place, local(tmp_path))
    assert held == [[place.slot]]


def test_the_server_gets_the_boards_public_key_as_a_document(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    (paper,) = switch(place, local(tmp_path)).documents
    assert paper.file_name == f"{place.board.device_id}.pub.pem"
    assert "BEGIN PUBLIC KEY" in paper.content
    assert "PRIVATE" not in paper.content


# --- Electron ---------------------------------------------------------------------------------------------------------


def electron(folder: Path) -> Desk:
    place = desk("electron", folder, IN_DFU, answers={"plan": True}, pack=real_pack())
    place.board.dct[DEVICE_ID] = bytes.fromhex(place.board.device_id)
    place.board.dct[UDP_PLACE] = real_pack().read("ec.pub.der")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_key.pub.pem").write_bytes(server_public())
    return place


def test_an_electron_reaches_a_local_cloud_over_tcp_and_particle_over_udp(tmp_path: Path) -> None:
    place = electron(tmp_path)
    makers = bytes(place.board.dct[UDP_PLACE])
    outcome = switch(place, local(tmp_path))
    dct = place.board.dct
    assert (dct[TRANSPORT], bytes(dct[PLACES[False]])) == (0, block(place))
    assert bytes(dct[UDP_PLACE]) == makers
    assert "RSA" in warned(outcome)
    dct[UDP_PLACE] = b"\xff" * 320
    switch(place, {"cloud": "particle"})
    assert (dct[TRANSPORT], bytes(dct[UDP_PLACE])) == (0xFF, makers)
    assert bytes(dct[PLACES[False]]) == block(place)


def test_an_electron_goes_back_to_the_connection_it_had(tmp_path: Path) -> None:
    place = electron(tmp_path)
    makers = bytes(place.board.dct[UDP_PLACE])
    switch(place, local(tmp_path))
    switch(place, {"cloud": "before"})
    assert (place.board.dct[TRANSPORT], bytes(place.board.dct[UDP_PLACE])) == (0xFF, makers)
    switch(place, {"cloud": "before"})
    assert (place.board.dct[TRANSPORT], bytes(place.board.dct[PLACES[False]])) == (0, block(place))


def test_an_electron_whose_keys_are_left_as_they_are_goes_on_using_the_same_of_its_two(tmp_path: Path) -> None:
    place = electron(tmp_path)
    switch(place, local(tmp_path))
    since = bytes(place.board.dct)
    (rescue,) = place.undo.rescues()
    outcome = place.succeed(PutBack, {"rescue": rescue.id, "plan": True, "with-keys": False})
    assert place.board.dct[TRANSPORT] == 0
    assert bytes(place.board.dct[PLACES[False]]) == since[PLACES[False]]
    assert "left as they are" in outcome.summary.english()
    place.hand_into_dfu()
    place.succeed(PutBack, {"rescue": rescue.id, "plan": True, "with-keys": True})
    assert place.board.dct[TRANSPORT] == 0xFF


def test_one_wrong_read_does_not_decide_how_an_electron_connects(tmp_path: Path) -> None:
    place = electron(tmp_path)
    job = place.job()
    before = place.board.transfers
    wanted = device_slots(job)
    for number in range(1, place.board.transfers - before + 1):
        place.board.mishap = Mishap(wrong_at=place.board.transfers + number)
        with contextlib.suppress(Fault):
            assert device_slots(job) == wanted, number


def test_one_wrong_read_does_not_pass_for_what_is_there_already(tmp_path: Path) -> None:
    for number in range(1, 16):
        place = electron(tmp_path / str(number))
        switch(place, local(tmp_path / str(number)))
        at_step(
            place,
            WRITE_STEP - 1,
            lambda: setattr(place.board, "mishap", Mishap(wrong_at=place.board.transfers + number)),  # noqa: B023
        )
        place.play(SwitchCloud, {"cloud": "before"})
        assert isinstance(place.person.events[-1], Failed) or place.board.dct[TRANSPORT] == 0xFF, number


def test_an_electron_without_a_key_for_tcp_is_told_that_it_makes_one(tmp_path: Path) -> None:
    place = electron(tmp_path)
    place.board.dct[34:646] = b"\xff" * 612
    outcome = switch(place, local(tmp_path))
    assert "makes one" in warned(outcome)
    assert outcome.documents == ()


@pytest.mark.parametrize("end", ["finish", "put-back"])
def test_an_electron_cut_between_server_and_transport_can_be_finished_and_put_back(end: str, tmp_path: Path) -> None:
    sweep("electron", end, tmp_path, electron, lambda place: bytes(place.board.dct), hands=30)


# --- what is wrong is said before anything is touched ---


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("fe80::1", "cloud.host-ipv6"),
        ("a" * 65 + ".org", "cloud.host-long"),
        ("http://cloud", "cloud.host-bad"),
        ("10.0.0.1:0", "cloud.port-bad"),
        (" ", "cloud.host-missing"),
        ("0.0.0.0", "cloud.host-no-server"),
    ],
)
def test_a_wrong_address_is_refused(host: str, code: str, tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    assert refused(place, local(tmp_path, host)) == code


def test_a_private_key_is_refused_and_stays_where_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = lay("photon", tmp_path)
    pem = server_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "default_key.pub.pem").write_bytes(pem)
    with caplog.at_level(logging.DEBUG):
        assert refused(place, local(tmp_path)) == "cloud.key-private"
    secret = pem.splitlines()[5].decode()
    assert secret not in caplog.text
    for file in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "default_key.pub.pem"):
        assert secret.encode() not in file.read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"nothing", b"x" * 70_000], ids=["gone", "empty", "text", "long"])
def test_a_file_that_is_no_key_is_refused(content: bytes | None, tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    file = tmp_path / "default_key.pub.pem"
    file.unlink() if content is None else file.write_bytes(content)
    codes = {"cloud.key-unreadable", "file.unreadable"}
    assert refused(place, local(tmp_path)) in codes


def test_a_person_is_told_what_is_wrong_and_asked_again(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    right = tmp_path / "default_key.pub.pem"
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(b"nothing")
    in_order(place, "server-key", [str(wrong), str(right)])
    place.person.answers.update({"cloud": "local", "cloud-name": "", "host": HOST})
    switch(place, {})
    picks = [event.question for event in place.person.events if isinstance(event, Asked)]
    bodies = [each.body.english() for each in picks if isinstance(each, PickFile)]
    assert len(bodies) == 2
    assert "no public key" in bodies[1]
    assert server(place) == block(place)


def test_who_has_no_file_at_hand_gets_back_to_the_clouds(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    put(place, block(place))
    answers = local(tmp_path)
    in_order(place, "server-key", ["", answers["server-key"]])
    place.person.answers.update({"cloud": "local", "cloud-name": "", "host": HOST})
    switch(place, {})
    assert asked(place).count("cloud") == 2


def test_a_core_whose_id_is_not_proven_is_told_why_it_gets_no_file_for_the_server(tmp_path: Path) -> None:
    named, nameless = lay("photon", tmp_path / "photon"), lay("core", tmp_path / "core")
    told = switch(named, local(tmp_path / "photon")), switch(nameless, local(tmp_path / "core"))
    said = [" ".join(step.english() for step in each.next_steps) for each in told]
    assert told[0].documents
    assert "save its public key" in said[0]
    assert not told[1].documents
    assert "Read the device ID" in said[1]


def test_a_mistyped_address_stays_in_the_line_to_be_mended(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    in_order(place, "host", ["192.168.7.300", HOST])
    place.person.answers.update(local(tmp_path) | {"cloud-name": ""})
    switch(place, {})
    lines = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Enter) and event.question.name == "host"
    ]
    assert [line.start for line in lines] == [OTHER_HOST, "192.168.7.300"]
    assert "neither a name" in lines[1].body.english()
    assert server(place) == block(place)


def test_the_line_offers_this_computer_where_the_board_had_no_server_of_its_own(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    put(place, real_pack().read("rsa.pub.der"))
    place.person.answers.update(local(tmp_path) | {"cloud-name": ""})
    switch(place, {})
    (line,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Enter) and event.question.name == "host"
    ]
    assert line.start == LAN


def test_picking_no_file_leaves_everything_as_it_is(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    before = server(place), outside(place)
    assert isinstance(place.play(SwitchCloud, {"cloud": "local", "server-key": ""}), Stopped)
    assert (server(place), outside(place)) == before


def test_without_the_makers_file_the_pack_is_named(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, IN_DFU, answers={"plan": True})
    assert SwitchCloud.needs_files(place.seen()) == ("rsa.pub.der",)
    assert place.fail(SwitchCloud, {"cloud": "particle"}).code == "pack.missing"


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    place.clouds = CloudBook(tmp_path / "clouds", actions=Refusing(0, no_room))
    assert refused(place, local(tmp_path)) == "safe.no-room"


# --- warnings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3:5683"])
def test_the_board_itself_is_no_server_unless_somebody_insists(host: str, tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    answers = local(tmp_path, host)
    assert isinstance(place.play(SwitchCloud, {**answers, "address-anyway": False}), Stopped)
    assert server(place) == block(place, OTHER_HOST, "other")
    place.person.answers["address-anyway"] = True
    outcome = switch(place, answers)
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Confirm)
    ]
    assert LAN in question.body.english()
    assert "the board itself" in warned(outcome)
    assert facts(outcome)["server-host"] == host.removesuffix(":5683")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        (LAN, "this computer"),
        ("workshop", "only computers at home know"),
        ("workshop.local", "only computers at home know"),
        ("192.168.7.30:8080", "talks to programs"),
    ],
)
def test_what_may_go_wrong_with_an_address_is_said_in_the_plan(host: str, words: str, tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    outcome = switch(place, local(tmp_path, host))
    assert words in warned(outcome)
    (plan,) = plans(place)
    assert words in " ".join(each.english() for each in plan.warnings)


def test_a_fine_address_gets_no_warning(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    assert warned(switch(place, local(tmp_path, "cloud.example.org"))) == ""


def test_new_firmware_takes_another_port_without_a_word(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    outcome = switch(place, local(tmp_path, f"{HOST}:5690"))
    assert server(place) == block(place, port=5690)
    assert (warned(outcome), facts(outcome)["server-port"]) == ("", "5690")
    assert "port-anyway" not in asked(place)


@pytest.mark.parametrize("name", ["core", "unknown"])
def test_another_port_for_old_or_unknown_firmware_has_to_be_insisted_on(name: str, tmp_path: Path) -> None:
    place = lay("core" if name == "core" else "photon", tmp_path)
    if name == "unknown":
        place.board.internal[0x20000:0x21000] = b"\x12" * 0x1000
    answers = local(tmp_path, f"{HOST}:5690")
    assert isinstance(place.play(SwitchCloud, {**answers, "port-anyway": False}), Stopped)
    assert server(place) == block(place, OTHER_HOST, "other")
    outcome = place.succeed(SwitchCloud, {**answers, "port-anyway": True})
    assert server(place) == block(place, port=5690)
    (plan,) = plans(place)
    assert "5690" in " ".join(each.english() for each in plan.warnings)
    assert "5690" in warned(outcome)


# --- cut and finish ---------------------------------------------------------------------------------------------------


def new_program(place: Desk, folder: Path) -> Desk:
    """The program starts once more: nothing is left but the board and what is on the disk."""
    shutil.copytree(place.undo.root.parent, folder)
    safe = KeySafe(folder / "safe", practice=True)
    undo, clouds = UndoStore(folder / "boards", safe=safe), CloudBook(folder / "clouds")
    anew = replace(place, safe=safe, undo=undo, clouds=clouds, book=IdentityBook(place.clock))
    anew.book.look(anew.bus.sightings())
    return anew


def test_a_stop_while_writing_comes_too_late_to_leave_a_server_that_nobody_read_back(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    for step, host in ((WRITE_STEP, HOST), (WRITE_STEP + 1, OTHER_HOST)):
        job = place.job(local(tmp_path, host))
        at_step(place, step, job.stop)
        run_recipe(SwitchCloud(), job)
        assert isinstance(place.person.events[-1], Succeeded)
        assert server(place) == block(place, host)
        assert place.undo.interrupted() == ()
        place.hand_into_dfu()


def sweep(
    name: str, end: str, tmp_path: Path, laid: Callable[[Path], Desk], memory: Callable[[Desk], bytes], hands: int = 30
) -> None:
    """Cut the writing at transfers dealt out, start anew, finish it or put it back; nothing beside the server moves."""
    place = laid(tmp_path / "whole")
    start = place.board.transfers
    moments: list[int] = []
    for step in (WRITE_STEP, WRITE_STEP + 1):
        at_step(place, step, lambda: moments.append(place.board.transfers - start))
    before = memory(place)
    switch(place, local(tmp_path / "whole"))
    after = memory(place)
    cuts = [(kind, number) for kind in KINDS for number in range(moments[0] + 1, moments[1] + 1)]
    for kind, number in part(cuts, hands, f"switch {name}{end}"):
        folder = tmp_path / f"{kind.value}-{number}"
        place = laid(folder)
        last = cut(place, SwitchCloud, kind, number, local(folder))
        assert not isinstance(last, Failed) or last.code != "bug"
        (folder / "default_key.pub.pem").unlink()  # the journal names the cloud that is remembered
        come_back(place)
        place = new_program(place, folder.with_name(f"{folder.name}-anew"))
        (rescue,) = place.undo.interrupted()
        done: list[bytes] = []
        at_step(place, START_STEP, lambda: done.append(memory(place)))  # noqa: B023 - called at once
        if end == "finish":
            place.person.events.clear()
            switch(place, {**rescue.answers, "resume": rescue.id})
            assert asked(place) == ["plan"], (kind, number)
        else:
            recipe, given = to_put_back(rescue)
            assert recipe == PutBack.key
            place.person.answers["device-id"] = place.board.device_id
            place.succeed(PutBack, {**dict(given), "with-keys": True})
        assert done == [after if end == "finish" else before], (kind, number)
        assert place.undo.interrupted() == ()


@pytest.mark.parametrize("end", ["finish", "put-back"])
@pytest.mark.parametrize("name", ["core", "photon", "photon-0.5"])
def test_a_cut_while_writing_can_be_finished_and_put_back(name: str, end: str, tmp_path: Path) -> None:
    sweep(name, end, tmp_path, lambda folder: lay(name, folder), lambda place: bytes(cells(place)))


@pytest.mark.parametrize("name", ["core", "photon"])
def test_running_it_again_instead_of_finishing_it_leaves_nothing_to_finish(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    beside = outside(place)
    at_step(place, WRITE_STEP + 1, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 2)))
    place.fail(SwitchCloud, local(tmp_path))  # everything is written by then
    assert place.undo.interrupted()
    come_back(place)
    switch(place, local(tmp_path))
    assert place.undo.interrupted() == ()
    assert (server(place), outside(place)) == (block(place), beside)


def test_the_way_back_that_was_cut_means_the_same_server_when_it_is_finished(tmp_path: Path) -> None:
    place = lay("core", tmp_path / "one")
    old = server(place)
    switch(place, local(tmp_path / "one"))
    moments: list[int] = []
    start = place.board.transfers
    at_step(place, WRITE_STEP, lambda: moments.append(place.board.transfers - start))
    trial = new_program(place, tmp_path / "trial")
    switch(trial, {"cloud": "before"})
    assert server(trial) == old
    put(place, block(place))
    cut(place, SwitchCloud, Kind.AMID, moments[0] + 4, {"cloud": "before"})
    come_back(place)
    place = new_program(place, tmp_path / "two")
    (rescue,) = place.undo.interrupted()
    assert set(rescue.answers) == {"cloud", "kept-server"}
    switch(place, {**rescue.answers, "resume": rescue.id})
    assert server(place) == old


def test_a_journal_holds_no_secret_and_names_the_cloud(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    switch(place, local(tmp_path))
    (file,) = (tmp_path / "boards").rglob("*.jsonl")
    begun = json.loads(file.read_text().splitlines()[0])
    (cloud,) = place.clouds.clouds()
    assert begun["answers"] == {"cloud": f"cloud-{cloud.id}"}
    assert place.slot.hex()[:64] not in file.read_text()


def test_a_board_that_runs_is_brought_into_update_mode_and_back(tmp_path: Path) -> None:
    place = desk("photon", tmp_path, RUNNING, answers={"plan": True}, pack=real_pack())
    outcome = place.succeed(SwitchCloud, {"cloud": "particle"})
    assert server(place) == real_pack().read("rsa.pub.der")
    assert facts(outcome)["device-id"] == place.board.device_id
    assert outcome.warnings == ()


@pytest.mark.parametrize("mishap", [Mishap("fails", fails_at=1), Mishap("lost", lost_at=1)], ids=lambda each: each.name)
def test_a_write_that_did_nothing_is_noticed(mishap: Mishap, tmp_path: Path) -> None:
    place = lay("photon", tmp_path, mishap=mishap)
    last = place.play(SwitchCloud, local(tmp_path))
    if isinstance(last, Failed):
        assert last.code != "bug"
        assert place.undo.interrupted()
    else:
        assert server(place) == block(place)
