"""The prompt reader and the dialogue against boards that ask in any order, at any pace, or talk nonsense."""

from __future__ import annotations

import itertools

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.clock import FastClock
from support.every import examples
from support.wifi_console import CIPHERS, DERP, FOUR, LOVE, SIX, WEP, Script, WifiConsole

from app.faults import Fault
from app.protocols.wifi import Cipher, Eap, Enterprise, Security, WifiLogin
from app.protocols.wifi_dialogue import WifiDialogue
from app.transports.base import Closes

PEM = "-----BEGIN X-----\nQUJD\n-----END X-----\n"
PASSWORD = "käse ist gut"
LOGIN = WifiLogin(
    "Büro 家".encode(),
    Security.WPA2_ENTERPRISE,
    PASSWORD,
    Cipher.TKIP,
    enterprise=Enterprise(Eap.PEAP, "ann", "nobody", certificate=PEM, private_key=PEM, root=PEM),
)
# What each question must be answered with; those in PEM take several lines.
RIGHT = {
    b"SSID: ": LOGIN.ssid,
    SIX: b"5",
    CIPHERS: b"2",
    b"EAP Type 0=PEAP/MSCHAPv2, 1=EAP-TLS: ": b"0",
    b"Username: ": b"ann",
    b"Password: ": PASSWORD.encode(),
    b"Outer identity (optional): ": b"nobody",
}
SAVED = b"    Particle <3 you!\r\n\r\n"
# A password is said to an enterprise network only after the user name was asked for.
SIGN_IN = b"Username: "


@settings(max_examples=examples(120), deadline=None)
@given(
    questions=st.lists(st.sampled_from(sorted(set(RIGHT) - {SIGN_IN})), max_size=9),
    silences=st.lists(st.floats(0.0, 4.0), min_size=1, max_size=9),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=9),
    wep=st.booleans(),
)
def test_questions_in_any_order_at_any_pace_are_each_answered_rightly(
    questions: list[bytes], silences: list[float], sizes: list[int], wep: bool
) -> None:
    order = [SIGN_IN, *(each for each in questions if questions.count(each) <= 3)]
    gaps, pieces = itertools.cycle(silences), itertools.cycle(sizes)

    def board() -> Script:
        for question in order:
            if wep:
                yield WEP
            yield next(gaps)
            yield question
            assert (yield 64) == RIGHT[question], question
        yield b"Thanks! Wait while I save those credentials...\r\n\r\n"
        yield next(gaps)
        yield SAVED

    clock = FastClock()
    console = WifiConsole(clock, board(), cut=lambda: next(pieces))
    WifiDialogue(console, clock, knows_version=True).tell(LOGIN)
    assert console.lines == [RIGHT[each] for each in order]


class Babbler(Closes):
    """Says the next of its words whenever it is told something, after an echo that is whole, cut, or none."""

    def __init__(self, clock: FastClock, words: list[tuple[bytes, int]]) -> None:
        self._clock = clock
        self._words = iter(words)
        self._out = bytearray()
        self.told: list[tuple[bytes, bytes]] = []  # what was said since the last line, the line
        self._said = bytearray()

    def write(self, data: bytes, timeout_ms: int) -> None:
        self.told.append((bytes(self._said + self._out), data))  # what was not read yet, too
        self._said.clear()
        words, echo = next(self._words, (b"", 0))
        line = data.rstrip(b"\n") if data != b"w" else b""
        whole = line + (b"\r\n" if data != b"w" else b"")
        self._out += whole[: len(whole) - echo] + words

    def read(self, timeout_ms: int) -> bytes:
        found = bytes(self._out[:1])
        del self._out[:1]
        self._said += found
        self._clock.pause(0.001 if found else timeout_ms / 1000)
        return found

    def set_baud(self, baud: int) -> None:
        raise AssertionError("a console never changes the baud rate")

    def close(self) -> None:
        """Nothing to let go."""


NONSENSE = st.one_of(
    st.sampled_from(
        [*RIGHT, FOUR, DERP, LOVE % b"Spark", b"Thanks! Wait", b"\r\n", b"SSID: \r\n", b"Password: none set\r\n"]
    ),
    st.binary(max_size=12),
)


@settings(max_examples=examples(200), deadline=None)
@example([(b"Password: none set\r\n", 0)])
@given(st.lists(st.tuples(NONSENSE, st.sampled_from([0, 0, 0, 1, 2, 5])), max_size=12))
def test_a_password_goes_nowhere_but_to_the_question_for_it(words: list[tuple[bytes, int]]) -> None:
    clock = FastClock()
    board = Babbler(clock, [(b"SSID: ", 0), (b"Username: ", 0), *words])
    ended = ""
    try:
        WifiDialogue(board, clock, knows_version=True).tell(LOGIN)
    except Fault as fault:
        ended = f"{fault!r} {fault.detail} {fault.cause.english()} {fault.next_step.english()}"
    assert PASSWORD not in ended
    for said, line in board.told:
        if PASSWORD.encode()[:4] in line:
            assert line == PASSWORD.encode() + b"\n"
            assert said.endswith(b"Password: ")
        assert line == b"w" or line.count(b"\n") == 1
