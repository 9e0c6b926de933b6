"""The program as it is started: signals close it as its window does."""

from __future__ import annotations

import os
import signal

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.application import closes_on_signal


def test_ctrl_c_in_the_terminal_closes_the_window(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    before = signal.getsignal(signal.SIGINT)
    with closes_on_signal(window):
        os.kill(os.getpid(), signal.SIGINT)
        qtbot.waitUntil(lambda: not window.isVisible())
    assert signal.getsignal(signal.SIGINT) is before
