"""What speaks against a network before a board is told it.

Each rule is one row of `RULES` with where its fact is from: a section of device-protocol.md, or the makers' support
page. What this computer can try of the way to the cloud is in `app.work.way_to_cloud`; its names are here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, unique

from app.platforms.model import Platform, Radio
from app.protocols.wifi import (
    NAME_BYTES,
    OLDEST_PASSWORD_BYTES,
    PASSWORD_BYTES,
    PASSWORD_LIMITS,
    SECURITY_NAMES,
    Cipher,
    Security,
    WifiLogin,
)
from app.text import Text, text
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan
from app.work.way_to_cloud import Check, State, from_here
from app.work.wifi_form import SeenNetwork

__all__ = [
    "RULES",
    "Check",
    "Finding",
    "Rule",
    "Severity",
    "State",
    "from_here",
    "look_at",
    "marked",
    "merge",
    "not_to_be_seen",
    "seen_by_computer",
]

HIGHEST_OF_2_4_GHZ = 14
HIGHEST_OF_CC3000 = 11
ABOVE_2_4_GHZ_MHZ = 2500
FIRST_WITH_ENTERPRISE = (0, 7)
WEAK_DBM = -80
"""Ours: the support page asks for better reception, and gives no number. Most computers show one bar there."""
_RELEASE = re.compile(r"(\d+)\.(\d+)")


@unique
class Severity(Enum):
    """How much it speaks against a network."""

    STOPS = "stops"  # the board will not get in
    WARNS = "warns"  # it may not


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a network.

    Attributes:
        rule: Key of its row in `RULES`.
        severity: How much.
        words: What it is, a sentence.
        change: What to change, a sentence.
    """

    rule: str
    severity: Severity
    words: Text
    change: Text


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a rule may ask: the network as far as it is known, and the board that is to join it.

    Attributes:
        ssid: The network's name.
        security: None where it is not known.
        too_new: Whether it takes only security newer than any board's; None where it may.
        channel: 0 where it is not known.
        frequency_mhz: Likewise.
        rssi: Likewise.
        band_sure: Whether it would have been heard on 2.4 GHz if it were there.
        password: In bytes; None where none was given, or none is asked for.
        radio: The board's radio.
        release: Major and minor number of its firmware, None where it is not known.
        portal: Whether this computer found a page to sign in; None where it did not look.
    """

    ssid: bytes
    security: Security | None
    too_new: bool | None
    channel: int
    frequency_mhz: int
    rssi: int
    band_sure: bool
    password: bytes | None
    radio: Radio
    release: tuple[int, int] | None
    portal: bool | None

    @property
    def core(self) -> bool:
        """Whether the radio is the Core's."""
        return self.radio is Radio.CC3000

    @property
    def enterprise(self) -> bool:
        """Whether each user signs in with a name or a certificate."""
        return self.security is not None and self.security.enterprise

    @property
    def out_of_band(self) -> bool:
        """Whether it is on 5 GHz or 6 GHz; the frequency counts where it is known."""
        return _is_out_of_band(self.channel, self.frequency_mhz)

    @property
    def limits(self) -> tuple[int, int]:
        """Bytes a password of this security has, least and most."""
        if self.security is None:
            return PASSWORD_LIMITS[Security.WEP][0], PASSWORD_BYTES
        return PASSWORD_LIMITS.get(self.security, (0, PASSWORD_BYTES))

    @property
    def values(self) -> dict[str, object]:
        """What the places of a rule's sentences stand for."""
        least, most = self.limits
        shown = SECURITY_NAMES[self.security if self.security is not None else Security.WPA2]
        return {
            "channel": self.channel,
            "rssi": self.rssi,
            "security": shown,
            "bytes": len(self.password or b""),
            "name_bytes": len(self.ssid),
            "name_most": NAME_BYTES,
            "least": least,
            "most": most,
            "oldest_most": OLDEST_PASSWORD_BYTES,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to be the case, and what that means.

    Attributes:
        key: Stable name.
        severity: How much it speaks against the network.
        when: Whether it holds.
        words: What it is, a sentence.
        change: What to change, a sentence.
        source: Where the fact is from.
    """

    key: str
    severity: Severity
    when: Callable[[Facts], bool]
    words: Text
    change: Text
    source: str


def _is_out_of_band(channel: int, frequency_mhz: int) -> bool:
    return frequency_mhz >= ABOVE_2_4_GHZ_MHZ if frequency_mhz else channel > HIGHEST_OF_2_4_GHZ


def _is_plain(raw: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in raw)


def _has_controls(raw: bytes) -> bool:
    return any(byte < 0x20 or byte == 0x7F for byte in raw)


def _has_blank_ends(raw: bytes) -> bool:
    return raw.strip(b" ") != raw


_STOPS, _WARNS = Severity.STOPS, Severity.WARNS
_SUPPORT = "support page, Can't Get Connected"
_NEEDS_PASSWORD = (Security.WEP, Security.WPA, Security.WPA2)

RULES: tuple[Rule, ...] = (
    # --- what a scan shows ---
    Rule(
        "five-ghz",
        _STOPS,
        lambda facts: facts.out_of_band and facts.band_sure,
        text("Preflight", "This network is on 5 GHz or 6 GHz. The board hears 2.4 GHz only."),
        text("Preflight", "Switch 2.4 GHz on at the router, or choose its 2.4 GHz network."),
        f"{_SUPPORT}: 802.11b/g; the specification knows channels of 2.4 GHz alone (6.3)",
    ),
    Rule(
        "five-ghz-perhaps",  # a computer that is in a network may name the one radio it uses and no other
        _WARNS,
        lambda facts: facts.out_of_band and not facts.band_sure,
        text("Preflight", "This computer names only networks on 5 GHz or 6 GHz. The board hears 2.4 GHz only."),
        text("Preflight", "If the board does not connect, see that 2.4 GHz is on at the router."),
        f"{_SUPPORT}: 802.11b/g; the specification knows channels of 2.4 GHz alone (6.3)",
    ),
    Rule(
        "channel-above-11",
        _STOPS,
        lambda facts: facts.core and not facts.out_of_band and facts.channel > HIGHEST_OF_CC3000,
        text("Preflight", "This network is on channel {channel}. A Core's radio hears channels 1 to 11 only."),
        text("Preflight", "Set the router's 2.4 GHz channel to 11 or lower; 1, 6 and 11 are usual."),
        f"{_SUPPORT}: channels above 11",
    ),
    Rule(
        "wpa3-only",
        _STOPS,
        lambda facts: facts.too_new is True,
        text("Preflight", "This network takes WPA3 only. No board here knows it."),
        text("Preflight", "Set the router to WPA2, or to WPA2 and WPA3 together."),
        "5.4, 6.3: the kinds of security end with WPA2",
    ),
    Rule(
        "wpa3-perhaps",
        _WARNS,
        lambda facts: facts.too_new is None,
        text("Preflight", "This network has WPA3. The board gets in only if it has WPA2 as well."),
        text("Preflight", "If the board does not connect, set the router to WPA2, or to WPA2 and WPA3 together."),
        "5.4, 6.3: the kinds of security end with WPA2",
    ),
    Rule(
        "wep-on-core",
        _STOPS,
        lambda facts: facts.core and facts.security is Security.WEP,
        text("Preflight", "This network has WEP. The makers have never seen it work with a Core."),
        text("Preflight", "Set the router to WPA2; WEP protects nothing."),
        "5.4 B",
    ),
    Rule(
        "enterprise-on-core",
        _STOPS,
        lambda facts: facts.core and facts.enterprise,
        text("Preflight", "This network wants a sign-in by name or certificate. A Core cannot do that."),
        text("Preflight", "Choose a network with one password for everybody."),
        "5.4 D, 5.5",
    ),
    Rule(
        "enterprise-too-early",
        _STOPS,
        lambda facts: (
            facts.enterprise and not facts.core and facts.release is not None and facts.release < FIRST_WITH_ENTERPRISE
        ),
        text("Preflight", "This network wants a sign-in by name or certificate. Firmware before 0.7 cannot do that."),
        text("Preflight", "Give the board newer firmware first, or choose a network with one password for everybody."),
        "5.5",
    ),
    Rule(
        "enterprise-mixed",
        _WARNS,
        lambda facts: (
            facts.enterprise and not facts.core and (facts.release is None or facts.release >= FIRST_WITH_ENTERPRISE)
        ),
        text("Preflight", "This network wants a sign-in by name or certificate. With some of them it does not work."),
        text("Preflight", "If it does not connect, try a network with one password for everybody."),
        f"{_SUPPORT}: enterprise networks",
    ),
    Rule(
        "captive-portal",
        _STOPS,
        lambda facts: facts.portal is True,
        text("Preflight", "This network shows a page to sign in or to agree first. A board cannot do that."),
        text("Preflight", "Choose another network, or ask who runs it to let the board through."),
        f"{_SUPPORT}: captive portal",
    ),
    Rule(
        "open",
        _WARNS,
        lambda facts: facts.security is Security.OPEN and facts.portal is None and facts.too_new is False,
        text("Preflight", "This network is open. Many open networks show a page to sign in first, and a board cannot."),
        text("Preflight", "Join it with a phone: if such a page comes up, choose another network."),
        f"{_SUPPORT}: captive portal",
    ),
    Rule(
        "weak",
        _WARNS,
        lambda facts: facts.rssi != 0 and facts.rssi <= WEAK_DBM,
        text("Preflight", "This network is weak here ({rssi} dBm)."),
        text("Preflight", "Bring the board closer to the router. If it has a socket for an antenna, attach one."),
        f"{_SUPPORT}, step 0: range and antenna",
    ),
    # --- what was typed ---
    Rule(
        "name-too-long",
        _STOPS,
        lambda facts: len(facts.ssid) > NAME_BYTES,
        text("Preflight", "This name has {name_bytes} bytes. A network's name has at most {name_most}."),
        text("Preflight", "Look at the router for the exact name; letters beyond a to z need two bytes and more."),
        "5.4 A and B: name at most 32",
    ),
    Rule(
        "name-characters",
        _STOPS,
        lambda facts: _has_controls(facts.ssid),
        text("Preflight", "This name has a sign in it that would end the line or erase something at the board."),
        text("Preflight", "Give the network another name at the router."),
        "5.1: the line reader",
    ),
    Rule(
        "name-blank-ends",
        _WARNS,
        lambda facts: _has_blank_ends(facts.ssid),
        text("Preflight", "This name begins or ends with a blank."),
        text("Preflight", "Check it: the blank goes to the board as well."),
        f"{_SUPPORT}, step 0: typed correctly",
    ),
    Rule(
        "password-missing",
        _STOPS,
        lambda facts: facts.password == b"" and facts.security in _NEEDS_PASSWORD,
        text("Preflight", "This network has a password, and none was given."),
        text("Preflight", "Type the password; it is often printed on the router."),
        "5.4 B",
    ),
    Rule(
        "password-length",
        _STOPS,
        lambda facts: bool(facts.password) and not facts.limits[0] <= len(facts.password or b"") <= facts.limits[1],
        text("Preflight", "This password has {bytes} bytes. With {security} it has {least} to {most}."),
        text("Preflight", "Check it at the router; letters beyond a to z count as two bytes and more."),
        "5.4 B and C",
    ),
    Rule(
        "password-long-for-2013",
        _WARNS,
        lambda facts: (
            facts.core
            and facts.release is None
            and OLDEST_PASSWORD_BYTES < len(facts.password or b"") <= facts.limits[1]
        ),
        text("Preflight", "This password has {bytes} bytes. A Core's firmware of 2013 takes only {oldest_most}."),
        text("Preflight", "If the board does not connect, give it newer firmware, or the network a shorter password."),
        "5.4 A",
    ),
    Rule(
        "password-characters",
        _STOPS,
        lambda facts: _has_controls(facts.password or b""),
        text("Preflight", "This password has a sign in it that would end the line or erase something at the board."),
        text("Preflight", "Give the network another password at the router."),
        "5.1: the line reader",
    ),
    Rule(
        "password-not-plain",
        _WARNS,
        lambda facts: not _is_plain(facts.password or b"") and not _has_controls(facts.password or b""),
        text("Preflight", "This password has letters beyond a to z. Routers do not all write them in the same bytes."),
        text("Preflight", "If the board does not connect, give the network a password of plain letters and digits."),
        "5.1: bytes, no UTF-8 handling",
    ),
    Rule(
        "password-blank-ends",
        _WARNS,
        lambda facts: _has_blank_ends(facts.password or b""),
        text("Preflight", "This password begins or ends with a blank."),
        text("Preflight", "Check it: the blank goes to the board as well."),
        f"{_SUPPORT}, step 0: typed correctly",
    ),
)

_UNSEEN: tuple[tuple[frozenset[Radio], Finding, str], ...] = (
    (
        frozenset({Radio.CC3000}),
        Finding(
            "n-only",
            _WARNS,
            text("Preflight", "No scan shows whether a router is set to 802.11n only. A Core knows 802.11b and g."),
            text("Preflight", "Set the router's 2.4 GHz mode to mixed, or b/g/n."),
        ),
        f"{_SUPPORT}: 802.11n-only networks",
    ),
    (
        frozenset({Radio.CC3000, Radio.PHOTON}),
        Finding(
            "dhcp",
            _WARNS,
            text("Preflight", "The board asks the router for its address. No fixed one can be typed here."),
            text("Preflight", "Leave DHCP on at the router."),
        ),
        f"{_SUPPORT}, step 4: use DHCP",
    ),
    (
        frozenset({Radio.CC3000, Radio.PHOTON}),
        Finding(
            "access-control",
            _WARNS,
            text("Preflight", "A router may let only devices in that it knows, or keep the way to the cloud shut."),
            text("Preflight", "Switch access control off for a test, and allow outgoing TCP port 5683."),
        ),
        f"{_SUPPORT}, step 4: access control and firewalls",
    ),
    (
        frozenset({Radio.CC3000, Radio.PHOTON}),
        Finding(
            "complex",
            _WARNS,
            text("Preflight", "Several routers, repeaters or unusual settings may keep a board out."),
            text("Preflight", "If the board does not connect, try a plain network, for example a phone's hotspot."),
        ),
        f"{_SUPPORT}: complex networks",
    ),
)


def look_at(
    network: SeenNetwork | WifiLogin,
    platform: Platform,
    *,
    version: str = "",
    seen: SeenNetwork | None = None,
    portal: bool | None = None,
) -> tuple[Finding, ...]:
    """Return what speaks against a network for this kind of board, what stops it first.

    Args:
        network: One that was seen, or one that was chosen or typed.
        platform: The kind of board; one without Wi-Fi has no findings.
        version: The board's firmware as it told it, "" where that is not known.
        seen: What is known of a typed one, where a scan shows it too.
        portal: Whether a page to sign in is known to be in its way; None where nobody looked.
    """
    if platform.radio is Radio.NONE:
        return ()
    facts = _facts(network, platform, version, seen, portal)
    found = [
        Finding(rule.key, rule.severity, _filled(rule.words, facts.values), rule.change)
        for rule in RULES
        if rule.when(facts)
    ]
    return tuple(sorted(found, key=lambda each: each.severity is not Severity.STOPS))


def not_to_be_seen(platform: Platform) -> tuple[Finding, ...]:
    """Return what no scan can show and somebody has to ask or say, for this kind of board."""
    return tuple(finding for radios, finding, _ in _UNSEEN if platform.radio in radios)


def marked(seen: SeenNetwork, platform: Platform, *, version: str = "") -> SeenNetwork:
    """Return the network with `note` and `fits` as the findings say; the note is the weightiest one."""
    found = look_at(seen, platform, version=version)
    fits = all(each.severity is not Severity.STOPS for each in found)
    return replace(seen, note=found[0].words if found else None, fits=fits)


def seen_by_computer(heard: HeardNetwork) -> SeenNetwork:
    """Return a network this computer hears in the words of the boards."""
    too_new = {Protection.WPA3: True, Protection.WPA3_ENTERPRISE: True, Protection.WPA3_AT_BEST: None}
    return SeenNetwork(
        heard.ssid,
        _SECURITIES.get(heard.security),
        _CIPHERS[heard.encryption],
        heard.channel,
        heard.rssi,
        frequency_mhz=heard.frequency_mhz,
        too_new=too_new.get(heard.security, False),
    )


def merge(
    board_scan: Iterable[SeenNetwork], computer_scan: Scan, platform: Platform, *, version: str = ""
) -> tuple[SeenNetwork, ...]:
    """Return what board and computer see as one list, marked and strongest first.

    A name stands once for each kind of security that fits, with what the board itself hears where it hears it. Of a
    name none of whose radios fits there is one row, the strongest, with its reason. Networks without a name are left
    out: who knows such a name types it.

    Args:
        board_scan: What the board hears.
        computer_scan: What this computer hears.
        platform: The kind of board.
        version: The board's firmware as it told it, "" where that is not known.
    """
    rows = [(True, each) for each in board_scan]
    rows += [(False, seen_by_computer(each)) for each in computer_scan.heard]
    if not any((each.channel or each.frequency_mhz) and not _out_of_band(each) for _, each in rows):
        rows = [(own, replace(each, band_sure=False)) for own, each in rows]
    named = [(own, marked(each, platform, version=version)) for own, each in rows if each.ssid]
    # The board's own ears first, then the strongest.
    named.sort(key=lambda row: (not row[0], _weakness(row[1])))
    fitting: dict[tuple[bytes, Security | None], SeenNetwork] = {}
    for _, each in named:
        if each.fits:
            fitting.setdefault((each.ssid, each.security), each)
    names = {ssid for ssid, _ in fitting}
    known = {ssid for ssid, security in fitting if security is not None}
    others: dict[bytes, SeenNetwork] = {}
    for _, each in sorted(named, key=lambda row: _weakness(row[1])):
        if each.ssid not in names:
            others.setdefault(each.ssid, each)
    # What one of them could not tell, the other may have told.
    chosen = [each for (ssid, security), each in fitting.items() if security is not None or ssid not in known]
    return tuple(sorted([*chosen, *others.values()], key=_weakness))


def _filled(words: Text, values: dict[str, object]) -> Text:
    """Fill in what the sentence has places for, and nothing else."""
    used = {name: value for name, value in values.items() if f"{{{name}}}" in words.source}
    return words.with_values(**used) if used else words


def _out_of_band(seen: SeenNetwork) -> bool:
    return _is_out_of_band(seen.channel, seen.frequency_mhz)


def _weakness(seen: SeenNetwork) -> int:
    return -seen.rssi if seen.rssi else 1000


def _facts(
    network: SeenNetwork | WifiLogin, platform: Platform, version: str, seen: SeenNetwork | None, portal: bool | None
) -> Facts:
    password: bytes | None = None
    security = network.security
    if isinstance(network, WifiLogin):
        if security is None or not security.enterprise:
            password = None if network.password is None else network.password.encode("utf-8", "replace")
        if security is None and seen is not None:
            security = seen.security
    else:
        seen = network
    release = _RELEASE.match(version)
    return Facts(
        network.ssid,
        security,
        seen.too_new if seen is not None else False,
        seen.channel if seen is not None else 0,
        seen.frequency_mhz if seen is not None else 0,
        seen.rssi if seen is not None else 0,
        seen.band_sure if seen is not None else True,
        password,
        platform.radio,
        (int(release[1]), int(release[2])) if release else None,
        portal,
    )


_SECURITIES = {
    Protection.OPEN: Security.OPEN,
    Protection.WEP: Security.WEP,
    Protection.WPA: Security.WPA,
    Protection.WPA2: Security.WPA2,
    Protection.WPA3_AT_BEST: Security.WPA2,
    Protection.WPA_ENTERPRISE: Security.WPA_ENTERPRISE,
    Protection.WPA2_ENTERPRISE: Security.WPA2_ENTERPRISE,
}
_CIPHERS = {
    Encryption.UNKNOWN: Cipher.UNKNOWN,
    Encryption.AES: Cipher.AES,
    Encryption.TKIP: Cipher.TKIP,
    Encryption.AES_TKIP: Cipher.AES_TKIP,
}
