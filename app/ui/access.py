"""How to let a person at a Linux computer open the boards: the commands, to be copied, where the rule is missing."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QVBoxLayout, QWidget

from app import paths
from app.ui.pages.base import CopyButton, label, mono_lines
from app.ui.theme import SPACE, tokens

RULE = "udev/70-rekindle.rules"
RULE_FOLDERS = (Path("/etc/udev/rules.d"), Path("/usr/lib/udev/rules.d"), Path("/lib/udev/rules.d"))
"""Where the system looks for it; of files with the same name the first one counts."""


def commands() -> str:
    """Return the lines for a terminal that install the access rule of this program."""
    return "\n".join(
        (
            f'sudo cp "{paths.resource(RULE)}" /etc/udev/rules.d/',
            "sudo udevadm control --reload",
            "sudo udevadm trigger",
        )
    )


def rule_is_there() -> bool:
    """Whether the system has the access rule of this version: the Debian package brings it along."""
    rule = paths.resource(RULE)
    for folder in RULE_FOLDERS:
        try:
            return (folder / rule.name).read_bytes() == rule.read_bytes()
        except FileNotFoundError:
            continue
        except OSError:
            break
    return False


class AccessHelp(QFrame):
    """What to do, and the commands in a box, with a copy button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        if rule_is_there():
            column.addWidget(
                label(
                    self.tr(
                        "The access rule is installed. Plug the board in again, and sit at this computer itself: the "
                        "rule does not count for somebody who is signed in from elsewhere."
                    )
                )
            )
            return
        words = commands()
        column.addWidget(
            label(self.tr("Linux needs a rule once. Run these lines in a terminal, then plug the board in again:"))
        )
        lines = mono_lines(self.tr("Commands for a terminal"), words)
        lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        lines.setFixedHeight(tokens().px(18) * (words.count("\n") + 2) + SPACE * 2)
        column.addWidget(lines)
        column.addWidget(CopyButton(words, self.tr("commands")), 0, Qt.AlignmentFlag.AlignLeft)
