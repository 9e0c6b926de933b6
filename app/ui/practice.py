"""Practice: a virtual board on the desk beside the window's pages, with its buttons, its light and its cable.

Nothing here waits: the virtual board answers at once from any thread.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.clock import Clock
from app.platforms.table import platform
from app.ui.pages.base import SCROLL_BAR, button, label, side_scroll
from app.ui.parts.board_view import BoardView
from app.ui.say import say
from app.ui.theme import SPACE, tokens
from app.virtual.air import HOME
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import PRACTICE_BOARDS, make

LIGHT_MS = 33  # how often the light is looked at; the fastest blink lasts 50 ms
BOARD_HEIGHT = 236  # px
LOW_BOARD_HEIGHT = 96


class PracticePanel(QFrame):
    """The desk: one virtual board that is pressed, plugged and unplugged like a real one.

    Args:
        bus: Where the board is plugged in.
        clock: The time it lives by.
        board: The first board.
        name: Which of `PRACTICE_BOARDS` that is.
        build: Makes the board of another name; None for one that knows no server.
    """

    def __init__(
        self,
        bus: VirtualBus,
        clock: Clock,
        board: VirtualBoard,
        name: str,
        build: Callable[[str], VirtualBoard] | None = None,
    ) -> None:
        super().__init__()
        self.setProperty("kind", "side-frame")
        self._bus = bus
        self._build = build or (lambda name: make(name, clock))
        self._board = board

        inner = self._inner = QWidget()
        inner.setProperty("kind", "panel")
        column = self._column = QVBoxLayout(inner)
        column.setContentsMargins(SPACE * 2, SPACE * 2, SPACE * 2, SPACE * 2)
        column.setSpacing(SPACE + SPACE // 2)
        column.addWidget(label(self.tr("PRACTICE BOARD"), "section"))
        self._choice = QComboBox()
        self._choice.setAccessibleName(self.tr("Practice board"))
        self._choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._choice.setMinimumContentsLength(8)
        for key, row in PRACTICE_BOARDS.items():
            self._choice.addItem(say(row.title), key)
        self._choice.setCurrentIndex(self._choice.findData(name))
        self._choice.activated.connect(self._change_board)
        column.addWidget(self._choice)
        self._picture = BoardView(height=BOARD_HEIGHT)
        self._picture.set_clickable(True)
        self._picture.button_pressed.connect(self._press)
        self._picture.button_released.connect(self._release)
        column.addWidget(self._picture)
        self._light = label("", "strong")
        self._light.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._light)
        row_of_buttons = QHBoxLayout()
        row_of_buttons.setSpacing(SPACE)
        self._mode = self._board_button("mode")
        self._reset = self._board_button("reset")
        row_of_buttons.addWidget(self._mode)
        row_of_buttons.addWidget(self._reset)
        column.addLayout(row_of_buttons)
        self._keep = QCheckBox()
        self._keep.setObjectName("keep-mode")
        self._keep.toggled.connect(lambda on: self._press("mode") if on else self._release("mode"))
        column.addWidget(self._keep)
        column.addWidget(
            label(
                self.tr(
                    "Press and hold with the mouse or the space bar. To hold one button and tap the other, tick the "
                    "box first."
                ),
                "muted",
            )
        )
        self._cable = button(self.tr("Pull the &cable"), "", self._toggle_cable)
        self._cable.setObjectName("cable")
        column.addWidget(self._cable)
        self._network = label("", "muted", selectable=True)
        self._network.setObjectName("practice-network")
        column.addWidget(self._network)
        column.addStretch(1)

        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.addWidget(side_scroll(inner))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._timer = QTimer(self)
        self._timer.setInterval(LIGHT_MS)
        self._timer.timeout.connect(self._look)
        self._show_board()

    @property
    def board(self) -> VirtualBoard:
        """The board on the desk."""
        return self._board

    def fit_text(self) -> None:
        """Be as wide as the size of words asks for."""
        needed = self._inner.minimumSizeHint().width() + SCROLL_BAR
        self.setFixedWidth(max(round(160 + 64 * tokens().scale), needed))

    def set_low(self, low: bool) -> None:
        """Take less room: a smaller board and narrow edges."""
        self._picture.setFixedHeight(LOW_BOARD_HEIGHT if low else BOARD_HEIGHT)
        edge = SPACE // 2 if low else SPACE * 2
        self._column.setContentsMargins(edge, SPACE * 2, edge, SPACE * 2)
        self.fit_text()

    def showEvent(self, event: QShowEvent) -> None:
        """Watch the light while somebody can see it."""
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop watching."""
        self._timer.stop()
        super().hideEvent(event)

    def _board_button(self, name: str) -> QPushButton:
        made = QPushButton()
        made.setProperty("kind", "board-button")
        made.setObjectName(f"press-{name}")
        made.setAutoDefault(False)
        made.pressed.connect(lambda: self._press(name))
        made.released.connect(lambda: self._release(name))
        return made

    def _show_board(self) -> None:
        kind = self._board.personality.kind
        self._picture.show_board(kind.key, None)
        self._picture.setAccessibleName(self.tr("Practice board: {board}").format(board=kind.name))
        mode = platform(kind.key).mode_button
        self._mode.setText(mode)
        self._mode.setAccessibleName(self.tr("{button} button of the practice board").format(button=mode))
        self._reset.setText("RESET")
        self._reset.setAccessibleName(self.tr("{button} button of the practice board").format(button="RESET"))
        self._keep.setText(self.tr("Keep {button} pressed").format(button=mode))
        told = self.tr("The network around it is called “{name}”, its password is “{password}”.")
        self._network.setText(told.format(name=HOME.ssid.decode(), password=HOME.password.decode()))
        self._network.setVisible(not platform(kind.key).has_modem)
        self.fit_text()
        self._look()

    def _look(self) -> None:
        light = self._board.light()
        self._picture.show_rgb(light.rgb, light.brightness)
        plugged = self._plugged()
        words = self._board.light_pattern if plugged else self.tr("no power")
        if words != self._light.text():
            self._light.setText(words)
            self._picture.setAccessibleDescription(words)

    def _plugged(self) -> bool:
        return self._board in self._bus.boards

    def _press(self, name: str) -> None:
        self._board.press(name)
        self._picture.set_held(name)

    def _release(self, name: str) -> None:
        if name == "mode" and self._keep.isChecked() and not self._mode.isDown():
            self._picture.set_held("mode")
            return
        self._board.release(name)
        self._picture.set_held("mode" if self._keep.isChecked() else None)

    def _toggle_cable(self) -> None:
        if self._plugged():
            self._bus.unplug(self._board)
        else:
            self._bus.plug(self._board)
        self._say_cable()

    def _say_cable(self) -> None:
        words = self.tr("Pull the &cable") if self._plugged() else self.tr("Plug the &cable in")
        self._cable.setText(words)
        self._cable.setAccessibleName(words.replace("&", ""))
        self._look()

    def _change_board(self) -> None:
        self._keep.setChecked(False)
        if self._plugged():
            self._bus.unplug(self._board)
        self._board = self._build(str(self._choice.currentData()))
        self._bus.plug(self._board)
        self._show_board()
        self._say_cable()
