"""What the Wi-Fi form asks for and what it gives: networks seen, networks to be told, and whether a board can be told.

A password typed here goes to the board and nowhere else: it is in no `repr`, and it is never taken from a command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.protocols.wifi import (
    FIELD_BYTES,
    NAME_BYTES,
    PASSWORD_BYTES,
    PASSWORD_LIMITS,
    SECURITY_NAMES,
    AccessPoint,
    Cipher,
    Eap,
    Enterprise,
    Security,
    WifiLogin,
    shown_name,
)
from app.text import Text, text
from app.wifi_faults import (
    CannotBeTyped,
    CertificateUnreadable,
    NameMissing,
    NameTooLong,
    PasswordFileUnreadable,
    PasswordLength,
    PasswordMissing,
    SecurityNotPossible,
    SignInMissing,
    SignInTooLong,
)

SECURITY_KEYS: dict[str, Security] = {each.name.lower().replace("_", "-"): each for each in Security}
"""How the kinds of security are called where they are typed: `open`, `wep`, `wpa`, `wpa2`, `wpa2-enterprise`..."""
CIPHER_KEYS: dict[str, Cipher] = {"aes": Cipher.AES, "tkip": Cipher.TKIP, "aes+tkip": Cipher.AES_TKIP}
_EAP_KEYS = {"peap": Eap.PEAP, "tls": Eap.TLS}

LONGEST_FILE = 64 * 1024  # of a certificate or key; more is something else

_NAME = text("WifiForm", "The name of the network")
_PASSWORD = text("WifiForm", "The password")
_SIGN_IN = text("WifiForm", "The sign-in")
_NO_ENTERPRISE = text("WifiForm", "it can only join networks with one password for everybody.")
_CERTIFICATE = text("WifiForm", "a certificate")
_KEY = text("WifiForm", "a private key")
_NOT_THERE = text("WifiForm", "it cannot be read.")
_NO_PEM = text("WifiForm", "it holds none in PEM form.")
_LOCKED = text("WifiForm", "it is locked with a passphrase, which a board cannot type.")


@dataclass(frozen=True, slots=True)
class SeenNetwork:
    """A network somebody sees from here.

    Attributes:
        ssid: Its name; never empty.
        security: None where it is not known or not one a board knows.
        cipher: As far as it is known.
        channel: 0 where it is not known; on 6 GHz the numbers begin at 1 again.
        rssi: Strength in dBm, for example -60; 0 where it is not known.
        note: What a person should know before choosing it, None for nothing.
        fits: Whether a board can join it; `note` says why not.
        frequency_mhz: 0 where it is not known.
        too_new: Whether it takes only security that no board here knows (WPA3); None where it may.
        band_sure: Whether it would have been heard on 2.4 GHz if it were there; False where nothing was heard there.
    """

    ssid: bytes
    security: Security | None = None
    cipher: Cipher = Cipher.UNKNOWN
    channel: int = 0
    rssi: int = 0
    note: Text | None = None
    fits: bool = True
    frequency_mhz: int = 0
    too_new: bool | None = False
    band_sure: bool = True

    @property
    def name(self) -> str:
        """Its name for people."""
        return shown_name(self.ssid)

    @property
    def percent(self) -> int | None:
        """Its strength as a share of the best there is: -50 dBm and more is 100, -100 is 0; None if not known."""
        return None if self.rssi == 0 else max(0, min(100, 2 * (self.rssi + 100)))


@dataclass(frozen=True, slots=True)
class WifiAnswer:
    """What was entered.

    Attributes:
        networks: The networks to be told, in this order.
        forget: Whether the old ones are to be forgotten first.
        anyway: Whether the person has agreed to tell those that stop a board, too.
    """

    networks: tuple[WifiLogin, ...]
    forget: bool = False
    anyway: bool = False

    def secrets(self) -> tuple[str, ...]:
        """Everything in it that must never be told."""
        return tuple(secret for each in self.networks for secret in each.secrets())


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The other answer to the form: look for networks once more, then ask again. What was typed stays where it is."""


def row_named(ssid: bytes, seen: Iterable[SeenNetwork]) -> SeenNetwork | None:
    """Return what is seen of that name: what fits before what does not, and what has a password before what has none.

    Anybody can send out another's name without a password, and stronger.
    """
    rows = (row for row in seen if row.ssid == ssid)
    return min(rows, key=lambda row: (not row.fits, row.security is Security.OPEN), default=None)


def seen_by_board(points: Iterable[AccessPoint]) -> tuple[SeenNetwork, ...]:
    """Return a board's own scan, one row for each name and security: the strongest."""
    found: dict[tuple[bytes, Security | None], SeenNetwork] = {}
    for each in points:  # the strongest is first
        row = SeenNetwork(each.ssid, each.security, each.cipher, each.channel, each.rssi)
        found.setdefault((each.ssid, each.security), row)
    return tuple(found.values())


# --- what is typed ----------------------------------------------------------------------------------------------------


def parse(given: object, seen: tuple[SeenNetwork, ...]) -> WifiAnswer | LookAgain:
    """Return an answer from a view, or from what was typed: a name, the number of a row, JSON; nothing: look again.

    The number of a row that does not fit is refused: whoever knows better types its name.

    JSON is a network, a list of them, or `{"networks": [...], "forget": true}`. A network has `ssid` (or `ssid-hex`),
    and may have `security`, `cipher`, `hidden`, `password-file`, and `enterprise`: `eap` (`peap`, `tls`), `username`,
    `outer`, `certificate-file`, `private-key-file`, `root-file`. It never has a password: that is asked for.

    Raises:
        ValueError: It is none of these; the words say what is wanted.
        Fault: A file it names cannot be used.
    """
    if isinstance(given, WifiAnswer):
        if not given.networks:
            raise ValueError("at least one network")
        return given
    if isinstance(given, LookAgain) or given == "":
        return LookAgain()
    if not isinstance(given, str):
        raise ValueError("the name of a network")  # noqa: TRY004 - whoever gave it made the mistake, not the program
    row = row_named(given.encode(), seen)
    if given[0] in "{[":
        try:
            return _from_json(given, seen)
        except ValueError:
            if row is None:  # else it is a name that only begins so
                raise
    if row is None and given.isdecimal() and 1 <= int(given) <= len(seen):
        row = seen[int(given) - 1]
        if not row.fits:
            raise ValueError(f"no board of this kind joins number {given}; to tell it all the same, type its name")
    return WifiAnswer((_login(row) if row is not None else WifiLogin(given.encode(), hidden=True),))


def _login(row: SeenNetwork) -> WifiLogin:
    return WifiLogin(row.ssid, row.security, "" if row.security is Security.OPEN else None, row.cipher)


def _from_json(given: str, seen: tuple[SeenNetwork, ...]) -> WifiAnswer:
    try:
        told = json.loads(given)
    except ValueError as error:
        raise ValueError("the name of a network, or JSON") from error
    forget = False
    if isinstance(told, dict) and "networks" in told:
        forget = bool(told.get("forget", False))
        told = told["networks"]
    rows = told if isinstance(told, list) else [told]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ValueError("JSON of a network, or of a list of networks")
    return WifiAnswer(tuple(_login_from(row, seen) for row in rows), forget)


def _login_from(row: Mapping[str, object], seen: tuple[SeenNetwork, ...]) -> WifiLogin:
    if "password" in row:
        raise ValueError("no password here: it is asked for, or give password-file")
    ssid = bytes.fromhex(_word(row, "ssid-hex")) if "ssid-hex" in row else _word(row, "ssid").encode()
    known = row_named(ssid, seen)
    security = known.security if known is not None else None
    if "security" in row:
        security = SECURITY_KEYS.get(_word(row, "security").lower())
        if security is None:
            raise ValueError(f"security is one of {', '.join(SECURITY_KEYS)}")
    cipher = known.cipher if known is not None else Cipher.UNKNOWN
    if "cipher" in row:
        cipher = CIPHER_KEYS.get(_word(row, "cipher").lower(), Cipher.UNKNOWN)
    password = "" if security is Security.OPEN else None
    if "password-file" in row:
        password = password_from(Path(_word(row, "password-file")))
    sign_in = row.get("enterprise")
    return WifiLogin(
        ssid,
        security,
        password,
        cipher,
        hidden=bool(row.get("hidden", known is None)),
        enterprise=_sign_in_from(sign_in) if isinstance(sign_in, dict) else None,
    )


def _sign_in_from(row: Mapping[str, object]) -> Enterprise:
    eap = _EAP_KEYS.get(_word(row, "eap").lower())
    if eap is None:
        raise ValueError("eap is peap or tls")
    certificate, key, root = (_word(row, f"{name}-file", "") for name in ("certificate", "private-key", "root"))
    return Enterprise(
        eap,
        _word(row, "username", ""),
        _word(row, "outer", ""),
        certificate=read_certificate(Path(certificate)) if certificate else "",
        private_key=read_private_key(Path(key)) if key else "",
        root=read_certificate(Path(root)) if root else "",
    )


def _word(row: Mapping[str, object], name: str, default: str | None = None) -> str:
    found = row.get(name, default)
    if not isinstance(found, str):
        raise ValueError(f"{name} is a text")  # noqa: TRY004 - whoever typed it made the mistake, not the program
    return found


def password_from(file: Path) -> str:
    """Return the first line of a file, as it is, without its line end.

    Raises:
        PasswordFileUnreadable: It cannot be read, or is no text.
    """
    try:
        # What some editors put before a text is no part of a password.
        return file.read_text(encoding="utf-8-sig").partition("\n")[0].removesuffix("\r")
    except (OSError, UnicodeError) as error:
        raise PasswordFileUnreadable(type(error).__name__, file=file.name) from None


# --- what a board can be told -----------------------------------------------------------------------------------------


def check(login: WifiLogin, *, enterprise: bool) -> None:
    """See whether a board can be told this network; nothing is trimmed or mended.

    Args:
        login: The network; its password has been given.
        enterprise: Whether this board knows enterprise networks.

    Raises:
        Fault: It cannot; the fault says what to change.
    """
    if not login.ssid:
        raise NameMissing
    if len(login.ssid) > NAME_BYTES:
        raise NameTooLong(length=len(login.ssid), most=NAME_BYTES)
    _typable(login.ssid, _NAME)
    security, password = login.security, _bytes_of(login.password or "", _PASSWORD)
    if security is not None and security.enterprise:
        _check_sign_in(login, security, enterprise=enterprise)
        return
    if security is Security.OPEN:
        return
    if not password:
        if security is None and login.password == "":
            return  # the person says that it is open
        raise PasswordMissing(name=login.name)
    _typable(password, _PASSWORD)
    least, most = PASSWORD_LIMITS[security] if security is not None else (5, PASSWORD_BYTES)
    if not least <= len(password) <= most:
        shown = SECURITY_NAMES[security if security is not None else Security.WPA2]
        raise PasswordLength(length=len(password), least=least, most=most, security=shown)


def _check_sign_in(login: WifiLogin, security: Security, *, enterprise: bool) -> None:
    if not enterprise:
        raise SecurityNotPossible(security=SECURITY_NAMES[security], reason=_NO_ENTERPRISE)
    sign_in = login.enterprise
    by_password = sign_in is not None and sign_in.eap is Eap.PEAP and sign_in.username and login.password
    by_certificate = sign_in is not None and sign_in.eap is Eap.TLS and sign_in.certificate and sign_in.private_key
    if sign_in is None or not (by_password or by_certificate):
        raise SignInMissing(name=login.name)
    for words in (sign_in.username, sign_in.outer, login.password or ""):
        raw = _bytes_of(words, _SIGN_IN)
        _typable(raw, _SIGN_IN)
        if len(raw) > FIELD_BYTES:
            raise SignInTooLong(length=len(raw), most=FIELD_BYTES)


def _bytes_of(words: str, what: Text) -> bytes:
    """Return what a board is told; halves of characters, as a terminal of another code page gives them, are no text."""
    try:
        return words.encode()
    except UnicodeEncodeError:
        raise CannotBeTyped(what=what) from None


def _typable(raw: bytes, what: Text) -> None:
    """Refuse what the console's line reader takes for something else, and a NUL, which would end the text (5.1)."""
    if any(byte < 0x20 or byte == 0x7F for byte in raw):
        raise CannotBeTyped(what=what)


def read_certificate(file: Path) -> str:
    """Return the certificates of a PEM file as they are.

    Raises:
        CertificateUnreadable: There are none in it; a board would ignore it without a word and never connect (5.5).
    """
    from cryptography.x509 import load_pem_x509_certificates  # takes longer to load than the rest of a start

    raw = _content(file, _CERTIFICATE)
    try:
        load_pem_x509_certificates(raw)
    except ValueError:
        raise CertificateUnreadable(file=file.name, what=_CERTIFICATE, reason=_NO_PEM) from None
    return raw.decode("ascii", "replace")


def read_private_key(file: Path) -> str:
    """Return the private key of a PEM file as it is.

    Raises:
        CertificateUnreadable: There is none in it, or it has a passphrase.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    raw = _content(file, _KEY)
    try:
        load_pem_private_key(raw, None)
    except TypeError:
        raise CertificateUnreadable(file=file.name, what=_KEY, reason=_LOCKED) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnreadable(file=file.name, what=_KEY, reason=_NO_PEM) from None
    return raw.decode("ascii", "replace")


def _content(file: Path, what: Text) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(LONGEST_FILE)
    except OSError:
        raise CertificateUnreadable(file=file.name, what=what, reason=_NOT_THERE) from None
