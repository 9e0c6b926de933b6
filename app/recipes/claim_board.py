"""Claim the board on the desk: its ID read from it, not typed; as soon as the cloud sees it (device-protocol.md 10.2).

A board that belongs to somebody else can be asked for; the owner decides. A local cloud keeps no owners (10.3).
"""

from __future__ import annotations

from collections.abc import Sequence

from app.platforms.model import Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.cloud_seat import (
    DEVICE_ID,
    NOT_NEEDED,
    Came,
    Claiming,
    Seat,
    back_to_network,
    cloud_words,
    proven_id,
    send_online,
)
from app.recipes.read_identity import ReadIdentity
from app.text import Text, text
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.questions import Confirm
from app.work.step import Step

KEY = "claim-board"
TRANSFER = "transfer"
CLAIM_STEP = text("ClaimBoard", "Wait until it is online, and claim it")

_TRANSFER = Confirm(
    TRANSFER,
    text("ClaimBoard", "This board belongs to another account. Ask its owner for it?"),
    text(
        "ClaimBoard",
        "The cloud sends the owner a request; nothing changes until the owner agrees. If the other account is yours "
        "too, it is quicker to sign in there and release the board.",
    ),
    text("ClaimBoard", "Request the transfer"),
    text("ClaimBoard", "Leave it"),
)
_NAME = text("ClaimBoard", "Name")
_LAST_OWNER = text("ClaimBoard", "Ask its owner to release it; then claim it here.")
_ONCE_AGREED = text("ClaimBoard", "Once the owner has agreed the board is in your list; nothing is left to do here.")
WARN_LOCAL = text(
    "ClaimBoard",
    "A local cloud does not keep whose a board is: everybody who may use that cloud sees this board.",
)
_UNPLUG = text("ClaimBoard", "Give it a name you will know it by.")
_NO_NETWORK = text("ClaimBoard", "Light blinks blue: tell the board your Wi-Fi network. Any other light: find out why.")

SUMMARIES = {
    Came.ALREADY: text("ClaimBoard", "This board is one of your boards already."),
    Came.CLAIMED: text("ClaimBoard", "This board is yours now."),
    Came.LISTED: text("ClaimBoard", "This board is connected to your local cloud and in its list."),
    Came.OF_SOMEONE_ELSE: text("ClaimBoard", "This board belongs to another account. Nothing was changed."),
    Came.OTHER_LIGHT: text("ClaimBoard", "This board does not reach the cloud, so it could not be claimed yet."),
}
"""How claiming ended."""
_REQUESTED = text("ClaimBoard", "Its owner is asked to hand this board over to you.")
_ASKED = text("ClaimBoard", "The owner is asked.")


class ClaimBoard(Recipe):
    """Read the ID, let the board go online, claim it."""

    key = KEY
    title = text("ClaimBoard", "Claim this board")
    summary = text(
        "ClaimBoard", "Makes the board on the desk one of your boards in the cloud, as soon as it breathes cyan."
    )
    group = Group.CLOUD
    needs_account = True
    promise = Promise(
        reads=text("ClaimBoard", "Its device ID, so that none has to be typed."),
        writes=text("ClaimBoard", "Nothing on the board. The cloud is told that the board is yours."),
        keeps=text("ClaimBoard", "Nothing on this computer."),
        takes=text("ClaimBoard", "A few seconds once it is online, else up to three minutes."),
        risks=(text("ClaimBoard", "A board that belongs to somebody else stays theirs until they agree."),),
    )

    def __init__(self) -> None:
        self._seat = Seat()
        self._reading = ReadIdentity()
        self._claiming = Claiming(self._seat)
        self._found_mode: Mode | None = None
        self._device_id = ""
        self._requested = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ClaimBoard", "See who is signed in"), self._sign),
            *self._reading.steps(),
            Step(text("ClaimBoard", "Let the board go online"), self._start, weight=2),
            Step(
                CLAIM_STEP,
                self._claim,
                weight=6,
                detail=text("ClaimBoard", "The cloud takes only a board that is connected."),
            ),
            Step(text("ClaimBoard", "Ask its owner, if it has one"), self._transfer),
        )

    def outcome(self) -> Outcome:
        """Say whose it is now."""
        came = self._claiming.came
        assert came is not None
        if came is Came.OF_SOMEONE_ELSE:
            steps: tuple[Text, ...] = (_ONCE_AGREED,) if self._requested else (_LAST_OWNER,)
            recipes: tuple[str, ...] = ()
        elif came is Came.OTHER_LIGHT:
            steps, recipes = (_NO_NETWORK,), ("join-wifi", "why-not-connecting", KEY)
        else:
            steps, recipes = (() if self._named else (_UNPLUG,)), ()
        return Outcome(
            _REQUESTED if self._requested else SUMMARIES[came],
            (
                Fact("device-id", DEVICE_ID, self._device_id, copy=True, qr=True),
                *((Fact("name", _NAME, self._named),) if self._named else ()),
                *self._seat.facts(),
            ),
            warnings=(WARN_LOCAL,) if came is Came.LISTED else (),
            next_steps=steps,
            next_recipes=recipes,
            unfinished=came in (Came.OF_SOMEONE_ELSE, Came.OTHER_LIGHT),
        )

    def tidy(self, job: Job) -> None:
        """Leave the board as it was found."""
        back_to_network(job, self._found_mode)

    # --- steps ---

    def _sign(self, job: Job) -> None:
        self._seat.take(job)
        self._found_mode = job.refresh().mode

    def _start(self, job: Job) -> None:
        self._device_id = proven_id(job)
        send_online(job)

    def _claim(self, job: Job) -> None:
        self._claiming.wait(job)
        assert self._claiming.came is not None
        job.say(cloud_words(self._claiming.came))

    def _transfer(self, job: Job) -> None:
        if self._claiming.came is not Came.OF_SOMEONE_ELSE:
            job.skip(NOT_NEEDED)
            return
        if job.ask(_TRANSFER):
            with self._seat.asking(job) as (client, token):
                client.claim(token, self._device_id, request_transfer=True)
            self._requested = True
            job.say(_ASKED)

    @property
    def _named(self) -> str:
        board = self._claiming.board
        return "" if board is None else board.name
