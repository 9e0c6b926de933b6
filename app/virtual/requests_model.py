"""USB control requests of the running firmware (device-protocol.md 6): raw `P` requests and the 0.8+ channel."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as field_of
from enum import Enum, IntEnum, unique
from typing import Protocol

from app.virtual.answer import Answer
from app.virtual.descriptors import Setup
from app.virtual.face import Gone, Stall
from app.virtual.listening_model import CLAIM_CODE_LENGTH, module_document
from app.virtual.nameplate import Nameplate
from app.virtual.personality import Family, Personality
from app.virtual.protobuf import field, read_fields
from app.virtual.wifi_radio import WifiRadio
from app.virtual.wifi_requests import WifiRequests

RAW = 0x50  # 'P'

HAS_STATUS, HAS_ID, HAS_SIZE, HAS_RESULT = 1, 2, 4, 8
STATUS_OK, STATUS_ERROR, STATUS_PENDING, STATUS_BUSY, STATUS_NO_MEMORY, STATUS_NOT_FOUND = range(6)
NOT_SUPPORTED = -120
NOT_FOUND = -170
INVALID_ARGUMENT = -270
LEAST_LENGTH = 64
MOST_REQUESTS = 4
LONGEST_RAW = 64


@unique
class Service(IntEnum):
    """bRequest of the channel (6.2)."""

    INIT = 1
    CHECK = 2
    SEND = 3
    RECV = 4
    RESET = 5


@unique
class Ask(IntEnum):
    """Request types, in wIndex (6.1, 6.3)."""

    DEVICE_ID = 20
    SERIAL_NUMBER = 21
    SYSTEM_VERSION = 30
    RESTART = 40
    ENTER_DFU = 50
    SAFE_MODE = 60
    START_LISTENING = 70
    STOP_LISTENING = 71
    DEVICE_MODE = 72
    MODULE_INFO = 90
    SET_CLAIM_CODE = 200
    IS_CLAIMED = 201


@unique
class Wish(Enum):
    """What a request asks the board to do once it has been answered."""

    RESTART = "restart"
    DFU = "dfu"
    SAFE_MODE = "safe-mode"
    SAFE_LISTENING = "safe-listening"


class Owner(Protocol):
    """What the requests need from their board; called with the board's lock held."""

    def restart_as(self, wish: Wish, delay: float) -> None:
        """Restart after that many seconds."""

    def listening(self) -> bool:
        """Whether the board listens."""

    def enter_listening(self) -> None:
        """Start listening now."""

    def leave_listening(self) -> None:
        """Stop listening now."""

    def modules(self) -> list[dict[str, object]]:
        """Return the module list."""

    def claimed(self) -> bool:
        """Whether the board says it is claimed."""

    def set_claim_code(self, code: bytes) -> None:
        """Keep a claim code."""


@unique
class _Stage(Enum):
    WANTS_PAYLOAD = 0
    RUNNING = 1
    DONE = 2


@dataclass(slots=True)
class _Request:
    """One request of the channel."""

    kind: int
    size: int
    stage: _Stage
    ready: float = 0.0
    payload: bytes = field_of(default=b"", repr=False)
    result: int = 0
    reply: bytes = b""
    then: Callable[[], None] | None = None


class Requests:
    """Answers vendor requests of one enumeration of the firmware.

    Args:
        board: Which board and firmware.
        plate: What to answer.
        owner: The board.
        radio: Its Wi-Fi.
        working: Seconds one request of the channel takes.
    """

    def __init__(self, board: Personality, plate: Nameplate, owner: Owner, radio: WifiRadio, working: float) -> None:
        self._board = board
        self._firmware = board.firmware
        self._plate = plate
        self._owner = owner
        self._wifi = WifiRequests(board, radio)
        self._working = working
        self._active: dict[int, _Request] = {}
        self._last_id = 0

    def control(self, setup: Setup, data: bytes, now: float) -> Answer:
        """Carry out a vendor request.

        Raises:
            Stall: The firmware does not know it.
            Gone: It restarts the board before the transfer can be completed (0.6).
        """
        if self._board.kind.family is Family.F1 or not self._firmware.at_least(0, 6, 0):
            raise Stall
        if setup.request == RAW:
            return Answer(self._raw(setup)[: setup.length])
        if self._firmware.at_least(0, 8, 0) and setup.request in tuple(Service):
            return Answer(self._channel(setup, data, now))
        raise Stall

    # --- raw (6.1) --------------------------------------------------------------------------------------------------

    def _raw(self, setup: Setup) -> bytes:
        if setup.inward:
            return self._raw_in(setup)
        if self._firmware.at_least(0, 8, 0):
            raise Stall
        early = not self._firmware.at_least(0, 7, 0)
        match setup.index:
            case Ask.RESTART:
                wish = Wish.RESTART
            case Ask.ENTER_DFU:
                wish = Wish.DFU
            case Ask.SAFE_MODE if not early:
                wish = Wish.SAFE_MODE
            case Ask.START_LISTENING if early:
                wish = Wish.SAFE_LISTENING
            case Ask.START_LISTENING:
                if setup.value == 0:
                    self._owner.enter_listening()
                else:
                    self._owner.leave_listening()
                return b""
            case _:
                raise Stall
        self._owner.restart_as(wish, 0.0)
        if early:
            raise Gone  # done inside the interrupt: the transfer never ends (6.1)
        return b""

    def _raw_in(self, setup: Setup) -> bytes:
        if setup.length > LONGEST_RAW:
            raise Stall
        firmware = self._firmware
        match setup.index:
            case Ask.DEVICE_ID:
                if firmware.at_least(0, 8, 0):
                    return self._plate.device_id.upper().encode()
                if setup.value == 1 and setup.length >= 12:
                    return bytes.fromhex(self._plate.device_id)
                shown = self._plate.device_id.upper() if firmware.at_least(0, 7, 0) else self._plate.device_id
                return shown.encode() + (b"\0" if setup.length >= 25 else b"")
            case Ask.SYSTEM_VERSION:
                version = firmware.version.encode()
                if firmware.at_least(0, 8, 0):
                    return version
                return version + (b"\0" if firmware.at_least(0, 7, 0) else b"\0\0")
        raise Stall

    # --- channel (6.2) ----------------------------------------------------------------------------------------------

    def _channel(self, setup: Setup, data: bytes, now: float) -> bytes:
        if setup.request in (Service.INIT, Service.CHECK, Service.RESET) and (
            not setup.inward or setup.length < LEAST_LENGTH
        ):
            raise Stall
        match setup.request:
            case Service.INIT:
                return self._init(setup, now)
            case Service.CHECK:
                return self._check(setup, now)
            case Service.SEND:
                return self._send(setup, data, now)
            case Service.RECV:
                return self._receive(setup, now)
        if setup.index == 0:
            self._active.clear()
            return _service(STATUS_OK)
        return _service(STATUS_OK if self._active.pop(setup.index, None) else STATUS_NOT_FOUND)

    def _init(self, setup: Setup, now: float) -> bytes:
        if len(self._active) >= MOST_REQUESTS:
            return _service(STATUS_BUSY)
        self._last_id = self._last_id % 0xFFFF + 1
        stage = _Stage.WANTS_PAYLOAD if setup.value else _Stage.RUNNING
        request = _Request(setup.index, setup.value, stage, ready=now + self._takes(setup.index, b""))
        self._active[self._last_id] = request
        return _service(STATUS_OK, identifier=self._last_id)

    def _check(self, setup: Setup, now: float) -> bytes:
        request = self._active.get(setup.index)
        if request is None:
            return _service(STATUS_NOT_FOUND)
        self._run(request, now)
        if request.stage is _Stage.WANTS_PAYLOAD:
            return _service(STATUS_OK)
        if request.stage is _Stage.RUNNING:
            return _service(STATUS_PENDING)
        if not request.reply:
            del self._active[setup.index]
        if request.then is not None:
            request.then()
            request.then = None
        return _service(STATUS_OK, size=len(request.reply) or None, result=request.result)

    def _send(self, setup: Setup, data: bytes, now: float) -> bytes:
        request = self._active.get(setup.index)
        if request is None or request.stage is not _Stage.WANTS_PAYLOAD or len(data) != request.size:
            raise Stall
        request.stage, request.payload = _Stage.RUNNING, data
        request.ready = now + self._takes(request.kind, data)
        return b""

    def _takes(self, kind: int, payload: bytes) -> float:
        return self._working + self._wifi.seconds(kind, payload)

    def _receive(self, setup: Setup, now: float) -> bytes:
        request = self._active.get(setup.index)
        if request is None:
            raise Stall
        self._run(request, now)
        if request.stage is not _Stage.DONE or not request.reply or setup.length != len(request.reply):
            raise Stall
        del self._active[setup.index]
        return request.reply

    def _run(self, request: _Request, now: float) -> None:
        if request.stage is not _Stage.RUNNING or now < request.ready:
            return
        request.stage = _Stage.DONE
        firmware = self._firmware
        match request.kind:
            case Ask.DEVICE_ID if firmware.at_least(1, 1, 0):
                request.reply = field(1, self._plate.device_id.encode())
            case Ask.SERIAL_NUMBER if firmware.at_least(1, 2, 1):
                if self._plate.serial_number:
                    request.reply = field(1, self._plate.serial_number.encode())
                else:
                    request.result = NOT_FOUND
            case Ask.SYSTEM_VERSION if firmware.at_least(1, 2, 1):
                request.reply = field(1, firmware.version.encode())
            case Ask.RESTART:
                request.then = self._restart(Wish.RESTART)
            case Ask.ENTER_DFU:
                request.then = self._restart(Wish.DFU)
            case Ask.SAFE_MODE:
                request.then = self._restart(Wish.SAFE_MODE)
            case Ask.START_LISTENING:
                self._owner.enter_listening()
            case Ask.STOP_LISTENING:
                self._owner.leave_listening()
            case Ask.DEVICE_MODE if firmware.at_least(1, 2, 1):
                # A field with its default value is not sent: a board that does not listen replies with nothing.
                request.reply = bytes((0x08, 1)) if self._owner.listening() else b""
            case Ask.MODULE_INFO:
                document = module_document(self._board, self._plate, self._owner.modules())
                request.reply = document.encode()
            case Ask.SET_CLAIM_CODE:
                request.result = self._claim(request.payload)
                request.payload = b""
            case Ask.IS_CLAIMED:
                request.reply = field(1, int(self._owner.claimed()))
            case kind if self._wifi.knows(kind):
                request.result, request.reply = self._wifi.answer(kind, request.payload)
                request.payload = b""
            case _:
                request.result = NOT_SUPPORTED

    def _claim(self, payload: bytes) -> int:
        try:
            code = read_fields(payload).get(1)
        except ValueError:
            return INVALID_ARGUMENT
        if not isinstance(code, bytes) or len(code) != CLAIM_CODE_LENGTH:
            return INVALID_ARGUMENT
        self._owner.set_claim_code(code)
        return 0

    def _restart(self, wish: Wish) -> Callable[[], None]:
        """Restart a second after the result was fetched from 1.2 on, before that at once (6.2)."""
        delay = 1.0 if self._firmware.at_least(1, 2, 0) else 0.0
        return lambda: self._owner.restart_as(wish, delay)


def _service(
    status: int, *, identifier: int | None = None, size: int | None = None, result: int | None = None
) -> bytes:
    flags, body = HAS_STATUS, struct.pack("<H", status)
    for flag, layout, value in (
        (HAS_ID, "<H", identifier),
        (HAS_SIZE, "<I", size),
        (HAS_RESULT, "<i", result),
    ):
        if value is not None:
            flags |= flag
            body += struct.pack(layout, value)
    return struct.pack("<I", flags) + body
