"""What a part of the virtual board says to one control transfer."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """The outcome of a control transfer that was not stalled.

    Attributes:
        data: Data stage to the host.
        takes: Seconds until the transfer completes.
        busy: Seconds after it during which the board answers nothing.
        refused: The transfer ends with a stall once `takes` is over.
    """

    data: bytes = b""
    takes: float = 0.0
    busy: float = 0.0
    refused: bool = False
