"""What a light does as a line of text: `blue slow-blink`, `red sos 8`, a pattern's key, or `unseen`.

More can follow, in any order: `480ms` from one blink to the next, `small-blue=yes` or `no`, and answers to the
questions the decoder asks, for example `flash=red`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from app.platforms.lights import PATTERNS, Colour, Rhythm
from app.text import Text, text
from app.work.light_decoder import LightReading, Seen, pointed_at, reading_of, with_told

UNSEEN = "unseen"
"""The answer of somebody who cannot see the light."""
UNKNOWN = "?"
"""Stands for a colour or rhythm that cannot be told."""

ALMOST_CERTAIN = text("Decoder", "Almost certain")
LIKELY = text("Decoder", "Likely")
POSSIBLE = text("Decoder", "Possible")
UNLIKELY = text("Decoder", "Less likely")

COLOURS = {colour.name.lower(): colour for colour in Colour}
RHYTHMS = {rhythm.value: rhythm for rhythm in Rhythm}

MOST_BLINKS = 99
_SLOWEST_MS = 60_000
_SMALL_BLUE = "small-blue"
_YES_NO = {"yes": True, "no": False}
_KEYS = frozenset(known.key for known in PATTERNS)
_FORM = "a colour and a rhythm, for example `red counted 2`, the key of a light, or `unseen`"


def likely_words(likelihood: float) -> Text:
    """Return how likely something is, in words."""
    if likelihood >= 0.85:
        return ALMOST_CERTAIN
    if likelihood >= 0.5:
        return LIKELY
    return POSSIBLE if likelihood >= 0.1 else UNLIKELY


def parse(given: object, eras: Collection[str]) -> LightReading:
    """Return what a view or a line of text says the light does.

    Args:
        given: A `LightReading` as it is, or text.
        eras: Which boards and firmware come into question.

    Raises:
        ValueError: It is neither; the words say what is wanted.
    """
    if isinstance(given, LightReading):
        return given
    line = str(given).strip().lower()
    if line == UNSEEN:
        return LightReading()
    if line in _KEYS:
        return pointed_at(line)
    return reading_of(parse_seen(line), eras)


def parse_seen(line: str) -> Seen:
    """Return what a line such as `cyan fast-blink`, `? breathing` or `red counted 3` says.

    Raises:
        ValueError: It has another form.
    """
    words = line.strip().lower().split()
    if not words:
        raise ValueError(_FORM)
    colour, *more = words
    if colour != UNKNOWN and colour not in COLOURS:
        raise ValueError(f"{_FORM}; colours: {', '.join(COLOURS)}, {UNKNOWN}")
    seen = Seen(COLOURS.get(colour))
    if more and (more[0] in RHYTHMS or more[0] == UNKNOWN):
        seen = replace(seen, rhythm=RHYTHMS.get(more.pop(0)))
    for word in more:
        seen = _with(seen, word)
    return seen


def _with(seen: Seen, word: str) -> Seen:
    """Return what was seen with one more word.

    Raises:
        ValueError: It is none.
    """
    name, equals, value = word.partition("=")
    if equals and name == _SMALL_BLUE and value in _YES_NO:
        return replace(seen, small_blue=_YES_NO[value])
    if equals and name and name != _SMALL_BLUE:
        return with_told(seen, name, value)
    if (count := _number(word)) is not None and count <= MOST_BLINKS:
        return replace(seen, count=count)
    period = _number(word.removesuffix("ms")) if word.endswith("ms") else None
    if period is not None and 0 < period <= _SLOWEST_MS:
        rhythm = seen.rhythm if seen.rhythm is not None else Rhythm.SLOW_BLINK
        return replace(seen, rhythm=rhythm, period_ms=float(period))
    raise ValueError(f"{_FORM}; rhythms: {', '.join(RHYTHMS)}, {UNKNOWN}; not {word}")


def _number(word: str) -> int | None:
    """Return a whole number that is not negative, None when the word is none; never one so long that it costs time."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= len(str(_SLOWEST_MS)) else None
