"""The program as it is started: signals close it as its window does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

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


def test_a_trace_that_cannot_be_written_is_wrong_usage_and_no_traceback(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app", "--practice", "photon", "--trace", str(tmp_path / "missing" / "trace")],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "REKINDLE_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 2
    assert "the trace cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr
