"""The Wi-Fi dialogue against the board's side of device-protocol.md 5.4 and 5.5, cut and disturbed in every way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import FastClock
from support.every import examples, part
from support.wifi_console import CIPHERS, FOUR, SIX, Rules, Saved, Script, WifiConsole, dialogue

from app.faults import BoardGone, BoardSilent, Fault
from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin, shown_name
from app.protocols.wifi_dialogue import Ending, Prompt, PromptReader, Told, WifiDialogue
from app.wifi_faults import (
    AskedAgain,
    Derp,
    DialogueLost,
    DialogueNoise,
    DialogueStopped,
    NoDialogue,
    NotOffered,
    PasswordTooLongForFirmware,
    WantsEnterprise,
    WantsPassword,
    WantsPlainPassword,
)

HOME = WifiLogin(b"Home", Security.WPA2, "secret123")
PEM = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n\nTUlJQw==\n-----END CERTIFICATE-----\n"
SENT_PEM = b"-----BEGIN CERTIFICATE-----\r\nTUlJQg==\r\nTUlJQw==\r\n-----END CERTIFICATE-----"
GENERATIONS = [
    ("A", True),
    ("B", True),
    ("B", False),
    ("C", True),
    ("C", False),
    ("D", True),
    ("D", False),
    ("E", False),
]


def told(
    rules: Rules,
    login: WifiLogin = HOME,
    *,
    knows_version: bool | None = None,
    cut: Callable[[], int] = lambda: 4096,
    noise: Callable[[int], bytes] = lambda _count: b"",
) -> tuple[Told, Saved, WifiConsole]:
    clock, saved = FastClock(), Saved()
    console = WifiConsole(clock, dialogue(rules, saved), cut=cut, noise=noise)
    knows = rules.generation not in "AB" if knows_version is None else knows_version
    return WifiDialogue(console, clock, knows_version=knows).tell(login), saved, console


# --- every generation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_range", [True, False], ids=["in range", "out of range"])
@pytest.mark.parametrize(
    ("generation", "core", "security"),
    [
        (generation, core, security)
        for generation, core in GENERATIONS
        for security in list(Security)[:4]
        if generation != "A" or security is Security.WPA2  # firmware of 2013 knows no other
    ],
)
def test_every_generation_saves_every_kind_of_network(
    generation: str, core: bool, security: Security, in_range: bool
) -> None:
    cipher = 0 if core or security < 2 else 1
    scan = {b"Home": (int(security), cipher)} if in_range else {}
    password = "" if security is Security.OPEN else "secret123"
    result, saved, console = told(Rules(generation, core, scan), WifiLogin(b"Home", security, password))
    assert (saved.ssid, saved.security, saved.password) == (b"Home", int(security), password.encode())
    assert result.password_asked == (security is not Security.OPEN)
    assert all(write == b"w" or (write.endswith(b"\n") and write.count(b"\n") == 1) for write in console.writes)
    assert len(console.writes) == 1 + len(console.lines)  # one write for each line, and nothing beside


@pytest.mark.parametrize(("generation", "core"), GENERATIONS)
def test_words_cut_at_every_byte_are_the_same_words(generation: str, core: bool) -> None:
    _, whole, _ = told(Rules(generation, core))
    for size in range(1, 20):
        _, saved, _ = told(Rules(generation, core), cut=partial(int, size))
        assert saved == whole


def test_a_cut_at_each_single_place_changes_nothing() -> None:
    _, whole, console = told(Rules("E", core=False))
    for place in part(range(1, 120), 3, "single"):
        sizes: Iterator[int] = itertools.chain([place], itertools.repeat(4096))
        _, saved, _ = told(Rules("E", core=False), cut=partial(next, sizes))
        assert saved == whole
    assert console.lines[0] == b"Home"


@pytest.mark.parametrize(
    "name", ["SSID: ", "Password: ", "Thanks! Wait", "Derp.", "Spark <3 you!", CIPHERS.decode()[:32]]
)
@pytest.mark.parametrize(("generation", "core"), GENERATIONS)
def test_a_network_may_be_called_what_the_board_says(generation: str, core: bool, name: str) -> None:
    login = WifiLogin(name.encode(), Security.WPA2, "Password: SSID: ")
    _, saved, _ = told(Rules(generation, core), login)
    assert (saved.ssid, saved.password) == (name.encode(), b"Password: SSID: ")


@pytest.mark.parametrize(("generation", "core"), GENERATIONS[1:])
def test_the_longest_names_and_passwords_arrive_whole(generation: str, core: bool) -> None:
    login = WifiLogin("é字😀".encode() * 3 + b"12345", Security.WPA2, "ü" * 32)
    assert len(login.ssid) == 32
    _, saved, _ = told(Rules(generation, core), login)
    assert (saved.ssid, saved.password) == (login.ssid, ("ü" * 32).encode())


def test_the_firmware_of_2013_is_never_sent_a_password_it_would_cut() -> None:
    with pytest.raises(PasswordTooLongForFirmware):
        told(Rules("A"), WifiLogin(b"Home", Security.WPA2, "x" * 33))
    _, saved, _ = told(Rules("A"), WifiLogin(b"Home", Security.WPA2, "x" * 32))
    assert saved.password == b"x" * 32


def test_a_network_that_the_board_finds_open_is_never_sent_a_password() -> None:
    result, saved, console = told(Rules("E", core=False, scan={b"Home": (0, 0)}))
    assert result == Told(security_asked=False, password_asked=False)
    assert saved.security == 0
    assert b"secret123" not in console.got


# --- enterprise -----------------------------------------------------------------------------------------------------


def test_a_sign_in_with_user_name_and_password() -> None:
    sign_in = Enterprise(Eap.PEAP, username="ann@corp", outer="", root=PEM)
    login = WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "s3cret", enterprise=sign_in)
    _, saved, _ = told(Rules("D", core=False), login)
    assert saved.password == b"s3cret"
    assert saved.enterprise == {"eap": b"0", "username": b"ann@corp", "outer": b"", "root": SENT_PEM}


def test_a_sign_in_with_a_certificate_sends_no_empty_line_amid_it() -> None:
    sign_in = Enterprise(Eap.TLS, outer="anon", certificate=PEM, private_key=PEM.replace("\n", "\r\n"), root="")
    login = WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, enterprise=sign_in)
    _, saved, console = told(Rules("E", core=False, scan={b"Corp": (5, 1)}), login, cut=lambda: 3)
    assert saved.enterprise == {"eap": b"1", "certificate": SENT_PEM, "key": SENT_PEM, "outer": b"anon", "root": b""}
    assert b"\r" not in console.got


def test_no_secret_is_in_a_repr() -> None:
    sign_in = Enterprise(Eap.TLS, certificate=PEM, private_key="hush hush", root=PEM)
    shown = repr(WifiLogin(b"Corp", Security.WPA2_ENTERPRISE, "s3cret", enterprise=sign_in))
    assert "s3cret" not in shown
    assert "hush" not in shown


# --- what the board has and the person has not -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "login", "fault"),
    [
        (Rules("E", core=False, scan={b"Home": (3, 1)}), WifiLogin(b"Home", Security.OPEN, ""), WantsPassword),
        (Rules("E", core=False, scan={b"Home": (5, 1)}), HOME, WantsEnterprise),
        (Rules("D", core=True), WifiLogin(b"Home", Security.WPA2_ENTERPRISE, "x"), NotOffered),
        (
            Rules("E", core=False, scan={b"Home": (3, 1)}),
            WifiLogin(b"Home", Security.WPA2_ENTERPRISE, "hunter22", enterprise=Enterprise(Eap.PEAP, "ann")),
            WantsPlainPassword,
        ),
        (Rules("C", core=False, derp=True), HOME, Derp),
    ],
)
def test_what_the_board_finds_otherwise_is_said(rules: Rules, login: WifiLogin, fault: type[Fault]) -> None:
    with pytest.raises(fault) as caught:
        told(rules, login)
    assert "hunter22" not in f"{caught.value!r} {caught.value.cause.english()} {caught.value.next_step.english()}"


def test_without_knowledge_wpa2_is_said_and_open_without_a_password() -> None:
    assert told(Rules("C"), WifiLogin(b"Home", None, "secret123"))[1].security == 3
    assert told(Rules("C"), WifiLogin(b"Home", None, ""))[1].security == 0


def test_the_cipher_chosen_is_the_one_said() -> None:
    login = WifiLogin(b"Home", Security.WPA2, "secret123", Cipher.TKIP)
    assert told(Rules("D", core=False), login)[1].cipher == 2


# --- trouble --------------------------------------------------------------------------------------------------------


def run(script: Script | None, **options: object) -> WifiConsole:
    """Hold a dialogue with a board of one's own; return its side."""
    clock = FastClock()
    console = WifiConsole(clock, script, **options)  # type: ignore[arg-type]
    WifiDialogue(console, clock, knows_version=True).tell(HOME)
    return console


def test_a_board_that_says_nothing_was_asked_once_and_told_nothing() -> None:
    clock = FastClock()
    console = WifiConsole(clock, None)
    with pytest.raises(NoDialogue):
        WifiDialogue(console, clock, knows_version=True).tell(HOME)
    assert console.got == b"w"


def test_a_board_that_never_likes_an_answer_is_left_after_three() -> None:
    def stubborn() -> Script:
        while True:
            yield b"SSID: "
            yield 32

    with pytest.raises(AskedAgain):
        run(stubborn())


def test_a_board_that_falls_silent_amid_the_dialogue_is_given_up() -> None:
    def silent() -> Script:
        yield b"SSID: "
        yield 32
        yield b"Scanning"
        yield 32

    with pytest.raises(DialogueStopped):
        run(silent())


def test_a_board_that_never_stops_printing_is_given_up() -> None:
    def noisy() -> Script:
        yield b"temperature 21\r\n" * 20_000
        yield 1

    with pytest.raises(DialogueNoise):
        run(noisy())


def test_a_question_in_the_middle_of_other_words_is_none() -> None:
    def chatty() -> Script:
        yield b"last SSID: none, Password: none\r\n"
        yield 0.5
        yield b"SSID: "
        yield 0.02  # no pause that a person would call one
        yield b"unknown\r\n"
        yield 1.0
        yield b"SSID: "
        assert (yield 32) == b"Home"
        yield b"Password: "
        assert (yield 64) == b"secret123"
        yield b"    Particle <3 you!\r\n\r\n"

    assert run(chatty()).lines == [b"Home", b"secret123"]


def half_sent(console: WifiConsole) -> bool:
    """Whether the board took a line that is not whole."""
    whole = {b"Home", b"3", b"1", b"secret123"}
    return any(line not in whole for line in console.lines)


@pytest.mark.parametrize("fault", [BoardGone(), BoardSilent()], ids=["gone", "silent"])
def test_a_port_that_goes_at_any_byte_leaves_no_half_password(fault: Fault) -> None:
    ended = 0
    places = sorted(part(range(1, 260), 4, type(fault).__name__))
    for place in itertools.chain(places, itertools.count(260, 9)):  # by then the board has the password
        clock, saved = FastClock(), Saved()
        console = WifiConsole(clock, dialogue(Rules("D", core=False), saved), dies=place, fault=fault)
        try:
            WifiDialogue(console, clock, knows_version=True).tell(HOME)
        except (DialogueLost, DialogueStopped):
            assert not half_sent(console)
            assert saved.password in (b"", b"secret123")
            # Nothing is sent once a write has failed: what the board holds of the line never gets its end.
            assert console.writes[-1].count(b"\n") <= 1
            ended += 1
            continue
        break
    assert ended > len(places) + 10


def test_a_line_that_is_taken_in_part_gets_no_end() -> None:
    for takes in range(2, 40):
        clock, saved = FastClock(), Saved()
        console = WifiConsole(clock, dialogue(Rules("B"), saved), takes=takes, fault=BoardSilent())
        try:
            WifiDialogue(console, clock, knows_version=False).tell(HOME)
        except DialogueStopped:
            assert len(console.got) == takes
            assert not half_sent(console)
        else:
            assert takes > len(b"wHome\n3\nsecret123")


# --- hypothesis -----------------------------------------------------------------------------------------------------

# No line ends, no corrections (5.1): the form lets none of them through.
typable = st.binary(min_size=1, max_size=32).map(lambda raw: bytes(byte for byte in raw if byte >= 32 and byte != 127))
words = st.text(st.characters(min_codepoint=32, blacklist_categories=("Cs", "Cc")), min_size=8, max_size=16)


@settings(max_examples=examples(150), deadline=None)
@given(
    ssid=typable.filter(bool),
    password=words,
    board=st.sampled_from(GENERATIONS),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=30),
    in_range=st.booleans(),
)
def test_any_name_and_password_arrive_however_the_words_are_cut(
    ssid: bytes, password: str, board: tuple[str, bool], sizes: list[int], in_range: bool
) -> None:
    generation, core = board
    pieces = itertools.cycle(sizes)
    scan = {ssid: (3, 0 if core else 1)} if in_range else {}
    knows = generation not in "AB" or len(password.encode()) <= 32
    if generation == "A" and len(password.encode()) > 32:
        return
    login = WifiLogin(ssid, Security.WPA2, password)
    _, saved, _ = told(Rules(generation, core, scan), login, knows_version=knows, cut=lambda: next(pieces))
    assert (saved.ssid, saved.password) == (ssid, password.encode())


@settings(max_examples=examples(150), deadline=None)
@given(
    line=typable,
    garbage=st.lists(st.binary(max_size=3).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"")), max_size=12),
    prompt=st.sampled_from([b"SSID: ", FOUR, SIX, CIPHERS, b"Password: ", b"Username: "]),
)
def test_garbage_amid_the_echo_is_passed_over(line: bytes, garbage: list[bytes], prompt: bytes) -> None:
    reader = PromptReader()
    reader.typed(line)
    pieces = itertools.chain(garbage, itertools.repeat(b""))
    for byte in line:
        reader.feed(next(pieces))
        assert reader.seen() is None
        reader.feed(bytes([byte]))
    reader.feed(next(pieces) + b"\r\n")
    assert not reader.echoing
    reader.feed(b"\x00\xff" + prompt)
    assert isinstance(reader.seen(), Prompt)


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"SSID: ", b"Derp.", SIX, b"\r\n"])), max_size=20))
def test_whatever_comes_the_reader_says_something_or_nothing(pieces: list[bytes]) -> None:
    reader, whole = PromptReader(), PromptReader()
    for piece in pieces:
        reader.feed(piece)
        found = reader.seen()
        assert found is None or isinstance(found, Prompt | Ending)
    whole.feed(b"".join(pieces))
    assert whole.seen() == reader.seen()
    assert whole.offered() <= set(range(10))


def test_a_name_is_shown_with_what_cannot_be_shown_escaped() -> None:
    assert shown_name("Café".encode()) == "Café"
    assert shown_name(b"a\x1b\xff") == "a\\x1b\\xff"
