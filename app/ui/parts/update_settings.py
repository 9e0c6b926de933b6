"""The part of the settings about newer versions: whether, where, and a look right now that says what came of it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QVBoxLayout, QWidget

from app.clicks import AgreeToUpdates, GiveUpdateAddress, PressLookForUpdate
from app.flow import AppState, UpdatesShown
from app.ui.pages.base import TurningRow, box, breakable, button, label, set_kind
from app.ui.parts.fold import Fold
from app.ui.parts.update_card import UpdateCard
from app.ui.say import announce, day_and_time, say
from app.updates import LookedUp, Standing


class UpdateSettings(QWidget):
    """Hidden where the program never looks (practice).

    Signals:
        chose: What the person did: an event for `flow.reduce`.
    """

    chose = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._told: LookedUp | None = None
        self._address_shown: str | None = None
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        frame, column = box()
        outer.addWidget(frame)
        column.addWidget(label(self.tr("Newer versions"), "card-title"))
        self._standing = label("")
        column.addWidget(self._standing)

        self._agreed = QCheckBox(self.tr("Look once a &day for a newer Rekindle"))
        self._agreed.setObjectName("updates-agreed")
        self._agreed.toggled.connect(lambda yes: self.chose.emit(AgreeToUpdates(yes)))
        column.addWidget(self._agreed)
        calm = label(self.tr("Sends nothing but the request. Nothing is downloaded or installed by itself."), "muted")
        self._agreed.setAccessibleDescription(calm.text())
        column.addWidget(calm)

        row = TurningRow(narrow=420)
        self._look = button(self.tr("Look &now"), "", lambda: self.chose.emit(PressLookForUpdate()))
        self._look.setObjectName("updates-now")
        self._tried = label("", "muted")
        row.add(self._look)
        row.add(self._tried, 1)
        self._looking = row
        column.addWidget(row)
        self._came = label("")
        self._came.setObjectName("updates-came")
        column.addWidget(self._came)
        self._card = UpdateCard(asks=False)
        self._card.chose.connect(self.chose)
        column.addWidget(self._card)
        self._where = Fold(self.tr("Where it looks"), self._make_address())
        column.addWidget(self._where)
        self._calm = calm
        self.hide()

    def show_state(self, state: AppState) -> None:
        """Draw what is known."""
        self.setVisible(state.updates is not None)
        if state.updates is None:
            return
        known = state.updates.state
        has_key = known.standing is not Standing.NO_KEY
        self._standing.setVisible(known.standing is not Standing.READY)
        if not has_key:
            words = self.tr("This copy of Rekindle has no release key, so it does not look for newer versions.")
        else:
            words = self.tr("This copy came without an address to look at. Give it one below.")
        self._standing.setText(words)
        for part in (self._agreed, self._calm, self._looking, self._where):
            part.setVisible(has_key)
        with QSignalBlocker(self._agreed):
            self._agreed.setChecked(known.agreed is True)
        self._look.setEnabled(known.standing is Standing.READY)  # while it looks too: the keyboard stays on it
        self._tried.setText(self._when(state.updates))
        if self._card.show_state(state):
            self._look.setFocus()
        self._show_address(known.address, own=known.own_address, busy=state.updates.busy)
        self._show_came(state.updates.came, told_below=known.to_tell is not None)

    def _when(self, updates: UpdatesShown) -> str:
        if updates.busy:
            return self.tr("Looking...")
        if updates.state.tried is None:
            return self.tr("It has not looked yet.")
        return self.tr("Looked last: {when}").format(when=day_and_time(updates.state.tried))

    def _show_came(self, came: LookedUp | None, *, told_below: bool) -> None:
        self._came.setVisible(came is not None and (came.bad or not told_below))
        if came is not None:
            words = say(came.words)
            self._came.setText(breakable(words))
            set_kind(self._came, "danger" if came.bad else "strong")
            if came is not self._told:
                announce(self, words)
        self._told = came

    def _make_address(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        self._address = QLineEdit()
        self._address.setObjectName("updates-address")
        self._address.setAcceptDrops(False)  # files dropped on it are the window's
        self._address.setAccessibleName(self.tr("Address to look at"))
        self._address.setPlaceholderText("https://")
        self._address.returnPressed.connect(self._give_address)
        self._use = button(self.tr("&Use this address"), "small", self._give_address)
        self._use.setObjectName("updates-use-address")
        self._default = button(self.tr("As it came"), "small", lambda: self.chose.emit(GiveUpdateAddress("")))
        self._default.setObjectName("updates-default-address")
        self._default.setAccessibleDescription(self.tr("Looks at the address that came with this copy"))
        row = TurningRow(narrow=420)
        row.add(self._address, 1)
        row.add(self._use)
        row.add(self._default)
        column.addWidget(row)
        column.addWidget(
            label(self.tr("Whatever the address: only what the makers of Rekindle signed is believed."), "muted")
        )
        return holder

    def _give_address(self) -> None:
        if self._address.text().strip():
            self.chose.emit(GiveUpdateAddress(self._address.text()))

    def _show_address(self, address: str, *, own: bool, busy: bool) -> None:
        if address != self._address_shown:  # what is being typed stays
            self._address_shown = address
            self._address.setText(address)
        self._use.setEnabled(not busy)
        self._default.setEnabled(own and not busy)
