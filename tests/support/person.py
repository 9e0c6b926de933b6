"""A person at the desk: does with a practice hand what the coach asks for, and answers questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.platforms.model import Mode
from app.virtual.board import VirtualBoard
from app.virtual.hand import PracticeHand
from app.work.events import Asked, Event
from app.work.questions import DoThis

BOOT_S = 3.0


class Person:
    """Is told every event; remembers them, presses the buttons, gives the answers."""

    def __init__(
        self, board: VirtualBoard, answers: Mapping[str, object] | None = None, *, willing: bool = True
    ) -> None:
        self.events: list[Event] = []
        self.hand = PracticeHand(board)
        self.board = board
        self.answers = dict(answers or {})
        self.willing = willing
        self.do: Callable[[DoThis], None] = self.press

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Asked) and self.willing:
            if isinstance(event.question, DoThis):
                self.do(event.question)
            elif event.question.name == "online-light" and self.board.listening_now:
                self.hand.reset()  # it says so: firmware of 2013-14 leaves listening mode no other way
            elif event.question.name in self.answers:
                event.reply(self.answers[event.question.name])

    def press(self, question: DoThis) -> None:
        """Press what the coach asks for."""
        held = question.choreography
        if question.until is Mode.NORMAL and held is not None and held.after_reset:
            self.hand.hold_mode_through_reset(held.hold_ms / 1000 + 0.5)
            return
        if question.until is Mode.DFU:
            self.hand.enter_dfu()
            return
        told = question.title.english().startswith("Tap RESET")
        if told or self.board.light_pattern == "" or "yellow" in self.board.light_pattern:
            self.hand.reset()
        self.board.clock.pause(BOOT_S)
        self.hand.enter_listening()
