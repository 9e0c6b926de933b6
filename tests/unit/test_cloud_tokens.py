"""Where a sign-in is kept: in a store that is safe, or in memory; and what stores do instead."""

from __future__ import annotations

import logging
import sys
import types
from datetime import UTC, datetime

import pytest
from support.secret_store import SecretStore

from app.cloud import tokens
from app.cloud.profiles import PARTICLE, profile
from app.cloud.tokens import NOTES, Kept, SavedSignIn, TokenStore, system_store

SAVED = SavedSignIn("ada", "0123456789abcdef0123456789abcdef01234567", datetime(2030, 1, 1, tzinfo=UTC))
HOME = profile("192.168.1.10")


def test_a_sign_in_is_there_the_next_time() -> None:
    store = SecretStore()
    assert TokenStore(lambda: store).keep(PARTICLE, SAVED) is Kept.STORE
    assert TokenStore(lambda: store).load(PARTICLE) == (SAVED, Kept.STORE)
    assert NOTES[Kept.STORE] is None


def test_a_sign_in_is_for_one_address_alone() -> None:
    store = SecretStore()
    kept = TokenStore(lambda: store)
    kept.keep(HOME, SAVED)
    assert kept.load(PARTICLE)[0] is None
    moved = types.SimpleNamespace(id=HOME.id, base_url="https://elsewhere.test")
    assert TokenStore(lambda: store).load(moved) == (None, Kept.STORE)  # type: ignore[arg-type]


def test_without_a_store_it_is_kept_until_the_end_and_that_is_said() -> None:
    kept = TokenStore(lambda: None)
    assert kept.keep(PARTICLE, SAVED) is Kept.MEMORY
    assert kept.load(PARTICLE) == (SAVED, Kept.MEMORY)
    assert TokenStore(lambda: None).load(PARTICLE) == (None, Kept.MEMORY)
    note = NOTES[Kept.MEMORY]
    assert note is not None
    assert "until the program ends" in note.english()
    assert kept.forget(PARTICLE)
    assert kept.load(PARTICLE)[0] is None


class LockedError(Exception):
    """What a store says when the person closes its question."""


@pytest.mark.parametrize("error", [LockedError(SAVED.token), OSError("bus"), RuntimeError(SAVED.token)])
def test_a_store_that_is_locked_is_a_note_and_no_crash(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    store = SecretStore()
    kept = TokenStore(lambda: store)
    kept.keep(PARTICLE, SAVED)
    store.error = error
    assert TokenStore(lambda: store).load(PARTICLE) == (None, Kept.LOCKED)
    assert kept.keep(PARTICLE, SAVED) is Kept.LOCKED
    assert kept.load(PARTICLE) == (SAVED, Kept.LOCKED)
    assert not kept.forget(PARTICLE)
    assert kept.load(PARTICLE) == (None, Kept.LOCKED)
    assert SAVED.token not in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"user": 1, "token": "x"}', '{"user": "a", "token": ""}'])
def test_an_entry_nobody_understands_is_none(content: str) -> None:
    store = SecretStore()
    kept = TokenStore(lambda: store)
    kept.keep(PARTICLE, SAVED)
    store.held = dict.fromkeys(store.held, content)
    assert TokenStore(lambda: store).load(PARTICLE) == (None, Kept.STORE)
    assert TokenStore(lambda: store).forget(PARTICLE)
    assert not store.held


@pytest.mark.parametrize("ends", ['"soon"', "5", '"2030-01-01"'])
def test_an_end_nobody_understands_is_unknown(ends: str) -> None:
    store = SecretStore()
    kept = TokenStore(lambda: store)
    kept.keep(PARTICLE, SAVED)
    store.held = dict.fromkeys(store.held, f'{{"user": "a", "token": "{SAVED.token}", "ends": {ends}}}')
    assert TokenStore(lambda: store).load(PARTICLE)[0] == SavedSignIn("a", SAVED.token)


def test_forgetting_what_is_not_there_is_done() -> None:
    assert TokenStore(SecretStore).forget(PARTICLE)


def test_the_secret_is_in_no_repr() -> None:
    assert SAVED.token not in repr(SAVED)


# --- the system's own ---


def keyring_with(monkeypatch: pytest.MonkeyPatch, chosen: object) -> None:
    made = types.ModuleType("keyring")
    made.get_keyring = lambda: chosen  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", made)


def store_of(module: str) -> object:
    return type("Keyring", (SecretStore,), {"__module__": module})()


@pytest.mark.parametrize("module", sorted(tokens.SECURE_STORES))
def test_a_store_that_encrypts_is_used(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = store_of(module)
    keyring_with(monkeypatch, chosen)
    assert system_store() is chosen


@pytest.mark.parametrize(
    "module",
    ["keyrings.alt.file", "keyrings.alt.Gnome", "keyring.backends.null", "keyring.backends.fail", "somebody.elses"],
)
def test_a_store_that_writes_plain_text_or_nothing_is_not_used(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring_with(monkeypatch, store_of(module))
    assert system_store() is None


def test_of_several_stores_the_first_that_encrypts_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    good = store_of("keyring.backends.SecretService")
    several = types.SimpleNamespace(backends=[store_of("keyrings.alt.file"), good])
    keyring_with(monkeypatch, several)
    assert system_store() is good


def test_a_keyring_that_cannot_even_be_asked_is_none(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def get_keyring() -> object:
        raise RuntimeError("no recommended backend")

    made = types.ModuleType("keyring")
    made.get_keyring = get_keyring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", made)
    assert system_store() is None
    assert "cannot be used" in caplog.text


def test_the_modules_named_safe_are_those_of_the_library() -> None:
    import pkgutil

    import keyring.backends

    here = {f"keyring.backends.{found.name}" for found in pkgutil.iter_modules(keyring.backends.__path__)}
    assert here >= tokens.SECURE_STORES
