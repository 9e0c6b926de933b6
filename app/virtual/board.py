"""A board that exists in memory: power, buttons, boot decision, firmware, light (device-protocol.md 3, 5, 8, 9)."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from enum import Enum, unique
from functools import partial

from app.clock import Clock
from app.virtual import light
from app.virtual.descriptors import cdc, endpoints, for_dfu
from app.virtual.dfu_model import CoreDfu, DfuModel, F2Dfu
from app.virtual.enumeration import Enumeration, WireLog
from app.virtual.flash import P1_SERIAL_SIZE, SPI_SIZE, Dct, InternalF1, InternalF2, SerialFlash
from app.virtual.images import BOOT_LOADER, CORE_INFO, F2_INFO, LETTERS, Module, read_module
from app.virtual.light import Light, LightNow
from app.virtual.listening_model import Console, Nameplate
from app.virtual.mishaps import Mishap
from app.virtual.personality import Family, Hold, Personality
from app.virtual.requests_model import Requests, Wish
from app.virtual.timing import Timing

# Core (3.1, 3.2), offsets into internal flash and SPI flash.
CORE_OTA_FLAG = 0x4C04
CORE_FACTORY_FLAG = 0x4C08
CORE_APP = 0x5000
CORE_APP_SIZE = 110592
SPI_FACTORY, SPI_BACKUP, SPI_OTA = 0x20000, 0x40000, 0x60000
RUN, UPDATE, RESTORE, FACTORY = 0x5000, 0x0005, 0x5555, 0xAAAA
WANTS_DFU = 0xEDFA  # BKP_DR1
# Photon and its family (3.3, 3.4), offsets into internal flash.
F2_SYSTEM = 0x20000
F2_PHOTON_PARTS = (0x20000, 0x60000)
F2_ELECTRON_PARTS = (0x20000, 0x40000, 0x60000)
F2_OTA = 0xC0000
DCT_OTA_FLAG = 1753
DCT_CLAIM_CODE = 1762
DCT_CLAIMED = 1825
DCT_DEVICE_ID = 3618
OTA_PENDING = 0xA5
# 2.4.11 says 0.7.0-rc.1, whose number is not told: after 0.6.3 (109) and before 0.7.0 (207).
FIRST_PART2_WITH_DCT = 200

MAGIC_DFU, MAGIC_LISTENING = 14400, 28800  # 5.6


@unique
class Phase(Enum):
    """What the processor is doing."""

    OFF = "off"
    RESET = "reset"  # RESET is held down
    CHOOSING = "choosing"  # the boot loader watches the MODE button
    COPYING = "copying"  # the boot loader copies an image
    DFU = "dfu"
    FIRMWARE = "firmware"


@unique
class Choice(Enum):
    """What letting go of MODE would do now (8.1)."""

    RUN = "run"
    SAFE = "safe"
    DFU = "dfu"
    FACTORY = "factory"
    FACTORY_AND_CLEAR = "factory-and-clear"
    CLEAR = "clear"


class VirtualBoard:
    """One board. Every method may be called from any thread and returns at once.

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
        profiles: Whether Wi-Fi networks are stored.
        online: Whether these networks and the cloud can be reached.
    """

    def __init__(
        self,
        personality: Personality,
        clock: Clock,
        plate: Nameplate,
        *,
        timing: Timing = Timing.TYPICAL,
        mishap: Mishap = Mishap.NONE,
        profiles: bool = True,
        online: bool = True,
        app_uses_serial: bool = False,
        other_id: str = "",
    ) -> None:
        self.personality = personality
        self.clock = clock
        self.plate = plate
        self.timing = timing
        self.mishap = mishap
        self.profiles = profiles
        self.online = online
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
        # The cells as they are; the public names let everything happen first that is due.
        internal = self.f1_flash or self.f2_flash
        serial = self.spi_flash or self.serial_flash
        assert internal is not None
        self._internal = internal.cells
        self._spi = bytearray() if serial is None else serial.cells
        self._dct = bytearray() if self.dct_area is None else self.dct_area.cells
        self._app_uses_serial = app_uses_serial
        self._other_id = other_id
        self._listeners: list[Callable[[], None]] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._moment = clock.now()
        self._phase = Phase.OFF
        self._face: Enumeration | None = None
        self._absent = False
        self._light: Light = light.DARK
        self._light_since = self._moment
        self._pressed: set[str] = set()
        self._press = 0
        self._pressed_at = 0.0
        self._pressed_listening = False
        self._choice = Choice.RUN
        self._backup_register_1 = 0
        self._backup_register_10 = 0
        self._start_listening = False
        self._start_safe = False
        self._safe = False
        self._dct_ready: bool | None = None
        self._console: Console | None = None
        self._listening = False
        self._usb_started = False
        self._stages = 0

    # --- what people and tests see ----------------------------------------------------------------------------------

    @property
    def device_id(self) -> str:
        """24 lower-case hex digits."""
        return self.plate.device_id

    @property
    def name(self) -> str:
        """The kind of board, for people."""
        return self.personality.kind.name

    @property
    def internal(self) -> bytearray:
        """Internal flash from 0x08000000 on."""
        self.tick()
        return self._internal

    @property
    def spi(self) -> bytearray:
        """The Core's SPI flash, or the P1's serial flash; empty where there is none."""
        self.tick()
        return self._spi

    @property
    def dct(self) -> bytearray:
        """The DCT's application section; empty on a Core."""
        self.tick()
        return self._dct

    @property
    def phase(self) -> Phase:
        """What the processor is doing now."""
        with self.lock:
            self.tick()
            return self._phase

    @property
    def listening_now(self) -> bool:
        """Whether the firmware is in listening mode."""
        with self.lock:
            self.tick()
            return self._listening

    @property
    def safe_mode(self) -> bool:
        """Whether the firmware runs without the application."""
        with self.lock:
            self.tick()
            return self._phase is Phase.FIRMWARE and self._safe

    @property
    def light_pattern(self) -> str:
        """The light in words, for example `blinking yellow`."""
        with self.lock:
            self.tick()
            return self._light.words

    def light(self) -> LightNow:
        """Return what the light shows at this moment."""
        with self.lock:
            self.tick()
            return self._light.at(self._moment - self._light_since)

    def is_pressed(self, button: str) -> bool:
        """Whether that button is held down."""
        return button in self._pressed

    def face(self) -> Enumeration | None:
        """Return the present enumeration; None while the board is not on the bus."""
        with self.lock:
            self.tick()
            return self._face

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called (in any thread, at any time) when something may have changed."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        """Call that function no more."""
        self._listeners = [known for known in self._listeners if known != listener]

    def next_change(self) -> float | None:
        """Return the clock time at which something happens by itself next; None for never."""
        with self.lock:
            return self._agenda[0][0] if self._agenda else None

    # --- what hands do ----------------------------------------------------------------------------------------------

    def plug(self) -> None:
        """Give it power and a host."""
        with self.lock:
            self.tick()
            self._absent = self.mishap.charge_only
            if self._phase is Phase.OFF:
                if "reset" in self._pressed:
                    self._phase = Phase.RESET
                else:
                    self._boot()

    def unplug(self) -> None:
        """Pull the cable."""
        with self.lock:
            self.tick()
            self.lose()

    def press(self, button: str) -> None:
        """Press `reset` or `mode` and hold it."""
        with self.lock:
            self.tick()
            if button in self._pressed:
                return
            self._pressed.add(button)
            if button == "reset":
                if self._phase is not Phase.OFF:
                    self._stop(Phase.RESET)
            elif self._phase is Phase.FIRMWARE:
                self._mode_pressed()

    def release(self, button: str) -> None:
        """Let go of `reset` or `mode`."""
        with self.lock:
            self.tick()
            if button not in self._pressed:
                return
            self._pressed.discard(button)
            if button == "reset":
                if self._phase is Phase.RESET:
                    self._boot()
            elif self._phase is Phase.CHOOSING:
                self._chosen()
            elif self._phase is Phase.FIRMWARE:
                self._mode_released()

    # --- time -------------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Let everything happen that is due."""
        with self.lock:
            now = self.clock.now()
            while self._agenda and self._agenda[0][0] <= now:
                self._moment, _, action = heapq.heappop(self._agenda)
                action()
            self._moment = max(self._moment, now)
            if self._console is not None:
                self._console.run(self._moment)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._moment + seconds, next(self._numbers), action))
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _show(self, pattern: Light) -> None:
        self._light, self._light_since = pattern, self._moment

    # --- on and off the bus -----------------------------------------------------------------------------------------

    def lose(self) -> None:
        """The cable comes off in the middle of something; the board stays away until it is plugged again."""
        with self.lock:
            self._stop(Phase.OFF)
            self._backup_register_1 = self._backup_register_10 = 0

    def _attach(self, face: Enumeration) -> None:
        if not self._absent:
            self._face = face
            self.busy_until = 0.0
            self.presence += 1
            self._tell()

    def _detach(self) -> None:
        if self._face is None:
            return
        self._face.lost.set()
        self._face = None
        self.presence += 1
        self._absent = self._absent or self.mishap.never_returns
        if self.mishap.wrong_board and self._other_id:
            self.plate = Nameplate(
                self._other_id,
                bytes((*self.plate.mac[:3], *reversed(self.plate.mac[3:]))),
                self.plate.secret,
                self.plate.serial_number,
                self.plate.imei,
                self.plate.iccid,
                self.plate.radio,
            )
            self._other_id = ""
        self._tell()

    def _stop(self, phase: Phase) -> None:
        self._agenda.clear()
        self._detach()
        self._console = None
        self._listening = False
        self._usb_started = False
        self._stages += 1
        self._phase = phase
        self._show(light.DARK)

    # --- boot loader ------------------------------------------------------------------------------------------------

    def _boot(self) -> None:
        self._stop(Phase.CHOOSING)
        self._choice = Choice.RUN
        wants_dfu = self._backup_register_1 == WANTS_DFU
        self._backup_register_1 = 0
        if wants_dfu and self.personality.boot.knows_requests:
            self._start_dfu()
        elif "mode" in self._pressed:
            self._watch_button()
        else:
            self._decide()

    def _watch_button(self) -> None:
        """Show what each moment of letting go would mean (8.1)."""
        hold = self.personality.boot.hold
        if hold is Hold.ORIGINAL:
            self._after(3.0, lambda: self._offer(Choice.DFU, light.DFU))
            self._after(10.0, lambda: self._factory_reset(clear=True, pattern=light.FACTORY_WHITE))
            return
        image = self._factory_image_present()
        self._after(1.0, lambda: self._offer(Choice.SAFE, light.SAFE_WINDOW))
        self._after(3.0, lambda: self._offer(Choice.DFU, light.DFU))
        if hold is Hold.ENDS_AT_DFU and not image:
            self._after(3.0, self._chosen)
            return
        if hold is Hold.UNCHECKED or image:
            self._after(6.5, lambda: self._offer(Choice.FACTORY, light.FACTORY_GREEN))
        last = Choice.FACTORY_AND_CLEAR if hold is Hold.UNCHECKED or image else Choice.CLEAR
        self._after(10.0, lambda: self._offer(last, light.FACTORY_WHITE))
        self._after(12.0, self._chosen)

    def _offer(self, choice: Choice, pattern: Light) -> None:
        self._choice = choice
        self._show(pattern)

    def _chosen(self) -> None:
        self._agenda.clear()
        match self._choice:
            case Choice.RUN:
                self._decide()
            case Choice.SAFE:
                self._start_safe = True
                self._decide()
            case Choice.DFU:
                self._start_dfu()
            case Choice.FACTORY:
                self._factory_reset(clear=False, pattern=light.FACTORY_GREEN)
            case Choice.FACTORY_AND_CLEAR:
                self._factory_reset(clear=True, pattern=light.FACTORY_WHITE)
            case Choice.CLEAR:
                self.profiles = False
                self._decide()

    def _decide(self) -> None:
        """Start what the flags and the memory allow (3.1, 7.2)."""
        if self.f1_flash is None:
            if self._module(F2_SYSTEM, F2_INFO) is not None:
                self._start_firmware()
            else:
                self._start_dfu()
            return
        flag = self._flag(CORE_OTA_FLAG)
        original = self.personality.boot.hold is Hold.ORIGINAL
        if self._flag(CORE_FACTORY_FLAG) == FACTORY:
            self._set_flag(CORE_FACTORY_FLAG, 0xFFFF)
            self._factory_reset(clear=False, pattern=light.FACTORY_WHITE)
        elif flag == UPDATE:
            self._copy(light.APPLYING, self._apply_update)
        elif flag == RESTORE:
            self._copy(light.RESTORING, lambda: self._take_image(SPI_BACKUP))
        elif original and RUN not in (flag, self._backup_register_10):
            self._start_dfu()
        elif int.from_bytes(self._internal[CORE_APP : CORE_APP + 4], "little") & 0x2FFE_0000 == 0x2000_0000:
            self._start_firmware()
        else:
            self._start_dfu()

    def _flag(self, offset: int) -> int:
        return int.from_bytes(self._internal[offset : offset + 2], "little")

    def _set_flag(self, offset: int, value: int) -> None:
        self._internal[offset : offset + 2] = value.to_bytes(2, "little")

    def _copy(self, pattern: Light, finish: Callable[[], None]) -> None:
        self._phase = Phase.COPYING
        self._show(pattern)

        def done() -> None:
            finish()
            self._decide()

        self._after(self.timing.copy, done)

    def _apply_update(self) -> None:
        self._spi[SPI_BACKUP : SPI_BACKUP + CORE_APP_SIZE] = self._internal[CORE_APP : CORE_APP + CORE_APP_SIZE]
        self._take_image(SPI_OTA)

    def _take_image(self, offset: int) -> None:
        self._internal[CORE_APP : CORE_APP + CORE_APP_SIZE] = self._spi[offset : offset + CORE_APP_SIZE]
        self._allow_running()

    def _allow_running(self) -> None:
        self._set_flag(CORE_OTA_FLAG, RUN)
        self._backup_register_10 = RUN

    def _factory_offsets(self) -> tuple[int, int]:
        """Return where the factory image and the user part are on a Photon or Electron."""
        return (0xA0000, 0x80000) if self.personality.kind.key == "electron" else (0xE0000, 0xA0000)

    def _factory_image_present(self) -> bool:
        """Whether the boot loader sees a factory image; the Core's looks at nothing (8.6)."""
        if self.f1_flash is not None:
            return True
        module = self._module(self._factory_offsets()[0], 0)
        return module is not None and module.whole

    def _factory_reset(self, *, clear: bool, pattern: Light) -> None:
        self._agenda.clear()
        if clear:
            self.profiles = False
        if self.f1_flash is not None:
            self._copy(pattern, lambda: self._take_image(SPI_FACTORY))
            return
        source, target = self._factory_offsets()
        module = self._module(source, 0)
        if module is None or not module.whole:
            self._start_dfu()
            return
        size = module.size
        self._copy(pattern, lambda: self._copy_user_part(source, target, size))

    def _copy_user_part(self, source: int, target: int, size: int) -> None:
        self._internal[target : target + size] = self._internal[source : source + size]

    def _start_dfu(self) -> None:
        self._phase = Phase.DFU
        self._show(light.DFU)
        model: DfuModel
        boot = self.personality.boot
        if self.f1_flash is not None and self.spi_flash is not None:
            model = CoreDfu(boot, self.f1_flash, self.spi_flash, self._leave_dfu, lambda: self.mishap)
        else:
            assert self.f2_flash is not None
            assert self.dct_area is not None
            self._dct_ready = None
            self._dct_works()
            model = F2Dfu(
                boot,
                self.f2_flash,
                self.dct_area,
                self.serial_flash,
                dct_works=self._dct_works,
                wrote_system=self._wrote_system,
                leave=self._leave_dfu,
                mishap=lambda: self.mishap,
            )
        self._after(self.timing.attach_dfu, lambda: self._attach(self._dfu_face(model)))

    def _dfu_face(self, model: DfuModel) -> Enumeration:
        return Enumeration(self, for_dfu(self.personality, self.device_id), dfu=model)

    def _leave_dfu(self, delay: float) -> None:
        def leave() -> None:
            if self.f1_flash is not None:
                self._allow_running()
            self._boot()

        self._after(delay, leave)

    def _dct_works(self) -> bool:
        """Whether the boot loader can reach DCT code (2.4.11)."""
        if self._dct_ready is None:
            self._dct_ready = self._parts_good() or not self._dct_code_in_part2()
        return self._dct_ready

    def _dct_code_in_part2(self) -> bool:
        return self.personality.boot.dct_in_part2 and self.personality.kind.key != "electron"

    def _wrote_system(self, address: int) -> None:
        if self.personality.boot.reloads_dct and 0x0802_0000 <= address < 0x080A_0000:
            self._dct_ready = None

    def _parts_good(self) -> bool:
        """Whether part 2 is whole, of 0.7 or later, and fits part 1."""
        first, second = (self._module(offset, F2_INFO) for offset in F2_PHOTON_PARTS)
        if first is None or second is None or not first.whole or not second.whole:
            return False
        return second.version >= FIRST_PART2_WITH_DCT and first.version >= second.dependency[2]

    # --- firmware ---------------------------------------------------------------------------------------------------

    def _start_firmware(self) -> None:
        self._phase = Phase.FIRMWARE
        self._safe, self._start_safe = self._start_safe, False
        listen, self._start_listening = self._start_listening, False
        firmware = self.personality.firmware
        if self.f2_flash is not None:
            self.f2_flash.protected |= {5, 6, 7} if self.personality.kind.key == "electron" else {5, 6, 7, 8}
            if firmware.at_least(0, 6, 0):
                self._dct[DCT_DEVICE_ID : DCT_DEVICE_ID + 12] = bytes.fromhex(self.device_id)
            user = self._module(self._factory_offsets()[1], 0)
            self._safe = self._safe or (user is not None and not user.whole)  # 7.2
            if firmware.at_least(1, 2, 0) and self._apply_pending_update():
                return
        if not firmware.spark or self._app_uses_serial:
            self._start_usb()
        if listen or not self.profiles:
            self.enter_listening()
        else:
            self._show_stages()

    def _apply_pending_update(self) -> bool:
        """Install a boot loader from the OTA region; the flag is cleared first (8.5). Returns whether it restarts."""
        if self._dct[DCT_OTA_FLAG] != OTA_PENDING:
            return False
        self._dct[DCT_OTA_FLAG] = 0xFF
        module = self._module(F2_OTA, F2_INFO)
        if module is None or not module.whole or module.function != BOOT_LOADER:
            return False
        self._show(light.APPLYING)

        def done() -> None:
            self._internal[: module.size] = self._internal[F2_OTA : F2_OTA + module.size]
            self._boot()

        self._after(self.timing.f2_erase_16k, done)
        return True

    def _show_stages(self) -> None:
        stages = light.connecting_stages(self.personality.firmware)
        self._stages += 1
        self._show(stages[0])
        if not self.online:
            return
        for number, pattern in enumerate(stages[1:], start=1):
            shown = light.SAFE_MODE if self._safe and pattern is light.CONNECTED else pattern
            self._after(number * self.timing.stage, partial(self._stage, self._stages, shown))

    def _stage(self, stages: int, pattern: Light) -> None:
        if stages == self._stages and not self._listening:
            self._show(pattern)

    def _start_usb(self) -> None:
        if not self._usb_started:
            self._usb_started = True
            self._after(self.timing.attach_firmware, lambda: self._attach(self._firmware_face()))

    def _firmware_face(self) -> Enumeration:
        personality = self.personality
        return Enumeration(
            self,
            cdc(personality, self.device_id),
            requests=Requests(personality, self.plate, self, self.timing.request),
            serial=endpoints(personality.kind, personality.firmware),
        )

    def _mode_pressed(self) -> None:
        self._press += 1
        self._pressed_at = self._moment
        self._pressed_listening = self._listening
        press = self._press
        if self._listening:
            self._after(self._clear_after(), lambda: self._held_for_clearing(press))
        else:
            self._after(3.0, lambda: self._held_for_listening(press))

    def _mode_released(self) -> None:
        self._press += 1
        held = self._moment - self._pressed_at
        leaves = self.personality.firmware.at_least(0, 4, 6)
        if self._listening and self._pressed_listening and leaves and 3.0 <= held <= 8.0:
            self.leave_listening()

    def _clear_after(self) -> float:
        return 10.0 if self.personality.firmware.at_least(0, 4, 6) else 7.0

    def _held_for_listening(self, press: int) -> None:
        if press == self._press and self._phase is Phase.FIRMWARE:
            self.enter_listening()
            self._after(self._clear_after(), lambda: self._held_for_clearing(press))

    def _held_for_clearing(self, press: int) -> None:
        if press == self._press and self._listening:
            self.profiles = False
            self._show(light.CLEARING)
            self._after(light.BLACKOUT_SECONDS, self._cleared)

    def _cleared(self) -> None:
        if self._listening:
            self._show(light.LISTENING)

    # --- what the console, the serial port and the control requests ask for (lock held) -------------------------------

    def listening(self) -> bool:
        """Whether the firmware listens."""
        return self._listening

    def enter_listening(self) -> None:
        """Start listening, if the firmware runs."""
        if self._phase is not Phase.FIRMWARE or self._listening:
            return
        self._listening = True
        self._show(light.LISTENING)
        console = self._console = Console(self.personality, self.plate, self, self._moment, self.timing.modem)
        limit = self.personality.listening_limit
        if limit is not None:
            self._after(limit, lambda: self._listened_long_enough(console))
        self._start_usb()

    def _listened_long_enough(self, console: Console) -> None:
        if self._console is console:
            self.leave_listening()

    def leave_listening(self) -> None:
        """Go back to the network; the serial port stays."""
        if not self._listening:
            return
        self._listening = False
        if self._console is not None:
            self._console.close()
        if self.profiles:
            self._show_stages()
        else:
            self._show(light.NETWORK_ON)

    def restart_listening(self) -> None:
        """Restart into safe mode and listening."""
        self.restart_as(Wish.SAFE_LISTENING, 0.0)

    def restart_as(self, wish: Wish, delay: float) -> None:
        """Restart after that many seconds, but not before the answer under way is out."""

        def restart() -> None:
            if wish is Wish.DFU:
                self._backup_register_1 = WANTS_DFU
            self._start_safe = wish in (Wish.SAFE_MODE, Wish.SAFE_LISTENING)
            self._start_listening = wish is Wish.SAFE_LISTENING
            self._boot()

        self._after(max(delay, self.timing.disconnect), restart)

    def line_coding(self, baud: int) -> None:
        """The host has set a baud rate; two of them are orders (5.6)."""
        firmware = self.personality.firmware
        if baud == MAGIC_DFU and firmware.at_least(0, 4, 0):
            self.restart_as(Wish.DFU, 0.0)
        elif baud == MAGIC_LISTENING and firmware.at_least(0, 5, 0):
            self.enter_listening()

    def serial_input(self, data: bytes) -> None:
        """Bytes from the host; only a listening board reads them."""
        if self._console is not None and self._listening:
            self._console.receive(data, self._moment)
            self._console.run(self._moment)

    def serial_output(self, length: int) -> bytes:
        """What has been printed by now."""
        return b"" if self._console is None else self._console.take(length, self._moment)

    def claimed(self) -> bool:
        """Whether the board says it is claimed; a Core never does (5.3)."""
        return bool(self._dct) and self._dct[DCT_CLAIMED] == 0x31

    def set_claim_code(self, code: bytes) -> None:
        """Keep a claim code; the Core only says so (5.3)."""
        if self._dct:
            self._dct[DCT_CLAIM_CODE : DCT_CLAIM_CODE + len(code)] = code

    def _module(self, offset: int, info_at: int) -> Module | None:
        return read_module(self._internal, offset, info_at, self.personality.kind.number)

    def modules(self) -> list[dict[str, object]]:
        """Return the module list of the console's `s`, read from the memories as they are."""
        if self.f1_flash is not None:
            found = [("m", 0x1B000, self._module(CORE_APP, CORE_INFO))]
            factory = read_module(self._spi, SPI_FACTORY, CORE_INFO, self.personality.kind.number)
            found.append(("f", 0x1B000, factory))
        else:
            electron = self.personality.kind.key == "electron"
            factory_at, user_at = self._factory_offsets()
            parts = F2_ELECTRON_PARTS if electron else F2_PHOTON_PARTS
            part_size = 131072 if electron else 262144
            found = [("m", 16384, self._module(0, F2_INFO))]
            # The Electron's third part has its module info at the very beginning (7.1).
            found += [("m", part_size, self._module(at, 0 if at == 0x60000 and electron else F2_INFO)) for at in parts]
            found += [("m", 131072, self._module(user_at, 0)), ("f", 131072, self._module(factory_at, 0))]
        leave_out_empty = self.personality.firmware.at_least(1, 4, 0)
        return [
            _module_entry(store, size, module)
            for store, size, module in found
            if module is not None or not leave_out_empty
        ]


def _module_entry(store: str, size: int, module: Module | None) -> dict[str, object]:
    """One entry of the module list (5.3)."""
    entry: dict[str, object] = {"s": size, "l": store, "vc": 30, "vv": 0}
    if module is None:
        return entry | {"d": []}
    entry["vv"] = 30 if module.whole else 28
    letter = LETTERS[module.function]
    if letter == "u":
        entry["u"] = module.digest.hex().upper()
    entry |= {"f": letter, "n": str(module.index), "v": module.version}
    function, index, version = module.dependency
    needed = [] if function == 0 else [{"f": LETTERS[function], "n": str(index), "v": version, "_": ""}]
    return entry | {"d": needed}
