r"""Whether a newer Rekindle is there: the notice and its proof, versions, and when to look. No network, no disk.

A notice is a small file of at most `MOST_BYTES`:

    rekindle-notice-1 <Ed25519 signature: 86 characters of base64 and "==">\n
    {"version": "0.2.0", "date": "2026-12-01", "issued": "2026-12-01T09:00:00Z", "expires": "2027-03-01T09:00:00Z",
     "link": "https://...", "notes": "..."}

What is signed are the bytes of the word `rekindle-notice-1`, a line feed, and everything after the first line, as they
are. Nothing of that is read before one of the pinned keys has said yes; members this version does not know are passed
over. A notice ends by itself (`expires`, at most `LONGEST_LIFE` after `issued`), and one issued before another that was
seen already is thrown away, so nobody can hide a newer release behind an old notice for long.

The keys come with the program (`resources/updates/channel.json`) and from nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, unique
from urllib.parse import SplitResult, urlsplit

from app.text import Text
from app.update_faults import (
    UpdateAddressBad,
    UpdateNotGenuine,
    UpdateNoticeOlder,
    UpdateNoticeOver,
    UpdateNoticeWrong,
)

MAGIC = b"rekindle-notice-1"
MOST_BYTES = 64 * 1024
"""The most a notice may have, first line included."""
LONGEST_NOTES = 4000
"""Characters."""
LONGEST_LINK = 500
LONGEST_ADDRESS = 500
LONGEST_LIFE = timedelta(days=400)
MOST_KEYS = 4
KEY_BYTES = 32
EVERY = timedelta(days=1)
"""Between two looks."""
CHANNEL_FORMAT = 1

_FIRST_LINE = re.compile(rb"\A" + MAGIC + rb" ([A-Za-z0-9+/]{86}==)\n")
_VERSION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6}){0,3})(?:(a|b|rc)([0-9]{1,4}))?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ADDRESS_LETTERS = re.compile(r"[\x21-\x7e]+")
_PRIME = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8})
"""The y of the points of Ed25519's curve whose order divides 8."""
_STAGES = {"a": 0, "b": 1, "rc": 2}
_FINISHED = (3, 0)


@functools.total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version of the program: numbers, and what comes before them (`0.2.0rc1` is older than `0.2.0`).

    Attributes:
        words: As it was written.
        numbers: Four of them; what was not written is 0.
        stage: Which trial release; the finished one is the highest.
    """

    words: str
    numbers: tuple[int, int, int, int]
    stage: tuple[int, int]

    @classmethod
    def parse(cls, words: str) -> Version | None:
        """Return the version, None where this is none (for example of a program that was not installed)."""
        found = _VERSION.fullmatch(words)
        if found is None:
            return None
        first, second, third, fourth, *_ = (*(int(number) for number in found[1].split(".")), 0, 0, 0)
        return cls(words, (first, second, third, fourth), (_STAGES[found[2]], int(found[3])) if found[2] else _FINISHED)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._order == other._order

    def __lt__(self, other: Version) -> bool:
        return self._order < other._order

    def __hash__(self) -> int:
        return hash(self._order)

    @property
    def _order(self) -> tuple[tuple[int, ...], tuple[int, int]]:
        return self.numbers, self.stage


@dataclass(frozen=True, slots=True)
class Notice:
    """What a proven notice says.

    Attributes:
        version: Of the release.
        date: The day of the release.
        issued: When the notice was signed, in UTC.
        expires: From when on it says nothing any more, in UTC.
        link: The release's page; https.
        notes: What is new: plain text, lines ended by line feeds.
    """

    version: Version
    date: date
    issued: datetime
    expires: datetime
    link: str
    notes: str


@dataclass(frozen=True, slots=True)
class Channel:
    """What came with the program: where to look, and whom to believe.

    Attributes:
        address: Of the notice; "" where this copy has none.
        keys: Ed25519 public keys of 32 bytes; the signature of any of them counts. None: nobody is believed.
    """

    address: str = ""
    keys: tuple[bytes, ...] = ()


@unique
class Standing(Enum):
    """Whether this copy can look at all."""

    READY = "ready"
    NO_KEY = "no-key"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True)
class UpdateState:
    """What window and terminal show.

    Attributes:
        standing: Whether this copy can look.
        installed: Version of this program.
        agreed: Whether the person wants it to look once a day; None: they were not asked yet, or did not say.
        address: Where it looks; "" for nowhere.
        own_address: Whether the person gave that address.
        tried: When it looked last, with or without success; None for never.
        notice: The newer version there is; None where there is none that is known of.
        quiet: The person does not want to hear of that one, for ever or for now.
        answered: They were asked since the start, whether or not the disk took their answer.
    """

    standing: Standing
    installed: str
    agreed: bool | None = None
    address: str = ""
    own_address: bool = False
    tried: datetime | None = None
    notice: Notice | None = None
    quiet: bool = False
    answered: bool = False

    @property
    def asks(self) -> bool:
        """Whether the person is to be asked."""
        return self.standing is Standing.READY and self.agreed is None and not self.answered

    @property
    def to_tell(self) -> Notice | None:
        """What is to be told without being asked."""
        return None if self.quiet else self.notice


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What came of something the person asked for about updates.

    Attributes:
        words: One or two sentences.
        bad: Whether it is a failure.
    """

    words: Text
    bad: bool = False


def read_channel(content: bytes) -> Channel:
    """Return what came with the program.

    Raises:
        ValueError: It is no such file. Whoever calls must then look nowhere.
    """
    plain = json.loads(content)
    if not isinstance(plain, dict) or plain.get("format") != CHANNEL_FORMAT:
        raise ValueError("no channel of this format")
    address, keys = plain.get("address"), plain.get("keys")
    if not isinstance(address, str) or not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise ValueError("no address, or no list of keys")
    if address:
        try:
            address = checked_address(address)
        except UpdateAddressBad:
            raise ValueError("the address cannot be asked") from None
    found = tuple(base64.b64decode(key, validate=True) for key in keys if isinstance(key, str))
    if len(found) != len(keys) or any(len(key) != KEY_BYTES or _anybodys(key) for key in found):
        raise ValueError("a key is none")
    return Channel(address, found)


def write_channel(channel: Channel) -> bytes:
    """Return the file that `read_channel` reads."""
    keys = [base64.b64encode(key).decode() for key in channel.keys]
    return (json.dumps({"format": CHANNEL_FORMAT, "address": channel.address, "keys": keys}, indent=2) + "\n").encode()


def checked_address(typed: str) -> str:
    """Return an address that may be asked: https, or http at this very computer; nothing in it names a person.

    Raises:
        UpdateAddressBad: It is none.
    """
    address = typed.strip()
    parts = _parts(address, LONGEST_ADDRESS)
    if parts is None or parts.query or not (parts.scheme == "https" or is_here(parts)):
        raise UpdateAddressBad
    return address


def is_here(parts: SplitResult) -> bool:
    """Whether an address is http at this computer: nobody can listen there."""
    if parts.scheme != "http":
        return False
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(address: str) -> str:
    """Return the host of an address that was checked, as it is shown."""
    return urlsplit(address).hostname or address


def verify(envelope: bytes, keys: Iterable[bytes]) -> bytes:
    """Return the signed bytes of a notice; they may be read now.

    Args:
        envelope: The whole file as it came.
        keys: Pinned public keys.

    Raises:
        UpdateNotGenuine: It is too large, is no notice, or none of the keys has signed it.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    first = _FIRST_LINE.match(envelope) if len(envelope) <= MOST_BYTES else None
    if first is None:
        raise UpdateNotGenuine("too large, or no such first line")
    try:
        signature = base64.b64decode(first[1], validate=True)
    except binascii.Error:
        raise UpdateNotGenuine("no signature") from None
    if base64.b64encode(signature) != first[1]:  # one signature has one spelling
        raise UpdateNotGenuine("no signature")
    content = envelope[first.end() :]
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, signed_bytes(content))
        except (InvalidSignature, ValueError):
            continue
        return content
    raise UpdateNotGenuine("the signature is of none of the pinned keys")


def signed_bytes(content: bytes) -> bytes:
    """Return what is signed for a notice with this content: the key may sign other things elsewhere."""
    return MAGIC + b"\n" + content


def envelope_of(content: bytes, signature: bytes) -> bytes:
    """Return the file for a content and its signature of 64 bytes."""
    return MAGIC + b" " + base64.b64encode(signature) + b"\n" + content


def content_of(notice: Notice) -> bytes:
    """Return a notice as the bytes that are to be signed."""
    plain = {
        "version": notice.version.words,
        "date": notice.date.isoformat(),
        "issued": _moment_words(notice.issued),
        "expires": _moment_words(notice.expires),
        "link": notice.link,
        "notes": notice.notes,
    }
    return (json.dumps(plain, indent=1) + "\n").encode()


def parse(content: bytes) -> Notice:
    """Read the proven content of a notice.

    Raises:
        UpdateNoticeWrong: It lacks something, or something in it is not as it must be.
    """
    try:
        plain = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # bad UTF-8, no JSON, a number of a thousand digits, too deep
        raise UpdateNoticeWrong(type(error).__name__) from None
    if not isinstance(plain, dict):
        raise UpdateNoticeWrong("no object")
    version = Version.parse(_words(plain, "version"))
    if version is None:
        raise UpdateNoticeWrong("version")
    issued, expires = _moment(plain, "issued"), _moment(plain, "expires")
    if not issued < expires or expires - issued > LONGEST_LIFE:
        raise UpdateNoticeWrong("expires")
    link, notes = _words(plain, "link"), _words(plain, "notes")
    parts = _parts(link, LONGEST_LINK)
    if parts is None or parts.scheme != "https":
        raise UpdateNoticeWrong("link")
    # What turns the direction of writing or hides letters is not printable either.
    if len(notes) > LONGEST_NOTES or not all(each.isprintable() or each == "\n" for each in notes):
        raise UpdateNoticeWrong("notes")
    return Notice(version, _day(plain, "date"), issued, expires, link, notes.strip())


def proven(envelope: bytes, keys: Iterable[bytes], now: datetime, newest: datetime | None = None) -> Notice:
    """Return what a notice says, if it may be believed now.

    Args:
        envelope: The whole file as it came.
        keys: Pinned public keys.
        now: The time, with its zone.
        newest: When the newest notice seen so far was issued; None: none was. It holds whatever the clock of this
            computer says.

    Raises:
        UpdateNotGenuine: None of the keys has signed it.
        UpdateNoticeWrong: It is signed but not as a notice must be.
        UpdateNoticeOver: It has expired.
        UpdateNoticeOlder: A newer one was seen.
    """
    notice = parse(verify(envelope, keys))
    if newest is not None and notice.issued < newest:
        raise UpdateNoticeOlder(f"issued {_moment_words(notice.issued)}, seen {_moment_words(newest)}")
    if now >= notice.expires:
        raise UpdateNoticeOver(day=notice.expires.date().isoformat())
    return notice


def is_newer(notice: Notice, installed: str) -> bool:
    """Whether a notice is about a later version than this one; a program that does not know its own never says so."""
    own = Version.parse(installed)
    return own is not None and own < notice.version


@dataclass(frozen=True, slots=True)
class Due:
    """Whether to look now, and what to remember as the last try if not."""

    now: bool
    tried: datetime | None


def due(tried: datetime | None, now: datetime) -> Due:
    """Say whether a day has passed since the last try.

    A try in the future comes from a clock that was wrong then or is wrong now: the day is counted from now on, so the
    program looks neither each time it is asked nor only when that future has come.
    """
    if tried is None:
        return Due(True, None)
    if tried > now:
        return Due(False, now)
    return Due(now - tried >= EVERY, tried)


def _anybodys(key: bytes) -> bool:
    """Whether these bytes are a point of small order, for example 32 times 0: anybody can sign for such a key."""
    number = int.from_bytes(key, "little") & ((1 << 255) - 1)  # the highest bit is a sign
    return number % _PRIME in _SMALL_ORDER


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Which of two members of one name counts, readers do not agree on."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice the same name")
    return found


def _words(plain: Mapping[str, object], name: str) -> str:
    value = plain.get(name)
    if not isinstance(value, str):
        raise UpdateNoticeWrong(name)
    return value


def _moment(plain: Mapping[str, object], name: str) -> datetime:
    words = _words(plain, name)
    if not _MOMENT.fullmatch(words):
        raise UpdateNoticeWrong(name)
    try:
        return datetime.fromisoformat(words)
    except ValueError:  # the 31st of February
        raise UpdateNoticeWrong(name) from None


def _moment_words(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(plain: Mapping[str, object], name: str) -> date:
    words = _words(plain, name)
    if not _DAY.fullmatch(words):
        raise UpdateNoticeWrong(name)
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise UpdateNoticeWrong(name) from None


def _parts(address: str, longest: int) -> SplitResult | None:
    """Take an address apart; None where it is none, or has a user name or a mark in it, or strange letters."""
    if len(address) > longest or not _ADDRESS_LETTERS.fullmatch(address) or "\\" in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or port == 0 or "@" in parts.netloc or "#" in address:
        return None
    return parts
