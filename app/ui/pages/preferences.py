"""Settings: look, size of words, motion, newer versions."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QWidget

from app.clicks import Back
from app.flow import AppState
from app.ui.pages.base import Page, box, button, label
from app.ui.parts.update_settings import UpdateSettings
from app.ui.settings import TEXT_SCALES, Settings
from app.ui.theme import SPACE, Scheme


class PreferencesPage(Page):
    """What the person can choose; every choice counts at once.

    Signals:
        look_changed: The look is to be made again.
    """

    look_changed = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__("")
        self.title.setText(self.tr("Settings"))
        self._settings = settings
        frame, column = box()
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE * 3)
        grid.setVerticalSpacing(SPACE * 2)
        grid.setColumnStretch(1, 1)

        self._scheme = QComboBox()
        for scheme, words in (
            (Scheme.SYSTEM, self.tr("As the system")),
            (Scheme.LIGHT, self.tr("Light")),
            (Scheme.DARK, self.tr("Dark")),
        ):
            self._scheme.addItem(words, scheme.value)
        self._scheme.setCurrentIndex(self._scheme.findData(settings.scheme.value))
        self._scheme.currentIndexChanged.connect(self._store)
        self._row(grid, self.tr("Appea&rance"), self._scheme)

        self._scale = QComboBox()
        for scale in TEXT_SCALES:
            self._scale.addItem(self.tr("{percent} %").format(percent=round(scale * 100)), scale)
        self._scale.setCurrentIndex(TEXT_SCALES.index(settings.text_scale))
        self._scale.currentIndexChanged.connect(self._store)
        self._row(grid, self.tr("Si&ze of words"), self._scale)
        column.addLayout(grid)

        self._motion = QCheckBox(self.tr("Less m&otion"))
        self._motion.setChecked(settings.reduced_motion)
        self._motion.toggled.connect(self._store)
        column.addWidget(self._motion)
        calm = label(self.tr("Lights and drawings stand still. Names and drawn rhythms say the rest."), "muted")
        self._motion.setAccessibleDescription(calm.text())
        column.addWidget(calm)
        self.content.addWidget(frame)
        self._updates = UpdateSettings()
        self._updates.chose.connect(self.chose)
        self.content.addWidget(self._updates)
        self.content.addStretch(1)
        self._back = button(self.tr("&Back"), "", lambda: self.chose.emit(Back()))
        self.footer.add_stretch()
        self.footer.add(self._back)

    def show_state(self, state: AppState) -> None:
        """Draw what is known of newer versions; the looks are drawn already."""
        self._updates.show_state(state)

    def first_focus(self) -> QWidget:
        """The first choice."""
        return self._scheme

    def _row(self, grid: QGridLayout, name: str, control: QWidget) -> None:
        row = grid.rowCount()
        heading = label(name)
        heading.setBuddy(control)
        control.setAccessibleName(name.replace("&", ""))
        grid.addWidget(heading, row, 0)
        grid.addWidget(control, row, 1)

    def _store(self) -> None:
        self._settings.scheme = Scheme(self._scheme.currentData())
        self._settings.text_scale = TEXT_SCALES[self._scale.currentIndex()]
        self._settings.reduced_motion = self._motion.isChecked()
        self.look_changed.emit()
