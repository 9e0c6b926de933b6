"""Whether Qt can draw what the program shows: its pictures are SVG, which Qt reads through plugins."""

from __future__ import annotations

from PySide6.QtCore import QSize, qVersion
from PySide6.QtGui import QGuiApplication, QIcon, QImageReader

from app import paths


def drawn() -> str:
    """Draw the program's icon without a window.

    Returns:
        The version of Qt, and the plugins that drew.

    Raises:
        OSError: A plugin is missing.
    """
    application = QGuiApplication.instance() or QGuiApplication(["rekindle", "-platform", "offscreen"])
    file = str(paths.resource("icons/rekindle.svg"))
    if QIcon(file).pixmap(QSize(32, 32)).isNull() or QImageReader(file).read().isNull():
        raise OSError("no plugin for SVG")
    return f"Qt {qVersion()}, {application.applicationName()}: SVG as icon and as picture"
