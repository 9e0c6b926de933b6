"""The board's light: what it shows at a moment, in colour and brightness (device-protocol.md 9)."""

from __future__ import annotations

from dataclasses import dataclass

from app.virtual.cloud_model import Verdict
from app.virtual.personality import Firmware

RED = 0xFF0000
GREEN = 0x00FF00
BLUE = 0x0000FF
YELLOW = 0xFFFF00
CYAN = 0x00FFFF
MAGENTA = 0xFF00FF
ORANGE = 0xFF6000
WHITE = 0xFFFFFF

BLACKOUT_CHANGES = 25  # Wi-Fi profiles cleared: 25 toggles of 50 ms (8.1)
BLACKOUT_SECONDS = BLACKOUT_CHANGES * 0.050


@dataclass(frozen=True, slots=True)
class LightNow:
    """What the light shows at one moment.

    Attributes:
        rgb: Colour as 0xRRGGBB, before brightness.
        brightness: 0.0 (dark) to 1.0, the pattern's own; the LED's general dimming (96/255) is not part of it.
    """

    rgb: int
    brightness: float

    @property
    def on(self) -> bool:
        """Whether there is any light."""
        return self.brightness > 0 and self.rgb != 0


@dataclass(frozen=True, slots=True)
class Light:
    """A pattern that repeats.

    Attributes:
        words: The pattern as a person would say it, for example `blinking yellow`.
        rgb: Its colour.
        frames: Stretches of (seconds, brightness at the start, brightness at the end).
    """

    words: str
    rgb: int
    frames: tuple[tuple[float, float, float], ...]

    def at(self, seconds: float) -> LightNow:
        """Return what is to be seen that many seconds after the pattern began."""
        left = seconds % sum(frame[0] for frame in self.frames)
        for length, start, end in self.frames:
            if left < length:
                return LightNow(self.rgb, start + (end - start) * left / length)
            left -= length
        return LightNow(self.rgb, self.frames[-1][2])


def blinking(words: str, rgb: int, toggle_ms: int) -> Light:
    """Return a light that changes between on and off every `toggle_ms`."""
    half = toggle_ms / 1000
    return Light(words, rgb, ((half, 1.0, 1.0), (half, 0.0, 0.0)))


def solid(words: str, rgb: int) -> Light:
    """Return a light that does not move."""
    return Light(words, rgb, ((1.0, 1.0, 1.0),))


def breathing(words: str, rgb: int, period_ms: int = 4000) -> Light:
    """Return a light that swells and fades evenly."""
    half = period_ms / 2000
    return Light(words, rgb, ((half, 0.0, 1.0), (half, 1.0, 0.0)))


DARK = Light("off", 0, ((1.0, 0.0, 0.0),))
# Boot loader (9.1).
DFU = blinking("blinking yellow", YELLOW, 100)
SAFE_WINDOW = blinking("blinking magenta", MAGENTA, 100)
APPLYING = blinking("blinking magenta rapidly", MAGENTA, 50)
RESTORING = blinking("blinking red rapidly", RED, 50)
# These two a held button shows too, from 10 s and from 6.5 s on: 9.1 gives them one speed.
FACTORY_WHITE = blinking("blinking white rapidly", WHITE, 50)
FACTORY_GREEN = blinking("blinking green rapidly", GREEN, 50)
# Repair of a Core's radio (8.3, 8.4). How fast orange blinks is not said: much like the boot loader's yellow.
PATCHING = blinking("blinking magenta slowly", MAGENTA, 200)
PATCHED = solid("green", GREEN)
PATCH_CLEARING = solid("blue", BLUE)
DEEP_UPDATE = blinking("blinking orange", ORANGE, 100)
# Firmware, both eras (9.2, 9.3).
LISTENING = blinking("blinking blue", BLUE, 250)
CLEARING = blinking("blinking blue rapidly", BLUE, 50)
SAFE_MODE = breathing("breathing magenta", MAGENTA)
CONNECTED = breathing("breathing cyan", CYAN)
NETWORK_ON = breathing("breathing blue", BLUE)
CONNECTING = blinking("blinking green", GREEN, 100)
CLOUD = blinking("blinking cyan", CYAN, 100)
HANDSHAKE = blinking("blinking cyan rapidly", CYAN, 50)


def getting_address(firmware: Firmware) -> Light:
    """Return what is seen between joining the network and the cloud."""
    if firmware.at_least(0, 7, 0):
        return blinking("blinking green rapidly", GREEN, 50)  # 9.3: period 100 ms
    return breathing("breathing green", GREEN)  # 9.2


# A handshake that failed (9.2). The 250 ms are said of 0.7 and later only.
_FLASH_SECONDS = 0.250
_FLASHES = {
    Verdict.BROKEN: solid("a red flash", RED),
    Verdict.UNREADABLE: solid("an orange flash", ORANGE),
    Verdict.UNSIGNED: solid("a magenta flash", MAGENTA),
}
# What a board does between its blinks and the next attempt is not said: here it is dark for a moment.
_PAUSE_SECONDS = 1.5


def cloud_trouble(firmware: Firmware, verdict: Verdict) -> tuple[Light, float]:
    """Return what is seen when the cloud was not reached, and for how many seconds; then the board tries again.

    How fast 0.7 and later count is not said (9.3): 500 ms here, as before (9.2).
    """
    times = {Verdict.NO_INTERNET: 2, Verdict.UNREACHABLE: 3}.get(verdict)
    if times is None:
        return _FLASHES[verdict], _FLASH_SECONDS
    word, rgb = ("red", RED) if firmware.spark else ("orange", ORANGE)  # 9.2: orange from 0.4 on
    frames = (*((0.5, 1.0, 1.0), (0.5, 0.0, 0.0)) * times, (_PAUSE_SECONDS, 0.0, 0.0))
    return Light(f"{'two' if times == 2 else 'three'} {word} blinks", rgb, frames), times + _PAUSE_SECONDS


def over_the_air(firmware: Firmware) -> Light:
    """Return what is seen while new firmware comes from the cloud; 9.2 has no speed for it, 9.3 has."""
    return APPLYING if firmware.at_least(0, 7, 0) else blinking("blinking magenta", MAGENTA, 100)
