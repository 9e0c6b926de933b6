"""What a test in the guest works with: boards to plug in, the real bus to see them on, `dfu-util` as second opinion."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from support.scaled_clock import ScaledClock

from app.clock import Deadline, RealClock
from app.platforms.identify import identify
from app.platforms.model import Mode, Platform
from app.transports.base import Sighting
from app.transports.host_bus import HostBus
from app.virtual.board import VirtualBoard
from lab.usbip_server import Cable, free_ports

Found = TypeVar("Found")

APPEAR_S = 15.0  # generous: several boards may be enumerated at once, on an emulated processor
DFU_UTIL_S = 60.0
BOARD_TIMES = 10.0  # boards live that much faster than we do, so that holding a button for 3 s takes a moment


class Desk:
    """A desk with a computer: the guest's kernel, our `HostBus` on it, and cables to virtual boards."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.board_clock = ScaledClock(BOARD_TIMES)
        self.bus = HostBus()
        self._ports = free_ports()
        self._cables: list[Cable] = []
        self._boards: list[VirtualBoard] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.put_away()
        self.bus.close()

    def plug(self, board: VirtualBoard) -> Cable:
        """Connect a board to a free port of the computer."""
        cable = Cable(board, next(self._ports))
        self._cables.append(cable)
        self._boards.append(board)
        return cable

    def put_away(self) -> None:
        """Pull every cable and wait until the kernel has noticed."""
        for cable in self._cables:
            cable.pull()
        for cable in self._cables:
            self.await_gone(cable)

    def sighting(self, cable: Cable) -> Sighting | None:
        """What the computer sees on this cable now."""
        return next((seen for seen in self.bus.sightings() if seen.port_path == cable.port_path), None)

    def identified(self, cable: Cable) -> tuple[Platform, Mode] | None:
        """What we take the device on this cable for."""
        seen = self.sighting(cable)
        return None if seen is None else identify(seen.vendor, seen.product, seen.product_name)

    def await_mode(self, cable: Cable, mode: Mode) -> Sighting:
        """Wait until the board is there in this mode, with its serial port if the mode has one."""

        def there() -> Sighting | None:
            seen = self.sighting(cable)
            if seen is None:
                return None
            found = identify(seen.vendor, seen.product, seen.product_name)
            if found is None or found[1] is not mode:
                return None
            ready = mode is Mode.DFU or (seen.serial_port is not None and os.path.exists(seen.serial_port))
            return seen if ready else None

        return self.await_(f"a board in {mode.name} on {cable.port_path}", there)

    def await_gone(self, cable: Cable) -> None:
        """Wait until nothing is on this cable."""
        self.await_(f"nothing on {cable.port_path}", lambda: self.sighting(cable) is None or None)

    def await_(self, what: str, look: Callable[[], Found | None]) -> Found:
        """Wait for something to be seen on the bus."""
        deadline = Deadline(self.clock, APPEAR_S)
        while (found := look()) is None:
            assert not deadline.passed(), f"waited {APPEAR_S:.0f} s for {what}; on the bus: {self.bus.sightings()}"
            self.bus.wait_for_change(min(deadline.left, 0.05))
        return found

    def dfu_util(self, cable: Cable, alt: int, address: int, size: int, into: Path) -> bytes:
        """Read memory with the distribution's `dfu-util`."""
        into.unlink(missing_ok=True)
        self.run_dfu_util(["-p", cable.port_path, "-a", str(alt), "-s", f"0x{address:08X}:{size}", "-U", str(into)])
        return into.read_bytes()

    def run_dfu_util(self, arguments: Sequence[str]) -> str:
        """Run `dfu-util` to its end and return what it printed; it must succeed."""
        done = subprocess.run(
            ["dfu-util", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=DFU_UTIL_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def wire_log(self, last: int | None = None) -> str:
        """Every transfer of every cable."""
        return "\n".join(f"== {cable.port_path}\n{cable.log.text(last)}" for cable in self._cables)

    def bugs(self) -> list[str]:
        """Exceptions that a virtual board raised and should not have."""
        return [bug for cable in self._cables for bug in cable.log.bugs]


class KernelAnnouncements:
    """When the kernel announced what, by its own word (uevents), to compare with when we knew."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)  # NETLINK_KOBJECT_UEVENT
        self._socket.bind((0, 1))
        self._socket.settimeout(0.2)
        self._ended = threading.Event()
        self._seen: list[tuple[float, str]] = []
        self._new = threading.Condition()
        self._thread = threading.Thread(target=self._listen, name="announcements", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(5)
        self._socket.close()

    def added(self, cable: Cable, within: float = APPEAR_S) -> float:
        """The moment (monotonic seconds) the device on this cable was announced for the first time."""
        end = f"/{cable.port_path}"
        with self._new:
            self._new.wait_for(lambda: any(words.endswith(end) for _, words in self._seen), within)
            return next(moment for moment, words in self._seen if words.endswith(end))

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                message = self._socket.recv(16384)
            except TimeoutError:
                continue
            moment = time.monotonic()
            head = message.split(b"\0", 1)[0].decode("utf-8", "replace")
            if head.startswith("add@"):
                with self._new:
                    self._seen.append((moment, head))
                    self._new.notify_all()
