"""What every recipe that deals with the server of a board does: find its slot, read it, plan writing another one.

Source of what stands where: device-protocol.md 3.2, 3.5, 4.1, 4.3 to 4.5.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.faults import DfuRefused, Fault
from app.firmware.image import Function, find
from app.firmware.releases import version_of
from app.keys.clouds import CloudKind, WhichCloud
from app.keys.server_key import ServerBlock, ServerState, host_words, parse_server
from app.platforms.model import KeySlot, Platform
from app.text import Text, text
from app.undo.board_name import BoardName
from app.undo.snapshots import Snapshot
from app.undo.store import UndoStore
from app.work.job import Job
from app.work.key_work import (
    PRIVATE_SLOTS,
    TCP_SLOT,
    TRANSPORT_FIELD,
    TRANSPORT_TCP,
    device_slots,
    private_slots,
    read_slot,
)
from app.work.probe import THROW_AWAY
from app.work.reading import Tick, read_once
from app.work.spans import Target, span_of

SERVER_SLOTS = "server-public"
"""How the keys of all slots with a server's key and address begin."""
TCP_SERVER = "server-public"
TRANSPORT_DEFAULT = 0xFF  # 3.5: the platform's own; an Electron's is UDP
HONOURS_PORT = "0.4.9"  # 4.3
HEAD = 4096
"""Bytes of firmware in which its version stands, wherever it stands (7.1)."""
STACK_MASK, STACK_IN_RAM = 0x2FFE_0000, 0x2000_0000  # how firmware without a version begins (7.1)

_SERVER_TITLE = text("ServerWork", "Server key and address")
_SERVER_WHY = text("ServerWork", "They tell the board which cloud to connect to, and how to know it.")
_TRANSPORT_TITLE = text("ServerWork", "Kind of cloud connection")
_OVER_TCP = text("ServerWork", "A local cloud takes TCP connections only.")
_OVER_UDP = text("ServerWork", "The Particle cloud expects this board over UDP, as it came from the factory.")

log = logging.getLogger(__name__)

_KIND_WORDS = {
    CloudKind.PARTICLE: text("ServerWork", "Particle cloud"),
    CloudKind.UNKNOWN: text("ServerWork", "a cloud that is not known here"),
    CloudKind.NONE: text("ServerWork", "none is stored"),
}
_MIXED = text("ServerWork", "none: its key and its address are of different clouds")


def cloud_words(which: WhichCloud) -> Text | str:
    """Name a cloud in a few words, for people."""
    if which.mixed:
        return _MIXED
    return which.name if which.kind is CloudKind.LOCAL else _KIND_WORDS[which.kind]


def server_words(block: ServerBlock) -> str:
    """Return host and port as a person would type them; with `[ID]` where the firmware puts the device ID (4.1)."""
    host = host_words(block.host)
    return host if block.usual_port else f"{host}:{block.port}"


# --- slots ----------------------------------------------------------------------------------------------------------


def server_slot_of(platform: Platform, private: KeySlot) -> KeySlot:
    """Return the slot with the server that goes with a device key: both are of one transport (4.1)."""
    return platform.slot(SERVER_SLOTS + private.key.removeprefix(PRIVATE_SLOTS))


def _server_slots(job: Job) -> tuple[tuple[KeySlot, bool], ...]:
    """Return the slots with a server, each with whether the board uses it as it is set now. Update mode is needed.

    Raises:
        Fault: The board could not be read.
    """
    return tuple((server_slot_of(job.platform, slot), in_use) for slot, in_use in device_slots(job))


def server_slot(job: Job) -> KeySlot:
    """Return the slot with the server that the board uses as it is set now.

    Raises:
        Fault: The board could not be read.
    """
    return next(slot for slot, in_use in _server_slots(job) if in_use)


def read_server(job: Job, slot: KeySlot | None = None, tick: Tick | None = None) -> ServerBlock:
    """Read a server's key and address, twice until both reads agree. Update mode is needed.

    Args:
        job: The run.
        slot: Which slot; None for the one in use.
        tick: Told how many bytes were read, up to twice the slot.

    Raises:
        KeyReadsDiffer: They never did.
        KeyMemoryUnreadable: This boot loader cannot reach its memory now (2.4.11).
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    chosen = slot or server_slot(job)
    return parse_server(read_slot(job, chosen, tick), chosen)


def firmware_version(job: Job) -> int | None:
    """Return the module version of the board's system firmware. Update mode is needed.

    Returns:
        0 for a Core's firmware from before 0.4, which carries none; None when it cannot be told.

    Raises:
        Fault: The board could not be read.
    """
    region = next(each for each in job.platform.regions if each.key in ("system-1", "application"))
    try:
        head = read_once(job, region.alt, region.start, HEAD)
    except DfuRefused as fault:
        log.info("firmware: %s", fault.detail)
        return None
    image = find(head, region.start, job.platform)
    if image is not None and image.version is not None:
        return image.version
    legacy = region.key == "application" and int.from_bytes(head[:4], "little") & STACK_MASK == STACK_IN_RAM
    return 0 if legacy else None


def honours_port(version: int | None) -> bool | None:
    """Whether firmware of that module version takes the port stored with the address (4.3); None when not known."""
    return None if version is None else version >= version_of(HONOURS_PORT, Function.SYSTEM)


# --- writing --------------------------------------------------------------------------------------------------------


def server_targets(platform: Platform, slot: KeySlot, block: bytes, source: str = "") -> tuple[Target, ...]:
    """Return what has to be written so that a board is set to a server: the slot, and how it connects.

    On a Core key and address share a sector; the flasher keeps the rest of it. An Electron is told which of its two
    slots it uses, after that slot is whole (3.5, 4.5).

    Args:
        platform: The board's.
        slot: Its slot for the transport that the server takes.
        block: The whole slot.
        source: Where it comes from, for the plan.

    Raises:
        ValueError: The block has another size, or writing it would reach a device key: a mistake of the program.
    """
    if len(block) != slot.size or not slot.key.startswith(SERVER_SLOTS):
        raise ValueError(f"{len(block)} bytes are no block for {slot.key}")
    region = next(row for row in platform.regions if row.alt == slot.alt and row.start <= slot.address < row.end)
    target = Target(
        _SERVER_TITLE, region.key, slot.address, block, _SERVER_WHY, source, into_settings=True, over_key=True
    )
    place = span_of(platform, target)
    for other in platform.key_slots:
        apart = other.alt != place.alt or place.end <= other.address or other.address + other.size <= place.start
        if other.key != slot.key and not apart:
            raise ValueError(f"the server's place would reach {other.key}")
    if not has_choice(platform):
        return (target,)
    over_tcp = slot.key == TCP_SERVER
    field = platform.field(TRANSPORT_FIELD)
    how = Target(
        _TRANSPORT_TITLE,
        next(row.key for row in platform.regions if row.alt == field.alt and row.start <= field.address < row.end),
        field.address,
        bytes([TRANSPORT_TCP if over_tcp else TRANSPORT_DEFAULT]),
        _OVER_TCP if over_tcp else _OVER_UDP,
        source,
        into_settings=True,
    )
    return target, how


def has_choice(platform: Platform) -> bool:
    """Whether the board may reach its cloud over UDP or over TCP: only an Electron may (4.1).

    A Photon has the memory for both (3.5), but no use for UDP.
    """
    return private_slots(platform)[0].key != TCP_SLOT


# --- what was there before ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeptServer:
    """A server that a board had once, as the undo store kept it.

    Attributes:
        id: Name of the rescue or of the dump it was kept by.
        slot: The slot it stood in.
        block: What stood there.
        made: When it was kept.
    """

    id: str
    slot: KeySlot
    block: ServerBlock
    made: datetime


def kept_servers(job: Job) -> Iterator[KeptServer]:
    """Give the sound servers that were kept of this board, whatever kept them, newest first.

    Where nothing tells boards apart (1.4) those of all such boards are given: a server belongs to no single board.
    What cannot be read any more is passed over, and so is what this program itself made up for one connection.
    """
    from app.work.flashing import board_name  # which looks at boards, and so at their servers, through this module

    board = board_name(job)
    made_up = {str(rescue.answers.get(THROW_AWAY, "")) for rescue in job.undo.rescues(board)}
    found = sorted(_kept(job.undo, board), key=lambda each: (each[1], each[0]), reverse=True)
    for name, made, snapshots in found:
        for slot, raw in _slots_of(job.platform, job.undo, snapshots):
            block = parse_server(raw, slot)
            if block.state is ServerState.GOOD and block.fingerprint not in made_up:
                yield KeptServer(name, slot, block, made)


def _kept(store: UndoStore, board: BoardName) -> Iterator[tuple[str, datetime, tuple[Snapshot, ...]]]:
    for rescue in store.rescues(board):
        yield rescue.id, rescue.started, rescue.snapshots
    for dump in store.dumps(board):
        if dump.practice == store.practice and dump.damaged is None:
            yield dump.id, dump.made, dump.parts


def _slots_of(platform: Platform, store: UndoStore, snapshots: Iterable[Snapshot]) -> Iterator[tuple[KeySlot, bytes]]:
    """Give the server slot that the board used then; both, where nothing tells which."""
    pieces = list(snapshots)
    slots = [each for each in platform.key_slots if each.key.startswith(SERVER_SLOTS)]
    if not has_choice(platform):
        slots = [platform.slot(TCP_SERVER)]
    elif (how := _piece(store, pieces, *_place(platform))) is not None:
        over_tcp = how[0] == TRANSPORT_TCP
        slots = [each for each in slots if (each.key == TCP_SERVER) == over_tcp]
    for slot in slots:
        raw = _piece(store, pieces, slot.alt, slot.address, slot.size)
        if raw is not None:
            yield slot, raw


def _place(platform: Platform) -> tuple[int, int, int]:
    field = platform.field(TRANSPORT_FIELD)
    return field.alt, field.address, field.size


def _piece(store: UndoStore, snapshots: Iterable[Snapshot], alt: int, address: int, size: int) -> bytes | None:
    """Return a stretch of memory as the first snapshot that has all of it kept it: later ones may hold torn pieces."""
    for each in snapshots:
        if each.alt == alt and each.address <= address and address + size <= each.end:
            try:
                return store.read(each)[address - each.address :][:size]
            except Fault as fault:
                log.info("%s: %s", each.file.name, fault.code)
                return None
    return None
