"""The interview through the window: the light, the questions, the result with its next step, and the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QRadioButton
from support.ears import Ears
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.transports.wifi_scan import HeardNetwork, Protection, Scan
from app.ui.parts.document_box import DocumentBox
from app.work.events import Asked
from app.work.light_decoder import pointed_at

MakeDesk = Callable[..., Desk]
AROUND = Scan((HeardNetwork(b"Home", 6, -48, Protection.WPA2), HeardNetwork(b"Barn", 1, -88, Protection.WPA2)), b"Home")


def asked(desk: Desk, name: str) -> Asked:
    """Wait for a question of that name."""

    def there() -> bool:
        run = desk.window.state.run
        return run is not None and run.asked is not None and run.asked.question.name == name

    desk.qtbot.waitUntil(there, timeout=2 * WAIT_MS)
    run = desk.window.state.run
    assert run is not None
    assert run.asked is not None
    return run.asked


def choose(desk: Desk, words: str) -> None:
    """Choose among radio buttons by what they say, and go on."""

    def found() -> list[QRadioButton]:
        options = desk.window.findChildren(QRadioButton)
        return [each for each in options if each.isVisible() and each.accessibleName() == words]

    desk.qtbot.waitUntil(lambda: bool(found()), timeout=WAIT_MS)
    found()[0].setFocus()
    QTest.keyClick(found()[0], Qt.Key.Key_Space)
    assert found()[0].isChecked()
    (go,) = [each for each in desk.window.findChildren(QPushButton) if each.isVisible() and each.text() == "Co&ntinue"]
    QTest.keyClick(go, Qt.Key.Key_Space)


def test_from_the_card_to_the_cause_the_next_step_and_the_report(desk: MakeDesk) -> None:
    photon = desk("photon", factor=60.0, profiles=True, scanner=Ears(AROUND))
    photon.wait_for_board()
    photon.click("card-why-not-connecting")
    photon.click("start")
    asked(photon, "light").reply(pointed_at("from-0.7.connecting"))
    asked(photon, "credentials")
    choose(photon, "Yes, they were typed with care and looked at")
    asked(photon, "network")
    photon.click("choose-Barn")
    photon.qtbot.waitUntil(lambda: photon.screen is Screen.RESULT, timeout=2 * WAIT_MS)
    page: Any = photon.window.page(Screen.RESULT)
    assert photon.button("next-why-not-connecting").isEnabled()
    (box,) = page.findChildren(DocumentBox)
    shown = box.findChild(QPlainTextEdit)
    assert shown is not None
    assert "Router make and model: not known" in shown.toPlainText()
    assert "Barn" not in shown.toPlainText()
    first = photon.button("next-why-not-connecting")
    assert first.mapTo(page, first.rect().topLeft()).y() < box.mapTo(page, box.rect().topLeft()).y()
