"""The tool of whoever releases: key, address, notice, check; and nothing secret where it does not belong."""

from __future__ import annotations

import base64
import getpass
import json
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import changes
import pytest
import release_notice
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.release_signer import KEY, NoticeServer, envelope

from app.keys import passphrase
from app.keys.passphrase import Passphrase
from app.updates import Channel, Version, proven, read_channel, write_channel

PASSPHRASE = "a long enough passphrase"
LINK = "https://releases.example/0.9.0"


class Bench:
    """A checkout of the test's own, with a person who types."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.channel = self.root / "resources" / "updates" / "channel.json"
        self.channel.parent.mkdir(parents=True)
        self.channel.write_bytes(write_channel(Channel()))
        self.key = folder / "outside" / "release.pem"
        self.key.parent.mkdir()
        self.notice = self.root / "dist" / "rekindle-notice.txt"
        self.typed: list[str] = []

    def run(self, *words: object, typed: tuple[str, ...] = ()) -> int:
        self.typed = list(typed)
        code = release_notice.main([str(word) for word in words])
        assert not self.typed, "not asked for"
        return code

    def pinned(self) -> Channel:
        return read_channel(self.channel.read_bytes())


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(passphrase, "COST", bytes([4, 8, 1]))  # quick to guess, and to test
    monkeypatch.setattr(release_notice, "ROOT", made.root)
    monkeypatch.setattr(release_notice, "CHANNEL", made.channel)
    monkeypatch.setattr(release_notice, "NOTICE", made.notice)
    monkeypatch.setattr(release_notice, "DIST", made.notice.parent)
    monkeypatch.setattr(release_notice, "version", lambda: "0.9.0")
    monkeypatch.setattr(changes, "FOLDER", made.root / "changelog")
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: made.typed.pop(0))
    (made.root / "changelog" / "0.9.0").mkdir(parents=True)
    (made.root / "changelog" / "0.9.0" / "a.md").write_text("`Boards` glow\nagain.\n", encoding="utf-8")
    (made.root / "changelog" / "0.9.0" / "b.md").write_text("Grüße.\n", encoding="utf-8")
    return made


def with_key(bench: Bench) -> Bench:
    assert bench.run("key", bench.key, typed=(PASSPHRASE, PASSPHRASE)) == 0
    return bench


def test_from_key_to_a_notice_that_an_installed_copy_believes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with_key(bench)
    assert bench.run("address", "https://releases.example/notice.txt") == 0
    assert bench.run("notice", "--key", bench.key, "--link", LINK, typed=(PASSPHRASE,)) == 0
    pinned = bench.pinned()
    assert pinned.address == "https://releases.example/notice.txt"
    now = datetime.now(UTC)
    notice = proven(bench.notice.read_bytes(), pinned.keys, now)
    assert notice.version == Version.parse("0.9.0")
    assert notice.notes == "Boards glow again.\n\nGrüße."
    assert notice.link == LINK
    assert timedelta(days=179) < notice.expires - now < timedelta(days=181)
    assert bench.run("check", bench.notice) == 0
    told = capsys.readouterr()
    assert "version  0.9.0" in told.out
    assert PASSPHRASE not in told.out + told.err
    with NoticeServer(bench.notice.read_bytes()) as server:
        assert bench.run("check", server.address) == 0
        server.content = envelope()
        assert bench.run("check", server.address) == 1
    assert release_notice.lacking() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="SKIPPED: no such rights there")
def test_the_private_key_is_its_owners_alone_and_locked(bench: Bench) -> None:
    with_key(bench)
    assert stat.S_IMODE(bench.key.stat().st_mode) == 0o600
    sealed = bench.key.read_bytes()
    private = Passphrase(PASSPHRASE).open(sealed)
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    assert bench.pinned().keys == (public,)
    for form in (private, base64.b64encode(private), private.hex().encode()):
        assert form not in sealed + bench.channel.read_bytes()


def test_a_private_key_never_comes_into_the_checkout(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "way-in").symlink_to(bench.root, target_is_directory=True)
    for inside in (
        bench.root / "release.pem",
        bench.root / "resources" / ".." / "r.pem",
        tmp_path / "way-in" / "r.pem",
    ):
        assert bench.run("key", inside) == 1
        assert not inside.exists()
    assert bench.pinned() == Channel()


def test_a_key_is_not_written_over_and_bad_passphrases_make_none(bench: Bench) -> None:
    bench.key.write_text("something")
    assert bench.run("key", bench.key) == 1
    assert bench.key.read_text() == "something"
    bench.key.unlink()
    assert bench.run("key", bench.key, typed=("short",)) == 1
    assert bench.run("key", bench.key, typed=(PASSPHRASE, PASSPHRASE + "x")) == 1
    assert not bench.key.exists()
    assert bench.pinned() == Channel()


def test_a_second_key_is_pinned_beside_the_first_and_both_can_sign(bench: Bench) -> None:
    with_key(bench)
    second = bench.key.with_name("second.pem")
    assert bench.run("key", second, typed=(PASSPHRASE, PASSPHRASE)) == 0
    assert len(bench.pinned().keys) == 2
    for key in (bench.key, second):
        assert bench.run("notice", "--key", key, "--link", LINK, typed=(PASSPHRASE,)) == 0
        assert bench.run("check", bench.notice) == 0


def test_a_key_that_is_not_pinned_signs_nothing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    with_key(bench)
    bench.channel.write_bytes(write_channel(Channel("", (KEY.public_key().public_bytes_raw(),))))
    assert bench.run("notice", "--key", bench.key, "--link", LINK, typed=(PASSPHRASE,)) == 1
    assert "not pinned" in capsys.readouterr().err
    assert not bench.notice.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--link", "http://releases.example/"),
        ("--link", "https://releases.example/?me=1"),
        ("--link", "http://localhost/"),
        ("--link", LINK, "--days", "0"),
        ("--link", LINK, "--days", "401"),
        ("--link", LINK, "--notes", "no-such-file.md"),
    ],
    ids=" ".join,
)
def test_what_could_not_be_published_is_refused_before_the_passphrase(bench: Bench, words: tuple[str, ...]) -> None:
    with_key(bench)
    assert bench.run("notice", "--key", bench.key, *words) == 1
    assert not bench.notice.exists()


def test_a_wrong_passphrase_and_notes_that_cannot_be_shown_write_nothing(bench: Bench) -> None:
    with_key(bench)
    assert bench.run("notice", "--key", bench.key, "--link", LINK, typed=("wrong one entirely",)) == 1
    fragment = bench.root / "changelog" / "0.9.0" / "c.md"
    fragment.write_text("Turned \u202e round.", encoding="utf-8")
    assert bench.run("notice", "--key", bench.key, "--link", LINK, typed=(PASSPHRASE,)) == 1
    fragment.write_text("a" * 4000, encoding="utf-8")
    assert bench.run("notice", "--key", bench.key, "--link", LINK) == 1
    assert not bench.notice.exists()
    only = bench.root / "changelog" / "0.9.0" / "b.md"
    assert bench.run("notice", "--key", bench.key, "--link", LINK, "--notes", only, typed=(PASSPHRASE,)) == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1/n", "http://releases.example/n", "words"])
def test_an_address_that_cannot_be_published_is_refused(bench: Bench, address: str) -> None:
    assert bench.run("address", address) == 1
    assert bench.pinned() == Channel()


def test_check_says_what_is_wrong(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    file = bench.key.with_name("notice.txt")
    file.write_bytes(envelope())
    assert bench.run("check", file) == 1
    assert "No key is pinned" in capsys.readouterr().err
    with_key(bench)
    assert bench.run("check", file) == 1
    assert "updates.not-genuine" in capsys.readouterr().err
    assert bench.run("check", file.with_name("nothing")) == 1


def test_a_build_without_key_or_address_is_told_what_it_lacks(bench: Bench) -> None:
    assert "NO RELEASE KEY AND NO ADDRESS" in release_notice.lacking()
    with_key(bench)
    assert "NO ADDRESS" in release_notice.lacking()
    assert "KEY" not in release_notice.lacking()
    assert json.loads(bench.channel.read_bytes())["format"] == 1
