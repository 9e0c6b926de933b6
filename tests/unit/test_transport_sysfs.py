from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.sysfs_tree import SysfsTree

from app.transports.base import Sighting
from app.transports.holder import holder_of
from app.transports.sysfs import Sysfs


@pytest.fixture
def tree(tmp_path: Path) -> SysfsTree:
    return SysfsTree(tmp_path)


def everything(vendor: int, product: int) -> bool:
    return True


def seen_on(tree: SysfsTree) -> tuple[Sighting, ...]:
    return tuple(Sysfs(tree.system, tree.nodes).sightings(everything))


def test_a_board_in_dfu_is_read_from_its_files(tree: SysfsTree) -> None:
    tree.plug()
    assert seen_on(tree) == (Sighting("1-2.3", 7, 0x1D50, 0x607F, "8D7028785355", "CORE DFU ", 0x0250, None),)


def test_the_first_interface_with_a_terminal_gives_the_serial_port(tree: SysfsTree) -> None:
    tree.plug(terminals=("ttyACM3", "ttyACM1"))
    assert [seen.serial_port for seen in seen_on(tree)] == [str(tree.nodes / "ttyACM3")]


def test_strings_a_device_does_not_have_are_none(tree: SysfsTree) -> None:
    tree.plug(serial=None, product_name=None)
    (seen,) = seen_on(tree)
    assert (seen.serial, seen.product_name) == (None, None)


def test_strings_that_are_no_text_do_no_harm(tree: SysfsTree) -> None:
    tree.plug(product_name=b"Photon\xff\0\0")
    assert [seen.product_name for seen in seen_on(tree)] == ["Photon\N{REPLACEMENT CHARACTER}"]


def test_hubs_root_hubs_and_interfaces_are_left_out(tree: SysfsTree) -> None:
    tree.plug("1-1", device_class="09")
    tree.plug("1-1.4")
    (tree.devices / "usb1").mkdir()
    (tree.devices / "1-1:1.0").mkdir()
    assert [seen.port_path for seen in seen_on(tree)] == ["1-1.4"]


def test_only_what_is_interesting_is_listed(tree: SysfsTree) -> None:
    tree.plug("1-1", vendor="2b04", product="c006")
    tree.plug("1-2", vendor="046d", product="c52b")
    seen = Sysfs(tree.system, tree.nodes).sightings(lambda vendor, product: (vendor, product) == (0x2B04, 0xC006))
    assert [one.port_path for one in seen] == ["1-1"]


def test_ports_are_listed_in_the_order_of_their_numbers(tree: SysfsTree) -> None:
    for name in ("1-10", "1-9.2", "2-1", "1-9"):
        tree.plug(name)
    assert [seen.port_path for seen in seen_on(tree)] == ["1-9", "1-9.2", "1-10", "2-1"]


@pytest.mark.parametrize("missing", ["idVendor", "idProduct", "devnum", "bcdDevice"])
def test_a_board_unplugged_while_it_is_read_is_left_out(tree: SysfsTree, missing: str) -> None:
    (tree.plug() / missing).unlink()
    assert seen_on(tree) == ()


def test_a_kernel_without_usb_has_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "sys" / "bus").mkdir(parents=True)
    sysfs = Sysfs(tmp_path / "sys", tmp_path / "dev")
    assert sysfs.available()
    assert sysfs.sightings(everything) == ()


def test_without_sysfs_it_says_so(tmp_path: Path) -> None:
    assert not Sysfs(tmp_path / "sys", tmp_path / "dev").available()


def test_present_means_the_same_enumeration_in_the_same_port(tree: SysfsTree) -> None:
    tree.plug("1-2.3", address=7)
    sysfs = Sysfs(tree.system, tree.nodes)
    assert sysfs.present("1-2.3", 7)
    assert not sysfs.present("1-2.3", 8)
    assert not sysfs.present("1-2", 7)


@pytest.mark.parametrize(("terminals", "denied"), [((), "1-2.3"), (("ttyACM0",), "ttyACM0")])
def test_denied_is_asked_of_the_node_that_will_be_opened(
    tree: SysfsTree, monkeypatch: pytest.MonkeyPatch, terminals: tuple[str, ...], denied: str
) -> None:
    tree.plug(terminals=terminals)
    node = tree.node("1-2.3", 7) if not terminals else tree.nodes / "ttyACM0"
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != node)
    assert [seen.denied for seen in seen_on(tree)] == [True], denied
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) == node)
    assert [seen.denied for seen in seen_on(tree)] == [False]


def test_a_node_that_is_not_made_yet_is_not_called_denied(tree: SysfsTree) -> None:
    tree.plug()
    tree.node("1-2.3", 7).unlink()
    assert [seen.denied for seen in seen_on(tree)] == [False]


def test_names_differ_when_an_interface_appears(tree: SysfsTree) -> None:
    tree.plug("1-1")
    sysfs = Sysfs(tree.system, tree.nodes)
    before = sysfs.names()
    (tree.devices / "1-1:1.0").mkdir()
    assert sysfs.names() != before


def test_the_program_that_holds_a_node_is_named(tmp_path: Path) -> None:
    node = tmp_path / "ttyACM0"
    node.touch()
    for number, name, target in (("17", "sshd", "/dev/null"), ("4711", "screen", str(node))):
        (tmp_path / number / "fd").mkdir(parents=True)
        (tmp_path / number / "comm").write_text(name + "\n")
        (tmp_path / number / "fd" / "3").symlink_to(target)
    (tmp_path / "99").mkdir()  # a program that ends while we look
    assert holder_of(str(node), tmp_path) == "screen (process 4711)"
    assert holder_of("/dev/other", tmp_path) is None
    assert holder_of(str(node), tmp_path / "nothing-here") is None
