"""The first set-up in one go: Wi-Fi, claim, name (device-protocol.md 8.2, 10.2). What is done already is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.account_faults import BoardNameRefused, CloudDoesNotOffer
from app.platforms.model import Mode
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.claim_board import CLAIM_STEP, SUMMARIES, WARN_LOCAL
from app.recipes.cloud_seat import DEVICE_ID, NOT_NEEDED, Came, Claiming, Seat, cloud_words, proven_id, send_online
from app.recipes.join_wifi import JoinWifi
from app.recipes.read_identity import ReadIdentity
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.questions import Enter
from app.work.step import Step

KEY = "first-set-up"
NAME = "board-name"
TRIES = 3

_NO_WIFI = text(
    "FirstSetUp", "An Electron needs no Wi-Fi: it gets online by itself. Use Claim by cable or Claim this board."
)
_NAME_TITLE = text("FirstSetUp", "What shall this board be called?")
_NAME_BODY = text(
    "FirstSetUp", "You find it under this name in your list of boards. Leave it empty to keep what it is called now."
)
_NAME_HINT = text("FirstSetUp", "letters, digits, hyphens, underscores")
_ONLINE = text("FirstSetUp", "It is online already.")
_LISTENS = text("FirstSetUp", "It waits in listening mode, so it is told your network next.")
_NOT_ONLINE = text("FirstSetUp", "The cloud does not see it, so it is told your network next.")
_SAME = text("FirstSetUp", "It keeps its name.")
_CALLED = text("FirstSetUp", "It is called {name} now.")
_NO_NAMES = text("FirstSetUp", "This local cloud does not offer to name boards.")
_DONE = text("FirstSetUp", "Done: this board is online, in your account, and called {name}.")
_DONE_NAMELESS = text("FirstSetUp", "Done: this board is online and in your account.")
_DONE_LOCAL = text("FirstSetUp", "Done: this board is connected to your local cloud and in its list.")
_DONE_LOCAL_NAMED = text(
    "FirstSetUp", "Done: this board is connected to your local cloud and in its list, and called {name}."
)
_NAME_FACT = text("FirstSetUp", "Name")
_TO_CLAIM = text("FirstSetUp", "Claim this board: there its owner can be asked for it.")
_TO_WIFI = text("FirstSetUp", "Find out why it does not connect, then do this again: what is done is left out.")


class FirstSetUp(Recipe):
    """Join the existing steps: identity, network, claim, name."""

    key = KEY
    title = text("FirstSetUp", "First set-up")
    summary = text("FirstSetUp", "A new board from its box to your list: Wi-Fi, claim, name, done.")
    group = Group.SET_UP
    needs_account = True
    promise = Promise(
        reads=text("FirstSetUp", "Its device ID and its firmware version."),
        writes=text("FirstSetUp", "The network's name and password, into the board's list of networks."),
        keeps=text("FirstSetUp", "Nothing. The password is not stored on this computer and is in no log."),
        takes=text("FirstSetUp", "Two to four minutes."),
        risks=(
            text("FirstSetUp", "If the cable is pulled, start again: what is done already is left out the next time."),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board with Wi-Fi."""
        return Fit.no(_NO_WIFI) if board.platform.has_modem else Fit.yes()

    def __init__(self) -> None:
        self._seat = Seat()
        self._reading = ReadIdentity()
        self._joining = JoinWifi()
        self._claiming = Claiming(self._seat)
        self._device_id = ""
        self._name = ""
        self._online = False
        self._joins = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("FirstSetUp", "See who is signed in"), self._seat.take),
            *self._reading.steps(),
            Step(text("FirstSetUp", "See whether it is online already"), self._look, weight=2),
            *(replace(step, run=self._wifi(step.run)) for step in self._joining.steps()[:-1]),
            Step(CLAIM_STEP, self._claim, weight=6),
            Step(text("FirstSetUp", "Give it a name"), self._give_name),
        )

    def outcome(self) -> Outcome:
        """Say how far it got."""
        came = self._claiming.came
        assert came is not None
        stuck = came in (Came.OF_SOMEONE_ELSE, Came.OTHER_LIGHT)
        named, nameless = (_DONE_LOCAL_NAMED, _DONE_LOCAL) if came is Came.LISTED else (_DONE, _DONE_NAMELESS)
        done = named.with_values(name=self._name) if self._name else nameless
        ways: dict[Came, tuple[Text, tuple[str, ...]]] = {
            Came.OF_SOMEONE_ELSE: (_TO_CLAIM, ("claim-board",)),
            Came.OTHER_LIGHT: (_TO_WIFI, ("why-not-connecting", KEY)),
        }
        step = ways.get(came)
        return Outcome(
            SUMMARIES[came] if stuck else done,
            (
                Fact("device-id", DEVICE_ID, self._device_id, copy=True, qr=True),
                *((Fact("name", _NAME_FACT, self._name),) if self._name else ()),
                *self._seat.facts(),
            ),
            warnings=(WARN_LOCAL,) if came is Came.LISTED else (),
            next_steps=(step[0],) if step else (),
            next_recipes=step[1] if step else (),
            unfinished=stuck,
        )

    def tidy(self, job: Job) -> None:
        """Leave the board as it was found."""
        (self._joining if self._joins else self._reading).tidy(job)

    # --- steps ---

    def _look(self, job: Job) -> None:
        self._device_id = proven_id(job)
        if job.refresh().mode is Mode.LISTENING:
            job.say(_LISTENS)
            return
        if job.board.mode is Mode.DFU:
            send_online(job)
        self._online = self._claiming.at_once(job)
        job.say(_ONLINE if self._online else _NOT_ONLINE)

    def _wifi(self, run: Callable[[Job], None]) -> Callable[[Job], None]:
        """Skip a step of telling a network for a board that is online."""

        def step(job: Job) -> None:
            if self._online:
                job.skip(NOT_NEEDED)
            else:
                self._joins = True
                run(job)

        return step

    def _claim(self, job: Job) -> None:
        self._claiming.wait(job)
        assert self._claiming.came is not None
        job.say(cloud_words(self._claiming.came))

    def _give_name(self, job: Job) -> None:
        if self._claiming.came in (Came.OF_SOMEONE_ELSE, Came.OTHER_LIGHT):
            job.skip(NOT_NEEDED)
            return
        before = self._claiming.board.name if self._claiming.board is not None else ""
        self._name = before
        question = Enter(NAME, _NAME_TITLE, _NAME_BODY, _NAME_HINT, allow_empty=True, start=before)
        for last in (False,) * (TRIES - 1) + (True,):
            beforehand = job.answered_beforehand(NAME)
            wanted = str(job.ask(question)).strip()
            if wanted in ("", before):
                job.say(_SAME)
                return
            try:
                with self._seat.asking(job) as (client, token):
                    self._name = client.rename(token, self._device_id, wanted)
            except BoardNameRefused as fault:
                if last or beforehand:
                    raise
                job.note(fault.cause)
                continue
            except CloudDoesNotOffer:
                job.say(_NO_NAMES)
                return
            job.say(_CALLED.with_values(name=self._name))
            return
