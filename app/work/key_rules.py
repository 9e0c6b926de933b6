"""The rules by which a board's keys are judged: what has to be the case, and what that means.

The rules are data, each with its source: sections of device-protocol.md, and where a rule only puts two of them
together, those two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum, unique

from app.keys.clouds import CloudKind
from app.keys.device_key import KeyState
from app.keys.server_key import ServerState
from app.text import Text, text
from app.work.key_case import REFILLS_SINCE, Case, LightSeen, PublicHalf

PORT_SINCE = 11
"""Module version of 0.4.9, from which on the port of the server address counts (0.3, 4.3)."""


@unique
class Culprit(Enum):
    """What is at fault."""

    NOTHING = "nothing"
    DEVICE_KEY = "device-key"
    PUBLIC_HALF = "public-half"
    SERVER_KEY = "server-key"
    SERVER_ADDRESS = "server-address"
    SERVER_PAIR = "server-key-and-address"  # each may be fine, but they are of two clouds
    TRANSPORT = "transport"
    SERVER_KNOWS = "what-the-server-knows"
    EITHER = "device-key-or-server-key"  # what was seen does not tell which
    NETWORK = "network"


@unique
class Sureness(IntEnum):
    """How sure a finding is."""

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3


@unique
class Repair(Enum):
    """What would repair it: the key of a recipe, or something that is none."""

    NONE = ""
    RESTORE_KEY = "restore-key"
    CHANGE_KEY = "change-key"
    SWITCH_CLOUD = "switch-cloud"
    HAND_ON = "hand-on"  # the server has to be told the board's public key
    PROVE = "prove-handshake"  # a test tells the two apart that are left
    CONNECT = "join-wifi"  # the network goes before the keys; an Electron has no recipe for that

    @property
    def recipe(self) -> str:
        """Key of the recipe that does it, "" when none does."""
        return "" if self in (Repair.NONE, Repair.HAND_ON) else self.value


SURENESS_WORDS = {
    Sureness.CERTAIN: text("KeyDiagnosis", "Certain: it stands in the board's memory, or the board shows it."),
    Sureness.LIKELY: text("KeyDiagnosis", "Likely: it fits everything that was seen, but the server was not asked."),
    Sureness.POSSIBLE: text("KeyDiagnosis", "A guess: what was seen does not tell for sure."),
}
CULPRIT_WORDS = {
    Culprit.NOTHING: text("KeyDiagnosis", "nothing"),
    Culprit.DEVICE_KEY: text("KeyDiagnosis", "the board's own key (device key)"),
    Culprit.PUBLIC_HALF: text("KeyDiagnosis", "the public half stored beside the device key"),
    Culprit.SERVER_KEY: text("KeyDiagnosis", "the server key"),
    Culprit.SERVER_ADDRESS: text("KeyDiagnosis", "the server address"),
    Culprit.SERVER_PAIR: text("KeyDiagnosis", "server key and server address: they do not belong together"),
    Culprit.TRANSPORT: text("KeyDiagnosis", "the choice between TCP and UDP"),
    Culprit.SERVER_KNOWS: text("KeyDiagnosis", "what the server knows of this board"),
    Culprit.EITHER: text("KeyDiagnosis", "device key or server key; what was seen does not tell which"),
    Culprit.NETWORK: text("KeyDiagnosis", "the network or the server, not a key"),
}
REPAIR_WORDS = {
    Repair.NONE: text("KeyDiagnosis", "Nothing needs to be repaired."),
    Repair.RESTORE_KEY: text("KeyDiagnosis", "Restore the board's key from the key safe."),
    Repair.CHANGE_KEY: text("KeyDiagnosis", "Give the board a new key, and hand its public half to the server."),
    Repair.SWITCH_CLOUD: text("KeyDiagnosis", "Write key and address of the server you want to use."),
    Repair.HAND_ON: text("KeyDiagnosis", "Hand the board's public key to the server; it is shown here."),
    Repair.CONNECT: text("KeyDiagnosis", "Get the board onto its network first; its keys can wait."),
    Repair.PROVE: text("KeyDiagnosis", "Prove it with a handshake: this computer plays the server and sees who fails."),
}


@unique
class Part(Enum):
    """When a rule is asked."""

    SLOTS_DEVICE = "device"
    SLOTS_SERVER = "server"
    LIGHT = "light"  # only when nothing in the slots explains it
    ASIDE = "aside"  # always, after everything else


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to be the case, and what that means.

    Attributes:
        code: Stable name.
        part: When it is asked.
        when: Whether it holds; the first that holds among its part counts, for ASIDE every one.
        culprit: What is at fault then.
        sureness: How sure that is.
        repair: What would repair it.
        words: One sentence; places are filled with what was found.
        source: Sections of the specification.
        from_safe: Whether a good key in the safe is put back instead.
    """

    code: str
    part: Part
    when: Callable[[Case], bool]
    culprit: Culprit
    sureness: Sureness
    repair: Repair
    words: Text
    source: str
    from_safe: bool = False


_D, _S, _L, _A = Part.SLOTS_DEVICE, Part.SLOTS_SERVER, Part.LIGHT, Part.ASIDE
_CERTAIN, _LIKELY, _POSSIBLE = Sureness.CERTAIN, Sureness.LIKELY, Sureness.POSSIBLE
_ANY_FLASH = (LightSeen.ORANGE, LightSeen.RED, LightSeen.RED_OR_ORANGE, LightSeen.FLASH)

RULES: tuple[Rule, ...] = (
    # --- the board's own key ---
    Rule(
        "device-blank",
        _D,
        lambda case: case.device(KeyState.BLANK) and not case.makes_own,
        Culprit.DEVICE_KEY,
        _CERTAIN,
        Repair.CHANGE_KEY,
        text("KeyDiagnosis", "The board has no key of its own, and a Core never makes one: it can join no cloud."),
        "4.2",
        from_safe=True,
    ),
    Rule(
        "device-blank-makes-own",
        _D,
        lambda case: case.device(KeyState.BLANK) and case.makes_own,
        Culprit.DEVICE_KEY,
        _CERTAIN,
        Repair.CHANGE_KEY,
        text(
            "KeyDiagnosis",
            "The board has no key of its own. It makes one when it next connects to its cloud, but no server knows "
            "that one.",
        ),
        "4.2",
        from_safe=True,
    ),
    Rule(
        "device-corrupt",
        _D,
        lambda case: case.device(KeyState.CORRUPT),
        Culprit.DEVICE_KEY,
        _CERTAIN,
        Repair.CHANGE_KEY,
        text("KeyDiagnosis", "The board's own key cannot be used: {problem}"),
        "4.2",
        from_safe=True,
    ),
    Rule(
        "device-form",
        _D,
        lambda case: case.only_the_form,
        Culprit.DEVICE_KEY,
        _CERTAIN,
        Repair.RESTORE_KEY,
        text(
            "KeyDiagnosis",
            "The board's own key is the right one, but it is written in a form that the firmware cannot read. The same "
            "key in the board's form repairs it; the server need not be told.",
        ),
        "4.2",
    ),
    Rule(
        "device-unusable",
        _D,
        lambda case: case.device(KeyState.UNUSABLE_BY_FIRMWARE),
        Culprit.DEVICE_KEY,
        _CERTAIN,
        Repair.CHANGE_KEY,
        text("KeyDiagnosis", "{problem} No other form of this key would help."),
        "4.2",
        from_safe=True,
    ),
    # --- the server's key and address ---
    Rule(
        "transport",
        _S,
        lambda case: (
            case.block.state is not ServerState.GOOD
            and case.found.other_server_good
            and not (case.refills and case.found.over == "UDP")
        ),
        Culprit.TRANSPORT,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The board is set to reach its cloud over {over}, but it has a server key for the other way only.",
        ),
        "4.1, 4.5",
    ),
    Rule(
        "server-blank-perhaps",
        _S,
        lambda case: (
            case.blank
            and case.no_address
            and case.makes_own
            and not case.refills
            and case.firmware(REFILLS_SINCE) is not False
        ),
        Culprit.SERVER_KEY,
        _POSSIBLE,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "There is no server key on the board. Firmware of 1.0 and later fills in that of the Particle cloud, "
            "older firmware does not.",
        ),
        "4.2",
    ),
    Rule(
        "server-blank",
        _S,
        lambda case: case.blank and case.no_address and not case.refills,
        Culprit.SERVER_KEY,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "There is no server key on the board: it cannot recognise any cloud."),
        "4.2, 4.3",
    ),
    Rule(
        "address-without-key",
        _S,
        lambda case: case.blank and not case.no_address,
        Culprit.SERVER_KEY,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The board has the address of a server ({host}), but not the key of that server.",
        ),
        "4.2, 4.3",
    ),
    Rule(
        "server-corrupt",
        _S,
        lambda case: case.block.state is ServerState.CORRUPT and case.block.public_der is None,
        Culprit.SERVER_KEY,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "The server key on the board is damaged: {problem}"),
        "4.2",
    ),
    Rule(
        "address-corrupt",
        _S,
        lambda case: case.block.state is ServerState.CORRUPT,
        Culprit.SERVER_ADDRESS,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "The server key on the board is sound, but not its address: {problem}"),
        "4.3",
    ),
    Rule(
        "address-nowhere",
        _S,
        lambda case: case.nowhere,
        Culprit.SERVER_ADDRESS,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server address on the board is {host}: that leads nowhere but to the board itself. It needs the "
            "address your computer or server has in the network.",
        ),
        "4.3",
    ),
    Rule(
        "key-without-address",
        _S,
        lambda case: case.pair(CloudKind.LOCAL, CloudKind.NONE),
        Culprit.SERVER_ADDRESS,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The board has the key of {cloud}, but no server address: it goes to {default_host}, which has another "
            "key.",
        ),
        "4.1, 4.3",
    ),
    Rule(
        "unknown-key-without-address",
        _S,
        lambda case: case.pair(CloudKind.UNKNOWN, CloudKind.NONE) and not case.saw(LightSeen.CONNECTED),
        Culprit.SERVER_PAIR,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "There is no server address on the board, so it goes to {default_host}; but the server key is not the one "
            "of the Particle cloud.",
        ),
        "4.1, 4.3",
    ),
    Rule(
        "particle-key-at-home",
        _S,
        lambda case: (
            case.pair(CloudKind.PARTICLE, CloudKind.LOCAL)
            or (case.pair(CloudKind.PARTICLE, CloudKind.UNKNOWN) and case.at_home)
        ),
        Culprit.SERVER_PAIR,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server address {host} is one of a local cloud, but the server key is the one of the Particle cloud.",
        ),
        "4.3, 9.2, 10.1",
    ),
    Rule(
        "particle-key-elsewhere",
        _S,
        lambda case: case.pair(CloudKind.PARTICLE, CloudKind.UNKNOWN) and not case.saw(LightSeen.CONNECTED),
        Culprit.SERVER_PAIR,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server key is the one of the Particle cloud, but the server address {host} is not one of its.",
        ),
        "4.1, 4.3, 10.1",
    ),
    Rule(
        "local-key-at-particle",
        _S,
        lambda case: case.pair(CloudKind.LOCAL, CloudKind.PARTICLE),
        Culprit.SERVER_PAIR,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "The server address is the one of the Particle cloud, but the server key is of {cloud}."),
        "4.3, 10.1",
    ),
    Rule(
        "unknown-key-at-particle",
        _S,
        lambda case: case.pair(CloudKind.UNKNOWN, CloudKind.PARTICLE) and not case.saw(LightSeen.CONNECTED),
        Culprit.SERVER_PAIR,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server address {host} is the one of the Particle cloud, but the server key is not.",
        ),
        "4.3, 10.1",
    ),
    Rule(
        "two-local-clouds",
        _S,
        lambda case: (
            case.pair(CloudKind.LOCAL, CloudKind.LOCAL)
            and not case.server.belongs
            and not case.saw(LightSeen.CONNECTED)
        ),
        Culprit.SERVER_PAIR,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "The server key is of {cloud}, but the server address is of {address_cloud}."),
        "4.3, 10.1",
    ),
    Rule(
        "unknown-key-at-local",
        _S,
        lambda case: case.pair(CloudKind.UNKNOWN, CloudKind.LOCAL) and not case.saw(LightSeen.CONNECTED),
        Culprit.SERVER_KEY,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server address is of {address_cloud}, but the server key is not the one you use with it.",
        ),
        "4.3, 10.1",
    ),
    Rule(
        "port-ignored",
        _S,
        lambda case: (
            not case.block.usual_port and case.firmware(PORT_SINCE) is False and not case.saw(LightSeen.CONNECTED)
        ),
        Culprit.SERVER_ADDRESS,
        _CERTAIN,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The board is told to use port {port}, but its firmware is older than 0.4.9 and always uses "
            "{default_port}. The server has to listen there.",
        ),
        "4.3",
    ),
    # --- the light, where the slots explain nothing ---
    Rule(
        "server-blank-refills",
        _L,
        lambda case: case.refills,
        Culprit.NOTHING,
        _LIKELY,
        Repair.NONE,
        text(
            "KeyDiagnosis",
            "There is no server key on the board, but firmware of its age fills in that of the Particle cloud when it "
            "next connects.",
        ),
        "4.2",
    ),
    Rule(
        "connected",
        _L,
        lambda case: case.saw(LightSeen.CONNECTED),
        Culprit.NOTHING,
        _CERTAIN,
        Repair.NONE,
        text("KeyDiagnosis", "Nothing is wrong: both keys are sound, and the light showed a board that is connected."),
        "4.2, 9.2, 9.3",
    ),
    Rule(
        "orange-public-half",
        _L,
        lambda case: case.saw(LightSeen.ORANGE) and case.found.public_half is PublicHalf.DIFFERS,
        Culprit.PUBLIC_HALF,
        _LIKELY,
        Repair.RESTORE_KEY,
        text(
            "KeyDiagnosis",
            "The board cannot read the server's answer, and the public half stored on it is of another key: whoever "
            "was given that half has the wrong one.",
        ),
        "4.2, 9.2",
    ),
    Rule(
        "orange-other-in-safe",
        _L,
        lambda case: case.saw(LightSeen.ORANGE) and case.found.other_in_safe,
        Culprit.DEVICE_KEY,
        _LIKELY,
        Repair.RESTORE_KEY,
        text(
            "KeyDiagnosis",
            "The board's key is sound, but not the one the server knows. The key safe has another key of this board, "
            "which may be that one.",
        ),
        "9.2, 10.1",
    ),
    Rule(
        "orange",
        _L,
        lambda case: case.saw(LightSeen.ORANGE),
        Culprit.SERVER_KNOWS,
        _LIKELY,
        Repair.HAND_ON,
        text("KeyDiagnosis", "The board's key is sound, but the server knows another one, or none, for this board."),
        "9.2, 10.1",
    ),
    Rule(
        "magenta-particle",
        _L,
        lambda case: case.saw(LightSeen.MAGENTA) and case.particle,
        Culprit.SERVER_KEY,
        _POSSIBLE,
        Repair.PROVE,
        text(
            "KeyDiagnosis",
            "The board has key and address of the Particle cloud, but whoever answers it has another key: something "
            "in the network sends it elsewhere.",
        ),
        "9.2, 10.1",
    ),
    Rule(
        "magenta",
        _L,
        lambda case: case.saw(LightSeen.MAGENTA),
        Culprit.SERVER_KEY,
        _LIKELY,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The server that answers has another key than the one on the board. A server that was set up anew makes "
            "itself a new key.",
        ),
        "9.2, 10.1",
    ),
    Rule(
        "flash-unknown-server",
        _L,
        lambda case: case.saw(*_ANY_FLASH) and not case.server.belongs,
        Culprit.SERVER_KEY,
        _POSSIBLE,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The exchange of keys breaks off, and the server key and address on the board are not known to belong "
            "together. Most often the server has another key than the one on the board.",
        ),
        "9.2, 10.1",
    ),
    Rule(
        "flash",
        _L,
        lambda case: case.saw(*_ANY_FLASH),
        Culprit.EITHER,
        _POSSIBLE,
        Repair.PROVE,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound, but the exchange of keys breaks off: the server has another key now, or "
            "does not know this board.",
        ),
        "9.2, 10.1",
    ),
    Rule(
        "cyan-moved",
        _L,
        lambda case: case.saw(LightSeen.CYAN, LightSeen.BLINKS) and not case.particle,
        Culprit.SERVER_ADDRESS,
        _POSSIBLE,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "No server answers at {host}, port {port}: it is switched off, has another address now, or a "
            "firewall stops the board. No key was asked for yet.",
        ),
        "9.2, 9.3",
    ),
    Rule(
        "cyan",
        _L,
        lambda case: case.saw(LightSeen.CYAN, LightSeen.BLINKS),
        Culprit.NETWORK,
        _LIKELY,
        Repair.PROVE,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound, but the Particle cloud does not answer it: the network may block port "
            "{port}. No key was asked for yet.",
        ),
        "9.2, 9.3",
    ),
    Rule(
        "not-that-far",
        _L,
        lambda case: case.saw(LightSeen.OTHER),
        Culprit.NETWORK,
        _LIKELY,
        Repair.CONNECT,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound, and the board did not get as far as using them: it never showed cyan.",
        ),
        "9.2, 9.3",
    ),
    Rule(
        "sound",
        _L,
        lambda case: case.server.belongs,
        Culprit.NOTHING,
        _LIKELY,
        Repair.NONE,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound and belong together. Whether the server knows this board, only a "
            "connection shows.",
        ),
        "4.2, 4.3",
    ),
    Rule(
        "sound-moved",
        _L,
        lambda case: case.pair(CloudKind.LOCAL, CloudKind.UNKNOWN),
        Culprit.NOTHING,
        _POSSIBLE,
        Repair.NONE,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound. The server key is of {cloud}, which you last used with another address "
            "than {host}: if it has moved there, all is well.",
        ),
        "4.2, 4.3",
    ),
    Rule(
        "sound-unknown",
        _L,
        lambda _case: True,
        Culprit.NOTHING,
        _POSSIBLE,
        Repair.NONE,
        text(
            "KeyDiagnosis",
            "The keys on the board are sound, but the server is none that this program knows: whether key and address "
            "belong together cannot be told.",
        ),
        "4.2, 4.3",
    ),
    # --- besides ---
    Rule(
        "public-half",
        _A,
        lambda case: case.found.public_half is PublicHalf.DIFFERS and not case.saw(LightSeen.ORANGE),
        Culprit.PUBLIC_HALF,
        _CERTAIN,
        Repair.RESTORE_KEY,
        text(
            "KeyDiagnosis",
            "The public half stored on the board is not the one of its key: a server that is given it cannot talk to "
            "the board.",
        ),
        "4.2",
    ),
    Rule(
        "port-perhaps-ignored",
        _A,
        lambda case: (
            not case.block.usual_port and case.firmware(PORT_SINCE) is None and not case.saw(LightSeen.CONNECTED)
        ),
        Culprit.SERVER_ADDRESS,
        _POSSIBLE,
        Repair.SWITCH_CLOUD,
        text(
            "KeyDiagnosis",
            "The board is told to use port {port}; firmware older than 0.4.9 uses {default_port} all the same, and how "
            "old this firmware is could not be told.",
        ),
        "4.3",
    ),
    Rule(
        "address-changed",
        _A,
        lambda case: (
            case.pair(CloudKind.LOCAL, CloudKind.UNKNOWN)
            and not case.nowhere
            and not case.saw(LightSeen.CONNECTED, LightSeen.UNSEEN)
        ),
        Culprit.SERVER_ADDRESS,
        _POSSIBLE,
        Repair.SWITCH_CLOUD,
        text("KeyDiagnosis", "The server key is of {cloud}, which you last used with another address than {host}."),
        "4.3",
    ),
)
"""Asked in this order. The first that holds of DEVICE, the first of SERVER, or else the first of LIGHT; then ASIDE."""

LOOK_AGAIN = Rule(
    "light-contradicts",
    _A,
    lambda _case: True,
    Culprit.NOTHING,
    _POSSIBLE,
    Repair.NONE,
    text(
        "KeyDiagnosis",
        "The light was said to breathe cyan. With what the board holds now it cannot connect again: please look once "
        "more.",
    ),
    "9.2, 9.3",
)
"""Put beside what the slots say, where the light was said to show a board that is connected."""
