"""Tells a rhythm from taps on a key along with a light, with taps that come late, are missed or doubled.

Pure. Times of lights are those of device-protocol.md 9. Nobody taps ten times a second, and few five: taps as fast as
fingers go stand for any of the fast rhythms, and what is said of them is that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from app.platforms.lights import Rhythm

FEWEST_TAPS = 3
"""Of fewer taps nothing can be said."""
TOO_FAST_MS = 170.0
"""From one tap to the next, when they are as fast as fingers go."""
DOUBLE_MS = 90.0
"""A tap so soon after another is the same finger bouncing: no light blinks like that but one nobody can follow."""

_FLICKER_BELOW_MS = TOO_FAST_MS
_BLINK_BELOW_MS = 300.0  # 200 and 400 to 500 ms meet in the middle, as fingers count
_BREATH_FROM_MS = 1500.0

_SLOW_MS = 400.0  # from here on a doubled tap can be told from a quick one
_DOUBLE_OF_USUAL = 0.35  # shorter than so much of the usual distance: a doubled tap
_STEADY_WITHIN = 0.4  # a steady tap is off by no more than so much of the distance
_STEADY_SHARE = 0.75
_MOST_MISSED = 3
_PAUSE_OF_USUAL = 1.5  # a pause is at least so much longer than what stands between the blinks of a count

# 9.4. In an SOS it is 250 to 500 ms from blink to blink, 330 in the mean; in the count that follows 600 ms.
_SOS_BOUNCE_MS = 140.0
_SOS_PAUSE_MS = 850.0
_SOS_MEAN_BELOW_MS = 460.0
_SOS_WHOLE_TAPS = 6  # of nine; so many make sure that it is one
_SOS_MOST_TAPS = 11
_SOS_PART_TAPS = 3
_CODE_MS = 600.0
_SOS_TO_CODE_MS = 1150.0  # from the last blink of the SOS to the first of the count
_CODE_TO_SOS_MS = 1400.0  # from the last blink of the count to the next SOS
_MOST_CODES = 14


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


def rhythm_of(taps: Sequence[float]) -> TapRhythm | None:
    """Tell the rhythm of taps.

    Args:
        taps: When each was, in seconds of any clock, rising.

    Returns:
        What they look like; None when they are too few, or follow no rhythm a light has.
    """
    gaps = _gaps(taps)
    if len(gaps) < FEWEST_TAPS - 1:
        return None
    return _steady(gaps) or _sos(gaps) or _counted(gaps)


def _gaps(taps: Sequence[float]) -> list[float]:
    """Distances from tap to tap in ms, without bouncing and doubled taps."""
    if not taps:
        return []
    kept = [taps[0]]
    for tap in taps[1:]:
        if (tap - kept[-1]) * 1000 >= DOUBLE_MS:
            kept.append(tap)
    gaps = [(after - before) * 1000 for before, after in pairwise(kept)]
    if len(gaps) < FEWEST_TAPS:
        return gaps
    usual = sorted(gaps)[len(gaps) // 4]  # not the median: in pairs of blinks every other distance is the pause
    return _joined(gaps, usual * _DOUBLE_OF_USUAL) if usual >= _SLOW_MS else gaps


def _joined(gaps: Sequence[float], shortest: float) -> list[float]:
    """Put a distance that is too short together with the one after it; at the end it is left out."""
    whole: list[float] = []
    carried = 0.0
    for gap in gaps:
        if gap + carried < shortest:
            carried += gap
        else:
            whole.append(gap + carried)
            carried = 0.0
    return whole


def _steady(gaps: Sequence[float]) -> TapRhythm | None:
    """Steady blinking. A missed blink doubles a distance; the first distance may be anything, somebody is late."""
    for part in (gaps, gaps[1:]) if len(gaps) >= FEWEST_TAPS + 1 else (gaps,):
        usual = median(part)
        beats = [max(1, round(gap / usual)) for gap in part]
        off = [abs(gap / usual - beat) for gap, beat in zip(part, beats, strict=True)]
        single = sum(1 for beat in beats if beat == 1)
        if max(beats) <= _MOST_MISSED and max(off) <= _STEADY_WITHIN and single >= _STEADY_SHARE * len(part):
            return _named(sum(part) / sum(beats))
    return None


def _named(period_ms: float) -> TapRhythm:
    if period_ms < _FLICKER_BELOW_MS:
        return TapRhythm(Rhythm.FAST_BLINK, period_ms, too_fast=True)
    if period_ms < _BLINK_BELOW_MS:
        return TapRhythm(Rhythm.BLINK, period_ms)
    return TapRhythm(Rhythm.SLOW_BLINK if period_ms < _BREATH_FROM_MS else Rhythm.BREATHING, period_ms)


def _counted(gaps: Sequence[float]) -> TapRhythm | None:
    """A few blinks and a pause, over and over: the size of most groups counts, so one missed tap does no harm."""
    rising = sorted(gaps)
    jumps = [(after / before, place) for place, (before, after) in enumerate(pairwise(rising))]
    ratio, place = max(jumps, default=(1.0, 0))
    if ratio < _PAUSE_OF_USUAL:
        return None
    pause = math.sqrt(rising[place] * rising[place + 1])
    usual = median(rising[: place + 1])
    groups = [0]
    for gap in gaps:
        if gap >= pause:
            groups.append(0)
        else:
            groups[-1] += max(1, round(gap / usual))
    sizes = [group + 1 for group in groups]
    whole = sizes[1:-1] or [max(sizes)]  # the first may have been joined late, and the last left early
    return TapRhythm(Rhythm.COUNTED, usual, min(_usual_count(whole), _MOST_CODES))


def _sos(gaps: Sequence[float]) -> TapRhythm | None:
    """An SOS is nine quick taps; each slow one after it counts, with those that were missed put back by their time."""
    gaps = _joined(gaps, _SOS_BOUNCE_MS)
    letters = _letters(gaps)
    if not any(_SOS_WHOLE_TAPS <= end - begin + 1 <= _SOS_MOST_TAPS for begin, end in letters):
        return None
    if letters[0] == (0, len(gaps)):  # quick taps without any pause
        return None
    counts: list[int] = []
    for (_, end), (begin, _) in pairwise(letters):
        counts += 2 * [_blinks(gaps[end:begin], closed=True)]  # seen to its end: counts twice
    last = gaps[letters[-1][1] :]
    if last:
        counts.append(_blinks(last, closed=False))
    elif not counts and letters[0][0] > 1:  # joined during the first count, left before the second
        counts.append(1 + sum(_beats(gap) for gap in gaps[: letters[0][0] - 1]))
    if not counts:
        return TapRhythm(Rhythm.SOS, _CODE_MS)
    return TapRhythm(Rhythm.SOS, _CODE_MS, min(_usual_count(counts), _MOST_CODES))


def _usual_count(counts: Sequence[int]) -> int:
    """The count met most often; of those the greatest, since missing a blink is easier than seeing one too many."""
    most = Counter(counts).most_common()
    return max(count for count, times in most if times == most[0][1])


def _blinks(gaps: Sequence[float], *, closed: bool) -> int:
    """How many blinks stand between the pause after an SOS, and the next SOS where that was tapped, too (`closed`)."""
    lead, *rest = gaps
    if closed and not rest:  # none of them was tapped
        return 1 + max(0, round((lead - _SOS_TO_CODE_MS - _CODE_TO_SOS_MS) / _CODE_MS))
    missed = max(0, round((lead - _SOS_TO_CODE_MS) / _CODE_MS))
    if closed:
        missed += max(0, round((rest.pop() - _CODE_TO_SOS_MS) / _CODE_MS))
    return 1 + missed + sum(_beats(gap) for gap in rest)


def _beats(gap: float) -> int:
    """How many blinks of a count it is to the next tap: 0 for a doubled tap, 2 where one was missed."""
    return round(gap / _CODE_MS)


def _letters(gaps: Sequence[float]) -> list[tuple[int, int]]:
    """Where an SOS, or a part of one, stands: from and up to which distance."""
    found: list[tuple[int, int]] = []
    begin = 0
    for place, gap in enumerate((*gaps, math.inf)):
        if gap <= _SOS_PAUSE_MS:
            continue
        group = gaps[begin:place]
        if len(group) >= _SOS_PART_TAPS - 1 and sum(group) / len(group) < _SOS_MEAN_BELOW_MS:
            if found and found[-1][1] == begin - 1 and gaps[begin - 1] < _SOS_TO_CODE_MS:  # one tap in it was missed
                found[-1] = (found[-1][0], place)
            else:
                found.append((begin, place))
        begin = place + 1
    return found
