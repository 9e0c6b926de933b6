"""Tells what a board's light is doing from what a person saw or tapped: likelihoods, and the one question that tells.

Pure. The parts: `light_seen` (what people see in a pattern), `light_taps` (rhythm from taps), `light_telling`
(questions), `light_words` (the same as a line of text).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from app.platforms.lights import PANIC_CODES, PATTERNS, Colour, LightPattern, Rhythm, pattern
from app.platforms.model import Platform
from app.work.light_seen import AGES, Seen, kind_of, likelihood, name_of, rarity
from app.work.light_taps import TapRhythm, rhythm_of
from app.work.light_telling import (
    CALM,
    FLASH,
    FLICKER,
    SHADE,
    UNSURE,
    Telling,
    TellingOption,
    best_question,
    told_likelihood,
)

__all__ = [
    "AGES",
    "MOST_ASKED",
    "UNSURE",
    "Guess",
    "LightReading",
    "Reading",
    "Seen",
    "TapRhythm",
    "Telling",
    "TellingOption",
    "decode",
    "eras_for",
    "kind_of",
    "pointed_at",
    "reading_of",
    "rhythm_of",
    "tapped",
    "with_told",
]


@dataclass(frozen=True, slots=True)
class Guess:
    """One thing the light may say: the pattern, which stands for all that look and mean the same, and 0.0 to 1.0."""

    pattern: LightPattern
    likelihood: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the light may say.

    Attributes:
        guesses: Most likely first; the likelihoods sum up to 1. Empty only when no era is given.
        telling: The one question that would tell best; None when it is clear, or nothing would tell.
        panic: The most likely panic code where the first guess is a panic (9.4), else None.
    """

    guesses: tuple[Guess, ...]
    telling: Telling | None
    panic: int | None


@dataclass(frozen=True, slots=True)
class LightReading:
    """The answer to `TellLight`.

    Attributes:
        guesses: Keys of patterns with their likelihoods, most likely first; empty when the light could not be seen.
        seen: What was said; None when a pattern was pointed at.
    """

    guesses: tuple[tuple[str, float], ...] = ()
    seen: Seen | None = None

    @property
    def could_see(self) -> bool:
        """Whether the light was seen at all."""
        return bool(self.guesses)

    @property
    def best(self) -> str:
        """Key of the most likely pattern, "" when the light could not be seen."""
        return self.guesses[0][0] if self.guesses else ""


MOST_ASKED = 4
"""After so many questions no more is asked."""
_SAID_BY = {
    Rhythm.SOS: frozenset({"sos", "pause"}),
    Rhythm.COUNTED: frozenset({"pause"}),
    Rhythm.BREATHING: frozenset({"soft"}),
}
"""Questions whoever named that rhythm has answered already."""
_FLASHES = (Colour.RED, Colour.ORANGE, Colour.YELLOW, Colour.MAGENTA)
"""Whoever names one of these has seen the flash after the cyan, not the cyan."""


def eras_for(platform: Platform, age: str = "") -> tuple[str, ...]:
    """Return which eras of lights come into question on a board whose firmware is of that age, one of AGES.

    "" for an age that is not known. The boot loader may be older or newer than the firmware, so its eras stay.
    """
    return tuple(era for era in platform.light_eras if not age or era == age or era not in AGES)


def decode(seen: Seen, eras: Collection[str]) -> Reading:
    """Tell what the light may say.

    Args:
        seen: What was seen.
        eras: Which boards and firmware come into question, keys of `lights.ERAS`; see `eras_for`.
    """
    within = frozenset(eras)
    weights = [
        (known, rarity(known, within) * likelihood(seen, known) * told_likelihood(seen.told, known))
        for known in PATTERNS
        if known.era in within
    ]
    whole = sum(weight for _, weight in weights)
    if whole <= 0:
        return Reading((), None, None)
    weighed = sorted(((known, weight / whole) for known, weight in weights), key=lambda each: -each[1])
    # Patterns that say the same in several eras count together; the likeliest of them, or the earliest, speaks for all.
    spoken: dict[str, LightPattern] = {}
    shares: dict[str, float] = {}
    for known, share in weighed:
        name = name_of(known.key)
        spoken.setdefault(name, known)
        shares[name] = shares.get(name, 0.0) + share
    ranked = sorted(shares, key=lambda name: -shares[name])
    return Reading(
        tuple(Guess(spoken[name], shares[name]) for name in ranked),
        best_question(weighed, _unfit(seen)) if len(seen.told) < MOST_ASKED else None,
        PANIC_CODES.get(ranked[0]),
    )


def _unfit(seen: Seen) -> frozenset[str]:
    """Questions that were asked already, or make no sense after what was said."""
    unfit = {key for key, _ in seen.told}
    if seen.colour is None:
        unfit.add(SHADE)  # whoever names no colour is not asked for a finer one
    if seen.colour in _FLASHES:
        unfit.add(FLASH)
    if seen.period_ms is None and seen.rhythm is not None:
        unfit |= _SAID_BY.get(seen.rhythm, frozenset())
    if seen.colour not in (None, *_FLASHES) and dict(seen.told).get(FLASH, CALM) in (CALM, UNSURE):
        unfit.add(FLICKER)  # it asks what comes before a flash
    return frozenset(unfit)


def with_told(seen: Seen, question: str, option: str) -> Seen:
    """Return what was seen with the answer to a telling question; UNSURE is an answer."""
    kept = tuple(each for each in seen.told if each[0] != question)
    return replace(seen, told=(*kept, (question, option)))


def tapped(seen: Seen, taps: TapRhythm) -> Seen:
    """Return what was seen with the rhythm that was tapped in place of the one that was named."""
    return replace(seen, rhythm=taps.rhythm, period_ms=taps.period_ms, count=taps.count)


def reading_of(seen: Seen, eras: Collection[str]) -> LightReading:
    """Return the answer to `TellLight` that follows from what was seen."""
    return LightReading(tuple((each.pattern.key, each.likelihood) for each in decode(seen, eras).guesses), seen)


def pointed_at(key: str) -> LightReading:
    """Return the answer to `TellLight` of somebody who pointed at a pattern; KeyError when there is none."""
    return LightReading(((pattern(key).key, 1.0),))
