"""What recipes that ask a cloud share: who is signed in, the board's way online, and waiting until the cloud sees it.

Which account a run works for is settled once, at its start: choosing another server in the window meanwhile changes
nothing for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, unique
from typing import TYPE_CHECKING

from app.account_faults import (
    BoardNotOnline,
    BoardNotYours,
    BoardOfSomeoneElse,
    BoardUnknownToCloud,
    CloudDoesNotOffer,
    CloudNameNotFound,
    CloudSilent,
    CloudTooOften,
    CloudTrouble,
    CloudUnreachable,
    TokenRefused,
)
from app.clock import Deadline
from app.cloud.profiles import CloudServer
from app.faults import BoardDidNotReturn, Fault, IdentityUnproven
from app.platforms.model import Mode
from app.recipes.join_wifi_words import watch_question
from app.recipes.shared import has_requests, leave_dfu
from app.text import Text, text
from app.work.board import Board
from app.work.events import Fact
from app.work.job import CONSOLE_BAUD, Job
from app.work.questions import WatchLight

if TYPE_CHECKING:
    from app.cloud.client import CloudBoard, CloudClient, Token
    from app.cloud.session import Account

log = logging.getLogger(__name__)

ONLINE_S = 180.0
"""How long a board may take from its start until the cloud says that it is there: Wi-Fi, handshake, retries."""
FIRST_LOOK_S = 25.0
"""How long a running board may take to be seen, before it is taken for one that is not connected."""
POLL_S = 5.0
"""Between two questions about the same board."""
PATIENT_POLL_S = 30.0
"""The same after the server asked for a pause."""
TROUBLES = 4
"""So many times in a row the server may be in trouble before the run gives up."""
LIGHT = "online-light"
OTHER = "other"
X_TIMEOUT_MS = 2_000

_WATCH_TITLE = text("CloudSeat", "Watch the light until it breathes cyan")
_WATCH_BODY = text(
    "CloudSeat",
    "The program asks the cloud by itself and goes on as soon as the board is there. If the light still blinks blue, "
    "tap RESET.",
)
_OTHER_LIGHT = text("CloudSeat", "It does something else and stays so")
SIGNED_IN = text("CloudSeat", "Signed in at {cloud} as {user}.")
_SIGNED_IN = text("CloudSeat", "Signed in at {cloud}.")
NOT_NEEDED = text("CloudSeat", "Not needed.")
_STARTED = text("CloudSeat", "The board was sent back to its network.")
_RUNS = text("CloudSeat", "The board runs its own firmware.")
CLOUD = text("CloudSeat", "Cloud")
USER = text("CloudSeat", "Signed in as")
DEVICE_ID = text("CloudSeat", "Device ID")


class Seat:
    """A run's place at a cloud."""

    def __init__(self) -> None:
        self._account: Account | None = None

    def take(self, job: Job) -> None:
        """Settle which account the run works for; a step of its own.

        Raises:
            NotSignedIn: Nobody is signed in at the active cloud.
        """
        self._account = job.accounts.required(job.check)
        words = SIGNED_IN if self.account.user else _SIGNED_IN
        job.say(words.with_values(cloud=self.account.profile.name, user=self.account.user))

    @property
    def account(self) -> Account:
        """The account; `take` comes first."""
        assert self._account is not None
        return self._account

    @property
    def local(self) -> bool:
        """Whether it is a local cloud, which keeps no owners (device-protocol.md 10.3)."""
        return self.account.profile.kind is CloudServer.LOCAL

    @contextmanager
    def asking(self, job: Job) -> Iterator[tuple[CloudClient, Token]]:
        """Have something to ask the cloud with.

        Raises:
            TokenRefused: The sign-in is over; everybody is told.
        """
        try:
            with job.accounts.client(self.account, job.check) as client:
                yield client, self.account.token
        except TokenRefused:
            job.accounts.refused(self.account)
            raise

    def facts(self) -> tuple[Fact, ...]:
        """Say where and as whom the run worked."""
        account = self.account
        cloud = Fact("cloud", CLOUD, account.profile.name)
        return (cloud, Fact("user", USER, account.user)) if account.user else (cloud,)


def proven_id(job: Job) -> str:
    """Return the board's device ID.

    Raises:
        IdentityUnproven: It is not certain which board this is.
    """
    if job.identity is None:
        raise IdentityUnproven("a cloud is told a proven ID only")
    return job.identity.device_id


def look_up(client: CloudClient, token: Token, device_id: str) -> CloudBoard | None:
    """Return what the cloud says about a board of the account, None when it is not one of them."""
    try:
        return client.device(token, device_id)
    except (BoardNotYours, BoardUnknownToCloud):
        return None


def send_online(job: Job) -> None:
    """Let the board run and look for its network: out of update mode, out of listening mode. A step of its own."""
    if job.refresh().mode is Mode.DFU:
        job.say(leave_dfu(job))
        return
    if job.board.mode is not Mode.LISTENING:
        job.skip(_RUNS)
        return
    leave_listening(job)
    job.say(_STARTED)


def leave_listening(job: Job) -> None:
    """Ask a listening board to go back to its network; firmware of 2013-14 knows no such command (5.2).

    A board that cannot be told is no fault: its light shows it, and RESET helps.
    """
    from app.protocols import requests

    try:
        if has_requests(job.refresh()):
            with job.usb() as pipe:
                if requests.stop_listening(pipe, job.clock, job.check):
                    job.heard(listening=False)
                    return
        with job.serial(CONSOLE_BAUD) as pipe:
            pipe.write(b"x", X_TIMEOUT_MS)
    except Fault as fault:
        log.info("leave listening mode: %s: %s", fault.code, fault.detail)
        job.refresh()  # gone, or another board: that is a fault
        return
    job.heard(listening=False)


def back_to_network(job: Job, found: Mode | None) -> bool:
    """Have a board that ran when it was found, and listens now, go back to its network; return whether it was told."""
    if found is not Mode.NORMAL or job.refresh().mode is not Mode.LISTENING:
        return False
    leave_listening(job)
    return True


def watch_until(job: Job, ended: Callable[[], bool], version: str, within: float = ONLINE_S) -> bool:
    """Show the person the light on its way to breathing cyan until the cloud says the board is there.

    Args:
        job: The run.
        ended: Asks the cloud; called several times a second, paces itself.
        version: The board's firmware, "" where it is not known.
        within: Seconds.

    Returns:
        False when the person says that the light does something else.

    Raises:
        BoardDidNotReturn: Time is over.
        WrongBoardReturned: Another board is on the port now.
    """
    story = watch_question(LIGHT, job.platform, version)
    # Until it is seen anew: a board that restarts on the way changes nothing, and a terminal must not wait for a line.
    question = WatchLight(
        LIGHT,
        _WATCH_TITLE,
        _WATCH_BODY,
        job.platform,
        story.stages,
        ((OTHER, _OTHER_LIGHT),),
        until=Mode.NORMAL,
    )
    deadline = Deadline(job.clock, within)
    while True:
        answer = job.watch(question, deadline.left, ended)
        if not isinstance(answer, Board):
            return answer != OTHER


@unique
class Came(Enum):
    """How waiting for a board to become one of the account's ended."""

    ALREADY = "already"
    CLAIMED = "claimed"
    LISTED = "listed"  # a local cloud has it; whose it is, it does not keep
    OF_SOMEONE_ELSE = "of-someone-else"
    OTHER_LIGHT = "other-light"


class Claiming:
    """Makes a board one of the account's, as soon as the cloud sees it.

    Args:
        seat: Whose it shall be.
        ask: Whether to claim it; without, it only waits until the board is one of the account's (a claim code does it).
    """

    def __init__(self, seat: Seat, *, ask: bool = True) -> None:
        self._seat = seat
        self._ask = ask
        self._next = float("-inf")
        self._troubles = 0
        self.came: Came | None = None
        self.board: CloudBoard | None = None

    def at_once(self, job: Job, within: float = FIRST_LOOK_S) -> bool:
        """Try for a short while, without showing anything; return whether it ended.

        Raises:
            Fault: See `CloudClient`.
        """
        deadline = Deadline(job.clock, within)
        while not self._is_ours(job):
            if deadline.passed():
                return False
            job.pause(min(POLL_S / 5, deadline.left))
        return True

    def wait(self, job: Job, within: float = ONLINE_S) -> None:
        """Wait until it is one of the account's, or somebody else's, or its light tells that it will not be.

        Raises:
            BoardNotOnline: Time is over.
            Fault: See `CloudClient`.
        """
        if self.came is not None:
            return
        try:
            if not watch_until(job, lambda: self._is_ours(job), job.board.system_version, within):
                self.came = Came.OTHER_LIGHT
        except BoardDidNotReturn as fault:
            raise BoardNotOnline(fault.detail, host=self._seat.account.profile.host) from fault

    def _is_ours(self, job: Job) -> bool:
        """Look whether it is the account's now, and claim it if not; True ends the waiting."""
        if self.came is not None:
            return True
        if job.clock.now() < self._next:
            return False
        self._next = job.clock.now() + POLL_S
        try:
            with self._seat.asking(job) as (client, token):
                self._once(client, token, proven_id(job))
            self._troubles = 0
        except BoardNotOnline:
            self._troubles = 0
        except BoardOfSomeoneElse:
            self.came = Came.OF_SOMEONE_ELSE
        except (CloudTooOften, CloudSilent, CloudTrouble, CloudNameNotFound, CloudUnreachable) as fault:
            # The next look tells whether a request that got no answer was carried out.
            self._troubles += 1
            log.info("waiting for the cloud: %s: %s", fault.code, fault.detail)
            if self._troubles >= TROUBLES:
                raise
            if isinstance(fault, CloudTooOften):
                self._next = job.clock.now() + PATIENT_POLL_S
        return self.came is not None

    def _once(self, client: CloudClient, token: Token, device_id: str) -> None:
        found = look_up(client, token, device_id)
        if self._seat.local:
            if found is None or not found.online:
                return
            if self._ask:
                try:
                    client.claim(token, device_id)
                except CloudDoesNotOffer:  # whatever connects to it is in its list
                    log.info("this local cloud knows no claiming")
            self.came, self.board = Came.LISTED, found
            return
        if found is not None:
            if self._ask or found.online:
                self.came, self.board = (Came.ALREADY if self._ask else Came.CLAIMED), found
            return
        if self._ask:
            client.claim(token, device_id)
            self.came, self.board = Came.CLAIMED, look_up(client, token, device_id)


def cloud_words(came: Came) -> Text:
    """Say in a few words how it ended."""
    return _CAME[came]


_CAME = {
    Came.ALREADY: text("CloudSeat", "It is one of your boards already."),
    Came.CLAIMED: text("CloudSeat", "The cloud has it as one of your boards."),
    Came.LISTED: text("CloudSeat", "The local cloud has it in its list."),
    Came.OF_SOMEONE_ELSE: text("CloudSeat", "It belongs to another account."),
    Came.OTHER_LIGHT: text("CloudSeat", "The board does not get to the cloud."),
}
