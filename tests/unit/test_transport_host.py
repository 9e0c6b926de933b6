from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.clock import FastClock
from support.sysfs_tree import SysfsTree

from app import paths
from app.faults import AccessDenied, BoardGone, BusFailed, PortBusy
from app.transports import host_bus
from app.transports.base import SerialPipe, Sighting, UsbPipe
from app.transports.host_bus import HostBus, join, may_be_a_board
from app.transports.serial_bus import SerialBus, SerialPort
from app.transports.sysfs import Sysfs
from app.transports.usb_bus import LibusbPipe, UsbBus, UsbDevice


class Usb(UsbBus):
    """Opens by calling what the test gives, lists what the test gives."""

    def __init__(self, opening: Callable[[], UsbPipe] | None = None) -> None:
        super().__init__(FastClock(), load_backend=lambda: None)
        self.opening = opening
        self.listed: list[UsbDevice] = []
        self.told: tuple[str | None, str | None] = ("Photon", "abc")
        self.asked = 0

    def devices(self) -> list[UsbDevice]:
        return list(self.listed)

    def strings(self, device: UsbDevice) -> tuple[str | None, str | None]:
        self.asked += 1
        return self.told

    def open(self, port_path: str, address: int) -> UsbPipe:
        assert self.opening is not None
        return self.opening()


class Ports(SerialBus):
    def __init__(self, ports: tuple[SerialPort, ...] = (), opening: Callable[[], SerialPipe] | None = None) -> None:
        super().__init__()
        self.listed = ports
        self.opening = opening

    def ports(self) -> tuple[SerialPort, ...]:
        return self.listed

    def open(self, name: str, baud: int) -> SerialPipe:
        assert self.opening is not None
        return self.opening()


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path)


def on_sysfs(tree: SysfsTree, usb: UsbBus | None = None, ports: SerialBus | None = None) -> HostBus:
    return HostBus(sysfs=Sysfs(tree.system, tree.nodes), usb=usb or Usb(), ports=ports, clock=FastClock())


def on_libusb(tmp_path: Path, usb: UsbBus, ports: SerialBus) -> HostBus:
    return HostBus(sysfs=Sysfs(tmp_path / "none", tmp_path), usb=usb, ports=ports, clock=FastClock())


def test_the_bus_needs_neither_libusb_nor_qt_to_be_imported() -> None:
    code = (
        "import sys, app.transports.host_bus as host; bus = host.HostBus(); bus.sightings(); bus.close();"
        "print(*sorted({'usb', 'libusb_package', 'serial', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    if sys.platform == "linux":
        assert done.stdout.strip() == ""
    assert "PySide6" not in done.stdout


def test_boards_and_strangers_with_their_vendor_numbers_are_listed(tree: SysfsTree) -> None:
    tree.plug("1-1", vendor="1d50", product="607f")
    tree.plug("1-2", vendor="2b04", product="c00c")
    tree.plug("1-3", vendor="046d", product="c52b")
    bus = on_sysfs(tree)
    assert [seen.port_path for seen in bus.sightings()] == ["1-1", "1-2"]
    bus.close()


def test_the_access_rule_names_the_same_vendors() -> None:
    rule = paths.resource("udev/70-rekindle.rules").read_text(encoding="utf-8")
    found = {int(number, 16) for number in re.findall(r'idVendor}=="([0-9a-f]{4})"', rule)}
    assert found == {vendor for vendor in range(0x10000) if may_be_a_board(vendor, 0)}
    for line in rule.splitlines():
        if "idVendor" in line:
            assert 'TAG+="uaccess"' in line
            assert 'MODE="0660"' in line
            assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in line
            assert ('SUBSYSTEM=="usb"' in line) != ('SUBSYSTEM=="tty"' in line)
    assert rule.count('SUBSYSTEM=="tty"') == rule.count('SUBSYSTEM=="usb"') == len(found)


def test_the_access_rule_comes_before_those_that_act_on_its_tags() -> None:
    numbers = [int(path.name[:2]) for path in paths.resource("udev/70-rekindle.rules").parent.glob("*.rules")]
    assert numbers
    assert all(number < 73 for number in numbers), "73-seat-late.rules acts on uaccess"


SIGHTING = Sighting("1-2.3", 7, 0x1D50, 0x607F, None, None, 0x0200, None)


def test_a_new_node_gets_a_moment_until_its_permissions_are_set(tree: SysfsTree) -> None:
    tree.plug()
    refusals = [AccessDenied("x"), AccessDenied("x")]

    pipe = LibusbPipe(None, None, lambda error: BusFailed(str(error)))

    def opening() -> UsbPipe:
        if refusals:
            raise refusals.pop()
        return pipe

    bus = on_sysfs(tree, Usb(opening))
    assert bus.open_usb(SIGHTING) is pipe
    bus.close()


def refuse(fault: Exception) -> Callable[[], UsbPipe]:
    def opening() -> UsbPipe:
        raise fault

    return opening


def test_a_node_that_stays_denied_is_reported_in_the_end(tree: SysfsTree) -> None:
    tree.plug()
    bus = on_sysfs(tree, Usb(refuse(AccessDenied("x"))))
    with pytest.raises(AccessDenied):
        bus.open_usb(SIGHTING)
    bus.close()


def test_a_busy_board_names_the_program_that_holds_it(tree: SysfsTree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.plug()
    original = OSError(16, "busy")
    busy = PortBusy("libusb -6")
    busy.__cause__ = original
    asked: list[str] = []

    def holder(node: str) -> str:
        asked.append(node)
        return "dfu-util (process 12)"

    monkeypatch.setattr(host_bus, "holder_of", holder)
    bus = on_sysfs(tree, Usb(refuse(busy)))
    with pytest.raises(PortBusy, match=r"dfu-util \(process 12\)") as caught:
        bus.open_usb(SIGHTING)
    assert caught.value.__cause__ is original
    assert "dfu-util (process 12)" in caught.value.cause.english()
    assert asked == [str(tree.node("1-2.3", 7))]
    bus.close()


def test_a_busy_board_whose_holder_does_not_show_is_still_busy(
    tree: SysfsTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.plug()
    monkeypatch.setattr(host_bus, "holder_of", lambda node: None)
    bus = on_sysfs(tree, Usb(refuse(PortBusy("libusb -6"))))
    with pytest.raises(PortBusy, match="libusb -6"):
        bus.open_usb(SIGHTING)
    bus.close()


def test_a_board_without_serial_port_has_none_to_open(tree: SysfsTree) -> None:
    tree.plug()
    bus = on_sysfs(tree)
    with pytest.raises(BoardGone):
        bus.open_serial(SIGHTING, 9600)
    bus.close()


def test_a_terminal_name_that_another_board_may_have_by_now_is_not_opened(tree: SysfsTree) -> None:
    tree.plug(address=8, terminals=("ttyACM0",))
    seen = Sighting("1-2.3", 7, 0x1D50, 0x607D, None, None, 0x0200, str(tree.nodes / "ttyACM0"))
    bus = on_sysfs(tree)
    with pytest.raises(BoardGone):
        bus.open_serial(seen, 9600)
    bus.close()


def test_waking_ends_a_wait(tree: SysfsTree) -> None:
    bus = on_sysfs(tree)
    bus.wake()
    assert bus.wait_for_change(20)
    bus.close()


def test_closing_twice_does_no_harm(tree: SysfsTree) -> None:
    bus = on_sysfs(tree)
    bus.close()
    bus.close()
    assert bus.wait_for_change(20) is False


# --- without sysfs ----------------------------------------------------------------------------------------------------

PHOTON = UsbDevice("20-2.1", 5, 0x2B04, 0xC006, 0x0250, 2, 3)


def port(name: str, location: str | None, serial: str | None = None, product: int = 0xC006) -> SerialPort:
    return SerialPort(name, 0x2B04, product, serial, location)


def test_without_sysfs_libusb_lists_and_the_port_is_joined(tmp_path: Path) -> None:
    usb = Usb()
    usb.listed = [PHOTON, UsbDevice("20-1", 4, 0x046D, 0xC52B, 0x0100, 1, 0)]
    bus = on_libusb(tmp_path, usb, Ports((port("COM5", "20-2.1"),)))
    assert bus.sightings() == (Sighting("20-2.1", 5, 0x2B04, 0xC006, "abc", "Photon", 0x0250, "COM5"),)
    bus.close()


def test_strings_are_read_once_per_enumeration(tmp_path: Path) -> None:
    usb = Usb()
    usb.listed = [PHOTON]
    bus = on_libusb(tmp_path, usb, Ports())
    bus.sightings()
    bus.sightings()
    assert usb.asked == 1
    usb.listed = [UsbDevice("20-2.1", 6, 0x2B04, 0xD006, 0x0250, 2, 3)]
    bus.sightings()
    assert usb.asked == 2
    bus.close()


def test_a_device_that_tells_nothing_is_left_alone_after_a_few_tries(tmp_path: Path) -> None:
    usb = Usb()
    usb.listed, usb.told = [PHOTON], (None, None)
    bus = on_libusb(tmp_path, usb, Ports((port("COM5", None, "FROM-THE-REGISTRY"),)))
    for _ in range(10):
        (seen,) = bus.sightings()
    assert seen.serial == "FROM-THE-REGISTRY"
    assert usb.asked == 3
    bus.close()


def test_the_same_place_joins_a_port() -> None:
    other = UsbDevice("20-3", 6, 0x2B04, 0xC006, 0x0250, 2, 3)
    ports = (port("COM5", "20-3"), port("COM6", "20-2.1"))
    assert join([PHOTON, other], ports) == {other: ports[0], PHOTON: ports[1]}


def test_bus_numbers_that_two_lists_count_differently_do_not_matter() -> None:
    found = port("COM5", "1-2.1")
    assert join([PHOTON], (found,)) == {PHOTON: found}


def test_the_only_one_of_its_kind_is_joined_without_a_place() -> None:
    found = port("COM5", None)
    assert join([PHOTON], (found,)) == {PHOTON: found}


def test_a_port_that_fits_two_boards_is_given_to_none() -> None:
    other = UsbDevice("20-3", 6, 0x2B04, 0xC006, 0x0250, 2, 3)
    assert join([PHOTON, other], (port("COM5", None),)) == {}
    assert join([PHOTON], (port("COM5", None), port("COM6", None))) == {}


def test_a_second_port_of_one_board_is_not_given_to_its_neighbour() -> None:
    other = UsbDevice("20-3", 6, 0x2B04, 0xC006, 0x0250, 2, 3)
    first, second = port("COM5", "20-2.1"), port("COM6", "20-2.1")
    assert join([PHOTON, other], (second, first)) == {PHOTON: first}


def test_a_port_of_another_product_is_not_joined() -> None:
    assert join([PHOTON], (port("COM5", "20-2.1", product=0xC008),)) == {}
