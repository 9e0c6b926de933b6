"""What the local cloud guide says: whether the server answers, what to watch, and which step is missing.

Pure: from what was found of the server and its folder, and from what the person saw on the light. Sources:
device-protocol.md 4.2, 4.3, 9.2, 10.1, 10.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from ipaddress import AddressValueError, IPv4Address

from app.faults import per_os
from app.platforms.model import Platform
from app.recipes.prove_handshake_words import OPTIONS, Finding, Seen
from app.recipes.system_set import system_regions
from app.text import Text, text
from app.transports.network import Reach
from app.work.questions import Choose, LightStage, WatchLight
from app.work.verdicts import FULL_UPGRADE, RESTORE

API_PORT = 8080  # 10.3
BOARD_PORT = 5683  # 10.3, and what firmware uses where none is stored (4.3)
SELF = "local-cloud"
CHECK_KEYS = "check-keys"
RESTORE_KEY = "restore-key"
JOIN_WIFI = "join-wifi"
PROVE = "prove-handshake"

CHECK, AGAIN, ANYWAY = "server-check", "again", "anyway"
LIGHT, CONNECTED = "seen", "connected"
SAME_NET = 24  # bits; how large the network is cannot be told from an address, this is the usual size in a house


# --- the server -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reached:
    """What trying both ports of a server told.

    Attributes:
        host: Its address.
        port: The port for boards.
        boards: What that port told.
        programs: What the port for programs told.
    """

    host: str
    port: int
    boards: Reach
    programs: Reach

    @property
    def whole(self) -> bool:
        """Whether both answer."""
        return self.boards is self.programs is Reach.ANSWERS


PORT_WORDS = {
    Reach.ANSWERS: text("LocalCloud", "answers"),
    Reach.REFUSED: text("LocalCloud", "nothing listens there"),
    Reach.SILENT: text("LocalCloud", "no answer"),
    Reach.NO_HOST: text("LocalCloud", "no such computer"),
}
BOTH_ANSWER = text("LocalCloud", "{host} answers on port {port} for boards and on port {api} for programs.")
_NO_HOST = text(
    "LocalCloud",
    "There is no computer named {host}, or no way leads there from here. Check the address; a name that this computer "
    "does not find is seldom found by a board.",
)
_BOTH_REFUSE = text(
    "LocalCloud",
    "The computer {host} is there, but no local cloud runs on it: nothing listens on port {port} nor on port {api}. "
    "Start the server.",
)
_BOTH_SILENT = text(
    "LocalCloud",
    "{host} does not answer at all. It may be switched off, in another network, or its firewall keeps everything out.",
)
_ONLY_PROGRAMS = text(
    "LocalCloud",
    "On {host} port {api} for programs answers, but port {port} for boards does not: {boards}. Boards cannot connect "
    "like this. Allow TCP port {port} in the firewall of that computer, and see whether the server reported that it "
    "could not use that port.",
)
_ONLY_BOARDS = text(
    "LocalCloud",
    "On {host} port {port} for boards answers, but port {api} for programs does not: {programs}. A board can connect. "
    "If the server was not told another port for programs (NODE_PORT), something else may be listening there.",
)
_NEITHER = text(
    "LocalCloud",
    "On {host} neither port answers. Port {port} for boards: {boards}. Port {api} for programs: {programs}.",
)


def reached_words(reached: Reached) -> Text:
    """Say what trying the ports of a server told, and what to do about it."""
    boards, programs = reached.boards, reached.programs
    words = _NEITHER
    if reached.whole:
        words = BOTH_ANSWER
    elif Reach.NO_HOST in (boards, programs):
        words = _NO_HOST
    elif programs is Reach.ANSWERS:
        words = _ONLY_PROGRAMS
    elif boards is Reach.ANSWERS:
        words = _ONLY_BOARDS
    elif boards is programs:
        words = _BOTH_REFUSE if boards is Reach.REFUSED else _BOTH_SILENT
    return words.with_values(
        host=reached.host,
        port=reached.port,
        api=API_PORT,
        boards=PORT_WORDS[boards],
        programs=PORT_WORDS[programs],
    )


def check_question(reached: Reached) -> Choose:
    """Return what is asked when a server does not answer as it should."""
    return Choose(
        CHECK,
        text("LocalCloud", "The server does not answer as it should"),
        reached_words(reached),
        (
            (AGAIN, text("LocalCloud", "Try once more")),
            (ANYWAY, text("LocalCloud", "Go on all the same")),
        ),
    )


WARN_NOT_REACHED = text("LocalCloud", "The server did not answer as it should before the board was set to it: {found}")
_WARN_OTHER_NET = text(
    "LocalCloud",
    "{host} does not look as if it were in the network of this computer ({own}). A board reaches it only if a way "
    "leads there from the board's Wi-Fi.",
)


def other_network(host: str, own: tuple[str, ...]) -> Text | None:
    """Return a warning where a host of a house's network is not in any network of this computer, as far as it shows."""
    try:
        address = IPv4Address(host)
        mine = [IPv4Address(each) for each in own]
    except AddressValueError:
        return None
    near = [each for each in mine if not each.is_loopback]
    if not address.is_private or address.is_loopback or not near:
        return None
    shift = 32 - SAME_NET
    if any(int(each) >> shift == int(address) >> shift for each in near):
        return None
    return _WARN_OTHER_NET.with_values(host=host, own=", ".join(map(str, near)))


# --- the light ------------------------------------------------------------------------------------------------------

_WATCH_TITLE = text("LocalCloud", "Wait until the board is connected")
_WATCH_BODY = text(
    "LocalCloud",
    "The board connects to its Wi-Fi and then calls {host}, port {port}. That takes up to a minute. Say what its light "
    "shows in the end.",
)
_WATCH_AGAIN = text(
    "LocalCloud",
    "The server knows the key now. The board tries again by itself; tap RESET on it if you do not want to wait. If it "
    "goes on as before, end the server and start it again. Say what the light shows in the end.",
)
_BREATHES = text("LocalCloud", "It breathes cyan: connected")
_STAGES = (
    ("connecting", text("LocalCloud", "It looks for its network")),
    ("cloud-connecting", text("LocalCloud", "It calls the server")),
    ("handshake", text("LocalCloud", "Both prove who they are")),
    ("cloud-connected", text("LocalCloud", "It is connected")),
)


def watch_question(platform: Platform, host: str, port: int, *, again: bool) -> WatchLight:
    """Return what the person is shown while the board starts and connects; USB does not tell whether it did."""
    era = platform.light_eras[0]
    options = [(CONNECTED, _BREATHES), *((seen.value, words) for seen, words in OPTIONS.items())]
    body = _WATCH_AGAIN if again else _WATCH_BODY.with_values(host=host, port=port)
    stages = tuple(LightStage(f"{era}.{name}", words) for name, words in _STAGES)
    return WatchLight(LIGHT, _WATCH_TITLE, body, platform, stages, tuple(options))


# --- the missing step -----------------------------------------------------------------------------------------------


@unique
class Knocked(Enum):
    """What the server noted of a key that it does not know."""

    NOTHING = "nothing"
    LEFT = "left"  # it noted one, and the person did not want it accepted
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class FolderNow:
    """What the server's folder holds after the board was waited for.

    Attributes:
        right_server_key: Whether the server's key is the one that was written to the board.
        right_board_key: Whether the server has the board's own key.
        knocked: Whether it noted an unknown one.
        foreign: Whether what it noted is another key than the one in the board's slot.
    """

    right_server_key: bool
    right_board_key: bool
    knocked: Knocked = Knocked.NOTHING
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides which step is missing.

    Attributes:
        platform: The board's.
        device_id: Its ID.
        host: The server, as the board was told.
        port: The port it was told.
        usual_port: Whether that is the one which firmware of every age uses.
        honoured: Whether its firmware takes that port; None when that is not known.
        started: Whether the board was seen to start, or may have.
        connected: Whether the person saw it connected.
        seen: What else they saw, None when they said nothing.
        listens: Whether it turned out to wait in listening mode.
        loopback: Whether the address means the board itself.
        reached: What the server's ports told afterwards; None when they were not tried again.
        folder: What its folder holds; None when that is not on this computer.
        own_key: Whether there was a key on the board to be told to the server.
    """

    platform: Platform
    device_id: str
    host: str
    port: int
    usual_port: bool = True
    honoured: bool | None = True
    started: bool = True
    connected: bool = False
    seen: Seen | None = None
    listens: bool = False
    loopback: bool = False
    reached: Reached | None = None
    folder: FolderNow | None = None
    own_key: bool = True


_DONE = text("LocalCloud", "The board is connected to your local cloud.")
_DONE_WHY = text("LocalCloud", "Its light breathes cyan.")
_DONE_NEXT = text("LocalCloud", "To go back, use Switch to another cloud: the server it had before is offered there.")

_NOT_STARTED = text("LocalCloud", "Missing step: firmware. The board is set to your cloud, but it does not start.")
_NOT_STARTED_WHY = text("LocalCloud", "It stayed in update mode, or came back in it: no firmware on it starts.")
_NOT_STARTED_NEXT = text("LocalCloud", "Put firmware onto the board.")

_NO_WIFI = text("LocalCloud", "Missing step: Wi-Fi. The board waits in listening mode for a network.")
_NO_WIFI_WHY = text("LocalCloud", "No network is stored on it, or somebody held its button.")
_NO_WIFI_NEXT = text("LocalCloud", "Join a Wi-Fi network with it. It then calls your server by itself.")
_NO_JOIN = text("LocalCloud", "Missing step: network. The board does not get into the network it knows.")
_NO_JOIN_WHY = text("LocalCloud", "Blinking green means that it looks for that network.")
_NO_JOIN_NEXT = text(
    "LocalCloud",
    "Check that the network is on and in range, and that its password was not changed; if it was, join a Wi-Fi "
    "network with the board anew. These boards know Wi-Fi of 2.4 GHz only.",
)

_OLD_PORT = text(
    "LocalCloud", "Missing step: the port. The board never calls port {port}: its firmware is older than 0.4.9."
)
_OLD_PORT_WHY = text("LocalCloud", "Such firmware always calls port 5683, whatever is stored.")
_OLD_PORT_NEXT = text(
    "LocalCloud", "Let the server listen on port 5683 and start this again, or put newer firmware onto the board."
)
_MAYBE_OLD_PORT = text(
    "LocalCloud",
    "How old the board's firmware is could not be told. Before 0.4.9 it always calls port 5683, never {port}.",
)

_LOOPBACK = text("LocalCloud", "Missing step: the address. {host} means the board itself, where no server runs.")
_LOOPBACK_WHY = text("LocalCloud", "Every computer and every board calls itself by that address.")
_LOOPBACK_NEXT = text("LocalCloud", "Start this again with the address that the server has in your network.")

_KNOCKED = text(
    "LocalCloud",
    "Missing step: the board's key. The server saw the board with a key it does not know, and refused it.",
)
_KNOCKED_WHY = text("LocalCloud", "It noted that key as core_keys/{id}_handshake.pub.pem, and it was not accepted.")
_KNOCKED_NEXT = text(
    "LocalCloud", "Start this again and accept the key; or take “_handshake” out of the name of that file yourself."
)
_FOREIGN_WHY = text(
    "LocalCloud",
    "The key it saw is not the one that was read from the board: the firmware made a new one, or reads it differently.",
)

_WRONG_SERVER = text(
    "LocalCloud", "Missing step: the server's key. The board has another one than the server works with."
)
_WRONG_SERVER_WHY = text("LocalCloud", "In the server's folder is another key now than the one written to the board.")
_WRONG_SERVER_FLASH = text(
    "LocalCloud", "The flash of magenta means that the board does not accept the signature of the server."
)
_WRONG_SERVER_NEXT = text(
    "LocalCloud",
    "Start this again and choose default_key.pub.pem of the server that runs on {host}. If the server was set up anew, "
    "it has a new key.",
)

_WRONG_BOARD = text("LocalCloud", "Missing step: the board's key. The server has another key for this board, or none.")
_WRONG_BOARD_WHY = text("LocalCloud", "The file {id}.pub.pem in its folder is gone, or holds another key.")
_WRONG_BOARD_FLASH = text(
    "LocalCloud",
    "The flash of orange means that the board could not read what the server locked for it: the server used the key of "
    "another board, or an older one.",
)
SAVE_KEY = text(
    "LocalCloud",
    "Save the public key of this board as core_keys/{id}.pub.pem in the server's folder, in a newer fork as "
    "data/deviceKeys/{id}.pub.pem, and start the server again. Then reset the board.",
)

_STALE = text("LocalCloud", "Missing step: restart the server. It does not use the key of this board that it has.")
_STALE_WHY = text(
    "LocalCloud",
    "In its folder everything is right: its own key is on the board, and it has the board's. It may have read them "
    "before; or it works in another folder.",
)
_STALE_NEXT = text(
    "LocalCloud", "End the server, start it again in this very folder, and reset the board. See what it reports."
)

_REFUSED = text("LocalCloud", "The server was reached, but one of the two keys is wrong: it broke off the handshake.")
_REFUSED_WHY = text(
    "LocalCloud",
    "The flash of red means that: either the board has another key of the server than it works with, or the server "
    "does not know the board's key.",
)
_LOOK_FOR_KNOCK = text(
    "LocalCloud",
    "Look into the server's folder. If there is core_keys/{id}_handshake.pub.pem, the server does not know the board's "
    "key: take “_handshake” out of the name. If there is no such file, the board has the wrong key of the server: "
    "start this again with the right default_key.pub.pem.",
)
_MADE_OWN = text(
    "LocalCloud",
    "The board had no key of its own and made one when it started. The server has to learn it: look for "
    "core_keys/{id}_handshake.pub.pem in the server's folder and take “_handshake” out of the name.",
)

_DOWN = text("LocalCloud", "Missing step: the server does not run. Nothing listens on port {port} of {host} now.")
_DOWN_WHY = text("LocalCloud", "The computer {host} answers, but refuses that port.")
_DOWN_NEXT = text("LocalCloud", "Start the server, see whether it reports an error, then reset the board.")
_GONE = text("LocalCloud", "Missing step: the server cannot be reached. {host} does not answer on port {port}.")
_GONE_WHY = text(
    "LocalCloud", "It is switched off, in another network, has another address now, or its firewall keeps boards out."
)
_NAMELESS = text("LocalCloud", "Missing step: the address. No computer named {host} is found.")
_NAMELESS_WHY = text("LocalCloud", "What this computer does not find, a board seldom finds.")
_NAMELESS_NEXT = text("LocalCloud", "Start this again with the IPv4 address of the server.")
_NEVER_CALLED = text("LocalCloud", "The board did not get through to the server, although it answers from here.")
_NEVER_CALLED_WHY = text(
    "LocalCloud",
    "The board goes on blinking cyan: it calls {host}, port {port}, and nobody takes the call. From this computer that "
    "port answers.",
)
_UNSEEN = text("LocalCloud", "Whether the board is connected is not known.")
_UNSEEN_WHY = text("LocalCloud", "Nobody said what the light shows. From this computer port {port} of {host} answers.")
_UNSEEN_NEXT = text(
    "LocalCloud",
    "Look at the light: breathing cyan is connected. If it is anything else, start this again and say what it shows.",
)
_SAME_NET = text(
    "LocalCloud",
    "Is the board in the same network as {host}? Guest networks often let devices see the internet only, and not each "
    "other.",
)
_FIREWALL = per_os(
    linux=text(
        "LocalCloud",
        "Allow TCP port {port} in the firewall of the computer with the server, for example with “sudo ufw allow "
        "{port}/tcp”.",
    ),
    windows=text(
        "LocalCloud",
        "Allow the server in the firewall of its computer (Windows Security, Firewall), also for public networks.",
    ),
    mac=text(
        "LocalCloud",
        "Allow the server in the firewall of its computer (System Settings, Network, Firewall, Options).",
    ),
)
_RED_NEXT = text("LocalCloud", "What the server reports when the board calls tells more.")

KEY_UNFIT = text("LocalCloud", "Missing step: a key of its own. The board has none it can use, so nothing was done.")
KEY_UNFIT_NEXT = text("LocalCloud", "Restore its key from a backup, or make it a new one. Then start this again.")


def finding(around: Circumstances) -> Finding:
    """Return which step is missing, or that none is, in words."""
    found = _finding(around)
    values = {"host": around.host, "port": around.port, "id": around.device_id}
    return Finding(
        found.summary.with_values(**values),
        found.cause.with_values(**values),
        tuple(step.with_values(**values) for step in found.next_steps),
        found.repair,
    )


def _finding(around: Circumstances) -> Finding:
    if around.connected:
        return Finding(_DONE, _DONE_WHY, (_DONE_NEXT,), "")
    if not around.started:
        return Finding(_NOT_STARTED, _NOT_STARTED_WHY, (_NOT_STARTED_NEXT,), _firmware(around.platform))
    joining = "" if around.platform.has_modem else JOIN_WIFI
    if around.listens or around.seen is Seen.BLUE:
        return Finding(_NO_WIFI, _NO_WIFI_WHY, (_NO_WIFI_NEXT,), joining)
    if around.seen is Seen.GREEN:
        return Finding(_NO_JOIN, _NO_JOIN_WHY, (_NO_JOIN_NEXT,), joining)
    if around.honoured is False and not around.usual_port:
        return Finding(_OLD_PORT, _OLD_PORT_WHY, (_OLD_PORT_NEXT,), _firmware(around.platform))
    if around.loopback:
        return Finding(_LOOPBACK, _LOOPBACK_WHY, (_LOOPBACK_NEXT,), SELF)
    return _keys(around) or _way(around)


def _keys(around: Circumstances) -> Finding | None:
    """Return what is wrong with the keys, as far as folder or light tell."""
    folder, seen = around.folder, around.seen
    if folder is not None:
        if folder.knocked is Knocked.LEFT:
            why = _FOREIGN_WHY if folder.foreign else _KNOCKED_WHY
            return Finding(_KNOCKED, why, (_KNOCKED_NEXT,), SELF)
        if not folder.right_server_key:
            return Finding(_WRONG_SERVER, _WRONG_SERVER_WHY, (_WRONG_SERVER_NEXT,), SELF)
        if not folder.right_board_key and around.own_key:
            return Finding(_WRONG_BOARD, _WRONG_BOARD_WHY, (SAVE_KEY,), SELF)
        if seen in (Seen.ORANGE, Seen.RED, Seen.MAGENTA):
            return Finding(_STALE, _STALE_WHY, (_STALE_NEXT,), CHECK_KEYS)
        return None
    if seen in (Seen.ORANGE, Seen.RED) and not around.own_key:
        return Finding(_REFUSED, _REFUSED_WHY, (_MADE_OWN,), SELF)
    if seen is Seen.ORANGE:
        return Finding(_WRONG_BOARD, _WRONG_BOARD_FLASH, (SAVE_KEY,), SELF)
    if seen is Seen.MAGENTA:
        return Finding(_WRONG_SERVER, _WRONG_SERVER_FLASH, (_WRONG_SERVER_NEXT,), SELF)
    if seen is Seen.RED:
        return Finding(_REFUSED, _REFUSED_WHY, (_LOOK_FOR_KNOCK, _RED_NEXT), SELF)
    return None


def _way(around: Circumstances) -> Finding:
    """Return what is wrong with the way to the server: nothing tells of the keys."""
    maybe_old = around.honoured is None and not around.usual_port
    port = (_MAYBE_OLD_PORT,) if maybe_old else ()
    match None if around.reached is None else around.reached.boards:
        case Reach.NO_HOST:
            return Finding(_NAMELESS, _NAMELESS_WHY, (_NAMELESS_NEXT,), SELF)
        case Reach.REFUSED:
            return Finding(_DOWN, _DOWN_WHY, (_DOWN_NEXT, *port), SELF)
        case Reach.SILENT:
            return Finding(_GONE, _GONE_WHY, (_FIREWALL, _SAME_NET, *port), SELF)
    proof = CHECK_KEYS if around.platform.has_modem else PROVE
    if around.seen is Seen.CYAN:
        return Finding(_NEVER_CALLED, _NEVER_CALLED_WHY, (*port, _FIREWALL, _SAME_NET), proof)
    return Finding(_UNSEEN, _UNSEEN_WHY, (_UNSEEN_NEXT, *port, _FIREWALL, _SAME_NET), proof)


def _firmware(platform: Platform) -> str:
    """Return the recipe that puts good firmware onto such a board."""
    return RESTORE if system_regions(platform) else FULL_UPGRADE
