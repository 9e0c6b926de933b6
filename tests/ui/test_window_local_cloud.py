"""The local cloud guide in the window, from the first click to the server's folder and the lines to hand on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QRadioButton
from support.offline import LAN, Offline
from support.spark_server import lay_out, public_pem
from support.spec_cloud import server_public
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.clock import Clock
from app.keys.device_key import examine, public_der
from app.platforms.model import Algorithm, Mode
from app.transports.network import Reach
from app.work.events import Outcome, Succeeded
from app.work.questions import Question

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS
SERVER = slice(2082, 2594)  # device-protocol.md 3.5
HOST = "192.168.7.30"


class Half(Offline):
    """A network with a server that takes boards, and no programs."""

    def reach(self, host: str, port: int, within: float, clock: Clock, check: Callable[[], None]) -> Reach:
        """Boards call 5683."""
        return Reach.ANSWERS if port == 5683 else Reach.REFUSED


def wait_for_question(desk: Desk, name: str) -> Question:
    found: list[Question] = []

    def is_asked() -> bool:
        run = desk.window.state.run
        if run is not None and run.asked is not None and run.asked.question.name == name:
            found[:] = [run.asked.question]
        return bool(found)

    desk.qtbot.waitUntil(is_asked, timeout=LONG_MS)
    return found[0]


def type_over(desk: Desk, before: str, words: str) -> None:
    """Type into the line which holds these words already."""

    def lines() -> list[QLineEdit]:
        return [each for each in desk.window.findChildren(QLineEdit) if each.isVisible() and each.text() == before]

    desk.qtbot.waitUntil(lambda: bool(lines()), timeout=WAIT_MS)
    line = lines()[0]
    line.selectAll()
    QTest.keyClicks(line, words)
    QTest.keyClick(line, Qt.Key.Key_Return)


def choose(desk: Desk, words: str) -> None:
    """Choose one of several and go on."""

    def options() -> list[QRadioButton]:
        rows = desk.window.findChildren(QRadioButton)
        return [each for each in rows if each.isVisible() and each.accessibleName() == words]

    desk.qtbot.waitUntil(lambda: bool(options()), timeout=WAIT_MS)
    options()[0].click()
    (go_on,) = (
        each
        for each in desk.window.findChildren(QPushButton)
        if each.isVisible() and each.property("kind") == "primary"
    )
    go_on.click()


def pick(desk: Desk, path: Path) -> None:
    desk.click("pick")
    (dialog,) = desk.window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()


def outcome_of(desk: Desk) -> Outcome:
    desk.qtbot.waitUntil(lambda: desk.screen is Screen.RESULT, timeout=LONG_MS)
    run = desk.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    return run.end.outcome


def begin(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.wait_for_board(Mode.DFU)
    desk.click("card-local-cloud")
    desk.click("start")
    wait_for_question(desk, "server-folder")


def test_with_the_servers_folder_the_server_has_the_boards_key(desk: MakeDesk, tmp_path: Path) -> None:
    photon = desk("photon", factor=60.0, profiles=True, network=Half())
    keys = lay_out(tmp_path / "server")
    begin(photon)
    pick(photon, tmp_path / "server")
    wait_for_question(photon, "host")
    type_over(photon, LAN, HOST)
    wait_for_question(photon, "cloud-name")
    type_over(photon, "", "Workshop")
    wait_for_question(photon, "server-check")
    choose(photon, "Go on all the same")
    wait_for_question(photon, "plan")
    photon.click("review-yes")
    wait_for_question(photon, "seen")
    photon.click("light-connected")
    outcome = outcome_of(photon)
    assert not outcome.unfinished
    assert bytes(photon.board.dct[SERVER])[:294] == server_public()
    own = public_der(examine(bytes(photon.board.dct[34:646]), Algorithm.RSA_1024))
    assert public_der((keys / f"{photon.board.device_id}.pub.pem").read_bytes()) == own


def test_without_it_the_missing_step_is_told_and_the_key_handed_on(desk: MakeDesk, tmp_path: Path) -> None:
    photon = desk("photon", factor=60.0, profiles=True, network=Half())
    (tmp_path / "default_key.pub.pem").write_bytes(public_pem())
    begin(photon)
    (without,) = (each for each in photon.window.findChildren(QPushButton) if each.text() == "&Without a folder")
    without.click()
    wait_for_question(photon, "server-key")
    pick(photon, tmp_path / "default_key.pub.pem")
    wait_for_question(photon, "host")
    type_over(photon, LAN, HOST)
    wait_for_question(photon, "cloud-name")
    type_over(photon, "", "")
    wait_for_question(photon, "server-check")
    choose(photon, "Go on all the same")
    wait_for_question(photon, "plan")
    photon.click("review-yes")
    wait_for_question(photon, "seen")
    photon.click("light-orange")
    outcome = outcome_of(photon)
    assert outcome.unfinished
    assert "the board's key" in outcome.summary.english()
    buttons = {each.objectName() for each in photon.window.findChildren(QPushButton)}
    assert {"copy-public-key", "save-public-key", "next-local-cloud"} <= buttons
