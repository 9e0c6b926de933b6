"""Every mishap amid telling a board its network, by every generation: a clear end, and never half a password stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.every import EVERYTHING, part
from support.wifi_mishaps import ALL, LOST, NAME, ROWS, STOPPED, TROUBLES, Row, Trouble, play

HANDS = 10
MOST_TRIES = 2  # once as the board stands, once after the RESET that the faults advise


def cases(trouble: Trouble) -> list[Row]:
    rows = [row for row in ROWS if trouble.for_whom(row)]
    return rows if "noise" in trouble.key else part(rows, HANDS, trouble.key)  # each garbles another text


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.key)
def test_whatever_happens_the_board_holds_all_or_nothing_and_nothing_is_told(trouble: Trouble, tmp_path: Path) -> None:
    for number, row in enumerate(cases(trouble)):
        ran = play(row, trouble, tmp_path / str(number), more=EVERYTHING or number == 0)
        assert ran.code in trouble.ends, (row.words, ran)
        assert ran.holds in trouble.holds, (row.words, ran)
        assert ran.strange == (), row.words
        assert ran.leaks == (), row.words
        assert ran.tries <= MOST_TRIES, (row.words, ran)
        if ran.code == "saved":
            assert ran.holds == ALL, row.words
        else:
            assert ran.said, row.words
            if ran.code in (LOST, STOPPED):
                assert NAME in ran.said, row.words
