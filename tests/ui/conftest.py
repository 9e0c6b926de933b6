"""Fixtures with a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from support.window import Desk

from app.ui import theme

MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[MakeDesk]:
    """Make a desk with a practice board and a window; closed after the test."""
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT, reduced_motion=True)
    made: list[Desk] = []

    def make_desk(
        name: str = "photon",
        *,
        plugged: bool = True,
        practice: bool = True,
        factor: float = 20.0,
        profiles: bool | None = None,
        **more: object,
    ) -> Desk:
        options = {"plugged": plugged, "practice": practice, "factor": factor, "profiles": profiles, **more}
        made.append(Desk(qtbot, tmp_path, name, **options))  # type: ignore[arg-type]  # as above
        return made[-1]

    yield make_desk
    for each in made:
        each.close()
    theme.apply_theme(qapp, scheme=theme.Scheme.LIGHT)
