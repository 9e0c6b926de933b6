"""Which pieces of what was kept are put back, and in which order (device-protocol.md 2.4.11, 3.1, 3.5, 7.2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.firmware.image import Function, find
from app.firmware.releases import version_of
from app.platforms.model import BootLoader, Medium, Platform
from app.protocols.flash import reachable
from app.recipes.system_set import FIRST_WITH_DCT, LOADER
from app.recipes.waiting import FLAG, ORDERS, orders_in
from app.text import text
from app.work.kept import Kept, Piece
from app.work.spans import Target
from app.work.verdicts import CORE_FLAGS, PENDING_UPDATE

PART_2 = "system-2"
BOOT_LOADER = "bootloader"  # so begin the keys of all slots that hold some of it
RUNS = ("system-", "user", "application")
ITS_OWN = frozenset({CORE_FLAGS, "reserved"})
"""Slots that hold no firmware but the state of one board, and what its maker noted about it (3.1, 3.2)."""

_WHY_OFF = text("PutBack", "First: nothing may be installed by itself while the firmware is half-written.")
_WHY_COPY = text("PutBack", "Nothing runs from here, so it comes before what does.")
_WHY_ON = text("PutBack", "This mark stood here before, and what it installs is whole again by now.")
_WHY_SYSTEM = text("PutBack", "The system, part by part; programs build on it.")
_WHY_PROGRAM = text("PutBack", "After the system it needs.")
_WHY_FLAGS = text("PutBack", "Last: they decide what happens at the next start.")
_WHY_KEYS = text("PutBack", "You asked for it, and it is proven that they are from this very board.")
_WHY_LATE = text("PutBack", "At the end: this boot loader reaches it only when the system parts are whole.")

_TITLE = text("PutBack", "{place}, as it was on {when}")
_FLAG_TITLE = text("PutBack", "Mark of a waiting update, as it was on {when}")


class Order:
    """The pieces that are put back, each where its turn comes.

    Attributes:
        early: What nothing runs from, and the marks.
        firmware: What runs, and keys that are no settings.
        late: What can be reached only once the system parts are whole.
    """

    def __init__(self, platform: Platform, kept: Kept, *, reached: bool) -> None:
        """Begin with none.

        Args:
            platform: Of the board.
            kept: What is put back.
            reached: Whether the settings can be reached now.
        """
        self._platform = platform
        self._kept = kept
        self._reached = reached
        self.early: list[Target] = []
        self.firmware: list[Target] = []
        self.late: list[Target] = []

    @property
    def targets(self) -> list[Target]:
        """All of them, in order."""
        return [*self.early, *self.firmware, *self.late]

    def place(self, piece: Piece) -> None:
        """Make a target of a piece and put it where its turn comes."""
        moment = when(self._kept.made)
        title = _TITLE.with_values(place=piece.region.name, when=moment)
        pending = piece.settings and _pending(self._platform, piece)
        if piece.settings and not piece.key:
            title = _FLAG_TITLE.with_values(when=moment)
        late = piece.settings and not self._reached
        runs = piece.region.key.startswith(RUNS) or piece.region.key == CORE_FLAGS
        if late:
            why, where = _WHY_LATE, self.late
        elif piece.settings:
            why, where = (_WHY_ON if pending else _WHY_KEYS if piece.key else _WHY_OFF), self.early
        elif piece.key:
            why, where = _WHY_KEYS, self.firmware
        elif piece.region.key == CORE_FLAGS:
            why, where = _WHY_FLAGS, self.firmware
        elif runs:
            why, where = (_WHY_SYSTEM if piece.region.key.startswith("system-") else _WHY_PROGRAM), self.firmware
        else:
            why, where = _WHY_COPY, self.early
        where.append(
            Target(
                title,
                piece.region.key,
                piece.address,
                piece.content,
                why,
                self._kept.name,
                into_settings=piece.settings,
                over_key=piece.key,
                later=late,
            )
        )

    def sort(self) -> None:
        """Bring what was placed into its order."""
        rank = {row.key: number for number, row in enumerate(self._platform.regions)}
        self.firmware.sort(key=lambda target: (_turn(target), rank[target.region]))
        self.early.sort(key=lambda target: (_early_turn(self._platform, target), rank[target.region]))

    def loader_wanted(self) -> int:
        """Return the least version of the boot loader that the firmware asks for (7.2); 0 when it asks for none."""
        images = [
            find(target.content, target.address, self._platform)
            for target in self.firmware
            if target.region.startswith("system-") and target.region != CORE_FLAGS
        ]
        return max(
            (
                need.version
                for image in images
                if image is not None
                for need in image.dependencies
                if (need.function, need.index) == LOADER
            ),
            default=0,
        )

    def ends_reach(self) -> bool:
        """Whether a boot loader that needs part 2 for it reaches the settings no more once this is written (2.4.11)."""
        part = next((target for target in self.firmware if target.region == PART_2), None)
        if part is None:
            return False
        image = find(part.content, part.address, self._platform)
        least = version_of(FIRST_WITH_DCT, Function.SYSTEM)
        return image is None or not image.crc_ok or (image.version or 0) < least


def worth_reading(platform: Platform, loader: BootLoader, pieces: Sequence[Piece], *, own: bool) -> list[Piece]:
    """Return the pieces that can be compared; of the settings of a whole board also the marks in them alone.

    Args:
        platform: Of the board.
        loader: Its boot loader.
        pieces: What was kept.
        own: Whether it may be this board's; of another one's only plain firmware is wanted.
    """
    found = [
        piece
        for piece in pieces
        if reachable(platform, loader, piece.region) and (piece.region.writable or not piece.key)
    ]
    if not own:
        return [piece for piece in found if not (piece.key or piece.settings or piece.region.key in ITS_OWN)]
    marks = [_cut(platform, piece, key) for piece in found if piece.settings and piece.key for key in (FLAG, ORDERS)]
    return [*found, *(mark for mark in marks if mark is not None)]


def when(moment: datetime) -> str:
    """Return a moment as people here write it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def whole(chosen: Sequence[Piece], current: Sequence[bytes | None]) -> dict[str, bytes]:
    """Return what was read of whole slots, so that it need not be read again for the plan."""
    return {
        piece.region.key: there
        for piece, there in zip(chosen, current, strict=True)
        if there is not None and piece.address == piece.region.start and len(there) == piece.region.size
    }


def _cut(platform: Platform, piece: Piece, key: str) -> Piece | None:
    """Return one field out of settings, which is no key; None when the piece does not hold it."""
    field = platform.field(key)
    at = field.address - piece.address
    if field.alt != piece.region.alt or at < 0 or at + field.size > len(piece.content):
        return None
    return Piece(piece.region, field.address, piece.content[at : at + field.size])


def _pending(platform: Platform, piece: Piece) -> bool:
    """Whether a mark among these settings makes the board install something at its next start (3.5)."""
    flag, orders = _cut(platform, piece, FLAG), _cut(platform, piece, ORDERS)
    if flag is not None and flag.content[0] == PENDING_UPDATE:
        return True
    return orders is not None and bool(orders_in(orders.content))


def _early_turn(platform: Platform, target: Target) -> int:
    """Marks that come off, then copies, then marks that come back."""
    if platform.region(target.region).medium is not Medium.DCT:
        return 1
    return 2 if target.why is _WHY_ON else 0


def _turn(target: Target) -> int:
    """System, program, flags, keys."""
    if target.over_key:
        return 3
    if target.region == CORE_FLAGS:
        return 2
    return 0 if target.region.startswith("system-") else 1
