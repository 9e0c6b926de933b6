"""The plan of a rescue: how the board is, what will be written, where and why, what stays, and what is needed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.text import Text, text
from app.ui.pages.base import TurningRow, box, breakable, label
from app.ui.parts.fold import Fold
from app.ui.parts.xray_view import Gauge, SlotMark, VerdictView, XrayView
from app.ui.say import data_size, duration, number, say
from app.ui.theme import SPACE, tokens
from app.work.plan import PlannedWrite, RescuePlan, SlotState

FEW_SLOTS = 4
"""An X-ray of no more slots than this is shown open."""

_WHERE = text("Plan", "Goes to: {where}, {address}")
_WHERE_AND_SOURCE = text("Plan", "{goes}. Comes from: {source}")
_ABOUT = text("Plan", "about {time}")
_ALL = text("Plan", "All of it is written: {size}.")
_ONE_BYTE = text("Plan", "It is one byte.")
_NOTHING = text("Plan", "Already there: nothing of its {size} has to be written.")
_PART = text("Plan", "{changed} of {size} really change.")
_LATER = text("Plan", "{size}. How much of it really changes is seen while it is written.")
_NO_WRITE = text("Plan", "Nothing has to be written.")
_ONE = text("Plan", "One thing to write, {size}, {time} in all.")
_MANY = text("Plan", "{count} things to write, {size}, {time} in all.")


def about(seconds: float) -> str:
    """Return how long something takes, as the estimate it is: "about 6 s"."""
    return say(_ABOUT.with_values(time=duration(seconds)))


def changed_words(write: PlannedWrite) -> str:
    """Return how much of a write really changes, in a sentence."""
    size = data_size(write.size)
    if write.changed is None:
        return say(_LATER.with_values(size=size))
    if write.changed == 0:
        return say(_NOTHING.with_values(size=size))
    if write.changed >= write.size:
        if write.size == 1:
            return say(_ONE_BYTE)
        return say(_ALL.with_values(size=size))
    return say(_PART.with_values(changed=data_size(write.changed), size=size))


def total_words(plan: RescuePlan) -> str:
    """Return how much and how long, in a sentence."""
    if not plan.writes:
        return say(_NO_WRITE)
    size = data_size(sum(write.size for write in plan.writes))
    words = _ONE if len(plan.writes) == 1 else _MANY.with_values(count=number(len(plan.writes)))
    return say(words.with_values(size=size, time=about(plan.seconds)))


class WriteCard(QFrame):
    """One thing that will be written."""

    def __init__(self, place: int, write: PlannedWrite) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        badge = label(number(place), "number")
        badge.setWordWrap(False)
        badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        badge.setFixedSize(tokens().px(26), tokens().px(26))
        head = TurningRow(narrow=360)
        head.add(label(say(write.title), "card-title"), 1)
        head.add(_unbroken(about(write.seconds)))
        words = QVBoxLayout()
        words.setSpacing(SPACE // 2)
        words.addWidget(head)
        words.addWidget(label(say(write.why)))
        words.addSpacing(SPACE // 2)
        if write.changed is not None:
            words.addWidget(Gauge(write.changed / write.size if write.size else 0.0, "accent"))
        words.addWidget(label(changed_words(write)))
        goes = _WHERE.with_values(where=write.where, address=f"0x{write.address:08X}")
        if write.source:
            goes = _WHERE_AND_SOURCE.with_values(goes=goes, source=breakable(write.source))
        words.addWidget(label(say(goes), "muted"))
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        row.setSpacing(SPACE * 2)
        row.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)


class PlanView(QWidget):
    """Everything a person should know before the first byte is written."""

    def __init__(self, plan: RescuePlan) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE + SPACE // 2)
        for warning in plan.warnings:
            column.addWidget(warning_box(say(warning)))
        column.addWidget(VerdictView(plan.xray.verdict))
        slots = len(plan.xray.slots)
        if slots:
            now = Fold(self.tr("What is on the board now"), XrayView(plan.xray), opened=slots <= FEW_SLOTS)
            column.addWidget(now)
        if plan.writes:
            column.addWidget(label(self.tr("What will be written, in this order"), "section"))
        column.addWidget(label(total_words(plan), "strong"))
        for place, write in enumerate(plan.writes, 1):
            column.addWidget(WriteCard(place, write))
        self._list(column, self.tr("What is needed"), plan.needs)
        self._list(column, self.tr("What stays as it is"), plan.stays)

    def _list(self, column: QVBoxLayout, heading: str, lines: tuple[Text, ...]) -> None:
        if not lines:
            return
        column.addWidget(label(heading, "section"))
        frame, rows = box()
        for line in lines:
            rows.addLayout(_bullet(say(line)))
        column.addWidget(frame)


def warning_box(words: str) -> QFrame:
    """Return something a person must not miss, with a sign before it."""
    frame = QFrame()
    frame.setProperty("kind", "warning-box")
    row = QHBoxLayout(frame)
    row.setContentsMargins(SPACE * 2, SPACE + 4, SPACE * 2, SPACE + 4)
    row.setSpacing(SPACE + SPACE // 2)
    row.addWidget(SlotMark(SlotState.MISFIT), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(label(words, "warning", selectable=True), 1)
    return frame


def _bullet(words: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    row.addWidget(_unbroken("•"), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(label(words), 1)
    return row


def _unbroken(words: str) -> QWidget:
    made = label(words, "muted")
    made.setWordWrap(False)
    return made
