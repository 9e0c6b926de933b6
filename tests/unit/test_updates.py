"""The notice of a newer version: what is believed, which version is newer, and when to look."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.release_signer import KEY, LINK, NOTES, NOW, OTHER, PUBLIC, envelope, plain, sign

from app import paths
from app.update_faults import (
    UpdateAddressBad,
    UpdateNotGenuine,
    UpdateNoticeOlder,
    UpdateNoticeOver,
    UpdateNoticeWrong,
)
from app.updates import (
    LONGEST_NOTES,
    MAGIC,
    MOST_BYTES,
    Channel,
    Due,
    Notice,
    Version,
    checked_address,
    content_of,
    due,
    envelope_of,
    is_newer,
    proven,
    read_channel,
    verify,
    write_channel,
)

KEYS = (PUBLIC,)
PRIME = 2**255 - 19
ORDER_8 = "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"
OTHER_PUBLIC = OTHER.public_key().public_bytes_raw()


def version(words: str) -> Version:
    found = Version.parse(words)
    assert found is not None
    return found


# --- what is believed -----------------------------------------------------------------------------------------------


def test_a_good_notice_is_read_whole_and_unknown_members_are_passed_over() -> None:
    notice = proven(envelope(sizes={"linux": 12}, mood="fine"), KEYS, NOW)
    issued = NOW - timedelta(days=1)
    ends = issued + timedelta(days=90)
    assert notice == Notice(version("0.2.0"), date(2026, 12, 1), issued, ends, LINK, NOTES)


def test_each_of_several_pinned_keys_counts_and_no_key_means_nobody() -> None:
    both = (OTHER_PUBLIC, PUBLIC)
    assert proven(envelope(), both, NOW).version == version("0.2.0")
    assert proven(sign(json.dumps(plain()).encode(), OTHER), both, NOW).version == version("0.2.0")
    for keys in ((), (OTHER_PUBLIC,), (b"short",)):
        with pytest.raises(UpdateNotGenuine):
            proven(envelope(), keys, NOW)


def test_one_flipped_bit_anywhere_is_not_genuine() -> None:
    whole = envelope()
    for place in range(len(whole)):
        bad = bytearray(whole)
        bad[place] ^= 1 << (place % 8)
        with pytest.raises(UpdateNotGenuine):
            verify(bytes(bad), KEYS)


def test_a_cut_or_longer_notice_is_not_genuine() -> None:
    whole = envelope()
    for end in range(0, len(whole), 7):
        with pytest.raises(UpdateNotGenuine):
            verify(whole[:end], KEYS)
    for more in (whole + b"\n", b"\n" + whole, b"\xef\xbb\xbf" + whole, whole.replace(b"\n", b"\r\n")):
        with pytest.raises(UpdateNotGenuine):
            verify(more, KEYS)


def test_a_signature_without_the_word_in_front_is_none() -> None:
    content = json.dumps(plain()).encode()
    bare = MAGIC + b" " + base64.b64encode(KEY.sign(content)) + b"\n" + content
    with pytest.raises(UpdateNotGenuine):
        verify(bare, KEYS)


def test_a_signature_has_one_spelling() -> None:
    whole = envelope()
    # The last letter of 64 bytes in base64 carries two bits and four that mean nothing.
    place = whole.index(b"==") - 1
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    alike = [letters[letters.index(whole[place]) // 16 * 16 + low] for low in range(16)]
    others = [whole[:place] + bytes([each]) + whole[place + 1 :] for each in alike if each != whole[place]]
    assert len(others) == 15
    for other in others:
        with pytest.raises(UpdateNotGenuine):
            verify(other, KEYS)


def test_the_largest_notice_is_taken_and_one_byte_more_is_not() -> None:
    head = len(sign(b""))
    body = json.dumps(plain()).encode()
    assert proven(sign(body.ljust(MOST_BYTES - head)), KEYS, NOW).version == version("0.2.0")
    with pytest.raises(UpdateNotGenuine):
        proven(sign(body.ljust(MOST_BYTES - head + 1)), KEYS, NOW)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'"words"',
        b"{",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"version": ' * 5000,
        b'{"version": ' + b"9" * 6000 + b"}",
        json.dumps(plain()).encode("utf-16"),
        json.dumps(plain()).encode().replace(b"{", b'{"version": "9.9", ', 1),
    ],
    ids=lambda content: content[:12].hex() or "nothing",
)
def test_signed_nonsense_is_a_wrong_notice_and_no_crash(content: bytes) -> None:
    with pytest.raises(UpdateNoticeWrong):
        proven(sign(content), KEYS, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"version": 2},
        {"version": ""},
        {"version": "0.2"[::-1] + "x"},
        {"version": "1." * 4 + "1"},
        {"version": "99999999"},
        {"version": "0.2.0\n"},
        {"version": "٠.٢"},
        {"version": ["0.2.0"]},
        {"date": None},
        {"date": "yesterday"},
        {"date": "2026-02-30"},
        {"date": "20261201"},
        {"issued": None},
        {"issued": 1e300},
        {"issued": "2026-12-01T09:00:00"},
        {"issued": "2026-12-01T09:00:00+02:00"},
        {"issued": "2026-13-01T09:00:00Z"},
        {"expires": None},
        {"expires": "never"},
        {"expires": "2026-12-01T11:00:00Z"},
        {"expires": "2028-12-01T12:00:00Z"},
        {"expires": "9999-12-31T23:59:59Z"},
        {"link": None},
        {"link": "http://releases.example/"},
        {"link": "javascript:alert(1)"},
        {"link": "file:///etc/passwd"},
        {"link": "https://"},
        {"link": "https:///path"},
        {"link": "https://me:pw@releases.example/"},
        {"link": "https://releases.example/a b"},
        {"link": "https://releases.example\\@other.example/"},
        {"link": "https://releases.example:0/"},
        {"link": "https://releases.example:99999/"},
        {"link": "https://releases.example/#part"},
        {"link": "https://[::1/"},
        {"link": "https://ехample.example/"},
        {"link": "https://releases.example/" + "a" * 500},
        {"notes": None},
        {"notes": {"en": "new"}},
        {"notes": "a" * (LONGEST_NOTES + 1)},
        {"notes": "bell \x07"},
        {"notes": "turned \u202e round"},
        {"notes": "half \ud800"},
    ],
    ids=lambda changes: "-".join(f"{name}={value!r:.24}" for name, value in changes.items()),
)
def test_a_member_that_is_not_as_it_must_be_makes_it_a_wrong_notice(changes: dict[str, object]) -> None:
    with pytest.raises(UpdateNoticeWrong):
        proven(envelope(**changes), KEYS, NOW)


def test_markup_in_notes_stays_plain_letters() -> None:
    words = "<b>bold</b> <img src='https://x.example/'> &amp;"
    assert proven(envelope(notes=words), KEYS, NOW).notes == words


def test_a_notice_ends_at_its_time_to_the_second() -> None:
    ends = NOW + timedelta(days=89)
    assert proven(envelope(), KEYS, ends - timedelta(seconds=1)).expires == ends
    with pytest.raises(UpdateNoticeOver) as caught:
        proven(envelope(), KEYS, ends)
    assert "2027-03-01" in caught.value.cause.english()


def test_an_older_notice_than_one_seen_is_refused_and_the_same_is_not() -> None:
    seen = NOW - timedelta(days=1)
    assert proven(envelope(), KEYS, NOW, seen).issued == seen
    with pytest.raises(UpdateNoticeOlder):
        proven(envelope(at=seen - timedelta(seconds=1), version="0.9"), KEYS, NOW, seen)


def test_a_clock_set_back_does_not_bring_a_notice_to_life_that_another_replaced() -> None:
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    seen = NOW + timedelta(days=100)
    fresh = envelope(at=seen)
    assert proven(fresh, KEYS, long_ago, seen).issued == seen
    with pytest.raises(UpdateNoticeOlder):
        proven(envelope(), KEYS, long_ago, seen)


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_and_nothing_else_happens(content: bytes) -> None:
    for came in (content, MAGIC + b" " + content, MAGIC + b" " + b"A" * 86 + b"==\n" + content):
        with pytest.raises(UpdateNotGenuine):
            proven(came, KEYS, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["version", "date", "issued", "expires", "link", "notes"])


@given(st.dictionaries(MEMBERS, JSON, min_size=1, max_size=3))
def test_whatever_a_signed_member_holds_it_is_read_or_refused(members: dict[str, object]) -> None:
    content = json.dumps({**plain(), **members}).encode()
    try:
        notice = proven(sign(content), KEYS, NOW)
    except (UpdateNoticeWrong, UpdateNoticeOver):
        return
    assert len(notice.notes) <= LONGEST_NOTES
    assert notice.link.startswith("https://")


def test_what_is_written_is_what_is_read() -> None:
    notice = proven(envelope(), KEYS, NOW)
    assert proven(sign(content_of(notice)), KEYS, NOW) == notice


# --- versions -------------------------------------------------------------------------------------------------------

IN_ORDER = ["0.1", "0.1.1", "0.2.0a1", "0.2.0a2", "0.2.0b1", "0.2.0rc1", "0.2.0rc10", "0.2", "0.9.9", "0.10", "1", "10"]


def test_versions_are_compared_by_their_numbers() -> None:
    for older, newer in itertools.combinations(IN_ORDER, 2):
        assert version(older) < version(newer), (older, newer)
        assert not version(newer) < version(older)
    assert version("1.2") == version("1.2.0.0")
    assert hash(version("1.2")) == hash(version("1.2.0"))


@pytest.mark.parametrize(
    ("installed", "newer"),
    [("0.1.0", True), ("0.2.0rc1", True), ("0.2.0", False), ("0.2", False), ("0.10.0", False), ("unknown", False)],
)
def test_only_a_later_version_than_the_installed_one_is_newer(installed: str, newer: bool) -> None:
    assert is_newer(proven(envelope(), KEYS, NOW), installed) is newer


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        (None, Due(True, None)),
        (NOW, Due(False, NOW)),
        (NOW - timedelta(hours=23, minutes=59), Due(False, NOW - timedelta(hours=23, minutes=59))),
        (NOW - timedelta(days=1), Due(True, NOW - timedelta(days=1))),
        (NOW - timedelta(days=9000), Due(True, NOW - timedelta(days=9000))),
        (NOW + timedelta(seconds=1), Due(False, NOW)),
        (NOW + timedelta(days=9000), Due(False, NOW)),
    ],
)
def test_it_looks_once_a_day_whatever_the_clock_was(tried: datetime | None, expected: Due) -> None:
    assert due(tried, NOW) == expected


def test_after_a_clock_was_set_back_it_looks_a_day_later() -> None:
    tried = due(NOW + timedelta(days=3650), NOW).tried
    hours = [hour for hour in range(48) if due(tried, NOW + timedelta(hours=hour)).now]
    assert hours[0] == 24


# --- where, and whom to believe -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["https://releases.example/n.txt", "https://releases.example:8443/", "http://127.0.0.1:8000/n", "http://[::1]/n",
     "http://localhost/n", " https://releases.example/n.txt "],
)  # fmt: skip
def test_an_address_that_may_be_asked(address: str) -> None:
    assert checked_address(address) == address.strip()


@pytest.mark.parametrize(
    "address",
    ["", "words", "releases.example/n", "http://releases.example/n", "http://127.0.0.1.example/n", "ftp://a.example/",
     "https://me@a.example/", "https://me:pw@a.example/", "https://a.example/?id=1", "https://a.example/#a",
     "http://localhost.example/", "https://a.example/\r\nX: y", "https://" + "a" * 600, "http://192.168.1.4/n"],
)  # fmt: skip
def test_an_address_that_is_not_asked(address: str) -> None:
    with pytest.raises(UpdateAddressBad) as caught:
        checked_address(address)
    assert "pw" not in str(caught.value)


def test_a_channel_is_written_and_read() -> None:
    channel = Channel("https://releases.example/n", (PUBLIC, OTHER_PUBLIC))
    assert read_channel(write_channel(channel)) == channel


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format": 2, "address": "", "keys": []}', b'{"format": 1, "address": "", "keys": ["AA=="]}',
     b'{"format": 1, "address": "", "keys": [1]}', b'{"format": 1, "address": "", "keys": ["*"]}',
     b'{"format": 1, "address": 5, "keys": []}', b'{"format": 1, "address": "http://a.example/", "keys": []}',
     write_channel(Channel("", (PUBLIC,) * 5))],
)  # fmt: skip
def test_a_channel_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - base64 and json have words of their own
        read_channel(content)


@pytest.mark.parametrize("sign_bit", [0, 1 << 255])
@pytest.mark.parametrize(
    "number",
    [0, 1, PRIME - 1, PRIME, PRIME + 1, int(ORDER_8, 16), PRIME - int(ORDER_8, 16)],
    ids=["0", "1", "-1", "0 again", "1 again", "order 8", "order 8 mirrored"],
)
def test_a_key_that_anybody_can_sign_for_is_not_pinned(number: int, sign_bit: int) -> None:
    key = (number | sign_bit).to_bytes(32, "little")
    identity = (1).to_bytes(32, "little")

    def believed(content: bytes) -> bool:
        try:
            return verify(envelope_of(content, identity + bytes(32)), (key,)) == content
        except UpdateNotGenuine:
            return False

    # Why: for one content in eight at least, a signature made without any secret is right.
    assert any(believed(b"%d" % each) for each in range(200))
    with pytest.raises(ValueError, match="a key is none"):
        read_channel(write_channel(Channel("", (key,))))


def test_the_channel_in_the_program_can_be_read_and_is_as_the_tool_writes_it() -> None:
    content = paths.resource("updates/channel.json").read_bytes()
    channel = read_channel(content)
    assert json.loads(write_channel(channel)) == json.loads(content)
    assert channel.address == "" or channel.address.startswith("https://")
