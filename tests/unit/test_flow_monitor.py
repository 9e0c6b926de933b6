"""The serial monitor and the page of modes in the table of states: no window, no thread."""

from __future__ import annotations

from functools import reduce as fold

import pytest

from app.clicks import (
    AskCommand,
    Back,
    ClearMonitor,
    Click,
    CloseMonitor,
    Go,
    OpenMonitor,
    Screen,
    SendSerial,
)
from app.flow import AppState, MonitorState, reduce
from app.orders import EmptyMonitor, Order, StartMonitor, StopMonitor, WriteSerial
from app.text import text
from app.work.events import Event, MonitorChanged, MonitorGrew, MonitorStatus
from app.work.serial_lines import Transcript

CAUSE, NEXT = text("Test", "Cause."), text("Test", "Next step.")
LINES = Transcript()


def play(*events: Event | Click, start: AppState | None = None) -> AppState:
    return fold(reduce, events, start or AppState())


def at(status: MonitorStatus, port_path: str = "1-1") -> MonitorChanged:
    return MonitorChanged(port_path, status, LINES)


def monitor_of(state: AppState) -> MonitorState:
    assert state.monitor is not None
    return state.monitor


OPEN = play(Go(Screen.MONITOR), at(MonitorStatus.OPEN))


@pytest.mark.parametrize("screen", [Screen.MONITOR, Screen.MODES, Screen.DRIVER])
def test_both_pages_open_from_everywhere_and_close_to_where_the_person_was(screen: Screen) -> None:
    opened = play(Go(screen))
    assert opened.screen is screen
    assert play(Back(), start=opened).screen is Screen.HOME


def test_modes_that_were_looked_up_lead_back_to_where_that_was() -> None:
    looked_up = play(Go(Screen.MONITOR), Go(Screen.MODES))
    assert play(Back(), start=looked_up).screen is Screen.MONITOR
    assert play(Back(), Back(), start=looked_up).screen is Screen.HOME
    assert play(Go(Screen.MODES), Back(), start=looked_up).screen is not Screen.MODES
    assert play(Go(Screen.HELP), Back(), start=looked_up).screen is Screen.HOME


@pytest.mark.parametrize(
    ("click", "order"),
    [
        (OpenMonitor("1-2"), StartMonitor("1-2")),
        (CloseMonitor(), StopMonitor()),
        (ClearMonitor(), EmptyMonitor()),
        (SendSerial(b"i"), WriteSerial(b"i")),
    ],
)
def test_each_press_orders_its_deed(click: Click, order: Order) -> None:
    assert play(click, start=OPEN).orders == (order,)


@pytest.mark.parametrize("status", [each for each in MonitorStatus if each is not MonitorStatus.OPEN])
def test_nothing_is_sent_or_asked_while_the_port_is_not_open(status: MonitorStatus) -> None:
    state = play(at(status))
    assert play(SendSerial(b"i"), start=state).orders == ()
    assert monitor_of(play(AskCommand("w"), start=state)).confirm == ""


def test_nothing_is_sent_before_a_port_was_ever_opened() -> None:
    assert play(SendSerial(b"i")) == AppState()
    assert play(AskCommand("w")) == AppState()


def test_a_command_that_changes_something_is_asked_about_and_the_answer_closes_the_question() -> None:
    asked = play(AskCommand("L"), start=OPEN)
    assert (monitor_of(asked).confirm, asked.orders) == ("L", ())
    assert monitor_of(play(AskCommand(""), start=asked)).confirm == ""
    sent = play(SendSerial(b"L"), start=asked)
    assert (monitor_of(sent).confirm, sent.orders) == ("", (WriteSerial(b"L"),))


def test_a_board_that_goes_away_takes_the_question_with_it() -> None:
    assert monitor_of(play(AskCommand("L"), at(MonitorStatus.AWAY), start=OPEN)).confirm == ""


def test_why_a_port_is_refused_is_kept_until_it_is_open() -> None:
    refused = play(MonitorChanged("1-1", MonitorStatus.REFUSED, LINES, CAUSE, NEXT))
    assert (monitor_of(refused).cause, monitor_of(refused).next_step) == (CAUSE, NEXT)
    assert monitor_of(play(at(MonitorStatus.OPEN), start=refused)).cause is None


def test_new_lines_draw_the_page_anew() -> None:
    grown = play(MonitorGrew("1-1", 7), start=OPEN)
    assert monitor_of(grown).news == 7
    assert play(MonitorGrew("1-9", 9), start=grown) == grown
    assert play(MonitorGrew("1-1", 7)) == AppState()


def test_no_news_of_lines_is_taken_for_one_that_was_heard() -> None:
    lines = Transcript()
    lines.came(b"one\n")
    state = play(MonitorChanged("1-1", MonitorStatus.OPEN, lines))
    lines.since(0)  # the page was drawn: it has seen the line that is told only now
    for _ in range(3):
        number = lines.to_be_told() or lines.told_anew()
        told = play(MonitorGrew("1-1", number), start=state)
        assert told != state
        state = told
        lines.since(0)
        lines.came(b"more\n")


def test_the_end_of_the_port_before_does_not_hide_the_one_that_is_open() -> None:
    assert play(at(MonitorStatus.CLOSED, "1-9"), start=OPEN) == OPEN
    assert monitor_of(play(at(MonitorStatus.CLOSED), start=OPEN)).status is MonitorStatus.CLOSED


def test_what_is_sent_is_in_no_repr() -> None:
    assert "secret" not in f"{SendSerial(b'secret')!r} {WriteSerial(b'secret')!r}"
