"""One part of a recipe: a title for the person and a function that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.text import Text

if TYPE_CHECKING:
    from app.work.job import Job


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a recipe.

    Attributes:
        title: What it does, in the imperative.
        run: Does it; gets the job and nothing else.
        weight: Share of the whole run's progress, relative to the other steps.
        can_stop: Whether *Stop* may take effect inside it; if not, it takes effect after it.
        detail: A second sentence for the plan, or None.
        goes_on: Whether a stop does not take effect after it either, because the next step has to follow.
        stop_waits: What a stop waits for inside it although it may take effect there; None where it waits for nothing.
    """

    title: Text
    run: Callable[[Job], None]
    weight: float = 1.0
    can_stop: bool = True
    detail: Text | None = None
    goes_on: bool = False
    stop_waits: Text | None = None
