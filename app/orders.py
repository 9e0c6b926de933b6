"""What `app.flow` has the window do: everything that reaches beyond the window, as frozen orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.cloud.profiles import CloudServer
from app.keys.backup import Backup
from app.work.board import Board
from app.work.events import Asked, Document
from app.work.questions import Answers

if TYPE_CHECKING:
    from app.updates import Version


@dataclass(frozen=True, slots=True)
class StartRun:
    """Start this recipe on this board, with these answers given beforehand."""

    recipe: str
    board: Board
    answers: Answers = ()


@dataclass(frozen=True, slots=True)
class StopRun:
    """Ask this run to stop."""

    run: int


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """Give the answer to whoever asked."""

    asked: Asked
    answer: object


@dataclass(frozen=True, slots=True)
class ListBackups:
    """Have the key safe listed."""


@dataclass(frozen=True, slots=True)
class CopyBackup:
    """Have a backup copied."""

    backup: Backup
    folder: Path


@dataclass(frozen=True, slots=True)
class SetPassphrase:
    """Have the key safe protected. The words are secret."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnlockSafe:
    """Have the key safe unlocked. The words are secret."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LockSafe:
    """Have the passphrase forgotten."""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """Have the support report written."""

    target: Path


@dataclass(frozen=True, slots=True)
class SaveDocument:
    """Have a document written, over what the person agreed to replace."""

    document: Document
    target: Path


@dataclass(frozen=True, slots=True)
class ReadPublicKey:
    """Have the public key of a backup read."""

    backup: Backup


@dataclass(frozen=True, slots=True)
class PutOnClipboard:
    """Have these words ready to be pasted elsewhere."""

    words: str


@dataclass(frozen=True, slots=True)
class ListPack:
    """Have the rescue pack looked through."""


@dataclass(frozen=True, slots=True)
class FetchPack:
    """Have these files of the rescue pack downloaded."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopFetch:
    """Have the download stopped."""


@dataclass(frozen=True, slots=True)
class AddFiles:
    """Have these files looked through for images of the rescue pack."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ListRescues:
    """Have the interrupted rescues listed."""


@dataclass(frozen=True, slots=True)
class ForgetRescue:
    """Have this interrupted rescue forgotten."""

    rescue: str


@dataclass(frozen=True, slots=True)
class StartMonitor:
    """Have the serial port of the board on that port opened."""

    port_path: str


@dataclass(frozen=True, slots=True)
class StopMonitor:
    """Have it closed."""


@dataclass(frozen=True, slots=True)
class EmptyMonitor:
    """Have its lines dropped."""


@dataclass(frozen=True, slots=True)
class WriteSerial:
    """Have these bytes sent. They may be a password."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class UseServer:
    """Have this cloud server asked from now on."""

    profile_id: str


@dataclass(frozen=True, slots=True)
class KeepServer:
    """Have a cloud server added."""

    address: str
    name: str
    kind: CloudServer


@dataclass(frozen=True, slots=True)
class DropServer:
    """Have a cloud server forgotten."""

    profile_id: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Have the person signed in at the server they saw. The password is secret."""

    user: str
    password: str = field(repr=False)
    at: str


@dataclass(frozen=True, slots=True)
class EnterCode:
    """Have the sign-in gone on with. The code is secret."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UseToken:
    """Have the person signed in with a token, which is secret, at the server they saw."""

    words: str = field(repr=False)
    at: str


@dataclass(frozen=True, slots=True)
class SignOut:
    """Have the person signed out. The password is secret."""

    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StopAccount:
    """Have everything stopped that waits for a cloud server."""


@dataclass(frozen=True, slots=True)
class LookForSignIn:
    """Have the system's store for passwords looked into."""


@dataclass(frozen=True, slots=True)
class ListCloudBoards:
    """Have the account's boards listed; `quiet` when nobody asked for it just now."""

    quiet: bool = False


@dataclass(frozen=True, slots=True)
class NameBoard:
    """Have a board of the account named; `at` is the server whose board it is."""

    device_id: str
    name: str
    at: str


@dataclass(frozen=True, slots=True)
class BlinkBoard:
    """Have a board of the account blink, or stop that; `at` is the server whose board it is."""

    device_id: str
    on: bool
    at: str


@dataclass(frozen=True, slots=True)
class ReleaseBoard:
    """Have a board of the account released; the person has confirmed it. `at` is the server whose board it is."""

    device_id: str
    at: str


@dataclass(frozen=True, slots=True)
class RememberUpdates:
    """Have it remembered whether newer versions are looked for."""

    yes: bool


@dataclass(frozen=True, slots=True)
class LookForUpdate:
    """Have one looked for now."""


@dataclass(frozen=True, slots=True)
class UseUpdateAddress:
    """Have one looked for there; "" for where the program looks by itself."""

    typed: str


@dataclass(frozen=True, slots=True)
class DropUpdate:
    """Have this one not told of any more."""

    version: Version


@dataclass(frozen=True, slots=True)
class DelayUpdate:
    """Have this one told of after the next look."""

    version: Version


@dataclass(frozen=True, slots=True)
class OpenLink:
    """Have a page opened in the browser; an address that was checked."""

    link: str


@dataclass(frozen=True, slots=True)
class OpenPractice:
    """Start the program once more, in practice mode."""


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """Nothing holds the window any more."""


AccountDeed = (
    UseServer
    | KeepServer
    | DropServer
    | SignIn
    | EnterCode
    | UseToken
    | SignOut
    | StopAccount
    | LookForSignIn
    | ListCloudBoards
    | NameBoard
    | BlinkBoard
    | ReleaseBoard
)
UpdateDeed = RememberUpdates | LookForUpdate | UseUpdateAddress | DropUpdate | DelayUpdate
Order = (
    StartRun
    | StopRun
    | SendAnswer
    | ListBackups
    | CopyBackup
    | SetPassphrase
    | UnlockSafe
    | LockSafe
    | SaveReport
    | SaveDocument
    | ReadPublicKey
    | PutOnClipboard
    | ListPack
    | FetchPack
    | StopFetch
    | AddFiles
    | ListRescues
    | ForgetRescue
    | StartMonitor
    | StopMonitor
    | EmptyMonitor
    | WriteSerial
    | OpenPractice
    | CloseWindow
    | OpenLink
    | UpdateDeed
    | AccountDeed
)
