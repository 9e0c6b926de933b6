"""The listening-mode console of the firmware (device-protocol.md 5.1 to 5.3); its Wi-Fi dialogue is in `wifi_dialogue`.

`f` (firmware over YMODEM) and `d` (diagnostics) are not modelled: they are dropped like any unknown character.
"""

from __future__ import annotations

import json
from typing import Protocol

from app.virtual.line_reader import LineReader
from app.virtual.nameplate import Nameplate
from app.virtual.personality import Family, Personality
from app.virtual.timing import Timing
from app.virtual.wifi_dialogue import WifiDialogue
from app.virtual.wifi_radio import WifiRadio

CLAIM_CODE_LENGTH = 63


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
    """Answers the commands of one character.

    Args:
        board: Which board and firmware.
        plate: What to answer.
        owner: The board.
        radio: Its Wi-Fi.
        began: Clock time at which listening began.
        timing: How long things take.
    """

    def __init__(
        self, board: Personality, plate: Nameplate, owner: Owner, radio: WifiRadio, began: float, timing: Timing
    ) -> None:
        self._board = board
        self._plate = plate
        self._owner = owner
        self._radio = radio
        self._timing = timing
        self._typed = LineReader(board.firmware, began, self._command)

    @property
    def due(self) -> float | None:
        """Clock time at which it does something next; None while it waits for the host."""
        return self._typed.due

    def receive(self, data: bytes, now: float) -> None:
        """Take characters from the host."""
        self._typed.receive(data, now)

    def run(self, now: float) -> None:
        """Do everything that happens up to `now`."""
        self._typed.run(now)

    def take(self, length: int, now: float) -> bytes:
        """Return printed characters that have left the device by `now`, at most `length`."""
        return self._typed.take(length, now)

    def close(self) -> None:
        """Stop reading; what was printed can still be fetched."""
        self._typed.close()

    def _command(self, key: str) -> None:
        if key not in self._board.firmware.commands:
            return
        match key:
            case "w":
                if self._board.kind.wifi:
                    WifiDialogue(
                        self._typed, self._board, self._radio, self._timing, self._owner.leave_listening
                    ).start()
            case "i":
                self._identify()
            case "m":
                self._print_mac()
            case "v":
                self._typed.print(f"system firmware version: {self._board.firmware.version}\n")
                self._typed.print("\r\n")
            case "s":
                self._typed.print_at_once(self._modules() + "\r\n")
            case "x":
                self._owner.leave_listening()
            case "L":
                self._owner.restart_listening()
            case "c":
                self._typed.print(f"Device claimed: {'yes' if self._owner.claimed() else 'no'}\r\n")
            case "C":
                self._typed.ask(f"Enter {CLAIM_CODE_LENGTH}-digit claim code: ", CLAIM_CODE_LENGTH, self._claim)

    # --- answers ----------------------------------------------------------------------------------------------------

    def _identify(self) -> None:
        plate, firmware = self._plate, self._board.firmware
        if self._board.kind.family is Family.F1:
            self._typed.print(f"Your core id is {plate.device_id}\r\n")
            return
        extra: list[tuple[str, str]] = []
        if firmware.at_least(1, 2, 0):
            extra = [("Device Secret", plate.secret), ("Serial Number", plate.serial_number)]
        if self._board.kind.key == "electron" and firmware.at_least(0, 4, 6):
            self._typed.hold(self._timing.modem)
            extra += [("IMEI", plate.imei), ("ICCID", plate.iccid)]
            if firmware.at_least(2, 3, 0):
                extra.append(("Cell Radio Version", plate.radio))
        if any(value for _, value in extra):
            self._typed.print(f"Device ID: {plate.device_id}\r\n")
            for name, value in extra:
                if value:
                    self._typed.print(f"{name}: {value}\r\n")
        else:
            self._typed.print(f"Your device id is {plate.device_id}\r\n")

    def _print_mac(self) -> None:
        word = "device" if self._board.firmware.at_least(0, 4, 4) else "core"
        self._typed.print(f"Your {word} MAC address is\r\n")
        self._typed.print(self._plate.mac.hex(":") + "\r\n")

    def _modules(self) -> str:
        document = module_document(self._board, self._plate, self._owner.modules())
        return document if self._board.firmware.at_least(0, 4, 4) else document[1:-1]

    def _claim(self, line: bytes) -> None:
        code = line.decode("latin-1")
        if len(line) == CLAIM_CODE_LENGTH:
            self._owner.set_claim_code(line)
            self._typed.print(f"Claim code set to: {code}\r\n")
        else:
            self._typed.print(
                f"Sorry, claim code is not {CLAIM_CODE_LENGTH} characters long. Claim code unchanged.\r\n"
            )


def module_document(board: Personality, plate: Nameplate, modules: list[dict[str, object]]) -> str:
    """Return the JSON document of `s` and of control request 90."""
    document: dict[str, object] = {"p": board.kind.number}
    if plate.imei:
        document |= {"imei": plate.imei, "iccid": plate.iccid}
    document["m"] = modules
    return json.dumps(document, separators=(",", ":"))
