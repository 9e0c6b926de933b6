"""A trace holds what happened and no secret, and plays back to the same results."""

from __future__ import annotations

import base64
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from support.clock import FastClock

from app.faults import BoardGone, BoardSilent, Fault, TransferStalled
from app.transports.base import Bus, Closes, SerialPipe, Sighting
from app.transports.replay import ReplayBus, ReplayMismatch, filler
from app.transports.trace import TracingBus
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap

SECRET = "Zx9-Kq7-Wv5-Jb8"


class Recording:
    """A virtual board on a traced bus."""

    def __init__(self, name: str, path: Path, **options: Any) -> None:  # noqa: ANN401 - options of any practice board
        self.path = path
        self.clock = FastClock()
        self.board: VirtualBoard = make(name, self.clock, **options)
        self.table = VirtualBus(self.clock, [self.board])
        self.hand = PracticeHand(self.board)
        self.clock.pause(20)
        self.bus = TracingBus(self.table, path, clock=self.clock)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.jsonl"


def the_board(bus: Bus) -> Sighting:
    (seen,) = bus.sightings()
    return seen


def set_address(address: int) -> bytes:
    return b"\x21" + address.to_bytes(4, "little")


def read_slot(bus: Bus, clock: FastClock, alt: int, address: int, size: int) -> bytes:
    """Read memory in DFU as plainly as possible."""
    with bus.open_usb(the_board(bus)) as pipe:

        def status() -> bytes:
            return pipe.control_in(0xA1, 3, 0, 0, 6, 1000)

        pipe.select_alt(0, alt)
        if status()[4] == 10:  # dfuERROR
            pipe.control_out(0x21, 4, 0, 0, b"", 1000)
        pipe.control_out(0x21, 1, 0, 0, set_address(address), 1000)
        status()
        clock.pause(0.1)
        status()
        pipe.control_out(0x21, 6, 0, 0, b"", 1000)
        return pipe.control_in(0xA1, 2, 2, 0, size, 1000)


def ask_identity(bus: Bus, clock: FastClock) -> bytes:
    with bus.open_serial(the_board(bus), 9600) as pipe:
        pipe.write(b"i", 500)
        answer = bytearray()
        while chunk := pipe.read(500):
            answer += chunk
        return bytes(answer)


def forms(secret: bytes) -> list[bytes]:
    """How bytes may look in a file."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode(), secret.hex(" ").encode()]
    for shift in range(3):  # the same bytes look different in base64 depending on what stands before them
        found.append(base64.b64encode(bytes(shift) + secret)[4:-4])
    found.append(json.dumps(secret.decode("latin-1"))[1:-1].encode())
    return found


def assert_hidden(path: Path, secret: bytes) -> None:
    text = path.read_bytes()
    for start in range(0, len(secret) - 15, 8):
        for form in forms(secret[start : start + 16]):
            assert form not in text


# Alternate setting, address and size of the device key's slot (device-protocol.md 4.4).
SLOTS = {"core": (1, 0x2000, 612), "photon": (1, 34, 612), "electron": (1, 3106, 192)}


@pytest.mark.parametrize("name", sorted(SLOTS))
def test_a_key_read_in_dfu_is_not_in_the_trace(name: str, path: Path) -> None:
    recording = Recording(name, path)
    recording.hand.enter_dfu()
    recording.clock.pause(5)
    key = read_slot(recording.bus, recording.clock, *SLOTS[name])
    recording.bus.close()
    assert len(key) == SLOTS[name][2]
    assert len(set(key)) > 50
    assert_hidden(path, key.rstrip(b"\xff\x00"))
    assert any(line.get("redacted") == len(key) for line in recording.lines())


def test_the_search_for_secrets_finds_one_that_is_shown(path: Path) -> None:
    recording = Recording("photon", path)
    recording.hand.enter_dfu()
    recording.clock.pause(5)
    recording.bus.close()
    leaking = TracingBus(recording.table, path, clock=recording.clock, harmless=lambda alt, address, length: True)
    key = read_slot(leaking, recording.clock, *SLOTS["photon"])
    leaking.close()
    with pytest.raises(AssertionError):
        assert_hidden(path, key)


def test_a_key_written_in_dfu_is_not_in_the_trace(path: Path) -> None:
    recording = Recording("photon", path)
    recording.hand.enter_dfu()
    recording.clock.pause(5)
    key = bytes((7 * number * number + 13) % 251 for number in range(612))
    with recording.bus.open_usb(the_board(recording.bus)) as pipe:
        pipe.select_alt(0, 1)
        pipe.control_out(0x21, 1, 0, 0, set_address(34), 1000)
        for _ in range(2):
            pipe.control_in(0xA1, 3, 0, 0, 6, 1000)
            recording.clock.pause(0.1)
        pipe.control_out(0x21, 1, 2, 0, key, 1000)
    recording.bus.close()
    assert_hidden(path, key)


def test_the_device_secret_is_not_in_the_trace_and_the_device_id_is(path: Path) -> None:
    recording = Recording("photon", path, secret=SECRET)
    recording.hand.enter_listening()
    recording.clock.pause(1)
    answer = ask_identity(recording.bus, recording.clock)
    recording.bus.close()
    assert SECRET.encode() in answer
    said = "".join(str(line["data"]) for line in recording.lines() if line.get("do") == "read")
    assert SECRET[:4] not in said
    assert_hidden(path, SECRET.encode().ljust(16))
    assert recording.board.device_id in said


class EchoingConsole(Closes):
    """A serial port on which somebody asks for Wi-Fi credentials; echoes letter by letter."""

    PROMPTS = (
        b"SSID: ",
        b"Security 0=unsecured, 1=WEP, 2=WPA, 3=WPA2: ",
        b"Password: ",
        b"Thanks! Wait about 7 seconds\r\n",
    )

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.prompts = list(self.PROMPTS)

    def write(self, data: bytes, timeout_ms: int) -> None:
        for letter in data:
            asked = len(self.prompts) < len(self.PROMPTS)
            if letter == ord("\n") or not asked:
                self.said += [b"\r\n"] if asked else []
                self.said.append(self.prompts.pop(0))
            else:
                self.said.append(bytes((letter,)))

    def read(self, timeout_ms: int) -> bytes:
        return self.said.pop(0) if self.said else b""

    def set_baud(self, baud: int) -> None:
        raise AssertionError(baud)

    def close(self) -> None:
        assert not self.said


class ConsoleBus(VirtualBus):
    def open_serial(self, sighting: Sighting, baud: int) -> SerialPipe:
        return EchoingConsole()


def join_wifi(bus: Bus, answers: tuple[bytes, ...]) -> bytes:
    """Answer the dialogue letter by letter; return what was heard."""
    heard = bytearray()
    with bus.open_serial(the_board(bus), 9600) as pipe:

        def listen() -> None:
            while chunk := pipe.read(100):
                heard.extend(chunk)

        pipe.write(b"w", 500)
        listen()
        for answer in answers:
            for letter in answer:
                pipe.write(bytes((letter,)), 500)
            listen()
    return bytes(heard)


def test_wifi_answers_are_not_in_the_trace_and_the_dialogue_plays_back(path: Path) -> None:
    clock = FastClock()
    table = ConsoleBus(clock, [make("photon", clock)])
    clock.pause(20)
    bus = TracingBus(table, path, clock=clock)
    heard = join_wifi(bus, (b"MyHomeNetwork42\n", b"3\n", SECRET.encode() + b"\n"))
    bus.close()
    assert SECRET.encode() in heard  # the board does echo it
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    said = "".join(str(line.get("data", "")) for line in lines)
    for hidden in (SECRET, "MyHomeNetwork42"):
        assert not any(hidden[at : at + 4] in said for at in range(len(hidden) - 3))
    replayed = join_wifi(ReplayBus(path, clock=FastClock()), (b"*" * 15 + b"\n", b"*\n", b"*" * 15 + b"\n"))
    assert replayed == heard.replace(b"MyHomeNetwork42", b"*" * 15).replace(b"3\r", b"*\r").replace(
        SECRET.encode(), b"*" * 15
    )


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_trace_is_for_its_owner_only(path: Path) -> None:
    Recording("core", path).bus.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_list_that_stays_the_same_is_written_once(path: Path) -> None:
    recording = Recording("photon", path)
    for _ in range(5):
        recording.bus.sightings()
    recording.bus.close()
    assert [line.get("do") for line in recording.lines()] == [None, "sightings"]


def test_a_fault_is_written_with_its_code(path: Path) -> None:
    recording = Recording("photon", path)
    with recording.bus.open_usb(the_board(recording.bus)) as pipe, pytest.raises(TransferStalled):
        pipe.control_in(0x80, 6, 0x7F00, 0, 64, 1000)
    recording.bus.close()
    (stalled,) = [line for line in recording.lines() if "fault" in line]
    assert stalled["do"] == "control-in"
    assert stalled["fault"]["code"] == "usb.stall"


# --- playing back -----------------------------------------------------------------------------------------------------


def session(bus: Bus, clock: FastClock) -> list[object]:
    """Read the identity, go to DFU by baud rate, read a key; note all that is seen."""
    seen: list[object] = [list(bus.sightings())]
    seen.append(ask_identity(bus, clock))
    with bus.open_usb(the_board(bus)) as pipe:
        seen.append(pipe.control_in(0xC0, 0x50, 0, 30, 64, 1000))
        try:
            pipe.control_in(0x80, 6, 0x7F00, 0, 64, 1000)
        except Fault as fault:
            seen.append((fault.code, fault.detail))
    with bus.open_serial(the_board(bus), 14400):
        clock.pause(0.5)
    products: list[int] = []
    while products[-1:] != [0xD006] and len(products) < 50:
        bus.wait_for_change(1)
        for sighting in bus.sightings():
            products.append(sighting.product)
    seen.append(products[-1])
    seen.append(len(read_slot(bus, clock, 1, 34, 612)))
    return seen


def record_session(path: Path) -> list[object]:
    recording = Recording("photon", path)
    recording.hand.enter_listening()
    recording.clock.pause(1)
    results = session(recording.bus, recording.clock)
    recording.bus.close()
    return results


def test_a_session_played_back_gives_the_same_results(path: Path) -> None:
    recorded = record_session(path)
    clock = FastClock()
    bus = ReplayBus(path, clock=clock)
    assert session(bus, clock) == recorded
    assert bus.finished()


def test_redacted_bytes_come_back_as_filler(path: Path) -> None:
    recording = Recording("core", path)
    recording.hand.enter_dfu()
    recording.clock.pause(5)
    read_slot(recording.bus, recording.clock, *SLOTS["core"])
    recording.bus.close()
    clock = FastClock()
    assert read_slot(ReplayBus(path, clock=clock), clock, *SLOTS["core"]) == filler(612)


def test_time_passes_as_it_did(path: Path) -> None:
    recording = Recording("photon", path)
    with recording.bus.open_usb(the_board(recording.bus)) as pipe:
        recording.board.mishap = Mishap("silent", silent_from=1)
        with pytest.raises(BoardSilent):
            pipe.control_in(0xC0, 0x50, 0, 30, 64, 700)
    recording.bus.close()
    clock = FastClock()
    bus = ReplayBus(path, clock=clock)
    began = clock.now()
    with bus.open_usb(the_board(bus)) as pipe, pytest.raises(BoardSilent):
        pipe.control_in(0xC0, 0x50, 0, 30, 64, 700)
    assert clock.now() - began == pytest.approx(0.7, abs=0.05)


def test_boards_that_left_are_gone_in_the_replay_at_the_same_point(path: Path) -> None:
    def watch(bus: Bus, unplug: Any) -> list[object]:  # noqa: ANN401 - a function or None
        seen: list[object] = [len(bus.sightings())]
        with bus.open_usb(the_board(bus)) as pipe:
            pipe.control_in(0x80, 6, 0x0100, 0, 18, 1000)
            if unplug:
                unplug()
            try:
                pipe.control_in(0x80, 6, 0x0100, 0, 18, 1000)
            except BoardGone:
                seen.append("gone")
        seen.append(list(bus.sightings()))
        return seen

    recording = Recording("photon", path)
    recorded = watch(recording.bus, lambda: recording.table.unplug(recording.board))
    recording.bus.close()
    assert recorded == [1, "gone", []]
    assert watch(ReplayBus(path, clock=FastClock()), None) == recorded


def test_a_list_that_was_not_due_yet_is_not_shown(path: Path) -> None:
    record_session(path)
    bus = ReplayBus(path, clock=FastClock())
    products = {sighting.product for _ in range(20) for sighting in bus.sightings()}
    assert products == {0xC006}
    assert not bus.finished()


def test_a_different_request_names_the_line(path: Path) -> None:
    recording = Recording("photon", path)
    with recording.bus.open_usb(the_board(recording.bus)) as pipe:
        pipe.control_in(0xC0, 0x50, 0, 30, 64, 1000)
    recording.bus.close()
    bus = ReplayBus(path, clock=FastClock())
    seen = the_board(bus)
    with bus.open_usb(seen) as pipe:
        with pytest.raises(ReplayMismatch, match=r"trace\.jsonl, line 4: .*'index': 30.*'index': 20"):
            pipe.control_in(0xC0, 0x50, 0, 20, 64, 1000)
        with pytest.raises(ReplayMismatch, match="line 4"):
            pipe.control_out(0xC0, 0x50, 0, 30, b"", 1000)
        assert pipe.control_in(0xC0, 0x50, 0, 30, 64, 1000)
        with pytest.raises(ReplayMismatch):
            pipe.control_in(0xC0, 0x50, 0, 30, 64, 1000)
    with pytest.raises(ReplayMismatch, match="nothing more at '1-1'"):
        bus.open_usb(seen)


def test_different_bytes_written_are_a_mismatch_and_secret_ones_need_the_same_length(path: Path) -> None:
    recording = Recording("photon", path)
    with recording.bus.open_serial(the_board(recording.bus), 9600) as pipe:
        pipe.write(b"v", 500)
        pipe.write(b"topsecret\n", 500)
    recording.bus.close()
    bus = ReplayBus(path, clock=FastClock())
    with bus.open_serial(the_board(bus), 9600) as pipe:
        with pytest.raises(ReplayMismatch):
            pipe.write(b"i", 500)
        pipe.write(b"v", 500)
        with pytest.raises(ReplayMismatch):
            pipe.write(b"short\n", 500)
        pipe.write(b"otherword\n", 500)
        assert pipe.read(100) == b""


def test_a_line_cut_by_a_crash_does_not_spoil_the_rest(path: Path) -> None:
    record_session(path)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: len(whole) // 2], encoding="utf-8")
    assert the_board(ReplayBus(path, clock=FastClock())).product == 0xC006


@pytest.mark.parametrize("text", ["", "hello", '{"trace": 99}\n', '{"trace": 1}\nrubbish\n{"do": "close"}\n', "[1]\n"])
def test_what_is_no_trace_is_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReplayMismatch):
        ReplayBus(path)
