"""News from a watcher, a worker or the clerk to the window or the console. Frozen: they cross threads.

A run posts `PlanReady` first, then step news, then exactly one of `Succeeded`, `Stopped`, `Failed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from app.text import Text
from app.work.board import Board
from app.work.plan import XRay
from app.work.questions import Question

if TYPE_CHECKING:
    from datetime import datetime

    from app.cloud.client import CloudBoard
    from app.cloud.profiles import Profile
    from app.firmware.pack import Notice, PackItem
    from app.undo.rescue import InterruptedRescue
    from app.updates import LookedUp, UpdateState
    from app.work.serial_lines import Transcript

Reply = Callable[[object], None]
"""Where an answer goes; only the first one counts."""


@dataclass(frozen=True, slots=True)
class BoardsChanged:
    """The boards on the table are now these, and this many strangers or refused devices were seen too.

    `denied` lists boards' ports that the operating system will not let us open.
    """

    boards: tuple[Board, ...]
    denied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step as shown before the run starts; its members are those of `Step`."""

    title: Text
    detail: Text | None
    weight: float
    can_stop: bool
    stop_waits: Text | None = None


@dataclass(frozen=True, slots=True)
class PlanReady:
    """A run is about to start; these are its steps."""

    run: int
    recipe: str
    title: Text
    steps: tuple[StepPlan, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Step number `step` (from 0) has begun."""

    run: int
    step: int


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far the whole run and its step are.

    `fraction` is of the whole run, 0.0 to 1.0, never falling. `rate` is bytes per second, 0.0 when the step does
    not move bytes; `seconds_left` is of this step, None when not known.
    """

    run: int
    step: int
    fraction: float
    done: int
    total: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class StepDone:
    """The step is done; `note` is what it found, to be shown beside its tick."""

    run: int
    step: int
    note: Text | None


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """The step was not needed."""

    run: int
    step: int
    note: Text | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The job waits for the person. `reply` may be called from any thread."""

    run: int
    question: Question
    reply: Reply


@dataclass(frozen=True, slots=True)
class Answered:
    """The question is over: answered, or ended by what USB showed."""

    run: int
    name: str


@dataclass(frozen=True, slots=True)
class Hint:
    """Something the coach saw: let go too early, too late, the wrong board came back."""

    run: int
    words: Text


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the details."""

    run: int
    words: Text


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a run found out. `value` is shown as it is; `copy` and `qr` offer it that way."""

    key: str
    label: Text
    value: str | Text
    copy: bool = False
    qr: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Lines to be handed to somebody: shown, copied as a whole, saved under a name. Never a secret.

    Attributes:
        key: Stable name, for example `public-key`.
        title: What it is, for example `Send this to your cloud`.
        body: Who gets it, and what they do with it.
        file_name: The name to save it under, for example `53ff6f065067544840551187.pub.pem`.
        content: The lines.
        aside: Whether it can wait: it is shown after what to do next and what was found.
    """

    key: str
    title: Text
    body: Text
    file_name: str
    content: str
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended well: what happened, what was found, what was kept where, what to do next.

    `warnings` are true things a person must not miss (for example: this key cannot work on this firmware). `xray` is
    what the board holds now, None when it was not looked at. `next_recipes` are keys of recipes to go on with.
    `unfinished` is true where nothing failed but what was wanted is not reached yet, or not known to be.
    `documents` are lines to hand to somebody, for example a public key.
    """

    summary: Text
    facts: tuple[Fact, ...] = ()
    kept: tuple[str, ...] = ()
    warnings: tuple[Text, ...] = ()
    next_steps: tuple[Text, ...] = ()
    xray: XRay | None = None
    next_recipes: tuple[str, ...] = ()
    unfinished: bool = False
    documents: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The run reached its end."""

    run: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person stopped the run; `changed` says whether anything on the board was changed before."""

    run: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended with a fault, or with a bug (`code` is `bug`)."""

    run: int
    code: str
    cause: Text
    next_step: Text
    retryable: bool
    detail: str


@dataclass(frozen=True, slots=True)
class BackupsListed:
    """The key safe holds these backups now, newest first (`app.keys.safe.Backup` objects)."""

    backups: tuple[object, ...]


@unique
class Protection(Enum):
    """Whether the key safe has a passphrase, and whether the program knows it now."""

    UNPROTECTED = "unprotected"
    UNLOCKED = "unlocked"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class SafeProtection:
    """The key safe is protected like this now."""

    protection: Protection


@dataclass(frozen=True, slots=True)
class PassphraseRefused:
    """A passphrase could not be set, or does not open the key safe."""

    code: str
    cause: Text
    next_step: Text
    detail: str


@dataclass(frozen=True, slots=True)
class BackupCopied:
    """A backup was copied out of the key safe; `paths` are the new files."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportSaved:
    """The support report (redacted log and trace) was written to `path`."""

    path: str


@dataclass(frozen=True, slots=True)
class DocumentSaved:
    """A document was written to `path`."""

    path: str


@dataclass(frozen=True, slots=True)
class PublicKeyRead:
    """The public key of a backup, asked for to be handed on: SPKI in PEM."""

    public_pem: str


@dataclass(frozen=True, slots=True)
class FileWorkFailed:
    """Something the clerk was asked to do with files went wrong (`code` is `bug` for a mistake of the program)."""

    code: str
    cause: Text
    next_step: Text
    detail: str


@dataclass(frozen=True, slots=True)
class BusTrouble:
    """Boards cannot be listed at all; the next `BoardsChanged` ends it."""

    code: str
    cause: Text
    next_step: Text
    detail: str


@dataclass(frozen=True, slots=True)
class PackListed:
    """The rescue pack holds these files now, and lacks those; `notices` say whose they are."""

    items: tuple[PackItem, ...]
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class PackProgress:
    """The rescue pack is being downloaded. Told at the start of each file, about ten times a second, at each end.

    Attributes:
        name: Of the file under way.
        done: Bytes of the whole order that are there, checked files and the part of this one.
        total: Bytes of the whole order.
        rate: Bytes per second over the last seconds, 0.0 until it is known.
        seconds_left: Of the whole order; None until it is known.
    """

    name: str
    done: int
    total: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class PackFileCame:
    """This file of the download is whole, checked and stored; the rest of the pack is as it was."""

    name: str


@dataclass(frozen=True, slots=True)
class PackFetched:
    """The download has ended well; `names` are the files that came."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackFetchStopped:
    """The person stopped the download. What came is kept; the next one goes on there."""


@dataclass(frozen=True, slots=True)
class PackFetchFailed:
    """The download has ended with a fault, for example without the internet. What came is kept."""

    code: str
    cause: Text
    next_step: Text
    detail: str


@dataclass(frozen=True, slots=True)
class PackAdded:
    """Files of the person's were looked through for images of the rescue pack.

    Attributes:
        names: Files of the pack that were recognised and are in it now.
        repaired: Those of them that were damaged before.
        unknown: Paths of files given that hold nothing the pack knows.
        troubles: Why some could not be read or kept, each with what to do.
    """

    names: tuple[str, ...]
    repaired: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    troubles: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class RescuesInterrupted:
    """These rescues were begun and never finished, newest first."""

    rescues: tuple[InterruptedRescue, ...]


@unique
class MonitorStatus(Enum):
    """What the serial monitor is doing."""

    OPENING = "opening"
    OPEN = "open"
    AWAY = "away"  # no board with a serial port there; opened again by itself
    LENT = "lent"  # a job has the board; opened again when that has ended
    REFUSED = "refused"  # the system does not open the port; tried again by itself
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class MonitorChanged:
    """The serial monitor of that port does this now.

    Attributes:
        port_path: Where its board is plugged in.
        status: What it does.
        transcript: Its lines; safe to read from any thread.
        cause: Why it is refused or has ended, None when nothing is wrong.
        next_step: What to do about that.
    """

    port_path: str
    status: MonitorStatus
    transcript: Transcript
    cause: Text | None = None
    next_step: Text | None = None


@dataclass(frozen=True, slots=True)
class MonitorGrew:
    """The serial monitor has lines nobody has fetched yet. The next such news come after they were fetched.

    `number` is different for each, so that a window that shows a state draws anew and fetches them.
    """

    port_path: str
    number: int


@dataclass(frozen=True, slots=True)
class ProfilesListed:
    """These are the account servers there are, and the active one, which is always to be seen."""

    profiles: tuple[Profile, ...]
    active: Profile


@unique
class SignInState(Enum):
    """Whether somebody is signed in."""

    OUT = "out"
    IN = "in"
    OVER = "over"  # the server does not accept the sign-in any more


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """Who is signed in at the active server now.

    Attributes:
        profile: The server.
        state: Whether anybody is.
        user: The user name; "" for nobody, and where the server does not tell it.
        note: What the person has to know, for example that the sign-in ends with the program; None for nothing.
    """

    profile: Profile
    state: SignInState
    user: str = ""
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class OneTimeCodeAsked:
    """User name and password were right, and the account wants a one-time code: `Accounts.enter_code` goes on."""

    profile: Profile
    user: str


@dataclass(frozen=True, slots=True)
class DevicesListed:
    """The account has these boards, in the order the server told them; there may be ten thousand."""

    profile: Profile
    boards: tuple[CloudBoard, ...]
    at: datetime


@unique
class CloudDeed(Enum):
    """What was done with a board in the cloud."""

    RELEASED = "released"
    RENAMED = "renamed"
    BLINKS = "blinks"
    BLINKS_NO_MORE = "blinks-no-more"


@dataclass(frozen=True, slots=True)
class CloudBoardChanged:
    """This was done with that board; `name` is its new one after renaming."""

    profile: Profile
    device_id: str
    deed: CloudDeed
    name: str = ""


@unique
class AccountOrder(Enum):
    """What can be asked of the account thread; an order that fails is named by it."""

    RESTORE = "restore"
    PROFILES = "profiles"
    SIGN_IN = "sign-in"
    CODE = "code"
    TOKEN = "token"
    SIGN_OUT = "sign-out"
    LIST = "list"
    BOARD = "board"


@dataclass(frozen=True, slots=True)
class AccountFailed:
    """An order came to nothing (`code` is `bug` for a mistake of the program).

    `quiet` says that nobody asked for it just now: it is no error to be shown.
    """

    order: AccountOrder
    code: str
    cause: Text
    next_step: Text
    retryable: bool
    detail: str
    device_id: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class AccountStopped:
    """The person stopped an order."""

    order: AccountOrder


@dataclass(frozen=True, slots=True)
class UpdatesTold:
    """What is known of newer versions of this program; `came` is set after something the person asked for."""

    state: UpdateState
    came: LookedUp | None = None


RunEvent = (
    PlanReady
    | StepStarted
    | StepProgress
    | StepDone
    | StepSkipped
    | Asked
    | Answered
    | Hint
    | Note
    | Succeeded
    | Stopped
    | Failed
)
FileEvent = (
    BackupsListed
    | SafeProtection
    | PassphraseRefused
    | BackupCopied
    | ReportSaved
    | DocumentSaved
    | PublicKeyRead
    | FileWorkFailed
)
PackEvent = PackListed | PackProgress | PackFileCame | PackFetched | PackFetchStopped | PackFetchFailed | PackAdded
MonitorEvent = MonitorChanged | MonitorGrew
AccountEvent = (
    ProfilesListed
    | AccountChanged
    | OneTimeCodeAsked
    | DevicesListed
    | CloudBoardChanged
    | AccountFailed
    | AccountStopped
)
Event = (
    BoardsChanged
    | BusTrouble
    | RunEvent
    | FileEvent
    | PackEvent
    | RescuesInterrupted
    | MonitorEvent
    | AccountEvent
    | UpdatesTold
)


Post = Callable[[Event], None]
"""Where events go. Called from any thread; never blocks, never raises."""
