"""Control requests to running firmware of Photon, P1 and Electron. **Never send one to a Core** (it knows none).

Two ways exist: raw requests of type 'P' (0.6 to 0.7, and two of them until today), and from 0.8 a channel of requests
with protobuf in them. Source: device-protocol.md 6 and Appendix A.5.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, unique

from app.clock import Clock, Deadline
from app.faults import BoardGone, BoardSilent, BusFailed, Fault, RequestRefused, TransferStalled, WrongAnswer
from app.platforms.model import Mode
from app.protocols.diagnostics import Diagnostics, parse_diagnostics
from app.protocols.modules import ModuleReport, parse_modules
from app.protocols.wifi import AccessPoint, Cipher, Security, WifiLogin, pem_lines, security_of
from app.transports.base import UsbPipe

VENDOR_OUT = 0x40
VENDOR_IN = 0xC0
RAW_REQUEST = 0x50
# A raw answer cannot be longer, and a service request must ask for at least as much (6.1, 6.2).
ANSWER_BYTES = 64
TRANSFER_TIMEOUT_MS = 1_000

# Between two looks at a request under way; the last one repeats (6.2).
POLL_S = (0.05, 0.05, 0.1, 0.1, 0.25, 0.25, 0.5, 0.5, 1.0)
REQUEST_LIMIT_S = 60.0

NOT_SUPPORTED = -120


@unique
class RequestType(IntEnum):
    """The requests this program uses (6.3)."""

    DEVICE_ID = 20
    SYSTEM_VERSION = 30
    ENTER_DFU = 50
    START_LISTENING = 70
    STOP_LISTENING = 71
    DEVICE_MODE = 72
    MODULE_INFO = 90
    DIAGNOSTICS = 100
    WIFI_SCAN = 112
    WIFI_SET = 113
    WIFI_CLEAR = 115
    SET_CLAIM_CODE = 200
    IS_CLAIMED = 201


@unique
class _Service(IntEnum):
    INIT = 1
    CHECK = 2
    SEND = 3
    RECV = 4
    RESET = 5


@unique
class _ServiceStatus(IntEnum):
    OK = 0
    ERROR = 1
    PENDING = 2
    BUSY = 3
    NO_MEMORY = 4
    NOT_FOUND = 5


_HAS_STATUS, _HAS_ID, _HAS_SIZE, _HAS_RESULT = 1, 2, 4, 8

_DEVICE_ID = re.compile(r"[0-9A-Fa-f]{24}")
_VERSION = re.compile(r"[0-9A-Za-z.+_ -]{1,64}")
_LARGEST_REPLY = 0xFFFF


def _go_on() -> None:
    """Stand in for a check where nobody can stop the job."""


def device_id(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> str | None:
    """Ask for the device ID, 24 lower-case hex digits; None when the firmware (before 0.6) cannot tell.

    Raises:
        WrongAnswer: It answers with something else.
    """
    told = _ask_for_text(pipe, clock, check, RequestType.DEVICE_ID)
    if told is None:
        return None
    if not _DEVICE_ID.fullmatch(told):
        raise WrongAnswer(f"device ID of {len(told)} characters")
    return told.lower()


def system_version(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> str | None:
    """Ask for the Device OS version, for example `0.7.0`; None when the firmware (before 0.6) cannot tell.

    Raises:
        WrongAnswer: It answers with something else.
    """
    told = _ask_for_text(pipe, clock, check, RequestType.SYSTEM_VERSION)
    if told is not None and not _VERSION.fullmatch(told):
        raise WrongAnswer(f"version of {len(told)} characters")
    return told


def device_mode(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> Mode | None:
    """Ask whether the board listens; None when the firmware (before 1.1) cannot tell."""
    reply = exchange(pipe, clock, check, RequestType.DEVICE_MODE)
    if reply is None:
        return None
    # proto3 leaves out a field that is 0.
    return {0: Mode.NORMAL, 1: Mode.LISTENING}.get(_whole(protobuf_fields(reply).get(1, 0)))


def module_info(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> ModuleReport | None:
    """Ask for the list of firmware modules; None when the firmware (before 0.8) cannot tell.

    Raises:
        WrongAnswer: It answers with something else.
    """
    reply = exchange(pipe, clock, check, RequestType.MODULE_INFO)
    return None if reply is None else parse_modules(reply.decode("ascii", "replace"))


def claimed(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> bool | None:
    """Ask whether an account owns the board; None when the firmware cannot tell."""
    reply = exchange(pipe, clock, check, RequestType.IS_CLAIMED)
    # proto3 leaves out a field that is false.
    return None if reply is None else bool(_whole(protobuf_fields(reply).get(1, 0)))


def diagnostics(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> Diagnostics | None:
    """Ask for the board's diagnostics; None when the firmware cannot tell.

    Raises:
        WrongAnswer: It answers with something else.
    """
    reply = exchange(pipe, clock, check, RequestType.DIAGNOSTICS)
    return None if reply is None else parse_diagnostics(reply.decode("utf-8", "replace"))


def enter_dfu(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> bool:
    """Ask the board to restart into DFU mode; False when the firmware (before 0.6) has no such request.

    True says that the request was taken, no more: the caller watches for the board to come back.
    """
    return _order(pipe, clock, check, RequestType.ENTER_DFU)


def start_listening(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> bool:
    """Ask the board to listen; False when the firmware (before 0.6) has no such request.

    0.6 restarts for it and leaves the bus, later firmware stays on it.
    """
    return _order(pipe, clock, check, RequestType.START_LISTENING)


def stop_listening(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> bool:
    """Ask the board to stop listening and to connect; False when the firmware (before 0.8) has no such request."""
    return exchange(pipe, clock, check, RequestType.STOP_LISTENING) is not None


def wifi_scan(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> tuple[AccessPoint, ...] | None:
    """Ask which networks the board sees, strongest first; None when the firmware cannot tell.

    Only Photon and P1 with 0.8 to 1.5 can (6.3). Hidden networks are left out; of several with one name all are told.

    Raises:
        WrongAnswer: The answer is no list of networks.
    """
    reply = exchange(pipe, clock, check, RequestType.WIFI_SCAN)
    if reply is None:
        return None
    found = [
        _access_point(_message(each))
        for number, points in protobuf_items(reply)
        if number == 1
        for inner, each in protobuf_items(_message(points))
        if inner == 1
    ]
    return tuple(sorted((each for each in found if each.ssid.strip(b"\0")), key=lambda each: -each.rssi or 1000))


def wifi_set(pipe: UsbPipe, clock: Clock, login: WifiLogin, check: Callable[[], None] = _go_on) -> bool:
    """Have the board store a network; False when the firmware cannot be told that way (6.3).

    It goes on listening until `stop_listening`. What is asked for is sent in one message: all of it, or nothing counts.

    Raises:
        RequestRefused: It could not store it. With WPA and no cipher it looks for the network first, up to 30 s.
    """
    return exchange(pipe, clock, check, RequestType.WIFI_SET, _field(1, _login_message(login))) is not None


def wifi_clear(pipe: UsbPipe, clock: Clock, check: Callable[[], None] = _go_on) -> bool:
    """Have the board forget all its networks; False when the firmware cannot be told that way (6.3)."""
    return exchange(pipe, clock, check, RequestType.WIFI_CLEAR) is not None


def set_claim_code(pipe: UsbPipe, clock: Clock, code: str, check: Callable[[], None] = _go_on) -> bool:
    """Have the board store a claim code, which it shows its cloud when it connects next; False when it cannot.

    Never sent to a Core, which knows no requests and stores no code.

    Raises:
        RequestRefused: It could not store it.
    """
    message = _field(1, code.encode("ascii"))
    return exchange(pipe, clock, check, RequestType.SET_CLAIM_CODE, message) is not None


def exchange(
    pipe: UsbPipe, clock: Clock, check: Callable[[], None], request: RequestType, payload: bytes = b""
) -> bytes | None:
    """Carry out one request on the channel of 0.8 and later; return the reply, None when it is not supported.

    Raises:
        RequestRefused: The board said no, with a result code.
        BoardSilent: No result within 60 s.
        WrongAnswer: An answer breaks the rules of the channel.
    """
    return _Exchange(pipe, clock, check, request, payload).run()


def protobuf_fields(message: bytes) -> Mapping[int, int | bytes]:
    """Read the fields of a protobuf message: numbers as they are, everything with a length as bytes.

    Of a repeated field the last one counts.

    Raises:
        WrongAnswer: It is cut off, or no protobuf.
    """
    return dict(protobuf_items(message))


def protobuf_items(message: bytes) -> tuple[tuple[int, int | bytes], ...]:
    """Read the fields of a protobuf message in their order, repeated ones each time.

    Raises:
        WrongAnswer: It is cut off, or no protobuf.
    """
    items: list[tuple[int, int | bytes]] = []
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            items.append((number, value))
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise WrongAnswer(f"protobuf wire type {kind}")
        if place + size > len(message):
            raise WrongAnswer("protobuf message is cut off")
        items.append((number, message[place : place + size]))
        place += size
    return tuple(items)


def _access_point(message: bytes) -> AccessPoint:
    """Read a WiFiAccessPoint (6.3); proto3 leaves out what is 0."""
    fields = protobuf_fields(message)
    security, rssi = _whole(fields.get(3, 0)), _whole(fields.get(7, 0))
    cipher = _whole(fields.get(4, 0))
    return AccessPoint(
        ssid=_message(fields.get(1, b"")),
        security=Security(security) if security in tuple(Security) else None,
        cipher=Cipher(cipher) if cipher in tuple(Cipher) else Cipher.UNKNOWN,
        channel=_whole(fields.get(5, 0)) & 0xFF,
        rssi=_signed(rssi),
    )


def _login_message(login: WifiLogin) -> bytes:
    """Write a WiFiAccessPoint (6.3); what is 0 or empty is left out."""
    sign_in = login.enterprise
    message = _field(1, login.ssid) + _number(3, security_of(login)) + _number(4, login.cipher)
    message += _field(8, (login.password or "").encode())
    if sign_in is not None:
        message += _number(9, sign_in.eap) + _field(10, sign_in.username.encode()) + _field(11, sign_in.outer.encode())
        message += _field(12, _pem_bytes(sign_in.private_key)) + _field(13, _pem_bytes(sign_in.certificate))
        message += _field(14, _pem_bytes(sign_in.root))
    return message


def _pem_bytes(pem: str) -> bytes:
    """The console joins the lines it is told with CR LF (5.5); the same is stored this way."""
    return "\r\n".join(pem_lines(pem)).encode()


def _signed(value: int) -> int:
    """Negative numbers of 32 bits come as 64 bits (6.3)."""
    return value - (1 << 64) if value >> 63 else value


def _number(field: int, value: int) -> bytes:
    return _written(field << 3) + _written(value) if value else b""


def _field(field: int, data: bytes) -> bytes:
    return _written(field << 3 | 2) + _written(len(data)) + data if data else b""


def _written(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*data, value))


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise WrongAnswer("protobuf field is no message")
    return value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(message[place : place + 10]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, place + count + 1
    raise WrongAnswer("protobuf number is cut off or too long")


def _whole(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise WrongAnswer("protobuf field is no number")
    return value


def _ask_for_text(pipe: UsbPipe, clock: Clock, check: Callable[[], None], request: RequestType) -> str | None:
    """Ask the raw way, which all firmware from 0.6 knows, then over the channel."""
    check()
    try:
        raw = pipe.control_in(VENDOR_IN, RAW_REQUEST, 0, request, ANSWER_BYTES, TRANSFER_TIMEOUT_MS)
    except TransferStalled:
        reply = exchange(pipe, clock, check, request)
        if reply is None:
            return None
        told = protobuf_fields(reply).get(1, b"")
        if not isinstance(told, bytes):
            raise WrongAnswer("protobuf field is no text") from None
        return told.decode("ascii", "replace")
    # The text ends with the answer (0.8), with a NUL (0.7), or with a NUL and one byte too many (0.6.3).
    return raw.split(b"\0", 1)[0].decode("ascii", "replace")


def _order(pipe: UsbPipe, clock: Clock, check: Callable[[], None], request: RequestType) -> bool:
    """Give an order that may make the board leave the bus before it has answered."""
    check()
    try:
        pipe.control_out(VENDOR_OUT, RAW_REQUEST, 0, request, b"", TRANSFER_TIMEOUT_MS)
    except TransferStalled:
        running = _Exchange(pipe, clock, check, request, b"")
        try:
            return running.run() is not None
        except (BoardGone, BoardSilent, BusFailed):
            if not running.accepted:
                raise
    except (BoardGone, BoardSilent, BusFailed):
        pass  # 0.6.3 obeys inside its USB interrupt and never finishes the transfer (6.1)
    return True


@dataclass(frozen=True, slots=True)
class _ServiceReply:
    status: int
    id: int | None
    size: int | None
    result: int | None


def _parse_service_reply(raw: bytes) -> _ServiceReply:
    """Read flags, status and what the flags announce (6.2)."""
    try:
        flags, status = struct.unpack_from("<IH", raw)
        place = 6
        found: dict[int, int] = {}
        for flag, form in ((_HAS_ID, "<H"), (_HAS_SIZE, "<I"), (_HAS_RESULT, "<i")):
            if flags & flag:
                (found[flag],) = struct.unpack_from(form, raw, place)
                place += struct.calcsize(form)
    except struct.error as error:
        raise WrongAnswer(f"service reply of {len(raw)} bytes") from error
    if not flags & _HAS_STATUS:
        raise WrongAnswer("service reply without a status")
    return _ServiceReply(status, found.get(_HAS_ID), found.get(_HAS_SIZE), found.get(_HAS_RESULT))


class _Exchange:
    """One request on the channel: INIT, the payload if any, CHECK until there is a result, RECV."""

    def __init__(
        self, pipe: UsbPipe, clock: Clock, check: Callable[[], None], request: RequestType, payload: bytes
    ) -> None:
        self._pipe = pipe
        self._clock = clock
        self._check = check
        self._request = request
        self._payload = payload
        self._deadline = Deadline(clock, REQUEST_LIMIT_S)
        self._looks = 0
        self.accepted = False

    def run(self) -> bytes | None:
        try:
            begun = self._begin()
        except TransferStalled:
            return None  # firmware before 0.8 has no channel
        if begun.id is None:
            raise WrongAnswer(f"request {self._request}: no id")
        self.accepted = True
        try:
            return self._finish(begun.id, begun)
        except BaseException:
            # The board keeps only four requests: give this one back, if it is still there.
            # Not through _service: a wish to stop must not stop this.
            with contextlib.suppress(Fault):
                self._pipe.control_in(VENDOR_IN, _Service.RESET, 0, begun.id, ANSWER_BYTES, TRANSFER_TIMEOUT_MS)
            raise

    def _begin(self) -> _ServiceReply:
        """Send INIT until the board has room for one more request."""
        while True:
            reply = self._service(_Service.INIT, self._request, len(self._payload))
            if reply.status in (_ServiceStatus.OK, _ServiceStatus.PENDING):
                return reply
            if reply.status != _ServiceStatus.BUSY:
                raise RequestRefused(f"request {self._request}: status {reply.status}")
            self._let_pass()

    def _finish(self, number: int, begun: _ServiceReply) -> bytes | None:
        if self._payload:
            if begun.status == _ServiceStatus.PENDING:
                self._until_ok(number)
            self._pipe.control_out(VENDOR_OUT, _Service.SEND, 0, number, self._payload, TRANSFER_TIMEOUT_MS)
        done = self._until_ok(number)
        while done.result is None:
            done = self._until_ok(number)
        if done.result == NOT_SUPPORTED:
            return None
        if done.result < 0:
            raise RequestRefused(f"request {self._request}: result {done.result}")
        if not done.size:
            return b""
        if done.size > _LARGEST_REPLY:
            raise WrongAnswer(f"request {self._request}: reply of {done.size} bytes")
        reply = self._pipe.control_in(VENDOR_IN, _Service.RECV, 0, number, done.size, TRANSFER_TIMEOUT_MS)
        if len(reply) != done.size:
            raise WrongAnswer(f"request {self._request}: {len(reply)} bytes instead of {done.size}")
        return reply

    def _until_ok(self, number: int) -> _ServiceReply:
        while True:
            self._let_pass()
            reply = self._service(_Service.CHECK, number)
            if reply.status == _ServiceStatus.OK:
                return reply
            if reply.status != _ServiceStatus.PENDING:
                raise RequestRefused(f"request {self._request}: status {reply.status}")

    def _let_pass(self) -> None:
        """Wait as the schedule says; raise when the time for the whole request is over."""
        if self._deadline.passed():
            raise BoardSilent(f"request {self._request}: no result for {REQUEST_LIMIT_S:.0f} s")
        self._clock.pause(POLL_S[min(self._looks, len(POLL_S) - 1)])
        self._looks += 1

    def _service(self, service: _Service, index: int, value: int = 0) -> _ServiceReply:
        self._check()
        return _parse_service_reply(
            self._pipe.control_in(VENDOR_IN, service, value, index, ANSWER_BYTES, TRANSFER_TIMEOUT_MS)
        )
