"""What the coach says, for every board: its own button's name, and the second from which holding on does harm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from app.platforms.model import BootLoader, Mode, Platform
from app.platforms.table import PLATFORMS, platform
from app.recipes.shared import coach_into_dfu, coach_into_listening
from app.work.job import Job
from app.work.questions import DoThis


@dataclass
class Seen:
    """As much of a board as the coach looks at."""

    mode: Mode
    boot_loader: BootLoader | None


@dataclass
class Asker:
    """As much of a job as the coach needs; keeps what the person would be asked."""

    platform: Platform
    board: Seen
    asked: list[DoThis] = field(default_factory=list)
    echoes: bool = False
    mute: bool = False

    def coach(self, question: DoThis, _seconds: float, *, anew: bool = False) -> None:
        self.asked.append(question)


def words(platform_key: str, boot_loader: str | None = None, mode: Mode = Mode.NORMAL) -> tuple[DoThis, DoThis]:
    kind = platform(platform_key)
    asker = Asker(kind, Seen(mode, kind.boot_loader(boot_loader) if boot_loader else None))
    coach_into_dfu(cast("Job", asker))
    coach_into_listening(cast("Job", asker))
    dfu, listening = asker.asked
    return dfu, listening


@pytest.mark.parametrize(("kind", "loader"), [(kind, loader.key) for kind in PLATFORMS for loader in kind.boot_loaders])
def test_every_board_is_told_its_own_button_and_when_it_is_too_late(kind: Platform, loader: str) -> None:
    dfu, listening = words(kind.key, loader)
    name = {"photon": "SETUP", "p1": "SETUP"}.get(kind.key, "MODE")
    assert dfu.title.english() == f"Hold {name}, tap RESET, keep holding {name}"
    assert listening.title.english() == f"Hold {name} for three seconds"
    late = "10" if loader == "original" else "6.5"
    assert f"Do not hold on for {late} seconds" in dfu.body.english()
    assert not {"{", "}"} & set(dfu.body.english() + listening.body.english())


def test_from_update_mode_reset_comes_first() -> None:
    _, listening = words("core", mode=Mode.DFU)
    assert listening.title.english() == "Tap RESET, then hold MODE for three seconds"
    assert "without MODE" in listening.body.english()
