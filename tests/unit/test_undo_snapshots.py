"""What is kept of a board: once, verified, for its owner alone, and secrets sealed."""

from __future__ import annotations

import hashlib
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.ending_disk import Recording, Refusing, count_actions, no_room

from app import paths
from app.faults import FolderGone, SafeLocked, SnapshotDamaged, SnapshotDiffers, UndoNoRoom, WrongPassphrase
from app.files import FileActions
from app.keys.safe import KeySafe
from app.undo.board_name import BoardName, Match
from app.undo.dumps import Dump, DumpPart, Missing
from app.undo.snapshots import Snapshot
from app.undo.store import UndoStore

ID = "0123456789abcdef01234567"
CORE = BoardName("core", ID, "CE8A4602EFCD")
PHOTON = BoardName("photon", None, "00000000010C")
FIRMWARE = bytes(range(256)) * 20
WORDS = "correct horse"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "boards"


@pytest.fixture
def safe(tmp_path: Path) -> KeySafe:
    safe = KeySafe(tmp_path / "keys")
    safe.set_passphrase(WORDS)
    return safe


def keep(store: UndoStore, content: bytes = FIRMWARE, board: BoardName = CORE) -> Snapshot:
    return store.keep(board, "user-firmware", 0, 0x0800_5000, content)


def keep_secret(store: UndoStore, content: bytes = b"key" * 200, board: BoardName = CORE) -> Snapshot:
    return store.keep(board, "device-key", 1, 0x2000, content)


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# --- snapshots ------------------------------------------------------------------------------------------------------


def test_practice_boards_are_kept_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    assert paths.boards_folder(practice=False) == tmp_path / "boards"
    assert paths.boards_folder(practice=True) == tmp_path / "practice-boards"


def test_a_snapshot_is_a_file_named_by_its_hash_in_the_board_s_folder(root: Path) -> None:
    snapshot = keep(UndoStore(root))
    digest = hashlib.sha256(FIRMWARE).hexdigest()
    assert tree(root) == {f"{ID}/content/{digest}.bin": FIRMWARE}
    assert (snapshot.sha256, snapshot.digest, snapshot.size, snapshot.end) == (digest, digest, 5120, 0x0800_6400)
    assert UndoStore(root).read(snapshot) == FIRMWARE
    assert not snapshot.sealed


def test_the_same_content_is_kept_once_whatever_its_place(root: Path) -> None:
    store = UndoStore(root)
    one = keep(store)
    other = store.keep(CORE, "backup", 1, 0x40000, FIRMWARE)
    assert (one.file, one.digest) == (other.file, other.digest)
    assert other.region == "backup"
    assert len(tree(root)) == 1


def test_an_empty_content_is_one_too(root: Path) -> None:
    assert UndoStore(root).read(keep(UndoStore(root), b"")) == b""


@pytest.mark.parametrize("change", [lambda old: old[:-1], lambda old: b"\1" + old[1:], lambda _: b""])
def test_a_changed_snapshot_is_never_taken_for_whole_and_is_kept_anew(
    root: Path, change: Callable[[bytes], bytes]
) -> None:
    store = UndoStore(root)
    first = keep(store)
    damaged = change(FIRMWARE)
    first.file.write_bytes(damaged)
    with pytest.raises(SnapshotDamaged) as caught:
        store.read(first)
    assert first.file.name in caught.value.cause.english()
    second = keep(store)
    assert second.file != first.file
    assert store.read(second) == FIRMWARE
    assert first.file.read_bytes() == damaged
    assert keep(store) == second


def test_a_snapshot_that_is_gone_says_so(root: Path) -> None:
    store = UndoStore(root)
    snapshot = keep(store)
    with pytest.raises(SnapshotDamaged):
        store.read(replace(snapshot, size=snapshot.size - 1))
    snapshot.file.unlink()
    with pytest.raises(SnapshotDamaged):
        store.read(snapshot)


def test_a_disk_that_forgets_is_noticed(root: Path) -> None:
    class Forgetful(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            super().write(descriptor, content[:-1])

    with pytest.raises(SnapshotDiffers):
        keep(UndoStore(root, actions=Forgetful()))
    assert UndoStore(root).read(keep(UndoStore(root))) == FIRMWARE


@posix_only
def test_only_the_owner_may_look_at_anything(root: Path, safe: KeySafe) -> None:
    store = UndoStore(root, safe=safe)
    keep_secret(store)
    store.save_dump(CORE, [DumpPart("user-firmware", 0, 0x0800_5000, FIRMWARE)])
    store.begin(CORE, "deep-update").close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()} == {0o700}


def test_a_full_disk_at_any_action_is_a_fault_and_loses_nothing(root: Path) -> None:
    actions = count_actions(lambda seam: keep(UndoStore(root / "count", actions=seam)))
    assert actions > 8
    for number in range(actions):
        there = root / str(number)
        with pytest.raises(UndoNoRoom) as caught:
            keep(UndoStore(there, actions=Refusing(number, no_room)))
        assert str(there) in caught.value.cause.english()
        assert UndoStore(there).read(keep(UndoStore(there))) == FIRMWARE


def test_a_snapshot_and_all_its_folders_are_on_the_disk_before_it_is_named_and_returned(root: Path) -> None:
    actions = Recording()
    store = UndoStore(root, actions=actions)
    name = keep(store).file.name
    folders, rest = actions.done[:3], actions.done[3:]
    assert folders == [("flush", root.parent.name), ("flush", "boards"), ("flush", ID)]
    (flushed, part), (_, renamed), *named = rest
    assert (flushed, part) == ("flush", renamed)
    assert named == [("named", name), ("flush", "content")]
    actions.done.clear()
    keep(store)
    assert actions.done == [("flush", "content")]  # whoever kept it first may have ended before this


def test_a_dump_exists_only_when_everything_it_names_is_on_the_disk(root: Path) -> None:
    actions = Recording()
    dump = dumped(UndoStore(root, actions=actions))
    manifest = actions.done.index(("named", dump.manifest.name))
    contents = [actions.done.index(("named", part.file.name)) for part in dump.parts]
    assert max(contents) < manifest
    assert actions.done[max(contents) + 1] == ("flush", "content")
    assert actions.done[manifest + 1 :] == [("flush", "dumps")]


def test_room_is_looked_for_before_anything_is_asked_of_a_board(root: Path) -> None:
    store = UndoStore(root)
    store.insist_writable(1000)
    with pytest.raises(UndoNoRoom):
        store.insist_writable(1 << 60)
    root.rmdir()
    root.write_bytes(b"")
    with pytest.raises(FolderGone):
        store.insist_writable()
    with pytest.raises(FolderGone):
        keep(store)


def test_unfinished_files_of_ended_programs_are_tidied_after_a_day_and_nothing_else(root: Path) -> None:
    first = keep(UndoStore(root))
    part = first.file.with_name(f".{first.file.name}.01234567.part")
    part.write_bytes(b"half")
    keep(UndoStore(root), b"new")
    assert part.exists()
    before = tree(root)
    keep(UndoStore(root, now=lambda: datetime.now(UTC) + timedelta(days=2)), b"newer")
    assert before.keys() - tree(root).keys() == {str(part.relative_to(root))}


def test_threads_keeping_the_same_content_keep_it_once(root: Path) -> None:
    store = UndoStore(root)
    found: list[Snapshot] = []
    threads = [threading.Thread(target=lambda: found.append(keep(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [found[0]] * 4
    assert len(tree(root)) == 1


def test_another_program_keeping_the_same_at_the_same_moment_is_no_fault(root: Path) -> None:
    class Overtaken(FileActions):
        def place(self, part: Path, final: Path) -> None:
            if not final.exists():
                final.write_bytes(part.read_bytes())
            super().place(part, final)

    assert keep(UndoStore(root, actions=Overtaken())) == keep(UndoStore(root))
    assert len(tree(root)) == 1


@pytest.mark.parametrize("region", ["", "../x", "A", "a/b", "a.b"])
def test_what_is_no_region_s_key_is_refused(root: Path, region: str) -> None:
    with pytest.raises(ValueError, match="key of a region"):
        UndoStore(root).keep(CORE, region, 0, 0, b"x")
    with pytest.raises(ValueError, match="key of a region"):
        DumpPart(region, 0, 0, b"x")


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_secret_s_name_and_note_do_not_let_anybody_test_a_guess(root: Path) -> None:
    guess = b"\xff" * 612
    snapshot = keep_secret(UndoStore(root), guess)
    assert snapshot.secret
    assert snapshot.sha256 == ""
    assert hashlib.sha256(guess).hexdigest() not in repr(snapshot)
    assert UndoStore(root).read(snapshot) == guess
    assert keep_secret(UndoStore(root), guess) == snapshot  # and yet it is kept once
    # Another board with the same secret does not have the same name.
    other = keep_secret(UndoStore(root), guess, BoardName("core", "f" * 24))
    assert other.digest != snapshot.digest


@pytest.mark.parametrize(
    ("board", "alt", "address", "size", "secret"),
    [
        (CORE, 1, 0x2000, 1, True),
        (CORE, 1, 0x1FFF, 1, False),
        (CORE, 1, 0x1000, 0x1001, True),
        (CORE, 1, 0, 0x10000, True),
        (CORE, 0, 0x2FFF, 1, True),  # the boot loader goes by the address alone
        (CORE, 1, 0x3000, 1, False),
        (PHOTON, 1, 0, 16, True),
        (PHOTON, 0, 0x0800_0000, 0x10_0000, True),  # copies of the settings lie in there
        (PHOTON, 0, 0x080A_0000, 0x2_0000, False),
    ],
)
def test_what_overlaps_secret_memory_is_secret_whoever_says_otherwise(
    root: Path, board: BoardName, alt: int, address: int, size: int, secret: bool
) -> None:
    assert UndoStore(root).keep(board, "any", alt, address, bytes(size), secret=False).secret is secret
    assert UndoStore(root).keep(board, "any", alt, address, bytes(size), secret=True).secret is True


def test_a_damaged_secret_is_kept_anew_even_if_only_its_salt_was_hit(root: Path) -> None:
    store = UndoStore(root)
    first = keep_secret(store)
    packed = first.file.read_bytes()
    first.file.write_bytes(bytes([packed[0] ^ 1]) + packed[1:])
    second = keep_secret(store)
    assert second.file != first.file
    assert store.read(second) == b"key" * 200


def test_with_a_passphrase_secrets_are_sealed_and_kept_once(root: Path, safe: KeySafe) -> None:
    store = UndoStore(root, safe=safe)
    snapshot = keep_secret(store)
    assert snapshot.sealed
    assert b"keykey" not in b"".join(tree(root).values())
    assert store.read(snapshot) == b"key" * 200
    again = KeySafe(safe.root)
    again.unlock(WORDS)
    assert keep_secret(UndoStore(root, safe=again)) == snapshot
    assert UndoStore(root, safe=again).read(snapshot) == b"key" * 200
    assert not keep(store).sealed


def test_a_locked_safe_is_a_fault_before_anything_is_written(root: Path, safe: KeySafe) -> None:
    safe.lock()
    store = UndoStore(root, safe=safe)
    parts = [DumpPart("user-firmware", 0, 0x0800_5000, FIRMWARE), DumpPart("device-key", 1, 0x2000, b"key")]
    attempts: list[Callable[[], object]] = [
        lambda: keep_secret(store),
        lambda: store.save_dump(CORE, parts),
        lambda: store.insist_writable(secret=True),
    ]
    for attempt in attempts:
        with pytest.raises(SafeLocked):
            attempt()
        assert not root.exists()
    keep(store)  # what is no secret needs no passphrase
    store.insist_writable()


def test_a_sealed_snapshot_asks_for_the_passphrase_and_damage_is_noticed_before(root: Path, safe: KeySafe) -> None:
    store = UndoStore(root, safe=safe)
    snapshot = keep_secret(store)
    safe.lock()
    with pytest.raises(SafeLocked):
        store.read(snapshot)
    with pytest.raises(WrongPassphrase):
        UndoStore(root).read(snapshot)
    content = bytearray(snapshot.file.read_bytes())
    content[-1] ^= 1
    snapshot.file.write_bytes(content)
    with pytest.raises(SnapshotDamaged):
        store.read(snapshot)


def test_a_secret_kept_open_is_sealed_once_there_is_a_passphrase(root: Path, tmp_path: Path) -> None:
    safe = KeySafe(tmp_path / "keys")
    store = UndoStore(root, safe=safe)
    before = keep_secret(store)
    assert not before.sealed
    safe.set_passphrase(WORDS)
    after = keep_secret(store)
    assert after.sealed
    assert store.read(before) == store.read(after)


def test_a_container_of_a_forgotten_passphrase_does_not_stand_for_a_new_one(root: Path, safe: KeySafe) -> None:
    lost = keep_secret(UndoStore(root, safe=safe))
    (safe.root / "passphrase.check").unlink()
    fresh = KeySafe(safe.root)
    fresh.set_passphrase("another")
    kept = keep_secret(UndoStore(root, safe=fresh))
    assert kept != lost
    assert UndoStore(root, safe=fresh).read(kept) == b"key" * 200


# --- dumps ----------------------------------------------------------------------------------------------------------

PARTS = (
    DumpPart("device-key", 1, 0x2000, b"key" * 200),
    DumpPart("user-firmware", 0, 0x0800_5000, FIRMWARE),
    DumpPart("boot-loader", 0, 0x0800_0000, b"boot" * 50),
)
CONTENTS = {part.region: part.content for part in PARTS}


def dumped(store: UndoStore, board: BoardName = CORE) -> Dump:
    return store.save_dump(board, PARTS, boot_loader="original")


def test_a_dump_is_listed_and_loaded_as_it_was(root: Path) -> None:
    dump = dumped(UndoStore(root))
    store = UndoStore(root)
    assert store.dumps() == (dump,)
    assert (dump.board, dump.boot_loader, dump.damaged, dump.secret) == (CORE, "original", None, True)
    assert [part.region for part in dump.parts] == ["boot-loader", "user-firmware", "device-key"]
    assert dump.size == sum(map(len, CONTENTS.values()))
    assert dump.program.startswith("rekindle")
    assert store.load_dump(dump) == CONTENTS
    assert "keykey" not in dump.manifest.read_text(encoding="utf-8")
    assert hashlib.sha256(CONTENTS["device-key"]).hexdigest() not in dump.manifest.read_text(encoding="utf-8")


def test_a_practice_board_s_dump_says_so_whoever_lists_it(root: Path) -> None:
    dumped(UndoStore(root, practice=True))
    assert UndoStore(root).dumps()[0].practice
    assert not dumped(UndoStore(root)).practice


def test_the_same_board_saved_twice_takes_the_room_of_once(root: Path) -> None:
    store = UndoStore(root)
    one, two = dumped(store), dumped(store)
    assert one.id != two.id
    assert one.parts == two.parts
    assert set(store.dumps()) == {one, two}
    sizes = [len(content) for name, content in tree(root).items() if "/content/" in name]
    assert (len(sizes), sum(sizes)) == (3, one.size + 16)


def test_newest_dump_comes_first(root: Path) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    times = [noon, noon + timedelta(seconds=5), noon - timedelta(days=300)]
    for time in times:
        dumped(UndoStore(root, now=lambda time=time: time))  # type: ignore[misc]
    assert [dump.made for dump in UndoStore(root).dumps()] == sorted(times, reverse=True)


@pytest.mark.parametrize("parts", [(), (PARTS[0], PARTS[0])])
def test_a_dump_has_each_region_once(root: Path, parts: tuple[DumpPart, ...]) -> None:
    with pytest.raises(ValueError, match="once"):
        UndoStore(root).save_dump(CORE, parts)


def test_a_missing_content_is_seen_in_the_list_and_a_changed_one_when_loaded(root: Path) -> None:
    store = UndoStore(root)
    dump = dumped(store)
    file = dump.parts[1].file
    file.write_bytes(FIRMWARE[:-1] + b"?")
    with pytest.raises(SnapshotDamaged):
        store.load_dump(store.dumps()[0])
    file.unlink()
    damaged = store.dumps()[0].damaged
    assert damaged is not None
    assert file.name in damaged.english()


@pytest.mark.parametrize("old", [b'"address": 134217728', b'"core"', b'"alt": 1', b"boot-loader", b'"format": 1', b"{"])
def test_a_changed_manifest_is_never_believed(root: Path, old: bytes, caplog: pytest.LogCaptureFixture) -> None:
    store = UndoStore(root)
    dump = dumped(store)
    content = dump.manifest.read_bytes()
    assert old in content
    dump.manifest.write_bytes(content.replace(old, old[:-1] + bytes([old[-1] ^ 1]), 1))
    assert store.dumps() == ()
    assert dump.manifest.name in caplog.text
    with pytest.raises(SnapshotDamaged):
        store.load_dump(dump)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b'{"check": 1}',
        b'{"kind": "rekindle dump"}',
        pytest.param(b"[" * 99_999, id="deep"),
    ],
)
def test_what_is_no_manifest_is_refused_and_hides_nothing(
    root: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = UndoStore(root)
    dump = dumped(store)
    stranger = dump.manifest.with_name("2026-01-01T00-00-00Z-01234567.json")
    stranger.write_bytes(content)
    assert store.dumps() == (dump,)
    assert stranger.name in caplog.text
    with pytest.raises(SnapshotDamaged):
        store.open_dump(stranger)


def test_a_board_finds_what_was_kept_before_and_after_its_id_was_proven(root: Path) -> None:
    store = UndoStore(root)
    early = dumped(store, BoardName("core", None, "CE8A4602EFCD"))
    late = dumped(store)
    dumped(store, BoardName("core", None, "8D96428E5349"))
    assert early.manifest.parents[1] != late.manifest.parents[1]
    for board in (CORE, BoardName("core", None, "CE8A4602EFCD"), BoardName("core", ID)):
        assert set(store.dumps(board)) == {early, late}
    assert len(store.dumps()) == 3


def test_old_photons_with_the_same_serial_are_only_maybe_the_same(root: Path) -> None:
    store = UndoStore(root)
    unproven = dumped(store, PHOTON)
    proven = dumped(store, BoardName("photon", ID, "00000000010C"))
    other = dumped(store, BoardName("photon", "f" * 24, "00000000010C"))
    assert set(store.dumps(PHOTON)) == {unproven, proven, other}
    assert set(store.dumps(proven.board)) == {unproven, proven}
    matches = {dump.id: dump.board.matches("photon", ID, None) for dump in store.dumps()}
    assert matches == {unproven.id: Match.MAYBE, proven.id: Match.YES, other.id: Match.NO}


def test_a_dump_tells_what_could_not_be_read(root: Path) -> None:
    store = UndoStore(root)
    missing = (Missing("dct", 1, 0, 16384, "system part 2 is damaged"),)
    dump = store.save_dump(CORE, [DumpPart("factory-0.4.9", 0, 0x080E_0000, FIRMWARE)], missing=missing)
    assert store.dumps()[0].missing == missing
    assert store.load_dump(dump) == {"factory-0.4.9": FIRMWARE}
