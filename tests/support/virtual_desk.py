"""Short ways to a virtual board in a certain state, and to raw bytes on its plug."""

from __future__ import annotations

import struct
from typing import Any

from app.virtual.board import Phase, VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.enumeration import Enumeration
from app.virtual.hand import PracticeHand
from support.clock import FastClock

LONG = 60.0  # seconds after which every board has done what it does by itself


class Desk:
    """One board on port 1-1 with a hand that presses its buttons; it knows networks unless told otherwise."""

    def __init__(self, name: str, **options: Any) -> None:  # noqa: ANN401 - handed on to `make`
        self.clock = FastClock()
        self.board: VirtualBoard = make(name, self.clock, **{"profiles": True, **options})
        self.bus = VirtualBus(self.clock, [self.board])
        self.hand = PracticeHand(self.board)
        self.clock.pause(LONG)

    @property
    def face(self) -> Enumeration:
        face = self.board.face()
        assert face is not None
        return face

    def dfu(self) -> Dfu:
        """Bring the board into DFU mode and return its plug."""
        self.hand.enter_dfu()
        self.clock.pause(LONG)
        return Dfu(self.face)

    def listening(self) -> Tty:
        """Bring the board into listening mode and return its serial port."""
        self.hand.enter_listening()
        self.clock.pause(LONG)
        return Tty(self)

    def phase(self) -> Phase:
        return self.board.phase

    def listens(self) -> bool:
        return self.board.listening_now

    def has_profiles(self) -> bool:
        self.board.tick()
        return self.board.profiles

    def control_in(self, request_type: int, request: int, value: int, index: int, length: int) -> bytes:
        return self.face.control(struct.pack("<BBHHH", request_type, request, value, index, length), b"")

    def control_out(self, request_type: int, request: int, value: int, index: int, data: bytes = b"") -> None:
        self.face.control(struct.pack("<BBHHH", request_type, request, value, index, len(data)), data)

    def set_baud(self, baud: int) -> None:
        self.control_out(0x21, 0x20, 0, 0, struct.pack("<IBBB", baud, 0, 0, 8))


class Dfu:
    """Raw DFU requests."""

    def __init__(self, face: Enumeration) -> None:
        self.face = face

    def alt(self, alt: int) -> None:
        self.face.control(struct.pack("<BBHHH", 0x01, 11, alt, 0, 0), b"")

    def send(self, value: int, data: bytes) -> None:
        self.face.control(struct.pack("<BBHHH", 0x21, 1, value, 0, len(data)), data)

    def upload(self, value: int, length: int) -> bytes:
        return self.face.control(struct.pack("<BBHHH", 0xA1, 2, value, 0, length), b"")

    def status(self) -> str:
        return self.face.control(struct.pack("<BBHHH", 0xA1, 3, 0, 0, 6), b"").hex(" ").upper()

    def state(self) -> int:
        return self.face.control(struct.pack("<BBHHH", 0xA1, 5, 0, 0, 1), b"")[0]

    def plain(self, request: int, value: int = 0) -> None:
        self.face.control(struct.pack("<BBHHH", 0x21, request, value, 0, 0), b"")

    def clear(self) -> None:
        self.plain(4)

    def abort(self) -> None:
        self.plain(6)

    def block(self, value: int, data: bytes) -> tuple[str, str]:
        """Send a block or command and return both status replies."""
        self.send(value, data)
        return self.status(), self.status()

    def command(self, text: str) -> tuple[str, str]:
        return self.block(0, bytes.fromhex(text))

    def at(self, address: int) -> tuple[str, str]:
        return self.block(0, b"\x21" + address.to_bytes(4, "little"))

    def erase(self, address: int) -> tuple[str, str]:
        return self.block(0, b"\x41" + address.to_bytes(4, "little"))

    def read(self, address: int, length: int) -> bytes:
        self.at(address)
        self.abort()
        found = self.upload(2, length)
        self.abort()
        return found


class Tty:
    """The serial port of a listening board."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def send(self, data: bytes) -> None:
        serial = self.desk.face.serial
        assert serial is not None
        self.desk.face.bulk_out(serial.to_board, data)

    def say(self, data: bytes, within: float = 5.0) -> bytes:
        """Send and return everything that comes within that many seconds."""
        self.send(data)
        self.desk.clock.pause(within)
        return self.everything()

    def everything(self) -> bytes:
        serial = self.desk.face.serial
        assert serial is not None
        found = b""
        while part := self.desk.face.bulk_in(serial.to_host, 64):
            found += part
        return found
