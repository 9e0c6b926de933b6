"""How much is tried: everything in `packaging/dev.py test`, a part that touches every case in the everyday run.

`REKINDLE_TESTS=every` asks for everything.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

EVERYTHING = os.environ.get("REKINDLE_TESTS") == "every"


def deal(cards: Sequence[T], hands: int, name: str) -> list[list[T]]:
    """Deal cards out to so many hands, each card to one; to every hand all of them when everything is tried.

    Args:
        cards: What is dealt.
        hands: How many hands.
        name: Shuffles the cards: the same name shuffles them the same way every day.
    """
    if EVERYTHING:
        return [list(cards) for _ in range(hands)]
    shuffled = random.Random(name).sample(cards, len(cards))
    return [shuffled[hand::hands] for hand in range(hands)]


def examples(number: int) -> int:
    """How many examples Hypothesis makes up where `number` are wanted: a quarter of them in the everyday run."""
    return number if EVERYTHING else -(-number // 4)
