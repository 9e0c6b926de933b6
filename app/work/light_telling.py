"""The one question that would tell best between what a light may say: questions as data, chosen by what they tell.

Pure. What a question rests on is in brackets: a section of device-protocol.md, or the support page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.platforms.lights import ERAS, PANIC_CODES, Colour, LightPattern, Rhythm
from app.text import Text, text
from app.work.light_seen import AGES, count_of, kind_of, name_of

UNSURE = ""
"""The answer to a telling question of somebody who cannot say; the question is not asked again."""

SHADE = "shade"
"""The question which of some colours it is."""
FLASH = "flash"
"""The question whether another colour flashes in between; CALM is its no."""
CALM = "no"
FLICKER = "flicker"
"""The question whether a flash comes after the fast cyan of a handshake."""

Weighed = Sequence[tuple[LightPattern, float]]
"""Patterns with their likelihoods, most likely first."""

_CLEAR = 0.85
"""So likely a guess needs no more questions."""
_LEAST_GAIN = 0.08
"""Bits a question has to tell in the mean; less is not worth asking for."""
_OPTIONS_AT_MOST = 4
_SHADES_AT_MOST = 3
_WORTH_SHOWING = 0.02
"""A pattern less likely than that gets no option of its own."""
_HIDDEN_AT_MOST = 0.25
"""So much of what has a count may have one that is not among the options."""
_WORTH_WEIGHING = 0.003
"""A pattern less likely than that does not decide which question is asked."""


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
class _Asks:
    """A question: who has which light answers what.

    Attributes:
        key: Stable name.
        words: The question.
        options: The options that tell between these patterns; empty where the question does not fit.
        says: Answers of somebody with that light and how often they are given; None when either is as likely.
        trust: How often the answer is right.
        known: How many people can answer it at all.
        usually: How many options it usually has.
    """

    key: str
    words: Text
    options: Callable[[Weighed], tuple[TellingOption, ...]]
    says: Callable[[LightPattern], Mapping[str, float] | None]
    trust: float = 0.92
    known: float = 1.0
    usually: int = 2

    def likelihood(self, option: str, known: LightPattern, among: int) -> float:
        """Return how likely somebody with that light gives that answer, one of so many."""
        row = self.says(known)
        if row is None:
            return 1 / among
        wrong = (1 - self.trust) / max(1, among - 1)
        return sum(share * (self.trust if said == option else wrong) for said, share in row.items())


def best_question(weighed: Weighed, unfit: frozenset[str]) -> Telling | None:
    """Return the question that tells most between what these say, None when it is clear or none would.

    Args:
        weighed: Patterns with their likelihoods, most likely first.
        unfit: Keys of the questions that are not to be asked.
    """
    likely = [(known, weight) for known, weight in weighed if weight >= _WORTH_WEIGHING]
    names = [name_of(known.key) for known, _ in likely]
    now = _summed(names, [weight for _, weight in likely])
    if not now or max(now) >= _CLEAR:
        return None
    best: tuple[float, Telling] | None = None
    for each in _QUESTIONS:
        options = each.options(likely) if each.key not in unfit else ()
        if len(options) < 2:
            continue
        gain = each.known * (_bits(now) - _bits_left(each, options, likely, names))
        if gain >= _LEAST_GAIN and (best is None or gain > best[0]):
            best = (gain, Telling(each.key, each.words, options))
    return best[1] if best is not None else None


def told_likelihood(told: Sequence[tuple[str, str]], known: LightPattern) -> float:
    """Return how likely somebody with that light gives these answers; questions nobody knows tell nothing."""
    whole = 1.0
    for key, option in told:
        asks = _BY_KEY.get(key)
        if asks is not None and option != UNSURE:
            whole *= asks.likelihood(option, known, asks.usually)
    return whole


def _bits_left(asks: _Asks, options: Sequence[TellingOption], likely: Weighed, names: Sequence[str]) -> float:
    """Bits that are open after the question, in the mean over its answers."""
    left = 0.0
    for option in options:
        after = [weight * asks.likelihood(option.key, known, len(options)) for known, weight in likely]
        left += sum(after) * _bits(_summed(names, after))
    return left


def _summed(names: Sequence[str], weights: Sequence[float]) -> list[float]:
    """Likelihoods of what the patterns say, summing up to 1."""
    sums: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        sums[name] = sums.get(name, 0.0) + weight
    whole = sum(sums.values())
    return [each / whole for each in sums.values()] if whole > 0 else []


def _bits(shares: Sequence[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share > 0)


# --- questions ------------------------------------------------------------------------------------------------------

_YES = text("LightTelling", "Yes")
_NO = text("LightTelling", "No")
_YES_NO = (TellingOption("yes", _YES), TellingOption("no", _NO))


def _always(*options: TellingOption) -> Callable[[Weighed], tuple[TellingOption, ...]]:
    return lambda _weighed: options


def _among(*kinds: str, share: float = 0.95) -> Callable[[LightPattern], Mapping[str, float]]:
    """Yes for patterns of these kinds, as often as `share`; no for all others."""
    often: Mapping[str, float] = {"yes": share, "no": 1 - share}
    seldom: Mapping[str, float] = {"yes": 1 - share, "no": share}
    return lambda known: often if kind_of(known.key) in kinds else seldom


_SECOND = {
    100: text("LightTelling", "Ten times a second, a flicker"),
    200: text("LightTelling", "Five times a second"),
    400: text("LightTelling", "Five times in two seconds"),
    500: text("LightTelling", "Twice a second"),
}


def _pace_of(known: LightPattern) -> str:
    blinking = known.rhythm in (Rhythm.SLOW_BLINK, Rhythm.BLINK, Rhythm.FAST_BLINK)
    return str(known.period_ms) if blinking and known.period_ms in _SECOND else ""


def _paces(weighed: Weighed) -> tuple[TellingOption, ...]:
    lights: dict[str, str] = {}
    for known, weight in weighed:
        if weight >= _WORTH_SHOWING and (pace := _pace_of(known)):
            lights.setdefault(pace, known.key)
    return tuple(TellingOption(str(ms), words, lights[str(ms)]) for ms, words in _SECOND.items() if str(ms) in lights)


def _says_pace(known: LightPattern) -> Mapping[str, float] | None:
    pace = _pace_of(known)
    # Neither source tells how fast these two blink.
    return {pace: 1.0} if pace and kind_of(known.key) not in ("orange-flashing", "deep-update") else None


_SHADES = {
    Colour.RED: text("LightTelling", "Red, like a tomato"),
    Colour.ORANGE: text("LightTelling", "Orange, like the fruit"),
    Colour.YELLOW: text("LightTelling", "Yellow, like a lemon"),
    Colour.GREEN: text("LightTelling", "Green, like grass"),
    Colour.CYAN: text("LightTelling", "Cyan, between blue and green"),
    Colour.BLUE: text("LightTelling", "Blue, without any green"),
    Colour.MAGENTA: text("LightTelling", "Magenta, a strong pink"),
    Colour.WHITE: text("LightTelling", "White, without any colour"),
    Colour.GRAY: text("LightTelling", "Gray, a very dim white"),
}


def _shades(weighed: Weighed) -> tuple[TellingOption, ...]:
    lights: dict[Colour, str] = {}
    for known, weight in weighed:
        if weight >= _WORTH_SHOWING and _says_shade(known) is not None and len(lights) < _SHADES_AT_MOST:
            lights.setdefault(known.colour, known.key)
    return tuple(TellingOption(colour.name.lower(), _SHADES[colour], key) for colour, key in lights.items())


def _says_shade(known: LightPattern) -> Mapping[str, float] | None:
    # Somebody may look at the cyan of these, or at the flash.
    flashes = kind_of(known.key) == "cyan-red" or kind_of(known.key).startswith("handshake-")
    return {known.colour.name.lower(): 1.0} if known.colour in _SHADES and not flashes else None


_BLINKS = text("LightTelling", "{count} blinks")
_ONE_BLINK = text("LightTelling", "1 blink")


def _counts(weighed: Weighed) -> tuple[TellingOption, ...]:
    found: dict[int, str] = {}
    shown = hidden = 0.0
    for known, weight in weighed:
        count = count_of(known)
        if count is None:
            continue
        if count in found or (weight >= _WORTH_SHOWING and len(found) < _OPTIONS_AT_MOST):
            found.setdefault(count, known.key)
            shown += weight
        else:
            hidden += weight
    if hidden > _HIDDEN_AT_MOST * shown:  # nothing was counted yet: a few options would leave out the right one
        return ()
    return tuple(
        TellingOption(str(count), _ONE_BLINK if count == 1 else _BLINKS.with_values(count=count), found[count])
        for count in sorted(found)
    )


def _says_count(known: LightPattern) -> Mapping[str, float] | None:
    count = count_of(known)
    return {str(count): 1.0} if count is not None else None


def _ages(weighed: Weighed) -> tuple[TellingOption, ...]:
    here = {known.era for known, weight in weighed if weight >= _WORTH_SHOWING}
    return tuple(TellingOption(age, ERAS[age]) for age in AGES if age in here)


def _says_age(known: LightPattern) -> Mapping[str, float] | None:
    return {known.era: 1.0} if known.era in AGES else None


def _says_flash(known: LightPattern) -> Mapping[str, float]:
    kind = kind_of(known.key)
    if kind.startswith("handshake-") or kind in ("no-internet", "no-cloud", "cyan-red"):
        colour = known.colour.name.lower()
        if known.colour is Colour.MAGENTA:
            return {colour: 0.95, CALM: 0.05}
        return {colour: 0.80, ("orange" if colour == "red" else "red"): 0.15, CALM: 0.05}
    return {CALM: 1.0}


def _says_flicker(known: LightPattern) -> Mapping[str, float] | None:
    kind = kind_of(known.key)
    if kind.startswith("handshake-"):
        return {"yes": 1.0}
    return None if kind == "orange-flashing" else {"no": 1.0}


def _says_pause(known: LightPattern) -> Mapping[str, float] | None:
    if kind_of(known.key) in ("orange-flashing", "cyan-red") or kind_of(known.key).startswith("handshake-"):
        return None
    return {"yes" if known.rhythm in (Rhythm.COUNTED, Rhythm.SOS) else "no": 1.0}


def _says_soft(known: LightPattern) -> Mapping[str, float] | None:
    if known.rhythm in (Rhythm.SOLID, Rhythm.OFF):
        return None
    return {"soft" if known.rhythm is Rhythm.BREATHING else "hard": 1.0}


def _says_still(known: LightPattern) -> Mapping[str, float]:
    # User firmware may keep the radio off for good (support page, "Device Mode Switching").
    return {"pulsing-white": {"yes": 0.97, "no": 0.03}, "network-off": {"yes": 0.3, "no": 0.7}}.get(
        kind_of(known.key), {"no": 1.0}
    )


def _says_work(known: LightPattern) -> Mapping[str, float] | None:
    kind = kind_of(known.key)
    if kind in ("patching", "patched", "clearing"):
        return {"upgrade": 1.0}
    if kind == "deep-update":
        return {"deep-update": 1.0}
    # A full firmware upgrade goes through update mode (8.3), a deep update ends in one over the air (8.4).
    return {
        "dfu": {"neither": 0.7, "upgrade": 0.25, "deep-update": 0.05},
        "ota": {"neither": 0.8, "deep-update": 0.2},
    }.get(kind, {"neither": 1.0})


def _cores_only(*options: TellingOption) -> Callable[[Weighed], tuple[TellingOption, ...]]:
    radio = ("core-radio",)
    return lambda weighed: options if any(known.era in radio for known, _ in weighed) else ()


def _says_online(known: LightPattern) -> Mapping[str, float]:
    return {"yes": 1.0} if kind_of(known.key) in ("cloud-connected", "safe-mode", "ota") else {"no": 1.0}


_SHORT = ("clear-wifi", "clear-wifi-failed", "patched", "clearing", "power-off", "solid-white", "details-received")
_HELD = (
    "safe-mode-window",
    "factory-reset-keep",
    "factory-reset-clear",
    "clear-wifi",
    "clear-wifi-failed",
    "solid-white",
)
_STAYS = text("LightTelling", "No, the colour stays")

_QUESTIONS: tuple[_Asks, ...] = (
    # 9.2: the colours of a failed handshake; support page: cyan that occasionally flashes red.
    _Asks(
        FLASH,
        text("LightTelling", "Watch for half a minute. Does another colour flash in between?"),
        _always(
            TellingOption(CALM, _STAYS),
            TellingOption("red", text("LightTelling", "Yes, red")),
            TellingOption("orange", text("LightTelling", "Yes, orange")),
            TellingOption("magenta", text("LightTelling", "Yes, magenta (pink)")),
        ),
        _says_flash,
        usually=4,
    ),
    # 9.2: while the socket is open the cyan is twice as fast; a failed handshake ends in its colour.
    _Asks(
        FLICKER,
        text("LightTelling", "Right before that colour, is the light a very fast, flickering cyan?"),
        _always(*_YES_NO),
        _says_flicker,
        trust=0.88,
    ),
    _Asks(  # 9.1 to 9.3
        "pace",
        text("LightTelling", "Look at the board next to these. Which of them is as fast as its light?"),
        _paces,
        _says_pace,
    ),
    _Asks(  # 9, colours
        SHADE,
        text("LightTelling", "Look at the board next to these. Which of them is nearest to its colour?"),
        _shades,
        _says_shade,
        trust=0.85,
        known=0.95,
    ),
    _Asks(  # 9.2, 9.4
        "count",
        text("LightTelling", "Count the slow blinks once more, from one pause to the next. How many are there?"),
        _counts,
        _says_count,
        usually=3,
    ),
    _Asks(
        "sos",
        text("LightTelling", "Before the slow blinks, does it blink SOS: three short, three long, three short?"),
        _always(*_YES_NO),
        lambda known: {"yes" if known.key in PANIC_CODES else "no": 1.0},
    ),
    _Asks(
        "pause",
        text("LightTelling", "Is there a longer pause after every few blinks?"),
        _always(*_YES_NO),
        _says_pause,
    ),
    _Asks(
        "soft",
        text("LightTelling", "Does the light swell and fade softly, or switch on and off?"),
        _always(
            TellingOption("soft", text("LightTelling", "It swells and fades")),
            TellingOption("hard", text("LightTelling", "It switches on and off")),
        ),
        _says_soft,
    ),
    _Asks(  # support page, "Pulsing White"
        "after-reset",
        text("LightTelling", "Press RESET and wait half a minute. Does it still pulse white?"),
        _always(*_YES_NO),
        _says_still,
        trust=0.95,
    ),
    _Asks(  # support page, "Main LED off, Small Blue LED dim"
        "small-blue",
        text("LightTelling", "Look at the small blue light in a corner of the board. Does it glow, however dimly?"),
        _always(*_YES_NO),
        _among("no-firmware"),
    ),
    _Asks(
        "lasting",
        text("LightTelling", "Does it go on like this for more than ten seconds?"),
        _always(*_YES_NO),
        lambda known: {"no" if kind_of(known.key) in _SHORT else "yes": 1.0},
        trust=0.9,
    ),
    _Asks(  # 8.1
        "held",
        text("LightTelling", "Is a button of the board held down, or was one until just before?"),
        _always(*_YES_NO),
        _among(*_HELD),
        trust=0.95,
    ),
    _Asks(  # 8.3, 8.4; support page: the orange of a deep update looks yellow
        "work",
        text("LightTelling", "Was new software for the radio put on this Core just before?"),
        _cores_only(
            TellingOption("upgrade", text("LightTelling", "Yes, a full firmware upgrade")),
            TellingOption("deep-update", text("LightTelling", "Yes, a deep update")),
            TellingOption("neither", _NO),
        ),
        _says_work,
        trust=0.95,
        usually=3,
    ),
    _Asks(  # 9.2; safe mode is connected, too (8.1). It needs no eye for colours.
        "online",
        text("LightTelling", "Can the board be reached over its cloud right now, by an app or a web page?"),
        _always(*_YES_NO),
        _says_online,
        known=0.6,
    ),
    _Asks(  # 9.2, 9.3
        "age",
        text("LightTelling", "Which firmware is on the board?"),
        _ages,
        _says_age,
        trust=0.95,
        known=0.4,
        usually=3,
    ),
)

_BY_KEY = {each.key: each for each in _QUESTIONS}
