"""What the window shows of the account after each click and each piece of news, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.account_faults import CloudNameNotFound, CloudTrouble, OneTimeCodeRefused, TokenRefused
from app.account_flow import AccountState, names_board
from app.clicks import (
    AccountForm,
    Back,
    BoardForm,
    Click,
    ConfirmRelease,
    GiveBoardName,
    GiveCode,
    GiveServer,
    GiveSignIn,
    GiveToken,
    Go,
    OpenAccountForm,
    OpenBoardForm,
    PickCloudBoard,
    PickServer,
    PressBlink,
    PressForgetServer,
    PressListBoards,
    PressLookAgain,
    PressSignOut,
    PressStopAccount,
    RunBegan,
    Screen,
)
from app.cloud.client import CloudBoard
from app.cloud.profiles import PARTICLE, CloudServer, profile
from app.faults import Fault
from app.flow import AppState, reduce
from app.orders import (
    BlinkBoard,
    DropServer,
    EnterCode,
    KeepServer,
    ListBackups,
    ListCloudBoards,
    ListRescues,
    LookForSignIn,
    NameBoard,
    Order,
    ReleaseBoard,
    SignIn,
    SignOut,
    StopAccount,
    UseServer,
    UseToken,
)
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.transports.base import Sighting
from app.work.board import Board
from app.work.events import (
    AccountChanged,
    AccountFailed,
    AccountOrder,
    AccountStopped,
    CloudBoardChanged,
    CloudDeed,
    DevicesListed,
    Event,
    OneTimeCodeAsked,
    Outcome,
    ProfilesListed,
    SignInState,
    Succeeded,
)

WORDS = text("Test", "Words.")
USER, SECRET = "ada@example.org", "correct horse"
LOCAL = profile("192.168.1.10", name="School")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
KITCHEN, NAMELESS = CloudBoard("a" * 24, "kitchen", True), CloudBoard("b" * 24)
LISTED = DevicesListed(PARTICLE, (KITCHEN, NAMELESS), NOW)


def after(*events: Event | Click, state: AppState | None = None) -> AppState:
    state = state or AppState()
    for event in events:
        state = reduce(state, event)
    return state


def failed(
    order: AccountOrder, fault: Fault | None = None, *, device_id: str = "", quiet: bool = False
) -> AccountFailed:
    found = fault or CloudTrouble(host="h", status=500)
    return AccountFailed(
        order, found.code, found.cause, found.next_step, found.retryable, found.detail, device_id, quiet
    )


OUT = after(ProfilesListed((PARTICLE, LOCAL), PARTICLE), AccountChanged(PARTICLE, SignInState.OUT))
IN = after(AccountChanged(PARTICLE, SignInState.IN, USER), state=OUT)
BOARDS = after(Go(Screen.BOARDS), LISTED, state=IN)
CHOSEN = after(PickCloudBoard(KITCHEN.id), state=BOARDS)
AT_LOCAL = after(
    ProfilesListed((PARTICLE, LOCAL), LOCAL), AccountChanged(LOCAL, SignInState.IN, USER), Go(Screen.ACCOUNT)
)


def test_before_anything_is_known_there_is_no_server_and_nobody() -> None:
    account = AppState().account
    assert account == AccountState()
    assert account.active is None
    assert not account.signed_in


@pytest.mark.parametrize(
    ("state", "click", "order"),
    [
        (OUT, PickServer(LOCAL.id), UseServer(LOCAL.id)),
        (OUT, GiveServer("10.0.0.1", "x", CloudServer.LOCAL), KeepServer("10.0.0.1", "x", CloudServer.LOCAL)),
        (AT_LOCAL, PressForgetServer(), DropServer(LOCAL.id)),
        (OUT, GiveSignIn(f" {USER} ", SECRET), SignIn(USER, SECRET, PARTICLE.id)),
        (
            OUT,
            GiveSignIn(USER, " a password may begin with a space"),
            SignIn(USER, " a password may begin with a space", PARTICLE.id),
        ),
        (OUT, GiveCode("123 456"), EnterCode("123 456")),
        (OUT, GiveToken("abc"), UseToken("abc", PARTICLE.id)),
        (IN, PressSignOut(), SignOut()),
        (OUT, PressLookAgain(), LookForSignIn()),
        (OUT, PressStopAccount(), StopAccount()),
        (IN, PressListBoards(), ListCloudBoards()),
        (IN, Go(Screen.BOARDS), ListCloudBoards()),
        (CHOSEN, GiveBoardName(" new "), NameBoard(KITCHEN.id, "new", PARTICLE.id)),
        (CHOSEN, PressBlink(), BlinkBoard(KITCHEN.id, True, PARTICLE.id)),
        (CHOSEN, ConfirmRelease("Kitchen "), ReleaseBoard(KITCHEN.id, PARTICLE.id)),
        (CHOSEN, ConfirmRelease(KITCHEN.id.upper()), ReleaseBoard(KITCHEN.id, PARTICLE.id)),
    ],
)
def test_a_click_orders_what_it_says(state: AppState, click: Click, order: Order) -> None:
    assert after(click, state=state).orders == (order,)


@pytest.mark.parametrize(
    ("state", "click"),
    [
        (OUT, PickServer(PARTICLE.id)),
        (OUT, GiveServer("  ", "", CloudServer.LOCAL)),
        (OUT, GiveSignIn(USER, "")),
        (OUT, GiveSignIn("  ", SECRET)),
        (OUT, GiveCode(" ")),
        (OUT, GiveToken(" ")),
        (OUT, PressSignOut()),
        (OUT, PressListBoards()),
        (OUT, Go(Screen.BOARDS)),
        (BOARDS, PressBlink()),
        (BOARDS, OpenBoardForm(BoardForm.RELEASE)),
        (CHOSEN, GiveBoardName(" ")),
        (CHOSEN, ConfirmRelease("")),
        (CHOSEN, ConfirmRelease("kitche")),
        (CHOSEN, ConfirmRelease(NAMELESS.id)),
        (after(PickCloudBoard(NAMELESS.id), state=BOARDS), ConfirmRelease("")),
    ],
)
def test_a_click_that_makes_no_sense_orders_nothing(state: AppState, click: Click) -> None:
    assert after(click, state=state).orders == ()


def test_while_the_server_is_asked_nothing_else_of_that_page_is_ordered_but_the_stop() -> None:
    busy = after(Go(Screen.ACCOUNT), GiveSignIn(USER, SECRET), state=OUT)
    assert busy.account.busy is AccountOrder.SIGN_IN
    assert after(GiveSignIn(USER, SECRET), state=busy).orders == ()
    assert after(PickServer(LOCAL.id), state=busy).orders == ()
    assert after(PressStopAccount(), state=busy).orders == (StopAccount(),)
    assert after(AccountStopped(AccountOrder.SIGN_IN), state=busy).account.busy is None


def test_a_password_a_code_and_a_token_are_in_no_repr() -> None:
    for click in (GiveSignIn(USER, SECRET), GiveCode(SECRET), GiveToken(SECRET), PressSignOut(SECRET)):
        state = after(Go(Screen.ACCOUNT), click, state=AT_LOCAL)
        assert SECRET not in repr(click)
        assert SECRET not in repr(state)


def test_a_one_time_code_is_asked_for_may_be_wrong_and_is_waited_for_across_pages() -> None:
    asked = after(Go(Screen.ACCOUNT), GiveSignIn(USER, SECRET), OneTimeCodeAsked(PARTICLE, USER), state=OUT)
    assert (asked.account.form, asked.account.busy) == (AccountForm.CODE, None)
    wrong = after(GiveCode("1"), failed(AccountOrder.CODE, OneTimeCodeRefused(host="h")), state=asked)
    assert wrong.account.form is AccountForm.CODE
    assert wrong.account.trouble is not None
    back = after(Go(Screen.HELP), Go(Screen.ACCOUNT), state=wrong)
    assert back.account.form is AccountForm.CODE
    assert back.account.trouble is None
    done = after(GiveCode("2"), AccountChanged(PARTICLE, SignInState.IN, USER), state=back)
    assert done.account.form is AccountForm.SIGN_IN
    assert done.account.signed_in


def test_a_local_cloud_asks_for_the_password_before_signing_out() -> None:
    asks = after(PressSignOut(), state=AT_LOCAL)
    assert asks.orders == ()
    assert asks.account.form is AccountForm.SIGN_OUT
    assert after(PressSignOut(SECRET), state=asks).orders == (SignOut(SECRET),)
    assert after(PressSignOut(), state=asks).orders == (SignOut(),)


def test_escape_closes_a_form_before_the_page() -> None:
    token = after(Go(Screen.ACCOUNT), OpenAccountForm(AccountForm.TOKEN), state=OUT)
    closed = after(Back(), state=token)
    assert (closed.screen, closed.account.form) == (Screen.ACCOUNT, AccountForm.SIGN_IN)
    assert after(Back(), state=closed).screen is Screen.HOME
    release = after(OpenBoardForm(BoardForm.RELEASE), state=CHOSEN)
    closed = after(Back(), state=release)
    assert (closed.screen, closed.account.board_form) == (Screen.BOARDS, BoardForm.NONE)
    assert after(Back(), state=closed).screen is Screen.HOME


def test_another_server_has_other_boards() -> None:
    away = after(ProfilesListed((PARTICLE, LOCAL), LOCAL), state=CHOSEN)
    assert away.account.boards is None
    assert away.account.sign_in is None
    assert away.account.chosen == ""
    late = after(AccountChanged(LOCAL, SignInState.IN, USER), LISTED, state=away)
    assert late.account.boards is None


def test_a_list_that_is_under_way_is_not_asked_for_again_and_never_waits_for_ever() -> None:
    listing = after(Go(Screen.BOARDS), state=IN)
    assert listing.account.listing
    assert after(PressListBoards(), state=listing).orders == ()
    for news in (LISTED, failed(AccountOrder.LIST), AccountStopped(AccountOrder.LIST)):
        assert not after(news, state=listing).account.listing


def test_trouble_with_the_list_keeps_the_old_one_and_is_told_on_the_page_alone() -> None:
    old = after(PressListBoards(), failed(AccountOrder.LIST, CloudNameNotFound(host="h")), state=BOARDS)
    assert old.account.boards == BOARDS.account.boards
    assert old.account.list_trouble is not None
    assert old.notice is None
    assert after(PressListBoards(), state=old).account.list_trouble is None


def test_what_the_program_asked_by_itself_shows_no_error() -> None:
    quiet = after(failed(AccountOrder.LIST, CloudNameNotFound(host="h"), quiet=True), state=BOARDS)
    assert quiet.account.list_trouble is None
    assert after(failed(AccountOrder.LIST, quiet=True), state=IN).notice is None


def test_trouble_is_told_above_another_page() -> None:
    elsewhere = after(failed(AccountOrder.BOARD, device_id=KITCHEN.id), state=replace(CHOSEN, screen=Screen.HOME))
    assert elsewhere.notice is not None
    assert elsewhere.notice.bad


def test_a_sign_in_that_is_over_takes_the_boards_away_and_is_told_once() -> None:
    over = after(
        PressListBoards(),
        AccountChanged(PARTICLE, SignInState.OVER, USER),
        failed(AccountOrder.LIST, TokenRefused(host="h")),
        state=CHOSEN,
    )
    assert over.account.sign_in is SignInState.OVER
    assert over.account.boards is None
    assert over.account.list_trouble is None
    assert not over.account.listing


def changed(deed: CloudDeed, name: str = "") -> CloudBoardChanged:
    return CloudBoardChanged(PARTICLE, KITCHEN.id, deed, name)


def test_a_released_board_leaves_the_list() -> None:
    asked = after(OpenBoardForm(BoardForm.RELEASE), ConfirmRelease("kitchen"), state=CHOSEN)
    assert asked.account.doing == KITCHEN.id
    assert after(PickCloudBoard(NAMELESS.id), state=asked).account.chosen == KITCHEN.id
    done = after(changed(CloudDeed.RELEASED), state=asked)
    assert done.account.boards == (NAMELESS,)
    assert (done.account.chosen, done.account.doing, done.account.board_form) == ("", "", BoardForm.NONE)
    assert done.notice is not None
    assert "kitchen" in done.notice.words.english()


def test_a_renamed_board_has_its_new_name_and_a_refused_name_keeps_the_form() -> None:
    form = after(OpenBoardForm(BoardForm.NAME), GiveBoardName("attic"), state=CHOSEN)
    done = after(changed(CloudDeed.RENAMED, "attic"), state=form)
    assert done.account.board is not None
    assert done.account.board.name == "attic"
    assert done.account.board_form is BoardForm.NONE
    refused = after(failed(AccountOrder.BOARD, device_id=KITCHEN.id), state=form)
    assert refused.account.board_form is BoardForm.NAME
    assert refused.account.board_trouble is not None
    assert refused.account.doing == ""


def test_blinking_is_stopped_by_the_same_button() -> None:
    blinks = after(PressBlink(), changed(CloudDeed.BLINKS), state=CHOSEN)
    assert blinks.account.blinking == {KITCHEN.id}
    assert after(PressBlink(), state=blinks).orders == (BlinkBoard(KITCHEN.id, False, PARTICLE.id),)
    assert after(PressBlink(), changed(CloudDeed.BLINKS_NO_MORE), state=blinks).account.blinking == frozenset()


def test_the_list_is_asked_for_again_after_a_job_that_may_have_changed_it() -> None:
    core = platform("core")
    seen = Sighting("1-1", 5, core.ids[Mode.DFU].vendor, core.ids[Mode.DFU].product, "8D8154934854", None, 0x0200, None)
    run = (RunBegan(1, "claim-board", Board(seen, core, Mode.DFU)), Succeeded(1, Outcome(WORDS)))
    assert after(*run, state=BOARDS).orders == (ListBackups(), ListRescues(), ListCloudBoards(quiet=True))
    assert after(*run, state=OUT).orders == (ListBackups(), ListRescues())


@pytest.mark.parametrize(("typed", "means"), [("kitchen", True), (" KITCHEN", True), ("", False), (" ", False)])
def test_only_a_whole_name_or_id_means_a_board(typed: str, means: bool) -> None:
    assert names_board(KITCHEN, typed) is means
    assert not names_board(NAMELESS, typed)
    assert names_board(NAMELESS, NAMELESS.id)
