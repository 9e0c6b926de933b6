"""What every `Bus` must do, whatever is behind it."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import pytest
from contract.conftest import Desk

from app.clock import Deadline
from app.faults import AccessDenied, BoardGone, BoardSilent, BusFailed, PortBusy, TransferStalled
from app.virtual.mishaps import Mishap

DEVICE_DESCRIPTOR = (0x80, 6, 0x0100, 0)


def test_a_sighting_says_where_and_what(desk: Desk) -> None:
    seen = desk.sighting()
    assert re.fullmatch(r"\d+-\d+(\.\d+)*", seen.port_path)
    assert (seen.vendor, seen.product) in {(0x2B04, 0xC006), (0x2B04, 0xC008), (0x2B04, 0xC00A), (0x1D50, 0x607D)}
    assert seen.serial is not None
    assert seen.product_name is not None
    assert "\0" not in seen.serial + seen.product_name
    assert seen.serial_port
    assert not seen.denied


def test_listing_twice_says_the_same(desk: Desk) -> None:
    assert list(desk.bus.sightings()) == list(desk.bus.sightings())


def test_a_board_keeps_its_port_and_changes_its_address_when_it_changes_its_mode(desk: Desk) -> None:
    before = desk.sighting()
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    after = desk.sighting()
    assert after.port_path == before.port_path
    assert after.address != before.address
    assert (after.vendor, after.product) == (0x2B04, 0xD006)
    assert after.serial_port is None


def test_an_old_sighting_cannot_be_opened(desk: Desk) -> None:
    seen = desk.sighting()
    stale = replace(seen, address=seen.address + 1)
    with pytest.raises(BoardGone):
        desk.bus.open_usb(stale)
    with pytest.raises(BoardGone):
        desk.bus.open_serial(stale, 9600)


def test_an_empty_port_cannot_be_opened(desk: Desk) -> None:
    nowhere = replace(desk.sighting(), port_path="1-14.7")
    with pytest.raises(BoardGone):
        desk.bus.open_usb(nowhere)


def test_an_answer_is_as_long_as_the_board_makes_it_and_never_longer_than_asked(desk: Desk) -> None:
    seen = desk.sighting()
    with desk.bus.open_usb(seen) as pipe:
        whole = pipe.control_in(*DEVICE_DESCRIPTOR, 64, 1000)
        assert len(whole) == 18
        assert int.from_bytes(whole[8:10], "little") == seen.vendor
        assert int.from_bytes(whole[10:12], "little") == seen.product
        assert pipe.control_in(*DEVICE_DESCRIPTOR, 8, 1000) == whole[:8]


def test_a_refused_request_stalls_and_the_pipe_goes_on(desk: Desk) -> None:
    with desk.bus.open_usb(desk.sighting()) as pipe:
        with pytest.raises(TransferStalled):
            pipe.control_in(0x80, 6, 0x7F00, 0, 64, 1000)
        assert len(pipe.control_in(*DEVICE_DESCRIPTOR, 18, 1000)) == 18


def test_a_closed_pipe_may_be_closed_again_and_is_of_no_use(desk: Desk) -> None:
    pipe = desk.bus.open_usb(desk.sighting())
    pipe.close()
    pipe.close()
    with pytest.raises(BoardGone):
        pipe.control_in(*DEVICE_DESCRIPTOR, 18, 1000)


def test_a_board_in_dfu_answers_on_the_chosen_setting(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    with desk.bus.open_usb(desk.sighting()) as pipe:
        pipe.select_alt(0, 1)
        assert pipe.control_in(0xA1, 3, 0, 0, 6, 1000)[4] == 2  # dfuIDLE


@pytest.mark.parametrize(("interface", "alt"), [(0, 7), (3, 0)])
def test_what_the_configuration_does_not_announce_is_refused_by_the_computer(
    desk: Desk, interface: int, alt: int
) -> None:
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    with desk.bus.open_usb(desk.sighting()) as pipe:
        with pytest.raises(BusFailed):
            pipe.select_alt(interface, alt)
        pipe.select_alt(0, 1)


def test_a_class_request_to_an_interface_that_is_not_there_never_reaches_the_board(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    with desk.bus.open_usb(desk.sighting()) as pipe, pytest.raises(BusFailed):
        pipe.control_in(0xA1, 3, 0, 5, 6, 1000)


def test_interfaces_of_the_serial_port_belong_to_its_driver(desk: Desk) -> None:
    with desk.bus.open_usb(desk.sighting()) as pipe:
        with pytest.raises(PortBusy):
            pipe.select_alt(0, 0)
        with pytest.raises(PortBusy):
            pipe.control_in(0xA1, 0x21, 0, 1, 7, 1000)
        assert len(pipe.control_in(*DEVICE_DESCRIPTOR, 18, 1000)) == 18


def test_two_programs_cannot_use_one_dfu_interface(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    seen = desk.sighting()
    with desk.bus.open_usb(seen) as pipe:
        pipe.select_alt(0, 0)
        with pytest.raises(PortBusy), desk.bus.open_usb(seen) as second:
            second.select_alt(0, 0)
    with desk.bus.open_usb(seen) as pipe:
        pipe.select_alt(0, 0)


def test_a_board_without_serial_port_has_none_to_open(desk: Desk) -> None:
    desk.hand.enter_dfu()
    desk.clock.pause(3)
    with pytest.raises(BoardGone):
        desk.bus.open_serial(desk.sighting(), 9600)


def test_unplugging_ends_what_is_open(desk: Desk) -> None:
    seen = desk.sighting()
    with desk.bus.open_usb(seen) as pipe, desk.bus.open_serial(seen, 9600) as serial:
        desk.unplug()
        with pytest.raises(BoardGone):
            pipe.control_in(*DEVICE_DESCRIPTOR, 18, 1000)
        with pytest.raises(BoardGone):
            serial.read(100)
        with pytest.raises(BoardGone):
            serial.write(b"i", 100)
        with pytest.raises(BoardGone):
            serial.set_baud(14400)
    assert list(desk.bus.sightings()) == []


def test_a_board_that_does_not_answer_is_silent_after_the_time_limit(desk: Desk) -> None:
    with desk.bus.open_usb(desk.sighting()) as pipe:
        desk.virtual_board.mishap = Mishap("silent", silent_from=1)
        began = desk.clock.now()
        with pytest.raises(BoardSilent):
            pipe.control_in(0xC0, 0x50, 0, 30, 64, 300)
        assert desk.clock.now() - began == pytest.approx(0.3, abs=0.05)


def test_a_denied_board_says_so_when_listed_and_when_opened(desk: Desk) -> None:
    desk.virtual_board.mishap = Mishap("denied", denied=True)
    seen = desk.sighting()
    assert seen.denied
    with pytest.raises(AccessDenied):
        desk.bus.open_usb(seen)
    with pytest.raises(AccessDenied):
        desk.bus.open_serial(seen, 9600)


def test_a_held_board_is_busy(desk: Desk) -> None:
    desk.virtual_board.mishap = Mishap("busy", busy=True)
    with pytest.raises(PortBusy):
        desk.bus.open_serial(desk.sighting(), 9600)


def test_a_serial_port_is_held_by_one_program_and_free_afterwards(desk: Desk) -> None:
    seen = desk.sighting()
    with desk.bus.open_serial(seen, 9600), pytest.raises(PortBusy):
        desk.bus.open_serial(seen, 9600)
    desk.bus.open_serial(seen, 9600).close()


def test_reading_returns_nothing_when_nothing_comes_in_time(desk: Desk) -> None:
    with desk.bus.open_serial(desk.sighting(), 9600) as pipe:
        assert pipe.read(50) == b""


def test_a_listening_board_answers_on_its_serial_port(desk: Desk) -> None:
    desk.hand.enter_listening()
    desk.clock.pause(1)
    with desk.bus.open_serial(desk.sighting(), 9600) as pipe:
        pipe.write(b"v", 500)
        answer = bytearray()
        deadline = Deadline(desk.clock, 2)
        while b"\r\n" not in answer and not deadline.passed():
            chunk = pipe.read(100)
            assert len(chunk) <= 4096
            answer += chunk
    assert answer.startswith(b"system firmware version: ")


def test_opening_at_a_magic_rate_makes_the_board_come_back_in_dfu(desk: Desk) -> None:
    before = desk.sighting()
    _ = desk.virtual_board
    with desk.bus.open_serial(before, 14400):
        desk.clock.pause(1)
    desk.clock.pause(5)
    after = desk.sighting()
    assert after.product == 0xD006
    assert after.port_path == before.port_path


def test_a_closed_serial_pipe_may_be_closed_again_and_is_of_no_use(desk: Desk) -> None:
    pipe = desk.bus.open_serial(desk.sighting(), 9600)
    pipe.close()
    pipe.close()
    with pytest.raises(BoardGone):
        pipe.set_baud(19200)
    with pytest.raises(BoardGone):
        pipe.write(b"i", 100)
    with pytest.raises(BoardGone):
        pipe.read(100)


def test_waiting_ends_without_a_change_when_the_time_is_over(desk: Desk) -> None:
    desk.bus.sightings()
    assert desk.bus.wait_for_change(0.01) is False


def test_unplugging_and_plugging_in_end_a_wait(desk: Desk) -> None:
    desk.sighting()
    desk.unplug()
    assert desk.bus.wait_for_change(20) is True
    assert list(desk.bus.sightings()) == []
    desk.plug_again()
    assert desk.bus.wait_for_change(20) is True


def test_waking_before_or_during_a_wait_ends_it(desk: Desk) -> None:
    desk.bus.sightings()
    waking = threading.Thread(target=desk.bus.wake)
    waking.start()
    waking.join()
    assert desk.bus.wait_for_change(20) is True


def test_closing_twice_does_no_harm(desk: Desk) -> None:
    desk.bus.close()
    desk.bus.close()
