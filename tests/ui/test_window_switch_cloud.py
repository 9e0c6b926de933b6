"""A board is switched to a local cloud and back in the window, from the first click to the bytes on the board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit
from support.offline import LAN
from support.spec_cloud import server_block, server_public
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.platforms.model import Mode
from app.work.events import Outcome, Succeeded
from app.work.questions import ChooseCard, Question

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS
SERVER = slice(2082, 2594)  # device-protocol.md 3.5
OLD, NEW = "192.168.7.31", "192.168.7.30"


def wait_for_question(desk: Desk, name: str) -> Question:
    found: list[Question] = []

    def is_asked() -> bool:
        run = desk.window.state.run
        if run is not None and run.asked is not None and run.asked.question.name == name:
            found[:] = [run.asked.question]
        return bool(found)

    desk.qtbot.waitUntil(is_asked, timeout=LONG_MS)
    return found[0]


def line_with(desk: Desk, words: str) -> QLineEdit:
    """The line to type in, which holds these words already."""
    lines: list[QLineEdit] = []

    def is_there() -> bool:
        lines[:] = [each for each in desk.window.findChildren(QLineEdit) if each.isVisible() and each.text() == words]
        return bool(lines)

    desk.qtbot.waitUntil(is_there, timeout=WAIT_MS)
    return lines[0]


def type_over(line: QLineEdit, words: str) -> None:
    line.selectAll()
    QTest.keyClicks(line, words)
    QTest.keyClick(line, Qt.Key.Key_Return)


def outcome_of(desk: Desk) -> Outcome:
    desk.qtbot.waitUntil(lambda: desk.screen is Screen.RESULT, timeout=LONG_MS)
    run = desk.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    return run.end.outcome


def test_to_a_local_cloud_and_back_with_the_cards(desk: MakeDesk, tmp_path: Path) -> None:
    photon = desk("photon", factor=60.0, profiles=True)
    photon.hand.enter_dfu()
    photon.wait_for_board(Mode.DFU)
    old = server_block(OLD, name="other")
    photon.board.dct[SERVER] = old
    file = tmp_path / "default_key.pub.der"
    file.write_bytes(server_public())
    photon.click("card-switch-cloud")
    photon.click("start")
    question = wait_for_question(photon, "cloud")
    assert isinstance(question, ChooseCard)
    assert [card.key for card in question.cards] == ["particle", "local"]
    photon.click("choose-local")
    wait_for_question(photon, "server-key")
    photon.click("pick")
    (dialog,) = photon.window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(file))
    dialog.close()
    wait_for_question(photon, "host")
    type_over(line_with(photon, OLD), "fe80::1")  # what the board has now stands in the line
    type_over(line_with(photon, "fe80::1"), NEW)  # what was wrong stands there, to be mended
    wait_for_question(photon, "cloud-name")
    type_over(line_with(photon, ""), "Workshop")
    wait_for_question(photon, "plan")
    assert bytes(photon.board.dct[SERVER]) == old
    photon.click("review-yes")
    outcome = outcome_of(photon)
    assert bytes(photon.board.dct[SERVER])[:390] == server_block(NEW)[:390]
    assert LAN not in str(outcome)
    assert [cloud.name for cloud in photon.clouds.clouds()] == ["Workshop"]

    photon.click("next-switch-cloud")
    photon.wait_for_screen(Screen.PLAN)
    photon.click("start")
    question = wait_for_question(photon, "cloud")
    assert isinstance(question, ChooseCard)
    (cloud,) = photon.clouds.clouds()
    marked = {card.key: card.mark is not None for card in question.cards}
    assert marked == {"particle": False, f"cloud-{cloud.id}": True, "local": False, "before": False}
    photon.click("choose-before")
    wait_for_question(photon, "plan")
    photon.click("review-yes")
    outcome_of(photon)
    assert bytes(photon.board.dct[SERVER]) == old
