from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.clicks import Back, Go, RunBegan, Screen
from app.faults import DriverMissing
from app.platforms.model import Mode
from app.platforms.table import PLATFORMS
from app.transports.base import Sighting
from app.ui.pages.driver import FAILED, OUTCOMES, DriverPage, zadig_steps
from app.ui.say import say
from app.ui.settings import Settings
from app.ui.shell import Shell
from app.work.board import Board
from app.work.events import BoardsChanged, Failed

starts_scripts = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the helper")


def helper(folder: Path, script: str) -> Path:
    made = folder / "rekindle-driver.exe"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    return made


def words(page: QWidget) -> str:
    return "\n".join(each.text() for each in page.findChildren(QLabel) if not each.isHidden())


@starts_scripts
@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 5, 77])
def test_how_the_helper_ended_is_said_and_it_can_be_started_again(qtbot: QtBot, tmp_path: Path, status: int) -> None:
    page = DriverPage(helper(tmp_path, f"exit {status}"))
    qtbot.addWidget(page)
    install = page.findChild(QPushButton, "install-driver")
    assert install is not None
    install.click()
    assert not install.isEnabled()
    qtbot.waitUntil(install.isEnabled)
    assert say(OUTCOMES.get(status, FAILED)) in words(page)


@starts_scripts
def test_the_helper_is_told_the_name_of_the_board_that_was_chosen_and_nothing_else(
    qtbot: QtBot, tmp_path: Path
) -> None:
    page = DriverPage(helper(tmp_path, f'printf "%s|" "$@" > "{tmp_path}/told"'))
    qtbot.addWidget(page)
    board = page.findChild(QComboBox, "driver-board")
    install = page.findChild(QPushButton, "install-driver")
    assert board is not None
    assert install is not None
    board.setCurrentIndex(board.findData("p1"))
    install.click()
    qtbot.waitUntil(install.isEnabled)
    assert (tmp_path / "told").read_text() == "p1|"


def test_a_helper_that_does_not_start_leads_to_zadig(qtbot: QtBot, tmp_path: Path) -> None:
    page = DriverPage(tmp_path / "not-here.exe")
    qtbot.addWidget(page)
    install = page.findChild(QPushButton, "install-driver")
    assert install is not None
    install.click()
    qtbot.waitUntil(install.isEnabled)
    assert say(FAILED) in words(page)


def test_without_a_helper_there_is_zadig_alone(qtbot: QtBot) -> None:
    page = DriverPage(None)
    qtbot.addWidget(page)
    assert page.findChild(QPushButton, "install-driver") is None
    assert "Zadig" in words(page)


@pytest.mark.parametrize(
    ("key", "ids", "name"),
    [
        ("core", "1D50 607F", "CORE DFU"),
        ("photon", "2B04 D006", "Photon DFU Mode"),
        ("p1", "2B04 D008", "P1 DFU Mode"),
        ("electron", "2B04 D00A", "Electron DFU Mode"),
    ],
)
def test_zadig_is_told_by_the_names_it_shows(key: str, ids: str, name: str) -> None:
    steps = "\n".join(zadig_steps(next(each for each in PLATFORMS if each.key == key)))
    assert ids in steps
    assert name in steps


def test_the_page_asks_how_to_get_into_update_mode(qtbot: QtBot) -> None:
    page = DriverPage(None)
    qtbot.addWidget(page)
    modes = page.findChild(QPushButton, "driver-modes")
    assert modes is not None
    with qtbot.waitSignal(page.chose) as asked:
        modes.click()
    assert asked.args == [Go(Screen.MODES)]


class NoEngine:
    """Takes every order and does nothing."""

    def __getattr__(self, _name: str) -> Callable[..., int]:
        return lambda *_arguments, **_named: 1


def screen_of(shell: Shell) -> Screen:
    return shell.state.screen


def test_a_board_without_a_driver_leads_here_and_back(qtbot: QtBot, tmp_path: Path) -> None:
    engine: Any = NoEngine()
    shell = Shell(engine, Settings(tmp_path / "settings.ini"))
    qtbot.addWidget(shell)
    core = next(each for each in PLATFORMS if each.key == "core")
    ids = core.ids[Mode.DFU]
    board = Board(Sighting("1-2", 5, ids.vendor, ids.product, None, None, 0x0200, None), core, Mode.DFU)
    fault = DriverMissing("libusb -12")
    shell.dispatch(BoardsChanged((board,)))
    shell.dispatch(RunBegan(1, "back-up-key", board))
    shell.dispatch(Failed(1, fault.code, fault.cause, fault.next_step, fault.retryable, fault.detail))
    assert screen_of(shell) is Screen.RESULT
    way = shell.findChild(QPushButton, "driver-from-fault")
    assert way is not None
    way.click()
    assert screen_of(shell) is Screen.DRIVER
    chosen = shell.page(Screen.DRIVER).findChild(QComboBox, "driver-board")
    assert chosen is not None
    assert chosen.currentData() == "core"
    shell.dispatch(Back())
    assert screen_of(shell) is Screen.RESULT
