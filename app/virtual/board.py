"""A board that exists in memory, as people, tests and the bus see it: cable, buttons, light, memories."""

from __future__ import annotations

from collections.abc import Iterable

from app.clock import Clock
from app.virtual.air import PRACTICE_AIR, Network
from app.virtual.boot import BootStage
from app.virtual.light import LightNow
from app.virtual.machine import Machine, Phase, Radio
from app.virtual.mishaps import Mishap
from app.virtual.nameplate import Nameplate
from app.virtual.personality import Personality
from app.virtual.running import FirmwareStage
from app.virtual.timing import Timing
from app.virtual.world import OwnComputer, World

__all__ = ["Phase", "Radio", "VirtualBoard"]


class VirtualBoard(Machine):
    """One board. Every method may be called from any thread and returns at once."""

    def __init__(
        self,
        personality: Personality,
        clock: Clock,
        plate: Nameplate,
        *,
        timing: Timing = Timing.TYPICAL,
        mishap: Mishap = Mishap.NONE,
        profiles: bool = True,
        networks: Iterable[Network] = PRACTICE_AIR,
        online: bool = True,
        radio: Radio = Radio.PATCH_1_13_7,
        app_uses_serial: bool = False,
        other_id: str = "",
        world: World | None = None,
        registered: bytes = b"",
        built_in_server: bytes = b"",
        blank_server_is_right: bool = True,
    ) -> None:
        super().__init__(
            personality,
            clock,
            plate,
            timing=timing,
            mishap=mishap,
            profiles=profiles,
            networks=tuple(networks),
            online=online,
            radio=radio,
            other_id=other_id,
            registered=registered,
            built_in_server=built_in_server,
            blank_server_is_right=blank_server_is_right,
        )
        self._boot = BootStage(self, self._run)
        self._firmware = self.port = FirmwareStage(
            self, self._boot.start, world or OwnComputer(), app_uses_serial=app_uses_serial
        )

    def _run(self, safe: bool) -> None:
        self._firmware.start(safe)

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
        return self.internal_cells

    @property
    def spi(self) -> bytearray:
        """The Core's SPI flash, or the P1's serial flash; empty where there is none."""
        self.tick()
        return self.serial_cells

    @property
    def dct(self) -> bytearray:
        """The DCT's application section; empty on a Core."""
        self.tick()
        return self.dct_cells

    @property
    def phase(self) -> Phase:
        """What the processor is doing now."""
        with self.lock:
            self.tick()
            return self.stage

    @property
    def program(self) -> str:
        """The key of the application that runs (see `programs`); "" for an unknown one, or while none runs."""
        with self.lock:
            self.tick()
            return self._firmware.program if self.stage is Phase.FIRMWARE else ""

    @property
    def listening_now(self) -> bool:
        """Whether the firmware is in listening mode."""
        with self.lock:
            self.tick()
            return self._firmware.is_listening

    @property
    def safe_mode(self) -> bool:
        """Whether the firmware runs without the application."""
        with self.lock:
            self.tick()
            return self.stage is Phase.FIRMWARE and self._firmware.safe

    @property
    def in_makers_cloud(self) -> bool:
        """Whether it is connected to the makers' own cloud now."""
        with self.lock:
            self.tick()
            return self._firmware.in_makers_cloud

    @property
    def published_claim_code(self) -> str:
        """The claim code it showed the makers' cloud last (10.1); "" for none. A secret."""
        with self.lock:
            self.tick()
            return self._firmware.published_claim_code

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
            return self._light.at(self.moment - self._light_since)

    def is_pressed(self, button: str) -> bool:
        """Whether that button is held down."""
        return button in self.pressed

    # --- what hands do ----------------------------------------------------------------------------------------------

    def plug(self) -> None:
        """Give it power and a host."""
        with self.lock:
            self.tick()
            self._absent = self.mishap.charge_only
            if self.stage is Phase.OFF:
                if "reset" in self.pressed:
                    self.stage = Phase.RESET
                else:
                    self._boot.start()

    def unplug(self) -> None:
        """Pull the cable."""
        with self.lock:
            self.tick()
            self.lose()

    def press(self, button: str) -> None:
        """Press `reset` or `mode` and hold it."""
        with self.lock:
            self.tick()
            if button in self.pressed:
                return
            self.pressed.add(button)
            if button == "reset":
                if self.stage is not Phase.OFF:
                    self.stop(Phase.RESET)
            elif self.stage is Phase.FIRMWARE:
                self._firmware.mode_pressed()

    def release(self, button: str) -> None:
        """Let go of `reset` or `mode`."""
        with self.lock:
            self.tick()
            if button not in self.pressed:
                return
            self.pressed.discard(button)
            if button == "reset":
                if self.stage is Phase.RESET:
                    self._boot.start()
            elif self.stage is Phase.CHOOSING:
                self._boot.let_go()
            elif self.stage is Phase.FIRMWARE:
                self._firmware.mode_released()

    # --- inside -----------------------------------------------------------------------------------------------------

    def stop(self, phase: Phase) -> None:
        """Leave the bus and end everything under way."""
        super().stop(phase)
        self._firmware.reset()
