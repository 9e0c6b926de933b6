"""The drawn parts: do they show what they are told, at the right moment, in words as well as in colour?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.platforms.lights import PATTERNS, Colour, Rhythm, pattern
from app.platforms.model import Mode
from app.platforms.table import PLATFORMS, platform
from app.text import Text
from app.ui import theme
from app.ui.pages.light_guide import COLOUR_NAMES, RHYTHM_NAMES, LightCard, LightGuidePage, fitting
from app.ui.parts import board_view
from app.ui.parts.board_view import BoardView, Mark
from app.ui.parts.coach_view import CoachView, target_step
from app.ui.parts.led import Led, Pulse, shown_colour
from app.ui.parts.qr import QrView
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.settings import TEXT_SCALES
from app.work.questions import DoThis


@pytest.fixture
def still(qapp: QApplication) -> Iterator[None]:
    """Less motion: every light stands at its brightest."""
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    yield
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)


def picture(widget: QWidget) -> QImage:
    return widget.grab().toImage()


def near(image: QImage, x: int, y: int, colour: QColor) -> bool:
    shown = image.pixelColor(x, y)
    return all(
        abs(a - b) < 40
        for a, b in zip(
            (shown.red(), shown.green(), shown.blue()), (colour.red(), colour.green(), colour.blue()), strict=True
        )
    )


def visible_words(widget: QWidget) -> set[str]:
    return {label.text() for label in widget.findChildren(QLabel) if label.isVisible()}


def enter_dfu(key: str) -> DoThis:
    board = platform(key)
    words = Text("Test", "Hold MODE, tap RESET")
    return DoThis("enter-dfu", words, Text("Test", "Wait for yellow"), board, board.choreography("dfu"), Mode.DFU)


@pytest.mark.parametrize("board", [row.key for row in PLATFORMS])
def test_every_platform_has_a_drawing_with_light_and_buttons(qtbot: QtBot, board: str) -> None:
    view = BoardView(height=300)
    qtbot.addWidget(view)
    view.show_board(board, None)
    view.resize(300, 300)
    for element in ("led", "mode", "reset"):
        assert view.spot(element).width() > 4, element


@pytest.mark.usefixtures("still")
def test_the_drawn_board_shows_the_colour_of_its_pattern(qtbot: QtBot) -> None:
    view = BoardView(height=300)
    qtbot.addWidget(view)
    view.resize(300, 300)
    blue = next(found for found in PATTERNS if found.colour is Colour.BLUE and found.rhythm is Rhythm.SLOW_BLINK)
    view.show_board("core", blue)
    centre = view.spot("led").center().toPoint()
    assert near(picture(view), centre.x(), centre.y(), shown_colour(Colour.BLUE, dark=True))


@pytest.mark.usefixtures("still")
def test_a_practice_board_shows_its_own_light(qtbot: QtBot) -> None:
    view = BoardView(height=300)
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show_board("photon", None)
    view.show_rgb(0xFF00FF, 1.0)
    centre = view.spot("led").center().toPoint()
    assert near(picture(view), centre.x(), centre.y(), QColor(255, 0, 255))


def test_no_board_draws_a_cable_and_something_is_there_to_see(qtbot: QtBot) -> None:
    view = BoardView(height=240)
    qtbot.addWidget(view)
    view.resize(240, 240)
    image = picture(view)
    assert len({image.pixel(120, y) for y in range(0, 240, 2)}) > 3


def test_the_cable_moves_at_first_and_then_rests(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_view, "PLUG_TIMES", 0.05)
    view = BoardView(height=240)
    qtbot.addWidget(view)
    (timer,) = view.findChildren(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly)
    view.show()
    assert timer.isActive()
    qtbot.waitUntil(lambda: not timer.isActive())
    assert picture(view) == picture(view)


def test_pressing_a_drawn_button_says_which(qtbot: QtBot) -> None:
    view = BoardView(height=300)
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show_board("core", None)
    view.set_clickable(True)
    place = view.spot("mode").center().toPoint()
    with qtbot.waitSignal(view.button_pressed) as pressed:
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(view.button_released) as released:
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place)
    assert pressed.args == released.args == ["mode"]


def test_marks_are_drawn_beside_the_board(qtbot: QtBot) -> None:
    view = BoardView(height=300)
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show_board("core", None)
    before = picture(view)
    view.set_marks({"mode": (Mark.HOLD, "hold")})
    assert picture(view) != before


def test_a_light_moves_while_it_is_seen(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    pulse = Pulse(holder)
    pulse.set_running(True)
    pulse.play(next(found for found in PATTERNS if found.rhythm is Rhythm.BLINK))
    seen = set()
    for _ in range(4):
        with qtbot.waitSignal(pulse.beat, timeout=2000):
            pass
        seen.add(pulse.now()[1] > 0)
    assert seen == {True, False}


@pytest.mark.usefixtures("still")
def test_with_less_motion_every_light_stands_at_its_brightest_moment(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    pulse = Pulse(holder)
    pulse.set_running(True)
    for found in PATTERNS:
        pulse.play(found)
        colour, brightness = pulse.now()
        lit = any(frame.colour is not Colour.OFF for frame in found.frames)
        assert (brightness > 0) == lit, found.key
        assert (colour is not Colour.OFF) == lit, found.key


@pytest.mark.parametrize("kind", [Led, RhythmBar])
def test_every_pattern_can_be_drawn(qtbot: QtBot, kind: type[Led] | type[RhythmBar]) -> None:
    widget = kind()
    qtbot.addWidget(widget)
    widget.resize(120, 60)
    for found in PATTERNS:
        widget.show_pattern(found)
        assert not picture(widget).isNull()


def test_a_qr_code_names_its_text_and_has_a_quiet_zone(qtbot: QtBot) -> None:
    view = QrView()
    qtbot.addWidget(view)
    view.show_text("53ff6f065067544840551187")
    view.resize(view.sizeHint())
    image = picture(view)
    assert "53ff6f065067544840551187" in view.accessibleName()
    assert image.pixelColor(2, 2) == QColor("white")
    assert image.pixelColor(4 * 5 + 2, 4 * 5 + 2) == QColor("black")


def test_filters_keep_only_what_fits_and_nothing_chosen_keeps_all() -> None:
    assert fitting(PATTERNS, (), None, None) == PATTERNS
    reds = fitting(PATTERNS, (), Colour.RED, None)
    assert reds
    assert all(found.colour is Colour.RED for found in reds)
    assert fitting(reds, (), Colour.BLUE, None) == ()


def test_every_colour_and_rhythm_has_a_name_for_people() -> None:
    assert set(COLOUR_NAMES) == set(Colour)
    assert set(RHYTHM_NAMES) == set(Rhythm)


def test_the_guide_shows_every_light_of_the_board_and_filters_them(qtbot: QtBot) -> None:
    page = LightGuidePage()
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show_platform(platform("core"))
    page.show()
    expected = fitting(PATTERNS, platform("core").light_eras, None, None)
    assert len([card for card in page.findChildren(LightCard) if not card.isHidden()]) == len(expected)
    colour = page.findChildren(QComboBox)[1]
    colour.setCurrentIndex(colour.findData(Colour.YELLOW))
    shown = [card for card in page.findChildren(LightCard) if not card.isHidden()]
    assert len(shown) == len(fitting(PATTERNS, platform("core").light_eras, Colour.YELLOW, None))


def test_a_filter_that_leaves_nothing_says_so_and_leads_back(qtbot: QtBot) -> None:
    page = LightGuidePage()
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show()
    _, colour, rhythm = page.findChildren(QComboBox)
    colour.setCurrentIndex(colour.findData(Colour.YELLOW))
    rhythm.setCurrentIndex(rhythm.findData(Rhythm.SOS))
    back = next(button for button in page.findChildren(QPushButton) if "all lights" in button.text())
    assert back.isVisible()
    back.click()
    assert not back.isVisible()
    assert [card for card in page.findChildren(LightCard) if not card.isHidden()]


def test_a_card_starts_the_job_that_helps(qtbot: QtBot) -> None:
    card = LightCard(next(found for found in PATTERNS if found.recipe))
    qtbot.addWidget(card)
    with qtbot.waitSignal(card.chosen) as chosen:
        card.findChildren(QPushButton)[0].click()
    assert chosen.args[0] in {"join-wifi", "back-up-key"}


@pytest.mark.parametrize("board", [row.key for row in PLATFORMS])
def test_the_coach_marks_the_yellow_light_as_the_moment_to_let_go(board: str) -> None:
    choreography = platform(board).choreography("dfu")
    step = choreography.steps[target_step(choreography)]
    assert pattern(step.light).colour is Colour.YELLOW


def test_the_coach_shows_what_to_do_and_what_it_saw(qtbot: QtBot) -> None:
    coach = CoachView()
    qtbot.addWidget(coach)
    coach.show_question(enter_dfu("core"))
    coach.show()
    assert "Hold MODE, tap RESET" in visible_words(coach)
    coach.show_hint("MODE was let go too early.")
    assert "MODE was let go too early." in visible_words(coach)
    coach.show_question(enter_dfu("photon"))
    assert "MODE was let go too early." not in visible_words(coach)


@pytest.mark.parametrize("text_scale", TEXT_SCALES)
def test_the_words_beside_the_rings_are_not_cut(qtbot: QtBot, qapp: QApplication, text_scale: float) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    try:
        view = BoardView(height=270)
        qtbot.addWidget(view)
        view.show_board("core", None)
        view.set_marks({"mode": (Mark.HOLD, "hold"), "reset": (Mark.TAP, "tap")})
        view.resize(view.minimumSizeHint().width(), 270)
        image = view.grab().toImage()
        for edge in (0, 1, image.width() - 2, image.width() - 1):
            column = {image.pixel(edge, y) for y in range(image.height())}
            assert len(column) == 1, f"something is drawn at the very edge, in column {edge}"
        assert view.spot("mode").width() > 2
    finally:
        theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)
