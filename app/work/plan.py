"""What is on a board and what a rescue will write: plain frozen data, shown before the first byte is written.

An `XRay` says slot by slot what a board holds now. A `RescuePlan` adds what will be written, where and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.text import Text, text


@unique
class SlotState(Enum):
    """What a slot holds."""

    GOOD = "good"  # a whole image of the right kind
    UNPROVEN = "unproven"  # an image that carries no checksum, so only its first words could be checked
    BLANK = "blank"
    DAMAGED = "damaged"  # an image whose checksum is wrong, or that is cut off
    MISFIT = "misfit"  # a whole image that does not belong here, or whose dependencies are not met
    UNKNOWN = "unknown"  # bytes that are no image
    UNREADABLE = "unreadable"  # the boot loader cannot give it now
    KEPT = "kept"  # settings and keys: counted, never shown


STATE_WORDS: dict[SlotState, Text] = {
    SlotState.GOOD: text("XRay", "Good"),
    SlotState.UNPROVEN: text("XRay", "Looks good"),
    SlotState.BLANK: text("XRay", "Empty"),
    SlotState.DAMAGED: text("XRay", "Damaged"),
    SlotState.MISFIT: text("XRay", "Does not fit"),
    SlotState.UNKNOWN: text("XRay", "Not known"),
    SlotState.UNREADABLE: text("XRay", "Not readable"),
    SlotState.KEPT: text("XRay", "Kept"),
}
"""A state in a word or two, for people."""


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot of an X-ray.

    Attributes:
        region: Key of the platform's region.
        name: What the slot is for.
        alt: DFU alternate setting.
        start: First address.
        size: Bytes of the slot.
        used: Bytes the content takes, 0 when blank or not known.
        state: What it holds.
        what: The content in words, for example `System part 1, 2.2.0`.
        detail: A second sentence, why it is judged so; None when there is nothing to add.
        version: Module version number, None when it has none.
        sha256: Of the `used` bytes, 64 hex digits; "" for secrets and for what was not read.
    """

    region: str
    name: Text
    alt: int
    start: int
    size: int
    used: int
    state: SlotState
    what: Text
    detail: Text | None = None
    version: int | None = None
    sha256: str = ""


@unique
class Health(Enum):
    """The verdict of an X-ray."""

    NOTHING_WRONG = "nothing-wrong"
    OVER_USB = "over-usb"  # something is wrong, and it can be repaired over USB
    OTHER_TOOL = "other-tool"  # needs SWD or JTAG
    UNDECIDED = "undecided"  # not everything could be read


HEALTH_WORDS: dict[Health, Text] = {
    Health.NOTHING_WRONG: text("XRay", "Nothing wrong was found."),
    Health.OVER_USB: text("XRay", "Something is wrong, and it can be repaired over USB."),
    Health.OTHER_TOOL: text("XRay", "Something is wrong that only another tool (SWD or JTAG) can surely repair."),
    Health.UNDECIDED: text("XRay", "Not everything could be read, so nothing certain can be said."),
}
"""A verdict in a sentence, for people."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an X-ray means: how the board is, why, and which recipes (by key) would help, best first."""

    health: Health
    reasons: tuple[Text, ...] = ()
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class XRay:
    """What a board holds, slot by slot in order of address, and what that means."""

    platform: str
    slots: tuple[SlotView, ...]
    verdict: Verdict

    def slot(self, region: str) -> SlotView:
        """Return the slot of that region; KeyError when it was not looked at."""
        return {found.region: found for found in self.slots}[region]


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One thing that will be written.

    Attributes:
        title: What, for example `System part 1, 2.2.0`.
        region: Key of the platform's region it goes into.
        where: That region's name.
        alt: DFU alternate setting.
        address: First address.
        size: Bytes of the content.
        changed: Bytes that differ from what is there now; None when that is known only later.
        why: Why it is written, and why at this place in the order.
        source: Where the bytes come from, for example the name of a file.
        seconds: How long it will take.
    """

    title: Text
    region: str
    where: Text
    alt: int
    address: int
    size: int
    changed: int | None
    why: Text
    source: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RescuePlan:
    """What will be done with a board, in order, before it is done.

    Attributes:
        xray: What is on the board now.
        writes: What will be written, in order.
        stays: What is left alone, in words.
        needs: What else is needed, for example stored Wi-Fi networks.
        warnings: What a person must not miss, for example a downgrade.
        seconds: How long the whole will take.
    """

    xray: XRay
    writes: tuple[PlannedWrite, ...]
    stays: tuple[Text, ...] = ()
    needs: tuple[Text, ...] = ()
    warnings: tuple[Text, ...] = ()
    seconds: float = 0.0
