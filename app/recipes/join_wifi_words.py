"""What a light does after a board was told a network, what each stop means, and what helps (device-protocol.md 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, unique

from app.platforms.lights import patterns_of
from app.platforms.model import Platform
from app.text import Text, text
from app.work.questions import LightStage, WatchLight

EARLY, MIDDLE, LATE = "core-2014", "up-to-0.6", "from-0.7"
_RELEASE = re.compile(r"(\d+)\.(\d+)")


@unique
class Light(Enum):
    """Where the light stopped."""

    CONNECTED = "connected"
    GREEN = "green"
    GREEN_BREATHING = "green-breathing"
    CYAN = "cyan"
    FLASH = "flash"
    BLINKS = "blinks"
    BLUE = "blue"
    WHITE = "white"
    OTHER = "other"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Story:
    """What one stop means.

    Attributes:
        note: In a few words, beside the step.
        summary: The result; `{names}` are the networks.
        next_steps: What to do now.
        recipes: What to go on with.
    """

    note: Text
    summary: Text
    next_steps: tuple[Text, ...] = ()
    recipes: tuple[str, ...] = ()


_TITLE = text("JoinWifi", "Watch the light: how far does the board get?")
_BODY = text(
    "JoinWifi",
    "It goes through these colours, some seconds each. Choose what it does once it stays the same for half a minute.",
)
_STAGES: tuple[tuple[str, Text], ...] = (
    ("connecting", text("JoinWifi", "It looks for the network and gives the password.")),
    ("dhcp", text("JoinWifi", "It is in the network and asks the router for an address.")),
    ("cloud-connecting", text("JoinWifi", "It calls its cloud.")),
    ("handshake", text("JoinWifi", "It proves to the cloud who it is.")),
    ("cloud-connected", text("JoinWifi", "It is online. Done.")),
)
_OPTIONS: tuple[tuple[Light, Text], ...] = (
    (Light.CONNECTED, text("JoinWifi", "It breathes cyan")),
    (Light.GREEN, text("JoinWifi", "It goes on blinking green")),
    (Light.GREEN_BREATHING, text("JoinWifi", "It breathes green")),
    (Light.CYAN, text("JoinWifi", "It goes on blinking cyan")),
    (Light.FLASH, text("JoinWifi", "Fast cyan, then a short flash of red, orange or magenta")),
    (Light.BLINKS, text("JoinWifi", "Two or three slow blinks, red or orange")),
    (Light.BLUE, text("JoinWifi", "It blinks blue again")),
    (Light.WHITE, text("JoinWifi", "It breathes white, or blue")),
    (Light.OTHER, text("JoinWifi", "It does something else")),
    (Light.UNSEEN, text("JoinWifi", "I did not see it")),
)
_SAVED_BUT = text("JoinWifi", "The board has saved {names}, but does not get into the network.")
_KEEPS_TRYING = text("JoinWifi", "It goes on trying by itself, so what is changed at the router counts at once.")

STORIES: dict[Light, Story] = {
    Light.CONNECTED: Story(
        text("JoinWifi", "Online."), text("JoinWifi", "The board has joined {names} and is connected to its cloud.")
    ),
    Light.GREEN: Story(
        text("JoinWifi", "It does not get into the network."),
        _SAVED_BUT,
        (
            text(
                "JoinWifi", "The password is the most frequent reason: tell it again, and have it shown while you type."
            ),
            text(
                "JoinWifi", "Is the network on 2.4 GHz? These boards know no other. A Core hears channels 1 to 11 only."
            ),
            text("JoinWifi", "Bring the board near the router; a name may also differ in one capital letter or space."),
            _KEEPS_TRYING,
        ),
        ("join-wifi", "why-not-connecting"),
    ),
    Light.GREEN_BREATHING: Story(
        text("JoinWifi", "In the network, not in the cloud."),
        text("JoinWifi", "The board is in the network {names}, but does not call its cloud."),
        (
            text(
                "JoinWifi",
                "With firmware up to 0.6 it has no address yet: restart the router, or let it give out more.",
            ),
            text(
                "JoinWifi",
                "With newer firmware its program decides when to call the cloud; safe mode calls it at once.",
            ),
        ),
        ("why-not-connecting", "prove-handshake"),
    ),
    Light.CYAN: Story(
        text("JoinWifi", "In the network, the cloud does not answer."),
        text("JoinWifi", "The board is in the network {names}, but its cloud does not answer."),
        (
            text("JoinWifi", "The router or a firewall may keep TCP port 5683 shut; try the hotspot of a phone."),
            text("JoinWifi", "A network that shows a page for signing in first lets no board through."),
        ),
        ("why-not-connecting", "check-keys", "prove-handshake"),
    ),
    Light.FLASH: Story(
        text("JoinWifi", "The cloud answers, a key does not fit."),
        text(
            "JoinWifi", "The board is in the network {names} and reaches its cloud, but one of its keys does not fit."
        ),
        (text("JoinWifi", "Check its keys: that tells which one, and repairs it."),),
        ("check-keys", "prove-handshake"),
    ),
    Light.BLINKS: Story(
        text("JoinWifi", "No internet, or no cloud."),
        text("JoinWifi", "The board is in the network {names}. Two blinks: no internet there; three: no cloud."),
        (
            text(
                "JoinWifi", "Two blinks: is the internet there for a phone in the same network? No page to sign in at?"
            ),
            text("JoinWifi", "Three blinks: the router or a firewall may keep TCP port 5683 shut."),
        ),
        ("why-not-connecting", "prove-handshake"),
    ),
    Light.BLUE: Story(
        text("JoinWifi", "It listens again."),
        text("JoinWifi", "The board listens again: it does not know a network, although it said it had saved {names}."),
        (
            text("JoinWifi", "Tell it once more. If it happens again, let it forget all networks first."),
            text("JoinWifi", "Look at what is on the board: its settings may be damaged."),
        ),
        ("join-wifi", "why-not-connecting", "x-ray"),
    ),
    Light.WHITE: Story(
        text("JoinWifi", "It does not switch its Wi-Fi on."),
        text("JoinWifi", "The board has saved {names}, but does not use its Wi-Fi."),
        (
            text("JoinWifi", "Its program may decide that itself: start it in safe mode, or flash another one."),
            text("JoinWifi", "A Core that breathes white whatever you do may have a radio that needs a repair."),
        ),
        ("why-not-connecting", "x-ray"),
    ),
    Light.OTHER: Story(
        text("JoinWifi", "Something else."),
        text("JoinWifi", "The board has saved {names}. What its light says is in the light guide."),
        (text("JoinWifi", "Open the light guide and look for the colour and the rhythm."),),
        ("why-not-connecting", "x-ray"),
    ),
    Light.UNSEEN: Story(
        text("JoinWifi", "Nobody saw the light."),
        text("JoinWifi", "The board has saved {names}. Whether it gets online is to be seen by its light."),
        (text("JoinWifi", "Green: it joins; cyan: it calls its cloud; breathing cyan: it is online."),),
        ("why-not-connecting",),
    ),
}


def watch_question(name: str, platform: Platform, version: str) -> WatchLight:
    """Return the light story of this board with this firmware version, "" for firmware that tells none."""
    here = {each.key for each in patterns_of(platform)}
    era = light_era(platform, version)
    stages = tuple(LightStage(f"{era}.{key}", words) for key, words in _STAGES if f"{era}.{key}" in here)
    return WatchLight(name, _TITLE, _BODY, platform, stages, tuple((light.value, words) for light, words in _OPTIONS))


def light_era(platform: Platform, version: str) -> str:
    """Return which generation of lights firmware of that version shows (9.2, 9.3)."""
    found = _RELEASE.match(version)
    if found is None:
        return EARLY if EARLY in platform.light_eras else MIDDLE
    return LATE if (int(found[1]), int(found[2])) >= (0, 7) else MIDDLE
