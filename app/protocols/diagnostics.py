"""What a board tells of its own health: one JSON object of names and values (device-protocol.md 5.3, 6.3)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from app.faults import WrongAnswer

Diagnostics = Mapping[str, int | float | bool]
MOST_VALUES = 200
LONGEST_NAME = 64


def parse_diagnostics(told: str) -> Diagnostics:
    """Return the numbers a board tells by their names; empty when it says that it cannot.

    Words are left out: no source says what may stand in them, and a network's name is nobody's business.

    Raises:
        WrongAnswer: It is no such object.
    """
    try:
        found = json.loads(told.strip())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WrongAnswer(f"diagnostics of {len(told)} characters are no JSON object")
    if set(found) == {"err"}:
        return {}
    numbers = {
        name: value
        for name, value in found.items()
        if isinstance(value, int | float) and math.isfinite(value) and name.isprintable() and len(name) <= LONGEST_NAME
    }
    return dict(list(numbers.items())[:MOST_VALUES])
