"""The list of networks in the form: what fits, what stops a board, looking again, and a page that does not jump."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QListWidget, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from support.ears import Ears
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.platforms.table import platform
from app.protocols.wifi import Security, WifiLogin
from app.text import text
from app.transports.wifi_scan import Encryption, HeardNetwork, Protection, Scan
from app.ui.pages.run import RunPage
from app.ui.questions import WifiFormView, view_for
from app.virtual.air import HOME
from app.work.events import Succeeded
from app.work.questions import Choose, WifiForm
from app.work.wifi_form import LookAgain, SeenNetwork, WifiAnswer

MakeDesk = Callable[..., Desk]
W = TypeVar("W", bound=QWidget)
WORDS = text("Test", "Words.")
FAR = SeenNetwork(b"Upstairs", Security.WPA2, channel=44, rssi=-40, note=text("Test", "On 5 GHz."), fits=False)
NEAR = SeenNetwork(b"Near", Security.WPA2, channel=1, rssi=-45)
HERE = SeenNetwork(b"Home", Security.WPA2, channel=6, rssi=-60)
OPEN = SeenNetwork(b"Guests", Security.OPEN, channel=6, rssi=-70)
SEEN = (FAR, NEAR, HERE, OPEN)
QUESTION = WifiForm("network", WORDS, WORDS, SEEN, joined=b"Home", platform=platform("photon"), version="2.3.1")


class Form:
    """A form on the screen, and what it answered."""

    def __init__(self, qtbot: QtBot, question: WifiForm = QUESTION) -> None:
        view = view_for(question)
        assert isinstance(view, WifiFormView)
        qtbot.addWidget(view)
        self.view = view
        self.answers: list[object] = []
        view.answered.connect(self.answers.append)
        view.show()

    def find(self, kind: type[W], name: str) -> W:
        found = self.view.findChild(kind, name)
        assert found is not None, name
        return found

    @property
    def list(self) -> QListWidget:
        return self.find(QListWidget, "wifi-networks")

    def other(self, name: str, password: str) -> None:
        self.list.setCurrentRow(self.list.count() - 1)
        self.find(QLineEdit, "wifi-name").setText(name)
        self.find(QLineEdit, "wifi-password").setText(password)

    def press(self, name: str) -> None:
        QTest.mouseClick(self.find(QPushButton, name), Qt.MouseButton.LeftButton)

    def against(self) -> str:
        words = self.find(QLabel, "wifi-against")
        return words.text() if words.isVisible() else ""


def test_the_network_this_computer_is_in_is_chosen_first(qtbot: QtBot) -> None:
    form = Form(qtbot)
    assert form.list.currentRow() == 2
    assert "this computer is in it · strength 80 % · channel 6 · WPA2" in form.list.item(2).text()
    assert "On 5 GHz." in form.list.item(0).text()
    only_far = replace(QUESTION, seen=(FAR, NEAR), joined=FAR.ssid)
    assert Form(qtbot, only_far).list.currentRow() == 1  # never one that does not fit


def test_every_strength_has_bars_and_rows_are_never_cut(qtbot: QtBot) -> None:
    form = Form(qtbot)
    assert not form.list.item(0).icon().isNull()
    needed = sum(form.list.sizeHintForRow(row) for row in range(form.list.count()))
    assert form.list.viewport().height() >= needed


def test_what_speaks_against_a_network_is_said_before_anything_is_sent(qtbot: QtBot) -> None:
    form = Form(qtbot)
    assert form.against() == ""
    form.list.setCurrentRow(3)
    assert "open" in form.against()
    assert not form.find(QCheckBox, "wifi-anyway").isVisible()  # a warning needs no agreement
    form.press("wifi-go")
    assert form.answers == [WifiAnswer((WifiLogin(b"Guests", Security.OPEN, ""),))]


@pytest.mark.parametrize("button", ["wifi-go", "wifi-more"])
def test_what_stops_a_board_is_told_only_when_that_is_agreed_to(qtbot: QtBot, button: str) -> None:
    form = Form(qtbot)
    form.other("Upstairs", "long enough")
    assert "5 GHz" in form.against()
    form.press(button)
    assert form.answers == []
    agree = form.find(QCheckBox, "wifi-anyway")
    assert agree.hasFocus() or not form.view.isActiveWindow()
    agree.setChecked(True)
    form.press(button)
    if button == "wifi-more":
        form.press("wifi-go")
    (answer,) = form.answers
    assert isinstance(answer, WifiAnswer)
    assert answer.anyway
    assert [each.ssid for each in answer.networks] == [b"Upstairs"]


def test_agreeing_to_one_network_agrees_to_no_other(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.other("Upstairs", "long enough")
    form.find(QCheckBox, "wifi-anyway").setChecked(True)
    form.find(QLineEdit, "wifi-name").setText("Upstair")
    form.find(QLineEdit, "wifi-name").setText("Upstairs")
    assert not form.find(QCheckBox, "wifi-anyway").isChecked()


def test_looking_again_keeps_what_was_typed(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.list.setCurrentRow(1)
    form.find(QLineEdit, "wifi-password").setText("half typed")
    form.press("wifi-again")
    assert form.answers == [LookAgain()]
    assert form.view.stays
    assert not form.list.isEnabled()
    assert form.view.renew(replace(QUESTION, seen=(HERE, replace(NEAR, rssi=-80)), trouble=WORDS))
    assert form.list.isEnabled()
    assert (form.list.count(), form.list.currentRow()) == (3, 1)
    assert form.find(QLineEdit, "wifi-password").text() == "half typed"
    form.press("wifi-go")
    assert form.answers[1:] == [WifiAnswer((WifiLogin(b"Near", Security.WPA2, "half typed"),))]


def test_a_network_that_is_gone_stays_as_one_that_is_typed(qtbot: QtBot) -> None:
    form = Form(qtbot)
    form.list.setCurrentRow(1)
    form.find(QLineEdit, "wifi-password").setText("half typed")
    form.press("wifi-again")
    form.view.renew(replace(QUESTION, seen=(HERE,)))
    assert form.find(QLineEdit, "wifi-name").text() == "Near"
    assert form.find(QLineEdit, "wifi-password").text() == "half typed"


def test_looking_again_chooses_where_there_was_nothing_before(qtbot: QtBot) -> None:
    form = Form(qtbot, replace(QUESTION, seen=()))
    assert not form.list.isVisible()
    form.press("wifi-again")
    form.view.renew(QUESTION)
    assert form.list.isVisible()
    assert form.list.currentRow() == 2
    assert not form.view.renew(Choose("other", WORDS, WORDS, ()))


HEARD = HeardNetwork(HOME.ssid, 6, -55, Protection.WPA2, Encryption.AES, 2437)
LATER = HeardNetwork(b"Later", 1, -50, Protection.WPA2, Encryption.AES, 2412)


def test_through_the_window_with_a_look_around_in_between(desk: MakeDesk) -> None:
    ears = Ears(Scan((HEARD,), HOME.ssid), Scan((LATER, HEARD), HOME.ssid))
    photon = desk("photon", factor=60.0, profiles=False, scanner=ears)
    photon.wait_for_board()
    photon.click("card-join-wifi")
    photon.click("start")

    def views() -> list[WifiFormView]:
        return [each for each in photon.window.findChildren(WifiFormView) if each.isVisible()]

    photon.qtbot.waitUntil(lambda: bool(views()), timeout=4 * WAIT_MS)
    (view,) = views()
    assert photon.button("stop").isEnabled()  # no button of the form says no
    password = view.findChild(QLineEdit, "wifi-password")
    networks = view.findChild(QListWidget, "wifi-networks")
    assert password is not None
    assert networks is not None
    QTest.keyClicks(password, HOME.password.decode())
    photon.click("wifi-again")
    photon.qtbot.waitUntil(lambda: networks.count() == 3, timeout=WAIT_MS)
    assert views() == [view]
    assert password.text() == HOME.password.decode()
    photon.click("wifi-go")
    photon.click("light-connected")
    photon.qtbot.waitUntil(lambda: photon.screen is Screen.RESULT, timeout=4 * WAIT_MS)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    assert [each.password for each in photon.board.profiles_stored] == [HOME.password]


def test_the_page_does_not_move_under_the_mouse_once_somebody_works_on_it(desk: MakeDesk) -> None:
    photon = desk("photon", factor=60.0, profiles=False, scanner=Ears(Scan((LATER, HEARD), HOME.ssid)))
    photon.window.resize(900, 620)
    photon.wait_for_board()
    photon.click("card-join-wifi")
    photon.click("start")
    photon.qtbot.waitUntil(lambda: bool(photon.window.findChildren(WifiFormView)), timeout=4 * WAIT_MS)
    view = photon.window.findChildren(WifiFormView)[0]
    photon.qtbot.waitUntil(view.isVisible, timeout=WAIT_MS)
    networks = view.findChild(QListWidget, "wifi-networks")
    assert networks is not None
    page = photon.window.findChild(RunPage)
    assert page is not None
    bar = page.scroller.verticalScrollBar()
    place = networks.visualItemRect(networks.item(2)).center()
    photon.qtbot.waitUntil(lambda: bar.value() > 20, timeout=WAIT_MS)  # the question has been scrolled to
    before = bar.value()
    bar.setValue(before - 7)  # as by a finger on a touch screen, of which no action of the bar tells
    with photon.qtbot.waitSignal(bar.rangeChanged, timeout=WAIT_MS):  # the fields below are laid out anew
        QTest.mouseClick(networks.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert bar.value() == before - 7


def test_a_password_that_was_handed_on_or_left_cannot_be_brought_back(qtbot: QtBot) -> None:
    form = Form(qtbot)
    password, shown = form.find(QLineEdit, "wifi-password"), form.find(QCheckBox, "wifi-show")
    shown.setChecked(True)
    QTest.keyClicks(password, "of the first network")
    form.list.setCurrentRow(1)  # another network
    password.undo()
    assert password.text() == ""
    QTest.keyClicks(password, "of the second network")
    form.press("wifi-more")
    shown.setChecked(True)
    password.undo()
    assert password.text() == ""


def test_a_network_that_is_gone_and_cannot_be_typed_is_not_typed_wrong(qtbot: QtBot) -> None:
    odd = SeenNetwork(b"Caf\xe9", Security.WPA2, channel=6, rssi=-50)
    form = Form(qtbot, replace(QUESTION, seen=(odd,), joined=b""))
    form.find(QLineEdit, "wifi-password").setText("half typed")
    form.press("wifi-again")
    form.view.renew(replace(QUESTION, seen=(HERE,)))
    assert form.find(QLineEdit, "wifi-name").text() == ""


def test_a_stranger_with_the_name_of_this_computers_network_is_not_chosen_first(qtbot: QtBot) -> None:
    twin = SeenNetwork(HERE.ssid, Security.OPEN, channel=1, rssi=-30)
    form = Form(qtbot, replace(QUESTION, seen=(twin, *SEEN)))
    assert form.list.currentRow() == 1 + SEEN.index(HERE)
