"""The key check through the window: the lights to choose from, the finding, and the one repair to go on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QPushButton
from support.key_boards import makers_key
from support.key_cases import CASES
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.platforms.model import Mode
from app.platforms.table import platform
from app.recipes.check_keys import light_cards
from app.ui.parts.led import Led
from app.work.events import Succeeded
from app.work.questions import ChooseCard

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS


@pytest.fixture(autouse=True)
def _makers() -> Iterator[None]:
    with makers_key():
        yield


def test_a_key_of_another_cloud_from_the_first_click_to_the_repair(desk: MakeDesk) -> None:
    (case,) = [each for each in CASES if each.name == "Local cloud's key with Particle's address"]
    case = replace(case, board="photon")
    photon = desk("photon", factor=60.0, profiles=True)
    photon.hand.enter_dfu()
    photon.wait_for_board(Mode.DFU)
    for slot, content in ((case.server_slot, case.server_bytes()), (case.key_slot, case.key_bytes())):
        photon.board.dct[slot.address : slot.address + len(content)] = content
    photon.click("card-check-keys")
    photon.click("start")

    def is_asked() -> bool:
        run = photon.window.state.run
        return run is not None and run.asked is not None and isinstance(run.asked.question, ChooseCard)

    photon.qtbot.waitUntil(is_asked, timeout=LONG_MS)
    cards = [each for each in photon.window.findChildren(QPushButton) if each.objectName().startswith("choose-")]
    assert [card.objectName() for card in cards] == [f"choose-{card.key}" for card in light_cards(platform("photon"))]
    assert all(card.accessibleName() for card in cards)
    assert sum(bool(card.findChildren(Led)) for card in cards) == 6
    photon.click("choose-magenta")
    photon.qtbot.waitUntil(lambda: photon.screen is Screen.RESULT, timeout=LONG_MS)
    run = photon.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    assert run.end.outcome.next_recipes[:1] == ("switch-cloud",)
    names = {each.objectName() for each in photon.window.findChildren(QPushButton)}
    assert "next-switch-cloud" in names
