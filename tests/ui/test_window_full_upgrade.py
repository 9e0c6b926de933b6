"""The full firmware upgrade from the window's first click to the flash bytes, on a practice Core."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QPushButton, QRadioButton
from support.real_pack import real_pack
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.platforms.model import Mode
from app.ui.parts.plan_view import PlanView
from app.ui.parts.watch_view import WatchView
from app.work.events import Stopped, Succeeded
from app.work.questions import Choose, Question, Review, WatchLight

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS


def asked(desk: Desk) -> Question | None:
    run = desk.window.state.run
    return None if run is None or run.asked is None else run.asked.question


def wait_for_question(desk: Desk, kind: type[Question]) -> None:
    desk.qtbot.waitUntil(lambda: isinstance(asked(desk), kind), timeout=LONG_MS)


@pytest.fixture
def core(desk: MakeDesk) -> Desk:
    made = desk("core", pack=real_pack(), factor=60.0)
    made.hand.enter_dfu()
    made.wait_for_board(Mode.DFU)
    return made


def up_to_the_plan(core: Desk) -> None:
    core.click("card-full-firmware-upgrade")
    core.click("start")
    wait_for_question(core, Choose)
    shown: list[QRadioButton] = []

    def options() -> bool:
        shown[:] = [each for each in core.window.findChildren(QRadioButton) if each.isVisible()]
        return bool(shown)

    core.qtbot.waitUntil(options, timeout=WAIT_MS)
    shown[0].click()
    (go,) = [
        each
        for each in core.window.findChildren(QPushButton)
        if each.isVisible() and each.accessibleName() == "Continue"
    ]
    go.click()
    wait_for_question(core, Review)
    core.qtbot.waitUntil(lambda: any(each.isVisible() for each in core.window.findChildren(PlanView)))


def test_an_upgrade_from_the_first_click_to_the_flash_bytes(core: Desk) -> None:
    up_to_the_plan(core)
    core.click("review-yes")
    wait_for_question(core, WatchLight)
    core.qtbot.waitUntil(lambda: any(each.isVisible() for each in core.window.findChildren(WatchView)))
    core.qtbot.waitUntil(lambda: core.screen is Screen.RESULT, timeout=LONG_MS)
    run = core.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    tinker = core.pack.read("core_tinker.bin")
    assert bytes(core.board.internal[0x5000 : 0x5000 + len(tinker)]) == tinker
    assert bytes(core.board.spi[0x20000 : 0x20000 + len(tinker)]) == tinker
    assert core.undo.interrupted() == ()


def test_no_to_the_plan_leaves_the_board_as_it_is(core: Desk) -> None:
    before = bytes(core.board.internal), bytes(core.board.spi)
    up_to_the_plan(core)
    core.click("review-no")
    core.qtbot.waitUntil(lambda: core.screen is Screen.RESULT, timeout=LONG_MS)
    run = core.window.state.run
    assert run is not None
    assert isinstance(run.end, Stopped), run.end
    assert not run.end.changed
    assert (bytes(core.board.internal), bytes(core.board.spi)) == before
