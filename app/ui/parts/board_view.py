"""The drawn board with its living light, and what is drawn when no board is there.

A drawing is an SVG file in `resources/pictures`, named after the platform's key. Its elements `led`, `mode` and
`reset` say where the light and the buttons are; nothing else about a board's looks is in the code.
"""

from __future__ import annotations

import time
from enum import Enum, unique

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHideEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QShowEvent,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import paths
from app.platforms.lights import LightPattern
from app.ui.parts.led import Pulse, paint_light, shown_colour
from app.ui.theme import tokens

MARGIN = 10.0  # px around the drawing, for glow and rings
NARROW_BOARD = 64  # px; the least of a drawing between words
GLOW_REACH = 4.5  # of the small light on a drawn board, in radii
PLUG_PERIOD_S = 2.4
PLUG_TIMES = 4  # then the cable rests: an invitation, not a nag, and no work for a window left open
PLUG_STEP_MS = 33
RESTING = 0.5  # how far the plug is away when it does not move, as a share of its way


@unique
class Mark(Enum):
    """What is to be done with a button, drawn as a ring around it."""

    HOLD = "hold"
    TAP = "tap"


class BoardView(QWidget):
    """A board seen from above. Without a board it shows a cable on its way into one.

    Signals:
        button_pressed: A drawn button (`mode` or `reset`) was pressed with the mouse.
        button_released: It was let go.
    """

    button_pressed = Signal(str)
    button_released = Signal(str)

    def __init__(self, parent: QWidget | None = None, height: int = 240) -> None:
        super().__init__(parent)
        self._height = height
        self._platform: str | None = None
        self._renderer: QSvgRenderer | None = None
        self._picture = QPixmap()
        self._marks: dict[str, tuple[Mark, str]] = {}
        self._rgb: tuple[QColor, float] | None = None
        self._held: str | None = None
        self._visible = False
        self._clickable = False
        self._pulse = Pulse(self)
        self._pulse.beat.connect(self._update_light)
        self._plug_began = 0.0
        self._plug_timer = QTimer(self)
        self._plug_timer.setInterval(PLUG_STEP_MS)
        self._plug_timer.timeout.connect(self._move_plug)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_board(self, platform_key: str | None, pattern: LightPattern | None) -> None:
        """Draw this kind of board playing this pattern; None draws the cable."""
        self._rgb = None
        self._pulse.play(pattern)
        if platform_key == self._platform:
            return
        self._platform = platform_key
        self._picture = QPixmap()
        self._renderer = None
        if platform_key is not None:
            self._renderer = QSvgRenderer(str(paths.resource(f"pictures/{platform_key}.svg")), self)
        self._run()
        self.update()

    def show_rgb(self, rgb: int, brightness: float) -> None:
        """Show this colour (0xRRGGBB) and brightness (0.0 to 1.0), not a pattern: a practice board's own light."""
        shown = (QColor.fromRgb(rgb), brightness)
        if shown != self._rgb:
            self._rgb = shown
            self._update_light()

    def set_marks(self, marks: dict[str, tuple[Mark, str]]) -> None:
        """Draw rings around buttons: button name to what is to be done and the word for it."""
        self._marks = dict(marks)
        self.updateGeometry()
        self.update()

    def set_clickable(self, clickable: bool) -> None:
        """Let the drawn buttons be pressed with the mouse (practice mode)."""
        self._clickable = clickable
        self.setMouseTracking(clickable)

    def set_held(self, button: str | None) -> None:
        """Draw this button as pressed in."""
        self._held = button
        self.update()

    def sizeHint(self) -> QSize:
        """As high as asked for; wide enough for the words beside the rings."""
        return QSize(max(round(self._height * 0.9), self.minimumSizeHint().width()), self._height)

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the words beside the rings and a small drawing between them."""
        return QSize(round(2 * self._side()) + NARROW_BOARD, 0) if self._marks else QSize()

    def showEvent(self, event: QShowEvent) -> None:
        """Start to move."""
        self._visible = True
        self._run()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop moving."""
        self._visible = False
        self._run()
        super().hideEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Press the drawn button under the pointer."""
        button = self._button_at(event.position())
        if button and self._clickable:
            self.set_held(button)
            self.button_pressed.emit(button)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let the drawn button go."""
        if self._held and self._clickable:
            button, self._held = self._held, None
            self.update()
            self.button_released.emit(button)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show by the pointer what can be pressed."""
        over = self._clickable and self._button_at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the board, its light and the rings, or the cable."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._renderer is None:
            self._paint_cable(painter)
            return
        frame = self._frame(self._renderer)
        painter.drawPixmap(frame.topLeft(), self._board_picture(self._renderer, frame))
        if self._held:
            painter.setPen(QPen(QColor(tokens().accent), 2))
            painter.setBrush(QColor(0, 0, 0, 90))
            painter.drawRoundedRect(self.spot(self._held), 3, 3)
        spot = self.spot("led")
        colour, brightness = self._light_now()
        paint_light(painter, spot.center(), spot.width() / 2, colour, brightness, GLOW_REACH)
        for button, (mark, word) in self._marks.items():
            self._paint_mark(painter, frame, self.spot(button), mark, word)

    def _light_now(self) -> tuple[QColor, float]:
        if self._rgb is not None:
            return self._rgb
        colour, brightness = self._pulse.now()
        return shown_colour(colour, dark=True), brightness  # the drawn board itself is dark in both themes

    def _run(self) -> None:
        self._pulse.set_running(self._visible and self._platform is not None)
        if self._visible and self._platform is None and tokens().motion:
            self._plug_began = time.monotonic()
            self._plug_timer.start()
        else:
            self._plug_timer.stop()

    def _move_plug(self) -> None:
        if time.monotonic() - self._plug_began > PLUG_PERIOD_S * PLUG_TIMES:
            self._plug_timer.stop()
        self.update()

    def _update_light(self) -> None:
        """Paint only what a light can change: this happens thirty times a second."""
        spot = self.spot("led")
        reach = spot.width() / 2 * GLOW_REACH
        self.update(QRectF(spot.center(), spot.center()).adjusted(-reach, -reach, reach, reach).toAlignedRect())

    def _frame(self, renderer: QSvgRenderer) -> QRectF:
        natural = renderer.viewBoxF()
        room = max(1.0, self.width() - 2 * self._side())
        scale = min(room / natural.width(), (self.height() - 2 * MARGIN) / natural.height())
        width, height = natural.width() * scale, natural.height() * scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def _side(self) -> float:
        """Room left and right of the drawing: for the words beside the rings, when there are any."""
        metrics = QFontMetrics(self._mark_font())
        return max((metrics.horizontalAdvance(word) + 8.0 for _, word in self._marks.values()), default=MARGIN)

    def _mark_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(tokens().small)
        font.setBold(True)
        return font

    def spot(self, element: str) -> QRectF:
        """Return where an element of the drawing (`led`, `mode`, `reset`) is now, in the widget's coordinates."""
        if self._renderer is None:
            return QRectF()
        frame = self._frame(self._renderer)
        scale = frame.width() / self._renderer.viewBoxF().width()
        place = self._renderer.boundsOnElement(element)
        return QRectF(
            frame.x() + place.x() * scale, frame.y() + place.y() * scale, place.width() * scale, place.height() * scale
        )

    def _button_at(self, place: QPointF) -> str | None:
        return next(
            (name for name in ("mode", "reset") if self.spot(name).adjusted(-4, -4, 4, 4).contains(place)), None
        )

    def _board_picture(self, renderer: QSvgRenderer, frame: QRectF) -> QPixmap:
        ratio = self.devicePixelRatioF()
        size = QSize(round(frame.width() * ratio), round(frame.height() * ratio))
        if self._picture.size() != size:
            self._picture = QPixmap(size)
            self._picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            renderer.render(painter)
            painter.end()
            self._picture.setDevicePixelRatio(ratio)
        return self._picture

    def _paint_mark(self, painter: QPainter, frame: QRectF, spot: QRectF, mark: Mark, word: str) -> None:
        look = tokens()
        pen = QPen(QColor(look.accent), 3)
        if mark is Mark.TAP:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = max(spot.width(), spot.height()) * 0.78
        painter.drawEllipse(spot.center(), radius, radius)
        left = spot.center().x() < frame.center().x()
        painter.setFont(self._mark_font())
        half = QFontMetrics(painter.font()).height() / 2
        room = frame.left() - 4 if left else self.width() - frame.right() - 4
        flags = Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if left else Qt.AlignmentFlag.AlignLeft)
        place = QRectF(0 if left else frame.right() + 4, spot.center().y() - half, room, 2 * half)
        edge = QPointF(spot.center().x() + (-radius if left else radius), spot.center().y())
        painter.drawLine(edge, QPointF(frame.left() - 2 if left else frame.right() + 2, spot.center().y()))
        painter.setPen(QColor(look.text))
        painter.drawText(place, flags, word)

    def _paint_cable(self, painter: QPainter) -> None:
        """A plug that moves towards a socket: the invitation to plug a board in."""
        look = tokens()
        line = QColor(look.control_border)
        centre = self.width() / 2
        board_top = self.height() * 0.50
        width = min(self.width() * 0.5, self.height() * 0.42)
        board = QRectF(centre - width / 2, board_top, width, self.height() - board_top - MARGIN)
        painter.setPen(QPen(line, 2, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(look.card))
        painter.drawRoundedRect(board, 8, 8)
        painter.setPen(QPen(line, 1.5))
        for left in (board.left() + 10, board.right() - 10):
            for row in range(5):
                painter.drawEllipse(QPointF(left, board.top() + 30 + row * (board.height() - 45) / 4), 3, 3)
        painter.drawEllipse(QPointF(centre, board.top() + 34), 5, 5)
        socket = QRectF(centre - 16, board.top() - 6, 32, 18)
        painter.setBrush(QColor(look.panel))
        painter.drawRoundedRect(socket, 3, 3)
        away = RESTING
        if self._plug_timer.isActive():
            away = _approach((time.monotonic() - self._plug_began) % PLUG_PERIOD_S / PLUG_PERIOD_S)
        tip = socket.top() - 4 - away * self.height() * 0.16
        painter.setPen(QPen(QColor(look.accent), 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(centre, 0), QPointF(centre, tip - 44))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent))
        painter.drawRoundedRect(QRectF(centre - 15, tip - 46, 30, 32), 5, 5)
        painter.setBrush(line)
        painter.drawRoundedRect(QRectF(centre - 11, tip - 14, 22, 14), 2, 2)


def _approach(share: float) -> float:
    """Distance of the plug (1.0 away, 0.0 in) over one period: comes near, stays, goes back."""
    if share < 0.45:
        return 1.0 - _smooth(share / 0.45)
    if share < 0.8:
        return 0.0
    return _smooth((share - 0.8) / 0.2)


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)
