"""The program as it is started: signals close it as its window does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from support.window import WAIT_MS, Desk

from app.clicks import ConfirmClose, PickRecipe
from app.ui.application import on_signal

MakeDesk = Callable[..., Desk]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_closes_without_asking(desk: MakeDesk, qtbot: QtBot, number: int) -> None:
    core = desk("core")
    core.hand.enter_listening()
    core.wait_for_board()
    core.window.dispatch(PickRecipe("back-up-key"))
    core.click("start")
    qtbot.waitUntil(
        lambda: core.window.state.run is not None and core.window.state.run.asked is not None, timeout=WAIT_MS
    )
    before = signal.getsignal(number)
    with on_signal(lambda: core.window.dispatch(ConfirmClose(True))):
        os.kill(os.getpid(), number)
        qtbot.waitUntil(lambda: not core.window.isVisible(), timeout=WAIT_MS)
    assert signal.getsignal(number) is before


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
