"""This computer as the cloud for one connection: who called, how far each caller came, and what that proves.

Any number of strangers may call: a second board of the house that knows this address, a scanner, a browser. Only a
board that this run's server key was written to can encrypt for it, so nobody else spoils the verdict. Strangers are
few at a time, each for a bounded time, and none of them is asked for anything.

Nothing here waits: whoever waits calls `Probe.poll` again and again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from app.clock import Clock
from app.protocols.handshake import Failure, Handshake, Hello, Stage
from app.transports.network import Connection, Listener

if TYPE_CHECKING:
    # Imported where it is used: loading it takes longer than the window takes to be drawn.
    from cryptography.hazmat.primitives.asymmetric import rsa

log = logging.getLogger(__name__)

THROW_AWAY = "throw-away-server"
"""Name of the answer, in a journal only, that holds the fingerprint of the server key made for that run."""
AT_ONCE = 8
"""Connections looked after at the same time; a further one takes the place of the one that has shown least."""
ACCEPTS = 8
"""Connections taken in one look."""
PIECES = 8
"""How often one connection is read in one look: one that never stops sending does not keep the others waiting."""
KEPT = 32
"""Attempts remembered; of more, those that showed least are forgotten."""
GOODBYE_S = 1.5
"""How long the connection stays after our hello: ended at once, the board might never get to read it."""
ENOUGH = 2
"""Attempts of the board itself with the same end that make a failure certain; one may be an accident of the radio."""


@unique
class Verdict(Enum):
    """What the attempts prove, all together."""

    PROVEN = "proven"
    NOTHING_CAME = "nothing-came"
    NO_ANSWER = "no-answer"  # somebody called and said nothing that makes sense
    WRONG_SERVER_KEY = "wrong-server-key"
    OLD_NONCE = "old-nonce"
    WRONG_ID = "wrong-id"
    OTHER_KEY = "other-key"
    NOT_ACCEPTED = "not-accepted"  # the board ended it after our session key and signature
    SILENT = "silent"  # ... or said no more
    BAD_SESSION = "bad-session"
    GARBAGE = "garbage"  # it knows our server key, and sends what makes no sense


_VERDICTS = {
    Failure.WRONG_SERVER_KEY: Verdict.WRONG_SERVER_KEY,
    Failure.OLD_NONCE: Verdict.OLD_NONCE,
    Failure.WRONG_ID: Verdict.WRONG_ID,
    Failure.OTHER_KEY: Verdict.OTHER_KEY,
    Failure.BAD_SESSION: Verdict.BAD_SESSION,
    Failure.LEFT: Verdict.NOT_ACCEPTED,
    Failure.CUT_SHORT: Verdict.NOT_ACCEPTED,
    Failure.SILENT: Verdict.SILENT,
    Failure.SLOW: Verdict.SILENT,
    Failure.GARBAGE: Verdict.GARBAGE,
}
_CERTAIN = frozenset({Failure.WRONG_ID, Failure.OTHER_KEY})
"""Failures that say something of the board itself, which no second attempt changes."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection, as far as it has come.

    Attributes:
        number: Counted from 1 in the order of calling.
        peer: IPv4 address it came from.
        stage: How far it came.
        failure: Why no further; None while it goes on and when it is done.
        device_id: The ID it told, None when it did not come so far.
        told_key: Whether it sent a public key; None when it did not come so far.
        hello: Its first message, None when it did not come so far.
    """

    number: int
    peer: str
    stage: Stage
    failure: Failure | None
    device_id: str | None
    told_key: bool | None
    hello: Hello | None

    @property
    def ours(self) -> bool:
        """Whether it knows this run's server key."""
        return self.stage >= Stage.KNOWS_SERVER


@dataclass(slots=True)
class _Caller:
    number: int
    connection: Connection
    handshake: Handshake
    seen: tuple[Stage, Failure | None] | None = None  # what was told of it last
    closes_at: float | None = None

    def attempt(self) -> Attempt:
        shake = self.handshake
        return Attempt(
            self.number,
            self.connection.peer.host,
            shake.stage,
            shake.failure,
            shake.device_id,
            shake.told_key,
            shake.hello,
        )


class Probe:
    """Plays the cloud on a port. Close it in any case."""

    def __init__(
        self,
        listener: Listener,
        server_key: rsa.RSAPrivateKey,
        device_public: bytes,
        is_ours: Callable[[str], bool | None],
        clock: Clock,
    ) -> None:
        """Take over a listener; it is closed with the probe.

        Args:
            listener: Where boards call.
            server_key: The key whose public half was written to the board.
            device_public: Public half of the board's key: SPKI in DER.
            is_ours: Whether an ID is the board's; None when that is not known.
            clock: What time limits are counted by.
        """
        self._listener = listener
        self._server_key = server_key
        self._device_public = device_public
        self._is_ours = is_ours
        self._clock = clock
        self._callers: list[_Caller] = []
        self._ended: list[Attempt] = []
        self._calls = 0
        self._own_ends: dict[tuple[Stage, Failure], int] = {}

    # --- going on ---

    def poll(self) -> tuple[Attempt, ...]:
        """Look after everybody who called; return those who came further or ended since the last look."""
        self._accept()
        news = []
        for caller in list(self._callers):
            self._feed(caller)
            state = (caller.handshake.stage, caller.handshake.failure)
            if state != caller.seen:
                caller.seen = state
                news.append(caller.attempt())
            self._see_off(caller)
        return tuple(news)

    @property
    def decided(self) -> bool:
        """Whether waiting longer cannot change the verdict, and a board that got through has read our hello."""
        if any(attempt.stage is Stage.DONE for attempt in self._ended):
            return True
        if any(caller.handshake.stage is Stage.DONE for caller in self._callers):
            return False
        if any(failure in _CERTAIN for _, failure in self._own_ends):
            return True
        return any(count >= ENOUGH for count in self._own_ends.values())

    def close(self) -> None:
        """Stop listening and end all connections. A second time does nothing."""
        self._listener.close()
        for caller in self._callers:
            caller.handshake.ended(self._clock.now())
            self._remember(caller.attempt())
            caller.connection.close()
        self._callers.clear()

    # --- what it proves ---

    @property
    def calls(self) -> int:
        """How many connections there were."""
        return self._calls

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts that are remembered, in the order of calling."""
        running = [caller.attempt() for caller in self._callers]
        return tuple(sorted((*self._ended, *running), key=lambda attempt: attempt.number))

    @property
    def best(self) -> Attempt | None:
        """The attempt that came furthest, of equal ones the last; None when nobody called."""
        return max(self.attempts, key=_shown, default=None)

    @property
    def verdict(self) -> Verdict:
        """What is proven so far."""
        best = self.best
        if best is None:
            return Verdict.NOTHING_CAME
        if best.stage is Stage.DONE:
            return Verdict.PROVEN
        if best.stage is Stage.CALLED or (best.stage is Stage.ANSWERED and best.failure is Failure.GARBAGE):
            return Verdict.NO_ANSWER
        return Verdict.SILENT if best.failure is None else _VERDICTS[best.failure]

    # --- inside ---

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            connection = self._listener.accept()
            if connection is None:
                return
            self._calls += 1
            if len(self._callers) >= AT_ONCE:
                least = min(self._callers, key=lambda caller: (caller.handshake.stage, caller.number))
                log.info("caller %d from %s makes room", least.number, least.connection.peer.host)
                self._dismiss(least)
            handshake = Handshake(self._server_key, self._device_public, self._is_ours, self._clock.now())
            self._callers.append(_Caller(self._calls, connection, handshake))

    def _feed(self, caller: _Caller) -> None:
        """Bring what came to the handshake and what it answers to the other side."""
        shake, connection = caller.handshake, caller.connection
        self._send(caller)
        for _ in range(PIECES):
            came = connection.receive()
            if came is None:
                shake.ended(self._clock.now())
                caller.closes_at = self._clock.now()
                break
            if not came:
                break
            shake.receive(came, self._clock.now())
            self._send(caller)
        shake.tick(self._clock.now())

    def _send(self, caller: _Caller) -> None:
        out = caller.handshake.take()
        if out:
            caller.connection.send(out)

    def _see_off(self, caller: _Caller) -> None:
        """End a connection that has nothing more to show; one that got through only when it has read our hello."""
        shake, now = caller.handshake, self._clock.now()
        if not shake.over:
            return
        if caller.closes_at is None:
            caller.closes_at = now + (GOODBYE_S if shake.stage is Stage.DONE else 0.0)
        if now >= caller.closes_at:
            self._dismiss(caller)

    def _dismiss(self, caller: _Caller) -> None:
        caller.handshake.ended(self._clock.now())  # says why, where nothing did yet
        attempt = caller.attempt()
        log.info(
            "caller %d from %s: %s, %s",
            attempt.number,
            attempt.peer,
            attempt.stage.name,
            None if attempt.failure is None else attempt.failure.value,
        )
        caller.connection.close()
        self._callers.remove(caller)
        self._remember(attempt)
        if attempt.ours and attempt.failure is not None:
            end = (attempt.stage, attempt.failure)
            self._own_ends[end] = self._own_ends.get(end, 0) + 1

    def _remember(self, attempt: Attempt) -> None:
        self._ended.append(attempt)
        if len(self._ended) > KEPT:
            self._ended.remove(min(self._ended, key=_shown))


def _shown(attempt: Attempt) -> tuple[Stage, bool, int]:
    """Return what attempts are compared by: what was shown, then anything but a stranger's rubbish, then the newest."""
    sense = attempt.failure not in (Failure.GARBAGE, Failure.WRONG_SERVER_KEY)
    return attempt.stage, sense, attempt.number
