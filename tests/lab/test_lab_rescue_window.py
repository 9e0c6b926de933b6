"""Rescues in the window on the real kernel's USB stack: from the first click to the bytes that `dfu-util` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from app.clicks import Screen
from app.engine.engine import Engine
from app.firmware.pack import pick
from app.platforms.model import Mode
from app.ui.bridge import Bridge
from app.ui.parts.plan_view import PlanView
from app.ui.parts.watch_view import WatchView
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.work.events import Failed, Succeeded
from app.work.plan import Health
from app.work.questions import Choose, PickFile, Question, Review, WatchLight
from lab.station import MakeStation, Station, at_write

pytestmark = pytest.mark.lab

SHOWN_MS = 20_000
RUN_MS = 45_000


class Window:
    """The program's window on a station's bus, and a person with a mouse."""

    def __init__(self, place: Station, qtbot: QtBot, shell: Shell) -> None:
        self.place = place
        self.qtbot = qtbot
        self.shell = shell

    @property
    def asked(self) -> Question | None:
        """The question on the screen."""
        run = self.shell.state.run
        return None if run is None or run.asked is None else run.asked.question

    def wait(self, ready: Callable[[], object], limit: int = SHOWN_MS) -> None:
        self.qtbot.waitUntil(lambda: bool(ready()), timeout=limit)

    def wait_for(self, kind: type[Question], name: str) -> None:
        """Wait for a question. A run that ends before is a failure at once."""

        def there() -> bool:
            run = self.shell.state.run
            assert run is None or not isinstance(run.end, Failed), run
            return isinstance(self.asked, kind) and self.asked.name == name

        self.wait(there, RUN_MS)

    def click(self, name: str) -> None:
        """Wait until that button is there and can be pressed, and click it."""

        def found() -> list[QPushButton]:
            return [each for each in self.shell.findChildren(QPushButton, name) if each.isVisible()]

        self.wait(lambda: [each for each in found() if each.isEnabled()])
        QTest.mouseClick(found()[0], Qt.MouseButton.LeftButton)

    def click_words(self, words: str) -> None:
        """Click the button that says so."""

        def found() -> list[QPushButton]:
            buttons = self.shell.findChildren(QPushButton)
            return [each for each in buttons if each.isVisible() and words in each.text().replace("&", "")]

        self.wait(found)
        QTest.mouseClick(found()[0], Qt.MouseButton.LeftButton)

    def choose(self, name: str, key: str) -> None:
        """Take an option of a question."""
        self.wait_for(Choose, name)
        question = self.asked
        assert isinstance(question, Choose)
        place = [option for option, _ in question.options].index(key)

        def shown() -> list[QRadioButton]:
            return [each for each in self.shell.findChildren(QRadioButton) if each.isVisible()]

        self.wait(lambda: len(shown()) == len(question.options))
        shown()[place].click()
        self.click_words("Continue")

    def agree(self) -> None:
        """Look at the plan and click its first button."""
        self.wait_for(Review, "plan")
        self.wait(lambda: any(each.isVisible() for each in self.shell.findChildren(PlanView)))
        self.click("review-yes")

    def result(self) -> None:
        """Wait for the result page of a run that has to succeed and to leave a board with nothing wrong."""
        self.wait(lambda: self.shell.state.screen is Screen.RESULT, RUN_MS)
        run = self.shell.state.run
        assert run is not None
        assert isinstance(run.end, Succeeded), run.end
        assert run.end.outcome.xray is not None
        assert run.end.outcome.xray.verdict.health is Health.NOTHING_WRONG


@contextmanager
def window_on(place: Station, qtbot: QtBot) -> Iterator[Window]:
    """Put the window together as the program does."""
    bridge = Bridge()
    engine = Engine(place.desk.bus, place.desk.clock, place.safe, bridge.post, pack=place.pack, undo=place.undo)
    shell = Shell(engine, Settings(place.folder / "settings.ini"))
    qtbot.addWidget(shell)
    bridge.arrived.connect(shell.dispatch, Qt.ConnectionType.QueuedConnection)
    shell.show()
    engine.start()
    engine.list_backups()
    try:
        qtbot.waitUntil(lambda: shell.state.board is not None and shell.state.board.mode is Mode.DFU, timeout=SHOWN_MS)
        yield Window(place, qtbot, shell)
    finally:
        engine.close()


def test_full_upgrade_from_the_first_click_to_what_dfu_util_reads(
    station: MakeStation, qtbot: QtBot, record_property: Callable[[str, object], None]
) -> None:
    place = station("core-old-radio")
    keys, before = place.secrets(), place.board.transfers
    with window_on(place, qtbot) as window:
        window.click("card-full-firmware-upgrade")
        window.click("start")
        window.choose("radio-patch", "1.13.7")
        window.agree()
        window.wait_for(WatchLight, "radio-patching")
        window.wait(lambda: any(each.isVisible() for each in window.shell.findChildren(WatchView)))
        window.result()
    record_property("measured", f"full upgrade of a Core: {place.board.transfers - before} transfers")
    place.await_running()
    place.into_dfu()
    assert place.secrets() == keys
    assert place.undo.interrupted() == ()
    for region in ("factory", "application"):
        place.check(region, pick("core", "tinker").name)


def restore_up_to_the_writing(window: Window) -> None:
    window.click("card-restore-system")
    window.click("start")
    window.choose("release", "2.2.0")
    window.choose("application", "tinker")
    window.agree()


def check_system(place: Station) -> None:
    place.await_running()
    place.into_dfu()
    for region, role in (("system-1", "system-1"), ("system-2", "system-2"), ("user", "tinker")):
        place.check(region, pick("photon", role).name)


def test_restoring_a_photon_is_cut_by_the_cable_and_finished_with_the_button_on_the_first_page(
    station: MakeStation, qtbot: QtBot
) -> None:
    place = station("photon-0.7")
    keys = place.secrets()
    with window_on(place, qtbot) as window:
        with at_write(40, place.pull_soon):
            restore_up_to_the_writing(window)
            window.wait(lambda: window.shell.state.screen is Screen.RESULT, RUN_MS)
        run = window.shell.state.run
        assert run is not None
        assert isinstance(run.end, Failed), run.end
        window.wait(lambda: window.shell.state.rescues)
        place.plug_in_again()
        window.wait(lambda: window.shell.state.boards)
        window.click("done")
        window.click("finish-rescue")
        window.agree()
        window.result()
        window.wait(lambda: not window.shell.state.rescues)
    check_system(place)
    assert place.secrets() == keys


def test_an_own_file_from_the_first_click_to_what_dfu_util_reads(
    station: MakeStation, qtbot: QtBot, tmp_path: Path
) -> None:
    place = station("photon")
    name = pick("photon", "tinker").name
    own = tmp_path / "blink.bin"
    own.write_bytes(place.pack.read(name))
    with window_on(place, qtbot) as window:
        window.click("card-flash-file")
        window.click("start")
        window.wait_for(PickFile, "file")
        window.click_words("Choose a file")
        window.wait(lambda: window.shell.findChildren(QFileDialog))
        (dialog,) = window.shell.findChildren(QFileDialog)
        dialog.fileSelected.emit(str(own))
        dialog.reject()
        window.choose("slot", "user")
        window.agree()
        window.result()
    place.into_dfu()
    place.check("user", name)
