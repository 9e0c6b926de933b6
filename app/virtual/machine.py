"""The body of a virtual board: power, time, memories, light and plug. What runs in it is in `boot` and `running`."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, unique
from typing import Protocol

from app.clock import Clock
from app.virtual import light
from app.virtual.air import HOME_PROFILE, Network, Profile
from app.virtual.enumeration import Enumeration, WireLog
from app.virtual.face import Gone, NoAnswer, Stall
from app.virtual.flash import P1_SERIAL_SIZE, SPI_SIZE, Dct, InternalF1, InternalF2, SerialFlash
from app.virtual.light import Light
from app.virtual.mishaps import Mishap
from app.virtual.nameplate import Nameplate
from app.virtual.personality import Family, Hold, Personality
from app.virtual.timing import Timing

WANTS_DFU, WANTS_SAFE_MODE = 0xEDFA, 0x5AFE  # BKP_DR1 (3.1)


@unique
class Phase(Enum):
    """What the processor is doing."""

    OFF = "off"
    RESET = "reset"  # RESET is held down
    CHOOSING = "choosing"  # the boot loader watches the MODE button
    COPYING = "copying"  # the boot loader copies an image
    DFU = "dfu"
    FIRMWARE = "firmware"
    CRASHED = "crashed"  # what was started cannot run; dark, and only RESET helps


@unique
class Radio(Enum):
    """The service pack of a Core's radio (7.3, 8.3)."""

    OLD = "older"
    PATCH_1_13_7 = "1.13.7"
    PATCH_1_14 = "1.14"


@dataclass(frozen=True, slots=True)
class Memories:
    """Everything a board keeps without power.

    Attributes:
        internal: Internal flash.
        serial: The Core's SPI flash, the P1's serial flash, or nothing.
        dct: The DCT's application section, or nothing.
        protected: Write protected sectors of a Photon, P1 or Electron.
        profiles: The Wi-Fi networks stored.
        radio: The Core's radio.
    """

    internal: bytes = field(repr=False)
    serial: bytes = field(repr=False)
    dct: bytes = field(repr=False)
    protected: frozenset[int]
    profiles: tuple[Profile, ...]
    radio: Radio


class Port(Protocol):
    """What takes and gives the bytes of the serial port; called with the board's lock held."""

    def serial_input(self, data: bytes) -> None:
        """Take bytes from the host."""

    def serial_output(self, length: int) -> bytes:
        """Return what has been printed by now."""

    def line_coding(self, baud: int) -> None:
        """The host has set a baud rate."""


class Machine:
    """One board's body. The parts that run in it hold the lock when they call these methods.

    The attributes are as of the last `tick`: call it before looking at one after time has passed.

    Attributes:
        personality: What it is and which software it has.
        clock: The time it lives by.
        plate: What it knows about itself.
        mishap: What goes wrong; may be changed at any time.
        transfers: Class, vendor and bulk transfers so far.
        wire: The last transfers.
        lock: Held while the state is looked at or changed, never while time passes.
        busy_until: Clock time until which endpoint 0 answers nothing.
        presence: Counts each coming and going on the bus.
        profiles_stored: The Wi-Fi networks it has stored, oldest first.
        networks: The air around it; may be changed at any time, a board that is in a network stays there.
        online: Whether any network and the cloud can be reached.
        radio: The service pack of a Core's radio.
        registered: Public key (SubjectPublicKeyInfo) that the makers' cloud knows of this board; may be changed.
        built_in_server: Server block inside the firmware of 1.0 and later, which restores a blank one (4.2); b"" for
            none.
        blank_server_is_right: The makers' cloud takes a blank server key for its own.
        stage: What the processor is doing; `VirtualBoard.phase` first lets happen what is due.
        moment: The clock time at which what happens now happens.
        pressed: Buttons held down.
        wish: BKP_DR1, what firmware asks of the boot loader (3.1).
        update_register: BKP_DR10, a copy of the update flag (3.1).
        wants_listening: The firmware restarts in order to listen.
        port: Who answers on the serial port.
        internal_cells: Internal flash as it is; `VirtualBoard.internal` first lets happen what is due. Likewise:
        serial_cells: The Core's SPI flash or the P1's serial flash.
        dct_cells: The DCT's application section.
    """

    def __init__(
        self,
        personality: Personality,
        clock: Clock,
        plate: Nameplate,
        *,
        timing: Timing,
        mishap: Mishap,
        profiles: bool,
        networks: tuple[Network, ...],
        online: bool,
        radio: Radio,
        other_id: str,
        registered: bytes,
        built_in_server: bytes,
        blank_server_is_right: bool,
    ) -> None:
        self.personality = personality
        self.clock = clock
        self.plate = plate
        self.timing = timing
        self.mishap = mishap
        self.profiles_stored: tuple[Profile, ...] = (HOME_PROFILE,) if profiles else ()
        self.networks = networks
        self.online = online
        self.radio = radio
        self.registered = registered
        self.built_in_server = built_in_server
        self.blank_server_is_right = blank_server_is_right
        self.transfers = 0
        self.wire = WireLog()
        self.lock = threading.RLock()
        self.busy_until = 0.0
        self.presence = 0
        family, boot = personality.kind.family, personality.boot
        self.f1_flash = InternalF1(timing) if family is Family.F1 else None
        self.f2_flash = InternalF2(timing, verifies=boot.reports_failures) if family is Family.F2 else None
        self.spi_flash = (
            SerialFlash(timing, SPI_SIZE, even_only=boot.hold is Hold.ORIGINAL) if family is Family.F1 else None
        )
        self.dct_area = Dct(timing) if family is Family.F2 else None
        self.serial_flash = (
            SerialFlash(timing, P1_SERIAL_SIZE, even_only=False) if personality.kind.key == "p1" else None
        )
        internal = self.f1_flash or self.f2_flash
        serial = self.spi_flash or self.serial_flash
        assert internal is not None
        self.internal_cells = internal.cells
        self.serial_cells = bytearray() if serial is None else serial.cells
        self.dct_cells = bytearray() if self.dct_area is None else self.dct_area.cells
        self.stage = Phase.OFF
        self.moment = clock.now()
        self.pressed: set[str] = set()
        self.wish = 0
        self.update_register = 0
        self.wants_listening = False
        self.port: Port | None = None
        self._other_id = other_id
        self._listeners: list[Callable[[], None]] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._face: Enumeration | None = None
        self._absent = False
        self._light: Light = light.DARK
        self._light_since = self.moment
        self._played: Counter[str] = Counter()
        self._played_for = mishap

    @property
    def profiles(self) -> bool:
        """Whether Wi-Fi networks are stored. Saying so gives a board without any the practice network."""
        return bool(self.profiles_stored)

    @profiles.setter
    def profiles(self, known: bool) -> None:
        if not known:
            self.profiles_stored = ()
        elif not self.profiles_stored:
            self.profiles_stored = (HOME_PROFILE,)

    # --- what happens when ------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen that is due."""
        with self.lock:
            now = self.clock.now()
            while self._agenda and self._agenda[0][0] <= now:
                self.moment, _, action = heapq.heappop(self._agenda)
                action()
            if now > self.moment:
                self.moment = now

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen in that many seconds, unless the board stops before."""
        heapq.heappush(self._agenda, (self.moment + seconds, next(self._numbers), action))
        self._tell()

    def forget(self) -> None:
        """Let nothing happen that was to happen."""
        self._agenda.clear()

    def next_change(self) -> float | None:
        """Return the clock time at which something happens by itself next; None for never."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called (in any thread, at any time) when something may have changed."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        """Call that function no more."""
        self._listeners = [known for known in self._listeners if known != listener]

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def goes_wrong(self, name: str) -> bool:
        """Whether a mishap that is to happen so and so often happens once more; `name` is its attribute."""
        if self._played_for is not self.mishap:
            self._played_for = self.mishap
            self._played.clear()
        if self._played[name] >= getattr(self.mishap, name):
            return False
        self._played[name] += 1
        return True

    # --- light ------------------------------------------------------------------------------------------------------

    def show(self, pattern: Light) -> None:
        """Begin to show a pattern."""
        self._light, self._light_since = pattern, self.moment

    # --- on and off the bus -----------------------------------------------------------------------------------------

    def attach(self, face: Enumeration) -> None:
        """Appear on the bus, if the cable lets it."""
        if not self._absent:
            self._face = face
            self.busy_until = 0.0
            self.presence += 1
            self._tell()

    def face(self) -> Enumeration | None:
        """Return the present enumeration; None while the board is not on the bus."""
        with self.lock:
            self.tick()
            return self._face

    def serial_input(self, data: bytes) -> None:
        """Bytes from the host for the serial port."""
        if self.port is not None:
            self.port.serial_input(data)

    def serial_output(self, length: int) -> bytes:
        """What the serial port has to say by now."""
        return b"" if self.port is None else self.port.serial_output(length)

    def line_coding(self, baud: int) -> None:
        """The host has set a baud rate."""
        if self.port is not None:
            self.port.line_coding(baud)

    def stop(self, phase: Phase) -> None:
        """Leave the bus and end everything under way."""
        self.forget()
        self._detach()
        self.stage = phase
        self.show(light.DARK)

    def lose(self) -> None:
        """The cable comes off in the middle of something; the board stays away until it is plugged again."""
        with self.lock:
            self.stop(Phase.OFF)
            self.wish = self.update_register = 0

    def lose_amid(self, work: Callable[[], object]) -> None:
        """The cable comes off while the board does that work: flash has half of its change, the DCT none."""
        with self.lock:
            before = self.memories()
            with suppress(Stall, NoAnswer, Gone):
                work()
            self.tick()
            self.lose()
            for cells, old in ((self.internal_cells, before.internal), (self.serial_cells, before.serial)):
                changed = _changed(cells, old)
                middle = (changed.start + changed.stop) // 2
                cells[middle : changed.stop] = old[middle : changed.stop]
            self.dct_cells[:] = before.dct

    def _detach(self) -> None:
        if self._face is None:
            return
        self._face.lost.set()
        self._face = None
        self.presence += 1
        self._absent = self._absent or self.mishap.never_returns
        if self.mishap.wrong_board and self._other_id:
            self.plate = replace(
                self.plate,
                device_id=self._other_id,
                mac=bytes((*self.plate.mac[:3], *reversed(self.plate.mac[3:]))),
            )
            self._other_id = ""
        self._tell()

    # --- what it keeps without power --------------------------------------------------------------------------------

    def memories(self) -> Memories:
        """Return everything it keeps without power."""
        with self.lock:
            self.tick()
            protected = frozenset() if self.f2_flash is None else frozenset(self.f2_flash.protected)
            return Memories(
                bytes(self.internal_cells),
                bytes(self.serial_cells),
                bytes(self.dct_cells),
                protected,
                self.profiles_stored,
                self.radio,
            )

    def restore(self, memories: Memories) -> None:
        """Take its power and make it what it was; it stays off until it is plugged again."""
        with self.lock:
            self.lose()
            self.internal_cells[:] = memories.internal
            self.serial_cells[:] = memories.serial
            self.dct_cells[:] = memories.dct
            if self.f2_flash is not None:
                self.f2_flash.protected = set(memories.protected)
            self.profiles_stored, self.radio = memories.profiles, memories.radio


def _changed(cells: bytearray, old: bytes) -> range:
    """Return the shortest stretch outside which nothing differs."""
    step = 4096
    pages = [at for at in range(0, len(old), step) if cells[at : at + step] != old[at : at + step]]
    if not pages:
        return range(0)
    first = next(at for at in range(pages[0], pages[0] + step) if cells[at] != old[at])
    last = next(at for at in range(pages[-1] + step - 1, pages[-1] - 1, -1) if cells[at] != old[at])
    return range(first, last + 1)
