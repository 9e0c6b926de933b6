"""What changing a key says, asks and ends with (device-protocol.md 4.2, 8.5, 10.2, 10.3). No logic, only words."""

from __future__ import annotations

from dataclasses import dataclass

from app.keys.device_key import KeyState
from app.platforms.model import Mode, Platform
from app.text import text
from app.work.questions import Card, ChooseCard, LightStage, WatchLight

KEY = "change-key"
WAY = "way"
HERE, BOARD, RESTORE, CHECK = "here", "board", "restore", "check"
NO_KEY = "no-key"
AGAIN, OLD = "again", "old"
LIGHT = "light"
ASKED, NO_NETWORK = "asked", "no-network"

RESTORE_KEY, CHECK_KEYS, REGISTER_KEY = "restore-key", "check-keys", "register-key"
"""Keys of the recipes that are better than this one where they help."""

# --- the one decision -----------------------------------------------------------------------------------------------

_WAY_TITLE = text("ChangeKey", "Give the board a new key?")
_WAY_BODY = text(
    "ChangeKey",
    "The cloud knows this board by the public half of its old key. After the change the board connects again only once "
    "the cloud has the new public half. The Particle cloud takes it only from the account of the board, or from "
    "Particle's support. {state}",
)
_NOW = {
    KeyState.GOOD: text(
        "ChangeKey",
        "The key on the board now is sound: if the board cannot connect, something else may be wrong, and a new key "
        "would not help.",
    ),
    KeyState.BLANK: text("ChangeKey", "There is no key on the board now."),
    KeyState.CORRUPT: text("ChangeKey", "The key on the board now is damaged."),
    KeyState.UNUSABLE_BY_FIRMWARE: text(
        "ChangeKey",
        "The key on the board now is sound, but the board cannot read it as it is written. Restoring it can repair "
        "that, without any news to the cloud.",
    ),
}
_HERE_TITLE = text("ChangeKey", "A new key, made here")
_HERE_BODY = text(
    "ChangeKey", "This computer makes the key and keeps it in your key safe before it is written to the board."
)
_USUAL = text("ChangeKey", "Usual")
_BOARD_TITLE = text("ChangeKey", "Let the board make its own")
_BOARD_BODY = text(
    "ChangeKey",
    "The key on the board is erased. The board makes a new one when it next connects to a cloud, so it needs a network "
    "that is in reach. Then it comes back into update mode, and its key is read and kept.",
)
_RESTORE_TITLE = text("ChangeKey", "Restore the key of {when} instead")
_RESTORE_BODY = text(
    "ChangeKey",
    "Your key safe holds a good older key of this board: {fingerprint}… If the board reached its cloud with it, the "
    "cloud knows it, and nobody has to be told anything.",
)
_MEND_TITLE = text("ChangeKey", "Write the same key so that the board can read it")
_MEND_BODY = text(
    "ChangeKey",
    "Restore the key of {when} from your key safe ({fingerprint}…): it is the same key in the form boards write. The "
    "cloud knows it, and nobody has to be told anything.",
)
_BETTER = text("ChangeKey", "Try this first")
_CHECK_TITLE = text("ChangeKey", "Find out first what is wrong")
_CHECK_BODY = text(
    "ChangeKey", "Looks at the device key and the server key and says which one is to blame. Nothing is changed."
)


@dataclass(frozen=True, slots=True)
class Restorable:
    """A key in the key safe that is better restored than replaced.

    Attributes:
        when: When it was kept.
        fingerprint: How its fingerprint begins.
        same: Whether it is the key on the board, which only stands there in a form the board cannot read (4.2).
    """

    when: str
    fingerprint: str
    same: bool = False


def way_question(state: KeyState, *, makes_own: bool, restorable: Restorable | None) -> ChooseCard:
    """Return the question what to do.

    Args:
        state: What is in the board's key slot now.
        makes_own: Whether the board can make a key itself.
        restorable: What the key safe holds instead, or None.
    """
    cards = [Card(HERE, _HERE_TITLE, _HERE_BODY, icon="change-key", mark=_USUAL)]
    if makes_own:
        cards.append(Card(BOARD, _BOARD_TITLE, _BOARD_BODY, icon="key-board"))
    if restorable is not None:
        title, body = (_MEND_TITLE, _MEND_BODY) if restorable.same else (_RESTORE_TITLE, _RESTORE_BODY)
        said = {"when": restorable.when, "fingerprint": restorable.fingerprint}
        card = Card(RESTORE, title.with_values(**said), body.with_values(**said), icon="restore-key", mark=_BETTER)
        cards.append(card)
    cards.append(Card(CHECK, _CHECK_TITLE, _CHECK_BODY, icon="check-keys"))
    return ChooseCard(WAY, _WAY_TITLE, _WAY_BODY.with_values(state=_NOW[state]), tuple(cards))


# --- the board makes its own ----------------------------------------------------------------------------------------

_WATCH_TITLE = text("ChangeKey", "The board makes its new key")
_WATCH_BODY = text(
    "ChangeKey",
    "It starts, joins its network, and makes the key when it calls its cloud: the light blinks cyan. What the light "
    "shows after that does not matter: the cloud does not know the new key yet. Wait until it has blinked cyan for "
    "some seconds.",
)
_ERA = "from-0.7"  # earlier lights show the same colours in the same order (9.2, 9.3)
_STAGES = (
    ("connecting", text("ChangeKey", "It looks for its network."), 15.0),
    ("cloud-connecting", text("ChangeKey", "It calls its cloud. Now it makes the key."), 20.0),
    ("handshake-orange", text("ChangeKey", "Perhaps: the cloud refuses the key it does not know yet."), None),
)
_WAS_CYAN = text("ChangeKey", "It has blinked cyan")
_WAS_BLUE = text("ChangeKey", "It blinks blue, or goes on blinking green")


def watch_question(platform: Platform) -> WatchLight:
    """Return what is shown while the board runs to make its key."""
    return WatchLight(
        name=LIGHT,
        title=_WATCH_TITLE,
        body=_WATCH_BODY,
        platform=platform,
        stages=tuple(LightStage(f"{_ERA}.{light}", words, seconds) for light, words, seconds in _STAGES),
        options=((ASKED, _WAS_CYAN), (NO_NETWORK, _WAS_BLUE)),
        until=Mode.DFU,
    )


_NO_KEY_TITLE = text("ChangeKey", "The board has not made a key")
_NO_KEY_BODY = text("ChangeKey", "Its key slot is still empty. {why}")
_WHY_NO_NETWORK = text(
    "ChangeKey",
    "Without a network it never calls a cloud, and only then it makes a key. If the light blinked blue, it waits for "
    "its network: set that up first, or write a key made here.",
)
_WHY_UNSEEN = text(
    "ChangeKey",
    "It makes one only when it calls its cloud. Either it had no network, or its program does not connect, or it was "
    "not given enough time.",
)
_NOT_A_KEY = text("ChangeKey", "What it has written there is no key that it could use.")
_AGAIN_TITLE = text("ChangeKey", "Let it try once more")
_AGAIN_BODY = text("ChangeKey", "The board starts again; give it some more time.")
_FALLBACK_TITLE = text("ChangeKey", "Write a key made here")
_OLD_TITLE = text("ChangeKey", "Put the old key back")
_OLD_BODY = text("ChangeKey", "The board then has the key it had. A cloud that knew it still does.")
_NO_OLD_BODY = text("ChangeKey", "There was no key on the board that could be put back.")


def no_key_question(*, state: KeyState, light: str, old: bool) -> ChooseCard:
    """Return the question what to do now that the board has made no key.

    Args:
        state: What is in the slot instead.
        light: The person's answer about the light, or "".
        old: Whether there is an old key to put back.
    """
    why = _WHY_NO_NETWORK if light == NO_NETWORK else _WHY_UNSEEN
    if state is not KeyState.BLANK:
        why = _NOT_A_KEY
    return ChooseCard(
        NO_KEY,
        _NO_KEY_TITLE,
        _NO_KEY_BODY.with_values(why=why),
        (
            Card(AGAIN, _AGAIN_TITLE, _AGAIN_BODY, icon="key-board"),
            Card(HERE, _FALLBACK_TITLE, _HERE_BODY, icon="change-key"),
            Card(OLD, _OLD_TITLE, _OLD_BODY if old else _NO_OLD_BODY, icon="restore-key", fits=old),
        ),
    )


# --- the plan -------------------------------------------------------------------------------------------------------

BLANK_TITLE = text("ChangeKey", "Device key: erased")
BLANK_WHY = text("ChangeKey", "Where there is none, the board makes a new one when it next calls its cloud.")
BLANK_HALF_TITLE = text("ChangeKey", "Public half of the old key: erased")
BLANK_HALF_WHY = text("ChangeKey", "The board writes the public half of its new key there.")
STAYS_SERVER = text("ChangeKey", "The server key and the server address.")
STAYS_FIRMWARE = text("ChangeKey", "All firmware, and the networks the board knows.")
NEEDS_CABLE = text("ChangeKey", "A cable that stays in until the end.")
NEEDS_NETWORK = text("ChangeKey", "A network that the board knows, and about two minutes.")
WARN_CLOUD = text("ChangeKey", "Until its cloud has the new public half, the board does not connect.")
WARN_FALLBACK = text(
    "ChangeKey", "If the board makes no key, you choose then: a key made here, or the old one put back."
)
SOURCE_HERE = text("ChangeKey", "made on this computer")
SOURCE_OLD = text("ChangeKey", "key safe")

# --- what the steps say ---------------------------------------------------------------------------------------------

NOTHING_CHANGED = text("ChangeKey", "Not needed: nothing is changed.")
NOT_THIS_WAY = text("ChangeKey", "Not needed: the key is made here.")
NOT_ERASED = text("ChangeKey", "Not needed: the board has made its key already.")
OLD_KEPT = text("ChangeKey", "{state}; kept in the key safe, read back and compared.")
OLD_KEPT_BEFORE = text("ChangeKey", "The old key is in the key safe since the run that was cut off.")
NEW_IS_THERE = text("ChangeKey", "On the board is the new key of the run that was cut off; it is in the key safe.")
NEW_IS_OLD = text(
    "ChangeKey",
    "An earlier change of this key was cut off, but its new key had reached the board. That one counts as the old key "
    "now, and going on makes another one. If only its cloud was not told yet, finish that run instead.",
)
DAMAGE_KEPT = text(
    "ChangeKey",
    "What is on the board now is damaged, and not by the run that was cut off: kept in the key safe, too. The old key "
    "is there since that run.",
)
NOTHING_TO_KEEP = text("ChangeKey", "The slot is empty: there is no key to keep.")
MADE_HERE = text("ChangeKey", "New key made; kept in the key safe, read back and compared before anything is written.")
REJECTED = text("ChangeKey", "Keys that were made and thrown away because the board could not read them: {count}.")
TAKEN_UP = text("ChangeKey", "An earlier change of this key was cut off: its new key is used, no other one is made.")
BOARD_MADE = text("ChangeKey", "The board has made a new key; it is read and kept in the key safe.")
CHECKED = text("ChangeKey", "The key on the board is the new one, and the board's firmware can read it.")
CHECKED_OLD = text("ChangeKey", "The key on the board is the old one again.")
NOT_CLOSED = text("ChangeKey", "The interrupted run could not be marked as done: {reason}")

# --- the end --------------------------------------------------------------------------------------------------------

DONE_HERE = text("ChangeKey", "The board has a new key. Now its cloud has to be told.")
DONE_BOARD = text("ChangeKey", "The board has made itself a new key. Now its cloud has to be told.")
DONE_OLD = text("ChangeKey", "The board has its old key again. It has no new one.")
DONE_NOTHING = text("ChangeKey", "Nothing was changed on the board.")
NEXT_RESTORE = text("ChangeKey", "Restore the older key of this board from your key safe.")
NEXT_CHECK = text("ChangeKey", "Find out which key is to blame before you change one.")
NEXT_SEND = text("ChangeKey", "Send the public half below to your cloud. Only then the board connects.")
NEXT_BACK = text(
    "ChangeKey",
    "If the cloud does not take it, restore the old key from the key safe: a cloud that knew that one still does.",
)
NEXT_NETWORK = text("ChangeKey", "Give the board a network first if it shall make its own key.")
WARN_HALF = text(
    "ChangeKey",
    "The public half the board keeps beside its key does not belong to it. The one below does: send that one.",
)
WARN_IN_DFU = text(
    "ChangeKey", "The board came back in update mode: it has no firmware that can start. Its key is on it all the same."
)

NO_OLD = text("ChangeKey", "none")
F_ID = text("ChangeKey", "Device ID")
F_KIND = text("ChangeKey", "Kind")
F_OLD = text("ChangeKey", "Fingerprint of the old key")
F_NEW = text("ChangeKey", "Fingerprint of the new key")
F_NOW = text("ChangeKey", "Fingerprint of the key on the board")
F_OLD_KEPT = text("ChangeKey", "The old key is kept as")
F_NEW_KEPT = text("ChangeKey", "The new key is kept as")
F_FOLDER = text("ChangeKey", "Folder of both in the key safe")
