"""The guard in front of everything that must not meet the wrong board: writing a key, or handing one to a server.

Reading and keeping a key needs no guard. Source: device-protocol.md 1.4.
"""

from __future__ import annotations

import re

from app.faults import IdentityMismatch, IdentityUnproven
from app.platforms.identify import serial_matches
from app.text import Text, text
from app.work.board import Identity, Proof
from app.work.job import Job
from app.work.questions import Enter

TRIES = 3
_DEVICE_ID = re.compile(r"[0-9a-f]{24}")

DEVICE_ID_QUESTION = Enter(
    name="device-id",
    title=text("Guard", "Type the device ID of this board"),
    body=text(
        "Guard",
        "It has 24 digits and letters from a to f, and may be on a label, in a list of your account or in old notes. "
        "It is checked against the serial number the board shows on USB.",
    ),
    hint=text("Guard", "for example 53ff6f065067544840551187"),
)
_WRONG_FORM = text("Guard", "That is no device ID: it must have exactly 24 digits and letters from a to f.")
_WRONG_BOARD = text("Guard", "That device ID does not fit the serial number of this board.")


def require_proven(job: Job) -> Identity:
    """Return the board's proven identity; if there is none, let the person type the ID and check it.

    Raises:
        IdentityUnproven: There is none, and the serial number of this board can prove none.
        IdentityMismatch: What was typed does not belong to this board.
        Cancelled: The person stopped the job.
    """
    return job.identity or typed_identity(job)


def can_be_typed(job: Job) -> bool:
    """Whether a typed device ID could be proven: the board's serial number must say something about its ID."""
    return serial_matches(job.platform, "0" * 24, job.board.sighting.serial) is not None


def typed_identity(job: Job) -> Identity:
    """Ask for the device ID and accept it only if its hash is the board's serial number.

    Raises:
        IdentityUnproven: The serial number of this board can prove no ID.
        IdentityMismatch: What was typed, several times, does not belong to this board.
        Cancelled: The person stopped the job.
    """
    if not can_be_typed(job):
        raise IdentityUnproven(f"serial {job.board.sighting.serial!r} says nothing")
    reason = ""
    for _ in range(TRIES):
        beforehand = job.answered_beforehand(DEVICE_ID_QUESTION.name)
        typed = "".join(str(job.ask(DEVICE_ID_QUESTION)).split()).lower()
        problem = _problem(job, typed)
        if problem is None:
            return job.prove(typed, Proof.TYPED)
        reason = problem.english()
        if beforehand:
            break
        job.note(problem)
    raise IdentityMismatch(reason)


def _problem(job: Job, typed: str) -> Text | None:
    if not _DEVICE_ID.fullmatch(typed):
        return _WRONG_FORM
    return None if serial_matches(job.platform, typed, job.board.sighting.serial) else _WRONG_BOARD
