"""What `app.flow` has the window do: everything that reaches beyond the window, as frozen orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.keys.backup import Backup
from app.work.board import Board
from app.work.events import Asked, Document
from app.work.questions import Answers


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
class OpenPractice:
    """Start the program once more, in practice mode."""


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """Nothing holds the window any more."""


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
)
