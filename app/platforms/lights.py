"""What the light says: every pattern of the boards' main LED, with its true colour and rhythm.

Source: device-protocol.md 9, and for the special cases the user's support page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.text import Text


@unique
class Colour(Enum):
    """LED colours as 0xRRGGBB before brightness (device-protocol.md 9)."""

    OFF = 0x000000
    RED = 0xFF0000
    GREEN = 0x00FF00
    BLUE = 0x0000FF
    YELLOW = 0xFFFF00
    CYAN = 0x00FFFF
    MAGENTA = 0xFF00FF
    WHITE = 0xFFFFFF
    ORANGE = 0xFF6000
    GRAY = 0x1F1F1F


@unique
class Rhythm(Enum):
    """How the light moves, in the words a person would use."""

    OFF = "off"
    SOLID = "solid"
    SLOW_BLINK = "slow-blink"  # period 500 ms and more
    BLINK = "blink"  # period 200 ms
    FAST_BLINK = "fast-blink"  # period 100 ms
    BREATHING = "breathing"
    COUNTED = "counted"  # n blinks, then a pause
    SOS = "sos"  # panic


@dataclass(frozen=True, slots=True)
class Frame:
    """One stretch of a pattern: colour, length in ms, and brightness at its start and end (0.0 to 1.0)."""

    colour: Colour
    ms: int
    start: float = 1.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class LightPattern:
    """One thing the light can say.

    Attributes:
        key: Stable name, for example `core-2014.listening`.
        era: Which boards and firmware show it, a key of ERAS.
        colour: The colour a person would name.
        rhythm: The rhythm a person would name.
        name: Colour and rhythm in words.
        meaning: What the board is doing.
        advice: What to do.
        frames: One period; it repeats.
        recipe: Key of the recipe that helps, "" for none.
        source: Section of the specification.
    """

    key: str
    era: str
    colour: Colour
    rhythm: Rhythm
    name: Text
    meaning: Text
    advice: Text
    frames: tuple[Frame, ...]
    recipe: str
    source: str

    @property
    def period_ms(self) -> int:
        """Length of one period in ms."""
        return sum(frame.ms for frame in self.frames)

    def at(self, ms: float) -> tuple[Colour, float]:
        """Return colour and brightness (0.0 to 1.0) that many ms after the pattern began."""
        left = ms % self.period_ms
        for frame in self.frames:
            if left < frame.ms:
                return frame.colour, frame.start + (frame.end - frame.start) * left / frame.ms
            left -= frame.ms
        last = self.frames[-1]
        return last.colour, last.end
