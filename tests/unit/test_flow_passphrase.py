"""The key safe's passphrase, as a table: which form is open, what is ordered, and that nothing shows the words."""

from __future__ import annotations

import pytest

from app.clicks import (
    Back,
    Click,
    ClosePassphraseForm,
    GivePassphrase,
    Go,
    OpenPassphraseForm,
    PressLock,
    RunBegan,
    Screen,
)
from app.flow import AppState, PassphraseForm, reduce
from app.orders import LockSafe, SetPassphrase, UnlockSafe
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.transports.base import Sighting
from app.work.board import Board
from app.work.events import Event, FileWorkFailed, PassphraseRefused, Protection, SafeProtection

WORDS = text("Test", "Words.")
SECRET = "correct horse"
REFUSED = PassphraseRefused("safe.wrong-passphrase", WORDS, WORDS, "")


def play(*events: Event | Click, start: AppState | None = None) -> AppState:
    state = start or AppState()
    for event in events:
        state = reduce(state, event)
    return state


def on_page(protection: Protection, *events: Event | Click) -> AppState:
    return play(Go(Screen.SAFE), SafeProtection(protection), *events)


@pytest.mark.parametrize(
    ("protection", "form"),
    [
        (Protection.UNPROTECTED, PassphraseForm(sets=True)),
        (Protection.LOCKED, PassphraseForm(sets=False)),
        (Protection.UNLOCKED, None),
    ],
)
def test_the_form_that_fits_opens(protection: Protection, form: PassphraseForm | None) -> None:
    assert on_page(protection, OpenPassphraseForm()).passphrase_form == form


def test_nothing_opens_before_the_safe_was_looked_at() -> None:
    assert play(Go(Screen.SAFE), OpenPassphraseForm()).passphrase_form is None


def test_a_passphrase_is_ordered_once_while_it_is_tried() -> None:
    given = on_page(Protection.UNPROTECTED, OpenPassphraseForm(), GivePassphrase(SECRET))
    assert given.orders == (SetPassphrase(SECRET),)
    assert given.passphrase_form == PassphraseForm(sets=True, busy=True)
    assert play(GivePassphrase(SECRET), start=given).orders == ()
    unlocking = on_page(Protection.LOCKED, OpenPassphraseForm(), GivePassphrase(SECRET))
    assert unlocking.orders == (UnlockSafe(SECRET),)


def test_an_empty_passphrase_and_one_without_a_form_order_nothing() -> None:
    assert on_page(Protection.UNPROTECTED, OpenPassphraseForm(), GivePassphrase("")).orders == ()
    assert on_page(Protection.UNPROTECTED, GivePassphrase(SECRET)).orders == ()


def test_success_closes_the_form_and_refusal_says_why() -> None:
    trying = on_page(Protection.LOCKED, OpenPassphraseForm(), GivePassphrase(SECRET))
    done = play(SafeProtection(Protection.UNLOCKED), start=trying)
    assert (done.protection, done.passphrase_form) == (Protection.UNLOCKED, None)
    refused = play(REFUSED, start=trying).passphrase_form
    assert refused is not None
    assert refused.refused is not None
    assert (refused.busy, refused.refused.english()) == (False, "Words. Words.")


def test_a_disk_that_fails_lets_the_person_try_again() -> None:
    trying = on_page(Protection.UNPROTECTED, OpenPassphraseForm(), GivePassphrase(SECRET))
    failed = play(FileWorkFailed("files.failed", WORDS, WORDS, ""), start=trying)
    assert failed.passphrase_form == PassphraseForm(sets=True)
    assert failed.notice is not None


def test_the_same_protection_told_again_leaves_the_form_open() -> None:
    assert on_page(
        Protection.LOCKED, OpenPassphraseForm(), SafeProtection(Protection.LOCKED)
    ).passphrase_form == PassphraseForm(sets=False)


def test_back_leaves_the_form_first_and_then_the_page() -> None:
    form = on_page(Protection.LOCKED, OpenPassphraseForm())
    left = play(Back(), start=form)
    assert (left.screen, left.passphrase_form) == (Screen.SAFE, None)
    assert play(Back(), start=left).screen is Screen.HOME
    assert play(ClosePassphraseForm(), start=form) == left
    assert play(Go(Screen.HELP), start=form).passphrase_form is None


def test_the_safe_is_locked_by_a_click_but_not_under_a_run() -> None:
    assert on_page(Protection.UNLOCKED, PressLock()).orders == (LockSafe(),)
    assert on_page(Protection.LOCKED, PressLock()).orders == ()
    kind = platform("core")
    ids = kind.ids[Mode.DFU]
    board = Board(Sighting("1-1", 5, ids.vendor, ids.product, None, None, 0x0200, None), kind, Mode.DFU)
    running = play(SafeProtection(Protection.UNLOCKED), RunBegan(1, "back-up-key", board))
    assert play(PressLock(), start=running).orders == ()


def test_no_repr_shows_the_words() -> None:
    state = on_page(Protection.UNPROTECTED, OpenPassphraseForm(), GivePassphrase(SECRET))
    for shown in (GivePassphrase(SECRET), SetPassphrase(SECRET), UnlockSafe(SECRET), state):
        assert SECRET not in repr(shown)
