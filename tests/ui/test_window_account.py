"""The account in the window, with a server in another thread: signing in, the boards, and what is done with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QWidget
from support.cloud_server import CloudServer, Failure
from support.patient_clock import PatientClock
from support.secret_store import SecretStore
from support.window import WAIT_MS, Desk

from app.clicks import AccountForm, BoardForm, GiveAnswer, PickRecipe, Screen
from app.cloud.client import CloudClient, make_http
from app.cloud.profiles import PARTICLE, Profile, ProfileBook, profile
from app.cloud.profiles import CloudServer as Kind
from app.cloud.session import Sessions
from app.cloud.tokens import TokenStore
from app.engine.accounts import Accounts
from app.ui import theme
from app.ui.parts.board_list import BoardList
from app.work.events import Post

MakeDesk = Callable[..., Desk]
USER, CAREFUL, PASSWORD, CODE = "ada@example.org", "careful@example.org", "correct horse", "123456"
KITCHEN, DOORBELL, OTHERS = "a" * 24, "b" * 24, "c" * 24


class Cloud:
    """A server, the person's list of servers with it as the active one, and their store for passwords."""

    def __init__(self, server: CloudServer, folder: Path) -> None:
        self.server = server
        self.store: SecretStore | None = SecretStore()
        self.clock = PatientClock(50.0)
        self.book = ProfileBook(folder / "accounts")
        self.at = self.book.add(profile(server.address, name="Workshop", kind=Kind(server.personality.value)))
        self.book.choose(self.at.id)
        self.threads: set[str] = set()

    def make_client(self, at: Profile, check: Callable[[], None]) -> CloudClient:
        def http(profile: Profile) -> object:
            self.threads.add(threading.current_thread().name)
            return make_http(profile)

        return CloudClient(at, clock=self.clock, check=check, http=http)  # type: ignore[arg-type]  # as it is

    def accounts(self, post: Post) -> Accounts:
        return Accounts(self.book, Sessions(TokenStore(lambda: self.store), self.make_client), post)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with CloudServer() as server:
        server.user(USER, PASSWORD)
        server.user(CAREFUL, PASSWORD, otp=CODE)
        server.board(KITCHEN, owner=USER, name="kitchen")
        server.board(DOORBELL, owner=USER, name="doorbell", online=False, platform_id=0)
        server.board(OTHERS, owner="bob", name="not-mine")
        yield Cloud(server, tmp_path)
        server.released.set()


def line(desk: Desk, name: str) -> QLineEdit:
    (found,) = desk.window.findChildren(QLineEdit, name)
    return found


def type_into(desk: Desk, name: str, words: str) -> None:
    desk.qtbot.waitUntil(lambda: bool(desk.window.findChildren(QLineEdit, name)), timeout=WAIT_MS)
    desk.qtbot.waitUntil(lambda: line(desk, name).isVisible() and line(desk, name).isEnabled(), timeout=WAIT_MS)
    QTest.keyClicks(line(desk, name), words)


def words_on(desk: Desk) -> str:
    return "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())


def the_list(desk: Desk) -> BoardList:
    (found,) = desk.window.findChildren(BoardList)
    return found


def box(desk: Desk, name: str) -> QComboBox:
    (found,) = desk.window.findChildren(QComboBox, name)
    return found


def rows(desk: Desk) -> list[str]:
    model = the_list(desk).model()
    return [str(model.data(model.index(row, 0))) for row in range(model.rowCount())]


def until(desk: Desk, true: Callable[[], object]) -> None:
    desk.qtbot.waitUntil(lambda: bool(true()), timeout=WAIT_MS)


def sign_in(desk: Desk, user: str = USER) -> None:
    desk.click("open-account")
    type_into(desk, "user", user)
    type_into(desk, "password", PASSWORD)
    desk.click("sign-in")


def signed_in(desk: Desk) -> Desk:
    desk.button("open-account")
    sign_in(desk)
    until(desk, lambda: desk.window.state.account.signed_in)
    return desk


def with_boards(desk: Desk) -> Desk:
    signed_in(desk).click("open-boards")
    until(desk, lambda: desk.window.state.account.boards is not None)
    until(desk, lambda: desk.button("refresh-boards").x() > 0)  # layouts settle after a while
    return desk


def choose(desk: Desk, name: str) -> None:
    shown = the_list(desk)
    shown.setCurrentIndex(shown.model().index(rows(desk).index(name), 0))
    until(desk, lambda: desk.window.state.account.board is not None)


def test_the_first_start_says_which_server_there_is_and_asks_nobody(desk: MakeDesk, cloud: Cloud) -> None:
    cloud.book.choose(PARTICLE.id)
    photon = desk("photon", accounts=cloud.accounts)
    until(photon, lambda: photon.window.state.account.sign_in is not None)
    assert photon.button("open-account").accessibleName().endswith(": Particle · not signed in")
    photon.wait_for_board()
    photon.click("open-boards")
    assert "You are not signed in at Particle" in words_on(photon)
    assert cloud.server.asked == []
    assert cloud.threads == set()


def test_without_accounts_the_window_is_as_it_was(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    assert not [each for each in photon.window.findChildren(QWidget, "open-account") if each.isVisible()]


def test_signing_in_with_a_one_time_code_and_out_again(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.button("open-account")
    photon.click("open-account")
    type_into(photon, "user", CAREFUL)
    type_into(photon, "password", "wrong")
    photon.click("sign-in")
    assert line(photon, "password").text() == ""
    until(photon, lambda: "does not know this user name with this password" in words_on(photon))
    assert line(photon, "user").text() == CAREFUL
    type_into(photon, "password", PASSWORD)
    photon.click("sign-in")
    until(photon, lambda: photon.window.state.account.form is AccountForm.CODE)
    type_into(photon, "one-time-code", "000000")
    photon.click("enter-code")
    until(photon, lambda: "does not accept this code" in words_on(photon))
    assert line(photon, "one-time-code").text() == ""
    type_into(photon, "one-time-code", CODE)
    photon.click("enter-code")
    until(photon, lambda: photon.window.state.account.signed_in)
    assert photon.button("open-account").accessibleName().endswith(f"Workshop · {CAREFUL}")
    assert "is kept in this computer's store" in words_on(photon) or "practice" in words_on(photon)
    for secret in (PASSWORD, CODE, *cloud.server.tokens):
        assert secret not in repr(photon.window.state)
        assert all(secret not in each.text() for each in photon.window.findChildren(QLineEdit))
    for each in photon.window.findChildren(QLineEdit):
        each.undo()
        assert CODE not in each.text()
    assert cloud.server.tokens
    photon.click("sign-out")
    until(photon, lambda: not photon.window.state.account.signed_in)
    assert cloud.server.tokens == {}


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_in_a_small_window_trouble_is_in_sight(desk: MakeDesk, cloud: Cloud, qapp: QApplication, scale: float) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=scale, reduced_motion=True)
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.window.resize(900, 620)

    def in_sight(words: str) -> bool:
        return any(
            words in each.text().replace("\u200b", "") and each.visibleRegion().boundingRect().height() >= each.height()
            for each in photon.window.findChildren(QLabel)
            if each.isVisible()
        )

    photon.button("open-account")
    photon.click("open-account")
    type_into(photon, "user", USER)
    type_into(photon, "password", "wrong")
    photon.click("sign-in")
    until(photon, lambda: in_sight("does not know this user name with this password"))
    assert line(photon, "password").hasFocus()
    type_into(photon, "password", PASSWORD)
    photon.click("sign-in")
    until(photon, lambda: photon.window.state.account.signed_in)
    photon.click("open-boards")
    until(photon, lambda: photon.window.state.account.boards is not None)
    choose(photon, "kitchen")
    photon.click("rename-board")
    line(photon, "board-name").setText("not allowed")
    cloud.server.failures = [Failure("/v1/devices", "PUT", status=400)]
    photon.click("save-name")
    until(photon, lambda: in_sight("does not accept this name"))


def test_keys_alone_sign_in_list_and_release(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.button("open-account")
    window = photon.window

    def place() -> QWidget:
        return window.focusWidget()

    QTest.keyClick(window, Qt.Key.Key_U, Qt.KeyboardModifier.ControlModifier)
    until(photon, lambda: photon.screen is Screen.ACCOUNT)
    assert place().objectName() == "user"
    QTest.keyClicks(place(), USER)
    QTest.keyClick(place(), Qt.Key.Key_Return)
    assert place().objectName() == "password"
    QTest.keyClicks(place(), PASSWORD)
    QTest.keyClick(place(), Qt.Key.Key_Return)
    until(photon, lambda: window.state.account.signed_in and place().objectName() == "account-to-boards")
    QTest.keyClick(place(), Qt.Key.Key_Return)
    until(photon, lambda: window.state.account.boards and place().objectName() == "cloud-boards")
    until(photon, lambda: window.state.account.chosen == DOORBELL)
    QTest.keyClick(place(), Qt.Key.Key_Down)
    until(photon, lambda: window.state.account.chosen == KITCHEN)
    QTest.keyClick(place(), Qt.Key.Key_Up)
    until(photon, lambda: window.state.account.chosen == DOORBELL)
    QTest.keyClick(place(), Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
    until(photon, lambda: place().objectName() == "release-name")
    QTest.keyClicks(place(), "kitchen")
    QTest.keyClick(place(), Qt.Key.Key_Return)
    assert window.state.account.doing == ""
    QTest.keyClick(place(), Qt.Key.Key_Escape)
    until(photon, lambda: window.state.account.board_form is BoardForm.NONE)
    assert photon.screen is Screen.BOARDS
    QTest.keyClick(photon.button("release-board"), Qt.Key.Key_Return)
    until(photon, lambda: place().objectName() == "release-name")
    assert line(photon, "release-name").text() == ""
    QTest.keyClicks(place(), "doorbell")
    QTest.keyClick(place(), Qt.Key.Key_Return)
    until(photon, lambda: rows(photon) == ["kitchen"])
    assert cloud.server.boards[DOORBELL].owner == ""
    assert cloud.server.boards[KITCHEN].owner == USER


def test_boards_are_named_blink_and_their_ids_are_copied(desk: MakeDesk, cloud: Cloud) -> None:
    photon = with_boards(desk("photon", accounts=cloud.accounts, plugged=False))
    assert rows(photon) == ["doorbell", "kitchen"]
    choose(photon, "doorbell")
    assert not photon.button("blink-board").isEnabled()
    assert "Only a board that is online can blink." in words_on(photon)
    choose(photon, "kitchen")
    photon.click("copy-cloud-id")
    assert QGuiApplication.clipboard().text() == KITCHEN
    photon.click("blink-board")
    until(photon, lambda: photon.window.state.account.blinking)
    assert cloud.server.boards[KITCHEN].signalling
    photon.click("blink-board")
    until(photon, lambda: not photon.window.state.account.blinking)
    assert not cloud.server.boards[KITCHEN].signalling
    photon.click("rename-board")
    line(photon, "board-name").clear()
    assert not photon.button("save-name").isEnabled()
    type_into(photon, "board-name", "attic")
    photon.click("save-name")
    until(photon, lambda: rows(photon) == ["attic", "doorbell"])
    assert cloud.server.boards[KITCHEN].name == "attic"
    assert cloud.threads == {"account"}


def test_the_board_on_the_desk_is_marked_or_offered_to_be_claimed(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts)
    photon.wait_for_board()
    mine = photon.board.device_id
    with_boards(photon)
    assert "It is not in this account." in words_on(photon)
    cloud.server.board(mine, owner=USER, name="zebra")
    photon.click("refresh-boards")
    until(photon, lambda: "zebra" in rows(photon))
    photon.click("desk-board")
    assert photon.window.state.account.chosen == mine
    shown = the_list(photon)
    assert "on the desk now" in str(shown.model().data(shown.currentIndex(), Qt.ItemDataRole.AccessibleTextRole))


def test_a_claim_ends_with_the_way_to_the_board_in_the_list(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts)
    photon.wait_for_board()
    mine = photon.board.device_id
    cloud.server.board(mine)
    signed_in(photon)
    photon.window.dispatch(PickRecipe("claim-board"))
    photon.click("start")
    photon.wait_for_screen(Screen.RESULT)
    assert "This board is yours now." in words_on(photon)
    until(photon, lambda: photon.window.focusWidget().objectName() == "result-to-boards")
    photon.click("result-to-boards")
    until(photon, lambda: photon.window.state.account.board is not None)
    assert photon.screen is Screen.BOARDS
    assert photon.window.state.account.chosen == mine
    until(photon, lambda: the_list(photon).currentIndex().isValid())
    assert photon.button("rename-board").isVisible()


def test_a_release_whose_answer_was_lost_leads_to_the_list(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts)
    photon.wait_for_board()
    mine = photon.board.device_id
    cloud.server.board(mine, owner=USER, name="lamp")
    signed_in(photon)
    cloud.server.failures = [Failure(f"/v1/devices/{mine}", "DELETE", cut=10)]
    photon.window.dispatch(PickRecipe("release-board"))
    photon.click("start")
    until(photon, lambda: photon.window.state.run is not None and photon.window.state.run.asked is not None)
    photon.window.dispatch(GiveAnswer("lamp"))
    photon.wait_for_screen(Screen.RESULT)
    photon.click("boards-from-fault")
    until(photon, lambda: photon.window.state.account.boards is not None)
    assert "lamp" not in rows(photon)


def test_listing_that_was_stopped_can_be_asked_for_again(desk: MakeDesk, cloud: Cloud) -> None:
    cloud.clock = PatientClock(1.0)
    photon = signed_in(desk("photon", accounts=cloud.accounts, plugged=False))
    cloud.server.failures = [Failure(times=99, status=503)]
    photon.click("open-boards")
    photon.click("stop-listing")
    until(photon, lambda: not photon.window.state.account.listing)
    cloud.server.failures = []
    photon.click("list-now")
    until(photon, lambda: rows(photon) == ["doorbell", "kitchen"])


def test_a_claim_needs_a_sign_in_and_comes_back_to_its_plan(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts)
    photon.wait_for_board()
    photon.window.dispatch(PickRecipe("claim-board"))
    assert not photon.button("start").isEnabled()
    assert "you are not signed in at Workshop" in words_on(photon)
    photon.click("plan-to-account")
    type_into(photon, "user", USER)
    type_into(photon, "password", PASSWORD)
    photon.click("sign-in")
    until(photon, lambda: photon.window.state.account.signed_in)
    QTest.keyClick(photon.window.focusWidget(), Qt.Key.Key_Return)
    photon.wait_for_screen(Screen.PLAN)
    until(photon, lambda: photon.button("start").isEnabled())


def test_a_start_without_a_network_shows_no_error_and_the_page_says_why_when_asked(
    desk: MakeDesk, cloud: Cloud
) -> None:
    with_boards(desk("photon", accounts=cloud.accounts, plugged=False))
    cloud.server.failures = [Failure(status=503, times=99)]
    asked = len(cloud.server.asked)
    later = desk("photon", accounts=cloud.accounts)
    later.wait_for_board()
    until(later, lambda: later.window.state.account.signed_in)
    assert later.window.state.notice is None
    assert len(cloud.server.asked) == asked
    later.click("open-boards")
    until(later, lambda: later.window.state.account.list_trouble)
    assert "has trouble of its own (answer 503)" in words_on(later)
    assert later.window.state.notice is None
    cloud.server.failures = []
    later.click("list-again")
    until(later, lambda: rows(later) == ["doorbell", "kitchen"])


def test_a_sign_in_that_is_over_asks_to_sign_in_again(desk: MakeDesk, cloud: Cloud) -> None:
    photon = with_boards(desk("photon", accounts=cloud.accounts, plugged=False))
    cloud.server.tokens.clear()
    photon.click("refresh-boards")
    until(photon, lambda: "Your sign-in at Workshop is over" in words_on(photon))
    photon.click("boards-to-account")
    assert "Nothing on your boards has changed." in words_on(photon)


def test_a_pasted_token_signs_in_and_is_forgotten_by_the_window(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.button("open-account")
    photon.click("open-account")
    photon.click("open-token")
    token = cloud.server.token_for(USER)
    type_into(photon, "token", token)
    assert line(photon, "token").echoMode() is QLineEdit.EchoMode.Password
    photon.click("use-token")
    assert line(photon, "token").text() == ""
    until(photon, lambda: photon.window.state.account.signed_in)
    assert token not in repr(photon.window.state)


def test_leaving_the_page_leaves_no_secret_behind(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.button("open-account")
    photon.click("open-account")
    type_into(photon, "password", PASSWORD)
    photon.click("open-boards")
    assert line(photon, "password").text() == ""


def test_without_a_store_for_passwords_the_page_says_so(desk: MakeDesk, cloud: Cloud) -> None:
    cloud.store = None
    photon = signed_in(desk("photon", accounts=cloud.accounts, plugged=False))
    assert "You stay signed in until the program ends" in words_on(photon)


def test_another_server_is_added_with_its_address_and_shown_above_every_page(desk: MakeDesk, cloud: Cloud) -> None:
    photon = desk("photon", accounts=cloud.accounts, plugged=False)
    photon.button("open-account")
    photon.click("open-account")
    photon.click("add-server")
    type_into(photon, "server-address", "http://example.org@1")
    photon.click("give-server")
    until(photon, lambda: photon.window.state.account.trouble)
    line(photon, "server-address").clear()
    type_into(photon, "server-address", "192.168.1.10")
    type_into(photon, "server-name", "School")
    photon.click("give-server")
    until(photon, lambda: photon.button("open-account").text().startswith("School"))
    assert "It is asked without encryption" in words_on(photon)
    servers = box(photon, "servers")
    assert servers.currentText() == "School · 192.168.1.10:8080"
    photon.click("forget-server")
    until(photon, lambda: photon.button("open-account").text().startswith("Particle"))
    assert cloud.server.asked == []


def test_ten_thousand_boards_are_found_and_ordered_and_only_those_in_sight_are_drawn(
    desk: MakeDesk, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.ui.parts.board_list import BoardRow

    drawn: list[int] = []
    paint = BoardRow.paint

    def counted(self: BoardRow, painter: object, option: object, index: object) -> None:
        drawn.append(index.row())  # type: ignore[attr-defined]
        paint(self, painter, option, index)  # type: ignore[arg-type]

    monkeypatch.setattr(BoardRow, "paint", counted)
    cloud.server.many(10_000, USER)
    photon = with_boards(desk("photon", accounts=cloud.accounts, plugged=False))
    shown = the_list(photon)
    until(photon, lambda: shown.model().rowCount() == 10_002 and drawn)
    assert len(set(drawn)) < 100
    type_into(photon, "board-filter", "board-77 online")
    until(photon, lambda: 0 < shown.model().rowCount() < 100)
    assert all(name.startswith("board-77") for name in rows(photon))
    line(photon, "board-filter").clear()
    until(photon, lambda: shown.model().rowCount() == 10_002)
    order = box(photon, "board-order")
    order.setCurrentIndex(order.count() - 1)
    assert shown.model().index(0, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole) == "0" * 24
    drawn.clear()
    shown.scrollToBottom()
    until(photon, lambda: 10_001 in drawn)
    assert len(set(drawn)) < 200
