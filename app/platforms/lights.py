"""What the light says: every pattern of the boards' main LED, with its true colour and rhythm.

Source: device-protocol.md 9, and for the special cases the user's support page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique

from app.platforms.model import Mode, Platform
from app.text import Text, text


@unique
class Colour(Enum):
    """LED colours as 0xRRGGBB before brightness (device-protocol.md 9)."""

    OFF = 0x000000
    RED = 0xFF0000
    GREEN = 0x00FF00
    BLUE = 0x0000FF
    YELLOW = 0xFFFF00
    CYAN = 0x00FFFF
    MAGENTA = 0xFF00FF
    WHITE = 0xFFFFFF
    ORANGE = 0xFF6000
    GRAY = 0x1F1F1F


@unique
class Rhythm(Enum):
    """How the light moves, in the words a person would use."""

    OFF = "off"
    SOLID = "solid"
    SLOW_BLINK = "slow-blink"  # period 400 ms and more
    BLINK = "blink"  # period 200 ms
    FAST_BLINK = "fast-blink"  # period 100 ms
    BREATHING = "breathing"
    COUNTED = "counted"  # so many blinks or one flash, then a pause or something else
    SOS = "sos"  # panic


@dataclass(frozen=True, slots=True)
class Frame:
    """One stretch of a pattern: colour, length in ms, and brightness at its start and end (0.0 to 1.0)."""

    colour: Colour
    ms: int
    start: float = 1.0
    end: float = 1.0


@dataclass(frozen=True, slots=True)
class LightPattern:
    """One thing the light can say.

    Attributes:
        key: Stable name, for example `core-2014.listening`.
        era: Which boards and firmware show it, a key of ERAS.
        colour: The colour a person would name.
        rhythm: The rhythm a person would name.
        name: Colour and rhythm in words.
        meaning: What the board is doing.
        advice: What to do.
        frames: One period; it repeats.
        recipe: Key of the recipe that helps, "" for none.
        source: Section of the specification, or `support page`.
        mode: The mode a board showing it is in, where USB can tell that mode; else None.
        small_blue: Whether the small blue LED glows dimly while the main LED shows this.
    """

    key: str
    era: str
    colour: Colour
    rhythm: Rhythm
    name: Text
    meaning: Text
    advice: Text
    frames: tuple[Frame, ...]
    recipe: str
    source: str
    mode: Mode | None = None
    small_blue: bool = False

    @property
    def period_ms(self) -> int:
        """Length of one period in ms."""
        return sum(frame.ms for frame in self.frames)

    def at(self, ms: float) -> tuple[Colour, float]:
        """Return colour and brightness (0.0 to 1.0) that many ms after the pattern began."""
        left = ms % self.period_ms
        for frame in self.frames:
            if left < frame.ms:
                return frame.colour, frame.start + (frame.end - frame.start) * left / frame.ms
            left -= frame.ms
        last = self.frames[-1]
        return last.colour, last.end


# --- rhythms --------------------------------------------------------------------------------------------------------

# A counted pattern is one burst. What the light does until the next try is not said; this stretch of darkness keeps
# the count readable where a pattern is shown over and over.
_COUNT_GAP_MS = 1500
# How long the cyan of the handshake is shown before its colour of failure; in truth as long as the handshake lasts.
_HANDSHAKE_MS = 1500


def _dark(ms: int) -> Frame:
    return Frame(Colour.OFF, ms, 0.0, 0.0)


def _solid(colour: Colour) -> tuple[Frame, ...]:
    return (Frame(colour, 1000),)


def _toggle(colour: Colour, ms: int, times: int = 1) -> tuple[Frame, ...]:
    """On for `ms`, off for `ms`; half the period of a blink."""
    return (Frame(colour, ms), _dark(ms)) * times


def _breathe(colour: Colour) -> tuple[Frame, ...]:
    """4 s: 100 steps of 20 ms up and as many down (9.2); fade 4000 of the LED service (9.3)."""
    return (Frame(colour, 2000, 0.0, 1.0), Frame(colour, 2000, 1.0, 0.0))


def _count(colour: Colour, times: int) -> tuple[Frame, ...]:
    return (*_toggle(colour, 500, times), _dark(_COUNT_GAP_MS))


def _refused(colour: Colour) -> tuple[Frame, ...]:
    """The fast cyan of a handshake, then the colour that says why it failed, about 250 ms (9.2).

    The 250 ms are said of 0.7 and later; earlier firmware is shown the same way.
    """
    return (*_toggle(Colour.CYAN, 50, _HANDSHAKE_MS // 100), Frame(colour, 250))


def _now_and_then(colour: Colour) -> tuple[Frame, ...]:
    """Blinking cyan and once in a while another colour; the support page tells no times."""
    return (*_toggle(Colour.CYAN, 100, 10), Frame(colour, 250), _dark(100))


def _sos(code: int) -> tuple[Frame, ...]:
    """One of the two passes of a panic (9.4)."""

    def blinks(on: int, off: int, times: int) -> tuple[Frame, ...]:
        return (Frame(Colour.RED, on), _dark(off)) * times

    return (
        *blinks(150, 100, 3),
        _dark(100),
        *blinks(300, 100, 3),
        _dark(100),
        *blinks(150, 100, 3),
        _dark(900),
        *blinks(300, 300, code),
        _dark(800),
    )


# --- what is said in more than one era ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Saying:
    """A pattern without its era and timing."""

    colour: Colour
    rhythm: Rhythm
    name: Text
    meaning: Text
    advice: Text
    recipe: str = ""
    mode: Mode | None = None

    def shown(self, era: str, key: str, frames: tuple[Frame, ...], source: str) -> LightPattern:
        return LightPattern(
            key=f"{era}.{key}",
            era=era,
            colour=self.colour,
            rhythm=self.rhythm,
            name=self.name,
            meaning=self.meaning,
            advice=self.advice,
            frames=frames,
            recipe=self.recipe,
            source=source,
            mode=self.mode,
        )


_NETWORK_OFF = _Saying(
    Colour.WHITE,
    Rhythm.BREATHING,
    text("Lights", "Breathing white"),
    text("Lights", "The board is starting, or its firmware keeps the radio off."),
    text("Lights", "Fine for a few seconds after a start. If it stays and you expect Wi-Fi, join a Wi-Fi network."),
    "join-wifi",
)
_NETWORK_ON = _Saying(
    Colour.BLUE,
    Rhythm.BREATHING,
    text("Lights", "Breathing blue"),
    text("Lights", "The radio is on, but the board is not connecting."),
    text(
        "Lights",
        "The firmware decides when to connect. Press RESET if it should have connected by now; if it stays, find out "
        "why it won't connect.",
    ),
    "why-not-connecting",
)
_CONNECTING = _Saying(
    Colour.GREEN,
    Rhythm.BLINK,
    text("Lights", "Blinking green"),
    text("Lights", "The board is connecting to its network."),
    text(
        "Lights",
        "Wait half a minute. If it goes on, find out why it won't connect: range, name or password may be wrong, and "
        "5 GHz does not work.",
    ),
    "why-not-connecting",
)
_ADDRESS_SLOW = _Saying(
    Colour.GREEN,
    Rhythm.BREATHING,
    text("Lights", "Breathing green"),
    text("Lights", "The board has joined the network and waits for an address, or stays off the cloud."),
    text(
        "Lights",
        "Wait half a minute. If it goes on and you expect the cloud, restart the router, or find out why it won't "
        "connect.",
    ),
    "why-not-connecting",
)
_ADDRESS_FAST = _Saying(
    Colour.GREEN,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking green"),
    text("Lights", "The board has joined the network and waits for an address."),
    text("Lights", "Wait half a minute. If it goes on, restart the router, or find out why it won't connect."),
    "why-not-connecting",
)
_ONLINE_NO_CLOUD = _Saying(
    Colour.GREEN,
    Rhythm.BREATHING,
    text("Lights", "Breathing green"),
    text("Lights", "The board is on the network, but not connecting to the cloud."),
    text(
        "Lights",
        "The firmware decides when to connect to the cloud. Nothing is wrong with the network. If it should be in the "
        "cloud, find out why it won't connect.",
    ),
    "why-not-connecting",
)
_CLOUD_CONNECTING = _Saying(
    Colour.CYAN,
    Rhythm.BLINK,
    text("Lights", "Blinking cyan"),
    text("Lights", "The board is connecting to its cloud server."),
    text(
        "Lights",
        "Wait half a minute. If it goes on, the network may block outgoing port 5683, or the server may be gone. "
        "Find out why it won't connect.",
    ),
    "why-not-connecting",
)
# The support page: the deep update is there to "fix the flashing cyan issue".
_CLOUD_CONNECTING_2014 = replace(
    _CLOUD_CONNECTING,
    advice=text(
        "Lights",
        "Wait half a minute. If it goes on, the network may block outgoing port 5683, or the server may be gone. If "
        "other boards get through here, the radio may need newer software: do a deep update.",
    ),
    recipe="deep-update",
)
_HANDSHAKE = _Saying(
    Colour.CYAN,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking cyan"),
    text("Lights", "The board is exchanging keys with its cloud server."),
    text("Lights", "This takes a moment. If it never ends, a key may be wrong: check the keys."),
    "check-keys",
)
_CLOUD_CONNECTED = _Saying(
    Colour.CYAN,
    Rhythm.BREATHING,
    text("Lights", "Breathing cyan"),
    text("Lights", "All is well: the board is connected to its cloud."),
    text("Lights", "Nothing to do. It is a good moment to back up the board's key."),
    "back-up-key",
)
_SAFE_MODE = _Saying(
    Colour.MAGENTA,
    Rhythm.BREATHING,
    text("Lights", "Breathing magenta"),
    text("Lights", "Safe mode: connected, but the user firmware is not running."),
    text(
        "Lights",
        "Press RESET to leave it. If it comes back, the user firmware does not fit the system firmware: restore the "
        "system.",
    ),
    "restore-system",
)
_LISTENING = _Saying(
    Colour.BLUE,
    Rhythm.SLOW_BLINK,
    text("Lights", "Slowly blinking blue"),
    text("Lights", "Setup mode (listening): the board waits for Wi-Fi details and answers questions over USB."),
    text("Lights", "To tell it a network, join a Wi-Fi network. Its ID can be read in this mode, too."),
    "join-wifi",
    Mode.LISTENING,
)
_CLEARING = _Saying(
    Colour.BLUE,
    Rhythm.FAST_BLINK,
    text("Lights", "A burst of fast blue"),
    text("Lights", "The board is forgetting its Wi-Fi networks; the burst lasts about a second."),
    text("Lights", "Let go of the button. The board then waits in setup mode: join a Wi-Fi network."),
    "join-wifi",
)
_CLEARING_FAILED = _Saying(
    Colour.RED,
    Rhythm.FAST_BLINK,
    text("Lights", "A burst of fast red"),
    text("Lights", "The board could not forget its Wi-Fi networks; the burst lasts about a second."),
    text("Lights", "Press RESET, enter setup mode and try once more."),
    "clear-wifi",
)
_UPDATING = _Saying(
    Colour.MAGENTA,
    Rhythm.BLINK,
    text("Lights", "Blinking magenta"),
    text("Lights", "The board is receiving new firmware over the air."),
    text("Lights", "Leave it alone until it restarts. If it stands still for minutes, press RESET and try again."),
)
_UPDATING_FAST = _Saying(
    Colour.MAGENTA,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking magenta"),
    text("Lights", "The board is receiving new firmware."),
    text("Lights", "Leave it alone until it restarts. If it stands still for minutes, press RESET and try again."),
)
_NO_INTERNET_MEANING = text("Lights", "The network works, but the board cannot reach the internet.")
_NO_INTERNET_ADVICE = text(
    "Lights",
    "Check that other devices on this Wi-Fi reach the internet. Networks with a sign-in page do not work. If all that "
    "is fine, find out why it won't connect.",
)
_NO_CLOUD_MEANING = text("Lights", "The internet works, but the board cannot reach its cloud server.")
_NO_CLOUD_ADVICE = text(
    "Lights",
    "The network may block outgoing port 5683, or the server whose address is on the board may be gone. Checking the "
    "keys shows that address.",
)
_NO_INTERNET_RED = _Saying(
    Colour.RED,
    Rhythm.COUNTED,
    text("Lights", "Two red blinks"),
    _NO_INTERNET_MEANING,
    _NO_INTERNET_ADVICE,
    "why-not-connecting",
)
_NO_CLOUD_RED = _Saying(
    Colour.RED, Rhythm.COUNTED, text("Lights", "Three red blinks"), _NO_CLOUD_MEANING, _NO_CLOUD_ADVICE, "check-keys"
)
_NO_INTERNET_ORANGE = _Saying(
    Colour.ORANGE,
    Rhythm.COUNTED,
    text("Lights", "Two orange blinks"),
    _NO_INTERNET_MEANING,
    _NO_INTERNET_ADVICE,
    "why-not-connecting",
)
_NO_CLOUD_ORANGE = _Saying(
    Colour.ORANGE,
    Rhythm.COUNTED,
    text("Lights", "Three orange blinks"),
    _NO_CLOUD_MEANING,
    _NO_CLOUD_ADVICE,
    "check-keys",
)
_ONE_RED = _Saying(
    Colour.RED,
    Rhythm.COUNTED,
    text("Lights", "One red blink"),
    text("Lights", "Set aside for another cloud error; no known firmware shows it."),
    text("Lights", "If you do see it, count again: two and three blinks are orange on this firmware."),
)
_HANDSHAKE_RED = _Saying(
    Colour.RED,
    Rhythm.COUNTED,
    text("Lights", "Fast cyan, then a red flash"),
    text("Lights", "The exchange of keys with the cloud server broke off."),
    text("Lights", "Let it try a few times. If it never succeeds, check the keys before changing anything."),
    "check-keys",
)
_HANDSHAKE_ORANGE = _Saying(
    Colour.ORANGE,
    Rhythm.COUNTED,
    text("Lights", "Fast cyan, then an orange flash"),
    text("Lights", "The board cannot read the server's answer: its own key and the one the server knows differ."),
    text("Lights", "Check the keys before anything is changed; the server needs the matching public half."),
    "check-keys",
)
_HANDSHAKE_MAGENTA = _Saying(
    Colour.MAGENTA,
    Rhythm.COUNTED,
    text("Lights", "Fast cyan, then a magenta flash"),
    text("Lights", "The server's signature is wrong: the server key on the board belongs to another server."),
    text(
        "Lights",
        "The server key has to be replaced by that of your server. Check the keys: that shows whose key is on the "
        "board.",
    ),
    "check-keys",
)
_DFU = _Saying(
    Colour.YELLOW,
    Rhythm.BLINK,
    text("Lights", "Blinking yellow"),
    text("Lights", "Update mode (DFU): the board waits for a computer on its USB cable."),
    text("Lights", "This is the mode in which its key can be backed up. RESET leaves it."),
    "back-up-key",
    Mode.DFU,
)
_APPLYING = _Saying(
    Colour.MAGENTA,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking magenta"),
    text("Lights", "The board is putting new firmware in place."),
    text("Lights", "Keep the power on. The board restarts by itself within a minute."),
)
_RESTORING = _Saying(
    Colour.RED,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking red"),
    text("Lights", "The board is going back to its backup firmware, because the last start or update failed."),
    text("Lights", "Keep the power on. If it happens at every start, a factory reset is the next thing to try."),
    "factory-reset",
)
_RESETTING_WHITE = _Saying(
    Colour.WHITE,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking white"),
    text("Lights", "Factory reset: the factory firmware is copied and Wi-Fi networks are forgotten."),
    text("Lights", "Keep the power on. Afterwards the board needs its network again: join a Wi-Fi network."),
    "join-wifi",
)
# 8.1: without a factory image later boot loaders of Photon, P1 and Electron only clear the settings.
_RESETTING_WHITE_LATER = replace(
    _RESETTING_WHITE,
    meaning=text(
        "Lights", "Factory reset: Wi-Fi networks are forgotten, and the factory firmware is copied if there is any."
    ),
)
_RESETTING_GREEN = _Saying(
    Colour.GREEN,
    Rhythm.FAST_BLINK,
    text("Lights", "Fast blinking green, after holding the button"),
    text("Lights", "Factory reset: the factory firmware is copied; Wi-Fi networks are kept."),
    text("Lights", "Keep the power on until the board has restarted."),
)
_SAFE_MODE_WINDOW = _Saying(
    Colour.MAGENTA,
    Rhythm.BLINK,
    text("Lights", "Blinking magenta, while holding the button"),
    text("Lights", "Let go now and the board starts in safe mode; hold on for update mode."),
    text("Lights", "For update mode keep holding until the light turns yellow."),
)

# --- what only one place says ---------------------------------------------------------------------------------------

_POWER_OFF = _Saying(
    Colour.GRAY,
    Rhythm.SOLID,
    text("Lights", "Solid gray, very dim"),
    text("Lights", "The board is switching itself off."),
    text("Lights", "Press RESET to start it again."),
)
_PATCHING = _Saying(
    Colour.MAGENTA,
    Rhythm.SLOW_BLINK,
    text("Lights", "Blinking magenta, a little slowly"),
    text("Lights", "The radio patcher is writing new software into the Core's radio; 20 to 60 seconds."),
    text(
        "Lights",
        "Keep the power on. The Core returns to blinking yellow by itself; the full firmware upgrade goes on there.",
    ),
    "full-firmware-upgrade",
)
_PATCHED = _Saying(
    Colour.GREEN,
    Rhythm.SOLID,
    text("Lights", "Solid green"),
    text("Lights", "The radio patcher is done; this shows for about a second and a half."),
    text("Lights", "Wait for blinking yellow. If blinking magenta returns, the patch is being tried again."),
)
_PATCH_CLEARING = _Saying(
    Colour.BLUE,
    Rhythm.SOLID,
    text("Lights", "Solid blue"),
    text("Lights", "The radio patcher 1.14 is forgetting the Wi-Fi networks."),
    text("Lights", "Wait for blinking yellow. Once the upgrade is done, join a Wi-Fi network again."),
    "join-wifi",
)
_DEEP_UPDATE = _Saying(
    Colour.ORANGE,
    Rhythm.BLINK,
    text("Lights", "Blinking orange"),
    text("Lights", "A deep update is writing new software into the Core's radio. It looks much like yellow."),
    text(
        "Lights",
        "Keep the power on. The Core may restart up to five times, then connects. If it stands still for long "
        "(we would wait three minutes), tap RESET; if that does not help, do the full firmware upgrade.",
    ),
    "full-firmware-upgrade",
)
_PULSING_WHITE = _Saying(
    Colour.WHITE,
    Rhythm.BREATHING,
    text("Lights", "Pulsing white that does not stop"),
    text("Lights", "The Core's radio does not start; often that is a hardware fault."),
    text(
        "Lights",
        "Try another cable and power supply, and a factory reset. If that does not help, keep a copy of the key: "
        "a broken radio cannot be repaired over USB.",
    ),
    "back-up-key",
)
_NO_FIRMWARE = _Saying(
    Colour.OFF,
    Rhythm.OFF,
    text("Lights", "Main light off, small blue light dim"),
    text("Lights", "The Core has power, but no firmware that runs."),
    text(
        "Lights",
        "Try a factory reset. If no light blinks during it, the boot loader is damaged too, and only a JTAG "
        "programmer can help.",
    ),
    "factory-reset",
)
_NO_POWER = _Saying(
    Colour.OFF,
    Rhythm.OFF,
    text("Lights", "All lights off"),
    text("Lights", "The board gets no power."),
    text(
        "Lights",
        "Try another cable, another USB port and another power supply. If it stays dark, it may have a short circuit.",
    ),
)
_DETAILS_RECEIVED = _Saying(
    Colour.BLUE,
    Rhythm.SOLID,
    text("Lights", "Solid blue"),
    text("Lights", "Setup by phone: the Core has received its Wi-Fi details."),
    text("Lights", "Wait a moment. The Core then connects to its network."),
)
_RESET_STARTED = _Saying(
    Colour.WHITE,
    Rhythm.SOLID,
    text("Lights", "Solid white"),
    text("Lights", "A factory reset has started."),
    text("Lights", "Keep the power on; fast blinking white follows."),
)
_FAST_WHITE = _Saying(
    Colour.WHITE,
    Rhythm.FAST_BLINK,
    text("Lights", "Very fast blinking white"),
    text("Lights", "The factory firmware is being copied."),
    text("Lights", "Keep the power on until the board has restarted."),
)
_BAD_HANDSHAKE = _Saying(
    Colour.ORANGE,
    Rhythm.SLOW_BLINK,
    text("Lights", "Flashing orange, or yellow and red in turn"),
    text("Lights", "The exchange of keys with the cloud server failed."),
    text("Lights", "Most likely a key is wrong. Check the keys before anything is changed."),
    "check-keys",
)

_CYAN_AND_RED = _Saying(
    Colour.RED,
    Rhythm.COUNTED,
    text("Lights", "Blinking cyan, now and then a red flash"),
    text("Lights", "The board tries to reach its cloud server and is held up on the way, most likely by the router."),
    text(
        "Lights",
        "Let the router pass outgoing port 5683, and switch access control and firewall off for a moment to see "
        "whether they are in the way. If the cyan is very fast right before the flash, check the keys.",
    ),
    "check-keys",
)

_PANIC_ADVICE = text(
    "Lights",
    "The firmware crashed, not the board. Press RESET; if it crashes again, try other firmware, or safe mode where the "
    "board has one.",
)
# 9.4. Firmware without the later codes shows fewer.
_PANICS: tuple[tuple[int, str, Text], ...] = (
    (1, "hard-fault", text("Lights", "Hard fault: the firmware did something the processor cannot do.")),
    (2, "nmi", text("Lights", "Non-maskable interrupt: the processor met an unexpected alarm.")),
    (3, "mem-manage", text("Lights", "Memory fault: the firmware touched forbidden memory.")),
    (4, "bus-fault", text("Lights", "Bus fault: the firmware touched memory that is not there.")),
    (5, "usage-fault", text("Lights", "Usage fault: the firmware ran an invalid instruction.")),
    (6, "invalid-length", text("Lights", "Invalid length: a piece of data had an impossible size.")),
    (7, "exit", text("Lights", "Exit: the firmware came to its end, which it never should.")),
    (8, "out-of-heap", text("Lights", "Out of memory: the firmware asked for more than there is.")),
    (9, "spi-overrun", text("Lights", "SPI overrun: data from the radio came faster than it was read.")),
    (10, "assertion-failure", text("Lights", "Assertion failure: the firmware found itself in a wrong state.")),
    (11, "invalid-case", text("Lights", "Invalid case: the firmware met a choice it does not know.")),
    (12, "pure-virtual-call", text("Lights", "Pure virtual call: the firmware used an unfinished object.")),
    (13, "stack-overflow", text("Lights", "Stack overflow: the firmware nested its work too deep.")),
    (14, "heap-error", text("Lights", "Heap error: the firmware damaged its own memory lists.")),
)
_ONE_BLINK = text("Lights", "Red SOS, then one red blink")
_MORE_BLINKS = text("Lights", "Red SOS, then {count} red blinks")


def _panic(code: int, key: str, meaning: Text) -> LightPattern:
    name = _ONE_BLINK if code == 1 else _MORE_BLINKS.with_values(count=code)
    saying = _Saying(Colour.RED, Rhythm.SOS, name, meaning, _PANIC_ADVICE)
    return saying.shown("panic", key, _sos(code), "9.4")


def _system_era(era: str, cloud_connecting: _Saying = _CLOUD_CONNECTING) -> tuple[LightPattern, ...]:
    """What 9.2 says of the Core of 2013-14 and of all firmware up to 0.6 alike."""
    return (
        _NETWORK_OFF.shown(era, "network-off", _breathe(Colour.WHITE), "9.2"),
        _NETWORK_ON.shown(era, "network-on", _breathe(Colour.BLUE), "9.2"),
        _LISTENING.shown(era, "listening", _toggle(Colour.BLUE, 250), "9.2"),
        _CLEARING.shown(era, "clear-wifi", _toggle(Colour.BLUE, 50), "8.1"),
        _CONNECTING.shown(era, "connecting", _toggle(Colour.GREEN, 100), "9.2"),
        _ADDRESS_SLOW.shown(era, "dhcp", _breathe(Colour.GREEN), "9.2"),
        cloud_connecting.shown(era, "cloud-connecting", _toggle(Colour.CYAN, 100), "9.2"),
        _HANDSHAKE.shown(era, "handshake", _toggle(Colour.CYAN, 50), "9.2"),
        _CLOUD_CONNECTED.shown(era, "cloud-connected", _breathe(Colour.CYAN), "9.2"),
        # 9.2 names the colour only; "flashing" is the support page's word, the speed an ordinary blink.
        _UPDATING.shown(era, "ota", _toggle(Colour.MAGENTA, 100), "9.2, support page"),
        *_handshake_errors(era, "9.2"),
    )


def _handshake_errors(era: str, source: str) -> tuple[LightPattern, ...]:
    return (
        _HANDSHAKE_RED.shown(era, "handshake-red", _refused(Colour.RED), source),
        _HANDSHAKE_ORANGE.shown(era, "handshake-orange", _refused(Colour.ORANGE), source),
        _HANDSHAKE_MAGENTA.shown(era, "handshake-magenta", _refused(Colour.MAGENTA), source),
    )


ERAS: dict[str, Text] = {
    "core-2014": text("Lights", "Core, 2013-14"),
    "up-to-0.6": text("Lights", "Core and Photon, up to 0.6"),
    "from-0.7": text("Lights", "Photon and Core, 0.7 and later"),
    "boot-loader-2014": text("Lights", "Update mode and factory reset, Core of 2013-14"),
    "boot-loader": text("Lights", "Update mode and factory reset, 0.4 and later"),
    "core-radio": text("Lights", "Core, repair of the radio"),
    "panic": text("Lights", "Panic: the firmware crashed"),
    "special": text("Lights", "Special cases"),
    "special-core": text("Lights", "Special cases of the Core"),
}

PATTERNS: tuple[LightPattern, ...] = (
    *_system_era("core-2014", _CLOUD_CONNECTING_2014),
    _NO_INTERNET_RED.shown("core-2014", "no-internet", _count(Colour.RED, 2), "9.2"),
    _NO_CLOUD_RED.shown("core-2014", "no-cloud", _count(Colour.RED, 3), "9.2"),
    *_system_era("up-to-0.6"),
    _SAFE_MODE.shown("up-to-0.6", "safe-mode", _breathe(Colour.MAGENTA), "8.1, 9.2"),
    _NO_INTERNET_ORANGE.shown("up-to-0.6", "no-internet", _count(Colour.ORANGE, 2), "9.2"),
    _NO_CLOUD_ORANGE.shown("up-to-0.6", "no-cloud", _count(Colour.ORANGE, 3), "9.2"),
    _NETWORK_OFF.shown("from-0.7", "network-off", _breathe(Colour.WHITE), "9.3"),
    _NETWORK_ON.shown("from-0.7", "network-on", _breathe(Colour.BLUE), "9.3"),
    _LISTENING.shown("from-0.7", "listening", _toggle(Colour.BLUE, 250), "9.3"),
    _CLEARING.shown("from-0.7", "clear-wifi", _toggle(Colour.BLUE, 50), "8.1"),
    _CLEARING_FAILED.shown("from-0.7", "clear-wifi-failed", _toggle(Colour.RED, 50), "8.1"),
    _CONNECTING.shown("from-0.7", "connecting", _toggle(Colour.GREEN, 100), "9.3"),
    _ADDRESS_FAST.shown("from-0.7", "dhcp", _toggle(Colour.GREEN, 50), "9.3"),
    _ONLINE_NO_CLOUD.shown("from-0.7", "connected", _breathe(Colour.GREEN), "9.3"),
    _CLOUD_CONNECTING.shown("from-0.7", "cloud-connecting", _toggle(Colour.CYAN, 100), "9.3"),
    _HANDSHAKE.shown("from-0.7", "handshake", _toggle(Colour.CYAN, 50), "9.3"),
    _CLOUD_CONNECTED.shown("from-0.7", "cloud-connected", _breathe(Colour.CYAN), "9.3"),
    _SAFE_MODE.shown("from-0.7", "safe-mode", _breathe(Colour.MAGENTA), "9.3"),
    _UPDATING_FAST.shown("from-0.7", "ota", _toggle(Colour.MAGENTA, 50), "9.3"),
    # The boot loader shows it; the LED service of the firmware has it in its list too.
    replace(_DFU.shown("from-0.7", "dfu", _toggle(Colour.YELLOW, 100), "9.3"), mode=None),
    _POWER_OFF.shown("from-0.7", "power-off", _solid(Colour.GRAY), "9.3"),
    # The timing of these counted blinks is the one 9.2 gives; 9.3 names colour and count.
    _NO_INTERNET_ORANGE.shown("from-0.7", "no-internet", _count(Colour.ORANGE, 2), "9.2, 9.3"),
    _NO_CLOUD_ORANGE.shown("from-0.7", "no-cloud", _count(Colour.ORANGE, 3), "9.2, 9.3"),
    _ONE_RED.shown("from-0.7", "one-red", _count(Colour.RED, 1), "9.2, 9.3"),
    *_handshake_errors("from-0.7", "9.2"),
    _DFU.shown("boot-loader-2014", "dfu", _toggle(Colour.YELLOW, 100), "8.1, 9.1"),
    _APPLYING.shown("boot-loader-2014", "ota", _toggle(Colour.MAGENTA, 50), "9.1"),
    # The Core's rebuilt boot loader of 0.4 has it too; Photons have no backup to go back to.
    _RESTORING.shown("boot-loader-2014", "restore", _toggle(Colour.RED, 50), "9.1"),
    _RESETTING_WHITE.shown("boot-loader-2014", "factory-reset", _toggle(Colour.WHITE, 50), "8.1, 9.1"),
    _SAFE_MODE_WINDOW.shown("boot-loader", "safe-mode", _toggle(Colour.MAGENTA, 100), "8.1, 9.1"),
    _DFU.shown("boot-loader", "dfu", _toggle(Colour.YELLOW, 100), "8.1, 9.1"),
    _APPLYING.shown("boot-loader", "ota", _toggle(Colour.MAGENTA, 50), "9.1"),
    _RESETTING_GREEN.shown("boot-loader", "factory-reset", _toggle(Colour.GREEN, 50), "8.1, 9.1"),
    _RESETTING_WHITE_LATER.shown("boot-loader", "factory-reset-clear", _toggle(Colour.WHITE, 50), "8.1, 9.1"),
    _PATCHING.shown("core-radio", "patching", _toggle(Colour.MAGENTA, 200), "8.3"),
    _PATCHED.shown("core-radio", "patched", _solid(Colour.GREEN), "8.3"),
    _PATCH_CLEARING.shown("core-radio", "clearing", _solid(Colour.BLUE), "8.3"),
    # 8.4 gives no speed; the support page says it looks very similar to the boot loader's yellow.
    _DEEP_UPDATE.shown("core-radio", "deep-update", _toggle(Colour.ORANGE, 100), "8.4, support page"),
    *(_panic(*row) for row in _PANICS),
    _NO_POWER.shown("special", "no-light", (_dark(1000),), "support page"),
    _RESET_STARTED.shown("special", "solid-white", _solid(Colour.WHITE), "support page"),
    _FAST_WHITE.shown("special", "fast-white", _toggle(Colour.WHITE, 50), "9.1, support page"),
    # The support page says "orange flashing" and gives no speed.
    _BAD_HANDSHAKE.shown("special", "orange-flashing", _toggle(Colour.ORANGE, 250), "support page"),
    _PULSING_WHITE.shown("special-core", "pulsing-white", _breathe(Colour.WHITE), "9.2, support page"),
    _DETAILS_RECEIVED.shown("special-core", "details-received", _solid(Colour.BLUE), "support page"),
    _CYAN_AND_RED.shown("special-core", "cyan-red", _now_and_then(Colour.RED), "support page"),
    replace(_NO_FIRMWARE.shown("special-core", "no-firmware", (_dark(1000),), "support page"), small_blue=True),
)

PANIC_CODES: dict[str, int] = {f"panic.{key}": code for code, key, _ in _PANICS}
"""Keys of the panics and how many blinks follow the SOS (9.4)."""

_BY_KEY = {known.key: known for known in PATTERNS}


def pattern(key: str) -> LightPattern:
    """Return the pattern of that key, for example `boot-loader.dfu`; KeyError when there is none."""
    return _BY_KEY[key]


def patterns_of(platform: Platform) -> tuple[LightPattern, ...]:
    """Return every pattern this board may show, in the order of its eras."""
    return tuple(known for era in platform.light_eras for known in PATTERNS if known.era == era)


def mode_pattern(platform: Platform, mode: Mode) -> LightPattern | None:
    """Return what the light of a board in that mode is doing.

    In DFU and listening mode every generation of a board blinks alike. A board that runs its firmware may show
    anything: None.
    """
    return next((known for known in patterns_of(platform) if known.mode is mode), None)
