"""The console's Wi-Fi dialogue (device-protocol.md 5.4, A.4): every generation, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every import examples
from support.virtual_desk import LONG, Desk, Tty

from app.virtual.air import Cipher, Network, Profile, Security
from app.virtual.mishaps import Mishap
from app.virtual.timing import Timing

NAME, PASSWORD = b"MyNet", b"secret123"
MY_NET = Network(NAME, password=PASSWORD)

# As they stand in 5.4.
SSID = b"SSID: "
SECURITY = b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: "
SECURITY_ALL = b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2, 4=WPA Enterprise, 5=WPA2 Enterprise: "
CIPHER = b"Security Cipher 1=AES, 2=TKIP, 3=AES+TKIP: "
ASKS_PASSWORD = b"Password: "
WEP = (
    b"\r\n ** Even though the CC3000 supposedly supports WEP,"
    b"\r\n ** we at Spark have never seen it work."
    b"\r\n ** If you control the network, we recommend changing it to WPA2.\r\n"
)
WAIT_7 = b"Thanks! Wait about 7 seconds while I save those credentials...\r\n\r\n"
WAIT = b"Thanks! Wait while I save those credentials...\r\n\r\n"
DERP = b"Derp. Sorry, we couldn't save the credentials.\r\n\r\n"
HEAD = b"Awesome. Now we'll connect!\r\n\r\nIf you see a pulsing cyan light, your "
MIDDLE = (
    b"\r\nhas connected to the Cloud and is ready to go!\r\n\r\n"
    b"If your LED flashes red or you encounter any other problems,\r\n"
)
SPARK = b"visit https://www.spark.io/support to debug.\r\n\r\n    Spark <3 you!\r\n\r\n"
PARTICLE = b"visit https://www.particle.io/support to debug.\r\n\r\n    Particle <3 you!\r\n\r\n"
SPARK_CORE = HEAD + b"Spark Core" + MIDDLE + SPARK
SPARK_PHOTON = HEAD + b"device" + MIDDLE + SPARK
PARTICLE_CORE = HEAD + b"Spark Core" + MIDDLE + PARTICLE
PARTICLE_PHOTON = HEAD + b"device" + MIDDLE + PARTICLE
PARTICLE_2 = HEAD + b"device " + MIDDLE + PARTICLE

Talk = list[tuple[bytes, bytes]]


def listening(name: str, firmware: str = "", **options: Any) -> Tty:  # noqa: ANN401 - handed on to `make`
    given: dict[str, Any] = {"firmware": firmware, "networks": (MY_NET,), "claimed": True, **options}
    desk = Desk(name, **given)
    tty = desk.listening()
    desk.board.profiles = False
    return tty


def typed(tty: Tty, *lines: bytes) -> bytes:
    """Begin the dialogue, give these answers and return what came after the last."""
    found = tty.say(b"w")
    for line in lines:
        found = tty.say(line + b"\n", within=50.0)
    return found


def known(tty: Tty) -> list[tuple[bytes, int, bytes, int]]:
    return [(row.ssid, row.security, row.password, row.cipher) for row in tty.desk.board.profiles_stored]


OPEN_NET, WEP_NET = Network(NAME, Security.OPEN), Network(NAME, Security.WEP, password=b"12345")
LEGACY = [(NAME, SECURITY), (b"3", ASKS_PASSWORD)]
CASES: list[tuple[str, str, Network | None, Talk, tuple[int, bytes, int]]] = [
    # A
    ("core", "spark_1", MY_NET, [(NAME, ASKS_PASSWORD), (PASSWORD, WAIT_7 + SPARK_CORE)], (3, PASSWORD, 0)),
    # B
    ("core", "spark_3", MY_NET, [*LEGACY, (PASSWORD, WAIT_7 + SPARK_CORE)], (3, PASSWORD, 0)),
    ("core", "spark_11", MY_NET, [*LEGACY, (PASSWORD, WAIT_7 + SPARK_CORE)], (3, PASSWORD, 0)),
    ("core", "0.4.0", MY_NET, [*LEGACY, (PASSWORD, WAIT_7 + SPARK_CORE)], (3, PASSWORD, 0)),
    ("core", "0.4.4", OPEN_NET, [(NAME, SECURITY), (b"0", WAIT_7 + SPARK_CORE)], (0, b"", 0)),
    (
        "core",
        "spark_11",
        WEP_NET,
        [(NAME, SECURITY), (b"1", WEP + ASKS_PASSWORD), (b"12345", WAIT_7 + SPARK_CORE)],
        (1, b"12345", 0),
    ),
    ("photon", "0.4.0", MY_NET, [*LEGACY, (PASSWORD, WAIT + SPARK_PHOTON)], (3, PASSWORD, 0)),
    ("photon", "0.4.4", MY_NET, [*LEGACY, (PASSWORD, WAIT + SPARK_PHOTON)], (3, PASSWORD, 0)),
    # C
    ("core", "0.5", MY_NET, [*LEGACY, (PASSWORD, WAIT_7 + PARTICLE_CORE)], (3, PASSWORD, 0)),
    ("core", "0.4.9", None, [*LEGACY, (PASSWORD, WAIT_7 + PARTICLE_CORE)], (3, PASSWORD, 0)),
    ("photon", "0.4.9", MY_NET, [*LEGACY, (PASSWORD, WAIT + PARTICLE_PHOTON)], (3, PASSWORD, 1)),
    (
        "photon-0.5",
        "",
        None,
        [(NAME, SECURITY), (b"2", CIPHER), (b"3", ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_PHOTON)],
        (2, PASSWORD, 3),
    ),
    ("photon-0.6", "", None, [(NAME, SECURITY), (b"0", WAIT + PARTICLE_PHOTON)], (0, b"", 0)),
    (
        "p1",
        "0.6",
        None,
        [(NAME, SECURITY), (b"1", ASKS_PASSWORD), (b"12345", WAIT + PARTICLE_PHOTON)],
        (1, b"12345", 0),
    ),
    # D
    ("photon-0.7", "", MY_NET, [(NAME, ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_PHOTON)], (3, PASSWORD, 1)),
    ("photon", "1.5", MY_NET, [(NAME, ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_PHOTON)], (3, PASSWORD, 1)),
    ("photon", "0.8", OPEN_NET, [(NAME, CIPHER), (b"1", WAIT + PARTICLE_PHOTON)], (0, b"", 1)),
    (
        "photon",
        "1.4",
        WEP_NET,
        [(NAME, CIPHER), (b"1", ASKS_PASSWORD), (b"12345", WAIT + PARTICLE_PHOTON)],
        (1, b"12345", 1),
    ),
    (
        "photon-0.7",
        "",
        None,
        [(NAME, SECURITY_ALL), (b"3", CIPHER), (b"1", ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_PHOTON)],
        (3, PASSWORD, 1),
    ),
    (
        "photon-0.7",
        "",
        None,
        [(NAME, SECURITY_ALL), (b"0", CIPHER), (b"2", WAIT + PARTICLE_PHOTON)],
        (0, b"", 2),
    ),
    (
        "core-0.7",
        "",
        MY_NET,
        [(NAME, CIPHER), (b"1", ASKS_PASSWORD), (PASSWORD, WAIT_7 + PARTICLE_CORE)],
        (3, PASSWORD, 1),
    ),
    (
        "core",
        "1.4",
        None,
        [(NAME, SECURITY), (b"1", WEP + CIPHER), (b"1", ASKS_PASSWORD), (b"12345", WAIT_7 + PARTICLE_CORE)],
        (1, b"12345", 1),
    ),
    # E
    ("photon", "", MY_NET, [(NAME, ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_2)], (3, PASSWORD, 1)),
    ("p1", "", MY_NET, [(NAME, ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_2)], (3, PASSWORD, 1)),
    (
        "photon",
        "",
        None,
        [(NAME, SECURITY_ALL), (b"2", CIPHER), (b"2", ASKS_PASSWORD), (PASSWORD, WAIT + PARTICLE_2)],
        (2, PASSWORD, 2),
    ),
]


@pytest.mark.parametrize(("name", "firmware", "network", "talk", "kept"), CASES)
def test_dialogue_goes_as_its_generation_has_it(
    name: str, firmware: str, network: Network | None, talk: Talk, kept: tuple[int, bytes, int]
) -> None:
    tty = listening(name, firmware, networks=() if network is None else (network,))
    assert tty.say(b"w") == SSID
    for line, answer in talk:
        assert tty.say(line + b"\n", within=50.0) == line + b"\r\n" + answer
    assert known(tty) == [(NAME, *kept)]
    assert not tty.desk.listens(), "it leaves by itself"
    assert tty.desk.face.attached(), "and the port stays"
    assert tty.say(b"i") == b""


def test_electron_has_no_wifi() -> None:
    assert Desk("electron").listening().say(b"w") == b""


def test_carriage_return_ends_a_line_as_well() -> None:
    tty = listening("photon-0.6")
    tty.say(b"w")
    assert tty.say(NAME + b"\r") == NAME + b"\r\n" + SECURITY


def test_line_feed_together_with_the_return_is_thrown_away() -> None:
    tty = listening("photon-0.6")
    tty.say(b"w")
    assert tty.say(NAME + b"\r\n") == NAME + b"\r\n" + SECURITY


def test_line_feed_that_comes_late_answers_the_next_question() -> None:
    tty = listening("photon-0.6")
    tty.say(b"w")
    assert tty.say(NAME + b"\r").endswith(SECURITY)
    assert tty.say(b"\n") == b"\r\n" + SECURITY


def test_answers_sent_ahead_are_thrown_away() -> None:
    tty = listening("core")
    tty.say(b"w")
    assert tty.say(NAME + b"\n3\n" + PASSWORD + b"\n") == NAME + b"\r\n" + SECURITY


def test_digit_needs_a_line_end_and_a_second_character_is_one() -> None:
    tty = listening("photon-0.6", networks=())
    typed(tty, NAME)
    assert tty.say(b"1") == b"1"
    assert tty.say(b"2") == b"\r\n" + ASKS_PASSWORD


@pytest.mark.parametrize("wrong", [b"", b"4", b"9", b"x", b" "])
def test_security_is_asked_until_it_is_one_of_the_four(wrong: bytes) -> None:
    tty = listening("core-0.5")
    typed(tty, NAME)
    for _ in range(2):
        assert tty.say(wrong + b"\n") == wrong + b"\r\n" + SECURITY
    assert tty.say(b"3\n") == b"3\r\n" + ASKS_PASSWORD


@pytest.mark.parametrize("wrong", [b"", b"0", b"4"])
def test_cipher_is_asked_until_it_is_one_of_the_three(wrong: bytes) -> None:
    tty = listening("photon", networks=())
    typed(tty, NAME, b"3")
    assert tty.say(wrong + b"\n") == wrong + b"\r\n" + CIPHER
    assert tty.say(b"1\n") == b"1\r\n" + ASKS_PASSWORD


def test_enterprise_digit_counts_only_where_it_is_offered() -> None:
    tty = listening("core-0.7", networks=())
    typed(tty, NAME)
    assert tty.say(b"5\n") == b"5\r\n" + SECURITY
    tty = listening("photon-0.7", networks=())
    typed(tty, NAME)
    assert tty.say(b"6\n") == b"6\r\n" + SECURITY_ALL


def test_name_may_be_empty_up_to_0_6_and_is_asked_again_later() -> None:
    assert typed(listening("core"), b"") == b"\r\n" + SECURITY
    assert typed(listening("photon-0.6"), b"") == b"\r\n" + SECURITY
    tty = listening("photon-0.7")
    assert typed(tty, b"", b"") == b"\r\n" + SSID
    assert tty.say(NAME + b"\n") == NAME + b"\r\n" + ASKS_PASSWORD


def test_name_of_32_bytes_fits_and_the_33rd_ends_the_line() -> None:
    longest = "Café au lait ☕ und zwölf".encode()
    longest += b"x" * (32 - len(longest))
    tty = listening("core")
    assert typed(tty, longest) == longest + b"\r\n" + SECURITY
    tty = listening("core")
    tty.say(b"w")
    assert tty.say(longest + b"y") == longest + b"\r\n" + SECURITY


@pytest.mark.parametrize(("firmware", "longest"), [("spark_1", 32), ("spark_3", 64), ("0.7", 64)])
def test_password_has_its_longest(firmware: str, longest: int) -> None:
    password = b"p" * longest
    answers = {"spark_1": (NAME,), "spark_3": (NAME, b"3"), "0.7": (NAME, b"1")}[firmware]
    tty = listening("core", firmware)
    typed(tty, *answers)
    assert tty.say(password, within=50.0) == password
    assert tty.say(b"q", within=50.0).startswith(b"\r\nThanks!")
    assert tty.desk.board.profiles_stored[0].password == password


def test_spaces_at_both_ends_are_kept() -> None:
    tty = listening("photon", networks=(Network(b" MyNet ", password=b"  eight   "),))
    typed(tty, b" MyNet ", b"  eight   ")
    assert known(tty) == [(b" MyNet ", 3, b"  eight   ", 1)]
    tty.desk.clock.pause(LONG)
    assert tty.desk.board.light_pattern == "breathing cyan"


def test_typing_error_can_be_taken_back_except_on_the_first_firmware() -> None:
    tty = listening("core", "spark_3")
    tty.say(b"w")
    assert tty.say(b"\x7fMo\x08yNet\n") == b"Mo\x08yNet\r\n" + SECURITY
    typed_in_2013 = listening("core", "spark_1")
    typed(typed_in_2013, b"Mo\x08y", PASSWORD)
    assert known(typed_in_2013)[0][0] == b"Mo\x08y"


def test_board_says_nothing_while_it_scans() -> None:
    tty = listening("photon")
    tty.say(b"w")
    assert tty.say(NAME + b"\n", within=Timing.TYPICAL.wifi_scan - 0.1) == NAME + b"\r\n"
    tty.desk.clock.pause(0.2)
    assert tty.everything() == ASKS_PASSWORD


def test_network_typed_by_hand_is_looked_for_once_more_for_thirty_seconds() -> None:
    tty = listening("photon", networks=())
    typed(tty, NAME)
    assert tty.say(b"3\n", within=29.9) == b"3\r\n"
    tty.desk.clock.pause(0.2)
    assert tty.everything() == CIPHER


def test_what_is_typed_during_a_scan_answers_the_next_question() -> None:
    tty = listening("photon")
    tty.say(b"w")
    assert tty.say(NAME + b"\n", within=1.0) == NAME + b"\r\n"
    assert tty.say(PASSWORD + b"\n", within=50.0).startswith(ASKS_PASSWORD + PASSWORD + b"\r\n" + WAIT)


def test_network_switched_on_in_between_is_found_by_the_second_scan() -> None:
    tty = listening("photon", networks=())
    assert typed(tty, NAME).endswith(SECURITY_ALL)
    tty.desk.board.networks = (MY_NET,)
    assert tty.say(b"3\n", within=5.0) == b"3\r\n" + ASKS_PASSWORD


def test_of_two_access_points_with_one_name_the_last_counts() -> None:
    both = (MY_NET, Network(NAME, Security.WPA, Cipher.TKIP))
    tty = listening("photon", networks=both)
    typed(tty, NAME, PASSWORD)
    assert known(tty) == [(NAME, 2, PASSWORD, 2)]


@pytest.mark.parametrize(
    "unheard",
    [Network(NAME, hidden=True), Network(NAME, channel=44), Network(NAME + b"x"), Network(NAME[:-1])],
    ids=["hidden", "5 GHz", "longer", "shorter"],
)
def test_network_that_no_scan_finds_is_asked_for(unheard: Network) -> None:
    assert typed(listening("photon", networks=(unheard,)), NAME).endswith(SECURITY_ALL)


@pytest.mark.parametrize("firmware", ["spark_11", "0.6"])
def test_output_is_paced_up_to_0_6(firmware: str) -> None:
    tty = listening("core", firmware)
    tty.send(b"w")
    tty.desk.clock.pause(0.25 if firmware == "spark_11" else 0.0)
    tty.everything()
    typed(tty, NAME)
    tty.send(b"3")
    tty.send(b"\n")
    tty.desk.clock.pause(0.0065)
    assert tty.everything() == b"3\r\nPass"[:7]


def test_board_listens_until_the_last_words_are_out() -> None:
    tty = listening("core")
    typed(tty, NAME, b"3")
    tty.say(PASSWORD + b"\n", within=7.0)
    assert tty.desk.listens()
    assert tty.desk.board.light_pattern == "blinking blue"
    tty.desk.clock.pause(0.5)
    assert not tty.desk.listens()
    assert tty.everything().endswith(b"    Spark <3 you!\r\n\r\n")


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("photon-0.5", (b"", b"0")),
        ("photon-0.6", (NAME, b"3", b"1", b"seven77")),
        ("photon-0.6", (NAME, b"1", b"four")),
        ("photon-0.6", (NAME, b"1", b"x" * 59)),
        ("photon", (NAME, b"3", b"1", b"seven77")),
        ("photon", (NAME, b"1", b"1", b"four")),
    ],
)
def test_photon_refuses_what_cannot_be_and_goes_on_listening(name: str, answers: tuple[bytes, ...]) -> None:
    tty = listening(name, networks=())
    assert typed(tty, *answers) == answers[-1] + b"\r\n" + WAIT + DERP
    assert tty.desk.listens()
    assert known(tty) == []
    assert tty.say(b"w") == SSID


@pytest.mark.parametrize("password", [b"x" * 8, b"x" * 64], ids=["shortest", "longest"])
def test_photon_takes_a_passphrase_at_either_end(password: bytes) -> None:
    tty = listening("photon")
    typed(tty, NAME, password)
    assert known(tty) == [(NAME, 3, password, 1)]


def test_core_refuses_nothing_but_may_fail() -> None:
    tty = listening("core-0.5")
    typed(tty, NAME, b"3", b"short")
    assert known(tty) == [(NAME, 3, b"short", 0)]
    tty = listening("core-0.5", mishap=Mishap(wifi_refuses=1))
    assert typed(tty, NAME, b"3", PASSWORD).endswith(WAIT_7 + DERP)
    assert typed(tty, NAME, b"3", PASSWORD).endswith(PARTICLE_CORE)


def test_core_of_2014_says_well_done_even_when_it_is_not() -> None:
    tty = listening("core", mishap=Mishap(wifi_refuses=1))
    assert typed(tty, NAME, b"3", PASSWORD).endswith(WAIT_7 + SPARK_CORE)
    assert known(tty) == []
    assert tty.desk.board.light_pattern == "breathing blue"


# --- broken off -----------------------------------------------------------------------------------------------------


def test_dialogue_waits_for_ever_and_ends_with_a_reset() -> None:
    tty = listening("photon")
    typed(tty, NAME)
    tty.desk.clock.pause(100 * 3600.0)
    assert tty.say(b"x") == b"x", "no command"
    assert tty.desk.listens()
    tty.desk.hand.reset()
    tty.desk.clock.pause(LONG)
    assert known(tty) == []
    assert Tty(tty.desk).say(b"w") == SSID


def test_cable_pulled_while_it_saves_leaves_nothing() -> None:
    tty = listening("core")
    typed(tty, NAME, b"3")
    tty.say(PASSWORD + b"\n", within=6.0)
    tty.desk.board.unplug()
    tty.desk.clock.pause(LONG)
    assert known(tty) == []


def test_half_a_password_is_never_stored() -> None:
    tty = listening("photon")
    typed(tty, NAME)
    tty.say(PASSWORD[:4], within=LONG)
    assert known(tty) == []


@given(
    noise=st.lists(st.binary(max_size=12), max_size=12), place=st.sampled_from([("core", "spark_1"), ("photon", "")])
)
@settings(max_examples=examples(40), deadline=None)
def test_whatever_is_typed_the_board_goes_on_reading(noise: list[bytes], place: tuple[str, str]) -> None:
    tty = listening(*place, timing=Timing.ZERO)
    tty.say(b"w")
    for part in noise:
        tty.say(part, within=1.0)
        assert tty.desk.board.light_pattern != "off"
    assert all(isinstance(row, Profile) for row in tty.desk.board.profiles_stored)


def test_no_password_is_in_a_repr() -> None:
    tty = listening("photon")
    typed(tty, NAME, PASSWORD)
    board = tty.desk.board
    for shown in (board.profiles_stored, board.networks, board.memories(), list(board.wire)):
        assert PASSWORD.decode() not in repr(shown)
    assert PASSWORD in b"".join(exchange.sent for exchange in board.wire), "or this proves nothing"
