"""How to let a person at a Linux computer open the boards: the commands, to be copied."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from app import paths
from app.ui.pages.base import CopyButton, mono_lines
from app.ui.theme import SPACE, tokens

RULE = "udev/70-rekindle.rules"


def commands() -> str:
    """Return the lines for a terminal that install the access rule of this program."""
    return "\n".join(
        (
            f'sudo cp "{paths.resource(RULE)}" /etc/udev/rules.d/',
            "sudo udevadm control --reload",
            "sudo udevadm trigger",
        )
    )


class AccessHelp(QFrame):
    """The commands in a box, with a copy button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = commands()
        self._lines = mono_lines(self.tr("Commands for a terminal"), words)
        self._lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._lines.setFixedHeight(tokens().px(18) * (words.count("\n") + 2) + SPACE * 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self._lines)
        column.addWidget(CopyButton(words, self.tr("commands")), 0, Qt.AlignmentFlag.AlignLeft)
