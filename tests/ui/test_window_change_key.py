"""A new key from the window's first click to the bytes on the board and the lines for the cloud."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPushButton
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.keys.device_key import examine, public_der
from app.platforms.model import Algorithm, Mode
from app.work.events import Succeeded
from app.work.questions import ChooseCard, Question, Review

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS


def wait_for_question(desk: Desk, kind: type[Question]) -> None:
    def is_asked() -> bool:
        run = desk.window.state.run
        return run is not None and run.asked is not None and isinstance(run.asked.question, kind)

    desk.qtbot.waitUntil(is_asked, timeout=LONG_MS)


def test_a_new_key_from_the_first_click_to_the_lines_for_the_cloud(desk: MakeDesk) -> None:
    photon = desk("photon", factor=60.0, profiles=True)
    photon.hand.enter_dfu()
    photon.wait_for_board(Mode.DFU)
    old = bytes(photon.board.dct[34:646])
    photon.click("card-change-key")
    photon.click("start")
    wait_for_question(photon, ChooseCard)
    photon.click("choose-here")
    wait_for_question(photon, Review)
    assert bytes(photon.board.dct[34:646]) == old
    photon.click("review-yes")
    photon.qtbot.waitUntil(lambda: photon.screen is Screen.RESULT, timeout=LONG_MS)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    new = examine(bytes(photon.board.dct[34:646]), Algorithm.RSA_1024)
    assert new.fingerprint != examine(old, Algorithm.RSA_1024).fingerprint
    (paper,) = run.end.outcome.documents
    assert public_der(paper.content.encode()) == public_der(new)
    buttons = {each.objectName() for each in photon.window.findChildren(QPushButton)}
    assert {"copy-public-key", "save-public-key"} <= buttons
