"""Putting back what was kept, on virtual boards: whole boards, what rescues replaced, and what must never happen."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.every import part
from support.moments import asked, at_step, come_back, plans
from support.real_pack import real_pack

from app.firmware.pack import RescuePack
from app.platforms.model import Medium
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.recipes.put_back import PutBack
from app.recipes.restore_system import RestoreSystem
from app.recipes.save_board import SaveBoard
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, Stopped, Succeeded
from app.work.questions import Choose

START_STEP = 7
BOARDS = ("core", "core-0.5", "core-0.7", "photon", "photon-0.6", "photon-0.7", "p1", "electron")
YES = {"plan": True, "with-keys": True, "other-board": True}
UPGRADE = {"radio-patch": "1.13.7", "patch-again": "run"}
RESTORE = {"release": "2.2.0", "application": "keep", "downgrade": True}


@pytest.fixture
def pack() -> RescuePack:
    return real_pack()


def lay(
    name: str,
    folder: Path,
    mode: str = IN_DFU,
    pack: RescuePack | None = None,
    given: Mapping[str, object] | None = None,
) -> Desk:
    place = desk(name, folder, mode, answers={**YES, **UPGRADE, **RESTORE, **(given or {})}, pack=pack)
    place.person.answers.setdefault("device-id", place.board.device_id)
    return place


def save(place: Desk) -> str:
    before = {dump.id for dump in place.undo.dumps()}
    place.succeed(SaveBoard)
    (made,) = {dump.id for dump in place.undo.dumps()} - before
    return made


def wreck(place: Desk, *, keys: bool = True) -> None:
    """Put rubbish at the beginning and the end of every place that can be written, the boot loader's apart."""
    rubbish = random.Random(place.board.device_id)
    for row in place.seen().platform.regions:
        if not row.writable or row.key.startswith("bootloader"):
            continue
        holds_keys = any(
            slot.alt == row.alt and row.start <= slot.address < row.end for slot in place.seen().platform.key_slots
        )
        if holds_keys and not keys:
            continue
        cells, base = memory_of(place, row.alt, row.medium)
        for at in (row.start - base, row.end - base - 300):
            cells[at : at + 300] = rubbish.randbytes(300)


def memory_of(place: Desk, alt: int, medium: Medium) -> tuple[bytearray, int]:
    if medium is Medium.DCT:
        return place.board.dct, 0
    if alt == 0:
        return place.board.internal, 0x0800_0000
    return place.board.spi, 0


def everything(place: Desk) -> tuple[bytes, ...]:
    board = place.board
    found = [bytes(board.internal)]
    if board.spi_flash is not None:
        found.append(bytes(board.spi))
    if place.seen().platform.key != "core":
        found.append(bytes(board.dct))
    return tuple(found)


def firmware(place: Desk) -> bytes:
    """Everything a rescue may write in the internal flash."""
    core = place.seen().platform.key == "core"
    return bytes(place.board.internal[0x5000:]) if core else bytes(place.board.internal[0x20000:])


def put_back(place: Desk, **answers: object) -> Outcome:
    return place.succeed(PutBack, answers)


@pytest.mark.parametrize("name", BOARDS)
def test_a_wrecked_board_is_byte_for_byte_what_was_saved(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    dump = save(place)
    before = everything(place)
    wreck(place)
    place.hand_into_dfu()
    after: list[tuple[bytes, ...]] = []
    at_step(place, START_STEP, lambda: after.append(everything(place)))
    outcome = put_back(place, dump=dump)
    assert after == [before]
    assert outcome.xray is not None
    assert place.undo.interrupted() == ()


@pytest.mark.parametrize("name", part(BOARDS, 3, "without consent"))
def test_without_consent_no_key_and_no_setting_is_written(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, given={"with-keys": False})
    dump = save(place)
    before = firmware(place)
    wreck(place)
    place.hand_into_dfu()
    settings = bytearray(place.board.spi[:0x3000] if name.startswith("core") else place.board.dct)
    after: list[bytes] = []
    at_step(place, START_STEP, lambda: after.append(firmware(place)))
    outcome = put_back(place, dump=dump)
    assert after == [before]
    now = bytearray(place.board.spi[:0x3000] if name.startswith("core") else place.board.dct)
    if name.startswith("core"):
        now[:0x1000] = settings[:0x1000]  # the maker's own page is no key
    else:
        for mark in (slice(1753, 1754), slice(2852, 2952), slice(3618, 3630), slice(0, 32)):  # marks, and what starts
            now[mark] = settings[mark]
    assert now == settings
    assert any("left as they are" in warning.english() for warning in outcome.warnings)


def test_a_new_board_in_between_is_asked_for_its_id_before_a_key_is_written(tmp_path: Path) -> None:
    place = lay("core", tmp_path, given={"device-id": "53ff6f065067544840551188"})
    dump = save(place)
    wreck(place)
    place.hand_into_dfu()
    before = everything(place)
    assert place.fail(PutBack, {"dump": dump}).code == "identity.mismatch"
    assert everything(place) == before


def test_where_nothing_proves_the_board_no_key_is_written(tmp_path: Path) -> None:
    place = lay("photon-0.5", tmp_path)
    dump = save(place)
    wreck(place)
    place.hand_into_dfu()
    before = everything(place)
    assert place.fail(PutBack, {"dump": dump}).code == "identity.unproven"
    assert everything(place) == before
    assert "other-board" in asked(place)  # all such boards show the same number on USB


def test_where_nothing_proves_the_board_its_firmware_can_be_put_back(tmp_path: Path) -> None:
    place = lay("photon-0.5", tmp_path, given={"with-keys": False})
    dump = save(place)
    before = firmware(place)
    wreck(place, keys=False)
    place.hand_into_dfu()
    put_back(place, dump=dump)
    assert firmware(place) == before


def test_the_firmware_of_another_board_needs_a_yes_and_never_brings_keys(tmp_path: Path) -> None:
    dump = save(lay("photon", tmp_path))
    source = lay("photon", tmp_path)
    other = lay("photon-0.7", tmp_path)
    keys = bytes(other.board.dct[:3618])
    before = everything(other)
    other.person.answers["other-board"] = False
    assert isinstance(other.play(PutBack, {"dump": dump}), Stopped)
    assert everything(other) == before
    other.person.answers["other-board"] = True
    after: list[bytes] = []
    at_step(other, START_STEP, lambda: after.append(bytes(other.board.internal[0x20000:])))
    outcome = put_back(other, dump=dump)
    assert after == [bytes(source.board.internal[0x20000:])]
    assert bytes(other.board.dct[:3618]) == keys
    assert "with-keys" not in asked(other)
    assert any("another board" in warning.english() for warning in outcome.warnings)


def test_what_is_of_another_kind_of_board_is_refused_before_the_board_is_asked(tmp_path: Path) -> None:
    dump = save(lay("core", tmp_path))
    other = lay("photon", tmp_path)
    transfers = other.board.transfers
    assert other.fail(PutBack, {"dump": dump}).code == "undo.other-board"
    assert other.board.transfers == transfers


def test_what_a_rescue_of_another_board_replaced_is_refused(tmp_path: Path, pack: RescuePack) -> None:
    first = lay("core", tmp_path, pack=pack)
    first.succeed(FullFirmwareUpgrade)
    (rescue,) = first.undo.rescues()
    other = lay("core-0.5", tmp_path, pack=pack)
    before = everything(other)
    assert other.fail(PutBack, {"rescue": rescue.id}).code == "undo.other-board"
    assert everything(other) == before


def test_nothing_kept_says_so_and_an_unknown_name_too(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    assert place.fail(PutBack).code == "undo.nothing-kept"
    for name in ("dump", "rescue"):
        assert place.fail(PutBack, {name: "2026-11-23T07-01-06Z-e636b377"}).code == "undo.unknown"


def test_a_damaged_file_is_noticed_before_anything_is_asked_of_the_board(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    dump = save(place)
    part = next(part for part in place.undo.dumps()[0].parts if part.region == "system-2")
    raw = bytearray(part.file.read_bytes())
    raw[1000] ^= 1
    part.file.write_bytes(raw)
    transfers = place.board.transfers
    assert place.fail(PutBack, {"dump": dump}).code == "undo.damaged"
    assert place.board.transfers == transfers


def test_the_plan_has_only_what_differs_in_the_order_of_least_danger(tmp_path: Path) -> None:
    place = lay("photon", tmp_path)
    dump = save(place)
    for address in (0xE0000, 0x60000, 0xA0000):
        place.board.internal[address + 4] ^= 0x10
    put_back(place, dump=dump, **{"with-keys": "no"})
    (plan,) = plans(place)
    assert [write.region for write in plan.writes] == ["ota", "system-2", "user"]
    assert plan.stays


def test_a_mark_comes_off_first_and_goes_on_before_the_system(tmp_path: Path) -> None:
    place = lay("photon", tmp_path, given={"with-keys": False})
    place.board.dct[1753] = 0xA5
    marked = save(place)
    place.board.dct[1753] = 0xFF
    unmarked = save(place)
    place.board.internal[0xC0000] ^= 0x10
    place.board.internal[0x20000 + 0x400] ^= 0x10
    put_back(place, dump=marked)
    place.hand_into_dfu()
    place.board.dct[1753] = 0xA5
    place.board.internal[0xC0000] ^= 0x10
    put_back(place, dump=unmarked)
    on, off = ([write.region for write in plan.writes] for plan in plans(place))
    assert on == ["ota", "dct", "system-1"]
    assert off == ["dct", "ota"]
    assert place.board.dct[1753] == 0xFF


def test_a_boot_loader_is_never_written(tmp_path: Path) -> None:
    place = lay("core", tmp_path)
    dump = save(place)
    place.board.internal[0x4100] ^= 0x10  # its unprotected end
    place.board.internal[0x5100] ^= 0x10
    outcome = put_back(place, dump=dump)
    (plan,) = plans(place)
    assert [write.region for write in plan.writes] == ["application"]
    assert any("boot loader is another one" in warning.english() for warning in outcome.warnings)


def test_where_nothing_differs_nothing_is_asked_and_nothing_written(tmp_path: Path) -> None:
    place = lay("electron", tmp_path)
    dump = save(place)
    before = everything(place)
    after: list[tuple[bytes, ...]] = []
    at_step(place, START_STEP, lambda: after.append(everything(place)))
    put_back(place, dump=dump)
    assert after == [before]
    assert asked(place) == []


@pytest.mark.parametrize("mode", [RUNNING, LISTENING])
def test_a_running_board_is_offered_what_was_kept_of_it_newest_first(mode: str, tmp_path: Path) -> None:
    place = lay("photon", tmp_path, mode)
    older, newer = save(place), save(place)
    place.person.answers["what"] = f"dump-{older}"
    put_back(place)
    (question,) = [
        event.question
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Choose)
    ]
    assert {key for key, _ in question.options} == {f"dump-{older}", f"dump-{newer}"}


def test_the_keys_that_are_put_back_are_sealed_and_never_told(tmp_path: Path) -> None:
    place = lay("photon", tmp_path, given={"passphrase": "correct horse"})
    place.safe.set_passphrase("correct horse")
    place.safe.lock()
    dump = save(place)
    key = bytes(place.board.dct[34:646])
    place.board.dct[34:646] = b"\x00" * 612
    place.safe.lock()
    put_back(place, dump=dump)
    assert bytes(place.board.dct[34:646]) == key
    assert not any(
        key[:16].hex() in repr(event) or repr(key[:16])[2:-1] in repr(event) for event in place.person.events
    )
    for file in (tmp_path / "boards").rglob("*"):
        assert not file.is_file() or key[:40] not in file.read_bytes()


# --- rescues ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transfer", [400, 700, 1000, 1400, 1900])
def test_what_was_there_before_an_interrupted_upgrade_is_there_again(
    transfer: int, tmp_path: Path, pack: RescuePack
) -> None:
    place = lay("core", tmp_path, pack=pack)
    before = firmware(place), bytes(place.board.spi)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + transfer)
    assert isinstance(place.play(FullFirmwareUpgrade), Failed)
    (rescue,) = place.undo.interrupted()
    come_back(place)
    put_back(place, rescue=rescue.id)
    assert (firmware(place), bytes(place.board.spi)) == before
    assert place.undo.interrupted() == ()
    assert "with-keys" not in asked(place)


@pytest.mark.parametrize("name", ["photon-0.5", "photon-0.7", "p1", "electron"])
@pytest.mark.parametrize("transfer", [300, 550, 800])
def test_what_was_there_before_an_interrupted_restore_is_there_again(
    name: str, transfer: int, tmp_path: Path, pack: RescuePack
) -> None:
    place = lay(name, tmp_path, pack=pack)
    before = firmware(place), bytes(place.board.dct[:1753]), place.board.dct[1753]
    place.board.mishap = Mishap(gone_amid=place.board.transfers + transfer)
    last = place.play(RestoreSystem)
    assert isinstance(last, Failed), last
    come_back(place)
    interrupted = place.undo.interrupted()
    if interrupted:
        after: list[tuple[bytes, bytes, int]] = []
        at_step(
            place,
            START_STEP,
            lambda: after.append((firmware(place), bytes(place.board.dct[:1753]), place.board.dct[1753])),
        )
        put_back(place, rescue=interrupted[0].id)
        assert after == [before]
    else:
        assert firmware(place) == before[0]
    assert place.undo.interrupted() == ()
    assert "with-keys" not in asked(place)


def test_a_finished_rescue_can_be_put_back_and_that_too(tmp_path: Path, pack: RescuePack) -> None:
    place = lay("core", tmp_path, pack=pack)
    before = firmware(place)
    place.succeed(FullFirmwareUpgrade)
    upgraded = firmware(place)
    place.hand_into_dfu()
    (rescue,) = place.undo.rescues()
    place.person.answers["what"] = f"rescue-{rescue.id}"
    put_back(place)
    assert firmware(place) == before
    place.hand_into_dfu()
    mine = next(found for found in place.undo.rescues() if found.recipe == PutBack.key)
    put_back(place, rescue=mine.id)
    assert firmware(place) == upgraded


def finish(place: Desk) -> Event:
    """Finish the interrupted putting back as the window does: the recorded answers, and its id."""
    rescue = next(found for found in place.undo.interrupted() if found.recipe == PutBack.key)
    return place.play(PutBack, {**rescue.answers, "resume": rescue.id})


@pytest.fixture(scope="module")
def written() -> dict[str, tuple[int, int]]:
    """See `writing`, by board; filled as the boards come."""
    return {}


def writing(name: str, folder: Path) -> tuple[int, int]:
    """After how many transfers a wrecked board begins to be written, and is started, when nothing cuts it."""
    twin = lay(name, folder)
    dump = save(twin)
    wreck(twin)
    twin.hand_into_dfu()
    marks: list[int] = []
    start = twin.board.transfers
    at_step(twin, 4, lambda: marks.append(twin.board.transfers - start))
    at_step(twin, START_STEP, lambda: marks.append(twin.board.transfers - start))
    put_back(twin, dump=dump)
    first, last = marks
    return first, last


@pytest.mark.parametrize(
    ("name", "share"),
    [
        (name, share)
        for name in ("core", "photon", "photon-0.7", "electron")
        for share in part([0.1, 0.3, 0.5, 0.7, 0.9], 5, name)
    ],
)
def test_a_cut_while_putting_back_is_finished_with_the_right_bytes(
    name: str, share: float, tmp_path: Path, written: dict[str, tuple[int, int]]
) -> None:
    place = lay(name, tmp_path)
    dump = save(place)
    before = everything(place)
    wreck(place)
    place.hand_into_dfu()
    if name not in written:
        written[name] = writing(name, tmp_path / "twin")
    first, last = written[name]
    cut = place.board.transfers + first + round((last - first) * share)
    place.board.mishap = Mishap(gone_amid=cut)
    assert isinstance(place.play(PutBack, {"dump": dump}), Failed)
    come_back(place)
    after: list[tuple[bytes, ...]] = []
    place.person.events.clear()
    at_step(place, START_STEP, lambda: after.append(everything(place)))
    done = finish(place)
    assert isinstance(done, Succeeded), done
    assert after == [before]
    assert place.undo.interrupted() == ()


def test_a_cut_while_putting_back_an_upgrade_leaves_nothing_open_once_it_is_finished(
    tmp_path: Path, pack: RescuePack
) -> None:
    place = lay("core", tmp_path, pack=pack)
    before = firmware(place)
    place.board.mishap = Mishap(gone_amid=place.board.transfers + 1900)
    assert isinstance(place.play(FullFirmwareUpgrade), Failed)
    (rescue,) = place.undo.interrupted()
    come_back(place)
    at_step(place, 5, lambda: setattr(place.board, "mishap", Mishap(gone_amid=place.board.transfers + 200)))
    assert isinstance(place.play(PutBack, {"rescue": rescue.id}), Failed)
    assert len(place.undo.interrupted()) == 2
    come_back(place)
    done = finish(place)
    assert isinstance(done, Succeeded), done
    assert firmware(place) == before
    assert place.undo.interrupted() == ()
