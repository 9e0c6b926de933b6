"""How long the virtual hardware takes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds (device-protocol.md 2.5; the attach times are estimates from 5.6).

    Attributes:
        f1_page_erase: One 1 KB page of the Core's internal flash.
        f1_halfword: Programming 2 bytes there.
        spi_sector_erase: One 4 KB sector of a serial flash.
        spi_byte: Programming one byte there.
        f2_erase_16k: One 16 KB sector of a Photon's internal flash.
        f2_erase_64k: One 64 KB sector.
        f2_erase_128k: One 128 KB sector.
        f2_word: Programming 4 bytes there.
        attach_dfu: From the start of the boot loader's DFU mode until the host sees the device.
        attach_firmware: From the start of the firmware until the host sees the device.
        disconnect: From a soft reset until the device is off the bus.
        modem: How long an Electron needs for the modem's answer to `i`.
        request: How long the firmware works on a control request of the 0.8+ channel.
        stage: Length of each stage of connecting, as far as the light shows it.
        copy: One copy of an application image inside the boot loader (factory reset, update).
        radio_patch: Writing a service pack into a Core's radio (8.3: 20 to 60).
        radio_check: How long the patcher shows each of its last colours (8.3).
        wifi_scan: One scan for networks: "several seconds" (5.4 D); an estimate.
        wifi_search: How long a network that is not there is looked for (5.4 C).
        wifi_save_core: Storing a network on a Core (its own words in 5.4).
        wifi_save: Storing one on a Photon or P1; an estimate.
        ota: The cloud sends an application image.
    """

    f1_page_erase: float = 0.030
    f1_halfword: float = 52.5e-6
    spi_sector_erase: float = 0.018
    spi_byte: float = 7e-6
    f2_erase_16k: float = 0.25
    f2_erase_64k: float = 0.55
    f2_erase_128k: float = 1.0
    f2_word: float = 16e-6
    attach_dfu: float = 1.0
    attach_firmware: float = 1.5
    disconnect: float = 0.010
    modem: float = 2.0
    request: float = 0.020
    stage: float = 1.5
    copy: float = 6.0
    radio_patch: float = 30.0
    radio_check: float = 1.5
    wifi_scan: float = 4.0
    wifi_search: float = 30.0
    wifi_save_core: float = 7.0
    wifi_save: float = 1.0
    ota: float = 20.0

    TYPICAL: ClassVar[Timing]
    ZERO: ClassVar[Timing]

    def scaled(self, factor: float) -> Timing:
        """Return the same timing, every duration multiplied by `factor`."""
        return Timing(**{entry.name: getattr(self, entry.name) * factor for entry in fields(self)})


Timing.TYPICAL = Timing()
Timing.ZERO = Timing().scaled(0.0)
