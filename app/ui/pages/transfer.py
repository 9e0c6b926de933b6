"""Handing over a board: three steps, and what the makers' support can and cannot do. Needs no account to be read."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.clicks import Back, Click, Go, PickRecipe, Screen
from app.flow import AppState
from app.recipes.registry import known
from app.ui.pages.base import Page, TurningRow, box, button, label
from app.ui.theme import SPACE, tokens

CLAIM = "claim-board"
SWITCH = "switch-cloud"


class TransferPage(Page):
    """Text with the buttons that do it. What it says follows the makers' support page, in our words."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("Hand over a board"))
        self._needs_board: list[QWidget] = []
        self.content.addWidget(
            label(
                self.tr(
                    "A board belongs to one account at a time. It goes from one to another in three steps, and only "
                    "the two of you can do them."
                ),
                "lead",
            )
        )
        self._step(
            1,
            self.tr("The owner releases it"),
            self.tr(
                "In the account the board belongs to: choose it in My boards, then Release. From then on it is "
                "nobody's. If both accounts are yours, sign in with the old one first."
            ),
            (("transfer-boards", self.tr("M&y boards"), Go(Screen.BOARDS)),),
        )
        self._step(
            2,
            self.tr("The board is online"),
            self.tr(
                "A board can be claimed only while it is connected to its cloud: its light breathes cyan. If it does "
                "not, bring it to Wi-Fi first."
            ),
            (
                ("transfer-wifi", self.tr("&Join Wi-Fi"), PickRecipe("join-wifi")),
                ("transfer-light", self.tr("What is my light &doing?"), Go(Screen.DECODER)),
            ),
        )
        self._step(
            3,
            self.tr("The new owner claims it"),
            self.tr(
                "Sign in with the account that shall have it, plug the board in, and claim it. If it still belongs to "
                "somebody, you can ask for it there: the owner then decides."
            ),
            (
                ("transfer-claim", self.tr("Cl&aim it..."), PickRecipe(CLAIM)),
                ("transfer-account", self.tr("Sign &in"), Go(Screen.ACCOUNT)),
            ),
        )
        self.content.addWidget(label(self.tr("Can support do it for me?"), "heading"))
        self._paragraph(
            self.tr("No."),
            self.tr(
                "Particle adds, removes, renames or changes a board only when the account it is registered to asks "
                "for it. That protects your boards, too: nobody can talk somebody at a desk into giving them away."
            ),
        )
        self._paragraph(
            self.tr("What support can do:"),
            self.tr(
                "If the board is yours and you cannot sign in to your account, or cannot set the board up, write to "
                "hello@particle.io. They help owners to get into their own account."
            ),
        )
        self._paragraph(
            self.tr("If the owner cannot be found:"),
            self.tr(
                "Everything over the cable still works: keys, firmware, Wi-Fi. And a local cloud of your own asks no "
                "former owner: switch the board over to it."
            ),
        )
        switch = button(self.tr("S&witch cloud"), "", lambda: self.chose.emit(PickRecipe(SWITCH)))
        switch.setObjectName("transfer-switch")
        switch.setProperty("recipe", SWITCH)
        self._needs_board.append(switch)
        self.content.addWidget(switch, 0, Qt.AlignmentFlag.AlignLeft)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Jobs need a board that they fit."""
        for control in self._needs_board:
            found = known(str(control.property("recipe")))
            board = state.board
            fits = board is not None and found is not None and found.fit(board).ok and state.live_run is None
            control.setEnabled(fits)
            control.setToolTip("" if fits else self.tr("For a board that is plugged in."))

    def first_focus(self) -> QWidget:
        """Back; the text is read from the top."""
        return self._back

    def _step(self, number: int, heading: str, words: str, ways: tuple[tuple[str, str, Click], ...]) -> None:
        frame, column = box()
        row = QHBoxLayout()
        row.setSpacing(SPACE * 2)
        figure = label(str(number), "number")
        figure.setAlignment(Qt.AlignmentFlag.AlignCenter)
        figure.setFixedSize(tokens().px(26), tokens().px(26))
        row.addWidget(figure, 0, Qt.AlignmentFlag.AlignTop)
        inner = QVBoxLayout()
        inner.setSpacing(SPACE)
        inner.addWidget(label(heading, "card-title"))
        inner.addWidget(label(words))
        line = TurningRow()
        for name, caption, click in ways:
            control = button(caption, "", partial(self.chose.emit, click))
            control.setObjectName(name)
            if isinstance(click, PickRecipe):
                control.setProperty("recipe", click.recipe)
                self._needs_board.append(control)
            line.add(control)
        line.add_stretch()
        inner.addWidget(line)
        row.addLayout(inner, 1)
        column.addLayout(row)
        self.content.addWidget(frame)

    def _paragraph(self, first: str, words: str) -> None:
        self.content.addWidget(label(first, "strong"))
        self.content.addWidget(label(words))
