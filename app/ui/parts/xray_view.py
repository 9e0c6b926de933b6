"""The flash X-ray: slot by slot what a board holds, how well, and how full it is.

Colour never tells anything alone: each state has a sign and a word of its own.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.platforms.table import PLATFORMS
from app.text import text
from app.ui.pages.base import CopyButton, TurningRow, box, breakable, label
from app.ui.say import data_size, say
from app.ui.theme import SPACE, tokens
from app.work.plan import HEALTH_WORDS, STATE_WORDS, Health, SlotState, SlotView, Verdict, XRay

MARK = 18  # px at text scale 1.0, like the sign before a step
STATE_WIDTH = 126
GAUGE_WIDTH = 132
NARROW = 460  # px at text scale 1.0: below this the parts of a row stand below each other

STATE_KINDS: dict[SlotState, str] = {
    SlotState.GOOD: "good",
    SlotState.UNPROVEN: "good",
    SlotState.BLANK: "muted",
    SlotState.DAMAGED: "danger",
    SlotState.MISFIT: "warning",
    SlotState.UNKNOWN: "warning",
    SlotState.UNREADABLE: "warning",
    SlotState.KEPT: "accent",
}

HEALTH_STATES: dict[Health, SlotState] = {
    Health.NOTHING_WRONG: SlotState.GOOD,
    Health.OVER_USB: SlotState.MISFIT,
    Health.OTHER_TOOL: SlotState.DAMAGED,
    Health.UNDECIDED: SlotState.UNKNOWN,
}
HEALTH_BOXES: dict[Health, str] = {
    Health.NOTHING_WRONG: "good-box",
    Health.OVER_USB: "warning-box",
    Health.OTHER_TOOL: "danger-box",
    Health.UNDECIDED: "warning-box",
}

_PLACE = text("Xray", "{first} to {last}")
_ALT = text("Xray", "{place}, USB memory {alt}")
_USED = text("Xray", "{used} of {size}")


def place_words(alt: int, start: int, size: int) -> str:
    """Return where a slot is: its first and last address, and the memory they count in where that is not the first."""
    place = _PLACE.with_values(first=f"0x{start:08X}", last=f"0x{start + size - 1:08X}")
    return say(place if alt == 0 else _ALT.with_values(place=place, alt=alt))


def content_words(slot: SlotView) -> str:
    """Return what is in a slot, "" where the word for its state already says it."""
    if slot.state is SlotState.BLANK:
        return ""
    words = say(slot.what)
    if "." in words.partition(" ")[0].rstrip(".,"):  # the name of a server or a file
        return words
    return words[:1].upper() + words[1:]


def used_words(slot: SlotView) -> str:
    """Return how full a slot is: "240 kB of 256 kB", or only its size where that is not known."""
    if not slot.used:
        return data_size(slot.size)
    return say(_USED.with_values(used=data_size(slot.used), size=data_size(slot.size)))


def slot_words(slot: SlotView) -> str:
    """Return a slot in one line, for a screen reader."""
    parts = [f"{say(slot.name)}: {say(STATE_WORDS[slot.state])}", content_words(slot)]
    parts += [say(slot.detail) if slot.detail is not None else "", used_words(slot)]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def xray_text(xray: XRay) -> str:
    """Return the whole X-ray as lines of text, to be pasted into a mail."""
    board = next((found.name for found in PLATFORMS if found.key == xray.platform), xray.platform)
    lines = [f"{board}: {say(HEALTH_WORDS[xray.verdict.health])}"]
    lines += [f"- {say(reason)}" for reason in xray.verdict.reasons]
    lines.append("")
    for slot in xray.slots:
        lines.append(f"{place_words(slot.alt, slot.start, slot.size)}: {slot_words(slot)}")
        if slot.sha256:
            lines.append(f"    SHA-256 {slot.sha256}")
    return "\n".join(lines)


class SlotMark(QWidget):
    """The sign of a state. The word beside it says the same."""

    def __init__(self, state: SlotState) -> None:
        super().__init__()
        self._state = state
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A square as high as a line."""
        side = tokens().px(MARK)
        return QSize(side, side)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sign."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height())
        painter.scale(side / 18, side / 18)
        paint_state(painter, self._state, look.colour(STATE_KINDS[self._state]), look.colour("card"))


def paint_state(painter: QPainter, state: SlotState, colour: QColor, ground: QColor) -> None:
    """Draw the sign of a state into a square of 18 units."""
    thin = QPen(colour, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    bold = QPen(ground, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    tick = [QPointF(5.4, 9.3), QPointF(8.0, 11.9), QPointF(12.8, 6.4)]
    disc = QRectF(1, 1, 16, 16)
    match state:
        case SlotState.GOOD:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(disc)
            painter.setPen(bold)
            painter.drawPolyline(tick)
        case SlotState.UNPROVEN:
            painter.setPen(thin)
            painter.drawEllipse(disc.adjusted(1, 1, -1, -1))
            painter.drawPolyline(tick)
        case SlotState.BLANK:
            thin.setDashPattern([1.5, 2.2])
            painter.setPen(thin)
            painter.drawRoundedRect(QRectF(2.5, 2.5, 13, 13), 3, 3)
        case SlotState.DAMAGED:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(disc)
            painter.setPen(bold)
            painter.drawLine(QPointF(6, 6), QPointF(12, 12))
            painter.drawLine(QPointF(12, 6), QPointF(6, 12))
        case SlotState.MISFIT:
            painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.setBrush(colour)
            painter.drawPolygon([QPointF(9, 2.2), QPointF(16.4, 15.4), QPointF(1.6, 15.4)])
            painter.setPen(bold)
            painter.drawLine(QPointF(9, 6.8), QPointF(9, 10.4))
            painter.drawPoint(QPointF(9, 13.4))
        case SlotState.UNKNOWN:
            painter.setPen(thin)
            painter.drawEllipse(disc.adjusted(1, 1, -1, -1))
            painter.drawArc(QRectF(6.4, 4.6, 5.2, 5.2), -60 * 16, 230 * 16)
            painter.drawLine(QPointF(9, 10), QPointF(9, 10.6))
            painter.setPen(QPen(colour, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoint(QPointF(9, 13.2))
        case SlotState.UNREADABLE:
            painter.setPen(thin)
            painter.drawEllipse(disc.adjusted(1, 1, -1, -1))
            painter.drawLine(QPointF(4.4, 13.6), QPointF(13.6, 4.4))
        case SlotState.KEPT:
            painter.setPen(thin)
            painter.drawArc(QRectF(5.6, 2, 6.8, 9), 0, 180 * 16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(3.4, 7.4, 11.2, 8.6), 2, 2)
            painter.setPen(bold)
            painter.drawLine(QPointF(9, 10.8), QPointF(9, 12.4))


class Gauge(QWidget):
    """How much of something is full, as a bar; the words below it say the same."""

    def __init__(self, share: float, kind: str) -> None:
        super().__init__()
        self._share = min(1.0, max(0.0, share))
        self._kind = kind
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A thin bar."""
        return QSize(tokens().px(60), tokens().px(8))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bar; the least share can still be seen."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        round_by = line.height() / 2
        painter.setPen(look.colour("control_border" if look.high_contrast else "border"))
        painter.setBrush(look.colour("panel"))
        painter.drawRoundedRect(line, round_by, round_by)
        if self._share > 0:
            line.setWidth(max(line.height(), line.width() * self._share))
            if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
                line.moveRight(self.width() - 0.5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour(self._kind))
            painter.drawRoundedRect(line, round_by, round_by)


class XrayMap(QWidget):
    """All slots side by side in order of address; a larger slot is wider. The rows below say everything in words.

    Signals:
        chosen: The number of the slot that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, slots: tuple[SlotView, ...]) -> None:
        super().__init__()
        self._slots = slots
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """A strip."""
        return QSize(tokens().px(120), tokens().px(30))

    def parts(self) -> list[QRectF]:
        """Return where each slot is drawn. Widths grow with the root of the size, or 16 kB beside 1.5 MB is a hair."""
        gap = 3.0
        weights = [max(1, slot.size) ** 0.5 for slot in self._slots]
        room = max(0.0, self.width() - gap * (len(weights) - 1))
        least = min(room / len(weights), tokens().px(14)) if weights else 0.0
        spread = room - least * len(weights)
        found, left = [], 0.0
        for weight in weights:
            width = least + spread * weight / sum(weights)
            place = self.width() - left - width if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else left
            found.append(QRectF(place, 0, width, self.height()))
            left += width + gap
        return found

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the slots: outline and sign by state, ground as high as the slot is full."""
        look = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = look.px(14)
        for slot, part in zip(self._slots, self.parts(), strict=True):
            line = part.adjusted(0.75, 0.75, -0.75, -0.75)
            colour = look.colour(STATE_KINDS[slot.state])
            shape = QPainterPath()
            shape.addRoundedRect(line, 4, 4)
            painter.fillPath(shape, look.colour("card"))
            full = QRectF(line)
            full.setTop(line.bottom() - line.height() * min(1.0, slot.used / slot.size if slot.size else 0.0))
            ground = QColor(colour)
            ground.setAlphaF(0.22)
            painter.save()
            painter.setClipPath(shape)
            if slot.used:
                painter.fillRect(full, ground)
            elif slot.state is not SlotState.BLANK:  # nobody knows how full it is
                painter.fillRect(line, QBrush(ground, Qt.BrushStyle.BDiagPattern))
            painter.restore()
            pen = QPen(colour, 1.5)
            if slot.state is SlotState.BLANK:
                pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(shape)
            if slot.state is not SlotState.BLANK and part.width() >= side + 2:
                painter.save()
                painter.translate(part.center().x() - side / 2, part.center().y() - side / 2)
                painter.scale(side / 18, side / 18)
                paint_state(painter, slot.state, colour, look.colour("card"))
                painter.restore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Name the slot under the pointer."""
        number = self._at(event.position())
        self.setToolTip("" if number is None else slot_words(self._slots[number]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the slot under the pointer."""
        number = self._at(event.position())
        if number is not None:
            self.chosen.emit(number)

    def _at(self, point: QPointF) -> int | None:
        return next((number for number, part in enumerate(self.parts()) if part.contains(point)), None)


class SlotRow(QPushButton):
    """One slot: a button that opens its addresses. Up and down move between the rows."""

    def __init__(self, slot: SlotView, rows: list[SlotRow]) -> None:
        """Make the row.

        Args:
            slot: What it shows.
            rows: All rows of the list; this one adds itself.
        """
        super().__init__()
        self.slot = slot
        self._rows = rows
        rows.append(self)
        kind = STATE_KINDS[slot.state]
        self.setProperty("kind", "slot")
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setAccessibleName(slot_words(slot))
        self.setAccessibleDescription(place_words(slot.alt, slot.start, slot.size))
        self.setToolTip(self.accessibleDescription())

        names = QWidget()
        lines = QVBoxLayout(names)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(2)
        lines.addWidget(label(say(slot.name), "slot-name"))
        if words := content_words(slot):
            lines.addWidget(label(words, "muted"))

        state = QWidget()
        state.setFixedWidth(tokens().px(STATE_WIDTH))
        sign = QHBoxLayout(state)
        sign.setContentsMargins(0, 0, 0, 0)
        sign.setSpacing(SPACE)
        sign.addWidget(SlotMark(slot.state), 0, Qt.AlignmentFlag.AlignVCenter)
        sign.addWidget(label(say(STATE_WORDS[slot.state]), f"{kind}-word"), 1)

        full = QWidget()
        full.setFixedWidth(tokens().px(GAUGE_WIDTH))
        bar = QVBoxLayout(full)
        bar.setContentsMargins(0, 0, 0, 0)
        bar.setSpacing(4)
        if slot.used or slot.state is SlotState.BLANK:  # an empty bar would say that nothing is there
            bar.addWidget(Gauge(slot.used / slot.size if slot.size else 0.0, kind))
        bar.addWidget(label(used_words(slot), "muted"))

        top = TurningRow(narrow=NARROW)
        top.add(names, 1)
        top.add(state)
        top.add(full)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(SPACE * 2, SPACE, SPACE * 2, SPACE)
        column.setSpacing(SPACE // 2)
        column.addWidget(top)
        if slot.detail is not None:
            column.addWidget(label(say(slot.detail), kind if kind in ("danger", "warning") else ""))
        self._more = label(self._figures(), "mono")
        self._more.hide()
        column.addWidget(self._more)
        for part in self.findChildren(QWidget):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.toggled.connect(self._open)

    def hasHeightForWidth(self) -> bool:
        """Words wrap."""
        return True

    def heightForWidth(self, width: int) -> int:
        """As high as the wrapped words."""
        return self._column.heightForWidth(width)

    def sizeHint(self) -> QSize:
        """The layout's, not a push button's."""
        return self._column.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """The layout's, not a push button's."""
        return self._column.minimumSize()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, down, Home and End go to another row; Enter and the space bar open this one."""
        rows, here = self._rows, self._rows.index(self)
        target = {
            Qt.Key.Key_Up: max(0, here - 1),
            Qt.Key.Key_Down: min(len(rows) - 1, here + 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(rows) - 1,
        }.get(Qt.Key(event.key()))
        if target is not None:
            rows[target].take_focus()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def take_focus(self) -> None:
        """Become the row the keyboard is at, and be seen."""
        for row in self._rows:
            row.setFocusPolicy(Qt.FocusPolicy.StrongFocus if row is self else Qt.FocusPolicy.ClickFocus)
        self.setFocus(Qt.FocusReason.TabFocusReason)
        self._come_into_sight()

    def _come_into_sight(self) -> None:
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(self, 0, SPACE)

    def _figures(self) -> str:
        slot = self.slot
        lines = [place_words(slot.alt, slot.start, slot.size)]
        if slot.version is not None:
            lines.append(self.tr("Module version {number}").format(number=slot.version))
        if slot.sha256:
            lines.append(f"SHA-256 {breakable(slot.sha256)}")
        return "\n".join(lines)

    def _open(self, opened: bool) -> None:
        self._more.setVisible(opened)
        self.updateGeometry()
        if opened:
            QTimer.singleShot(0, self, self._come_into_sight)  # when the layout has given it its room


class VerdictView(QFrame):
    """How the board is, and why."""

    def __init__(self, verdict: Verdict, *, reasons_only: bool = False) -> None:
        """Make the box; with `reasons_only` the page around it has said already how the board is."""
        super().__init__()
        self.setProperty("kind", HEALTH_BOXES[verdict.health])
        lines = QVBoxLayout()
        lines.setSpacing(SPACE // 2)
        if not reasons_only:
            lines.addWidget(label(say(HEALTH_WORDS[verdict.health]), "strong"))
        for reason in verdict.reasons:
            lines.addWidget(label(say(reason), "" if reasons_only else "muted"))
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE * 2, SPACE + 4, SPACE * 2, SPACE + 4)
        row.setSpacing(SPACE + SPACE // 2)
        row.addWidget(SlotMark(HEALTH_STATES[verdict.health]), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(lines, 1)


class XrayView(QWidget):
    """The slots of a board as a list, with a button that copies everything as text."""

    def __init__(self, xray: XRay) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("What is on the board now, slot by slot"))
        frame, column_of_rows = box(margin=0)
        column_of_rows.setSpacing(0)
        rows: list[SlotRow] = []
        for number, slot in enumerate(xray.slots):
            if number:
                line = QFrame()
                line.setProperty("kind", "line")
                line.setFixedHeight(1)
                column_of_rows.addWidget(line)
            row = SlotRow(slot, rows)
            row.setFocusPolicy(Qt.FocusPolicy.ClickFocus if number else Qt.FocusPolicy.StrongFocus)
            column_of_rows.addWidget(row)
        if not xray.slots:
            column_of_rows.addWidget(label(self.tr("Nothing was looked at."), "muted"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        if xray.slots:
            strip = XrayMap(xray.slots)
            strip.chosen.connect(lambda number: rows[number].take_focus())
            column.addWidget(strip)
        column.addWidget(frame)
        foot = TurningRow()
        hint = QLabel(self.tr("Choose a row to see its addresses, or copy everything as text."))
        hint.setProperty("kind", "muted")
        hint.setWordWrap(True)
        foot.add(hint, 1)
        foot.add(CopyButton(xray_text(xray), self.tr("X-ray")))
        column.addWidget(foot)
