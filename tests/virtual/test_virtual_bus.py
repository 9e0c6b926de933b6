"""The desk: what is seen, opened and waited for, and how failures come out as faults."""

from __future__ import annotations

import threading

import pytest
from support.clock import FastClock
from support.virtual_desk import LONG, Desk

from app.clock import RealClock
from app.faults import AccessDenied, BoardGone, BoardSilent, BusFailed, PortBusy, TransferStalled
from app.transports.base import Bus, SerialPipe, UsbPipe
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.enumeration import Exchange
from app.virtual.mishaps import STANDARD_MISHAPS, Mishap
from app.virtual.timing import Timing

GETSTATUS = (0xA1, 3, 0, 0, 6, 500)
PATIENCE = 20.0  # seconds of real time after which a thread counts as stuck


class GateClock(FastClock):
    """A clock on which waiting takes until somebody opens the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.waiting = threading.Event()
        self.gate = threading.Event()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if self.closed:
            self.waiting.set()
            assert self.gate.wait(PATIENCE)
        return super().wait(event, seconds)


def usb(desk: Desk) -> UsbPipe:
    return desk.bus.open_usb(desk.bus.sightings()[0])


def serial(desk: Desk, baud: int = 9600) -> SerialPipe:
    return desk.bus.open_serial(desk.bus.sightings()[0], baud)


def test_desk_is_a_bus() -> None:
    bus: Bus = VirtualBus(FastClock())
    assert bus.sightings() == []
    bus.close()


def test_address_changes_with_each_enumeration_and_the_port_does_not() -> None:
    desk = Desk("photon")
    first = desk.bus.sightings()[0]
    assert desk.bus.sightings()[0] == first
    desk.dfu()
    second = desk.bus.sightings()[0]
    assert second.port_path == first.port_path == "1-1"
    assert second.address > first.address


def test_boards_are_plugged_side_by_side() -> None:
    clock = FastClock()
    boards = [make(name, clock) for name in ("photon", "electron")]
    bus = VirtualBus(clock, boards)
    clock.pause(LONG)
    assert [(seen.port_path, seen.product, seen.serial_port) for seen in bus.sightings()] == [
        ("1-1", 0xC006, "/dev/ttyVIRTUAL0"),
        ("1-2", 0xC00A, "/dev/ttyVIRTUAL1"),
    ]
    with pytest.raises(ValueError, match="taken"):
        bus.plug(make("core", clock), "1-2")


def test_re_enumeration_takes_its_time() -> None:
    desk = Desk("photon")
    desk.hand.reset()
    assert desk.bus.sightings() == []
    desk.clock.pause(1.4)
    assert desk.bus.sightings() == []
    desk.clock.pause(0.2)
    assert len(desk.bus.sightings()) == 1


def test_old_sighting_cannot_be_opened() -> None:
    desk = Desk("photon")
    old = desk.bus.sightings()[0]
    desk.dfu()
    with pytest.raises(BoardGone):
        desk.bus.open_usb(old)
    with pytest.raises(BoardGone):
        desk.bus.open_serial(old, 9600)


def test_held_board_is_busy_until_it_is_closed() -> None:
    desk = Desk("photon")
    with usb(desk), serial(desk):
        with pytest.raises(PortBusy):
            usb(desk)
        with pytest.raises(PortBusy):
            serial(desk)
    usb(desk).close()
    serial(desk).close()


def test_closed_pipe_can_be_closed_again_and_carries_nothing() -> None:
    desk = Desk("photon")
    pipe = usb(desk)
    pipe.close()
    pipe.close()
    with pytest.raises(BoardGone):
        pipe.control_in(0x80, 6, 0x0100, 0, 18, 500)


def test_opening_the_port_sends_the_baud_rate_before_anything_else() -> None:
    desk = Desk("photon")
    serial(desk, 14400).close()
    assert [entry.setup[1] for entry in desk.board.wire] == [0x20, 0x22]
    desk.clock.pause(LONG)
    assert desk.board.light_pattern == "blinking yellow"


def test_board_in_dfu_mode_has_no_serial_port() -> None:
    desk = Desk("photon")
    desk.dfu()
    assert desk.bus.sightings()[0].serial_port is None
    with pytest.raises(BoardGone):
        serial(desk)


def test_control_transfers_go_both_ways() -> None:
    desk = Desk("core")
    desk.dfu()
    with usb(desk) as pipe:
        assert pipe.control_in(*GETSTATUS).hex() == "0a0000000a00"
        pipe.control_out(0x21, 4, 0, 0, b"", 500)
        pipe.select_alt(0, 1)
        assert pipe.control_in(*GETSTATUS).hex() == "000000000200"


def test_computer_refuses_an_alternate_setting_that_a_core_accepts_but_does_not_announce() -> None:
    desk = Desk("core")
    desk.dfu().alt(3)
    said = len(desk.board.wire)
    with usb(desk) as pipe, pytest.raises(BusFailed):
        pipe.select_alt(0, 3)
    assert len(desk.board.wire) == said


def test_serial_read_ends_when_its_time_is_over() -> None:
    desk = Desk("photon")
    with serial(desk) as pipe:
        began = desk.clock.now()
        assert pipe.read(300) == b""
        assert desk.clock.now() - began == pytest.approx(0.3)


def test_serial_answer_of_an_old_console_comes_in_small_pieces() -> None:
    desk = Desk("photon-0.6")
    desk.listening()
    with serial(desk) as pipe:
        pipe.write(b"v", 500)
        pieces = []
        while piece := pipe.read(500):
            pieces.append(piece)
    assert b"".join(pieces) == b"system firmware version: 0.6.3\n\r\n"
    assert len(pieces) > 5


def test_host_waits_for_a_busy_core_only_as_long_as_it_said() -> None:
    desk = Desk("core")
    desk.dfu().clear()
    with usb(desk) as pipe:
        pipe.control_out(0x21, 1, 0, 0, bytes.fromhex("4100000108"), 500)
        pipe.control_in(*GETSTATUS)
        began = desk.clock.now()
        with pytest.raises(BoardSilent):
            pipe.control_in(0xA1, 3, 0, 0, 6, 10)
        assert desk.clock.now() - began == pytest.approx(0.010)
        pipe.control_in(*GETSTATUS)


# --- waiting for changes ----------------------------------------------------------------------------------------------


def test_waiting_ends_when_the_board_appears_and_not_before() -> None:
    clock = FastClock()
    bus = VirtualBus(clock)
    assert bus.sightings() == []
    bus.plug(make("photon", clock))
    began = clock.now()
    assert bus.wait_for_change(10)
    assert bus.wait_for_change(10)
    assert clock.now() - began == pytest.approx(1.5)
    assert len(bus.sightings()) == 1
    assert not bus.wait_for_change(10)


def test_change_between_two_looks_is_not_lost() -> None:
    desk = Desk("photon")
    desk.bus.sightings()
    desk.bus.unplug(desk.board)
    assert desk.bus.wait_for_change(0)


@pytest.mark.parametrize("order", ["wake", "plug", "unplug", "reset"])
def test_sleeping_watcher_is_woken_from_another_thread(order: str) -> None:
    clock = RealClock()
    board = make("photon", clock, timing=Timing.ZERO)
    bus = VirtualBus(clock, [] if order == "plug" else [board])
    found: list[bool] = []
    asleep = threading.Event()

    def watch() -> None:
        bus.sightings()
        asleep.set()
        found.append(bus.wait_for_change(PATIENCE))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    assert asleep.wait(PATIENCE)
    if order == "wake":
        bus.wake()
    elif order == "plug":
        bus.plug(board)
    elif order == "unplug":
        bus.unplug(board)
    else:
        board.press("reset")
    thread.join(PATIENCE)
    assert found == [True]


def test_board_that_resets_itself_wakes_the_watcher() -> None:
    desk = Desk("photon")
    desk.bus.sightings()
    desk.set_baud(14400)
    began = desk.clock.now()
    assert desk.bus.wait_for_change(10)
    assert desk.clock.now() - began == pytest.approx(0.010)
    assert desk.bus.wait_for_change(10)
    assert desk.bus.sightings()[0].product == 0xD006


# --- threads ----------------------------------------------------------------------------------------------------------


def erase_in_a_thread(clock: GateClock) -> tuple[Desk, threading.Thread, list[object]]:
    """Begin an erase of a second in another thread and return while it is under way."""
    desk = Desk.__new__(Desk)
    desk.clock = clock
    desk.board = make("photon", clock)
    desk.bus = VirtualBus(clock, [desk.board])
    desk.board.press("mode")
    clock.pause(4)
    desk.board.release("mode")
    desk.board.press("reset")
    desk.board.press("mode")
    desk.board.release("reset")
    clock.pause(4)
    desk.board.release("mode")
    clock.pause(LONG)
    pipe = usb(desk)
    pipe.control_out(0x21, 1, 0, 0, bytes.fromhex("4100000A08"), 500)
    clock.closed = True
    result: list[object] = []

    def work() -> None:
        try:
            result.append(pipe.control_in(0xA1, 3, 0, 0, 6, 5000))
        except BoardGone as fault:
            result.append(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert clock.waiting.wait(PATIENCE)
    return desk, thread, result


def test_hands_and_eyes_are_never_held_up_by_a_transfer() -> None:
    clock = GateClock()
    desk, thread, result = erase_in_a_thread(clock)
    assert desk.board.light_pattern == "blinking yellow"
    assert desk.board.light().rgb == 0xFFFF00
    desk.board.press("mode")
    desk.board.release("mode")
    assert len(desk.bus.sightings()) == 1
    assert result == []
    clock.gate.set()
    thread.join(PATIENCE)
    assert result == [bytes.fromhex("000000000400")]


def test_cable_pulled_during_a_transfer_ends_it() -> None:
    clock = GateClock()
    desk, thread, result = erase_in_a_thread(clock)
    desk.bus.unplug(desk.board)
    clock.gate.set()
    thread.join(PATIENCE)
    assert [type(entry) for entry in result] == [BoardGone]


# --- mishaps ----------------------------------------------------------------------------------------------------------


def test_standard_mishaps_have_names_of_their_own() -> None:
    names = [mishap.name for mishap in STANDARD_MISHAPS]
    assert len(set(names)) == len(names)
    assert all(mishap != Mishap(mishap.name) for mishap in STANDARD_MISHAPS)


def test_board_goes_away_at_a_transfer_until_it_is_plugged_again() -> None:
    desk = Desk("core", mishap=Mishap(gone_at=2))
    desk.dfu()
    with usb(desk) as pipe:
        pipe.control_in(*GETSTATUS)
        with pytest.raises(BoardGone):
            pipe.control_in(*GETSTATUS)
        with pytest.raises(BoardGone):
            pipe.control_in(*GETSTATUS)
    desk.clock.pause(LONG)
    assert desk.bus.sightings() == []
    desk.bus.plug(desk.board)
    desk.hand.enter_dfu()
    desk.clock.pause(LONG)
    assert len(desk.bus.sightings()) == 1


def test_one_transfer_stalls() -> None:
    desk = Desk("core", mishap=Mishap(stall_at=1))
    desk.dfu()
    with usb(desk) as pipe:
        with pytest.raises(TransferStalled):
            pipe.control_in(*GETSTATUS)
        pipe.control_in(*GETSTATUS)


def test_silent_transfer_takes_the_whole_time_limit() -> None:
    desk = Desk("core", mishap=Mishap(silent_at=1))
    desk.dfu()
    with usb(desk) as pipe:
        began = desk.clock.now()
        with pytest.raises(BoardSilent):
            pipe.control_in(*GETSTATUS)
        assert desk.clock.now() - began == pytest.approx(0.5)
        pipe.control_in(*GETSTATUS)


def test_deaf_board_stays_silent() -> None:
    desk = Desk("core", mishap=Mishap(silent_from=2))
    desk.dfu()
    with usb(desk) as pipe:
        pipe.control_in(*GETSTATUS)
        for _ in range(3):
            with pytest.raises(BoardSilent):
                pipe.control_in(*GETSTATUS)


def test_serial_port_of_a_deaf_board_takes_and_says_nothing() -> None:
    desk = Desk("photon")
    desk.listening()
    with serial(desk) as pipe:
        pipe.write(b"i", 500)
        desk.board.mishap = Mishap(silent_from=1)
        assert pipe.read(1000) == b""
        with pytest.raises(BoardSilent):
            pipe.write(b"i", 500)


def test_wrong_answer_has_its_first_byte_turned_over() -> None:
    desk = Desk("core", mishap=Mishap(wrong_at=1))
    desk.dfu()
    with usb(desk) as pipe:
        assert pipe.control_in(*GETSTATUS).hex() == "f50000000a00"
        assert pipe.control_in(*GETSTATUS).hex() == "0a0000000a00"


def test_denied_board_is_seen_but_not_opened() -> None:
    desk = Desk("photon", mishap=Mishap(denied=True))
    assert desk.bus.sightings()[0].denied
    with pytest.raises(AccessDenied):
        usb(desk)
    with pytest.raises(AccessDenied):
        serial(desk)


def test_board_in_other_hands_is_busy() -> None:
    desk = Desk("photon", mishap=Mishap(busy=True))
    with pytest.raises(PortBusy):
        usb(desk)
    with pytest.raises(PortBusy):
        serial(desk)


def test_board_never_returns_after_a_mode_change() -> None:
    desk = Desk("photon", mishap=Mishap(never_returns=True))
    assert len(desk.bus.sightings()) == 1
    desk.hand.enter_dfu()
    desk.clock.pause(LONG)
    assert desk.bus.sightings() == []
    assert desk.board.light_pattern == "blinking yellow"


def test_charging_cable_shows_nothing() -> None:
    desk = Desk("photon", mishap=Mishap(charge_only=True))
    assert desk.bus.sightings() == []
    assert desk.board.light_pattern == "breathing cyan"


def test_noise_comes_before_everything_the_port_says() -> None:
    desk = Desk("photon", mishap=Mishap(garbage=True))
    desk.listening()
    with serial(desk) as pipe:
        pipe.write(b"i", 500)
        heard = pipe.read(1000)
    assert heard[:2] == b"\x00\xff"
    assert b"Your device id is " in heard


@pytest.mark.parametrize("name", ["core-0.5", "photon"])
def test_another_board_comes_back(name: str) -> None:
    desk = Desk(name, mishap=Mishap(wrong_board=True))
    first = desk.bus.sightings()[0]
    desk.hand.reset()
    desk.clock.pause(LONG)
    second = desk.bus.sightings()[0]
    assert (second.port_path, second.product) == (first.port_path, first.product)
    assert second.serial != first.serial
    assert desk.listening().say(b"i").split()[-1].decode() == desk.board.device_id


# --- wire log ---------------------------------------------------------------------------------------------------------


def test_wire_log_keeps_what_was_said() -> None:
    desk = Desk("core")
    desk.dfu()
    with usb(desk) as pipe:
        pipe.control_in(*GETSTATUS)
        with pytest.raises(TransferStalled):
            pipe.control_out(0x21, 0, 1000, 0, b"", 500)
    assert [(entry.setup.hex(), entry.result) for entry in desk.board.wire] == [
        ("a103000000000600", bytes.fromhex("0a0000000a00")),
        ("2100e80300000000", "stall"),
    ]
    assert all(isinstance(entry, Exchange) for entry in desk.board.wire)
