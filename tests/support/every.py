"""How much is tried: a few of all combinations, many of them, or every one.

`REKINDLE_TESTS` says it: "few" (not set: `packaging/dev.py quick`), "many" (`packaging/dev.py test`) or "every"
(`packaging/dev.py test --every`, before a release). Whatever is chosen touches each case; which combinations are in a
choice is the same every day.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

FEW, MANY, ALL = "few", "many", "every"
CHOSEN = os.environ.get("REKINDLE_TESTS") or FEW
if CHOSEN not in (FEW, MANY, ALL):
    raise ValueError(f"REKINDLE_TESTS is {CHOSEN!r}, not {FEW!r}, {MANY!r} or {ALL!r}")
EVERYTHING = CHOSEN == ALL

tried: dict[str, tuple[int, int]] = {}
"""For each choice that was made in this process: how many combinations were taken, and of how many."""


def words() -> str:
    """What is tried, for the head of the output."""
    return {
        FEW: "a few of each case, a quarter of the made-up examples (REKINDLE_TESTS=many or =every tries more)",
        MANY: "many of each case, half of the made-up examples (REKINDLE_TESTS=every tries all)",
        ALL: "every combination",
    }[CHOSEN]


def amount(few: int, every: int, name: str, cases: int) -> int:
    """How many are tried in each of so many cases: twice as many for many."""
    taken = {FEW: few, MANY: min(2 * few, every), ALL: every}[CHOSEN]
    _note(name, taken * cases, every * cases)
    return taken


def deal(cards: Sequence[T], hands: int, name: str) -> list[list[T]]:
    """Deal cards out to so many hands: each card to one, or to two that are far apart, or to every hand.

    Args:
        cards: What is dealt.
        hands: How many hands.
        name: Shuffles the cards: the same name shuffles them the same way every day.
    """
    dealt = _deal(cards, hands, name)
    _note(name, sum(map(len, dealt)), hands * len(cards))
    return dealt


def part(cards: Sequence[T], of: int, name: str) -> list[T]:
    """Take one part of so many: the first hand of those that would be dealt; twice as much for many."""
    hand = _deal(cards, of, name)[0]
    _note(name, len(hand), len(cards))
    return hand


def each(cards: Sequence[T], distance: int, name: str, first: int = 0) -> list[T]:
    """Take the first card and each at so great a distance from the one before; at half of it for many."""
    taken = list(cards[first :: {FEW: distance, MANY: distance // 2}[CHOSEN]] if not EVERYTHING else cards)
    _note(name, len(taken), len(cards))
    return taken


def examples(number: int) -> int:
    """How many examples Hypothesis makes up where `number` are wanted: a quarter for a few, half of them for many."""
    return -(-number // {FEW: 4, MANY: 2, ALL: 1}[CHOSEN])


def _deal(cards: Sequence[T], hands: int, name: str) -> list[list[T]]:
    if EVERYTHING:
        return [list(cards) for _ in range(hands)]
    shuffled = random.Random(name).sample(cards, len(cards))
    starts = [(0,), (0, hands // 2)][CHOSEN == MANY and hands > 1]
    return [[card for start in starts for card in shuffled[(hand + start) % hands :: hands]] for hand in range(hands)]


def _note(name: str, taken: int, whole: int) -> None:
    tried[f"{name} {whole}"] = (taken, whole)
