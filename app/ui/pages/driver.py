"""Fix the driver: on Windows, a board with old firmware needs WinUSB in update mode. By one button, or by Zadig."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QProcess, Qt
from PySide6.QtWidgets import QWidget

from app.clicks import Back, Go, Screen
from app.flow import AppState
from app.platforms.model import Mode, Platform
from app.text import Text, text
from app.ui.pages.base import Page, TurningRow, box, button, label
from app.ui.parts.board_choice import BoardChoice
from app.ui.say import announce, say
from app.ui.theme import SPACE

# What the helper's exit status means; packaging/windows/drivers.c says the same.
OUTCOMES: dict[int, Text] = {
    0: text("DriverPage", "The driver is there. Plug the board in again, then go on where you were."),
    3: text(
        "DriverPage", "Windows did not give permission, so nothing was changed. Try again, or go the way with Zadig."
    ),
    4: text("DriverPage", "Windows is busy with another device. Unplug the board, wait a minute, and try again."),
    5: text("DriverPage", "The rules of this computer forbid such a driver. Ask whoever looks after it."),
}
FAILED = text("DriverPage", "It did not work. Go the way with Zadig, below: it shows what it does.")

_ZADIG = (
    text("DriverPage", "Bring the board into update mode (DFU), and leave it there."),
    text("DriverPage", "Get Zadig from zadig.akeo.ie and start it. Windows asks for permission."),
    text("DriverPage", "In its menu Options, tick List All Devices."),
    text("DriverPage", "In the list, choose {names}. Beside USB ID it must say {vendor} {product}: if not, stop here."),
    text("DriverPage", "Right of the green arrow, choose WinUSB."),
    text("DriverPage", "Press Install Driver or Replace Driver, and wait: it may take some minutes."),
    text("DriverPage", "Plug the board in again, then go on where you were."),
)


def zadig_steps(platform: Platform) -> tuple[str, ...]:
    """Return what to do with Zadig for a board, in order."""
    ids = platform.ids[Mode.DFU]
    names = " / ".join(dict.fromkeys(loader.product for loader in platform.boot_loaders))
    values = {"names": names, "vendor": f"{ids.vendor:04X}", "product": f"{ids.product:04X}"}
    return tuple(
        f"{number}. {say(step.with_values(**values) if '{names}' in step.english() else step)}"
        for number, step in enumerate(_ZADIG, start=1)
    )


class DriverPage(Page):
    """Starts the helper that was installed beside the program, and says how it ended.

    Args:
        helper: The helper; None where there is none: then the page has the way with Zadig only.
    """

    def __init__(self, helper: Path | None) -> None:
        super().__init__("")
        self.title.setText(self.tr("Fix the driver"))
        self._helper = helper
        self._process = QProcess(self)
        self._process.finished.connect(self._ended)
        self._process.errorOccurred.connect(self._broke)

        self.content.addWidget(
            label(
                self.tr(
                    "In update mode (DFU) a Core, and a Photon, P1 or Electron with firmware older than 0.6, has no "
                    "driver on Windows. They need WinUSB, a part of Windows. Newer firmware asks for it itself."
                ),
                "lead",
            )
        )
        self._board = BoardChoice("driver-board")
        self._board.currentIndexChanged.connect(lambda _index: self._draw())
        row = TurningRow(narrow=420)
        row.add(label(self.tr("For this board:"), "muted"), 1)
        row.add(self._board)
        self.content.addWidget(row)
        self._install = button(self.tr("&Install the driver"), "primary", self._start)
        self._install.setObjectName("install-driver")
        self._told = label("", "strong")
        if helper is not None:
            self.content.addWidget(self._make_helper_box())
        self._steps = label("", selectable=True)
        self._steps.setObjectName("zadig-steps")
        self.content.addWidget(self._make_zadig_box())
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)
        self._draw()

    def show_state(self, state: AppState) -> None:
        """Take the board on the table, unless another kind was chosen since."""
        board = state.shown_board
        self._board.follow(board.platform if board is not None else None)

    def first_focus(self) -> QWidget:
        """The button, if there is one."""
        return self._install if self._helper is not None else self._board

    def _make_helper_box(self) -> QWidget:
        frame, column = box()
        column.setSpacing(SPACE * 2)
        column.addWidget(label(self.tr("Let Rekindle do it"), "heading"))
        column.addWidget(
            label(
                self.tr(
                    "Windows asks once for permission. Then a certificate that is made on this computer for this "
                    "driver alone is added to those it trusts; its key is thrown away at once. With it, WinUSB is "
                    "installed for this board in update mode. Nothing else is changed."
                )
            )
        )
        column.addWidget(self._install, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._told)
        self._told.hide()
        return frame

    def _make_zadig_box(self) -> QWidget:
        frame, column = box()
        column.setSpacing(SPACE * 2)
        heading = self.tr("Or with Zadig") if self._helper is not None else self.tr("With Zadig")
        column.addWidget(label(heading, "heading"))
        column.addWidget(label(self.tr("Zadig is a free program that installs such drivers, and shows each step.")))
        column.addWidget(self._steps)
        modes = button(self.tr("How to get into &update mode"), "", lambda: self.chose.emit(Go(Screen.MODES)))
        modes.setObjectName("driver-modes")
        column.addWidget(modes, 0, Qt.AlignmentFlag.AlignLeft)
        return frame

    def _draw(self) -> None:
        platform = self._board.platform
        self._steps.setText("\n".join(zadig_steps(platform)))
        if self._process.state() is QProcess.ProcessState.NotRunning:
            self._told.hide()

    def _start(self) -> None:
        if self._helper is None or self._process.state() is not QProcess.ProcessState.NotRunning:
            return
        self._install.setEnabled(False)
        self._say(self.tr("Windows asks for permission now. After that it may take two minutes."))
        self._process.start(str(self._helper), [self._board.platform.key])

    def _ended(self, status: int, how: QProcess.ExitStatus) -> None:
        self._install.setEnabled(True)
        self._say(say(OUTCOMES.get(status, FAILED) if how is QProcess.ExitStatus.NormalExit else FAILED))

    def _broke(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:  # everything else ends with `finished`
            self._install.setEnabled(True)
            self._say(say(FAILED))

    def _say(self, words: str) -> None:
        self._told.setText(words)
        self._told.show()
        announce(self, words)
