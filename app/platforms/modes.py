"""The modes of a board, explained: what it does in each, how to get in and out, what works, which jobs use it.

Two kinds: what the board is doing (device-protocol.md 1, 5, 6.3, 8.1), and how a program handles the network (the
support page, "Device Mode Switching").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.platforms.lights import LightPattern, mode_pattern, pattern, patterns_of
from app.platforms.model import BootLoader, Choreography, Mode, Platform
from app.text import Text, text


@unique
class ModeKind(Enum):
    """What a mode is about."""

    DOING = "doing"  # what the board does now
    PROGRAM = "program"  # how its program handles the network


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """One mode.

    Attributes:
        key: Stable name.
        kind: What it is about.
        name: For people.
        what: What the board does in it.
        enter: How to get in, apart from the buttons.
        leave: How to get out.
        works: What works in it.
        fails: What does not.
        lights: Ends of the keys of light patterns that show it, for example `listening`.
        recipes: Keys of recipes that work in it.
        source: Where that is from.
        mode: The mode the program knows it by, None when USB cannot tell.
        choreography: Key of what the buttons do to get in, "" for none.
        code: The line in a program that chooses it, "" for none.
    """

    key: str
    kind: ModeKind
    name: Text
    what: Text
    enter: tuple[Text, ...]
    leave: tuple[Text, ...]
    works: tuple[Text, ...]
    fails: tuple[Text, ...]
    lights: tuple[str, ...]
    recipes: tuple[str, ...]
    source: str
    mode: Mode | None = None
    choreography: str = ""
    code: str = ""


_RESET = text("Modes", "Press RESET.")
_CORE_FIRST = "core-2014"
_FIRMWARE = (_CORE_FIRST, "up-to-0.6", "from-0.7")
"""Eras of the firmware, not of a boot loader."""

MODES: tuple[DeviceMode, ...] = (
    DeviceMode(
        "normal",
        ModeKind.DOING,
        text("Modes", "Running"),
        text("Modes", "The board runs its program, joins its network and connects to its cloud."),
        enter=(
            text("Modes", "Plug it in, or press RESET."),
            text("Modes", "Other modes end here, too: after joining a network, after a rescue, after a factory reset."),
        ),
        leave=(text("Modes", "By the buttons, or by a job that brings the board where it needs it."),),
        works=(
            text("Modes", "Your program, the cloud, and what your program says over USB."),
            text("Modes", "From firmware 0.4 on the computer can bring the board into other modes without a button."),
        ),
        fails=(
            text("Modes", "The one-key commands: your program gets those characters."),
            text("Modes", "Reading and writing the memory over USB."),
        ),
        lights=("connecting", "cloud-connecting", "cloud-connected"),
        recipes=("why-not-connecting", "prove-handshake"),
        source="device-protocol.md 1.3, 1.6, 5.6, 9.2",
        mode=Mode.NORMAL,
    ),
    DeviceMode(
        "listening",
        ModeKind.DOING,
        text("Modes", "Listening mode (setup)"),
        text(
            "Modes", "The board waits for a Wi-Fi network and answers one-key commands over USB. Nothing else goes on."
        ),
        enter=(
            text("Modes", "By itself, when it knows no network and is to connect."),
            text(
                "Modes", "From firmware 0.5 on without a button: opening its port at 28800 baud does it. Jobs use that."
            ),
        ),
        leave=(
            text("Modes", "By itself, once its dialogue has stored a network."),
            text("Modes", "With the command x, from firmware 0.4.0 on."),
            text("Modes", "From firmware 0.4.6 on: hold the button three seconds once more, then let go."),
            text("Modes", "An Electron leaves it by itself, usually after five minutes."),
            _RESET,
        ),
        works=(
            text("Modes", "Telling the board a network, reading its ID, its version and its modules."),
            text("Modes", "The serial monitor with all its commands."),
        ),
        fails=(text("Modes", "The cloud, and your program."),),
        lights=("listening",),
        recipes=("join-wifi", "read-id", "clear-wifi"),
        source="device-protocol.md 5.1, 5.2, 5.6, 8.1, 8.2",
        mode=Mode.LISTENING,
        choreography="listening",
    ),
    DeviceMode(
        "safe-mode",
        ModeKind.DOING,
        text("Modes", "Safe mode"),
        text(
            "Modes", "The board starts and connects, but leaves your program out. Good when that program is at fault."
        ),
        enter=(
            text("Modes", "By itself, when your program is damaged or does not fit the system firmware."),
            text("Modes", "With the command L of the listening console, from firmware 0.5 on."),
        ),
        leave=(
            _RESET,
            text("Modes", "If it comes back by itself, the firmware parts do not fit together: restore the system."),
        ),
        works=(text("Modes", "The network and the cloud."),),
        fails=(text("Modes", "Your program: not a line of it runs."),),
        lights=("safe-mode",),
        recipes=("x-ray", "restore-system", "flash-file"),
        source="device-protocol.md 5.2, 7.2, 8.1, 9.3",
        choreography="safe-mode",
    ),
    DeviceMode(
        "dfu",
        ModeKind.DOING,
        text("Modes", "Update mode (DFU)"),
        text(
            "Modes",
            "The boot loader waits for the computer. The board's firmware does not run, whatever state it is in.",
        ),
        enter=(
            text("Modes", "By itself, when there is no firmware that could start."),
            text(
                "Modes",
                "Without a button where the firmware allows it; a Core with its first boot loader needs the button.",
            ),
        ),
        leave=(
            _RESET,
            text("Modes", "A job that is done starts the board by itself."),
        ),
        works=(
            text("Modes", "Reading and writing firmware, keys and settings, even on a board whose firmware is broken."),
        ),
        fails=(
            text("Modes", "Serial port, network and cloud: there is no firmware running that could do that."),
            text("Modes", "A Core does not tell its device ID in this mode."),
        ),
        lights=("dfu",),
        recipes=("back-up-key", "x-ray", "check-keys"),
        source="device-protocol.md 1.2, 1.4, 2.1, 5.6, 8.1",
        mode=Mode.DFU,
        choreography="dfu",
    ),
    DeviceMode(
        "automatic",
        ModeKind.PROGRAM,
        text("Modes", "Automatic"),
        text(
            "Modes",
            "The usual one. The board connects first; only then your setup() runs, and from then on loop() takes turns "
            "with the messages of the cloud.",
        ),
        enter=(text("Modes", "Do nothing: a program that says nothing is automatic."),),
        leave=(text("Modes", "Flash a program that chooses another one."),),
        works=(text("Modes", "The connection, without a line of yours. Messages are handled during delay(), too."),),
        fails=(text("Modes", "Your program before the network is there: without one it does not start at all."),),
        lights=("connecting", "cloud-connected"),
        recipes=("flash-file",),
        source="support page, Device Mode Switching",
        code="SYSTEM_MODE(AUTOMATIC);",
    ),
    DeviceMode(
        "semi-automatic",
        ModeKind.PROGRAM,
        text("Modes", "Semi-automatic"),
        text(
            "Modes",
            "Your program starts at once and decides when to connect, by Spark.connect(). From then on it is as in "
            "automatic.",
        ),
        enter=(text("Modes", "This line at the top of the program:"),),
        leave=(text("Modes", "Flash a program that chooses another one."),),
        works=(
            text("Modes", "Your program, with or without a network."),
            text("Modes", "If no network is stored, Spark.connect() brings the board into listening mode."),
        ),
        fails=(text("Modes", "The cloud, until your program connects. A board that stays off it may be quite well."),),
        lights=("network-off", "network-on", "cloud-connected"),
        recipes=("flash-file",),
        source="support page, Device Mode Switching",
        code="SYSTEM_MODE(SEMI_AUTOMATIC);",
    ),
    DeviceMode(
        "manual",
        ModeKind.PROGRAM,
        text("Modes", "Manual"),
        text(
            "Modes",
            "Your program does everything: it connects by Spark.connect(), and handles messages by calling "
            "Spark.process() as often as it can. For programs whose timing must not be disturbed.",
        ),
        enter=(text("Modes", "This line at the top of the program:"),),
        leave=(text("Modes", "Flash a program that chooses another one."),),
        works=(text("Modes", "Your program, with exact timing: nothing interrupts it."),),
        fails=(
            text(
                "Modes",
                "Without frequent Spark.process() the board loses the cloud, answers late, and may breathe cyan "
                "although it is not connected.",
            ),
        ),
        lights=("network-off", "network-on", "cloud-connected"),
        recipes=("flash-file",),
        source="support page, Device Mode Switching",
        code="SYSTEM_MODE(MANUAL);",
    ),
)

HOLD_AFTER_RESET = text(
    "Modes", "Hold {button}, tap RESET, and keep holding {button} until the light does this: {light}."
)
HOLD = text("Modes", "While it runs, hold {button} until the light does this: {light}.")
LET_GO = text("Modes", "{way} That takes {after}; let go before {until} are over.")
LET_GO_ANY_TIME = text("Modes", "{way} That takes {after}.")
SECONDS = text("Modes", "{seconds} seconds")
ONE_SECOND = text("Modes", "one second")
NO_WAY = text("Modes", "By the buttons: not with this board's usual boot loader.")


def lights_of(found: DeviceMode, platform: Platform) -> tuple[LightPattern, ...]:
    """Return what the light of this kind of board shows in a mode, of the firmware such boards usually have."""
    if found.mode is Mode.DFU and (blinking := mode_pattern(platform, found.mode)) is not None:
        return (blinking,)
    shown: list[LightPattern] = []
    for wanted in found.lights:
        fitting = [each for each in patterns_of(platform) if each.key in {f"{era}.{wanted}" for era in _FIRMWARE}]
        if fitting:  # nearly every Core has its first firmware, the other boards a newer one (0.3)
            shown.append(fitting[0] if fitting[0].era == _CORE_FIRST else fitting[-1])
    return tuple(shown)


def mode_of_light(light: LightPattern) -> DeviceMode | None:
    """Return the mode that this light alone gives away: listening, safe or update mode; None for other lights."""
    shown = light.key.removeprefix(f"{light.era}.")
    return next((each for each in MODES if each.lights == (shown,)), None)


def buttons_for(found: DeviceMode, platform: Platform, boot_loader: BootLoader | None = None) -> Text | None:
    """Say what to do with the buttons to get into a mode; None when buttons do not lead there.

    Args:
        found: The mode.
        platform: The kind of board.
        boot_loader: Its boot loader when known; None for the usual one.
    """
    if not found.choreography:
        return None
    try:
        steps = platform.choreography(found.choreography, boot_loader)
    except KeyError:
        return NO_WAY
    way = (HOLD_AFTER_RESET if steps.after_reset else HOLD).with_values(
        button=platform.mode_button, light=_light_name(steps)
    )
    after = _seconds(steps.hold_ms)
    if steps.until_ms is None:
        return LET_GO_ANY_TIME.with_values(way=way, after=after)
    return LET_GO.with_values(way=way, after=after, until=_seconds(steps.until_ms))


def _light_name(steps: Choreography) -> Text:
    """Name what the light shows where the button is let go of."""
    there = [step for step in steps.steps if step.after_ms <= steps.hold_ms and step.light]
    return pattern(there[-1].light).name


def _seconds(ms: int) -> Text:
    if ms == 1000:
        return ONE_SECOND
    return SECONDS.with_values(seconds=f"{ms / 1000:g}")
