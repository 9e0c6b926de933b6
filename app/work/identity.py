"""Which board is which: what is proven about the board on each port, and the identity lock across modes.

A board is followed by its port path, because its bus address and often its serial number change with its mode;
whatever its serial number does say is checked each time it comes back (device-protocol.md 1.4).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.clock import Clock
from app.faults import BoardGone, IdentityMismatch
from app.platforms.identify import boot_loader_of, core_serial, identify, serial_form
from app.platforms.model import Mode, Platform, SerialForm
from app.transports.base import Bus, Sighting
from app.work.board import Board, Identity, Proof

if TYPE_CHECKING:
    from app.keys.safe import Backup

UNWATCHED_SECONDS = 12.0
"""How long a port may be empty before what comes back without a telling serial counts as unknown.

Holding MODE after RESET keeps a board off the bus for up to the 10 s of the longest choreography (8.1).
"""

_STRENGTH = {proof: rank for rank, proof in enumerate(Proof)}  # lower is stronger


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a board that a later sighting can be held against.

    Attributes:
        platform: What kind of board it is.
        device_id: Its proven device ID, or None.
        hash_serial: The 12-digit hash it showed as serial number (Core), or None.
    """

    platform: Platform
    device_id: str | None = None
    hash_serial: str | None = None

    def agrees(self, sighting: Sighting) -> bool | None:
        """Say whether a sighting is the same board: True proven, False another one, None nothing to tell by."""
        found = identify(sighting.vendor, sighting.product, sighting.product_name)
        if found is None:
            return None
        if found[0].key != self.platform.key:
            return False
        device_id, hashed = telling(self.platform, sighting.serial)
        if device_id is not None:
            if self.device_id is not None:
                return device_id == self.device_id
            return core_serial(device_id) == self.hash_serial if self.hash_serial is not None else None
        if hashed is not None:
            known = self.hash_serial or (core_serial(self.device_id) if self.device_id is not None else None)
            return hashed == known if known is not None else None
        return None


def telling(platform: Platform, serial: str | None) -> tuple[str | None, str | None]:
    """Return what a serial number says: the device ID (24 lower-case digits) or the hash of one, else None."""
    digits = (serial or "").split("\0", 1)[0].strip()
    match serial_form(digits):
        case SerialForm.ID_24_UPPER | SerialForm.ID_24_LOWER:
            return digits.lower(), None
        case SerialForm.HASH_12 if _has_hash(platform):
            return None, digits
        case _:
            return None, None


def _has_hash(platform: Platform) -> bool:
    return any(loader.serial_form is SerialForm.HASH_12 for loader in platform.boot_loaders)


@dataclass(slots=True)
class _Record:
    """What is known about the board on one port."""

    evidence: Evidence
    identity: Identity | None = None
    address: int | None = None  # None while the port is empty
    mode: Mode | None = None  # that USB showed last
    gone_since: float = 0.0
    listening_at: int | None = None  # the bus address at which its console last answered
    system_version: str = ""
    kept: list[Backup] = field(default_factory=list)


class IdentityBook:
    """What is proven about the board on each port. Safe from any thread; never opens a board."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._records: dict[str, _Record] = {}

    def see(self, bus: Bus) -> tuple[Sequence[Sighting], tuple[Board, ...]]:
        """List the bus and take note of it: one thread at a time, so that an older list never follows a newer one.

        Raises:
            Fault: The bus cannot be listed.
        """
        with self._turn:
            sightings = bus.sightings()
            return sightings, self.look(sightings)

    def look(self, sightings: Sequence[Sighting]) -> tuple[Board, ...]:
        """Take note of everything that is on the bus now, and return the boards among it in port order."""
        with self._lock:
            now = self._clock.now()
            here = {sighting.port_path: sighting for sighting in sightings}
            for port_path, record in self._records.items():
                if port_path not in here and record.address is not None:
                    record.address = None
                    record.gone_since = now
            boards = (self._board(sighting, now) for _, sighting in sorted(here.items()))
            return tuple(board for board in boards if board is not None)

    def evidence(self, port_path: str) -> Evidence | None:
        """Return what is known about the board last seen on that port, or None."""
        with self._lock:
            record = self._records.get(port_path)
            return None if record is None else record.evidence

    def prove(self, port_path: str, address: int, device_id: str, proof: Proof) -> Identity:
        """Take note that the board at that port and bus address has this device ID; the strongest proof stays.

        Args:
            port_path: Where it is plugged in.
            address: Its bus address when the ID was found out, so that no later board inherits it.
            device_id: 24 lower-case hexadecimal digits.
            proof: How it came to be known.

        Raises:
            BoardGone: It is no longer there.
            IdentityMismatch: It contradicts the board's serial number or what was proven before.
        """
        with self._lock:
            record = self._here(port_path, address)
            hashed = record.evidence.hash_serial
            if hashed is not None and core_serial(device_id) != hashed:
                raise IdentityMismatch(f"{device_id} has hash {core_serial(device_id)}, the serial is {hashed}")
            known = record.identity
            if known is not None and known.device_id != device_id:
                raise IdentityMismatch(f"{device_id} by {proof.value}, {known.device_id} by {known.proof.value}")
            if known is None or _STRENGTH[proof] < _STRENGTH[known.proof]:
                record.identity = known = Identity(device_id, proof)
                record.evidence = replace(record.evidence, device_id=device_id)
            return known

    def heard(self, port_path: str, address: int, *, listening: bool) -> None:
        """Take note whether the console at that bus address answers."""
        with self._lock:
            record = self._records.get(port_path)
            if record is not None and record.address == address:
                record.listening_at = address if listening else None

    def told_version(self, port_path: str, address: int, version: str) -> None:
        """Take note of the Device OS version the board at that bus address told."""
        with self._lock:
            self._here(port_path, address).system_version = version

    def keep(self, port_path: str, address: int, backup: Backup) -> None:
        """Remember a backup made without a device ID, to be joined once the ID of this very board is proven."""
        with self._lock:
            self._here(port_path, address).kept.append(backup)

    def kept(self, port_path: str, address: int) -> tuple[Backup, ...]:
        """Return the backups made without a device ID since this board was first seen on that port."""
        with self._lock:
            return tuple(self._here(port_path, address).kept)

    def joined(self, port_path: str, address: int) -> None:
        """Forget these backups, because they have their ID now."""
        with self._lock:
            self._here(port_path, address).kept.clear()

    def doubt(self, port_path: str, address: int) -> None:
        """Forget everything about the board there: it is, or may be, another one than before."""
        with self._lock:
            before = self._here(port_path, address)
            fresh = _Record(Evidence(before.evidence.platform), address=address, mode=before.mode)
            self._records[port_path] = fresh

    def _here(self, port_path: str, address: int) -> _Record:
        record = self._records.get(port_path)
        if record is None or record.address != address:
            raise BoardGone(f"nothing at address {address} on port {port_path} any more")
        return record

    def _board(self, sighting: Sighting, now: float) -> Board | None:
        found = identify(sighting.vendor, sighting.product, sighting.product_name)
        if found is None:
            return None
        platform, mode = found
        record = self._record(platform, mode, sighting, now)
        if mode is Mode.NORMAL and record.listening_at == sighting.address:
            mode = Mode.LISTENING
        loader = boot_loader_of(platform, sighting.serial, sighting.release) if mode is Mode.DFU else None
        return Board(sighting, platform, mode, loader, record.identity, record.system_version)

    def _record(self, platform: Platform, mode: Mode, sighting: Sighting, now: float) -> _Record:
        """Return the port's record, a fresh one if this is, or may be, another board than before.

        Where the serial number says nothing, a board is followed from one mode into another. Twice in update mode in
        a row looks like two boards: a restart shows the firmware in between.
        """
        record = self._records.get(sighting.port_path)
        if record is not None:
            agrees = record.evidence.agrees(sighting)
            unwatched = record.address is None and now - record.gone_since > UNWATCHED_SECONDS
            anew = record.address != sighting.address and record.mode is mode is Mode.DFU
            if agrees is False or (agrees is None and (unwatched or anew)):
                record = None
        if record is None:
            record = self._records[sighting.port_path] = _Record(Evidence(platform))
        if record.address != sighting.address:
            record.listening_at = None
        record.address, record.mode = sighting.address, mode
        device_id, hashed = telling(platform, sighting.serial)
        if hashed is not None:
            record.evidence = replace(record.evidence, hash_serial=hashed)
        if device_id is not None and (record.identity is None or record.identity.proof is not Proof.SERIAL):
            record.identity = Identity(device_id, Proof.SERIAL)
            record.evidence = replace(record.evidence, device_id=device_id)
        return record
