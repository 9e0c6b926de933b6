"""Release the board on the desk from the account: afterwards it belongs to nobody (device-protocol.md 10.2)."""

from __future__ import annotations

from collections.abc import Sequence

from app.account_faults import BoardNotYours, NotConfirmed
from app.platforms.model import Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.cloud_seat import DEVICE_ID, Seat, back_to_network, look_up, proven_id
from app.recipes.read_identity import ReadIdentity
from app.text import text
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.questions import Enter
from app.work.step import Step

KEY = "release-board"
CONFIRM = "confirm-release"
TRIES = 3

_TITLE = text("ReleaseBoard", "Type {name} to release this board")
_BODY = text(
    "ReleaseBoard",
    "It leaves your account at {cloud} and belongs to nobody: whoever claims it next has it. Its name there is lost. "
    "What is on the board stays: its program, its key and the Wi-Fi networks it knows.",
)
_HINT = text("ReleaseBoard", "the board's name, or its device ID")
_NO = text("ReleaseBoard", "That is neither its name nor its device ID.")
_FOUND = text("ReleaseBoard", "It is {name} in your account.")
_NO_NAME = text("ReleaseBoard", "It has no name in your account.")
_BACK = text("ReleaseBoard", "The board goes back to its network.")
_DONE = text("ReleaseBoard", "This board is released: it belongs to nobody now.")
_GIVE = text("ReleaseBoard", "The new owner lets it go online and claims it. Give the device ID along.")
_FORGET = text("ReleaseBoard", "Before you give it away, let it forget your Wi-Fi networks.")
_NAME = text("ReleaseBoard", "Name it had")


class ReleaseBoard(Recipe):
    """Prove which board it is, have its name or ID typed, release it."""

    key = KEY
    title = text("ReleaseBoard", "Release this board")
    summary = text("ReleaseBoard", "Takes the board on the desk out of your account, for example to give it away.")
    group = Group.CLOUD
    needs_account = True
    promise = Promise(
        reads=text("ReleaseBoard", "Its device ID, so that no other board is released."),
        writes=text("ReleaseBoard", "Nothing on the board. The cloud is told that it is yours no more."),
        keeps=text("ReleaseBoard", "Nothing."),
        takes=text("ReleaseBoard", "Half a minute."),
        risks=(text("ReleaseBoard", "Anybody who has the board may claim it afterwards."),),
    )

    def __init__(self) -> None:
        self._seat = Seat()
        self._reading = ReadIdentity()
        self._found_mode: Mode | None = None
        self._device_id = ""
        self._name = ""

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ReleaseBoard", "See who is signed in"), self._sign),
            *self._reading.steps(),
            Step(text("ReleaseBoard", "Look it up in your account"), self._look),
            Step(text("ReleaseBoard", "Be sure"), self._confirm),
            Step(text("ReleaseBoard", "Release it"), self._release, can_stop=False),
            Step(text("ReleaseBoard", "Return the board to normal"), self._leave),
        )

    def outcome(self) -> Outcome:
        """Say that it is nobody's."""
        return Outcome(
            _DONE,
            (
                Fact("device-id", DEVICE_ID, self._device_id, copy=True, qr=True),
                *((Fact("name", _NAME, self._name),) if self._name else ()),
                *self._seat.facts(),
            ),
            next_steps=(_FORGET, _GIVE),
            next_recipes=("clear-wifi",),
        )

    def tidy(self, job: Job) -> None:
        """Leave the board as it was found."""
        back_to_network(job, self._found_mode)

    # --- steps ---

    def _sign(self, job: Job) -> None:
        self._seat.take(job)
        self._found_mode = job.refresh().mode

    def _look(self, job: Job) -> None:
        self._device_id = proven_id(job)
        with self._seat.asking(job) as (client, token):
            found = look_up(client, token, self._device_id)
        if found is None:
            raise BoardNotYours(self._device_id)
        self._name = found.name
        job.say(_FOUND.with_values(name=found.name) if found.name else _NO_NAME)

    def _confirm(self, job: Job) -> None:
        question = Enter(
            CONFIRM,
            _TITLE.with_values(name=self._name or self._device_id),
            _BODY.with_values(cloud=self._seat.account.profile.name),
            _HINT,
        )
        right = {self._device_id, self._name} - {""}
        for last in (False,) * (TRIES - 1) + (True,):
            beforehand = job.answered_beforehand(CONFIRM)
            typed = str(job.ask(question)).strip()
            if typed in right or typed.lower() == self._device_id:
                return
            if last or beforehand:
                raise NotConfirmed
            job.note(_NO)

    def _release(self, job: Job) -> None:
        job.insist_same()  # the person may have changed boards while typing
        with self._seat.asking(job) as (client, token):
            client.release(token, self._device_id)

    def _leave(self, job: Job) -> None:
        if back_to_network(job, self._found_mode):
            job.say(_BACK)
