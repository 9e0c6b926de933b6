"""What every recipe says about itself, and what it hands to the runner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import ClassVar, Self

from app.text import Text, text
from app.work.board import Board
from app.work.events import Outcome
from app.work.job import Job
from app.work.step import Step


@unique
class Group(Enum):
    """Under which heading a recipe stands."""

    SET_UP = "set-up"
    KEEP_SAFE = "keep-safe"
    KEYS = "keys"
    CLOUD = "cloud"
    RESCUE = "rescue"


GROUP_TITLES = {
    Group.SET_UP: text("Group", "Set up"),
    Group.KEEP_SAFE: text("Group", "Keep safe"),
    Group.KEYS: text("Group", "Keys and clouds"),
    Group.CLOUD: text("Group", "Your boards in the cloud"),
    Group.RESCUE: text("Group", "Rescue"),
}
"""The headings, in the order of the first page."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a recipe can be done with a board; `reason` says why not and is None when it can."""

    reason: Text | None = None

    @property
    def ok(self) -> bool:
        """Whether it can be done."""
        return self.reason is None

    @classmethod
    def yes(cls) -> Self:
        """It can be done."""
        return cls()

    @classmethod
    def no(cls, reason: Text) -> Self:
        """It cannot be done, for this reason."""
        return cls(reason)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a person should know before a run starts; the plan page shows it.

    Attributes:
        reads: What is read from the board.
        writes: What is written to the board, or that nothing is.
        keeps: What is kept, and where.
        takes: How long it takes.
        risks: What could go wrong, and what then.
        changes_board: Whether a run may change the board's memory.
    """

    reads: Text
    writes: Text
    keeps: Text
    takes: Text
    risks: tuple[Text, ...] = ()
    changes_board: bool = False


class Recipe(ABC):
    """A recovery procedure. One instance serves one run; what the run learns is kept in typed attributes.

    Attributes:
        key: Stable name, used by `rekindle run`.
        title: What it does, in the imperative.
        summary: For whom and what for, one or two sentences.
        group: Under which heading it stands.
        promise: What the plan page says before it starts.
        needs_account: Whether it asks a cloud, so that somebody has to be signed in there.
    """

    key: ClassVar[str]
    title: ClassVar[Text]
    summary: ClassVar[Text]
    group: ClassVar[Group]
    promise: ClassVar[Promise]
    needs_account: ClassVar[bool] = False

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Say whether this can be done with the board as it is now. Pure; asks nobody."""
        return Fit.yes()

    @classmethod
    def needs_files(cls, board: Board) -> tuple[str, ...]:
        """Return the names of the rescue pack's files a run needs, if its questions are answered in the usual way.

        Pure, like `fit`; only asked for a board that fits.
        """
        return ()

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """Return the parts in order; they are the same on every board."""

    @abstractmethod
    def outcome(self) -> Outcome:
        """Say what happened; called once, after the last step."""

    def tidy(self, job: Job) -> None:
        """Try to leave the board as it was found; called once after a fault, a stop or a bug.

        Whatever it raises is logged and never hides the first reason. It cannot be stopped and must be short.
        """
        return
