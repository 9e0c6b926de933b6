"""Modes explained: what a board may be doing, how to get there and back, and what works meanwhile."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.clicks import Back, Go, PickRecipe, Screen
from app.flow import AppState
from app.platforms.lights import LightPattern
from app.platforms.model import Platform
from app.platforms.modes import MODES, DeviceMode, ModeKind, buttons_for, lights_of
from app.recipes.registry import known
from app.text import Text, text
from app.ui.pages.base import Page, TurningRow, box, breakable, button, clear, label
from app.ui.parts.board_choice import BoardChoice
from app.ui.parts.led import Led
from app.ui.parts.rhythm_bar import RhythmBar
from app.ui.say import say
from app.ui.theme import SPACE, tokens

HEADINGS: dict[ModeKind, tuple[Text, Text]] = {
    ModeKind.DOING: (
        text("ModesPage", "What the board is doing"),
        text("ModesPage", "A board is in one of these at any time. The buttons change it, and so do jobs."),
    ),
    ModeKind.PROGRAM: (
        text("ModesPage", "How a program handles the network"),
        text("ModesPage", "Whoever wrote the program has chosen one of these. No button changes it."),
    ),
}
LED = 30  # px at text scale 1.0
FACTS_ROOM = 300  # px at text scale 1.0: with less, sentences beside their heads would be columns of single words


class Facts(QWidget):
    """Sentences beside their heads, or below them where the window is narrow."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(SPACE * 2)
        self._form.setVerticalSpacing(SPACE)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)

    def add(self, name: str, sentences: QWidget) -> None:
        """Put a head and what belongs to it at the end."""
        head = label(name, "muted-word")
        head.setWordWrap(False)
        head.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.addRow(head, sentences)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Turn when needed."""
        super().resizeEvent(event)
        policy = QFormLayout.RowWrapPolicy
        narrow = self.width() < tokens().px(FACTS_ROOM)
        self._form.setRowWrapPolicy(policy.WrapAllRows if narrow else policy.WrapLongRows)


class ModesPage(Page):
    """A card for each mode, for the kind of board that is on the table or chosen here."""

    def __init__(self) -> None:
        super().__init__("")
        self._shown: Platform | None = None
        self._cards: dict[str, QWidget] = {}
        self.title.setText(self.tr("Modes explained"))
        self._board = BoardChoice("modes-board")
        self._board.currentIndexChanged.connect(lambda _index: self._draw())
        row = TurningRow(narrow=420)
        row.add(label(self.tr("The lights and buttons below are those of this board:"), "muted"), 1)
        row.add(self._board)
        self.content.addWidget(row)
        self._body = QVBoxLayout()
        self._body.setSpacing(SPACE * 2)
        self.content.addLayout(self._body)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        guide = button(self.tr("Light &guide"), "", lambda: self.chose.emit(Go(Screen.GUIDE)))
        guide.setObjectName("modes-to-guide")
        self.footer.add(guide)
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Take the board on the table, unless another kind was chosen since."""
        board = state.shown_board
        self._board.follow(board.platform if board is not None else None)
        self._draw()

    def first_focus(self) -> QWidget:
        """The board; the text is read from the top."""
        return self._board

    def _draw(self) -> None:
        platform = self._board.platform
        if platform is self._shown:
            return
        self._shown = platform
        clear(self._body)
        for kind, (heading, words) in HEADINGS.items():
            self._body.addWidget(label(say(heading), "heading"))
            self._body.addWidget(label(say(words), "muted"))
            for each in MODES:
                if each.kind is kind:
                    self._cards[each.key] = self._card(each, platform)
                    self._body.addWidget(self._cards[each.key])

    def _card(self, found: DeviceMode, platform: Platform) -> QWidget:
        frame, column = box()
        frame.setObjectName(f"mode-{found.key}")
        column.addWidget(label(say(found.name), "card-title"))
        column.addWidget(label(say(found.what)))
        lights = lights_of(found, platform)
        if lights:
            column.addWidget(self._lights(lights))
        facts = Facts()
        buttons = buttons_for(found, platform)
        enter = (*((buttons,) if buttons is not None else ()), *found.enter)
        rows = (
            (self.tr("Into it"), enter, found.code),
            (self.tr("Out of it"), found.leave, ""),
            (self.tr("Works"), found.works, ""),
            (self.tr("Does not work"), found.fails, ""),
        )
        for name, sentences, code in rows:
            facts.add(name, self._sentences(sentences, code))
        column.addWidget(facts)
        jobs = [recipe for key in found.recipes if (recipe := known(key)) is not None]
        if jobs:
            row = TurningRow()
            row.add(label(self.tr("Jobs:"), "muted"))
            for recipe in jobs:
                start = button(say(recipe.title), "small")
                start.clicked.connect(lambda _checked=False, key=recipe.key: self.chose.emit(PickRecipe(key)))
                start.setObjectName(f"{found.key}-{recipe.key}")
                start.setAccessibleDescription(say(found.name))
                row.add(start)
            row.add_stretch()
            column.addWidget(row)
        return frame

    def _sentences(self, sentences: tuple[Text, ...], code: str) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE // 2)
        for words in sentences:
            column.addWidget(label(say(words)))
        if code:
            column.addWidget(label(breakable(code), "mono"))
        return holder

    def _lights(self, lights: tuple[LightPattern, ...]) -> QWidget:
        row = TurningRow(narrow=260 * len(lights))
        for pattern in lights:
            holder = QWidget()
            line = QHBoxLayout(holder)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(SPACE)
            led = Led(diameter=tokens().px(LED))
            led.show_pattern(pattern)
            bar = RhythmBar()
            bar.show_pattern(pattern)
            words = QVBoxLayout()
            words.setSpacing(SPACE // 2)
            words.addWidget(label(say(pattern.name)))
            words.addWidget(bar)
            line.addWidget(led, 0, Qt.AlignmentFlag.AlignVCenter)
            line.addLayout(words, 1)
            row.add(holder, 1)
        return row
