"""The light decoder as text: one line without a talk, a talk by numbers and taps, and the answer to `TellLight`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from app.console_light import COLOUR_WORDS, RHYTHM_WORDS, LightTalk, tell_light
from app.plain import to_json
from app.platforms.lights import PATTERNS, Colour, Rhythm
from app.platforms.table import platform
from app.terminal import DONE, STOPPED, WRONG_USAGE, Terminal
from app.text import text
from app.work.light_decoder import LightReading, Seen, kind_of, pointed_at
from app.work.light_words import COLOURS, RHYTHMS, parse_seen
from app.work.questions import TellLight, parse_answer

WORDS = text("Test", "Words")
CORE = platform("core").light_eras
QUESTION = TellLight("light", WORDS, WORDS, platform("core"))


class Person(io.StringIO):
    """Somebody at a terminal; it is what they type."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def clock(*times: float) -> Iterator[float]:
    return iter(times)


def talk(lines: str, *taps: float) -> tuple[LightReading, str]:
    asides = io.StringIO()
    times = clock(*taps)
    terminal = Terminal(Person(lines), io.StringIO(), asides)
    return LightTalk(terminal, CORE, lambda: next(times)).talk(), asides.getvalue()


def number(words: list[str], key: str) -> int:
    return words.index(key) + 1


CYAN = number(list(COLOURS), "cyan")
RED = number(list(COLOURS), "red")
BLUE = number(list(COLOURS), "blue")
OFF = number(list(COLOURS), "off")
BLINK = number(list(RHYTHMS), "blink")
SOS = number(list(RHYTHMS), "sos")


def tell(*words: str, lines: str | None = None, as_json: bool = False) -> tuple[int, str, str]:
    news, asides = io.StringIO(), io.StringIO()
    terminal = Terminal(io.StringIO() if lines is None else Person(lines), news, asides)
    code = tell_light(words, terminal, board="core", age="", as_json=as_json, now=lambda: 0.0)
    return code, news.getvalue(), asides.getvalue()


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("blue slow-blink", Seen(Colour.BLUE, Rhythm.SLOW_BLINK)),
        (" RED  SOS 8 ", Seen(Colour.RED, Rhythm.SOS, count=8)),
        ("? breathing", Seen(None, Rhythm.BREATHING)),
        ("cyan", Seen(Colour.CYAN)),
        ("cyan ?", Seen(Colour.CYAN)),
        ("green slow-blink 480ms", Seen(Colour.GREEN, Rhythm.SLOW_BLINK, 480.0)),
        ("off off small-blue=no", Seen(Colour.OFF, Rhythm.OFF, small_blue=False)),
        ("cyan blink flash=red", Seen(Colour.CYAN, Rhythm.BLINK, told=(("flash", "red"),))),
    ],
)
def test_a_line_says_what_was_seen(line: str, seen: Seen) -> None:
    assert parse_seen(line) == seen


@pytest.mark.parametrize(
    "line", ["", "pink blink", "red jumping", "red counted two", "red counted 100", "red 0ms", "red small-blue=red"]
)
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_answer(QUESTION, line)


def test_an_answer_given_beforehand_is_a_key_or_words_or_unseen() -> None:
    assert parse_answer(QUESTION, "unseen") == LightReading()
    assert parse_answer(QUESTION, "core-2014.listening") == pointed_at("core-2014.listening")
    worded = parse_answer(QUESTION, "blue slow-blink")
    assert isinstance(worded, LightReading)
    assert kind_of(worded.best) == "listening"
    assert parse_answer(QUESTION, worded) is worded
    narrow = TellLight("light", WORDS, WORDS, platform("core"), ("from-0.7",))
    only = parse_answer(narrow, "blue slow-blink")
    assert isinstance(only, LightReading)
    assert all(key.startswith("from-0.7.") for key, _ in only.guesses)


def test_every_colour_and_rhythm_has_a_word() -> None:
    assert set(COLOUR_WORDS) == set(Colour)
    assert set(RHYTHM_WORDS) == set(Rhythm)


def test_the_question_is_plain_data_for_programs() -> None:
    plain = to_json(QUESTION)
    assert isinstance(plain, dict)
    assert (plain["kind"], plain["name"], plain["platform"]) == ("TellLight", "light", "core")


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_line_without_a_talk_prints_meaning_advice_job_and_the_question_that_tells() -> None:
    code, news, _ = tell("cyan", "blink")
    assert code == DONE
    assert "connecting to its cloud server" in news
    assert "rekindle run deep-update" in news
    assert "flash=red: Yes, red" in news


def test_its_answer_is_one_more_word() -> None:
    code, news, _ = tell("cyan", "blink", "flash=red", as_json=True)
    assert code == DONE
    light = json.loads(news)["light"]
    assert light["guesses"][0]["key"] == "special-core.cyan-red"
    assert sum(each["likelihood"] for each in light["guesses"]) == pytest.approx(1, abs=0.01)
    assert light["panic"] is None


@pytest.mark.parametrize("known", [PATTERNS[0], PATTERNS[-1]], ids=lambda known: known.key)
def test_the_key_of_a_light_says_what_it_means(known: object) -> None:
    key = getattr(known, "key", "")
    code, news, _ = tell(key)
    assert code == DONE
    assert news.count("%") == 1


def test_wrong_words_and_nobody_to_ask_are_wrong_usage() -> None:
    assert tell("pink")[0] == WRONG_USAGE
    code, _, asides = tell()
    assert code == WRONG_USAGE
    assert "slow-blink" in asides


def test_an_age_the_board_never_had_is_wrong_usage() -> None:
    terminal = Terminal(io.StringIO(), io.StringIO(), io.StringIO())
    code = tell_light(["red"], terminal, board="photon", age="core-2014", as_json=False, now=lambda: 0.0)
    assert code == WRONG_USAGE


def test_a_talk_that_breaks_off_is_stopped() -> None:
    assert tell(lines=f"{CYAN}\n")[0] == STOPPED


def test_a_light_nobody_sees_tells_nothing() -> None:
    code, news, _ = tell(lines="unseen\n")
    assert code == DONE
    assert "nothing can be told" in news


# --- the talk --------------------------------------------------------------------------------------------------------


def test_a_talk_by_numbers_asks_the_question_that_tells() -> None:
    reading, said = talk(f"{CYAN}\n{BLINK}\n2\n" + "\n" * 14)
    assert kind_of(reading.best) == "cyan-red"
    assert "Does another colour flash" in said


def test_words_do_where_a_number_is_asked_for() -> None:
    reading, said = talk("blue\nslow-blink\n" + "\n" * 14)
    assert reading.seen is not None
    assert (reading.seen.colour, reading.seen.rhythm) == (Colour.BLUE, Rhythm.SLOW_BLINK)
    assert "a number from" not in said


def test_a_number_that_is_none_is_asked_for_again() -> None:
    reading, said = talk(f"99\n{BLUE}\nx\n3\n" + "\n" * 14)
    assert reading.seen is not None
    assert (reading.seen.colour, reading.seen.rhythm) == (Colour.BLUE, Rhythm.SLOW_BLINK)
    assert "a number from 1 to" in said


def test_a_panic_is_counted_in_the_talk() -> None:
    reading, _ = talk(f"{RED}\n{SOS}\n8\n" + "\n" * 14)
    assert reading.best == "panic.out-of-heap"


def test_a_dark_light_is_not_asked_how_it_moves() -> None:
    reading, _ = talk(f"{OFF}\n1\n" + "\n" * 14)
    assert kind_of(reading.best) == "no-firmware"


def test_taps_are_timed_and_heard() -> None:
    taps = [number * 0.5 for number in range(10)]
    reading, said = talk(f"{BLUE}\nt\n" + "\n" * 10 + ".\n" + "\n" * 14, *taps)
    assert kind_of(reading.best) == "listening"
    assert "That sounds like: it blinks slowly" in said


def test_taps_without_a_rhythm_can_be_tapped_again() -> None:
    taps = [0.0, *(number * 0.5 for number in range(10))]
    reading, said = talk(f"{BLUE}\nt\n\n.\nt\n" + "\n" * 10 + ".\n" + "\n" * 14, *taps)
    assert kind_of(reading.best) == "listening"
    assert "No rhythm" in said


def test_who_knows_the_words_says_all_at_once() -> None:
    reading, _ = talk("red counted 3\n")
    assert kind_of(reading.best) == "no-cloud"
    assert talk("nonsense\nunseen\n")[0] == LightReading()


def test_guesses_are_printed_again_only_when_an_answer_changed_them() -> None:
    _, said = talk(f"{CYAN}\n{BLINK}\n" + "\n" * 14)
    assert said.count("Blinking cyan (") == 1
