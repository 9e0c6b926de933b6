from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import serial
from serial.tools import list_ports

from app.faults import AccessDenied, BoardGone, BoardSilent, BusFailed, Fault, PortBusy
from app.transports.base import SerialPipe
from app.transports.serial_bus import SerialBus, SerialPort, fault_from

# errno, the fault when opening a port that is there, one that is not, and from a port in use.
BY_ERRNO: tuple[tuple[int, type[Fault], type[Fault], type[Fault]], ...] = (
    (errno.EBUSY, PortBusy, PortBusy, PortBusy),
    (errno.EAGAIN, PortBusy, PortBusy, PortBusy),
    (errno.EACCES, AccessDenied, AccessDenied, AccessDenied),
    (errno.EPERM, AccessDenied, AccessDenied, AccessDenied),
    (errno.ENOENT, BoardGone, BoardGone, BoardGone),
    (errno.ENODEV, BoardGone, BoardGone, BoardGone),
    (errno.ENXIO, BoardGone, BoardGone, BoardGone),
    (errno.EIO, BusFailed, BoardGone, BoardGone),
    (errno.ETIMEDOUT, BoardSilent, BoardSilent, BoardSilent),
    (errno.EPROTO, BusFailed, BoardGone, BusFailed),
    (errno.ENOTTY, BusFailed, BoardGone, BusFailed),
)


@pytest.mark.parametrize(("number", "opening", "missing", "in_use"), BY_ERRNO)
def test_each_errno_becomes_its_fault(
    number: int, opening: type[Fault], missing: type[Fault], in_use: type[Fault]
) -> None:
    for error in (serial.SerialException(number, "words"), OSError(number, "words")):
        assert type(fault_from(error, in_use=False, present=lambda: True)) is opening
        assert type(fault_from(error, in_use=False, present=lambda: False)) is missing
        assert type(fault_from(error, in_use=True, present=lambda: True)) is in_use


def wrapped_by_pyserial(inner: Exception) -> Exception:
    try:
        try:
            raise inner
        except type(inner) as error:
            raise serial.SerialException(f"write failed: {error}")  # noqa: B904 - as pyserial does it
    except serial.SerialException as outer:
        return outer


def test_the_number_is_found_in_the_error_that_pyserial_wrapped() -> None:
    error = wrapped_by_pyserial(OSError(errno.EIO, "Input/output error"))
    assert type(fault_from(error, in_use=True, present=lambda: True)) is BoardGone


@pytest.mark.skipif(sys.platform == "win32", reason="termios exists on POSIX only")
def test_the_number_is_found_in_an_error_of_termios() -> None:
    import termios

    error = wrapped_by_pyserial(termios.error(errno.EIO, "Input/output error"))
    assert type(fault_from(error, in_use=True, present=lambda: True)) is BoardGone


# What pyserial says on Windows (the words are translated there), the fault when opening, the fault in use.
WINDOWS: tuple[tuple[str, type[Fault], type[Fault]], ...] = (
    ("could not open port 'COM5': PermissionError(13, 'Zugriff verweigert', None, 5)", PortBusy, BoardGone),
    ("could not open port 'COM5': PermissionError(13, 'Access is denied.')", PortBusy, BoardGone),
    ("could not open port 'COM5': FileNotFoundError(2, 'Datei (2) nicht gefunden', None, 2)", BoardGone, BoardGone),
    ("could not open port 'COM5': FileNotFoundError(2, 'x')", BoardGone, BoardGone),
    ("could not open port 'COM5': OSError(22, 'x', None, 121)", BoardSilent, BoardSilent),
    ("could not open port 'COM5': OSError(22, 'x', None, 31)", BusFailed, BoardGone),
    ("ClearCommError failed (PermissionError(13, 'x', None, 22))", BoardGone, BoardGone),
    ("ReadFile failed (OSError(22, 'x', None, 433))", BoardGone, BoardGone),
    ("GetOverlappedResult failed (OSError(22, 'x', None, 995))", BoardGone, BoardGone),
    ("WriteFile failed (OSError(22, 'x', None, 1167))", BoardGone, BoardGone),
    ("Cannot configure port, something went wrong. Original message: OSError(22, 'x', None, 87)", BusFailed, BusFailed),
)


@pytest.mark.parametrize(("message", "opening", "in_use"), WINDOWS)
def test_each_windows_code_becomes_its_fault(message: str, opening: type[Fault], in_use: type[Fault]) -> None:
    error = serial.SerialException(message)
    assert type(fault_from(error, in_use=False, present=lambda: True)) is opening
    assert type(fault_from(error, in_use=True, present=lambda: True)) is in_use


def test_a_write_time_out_is_board_silent() -> None:
    assert type(fault_from(serial.SerialTimeoutException("x"), in_use=True, present=lambda: True)) is BoardSilent


def test_no_number_at_all_is_decided_by_whether_the_port_still_exists() -> None:
    error = serial.SerialException("device reports readiness to read but returned no data")
    assert type(fault_from(error, in_use=True, present=lambda: False)) is BoardGone
    assert type(fault_from(error, in_use=True, present=lambda: True)) is BusFailed


# --- on a pseudo terminal: the real pyserial on the real kernel -------------------------------------------------------

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals exist on POSIX only")


class Terminal:
    """A pseudo terminal; `far` is the end where the board would be."""

    def __init__(self) -> None:
        self.far, self._near = os.openpty()
        self.name = os.ttyname(self._near)
        self._open = [self.far, self._near]

    def unplug(self) -> None:
        while self._open:
            os.close(self._open.pop())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.unplug()


@pytest.fixture
def pipe(terminal: Terminal) -> Iterator[SerialPipe]:
    with SerialBus().open(terminal.name, 9600) as opened:
        yield opened


@posix
def test_bytes_go_both_ways(terminal: Terminal, pipe: SerialPipe) -> None:
    pipe.write(b"i", 500)
    assert os.read(terminal.far, 10) == b"i"
    os.write(terminal.far, b"Your core id is")
    assert pipe.read(500) == b"Your core id is"


@posix
def test_reading_returns_nothing_when_nothing_came_in_time(pipe: SerialPipe) -> None:
    assert pipe.read(0) == b""
    assert pipe.read(10) == b""


@posix
def test_one_read_returns_at_most_4096_bytes(terminal: Terminal, pipe: SerialPipe) -> None:
    os.set_blocking(terminal.far, False)
    sent = os.write(terminal.far, bytes(3000)) + os.write(terminal.far, bytes(3000))
    received = []
    while chunk := pipe.read(100):
        assert len(chunk) <= 4096
        received.append(chunk)
    assert sum(len(chunk) for chunk in received) == sent


@posix
def test_unplug_while_reading_says_board_gone(terminal: Terminal, pipe: SerialPipe) -> None:
    terminal.unplug()
    with pytest.raises(BoardGone) as caught:
        pipe.read(500)
    assert isinstance(caught.value.__cause__, OSError)


@posix
def test_unplug_while_writing_says_board_gone(terminal: Terminal, pipe: SerialPipe) -> None:
    terminal.unplug()
    with pytest.raises(BoardGone):
        pipe.write(b"i", 500)


@posix
def test_unplug_before_a_line_coding_says_board_gone(terminal: Terminal, pipe: SerialPipe) -> None:
    terminal.unplug()
    with pytest.raises(BoardGone):
        pipe.set_baud(14400)


@posix
def test_closing_a_port_that_is_gone_does_not_raise(terminal: Terminal) -> None:
    pipe = SerialBus().open(terminal.name, 14400)
    terminal.unplug()
    pipe.close()
    pipe.close()
    with pytest.raises(BoardGone):
        pipe.read(10)


@posix
def test_a_device_that_takes_nothing_is_silent(pipe: SerialPipe) -> None:
    with pytest.raises(BoardSilent):
        pipe.write(bytes(1_000_000), 50)


@posix
def test_a_port_that_is_not_there_is_board_gone() -> None:
    with pytest.raises(BoardGone):
        SerialBus().open("/dev/ttyACM-none", 9600)


@posix
def test_a_port_that_is_open_already_is_busy(terminal: Terminal, pipe: SerialPipe) -> None:
    with pytest.raises(PortBusy):
        SerialBus().open(terminal.name, 9600)


@posix
def test_after_closing_the_port_can_be_opened_again(terminal: Terminal) -> None:
    SerialBus().open(terminal.name, 9600).close()
    SerialBus().open(terminal.name, 9600).close()


@posix
def test_a_file_that_is_no_port_is_a_fault(tmp_path: os.PathLike[str]) -> None:
    ordinary = os.path.join(tmp_path, "file")
    with open(ordinary, "wb"), pytest.raises(BusFailed):
        SerialBus().open(ordinary, 9600)


class RecordingPort(serial.Serial):
    """A port that notes what is asked of it instead of doing it."""

    def __init__(self) -> None:
        self.log: list[tuple[str, object]] = []
        super().__init__()

    def open(self) -> None:
        self.log.append(("open", (self.baudrate, self.dtr, self.write_timeout)))
        self.is_open = True
        self.fd = 0

    def fileno(self) -> int:
        raise OSError(errno.EBUSY, "no ioctl here")

    def close(self) -> None:
        self.log.append(("close", self.baudrate))
        self.is_open = False


def test_the_rate_dtr_and_a_write_limit_are_set_before_opening() -> None:
    port = RecordingPort()
    if sys.platform == "win32":
        SerialBus(lambda: port).open("COM99", 14400)
    else:
        with pytest.raises(PortBusy):
            SerialBus(lambda: port).open("/dev/none", 14400)
    assert port.log[0] == ("open", (14400, True, 1.0))


@posix
def test_a_port_whose_exclusive_opening_fails_is_closed_again() -> None:
    port = RecordingPort()
    with pytest.raises(PortBusy):
        SerialBus(lambda: port).open("/dev/none", 9600)
    assert port.log[-1][0] == "close"


@posix
def test_a_port_is_left_at_a_harmless_rate(terminal: Terminal) -> None:
    import termios

    with SerialBus().open(terminal.name, 14400):
        assert termios.tcgetattr(terminal.far)[5] != termios.B9600
    assert termios.tcgetattr(terminal.far)[5] == termios.B9600


def test_listed_ports_are_those_of_usb_and_on_a_mac_the_callout_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [
        SimpleNamespace(device="/dev/ttyS0", vid=None, pid=None, serial_number=None, location=None),
        SimpleNamespace(
            device="/dev/tty.usbmodem1421", vid=0x2B04, pid=0xC006, serial_number="", location="20-2.1:1.0"
        ),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: listed)
    assert SerialBus().ports() == (SerialPort("/dev/cu.usbmodem1421", 0x2B04, 0xC006, None, "20-2.1"),)
