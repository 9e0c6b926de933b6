"""Noticing at once that something was plugged or unplugged, at next to no cost while nothing happens."""

from __future__ import annotations

import logging
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

_UEVENT_PROTOCOL = 15  # linux/netlink.h, NETLINK_KOBJECT_UEVENT
_KERNEL_GROUP = 1  # the kernel's own messages; group 2 carries those of udev
_SUBSYSTEMS = frozenset({b"SUBSYSTEM=usb", b"SUBSYSTEM=tty"})
_JOIN_S = 2.0


class Source(Protocol):
    """Something that calls `announce` whenever a change may have happened."""

    def close(self) -> None:
        """Stop announcing."""


class Announcements:
    """Counts changes, so that each waiting thread learns of each one, also of those while it was not waiting."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self._closed = False
        self._seen = threading.local()

    def announce(self) -> None:
        """Tell every thread that something may have changed."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def catch_up(self) -> None:
        """Count what has happened so far as known to this thread, because it is about to look."""
        with self._condition:
            self._seen.count = self._count

    def wait(self, seconds: float) -> bool:
        """Return True as soon as there is a change this thread was not told of, False when the time is over."""
        with self._condition:
            seen = getattr(self._seen, "count", 0)
            self._condition.wait_for(lambda: self._closed or self._count != seen, max(0.0, seconds))
            self._seen.count = self._count
            return self._count != seen

    def close(self) -> None:
        """End every wait; later ones return at once."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Uevents:
    """Linux: the kernel's announcements, without udev.

    Each is passed on twice: at once, and again `settle_s` after the last one, because udev sets the permissions of a
    new device node a moment after the kernel made it.

    Args:
        announce: Called from a thread of its own.
        settle_s: Seconds until the second announcement.
        open_socket: Makes the socket the kernel's messages arrive on.

    Raises:
        OSError: The system has no such socket, or does not let this program use it.
    """

    def __init__(
        self,
        announce: Callable[[], None],
        settle_s: float = 0.2,
        open_socket: Callable[[], socket.socket] | None = None,
    ) -> None:
        self._announce = announce
        self._settle_s = settle_s
        self._socket = (open_socket or _kernel_socket)()
        self._wake, self._stop = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="uevents", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.close()
        self._thread.join(_JOIN_S)
        self._socket.close()
        self._wake.close()

    def _run(self) -> None:
        again: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                left = None if again is None else max(0.0, again - time.monotonic())
                ready = {key.fileobj for key, _ in selector.select(left)}
                if self._wake in ready:
                    return
                if self._socket in ready and self._concerns_us():
                    self._announce()
                    again = time.monotonic() + self._settle_s
                elif again is not None and time.monotonic() >= again:
                    self._announce()
                    again = None

    def _concerns_us(self) -> bool:
        try:
            message = self._socket.recv(16384)
        except OSError:  # ENOBUFS: messages were lost, so anything may have happened
            return True
        return not _SUBSYSTEMS.isdisjoint(message.split(b"\0"))


def _kernel_socket() -> socket.socket:
    if sys.platform != "linux":
        raise OSError("kernel announcements exist on Linux only")
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _UEVENT_PROTOCOL)
    try:
        events.bind((0, _KERNEL_GROUP))
    except OSError:
        events.close()
        raise
    return events


class Comparison:
    """Where nobody announces: a cheap look at regular intervals, and whenever `look` is called.

    Args:
        announce: Called from a thread of its own when the look differs from the last one.
        fingerprint: What to compare; must be cheap and must not raise.
        period_s: Seconds between two looks.
        settle_s: Seconds between a `look` and the look after it.
    """

    def __init__(
        self,
        announce: Callable[[], None],
        fingerprint: Callable[[], object],
        period_s: float,
        settle_s: float = 0.2,
    ) -> None:
        self._announce = announce
        self._fingerprint = fingerprint
        self._period_s = period_s
        self._settle_s = settle_s
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usb-comparison", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Announce now, and once more when things have settled; any thread, never blocks."""
        self._hurry.set()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._hurry.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        before = self._fingerprint()
        settling = False
        while True:
            hurried = self._hurry.wait(self._settle_s if settling else self._period_s)
            self._hurry.clear()
            if self._stop.is_set():
                return
            after = self._fingerprint()
            if hurried or settling or after != before:
                self._announce()
            before, settling = after, hurried


class WindowsNotices:
    """Windows 8 and later: the configuration manager calls when a device interface comes or goes.

    Args:
        look: Called from a thread of the system; must not block.

    Raises:
        OSError: The system refused the registration, or is not Windows.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        if sys.platform == "win32":
            import ctypes
            from ctypes import wintypes

            class Filter(ctypes.Structure):  # CM_NOTIFY_FILTER, cfgmgr32.h
                _fields_ = (
                    ("cbSize", wintypes.DWORD),
                    ("Flags", wintypes.DWORD),
                    ("FilterType", wintypes.DWORD),
                    ("Reserved", wintypes.DWORD),
                    ("u", wintypes.WCHAR * 200),
                )

            callback_type = ctypes.WINFUNCTYPE(
                wintypes.DWORD, wintypes.HANDLE, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD
            )

            def called(_handle: int, _context: int, _action: int, _told: int, _size: int) -> int:
                look()
                return 0

            self._library = ctypes.WinDLL("cfgmgr32")
            self._callback = callback_type(called)  # kept: the system holds only its address
            self._handle = wintypes.HANDLE()
            every_interface = Filter(cbSize=ctypes.sizeof(Filter), Flags=1, FilterType=0)
            try:
                register = self._library.CM_Register_Notification
            except AttributeError:  # Wine 8 has none
                raise OSError("this Windows has no CM_Register_Notification") from None
            result = register(ctypes.byref(every_interface), None, self._callback, ctypes.byref(self._handle))
            if result != 0:  # CR_SUCCESS
                raise OSError(f"CM_Register_Notification answered {result}")
        else:
            raise OSError("device notices of this kind exist on Windows only")

    def close(self) -> None:
        """End the notices; waits for a call under way."""
        if sys.platform == "win32":
            self._library.CM_Unregister_Notification(self._handle)
