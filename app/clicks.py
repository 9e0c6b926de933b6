"""What the window tells `app.flow`: its screens, and everything a person can do there, as frozen events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique
from pathlib import Path

from app.cloud.profiles import CloudServer
from app.keys.backup import Backup
from app.work.board import Board
from app.work.events import Document
from app.work.questions import Answers


@unique
class Screen(Enum):
    """What the right side of the window shows."""

    HOME = "home"
    PLAN = "plan"
    RUN = "run"
    RESULT = "result"
    SAFE = "safe"
    PACK = "pack"
    GUIDE = "guide"
    MODES = "modes"
    MONITOR = "monitor"
    DRIVER = "driver"
    DECODER = "decoder"
    SETTINGS = "settings"
    HELP = "help"
    ACCOUNT = "account"
    BOARDS = "boards"
    TRANSFER = "transfer"


@unique
class AccountForm(Enum):
    """What the account's page asks for."""

    SIGN_IN = "sign-in"
    CODE = "code"
    TOKEN = "token"
    SERVER = "server"
    SIGN_OUT = "sign-out"


@unique
class BoardForm(Enum):
    """What is asked before something is done with a board in the cloud."""

    NONE = "none"
    NAME = "name"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Go:
    """Open a screen: home, or one of the side screens."""

    screen: Screen


@dataclass(frozen=True, slots=True)
class Back:
    """Leave a side screen, the plan or the result."""


@dataclass(frozen=True, slots=True)
class PickBoard:
    """One of several boards was chosen."""

    port_path: str


@dataclass(frozen=True, slots=True)
class PickRecipe:
    """A card was chosen, or something else that leads to a recipe's plan, with answers it knows already."""

    recipe: str
    answers: Answers = ()


@dataclass(frozen=True, slots=True)
class PressStart:
    """Start on the plan page."""


@dataclass(frozen=True, slots=True)
class PressRetry:
    """Try again on the result page."""


@dataclass(frozen=True, slots=True)
class RunBegan:
    """The engine has taken the order to run; `changes_board` as the recipe promises."""

    run: int
    recipe: str
    board: Board
    changes_board: bool = False
    answers: Answers = ()


@dataclass(frozen=True, slots=True)
class PressStop:
    """Stop on the run page."""


@dataclass(frozen=True, slots=True)
class ConfirmStop:
    """The answer to "really stop?"."""

    yes: bool


@dataclass(frozen=True, slots=True)
class GiveAnswer:
    """The person answered the open question."""

    answer: object


@dataclass(frozen=True, slots=True)
class PressClose:
    """The window's close button."""


@dataclass(frozen=True, slots=True)
class ConfirmClose:
    """The answer to "stop and close?"."""

    yes: bool


@dataclass(frozen=True, slots=True)
class NoBoardForLong:
    """No board was seen for ten seconds."""


@dataclass(frozen=True, slots=True)
class PressCopyBackup:
    """Copy a backup to a folder."""

    backup: Backup
    folder: Path


@dataclass(frozen=True, slots=True)
class OpenPassphraseForm:
    """Protect or unlock the key safe: the form that fits opens."""


@dataclass(frozen=True, slots=True)
class ClosePassphraseForm:
    """Leave the form."""


@dataclass(frozen=True, slots=True)
class GivePassphrase:
    """The form was filled in. The words are secret."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PressLock:
    """Lock the key safe."""


@dataclass(frozen=True, slots=True)
class PressSaveReport:
    """Save the support report to this file."""

    target: Path


@dataclass(frozen=True, slots=True)
class PressSaveDocument:
    """Save a document of the result to this file; that it may be replaced was agreed to."""

    document: Document
    target: Path


@dataclass(frozen=True, slots=True)
class PressCopyPublicKey:
    """Copy the public key of a backup."""

    backup: Backup


@dataclass(frozen=True, slots=True)
class PressDownload:
    """Download what the rescue pack lacks."""


@dataclass(frozen=True, slots=True)
class PressStopDownload:
    """Stop that."""


@dataclass(frozen=True, slots=True)
class AddToPack:
    """These files were picked, or dropped on the window: look for images of the rescue pack in them."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class PressFinish:
    """Finish the interrupted rescue of this ID."""

    rescue: str


@dataclass(frozen=True, slots=True)
class PressPutBack:
    """Put back what was there before the interrupted rescue of this ID."""

    rescue: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """Say no more of the interrupted rescue of this ID until the program is started again; "" shows all again."""

    rescue: str


@dataclass(frozen=True, slots=True)
class AskForget:
    """Forget the interrupted rescue of this ID, after a question; "" closes the question."""

    rescue: str


@dataclass(frozen=True, slots=True)
class ConfirmForget:
    """Yes, forget the one that was asked about."""


@dataclass(frozen=True, slots=True)
class OpenMonitor:
    """Open the serial port of the board on that port."""

    port_path: str


@dataclass(frozen=True, slots=True)
class CloseMonitor:
    """Close it; what was said stays to be read."""


@dataclass(frozen=True, slots=True)
class ClearMonitor:
    """Drop the lines."""


@dataclass(frozen=True, slots=True)
class SendSerial:
    """Send this over the serial port. It may be a password."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AskCommand:
    """Send this one-key command after a question, because it changes something; "" closes the question."""

    key: str


@dataclass(frozen=True, slots=True)
class PickServer:
    """Ask this cloud server from now on."""

    profile_id: str


@dataclass(frozen=True, slots=True)
class GiveServer:
    """Add a cloud server and ask it from now on."""

    address: str
    name: str
    kind: CloudServer


@dataclass(frozen=True, slots=True)
class PressForgetServer:
    """Take the server that is asked now off the list."""


@dataclass(frozen=True, slots=True)
class OpenAccountForm:
    """Ask for something else on the account's page."""

    form: AccountForm


@dataclass(frozen=True, slots=True)
class GiveSignIn:
    """Sign in with these. The password is secret."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GiveCode:
    """Go on with this one-time code. It is secret."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GiveToken:
    """Sign in with a token that was pasted. It is secret."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PressSignOut:
    """Sign out; a local cloud ends a sign-in only with the password, which is secret."""

    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class PressStopAccount:
    """Stop waiting for the server."""


@dataclass(frozen=True, slots=True)
class PressLookAgain:
    """Look again into the system's store for passwords."""


@dataclass(frozen=True, slots=True)
class PressListBoards:
    """List the account's boards again."""


@dataclass(frozen=True, slots=True)
class PickCloudBoard:
    """One of the account's boards was chosen; "" for none."""

    device_id: str


@dataclass(frozen=True, slots=True)
class OpenBoardForm:
    """Ask for what is needed to do something with the chosen board of the account."""

    form: BoardForm


@dataclass(frozen=True, slots=True)
class GiveBoardName:
    """Name the chosen board of the account so."""

    name: str


@dataclass(frozen=True, slots=True)
class PressBlink:
    """Have the chosen board of the account blink, or stop that."""


@dataclass(frozen=True, slots=True)
class ConfirmRelease:
    """Release the chosen board of the account; these words name it."""

    typed: str


@dataclass(frozen=True, slots=True)
class PressPractice:
    """Open a second window with a practice board."""


@dataclass(frozen=True, slots=True)
class CloseNotice:
    """The message above the page was read."""


@dataclass(frozen=True, slots=True)
class AgreeToUpdates:
    """Look once a day for a newer version, or do not."""

    yes: bool


@dataclass(frozen=True, slots=True)
class PressLookForUpdate:
    """Look for a newer version now."""


@dataclass(frozen=True, slots=True)
class GiveUpdateAddress:
    """Where to look for one; "" for where the program looks by itself."""

    typed: str


@dataclass(frozen=True, slots=True)
class OpenUpdatePage:
    """Open the newer version's page."""


@dataclass(frozen=True, slots=True)
class SkipUpdate:
    """Not this one."""


@dataclass(frozen=True, slots=True)
class PutOffUpdate:
    """Later."""


UpdateClick = AgreeToUpdates | PressLookForUpdate | GiveUpdateAddress | OpenUpdatePage | SkipUpdate | PutOffUpdate
AccountClick = (
    PickServer
    | GiveServer
    | PressForgetServer
    | OpenAccountForm
    | GiveSignIn
    | GiveCode
    | GiveToken
    | PressSignOut
    | PressStopAccount
    | PressLookAgain
    | PressListBoards
    | PickCloudBoard
    | OpenBoardForm
    | GiveBoardName
    | PressBlink
    | ConfirmRelease
)
Click = (
    Go
    | Back
    | PickBoard
    | PickRecipe
    | PressStart
    | PressRetry
    | RunBegan
    | PressStop
    | ConfirmStop
    | GiveAnswer
    | PressClose
    | ConfirmClose
    | NoBoardForLong
    | PressCopyBackup
    | OpenPassphraseForm
    | ClosePassphraseForm
    | GivePassphrase
    | PressLock
    | PressSaveReport
    | PressSaveDocument
    | PressCopyPublicKey
    | PressDownload
    | PressStopDownload
    | AddToPack
    | PressFinish
    | PressPutBack
    | SetAside
    | AskForget
    | ConfirmForget
    | OpenMonitor
    | CloseMonitor
    | ClearMonitor
    | SendSerial
    | AskCommand
    | PressPractice
    | CloseNotice
    | AccountClick
    | UpdateClick
)
