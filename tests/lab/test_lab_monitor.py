"""The serial monitor on a real tty: it reads, lends the port to a job that asks the board why, and finds it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.clicks import Back, Go, Screen
from app.firmware.pack import RescuePack
from app.platforms.model import Mode
from app.ui.parts.serial_view import SerialView
from lab.desk import Desk
from lab.station import Station
from lab.window import Window, window_on

pytestmark = pytest.mark.lab

OPEN = "is open at 9600 8N1"
SHOWN = (Mode.NORMAL, Mode.LISTENING)


def lines(window: Window) -> str:
    """What the monitor shows."""
    (view,) = window.shell.page(Screen.MONITOR).findChildren(SerialView)
    return view.toPlainText()


def test_the_monitor_lends_its_tty_to_a_job_that_finds_out_why_the_board_does_not_connect(
    desk: Desk, qtbot: QtBot, tmp_path: Path
) -> None:
    place = Station(desk, "photon", tmp_path, RescuePack(tmp_path / "pack"), dfu=False, profiles=False)
    desk.await_("blinking blue", lambda: place.board.light_pattern == "blinking blue" or None)  # it knows no network
    with window_on(place, qtbot, SHOWN) as window:
        window.shell.dispatch(Go(Screen.MONITOR))
        window.click("open-port")
        window.wait(lambda: OPEN in lines(window))
        window.click(f"command-{ord('i')}")
        window.wait(lambda: f"Your device id is {place.board.device_id}" in lines(window))
        line = window.shell.page(Screen.MONITOR).findChild(QLineEdit, "line-to-send")
        assert line is not None
        line.insert("v")
        window.click("send-line")
        window.wait(lambda: "system firmware version" in lines(window))

        window.shell.dispatch(Back())
        window.start("why-not-connecting")
        found = window.outcome()
        assert found.next_recipes[0] == "join-wifi"
        version = next(fact.value for fact in found.facts if fact.key == "version")
        assert f"system firmware version: {version}" in lines(window)  # asked over the same tty
        window.click("done")

        window.shell.dispatch(Go(Screen.MONITOR))
        window.wait(lambda: lines(window).count(OPEN) == 2)
        window.by_hand(place.hand.reset)
        window.wait(lambda: "The board went away" in lines(window))
        window.wait(lambda: lines(window).count(OPEN) == 3)
