"""Serial ports: the only module that imports pyserial."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.faults import AccessDenied, BoardGone, BoardSilent, BusFailed, Fault, PortBusy
from app.transports.base import Closes, SerialPipe

if TYPE_CHECKING:
    import serial

HARMLESS_BAUD = 9600  # device-protocol.md 5.1; 14400 and 28800 are commands (5.6)
_LONGEST_READ = 4096
_OPENING_TIMEOUT_S = 1.0

_FAULT_BY_ERRNO: dict[int, type[Fault]] = {
    errno.EBUSY: PortBusy,
    errno.EAGAIN: PortBusy,  # the lock of an exclusive opening is held
    errno.EACCES: AccessDenied,
    errno.EPERM: AccessDenied,
    errno.ENOENT: BoardGone,
    errno.ENODEV: BoardGone,
    errno.ENXIO: BoardGone,
    errno.ETIMEDOUT: BoardSilent,
}
# Windows system error codes, winerror.h
_FAULT_BY_WINDOWS: dict[int, type[Fault]] = {
    2: BoardGone,  # ERROR_FILE_NOT_FOUND
    3: BoardGone,  # ERROR_PATH_NOT_FOUND
    5: PortBusy,  # ERROR_ACCESS_DENIED: what a COM port in use answers
    22: BoardGone,  # ERROR_BAD_COMMAND: what a port answers whose device was pulled
    32: PortBusy,  # ERROR_SHARING_VIOLATION
    55: BoardGone,  # ERROR_DEV_NOT_EXIST
    121: BoardSilent,  # ERROR_SEM_TIMEOUT
    170: PortBusy,  # ERROR_BUSY
    433: BoardGone,  # ERROR_NO_SUCH_DEVICE
    995: BoardGone,  # ERROR_OPERATION_ABORTED: pending transfers of a removed device
    1167: BoardGone,  # ERROR_DEVICE_NOT_CONNECTED
    1460: BoardSilent,  # ERROR_TIMEOUT
}
# A port that is open already and then answers these belongs to a board that left.
_GONE_IN_USE_WINDOWS = frozenset({5, 31})  # ERROR_ACCESS_DENIED, ERROR_GEN_FAILURE
# What pyserial leaves of a Windows error: its repr, `PermissionError(13, 'Access is denied.', None, 5)`.
_WINDOWS_ERROR = re.compile(r"\b[A-Za-z]+Error\((?P<errno>\d+),.*?(?:,\s*None,\s*(?P<windows>\d+))?\)", re.DOTALL)
_WINDOWS_FOR_ERRNO = {errno.EACCES: 5, errno.ENOENT: 2}  # for texts that lost the Windows code


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A USB serial port as pyserial lists it.

    Attributes:
        name: `COM5`, `/dev/cu.usbmodem1421`.
        vendor: idVendor.
        product: idProduct.
        serial: iSerialNumber, where the system tells.
        location: Bus and ports (`1-2.3`), where the system tells; its bus number need not be libusb's.
    """

    name: str
    vendor: int
    product: int
    serial: str | None
    location: str | None


def fault_from(error: Exception, *, in_use: bool, present: Callable[[], bool]) -> Fault:
    """Turn an error of pyserial into a fault, by its numbers alone.

    Args:
        error: `SerialException`, plain `OSError` or `termios.error`; pyserial often wraps one in another.
        in_use: Whether the port was open before, which changes what some numbers mean.
        present: Whether the port still exists; asked only where the numbers leave it open.
    """
    import serial

    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, serial.SerialTimeoutException):
        return BoardSilent(detail)
    number, windows = _numbers(error)
    if windows is not None:
        if in_use and windows in _GONE_IN_USE_WINDOWS:
            return BoardGone(detail)
        kind = _FAULT_BY_WINDOWS.get(windows)
    elif number == errno.EIO and in_use:
        kind = BoardGone  # what a terminal answers for ever once its device is gone
    elif number is None and in_use:
        kind = BoardGone if not present() else None
    else:
        kind = _FAULT_BY_ERRNO.get(number) if number is not None else None
    if kind is None and not present():
        kind = BoardGone
    return (kind or BusFailed)(detail)


def _numbers(error: BaseException) -> tuple[int | None, int | None]:
    """Find errno and Windows error code in the error, in what it wraps, or in what pyserial made text of."""
    seen: BaseException | None = error
    while seen is not None:
        windows = getattr(seen, "winerror", None)
        if isinstance(windows, int):
            return getattr(seen, "errno", None), windows
        # termios.error has no errno attribute; its first argument is the number.
        number = seen.errno if isinstance(seen, OSError) else seen.args[0] if seen.args else None
        if isinstance(number, int):
            return number, None
        seen = seen.__cause__ or seen.__context__
    if found := _WINDOWS_ERROR.search(str(error)):
        number = int(found["errno"])
        code = found["windows"] or _WINDOWS_FOR_ERRNO.get(number)
        return number, int(code) if code else None
    return None, None


class PortPipe(Closes):
    """An opened serial port; see `SerialPipe`."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._name = str(port.port)

    def write(self, data: bytes, timeout_ms: int) -> None:
        """Send bytes; `BoardSilent` if the device does not take them in time."""
        with self._faults():
            limit = max(1, timeout_ms) / 1000  # to pyserial, 0 means "do not wait and do not tell"
            if self._port.write_timeout != limit:
                self._port.write_timeout = limit
            self._port.write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what arrives next (1 to 4096 bytes), or b"" when nothing came in time."""
        with self._faults():
            limit = max(0, timeout_ms) / 1000
            if self._port.timeout != limit:
                self._port.timeout = limit
            first = self._first_byte()
            if not first:
                return b""
            more = min(self._port.in_waiting, _LONGEST_READ - 1)
            return first + (self._port.read(more) if more else b"")

    def set_baud(self, baud: int) -> None:
        """Send a line coding. At the rate already set, most systems send nothing."""
        with self._faults():
            self._port.baudrate = baud

    def close(self) -> None:
        """Close the port; never raises, may be called twice.

        A port is left at a harmless rate: a system that opens it later sends the last rate first.
        """
        if not self._port.is_open:
            return
        with suppress(Exception):  # termios.error is neither OSError nor ValueError
            if self._port.baudrate != HARMLESS_BAUD:
                self._port.baudrate = HARMLESS_BAUD
        with suppress(OSError):
            self._port.close()

    def _first_byte(self) -> bytes:
        import serial

        try:
            return self._port.read(1)
        except serial.SerialException as error:
            if _numbers(error) != (None, None):
                raise
            # "Ready, but no data": either the board left, then every further call fails with a number, or
            # another program took the bytes.
            self._port.in_waiting  # noqa: B018 - asked for its error
            if not _exists(self._name):
                raise
            raise PortBusy(f"{self._name}: another program reads from this port") from error

    @contextmanager
    def _faults(self) -> Iterator[None]:
        if not self._port.is_open:
            raise BoardGone("the port is closed")
        try:
            yield
        except Fault:
            raise
        except Exception as error:
            if not _is_port_error(error):
                raise
            raise fault_from(error, in_use=True, present=lambda: _exists(self._name)) from error


def _is_port_error(error: Exception) -> bool:
    # termios.error derives from Exception directly, and the module exists on POSIX only.
    return isinstance(error, OSError) or type(error).__module__ == "termios"


def _exists(name: str) -> bool:
    # A Windows port is no file; there the error code tells, and only unknown codes come here.
    return sys.platform == "win32" or Path(name).exists()


class SerialBus:
    """Opens serial ports, and lists them where no sysfs tells.

    Args:
        make_port: Makes an unopened `serial.Serial`.
    """

    def __init__(self, make_port: Callable[[], serial.Serial] | None = None) -> None:
        self._make_port = make_port

    def open(self, name: str, baud: int) -> SerialPipe:
        """Open the port at this rate with DTR set; other programs are kept out where the system can do that.

        Raises:
            BoardGone, AccessDenied, PortBusy, BoardSilent, BusFailed: As in `app.faults`.
        """
        import serial

        port = (self._make_port or serial.Serial)()
        port.port = name
        port.baudrate = baud
        port.timeout = 0
        port.write_timeout = _OPENING_TIMEOUT_S
        port.dtr = True
        if os.name == "posix":
            port.exclusive = True
        try:
            port.open()
            _keep_others_out(port)
        except Exception as error:
            with suppress(OSError):
                port.close()
            if not _is_port_error(error):
                raise
            raise fault_from(error, in_use=False, present=lambda: _exists(name)) from error
        return PortPipe(port)

    def ports(self) -> Sequence[SerialPort]:
        """List the USB serial ports; on a Mac their `cu.` names, which do not wait for a carrier."""
        from serial.tools import list_ports

        return tuple(
            SerialPort(
                name=port.device.replace("/dev/tty.", "/dev/cu."),
                vendor=port.vid,
                product=port.pid,
                serial=port.serial_number or None,
                location=port.location.partition(":")[0] if port.location else None,
            )
            for port in list_ports.comports()
            if port.vid is not None and port.pid is not None
        )


def _keep_others_out(port: serial.Serial) -> None:
    """POSIX: let the kernel refuse later openings; pyserial's own lock binds only programs that ask for it."""
    if sys.platform != "win32":
        import fcntl
        import termios

        fcntl.ioctl(port.fileno(), termios.TIOCEXCL)
