"""How smooth ten thousand boards of an account are: the first picture, a letter in the filter, an order, a scroll.

Run by hand: `python tests/bench/bench_boards.py`. Seconds are the machine's; a frame at 60 Hz is 16.7 ms.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app.clicks import Go, Screen
from app.cloud.client import CloudBoard
from app.cloud.profiles import PARTICLE
from app.flow import AppState, reduce
from app.ui import theme
from app.ui.pages.my_boards import MyBoardsPage
from app.ui.parts.board_list import BoardList, BoardModel, Sorting
from app.work.events import AccountChanged, DevicesListed, ProfilesListed, SignInState

BOARDS = 10_000
ROUNDS = 9


def main() -> int:
    """Measure and print."""
    application = QApplication([])
    theme.apply_theme(application, scheme=theme.Scheme.LIGHT)
    now = datetime.now(UTC)
    boards = tuple(
        CloudBoard(f"{number * 7919:024x}", f"board-{number}", number % 3 == 0, now - timedelta(minutes=number), 6)
        for number in range(BOARDS)
    )
    state = AppState()
    for event in (ProfilesListed((PARTICLE,), PARTICLE), AccountChanged(PARTICLE, SignInState.IN, "a")):
        state = reduce(state, event)
    state = reduce(state, Go(Screen.BOARDS))
    page = MyBoardsPage()
    page.resize(800, 700)
    page.show()
    page.show_state(state)
    page.grab()
    shown, model = page.findChildren(BoardList)[0], page.findChildren(BoardModel)[0]

    none = reduce(state, DevicesListed(PARTICLE, (), now))
    every = reduce(state, DevicesListed(PARTICLE, boards, now))

    def come() -> None:
        page.show_state(every)
        page.grab()

    def letter() -> None:
        model.set_words(next(words))
        shown.grab()

    def order() -> None:
        model.set_sorting(next(orders))
        shown.grab()

    def scroll() -> None:
        bar.setValue(bar.value() + bar.maximum() // (ROUNDS + 1))
        shown.grab()

    words = iter([f"board-{number}" for number in range(ROUNDS)])
    orders = itertools.cycle([Sorting.HEARD, Sorting.ONLINE, Sorting.NAME])
    bar = shown.verticalScrollBar()
    tell("from the list's arrival to its picture", come, lambda: page.show_state(none))
    assert model.rowCount() == BOARDS
    tell("a letter in the filter", letter)
    model.set_words("")
    tell("another order", order)
    tell("a scroll", scroll)
    return 0


def tell(what: str, work: Callable[[], None], before: Callable[[], None] = lambda: None) -> None:
    """Do it some times and print the median."""
    times = []
    for _ in range(ROUNDS):
        before()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    print(f"{what}: {statistics.median(times) * 1000:.1f} ms (median of {ROUNDS}, {BOARDS} boards)")


if __name__ == "__main__":
    sys.exit(main())
