"""Tell the active cloud the board's public key: what finishes a changed key (device-protocol.md 10.2, 10.3).

The key comes from the board itself, or from its newest backup. Only the public half leaves this computer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.account_faults import KeyKindNotTaken, NoKeyToRegister
from app.faults import Fault
from app.keys.backup import Backup
from app.keys.device_key import KeyState, examine
from app.keys.letter import PublicKeyLetter, letter, letter_of
from app.platforms.model import Mode
from app.recipes.base import Group, Promise, Recipe
from app.recipes.cloud_seat import DEVICE_ID, NOT_NEEDED, Seat, proven_id
from app.recipes.put_back_pieces import when
from app.recipes.read_identity import ReadIdentity, identity_from_dct
from app.recipes.shared import LEFT_QUIET, LEFT_RUNNING, enter_dfu, leave_as_found, leave_dfu
from app.text import Text, text
from app.work.events import Fact, Outcome
from app.work.job import Job
from app.work.key_work import ALGORITHMS, STATES, main_slot, private_slots, read_slot
from app.work.made_keys import never_on_board
from app.work.questions import Choose, Confirm
from app.work.step import Step

log = logging.getLogger(__name__)

KEY = "register-key"
SOURCE, BOARD, SAFE = "key-from", "board", "backup"
AGREE = "register"
DIGITS = 8

_SOURCE_TITLE = text("RegisterKey", "From where shall the public key be taken?")
_SOURCE_BODY = text(
    "RegisterKey",
    "The board itself is the surest: the cloud has to know the very key that is on it. The backup saves the way into "
    "update mode, if the board has had no other key since.",
)
_FROM_BOARD = text("RegisterKey", "From the board now")
_FROM_SAFE = text("RegisterKey", "From its newest backup, of {when}, fingerprint {digits}…")
_AGREE_TITLE = text("RegisterKey", "Tell {cloud} this key of the board?")
_AGREE_BODY = text(
    "RegisterKey",
    "Board {device_id}, fingerprint {fingerprint}. The cloud then forgets the key it has of this board: a board that "
    "still has that other key does not get in any more.",
)
_YES = text("RegisterKey", "Tell the cloud")
_NO = text("RegisterKey", "Leave it as it is")
_ON_BOARD = text("RegisterKey", "The key on the board is good.")
_IN_SAFE = text("RegisterKey", "The backup of {when} is used.")
_LEFT = text("RegisterKey", "Nothing was sent.")
_TAKEN = text("RegisterKey", "The cloud has taken it.")
_DONE = text("RegisterKey", "{cloud} knows this board's key now.")
_NOT_DONE = text("RegisterKey", "Nothing was sent; {cloud} keeps the key it has of this board.")
_RESET = text("RegisterKey", "Tap RESET on the board: its light should go through green and cyan to breathing cyan.")
_KIND = text("RegisterKey", "Kind")
_FINGERPRINT = text("RegisterKey", "Fingerprint of the key")


class RegisterKey(Recipe):
    """Read the key or take the backup's, show which one, send its public half."""

    key = KEY
    title = text("RegisterKey", "Register the board's key")
    summary = text(
        "RegisterKey",
        "Tells your cloud the board's public key: after the key was changed, or when the cloud does not know it.",
    )
    group = Group.CLOUD
    needs_account = True
    promise = Promise(
        reads=text("RegisterKey", "The board's key, twice; or nothing, when a backup is used."),
        writes=text("RegisterKey", "Nothing on the board. The cloud gets the public half of its key."),
        keeps=text("RegisterKey", "Nothing. The private half stays on the board and in your key safe."),
        takes=text("RegisterKey", "Half a minute."),
        risks=(
            text(
                "RegisterKey",
                "A cloud that is told another key than the board has does not let it in; the right one mends that.",
            ),
        ),
    )

    def __init__(self) -> None:
        self._seat = Seat()
        self._reading = ReadIdentity()
        self._found_mode: Mode | None = None
        self._backup: Backup | None = None
        self._letter: PublicKeyLetter | None = None
        self._kind: Text | None = None
        self._fingerprint = ""
        self._sent = False
        self._left: Text | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("RegisterKey", "See who is signed in"), self._sign),
            *self._reading.steps(),
            Step(text("RegisterKey", "Choose where the key is taken from"), self._choose),
            Step(
                text("RegisterKey", "Bring the board into update mode (DFU)"),
                self._reach,
                weight=3,
                detail=text("RegisterKey", "Without buttons where that is possible."),
            ),
            Step(text("RegisterKey", "Read and check the key"), self._read, weight=2),
            Step(text("RegisterKey", "Be sure"), self._agree),
            Step(text("RegisterKey", "Tell the cloud"), self._send, can_stop=False),
            Step(text("RegisterKey", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say which key the cloud knows."""
        assert self._letter is not None
        cloud = self._seat.account.profile.name
        kind = (Fact("algorithm", _KIND, self._kind),) if self._kind is not None else ()
        quiet = (LEFT_QUIET,) if self._left is LEFT_QUIET else ()
        return Outcome(
            (_DONE if self._sent else _NOT_DONE).with_values(cloud=cloud),
            (
                Fact("device-id", DEVICE_ID, self._letter.device_id, copy=True, qr=True),
                *kind,
                Fact("fingerprint", _FINGERPRINT, _grouped(self._fingerprint), copy=True),
                *self._seat.facts(),
            ),
            warnings=() if self._left is None or self._left in (LEFT_RUNNING, LEFT_QUIET) else (self._left,),
            next_steps=(*((_RESET,) if self._sent else ()), *quiet),
            next_recipes=("prove-handshake",) if self._sent else (),
            unfinished=not self._sent,
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- steps ---

    def _sign(self, job: Job) -> None:
        self._seat.take(job)
        self._found_mode = job.refresh().mode

    def _choose(self, job: Job) -> None:
        device_id = proven_id(job)
        found = self._newest(job, device_id)
        if found is None:
            if job.answered_beforehand(SOURCE) and job.given(SOURCE) != BOARD:
                raise NoKeyToRegister(state=STATES[KeyState.BLANK])
            job.skip(_FROM_BOARD)
            return
        made = when(found.made)
        options = (
            (BOARD, _FROM_BOARD),
            (SAFE, _FROM_SAFE.with_values(when=made, digits=found.fingerprint[:DIGITS])),
        )
        if job.ask(Choose(SOURCE, _SOURCE_TITLE, _SOURCE_BODY, options)) != SAFE:
            job.say(_FROM_BOARD)
            return
        assert found.algorithm is not None
        self._backup = found
        self._letter = letter_of(device_id, job.platform.key, found.algorithm, job.safe.public_pem(found))
        self._kind, self._fingerprint = ALGORITHMS[found.algorithm], found.fingerprint
        job.say(_IN_SAFE.with_values(when=made))

    def _reach(self, job: Job) -> None:
        if self._backup is not None:
            job.skip(NOT_NEEDED)
            return
        enter_dfu(job)

    def _read(self, job: Job) -> None:
        if self._backup is None:
            device_id = proven_id(job)
            identity_from_dct(job)
            if proven_id(job) != device_id:
                raise NoKeyToRegister(state=STATES[KeyState.CORRUPT])
            slot = main_slot(job)
            report = examine(read_slot(job, slot), slot.algorithm)
            if report.state is not KeyState.GOOD:
                raise NoKeyToRegister(state=STATES[report.state])
            self._letter = letter(device_id, job.platform.key, report)
            self._kind, self._fingerprint = ALGORITHMS[report.algorithm], report.fingerprint
            job.say(_ON_BOARD)
        else:
            job.skip(NOT_NEEDED)
        assert self._letter is not None
        if self._seat.local and self._letter.algorithm != "rsa":
            raise KeyKindNotTaken(self._letter.algorithm)

    def _agree(self, job: Job) -> None:
        assert self._letter is not None
        question = Confirm(
            AGREE,
            _AGREE_TITLE.with_values(cloud=self._seat.account.profile.name),
            _AGREE_BODY.with_values(device_id=self._letter.device_id, fingerprint=_grouped(self._fingerprint)),
            _YES,
            _NO,
            risky=True,
        )
        if not job.ask(question):
            job.say(_LEFT)
            return
        self._sent = True

    def _send(self, job: Job) -> None:
        if not self._sent:
            job.skip(NOT_NEEDED)
            return
        assert self._letter is not None
        with self._seat.asking(job) as (client, token):
            client.send_key(token, self._letter)
        job.say(_TAKEN)

    def _leave(self, job: Job) -> None:
        if self._backup is not None or self._found_mode is Mode.DFU:
            job.skip(NOT_NEEDED)
            return
        try:
            self._left = leave_dfu(job)
        except Fault as fault:  # the cloud knows the key: whatever happens to the board now does not change that
            log.info("return to normal: %s: %s", fault.code, fault.detail)
            self._left = fault.cause
        job.say(self._left)

    # --- inside ---

    @staticmethod
    def _newest(job: Job, device_id: str) -> Backup | None:
        """Return the board's newest backup with a sound key of the kind it uses as it comes from the factory."""
        slot = private_slots(job.platform)[0]
        return next(
            (
                each
                for each in job.safe.backups()
                if each.device_id == device_id
                and each.platform == job.platform.key
                and each.slot == slot.key
                and each.damaged is None
                and each.state is KeyState.GOOD
                and each.algorithm is not None
                and not never_on_board(job, each)
            ),
            None,
        )


def _grouped(fingerprint: str) -> str:
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
