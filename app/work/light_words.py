"""What a light does as a line of text: `blue slow-blink`, `red sos 8`, a pattern's key, or `unseen`."""

from __future__ import annotations

from collections.abc import Collection

from app.platforms.lights import PATTERNS, Colour, Rhythm
from app.work.light_decoder import LightReading, Seen, pointed_at, reading_of

UNSEEN = "unseen"
"""The answer of somebody who cannot see the light."""
UNKNOWN = "?"
"""Stands for a colour or rhythm that cannot be told."""

COLOURS = {colour.name.lower(): colour for colour in Colour}
RHYTHMS = {rhythm.value: rhythm for rhythm in Rhythm}

_KEYS = frozenset(known.key for known in PATTERNS)
_FORM = "a colour and a rhythm, for example `red counted 2`, the key of a light, or `unseen`"


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
    colour_word, _, rest = line.strip().lower().partition(" ")
    rhythm_word, _, count_word = rest.strip().partition(" ")
    if colour_word != UNKNOWN and colour_word not in COLOURS:
        raise ValueError(f"{_FORM}; colours: {', '.join(COLOURS)}, {UNKNOWN}")
    if rhythm_word not in ("", UNKNOWN) and rhythm_word not in RHYTHMS:
        raise ValueError(f"{_FORM}; rhythms: {', '.join(RHYTHMS)}, {UNKNOWN}")
    count_word = count_word.strip()
    if count_word and not (count_word.isascii() and count_word.isdigit()):
        raise ValueError(f"{_FORM}; the count is a number")
    return Seen(COLOURS.get(colour_word), RHYTHMS.get(rhythm_word), count=int(count_word) if count_word else None)
