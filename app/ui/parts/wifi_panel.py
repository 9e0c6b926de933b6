"""The fields of the Wi-Fi form: networks seen, another one by name, password or sign-in, several in one go."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.faults import Fault
from app.protocols.wifi import NAME_BYTES, PASSWORD_BYTES, SECURITY_NAMES, Cipher, Eap, Enterprise, Security, WifiLogin
from app.ui.pages.base import TurningRow, box, button, keep_in_sight, label
from app.ui.parts.fold import Fold
from app.ui.say import say
from app.ui.theme import SPACE, tokens
from app.work.preflight import Finding, not_to_be_seen
from app.work.questions import WifiForm
from app.work.wifi_findings import findings, stops
from app.work.wifi_form import SeenNetwork, WifiAnswer, check, read_certificate, read_private_key, row_named

ROWS_SHOWN = 5
ROW_SPACE = 3
NARROW = 440  # px at text scale 1.0
LEAST_CHARACTERS = 8  # of a list that folds down, where the window is narrow
BARS = 4
BAR_PX, BARS_HEIGHT = 4, 16  # px at text scale 1.0
CERTIFICATE, PRIVATE_KEY, ROOT = "certificate", "private-key", "root"


class WifiPanel(QWidget):
    """The fields; nothing typed is trimmed, and a password is forgotten as soon as it was handed on.

    Signals:
        changed: Something was typed or chosen.
        wants_look: Networks are to be looked for once more.
        wants_file: A file is to be picked: `certificate`, `private-key` or `root`.
    """

    changed = Signal()
    wants_look = Signal()
    wants_file = Signal(str)

    def __init__(self, question: WifiForm) -> None:
        super().__init__()
        self._question = question
        self._added: list[WifiLogin] = []
        self._files: dict[str, tuple[str, str]] = {}  # kind -> file name, content
        self._anyway = False  # something on the list was agreed to against better advice
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self._list = self._make_list()
        column.addWidget(self._list)
        self._trouble_words = label("", "muted")
        self._again = button(self.tr("Look a&gain"), "", self.wants_look.emit)
        self._again.setObjectName("wifi-again")
        around = TurningRow()
        around.add(self._again)
        around.add(self._trouble_words, 1)
        around.add_stretch()
        column.addWidget(around)
        self._fields = QFormLayout()
        self._fields.setHorizontalSpacing(SPACE * 2)
        self._fields.setVerticalSpacing(SPACE)
        self._fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        column.addLayout(self._fields)
        self._rows: dict[str, QWidget] = {}
        self._name = self._line("wifi-name")
        self._row(self.tr("N&ame"), self._name)
        self._name_count = label("", "muted")
        self._fields.addRow("", self._name_count)
        self._security = self._choice("wifi-security")
        for kind in Security:
            if question.enterprise or not kind.enterprise:
                self._security.addItem(say(SECURITY_NAMES[kind]), kind)
        self._security.setCurrentIndex(self._security.findData(Security.WPA2))
        self._row(self.tr("Securit&y"), self._security)
        self._cipher = self._choice("wifi-cipher")
        ciphers = (
            (self.tr("Let the board find out"), Cipher.UNKNOWN),
            (self.tr("AES"), Cipher.AES),
            (self.tr("TKIP"), Cipher.TKIP),
            (self.tr("AES and TKIP"), Cipher.AES_TKIP),
        )
        for words, cipher in ciphers:
            self._cipher.addItem(words, cipher)
        self._row(self.tr("Ciphe&r"), self._cipher)
        self._eap = self._choice("wifi-eap")
        self._eap.addItem(self.tr("User name and password (PEAP)"), Eap.PEAP)
        self._eap.addItem(self.tr("Certificate (EAP-TLS)"), Eap.TLS)
        self._row(self.tr("Sign in &by"), self._eap)
        self._username = self._line("wifi-username")
        self._row(self.tr("&User name"), self._username)
        self._password = self._line("wifi-password")
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._row(self.tr("Pass&word"), self._password)
        self._password_count = label("", "muted")
        self._show = QCheckBox(self.tr("Sh&ow the password"))
        self._show.setObjectName("wifi-show")
        self._show.toggled.connect(self._show_password)
        line = TurningRow()
        line.add(self._show)
        line.add(self._password_count)
        line.add_stretch()
        self._below_password = line
        self._fields.addRow("", line)
        self._outer = self._line("wifi-outer")
        self._row(self.tr("Outer &identity (optional)"), self._outer)
        self._pickers = {
            CERTIFICATE: self._picker(CERTIFICATE, self.tr("Client certificate")),
            PRIVATE_KEY: self._picker(PRIVATE_KEY, self.tr("Private key")),
            ROOT: self._picker(ROOT, self.tr("Root certificate (optional)")),
        }
        self._why = label("", "warning")
        column.addWidget(self._why)
        self._against, inside = box("warning-box")
        self._against_words = label("", "warning")
        self._against_words.setObjectName("wifi-against")
        inside.addWidget(self._against_words)
        self._agree = QCheckBox(self.tr("&Tell it anyway"))
        self._agree.setObjectName("wifi-anyway")
        self._agree.toggled.connect(self._look)
        inside.addWidget(self._agree)
        column.addWidget(self._against)
        self._told = label("", "muted")
        self._told.setObjectName("wifi-told")
        column.addWidget(self._told)
        self._forget = QCheckBox(self.tr("&Forget old networks first"))
        self._forget.setObjectName("wifi-forget")
        self._forget.setVisible(question.forget)
        column.addWidget(self._forget)
        hints = () if question.platform is None else not_to_be_seen(question.platform)
        if hints:
            words = "\n".join(f"• {say(each.words)} {say(each.change)}" for each in hints)
            column.addWidget(Fold(self.tr("What no list shows"), label(words, "muted")))
        self._fill()
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
        return self.can_add or self._nothing_more()

    @property
    def can_add(self) -> bool:
        """Whether what is in the fields can be put on the list."""
        return self._trouble() is None

    def agreed(self) -> bool:
        """Whether nothing in the fields stops a board, or that was agreed to; else show what there is to agree to."""
        if self._agree.isChecked() or self._nothing_more() or not stops(self._findings()):
            return True
        self._agree.setFocus()
        keep_in_sight(self._against)
        return False

    def add(self) -> None:
        """Put the network in the fields on the list, and empty them for the next one."""
        self._added.append(self._login())
        self._anyway = self._anyway or self._agree.isChecked()
        names = ", ".join(each.name for each in self._added)
        self._told.setText(self.tr("The board will be told: {names}").format(names=names))
        self._empty()
        self._list.setCurrentRow(self._list.count() - 1)
        self._look()

    def answer(self) -> WifiAnswer:
        """Return everything and forget it here; only when it is whole."""
        here = [] if self._nothing_more() else [self._login()]
        anyway = self._anyway or (bool(here) and self._agree.isChecked())
        found = WifiAnswer((*self._added, *here), forget=self._forget.isChecked(), anyway=anyway)
        self._empty()
        self._added, self._anyway = [], False
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

    def renew(self, question: WifiForm) -> None:
        """Show what was found when it was looked for again; what was typed and chosen stays."""
        before, untouched = self._seen, self._untouched()
        self._question = question
        self._list.blockSignals(True)  # a row that is chosen by hand empties the password
        self._fill()
        if before is None and untouched:
            self._list.setCurrentRow(self._first_row())
        elif before is not None:
            same = (
                number
                for number, row in enumerate(question.seen)
                if row.fits and (row.ssid, row.security) == (before.ssid, before.security)
            )
            self._list.setCurrentRow(next(same, self._list.count() - 1))
            if self._seen is None:  # it is gone: now it is one that is told by its name
                typed = before.name if before.name.encode() == before.ssid else ""  # no keyboard has the others
                self._name.setText(typed)
                self._security.setCurrentIndex(max(0, self._security.findData(before.security or Security.WPA2)))
        else:
            self._list.setCurrentRow(self._list.count() - 1)
        self._list.blockSignals(False)
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
        found.setResizeMode(QListWidget.ResizeMode.Adjust)
        found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        found.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        found.setSpacing(ROW_SPACE)
        return found

    def _fill(self) -> None:
        """Put the networks of the question into the list; those that do not fit say why and cannot be chosen."""
        self._list.clear()
        for row in self._question.seen:
            item = QListWidgetItem(self._row_words(row))
            if not row.fits:
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
            self._list.addItem(item)
        self._list.addItem(QListWidgetItem(self.tr("Another network, or a hidden one...")))
        self._list.setVisible(bool(self._question.seen))
        trouble = self._question.trouble
        self._trouble_words.setText(say(trouble) if trouble is not None else "")
        self._trouble_words.setVisible(trouble is not None)
        self._paint_bars()
        self._fit_list()

    def _paint_bars(self) -> None:
        look = tokens()
        size = round((BARS * (BAR_PX + 2)) * look.scale), round(BARS_HEIGHT * look.scale)
        self._list.setIconSize(QPixmap(*size).size())
        for number, row in enumerate(self._question.seen):
            self._list.item(number).setIcon(_bars(row.percent, size, self.devicePixelRatioF()))
        self._list.item(len(self._question.seen)).setIcon(_bars(None, size, self.devicePixelRatioF()))

    def _fit_list(self) -> None:
        """Make the list as high as its first rows are, at whatever size of words and width of the window."""
        heights = [self._list.sizeHintForRow(number) + 2 * ROW_SPACE for number in range(self._list.count())]
        self._list.setFixedHeight(sum(heights[:ROWS_SHOWN]) + 2 * ROW_SPACE + 2 * self._list.frameWidth())

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the list, now that its size is known."""
        super().showEvent(event)
        self._fit_list()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Long reasons turn in other places, and names stand above their fields where there is no room beside them."""
        super().resizeEvent(event)
        narrow = self.width() < max(tokens().px(NARROW), self._beside())
        policy = QFormLayout.RowWrapPolicy
        # Long rows may be wrapped, too: what may never be would keep the form from getting narrower again.
        self._fields.setRowWrapPolicy(policy.WrapAllRows if narrow else policy.WrapLongRows)
        self._fit_list()

    def _beside(self) -> int:
        """Return the width at which every name has room beside every field."""
        fields = (*self._rows.values(), self._below_password)
        widest = max(self._fields.labelForField(field).sizeHint().width() for field in self._rows.values())
        return widest + self._fields.horizontalSpacing() + max(field.minimumSizeHint().width() for field in fields)

    def changeEvent(self, event: QEvent) -> None:
        """Paint the bars in the colours of another look."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._paint_bars()
            self._fit_list()

    def _row_words(self, row: SeenNetwork) -> str:
        parts = []
        if row.ssid == self._question.joined:
            parts.append(self.tr("this computer is in it"))
        if row.percent is not None:
            parts.append(self.tr("strength {percent} %").format(percent=row.percent))
        if row.channel:
            parts.append(self.tr("channel {channel}").format(channel=row.channel))
        if row.security is not None:
            parts.append(say(SECURITY_NAMES[row.security]))
        lines = [row.name, " · ".join(parts)]
        if row.note is not None and not row.fits:
            lines.append(say(row.note))
        return "\n".join(line for line in lines if line)

    def _first_row(self) -> int:
        """The network this computer is in, else the strongest that fits, else another one."""
        seen = self._question.seen
        first = row_named(self._question.joined, seen)
        if first is None or not first.fits:
            first = next((row for row in seen if row.fits), None)
        return self._list.count() - 1 if first is None else seen.index(first)

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit()
        line.setAcceptDrops(False)  # files dropped on it are the window's
        line.setObjectName(name)
        line.textChanged.connect(self._look)
        return line

    def _choice(self, name: str) -> QComboBox:
        choice = QComboBox()
        choice.setObjectName(name)
        choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        choice.setMinimumContentsLength(LEAST_CHARACTERS)
        return choice

    def _row(self, words: str, field: QWidget) -> None:
        named = QLabel(words)
        named.setBuddy(field)
        field.setAccessibleName(words.replace("&", ""))
        self._fields.addRow(named, field)
        self._rows[field.objectName()] = field

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

    def _findings(self) -> tuple[Finding, ...]:
        question = self._question
        return findings(self._login(), question.seen, question.platform, question.version)

    def _nothing_more(self) -> bool:
        return bool(self._added) and self._untouched()

    def _untouched(self) -> bool:
        return self._seen is None and not self._name.text() and not self._password.text()

    def _chosen(self, _row: int) -> None:
        _forget(self._password)
        self._agree.setChecked(False)
        self._look()

    def _show_password(self, shown: bool) -> None:
        self._password.setEchoMode(QLineEdit.EchoMode.Normal if shown else QLineEdit.EchoMode.Password)

    def _empty(self) -> None:
        for line in (self._name, self._password, self._username, self._outer):
            _forget(line)
        self._show.setChecked(False)
        self._agree.setChecked(False)
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
            self._fields.setRowVisible(self._rows[name], visible)
        self._fields.setRowVisible(self._name_count, other)
        self._fields.setRowVisible(self._below_password, shown["wifi-password"])
        counts = self.tr("{count} of {most} bytes")
        self._name_count.setText(counts.format(count=len(self._name.text().encode()), most=NAME_BYTES))
        self._password_count.setText(counts.format(count=len(self._password.text().encode()), most=PASSWORD_BYTES))
        typed = bool(self._password.text() or self._username.text() or (other and self._name.text()))
        fault = self._trouble() if typed else None
        self._why.setText(say(fault.cause) if fault is not None else "")
        self._why.setVisible(fault is not None)
        self._told.setVisible(bool(self._added))
        found = self._findings()
        self._against_words.setText("\n\n".join(f"{say(each.words)} {say(each.change)}" for each in found))
        self._against.setVisible(bool(found))
        self._agree.setVisible(stops(found))
        if self._agree.isChecked() and not stops(found):
            self._agree.setChecked(False)  # it was for another name; comes here once more
        self.changed.emit()


def _forget(line: QLineEdit) -> None:
    """Empty a line for good; what `clear` takes away, undoing brings back."""
    line.setText("")


def _bars(percent: int | None, size: tuple[int, int], ratio: float) -> QIcon:
    """Return a strength as rising bars, full and empty ones told apart by height and fill; nothing if not known."""
    look = tokens()
    icon = QIcon()
    modes = (QIcon.Mode.Normal, look.text), (QIcon.Mode.Selected, look.on_accent), (QIcon.Mode.Disabled, look.disabled)
    for mode, colour in modes:
        picture = QPixmap(round(size[0] * ratio), round(size[1] * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        if percent is not None:
            _paint_bars(picture, max(1, math.ceil(percent * BARS / 100)), size, QColor(colour))
        icon.addPixmap(picture, mode)
    return icon


def _paint_bars(picture: QPixmap, full: int, size: tuple[int, int], colour: QColor) -> None:
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(colour)
    step = size[0] / BARS
    for number in range(BARS):
        height = size[1] * (number + 1) / BARS - 1
        painter.setBrush(colour if number < full else Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(number * step + 0.5, size[1] - height - 0.5, step - 2, height))
    painter.end()
