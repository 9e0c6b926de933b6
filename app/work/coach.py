"""What the coach says while a person presses buttons: USB's view of it, turned into hints. Pure: no clock, no bus."""

from __future__ import annotations

from app.platforms.model import Mode
from app.text import Text, text
from app.work.board import Board
from app.work.questions import DoThis

QUIET_SECONDS = 10.0
"""How long nothing may happen before the coach says something about it."""

RESTARTED_HOLD_ON = text("Coach", "The board has restarted. Keep holding {button} until the light blinks yellow.")
RESTARTED_NOW_HOLD = text(
    "Coach", "The board has restarted. Wait until it is back, then hold {button} until the light blinks blue."
)
LET_GO_TOO_EARLY = text(
    "Coach",
    "It restarted, but not into update mode: {button} was let go too early. Tap RESET again and hold {button} "
    "until the light blinks yellow.",
)
UPDATE_MODE_INSTEAD = text(
    "Coach", "It came back in update mode: {button} was held too early. Tap RESET alone, wait, then hold {button}."
)
RESTARTED_HOLD_TO_END = text("Coach", "The board has restarted. Keep holding {button} until the light shows it.")
UPDATE_MODE_TOO_EARLY = text(
    "Coach", "It is in update mode: {button} was let go too early. Tap RESET again and hold {button} longer."
)
BACK_NOT_LISTENING = text(
    "Coach", "The board is back. Now hold {button} for three seconds until the light blinks blue."
)
NOTHING_YET = text(
    "Coach", "Nothing has changed on USB yet. Tap RESET firmly once; the light must go out for a moment."
)
NOT_LISTENING_YET = text(
    "Coach",
    "The board does not answer yet. Hold {button} for three seconds without pause until the light blinks blue; "
    "if that does not help, tap RESET first.",
)
STAYS_AWAY = text(
    "Coach",
    "The board has not come back on USB. If its light does not blink yellow, {button} was let go too early: "
    "tap RESET again and hold {button}. If the light is dark, check the cable.",
)
STAYS_AWAY_LISTENING = text(
    "Coach",
    "The board is not on USB now. That can be normal: hold {button} for three seconds until the light blinks blue. "
    "If the light is dark, check the cable.",
)
STAYS_AWAY_STARTING = text(
    "Coach", "The board has not come back on USB. If its light moves, wait; if it is dark, check the cable."
)


class Coach:
    """Follows one `DoThis`: is told what is on the port, and answers with a hint when there is something to say."""

    def __init__(self, do: DoThis, start: Board, now: float) -> None:
        self._until = do.until
        self._button = start.platform.mode_button
        self._address: int | None = start.sighting.address
        self._mode: Mode | None = _usb_mode(start.mode)
        self._quiet_since = now
        self._quiet_told = False

    def look(self, now: float, board: Board | None) -> Text | None:
        """Take note of what is on the port (None for nothing) and return a hint, or None.

        Args:
            now: The clock's seconds.
            board: The board on the port, never yet in the mode that is waited for.
        """
        address = None if board is None else board.sighting.address
        mode = None if board is None else _usb_mode(board.mode)
        if (address, mode) != (self._address, self._mode):
            self._address, self._mode = address, mode
            self._quiet_since, self._quiet_told = now, False
            return self._said(self._changed(mode))
        if not self._quiet_told and now - self._quiet_since >= QUIET_SECONDS:
            self._quiet_told = True
            return self._said(self._quiet(mode))
        return None

    def _changed(self, mode: Mode | None) -> Text:
        match mode, self._until:
            case None, Mode.DFU:
                return RESTARTED_HOLD_ON
            case None, Mode.NORMAL:
                return RESTARTED_HOLD_TO_END
            case None, _:
                return RESTARTED_NOW_HOLD
            case Mode.DFU, Mode.NORMAL:
                return UPDATE_MODE_TOO_EARLY
            case Mode.DFU, _:
                return UPDATE_MODE_INSTEAD
            case _, Mode.DFU:
                return LET_GO_TOO_EARLY
            case _:
                return BACK_NOT_LISTENING

    def _quiet(self, mode: Mode | None) -> Text:
        match mode, self._until:
            case None, Mode.DFU:
                return STAYS_AWAY
            case None, Mode.NORMAL:
                return STAYS_AWAY_STARTING
            case None, _:
                return STAYS_AWAY_LISTENING
            case Mode.NORMAL, Mode.LISTENING:
                return NOT_LISTENING_YET
            case _:
                return NOTHING_YET

    def _said(self, words: Text) -> Text:
        return words.with_values(button=self._button)


def _usb_mode(mode: Mode) -> Mode:
    """Return what USB alone can tell: a listening board looks like a running one."""
    return Mode.DFU if mode is Mode.DFU else Mode.NORMAL
