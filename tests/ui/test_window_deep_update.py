"""The deep update in the window, on a practice Core: the light's options are buttons, USB ends what it can."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QRadioButton
from support.real_pack import real_pack
from support.window import WAIT_MS, Desk

from app.clicks import Screen
from app.platforms.model import Mode
from app.ui.parts.watch_view import StageCard
from app.ui.questions import WatchLightView
from app.work.events import Succeeded
from app.work.questions import Choose, Question, Review, WatchLight

MakeDesk = Callable[..., Desk]
LONG_MS = 4 * WAIT_MS


def asked(desk: Desk) -> Question | None:
    run = desk.window.state.run
    return None if run is None or run.asked is None else run.asked.question


def wait_for(desk: Desk, name: str, kind: type[Question]) -> None:
    def there() -> bool:
        question = asked(desk)
        return isinstance(question, kind) and question.name == name

    desk.qtbot.waitUntil(there, timeout=LONG_MS)


def choose(desk: Desk, key: str) -> None:
    """Take an option of the question on the screen."""
    question = asked(desk)
    assert isinstance(question, Choose)
    place = [option for option, _ in question.options].index(key)
    shown: list[QRadioButton] = []

    def options() -> bool:
        shown[:] = [each for each in desk.window.findChildren(QRadioButton) if each.isVisible()]
        return len(shown) == len(question.options)

    desk.qtbot.waitUntil(options, timeout=WAIT_MS)
    shown[place].click()
    (go,) = [
        each
        for each in desk.window.findChildren(QPushButton)
        if each.isVisible() and each.accessibleName() == "Continue"
    ]
    go.click()


def up_to_the_light(desk: MakeDesk, profiles: bool = True) -> Desk:
    core = desk("core-old-radio", pack=real_pack(), factor=40.0, profiles=profiles)
    core.hand.enter_dfu()
    core.wait_for_board(Mode.DFU)
    core.click("card-deep-update")
    core.click("start")
    wait_for(core, "network", Choose)
    choose(core, "known")
    wait_for(core, "plan", Review)
    core.click("review-yes")
    wait_for(core, "light", WatchLight)
    core.button("light-cyan")
    return core


def end_of(core: Desk) -> Succeeded:
    core.qtbot.waitUntil(lambda: core.screen is Screen.RESULT, timeout=LONG_MS)
    run = core.window.state.run
    assert run is not None
    assert isinstance(run.end, Succeeded), run.end
    return run.end


def words_on(desk: Desk) -> str:
    shown = [each.text() for each in desk.window.findChildren(QLabel) if each.isVisible()]
    return "\n".join(shown).replace("\u200b", "")


def test_the_lights_are_drawn_and_usb_asks_the_last_question(desk: MakeDesk) -> None:
    core = up_to_the_light(desk)
    (view,) = [each for each in core.window.findChildren(WatchLightView) if each.isVisible()]
    assert len(view.findChildren(StageCard)) == 4
    shown = words_on(core)
    assert "Blinking orange" in shown
    assert "much like the yellow" in shown
    assert "as soon as the board shows on USB again" in shown
    core.button("light-yellow")  # only where the person is asked because the board is back
    assert "shows on USB again" in words_on(core)
    core.click("light-cyan")
    assert "is connected" in end_of(core).outcome.summary.english()
    assert core.board.radio.value == "1.13.7"
    assert core.undo.interrupted() == ()


def test_blue_is_recognised_without_a_click_and_leads_on(desk: MakeDesk) -> None:
    core = up_to_the_light(desk, profiles=False)
    end = end_of(core)
    assert "waits for its Wi-Fi" in end.outcome.summary.english()
    core.button("next-join-wifi")
    core.button("next-full-firmware-upgrade")


@pytest.mark.parametrize(
    ("light", "title"),
    [("frozen", "Tap RESET once, without MODE"), ("red", "Red says why"), ("dark", "Check the cable")],
)
def test_trouble_is_a_click_and_ends_with_another_recipe(light: str, title: str, desk: MakeDesk) -> None:
    core = up_to_the_light(desk)
    core.click(f"light-{light}")
    wait_for(core, "next", Choose)
    core.qtbot.waitUntil(lambda: title in words_on(core), timeout=WAIT_MS)
    choose(core, "end")
    assert end_of(core).outcome.next_recipes[0] == "full-firmware-upgrade"
    core.click("next-full-firmware-upgrade")
    assert (core.screen, core.window.state.recipe) == (Screen.PLAN, "full-firmware-upgrade")


def test_watching_on_shows_the_lights_again(desk: MakeDesk) -> None:
    core = up_to_the_light(desk)
    core.click("light-frozen")
    wait_for(core, "next", Choose)
    choose(core, "watch")
    wait_for(core, "light", WatchLight)
    core.click("light-blue")
    assert "waits for its Wi-Fi" in end_of(core).outcome.summary.english()
