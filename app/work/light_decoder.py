"""Tells what a board's light is doing from what a person saw or tapped: likelihoods, and the one question that tells.

Pure. Numbers in brackets are sections of device-protocol.md.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.platforms.lights import Colour, LightPattern, Rhythm, pattern
from app.text import Text

UNSURE = ""
"""The answer to a telling question of somebody who cannot say; the question is not asked again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person says the light does; None stands for what was not said.

    Attributes:
        colour: The colour as the person names it.
        rhythm: The rhythm as the person names it.
        period_ms: From one blink to the next in ms, as tapped.
        count: How many blinks before the pause; after an SOS, how many slow ones follow.
        small_blue: Whether the small blue light glows dimly.
        told: Answers to telling questions: key of the question and of the option, or UNSURE.
    """

    colour: Colour | None = None
    rhythm: Rhythm | None = None
    period_ms: float | None = None
    count: int | None = None
    small_blue: bool | None = None
    told: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """One thing the light may say: the pattern, which stands for all that look and mean the same, and 0.0 to 1.0."""

    pattern: LightPattern
    likelihood: float


@dataclass(frozen=True, slots=True)
class TellingOption:
    """One answer to a telling question; `light` is the key of a pattern to be shown living beside it, "" for none."""

    key: str
    words: Text
    light: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """The question that would tell best: two to four options, and UNSURE always beside them."""

    key: str
    words: Text
    options: tuple[TellingOption, ...]


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
class TapRhythm:
    """What taps look like.

    Attributes:
        rhythm: The rhythm they fit best.
        period_ms: From one blink to the next in ms.
        count: Blinks of a counted pattern, or after an SOS; None for steady blinking.
        too_fast: Whether the taps are as fast as fingers go, so that the light may well be faster.
    """

    rhythm: Rhythm
    period_ms: float
    count: int | None = None
    too_fast: bool = False


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

    def share(self, kinds: Collection[str]) -> float:
        """Return how likely it is one of these kinds (see `kind_of`), 0.0 to 1.0."""
        return sum(likelihood for key, likelihood in self.guesses if kind_of(key) in kinds)


def kind_of(key: str) -> str:
    """Return what a pattern says whatever the era, for example `listening`; `panic` for every panic."""
    era, _, kind = key.partition(".")
    return "panic" if era == "panic" else kind


def decode(seen: Seen, eras: Collection[str]) -> Reading:
    """Tell what the light may say.

    Args:
        seen: What was seen.
        eras: Which boards and firmware come into question, keys of `lights.ERAS`; a platform's `light_eras`.
    """
    raise NotImplementedError


def with_told(seen: Seen, question: str, option: str) -> Seen:
    """Return what was seen with the answer to a telling question; UNSURE is an answer."""
    raise NotImplementedError


def rhythm_of(taps: Sequence[float]) -> TapRhythm | None:
    """Tell the rhythm of taps at these times in seconds, rising; None when there are too few."""
    raise NotImplementedError


def reading_of(seen: Seen, eras: Collection[str]) -> LightReading:
    """Return the answer to `TellLight` that follows from what was seen."""
    return LightReading(tuple((each.pattern.key, each.likelihood) for each in decode(seen, eras).guesses), seen)


def pointed_at(key: str) -> LightReading:
    """Return the answer to `TellLight` of somebody who pointed at a pattern; KeyError when there is none."""
    return LightReading(((pattern(key).key, 1.0),))
