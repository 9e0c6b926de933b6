"""A row that turns: its widgets come and go while it stays."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QLayout, QLayoutItem
from pytestqt.qtbot import QtBot
from shiboken6 import getAllValidWrappers

from app.ui.pages.base import TurningRow, label, let_go


def layout_items() -> list[QLayoutItem]:
    """Return every item of a layout that Python believes to be there, except nested layouts."""
    found = (each for each in getAllValidWrappers() if isinstance(each, QLayoutItem))
    return [each for each in found if not isinstance(each, QLayout)]


def test_a_widget_that_was_let_go_leaves_nothing_behind(qtbot: QtBot) -> None:
    """What PySide keeps of an item that Qt has deleted crashes the widget that gets its address, when that one goes."""
    known = layout_items()
    row = TurningRow()
    stays, goes = label("Stays"), label("Goes")
    row.add(stays)
    row.add(goes)
    qtbot.addWidget(row)
    row.resize(1000, 50)
    row.show()
    wide = row.minimumSizeHint().width()
    let_go(goes)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert 0 < row.minimumSizeHint().width() == stays.minimumSizeHint().width() <= wide
    assert [each for each in layout_items() if not any(each is old for old in known)] == []


def test_a_widget_moved_elsewhere_takes_no_room(qtbot: QtBot) -> None:
    here, there = TurningRow(), TurningRow()
    qtbot.addWidget(here)
    qtbot.addWidget(there)
    moved = label("A long word: incomprehensibilities")
    here.add(moved)
    here.show()
    there.show()
    assert here.minimumSizeHint().width() > 0
    there.add(moved)
    moved.show()
    assert here.minimumSizeHint().width() == 0
    assert there.minimumSizeHint().width() == moved.minimumSizeHint().width()
