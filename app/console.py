"""The command line without a window: the same boards, recipes and events as lines of text or of JSON.

Standard output carries the news and nothing else; what is for a person at a terminal only (prompts, the warning that
this is practice) goes to standard error.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from app.clock import Clock, Deadline, RealClock
from app.console_documents import document_lines, save_documents
from app.console_light import LIGHT_WAYS, ask_light
from app.engine.engine import Engine
from app.faults import AccessDenied, Fault, NoAnswer, NoBoard, NoSuchBoard
from app.plain import event_json, json_line, to_json
from app.plan_lines import answer_lines, card_lines, light_lines, network_lines, plain_words, plan_lines, xray_lines
from app.platforms.identify import core_serial
from app.platforms.model import Mode
from app.recipes.base import GROUP_TITLES
from app.recipes.registry import RECIPES, known
from app.terminal import DONE, FAULT, STOPPED, Terminal
from app.text import text
from app.transports.base import Bus
from app.work.board import Board
from app.work.events import (
    Answered,
    Asked,
    BoardsChanged,
    BusTrouble,
    Document,
    Event,
    Failed,
    Hint,
    Note,
    Outcome,
    PlanReady,
    Post,
    StepDone,
    StepPlan,
    StepProgress,
    StepSkipped,
    StepStarted,
    Stopped,
    Succeeded,
)
from app.work.identity import IdentityBook
from app.work.questions import (
    Choose,
    ChooseCard,
    Confirm,
    DoThis,
    Enter,
    PickFile,
    Question,
    Review,
    TellLight,
    WatchLight,
    WifiForm,
    parse_answer,
)

if TYPE_CHECKING:
    from app.engine.accounts import Accounts
    from app.firmware.pack import RescuePack
    from app.keys.clouds import CloudBook
    from app.keys.safe import KeySafe
    from app.transports.network import Network
    from app.transports.wifi_scan import WifiScanner
    from app.undo.store import UndoStore
    from app.virtual.board import VirtualBoard

FIRST_LOOK_S = 10.0
"""How long the first list of boards may take; it comes at once unless the system is very busy."""
PRACTICE_BOOT_S = 4.0
"""How long a practice board may take to show up by itself."""
SLICE_S = 0.2
"""Waits are cut so that Ctrl-C is felt on every system."""
STOP_LIMIT_S = 30.0
"""How long a run may take to end once it was asked to: a board on its way to another mode is awaited first."""
STOP_LONG_LIMIT_S = 450.0
"""Likewise in a step that says what a stop waits for: longer than any dialogue with a board."""

_Inbox = queue.SimpleQueue[Event | None]
"""News of the engine, and None for each Ctrl-C."""

_MODES = {
    Mode.NORMAL: text("Console", "running"),
    Mode.LISTENING: text("Console", "listening"),
    Mode.DFU: text("Console", "update mode (DFU)"),
}
_PRACTICE_HAND = text("Console", "Practice: the buttons are being pressed for you.")
_PRACTICE_HIDDEN = text(
    "Console", "Practice: this board's firmware does not show on USB, so MODE is held for three seconds for you."
)
_PRACTICE_BROKEN = text(
    "Console", "Practice: this board's firmware does not start, so it is brought into update mode (DFU) for you."
)
_MOVES_ON = text("Console", "The program sees by itself when it worked.")
_DENIED = text("Console", "this computer does not let the program open it")


_DEVICE_ID = re.compile(r"[0-9A-Fa-f]{24}")


class WrongUsageError(Exception):
    """The command line cannot be carried out as it stands; the words say why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work on.

    Attributes:
        bus: Where boards are.
        clock: What every wait goes through.
        practice: Practice boards by port path; empty with real boards.
    """

    bus: Bus
    clock: Clock
    practice: Mapping[str, VirtualBoard]


# --- list -----------------------------------------------------------------------------------------------------------


def list_boards(desk: Desk, terminal: Terminal, *, as_json: bool) -> int:
    """Print the boards that are on the bus now; return the exit code."""
    try:
        _, boards = IdentityBook(desk.clock).see(desk.bus)
    except Fault as fault:
        say_fault(terminal, fault, as_json=as_json)
        return FAULT
    for board in boards:
        terminal.say(json_line({"board": to_json(board)}) if as_json else board_line(board))
    if any(board.sighting.denied for board in boards):
        terminal.aside(AccessDenied.next_step.english())
    if not boards and not as_json:
        terminal.aside(f"{NoBoard.cause.english()} {NoBoard.next_step.english()}")
    return DONE


def list_recipes(terminal: Terminal, *, as_json: bool) -> int:
    """Print the recipes; return the exit code."""
    width = max(len(each.key) for each in RECIPES)
    if as_json:
        for each in RECIPES:
            row = {"key": each.key, "title": each.title, "summary": each.summary, "group": each.group}
            terminal.say(json_line({"recipe": to_json(row)}))
        return DONE
    for group, title in GROUP_TITLES.items():
        if of_group := [each for each in RECIPES if each.group is group]:
            terminal.say(title.english())
            for each in of_group:
                terminal.say(f"  {each.key:<{width}}  {each.title.english()}")
    return DONE


def list_practice(terminal: Terminal, *, as_json: bool, default: Sequence[str]) -> int:
    """Print the practice boards; return the exit code."""
    from app.virtual.catalogue import PRACTICE_BOARDS

    for each in PRACTICE_BOARDS.values():
        if as_json:
            row = {"name": each.key, "title": each.title, "default": each.key in default}
            terminal.say(json_line({"practice_board": to_json(row)}))
        else:
            mark = "  (default)" if each.key in default else ""
            terminal.say(f"{each.key:<20} {each.title.english()}{mark}")
    return DONE


# --- run ------------------------------------------------------------------------------------------------------------


def run(
    recipe_key: str,
    desk: Desk,
    safe: KeySafe,
    terminal: Terminal,
    *,
    board: str | None,
    answers: Mapping[str, str],
    as_json: bool,
    pack: RescuePack,
    undo: UndoStore,
    clouds: CloudBook,
    network: Network,
    scanner: WifiScanner,
    accounts: Callable[[Post], Accounts] | None = None,
    save: Path | None = None,
) -> int:
    """Run a recipe on one board, print its events, ask its questions, and return the exit code.

    Args:
        recipe_key: Key of the recipe.
        desk: Boards and time.
        safe: Where keys are kept.
        terminal: Where to print and ask.
        board: Device ID, serial number or port path of the board; None when there is only one.
        answers: Answers given beforehand.
        as_json: Whether to print one JSON object a line.
        pack: The rescue pack.
        undo: Where is kept what was on boards before a change.
        clouds: The clouds the person uses.
        network: The network as seen from this computer.
        scanner: The Wi-Fi networks as seen from this computer.
        accounts: Makes what knows who is signed in where, for a recipe that needs it. None: nobody ever is.
        save: Folder for the documents of the outcome; None to print them only.

    Raises:
        WrongUsageError: There is no such recipe or folder, or it is not clear which board is meant.
    """
    if save is not None and not save.is_dir():
        raise WrongUsageError(f"--save takes a folder that is there, not {save}")
    chosen = known(recipe_key)
    if chosen is None:
        raise WrongUsageError(f"there is no recipe {recipe_key}; there are {', '.join(each.key for each in RECIPES)}")
    events: _Inbox = queue.SimpleQueue()
    engine = Engine(
        desk.bus,
        desk.clock,
        safe,
        events.put,
        pack=pack,
        undo=undo,
        clouds=clouds,
        network=network,
        scanner=scanner,
        # The store for passwords may ask to be unlocked: only for what cannot do without.
        accounts=accounts if chosen.needs_account else None,
    )
    with terminal.interrupts(lambda: events.put(None)):
        engine.start()
        return _run_with(
            engine, events, recipe_key, desk, terminal, board=board, answers=answers, as_json=as_json, save=save
        )


def _run_with(
    engine: Engine,
    events: _Inbox,
    recipe_key: str,
    desk: Desk,
    terminal: Terminal,
    *,
    board: str | None,
    answers: Mapping[str, str],
    as_json: bool,
    save: Path | None,
) -> int:
    try:
        chosen = choose(boards_here(desk, events, terminal), board)
        number = engine.run(recipe_key, chosen.port_path, answers)
        practice = desk.practice.get(chosen.port_path)
        show = _Show(engine, number, practice, terminal, as_json=as_json, given=answers, save=save)
        return show.until_end(events)
    except Fault as fault:
        say_fault(terminal, fault, as_json=as_json)
        return FAULT
    except _ListingFailedError as error:
        _say_failed(terminal, error.failed, as_json=as_json)
        return FAULT
    except KeyboardInterrupt:
        return STOPPED
    finally:
        engine.close()


def choose(boards: Sequence[Board], wanted: str | None) -> Board:
    """Return the board that is meant.

    Args:
        boards: What is there.
        wanted: Device ID, serial number or port path, any case; None for the only one.

    Raises:
        NoBoard: Nothing is there.
        NoSuchBoard: It is not there, but others are.
        WrongUsageError: Several could be meant.
    """
    if not boards:
        raise NoBoard(wanted or "")
    if wanted is not None:
        here = boards
        boards = [board for board in boards if wanted.lower() in _names(board, wanted)]
        if not boards:
            raise NoSuchBoard(wanted=wanted, here=", ".join(_name(board) for board in here))
    if len(boards) > 1:
        rows = "".join(f"\n  {board_line(board)}" for board in boards)
        raise WrongUsageError(f"several boards are here; choose one with --board ID, serial number or port:{rows}")
    return boards[0]


def _name(board: Board) -> str:
    """The best name to choose it by."""
    return board.identity.device_id if board.identity else board.sighting.serial or board.port_path


def _names(board: Board, wanted: str) -> set[str]:
    """Every name the board goes by, in lower case; a Core in update mode knows its ID's hash only (1.4)."""
    names = {board.port_path.lower()}
    if board.sighting.serial:
        names.add(board.sighting.serial.lower())
    if board.identity is not None:
        names.add(board.identity.device_id)
    elif _DEVICE_ID.fullmatch(wanted) and core_serial(wanted) == board.sighting.serial:
        names.add(wanted.lower())
    return names


def boards_here(desk: Desk, events: _Inbox, terminal: Terminal) -> tuple[Board, ...]:
    """Wait for the list of boards; a practice board gets the time to start, and a finger if it hides.

    Raises:
        NoBoard: No list came at all.
    """
    boards = _first_list(events)
    if not desk.practice:
        return boards
    deadline = desk.clock.now() + PRACTICE_BOOT_S
    while len(boards) < len(desk.practice) and desk.clock.now() < deadline:
        boards = _next_list(events, SLICE_S) or boards
    for words, press in ((_PRACTICE_HIDDEN, _hold_mode), (_PRACTICE_BROKEN, _into_dfu)):
        seen = {board.port_path for board in boards}
        hidden = [board for port, board in desk.practice.items() if port not in seen]
        if not hidden:
            break
        terminal.aside(words.english())
        for board in hidden:
            press(board)
        deadline = desk.clock.now() + PRACTICE_BOOT_S
        while len(boards) < len(desk.practice) and desk.clock.now() < deadline:
            boards = _next_list(events, SLICE_S) or boards
    return boards


def _hold_mode(board: VirtualBoard) -> None:
    from app.virtual.hand import PracticeHand

    PracticeHand(board).enter_listening()


def _into_dfu(board: VirtualBoard) -> None:
    from app.virtual.hand import PracticeHand

    PracticeHand(board).enter_dfu()


def _first_list(events: _Inbox) -> tuple[Board, ...]:
    deadline = Deadline(RealClock(), FIRST_LOOK_S)
    while not deadline.passed():  # there is other news too: of the rescue pack, of interrupted rescues
        boards = _next_list(events, deadline.left)
        if boards is not None:
            return boards
    raise NoBoard("no list of boards came")


def _next_list(events: _Inbox, seconds: float) -> tuple[Board, ...] | None:
    """Return the next list of boards, None if none came in time; the computer's own time, whatever the desk's is.

    Raises:
        _ListingFailedError: Boards cannot be listed at all.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    try:
        event = events.get(timeout=seconds)
    except queue.Empty:
        return None
    match event:
        case BoardsChanged(boards=boards):
            return boards
        case BusTrouble():
            raise _ListingFailedError(event)
        case None:
            raise KeyboardInterrupt
        case _:
            return None


class _ListingFailedError(Exception):
    """Boards cannot be listed; carries the watcher's news."""

    def __init__(self, event: BusTrouble) -> None:
        super().__init__(event.code)
        self.failed = Failed(0, event.code, event.cause, event.next_step, retryable=True, detail=event.detail)


class _Show:
    """Shows one run at the terminal until it ends."""

    def __init__(
        self,
        engine: Engine,
        run: int,
        practice: VirtualBoard | None,
        terminal: Terminal,
        *,
        as_json: bool,
        given: Collection[str],
        save: Path | None,
    ) -> None:
        self._engine = engine
        self._run = run
        self._practice = practice
        self._terminal = terminal
        self._json = as_json
        self._save = save
        self._given = set(given)  # answers given beforehand that were not used yet
        self._titles: tuple[str, ...] = ()
        self._plans: tuple[StepPlan, ...] = ()
        self._step = 0
        self._limit: Deadline | None = None  # once it was asked to stop

    def until_end(self, events: _Inbox) -> int:
        """Handle events until the run's last one; Ctrl-C asks it to stop. Return the exit code."""
        while self._limit is None or not self._limit.passed():
            try:
                event = events.get(timeout=SLICE_S)
            except queue.Empty:
                continue
            if event is None:
                self._stop()
            elif getattr(event, "run", None) == self._run:
                code = self._handle(event)
                if code is not None:
                    return code
        return STOPPED

    def _stop(self) -> None:
        self._engine.stop(self._run)
        if self._limit is None:
            waits = self._plans[self._step].stop_waits if self._plans else None
            limit = STOP_LIMIT_S if waits is None else STOP_LONG_LIMIT_S
            self._limit = Deadline(RealClock(), limit)  # threads live in the computer's time
            self._terminal.aside((waits or _STOPPING).english())

    def _handle(self, event: Event) -> int | None:
        saved = self._keep_documents(event.outcome.documents) if isinstance(event, Succeeded) else DONE
        if self._json:
            self._terminal.say(json_line(event_json(event)))
        else:
            for line in self._lines(event):
                self._terminal.say(line)
        match event:
            case PlanReady(steps=steps):
                self._plans = steps
            case StepStarted(step=step):
                self._step = step
            case Asked(question=DoThis() as question):
                self._hands(question)
            case Asked(question=Review(name=name)) if name in self._given:
                self._given.discard(name)  # agreed to beforehand; asked again, the board has changed since
            case Asked(question=WatchLight(until=Mode())):
                pass  # USB ends it; whoever waits at a prompt could not be told
            case Asked(question=WatchLight(name=name)) if name in self._given:
                pass  # answered beforehand; the run looks for itself first
            case Asked(question=question, reply=reply):
                self._ask(question, reply)
            case Succeeded():
                return saved
            case Failed():
                return FAULT
            case Stopped():
                return STOPPED
        return None

    def _keep_documents(self, documents: Sequence[Document]) -> int:
        """Write the documents where `--save` says; before the outcome, which is a run's last line."""
        if self._save is None:
            return DONE
        saved, faults = save_documents(documents, self._save)
        for document, path in saved:
            row = {"key": document.key, "path": str(path)}
            self._terminal.say(
                json_line({"document_saved": row}) if self._json else _SAVED.with_values(path=path).english()
            )
        for fault in faults:
            say_fault(self._terminal, fault, as_json=self._json)
        return FAULT if faults else DONE

    def _lines(self, event: Event) -> list[str]:
        match event:
            case PlanReady(title=title, steps=steps):
                self._titles = tuple(step.title.english() for step in steps)
                return [title.english()]
            case StepStarted(step=step):
                return [f"[{step + 1}/{len(self._titles)}] {self._titles[step]}"]
            case StepDone(note=note) | StepSkipped(note=note):
                return [f"      {note.english()}"] if note is not None else []
            case Asked(question=DoThis() as question):
                return [question.title.english(), question.body.english(), _MOVES_ON.english()]
            case Asked(question=Choose() as question) if not self._terminal.has_person:
                ways = answer_lines(question.name, question.options)
                return [question.title.english(), question.body.english(), *ways]
            case Asked(question=ChooseCard() as question):
                lines = [question.title.english(), question.body.english(), *card_lines(question)]
                options = [(card.key, card.title) for card in question.cards if card.fits]
                return lines if self._terminal.has_person else lines + answer_lines(question.name, options)
            case Asked(question=Review() as question):
                lines = [question.title.english(), question.body.english(), *plan_lines(question.plan)]
                ways = answer_lines(question.name, (("yes", question.yes), ("no", question.no)))
                return lines if self._terminal.has_person else lines + ways
            case Asked(question=WatchLight() as question):
                lines = [question.title.english(), question.body.english(), *light_lines(question)]
                if question.until is not None:
                    return [*lines, _MOVES_ON.english()]
                return lines if self._terminal.has_person else lines + answer_lines(question.name, question.options)
            case Asked(question=TellLight() as question) if not self._terminal.has_person:
                return [question.title.english(), question.body.english(), *answer_lines(question.name, LIGHT_WAYS)]
            case Asked(question=WifiForm() as question):
                return [question.title.english(), question.body.english(), *network_lines(question)]
            case Asked(question=question):
                return [question.title.english(), question.body.english()]
            case Hint(words=words) | Note(words=words):
                return [f"      {words.english()}"]
            case Succeeded(outcome=outcome):
                return [
                    outcome.summary.english(),
                    *(f"  {fact.label.english()}: {plain_words(fact.value)}" for fact in outcome.facts),
                    *(xray_lines(outcome.xray) if outcome.xray is not None else ()),
                    *(line for document in outcome.documents for line in document_lines(document)),
                    *(f"  Kept: {path}" for path in outcome.kept),
                    *(f"  Warning: {words.english()}" for words in outcome.warnings),
                    *(f"  Next: {words.english()}" for words in outcome.next_steps),
                    *(f"  Next: rekindle run {key}" for key in _unsaid_recipes(outcome)),
                ]
            case Stopped(changed=changed):
                return [_STOPPED_CHANGED.english() if changed else _STOPPED.english()]
            case Failed():
                return failed_lines(event)
            case StepProgress() | Answered():
                return []
            case _:
                return []

    def _hands(self, question: DoThis) -> None:
        if self._practice is not None:
            self._terminal.aside(_PRACTICE_HAND.english())
            press(self._practice, question)

    def _ask(self, question: Question, reply: Callable[[object], None]) -> None:
        if not self._terminal.has_person:
            reply(NoAnswer(question=question.title, name=question.name))
            return
        while True:
            try:
                answer = self._answer_of(question)
            except KeyboardInterrupt:
                self._stop()
                return
            except EOFError:
                answer = NoAnswer(question=question.title, name=question.name)
            except ValueError as error:
                self._terminal.aside(str(error))
                continue
            except Fault as fault:  # a file that was named cannot be used
                self._terminal.aside(f"{fault.cause.english()} {fault.next_step.english()}")
                continue
            reply(answer)
            return

    def _answer_of(self, question: Question) -> object:
        """Ask a person for the answer to one question.

        Raises:
            ValueError: It has another form than the question wants.
        """
        if isinstance(question, TellLight):
            return ask_light(self._terminal, question.eras or question.platform.light_eras)
        given = self._terminal.read(prompt(question), secret=isinstance(question, Enter) and question.secret)
        if isinstance(question, Enter) and not given:
            given = question.start  # Enter alone keeps what stands in the prompt
        return parse_answer(question, given)


_SAVED = text("Console", "Saved: {path}")
_STOPPING = text("Console", "Stopping; the board is left as it was found.")
_STOPPED = text("Console", "Stopped. Nothing on the board was changed.")
_STOPPED_CHANGED = text("Console", "Stopped. The board was changed before that.")


def press(board: VirtualBoard, question: DoThis) -> None:
    """Do with a practice board what a person's hands would be asked to do."""
    from app.virtual.hand import PracticeHand

    hand = PracticeHand(board)
    if question.until is Mode.DFU:
        hand.enter_dfu()
        return
    stuck = board.listening_now  # amid a dialogue, or nobody would be asked for the buttons
    if question.choreography is not None and (stuck or "yellow" in board.light_pattern):  # update mode: RESET first
        hand.reset()
        board.clock.pause(PRACTICE_BOOT_S)
        board.tick()
    if not (stuck and board.listening_now):
        hand.enter_listening()


def prompt(question: Question) -> str:
    """Return what stands in front of the cursor."""
    match question:
        case Confirm(yes=yes, no=no) | Review(yes=yes, no=no):
            return f"{yes.english()} (yes) / {no.english()} (no): "
        case Choose(options=options) | WatchLight(options=options):
            return "".join(f"  {key}: {words.english()}\n" for key, words in options) + "> "
        case ChooseCard(cards=cards):
            return f"{' / '.join(card.key for card in cards if card.fits)} > "
        case Enter(hint=hint, start=start):
            return f"({hint.english()}) [{start}] > " if start else f"({hint.english()}) > "
        case PickFile(suffixes=suffixes, folder=folder):
            kinds = f" ({', '.join(suffixes)})" if suffixes else ""
            return f"{'folder' if folder else 'file'}{kinds} > "
        case WifiForm():
            return "name or number; Enter alone looks again > "
        case TellLight():
            return ""  # a talk of its own, see `ask_light`
        case DoThis():
            return ""
        case _ as missing:
            assert_never(missing)


# --- words -------------------------------------------------------------------------------------------------


def board_line(board: Board) -> str:
    """Return one line about a board: port, kind, mode, serial number, device ID."""
    parts = [
        board.port_path,
        board.platform.name,
        _MODES[board.mode].english(),
        f"serial {board.sighting.serial or '?'}",
    ]
    if board.identity is not None:
        parts.append(f"ID {board.identity.device_id}")
    if board.sighting.denied:
        parts.append(_DENIED.english())
    return "  ".join(parts)


def failed_lines(event: Failed) -> list[str]:
    """Return the lines about a fault: what happened, what to do, the code to look for."""
    detail = f" ({event.detail})" if event.detail else ""
    return [event.cause.english(), f"  Next: {event.next_step.english()}", f"  Code: {event.code}{detail}"]


def _unsaid_recipes(outcome: Outcome) -> list[str]:
    """Return the recipes to go on with that the verdict of the X-ray has not named."""
    named = outcome.xray.verdict.recipes if outcome.xray is not None else ()
    return [key for key in outcome.next_recipes if key not in named]


def say_fault(terminal: Terminal, fault: Fault, *, as_json: bool) -> None:
    """Print a fault that no run had."""
    failed = Failed(0, fault.code, fault.cause, fault.next_step, fault.retryable, fault.detail)
    _say_failed(terminal, failed, as_json=as_json)


def guarded(terminal: Terminal, work: Callable[[], None], *, as_json: bool) -> int:
    """Do something without a run and return the exit code: done, a fault, which is printed, or stopped by Ctrl+C."""
    try:
        work()
    except Fault as fault:
        say_fault(terminal, fault, as_json=as_json)
        return FAULT
    except KeyboardInterrupt:
        return STOPPED
    return DONE


def _say_failed(terminal: Terminal, event: Failed, *, as_json: bool) -> None:
    for line in [json_line(event_json(event))] if as_json else failed_lines(event):
        terminal.say(line)
