"""A bus that plays a trace back: the same calls get the same answers and faults.

The format is described in `trace.py`. Playing back follows these rules:

* Openings at one port, and calls on one pipe, must come in the recorded order with the recorded arguments (time limits
  may differ). Anything else raises `ReplayMismatch`, which names the line. Different boards may interleave differently.
* A list of sightings counts from the moment on when everything written before it was played (closing and reads that
  brought nothing do not count). Each call of `sightings` moves on by one list at most.
* Reading a serial port once more than recorded brings nothing, and recorded reads that brought nothing may be left out:
  how often a console is polled depends on time.
* Redacted bytes read come back as a filler of the same length; redacted bytes written match any of the same length.
* Every call lets the time pass that it took when it was recorded, on the given clock.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from app import faults
from app.clock import Clock, RealClock
from app.faults import BusFailed, Fault
from app.transports.base import Closes, SerialPipe, Sighting, UsbPipe
from app.transports.trace import FORMAT

_FILLER = b"REDACTED"


class ReplayMismatch(Exception):
    """The program asked for something else than the trace holds, or the file is no trace."""


def filler(length: int) -> bytes:
    """What stands for redacted bytes in a replay: always the same for the same length."""
    return (_FILLER * (length // len(_FILLER) + 1))[:length]


class _Entry:
    """One line of the trace. `number` counts from 1."""

    def __init__(self, number: int, members: dict[str, Any]) -> None:
        self.number = number
        self.members = members
        self.do = str(members["do"])
        self.played = False

    @property
    def optional(self) -> bool:
        """Whether nothing waits for this line."""
        return self.do in ("close", "sightings") or self.is_silence

    @property
    def is_silence(self) -> bool:
        """Whether this is a serial read that brought nothing."""
        return self.do == "read" and self.members.get("data") == ""

    def answer(self) -> None:
        """Raise the recorded fault, if any."""
        if "bug" in self.members:
            raise ReplayMismatch(f"line {self.number}: the recorded program failed here with {self.members['bug']}")
        if fault := self.members.get("fault"):
            raise _fault_class(str(fault["code"]))(str(fault["detail"]))

    def data(self) -> bytes:
        """The bytes that came, or the filler for secret ones."""
        if "redacted" in self.members:
            return filler(int(self.members["redacted"]))
        text = str(self.members["data"])
        return bytes.fromhex(text) if self.do.startswith("control") else text.encode("latin-1")


class _Player:
    """The trace and how far it was played; safe from any thread.

    A stream is what must be played in order: the openings at one port, or the calls on one pipe.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = Lock()
        self._entries = tuple(self._load())
        self._streams: dict[object, deque[_Entry]] = {}
        self._sightings: deque[_Entry] = deque()
        for entry in self._entries:
            if entry.do == "sightings":
                self._sightings.append(entry)
            else:
                stream = entry.members["port"] if entry.do.startswith("open-") else entry.members["pipe"]
                self._streams.setdefault(stream, deque()).append(entry)
        self._first_owed = 0  # everything before this entry was played or need not be
        self._current: _Entry | None = None

    def play(self, do: str, stream: object, asked: dict[str, object], sent: bytes = b"") -> _Entry:
        """Play the stream's next line, which must be this call."""
        with self._lock:
            left = self._streams.get(stream, deque())
            while left and left[0].is_silence and do != "read":
                left.popleft().played = True
            if not left:
                raise ReplayMismatch(f"{self._path}: {do} {asked}: the trace has nothing more at {stream!r}")
            entry = left[0]
            recorded = {name: entry.members.get(name) for name in asked}
            if entry.do != do or recorded != asked or not _matches(entry, sent):
                raise ReplayMismatch(
                    f"{self._path}, line {entry.number}: the trace has {entry.do} {recorded}, "
                    f"the program asked for {do} {asked} with {len(sent)} bytes"
                )
            left.popleft().played = True
        self._clock.pause(float(entry.members.get("took", 0.0)))
        entry.answer()
        return entry

    def read(self, stream: object, timeout_ms: int) -> bytes:
        """Play a serial read; nothing came if the trace has something else next."""
        with self._lock:
            left = self._streams.get(stream)
            reads = left is not None and len(left) > 0 and left[0].do == "read"
        if not reads:
            self._clock.pause(timeout_ms / 1000)
            return b""
        return self.play("read", stream, {}).data()

    def close(self, stream: object) -> None:
        """Play what the stream ends with, if the program is there."""
        with self._lock:
            left = self._streams.get(stream, deque())
            while left and left[0].optional:
                left.popleft().played = True

    def sightings(self) -> tuple[Sighting, ...]:
        """Move on to the next list if it is due, and return the list that counts now."""
        with self._lock:
            if self._is_due():
                self._current = self._sightings.popleft()
                self._current.played = True
            entry = self._current
        if entry is None:
            return ()
        entry.answer()
        return tuple(Sighting(**board) for board in entry.members["boards"])

    def change_is_due(self) -> bool:
        """Whether `sightings` would move on."""
        with self._lock:
            return self._is_due()

    def finished(self) -> bool:
        """Whether every line was played that had to be."""
        return all(entry.played or entry.optional for entry in self._entries)

    def _is_due(self) -> bool:
        if not self._sightings:
            return False
        following = self._sightings[0]
        while (owed := self._entries[self._first_owed]) is not following and (owed.played or owed.optional):
            self._first_owed += 1
        return owed is following

    def _load(self) -> Iterator[_Entry]:
        lines = self._path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                members = json.loads(line)
            except ValueError as error:
                if 1 < number == len(lines):  # the program was killed while it wrote
                    return
                raise ReplayMismatch(f"{self._path}, line {number}: not JSON") from error
            if number > 1:
                yield _Entry(number, members)
            elif not isinstance(members, dict) or members.get("trace") != FORMAT:
                raise ReplayMismatch(f"{self._path}: not a trace of format {FORMAT}")
        if not lines:
            raise ReplayMismatch(f"{self._path}: empty")


def _matches(entry: _Entry, sent: bytes) -> bool:
    if entry.do not in ("control-out", "write"):
        return True
    return len(sent) == entry.members["redacted"] if "redacted" in entry.members else sent == entry.data()


def _fault_class(code: str) -> type[Fault]:
    known = {
        kind.code: kind
        for kind in vars(faults).values()
        if isinstance(kind, type) and issubclass(kind, Fault) and kind is not Fault
    }
    return known.get(code, BusFailed)


class ReplayBus:
    """Plays a trace back as a bus.

    Args:
        path: A file that `TracingBus` wrote.
        clock: On which the recorded times pass.

    Raises:
        OSError: The file cannot be read.
        ReplayMismatch: The file is no trace.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self._clock = clock or RealClock()
        self._player = _Player(path, self._clock)
        self._woken = threading.Event()

    def sightings(self) -> Sequence[Sighting]:
        """Return the list that counts at this point of the trace."""
        return self._player.sightings()

    def open_usb(self, sighting: Sighting) -> UsbPipe:
        """Open it, as recorded."""
        entry = self._player.play("open-usb", sighting.port_path, {"address": sighting.address})
        return _ReplayUsbPipe(self._player, entry.members["pipe"])

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        """Open its serial port, as recorded."""
        entry = self._player.play("open-serial", sighting.port_path, {"address": sighting.address, "baud": baud})
        return _ReplaySerialPipe(self._player, entry.members["pipe"])

    def wait_for_change(self, seconds: float) -> bool:
        """Return True at once if the trace has another list of boards now, else let the time pass."""
        if self._player.change_is_due():
            return True
        if self._clock.wait(self._woken, seconds):
            self._woken.clear()
            return True
        return False

    def wake(self) -> None:
        """End a `wait_for_change` under way, from another thread."""
        self._woken.set()

    def close(self) -> None:
        """Nothing to let go of."""

    def finished(self) -> bool:
        """Whether every recorded exchange was played."""
        return self._player.finished()


class _ReplayPipe(Closes):
    def __init__(self, player: _Player, number: int) -> None:
        self._player = player
        self._stream = number

    def close(self) -> None:
        self._player.close(self._stream)


class _ReplayUsbPipe(_ReplayPipe):
    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        asked: dict[str, object] = {"type": request_type, "request": request, "value": value, "index": index}
        self._player.play("control-out", self._stream, asked, data)

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        asked: dict[str, object] = {"type": request_type, "request": request, "value": value, "index": index}
        return self._player.play("control-in", self._stream, asked | {"length": length}).data()

    def select_alt(self, interface: int, alt: int) -> None:
        self._player.play("select-alt", self._stream, {"interface": interface, "alt": alt})


class _ReplaySerialPipe(_ReplayPipe):
    def write(self, data: bytes, timeout_ms: int) -> None:
        self._player.play("write", self._stream, {}, data)

    def read(self, timeout_ms: int) -> bytes:
        return self._player.read(self._stream, timeout_ms)

    def set_baud(self, baud: int) -> None:
        self._player.play("set-baud", self._stream, {"baud": baud})
