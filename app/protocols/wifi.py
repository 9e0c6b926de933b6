"""What a Wi-Fi network is to a board: kinds of security as the boards number them, and what it takes to join one.

Source: device-protocol.md 5.4, 5.5 and 6.3; the console and the control requests use the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, unique

from app.text import Text, text

NAME_BYTES = 32
PASSWORD_BYTES = 64  # the longest line of the console's password prompt, and the longest WPA passphrase
OLDEST_PASSWORD_BYTES = 32  # firmware of October and November 2013 (5.4 A)
FIELD_BYTES = 64  # user name and outer identity


@unique
class Security(IntEnum):
    """How a network is protected."""

    OPEN = 0
    WEP = 1
    WPA = 2
    WPA2 = 3
    WPA_ENTERPRISE = 4
    WPA2_ENTERPRISE = 5

    @property
    def enterprise(self) -> bool:
        """Whether each user has a name or a certificate of their own."""
        return self in (Security.WPA_ENTERPRISE, Security.WPA2_ENTERPRISE)


SECURITY_NAMES: dict[Security, Text] = {
    Security.OPEN: text("Wifi", "Open, without a password"),
    Security.WEP: text("Wifi", "WEP"),
    Security.WPA: text("Wifi", "WPA"),
    Security.WPA2: text("Wifi", "WPA2"),
    Security.WPA_ENTERPRISE: text("Wifi", "WPA Enterprise"),
    Security.WPA2_ENTERPRISE: text("Wifi", "WPA2 Enterprise"),
}

PASSWORD_LIMITS: dict[Security, tuple[int, int]] = {
    Security.WEP: (5, 58),
    Security.WPA: (8, 64),
    Security.WPA2: (8, 64),
}
"""Bytes a Photon takes, least and most; it refuses all others (5.4 C)."""


@unique
class Cipher(IntEnum):
    """How a protected network encrypts; 0 lets the firmware find out."""

    UNKNOWN = 0
    AES = 1
    TKIP = 2
    AES_TKIP = 3


@unique
class Eap(IntEnum):
    """How one signs in to an enterprise network, in the numbers of the control requests (6.3)."""

    NONE = 0
    TLS = 13
    PEAP = 25


@dataclass(frozen=True, slots=True)
class Enterprise:
    """The sign-in to a company's network (5.5). PEM texts have any line ends; "" where there is none.

    Attributes:
        eap: PEAP with user name and password, or TLS with a certificate.
        username: PEAP: the user.
        outer: The name told before encryption begins; may be "".
        certificate: TLS: the client's certificate.
        private_key: TLS: its key.
        root: The certificate the network's server is checked against.
    """

    eap: Eap
    username: str = ""
    outer: str = ""
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    root: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WifiLogin:
    """One network and what it takes to join it.

    Attributes:
        ssid: Its name, 1 to 32 bytes.
        security: None when nobody knows; newer firmware finds out when the network is in range.
        password: "" for an open network; None while it has not been given. Never trimmed, never shown.
        cipher: Only needed for networks that are out of range or hidden.
        hidden: Whether it was typed because it does not show.
        enterprise: The sign-in, for enterprise security.
    """

    ssid: bytes
    security: Security | None = None
    password: str | None = field(default=None, repr=False)
    cipher: Cipher = Cipher.UNKNOWN
    hidden: bool = False
    enterprise: Enterprise | None = None

    @property
    def name(self) -> str:
        """Its name for people."""
        return shown_name(self.ssid)

    def secrets(self) -> tuple[str, ...]:
        """Everything in it that must never be told."""
        lines: tuple[str, ...] = ()
        if self.enterprise is not None:
            key = self.enterprise.private_key
            # The lines that begin and end it are the same in all keys.
            lines = tuple(line for line in (key, *pem_lines(key)) if not line.startswith("-----"))
        return tuple(each for each in (self.password or "", *lines) if each)


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One line of a board's own scan (6.3).

    Attributes:
        ssid: "" bytes for a hidden network.
        security: None for one the board does not know.
        cipher: As far as the board tells.
        channel: 1 to 14; 0 when not told.
        rssi: Signal in dBm, for example -60; 0 when not told.
    """

    ssid: bytes
    security: Security | None
    cipher: Cipher
    channel: int
    rssi: int


def security_of(login: WifiLogin) -> Security:
    """Return the kind of security to say when the board asks: without better knowledge the usual one."""
    if login.security is not None:
        return login.security
    return Security.OPEN if login.password == "" else Security.WPA2


def cipher_of(login: WifiLogin) -> Cipher:
    """Return the cipher to say when the board asks; firmware asks it for open networks and WEP, too (5.4 D)."""
    if login.cipher is not Cipher.UNKNOWN:
        return login.cipher
    return Cipher.AES_TKIP if security_of(login) in (Security.WPA, Security.WPA_ENTERPRISE) else Cipher.AES


def shown_name(ssid: bytes) -> str:
    """Return a network's name for people: UTF-8 where it is, and what cannot be shown as an escape."""
    words = ssid.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in words)


def pem_lines(pem: str) -> tuple[str, ...]:
    """Return the lines of a PEM text without the empty ones, which would end it on the console (5.5)."""
    return tuple(line for line in (each.strip() for each in pem.splitlines()) if line)
