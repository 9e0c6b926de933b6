"""Looks at what a board in update mode holds, slot by slot, and changes nothing.

Only as much is read as is needed to tell: the head of an image first, then as many bytes as it says it has. Of memory
that holds keys and settings only "blank" or "kept" is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.work.plan import XRay

if TYPE_CHECKING:
    from app.firmware.image import Function
    from app.work.job import Job


@dataclass(frozen=True, slots=True)
class Looked:
    """An X-ray with what was read for it.

    Attributes:
        xray: What is where, and what that means.
        memory: The bytes that were read of each region that holds no secret, from its start, by the region's key.
        installed: Version of every sound image, by function and index.
    """

    xray: XRay
    memory: Mapping[str, bytes] = field(repr=False)
    installed: Mapping[tuple[Function, int], int]


def look(job: Job, regions: Collection[str] | None = None) -> Looked:
    """Read what a board in update mode holds.

    Args:
        job: The run; progress goes to its step.
        regions: Keys of the regions to look at; None for all. A verdict of less than all is of these only.

    Raises:
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    raise NotImplementedError
