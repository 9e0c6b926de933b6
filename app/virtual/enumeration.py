"""One enumeration of a virtual board: what the host talks to until the board leaves the bus."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum, unique
from typing import NamedTuple, Protocol

from app.clock import Clock
from app.virtual.answer import Answer
from app.virtual.descriptors import (
    MICROSOFT_VENDOR_CODE,
    Descriptors,
    SerialEndpoints,
    Setup,
    Standard,
)
from app.virtual.dfu_model import DfuModel
from app.virtual.face import Gone, NoAnswer, Stall
from app.virtual.mishaps import NOISE, Mishap
from app.virtual.requests_model import Requests


@unique
class CdcRequest(IntEnum):
    """bRequest of a serial port (USB CDC, PSTN subclass 1.2)."""

    SET_LINE_CODING = 0x20
    GET_LINE_CODING = 0x21
    SET_CONTROL_LINE_STATE = 0x22
    SEND_BREAK = 0x23


class Exchange(NamedTuple):
    """One line of the wire log.

    Attributes:
        moment: Clock time at its start.
        setup: The 8 bytes of a control transfer, or one byte with the address of a bulk endpoint.
        sent: Data to the board.
        result: Data from the board, or `stall`, `no answer`, `gone`.
    """

    moment: float
    setup: bytes
    sent: bytes
    result: bytes | str

    def __repr__(self) -> str:
        """Say how much was sent, not what: a password may be in it."""
        came = self.result if isinstance(self.result, str) else f"{len(self.result)} bytes"
        return f"Exchange({self.setup.hex(' ')}, {len(self.sent)} bytes, {came})"


class WireLog(deque[Exchange]):
    """The last exchanges of a board, oldest first."""

    def __init__(self, length: int = 5000) -> None:
        super().__init__(maxlen=length)


class Owner(Protocol):
    """What an enumeration needs from its board; the methods are called with the board's lock held.

    Attributes:
        clock: The time it lives by.
        lock: Held while the state is looked at or changed.
        mishap: What goes wrong.
        wire: The last transfers.
        transfers: How many there have been.
        busy_until: Clock time until which endpoint 0 answers nothing.
    """

    clock: Clock
    lock: threading.RLock
    mishap: Mishap
    wire: WireLog
    transfers: int
    busy_until: float

    def tick(self) -> None:
        """Let everything happen that is due."""

    def lose(self) -> None:
        """Lose the power."""

    def lose_amid(self, work: Callable[[], object]) -> None:
        """Lose the power in the middle of that work."""

    def serial_input(self, data: bytes) -> None:
        """Take bytes for the serial port."""

    def serial_output(self, length: int) -> bytes:
        """Return what the serial port has to say."""

    def line_coding(self, baud: int) -> None:
        """The host has set a baud rate."""


class Enumeration:
    """A `UsbFace`: descriptors, endpoint 0 and the bulk endpoints of one stay on the bus.

    The board's lock is held only while its state is looked at or changed, never while time passes.
    """

    def __init__(
        self,
        board: Owner,
        described: Descriptors,
        *,
        dfu: DfuModel | None = None,
        requests: Requests | None = None,
        serial: SerialEndpoints | None = None,
    ) -> None:
        self.described = described
        self.dfu = dfu
        self.requests = requests
        self.serial = serial
        self.lost = threading.Event()
        self._board = board
        self._line_coding = (9600).to_bytes(4, "little") + bytes((0, 0, 8))

    # --- UsbFace ----------------------------------------------------------------------------------------------------

    def attached(self) -> bool:
        """Whether the device is still on the bus; a reset that is due happens now."""
        self._board.tick()
        return not self.lost.is_set()

    def device_descriptor(self) -> bytes:
        """The 18 bytes of the device descriptor."""
        return self.described.device

    def configuration_descriptor(self) -> bytes:
        """The whole configuration, wTotalLength bytes."""
        return self.described.configuration

    def control(self, setup: bytes, data: bytes, patience: float | None = None) -> bytes:
        """Carry out a control transfer; takes the time the board takes.

        Args:
            setup: The 8 bytes of the setup stage.
            data: Data stage of an OUT transfer.
            patience: Seconds after which the host gives up (`NoAnswer`); None for never.

        Raises:
            Stall: The board refuses.
            NoAnswer: The board never answers, or not within `patience`.
            Gone: The board has left the bus, before the transfer or during it.
        """
        parsed = Setup.parse(setup)
        began = self._board.clock.now()
        try:
            result = self._control(parsed, data, patience)
        except (Stall, NoAnswer, Gone) as trouble:
            self._board.wire.append(Exchange(began, setup, data, _word(trouble)))
            raise
        self._board.wire.append(Exchange(began, setup, data, result))
        return result

    def bulk_out(self, endpoint: int, data: bytes) -> None:
        """Bytes for the serial port; outside listening mode the firmware takes no notice of them.

        Raises:
            Stall: There is no such endpoint.
            NoAnswer: The board does not take them.
            Gone: The board has left the bus.
        """
        began = self._board.clock.now()
        with self._board.lock:
            self._present()
            if self.serial is None or endpoint != self.serial.to_board:
                raise Stall
            self._count_bulk()
            self._board.serial_input(data)
        self._board.wire.append(Exchange(began, bytes((endpoint,)), data, b""))

    def bulk_in(self, endpoint: int, length: int) -> bytes:
        """What the serial port has to say now; b"" for nothing.

        Raises:
            Stall: There is no such endpoint.
            NoAnswer: The board has stopped answering.
            Gone: The board has left the bus.
        """
        began = self._board.clock.now()
        with self._board.lock:
            self._present()
            if self.serial is None or endpoint != self.serial.to_host:
                raise Stall
            noise = NOISE if self._board.mishap.garbage else b""
            found = self._board.serial_output(max(1, length - len(noise)))
            if not found:
                return b""
            count = self._count_bulk()
            found = noise + found
            if self._board.mishap.wrong(count):
                found = _turned(found)
        self._board.wire.append(Exchange(began, bytes((endpoint,)), b"", found))
        return found

    # --- inside -----------------------------------------------------------------------------------------------------

    def _control(self, setup: Setup, data: bytes, patience: float | None) -> bytes:
        clock = self._board.clock
        give_up = None if patience is None else clock.now() + patience
        self._wait_until_free(give_up)
        silent = False
        answer = Answer()
        with self._board.lock:
            self._present()
            try:
                answer = self._answer(setup, data)
            except NoAnswer:
                silent = True
            now = clock.now()
            self._board.busy_until = max(self._board.busy_until, now + answer.takes + answer.busy)
        if silent:
            self._never(give_up)
        if answer.takes > 0:
            self._spend(answer.takes, give_up)
        if answer.refused:
            raise Stall
        return answer.data

    def _wait_until_free(self, give_up: float | None) -> None:
        """The board answers nothing while it works on what came before (2.2.2)."""
        while (left := self._board.busy_until - self._board.clock.now()) > 0:
            self._spend(left, give_up)

    def _spend(self, seconds: float, give_up: float | None) -> None:
        clock = self._board.clock
        end = clock.now() + seconds
        limit = end if give_up is None else min(end, give_up)
        clock.wait(self.lost, limit - clock.now())
        if not self.attached():
            raise Gone
        if limit < end:
            raise NoAnswer

    def _never(self, give_up: float | None) -> None:
        clock = self._board.clock
        if give_up is not None:
            clock.wait(self.lost, give_up - clock.now())
            if not self.attached():
                raise Gone
        raise NoAnswer

    def _present(self) -> None:
        self._board.tick()
        if self.lost.is_set():
            raise Gone

    def _count_bulk(self) -> int:
        """Count a bulk transfer and play what was planned for it."""
        board = self._board
        board.transfers += 1
        if board.transfers in (board.mishap.gone_at, board.mishap.gone_amid, board.mishap.gone_after):
            board.lose()
            raise Gone
        if board.mishap.silent(board.transfers):
            raise NoAnswer
        return board.transfers

    def _answer(self, setup: Setup, data: bytes) -> Answer:
        board = self._board
        if setup.standard:
            found = self.described.standard(setup)
            if self.dfu is not None:
                if setup.request == Standard.SET_CONFIGURATION:
                    self.dfu.configured()
                if setup.request == Standard.SET_INTERFACE:
                    self.dfu.alt = setup.value
            return Answer(found)
        if self.described.microsoft and setup.vendor and setup.request == MICROSOFT_VENDOR_CODE:
            return Answer(self.described.microsoft_descriptor(setup))
        board.transfers += 1
        count, mishap = board.transfers, board.mishap
        if count == mishap.gone_at:
            board.lose()
            raise Gone
        if count == mishap.gone_amid:
            board.lose_amid(lambda: self._special(setup, data))
            raise Gone
        if count == mishap.gone_after:
            with suppress(Stall, NoAnswer, Gone):
                self._special(setup, data)
            board.tick()
            board.lose()
            raise Gone
        if count == mishap.stall_at:
            raise Stall
        if mishap.silent(count):
            raise NoAnswer
        answer = self._special(setup, data)
        if mishap.wrong(count) and answer.data:
            return Answer(_turned(answer.data), answer.takes, answer.busy, answer.refused)
        return answer

    def _special(self, setup: Setup, data: bytes) -> Answer:
        """Carry out a class or vendor request."""
        if setup.vendor:
            if self.requests is None:
                raise Stall
            return self.requests.control(setup, data, self._board.clock.now())
        if self.dfu is not None:
            return self.dfu.control(setup, data)
        if self.serial is None:
            raise Stall
        match setup.request:
            case CdcRequest.SET_LINE_CODING if len(data) >= 7:
                self._line_coding = data[:7]
                self._board.line_coding(int.from_bytes(data[:4], "little"))
            case CdcRequest.GET_LINE_CODING:
                return Answer(self._line_coding[: setup.length])
            case CdcRequest.SET_CONTROL_LINE_STATE | CdcRequest.SEND_BREAK:
                pass
            case _:
                raise Stall
        return Answer()


def _turned(data: bytes) -> bytes:
    return bytes((data[0] ^ 0xFF,)) + data[1:]


def _word(trouble: Exception) -> str:
    return {Stall: "stall", NoAnswer: "no answer", Gone: "gone"}[type(trouble)]
