"""What a handshake proves, in words: a line for each of its steps, the cause of a failure, what to do, the one repair.

Pure: from how far the best attempt came and what the person saw on the light. Sources: device-protocol.md 4.2, 4.3,
9.2, 10.1; the handshake's steps are those of `app.protocols.handshake.Stage`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.faults import per_os
from app.platforms.model import Mode, Platform
from app.protocols.handshake import Failure, Stage
from app.recipes.system_set import system_regions
from app.text import Text, text
from app.work.events import Fact
from app.work.probe import Attempt, Verdict
from app.work.questions import LightStage, WatchLight
from app.work.verdicts import FULL_UPGRADE, RESTORE

CHECK_KEYS = "check-keys"
CHANGE_KEY = "change-key"
RESTORE_KEY = "restore-key"
JOIN_WIFI = "join-wifi"
SWITCH_CLOUD = "switch-cloud"
READ_ID = "read-id"
SELF = "prove-handshake"

LIGHT = "seen"
"""Name of the question that shows the light."""


@unique
class Seen(Enum):
    """What the person may answer while the program waits."""

    STOP = "stop"
    GREEN = "green"
    BLUE = "blue"
    CYAN = "cyan"
    ORANGE = "orange"
    MAGENTA = "magenta"
    RED = "red"


_WATCH_TITLE = text("ProveHandshake", "Wait until the board calls")
_WATCH_BODY = text(
    "ProveHandshake",
    "The board connects to its Wi-Fi and then calls this computer at {address}, port {port}. That takes up to a "
    "minute, seldom three. Nothing has to be pressed. Its old server is put back afterwards in any case.",
)
OPTIONS = {
    Seen.GREEN: text("ProveHandshake", "It goes on blinking green"),
    Seen.BLUE: text("ProveHandshake", "It blinks blue"),
    Seen.CYAN: text("ProveHandshake", "It goes on blinking cyan"),
    Seen.ORANGE: text("ProveHandshake", "It flashes orange"),
    Seen.MAGENTA: text("ProveHandshake", "It flashes magenta"),
    Seen.RED: text("ProveHandshake", "It flashes red"),
    Seen.STOP: text("ProveHandshake", "I do not want to wait any longer"),
}
_STAGE_WIFI = text("ProveHandshake", "It looks for its Wi-Fi")
_STAGE_CALLS = text("ProveHandshake", "It calls this computer")
_STAGE_SHAKES = text("ProveHandshake", "Both prove who they are")
_STAGE_DONE = text("ProveHandshake", "It is connected, for a moment")


def watch_question(platform: Platform, address: str, port: int) -> WatchLight:
    """Return what the person is shown while the board starts and calls; its coming back in update mode ends it."""
    era = platform.light_eras[0]
    return WatchLight(
        LIGHT,
        _WATCH_TITLE,
        _WATCH_BODY.with_values(address=address, port=port),
        platform,
        (
            LightStage(f"{era}.connecting", _STAGE_WIFI),
            LightStage(f"{era}.cloud-connecting", _STAGE_CALLS),
            LightStage(f"{era}.handshake", _STAGE_SHAKES),
            LightStage(f"{era}.cloud-connected", _STAGE_DONE),
        ),
        tuple((seen.value, words) for seen, words in OPTIONS.items()),
        until=Mode.DFU,
    )


# --- on the way -----------------------------------------------------------------------------------------------------

_NEWS = {
    Stage.CALLED: text("ProveHandshake", "Somebody called from {peer}."),
    Stage.ANSWERED: text("ProveHandshake", "{peer} sent an answer."),
    Stage.KNOWS_SERVER: text("ProveHandshake", "It is the board, at {peer}: it knows the server key it was given."),
    Stage.KNOWS_ID: text("ProveHandshake", "It tells its own device ID."),
    Stage.SAME_KEY: text("ProveHandshake", "It was sent a session, locked with its key and signed."),
    Stage.DONE: text("ProveHandshake", "It knows its key, accepted the signature and said hello."),
}
_ENDED = {
    Failure.LEFT: text("ProveHandshake", "{peer} ended the connection."),
    Failure.CUT_SHORT: text("ProveHandshake", "{peer} ended the connection in the middle of a message."),
    Failure.SILENT: text("ProveHandshake", "{peer} said no more."),
    Failure.SLOW: text("ProveHandshake", "{peer} was too slow."),
    Failure.GARBAGE: text("ProveHandshake", "{peer} sent something that makes no sense."),
    Failure.WRONG_SERVER_KEY: text("ProveHandshake", "{peer} answered with another server key."),
    Failure.OLD_NONCE: text("ProveHandshake", "{peer} repeated an answer to an earlier connection."),
    Failure.WRONG_ID: text("ProveHandshake", "It tells another device ID."),
    Failure.OTHER_KEY: text("ProveHandshake", "It tells a public key that is not that of its slot."),
    Failure.BAD_SESSION: text("ProveHandshake", "Its hello cannot be read."),
}


def news(attempt: Attempt) -> Text:
    """Return a line about a connection that came further or ended."""
    words = _NEWS[attempt.stage] if attempt.failure is None else _ENDED[attempt.failure]
    return words.with_values(peer=attempt.peer)


# --- the lines ------------------------------------------------------------------------------------------------------

_DONE = text("ProveHandshake", "done")
_FAILED = text("ProveHandshake", "failed")
_NOT_REACHED = text("ProveHandshake", "not reached")
_NOT_TOLD = text("ProveHandshake", "done; this firmware does not send its public key")

_LINES = (
    ("call", text("ProveHandshake", "Calls this computer")),
    ("server-key", text("ProveHandshake", "Answers with the server key it was given")),
    ("device-id", text("ProveHandshake", "Tells its own device ID")),
    ("public-key", text("ProveHandshake", "Sends the public half of the key in its slot")),
    ("session", text("ProveHandshake", "Reads the session with its key, accepts the signature")),
    ("hello", text("ProveHandshake", "Says hello in the session")),
)


def lines(best: Attempt | None, *, waited: bool) -> tuple[Fact, ...]:
    """Return a fact for each step of the handshake: done, failed or not reached.

    Args:
        best: The attempt that came furthest, None when nobody called.
        waited: Whether the board was started and waited for.
    """
    done = 0 if best is None else _done(best)
    failed = waited and (best is None or best.failure is not None)
    found = []
    for number, (key, label) in enumerate(_LINES):
        value = _DONE if number < done else _FAILED if number == done and failed else _NOT_REACHED
        if key == "public-key" and number < done and best is not None and best.told_key is False:
            value = _NOT_TOLD
        found.append(Fact(f"step-{key}", label, value))
    return tuple(found)


def _done(best: Attempt) -> int:
    """How many of the lines were done. A hello that cannot be read shows all the same that the signature was taken."""
    if best.stage is Stage.DONE:
        return len(_LINES)
    if best.failure is Failure.BAD_SESSION:
        return len(_LINES) - 1
    return {
        Stage.CALLED: 1,
        Stage.ANSWERED: 1,
        Stage.KNOWS_SERVER: 2,
        Stage.KNOWS_ID: 3,
        Stage.SAME_KEY: 4,
    }[best.stage]


# --- the verdict ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it.

    Attributes:
        summary: The verdict, in one sentence.
        cause: Why, as far as that is known.
        next_steps: What to do.
        repair: Key of the recipe that repairs it; "" when none does.
    """

    summary: Text
    cause: Text
    next_steps: tuple[Text, ...]
    repair: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else decides the words.

    Attributes:
        platform: The board's.
        address: This computer's address, as the board was told.
        port: The port.
        seen: What the person saw on the light, None when they said nothing.
        listens: Whether the board turned out to wait in listening mode.
        told_id: The ID the board told, "" for none.
        peer: Address of the best caller, "" for none.
    """

    platform: Platform
    address: str
    port: int
    seen: Seen | None = None
    listens: bool = False
    told_id: str = ""
    peer: str = ""


_PROVEN = text("ProveHandshake", "Proven: the board and this computer understood each other.")
_PROVEN_WHY = text(
    "ProveHandshake", "Its Wi-Fi works, it can use its private key, and it accepts a server whose key it was given."
)
_PROVEN_NEXT = text(
    "ProveHandshake",
    "If it does not reach its own cloud all the same: that cloud has to know the board's public key, and the board has "
    "to hold that cloud's server key. Check the keys.",
)

_NOBODY = text("ProveHandshake", "Nothing arrived: the board did not call this computer.")
_NOBODY_WHY = text("ProveHandshake", "What kept it is not known. It was told to call {address}, port {port}.")
_NO_WIFI = text("ProveHandshake", "The board did not call: it is in listening mode and waits for a Wi-Fi network.")
_NO_WIFI_WHY = text("ProveHandshake", "This board has no Wi-Fi networks stored, or somebody held its button.")
_NO_WIFI_NEXT = text("ProveHandshake", "Join a Wi-Fi network with it, the one of this computer. Then start this again.")
_NO_JOIN = text("ProveHandshake", "The board did not call: it does not get into its Wi-Fi.")
_NO_JOIN_WHY = text("ProveHandshake", "Blinking green means that it looks for a network that it knows.")
_NO_JOIN_NEXT = text(
    "ProveHandshake",
    "Check that the network is on, in range and has 2.4 GHz, and that its name and password were not changed. "
    "Join a Wi-Fi network with it anew if they were.",
)
_NO_WAY = text("ProveHandshake", "The board is in its Wi-Fi but does not get through to this computer.")
_NO_WAY_WHY = text(
    "ProveHandshake", "Blinking cyan means that it tries to call {address}, port {port}, and nobody takes the call."
)
_SAME_NETWORK = text(
    "ProveHandshake",
    "Is this computer in the same network as the board? {address} has to be its address there. Guest networks often "
    "let devices see the internet only, and not each other.",
)
_RADIO = text("ProveHandshake", "The board only knows Wi-Fi of 2.4 GHz.")
_FIREWALL = per_os(
    linux=text(
        "ProveHandshake",
        "A firewall on this computer may have kept it out. Allow TCP port {port}, for example with “sudo ufw allow "
        "{port}/tcp”, and start this again.",
    ),
    windows=text(
        "ProveHandshake",
        "The firewall of this computer may have kept it out. Allow this program in Windows Security, Firewall, also "
        "for public networks, and start this again.",
    ),
    mac=text(
        "ProveHandshake",
        "The firewall of this computer may have kept it out. Allow this program in System Settings, Network, Firewall, "
        "Options, and start this again.",
    ),
)
_OLD_PORT = text("ProveHandshake", "Firmware before 0.4.9 always calls port 5683, whatever it was told.")

_RUBBISH = text("ProveHandshake", "Something called from {peer}, but it did not speak like a board.")
_RUBBISH_WHY = text(
    "ProveHandshake", "Perhaps it was another program or device of your network, or the connection was lost at once."
)
_AGAIN = text("ProveHandshake", "Start this again, with the board nearer to the Wi-Fi router.")

_SERVER_KEY = text("ProveHandshake", "A board called from {peer}, but it answered with another server key.")
_SERVER_KEY_WHY = text(
    "ProveHandshake",
    "If no other board in your network has this computer as its server, this one does not use the server key in its "
    "memory: its firmware may be damaged or hold a key of its own.",
)
_SERVER_KEY_NEXT = text(
    "ProveHandshake", "Switch the board to its cloud once more, so that its server key is written anew."
)
_OLD_NONCE = text("ProveHandshake", "Something at {peer} repeated an old answer.")
_OLD_NONCE_WHY = text(
    "ProveHandshake", "A board never does that. Something between it and this computer repeats what it recorded."
)
_OLD_NONCE_NEXT = text("ProveHandshake", "Start this again in a network that you trust.")
_WRONG_ID = text("ProveHandshake", "The board tells another device ID than expected: {told}.")
_WRONG_ID_WHY = text("ProveHandshake", "It holds the memory of another board, or its device ID was noted wrongly.")
_WRONG_ID_NEXT = text(
    "ProveHandshake", "Read the device ID anew. A cloud has to know the board by the ID that it tells."
)
_OTHER_KEY = text("ProveHandshake", "The board uses another key than the one in its slot.")
_OTHER_KEY_WHY = text(
    "ProveHandshake",
    "The public key it sent is not that of the private key that was read: the firmware read it differently, or made a "
    "new one when it started.",
)
_OTHER_KEY_NEXT = text(
    "ProveHandshake", "Restore its key from a backup, or change it, and tell its cloud the public half."
)
_BROKE_OFF = text("ProveHandshake", "The board broke off when it was sent the session.")
_BROKE_OFF_WHY = text(
    "ProveHandshake",
    "It could not read the session with its private key, or it did not accept the signature. A flash of orange means "
    "the first, magenta the second.",
)
_UNREADABLE_WHY = text(
    "ProveHandshake", "The flash of orange means that it cannot read the session with its private key."
)
_SIGNATURE_WHY = text(
    "ProveHandshake", "The flash of magenta means that it does not accept the signature, although the key is right."
)
_KEY_NEXT = text("ProveHandshake", "Restore its key from a backup, or change it and tell its cloud the public half.")
_FIRMWARE_NEXT = text("ProveHandshake", "Put good firmware onto the board. Then start this again.")
_SILENT = text("ProveHandshake", "The board called and then said no more.")
_SILENT_WHY = text(
    "ProveHandshake", "The connection was lost in the middle of the handshake, or the waiting ended too early."
)
_BAD_HELLO = text("ProveHandshake", "The board accepted the session, but what it said in it cannot be read.")
_BAD_HELLO_WHY = text("ProveHandshake", "Its firmware reads the session differently, or the connection damaged it.")

_NOT_STARTED = text("ProveHandshake", "The board did not start, so no handshake could be tried.")
_NOT_STARTED_WHY = text("ProveHandshake", "It stayed in update mode, or came back in it: no firmware on it starts.")
_NOT_STARTED_NEXT = text("ProveHandshake", "Look at what is on the board. Without firmware it reaches no cloud.")

KEY_UNFIT = text("ProveHandshake", "No handshake was tried: the board cannot use the key it holds.")
KEY_UNFIT_NEXT = text("ProveHandshake", "Restore its key from a backup, or make it a new one. Then start this again.")


def finding(verdict: Verdict, around: Circumstances) -> Finding:
    """Return what came of it, in words."""
    values = {"address": around.address, "port": around.port, "peer": around.peer, "told": around.told_id}
    found = _finding(verdict, around)
    return Finding(
        found.summary.with_values(**values),
        found.cause.with_values(**values),
        tuple(step.with_values(**values) for step in found.next_steps),
        found.repair,
    )


def not_started(platform: Platform) -> Finding:
    """Return what is said of a board that stays in update mode."""
    return Finding(_NOT_STARTED, _NOT_STARTED_WHY, (_NOT_STARTED_NEXT,), _firmware(platform))


def _finding(verdict: Verdict, around: Circumstances) -> Finding:
    match verdict:
        case Verdict.PROVEN:
            return Finding(_PROVEN, _PROVEN_WHY, (_PROVEN_NEXT,), CHECK_KEYS)
        case Verdict.NOTHING_CAME:
            return _nothing_came(around)
        case Verdict.NO_ANSWER:
            return Finding(_RUBBISH, _RUBBISH_WHY, (_AGAIN, _SAME_NETWORK), SELF)
        case Verdict.WRONG_SERVER_KEY:
            return Finding(_SERVER_KEY, _SERVER_KEY_WHY, (_SERVER_KEY_NEXT,), SWITCH_CLOUD)
        case Verdict.OLD_NONCE:
            return Finding(_OLD_NONCE, _OLD_NONCE_WHY, (_OLD_NONCE_NEXT,), SELF)
        case Verdict.WRONG_ID:
            return Finding(_WRONG_ID, _WRONG_ID_WHY, (_WRONG_ID_NEXT,), READ_ID)
        case Verdict.OTHER_KEY:
            return Finding(_OTHER_KEY, _OTHER_KEY_WHY, (_OTHER_KEY_NEXT,), RESTORE_KEY)
        case Verdict.NOT_ACCEPTED:
            return _broke_off(around)
        case Verdict.SILENT:
            return Finding(_SILENT, _SILENT_WHY, (_AGAIN,), SELF)
        case Verdict.BAD_SESSION | Verdict.GARBAGE:
            return Finding(_BAD_HELLO, _BAD_HELLO_WHY, (_FIRMWARE_NEXT,), _firmware(around.platform))


def _nothing_came(around: Circumstances) -> Finding:
    if around.listens or around.seen is Seen.BLUE:
        return Finding(_NO_WIFI, _NO_WIFI_WHY, (_NO_WIFI_NEXT,), JOIN_WIFI)
    if around.seen is Seen.GREEN:
        return Finding(_NO_JOIN, _NO_JOIN_WHY, (_NO_JOIN_NEXT, _RADIO), JOIN_WIFI)
    old_port = () if around.port == around.platform.default_port else (_OLD_PORT,)
    if around.seen is Seen.CYAN:
        return Finding(_NO_WAY, _NO_WAY_WHY, (_FIREWALL, _SAME_NETWORK, *old_port), SELF)
    return Finding(_NOBODY, _NOBODY_WHY, (_SAME_NETWORK, _FIREWALL, _RADIO, *old_port), SELF)


def _broke_off(around: Circumstances) -> Finding:
    if around.seen is Seen.MAGENTA:
        return Finding(_BROKE_OFF, _SIGNATURE_WHY, (_FIRMWARE_NEXT,), _firmware(around.platform))
    why = _UNREADABLE_WHY if around.seen is Seen.ORANGE else _BROKE_OFF_WHY
    return Finding(_BROKE_OFF, why, (_KEY_NEXT,), RESTORE_KEY)


def _firmware(platform: Platform) -> str:
    """Return the recipe that puts good firmware onto such a board."""
    return RESTORE if system_regions(platform) else FULL_UPGRADE
