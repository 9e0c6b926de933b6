"""How every recipe that writes does it: look, plan, agree, keep what is there, write, read back, remember how far.

A recipe makes one `Rescue` per run, plans its targets with it, and writes them one after another in its own steps.
Run again with the same answers it skips what is already right, so finishing an interrupted rescue is running it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.text import Text
from app.work.plan import RescuePlan
from app.work.xray import Looked

if TYPE_CHECKING:
    from app.protocols.flash import FlashReport
    from app.work.job import Job


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to write.

    Attributes:
        title: What it is, for example `System part 1, 2.2.0`.
        region: Key of the platform's region it goes into.
        address: First address.
        content: The bytes.
        why: Why it is written, and why at this place in the order.
        source: Where the bytes come from, for example the name of a file.
        into_settings: Whether it is meant to go into memory that holds keys and settings (never over a key).
    """

    title: Text
    region: str
    address: int
    content: bytes = field(repr=False)
    why: Text
    source: str
    into_settings: bool = False


class Rescue:
    """One writing run on one board.

    Attributes:
        touched: Keys of the regions that were written to so far.
    """

    def __init__(self, recipe_key: str, answers: Mapping[str, object] | None = None) -> None:
        """Take what is needed to run the recipe again later: its key and the answers that shaped it."""
        self.touched: set[str] = set()

    def prepare(self, job: Job) -> None:
        """Before anything is asked of the board: make sure that what is there can be kept on this computer."""

    def plan(
        self,
        job: Job,
        looked: Looked,
        targets: Sequence[Target],
        *,
        stays: Sequence[Text] = (),
        needs: Sequence[Text] = (),
        warnings: Sequence[Text] = (),
        extra_seconds: float = 0.0,
    ) -> RescuePlan:
        """Work out what will change, without changing anything; the board has to be in update mode.

        Args:
            job: The run.
            looked: What is on the board.
            targets: What to write, in order; one may go over an earlier one.
            stays: What is left alone, in words.
            needs: What else is needed.
            warnings: What a person must not miss.
            extra_seconds: How long everything but writing takes.
        """
        raise NotImplementedError

    def agree(self, job: Job, plan: RescuePlan) -> None:
        """Show the plan (question `plan`) and begin the journal once it was agreed to.

        Raises:
            Cancelled: It was not.
        """

    def keep(self, job: Job, regions: Sequence[str]) -> None:
        """Keep the content of regions that will not be written, for example the sectors with keys; after `agree`."""

    def write(self, job: Job, target: Target, *, done: int = 0, total: int = 0) -> FlashReport:
        """Keep what is there, write one target of the plan, and read it back.

        Args:
            job: The run.
            target: One of those planned; they are written in the planned order.
            done: Bytes of the step done before this target.
            total: Bytes of the whole step; 0 when it is this target alone.
        """
        raise NotImplementedError

    def finish(self, job: Job) -> None:
        """Close the journal, and those of earlier interrupted runs of this recipe on this board."""
