"""What can go wrong with keys and the files they come in, each with a cause and a next step for the person."""

from __future__ import annotations

from app.faults import Fault
from app.text import text

# --- a key in a file ------------------------------------------------------------------------------------------------


class KeyFileUnreadable(Fault):
    """A file holds no private key, or a damaged one. `reason` says which."""

    code = "key-file.unreadable"
    cause = text("Faults", "No private key can be read from this file. {reason}")
    next_step = text("Faults", "Choose the file that was kept for this board: a .der, .pem or .bin file.")
    retryable = False


class KeyFileTooLong(KeyFileUnreadable):
    """A file is far longer than any key. `most` is the limit in bytes."""

    code = "key-file.too-long"
    cause = text("Faults", "This file is longer than any file with a key ({most} bytes), so it was not looked at.")


class KeyFilePublic(Fault):
    """A public key or a certificate was given where the private key is needed."""

    code = "key-file.public"
    cause = text("Faults", "This file holds only a public key. A board needs the private one.")
    next_step = text(
        "Faults", "Choose the private key: the file of the same name without “.pub” in it, a .der or .pem file."
    )
    retryable = False


class KeyFileEncrypted(Fault):
    """A file is locked with a passphrase, and none was given."""

    code = "key-file.encrypted"
    cause = text("Faults", "The key in this file is locked with a passphrase.")
    next_step = text("Faults", "Type the passphrase of the file.")


class KeyFileWrongPassphrase(Fault):
    """The passphrase given does not open a file."""

    code = "key-file.wrong-passphrase"
    cause = text("Faults", "This passphrase does not open the file, or the file is damaged.")
    next_step = text("Faults", "Type the passphrase again; watch Caps Lock and the keyboard's language.")


class KeyFileWrongKind(Fault):
    """A file holds a sound private key of a kind the board cannot use. `found` and `needed` say which."""

    code = "key-file.wrong-kind"
    cause = text("Faults", "This file holds {found}. This board needs {needed}.")
    next_step = text("Faults", "Choose the key that was made for this board, or give the board a new key.")
    retryable = False


class KeyFileUnusable(Fault):
    """A file holds a key of the right kind that no encoding makes readable for the firmware. `reason` says why."""

    code = "key-file.unusable"
    cause = text("Faults", "The key in this file is sound, but the board's firmware cannot use it. {reason}")
    next_step = text("Faults", "Choose another key of this board, or give the board a new key.")
    retryable = False


# --- a key to be written to a board -----------------------------------------------------------------------------------


class BackupUnknown(Fault):
    """The key safe has no backup of the name given. `name` is that name."""

    code = "key.backup-unknown"
    cause = text("Faults", "The key safe has no backup called {name}.")
    next_step = text("Faults", "Start again and choose a key from those that are shown.")
    retryable = False


class KeyOfOtherBoard(Fault):
    """A key is known to be another board's. `board` says whose."""

    code = "key.other-board"
    cause = text("Faults", "This key belongs to another board: {board}.")
    next_step = text("Faults", "Plug in the board it belongs to, choose another key, or give this board a new one.")
    retryable = False


class BackupHoldsNoKey(Fault):
    """What was kept is no key that this board could have. `reason` says why."""

    code = "key.backup-no-key"
    cause = text("Faults", "There is no key in this backup that this board could use. {reason}")
    next_step = text("Faults", "Choose another backup or a file, or give the board a new key.")
    retryable = False
