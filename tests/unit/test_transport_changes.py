from __future__ import annotations

import os
import queue
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from app.transports.changes import Announcements, Comparison, Uevents

LONG = 20.0  # seconds that no test waits for: it ends early or fails


def test_a_change_while_nobody_waited_is_told_at_the_next_wait() -> None:
    changes = Announcements()
    changes.announce()
    changes.announce()
    assert changes.wait(0)
    assert not changes.wait(0)


def test_a_change_before_one_looked_is_known_already() -> None:
    changes = Announcements()
    changes.announce()
    changes.catch_up()
    assert not changes.wait(0)
    changes.announce()
    assert changes.wait(0)


def test_each_thread_is_told_of_each_change() -> None:
    changes = Announcements()
    told: queue.Queue[bool] = queue.Queue()
    threads = [threading.Thread(target=lambda: told.put(changes.wait(LONG))) for _ in range(3)]
    for thread in threads:
        thread.start()
    changes.announce()
    for thread in threads:
        thread.join(LONG)
    assert [told.get_nowait() for _ in threads] == [True, True, True]


def test_closing_ends_every_wait() -> None:
    changes = Announcements()
    told: queue.Queue[bool] = queue.Queue()
    waiting = threading.Thread(target=lambda: told.put(changes.wait(LONG)))
    waiting.start()
    changes.close()
    waiting.join(LONG)
    assert told.get_nowait() is False
    assert changes.wait(LONG) is False


linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's announcements exist on Linux only")


class Kernel:
    """The other end of the socket on which a kernel would announce."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told: queue.Queue[None] = queue.Queue()
        self.source = Uevents(lambda: self.told.put(None), settle_s=0.01, open_socket=lambda: self.theirs)

    def say(self, *lines: str) -> None:
        self.ours.send("\0".join(lines).encode() + b"\0")


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no datagram socket pairs here")
    made = Kernel()
    yield made
    made.source.close()
    made.ours.close()


def test_a_plugged_board_is_announced_at_once_and_again_when_permissions_are_set(kernel: Kernel) -> None:
    kernel.say("add@/devices/pci0/usb1/1-1", "ACTION=add", "SUBSYSTEM=usb", "DEVTYPE=usb_device")
    kernel.told.get(timeout=LONG)
    kernel.told.get(timeout=LONG)
    assert kernel.told.empty()


def test_a_new_terminal_is_announced(kernel: Kernel) -> None:
    kernel.say("add@/devices/pci0/usb1/1-1/1-1:1.0/tty/ttyACM0", "ACTION=add", "SUBSYSTEM=tty")
    kernel.told.get(timeout=LONG)


def test_other_news_of_the_kernel_wakes_nobody(kernel: Kernel) -> None:
    kernel.say("change@/devices/battery", "ACTION=change", "SUBSYSTEM=power_supply", "POWER=SUBSYSTEM=usb")
    kernel.say("add@/devices/pci0/usb1/1-1", "SUBSYSTEM=usb")
    for _ in range(2):
        kernel.told.get(timeout=LONG)
    kernel.source.close()
    assert kernel.told.empty()


@linux
def test_the_real_socket_opens_and_closes() -> None:
    try:
        source = Uevents(lambda: None)
    except PermissionError:
        pytest.skip("this sandbox refuses the kernel's announcements")
    source.close()
    assert "uevents" not in [thread.name for thread in threading.enumerate()]


def test_closing_leaves_no_descriptor_open() -> None:
    if sys.platform != "linux":
        pytest.skip("counts descriptors in /proc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        ours, theirs = socket.socketpair()
        Uevents(lambda: None, open_socket=lambda theirs=theirs: theirs).close()  # type: ignore[misc]
        ours.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_comparison_announces_what_differs_and_nothing_else() -> None:
    looks = iter(("a", "a", "a", "b", "b"))
    told: queue.Queue[None] = queue.Queue()
    exhausted = threading.Event()

    def look() -> str:
        following = next(looks, None)
        if following is None:
            exhausted.set()
        return following or "b"

    comparison = Comparison(lambda: told.put(None), look, period_s=0.001)
    assert exhausted.wait(LONG)
    comparison.close()
    assert told.qsize() == 1


def test_a_comparison_in_a_hurry_announces_at_once_and_again() -> None:
    told: queue.Queue[None] = queue.Queue()
    comparison = Comparison(lambda: told.put(None), lambda: "same", period_s=LONG, settle_s=0.01)
    comparison.look()
    told.get(timeout=LONG)
    told.get(timeout=LONG)
    comparison.close()
    assert told.empty()
