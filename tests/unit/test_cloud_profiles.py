"""Which servers a person has accounts on, and which address is no server's."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.account_faults import CloudAddressBad, CloudNotEncrypted, CloudUnknown
from app.cloud.profiles import (
    FILE,
    PARTICLE,
    UNREADABLE,
    CloudServer,
    ProfileBook,
    is_private,
    profile,
    profile_of,
)
from app.faults import Fault, NoRoom
from app.files import FileActions
from app.keys.clouds import local_cloud
from app.keys.server_key import parse_host
from app.platforms.model import Algorithm


@pytest.mark.parametrize(
    ("typed", "base_url"),
    [
        ("192.168.1.10", "http://192.168.1.10:8080"),
        ("192.168.1.10:9000", "http://192.168.1.10:9000"),
        ("http://192.168.1.10", "http://192.168.1.10"),
        ("HTTP://192.168.1.10:80/", "http://192.168.1.10"),
        (" cloud.local ", "http://cloud.local:8080"),
        ("localhost", "http://localhost:8080"),
        ("https://Cloud.Example.org", "https://cloud.example.org"),
        ("https://cloud.example.org:443/", "https://cloud.example.org"),
        ("https://203.0.113.9:8443", "https://203.0.113.9:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[fd00::5]", "http://[fd00::5]"),
    ],
)
def test_an_address_is_understood_as_people_type_it(typed: str, base_url: str) -> None:
    made = profile(typed)
    assert made.base_url == base_url
    assert made.name == made.host
    assert made.encrypted is base_url.startswith("https:")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "ftp://192.168.1.10",
        "file:///etc/passwd",
        "http://",
        "http://192.168.1.10/v1",
        "http://192.168.1.10?x=1",
        "http://192.168.1.10#x",
        "http://192.168.1.10:0",
        "http://192.168.1.10:70000",
        "http://a b",
        "http://-x.org",
        "http://[::1",
        "http://x..y",
        "x" * 400,
        "http://192.168.1.10\r\nHost: x",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(CloudAddressBad):
        profile(typed)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(CloudAddressBad) as caught:
        profile("https://joe:hunter2@cloud.example.org")
    assert "hunter2" not in caught.value.cause.english()


@pytest.mark.parametrize("typed", ["http://203.0.113.9", "8.8.8.8", "http://[2001:db8::1]:8080", "http://172.32.0.1"])
def test_without_encryption_only_the_own_network_is_asked(typed: str) -> None:
    with pytest.raises(CloudNotEncrypted) as caught:
        profile(typed)
    assert "https" in caught.value.next_step.english()


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.0.1", True),
        ("169.254.1.1", True),
        ("100.64.0.1", False),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("0.0.0.0", False),
        ("example.org", False),
    ],
)
def test_private_is_this_computer_and_its_own_network(address: str, private: bool) -> None:
    assert is_private(address) is private


@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_address_or_a_fault(typed: str) -> None:
    try:
        made = profile(typed)
    except Fault:
        return
    assert profile(made.base_url, name=made.name) == made


def test_another_address_or_kind_is_another_profile() -> None:
    ids = {
        profile("192.168.1.10").id,
        profile("192.168.1.10:8081").id,
        profile("192.168.1.10", kind=CloudServer.PARTICLE).id,
        profile("192.168.1.11").id,
    }
    assert len(ids) == 4
    assert profile("192.168.1.10", name="at home").id in ids


def test_particle_is_always_particle() -> None:
    made = profile("https://api.particle.io/")
    assert (made.id, made.kind, made.base_url) == ("particle", CloudServer.PARTICLE, "https://api.particle.io")


CLOUD = local_cloud(parse_host("192.168.1.20"), b"key", Algorithm.RSA_2048, name="school")


def test_a_local_cloud_boards_use_offers_itself_at_port_8080(tmp_path: Path) -> None:
    offered = profile_of(CLOUD)
    assert offered is not None
    assert (offered.base_url, offered.name, offered.kind) == ("http://192.168.1.20:8080", "school", CloudServer.LOCAL)
    assert ProfileBook(tmp_path, clouds=[CLOUD]).profiles() == (PARTICLE, offered)


def test_a_cloud_outside_of_the_own_network_does_not_offer_itself() -> None:
    assert profile_of(local_cloud(parse_host("203.0.113.9"), b"key", Algorithm.RSA_2048)) is None


def test_a_new_book_has_particle_active_and_touches_nothing(tmp_path: Path) -> None:
    book = ProfileBook(tmp_path / "accounts")
    assert book.profiles() == (PARTICLE,)
    assert book.active() == PARTICLE
    assert not (tmp_path / "accounts").exists()


def test_profiles_are_there_the_next_time(tmp_path: Path) -> None:
    book = ProfileBook(tmp_path / "accounts")
    home = book.add(profile("192.168.1.10", name="home"))
    assert book.choose(home.id) == home
    again = ProfileBook(tmp_path / "accounts")
    assert again.profiles() == (PARTICLE, home)
    assert again.active() == home
    again.add(profile("192.168.1.10", name="at home"))
    assert [each.name for each in book.profiles()] == ["Particle", "at home"]


def test_one_that_offered_itself_stays_once_it_was_chosen(tmp_path: Path) -> None:
    offered = profile_of(CLOUD)
    assert offered is not None
    ProfileBook(tmp_path / "a", clouds=[CLOUD]).choose(offered.id)
    assert ProfileBook(tmp_path / "a").active() == offered


def test_forgetting_the_active_one_makes_particle_active(tmp_path: Path) -> None:
    book = ProfileBook(tmp_path / "a")
    home = book.add(profile("192.168.1.10"))
    book.choose(home.id)
    book.forget(home.id)
    assert (book.profiles(), book.active()) == ((PARTICLE,), PARTICLE)
    book.forget("particle")
    assert book.profiles() == (PARTICLE,)
    with pytest.raises(CloudUnknown):
        book.choose(home.id)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 2}', b"\xff", b'{"format": 1, "profiles": 5}'])
def test_a_file_nobody_understands_is_set_aside_before_a_new_one(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    book = ProfileBook(tmp_path)
    assert book.profiles() == (PARTICLE,)
    book.add(profile("192.168.1.10"))
    assert (tmp_path / UNREADABLE).read_bytes() == content
    assert len(book.profiles()) == 2
    assert "cannot be understood" in caplog.text


def test_rows_that_are_wrong_are_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_text(
        '{"format": 1, "active": "no", "profiles": [5, {}, {"name": "x", "address": "http://8.8.8.8", "kind": "local"},'
        '{"name": "x", "address": "http://10.0.0.1", "kind": "new"}, {"name": 1, "address": "http://10.0.0.1"},'
        '{"name": "evil", "address": "https://api.particle.io", "kind": "particle"},'
        '{"name": "good", "address": "http://10.0.0.1:8080", "kind": "local"}]}'
    )
    book = ProfileBook(tmp_path)
    assert [each.name for each in book.profiles()] == ["Particle", "good"]
    assert book.active() == PARTICLE
    assert "passed over" in caplog.text


def test_a_full_disk_is_a_fault_and_changes_nothing(tmp_path: Path) -> None:
    class Full(FileActions):
        def write(self, descriptor: int, content: bytes) -> None:
            raise OSError(errno.ENOSPC, "full")

    ProfileBook(tmp_path / "a").add(profile("192.168.1.10"))
    with pytest.raises(NoRoom):
        ProfileBook(tmp_path / "a", actions=Full()).add(profile("192.168.1.11"))
    assert len(ProfileBook(tmp_path / "a").profiles()) == 2


def test_a_name_is_one_line_that_can_be_shown() -> None:
    assert profile("192.168.1.10", name=" a\n\tb\u202ec " + "x" * 200).name == ("a b c " + "x" * 200)[:80]
