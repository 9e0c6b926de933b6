from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from support import device_keys as keys
from support.ending_disk import Killed, Recording, Refusing, count_actions, kill, kill_process, no_room

from app.faults import (
    BackupDamaged,
    BackupDiffers,
    DiskFailed,
    Fault,
    FolderGone,
    FolderRefused,
    IdentityMismatch,
    NoRoom,
    SafeLocked,
    WrongPassphrase,
)
from app.files import FileActions
from app.keys import passphrase
from app.keys.device_key import KeyState, examine
from app.keys.safe import Backup, KeyEntry, KeySafe
from app.platforms.model import Algorithm

DEVICE = "0123456789abcdef01234567"
OTHER = "f" * 24
RAW = keys.slot(keys.as_device())
RAW_2 = keys.slot(keys.as_openssl(keys.SHORT_P, keys.SHORT_Q))
NOON = datetime(2020, 11, 23, 12, 0, 0, tzinfo=UTC)
COST = passphrase.COST  # the program's own: the tests are about to have a cheaper one
OPENSSL = shutil.which("openssl")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX")


def entry(
    raw: bytes = RAW,
    *,
    device_id: str | None = DEVICE,
    platform: str = "core",
    serial: str | None = "8D96428E5349",
    algorithm: Algorithm = Algorithm.RSA_1024,
) -> KeyEntry:
    return KeyEntry(
        platform=platform,
        slot="device-private",
        alt=1,
        address=0x2000,
        raw=raw,
        report=examine(raw, algorithm),
        device_id=device_id,
        proof="console" if device_id else None,
        serial=serial,
        system_version="0.7.0",
    )


def unproven(raw: bytes = RAW, *, serial: str | None = "8D96428E5349", platform: str = "core") -> KeyEntry:
    return entry(raw, device_id=None, serial=serial, platform=platform)


def safe(root: Path, actions: FileActions | None = None, *, later: timedelta = timedelta()) -> KeySafe:
    """The safe, long ago; leftovers count as settled if `later` is long (files have the computer's own time)."""
    now = NOON if not later else datetime.now(UTC) + later
    return KeySafe(root, now=lambda: now, actions=actions)


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_a_key_is_kept_with_its_four_files(tmp_path: Path) -> None:
    backup = safe(tmp_path / "keys").store(entry())
    assert backup.folder == tmp_path / "keys" / DEVICE
    assert backup.name == f"2020-11-23T12-00-00Z-device-private-{backup.sha256[:8]}"
    assert [path.name.removeprefix(backup.name) for path in backup.files] == [".bin", ".der", ".pub.pem", ".json"]
    assert backup.files[0].read_bytes() == RAW
    assert backup.files[1].read_bytes() == keys.as_device()
    assert backup.files[2].read_bytes() == examine(RAW, Algorithm.RSA_1024).public_pem
    assert tree(tmp_path / "keys").keys() == {str(path.relative_to(tmp_path / "keys")) for path in backup.files}


def test_the_note_tells_who_when_and_what_and_nothing_private(tmp_path: Path) -> None:
    backup = safe(tmp_path).store(entry())
    note = json.loads(backup.files[-1].read_text(encoding="utf-8"))
    assert note["device_id"] == DEVICE
    assert note["proof"] == "console"
    assert note["serial"] == "8D96428E5349"
    assert note["platform"] == "core"
    assert note["slot"] == {"key": "device-private", "alt": 1, "address": 0x2000, "size": 612}
    assert note["made"] == "2020-11-23T12:00:00+00:00"
    assert note["state"] == "good"
    assert note["practice"] is False
    assert note["tool"].startswith("rekindle")
    assert len(note["sha256"]) == len(note["der_sha256"]) == len(note["fingerprint"]) == 64
    text = backup.files[-1].read_text(encoding="utf-8") + repr(backup) + repr(entry())
    assert keys.P.to_bytes(64, "big").hex()[:16] not in text
    assert repr(RAW)[2:60] not in text


def test_practice_keys_say_so(tmp_path: Path) -> None:
    assert KeySafe(tmp_path, practice=True).store(entry()).practice is True


@pytest.mark.parametrize("raw", [b"\xff" * 612, b"\x00" * 612, b"\x30garbage", b""])
def test_what_is_no_key_is_kept_byte_for_byte(tmp_path: Path, raw: bytes) -> None:
    opened = safe(tmp_path)
    backup = opened.store(entry(raw))
    assert [path.suffix for path in backup.files] == [".bin", ".json"]
    assert opened.key_bytes(backup) == raw
    assert backup.state in {KeyState.BLANK, KeyState.CORRUPT}
    assert backup.damaged is None


def test_what_is_stored_is_listed_alike(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    backup = opened.store(entry())
    assert opened.backups() == (backup,)
    assert safe(tmp_path).backups() == (backup,)


def test_an_empty_safe_lists_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    assert safe(tmp_path / "keys").backups() == ()
    assert not (tmp_path / "keys").exists()


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    first = safe(tmp_path).store(entry())
    before = tree(tmp_path)
    assert safe(tmp_path, later=timedelta(days=1)).store(entry()) == first
    assert tree(tmp_path) == before


def test_newest_comes_first(tmp_path: Path) -> None:
    times = [NOON, NOON + timedelta(seconds=5), NOON - timedelta(days=300)]
    raws = [RAW, RAW_2, b"\xff" * 612]
    for time, raw in zip(times, raws, strict=True):
        KeySafe(tmp_path, now=lambda time=time: time).store(entry(raw))  # type: ignore[misc]
    assert [backup.made for backup in safe(tmp_path).backups()] == sorted(times, reverse=True)


def test_a_damaged_backup_is_reported_and_made_again_without_touching_it(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    first = opened.store(entry())
    first.files[0].write_bytes(RAW[:-5])
    second = opened.store(entry())
    assert second.name == f"{first.name}-2"
    assert first.files[0].read_bytes() == RAW[:-5]
    listed = {backup.name: backup for backup in opened.backups()}
    assert listed[second.name].damaged is None
    reason = listed[first.name].damaged
    assert reason is not None
    assert f"{first.name}.bin was changed" in reason.english()
    with pytest.raises(BackupDamaged) as caught:
        opened.key_bytes(listed[first.name])
    assert "was changed" in caught.value.cause.english()


def test_the_public_key_is_read_for_handing_on_and_checked_first(tmp_path: Path) -> None:
    kept = safe(tmp_path).store(entry())
    pem = safe(tmp_path).public_pem(kept)
    assert pem == (examine(RAW, Algorithm.RSA_1024).public_pem or b"").decode()
    kept.file(".pub.pem").write_text(pem.replace("M", "N", 1), encoding="ascii")
    with pytest.raises(BackupDamaged):
        safe(tmp_path).public_pem(kept)


def test_what_is_no_key_has_no_public_key_to_hand_on(tmp_path: Path) -> None:
    with pytest.raises(BackupDamaged):
        safe(tmp_path).public_pem(safe(tmp_path).store(entry(b"\xff" * 612)))


@pytest.mark.parametrize("suffix", [".bin", ".der", ".pub.pem"])
def test_a_missing_file_is_reported(tmp_path: Path, suffix: str) -> None:
    opened = safe(tmp_path)
    opened.store(entry()).file(suffix).unlink()
    (found,) = opened.backups()
    assert found.damaged is not None
    assert "missing" in found.damaged.english()
    assert all(path.exists() for path in found.files)


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b"null", b'{"format": 2}', b"\xff\xfe", b'{"format": 1}'])
def test_an_unreadable_note_hides_nothing(tmp_path: Path, note: bytes) -> None:
    opened = safe(tmp_path)
    backup = opened.store(entry())
    backup.files[-1].write_bytes(note)
    (found,) = opened.backups()
    assert found.damaged is not None
    assert (found.device_id, found.slot, found.made, found.state) == (DEVICE, "device-private", NOON, None)
    assert set(found.files) == set(backup.files)


@pytest.mark.parametrize("name", ["sha256", "made", "files", "slot", "state", "algorithm", "encrypted"])
@pytest.mark.parametrize("value", [None, 7, "x", {}, []])
def test_a_note_with_a_wrong_entry_is_reported(tmp_path: Path, name: str, value: object) -> None:
    opened = safe(tmp_path)
    note_file = opened.store(entry()).files[-1]
    note = json.loads(note_file.read_text(encoding="utf-8"))
    note[name] = value
    note_file.write_text(json.dumps(note), encoding="utf-8")
    if name == "encrypted" and not value:
        assert opened.backups()[0].damaged is None  # any empty value means no
    else:
        assert opened.backups()[0].damaged is not None


def test_a_backup_moved_to_another_board_s_folder_is_reported(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    backup = opened.store(entry())
    backup.folder.rename(tmp_path / OTHER)
    (found,) = opened.backups()
    assert found.damaged is not None
    assert "another board" in found.damaged.english()


def test_a_closed_folder_is_reported_and_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = safe(tmp_path)
    theirs = opened.store(unproven()).folder
    ours = opened.store(entry(RAW_2))
    list_folder = Path.iterdir

    def closed(folder: Path) -> Iterator[Path]:
        if folder == theirs:
            raise PermissionError(13, "closed")
        return list_folder(folder)

    monkeypatch.setattr(Path, "iterdir", closed)
    listed = opened.backups()
    assert [backup.name for backup in listed if backup.damaged is None] == [ours.name]
    (other,) = [backup for backup in listed if backup.damaged is not None]
    assert other.damaged is not None
    assert theirs.name in other.damaged.english()
    assert other.files == ()


def test_strangers_in_the_folders_are_passed_over(tmp_path: Path) -> None:
    opened = safe(tmp_path, later=timedelta(days=1))
    backup = opened.store(entry())
    for stranger in (backup.folder / "notes.txt", backup.folder / ".DS_Store", tmp_path / "notes.txt"):
        stranger.write_bytes(b"mine")
    (tmp_path / "holiday").mkdir()
    before = tree(tmp_path)
    assert opened.backups() == (backup,)
    opened.store(entry())
    assert tree(tmp_path) == before


@posix_only
def test_only_the_owner_may_look(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "keys"
    backup = safe(root).store(entry())
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (root, backup.folder)} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in backup.files} == {0o600}


@posix_only
def test_a_folder_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    safe(tmp_path).store(entry())
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "wrong",
    [{"device_id": "0123"}, {"device_id": DEVICE.upper()}, {"proof": None}, {"slot": "../x"}, {"platform": "a/b"}],
    ids=str,
)
def test_an_entry_of_wrong_form_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"device ID|key of a platform"):
        replace(entry(), **wrong)  # type: ignore[arg-type]


def test_two_threads_storing_the_same_key_keep_it_once(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    found: list[Backup] = []
    threads = [threading.Thread(target=lambda: found.append(opened.store(entry()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [found[0]] * 4
    assert opened.backups() == (found[0],)


# --- boards without a proven ID -------------------------------------------------------------------------------------


def test_without_an_id_a_key_is_kept_under_the_serial(tmp_path: Path) -> None:
    backup = safe(tmp_path).store(unproven())
    assert backup.folder.name == "serial-core-8D96428E5349"
    assert (backup.device_id, backup.proof) == (None, None)


@pytest.mark.parametrize(
    ("serial", "folder"),
    [(None, "serial-core-none"), ("", "serial-core-none"), ("../../x", "serial-core-______x"), ("a" * 200, None)],
)
def test_any_serial_makes_a_folder_inside_the_safe(tmp_path: Path, serial: str | None, folder: str | None) -> None:
    backup = safe(tmp_path).store(unproven(serial=serial))
    assert backup.folder.parent == tmp_path
    assert backup.folder.name == (folder or f"serial-core-{'a' * 64}")
    assert backup.serial == serial


def test_old_photons_with_the_same_serial_are_kept_apart_and_unproven(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    one = opened.store(unproven(RAW, serial="00000000010C", platform="photon"))
    two = opened.store(unproven(RAW_2, serial="00000000010C", platform="photon"))
    assert one.folder == two.folder
    assert {backup.device_id for backup in opened.backups()} == {None}
    # Only the one chosen is joined; the other board's key stays where it is.
    (joined,) = opened.join([one], DEVICE, "dct")
    assert {(backup.device_id, backup.sha256) for backup in opened.backups()} == {
        (DEVICE, joined.sha256),
        (None, two.sha256),
    }


# Words 0, 1, 2 of this ID: its Core serial is hex8(w0 + w2) + hex4(w1 >> 16) (device-protocol.md 1.4).
CORE_SERIAL = "CE8A4602EFCD"


def test_a_proven_id_joins_what_was_kept_under_the_serial(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    original = opened.store(unproven(serial=CORE_SERIAL))
    before = tree(tmp_path)
    (joined,) = opened.join([original], DEVICE, "console")
    assert (joined.device_id, joined.proof, joined.made) == (DEVICE, "console", original.made)
    assert joined.joined_from == f"{original.folder.name}/{original.name}"
    assert opened.key_bytes(joined) == RAW
    assert opened.backups() == (joined,)
    assert before.items() <= tree(tmp_path).items()
    # Again: nothing new.
    after = tree(tmp_path)
    assert opened.join([original, joined], DEVICE, "console") == (joined, joined)
    assert tree(tmp_path) == after


def test_joining_what_the_board_has_already_adds_nothing(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    known = opened.store(entry(serial=CORE_SERIAL))
    original = opened.store(unproven(serial=CORE_SERIAL))
    assert opened.join([original], DEVICE, "console") == (known,)
    assert opened.backups() == (known,)


def test_if_the_joined_copy_is_damaged_the_original_is_shown_again(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    original = opened.store(unproven(serial=CORE_SERIAL))
    (joined,) = opened.join([original], DEVICE, "console")
    joined.files[0].write_bytes(b"")
    assert original in opened.backups()
    assert len(opened.backups()) == 2


def test_an_empty_slot_of_an_unknown_board_is_not_taken_for_another_board_s(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.store(entry(b"\xff" * 612))
    unknown = opened.store(unproven(b"\xff" * 612))
    assert unknown in opened.backups()


def test_a_serial_that_contradicts_the_id_is_not_joined(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    fits, contradicts = opened.store(unproven(serial=CORE_SERIAL)), opened.store(unproven(serial="8D96428E5349"))
    before = tree(tmp_path)
    with pytest.raises(IdentityMismatch):
        opened.join([fits, contradicts], DEVICE, "console")
    assert tree(tmp_path) == before


def test_another_board_s_backup_is_not_joined(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    with pytest.raises(IdentityMismatch):
        opened.join([opened.store(entry())], OTHER, "console")


def test_a_damaged_backup_is_not_joined(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    original = opened.store(unproven(serial=CORE_SERIAL))
    original.files[0].write_bytes(b"x")
    with pytest.raises(BackupDamaged):
        opened.join([original], DEVICE, "console")


# --- copies ---------------------------------------------------------------------------------------------------------


def test_copies_never_overwrite(tmp_path: Path) -> None:
    opened = safe(tmp_path / "keys")
    backup = opened.store(entry())
    target = tmp_path / "stick"
    target.mkdir()
    first = opened.copy_to(backup, target)
    before = tree(target)
    second = opened.copy_to(backup, target)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in backup.files]
    assert [path.read_bytes() for path in second] == [path.read_bytes() for path in backup.files]
    assert {path.name.split(".")[0] for path in first} == {f"{DEVICE}-{backup.name}"}
    assert {path.name.split(".")[0] for path in second} == {f"{DEVICE}-{backup.name}-2"}
    assert before.items() <= tree(target).items()


def test_copying_to_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    with pytest.raises(FolderGone) as caught:
        opened.copy_to(opened.store(entry()), tmp_path / "gone")
    assert "gone" in caught.value.cause.english()


# --- the disk refuses -----------------------------------------------------------------------------------------------


def test_a_full_disk_at_any_action_is_a_fault_and_loses_nothing(tmp_path: Path) -> None:
    actions = count_actions(lambda seam: safe(tmp_path / "count", seam).store(entry()))
    for number in range(actions):
        root = tmp_path / str(number)
        with pytest.raises(NoRoom) as caught:
            safe(root, Refusing(number, no_room)).store(entry())
        assert str(root) in caught.value.cause.english()
        backup = safe(root).store(entry())
        assert backup in safe(root).backups()
        assert [found for found in safe(root).backups() if found.damaged] == []


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EACCES, FolderRefused),
        (errno.EROFS, FolderRefused),
        (errno.ENOENT, FolderGone),
        (errno.EDQUOT, NoRoom),
        (errno.EIO, DiskFailed),
    ],
)
def test_refusals_become_faults_by_number(tmp_path: Path, number: int, fault: type[Fault]) -> None:
    def refuse() -> None:
        raise OSError(number, "whatever it says")

    with pytest.raises(fault) as caught:
        safe(tmp_path, Refusing(4, refuse)).store(entry())
    assert caught.value.code.startswith("safe.")
    assert "{" not in caught.value.cause.english() + caught.value.next_step.english()


def test_a_file_in_place_of_the_safe_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"")
    with pytest.raises(FolderGone):
        safe(tmp_path / "keys").store(entry())


def test_a_disk_that_forgets_is_noticed(tmp_path: Path) -> None:
    class Forgetful(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            super().write(descriptor, content[:-1])

    with pytest.raises(BackupDiffers):
        safe(tmp_path, Forgetful()).store(entry())
    assert all(backup.damaged for backup in safe(tmp_path).backups())


def test_no_note_is_written_for_a_key_that_reads_back_differently(tmp_path: Path) -> None:
    class ForgetsKeys(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            super().write(descriptor, content[:-1] if content == RAW else content)

    with pytest.raises(BackupDiffers):
        safe(tmp_path, ForgetsKeys()).store(entry())
    assert list(tmp_path.rglob("*.json")) == []


def test_a_copy_that_reads_back_differently_is_removed(tmp_path: Path) -> None:
    class Forgetful(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            super().write(descriptor, content[:-1])

    backup = safe(tmp_path / "keys").store(entry())
    target = tmp_path / "stick"
    target.mkdir()
    with pytest.raises(BackupDiffers):
        safe(tmp_path / "keys", Forgetful()).copy_to(backup, target)
    assert list(target.iterdir()) == []


@posix_only
def test_a_file_system_without_links_works_too_and_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(_part: Path, _final: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr("app.files.os.link", no_links)
    backup = safe(tmp_path).store(entry())
    assert safe(tmp_path).backups() == (backup,)
    assert len(tree(tmp_path)) == 4
    part = tmp_path / "part"
    part.write_bytes(b"new")
    with pytest.raises(FileExistsError):
        FileActions().place(part, backup.files[0])
    assert backup.files[0].read_bytes() == RAW


def test_a_name_that_is_taken_is_never_overwritten(tmp_path: Path) -> None:
    part, final = tmp_path / "part", tmp_path / "final"
    part.write_bytes(b"new")
    final.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        FileActions().place(part, final)
    assert final.read_bytes() == b"old"


def test_the_note_is_named_only_after_everything_else_is_flushed(tmp_path: Path) -> None:
    actions = Recording()
    backup = safe(tmp_path / "keys", actions).store(entry())
    assert actions.done[:2] == [("flush", tmp_path.name), ("flush", "keys")]  # the new folders themselves
    done = actions.done[2:]
    for file in range(3):
        (flushed, part), (_, renamed), named = done[3 * file : 3 * file + 3]
        assert (flushed, part) == ("flush", renamed)
        assert named == ("named", backup.files[file].name)
    assert done[9] == ("flush", DEVICE)
    assert done[10][0] == "flush"
    assert done[12:] == [("named", backup.files[3].name), ("flush", DEVICE)]


# --- the program ends at any moment ---------------------------------------------------------------------------------


PASSPHRASE = "correct horse"


def reopened(root: Path, *, encrypted: bool, actions: FileActions | None = None, days: int = 0) -> KeySafe:
    opened = safe(root, actions, later=timedelta(days=days))
    if encrypted:
        opened.unlock(PASSPHRASE)
    return opened


def check_after_kill(root: Path, earlier: Backup, *, encrypted: bool) -> None:
    """Whatever was interrupted: earlier keys are sound, nothing half is claimed, the next attempt succeeds."""
    left = tree(root)
    opened = reopened(root, encrypted=encrypted)
    assert earlier in opened.backups()
    assert opened.key_bytes(earlier) == RAW_2
    for backup in opened.backups():
        if backup.damaged is None:
            assert opened.key_bytes(backup) in (RAW, RAW_2)
        else:
            assert "interrupted" in backup.damaged.english()
            assert all(path.exists() for path in backup.files)
    assert tree(root) == left  # looking changes nothing
    stored = opened.store(entry())
    assert opened.key_bytes(stored) == RAW
    assert left.items() <= tree(root).items()  # nothing removed or overwritten so soon
    # A day later leftovers are tidied, and only what two sound backups need remains.
    calm = reopened(root, encrypted=encrypted, days=1)
    assert calm.store(entry()) == stored
    assert set(calm.backups()) == {earlier, stored}
    remaining = {*earlier.files, *stored.files, *root.glob("passphrase.check")}
    assert set(tree(root)) == {str(path.relative_to(root)) for path in remaining}


def prepare(root: Path, *, encrypted: bool) -> Backup:
    opened = safe(root)
    if encrypted:
        opened.set_passphrase(PASSPHRASE)
    return opened.store(entry(RAW_2))


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_killed_at_any_action_a_store_leaves_all_or_nothing(tmp_path: Path, encrypted: bool) -> None:
    prepare(tmp_path / "count", encrypted=encrypted)
    actions = count_actions(lambda seam: reopened(tmp_path / "count", encrypted=encrypted, actions=seam).store(entry()))
    assert actions > 20
    for number in range(actions):
        root = tmp_path / str(number)
        earlier = prepare(root, encrypted=encrypted)
        with pytest.raises(Killed):
            reopened(root, encrypted=encrypted, actions=Refusing(number, kill)).store(entry())
        check_after_kill(root, earlier, encrypted=encrypted)


def test_killed_while_tidying_up_nothing_is_lost(tmp_path: Path) -> None:
    def interrupted(root: Path) -> Backup:
        earlier = prepare(root, encrypted=False)
        with pytest.raises(Killed):  # all files but the note are there, and a part of the note
            safe(root, Refusing(24, kill)).store(entry())
        safe(root).store(entry())
        return earlier

    interrupted(tmp_path / "count")
    later = timedelta(days=1)
    actions = count_actions(lambda seam: safe(tmp_path / "count", seam, later=later).store(entry()))
    assert actions > 4
    for number in range(actions):
        root = tmp_path / str(number)
        earlier = interrupted(root)
        with pytest.raises(Killed):
            safe(root, Refusing(number, kill), later=later).store(entry())
        check_after_kill(root, earlier, encrypted=False)


def test_killed_at_any_action_a_join_leaves_all_or_nothing(tmp_path: Path) -> None:
    actions = count_actions(
        lambda seam: safe(tmp_path / "c", seam).join(
            [safe(tmp_path / "c").store(unproven(serial=CORE_SERIAL))], DEVICE, "console"
        )
    )
    for number in range(actions):
        root = tmp_path / str(number)
        original = safe(root).store(unproven(serial=CORE_SERIAL))
        with pytest.raises(Killed):
            safe(root, Refusing(number, kill)).join([original], DEVICE, "console")
        opened = safe(root)
        assert any(opened.key_bytes(backup) == RAW for backup in opened.backups() if backup.damaged is None)
        (joined,) = opened.join([original], DEVICE, "console")
        assert opened.backups() == (joined,)


def test_bytes_nothing_else_holds_are_never_tidied_up(tmp_path: Path) -> None:
    actions = count_actions(lambda seam: safe(tmp_path / "count", seam).store(entry()))
    for number in range(actions):
        root = tmp_path / str(number)
        with pytest.raises(Killed):
            safe(root, Refusing(number, kill)).store(entry())
        held = {content for content in tree(root).values() if content and RAW.startswith(content)}
        later = safe(root, later=timedelta(days=1))
        later.store(entry(RAW_2))
        later.store(entry(RAW_2))
        assert held <= set(tree(root).values())


def test_a_key_whose_backup_was_interrupted_is_listed_with_its_bytes(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        safe(tmp_path, Refusing(18, kill)).store(entry())
    (found,) = safe(tmp_path).backups()
    assert found.damaged is not None
    assert "all there" in found.damaged.english()
    target = tmp_path / "stick"
    target.mkdir()
    assert RAW in [path.read_bytes() for path in safe(tmp_path).copy_to(found, target)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_killed_at_any_action_leaves_all_or_nothing(tmp_path: Path) -> None:
    wanted = entry()
    prepare(tmp_path / "count", encrypted=False)
    actions = count_actions(lambda seam: safe(tmp_path / "count", seam).store(wanted))
    for number in range(actions):
        root = tmp_path / str(number)
        earlier = prepare(root, encrypted=False)
        child = os.fork()
        if child == 0:
            try:
                safe(root, Refusing(number, kill_process)).store(wanted)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
        check_after_kill(root, earlier, encrypted=False)


# --- the passphrase -------------------------------------------------------------------------------------------------


def test_with_a_passphrase_nothing_private_is_readable(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    backup = opened.store(entry())
    assert backup.encrypted
    suffixes = [path.name.removeprefix(backup.name) for path in backup.files]
    assert suffixes == [".bin.locked", ".pkcs8.pem", ".pub.pem", ".json"]
    everything = b"".join(tree(tmp_path).values())
    for start in range(0, 600, 16):
        if RAW[start : start + 16] not in examine(RAW, Algorithm.RSA_1024).public_pem:
            assert RAW[start : start + 16] not in everything
    assert PASSPHRASE.encode() not in everything
    assert PASSPHRASE not in repr(vars(opened))
    assert backup.files[2].read_bytes() == examine(RAW, Algorithm.RSA_1024).public_pem


def test_the_passphrase_gives_back_every_byte(tmp_path: Path) -> None:
    first = safe(tmp_path)
    first.set_passphrase(PASSPHRASE)
    good, blank = first.store(entry()), first.store(entry(b"\x01" * 612))
    later = safe(tmp_path)
    assert set(later.backups()) == {good, blank}
    assert (later.has_passphrase, later.locked) == (True, True)
    with pytest.raises(SafeLocked):
        later.key_bytes(good)
    later.unlock(PASSPHRASE)
    assert not later.locked
    assert (later.key_bytes(good), later.key_bytes(blank)) == (RAW, b"\x01" * 612)
    assert later.store(entry()) == good
    later.lock()
    with pytest.raises(SafeLocked):
        later.key_bytes(good)


def test_the_pkcs8_file_is_the_key(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    pem = opened.store(entry()).file(".pkcs8.pem").read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in pem
    der = load_pem_private_key(pem, PASSPHRASE.encode()).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    assert der == keys.as_openssl()


@pytest.mark.skipif(OPENSSL is None, reason="NOT PROVEN HERE: openssl is missing, so nobody opens our encrypted keys")
def test_openssl_opens_the_pkcs8_file_with_the_passphrase(tmp_path: Path) -> None:
    assert OPENSSL is not None
    opened = safe(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    backup = opened.store(entry())
    found = subprocess.run(
        [OPENSSL, "pkey", "-in", str(backup.file(".pkcs8.pem")), "-passin", "stdin", "-pubout"],
        input=PASSPHRASE.encode() + b"\n",
        capture_output=True,
        check=True,
        timeout=20,
    ).stdout
    assert found.split() == backup.file(".pub.pem").read_bytes().split()


@pytest.mark.parametrize("wrong", ["", "Correct horse", "correct horse "])
def test_a_wrong_passphrase_opens_nothing(tmp_path: Path, wrong: str) -> None:
    safe(tmp_path).set_passphrase(PASSPHRASE)
    opened = safe(tmp_path)
    with pytest.raises(WrongPassphrase):
        opened.unlock(wrong)
    assert opened.locked
    with pytest.raises(SafeLocked):
        opened.store(entry())


def test_accents_typed_on_another_system_are_the_same_passphrase(tmp_path: Path) -> None:
    safe(tmp_path).set_passphrase("caf\u00e9")
    opened = safe(tmp_path)
    opened.unlock("cafe\u0301")
    assert not opened.locked


def test_a_second_passphrase_or_an_empty_one_is_refused(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    for empty in ("", "x" * 1024):
        with pytest.raises(ValueError, match="1 to 1023"):
            opened.set_passphrase(empty)
    opened.set_passphrase(PASSPHRASE)
    with pytest.raises(ValueError, match="already"):
        opened.set_passphrase("another")


def test_plain_backups_stay_as_they_are_when_a_passphrase_is_set(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    plain = opened.store(entry())
    before = tree(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    assert opened.store(entry()) == plain
    assert before.items() <= tree(tmp_path).items()
    assert opened.store(entry(RAW_2)).encrypted


def test_an_encrypted_backup_is_joined_encrypted(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    original = opened.store(unproven(serial=CORE_SERIAL))
    (joined,) = opened.join([original], DEVICE, "console")
    assert joined.encrypted
    assert opened.key_bytes(joined) == RAW
    assert opened.backups() == (joined,)


def test_a_plain_backup_is_joined_encrypted_once_there_is_a_passphrase(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    original = opened.store(unproven(serial=CORE_SERIAL))
    opened.set_passphrase(PASSPHRASE)
    (joined,) = opened.join([original], DEVICE, "console")
    assert joined.encrypted
    assert opened.key_bytes(joined) == RAW


def test_a_changed_container_is_reported_while_the_safe_is_locked(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.set_passphrase(PASSPHRASE)
    container = opened.store(entry()).files[0]
    content = bytearray(container.read_bytes())
    content[-1] ^= 1
    container.write_bytes(content)
    (found,) = safe(tmp_path).backups()
    assert found.damaged is not None


def test_a_backup_of_a_forgotten_passphrase_does_not_stand_for_a_new_one(tmp_path: Path) -> None:
    opened = safe(tmp_path)
    opened.set_passphrase("forgotten")
    lost = opened.store(entry())
    (tmp_path / "passphrase.check").unlink()
    fresh = safe(tmp_path)
    fresh.set_passphrase(PASSPHRASE)
    assert fresh.store(entry()) != lost
    with pytest.raises(WrongPassphrase):
        fresh.key_bytes(lost)


# After 18 bytes of magic and 16 of salt come the three bytes of the cost, then the nonce.
@pytest.mark.parametrize("at", [0, 18, 34, 35, 36, 37, -1])
@pytest.mark.parametrize("change", [0x01, 0x80])
def test_a_changed_passphrase_check_opens_nothing(tmp_path: Path, at: int, change: int) -> None:
    safe(tmp_path).set_passphrase(PASSPHRASE)
    check = tmp_path / "passphrase.check"
    content = bytearray(check.read_bytes())
    content[at] ^= change
    check.write_bytes(content)
    with pytest.raises(WrongPassphrase):
        safe(tmp_path).unlock(PASSPHRASE)


@pytest.mark.parametrize("size", [0, 10, 37, 40, 60])
def test_a_torn_passphrase_check_opens_nothing(tmp_path: Path, size: int) -> None:
    safe(tmp_path).set_passphrase(PASSPHRASE)
    check = tmp_path / "passphrase.check"
    check.write_bytes(check.read_bytes()[:size])
    with pytest.raises(WrongPassphrase):
        safe(tmp_path).unlock(PASSPHRASE)


def test_guessing_the_passphrase_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "COST", COST)
    log_n, r, _ = COST
    assert 128 * r << log_n >= 32 * 1024 * 1024  # bytes of memory for each guess
    slow = passphrase.Passphrase(PASSPHRASE)
    assert passphrase.Passphrase(PASSPHRASE).open(slow.seal(RAW)) == RAW
