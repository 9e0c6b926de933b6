"""The serial monitor: what a board says over USB, what is sent to it, and the one-key commands as buttons."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.clicks import (
    AskCommand,
    Back,
    ClearMonitor,
    CloseMonitor,
    Go,
    OpenMonitor,
    PickRecipe,
    PressSaveDocument,
    Screen,
    SendSerial,
)
from app.flow import AppState, MonitorState
from app.platforms.console import CONSOLE_COMMANDS, ConsoleCommand, as_sent, cannot, console_command
from app.recipes.registry import known
from app.text import Text, text
from app.ui.pages.base import (
    CardButton,
    CardGrid,
    Page,
    TurningRow,
    box,
    breakable,
    button,
    label,
    set_kind,
)
from app.ui.parts.fold import Fold
from app.ui.parts.serial_view import SerialView
from app.ui.questions import ask_target
from app.ui.say import announce, say
from app.ui.settings import Settings
from app.ui.theme import SPACE
from app.work.board import Board
from app.work.events import Document, MonitorStatus

STATUS_WORDS = {
    MonitorStatus.OPENING: text("SerialMonitor", "The port is being opened."),
    MonitorStatus.OPEN: text("SerialMonitor", "Open at 9600 8N1."),
    MonitorStatus.AWAY: text(
        "SerialMonitor",
        "No serial port there now: the board is away or in update mode (DFU). The port is opened when it is back.",
    ),
    MonitorStatus.LENT: text("SerialMonitor", "A job has the board. The port is opened again when the job has ended."),
    MonitorStatus.REFUSED: text("SerialMonitor", "The port cannot be opened. Rekindle tries again by itself."),
    MonitorStatus.CLOSED: text("SerialMonitor", "Closed. What was said can still be read, copied and saved."),
}
NOT_OPEN = text("SerialMonitor", "Not open yet.")
NO_BOARD = text("SerialMonitor", "No board is plugged in.")
PORT_NAME = text("SerialMonitor", "{board} at {port}")
TROUBLE = text("SerialMonitor", "{cause} {next_step}")
LINE_ENDS: tuple[tuple[str, bytes], ...] = (("LF", b"\n"), ("CR", b"\r"), ("CR LF", b"\r\n"), ("", b""))
"""What may follow a line; the board's dialogues want exactly one LF or CR (device-protocol.md 5.1)."""


class SerialMonitorPage(Page):
    """Lines that come and go. Pause, times and hex digits are how the page looks, and no part of the state."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self._settings = settings
        self._state: MonitorState | None = None
        self._board: Board | None = None
        self._drawn: object = None
        self._offered: object = None
        self._paused = False
        self._unsent = b""  # what is sent if the person agrees
        self.title.setText(self.tr("Serial monitor"))
        self.content.addWidget(
            label(self.tr("What a board says over USB, line by line, and what you send to it."), "muted")
        )
        self.content.addWidget(self._make_port())
        self.content.addWidget(self._make_trouble())
        self._view = SerialView(self.tr("Lines of the serial port"))
        self._view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._view.setPlaceholderText(self.tr("Open the port: what the board says appears here."))
        self.content.addWidget(self._view, 1)
        self.content.addWidget(self._make_tools())
        self.content.addWidget(self._make_sender())
        self.content.addWidget(self._make_question())
        self._grid = CardGrid()
        self.content.addWidget(self._make_commands())
        self._notes = self._make_notes()
        self.content.addWidget(self._notes)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def first_focus(self) -> QWidget | None:
        """The line to send while the port is open, else the button that opens it."""
        if self._line.isEnabled():
            return self._line
        return self._open if self._open.isEnabled() else self._back

    def show_state(self, state: AppState) -> None:
        """Draw the port, its lines, and what can be sent."""
        monitor = state.monitor
        self._state = monitor
        self._show_ports(state)
        at = monitor.port_path if monitor is not None else self._ports.currentData()
        self._board = next((board for board in state.boards if board.port_path == at), None)
        status = monitor.status if monitor is not None else None
        now = (status, monitor.cause if monitor is not None else None, self._ports.count(), self._ports.currentData())
        if now != self._drawn:
            before, self._drawn = self._drawn, now
            self._show_status(announced=before is not None)
        self._show_commands()
        self._show_question()
        self._pull()

    # --- making ---

    def _make_port(self) -> QWidget:
        self._ports = QComboBox()
        self._ports.setAccessibleName(self.tr("Board"))
        self._ports.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._ports.setMinimumContentsLength(14)
        self._ports.currentIndexChanged.connect(lambda _index: self._show_status(announced=False))
        self._open = button(self.tr("&Open the port"), "primary", self._press_open)
        self._open.setObjectName("open-port")
        self._status = label("", "muted")
        row = TurningRow(narrow=520)
        row.add(self._ports, 2)
        row.add(self._open)
        row.add(self._status, 3)
        return row

    def _make_trouble(self) -> QWidget:
        self._trouble, column = box("warning-box")
        self._trouble_words = label("")
        column.addWidget(self._trouble_words)
        self._trouble.hide()
        return self._trouble

    def _make_tools(self) -> QWidget:
        self._stamps = QCheckBox(self.tr("T&imes"))
        self._stamps.setChecked(True)
        self._hex = QCheckBox(self.tr("He&x digits"))
        for choice in (self._stamps, self._hex):
            choice.toggled.connect(
                lambda _on: self._view.set_form(stamps=self._stamps.isChecked(), as_hex=self._hex.isChecked())
            )
        self._pause = button(self.tr("Pa&use"), "small", self._press_pause)
        self._pause.setObjectName("pause")
        self._clear = button(self.tr("Clea&r"), "small", lambda: self.chose.emit(ClearMonitor()))
        self._clear.setObjectName("clear-lines")
        self._copy = button(self.tr("Cop&y all"), "small", self._press_copy)
        self._copy.setObjectName("copy-lines")
        self._save = button(self.tr("Sa&ve as..."), "small", self._ask_save)
        self._save.setObjectName("save-lines")
        self._count = label("", "muted")
        row = TurningRow()
        for part in (self._stamps, self._hex, self._pause, self._clear, self._copy, self._save):
            row.add(part)
        row.add_stretch()
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE // 2)
        column.addWidget(row)
        column.addWidget(self._count)
        return holder

    def _make_sender(self) -> QWidget:
        self._line = QLineEdit()
        self._line.setPlaceholderText(self.tr("A line to send"))
        self._line.setAccessibleName(self.tr("A line to send"))
        self._line.setAccessibleDescription(
            self.tr(
                "Shown as you type it. Answers to a question for a password are masked in what is copied and saved."
            )
        )
        self._line.setObjectName("line-to-send")
        self._line.returnPressed.connect(self._press_send)
        self._end = QComboBox()
        self._end.setAccessibleName(self.tr("Line end"))
        for name, end in LINE_ENDS:
            self._end.addItem(name or self.tr("No line end"), end)
        self._send = button(self.tr("&Send"), "", self._press_send)
        self._send.setObjectName("send-line")
        row = TurningRow(narrow=420)
        row.add(self._line, 1)
        row.add(self._end)
        row.add(self._send)
        return row

    def _make_question(self) -> QWidget:
        self._question, column = box("warning-box")
        self._question_title = label("", "card-title")
        self._question_words = label("")
        column.addWidget(self._question_title)
        column.addWidget(self._question_words)
        self._leave = button(self.tr("Do &not send it"), "", lambda: self.chose.emit(AskCommand("")))
        self._leave.setObjectName("do-not-send")
        self._instead = button("", "primary", self._press_instead)
        self._instead.setObjectName("use-recipe")
        self._anyway = button(self.tr("Send it &anyway"), "", self._press_anyway)
        self._anyway.setObjectName("send-anyway")
        row = TurningRow()
        row.add(self._instead)
        row.add(self._leave)
        row.add(self._anyway)
        row.add_stretch()
        column.addWidget(row)
        self._question.hide()
        return self._question

    def _make_commands(self) -> QWidget:
        holder, column = box("", margin=0)
        column.addWidget(label(self.tr("One-key commands"), "heading"))
        row = TurningRow(narrow=520)
        row.add(
            label(self.tr("A board answers them in listening mode only: while its light blinks blue slowly."), "muted"),
            1,
        )
        self._modes = button(self.tr("Ho&w to get there"), "small", lambda: self.chose.emit(Go(Screen.MODES)))
        self._modes.setObjectName("open-modes")
        row.add(self._modes)
        column.addWidget(row)
        column.addWidget(self._grid)
        return holder

    def _make_notes(self) -> Fold:
        inside = QWidget()
        line = QHBoxLayout(inside)
        line.setContentsMargins(SPACE, 0, 0, SPACE)
        line.addWidget(
            label(
                self.tr(
                    "The rate is 9600 and cannot be changed. Over USB no rate is faster than another, and two of them "
                    "are commands: at 14400 a board restarts into update mode (DFU), at 28800 it stops what it does "
                    "and listens.\n\n"
                    "In listening mode each character of a line is a command, until the board asks something; then "
                    "the line is the answer. The command f, which waits for a file, has no button: the recipes write "
                    "firmware and check every byte.\n\n"
                    "What you type is shown as you type it. After a question for a password, a key or a code it is "
                    "masked in what is copied and saved, and it is in no log and no report.\n\n"
                    "Signs before a line: < from the board, > to the board, - from Rekindle. A byte that is no letter "
                    "stands as \\x and its two hex digits."
                ),
                "muted",
            )
        )
        return Fold(self.tr("Good to know"), inside)

    # --- drawing ---

    def _show_ports(self, state: AppState) -> None:
        rows = [(self._port_name(board), board.port_path) for board in state.boards]
        monitor = state.monitor
        if monitor is not None and monitor.port_path not in {path for _, path in rows}:
            rows.append((say(PORT_NAME.with_values(board=self.tr("Board"), port=monitor.port_path)), monitor.port_path))
        if rows == [(self._ports.itemText(place), self._ports.itemData(place)) for place in range(self._ports.count())]:
            return
        before = self._ports.currentData()
        self._ports.blockSignals(True)
        self._ports.clear()
        for name, path in rows:
            self._ports.addItem(name, path)
        open_at = monitor.port_path if monitor is not None and monitor.status is not MonitorStatus.CLOSED else None
        wanted = before if before is not None else open_at if open_at is not None else state.chosen
        self._ports.setCurrentIndex(max(0, self._ports.findData(wanted)))
        self._ports.blockSignals(False)

    def _port_name(self, board: Board) -> str:
        port = board.sighting.serial_port or board.port_path
        return say(PORT_NAME.with_values(board=board.platform.name, port=port))

    def _closes(self) -> bool:
        """Whether the button closes the port that is chosen."""
        monitor = self._state
        return (
            monitor is not None
            and monitor.status is not MonitorStatus.CLOSED
            and monitor.port_path == self._ports.currentData()
        )

    def _show_status(self, *, announced: bool) -> None:
        monitor = self._state
        closes = self._closes()
        words = self.tr("Cl&ose the port") if closes else self.tr("&Open the port")
        self._open.setText(words)
        self._open.setAccessibleName(words.replace("&", ""))
        set_kind(self._open, "" if closes else "primary")
        self._open.setEnabled(self._ports.count() > 0)
        self._ports.setEnabled(self._ports.count() > 0)
        status = NO_BOARD if self._ports.count() == 0 else NOT_OPEN
        if monitor is not None:
            status = STATUS_WORDS[monitor.status]
        self._status.setText(say(status))
        can_send = monitor is not None and monitor.open
        had_focus, opens = self._line.hasFocus(), self._open.hasFocus() and not self._line.isEnabled()
        for part in (self._line, self._end, self._send):
            part.setEnabled(can_send)
        if had_focus and not can_send:
            self._open.setFocus()
        elif opens and can_send:  # what comes next is typing; and Enter must not close it again
            self._line.setFocus()
        trouble = monitor is not None and monitor.cause is not None
        self._trouble.setVisible(trouble)
        if monitor is not None and monitor.cause is not None:
            told = say(TROUBLE.with_values(cause=monitor.cause, next_step=monitor.next_step or ""))
            self._trouble_words.setText(breakable(told))
            announce(self, told)
        elif announced:
            announce(self, say(status))

    def _show_commands(self) -> None:
        monitor = self._state
        can_send = monitor is not None and monitor.open
        platform = self._board.platform if self._board is not None else None
        version = self._board.system_version if self._board is not None else ""
        offered = (can_send, platform.key if platform is not None else "", version)
        if offered == self._offered:
            return
        self._offered = offered
        focus = QApplication.focusWidget()
        had = focus.objectName() if self._grid.isAncestorOf(focus or self) and focus is not None else ""
        cards: list[QWidget] = [
            self._card(command, can_send=can_send, why=cannot(command, platform, version))
            for command in CONSOLE_COMMANDS
        ]
        heading = QWidget()
        heading.setFixedHeight(0)
        self._grid.set_groups([(heading, cards)])
        # They are newer than what stands below them, and the keyboard would come to them last.
        for before, after in pairwise((self._modes, *cards, self._notes.button)):
            QWidget.setTabOrder(before, after)
        again = next((card for card in cards if had and card.objectName() == had and card.isEnabled()), None)
        if had:
            (again or self._open).setFocus()

    def _card(self, command: ConsoleCommand, *, can_send: bool, why: Text | None) -> CardButton:
        words = say(command.what)
        since = self.tr("From firmware {version} on.").format(version=command.since) if command.since else ""
        if why is not None:
            words = say(why)
        elif since:
            words = f"{words} {since}"
        mark = self.tr("asks first") if command.caution is not None else ""
        title = self.tr("{key}   {name}").format(key=command.key, name=say(command.name))
        card = CardButton(title, words, fits=can_send and why is None, mark=mark, corner=True)
        card.setObjectName(f"command-{ord(command.key)}")
        card.clicked.connect(lambda: self._press_command(command))
        return card

    def _show_question(self) -> None:
        monitor = self._state
        key = monitor.confirm if monitor is not None else ""
        if not key:
            had_focus = self._question.isAncestorOf(QApplication.focusWidget() or self)
            self._question.hide()
            if had_focus and self._line.isEnabled():
                self._line.setFocus()
            return
        if not self._question.isHidden() and self._question.property("command") == key:
            return
        command = console_command(key)
        self._question.setProperty("command", key)
        title = self.tr("Send {key}?").format(key=key)
        self._question_title.setText(title)
        self._question_words.setText(say(command.caution) if command.caution is not None else "")
        recipe = known(command.recipe)
        self._instead.setVisible(recipe is not None)
        if recipe is not None:
            self._instead.setText(say(recipe.title))
            self._instead.setAccessibleName(say(recipe.title))
        self._question.show()
        (self._instead if recipe is not None else self._leave).setFocus()
        self.scroller.ensureWidgetVisible(self._question)
        announce(self, title)

    def _pull(self) -> None:
        monitor = self._state
        if monitor is None or self._paused:
            return
        self._view.follow(monitor.transcript)
        self._show_count()

    def _show_count(self) -> None:
        monitor = self._state
        if monitor is None:
            return
        lost, kept = monitor.transcript.lost, monitor.transcript.kept
        words = self.tr("Lines: {shown}").format(shown=kept)
        if lost:
            words = self.tr("Lines: {shown}; {lost} older ones are kept no more").format(shown=kept, lost=lost)
        if self._paused:
            words = self.tr("Paused. The port is read on.")
        self._count.setText(words)

    # --- doing ---

    def _press_open(self) -> None:
        if self._closes():
            self.chose.emit(CloseMonitor())
        elif (path := self._ports.currentData()) is not None:
            self.chose.emit(OpenMonitor(path))

    def _press_pause(self) -> None:
        self._paused = not self._paused
        self._view.fill()
        words = self.tr("&Go on") if self._paused else self.tr("Pa&use")
        self._pause.setText(words)
        self._pause.setAccessibleName(words.replace("&", ""))
        self._show_count()
        self._pull()

    def _press_send(self) -> None:
        words = self._line.text()
        asked = self._state is not None and self._state.transcript.asks
        data = as_sent(words, self._end.currentData(), asked=asked)
        if not data or not self._line.isEnabled():
            return
        self._line.clear()
        # A command that changes something asks first, however it is given.
        wanted = next((each for each in CONSOLE_COMMANDS if each.key == words and each.caution is not None), None)
        if wanted is not None and not asked:
            self._unsent = data
            self.chose.emit(AskCommand(wanted.key))
        else:
            self.chose.emit(SendSerial(data))

    def _press_command(self, command: ConsoleCommand) -> None:
        if command.caution is None:
            self.chose.emit(SendSerial(command.key.encode()))
        else:
            self._unsent = command.key.encode()
            self.chose.emit(AskCommand(command.key))

    def _press_instead(self) -> None:
        if self._state is not None and self._state.confirm:
            wanted = console_command(self._state.confirm).recipe
            self.chose.emit(AskCommand(""))
            self.chose.emit(PickRecipe(wanted))

    def _press_anyway(self) -> None:
        if self._state is not None and self._state.confirm:
            self.chose.emit(SendSerial(self._unsent))

    def _press_copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._view.handed_on()))
        self._count.setText(self.tr("Copied, passwords masked."))
        announce(self, self._count.text())

    def _ask_save(self) -> None:
        name = f"serial-{datetime.now().astimezone():%Y-%m-%d-%H%M}.txt"
        ask_target(self, self.tr("Save the lines"), self._settings.last_folder / name, self._save_to)

    def _save_to(self, target: Path) -> None:
        self._settings.last_folder = target.parent
        title = text("SerialMonitor", "Lines of the serial port")
        content = "\n".join([*self._view.handed_on(), ""])
        self.chose.emit(PressSaveDocument(Document("serial-lines", title, title, target.name, content), target))
