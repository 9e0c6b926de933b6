"""What a trace may show. Everything else is a secret: bytes are written only where this module knows them harmless.

Secrets here are private keys (update-mode blocks, key requests), Wi-Fi passwords and other answers typed into the
listening console, claim codes and the device secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Told (alternate setting, address, length), says whether the memory there holds nothing secret.
Harmless = Callable[[int, int, int], bool]

_STANDARD = 0  # bmRequestType bits 5-6
_CLASS_OUT, _CLASS_IN = 0x21, 0xA1  # class request to an interface
_VENDOR_OUT, _VENDOR_IN = 0x40, 0xC0  # vendor request to the device

_DNLOAD, _UPLOAD, _GETSTATUS, _GETSTATE = 1, 2, 3, 5  # DFU 1.1, table 3.2
_SET_ADDRESS, _ERASE, _READ_UNPROTECT = 0x21, 0x41, 0x92  # DfuSe commands (device-protocol.md 2.1)
_COMMANDS = frozenset({0x00, _SET_ADDRESS, _ERASE, _READ_UNPROTECT})
_LONGEST_COMMAND = 5
_FIRST_DATA_BLOCK = 2
_LINE_CODING = frozenset({0x20, 0x21})  # CDC PSTN 1.2, SET_ and GET_LINE_CODING

_RAW_REQUEST = 0x50  # device-protocol.md 6.1
_INIT, _CHECK, _SEND, _RECV, _RESET = 1, 2, 3, 4, 5  # device-protocol.md 6.2
_LONGEST_STATUS = 16  # u32 flags, u16 status, u16 id, u32 size, i32 result
_HARMLESS_TYPES = frozenset({20, 21, 30, 72, 90})  # ID, serial number, version, mode, module info (6.3)


class ControlRedaction:
    """Decides transfer by transfer on one opened device; `out` and `answer` must see every one, in order.

    Args:
        harmless: Says which memory may be shown; without it no block of memory is. Asked only about the first block
            after an address was set, because only there the address is certain.
    """

    def __init__(self, harmless: Harmless | None = None) -> None:
        self._harmless = harmless
        self._alt = 0
        self._address: int | None = None
        self._type_of: dict[int, int] = {}  # id of a request under way -> its type

    def select_alt(self, alt: int) -> None:
        """Note the alternate setting."""
        self._alt = alt

    def out(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bool:
        """Whether the data stage sent to the device may be written."""
        if not data:
            return True
        if request_type >> 5 & 3 == _STANDARD:
            return True
        if request_type == _CLASS_OUT:
            if request == _DNLOAD:
                return self._download(value, data)
            return request in _LINE_CODING
        return request_type == _VENDOR_OUT and request == _SEND and self._type_of.get(index) in _HARMLESS_TYPES

    def answer(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bool:
        """Whether the data stage that came from the device may be written."""
        if not data:
            return True
        if request_type >> 5 & 3 == _STANDARD:
            return True
        if request_type == _CLASS_IN:
            return self._class_answer(request, value, data)
        if request_type != _VENDOR_IN:
            return False
        if request == _RAW_REQUEST:
            return index in _HARMLESS_TYPES
        if request in (_INIT, _CHECK, _RESET):
            if request == _INIT:
                self._note_request(index, data)
            return len(data) <= _LONGEST_STATUS
        return request == _RECV and self._type_of.get(index) in _HARMLESS_TYPES

    def _note_request(self, kind: int, reply: bytes) -> None:
        flags = reply[0]
        start = 4 + (2 if flags & 1 else 0)  # u32 flags, [u16 status], [u16 id]
        if flags & 2 and len(reply) >= start + 2:
            self._type_of[int.from_bytes(reply[start : start + 2], "little")] = kind

    def _download(self, value: int, data: bytes) -> bool:
        if value == 0:
            command = data[0] in _COMMANDS and len(data) <= _LONGEST_COMMAND
            if command and data[0] == _SET_ADDRESS and len(data) == _LONGEST_COMMAND:
                self._address = int.from_bytes(data[1:5], "little")
            return command
        return self._block(value, len(data))

    def _class_answer(self, request: int, value: int, data: bytes) -> bool:
        if request == _UPLOAD:
            if value == 0:  # the list of supported commands
                return _COMMANDS.issuperset(data)
            return self._block(value, len(data))
        return request in (_GETSTATUS, _GETSTATE) or request in _LINE_CODING

    def _block(self, value: int, length: int) -> bool:
        if self._harmless is None or self._address is None or value != _FIRST_DATA_BLOCK:
            return False
        return self._harmless(self._alt, self._address, length)


_MASK = ord("*")
_SPACE = ord(" ")
_CR, _LF = 0x0D, 0x0A
_LINE_ENDS = b"\r\n"
# Commands of the listening console (device-protocol.md 5.2), sent one character at a time.
_COMMANDS_TYPED = frozenset(b"imvscdxL" + _LINE_ENDS)
_DIALOGUES_TYPED = frozenset({b"w", b"C", b"f"})
_LONGEST_COMMAND_TYPED = 2
# What follows such a word and a colon on the same line is a secret, or an answer being echoed.
_SECRET_AFTER = re.compile(
    rb"(?:secret|pass(?:word|phrase)|ssid|code|key|user ?name|identity|certificate|token|credential)[^:]*:$",
    re.IGNORECASE,
)
# A line that announces several lines of secrets, or begins them.
_SEVERAL_LINES = re.compile(rb"PEM format|-----BEGIN", re.IGNORECASE)
# What the console prints once it wants nothing more: the end of the distrust.
_DIALOGUE_OVER = re.compile(
    rb"Thanks! Wait|(?:Spark|Particle) <3 you!|Derp\.|Claim code set to|Claim code unchanged|Error while preparing"
)
_LONGEST_LINE = 4096


class SerialRedaction:
    """Decides character by character on one opened serial port; must see every read and write, in order.

    Packets may cut anywhere: what was read is judged by the line it belongs to, not by the packet it came in.
    """

    def __init__(self) -> None:
        self._line = bytearray()  # what was read since the last line end, as it came
        self._hidden = False  # the rest of this line is secret
        self._several = False  # all lines are, until the dialogue is over
        self._dialogue = False  # the console asks and the host answers
        self._disturbed = False  # noise came amid an echo: nobody can say any more what belongs to it
        self._carriage = False  # the last character was a CR
        self._echo = bytearray()  # secret bytes written whose echo has not been read

    def write(self, data: bytes) -> bool:
        """Whether what is sent may be written: single commands to a console that asks nothing."""
        if self._dialogue or self._hidden or self._several or self._disturbed:
            known = False
        else:
            self._dialogue = data in _DIALOGUES_TYPED
            known = self._dialogue or (len(data) <= _LONGEST_COMMAND_TYPED and _COMMANDS_TYPED.issuperset(data))
        if not known:
            self._echo += data
        return known

    def read(self, data: bytes) -> bytes:
        """Return what came with every secret character replaced by `*`; the length stays."""
        return bytes(self._shown(byte) for byte in data)

    def _shown(self, byte: int) -> int:
        if byte in _LINE_ENDS:
            if not (byte == _LF and self._carriage):
                self._end_line()
            self._carriage = byte == _CR
            return byte
        self._carriage = False
        after_colon = byte == _SPACE and self._line.endswith(b":")  # still the prompt's own
        hidden = self._several or self._disturbed or (self._hidden and not after_colon)
        if self._echo and self._echo[0] == byte:
            del self._echo[0]
            hidden = True
        self._line.append(byte)
        del self._line[:-_LONGEST_LINE]
        if not self._hidden:
            if _DIALOGUE_OVER.search(self._line):
                self._dialogue = self._several = False
                self._echo.clear()
            self._hidden = _SECRET_AFTER.search(self._line) is not None
        return _MASK if hidden else byte

    def _end_line(self) -> None:
        # In a dialogue the whole echo comes before its line end; one that comes earlier is not the console's, and the
        # rest of the echo would look like a line of its own.
        if self._dialogue and self._echo and self._echo[0] not in _LINE_ENDS:
            self._disturbed = True
        if _SEVERAL_LINES.search(self._line):
            self._several = True
        self._line.clear()
        self._hidden = False
        # The console drops what is still waiting at the end of a line (device-protocol.md 5.1), so no echo of it comes.
        end = min((place for place in (self._echo.find(b"\n"), self._echo.find(b"\r")) if place >= 0), default=-1)
        del self._echo[: end + 1]
