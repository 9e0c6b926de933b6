"""The console's `w` typed from device-protocol.md 5.1, 5.4 and 5.5, as a serial pipe that cuts its words anywhere.

Every character that reaches the board is kept in `got`; lines that it took as complete are in `lines`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from app.faults import Fault
from app.transports.base import Closes
from support.clock import FastClock

Say = bytes | float  # words, or seconds of silence
Script = Generator[Say | int, bytes, None]  # a number asks for a line of that many characters at most

AWESOME = b"Awesome. Now we'll connect!\r\n\r\nIf you see a pulsing cyan light, your %b\r\n"
READY = (
    b"has connected to the Cloud and is ready to go!\r\n\r\n"
    b"If your LED flashes red or you encounter any other problems,\r\n"
)
VISIT = b"visit https://www.%b.io/support to debug.\r\n\r\n"
LOVE = b"    %b <3 you!\r\n\r\n"
WEP = (
    b"\r\n ** Even though the CC3000 supposedly supports WEP,\r\n ** we at Spark have never seen it work."
    b"\r\n ** If you control the network, we recommend changing it to WPA2.\r\n"
)
DERP = b"Derp. Sorry, we couldn't save the credentials.\r\n\r\n"
FOUR = b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: "
SIX = b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2, 4=WPA Enterprise, 5=WPA2 Enterprise: "
CIPHERS = b"Security Cipher 1=AES, 2=TKIP, 3=AES+TKIP: "


@dataclass
class Rules:
    """One generation on one board.

    Attributes:
        generation: `A` to `E`.
        core: Whether it is a Core.
        scan: What its scan finds: name -> (security, cipher, 0 if not told).
        derp: Whether it cannot save.
    """

    generation: str
    core: bool = True
    scan: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    derp: bool = False


@dataclass
class Saved:
    """What the board stored."""

    ssid: bytes = b""
    security: int = 3
    cipher: int = 0
    password: bytes = b""
    enterprise: dict[str, bytes] = field(default_factory=dict)


def dialogue(rules: Rules, saved: Saved) -> Script:
    """The board's side of 5.4, A to E."""
    yield b"SSID: "
    late = rules.generation in "DE"
    saved.ssid = yield 32
    while late and not saved.ssid:
        yield b"SSID: "
        saved.ssid = yield 32
    found = rules.scan.get(saved.ssid)
    if late:
        yield 6.0
    if late and found is not None:
        saved.security, saved.cipher = found
    elif rules.generation != "A":
        prompt = SIX if late and not rules.core else FOUR
        most = 5 if prompt is SIX else 3
        answer = b""
        while not (len(answer) == 1 and b"0" <= answer <= b"%d" % most):
            yield prompt
            answer = yield 1
        saved.security = int(answer)
    if saved.security == 1 and rules.core and rules.generation != "A":
        yield WEP
    wpa = saved.security in (2, 3)
    if rules.generation == "C" and not rules.core and wpa and found is None:
        yield 30.0
        asks = True
    else:
        asks = late and saved.cipher == 0
        if asks and wpa and found is None and not rules.core:
            yield 30.0
    if asks:
        answer = b""
        while answer not in (b"1", b"2", b"3"):
            yield CIPHERS
            answer = yield 1
        saved.cipher = int(answer)
    if saved.security in (4, 5):
        yield from _enterprise(saved)
    elif saved.security:
        yield b"Password: "
        saved.password = yield 32 if rules.generation == "A" else 64
    yield b"Thanks! Wait %bwhile I save those credentials...\r\n\r\n" % (b"about 7 seconds " if rules.core else b"")
    yield 7.0
    if rules.derp:
        yield DERP
        return
    board = {"E": b"device ", "D": b"device"}.get(rules.generation, b"Spark Core" if rules.core else b"device")
    yield AWESOME % board + READY
    old = rules.generation in "AB"
    yield VISIT % (b"spark" if old else b"particle") + LOVE % (b"Spark" if old else b"Particle")


def _enterprise(saved: Saved) -> Script:
    answer = b""
    while answer not in (b"0", b"1"):
        yield b"EAP Type 0=PEAP/MSCHAPv2, 1=EAP-TLS: "
        answer = yield 1
    kept = saved.enterprise
    kept["eap"] = answer
    if answer == b"1":
        yield b"Client certificate in PEM format:\r\n"
        kept["certificate"] = yield from _pem()
        yield b"Private key in PEM format:\r\n"
        kept["key"] = yield from _pem()
    else:
        yield b"Username: "
        kept["username"] = yield 64
        yield b"Password: "
        saved.password = yield 64
    yield b"Outer identity (optional): "
    kept["outer"] = yield 64
    yield b"Root CA in PEM format (optional):\r\n"
    kept["root"] = yield from _pem()


def _pem() -> Generator[Say | int, bytes, bytes]:
    lines = []
    while line := (yield 4096):
        lines.append(line)
    return b"\r\n".join(lines)


class WifiConsole(Closes):
    """A serial pipe with that dialogue at its other end.

    Args:
        clock: Time.
        script: The board's side, begun by `w`; None for a board that answers nothing.
        cut: How many bytes the next read brings at most.
        noise: Bytes to put in before the next byte, b"" for none; called with the number of bytes said so far.
        dies: The fault of every transfer from that byte on (counted over both directions), None for never.
    """

    def __init__(
        self,
        clock: FastClock,
        script: Script | None,
        *,
        cut: Callable[[], int] = lambda: 4096,
        noise: Callable[[int], bytes] = lambda _count: b"",
        dies: int | None = None,
        fault: Fault | None = None,
        takes: int | None = None,
    ) -> None:
        self.clock = clock
        self.got = b""
        self.lines: list[bytes] = []
        self.writes: list[bytes] = []
        self._script = script
        self._cut, self._noise = cut, noise
        self._dies, self._fault, self._takes = dies, fault, takes
        self._moved = 0
        self._said = 0
        self._out: deque[tuple[float, int]] = deque()  # when, what
        self._free = clock.now()
        self._line: bytearray | None = None
        self._longest = 0
        self._begun = False

    def write(self, data: bytes, timeout_ms: int) -> None:
        self.writes.append(data)
        for place, byte in enumerate(data):
            if self._takes is not None and len(self.got) >= self._takes and self._fault is not None:
                raise self._fault
            self._moves()
            self.got += bytes([byte])
            if self._character(byte):
                self.got += data[place + 1 :]  # everything behind a line end is thrown away (5.1)
                return

    def read(self, timeout_ms: int) -> bytes:
        end = self.clock.now() + timeout_ms / 1000
        if not self._out or self._out[0][0] > end:
            self.clock.pause(timeout_ms / 1000)
            return b""
        self.clock.pause(max(0.0, self._out[0][0] - self.clock.now()))
        found = b""
        most = max(1, self._cut())
        while self._out and self._out[0][0] <= self.clock.now() and len(found) < most:
            self._moves()
            found += bytes([self._out.popleft()[1]])
        return found

    def set_baud(self, baud: int) -> None:
        raise AssertionError("a console never changes the baud rate")

    def close(self) -> None:
        """Nothing to let go."""

    def _moves(self) -> None:
        self._moved += 1
        if self._dies is not None and self._moved > self._dies and self._fault is not None:
            raise self._fault

    def _character(self, byte: int) -> bool:
        """Take a character; return whether it ended a line."""
        if self._line is None:
            if byte == ord("w") and not self._begun and self._script is not None:
                self._begun = True
                self._advance(None)
            return False
        if byte in b"\r\n" or len(self._line) >= self._longest:
            line, self._line = bytes(self._line), None
            self.lines.append(line)
            self._print(b"\r\n")
            self._advance(line)
            return True
        if byte in (0x08, 0x7F):
            if self._line:
                self._line.pop()
                self._print(bytes([byte]))
            return False
        self._line.append(byte)
        self._print(bytes([byte]))
        return False

    def _advance(self, line: bytes | None) -> None:
        assert self._script is not None
        try:
            step = next(self._script) if line is None else self._script.send(line)
            while not isinstance(step, int):
                if isinstance(step, float):
                    self._free = max(self._free, self.clock.now()) + step
                else:
                    self._print(step)
                step = next(self._script)
        except StopIteration:
            return
        self._line, self._longest = bytearray(), step

    def _print(self, words: bytes) -> None:
        self._free = max(self._free, self.clock.now())
        for byte in words:
            for each in (*self._noise(self._said), byte):
                self._out.append((self._free, each))
            self._said += 1
            self._free += 0.001
