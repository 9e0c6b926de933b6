"""Taps along with a light: the rhythm comes out, however badly they are tapped."""

from __future__ import annotations

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.light_watcher import Fingers, taps

from app.platforms.lights import PANIC_CODES, Rhythm, pattern
from app.work.light_decoder import rhythm_of

TRIES = 25
BAD = Fingers(jitter=0.10, missed=0.03, doubled=0.03)


def heard(key: str, seed: int = 0, fingers: Fingers = BAD) -> tuple[Rhythm | None, list[float], list[int | None]]:
    """The rhythm heard most often in many tries, all periods of it, and all counts."""
    dice = random.Random(f"{key} {seed}")
    found = [rhythm_of(taps(pattern(key), dice, fingers)) for _ in range(TRIES)]
    rhythms = [each.rhythm for each in found if each is not None]
    most = max(set(rhythms), key=rhythms.count)
    assert rhythms.count(most) >= 0.85 * TRIES, (key, rhythms)
    mine = [each for each in found if each is not None and each.rhythm is most]
    return most, [each.period_ms for each in mine], [each.count for each in mine]


@pytest.mark.parametrize(
    ("key", "rhythm"),
    [
        ("core-2014.listening", Rhythm.SLOW_BLINK),
        ("core-radio.patching", Rhythm.SLOW_BLINK),
        ("core-2014.no-internet", Rhythm.COUNTED),
        ("from-0.7.no-cloud", Rhythm.COUNTED),
    ],
)
def test_a_rhythm_that_can_be_tapped_is_heard(key: str, rhythm: Rhythm) -> None:
    most, periods, counts = heard(key)
    assert most is rhythm
    true = 1000 if rhythm is Rhythm.COUNTED else pattern(key).period_ms
    assert median(periods) == pytest.approx(true, rel=0.1)
    blinks = {"core-2014.no-internet": 2, "from-0.7.no-cloud": 3}.get(key)
    assert counts.count(blinks) >= 0.9 * len(counts)


def test_every_panic_is_counted_with_missed_and_doubled_taps() -> None:
    for key, code in PANIC_CODES.items():
        most, _, counts = heard(key)
        assert most is Rhythm.SOS
        assert counts.count(code) >= 0.85 * len(counts), (key, counts)


def test_taps_at_the_speed_of_fingers_say_that_the_light_may_be_faster() -> None:
    found = rhythm_of([number * 0.155 for number in range(20)])
    assert found is not None
    assert (found.rhythm, found.too_fast, found.count) == (Rhythm.FAST_BLINK, True, None)


@pytest.mark.parametrize(("ms", "rhythm"), [(200, Rhythm.BLINK), (500, Rhythm.SLOW_BLINK), (4000, Rhythm.BREATHING)])
def test_exact_taps_give_the_exact_period(ms: int, rhythm: Rhythm) -> None:
    found = rhythm_of([7.0 + number * ms / 1000 for number in range(12)])
    assert found is not None
    assert found.rhythm is rhythm
    assert found.period_ms == pytest.approx(ms)
    assert not found.too_fast


def test_a_late_first_tap_a_missed_one_and_a_doubled_one_change_nothing() -> None:
    even = [1.0 + number * 0.5 for number in range(12)]
    late = [0.78, *even]
    missed = [each for each in even if each != even[5]]
    doubled = sorted([*even, even[4] + 0.1])
    for uneven in (late, missed, doubled):
        found = rhythm_of(uneven)
        assert found is not None
        assert found.rhythm is Rhythm.SLOW_BLINK
        assert found.period_ms == pytest.approx(500, rel=0.05)


def test_an_sos_whose_last_count_was_not_repeated_is_counted() -> None:
    """One pass of code 3 (9.4), tapped to its end and no further."""
    at, taps = 0.0, []
    for gap in (0.25, 0.25, 0.35, 0.40, 0.40, 0.50, 0.25, 0.25, 1.15, 0.6, 0.6):
        taps.append(at)
        at += gap
    found = rhythm_of([*taps, at])
    assert found is not None
    assert (found.rhythm, found.count) == (Rhythm.SOS, 3)


def test_doubled_taps_of_a_slow_light_count_once() -> None:
    """One blink a second; the finger bounces at every sixth."""
    found = rhythm_of(sorted([*(float(each) for each in range(24)), *(each + 0.15 for each in range(0, 24, 6))]))
    assert found is not None
    assert found.period_ms == pytest.approx(1000, rel=0.01)


def test_quick_taps_without_a_pause_are_no_sos() -> None:
    dice = random.Random(1)
    for _ in range(TRIES):
        quick = [number * 0.2 + dice.gauss(0, 0.03) for number in range(30)]
        found = rhythm_of(quick)
        assert found is None or found.rhythm is not Rhythm.SOS


@pytest.mark.parametrize("few", [[], [1.0], [1.0, 1.5], [1.0, 1.02, 1.04]])
def test_too_few_taps_say_nothing(few: list[float]) -> None:
    assert rhythm_of(few) is None


@given(st.lists(st.floats(min_value=0, max_value=600, allow_nan=False), max_size=60))
def test_any_taps_give_a_rhythm_or_none(times: list[float]) -> None:
    found = rhythm_of(sorted(times))
    if found is not None:
        assert found.period_ms > 0
        assert found.count is None or 1 <= found.count <= 14
