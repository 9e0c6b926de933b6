"""Claim by cable: the board is told a code and shows it its cloud once it is there (device-protocol.md 5.3, 10.2).

Never for a Core: it says that it has set the code, and stores nothing (5.3). The code is a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.account_faults import BoardNotOnline, ClaimCodeNotKept, ClaimCodeRefused, CloudDoesNotOffer, NotYetYours
from app.faults import RequestRefused
from app.platforms.model import Mode
from app.protocols import requests
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.cloud_seat import (
    DEVICE_ID,
    NOT_NEEDED,
    Came,
    Claiming,
    Seat,
    back_to_network,
    cloud_words,
    leave_listening,
    look_up,
    proven_id,
)
from app.recipes.join_wifi import JoinWifi
from app.recipes.read_identity import ReadIdentity
from app.recipes.shared import enter_listening, has_requests
from app.text import text
from app.work.board import Board
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.questions import Choose
from app.work.step import Step

KEY = "claim-by-cable"
WIFI = "claim-wifi"
KNOWN, TELL = "known", "tell"

_WIFI = Choose(
    WIFI,
    text("ClaimByCable", "Does the board know your Wi-Fi network?"),
    text("ClaimByCable", "It has to get online once to show the cloud its code. It keeps the networks it knows."),
    (
        (TELL, text("ClaimByCable", "No: tell it one now")),
        (KNOWN, text("ClaimByCable", "Yes: it gets online by itself")),
    ),
)
_CORE = text(
    "ClaimByCable",
    "A Core keeps no claim code, although it says so. Let it go online, then use Claim this board.",
)
_YOURS = text("ClaimByCable", "It is one of your boards already.")
_KEPT = text("ClaimByCable", "The board keeps the code.")
_DONE = text("ClaimByCable", "This board has shown the cloud its code and is yours now.")
_ALREADY = text("ClaimByCable", "This board is one of your boards already. Nothing was changed.")
_LATER = text("ClaimByCable", "The board keeps the code, but does not reach the cloud yet.")
_BY_ITSELF = text(
    "ClaimByCable", "As soon as it gets online it shows the code by itself; nothing has to be done here then."
)


class ClaimByCable(Recipe):
    """A code from the cloud, through the cable, onto the board; then its network, and wait."""

    key = KEY
    title = text("ClaimByCable", "Claim by cable")
    summary = text(
        "ClaimByCable",
        "For a Photon, P1 or Electron that is not online yet: it is told a code over USB, and is yours at its first "
        "connection.",
    )
    group = Group.CLOUD
    needs_account = True
    promise = Promise(
        reads=text("ClaimByCable", "Its device ID."),
        writes=text("ClaimByCable", "A claim code into its settings; the name and password of a network if you wish."),
        keeps=text("ClaimByCable", "Nothing on this computer. The code is in no log."),
        takes=text("ClaimByCable", "One to three minutes."),
        risks=(
            text("ClaimByCable", "A board that belongs to another account stays there: the code does not take it."),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Never a Core."""
        return Fit.no(_CORE) if board.platform.key == "core" else Fit.yes()

    def __init__(self) -> None:
        self._seat = Seat()
        self._reading = ReadIdentity()
        self._joining = JoinWifi()
        self._claiming = Claiming(self._seat, ask=False)
        self._found_mode: Mode | None = None
        self._device_id = ""
        self._already = False
        self._tell_wifi = False
        self._joins = False

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ClaimByCable", "See who is signed in"), self._sign),
            *self._reading.steps(),
            Step(text("ClaimByCable", "See whether it is yours already"), self._look),
            Step(text("ClaimByCable", "Bring the board into listening mode"), self._only(self._listen), weight=2),
            Step(
                text("ClaimByCable", "Tell the board a claim code"),
                self._only(self._tell),
                weight=2,
                detail=text("ClaimByCable", "The code comes from the cloud and is good for this account only."),
            ),
            *(replace(step, run=self._wifi(step.run)) for step in self._joining.steps()[:-1]),
            Step(text("ClaimByCable", "Let the board go online"), self._leave),
            Step(text("ClaimByCable", "Wait until the cloud has it as yours"), self._only(self._wait), weight=6),
        )

    def outcome(self) -> Outcome:
        """Say whose it is."""
        came = Came.ALREADY if self._already else self._claiming.came
        facts = (Fact("device-id", DEVICE_ID, self._device_id, copy=True, qr=True), *self._seat.facts())
        if came is Came.OTHER_LIGHT:
            return Outcome(
                _LATER,
                facts,
                next_steps=(_BY_ITSELF,),
                next_recipes=("join-wifi", "why-not-connecting"),
                unfinished=True,
            )
        return Outcome(_ALREADY if came is Came.ALREADY else _DONE, facts)

    def tidy(self, job: Job) -> None:
        """Leave the board as it was found."""
        if self._joins:
            self._joining.tidy(job)
        else:
            back_to_network(job, self._found_mode)

    # --- steps ---

    def _sign(self, job: Job) -> None:
        self._seat.take(job)
        self._found_mode = job.refresh().mode
        if self._seat.local:  # it has no claim codes (10.3)
            raise CloudDoesNotOffer(host=self._seat.account.profile.host)

    def _look(self, job: Job) -> None:
        self._device_id = proven_id(job)
        with self._seat.asking(job) as (client, token):
            self._already = look_up(client, token, self._device_id) is not None
        if self._already:
            job.say(_YOURS)

    def _listen(self, job: Job) -> None:
        job.say(enter_listening(job))

    def _tell(self, job: Job) -> None:
        if not job.platform.has_modem:
            self._tell_wifi = job.ask(_WIFI) == TELL
        job.refresh()
        with self._seat.asking(job) as (client, token):
            code = client.claim_code(token).value
        job.insist_same()  # the cloud may have taken its time
        job.changed = True
        if not self._by_request(job, code):
            with job.console() as console:
                kept = console.set_claim_code(code)
            if kept is None:
                raise ClaimCodeNotKept
            if not kept:
                raise ClaimCodeRefused
        job.say(_KEPT)

    def _by_request(self, job: Job, code: str) -> bool:
        """Tell it by control request; False when the firmware knows none (6.3)."""
        if not has_requests(job.board):
            return False
        try:
            with job.usb() as pipe:
                return requests.set_claim_code(pipe, job.clock, code, job.check)
        except RequestRefused as fault:
            raise ClaimCodeRefused(fault.detail) from None

    def _leave(self, job: Job) -> None:
        if self._already:
            if not back_to_network(job, self._found_mode):
                job.skip(NOT_NEEDED)
        elif self._tell_wifi:
            job.skip(NOT_NEEDED)  # having told it a network lets it go
        else:
            leave_listening(job)

    def _wait(self, job: Job) -> None:
        try:
            self._claiming.wait(job)
        except BoardNotOnline as fault:
            raise NotYetYours(fault.detail, host=self._seat.account.profile.host) from fault
        assert self._claiming.came is not None
        job.say(cloud_words(self._claiming.came))

    # --- inside ---

    def _only(self, run: Callable[[Job], None]) -> Callable[[Job], None]:
        """Skip a step for a board that is the account's already."""

        def step(job: Job) -> None:
            if self._already:
                job.skip(NOT_NEEDED)
            else:
                run(job)

        return step

    def _wifi(self, run: Callable[[Job], None]) -> Callable[[Job], None]:
        """Skip a step of telling a network unless the person wants that."""

        def step(job: Job) -> None:
            if self._already or not self._tell_wifi:
                job.skip(NOT_NEEDED)
            else:
                self._joins = True
                run(job)

        return step
