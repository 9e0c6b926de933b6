"""A list of the kinds of boards, where a page is about one of them."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox

from app.platforms.model import Platform
from app.platforms.table import PLATFORMS, platform


class BoardChoice(QComboBox):
    """Every kind of board there is; the first one is chosen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Board"))
        self.setObjectName(name)
        for each in PLATFORMS:
            self.addItem(each.name, each.key)
        self._from_table: Platform | None = None

    @property
    def platform(self) -> Platform:
        """The kind that is chosen."""
        return platform(str(self.currentData()))

    def choose(self, wanted: Platform) -> None:
        """Choose this kind."""
        self.setCurrentIndex(self.findData(wanted.key))

    def follow(self, table: Platform | None) -> None:
        """Choose the kind of the board on the table, None for no board, unless another was chosen since it came."""
        if table is not None and table is not self._from_table:
            self._from_table = table
            self.choose(table)
