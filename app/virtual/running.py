"""The firmware: what an image does when it runs, its buttons, console and requests (device-protocol.md 5, 6, 8, 9)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from app.virtual import light
from app.virtual.air import Internet, Network, joined
from app.virtual.cloud_stage import CloudStage
from app.virtual.descriptors import cdc, endpoints
from app.virtual.enumeration import Enumeration
from app.virtual.flash import F2_BASE
from app.virtual.images import BOOT_LOADER, F2_INFO, Module, practice_tinker, read_module
from app.virtual.inventory import listed, system_of
from app.virtual.layout import (
    COPY_LAYOUT,
    COPY_PENDING,
    CORE_APP_SIZE,
    CORE_OTA_FLAG,
    CORE_WIPE_FLAG,
    DCT_CLAIM_CODE,
    DCT_CLAIMED,
    DCT_COPIES,
    DCT_DEVICE_ID,
    DCT_OTA_FLAG,
    DCT_WIPE_FLAG,
    OTA_PENDING,
    SPI_OTA,
    UPDATE,
    slots_of,
)
from app.virtual.listening_model import CLAIM_CODE_LENGTH, Console
from app.virtual.machine import WANTS_DFU, WANTS_SAFE_MODE, Machine, Phase, Radio
from app.virtual.personality import firmware_of
from app.virtual.programs import Program, core_firmware, program_in
from app.virtual.requests_model import Requests, Wish
from app.virtual.wifi_radio import WifiRadio
from app.virtual.world import World

MAGIC_DFU, MAGIC_LISTENING = 14400, 28800  # 5.6
PATCH_ATTEMPTS = 5  # 8.4
RETRY_S = 2.0  # between two looks for a known network; the specification has no number


class FirmwareStage:
    """What runs after the boot loader; called with the board's lock held.

    Args:
        machine: The board's body.
        restart: Starts the boot loader.
        world: Where the connections of the board go.
        app_uses_serial: Core of 2014: whether its application opens the serial port (1.3).

    Attributes:
        program: The key of the application, "" for one nobody knows.
        safe: Whether it runs without the application.
        is_listening: Whether it listens.
        network: The Wi-Fi network it is in; None for none, and on an Electron.
    """

    def __init__(self, machine: Machine, restart: Callable[[], None], world: World, *, app_uses_serial: bool) -> None:
        self._machine = machine
        self._restart = restart
        self._app_uses_serial = app_uses_serial
        self._press = 0
        self._pressed_at = 0.0
        self._pressed_listening = False
        self._stages = 0
        self._radio = WifiRadio(machine)
        self._cloud = CloudStage(machine, world, self._connected)
        self.program = ""
        self.published_claim_code = ""
        self.reset()

    def reset(self) -> None:
        """Forget everything, as without power."""
        self.safe = False
        self.is_listening = False
        self.network: Network | None = None
        self._deaf = False
        self._console: Console | None = None
        self._console_due: float | None = None
        self._usb_started = False
        self._cloud_sends: Callable[[], None] | None = None
        self._stages += 1
        self._cloud.close()

    def start(self, safe: bool) -> None:
        """Run what is in the application slot."""
        machine = self._machine
        machine.stage = Phase.FIRMWARE
        self.safe = safe
        program = program_in(machine.personality.kind, machine.internal_cells)
        self.program = program.key
        if machine.f1_flash is not None:
            self._start_core(program)
        else:
            self._start_f2()

    # --- Core -------------------------------------------------------------------------------------------------------

    def _start_core(self, program: Program) -> None:
        machine = self._machine
        firmware = core_firmware(program, machine.personality.kind, machine.internal_cells)
        if firmware is None:
            machine.stop(Phase.CRASHED)
            return
        machine.personality = replace(machine.personality, firmware=firmware)
        self.safe = self.safe and firmware.at_least(0, 4, 0)
        if program.radio is not None and not program.deep:
            self._patch(program, program.radio)
            return
        if program.radio is not None:
            self._cloud_sends = self._receive
            if machine.radio is Radio.OLD and self._attempts() < PATCH_ATTEMPTS:
                self._patch_deeply(program.radio)
                return
        elif self._attempts() == 1:  # NVMEM_SPARK_Reset, of which only this value is an order (3.1)
            machine.profiles = False
            self._set_attempts(0)
        self._join()

    def _attempts(self) -> int:
        """Return the flag word NVMEM_SPARK_Reset, which a deep update counts its attempts in (3.1); 0 when blank."""
        cells = self._machine.internal_cells
        value = int.from_bytes(cells[CORE_WIPE_FLAG : CORE_WIPE_FLAG + 2], "little")
        return 0 if value == 0xFFFF else value

    def _set_attempts(self, value: int) -> None:
        self._machine.internal_cells[CORE_WIPE_FLAG : CORE_WIPE_FLAG + 2] = value.to_bytes(2, "little")

    def _patch(self, program: Program, radio: Radio) -> None:
        """Program the radio, show that it is done, return to DFU (8.3); no button and no USB meanwhile."""
        machine = self._machine
        self._deaf = True
        machine.show(light.PATCHING)
        if not machine.goes_wrong("patch_freezes"):
            machine.after(machine.timing.radio_patch, lambda: self._patched(program, radio))

    def _patched(self, program: Program, radio: Radio) -> None:
        machine = self._machine
        if machine.goes_wrong("patch_fails"):  # the service pack still does not match: once more
            self._patch(program, radio)
            return
        machine.radio = radio
        machine.show(light.PATCHED)
        clears = program.clears or machine.mishap.patch_clears
        machine.after(machine.timing.radio_check, self._patch_clears if clears else self._back_to_dfu)

    def _patch_clears(self) -> None:
        machine = self._machine
        machine.show(light.PATCH_CLEARING)
        machine.profiles = False
        machine.after(machine.timing.radio_check, self._back_to_dfu)

    def _back_to_dfu(self) -> None:
        machine = self._machine
        machine.internal_cells[CORE_OTA_FLAG : CORE_OTA_FLAG + 2] = b"\xff\xff"
        machine.update_register = 0xFFFF
        self._restart()

    def _patch_deeply(self, radio: Radio) -> None:
        """Patch an older radio and restart, whether that went well or not (8.4)."""
        machine = self._machine
        self._deaf = True
        machine.show(light.DEEP_UPDATE)
        if machine.goes_wrong("patch_freezes"):
            return
        failed = machine.goes_wrong("patch_fails")

        def done() -> None:
            if failed:
                self._set_attempts(self._attempts() + 1)
            else:
                machine.radio = radio
                self._set_attempts(0)
            self._restart()

        machine.after(machine.timing.radio_patch, done)

    def _receive(self) -> None:
        """The cloud sends the current Tinker over the air (8.4)."""
        machine = self._machine
        self._deaf = True
        machine.show(light.over_the_air(machine.personality.firmware))
        if machine.goes_wrong("ota_freezes"):
            return
        failed = machine.goes_wrong("ota_fails")

        def done() -> None:
            self._deaf = False
            if failed:
                self._show_stages()
                return
            image = practice_tinker().ljust(CORE_APP_SIZE, b"\xff")
            machine.serial_cells[SPI_OTA : SPI_OTA + len(image)] = image
            machine.internal_cells[CORE_OTA_FLAG : CORE_OTA_FLAG + 2] = UPDATE.to_bytes(2, "little")
            self._restart()

        machine.after(machine.timing.ota, done)

    # --- Photon, P1, Electron ---------------------------------------------------------------------------------------

    def _start_f2(self) -> None:
        machine = self._machine
        kind = machine.personality.kind
        system = system_of(kind, machine.internal_cells)
        if system.version is None:
            machine.stop(Phase.CRASHED)
            return
        firmware = firmware_of(system.version)
        machine.personality = replace(machine.personality, firmware=firmware)
        assert machine.f2_flash is not None
        machine.f2_flash.protected |= slots_of(kind).protected
        if firmware.at_least(0, 6, 0):
            machine.dct_cells[DCT_DEVICE_ID : DCT_DEVICE_ID + 12] = bytes.fromhex(machine.plate.device_id)
        self.safe = self.safe or not system.fits
        if machine.dct_cells[DCT_WIPE_FLAG : DCT_WIPE_FLAG + 2] == b"\x01\x00":
            machine.profiles = False
            machine.dct_cells[DCT_WIPE_FLAG : DCT_WIPE_FLAG + 2] = b"\x00\x00"
        if firmware.at_least(1, 2, 0) and self._apply_pending_update():
            return
        self._join()

    def _apply_pending_update(self) -> bool:
        """Put in place what waits in the OTA region; the flag is cleared first (8.5). Returns whether it restarts.

        A boot loader is written by the firmware itself, the rest is ordered from the boot loader (flash_modules, 3.5).
        """
        machine = self._machine
        if machine.dct_cells[DCT_OTA_FLAG] != OTA_PENDING:
            return False
        machine.dct_cells[DCT_OTA_FLAG] = 0xFF
        kind = machine.personality.kind
        ota = slots_of(kind).ota
        module = read_module(machine.internal_cells, ota, F2_INFO, kind.number)
        if module is None or not module.whole:
            module = read_module(machine.internal_cells, ota, 0, kind.number)
        if module is None or not module.whole:
            return False
        if module.function == BOOT_LOADER and module.start == F2_BASE:
            machine.show(light.APPLYING)
            machine.after(machine.timing.f2_erase_16k, partial(self._install_boot_loader, ota, module))
            return True
        if module.start not in [F2_BASE + place for place in (*slots_of(kind).parts, slots_of(kind).user)]:
            return False
        order = (COPY_PENDING, 1, 1, F2_BASE + ota, module.start, module.size, 1, module.function)
        machine.dct_cells[DCT_COPIES : DCT_COPIES + struct.calcsize(COPY_LAYOUT)] = struct.pack(COPY_LAYOUT, *order, 0)
        self._restart()
        return True

    def _install_boot_loader(self, ota: int, module: Module) -> None:
        cells = self._machine.internal_cells
        cells[: module.size] = cells[ota : ota + module.size]
        self._restart()

    # --- the network ------------------------------------------------------------------------------------------------

    def _join(self) -> None:
        machine = self._machine
        listen, machine.wants_listening = machine.wants_listening, False
        if not machine.personality.firmware.spark or self._app_uses_serial:
            self._start_usb()
        if listen or not machine.profiles:
            self.enter_listening()
        else:
            self._show_stages()

    def _show_stages(self) -> None:
        machine = self._machine
        self._stages += 1
        self._cloud.close()
        self.network = None
        machine.show(light.CONNECTING)
        machine.after(machine.timing.stage, partial(self._try_to_join, self._stages))

    def _try_to_join(self, stages: int) -> None:
        """Get into a network that is known and there, else try again: blinking green for ever (9.2, 9.3)."""
        if stages != self._stages or self.is_listening:
            return
        machine = self._machine
        core = machine.f1_flash is not None
        network = joined(machine.networks, machine.profiles_stored, core=core) if machine.online else None
        if network is None and (machine.personality.kind.wifi or not machine.online):
            machine.after(RETRY_S, partial(self._try_to_join, stages))
            return
        self.network = network
        machine.show(light.getting_address(machine.personality.firmware))
        if network is None or network.internet is not Internet.NO_ADDRESS:
            machine.after(machine.timing.stage, partial(self._look_for_cloud, stages))

    def _look_for_cloud(self, stages: int) -> None:
        if stages == self._stages and not self.is_listening:
            self._cloud.start(Internet.FULL if self.network is None else self.network.internet)

    def _connected(self, far: bool) -> None:
        machine = self._machine
        machine.show(light.SAFE_MODE if self.safe else light.CONNECTED)
        if far:
            self._publish_claim_code()
        # Only the makers' cloud is known to send firmware by itself (8.4).
        if far and self._cloud_sends is not None:
            machine.after(machine.timing.stage, partial(self._hear_from_cloud, self._stages))

    def _publish_claim_code(self) -> None:
        """Show the cloud the claim code that is stored, once; the board counts as claimed then (5.3, 10.1)."""
        cells = self._machine.dct_cells
        code = bytes(cells[DCT_CLAIM_CODE : DCT_CLAIM_CODE + CLAIM_CODE_LENGTH])
        if code.isascii() and code.decode("ascii").isprintable() and code:
            self.published_claim_code = code.decode("ascii")
            # That the code is gone afterwards the specification does not say; else it would be shown again each time.
            cells[DCT_CLAIM_CODE] = 0
            cells[DCT_CLAIMED] = 0x31

    @property
    def in_makers_cloud(self) -> bool:
        """Whether the board is connected to the makers' own cloud now."""
        return self._cloud.in_makers_cloud

    def _hear_from_cloud(self, stages: int) -> None:
        if stages == self._stages and not self.is_listening and self._cloud_sends is not None:
            self._cloud_sends()

    def _start_usb(self) -> None:
        if not self._usb_started:
            self._usb_started = True
            self._machine.after(self._machine.timing.attach_firmware, self._attach)

    def _attach(self) -> None:
        machine = self._machine
        personality = machine.personality
        machine.attach(
            Enumeration(
                machine,
                cdc(personality, machine.plate.device_id),
                requests=Requests(personality, machine.plate, self, self._radio, machine.timing.request),
                serial=endpoints(personality.kind, personality.firmware),
            )
        )

    # --- the MODE button --------------------------------------------------------------------------------------------

    def mode_pressed(self) -> None:
        """MODE goes down."""
        if self._deaf:
            return
        machine = self._machine
        self._press += 1
        self._pressed_at = machine.moment
        self._pressed_listening = self.is_listening
        press = self._press
        if self.is_listening:
            machine.after(self._clear_after(), lambda: self._held_for_clearing(press))
        else:
            machine.after(3.0, lambda: self._held_for_listening(press))

    def mode_released(self) -> None:
        """MODE comes up."""
        self._press += 1
        held = self._machine.moment - self._pressed_at
        leaves = self._machine.personality.firmware.at_least(0, 4, 6)
        if self.is_listening and self._pressed_listening and leaves and 3.0 <= held <= 8.0:
            self.leave_listening()

    def _clear_after(self) -> float:
        return 10.0 if self._machine.personality.firmware.at_least(0, 4, 6) else 7.0

    def _held_for_listening(self, press: int) -> None:
        if press == self._press and not self._deaf:
            self.enter_listening()
            self._machine.after(self._clear_after(), lambda: self._held_for_clearing(press))

    def _held_for_clearing(self, press: int) -> None:
        if press == self._press and self.is_listening:
            machine = self._machine
            machine.profiles = False
            machine.show(light.CLEARING)
            machine.after(light.BLACKOUT_SECONDS, self._cleared)

    def _cleared(self) -> None:
        if self.is_listening:
            self._machine.show(light.LISTENING)

    # --- what the console, the serial port and the control requests ask for -----------------------------------------

    def listening(self) -> bool:
        """Whether the firmware listens."""
        return self.is_listening

    def enter_listening(self) -> None:
        """Start listening, if the firmware runs."""
        machine = self._machine
        if machine.stage is not Phase.FIRMWARE or self.is_listening or self._deaf:
            return
        self.is_listening = True
        self.network = None
        self._cloud.close()
        machine.show(light.LISTENING)
        console = Console(machine.personality, machine.plate, self, self._radio, machine.moment, machine.timing)
        self._console = console
        limit = machine.personality.listening_limit
        if limit is not None:
            machine.after(limit, lambda: self._listened_long_enough(console))
        self._start_usb()

    def _listened_long_enough(self, console: Console) -> None:
        if self._console is console:
            self.leave_listening()

    def leave_listening(self) -> None:
        """Go back to the network; the serial port stays."""
        if not self.is_listening:
            return
        self.is_listening = False
        if self._console is not None:
            self._console.close()
        if self._machine.profiles:
            self._show_stages()
        else:
            self._machine.show(light.NETWORK_ON)

    def restart_listening(self) -> None:
        """Restart into safe mode and listening."""
        self.restart_as(Wish.SAFE_LISTENING, 0.0)

    def restart_as(self, wish: Wish, delay: float) -> None:
        """Restart after that many seconds, but not before the answer under way is out."""
        machine = self._machine

        def restart() -> None:
            if wish is Wish.DFU:
                machine.wish = WANTS_DFU
            elif wish in (Wish.SAFE_MODE, Wish.SAFE_LISTENING):
                machine.wish = WANTS_SAFE_MODE
            machine.wants_listening = wish is Wish.SAFE_LISTENING
            self._restart()

        machine.after(max(delay, machine.timing.disconnect), restart)

    def line_coding(self, baud: int) -> None:
        """The host has set a baud rate; two of them are orders (5.6)."""
        firmware = self._machine.personality.firmware
        if baud == MAGIC_DFU and firmware.at_least(0, 4, 0):
            self.restart_as(Wish.DFU, 0.0)
        elif baud == MAGIC_LISTENING and firmware.at_least(0, 5, 0):
            self.enter_listening()

    def run_console(self) -> None:
        """Let the console do what is due."""
        if self._console is None:
            return
        machine = self._machine
        self._console.run(machine.moment)
        due = self._console.due
        if due is not None and due != self._console_due:
            self._console_due = due
            machine.after(due - machine.moment, self._wake_console)

    def _wake_console(self) -> None:
        self._console_due = None
        self.run_console()

    def serial_input(self, data: bytes) -> None:
        """Bytes from the host; only a listening board reads them."""
        if self._console is not None and self.is_listening:
            self._console.receive(data, self._machine.moment)
            self.run_console()

    def serial_output(self, length: int) -> bytes:
        """What has been printed by now."""
        return b"" if self._console is None else self._console.take(length, self._machine.moment)

    def claimed(self) -> bool:
        """Whether the board says it is claimed; a Core never does (5.3)."""
        cells = self._machine.dct_cells
        return bool(cells) and cells[DCT_CLAIMED] == 0x31

    def set_claim_code(self, code: bytes) -> None:
        """Keep a claim code; the Core only says so (5.3)."""
        cells = self._machine.dct_cells
        if cells:
            cells[DCT_CLAIM_CODE : DCT_CLAIM_CODE + len(code)] = code

    def modules(self) -> list[dict[str, object]]:
        """Return the module list of the console's `s`."""
        machine = self._machine
        leave_out_empty = machine.personality.firmware.at_least(1, 4, 0)
        return listed(
            machine.personality.kind,
            machine.internal_cells,
            machine.serial_cells,
            leave_out_empty=leave_out_empty,
        )
