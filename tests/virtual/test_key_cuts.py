"""Mishaps in every recipe that writes keys, a few; `tests/bench/sweep_keys.py` plays every one at every transfer."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from support.every import amount
from support.key_cuts import CASES, EVERY_KIND, End, KeyCase, KeyWhole, play, quick_keys, whole_run
from support.secret_bytes import Told

A_CASE = amount(1, 60, "mishaps amid writing a key", len(CASES))  # mishaps played in each


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[KeyCase], KeyWhole]:
    """What comes of a case that nothing disturbs; run once for each."""

    @cache
    def known(case: str) -> KeyWhole:
        return whole_run(next(each for each in CASES if str(each) == case), tmp_path_factory.mktemp("whole"))

    return lambda case: known(str(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case).replace(" ", "-"))
def test_no_mishap_loses_a_key_or_touches_anything_else(
    case: KeyCase, whole: Callable[[KeyCase], KeyWhole], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = Told()
    with quick_keys():
        undisturbed = whole(case)
        cards = [(kind, number) for kind in EVERY_KIND for number in undisturbed.numbers(kind)]
        for hand, (kind, number) in enumerate(random.Random(str(case)).sample(cards, A_CASE)):
            end = list(End)[hand % len(End)]
            found = play(case, undisturbed, kind, number, end, tmp_path / str(hand), told)
            assert not found.wrong, found
    assert told.lines > 50, "hardly anything was told"
    assert "bug" not in caplog.text
