"""Pipes that follow a script: each expected transfer is typed out, each answer is bytes or a fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.faults import Fault
from app.transports.base import Closes
from support.clock import FastClock


@dataclass(frozen=True)
class Out:
    """An expected OUT transfer."""

    request: int
    value: int
    data: bytes = b""
    answer: Fault | None = None
    request_type: int = 0x21
    index: int = 0


@dataclass(frozen=True)
class In:
    """An expected IN transfer and its answer; `length` None accepts any."""

    request: int
    value: int
    answer: bytes | Fault
    length: int | None = None
    request_type: int = 0xA1
    index: int = 0


@dataclass(frozen=True)
class Alt:
    """An expected SET_INTERFACE."""

    alt: int


Transfer = Out | In | Alt


class ScriptedUsbPipe(Closes):
    """Answers as the script says and fails the test at the first transfer that is not in it."""

    def __init__(self, script: Sequence[Transfer] = ()) -> None:
        self.script = list(script)
        self.timeouts: list[int] = []
        self.closed = False

    def then(self, *script: Transfer) -> None:
        self.script += script

    def _next(self) -> Transfer:
        assert self.script, "a transfer that is not in the script"
        return self.script.pop(0)

    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        expected = self._next()
        answer = expected.answer if isinstance(expected, Out) else None
        assert Out(request, value, data, answer, request_type, index) == expected
        self.timeouts.append(timeout_ms)
        if answer:
            raise answer

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        expected = self._next()
        assert isinstance(expected, In), f"IN {request} value {value} instead of {expected}"
        wanted = None if expected.length is None else length
        assert In(request, value, expected.answer, wanted, request_type, index) == expected
        self.timeouts.append(timeout_ms)
        if isinstance(expected.answer, Fault):
            raise expected.answer
        return expected.answer

    def select_alt(self, interface: int, alt: int) -> None:
        assert (interface, Alt(alt)) == (0, self._next())

    def close(self) -> None:
        self.closed = True


class ScriptedSerialPipe(Closes):
    """A console in a few lines: what it says to each byte, cut into the pieces given, after some silence.

    `replies` maps a byte sent to the pieces it makes the board say; a number among them is a silence in seconds, a
    fault is raised.
    """

    def __init__(
        self, clock: FastClock, replies: dict[bytes, Iterable[bytes | float | Fault]], first: bytes = b""
    ) -> None:
        self.clock = clock
        self.replies = {key: tuple(said) for key, said in replies.items()}
        self.waiting: list[bytes | float | Fault] = [first] if first else []
        self.sent = b""
        self.closed = False

    def write(self, data: bytes, timeout_ms: int) -> None:
        assert timeout_ms > 0
        self.sent += data
        self.waiting += self.replies.get(data, ())

    def read(self, timeout_ms: int) -> bytes:
        left = timeout_ms / 1000
        while self.waiting:
            said = self.waiting.pop(0)
            if isinstance(said, Fault):
                raise said
            if isinstance(said, bytes):
                self.clock.pause(0.001)
                return said
            if said > left:
                self.waiting.insert(0, said - left)
                break
            self.clock.pause(said)
            left -= said
        self.clock.pause(left)
        return b""

    def set_baud(self, baud: int) -> None:
        raise AssertionError("a console never changes the baud rate")

    def close(self) -> None:
        self.closed = True
