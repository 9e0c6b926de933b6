"""Files dragged over the window: what they would do when let go of, over everything else."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.pages.base import breakable, label
from app.ui.theme import SPACE, tokens

VEIL = 235  # of 255: what is below is only to be guessed
EDGE = SPACE * 3


def files_in(dragged: QMimeData) -> tuple[Path, ...]:
    """Return the files and folders of this computer among what is dragged."""
    return tuple(Path(place.toLocalFile()) for place in dragged.urls() if place.isLocalFile())


class DropOverlay(QWidget):
    """Covers its parent while files are dragged over it; hidden else.

    Signals:
        dropped: The files (tuple of `Path`) were let go of.
    """

    dropped = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.setAcceptDrops(True)
        self.setAccessibleName(self.tr("Drop files here"))
        self._words = label("", "heading")
        self._usual = self.tr(
            "Files of the rescue pack are recognised and kept. A program of your own can be put on a board."
        )
        self._more = label(self._usual, "lead")
        column = QVBoxLayout(self)
        column.setContentsMargins(EDGE * 2, EDGE * 2, EDGE * 2, EDGE * 2)
        column.addStretch(1)
        for part in (self._words, self._more):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(part)
        column.addStretch(1)
        parent.installEventFilter(self)
        self.hide()

    def offer(self, dragged: QMimeData, asked: str = "") -> bool:
        """Show what letting go would do; False when no file is dragged.

        Args:
            dragged: What the pointer carries.
            asked: The question a single file answers now, "" for none.
        """
        files = files_in(dragged)
        if not files:
            return False
        name = breakable(files[0].name)
        answers = bool(asked) and len(files) == 1
        if answers:
            self._words.setText(self.tr("Let go to choose {file}").format(file=name))
        elif len(files) == 1:
            self._words.setText(self.tr("Let go to add {file}").format(file=name))
        else:
            self._words.setText(self.tr("Let go to add {number} files").format(number=len(files)))
        self._more.setText(asked if answers else self._usual)
        self._fit()
        self.raise_()
        self.show()
        return True

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Go on: the pointer came from the widgets below, and what letting go does stands here already."""
        if files_in(event.mimeData()):
            self.show()
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Anywhere will do."""
        event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """They were carried off again."""
        self.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        self.take(event)

    def take(self, event: QDropEvent) -> None:
        """Take what was let go of here, or on the parent before the pointer moved on to here."""
        self.hide()
        files = files_in(event.mimeData())
        if files:
            event.acceptProposedAction()
            self.dropped.emit(files)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the parent."""
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._fit()
        return super().eventFilter(watched, event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A veil over everything, and a dashed frame."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = look.colour("window")
        veil.setAlpha(255 if look.high_contrast else VEIL)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(look.colour("accent"), 3, Qt.PenStyle.DashLine))
        painter.setBrush(look.colour("accent_soft") if not look.high_contrast else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE), look.radius * 2, look.radius * 2)

    def _fit(self) -> None:
        self.setGeometry(self._parent.rect())
