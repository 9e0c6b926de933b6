"""The console of a board in listening mode (its light blinks blue): one character asks, text answers.

Source: device-protocol.md 5.1 to 5.3. A command that the firmware does not know is dropped by it without a word, so
silence is an answer here: the methods return None then.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, unique

from app.clock import Clock, Deadline
from app.faults import BoardSilent, WrongAnswer
from app.protocols.diagnostics import Diagnostics, parse_diagnostics
from app.protocols.modules import ModuleReport, parse_modules
from app.transports.base import Closes, SerialPipe

# One read; short, so that a wish to stop is felt.
SLICE_MS = 50
# Taking one character can be refused for a moment: firmware of 2013-14 looks every 250 ms only (5.1).
WRITE_TIMEOUT_MS = 2_000
# Silence after which an answer without a fixed end is complete (5.3).
QUIET_S = 0.25
# Every answer but `i` and `s` begins within a loop of old firmware (250 ms) and is a line or two, at 1 ms a character.
ANSWER_S = 1.5
# With its modem off an Electron takes 18 to 20 s to answer (5.3).
IDENTITY_S = 20.0
MODULES_S = 20.0
# Checking all modules takes a while before the first character comes.
MODULES_BEGIN_S = 5.0
# How long the echo of one typed character may take: a loop of old firmware, doubled.
ECHO_S = 0.5
# Takes one character of a line back; the echo is the same byte, and there is none when the line is empty (5.1).
DELETE = b"\x7f"

# More than any answer; the rest of what a chatty program prints is forgotten.
KEEP_BYTES = 32 * 1024
# More than any console says in answer to one character.
FLOOD_BYTES = 512 * 1024
DRAIN_READS = 64

# "Your core id is 53ff6f065067544840551187\r\n", "Your device id is ...", "Device ID: ..." (5.3)
_ID = re.compile(rb"(Your (?:core|device) id is|Device ID:)\s+([0-9A-Fa-f]{24})(?![0-9A-Fa-f])")
# "IMEI: 353162070000000\r\n", "ICCID: 8934076500002589174\r\n", "Serial Number: PH-123\r\n"
_DETAIL = re.compile(rb"(IMEI|ICCID|Serial Number|Cell Radio Version):[ \t]*([ -~]*?)[ \t]*\r?\n")
_ANY_DETAIL = re.compile(rb"(?:Device Secret|IMEI|ICCID|Serial Number|Cell Radio Version):[^\r\n]*\r?\n")
_LAST_OF_MODEM = re.compile(rb"ICCID:[^\r\n]*\r?\n")
# Dropped before anything else looks at the bytes, also when they come in pieces.
_SECRET = re.compile(rb"(Device Secret:)[^\r\n]+")
# "Your device MAC address is\r\n6c:0b:84:00:11:22\r\n"
_MAC = re.compile(rb"MAC address is\s+((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})(?![0-9A-Fa-f])")
# "system firmware version: 0.7.0\n\r\n"
_VERSION = re.compile(rb"system firmware version:[ \t]*([0-9A-Za-z.+_-]{1,40})[ \t]*\r?\n")
# A late answer to an earlier question shows that a console is there as well.
_EITHER = re.compile(_ID.pattern + b"|" + _VERSION.pattern)
# "Device claimed: yes\r\n"
_CLAIMED = re.compile(rb"Device claimed: (yes|no)\b")
# "Enter 63-digit claim code: ", then "Claim code set to: ...\r\n" or "Sorry, claim code is not 63 ... unchanged.\r\n"
_CLAIM_PROMPT = re.compile(rb"claim code: ")
_CLAIM_ANSWER = re.compile(rb"Claim code (set to|unchanged)")
# '{"p":6,"m":[...]}\r\n', '"p":0,"m":[...]\r\n' in 0.4.0, '}\r\n' when there is nothing to say
_MODULES = re.compile(rb'(\{?"[a-z]+":[^\r\n]*)\r?\n|^s?(\{?\})\r?\n', re.MULTILINE)
# '{"name":1,"other":2}\r\n', '{"err":-120}\r\n'
_OBJECT = re.compile(rb"(\{[^\r\n]*\})\r?\n")
_ANYTHING = re.compile(rb"[^\r\n]")
_MODULES_TRIES = 2


@unique
class Presence(Enum):
    """What is at the other end of the port."""

    LISTENS = "listens"
    SILENT = "silent"  # nothing, or nothing that can be made out
    ECHOES = "echoes"  # what is sent comes back alone: a half-typed line, or a program that echoes
    PROMPT = "prompt"  # a question that waits for a line, which only a restart ends without answering it


@dataclass(frozen=True, slots=True)
class ConsoleIdentity:
    """What a board says about itself. A device secret, where the board prints one, is never kept.

    Attributes:
        device_id: 24 lower-case hex digits.
        serial_number: The factory's number, "" when the board does not tell one.
        imei: The modem's number, "" without a modem.
        iccid: The SIM card's number, "" without a modem or a card.
        radio_version: The modem's firmware, "" when not told.
    """

    device_id: str
    serial_number: str = ""
    imei: str = ""
    iccid: str = ""
    radio_version: str = ""


class ListeningConsole(Closes):
    """A serial port on which a listening console may answer. Closing the console closes the port.

    Every method raises `BoardGone`, `BoardSilent` (the board takes no character) and the other faults of the transport
    as they come.
    """

    def __init__(self, pipe: SerialPipe, clock: Clock, check: Callable[[], None] = lambda: None) -> None:
        self._pipe = pipe
        self._clock = clock
        self._check = check
        self._buffer = bytearray()

    def close(self) -> None:
        """Close the port; never raises, may be called twice."""
        self._pipe.close()

    # --- questions ------------------------------------------------------------------------------------------------

    def is_listening(self, within: float = ANSWER_S) -> bool:
        """Whether a listening console answers within so many seconds.

        `v` is asked first: an Electron with its modem off is busy with `i` for up to 20 s, and with every further `i`
        again. Firmware before 0.4.4 has no `v`; it is asked for its ID in the second half of the time.
        """
        return self.presence(within) is Presence.LISTENS

    def presence(self, within: float = ANSWER_S) -> Presence:
        """Find out what is at the other end, as `is_listening` asks it.

        A board that was left amid a dialogue sits in its line reader until it is reset (5.1): there the `v` comes back
        as an echo and nothing else. It is taken back at once, and `i` is not asked, or what is typed again and again
        would fill the line, end it, and be stored as a name or a password. No line end is sent.
        """
        deadline = Deadline(self._clock, within)
        if self._ask("v", _EITHER, within / 2):
            return Presence.LISTENS
        if self._buffer == b"v":
            return self._take_back()
        self._send(b"i")
        return Presence.LISTENS if self.expect(_EITHER, deadline.left) is not None else Presence.SILENT

    def _take_back(self) -> Presence:
        """Delete the character that was echoed; only a prompt's reader does not echo the delete after that one.

        Firmware of 2013 takes a delete for one more character; two of them end no line that was empty before.
        """
        for answer in (Presence.ECHOES, Presence.PROMPT):
            self._drain()
            self._send(DELETE)
            if self.expect(re.compile(DELETE), ECHO_S) is None:
                return answer
        return Presence.ECHOES

    def identity(self, within: float = IDENTITY_S) -> ConsoleIdentity | None:
        """Ask for the device ID and what comes with it; None when nothing answers."""
        deadline = Deadline(self._clock, within)
        found = self._ask("i", _ID, within)
        if found is None:
            return None
        rest = b""
        if found[1] == b"Device ID:":
            # This form always has more lines (5.3), and a modem may take its time between them.
            rest = self._lines_after_id(deadline)
        details = {match[1]: match[2].decode("ascii") for match in _DETAIL.finditer(rest)}
        return ConsoleIdentity(
            device_id=found[2].decode("ascii").lower(),
            serial_number=details.get(b"Serial Number", ""),
            imei=details.get(b"IMEI", ""),
            iccid=details.get(b"ICCID", ""),
            radio_version=details.get(b"Cell Radio Version", ""),
        )

    def mac(self) -> str | None:
        """Ask for the MAC address, `aa:bb:cc:dd:ee:ff` in lower case; None before 0.4.0."""
        found = self._ask("m", _MAC, ANSWER_S)
        return found[1].decode("ascii").lower() if found else None

    def version(self) -> str | None:
        """Ask for the system firmware version, for example `0.7.0`; None before 0.4.4."""
        found = self._ask("v", _VERSION, ANSWER_S)
        return found[1].decode("ascii") if found else None

    def claimed(self) -> bool | None:
        """Ask whether an account owns the board; None before 0.6.0. A Core always says no (5.3)."""
        found = self._ask("c", _CLAIMED, ANSWER_S)
        return found[1] == b"yes" if found else None

    def set_claim_code(self, code: str) -> bool | None:
        """Have the board keep a claim code; None before 0.6.0. A Core says yes and keeps nothing (5.3): never ask it.

        Args:
            code: 63 printable ASCII characters. A secret: the board's answer repeats it, and nothing of that is kept.

        Returns:
            Whether it says it did.

        Raises:
            BoardSilent: It asked for the code and said nothing about it.
        """
        self._command("C")
        if self.expect(_CLAIM_PROMPT, ANSWER_S) is None:
            return None
        self.answer_prompt(code)
        # The line comes back a character a millisecond, then the answer (5.1).
        said = self.expect(_CLAIM_ANSWER, ANSWER_S)
        self._drain()
        if said is None:
            raise BoardSilent("nothing said about the claim code")
        return said[1] == b"set to"

    def modules(self) -> ModuleReport | None:
        """Ask for the list of firmware modules; None before 0.4.0.

        Raises:
            WrongAnswer: Twice something came that is no module list.
        """
        for tries_left in reversed(range(_MODULES_TRIES)):
            deadline = Deadline(self._clock, MODULES_S)
            self._command("s")
            if not self._await(_ANYTHING, min(MODULES_BEGIN_S, deadline.left)):
                return None
            found = self.expect(_MODULES, deadline.left)
            if found is None:
                return None
            try:
                return parse_modules((found[1] or found[2]).decode("ascii", "replace"))
            except WrongAnswer:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def diagnostics(self) -> Diagnostics | None:
        """Ask for the board's diagnostics; None before 0.8.0.

        Raises:
            WrongAnswer: What comes is no JSON object.
        """
        found = self._ask("d", _OBJECT, ANSWER_S)
        return parse_diagnostics(found[1].decode("utf-8", "replace")) if found else None

    def answer_prompt(self, line: str) -> None:
        """Type a line into a prompt: character by character, each after the echo of the one before, then one LF.

        Old firmware takes a character every 250 ms, a prompt throws away what came too early, and a second line end
        would answer the next prompt (5.1). An echo that does not come is waited for, and then done without.

        Raises:
            ValueError: The line has a line end or a non-ASCII character in it.
        """
        if not line.isascii() or not line.isprintable():
            raise ValueError("a line for a prompt is printable ASCII")
        self._drain()
        for character in line:
            self._send(character.encode("ascii"))
            self.expect(re.compile(re.escape(character.encode("ascii"))), ECHO_S)
        self._send(b"\n")

    # --- bytes ----------------------------------------------------------------------------------------------------

    def expect(self, pattern: re.Pattern[bytes], within: float) -> re.Match[bytes] | None:
        """Wait until the pattern occurs in what the board says, however it is cut into packets.

        Everything up to the end of the match is used up. None when it did not come within so many seconds, or when the
        board says far too much to be a console.
        """
        found = self._await(pattern, within)
        if found:
            del self._buffer[: found.end()]
        return found

    def _ask(self, command: str, pattern: re.Pattern[bytes], within: float) -> re.Match[bytes] | None:
        self._command(command)
        return self.expect(pattern, within)

    def _command(self, command: str) -> None:
        """Send a one-character command; what was said before is no answer to it."""
        self._drain()
        self._send(command.encode("ascii"))

    def _send(self, data: bytes) -> None:
        self._check()
        self._pipe.write(data, WRITE_TIMEOUT_MS)

    def _drain(self) -> None:
        """Forget what has come until now: boot noise, late answers."""
        for _ in range(DRAIN_READS):
            if not self._receive(0.001):
                break
        self._buffer.clear()

    def _await(self, pattern: re.Pattern[bytes], within: float) -> re.Match[bytes] | None:
        deadline = Deadline(self._clock, within)
        received = 0
        # The match is made on a copy: a match on the buffer itself would forbid to change it.
        while not (found := pattern.search(bytes(self._buffer))):
            if deadline.passed() or received > FLOOD_BYTES:
                return None
            received += self._receive(deadline.left)
        return found

    def _lines_after_id(self, deadline: Deadline) -> bytes:
        """Collect the lines that follow "Device ID:" until they are complete, or the time is over."""
        if self._await(_ANY_DETAIL, deadline.left) and b"IMEI:" in self._buffer:
            self._await(_LAST_OF_MODEM, deadline.left)
        received = 0
        quiet = Deadline(self._clock, QUIET_S)
        while not quiet.passed() and not deadline.passed() and received < FLOOD_BYTES:
            if count := self._receive(quiet.left):
                received += count
                quiet = Deadline(self._clock, QUIET_S)
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _receive(self, within: float) -> int:
        """Read once, for at most `within` seconds and never longer than a slice; return the number of bytes."""
        self._check()
        timeout_ms = min(SLICE_MS, max(1, int(within * 1000)))
        began = self._clock.now()
        arrived = self._pipe.read(timeout_ms)
        if not arrived:
            # A pipe that returns early (a replayed trace) must not turn waiting into spinning.
            self._clock.pause(timeout_ms / 1000 - (self._clock.now() - began))
            return 0
        self._buffer += arrived
        if b"Device Secret:" in self._buffer:
            self._buffer[:] = _SECRET.sub(rb"\1", self._buffer)
        del self._buffer[:-KEEP_BYTES]
        return len(arrived)
