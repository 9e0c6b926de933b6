"""A person who watches a light, taps along with it badly, mixes up colours, and answers telling questions by the board.

It knows the light from its frames alone, and nothing of what the decoder believes about people.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import pairwise

from app.platforms.lights import PANIC_CODES, Colour, LightPattern, Rhythm
from app.work.light_decoder import UNSURE, Seen, Telling, rhythm_of, tapped

TAPPABLE = (Rhythm.SLOW_BLINK, Rhythm.BLINK, Rhythm.FAST_BLINK, Rhythm.COUNTED, Rhythm.SOS)
FINGER_MS = (150.0, 230.0)
"""From tap to tap, when somebody taps as fast as he can."""
FAST_MS = 250.0
"""So fast a light is hard to tap along with, and some say that it is too fast."""
_MIXED_UP = {
    Colour.RED: (Colour.ORANGE, Colour.MAGENTA),
    Colour.ORANGE: (Colour.RED, Colour.YELLOW),
    Colour.YELLOW: (Colour.ORANGE,),
    Colour.CYAN: (Colour.BLUE, Colour.WHITE),
    Colour.BLUE: (Colour.CYAN,),
    Colour.WHITE: (Colour.CYAN,),
    Colour.MAGENTA: (Colour.RED,),
    Colour.GRAY: (Colour.WHITE,),
}


@dataclass(frozen=True, slots=True)
class Fingers:
    """How well somebody taps: `jitter` is a part of the usual distance between blinks, the others are chances a tap."""

    jitter: float = 0.10
    missed: float = 0.0
    doubled: float = 0.0


def onsets(pattern: LightPattern, ms: float) -> list[float]:
    """When the light of that pattern's colour goes on within so many ms from the pattern's begin; peaks of a breath."""
    found: list[float] = []
    begin, lit = 0.0, False
    while begin < ms:
        for frame in pattern.frames:
            mine = frame.colour is pattern.colour
            if mine and frame.start < frame.end:
                found.append(begin + frame.ms)
            elif mine and frame.start == frame.end and not lit:
                found.append(begin)
            lit = mine
            begin += frame.ms
    return [each for each in found if each < ms]


def taps(pattern: LightPattern, dice: random.Random, fingers: Fingers, seconds: float | None = None) -> list[float]:
    """Return when somebody taps along, in s: joined at any moment, the first blink or two passed over."""
    period = pattern.period_ms
    if seconds is None:
        seconds = {Rhythm.SOS: 2.2 * period / 1000, Rhythm.COUNTED: 4.2 * period / 1000}.get(pattern.rhythm, 6.0)
    late = dice.uniform(0, period)
    seen = [each - late for each in onsets(pattern, seconds * 1000 + late) if each >= late]
    usual = min((b - a for a, b in pairwise(seen)), default=1000.0)
    if usual < FINGER_MS[0]:  # nobody can
        usual = dice.uniform(*FINGER_MS)
        seen = [number * usual for number in range(int(seconds * 1000 / usual))]
    elif usual < FAST_MS and dice.random() < 0.25:  # every other blink is easier
        seen, usual = seen[::2], usual * 2
    made: list[float] = []
    for each in seen:
        if dice.random() < fingers.missed:
            continue
        made.append(each + dice.gauss(0, fingers.jitter * usual))
        if dice.random() < fingers.doubled:
            made.append(made[-1] + dice.uniform(40, 120))
    return [each / 1000 for each in sorted(made)]


def look(
    pattern: LightPattern, dice: random.Random, fingers: Fingers, *, mixes_up: float = 0.0, names_colour: bool = True
) -> Seen:
    """Return what somebody says who sees that pattern.

    Args:
        pattern: What the board shows.
        dice: Chance.
        fingers: How well he taps.
        mixes_up: How often he names a colour that looks much like the true one.
        names_colour: Whether he names a colour at all.
    """
    colour = pattern.colour
    if dice.random() < mixes_up:
        colour = dice.choice(_MIXED_UP.get(colour, (colour,)))
    seen = Seen(
        colour if names_colour else None,
        pattern.rhythm,
        small_blue=True if pattern.small_blue else None,
    )
    flashes = Colour.CYAN in {frame.colour for frame in pattern.frames} and pattern.colour is not Colour.CYAN
    if flashes:  # some see the cyan, others one flash after it
        if dice.random() < 0.5:
            fast = pattern.frames[0].ms == 50
            return Seen(Colour.CYAN if names_colour else None, Rhythm.FAST_BLINK if fast else Rhythm.BLINK)
        return Seen(seen.colour, Rhythm.COUNTED, count=1)
    if pattern.rhythm in (Rhythm.BLINK, Rhythm.FAST_BLINK):
        too_fast = 0.15 if pattern.rhythm is Rhythm.BLINK else 0.6
        if dice.random() < too_fast:
            return replace(seen, rhythm=Rhythm.FAST_BLINK)
    if pattern.rhythm in TAPPABLE and (found := rhythm_of(taps(pattern, dice, fingers))) is not None:
        return tapped(seen, found)
    return seen


def answer(pattern: LightPattern, telling: Telling) -> str:
    """Return what somebody who sees that pattern, and knows what was done with the board, answers."""
    kind = pattern.key.rpartition(".")[2]
    here = {option.key for option in telling.options}
    yes = "yes"
    match telling.key:
        case "flash":
            cyan = any(frame.colour is Colour.CYAN for frame in pattern.frames) and pattern.colour is not Colour.CYAN
            said = pattern.colour.name.lower() if cyan else "no"
        case "flicker":
            said = yes if kind.startswith("handshake-") else "no"
        case "pace":
            said = str(pattern.period_ms)
        case "shade":
            said = pattern.colour.name.lower()
        case "count":
            blinks = sum(1 for frame in pattern.frames if frame.colour is pattern.colour)
            counts = pattern.rhythm in (Rhythm.SOS, Rhythm.COUNTED)
            said = str(PANIC_CODES.get(pattern.key, blinks)) if counts else UNSURE
        case "sos":
            said = yes if pattern.rhythm is Rhythm.SOS else "no"
        case "pause":
            said = yes if pattern.rhythm in (Rhythm.SOS, Rhythm.COUNTED) else "no"
        case "soft":
            said = "soft" if pattern.rhythm is Rhythm.BREATHING else "hard"
        case "after-reset":
            said = yes if kind == "pulsing-white" else "no"
        case "small-blue":
            said = yes if pattern.small_blue else "no"
        case "lasting":
            brief = {"clear-wifi", "clear-wifi-failed", "patched", "power-off", "clearing"}
            said = "no" if kind in brief | {"solid-white", "details-received"} else yes
        case "held":
            boot = pattern.era.startswith("boot-loader") and kind in (
                "safe-mode",
                "factory-reset",
                "factory-reset-clear",
            )
            said = yes if boot or kind in ("clear-wifi", "clear-wifi-failed", "fast-white", "solid-white") else "no"
        case "work":
            radio = {"patching": "upgrade", "patched": "upgrade", "clearing": "upgrade", "deep-update": "deep-update"}
            said = radio.get(kind, "neither")
        case "online":
            said = (
                yes
                if kind in ("cloud-connected", "safe-mode") or (kind == "ota" and "boot" not in pattern.era)
                else "no"
            )
            said = "no" if pattern.key == "boot-loader.safe-mode" else said
        case "age":
            said = pattern.era
        case _:
            raise AssertionError(telling.key)
    return said if said in here else UNSURE
