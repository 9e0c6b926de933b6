"""Wi-Fi by control request, types 110 to 115: Photon and P1 from 0.8 to 1.5 (device-protocol.md 6.3)."""

from __future__ import annotations

from enum import IntEnum, unique

from app.virtual.air import Cipher, Eap, Network, Profile, Security
from app.virtual.personality import Family, Personality
from app.virtual.protobuf import field, message, read_fields
from app.virtual.wifi_radio import ANTENNAS, WifiRadio


@unique
class WifiAsk(IntEnum):
    """Request types (6.3)."""

    SET_ANTENNA = 110
    GET_ANTENNA = 111
    SCAN = 112
    SET_CREDENTIALS = 113
    GET_CREDENTIALS = 114
    CLEAR_CREDENTIALS = 115


UNKNOWN, BAD_DATA, INVALID_ARGUMENT = -100, -280, -270

Outcome = tuple[int, bytes]  # result and reply


class WifiRequests:
    """Answers these requests of one board; called with its lock held."""

    def __init__(self, board: Personality, radio: WifiRadio) -> None:
        self._board = board
        self._radio = radio

    def knows(self, kind: int) -> bool:
        """Whether the board has that type of request."""
        kind_of_board, firmware = self._board.kind, self._board.firmware
        if kind not in tuple(WifiAsk) or kind_of_board.family is Family.F1 or not kind_of_board.wifi:
            return False
        return firmware.at_least(0, 8, 0) and not firmware.at_least(2, 0, 0)

    def seconds(self, kind: int, payload: bytes) -> float:
        """Return how much longer than any other request this one takes: those that scan (6.3)."""
        if not self.knows(kind):
            return 0.0
        if kind == WifiAsk.SCAN:
            return self._radio.scan_seconds
        if kind == WifiAsk.SET_CREDENTIALS:
            profile = _read_profile(payload)
            if profile is not None and _lacks_cipher(profile):
                return self._radio.search_seconds(profile.ssid)
        return 0.0

    def answer(self, kind: int, payload: bytes) -> Outcome:
        """Carry out a request that the board knows."""
        match kind:
            case WifiAsk.SET_ANTENNA:
                return self._set_antenna(payload)
            case WifiAsk.GET_ANTENNA:
                return 0, field(1, self._radio.antenna)
            case WifiAsk.SCAN:
                points = b"".join(message(1, _point(network)) for network in self._radio.heard())
                return 0, message(1, points)
            case WifiAsk.SET_CREDENTIALS:
                return self._set(payload), b""
            case WifiAsk.GET_CREDENTIALS:
                return 0, message(1, b"".join(message(1, _known(profile)) for profile in self._radio.profiles))
        self._radio.forget()
        return 0, b""

    def _set(self, payload: bytes) -> int:
        profile = _read_profile(payload)
        if profile is None:
            return BAD_DATA
        if _lacks_cipher(profile):
            found = self._radio.found(profile.ssid)
            if found is None:
                return UNKNOWN
            profile = Profile(profile.ssid, profile.security, profile.password, found[1])
        return 0 if self._radio.store(profile) else UNKNOWN

    def _set_antenna(self, payload: bytes) -> Outcome:
        try:
            chosen = read_fields(payload).get(1)
        except ValueError:
            return BAD_DATA, b""
        if not isinstance(chosen, int) or chosen not in ANTENNAS:
            return INVALID_ARGUMENT, b""
        self._radio.antenna = chosen
        return 0, b""


def _lacks_cipher(profile: Profile) -> bool:
    return profile.security in (Security.WPA, Security.WPA2) and profile.cipher is Cipher.UNSET


def _point(network: Network) -> bytes:
    """Return a network of the air; `max_data_rate` (6) is left out, of which no unit is known."""
    return b"".join(
        (
            field(1, network.ssid),
            field(2, network.bssid),
            field(3, int(network.security)),
            field(4, int(network.cipher or Cipher.UNSET)),
            field(5, network.channel),
            field(7, network.rssi),
        )
    )


def _known(profile: Profile) -> bytes:
    """Return a stored network without its password."""
    return field(1, profile.ssid) + field(3, int(profile.security)) + field(4, int(profile.cipher))


def _read_profile(payload: bytes) -> Profile | None:
    """Read WiFiSetCredentialsRequest; None for bytes that are none."""
    try:
        outer = read_fields(payload).get(1)
        inner = read_fields(outer if isinstance(outer, bytes) else b"\xff")
    except ValueError:
        return None
    texts = {number: value for number, value in inner.items() if isinstance(value, bytes)}
    numbers = {number: value for number, value in inner.items() if isinstance(value, int)}
    try:
        security, cipher, eap = Security(numbers.get(3, 0)), Cipher(numbers.get(4, 0)), Eap(numbers.get(9, 0))
    except ValueError:
        return None
    return Profile(
        texts.get(1, b""),
        security,
        texts.get(8, b""),
        cipher,
        eap,
        identity=texts.get(10, b""),
        outer_identity=texts.get(11, b""),
        private_key=texts.get(12, b""),
        client_certificate=texts.get(13, b""),
        root_ca=texts.get(14, b""),
    )
