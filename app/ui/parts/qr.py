"""A QR code for what nobody should have to type: 24 digits of a device ID."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

QUIET_ZONE = 4  # modules of white around the code that readers need
MODULE = 5  # px


class QrView(QWidget):
    """Draws a text as a QR code, black on white in every theme, because that is what readers read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[bytes, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_text(self, words: str) -> None:
        """Draw this text; the accessible name says what is in it."""
        import segno  # 60 ms that no start of the program should cost

        self._rows = tuple(bytes(row) for row in segno.make(words, error="m", micro=False).matrix)
        self.setAccessibleName(self.tr("QR code: {words}").format(words=words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Whole pixels for each module."""
        side = (len(self._rows) + 2 * QUIET_ZONE) * MODULE
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the modules."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        for y, row in enumerate(self._rows):
            for x, dark in enumerate(row):
                if dark:
                    place = QRectF((x + QUIET_ZONE) * MODULE, (y + QUIET_ZONE) * MODULE, MODULE, MODULE)
                    painter.fillRect(place, Qt.GlobalColor.black)
