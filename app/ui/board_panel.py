"""The left side, always there: the board, drawn, with its light alive, and what is known about it."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.clicks import Go, PickBoard, PickRecipe, Screen
from app.flow import AppState, backups_of
from app.platforms.lights import mode_pattern
from app.platforms.model import Mode
from app.ui.access import AccessHelp
from app.ui.pages.base import (
    SCROLL_BAR,
    ColourDot,
    CopyButton,
    TurningRow,
    box,
    button,
    clear,
    label,
    set_kind,
    side_scroll,
)
from app.ui.parts.board_view import BoardView
from app.ui.say import day, say
from app.ui.theme import SPACE, tokens
from app.work.board import Board

READ_ID = "read-id"
BOARD_HEIGHT = 216  # px
SMALL_BOARD_HEIGHT = 120


class BoardPanel(QFrame):
    """Shows the board of a state.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel-frame")
        self.setAccessibleName(self.tr("Your board"))
        self._ports: tuple[tuple[str, str], ...] = ()

        inner = self._inner = QWidget()
        inner.setProperty("kind", "panel")
        column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE)
        column.setSpacing(SPACE + SPACE // 2)
        column.addWidget(label(self.tr("YOUR BOARD"), "section"))
        self._picture = BoardView(height=BOARD_HEIGHT)
        column.addWidget(self._picture)
        self._name = label("", "heading")
        column.addWidget(self._name)
        self._chip, chip = box("chip", margin=0)
        chip_row = QHBoxLayout()
        chip_row.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
        chip_row.setSpacing(SPACE)
        self._dot = ColourDot()
        self._mode = label("")
        chip_row.addWidget(self._dot)
        chip_row.addWidget(self._mode, 1)
        chip.addLayout(chip_row)
        column.addWidget(self._chip)
        self._advice = label("", "muted")
        column.addWidget(self._advice)
        self._facts = self._make_facts()
        column.addWidget(self._facts)
        self._denied = self._make_denied()
        column.addWidget(self._denied)
        self._others = QVBoxLayout()
        self._others.setSpacing(SPACE)
        column.addLayout(self._others)
        column.addStretch(1)

        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 1, 0)
        outer.setSpacing(0)
        outer.addWidget(side_scroll(inner), 1)
        outer.addLayout(self._make_doors())
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.fit_text()

    def fit_text(self) -> None:
        """Be as wide as the size of words asks for."""
        needed = max(self.minimumSizeHint().width(), self._inner.minimumSizeHint().width() + SCROLL_BAR)
        self.setFixedWidth(max(round(200 + 56 * tokens().scale), needed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave room for the words: the drawing is as high as is left."""
        super().resizeEvent(event)
        room = self.height() - tokens().px(300)
        self._picture.setFixedHeight(max(SMALL_BOARD_HEIGHT, min(BOARD_HEIGHT, room)))

    def show_state(self, state: AppState) -> None:
        """Draw the board of this state, or the cable when there is none."""
        board = state.shown_board
        self._show_light(state, board)
        self._name.setText(board.platform.name if board is not None else self._no_board_words(state))
        self._chip.setVisible(board is not None)
        self._facts.setVisible(board is not None)
        self._mode.setText(self._mode_words(state, board))
        self._advice.setText(self._advice_words(state, board))
        self._advice.setVisible(bool(self._advice.text()))
        self._denied.setVisible(bool(state.denied))
        if board is not None:
            self._show_facts(state, board)
        self._show_others(state)

    # --- the parts ---

    def _make_facts(self) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        self._id = label("", "mono", selectable=True)
        self._id.setWordWrap(False)
        self._copy = CopyButton("", self.tr("device ID"))
        self._read = button(self.tr("Read it"), "small", lambda: self.chose.emit(PickRecipe(READ_ID)))
        self._read.setAccessibleName(self.tr("Read the device ID"))
        self._read.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._port = label("", selectable=True)
        self._key = label("")
        identity = TurningRow()
        identity.add(self._id, 1)
        identity.add(self._copy)
        identity.add(self._read)
        for row, (name, value) in enumerate(
            ((self.tr("ID"), identity), (self.tr("Port"), self._port), (self.tr("Key"), self._key))
        ):
            heading = label(name, "muted")
            heading.setWordWrap(False)
            grid.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignVCenter if row == 0 else Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
        return holder

    def _make_denied(self) -> QWidget:
        frame, column = box("warning-box", margin=1)
        column.addWidget(
            label(self.tr("A board is there, but this computer does not let the program open it."), "warning")
        )
        if sys.platform.startswith("linux"):
            column.addWidget(AccessHelp())
        else:
            column.addWidget(label(self.tr("Close other programs that use the board, then plug it in again.")))
        return frame

    def _make_doors(self) -> QVBoxLayout:
        doors = QVBoxLayout()
        doors.setContentsMargins(SPACE * 2, SPACE, SPACE * 2, SPACE * 2)
        doors.setSpacing(SPACE)
        guide = button(self.tr("&Light guide"), "side", lambda: self.chose.emit(Go(Screen.GUIDE)))
        guide.setObjectName("open-guide")
        safe = button(self.tr("&Key safe"), "side", lambda: self.chose.emit(Go(Screen.SAFE)))
        safe.setObjectName("open-safe")
        pack = button(self.tr("Rescue &pack"), "side", lambda: self.chose.emit(Go(Screen.PACK)))
        pack.setObjectName("open-pack")
        monitor = button(self.tr("Serial &monitor"), "side", lambda: self.chose.emit(Go(Screen.MONITOR)))
        monitor.setObjectName("open-monitor")
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(button(self.tr("S&ettings"), "side", lambda: self.chose.emit(Go(Screen.SETTINGS))))
        row.addWidget(button(self.tr("&Help"), "side", lambda: self.chose.emit(Go(Screen.HELP))))
        doors.addWidget(guide)
        doors.addWidget(safe)
        doors.addWidget(pack)
        doors.addWidget(monitor)
        doors.addLayout(row)
        return doors

    # --- what they say ---

    def _show_light(self, state: AppState, board: Board | None) -> None:
        pattern = None
        if board is not None and not state.board_is_away:
            pattern = mode_pattern(board.platform, board.mode)
        self._picture.show_board(board.platform.key if board is not None else None, pattern)
        self._picture.setAccessibleName(
            board.platform.name if board is not None else self.tr("A cable on its way into a board")
        )
        self._dot.set_colour(f"#{pattern.colour.value:06x}" if pattern is not None else "")

    def _no_board_words(self, state: AppState) -> str:
        if state.denied:
            return self.tr("No way in")
        return self.tr("Plug in your board") if state.looked else self.tr("Looking for boards...")

    def _mode_words(self, state: AppState, board: Board | None) -> str:
        if board is None:
            return ""
        if state.board_is_away:
            return self.tr("Waiting for the board")
        mode = {
            Mode.DFU: self.tr("Update mode (DFU)"),
            Mode.LISTENING: self.tr("Listening"),
            Mode.NORMAL: self.tr("Connected (running or listening)"),
        }[board.mode]
        pattern = mode_pattern(board.platform, board.mode)
        if pattern is None:
            return mode
        light = say(pattern.name)
        return f"{mode} · {light[:1].lower()}{light[1:]}"

    def _advice_words(self, state: AppState, board: Board | None) -> str:
        if state.trouble is not None:
            return f"{say(state.trouble.cause)} {say(state.trouble.next_step)}"
        if board is None:
            if state.practice and state.looked:
                return self.tr(
                    "The practice board is not on USB: its cable is pulled, or it runs its program and is silent, as a "
                    "Spark Core of 2014 is. Hold its MODE button for three seconds until the light blinks blue."
                )
            if state.no_board_for_long and not state.denied:
                return self.tr(
                    "Nothing yet. Many cables only charge and carry no data: try another cable first, then a port "
                    "on the computer itself, without a hub.\n\nA Spark Core that runs its program may be silent on "
                    "USB: hold its MODE button for three seconds until the light blinks blue."
                )
            return "" if state.denied else self.tr("With a USB cable, into this computer.")
        if board.mode is Mode.NORMAL and not state.board_is_away:
            return self.tr("The cable cannot tell these two apart. Look at the light: blinking blue is listening.")
        return ""

    def _show_facts(self, state: AppState, board: Board) -> None:
        known = board.identity
        if known is not None:
            device_id = known.device_id
            self._id.setText(f"{device_id[:4]}…{device_id[-6:]}")
            self._id.setToolTip(device_id)
            self._id.setAccessibleName(device_id)
            set_kind(self._id, "mono")
            self._copy.set_value(device_id)
        else:
            self._id.setText(self.tr("not read yet"))
            self._id.setToolTip("")
            set_kind(self._id, "")
            self._id.setAccessibleName(self.tr("not read yet"))
        self._id.setWordWrap(known is None)  # words wrap, an ID must not
        self._copy.setVisible(known is not None)
        self._read.setVisible(known is None)
        self._read.setEnabled(state.live_run is None)
        self._port.setText(
            self.tr("USB {port}").format(port=board.port_path)
            + (f"\n{board.sighting.serial_port}" if board.sighting.serial_port else "")
        )
        own = backups_of(board, state.backups or ())
        self._key.setText(
            self.tr("backed up {day}").format(day=day(own[0].made)) if own else self.tr("not backed up yet")
        )

    def _show_others(self, state: AppState) -> None:
        """Small cards to pick from, when there is more than one board."""
        boards = state.boards if len(state.boards) > 1 else ()
        ports = tuple((board.port_path, board.platform.key) for board in boards)
        if ports != self._ports:
            self._ports = ports
            clear(self._others)
            self._group = QButtonGroup(self)
            if boards:
                self._others.addWidget(label(self.tr("Boards on this computer"), "section"))
            for board in boards:
                self._others.addWidget(self._board_card(board))
        for card in self._group_buttons():
            card.setChecked(card.objectName() == f"board-{state.chosen}")
            card.setEnabled(state.live_run is None)

    def _group_buttons(self) -> list[QPushButton]:
        return [part for part in self.findChildren(QPushButton) if part.objectName().startswith("board-")]

    def _board_card(self, board: Board) -> QPushButton:
        words = self.tr("{board} · USB {port}").format(board=board.platform.name, port=board.port_path)
        card = button(words, "side", lambda: self.chose.emit(PickBoard(board.port_path)))
        card.setObjectName(f"board-{board.port_path}")
        card.setCheckable(True)
        self._group.addButton(card)
        return card
