"""Plug a virtual board into the guest's kernel: its USB face, served over USB/IP to a virtual host controller.

No board logic is in here. The kernel's `vhci_hcd` gets one end of a socket pair through its `attach` file and speaks
USB/IP (Documentation/usb/usbip_protocol.rst of the kernel) on it; each transfer is handed to the board's face. Closing
the socket is the unplug. A board that changes its face (mode change, reset) leaves the bus and comes back when it says.
"""

from __future__ import annotations

import os
import queue
import socket
import struct
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.virtual.face import Gone, NoAnswer, Stall, UsbFace

PLATFORM = Path("/sys/devices/platform")

# usbip_protocol.rst: every message begins with 48 bytes, big-endian but for the setup packet.
COMMON = struct.Struct(">5I")  # command, sequence number, device, direction, endpoint
SUBMIT = struct.Struct(">Iiiii8s")  # flags, length, first frame, packets, interval, setup packet
RETURN = struct.Struct(">iiiii8x")  # status, length, first frame, packets, errors
UNLINK = struct.Struct(">I24x")  # sequence number of the transfer to give up
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
MESSAGE = COMMON.size + SUBMIT.size

EPIPE, ECONNRESET = 32, 104  # how the kernel calls a stall and a transfer given up
FULL_SPEED = 2  # enum usb_device_speed; every board here is a full-speed device

NAK_POLL = 0.002  # s between two looks at a bulk IN endpoint that has nothing to say
FACE_POLL = 0.005  # s between two looks at whether the board is still the same device


class Pluggable(Protocol):
    """What is needed of a virtual board."""

    def plug(self) -> None:
        """Give it power and a host."""

    def unplug(self) -> None:
        """Take both away."""

    def face(self) -> UsbFace | None:
        """The device it is now; None while it is not on the bus."""


class WireLog:
    """Every transfer of a board in words: the best tool when a test fails."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=20_000)
        self._start = time.monotonic()
        self.bugs: list[str] = []
        self.count = 0

    def add(self, words: str) -> None:
        self.count += 1
        self._lines.append(f"{time.monotonic() - self._start:9.4f} {words}")

    def bug(self) -> None:
        """Keep the exception being handled: a board must never raise anything but the three words of its contract."""
        self.bugs.append(traceback.format_exc())
        self.add(f"BUG {self.bugs[-1]}")

    def text(self, last: int | None = None) -> str:
        lines = list(self._lines)
        return "\n".join(lines if last is None else lines[-last:])


@dataclass
class Transfer:
    """One transfer the kernel has asked for."""

    number: int
    device: int
    endpoint: int  # without the direction bit
    inward: bool
    length: int
    setup: bytes
    data: bytes
    given_up: threading.Event = field(default_factory=threading.Event)

    def __str__(self) -> str:
        way = "in " if self.inward else "out"
        if self.endpoint == 0:
            kind, request, value, index, length = struct.unpack("<BBHHH", self.setup)
            what = f"type={kind:02x} request={request:02x} value={value:04x} index={index:04x} length={length}"
            return f"#{self.number} control {way} {what}{_hex(self.data)}"
        return f"#{self.number} ep{self.endpoint} {way} length={self.length}{_hex(self.data)}"


class Enumeration:
    """One face on the wire, from attach to unplug."""

    def __init__(self, face: UsbFace, log: WireLog) -> None:
        self.face = face
        self.closed = threading.Event()
        self._log = log
        self._ours, self._kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()  # over _open and every write to the socket
        self._open: dict[int, Transfer] = {}
        self._queues: dict[int, queue.SimpleQueue[Transfer | None]] = {}
        self._interrupts = _interrupt_endpoints(face.configuration_descriptor())
        self._spoke = threading.Event()  # something was sent to the board: it may answer now

    def attach(self, port: int) -> None:
        """Hand the socket to the kernel and serve it from a thread of its own.

        Raises:
            OSError: EBUSY (16) while the port has not let go of its previous device.
        """
        try:
            words = f"{port} {self._kernels.fileno()} {port + 1} {FULL_SPEED}"
            (PLATFORM / "vhci_hcd.0" / "attach").write_text(words, "ascii")
        except OSError:
            self.close()
            self._ours.close()
            raise
        self._kernels.close()  # the kernel keeps its own reference
        threading.Thread(target=self._receive, name=f"wire-{port}", daemon=True).start()

    def close(self) -> None:
        """Leave the bus. Transfers under way end with ENODEV in the kernel."""
        with self._lock:
            if self.closed.is_set():
                return
            self.closed.set()
            waiting = list(self._open.values())
            self._open.clear()
        for transfer in waiting:
            transfer.given_up.set()
        for inbox in list(self._queues.values()):
            inbox.put(None)
        with suppress(OSError):  # the kernel was first
            self._ours.shutdown(socket.SHUT_RDWR)
        self._kernels.close()

    # --- what the kernel says

    def _receive(self) -> None:
        try:
            while True:
                self._take(self._exactly(MESSAGE))
        except (EOFError, OSError):
            pass
        finally:
            self.close()
            self._ours.close()

    def _take(self, message: bytes) -> None:
        command, number, device, direction, endpoint = COMMON.unpack_from(message)
        if command == CMD_UNLINK:
            (victim,) = UNLINK.unpack_from(message, COMMON.size)
            self._unlink(number, victim)
            return
        if command != CMD_SUBMIT:
            raise OSError(f"USB/IP command {command:#x}")
        _flags, length, _frame, _packets, _interval, setup = SUBMIT.unpack_from(message, COMMON.size)
        inward = bool(direction)
        data = b"" if inward or length <= 0 else self._exactly(length)
        transfer = Transfer(number, device, endpoint, inward, length, setup, data)
        with self._lock:
            if self.closed.is_set():
                return
            self._open[number] = transfer
        self._inbox(transfer).put(transfer)

    def _unlink(self, number: int, victim: int) -> None:
        with self._lock:
            transfer = self._open.pop(victim, None)
            status = 0 if transfer is None else -ECONNRESET
            header = COMMON.pack(RET_UNLINK, number, 0, 0, 0)
            self._ours.sendall(header + RETURN.pack(status, 0, 0, 0, 0))
        if transfer is not None:
            transfer.given_up.set()
            if transfer.endpoint == 0:
                self._log.add(f"#{victim} given up by the host")

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._ours.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    # --- what the board says

    def _inbox(self, transfer: Transfer) -> queue.SimpleQueue[Transfer | None]:
        """Each endpoint works through its transfers in order, independent of all others."""
        address = transfer.endpoint | (0x80 if transfer.inward and transfer.endpoint else 0)
        inbox = self._queues.get(address)
        if inbox is None:
            inbox = self._queues[address] = queue.SimpleQueue()
            answer = self._control if address == 0 else self._bulk_in if address & 0x80 else self._bulk_out
            name = f"endpoint-{address:02x}"
            threading.Thread(target=self._work, args=(inbox, answer), name=name, daemon=True).start()
        return inbox

    def _work(self, inbox: queue.SimpleQueue[Transfer | None], answer: Callable[[Transfer], bytes]) -> None:
        while (transfer := inbox.get()) is not None and not self.closed.is_set():
            if transfer.given_up.is_set():
                continue
            try:
                data = answer(transfer)
            except Stall:
                self._answer(transfer, -EPIPE, b"")
            except NoAnswer:
                self._log.add(f"{transfer} -> no answer")
            except Gone:
                self._log.add(f"{transfer} -> gone")
                self.close()
            except Exception:  # noqa: BLE001 - shown at the end of the test
                self._log.bug()
                self.close()
            else:
                self._answer(transfer, 0, data)

    def _control(self, transfer: Transfer) -> bytes:
        data = self.face.control(transfer.setup, transfer.data)
        self._spoke.set()
        return data

    def _bulk_out(self, transfer: Transfer) -> bytes:
        self.face.bulk_out(transfer.endpoint, transfer.data)
        self._spoke.set()
        return b""

    def _bulk_in(self, transfer: Transfer) -> bytes:
        if transfer.endpoint in self._interrupts:
            transfer.given_up.wait()  # no board here has anything to notify
            return b""
        while not transfer.given_up.is_set():
            self._spoke.clear()
            if data := self.face.bulk_in(transfer.endpoint | 0x80, transfer.length):
                return data
            self._spoke.wait(NAK_POLL)
        return b""

    def _answer(self, transfer: Transfer, status: int, data: bytes) -> None:
        with self._lock:
            if self._open.pop(transfer.number, None) is None:
                return  # given up in the meantime, or unplugged: nobody waits for this
            # More than was asked for would be a write beyond the kernel's buffer.
            data = data[: transfer.length] if transfer.inward else b""
            actual = len(data) if transfer.inward else len(transfer.data) if status == 0 else 0
            direction = int(transfer.inward)
            header = COMMON.pack(RET_SUBMIT, transfer.number, transfer.device, direction, transfer.endpoint)
            try:
                self._ours.sendall(header + RETURN.pack(status, actual, 0, 0, 0) + data)
            except OSError:
                return  # the kernel has let go of the device
        self._log.add(f"{transfer} -> {'stall' if status else f'{actual}'}{_hex(data)}")


class Cable:
    """A board on one port of a virtual controller, through all its mode changes, until it is pulled."""

    def __init__(self, board: Pluggable, port: int, log: WireLog | None = None) -> None:
        """Plug it in: the board appears on the bus as soon as it has a face.

        Args:
            board: The virtual board.
            port: Number as `free_ports` gives it.
            log: Where transfers are written down.
        """
        self.log = log or WireLog()
        self.port_path = _port_path(port)
        self._board = board
        self._port = port
        self._pulled = threading.Event()
        self._pulling = threading.Lock()
        self._now: Enumeration | None = None
        board.plug()
        self._thread = threading.Thread(target=self._follow, name=f"cable-{port}", daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Unplug at once; who pulls a second time waits for the first hand.

        Otherwise a slow first hand would take the power away after the board was plugged into another port.
        """
        with self._pulling:
            if self._pulled.is_set():
                return
            self._pulled.set()
            if (now := self._now) is not None:
                now.close()
            self._board.unplug()
            self._thread.join(10)

    def _follow(self) -> None:
        try:
            while not self._pulled.is_set():
                self._look()
                self._pulled.wait(FACE_POLL)
        except Exception:  # noqa: BLE001 - shown at the end of the test
            self.log.bug()
        finally:
            if self._now is not None:
                self._now.close()

    def _look(self) -> None:
        face = self._board.face()
        if face is not None and not face.attached():
            face = None
        now = self._now
        if now is not None and (now.closed.is_set() or face is not now.face):
            now.close()
            self.log.add("left the bus")
            self._now = now = None
            if face is not None and not face.attached():
                return
        if face is not None and now is None:
            fresh = Enumeration(face, self.log)
            try:
                fresh.attach(self._port)
            except OSError as error:
                if error.errno != 16:
                    raise
                return  # the port still tears the old device down: look again
            self.log.add("on the bus")
            self._now = fresh
            if self._pulled.is_set():
                fresh.close()


def free_ports() -> Iterator[int]:
    """Port numbers for `attach`, each next one on another controller, because a hub enumerates its ports in turn."""
    controllers = len(list(PLATFORM.glob("vhci_hcd.*")))
    per_controller = int((PLATFORM / "vhci_hcd.0" / "nports").read_text("ascii")) // controllers
    for hub_port in range(per_controller // 2):  # the second half are super-speed ports
        for controller in range(controllers):
            yield controller * per_controller + hub_port


def _port_path(port: int) -> str:
    """The kernel's name of the port, for example 3-1."""
    controllers = len(list(PLATFORM.glob("vhci_hcd.*")))
    per_controller = int((PLATFORM / "vhci_hcd.0" / "nports").read_text("ascii")) // controllers
    folder = PLATFORM / f"vhci_hcd.{port // per_controller}"
    numbers = [int(os.fspath(path.name).removeprefix("usb")) for path in folder.glob("usb[0-9]*")]
    return f"{min(numbers)}-{port % per_controller + 1}"  # the lower bus is the one for full speed


def _interrupt_endpoints(configuration: bytes) -> frozenset[int]:
    """Interrupt IN endpoints of a configuration descriptor (USB 2.0, 9.6.6), without the direction bit."""
    found = set()
    place = 0
    while place + 2 <= len(configuration) and configuration[place] >= 2:
        size, kind = configuration[place], configuration[place + 1]
        if kind == 5 and configuration[place + 2] & 0x80 and configuration[place + 3] & 3 == 3:
            found.add(configuration[place + 2] & 0x0F)
        place += size
    return frozenset(found)


def _hex(data: bytes) -> str:
    if not data:
        return ""
    return f" [{data[:32].hex()}{'...' if len(data) > 32 else ''}]"
