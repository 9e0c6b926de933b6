"""What speaks against a network: every rule on and off, and the list that board and computer make together."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platforms.model import Platform, Radio
from app.platforms.table import PLATFORMS, platform
from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan
from app.work.preflight import (
    RULES,
    Severity,
    look_at,
    marked,
    merge,
    not_to_be_seen,
    seen_by_computer,
)
from app.work.wifi_form import SeenNetwork

CORE, PHOTON, P1, ELECTRON = (platform(key) for key in ("core", "photon", "p1", "electron"))
HOME = SeenNetwork(b"Home", Security.WPA2, Cipher.AES, 6, -50)
LOGIN = WifiLogin(b"Home", Security.WPA2, "eight888")
COMPANY = SeenNetwork(b"Corp", Security.WPA2_ENTERPRISE)

# rule, board, network, what is known besides; then the nearest case in which it is silent
CASES: tuple[tuple[str, Platform, SeenNetwork | WifiLogin, dict[str, object], SeenNetwork | WifiLogin], ...] = (
    ("five-ghz", PHOTON, replace(HOME, channel=36), {}, replace(HOME, channel=14)),
    ("five-ghz", CORE, replace(HOME, channel=5, frequency_mhz=5975), {}, replace(HOME, channel=5, frequency_mhz=2432)),
    ("five-ghz-perhaps", PHOTON, replace(HOME, channel=36, band_sure=False), {}, replace(HOME, channel=36)),
    ("channel-above-11", CORE, replace(HOME, channel=12), {}, replace(HOME, channel=11)),
    ("channel-above-11", CORE, replace(HOME, channel=14), {}, replace(HOME, channel=0)),
    ("wpa3-only", PHOTON, replace(HOME, security=None, too_new=True), {}, replace(HOME, security=None)),
    ("wpa3-perhaps", PHOTON, replace(HOME, too_new=None), {}, HOME),
    ("wep-on-core", CORE, replace(HOME, security=Security.WEP), {}, replace(HOME, security=Security.WPA)),
    ("enterprise-on-core", CORE, COMPANY, {}, HOME),
    ("enterprise-too-early", PHOTON, COMPANY, {"version": "0.6.3"}, HOME),
    ("enterprise-mixed", PHOTON, COMPANY, {"version": "0.7.0"}, HOME),
    ("enterprise-mixed", P1, COMPANY, {}, HOME),
    ("captive-portal", P1, HOME, {"portal": True}, LOGIN),
    ("open", PHOTON, replace(HOME, security=Security.OPEN), {}, HOME),
    ("weak", CORE, replace(HOME, rssi=-80), {}, replace(HOME, rssi=-79)),
    ("weak", CORE, LOGIN, {"seen": replace(HOME, rssi=-90)}, LOGIN),
    ("name-too-long", CORE, WifiLogin(b"x" * 33), {}, WifiLogin(b"x" * 32)),
    ("name-characters", CORE, WifiLogin(b"a\nb"), {}, WifiLogin(b"a b")),
    ("name-blank-ends", CORE, WifiLogin(b" a"), {}, WifiLogin(b"a")),
    ("password-missing", CORE, replace(LOGIN, password=""), {}, replace(LOGIN, password=None)),
    ("password-length", PHOTON, replace(LOGIN, password="seven77"), {}, replace(LOGIN, password="eight888")),
    ("password-length", PHOTON, replace(LOGIN, password="x" * 65), {}, replace(LOGIN, password="x" * 64)),
    ("password-length", PHOTON, replace(LOGIN, password="é" * 33), {}, replace(LOGIN, password="é" * 32)),
    (
        "password-length",
        PHOTON,
        WifiLogin(b"W", Security.WEP, "x" * 59),
        {},
        WifiLogin(b"W", Security.WEP, "x" * 58),
    ),
    ("password-length", PHOTON, WifiLogin(b"?", None, "four"), {}, WifiLogin(b"?", None, "five5")),
    ("password-long-for-2013", CORE, replace(LOGIN, password="x" * 33), {}, replace(LOGIN, password="x" * 32)),
    ("password-characters", CORE, replace(LOGIN, password="tab\there!"), {}, LOGIN),
    ("password-not-plain", CORE, replace(LOGIN, password="pässwörter"), {}, LOGIN),
    ("password-blank-ends", CORE, replace(LOGIN, password="eight888 "), {}, replace(LOGIN, password="eight 88")),
)


def test_every_rule_speaks_where_it_has_to_and_is_silent_beside() -> None:
    for rule, board, network, known, beside in CASES:
        assert rule in {each.rule for each in look_at(network, board, **known)}, (rule, network)  # type: ignore[arg-type]
        assert rule not in {each.rule for each in look_at(beside, board)}, (rule, beside)
    assert {rule for rule, *_ in CASES} == {rule.key for rule in RULES}


def test_what_stops_comes_first_and_words_have_nothing_left_to_fill_in() -> None:
    bad = WifiLogin(b" Home\n", Security.WPA2, "é")
    found = look_at(bad, CORE, seen=replace(HOME, channel=13, rssi=-85))
    assert [each.severity for each in found] == sorted(
        (each.severity for each in found), key=lambda severity: severity is not Severity.STOPS
    )
    assert {each.rule for each in found} >= {"channel-above-11", "weak", "name-characters", "password-length"}
    for _, board, network, known, _ in CASES:
        for each in look_at(network, board, **known):  # type: ignore[arg-type]
            said = each.words.english() + each.change.english()
            assert "{" not in said
            assert each.words.source.endswith((".", "."))


def test_an_ordinary_network_has_nothing_against_it_on_any_board() -> None:
    for board in PLATFORMS:
        assert look_at(HOME, board) == look_at(LOGIN, board) == ()


def test_a_board_without_wifi_has_no_findings() -> None:
    assert look_at(COMPANY, ELECTRON) == not_to_be_seen(ELECTRON) == ()


def test_radios_are_as_the_boards_have_them() -> None:
    assert [each.radio for each in (CORE, PHOTON, P1, ELECTRON)] == [
        Radio.CC3000,
        Radio.PHOTON,
        Radio.PHOTON,
        Radio.NONE,
    ]


def test_a_photon_takes_wep_and_channel_13_without_a_word() -> None:
    assert look_at(replace(HOME, channel=13), PHOTON) == ()
    assert look_at(WifiLogin(b"W", Security.WEP, "abcde"), PHOTON) == ()


def test_a_version_the_board_told_silences_what_is_said_of_2013() -> None:
    long = replace(LOGIN, password="x" * 40)
    assert [each.rule for each in look_at(long, CORE)] == ["password-long-for-2013"]
    assert look_at(long, CORE, version="0.7.0") == ()


def test_no_finding_holds_the_password() -> None:
    secret = "geheim é\t"
    for board in PLATFORMS:
        for each in look_at(replace(LOGIN, password=secret), board):
            assert secret not in repr(each)
            assert secret not in each.words.english() + each.change.english()


def test_a_company_sign_in_is_not_judged_as_a_password() -> None:
    login = WifiLogin(b"C", Security.WPA2_ENTERPRISE, "x", enterprise=Enterprise(Eap.PEAP, "me"))
    assert [each.rule for each in look_at(login, PHOTON, version="1.5.2")] == ["enterprise-mixed"]


def test_an_open_network_is_not_warned_of_once_somebody_looked() -> None:
    free = replace(HOME, security=Security.OPEN)
    assert look_at(free, PHOTON, portal=False) == ()
    assert [each.rule for each in look_at(free, PHOTON, portal=True)] == ["captive-portal"]


def test_what_no_scan_shows_is_said_of_the_radio_it_concerns() -> None:
    assert [each.rule for each in not_to_be_seen(CORE)] == ["n-only", "dhcp", "access-control", "complex"]
    assert "n-only" not in {each.rule for each in not_to_be_seen(PHOTON)}


# --- rows of the form -------------------------------------------------------------------------------------------------


def test_a_row_says_why_it_does_not_fit_before_what_to_mind() -> None:
    row = marked(replace(HOME, security=Security.OPEN, channel=44), PHOTON)
    assert not row.fits
    assert row.note is not None
    assert "5 GHz" in row.note.english()
    assert marked(HOME, CORE) == HOME
    warned = marked(replace(HOME, rssi=-85), CORE)
    assert warned.fits
    assert warned.note is not None


@pytest.mark.parametrize("protection", Protection)
def test_each_protection_of_a_computer_is_one_of_a_board_or_none(protection: Protection) -> None:
    row = seen_by_computer(HeardNetwork(b"A", 6, -50, protection, Encryption.AES_TKIP, 2437))
    assert (row.cipher, row.frequency_mhz) == (Cipher.AES_TKIP, 2437)
    newest = protection in (Protection.WPA3, Protection.WPA3_ENTERPRISE)
    assert marked(row, PHOTON).fits is not newest
    assert (row.security is None) == (newest or protection is Protection.UNKNOWN)


def heard(name: bytes, channel: int, rssi: int, protection: Protection = Protection.WPA2) -> HeardNetwork:
    return HeardNetwork(name, channel, rssi, protection)


def test_one_name_on_two_bands_is_one_row_that_fits() -> None:
    (row,) = merge((), Scan((heard(b"Home", 44, -40), heard(b"Home", 6, -60))), CORE)
    assert (row.channel, row.rssi, row.fits) == (6, -60, True)


def test_a_newer_protection_on_the_other_band_does_not_hide_the_one_that_fits() -> None:
    (row,) = merge((), Scan((heard(b"Home", 44, -40, Protection.WPA3), heard(b"Home", 6, -60))), PHOTON)
    assert (row.channel, row.security, row.fits) == (6, Security.WPA2, True)


def test_a_computer_that_names_the_one_radio_it_uses_does_not_say_that_there_is_no_other() -> None:
    here = HeardNetwork(b"Home", 44, -40, Protection.WPA2)
    (alone,) = merge((), Scan((here,), b"Home"), PHOTON)
    assert alone.fits
    assert alone.note is not None
    assert look_at(WifiLogin(b"Home", Security.WPA2, "eight888"), PHOTON, seen=alone)[0].severity is Severity.WARNS
    nameless = HeardNetwork(b"", 6, -70, Protection.WPA2)
    (beside,) = merge((), Scan((here, nameless), b"Home"), PHOTON)
    assert not beside.fits
    (own, far) = merge((replace(HOME, ssid=b"Other"),), Scan((here,), b"Home"), PHOTON)
    assert {each.ssid: each.fits for each in (own, far)} == {b"Home": False, b"Other": True}


def test_a_name_that_fits_nowhere_is_one_row_with_its_reason() -> None:
    (row,) = merge((), Scan((heard(b"Far", 44, -70), heard(b"Far", 36, -40), heard(b"Far", 13, -60))), CORE)
    assert (row.channel, row.fits) == (36, False)
    assert row.note is not None


def test_what_the_board_hears_itself_counts_more_than_what_the_computer_hears() -> None:
    board = (SeenNetwork(b"Home", Security.WPA2, Cipher.AES, 6, -75),)
    rows = merge(board, Scan((heard(b"Home", 6, -40), heard(b"Guest", 1, -60))), PHOTON)
    assert [(each.ssid, each.rssi) for each in rows] == [(b"Guest", -60), (b"Home", -75)]


def test_two_protections_of_one_name_that_both_fit_are_two_rows() -> None:
    rows = merge((), Scan((heard(b"Twin", 6, -40), heard(b"Twin", 1, -30, Protection.OPEN))), PHOTON)
    assert [each.security for each in rows] == [Security.OPEN, Security.WPA2]


def test_a_row_without_a_protection_gives_way_to_one_that_has_it() -> None:
    rows = merge((), Scan((heard(b"Home", 6, -40, Protection.UNKNOWN), heard(b"Home", 1, -50))), PHOTON)
    assert [each.security for each in rows] == [Security.WPA2]
    (alone,) = merge((), Scan((heard(b"Home", 6, -40, Protection.UNKNOWN),)), PHOTON)
    assert alone.security is None


def test_the_strongest_is_first_the_unmeasured_last_and_the_nameless_are_left_out() -> None:
    rows = merge(
        (SeenNetwork(b"Unmeasured", Security.WPA2),),
        Scan((heard(b"", 6, -20), heard(b"B", 6, -60), heard(b"A", 44, -30))),
        PHOTON,
    )
    assert [each.ssid for each in rows] == [b"A", b"B", b"Unmeasured"]


NETWORKS = st.builds(
    HeardNetwork,
    st.sampled_from((b"", b"A", b"B", b"\xff")),
    st.integers(0, 200),
    st.integers(-100, 0),
    st.sampled_from(Protection),
    st.sampled_from(Encryption),
    st.sampled_from((0, 2412, 5180, 5955)),
)


@given(st.lists(NETWORKS, max_size=8), st.sampled_from((CORE, PHOTON)), st.sampled_from(("", "0.6.3", "2.3.1")))
def test_a_list_of_anything_keeps_every_name_once_for_each_protection(
    found: list[HeardNetwork], board: Platform, version: str
) -> None:
    rows = merge((), Scan(tuple(found)), board, version=version)
    assert {each.ssid for each in rows} == {each.ssid for each in found} - {b""}
    assert len({(each.ssid, each.security) for each in rows}) == len(rows)
    for name in {each.ssid for each in rows}:
        own = [each for each in rows if each.ssid == name]
        assert all(each.fits for each in own) or len(own) == 1
    assert all(each.fits or each.note is not None for each in rows)
