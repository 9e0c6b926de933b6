"""What the question "why won't it connect?" goes by: what was measured, what the light said, what a person answered.

Pure, and nothing in it is secret. Numbers in brackets are sections of device-protocol.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, unique

from app.platforms.model import Mode, Platform
from app.protocols.wifi import Security
from app.work.key_case import LightSeen
from app.work.key_diagnosis import Diagnosis as KeyDiagnosis
from app.work.key_rules import Sureness
from app.work.light_decoder import LightReading
from app.work.preflight import Check, Finding, Severity, State, look_at
from app.work.wifi_form import SeenNetwork

CORE = "core"
UNKNOWN = "unknown"
"""The answer of somebody who cannot say; the question is not asked again."""
OTHER = "other"
"""The answer of somebody whose network is not among those heard."""
WEAK = "weak"
"""The finding about a network that comes in weakly here."""
_RELEASE = re.compile(r"(\d+)\.(\d+)")


@unique
class Stage(Enum):
    """How far a board gets on its way to the cloud, as its light says (9.1 to 9.4, support page)."""

    DARK = "dark"
    NO_FIRMWARE = "no-firmware"
    UPDATE = "update-mode"
    BUSY = "busy"  # it is being written, reset or restored
    POWER_OFF = "power-off"
    PANIC = "panic"
    RADIO_OFF = "radio-off"  # breathing white
    RADIO_ON = "radio-on"  # breathing blue
    LISTENING = "listening"
    JOINING = "joining"  # blinking green
    ADDRESS = "address"  # waits for an address
    ONLINE = "online"  # in the network, and does not call its cloud
    CALLING = "calling"  # blinking cyan
    HANDSHAKE = "handshake"  # fast cyan that does not end
    HELD_UP = "held-up"  # blinking cyan, and a red flash now and then
    RED = "red-flash"
    ORANGE = "orange-flash"
    MAGENTA = "magenta-flash"
    NO_INTERNET = "no-internet"
    NO_CLOUD = "no-cloud"
    ONE_RED = "one-red"
    SAFE_MODE = "safe-mode"
    CONNECTED = "connected"
    UNSEEN = "unseen"


_STAGES = {
    "no-light": Stage.DARK,
    "no-firmware": Stage.NO_FIRMWARE,
    "dfu": Stage.UPDATE,
    "ota": Stage.BUSY,
    "restore": Stage.BUSY,
    "factory-reset": Stage.BUSY,
    "factory-reset-clear": Stage.BUSY,
    "patching": Stage.BUSY,
    "patched": Stage.BUSY,
    "clearing": Stage.BUSY,
    "deep-update": Stage.BUSY,
    "solid-white": Stage.BUSY,
    "fast-white": Stage.BUSY,
    "details-received": Stage.BUSY,
    "clear-wifi": Stage.BUSY,
    "clear-wifi-failed": Stage.BUSY,
    "power-off": Stage.POWER_OFF,
    "network-off": Stage.RADIO_OFF,
    "pulsing-white": Stage.RADIO_OFF,
    "network-on": Stage.RADIO_ON,
    "listening": Stage.LISTENING,
    "connecting": Stage.JOINING,
    "dhcp": Stage.ADDRESS,
    "connected": Stage.ONLINE,
    "cloud-connecting": Stage.CALLING,
    "handshake": Stage.HANDSHAKE,
    "cyan-red": Stage.HELD_UP,
    "handshake-red": Stage.RED,
    "handshake-orange": Stage.ORANGE,
    "handshake-magenta": Stage.MAGENTA,
    "orange-flashing": Stage.ORANGE,
    "no-internet": Stage.NO_INTERNET,
    "no-cloud": Stage.NO_CLOUD,
    "one-red": Stage.ONE_RED,
    "cloud-connected": Stage.CONNECTED,
}


_AFTER_JOINING = (
    Stage.CALLING,
    Stage.HANDSHAKE,
    Stage.HELD_UP,
    Stage.RED,
    Stage.ORANGE,
    Stage.MAGENTA,
    Stage.NO_INTERNET,
    Stage.NO_CLOUD,
    Stage.UNSEEN,
)


def stage_of(key: str) -> Stage:
    """Return what a light pattern says about the way to the cloud; KeyError for a key that is none."""
    era, _, kind = key.rpartition(".")
    if era == "panic":
        return Stage.PANIC
    if kind == "safe-mode":
        # The boot loader shows it only while a button is held; the firmware once the board is connected (8.1).
        return Stage.BUSY if era == "boot-loader" else Stage.SAFE_MODE
    return _STAGES[kind]


def stages_of(reading: LightReading | None) -> tuple[tuple[Stage, float], ...]:
    """Return the stages a light may stand for, most likely first, with how likely each is; UNSEEN for no light."""
    if reading is None or not reading.could_see:
        return ((Stage.UNSEEN, 1.0),)
    shares: dict[Stage, float] = {}
    for key, likelihood in reading.guesses:
        stage = stage_of(key)
        shares[stage] = shares.get(stage, 0.0) + likelihood
    return tuple(sorted(shares.items(), key=lambda each: -each[1]))


_LIGHT_SEEN = {
    Stage.RED: LightSeen.RED,
    Stage.ORANGE: LightSeen.ORANGE,
    Stage.MAGENTA: LightSeen.MAGENTA,
    Stage.CALLING: LightSeen.CYAN,
    Stage.HANDSHAKE: LightSeen.CYAN,
    Stage.HELD_UP: LightSeen.CYAN,
    Stage.NO_INTERNET: LightSeen.BLINKS,
    Stage.NO_CLOUD: LightSeen.BLINKS,
    Stage.CONNECTED: LightSeen.CONNECTED,
    Stage.UNSEEN: LightSeen.UNSEEN,
}
_FLASHES = (Stage.RED, Stage.ORANGE, Stage.MAGENTA)
_CLEAR_OF_FLASHES, _HARDLY = 0.7, 0.1


def light_seen(stages: tuple[tuple[Stage, float], ...]) -> LightSeen:
    """Return what the diagnosis of the keys calls this light; a colour only if no other is nearly as likely."""
    best, share = stages[0]
    if best not in _FLASHES:
        return _LIGHT_SEEN.get(best, LightSeen.OTHER)
    flashes = {stage: likely for stage, likely in stages if stage in _FLASHES}
    whole = sum(flashes.values())
    if share >= _CLEAR_OF_FLASHES * whole:
        return _LIGHT_SEEN[best]
    return LightSeen.RED_OR_ORANGE if flashes.get(Stage.MAGENTA, 0.0) <= _HARDLY * whole else LightSeen.FLASH


@dataclass(frozen=True, slots=True)
class Measured:
    """What the program found out by itself.

    Attributes:
        platform: What kind of board.
        mode: What it does, by USB and its console.
        starts: Whether it came up when it was told to leave update mode; None when that was not tried.
        version: Firmware version it told, "" when it told none.
        claimed: Whether an account owns it; None when the firmware cannot say.
        system_sound: Whether its own list of modules is in order; None when it told none.
        diagnostics: Names and numbers it tells of its own health, for the report; no source says what they mean.
        checks: What was tried from this computer.
        joined: Network this computer is in; None for none or not known.
        heard: Networks heard here, marked for this kind of board, strongest first.
        keys: What is wrong with its keys; None when they were not read.
        unfinished: Recipe of a rescue of this board that was begun and never finished, "" for none.
        new_key: Whether its key was changed by this program.
    """

    platform: Platform
    mode: Mode = Mode.NORMAL
    starts: bool | None = None
    version: str = ""
    claimed: bool | None = None
    system_sound: bool | None = None
    diagnostics: tuple[tuple[str, int | float | bool], ...] = ()
    checks: tuple[Check, ...] = ()
    joined: bytes | None = None
    heard: tuple[SeenNetwork, ...] = ()
    keys: KeyDiagnosis | None = None
    unfinished: str = ""
    new_key: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """Everything known so far.

    Attributes:
        measured: What the program found out by itself.
        stages: What the light may stand for, most likely first.
        told: Answers: key of the question and of the option, in the order they were given.
    """

    measured: Measured
    stages: tuple[tuple[Stage, float], ...] = ((Stage.UNSEEN, 1.0),)
    told: tuple[tuple[str, str], ...] = ()

    def with_answer(self, question: str, option: str) -> Known:
        """Return the same with one answer more."""
        return replace(self, told=(*self.told, (question, option)))

    def asked(self, question: str) -> bool:
        """Whether this was asked already."""
        return any(key == question for key, _ in self.told)

    def cases(self) -> Iterable[tuple[Case, float]]:
        """Return the case for each thing the light may stand for, with how likely that is."""
        measured = self.measured
        if measured.mode is Mode.DFU:  # USB goes before what a person saw
            return ((Case(measured, Stage.UPDATE, self.told), 1.0),)
        if measured.mode is Mode.LISTENING:
            return ((Case(measured, Stage.LISTENING, self.told), 1.0),)
        return tuple((Case(measured, stage, self.told), share) for stage, share in self.stages)


def network_keys(heard: Iterable[SeenNetwork]) -> dict[str, SeenNetwork]:
    """Return the networks heard by the answer that chooses each: its name, numbered where that alone would not do."""
    found: dict[str, SeenNetwork] = {}
    for each in heard:
        key, number = each.name, 1
        while key in found or key in (UNKNOWN, OTHER):
            number += 1
            key = f"{each.name} ({number})"
        found[key] = each
    return found


@dataclass(frozen=True, slots=True)
class Case:
    """One case to be judged: what the rules ask for. `stage` is taken to be what the light says."""

    measured: Measured
    stage: Stage
    told: tuple[tuple[str, str], ...] = ()

    # --- what was said ---

    def said(self, question: str, *options: str) -> bool:
        """Whether this question was answered with one of these."""
        return any(key == question and option in options for key, option in self.told)

    def answer(self, question: str) -> str:
        """Return the answer to a question, "" when it was not asked or the person could not say."""
        found = next((option for key, option in self.told if key == question), "")
        return "" if found == UNKNOWN else found

    def at(self, *stages: Stage) -> bool:
        """Whether the light says one of these."""
        return self.stage in stages

    # --- the board ---

    @property
    def core(self) -> bool:
        """Whether it is a Core, with the radio and the firmware that only a Core has."""
        return self.measured.platform.key == CORE

    @property
    def ported(self) -> bool | None:
        """Whether its firmware is of 0.4 or later; None for a Core that did not tell."""
        if not self.core:
            return True
        return (self.release >= (0, 4)) if self.measured.version else None

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor number of its firmware, (0, 0) when it did not tell."""
        found = _RELEASE.match(self.measured.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def keys_say(self, sureness: Sureness) -> bool:
        """Whether the keys were read, something is wrong with them, and that is so sure; and it may matter here."""
        keys = self.measured.keys
        matters = self.at(*_AFTER_JOINING)
        return matters and keys is not None and not keys.good and keys.main.sureness is sureness

    # --- the network ---

    @property
    def network(self) -> SeenNetwork | None:
        """The network the board should join, when it was chosen among those heard."""
        return network_keys(self.measured.heard).get(self.answer("network"))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What speaks against that network for this kind of board."""
        network = self.network
        return () if network is None else look_at(network, self.measured.platform, version=self.measured.version)

    def finding(self, severity: Severity) -> Finding | None:
        """Return the first finding of that severity; a weak network has a rule of its own."""
        return next((each for each in self.findings if each.severity is severity and each.rule != WEAK), None)

    @property
    def weak(self) -> bool:
        """Whether the network comes in weakly here, where the board is."""
        return any(each.rule == WEAK for each in self.findings)

    @property
    def open(self) -> bool:
        """Whether the network is known to have no password."""
        network = self.network
        return network is not None and network.security is Security.OPEN

    @property
    def same(self) -> bool | None:
        """Whether this computer is in the network the board should join; None when nobody knows."""
        if self.said("same", "yes", "no"):
            return self.said("same", "yes")
        if self.measured.joined is None or self.network is None:
            return None
        return self.network.ssid == self.measured.joined

    # --- the way to the cloud ---

    def check(self, key: str) -> State:
        """Return what trying that from this computer told."""
        return next((each.state for each in self.measured.checks if each.key == key), State.UNKNOWN)

    @property
    def theirs(self) -> bool:
        """Whether what was tried is the way to this board's own cloud: a person said so, or its address was read."""
        return self.measured.keys is not None or self.said("cloud", "particle")

    @property
    def failed(self) -> Check | None:
        """What fails of the way to the cloud from this computer, which is in the board's network."""
        return next((each for each in self.measured.checks if self.fails(each.key)), None)

    @property
    def tried(self) -> bool:
        """Whether anything that was tried from this computer told something."""
        return any(each.state is not State.UNKNOWN for each in self.measured.checks)

    def fails(self, key: str) -> bool:
        """Whether that fails from this computer, which is in the board's network."""
        return self.same is True and self.check(key) is State.FAILED

    @property
    def server_silent(self) -> bool:
        """Whether the server fails from here, and no network is known to be the reason."""
        by_network = self.same is False or (self.same is True and not self.said("elsewhere", "no"))
        return self.check("tcp") is State.FAILED and not by_network

    @property
    def gets_out(self) -> bool:
        """Whether the whole way to the cloud is free from this computer, which is in the board's network."""
        return self.same is True and self.check("tcp") is State.OK
