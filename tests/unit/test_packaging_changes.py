"""The changes told to people, from fragments."""

from __future__ import annotations

import gzip
from pathlib import Path

import changes
import linux
import parts
import pytest


def test_the_version_that_is_built_tells_what_changed_and_the_debian_changelog_has_it(
    monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    told = gzip.decompress(linux.share_files()["usr/share/doc/rekindle/changelog.gz"]).decode()
    lines = told.splitlines()
    assert lines[0] == f"rekindle ({parts.version()}) unstable; urgency=medium"
    assert sum(line.startswith("  * ") for line in lines) == len(changes.changes(parts.version()))
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-1].startswith(" -- ")
    assert all(change in " ".join(told.split()) for change in changes.changes(parts.version()))


def test_every_fragment_is_a_short_paragraph() -> None:
    found = [path for path in changes.FOLDER.rglob("*.md") if path.parent != changes.FOLDER]
    assert found
    for path in found:
        words = path.read_text(encoding="utf-8").strip()
        assert 0 < len(words) <= changes.LONGEST, path.name
        assert "\n\n" not in words, path.name
        assert words[0].isupper(), path.name
        assert words.endswith("."), path.name


def test_fragments_come_by_name_and_a_version_without_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changes, "FOLDER", tmp_path)
    (tmp_path / "2.0").mkdir()
    (tmp_path / "2.0" / "b.md").write_text("Second\nchange.\n")
    (tmp_path / "2.0" / "a.md").write_text("First change.\n")
    assert changes.changes("2.0") == ("First change.", "Second change.")
    assert changes.debian("2.0") == "  * First change.\n  * Second change."
    with pytest.raises(SystemExit):
        changes.changes("2.1")
    assert "2.1" in capsys.readouterr().err
