"""Practice boards as the program makes them: with the makers' server block, where the rescue pack has it."""

from __future__ import annotations

from app.clock import Clock
from app.faults import Fault
from app.firmware.pack import RescuePack, pick
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import PRACTICE_BOARDS, make


def practice_board(name: str, clock: Clock, pack: RescuePack) -> VirtualBoard:
    """Build a practice board; it has no power until it is plugged in.

    Without the block its slot is blank, and its light says what a real board's would.

    Args:
        name: A key of `PRACTICE_BOARDS`.
        clock: The time it lives by.
        pack: Where the block is looked for.
    """
    try:
        block = pack.read(pick(PRACTICE_BOARDS[name].kind.key, "server-key").name)
    except Fault:
        block = b""
    return make(name, clock, server=block, built_in_server=block)
