"""The boards of an account as a list of any length: model, order, filter, and how a row is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum, unique
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractListModel,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetrics, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.account_flow import shown_name
from app.platforms.table import PLATFORMS
from app.text import Text, text
from app.ui.say import day_and_time, say
from app.ui.theme import SPACE, tokens

if TYPE_CHECKING:
    from app.cloud.client import CloudBoard

WIDE = 600  # px at text scale 1.0; from here on a row is one line
ID_DIGITS = 24
BOARD_ROLE = Qt.ItemDataRole.UserRole
DESK_ROLE = Qt.ItemDataRole.UserRole + 1

ONLINE = text("CloudBoards", "Online")
OFFLINE = text("CloudBoards", "Offline")
NOT_KNOWN = text("CloudBoards", "Not known")
NEVER = text("CloudBoards", "never")
ON_DESK = text("CloudBoards", "on the desk now")
KINDS = {platform.number: platform.name for platform in PLATFORMS}

Index = QModelIndex | QPersistentModelIndex


@unique
class Sorting(Enum):
    """In which order the boards stand."""

    NAME = "name"
    ONLINE = "online"
    HEARD = "heard"
    ID = "id"


def state_words(board: CloudBoard) -> Text:
    """Say whether a board is online."""
    return NOT_KNOWN if board.online is None else ONLINE if board.online else OFFLINE


def heard_words(board: CloudBoard) -> str:
    """Say when a board was heard of last."""
    return "" if board.last_heard is None else day_and_time(board.last_heard)


def kind_words(board: CloudBoard) -> str:
    """Say what kind of board it is, "" for one that is not known here."""
    return "" if board.platform_id is None else KINDS.get(board.platform_id, "")


def arranged(boards: Iterable[CloudBoard], sorting: Sorting) -> list[CloudBoard]:
    """Return the boards in that order; those without a name come last, as do those never heard of. Pure."""

    def by_name(board: CloudBoard) -> tuple[bool, str, str]:
        return not board.name, board.name.casefold(), board.id

    match sorting:
        case Sorting.NAME:
            return sorted(boards, key=by_name)
        case Sorting.ONLINE:
            return sorted(boards, key=lambda board: (not board.online, by_name(board)))
        case Sorting.HEARD:
            return sorted(boards, key=lambda board: (-_seconds(board.last_heard), by_name(board)))
        case Sorting.ID:
            return sorted(boards, key=lambda board: board.id)


def _seconds(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def found(boards: Iterable[CloudBoard], words: str, desk: frozenset[str] = frozenset()) -> list[CloudBoard]:
    """Return the boards whose name, ID, kind or state holds all these words. Pure."""
    wanted = words.casefold().split()
    if not wanted:
        return list(boards)
    states = {online: say(words).casefold() for online, words in ((True, ONLINE), (False, OFFLINE), (None, NOT_KNOWN))}
    here = say(ON_DESK).casefold()
    kinds = {number: name.casefold() for number, name in KINDS.items()}

    def told(board: CloudBoard) -> str:
        kind = kinds.get(board.platform_id, "") if board.platform_id is not None else ""
        place = here if board.id in desk else ""
        return f"{board.name.casefold()}\n{board.id}\n{states[board.online]}\n{kind}\n{place}"

    return [board for board in boards if all(word in line for line in (told(board),) for word in wanted)]


class BoardModel(QAbstractListModel):
    """The boards that are shown, in their order. Ten thousand of them are arranged in some hundredths of a second."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._boards: tuple[CloudBoard, ...] = ()
        self._arranged: list[CloudBoard] = []
        self._shown: list[CloudBoard] = []
        self._rows: dict[str, int] = {}
        self._desk: frozenset[str] = frozenset()
        self._words = ""
        self._sorting = Sorting.NAME

    @property
    def boards(self) -> tuple[CloudBoard, ...]:
        """All of them, whatever is shown."""
        return self._boards

    def set_boards(self, boards: tuple[CloudBoard, ...]) -> None:
        """Show these instead."""
        if boards is self._boards:
            return
        self._boards = boards
        self._arranged = arranged(boards, self._sorting)
        self._show()

    def set_sorting(self, sorting: Sorting) -> None:
        """Use another order."""
        if sorting is not self._sorting:
            self._sorting = sorting
            self._arranged = arranged(self._boards, sorting)
            self._show()

    def set_words(self, words: str) -> None:
        """Show only those that hold these words."""
        if words != self._words:
            self._words = words
            self._show()

    def set_desk(self, desk: frozenset[str]) -> None:
        """Mark the boards with these IDs: they are on the desk."""
        if desk != self._desk:
            before, self._desk = self._desk, desk
            for device_id in before ^ desk:
                row = self.row_of(device_id)
                if row is not None:
                    self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, device_id: str) -> int | None:
        """Return where a board is shown, None if it is not."""
        return self._rows.get(device_id)

    def board_at(self, index: Index) -> CloudBoard | None:
        """Return the board of a row."""
        row = index.row()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def rowCount(self, parent: Index | None = None) -> int:
        """How many are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The board, whether it is on the desk, and its row in words for screen readers."""
        board = self.board_at(index)
        if board is None:
            return None
        if role == BOARD_ROLE:
            return board
        if role == DESK_ROLE:
            return board.id in self._desk
        if role == Qt.ItemDataRole.DisplayRole:
            return shown_name(board)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            parts = [shown_name(board), say(state_words(board)), heard_words(board)]
            if board.id in self._desk:
                parts.insert(1, say(ON_DESK))
            return ", ".join(part for part in parts if part)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return board.id
        return None

    def _show(self) -> None:
        self.beginResetModel()
        self._shown = found(self._arranged, self._words, self._desk)
        self._rows = {board.id: row for row, board in enumerate(self._shown)}
        self.endResetModel()


class BoardRow(QStyledItemDelegate):
    """Draws a row: in one line where it is wide, else in two. The state is never told by colour alone."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All rows are alike."""
        lines = 1 if is_wide(option.widget) else 2
        return QSize(tokens().px(120), QFontMetrics(_body()).height() * lines + SPACE + SPACE // 2 * lines)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw it."""
        board = index.data(BOARD_ROLE)
        if board is None:
            return
        look = tokens()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        area: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen or over:
            painter.fillRect(area, look.colour("accent_soft" if chosen else "card_hover"))
        if chosen:
            painter.fillRect(QRect(area.left(), area.top(), 4, area.height()), look.colour("accent"))
        painter.setPen(QPen(look.colour("border"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        inside = area.adjusted(SPACE * 2, SPACE // 2, -SPACE, -SPACE // 2)
        if is_wide(option.widget):
            self._one_line(painter, inside, board, on_desk=bool(index.data(DESK_ROLE)))
        else:
            self._two_lines(painter, inside, board, on_desk=bool(index.data(DESK_ROLE)))
        painter.restore()

    def _one_line(self, painter: QPainter, inside: QRect, board: CloudBoard, *, on_desk: bool) -> None:
        look = tokens()
        digits = QFontMetrics(_mono()).horizontalAdvance("0" * ID_DIGITS) + SPACE
        small = QFontMetrics(_small())
        states = max(small.horizontalAdvance(say(words)) for words in (ONLINE, OFFLINE, NOT_KNOWN)) + look.px(20)
        heard = small.horizontalAdvance("00 MMMM 0000, 00:00") + SPACE
        right = inside.right() + 1
        for width, words, font in (
            (digits, board.id if board.name else "", _mono()),
            (heard, heard_words(board), _small()),
        ):
            place = QRect(right - width, inside.top(), width, inside.height())
            _write(painter, place, words, font, look.colour("muted"))
            right -= width + SPACE * 2
        self._state(painter, QRect(right - states, inside.top(), states, inside.height()), board)
        right -= states + SPACE * 2
        self._name(painter, QRect(inside.left(), inside.top(), right - inside.left(), inside.height()), board, on_desk)

    def _two_lines(self, painter: QPainter, inside: QRect, board: CloudBoard, *, on_desk: bool) -> None:
        look = tokens()
        half = inside.height() // 2
        self._name(painter, QRect(inside.left(), inside.top(), inside.width(), half), board, on_desk)
        below = QRect(inside.left(), inside.top() + half, inside.width(), half)
        used = self._state(painter, below, board) + SPACE
        heard = heard_words(board)
        _write(painter, below.adjusted(used, 0, 0, 0), f"· {heard}" if heard else "", _small(), look.colour("muted"))

    def _name(self, painter: QPainter, place: QRect, board: CloudBoard, on_desk: bool) -> None:
        look = tokens()
        if on_desk:
            words = say(ON_DESK)
            width = QFontMetrics(_small()).horizontalAdvance(words) + SPACE * 2
            height = QFontMetrics(_small()).height() + 4
            chip = QRect(place.right() - width, place.center().y() - height // 2, width, height)
            if width < place.width() // 2 or place.width() > width * 3 // 2:
                painter.setBrush(look.colour("accent_soft"))
                painter.setPen(QPen(look.colour("accent"), 1))
                painter.drawRoundedRect(QRectF(chip), height / 2, height / 2)
                _write(painter, chip, words, _small(), look.colour("accent"), Qt.AlignmentFlag.AlignCenter)
                place = place.adjusted(0, 0, -width - SPACE, 0)
        _write(painter, place, shown_name(board), _body() if board.name else _mono(), look.colour("text"))

    def _state(self, painter: QPainter, place: QRect, board: CloudBoard) -> int:
        """Draw dot and word; return the width they took. A full dot is online, a ring is not: the word says it too."""
        look = tokens()
        side = look.px(9)
        centre = QPointF(place.left() + side / 2 + 1, place.center().y() + 1)
        painter.setPen(QPen(look.colour("good" if board.online else "control_border"), 1.6))
        painter.setBrush(look.colour("good") if board.online else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, side / 2, side / 2)
        words = say(state_words(board))
        written = place.adjusted(side + SPACE, 0, 0, 0)
        _write(painter, written, words, _small(), look.colour("good" if board.online else "muted"))
        return side + SPACE + QFontMetrics(_small()).horizontalAdvance(words)


def is_wide(widget: QWidget | None) -> bool:
    """Whether a row has room for one line."""
    return widget is not None and widget.width() >= tokens().px(WIDE)


def _write(
    painter: QPainter,
    place: QRect,
    words: str,
    font: QFont,
    colour: QColor,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
) -> None:
    if not words or place.width() <= 0:
        return
    painter.setFont(font)
    painter.setPen(colour)
    cut = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, align, cut)


def _font(size: int, *, bold: bool = False, mono: bool = False) -> QFont:
    made = QFont()
    if mono:
        made.setFamilies(["monospace"])
        made.setStyleHint(QFont.StyleHint.Monospace)
    made.setPixelSize(size)
    if bold:
        made.setWeight(QFont.Weight.DemiBold)
    return made


def _body() -> QFont:
    return _font(tokens().body, bold=True)


def _small() -> QFont:
    return _font(tokens().small)


def _mono() -> QFont:
    return _font(tokens().small, mono=True)


class BoardList(QListView):
    """The list. Arrows choose, typing goes to a name.

    Signals:
        picked: The person chose a board: its ID.
        opened: The person pressed Enter on a board, or clicked it twice.
    """

    picked = Signal(str)
    opened = Signal(str)

    def __init__(self, model: BoardModel, name: str) -> None:
        super().__init__()
        self._model = model
        self._quiet = False
        self._was_wide: bool | None = None
        self.setObjectName("cloud-boards")
        self.setAccessibleName(name)
        self.setModel(model)
        self.setItemDelegate(BoardRow(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(False)
        self.setTabKeyNavigation(False)
        self.selectionModel().selectionChanged.connect(lambda *_: self._tell())
        self.activated.connect(self._open)

    def choose(self, device_id: str, *, seen: bool = False) -> None:
        """Show which one is chosen, without saying so; `seen` scrolls to it."""
        row = self._model.row_of(device_id) if device_id else None
        selected = self.selectionModel().isRowSelected(row) if row is not None else False
        if selected and not seen:
            return
        self._quiet = True
        try:
            if row is None:
                self.selectionModel().clear()
            else:
                self.setCurrentIndex(self._model.index(row))
                if seen:
                    self.scrollTo(self._model.index(row), QListView.ScrollHint.PositionAtCenter)
        finally:
            self._quiet = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rows have one line or two."""
        super().resizeEvent(event)
        if is_wide(self) is not self._was_wide:
            self._was_wide = is_wide(self)
            self.scheduleDelayedItemsLayout()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Who comes by the keyboard is at a row, and sees at which; a click chooses its own."""
        super().focusInEvent(event)
        if event.reason() is not Qt.FocusReason.MouseFocusReason and not self.selectionModel().hasSelection():
            self.setCurrentIndex(self.currentIndex())

    def _tell(self) -> None:
        chosen = self.selectionModel().selectedRows()
        board = self._model.board_at(chosen[0]) if chosen else None
        if board is not None and not self._quiet:
            self.picked.emit(board.id)

    def _open(self, index: QModelIndex) -> None:
        board = self._model.board_at(index)
        if board is not None:
            self.opened.emit(board.id)


def count_words(number: int) -> str:
    """Return a number of boards in the local form."""
    return QLocale().toString(number)
