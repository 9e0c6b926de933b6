"""What the deep update of a Core says, asks and ends with (device-protocol.md 8.4). No logic, only words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from app.text import Text, text
from app.work.questions import Choose
from app.work.verdicts import FULL_UPGRADE

KEY = "deep-update"

NETWORK = "network"
KNOWN, LATER, INSTEAD = "known", "later", "instead"
LIGHT = "light"
CYAN, BLUE, CONNECTING, FROZEN, RED, DARK = "cyan", "blue", "connecting", "frozen", "red", "dark"
YELLOW, GOING = "yellow", "going"
NEXT = "next"
WATCH, START_OVER, END = "watch", "start-over", "end"


@unique
class End(Enum):
    """How a run ended."""

    INSTEAD = "instead"
    CONNECTED = "connected"
    ARRIVED = "arrived"
    ON_USB = "on-usb"
    NEEDS_WIFI = "needs-wifi"
    NO_NETWORK = "no-network"
    RED = "red"
    DARK = "dark"
    FROZEN = "frozen"
    REPLACED = "replaced"
    UNSEEN = "unseen"


NETWORK_QUESTION = Choose(
    name=NETWORK,
    title=text("DeepUpdate", "Has this Core been on a Wi-Fi network that is in reach now?"),
    body=text(
        "DeepUpdate",
        "The deep update ends in the cloud: the board connects by itself and gets its newest program from there. For "
        "that it needs a Wi-Fi network it knows, and the internet. The full firmware upgrade does the same for the "
        "radio without any network.",
    ),
    options=(
        (KNOWN, text("DeepUpdate", "Yes: it knows a network that is in reach")),
        (
            LATER,
            text("DeepUpdate", "No, or I am not sure: do it, and give the board its Wi-Fi when it blinks blue"),
        ),
        (INSTEAD, text("DeepUpdate", "Leave it: I would rather do the full firmware upgrade, without a network")),
    ),
)

WHY = text(
    "DeepUpdate",
    "It runs by itself: it looks how old the software of the Wi-Fi radio is, writes the newer one if needed, connects, "
    "and is then replaced by the newest Tinker from the cloud.",
)
STAYS = (
    text(
        "DeepUpdate",
        "The board's keys. They are not touched; a copy of them is kept on this computer all the same.",
    ),
    text("DeepUpdate", "The stored Wi-Fi networks."),
    text("DeepUpdate", "The boot loader and the factory firmware."),
)
NEEDS_POWER = text("DeepUpdate", "A cable that stays in until the end, above all while the light blinks orange.")
NEEDS_WIFI = text(
    "DeepUpdate", "Stored Wi-Fi: a network in reach that the board knows, with internet, so that it reaches its cloud."
)
WARN_PROGRAM = text(
    "DeepUpdate",
    "The program that is on the board now is replaced, in the end by Tinker. It is kept and can be put back.",
)
WARN_NO_WIFI = text(
    "DeepUpdate",
    "Without a Wi-Fi network it knows, the board stops at blinking blue. It goes on by itself once it has its Wi-Fi.",
)

# --- words while it works ---------------------------------------------------------------------------------------------

WATCH_TITLE = text("DeepUpdate", "The board works alone now: watch its light and leave the cable in")
WATCH_BODY = text(
    "DeepUpdate",
    "Orange looks much like the yellow of update mode. To tell them apart: in update mode the board shows on USB and "
    "this program says so; while it only waits, the light is orange.",
)
ASK_TITLE = text("DeepUpdate", "What does the light do now?")
ASK_BODY = text("DeepUpdate", "Only the light tells how far the board is. If it still changes, give it more time.")
BACK_TITLE = text("DeepUpdate", "The board shows on USB again. What does its light do?")
BACK_BODY = text(
    "DeepUpdate",
    "That is a good sign: newer firmware shows on USB whenever it runs, firmware of 2013 and 2014 only while it "
    "listens or where its program asks for it. It is done when it breathes cyan.",
)
STAGE_PATCHING = text(
    "DeepUpdate", "The radio gets its new software. It may restart and do it again, five times at most."
)
STAGE_CONNECTING = text(
    "DeepUpdate", "It connects: green to its Wi-Fi, then cyan to its cloud. A radio that was new enough begins here."
)
STAGE_RECEIVING = text(
    "DeepUpdate", "The cloud sends the newest Tinker; the board restarts with it. This may take more than one try."
)
STAGE_DONE = text("DeepUpdate", "Done: it runs its newest program and is connected.")

OPTIONS = (
    (CYAN, text("DeepUpdate", "It breathes cyan, and has done so for a minute: done")),
    (BLUE, text("DeepUpdate", "It blinks blue")),
    (CONNECTING, text("DeepUpdate", "It has been blinking green or cyan for long; we would give it three minutes")),
    (
        FROZEN,
        text("DeepUpdate", "It has stayed orange or magenta, or stood still, for long; we would wait three minutes"),
    ),
    (RED, text("DeepUpdate", "It flashes red")),
    (DARK, text("DeepUpdate", "Nothing: it is dark")),
)
OPTIONS_LATER = (
    (YELLOW, text("DeepUpdate", "It blinks yellow, I think")),
    (GOING, text("DeepUpdate", "It still changes: wait longer")),
)
NOT_YELLOW = text("DeepUpdate", "USB shows no board in update mode, so that is orange: the board is still at work.")
NOT_ASKED = text("DeepUpdate", "It shows on USB but could not be asked whether it listens: {reason}")

FROZEN_TITLE = text("DeepUpdate", "Tap RESET once, without {button}")
FROZEN_BODY = text(
    "DeepUpdate",
    "The deep update begins again where it is needed; the board counts its attempts at the radio and makes five at "
    "most. In the middle of a download (magenta) the board may go back to its backup firmware (fast red). If a reset "
    "does not help, start it over from update mode, or do the full firmware upgrade.",
)
CONNECTING_TITLE = text("DeepUpdate", "The board cannot get through to its network or its cloud")
CONNECTING_BODY = text(
    "DeepUpdate",
    "The radio has had its turn; what is missing is the way to the cloud. Green: is the network in reach, and is its "
    "password still the same? Cyan: does this network reach the internet, and let port 5683 out?",
)
RED_TITLE = text("DeepUpdate", "Red says why it does not get on")
RED_BODY = text(
    "DeepUpdate",
    "Two blinks: no internet. Three blinks: the cloud cannot be reached. A red flash after fast cyan: the exchange of "
    "keys broke off. Fast red: it goes back to its backup firmware. Red SOS: the firmware crashed. The light guide "
    "shows them all.",
)
DARK_TITLE = text("DeepUpdate", "Check the cable, then tap RESET")
DARK_BODY = text(
    "DeepUpdate",
    "If even the small blue light is off, the board has no power: try another cable and another USB port. If only the "
    "main light is off, no firmware runs: start over from update mode.",
)
WATCH_ON = text("DeepUpdate", "I did that: watch on")
START_OVER_OPTION = text("DeepUpdate", "Bring it into update mode and start the deep update over")
STOP_HERE = text("DeepUpdate", "Stop here")

IN_DFU_TITLE = text("DeepUpdate", "The board is in update mode, and the deep update has not ended")
IN_DFU_BODY = text(
    "DeepUpdate", "It is all there and can be started again. The full firmware upgrade needs no network."
)
IN_DFU_BODY_COUNTED = text(
    "DeepUpdate",
    "It is all there and can be started again. The board has counted {count} of {most} attempts at its radio; once all "
    "are used it does not try any more. The full firmware upgrade patches the radio without a network.",
)
START_AGAIN = text("DeepUpdate", "Start it again")
NO_MORE_STARTS = text("DeepUpdate", "It was started {count} times. That is enough: do the full firmware upgrade.")
NOT_IN_DFU = text("DeepUpdate", "The board did not get into update mode.")

INSTEAD_SKIP = text("DeepUpdate", "Not done: the full firmware upgrade was chosen.")
FOUND = text("DeepUpdate", "Found: {what}.")

# --- words at the end -------------------------------------------------------------------------------------------------

NOT_OVER_USB = text("DeepUpdate", "cannot be seen over USB")
NEXT_CHECK = text(
    "DeepUpdate",
    "The program cannot see over USB which software the radio has. To be sure: when it connects, the newest Tinker "
    "publishes the event spark/cc3000-patch-version in your cloud; its value should be 1.28.",
)
NEXT_PUT_BACK = text("DeepUpdate", "The program that was on the board is kept on this computer and can be put back.")
NEXT_WIFI = text(
    "DeepUpdate",
    "Join a Wi-Fi network with the board: as long as it blinks blue it waits for that. Then it connects, blinks "
    "magenta, restarts, and breathes cyan at the end.",
)
NEXT_NETWORK = text(
    "DeepUpdate",
    "Leave it powered near its network, and look at its light again later: it is done when it breathes cyan. If its "
    "network is gone, hold {button} for three seconds until it blinks blue and give it another one.",
)
NEXT_GUIDE = text("DeepUpdate", "Find the light in the light guide: it says what each colour and count means.")
NEXT_KEYS = text("DeepUpdate", "Before anything is done about the keys, back them up.")
NEXT_FULL = text(
    "DeepUpdate", "Do the full firmware upgrade: it patches the radio and writes Tinker over USB, without a network."
)
NEXT_CABLE = text("DeepUpdate", "Try another cable, another USB port and another power supply.")
NEXT_LOOK = text(
    "DeepUpdate",
    "When it breathes cyan, it is done. If it stands still for long (we would wait three minutes), tap RESET; if that "
    "does not help, do the full firmware upgrade.",
)
WARN_WIPE = text(
    "DeepUpdate",
    "The deep update has left its count of attempts on the board, and other firmware takes a count of one as an order: "
    "it will forget its Wi-Fi networks.",
)
CAME_BACK_IN_DFU = text(
    "DeepUpdate",
    "The board came back in update mode: what it holds now does not start. A full firmware upgrade replaces it.",
)
WARN_USED_UP = text("DeepUpdate", "The board has used all its attempts at the radio, so the radio may not be patched.")
FIT = text(
    "DeepUpdate", "Only the Spark Core has a radio that is patched like this. For this board restore the system."
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What is said at an end, which recipes go on from it, and whether it is the end that was wanted."""

    summary: Text
    next_steps: tuple[Text, ...]
    recipes: tuple[str, ...] = ()
    reached: bool = False


GOOD = (NEXT_CHECK, NEXT_PUT_BACK)
ENDINGS = {
    End.INSTEAD: Ending(
        text("DeepUpdate", "Nothing was changed. The full firmware upgrade does it without a network."),
        (NEXT_FULL,),
        (FULL_UPGRADE,),
    ),
    End.CONNECTED: Ending(
        text("DeepUpdate", "By its light the deep update is done, and this Core is connected."),
        GOOD,
        reached=True,
    ),
    End.ARRIVED: Ending(
        text("DeepUpdate", "The deep update is done: newer firmware from the cloud has taken its place."),
        GOOD,
        reached=True,
    ),
    End.ON_USB: Ending(
        text(
            "DeepUpdate",
            "The deep update ran, and the board shows on USB as newer firmware does. It is done when it breathes cyan.",
        ),
        GOOD,
        reached=True,
    ),
    End.NEEDS_WIFI: Ending(
        text("DeepUpdate", "The radio has had its turn. To end the update the board waits for its Wi-Fi network."),
        (NEXT_WIFI, *GOOD),
        ("join-wifi", FULL_UPGRADE),
    ),
    End.NO_NETWORK: Ending(
        text("DeepUpdate", "The radio has had its turn, but the board cannot get through to its cloud."),
        (NEXT_NETWORK, NEXT_FULL, *GOOD),
        (FULL_UPGRADE,),
    ),
    End.RED: Ending(
        text("DeepUpdate", "The deep update is on the board, but the board is in trouble: its light flashes red."),
        (NEXT_GUIDE, NEXT_KEYS, NEXT_FULL),
        (FULL_UPGRADE, "back-up-key"),
    ),
    End.DARK: Ending(
        text("DeepUpdate", "The deep update was written, but the board's light is dark."),
        (NEXT_CABLE, NEXT_FULL),
        (FULL_UPGRADE,),
    ),
    End.FROZEN: Ending(
        text("DeepUpdate", "The deep update was written but did not get to its end."), (NEXT_FULL,), (FULL_UPGRADE,)
    ),
    End.REPLACED: Ending(
        text("DeepUpdate", "The deep update is no longer on the board. It holds other firmware now."),
        (
            text(
                "DeepUpdate",
                "If you did no factory reset, the cloud has sent it and all is well. If you did one, the deep update "
                "was lost and can be done again.",
            ),
            NEXT_CHECK,
        ),
        (FULL_UPGRADE, KEY),
    ),
    End.UNSEEN: Ending(
        text("DeepUpdate", "The deep update was written and started. Nobody said how it ended."),
        (NEXT_LOOK, *GOOD),
        (FULL_UPGRADE,),
    ),
}

TROUBLES = {
    CONNECTING: (CONNECTING_TITLE, CONNECTING_BODY, End.NO_NETWORK),
    FROZEN: (FROZEN_TITLE, FROZEN_BODY, End.FROZEN),
    RED: (RED_TITLE, RED_BODY, End.RED),
    DARK: (DARK_TITLE, DARK_BODY, End.DARK),
}
ENDS_BY_LIGHT = {CYAN: End.CONNECTED, BLUE: End.NEEDS_WIFI}
