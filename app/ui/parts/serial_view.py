"""The lines of a serial port on the screen: as many as are kept, appended in batches, never a password in a copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PySide6.QtCore import QMimeData, QSize, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent, QTextCursor, QTextOption
from PySide6.QtWidgets import QPlainTextEdit

from app.ui.say import say
from app.ui.theme import tokens
from app.work.serial_lines import KEPT_LINES, Line, Transcript, handed_on, shown

HEIGHT = 190  # px at text scale 1.0
AT_ONCE = 250
"""Of more new lines than this only the newest are drawn: nobody reads a flood, and the window must not wait for it."""
CALM_MS = 400
"""So long after the last flood all kept lines are drawn again."""


class SerialView(QPlainTextEdit):
    """Follows a transcript. One block for each line, so a marked part is found again among the lines."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)  # files dropped on it are the window's
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)
        self.setProperty("kind", "mono")
        self.setMaximumBlockCount(KEPT_LINES)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self._transcript: Transcript | None = None
        self._lines: deque[Line] = deque(maxlen=KEPT_LINES)
        self._stamps = True
        self._as_hex = False
        self._gap = False  # a flood was cut: fewer lines are shown than are kept
        self._at_end = True  # the newest line is to stay in sight: nobody has scrolled back to read
        self._busy = False  # it is this view that moves the lines, not a person
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._scrolled())
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(CALM_MS)
        self._calm.timeout.connect(self.fill)

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown, in order."""
        return tuple(self._lines)

    def sizeHint(self) -> QSize:
        """As high as a few lines; it takes what room there is."""
        return QSize(super().sizeHint().width(), tokens().px(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """The same: a window of lines that shows none would be of no use."""
        return QSize(super().minimumSizeHint().width(), tokens().px(HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines wrap elsewhere; the newest stays in sight."""
        with self._keeping_the_end():
            super().resizeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """What came while another page was open is in sight, too."""
        with self._keeping_the_end():
            super().showEvent(event)

    def set_form(self, *, stamps: bool, as_hex: bool) -> None:
        """Show times or not, and hex digits or words."""
        if (stamps, as_hex) == (self._stamps, self._as_hex):
            return
        self._stamps, self._as_hex = stamps, as_hex
        lines = self.lines
        self._empty()
        self._append(lines)

    def follow(self, transcript: Transcript) -> None:
        """Show what is in this transcript now; what was shown of it before stays as it is."""
        if transcript is not self._transcript:
            self._transcript = transcript
            self._empty()
        if self._lines and self._lines[-1].number < transcript.cleared:
            self._empty()
        batch = transcript.since(self._next())
        if len(batch.lines) > AT_ONCE:
            self._gap = True
            self._calm.start()
            self._empty()
            self._append(batch.lines[-AT_ONCE:])
        elif batch.lines and self._lines and batch.lines[0].number == self._lines[-1].number:
            self._replace_last(batch.lines[0])
            self._append(batch.lines[1:])
        else:
            self._append(batch.lines)

    def fill(self) -> None:
        """Show all lines that are kept, if a flood was cut."""
        self._calm.stop()
        if self._gap and self._transcript is not None:
            self._gap = False
            self._empty()
            self._append(self._transcript.since(0).lines)

    def handed_on(self) -> list[str]:
        """Return all lines as they are copied and saved."""
        self.fill()
        return self._masked(self.lines)

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy what is marked; a line with a secret is copied masked."""
        cursor = self.textCursor()
        document = self.document()
        first = document.findBlock(cursor.selectionStart())
        last = document.findBlock(cursor.selectionEnd())
        pieces: list[str] = []
        block = first
        while block.isValid() and block.blockNumber() <= last.blockNumber():
            words = block.text()
            begin = max(cursor.selectionStart() - block.position(), 0)
            end = min(cursor.selectionEnd() - block.position(), len(words))
            line = self._lines[block.blockNumber()] if block.blockNumber() < len(self._lines) else None
            safe = self._masked((line,))[0] if line is not None else words
            pieces.append(words[begin:end] if safe == words else safe)
            block = block.next()
        data = QMimeData()
        data.setText("\n".join(pieces))
        return data

    # --- inside ---

    def _next(self) -> int:
        """Number of the first line that is not shown to its end."""
        if not self._lines:
            return 0
        last = self._lines[-1]
        return last.number + 1 if last.ended else last.number

    def _masked(self, lines: Sequence[Line]) -> list[str]:
        if self._transcript is None:
            return []
        return handed_on(self._transcript, lines, stamps=self._stamps, as_hex=self._as_hex, say=say)

    def _words(self, line: Line) -> str:
        note = say(line.words) if line.words is not None else ""
        return shown(line, stamps=self._stamps, as_hex=self._as_hex, note=note)

    def _empty(self) -> None:
        self._at_end = True
        with self._keeping_the_end():
            self._lines.clear()
            self.clear()

    def _append(self, lines: Sequence[Line]) -> None:
        if lines:
            self._lines.extend(lines)
            with self._keeping_the_end():
                # One call: each costs a layout.
                self.appendPlainText("\n".join(self._words(line) for line in lines))

    @contextmanager
    def _keeping_the_end(self) -> Iterator[None]:
        """Have the newest line in sight afterwards, if it was: Qt does so only for a view that is itself in sight."""
        outer, self._busy = self._busy, True
        try:
            yield
            if self._at_end:
                bar = self.verticalScrollBar()
                bar.setValue(bar.maximum())
        finally:
            self._busy = outer

    def _scrolled(self) -> None:
        if not self._busy and self.isVisible():
            bar = self.verticalScrollBar()
            self._at_end = bar.value() >= bar.maximum()

    def _replace_last(self, line: Line) -> None:
        self._lines[-1] = line
        with self._keeping_the_end():
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.insertText(self._words(line))
