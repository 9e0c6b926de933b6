"""The flasher: a plan that changes a region with as few commands as its memory allows, and what carries it out.

`plan_flash` compares what shall stand in a region with what stands there and decides erase unit by erase unit; it is
pure. `Flasher` carries a plan out, reads everything back and writes again what did not take.

Source: device-protocol.md 2.1-2.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.clock import Clock
from app.faults import Cancelled, DfuRefused, FlashDiffers, WrongAnswer
from app.platforms.model import BootLoader, Medium, Platform, PollTime, Quirk, Region, WorkTime
from app.protocols.dfu import DfuSession

# Programming a word is what the boot loaders do: shorter data is padded with 0xFF up to it (2.2.7, 2.4.8).
WORD = 4
# A stalled command is tried up to 4 times, 1 s apart, as the vendor's host does (2.6).
UNIT_TRIES = 4
RETRY_PAUSE_S = 1.0
# How often the whole is written and read back before the memory is called broken.
ROUNDS = 3
# For estimates only, until the first measured rate replaces them: not a fact about any board.
USUAL_READ_RATE = 400_000  # bytes a second
USUAL_TRANSFER_S = 0.001
TRANSFERS_PER_COMMAND = 3  # DNLOAD and two GETSTATUS (2.1)


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes for one DNLOAD: never more than the boot loader's transfer size."""

    address: int
    data: bytes = field(repr=False)

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + len(self.data)


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """What is done with one erase unit, or with the whole span where nothing is erased (DCT).

    Attributes:
        address: First byte of the unit.
        size: Bytes.
        erase: Whether it is erased first.
        blocks: What is written then, in order of address.
        old: Everything that stood in the unit when the plan was made.
        new: Everything that shall stand in it; bytes that are not the content's are those of `old`.
        seconds: How long that usually takes.
    """

    address: int
    size: int
    erase: bool
    blocks: tuple[Block, ...]
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    seconds: float

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.size


@dataclass(frozen=True, slots=True)
class FlashPlan:
    """What has to be done so that `size` bytes from `address` on are the content. Never shows it.

    Attributes:
        platform: Key of the board it was made for.
        boot_loader: Key of the boot loader it was made for.
        region: Key of the region.
        alt: DFU alternate setting.
        address: First byte of the content.
        size: Bytes of the content.
        changed: Bytes of the content that differ from what is there.
        units_start: First byte of the whole erase units that the content touches.
        units_size: Bytes of them.
        units: Those with something to do, in order of address; empty when everything stands there already.
        wanted: What shall stand in the whole erase units.
        seconds: How long it will take, reading back included.
    """

    platform: str
    boot_loader: str
    region: str
    alt: int
    address: int
    size: int
    changed: int
    units_start: int
    units_size: int
    units: tuple[UnitPlan, ...]
    wanted: bytes = field(repr=False)
    seconds: float

    @property
    def erases(self) -> int:
        """Number of erase commands."""
        return sum(unit.erase for unit in self.units)

    @property
    def blocks(self) -> int:
        """Number of blocks to write."""
        return sum(len(unit.blocks) for unit in self.units)

    @property
    def written(self) -> int:
        """Bytes to send."""
        return sum(len(block.data) for unit in self.units for block in unit.blocks)


@dataclass(frozen=True, slots=True)
class UnitWritten:
    """Told before the first command that changes an erase unit (`done` False), and after the last one (True).

    Attributes:
        alt: DFU alternate setting.
        address: First byte of the unit.
        size: Bytes.
        done: Whether everything for the unit has been sent. Only the reading back at the end proves that it stands.
    """

    alt: int
    address: int
    size: int
    done: bool


@dataclass(frozen=True, slots=True)
class FlashReport:
    """What it took.

    Attributes:
        size: Bytes of the content.
        changed: Bytes of it that differed.
        written: Bytes sent.
        erases: Erase commands.
        blocks: Blocks written.
        transfers: Control transfers, reading back included.
        rounds: How often everything was read back; 1 when all took the first time.
        seconds: How long it took.
    """

    size: int
    changed: int
    written: int
    erases: int
    blocks: int
    transfers: int
    rounds: int
    seconds: float


# --- the plan ---------------------------------------------------------------------------------------------------------


def span(platform: Platform, region: Region, address: int, size: int) -> tuple[int, int]:
    """Return start and size of the whole erase units that these bytes touch: what to read before planning.

    Where nothing needs erasing (DCT) the bytes themselves are the span, so that nobody else's are touched.

    Raises:
        ValueError: The bytes are not all in the region, or there are none.
    """
    if size < 1 or not region.start <= address <= address + size <= region.end:
        raise ValueError(f"{size} bytes at 0x{address:08X} are not in {region.key}")
    if region.medium is Medium.DCT:
        return address, size
    touched = list(_units(platform, region.alt, address, address + size))
    start = touched[0][0]
    return start, touched[-1][0] + touched[-1][1] - start


def reachable(platform: Platform, boot_loader: BootLoader, region: Region) -> bool:
    """Whether this boot loader means the region by its addresses.

    One that chooses the memory by address alone (2.2.3, 2.4.2) takes what is in two alternate settings for the first.
    """
    if Quirk.IGNORES_ALT not in boot_loader.quirks:
        return True
    return not any(
        base < region.end and region.start < base + sum(run.size * run.count for run in runs)
        for base, runs in list(zip(platform.bases, platform.erase_units, strict=True))[: region.alt]
    )


def plan_flash(
    platform: Platform, boot_loader: BootLoader, region: Region, address: int, content: bytes, current: bytes
) -> FlashPlan:
    """Plan how `content` gets to `address`.

    Args:
        platform: The board.
        boot_loader: Its boot loader.
        region: Where the content belongs.
        address: First byte of the content.
        content: What shall stand there.
        current: What stands now in the whole erase units, exactly what `span` names.

    Raises:
        ValueError: The region cannot be written, or not by this boot loader (`reachable`), the content does not fit
            in it, or `current` is not the span.
    """
    if not region.writable:
        raise ValueError(f"{region.key} cannot be written")
    if not reachable(platform, boot_loader, region):
        raise ValueError(f"{region.key} is not reachable with boot loader {boot_loader.key}")
    start, size = span(platform, region, address, len(content))
    if len(current) != size:
        raise ValueError(f"the span has {size} bytes, not {len(current)}")
    offset = address - start
    wanted = current[:offset] + content + current[offset + len(content) :]
    units = _plan_units(platform, boot_loader, region, start, current, wanted, force=frozenset())
    return FlashPlan(
        platform=platform.key,
        boot_loader=boot_loader.key,
        region=region.key,
        alt=region.alt,
        address=address,
        size=len(content),
        changed=_differing(current[offset : offset + len(content)], content),
        units_start=start,
        units_size=size,
        units=units,
        wanted=wanted,
        seconds=sum(unit.seconds for unit in units) + _read_seconds(boot_loader, region.medium, size),
    )


def _units(platform: Platform, alt: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield first address and size of each erase unit that has bytes from `start` to `end`."""
    at = platform.bases[alt]
    for run in platform.erase_units[alt]:
        first = max(0, (start - at) // run.size)
        last = min(run.count, -((at - end) // run.size))  # rounded up
        for number in range(first, last):
            yield at + number * run.size, run.size
        at += run.size * run.count


def _plan_units(
    platform: Platform,
    boot_loader: BootLoader,
    region: Region,
    start: int,
    old: bytes,
    new: bytes,
    *,
    force: frozenset[int],
) -> tuple[UnitPlan, ...]:
    """Plan every erase unit of a span whose bytes differ; those whose address is in `force` are erased in any case."""
    if region.medium is Medium.DCT:
        whole = [(start, len(old))]
    else:
        whole = list(_units(platform, region.alt, start, start + len(old)))
    found = []
    for address, size in whole:
        part = slice(address - start, address - start + size)
        before, after = old[part], new[part]
        if before == after:
            continue
        erase, blocks = _work(
            region.medium,
            boot_loader.transfer_size,
            address,
            before,
            after,
            erase_first=address in force or _erased_first(platform, region, address, address + size),
        )
        seconds = _unit_seconds(platform, boot_loader, region.medium, size, erase=erase, blocks=blocks)
        found.append(UnitPlan(address, size, erase, blocks, before, after, seconds))
    return tuple(found)


def _erased_first(platform: Platform, region: Region, start: int, end: int) -> bool:
    """Whether some of these bytes are in memory that takes writes only after an erase."""
    return any(
        row.erase_first and row.alt == region.alt and row.start < end and start < row.end
        for row in (region, *platform.regions)
    )


def _work(
    medium: Medium, transfer_size: int, start: int, old: bytes, new: bytes, *, erase_first: bool
) -> tuple[bool, tuple[Block, ...]]:
    """Decide whether a unit is erased, and which blocks are written."""
    if medium is Medium.DCT:
        return False, _windows(transfer_size, start, old, new)
    if not erase_first:
        blocks = _in_place(medium, transfer_size, start, old, new)
        if blocks is not None:
            return False, blocks
    rest = []
    for at in range(0, len(new), transfer_size):
        piece = new[at : at + transfer_size]
        length = _up_to_word(len(piece.rstrip(b"\xff")))
        if length:
            rest.append(Block(start + at, piece[:length]))
    return True, tuple(rest)


def _in_place(medium: Medium, transfer_size: int, start: int, old: bytes, new: bytes) -> tuple[Block, ...] | None:
    """Return the blocks that turn `old` into `new` without an erase; None when the memory cannot do that."""
    blocks = []
    for at in range(0, len(new), transfer_size):
        before, after = old[at : at + transfer_size], new[at : at + transfer_size]
        if before == after:
            continue
        first, last = _difference(before, after)
        last = _up_to_word(last)
        # From the block's beginning it needs no new address; but then everything from there on has to take the write.
        for begin in (0, first // WORD * WORD):
            if _takes(medium, before[begin:last], after[begin:last]):
                blocks.append(Block(start + at + begin, after[begin:last]))
                break
        else:
            return None
    return tuple(blocks)


def _takes(medium: Medium, old: bytes, new: bytes) -> bool:
    """Whether writing `new` over `old` without an erase gives `new`, with no half-word refused."""
    before, after = int.from_bytes(old, "little"), int.from_bytes(new, "little")
    if medium is not Medium.INTERNAL_F1:
        return before & after == after  # bits can be cleared, not set (2.2.8, 2.4.8)
    # A half-word that is not blank takes 0x0000 and nothing else, not even its own value (2.2.7). The highest bit of
    # each half-word becomes 1 where it is not blank; then it is spread over the half-word.
    count = len(old) // 2
    low, high = (int.from_bytes(pattern * count, "little") for pattern in (b"\xff\x7f", b"\x00\x80"))
    inverse = before ^ (low | high)
    used = ((((inverse & low) + low) | inverse) & high) >> 15
    return after & (used * 0xFFFF) == 0


def _windows(transfer_size: int, start: int, old: bytes, new: bytes) -> tuple[Block, ...]:
    """Return the fewest blocks that cover every differing byte; each begins and ends with one."""
    blocks = []
    at = 0
    while at < len(new) and old[at:] != new[at:]:
        first, _ = _difference(old[at:], new[at:])
        at += first
        before, after = old[at : at + transfer_size], new[at : at + transfer_size]
        _, last = _difference(before, after)
        blocks.append(Block(start + at, after[:last]))
        at += last
    return tuple(blocks)


def _difference(old: bytes, new: bytes) -> tuple[int, int]:
    """Return the place of the first byte that differs, and the one after the last; they do differ."""
    bits = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return ((bits & -bits).bit_length() - 1) // 8, (bits.bit_length() + 7) // 8


def _differing(old: bytes, new: bytes) -> int:
    """Count the bytes that differ."""
    if old == new:
        return 0
    bits = int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return len(new) - bits.to_bytes(len(new), "little").count(0)


def _up_to_word(length: int) -> int:
    return -(-length // WORD) * WORD


# --- estimates --------------------------------------------------------------------------------------------------------


def _poll(boot_loader: BootLoader, medium: Medium) -> PollTime:
    rows = {row.medium: row for row in boot_loader.poll_times}
    return rows.get(medium, PollTime(medium, 0, 0))


def _command_seconds(boot_loader: BootLoader, poll_ms: int, work_s: float) -> float:
    """How long one command takes: the wait it asks for covers the work only where the work begins with it (2.2.2)."""
    wait = poll_ms / 1000
    busy = max(wait, work_s) if Quirk.WORKS_AFTER_STATUS in boot_loader.quirks else wait + work_s
    return busy + TRANSFERS_PER_COMMAND * USUAL_TRANSFER_S


def _unit_seconds(
    platform: Platform, boot_loader: BootLoader, medium: Medium, size: int, *, erase: bool, blocks: tuple[Block, ...]
) -> float:
    poll = _poll(boot_loader, medium)
    rows = [row for row in platform.work_times if row.medium is medium]
    row = next((row for row in rows if row.unit_size == size), rows[0] if rows else WorkTime(medium, size, 0, 0, 0))
    seconds = _command_seconds(boot_loader, poll.erase_ms, row.erase_ms / 1000) if erase else 0.0
    for block in blocks:
        work = row.write_us / 1e6 + len(block.data) * row.byte_ns / 1e9
        seconds += _command_seconds(boot_loader, poll.write_ms, work)
    if medium is Medium.DCT:  # each of its blocks begins anywhere
        seconds += len(blocks) * _command_seconds(boot_loader, poll.write_ms, 0.0)
    return seconds


def _read_seconds(boot_loader: BootLoader, medium: Medium, size: int) -> float:
    return size / USUAL_READ_RATE + _command_seconds(boot_loader, _poll(boot_loader, medium).write_ms, 0.0)


# --- carrying it out --------------------------------------------------------------------------------------------------


def _nobody(_: UnitWritten) -> None:
    """Nobody wants to know."""


class Flasher:
    """Carries plans out on one boot loader.

    Args:
        session: An opened boot loader.
        platform: The board.
        boot_loader: What identified itself; the plans must have been made for it.
        clock: For pauses and rates.
    """

    def __init__(self, session: DfuSession, platform: Platform, boot_loader: BootLoader, clock: Clock) -> None:
        self._session = session
        self._platform = platform
        self._boot_loader = boot_loader
        self._clock = clock

    def write(
        self,
        plan: FlashPlan,
        on_unit: Callable[[UnitWritten], None] = _nobody,
        progress: Callable[[int, int], None] | None = None,
    ) -> FlashReport:
        """Write, read everything back, write again what differs.

        The person's wish to stop is heard between two erase units, never within one: an erased unit is always filled.

        Args:
            plan: From `plan_flash`, for this board and boot loader.
            on_unit: Told before and after each erase unit; what it raises ends the writing there.
            progress: Told `(done, total)`; the total is the size of the content, and equal steps take equal time as far
                as it can be foreseen, so that speed and time left are honest. Never runs backwards. It may raise
                `Cancelled`, which is put off until the unit is filled.

        Raises:
            FlashDiffers: After `ROUNDS` rounds some bytes are not what they shall be.
            DfuRefused: The boot loader keeps refusing.
            WrongAnswer: It has another transfer size than the plan was made for.
            ValueError: The plan is for another board.
        """
        if (plan.platform, plan.boot_loader) != (self._platform.key, self._boot_loader.key):
            raise ValueError(f"a plan for {plan.platform} {plan.boot_loader}")
        run = _Run(self._session, self._platform, self._boot_loader, self._clock, plan, on_unit, progress)
        return run.whole()


class _Run:
    """One plan on its way."""

    def __init__(
        self,
        session: DfuSession,
        platform: Platform,
        boot_loader: BootLoader,
        clock: Clock,
        plan: FlashPlan,
        on_unit: Callable[[UnitWritten], None],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._session = session
        self._platform = platform
        self._boot_loader = boot_loader
        self._clock = clock
        self._plan = plan
        self._on_unit = on_unit
        self._progress = progress
        regions = (*platform.regions, *platform.monolithic_regions)
        self._region = next(row for row in regions if row.key == plan.region and _holds(row, plan))
        self._work_done = 0.0
        self._told = -1
        self._in_unit = False
        self._put_off: Cancelled | None = None
        self._erased: set[int] = set()  # addresses of units, in this round
        self._erases = self._blocks = self._written = 0

    def whole(self) -> FlashReport:
        plan, session = self._plan, self._session
        if session.transfer_size != self._boot_loader.transfer_size:
            raise WrongAnswer(f"transfer size {session.transfer_size} instead of {self._boot_loader.transfer_size}")
        began, transfers = self._clock.now(), session.transfers
        session.settle()
        if session.alt != plan.alt:
            session.select(plan.alt)
        units = plan.units
        for number in range(1, ROUNDS + 1):
            for unit in units:
                session.check()
                self._write_unit(unit)
            found = self._read_back()
            if found == plan.wanted:
                self._tell(plan.seconds)
                return FlashReport(
                    size=plan.size,
                    changed=plan.changed,
                    written=self._written,
                    erases=self._erases,
                    blocks=self._blocks,
                    transfers=session.transfers - transfers,
                    rounds=number,
                    seconds=self._clock.now() - began,
                )
            # What did not come out right without an erase gets one: it may be protected until then (2.4.9), and not
            # every boot loader says so.
            kept = frozenset(unit.address for unit in units) - self._erased
            self._erased.clear()
            units = self._again(plan.units_start, found, plan.wanted, kept)
        raise FlashDiffers(
            f"{len(units)} erase units in {plan.region} differ after {ROUNDS} rounds, the first at "
            f"0x{units[0].address:08X}"
        )

    def _again(self, start: int, found: bytes, wanted: bytes, force: frozenset[int]) -> tuple[UnitPlan, ...]:
        return _plan_units(self._platform, self._boot_loader, self._region, start, found, wanted, force=force)

    def _write_unit(self, unit: UnitPlan) -> None:
        """Erase and write one unit. A refusal is answered by looking at what stands there and planning anew."""
        self._on_unit(UnitWritten(self._plan.alt, unit.address, unit.size, done=False))
        with self._session.uninterrupted(), self._filling():
            todo: tuple[UnitPlan, ...] = (unit,)
            for tries_left in reversed(range(UNIT_TRIES)):
                refused = self._try(todo)
                if refused is None:
                    break
                if not tries_left:
                    raise refused.fault
                self._clock.pause(RETRY_PAUSE_S)
                self._session.settle()
                found = self._session.read(unit.address, unit.size)
                # What refused a write may be protected until it is erased (2.4.9), or not be as blank as it reads.
                force = frozenset({unit.address} if refused.writing else ())
                todo = self._again(unit.address, found, unit.new, force)
        self._on_unit(UnitWritten(self._plan.alt, unit.address, unit.size, done=True))
        self._tell(self._work_done + unit.seconds)

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """Put off a wish to stop that the receiver of progress raises meanwhile; `_tell` raises it afterwards."""
        self._in_unit = True
        try:
            yield
        finally:
            self._in_unit = False

    def _try(self, units: tuple[UnitPlan, ...]) -> _Refusal | None:
        """Send what one unit needs; return what was refused, None when nothing was."""
        writing = False
        try:
            for unit in units:
                if unit.erase:
                    self._erases += 1
                    self._session.erase(unit.address)
                    self._erased.add(unit.address)
                writing = True
                before = self._work_done
                total = sum(len(block.data) for block in unit.blocks)
                sent = 0
                for block in unit.blocks:
                    self._blocks += 1
                    self._session.write_block(block.address, block.data)
                    self._written += len(block.data)
                    sent += len(block.data)
                    self._tell(before + unit.seconds * sent / total, keep=True)
        except DfuRefused as fault:
            return _Refusal(fault, writing)
        return None

    def _read_back(self) -> bytes:
        plan = self._plan
        share = max(0.0, plan.seconds - self._work_done)
        before = self._work_done

        def told(done: int, total: int) -> None:
            self._tell(before + share * done / total, keep=True)

        return self._session.read(plan.units_start, plan.units_size, told)

    def _tell(self, work_done: float, *, keep: bool = False) -> None:
        """Report how far the work is, in bytes of the content; `keep` looks ahead without counting it as done."""
        if not keep:
            self._work_done = work_done
        plan = self._plan
        done = min(plan.size, int(plan.size * work_done / plan.seconds))
        if self._progress is not None and done > self._told:
            self._told = done
            try:
                self._progress(done, plan.size)
            except Cancelled as wish:
                self._put_off = wish
        if self._put_off is not None and not self._in_unit:
            raise self._put_off


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What the boot loader would not do: erase, or write."""

    fault: DfuRefused
    writing: bool


def _holds(region: Region, plan: FlashPlan) -> bool:
    return region.alt == plan.alt and region.start <= plan.address and plan.address + plan.size <= region.end
