"""A new key: the old one and the new one are kept before anything is written, and the cloud's part is said."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key
from support.cuts import Killed
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.device_keys import SHORT_P, SHORT_Q, as_openssl
from support.moments import asked, at_step, plans
from support.moments import come_back as plug_in_again
from support.secret_bytes import told as spelled
from support.spec_cloud import server_block

from app.engine.runner import run_recipe
from app.faults import WrongBoardReturned
from app.flow import to_finish, to_put_back
from app.keys.device_key import KeyReport, KeyState, examine, public_der
from app.keys.new_key import NewKey, generate
from app.keys.safe import Backup, KeySafe
from app.platforms.model import Algorithm
from app.recipes import change_key
from app.recipes import change_key_words as words
from app.recipes.back_up_key import BackUpKey
from app.recipes.change_key import ChangeKey
from app.recipes.check_keys import CheckKeys
from app.recipes.put_back import PutBack
from app.undo.rescue import InterruptedRescue
from app.undo.store import UndoStore
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Note, Outcome, StepDone, Stopped, Succeeded
from app.work.identity import IdentityBook
from app.work.questions import ChooseCard

RSA_SLOT, EC_SLOT = slice(34, 646), slice(3106, 3298)  # device-protocol.md 3.5
RSA_HALF, EC_HALF = slice(1250, 1412), slice(2978, 3069)
CORE_SECTOR = slice(0x2000, 0x3000)  # 3.2
TRANSPORT = 2977
READ, DECIDE, AGREE, WRITE, LET_MAKE, CHECK, START = 2, 3, 4, 5, 6, 7, 8
HERE = {"way": "here", "plan": True}
BOARD = {"way": "board", "plan": True}
ALL = ["core", "core-0.5", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"]
MAKES_OWN = ["photon", "photon-0.5", "p1", "electron"]


@cache
def made(algorithm: Algorithm) -> NewKey:
    return generate(algorithm)


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """One key of each kind for all tests; that every run makes another is tested where it is made."""
    monkeypatch.setattr(change_key, "generate", made)


def udp(board: VirtualBoard) -> bool:
    return board.personality.kind.key == "electron" and board.dct[TRANSPORT] != 0


def key_in(place: Desk) -> bytes:
    """The key slot that the board's cloud connection uses."""
    return bytes(place.board.dct[EC_SLOT]) if udp(place.board) else place.slot


def half_in(place: Desk) -> bytes:
    return bytes(place.board.dct[EC_HALF if udp(place.board) else RSA_HALF])


def kind_of(place: Desk) -> Algorithm:
    return Algorithm.EC_P256 if udp(place.board) else Algorithm.RSA_1024


def laid(name: str, folder: Path, mode: str = IN_DFU, **options: object) -> Desk:
    """A desk with a board of that name; on a Core the ID that the person types is right."""
    place = desk(name, folder, mode, **options)  # type: ignore[arg-type]
    place.person.answers["device-id"] = place.board.device_id
    if name == "photon-0.5":  # its ID is in its settings only once firmware from 0.6 on has run (1.4)
        place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)
    return place


def facts(outcome: Outcome) -> dict[str, str]:
    said = {fact.key: fact.value for fact in outcome.facts}
    return {key: value if isinstance(value, str) else value.english() for key, value in said.items()}


def kept(place: Desk) -> dict[str, Backup]:
    """What is in the key safe, by fingerprint."""
    return {backup.fingerprint: backup for backup in place.safe.backups()}


def on_board(place: Desk) -> KeyReport:
    """What the key slot holds now."""
    return examine(key_in(place), kind_of(place))


def come_back(place: Desk, for_s: float = 0.0) -> None:
    """After a pulled cable; the board runs for a while before it is brought into update mode."""
    if for_s:
        place.board.mishap = Mishap.NONE
        place.bus.unplug(place.board)
        place.clock.pause(2.0)
        place.bus.plug(place.board, "1-1")
        place.clock.pause(for_s)
    plug_in_again(place)


def newest(place: Desk) -> InterruptedRescue:
    (rescue,) = place.undo.interrupted()
    return rescue


def finish(place: Desk) -> Event:
    recipe, answers = to_finish(newest(place))
    assert recipe == ChangeKey.key
    return place.play(ChangeKey, {**dict(answers), "plan": True})


# --- a key made here ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, IN_DFU) for name in ALL), ("core", LISTENING), ("photon", RUNNING), ("electron", RUNNING)],
)
def test_a_key_made_here_is_on_the_board_and_both_keys_are_in_the_safe(name: str, mode: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, mode, answers=HERE)
    before, old = place.memories(), key_in(place)
    outcome = place.succeed(ChangeKey)
    new = made(kind_of(place))
    assert key_in(place) == new.slot_der.ljust(len(old), b"\xff")
    old_report = examine(old, kind_of(place))
    assert {old_report.fingerprint, new.report.fingerprint} <= kept(place).keys()
    assert place.safe.key_bytes(kept(place)[old_report.fingerprint]) == old
    assert place.safe.key_bytes(kept(place)[new.report.fingerprint]) == key_in(place)
    assert facts(outcome)["fingerprint"] == new.report.readable_fingerprint
    assert facts(outcome)["old-fingerprint"] == old_report.readable_fingerprint
    assert outcome.unfinished
    assert not place.undo.interrupted()
    after = place.memories()
    assert before[0] == after[0]


def test_the_rest_of_a_cores_sector_stays_and_nothing_else_changes(tmp_path: Path) -> None:
    place = laid("core", tmp_path, answers=HERE)
    place.board.spi[0x2400:0x3000] = bytes(range(256)) * 12
    before = bytes(place.board.spi)
    place.succeed(ChangeKey)
    after = bytes(place.board.spi)
    new = made(Algorithm.RSA_1024).slot_der
    assert after[0x2000:0x2400] == new.ljust(0x400, b"\xff")  # the segment of 4.4
    assert (after[:0x2000], after[0x2400:]) == (before[:0x2000], before[0x2400:])


@pytest.mark.parametrize("name", MAKES_OWN)
def test_the_public_half_stands_beside_the_new_key(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers=HERE)
    place.succeed(ChangeKey)
    assert half_in(place) == public_der(made(kind_of(place)).report)


def test_an_electron_over_tcp_gets_an_rsa_key_and_its_other_key_stays(tmp_path: Path) -> None:
    place = laid("electron", tmp_path, answers=HERE)
    place.board.dct[TRANSPORT] = 0
    other = bytes(place.board.dct[EC_SLOT])
    outcome = place.succeed(ChangeKey)
    assert place.slot.startswith(made(Algorithm.RSA_1024).slot_der)
    assert bytes(place.board.dct[EC_SLOT]) == other
    assert "core_keys/" in outcome.documents[0].body.english()


def test_a_local_cloud_is_not_offered_a_key_of_a_kind_it_does_not_know(tmp_path: Path) -> None:
    (paper,) = laid("electron", tmp_path, answers=HERE).succeed(ChangeKey).documents
    assert "core_keys" not in paper.body.english()


@pytest.mark.parametrize("name", ["core", "electron"])
def test_what_the_cloud_has_to_be_told_can_be_handed_over_and_is_the_new_keys_public_half(
    name: str, tmp_path: Path
) -> None:
    place = laid(name, tmp_path, answers=HERE)
    (paper,) = place.succeed(ChangeKey).documents
    assert paper.key == "public-key"
    assert paper.file_name == f"{place.board.device_id}.pub.pem"
    assert public_der(paper.content.encode()) == public_der(made(kind_of(place)).report)
    private = load_der_private_key(key_in(place)[: len(made(kind_of(place)).slot_der)], None)
    assert private is not None
    assert place.board.device_id in paper.body.english()


@pytest.mark.parametrize("state", ["blank", "corrupt", "unusable"])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_board_without_a_good_key_gets_one_and_what_was_there_is_kept(name: str, state: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers=HERE, key=state, profiles=False)  # or a Photon would make itself a key
    old = place.slot
    outcome = place.succeed(ChangeKey)
    assert place.slot.startswith(made(Algorithm.RSA_1024).slot_der)
    backups = [place.safe.key_bytes(backup) for backup in place.safe.backups()]
    assert len(backups) == (1 if state == "blank" else 2)
    assert state == "blank" or old in backups
    assert facts(outcome)["old-fingerprint"] != facts(outcome)["fingerprint"]


def test_a_board_whose_id_nobody_knows_gets_no_key(tmp_path: Path) -> None:
    place = desk("photon-0.5", tmp_path, IN_DFU, answers=HERE)
    place.board.dct[3618:3630] = b"\xff" * 12
    before = place.memories()
    assert place.fail(ChangeKey).code == "identity.unproven"
    assert place.memories() == before
    assert not place.safe.backups()


def test_a_wrong_device_id_typed_for_a_core_is_refused(tmp_path: Path) -> None:
    place = laid("core", tmp_path, answers=HERE)
    before = place.memories()
    failed = place.fail(ChangeKey, {"device-id": "0" * 24})
    assert failed.code == "identity.mismatch"
    assert place.memories() == before


def test_every_key_made_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_key, "generate", generate)
    place = laid("electron", tmp_path, answers=HERE)
    first = place.succeed(ChangeKey)
    place.hand_into_dfu()
    second = place.succeed(ChangeKey)
    assert facts(second)["old-fingerprint"] == facts(first)["fingerprint"]
    assert facts(second)["fingerprint"] != facts(first)["fingerprint"]
    assert len(place.safe.backups()) == 3


# --- deciding -------------------------------------------------------------------------------------------------------


def cards_of(place: Desk) -> dict[str, str]:
    question = next(
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, ChooseCard)
    )
    return {
        card.key: f"{card.title}" if isinstance(card.title, str) else card.title.english() for card in question.cards
    }


def test_a_core_is_never_asked_to_make_its_own_key(tmp_path: Path) -> None:
    place = laid("core", tmp_path, answers=HERE)
    place.succeed(ChangeKey)
    assert list(cards_of(place)) == ["here", "check"]
    again = laid("photon", tmp_path / "photon", answers=HERE)
    again.succeed(ChangeKey)
    assert list(cards_of(again)) == ["here", "board", "check"]


@pytest.mark.parametrize("way", ["restore", "check"])
@pytest.mark.parametrize("mode", [RUNNING, IN_DFU])
def test_what_is_better_is_offered_and_then_nothing_is_changed(way: str, mode: str, tmp_path: Path) -> None:
    place = laid("photon", tmp_path, mode, answers={"way": way})
    place.succeed(BackUpKey)
    place.board.dct[34:646] = b"\xff" * 612  # the key is lost since
    if mode == IN_DFU:
        place.hand_into_dfu()
    before = place.memories()
    outcome = place.succeed(ChangeKey)
    assert list(cards_of(place)) == ["here", "board", "restore", "check"]
    assert outcome.next_recipes == ({"restore": "restore-key", "check": "check-keys"}[way],)
    assert outcome.unfinished
    assert place.memories() == before
    assert not place.undo.rescues()
    place.clock.pause(5.0)
    assert place.seen().mode.value == ("dfu" if mode == IN_DFU else "normal")


def test_a_key_that_was_made_and_never_written_is_not_said_to_be_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid("core", tmp_path, answers=HERE)
    own = on_board(place).fingerprint
    with monkeypatch.context() as cut:
        cut.setattr(UndoStore, "begin", lambda *_: (_ for _ in ()).throw(Killed))
        with contextlib.suppress(Killed):
            run_recipe(ChangeKey(), place.job())
    assert on_board(place).fingerprint == own
    assert len(kept(place)) == 2
    place.person.events.clear()
    place.person.answers = {"device-id": place.board.device_id, "way": "check", "light": "orange"}
    place.succeed(ChangeKey)
    assert "restore" not in cards_of(place)
    place.hand_into_dfu()
    block = server_block("192.168.7.30", 0xFFFF, name="ours")
    place.board.spi[0x1000 : 0x1000 + len(block)] = block
    assert "restore-key" not in place.succeed(CheckKeys).next_recipes


def test_a_key_that_only_stands_in_a_form_the_board_cannot_read_is_better_restored(tmp_path: Path) -> None:
    place = laid("core", tmp_path, answers=HERE)
    short = as_openssl(SHORT_P, SHORT_Q)
    place.board.spi[0x2000:0x2264] = short.ljust(612, b"\xff")
    place.succeed(ChangeKey)
    assert cards_of(place)["restore"] == "Write the same key so that the board can read it"


@pytest.mark.parametrize(
    ("board", "name"), [("core", "device-id"), ("core", "way"), ("core", "plan"), ("photon", "way"), ("photon", "plan")]
)
def test_stopping_at_a_question_leaves_the_board_as_it_was(board: str, name: str, tmp_path: Path) -> None:
    place = laid(board, tmp_path, RUNNING, answers=HERE)
    before = place.memories()
    place.person.answers.pop(name)
    job = place.job()

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, Asked) and event.question.name == name:
            job.stop()

    job.post = post  # type: ignore[method-assign]
    run_recipe(ChangeKey(), job)
    last = place.person.events[-1]
    assert isinstance(last, Stopped)
    assert not last.changed
    assert place.memories() == before
    assert not place.undo.interrupted()
    assert [backup.origin.value for backup in place.safe.backups()] == ([] if name == "device-id" else ["board"])


def test_a_plan_that_is_not_agreed_to_puts_no_new_key_into_the_safe(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers={"way": "here", "plan": False})
    before = place.memories()
    assert isinstance(place.play(ChangeKey), Stopped)
    assert place.memories() == before
    assert [backup.origin.value for backup in place.safe.backups()] == ["board"]


@pytest.mark.parametrize("way", ["here", "board"])
def test_nothing_is_written_once_the_old_key_is_gone_from_the_safe(way: str, tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers={"way": way, "plan": True})
    before = place.memories()

    def post(event: Event) -> None:
        if isinstance(event, Asked) and event.question.name == "plan":
            shutil.rmtree(place.safe.root)
        place.person(event)

    run_recipe(ChangeKey(), place.job(post=post))
    assert isinstance(place.person.events[-1], Failed)
    assert place.memories() == before
    assert not place.undo.interrupted()


def test_the_plan_says_that_the_board_does_not_connect_until_its_cloud_knows(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    place.succeed(ChangeKey)
    (plan,) = plans(place)
    assert words.WARN_CLOUD in plan.warnings
    assert [write.region for write in plan.writes] == ["dct", "dct"]


# --- the disk -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["safe", "undo"])
def test_a_full_disk_stops_before_anything_is_written(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    before = place.memories()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if which == "safe":
        at_step(place, AGREE, lambda: monkeypatch.setattr(place.safe._actions, "create", full))
    else:
        at_step(place, AGREE, lambda: monkeypatch.setattr(place.undo._actions, "create", full))
    failed = place.fail(ChangeKey)
    assert failed.code.endswith("no-room")
    assert place.memories() == before
    assert not place.undo.interrupted()


# --- cut off --------------------------------------------------------------------------------------------------------

CUTS: list[Callable[[int], Mishap]] = [
    lambda at: Mishap(gone_at=at),
    lambda at: Mishap(gone_amid=at),
    lambda at: Mishap(gone_after=at),
]


def cut_while_writing(place: Desk, how: Callable[[int], Mishap], transfers: int) -> Event:
    at_step(place, WRITE, lambda: setattr(place.board, "mishap", how(place.board.transfers + transfers)))
    last = place.play(ChangeKey)
    place.board.mishap = Mishap.NONE
    return last


def other_key(_algorithm: Algorithm) -> NewKey:
    raise AssertionError("another key was made")


@pytest.mark.parametrize(
    ("name", "transfers", "how"),
    [
        (name, transfers, CUTS[(row + column) % len(CUTS)])
        for row, name in enumerate(("core", "photon", "electron"))
        for column, transfers in enumerate((4, 9, 12, 14, 18))
    ],
)
def test_a_change_cut_off_is_finished_with_the_very_same_key(
    name: str, transfers: int, how: Callable[[int], Mishap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid(name, tmp_path, answers=HERE)
    old = key_in(place)
    assert isinstance(cut_while_writing(place, how, transfers), Failed)
    new = made(kind_of(place))
    assert {examine(old, kind_of(place)).fingerprint, new.report.fingerprint} <= kept(place).keys()
    come_back(place)
    monkeypatch.setattr(change_key, "generate", other_key)
    last = finish(place)
    assert isinstance(last, Succeeded)
    assert key_in(place) == new.slot_der.ljust(len(old), b"\xff")
    assert facts(last.outcome)["old-fingerprint"] == examine(old, kind_of(place)).readable_fingerprint
    assert len(place.safe.backups()) == 2
    assert not place.undo.interrupted()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_what_was_there_before_can_be_put_back_after_a_cut(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers={**HERE, "with-keys": True})
    old = place.slot
    assert isinstance(cut_while_writing(place, lambda at: Mishap(gone_amid=at), 12), Failed)
    come_back(place)
    _, answers = to_put_back(newest(place))
    place.succeed(PutBack, {**dict(answers), "plan": True, "with-keys": True})
    assert place.slot == old
    assert not place.undo.interrupted()


def test_a_cut_off_change_that_is_put_back_without_keys_is_not_undone_and_says_so(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=BOARD)
    at_step(place, LET_MAKE, lambda: place.bus.unplug(place.board))
    place.play(ChangeKey)
    plug_in_again(place)
    recipe, answers = to_put_back(newest(place))
    assert recipe == PutBack.key
    outcome = place.succeed(PutBack, {**dict(answers), "plan": True, "with-keys": False})
    assert "Nothing was put back" in outcome.summary.english()
    assert any("still offered" in words.english() for words in outcome.warnings)
    assert newest(place).recipe == ChangeKey.key


def test_beginning_anew_after_a_cut_takes_the_key_that_was_made_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid("core", tmp_path, answers=HERE)
    cut_while_writing(place, lambda at: Mishap(gone_amid=at), 12)
    come_back(place)
    monkeypatch.setattr(change_key, "generate", other_key)
    outcome = place.succeed(ChangeKey)
    assert facts(outcome)["fingerprint"] == made(Algorithm.RSA_1024).report.readable_fingerprint
    assert not place.undo.interrupted()


def left_whole(place: Desk) -> bytes:
    """Cut a change off when its new key is on the board, whole; return that key."""
    at_step(place, START, lambda: place.bus.unplug(place.board))
    place.play(ChangeKey)
    come_back(place)
    assert on_board(place).fingerprint == made(kind_of(place)).report.fingerprint
    assert newest(place).recipe == ChangeKey.key
    return key_in(place)


@pytest.mark.parametrize("breaks", [False, True])
@pytest.mark.parametrize("name", ["core", "photon"])
def test_beginning_anew_where_the_new_key_had_reached_the_board_makes_another_one(
    name: str, breaks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid(name, tmp_path, answers=HERE)
    second = left_whole(place)
    if breaks:
        cells, at = (place.board.dct, 34) if place.board.spi_flash is None else (place.board.spi, 0x2000)
        cells[at + 100 : at + 200] = bytes(range(100))
    monkeypatch.setattr(change_key, "generate", generate)
    outcome = place.succeed(ChangeKey)
    third = on_board(place)
    assert third.state is KeyState.GOOD
    assert third.fingerprint not in (made(kind_of(place)).report.fingerprint, "")
    assert facts(outcome)["fingerprint"] == third.readable_fingerprint
    assert facts(outcome)["old-fingerprint"] == examine(second, kind_of(place)).readable_fingerprint
    assert words.NEW_IS_OLD in [event.words for event in place.person.events if isinstance(event, Note)]
    assert not place.undo.interrupted()


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_key_that_broke_after_the_cut_is_kept_too_and_the_old_one_stays_the_old_one(
    name: str, tmp_path: Path
) -> None:
    place = laid(name, tmp_path, answers=HERE)
    old = key_in(place)
    left_whole(place)
    cells, at = (place.board.dct, 34) if place.board.spi_flash is None else (place.board.spi, 0x2000)
    cells[at + 100 : at + 200] = bytes(range(100))
    broken = key_in(place)
    place.person.events.clear()
    last = finish(place)
    assert isinstance(last, Succeeded)
    held = {place.safe.key_bytes(backup): backup for backup in place.safe.backups()}
    assert {old, broken} <= held.keys()
    assert {str(path) for path in held[broken].files} <= set(last.outcome.kept)
    assert words.DAMAGE_KEPT in [event.note for event in place.person.events if isinstance(event, StepDone)]
    assert facts(last.outcome)["old-fingerprint"] == examine(old, kind_of(place)).readable_fingerprint


def test_an_old_key_that_is_gone_from_the_safe_is_not_said_to_be_there(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    old = on_board(place).fingerprint
    left_whole(place)
    for path in kept(place)[old].files:
        path.unlink()
    assert old not in kept(place)
    place.person.events.clear()
    assert isinstance(finish(place), Succeeded)
    notes = [event.note for event in place.person.events if isinstance(event, StepDone)]
    assert words.NEW_IS_THERE in notes
    assert words.OLD_KEPT_BEFORE not in notes


def test_a_new_key_that_is_gone_from_the_safe_is_made_again_when_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    cut_while_writing(place, lambda at: Mishap(gone_at=at), 4)
    for path in kept(place)[made(Algorithm.RSA_1024).report.fingerprint].files:
        path.unlink()
    monkeypatch.setattr(change_key, "generate", generate)
    come_back(place)
    last = finish(place)
    assert isinstance(last, Succeeded)
    found = examine(place.slot, Algorithm.RSA_1024)
    assert found.fingerprint != made(Algorithm.RSA_1024).report.fingerprint
    assert found.fingerprint in kept(place)


# --- the board makes its own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKES_OWN)
def test_a_key_the_board_made_is_read_and_kept(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers=BOARD)
    old = on_board(place)
    outcome = place.succeed(ChangeKey)
    own = on_board(place)
    assert own.state is KeyState.GOOD
    assert {own.fingerprint, old.fingerprint} == set(kept(place))
    assert len(kept(place)) == 2
    assert place.safe.key_bytes(kept(place)[own.fingerprint]) == key_in(place)
    assert public_der(outcome.documents[0].content.encode()) == public_der(own) == half_in(place)
    assert outcome.summary == words.DONE_BOARD
    assert outcome.unfinished
    assert not outcome.warnings[1:]
    assert not place.undo.interrupted()


@pytest.mark.parametrize("tells", [b"\xff" * 12, bytes.fromhex("aa" * 12)])
def test_another_boards_key_is_never_taken_for_the_one_this_board_made(tells: bytes, tmp_path: Path) -> None:
    place = laid("photon-0.5", tmp_path, answers=BOARD)
    old = on_board(place)
    other = make("photon-0.5", place.clock, device_id="aa" * 12, profiles=True, key="good")
    other.dct[3618:3630] = tells

    def swap(question: str) -> None:
        if question == "light":
            place.bus.unplug(place.board)
            place.clock.pause(2.0)
            place.bus.plug(other, "1-1")
            place.clock.pause(5.0)
            place.person.hand, place.person.board = PracticeHand(other), other

    def post(event: Event) -> None:
        if isinstance(event, Asked):
            swap(event.question.name)
        place.person(event)

    run_recipe(ChangeKey(), place.job(post=post))
    last = place.person.events[-1]
    assert isinstance(last, Failed)
    assert last.code == WrongBoardReturned.code
    assert set(kept(place)) == {old.fingerprint}
    assert newest(place).board.device_id == place.board.device_id  # to be finished on the first one


def test_an_electron_over_tcp_makes_its_own_rsa_key(tmp_path: Path) -> None:
    place = laid("electron", tmp_path, answers=BOARD, transport="tcp")
    other, old = bytes(place.board.dct[EC_SLOT]), place.slot
    place.succeed(ChangeKey)
    assert place.slot != old
    assert on_board(place).algorithm is Algorithm.RSA_1024
    assert bytes(place.board.dct[EC_SLOT]) == other


@pytest.mark.parametrize("name", ["photon", "electron"])
def test_putting_back_the_old_key_puts_back_its_public_half_too(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers=BOARD)
    old, half = key_in(place), half_in(place)
    at_step(place, CHECK, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 1)))
    place.fail(ChangeKey)
    come_back(place)
    assert (key_in(place), half_in(place)) != (old, half)
    _, answers = to_put_back(newest(place))
    place.succeed(PutBack, {**dict(answers), "plan": True, "with-keys": True})
    assert (key_in(place), half_in(place)) == (old, half)


def test_a_stale_public_half_beside_the_boards_own_key_is_told(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=BOARD)
    at_step(place, CHECK, lambda: place.board.dct.__setitem__(RSA_HALF, bytes(162)))
    outcome = place.succeed(ChangeKey)
    assert words.WARN_HALF in outcome.warnings


@pytest.mark.parametrize("light", ["asked", "no-network"])
@pytest.mark.parametrize("name", ["photon", "electron"])
def test_where_the_board_makes_no_key_one_made_here_is_written(name: str, light: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers={**BOARD, "light": light, "no-key": "here"}, profiles=False)
    outcome = place.succeed(ChangeKey)
    new = made(kind_of(place))
    assert key_in(place).startswith(new.slot_der)
    assert half_in(place) == public_der(new.report)
    assert new.report.fingerprint in kept(place)
    assert outcome.summary == words.DONE_HERE
    assert not place.undo.interrupted()


@pytest.mark.parametrize("name", ["photon", "electron"])
def test_where_the_board_makes_no_key_the_old_one_can_be_put_back(name: str, tmp_path: Path) -> None:
    place = laid(name, tmp_path, answers={**BOARD, "no-key": "old"}, profiles=False)
    old = key_in(place)
    outcome = place.succeed(ChangeKey)
    assert key_in(place) == old
    assert outcome.summary == words.DONE_OLD
    assert outcome.unfinished
    assert not outcome.documents
    assert not place.undo.interrupted()


def test_a_board_may_try_once_more(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers={**BOARD, "no-key": "again"}, profiles=False)
    old = on_board(place)

    class _Joining(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Asked) and event.question.name == "no-key":
                place.board.profiles = True

    place.person.events = _Joining(place.person.events)
    place.succeed(ChangeKey)
    assert asked(place).count("no-key") == 1
    assert on_board(place).state is KeyState.GOOD
    assert on_board(place).fingerprint != old.fingerprint


def test_a_board_that_had_no_key_has_none_to_put_back(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers={**BOARD, "no-key": "old"}, profiles=False, key="blank")
    failed = place.fail(ChangeKey, {"no-key": "old"})
    assert failed.code == "question.bad-answer"


@pytest.mark.parametrize("anew", [False, True])
def test_a_key_the_board_made_while_the_program_was_gone_is_taken_when_it_is_finished(
    anew: bool, tmp_path: Path
) -> None:
    place = laid("photon", tmp_path, answers=BOARD)
    at_step(place, LET_MAKE, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 1)))
    assert isinstance(place.play(ChangeKey), Failed)
    assert place.slot.startswith(b"\xff")
    come_back(place, for_s=60.0)
    own = place.slot
    assert on_board(place).state is KeyState.GOOD
    if anew:
        restart_program(place)
    last = finish(place)
    assert isinstance(last, Succeeded)
    assert place.slot == own
    assert last.outcome.summary == words.DONE_BOARD
    assert len(place.safe.backups()) == 2
    assert not place.undo.interrupted()


def restart_program(place: Desk) -> None:
    """Forget everything that is not on the disk."""
    place.safe = KeySafe(place.safe.root, practice=True)
    place.undo = UndoStore(place.undo.root, safe=place.safe)
    place.book = IdentityBook(place.clock)
    place.book.look(place.bus.sightings())


def test_a_board_that_made_none_before_a_cut_is_let_make_one_when_it_is_finished(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=BOARD, profiles=False)
    at_step(place, LET_MAKE, lambda: setattr(place.board, "mishap", Mishap(gone_at=place.board.transfers + 1)))
    assert isinstance(place.play(ChangeKey), Failed)
    come_back(place)
    assert place.slot.startswith(b"\xff")
    place.board.profiles = True
    assert isinstance(finish(place), Succeeded)
    assert on_board(place).state is KeyState.GOOD
    assert on_board(place).fingerprint in kept(place)


@pytest.mark.parametrize("choice", ["here", "old"])
def test_what_was_chosen_instead_is_finished_after_a_cut(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = laid("photon", tmp_path, answers={**BOARD, "no-key": choice}, profiles=False)
    old = place.slot

    class _Cutting(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Asked) and event.question.name == "no-key":
                place.board.mishap = Mishap(gone_at=place.board.transfers + 12)

    place.person.events = _Cutting(place.person.events)
    assert isinstance(place.play(ChangeKey), Failed)
    place.person.events = []
    come_back(place)
    monkeypatch.setattr(change_key, "generate", other_key)
    last = finish(place)
    assert isinstance(last, Succeeded)
    assert "no-key" not in asked(place)
    assert place.slot == (old if choice == "old" else made(Algorithm.RSA_1024).slot_der.ljust(612, b"\xff"))
    assert not place.undo.interrupted()


def test_stopping_where_the_board_made_no_key_leaves_a_run_to_finish_or_to_put_back(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=BOARD, profiles=False)
    old = place.slot
    job = place.job()

    def post(event: Event) -> None:
        place.person(event)
        if isinstance(event, Asked) and event.question.name == "no-key":
            job.stop()

    job.post = post  # type: ignore[method-assign]
    run_recipe(ChangeKey(), job)
    last = place.person.events[-1]
    assert isinstance(last, Stopped)
    assert last.changed
    _, answers = to_put_back(newest(place))
    place.succeed(PutBack, {**dict(answers), "plan": True, "with-keys": True})
    assert place.slot == old


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "electron"])
def test_no_private_byte_is_in_an_event_a_log_or_a_journal(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = laid(name, tmp_path, answers=HERE)
    old = key_in(place)
    with caplog.at_level(logging.DEBUG):
        place.succeed(ChangeKey)
    journals = [path.read_text() for path in (tmp_path / "boards").rglob("*.jsonl")]
    assert journals
    notes = [path.read_text() for path in place.safe.root.rglob("*.json")]
    told = "\n".join([caplog.text, repr(place.person.events), *journals, *notes])
    assert spelled(told, (old, key_in(place))) == []


def test_the_journal_names_both_keys_by_their_backups(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    cut_while_writing(place, lambda at: Mishap(gone_at=at), 4)
    named = newest(place).answers
    names = {f"{backup.folder.name}/{backup.name}" for backup in place.safe.backups()}
    assert {named["old-key"], named["new-key"]} == names
    assert named["way"] == "here"


def test_a_locked_safe_is_unlocked_before_anything_is_asked_of_the_board(tmp_path: Path) -> None:
    place = laid("photon", tmp_path, answers=HERE)
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    before = place.memories()
    assert place.fail(ChangeKey, {"passphrase": "wrong"}).code == "safe.wrong-passphrase"
    assert place.memories() == before
    outcome = place.succeed(ChangeKey, {"passphrase": "correct horse"})
    assert all(not path.endswith((".bin", ".der")) for path in outcome.kept)
