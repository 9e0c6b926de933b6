"""Flashing a file of one's own: every verdict, on virtual boards, with real images and images made to measure."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.image_maker import CORE_FIRMWARE, HOMES, WHOLE, make, make_legacy, reseal
from support.moments import asked, at_step, come_back, plans
from support.real_pack import real_pack

from app.firmware.pack import RescuePack
from app.platforms.model import Mode
from app.recipes.flash_file import FlashFile
from app.recipes.put_back import PutBack
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Failed, Outcome, Stopped, Succeeded
from app.work.questions import Choose, Confirm

WRITE_STEP = 4
BOARDS = {"core": "application", "photon": "user", "p1": "user", "electron": "user"}


def lay(name: str, folder: Path, mode: str = IN_DFU, **answers: object) -> Desk:
    return desk(name, folder, mode, answers={"plan": True, "risk": True, **answers})


def file(folder: Path, content: bytes, name: str = "program.bin") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def flash(place: Desk, path: str, **answers: object) -> Outcome:
    return place.succeed(FlashFile, {"file": path, **answers})


def refuse(place: Desk, path: str, **answers: object) -> str:
    """Flash something that must be refused; nothing on the board changes. Return the reason and the advice."""
    before = place.memories()
    failed = place.fail(FlashFile, {"file": path, **answers})
    assert place.memories() == before
    assert failed.next_step.english().strip()
    return f"{failed.code}: {failed.cause.english()} {failed.next_step.english()}"


def at(place: Desk, address: int, size: int) -> bytes:
    return bytes(place.board.internal[address - 0x0800_0000 :][:size])


def own(name: str) -> bytes:
    platform = name.split("-")[0]
    return make(HOMES[platform, BOARDS[platform]].but(size=0x2000))


def confirms(place: Desk) -> list[str]:
    return [
        event.question.body.english()
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Confirm)
    ]


@pytest.mark.parametrize("mode", [RUNNING, LISTENING, IN_DFU])
@pytest.mark.parametrize(
    "name", ["core", "core-0.7", "photon", "photon-0.5", "photon-0.6", "photon-0.7", "p1", "electron"]
)
def test_a_program_gets_onto_every_board_and_starts(name: str, mode: str, tmp_path: Path) -> None:
    home = BOARDS[name.split("-")[0]]
    place = lay(name, tmp_path, mode)
    content = own(name)
    start = place.seen().platform.region(home).start
    keys = place.board.spi[:0x20000] if name.startswith("core") else place.board.dct[:3618]
    before = bytes(keys)
    outcome = flash(place, file(tmp_path, content), slot=home)
    assert at(place, start, len(content)) == content
    assert bytes(place.board.spi[:0x20000] if name.startswith("core") else place.board.dct[:3618]) == before
    assert place.undo.interrupted() == ()
    assert confirms(place) == []
    assert {fact.key for fact in outcome.facts} >= {"file", "before", "now", "folder"}
    assert "put-back" in outcome.next_recipes


@pytest.mark.parametrize("name", BOARDS)
def test_where_several_places_make_sense_the_person_chooses(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, slot="factory")
    content = own(name)
    running = at(place, place.seen().platform.region(BOARDS[name]).start, 0x1000)
    flash(place, file(tmp_path, content))
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Choose)
    ]
    assert [key for key, _ in question.options] == [BOARDS[name], "factory"]
    factory = place.seen().platform.region("factory")
    there = place.board.spi[factory.start :] if name == "core" else at(place, factory.start, len(content))
    assert bytes(there[: len(content)]) == content
    assert at(place, place.seen().platform.region(BOARDS[name]).start, 0x1000) == running


def test_a_real_program_and_back_again(tmp_path: Path) -> None:
    pack: RescuePack = real_pack()
    place = lay("core", tmp_path)
    before = at(place, 0x0800_5000, 0x1B000)
    tinker = pack.read("core_tinker.bin")
    outcome = flash(place, file(tmp_path, tinker), slot="application")
    assert at(place, 0x0800_5000, len(tinker)) == tinker
    assert outcome.warnings == ()
    assert place.seen().mode is not Mode.DFU
    place.hand_into_dfu()
    (rescue,) = place.undo.rescues()
    place.succeed(PutBack, {"rescue": rescue.id})
    assert at(place, 0x0800_5000, 0x1B000) == before


CORRUPT = 500

REFUSED: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "empty": ("core", lambda: b"", "image.unreadable", "empty"),
    "text": ("photon", lambda: b"void setup() {}\n" * 40, "image.unreadable", "text file"),
    "elf": ("photon", lambda: b"\x7fELF" + bytes(4000), "image.unreadable", ".elf"),
    "huge": ("photon", lambda: bytes(3 * 1024 * 1024), "image.unreadable", "no board has room"),
    "truncated": ("photon", lambda: own("photon")[:-100], "image.damaged", "cut off"),
    "corrupt": (
        "photon",
        lambda: own("photon")[:CORRUPT] + b"\x55\xaa" + own("photon")[CORRUPT + 2 :],
        "image.does-not-fit",
        "checksum",
    ),
    "other board": ("photon", lambda: own("p1"), "image.does-not-fit", "Particle P1"),
    "core on electron": ("electron", lambda: own("core"), "image.does-not-fit", "Spark Core"),
    "boot loader on a Core": (
        "core",
        lambda: make(HOMES["photon", "ota"]),
        "image.does-not-fit",
        "Particle Photon",
    ),
    "boot loader": ("photon", lambda: make(HOMES["photon", "ota"]), "image.boot-loader", "Restore the system"),
    "no such part": (
        "photon",
        lambda: make(HOMES["photon", "system-1"].but(index=3)),
        "image.does-not-fit",
        "no place",
    ),
    "built for elsewhere": (
        "photon",
        lambda: make(HOMES["photon", "user"].but(start=0x0808_0000)),
        "image.does-not-fit",
        "0x080a0000",
    ),
    "one piece on an Electron": (
        "electron",
        lambda: make(WHOLE["photon"].but(platform=10)),
        "image.does-not-fit",
        "no place",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_never_work_is_refused_before_the_board_is_asked(case: str, tmp_path: Path) -> None:
    name, content, code, words = REFUSED[case]
    place = lay(name, tmp_path)
    transfers = place.board.transfers
    said = refuse(place, file(tmp_path, content()))
    assert said.startswith(code)
    assert words in said
    assert place.board.transfers == transfers


def test_a_file_that_is_not_there_or_may_not_be_read(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    assert refuse(place, str(tmp_path / "nowhere.bin")).startswith("file.unreadable")
    assert refuse(place, str(tmp_path)).startswith("file.unreadable")
    assert refuse(place, "a\0b").startswith("file.unreadable")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.bin")
    assert refuse(lay("photon", tmp_path / "desk"), str(tmp_path / "pipe.bin")).startswith("file.unreadable")


def test_no_file_chosen_stops(tmp_path: Path) -> None:
    place = lay("core", tmp_path, file="")
    assert isinstance(place.play(FlashFile), Stopped)


def test_a_place_that_was_named_but_is_wrong_is_refused_with_the_right_one(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    path = file(tmp_path, own("photon"))
    said = refuse(place, path, slot="system-1")
    assert "It belongs into: User firmware" in said
    assert refuse(place, path, slot="nowhere").startswith("question.bad-answer")
    part = file(tmp_path, make(HOMES["photon", "system-2"]), "part2.bin")
    assert "System part 2" in refuse(place, part, slot="user")
    loader = file(tmp_path, make(HOMES["photon", "ota"]), "loader.bin")
    assert refuse(place, loader, slot="bootloader").startswith("image.boot-loader")


def changed_inside() -> bytes:
    content = bytearray(own("photon"))
    content[1000] ^= 0x20
    return reseal(bytes(content))


DOUBTFUL: dict[str, tuple[str, Callable[[], bytes], Mapping[str, object], str]] = {
    "unproven": ("core", lambda: make_legacy(0x1000), {"slot": "application"}, "no checksum"),
    "odd": ("core", lambda: make(CORE_FIRMWARE.but(size=0x1001)), {"slot": "application"}, "odd number"),
    "changed": ("photon", changed_inside, {"slot": "user"}, "changed after it was built"),
    "dependency": (
        "photon",
        lambda: make(HOMES["photon", "user"].but(needs=((4, 2, 9999), (0, 0, 0)))),
        {"slot": "user"},
        "It needs this or newer",
    ),
    "downgrade": ("photon", lambda: make(HOMES["photon", "system-1"].but(version=100)), {}, "has a newer one"),
    "waits": ("photon", lambda: own("photon"), {"slot": "ota"}, "does not belong into"),
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_doubtful_is_asked_about_once_and_then_written(case: str, tmp_path: Path) -> None:
    name, content, answers, words = DOUBTFUL[case]
    place = lay(name, tmp_path)
    made = content()
    outcome = flash(place, file(tmp_path, made), **answers)
    (question,) = confirms(place)
    assert words in question
    (plan,) = plans(place)
    assert any(words in warning.english() for warning in plan.warnings)
    (write,) = plan.writes
    assert at(place, write.address, len(made)) == made
    assert outcome.warnings


@pytest.mark.parametrize("case", DOUBTFUL)
def test_a_no_to_the_doubt_changes_nothing(case: str, tmp_path: Path) -> None:
    name, content, answers, _ = DOUBTFUL[case]
    place = lay(name, tmp_path, risk=False)
    before = place.memories()
    last = place.play(FlashFile, {"file": file(tmp_path, content()), **answers})
    assert isinstance(last, Stopped)
    assert not last.changed
    assert place.memories() == before
    assert place.undo.interrupted() == ()


def test_two_doubts_are_one_question(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    content = make(HOMES["photon", "system-2"].but(version=100, needs=((4, 1, 9999), (0, 0, 0))))
    flash(place, file(tmp_path, content))
    (question,) = confirms(place)
    assert "newer one" in question
    assert "needs this or newer" in question


@pytest.mark.parametrize(("size", "parts"), [(0x2000, ["system-1"]), (0x4_2000, ["system-1", "system-2"])])
def test_complete_firmware_goes_over_the_parts_it_covers(size: int, parts: list[str], tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    content = make(WHOLE["photon"].but(size=size))
    behind = at(place, 0x0802_0000 + size, 0x100)
    outcome = flash(place, file(tmp_path, content))
    assert at(place, 0x0802_0000, size) == content
    assert at(place, 0x0802_0000 + size, 0x100) == behind
    (plan,) = plans(place)
    assert [write.region for write in plan.writes] == parts
    assert any("takes the place of the system parts" in warning.english() for warning in plan.warnings)
    assert outcome.kept
    (rescue,) = place.undo.rescues()
    place.hand_into_dfu()
    place.succeed(PutBack, {"rescue": rescue.id})
    assert at(place, 0x0802_0000, 4) != content[:4]


def test_the_old_factory_place_of_an_electron_is_offered_only_to_old_systems(tmp_path: Path) -> None:
    place = lay("electron", tmp_path, slot="user")
    flash(place, file(tmp_path, own("electron")))
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Choose)
    ]
    assert [key for key, _ in question.options] == ["user", "factory"]


def test_an_update_that_waits_is_warned_of(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    place.board.dct[1753] = 0xA5
    flash(place, file(tmp_path, own("photon")), slot="user")
    (plan,) = plans(place)
    assert any("An update waits" in warning.english() for warning in plan.warnings)


@pytest.mark.parametrize("name", ["core", "photon", "electron"])
@pytest.mark.parametrize(("slot", "warned"), [("", True), ("factory", False)])
def test_a_factory_reset_that_waits_is_warned_of(name: str, slot: str, warned: bool, tmp_path: Path) -> None:
    place = lay(name, tmp_path, plan=False)
    if name == "core":
        place.board.internal[0x4C08:0x4C0A] = b"\xaa\xaa"  # 3.1
    else:
        place.board.dct[12:14] = b"\xaa\xaa"  # 3.5
    place.play(FlashFile, {"file": file(tmp_path, own(name)), "slot": slot or BOARDS[name]})
    (plan,) = plans(place)
    assert any("factory reset waits" in warning.english() for warning in plan.warnings) is warned
    told = " ".join(reason.english() for reason in plan.xray.verdict.reasons)
    assert "A factory reset is waiting" in told


def test_a_program_that_does_not_start_is_told_so(tmp_path: Path) -> None:
    place = lay("photon-safe-mode", tmp_path)
    content = make(HOMES["photon", "user"].but(needs=((4, 2, 9999), (0, 0, 0))))
    outcome = flash(place, file(tmp_path, content), slot="user")
    assert any("magenta" in step.english() for step in outcome.next_steps)
    assert outcome.warnings
    assert "restore-system" in outcome.next_recipes


def test_the_same_program_again_writes_nothing(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    path = file(tmp_path, own("photon"))
    flash(place, path, slot="user")
    place.hand_into_dfu()
    before = bytes(place.board.internal)
    flash(place, path, slot="user")
    assert [write.changed for write in plans(place)[-1].writes] == [0]
    assert bytes(place.board.internal) == before


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("gone", ["before", "file changed"])
def test_a_cut_is_finished_even_when_the_file_is_gone(name: str, gone: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    content = own(name)
    path = Path(file(tmp_path, content))
    at_step(place, WRITE_STEP, lambda: setattr(place.board, "mishap", Mishap(gone_amid=place.board.transfers + 18)))
    assert isinstance(place.play(FlashFile, {"file": str(path), "slot": BOARDS[name]}), Failed)
    (rescue,) = place.undo.interrupted()
    if gone == "before":
        path.unlink()
    else:
        path.write_bytes(b"something else")
    come_back(place)
    last = place.play(FlashFile, {**rescue.answers, "resume": rescue.id})
    assert isinstance(last, Succeeded), last
    start = place.seen().platform.region(BOARDS[name]).start
    assert at(place, start, len(content)) == content
    assert place.undo.interrupted() == ()
    assert next(fact for fact in last.outcome.facts if fact.key == "file").value == "program.bin"


def test_no_to_the_plan_changes_nothing(tmp_path: Path) -> None:
    place = lay("core", tmp_path, plan=False)
    before = place.memories()
    assert isinstance(place.play(FlashFile, {"file": file(tmp_path, own("core")), "slot": "factory"}), Stopped)
    assert [path for path in place.undo.root.rglob("*") if path.is_file()] == [], "nothing of it is kept either"
    assert place.memories() == before
    assert "plan" in asked(place)
