"""What may be typed for the Wi-Fi form, and what a board can be told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faults import Fault
from app.plain import to_json
from app.plan_lines import network_lines
from app.platforms.table import platform
from app.protocols.wifi import AccessPoint, Cipher, Eap, Enterprise, Security, WifiLogin
from app.text import text
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
from app.work.questions import WifiForm, parse_answer
from app.work.wifi_findings import findings
from app.work.wifi_form import LookAgain, SeenNetwork, WifiAnswer, check, password_from, read_certificate, seen_by_board

WORDS = text("Test", "Words.")
SEEN = (
    SeenNetwork(b"Home", Security.WPA2, Cipher.AES, 6, -60),
    SeenNetwork(b"Guests", Security.OPEN, note=text("Test", "A page to sign in comes first.")),
    SeenNetwork(b"7", Security.WPA),
    SeenNetwork(b"\xff\x00odd"),
)
FORM = WifiForm("network", WORDS, WORDS, SEEN)


def parsed(given_: object) -> tuple[WifiLogin, ...]:
    answer = parse_answer(FORM, given_)
    assert isinstance(answer, WifiAnswer)
    return answer.networks


def test_a_name_of_the_list_brings_what_is_known_of_it() -> None:
    assert parsed("Home") == (WifiLogin(b"Home", Security.WPA2, None, Cipher.AES),)
    assert parsed("2") == (WifiLogin(b"Guests", Security.OPEN, ""),)
    assert parsed("7") == (WifiLogin(b"7", Security.WPA),)  # a name goes before a number
    assert parsed("8") == (WifiLogin(b"8", hidden=True),)


def test_another_name_is_taken_as_it_is() -> None:
    assert parsed(" Büro ") == (WifiLogin(" Büro ".encode(), hidden=True),)


def test_nothing_looks_again_and_is_not_a_network() -> None:
    assert parse_answer(FORM, "") == LookAgain()
    assert parse_answer(FORM, LookAgain()) == LookAgain()


def test_a_number_never_chooses_what_does_not_fit_but_a_name_does() -> None:
    far = SeenNetwork(b"Far", Security.WPA2, channel=44, fits=False)
    form = replace(FORM, seen=(far, *SEEN))
    with pytest.raises(ValueError, match="type its name"):
        parse_answer(form, "1")
    answer = parse_answer(form, "Far")
    assert isinstance(answer, WifiAnswer)
    assert answer.networks == (WifiLogin(b"Far", Security.WPA2),)
    assert network_lines(form)[0].startswith("  (1.) Far")


def test_json_may_name_several_and_have_the_old_ones_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(" gehéim \r\n".encode())
    told = {
        "networks": [
            {"ssid": "Home", "password-file": str(file)},
            {"ssid-hex": "ff0001", "security": "WPA", "cipher": "tkip"},
            {"ssid": "Corp", "security": "wpa2-enterprise", "enterprise": {"eap": "peap", "username": "ann"}},
        ],
        "forget": True,
    }
    answer = parse_answer(FORM, json.dumps(told))
    assert answer == WifiAnswer(
        (
            WifiLogin(b"Home", Security.WPA2, " gehéim ", Cipher.AES),
            WifiLogin(b"\xff\x00\x01", Security.WPA, None, Cipher.TKIP, hidden=True),
            WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, hidden=True, enterprise=Enterprise(Eap.PEAP, "ann")),
        ),
        forget=True,
    )


@pytest.mark.parametrize(
    "given_",
    [
        None,
        3,
        "{",
        "[]",
        "[1]",
        "{}",
        '{"ssid": 3}',
        '{"ssid-hex": "xy"}',
        '{"ssid": "x", "security": "strong"}',
        '{"ssid": "x", "password": "secret"}',
        '{"ssid": "x", "enterprise": {"eap": "leap"}}',
        WifiAnswer(()),
    ],
)
def test_anything_else_is_refused_without_repeating_it(given_: object) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_answer(FORM, given_)
    assert "secret" not in str(caught.value)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_an_answer_or_refused(typed: str) -> None:
    try:
        answer = parse_answer(FORM, typed)
    except ValueError:
        return
    assert isinstance(answer, WifiAnswer) == (typed != "")
    assert not isinstance(answer, WifiAnswer) or answer.networks


def test_a_password_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PasswordFileUnreadable):
        parse_answer(FORM, json.dumps({"ssid": "Home", "password-file": str(tmp_path / "none")}))


def test_a_file_that_is_no_certificate_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("hello")
    for name in ("x.pem", "none.pem"):
        with pytest.raises(CertificateUnreadable):
            read_certificate(tmp_path / name)


PEAP, TLS = Security.WPA2_ENTERPRISE, Enterprise(Eap.TLS, certificate="c", private_key="k")


@pytest.mark.parametrize(
    ("login", "fault"),
    [
        (WifiLogin(b"", Security.OPEN, ""), NameMissing),
        (WifiLogin(b"x" * 33, Security.OPEN, ""), NameTooLong),
        (WifiLogin(b"a\nb", Security.OPEN, ""), CannotBeTyped),
        (WifiLogin(b"x", Security.WPA2, "seven 7"), PasswordLength),
        (WifiLogin(b"x", Security.WPA, "ü" * 33), PasswordLength),
        (WifiLogin(b"x", Security.WEP, "x" * 59), PasswordLength),
        (WifiLogin(b"x", None, "four"), PasswordLength),
        (WifiLogin(b"x", Security.WEP, ""), PasswordMissing),
        (WifiLogin(b"x", Security.WPA2, "with\x7fdel"), CannotBeTyped),
        (WifiLogin(b"x", PEAP, "pw"), SignInMissing),
        (WifiLogin(b"x", PEAP, "", enterprise=Enterprise(Eap.PEAP, "ann")), SignInMissing),
        (WifiLogin(b"x", PEAP, "", enterprise=Enterprise(Eap.TLS, "ann", certificate="c")), SignInMissing),
        (WifiLogin(b"x", PEAP, "x" * 65, enterprise=Enterprise(Eap.PEAP, "ann")), SignInTooLong),
        (WifiLogin(b"x", PEAP, "x", enterprise=Enterprise(Eap.PEAP, "a\rnn")), CannotBeTyped),
    ],
)
def test_what_no_board_can_be_told_is_a_fault_of_its_own(login: WifiLogin, fault: type[Fault]) -> None:
    with pytest.raises(fault):
        check(login, enterprise=True)


@pytest.mark.parametrize(
    "login",
    [
        WifiLogin(b"x" * 32, Security.WPA2, "ü" * 32),
        WifiLogin(b" ", Security.OPEN, ""),
        WifiLogin(b"\xff\xfe", Security.WEP, "12345"),
        WifiLogin(b"x", None, ""),
        WifiLogin(b"x", PEAP, "x", enterprise=Enterprise(Eap.PEAP, "ann")),
        WifiLogin(b"x", PEAP, "", enterprise=TLS),
    ],
)
def test_what_a_board_can_be_told_is_let_through(login: WifiLogin) -> None:
    check(login, enterprise=True)


def test_a_core_is_not_told_a_company_network() -> None:
    with pytest.raises(SecurityNotPossible):
        check(WifiLogin(b"x", PEAP, "", enterprise=TLS), enterprise=False)


def test_the_list_at_a_terminal_and_in_json() -> None:
    lines = network_lines(FORM)
    assert lines[0] == "  1. Home, 80 %, channel 6, WPA2"
    assert lines[2].strip() == "A page to sign in comes first."
    plain = to_json(FORM)
    assert isinstance(plain, dict)
    assert plain["kind"] == "WifiForm"
    assert [row["ssid"] for row in plain["seen"]] == ["Home", "Guests", "7", "\\xff\x00odd"]
    assert json.dumps(plain)


def test_of_several_access_points_the_strongest_is_shown() -> None:
    points = [
        AccessPoint(b"A", Security.WPA2, Cipher.AES, 1, -40),
        AccessPoint(b"A", Security.WPA2, Cipher.AES, 6, -80),
    ]
    assert seen_by_board(points) == (SeenNetwork(b"A", Security.WPA2, Cipher.AES, 1, -40),)


def test_every_secret_of_an_answer_is_named_for_the_log() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\nAbCd\n-----END PRIVATE KEY-----\n"
    sign_in = Enterprise(Eap.TLS, certificate="c", private_key=key)
    answer = WifiAnswer((WifiLogin(b"x", PEAP, "pw-pw", enterprise=sign_in), WifiLogin(b"y", Security.OPEN, "")))
    assert set(answer.secrets()) == {"pw-pw", "MIGHAgEA", "AbCd"}


@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"])  # as some editors of Windows begin a text
def test_a_password_file_gives_its_first_line_and_nothing_of_the_editor(begins: bytes, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(begins + " pässwörd \r\nmore".encode())
    assert password_from(file) == " pässwörd "


def test_a_password_that_begins_as_a_certificate_does_is_a_secret() -> None:
    assert WifiLogin(b"Home", Security.WPA2, "-----12345678").secrets() == ("-----12345678",)


@pytest.mark.parametrize("name", ["[guests]", "{odd}", "[", "{}"])
def test_a_name_of_the_list_may_look_like_the_beginning_of_json(name: str) -> None:
    form = replace(FORM, seen=(SeenNetwork(name.encode(), Security.WPA2),))
    answer = parse_answer(form, name)
    assert isinstance(answer, WifiAnswer)
    assert answer.networks[0].ssid == name.encode()


@pytest.mark.parametrize(
    "login",
    [
        WifiLogin(b"Home", Security.WPA2, "what a terminal of \udcff another code page gave"),
        WifiLogin(b"Home", Security.WPA2_ENTERPRISE, "password", enterprise=Enterprise(Eap.PEAP, "ann\udcff")),
    ],
)
def test_what_is_no_text_is_no_password(login: WifiLogin) -> None:
    with pytest.raises(CannotBeTyped):
        check(login, enterprise=True)
    assert findings(login, (), platform("photon"), "2.3.1") is not None


def test_a_stranger_with_the_same_name_and_no_password_is_not_taken_for_the_network() -> None:
    twin = SeenNetwork(b"Home", Security.OPEN, channel=1, rssi=-30)
    far = SeenNetwork(b"Home", Security.WPA2, channel=44, rssi=-40, fits=False)
    form = replace(FORM, seen=(twin, far, *SEEN))
    for typed in ("Home", '{"ssid": "Home"}'):
        answer = parse_answer(form, typed)
        assert isinstance(answer, WifiAnswer)
        assert [(each.security, each.password) for each in answer.networks] == [(Security.WPA2, None)]
    (by_number,) = parse_answer(form, "1").networks  # type: ignore[attr-defined]
    assert by_number.security is Security.OPEN
