"""The boot loader: the held button, what is started, factory reset and DFU mode (device-protocol.md 2, 3, 8)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from enum import Enum, unique

from app.virtual import light
from app.virtual.descriptors import for_dfu
from app.virtual.dfu_model import CoreDfu, DfuModel, F2Dfu
from app.virtual.enumeration import Enumeration
from app.virtual.flash import F2_BASE, F2_SIZE, F2_WRITABLE
from app.virtual.images import BOOT_LOADER, SYSTEM_PART
from app.virtual.inventory import boot_loader_at, factory_at, part_at
from app.virtual.layout import (
    COPY_LAYOUT,
    COPY_PENDING,
    CORE_APP,
    CORE_APP_SIZE,
    CORE_FACTORY_FLAG,
    CORE_OTA_FLAG,
    CORE_STARTUP_MODE,
    CORE_WIPE_FLAG,
    DCT_COPIES,
    DCT_COPY_SLOTS,
    DCT_FACTORY_FLAG,
    DCT_STARTUP_MODE,
    FACTORY,
    RESTORE,
    RUN,
    SAFE_MODE_ONCE,
    SPI_BACKUP,
    SPI_FACTORY,
    SPI_OTA,
    UPDATE,
    slots_of,
)
from app.virtual.light import Light
from app.virtual.machine import WANTS_DFU, WANTS_SAFE_MODE, Machine, Phase
from app.virtual.personality import Hold, f2_boot_loader

# 2.4.11 says 0.7.0-rc.1, whose number is not told: after 0.6.3 (109) and before 0.7.0 (207).
FIRST_PART2_WITH_DCT = 200


@unique
class Choice(Enum):
    """What letting go of MODE would do now (8.1)."""

    RUN = "run"
    SAFE = "safe"
    DFU = "dfu"
    FACTORY = "factory"
    FACTORY_AND_CLEAR = "factory-and-clear"
    CLEAR = "clear"


class BootStage:
    """The boot loader of one board; called with the board's lock held.

    Args:
        machine: The board's body.
        run: Starts the firmware; its argument says whether in safe mode.
    """

    def __init__(self, machine: Machine, run: Callable[[bool], None]) -> None:
        self._machine = machine
        self._run = run
        self._choice = Choice.RUN
        self._safe = False
        self._dct_ready: bool | None = None

    def start(self) -> None:
        """Begin anew, as after a reset."""
        machine = self._machine
        machine.stop(Phase.CHOOSING)
        self._choice = Choice.RUN
        self._know_itself()
        boot = machine.personality.boot
        wish, machine.wish = machine.wish, 0
        self._safe = boot.knows_requests and wish == WANTS_SAFE_MODE
        self._dct_ready = None
        if boot.knows_requests and wish == WANTS_DFU:
            self._start_dfu()
        elif "mode" in machine.pressed:
            self._watch_button()
        else:
            self._decide()

    def _know_itself(self) -> None:
        """An installed boot loader decides how a Photon, P1 or Electron behaves from now on."""
        machine = self._machine
        if machine.f2_flash is None:
            return
        module = boot_loader_at(machine.internal_cells, machine.personality.kind)
        if module is not None and module.function == BOOT_LOADER:
            boot = f2_boot_loader(module.version)
            machine.personality = replace(machine.personality, boot=boot)
            machine.f2_flash.verifies = boot.reports_failures

    # --- the held button --------------------------------------------------------------------------------------------

    def _watch_button(self) -> None:
        """Show what each moment of letting go would mean (8.1)."""
        machine = self._machine
        hold = machine.personality.boot.hold
        if hold is Hold.ORIGINAL:
            machine.after(3.0, lambda: self._offer(Choice.DFU, light.DFU))
            machine.after(10.0, lambda: self._factory_reset(clear=True, pattern=light.FACTORY_WHITE))
            return
        image = self._factory_image_present()
        machine.after(1.0, lambda: self._offer(Choice.SAFE, light.SAFE_WINDOW))
        machine.after(3.0, lambda: self._offer(Choice.DFU, light.DFU))
        if hold is Hold.ENDS_AT_DFU and not image:
            machine.after(3.0, self.let_go)
            return
        if hold is Hold.UNCHECKED or image:
            machine.after(6.5, lambda: self._offer(Choice.FACTORY, light.FACTORY_GREEN))
        last = Choice.FACTORY_AND_CLEAR if hold is Hold.UNCHECKED or image else Choice.CLEAR
        machine.after(10.0, lambda: self._offer(last, light.FACTORY_WHITE))
        machine.after(12.0, self.let_go)

    def _offer(self, choice: Choice, pattern: Light) -> None:
        self._choice = choice
        self._machine.show(pattern)

    def let_go(self) -> None:
        """MODE is let go, or was held for too long."""
        self._machine.forget()
        match self._choice:
            case Choice.RUN:
                self._decide()
            case Choice.SAFE:
                self._safe = True
                self._decide()
            case Choice.DFU:
                self._start_dfu()
            case Choice.FACTORY:
                self._factory_reset(clear=False, pattern=light.FACTORY_GREEN)
            case Choice.FACTORY_AND_CLEAR:
                self._factory_reset(clear=True, pattern=light.FACTORY_WHITE)
            case Choice.CLEAR:
                self._forget_networks()
                self._decide()

    # --- what is started --------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        """Start what the flags and the memory allow (3.1, 7.2)."""
        if self._machine.f1_flash is None:
            self._decide_f2()
        else:
            self._decide_core()

    def _decide_f2(self) -> None:
        machine = self._machine
        if self._dct_works():
            if machine.dct_cells[DCT_STARTUP_MODE] == SAFE_MODE_ONCE:
                machine.dct_cells[DCT_STARTUP_MODE] = 0
                self._safe = True
            if machine.dct_cells[DCT_FACTORY_FLAG : DCT_FACTORY_FLAG + 2] == FACTORY.to_bytes(2, "little"):
                machine.dct_cells[DCT_FACTORY_FLAG : DCT_FACTORY_FLAG + 2] = b"\xff\xff"
                if self._factory_image_present():
                    self._factory_reset(clear=False, pattern=light.FACTORY_GREEN)
                    return
            if self._pending_copies():
                self._copy(light.APPLYING, self._copy_modules, self.start)
                return
        first = part_at(machine.internal_cells, machine.personality.kind, 1)
        if first is not None and first.function == SYSTEM_PART:
            self._run(self._safe)
        else:
            self._start_dfu()

    def _decide_core(self) -> None:
        machine = self._machine
        cells = machine.internal_cells
        flag = self._flag(CORE_OTA_FLAG)
        original = machine.personality.boot.hold is Hold.ORIGINAL
        if not original and cells[CORE_STARTUP_MODE] == SAFE_MODE_ONCE:
            cells[CORE_STARTUP_MODE] = 0
            self._safe = True
        if self._flag(CORE_FACTORY_FLAG) == FACTORY:
            self._set_flag(CORE_FACTORY_FLAG, 0xFFFF)
            self._factory_reset(clear=False, pattern=light.FACTORY_WHITE)
        elif flag == UPDATE:
            self._copy(light.APPLYING, self._apply_update, self._decide)
        elif flag == RESTORE:
            self._copy(light.RESTORING, lambda: self._take_image(SPI_BACKUP), self._decide)
        elif original and RUN not in (flag, machine.update_register):
            self._start_dfu()
        elif int.from_bytes(cells[CORE_APP : CORE_APP + 4], "little") & 0x2FFE_0000 == 0x2000_0000:
            self._run(self._safe)
        else:
            self._start_dfu()

    def _flag(self, offset: int) -> int:
        return int.from_bytes(self._machine.internal_cells[offset : offset + 2], "little")

    def _set_flag(self, offset: int, value: int) -> None:
        self._machine.internal_cells[offset : offset + 2] = value.to_bytes(2, "little")

    def _copy(self, pattern: Light, finish: Callable[[], None], then: Callable[[], None]) -> None:
        machine = self._machine
        machine.stage = Phase.COPYING
        machine.show(pattern)

        def done() -> None:
            finish()
            then()

        machine.after(machine.timing.copy, done)

    def _apply_update(self) -> None:
        machine = self._machine
        app = machine.internal_cells[CORE_APP : CORE_APP + CORE_APP_SIZE]
        machine.serial_cells[SPI_BACKUP : SPI_BACKUP + CORE_APP_SIZE] = app
        self._take_image(SPI_OTA)

    def _take_image(self, offset: int) -> None:
        machine = self._machine
        image = machine.serial_cells[offset : offset + CORE_APP_SIZE]
        machine.internal_cells[CORE_APP : CORE_APP + CORE_APP_SIZE] = image
        self._allow_running()

    def _allow_running(self) -> None:
        self._set_flag(CORE_OTA_FLAG, RUN)
        self._machine.update_register = RUN

    def _pending_copies(self) -> list[int]:
        """Return where in the DCT copies of modules are ordered (flash_modules, 3.5)."""
        cells, size = self._machine.dct_cells, struct.calcsize(COPY_LAYOUT)
        places = range(DCT_COPIES, DCT_COPIES + DCT_COPY_SLOTS * size, size)
        return [place for place in places if int.from_bytes(cells[place : place + 2], "little") == COPY_PENDING]

    def _copy_modules(self) -> None:
        """Carry out the ordered copies inside internal flash; an order that makes no sense is only taken off."""
        machine = self._machine
        cells = machine.internal_cells
        for place in self._pending_copies():
            _, _, _, source, target, length, *_ = struct.unpack_from(COPY_LAYOUT, machine.dct_cells, place)
            machine.dct_cells[place : place + 2] = b"\xff\xff"
            if min(source, target) >= F2_WRITABLE and max(source, target) + length <= F2_BASE + F2_SIZE:
                cells[target - F2_BASE : target - F2_BASE + length] = cells[
                    source - F2_BASE : source - F2_BASE + length
                ]

    # --- factory reset (8.6) ----------------------------------------------------------------------------------------

    def _factory_image_present(self) -> bool:
        """Whether the boot loader sees a factory image; the Core's looks at nothing."""
        machine = self._machine
        if machine.f1_flash is not None:
            return True
        module = factory_at(machine.internal_cells, machine.personality.kind)
        return module is not None and module.whole

    def _forget_networks(self) -> None:
        """Forget the Wi-Fi networks; on the Core the firmware does that when it starts (3.1, 8.1)."""
        if self._machine.f1_flash is not None:
            self._set_flag(CORE_WIPE_FLAG, 1)
        else:
            self._machine.profiles = False

    def _factory_reset(self, *, clear: bool, pattern: Light) -> None:
        machine = self._machine
        machine.forget()
        if clear:
            self._forget_networks()
        if machine.f1_flash is not None:
            self._copy(pattern, lambda: self._take_image(SPI_FACTORY), self._decide)
            return
        module = factory_at(machine.internal_cells, machine.personality.kind)
        if module is None or not module.whole:
            self._start_dfu()
            return
        size = module.size
        self._copy(pattern, lambda: self._copy_user_part(size), self._decide)

    def _copy_user_part(self, size: int) -> None:
        cells, slots = self._machine.internal_cells, slots_of(self._machine.personality.kind)
        cells[slots.user : slots.user + size] = cells[slots.factory : slots.factory + size]

    # --- DFU mode ---------------------------------------------------------------------------------------------------

    def _start_dfu(self) -> None:
        machine = self._machine
        machine.stage = Phase.DFU
        machine.show(light.DFU)
        model: DfuModel
        boot = machine.personality.boot
        if machine.f1_flash is not None and machine.spi_flash is not None:
            model = CoreDfu(boot, machine.f1_flash, machine.spi_flash, self._leave_dfu, lambda: machine.mishap)
        else:
            assert machine.f2_flash is not None
            assert machine.dct_area is not None
            self._dct_ready = None
            self._dct_works()
            model = F2Dfu(
                boot,
                machine.f2_flash,
                machine.dct_area,
                machine.serial_flash,
                dct_works=self._dct_works,
                wrote_system=self._wrote_system,
                leave=self._leave_dfu,
                mishap=lambda: machine.mishap,
            )
        machine.after(machine.timing.attach_dfu, lambda: self._attach(model))

    def _attach(self, model: DfuModel) -> None:
        machine = self._machine
        machine.attach(Enumeration(machine, for_dfu(machine.personality, machine.plate.device_id), dfu=model))

    def _leave_dfu(self, delay: float) -> None:
        def leave() -> None:
            if self._machine.f1_flash is not None:
                self._allow_running()
            self.start()

        self._machine.after(delay, leave)

    def _dct_works(self) -> bool:
        """Whether the boot loader can reach DCT code (2.4.11)."""
        if self._dct_ready is None:
            self._dct_ready = self._parts_good() or not self._dct_code_in_part2()
        return self._dct_ready

    def _dct_code_in_part2(self) -> bool:
        personality = self._machine.personality
        return personality.boot.dct_in_part2 and personality.kind.key != "electron"

    def _wrote_system(self, address: int) -> None:
        if self._machine.personality.boot.reloads_dct and 0x0802_0000 <= address < 0x080A_0000:
            self._dct_ready = None

    def _parts_good(self) -> bool:
        """Whether part 2 is whole, of 0.7 or later, and fits part 1."""
        kind = self._machine.personality.kind
        first, second = (part_at(self._machine.internal_cells, kind, index) for index in (1, 2))
        if first is None or second is None or not first.whole or not second.whole:
            return False
        least = second.dependencies[0][2]
        return second.version >= FIRST_PART2_WITH_DCT and first.version >= least
