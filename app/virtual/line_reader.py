"""How the console's firmware reads and prints: every character at its own time, and lines (device-protocol.md 5.1)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from app.virtual.personality import Firmware

LONGEST_TEXT = 4096  # of many lines together; that there is a limit is said (5.5), which one is not


class LineReader:
    """Characters from the host and to it. While no line is asked for, each one is a command.

    Args:
        firmware: How fast it prints and looks for commands.
        began: Clock time at which it began to look.
        command: Called with each character that comes while nothing is asked.
    """

    def __init__(self, firmware: Firmware, began: float, command: Callable[[str], None]) -> None:
        self._firmware = firmware
        self._began = began
        self._command = command
        self._input: deque[tuple[float, int]] = deque()
        self._output: deque[tuple[float, int]] = deque()
        self._free = began
        self._deaf_until = began
        self._line: bytearray | None = None
        self._lines: list[bytes] | None = None
        self._room = 0
        self._finish: Callable[[bytes], None] | None = None
        self._next: Callable[[], None] | None = None
        self._closed = False

    # --- the host's side --------------------------------------------------------------------------------------------

    @property
    def due(self) -> float | None:
        """Clock time at which something happens next; None until the host says something."""
        if self._closed:
            return None
        if self._next is not None:
            return self._free
        if not self._input:
            return None
        moment = max(self._input[0][0], self._free)
        loop = self._firmware.command_loop
        if loop and self._line is None:
            return self._began + math.ceil((moment - self._began) / loop) * loop
        return moment

    def receive(self, data: bytes, now: float) -> None:
        """Take characters from the host."""
        if now >= self._deaf_until:
            self._input.extend((now, value) for value in data)

    def run(self, now: float) -> None:
        """Do everything that happens up to `now`."""
        while (moment := self.due) is not None and moment <= now:
            if self._next is not None:
                action, self._next = self._next, None
                action()
                continue
            value = self._input.popleft()[1]
            self._free = moment
            if self._line is None:
                self._command(chr(value))
                if self._finish is None:  # a prompt is followed by the reader at once
                    self._free += self._firmware.command_loop
            else:
                self._character(self._line, value)

    def take(self, length: int, now: float) -> bytes:
        """Return printed characters that have left the device by `now`, at most `length`."""
        self.run(now)
        taken = bytearray()
        while self._output and self._output[0][0] <= now and len(taken) < length:
            taken.append(self._output.popleft()[1])
        return bytes(taken)

    def close(self) -> None:
        """Stop reading; what was printed can still be fetched."""
        self._closed = True

    # --- the firmware's side ----------------------------------------------------------------------------------------

    def print(self, text: str) -> None:
        """Print with the pause after each character that firmware up to 0.6 makes."""
        for value in text.encode("latin-1"):
            self._print_byte(value)

    def print_at_once(self, text: str) -> None:
        """Print without any pause."""
        self._output.extend((self._free, value) for value in text.encode("latin-1"))

    def hold(self, seconds: float) -> None:
        """Let that much time pass before what is printed or read next."""
        self._free += seconds

    def wait(self, seconds: float, then: Callable[[], None]) -> None:
        """Go on after that many seconds, counted from the last character printed; nothing is read meanwhile."""
        self.hold(seconds)
        self._next = then

    def ask(self, prompt: str, longest: int, finish: Callable[[bytes], None]) -> None:
        """Print a prompt and read one line of at most `longest` characters."""
        self.print(prompt)
        self._line, self._lines, self._room, self._finish = bytearray(), None, longest, finish

    def ask_text(self, prompt: str, finish: Callable[[bytes], None]) -> None:
        """Print a prompt and read lines until an empty one; they are joined with CR LF (5.5)."""
        self.ask(prompt, LONGEST_TEXT, finish)
        self._lines = []

    # --- one character ----------------------------------------------------------------------------------------------

    def _character(self, line: bytearray, value: int) -> None:
        if value in b"\r\n":
            self._end_of_line(line)
        elif len(line) >= self._room:
            self._end(line, overflow=True)
        elif value in (0x08, 0x7F) and self._firmware.at_least(0, 0, 2):  # not in spark_0 and spark_1
            if line:
                line.pop()
                self._print_byte(value)
        else:
            line.append(value)
            self._print_byte(value)

    def _end_of_line(self, line: bytearray) -> None:
        if self._lines is None or not line:
            self._end(line, overflow=False)
            return
        self.print("\r\n")
        self._lines.append(bytes(line))
        self._room = max(0, self._room - len(line) - 2)
        line.clear()

    def _end(self, line: bytearray, *, overflow: bool) -> None:
        finish, lines = self._finish, self._lines
        self._line = self._lines = self._finish = None
        self.print("\r\n")
        if lines is None or overflow:
            self._flush()
        if finish is not None:
            finish(bytes(line) if lines is None else b"\r\n".join((*lines, bytes(line)) if line else lines))

    def _flush(self) -> None:
        """Throw away everything pending (5.1), and what comes before the line end is printed."""
        while self._input and self._input[0][0] <= self._free:
            self._input.popleft()
        self._deaf_until = self._free

    def _print_byte(self, value: int) -> None:
        self._output.append((self._free, value))
        self._free += self._firmware.character_pause
