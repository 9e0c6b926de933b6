"""The serial monitor and the page of modes through the window, onto a virtual board, by keyboard where it can be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from support.window import WAIT_MS, Desk

from app.clicks import Go, Screen, SendSerial
from app.platforms.console import CONSOLE_COMMANDS
from app.ui.pages.modes import ModesPage
from app.ui.pages.serial_monitor import SerialMonitorPage
from app.ui.parts.serial_view import AT_ONCE, SerialView
from app.work.events import MonitorStatus
from app.work.serial_lines import KEPT_LINES, MASK, Transcript

MakeDesk = Callable[..., Desk]
PASSWORD = "Zwölf Äpfel"


def page_of(desk: Desk) -> SerialMonitorPage:
    page = desk.window.page(Screen.MONITOR)
    assert isinstance(page, SerialMonitorPage)
    return page


def view_of(desk: Desk) -> SerialView:
    (view,) = page_of(desk).findChildren(SerialView)
    return view


def line_of(desk: Desk) -> QLineEdit:
    line = page_of(desk).findChild(QLineEdit, "line-to-send")
    assert line is not None
    return line


def wait_for_words(desk: Desk, words: str) -> None:
    desk.qtbot.waitUntil(lambda: words in view_of(desk).toPlainText(), timeout=WAIT_MS)


def focused() -> str:
    focus = QApplication.focusWidget()
    return focus.objectName() if focus is not None else ""


def press_enter() -> None:
    """Press it on whatever has the keyboard."""
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, Qt.Key.Key_Return)


def opened(desk: Desk) -> None:
    desk.hand.enter_listening()
    desk.wait_for_board()
    desk.window.dispatch(Go(Screen.MONITOR))
    desk.click("open-port")
    wait_for_words(desk, "is open at 9600 8N1")
    desk.qtbot.waitUntil(lambda: line_of(desk).isEnabled(), timeout=WAIT_MS)


def type_line(desk: Desk, words: str) -> None:
    line_of(desk).setFocus()
    line_of(desk).insert(words)  # keys of QTest know ASCII only
    QTest.keyClick(line_of(desk), Qt.Key.Key_Return)


@pytest.fixture
def core(desk: MakeDesk) -> Desk:
    made = desk("core", profiles=True)
    opened(made)
    return made


def test_the_port_is_opened_and_a_command_sent_by_keyboard_alone(desk: MakeDesk) -> None:
    board = desk("photon", profiles=True)
    board.hand.enter_listening()
    board.wait_for_board()
    QTest.keyClick(board.window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    board.wait_for_screen(Screen.MONITOR)
    assert focused() == "open-port"
    press_enter()
    wait_for_words(board, "is open at 9600 8N1")
    board.qtbot.waitUntil(lambda: focused() == "line-to-send", timeout=WAIT_MS)
    command = page_of(board).findChild(QPushButton, f"command-{ord('i')}")
    assert command is not None
    board.qtbot.waitUntil(lambda: board.button(f"command-{ord('i')}").isEnabled(), timeout=WAIT_MS)
    board.button(f"command-{ord('i')}").setFocus()
    press_enter()
    wait_for_words(board, "Your device id is ")
    assert focused() == f"command-{ord('i')}"  # which may be pressed again


def test_a_dialogue_by_hand_stores_the_network_and_no_copy_holds_the_password(core: Desk) -> None:
    core.click(f"command-{ord('w')}")
    assert "RESET" in page_of(core)._question_words.text()
    assert focused() == "use-recipe"
    core.click("send-anyway")
    for words, said in (("", "SSID: "), ("at home", "WPA2: "), ("3", "Password: "), (PASSWORD, "Spark <3 you!")):
        if words:
            type_line(core, words)
        wait_for_words(core, said)
    assert [each.password for each in core.board.profiles_stored if each.ssid == b"at home"] == [PASSWORD.encode()]
    assert PASSWORD in view_of(core).toPlainText()  # shown as it was typed
    core.click("copy-lines")
    copied = QGuiApplication.clipboard().text()
    assert PASSWORD not in copied
    assert MASK in copied
    assert "SSID: " in copied
    view_of(core).selectAll()
    view_of(core).copy()
    marked = QGuiApplication.clipboard().text()
    assert PASSWORD not in marked
    assert "at home" in marked


def test_joining_with_the_form_is_offered_in_place_of_the_dialogue(core: Desk) -> None:
    core.click(f"command-{ord('w')}")
    core.click("use-recipe")
    assert (core.screen, core.window.state.recipe) == (Screen.PLAN, "join-wifi")
    assert core.window.state.monitor is not None
    assert core.window.state.monitor.confirm == ""


def test_the_dialogue_typed_as_a_line_asks_first_too_and_its_line_end_answers_nothing(core: Desk) -> None:
    type_line(core, "w")
    core.click("send-anyway")
    wait_for_words(core, "SSID: ")
    type_line(core, "w")  # an answer now
    wait_for_words(core, "Security 0=")
    assert view_of(core).toPlainText().count("SSID: ") == 1
    assert "> w" in view_of(core).toPlainText()


def test_a_command_typed_as_a_line_with_its_end_asks_first_too(core: Desk) -> None:
    type_line(core, "L")
    assert page_of(core)._question.isVisible()
    assert "> L" not in view_of(core).toPlainText()
    core.click("send-anyway")
    wait_for_words(core, "> L")
    monitor = core.window.state.monitor
    assert monitor is not None
    sent = [line.data for line in monitor.transcript.since(0).lines if line.data.startswith(b"L")]
    assert sent == [b"L\n"]  # with the end that was chosen: it may be meant for a program


def test_lines_show_although_nobody_touches_the_window(core: Desk) -> None:
    def answered(times: int) -> bool:
        return view_of(core).toPlainText().count("Your core id is ") == times

    for number in range(1, 6):
        core.engine.send_serial(b"i")
        core.qtbot.waitUntil(partial(answered, number), timeout=WAIT_MS)


def test_a_command_that_changes_something_can_be_left(core: Desk) -> None:
    core.click(f"command-{ord('x')}")
    core.click("do-not-send")
    anyway = core.window.findChild(QPushButton, "send-anyway")
    assert anyway is not None
    assert not anyway.isVisible()
    assert "> x" not in view_of(core).toPlainText()


def test_paused_lines_are_kept_and_shown_when_it_goes_on(core: Desk) -> None:
    core.click("pause")
    core.window.dispatch(SendSerial(b"i"))
    monitor = core.window.state.monitor
    assert monitor is not None
    core.qtbot.waitUntil(lambda: monitor.transcript.newest > 2, timeout=WAIT_MS)
    assert "core id" not in view_of(core).toPlainText()
    core.click("pause")
    wait_for_words(core, "Your core id is ")


def test_lines_are_cleared_and_saved_without_waiting(core: Desk, tmp_path: Path) -> None:
    core.window.dispatch(SendSerial(b"i"))
    wait_for_words(core, "Your core id is ")
    target = tmp_path / "lines.txt"
    page_of(core)._save_to(target)
    core.qtbot.waitUntil(target.exists, timeout=WAIT_MS)
    core.qtbot.waitUntil(lambda: core.window.state.notice is not None, timeout=WAIT_MS)
    assert "Your core id is " in target.read_text(encoding="utf-8")
    core.click("clear-lines")
    core.qtbot.waitUntil(lambda: not view_of(core).toPlainText(), timeout=WAIT_MS)


def test_times_and_hex_digits_change_what_is_there_already(core: Desk) -> None:
    core.window.dispatch(SendSerial(b"i"))
    wait_for_words(core, "Your core id is ")
    page = page_of(core)
    page._stamps.setChecked(False)
    assert "> i\n< Your core id is " in view_of(core).toPlainText()
    page._hex.setChecked(True)
    assert "> 69  |i|\n< 59 6f 75 72 " in view_of(core).toPlainText()


def test_a_port_that_is_closed_or_away_takes_no_lines(core: Desk) -> None:
    core.bus.unplug(core.board)
    core.qtbot.waitUntil(lambda: not line_of(core).isEnabled(), timeout=WAIT_MS)
    assert not core.button(f"command-{ord('i')}").isEnabled()
    core.click("open-port")  # which closes it now
    core.qtbot.waitUntil(lambda: "Closed" in page_of(core)._status.text(), timeout=WAIT_MS)
    assert "The port was closed." in view_of(core).toPlainText()


def test_a_job_takes_the_port_while_it_runs(core: Desk) -> None:
    seen: list[MonitorStatus] = []
    core.window.drawn.connect(lambda state: seen.append(state.monitor.status) if state.monitor is not None else None)
    run = core.engine.run("read-id", "1-1")
    assert run
    core.qtbot.waitUntil(lambda: MonitorStatus.LENT in seen and seen[-1] is MonitorStatus.OPEN, timeout=WAIT_MS)


def test_a_flood_shows_the_newest_lines_and_no_more_than_are_kept(qtbot: QtBot) -> None:
    view = SerialView("Lines")
    qtbot.addWidget(view)
    transcript = Transcript()
    transcript.came(b"begun")
    view.follow(transcript)
    transcript.came(b" and ended\n" + b"".join(b"line %d\r\n" % number for number in range(2 * KEPT_LINES)))
    view.follow(transcript)
    assert view.document().blockCount() == AT_ONCE  # at once only what can be seen
    assert view.toPlainText().endswith(f"< line {2 * KEPT_LINES - 1}")
    qtbot.waitUntil(lambda: view.document().blockCount() == KEPT_LINES, timeout=WAIT_MS)
    assert len(view.lines) == KEPT_LINES
    assert view.toPlainText().endswith(f"< line {2 * KEPT_LINES - 1}")
    transcript.came(b"odd \xff\n")
    view.follow(transcript)
    assert view.toPlainText().endswith("odd \\xff")
    assert view.document().blockCount() == KEPT_LINES


def test_the_newest_line_stays_in_sight_behind_other_pages_too_unless_somebody_reads_back(qtbot: QtBot) -> None:
    view = SerialView("Lines")
    qtbot.addWidget(view)
    transcript = Transcript()
    view.resize(300, view.minimumSizeHint().height())
    bar = view.verticalScrollBar()

    def say_more() -> None:
        transcript.came(b"A line of words that wraps in a narrow view\n" * 30)
        view.follow(transcript)

    view.show()
    say_more()
    view.hide()
    say_more()
    view.resize(200, view.height() - 20)
    say_more()
    view.show()
    assert bar.value() == bar.maximum() > 0
    view.resize(260, view.height())
    assert bar.value() == bar.maximum()
    bar.setValue(5)
    say_more()
    assert bar.value() < 10 < bar.maximum()  # a wrapped line may come to stand whole


def test_a_line_under_way_is_shown_once(qtbot: QtBot) -> None:
    view = SerialView("Lines")
    qtbot.addWidget(view)
    view.set_form(stamps=False, as_hex=False)
    transcript = Transcript()
    for piece in (b"SS", b"ID", b": "):
        transcript.came(piece)
        view.follow(transcript)
    assert view.toPlainText() == "< SSID: "


def test_the_keyboard_comes_to_the_commands_in_the_order_they_are_seen(core: Desk) -> None:
    core.button("open-modes").setFocus()
    names = []
    for _ in range(11):
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, Qt.Key.Key_Tab)
        names.append(focused())
    assert names[:10] == [f"command-{ord(each.key)}" for each in CONSOLE_COMMANDS]
    fold = QApplication.focusWidget()
    assert fold is not None
    assert fold.accessibleName() == "Good to know"


def test_no_rate_can_be_chosen_and_the_page_says_why(core: Desk) -> None:
    choices = page_of(core).findChildren(QComboBox)
    words = {each.itemText(place) for each in choices for place in range(each.count())}
    assert not [word for word in words if any(rate in word for rate in ("9600", "14400", "28800", "115200"))]


def test_the_modes_are_those_of_the_board_on_the_table_and_lead_to_its_jobs(desk: MakeDesk) -> None:
    board = desk("photon", profiles=True)
    board.wait_for_board()
    board.window.dispatch(Go(Screen.HELP))
    board.click("help-modes")
    board.wait_for_screen(Screen.MODES)
    page = board.window.page(Screen.MODES)
    assert isinstance(page, ModesPage)
    assert page._board.currentText() == board.window.state.boards[0].platform.name
    board.click("listening-join-wifi")
    assert (board.screen, board.window.state.recipe) == (Screen.PLAN, "join-wifi")


def test_another_board_can_be_chosen_on_the_page_of_modes(desk: MakeDesk) -> None:
    none = desk("photon", plugged=False)
    none.window.dispatch(Go(Screen.MODES))
    page = none.window.page(Screen.MODES)
    assert isinstance(page, ModesPage)
    page._board.setCurrentIndex(page._board.findData("photon"))
    told = " ".join(each.text() for each in page._cards["dfu"].findChildren(type(page.title)))
    assert "Hold SETUP, tap RESET" in told


def test_the_light_guide_leads_to_the_modes(desk: MakeDesk) -> None:
    board = desk("photon", profiles=True)
    board.wait_for_board()
    board.window.dispatch(Go(Screen.GUIDE))
    board.button("about-from-0.7.listening").click()  # it may lie below what is seen
    board.wait_for_screen(Screen.MODES)
    QTest.keyClick(board.window, Qt.Key.Key_Escape)
    board.wait_for_screen(Screen.GUIDE)
