"""A screen nobody sees, for the check scripts: Xvfb, and what is on it as a PNG. Standard library only."""

from __future__ import annotations

import struct
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_XWD_VERSION = 7
_COLOUR_CELL = 12  # bytes, X11/XWDFile.h
_START_S = 20.0
_LOOK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class Picture:
    """What a screen showed: `rows` hold red, green, blue of each pixel."""

    width: int
    height: int
    rows: tuple[bytes, ...]

    def png(self) -> bytes:
        """Return it as a PNG file."""
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        body = zlib.compress(b"".join(b"\0" + row for row in self.rows), 9)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")

    def colours(self) -> int:
        """How many colours it has; an empty screen has one, a window with words has many."""
        return len({row[at : at + 3] for row in self.rows[::3] for at in range(0, len(row), 9)})


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def read_xwd(content: bytes) -> Picture:
    """Read an X window dump with 32 bits for each pixel, blue first, as Xvfb keeps its screen.

    Raises:
        ValueError: It is another kind.
    """
    fields = struct.unpack_from(">25I", content)
    size, number, width, height, bits, line, cells = (fields[at] for at in (0, 1, 4, 5, 11, 12, 19))
    if number != _XWD_VERSION or bits != 32 or fields[7] != 0:
        raise ValueError("not such a dump")
    start = size + cells * _COLOUR_CELL
    rows = []
    for number in range(height):
        raw = content[start + number * line : start + number * line + width * 4]
        row = bytearray(width * 3)
        row[0::3], row[1::3], row[2::3] = raw[2::4], raw[1::4], raw[0::4]
        rows.append(bytes(row))
    return Picture(width, height, tuple(rows))


class Screen:
    """A running Xvfb: `name` is for DISPLAY."""

    def __init__(self, name: str, dump: Path) -> None:
        self.name = name
        self._dump = dump

    def top(self) -> bytes:
        """The bytes of its upper third, only to be compared: faster than a picture, and the pointer is further down."""
        with self._dump.open("rb") as file:
            return file.read(self._dump.stat().st_size // 3)

    def picture(self) -> Picture:
        """What it shows now."""
        return read_xwd(self._dump.read_bytes())

    def wait(self, colours: int, seconds: float) -> float | None:
        """Wait until something with so many colours is to be seen; return after how many seconds, None if never."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            if self.picture().colours() >= colours:
                return time.monotonic() - begun
            time.sleep(_LOOK_AGAIN_S)  # noqa: TID251 - a script, not the program
        return None

    def save(self, target: Path) -> Path:
        """Write what it shows now as a PNG."""
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.picture().png())
        return target


@contextmanager
def screen(width: int = 1280, height: int = 900) -> Iterator[Screen]:
    """Start Xvfb on a free number, and end it.

    Raises:
        RuntimeError: It did not start.
    """
    with tempfile.TemporaryDirectory(prefix="rekindle-screen-") as made:
        size = f"{width}x{height}x24"
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", size, "-fbdir", made, "-nolisten", "tcp", "-noreset"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            number = server.stdout.readline().strip()
            if not number:
                raise RuntimeError("Xvfb did not start")
            yield Screen(f":{number}", Path(made) / "Xvfb_screen0")
        finally:
            server.terminate()
            server.wait(_START_S)
