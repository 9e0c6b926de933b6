"""Home: everything that can be done, as cards in four groups, the one-click backup first."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.clicks import Go, PickRecipe, PressPractice, Screen
from app.flow import AppState, backups_of
from app.keys.backup import Backup
from app.recipes.base import GROUP_TITLES, Fit, Group, Recipe
from app.recipes.registry import RECIPES
from app.text import text
from app.ui.pages.base import CardButton, CardGrid, Page, TurningRow, box, button, clear, has_focus, label
from app.ui.parts.interrupted import InterruptedRescues
from app.ui.parts.update_card import UpdateCard
from app.ui.say import day, say
from app.ui.theme import SPACE
from app.work.board import Board

HERO = "back-up-key"
NO_BOARD = text("Home", "Plug a board in first.")
GROUP_WORDS = {
    Group.KEYS: text(
        "Home",
        "For a light that turns orange, magenta or red after Wi-Fi, for a lost key, and for a server of your own.",
    ),
    Group.CLOUD: text("Home", "What only a cloud can do, Particle's or your own. You sign in first."),
}
"""One sentence at the heading of a group speaks for all of its cards."""


def fit_of(recipe: type[Recipe], board: Board | None) -> Fit:
    """Say whether a card can be chosen now; without a board none can."""
    return Fit.no(NO_BOARD) if board is None else recipe.fit(board)


class HomePage(Page):
    """The cards. They are made again only when what they say has changed, so the focus stays where it is."""

    def __init__(self) -> None:
        super().__init__("")
        self.title.setText(self.tr("What would you like to do?"))
        self._shown: object = None
        self._hero: QWidget | None = None
        self._first: QWidget | None = None
        self._rescues = InterruptedRescues()
        self._rescues.chose.connect(self.chose)
        self.content.addWidget(self._rescues)
        self._update = UpdateCard(asks=True)
        self._update.chose.connect(self.chose)
        self.content.addWidget(self._update)
        self._body = QVBoxLayout()
        self._body.setSpacing(SPACE * 2)
        self.content.addLayout(self._body)
        self.content.addStretch(1)

    def show_state(self, state: AppState) -> None:
        """Draw the cards for the chosen board."""
        board = state.board
        self._show_rescues(state)
        if self._update.show_state(state) and (wanted := self.first_focus()) is not None:
            wanted.setFocus()
        fits = tuple(fit_of(recipe, board).reason for recipe in RECIPES)
        own = backups_of(board, state.backups or ()) if board is not None else ()
        pack = None if state.pack is None else (len(state.lacking), len(state.pack))
        calm = self._rescues.isHidden()
        shown = (
            board.port_path if board else None,
            fits,
            own[:1],
            len(state.backups or ()),
            bool(state.boards),
            pack,
            calm,
        )
        if shown == self._shown:
            return
        self._shown = shown
        # Also in a window that is not the active one: else the keyboard would go to what is next, a question's Yes.
        had_focus = self.isVisible() and has_focus(self) and not has_focus(self._update)
        clear(self._body)
        self._first = None
        hero = next((recipe for recipe in RECIPES if recipe.key == HERO), None)
        if hero is not None:
            self._body.addWidget(self._hero_card(hero, fit_of(hero, board), own[0] if own else None, calm=calm))
        decoder = CardButton(
            self.tr("What is my light doing?"),
            self.tr("Choose colour and rhythm, or tap along. It tells what the board is doing and what helps."),
            icon="light-guide",
        )
        decoder.setObjectName("card-decoder")
        decoder.clicked.connect(lambda: self.chose.emit(Go(Screen.DECODER)))
        set_up = self._cards(Group.SET_UP, board)
        if not state.boards and not state.practice:
            practice = CardButton(
                self.tr("No board at hand?"),
                self.tr("Practise on a virtual one. It behaves like the real thing."),
                icon="practice",
            )
            practice.setObjectName("card-practice")
            practice.clicked.connect(lambda: self.chose.emit(PressPractice()))
            set_up.append(practice)
        rescue = [*self._cards(Group.RESCUE, board), self._pack_card(state)]
        # A light tells most where USB tells nothing: without a board it is one of the first things to try.
        (rescue if state.boards else set_up).insert(0, decoder)
        groups = (
            (Group.SET_UP, set_up),
            (Group.KEEP_SAFE, [self._safe_card(state), *self._cards(Group.KEEP_SAFE, board)]),
            (Group.KEYS, self._cards(Group.KEYS, board)),
            (Group.CLOUD, [self._boards_card(), *self._cards(Group.CLOUD, board), self._transfer_card()]),
            (Group.RESCUE, rescue),
        )
        if self._first is None:
            self._first = next((card for _, cards in groups for card in cards if card.isEnabled()), None)
        grid = CardGrid()
        grid.set_groups([(self._heading(group), list(cards)) for group, cards in groups if cards])
        self._body.addWidget(grid)
        wanted = self.first_focus()
        if had_focus and wanted is not None:
            for index in range(self._body.count()):  # a layout shows them later, and what is not shown yet gets nothing
                item = self._body.itemAt(index)
                if item is not None and (made := item.widget()) is not None:
                    made.show()
            wanted.setFocus()

    def first_focus(self) -> QWidget | None:
        """An interrupted rescue, else the backup when it can be done, else the first card."""
        return self._rescues.first if not self._rescues.isHidden() else self._first

    def _show_rescues(self, state: AppState) -> None:
        had_focus = self.isVisible() and self.window().focusWidget() in self._rescues.findChildren(QWidget)
        if self._rescues.show_state(state) and had_focus and (wanted := self.first_focus()) is not None:
            wanted.setFocus()

    def _hero_card(self, recipe: type[Recipe], fit: Fit, kept: Backup | None, *, calm: bool) -> QWidget:
        summary = say(recipe.summary if fit.reason is None else fit.reason)
        if kept is not None:
            summary = self.tr("Backed up on {day}. Doing it again never overwrites anything.").format(
                day=day(kept.made)
            )
        hero = fit.ok and kept is None and calm  # one thing stands out, and an interrupted rescue comes first
        frame, column = box("hero" if hero else "card")
        holder = QWidget()
        words = QVBoxLayout(holder)
        words.setContentsMargins(0, 0, SPACE, 0)
        words.setSpacing(SPACE // 2)
        words.addWidget(label(say(recipe.title), "card-title" if fit.ok else "card-title-off"))
        words.addWidget(label(summary, "muted"))
        start = button(
            self.tr("&Back up again") if kept is not None else self.tr("&Back up now"),
            "primary" if kept is None and calm else "",
            lambda: self.chose.emit(PickRecipe(recipe.key)),
        )
        start.setObjectName("back-up-now")
        start.setEnabled(fit.ok)
        start.setAccessibleDescription(say(recipe.summary))
        row = TurningRow(narrow=360)
        row.add(holder, 1)
        row.add(start)
        column.addWidget(row)
        if fit.ok:
            self._first = start
        return frame

    def _heading(self, group: Group) -> QWidget:
        heading = label(say(GROUP_TITLES[group]), "section")
        if group not in GROUP_WORDS:
            return heading
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE // 2)
        column.addWidget(heading)
        column.addWidget(label(say(GROUP_WORDS[group]), "muted"))
        return holder

    def _cards(self, group: Group, board: Board | None) -> list[CardButton]:
        return [self._card(recipe, board) for recipe in RECIPES if recipe.group is group and recipe.key != HERO]

    def _card(self, recipe: type[Recipe], board: Board | None) -> CardButton:
        fit = fit_of(recipe, board)
        words = say(recipe.summary if fit.reason is None else fit.reason)
        low = fit.ok and recipe.group in GROUP_WORDS  # one sentence at the heading speaks for all of them
        card = CardButton(say(recipe.title), "" if low else words, fits=fit.ok, icon=recipe.key)
        card.setAccessibleDescription(words)
        card.setToolTip(say(recipe.summary) if low else "")
        card.setObjectName(f"card-{recipe.key}")
        card.clicked.connect(lambda: self.chose.emit(PickRecipe(recipe.key)))
        return card

    def _safe_card(self, state: AppState) -> CardButton:
        backups = state.backups or ()
        if not backups:
            words = self.tr("Empty so far. Every key you back up is kept here and never overwritten.")
        else:
            words = self.tr("One key backup, of {day}.").format(day=day(backups[0].made))
            if len(backups) > 1:
                words = self.tr("{number} key backups, the newest of {day}.").format(
                    number=len(backups), day=day(backups[0].made)
                )
        card = CardButton(self.tr("Key safe"), words, icon="key-safe")
        card.setObjectName("card-safe")
        card.clicked.connect(lambda: self.chose.emit(Go(Screen.SAFE)))
        return card

    def _boards_card(self) -> CardButton:
        words = self.tr(
            "Every board of your account: which are online, what they are called, which one is on the desk."
        )
        card = CardButton(self.tr("My boards"), icon="my-boards")
        card.setAccessibleDescription(words)
        card.setToolTip(words)
        card.setObjectName("card-boards")
        card.clicked.connect(lambda: self.chose.emit(Go(Screen.BOARDS)))
        return card

    def _transfer_card(self) -> CardButton:
        words = self.tr("From one account to another in three steps, and what support can and cannot do.")
        card = CardButton(self.tr("Hand over a board"), icon="hand-over")
        card.setAccessibleDescription(words)
        card.setToolTip(words)
        card.setObjectName("card-transfer")
        card.clicked.connect(lambda: self.chose.emit(Go(Screen.TRANSFER)))
        return card

    def _pack_card(self, state: AppState) -> CardButton:
        if state.pack is None:
            words = self.tr("The firmware files that rescues write.")
        elif not state.lacking:
            words = self.tr("All firmware files are here. Every rescue works without the internet.")
        else:
            words = self.tr("{here} of {all} firmware files are here. Get the others before you need them.").format(
                here=len(state.pack) - len(state.lacking), all=len(state.pack)
            )
        card = CardButton(self.tr("Rescue pack"), words, icon="rescue-pack")
        card.setObjectName("card-pack")
        card.clicked.connect(lambda: self.chose.emit(Go(Screen.PACK)))
        return card
