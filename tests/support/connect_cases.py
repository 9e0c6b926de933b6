"""Boards that do not connect, recorded as data: what is measured, what the light does, what the person answers.

Each says what the interview has to end with, and how many questions it may ask after the light.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.keys.clouds import CloudKind
from app.keys.device_key import KeyReport, KeyState
from app.keys.server_key import NO_ADDRESS, ServerBlock, ServerState
from app.platforms.model import Algorithm, Mode
from app.platforms.table import platform
from app.protocols.wifi import Security
from app.text import text
from app.work.connect_case import UNKNOWN, Known, Measured, stages_of
from app.work.connect_diagnosis import Diagnosis, diagnose, next_question, options_of
from app.work.key_case import KeysFound, LightSeen, ServerFound
from app.work.key_diagnosis import Diagnosis as KeyDiagnosis
from app.work.key_diagnosis import diagnose as diagnose_keys
from app.work.key_rules import Sureness
from app.work.light_decoder import LightReading
from app.work.preflight import Check, State, marked
from app.work.wifi_form import SeenNetwork

CERTAIN, LIKELY, GUESS = Sureness.CERTAIN, Sureness.LIKELY, Sureness.POSSIBLE
HOME = SeenNetwork(b"Home", Security.WPA2, channel=6, rssi=-50)
FAR = SeenNetwork(b"Barn", Security.WPA2, channel=6, rssi=-88)
FIVE = SeenNetwork(b"Home-5G", Security.WPA2, channel=36, rssi=-45, frequency_mhz=5180)
THIRTEEN = SeenNetwork(b"Thirteen", Security.WPA2, channel=13, rssi=-50)
CAFE = SeenNetwork(b"Cafe", Security.OPEN, channel=1, rssi=-55)
HEARD = (HOME, FIVE, THIRTEEN, CAFE, FAR)


def checks(**states: State) -> tuple[Check, ...]:
    """What was tried from this computer."""
    return tuple(Check(key, state, text("Test", "Tried.")) for key, state in states.items())


WELL = checks(internet=State.OK, portal=State.OK, name=State.OK, tcp=State.OK)
SHUT = checks(internet=State.OK, portal=State.OK, name=State.OK, tcp=State.FAILED)


@dataclass(frozen=True)
class ConnectCase:
    """One board that does not connect.

    Attributes:
        name: What is the matter, for people.
        light: Key of a light pattern without its era, or several with their likelihoods; "" when nobody sees it.
        code: The cause that has to come first.
        sure: How sure it has to be.
        recipe: What has to be offered first, "" for nothing.
        answers: What the person says when asked; "I don't know" to everything else.
        board: Key of the platform.
        measured: What the program finds out by itself, beside the platform.
        asks: The most questions it may take.
    """

    name: str
    light: str | tuple[tuple[str, float], ...]
    code: str
    sure: Sureness
    recipe: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    board: str = "core"
    measured: dict[str, object] = field(default_factory=dict)
    asks: int = 1

    @property
    def reading(self) -> LightReading | None:
        """What the light is read as."""
        if not self.light:
            return None
        guesses = ((self.light, 1.0),) if isinstance(self.light, str) else self.light
        return LightReading(tuple((f"{ERA_OF.get(key, ERAS[self.board])}.{key}", share) for key, share in guesses))

    def known(self) -> Known:
        """What is known before the first question."""
        board = platform(self.board)
        facts = dict(self.measured)
        if facts.get("heard"):
            heard = facts["heard"]
            assert isinstance(heard, tuple)
            facts["heard"] = tuple(marked(each, board) for each in heard)
        return Known(replace(Measured(board), **facts), stages_of(self.reading))  # type: ignore[arg-type]

    def play(self) -> tuple[tuple[str, ...], Diagnosis]:
        """Hold the interview; return the questions that were asked, and what came of it."""
        known, asked = self.known(), []
        while (ask := next_question(known)) is not None:
            asked.append(ask.key)
            answer = self.answers.get(ask.key, UNKNOWN)
            assert answer == UNKNOWN or answer in [option.key for option in options_of(known, ask)]
            known = known.with_answer(ask.key, answer)
        return tuple(asked), diagnose(known)


ERAS = {"core": "core-2014", "photon": "from-0.7", "p1": "from-0.7"}
ERA_OF = {
    "no-light": "special",
    "no-firmware": "special-core",
    "pulsing-white": "special-core",
    "cyan-red": "special-core",
    "orange-flashing": "special",
    "hard-fault": "panic",
    "dfu": "boot-loader-2014",
    "restore": "boot-loader-2014",
    "deep-update": "core-radio",
}


def read_keys(
    state: KeyState, light: LightSeen = LightSeen.ORANGE, server: CloudKind = CloudKind.PARTICLE
) -> KeyDiagnosis:
    """The diagnosis of keys that were read."""
    device = KeyReport(state, Algorithm.RSA_1024, problems=(text("Test", "It is damaged."),))
    block = ServerBlock("server-public", Algorithm.RSA_2048, b"", ServerState.GOOD, None, "", NO_ADDRESS)
    found = KeysFound(platform("core"), device, ServerFound(block, server, CloudKind.NONE))
    return diagnose_keys(found, light)


def case(
    name: str, light: str | tuple[tuple[str, float], ...], code: str, sure: Sureness, **more: object
) -> ConnectCase:
    """One row; what is not a field of a case is measured."""
    fields = {key: more.pop(key) for key in ("recipe", "answers", "board", "asks") if key in more}
    return ConnectCase(name, light, code, sure, measured=more, **fields)  # type: ignore[arg-type]


CASES: tuple[ConnectCase, ...] = (
    # --- USB and the light alone tell it ---
    case(
        "comes back into update mode by itself",
        "",
        "no-start",
        CERTAIN,
        mode=Mode.DFU,
        starts=False,
        recipe="x-ray",
        asks=0,
    ),
    case("left in update mode", "", "update-mode", CERTAIN, mode=Mode.DFU, recipe="why-not-connecting", asks=0),
    case("waits for a network", "", "listening", CERTAIN, mode=Mode.LISTENING, recipe="join-wifi", asks=0),
    case("blinks blue, and its console says nothing", "listening", "listening", CERTAIN, recipe="join-wifi", asks=0),
    case(
        "a rescue was cut off",
        "connecting",
        "unfinished-rescue",
        LIKELY,
        unfinished="deep-update",
        recipe="deep-update",
        asks=0,
    ),
    case(
        "a system part is damaged",
        "network-off",
        "system-incomplete",
        LIKELY,
        system_sound=False,
        board="photon",
        recipe="restore-system",
        asks=0,
    ),
    case("breathes cyan", "cloud-connected", "connected", CERTAIN, recipe="back-up-key", asks=0),
    case(
        "breathes cyan, in no account",
        "cloud-connected",
        "connected-unclaimed",
        LIKELY,
        claimed=False,
        board="photon",
        asks=0,
    ),
    case("safe mode", "safe-mode", "safe-mode", CERTAIN, board="photon", recipe="restore-system", asks=0),
    case("SOS", "hard-fault", "panic", CERTAIN, recipe="x-ray", asks=0),
    case("switching itself off", "power-off", "power-off", CERTAIN, board="photon", asks=0),
    case("dim blue light only", "no-firmware", "no-firmware", LIKELY, recipe="factory-reset", asks=0),
    case("dark, though USB shows it", "no-light", "dark", LIKELY, recipe="x-ray", asks=0),
    case("going back to its backup", "restore", "busy", LIKELY, asks=0, recipe="x-ray"),
    case(
        "orange of a deep update taken for yellow",
        "dfu",
        "yellow-but-running",
        GUESS,
        recipe="why-not-connecting",
        asks=0,
    ),
    case("one red blink", "one-red", "count-again", GUESS, board="photon", recipe="why-not-connecting", asks=0),
    # --- it does not try ---
    case(
        "program keeps the radio off",
        "network-off",
        "program-decides",
        LIKELY,
        answers={"program": "yes"},
        recipe="flash-file",
    ),
    case(
        "white whatever one does",
        "pulsing-white",
        "radio-does-not-start",
        LIKELY,
        answers={"program": "no"},
        recipe="factory-reset",
    ),
    case(
        "a Photon breathing white without reason",
        "network-off",
        "idle-without-reason",
        GUESS,
        answers={"program": "no"},
        board="photon",
        recipe="x-ray",
    ),
    case("breathing blue, nothing known", "network-on", "idle", GUESS, recipe="why-not-connecting"),
    case(
        "online, and its program keeps off the cloud",
        "connected",
        "program-decides",
        LIKELY,
        answers={"program": "yes"},
        board="photon",
        recipe="flash-file",
    ),
    # --- step 0 ---
    case(
        "network on 5 GHz only",
        "connecting",
        "network-does-not-fit",
        CERTAIN,
        heard=HEARD,
        answers={"network": "Home-5G", "credentials": "sure"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "channel 13 and a Core",
        "connecting",
        "network-does-not-fit",
        CERTAIN,
        heard=HEARD,
        answers={"network": "Thirteen", "credentials": "sure"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "never told", "connecting", "never-told", LIKELY, answers={"credentials": "never"}, recipe="join-wifi", asks=5
    ),
    case(
        "password changed at the router",
        "connecting",
        "network-changed",
        LIKELY,
        answers={"credentials": "changed"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "password not sure",
        "connecting",
        "wrong-password",
        LIKELY,
        answers={"credentials": "unsure"},
        board="photon",
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "not heard here",
        "connecting",
        "not-heard",
        LIKELY,
        heard=HEARD,
        answers={"network": "other", "credentials": "sure"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "too far away",
        "connecting",
        "too-far",
        LIKELY,
        heard=HEARD,
        answers={"network": "Barn", "credentials": "sure"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "loose antenna",
        "connecting",
        "antenna",
        LIKELY,
        answers={"basics": "antenna", "credentials": "sure"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "weak power",
        "connecting",
        "power",
        LIKELY,
        answers={"basics": "power", "credentials": "sure"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "802.11n only",
        "connecting",
        "only-n",
        LIKELY,
        answers={"router": "only-n", "credentials": "sure"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "access list",
        "connecting",
        "only-listed",
        LIKELY,
        answers={"router": "listed", "credentials": "sure"},
        board="photon",
        recipe="read-id",
        asks=5,
    ),
    case(
        "access list, and networks are heard",
        "connecting",
        "only-listed",
        LIKELY,
        heard=HEARD,
        joined=b"Home",
        checks=WELL,
        answers={
            "credentials": "sure",
            "network": "Home",
            "basics": "neither",
            "router": "listed",
            "elsewhere": "untried",
        },
        board="photon",
        recipe="read-id",
        asks=5,
    ),
    case(
        "channel 13, and a computer without Wi-Fi",
        "connecting",
        "channel",
        LIKELY,
        answers={"router": "channel", "credentials": "sure", "basics": "neither"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "a school's network, and a computer without Wi-Fi",
        "connecting",
        "not-for-a-core",
        LIKELY,
        answers={"router": "company", "credentials": "sure", "basics": "neither"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "a school's network and a Photon",
        "connecting",
        "company-network",
        LIKELY,
        answers={"router": "company", "credentials": "sure", "basics": "neither"},
        board="photon",
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "open network in a café",
        "connecting",
        "network-warns",
        GUESS,
        heard=HEARD,
        answers={"network": "Cafe", "credentials": "sure"},
        recipe="join-wifi",
        asks=5,
    ),
    case("nothing known but green", "connecting", "password", GUESS, recipe="join-wifi", asks=5),
    # --- steps 2 and 3 ---
    case(
        "works elsewhere",
        "connecting",
        "this-router",
        LIKELY,
        answers={"elsewhere": "yes", "credentials": "sure", "router": "neither", "basics": "neither"},
        board="photon",
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "a Core that works nowhere",
        "connecting",
        "the-radio",
        LIKELY,
        answers={"elsewhere": "no", "credentials": "sure", "router": "neither", "basics": "neither"},
        recipe="full-firmware-upgrade",
        asks=5,
    ),
    case(
        "a Photon that works nowhere",
        "connecting",
        "the-system",
        LIKELY,
        answers={"elsewhere": "no", "credentials": "sure", "router": "neither", "basics": "neither"},
        board="photon",
        recipe="clear-wifi",
        asks=5,
    ),
    case(
        "never restarted",
        "",
        "not-cleared",
        GUESS,
        answers={"cleared": "no", "credentials": "sure", "elsewhere": "untried"},
        recipe="clear-wifi",
        asks=5,
    ),
    # --- step 4 ---
    case(
        "fixed addresses at the router",
        "dhcp",
        "no-dhcp",
        LIKELY,
        answers={"addresses": "off"},
        recipe="why-not-connecting",
        asks=3,
    ),
    case(
        "router is full",
        "dhcp",
        "addresses-used-up",
        LIKELY,
        answers={"addresses": "full"},
        recipe="why-not-connecting",
        asks=3,
    ),
    case("no address, nothing known", "dhcp", "no-address", GUESS, board="photon", recipe="why-not-connecting", asks=5),
    # --- the way to the cloud, measured ---
    case(
        "internet is down",
        "no-internet",
        "no-internet-here",
        CERTAIN,
        checks=checks(internet=State.FAILED),
        answers={"same": "yes"},
        recipe="why-not-connecting",
    ),
    case(
        "sign-in page, measured",
        "no-internet",
        "sign-in-page-here",
        CERTAIN,
        checks=checks(portal=State.FAILED),
        answers={"same": "yes"},
        recipe="join-wifi",
        board="photon",
    ),
    case(
        "name server filters",
        "cloud-connecting",
        "name-not-found",
        LIKELY,
        checks=checks(internet=State.OK, portal=State.OK, name=State.FAILED),
        answers={"same": "yes", "cloud": "particle"},
        recipe="why-not-connecting",
        asks=4,
    ),
    case(
        "port 5683 shut, measured",
        "no-cloud",
        "port-shut",
        LIKELY,
        checks=SHUT,
        answers={"same": "yes", "cloud": "particle"},
        recipe="why-not-connecting",
        asks=4,
    ),
    case(
        "port 5683 shut from here, and a server of one's own",
        "no-cloud",
        "own-server",
        LIKELY,
        checks=SHUT,
        answers={"same": "yes", "cloud": "own"},
        recipe="local-cloud",
        asks=4,
    ),
    case(
        "port 5683 shut from here, and nobody knows which cloud",
        "no-cloud",
        "way-is-shut",
        GUESS,
        checks=SHUT,
        answers={"same": "yes"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "offline here, and a server of one's own in the house",
        "cloud-connecting",
        "own-server",
        LIKELY,
        checks=checks(internet=State.FAILED),
        answers={"same": "yes", "cloud": "own"},
        recipe="local-cloud",
        asks=4,
    ),
    case(
        "two blinks, and the way is free from here",
        "no-internet",
        "kept-back",
        GUESS,
        checks=WELL,
        answers={"same": "yes", "cloud": "particle"},
        board="photon",
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "the way is free from here",
        "no-cloud",
        "way-is-free",
        GUESS,
        checks=WELL,
        answers={"same": "yes", "cloud": "particle"},
        recipe="check-keys",
        asks=5,
    ),
    # --- the way to the cloud, told ---
    case(
        "a server of one's own",
        "cloud-connecting",
        "own-server",
        LIKELY,
        answers={"cloud": "own"},
        recipe="local-cloud",
        asks=5,
    ),
    case(
        "sign-in page, told",
        "no-internet",
        "sign-in-page",
        LIKELY,
        answers={"there": "portal"},
        recipe="join-wifi",
        asks=5,
    ),
    case(
        "no internet, told",
        "no-internet",
        "no-internet-told",
        LIKELY,
        answers={"there": "no-internet"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "a school's firewall",
        "cloud-connecting",
        "firewall",
        LIKELY,
        answers={"there": "firewall"},
        board="photon",
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "an early Core that goes on blinking cyan",
        "cloud-connecting",
        "radio-software",
        LIKELY,
        answers={"others": "yes"},
        recipe="deep-update",
        asks=5,
    ),
    case("cyan, red now and then", "cyan-red", "red-now-and-then", LIKELY, recipe="why-not-connecting", asks=0),
    case(
        "red now and then, on a Photon",
        "handshake-red",
        "red-now-and-then",
        LIKELY,
        answers={"how-often": "sometimes"},
        board="photon",
        recipe="why-not-connecting",
        asks=1,
    ),
    case(
        "reaches its cloud from nowhere",
        "no-cloud",
        "nowhere-to-the-cloud",
        LIKELY,
        answers={"elsewhere": "no", "cloud": "particle", "there": "plain"},
        recipe="check-keys",
        asks=5,
    ),
    case("two blinks, nothing known", "no-internet", "no-internet", GUESS, recipe="why-not-connecting", asks=5),
    case("cyan for ever, nothing known", "cloud-connecting", "cloud-silent", GUESS, recipe="check-keys", asks=5),
    # --- keys ---
    case(
        "damaged key, read",
        "handshake-orange",
        "keys-read",
        CERTAIN,
        keys=read_keys(KeyState.CORRUPT),
        recipe="change-key",
        asks=0,
    ),
    case(
        "server may not know the key, read",
        "handshake-orange",
        "keys-read-likely",
        LIKELY,
        keys=read_keys(KeyState.GOOD),
        recipe="check-keys",
        asks=0,
    ),
    case(
        "a red flash, and keys that look well, read",
        "handshake-red",
        "keys-read-perhaps",
        GUESS,
        keys=read_keys(KeyState.GOOD, LightSeen.RED),
        recipe="prove-handshake",
        asks=0,
    ),
    case(
        "keys are in order, read",
        "handshake-red",
        "keys-fit",
        GUESS,
        keys=read_keys(KeyState.GOOD, LightSeen.UNSEEN),
        recipe="prove-handshake",
        asks=0,
    ),
    case("a new key nobody was told", "handshake-orange", "new-key", LIKELY, new_key=True, recipe="check-keys", asks=0),
    case("orange flash", "handshake-orange", "device-key", LIKELY, recipe="check-keys", asks=0),
    case("magenta flash", "handshake-magenta", "server-key", LIKELY, recipe="check-keys", asks=0),
    case(
        "red flash every time",
        "handshake-red",
        "red-every-time",
        LIKELY,
        answers={"how-often": "always"},
        recipe="check-keys",
        asks=1,
    ),
    case("fast cyan that never ends", "handshake", "handshake", GUESS, recipe="check-keys", asks=1),
    case(
        "reaches its cloud from nowhere, and the key on it is damaged",
        "no-cloud",
        "keys-read",
        CERTAIN,
        answers={"elsewhere": "no", "cloud": "particle", "there": "plain"},
        keys=read_keys(KeyState.CORRUPT, LightSeen.BLINKS),
        recipe="change-key",
        asks=0,
    ),
    case(
        "keys are in order, and its server does not answer here either",
        "no-cloud",
        "server-silent",
        LIKELY,
        checks=SHUT,
        keys=read_keys(KeyState.GOOD, LightSeen.BLINKS),
        recipe="switch-cloud",
        asks=0,
    ),
    # --- doubtful lights ---
    case(
        "orange or red, hard to tell",
        (("handshake-orange", 0.5), ("handshake-red", 0.5)),
        "device-key",
        LIKELY,
        recipe="check-keys",
        asks=0,
    ),
    case(
        "cyan, or a white that pales",
        (("cloud-connecting", 0.7), ("network-off", 0.3)),
        "firewall",
        LIKELY,
        answers={"there": "firewall"},
        recipe="why-not-connecting",
        asks=5,
    ),
    case(
        "nobody sees the light, password not sure",
        "",
        "wrong-password",
        LIKELY,
        answers={"credentials": "unsure"},
        recipe="join-wifi",
        asks=5,
    ),
    case("nobody sees the light, nothing known", "", "unseen", GUESS, recipe="why-not-connecting", asks=5),
)
