"""Cutting a rescue off at a chosen transfer, starting the program anew, finishing it, and judging what came of it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Protocol
from unittest import mock

from app.firmware.pack import RescuePack
from app.flow import to_put_back
from app.keys.clouds import CloudBook
from app.keys.safe import KeySafe
from app.platforms.table import platform
from app.recipes.base import Recipe
from app.recipes.deep_update import DeepUpdate
from app.recipes.full_firmware_upgrade import FullFirmwareUpgrade
from app.recipes.put_back import PutBack
from app.recipes.restore_system import RestoreSystem
from app.undo.rescue import InterruptedRescue
from app.undo.store import UndoStore
from app.virtual.enumeration import Enumeration
from app.virtual.machine import Memories, Phase
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, PlanReady, StepStarted, Succeeded
from app.work.identity import IdentityBook
from support.clock import FastClock
from support.desk import BOOT_S, RUNNING, Desk, desk
from support.person import Person

PORT = "1-1"
AWAY_S = 2.0  # a cable is not plugged in again at once
GAP_S = 1.0
SETTLED_S = 40.0  # after which a board that was plugged in does nothing by itself any more
STANDARD, TYPE = 0x00, 0x60  # bmRequestType: what is counted is class and vendor requests
INTERNAL = 0x0800_0000
PAGE = 1024
LITTERED = ("application", "factory", "system-1", "system-2", "user", "ota")
LITTER = bytes(range(1, 128))  # what may stand behind an image
BOOT_LOADER_END = 0x4000
CORE_FLAGS = range(0x4C00, 0x5000)  # of the Core's system (3.1)
SPI_KEYS = slice(0x1000, 0x3000)  # a Core's key sectors, and the servers' key in front of them (3.2)


class Kind(Enum):
    """How a run ends."""

    BEFORE = "gone_at"  # the cable comes off before that transfer
    AMID = "gone_amid"  # while the board carries it out
    AFTER = "gone_after"  # when the board has carried it out
    ALONE = "alone"  # between two transfers, while the board works alone or is away; counted in milliseconds
    KILLED = "killed"  # the program ends before that transfer; the board keeps its power and the state it is in


MISHAPS: dict[Kind, Callable[[int], Mishap]] = {
    Kind.BEFORE: lambda number: Mishap(gone_at=number),
    Kind.AMID: lambda number: Mishap(gone_amid=number),
    Kind.AFTER: lambda number: Mishap(gone_after=number),
}


class Killed(BaseException):
    """The program ended here: nothing reaches the board or the disk any more."""


class WrongAfterCut(BaseException):  # which no runner takes for a bug of the recipe
    """What must hold at every transfer and after every cut does not."""


def litter(place: Desk) -> None:
    """Fill the blank memory behind what is in each slot, so that nobody can lose what stands there unnoticed."""
    kind = place.board.personality.kind
    for region in platform(kind.key).regions:
        cells = place.board.internal if region.start >= INTERNAL else place.board.spi
        if region.secret or region.key not in LITTERED:
            continue
        start = region.start - INTERNAL if region.start >= INTERNAL else region.start
        used = len(bytes(cells[start : start + region.size]).rstrip(b"\xff"))
        rest = region.size - used
        cells[start + used : start + region.size] = (LITTER * (rest // len(LITTER) + 1))[:rest]


@dataclass(frozen=True)
class Case:
    """A rescue to cut.

    Attributes:
        recipe: What is run.
        board: Name of the practice board.
        mode: What it does when the run begins.
        answers: What the person answers.
        prepare: What is done to the board before.
    """

    recipe: type[Recipe]
    board: str
    mode: str = RUNNING
    answers: Mapping[str, object] = field(default_factory=dict)
    prepare: Callable[[Desk], None] = litter

    def lay(self, folder: Path, pack: RescuePack) -> Desk:
        """Lay the desk this case begins with; the same one each time."""
        place = desk(self.board, folder, self.mode, answers=self.answers, pack=pack)
        self.prepare(place)
        return place


UPGRADE = Case(
    FullFirmwareUpgrade, "core-old-radio", answers={"radio-patch": "1.13.7", "patch-again": "run", "plan": True}
)
# This person says at once that all is well: what the board does alone after that is not the program's any more.
UPDATE = Case(DeepUpdate, "core-old-radio", answers={"network": "known", "light": "cyan", "plan": True})
RESTORE_ANSWERS = {"release": "2.2.0", "application": "tinker", "downgrade": True, "plan": True}


def restore(board: str) -> Case:
    """Restoring the system of that practice board."""
    return Case(RestoreSystem, board, answers=RESTORE_ANSWERS)


@dataclass(frozen=True)
class Whole:
    """A run that nothing disturbed.

    Attributes:
        before: What the board held.
        after: What it holds at the end, once it has started.
        phases: For each transfer, the number of the step it belongs to; -1 before the first.
        titles: Of the steps.
        changing: Those transfers that changed memory.
        gaps: Where there were no transfers for a second or more: first and last millisecond, and the step.
    """

    before: Memories
    after: Memories
    phases: tuple[int, ...]
    titles: tuple[str, ...]
    changing: tuple[int, ...]
    gaps: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Cut:
    """What came of one cut.

    Attributes:
        kind: How the run ended.
        number: The transfer, counted from 1 in this run.
        phase: The step it was in.
        again: The transfer at which the run that finishes it ends in the same way; 0 for none. Yet another finishes it.
        changed: Whether the board holds something else than before the run.
        listed: Whether the next start offered to finish it.
        how: "finished", "begun anew" (nothing was written), or "done" (the run had reached its end).
        seconds: How long finishing took, on the board's clock.
        asked: What the person was asked meanwhile.
        wrong: What is not as it must be; "" when all is.
    """

    kind: Kind
    number: int
    phase: int
    again: int = 0
    changed: bool = False
    listed: bool = False
    how: str = ""
    seconds: float = 0.0
    asked: tuple[str, ...] = ()
    wrong: str = ""


@contextmanager
def before_each_transfer(act: Callable[[], None]) -> Iterator[None]:
    """Have something done before every transfer that a board counts, of any board."""
    control, bulk_out, bulk_in = Enumeration.control, Enumeration.bulk_out, Enumeration.bulk_in

    def watched(face: Enumeration, setup: bytes, data: bytes, patience: float | None = None) -> bytes:
        if setup[0] & TYPE != STANDARD:
            act()
        return control(face, setup, data, patience)

    def watched_out(face: Enumeration, endpoint: int, data: bytes) -> None:
        act()
        bulk_out(face, endpoint, data)

    def watched_in(face: Enumeration, endpoint: int, length: int) -> bytes:
        act()
        return bulk_in(face, endpoint, length)

    with (
        mock.patch.object(Enumeration, "control", watched),
        mock.patch.object(Enumeration, "bulk_out", watched_out),
        mock.patch.object(Enumeration, "bulk_in", watched_in),
    ):
        yield


@contextmanager
def power_lost_at(place: Desk, moment: float) -> Iterator[None]:
    """Have the cable pulled when the clock gets there."""
    pause = FastClock.pause
    pulled: list[bool] = []

    def watched(clock: FastClock, seconds: float) -> None:
        left = moment - clock.now()
        if not pulled and left <= seconds:
            pulled.append(True)
            pause(clock, left)
            place.board.unplug()
            seconds -= left
        pause(clock, seconds)

    with mock.patch.object(FastClock, "pause", watched):
        yield


def keys_in(place: Desk, memories: Memories | None = None) -> bytes:
    """Everything in the memory of keys, now or then; of a Core with whatever shares an erase unit with them."""
    board = place.board
    if board.spi_flash is not None:
        return bytes((board.serial_cells if memories is None else memories.serial)[SPI_KEYS])
    cells = board.dct_cells if memories is None else memories.dct
    slots = platform(board.personality.kind.key).key_slots
    return b"".join(bytes(cells[slot.address : slot.address + slot.size]) for slot in slots)


def differences(wanted: Memories, found: Memories) -> str:
    """Say where two states of a board differ; "" when they do not."""
    said = []
    for name in ("internal", "serial", "dct"):
        one, other = getattr(wanted, name), getattr(found, name)
        pages = [at for at in range(0, len(one), PAGE) if one[at : at + PAGE] != other[at : at + PAGE]]
        places = [at for page in pages for at in range(page, min(page + PAGE, len(one))) if one[at] != other[at]]
        if places:
            said.append(f"{name} 0x{places[0]:X} to 0x{places[-1]:X}, {len(places)} bytes")
    for name in ("protected", "profiles", "radio"):
        if getattr(wanted, name) != getattr(found, name):
            said.append(f"{name}: {getattr(found, name)}")
    return "; ".join(said)


def phase_of(place: Desk) -> int:
    """The step a run is in."""
    return next((event.step for event in reversed(place.person.events) if isinstance(event, StepStarted)), -1)


def settle(place: Desk) -> None:
    """Let everything happen that the board does by itself."""
    place.clock.pause(SETTLED_S)
    place.board.tick()


def run_whole(case: Case, folder: Path, pack: RescuePack) -> Whole:
    """Run a case to its end, and see to it that it ends right."""
    place = case.lay(folder, pack)
    keys, before, base = keys_in(place), place.board.memories(), place.board.transfers
    phases: list[int] = []
    changing: list[int] = []
    gaps: list[tuple[int, int, int]] = []
    changes = 0
    began = seen = place.clock.now()

    def note() -> None:
        nonlocal changes, seen
        now = place.clock.now()
        if now - seen >= GAP_S:
            gaps.append((round((seen - began) * 1000), round((now - began) * 1000), phase_of(place)))
        seen = now
        expect(keys_in(place) == keys, "the keys changed")
        face = place.board.face()
        done = face.dfu.changes if face is not None and face.dfu is not None else 0
        if done > changes:
            changing.append(len(phases))
        changes = done
        if place.board.transfers - base == len(phases):
            phases.append(phase_of(place))

    with before_each_transfer(note):
        last = place.play(case.recipe)
    if place.clock.now() - seen >= GAP_S:
        gaps.append((round((seen - began) * 1000), round((place.clock.now() - began) * 1000), phase_of(place)))
    expect(isinstance(last, Succeeded), f"the run that nothing disturbs ends in {last}")
    expect(len(phases) == place.board.transfers - base, "a transfer was not seen")
    settle(place)
    expect(place.board.phase is Phase.FIRMWARE, "the board does not run")
    plan = next(event for event in place.person.events if isinstance(event, PlanReady))
    titles = tuple(step.title.english() for step in plan.steps)
    return Whole(before, place.board.memories(), tuple(phases), titles, tuple(changing), tuple(gaps))


def expect(holds: bool, otherwise: str) -> None:
    """Insist on something.

    Raises:
        WrongAfterCut: It does not hold.
    """
    if not holds:
        raise WrongAfterCut(otherwise)


class Ending:
    """Ends a run at a chosen transfer. Made when the run begins; `before_each_transfer(ending)` plays it."""

    def __init__(self, place: Desk, kind: Kind, number: int) -> None:
        self._place = place
        self._kind = kind
        self._at = place.board.transfers + number
        self._keys = keys_in(place)
        self.killed = False
        if kind is not Kind.KILLED:
            place.board.mishap = MISHAPS[kind](self._at)

    def __call__(self) -> None:
        expect(keys_in(self._place) == self._keys, "the keys changed")
        if self._kind is Kind.KILLED and self._place.board.transfers + 1 >= self._at:
            self.killed = True
            raise Killed


def play_cut(case: Case, place: Desk, kind: Kind, number: int, answers: Mapping[str, object] | None = None) -> Event:
    """Run a case until it ends at that transfer, counted from 1, or millisecond; return the last event."""
    if kind is Kind.ALONE:
        with power_lost_at(place, place.clock.now() + number / 1000):
            return place.play(case.recipe, answers)
    with before_each_transfer(Ending(place, kind, number)), contextlib.suppress(Killed):
        place.play(case.recipe, answers)
    return place.person.events[-1]


def cut(place: Desk, recipe: type[Recipe], kind: Kind, number: int, answers: Mapping[str, object]) -> Event:
    """Run a recipe until it ends at that transfer, counted from now on; return the last event."""
    mark = place.board.transfers + number

    def ending() -> None:
        if kind is Kind.KILLED and place.board.transfers + 1 >= mark:
            raise Killed

    mishaps = {
        Kind.BEFORE: Mishap(gone_at=mark),
        Kind.AMID: Mishap(gone_amid=mark),
        Kind.AFTER: Mishap(gone_after=mark),
    }
    place.board.mishap = mishaps.get(kind, Mishap.NONE)
    with before_each_transfer(ending), contextlib.suppress(Killed):
        place.play(recipe, answers)
    return place.person.events[-1]


def come_back(place: Desk, kind: Kind) -> None:
    """The board is there again: plugged in anew, or as the ended program left it."""
    place.board.mishap = Mishap.NONE
    if kind is not Kind.KILLED:
        place.bus.unplug(place.board)
        place.clock.pause(AWAY_S)
        place.bus.plug(place.board, PORT)
        place.clock.pause(BOOT_S)


class Answered(Protocol):
    """What a person has in mind, for example that of a `Case`."""

    @property
    def answers(self) -> Mapping[str, object]:
        """What the person answers."""


def start_anew(case: Answered, place: Desk, folder: Path) -> Desk:
    """The program starts once more: nothing of the run before is left but the board and what is on the disk.

    The stores are copied, because in this process an ended program still seems to be at work on its journal.
    """
    place.bus.close()
    shutil.copytree(place.undo.root.parent, folder)
    safe = KeySafe(folder / "safe", practice=True)
    anew = replace(
        place,
        safe=safe,
        book=IdentityBook(place.clock),
        person=Person(place.board, case.answers),
        undo=UndoStore(folder / "boards", safe=safe),
        clouds=CloudBook(folder / "clouds"),
    )
    anew.book.look(anew.bus.sightings())
    return anew


def finish_after(case: Case, whole: Whole, place: Desk, folder: Path, cut: Cut, last: Event) -> Cut:
    """After a cut: bring the board back, start anew, finish what was begun; judge everything.

    Args:
        case: What was run.
        whole: The same run without a cut.
        place: The desk as the cut left it.
        folder: A folder that does not exist yet, for the stores of the program that starts anew.
        cut: Which cut it was.
        last: The last event of the run that was cut.

    Returns:
        What came of it.
    """
    try:
        place, listed, cut = _next_start(case, whole, place, folder, cut, last)
        if cut.how == "done":
            return _at_the_end(whole, place, cut)
        kept = listed
        if cut.again:
            last = play_cut(case, place, cut.kind, cut.again, _answers(listed))
            place, listed, cut = _next_start(case, whole, place, folder.with_name(f"{folder.name}-again"), cut, last)
        if cut.how != "done":
            began = place.clock.now()
            with before_each_transfer(_Guard(place, keys_in(place, whole.before))):
                last = place.play(case.recipe, _answers(listed))
            cut = replace(
                cut,
                how="finished" if listed else "begun anew",
                seconds=place.clock.now() - began,
                asked=tuple(event.question.name for event in place.person.events if isinstance(event, Asked)),
            )
            expect(isinstance(last, Succeeded), f"finishing it ends in {last}")
        for rescue in kept:
            _look_at_kept(place, whole, place.undo.rescue(rescue.id))
        return _at_the_end(whole, place, cut)
    except WrongAfterCut as wrong:
        return replace(cut, wrong=str(wrong))


def put_back_after(case: Case, whole: Whole, place: Desk, folder: Path, cut: Cut, last: Event) -> Cut:
    """After a cut: bring the board back, start anew, put back what was there; judge everything. As `finish_after`.

    With `cut.again`, putting it back is cut as well, and finished after that.
    """
    try:
        place, listed, cut = _next_start(case, whole, place, folder, cut, last)
        if not listed:
            return replace(cut, how=cut.how or "nothing to put back")
        back = replace(case, recipe=PutBack, answers={**case.answers, "with-keys": False, "other-board": True})
        place.person.answers = dict(back.answers)
        key, given = to_put_back(listed[0])
        answers = dict(given)
        expect(key == PutBack.key, f"it is put back by {key}")
        if cut.again:
            last = play_cut(back, place, cut.kind, cut.again, answers)
            place, listed, cut = _next_start(
                back, whole, place, folder.with_name(f"{folder.name}-again"), cut, last, most=2
            )
            for rescue in listed:
                if rescue.recipe == PutBack.key:
                    answers = {**rescue.answers, "resume": rescue.id}
        if cut.how != "done":
            began = place.clock.now()
            with before_each_transfer(_Guard(place, keys_in(place, whole.before))):
                last = place.play(PutBack, answers)
            cut = replace(cut, how="put back", seconds=place.clock.now() - began)
            expect(isinstance(last, Succeeded), f"putting it back ends in {last}")
        now = place.board.memories()
        before = replace(whole.before, radio=now.radio)  # which nothing brings back
        if now.dct:  # a boot loader that the new system has installed meanwhile stays
            before = replace(before, internal=now.internal[:BOOT_LOADER_END] + before.internal[BOOT_LOADER_END:])
        return _at_the_end(replace(whole, after=before), place, cut)
    except WrongAfterCut as wrong:
        return replace(cut, wrong=str(wrong))


def _answers(listed: Sequence[InterruptedRescue]) -> dict[str, object] | None:
    """What the window gives a run that finishes an interrupted one."""
    return {**listed[0].answers, "resume": listed[0].id} if listed else None


def _next_start(
    case: Case, whole: Whole, place: Desk, folder: Path, cut: Cut, last: Event, *, most: int = 1
) -> tuple[Desk, Sequence[InterruptedRescue], Cut]:
    """Bring the board back and start the program; what it offers to finish must fit what is on the board."""
    expect(not isinstance(last, Failed) or last.code != "bug", f"a bug when it was cut: {last}")
    expect(keys_in(place) == keys_in(place, whole.before), "the cut changed keys")
    changed = _but_flags(place.board.memories()) != _but_flags(whole.before)
    come_back(place, cut.kind)
    # A person brings the board into update mode where nothing shows on USB, and every other time in any case.
    if not isinstance(last, Succeeded) and (cut.number % 2 or not place.bus.sightings()):
        place.hand_into_dfu()
        expect(bool(place.bus.sightings()), "the board does not come into update mode")
    place = start_anew(case, place, folder)
    listed = place.undo.interrupted()
    cut = replace(cut, changed=changed, listed=bool(listed))
    expect(len(listed) <= most, "more are offered to be finished than were begun")
    if isinstance(last, Succeeded):
        expect(not listed, "it is offered to be finished although it said it had ended well")
        return place, (), replace(cut, how="done")
    expect(bool(listed) or not changed, "the board was changed and nothing is offered to be finished")
    return place, listed, cut


def _at_the_end(whole: Whole, place: Desk, cut: Cut) -> Cut:
    """Judge the board and the store once everything is done."""
    settle(place)
    expect(not place.undo.interrupted(), "something is still offered to be finished")
    expect(place.board.phase is Phase.FIRMWARE, f"the board does not run: {place.board.phase}")
    expect(keys_in(place) == keys_in(place, whole.before), "the keys changed")
    found = differences(whole.after, place.board.memories())
    expect(not found, f"not as after a whole run: {found}")
    return cut


def _but_flags(memories: Memories) -> tuple[bytes, ...]:
    """What only a rescue changes: a Core notes in its flags that it was let go of (2.2), and a Photon its ID (3.5)."""
    flags = len(memories.dct) == 0
    internal = (
        memories.internal[: CORE_FLAGS.start] + memories.internal[CORE_FLAGS.stop :] if flags else memories.internal
    )
    return internal, memories.serial


def _look_at_kept(place: Desk, whole: Whole, rescue: InterruptedRescue) -> None:
    """What is put back is what was there, byte for byte, and it covers all that was to be written."""
    before = whole.before
    for piece in rescue.to_put_back:
        inside = piece.alt == 0
        cells = before.internal if inside else before.dct if piece.alt == 1 and before.dct else before.serial
        start = piece.address - INTERNAL if inside else piece.address
        expect(
            place.undo.read(piece) == cells[start : start + piece.size],
            f"what is kept of {piece.region} is not what was there",
        )
    for target in rescue.planned:
        kept = any(
            piece.alt == target.alt and piece.address <= target.address and target.address + target.size <= piece.end
            for piece in rescue.to_put_back
        )
        expect(kept, f"nothing is kept of {target.region}")


class _Guard:
    """Watches the keys while a rescue is finished."""

    def __init__(self, place: Desk, keys: bytes) -> None:
        self._place, self._keys = place, keys

    def __call__(self) -> None:
        expect(keys_in(self._place) == self._keys, "finishing it changed keys")
