"""The light decoder at the command line: a talk by numbers and taps, and the same in one line without a talk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from app.clock import RealClock
from app.plain import json_line, to_json
from app.platforms.lights import PANIC_CODES, Colour, Rhythm, pattern
from app.platforms.table import PLATFORMS
from app.terminal import DONE, STOPPED, WRONG_USAGE, Terminal
from app.text import Text, text
from app.work.light_decoder import (
    UNSURE,
    Guess,
    LightReading,
    Reading,
    Seen,
    Telling,
    decode,
    eras_for,
    reading_of,
    rhythm_of,
    tapped,
    with_told,
)
from app.work.light_words import COLOURS, RHYTHMS, UNSEEN, likely_words, parse

SHOWN_GUESSES = 3
"""So many things a light may say are printed."""
SHOWN_FROM = 0.03
"""Less likely ones are left out, but for the first."""
_TAP_ENDS = "."
_TAPS = "t"

_WHICH_COLOUR = text("Light", "Which colour is it?")
_WHICH_RHYTHM = text("Light", "How does it move?")
_COLOUR_PROMPT = text("Light", "number; Enter alone: I cannot tell; unseen: I do not see the light > ")
_RHYTHM_PROMPT = text("Light", "number; t: tap along; Enter alone: I cannot tell > ")
_HOW_TO_TAP = text("Light", "Press Enter each time the light comes on, ten times or more; then a dot and Enter.")
_NO_RHYTHM = text("Light", "No rhythm can be heard in these taps. Choose one, or tap once more.")
_HEARD = text("Light", "That sounds like: {rhythm}")
_HEARD_COUNT = text("Light", "That sounds like: {rhythm}; counted: {count}")
_COUNT_PROMPT = text("Light", "How many blinks before the pause? number; Enter alone: I cannot tell > ")
_COUNT_SOS_PROMPT = text("Light", "How many slow blinks after the SOS? number; Enter alone: I cannot tell > ")
_TELL_PROMPT = text("Light", "number; Enter alone: I cannot tell > ")
_A_NUMBER = text("Light", "a number from 1 to {most}")
_HELPS = text("Light", "Helps: rekindle run {key}")
_ONE_QUESTION = text("Light", "This would tell: {question}")
_NOTHING = text("Light", "Without its light nothing can be told of a board.")

COLOUR_WORDS: dict[Colour, Text] = {
    Colour.OFF: text("Light", "no light"),
    Colour.RED: text("Light", "red"),
    Colour.GREEN: text("Light", "green"),
    Colour.BLUE: text("Light", "blue"),
    Colour.YELLOW: text("Light", "yellow"),
    Colour.CYAN: text("Light", "cyan (light blue)"),
    Colour.MAGENTA: text("Light", "magenta (pink)"),
    Colour.WHITE: text("Light", "white"),
    Colour.ORANGE: text("Light", "orange"),
    Colour.GRAY: text("Light", "gray (very dim white)"),
}
RHYTHM_WORDS: dict[Rhythm, Text] = {
    Rhythm.OFF: text("Light", "it is off"),
    Rhythm.SOLID: text("Light", "it does not move"),
    Rhythm.SLOW_BLINK: text("Light", "it blinks slowly, about twice a second"),
    Rhythm.BLINK: text("Light", "it blinks, about five times a second"),
    Rhythm.FAST_BLINK: text("Light", "it flickers, too fast to tap along"),
    Rhythm.BREATHING: text("Light", "it breathes: swells and fades"),
    Rhythm.COUNTED: text("Light", "a few blinks, then a pause"),
    Rhythm.SOS: text("Light", "SOS (three short, three long, three short), then a few slow blinks"),
}
LIGHT_WAYS = (
    ("'red counted 2'", text("Light", "colour, rhythm and count, see rekindle light")),
    (UNSEEN, text("Light", "nobody sees the light")),
)
"""How the question what the light does is answered beforehand."""


def reading_lines(reading: Reading) -> list[str]:
    """Return what the light may say, the most likely first, with advice and what to run."""
    lines = []
    for place, guess in enumerate(reading.guesses[:SHOWN_GUESSES]):
        if place == 0 or guess.likelihood >= SHOWN_FROM:
            lines += _guess_lines(guess)
    return lines


def _guess_lines(guess: Guess) -> list[str]:
    light = guess.pattern
    percent = f"{likely_words(guess.likelihood).english().lower()}, {100 * guess.likelihood:.0f} %"
    lines = [f"{light.name.english()} ({percent})", f"  {light.meaning.english()}", f"  {light.advice.english()}"]
    return [*lines, *([f"  {_HELPS.with_values(key=light.recipe).english()}"] if light.recipe else [])]


class LightTalk:
    """Asks a person at a terminal what the light does, until it is clear or nothing more would tell."""

    def __init__(self, terminal: Terminal, eras: Collection[str], now: Callable[[], float]) -> None:
        """Prepare a talk.

        Args:
            terminal: Where to ask.
            eras: Which boards and firmware come into question.
            now: The time in s, for taps.
        """
        self._terminal = terminal
        self._eras = eras
        self._now = now

    def talk(self) -> LightReading:
        """Return what the light may say.

        Raises:
            EOFError: Nobody is there any more.
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        colours = list(COLOURS.values())
        while True:
            self._list(_WHICH_COLOUR, [COLOUR_WORDS[colour] for colour in colours])
            line = self._terminal.read(_COLOUR_PROMPT.english(), secret=False).strip().lower()
            if line and not line.isdigit() and (line == UNSEEN or line not in COLOURS):
                try:
                    return parse(line, self._eras)  # somebody who knows the words says all at once
                except ValueError as error:
                    self._terminal.aside(str(error))
                    continue
            if line in COLOURS:
                seen = Seen(COLOURS[line])
                break
            number = self._number(line, len(colours))
            if number is not None:
                seen = Seen(colours[number - 1] if number else None)
                break
        seen = self._rhythm(seen)
        printed: list[str] = []
        while True:
            reading = decode(seen, self._eras)
            if reading.telling is None:
                return reading_of(seen, self._eras)
            lines = reading_lines(reading)
            if lines != printed:  # an answer that tells nothing changes nothing
                printed = lines
                for words in lines:
                    self._terminal.aside(words)
            seen = with_told(seen, reading.telling.key, self._tell(reading.telling))

    def _rhythm(self, seen: Seen) -> Seen:
        if seen.colour is Colour.OFF:
            return replace(seen, rhythm=Rhythm.OFF)
        rhythms = list(RHYTHMS.values())
        while True:
            self._list(_WHICH_RHYTHM, [RHYTHM_WORDS[rhythm] for rhythm in rhythms])
            line = self._terminal.read(_RHYTHM_PROMPT.english(), secret=False).strip().lower()
            if line == _TAPS:
                heard = rhythm_of(self._taps())
                if heard is None:
                    self._terminal.aside(_NO_RHYTHM.english())
                    continue
                words = _HEARD if heard.count is None else _HEARD_COUNT.with_values(count=heard.count)
                self._terminal.aside(words.with_values(rhythm=RHYTHM_WORDS[heard.rhythm]).english())
                return tapped(seen, heard)
            if line in RHYTHMS:  # the words of the command line are understood here, too
                seen = replace(seen, rhythm=RHYTHMS[line])
            else:
                number = self._number(line, len(rhythms))
                if number is None:
                    continue
                if number == 0:
                    return seen
                seen = replace(seen, rhythm=rhythms[number - 1])
            return self._counted(seen) if seen.rhythm in (Rhythm.COUNTED, Rhythm.SOS) else seen

    def _taps(self) -> list[float]:
        self._terminal.aside(_HOW_TO_TAP.english())
        taps: list[float] = []
        while self._terminal.read("", secret=False).strip() != _TAP_ENDS:
            taps.append(self._now())
        return taps

    def _counted(self, seen: Seen) -> Seen:
        prompt = _COUNT_SOS_PROMPT if seen.rhythm is Rhythm.SOS else _COUNT_PROMPT
        while True:
            number = self._number(self._terminal.read(prompt.english(), secret=False).strip(), 99)
            if number is not None:
                return replace(seen, count=number or None)

    def _tell(self, telling: Telling) -> str:
        while True:
            self._list(telling.words, [option.words for option in telling.options])
            line = self._terminal.read(_TELL_PROMPT.english(), secret=False).strip()
            number = self._number(line, len(telling.options))
            if number is not None:
                return telling.options[number - 1].key if number else UNSURE

    def _list(self, title: Text, rows: Sequence[Text]) -> None:
        self._terminal.aside(title.english())
        for number, words in enumerate(rows, start=1):
            self._terminal.aside(f"  {number}. {words.english()}")

    def _number(self, line: str, most: int) -> int | None:
        """Return the number given, 0 for none; None after saying what is wanted."""
        if not line:
            return 0
        if line.isascii() and line.isdigit() and len(line) <= len(str(most)) and 1 <= int(line) <= most:
            return int(line)
        self._terminal.aside(_A_NUMBER.with_values(most=most).english())
        return None


def tell_light(
    words: Sequence[str], terminal: Terminal, *, board: str | None, age: str, as_json: bool, now: Callable[[], float]
) -> int:
    """Tell what a light does, without a board; return the exit code.

    Args:
        words: What it does, see `light_words`; none to be asked.
        terminal: Where to print and ask.
        board: Key of the kind of board; None for any.
        age: Age of the firmware, one of `light_decoder.AGES`; "" when it is not known.
        as_json: Whether to print one JSON object.
        now: The time in s, for taps.
    """
    kinds = [each for each in PLATFORMS if board in (None, each.key) and (not age or age in each.light_eras)]
    if not kinds:
        terminal.aside(f"rekindle: {board} has no firmware of {age}")
        return WRONG_USAGE
    eras = tuple(dict.fromkeys(era for kind in kinds for era in eras_for(kind, age)))
    line = " ".join(words)
    if not line and not terminal.has_person:
        terminal.aside(f"rekindle: say what the light does: {', '.join(COLOURS)}; then {', '.join(RHYTHMS)}")
        return WRONG_USAGE
    try:
        told = parse(line, eras) if line else LightTalk(terminal, eras, now).talk()
    except ValueError as error:
        terminal.aside(f"rekindle: {error}")
        return WRONG_USAGE
    except (EOFError, KeyboardInterrupt):
        return STOPPED
    reading = decode(told.seen, eras) if told.seen is not None else _pointed(told)
    if as_json:
        terminal.say(json_line({"light": _plain(reading)}))
        return DONE
    if not reading.guesses:
        terminal.say(_NOTHING.english())
    for each in reading_lines(reading):
        terminal.say(each)
    if reading.telling is not None and line:
        terminal.say(_ONE_QUESTION.with_values(question=reading.telling.words).english())
        for option in reading.telling.options:
            terminal.say(f"  {reading.telling.key}={option.key}: {option.words.english()}")
    return DONE


def _pointed(told: LightReading) -> Reading:
    """The reading of somebody who pointed at a light by its key, or sees none."""
    guesses = tuple(Guess(pattern(key), likelihood) for key, likelihood in told.guesses)
    return Reading(guesses, None, PANIC_CODES.get(told.best))


def _plain(reading: Reading) -> dict[str, object]:
    guesses = [
        {
            "key": guess.pattern.key,
            "likelihood": round(guess.likelihood, 4),
            "name": guess.pattern.name.english(),
            "meaning": guess.pattern.meaning.english(),
            "advice": guess.pattern.advice.english(),
            "recipe": guess.pattern.recipe,
        }
        for guess in reading.guesses
    ]
    return {"guesses": guesses, "telling": to_json(reading.telling), "panic": reading.panic}


def ask_light(terminal: Terminal, eras: Collection[str]) -> LightReading:
    """Ask a person during a run; raises what `LightTalk.talk` raises."""
    return LightTalk(terminal, eras, RealClock().now).talk()
