"""Whether an image belongs on a board and into a slot, and if not, why: in words a person understands.

Everything comes from the board table's rows and from device-protocol.md 7.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.firmware.image import Function, Image
from app.platforms.model import Platform, Region
from app.text import Text


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why an image should not be written.

    Attributes:
        code: Stable and searchable, for example `wrong-board`.
        words: What is wrong.
        next_step: What to do instead.
        absolute: Whether it can never be overridden.
    """

    code: str
    words: Text
    next_step: Text
    absolute: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found out about an image, a board and a slot.

    Attributes:
        ok: There is no problem.
        region: Key of the region the image is meant for or was asked about; None when the board has no place for it.
        problems: Why not, the gravest first.
        place: That region's row; for complete firmware of a board with parts it is one of `monolithic_regions`.
    """

    ok: bool
    region: str | None
    problems: tuple[Problem, ...]
    place: Region | None = None

    @property
    def absolute(self) -> bool:
        """Whether a problem among them can never be overridden."""
        return any(problem.absolute for problem in self.problems)


def judge(
    image: Image,
    platform: Platform,
    *,
    region: str | None = None,
    installed: Mapping[tuple[Function, int], int] | None = None,
) -> Judgement:
    """Judge whether an image may be written.

    Args:
        image: What would be written.
        platform: The board.
        region: Key of the platform's region it would go into; None to be told where it belongs.
        installed: Versions by function and index of what is on the board, or will be when it is this image's turn;
            None when that is not known: dependencies are not judged then.

    Raises:
        KeyError: The platform has no region of that key.
    """
    raise KeyError(region)
