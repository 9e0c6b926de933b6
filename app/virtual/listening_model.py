"""The listening-mode console of the firmware (device-protocol.md 5.1 to 5.3).

`w` (Wi-Fi), `f` (firmware over YMODEM) and `d` (diagnostics) are not modelled: they are dropped like any unknown
character.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.virtual.personality import Family, Personality

CLAIM_CODE_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Nameplate:
    """What a board can say about itself.

    Attributes:
        device_id: 24 lower-case hex digits.
        mac: Six bytes.
        secret: Device secret of 15 characters, "" where there is none.
        serial_number: From the one-time memory, "" where there is none.
        imei: Electron: 15 digits.
        iccid: Electron: the SIM card's number.
        radio: Electron: version of the modem's firmware.
    """

    device_id: str
    mac: bytes
    secret: str = field(default="", repr=False)
    serial_number: str = ""
    imei: str = ""
    iccid: str = ""
    radio: str = ""


class Owner(Protocol):
    """What the console needs from its board; called with the board's lock held."""

    def leave_listening(self) -> None:
        """Go back to the network."""

    def restart_listening(self) -> None:
        """Restart into safe mode and listening (`L`)."""

    def claimed(self) -> bool:
        """Whether the board says it is claimed."""

    def set_claim_code(self, code: bytes) -> None:
        """Keep a claim code, where the board keeps any."""

    def modules(self) -> list[dict[str, object]]:
        """Return the module list for `s`."""


class Console:
    """Reads characters, prints answers, each at its own time.

    Args:
        board: Which board and firmware.
        plate: What to answer.
        owner: The board.
        began: Clock time at which listening began.
        modem: Seconds an Electron's modem needs for its answer.
    """

    def __init__(self, board: Personality, plate: Nameplate, owner: Owner, began: float, modem: float) -> None:
        self._board = board
        self._plate = plate
        self._owner = owner
        self._began = began
        self._modem = modem
        self._input: deque[tuple[float, int]] = deque()
        self._output: deque[tuple[float, int]] = deque()
        self._free = began
        self._line: bytearray | None = None
        self._longest = 0
        self._finish: Callable[[bytes], None] | None = None
        self._closed = False

    def receive(self, data: bytes, now: float) -> None:
        """Take characters from the host."""
        self._input.extend((now, value) for value in data)

    def run(self, now: float) -> None:
        """Do everything that happens up to `now`."""
        while self._input and not self._closed:
            arrival, value = self._input[0]
            moment = max(arrival, self._free)
            loop = self._board.firmware.command_loop
            if loop and self._line is None:
                moment = self._began + math.ceil((moment - self._began) / loop) * loop
            if moment > now:
                return
            self._input.popleft()
            self._free = moment
            if self._line is None:
                self._command(chr(value))
                self._free += loop
            else:
                self._character(value)

    def take(self, length: int, now: float) -> bytes:
        """Return printed characters that have left the device by `now`, at most `length`."""
        self.run(now)
        taken = bytearray()
        while self._output and self._output[0][0] <= now and len(taken) < length:
            taken.append(self._output.popleft()[1])
        return bytes(taken)

    def close(self) -> None:
        """Stop reading; what was printed can still be fetched."""
        self._closed = True

    def _print(self, text: str) -> None:
        """Print with the pause after each character that firmware up to 0.6 makes."""
        pause = self._board.firmware.character_pause
        for value in text.encode("latin-1"):
            self._output.append((self._free, value))
            self._free += pause

    def _print_at_once(self, text: str) -> None:
        self._output.extend((self._free, value) for value in text.encode("latin-1"))

    # --- one character ----------------------------------------------------------------------------------------------

    def _command(self, key: str) -> None:
        if key not in self._board.firmware.commands:
            return
        match key:
            case "i":
                self._identify()
            case "m":
                self._print_mac()
            case "v":
                self._print(f"system firmware version: {self._board.firmware.version}\n")
                self._print("\r\n")
            case "s":
                self._print_at_once(self._modules() + "\r\n")
            case "x":
                self._owner.leave_listening()
            case "L":
                self._owner.restart_listening()
            case "c":
                self._print(f"Device claimed: {'yes' if self._owner.claimed() else 'no'}\r\n")
            case "C":
                self._ask(f"Enter {CLAIM_CODE_LENGTH}-digit claim code: ", CLAIM_CODE_LENGTH, self._claim)

    def _ask(self, prompt: str, longest: int, finish: Callable[[bytes], None]) -> None:
        self._print(prompt)
        self._line, self._longest, self._finish = bytearray(), longest, finish

    def _character(self, value: int) -> None:
        line = self._line
        assert line is not None
        if value in b"\r\n" or len(line) >= self._longest:
            self._end_of_line(bytes(line))
        elif value in (0x08, 0x7F):
            if line:
                line.pop()
                self._print_byte(value)
        else:
            line.append(value)
            self._print_byte(value)

    def _print_byte(self, value: int) -> None:
        self._output.append((self._free, value))
        self._free += self._board.firmware.character_pause

    def _end_of_line(self, line: bytes) -> None:
        finish = self._finish
        self._line = self._finish = None
        self._print("\r\n")
        while self._input and self._input[0][0] <= self._free:  # everything pending is thrown away (5.1)
            self._input.popleft()
        if finish is not None:
            finish(line)

    # --- answers ----------------------------------------------------------------------------------------------------

    def _identify(self) -> None:
        plate, firmware = self._plate, self._board.firmware
        if self._board.kind.family is Family.F1:
            self._print(f"Your core id is {plate.device_id}\r\n")
            return
        extra: list[tuple[str, str]] = []
        if firmware.at_least(1, 2, 0):
            extra = [("Device Secret", plate.secret), ("Serial Number", plate.serial_number)]
        if self._board.kind.key == "electron" and firmware.at_least(0, 4, 6):
            self._free += self._modem
            extra += [("IMEI", plate.imei), ("ICCID", plate.iccid)]
            if firmware.at_least(2, 3, 0):
                extra.append(("Cell Radio Version", plate.radio))
        if any(value for _, value in extra):
            self._print(f"Device ID: {plate.device_id}\r\n")
            for name, value in extra:
                if value:
                    self._print(f"{name}: {value}\r\n")
        else:
            self._print(f"Your device id is {plate.device_id}\r\n")

    def _print_mac(self) -> None:
        word = "device" if self._board.firmware.at_least(0, 4, 4) else "core"
        self._print(f"Your {word} MAC address is\r\n")
        self._print(self._plate.mac.hex(":") + "\r\n")

    def _modules(self) -> str:
        document = module_document(self._board, self._plate, self._owner.modules())
        return document if self._board.firmware.at_least(0, 4, 4) else document[1:-1]

    def _claim(self, line: bytes) -> None:
        code = line.decode("latin-1")
        if len(line) == CLAIM_CODE_LENGTH:
            self._owner.set_claim_code(line)
            self._print(f"Claim code set to: {code}\r\n")
        else:
            self._print(f"Sorry, claim code is not {CLAIM_CODE_LENGTH} characters long. Claim code unchanged.\r\n")


def module_document(board: Personality, plate: Nameplate, modules: list[dict[str, object]]) -> str:
    """Return the JSON document of `s` and of control request 90."""
    document: dict[str, object] = {"p": board.kind.number}
    if plate.imei:
        document |= {"imei": plate.imei, "iccid": plate.iccid}
    document["m"] = modules
    return json.dumps(document, separators=(",", ":"))
