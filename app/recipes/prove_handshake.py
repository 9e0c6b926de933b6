"""Prove the handshake: this computer plays the board's cloud for one connection (device-protocol.md 10.1).

The order of writing, and what a cut at any moment leaves behind:

1. The server block is kept, and the journal begun that says so.
2. A block with a throw-away key and this computer's address is written. A board cut off here calls a server that does
   not exist; nothing else on it is changed, and its own key never.
3. The board starts, calls, and is judged.
4. The old block is written back and read back; the journal ends.

From 2 on nothing but 4 ends it: finishing an interrupted run is step 4 alone. A second run on a board that still holds
the block of an interrupted one puts back what that one kept, not what it finds; its journal names that run, so that
finishing the second one does the same. A board that was set to another server since keeps that.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.cloud_faults import NoOwnAddress, OldServerNotKept, PortTaken
from app.faults import (
    BoardDidNotReturn,
    BoardGone,
    Fault,
    RescueElsewhere,
    RescueOfOtherBoard,
    RescueUnknown,
    WrongBoardReturned,
)
from app.keys.backup import Backup
from app.keys.device_key import KeyReport, KeyState, examine, public_der
from app.keys.server_key import AddressKind, ServerAddress, ServerState, build_server, fingerprint_of, parse_server
from app.platforms.identify import serial_matches
from app.platforms.model import KeySlot, Mode, Platform, Region
from app.platforms.table import PLATFORMS
from app.protocols.handshake import new_server_key, public_half
from app.recipes import prove_handshake_words as words
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.prove_handshake_words import Circumstances, Finding, Seen
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_IN_DFU,
    LEFT_QUIET,
    LEFT_RUNNING,
    NOT_LEFT,
    coach_into_dfu,
    enter_dfu,
    is_seen_listening,
    leave_as_found,
    leave_dfu,
    unlock_safe,
    warn_of_waiting,
)
from app.text import Text, text
from app.transports.network import Listener
from app.undo.board_name import Match
from app.undo.rescue import InterruptedRescue
from app.work.board import Board, match
from app.work.events import Fact, Hint, Outcome
from app.work.flashing import RESUME, Rescue
from app.work.guard import can_be_typed
from app.work.job import Job
from app.work.kept import EARLIER, of_one_origin, origin_of
from app.work.key_work import TCP_SLOT, keep, read_slot
from app.work.probe import THROW_AWAY, Attempt, Probe, Verdict
from app.work.questions import Choose
from app.work.reading import part_of_step, read_once, read_twice
from app.work.server_work import TCP_SERVER, firmware_version, honours_port
from app.work.spans import Span, Target, made_of, span_of
from app.work.step import Step
from app.work.xray import look

log = logging.getLogger(__name__)

KEY = words.SELF
ADDRESS = "address"
WAIT_S = 180.0
LISTENS_AFTER_S = 40.0
"""If nobody called by then the console is asked whether it listens; a start and joining a Wi-Fi take less."""
START_S = 200.0  # start, call, and back into update mode
ANY_PORT = 0

_NO_WIFI = text(
    "ProveHandshake",
    "An Electron reaches its cloud over the mobile network, and by another handshake (DTLS) that this computer cannot "
    "play.",
)
_ADDRESS_TITLE = text("ProveHandshake", "Which of this computer's networks is the board's Wi-Fi in?")
_ADDRESS_BODY = text(
    "ProveHandshake",
    "The board will be told to call this computer at this address. The likeliest one is the first.",
)
_ADDRESS = text("ProveHandshake", "The network in which this computer is {address}")

_TITLE_NEW = text("ProveHandshake", "Server for one connection: this computer, {address}, port {port}")
_WHY_NEW = text("ProveHandshake", "So that the board calls this computer. The key in it is made for this run only.")
_TITLE_OLD = text("ProveHandshake", "The server as it is now: {host}, port {port}")
_TITLE_BEFORE = text("ProveHandshake", "The server it had before: {host}, port {port}")
_WHY_OLD = text("ProveHandshake", "Put back after that one connection, whatever came of it.")
_STAYS_KEY = text("ProveHandshake", "The board's own key, its Wi-Fi networks and its firmware.")
_NEEDS_WIFI = text(
    "ProveHandshake", "The board needs a Wi-Fi network that it knows, and this computer has to be in it."
)
_NEEDS_POWER = text(
    "ProveHandshake",
    "Leave the board plugged in until the end. If the cable is pulled before, run this again or choose “finish”: that "
    "puts its old server back.",
)
_WARN_OFFLINE = text("ProveHandshake", "Until the end the board does not reach its own cloud.")

_READY = text("ProveHandshake", "This computer waits at {address}, port {port}.")
_BUSY = text(
    "ProveHandshake",
    "Port {port} of this computer is taken, perhaps by a local cloud. Whether the board can be told another one has to "
    "be seen.",
)
_FINISHES = text("ProveHandshake", "An interrupted run is finished: the old server is put back.")
_NOT_NEEDED = text("ProveHandshake", "Not needed.")
_OTHER_PORT = text("ProveHandshake", "Port 5683 is taken, so the board is told port {port}; its firmware can do that.")
_FOUND = text("ProveHandshake", "Its key is good; its server is {host}, port {port}.")
_FOUND_BEFORE = text(
    "ProveHandshake", "The board still holds the server of an interrupted run. What that one kept will be put back."
)
_SET_SINCE = text("ProveHandshake", "The board was set to another server since: {host}, port {port}. That one stays.")
_NOT_CLOSED = text("ProveHandshake", "An earlier interrupted run could not be marked as finished: {reason}")
_LISTENS = text("ProveHandshake", "The board is in listening mode.")
_STAYED = text("ProveHandshake", "The board did not start its firmware.")
_WAITED = text("ProveHandshake", "The waiting has ended.")

_BACK_AGAIN = text("ProveHandshake", "The old server is back on the board: {host}, port {port}.")
_STAYS_SINCE = text(
    "ProveHandshake",
    "The board was set to another server since the interrupted run: {host}, port {port}. It stays; nothing was "
    "written.",
)
_CAUSE = text("ProveHandshake", "Why")
_BOARD_AT = text("ProveHandshake", "The board called from")
_TOLD_ID = text("ProveHandshake", "Device ID it told")
_PRODUCT = text("ProveHandshake", "Product ID")
_PRODUCT_VERSION = text("ProveHandshake", "Version of its program")
_PLATFORM = text("ProveHandshake", "Platform")
_CALLED = text("ProveHandshake", "Where it was told to call")
_SERVER_NOW = text("ProveHandshake", "Its server now")
_SERVER_WORDS = text("ProveHandshake", "{host}, port {port}, as before")
_SERVER_SINCE = text("ProveHandshake", "{host}, port {port}")
_OTHERS = text(
    "ProveHandshake", "Others called, too, from {peers}. They did not know this run's key and changed nothing."
)


class ProveHandshake(Recipe):
    """Be the board's cloud for one connection, say what it proves, and put its server back."""

    key = KEY
    title = text("ProveHandshake", "Prove the handshake")
    summary = text(
        "ProveHandshake",
        "Can this board speak to a cloud at all? This computer plays the cloud for one connection over Wi-Fi and says "
        "which step fails.",
    )
    group = Group.KEYS
    promise = Promise(
        reads=text("ProveHandshake", "The board's key and its server, twice."),
        writes=text(
            "ProveHandshake", "Its server, for one connection to this computer. Afterwards the old one is put back."
        ),
        keeps=text(
            "ProveHandshake",
            "The key in your key safe, and the old server, so that it can be put back after a crash too.",
        ),
        takes=text("ProveHandshake", "Two to five minutes."),
        risks=(
            text(
                "ProveHandshake",
                "If the cable is pulled in between, the board calls a server that does not exist. Plug it in and "
                "choose “finish”: the old server is put back.",
            ),
            text("ProveHandshake", "The board does not reach its own cloud meanwhile."),
        ),
        changes_board=True,
    )

    @classmethod
    def fit(cls, board: Board) -> Fit:
        """Only a board with Wi-Fi."""
        return Fit.no(_NO_WIFI) if board.platform.has_modem else Fit.yes()

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._rescue = Rescue(KEY)
        self._finishing = False
        self._set_since = False  # the board has another server than the interrupted run left or kept
        self._platform: Platform | None = None
        self._listener: Listener | None = None
        self._address = ""
        self._busy: PortTaken | None = None
        self._report: KeyReport | None = None
        self._backup: Backup | None = None
        self._earlier: InterruptedRescue | None = None
        self._targets: list[Target] = []
        self._host, self._host_port = "", 0  # the server that is put back
        self._probe: Probe | None = None
        self._asked_console = False
        self._listens = False
        self._seen: Seen | None = None
        self._waited = False
        self._replaced = False
        self._restored = False
        self._left: Text = NOT_LEFT

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("ProveHandshake", "Get this computer ready to be called"), self._prepare),
            Step(
                text("ProveHandshake", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("ProveHandshake", "Without buttons where that is possible."),
            ),
            Step(text("ProveHandshake", "Read its key and its server, and keep both"), self._read, weight=3),
            Step(text("ProveHandshake", "Show what will be done"), self._agree),
            Step(
                text("ProveHandshake", "Write a server for one connection"),
                self._replace,
                weight=2,
                can_stop=False,
                goes_on=True,
            ),
            Step(
                text("ProveHandshake", "Start the board and wait for its call"),
                self._wait,
                weight=10,
                can_stop=False,
                detail=text("ProveHandshake", "Up to three minutes; you can end the waiting."),
                goes_on=True,
            ),
            Step(
                text("ProveHandshake", "Bring it back into update mode"),
                self._back,
                weight=3,
                can_stop=False,
                goes_on=True,
            ),
            Step(
                text("ProveHandshake", "Put its old server back"),
                self._restore,
                weight=2,
                can_stop=False,
                goes_on=True,
            ),
            Step(text("ProveHandshake", "Start the board"), self._start, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what the handshake proved, a line for each of its steps, and the one repair."""
        kept = (*self._rescue.files, *(() if self._backup is None else map(str, self._backup.files)))
        warnings = () if self._left in (LEFT_RUNNING, LEFT_QUIET) else (self._left,)
        quiet = (LEFT_QUIET,) if self._left is LEFT_QUIET else ()
        words_now = _SERVER_SINCE if self._set_since else _SERVER_WORDS
        server = Fact("server", _SERVER_NOW, words_now.with_values(host=self._host, port=self._host_port), copy=True)
        if self._finishing:
            said = _STAYS_SINCE if self._set_since else _BACK_AGAIN
            return Outcome(
                said.with_values(host=self._host, port=self._host_port),
                (server, *self._rescue.where_kept()),
                kept=kept,
                warnings=warnings,
                next_steps=quiet,
                next_recipes=(words.CHECK_KEYS,),
            )
        if not self._targets:
            assert self._report is not None
            return Outcome(
                words.KEY_UNFIT,
                (*words.lines(None, waited=False), server),
                kept=kept,
                warnings=(*self._report.problems, *warnings),
                next_steps=(words.KEY_UNFIT_NEXT, *quiet),
                next_recipes=(words.RESTORE_KEY,),
                unfinished=True,
            )
        found = self._finding()
        best = self._best
        facts = [
            Fact("cause", _CAUSE, found.cause),
            *words.lines(best, waited=self._waited),
            *self._what_it_told(),
            Fact("called", _CALLED, f"{self._address}:{self._port}", copy=True),
            server,
            *self._rescue.where_kept(),
        ]
        return Outcome(
            found.summary,
            tuple(facts),
            kept=kept,
            warnings=(*self._others(), *warnings),
            next_steps=(*found.next_steps, *quiet),
            next_recipes=(found.repair,) if found.repair else (),
            unfinished=self._verdict is not Verdict.PROVEN,
        )

    def tidy(self, job: Job) -> None:
        """Put the old server back if that can be done at once; else the journal stays, to be finished."""
        self._hang_up()
        try:
            if self._replaced and not self._restored:
                self._restore_in_passing(job)
        finally:
            self._rescue.close(job)
        if not self._replaced or self._restored:  # else it is finished the sooner the nearer it is to update mode
            leave_as_found(job, self._found_mode)

    # --- steps: before anything is written ---

    def _prepare(self, job: Job) -> None:
        self._found_mode = job.refresh().mode
        self._platform = job.platform
        self._finishing = self._rescue.resumes(job)
        unlock_safe(job)
        place = _place(job.platform)
        self._rescue.prepare(job, place.size, secrets=True)
        job.safe.insist_writable()
        if self._finishing:
            job.say(_FINISHES)
            return
        self._address = self._choose_address(job)
        try:
            self._listener = job.network.listen(job.platform.default_port)
        except PortTaken as fault:
            self._busy = fault
            job.say(_BUSY.with_values(port=job.platform.default_port))
            return
        job.say(_READY.with_values(address=self._address, port=self._listener.port))

    def _choose_address(self, job: Job) -> str:
        """Return the address that the board will be told.

        Raises:
            NoOwnAddress: There is none.
        """
        own = job.network.own_addresses()
        # Only a practice board is on this very computer.
        fitting = [each for each in own if job.undo.practice or not each.startswith("127.")]
        if not fitting:
            raise NoOwnAddress(", ".join(own))
        inside = [each for each in fitting if not each.startswith("127.")] or fitting
        if len(inside) == 1:
            return inside[0]
        options = tuple((each, _ADDRESS.with_values(address=each)) for each in inside)
        return str(job.ask(Choose(ADDRESS, _ADDRESS_TITLE, _ADDRESS_BODY, options)))

    def _read(self, job: Job) -> None:
        identity_from_dct(job)
        device, server, place = job.platform.slot(TCP_SLOT), job.platform.slot(TCP_SERVER), _place(job.platform)
        total = 2 * (device.size + place.size)
        raw = read_twice(job, place.alt, place.start, place.size, server.key, part_of_step(job, 0, total))
        left = self._left_behind(job, raw, place)
        if self._finishing:
            rescue = job.undo.rescue(job.given(RESUME))
            self._insist_it_left_this(job, rescue, left, raw, place)
            self._earlier = rescue if left is None else left
        else:
            raw_key = read_slot(job, device, part_of_step(job, 2 * place.size, total))
            self._report = examine(raw_key, device.algorithm)
            self._backup = keep(job, device, raw_key, self._report)
            self._earlier = left
        if self._earlier is not None:
            self._earlier = origin_of(job.undo, self._earlier)
            self._rescue.answers[EARLIER] = self._earlier.id
        old = raw if self._earlier is None else self._kept_before(job, self._earlier, place)
        now = parse_server(_slot_of(raw, server, place), server)
        if self._finishing and left is None and now.state is ServerState.GOOD and not made_of(raw, [old], blank=True):
            self._set_since = True  # by somebody who did not know of this run, or did not want its end
            self._host, self._host_port = now.host, now.port
            job.say(_SET_SINCE.with_values(host=now.host, port=now.port))
            return
        block = parse_server(_slot_of(old, server, place), server)
        self._host, self._host_port = block.host, block.port
        put_back = _target(
            job.platform,
            place,
            old,
            (_TITLE_OLD if self._earlier is None else _TITLE_BEFORE).with_values(host=block.host, port=block.port),
            _WHY_OLD,
        )
        if self._report is None:
            self._targets = [put_back]
            return
        if self._report.state is not KeyState.GOOD:
            job.say(words.KEY_UNFIT)
            self._hang_up()
            if self._earlier is not None:  # at least that is put right
                self._finishing = True
                self._targets = [put_back]
            return
        self._make_probe(job, raw, place, server, put_back)
        job.say((_FOUND if self._earlier is None else _FOUND_BEFORE).with_values(host=block.host, port=block.port))

    def _make_probe(self, job: Job, raw: bytes, place: Span, server: KeySlot, put_back: Target) -> None:
        """Make the throw-away key, the block with it, and who will judge the calls."""
        assert self._report is not None
        listener = self._insist_on_port(job)
        own_key = new_server_key()
        port = listener.port if listener.port != job.platform.default_port else None
        address = ServerAddress(AddressKind.IPV4, self._address, port)
        block = build_server(server, public_half(own_key), address)
        at = server.address - place.start
        content = raw[:at] + block + raw[at + len(block) :]
        title = _TITLE_NEW.with_values(address=self._address, port=listener.port)
        self._targets = [_target(job.platform, place, content, title, _WHY_NEW), put_back]
        self._rescue.answers[THROW_AWAY] = fingerprint_of(public_half(own_key))
        identity, serial, platform = job.identity, job.board.sighting.serial, job.platform

        def is_ours(device_id: str) -> bool | None:
            if identity is not None:
                return identity.device_id == device_id
            return serial_matches(platform, device_id, serial)

        self._probe = Probe(listener, own_key, public_der(self._report), is_ours, job.clock)

    def _insist_on_port(self, job: Job) -> Listener:
        """Return the listener; on another port only if the firmware is known to take notice of it (4.3).

        Raises:
            PortTaken: It is not.
        """
        if self._listener is None:
            assert self._busy is not None
            if not honours_port(firmware_version(job)):
                raise self._busy
            self._listener = job.network.listen(ANY_PORT)
            job.note(_OTHER_PORT.with_values(port=self._listener.port))
        return self._listener

    def _left_behind(self, job: Job, raw: bytes, place: Span) -> InterruptedRescue | None:
        """Return the newest interrupted run whose throw-away block, or what a cut made of it, is on the board.

        Also where the old server is whole again, but not what stands beside it. Not a run of a board that was given
        another server since: that is the one to put back.
        """
        server = job.platform.slot(TCP_SERVER)
        found = parse_server(_slot_of(raw, server, place), server)
        for rescue in job.undo.interrupted():
            if rescue.recipe != KEY or match(rescue.board, job.board) is Match.NO:
                continue
            sure = match(rescue.board, job.board) is Match.YES
            if found.state is ServerState.GOOD:
                left_it = rescue.answers.get(THROW_AWAY) == found.fingerprint
                left_it = left_it or (sure and self._is_half_back(job, origin_of(job.undo, rescue), raw, place))
            else:
                left_it = sure
            if left_it:
                return rescue
        return None

    def _is_half_back(self, job: Job, rescue: InterruptedRescue, raw: bytes, place: Span) -> bool:
        """Whether it holds what that run kept, or as much of it as a cut left."""
        try:
            return made_of(raw, [self._kept_before(job, rescue, place)], blank=True)
        except OldServerNotKept:
            return False

    def _insist_it_left_this(
        self, job: Job, rescue: InterruptedRescue, left: InterruptedRescue | None, raw: bytes, place: Span
    ) -> None:
        """Where nothing tells boards apart, the board has to hold what the interrupted run wrote, or had before.

        Raises:
            RescueOfOtherBoard: It holds another server.
        """
        origin = origin_of(job.undo, rescue)
        if match(rescue.board, job.board) is not Match.MAYBE or raw == self._kept_before(job, origin, place):
            return
        if left is None or origin_of(job.undo, left).id != origin.id:
            raise RescueOfOtherBoard(TCP_SERVER)

    def _kept_before(self, job: Job, rescue: InterruptedRescue, place: Span) -> bytes:
        """Return what an interrupted run kept of this place.

        Raises:
            OldServerNotKept: Nothing.
            Fault: It cannot be read.
        """
        for piece in rescue.snapshots:
            if piece.alt == place.alt and piece.address <= place.start and place.end <= piece.end:
                return job.undo.read(piece)[place.start - piece.address :][: place.size]
        raise OldServerNotKept(rescue.id)

    def _agree(self, job: Job) -> None:
        if not self._targets:
            job.skip(_NOT_NEEDED)
            return
        looked = look(job, (self._targets[0].region,))
        probing = not self._finishing
        plan = self._rescue.plan(
            job,
            looked,
            self._targets,
            stays=(_STAYS_KEY,),
            needs=(_NEEDS_WIFI, _NEEDS_POWER) if probing else (_NEEDS_POWER,),
            warnings=(_WARN_OFFLINE, *warn_of_waiting(looked)) if probing else (),
            extra_seconds=START_S if probing else 0.0,
        )
        self._rescue.agree(job, plan)

    # --- steps: while the old server is away ---

    def _replace(self, job: Job) -> None:
        if self._probe is None:
            job.skip(_NOT_NEEDED)
            return
        self._replaced = True
        self._rescue.write_all(job, self._targets[:1])

    def _wait(self, job: Job) -> None:
        if self._probe is None:
            job.skip(_NOT_NEEDED)
            return
        self._left = leave_dfu(job)
        if self._left in (NOT_LEFT, LEFT_IN_DFU):
            self._hang_up()
            job.say(_STAYED)
            return
        self._waited = True
        began = job.clock.now()
        question = words.watch_question(job.platform, self._address, self._port)
        try:
            answer = job.watch(question, WAIT_S, lambda: self._is_over(job, job.clock.now() - began))
            if isinstance(answer, str) and answer:
                self._seen = Seen(answer)
        except BoardDidNotReturn as fault:
            log.info("prove handshake: %s", fault.detail)
        finally:
            self._hang_up()
        if self._listens:
            job.say(_LISTENS)
        else:
            job.say(_WAITED if self._best is None else words.news(self._best))

    def _is_over(self, job: Job, waited: float) -> bool:
        """Look after the callers, tell what is new, and say whether waiting longer makes sense."""
        assert self._probe is not None
        for attempt in self._probe.poll():
            log.info("call %d: %s %s", attempt.number, attempt.stage.name, attempt.failure)
            job.post(Hint(job.run, words.news(attempt)))
        job.tick(min(int(waited), int(WAIT_S)), int(WAIT_S), of_bytes=False)
        if self._probe.decided or job.stopping:  # then the old server goes back at once
            return True
        if waited > LISTENS_AFTER_S and not self._asked_console and not self._probe.calls:
            self._asked_console = True
            self._listens = is_seen_listening(job)
        return self._listens

    def _back(self, job: Job) -> None:
        if self._probe is None:
            job.skip(_NOT_NEEDED)
            return
        try:
            enter_dfu(job)
        except BoardGone:  # firmware without USB, or the cable was pulled: the buttons do it
            coach_into_dfu(job)

    def _restore(self, job: Job) -> None:
        if self._set_since:
            job.skip(_NOT_NEEDED)
            self._close_earlier(job)
            return
        if not self._targets:
            job.skip(_NOT_NEEDED)
            return
        if self._replaced:
            self._insist_it_came_back(job)
        self._rescue.write_all(job, self._targets[-1:])
        self._finish(job)

    def _start(self, job: Job) -> None:
        self._left = leave_dfu(job)
        job.say(self._left)

    # --- inside ---

    @property
    def _port(self) -> int:
        return 0 if self._listener is None else self._listener.port

    @property
    def _best(self) -> Attempt | None:
        return None if self._probe is None else self._probe.best

    @property
    def _verdict(self) -> Verdict:
        return Verdict.NOTHING_CAME if self._probe is None else self._probe.verdict

    def _finish(self, job: Job) -> None:
        """The old server is back: this run is over, and so is the one whose traces were removed."""
        self._restored = True
        self._rescue.finish(job)
        self._close_earlier(job)

    def _close_earlier(self, job: Job) -> None:
        """Close what is still open of the interrupted run and of those that began on what it left."""
        if self._earlier is None:
            return
        for rescue in of_one_origin(job.undo, self._earlier):
            try:
                with job.undo.resume(rescue.id) as journal:
                    journal.finish()
            except (RescueUnknown, RescueElsewhere):  # finished with this one already, or somebody else's now
                continue
            except Fault as fault:  # the board is done; that an old note stays open is no failure of this run
                job.note(_NOT_CLOSED.with_values(reason=fault.cause))

    def _insist_it_came_back(self, job: Job) -> None:
        """Where no serial number tells boards apart, only the board that was waited for holds this run's server.

        Raises:
            WrongBoardReturned: Another board came back in its place; that one keeps its server.
        """
        place = _place(job.platform)
        if can_be_typed(job) or read_once(job, place.alt, place.start, place.size) == self._targets[0].content:
            return
        raise WrongBoardReturned("it does not hold the server of this run")

    def _restore_in_passing(self, job: Job) -> None:
        """After a fault: put the old server back where that needs nobody's hands or answer."""
        new, old = self._targets
        place = _place(job.platform)
        if job.refresh().mode is not Mode.DFU:
            return
        with job.dfu(place.alt) as session:
            current = session.read(place.start, place.size)
        if current == new.content:
            self._rescue.write(job, old)
            self._finish(job)

    def _hang_up(self) -> None:
        """Stop listening. What was heard stays known."""
        if self._probe is not None:
            self._probe.close()
        elif self._listener is not None:
            self._listener.close()

    def _finding(self) -> Finding:
        assert self._platform is not None
        if not self._waited:
            return words.not_started(self._platform)
        best = self._best
        return words.finding(
            self._verdict,
            Circumstances(
                platform=self._platform,
                address=self._address,
                port=self._port,
                seen=self._seen,
                listens=self._listens,
                told_id="" if best is None else best.device_id or "",
                peer="" if best is None else best.peer,
            ),
        )

    def _what_it_told(self) -> list[Fact]:
        """What is known of the board by its call."""
        best = self._best
        if best is None or not best.ours:
            return []
        facts = [Fact("peer", _BOARD_AT, best.peer, copy=True)]
        if best.device_id is not None:
            facts.append(Fact("told-id", _TOLD_ID, best.device_id, copy=True))
        if best.hello is not None:
            facts += [
                Fact("product", _PRODUCT, str(best.hello.product)),
                Fact("product-version", _PRODUCT_VERSION, str(best.hello.version)),
            ]
            if best.hello.platform is not None:
                facts.append(Fact("platform", _PLATFORM, _platform_name(best.hello.platform)))
        return facts

    def _others(self) -> tuple[Text, ...]:
        """Say who else called, where that was not what the verdict is about."""
        best = self._best
        if best is None or not best.ours or self._probe is None:
            return ()
        peers = dict.fromkeys(each.peer for each in self._probe.attempts if not each.ours)
        return (_OTHERS.with_values(peers=", ".join(peers)),) if peers else ()


def _place(platform: Platform) -> Span:
    """Return the whole erase units of the server slot, so that a cut never takes anything that is not written again."""
    slot = platform.slot(TCP_SERVER)
    erased = b"\xff" * slot.size
    region = _region(platform, slot)
    return span_of(platform, Target(_TITLE_OLD, region.key, slot.address, erased, _WHY_OLD, ""))


def _region(platform: Platform, slot: KeySlot) -> Region:
    return next(
        row for row in platform.regions if row.alt == slot.alt and row.start <= slot.address < row.start + row.size
    )


def _slot_of(raw: bytes, slot: KeySlot, place: Span) -> bytes:
    """Return the slot out of the erase units around it."""
    return raw[slot.address - place.start :][: slot.size]


def _target(platform: Platform, place: Span, content: bytes, title: Text, why: Text) -> Target:
    region = _region(platform, platform.slot(TCP_SERVER))
    return Target(title, region.key, place.start, content, why, "", into_settings=True, over_key=True)


def _platform_name(number: int) -> str:
    return next((each.name for each in PLATFORMS if each.number == number), str(number))
