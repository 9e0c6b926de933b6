"""What the operating systems' own tools print about Wi-Fi networks, read into `HeardNetwork`s. Nothing is run here.

Names of networks are bytes chosen by strangers: nothing in them may end a line, a list or the program. What a tool does
not tell stays unknown; a row that cannot be understood is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan

LONGEST_NAME = 32  # bytes; a longer one is no network's
_LOST = "\ufffd"  # what is read in the place of bytes that are no character
REDACTED = "<redacted>"  # what macOS writes in the place of names


def strongest_first(heard: Iterable[HeardNetwork]) -> tuple[HeardNetwork, ...]:
    """Return the networks in order of strength; those of unknown strength come last."""
    return tuple(sorted(heard, key=lambda each: -each.rssi if each.rssi else 1000))


def channel_of(frequency_mhz: int) -> int:
    """Return the number of the channel at that frequency, 0 for none.

    The 14th of 2.4 GHz lies apart from the others; on 5 GHz and 6 GHz each has 5 MHz.
    """
    if frequency_mhz == 2484:
        return 14
    if 2412 <= frequency_mhz <= 2472:
        return (frequency_mhz - 2407) // 5
    if 5955 <= frequency_mhz <= 7115:
        return (frequency_mhz - 5950) // 5
    return (frequency_mhz - 5000) // 5 if 5000 < frequency_mhz < 5955 else 0


def frequency_of(channel: int, band: str = "") -> int:
    """Return the frequency of a channel in MHz, 0 where it is not clear.

    Args:
        channel: Its number.
        band: The band's first digit, `2`, `5` or `6`, where it is known; without it the numbers up to 14 are taken for
            those of 2.4 GHz, because hardly anything sends on 6 GHz alone.
    """
    if channel <= 0:
        return 0
    if band == "6":
        return 5950 + 5 * channel
    if channel <= 14 and band != "5":
        return 2484 if channel == 14 else 2407 + 5 * channel
    return 5000 + 5 * channel if channel <= 200 else 0


# --- Linux: NetworkManager --------------------------------------------------------------------------------------------

NMCLI_FIELDS = ("IN-USE", "SSID-HEX", "CHAN", "FREQ", "SIGNAL", "SECURITY", "WPA-FLAGS", "RSN-FLAGS")
"""Asked for in this order: names as digits, so that no byte of them is lost or taken for something else."""


def parse_nmcli(printed: bytes) -> Scan:
    r"""Read `nmcli -t -f <NMCLI_FIELDS> device wifi list`: a line for each radio, `:` between fields, `\\` escapes."""
    heard: list[HeardNetwork] = []
    joined: bytes | None = None
    for line in printed.decode("utf-8", "replace").split("\n"):
        fields = _nmcli_fields(line)
        if len(fields) != len(NMCLI_FIELDS):
            continue
        in_use, digits, channel, frequency, signal, security, wpa, rsn = fields
        ssid = _from_digits(digits)
        if ssid is None:
            continue
        mhz = _number(frequency)
        heard.append(
            HeardNetwork(
                ssid,
                _number(channel) or channel_of(mhz),
                _dbm_of_manager(signal),
                _protection_of_manager(security, wpa.split(), rsn.split()),
                _encryption({*wpa.split(), *rsn.split()}, aes="pair_ccmp", tkip="pair_tkip"),
                mhz or frequency_of(_number(channel)),
            )
        )
        if in_use.strip() == "*" and ssid:
            joined = ssid
    return Scan(strongest_first(heard), joined)


def parse_nmcli_devices(printed: bytes) -> tuple[str, ...]:
    """Read `nmcli -t -f TYPE,STATE device`: the states of the Wi-Fi adapters, none where there is no adapter."""
    rows = [_nmcli_fields(line) for line in printed.decode("utf-8", "replace").splitlines()]
    return tuple(row[1] for row in rows if len(row) == 2 and row[0] == "wifi")


def _nmcli_fields(line: str) -> list[str]:
    r"""Split at each `:` that no `\\` stands before; the same sign hides itself."""
    fields = [""]
    signs = iter(line)
    for sign in signs:
        if sign == "\\":
            fields[-1] += next(signs, "")
        elif sign == ":":
            fields.append("")
        else:
            fields[-1] += sign
    return fields


def _from_digits(digits: str) -> bytes | None:
    """Return a name from its hexadecimal digits, b"" for none, None where it cannot be one."""
    try:
        return _name(bytes.fromhex("" if digits == "--" else digits))
    except ValueError:
        return None


def _name(raw: bytes) -> bytes | None:
    """Return the name of a network, b"" of one that hides it, None where it cannot be one.

    A hidden network sends nothing, or as many NULs as its name has bytes.
    """
    if len(raw) > LONGEST_NAME:
        return None
    return raw if raw.strip(b"\0") else b""


def _spoken_name(words: str) -> bytes | None:
    """Return as `_name` the name a tool tells in characters; b"" where one of them was lost: another is none of its."""
    try:
        return b"" if _LOST in words else _name(words.encode())
    except UnicodeEncodeError:  # half a character
        return b""


def _dbm_of_manager(percent: str) -> int:
    """Return dBm from NetworkManager's quality: it calls -40 dBm 100 and -100 dBm 0, and what is outside the same."""
    quality = _number(percent)
    return 0 if not percent.strip().isdecimal() else round(-100 + 0.6 * min(quality, 100))


def _board_knows(wpa: Collection[str], rsn: Collection[str], *, shared: str, company: str) -> Protection | None:
    """Return the best of what a network offers that a board may know; None where there is nothing of it.

    Args:
        wpa: How one gets in by WPA.
        rsn: How one gets in by WPA2 and later.
        shared: The tool's word for one password for everybody.
        company: The tool's word for a sign-in of one's own.
    """
    offered = (
        (company, rsn, Protection.WPA2_ENTERPRISE),
        (shared, rsn, Protection.WPA2),
        (company, wpa, Protection.WPA_ENTERPRISE),
        (shared, wpa, Protection.WPA),
    )
    return next((protection for word, found, protection in offered if word in found), None)


def _protection_of_manager(security: str, wpa: list[str], rsn: list[str]) -> Protection:
    if (known := _board_knows(wpa, rsn, shared="psk", company="802.1X")) is not None:
        return known
    if any(flag.startswith("eap_suite_b") or flag.startswith("eap-suite-b") for flag in rsn):
        return Protection.WPA3_ENTERPRISE
    if {"sae", "owe"} & set(rsn):
        return Protection.WPA3
    words = security.split()
    if "WEP" in words:
        return Protection.WEP
    # The open half of a network that has an encrypted one too is open.
    return Protection.OPEN if set(words) <= {"--", "OWE-TM"} else Protection.UNKNOWN


def _encryption(found: Iterable[str], *, aes: str, tkip: str) -> Encryption:
    marks = set(found)
    if aes in marks:
        return Encryption.AES_TKIP if tkip in marks else Encryption.AES
    return Encryption.TKIP if tkip in marks else Encryption.UNKNOWN


# --- Linux: iw --------------------------------------------------------------------------------------------------------

_IW_BSS = re.compile(r"BSS [0-9a-f:]{17}\(on [^)]*\)(?P<joined> -- associated)?", re.IGNORECASE)
_IW_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_IW_SUITES = re.compile(r"IEEE 802\.1X|\S+")


def parse_iw_devices(printed: bytes) -> tuple[str, ...]:
    """Read `iw dev`: the names of the Wi-Fi adapters."""
    found = re.findall(rb"^[ \t]+Interface (\S+)$", printed, re.MULTILINE)
    return tuple(name.decode("utf-8", "surrogateescape") for name in found)


def parse_iw(printed: bytes) -> Scan:
    r"""Read `iw dev <name> scan` or `scan dump`: a block for each radio; odd bytes of names are written `\\x00`."""
    heard: list[HeardNetwork] = []
    joined: bytes | None = None
    for head, lines in _iw_blocks(printed):
        network = _iw_network(lines)
        if network is None:
            continue
        heard.append(network)
        if head["joined"] and network.ssid:
            joined = network.ssid
    return Scan(strongest_first(heard), joined)


def _iw_blocks(printed: bytes) -> Iterator[tuple[re.Match[str], list[str]]]:
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in printed.decode("utf-8", "surrogateescape").split("\n"):
        begins = _IW_BSS.match(line)
        if begins is None:
            lines.append(line)
            continue
        if head is not None:
            yield head, lines
        head, lines = begins, []
    if head is not None:
        yield head, lines


def _iw_network(lines: list[str]) -> HeardNetwork | None:
    ssid: bytes | None = b""
    frequency = channel = 0
    rssi = 0.0
    private = False
    suites: dict[str, set[str]] = {"WPA": set(), "RSN": set()}
    ciphers: set[str] = set()
    part = ""
    for line in lines:
        key, _, value = line.rstrip("\r").lstrip(" \t").partition(":")
        if line.startswith("\t") and not line.startswith("\t\t"):
            part = key
        match key:
            case "SSID":
                ssid = _name(_iw_bytes(value.removeprefix(" ")))
            case "freq":
                frequency = round(_decimal(value))
            case "signal":
                rssi = _decimal(value)
            case "DS Parameter set":
                channel = _number(value.rpartition("channel")[2])
            case "* primary channel":
                channel = channel or _number(value)
            case "capability":
                private = "Privacy" in value.split()
            case "* Authentication suites" if part in suites:
                suites[part] |= set(_IW_SUITES.findall(value))
            case "* Pairwise ciphers" if part in suites:
                ciphers |= set(value.split())
            case _:
                pass
    if ssid is None:
        return None
    return HeardNetwork(
        ssid,
        channel or channel_of(frequency),
        round(rssi),
        _protection_of_iw(suites["WPA"], suites["RSN"], private=private),
        _encryption(ciphers, aes="CCMP", tkip="TKIP"),
        frequency or frequency_of(channel),
    )


def _protection_of_iw(wpa: set[str], rsn: set[str], *, private: bool) -> Protection:
    if (known := _board_knows(wpa, rsn, shared="PSK", company="IEEE 802.1X")) is not None:
        return known
    if {"SAE", "FT/SAE", "OWE"} & rsn:
        return Protection.WPA3
    if wpa or rsn:
        return Protection.UNKNOWN  # of a kind nobody here knows
    return Protection.WEP if private else Protection.OPEN


def _iw_bytes(escaped: str) -> bytes:
    raw = escaped.encode("utf-8", "surrogateescape")
    return _IW_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), raw)


# --- Windows: netsh ---------------------------------------------------------------------------------------------------

_NETSH_NETWORK = re.compile(r"SSID \d+\s*[:：] ?(?P<name>.*)")
_NETSH_RADIO = re.compile(r"\s+BSSID \d+\s*[:：]")
_NETSH_ROW = re.compile(r"(?P<indent>\s+)(?P<key>[^\s:：][^:：]*)[:：]\s?(?P<value>.*)")
_PERCENT = re.compile(r"(\d{1,3})\s*%")
_BAND = re.compile(r"([256])(?:[.,]4)?\s?GHz", re.IGNORECASE)
_FOR_ONE_HOUSE = (
    "person",
    "persön",
    "pessoal",
    "persoonl",
    "osob",
    "lič",
    "личн",
    "パーソナル",
    "个人",
    "個人",
    "개인",
)
_FOR_A_COMPANY = (
    *("enterpr", "entrepr", "empres", "unternehm", "aziend", "ondernem", "företag", "virksomhed", "bedrift"),
    *("yritys", "podnik", "przedsięb", "kurumsal", "vállal", "предпр", "корпор"),
    *("エンタープライズ", "企业", "企業", "엔터프라이즈"),
)
"""How Windows ends the name of a kind of security, in its languages; the beginning is the same in all of them."""


def parse_netsh_networks(printed: str) -> tuple[HeardNetwork, ...]:
    """Read `netsh wlan show networks mode=bssid`, in whatever language Windows speaks.

    Only `SSID 1`, `BSSID 1`, units, and names of standards are the same in all: everything else is told by its place.
    Below a network stand its type, its protection and its encryption, in this order; below each radio the strength is
    the first value with `%`, and the channel is the first whole number after it.
    """
    heard: list[HeardNetwork] = []
    network: HeardNetwork | None = None
    heads: list[str] = []
    radios = 0

    def ended() -> None:
        # A network none of whose radios is told is there all the same.
        if network is not None and not radios:
            heard.append(_netsh_network(network.ssid, heads))

    for line in _lines(printed):
        if begins := _NETSH_NETWORK.match(line):
            ended()
            ssid = _spoken_name(begins["name"])
            network, heads, radios = (None if ssid is None else HeardNetwork(ssid)), [], 0
        elif network is None:
            continue
        elif _NETSH_RADIO.match(line):
            radios += 1
            heard.append(_netsh_network(network.ssid, heads))
        elif row := _NETSH_ROW.match(line):
            if not radios:
                heads.append(row["value"].strip())
            else:
                heard[-1] = _with_netsh_row(heard[-1], row["value"].strip())
    ended()
    return strongest_first(heard)


def parse_netsh_joined(printed: str) -> bytes | None:
    """Read `netsh wlan show interfaces`: the name of the network this computer is in; `SSID` is the same in all."""
    rows = (_NETSH_ROW.match(line) for line in _lines(printed))
    names = (_spoken_name(row["value"]) for row in rows if row is not None and row["key"].rstrip() == "SSID")
    return next((name for name in names if name), None)


def _lines(printed: str) -> list[str]:
    """Split at line ends alone: a name may hold other signs that end a line elsewhere."""
    return [line.removesuffix("\r") for line in printed.split("\n")]


def _netsh_network(ssid: bytes, heads: list[str]) -> HeardNetwork:
    protection, encryption = (*heads[1:3], "", "")[:2]
    return HeardNetwork(ssid, security=_protection_of_windows(protection, encryption), encryption=_windows(encryption))


def _with_netsh_row(heard: HeardNetwork, value: str) -> HeardNetwork:
    if not heard.rssi and (percent := _PERCENT.fullmatch(value)):
        return replace(heard, rssi=_dbm_of_windows(int(percent[1])))
    if not heard.frequency_mhz and (band := _BAND.fullmatch(value)):
        # The channel comes after it; until then its band is enough.
        return replace(heard, frequency_mhz={"2": 2400, "5": 5000, "6": 5950}[band[1]])
    if not heard.channel and value.isascii() and value.isdecimal() and len(value) <= 3:
        channel = int(value)
        told = {2400: "2", 5000: "5", 5950: "6"}.get(heard.frequency_mhz, "")
        return replace(heard, channel=channel, frequency_mhz=frequency_of(channel, told) or heard.frequency_mhz)
    return heard


def _dbm_of_windows(percent: int) -> int:
    """Return dBm from Windows' quality: 0 is -100 dBm, 100 is -50 dBm, between them a straight line."""
    return round(-100 + min(percent, 100) / 2)


def _windows(encryption: str) -> Encryption:
    words = set(re.findall(r"[A-Z]+", encryption))
    return _encryption(words, aes="CCMP", tkip="TKIP")


def _protection_of_windows(protection: str, encryption: str) -> Protection:
    if "WEP" in encryption.upper():
        return Protection.WEP
    words = protection.casefold()
    company = any(each in words for each in _FOR_A_COMPANY)
    house = any(each in words for each in _FOR_ONE_HOUSE)
    if "wpa3" in words:
        # Windows names the newest way it could use; a network that offers WPA2 too looks the same.
        return Protection.WPA3_ENTERPRISE if company else Protection.WPA3_AT_BEST
    if "owe" in words:
        return Protection.WPA3
    if "wpa" not in words:
        encrypts = re.search(r"CCMP|TKIP|GCMP|AES", encryption.upper())
        return Protection.UNKNOWN if encrypts or not protection else Protection.OPEN
    if company == house:
        return Protection.UNKNOWN
    if "wpa2" in words:
        return Protection.WPA2_ENTERPRISE if company else Protection.WPA2
    return Protection.WPA_ENTERPRISE if company else Protection.WPA


# --- macOS: system_profiler -------------------------------------------------------------------------------------------

_MAC_CHANNEL = re.compile(r"\s*(\d{1,3})(?:.*?\b([256])\s?GHz)?", re.IGNORECASE | re.DOTALL)
_MAC_SIGNAL = re.compile(r"\s*(-\d{1,3})\s*dBm")
_MAC_PREFIX = re.compile(r"^s?pairport_security_mode_")  # one of them is misspelt by the system itself
_MAC_SECURITY = {
    "none": Protection.OPEN,
    "open": Protection.OPEN,
    "wep": Protection.WEP,
    "wpa_personal": Protection.WPA,
    "wpa_personal_mixed": Protection.WPA2,
    "wpa2_personal": Protection.WPA2,
    "wpa2_personal_mixed": Protection.WPA2,
    "wpa3_transition": Protection.WPA2,
    "wpa3_personal": Protection.WPA3,
    "wpa_enterprise": Protection.WPA_ENTERPRISE,
    "wpa_enterprise_mixed": Protection.WPA2_ENTERPRISE,
    "wpa2_enterprise": Protection.WPA2_ENTERPRISE,
    "wpa2_enterprise_mixed": Protection.WPA2_ENTERPRISE,
    "wpa3_enterprise": Protection.WPA3_ENTERPRISE,
    "owe": Protection.WPA3,
    "owe_transition": Protection.OPEN,
}


def parse_profiler(printed: bytes) -> Scan | None:
    """Read `system_profiler SPAirPortDataType -json`; None where it is no such report.

    Newer macOS writes `<redacted>` in the place of names: such networks are kept without one.
    """
    try:
        told: object = json.loads(printed)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or "SPAirPortDataType" not in told:
        return None
    heard: list[HeardNetwork] = []
    joined: bytes | None = None
    for card in _rows(told.get("SPAirPortDataType")):
        for adapter in _rows(card.get("spairport_airport_interfaces")):
            current = adapter.get("spairport_current_network_information")
            if isinstance(current, dict) and current:
                here = _mac_network(current)
                if here is not None:
                    # Of the one it is in, the Mac names the way it uses, not all there are.
                    perhaps = here.security is Protection.WPA3
                    heard.append(replace(here, security=Protection.WPA3_AT_BEST) if perhaps else here)
                    joined = joined or here.ssid or None
            others = _rows(adapter.get("spairport_airport_other_local_wireless_networks"))
            heard += [found for found in map(_mac_network, others) if found is not None]
    return Scan(strongest_first(heard), joined)


def is_redacted(printed: bytes) -> bool:
    """Whether macOS keeps names to itself."""
    return REDACTED.encode() in printed


def _rows(found: object) -> list[dict[str, object]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _mac_network(row: Mapping[str, object]) -> HeardNetwork | None:
    told = str(row.get("_name") or "")
    ssid = _spoken_name("" if told == REDACTED else told)
    if ssid is None:
        return None
    channel, mhz = 0, 0
    if found := _MAC_CHANNEL.match(str(row.get("spairport_network_channel", ""))):
        channel = int(found[1])
        mhz = frequency_of(channel, found[2] or "")
    signal = _MAC_SIGNAL.match(str(row.get("spairport_signal_noise", "")))
    security = _MAC_PREFIX.sub("", str(row.get("spairport_security_mode", "")))
    return HeardNetwork(
        ssid,
        channel,
        int(signal[1]) if signal else 0,
        _MAC_SECURITY.get(security, Protection.UNKNOWN),
        frequency_mhz=mhz,
    )


# --- numbers ----------------------------------------------------------------------------------------------------------


def _number(words: str) -> int:
    """Return the whole number that a value begins with, 0 where it begins with none; no frequency has more digits."""
    found = re.match(r"\s*(\d{1,6})", words, re.ASCII)
    return int(found[1]) if found else 0


def _decimal(words: str) -> float:
    found = re.match(r"\s*(-?\d{1,6}(?:\.\d{1,6})?)", words, re.ASCII)
    return float(found[1]) if found else 0.0
