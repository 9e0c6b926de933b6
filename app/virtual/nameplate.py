"""What a board can say about itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What a board can say about itself.

    Attributes:
        device_id: 24 lower-case hex digits.
        mac: Six bytes.
        secret: Device secret of 15 characters, "" where there is none.
        serial_number: From the one-time memory, "" where there is none.
        imei: Electron: 15 digits.
        iccid: Electron: the SIM card's number.
        radio: Electron: version of the modem's firmware.
    """

    device_id: str
    mac: bytes
    secret: str = field(default="", repr=False)
    serial_number: str = ""
    imei: str = ""
    iccid: str = ""
    radio: str = ""
