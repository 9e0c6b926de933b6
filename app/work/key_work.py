"""What every recipe that deals with a board's own key does: find its slot, read it, keep it, plan writing another one.

The key itself goes from the board into the key safe, and from there into a target, and nowhere else.
"""

from __future__ import annotations

from app.faults import BackupDiffers, KeyMemoryUnreadable
from app.keys.backup import KeyEntry, Origin
from app.keys.device_key import ERASED, KeyReport, KeyState, examine
from app.keys.safe import Backup
from app.platforms.model import Algorithm, KeySlot, Platform, Quirk
from app.text import Text, text
from app.work.job import Job
from app.work.reading import Tick, read_twice
from app.work.spans import Target

PRIVATE_SLOTS = "device-private"
"""How the keys of all slots with private keys begin."""
PUBLIC_SLOTS = "device-public"
"""How those with their public halves do."""
TCP_SLOT = "device-private"
TRANSPORT_FIELD = "transport"
TRANSPORT_TCP = 0  # device-protocol.md 3.5; anything else is the platform's default

ALGORITHMS = {
    Algorithm.RSA_1024: text("KeyWork", "RSA, 1024 bits"),
    Algorithm.RSA_2048: text("KeyWork", "RSA, 2048 bits"),
    Algorithm.EC_P256: text("KeyWork", "elliptic curve P-256"),
}
"""Kinds of keys, in words."""
STATES = {
    KeyState.GOOD: text("KeyWork", "good"),
    KeyState.BLANK: text("KeyWork", "there is no key"),
    KeyState.CORRUPT: text("KeyWork", "damaged"),
    KeyState.UNUSABLE_BY_FIRMWARE: text("KeyWork", "sound, but the board's firmware cannot use it"),
}
"""What a key slot holds, in words."""
IN_USE = text("KeyWork", "As this board is set, it reaches the cloud with its key of the kind {kind}.")

_KEY_TITLE = text("KeyWork", "Device key")
_KEY_WHY = text("KeyWork", "With it the board proves to its cloud that it is itself.")
_PUBLIC_TITLE = text("KeyWork", "Public half of the device key")
_PUBLIC_WHY = text("KeyWork", "The board keeps it beside its key; the two have to belong together.")


def device_slots(job: Job) -> tuple[tuple[KeySlot, bool], ...]:
    """Return the slots with private keys, each with whether the board's cloud connection uses it as it is set now.

    The board has to be in update mode. An Electron is asked for its transport byte (device-protocol.md 3.5, 4.1, 4.5),
    twice: by it is decided which key and which server are written over.

    Raises:
        KeyReadsDiffer: It never said the same twice.
        Fault: The board could not be read.
    """
    found = private_slots(job.platform)
    if len(found) == 1:
        return ((found[0], True),)
    transport = job.platform.field(TRANSPORT_FIELD)
    said = read_twice(job, transport.alt, transport.address, transport.size, transport.key)
    used = used_slot(job.platform, said[0])
    return tuple((slot, slot is used) for slot in found)


def used_slot(platform: Platform, transport: int) -> KeySlot:
    """Return the slot with the private key that a board with this transport byte uses (device-protocol.md 3.5)."""
    found = private_slots(platform)
    return next((slot for slot in found if slot.key == TCP_SLOT and transport == TRANSPORT_TCP), found[0])


def main_slot(job: Job) -> KeySlot:
    """Return the slot that the board's cloud connection uses.

    Raises:
        Fault: The board could not be read.
    """
    return next(slot for slot, in_use in device_slots(job) if in_use)


def private_slots(platform: Platform) -> tuple[KeySlot, ...]:
    """Return a platform's slots with private keys; the first is the one its default transport uses."""
    return tuple(slot for slot in platform.key_slots if slot.key.startswith(PRIVATE_SLOTS))


def public_slot(platform: Platform, slot: KeySlot) -> KeySlot | None:
    """Return the slot with the public half of the key in a private slot; None on a Core, which has none (3.2)."""
    wanted = PUBLIC_SLOTS + slot.key.removeprefix(PRIVATE_SLOTS)
    return next((found for found in platform.key_slots if found.key == wanted), None)


def read_slot(job: Job, slot: KeySlot, tick: Tick | None = None) -> bytes:
    """Read a slot in two sessions of their own until both agree. Secret, where it is a private one.

    Args:
        job: The run; the board has to be in update mode.
        slot: Which one.
        tick: Told how many bytes were read, up to twice the slot.

    Raises:
        KeyReadsDiffer: They never did.
        KeyMemoryUnreadable: This boot loader cannot reach its memory now (2.4.11).
        Fault: The board could not be read.
        Cancelled: The person stopped the job.
    """
    raw = read_twice(job, slot.alt, slot.address, slot.size, slot.key, tick)
    if job.has(Quirk.DCT_NEEDS_PART2) and raw == bytes(len(raw)):
        raise KeyMemoryUnreadable(f"{slot.key}: {len(raw)} zeros")
    return raw


def is_erased(raw: bytes) -> bool:
    """Whether a slot holds nothing at all, so that there is nothing to keep."""
    return not raw.strip(bytes([ERASED]))


def keep(job: Job, slot: KeySlot, raw: bytes, report: KeyReport) -> Backup:
    """Put a slot that was read from the board into the key safe, and compare what the safe gives back.

    While the board's ID is unproven it goes under its USB serial number, and is joined to the ID once that is proven.
    The same bytes are kept once, so asking again returns where they are by now.

    Raises:
        BackupDiffers: What the safe gives back is something else.
        SafeLocked: The safe has a passphrase, and was not unlocked.
        Fault: The disk refuses.
    """
    return _keep(job, slot, raw, report, Origin.BOARD)


def keep_new(job: Job, slot: KeySlot, slot_der: bytes, origin: Origin = Origin.MADE) -> Backup:
    """Put a key into the key safe that is about to be written to the board: the slot as it will be read back then.

    Args:
        job: The run; the board's identity should be proven.
        slot: Where it will be written.
        slot_der: The key in the encoding that is written.
        origin: Where it is from. Kept with it, because a file that somebody chose proves nothing about a board.

    Raises:
        BackupDiffers: What the safe gives back is something else.
        SafeLocked: The safe has a passphrase, and was not unlocked.
        Fault: The disk refuses.
        ValueError: It is longer than the slot, or no key the firmware can use: a mistake of the program.
    """
    raw = filled(slot_der, slot.size)
    report = examine(raw, slot.algorithm)
    if report.state is not KeyState.GOOD:
        raise ValueError(f"a key that is {report.state.value} is not written")
    return _keep(job, slot, raw, report, origin)


def filled(content: bytes, size: int) -> bytes:
    """Return a key as it fills a slot: erased bytes behind it (4.2).

    Raises:
        ValueError: It is longer than the slot.
    """
    if len(content) > size:
        raise ValueError(f"{len(content)} bytes do not fit into {size}")
    return content.ljust(size, bytes([ERASED]))


def key_targets(
    platform: Platform, slot: KeySlot, slot_der: bytes, public_der: bytes | None, source: str = ""
) -> tuple[Target, ...]:
    """Return what has to be written so that a slot holds a key.

    Core: the key and erased bytes up to the Particle command line's segment; the flasher keeps the rest of its sector.
    Photon, P1, Electron: the key and erased bytes up to the end of the slot in the DCT, then the public half into its
    own slot. What stands there already costs no write. Source: device-protocol.md 3.2, 3.5, 4.2, 4.4.

    Args:
        platform: The board's.
        slot: A private slot of it.
        slot_der: The key in an encoding the firmware can read.
        public_der: Its public half (SPKI, DER); None leaves the slot of that alone.
        source: Where the key comes from, for the plan.

    Raises:
        ValueError: Something is longer than its slot: a mistake of the program.
    """
    content = filled(slot_der, slot.segment or slot.size)
    targets = [_target(platform, slot, content, _KEY_TITLE, _KEY_WHY, source)]
    public = public_slot(platform, slot)
    if public is not None and public_der is not None:
        half = filled(public_der, public.size)
        targets.append(_target(platform, public, half, _PUBLIC_TITLE, _PUBLIC_WHY, source))
    return tuple(targets)


def _target(platform: Platform, slot: KeySlot, content: bytes, title: Text, why: Text, source: str) -> Target:
    region = next(
        row for row in platform.regions if row.alt == slot.alt and row.start <= slot.address < row.start + row.size
    )
    return Target(title, region.key, slot.address, content, why, source, into_settings=True, over_key=True)


def _keep(job: Job, slot: KeySlot, raw: bytes, report: KeyReport, origin: Origin) -> Backup:
    identity = job.identity
    backup = job.safe.store(
        KeyEntry(
            platform=job.platform.key,
            slot=slot.key,
            alt=slot.alt,
            address=slot.address,
            raw=raw,
            report=report,
            device_id=identity.device_id if identity else None,
            proof=identity.proof.value if identity else None,
            serial=job.board.sighting.serial,
            system_version=job.board.system_version,
            origin=origin,
        )
    )
    if job.safe.key_bytes(backup) != raw:
        raise BackupDiffers(folder=backup.folder)
    if identity is None:
        job.keep_for_later(backup)
    return backup
