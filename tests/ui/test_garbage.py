"""Garbage is collected in the GUI thread alone while there is a window."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from pytestqt.qtbot import QtBot

from app.ui import garbage


class Knot:
    """Garbage that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_no_other_thread_collects_while_there_is_a_window() -> None:
    collectors: set[int] = set()
    gc.callbacks.append(lambda _phase, _info: collectors.add(threading.get_ident()))
    try:
        litter = threading.Thread(target=lambda: [Knot() for _ in range(20_000)])
        litter.start()
        litter.join()
    finally:
        gc.callbacks.pop()
    assert litter.ident not in collectors


def test_the_gui_thread_collects_instead(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "LOOK_MS", 1)
    with garbage.collected_in_gui_thread():
        gone = weakref.ref(Knot())
        litter = [Knot() for _ in range(2 * gc.get_threshold()[0])]
        qtbot.waitUntil(lambda: gone() is None)
    assert len(litter) == 2 * gc.get_threshold()[0]


def test_afterwards_python_collects_by_itself_again() -> None:
    with garbage.collected_in_gui_thread():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()  # as the fixture around this test left it
