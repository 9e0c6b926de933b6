"""Text -> str in the person's language: the only place where a `Text` becomes words on the screen."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from app.text import Text, fill, text

_PER_SECOND = text("Figures", "{size}/s")
_SECONDS = text("Figures", "{seconds} s")
_MINUTES = text("Figures", "{minutes} min")
_MINUTES_AND_SECONDS = text("Figures", "{minutes} min {seconds} s")


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
    """Return bytes per second for people: "3.4 kB/s", "42 kB/s"; from 10 kB/s on a digit more would only flicker."""
    digits = 0 if 10 * 1024 <= rate < 1024 * 1024 else 1
    return say(_PER_SECOND.with_values(size=_data_size(round(rate), digits)))


def data_size(size: int) -> str:
    """Return a number of bytes for people: "512 bytes", "3.4 kB", "256 kB"; 1 kB is 1024 bytes, as memory counts."""
    unit = 1024 if size < 1024 * 1024 else 1024 * 1024
    return _data_size(size, 0 if size % unit == 0 else 1)


def _data_size(size: int, digits: int) -> str:
    return QLocale().formattedDataSize(size, digits, QLocale.DataSizeFormat.DataSizeTraditionalFormat)


def number(value: int) -> str:
    """Return a whole number in the local form."""
    return QLocale().toString(value)


def duration(seconds: float) -> str:
    """Return a length of time for people, in whole seconds: "6 s", "2 min 10 s", "3 min"; at least one second."""
    whole = max(1, round(seconds))
    if whole >= 600:
        return say(_MINUTES.with_values(minutes=number(round(whole / 60))))
    minutes, left = divmod(whole, 60)
    if not minutes:
        return say(_SECONDS.with_values(seconds=number(left)))
    if not left:
        return say(_MINUTES.with_values(minutes=number(minutes)))
    return say(_MINUTES_AND_SECONDS.with_values(minutes=number(minutes), seconds=number(left)))
