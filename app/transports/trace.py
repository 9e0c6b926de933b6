"""A bus that writes down every exchange: for support reports, and for playing back in a test (`replay.py`).

The file is UTF-8 text, one JSON object a line. The first line is `{"trace": 1}`, the version of this format. Every
other line has

* `t`: seconds since the trace began, when the call began, and `took`: how long it took;
* `do`: what was called, with its arguments; `fault` (`code`, `detail`) if it ended in one, `bug` (the name of the
  exception) if it ended in something that is none.

| `do` | further members |
|---|---|
| `sightings` | `boards`: objects with the fields of `Sighting`; written when it differs from the last |
| `open-usb` | `port`, `address`; `pipe`: the number of the opened pipe in later lines |
| `open-serial` | `port`, `address`, `baud`; `pipe` |
| `control-out` | `pipe`, `type`, `request`, `value`, `index`, `timeout`, `data` or `redacted` |
| `control-in` | `pipe`, `type`, `request`, `value`, `index`, `length`, `timeout`, `data` or `redacted` |
| `select-alt` | `pipe`, `interface`, `alt` |
| `write` | `pipe`, `timeout`, `data` or `redacted` |
| `read` | `pipe`, `timeout`, `data` |
| `set-baud` | `pipe`, `baud` |
| `close` | `pipe` |

Bytes of control transfers are hexadecimal, serial bytes are text (one character a byte). `redacted` replaces secret
bytes by their number; secret characters among those read from a serial port become `*`. What is secret is decided in
`redaction.py` before anything is written.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Lock

from app.clock import Clock, RealClock
from app.faults import Fault
from app.transports.base import Bus, Closes, SerialPipe, Sighting, UsbPipe
from app.transports.redaction import ControlRedaction, Harmless, SerialRedaction

log = logging.getLogger(__name__)

FORMAT = 1


class _TraceFile:
    """The file, one line at a time from any thread. A full disk ends the trace, never the work on a board."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._lock = Lock()
        self.broken = ""
        # Secrets are left out, but names of boards and networks are nobody else's business either.
        self._stream = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="\n"
        )
        self._write({"trace": FORMAT})

    @contextmanager
    def line(self, do: str, **members: object) -> Iterator[dict[str, object]]:
        """Write one line when the call inside ends, with the fault it ended in; the caller adds what came back."""
        began = self._clock.now()
        entry: dict[str, object] = {"t": round(began - self._start, 6), "do": do, **members}
        try:
            yield entry
        except Fault as fault:
            entry["fault"] = {"code": fault.code, "detail": fault.detail}
            raise
        except Exception as error:
            entry["bug"] = type(error).__name__
            raise
        finally:
            entry["took"] = round(self._clock.now() - began, 6)
            self._write(entry)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _write(self, entry: dict[str, object]) -> None:
        with self._lock:
            if self._stream.closed:
                return
            try:
                self._stream.write(json.dumps(entry, separators=(",", ":")) + "\n")
                self._stream.flush()
            except OSError as error:
                log.warning("the trace ends here: %s", error)
                self.broken = str(error)
                self._close()

    def _close(self) -> None:
        try:
            self._stream.close()
        except OSError as error:
            self.broken = self.broken or str(error)


class TraceRefusedError(Exception):
    """The trace file cannot be made; the words say why."""


def traced(bus: Bus, path: Path) -> Bus:
    """Return the bus with every exchange written to that file.

    Raises:
        TraceRefusedError: The file cannot be made; the bus is closed.
    """
    try:
        return TracingBus(bus, path)
    except OSError as error:
        bus.close()
        raise TraceRefusedError(f"the trace cannot be written: {error}") from error


class TracingBus:
    """Wraps any bus and writes every exchange to a file.

    Args:
        bus: What does the work; closed together with this.
        path: The trace; replaced if it exists, readable by its owner only.
        clock: For the times in the trace.
        harmless: Which board memory may be shown in full (see `redaction.ControlRedaction`); none unless told.

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(self, bus: Bus, path: Path, *, clock: Clock | None = None, harmless: Harmless | None = None) -> None:
        self._bus = bus
        self._file = _TraceFile(path, clock or RealClock())
        self._harmless = harmless
        self._lock = Lock()
        self._pipes = 0
        self._last: tuple[object, ...] | None = None

    def sightings(self) -> Sequence[Sighting]:
        """List what is there now; a list that differs from the last one is written."""
        try:
            boards = tuple(self._bus.sightings())
        except Fault as fault:
            self._write_if_new((fault.code, fault.detail), fault={"code": fault.code, "detail": fault.detail})
            raise
        self._write_if_new(boards, boards=[asdict(board) for board in boards])
        return boards

    def _write_if_new(self, result: tuple[object, ...], **members: object) -> None:
        with self._lock:
            if result != self._last:
                self._last = result
                with self._file.line("sightings", **members):
                    pass

    def open_usb(self, sighting: Sighting) -> UsbPipe:
        """Open it for control transfers."""
        with self._file.line("open-usb", port=sighting.port_path, address=sighting.address) as line:
            pipe = self._bus.open_usb(sighting)
            line["pipe"] = number = self._next_pipe()
        return _TracingUsbPipe(pipe, number, self._file, self._harmless)

    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        """Open its serial port."""
        with self._file.line("open-serial", port=sighting.port_path, address=sighting.address, baud=baud) as line:
            pipe = self._bus.open_serial(sighting, baud)
            line["pipe"] = number = self._next_pipe()
        return _TracingSerialPipe(pipe, number, self._file)

    def wait_for_change(self, seconds: float) -> bool:
        """Sleep until something may have been plugged or unplugged (True), or the time is over (False)."""
        return self._bus.wait_for_change(seconds)

    def wake(self) -> None:
        """End every `wait_for_change` under way, from another thread."""
        self._bus.wake()

    @property
    def broken(self) -> str:
        """Why the file is not whole, in the system's words; empty as long as it is."""
        return self._file.broken

    def close(self) -> None:
        """Close the wrapped bus and the file; never raises."""
        self._bus.close()
        self._file.close()

    def _next_pipe(self) -> int:
        with self._lock:
            self._pipes += 1
            return self._pipes


class _TracingPipe(Closes):
    """What both kinds of pipe have in common."""

    def __init__(self, pipe: UsbPipe | SerialPipe, number: int, file: _TraceFile) -> None:
        self._inner = pipe
        self._number = number
        self._file = file
        self._closed = False

    def close(self) -> None:
        """Close the wrapped pipe; never raises, may be called twice."""
        if self._closed:
            return
        self._closed = True
        with self._file.line("close", pipe=self._number):
            self._inner.close()


class _TracingUsbPipe(_TracingPipe):
    def __init__(self, pipe: UsbPipe, number: int, file: _TraceFile, harmless: Harmless | None) -> None:
        super().__init__(pipe, number, file)
        self._pipe = pipe
        self._redaction = ControlRedaction(harmless)

    def control_out(
        self, request_type: int, request: int, value: int, index: int, data: bytes, timeout_ms: int
    ) -> None:
        shown = self._redaction.out(request_type, request, value, index, data)
        with self._file.line(
            "control-out",
            pipe=self._number,
            type=request_type,
            request=request,
            value=value,
            index=index,
            timeout=timeout_ms,
            **({"data": data.hex()} if shown else {"redacted": len(data)}),
        ):
            self._pipe.control_out(request_type, request, value, index, data, timeout_ms)

    def control_in(
        self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
    ) -> bytes:
        with self._file.line(
            "control-in",
            pipe=self._number,
            type=request_type,
            request=request,
            value=value,
            index=index,
            length=length,
            timeout=timeout_ms,
        ) as line:
            data = self._pipe.control_in(request_type, request, value, index, length, timeout_ms)
            if self._redaction.answer(request_type, request, value, index, data):
                line["data"] = data.hex()
            else:
                line["redacted"] = len(data)
        return data

    def select_alt(self, interface: int, alt: int) -> None:
        self._redaction.select_alt(alt)
        with self._file.line("select-alt", pipe=self._number, interface=interface, alt=alt):
            self._pipe.select_alt(interface, alt)


class _TracingSerialPipe(_TracingPipe):
    def __init__(self, pipe: SerialPipe, number: int, file: _TraceFile) -> None:
        super().__init__(pipe, number, file)
        self._pipe = pipe
        self._redaction = SerialRedaction()

    def write(self, data: bytes, timeout_ms: int) -> None:
        shown = self._redaction.write(data)
        with self._file.line(
            "write",
            pipe=self._number,
            timeout=timeout_ms,
            **({"data": data.decode("latin-1")} if shown else {"redacted": len(data)}),
        ):
            self._pipe.write(data, timeout_ms)

    def read(self, timeout_ms: int) -> bytes:
        with self._file.line("read", pipe=self._number, timeout=timeout_ms) as line:
            data = self._pipe.read(timeout_ms)
            line["data"] = self._redaction.read(data).decode("latin-1")
        return data

    def set_baud(self, baud: int) -> None:
        with self._file.line("set-baud", pipe=self._number, baud=baud):
            self._pipe.set_baud(baud)
