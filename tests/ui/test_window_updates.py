"""Newer versions in the window: asked once and quietly, told in a card that can be left alone, and the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget
from support.release_signer import LINK, NOTES, NOW, PUBLIC, envelope
from support.window import WAIT_MS, Desk

from app.clicks import Back, Go, Screen
from app.engine.updates import UpdateBook, UpdateDesk
from app.ui.pages.home import HomePage
from app.update_faults import UpdatesOffline
from app.updates import Channel

MakeDesk = Callable[..., Desk]
QUESTION = "Look once a day for a newer Rekindle?"
ADDRESS = "https://releases.example/n.txt"


class Line:
    """What the address brings."""

    def __init__(self, brings: bytes | Exception | None = None) -> None:
        self.brings = envelope() if brings is None else brings
        self.asked: list[str] = []

    def fetch(self, address: str, check: Callable[[], None]) -> bytes:
        self.asked.append(address)
        if isinstance(self.brings, Exception):
            raise self.brings
        return self.brings


def updates(folder: Path, line: Line, channel: Channel | None = None) -> UpdateDesk:
    pinned = Channel(ADDRESS, (PUBLIC,)) if channel is None else channel
    return UpdateDesk(pinned, UpdateBook(folder / "data"), now=lambda: NOW, fetch=line.fetch, installed="0.1.0")


def words_on(desk: Desk) -> str:
    shown = "\n".join(each.text() for each in desk.window.findChildren(QLabel) if each.isVisible())
    return shown.replace("\u200b", "")


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in words_on(desk), timeout=WAIT_MS)


def wait_known(desk: Desk) -> None:
    desk.qtbot.waitUntil(lambda: desk.window.state.updates is not None, timeout=WAIT_MS)


def part(desk: Desk, name: str) -> QWidget | None:
    return next((each for each in desk.window.findChildren(QWidget, name) if each.isVisible()), None)


def checkbox(desk: Desk) -> QCheckBox:
    (box,) = desk.window.findChildren(QCheckBox, "updates-agreed")
    return box


@pytest.mark.parametrize(("press", "agreed"), [("updates-yes", True), ("updates-no", False)])
def test_the_question_is_asked_once_and_the_answer_remembered(
    desk: MakeDesk, tmp_path: Path, press: str, agreed: bool
) -> None:
    line = Line()
    first = desk(plugged=False, updates=updates(tmp_path, line))
    wait_for_words(first, QUESTION)
    for plugs in (False, True):  # then the cards are made anew
        if plugs:
            first.bus.plug(first.board)
            first.wait_for_board()
        assert not first.window.focusWidget().objectName().startswith("update")
    assert not line.asked
    first.click(press)
    assert part(first, press) is None
    first.qtbot.waitUntil(lambda: UpdateBook(tmp_path / "data").read().agreed is agreed, timeout=WAIT_MS)
    again = desk(plugged=False, updates=updates(tmp_path, line))
    wait_known(again)
    assert QUESTION not in words_on(again)


@pytest.mark.parametrize("channel", [Channel(), Channel("", (PUBLIC,)), Channel(ADDRESS, ())])
def test_a_copy_that_cannot_look_does_not_ask(desk: MakeDesk, tmp_path: Path, channel: Channel) -> None:
    own = desk(plugged=False, updates=updates(tmp_path, Line(), channel))
    wait_known(own)
    assert QUESTION not in words_on(own)


def test_in_practice_nothing_is_asked_and_the_settings_have_no_row(desk: MakeDesk) -> None:
    own = desk(plugged=False)
    own.window.dispatch(Go(Screen.SETTINGS))
    assert own.window.state.updates is None
    assert not checkbox(own).isVisible()
    assert QUESTION not in words_on(own)


def with_notice(desk: MakeDesk, tmp_path: Path, **changes: object) -> Desk:
    """A window whose last look has found something."""
    known = updates(tmp_path, Line(envelope(**changes)))
    known.agree(yes=True)
    known.look()
    own: Desk = desk(plugged=False, updates=known)
    wait_known(own)
    return own


def test_the_card_tells_version_day_and_notes_and_opens_the_page(
    desk: MakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    own = with_notice(desk, tmp_path)
    wait_for_words(own, "Rekindle 0.2.0 is there")
    for words in (NOTES, "1 Dec", "You have version 0.1.0", LINK):
        assert words in words_on(own)
    own.click("update-open")
    assert opened == [QUrl(LINK)]
    assert part(own, "update-notice") is not None


@pytest.mark.parametrize("rest", ["word " * 200, "\n" * 200 + "end"], ids=["words", "lines"])
def test_notes_are_plain_letters_and_long_ones_are_folded(desk: MakeDesk, tmp_path: Path, rest: str) -> None:
    notes = f"<b>new</b> <a href='https://x.example/'>x</a> {rest}"
    own = with_notice(desk, tmp_path, notes=notes)
    wait_for_words(own, "Rekindle 0.2.0 is there")
    (shown,) = own.window.findChildren(QLabel, "update-notes")
    assert not shown.isVisible()
    assert shown.textFormat() is Qt.TextFormat.PlainText
    assert shown.text().startswith("<b>new</b>")
    card = part(own, "update-notice")
    assert card is not None
    QTest.mouseClick(next(each for each in card.findChildren(QPushButton)), Qt.MouseButton.LeftButton)
    assert shown.isVisible()


def test_nothing_a_notice_may_hold_pushes_the_page_out_of_the_window(desk: MakeDesk, tmp_path: Path) -> None:
    notes = "o" * 1500 + "Z" + "\u0301" * 300 + "/" * 300 + "\u05e9" * 300 + "\U0001f600" * 200
    link = f"https://{'a' * 60}.example/{'b' * 400}"
    own = with_notice(desk, tmp_path, notes=notes, link=link, version=f"{'999999.' * 3}999999rc9999")
    own.window.resize(own.window.minimumSize())
    card = part(own, "update-notice")
    assert card is not None
    QTest.mouseClick(next(each for each in card.findChildren(QPushButton)), Qt.MouseButton.LeftButton)
    (shown,) = own.window.findChildren(QLabel, "update-notes")
    own.qtbot.waitUntil(lambda: shown.isVisible() and shown.height() > 400, timeout=WAIT_MS)
    places = [each for each in own.window.findChildren(QScrollArea) if each.isVisible() and each.isAncestorOf(card)]
    assert [each.horizontalScrollBar().maximum() for each in places] == [0]


@pytest.mark.parametrize("press", ["update-skip", "update-later"])
def test_not_this_one_and_later_put_the_card_away(desk: MakeDesk, tmp_path: Path, press: str) -> None:
    own = with_notice(desk, tmp_path)
    own.click(press)
    assert part(own, "update-notice") is None
    known = updates(tmp_path, Line())
    own.qtbot.waitUntil(lambda: known.state().to_tell is None, timeout=WAIT_MS)
    known.look()
    assert (known.state().to_tell is None) is (press == "update-skip")


@pytest.mark.parametrize("press", ["updates-yes", "updates-no", "update-skip", "update-later"])
def test_the_keyboard_stays_on_the_page_when_what_it_was_in_goes_away(
    desk: MakeDesk, tmp_path: Path, press: str
) -> None:
    own = (
        with_notice(desk, tmp_path)
        if press.startswith("update-")
        else desk(plugged=False, updates=updates(tmp_path, Line()))
    )
    wait_known(own)
    for settings in (False, True):
        if settings and not press.startswith("update-"):
            continue
        if settings:
            own.window.dispatch(Go(Screen.SETTINGS))
            own.click("updates-now")
            own.qtbot.waitUntil(lambda: part(own, press) is not None, timeout=WAIT_MS)
        place = own.button(press)
        place.setFocus()
        QTest.keyClick(place, Qt.Key.Key_Space)
        assert part(own, press) is None
        home = own.window.page(Screen.HOME)
        assert isinstance(home, HomePage)
        wanted = own.button("updates-now") if settings else home.first_focus()
        assert own.window.focusWidget() is wanted


def test_a_look_that_fails_by_itself_shows_nothing(desk: MakeDesk, tmp_path: Path) -> None:
    line = Line(UpdatesOffline(host="releases.example"))
    known = updates(tmp_path, line)
    known.agree(yes=True)
    own = desk(plugged=False, updates=known, factor=200.0)
    wait_known(own)
    before = words_on(own)
    own.qtbot.waitUntil(lambda: bool(line.asked), timeout=WAIT_MS)
    assert own.window.state.updates is not None
    assert own.window.state.updates.came is None
    assert own.window.state.notice is None
    assert "releases.example" not in before + words_on(own)


# --- settings -------------------------------------------------------------------------------------------------------


def in_settings(desk: MakeDesk, tmp_path: Path, line: Line, channel: Channel | None = None) -> Desk:
    own: Desk = desk(plugged=False, updates=updates(tmp_path, line, channel))
    wait_known(own)
    own.window.dispatch(Go(Screen.SETTINGS))
    return own


def test_the_row_switches_it_on_and_off(desk: MakeDesk, tmp_path: Path) -> None:
    own = in_settings(desk, tmp_path, Line())
    assert not checkbox(own).isChecked()
    for agreed in (True, False):
        checkbox(own).click()

        def remembered(wanted: bool = agreed) -> bool:
            return UpdateBook(tmp_path / "data").read().agreed is wanted

        own.qtbot.waitUntil(remembered, timeout=WAIT_MS)
        assert checkbox(own).isChecked() is agreed


@pytest.mark.parametrize(
    ("brings", "words"),
    [
        (envelope(), "Rekindle 0.2.0 is there"),
        (envelope(version="0.1.0"), "No newer version is told of"),
        (UpdatesOffline(host="releases.example"), "releases.example cannot be reached"),
        (b"garbage", "thrown away"),
    ],
    ids=["newer", "same", "offline", "garbage"],
)
def test_look_now_says_plainly_what_came_of_it(
    desk: MakeDesk, tmp_path: Path, brings: bytes | Exception, words: str
) -> None:
    line = Line(brings)
    own = in_settings(desk, tmp_path, line)
    assert "It has not looked yet" in words_on(own)
    own.button("updates-now").setFocus()
    own.click("updates-now")
    wait_for_words(own, words)
    assert own.window.focusWidget() is own.button("updates-now")
    assert line.asked == [ADDRESS]
    wait_for_words(own, "Looked last")
    assert (part(own, "update-notice") is not None) is (brings == envelope())
    own.window.dispatch(Back())
    own.window.dispatch(Go(Screen.SETTINGS))
    (came,) = own.window.findChildren(QLabel, "updates-came")
    assert not came.isVisible()


def test_the_address_can_be_changed_and_a_wrong_one_is_refused(desk: MakeDesk, tmp_path: Path) -> None:
    own = in_settings(desk, tmp_path, Line())
    QTest.mouseClick(own.button_called("Where it looks"), Qt.MouseButton.LeftButton)
    (line,) = own.window.findChildren(QLineEdit, "updates-address")
    assert line.text() == ADDRESS
    assert not own.button("updates-default-address").isEnabled()
    line.setText("http://releases.example/n.txt")
    own.click("updates-use-address")
    wait_for_words(own, "no address that can be asked")
    assert line.text() == "http://releases.example/n.txt"  # to be mended
    line.setText("https://mirror.example/n.txt")
    own.click("updates-use-address")
    wait_for_words(own, "From now on it looks at https://mirror.example/n.txt")
    own.click("updates-default-address")
    own.qtbot.waitUntil(lambda: line.text() == ADDRESS, timeout=WAIT_MS)


def test_a_copy_without_a_key_says_so_and_has_nothing_to_press(desk: MakeDesk, tmp_path: Path) -> None:
    own = in_settings(desk, tmp_path, Line(), Channel(ADDRESS, ()))
    wait_for_words(own, "has no release key, so it does not look")
    assert not checkbox(own).isVisible()
    assert part(own, "updates-now") is None


def test_a_copy_without_an_address_can_be_given_one(desk: MakeDesk, tmp_path: Path) -> None:
    own = in_settings(desk, tmp_path, Line(), Channel("", (PUBLIC,)))
    wait_for_words(own, "came without an address")
    assert not own.button("updates-now").isEnabled()
    QTest.mouseClick(own.button_called("Where it looks"), Qt.MouseButton.LeftButton)
    (line,) = own.window.findChildren(QLineEdit, "updates-address")
    line.setText("https://mirror.example/n.txt")
    QTest.keyClick(line, Qt.Key.Key_Return)
    own.qtbot.waitUntil(lambda: own.button("updates-now").isEnabled(), timeout=WAIT_MS)
