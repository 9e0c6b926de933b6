"""What each refusal of a server means, as data: the first row that fits a call, a kind of server and a status counts.

Statuses are those of public descriptions of the Particle interface (400 `invalid_grant`, 401, 403, 404 for a board that
is not connected, 408, 429) and of what a local cloud's program is known to answer; device-protocol.md 10.2 lists the
requests but not their refusals. Where a status is not known to mean one thing, the words are general.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique

from app import account_faults as faults
from app.cloud.profiles import CloudServer
from app.faults import Fault


@unique
class Call(Enum):
    """The requests the program makes (device-protocol.md 10.2)."""

    SIGN_IN = "sign in"
    ONE_TIME_CODE = "one-time code"
    REVOKE = "sign out"
    WHO = "who am I"
    DEVICES = "list boards"
    DEVICE = "look at a board"
    CLAIM = "claim"
    TRANSFER = "request a transfer"
    RELEASE = "release"
    RENAME = "rename"
    SIGNAL = "blink"
    SEND_KEY = "send a public key"
    CLAIM_CODE = "claim code"


REPEATABLE = frozenset({Call.WHO, Call.DEVICES, Call.DEVICE, Call.RENAME, Call.SIGNAL})
"""Calls that may be sent again when nobody knows whether the first one arrived: doing them twice changes nothing more.

A second release is answered as if the board had never been ours, and a second sign-in makes a second token: not these.
"""

_ABOUT_A_BOARD = frozenset({Call.DEVICE, Call.RELEASE, Call.RENAME, Call.SIGNAL})
_SIGNING_IN = frozenset({Call.SIGN_IN, Call.ONE_TIME_CODE})
_CLAIMING = frozenset({Call.CLAIM, Call.TRANSFER})
_MAY_BE_MISSING = frozenset(
    {Call.REVOKE, Call.WHO, *_CLAIMING, Call.RELEASE, Call.RENAME, Call.SIGNAL, Call.CLAIM_CODE, Call.SEND_KEY}
)
_ALWAYS_THERE = frozenset({*_SIGNING_IN, Call.WHO, Call.DEVICES})
_EVERY = frozenset(Call)
FIRST_REFUSAL = 400
FIRST_TROUBLE = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        calls: For which calls.
        statuses: HTTP statuses.
        fault: What the person is told.
        kind: Only for servers of this kind; None for all.
        words: Only when the server's own words contain one of these (lower case); empty for whatever it says.
    """

    calls: frozenset[Call]
    statuses: frozenset[int]
    fault: type[Fault]
    kind: CloudServer | None = None
    words: tuple[str, ...] = ()


def _at(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


ANSWERS: tuple[Row, ...] = (
    Row(_EVERY, _at(407), faults.CloudProxyUnusable),
    Row(_EVERY, _at(429), faults.CloudTooOften),
    Row(frozenset({Call.SIGN_IN}), _at(400, 401, 403), faults.SignInRefused),
    Row(frozenset({Call.ONE_TIME_CODE}), _at(400, 401, 403), faults.OneTimeCodeRefused),
    # Signing out with a password (10.2: basic authentication): 401 speaks of the password.
    Row(frozenset({Call.REVOKE}), _at(401, 403), faults.SignInRefused, words=("password",)),
    Row(_EVERY - _SIGNING_IN, _at(401), faults.TokenRefused),
    Row(_EVERY - _SIGNING_IN, _at(400, 403), faults.TokenRefused, words=("invalid_token", "expired_token")),
    # A local cloud lacks some requests altogether (10.3); newer programs have more of them, so each is asked.
    Row(_MAY_BE_MISSING, _at(404, 405, 501), faults.CloudDoesNotOffer, CloudServer.LOCAL),
    Row(_ALWAYS_THERE, _at(404, 405, 501), faults.NotTheCloud),
    Row(_CLAIMING, _at(403, 409), faults.BoardOfSomeoneElse, words=("someone else", "another user", "already claimed")),
    Row(_CLAIMING, _at(400, 404, 408), faults.BoardNotOnline),
    Row(frozenset({Call.SIGNAL}), _at(400, 404, 408), faults.BoardNotOnline),
    Row(_ABOUT_A_BOARD, _at(403), faults.BoardNotYours),
    Row(frozenset({Call.DEVICE}), _at(404), faults.BoardUnknownToCloud),
    Row(frozenset({Call.RELEASE, Call.RENAME}), _at(404), faults.BoardNotYours),
    Row(_ABOUT_A_BOARD, _at(408), faults.BoardNotOnline),
    Row(frozenset({Call.RENAME}), _at(400, 409, 422), faults.BoardNameRefused),
    Row(frozenset({Call.SEND_KEY}), _at(400, 403, 409, 422), faults.KeyRefusedByLocalCloud, CloudServer.LOCAL),
    Row(frozenset({Call.SEND_KEY}), _at(400, 403, 404, 409, 422), faults.KeyRefusedByCloud),
    Row(_EVERY, _at(403), faults.RequestForbidden),
    Row(_EVERY, _at(409), faults.CloudConflict),
    Row(_EVERY, _at(408, 504), faults.CloudSilent),
    Row(_EVERY, _at(500, 502, 503), faults.CloudTrouble),
)


def meaning(call: Call, kind: CloudServer, status: int, words: str = "") -> type[Fault]:
    """Return what a refusal means.

    Args:
        call: What was asked.
        kind: Of which kind of server.
        status: The HTTP status; also 200 when the body says that it was refused.
        words: What the server said, in any case; only looked at, never shown.
    """
    said = words.lower()
    for row in ANSWERS:
        if call not in row.calls or row.kind not in (None, kind):
            continue
        if row.words and not any(each in said for each in row.words):
            continue
        # A refusal under a good status is in its words only.
        if status in row.statuses or (row.words and status < FIRST_REFUSAL):
            return row.fault
    return faults.CloudTrouble if status >= FIRST_TROUBLE else faults.CloudRefused


def shown(host: str) -> Iterator[tuple[Call, CloudServer, int, str]]:
    """Return the sentence that is shown for every call, kind of server and status the table speaks of."""
    statuses = sorted({status for row in ANSWERS for status in row.statuses})
    for call in Call:
        for kind in CloudServer:
            for status in statuses:
                fault = meaning(call, kind, status)(host=host, status=status)
                yield call, kind, status, fault.cause.english()
