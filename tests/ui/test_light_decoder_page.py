"""The light decoder in the window: choosing, tapping, counting, telling; as a page and as a question of a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot
from support.window import Desk

from app.clicks import Go, Screen
from app.platforms.lights import Colour, Rhythm
from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import text
from app.ui import theme
from app.ui.pages.decoder import DecoderPage
from app.ui.parts.decoder_panel import DecoderPanel, GuessCard
from app.ui.parts.swatches import Swatch, SwatchGroup, sample
from app.ui.parts.tap_pad import NEW_START, PadButton, TapPad
from app.ui.questions import TellLightView, view_for
from app.work.light_decoder import AGES, LightReading, Seen, kind_of
from app.work.light_words import likely_words
from app.work.questions import TellLight

MakeDesk = Callable[..., Desk]
W = TypeVar("W", bound=QWidget)
WORDS = text("Test", "Words.")
CORE = platform("core")
PHOTON = platform("photon")


@pytest.fixture(autouse=True)
def still(qapp: QApplication) -> Iterator[None]:
    """Less motion: nothing here needs the lights to move."""
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    yield
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)


class Fingers:
    """A panel on the screen, and somebody who uses it."""

    def __init__(self, qtbot: QtBot, panel: DecoderPanel | None = None) -> None:
        self.now = 100.0
        self.panel = panel or DecoderPanel(CORE, clock=lambda: self.now)
        qtbot.addWidget(self.panel)
        self.panel.resize(900, 900)
        self.panel.show()

    def find(self, kind: type[W], name: str) -> W:
        found = self.panel.findChild(kind, name)
        assert found is not None, name
        return found

    def choose(self, *keys: str) -> None:
        for key in keys:
            group, _, key = key.rpartition("/")
            holder = self.find(SwatchGroup, group) if group else self.panel
            (swatch,) = [each for each in holder.findChildren(Swatch) if each.objectName() == f"swatch-{key}"]
            QTest.mouseClick(swatch, Qt.MouseButton.LeftButton)

    def tap(self, *gaps: float) -> None:
        pad = self.find(PadButton, "tap")
        for gap in gaps:
            self.now += gap
            QTest.keyClick(pad, Qt.Key.Key_Space)

    def press(self, name: str) -> None:
        QTest.mouseClick(self.find(QPushButton, name), Qt.MouseButton.LeftButton)

    def seen(self) -> Seen:
        return self.panel.seen

    def best(self) -> str:
        assert self.panel.reading is not None
        return self.panel.reading.guesses[0].pattern.key

    def shown(self) -> list[str]:
        cards = [each for each in self.panel.findChildren(GuessCard) if each.isVisible()]
        return [each.objectName().removeprefix("guess-") for each in sorted(cards, key=lambda each: each.y())]

    def words(self) -> str:
        return "\n".join(each.text() for each in self.panel.findChildren(QLabel) if each.isVisible())


def test_a_sample_moves_in_its_rhythm_and_has_no_colour_but_its_own() -> None:
    for colour, rhythm in product(Colour, Rhythm):
        made = sample(colour, rhythm)
        assert (made.colour, made.rhythm) == (colour, rhythm)
        assert {frame.colour for frame in made.frames} <= {colour, Colour.OFF}
        assert made.period_ms == sample(Colour.WHITE, rhythm).period_ms


@pytest.mark.parametrize("age", ["", *AGES])
def test_for_any_board_an_age_of_firmware_leaves_the_boot_loader_and_the_special_cases(qtbot: QtBot, age: str) -> None:
    hand = Fingers(qtbot, DecoderPanel())
    choice = hand.find(QComboBox, "decoder-age")
    choice.setCurrentIndex(choice.findData(age))
    assert {"boot-loader", "panic", "special"} <= set(hand.panel.eras)
    assert set(hand.panel.eras) & set(AGES) == ({age} if age else set(AGES))


def test_likelihoods_have_words_that_rise_with_them() -> None:
    words = [likely_words(percent / 100) for percent in range(101)]
    assert len(set(words)) == 4
    assert all(words.index(each) <= place for place, each in enumerate(words))
    assert [words.count(each) for each in dict.fromkeys(words)] == [10, 40, 35, 16]


def test_nothing_said_says_what_to_do_and_guesses_nothing(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    assert hand.panel.reading is None
    assert hand.panel.summary() == ""
    assert "Choose the colour" in hand.words()
    assert hand.shown() == []


def test_colour_and_rhythm_give_the_meaning_at_once_and_the_job_that_helps(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("BLUE", "slow-blink")
    assert kind_of(hand.best()) == "listening"
    assert hand.shown()[0] == hand.best()
    assert "Slowly blinking blue" in hand.panel.summary()
    assert "Choose the colour" not in hand.words()
    card = hand.find(GuessCard, f"guess-{hand.best()}")
    assert card.start is not None
    with qtbot.waitSignal(hand.panel.chosen) as chosen:
        QTest.mouseClick(card.start, Qt.MouseButton.LeftButton)
    assert chosen.args == ["join-wifi"]


def test_a_job_s_question_starts_no_other_job(qtbot: QtBot) -> None:
    hand = Fingers(qtbot, DecoderPanel(CORE, CORE.light_eras, starts=False))
    hand.choose("BLUE", "slow-blink")
    assert hand.find(GuessCard, f"guess-{hand.best()}").start is None
    assert not hand.find(QPushButton, "see-all-lights").isVisible()
    assert not hand.find(QComboBox, "decoder-board").isVisible()


def test_the_arrow_keys_choose_and_tab_goes_on(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.panel.activateWindow()
    first = hand.panel.first_focus()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    QTest.keyClick(first, Qt.Key.Key_Space)
    assert hand.seen().colour is Colour.RED
    QTest.keyClick(first, Qt.Key.Key_Right)
    assert hand.seen().colour is Colour.GREEN
    QTest.keyClick(hand.find(Swatch, "swatch-GREEN"), Qt.Key.Key_Left)
    QTest.keyClick(first, Qt.Key.Key_Left)
    assert hand.find(SwatchGroup, "colours").key == "unknown"
    QTest.keyClick(hand.find(SwatchGroup, "colours").first_focus(), Qt.Key.Key_Up)
    assert hand.seen().colour not in (None, Colour.RED)
    hand.choose("GREEN")
    reached = [each for each in hand.find(SwatchGroup, "colours").findChildren(Swatch) if tab_comes_by(each)]
    assert [each.objectName() for each in reached] == ["swatch-GREEN"]


def tab_comes_by(part: QWidget) -> bool:
    return bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus & ~Qt.FocusPolicy.ClickFocus)


def test_each_sample_and_each_guess_says_in_words_what_it_shows(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("RED")
    for swatch in hand.panel.findChildren(Swatch):
        assert swatch.accessibleName()
        assert swatch.accessibleName() in [each.text() for each in swatch.findChildren(QLabel)]
    for card in hand.panel.findChildren(GuessCard):
        assert any("%" in each.text() for each in card.findChildren(QLabel))


def test_no_light_asks_for_the_small_one_and_not_for_a_rhythm(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("RED", "sos")
    hand.choose("OFF")
    assert not hand.find(SwatchGroup, "rhythms").isVisible()
    assert not hand.find(PadButton, "tap").isVisible()
    hand.choose("small-blue/yes")
    assert hand.best() == "special-core.no-firmware"
    hand.choose("small-blue/no")
    assert hand.best() == "special.no-light"
    hand.choose("RED")
    assert hand.find(SwatchGroup, "rhythms").isVisible()
    assert (hand.seen().rhythm, hand.seen().small_blue) == (None, None)


def test_taps_choose_the_rhythm_and_say_so(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("BLUE")
    hand.tap(*[0.5] * 8)
    assert hand.seen().rhythm is Rhythm.SLOW_BLINK
    assert hand.seen().period_ms == pytest.approx(500, rel=0.05)
    assert hand.find(SwatchGroup, "rhythms").key == "slow-blink"
    assert "Slow blinking" in hand.words()
    assert kind_of(hand.best()) == "listening"
    hand.press("clear-taps")
    assert (hand.seen().rhythm, hand.seen().period_ms) == (None, None)
    assert hand.find(SwatchGroup, "rhythms").key is None
    assert hand.seen().colour is Colour.BLUE


def test_tapping_alone_is_enough_for_a_reading(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.tap(*[0.5] * 8)
    assert hand.panel.reading is not None
    assert hand.panel.reading.guesses[0].pattern.rhythm is Rhythm.SLOW_BLINK


def test_choosing_a_rhythm_by_hand_sets_the_taps_aside(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.tap(*[0.5] * 8)
    hand.choose("breathing")
    assert hand.seen().rhythm is Rhythm.BREATHING
    assert hand.seen().period_ms is None
    assert not hand.find(QPushButton, "clear-taps").isEnabled()


def test_a_held_key_is_one_tap_and_a_long_silence_begins_anew(qtbot: QtBot) -> None:
    now = [0.0]
    pad = TapPad(lambda: now[0])
    qtbot.addWidget(pad)
    key = pad.findChild(PadButton)
    assert key is not None
    for repeated in (False, True, True):
        event = key_press(repeated=repeated)
        QApplication.sendEvent(key, event)
    assert list(pad.taps) == now
    now[0] = 0.4
    QTest.mousePress(key, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(key, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(key, Qt.MouseButton.LeftButton)
    assert len(pad.taps) >= 3
    now[0] += NEW_START + 0.1
    QTest.keyClick(key, Qt.Key.Key_Return)
    assert list(pad.taps) == now


def key_press(*, repeated: bool) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", repeated)


def test_the_blinks_after_an_sos_are_counted_and_name_the_panic(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    assert not hand.find(QSpinBox, "count").isVisible()
    hand.choose("RED", "sos")
    assert "after" in hand.find(QSpinBox, "count").accessibleName() or "follow" in hand.words()
    for _ in range(8):
        hand.press("count-up")
    assert hand.seen().count == 8
    assert hand.best() == "panic.out-of-heap"
    assert hand.panel.reading is not None
    assert hand.panel.reading.panic == 8
    hand.choose("solid")
    assert hand.seen().count is None
    assert not hand.find(QSpinBox, "count").isVisible()


def an_open_question(hand: Fingers) -> None:
    for colour in Colour:
        for rhythm in ("counted", "slow-blink", "blink", "fast-blink"):
            if colour is not Colour.OFF:
                hand.choose(colour.name, rhythm)
                reading = hand.panel.reading
                if reading is not None and reading.telling is not None:
                    assert hand.find(QPushButton, "tell-unsure").isVisible()
                    return
    raise AssertionError("no colour and rhythm leave anything open")


def test_the_question_that_tells_is_answered_by_a_button_and_can_be_taken_back(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    an_open_question(hand)
    reading = hand.panel.reading
    assert reading is not None
    assert reading.telling is not None
    key, option = reading.telling.key, reading.telling.options[0].key
    hand.press(f"tell-{option}")
    assert hand.seen().told == ((key, option),)
    assert hand.panel.reading is not None
    assert hand.panel.reading.telling != reading.telling
    assert hand.panel.reading.guesses != reading.guesses
    hand.press("take-back")
    assert hand.panel.reading == reading
    hand.press("tell-unsure")
    assert hand.seen().told == ((key, ""),)
    hand.choose("GREEN")
    assert hand.seen().told == ()


def test_the_question_that_tells_waits_for_colour_and_rhythm_and_never_asks_what_is_asked_beside_it(
    qtbot: QtBot,
) -> None:
    hand = Fingers(qtbot)
    for colour, rhythm in (
        (Colour.RED, Rhythm.COUNTED),
        (Colour.RED, Rhythm.SOS),
        (Colour.ORANGE, Rhythm.BLINK),
        (Colour.CYAN, Rhythm.BREATHING),
    ):
        hand.panel.start_over()
        hand.choose(f"colours/{colour.name}")
        assert not hand.find(QPushButton, "tell-unsure").isVisible()
        assert "how it moves" in hand.words()
        hand.choose(rhythm.value)
        reading = hand.panel.reading
        assert reading is not None
        assert hand.find(QPushButton, "tell-unsure").isVisible() is (reading.telling is not None)
        assert reading.telling is None or reading.telling.key != "count" or rhythm not in (Rhythm.COUNTED, Rhythm.SOS)


def test_start_over_forgets_everything_but_the_board(qtbot: QtBot) -> None:
    page = DecoderPage()
    hand = Fingers(qtbot, page.panel)
    qtbot.addWidget(page)
    hand.panel.show_platform(PHOTON)
    hand.choose("BLUE")
    hand.tap(*[0.5] * 8)
    hand.panel.start_over()
    assert hand.panel.reading is None
    assert hand.find(SwatchGroup, "colours").key is None
    assert hand.find(SwatchGroup, "rhythms").key is None
    assert hand.panel.eras == PHOTON.light_eras


def test_what_usb_says_of_the_mode_counts_only_for_the_board_it_says_it_of(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("ORANGE", "blink")
    assert kind_of(hand.best()) != "dfu"
    hand.panel.show_mode(CORE, Mode.DFU)
    assert kind_of(hand.best()) == "dfu"
    hand.panel.show_mode(PHOTON, Mode.DFU)
    assert kind_of(hand.best()) != "dfu"


def test_the_age_of_the_firmware_tells_red_from_orange(qtbot: QtBot) -> None:
    hand = Fingers(qtbot)
    hand.choose("ORANGE", "counted")
    age = hand.find(QComboBox, "decoder-age")
    age.setCurrentIndex(age.findData("core-2014"))
    assert not [key for key in hand.shown() if key.startswith(("up-to-0.6", "from-0.7"))]
    hand.find(QComboBox, "decoder-board").setCurrentIndex(hand.find(QComboBox, "decoder-board").findData("photon"))
    assert age.findData("core-2014") == -1


def test_a_job_s_question_is_answered_by_the_reading(qtbot: QtBot) -> None:
    view = view_for(TellLight("light", WORDS, WORDS, PHOTON))
    assert isinstance(view, TellLightView)
    qtbot.addWidget(view)
    view.resize(900, 900)
    view.show()
    answers: list[LightReading] = []
    view.answered.connect(answers.append)
    go = view.findChild(QPushButton, "light-go")
    unseen = view.findChild(QPushButton, "light-unseen")
    panel = view.findChild(DecoderPanel)
    assert go is not None
    assert unseen is not None
    assert panel is not None
    assert not go.isEnabled()
    hand = Fingers(qtbot, panel)
    hand.choose("CYAN", "breathing")
    go.click()
    assert kind_of(answers[0].best) == "cloud-connected"
    assert answers[0].seen == panel.seen
    unseen.click()
    assert not answers[1].could_see


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_no_words_of_a_full_page_are_cut_in_a_narrow_window(qtbot: QtBot, qapp: QApplication, scale: float) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=scale, reduced_motion=True)
    page = DecoderPage()
    qtbot.addWidget(page)
    page.resize(round(330 + 120 * scale), 620)
    page.show()
    hand = Fingers(qtbot, page.panel)
    page.content.insertWidget(1, page.panel)
    hand.choose("RED", "counted")
    hand.tap(*[0.5] * 8)
    qtbot.waitUntil(lambda: not cut(page), timeout=2000)
    inner = page.panel.parentWidget()
    assert inner is not None
    assert inner.width() <= page.scroller.viewport().width()


def cut(page: QWidget) -> list[str]:
    return [
        each.text()
        for each in page.findChildren(QLabel)
        if each.isVisible()
        and each.text()
        and each.height() < (each.heightForWidth(each.width()) if each.wordWrap() else each.sizeHint().height())
    ]


def test_ctrl_d_opens_it_without_a_board_and_escape_goes_back(desk: MakeDesk) -> None:
    empty = desk("core", plugged=False, practice=False)
    empty.window.activateWindow()
    empty.qtbot.waitUntil(empty.window.isActiveWindow)
    QTest.keyClick(empty.window, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    empty.wait_for_screen(Screen.DECODER)
    QTest.keyClick(empty.window, Qt.Key.Key_Escape)
    empty.wait_for_screen(Screen.HOME)
    empty.click("card-decoder")
    empty.wait_for_screen(Screen.DECODER)
    empty.click("see-all-lights")
    empty.wait_for_screen(Screen.GUIDE)
    empty.click("find-light")
    empty.wait_for_screen(Screen.DECODER)


def test_the_board_on_the_table_is_chosen_and_its_light_leads_to_a_plan(desk: MakeDesk, tmp_path: Path) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.click("card-decoder")
    page = photon.window.page(Screen.DECODER)
    assert isinstance(page, DecoderPage)
    assert page.panel.eras == PHOTON.light_eras
    for key in ("BLUE", "slow-blink"):
        (swatch,) = [each for each in page.findChildren(Swatch) if each.objectName() == f"swatch-{key}"]
        QTest.mouseClick(swatch, Qt.MouseButton.LeftButton)
    assert page.panel.reading is not None
    photon.click(f"about-{page.panel.reading.guesses[0].pattern.key}")
    photon.wait_for_screen(Screen.MODES)
    photon.window.dispatch(Go(Screen.DECODER))
    assert page.panel.seen.colour is Colour.BLUE
    answer = page.panel.first_answer()
    assert isinstance(answer, QPushButton)
    QTest.mouseClick(answer, Qt.MouseButton.LeftButton)
    assert photon.screen is Screen.PLAN
    assert photon.window.state.recipe == "join-wifi"
