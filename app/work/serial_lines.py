"""What went over a serial port, as lines: a ring that never grows too big, and never hands on a password.

No port here and no thread: the engine's monitor fills it, window and console read it, each from a thread of its own.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from app.log import SHORTEST_SECRET, keep_secret
from app.text import Text

KEPT_LINES = 5000
LONGEST_LINE = 1024
"""Bytes after which a line is shown although it has not ended: a board may never send a line end."""
MASK = "********"
"""What stands for a secret, of whatever length."""

_LINE_END = b"\n"
_TAIL = 256
"""Bytes of the line under way that are looked at for a prompt; each prompt of 5.4 and 5.5 is shorter."""
# device-protocol.md 5.3 to 5.5: what follows these on a line is typed by a person, or is a secret the board tells.
_SECRET_AFTER = re.compile(rb"(?:pass(?:word|phrase)|secret|claim code)[^:\r\n]{0,40}:[ ]?", re.IGNORECASE)
# 5.5: several lines follow. The certificate before it is no secret.
_KEY_BEGINS = re.compile(rb"private key in pem format|-----BEGIN [A-Z ]*PRIVATE KEY", re.IGNORECASE)
_KEY_ENDS = re.compile(rb"-----END [A-Z ]*PRIVATE KEY|Outer identity", re.IGNORECASE)
_WORTH_A_LOOK = re.compile(rb"pass(?:word|phrase)|secret|claim|private key|identity", re.IGNORECASE)
_LONGEST_WORTH = 64


@unique
class Kind(Enum):
    """Where a line comes from."""

    BOARD = "board"
    SENT = "sent"
    NOTE = "note"


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One line, or as much of it as has come.

    Attributes:
        number: From 0; never used twice, not after `clear` either.
        at: When its first byte came or went, in seconds of the computer's time (`time.time`).
        kind: Where it comes from.
        data: Its bytes with its line end; empty for a note.
        secret_from: Where in `data` a secret begins that goes to its end; None when it holds none.
        words: What a note says.
    """

    number: int
    at: float
    kind: Kind
    data: bytes = b""
    secret_from: int | None = None
    words: Text | None = None

    def __repr__(self) -> str:
        return f"Line({self.number}, {self.kind.value}, {len(self.data)} bytes)"

    @property
    def ended(self) -> bool:
        """Whether nothing more belongs to it."""
        return self.kind is not Kind.BOARD or self.data.endswith(_LINE_END)

    def text(self) -> str:
        """Return its bytes as words: bytes that are no UTF-8 and control characters stand as backslash codes."""
        return readable(self.data)

    def masked(self) -> bytes:
        """Return its bytes without its secret; nothing tells how long that was."""
        if self.secret_from is None or self.secret_from >= len(self.data.rstrip(b"\r\n")):
            return self.data
        return self.data[: self.secret_from] + MASK.encode()

    def moment(self) -> str:
        """Return the local time of day, with thousandths of a second."""
        return datetime.fromtimestamp(self.at).strftime("%H:%M:%S.%f")[:-3]


def readable(data: bytes) -> str:
    """Return bytes as words without their line end; what cannot be read stands as a backslash code, a tab as itself."""
    data = data.removesuffix(b"\n").removesuffix(b"\r")
    words = data.decode("utf-8", "backslashreplace")
    if words.isprintable():
        return words
    return "".join(each if each == "\t" or each.isprintable() else _escaped(each) for each in words)


def hexed(data: bytes) -> str:
    """Return every byte as two hex digits, then the printable ones as themselves."""
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return f"{data.hex(' ')}  |{shown}|"


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that were asked for.

    Attributes:
        lines: Those that are kept, in order; the last one may go on.
        missed: How many before them were asked for and are kept no more.
    """

    lines: tuple[Line, ...]
    missed: int


class Transcript:
    """The last lines of a serial port. Safe from any thread; at most `KEPT_LINES` lines of `LONGEST_LINE` bytes."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._number = 0
        self._cleared = 0
        self._open: list[bytes] = []  # pieces of the board's line under way
        self._open_line: Line | None = None
        self._open_size = 0
        self._tail = b""  # the end of the board's line under way, across cuts
        self._hidden = False  # what follows on the board's line is secret
        self._several = False  # so is this line and those after it
        self._several_next = False  # so are those after it
        self._address: int | None = None
        self._typed: set[bytes] = set()
        self._revision = 0
        self._told = 0  # the revision that was told last
        self._fetched = True  # somebody has looked since
        self._news = 0

    @property
    def newest(self) -> int:
        """Number the next line will get."""
        with self._lock:
            return self._number

    @property
    def cleared(self) -> int:
        """Number of the first line after the last `clear`; 0 when there was none."""
        with self._lock:
            return self._cleared

    @property
    def kept(self) -> int:
        """How many lines can be read, the one under way among them."""
        with self._lock:
            return len(self._lines) + (self._open_line is not None)

    @property
    def lost(self) -> int:
        """How many lines since the last `clear` are kept no more."""
        with self._lock:
            return max(0, self._lines[0].number - self._cleared) if self._lines else 0

    def to_be_told(self) -> int | None:
        """Return the number of the news that there are changes; None when they were told, or the last is unheard.

        Each news has a number of its own, so none of them looks to a window as if it had been heard.
        """
        with self._lock:
            if self._revision == self._told or not self._fetched:
                return None
            self._told, self._fetched = self._revision, False
            self._news += 1
            return self._news

    def told_anew(self) -> int:
        """Return the number of news that are told whether or not the last were heard."""
        with self._lock:
            self._told, self._fetched = self._revision, False
            self._news += 1
            return self._news

    @property
    def asks(self) -> bool:
        """Whether the board's last line has not ended: most likely it waits for an answer."""
        with self._lock:
            return self._open_line is not None

    def came(self, data: bytes) -> None:
        """Add what the board sent, cut anywhere."""
        with self._lock:
            at = self._now()
            self._revision += 1
            worth = self._hidden or self._several_next or _WORTH_A_LOOK.search(self._tail[-_LONGEST_WORTH:] + data)
            start = 0
            while start < len(data):
                end = data.find(_LINE_END, start) + 1
                piece = data[start:end] if end else data[start:]
                start += len(piece)
                self._add(piece, at, judge=bool(worth))

    def sent(self, data: bytes) -> None:
        """Add what was sent to the board; an answer to a prompt for a secret is one."""
        with self._lock:
            secret = self._hidden or self._several
            self._cut()
            if secret:
                self._remember(data)
            self._put(Line(self._take_number(), self._now(), Kind.SENT, data, 0 if secret else None))

    def note(self, words: Text) -> None:
        """Add a line of the program's own."""
        with self._lock:
            self._cut()
            self._put(Line(self._take_number(), self._now(), Kind.NOTE, words=words))

    def opened(self, address: int) -> None:
        """The port was opened; forget what the board asked for if it was plugged in or restarted since the last time.

        A port that is only opened again is another matter: the board goes on waiting for the password (5.1).

        Args:
            address: Where the board is on its bus; it gets another one each time it comes.
        """
        with self._lock:
            self._cut()
            if address == self._address:
                return
            self._address = address
            self._tail, self._hidden, self._several, self._several_next = b"", False, False, False

    def clear(self) -> None:
        """Drop all lines."""
        with self._lock:
            self._cut()
            self._lines.clear()
            self._cleared = self._number
            self._revision += 1

    def since(self, number: int) -> Batch:
        """Return the lines from that number on, as far as they are kept."""
        with self._lock:
            self._fetched = True
            found: list[Line] = []
            if self._open_line is not None:
                found.append(self._whole_open())
            for line in reversed(self._lines):
                if line.number < number:
                    break
                found.append(line)
            found.reverse()
            first = found[0].number if found else self._number
            return Batch(tuple(found), max(0, first - max(number, self._cleared)))

    def hand_on(self, data: bytes) -> bytes:
        """Return bytes without any secret that was typed here, wherever it stands."""
        with self._lock:
            typed = sorted(self._typed, key=len, reverse=True)
        for secret in typed:
            data = data.replace(secret, MASK.encode())
        return data

    # --- inside; the lock is held ---

    def _add(self, piece: bytes, at: float, *, judge: bool) -> None:
        secret_from = self._judge(piece) if judge else None
        if not judge:
            self._tail = b"" if piece.endswith(_LINE_END) else (self._tail + piece)[-_TAIL:]
        while piece:
            if self._open_line is None and len(piece) <= LONGEST_LINE and piece.endswith(_LINE_END):
                self._put(Line(self._take_number(), at, Kind.BOARD, piece, secret_from))  # nearly all of a flood
                return
            if self._open_line is None:
                self._open_line = Line(self._take_number(), at, Kind.BOARD)
            part, piece = piece[: LONGEST_LINE - self._open_size], piece[LONGEST_LINE - self._open_size :]
            hidden_from = self._open_line.secret_from
            plain = hidden_from is None or hidden_from >= self._open_size  # nothing of a secret has come yet
            if secret_from is not None and plain and secret_from <= len(part):
                self._open_line = _hiding(self._open_line, self._open_size + secret_from)
            self._open.append(part)
            self._open_size += len(part)
            if part.endswith(_LINE_END) or self._open_size >= LONGEST_LINE:
                self._cut()
            if secret_from is not None:
                secret_from = max(0, secret_from - len(part))

    def _judge(self, piece: bytes) -> int | None:
        """Return where in this piece of the board's line a secret begins, and take note of what it announces."""
        before = len(self._tail)
        line = self._tail + piece
        ends = piece.endswith(_LINE_END)
        start: int | None = None
        if self._several:
            start = 0
        elif self._hidden:  # the blank after the colon is still the prompt's
            start = 1 if self._tail.endswith(b":") and piece.startswith(b" ") else 0
        elif found := _SECRET_AFTER.search(line):
            start = max(0, found.end() - before)
            self._hidden = True
        if _KEY_ENDS.search(line):
            self._several = self._several_next = False
        elif _KEY_BEGINS.search(line):
            self._several_next = True
        if ends:
            self._hidden = False
            self._several = self._several_next
        self._tail = b"" if ends else line[-_TAIL:]
        return start

    def _whole_open(self) -> Line:
        assert self._open_line is not None
        if len(self._open) > 1:
            self._open = [b"".join(self._open)]
        line = self._open_line
        return Line(line.number, line.at, line.kind, self._open[0] if self._open else b"", line.secret_from)

    def _cut(self) -> None:
        """End the board's line under way, whatever is still to come of it."""
        if self._open_line is not None:
            self._put(self._whole_open())
            self._open, self._open_line, self._open_size = [], None, 0

    def _put(self, line: Line) -> None:
        self._lines.append(line)
        self._revision += 1

    def _take_number(self) -> int:
        self._number += 1
        return self._number - 1

    def _remember(self, data: bytes) -> None:
        secret = data.strip(b"\r\n")
        if len(secret) >= SHORTEST_SECRET:
            self._typed.add(secret)
            keep_secret(secret.decode("utf-8", "replace"))


def _hiding(line: Line, start: int) -> Line:
    return Line(line.number, line.at, line.kind, line.data, start)


SIGNS = {Kind.BOARD: "<", Kind.SENT: ">", Kind.NOTE: "-"}
"""Before each line: from the board, to the board, a word of the program's."""


def shown(line: Line, *, stamps: bool, as_hex: bool, note: str = "", data: bytes | None = None) -> str:
    """Return a line as it is shown.

    Args:
        line: The line.
        stamps: Whether the time stands before it.
        as_hex: Whether bytes are shown as hex digits.
        note: A note's words in the person's language.
        data: What to show in place of its bytes; None for its bytes.
    """
    data = line.data if data is None else data
    words = note if line.kind is Kind.NOTE else hexed(data) if as_hex else readable(data)
    lead = f"{line.moment()} " if stamps else ""
    return f"{lead}{SIGNS[line.kind]} {words}"


def handed_on(
    transcript: Transcript, lines: Iterable[Line], *, stamps: bool, as_hex: bool, say: Callable[[Text], str]
) -> list[str]:
    """Return lines as they are copied and saved: passwords, keys and codes masked.

    Args:
        transcript: Where they are from.
        lines: Which.
        stamps: Whether the time stands before each.
        as_hex: Whether bytes are shown as hex digits.
        say: Puts a note into the person's language.
    """
    return [
        shown(
            line,
            stamps=stamps,
            as_hex=as_hex,
            note=say(line.words) if line.words is not None else "",
            data=transcript.hand_on(line.masked()),
        )
        for line in lines
    ]
