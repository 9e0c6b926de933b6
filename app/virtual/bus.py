"""Virtual boards on a desk: a `Bus` in this process, behaving as the real one does."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from app.clock import Clock, Deadline
from app.faults import AccessDenied, BoardGone, BoardSilent, BusFailed, PortBusy, TransferStalled
from app.transports.base import Closes, SerialPipe, Sighting, UsbPipe
from app.virtual.board import VirtualBoard
from app.virtual.descriptors import Standard
from app.virtual.enumeration import CdcRequest, Enumeration
from app.virtual.face import Gone, NoAnswer, Stall

PACKET = 64  # bytes of a full-speed bulk packet
READ_STEP = 0.002  # seconds between two looks at the serial port
LONGEST_READ_STEP = 0.03  # where nothing came for long: ever fewer looks, still below what anybody tells from at once
REQUEST_TO_INTERFACE = 0x21
STANDARD_TO_INTERFACE = 0x01
# USB 2.0 tables 9-2 and 9-5.
RECIPIENT, INTERFACE = 0x1F, 0x01
TYPE, VENDOR = 0x60, 0x40
INTERFACE_DESCRIPTOR = 4
SERIAL_CLASSES = (0x02, 0x0A)  # bInterfaceClass of a serial port's two interfaces (USB CDC 1.2)


class VirtualBus:
    """The desk with its cables.

    Boards given at the start are plugged into ports 1-1, 1-2 and so on. Everything is safe from any thread.

    Attributes:
        clock: The time of all its boards.
    """

    def __init__(self, clock: Clock, boards: Iterable[VirtualBoard] = ()) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._ports: dict[str, VirtualBoard] = {}
        self._known: dict[str, tuple[Enumeration, int]] = {}
        self._last_address = 1
        self._held: set[tuple[int, str]] = set()
        self._changes = 0
        self._waiting: set[threading.Event] = set()
        self._seen = threading.local()
        for number, board in enumerate(boards, start=1):
            self.plug(board, f"1-{number}")

    # --- the desk ---------------------------------------------------------------------------------------------------

    @property
    def boards(self) -> tuple[VirtualBoard, ...]:
        """The boards that are plugged in, whether the host can see them or not."""
        with self._lock:
            return tuple(self._ports.values())

    def plug(self, board: VirtualBoard, port: str = "1-1") -> None:
        """Plug a board into a free port.

        Raises:
            ValueError: Something is plugged in there already.
        """
        with self._lock:
            if self._ports.get(port, board) is not board:
                raise ValueError(f"port {port} is taken")
            self._ports[port] = board
        board.listen(self._look_again)
        board.plug()
        self.wake()

    def unplug(self, board: VirtualBoard) -> None:
        """Pull a board's cable."""
        with self._lock:
            self._ports = {port: found for port, found in self._ports.items() if found is not board}
        board.ignore(self._look_again)
        board.unplug()
        with self._lock:
            self._changes += board.presence  # so that the count never falls
        self.wake()

    # --- Bus --------------------------------------------------------------------------------------------------------

    def sightings(self) -> Sequence[Sighting]:
        """List what is on the bus now."""
        self._seen.count = self._count()
        with self._lock:
            ports = dict(self._ports)
        return [
            self._sighting(port, board, face) for port, board in ports.items() if (face := board.face()) is not None
        ]

    def open_usb(self, sighting: Sighting) -> UsbPipe:
        """Open it for control transfers."""
        board, face = self._find(sighting)
        self._hold(board, face, "usb")
        return VirtualUsbPipe(self, board, face)

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        """Open its serial port: baud rate first, then DTR."""
        board, face = self._find(sighting)
        if face.serial is None:
            raise BoardGone("no serial port in this mode")
        self._hold(board, face, "serial")
        pipe = VirtualSerialPipe(self, board, face)
        try:
            pipe.set_baud(baud)
            pipe.set_ready(ready=True)
        except BaseException:
            pipe.close()
            raise
        return pipe

    def wait_for_change(self, seconds: float) -> bool:
        """Sleep until something was plugged, unplugged or has changed its mode, or `wake` was called."""
        deadline = Deadline(self.clock, seconds)
        before = getattr(self._seen, "count", None)
        if before is None:
            before = self._count()
        event: threading.Event | None = getattr(self._seen, "event", None)
        if event is None:  # a thread waits for one thing at a time
            event = self._seen.event = threading.Event()
        with self._lock:
            self._waiting.add(event)
        try:
            while True:
                event.clear()
                now = self._count()
                if now != before or deadline.passed():
                    self._seen.count = now
                    return now != before
                self.clock.wait(event, min(deadline.left, self._next_change()))
        finally:
            with self._lock:
                self._waiting.discard(event)

    def wake(self) -> None:
        """End every `wait_for_change` under way."""
        with self._lock:
            self._changes += 1
        self._look_again()

    def close(self) -> None:
        """Let go of everything; the boards keep their power."""
        with self._lock:
            self._held.clear()
        self.wake()

    # --- inside -----------------------------------------------------------------------------------------------------

    def let_go(self, face: Enumeration, way: str) -> None:
        """A pipe has been closed."""
        with self._lock:
            self._held.discard((id(face), way))

    def _look_again(self) -> None:
        """Have the waiting threads look; called from boards with their lock held, so it only sets events."""
        with self._lock:
            for event in self._waiting:
                event.set()

    def _count(self) -> int:
        """Return a number that grows with each change."""
        with self._lock:
            boards, changes = tuple(self._ports.values()), self._changes
        for board in boards:
            board.tick()
        return changes + sum(board.presence for board in boards)

    def _next_change(self) -> float:
        moments = [moment for board in self.boards if (moment := board.next_change()) is not None]
        return max(0.0, min(moments) - self.clock.now()) if moments else 3600.0

    def _address(self, port: str, face: Enumeration) -> int:
        with self._lock:
            known = self._known.get(port)
            if known is None or known[0] is not face:
                self._last_address += 1
                known = self._known[port] = (face, self._last_address)
            return known[1]

    def _sighting(self, port: str, board: VirtualBoard, face: Enumeration) -> Sighting:
        vendor, product, release = struct.unpack_from("<HHH", face.device_descriptor(), 8)
        return Sighting(
            port_path=port,
            address=self._address(port, face),
            vendor=vendor,
            product=product,
            serial=face.described.text(3),
            product_name=face.described.text(2),
            release=release,
            serial_port=None if face.serial is None else f"/dev/ttyVIRTUAL{_port_number(port)}",
            denied=board.mishap.denied,
        )

    def _find(self, sighting: Sighting) -> tuple[VirtualBoard, Enumeration]:
        with self._lock:
            board = self._ports.get(sighting.port_path)
        face = None if board is None else board.face()
        if board is None or face is None or self._address(sighting.port_path, face) != sighting.address:
            raise BoardGone(f"nothing at {sighting.port_path} with address {sighting.address}")
        return board, face

    def _hold(self, board: VirtualBoard, face: Enumeration, way: str) -> None:
        if board.mishap.denied:
            raise AccessDenied
        with self._lock:
            if board.mishap.busy or (id(face), way) in self._held:
                raise PortBusy
            self._held.add((id(face), way))


class _Pipe(Closes):
    """What both pipes have in common."""

    _way: str

    def __init__(self, bus: VirtualBus, board: VirtualBoard, face: Enumeration) -> None:
        self._bus = bus
        self._board = board
        self._face = face
        self._open = True

    def close(self) -> None:
        """Let go of the board; never raises, may be called twice."""
        if self._open:
            self._open = False
            self._bus.let_go(self._face, self._way)

    def _still_open(self) -> None:
        if not self._open:
            raise BoardGone("the pipe is closed")

    def _transfer(
        self, request_type: int, request: int, value: int, index: int, data: bytes, length: int, timeout_ms: int
    ) -> bytes:
        self._still_open()
        setup = struct.pack("<BBHHH", request_type, request, value, index, length)
        try:
            return self._face.control(setup, data, patience=timeout_ms / 1000)
        except Stall:
            raise TransferStalled(f"request {request_type:#04x} {request:#04x} at {value:#06x}") from None
        except NoAnswer:
            raise BoardSilent(f"request {request_type:#04x} {request:#04x} after {timeout_ms} ms") from None
        except Gone:
            raise BoardGone(f"request {request_type:#04x} {request:#04x}") from None


class VirtualUsbPipe(_Pipe):
    """Control transfers to a virtual board."""

    _way = "usb"

    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        """Send a control transfer with an optional data stage to the board."""
        self._claim(request_type, index)
        self._transfer(request_type, request, value, index, data, len(data), timeout_ms)

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        """Ask for at most `length` bytes."""
        self._claim(request_type, index)
        return self._transfer(request_type, request, value, index, b"", length, timeout_ms)[:length]

    def select_alt(self, interface: int, alt: int) -> None:
        """Choose an alternate setting."""
        self._demand((interface, alt))
        self._transfer(STANDARD_TO_INTERFACE, Standard.SET_INTERFACE, alt, interface, b"", 0, 1000)

    def _claim(self, request_type: int, index: int) -> None:
        """Before a class request the real bus claims the interface it is for."""
        if request_type & RECIPIENT == INTERFACE and request_type & TYPE != VENDOR:
            self._demand((index & 0xFF, 0))

    def _demand(self, wanted: tuple[int, int]) -> None:
        """Refuse an interface and alternate setting that are not in the configuration descriptor, or have a driver.

        The operating system looks there and asks the board nothing, not even a Core that would accept more (1.2).
        """
        self._still_open()
        if not self._face.attached():
            raise BoardGone("interface")
        of_class = _settings(self._face.configuration_descriptor()).get(wanted)
        if of_class is None:
            raise BusFailed(f"no interface {wanted[0]} with alternate setting {wanted[1]}")
        if of_class in SERIAL_CLASSES:
            raise PortBusy(f"interface {wanted[0]} belongs to the driver of serial ports")


class VirtualSerialPipe(_Pipe):
    """Bytes to and from a virtual board's serial port."""

    _way = "serial"

    def write(self, data: bytes, timeout_ms: int) -> None:
        """Send bytes in packets."""
        self._still_open()
        assert self._face.serial is not None
        endpoint = self._face.serial.to_board
        for start in range(0, len(data), PACKET):
            try:
                self._face.bulk_out(endpoint, data[start : start + PACKET])
            except NoAnswer:
                self._bus.clock.wait(self._face.lost, timeout_ms / 1000)
                self._still_there()
                raise BoardSilent("serial write") from None
            except Gone:
                raise BoardGone("serial write") from None

    def read(self, timeout_ms: int) -> bytes:
        """Return what arrives next, b"" when nothing came in time."""
        self._still_open()
        assert self._face.serial is not None
        endpoint = self._face.serial.to_host
        deadline = Deadline(self._bus.clock, timeout_ms / 1000)
        step = READ_STEP
        while True:
            try:
                found = self._face.bulk_in(endpoint, PACKET)
            except NoAnswer:
                found = b""
            except Gone:
                raise BoardGone("serial read") from None
            if found or deadline.passed():
                return found
            self._bus.clock.wait(self._face.lost, min(step, deadline.left))
            step = min(step * 1.25, LONGEST_READ_STEP)

    def set_baud(self, baud: int) -> None:
        """Send a line coding of 8N1 with that baud rate."""
        coding = struct.pack("<IBBB", baud, 0, 0, 8)
        self._transfer(REQUEST_TO_INTERFACE, CdcRequest.SET_LINE_CODING, 0, 0, coding, len(coding), 1000)

    def set_ready(self, *, ready: bool) -> None:
        """Set DTR and RTS."""
        self._transfer(REQUEST_TO_INTERFACE, CdcRequest.SET_CONTROL_LINE_STATE, 3 if ready else 0, 0, b"", 0, 1000)

    def _still_there(self) -> None:
        if not self._face.attached():
            raise BoardGone("serial write")


@cache
def _settings(configuration: bytes) -> Mapping[tuple[int, int], int]:
    """Return the class of every interface and alternate setting that a configuration descriptor announces."""
    found: dict[tuple[int, int], int] = {}
    place = 0
    while place < len(configuration):
        length, kind, *rest = configuration[place : place + configuration[place]]
        if kind == INTERFACE_DESCRIPTOR:
            found[rest[0], rest[1]] = rest[3]
        place += length
    return found


def _port_number(port: str) -> int:
    """Return a number for a port path: 0 for 1-1, 1 for 1-2, and so on."""
    digits = [int(part) for part in port.replace("-", ".").split(".") if part.isdigit()]
    return max(0, digits[-1] - 1) if digits else 0
