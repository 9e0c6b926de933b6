"""A key comes back from the window's first click to the bytes on the board: from a locked file, then from the safe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton
from support import device_keys
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.keys.device_key import examine
from app.platforms.model import Algorithm, Mode
from app.work.events import Outcome, Succeeded
from app.work.questions import ChooseCard, Confirm, Enter, PickFile, Question, Review

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS
WORDS = "the file's own words"


def wait_for_question(desk: Desk, kind: type[Question]) -> Question:
    found: list[Question] = []

    def is_asked() -> bool:
        run = desk.window.state.run
        if run is not None and run.asked is not None and isinstance(run.asked.question, kind):
            found[:] = [run.asked.question]
        return bool(found)

    desk.qtbot.waitUntil(is_asked, timeout=LONG_MS)
    return found[0]


def outcome_of(desk: Desk) -> Outcome:
    desk.qtbot.waitUntil(lambda: desk.screen is Screen.RESULT, timeout=LONG_MS)
    run = desk.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    return run.end.outcome


def start(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.wait_for_board(Mode.DFU)
    desk.click("card-restore-key")
    desk.click("start")


def click_words(desk: Desk, words: str) -> None:
    def found() -> list[QPushButton]:
        return [each for each in desk.window.findChildren(QPushButton) if each.isVisible() and words in each.text()]

    desk.qtbot.waitUntil(lambda: bool(found()), timeout=WAIT_MS)
    QTest.mouseClick(found()[0], Qt.MouseButton.LeftButton)


def locked_file(folder: Path) -> Path:
    key = serialization.load_der_private_key(device_keys.as_openssl(), None)
    file = folder / "mine.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(WORDS.encode())))
    return file


def test_a_locked_file_and_then_the_safe_from_the_first_click_to_the_bytes(desk: MakeDesk, tmp_path: Path) -> None:
    photon = desk("photon", factor=60.0, profiles=True)
    old = bytes(photon.board.dct[34:646])
    start(photon)
    wait_for_question(photon, ChooseCard)
    photon.click("choose-file")
    wait_for_question(photon, PickFile)
    photon.click("pick")
    (dialog,) = photon.window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(locked_file(tmp_path)))
    dialog.close()
    wait_for_question(photon, Enter)
    lines: list[QLineEdit] = []

    def line_is_there() -> bool:
        lines[:] = [each for each in photon.window.findChildren(QLineEdit) if each.isVisible()]
        return bool(lines)

    photon.qtbot.waitUntil(line_is_there, timeout=WAIT_MS)
    assert lines[0].echoMode() is QLineEdit.EchoMode.Password
    lines[0].setText(WORDS)
    QTest.keyClick(lines[0], Qt.Key.Key_Return)
    wait_for_question(photon, Confirm)
    click_words(photon, "It is the key of this board")
    wait_for_question(photon, Review)
    assert bytes(photon.board.dct[34:646]) == old
    photon.click("review-yes")
    outcome = outcome_of(photon)
    der = device_keys.as_openssl()
    found = examine(bytes(photon.board.dct[34:646]), Algorithm.RSA_1024)
    assert found.fingerprint == examine(der, Algorithm.RSA_1024).fingerprint
    assert "Nobody can know" in " ".join(words.english() for words in outcome.warnings)

    (first,) = [each for each in photon.safe.backups() if photon.safe.key_bytes(each) == old]
    photon.click("done")
    photon.wait_for_screen(Screen.HOME)
    start(photon)
    question = wait_for_question(photon, ChooseCard)
    assert isinstance(question, ChooseCard)
    assert question.cards[0].key == f"backup:{first.reference}"
    photon.click(f"choose-backup:{first.reference}")
    wait_for_question(photon, Review)
    photon.click("review-yes")
    outcome_of(photon)
    assert bytes(photon.board.dct[34:646]) == old
    assert photon.undo.interrupted() == ()
