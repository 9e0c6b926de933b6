"""The program's window (offscreen) at a station in the guest, and a person with a mouse and fingers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QRadioButton
from pytestqt.exceptions import TimeoutError as NotSeen
from pytestqt.qtbot import QtBot
from support.person import Person

from app.clicks import Screen
from app.engine.engine import Engine
from app.platforms.model import Mode
from app.ui.bridge import Bridge
from app.ui.parts.plan_view import PlanView
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.work.events import Failed, Outcome, Succeeded
from app.work.plan import Health
from app.work.questions import Choose, DoThis, Question, Review
from lab.station import TRIES, Station

SHOWN_MS = 20_000
RUN_MS = 45_000
FINGER_MS = 6_000


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

    def shows(self, name: str) -> list[QPushButton]:
        """The buttons of that name that can be pressed."""
        found = self.shell.findChildren(QPushButton, name)
        return [each for each in found if each.isVisible() and each.isEnabled()]

    def click(self, name: str) -> None:
        """Wait until that button is there and can be pressed, and click it."""
        self.wait(lambda: self.shows(name))
        QTest.mouseClick(self.shows(name)[0], Qt.MouseButton.LeftButton)

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

    def start(self, recipe: str) -> None:
        """Click the recipe's card on the first page, and Start on its plan."""
        self.click(f"card-{recipe}")
        self.click("start")

    def by_hand(self, act: Callable[[], None]) -> None:
        """Do something at the board with another hand, while the window goes on."""
        hand = threading.Thread(target=act, name="hand", daemon=True)
        hand.start()
        self.wait(lambda: not hand.is_alive())

    def press(self, name: str) -> None:
        """Press what the coach shows, and again if it does not see it: a finger may be late on a busy machine."""
        self.wait_for(DoThis, name)
        question = self.asked
        assert isinstance(question, DoThis)
        for _ in range(TRIES):
            self.by_hand(lambda: Person(self.place.board).press(question))
            try:
                self.wait(lambda: self.asked is not question, FINGER_MS)
            except NotSeen:
                continue
            return
        raise AssertionError(f"{name}: pressed {TRIES} times, and the coach saw nothing")

    def outcome(self) -> Outcome:
        """Wait for the result page of a run that has to succeed."""
        self.wait(lambda: self.shell.state.screen is Screen.RESULT, RUN_MS)
        run = self.shell.state.run
        assert run is not None
        assert isinstance(run.end, Succeeded), run.end
        return run.end.outcome

    def result(self) -> None:
        """Wait for the result page of a run that has to succeed and to leave a board with nothing wrong."""
        xray = self.outcome().xray
        assert xray is not None
        assert xray.verdict.health is Health.NOTHING_WRONG


@contextmanager
def window_on(place: Station, qtbot: QtBot, modes: Collection[Mode] = (Mode.DFU,)) -> Iterator[Window]:
    """Put the window together as the program does, and wait until it shows the board in one of these modes."""
    bridge = Bridge()
    engine = Engine(
        place.bus,
        place.desk.clock,
        place.safe,
        bridge.post,
        pack=place.pack,
        undo=place.undo,
        clouds=place.clouds,
        network=place.network,
        scanner=place.scanner,
    )
    shell = Shell(engine, Settings(place.folder / "settings.ini"))
    qtbot.addWidget(shell)
    bridge.arrived.connect(shell.dispatch, Qt.ConnectionType.QueuedConnection)
    shell.show()
    engine.start()
    engine.list_backups()
    try:
        qtbot.waitUntil(lambda: (board := shell.state.board) is not None and board.mode in modes, timeout=SHOWN_MS)
        yield Window(place, qtbot, shell)
    finally:
        engine.close()
