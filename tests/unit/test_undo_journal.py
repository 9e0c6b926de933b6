"""The journal of a rescue: every record whole or ignored, nothing invented, nobody offered what is in work."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ending_disk import (
    Killed,
    Recording,
    Refusing,
    RefusingOnce,
    count_actions,
    kill,
    kill_process,
    never,
    no_room,
)
from support.every import examples

from app.faults import RescueElsewhere, RescueUnknown, UndoNoRoom
from app.files import FileActions
from app.keys.safe import KeySafe
from app.undo import owner
from app.undo.board_name import BoardName, Match
from app.undo.journal import Journal, Planned, read_lines, write_line
from app.undo.rescue import InterruptedRescue
from app.undo.store import UndoStore

ID = "0123456789abcdef01234567"
HASH = "CE8A4602EFCD"
CORE = BoardName("core", None, HASH)
NAME = "2026-11-23T12-00-00Z-0123abcd"
START = 0x0800_5000
OLD, NEW = b"old" * 100, b"new" * 100
SHA = "ab" * 32
ANSWERS: dict[str, object] = {"patch": "1.29", "downgrade": False, "tries": 3}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "boards"


def keep_and_plan(store: UndoStore, journal: Journal, content: bytes = OLD) -> None:
    journal.keeps(store.keep(CORE, "user-firmware", 0, START, content))
    journal.plans("user-firmware", 0, START, len(NEW), SHA)


def started(store: UndoStore) -> Journal:
    journal = store.begin(CORE, "full-firmware-upgrade", ANSWERS)
    keep_and_plan(store, journal)
    return journal


def interrupt(store: UndoStore) -> str:
    """Leave an interrupted rescue behind; return its name."""
    with started(store) as journal:
        journal.page("user-firmware", START, 128)
    return journal.id


def file_of(root: Path, rescue_id: str) -> Path:
    (path,) = root.rglob(f"{rescue_id}.jsonl")
    return path


# --- what a journal tells -------------------------------------------------------------------------------------------


def test_an_interrupted_rescue_tells_everything_needed_to_finish_it_or_to_put_back_what_was_there(root: Path) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    store = UndoStore(root, now=lambda: noon)
    with started(store) as journal:
        journal.page("user-firmware", START, 128)
        journal.page("user-firmware", START + 128, 128)
        journal.wrote("user-firmware", START, len(NEW))
    (found,) = UndoStore(root).interrupted()
    assert found == UndoStore(root).rescue(journal.id)
    assert (found.id, found.board, found.recipe, found.answers) == (journal.id, CORE, "full-firmware-upgrade", ANSWERS)
    assert (found.started, found.pages, found.open, found.damaged) == (noon, 2, True, False)
    assert found.program.startswith("rekindle")
    assert found.planned == found.written == (Planned("user-firmware", 0, START, len(NEW), SHA),)
    assert [UndoStore(root).read(snapshot) for snapshot in found.to_put_back] == [OLD]
    assert found.board.matches("core", ID, None) is Match.YES


def test_nothing_planned_is_no_interrupted_rescue(root: Path) -> None:
    store = UndoStore(root)
    with store.begin(CORE, "deep-update") as journal:
        journal.keeps(store.keep(CORE, "user-firmware", 0, START, OLD))
    assert store.interrupted() == ()
    assert not store.rescue(journal.id).open


@pytest.mark.parametrize("end", ["finish", "drop"])
def test_what_was_finished_or_dropped_is_not_offered(root: Path, end: str) -> None:
    store = UndoStore(root)
    journal = started(store)
    getattr(journal, end)()
    journal.close()
    assert store.interrupted() == ()
    found = store.rescue(journal.id)
    assert (found.finished, found.dropped) == (end == "finish", end == "drop")
    with pytest.raises(RescueUnknown):
        store.resume(journal.id)


def test_a_rescue_in_work_is_offered_to_nobody(root: Path) -> None:
    store = UndoStore(root)
    journal = started(store)
    assert store.interrupted() == UndoStore(root).interrupted() == ()
    with pytest.raises(RescueElsewhere):
        UndoStore(root).resume(journal.id)
    with pytest.raises(RescueElsewhere):
        UndoStore(root).forget(journal.id)
    journal.close()
    assert [found.id for found in store.interrupted()] == [journal.id]


def test_a_resumed_rescue_goes_on_in_the_same_journal_and_the_oldest_content_wins(root: Path) -> None:
    store = UndoStore(root)
    name = interrupt(store)
    with store.resume(name) as journal:
        assert store.interrupted() == ()
        keep_and_plan(store, journal, content=NEW[:150] + OLD[150:])
        journal.plans("backup", 0, START + 0x1000, 100, SHA)
    (found,) = store.interrupted()
    assert found.id == name
    assert len(found.snapshots) == 2
    assert [target.region for target in found.planned] == ["user-firmware", "backup"]
    assert [store.read(snapshot) for snapshot in found.to_put_back] == [OLD]
    with store.resume(name) as journal:
        assert journal.finish()
    assert store.interrupted() == ()


def test_only_what_was_to_be_written_to_is_put_back_and_overlaps_in_the_right_order(root: Path) -> None:
    store = UndoStore(root)
    with store.begin(CORE, "flash-file") as journal:
        small = store.keep(CORE, "user-firmware", 0, START, OLD)
        whole = store.keep(CORE, "user-firmware", 0, START - 100, NEW[:200] + OLD)
        beside = store.keep(CORE, "device-key", 1, 0x2000, b"key")
        inside = store.keep(CORE, "user-firmware", 0, START + 4, b"part")
        for snapshot in (small, whole, beside, inside):
            journal.keeps(snapshot)
        journal.plans("user-firmware", 0, START + 8, 8, SHA)
    assert store.rescue(journal.id).to_put_back == (whole, small)


def test_forgetting_keeps_what_was_kept(root: Path) -> None:
    store = UndoStore(root)
    name = interrupt(store)
    store.forget(name)
    assert store.interrupted() == ()
    assert store.read(store.rescue(name).snapshots[0]) == OLD
    with pytest.raises(RescueUnknown):
        store.forget(name)


@pytest.mark.parametrize("name", ["", "x", NAME, "../../x", "*"])
def test_a_rescue_nobody_began_is_unknown(root: Path, name: str) -> None:
    interrupt(UndoStore(root))
    for ask in (UndoStore(root).rescue, UndoStore(root).resume):
        with pytest.raises(RescueUnknown):
            ask(name)


def test_an_id_proven_later_belongs_to_the_rescue(root: Path) -> None:
    store = UndoStore(root)
    photon = BoardName("photon", None, "00000000010C")
    with store.begin(photon, "restore-system") as journal:
        journal.knows(ID)
        # What is kept from now on lies in the board's own folder.
        journal.keeps(store.keep(BoardName("photon", ID, "00000000010C"), "user-part", 0, 0x080A_0000, OLD))
        journal.plans("user-part", 0, 0x080A_0000, 4, SHA)
    (found,) = store.interrupted()
    assert found.board.device_id == ID
    assert found.board.matches("photon", None, "00000000010C") is Match.MAYBE
    assert found.board.matches("photon", "f" * 24, "00000000010C") is Match.NO
    assert [store.read(snapshot) for snapshot in found.to_put_back] == [OLD]


def test_newest_comes_first(root: Path) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    names = [
        interrupt(UndoStore(root, now=lambda later=later: noon + timedelta(hours=later)))  # type: ignore[misc]
        for later in (0, 2, 1)
    ]
    assert [found.id for found in UndoStore(root).interrupted()] == [names[1], names[2], names[0]]


def test_the_hash_of_what_goes_into_secret_memory_is_not_noted(root: Path) -> None:
    store = UndoStore(root)
    with store.begin(CORE, "put-back") as journal:
        journal.plans("device-key", 1, 0x2000, 612, SHA)
    assert store.rescue(journal.id).planned[0].sha256 == ""
    assert SHA not in file_of(root, journal.id).read_text(encoding="utf-8")


@pytest.mark.parametrize("answer", [b"bytes", object(), ["list"], {"a": 1}])
def test_an_answer_that_cannot_be_noted_is_a_mistake_before_anything_is_made(root: Path, answer: object) -> None:
    with pytest.raises(ValueError, match="answers"):
        UndoStore(root).begin(CORE, "deep-update", {"x": answer})
    assert not root.exists()


# --- the disk refuses -----------------------------------------------------------------------------------------------


def test_a_full_disk_is_a_fault_before_anything_is_planned(root: Path) -> None:
    actions = count_actions(lambda seam: started(UndoStore(root / "count", actions=seam)).close())
    for number in range(actions):
        store = UndoStore(root / str(number), actions=Refusing(number, no_room))
        with pytest.raises(UndoNoRoom):
            started(store)
        assert all(found.pages == 0 for found in UndoStore(store.root).interrupted())


def test_while_the_board_is_written_to_a_full_disk_is_only_logged(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    actions = Refusing(10_000, no_room)
    store = UndoStore(root, actions=actions)
    journal = started(store)
    actions.left = 0
    journal.page("user-firmware", START, 128)
    journal.wrote("user-firmware", START, len(NEW))
    assert not journal.finish()
    assert "was not noted" in caplog.text
    assert [found.id for found in UndoStore(root).interrupted()] == [journal.id]


@pytest.mark.parametrize("refused", range(3))
def test_after_a_refused_line_the_next_one_counts(root: Path, refused: int, caplog: pytest.LogCaptureFixture) -> None:
    actions = RefusingOnce(10_000, no_room)
    journal = started(UndoStore(root, actions=actions))
    actions.left = refused  # nothing, or half of the line, or all of it but not flushed
    journal.wrote("user-firmware", START, 1)
    actions.left = 10_000
    journal.page("user-firmware", START, 128)
    journal.plans("backup", 0, START + 0x1000, 10, SHA)
    journal.close()
    (found,) = UndoStore(root).interrupted()
    assert (found.pages, len(found.planned), found.damaged) == (1, 2, False)
    assert "was not noted" in caplog.text


def test_a_closed_journal_takes_no_note_and_closing_twice_does_nothing(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = started(UndoStore(root))
    journal.close()
    journal.close()
    journal.page("user-firmware", START, 128)
    with pytest.raises(ValueError, match="closed"):
        journal.plans("user-firmware", 0, START, 1, SHA)
    assert UndoStore(root).rescue(journal.id).pages == 0


# --- damage ---------------------------------------------------------------------------------------------------------


def test_a_torn_last_line_is_passed_over_and_the_rescue_can_go_on(root: Path) -> None:
    name = interrupt(UndoStore(root))
    path = file_of(root, name)
    whole = path.read_bytes()
    lines = whole.split(b"\n")
    for cut in range(1, len(lines[-2]) + 2):
        path.write_bytes(whole[:-cut])
        (found,) = UndoStore(root).interrupted()
        assert (found.pages, found.damaged) == (0, False)
        with UndoStore(root).resume(name) as journal:
            journal.page("user-firmware", START, 128)
        found = UndoStore(root).rescue(name)
        assert (found.pages, found.damaged, len(found.planned)) == (1, False, 1)
        UndoStore(root).forget(name)
        assert UndoStore(root).interrupted() == ()


def test_a_line_damaged_in_the_middle_makes_the_rest_unusable_but_the_rescue_is_still_offered(root: Path) -> None:
    name = interrupt(UndoStore(root))
    path = file_of(root, name)
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for at in range(second, whole.index(b"\n", second) + 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        (found,) = UndoStore(root).interrupted()
        assert found.damaged
        assert (found.planned, found.pages, found.snapshots) == ((), 0, ())
        assert (found.board, found.recipe) == (CORE, "full-firmware-upgrade")
    UndoStore(root).forget(name)
    assert UndoStore(root).interrupted() == ()


def test_a_line_that_is_missing_is_noticed(root: Path) -> None:
    name = interrupt(UndoStore(root))
    path = file_of(root, name)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    (found,) = UndoStore(root).interrupted()
    assert found.damaged
    assert found.planned == ()


def test_lines_of_another_journal_are_not_believed(root: Path) -> None:
    name, other = interrupt(UndoStore(root)), interrupt(UndoStore(root))
    file_of(root, name).write_bytes(file_of(root, other).read_bytes())
    assert [found.id for found in UndoStore(root).interrupted()] == [other]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"what": "begin"},
        {"what": "begin", "format": 2, "answers": {}},
        {"what": "begin", "format": 1, "answers": []},
        {"what": "begin", "format": 1, "answers": {}, "platform": "toaster", "device_id": None, "serial": ""},
        {"what": "begin", "format": 1, "answers": {}, "platform": 7, "device_id": 8, "serial": 9},
        {"what": []},
    ],
)
def test_a_beginning_that_makes_no_sense_is_no_rescue_and_hides_no_other(
    root: Path, facts: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    name = interrupt(UndoStore(root))
    path = file_of(root, name).with_name(f"{NAME}.jsonl")
    path.write_bytes(write_line(NAME, {"n": 0, **facts}) + write_line(NAME, {"n": 1, "what": "plan"}))
    assert [found.id for found in UndoStore(root).interrupted()] == [name]
    with pytest.raises(RescueUnknown):
        UndoStore(root).rescue(NAME)


@pytest.mark.parametrize(
    "facts",
    [
        {"what": "plan"},
        {"what": "plan", "region": 1, "alt": 0, "address": 0, "size": 0, "sha256": ""},
        {"what": "keep", "region": "x", "alt": 0, "address": 0, "size": 0, "board": "..", "file": "x"},
        {"what": "board", "device_id": "../../x"},
    ],
)
def test_a_record_that_makes_no_sense_is_damage(root: Path, facts: dict[str, object]) -> None:
    name = interrupt(UndoStore(root))
    path = file_of(root, name)
    path.write_bytes(path.read_bytes() + write_line(name, {"n": 4, **facts}))
    (found,) = UndoStore(root).interrupted()
    assert found.damaged
    assert len(found.planned) == 1


def test_a_record_of_a_later_version_changes_nothing(root: Path) -> None:
    name = interrupt(UndoStore(root))
    before = UndoStore(root).rescue(name)
    path = file_of(root, name)
    path.write_bytes(path.read_bytes() + write_line(name, {"n": 4, "what": "applause"}))
    assert UndoStore(root).rescue(name) == before


def test_strangers_and_closed_folders_hide_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name, closed = interrupt(UndoStore(root)), interrupt(UndoStore(root))
    folder = file_of(root, name).parent
    (folder / "notes.jsonl").write_bytes(b"mine")
    (folder / f"{NAME}.jsonl").mkdir()
    (root / "holiday").mkdir()
    (root / "file").write_bytes(b"")
    read = Path.open

    def refuse(path: Path, *args: object, **more: object) -> object:
        if closed in path.name:
            raise PermissionError(13, "closed")
        return read(path, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    assert [found.id for found in UndoStore(root).interrupted()] == [name]
    assert closed in caplog.text


RECORDS = st.lists(
    st.sampled_from(["keep", "plan", "page", "wrote", "board", "resume", "finish"]).flatmap(
        lambda what: st.fixed_dictionaries(
            {"what": st.just(what), "size": st.integers(0, 9), "region": st.text(max_size=5)}
        )
    ),
    max_size=8,
)


@given(records=RECORDS, data=st.data())
@settings(max_examples=examples(150), deadline=None)
def test_cut_at_any_byte_a_journal_tells_a_beginning_of_the_truth(
    records: list[dict[str, object]], data: st.DataObject
) -> None:
    numbered = [{"n": number, **record} for number, record in enumerate(records)]
    lines = [write_line(NAME, record) for record in numbered]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)))
    found = read_lines(NAME, whole[:cut])
    ends = [sum(map(len, lines[: number + 1])) for number in range(len(lines))]
    sound = sum(end <= cut for end in ends)
    assert found.known == tuple(numbered[:sound])
    assert not found.damaged
    assert found.clean == (cut in (0, *ends))
    assert found.ends == frozenset({"finish"} if any(record["what"] == "finish" for record in records[:sound]) else ())
    # And whatever is torn, what is written behind it counts.
    mark = b"" if found.clean else b"~\n"
    more = read_lines(NAME, whole[:cut] + mark + write_line(NAME, {"n": sound, "what": "drop"}))
    assert more.known[:sound] == found.known
    assert len(more.known) == sound + 1
    assert not more.damaged


@given(
    records=RECORDS,
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=3), st.integers(0, 40)), max_size=4),
)
@settings(max_examples=examples(300), deadline=None)
def test_however_damaged_a_journal_invents_nothing(
    records: list[dict[str, object]], changes: list[tuple[int, bytes, int]]
) -> None:
    numbered = [{"n": number, **record} for number, record in enumerate(records)]
    content = b"".join(write_line(NAME, record) for record in numbered)
    for at, put, out in changes:
        at %= len(content) + 1
        content = content[:at] + put + content[at + out :]
    found = read_lines(NAME, content)
    assert found.known == tuple(numbered[: len(found.known)])
    assert found.ends <= {str(record["what"]) for record in records}


@given(content=st.binary(max_size=300))
@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_no_journal_and_no_crash(content: bytes) -> None:
    assert read_lines(NAME, content).known == ()


# --- the program ends at any moment ---------------------------------------------------------------------------------


class Board:
    """Knows whether something would have been written on it, even if the program that did so is gone."""

    def __init__(self, root: Path) -> None:
        self._mark = root.with_name(f"{root.name}.touched")

    def touch(self) -> None:
        self._mark.touch()

    @property
    def touched(self) -> bool:
        return self._mark.exists()


def rescue_board(store: UndoStore, board: Board, hold: list[Journal] | None = None) -> None:
    """A rescue as recipes do it: two targets, one of them secret."""
    journal = store.begin(CORE, "full-firmware-upgrade", ANSWERS)
    if hold is not None:
        hold.append(journal)
    keep_and_plan(store, journal)
    journal.keeps(store.keep(CORE, "device-key", 1, 0x2000, b"key" * 10))
    journal.plans("device-key", 1, 0x2000, 30, SHA)
    board.touch()
    journal.page("user-firmware", START, 128)
    journal.wrote("user-firmware", START, len(NEW))
    journal.page("device-key", 0x2000, 30)
    journal.wrote("device-key", 0x2000, 30)
    journal.finish()


def check_after_end(root: Path, safe: KeySafe | None, board: Board) -> None:
    """Whatever was interrupted: nothing half is taken for whole, and the rescue is offered if it may have begun."""
    store = UndoStore(root, safe=safe)
    found = store.interrupted()
    if board.touched:
        finished = [path for path in root.rglob("*.jsonl") if store.rescue(path.stem).finished]
        assert len(found) + len(finished) == 1
    for rescue in found:
        assert not rescue.damaged
        assert {store.read(snapshot) for snapshot in rescue.snapshots} <= {OLD, b"key" * 10}
        if board.touched:
            assert [store.read(snapshot) for snapshot in rescue.to_put_back] == [b"key" * 10, OLD]
            assert rescue.answers == ANSWERS
        with store.resume(rescue.id) as journal:
            journal.plans("backup", 0, START + 0x1000, 1, SHA)
            assert journal.finish()
    assert store.interrupted() == ()
    assert store.read(store.keep(CORE, "user-firmware", 0, START, OLD)) == OLD


@pytest.fixture
def quick_safe(tmp_path: Path) -> KeySafe:
    safe = KeySafe(tmp_path / "keys")
    safe.set_passphrase("correct horse")
    return safe


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_ended_at_any_action_a_rescue_leaves_a_sound_store(root: Path, quick_safe: KeySafe, sealed: bool) -> None:
    root.mkdir()
    safe = quick_safe if sealed else None
    actions = count_actions(
        lambda seam: rescue_board(UndoStore(root / "count", safe=safe, actions=seam), Board(root / "count"))
    )
    assert actions > 40
    touched = 0
    for number in range(actions):
        there = root / str(number)
        board, held = Board(there), list[Journal]()
        with pytest.raises(Killed):
            rescue_board(UndoStore(there, safe=safe, actions=Refusing(number, kill)), board, held)
        for journal in held:
            journal.close()  # as the end of its program would
        for path in there.rglob("*.jsonl"):
            assert not owner.is_taken(path)
        touched += board.touched
        check_after_end(there, safe, board)
    assert touched > 10


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_killed_at_any_action_lets_go_of_its_rescue(root: Path) -> None:
    root.mkdir()
    actions = count_actions(lambda seam: rescue_board(UndoStore(root / "count", actions=seam), Board(root / "count")))
    for number in range(actions):
        there = root / str(number)
        child = os.fork()
        if child == 0:
            try:
                rescue_board(UndoStore(there, actions=Refusing(number, kill_process)), Board(there))
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        check_after_end(there, None, Board(there))


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_another_program_is_at_work_on_is_not_offered_until_that_program_is_gone(root: Path) -> None:
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            journal = started(UndoStore(root))
            os.write(tell, journal.id.encode())
            signal.pause()
        finally:
            os._exit(0)
    try:
        name = os.read(told, 100).decode()
        store = UndoStore(root)
        assert store.rescue(name).open
        assert store.interrupted() == ()
        with pytest.raises(RescueElsewhere):
            store.resume(name)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        os.close(tell)
    assert [found.id for found in store.interrupted()] == [name]
    store.forget(name)


def test_where_the_file_system_knows_no_locks_this_program_still_knows_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def no_locks(_descriptor: int, _how: int) -> None:
        raise OSError(37, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    store = UndoStore(root)
    journal = started(store)
    assert store.interrupted() == ()
    with pytest.raises(RescueElsewhere):
        store.resume(journal.id)
    journal.close()
    assert [found.id for found in store.interrupted()] == [journal.id]


def test_every_plan_is_on_the_disk_before_it_returns_and_pages_wait_for_nothing(root: Path) -> None:
    flushed: list[int] = []

    class Watching(FileActions):
        def flush(self, descriptor: int) -> None:
            super().flush(descriptor)
            flushed.append(os.fstat(descriptor).st_size)

    journal = UndoStore(root, actions=Watching()).begin(CORE, "deep-update")
    path = file_of(root, journal.id)
    assert flushed == [path.stat().st_size]
    journal.plans("user-firmware", 0, START, 1, SHA)
    assert flushed[1:] == [path.stat().st_size]
    journal.page("user-firmware", START, 1)
    assert len(flushed) == 2
    journal.wrote("user-firmware", START, 1)
    journal.finish()
    assert len(flushed) == 4


def test_a_journal_s_name_is_on_the_disk_once_it_begins(root: Path) -> None:
    actions = Recording()
    journal = UndoStore(root, actions=actions).begin(CORE, "deep-update")
    journal.close()
    assert actions.done[-2:] == [("flush", f"{journal.id}.jsonl"), ("flush", "rescues")]


def test_a_finished_rescue_is_recognised_without_reading_all_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = UndoStore(root)
    with started(store) as journal:
        for page in range(50):
            journal.page("user-firmware", START + page, 1)
        journal.finish()
    path = file_of(root, journal.id)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert [found.pages for found in store.interrupted()] == [50]
    path.write_bytes(b"?" * 4000 + b"\n" + lines[-1])
    monkeypatch.setattr(Path, "read_bytes", lambda _: never())
    assert store.interrupted() == ()


def test_the_rescue_told_is_plain_data(root: Path) -> None:
    name = interrupt(UndoStore(root))
    found = UndoStore(root).rescue(name)
    assert isinstance(found, InterruptedRescue)
    assert found == UndoStore(root, actions=Refusing(0, never)).rescue(name)  # looking changes nothing
