"""The fields of the Wi-Fi form: networks seen, another one by name, password or sign-in, several in one go."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.faults import Fault
from app.protocols.wifi import NAME_BYTES, PASSWORD_BYTES, SECURITY_NAMES, Cipher, Eap, Enterprise, Security, WifiLogin
from app.ui.pages.base import TurningRow, button, label
from app.ui.say import say
from app.ui.theme import SPACE
from app.work.questions import WifiForm
from app.work.wifi_form import SeenNetwork, WifiAnswer, check, read_certificate, read_private_key

ROWS_SHOWN = 6
ROW_PX = 28
ROW_SPACE = 4
CERTIFICATE, PRIVATE_KEY, ROOT = "certificate", "private-key", "root"


class WifiPanel(QWidget):
    """The fields; nothing typed is trimmed, and a password is forgotten as soon as it was handed on.

    Signals:
        changed: Something was typed or chosen.
        wants_file: A file is to be picked: `certificate`, `private-key` or `root`.
    """

    changed = Signal()
    wants_file = Signal(str)

    def __init__(self, question: WifiForm) -> None:
        super().__init__()
        self._question = question
        self._added: list[WifiLogin] = []
        self._files: dict[str, tuple[str, str]] = {}  # kind -> file name, content
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self._list = self._make_list()
        column.addWidget(self._list)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE * 2)
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        self._grid = grid
        self._rows: dict[str, tuple[QLabel, QWidget]] = {}
        self._name = self._line("wifi-name")
        self._row(self.tr("&Name"), self._name)
        self._name_count = label("", "muted")
        grid.addWidget(self._name_count, grid.rowCount(), 1)
        self._security = self._choice("wifi-security")
        for kind in Security:
            if question.enterprise or not kind.enterprise:
                self._security.addItem(say(SECURITY_NAMES[kind]), kind)
        self._security.setCurrentIndex(self._security.findData(Security.WPA2))
        self._row(self.tr("&Security"), self._security)
        self._cipher = self._choice("wifi-cipher")
        ciphers = (
            (self.tr("Let the board find out"), Cipher.UNKNOWN),
            (self.tr("AES"), Cipher.AES),
            (self.tr("TKIP"), Cipher.TKIP),
            (self.tr("AES and TKIP"), Cipher.AES_TKIP),
        )
        for words, cipher in ciphers:
            self._cipher.addItem(words, cipher)
        self._row(self.tr("C&ipher"), self._cipher)
        self._eap = self._choice("wifi-eap")
        self._eap.addItem(self.tr("User name and password (PEAP)"), Eap.PEAP)
        self._eap.addItem(self.tr("Certificate (EAP-TLS)"), Eap.TLS)
        self._row(self.tr("Si&gn in with"), self._eap)
        self._username = self._line("wifi-username")
        self._row(self.tr("&User name"), self._username)
        self._password = self._line("wifi-password")
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._row(self.tr("&Password"), self._password)
        self._password_count = label("", "muted")
        self._show = QCheckBox(self.tr("S&how the password"))
        self._show.setObjectName("wifi-show")
        self._show.toggled.connect(self._show_password)
        line = TurningRow()
        line.add(self._show)
        line.add(self._password_count)
        line.add_stretch()
        self._below_password = line
        grid.addWidget(line, grid.rowCount(), 1)
        self._outer = self._line("wifi-outer")
        self._row(self.tr("&Outer identity (optional)"), self._outer)
        self._pickers = {
            CERTIFICATE: self._picker(CERTIFICATE, self.tr("Client certificate")),
            PRIVATE_KEY: self._picker(PRIVATE_KEY, self.tr("Private key")),
            ROOT: self._picker(ROOT, self.tr("Root certificate (optional)")),
        }
        self._why = label("", "warning")
        column.addWidget(self._why)
        self._told = label("", "muted")
        self._told.setObjectName("wifi-told")
        column.addWidget(self._told)
        self._forget = QCheckBox(self.tr("Let the board &forget the networks it knows now"))
        self._forget.setObjectName("wifi-forget")
        self._forget.setVisible(question.forget)
        column.addWidget(self._forget)
        self._list.currentRowChanged.connect(self._chosen)
        self._security.currentIndexChanged.connect(self._look)
        self._eap.currentIndexChanged.connect(self._look)
        self._cipher.currentIndexChanged.connect(self._look)
        self._list.setCurrentRow(self._first_row())
        self._look()

    # --- what was entered -------------------------------------------------------------------------------------------

    @property
    def whole(self) -> bool:
        """Whether it can be handed on as it stands: what is in the fields is a network, or empty after others."""
        return self._trouble() is None or (bool(self._added) and self._untouched())

    @property
    def can_add(self) -> bool:
        """Whether what is in the fields can be put on the list."""
        return self._trouble() is None

    def add(self) -> None:
        """Put the network in the fields on the list, and empty them for the next one."""
        self._added.append(self._login())
        names = ", ".join(each.name for each in self._added)
        self._told.setText(self.tr("The board will be told: {names}").format(names=names))
        self._empty()
        self._list.setCurrentRow(self._list.count() - 1)
        self._look()

    def answer(self) -> WifiAnswer:
        """Return everything and forget it here; only when it is whole."""
        here = [] if self._added and self._untouched() else [self._login()]
        found = WifiAnswer((*self._added, *here), forget=self._forget.isChecked())
        self._empty()
        self._added = []
        return found

    def take_file(self, kind: str, file: Path) -> None:
        """Take a certificate or key that was picked; one that cannot be used is said to be so."""
        try:
            content = read_private_key(file) if kind == PRIVATE_KEY else read_certificate(file)
        except Fault as fault:
            self._files.pop(kind, None)
            self._pickers[kind].setText(say(fault.cause))
        else:
            self._files[kind] = (file.name, content)
            self._pickers[kind].setText(file.name)
        self._look()

    def first_focus(self) -> QWidget:
        """The list of networks, or the name where none was seen."""
        return self._list if self._question.seen else self._name

    # --- inside -----------------------------------------------------------------------------------------------------

    def _make_list(self) -> QListWidget:
        found = QListWidget()
        found.setObjectName("wifi-networks")
        found.setAccessibleName(self.tr("Networks"))
        found.setWordWrap(True)
        for row in self._question.seen:
            item = QListWidgetItem(self._row_words(row))
            if not row.fits:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            found.addItem(item)
        found.addItem(QListWidgetItem(self.tr("Another network, or a hidden one...")))
        found.setSpacing(ROW_SPACE)
        found.setFixedHeight(min(ROWS_SHOWN, found.count()) * ROW_PX + SPACE)
        found.setVisible(bool(self._question.seen))
        return found

    def _row_words(self, row: SeenNetwork) -> str:
        parts = [row.name]
        if row.percent is not None:
            parts.append(self.tr("strength {percent} %").format(percent=row.percent))
        if row.channel:
            parts.append(self.tr("channel {channel}").format(channel=row.channel))
        if row.security is not None:
            parts.append(say(SECURITY_NAMES[row.security]))
        words = " · ".join(parts)
        return f"{words}\n{say(row.note)}" if row.note is not None else words

    def _first_row(self) -> int:
        fitting = (number for number, row in enumerate(self._question.seen) if row.fits)
        return next(fitting, self._list.count() - 1)

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.setAcceptDrops(False)  # files dropped on it are the window's
        line.setObjectName(name)
        line.textChanged.connect(self._look)
        return line

    def _choice(self, name: str) -> QComboBox:
        choice = QComboBox()
        choice.setObjectName(name)
        return choice

    def _row(self, words: str, field: QWidget) -> None:
        place = self._grid.rowCount()
        named = QLabel(words)
        named.setBuddy(field)
        field.setAccessibleName(words.replace("&", ""))
        self._grid.addWidget(named, place, 0)
        self._grid.addWidget(field, place, 1)
        self._rows[field.objectName()] = (named, field)

    def _picker(self, kind: str, words: str) -> QLabel:
        name = label("", "muted")
        pick = button(self.tr("Choose a file..."), "", lambda: self.wants_file.emit(kind))
        pick.setObjectName(f"wifi-{kind}")
        pick.setAccessibleName(words)
        row = TurningRow()
        row.setObjectName(f"wifi-row-{kind}")
        row.add(pick)
        row.add(name)
        row.add_stretch()
        self._row(words, row)
        return name

    @property
    def _seen(self) -> SeenNetwork | None:
        row = self._list.currentRow()
        return self._question.seen[row] if 0 <= row < len(self._question.seen) else None

    @property
    def _kind(self) -> Security:
        row = self._seen
        if row is not None and row.security is not None:
            return row.security
        return Security(self._security.currentData())

    def _login(self) -> WifiLogin:
        row, kind = self._seen, self._kind
        password = "" if kind is Security.OPEN else self._password.text()
        sign_in = None
        if kind.enterprise:
            eap = Eap(self._eap.currentData())
            by_name = eap is Eap.PEAP
            password = password if by_name else ""
            sign_in = Enterprise(
                eap,
                self._username.text() if by_name else "",
                self._outer.text(),
                certificate="" if by_name else self._content(CERTIFICATE),
                private_key="" if by_name else self._content(PRIVATE_KEY),
                root=self._content(ROOT),
            )
        if row is not None:
            return WifiLogin(row.ssid, kind, password, row.cipher, enterprise=sign_in)
        cipher = Cipher(self._cipher.currentData())
        return WifiLogin(self._name.text().encode(), kind, password, cipher, hidden=True, enterprise=sign_in)

    def _content(self, kind: str) -> str:
        return self._files.get(kind, ("", ""))[1]

    def _trouble(self) -> Fault | None:
        try:
            check(self._login(), enterprise=self._question.enterprise)
        except Fault as fault:
            return fault
        return None

    def _untouched(self) -> bool:
        return self._seen is None and not self._name.text() and not self._password.text()

    def _chosen(self, _row: int) -> None:
        self._password.clear()
        self._look()

    def _show_password(self, shown: bool) -> None:
        self._password.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def _empty(self) -> None:
        for line in (self._name, self._password, self._username, self._outer):
            line.clear()
        self._show.setChecked(False)
        self._files.clear()
        for name in self._pickers.values():
            name.clear()

    def _look(self) -> None:
        """Show the fields this network needs, count bytes, and say what is wrong with what was typed."""
        row, kind = self._seen, self._kind
        other = row is None
        by_name = Eap(self._eap.currentData()) is Eap.PEAP
        shown = {
            "wifi-name": other,
            "wifi-security": row is None or row.security is None,
            "wifi-cipher": other and kind is not Security.OPEN,
            "wifi-eap": kind.enterprise,
            "wifi-username": kind.enterprise and by_name,
            "wifi-password": kind is not Security.OPEN and (by_name or not kind.enterprise),
            "wifi-outer": kind.enterprise,
            "wifi-row-certificate": kind.enterprise and not by_name,
            "wifi-row-private-key": kind.enterprise and not by_name,
            "wifi-row-root": kind.enterprise,
        }
        for name, visible in shown.items():
            for part in self._rows[name]:
                part.setVisible(visible)
        self._name_count.setVisible(other)
        self._below_password.setVisible(shown["wifi-password"])
        counts = self.tr("{count} of {most} bytes")
        self._name_count.setText(counts.format(count=len(self._name.text().encode()), most=NAME_BYTES))
        self._password_count.setText(counts.format(count=len(self._password.text().encode()), most=PASSWORD_BYTES))
        typed = bool(self._password.text() or self._username.text() or (other and self._name.text()))
        fault = self._trouble() if typed else None
        self._why.setText(say(fault.cause) if fault is not None else "")
        self._why.setVisible(fault is not None)
        self._told.setVisible(bool(self._added))
        self.changed.emit()
