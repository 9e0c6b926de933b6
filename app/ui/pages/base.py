"""What all pages share: the page itself, and small makers of labels, buttons, boxes and rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QAbstractSlider,
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app import paths
from app.flow import AppState, StepStatus
from app.platforms.lights import LightPattern
from app.ui.parts.led import Led
from app.ui.theme import SPACE, tokens

CONTENT_WIDTH = 880  # px; longer lines are hard to read
COPIED_MS = 1500
SCROLL_BAR = 14  # px that a side panel leaves for its scroll bar
LIGHT_SIZE = 18  # px, the lens of a light on a card; its glow needs more
LONGEST_WORD = 12  # characters
BREAK = "\u200b"  # of no width: a line may end there
HELD_TOGETHER = "Wi\u2011Fi"  # with a hyphen no line ends at
ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
"""Keys, and how many cards to the right and down they go."""


_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")


class Page(QWidget):
    """One screen on the right side. It shows a state, emits clicks, and holds no truth of its own.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = label(title, "title")
        self.title.setAccessibleName(title)
        column = QWidget()
        column.setProperty("kind", "page")
        column.setMaximumWidth(CONTENT_WIDTH * 2)
        self.content = QVBoxLayout(column)
        self.content.setContentsMargins(SPACE * 4, SPACE * 3, SPACE * 4, SPACE * 3)
        self.content.setSpacing(SPACE * 2)
        self.content.addWidget(self.title)
        self.scroller = QScrollArea()
        self.scroller.setWidgetResizable(True)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setWidget(column)
        self.footer = TurningRow()
        foot = QVBoxLayout()
        foot.setContentsMargins(SPACE * 4, SPACE, SPACE * 4, SPACE * 2)
        foot.addWidget(self.footer)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.scroller, 1)
        outer.addLayout(foot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Page up and page down scroll, whatever has the focus: there may be more to read than to press."""
        action = {
            Qt.Key.Key_PageUp: QAbstractSlider.SliderAction.SliderPageStepSub,
            Qt.Key.Key_PageDown: QAbstractSlider.SliderAction.SliderPageStepAdd,
        }.get(Qt.Key(event.key()))
        if action is None:
            super().keyPressEvent(event)
        else:
            self.scroller.verticalScrollBar().triggerAction(action)

    def show_state(self, state: AppState) -> None:
        """Draw this state; called after every event while the page is the one shown."""

    def first_focus(self) -> QWidget | None:
        """Return the control that gets the keyboard when the page opens."""
        return None


class Words(QLabel):
    """Plain words that wrap, but never inside "Wi-Fi": the hyphen on the screen is one that holds its word together."""

    def __init__(self, words: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setText(words)

    def setText(self, words: str) -> None:
        """Show these words."""
        super().setText(words.replace("Wi-Fi", HELD_TOGETHER))

    def text(self) -> str:
        """Return the words as they were given."""
        return super().text().replace(HELD_TOGETHER, "Wi-Fi")


def label(words: str = "", kind: str = "", *, selectable: bool = False) -> QLabel:
    """Return a label that wraps its words.

    Args:
        words: Plain text.
        kind: A look from the style sheet.
        selectable: Whether it can be marked and copied with the mouse.
    """
    made = Words(words)
    if kind:
        made.setProperty("kind", kind)
    if selectable:
        made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def breakable(words: str, longest: int = LONGEST_WORD) -> str:
    """Let a long path, digest or ID in these words wrap: a label cannot, and would push the page out of the window.

    The places to break are characters of no width, so offer such a value by a copy button, never for marking. Words of
    at most `longest` characters stay whole.
    """
    return _LONG_WORD.sub(lambda word: word[0] if len(word[0]) <= longest else _broken(word[0]), words)


def _broken(word: str) -> str:
    return BREAK.join(re.findall(r".{1,8}", word))


def set_kind(widget: QWidget, kind: str) -> None:
    """Change the look of a widget that is already shown."""
    if widget.property("kind") != kind:
        widget.setProperty("kind", kind)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def button(words: str, kind: str = "", pressed: Callable[[], object] | None = None) -> QPushButton:
    """Return a push button; `words` may hold a mnemonic after `&`."""
    made = QPushButton(words)
    if kind:
        made.setProperty("kind", kind)
    made.setAutoDefault(True)  # Enter presses the button that has the focus
    made.setAccessibleName(words.replace("&", ""))
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    if pressed is not None:
        made.clicked.connect(lambda _checked=False: pressed())
    return made


def box(kind: str = "card", margin: int = 2) -> tuple[QFrame, QVBoxLayout]:
    """Return a frame with that look and the column inside it; `margin` in grid units."""
    frame = QFrame()
    frame.setProperty("kind", kind)
    column = QVBoxLayout(frame)
    column.setContentsMargins(SPACE * margin, SPACE * margin, SPACE * margin, SPACE * margin)
    column.setSpacing(SPACE)
    return frame, column


def mono_lines(name: str, words: str = "") -> QPlainTextEdit:
    """Return lines to be read and copied, not changed; Tab leaves them. `name` is for screen readers."""
    lines = QPlainTextEdit(words)
    lines.setReadOnly(True)
    lines.setAcceptDrops(False)  # files dropped on it are the window's
    lines.setTabChangesFocus(True)
    lines.setAccessibleName(name)
    lines.setProperty("kind", "mono")
    return lines


def side_scroll(inner: QWidget) -> QScrollArea:
    """Return a side panel's inside that scrolls when it is too high; beside it room is needed for `SCROLL_BAR`."""
    scroll = QScrollArea()
    scroll.setProperty("kind", "panel")
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(inner)
    return scroll


def clear(layout: QLayout) -> None:
    """Take everything out of a layout and let it go."""
    while (item := layout.takeAt(0)) is not None:
        inner = item.layout()
        if inner is not None:
            clear(inner)
            inner.deleteLater()
        widget = item.widget()
        if widget is not None:
            let_go(widget)


def let_go(widget: QWidget) -> None:
    """Hide a widget and have Qt delete it when it is done with it; until then it keeps its parent and is Qt's."""
    widget.hide()
    widget.deleteLater()


def wipe(line: QLineEdit) -> None:
    """Empty a line so that undo cannot bring back what was in it; `clear` can be undone."""
    line.setText("")


def keep_in_sight(widget: QWidget) -> None:
    """Scroll whatever scrolls around a widget so that it is seen."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    if around is not None:
        around.ensureWidgetVisible(widget, SPACE * 2, SPACE * 2)


def has_focus(widget: QWidget) -> bool:
    """Whether the keyboard is in a widget or in something inside it."""
    place = cast("QWidget | None", widget.window().focusWidget())
    return place is not None and (place is widget or widget.isAncestorOf(place))


def focus_lost(page: QWidget) -> bool:
    """Whether the keyboard is in nothing that a person can use on this page: it was hidden, or switched off."""
    place = cast("QWidget | None", page.window().focusWidget())
    return place is None or not (place.isVisibleTo(page) and place.isEnabled())


class CopyButton(QPushButton):
    """Copies a value and says so for a moment."""

    def __init__(self, value: str, what: str) -> None:
        super().__init__(self.tr("Copy"))
        self._value = value
        self._what = what
        self.setProperty("kind", "small")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Copy {what}").format(what=what))
        self.setToolTip(self.accessibleName())
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(COPIED_MS)
        self._back.timeout.connect(self._say_copy)
        self.clicked.connect(self._copy)

    def set_value(self, value: str) -> None:
        """Copy this from now on."""
        self._value = value

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._value)
        self.setText(self.tr("Copied"))
        self.setAccessibleName(self.tr("{what} copied").format(what=self._what))
        self._back.start()

    def _say_copy(self) -> None:
        self.setText(self.tr("Copy"))
        self.setAccessibleName(self.tr("Copy {what}").format(what=self._what))


class IconView(QWidget):
    """A small picture in the colour of the look; the words beside it say the same. Without a file it stays empty."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._colour = colour
        try:
            self._drawing = paths.resource(f"icons/cards/{name}.svg").read_text(encoding="utf-8")
        except FileNotFoundError:  # a recipe without a picture of its own
            self._drawing = ""
            self.hide()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A square as high as a title."""
        side = tokens().px(22)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the picture."""
        coloured = self._drawing.replace("currentColor", getattr(tokens(), self._colour))
        QSvgRenderer(coloured.encode()).render(QPainter(self), QRectF(self.rect()))


class CardButton(QPushButton):
    """A card that is one button: a title, and a sentence below it. Arrows go to the cards around it in its grid."""

    def __init__(
        self,
        title: str,
        summary: str = "",
        *,
        fits: bool = True,
        icon: str = "",
        light: LightPattern | None = None,
        mark: str = "",
        corner: bool = False,
    ) -> None:
        """Make a card.

        Args:
            title: What it does.
            summary: A sentence below the title; "" makes the card as low as its title.
            fits: Whether it can be pressed.
            icon: Name of a picture in `resources/icons/cards`, "" for none.
            light: What a light does, shown living in place of a picture; None for none.
            mark: A word or two in the corner, "" for none.
            corner: Whether a line above the title is kept for marks, as a grid wants of all its cards or of none.
        """
        super().__init__()
        self.setProperty("kind", "card")
        self.setEnabled(fits)
        self.setAutoDefault(True)
        told = summary.replace(BREAK, "")
        self.setAccessibleName(title.replace(BREAK, ""))
        self.setAccessibleDescription(f"{mark}. {told}" if mark else told)
        self._title = label(title, "card-title" if fits else "card-title-off")
        self._summary = label(summary, "muted" if fits else "disabled")
        if not summary:
            self._summary.hide()
        self._least = 88 if summary else 40
        column = self._column = QVBoxLayout(self)
        edge = SPACE * 2 if summary else SPACE
        column.setContentsMargins(SPACE * 2, edge, SPACE * 2, edge)
        column.setSpacing(SPACE // 2)
        head = QHBoxLayout()
        head.setSpacing(SPACE)
        if light is not None:
            led = Led(diameter=tokens().px(LIGHT_SIZE))
            led.show_pattern(light)
            head.addWidget(led, 0, Qt.AlignmentFlag.AlignTop)
        elif icon:
            head.addWidget(IconView(icon, "accent" if fits else "disabled"), 0, Qt.AlignmentFlag.AlignTop)
        if corner or mark:
            corner_mark = label(mark, "mark")
            if not mark:  # never show one that has no parent yet: it would be a window
                corner_mark.hide()
            head.addStretch(1)
            head.addWidget(corner_mark)
            column.addLayout(head)
            column.addWidget(self._title)
        else:
            head.addWidget(self._title, 1)
            column.addLayout(head)
        column.addWidget(self._summary)
        for part in self.findChildren(QWidget):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        column.addStretch(1)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """An arrow goes to the card that lies there, as the eye would, and not to the next in order."""
        grid = self.parentWidget()
        if not isinstance(grid, CardGrid) or event.key() not in ARROWS:
            super().keyPressEvent(event)
        elif (there := grid.neighbour(self, *ARROWS[event.key()])) is not None:
            there.setFocus(Qt.FocusReason.OtherFocusReason)
            keep_in_sight(there)

    def hasHeightForWidth(self) -> bool:
        """Words wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the wrapped words."""
        return max(tokens().px(self._least), self._column.heightForWidth(width))

    def sizeHint(self) -> QSize:
        """The layout's, not a push button's."""
        return self._column.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """The layout's, not a push button's."""
        return self._column.minimumSize()


class CardGrid(QWidget):
    """Groups of cards in as many equal columns as there is room for; small groups share a row."""

    def __init__(self, widest: int = 3, narrow: int = 190, *, full_rows: bool = False) -> None:
        """Make an empty grid.

        Args:
            widest: The most columns.
            narrow: The least width of a column, in px at text scale 1.0.
            full_rows: Rather fewer columns than a last row with room left.
        """
        super().__init__()
        self._full_rows = full_rows
        self._widest = widest
        self._narrow = narrow
        self._groups: list[tuple[QWidget, list[QWidget]]] = []
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE + SPACE // 2)

    def set_groups(self, groups: list[tuple[QWidget, list[QWidget]]]) -> None:
        """Show these groups instead: for each its heading and its cards."""
        clear(self._grid)
        self._groups = groups
        self._columns = 0
        self._arrange()

    def neighbour(self, card: QWidget, right: int, down: int) -> QWidget | None:
        """Return the card in that direction that can be chosen, the nearest one; None at the edge.

        Args:
            card: Where to start.
            right: 1 for the right, -1 for the left, else 0.
            down: 1 for below, -1 for above, else 0.
        """
        start = card.geometry().center()
        found: list[tuple[int, QWidget]] = []
        for other in (each for _, cards in self._groups for each in cards if each.isEnabled()):
            step = other.geometry().center() - start
            ahead = step.x() * right + step.y() * down
            beside = abs(step.x() * down) + abs(step.y() * right)
            if ahead > 0 and beside < (card.height() // 2 if right else self.width()):
                found.append((ahead + 2 * beside, other))
        return min(found, key=lambda each: each[0], default=(0, None))[1]

    def minimumSizeHint(self) -> QSize:
        """As narrow as one column: with the columns it has now it could never be made narrower."""
        parts = [part for heading, cards in self._groups for part in (heading, *cards)]
        widest = max((part.minimumSizeHint().width() for part in parts), default=0)
        return QSize(widest, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the number of columns again."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, min(self._widest, self.width() // tokens().px(self._narrow)))
        if self._full_rows:
            while any(len(cards) % columns for _, cards in self._groups):
                columns -= 1
        if columns == self._columns:
            return
        self._columns = columns
        for heading, cards in self._groups:
            for part in (heading, *cards):
                self._grid.removeWidget(part)
        row, used, height = 0, 0, 0
        for heading, cards in self._groups:
            if used and used + len(cards) > columns:
                row, used, height = row + height, 0, 0
            self._grid.addWidget(heading, row, used, 1, min(len(cards), columns - used), Qt.AlignmentFlag.AlignBottom)
            for place, card in enumerate(cards):
                self._grid.addWidget(card, row + 1 + place // columns, (used + place) % columns)
            height = max(height, 1 + -(-len(cards) // columns))
            used += len(cards)
        for column in range(self._widest):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


class TurningRow(QWidget):
    """Widgets side by side where there is room, else below each other."""

    def __init__(self, narrow: int = 0) -> None:
        """Make an empty row.

        Args:
            narrow: Below this width (px at text scale 1.0) it turns; 0 turns when the widgets would not fit.
        """
        super().__init__()
        self._narrow = narrow
        self._added: list[QWidget] = []
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(SPACE)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Put a widget at the end."""
        self._line.addWidget(widget, stretch)
        self._added.append(widget)

    def add_stretch(self) -> None:
        """Leave room here while there is some."""
        self._line.addStretch(1)

    def minimumSizeHint(self) -> QSize:
        """As narrow as its widest widget: it can turn."""
        widest = max((part.minimumSizeHint().width() for part in self._parts()), default=0)
        return QSize(widest, self._line.minimumSize().height())

    def sizeHint(self) -> QSize:
        """As the line is now."""
        return self._line.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn when needed."""
        super().resizeEvent(event)
        self._turn()

    def event(self, event: QEvent) -> bool:
        """Look again when a widget changed its size or its words."""
        if event.type() is QEvent.Type.LayoutRequest:
            self._turn()
        return super().event(event)

    def _parts(self) -> list[QWidget]:
        # Never ask the layout with itemAt: when Qt deletes a widget, it deletes the layout's item with it, but PySide
        # keeps what Python knew of the item. A layout or widget made later at its address then crashes when it goes.
        self._added = [part for part in self._added if isValid(part) and self.isAncestorOf(part)]
        return [part for part in self._added if not part.isHidden()]

    def _turn(self) -> None:
        parts = self._parts()
        needed = tokens().px(self._narrow) or sum(part.sizeHint().width() + SPACE for part in parts) - SPACE
        turned = self.width() < needed
        wanted = QBoxLayout.Direction.TopToBottom if turned else QBoxLayout.Direction.LeftToRight
        if self._line.direction() is not wanted:
            self._line.setDirection(wanted)
            self.updateGeometry()


class StepMark(QWidget):
    """The sign before a step: ring, dot, tick, dash or cross. Words beside it say the same."""

    def __init__(self, status: StepStatus) -> None:
        super().__init__()
        self._status = status
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_status(self, status: StepStatus) -> None:
        """Show another sign."""
        if status is not self._status:
            self._status = status
            self.update()

    def sizeHint(self) -> QSize:
        """A square as high as a line."""
        side = tokens().px(18)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sign."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height())
        painter.scale(side / 18, side / 18)
        pen = QPen(look.colour("muted"), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        match self._status:
            case StepStatus.WAITING:
                painter.setPen(pen)
                painter.drawEllipse(5, 5, 8, 8)
            case StepStatus.RUNNING:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(look.colour("accent"))
                painter.drawEllipse(4, 4, 10, 10)
            case StepStatus.DONE:
                pen.setColor(look.colour("good"))
                pen.setWidthF(2.2)
                painter.setPen(pen)
                painter.drawPolyline([QPointF(3.5, 9.5), QPointF(7.5, 13.5), QPointF(14.5, 5)])
            case StepStatus.SKIPPED:
                painter.setPen(pen)
                painter.drawLine(5, 9, 13, 9)
            case StepStatus.BROKEN:
                pen.setColor(look.colour("danger"))
                pen.setWidthF(2.2)
                painter.setPen(pen)
                painter.drawLine(5, 5, 13, 13)
                painter.drawLine(13, 5, 5, 13)


class ColourDot(QWidget):
    """A small dot in a light's colour; words beside it say the colour."""

    def __init__(self) -> None:
        super().__init__()
        self._colour = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_colour(self, colour: str) -> None:
        """Use this colour (`#rrggbb`); "" draws an empty ring."""
        if colour != self._colour:
            self._colour = colour
            self.update()

    def sizeHint(self) -> QSize:
        """As high as a small letter."""
        side = tokens().px(12)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the dot with a rim, or it vanishes on a ground of its colour."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(look.colour("control_border"), 1))
        if self._colour:
            painter.setBrush(QColor(self._colour))
        painter.drawEllipse(self.rect().adjusted(1, 1, -2, -2))
