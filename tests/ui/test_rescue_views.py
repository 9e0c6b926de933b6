"""The flash X-ray, the plan to agree to, the light to watch, and where they are shown: from hand-made objects."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from support.rescue_samples import KB, PLAN, REVIEW, SHORT_REVIEW, SICK, WATCH, WELL, slot_of

from app.clicks import Click, Go, RunBegan, Screen
from app.platforms.model import Mode
from app.platforms.table import platform
from app.recipes.base import Fit, Group, Promise, Recipe
from app.recipes.read_identity import ReadIdentity
from app.text import text
from app.transports.base import Sighting
from app.ui import say, theme
from app.ui.pages import base, home
from app.ui.parts import watch_view, xray_view
from app.ui.parts.fold import Fold, FoldButton
from app.ui.parts.led import Led
from app.ui.parts.plan_view import PlanView, WriteCard, changed_words
from app.ui.parts.watch_view import StageCard, expected_seconds
from app.ui.parts.xray_view import Gauge, SlotRow, XrayMap, XrayView, paint_state, slot_words, xray_text
from app.ui.questions import ReviewView, WatchLightView
from app.ui.settings import Settings
from app.ui.shell import SMALLEST, Shell
from app.work.board import Board
from app.work.events import (
    Answered,
    Asked,
    BoardsChanged,
    Event,
    Outcome,
    PlanReady,
    StepPlan,
    StepProgress,
    StepStarted,
    Succeeded,
)
from app.work.plan import HEALTH_WORDS, STATE_WORDS, Health, RescuePlan, SlotState
from app.work.questions import LightStage, Question

WORDS = text("Test", "Words.")
PHOTON = platform("photon")


class Orders:
    """An engine that takes every order and does nothing."""

    def __getattr__(self, _name: str) -> Callable[..., int]:
        return lambda *_given, **_more: 1


def board() -> Board:
    ids = PHOTON.ids[Mode.DFU]
    return Board(Sighting("1-2", 5, ids.vendor, ids.product, "5c" * 12, None, 0x0251, None), PHOTON, Mode.DFU)


@pytest.fixture(autouse=True)
def look(qapp: QApplication) -> Iterator[None]:
    """The light look without motion, and English figures."""
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    QLocale.setDefault(QLocale("en_US"))
    yield
    QLocale.setDefault(QLocale.c())
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)


@pytest.fixture
def shell(qtbot: QtBot, tmp_path: Path) -> Shell:
    """A window of the smallest size with a Photon."""
    engine: Any = Orders()
    made = Shell(engine, Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(made)
    made.resize(SMALLEST)
    made.show()
    made.dispatch(BoardsChanged((board(),)))
    return made


def ask(shell: Shell, question: Question) -> list[object]:
    """Bring a run to a question; what is answered comes into the list."""
    given: list[object] = []
    steps = tuple(StepPlan(WORDS, None, 1.0, True) for _ in range(6))
    begin: tuple[Event | Click, ...] = (
        RunBegan(1, "read-id", board(), True),
        PlanReady(1, "read-id", WORDS, steps),
        StepStarted(1, 0),
        Asked(1, question, given.append),
    )
    for event in begin:
        shell.dispatch(event)
    QTest.qWait(20)
    return given


def end(shell: Shell, outcome: Outcome) -> None:
    shell.dispatch(RunBegan(1, "read-id", board()))
    shell.dispatch(Succeeded(1, outcome))
    QTest.qWait(20)


def words_of(part: QWidget) -> str:
    return "\n".join(each.text() for each in part.findChildren(QLabel) if not each.isHidden())


def the(part: QWidget, name: str) -> QPushButton:
    (found,) = part.findChildren(QPushButton, name)
    return found


def click(part: QWidget) -> None:
    QTest.mouseClick(part, Qt.MouseButton.LeftButton)


def rows_of(part: QWidget) -> list[SlotRow]:
    return part.findChildren(SlotRow)


def shown(qtbot: QtBot, part: QWidget) -> QWidget:
    qtbot.addWidget(part)
    part.resize(600, 800)
    part.show()
    return part


# --- the X-ray ------------------------------------------------------------------------------------------------------


def test_every_row_says_name_state_content_and_size_to_a_screen_reader(qtbot: QtBot) -> None:
    view = shown(qtbot, XrayView(SICK))
    said = [row.accessibleName() for row in rows_of(view)]
    assert len(said) == len(SICK.slots)
    part_2 = said[[slot.region for slot in SICK.slots].index("system-2")]
    assert part_2 == (
        "System part 2: Damaged. System part 2, 0.6.3. Its checksum is wrong: a part of it was not written. "
        "115.2 kB of 256 kB."
    )
    assert rows_of(view)[0].accessibleDescription() == "0x08000000 to 0x08003FFF"


def test_states_differ_in_word_and_sign_and_not_in_colour_only() -> None:
    signs = {}
    for state in SlotState:
        image = QImage(72, 72, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        painter.scale(4, 4)
        paint_state(painter, state, QColor("black"), QColor("white"))
        painter.end()
        signs[state] = bytes(image.constBits())
    assert len({say.say(words) for words in STATE_WORDS.values()}) == len(SlotState)
    for one, other in itertools.combinations(SlotState, 2):
        assert signs[one] != signs[other], (one, other)
    assert set(HEALTH_WORDS) == set(xray_view.HEALTH_BOXES) == set(xray_view.HEALTH_STATES) == set(Health)


def test_keys_are_kept_and_never_shown(qtbot: QtBot) -> None:
    kept = replace(slot_of("dct-copy-1"), what=text("Test", "keys and settings, never shown"))
    xray = replace(SICK, slots=(kept,))
    view = shown(qtbot, XrayView(xray))
    rows_of(view)[0].click()
    everything = words_of(view) + xray_text(xray)
    assert "Kept" in everything
    assert "Keys and settings, never shown" in everything
    assert "SHA" not in everything


def test_the_keyboard_walks_the_rows_and_opens_one(qtbot: QtBot) -> None:
    view = shown(qtbot, XrayView(SICK))
    rows = rows_of(view)
    assert [row.focusPolicy() for row in rows].count(Qt.FocusPolicy.StrongFocus) == 1
    rows[0].take_focus()
    for key, place in ((Qt.Key.Key_Down, 1), (Qt.Key.Key_End, -1), (Qt.Key.Key_Up, -2), (Qt.Key.Key_Home, 0)):
        QTest.keyClick(view.focusWidget(), key)
        assert view.focusWidget() is rows[place]
        assert [row for row in rows if row.focusPolicy() is Qt.FocusPolicy.StrongFocus] == [rows[place]]
    assert "0x08000000" not in words_of(rows[0])
    QTest.keyClick(rows[0], Qt.Key.Key_Return)
    assert "0x08000000 to 0x08003FFF" in words_of(rows[0])
    assert "Module version 7" in words_of(rows[0])
    assert "5c5c5c5c" in words_of(rows[0])
    QTest.keyClick(rows[0], Qt.Key.Key_Space)
    assert "0x08000000" not in words_of(rows[0])


def test_a_row_in_another_memory_says_which() -> None:
    slot = replace(slot_of("ota"), alt=1, start=0x60000)
    assert xray_view.place_words(slot.alt, slot.start, slot.size) == "0x00060000 to 0x0009FFFF, USB memory 1"


def test_what_is_in_an_empty_slot_is_not_said_twice() -> None:
    assert slot_words(slot_of("ota")) == "Download area: Empty. 256 kB."


def test_the_whole_xray_is_copied_as_text(qtbot: QtBot) -> None:
    view = shown(qtbot, XrayView(SICK))
    (copy,) = view.findChildren(base.CopyButton)
    assert copy.accessibleName() == "Copy X-ray"
    click(copy)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "Particle Photon: Something is wrong, and it can be repaired over USB."
    assert lines[1] == "- System part 2 is damaged, so the board cannot start."
    assert [line for line in lines if line.startswith("0x08060000 to 0x0809FFFF: System part 2: Damaged.")]
    assert sum(line.startswith("0x") for line in lines) == len(SICK.slots)


def test_a_slot_in_the_strip_leads_to_its_row(qtbot: QtBot) -> None:
    view = shown(qtbot, XrayView(SICK))
    (strip,) = view.findChildren(XrayMap)
    parts = strip.parts()
    assert len(parts) == len(SICK.slots)
    assert parts[-1].right() <= strip.width() + 0.01
    assert all(one.right() < other.left() for one, other in itertools.pairwise(parts))
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=parts[5].center().toPoint())
    assert view.focusWidget() is rows_of(view)[5]
    QTest.mouseMove(strip, QPoint(parts[5].center().toPoint()))
    QTest.qWait(1)
    assert "System part 2" in strip.toolTip()


def test_an_xray_of_nothing_says_so(qtbot: QtBot) -> None:
    view = shown(qtbot, XrayView(replace(WELL, slots=(), platform="not-a-board")))
    assert "Nothing was looked at." in words_of(view)
    assert xray_text(replace(WELL, slots=(), platform="not-a-board")).startswith("not-a-board: Nothing wrong")


@pytest.mark.parametrize("share", [-1.0, 0.0, 0.001, 0.5, 1.0, 7.0])
def test_a_gauge_is_filled_as_far_as_its_share(qtbot: QtBot, share: float) -> None:
    gauge = Gauge(share, "danger")
    qtbot.addWidget(gauge)
    gauge.resize(200, 10)
    image = gauge.grab().toImage()
    filled = QColor(theme.tokens().danger)
    red = sum(image.pixelColor(x, 5) == filled for x in range(200))
    assert red == pytest.approx(max(10 if share > 0 else 0, 200 * min(1.0, max(0.0, share))), abs=4)


# --- the plan -------------------------------------------------------------------------------------------------------


def test_the_plan_says_what_goes_where_in_which_order_why_and_how_long(qtbot: QtBot) -> None:
    view = shown(qtbot, PlanView(PLAN))
    cards = view.findChildren(WriteCard)
    assert [card.findChildren(QLabel)[0].text() for card in cards] == ["1", "2", "3", "4", "5"]
    second = words_of(cards[1]).replace("\u200b", "")
    for words in (
        "System part 1, 2.2.0",
        "about 9 s",
        "System part 2 needs it, so it is written before it.",
        "60 kB of 244.3 kB really change.",
        "Goes to: System part 1, 0x08020000. Comes from: photon-system-1@2.2.0.bin",
    ):
        assert words in second
    everything = words_of(view)
    assert "5 things to write, 522.2 kB, about 1 min 35 s in all." in everything
    for line in (*PLAN.warnings, *PLAN.needs, *PLAN.stays, *PLAN.xray.verdict.reasons):
        assert say.say(line) in everything


def test_how_much_changes_is_said_in_its_own_words() -> None:
    write = replace(PLAN.writes[0], size=64 * KB)
    said = [changed_words(replace(write, changed=changed)) for changed in (None, 0, 1024, 64 * KB)]
    assert said == [
        "64 kB. How much of it really changes is seen while it is written.",
        "Already there: nothing of its 64 kB has to be written.",
        "1 kB of 64 kB really change.",
        "All of it is written: 64 kB.",
    ]
    assert changed_words(replace(write, size=1, changed=1)) == "It is one byte."


def test_a_plan_that_writes_nothing_or_one_thing_says_so(qtbot: QtBot) -> None:
    assert "Nothing has to be written." in words_of(shown(qtbot, PlanView(replace(PLAN, writes=()))))
    one = words_of(shown(qtbot, PlanView(replace(PLAN, writes=PLAN.writes[:1], seconds=2))))
    assert "One thing to write, 15.6 kB, about 2 s in all." in one


@pytest.mark.parametrize(("plan", "opened"), [(PLAN, False), (SHORT_REVIEW.plan, True)])
def test_a_long_xray_is_folded_and_a_short_one_is_open(qtbot: QtBot, plan: RescuePlan, opened: bool) -> None:
    view = shown(qtbot, PlanView(plan))
    (fold,) = view.findChildren(Fold)
    assert fold.inside.isVisible() is opened
    click(fold.button)
    assert fold.inside.isVisible() is not opened
    assert fold.button.accessibleDescription() == ("closed" if opened else "open")


def test_yes_and_no_stay_in_sight_however_long_the_plan_is(shell: Shell) -> None:
    given = ask(shell, REVIEW)
    page: Any = shell.page(Screen.RUN)
    bar = page.scroller.verticalScrollBar()
    assert bar.maximum() > 0
    yes = the(shell, "review-yes")
    for place in (0, bar.maximum()):
        bar.setValue(place)
        assert not yes.visibleRegion().isEmpty()
        assert shell.rect().contains(yes.mapTo(shell, yes.rect().bottomRight()))
    assert not the(shell, "stop").isVisible()
    click(yes)
    assert given == [True]
    assert the(shell, "stop").isVisible()
    assert shell.focusWidget() is the(shell, "stop")


def test_no_is_an_answer_too_and_leaves_no_button_behind(shell: Shell) -> None:
    given = ask(shell, REVIEW)
    click(the(shell, "review-no"))
    QTest.qWait(1)
    assert given == [False]
    assert not shell.findChildren(QPushButton, "review-no")


def test_a_warning_wants_to_be_read_before_yes(shell: Shell) -> None:
    ask(shell, REVIEW)
    assert shell.focusWidget() is the(shell, "review-no")
    shell.dispatch(Answered(1, REVIEW.name))
    QTest.qWait(1)
    ask(shell, SHORT_REVIEW)
    assert shell.focusWidget() is the(shell, "review-yes")


def test_the_plan_begins_at_its_title_and_the_keyboard_turns_its_pages(shell: Shell) -> None:
    ask(shell, REVIEW)
    page: Any = shell.page(Screen.RUN)
    bar = page.scroller.verticalScrollBar()
    (view,) = shell.findChildren(ReviewView)
    assert bar.value() == view.y() - theme.SPACE * 2
    before = bar.value()
    QTest.keyClick(the(shell, "review-no"), Qt.Key.Key_PageDown)
    assert bar.value() > before
    QTest.keyClick(the(shell, "review-no"), Qt.Key.Key_PageUp)
    assert bar.value() == before


def test_opening_the_xray_keeps_the_place(shell: Shell) -> None:
    ask(shell, REVIEW)
    page: Any = shell.page(Screen.RUN)
    bar = page.scroller.verticalScrollBar()
    bar.setValue(bar.value() + 40)
    place = bar.value()
    (heading,) = shell.findChildren(FoldButton)
    click(heading)
    QTest.qWait(30)
    assert rows_of(shell)[0].isVisible()
    assert bar.value() == place


# --- the light ------------------------------------------------------------------------------------------------------


def test_each_stage_shows_its_light_rhythm_words_and_time(shell: Shell) -> None:
    ask(shell, WATCH)
    cards = shell.findChildren(StageCard)
    assert "1.  Blinking orange" in words_of(cards[0])
    assert "about 40 s" in words_of(cards[0])
    assert "It patches its radio, in up to five attempts." in words_of(cards[0])
    assert [len(card.findChildren(Led)) for card in cards] == [1, 1, 1]


def test_a_button_says_what_the_light_does(shell: Shell) -> None:
    given = ask(shell, WATCH)
    assert shell.focusWidget() is the(shell, "light-done")
    click(the(shell, "light-frozen"))
    assert given == ["frozen"]


def test_the_light_view_ends_by_itself_when_usb_shows_it(shell: Shell) -> None:
    ask(shell, replace(WATCH, until=Mode.DFU))
    (view,) = shell.findChildren(WatchLightView)
    assert shell.focusWidget() is not the(shell, "light-done")
    assert "It goes on by itself as soon as the program sees that the board is done." in words_of(view)
    shell.dispatch(Answered(1, WATCH.name))
    QTest.qWait(1)
    assert not shell.findChildren(WatchLightView)


def test_a_light_nobody_knows_is_still_told_in_words(qtbot: QtBot) -> None:
    card = shown(qtbot, StageCard(2, LightStage("no-such-light", text("Test", "It goes dark."), 3)))
    assert words_of(card) == "2.  It goes dark.\nabout 3 s"


@pytest.mark.parametrize(("reduced", "busy"), [(True, False), (False, True)])
def test_nothing_moves_against_the_wish(qtbot: QtBot, qapp: QApplication, reduced: bool, busy: bool) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=reduced)
    view = WatchLightView(replace(WATCH, options=()))
    qtbot.addWidget(view)
    assert view.first_focus() is None
    assert (view.findChildren(QProgressBar)[0].maximum() == 0) is busy


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [((), None), ((None,), None), ((5,), 5), ((5, None), 5), ((5, 6), 11), ((None, 6), None), ((5, None, 6), None)],
)
def test_how_long_the_light_takes_is_known_only_when_each_part_is(
    lengths: tuple[float | None, ...], expected: float | None
) -> None:
    assert expected_seconds(tuple(LightStage("x", WORDS, length) for length in lengths)) == expected


def test_the_time_so_far_is_counted(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    known, unknown = (watch_view.WatchView(question) for question in (WATCH, replace(WATCH, stages=WATCH.stages[-1:])))
    said = []
    for later in (0.0, 12.0, 75.0):
        now[0] = 100.0 + later
        for view in (known, unknown):
            qtbot.addWidget(view)
            view.show_time()
            said.append(next(words for words in words_of(view).splitlines() if "So far" in words or "Watch" in words))
    assert said == [
        "Watch the light.",
        "Watch the light.",
        "So far: 12 s of about 1 min.",
        "So far: 12 s.",
        "So far: 1 min 15 s. That is longer than usual, but give it a little more.",
        "So far: 1 min 15 s.",
    ]


# --- result, run, home ----------------------------------------------------------------------------------------------


def test_the_result_shows_the_xray_and_goes_on_with_another_recipe(shell: Shell) -> None:
    end(shell, Outcome(WORDS, xray=SICK, next_recipes=("no-such-recipe", "back-up-key", "read-id")))
    cards = [card for card in shell.findChildren(base.CardButton) if card.objectName().startswith("next-")]
    assert [card.objectName() for card in cards] == ["next-back-up-key", "next-read-id"]
    assert shell.focusWidget() is cards[0]
    assert not any(row.isVisible() for row in rows_of(shell))
    (heading,) = [part for part in shell.findChildren(FoldButton) if part.isVisible()]
    click(heading)
    assert all(row.isVisible() for row in rows_of(shell))
    click(cards[0])
    assert (shell.state.screen, shell.state.recipe) == (Screen.PLAN, "back-up-key")


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_is_not_reached_yet_has_no_tick(shell: Shell, unfinished: bool) -> None:
    end(shell, Outcome(WORDS, unfinished=unfinished))
    page = shell.page(Screen.RESULT)
    marks = [part for part in page.findChildren(QWidget) if isinstance(part, base.StepMark | xray_view.SlotMark)]
    assert [type(mark) for mark in marks if mark.isVisible()] == [xray_view.SlotMark if unfinished else base.StepMark]


def test_a_reason_of_the_verdict_is_not_warned_of_twice(shell: Shell) -> None:
    end(shell, Outcome(WORDS, warnings=SICK.verdict.reasons, xray=SICK))
    assert words_of(shell.page(Screen.RESULT)).count(say.say(SICK.verdict.reasons[0])) == 1


def test_only_keys_lead_to_the_key_safe(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    for folder, leads in (("keys/53ff", True), ("practice-keys/53ff", True), ("boards/53ff", False)):
        end(shell, Outcome(WORDS, kept=(str(tmp_path / folder / "one.bin"),)))
        page = shell.page(Screen.RESULT)
        names = [part.accessibleName() for part in page.findChildren(QPushButton) if part.isVisible()]
        assert ("Open the key safe" in names) is leads
        shell.dispatch(Go(Screen.HOME))


def test_many_files_that_were_kept_are_counted_first(shell: Shell) -> None:
    for count in (2, 3):
        end(shell, Outcome(WORDS, kept=tuple(f"/boards/53ff/{number}.bin" for number in range(count))))
        page = shell.page(Screen.RESULT)
        headings = [part.text() for part in page.findChildren(FoldButton) if part.isVisible()]
        assert headings == ([] if count == 2 else ["3 files"])
        (name,) = [part for part in page.findChildren(QLabel) if part.text() == "1.bin" and part.window() is shell]
        assert name.isVisible() is (count == 2)
        shell.dispatch(Go(Screen.HOME))


def test_a_tick_stands_only_before_good_news(shell: Shell) -> None:
    for xray, sign in ((SICK, xray_view.SlotMark), (WELL, base.StepMark), (None, base.StepMark)):
        end(shell, Outcome(text("Test", "It ended."), xray=xray))
        page: Any = shell.page(Screen.RESULT)
        marks = [
            part
            for part in page.findChildren(QWidget)
            if isinstance(part, base.StepMark | xray_view.SlotMark) and part.isVisible()
        ]
        assert isinstance(marks[0], sign)
        shell.dispatch(Go(Screen.HOME))


def test_a_run_that_moves_bytes_says_how_many_how_fast_and_how_long(shell: Shell) -> None:
    ask(shell, WATCH)
    shell.dispatch(Answered(1, WATCH.name))
    page = shell.page(Screen.RUN)
    shell.dispatch(StepProgress(1, 0, 0.37, 92 * KB, 256 * KB, 42.4 * KB, 6.2))
    assert "92 kB of 256 kB · 42 kB/s · about 6 s left" in words_of(page)
    assert "37 %" in words_of(page)
    shell.dispatch(StepProgress(1, 0, 0.38, 3, 10, 0.0, 130.0))
    assert "\nabout 2 min 10 s left\n" in words_of(page)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en_US",
            ("512 bytes", "3.4 kB", "256 kB", "2 MB", "1.5 MB", "900 bytes/s", "3.4 kB/s", "42 kB/s", "1.2 MB/s"),
        ),
        (
            "de_DE",
            ("512 Bytes", "3,4 kB", "256 kB", "2 MB", "1,5 MB", "900 Bytes/s", "3,4 kB/s", "42 kB/s", "1,2 MB/s"),
        ),
    ],
)
def test_sizes_and_speeds_have_the_local_form(language: str, expected: tuple[str, ...]) -> None:
    QLocale.setDefault(QLocale(language))
    sizes = (512, 3500, 256 * KB, 2048 * KB, 1536 * KB)
    rates = (900.0, 3500.0, 43008.0, 1.2 * 1024 * KB)
    assert (*map(say.data_size, sizes), *map(say.size_per_second, rates)) == expected


def test_times_are_said_as_a_person_would() -> None:
    said = [say.duration(seconds) for seconds in (0.0, 0.4, 6.4, 59.6, 61, 130, 599, 1234, 90_000)]
    assert said == ["1 s", "1 s", "6 s", "1 min", "1 min 1 s", "2 min 10 s", "9 min 59 s", "21 min", "1,500 min"]


def make_recipe(number: int) -> type[Recipe]:
    """Return a recipe that no picture is drawn for, every third of which does not fit."""

    class Made(ReadIdentity):
        key = f"made-{number}"
        title = text("Test", "Full firmware upgrade")
        summary = text("Test", "Factory image, radio and Tinker fresh from the rescue pack. About two minutes.")
        group = Group.RESCUE
        promise = Promise(WORDS, WORDS, WORDS, WORDS)

        @classmethod
        def fit(cls, board: Board) -> Fit:
            return Fit.yes() if number % 3 else Fit.no(text("Test", "Only for a Spark Core."))

    return Made


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_nine_rescues_fit_the_smallest_window_and_grey_ones_say_why(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text_scale: float
) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, text_scale=text_scale, reduced_motion=True)
    monkeypatch.setattr(home, "RECIPES", tuple(make_recipe(number) for number in range(9)))
    engine: Any = Orders()
    window = Shell(engine, Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(window)
    window.resize(SMALLEST)
    window.show()
    window.dispatch(BoardsChanged((board(),)))
    page: Any = window.page(Screen.HOME)
    qtbot.waitUntil(lambda: page.scroller.widget().width() <= page.scroller.viewport().width(), timeout=2000)

    def shown_cards() -> list[base.CardButton]:
        """Those on the screen; others may be there until Qt deletes them."""
        made = [card for card in page.findChildren(base.CardButton) if card.objectName().startswith("card-made-")]
        return [card for card in made if card.isVisible()]

    qtbot.waitUntil(lambda: len(shown_cards()) == 9, timeout=2000)
    cards = shown_cards()
    for number, card in enumerate(cards):
        assert card.isEnabled() is bool(number % 3)
        assert ("Only for a Spark Core." in words_of(card)) is not card.isEnabled()
        assert not any(part.isVisible() for part in card.findChildren(base.IconView))
    labels = [part for card in cards for part in card.findChildren(QLabel)]
    qtbot.waitUntil(lambda: all(part.height() >= part.heightForWidth(part.width()) for part in labels), timeout=2000)


def test_a_picture_takes_the_colour_of_the_look(qtbot: QtBot, qapp: QApplication) -> None:
    icon = base.IconView("x-ray", "accent")
    qtbot.addWidget(icon)
    for scheme in (theme.Scheme.LIGHT, theme.Scheme.DARK):
        theme.apply_theme(qapp, scheme=scheme, reduced_motion=True)
        icon.resize(88, 88)
        image = icon.grab().toImage()
        colours = {image.pixelColor(x, y).name() for x in range(88) for y in range(88)}
        assert theme.tokens().accent in colours
