"""A conversation with a boot loader: the DFU 1.1 state machine with DfuSe addressing.

Source: device-protocol.md 1.2, 1.5, 2 and Appendix A.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, unique
from types import MappingProxyType

from app.clock import Clock, Deadline
from app.faults import BoardGone, BoardSilent, BusFailed, DfuRefused, DfuStuck, TransferStalled, WrongAnswer
from app.platforms.model import Quirk
from app.protocols.dfuse import MemoryLayout, erase_command, parse_layout, set_address_command
from app.transports.base import Closes, UsbPipe

# bmRequestType: class request to an interface, and standard request to the device.
TO_INTERFACE = 0x21
FROM_INTERFACE = 0xA1
FROM_DEVICE = 0x80

# Requests, device-protocol.md 2.1 (DETACH, 0, does nothing useful on any of these boards).
DNLOAD = 1
UPLOAD = 2
GETSTATUS = 3
CLRSTATUS = 4
GETSTATE = 5
ABORT = 6

GET_DESCRIPTOR = 6
DESCRIPTOR_CONFIGURATION = 2
DESCRIPTOR_STRING = 3
DESCRIPTOR_INTERFACE = 4
DESCRIPTOR_DFU = 0x21
LANGUAGE = 0x0409  # 1.2
DFU_CLASS = (0xFE, 0x01)

COMMAND_BLOCK = 0
FIRST_DATA_BLOCK = 2
# Block numbers are 16 bits and start at 2; after so many blocks the address is set anew.
MAX_BLOCKS = 65_533

TRANSFER_TIMEOUT_MS = 2_000
# The operation runs inside the GETSTATUS transfer; a 128 KB sector may take 2 s, the host must allow 5 (2.4.3).
WORKING_STATUS_TIMEOUT_MS = 6_000
# An operation that still says "busy" after so long will not end.
OPERATION_LIMIT_S = 15.0

# Enough for the longest way (busy, done, illegal state, error, idle) twice over, with stalls between.
SETTLE_TRIES = 12
SETTLE_PAUSE_S = 0.05
# A stalled DfuSe command is tried up to 4 times, 1 s apart, as the vendor's host does (2.6).
READ_TRIES = 4
READ_RETRY_PAUSE_S = 1.0


@unique
class DfuState(IntEnum):
    """States of DFU 1.1 that a boot loader can be in (2.1)."""

    IDLE = 2
    DNLOAD_SYNC = 3
    DNBUSY = 4
    DNLOAD_IDLE = 5
    MANIFEST_SYNC = 6
    MANIFEST = 7
    MANIFEST_WAIT_RESET = 8
    UPLOAD_IDLE = 9
    ERROR = 10


_LEFT_BY_ABORT = {DfuState.DNLOAD_SYNC, DfuState.DNLOAD_IDLE, DfuState.MANIFEST_SYNC, DfuState.UPLOAD_IDLE}
_PASSES_BY_ITSELF = {DfuState.DNBUSY, DfuState.MANIFEST, DfuState.MANIFEST_WAIT_RESET}
_LEAVING = {DfuState.DNLOAD_IDLE, DfuState.MANIFEST, DfuState.MANIFEST_WAIT_RESET}


@dataclass(frozen=True, slots=True)
class DfuStatus:
    """An answer to GETSTATUS.

    Attributes:
        status: bStatus, 0 is OK.
        poll_ms: bwPollTimeout; means something in dfuDNBUSY only, elsewhere it may be stale (2.4.7).
        state: bState; a plain number because 0x0F, which no standard knows, happens (2.4.14).
    """

    status: int
    poll_ms: int
    state: int


def state_name(state: int) -> str:
    """Return the name of a state for technical details."""
    try:
        return DfuState(state).name
    except ValueError:
        return f"0x{state:02X}"


class DfuSession(Closes):
    """One boot loader, opened for DFU. Closing the session closes the pipe.

    The constructor reads the configuration and claims the DFU interface with alternate setting 0. Whatever an earlier
    program left behind is still there until `settle` is called.

    Attributes:
        interface: bInterfaceNumber of the DFU interface.
        transfer_size: wTransferSize in bytes.
        layouts: Memory layout of each alternate setting; one whose string cannot be read is missing.
        alt: The chosen alternate setting.
        transfers: Control transfers so far.

    Every method raises `BoardGone`, `BoardSilent` and the other faults of the transport as they come.
    """

    def __init__(
        self, pipe: UsbPipe, *, quirks: Set[Quirk], clock: Clock, check: Callable[[], None] = lambda: None
    ) -> None:
        self._pipe = pipe
        self._quirks = quirks
        self._clock = clock
        self._stop_check = check
        self._uninterrupted = False
        # Where the address pointer stands; None when that is not certain.
        self._pointer: int | None = None
        self.transfers = 0
        self._status_timeout_ms = (
            WORKING_STATUS_TIMEOUT_MS if Quirk.WORKS_DURING_STATUS in quirks else TRANSFER_TIMEOUT_MS
        )
        found = _parse_configuration(self._configuration())
        self.interface = found.interface
        self.transfer_size = found.transfer_size
        self._alts = frozenset(found.strings)
        self.layouts: Mapping[int, MemoryLayout] = MappingProxyType(self._read_layouts(found.strings))
        self.alt = 0
        self.select(0)

    def close(self) -> None:
        """Release the board; never raises, may be called twice."""
        self._pipe.close()

    def check(self) -> None:
        """Raise what the `check` given at the start raises, `Cancelled` for example; called before each command."""
        if not self._uninterrupted:
            self._stop_check()

    @contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Let nobody stop what is inside: for commands that must not end half-way, such as erasing and filling."""
        before, self._uninterrupted = self._uninterrupted, True
        try:
            yield
        finally:
            self._uninterrupted = before

    # --- state ----------------------------------------------------------------------------------------------------

    def status(self) -> DfuStatus:
        """Ask for the state. In dfuDNLOAD-SYNC this is what makes the boot loader carry out the command.

        Raises:
            TransferStalled: The boot loader's only way to report a failure on Photon and later (2.4.4).
            WrongAnswer: The answer is not 6 bytes long.
        """
        raw = self._in(GETSTATUS, 0, 6, self._status_timeout_ms)
        if len(raw) != 6:
            raise WrongAnswer(f"GETSTATUS answered {len(raw)} bytes")
        return DfuStatus(raw[0], int.from_bytes(raw[1:4], "little"), raw[4])

    def settle(self) -> None:
        """Bring the interface to dfuIDLE, whatever an earlier program left behind.

        A command that was sent but not carried out is dropped, never carried out: that is why the state is first
        looked at without GETSTATUS.

        Raises:
            DfuStuck: It does not come to idle.
        """
        seen = "no answer"
        self._drop_pending()
        for _ in range(SETTLE_TRIES):
            self.check()
            try:
                status = self.status()
                seen = f"{state_name(status.state)}, status {status.status}"
                if status.state == DfuState.IDLE:
                    return
                if status.state in _LEFT_BY_ABORT:
                    self._out(ABORT, 0, b"")
                elif status.state in _PASSES_BY_ITSELF:
                    self._clock.pause(min(status.poll_ms / 1000, 1.0) or SETTLE_PAUSE_S)
                else:
                    # dfuERROR goes to idle. An illegal state (0x0F) goes to dfuERROR and from there to idle (2.4.14).
                    # In any other state CLRSTATUS would create an error.
                    self._out(CLRSTATUS, 0, b"")
            except TransferStalled:
                seen = "stalled"
                self._clock.pause(SETTLE_PAUSE_S)
        raise DfuStuck(seen)

    def select(self, alt: int) -> None:
        """Choose the alternate setting; the request is always sent, boards from the Photon on need it (2.6).

        Raises:
            WrongAnswer: The board has no such alternate setting.
        """
        if alt not in self._alts:
            raise WrongAnswer(f"no alternate setting {alt}")
        self._pointer = None  # another memory has other addresses
        self.transfers += 1
        self._pipe.select_alt(self.interface, alt)
        self.alt = alt

    # --- memory ---------------------------------------------------------------------------------------------------

    def set_address(self, address: int) -> None:
        """Move the address pointer; leaves the state dfuDNLOAD-IDLE.

        Raises:
            DfuRefused: The boot loader stalled or reported an error.
        """
        self._operation(f"set address 0x{address:08X}", COMMAND_BLOCK, set_address_command(address), address)

    def read(self, address: int, size: int, progress: Callable[[int, int], None] | None = None) -> bytes:
        """Read `size` bytes; `progress(done, total)` counts bytes. Leaves the state dfuIDLE.

        A stall is retried from the block it met (2.6): reading twice harms nothing.

        Raises:
            DfuRefused: The boot loader keeps stalling.
            WrongAnswer: It sent fewer bytes than asked for.
            ValueError: The bytes are not all in the chosen memory; some boot loaders would crash (2.2.12).
        """
        self._demand(address, size)
        received = bytearray()
        tries = READ_TRIES
        while len(received) < size:
            before = len(received)
            try:
                self._read_run(address, size, received, progress)
            except DfuRefused:
                tries = READ_TRIES - 1 if len(received) > before else tries - 1
                if not tries:
                    raise
                self._clock.pause(READ_RETRY_PAUSE_S)
                self.settle()
        return bytes(received)

    def erase(self, address: int) -> None:
        """Erase the one page or sector that contains the address; leaves the state dfuDNLOAD-IDLE.

        On a boot loader with `Quirk.NEVER_REPORTS_ERRORS` only reading back tells whether it worked.

        Raises:
            DfuRefused: The boot loader stalled or reported an error.
            ValueError: The address is not in the chosen memory.
        """
        self._demand(address, 1)
        self._operation(f"erase 0x{address:08X}", COMMAND_BLOCK, erase_command(address), address)

    def write(self, address: int, data: bytes) -> None:
        """Write one block, its address set anew; otherwise as `write_block`."""
        self._pointer = None
        self.write_block(address, data)

    def write_block(self, address: int, data: bytes) -> None:
        """Write one block of 1 to `transfer_size` bytes into erased memory; leaves the state dfuDNLOAD-IDLE.

        The address is set only where the pointer, which an erase moves too, does not reach it by block number (2.1).
        With `Quirk.EVEN_LENGTH` an odd block is padded with 0xFF, which changes no byte of erased or SPI flash (2.2.8).

        Raises:
            DfuRefused: The boot loader stalled or reported an error.
            ValueError: The bytes are not all in the chosen memory, or are no single block.
        """
        if not 1 <= len(data) <= self.transfer_size:
            raise ValueError(f"a block has 1 to {self.transfer_size} bytes, not {len(data)}")
        if Quirk.EVEN_LENGTH in self._quirks and len(data) % 2:
            data += b"\xff"
        self._demand(address, len(data))
        block = self._block_of(address)
        if block is None:
            self.set_address(address)
            block = FIRST_DATA_BLOCK
        self._operation(f"write {len(data)} bytes at 0x{address:08X}", block, data, self._pointer)

    def leave(self) -> None:
        """Tell the boot loader to start the firmware. Afterwards the board leaves the bus, at once or within 1 s.

        Raises:
            DfuRefused: The boot loader does not want to leave.
        """
        self.settle()
        self.check()
        try:
            self._out(DNLOAD, FIRST_DATA_BLOCK, b"")
        except TransferStalled as error:
            raise DfuRefused("leave: stalled") from error
        try:
            status = self.status()
        except (TransferStalled, BoardSilent, BoardGone, BusFailed):
            return  # it resets before or while it answers: the expected end (2.2)
        if status.state not in _LEAVING:
            raise DfuRefused(f"leave: {state_name(status.state)}, status {status.status}")

    # --- inside ---------------------------------------------------------------------------------------------------

    def _demand(self, address: int, size: int) -> None:
        """Refuse what lies outside the chosen memory: that would be a mistake of this program."""
        layout = self.layouts.get(self.alt)
        if size < 1 or (layout is not None and not layout.contains(address, size)):
            raise ValueError(f"{size} bytes at 0x{address:08X} are not in alternate setting {self.alt}")

    def _block_of(self, address: int) -> int | None:
        """Return the number of the block that begins there as the pointer stands; None when there is none."""
        if self._pointer is None or address < self._pointer:
            return None
        number, beside = divmod(address - self._pointer, self.transfer_size)
        return FIRST_DATA_BLOCK + number if not beside and number < MAX_BLOCKS else None

    def _drop_pending(self) -> None:
        """Abort a command that an earlier program sent and never asked the status of."""
        try:
            if self._in(GETSTATE, 0, 1, TRANSFER_TIMEOUT_MS)[:1] in (
                bytes([DfuState.DNLOAD_SYNC]),
                bytes([DfuState.MANIFEST_SYNC]),
            ):
                self._out(ABORT, 0, b"")
        except TransferStalled:
            return  # settle finds out with GETSTATUS

    def _read_run(
        self, address: int, size: int, received: bytearray, progress: Callable[[int, int], None] | None
    ) -> None:
        """Read on from where `received` ends, as far as one run of block numbers reaches."""
        self.set_address(address + len(received))
        name = f"read 0x{address:08X}"
        try:
            self._out(ABORT, 0, b"")  # UPLOAD is refused in dfuDNLOAD-IDLE (2.1)
            for block in range(FIRST_DATA_BLOCK, FIRST_DATA_BLOCK + MAX_BLOCKS):
                self.check()
                wanted = min(self.transfer_size, size - len(received))
                piece = self._in(UPLOAD, block, wanted, TRANSFER_TIMEOUT_MS)
                if len(piece) != wanted:
                    raise WrongAnswer(f"{name}: block {block} has {len(piece)} bytes instead of {wanted}")
                received += piece
                if progress:
                    progress(len(received), size)
                if len(received) == size:
                    break
            self._out(ABORT, 0, b"")
        except TransferStalled as error:
            raise DfuRefused(f"{name}: stalled after {len(received)} bytes") from error

    def _operation(self, name: str, block: int, data: bytes, pointer: int | None) -> None:
        """Send a command or a block and see it through to dfuDNLOAD-IDLE; then the pointer stands at `pointer`."""
        self.check()
        self._pointer = None  # not certain any more, unless all goes well
        deadline = Deadline(self._clock, OPERATION_LIMIT_S)
        try:
            self._out(DNLOAD, block, data)
            status = self.status()
            while status.state == DfuState.DNBUSY and not deadline.passed():
                # Some boot loaders say 0 here; a board that stays busy is then asked again without haste.
                self._clock.pause(min(status.poll_ms / 1000, deadline.left))
                status = self.status()
                if status.state == DfuState.DNBUSY:
                    self._clock.pause(SETTLE_PAUSE_S)
        except TransferStalled as error:
            raise DfuRefused(f"{name}: stalled") from error
        if status.state == DfuState.DNBUSY:
            raise BoardSilent(f"{name}: busy for {OPERATION_LIMIT_S:.0f} s")
        if status.state != DfuState.DNLOAD_IDLE or status.status:
            raise DfuRefused(f"{name}: {state_name(status.state)}, status {status.status}")
        self._pointer = pointer

    def _out(self, request: int, value: int, data: bytes) -> None:
        self.transfers += 1
        self._pipe.control_out(TO_INTERFACE, request, value, self.interface, data, TRANSFER_TIMEOUT_MS)

    def _in(self, request: int, value: int, length: int, timeout_ms: int) -> bytes:
        self.transfers += 1
        return self._pipe.control_in(FROM_INTERFACE, request, value, self.interface, length, timeout_ms)

    def _descriptor(self, kind: int, number: int, language: int, length: int) -> bytes:
        return self._pipe.control_in(
            FROM_DEVICE, GET_DESCRIPTOR, kind << 8 | number, language, length, TRANSFER_TIMEOUT_MS
        )

    def _configuration(self) -> bytes:
        head = self._descriptor(DESCRIPTOR_CONFIGURATION, 0, 0, 9)
        if len(head) < 4:
            raise WrongAnswer("no configuration descriptor")
        return self._descriptor(DESCRIPTOR_CONFIGURATION, 0, 0, struct.unpack_from("<H", head, 2)[0])

    def _read_layouts(self, strings: Mapping[int, int]) -> dict[int, MemoryLayout]:
        layouts = {}
        for alt, index in strings.items():
            try:
                raw = self._descriptor(DESCRIPTOR_STRING, index, LANGUAGE, 255)
                layouts[alt] = parse_layout(raw[2 : raw[0] if raw else 0].decode("utf-16-le", "replace"))
            except (TransferStalled, WrongAnswer):
                continue  # only the string is missing; the memory can still be read
        return layouts


@dataclass(frozen=True, slots=True)
class _Configuration:
    """What matters of a configuration descriptor: `strings` maps alternate setting to string index."""

    interface: int
    strings: dict[int, int]
    transfer_size: int


def _parse_configuration(raw: bytes) -> _Configuration:
    """Find the DFU interface, its alternate settings and its functional descriptor.

    Raises:
        WrongAnswer: There is none.
    """
    interface: int | None = None
    strings: dict[int, int] = {}
    transfer_size = 0
    place = 0
    while place + 2 <= len(raw) and raw[place] >= 2:
        part = raw[place : place + raw[place]]
        place += raw[place]
        if part[1] == DESCRIPTOR_INTERFACE and len(part) >= 9 and (part[5], part[6]) == DFU_CLASS:
            interface = part[2] if interface is None else interface
            if part[2] == interface:
                strings[part[3]] = part[8]
        elif part[1] == DESCRIPTOR_DFU and len(part) >= 7:
            (transfer_size,) = struct.unpack_from("<H", part, 5)
    if interface is None or not transfer_size:
        raise WrongAnswer("the configuration has no usable DFU interface")
    return _Configuration(interface, strings, transfer_size)
