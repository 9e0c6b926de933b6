"""Reading memory that is worth keeping: in sessions of their own, until two reads agree."""

from __future__ import annotations

from collections.abc import Callable

from app.faults import DfuRefused, KeyReadsDiffer
from app.text import Text, text
from app.work.job import Job

READ_ROUNDS = 3
"""How many pairs of reads are tried before the memory, or the cable, is called unreliable."""

_READS_DIFFER = text("Reading", "The two reads differ; reading again.")

Tick = Callable[[int], None]
"""Told how many bytes have been read so far."""


def part_of_step(job: Job, done: int, total: int) -> Tick:
    """Return what reports a read as a part of a step: `done` bytes of `total` were read before it."""
    return lambda here: job.tick(done + here, total)


def read_once(job: Job, alt: int, address: int, size: int, tick: Tick | None = None) -> bytes:
    """Read a stretch of memory in a session of its own; the board has to be in update mode.

    Args:
        job: The run.
        alt: DFU alternate setting.
        address: First byte.
        size: Bytes.
        tick: Told how far it is, up to `size`.

    Raises:
        DfuRefused: The boot loader does not give it; it was brought back to idle.
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    with job.dfu(alt) as session:
        try:
            return session.read(address, size, None if tick is None else lambda here, _: tick(here))
        except DfuRefused:
            session.settle()
            raise


def read_twice(
    job: Job, alt: int, address: int, size: int, what: str, tick: Tick | None = None, *, differs: Text = _READS_DIFFER
) -> bytes:
    """Read a stretch of memory twice until both agree: what is kept of a key must not be a slip of the cable.

    Args:
        job: The run.
        alt: DFU alternate setting.
        address: First byte.
        size: Bytes.
        what: Key of the slot or region, for the detail of a fault.
        tick: Told how far it is, up to twice `size`; it falls back when the two reads differ.
        differs: The line for the details when they do.

    Raises:
        KeyReadsDiffer: They never agreed.
        DfuRefused: The boot loader does not give it.
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    for _ in range(READ_ROUNDS):
        first = read_once(job, alt, address, size, tick)
        second = read_once(job, alt, address, size, None if tick is None else lambda here: tick(size + here))
        if first == second:
            return first
        job.note(differs)
    raise KeyReadsDiffer(what)
