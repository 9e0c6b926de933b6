"""The board's side of a Wi-Fi dialogue: every line it took, what stands half typed, and what is done to it right then.

Works on any virtual board of this process, whatever its cable: the bus of a test, or the lab's real kernel.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from app.virtual.board import Phase, VirtualBoard
from app.virtual.face import Gone
from app.virtual.line_reader import LineReader
from app.virtual.wifi_requests import WifiAsk, WifiRequests

TAP_S = 0.2
QUIET_BYTES = 12
SAVING, REQUEST, STORED = "saving", "request", "stored"
_QUESTIONS = {  # how device-protocol.md 5.4 and 5.5 begin them
    "SSID": "name",
    "Security 0": "security",
    "Security C": "cipher",
    "Password": "password",
    "EAP": "eap",
    "Client": "certificate",
    "Private": "private-key",
    "Username": "username",
    "Outer": "outer",
    "Root": "root",
}
Act = Callable[[], None]


class BoardSide:
    """What one board does in its dialogue.

    Attributes:
        taken: Each question with the whole line the board took for an answer, in this order.
        question: What it asks now: `name`, `security`, `cipher`, `password`, `eap`, `certificate`, `private-key`,
            `username`, `outer`, `root`; or `saving`, or `request` while it works on a control request.
        gap: Seconds between two bytes it says, each in a packet of its own; 0 for as they come.
        quiet: The same for the first bytes of each question, which then look like words cut short; `gap` must be set.
        keep: Called with each byte it says: whether it reaches us. Another program reads what does not.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.question = ""
        self.gap = self.quiet = 0.0
        self.keep: Callable[[int], bool] | None = None
        self._reader: LineReader | None = None
        self._plan: tuple[str, int, Act] | None = None
        self._off = False
        self._next = 0.0
        self._slow = 0

    @property
    def left(self) -> bytes:
        """What was typed into a line whose end has not come."""
        line = self._reader._line if self._reader is not None else None
        return bytes(line or b"")

    @property
    def lines(self) -> list[bytes]:
        """Every line the board took."""
        return [line for _, line in self.taken]

    def at(self, question: str, count: int, act: Act) -> None:
        """Do something once, when so many characters of the answer to that question have come.

        It is done in a board's thread, with the board's lock held: it may change the board by `after` and by `mute`.
        """
        self._plan = (question, count, act)

    def mute(self) -> None:
        """Let the board read and say nothing more, as a board that hangs, or in the moment before it is off."""
        self._off = True
        if self._reader is not None:
            self._reader.close()
            self._reader._output.clear()

    def reset(self, board: VirtualBoard) -> None:
        """Tap RESET at once."""

        def pressed() -> None:
            board.stop(Phase.RESET)
            board.pressed.add("reset")
            board.after(TAP_S, lambda: board.release("reset"))

        self.mute()
        board.after(0.0, pressed)

    def unplug(self, board: VirtualBoard) -> None:
        """Take the power away at once."""
        self.mute()
        board.after(0.0, board.lose)

    # --- what the board does ----------------------------------------------------------------------------------------

    def _asks(self, reader: LineReader, question: str) -> None:
        self._reader, self.question, self._off = reader, question, False
        self._slow = QUIET_BYTES
        self._reaches(0)

    def _reaches(self, count: int) -> None:
        if self._plan is not None and self._plan[:2] == (self.question, count):
            act, self._plan = self._plan[2], None
            act()

    def _says(self, found: bytes) -> bytes:
        keep = self.keep
        return found if keep is None else bytes(byte for byte in found if keep(byte))


def every(number: int) -> Callable[[int], bool]:
    """Whether a byte reaches us while another program reads every so many-th."""
    count = itertools.count(1)
    return lambda _byte: next(count) % number != 0


@contextmanager
def board_side() -> Iterator[BoardSide]:
    """Watch the Wi-Fi dialogue of the virtual board that holds one."""
    side = BoardSide()
    ask, character, prints, take = LineReader.ask, LineReader._character, LineReader.print, LineReader.take
    answer = WifiRequests.answer

    def watched_ask(reader: LineReader, prompt: str, longest: int, finish: Callable[[bytes], None]) -> None:
        question = next((key for start, key in _QUESTIONS.items() if prompt.startswith(start)), "other")

        def finished(line: bytes) -> None:
            side.taken.append((question, line))
            finish(line)

        ask(reader, prompt, longest, finished)
        side._asks(reader, question)

    def watched_character(reader: LineReader, line: bytearray, value: int) -> None:
        before = len(line)
        character(reader, line, value)
        if len(line) == before + 1 and reader._line is line:
            side._reaches(len(line))

    def watched_print(reader: LineReader, text: str) -> None:
        prints(reader, text)
        if text.startswith("Thanks!"):
            side._asks(reader, SAVING)

    def watched_take(reader: LineReader, length: int, now: float) -> bytes:
        if reader is not side._reader:
            return take(reader, length, now)
        if not side.gap:
            return side._says(take(reader, length, now))
        reader.run(now)
        if now < side._next:
            return b""
        found = take(reader, 1, now)
        if found:
            side._slow -= 1
            side._next = now + (side.quiet if side._slow > 0 and side.quiet else side.gap)
        return side._says(found)

    def watched_answer(requests: WifiRequests, kind: int, payload: bytes) -> tuple[int, bytes]:
        if kind != WifiAsk.SET_CREDENTIALS:
            return answer(requests, kind, payload)
        side.question, side._off = REQUEST, False
        side._reaches(0)
        if side._off:
            raise Gone
        found = answer(requests, kind, payload)
        side.question = STORED
        side._reaches(0)
        return found

    with (
        mock.patch.object(LineReader, "ask", watched_ask),
        mock.patch.object(LineReader, "_character", watched_character),
        mock.patch.object(LineReader, "print", watched_print),
        mock.patch.object(LineReader, "take", watched_take),
        mock.patch.object(WifiRequests, "answer", watched_answer),
    ):
        yield side
