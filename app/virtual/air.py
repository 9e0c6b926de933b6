"""The Wi-Fi networks around a virtual board, those it has stored, and which of them it gets into.

Facts are from device-protocol.md 5.4, 5.5 and 6.3; that a radio of 2.4 GHz hears nothing else, and a Core nothing above
channel 11, is from the makers' support page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum, unique

LONGEST_SSID = 32
HIGHEST_CHANNEL = 14  # of 2.4 GHz
HIGHEST_CHANNEL_CORE = 11


@unique
class Security(IntEnum):
    """How a network is protected: the digits of the console and of the control requests (5.4, 6.3)."""

    OPEN = 0
    WEP = 1
    WPA = 2
    WPA2 = 3
    WPA_ENTERPRISE = 4
    WPA2_ENTERPRISE = 5

    @property
    def enterprise(self) -> bool:
        """Whether people log in by name or certificate."""
        return self >= Security.WPA_ENTERPRISE


@unique
class Cipher(IntEnum):
    """How it encrypts: digits as above; read as bits, what both have in common fits."""

    UNSET = 0
    AES = 1
    TKIP = 2
    AES_TKIP = 3


@unique
class Eap(IntEnum):
    """How people log in to an enterprise network; numbers of the control requests (6.3)."""

    NONE = 0
    TLS = 13
    PEAP = 25


@unique
class Internet(Enum):
    """What is behind a network."""

    FULL = "full"
    NONE = "none"
    PORTAL = "portal"  # a page to log in comes first
    BLOCKED = "blocked"  # a firewall lets the board's way to the cloud not through
    NO_ADDRESS = "no-address"  # nobody hands out addresses


@dataclass(frozen=True, slots=True)
class Network:
    """One network in the air.

    Attributes:
        ssid: Its name, at most 32 bytes.
        security: How it is protected.
        cipher: How it encrypts; None for what is usual (AES; UNSET for an open one and WEP).
        channel: 1 to 14 are of 2.4 GHz; anything above no board here hears.
        rssi: Strength in dBm.
        password: To get in; of an enterprise network by PEAP, the person's.
        hidden: It does not tell its name: no scan finds it, but who knows it gets in.
        internet: What is behind it.
        n_only: It speaks 802.11n only, which a Core's radio does not.
        bssid: Six bytes; b"" for made up ones.
        eap: Enterprise: what it asks for; None for both.
        identity: Enterprise by PEAP: the person's name.
    """

    ssid: bytes
    security: Security = Security.WPA2
    cipher: Cipher | None = None
    channel: int = 6
    rssi: int = -55
    password: bytes = field(default=b"", repr=False)
    hidden: bool = False
    internet: Internet = Internet.FULL
    n_only: bool = False
    bssid: bytes = b""
    eap: Eap | None = None
    identity: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if self.cipher is None:
            usual = Cipher.UNSET if self.security in (Security.OPEN, Security.WEP) else Cipher.AES
            object.__setattr__(self, "cipher", usual)
        if not self.bssid:
            object.__setattr__(self, "bssid", b"\x02" + hashlib.sha256(self.ssid).digest()[:5])


@dataclass(frozen=True, slots=True)
class Profile:
    """A network as a board has stored it.

    Attributes:
        ssid: Its name, as typed.
        security: As typed or taken from a scan.
        password: As typed.
        cipher: Likewise; UNSET where nobody asked.
        eap: Enterprise: how to log in.
        identity: Enterprise by PEAP: the person's name.
        outer_identity: Enterprise: the name said in the open.
        client_certificate: Enterprise by TLS, in PEM; b"" where there was none or a bad one.
        private_key: Likewise.
        root_ca: Likewise, for both.
    """

    ssid: bytes
    security: Security
    password: bytes = field(default=b"", repr=False)
    cipher: Cipher = Cipher.UNSET
    eap: Eap = Eap.NONE
    identity: bytes = field(default=b"", repr=False)
    outer_identity: bytes = field(default=b"", repr=False)
    client_certificate: bytes = field(default=b"", repr=False)
    private_key: bytes = field(default=b"", repr=False)
    root_ca: bytes = field(default=b"", repr=False)

    @property
    def acceptable(self) -> bool:
        """Whether a Photon or P1 of 0.4.6 and later stores it (5.4 C)."""
        if not 1 <= len(self.ssid) <= LONGEST_SSID:
            return False
        if self.security is Security.WEP:
            return 5 <= len(self.password) <= 58
        return self.security not in (Security.WPA, Security.WPA2) or 8 <= len(self.password) <= 64


HOME = Network(b"Practice", password=b"practice board")
PRACTICE_AIR = (
    HOME,
    Network(b"Practice guests", Security.OPEN, channel=1, rssi=-68, internet=Internet.PORTAL),
    Network(b"Practice 5 GHz", channel=44, rssi=-48, password=b"practice board"),
    Network(b"Caf\xc3\xa9 next door", Security.WPA, Cipher.TKIP, channel=11, rssi=-81, password=b"espresso"),
    Network(HOME.ssid, channel=36, rssi=-50, password=HOME.password),  # the same router's other radio
    Network(b"Practice channel 13", channel=13, rssi=-62, password=HOME.password),
    Network(
        b"Practice school",
        Security.WPA2_ENTERPRISE,
        channel=1,
        rssi=-66,
        password=b"practice board",
        eap=Eap.PEAP,
        identity=b"teacher",
    ),
    Network(b"Practice hidden", channel=6, rssi=-58, password=HOME.password, hidden=True),
)
# What a board knows that is said to know networks, and nothing more of it.
HOME_PROFILE = Profile(HOME.ssid, HOME.security, HOME.password, Cipher.AES)


def heard(networks: Iterable[Network], *, core: bool) -> tuple[Network, ...]:
    """Return the networks that a board's scan finds, in the order of the air.

    Args:
        networks: The air.
        core: Whether a Core's radio listens.
    """
    return tuple(network for network in networks if not network.hidden and _in_reach(network, core=core))


def found(networks: Iterable[Network], ssid: bytes, *, core: bool) -> Network | None:
    """Return the network of that name as a scan finds it; of several the last one (5.4 D)."""
    return next((network for network in reversed(heard(networks, core=core)) if network.ssid == ssid), None)


def joined(networks: Iterable[Network], profiles: Iterable[Profile], *, core: bool) -> Network | None:
    """Return the network that a board with these profiles gets into; None where it tries for ever.

    Where several would do the specification does not say which: here the first profile that fits.
    """
    air = [network for network in networks if _in_reach(network, core=core)]
    return next((network for profile in profiles for network in air if _fits(profile, network, core=core)), None)


def stored(profiles: Iterable[Profile], profile: Profile) -> tuple[Profile, ...]:
    """Return the profiles with one more; it takes the place of one of that name.

    Of enterprise networks only one can be stored (5.5). That a name is kept once, and how many can be kept at all, has
    no source.
    """
    both = profile.security.enterprise
    kept = [old for old in profiles if old.ssid != profile.ssid and not (both and old.security.enterprise)]
    return (*kept, profile)


def _in_reach(network: Network, *, core: bool) -> bool:
    if core and network.n_only:
        return False
    return 1 <= network.channel <= (HIGHEST_CHANNEL_CORE if core else HIGHEST_CHANNEL)


def _fits(profile: Profile, network: Network, *, core: bool) -> bool:
    if (profile.ssid, profile.security) != (network.ssid, network.security):
        return False
    if profile.security is Security.OPEN:
        return True
    if profile.security is Security.WEP:
        return not core and profile.password == network.password  # "we have never seen it work" (5.4 B)
    if profile.cipher and network.cipher and not profile.cipher & network.cipher:
        return False
    if not profile.security.enterprise:
        return profile.password == network.password
    if network.eap not in (None, profile.eap):
        return False
    if profile.eap is Eap.TLS:
        return bool(profile.client_certificate and profile.private_key)
    return (profile.identity, profile.password) == (network.identity, network.password)


_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END \1-----\s*")


def good_pem(text: bytes) -> bytes:
    """Return the text if it is PEM, else b"": the firmware says nothing of a bad one (5.5)."""
    match = _PEM.fullmatch(text.strip() + b"\r\n")
    if match is None:
        return b""
    try:
        base64.b64decode(b"".join(match[2].split()), validate=True)
    except binascii.Error:
        return b""
    return text
