"""The rules by which it is judged why a board does not connect: what has to be the case, and what that means.

The rules are data, each with its source: sections of device-protocol.md, or a step of the user's support page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.platforms.model import Mode
from app.text import Text, text
from app.work.connect_case import OTHER, Case, Stage
from app.work.key_rules import Sureness
from app.work.preflight import Severity, State

JOIN, FORGET, CHECK_KEYS, PROVE = "join-wifi", "clear-wifi", "check-keys", "prove-handshake"
LOCAL, SWITCH = "local-cloud", "switch-cloud"
AGAIN = "why-not-connecting"
XRAY, RESTORE, UPGRADE, DEEP, RESET = (
    "x-ray",
    "restore-system",
    "full-firmware-upgrade",
    "deep-update",
    "factory-reset",
)
FLASH, BACK_UP, READ_ID = "flash-file", "back-up-key", "read-id"

SURENESS_WORDS = {
    Sureness.CERTAIN: text("Connect", "That is certain."),
    Sureness.LIKELY: text("Connect", "That is likely."),
    Sureness.POSSIBLE: text("Connect", "That is a guess."),
}
"""Beside the cause."""
SURENESS_REASONS = {
    Sureness.CERTAIN: text("Connect", "Certain: it was measured, or the board shows it."),
    Sureness.LIKELY: text("Connect", "Likely: it fits everything that was measured, seen and answered."),
    Sureness.POSSIBLE: text("Connect", "A guess: there is too little to go by."),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to be the case, and what that means.

    Attributes:
        code: Stable name.
        when: Whether it holds.
        sureness: How sure the cause is then, with a light that is sure.
        words: The cause, one sentence; places are filled with what was found.
        step: What to do next.
        recipes: What to go on with, the first one as the main button; those that do not fit the board are left out.
        source: Sections of the specification, or a step of the support page.
        by_light: Whether it hangs on what the light said, so that a doubtful light makes it doubtful.
        keys: Whether reading the board's keys would tell more.
    """

    code: str
    when: Callable[[Case], bool]
    sureness: Sureness
    words: Text
    step: Text
    recipes: tuple[str, ...]
    source: str
    by_light: bool = True
    keys: bool = False


_CERTAIN, _LIKELY, _POSSIBLE = Sureness.CERTAIN, Sureness.LIKELY, Sureness.POSSIBLE

GETS_IN = (Stage.JOINING, Stage.ADDRESS)
"""It tries to get into the network."""
WAYS = (Stage.CALLING, Stage.NO_INTERNET, Stage.NO_CLOUD)
"""It is in the network and does not reach its cloud."""
FLASHES = (Stage.RED, Stage.ORANGE, Stage.MAGENTA)
IDLE = (Stage.RADIO_OFF, Stage.RADIO_ON, Stage.ONLINE)
"""It could connect and does not try to."""
ENTRY = (Stage.JOINING, Stage.UNSEEN)
"""Where name, password and radio come into question; who waits for an address has got past those."""
NETWORK = (*GETS_IN, Stage.UNSEEN)
CLOUD = (*WAYS, Stage.UNSEEN)

_DO_JOIN = text("Connect", "Tell the board the network again, and have the password shown while you type.")
_DO_KEYS = text("Connect", "Check its keys: that tells which one is wrong, and repairs it.")
_RESTART_ROUTER = text("Connect", "Switch the router off and on, then press RESET on the board.")
_DO_RESTART = text("Connect", "Press RESET, wait a minute, and answer these questions once more.")

RULES: tuple[Rule, ...] = (
    # --- where USB tells it ---
    Rule(
        "no-start",
        lambda case: case.measured.starts is False,
        _CERTAIN,
        text("Connect", "The board comes back into update mode by itself: it has no firmware that can start."),
        text("Connect", "Look at what is on it; that tells what brings it back."),
        (XRAY, RESTORE, UPGRADE),
        "2.2, 3.1",
        by_light=False,
    ),
    Rule(
        "update-mode",
        lambda case: case.measured.mode is Mode.DFU and case.measured.starts is None and not case.measured.unfinished,
        _CERTAIN,
        text("Connect", "The board is in update mode (blinking yellow), where it does not connect to anything."),
        text("Connect", "Press RESET. When it runs, answer these questions once more."),
        (AGAIN, XRAY),
        "9.1",
        by_light=False,
    ),
    Rule(
        "listening",
        lambda case: case.at(Stage.LISTENING),
        _CERTAIN,
        text("Connect", "The board waits in setup mode (blinking blue): meanwhile it does not connect."),
        text(
            "Connect",
            "Tell it your network. Does it know it already? Then press RESET; if it blinks blue again after that, it "
            "knows none.",
        ),
        (JOIN, AGAIN),
        "5.1, 8.2, 9.2",
    ),
    Rule(
        "unfinished-rescue",
        lambda case: bool(case.measured.unfinished) and not case.at(Stage.CONNECTED),
        _LIKELY,
        text("Connect", "A rescue of this board was begun and never finished, so it may be half-written."),
        text("Connect", "Finish the rescue, or put back what was there; the first page offers both."),
        (XRAY,),
        "8.3, 8.5",
        by_light=False,
    ),
    Rule(
        "system-incomplete",
        lambda case: case.measured.system_sound is False and not case.at(Stage.CONNECTED),
        _LIKELY,
        text("Connect", "The board itself says that a part of its system is damaged, or does not fit the others."),
        text("Connect", "Write its system anew."),
        (RESTORE, UPGRADE, XRAY),
        "5.3",
        by_light=False,
    ),
    # --- where the light alone tells it ---
    Rule(
        "connected-unclaimed",
        lambda case: case.at(Stage.CONNECTED) and case.measured.claimed is False and not case.core,
        _LIKELY,
        text(
            "Connect", "The board is connected. It says that it belongs to no account, so no app or website shows it."
        ),
        text("Connect", "Add it to your account with its device ID."),
        (READ_ID,),
        "5.3, 10.2",
    ),
    Rule(
        "connected",
        lambda case: case.at(Stage.CONNECTED) and (case.core or case.measured.claimed is not False),
        _CERTAIN,
        text("Connect", "Nothing keeps it: breathing cyan means that the board is connected to its cloud."),
        text("Connect", "If your app does not show it, look whether it belongs to your account there."),
        (BACK_UP,),
        "9.2, 9.3",
    ),
    Rule(
        "safe-mode",
        lambda case: case.at(Stage.SAFE_MODE),
        _CERTAIN,
        text("Connect", "The board is in safe mode: it is connected, but your program does not run."),
        text("Connect", "Press RESET. If safe mode comes back, your program does not fit its system."),
        (RESTORE, XRAY, FLASH),
        "8.1, 9.3",
    ),
    Rule(
        "panic",
        lambda case: case.at(Stage.PANIC),
        _CERTAIN,
        text("Connect", "Its firmware crashes before it gets online."),
        text(
            "Connect",
            "Press RESET. If it crashes again, write other firmware. Boards that have a safe mode start in it without "
            "the program that crashes.",
        ),
        (XRAY, RESTORE, UPGRADE),
        "9.4",
    ),
    Rule(
        "power-off",
        lambda case: case.at(Stage.POWER_OFF),
        _CERTAIN,
        text("Connect", "The board is switching itself off."),
        text("Connect", "Press RESET to start it again."),
        (),
        "9.3",
    ),
    Rule(
        "no-firmware",
        lambda case: case.at(Stage.NO_FIRMWARE),
        _LIKELY,
        text("Connect", "The Core has power, but no firmware that runs."),
        text("Connect", "Try a factory reset. If nothing blinks during it, only a JTAG programmer can help."),
        (RESET, UPGRADE),
        "support page, special cases",
    ),
    Rule(
        "dark",
        lambda case: case.at(Stage.DARK),
        _LIKELY,
        text("Connect", "No light means too little power, although USB shows the board for now."),
        text("Connect", "Try another cable, another USB port and another power supply."),
        (XRAY,),
        "support page, special cases",
    ),
    Rule(
        "busy",
        lambda case: case.at(Stage.BUSY),
        _LIKELY,
        text("Connect", "The board is busy: it is being written, restored or reset, and connects after that."),
        text("Connect", "Keep the power on and wait three minutes. If nothing changes, press RESET."),
        (XRAY,),
        "8.3, 8.4, 9.1, support page",
    ),
    Rule(
        "yellow-but-running",
        lambda case: case.at(Stage.UPDATE) and case.measured.mode is not Mode.DFU,
        _POSSIBLE,
        text(
            "Connect",
            "USB shows that the board is not in update mode. A deep update blinks orange, which looks like yellow.",
        ),
        text("Connect", "Wait three minutes with the power on. If nothing changes, press RESET."),
        (AGAIN,),
        "8.4, support page",
    ),
    Rule(
        "count-again",
        lambda case: case.at(Stage.ONE_RED),
        _POSSIBLE,
        text("Connect", "One red blink is not used by any firmware known; two or three are, in orange."),
        text("Connect", "Count the blinks again, and answer these questions once more."),
        (AGAIN,),
        "9.3",
    ),
    # --- it could connect and does not try ---
    Rule(
        "program-decides",
        lambda case: case.at(*IDLE) and case.said("program", "yes"),
        _LIKELY,
        text("Connect", "Its own program decides when to connect, and has not done so."),
        text(
            "Connect",
            "Let the program connect, or write another one. A board that has a safe mode connects in it without the "
            "program.",
        ),
        (FLASH, XRAY),
        "8.1, 9.3",
    ),
    Rule(
        "radio-does-not-start",
        lambda case: case.at(Stage.RADIO_OFF) and case.core and case.said("program", "no"),
        _LIKELY,
        text("Connect", "The Core's radio does not start. Often that is a fault of the hardware."),
        text(
            "Connect",
            "Try another cable and power supply, then a factory reset. If it still breathes white, the radio cannot be "
            "repaired over USB: keep a copy of the key.",
        ),
        (RESET, UPGRADE, BACK_UP),
        "support page, special cases",
    ),
    Rule(
        "idle-without-reason",
        lambda case: case.at(*IDLE) and case.said("program", "no"),
        _POSSIBLE,
        text("Connect", "The board could connect and does not try to, although no program of yours holds it back."),
        text("Connect", "Press RESET. If it stays like this, look at what is on it."),
        (XRAY, RESTORE),
        "9.2, 9.3",
    ),
    Rule(
        "idle",
        lambda case: case.at(*IDLE),
        _POSSIBLE,
        text("Connect", "The board does not try to connect: it has just started, or its program holds it back."),
        _DO_RESTART,
        (AGAIN, XRAY),
        "9.2, 9.3",
    ),
    # --- into the network: step 0, the basics ---
    Rule(
        "network-does-not-fit",
        lambda case: case.at(*ENTRY) and case.finding(Severity.STOPS) is not None,
        _CERTAIN,
        text("Connect", "This board cannot join {name}: {finding}"),
        text("Connect", "{change}"),
        (JOIN,),
        "support page, known issues; preflight",
        by_light=False,
    ),
    Rule(
        "never-told",
        lambda case: case.at(*ENTRY) and case.said("credentials", "never"),
        _LIKELY,
        text("Connect", "The board was never told this network."),
        text("Connect", "Tell it the network's name and password."),
        (JOIN,),
        "support page, step 1",
    ),
    Rule(
        "network-changed",
        lambda case: case.at(*ENTRY) and case.said("credentials", "changed"),
        _LIKELY,
        text("Connect", "The board still knows the old name or the old password of the network."),
        text("Connect", "Tell it the network as it is now."),
        (JOIN, FORGET),
        "support page, step 0",
    ),
    Rule(
        "not-heard",
        lambda case: case.at(*ENTRY) and case.said("network", OTHER),
        _LIKELY,
        text(
            "Connect", "This computer does not hear your network either: it is out of range, hidden, or on 5 GHz only."
        ),
        text("Connect", "Bring board and computer near the router, and look whether it sends on 2.4 GHz."),
        (JOIN,),
        "support page, step 0",
    ),
    Rule(
        "too-far",
        lambda case: case.at(*ENTRY) and case.weak,
        _LIKELY,
        text("Connect", "The network {name} comes in weakly here, so the board may not hear it well enough."),
        text("Connect", "Bring the board near the router and try there."),
        (AGAIN, JOIN),
        "support page, step 0",
    ),
    Rule(
        "antenna",
        lambda case: case.at(*ENTRY) and case.said("basics", "antenna"),
        _LIKELY,
        text("Connect", "This Core has a socket in place of the antenna on the board, and no antenna firmly in it."),
        text("Connect", "Put an antenna on the socket until it clicks, then press RESET."),
        (AGAIN,),
        "support page, step 0",
    ),
    Rule(
        "power",
        lambda case: case.at(*ENTRY) and case.said("basics", "power"),
        _LIKELY,
        text("Connect", "The board may not get enough power to send: Wi-Fi needs 300 mA in bursts."),
        text("Connect", "Take off what else draws power, and use another cable, port or power supply."),
        (AGAIN,),
        "support page, step 0",
    ),
    Rule(
        "only-n",
        lambda case: case.at(*ENTRY) and case.core and case.said("router", "only-n"),
        _LIKELY,
        text("Connect", "The router takes 802.11n devices only, and a Core's radio knows 802.11b and g."),
        text("Connect", "Set the router to a mixed mode, with b and g."),
        (AGAIN,),
        "support page, known issues",
    ),
    Rule(
        "not-for-a-core",
        lambda case: case.at(*ENTRY) and case.core and case.said("router", "company"),
        _LIKELY,
        text("Connect", "The network asks for a user name (WPA Enterprise), and a Core can give a password only."),
        text("Connect", "Use a network with a password alone, for example the hotspot of a phone."),
        (JOIN,),
        "5.5, support page, known issues",
    ),
    Rule(
        "company-network",
        lambda case: case.at(*ENTRY) and not case.core and case.said("router", "company"),
        _LIKELY,
        text("Connect", "The network asks for a user name (WPA Enterprise); the board needs that, and firmware 0.7."),
        text("Connect", "Tell the board the network as its people describe it. A hotspot shows whether it is that."),
        (JOIN, RESTORE),
        "5.5, support page, known issues",
    ),
    Rule(
        "channel",
        lambda case: case.at(*ENTRY) and case.said("router", "channel"),
        _LIKELY,
        text("Connect", "The router sends where the board's radio does not hear it."),
        text("Connect", "Switch 2.4 GHz on at the router, with a channel from 1 to 11."),
        (JOIN,),
        "support page, known issues",
    ),
    Rule(
        "only-listed",
        lambda case: case.at(*NETWORK) and case.said("router", "listed"),
        _LIKELY,
        text("Connect", "The router lets only listed devices in, and this board may not be on the list."),
        text("Connect", "Switch the access list off for a try, or add the board's MAC address to it."),
        (READ_ID, AGAIN),
        "support page, step 4",
    ),
    Rule(
        "wrong-password",
        lambda case: case.at(*ENTRY) and not case.open and case.said("credentials", "unsure"),
        _LIKELY,
        text("Connect", "Name or password of the network may be wrong on the board."),
        _DO_JOIN,
        (JOIN,),
        "support page, step 0",
    ),
    # --- step 4: addresses ---
    Rule(
        "no-dhcp",
        lambda case: case.at(Stage.ADDRESS) and case.said("addresses", "off"),
        _LIKELY,
        text("Connect", "The router gives out no addresses, and the board is not set up for a fixed one."),
        text("Connect", "Switch DHCP on at the router."),
        (AGAIN,),
        "support page, step 4",
    ),
    Rule(
        "addresses-used-up",
        lambda case: case.at(Stage.ADDRESS) and case.said("addresses", "full"),
        _LIKELY,
        text("Connect", "The router has no address left for the board."),
        text("Connect", "Let the router give out more addresses, or switch it off and on."),
        (AGAIN,),
        "support page, step 4",
    ),
    # --- out of the network, measured here ---
    Rule(
        "no-internet-here",
        lambda case: case.at(*CLOUD) and case.fails("internet") and (case.theirs or case.at(Stage.NO_INTERNET)),
        _CERTAIN,
        text("Connect", "There is no internet in this network: this computer, which is in it, has none either."),
        text("Connect", "Get the router online first; the board follows by itself."),
        (AGAIN,),
        "9.2, support page, step 2",
        by_light=False,
    ),
    Rule(
        "sign-in-page-here",
        lambda case: case.at(*CLOUD) and case.fails("portal") and (case.theirs or case.at(Stage.NO_INTERNET)),
        _CERTAIN,
        text("Connect", "This network shows a page to sign in at, which a board cannot do."),
        text("Connect", "Use a network without such a page, for example the hotspot of a phone."),
        (JOIN,),
        "support page, known issues",
        by_light=False,
    ),
    Rule(
        "name-not-found",
        lambda case: case.at(*CLOUD) and case.fails("name") and case.theirs,
        _LIKELY,
        text("Connect", "In this network the name of the board's cloud is not found."),
        text("Connect", "Look at the router's filters and its name server (DNS)."),
        (AGAIN, CHECK_KEYS),
        "4.3",
        by_light=False,
    ),
    Rule(
        "port-shut",
        lambda case: (
            case.at(*CLOUD) and case.fails("tcp") and case.check("internet") is not State.FAILED and case.theirs
        ),
        _LIKELY,
        text("Connect", "From this network the board's cloud does not answer on port 5683; the internet does."),
        text("Connect", "Let outgoing TCP port 5683 through at the router or firewall."),
        (AGAIN, CHECK_KEYS),
        "10.1, support page, step 4",
        by_light=False,
    ),
    Rule(
        "server-silent",
        lambda case: case.at(*WAYS) and case.measured.keys is not None and case.server_silent,
        _LIKELY,
        text("Connect", "The server whose address is on the board does not answer this computer either."),
        text("Connect", "See that this server runs, and has that address still; or bring the board to another cloud."),
        (SWITCH, LOCAL),
        "4.3, 9.2, 10.3",
        by_light=False,
    ),
    Rule(
        "way-is-shut",
        lambda case: case.at(*CLOUD) and case.failed is not None and not case.said("cloud", "own"),
        _POSSIBLE,
        text("Connect", "From this network the way to Particle's cloud is not free: {tried}"),
        text("Connect", "If that is the board's cloud: {tried_change}"),
        (AGAIN, CHECK_KEYS),
        "9.2, 10.1, support page, step 4",
        by_light=False,
    ),
    # --- out of the network, told ---
    Rule(
        "own-server",
        lambda case: case.at(*CLOUD, Stage.HANDSHAKE) and case.said("cloud", "own"),
        _LIKELY,
        text("Connect", "The board calls a server of your own: it may not run, or have moved to another address."),
        text("Connect", "Go through the local cloud step by step; that finds the step that is missing."),
        (LOCAL, CHECK_KEYS),
        "4.3, 10.3",
    ),
    Rule(
        "sign-in-page",
        lambda case: case.at(*CLOUD) and case.said("there", "portal"),
        _LIKELY,
        text("Connect", "The network shows a page to sign in at, which a board cannot do."),
        text("Connect", "Use a network without such a page, for example the hotspot of a phone."),
        (JOIN,),
        "support page, known issues",
    ),
    Rule(
        "no-internet-told",
        lambda case: case.at(*CLOUD) and case.said("there", "no-internet"),
        _LIKELY,
        text("Connect", "There is no internet in the board's network; other devices have none there either."),
        text("Connect", "Get the router online first; the board follows by itself."),
        (AGAIN,),
        "9.2, support page, step 2",
    ),
    Rule(
        "firewall",
        lambda case: case.at(*CLOUD) and case.said("there", "firewall"),
        _LIKELY,
        text("Connect", "A firewall or access control stands between the board and its cloud."),
        text("Connect", "Switch it off for a try, then let outgoing TCP port 5683 through."),
        (AGAIN,),
        "support page, step 4",
    ),
    Rule(
        "radio-software",
        lambda case: case.at(Stage.CALLING) and case.core and not case.ported and case.said("others", "yes"),
        _LIKELY,
        text("Connect", "Other boards get through here, so this Core's radio may need newer software."),
        text("Connect", "Do a deep update; it was made for the Core that goes on blinking cyan."),
        (DEEP, UPGRADE),
        "8.4, support page, deep update",
    ),
    Rule(
        "red-now-and-then",
        lambda case: case.at(Stage.HELD_UP) or (case.at(Stage.RED) and case.said("how-often", "sometimes")),
        _LIKELY,
        text("Connect", "Cyan with a red flash now and then is most likely the router's doing."),
        text("Connect", "Switch firewall and access control off for a try, and let TCP port 5683 out."),
        (AGAIN, CHECK_KEYS),
        "support page, step 4",
    ),
    # --- step 2: another network ---
    Rule(
        "this-router",
        lambda case: case.at(*NETWORK, *WAYS) and case.said("elsewhere", "yes"),
        _LIKELY,
        text("Connect", "The board is well: it gets online elsewhere. Something at this network keeps it out."),
        text(
            "Connect",
            "Look at the router: DHCP on, 2.4 GHz in a mixed mode, no access list, TCP port 5683 open to the outside.",
        ),
        (AGAIN,),
        "support page, steps 2 and 4",
    ),
    Rule(
        "the-radio",
        lambda case: case.at(*GETS_IN) and case.core and case.said("elsewhere", "no"),
        _LIKELY,
        text("Connect", "The Core gets into no network, so its radio is at fault, or the radio's software."),
        text("Connect", "Write the radio's software anew, with the full firmware upgrade."),
        (UPGRADE, DEEP),
        "support page, step 2, full firmware upgrade",
    ),
    Rule(
        "the-system",
        lambda case: case.at(*GETS_IN) and not case.core and case.said("elsewhere", "no"),
        _LIKELY,
        text("Connect", "The board gets into no network, so the board is at fault, not the router."),
        text("Connect", "Let it forget all networks and tell it one. If that does not help, write its system anew."),
        (FORGET, RESTORE),
        "support page, steps 2 and 3",
    ),
    Rule(
        "nowhere-to-the-cloud",
        lambda case: case.at(*WAYS) and case.said("elsewhere", "no") and case.measured.keys is None,
        _LIKELY,
        text("Connect", "The board reaches its cloud from no network: the address or a key on it may be wrong."),
        text("Connect", "Check its keys; that shows the address, too."),
        (CHECK_KEYS, PROVE),
        "4.3, support page, step 2",
        keys=True,
    ),
    # --- keys ---
    Rule(
        "keys-read",
        lambda case: case.keys_say(_CERTAIN),
        _CERTAIN,
        text("Connect", "{keys}"),
        text("Connect", "{repair}"),
        (),
        "4.2, 4.3, 9.2",
        by_light=False,
    ),
    Rule(
        "keys-read-likely",
        lambda case: case.keys_say(_LIKELY),
        _LIKELY,
        text("Connect", "{keys}"),
        text("Connect", "{repair}"),
        (),
        "4.2, 4.3, 9.2",
    ),
    Rule(
        "keys-read-perhaps",
        lambda case: case.keys_say(_POSSIBLE),
        _POSSIBLE,
        text("Connect", "{keys}"),
        text("Connect", "{repair}"),
        (),
        "4.2, 4.3, 9.2",
    ),
    Rule(
        "keys-fit",
        lambda case: case.at(*FLASHES, Stage.HANDSHAKE) and case.measured.keys is not None and case.measured.keys.good,
        _POSSIBLE,
        text("Connect", "The keys on the board are in order; perhaps the server does not know this board's key."),
        text("Connect", "Prove it with a handshake: this computer plays the server and sees who fails."),
        (PROVE, CHECK_KEYS),
        "9.2, 10.1",
    ),
    Rule(
        "new-key",
        lambda case: case.at(Stage.ORANGE, Stage.RED) and case.measured.new_key and case.measured.keys is None,
        _LIKELY,
        text("Connect", "The board has got a new key, and its cloud may not know the public half yet."),
        text("Connect", "Check its keys: the public half to hand on is shown there."),
        (CHECK_KEYS,),
        "9.2, 10.2",
        keys=True,
    ),
    Rule(
        "device-key",
        lambda case: case.at(Stage.ORANGE) and case.measured.keys is None,
        _LIKELY,
        text("Connect", "The board's own key is not the one its cloud knows."),
        _DO_KEYS,
        (CHECK_KEYS,),
        "9.2",
        keys=True,
    ),
    Rule(
        "server-key",
        lambda case: case.at(Stage.MAGENTA) and case.measured.keys is None,
        _LIKELY,
        text("Connect", "The server key on the board is that of another server."),
        _DO_KEYS,
        (CHECK_KEYS,),
        "9.2",
        keys=True,
    ),
    Rule(
        "red-every-time",
        lambda case: case.at(Stage.RED) and case.measured.keys is None and case.said("how-often", "always"),
        _LIKELY,
        text("Connect", "The exchange of keys breaks off every time: a key is wrong."),
        _DO_KEYS,
        (CHECK_KEYS, PROVE),
        "9.2, 10.1",
        keys=True,
    ),
    Rule(
        "handshake",
        lambda case: case.at(Stage.RED, Stage.HANDSHAKE) and case.measured.keys is None,
        _POSSIBLE,
        text(
            "Connect", "The exchange of keys with its cloud does not come to an end: a key or the router is to blame."
        ),
        _DO_KEYS,
        (CHECK_KEYS, PROVE),
        "9.2, 10.1",
        keys=True,
    ),
    # --- where nothing better is known ---
    Rule(
        "network-warns",
        lambda case: case.at(*ENTRY) and case.finding(Severity.WARNS) is not None,
        _POSSIBLE,
        text("Connect", "The network {name} may not suit this board: {warning}"),
        text("Connect", "{warning_change}"),
        (JOIN,),
        "support page, known issues; preflight",
        by_light=False,
    ),
    Rule(
        "not-cleared",
        lambda case: case.at(*NETWORK) and case.said("cleared", "no"),
        _POSSIBLE,
        text("Connect", "The board may be stuck on something old: it was not restarted and cleared yet."),
        text("Connect", "Unplug it and plug it in, let it forget its networks, then tell it yours."),
        (FORGET, JOIN),
        "support page, step 3",
    ),
    Rule(
        "kept-back",
        lambda case: case.at(Stage.NO_INTERNET) and case.gets_out,
        _POSSIBLE,
        text(
            "Connect",
            "This computer gets to the internet from the same network, so the router may keep the board back.",
        ),
        text("Connect", "Switch access control, child lock and firewall off for a try, then restart the router."),
        (AGAIN,),
        "9.2, support page, step 4",
    ),
    Rule(
        "way-is-free",
        lambda case: case.at(Stage.CALLING, Stage.NO_CLOUD) and case.gets_out and case.measured.keys is None,
        _POSSIBLE,
        text("Connect", "From this network the cloud answers, so the address or a key on the board may be wrong."),
        text("Connect", "Check its keys; that shows the address, too."),
        (CHECK_KEYS, PROVE),
        "4.3, 10.1",
        keys=True,
    ),
    Rule(
        "password",
        lambda case: case.at(Stage.JOINING) and not (case.open and case.finding(Severity.WARNS)),
        _POSSIBLE,
        text("Connect", "The board does not get into the network. A wrong password is the most frequent reason."),
        _DO_JOIN,
        (JOIN, AGAIN),
        "support page, step 0",
    ),
    Rule(
        "no-address",
        lambda case: case.at(Stage.ADDRESS),
        _POSSIBLE,
        text("Connect", "The board is let in, but gets no address from the router."),
        _RESTART_ROUTER,
        (AGAIN,),
        "9.2, 9.3, support page, step 4",
    ),
    Rule(
        "no-internet",
        lambda case: case.at(Stage.NO_INTERNET),
        _POSSIBLE,
        text("Connect", "The board is in the network and does not reach the internet."),
        _RESTART_ROUTER,
        (AGAIN,),
        "9.2",
    ),
    Rule(
        "cloud-silent",
        lambda case: case.at(Stage.CALLING, Stage.NO_CLOUD),
        _POSSIBLE,
        text("Connect", "The board is in the network, and its cloud does not answer: port 5683 may be shut."),
        text("Connect", "Let outgoing TCP port 5683 through at the router, or try the hotspot of a phone."),
        (CHECK_KEYS, PROVE),
        "9.2, support page, step 4",
        keys=True,
    ),
    Rule(
        "unseen",
        lambda case: case.at(Stage.UNSEEN),
        _POSSIBLE,
        text("Connect", "Nobody saw the light, which tells most about a board that does not connect."),
        text("Connect", "Watch the light for half a minute after a press on RESET, and answer these questions again."),
        (AGAIN, JOIN),
        "9.2, 9.3",
    ),
)
"""Among rules of the same sureness the earlier one goes first."""
