"""What the systems' tools print about Wi-Fi, typed from their formats: several languages, hostile names, every kind."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transports.wifi_parse import (
    NMCLI_FIELDS,
    channel_of,
    frequency_of,
    is_redacted,
    parse_iw,
    parse_iw_devices,
    parse_netsh_joined,
    parse_netsh_networks,
    parse_nmcli,
    parse_nmcli_devices,
    parse_profiler,
    strongest_first,
)
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan

P = Protection


# --- channels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "band", "mhz"),
    [(1, "", 2412), (13, "", 2472), (14, "", 2484), (36, "", 5180), (165, "5", 5825), (1, "6", 5955), (233, "6", 7115)],
)
def test_channels_and_frequencies_belong_together(channel: int, band: str, mhz: int) -> None:
    assert frequency_of(channel, band) == mhz
    assert channel_of(mhz) == channel


def test_what_is_no_channel_is_none() -> None:
    assert [frequency_of(channel) for channel in (0, -3, 999)] == [0, 0, 0]
    assert [channel_of(mhz) for mhz in (0, 2400, 900, 5000, 9000)] == [0, 0, 0, 0, 0]


def test_who_is_heard_best_comes_first_and_who_is_not_measured_last() -> None:
    rows = [HeardNetwork(b"C"), HeardNetwork(b"B", rssi=-80), HeardNetwork(b"A", rssi=-40)]
    assert [each.ssid for each in strongest_first(rows)] == [b"A", b"B", b"C"]


# --- NetworkManager ---------------------------------------------------------------------------------------------------


def row(ssid: bytes, *rest: str, in_use: str = " ") -> bytes:
    return ":".join((in_use, ssid.hex().upper(), *rest)).encode()


NMCLI = b"\n".join(
    (
        row(b"Home: 5\\2", "6", "2437 MHz", "100", "WPA2", "(none)", "pair_ccmp group_ccmp psk", in_use="*"),
        row(b"Old", "13", "2472 MHz", "50", "WPA1", "pair_tkip group_tkip psk", "(none)"),
        row(b"Mixed", "1", "2412 MHz", "40", "WPA1 WPA2", "pair_tkip pair_ccmp group_tkip psk", "pair_ccmp psk"),
        row(b"Both", "36", "5180 MHz", "40", "WPA2 WPA3", "(none)", "pair_ccmp group_ccmp psk sae"),
        row(b"New", "11", "2462 MHz", "30", "WPA3", "(none)", "pair_ccmp group_ccmp sae"),
        row(b"Opportunist", "11", "2462 MHz", "30", "OWE", "(none)", "pair_ccmp group_ccmp owe"),
        row(b"Corp", "11", "2462 MHz", "30", "WPA2 802.1X", "(none)", "pair_ccmp group_ccmp 802.1X"),
        row(b"Old corp", "11", "2462 MHz", "30", "WPA1 802.1X", "pair_tkip group_tkip 802.1X", "(none)"),
        row(b"Bank", "11", "2462 MHz", "30", "WPA3 802.1X", "(none)", "pair_gcmp eap_suite_b_192"),
        row(b"Wep", "14", "2484 MHz", "20", "WEP", "(none)", "(none)"),
        row(b"Free", "1", "2412 MHz", "10", "", "(none)", "(none)"),
        row(b"", "1", "2412 MHz", "10", "WPA2", "(none)", "pair_ccmp psk"),
        row(b"\0\0\0\0", "1", "2412 MHz", "10", "WPA2", "(none)", "pair_ccmp psk"),
        row(b"\xff\n\x1b[2J", "1", "2412 MHz", "10", "--", "(none)", "(none)"),
        row(b"Odd", "1", "2412 MHz", "", "WPA9", "(none)", "(none)"),
        row(b"x" * 33, "1", "2412 MHz", "10", "", "(none)", "(none)"),  # longer than any name
        b"half a line:41",
        b"",
    )
)


def test_every_kind_of_network_that_networkmanager_names_is_understood() -> None:
    scan = parse_nmcli(NMCLI)
    assert scan.joined == b"Home: 5\\2"
    assert scan.trouble is None
    assert [(each.ssid, each.security, each.encryption) for each in scan.heard] == [
        (b"Home: 5\\2", P.WPA2, Encryption.AES),
        (b"Old", P.WPA, Encryption.TKIP),
        (b"Mixed", P.WPA2, Encryption.AES_TKIP),
        (b"Both", P.WPA2, Encryption.AES),
        (b"New", P.WPA3, Encryption.AES),
        (b"Opportunist", P.WPA3, Encryption.AES),
        (b"Corp", P.WPA2_ENTERPRISE, Encryption.AES),
        (b"Old corp", P.WPA_ENTERPRISE, Encryption.TKIP),
        (b"Bank", P.WPA3_ENTERPRISE, Encryption.UNKNOWN),
        (b"Wep", P.WEP, Encryption.UNKNOWN),
        (b"Free", P.OPEN, Encryption.UNKNOWN),
        (b"", P.WPA2, Encryption.AES),
        (b"", P.WPA2, Encryption.AES),
        (b"\xff\n\x1b[2J", P.OPEN, Encryption.UNKNOWN),
        (b"Odd", P.UNKNOWN, Encryption.UNKNOWN),
    ]
    assert [(each.channel, each.frequency_mhz, each.rssi) for each in scan.heard[:4]] == [
        (6, 2437, -40),
        (13, 2472, -70),
        (1, 2412, -76),
        (36, 5180, -76),
    ]
    assert scan.heard[-1].rssi == 0


def test_states_of_wifi_adapters_are_told_apart_from_others() -> None:
    assert parse_nmcli_devices(b"ethernet:connected\nwifi:unavailable\nwifi-p2p:disconnected\n") == ("unavailable",)
    assert parse_nmcli_devices(b"loopback:connected (externally)\n") == ()


# --- iw ---------------------------------------------------------------------------------------------------------------

IW = b"""BSS 00:11:22:33:44:55(on wlan0) -- associated
\tlast seen: 4242.042s [boottime]
\tTSF: 3140000 usec (0d, 00:00:03)
\tfreq: 2437.0
\tbeacon interval: 100 TUs
\tcapability: ESS Privacy ShortSlotTime (0x0411)
\tsignal: -47.00 dBm
\tInformation elements from Probe Response frame:
\tSSID: Caf\\xc3\\xa9 \\x5cup
\tSupported rates: 1.0* 2.0* 5.5* 11.0*
\tDS Parameter set: channel 6
\tRSN:\t * Version: 1
\t\t * Group cipher: TKIP
\t\t * Pairwise ciphers: CCMP TKIP
\t\t * Authentication suites: PSK SAE
\t\t * Capabilities: 16-PTKSA-RC (0x000c)
\tWPA:\t * Version: 1
\t\t * Pairwise ciphers: TKIP
\t\t * Authentication suites: PSK
BSS 00:11:22:33:44:56(on wlan0)
\tfreq: 5180
\tcapability: ESS Privacy (0x0011)
\tsignal: -60.00 dBm
\tSSID: Corp
\tRSN:\t * Version: 1
\t\t * Pairwise ciphers: CCMP
\t\t * Authentication suites: IEEE 802.1X
BSS 00:11:22:33:44:57(on wlan0)
\tfreq: 2472
\tcapability: ESS Privacy (0x0011)
\tsignal: -70.00 dBm
\tSSID: \\x00\\x00\\x00
BSS 00:11:22:33:44:58(on wlan0)
\tfreq: 2412
\tcapability: ESS (0x0001)
\tsignal: -80.00 dBm
\tSSID: Free
BSS 00:11:22:33:44:59(on wlan0)
\tfreq: 2412
\tcapability: ESS Privacy (0x0011)
\tsignal: -81.00 dBm
\tSSID: New
\tRSN:\t * Version: 1
\t\t * Pairwise ciphers: CCMP
\t\t * Authentication suites: SAE
BSS 00:11:22:33:44:60(on wlan0)
\tfreq: 2412
\tcapability: ESS Privacy (0x0011)
\tsignal: -82.00 dBm
\tSSID: Ancient
\tWPA:\t * Version: 1
\t\t * Pairwise ciphers: TKIP
\t\t * Authentication suites: PSK
BSS 00:11:22:33:44:61(on wlan0)
\tfreq: 2412
\tcapability: ESS Privacy (0x0011)
\tsignal: -83.00 dBm
\tSSID: Strange
\tRSN:\t * Version: 1
\t\t * Authentication suites: 00-0f-ac:99
"""


def test_every_kind_of_network_that_iw_names_is_understood() -> None:
    scan = parse_iw(IW)
    assert scan.joined == "Café \\up".encode()
    assert [(each.ssid, each.channel, each.rssi, each.security) for each in scan.heard] == [
        ("Café \\up".encode(), 6, -47, P.WPA2),
        (b"Corp", 36, -60, P.WPA2_ENTERPRISE),
        (b"", 13, -70, P.WEP),
        (b"Free", 1, -80, P.OPEN),
        (b"New", 1, -81, P.WPA3),
        (b"Ancient", 1, -82, P.WPA),
        (b"Strange", 1, -83, P.UNKNOWN),
    ]
    assert scan.heard[0].encryption is Encryption.AES_TKIP


def test_adapters_are_found_in_what_iw_prints() -> None:
    printed = b"phy#0\n\tUnnamed/non-netdev interface\n\t\twdev 0x2\n\tInterface wlp3s0\n\t\ttype managed\n"
    assert parse_iw_devices(printed) == ("wlp3s0",)
    assert parse_iw_devices(b"") == ()


# --- netsh ------------------------------------------------------------------------------------------------------------

NETSH_ENGLISH = """
Interface name : Wi-Fi
There are 6 networks currently visible.

SSID 1 : Home : 5
    Network type            : Infrastructure
    Authentication          : WPA2-Personal
    Encryption              : CCMP
    BSSID 1                 : 00:11:22:33:44:55
         Signal             : 80%
         Radio type         : 802.11n
         Channel            : 6
         Basic rates (Mbps) : 1 2 5.5 11
         Other rates (Mbps) : 6 9 12 18 24 36 48 54
    BSSID 2                 : 00:11:22:33:44:56
         Signal             : 99%
         Radio type         : 802.11ax
         Band               : 5 GHz
         Channel            : 36
         Bss Load:
             Connected Stations:         3
             Channel Utilization:        12 (4 %)
         Basic rates (Mbps) : 6 12 24

SSID 2 :
    Network type            : Infrastructure
    Authentication          : WPA-Personal
    Encryption              : TKIP
    BSSID 1                 : 00:11:22:33:44:57
         Signal             : 40%
         Radio type         : 802.11g
         Channel            : 13

SSID 3 : Free
    Network type            : Infrastructure
    Authentication          : Open
    Encryption              : None
    BSSID 1                 : 00:11:22:33:44:58
         Signal             : 0%
         Radio type         : 802.11b
         Channel            : 14

SSID 4 : Ancient
    Network type            : Infrastructure
    Authentication          : Open
    Encryption              : WEP
    BSSID 1                 : 00:11:22:33:44:59
         Signal             : 20%
         Radio type         : 802.11b
         Channel            : 1

SSID 5 : Newest
    Network type            : Infrastructure
    Authentication          : WPA3-Personal
    Encryption              : CCMP
    BSSID 1                 : 00:11:22:33:44:60
         Signal             : 10%
         Radio type         : 802.11ax
         Band               : 6 GHz
         Channel            : 5

SSID 6 : Corp
    Network type            : Infrastructure
    Authentication          : WPA2-Enterprise
    Encryption              : CCMP
"""

IN_OTHER_LANGUAGES = {
    "German": ("Infrastruktur", "WPA2-Personal", "CCMP", "Signal", "Funktyp", "Kanal", "Basisraten (MBit/s)"),
    "French": ("Infrastructure", "WPA2\xa0- Personnel", "CCMP", "Signal", "Type de radio", "Canal", "Taux de base"),
    "Spanish": ("Infraestructura", "WPA2-Personal", "CCMP", "Señal", "Tipo de radio", "Canal", "Velocidades básicas"),
    "Portuguese": ("Infraestrutura", "WPA2-Pessoal", "CCMP", "Sinal", "Tipo de rádio", "Canal", "Taxas básicas"),
    "Japanese": ("インフラストラクチャ", "WPA2-パーソナル", "CCMP", "シグナル", "無線タイプ", "チャネル", "基本レート"),
    "Chinese": ("结构", "WPA2 - 个人", "CCMP", "信号", "无线电类型", "频道", "基本速率"),
}
COMPANY = {
    "German": "WPA2-Enterprise",
    "French": "WPA2 - Entreprise",
    "Spanish": "WPA2-Empresa",
    "Japanese": "WPA2-エンタープライズ",
    "Chinese": "WPA2 - 企业",
}


def in_language(kind: str, protection: str, encryption: str, *words: str) -> str:
    signal, radio, channel, rates = words
    return (
        f"\r\nXyz : WLAN\r\n2 xyz.\r\n\r\nSSID 1 : Zuhause 家\r\n    aaa         : {kind}\r\n"
        f"    bbb         : {protection}\r\n    ccc         : {encryption}\r\n    BSSID 1      : 00:11:22:33:44:55\r\n"
        f"         {signal}     : 70 %\r\n         {radio}      : 802.11n\r\n         {channel}  : 11\r\n"
        f"         {rates} : 1 2 5,5 11\r\n"
    )


def test_windows_in_english_is_understood() -> None:
    heard = parse_netsh_networks(NETSH_ENGLISH.replace("\n", "\r\n"))
    assert [(each.ssid, each.channel, each.frequency_mhz, each.rssi, each.security) for each in heard] == [
        (b"Home : 5", 36, 5180, -50, P.WPA2),
        (b"Home : 5", 6, 2437, -60, P.WPA2),
        (b"", 13, 2472, -80, P.WPA),
        (b"Ancient", 1, 2412, -90, P.WEP),
        (b"Newest", 5, 5975, -95, P.WPA3_AT_BEST),
        (b"Free", 14, 2484, -100, P.OPEN),
        (b"Corp", 0, 0, 0, P.WPA2_ENTERPRISE),
    ]
    assert [each.encryption for each in heard[:3]] == [Encryption.AES, Encryption.AES, Encryption.TKIP]


@pytest.mark.parametrize("language", IN_OTHER_LANGUAGES)
def test_windows_in_another_language_is_understood_by_its_structure(language: str) -> None:
    (heard,) = parse_netsh_networks(in_language(*IN_OTHER_LANGUAGES[language]))
    assert heard == HeardNetwork("Zuhause 家".encode(), 11, -65, P.WPA2, Encryption.AES, 2462)


@pytest.mark.parametrize("language", COMPANY)
def test_a_company_network_is_told_apart_in_each_language(language: str) -> None:
    words = IN_OTHER_LANGUAGES[language]
    (heard,) = parse_netsh_networks(in_language(words[0], COMPANY[language], *words[2:]))
    assert heard.security is P.WPA2_ENTERPRISE


def test_a_protection_in_words_nobody_knows_is_not_guessed() -> None:
    printed = in_language("x", "WPA2-Qwerty", "CCMP", "x", "x", "x", "x")
    assert parse_netsh_networks(printed)[0].security is P.UNKNOWN
    assert parse_netsh_networks(in_language("x", "Qwerty", "CCMP", "x", "x", "x", "x"))[0].security is P.UNKNOWN
    assert parse_netsh_networks(in_language("x", "Ouvert", "Aucun", "x", "x", "x", "x"))[0].security is P.OPEN


def test_the_joined_network_is_found_whatever_windows_calls_the_rest() -> None:
    printed = (
        "\r\n1 Schnittstelle auf dem System:\r\n\r\n    Name                   : WLAN\r\n"
        "    Beschreibung           : Adapter: SSID\r\n    Status                 : Verbunden\r\n"
        "    SSID                   : Zuhause : 家\r\n    BSSID                  : 00:11:22:33:44:55\r\n"
        "    AP BSSID               : 00:11:22:33:44:55\r\n"
    )
    assert parse_netsh_joined(printed) == "Zuhause : 家".encode()
    assert parse_netsh_joined("    Name : WLAN\r\n    Status : Getrennt\r\n") is None


# --- macOS ------------------------------------------------------------------------------------------------------------


def mac(current: dict[str, object] | None, *others: dict[str, object]) -> bytes:
    adapter: dict[str, object] = {"_name": "en0", "spairport_airport_other_local_wireless_networks": list(others)}
    if current is not None:
        adapter["spairport_current_network_information"] = current
    report = {"SPAirPortDataType": [{"spairport_airport_interfaces": [adapter, {"_name": "awdl0"}]}]}
    return json.dumps(report).encode()


def mac_row(name: str, channel: object, security: str, signal: str = "") -> dict[str, object]:
    return {
        "_name": name,
        "spairport_network_channel": channel,
        "spairport_security_mode": f"spairport_security_mode_{security}",
        "spairport_signal_noise": signal,
    }


def test_a_macs_report_is_understood() -> None:
    misspelt = mac_row("Both", 11, "") | {"spairport_security_mode": "pairport_security_mode_wpa3_transition"}
    scan = parse_profiler(
        mac(
            mac_row("Home", "44 (5GHz, 80MHz)", "wpa3_personal", "-53 dBm / -91 dBm"),
            mac_row("Free", "14 (2GHz, 20MHz)", "none", "-60 dBm / -91 dBm"),
            mac_row("Six", "5 (6GHz, 160MHz)", "wpa3_personal", "-70 dBm / -91 dBm"),
            mac_row("Corp", "13", "wpa2_enterprise", "-71 dBm"),
            mac_row("Old", "44,+1", "wpa_personal", "-72 dBm"),
            mac_row("Wep", 6, "wep", "-73 dBm"),
            misspelt,
            mac_row("Odd", "", "quantum"),
        )
    )
    assert scan is not None
    assert scan.joined == b"Home"
    assert [(each.ssid, each.channel, each.frequency_mhz, each.rssi, each.security) for each in scan.heard] == [
        (b"Home", 44, 5220, -53, P.WPA3_AT_BEST),
        (b"Free", 14, 2484, -60, P.OPEN),
        (b"Six", 5, 5975, -70, P.WPA3),
        (b"Corp", 13, 2472, -71, P.WPA2_ENTERPRISE),
        (b"Old", 44, 5220, -72, P.WPA),
        (b"Wep", 6, 2437, -73, P.WEP),
        (b"Both", 11, 2462, 0, P.WPA2),
        (b"Odd", 0, 0, 0, P.UNKNOWN),
    ]


def test_names_a_mac_hides_are_none() -> None:
    printed = mac(mac_row("<redacted>", 6, "wpa2_personal"), mac_row("<redacted>", 1, "none"))
    scan = parse_profiler(printed)
    assert scan is not None
    assert is_redacted(printed)
    assert scan.joined is None
    assert [each.ssid for each in scan.heard] == [b"", b""]


@pytest.mark.parametrize(
    "printed", [b"", b"{", b"[]", b'{"a": 1}', b"[" * 100_000, b"\xff\xfe"], ids=lambda printed: str(printed[:6])
)
def test_what_is_no_report_is_none(printed: bytes) -> None:
    assert parse_profiler(printed) is None


@pytest.mark.parametrize("inner", ["null", "7", '"x"', '[null, 7, {"spairport_airport_interfaces": [7, {}]}]'])
def test_a_report_of_another_shape_tells_nothing(inner: str) -> None:
    assert parse_profiler(f'{{"SPAirPortDataType": {inner}}}'.encode()) == Scan()


# --- whatever comes ---------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    (
        *(b"SSID 1 : ", b"    BSSID 1 : ", b"BSS 00:11:22:33:44:55(on w)", b"\tSSID: ", b"\n", b":", b"\\", b"*"),
        *(b"41", b"9" * 30, b"%", b"\tfreq: ", b"\tsignal: ", b"\tRSN:\t * ", b" MHz", b"\x00", b"\xff", b"\r"),
        b"\xe2\x80\xa8",
    )
)


@given(st.lists(PIECES | st.binary(max_size=6), max_size=40).map(b"".join))
def test_no_printed_bytes_end_a_parser_and_no_name_is_too_long(printed: bytes) -> None:
    words = printed.decode("utf-8", "replace")
    heard = (*parse_nmcli(printed).heard, *parse_iw(printed).heard, *parse_netsh_networks(words))
    assert all(len(each.ssid) <= 32 and -200_000_000 < each.rssi <= 1_000_000 for each in heard)
    parse_profiler(printed)
    parse_netsh_joined(words)
    parse_nmcli_devices(printed)
    parse_iw_devices(printed)


def test_a_name_with_the_line_of_another_network_in_it_makes_no_other_network() -> None:
    evil = b"A\nSSID 9 : B"
    assert len(NMCLI_FIELDS) == 8
    scan = parse_nmcli(row(evil, "1", "2412 MHz", "10", "", "(none)", "(none)"))
    assert [each.ssid for each in scan.heard] == [evil]


def test_a_name_that_was_lost_on_the_way_is_not_offered_in_another_form() -> None:
    (windows,) = parse_netsh_networks(in_language(*IN_OTHER_LANGUAGES["French"]).replace("家", "\ufffd"))
    assert (windows.ssid, windows.channel) == (b"", 11)
    assert parse_netsh_joined("    SSID : Caf\ufffd\r\n") is None
    for lost in (r"Caf\ud83d", "Caf\ufffd"):
        row = f'{{"_name": "{lost}", "spairport_network_channel": "6"}}'
        mac = parse_profiler(
            '{"SPAirPortDataType": [{"spairport_airport_interfaces": ['
            f'{{"spairport_airport_other_local_wireless_networks": [{row}]}}]}}]}}'.encode()
        )
        assert mac is not None
        assert [(each.ssid, each.channel) for each in mac.heard] == [(b"", 6)]


def test_a_line_without_end_or_meaning_takes_no_time_to_speak_of() -> None:
    line = f"SSID 1 : Home\n    a{' ' * 400_000}b\n"
    assert [each.ssid for each in parse_netsh_networks(line)] == [b"Home"]
    assert parse_netsh_joined(line) is None
