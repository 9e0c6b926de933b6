"""The key safe: every backup, newest first, with a way to its folder and out of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.clicks import Back, PressCopyBackup, PressCopyPublicKey
from app.flow import AppState
from app.keys.backup import PUBLIC, Backup
from app.keys.device_key import KeyState
from app.platforms.table import PLATFORMS, platform
from app.ui.pages.base import CopyButton, Page, TurningRow, box, breakable, button, clear, label
from app.ui.pages.passphrase import ProtectionBox
from app.ui.questions import ask_folder
from app.ui.say import day_and_time, say
from app.ui.settings import Settings
from app.ui.theme import SPACE

KNOWN = frozenset(known.key for known in PLATFORMS)


class SafePage(Page):
    """A list of cards, one for each backup.

    Signals:
        show_file: A folder is to be shown in the system's file manager.
    """

    show_file = Signal(QUrl)

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self.title.setText(self.tr("Key safe"))
        self._settings = settings
        self._shown: tuple[Backup, ...] | None = None
        self.content.addWidget(
            label(
                self.tr(
                    "Every key you have backed up, newest first. Nothing here is ever overwritten or deleted by "
                    "Rekindle. Whoever has a key can pretend to be its board, so keep copies private."
                ),
                "lead",
            )
        )
        self._protection = ProtectionBox()
        self._protection.chose.connect(self.chose)
        self.content.addWidget(self._protection)
        self._list = QVBoxLayout()
        self._list.setSpacing(SPACE + SPACE // 2)
        self.content.addLayout(self._list)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Draw the protection and the list."""
        self._protection.show_state(state)
        if state.backups == self._shown and self._list.count():
            return
        self._shown = state.backups
        clear(self._list)
        if state.backups is None:
            self._list.addWidget(label(self.tr("Looking into the safe..."), "muted"))
        elif not state.backups:
            self._list.addWidget(self._empty())
        else:
            for backup in state.backups:
                self._list.addWidget(self._card(backup))

    def first_focus(self) -> QWidget:
        """Back; the list is read from the top."""
        return self._back

    def _empty(self) -> QWidget:
        frame, column = box()
        column.addWidget(label(self.tr("The safe is empty."), "strong"))
        column.addWidget(
            label(
                self.tr('Plug a board in and choose "Back up now" on the first page. It takes a few seconds.'), "muted"
            )
        )
        return frame

    def _card(self, backup: Backup) -> QWidget:
        frame, column = box("danger-box" if backup.damaged is not None else "card")
        name = platform(backup.platform).name if backup.platform in KNOWN else self.tr("Unknown board")
        head = TurningRow()
        head.add(label(name, "card-title"), 1)
        when = label(day_and_time(backup.made), "muted")
        when.setWordWrap(False)
        head.add(when)
        column.addWidget(head)
        facts = QGridLayout()
        facts.setHorizontalSpacing(SPACE * 2)
        facts.setVerticalSpacing(SPACE // 2)
        facts.setColumnStretch(1, 1)
        if backup.device_id:
            self._fact(facts, self.tr("Device ID"), backup.device_id, copy=True)
        elif backup.serial:
            self._fact(facts, self.tr("USB serial"), backup.serial, copy=False)
        if backup.fingerprint:
            self._fact(facts, self.tr("Fingerprint"), backup.fingerprint[:16], copy=False)
        column.addLayout(facts)
        if not backup.device_id:
            column.addWidget(
                label(
                    self.tr('The device ID is not proven yet. "Read the device ID" joins this backup to it.'), "muted"
                )
            )
        if backup.damaged is not None:
            words = self.tr("Damaged. {why}").format(why=say(backup.damaged))
            column.addWidget(label(words, "danger"))
        elif backup.state is not None and backup.state is not KeyState.GOOD:
            column.addWidget(label(self._state_words(backup.state), "warning"))
        if backup.encrypted:
            column.addWidget(label(self.tr("Encrypted with your passphrase."), "muted"))
        row = TurningRow()
        row.add_stretch()
        show = button(
            self.tr("Show in folder"), "small", lambda: self.show_file.emit(QUrl.fromLocalFile(str(backup.folder)))
        )
        copy = button(self.tr("Copy to..."), "small", lambda: self._ask_copy(backup))
        controls = [show, copy]
        if backup.damaged is None and any(path.name.endswith(PUBLIC) for path in backup.files):
            public = button(self.tr("Copy public key"), "small", lambda: self.chose.emit(PressCopyPublicKey(backup)))
            public.setObjectName("copy-public-key")
            controls.insert(0, public)
        for control in controls:
            control.setAccessibleDescription(name)
            row.add(control)
        column.addWidget(row)
        return frame

    def _state_words(self, state: KeyState) -> str:
        return {
            KeyState.GOOD: "",
            KeyState.BLANK: self.tr("The slot was blank: the board had no key. Its bytes are kept as they were."),
            KeyState.CORRUPT: self.tr("The slot held no sound key. Its bytes are kept as they were."),
            KeyState.UNUSABLE_BY_FIRMWARE: self.tr("A sound key, but the board's firmware cannot use it."),
        }[state]

    def _fact(self, grid: QGridLayout, name: str, value: str, *, copy: bool) -> None:
        row = grid.rowCount()
        grid.addWidget(label(name, "muted"), row, 0)
        grid.addWidget(label(breakable(value)), row, 1)
        if copy:
            grid.addWidget(CopyButton(value, name), row, 2)

    def _ask_copy(self, backup: Backup) -> None:
        start = self._settings.last_folder
        ask_folder(self, self.tr("Copy this backup to"), start, lambda folder: self._copy(backup, folder))

    def _copy(self, backup: Backup, folder: Path) -> None:
        self._settings.last_folder = folder
        self.chose.emit(PressCopyBackup(backup, folder))
