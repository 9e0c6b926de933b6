"""One run of a recipe on one board: the only object a step receives."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from app.clock import Clock, Deadline
from app.faults import (
    AccessDenied,
    BadAnswer,
    BoardDidNotReturn,
    BoardGone,
    BoardSilent,
    BusFailed,
    Cancelled,
    DriverMissing,
    Fault,
    NoAnswer,
    PortBusy,
    WrongBoardReturned,
)
from app.log import keep_secret
from app.platforms.identify import core_serial
from app.platforms.model import BootLoader, Mode, Platform, Quirk
from app.text import Text, text
from app.transports.base import Bus, SerialPipe, Sighting, UsbPipe
from app.work.accounts import JobAccounts, Nobody
from app.work.board import Board, Identity, Proof
from app.work.coach import Coach
from app.work.events import Answered, Asked, Hint, Note, Post, RunEvent
from app.work.identity import IdentityBook
from app.work.questions import DoThis, Enter, Question, Review, WatchLight, parse_answer
from app.work.wifi_form import WifiAnswer

if TYPE_CHECKING:
    from app.firmware.pack import RescuePack
    from app.keys.clouds import CloudBook
    from app.keys.safe import Backup, KeySafe
    from app.protocols.dfu import DfuSession
    from app.protocols.listening import ListeningConsole
    from app.transports.network import Network
    from app.transports.wifi_scan import WifiScanner
    from app.undo.store import UndoStore

log = logging.getLogger(__name__)

CONSOLE_BAUD = 9600  # nominal, and none of the magic ones (5.1, 5.6)
ASK_LIMIT_S = 3600.0
"""A question that nobody answers ends the job after an hour: a forgotten window must not hold a board for ever."""
ASK_SLICE_S = 0.1
LOOK_SLICE_S = 0.25
SETTLING_S = 3.0
"""How long after coming back a board may still be refused: access rules and other programs look at it first."""
SETTLING_PAUSE_S = 0.1
REFUSED_S = 10.0
"""A port that cannot be opened for so long will not be opened by waiting; the person has to know why."""
PROBE_PAUSE_S = 1.0
PROBE_WITHIN_S = 1.0
"""Firmware of 2013-14 takes up to 250 ms per command character and loop (5.1)."""

_JOINED = text("Job", "Backups kept earlier now belong to {device_id}: {count}.")
_NOT_JOINED = text("Job", "Backups kept earlier could not be joined to the device ID: {reason}")

Opened = TypeVar("Opened", UsbPipe, SerialPipe)


def _hushed(question: Question, answer: object) -> object:
    """Return the answer, after making sure that a secret one never gets into the log."""
    if isinstance(question, Enter) and question.secret:
        keep_secret(str(answer))
    if isinstance(answer, WifiAnswer):
        for secret in answer.secrets():
            keep_secret(secret)
    return answer


def _nowhere(_answer: object) -> None:
    """Where a reply goes to a question that was answered beforehand."""


def _ends(question: WatchLight, board: Board) -> bool:
    """Whether a board that has come back ends the watching."""
    return question.or_back or (board.mode is Mode.DFU) == (question.until is Mode.DFU)


class _Slot:
    """Where one answer goes: the first one counts, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answered = threading.Event()
        self.answer: object = None

    def reply(self, answer: object) -> None:
        with self._lock:
            if not self.answered.is_set():
                self.answer = answer
                self.answered.set()


class _Leaving:
    """Sees whether a board has left what it was doing: gone from its port, or there in another mode or anew."""

    def __init__(self, start: Board) -> None:
        self._start = start
        self.happened = False

    def look(self, board: Board | None) -> None:
        before = self._start
        if (
            board is None
            or board.sighting.address != before.sighting.address
            or (board.mode is Mode.DFU) != (before.mode is Mode.DFU)
        ):
            self.happened = True


class Job:
    """One run on one board.

    Made by the caller of `Engine.run`, so that a stop which comes before a thread picks it up is not lost. Everything
    but `stop` and a question's reply is used by the one thread that runs it.

    Attributes:
        run: Number of the run; all its events carry it.
        bus: Where boards are seen and opened.
        clock: What every wait goes through.
        safe: The key safe.
        book: What is proven about the board on each port.
        pack: The rescue pack.
        undo: Where is kept what is on boards before it is changed.
        clouds: The clouds the person uses.
        network: The network as seen from this computer.
        scanner: The Wi-Fi networks as seen from this computer.
        accounts: Who is signed in at the active cloud.
        changed: Whether anything on the board was changed; a step sets it before its first write.
        restarting: Whether the board was told to restart into another mode and its coming back was not seen yet.
        echoes: Whether the console, when last asked, sent back what it was asked and said nothing: it waits amid a
            dialogue that was broken off, which a restart ends (5.1), or a program echoes.
        mute: Whether the board, when last asked, took nothing at all, as one that hangs: only RESET helps it.
    """

    def __init__(
        self,
        *,
        run: int,
        board: Board,
        bus: Bus,
        clock: Clock,
        safe: KeySafe,
        book: IdentityBook,
        post: Post,
        pack: RescuePack,
        undo: UndoStore,
        clouds: CloudBook,
        network: Network,
        scanner: WifiScanner,
        accounts: JobAccounts | None = None,
        answers: Mapping[str, object] | None = None,
    ) -> None:
        self.run = run
        self.bus = bus
        self.clock = clock
        self.safe = safe
        self.book = book
        self.pack = pack
        self.undo = undo
        self.clouds = clouds
        self.network = network
        self.scanner = scanner
        self.accounts: JobAccounts = accounts or Nobody()
        self.changed = False
        self.restarting = False
        self.echoes = False
        self.mute = False
        self._board = board
        self._identity = board.identity
        self._evidence = book.evidence(board.port_path)
        self._post = post
        self._answers = dict(answers or {})
        self._stop = threading.Event()
        self._never = threading.Event()
        self._shielded = False
        self._joined = False
        self._returned_at = float("-inf")
        self._on_tick: Callable[[int, int, bool], None] | None = None
        self._said: Text | None = None
        self._skipped = False

    # --- what is worked on ---

    @property
    def board(self) -> Board:
        """The board as it was last seen, with what is proven about it by now."""
        return replace(self._board, identity=self.identity)

    @property
    def platform(self) -> Platform:
        """What kind of board it is."""
        return self._board.platform

    @property
    def port_path(self) -> str:
        """Where it is plugged in."""
        return self._board.port_path

    @property
    def identity(self) -> Identity | None:
        """Its proven identity, or None."""
        return self._identity

    # --- news ---

    def post(self, event: RunEvent) -> None:
        """Send news; whatever goes wrong at the receiver does not reach the job."""
        try:
            self._post(event)
        except Exception:  # the receiver's mistake must not stop work on a board
            log.exception("the receiver of %s failed", type(event).__name__)

    def note(self, words: Text) -> None:
        """Add a line to the details."""
        self.post(Note(self.run, words))

    def say(self, words: Text) -> None:
        """Set what this step found; it stands beside its tick."""
        self._said = words

    def skip(self, words: Text) -> None:
        """Mark the step as not needed; the step returns right after."""
        self._said = words
        self._skipped = True

    def tick(self, done: int, total: int, *, of_bytes: bool = True) -> None:
        """Report how far the step is.

        Args:
            done: How much is done.
            total: How much there is.
            of_bytes: Whether these are bytes, so that a speed makes sense.

        Raises:
            Cancelled: The person stopped the job.
        """
        self.check()
        if self._on_tick is not None:
            self._on_tick(done, total, of_bytes)

    def begin_step(self, on_tick: Callable[[int, int, bool], None], *, can_stop: bool) -> None:
        """For the runner: a step begins; `on_tick` gets its progress."""
        self._on_tick, self._said, self._skipped = on_tick, None, False
        self._shielded = not can_stop

    def end_step(self) -> tuple[Text | None, bool]:
        """For the runner: the step is over; return what it said and whether it was not needed."""
        self._on_tick, self._shielded = None, False
        return self._said, self._skipped

    # --- stopping and waiting ---

    def stop(self) -> None:
        """Ask the job to stop, from any thread."""
        self._stop.set()
        self.bus.wake()

    @property
    def stopping(self) -> bool:
        """Whether the person wants it to stop, even in a step that cannot be stopped but may be cut short."""
        return self._stop.is_set()

    def shield(self) -> None:
        """For the runner: from now on, a stop no longer counts (the board is being left as it was found)."""
        self._shielded = True

    def check(self) -> None:
        """Raise `Cancelled` if the person stopped the job and this step may be stopped."""
        if self._stop.is_set() and not self._shielded:
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Let that many seconds pass.

        Raises:
            Cancelled: The person stopped the job.
        """
        self.check()
        self.clock.wait(self._never if self._shielded else self._stop, seconds)
        self.check()

    # --- questions ---

    def ask(self, question: Question, within: float = ASK_LIMIT_S) -> object:
        """Ask the person and wait for the answer; an answer given beforehand is taken without asking.

        A plan agreed to beforehand is told all the same (`Asked`, then `Answered`), for the record; a reply to it
        goes nowhere.

        Args:
            question: Any but a `DoThis`, which `coach` waits for.
            within: Seconds after which nobody will answer any more.

        Returns:
            What the question's class says; checked for its form.

        Raises:
            BadAnswer: The answer given beforehand does not fit.
            NoAnswer: There was none in time.
            Cancelled: The person stopped the job.
        """
        if question.name in self._answers:
            given = self._answers.pop(question.name)  # once: the same question again means it was not right
            if isinstance(question, Review):  # what was agreed to unseen can at least be read
                self.post(Asked(self.run, question, _nowhere))
                self.post(Answered(self.run, question.name))
            try:
                return _hushed(question, parse_answer(question, given))
            except ValueError as error:
                raise BadAnswer(name=question.name, reason=str(error)) from error
        self.check()
        slot = _Slot()
        deadline = Deadline(self.clock, within)
        self.post(Asked(self.run, question, slot.reply))
        try:
            while True:
                self.check()
                if slot.answered.is_set():
                    break
                if deadline.passed():
                    raise NoAnswer(question=question.title, name=question.name)
                self.clock.wait(slot.answered, ASK_SLICE_S)
        finally:
            self.post(Answered(self.run, question.name))
        if isinstance(slot.answer, Fault):
            raise slot.answer
        return _hushed(question, parse_answer(question, slot.answer))

    def answered_beforehand(self, name: str) -> bool:
        """Whether the answer to the question of that name was given beforehand."""
        return name in self._answers

    def coach(self, do: DoThis, within: float, *, anew: bool = False) -> Board:
        """Show the person what to do and wait until USB shows that it is done, with hints on the way.

        Args:
            do: What to do, and the mode that ends it.
            within: Seconds after which to give up.
            anew: Whether the board has to restart for it, so that it is not asked before.

        Returns:
            The board in that mode.

        Raises:
            BoardDidNotReturn: It did not show up in that mode in time.
            WrongBoardReturned: Another board was plugged into the port.
            Cancelled: The person stopped the job.
        """
        self.check()
        coach = Coach(do, self._board, self.clock.now())
        deadline = Deadline(self.clock, within)
        slot = _Slot()
        left = _Leaving(self._board)
        next_probe = self.clock.now()
        refused: tuple[float, Fault] | None = None
        self.post(Asked(self.run, do, slot.reply))
        try:
            while True:
                self.check()
                if isinstance(slot.answer, Fault):
                    raise slot.answer
                board = self._seen()
                left.look(board)
                if board is not None and do.until is Mode.DFU and board.mode is Mode.DFU and left.happened:
                    return self._accept(board)
                if board is not None and do.until is Mode.NORMAL and board.mode is not Mode.DFU and left.happened:
                    return self._accept(board)
                if board is not None and do.until is Mode.LISTENING and board.mode is not Mode.DFU:
                    if board.sighting != self._board.sighting:
                        self._accept(board)
                    if self.clock.now() >= next_probe and (left.happened or not anew):
                        try:
                            if self.is_listening():
                                return self.board
                            refused = None
                        except (AccessDenied, DriverMissing, PortBusy) as fault:
                            refused = refused or (self.clock.now(), fault)
                            if self.clock.now() - refused[0] > REFUSED_S:
                                raise
                        except Fault as fault:  # it is restarting under our hands; look again
                            log.debug("probe: %s", fault.code)
                        next_probe = self.clock.now() + PROBE_PAUSE_S
                hint = coach.look(self.clock.now(), board)
                if hint is not None:
                    self.post(Hint(self.run, hint))
                if deadline.passed():
                    raise BoardDidNotReturn(f"{do.name}: not seen in {do.until.value} mode")
                self._wait_for_change(deadline)
        finally:
            self.post(Answered(self.run, do.name))

    def watch(self, question: WatchLight, within: float, ended: Callable[[], bool] | None = None) -> str | Board:
        """Show the person what the light will do, and wait until USB ends it or the person answers.

        An answer given beforehand counts only when nothing else ends it: at once where the question waits for nothing,
        else when the time is over. The board may already have left when this is called, so it need not be seen going.

        Args:
            question: What the light will show, and the mode that ends it, if one does, or whether any does.
            within: Seconds after which to give up.
            ended: Called several times a second; whether something else has ended it. It may raise, too.

        Returns:
            The board when USB ended it, else the key of the option the person chose, "" when `ended` said so.

        Raises:
            BoardDidNotReturn: None of them happened in time.
            WrongBoardReturned: Another board was plugged into the port.
            BadAnswer: The answer given beforehand does not fit.
            Cancelled: The person stopped the job.
        """
        self.check()
        if question.until is None and ended is None and question.name in self._answers:
            return str(self.ask(question))
        deadline = Deadline(self.clock, within)
        slot = _Slot()
        left = _Leaving(self._board)
        self.post(Asked(self.run, question, slot.reply))
        try:
            while True:
                self.check()
                if slot.answered.is_set():
                    if isinstance(slot.answer, Fault):
                        raise slot.answer
                    return str(parse_answer(question, slot.answer))
                if ended is not None and ended():
                    return ""
                if question.until is not None:
                    board = self._seen()
                    left.look(board)
                    if board is not None and left.happened and _ends(question, board):
                        return self._accept(board)
                if deadline.passed():
                    break
                self._wait_for_change(deadline)
        finally:
            self.post(Answered(self.run, question.name))
        if question.name in self._answers:
            return str(self.ask(question))
        raise BoardDidNotReturn(f"{question.name}: nothing seen within {within:g} s")

    def given(self, name: str) -> str:
        """Return what was given beforehand under that name without using it up; "" when nothing was."""
        return str(self._answers.get(name, ""))

    # --- the board ---

    def refresh(self) -> Board:
        """Look at the port now: same board, perhaps in another mode since the list was made.

        Raises:
            BoardGone: Nothing is there.
            WrongBoardReturned: Another board is there.
        """
        board = self._seen()
        if board is None:
            raise BoardGone(f"nothing on port {self.port_path}")
        return self._accept(board)

    def insist_same(self) -> None:
        """See that the very board that was last seen is still there, never away in between as far as USB tells.

        A person may have needed an hour for an answer, and on some computers a board gets the address of the one before
        it: opening it by port and address alone does not show that it was changed.

        Raises:
            BoardGone: Nothing is there, or it was plugged in anew.
            WrongBoardReturned: Another board is there.
        """
        board = self._seen()
        if board is None or board.sighting.address != self._board.sighting.address:
            raise BoardGone(f"nothing at address {self._board.sighting.address} on port {self.port_path} any more")

    def wait_for(self, mode: Mode, within: float) -> Board:
        """Wait until this board has left what it is doing now and is seen in that mode.

        Args:
            mode: DFU, or NORMAL for a running board, listening or not.
            within: Seconds.

        Raises:
            BoardDidNotReturn: It was not seen in time.
            WrongBoardReturned: Another board came back on its port.
            Cancelled: The person stopped the job.
        """
        deadline = Deadline(self.clock, within)
        left = _Leaving(self._board)
        while True:
            self.check()
            board = self._seen()
            left.look(board)
            if board is not None and left.happened and (board.mode is Mode.DFU) == (mode is Mode.DFU):
                return self._accept(board)
            if deadline.passed():
                raise BoardDidNotReturn(f"not seen in {mode.value} mode within {within:g} s")
            self._wait_for_change(deadline)

    def wait_until_gone(self, within: float) -> bool:
        """Wait until this board has left what it is doing now; return whether it did."""
        deadline = Deadline(self.clock, within)
        left = _Leaving(self._board)
        while True:
            self.check()
            left.look(self._seen())
            if left.happened or deadline.passed():
                return left.happened
            self._wait_for_change(deadline)

    @contextmanager
    def usb(self) -> Iterator[UsbPipe]:
        """Open the board for control transfers."""
        with self._patiently(lambda: self.bus.open_usb(self._board.sighting)) as pipe:
            yield pipe

    @contextmanager
    def dfu(self, alt: int) -> Iterator[DfuSession]:
        """Open the boot loader, bring it to idle and choose the alternate setting."""
        from app.protocols.dfu import DfuSession

        with (
            self.usb() as pipe,
            DfuSession(pipe, quirks=self.boot_loader.quirks, clock=self.clock, check=self.check) as session,
        ):
            session.select(alt)
            session.settle()
            yield session

    @contextmanager
    def serial(self, baud: int) -> Iterator[SerialPipe]:
        """Open the serial port at that rate; two rates are commands (5.6)."""
        self._wait_for_serial_port()
        with self._patiently(lambda: self.bus.open_serial(self._board.sighting, baud)) as pipe:
            yield pipe

    @contextmanager
    def console(self) -> Iterator[ListeningConsole]:
        """Open the serial port at a harmless rate."""
        from app.protocols.listening import ListeningConsole

        with self.serial(CONSOLE_BAUD) as pipe:
            yield ListeningConsole(pipe, self.clock, self.check)

    def is_listening(self, within: float = PROBE_WITHIN_S) -> bool:
        """Ask the console whether it answers, and remember the answer.

        Raises:
            Fault: The port could not be opened or used.
        """
        from app.protocols.listening import Presence

        self.echoes = self.mute = False
        try:
            with self.console() as console:
                # A modem keeps the ID waiting, but not the version, which all firmware beside a modem tells (5.2, 5.3).
                if self.platform.has_modem:
                    answers = console.version() is not None
                else:
                    presence = console.presence(within)
                    answers = presence is Presence.LISTENS
                    self.echoes = presence in (Presence.ECHOES, Presence.PROMPT)
        except BoardSilent:
            self.mute = True
            raise
        self.heard(listening=answers)
        return answers

    def heard(self, *, listening: bool) -> None:
        """Take note whether the console answers."""
        self.book.heard(self.port_path, self._board.sighting.address, listening=listening)
        if self._board.mode is not Mode.DFU:
            self._board = replace(self._board, mode=Mode.LISTENING if listening else Mode.NORMAL)
        self.bus.wake()  # the watcher shows it at once

    def prove(self, device_id: str, proof: Proof) -> Identity:
        """Take note of the board's device ID, and join backups made before it was known.

        Args:
            device_id: 24 hexadecimal digits, upper or lower case.
            proof: How it came to be known.

        Raises:
            IdentityMismatch: It contradicts what is known about the board.
        """
        self._identity = self.book.prove(self.port_path, self._board.sighting.address, device_id.lower(), proof)
        self._evidence = self.book.evidence(self.port_path)
        self.bus.wake()
        self._join_backups(self._identity)
        return self._identity

    def doubt_identity(self) -> None:
        """Forget what was proven about the board: something it says itself speaks against it.

        Raises:
            BoardGone: It is no longer there.
        """
        self.book.doubt(self.port_path, self._board.sighting.address)
        self._board = replace(self._board, identity=None)
        self._identity = None
        self._evidence = self.book.evidence(self.port_path)
        self._joined = False
        self.bus.wake()

    def told_version(self, version: str) -> None:
        """Take note of the Device OS version the board told."""
        self.book.told_version(self.port_path, self._board.sighting.address, version)
        self._board = replace(self._board, system_version=version)

    def keep_for_later(self, backup: Backup) -> None:
        """Remember a backup made without a device ID, to be joined once the ID of this board is proven."""
        self.book.keep(self.port_path, self._board.sighting.address, backup)

    @property
    def boot_loader(self) -> BootLoader:
        """The board's boot loader; for one that USB does not tell, what asks for all the care any of them needs."""
        return self._board.boot_loader or self.platform.careful_boot_loader()

    def has(self, quirk: Quirk) -> bool:
        """Whether the board's boot loader has that quirk, or has to be taken to have it."""
        return quirk in self.boot_loader.quirks

    # --- inside ---

    def _seen(self) -> Board | None:
        """Return the board on the port now, None if nothing is; another board there is a fault.

        Raises:
            WrongBoardReturned: What is there is another board.
        """
        sightings, boards = self.book.see(self.bus)
        here = next((each for each in sightings if each.port_path == self.port_path), None)
        if here is not None:
            self._lock_on(here)
        return next((board for board in boards if board.port_path == self.port_path), None)

    def _lock_on(self, sighting: Sighting) -> None:
        """The identity lock: refuse a sighting that contradicts what this job knows about its board."""
        if self._evidence is not None and self._evidence.agrees(sighting) is False:
            raise WrongBoardReturned(
                f"port {sighting.port_path}: {sighting.vendor:04x}:{sighting.product:04x} serial {sighting.serial}"
            )

    def _accept(self, board: Board) -> Board:
        if board.sighting.address != self._board.sighting.address or board.mode is not self._board.mode:
            self._returned_at = self.clock.now()
        self._board = board
        self._identity = board.identity
        self._evidence = self.book.evidence(self.port_path)
        if self._identity is not None and not self._joined:
            self._join_backups(self._identity)
        return self.board

    def _join_backups(self, identity: Identity) -> None:
        """Give the board the backups that were kept before its ID was proven.

        By serial number alone only where it is a hash of the ID; where it is the same on every board, only those made
        since this very board is on its port (1.4).
        """
        self._joined = True
        try:
            mine = {each.name: each for each in self.book.kept(self.port_path, self._board.sighting.address)}
            hashed = core_serial(identity.device_id)
            for backup in self.safe.backups():
                same_hash = backup.serial == hashed and backup.platform == self.platform.key
                if backup.device_id is None and backup.damaged is None and same_hash:
                    mine[backup.name] = backup
            joined = self.safe.join(tuple(mine.values()), identity.device_id, identity.proof.value)
            self.book.joined(self.port_path, self._board.sighting.address)
        except Fault as fault:
            log.info("backups were not joined: %s: %s", fault.code, fault.detail)
            self.note(_NOT_JOINED.with_values(reason=fault.cause))
            return
        if joined:
            self.note(_JOINED.with_values(count=len(joined), device_id=identity.device_id))

    def _wait_for_change(self, deadline: Deadline) -> None:
        self.bus.wait_for_change(min(LOOK_SLICE_S, deadline.left))
        self.check()

    def _wait_for_serial_port(self) -> None:
        """The operating system names a serial port a moment after it shows the device."""
        deadline = Deadline(self.clock, SETTLING_S)
        while self._board.sighting.serial_port is None and not deadline.passed():
            address = self._board.sighting.address
            board = self._seen()
            if board is None or board.sighting.address != address:
                raise BoardGone(f"nothing at address {address} on port {self.port_path}")
            self._board = board
            if board.sighting.serial_port is None:
                self.pause(SETTLING_PAUSE_S)

    def _patiently(self, opening: Callable[[], Opened]) -> Opened:
        """Open something, again and again while the board is so fresh that others may still be looking at it."""
        while True:
            try:
                return opening()
            except (AccessDenied, PortBusy, BusFailed):
                if self.clock.now() - self._returned_at >= SETTLING_S:
                    raise
            self.pause(SETTLING_PAUSE_S)
