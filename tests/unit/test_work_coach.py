"""What the coach says for what USB shows."""

from __future__ import annotations

import pytest

from app.platforms.model import Mode
from app.platforms.table import platform
from app.text import Text, text
from app.transports.base import Sighting
from app.work import coach as words
from app.work.board import Board
from app.work.coach import QUIET_SECONDS, Coach
from app.work.questions import DoThis


def board(mode: Mode, address: int) -> Board:
    core = platform("core")
    ids = core.ids[Mode.DFU if mode is Mode.DFU else Mode.NORMAL]
    return Board(Sighting("1-1", address, ids.vendor, ids.product, None, None, 0x200, None), core, mode)


def wish(until: Mode) -> DoThis:
    return DoThis("wish", text("Test", "Title"), text("Test", "Body"), None, None, until)


def sources(coach: Coach, seen: list[tuple[float, Board | None]]) -> list[str]:
    hints: list[Text | None] = [coach.look(now, there) for now, there in seen]
    return [hint.source for hint in hints if hint is not None]


@pytest.mark.parametrize(
    ("until", "start", "seen", "hints"),
    [
        (Mode.DFU, Mode.NORMAL, [(1, None)], [words.RESTARTED_HOLD_ON]),
        (
            Mode.DFU,
            Mode.NORMAL,
            [(1, None), (3, board(Mode.NORMAL, 6))],
            [words.RESTARTED_HOLD_ON, words.LET_GO_TOO_EARLY],
        ),
        (Mode.DFU, Mode.LISTENING, [(3, board(Mode.NORMAL, 6))], [words.LET_GO_TOO_EARLY]),
        (Mode.DFU, Mode.LISTENING, [(3, board(Mode.NORMAL, 5))], []),
        (Mode.DFU, Mode.NORMAL, [(QUIET_SECONDS, board(Mode.NORMAL, 5))], [words.NOTHING_YET]),
        (Mode.DFU, Mode.NORMAL, [(1, None), (QUIET_SECONDS + 1, None)], [words.RESTARTED_HOLD_ON, words.STAYS_AWAY]),
        (
            Mode.LISTENING,
            Mode.DFU,
            [(1, None), (2, board(Mode.NORMAL, 6))],
            [words.RESTARTED_NOW_HOLD, words.BACK_NOT_LISTENING],
        ),
        (
            Mode.LISTENING,
            Mode.DFU,
            [(1, None), (4, board(Mode.DFU, 6))],
            [words.RESTARTED_NOW_HOLD, words.UPDATE_MODE_INSTEAD],
        ),
        (Mode.LISTENING, Mode.NORMAL, [(QUIET_SECONDS, board(Mode.NORMAL, 5))], [words.NOT_LISTENING_YET]),
        (
            Mode.LISTENING,
            Mode.DFU,
            [(1, None), (QUIET_SECONDS + 1, None)],
            [words.RESTARTED_NOW_HOLD, words.STAYS_AWAY_LISTENING],
        ),
    ],
)
def test_the_coach_says_which_finger_was_wrong(
    until: Mode, start: Mode, seen: list[tuple[float, Board | None]], hints: list[Text]
) -> None:
    assert sources(Coach(wish(until), board(start, 5), 0.0), seen) == [hint.source for hint in hints]


def test_silence_is_mentioned_once() -> None:
    coach = Coach(wish(Mode.DFU), board(Mode.NORMAL, 5), 0.0)
    quiet: list[tuple[float, Board | None]] = [(float(now), board(Mode.NORMAL, 5)) for now in range(60)]
    assert sources(coach, quiet) == [words.NOTHING_YET.source]


def test_hints_name_the_button_as_it_is_printed_on_the_board() -> None:
    hint = Coach(wish(Mode.DFU), board(Mode.NORMAL, 5), 0.0).look(1.0, None)
    assert hint is not None
    assert "MODE" in hint.english()
    assert "{" not in hint.english()
