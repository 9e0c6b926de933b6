"""How likely a person who looks at a pattern of the light says this or that of it: confusions and rarities as data.

Pure. The patterns and their times are those of device-protocol.md 9. How often people mix up colours and rhythms is our
own estimate, coarse on purpose: it only has to put what is likely before what is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.platforms.lights import PANIC_CODES, Colour, LightPattern, Rhythm
from app.platforms.model import Mode

AGES = ("core-2014", "up-to-0.6", "from-0.7")
"""The eras of firmware: a board is in one of them."""
_BOOT_LOADERS = ("boot-loader-2014", "boot-loader")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person says the light does; None stands for what was not said.

    Attributes:
        colour: The colour as the person names it.
        rhythm: The rhythm as the person names it, or as tapped.
        period_ms: From one blink to the next in ms, as tapped; then `rhythm` is that of the taps.
        count: How many blinks before the pause; after an SOS, how many slow ones follow.
        small_blue: Whether the small blue light glows dimly.
        mode: The mode the board is in as USB shows it; NORMAL says only that it is not in update mode.
        told: Answers to telling questions: key of the question and of the option, or "" for unsure.
    """

    colour: Colour | None = None
    rhythm: Rhythm | None = None
    period_ms: float | None = None
    count: int | None = None
    small_blue: bool | None = None
    mode: Mode | None = None
    told: tuple[tuple[str, str], ...] = ()


# Patterns of other eras or places that say the same, by the name they share.
_SAME_KIND = {
    "boot-loader-2014.factory-reset": "factory-reset-clear",
    "special.fast-white": "factory-reset-clear",
    "boot-loader.factory-reset": "factory-reset-keep",
    "boot-loader.safe-mode": "safe-mode-window",
}
PANIC = "panic"


def name_of(key: str) -> str:
    """Return what stands for all patterns that lead to the same answer: the kind, but each panic is its own."""
    return key if key in PANIC_CODES else kind_of(key)


def kind_of(key: str) -> str:
    """Return what a pattern says whatever the era, for example `listening`; `panic` for every panic."""
    if key in PANIC_CODES:
        return PANIC
    return _SAME_KIND.get(key) or key.rpartition(".")[2]


# --- confusions -----------------------------------------------------------------------------------------------------

# What people call a colour; what is left over is spread over all others. Issue and support page name these pairs:
# red and orange and yellow, cyan and blue and white, magenta and red.
_CALLED: Mapping[Colour, Mapping[Colour, float]] = {
    Colour.RED: {Colour.RED: 0.84, Colour.ORANGE: 0.10, Colour.MAGENTA: 0.04},
    Colour.ORANGE: {Colour.ORANGE: 0.52, Colour.RED: 0.22, Colour.YELLOW: 0.24},
    Colour.YELLOW: {Colour.YELLOW: 0.80, Colour.ORANGE: 0.10, Colour.GREEN: 0.05, Colour.WHITE: 0.03},
    Colour.GREEN: {Colour.GREEN: 0.92, Colour.YELLOW: 0.03, Colour.CYAN: 0.03},
    Colour.CYAN: {Colour.CYAN: 0.76, Colour.BLUE: 0.14, Colour.WHITE: 0.05, Colour.GREEN: 0.03},
    Colour.BLUE: {Colour.BLUE: 0.90, Colour.CYAN: 0.06, Colour.MAGENTA: 0.02},
    Colour.MAGENTA: {Colour.MAGENTA: 0.84, Colour.RED: 0.07, Colour.BLUE: 0.04, Colour.WHITE: 0.03},
    Colour.WHITE: {Colour.WHITE: 0.86, Colour.CYAN: 0.07, Colour.YELLOW: 0.02, Colour.GRAY: 0.03},
    Colour.GRAY: {Colour.GRAY: 0.55, Colour.WHITE: 0.25, Colour.OFF: 0.18},
    Colour.OFF: {Colour.OFF: 0.93, Colour.GRAY: 0.05},
}
_LEFT = 0.02

# What people call a rhythm, among swatches that move as the light does.
_TAKEN_FOR: Mapping[Rhythm, Mapping[Rhythm, float]] = {
    Rhythm.OFF: {Rhythm.OFF: 0.97},
    Rhythm.SOLID: {Rhythm.SOLID: 0.93, Rhythm.BREATHING: 0.04},
    Rhythm.SLOW_BLINK: {Rhythm.SLOW_BLINK: 0.80, Rhythm.BLINK: 0.14, Rhythm.COUNTED: 0.02},
    Rhythm.BLINK: {Rhythm.BLINK: 0.72, Rhythm.FAST_BLINK: 0.15, Rhythm.SLOW_BLINK: 0.10},
    Rhythm.FAST_BLINK: {Rhythm.FAST_BLINK: 0.72, Rhythm.BLINK: 0.22, Rhythm.SOLID: 0.03},
    Rhythm.BREATHING: {Rhythm.BREATHING: 0.90, Rhythm.SLOW_BLINK: 0.05, Rhythm.SOLID: 0.03},
    Rhythm.COUNTED: {Rhythm.COUNTED: 0.74, Rhythm.SLOW_BLINK: 0.16, Rhythm.BLINK: 0.06, Rhythm.SOS: 0.02},
    Rhythm.SOS: {Rhythm.SOS: 0.76, Rhythm.COUNTED: 0.12, Rhythm.BLINK: 0.05, Rhythm.SLOW_BLINK: 0.05},
}

# Tapped: whether it is steady, has pauses, or is an SOS; how fast is told by the period.
_STEADY = frozenset({Rhythm.SLOW_BLINK, Rhythm.BLINK, Rhythm.FAST_BLINK, Rhythm.BREATHING})
_TAPPED: Mapping[Rhythm, Mapping[Rhythm, float]] = {
    Rhythm.COUNTED: {Rhythm.COUNTED: 0.80, Rhythm.SLOW_BLINK: 0.17, Rhythm.SOS: 0.02},
    Rhythm.SOS: {Rhythm.SOS: 0.78, Rhythm.COUNTED: 0.17, Rhythm.SLOW_BLINK: 0.04},
    Rhythm.SLOW_BLINK: {Rhythm.SLOW_BLINK: 0.93, Rhythm.COUNTED: 0.06},
}

# Weight, ms and spread (of the logarithm) of the tap distances that a period gives. Fingers do five taps a second at
# the best; of a faster light every second or fourth blink is tapped, or as fast as it goes.
_TAP_DISTANCES: Mapping[int, tuple[tuple[float, float, float], ...]] = {
    100: ((0.70, 180, 0.18), (0.20, 400, 0.15)),
    200: ((0.62, 200, 0.13), (0.08, 160, 0.15), (0.25, 400, 0.13)),
    400: ((0.88, 400, 0.12), (0.07, 800, 0.12)),
    500: ((0.88, 500, 0.12), (0.07, 1000, 0.12)),
    4000: ((0.60, 4000, 0.18), (0.35, 2000, 0.18)),  # at the peak, or up and down
}
_ANY_DISTANCE: tuple[tuple[float, float, float], ...] = ((1.0, 400, 0.9),)
_TAP_LEFT = 0.05

_COUNTED_RIGHT = {0: 0.86, 1: 0.06, 2: 0.008}
_NO_COUNT = 0.15

# --- looks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Look:
    """One way to see a pattern: some see the cyan and some the flash. `period_ms` 0 is for a speed nobody knows."""

    weight: float
    colour: Colour
    rhythm: Rhythm
    period_ms: int = 0
    count: int | None = None


_BLINK_MS = 1000  # from blink to blink of a counted pattern (9.2)
_CODE_MS = 600  # of the count of a panic (9.4)
_OTHER_LOOKS: Mapping[str, tuple[_Look, ...]] = {
    # The support page tells no speed, and that some see yellow and red in turn.
    "orange-flashing": (
        *(_Look(0.30, Colour.ORANGE, rhythm) for rhythm in (Rhythm.SLOW_BLINK, Rhythm.BLINK)),
        _Look(0.20, Colour.ORANGE, Rhythm.COUNTED),
        _Look(0.10, Colour.YELLOW, Rhythm.SLOW_BLINK),
        _Look(0.10, Colour.RED, Rhythm.SLOW_BLINK),
    ),
    # No source tells the speed; the support page: "very similar to the boot loader mode's blinking yellow".
    "deep-update": (
        _Look(0.50, Colour.ORANGE, Rhythm.BLINK),
        _Look(0.25, Colour.ORANGE, Rhythm.SLOW_BLINK),
        _Look(0.25, Colour.YELLOW, Rhythm.BLINK),
    ),
    "cyan-red": (
        _Look(0.65, Colour.CYAN, Rhythm.BLINK, 200),
        _Look(0.25, Colour.RED, Rhythm.COUNTED, 0, 1),
        _Look(0.10, Colour.RED, Rhythm.SLOW_BLINK),
    ),
}


def _looks(pattern: LightPattern) -> tuple[_Look, ...]:
    kind = kind_of(pattern.key)
    colour, rhythm = pattern.colour, pattern.rhythm
    if kind in _OTHER_LOOKS:
        return _OTHER_LOOKS[kind]
    if kind.startswith("handshake-"):
        return (
            _Look(0.50, colour, Rhythm.COUNTED, 0, 1),
            _Look(0.35, Colour.CYAN, Rhythm.FAST_BLINK, 100),
            _Look(0.15, colour, Rhythm.SLOW_BLINK),
        )
    if pattern.key in PANIC_CODES:
        return (_Look(1.0, colour, rhythm, _CODE_MS, PANIC_CODES[pattern.key]),)
    if rhythm is Rhythm.COUNTED:
        count = blinks(pattern)
        if count == 1:
            return (_Look(0.6, colour, rhythm, 0, 1), _Look(0.4, colour, Rhythm.SLOW_BLINK))
        # Between the tries to reach the cloud it blinks cyan.
        return (_Look(0.90, colour, rhythm, _BLINK_MS, count), _Look(0.10, Colour.CYAN, Rhythm.BLINK, 200))
    if kind == "ota" and rhythm is Rhythm.BLINK:  # 9.2 names no speed
        speeds = ((0.6, Rhythm.BLINK), (0.2, Rhythm.FAST_BLINK), (0.2, Rhythm.SLOW_BLINK))
        return tuple(_Look(weight, colour, speed) for weight, speed in speeds)
    return (_Look(1.0, colour, rhythm, pattern.period_ms),)


def blinks(pattern: LightPattern) -> int:
    """Return how many blinks of its colour a period of the pattern has."""
    return sum(1 for frame in pattern.frames if frame.colour is pattern.colour)


def count_of(pattern: LightPattern) -> int | None:
    """Return what counting gives: blinks before the pause, or after an SOS; None where there is nothing to count."""
    if pattern.rhythm is Rhythm.SOS:
        return PANIC_CODES[pattern.key]
    if pattern.rhythm is Rhythm.COUNTED:
        return blinks(pattern)
    return None


# --- how rare -------------------------------------------------------------------------------------------------------

# How seldom a person meets them, for they last a second or two, or need an occasion; 1.0 for all others.
_SELDOM: Mapping[str, float] = {
    "clear-wifi": 0.15,
    "clear-wifi-failed": 0.10,
    "power-off": 0.10,
    "patched": 0.15,
    "clearing": 0.10,
    "patching": 0.40,
    "deep-update": 0.40,
    "solid-white": 0.40,
    "details-received": 0.30,
    "factory-reset-keep": 0.30,
    "factory-reset-clear": 0.40,
    "restore": 0.40,
    "safe-mode-window": 0.40,
    "one-red": 0.05,
    "pulsing-white": 0.60,
    "no-firmware": 0.60,
    "handshake": 0.80,
}
_PANIC_SELDOM = 0.10
_HARD_FAULT = 1  # by far the most common panic
_HARD_FAULT_SELDOM = 0.30


def rarity(pattern: LightPattern, eras: frozenset[str]) -> float:
    """Return how likely it is to meet a pattern, before anything is seen of it; boards are of one age each."""
    kind = kind_of(pattern.key)
    if kind == PANIC:
        return _HARD_FAULT_SELDOM if PANIC_CODES[pattern.key] == _HARD_FAULT else _PANIC_SELDOM
    weight = _SELDOM.get(kind, 1.0)
    for group in (AGES, _BOOT_LOADERS):
        if pattern.era in group:
            return weight / len(eras.intersection(group))
    return weight


# --- likelihood -----------------------------------------------------------------------------------------------------


def likelihood(seen: Seen, pattern: LightPattern) -> float:
    """Return how likely somebody who looks at this pattern says that (not the answers to telling questions)."""
    whole = sum(look.weight * _look_likelihood(seen, look) for look in _looks(pattern))
    if seen.small_blue is not None:
        if pattern.small_blue:
            whole *= 0.9 if seen.small_blue else 0.1
        else:  # it may glow for other reasons: user firmware drives it, too
            whole *= 0.15 if seen.small_blue else 0.85
    return whole * _in_mode(seen.mode, pattern.mode)


def _in_mode(seen: Mode | None, shown: Mode | None) -> float:
    """What USB says of the mode, coarse: the light may have been seen a moment before, or on another board."""
    if seen is None:
        return 1.0
    if seen is Mode.NORMAL:
        return 0.03 if shown is Mode.DFU else 1.0
    return 1.0 if shown is seen else 0.03


def _look_likelihood(seen: Seen, look: _Look) -> float:
    whole = 1.0
    if seen.colour is not None:
        whole *= called(look.colour, seen.colour)
    if seen.period_ms is not None and seen.rhythm is not None:
        whole *= _tapped(seen.rhythm, look.rhythm) * _distance(seen.period_ms, seen.rhythm, look)
    elif seen.rhythm is not None:
        whole *= _TAKEN_FOR[look.rhythm].get(seen.rhythm, _LEFT / 2)
    if seen.count is not None:
        whole *= _COUNTED_RIGHT.get(abs(seen.count - look.count), 0.002) if look.count is not None else _NO_COUNT
    return whole


def called(colour: Colour, name: Colour) -> float:
    """Return how likely somebody who sees the one colour names the other."""
    return _CALLED[colour].get(name, _LEFT / len(Colour))


def _tapped(rhythm: Rhythm, true: Rhythm) -> float:
    if true in (Rhythm.SOLID, Rhythm.OFF):
        return _LEFT / 2
    row = _TAPPED[Rhythm.SLOW_BLINK if true in _STEADY else true]
    return row.get(Rhythm.SLOW_BLINK if rhythm in _STEADY else rhythm, _LEFT / 2)


def _distance(period_ms: float, rhythm: Rhythm, look: _Look) -> float:
    """How likely the taps of this look are so far apart; within a count or SOS it is the count's own blinks."""
    if look.rhythm is Rhythm.SOS and rhythm is not Rhythm.COUNTED:
        return 1.0 if rhythm is Rhythm.SOS else 0.3
    if rhythm is Rhythm.SOS:
        return 0.3
    if look.period_ms == 0:
        parts = _ANY_DISTANCE
    else:
        parts = _TAP_DISTANCES.get(look.period_ms, ((0.95, look.period_ms, 0.14),))
    near = sum(weight * _bell(math.log(period_ms / middle) / spread) / spread for weight, middle, spread in parts)
    return near + _TAP_LEFT * _bell(0.0) / 2


def _bell(off: float) -> float:
    return math.exp(-off * off / 2) / math.sqrt(2 * math.pi)
