"""Doing something at a moment of a run, and what a person does after a pulled cable."""

from __future__ import annotations

from collections.abc import Callable

from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, StepStarted
from app.work.plan import RescuePlan
from app.work.questions import Review
from support.desk import Desk


class _Watched(list[Event]):
    """What a person was told; things happen at once when a step begins."""

    def __init__(self, before: list[Event]) -> None:
        super().__init__(before)
        self.waiting: list[tuple[int, Callable[[], None]]] = []

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, StepStarted):
            due = [act for step, act in self.waiting if step == event.step]
            self.waiting = [each for each in self.waiting if each[0] != event.step]
            for act in due:
                act()


def at_step(place: Desk, step: int, act: Callable[[], None]) -> None:
    """Do something once when a step begins the next time."""
    if not isinstance(place.person.events, _Watched):
        place.person.events = _Watched(place.person.events)
    place.person.events.waiting.append((step, act))


def come_back(place: Desk) -> None:
    """After a pulled cable: plug the board in again, and bring it into update mode."""
    place.board.mishap = Mishap.NONE
    place.bus.unplug(place.board)
    place.clock.pause(2.0)
    place.bus.plug(place.board, "1-1")
    place.clock.pause(5.0)
    place.hand_into_dfu()


def plans(place: Desk) -> list[RescuePlan]:
    """Every plan the person was shown."""
    return [
        event.question.plan
        for event in place.person.events
        if isinstance(event, Asked) and isinstance(event.question, Review)
    ]


def asked(place: Desk) -> list[str]:
    """Name of every question the person was asked."""
    return [event.question.name for event in place.person.events if isinstance(event, Asked)]
