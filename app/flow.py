"""Which screen is next: a frozen `AppState` and a pure `reduce(state, event)`.

News from the engine and clicks in the window are both events. What has to be done outside (start a run, answer a
question, list the key safe) comes out as `orders`, which the window carries out and which the next event clears.
No Qt here, so every line is tested as a table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique
from pathlib import PurePath
from typing import TYPE_CHECKING, assert_never

from app import account_flow
from app.account_flow import NO_ACCOUNT, AccountState
from app.clicks import (
    AddToPack,
    AgreeToUpdates,
    AskCommand,
    AskForget,
    Back,
    ClearMonitor,
    Click,
    CloseMonitor,
    CloseNotice,
    ClosePassphraseForm,
    ConfirmClose,
    ConfirmForget,
    ConfirmRelease,
    ConfirmStop,
    GiveAnswer,
    GiveBoardName,
    GiveCode,
    GivePassphrase,
    GiveServer,
    GiveSignIn,
    GiveToken,
    GiveUpdateAddress,
    Go,
    NoBoardForLong,
    OpenAccountForm,
    OpenBoardForm,
    OpenMonitor,
    OpenPassphraseForm,
    OpenUpdatePage,
    PickBoard,
    PickCloudBoard,
    PickRecipe,
    PickServer,
    PressBlink,
    PressClose,
    PressCopyBackup,
    PressCopyPublicKey,
    PressDownload,
    PressFinish,
    PressForgetServer,
    PressListBoards,
    PressLock,
    PressLookAgain,
    PressLookForUpdate,
    PressPractice,
    PressPutBack,
    PressRetry,
    PressSaveDocument,
    PressSaveReport,
    PressSignOut,
    PressStart,
    PressStop,
    PressStopAccount,
    PressStopDownload,
    PutOffUpdate,
    RunBegan,
    Screen,
    SendSerial,
    SetAside,
    SkipUpdate,
    UpdateClick,
)
from app.firmware.pack import PackItem, PackState
from app.keys.backup import Backup
from app.orders import (
    AddFiles,
    CloseWindow,
    CopyBackup,
    DelayUpdate,
    DropUpdate,
    EmptyMonitor,
    FetchPack,
    ForgetRescue,
    ListBackups,
    ListPack,
    ListRescues,
    LockSafe,
    LookForUpdate,
    OpenLink,
    OpenPractice,
    Order,
    PutOnClipboard,
    ReadPublicKey,
    RememberUpdates,
    SaveDocument,
    SaveReport,
    SendAnswer,
    SetPassphrase,
    StartMonitor,
    StartRun,
    StopFetch,
    StopMonitor,
    StopRun,
    UnlockSafe,
    UseUpdateAddress,
    WriteSerial,
)
from app.platforms.identify import serial_form, serial_matches
from app.platforms.model import SerialForm
from app.text import Text, text
from app.undo.board_name import Match
from app.work.board import Board, match
from app.work.events import (
    AccountChanged,
    AccountEvent,
    AccountFailed,
    AccountStopped,
    Answered,
    Asked,
    BackupCopied,
    BackupsListed,
    BoardsChanged,
    BusTrouble,
    CloudBoardChanged,
    DevicesListed,
    DocumentSaved,
    Event,
    Failed,
    FileWorkFailed,
    Hint,
    MonitorChanged,
    MonitorGrew,
    MonitorStatus,
    Note,
    OneTimeCodeAsked,
    PackAdded,
    PackEvent,
    PackFetched,
    PackFetchFailed,
    PackFetchStopped,
    PackFileCame,
    PackListed,
    PackProgress,
    PassphraseRefused,
    PlanReady,
    ProfilesListed,
    Protection,
    PublicKeyRead,
    ReportSaved,
    RescuesInterrupted,
    RunEvent,
    SafeProtection,
    StepDone,
    StepPlan,
    StepProgress,
    StepSkipped,
    StepStarted,
    Stopped,
    Succeeded,
    UpdatesTold,
)
from app.work.questions import Answers

if TYPE_CHECKING:
    from app.firmware.pack import Notice as Ownership
    from app.undo.rescue import InterruptedRescue
    from app.updates import LookedUp, UpdateState
    from app.work.serial_lines import Transcript


SIDE_SCREENS = frozenset(
    {
        Screen.SAFE,
        Screen.PACK,
        Screen.GUIDE,
        Screen.DECODER,
        Screen.MODES,
        Screen.MONITOR,
        Screen.DRIVER,
        Screen.SETTINGS,
        Screen.HELP,
        Screen.ACCOUNT,
        Screen.BOARDS,
        Screen.TRANSFER,
    }
)
"""Screens that open from everywhere and close to where the person was."""


@unique
class StepStatus(Enum):
    """How far one step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class StepState:
    """One line of the run page."""

    plan: StepPlan
    status: StepStatus = StepStatus.WAITING
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class RunState:
    """One run of a recipe, live or ended.

    Attributes:
        run: The engine's number.
        recipe: Key of the recipe.
        board: The board as it was last seen on its port.
        changes_board: Whether the recipe may change the board's memory.
        answers: Answers given beforehand; trying again gives them again.
        title: What the run does.
        steps: Empty until the plan came.
        fraction: Of the whole run, 0.0 to 1.0.
        done: How much of the step is done; bytes while `rate` is not 0.0.
        total: How much the step is, in the same measure.
        rate: Bytes per second, 0.0 when no bytes move.
        seconds_left: Of the step, None when not known.
        asked: The open question.
        hint: What the coach saw last.
        notes: Lines for the details.
        stopping: The person asked to stop.
        confirm_stop: The window asks whether to stop.
        end: How it ended, None while it is live.
    """

    run: int
    recipe: str
    board: Board
    changes_board: bool = False
    answers: Answers = ()
    title: Text | None = None
    steps: tuple[StepState, ...] = ()
    fraction: float = 0.0
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    asked: Asked | None = None
    hint: Text | None = None
    notes: tuple[Text, ...] = ()
    stopping: bool = False
    confirm_stop: bool = False
    end: Succeeded | Stopped | Failed | None = None

    @property
    def live(self) -> bool:
        """Whether the run goes on."""
        return self.end is None

    @property
    def current(self) -> StepState | None:
        """The step under way."""
        return next((step for step in self.steps if step.status is StepStatus.RUNNING), None)

    @property
    def stops_at_once(self) -> bool:
        """Whether stopping now would not have to wait for the end of a step."""
        return self.current is None or self.current.plan.can_stop


@dataclass(frozen=True, slots=True)
class Notice:
    """A short message above the page, until it is closed or another screen opens.

    Attributes:
        words: What happened.
        bad: Whether it is a failure.
        path: A file or folder to show, "" for none.
    """

    words: Text
    bad: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class PassphraseForm:
    """The person is typing a passphrase of the key safe.

    Attributes:
        sets: It is a new passphrase; else it is to unlock the safe.
        busy: The passphrase is being tried; that takes a moment by design.
        refused: Why the last one was refused.
    """

    sets: bool
    busy: bool = False
    refused: Text | None = None


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The serial monitor: open, or closed with lines that can still be read.

    Attributes:
        port_path: Where its board is plugged in.
        status: What it does.
        transcript: Its lines.
        news: Number of the last news that there are new ones.
        cause: Why it is refused or has ended, None when nothing is wrong.
        next_step: What to do about that.
        confirm: The command that is to be sent; the window asks. "" for none.
    """

    port_path: str
    status: MonitorStatus
    transcript: Transcript
    news: int = 0
    cause: Text | None = None
    next_step: Text | None = None
    confirm: str = ""

    @property
    def open(self) -> bool:
        """Whether something can be sent."""
        return self.status is MonitorStatus.OPEN


@dataclass(frozen=True, slots=True)
class Download:
    """What is missing in the rescue pack is being downloaded.

    Attributes:
        names: The files it is about.
        progress: How far it is; None until the first news.
        stopping: The person asked to stop.
    """

    names: tuple[str, ...]
    progress: PackProgress | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class UpdatesShown:
    """What is known of newer versions of this program.

    Attributes:
        state: Whether it looks, where, and what it found.
        busy: The person asked for a look, or gave an address; the answer is awaited.
        came: What came of that, None until it did and after the page was left.
    """

    state: UpdateState
    busy: bool = False
    came: LookedUp | None = None


COPIED = text("Flow", "The copy was written.")
SAVED = text("Flow", "The report was saved. It holds no key and no password.")
DOCUMENT_SAVED = text("Flow", "Saved as {name} in {folder}")
PUBLIC_KEY_COPIED = text("Flow", "The public key was copied. It is no secret: it goes to whoever runs your cloud.")
WENT_WRONG = text("Flow", "{cause} {next_step}")
PACK_DOWNLOADED = text("Flow", "The rescue pack was downloaded.")
PACK_GREW = text("Flow", "Images added to the rescue pack: {count}.")
NOTHING_FOR_PACK = text("Flow", "None of these files holds an image of the rescue pack.")


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything the window shows.

    Attributes:
        screen: What the right side shows.
        under: The main screen a side screen was opened from.
        looked_up_from: The side screen from which the explanation of modes was opened, None when there was none.
        boards: The boards on the table.
        denied: Ports of boards that the system will not let us open.
        looked: Whether the first look at the bus is over.
        chosen: Port of the board that is worked with; stays while that board is away on the plan page or in a run.
        no_board_for_long: Ten seconds have passed without a board.
        recipe: Recipe of the plan page.
        answers: What that recipe's questions will be answered with, as far as known beforehand.
        run: The live run, or the last one.
        backups: What the key safe holds, newest first; None until it was listed.
        protection: How the key safe is protected; None until it was looked at.
        passphrase_form: The form on the key safe's page, None while it is closed.
        pack: The rescue pack's images; None until they were looked at.
        pack_notices: Whose the pack's files are.
        download: The download under way, None when there is none.
        pack_trouble: Why the last download ended, None when nothing is wrong.
        adding: Files of the person's are being looked through for images.
        added: What was found in the last ones.
        rescues: Interrupted rescues, newest first.
        set_aside: IDs of those that are not to be shown for now.
        confirm_forget: ID of the one that is to be forgotten; the window asks. "" for none.
        confirm_close: The window asks whether to stop the run and close.
        closing: The window closes as soon as the run has ended.
        monitor: The serial monitor, None while it was never opened.
        account: Who is signed in at which cloud server, and the boards there.
        updates: What is known of newer versions; None until it is, and where the program never looks (practice).
        practice: Whether the boards are virtual.
        notice: A short message above the page.
        trouble: Why boards cannot be listed at all, None when they can.
        orders: What the last event asks the window to do.
    """

    screen: Screen = Screen.HOME
    under: Screen = Screen.HOME
    looked_up_from: Screen | None = None
    boards: tuple[Board, ...] = ()
    denied: tuple[str, ...] = ()
    looked: bool = False
    chosen: str | None = None
    no_board_for_long: bool = False
    recipe: str = ""
    answers: Answers = ()
    run: RunState | None = None
    backups: tuple[Backup, ...] | None = None
    protection: Protection | None = None
    passphrase_form: PassphraseForm | None = None
    pack: tuple[PackItem, ...] | None = None
    pack_notices: tuple[Ownership, ...] = ()
    download: Download | None = None
    pack_trouble: PackFetchFailed | None = None
    adding: bool = False
    added: PackAdded | None = None
    rescues: tuple[InterruptedRescue, ...] = ()
    set_aside: frozenset[str] = frozenset()
    confirm_forget: str = ""
    confirm_close: bool = False
    closing: bool = False
    monitor: MonitorState | None = None
    account: AccountState = NO_ACCOUNT
    updates: UpdatesShown | None = None
    practice: bool = False
    notice: Notice | None = None
    trouble: BusTrouble | None = None
    orders: tuple[Order, ...] = ()

    @property
    def board(self) -> Board | None:
        """The chosen board, if it is on the table now."""
        return next((board for board in self.boards if board.port_path == self.chosen), None)

    @property
    def live_run(self) -> RunState | None:
        """The run that goes on, if one does."""
        return self.run if self.run is not None and self.run.live else None

    @property
    def shown_board(self) -> Board | None:
        """The board the panel draws: during a run the run's board, even while it restarts."""
        if self.live_run is not None:
            return self.board or self.live_run.board
        return self.board

    @property
    def board_is_away(self) -> bool:
        """Whether the board of the live run is between two modes or unplugged."""
        return self.live_run is not None and self.board is None

    @property
    def lacking(self) -> tuple[PackItem, ...]:
        """What the rescue pack lacks: missing or damaged."""
        return tuple(item for item in self.pack or () if item.state is not PackState.PRESENT)


def backups_of(board: Board, backups: tuple[Backup, ...]) -> tuple[Backup, ...]:
    """Return the board's own sound backups, in the order given: by its proven ID, else as far as its serial tells."""
    return tuple(backup for backup in backups if backup.damaged is None and _is_of(board, backup))


def _is_of(board: Board, backup: Backup) -> bool:
    if backup.platform != board.platform.key:
        return False
    if backup.device_id is not None:
        if board.identity is not None:
            return backup.device_id == board.identity.device_id
        return serial_matches(board.platform, backup.device_id, board.sighting.serial) is True
    serial = board.sighting.serial
    return serial is not None and backup.serial == serial and serial_form(serial) is not SerialForm.CONSTANT


PUT_BACK = "put-back"
FLASH_FILE = "flash-file"


def to_finish(rescue: InterruptedRescue) -> tuple[str, Answers]:
    """Return the recipe that finishes a rescue, and its answers: the same once more; it skips what is right."""
    return rescue.recipe, (*((name, answer) for name, answer in rescue.answers.items()), ("resume", rescue.id))


def to_put_back(rescue: InterruptedRescue) -> tuple[str, Answers]:
    """Return the recipe that puts back what was there before a rescue, and its answers."""
    return PUT_BACK, (("rescue", rescue.id),)


@dataclass(frozen=True, slots=True)
class BoardHere:
    """A board that is plugged in and may go on with a rescue; `certain` whether it is surely the one."""

    board: Board
    certain: bool


def board_for(rescue: InterruptedRescue, state: AppState) -> BoardHere | None:
    """Return the board the rescue belongs to: one that surely is it, else one that may be, the chosen one first."""
    boards = sorted(state.boards, key=lambda board: board.port_path != state.chosen)
    found = [(match(rescue.board, board), board) for board in boards]
    for wanted in (Match.YES, Match.MAYBE):
        for how, board in found:
            if how is wanted:
                return BoardHere(board, how is Match.YES)
    return None


def reduce(state: AppState, event: Event | Click) -> AppState:
    """Return what the window shows after this event. Events that make no sense now change nothing."""
    state = replace(state, orders=())
    match event:
        case BoardsChanged():
            return _boards_changed(state, event)
        case BackupsListed(backups):
            return replace(state, backups=tuple(found for found in backups if isinstance(found, Backup)))
        case Go(screen):
            return _go(state, screen)
        case Back():
            return _back(state)
        case PickBoard(port_path):
            known = any(board.port_path == port_path for board in state.boards)
            return replace(state, chosen=port_path) if known and state.live_run is None else state
        case PickRecipe(recipe, answers):
            if state.live_run is not None:
                return replace(state, screen=Screen.RUN, under=Screen.RUN)
            return replace(state, screen=Screen.PLAN, under=Screen.PLAN, recipe=recipe, answers=answers)
        case PressStart():
            return _start(state) if state.screen is Screen.PLAN else state
        case PressRetry():
            return _retry(state)
        case RunBegan(run, recipe, board, changes_board, answers):
            begun = RunState(run, recipe, board, changes_board, answers)
            return replace(state, screen=Screen.RUN, under=Screen.RUN, recipe=recipe, answers=answers, run=begun)
        case PressStop():
            return _press_stop(state)
        case ConfirmStop(yes):
            return _stop(state) if yes else _with_run(state, confirm_stop=False)
        case GiveAnswer(answer):
            if state.live_run is None or state.live_run.asked is None:
                return state
            order = SendAnswer(state.live_run.asked, answer)
            return replace(_with_run(state, asked=None, hint=None), orders=(order,))
        case PressClose():
            if state.live_run is None:
                return replace(state, closing=True, orders=(CloseWindow(),))
            return replace(state, confirm_close=True)
        case ConfirmClose(yes):
            if not yes:
                return replace(state, confirm_close=False)
            if state.live_run is None:
                return replace(state, confirm_close=False, closing=True, orders=(CloseWindow(),))
            return replace(_stop(state), confirm_close=False, closing=True)
        case NoBoardForLong():
            return replace(state, no_board_for_long=not state.boards)
        case PressCopyBackup(backup, folder):
            return replace(state, notice=None, orders=(CopyBackup(backup, folder),))
        case OpenPassphraseForm() | ClosePassphraseForm() | GivePassphrase() | PressLock():
            return _passphrase_click(state, event)
        case SafeProtection(protection):
            return _protected(state, protection)
        case PassphraseRefused(_, cause, next_step, _):
            if state.passphrase_form is None:
                return state
            refused = WENT_WRONG.with_values(cause=cause, next_step=next_step)
            return replace(state, passphrase_form=replace(state.passphrase_form, busy=False, refused=refused))
        case PressSaveReport(target):
            return replace(state, notice=None, orders=(SaveReport(target),))
        case PressSaveDocument(document, target):
            return replace(state, notice=None, orders=(SaveDocument(document, target),))
        case PressCopyPublicKey(backup):
            return replace(state, notice=None, orders=(ReadPublicKey(backup),))
        case OpenMonitor() | CloseMonitor() | ClearMonitor() | SendSerial() | AskCommand():
            return _monitor_click(state, event)
        case MonitorChanged() | MonitorGrew():
            return _monitor_event(state, event)
        case PressPractice():
            return replace(state, orders=(OpenPractice(),))
        case CloseNotice():
            return replace(state, notice=None)
        case PressDownload() | PressStopDownload() | AddToPack():
            return _pack_click(state, event)
        case PressFinish() | PressPutBack() | SetAside() | AskForget() | ConfirmForget():
            return _rescue_click(state, event)
        case (
            PackListed()
            | PackProgress()
            | PackFileCame()
            | PackFetched()
            | PackFetchStopped()
            | PackFetchFailed()
            | PackAdded()
        ):
            return _pack_event(state, event)
        case RescuesInterrupted(rescues):
            return _rescues_listed(state, rescues)
        case BusTrouble():
            return replace(state, trouble=event)
        case BackupCopied(paths):
            return replace(state, notice=Notice(COPIED, path=paths[0] if paths else ""))
        case ReportSaved(path):
            return replace(state, notice=Notice(SAVED, path=path))
        case DocumentSaved(path):
            words = DOCUMENT_SAVED.with_values(name=PurePath(path).name, folder=PurePath(path).parent)
            return replace(state, notice=Notice(words, path=path))
        case PublicKeyRead(public_pem):
            return replace(state, notice=Notice(PUBLIC_KEY_COPIED), orders=(PutOnClipboard(public_pem),))
        case FileWorkFailed(_, cause, next_step, _):
            words = WENT_WRONG.with_values(cause=cause, next_step=next_step)
            form = state.passphrase_form
            if form is not None:
                state = replace(state, passphrase_form=replace(form, busy=False))
            return replace(state, adding=False, notice=Notice(words, bad=True))
        case (
            PickServer()
            | GiveServer()
            | PressForgetServer()
            | OpenAccountForm()
            | GiveSignIn()
            | GiveCode()
            | GiveToken()
            | PressSignOut()
            | PressStopAccount()
            | PressLookAgain()
            | PressListBoards()
            | PickCloudBoard()
            | OpenBoardForm()
            | GiveBoardName()
            | PressBlink()
            | ConfirmRelease()
        ):
            account, orders = account_flow.after_click(state.account, event)
            return replace(state, account=account, orders=orders)
        case (
            ProfilesListed()
            | AccountChanged()
            | OneTimeCodeAsked()
            | DevicesListed()
            | CloudBoardChanged()
            | AccountFailed()
            | AccountStopped()
        ):
            return _account_event(state, event)
        case (
            AgreeToUpdates()
            | PressLookForUpdate()
            | GiveUpdateAddress()
            | OpenUpdatePage()
            | SkipUpdate()
            | PutOffUpdate()
        ):
            return _update_click(state, event)
        case UpdatesTold(told, came):
            waited = state.updates is not None and state.updates.busy
            busy = waited and came is None
            if came is not None and came.bad and not waited and state.screen is not Screen.SETTINGS:
                # An answer on the home page that the disk did not take; such words are shown in the settings only.
                state = replace(state, notice=Notice(came.words, bad=True))
            came = state.updates.came if came is None and state.updates is not None else came
            return replace(state, updates=UpdatesShown(told, busy, came))
        case _:
            return _run_event(state, event)


def _boards_changed(state: AppState, event: BoardsChanged) -> AppState:
    chosen = state.chosen
    ports = [board.port_path for board in event.boards]
    # On the plan page and in a run the choice stays with its port: never slip to another board unasked.
    holds = state.live_run is not None or (state.under is Screen.PLAN and chosen is not None)
    if chosen not in ports and not holds:
        chosen = ports[0] if ports else None
    state = replace(
        state,
        boards=event.boards,
        denied=event.denied,
        looked=True,
        trouble=None,
        chosen=chosen,
        no_board_for_long=state.no_board_for_long and not event.boards,
    )
    if state.live_run is not None and state.board is not None:
        state = _with_run(state, board=state.board)
    return state


def _passphrase_click(
    state: AppState, click: OpenPassphraseForm | ClosePassphraseForm | GivePassphrase | PressLock
) -> AppState:
    form = state.passphrase_form
    match click:
        case OpenPassphraseForm():
            if state.protection not in (Protection.UNPROTECTED, Protection.LOCKED):
                return state
            return replace(state, passphrase_form=PassphraseForm(sets=state.protection is Protection.UNPROTECTED))
        case ClosePassphraseForm():
            return replace(state, passphrase_form=None)
        case GivePassphrase(words):
            if form is None or form.busy or not words:
                return state
            order = SetPassphrase(words) if form.sets else UnlockSafe(words)
            return replace(state, passphrase_form=replace(form, busy=True, refused=None), orders=(order,))
        case PressLock():
            # A run that has unlocked the safe still needs it open when it stores the key.
            if state.protection is not Protection.UNLOCKED or state.live_run is not None:
                return state
            return replace(state, orders=(LockSafe(),))
        case _ as missing:
            assert_never(missing)


def _protected(state: AppState, protection: Protection) -> AppState:
    if protection is state.protection:
        return state  # also told with every list of backups, while the form may be open
    return replace(state, protection=protection, passphrase_form=None)


def _pack_click(state: AppState, click: PressDownload | PressStopDownload | AddToPack) -> AppState:
    match click:
        case PressDownload():
            names = tuple(item.file.name for item in state.lacking)
            if state.download is not None or not names:
                return state
            return replace(state, download=Download(names), pack_trouble=None, added=None, orders=(FetchPack(names),))
        case PressStopDownload():
            if state.download is None or state.download.stopping:
                return state
            return replace(state, download=replace(state.download, stopping=True), orders=(StopFetch(),))
        case AddToPack(paths):
            if not paths:
                return state
            # Where a run goes on, the person watches the board; what was found is told above the page.
            screen = Screen.PACK if state.live_run is None else state.screen
            return replace(state, screen=screen, notice=None, adding=True, added=None, orders=(AddFiles(paths),))
        case _ as missing:
            assert_never(missing)


def _pack_event(state: AppState, event: PackEvent) -> AppState:
    match event:
        case PackListed(items, notices):
            return replace(state, pack=items, pack_notices=notices)
        case PackProgress():
            if state.download is None:
                return state
            return replace(state, download=replace(state.download, progress=event))
        case PackFileCame(name):
            if state.pack is None:
                return state
            here = (replace(item, state=PackState.PRESENT) if item.file.name == name else item for item in state.pack)
            return replace(state, pack=tuple(here))
        case PackFetched():
            done = replace(state, download=None, pack_trouble=None)
            return done if state.screen is Screen.PACK else replace(done, notice=Notice(PACK_DOWNLOADED))
        case PackFetchStopped():
            return replace(state, download=None)
        case PackFetchFailed(_, cause, next_step, _):
            state = replace(state, download=None, pack_trouble=event)
            if state.screen is Screen.PACK:
                return state
            return replace(state, notice=Notice(WENT_WRONG.with_values(cause=cause, next_step=next_step), bad=True))
        case PackAdded(names):
            state = replace(state, adding=False, added=event, pack_trouble=None if names else state.pack_trouble)
            if state.screen is Screen.PACK:
                return state
            words = PACK_GREW.with_values(count=len(names)) if names else NOTHING_FOR_PACK
            words = event.troubles[0] if event.troubles and not names else words
            return replace(state, notice=Notice(words, bad=not names))
        case _ as missing:
            assert_never(missing)


def _account_event(state: AppState, event: AccountEvent) -> AppState:
    before = state.account
    account, orders = account_flow.after_event(before, event)
    state = replace(state, account=account, orders=orders)
    match event:
        case CloudBoardChanged():
            return replace(state, notice=Notice(account_flow.words_of(before, event)))
        case AccountFailed(_, _, cause, next_step) if not event.quiet:
            if state.screen in (Screen.ACCOUNT, Screen.BOARDS):
                return state  # told there, beside what was tried
            return replace(state, notice=Notice(WENT_WRONG.with_values(cause=cause, next_step=next_step), bad=True))
        case _:
            return state


def _update_click(state: AppState, click: UpdateClick) -> AppState:
    updates = state.updates
    if updates is None:
        return state
    match click:
        case AgreeToUpdates(yes):
            # Shown at once: what is drawn before the answer of the thread must not take the person's back.
            # A No puts the card away too: who is not looked for wants to hear of nothing.
            agreed = replace(updates, state=replace(updates.state, agreed=yes, quiet=updates.state.quiet or not yes))
            return replace(state, updates=agreed, orders=(RememberUpdates(yes),))
        case PressLookForUpdate() | GiveUpdateAddress() if updates.busy:
            return state
        case PressLookForUpdate():
            return replace(state, updates=replace(updates, busy=True, came=None), orders=(LookForUpdate(),))
        case GiveUpdateAddress(typed):
            busy = replace(updates, busy=True, came=None)
            return replace(state, updates=busy, orders=(UseUpdateAddress(typed),))
        case OpenUpdatePage():
            return replace(state, orders=(OpenLink(updates.state.notice.link),)) if updates.state.notice else state
        case SkipUpdate() | PutOffUpdate():
            if updates.state.notice is None:
                return state
            quiet = replace(updates, state=replace(updates.state, quiet=True))
            version = updates.state.notice.version
            order = DropUpdate(version) if isinstance(click, SkipUpdate) else DelayUpdate(version)
            return replace(state, updates=quiet, orders=(order,))
        case _ as missing:
            assert_never(missing)


def _monitor_click(
    state: AppState, click: OpenMonitor | CloseMonitor | ClearMonitor | SendSerial | AskCommand
) -> AppState:
    monitor = state.monitor
    match click:
        case OpenMonitor(port_path):
            return replace(state, orders=(StartMonitor(port_path),))
        case CloseMonitor():
            return replace(state, orders=(StopMonitor(),))
        case ClearMonitor():
            return replace(state, orders=(EmptyMonitor(),))
        case SendSerial(data):
            if monitor is None or not monitor.open or not data:
                return state
            return replace(state, monitor=replace(monitor, confirm=""), orders=(WriteSerial(data),))
        case AskCommand(key):
            if monitor is None or (key and not monitor.open):
                return state
            return replace(state, monitor=replace(monitor, confirm=key))
        case _ as missing:
            assert_never(missing)


def _monitor_event(state: AppState, event: MonitorChanged | MonitorGrew) -> AppState:
    monitor = state.monitor
    match event:
        case MonitorChanged(port_path, status, transcript, cause, next_step):
            confirm = monitor.confirm if monitor is not None and status is MonitorStatus.OPEN else ""
            news = monitor.news if monitor is not None and monitor.transcript is transcript else 0
            now = MonitorState(port_path, status, transcript, news, cause, next_step, confirm)
            if monitor is not None and status is MonitorStatus.CLOSED and monitor.port_path != port_path:
                return state  # the one before it has ended; another one is shown
            return replace(state, monitor=now)
        case MonitorGrew(port_path, number):
            if monitor is None or monitor.port_path != port_path:
                return state
            return replace(state, monitor=replace(monitor, news=number))
        case _ as missing:
            assert_never(missing)


def _rescue_click(
    state: AppState, click: PressFinish | PressPutBack | SetAside | AskForget | ConfirmForget
) -> AppState:
    match click:
        case PressFinish(key) | PressPutBack(key):
            rescue = next((found for found in state.rescues if found.id == key), None)
            there = board_for(rescue, state) if rescue is not None else None
            if rescue is None or there is None or state.live_run is not None:
                return state
            way = to_finish(rescue) if isinstance(click, PressFinish) else to_put_back(rescue)
            return replace(
                state, chosen=there.board.port_path, confirm_forget="", orders=(StartRun(way[0], there.board, way[1]),)
            )
        case SetAside(key):
            aside = state.set_aside | {key} if key else frozenset()
            return replace(state, set_aside=aside, confirm_forget="")
        case AskForget(key):
            return replace(state, confirm_forget=key)
        case ConfirmForget():
            if not state.confirm_forget:
                return state
            return replace(state, confirm_forget="", orders=(ForgetRescue(state.confirm_forget),))
        case _ as missing:
            assert_never(missing)


def _rescues_listed(state: AppState, rescues: tuple[InterruptedRescue, ...]) -> AppState:
    known = {rescue.id for rescue in rescues}
    return replace(
        state,
        rescues=rescues,
        set_aside=state.set_aside & known,
        confirm_forget=state.confirm_forget if state.confirm_forget in known else "",
    )


def _go(state: AppState, screen: Screen) -> AppState:
    state = replace(state, notice=None, passphrase_form=None, confirm_forget="")
    if screen in SIDE_SCREENS:
        orders: tuple[Order, ...] = _FRESH.get(screen, ())
        if screen is Screen.PACK and state.screen is not Screen.PACK:
            state = replace(state, added=None)
        if screen is Screen.SETTINGS and state.screen is not Screen.SETTINGS and state.updates is not None:
            state = replace(state, updates=replace(state.updates, came=None))
        if screen is Screen.ACCOUNT and state.screen is not Screen.ACCOUNT:
            state = replace(state, account=account_flow.open_account(state.account))
        if screen is Screen.BOARDS:
            account, orders = account_flow.open_boards(state.account)
            state = replace(state, account=account)
        # An explanation is looked up in the middle of something: that something is where the way back leads.
        looked_up = screen is Screen.MODES and state.screen in SIDE_SCREENS - {Screen.MODES}
        return replace(state, screen=screen, orders=orders, looked_up_from=state.screen if looked_up else None)
    if screen is Screen.RUN:
        return replace(state, screen=Screen.RUN, under=Screen.RUN) if state.live_run is not None else state
    if state.live_run is not None:  # home is where the run is, until it has ended
        return replace(state, screen=Screen.RUN, under=Screen.RUN)
    return _choose_present(replace(state, screen=Screen.HOME, under=Screen.HOME, recipe="", answers=()))


def _back(state: AppState) -> AppState:
    if state.passphrase_form is not None:
        return replace(state, passphrase_form=None)
    if state.screen in (Screen.ACCOUNT, Screen.BOARDS):
        account = account_flow.step_back(state.account, on_boards=state.screen is Screen.BOARDS)
        if account is not None:
            return replace(state, account=account)
    if state.screen in SIDE_SCREENS:
        there = state.looked_up_from if state.screen is Screen.MODES else None
        return replace(state, screen=there or state.under, looked_up_from=None, notice=None)
    if state.screen in (Screen.PLAN, Screen.RESULT):
        return _go(state, Screen.HOME)
    return state


_FRESH: dict[Screen, tuple[Order, ...]] = {Screen.SAFE: (ListBackups(),), Screen.PACK: (ListPack(),)}
"""What a side screen has looked up when it opens."""


def _choose_present(state: AppState) -> AppState:
    """Choose another board when the chosen one has gone and nothing holds on to it."""
    if state.board is not None:
        return state
    return replace(state, chosen=state.boards[0].port_path if state.boards else None)


def _start(state: AppState) -> AppState:
    if state.board is None or state.live_run is not None or not state.recipe:
        return state
    return replace(state, orders=(StartRun(state.recipe, state.board, state.answers),))


def _retry(state: AppState) -> AppState:
    if state.run is None or state.run.live:
        return state
    again = replace(state, recipe=state.run.recipe, answers=state.run.answers)
    if again.board is None:
        return replace(again, screen=Screen.PLAN, under=Screen.PLAN)
    return _start(again)


def _press_stop(state: AppState) -> AppState:
    run = state.live_run
    if run is None or run.stopping:
        return state
    if run.stops_at_once or not run.changes_board:
        return _stop(state)
    return _with_run(state, confirm_stop=True)


def _stop(state: AppState) -> AppState:
    run = state.live_run
    if run is None:
        return state
    return replace(_with_run(state, stopping=True, confirm_stop=False), orders=(StopRun(run.run),))


def _with_run(state: AppState, **changes: object) -> AppState:
    if state.run is None:
        return state
    return replace(state, run=replace(state.run, **changes))  # type: ignore[arg-type]  # names checked by the tests


def _with_step(state: AppState, number: int, status: StepStatus, note: Text | None = None) -> AppState:
    run = state.run
    if run is None or not 0 <= number < len(run.steps):
        return state
    changed = replace(run.steps[number], status=status, note=note)
    return _with_run(state, steps=(*run.steps[:number], changed, *run.steps[number + 1 :]))


def _run_event(state: AppState, event: RunEvent) -> AppState:
    run = state.run
    if run is None or event.run != run.run or not run.live:
        return state  # news of a run that is not shown
    match event:
        case PlanReady():
            return _with_run(state, title=event.title, steps=tuple(StepState(step) for step in event.steps))
        case StepStarted(_, step):
            return _with_step(_with_run(state, done=0, total=0, rate=0.0, seconds_left=None), step, StepStatus.RUNNING)
        case StepProgress():
            return _with_run(
                state,
                fraction=max(run.fraction, event.fraction),
                done=event.done,
                total=event.total,
                rate=event.rate,
                seconds_left=event.seconds_left,
            )
        case StepDone(_, step, note):
            return _with_step(state, step, StepStatus.DONE, note)
        case StepSkipped(_, step, note):
            return _with_step(state, step, StepStatus.SKIPPED, note)
        case Asked():
            return _with_run(state, asked=event, hint=None)
        case Answered(_, name):
            if run.asked is not None and run.asked.question.name == name:
                return _with_run(state, asked=None, hint=None)
            return state
        case Hint(_, words):
            return _with_run(state, hint=words)
        case Note(_, words):
            return _with_run(state, notes=(*run.notes, words))
        case Succeeded() | Stopped() | Failed():
            return _ended(state, event)
        case _ as missing:
            assert_never(missing)


def _ended(state: AppState, end: Succeeded | Stopped | Failed) -> AppState:
    assert state.run is not None
    steps = tuple(
        replace(step, status=StepStatus.BROKEN) if step.status is StepStatus.RUNNING else step
        for step in state.run.steps
    )
    state = _with_run(state, fraction=1.0) if isinstance(end, Succeeded) else _with_run(state, steps=steps)
    state = _with_run(
        state, end=end, asked=None, hint=None, stopping=False, confirm_stop=False, rate=0.0, seconds_left=None
    )
    account, orders = account_flow.refresh_boards(state.account)
    state = replace(state, account=account)
    orders = (CloseWindow(),) if state.closing else (ListBackups(), ListRescues(), *orders)
    screen = state.screen if state.screen in SIDE_SCREENS else Screen.RESULT
    return replace(state, screen=screen, under=Screen.RESULT, confirm_close=False, orders=orders)
