"""Help and about: what to try first, the access rule, keys, versions, licences."""

from __future__ import annotations

import platform
import sys

import PySide6
from PySide6.QtCore import Qt, QUrl, Signal, qVersion
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from app import paths
from app.clicks import Back, Go, Screen
from app.log import version
from app.ui.access import AccessHelp
from app.ui.pages.base import CopyButton, Page, box, breakable, button, label
from app.ui.theme import SPACE

LICENCES = (
    ("Rekindle", "Apache-2.0"),
    ("Qt, PySide6", "LGPL-3.0"),
    ("libusb", "LGPL-2.1"),
    ("libusb-package", "Apache-2.0"),
    ("PyUSB", "BSD-3-Clause"),
    ("pySerial", "BSD-3-Clause"),
    ("cryptography", "Apache-2.0 / BSD-3-Clause"),
    ("platformdirs", "MIT"),
    ("Segno", "BSD-3-Clause"),
    ("HTTPX", "BSD-3-Clause"),
    ("keyring", "MIT"),
    ("psutil", "BSD-3-Clause"),
    ("truststore", "MIT"),
    ("OpenSSL", "Apache-2.0"),
    ("Python", "PSF-2.0"),
)


class HelpPage(Page):
    """Answers to what people ask first.

    Signals:
        show_file: A folder or a text is to be shown by the system's own programs.
    """

    show_file = Signal(QUrl)

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("Help and about"))
        self._section(
            self.tr("The board is not seen"),
            self.tr(
                "Nine times in ten it is the cable: many cables only charge. Take one that came with a phone or a "
                "camera and plug it straight into the computer, not into a hub. Then look at the board's light: "
                '"What is my light doing?" tells you what it says, without a cable too.'
            ),
        )
        decode = button(self.tr("What is my light &doing?"), "", lambda: self.chose.emit(Go(Screen.DECODER)))
        decode.setObjectName("help-decoder")
        self.content.addWidget(decode, 0, Qt.AlignmentFlag.AlignLeft)
        self._section(
            self.tr("What is listening mode, safe mode, update mode?"),
            self.tr("What a board does in each, how to get in and out, what works there, and which jobs use it."),
        )
        modes = button(self.tr("Modes e&xplained"), "", lambda: self.chose.emit(Go(Screen.MODES)))
        modes.setObjectName("help-modes")
        self.content.addWidget(modes, 0, Qt.AlignmentFlag.AlignLeft)
        if sys.platform.startswith("linux"):
            self.content.addWidget(label(self.tr("This computer does not let the program open the board"), "heading"))
            self.content.addWidget(AccessHelp())
        if sys.platform == "win32":
            self._section(
                self.tr("Windows has no driver for the board"),
                self.tr("A Core, and a Photon, P1 or Electron with old firmware, needs one in update mode (DFU)."),
            )
            driver = button(self.tr("Fix the dri&ver"), "", lambda: self.chose.emit(Go(Screen.DRIVER)))
            driver.setObjectName("help-driver")
            self.content.addWidget(driver, 0, Qt.AlignmentFlag.AlignLeft)
        self._section(
            self.tr("Keyboard"),
            self.tr(
                "Tab and Shift+Tab move, Enter presses, Escape goes back. F1 help, Ctrl+H first page, Ctrl+L light "
                "guide, Ctrl+D what the light is doing, Ctrl+K key safe, Ctrl+M serial monitor, Ctrl+R rescue pack, "
                "Ctrl+B my boards, Ctrl+U sign-in, Ctrl+comma settings. Underlined letters work with Alt."
            ),
        )
        self._section(
            self.tr("Where things are kept"),
            self.tr(
                "Keys, settings and the log are in one folder of yours. Nothing leaves this computer but what you ask "
                "for: of a cloud you have signed in at, of your network, of the rescue pack's makers, and of "
                "Rekindle's, if you agreed that it looks for newer versions."
            ),
        )
        row = QHBoxLayout()
        folder = str(paths.data_folder())
        row.addWidget(label(breakable(folder), "muted"), 1)
        row.addWidget(
            button(self.tr("Show in &folder"), "small", lambda: self.show_file.emit(QUrl.fromLocalFile(folder)))
        )
        self.content.addLayout(row)

        self.content.addWidget(label(self.tr("About"), "heading"))
        versions = self.tr("Rekindle {version}. Python {python}, Qt {qt}, PySide {pyside}, {system}.").format(
            version=version(),
            python=platform.python_version(),
            qt=qVersion(),
            pyside=PySide6.__version__,
            system=platform.system(),
        )
        line = QHBoxLayout()
        line.addWidget(label(versions, selectable=True), 1)
        line.addWidget(CopyButton(versions, self.tr("versions")))
        self.content.addLayout(line)
        self.content.addWidget(
            label(
                self.tr(
                    "Rekindle is free software and not made by Particle. Spark and Particle are names of their owner."
                ),
                "muted",
            )
        )
        frame, column = box()
        column.addWidget(label(self.tr("Licences"), "strong"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE * 3)
        grid.setColumnStretch(1, 1)
        for number, (name, licence) in enumerate(LICENCES):
            grid.addWidget(label(name), number, 0)
            grid.addWidget(label(licence, "muted"), number, 1)
        column.addLayout(grid)
        if notices := paths.notices():
            place = QUrl.fromLocalFile(str(notices))
            every = button(self.tr("Show &them all, in full"), "small", lambda: self.show_file.emit(place))
            every.setObjectName("help-licences")
            column.addWidget(every, 0, Qt.AlignmentFlag.AlignLeft)
        self.content.addWidget(frame)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def first_focus(self) -> QWidget:
        """Back; the text is read from the top."""
        return self._back

    def _section(self, heading: str, words: str) -> None:
        self.content.addWidget(label(heading, "heading"))
        self.content.addWidget(label(words))
