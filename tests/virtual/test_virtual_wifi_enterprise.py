"""WPA Enterprise on the console of a Photon or P1 (device-protocol.md 5.5)."""

from __future__ import annotations

import base64

import pytest
from support.virtual_desk import Desk, Tty

from app.virtual.air import Eap, Network, Profile, Security
from app.virtual.mishaps import Mishap

EAP = b"EAP Type 0=PEAP/MSCHAPv2, 1=EAP-TLS: "
CERTIFICATE = b"Client certificate in PEM format:\r\n"
KEY = b"Private key in PEM format:\r\n"
USER = b"Username: "
PASSWORD = b"Password: "
OUTER = b"Outer identity (optional): "
ROOT = b"Root CA in PEM format (optional):\r\n"
THANKS = b"Thanks! Wait while I save those credentials...\r\n\r\n"

CAMPUS = Network(b"campus", Security.WPA2_ENTERPRISE, identity=b"ada", password=b"lovelace1", eap=Eap.PEAP)
MACHINES = Network(b"machines", Security.WPA2_ENTERPRISE, eap=Eap.TLS)


def pem(kind: str, seed: int) -> list[bytes]:
    body = base64.b64encode(bytes((seed + at) % 256 for at in range(120)))
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return [f"-----BEGIN {kind}-----".encode(), *lines, f"-----END {kind}-----".encode()]


CLIENT, PRIVATE, ROOT_CA = pem("CERTIFICATE", 1), pem("RSA PRIVATE KEY", 2), pem("CERTIFICATE", 3)


def asked(*answers: bytes, networks: tuple[Network, ...] = (CAMPUS, MACHINES), **options: object) -> tuple[Tty, bytes]:
    """Bring a Photon to the question after these answers; return its port and what it said last."""
    desk = Desk("photon", networks=networks, **options)
    tty = desk.listening()
    desk.board.profiles = False
    found = tty.say(b"w")
    for line in answers:
        found = tty.say(line + b"\n", within=50.0)
    return tty, found


def stream(lines: list[bytes]) -> bytes:
    """Return PEM as the makers' own tool sends it: LF ends, and an empty line."""
    return b"\n".join(lines) + b"\n\n"


def echo(lines: list[bytes]) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n"


def stored(tty: Tty) -> Profile:
    (profile,) = tty.desk.board.profiles_stored
    return profile


def test_peap_asks_for_a_person() -> None:
    tty, found = asked(b"campus")
    assert found == b"campus\r\n" + EAP
    assert tty.say(b"0\n") == b"0\r\n" + USER
    assert tty.say(b"ada\n") == b"ada\r\n" + PASSWORD
    assert tty.say(b"lovelace1\n") == b"lovelace1\r\n" + OUTER
    assert tty.say(b"\n") == b"\r\n" + ROOT
    assert tty.say(b"\n", within=50.0).startswith(b"\r\n" + THANKS + b"Awesome.")
    profile = stored(tty)
    assert (profile.eap, profile.identity, profile.password) == (Eap.PEAP, b"ada", b"lovelace1")
    assert (profile.outer_identity, profile.root_ca) == (b"", b"")
    tty.desk.clock.pause(60)
    assert tty.desk.board.light_pattern == "breathing cyan"


def test_tls_takes_streamed_pem() -> None:
    tty, _ = asked(b"machines")
    assert tty.say(b"1\n") == b"1\r\n" + CERTIFICATE
    assert tty.say(stream(CLIENT)) == echo(CLIENT) + KEY
    assert tty.say(stream(PRIVATE)) == echo(PRIVATE) + OUTER
    assert tty.say(b"anonymous\n") == b"anonymous\r\n" + ROOT
    assert tty.say(stream(ROOT_CA), within=50.0).startswith(echo(ROOT_CA) + THANKS + b"Awesome.")
    profile = stored(tty)
    assert profile.client_certificate == b"\r\n".join(CLIENT)
    assert profile.private_key == b"\r\n".join(PRIVATE)
    assert profile.root_ca == b"\r\n".join(ROOT_CA)
    assert profile.outer_identity == b"anonymous"
    tty.desk.clock.pause(60)
    assert tty.desk.board.light_pattern == "breathing cyan"


def test_lines_with_return_and_feed_end_the_text_after_the_first() -> None:
    tty, _ = asked(b"machines", b"1")
    found = tty.say(CLIENT[0] + b"\r\n" + CLIENT[1] + b"\r\n")
    assert found == CLIENT[0] + b"\r\n\r\n" + KEY + CLIENT[1] + b"\r\n\r\n" + OUTER


def test_bad_pem_is_taken_without_a_word() -> None:
    tty, _ = asked(b"machines", b"1")
    assert tty.say(b"no certificate\n\n") == b"no certificate\r\n\r\n" + KEY
    broken = [PRIVATE[0], b"!!" + PRIVATE[1], *PRIVATE[2:]]
    assert tty.say(stream(broken)).endswith(OUTER)
    tty.say(b"\n")
    assert b"Awesome." in tty.say(b"\n", within=50.0)
    assert (stored(tty).client_certificate, stored(tty).private_key) == (b"", b"")
    tty.desk.clock.pause(60)
    assert tty.desk.board.light_pattern == "blinking green", "and so it never gets in"


def test_too_much_text_ends_it_and_throws_the_rest_away() -> None:
    tty, _ = asked(b"machines", b"1")
    found = tty.say(b"\n".join([b"A" * 64] * 70) + b"\n\n")
    assert found.endswith(b"A\r\n" + KEY)
    assert tty.say(b"\n") == b"\r\n" + OUTER


def test_kind_of_login_is_asked_until_it_is_one() -> None:
    _, found = asked(b"campus", b"2", b"")
    assert found == b"\r\n" + EAP


def test_typed_by_hand_asks_for_a_cipher_first_and_scans_no_second_time() -> None:
    tty, _ = asked(b"elsewhere")
    assert tty.say(b"5\n", within=1.0) == b"5\r\nSecurity Cipher 1=AES, 2=TKIP, 3=AES+TKIP: "
    assert tty.say(b"1\n") == b"1\r\n" + EAP


def test_out_of_memory_is_said_and_it_goes_on_listening() -> None:
    answers = (b"campus", b"0", b"ada", b"lovelace1", b"", b"")
    tty, found = asked(*answers, mishap=Mishap(wifi_no_memory=1))
    assert found == b"\r\nError while preparing to store enterprise credentials.\r\n\r\n"
    assert tty.desk.listens()
    assert tty.desk.board.profiles_stored == ()


def test_only_one_enterprise_network_is_kept() -> None:
    home = Network(b"home", password=b"at home, at home")
    tty, _ = asked(b"campus", b"0", b"ada", b"lovelace1", b"", b"", networks=(CAMPUS, MACHINES, home))
    for answers in ([b"home", home.password], [b"machines", b"1", b"", b"", b"", b""]):
        tty.desk.set_baud(28800)
        tty.say(b"w")
        for line in answers:
            tty.say(line + b"\n", within=50.0)
    assert [row.ssid for row in tty.desk.board.profiles_stored] == [b"home", b"machines"]


@pytest.mark.parametrize(("user", "password"), [(b"ada", b"Lovelace1"), (b"Ada", b"lovelace1")])
def test_wrong_person_never_gets_in(user: bytes, password: bytes) -> None:
    tty, _ = asked(b"campus", b"0", user, password, b"", b"")
    tty.desk.clock.pause(600)
    assert tty.desk.board.light_pattern == "blinking green"


def test_no_secret_is_in_a_repr() -> None:
    tty, _ = asked(b"machines", b"1")
    tty.say(stream(CLIENT))
    tty.say(stream(PRIVATE))
    tty.say(b"\n")
    tty.say(b"\n", within=50.0)
    assert stored(tty).private_key
    assert PRIVATE[1].decode() not in repr((stored(tty), tty.desk.board.memories(), list(tty.desk.board.wire)))
