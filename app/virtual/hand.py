"""A hand that presses the buttons as a person would, on the board's own clock."""

from __future__ import annotations

from app.virtual.board import VirtualBoard

TAP = 0.2  # seconds a finger needs


class PracticeHand:
    """Presses the buttons of one board; each method takes the (clock) time a person would need."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board

    def hold_mode_through_reset(self, seconds: float) -> None:
        """Hold MODE, tap RESET, let go of MODE that many seconds after RESET."""
        board = self._board
        board.press("mode")
        board.clock.pause(TAP)
        board.press("reset")
        board.clock.pause(TAP)
        board.release("reset")
        board.clock.pause(seconds)
        board.release("mode")

    def hold_mode(self, seconds: float) -> None:
        """Hold MODE that long and let go."""
        self._board.press("mode")
        self._board.clock.pause(seconds)
        self._board.release("mode")

    def enter_dfu(self) -> None:
        """Bring the board into DFU mode: yellow from the third second on (device-protocol.md 8.1)."""
        self.hold_mode_through_reset(4.0)

    def enter_listening(self) -> None:
        """Bring the running firmware into listening mode: blue after three seconds."""
        self.hold_mode(3.5)

    def reset(self) -> None:
        """Tap RESET."""
        self._board.press("reset")
        self._board.clock.pause(TAP)
        self._board.release("reset")
