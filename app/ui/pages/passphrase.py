"""The key safe's protection: how it is now, and the form that sets a passphrase or unlocks the safe."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from app.clicks import ClosePassphraseForm, GivePassphrase, OpenPassphraseForm, PressLock
from app.flow import AppState, PassphraseForm
from app.ui.pages.base import TurningRow, box, button, label
from app.ui.say import announce, say
from app.ui.theme import SPACE, tokens
from app.work.events import Protection

LONGEST = 128  # characters; well inside what the key safe takes, in any script
FIELD_WIDTH = 360  # px


class ProtectionBox(QFrame):
    """A card on the key safe's page.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._form: PassphraseForm | None = None
        self._protection: Protection | None = None
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        frame, column = box()
        outer.addWidget(frame)

        self._heading = label("", "card-title")
        self._words = label("", "muted")
        holder = QWidget()
        words = QVBoxLayout(holder)
        words.setContentsMargins(0, 0, SPACE, 0)
        words.setSpacing(SPACE // 2)
        words.addWidget(self._heading)
        words.addWidget(self._words)
        self._open = button("", "", lambda: self.chose.emit(OpenPassphraseForm()))
        self._open.setObjectName("open-passphrase")
        self._lock = button(self.tr("L&ock"), "", lambda: self.chose.emit(PressLock()))
        self._lock.setObjectName("lock")
        head = TurningRow(narrow=460)
        head.add(holder, 1)
        head.add(self._open)
        head.add(self._lock)
        column.addWidget(head)
        column.addWidget(self._make_form())
        self.hide()

    def show_state(self, state: AppState) -> None:
        """Draw how the safe is protected, and the form when it is open."""
        self.setVisible(state.protection is not None)
        if state.protection is None:
            return
        self._show_protection(state.protection)
        form = state.passphrase_form
        self._open.setVisible(state.protection is not Protection.UNLOCKED and form is None)
        self._lock.setVisible(state.protection is Protection.UNLOCKED)
        self._lock.setEnabled(state.live_run is None)
        if form != self._form:
            self._show_form(form)

    def _show_protection(self, protection: Protection) -> None:
        heading, words, opens = {
            Protection.UNPROTECTED: (
                self.tr("Without a passphrase"),
                self.tr("Whoever can read your files can read these keys."),
                self.tr("Pro&tect with a passphrase..."),
            ),
            Protection.UNLOCKED: (
                self.tr("Protected by a passphrase, unlocked"),
                self.tr("New backups are encrypted. It locks by itself when you close Rekindle."),
                "",
            ),
            Protection.LOCKED: (
                self.tr("Protected by a passphrase, locked"),
                self.tr("Unlock it to back up a key."),
                self.tr("&Unlock..."),
            ),
        }[protection]
        self._heading.setText(heading)
        self._words.setText(words)
        self._open.setText(opens)
        self._open.setAccessibleName(opens.replace("&", ""))
        if self._protection is not None and protection is not self._protection:
            announce(self, heading)
        self._protection = protection

    # --- the form ---

    def _make_form(self) -> QWidget:
        self._fields = QWidget()
        column = QVBoxLayout(self._fields)
        column.setContentsMargins(0, SPACE, 0, 0)
        column.setSpacing(SPACE)
        self._warning = label(
            self.tr(
                "Nobody can recover a forgotten passphrase, and keys protected by it are then lost: write it down and "
                "keep it in a safe place. Backups made before now stay as they are, without protection."
            ),
            "warning",
        )
        column.addWidget(self._warning)
        self._first = self._make_line(self.tr("Passphrase"), "passphrase")
        self._again = self._make_line(self.tr("The same passphrase again"), "passphrase-again")
        column.addWidget(self._first)
        column.addWidget(self._again)
        self._trouble = label("", "danger")
        column.addWidget(self._trouble)
        self._cancel = button(self.tr("Ca&ncel"), "", lambda: self.chose.emit(ClosePassphraseForm()))
        self._cancel.setObjectName("cancel-passphrase")
        self._go = button("", "primary", self._give)
        self._go.setObjectName("give-passphrase")
        row = TurningRow()
        row.add(self._go)
        row.add(self._cancel)
        row.add_stretch()
        column.addWidget(row)
        self._fields.hide()
        return self._fields

    def _make_line(self, words: str, name: str) -> QLineEdit:
        line = QLineEdit()
        line.setAcceptDrops(False)  # files dropped on it are the window's
        line.setObjectName(name)
        line.setEchoMode(QLineEdit.EchoMode.Password)
        line.setMaxLength(LONGEST)
        line.setPlaceholderText(words)
        line.setAccessibleName(words)
        line.textChanged.connect(self._look)
        line.returnPressed.connect(self._next)
        return line

    def _show_form(self, form: PassphraseForm | None) -> None:
        before, self._form = self._form, form
        if form is None:
            self._empty()
            self._fields.hide()
            return
        self._warning.setVisible(form.sets)
        self._again.setVisible(form.sets)
        self._go.setText(self.tr("P&rotect") if form.sets else self.tr("&Unlock"))
        self._go.setAccessibleName(self._go.text().replace("&", ""))
        for part in (self._first, self._again, self._cancel):
            part.setEnabled(not form.busy)
        for line in (self._first, self._again):
            line.setMaximumWidth(tokens().px(FIELD_WIDTH))
        opened = before is None
        refused = form.refused if before is None or form.refused != before.refused else None
        self._fields.show()
        if refused is not None:
            self._empty()
            announce(self, say(refused))
        if opened or refused is not None:
            self._first.setFocus()
        self._look()

    def _empty(self) -> None:
        for line in (self._first, self._again):
            line.clear()

    def _look(self) -> None:
        """Say what is missing, and let only a complete form be given."""
        form = self._form
        if form is None:
            return
        first, again = self._first.text(), self._again.text()
        trouble = ""
        if form.sets and again and not first.startswith(again):
            trouble = self.tr("The two are not the same.")
        elif form.refused is not None and not first:
            trouble = say(form.refused)
        self._trouble.setText(trouble)
        self._trouble.setVisible(bool(trouble))
        self._go.setEnabled(bool(first) and (not form.sets or first == again) and not form.busy)

    def _next(self) -> None:
        """Enter goes to the second line, then gives the passphrase."""
        if self._go.isEnabled():
            self._give()
        elif self._again.isVisible() and not self._again.text():
            self._again.setFocus()

    def _give(self) -> None:
        words = self._first.text()
        self._empty()
        self.chose.emit(GivePassphrase(words))
