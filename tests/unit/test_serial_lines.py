"""Lines of a serial port: cut anywhere, kept within bounds, and handed on without a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import log
from app.text import Text, text
from app.work.serial_lines import (
    KEPT_LINES,
    LONGEST_LINE,
    MASK,
    Kind,
    Transcript,
    handed_on,
    hexed,
    readable,
    shown,
)

PASSWORD = b"correct horse"
KEY_LINES = (b"-----BEGIN RSA PRIVATE KEY-----", b"MIIEpAIBAAKCAQEA", b"-----END RSA PRIVATE KEY-----")


def say(words: Text) -> str:
    return words.english()


def saved(transcript: Transcript) -> str:
    lines = transcript.since(0).lines
    return "\n".join(handed_on(transcript, lines, stamps=False, as_hex=False, say=say))


def feed(transcript: Transcript, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        transcript.came(data[start : start + size])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"plain\r\n", "plain"),
        (b"plain\n", "plain"),
        (b"caf\xc3\xa9\n", "café"),
        (b"odd \xff\xfe byte", "odd \\xff\\xfe byte"),
        (b"bell \x07, escape \x1b[0m", "bell \\x07, escape \\x1b[0m"),
        (b"tab\there", "tab\there"),
        (b"a\rb\n", "a\\x0db"),
        ("line\u2028end".encode(), "line\\u{2028}end"),
        (b"nul\x00", "nul\\x00"),
        (b"", ""),
    ],
)
def test_bytes_that_cannot_be_read_are_seen(data: bytes, words: str) -> None:
    assert readable(data) == words


def test_hex_digits_show_every_byte_line_ends_too() -> None:
    assert hexed(b"A\xff\r\n") == "41 ff 0d 0a  |A...|"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_however_they_are_cut(size: int) -> None:
    transcript = Transcript()
    feed(transcript, b"one\r\ntwo\n\r\nthree", size)
    assert [line.data for line in transcript.since(0).lines] == [b"one\r\n", b"two\n", b"\r\n", b"three"]


def test_a_line_under_way_is_shown_and_goes_on_under_its_number() -> None:
    transcript = Transcript()
    transcript.came(b"one\nSSI")
    (_, begun) = transcript.since(0).lines
    transcript.came(b"D: ")
    (more,) = transcript.since(begun.number).lines
    assert (begun.number, begun.data, begun.ended) == (1, b"SSI", False)
    assert (more.number, more.data) == (1, b"SSID: ")


def test_what_is_sent_ends_the_line_under_way() -> None:
    transcript = Transcript()
    transcript.came(b"SSID: ")
    transcript.sent(b"home\n")
    transcript.came(b"home\r\n")
    assert [(line.kind, line.data) for line in transcript.since(0).lines] == [
        (Kind.BOARD, b"SSID: "),
        (Kind.SENT, b"home\n"),
        (Kind.BOARD, b"home\r\n"),
    ]


def test_a_flood_keeps_the_newest_lines_and_says_how_many_are_lost() -> None:
    transcript = Transcript()
    transcript.came(b"".join(b"%d\n" % number for number in range(KEPT_LINES + 30)))
    batch = transcript.since(0)
    assert (len(batch.lines), batch.missed, transcript.lost) == (KEPT_LINES, 30, 30)
    assert batch.lines[-1].data == b"%d\n" % (KEPT_LINES + 29)
    assert transcript.since(KEPT_LINES + 28).missed == 0


def test_a_line_that_never_ends_is_cut_and_stays_within_bounds() -> None:
    transcript = Transcript()
    feed(transcript, b"x" * (LONGEST_LINE * 3 + 5), 100)
    assert [len(line.data) for line in transcript.since(0).lines] == [LONGEST_LINE] * 3 + [5]


def test_clear_drops_the_lines_and_never_uses_a_number_twice() -> None:
    transcript = Transcript()
    transcript.came(b"one\ntwo\nthr")
    transcript.clear()
    transcript.came(b"ee\n")
    (line,) = transcript.since(0).lines
    assert (line.number, transcript.cleared, transcript.lost, transcript.since(0).missed) == (3, 3, 0, 0)


def test_news_come_once_until_somebody_has_looked() -> None:
    transcript = Transcript()
    assert transcript.to_be_told() is None
    transcript.came(b"one\n")
    assert transcript.to_be_told() is not None
    transcript.came(b"two\n")
    assert transcript.to_be_told() is None
    transcript.since(0)
    assert transcript.to_be_told() is not None
    transcript.since(0)
    assert transcript.to_be_told() is None
    assert transcript.told_anew() == 3


def test_a_line_of_a_flood_cannot_be_told_from_its_repr() -> None:
    transcript = Transcript()
    transcript.came(b"Password: ")
    transcript.sent(PASSWORD + b"\n")
    assert PASSWORD.decode() not in repr(transcript.since(0))


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "prompt",
    [
        b"Password: ",
        b"Enter 63-digit claim code: ",
        b"PASSWORD:",
        b"passphrase for home: ",
        b"Private key in PEM format:\r\n",
    ],
)
def test_an_answer_to_a_question_for_a_secret_is_masked_in_what_is_handed_on(prompt: bytes, size: int) -> None:
    transcript = Transcript()
    feed(transcript, b"SSID: home\r\n" + prompt, size)
    transcript.sent(PASSWORD + b"\n")
    feed(transcript, PASSWORD + b"\r\n", size)
    told = saved(transcript)
    assert PASSWORD.decode() not in told
    assert told.count(MASK) == 2
    assert "SSID: home" in told
    assert PASSWORD.decode() in transcript.since(0).lines[-1].text()  # on the screen it is as it was typed
    assert PASSWORD.decode() not in log.redact(f"echo {PASSWORD.decode()}")


def test_the_line_after_a_password_is_plain_again() -> None:
    transcript = Transcript()
    transcript.came(b"Password: ")
    transcript.sent(PASSWORD + b"\n")
    transcript.came(PASSWORD + b"\r\nThanks! Wait while I save those credentials...\r\n")
    assert saved(transcript).endswith("< Thanks! Wait while I save those credentials...")


def test_an_enterprise_key_is_masked_to_its_end_and_what_follows_is_not() -> None:
    transcript = Transcript()
    transcript.came(b"Client certificate in PEM format:\r\n")
    transcript.sent(b"-----BEGIN CERTIFICATE-----\n")
    transcript.came(b"-----BEGIN CERTIFICATE-----\r\nPrivate key in PEM format:\r\n")
    for line in KEY_LINES:
        transcript.sent(line + b"\n")
        transcript.came(line + b"\r\n")
    transcript.sent(b"\n")
    transcript.came(b"\r\nOuter identity (optional): ")
    transcript.sent(b"anonymous\n")
    assert saved(transcript).endswith("> anonymous")
    transcript.came(b"anonymous\r\n")
    told = saved(transcript)
    assert not [line for line in KEY_LINES if line.decode() in told]
    assert "BEGIN CERTIFICATE" in told
    assert "anonymous" in told


def test_a_key_without_its_last_line_is_masked_up_to_the_next_question() -> None:
    transcript = Transcript()
    transcript.came(b"Private key in PEM format:\r\n")
    transcript.sent(b"MIIBVAIBADANBgkq\n")
    transcript.came(b"MIIBVAIBADANBgkq\r\n\r\nOuter identity (optional): ")
    transcript.sent(b"anonymous\n")
    assert "MIIBVA" not in saved(transcript)
    assert saved(transcript).endswith("> anonymous")


def test_a_device_secret_that_the_board_tells_is_masked() -> None:
    transcript = Transcript()
    transcript.came(b"Device ID: 0123456789abcdef01234567\r\nDevice Secret: ABCDEFGHIJKLMNO\r\nSerial Number: 1\r\n")
    told = saved(transcript)
    assert "ABCDEFGHIJKLMNO" not in told
    assert f"Device Secret: {MASK}" in told
    assert "Serial Number: 1" in told


def test_a_password_said_again_later_is_masked_there_too() -> None:
    transcript = Transcript()
    transcript.came(b"Password: ")
    transcript.sent(PASSWORD + b"\n")
    transcript.came(PASSWORD + b"\r\nmy program knows: " + PASSWORD + b" indeed\r\n")
    assert f"my program knows: {MASK} indeed" in saved(transcript)


def test_a_prompt_alone_hides_nothing_and_an_empty_answer_neither() -> None:
    transcript = Transcript()
    transcript.came(b"Password: ")
    assert saved(transcript) == "< Password: "


def test_a_restart_of_the_board_ends_what_it_asked_for() -> None:
    transcript = Transcript()
    transcript.opened(7)
    transcript.came(b"Password: ")
    transcript.opened(8)
    transcript.sent(b"hello\n")
    transcript.came(b"hello yourself\n")
    assert saved(transcript).endswith("> hello\n< hello yourself")


def test_a_port_opened_again_is_still_asked_for_what_it_was() -> None:
    transcript = Transcript()
    transcript.opened(7)
    transcript.came(b"Password: ")
    transcript.opened(7)
    transcript.sent(PASSWORD + b"\n")
    transcript.came(PASSWORD + b"\r\n")
    assert PASSWORD.decode() not in saved(transcript)


def test_hex_digits_hand_on_no_secret_either() -> None:
    transcript = Transcript()
    transcript.came(b"Password: ")
    transcript.sent(PASSWORD + b"\n")
    lines = transcript.since(0).lines
    told = "\n".join(handed_on(transcript, lines, stamps=True, as_hex=True, say=say))
    assert PASSWORD.hex(" ") not in told
    assert PASSWORD.hex(" ") in shown(lines[1], stamps=False, as_hex=True)


def test_notes_are_said_in_the_language_of_the_person() -> None:
    transcript = Transcript()
    transcript.note(text("Test", "The port was closed."))
    lines = transcript.since(0).lines
    told = handed_on(transcript, lines, stamps=False, as_hex=False, say=lambda words: words.english().upper())
    assert told == ["- THE PORT WAS CLOSED."]


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_whatever_comes_all_bytes_are_there_once_and_in_order(pieces: list[bytes]) -> None:
    transcript = Transcript()
    for piece in pieces:
        transcript.came(piece)
    lines = transcript.since(0).lines
    assert b"".join(line.data for line in lines) == b"".join(pieces)
    assert [line.number for line in lines] == list(range(len(lines)))
    assert all("\n" not in line.text() and "\r" not in line.text() for line in lines)


@given(
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="*"), min_size=8, max_size=40),
    st.lists(st.integers(1, 5), min_size=1, max_size=200),
)
def test_however_prompt_and_echo_are_cut_the_password_is_masked(password: str, cuts: list[int]) -> None:
    if password in "Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: Password: Thanks! Wait":
        return
    transcript = Transcript()

    def feed_cut(data: bytes) -> None:
        start = 0
        while start < len(data):
            size = cuts[start % len(cuts)]
            transcript.came(data[start : start + size])
            start += size

    feed_cut(b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: 3\r\nPassword: ")
    transcript.sent(password.encode() + b"\n")
    feed_cut(password.encode() + b"\r\nThanks! Wait\r\n")
    told = saved(transcript)
    assert password not in told
    assert told.endswith("< Thanks! Wait")
