"""Text -> str in the person's language: the only place where a `Text` becomes words on the screen."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from app.text import Text, fill


def say(words: Text) -> str:
    """Return the sentence in the person's language with its values; a `Text` among the values is translated too."""
    values = tuple((name, say(value) if isinstance(value, Text) else value) for name, value in words.values)
    return fill(QCoreApplication.translate(words.context, words.source), values)


def announce(widget: QWidget, words: str) -> None:
    """Have a screen reader say this without moving the focus."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))


def day(moment: datetime) -> str:
    """Return a short day in local time: "23 Nov", with the year when it is another year."""
    local = moment.astimezone()
    form = "d MMM" if local.year == datetime.now().astimezone().year else "d MMM yyyy"
    return QLocale().toString(_moment(local), form)


def day_and_time(moment: datetime) -> str:
    """Return day and time in the local form."""
    return QLocale().toString(_moment(moment), "d MMM yyyy, HH:mm")


def _moment(moment: datetime) -> QDateTime:
    return QDateTime.fromSecsSinceEpoch(round(moment.timestamp()))


def size_per_second(rate: float) -> str:
    """Return bytes per second for people: "3.4 KB/s"."""
    return QLocale().formattedDataSize(round(rate), 1, QLocale.DataSizeFormat.DataSizeTraditionalFormat) + "/s"
