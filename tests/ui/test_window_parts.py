"""Questions, the practice desk, the bridge: each by itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)
from pytestqt.qtbot import QtBot
from support.clock import FastClock
from support.window import WAIT_MS, Desk

from app import paths
from app.platforms.model import Mode
from app.text import text
from app.ui import access, questions, theme
from app.ui.bridge import Bridge
from app.ui.pages.help import HelpPage
from app.ui.practice import PracticePanel
from app.ui.say import say
from app.ui.shell import practice_command
from app.virtual.air import HOME
from app.virtual.board import Phase
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import PRACTICE_BOARDS, make
from app.work.events import BoardsChanged
from app.work.questions import Choose, Confirm, Enter, PickFile, Question

WORDS = text("Test", "Words.")
MakeDesk = Callable[..., Desk]


class Answers(QObject):
    """Collects what a view answers."""

    def __init__(self, question: Question, qtbot: QtBot) -> None:
        super().__init__()
        self.given: list[object] = []
        self.view = questions.view_for(question)
        self.view.answered.connect(self.given.append)
        qtbot.addWidget(self.view)
        self.view.show()

    def press(self, words: str) -> None:
        (found,) = [each for each in self.view.findChildren(QPushButton) if each.accessibleName() == words]
        QTest.mouseClick(found, Qt.MouseButton.LeftButton)


def test_yes_and_no_are_answers(qtbot: QtBot) -> None:
    asked = Answers(Confirm("q", WORDS, WORDS, text("Test", "Do it"), text("Test", "Leave it")), qtbot)
    asked.press("Leave it")
    asked.press("Do it")
    assert asked.given == [False, True]


def test_a_choice_waits_until_something_is_chosen(qtbot: QtBot) -> None:
    asked = Answers(Choose("q", WORDS, WORDS, (("one", WORDS), ("two", WORDS))), qtbot)
    asked.press("Continue")
    assert asked.given == []
    asked.view.findChildren(QRadioButton)[1].click()
    asked.press("Continue")
    assert asked.given == ["two"]


def test_a_secret_is_shown_as_dots_and_enter_sends_it(qtbot: QtBot) -> None:
    asked = Answers(Enter("q", WORDS, WORDS, WORDS, secret=True), qtbot)
    (line,) = asked.view.findChildren(QLineEdit)
    assert line.echoMode() is QLineEdit.EchoMode.Password
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert asked.given == []
    QTest.keyClicks(line, " two words ")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert asked.given == [" two words "]


def test_an_empty_line_is_an_answer_only_where_that_is_allowed(qtbot: QtBot) -> None:
    asked = Answers(Enter("q", WORDS, WORDS, WORDS, allow_empty=True), qtbot)
    asked.press("Continue")
    assert asked.given == [""]


def test_a_file_is_picked_in_a_dialog_or_left_out(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Answers(PickFile("q", WORDS, WORDS, (".bin",)), qtbot)

    def pick(_parent: object, _title: str, kinds: str, then: Callable[[Path], None]) -> None:
        assert kinds == "*.bin"
        then(Path("firmware.bin"))

    monkeypatch.setattr(questions, "ask_file", pick)
    asked.press("Choose a file...")
    asked.press("Without a file")
    assert asked.given == ["firmware.bin", ""]


def test_holding_the_practice_button_with_the_space_bar_brings_listening_mode(desk: MakeDesk) -> None:
    photon = desk("photon")
    photon.wait_for_board()
    photon.qtbot.waitUntil(lambda: photon.board.phase is Phase.FIRMWARE, timeout=WAIT_MS)
    mode = photon.button("press-mode")
    mode.setFocus()
    QTest.keyPress(mode, Qt.Key.Key_Space)
    assert photon.board.is_pressed("mode")
    photon.qtbot.waitUntil(lambda: photon.board.listening_now, timeout=WAIT_MS)
    QTest.keyRelease(mode, Qt.Key.Key_Space)
    assert not photon.board.is_pressed("mode")


def test_keeping_mode_pressed_and_tapping_reset_brings_update_mode(desk: MakeDesk) -> None:
    core = desk("core", factor=5.0)
    keep = core.window.findChild(QCheckBox, "keep-mode")
    assert keep is not None
    keep.click()
    core.click("press-reset")
    assert core.board.is_pressed("mode")
    core.qtbot.waitUntil(lambda: core.board.light_pattern == "blinking yellow", timeout=WAIT_MS)
    keep.click()
    assert not core.board.is_pressed("mode")
    core.wait_for_board(Mode.DFU)
    assert core.board.light_pattern == "blinking yellow"


def test_another_practice_board_replaces_the_one_on_the_desk(desk: MakeDesk) -> None:
    one = desk("photon")
    one.wait_for_board()
    choice = one.panel.findChild(QComboBox)
    assert choice is not None
    choice.setCurrentIndex(choice.findData("p1"))
    choice.activated.emit(choice.currentIndex())
    one.qtbot.waitUntil(
        lambda: one.window.state.board is not None and one.window.state.board.platform.key == "p1", timeout=WAIT_MS
    )
    assert len(one.bus.boards) == 1


def test_events_from_another_thread_arrive_in_the_gui_thread(qtbot: QtBot) -> None:
    bridge = Bridge()
    arrived: list[tuple[object, int]] = []
    bridge.arrived.connect(
        lambda event: arrived.append((event, threading.get_ident())), Qt.ConnectionType.QueuedConnection
    )
    event = BoardsChanged(())
    worker = threading.Thread(target=bridge.post, args=(event,))
    with qtbot.waitSignal(bridge.arrived):
        worker.start()
    worker.join()
    qtbot.waitUntil(lambda: bool(arrived))
    assert arrived == [(event, threading.get_ident())]


def test_signals_lose_no_reference_to_true(qtbot: QtBot) -> None:
    bridge = Bridge()
    seen: list[object] = []
    bridge.arrived.connect(seen.append)
    before = sys.getrefcount(True)
    for _ in range(200):
        bridge.post(BoardsChanged(()))
    assert len(seen) == 200
    assert abs(sys.getrefcount(True) - before) < 100


def test_text_is_said_with_its_values_and_texts_inside(qtbot: QtBot) -> None:
    outer = text("Test", "First {inner}, then {number}.").with_values(inner=text("Test", "this"), number=3)
    assert say(outer) == "First this, then 3."


def test_practice_starts_the_same_program_again() -> None:
    assert practice_command() == [sys.executable, "-m", "app", "--practice"]


def test_practice_tells_its_network_where_the_board_has_wifi(qtbot: QtBot) -> None:
    clock = FastClock()
    for name, told in (("core", True), ("electron", False)):
        panel = PracticePanel(VirtualBus(clock), clock, make(name, clock), name)
        qtbot.addWidget(panel)
        words = panel.findChild(QLabel, "practice-network")
        assert isinstance(words, QLabel)
        assert words.isVisibleTo(panel) is told
        assert HOME.password.decode() in words.text()


def test_the_names_of_the_practice_boards_can_be_read_whole(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)
    clock = FastClock()
    panel = PracticePanel(VirtualBus(clock), clock, make("core", clock), "core")
    qtbot.addWidget(panel)
    panel.fit_text()
    panel.show()
    choice = panel.findChild(QComboBox)
    assert isinstance(choice, QComboBox)
    option = QStyleOptionComboBox()
    choice.initStyleOption(option)
    style, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = choice.style().subControlRect(style, option, field, choice).width()
    names = [choice.itemText(row) for row in range(choice.count())]
    assert len(names) == len(PRACTICE_BOARDS)
    assert [name for name in names if choice.fontMetrics().horizontalAdvance(name) > room] == []


def test_where_no_file_means_something_else_the_button_says_so(qtbot: QtBot) -> None:
    asked = Answers(PickFile("q", WORDS, WORDS, none=text("Test", "Back to the choice")), qtbot)
    asked.press("Back to the choice")
    assert asked.given == [""]


def test_a_yes_against_better_advice_is_not_what_enter_answers(qtbot: QtBot) -> None:
    first = {}
    for risky in (False, True):
        asked = Answers(Confirm("q", WORDS, WORDS, text("Test", "Go"), text("Test", "Stay"), risky=risky), qtbot)
        focused = asked.view.first_focus()
        assert isinstance(focused, QPushButton)
        assert focused.property("kind") == "primary"
        first[risky] = focused.text()
    assert first == {False: "Go", True: "Stay"}


def _words(widget: QWidget) -> str:
    return " ".join(each.text() for each in widget.findChildren(QLabel))


def test_who_has_the_access_rule_is_not_asked_to_install_it(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = paths.resource(access.RULE)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.setattr(access, "RULE_FOLDERS", (first, second))

    def shown() -> tuple[str, int]:
        box = access.AccessHelp()
        qtbot.addWidget(box)
        return _words(box), len(box.findChildren(QPlainTextEdit))

    assert "Run these lines" in shown()[0]
    (second / rule.name).write_bytes(rule.read_bytes())
    assert shown() == (shown()[0], 0)
    assert "is installed" in shown()[0]
    (first / rule.name).write_text("# of an older version, and the one that counts\n")
    assert "Run these lines" in shown()[0]
    assert shown()[1] == 1


def test_help_leads_to_every_licence_where_they_came_along(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "notices", lambda: None)
    page = HelpPage()
    qtbot.addWidget(page)
    assert page.findChild(QPushButton, "help-licences") is None
    notices = tmp_path / "NOTICES.txt"
    monkeypatch.setattr(paths, "notices", lambda: notices)
    page = HelpPage()
    qtbot.addWidget(page)
    with qtbot.waitSignal(page.show_file, timeout=WAIT_MS) as asked:
        page.findChildren(QPushButton, "help-licences")[0].click()
    assert asked.args == [QUrl.fromLocalFile(str(notices))]
