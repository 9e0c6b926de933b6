"""The DFU side of both boot-loader families, as device-protocol.md 2 describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, unique

from app.virtual.answer import Answer
from app.virtual.descriptors import CORE_TRANSFER_SIZE, F2_TRANSFER_SIZE, Setup
from app.virtual.face import NoAnswer, Stall
from app.virtual.flash import (
    DCT_SIZE,
    F1_BASE,
    F1_SIZE,
    F2_BASE,
    F2_SIZE,
    P1_SERIAL_SIZE,
    Dct,
    InternalF1,
    InternalF2,
    Memory,
    SerialFlash,
)
from app.virtual.mishaps import Mishap
from app.virtual.personality import BootLoader


@unique
class DfuRequest(IntEnum):
    """bRequest of the DFU class (2.1)."""

    DETACH = 0
    DNLOAD = 1
    UPLOAD = 2
    GETSTATUS = 3
    CLRSTATUS = 4
    GETSTATE = 5
    ABORT = 6


IDLE = 2
DNLOAD_SYNC = 3
DNBUSY = 4
DNLOAD_IDLE = 5
MANIFEST_SYNC = 6
MANIFEST = 7
MANIFEST_WAIT_RESET = 8
UPLOAD_IDLE = 9
ERROR = 10
ILLEGAL = 0x0F  # after UPLOAD of block 1 (2.4.14)

OK = 0
ERR_FIRMWARE = 0x0A
ERR_UNKNOWN = 0x0E

GET_COMMANDS = 0x00
SET_ADDRESS = 0x21
ERASE = 0x41

LATE_RESET = 0.500  # boot loaders since September 2015 (2.2)


@dataclass(slots=True)
class Pending:
    """A block that came with DNLOAD and waits for GETSTATUS."""

    block: int
    data: bytes

    @property
    def erases(self) -> bool:
        """Whether it is the erase command, complete or not."""
        return self.block == 0 and self.data[:1] == bytes((ERASE,))

    @property
    def address(self) -> int | None:
        """The address of an erase or set-address command; None for everything else."""
        if self.block == 0 and len(self.data) == 5 and self.data[0] in (SET_ADDRESS, ERASE):
            return int.from_bytes(self.data[1:], "little")
        return None


class DfuModel:
    """The state machine common to both families (2.1).

    Attributes:
        state: DFU state.
        status: bStatus.
        pointer: Address pointer.
        alt: Alternate setting chosen by the host; the face keeps it up to date.
        changes: Erases and writes of memory so far.
    """

    transfer_size: int

    def __init__(self, leave: Callable[[float], None], mishap: Callable[[], Mishap]) -> None:
        self._mishap = mishap
        self.changes = 0
        self.state = IDLE
        self.status = OK
        self.pointer = 0
        self.alt = 0
        self._poll = 0
        self._pending: Pending | None = None
        self._leave = leave

    def configured(self) -> None:
        """The host has chosen the configuration; most boot loaders do not care."""

    def control(self, setup: Setup, data: bytes) -> Answer:
        """Carry out a class request.

        Raises:
            Stall: It is unknown or not allowed in this state.
            NoAnswer: The boot loader has crashed.
        """
        match setup.request:
            case DfuRequest.DETACH:
                return self._detach(setup)
            case DfuRequest.DNLOAD:
                return self._download(setup, data)
            case DfuRequest.UPLOAD:
                return self._upload(setup)
            case DfuRequest.GETSTATUS:
                return self._get_status(setup)
            case DfuRequest.CLRSTATUS:
                self._clear_status()
                return Answer()
            case DfuRequest.GETSTATE:
                return Answer(bytes((self.state,)))
            case DfuRequest.ABORT:
                if self.state in (IDLE, DNLOAD_SYNC, DNLOAD_IDLE, MANIFEST_SYNC, UPLOAD_IDLE):
                    self._rest()
                return Answer()
        raise Stall

    def _detach(self, setup: Setup) -> Answer:
        raise Stall

    def _work(self, pending: Pending) -> tuple[bool, float]:
        """Do what the host sent; return whether it went well and how long it takes."""
        raise NotImplementedError

    def _change(self, medium: Memory, address: int, data: bytes | None) -> tuple[bool, float]:
        """Erase (no data) or write, unless something is planned to go wrong with it."""
        self.changes += 1
        mishap = self._mishap()
        if self.changes in (mishap.fails_at, mishap.lost_at):
            return self.changes == mishap.lost_at, 0.0
        return medium.erase(address) if data is None else medium.write(address, data)

    def _sense(self, medium: Memory, address: int, size: int) -> bytes:
        """Read; worn memory gives one bit wrong."""
        found = bytearray(medium.read(address, size))
        worn = self._mishap().worn
        if worn is not None and address <= worn < address + len(found):
            found[worn - address] ^= 1
        return bytes(found)

    def _poll_for(self, pending: Pending) -> int | None:
        """Return bwPollTimeout in ms for that work; None leaves the bytes as they are."""
        raise NotImplementedError

    def _read(self, address: int, size: int) -> bytes:
        raise NotImplementedError

    def _get_status(self, setup: Setup) -> Answer:
        raise NotImplementedError

    def _rest(self) -> None:
        self.state, self.status, self._poll, self._pending = IDLE, OK, 0, None

    def _clear_status(self) -> None:
        if self.state == ERROR:
            self._rest()
        else:
            self.state, self.status = ERROR, ERR_UNKNOWN

    def _download(self, setup: Setup, data: bytes) -> Answer:
        if self.state not in (IDLE, DNLOAD_IDLE) or len(data) > self.transfer_size:
            raise Stall
        if data:
            self._pending = Pending(setup.value, data)
            self.state = DNLOAD_SYNC
        else:
            self.state = MANIFEST_SYNC
        return Answer()

    def _upload(self, setup: Setup) -> Answer:
        if self.state not in (IDLE, UPLOAD_IDLE):
            raise Stall
        if setup.value == 1:
            self.state = ILLEGAL
            raise Stall
        if setup.value == 0:
            self.state = IDLE if setup.length > 3 else UPLOAD_IDLE
            return Answer(bytes((GET_COMMANDS, SET_ADDRESS, ERASE))[: setup.length])
        self.state = UPLOAD_IDLE
        address = (self.pointer + (setup.value - 2) * self.transfer_size) % (1 << 32)
        return Answer(self._read(address, setup.length))

    def _status_bytes(self) -> bytes:
        return bytes((self.status,)) + self._poll.to_bytes(3, "little") + bytes((self.state, 0))


class CoreDfu(DfuModel):
    """The boot loader of the Core (2.2)."""

    transfer_size = CORE_TRANSFER_SIZE

    def __init__(
        self,
        boot: BootLoader,
        internal: InternalF1,
        spi: SerialFlash,
        leave: Callable[[float], None],
        mishap: Callable[[], Mishap] = lambda: Mishap.NONE,
    ) -> None:
        super().__init__(leave, mishap)
        self.state, self.status = ERROR, ERR_FIRMWARE  # 2.2.1
        self.pointer = 0x0800_5000
        self.crashed = False
        self._boot = boot
        self._internal = internal
        self._spi = spi

    def control(self, setup: Setup, data: bytes) -> Answer:
        """Carry out a class request; a crashed boot loader answers nothing any more."""
        if self.crashed:
            raise NoAnswer
        return super().control(setup, data)

    def _medium(self, address: int) -> Memory | None:
        """Choose by address alone, whatever the alternate setting (2.2.3)."""
        media: dict[int, Memory] = {0x0800_0000: self._internal, 0x0000_0000: self._spi}
        return media.get(address & 0xFC00_0000)

    def _work(self, pending: Pending) -> tuple[bool, float]:
        if pending.block == 1:
            return True, 0.0
        if pending.block == 0:
            if pending.address is None:
                return True, 0.0
            self.pointer = pending.address
            medium = self._medium(self.pointer)
            if not pending.erases or medium is None:
                return True, 0.0
            return self._change(medium, self.pointer, None)
        address = (self.pointer + (pending.block - 2) * self.transfer_size) % (1 << 32)
        medium = self._medium(address)
        return (True, 0.0) if medium is None else self._change(medium, address, pending.data)

    def _poll_for(self, pending: Pending) -> int | None:
        medium = self._medium(self.pointer)
        if medium is None:
            return None
        if medium is self._internal:
            return 50
        return 20 if pending.erases else 30

    def _read(self, address: int, size: int) -> bytes:
        medium = self._medium(address)
        if medium is self._spi:
            if size > self.transfer_size:  # overruns the boot loader's buffer (2.2.12)
                self.crashed = True
                raise NoAnswer
            return self._sense(self._spi, address, size)
        # Anywhere else reads the alias of the internal flash at address 0 (2.2.3).
        start = address if medium is not None else F1_BASE + (address & 0x03FF_FFFF)
        if start + size > F1_BASE + F1_SIZE:  # bus fault (2.2.12)
            self.crashed = True
            raise NoAnswer
        return self._sense(self._internal, start, size)

    def _get_status(self, setup: Setup) -> Answer:
        busy = 0.0
        after = self.state
        if self.state == DNLOAD_SYNC:
            if self._pending is not None:
                pending, self._pending = self._pending, None
                poll = self._poll_for(pending)
                self._poll = self._poll if poll is None else poll
                self.state = DNBUSY
                # The work is done in the status stage; its outcome is thrown away (2.2.2, 2.2.4).
                _, busy = self._work(pending)
                after = DNLOAD_SYNC
            else:
                self.state = after = DNLOAD_IDLE
                self._poll = 0
        elif self.state == MANIFEST_SYNC:
            if self._boot.leaves_at_once:
                self.state, self._poll, after = MANIFEST, 1, MANIFEST
                self._leave(0.0)
            else:
                self.state, self._poll, after = DNLOAD_IDLE, 0, MANIFEST
                self._leave(LATE_RESET)
        elif self.state == MANIFEST:
            self.state = after = MANIFEST_WAIT_RESET
        reply = self._status_bytes()
        self.state = after
        return Answer(reply[: setup.length], busy=busy)


class F2Dfu(DfuModel):
    """The boot loader of Photon, P1 and Electron (2.4).

    Args:
        boot: Its generation.
        internal: Alternate setting 0.
        dct: Alternate setting 1.
        serial_flash: Alternate setting 2, None where there is none.
        dct_works: Whether the code for the DCT can be found now (2.4.11).
        wrote_system: Called after each write or erase in internal flash.
        leave: Called with the seconds until the reset.
        mishap: What goes wrong now.
    """

    transfer_size = F2_TRANSFER_SIZE

    def __init__(
        self,
        boot: BootLoader,
        internal: InternalF2,
        dct: Dct,
        serial_flash: SerialFlash | None,
        *,
        dct_works: Callable[[], bool],
        wrote_system: Callable[[int], None],
        leave: Callable[[float], None],
        mishap: Callable[[], Mishap] = lambda: Mishap.NONE,
    ) -> None:
        super().__init__(leave, mishap)
        self.pointer = 0x0802_0000
        self._boot = boot
        self._media: dict[int, Memory] = {0: internal, 1: dct}
        if serial_flash is not None:
            self._media[2] = serial_flash
        self._dct_works = dct_works
        self._wrote_system = wrote_system
        self._buffer = bytearray(F2_TRANSFER_SIZE)

    def configured(self) -> None:
        """The DFU class is initialised anew: idle, first alternate setting (2.4.14)."""
        self.alt = 0
        self._rest()

    def _detach(self, setup: Setup) -> Answer:
        self._rest()
        return Answer(takes=setup.value / 1000)

    def _chosen(self, address: int) -> tuple[int, Memory] | None:
        """Return the medium for an address, or None where the address check fails (2.4.5)."""
        alt = self.alt
        if not self._boot.honours_alt:
            alt = 0 if address >= F2_BASE else 1
        start, size = {0: (F2_BASE, F2_SIZE), 1: (0, DCT_SIZE), 2: (0, P1_SERIAL_SIZE)}[alt]
        return (alt, self._media[alt]) if start <= address < start + size else None

    def _work(self, pending: Pending) -> tuple[bool, float]:
        if pending.block == 1:
            return True, 0.0
        if pending.block == 0:
            if pending.address is None:
                return pending.data == bytes((GET_COMMANDS,)), 0.0
            self.pointer = pending.address
            if not pending.erases:
                return True, 0.0
            address, erases = self.pointer, True
        else:
            address, erases = self.pointer + (pending.block - 2) * self.transfer_size, False
            self._buffer[: len(pending.data)] = pending.data
        chosen = self._chosen(address)
        if chosen is None:
            return False, 0.0
        alt, medium = chosen
        if alt == 1 and not erases and not self._dct_works():
            return False, 0.0
        done = self._change(medium, address, None if erases else pending.data)
        if alt == 0:
            self._wrote_system(address)
        return done

    def _poll_for(self, pending: Pending) -> int | None:
        chosen = self._chosen(self.pointer)
        if chosen is None:
            return None
        match chosen[0]:
            case 0:  # internal flash
                return self._boot.internal_poll
            case 1:  # DCT
                return 500 if pending.erases else 1  # the table's two values, swapped (2.4.7)
        return 0  # P1 serial flash: no source

    def _read(self, address: int, size: int) -> bytes:
        size = min(size, self.transfer_size)
        chosen = self._chosen(address)
        if chosen is None:
            return bytes(size) if self._boot.zeros else bytes(self._buffer[:size])
        alt, medium = chosen
        if alt == 1 and not self._dct_works():
            return bytes(size)
        found = self._sense(medium, address, size)
        self._buffer[: len(found)] = found
        return bytes(self._buffer[:size])

    def _get_status(self, setup: Setup) -> Answer:
        after = self.state
        takes, good = 0.0, True
        if self.state == DNLOAD_SYNC:
            if self._pending is not None:
                pending, self._pending = self._pending, None
                poll = self._poll_for(pending)
                self._poll = self._poll if poll is None else poll
                good, takes = self._work(pending)
                good = good or not self._boot.reports_failures
                self.state, after = DNBUSY, DNLOAD_SYNC
            else:
                self.state = after = DNLOAD_IDLE  # the poll bytes stay (2.4.7)
        elif self.state == MANIFEST_SYNC:
            if self._boot.leaves_at_once:
                self.state, self._poll, after = MANIFEST, 1, MANIFEST
                self._leave(0.0)
            else:
                self.state, after = DNLOAD_IDLE, MANIFEST_WAIT_RESET
                self._leave(LATE_RESET)
        elif self.state == MANIFEST:
            self.state = after = IDLE  # 2.4.15
        reply = self._status_bytes()
        self.state = after
        return Answer(reply[: setup.length], takes=takes, refused=not good)
