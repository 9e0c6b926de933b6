"""A rescue that was interrupted: what it was, that nothing is lost, and the ways to go on from here."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.clicks import AskForget, ConfirmForget, Go, PressFinish, PressPutBack, Screen, SetAside
from app.flow import AppState, BoardHere, board_for
from app.platforms.table import platform
from app.recipes.base import Recipe
from app.recipes.registry import known
from app.ui.pages.base import TurningRow, box, breakable, button, clear, label
from app.ui.say import announce, day_and_time, say
from app.ui.theme import SPACE
from app.undo.rescue import InterruptedRescue


class InterruptedRescues(QWidget):
    """A card for each interrupted rescue; made again only when what it says has changed.

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None
        self._told: set[str] = set()
        self.first: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE + SPACE // 2)
        self.hide()

    def show_state(self, state: AppState) -> bool:
        """Draw the cards; return whether they were made again."""
        here = tuple((rescue, board_for(rescue, state)) for rescue in state.rescues)
        shown = (here, state.set_aside, state.confirm_forget)
        if shown == self._shown:
            return False
        self._shown = shown
        self.first = None
        clear(self._column)
        open_ones = [(rescue, there) for rescue, there in here if rescue.id not in state.set_aside]
        for rescue, there in open_ones:
            card = _Card(rescue, there, asks=state.confirm_forget == rescue.id, practice=state.practice)
            card.chose.connect(self.chose)
            self._column.addWidget(card)
            self.first = self.first or card.first
            if rescue.id not in self._told:
                self._told.add(rescue.id)
                announce(self, card.words)
        if len(open_ones) < len(here):
            self._column.addWidget(self._waiting(len(here) - len(open_ones)))
        self.setVisible(bool(here))
        return True

    def _waiting(self, number: int) -> QWidget:
        words = self.tr("Interrupted rescues set aside for now: {number}.").format(number=number)
        show = button(self.tr("Sho&w"), "small", lambda: self.chose.emit(SetAside("")))
        show.setObjectName("show-rescues")
        show.setAccessibleName(self.tr("Show the interrupted rescues"))
        self.first = self.first or show
        row = TurningRow(narrow=420)
        row.add(label(words, "muted"), 1)
        row.add(show)
        return row


class _Card(QWidget):
    """One interrupted rescue."""

    chose = Signal(object)

    def __init__(self, rescue: InterruptedRescue, there: BoardHere | None, *, asks: bool, practice: bool) -> None:
        super().__init__()
        self.first: QWidget | None = None
        self._rescue = rescue
        recipe = known(rescue.recipe)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        frame, column = box("hero")
        outer.addWidget(frame)
        frame.setObjectName(f"rescue-{rescue.id}")
        column.addWidget(label(self.tr("Finish the interrupted rescue?"), "card-title"))
        self.words = self._what_happened(recipe)
        column.addWidget(label(self.words))
        if asks:
            self._ask(column)
            return
        column.addWidget(label(self._what_now(recipe, there), "muted"))
        if recipe is not None and there is None:
            column.addWidget(self._not_on_usb())
        if practice:
            column.addWidget(
                label(self.tr("A practice board is new at each start: it holds what it held at first."), "muted")
            )
        row = TurningRow()
        if recipe is not None:
            finish = button(self.tr("&Finish it"), "primary", lambda: self.chose.emit(PressFinish(rescue.id)))
            finish.setAccessibleName(self.tr("Finish the interrupted rescue"))
            finish.setObjectName("finish-rescue")
            finish.setEnabled(there is not None)
            row.add(finish)
            self.first = finish if there is not None else None
        if rescue.to_put_back:
            back = button(self.tr("Put back &what was there"), "", lambda: self.chose.emit(PressPutBack(rescue.id)))
            back.setObjectName("put-back-rescue")
            back.setEnabled(there is not None)
            row.add(back)
        row.add_stretch()
        later = button(self.tr("&Not now"), "", lambda: self.chose.emit(SetAside(rescue.id)))
        later.setObjectName("rescue-later")
        row.add(later)
        forget = button(self.tr("F&orget it..."), "", lambda: self.chose.emit(AskForget(rescue.id)))
        forget.setObjectName("forget-rescue")
        row.add(forget)
        for control in (later, forget):
            control.setAccessibleDescription(self.words)
        self.first = self.first or later
        column.addWidget(row)

    def _what_happened(self, recipe: type[Recipe] | None) -> str:
        rescue = self._rescue
        name = rescue.board.device_id or rescue.board.serial
        board = platform(rescue.board.platform).name
        board = f"{board} ({breakable(name)})" if name else board
        words = self.tr("The rescue of {board} that began on {when} did not come to its end.")
        if recipe is not None:
            words = self.tr('"{title}" on {board}, begun on {when}, did not come to its end.')
        title = say(recipe.title) if recipe is not None else ""
        sentences = [words.format(title=title, board=board, when=day_and_time(rescue.started))]
        left = [each for each in rescue.planned if each not in rescue.written]
        if left:
            regions = {region.key: say(region.name) for region in platform(rescue.board.platform).regions}
            sentences.append(
                self.tr("{done} of {all} parts are written; next was: {part}.").format(
                    done=len(rescue.planned) - len(left),
                    all=len(rescue.planned),
                    part=regions.get(left[0].region, left[0].region),
                )
            )
        sentences.append(self.tr("Nothing is lost: what was on the board before is kept."))
        return " ".join(sentences)

    def _what_now(self, recipe: type[Recipe] | None, there: BoardHere | None) -> str:
        if recipe is None:
            return self.tr("This version of Rekindle does not know that rescue; the one that began it does.")
        if there is None:
            if self._rescue.board.device_id or self._rescue.board.serial:
                return self.tr("Plug in this very board to go on. In which mode it is does not matter.")
            return self.tr("Plug in the board to go on. In which mode it is does not matter.")
        if there.certain:
            return self.tr("The board is plugged in. What is right already is not written again.")
        return self.tr(
            "The board on USB {port} may be the one: its serial number does not tell. Make sure that it is; what is on "
            "it is looked at before anything is written."
        ).format(port=there.board.port_path)

    def _not_on_usb(self) -> QWidget:
        """What helps a board that is plugged in and not seen: half-written firmware may start and run wild."""
        board = platform(self._rescue.board.platform)
        choreography = board.choreography("dfu")
        words = self.tr(
            "If it is plugged in and nothing shows here, whatever its light does: hold {button} and tap RESET; let go "
            "of {button} when the light blinks yellow, after about {seconds} seconds."
        ).format(button=board.mode_button, seconds=round(choreography.hold_ms / 1000))
        row = TurningRow(narrow=420)
        row.add(label(words, "muted"), 1)
        guide = button(self.tr("What the l&ight says"), "small", lambda: self.chose.emit(Go(Screen.GUIDE)))
        guide.setObjectName("rescue-guide")
        guide.setAccessibleDescription(self.tr("Opens the light guide"))
        row.add(guide)
        return row

    def _ask(self, column: QVBoxLayout) -> None:
        column.addWidget(label(self.tr("Forget this rescue?"), "strong"))
        column.addWidget(
            label(
                self.tr(
                    "Rekindle will not offer to finish it again. The board stays as it is now, maybe half-written; any "
                    "other rescue can still be done with it. What was kept stays on this computer."
                )
            )
        )
        row = TurningRow()
        row.add_stretch()
        keep = button(self.tr("Keep &it"), "", lambda: self.chose.emit(AskForget("")))
        keep.setObjectName("keep-rescue")
        forget = button(self.tr("F&orget it"), "", lambda: self.chose.emit(ConfirmForget()))
        forget.setObjectName("really-forget")
        row.add(keep)
        row.add(forget)
        column.addWidget(row)
        self.first = keep
