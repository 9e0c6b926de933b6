"""Two programs, one key safe: what the other one finishes or tidies while this one looks is no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.keys.device_key import examine
from app.keys.safe import KeyEntry, KeySafe
from app.platforms.model import Algorithm


def entry(raw: bytes) -> KeyEntry:
    return KeyEntry(
        platform="photon",
        slot="device-private",
        alt=1,
        address=34,
        raw=raw,
        report=examine(raw, Algorithm.RSA_1024),
        device_id=None,
        proof=None,
        serial="00000000010C",
    )


@pytest.fixture
def vanishing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeySafe:
    """A safe in which the other program's unfinished files are there when listed and gone when looked at."""
    safe = KeySafe(tmp_path / "keys")
    whole = safe.store(entry(b"\x01" * 600))
    for suffix in (".bin", ".json"):
        (whole.folder / f".2026-01-02T03-04-05Z-device-private-0123abcd{suffix}.89abcdef.part").write_bytes(b"half")
    (whole.folder / "2026-01-02T03-04-05Z-device-private-0123abcd.bin").write_bytes(b"half")
    listed = Path.iterdir
    looks = 0

    def list_and_lose(folder: Path) -> list[Path]:
        nonlocal looks
        there = list(listed(folder))
        if folder == whole.folder:
            looks += 1
        if looks == 2:  # first for finished backups, then for leftovers
            for path in there:
                if "0123abcd" in path.name:
                    path.unlink()
        return there

    monkeypatch.setattr(Path, "iterdir", list_and_lose)
    return safe


def test_files_another_program_finished_meanwhile_do_not_spoil_the_list(vanishing: KeySafe) -> None:
    (whole,) = [backup for backup in vanishing.backups() if backup.damaged is None]
    assert vanishing.key_bytes(whole) == b"\x01" * 600


def test_files_another_program_finished_meanwhile_do_not_keep_a_key_out(vanishing: KeySafe) -> None:
    stored = vanishing.store(entry(b"\x02" * 600))
    assert vanishing.key_bytes(stored) == b"\x02" * 600
