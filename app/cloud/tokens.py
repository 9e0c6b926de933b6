"""Where a sign-in is kept: in the system's own store for passwords, or only until the program ends. Never in a file.

Everything here may wait for the system, which may ask the person to unlock its store: never in the window's thread.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, unique
from typing import TYPE_CHECKING, Protocol

from app import log as program_log
from app.text import Text, text

if TYPE_CHECKING:
    from app.cloud.profiles import Profile

log = logging.getLogger(__name__)

SERVICE = "Rekindle"
"""The name under which the system's store shows what is kept."""

SECURE_STORES = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    }
)
"""Modules of the stores that keep secrets encrypted for the person. Any other one (there are some that write plain text
into a file, or drop what they get) is not used, whoever configured it."""


@unique
class Kept(Enum):
    """Where a sign-in is."""

    STORE = "store"
    MEMORY = "memory"
    LOCKED = "locked"  # in memory: the system's store would not open, or failed


NOTES: dict[Kept, Text | None] = {
    Kept.STORE: None,
    Kept.MEMORY: text(
        "Tokens",
        "This computer has no safe place for passwords that the program could use. You stay signed in until the "
        "program ends.",
    ),
    Kept.LOCKED: text(
        "Tokens",
        "This computer's store for passwords is locked or did not do what it was asked. You stay signed in until the "
        "program ends.",
    ),
}
"""What a person is told about it."""

NOT_LOOKED_UP = text(
    "Tokens",
    "This computer's store for passwords is locked or did not answer, so a sign-in that may be in there is not used. "
    "Unlock it and look again, or sign in anew.",
)
NOT_FORGOTTEN = text(
    "Tokens",
    "This computer's store for passwords did not let the sign-in be removed. Open that store and remove the entry "
    "“Rekindle” there.",
)


@dataclass(frozen=True, slots=True)
class SavedSignIn:
    """What is kept of a sign-in.

    Attributes:
        user: User name; "" if it is not known.
        token: The secret; in no repr.
        ends: When the token ends by itself; None when that is not known.
    """

    user: str
    token: str = field(repr=False)
    ends: datetime | None = None


class SecretStore(Protocol):
    """What a store of the system can do; the shape is that of `keyring`'s backends. Raises whatever it likes."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return a secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a secret."""

    def delete_password(self, service: str, username: str) -> None:
        """Remove a secret."""


def system_store() -> SecretStore | None:
    """Return the system's store for passwords; None when there is none that keeps them encrypted."""
    try:
        import keyring  # it looks for its stores among all that is installed, which takes a while

        chosen = keyring.get_keyring()
    except Exception:
        log.exception("the system's store for passwords cannot be used")
        return None
    several = getattr(chosen, "backends", None)  # one that asks others in turn
    for store in several if isinstance(several, list | tuple) else (chosen,):
        if type(store).__module__ in SECURE_STORES:
            found: SecretStore = store
            return found
    log.info("no store for passwords is used: %s", type(chosen).__module__)
    return None


class TokenStore:
    """Keeps one sign-in for each profile. Every method may be called from any thread but the window's."""

    def __init__(self, store: Callable[[], SecretStore | None] = system_store) -> None:
        """Take what finds the system's store; it is looked for when it is first needed."""
        self._find = store
        self._found: SecretStore | None = None
        self._looked = False
        self._memory: dict[str, SavedSignIn] = {}
        self._turn = threading.Lock()

    def keep(self, profile: Profile, saved: SavedSignIn) -> Kept:
        """Keep a sign-in, in place of the one before; return where it is."""
        program_log.keep_secret(saved.token)
        with self._turn:
            store = self._store()
            self._memory[profile.id] = saved
            if store is None:
                return Kept.MEMORY
            try:
                store.set_password(SERVICE, _entry(profile), _format(saved))
            except Exception as error:  # noqa: BLE001 - stores raise what they like, and their words are not ours to log
                log.info("the store for passwords refused: %s", type(error).__name__)
                return Kept.LOCKED
            return Kept.STORE

    def load(self, profile: Profile) -> tuple[SavedSignIn | None, Kept]:
        """Return what is kept for a profile, if anything, and where it is (or why nothing could be looked up)."""
        with self._turn:
            here = self._memory.get(profile.id)
            store = self._store()
            if store is None:
                return here, Kept.MEMORY
            try:
                content = store.get_password(SERVICE, _entry(profile))
            except Exception as error:  # noqa: BLE001 - as above
                log.info("the store for passwords refused: %s", type(error).__name__)
                return here, Kept.LOCKED
            saved = None if content is None else _parse(content)
            if saved is None:
                return here, Kept.MEMORY if here else Kept.STORE
            program_log.keep_secret(saved.token)
            self._memory[profile.id] = saved
            return saved, Kept.STORE

    def forget(self, profile: Profile) -> bool:
        """Forget a sign-in here and in the store; return whether nothing of it is left."""
        with self._turn:
            self._memory.pop(profile.id, None)
            store = self._store()
            if store is None:
                return True
            try:
                if store.get_password(SERVICE, _entry(profile)) is not None:
                    store.delete_password(SERVICE, _entry(profile))
            except Exception as error:  # noqa: BLE001 - as above
                log.info("the store for passwords refused: %s", type(error).__name__)
                return False
            return True

    def _store(self) -> SecretStore | None:
        if not self._looked:
            self._found = self._find()
            self._looked = True
        return self._found


def _entry(profile: Profile) -> str:
    # With the address: a token never goes to another server, even if a file with profiles was changed by hand.
    return f"{profile.id} {profile.base_url}"


def _format(saved: SavedSignIn) -> str:
    ends = None if saved.ends is None else saved.ends.isoformat()
    return json.dumps({"user": saved.user, "token": saved.token, "ends": ends})


def _parse(content: str) -> SavedSignIn | None:
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict):
        return None
    user, token, ends = whole.get("user"), whole.get("token"), whole.get("ends")
    if not (isinstance(user, str) and isinstance(token, str) and token):
        return None
    try:
        when = datetime.fromisoformat(ends) if isinstance(ends, str) else None
    except ValueError:
        when = None
    return SavedSignIn(user, token, when if when is None or when.tzinfo else None)
