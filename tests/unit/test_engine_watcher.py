"""The watcher: news only when something is new, trouble told once, and one thread that ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from support.clock import FastClock

from app.engine.watcher import Watcher, changes
from app.faults import UsbLibraryMissing
from app.transports.base import Sighting
from app.work.events import BoardsChanged, BusTrouble, Event
from app.work.identity import IdentityBook

PHOTON = Sighting("1-1", 5, 0x2B04, 0xD006, "2a0047001247353236343033", "Photon DFU Mode", 0x0250, None)
CORE = Sighting("1-2", 6, 0x1D50, 0x607F, "8D7028785355", "CORE DFU ", 0x0200, None)


class ScriptedBus:
    """A bus whose list is what the test says; waiting is a real event."""

    def __init__(self) -> None:
        self.here: Sequence[Sighting] = ()
        self.error: Exception | None = None
        self.changed = threading.Event()

    def sightings(self) -> Sequence[Sighting]:
        if self.error is not None:
            raise self.error
        return self.here

    def wait_for_change(self, seconds: float) -> bool:
        changed = self.changed.wait(seconds)
        self.changed.clear()
        return changed

    def wake(self) -> None:
        self.changed.set()

    def open_usb(self, sighting: Sighting) -> object:
        raise AssertionError("the watcher opens nothing")

    open_serial = open_usb

    def close(self) -> None:
        pass


def watcher(bus: ScriptedBus, events: list[Event]) -> Watcher:
    return Watcher(bus, IdentityBook(FastClock()), events.append)  # type: ignore[arg-type]  # opens nothing


def test_the_first_list_is_news_even_when_it_is_empty() -> None:
    events: list[Event] = []
    watcher(ScriptedBus(), events).look()
    assert events == [BoardsChanged(())]


def test_the_same_list_is_no_news() -> None:
    events: list[Event] = []
    bus = ScriptedBus()
    bus.here = [PHOTON]
    watching = watcher(bus, events)
    watching.look()
    watching.look()
    assert len(events) == 1
    assert [board.platform.key for board in watching.boards] == ["photon"]


@pytest.mark.parametrize(
    "after", [[], [PHOTON, CORE], [CORE], [replace(PHOTON, address=9)], [replace(PHOTON, denied=True)]]
)
def test_everything_that_differs_is_news(after: Sequence[Sighting]) -> None:
    events: list[Event] = []
    bus = ScriptedBus()
    bus.here = [PHOTON]
    watching = watcher(bus, events)
    watching.look()
    bus.here = after
    watching.look()
    assert len(events) == 2


def test_ports_that_may_not_be_opened_are_named() -> None:
    book = IdentityBook(FastClock())
    news = changes(None, book.look([replace(PHOTON, denied=True), CORE]))
    assert news is not None
    assert news.denied == ("1-1",)


def test_trouble_with_the_bus_is_told_once_and_ends_with_the_next_list() -> None:
    events: list[Event] = []
    bus = ScriptedBus()
    bus.error = UsbLibraryMissing("libusb")
    watching = watcher(bus, events)
    watching.look()
    watching.look()
    bus.error = None
    watching.look()
    assert [type(event) for event in events] == [BusTrouble, BoardsChanged]
    assert isinstance(events[0], BusTrouble)
    assert events[0].code == "usb.library-missing"


def test_a_mistake_while_listing_does_not_end_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    bus = ScriptedBus()
    bus.error = ZeroDivisionError()
    watching = watcher(bus, events)
    with caplog.at_level(logging.ERROR):
        watching.look()
    bus.error = None
    watching.look()
    assert [type(event) for event in events] == [BusTrouble, BoardsChanged]


def test_the_thread_sees_a_change_at_once_and_ends_when_asked() -> None:
    seen = threading.Event()
    bus = ScriptedBus()

    def receiver(event: Event) -> None:
        if isinstance(event, BoardsChanged) and event.boards:
            seen.set()

    watching = Watcher(bus, IdentityBook(FastClock()), receiver)  # type: ignore[arg-type]
    watching.start()
    bus.here = [PHOTON]
    bus.wake()
    assert seen.wait(10)
    watching.stop()
    assert watching.join(10)
