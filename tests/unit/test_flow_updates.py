"""Newer versions in the window's state, as a table: no window, no thread."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.release_signer import LINK, NOW, PUBLIC, envelope

from app.clicks import (
    AgreeToUpdates,
    Back,
    GiveUpdateAddress,
    Go,
    OpenUpdatePage,
    PressLookForUpdate,
    PutOffUpdate,
    Screen,
    SkipUpdate,
    UpdateClick,
)
from app.flow import AppState, Notice, UpdatesShown, reduce
from app.orders import (
    DelayUpdate,
    DropUpdate,
    LookForUpdate,
    OpenLink,
    Order,
    RememberUpdates,
    UseUpdateAddress,
)
from app.text import text
from app.updates import LookedUp, Standing, UpdateState, proven
from app.work.events import UpdatesTold

NOTICE = proven(envelope(), (PUBLIC,), NOW)
KNOWN = UpdateState(Standing.READY, "0.1.0", address="https://releases.example/n", notice=NOTICE)
STATE = AppState(updates=UpdatesShown(KNOWN))
CAME = LookedUp(text("Test", "It came."))


@pytest.mark.parametrize(
    ("click", "order"),
    [
        (AgreeToUpdates(True), RememberUpdates(True)),
        (AgreeToUpdates(False), RememberUpdates(False)),
        (PressLookForUpdate(), LookForUpdate()),
        (GiveUpdateAddress("https://a.example/"), UseUpdateAddress("https://a.example/")),
        (OpenUpdatePage(), OpenLink(LINK)),
        (SkipUpdate(), DropUpdate(NOTICE.version)),
        (PutOffUpdate(), DelayUpdate(NOTICE.version)),
    ],
)
def test_a_click_orders_one_thing_and_none_where_the_program_never_looks(click: UpdateClick, order: Order) -> None:
    assert reduce(STATE, click).orders == (order,)
    assert reduce(AppState(), click) == AppState()


def test_what_was_answered_is_shown_at_once() -> None:
    assert KNOWN.asks
    for yes in (True, False):
        shown = reduce(STATE, AgreeToUpdates(yes)).updates
        assert shown is not None
        assert shown.state.agreed is yes
        assert not shown.state.asks
    for click in (SkipUpdate(), PutOffUpdate(), AgreeToUpdates(False)):  # who is not looked for hears of nothing
        shown = reduce(STATE, click).updates
        assert shown is not None
        assert shown.state.to_tell is None


def test_without_a_notice_there_is_no_page_to_open() -> None:
    without = replace(STATE, updates=UpdatesShown(replace(KNOWN, notice=None)))
    for click in (OpenUpdatePage(), SkipUpdate(), PutOffUpdate()):
        assert reduce(without, click).orders == ()


def test_one_look_at_a_time_until_its_end_is_told() -> None:
    looking = reduce(STATE, PressLookForUpdate())
    assert looking.updates == UpdatesShown(KNOWN, busy=True)
    for click in (PressLookForUpdate(), GiveUpdateAddress("https://a.example/")):
        assert reduce(looking, click).orders == ()
    by_the_way = reduce(looking, UpdatesTold(KNOWN))
    assert by_the_way.updates == UpdatesShown(KNOWN, busy=True)
    assert reduce(by_the_way, UpdatesTold(KNOWN, CAME)).updates == UpdatesShown(KNOWN, came=CAME)


def test_what_came_stays_until_the_settings_are_opened_anew() -> None:
    came = reduce(replace(STATE, screen=Screen.SETTINGS), UpdatesTold(KNOWN, CAME))
    came = reduce(came, UpdatesTold(KNOWN))
    assert came.updates == UpdatesShown(KNOWN, came=CAME)
    assert reduce(came, Go(Screen.SETTINGS)).updates == UpdatesShown(KNOWN, came=CAME)
    again = reduce(reduce(came, Back()), Go(Screen.SETTINGS))
    assert again.updates == UpdatesShown(KNOWN)


def test_an_answer_that_the_disk_does_not_take_is_said_where_it_was_given() -> None:
    failed = LookedUp(text("Test", "The disk is full."), bad=True)
    told = UpdatesTold(KNOWN, failed)
    assert reduce(STATE, told).notice == Notice(failed.words, bad=True)
    for quiet in (
        reduce(STATE, UpdatesTold(KNOWN, CAME)),
        reduce(reduce(STATE, PressLookForUpdate()), told),  # waited for in the settings, and shown there
        reduce(replace(STATE, screen=Screen.SETTINGS), told),
    ):
        assert quiet.notice is None


def test_the_first_news_make_it_known() -> None:
    assert reduce(AppState(), UpdatesTold(KNOWN)).updates == UpdatesShown(KNOWN)
