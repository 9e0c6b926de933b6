"""Every protocol operation on every practice board: two readings of one specification that have to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from support.clock import FastClock

from app.faults import BoardGone, DfuRefused, Fault, TransferStalled, WrongAnswer
from app.platforms.identify import boot_loader_of, identify
from app.platforms.model import Mode, Platform
from app.protocols import requests
from app.protocols.dfu import DfuSession, DfuState
from app.protocols.listening import ListeningConsole
from app.protocols.modules import ModuleFunction
from app.transports.base import Sighting, UsbPipe
from app.virtual.board import Phase, VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import STANDARD_MISHAPS, Mishap
from app.virtual.personality import CORE_BOOT_LOADERS, F2_BOOT_LOADERS, FIRMWARES, Firmware

BOARDS = sorted(HEALTHY_BOARDS)
CORES = [name for name in BOARDS if name.startswith("core")]
OTHERS = [name for name in BOARDS if name not in CORES]
BOOT_LOADERS = [
    *(("core", key) for key in CORE_BOOT_LOADERS),
    *((name, key) for name in ("photon", "p1", "electron") for key in F2_BOOT_LOADERS),
]
BAUD = 9600
RETURN_S = 10.0


class Desk:
    """One practice board on the bus."""

    def __init__(self, name: str, **options: object) -> None:
        self.clock = FastClock()
        self.board: VirtualBoard = make(name, self.clock, **{"profiles": True, **options})  # type: ignore[arg-type]
        self.bus = VirtualBus(self.clock, [self.board])
        self.hand = PracticeHand(self.board)
        self.clock.pause(RETURN_S)

    def seen(self) -> tuple[Sighting, Platform, Mode]:
        (sighting,) = self.bus.sightings()
        found = identify(sighting.vendor, sighting.product, sighting.product_name)
        assert found is not None
        return sighting, *found

    def enter_dfu(self) -> None:
        self.hand.enter_dfu()
        self.clock.pause(RETURN_S)
        assert self.seen()[2] is Mode.DFU

    @contextmanager
    def usb(self) -> Iterator[UsbPipe]:
        with self.bus.open_usb(self.seen()[0]) as pipe:
            yield pipe

    @contextmanager
    def dfu(self) -> Iterator[DfuSession]:
        sighting, platform, _ = self.seen()
        loader = boot_loader_of(platform, sighting.serial, sighting.release)
        quirks = loader.quirks if loader else platform.boot_loaders[0].quirks
        with self.bus.open_usb(sighting) as pipe, DfuSession(pipe, quirks=quirks, clock=self.clock) as session:
            yield session

    @contextmanager
    def console(self) -> Iterator[ListeningConsole]:
        with self.bus.open_serial(self.seen()[0], BAUD) as pipe:
            yield ListeningConsole(pipe, self.clock)

    def memory(self, alt: int, address: int) -> tuple[bytearray, int]:
        """The board's memory behind an address, and the offset in it."""
        if address >= 0x0800_0000:
            return self.board.internal, address - 0x0800_0000
        if self.seen()[1].key == "core":
            return self.board.spi, address
        assert alt == 1
        return self.board.dct, address


def in_dfu(name: str, **options: object) -> Desk:
    desk = Desk(name, **options)
    desk.enter_dfu()
    return desk


def listening(name: str, **options: object) -> Desk:
    desk = Desk(name, **options)
    desk.hand.enter_listening()
    desk.clock.pause(1.0)
    return desk


# --- settle ---------------------------------------------------------------------------------------------


def leave_alone(_: UsbPipe) -> None:
    """What the board is like at entry."""


def leave_a_command_unfinished(pipe: UsbPipe) -> None:
    pipe.control_out(0x21, 1, 0, 0, bytes.fromhex("4100000e08"), 1000)


def leave_an_erase_without_its_second_getstatus(pipe: UsbPipe) -> None:
    pipe.control_out(0x21, 1, 0, 0, bytes.fromhex("2100000208"), 1000)
    pipe.control_in(0xA1, 3, 0, 0, 6, 6000)


def leave_it_between_downloads(pipe: UsbPipe) -> None:
    leave_an_erase_without_its_second_getstatus(pipe)
    pipe.control_in(0xA1, 3, 0, 0, 6, 6000)


def leave_it_between_uploads(pipe: UsbPipe) -> None:
    pipe.control_in(0xA1, 2, 2, 0, 64, 1000)


def leave_it_about_to_manifest(pipe: UsbPipe) -> None:
    pipe.control_out(0x21, 1, 2, 0, b"", 1000)


def leave_an_illegal_state(pipe: UsbPipe) -> None:
    with pytest.raises(TransferStalled):
        pipe.control_in(0xA1, 2, 1, 0, 64, 1000)
    assert pipe.control_in(0xA1, 5, 0, 0, 1, 1000) == b"\x0f"


def leave_an_error(pipe: UsbPipe) -> None:
    pipe.control_out(0x21, 4, 0, 0, b"", 1000)


@pytest.mark.parametrize(
    "leave",
    [
        leave_a_command_unfinished,
        leave_an_erase_without_its_second_getstatus,
        leave_it_between_downloads,
        leave_it_between_uploads,
        leave_it_about_to_manifest,
        leave_an_illegal_state,
        leave_an_error,
    ],
)
@pytest.mark.parametrize("name", BOARDS)
def test_settle_brings_every_board_to_idle_from_any_state_and_changes_no_memory(
    name: str, leave: Callable[[UsbPipe], None]
) -> None:
    desk = in_dfu(name)
    with desk.dfu() as session:
        session.settle()
    before = bytes(desk.board.internal)
    with desk.usb() as pipe:
        leave(pipe)
    with desk.dfu() as session:
        session.settle()
        assert session.status().state == DfuState.IDLE
    assert bytes(desk.board.internal) == before


@pytest.mark.parametrize("name", BOARDS)
def test_settle_takes_a_board_as_it_is_at_entry(name: str) -> None:
    desk = in_dfu(name)
    with desk.dfu() as session:
        at_entry = session.status()
        assert (at_entry.state == DfuState.ERROR) == (name in CORES)
        session.settle()
        assert session.status().state == DfuState.IDLE


# --- memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOARDS)
def test_every_key_slot_is_read_as_it_stands_in_memory(name: str) -> None:
    desk = in_dfu(name)
    for slot in desk.seen()[1].key_slots:
        memory, offset = desk.memory(slot.alt, slot.address)
        memory[offset : offset + slot.size] = bytes((offset * 7 + at * 31) % 251 for at in range(slot.size))
        with desk.dfu() as session:
            session.settle()
            session.select(slot.alt)
            assert session.read(slot.address, slot.size) == bytes(memory[offset : offset + slot.size])


@pytest.mark.parametrize("name", BOARDS)
def test_the_layout_of_every_alternate_setting_agrees_with_the_board_table(name: str) -> None:
    desk = in_dfu(name)
    platform = desk.seen()[1]
    with desk.dfu() as session:
        assert set(session.layouts) == {alt.number for alt in platform.alts}
        for alt, base, units in zip(platform.alts, platform.bases, platform.erase_units, strict=True):
            at = base
            for run, found in zip(units, session.layouts[alt.number].segments, strict=True):
                assert (found.start, found.count, found.unit_size) == (at, run.count, run.size)
                at = found.end


@pytest.mark.parametrize(("name", "boot"), BOOT_LOADERS)
def test_internal_flash_is_erased_written_and_read_back(name: str, boot: str) -> None:
    desk = in_dfu(name, boot=boot)
    start = 0x0801_0000 if name in CORES else 0x080E_0000
    with desk.dfu() as session:
        session.settle()
        session.select(0)
        size = next(part.unit_size for part in session.layouts[0].segments if part.start <= start < part.end)
        before = session.read(start - 4, size + 4)
        session.settle()
        session.erase(start + size // 2)
        assert session.read(start - 4, size + 4) == before[:4] + b"\xff" * size
        block = bytes(at % 253 for at in range(session.transfer_size))
        session.settle()
        session.write(start, block)
        assert session.read(start, len(block)) == block
    offset = start - 0x0800_0000
    assert bytes(desk.board.internal[offset : offset + len(block)]) == block


@pytest.mark.parametrize("name", CORES)
def test_spi_flash_of_a_core_is_erased_written_and_read_back_even_with_an_odd_length(name: str) -> None:
    desk = in_dfu(name)
    desk.board.spi[0x1F_F000:0x1F_F010] = b"\0" * 16
    with desk.dfu() as session:
        session.settle()
        session.select(1)
        session.erase(0x1F_F000)
        session.write(0x1F_F000, b"odd length!")
        assert session.read(0x1F_F000, 16) == b"odd length!" + b"\xff" * 5


@pytest.mark.parametrize(("name", "boot"), [row for row in BOOT_LOADERS if row[0] != "core"])
def test_one_byte_in_the_dct_is_written_and_read_back(name: str, boot: str) -> None:
    desk = in_dfu(name, boot=boot)
    around = bytes(desk.board.dct[1750:1760])
    with desk.dfu() as session:
        session.settle()
        session.select(1)
        session.write(1753, b"\xa5")
        assert session.read(1750, 10) == around[:3] + b"\xa5" + around[4:]


@pytest.mark.parametrize("name", OTHERS)
def test_erasing_a_protected_sector_is_refused_and_the_session_goes_on(name: str) -> None:
    desk = in_dfu(name)
    before = bytes(desk.board.internal)
    with desk.dfu() as session:
        session.settle()
        with pytest.raises(DfuRefused, match="erase 0x08000000"):
            session.erase(0x0800_0000)
        session.settle()
        assert session.read(0x0800_0000, 64) == before[:64]
    assert bytes(desk.board.internal) == before


@pytest.mark.parametrize("name", BOARDS)
def test_a_whole_medium_is_read_block_by_block(name: str) -> None:
    desk = in_dfu(name)
    with desk.dfu() as session:
        session.settle()
        session.select(0)
        assert session.read(0x0800_0000, 128 * 1024) == bytes(desk.board.internal[: 128 * 1024])


def test_serial_flash_of_a_p1_is_reached_by_its_third_alternate_setting() -> None:
    desk = in_dfu("p1")
    with desk.dfu() as session:
        session.settle()
        session.select(2)
        session.erase(0xF_F000)
        session.write(0xF_F000, b"serial flash")
        assert session.read(0xF_F000, 16) == b"serial flash\xff\xff\xff\xff"


@pytest.mark.parametrize(("name", "boot"), BOOT_LOADERS)
def test_leave_starts_the_firmware(name: str, boot: str) -> None:
    desk = in_dfu(name, boot=boot)
    before = desk.seen()[0].address
    with desk.dfu() as session:
        session.leave()
        desk.clock.pause(RETURN_S)
        with pytest.raises(BoardGone):
            session.status()
    if name == "core":
        assert not desk.bus.sightings(), "a Core of 2014 shows no USB device while it runs (1.3)"
        assert desk.board.phase is Phase.FIRMWARE
        return
    sighting, _, mode = desk.seen()
    assert sighting.address != before
    assert mode is Mode.NORMAL


@pytest.mark.parametrize("name", BOARDS)
def test_unplugging_while_reading_says_board_gone(name: str) -> None:
    desk = in_dfu(name)

    def unplug(done: int, _: int) -> None:
        if done >= 8192:
            desk.bus.unplug(desk.board)

    with desk.dfu() as session:
        session.settle()
        with pytest.raises(BoardGone):
            session.read(0x0800_0000, 64 * 1024, unplug)


# --- the console ----------------------------------------------------------------------------------------

CONSOLES = [
    (name, firmware)
    for name in ("core", "photon", "p1", "electron")
    for firmware in FIRMWARES.values()
    if not (name == "core" and firmware.number >= (2, 0, 0)) and not (name != "core" and firmware.spark)
]


@pytest.mark.parametrize(("name", "firmware"), CONSOLES, ids=lambda value: getattr(value, "key", value))
def test_the_console_answers_as_its_generation_does(name: str, firmware: Firmware) -> None:
    desk = listening(name, firmware=firmware.key)
    since = firmware.number
    with desk.console() as console:
        identity = console.identity()
        assert identity is not None
        assert identity.device_id == desk.board.device_id
        assert bool(identity.imei) == bool(identity.iccid) == (name == "electron" and since >= (0, 4, 6))
        assert console.is_listening(within=1.0)
        assert (console.mac() is not None) == (since >= (0, 4, 0))
        assert (console.version() is not None) == (since >= (0, 4, 4))
        report = console.modules()
        assert (report is not None) == (since >= (0, 4, 0))
        if report is not None:
            assert report.platform == desk.seen()[1].number
            assert any(module.function is not ModuleFunction.NONE for module in report.modules)
        assert console.claimed() is (False if since >= (0, 6, 0) else None)


@pytest.mark.parametrize("name", BOARDS)
def test_noise_in_every_packet_may_hide_answers_but_never_makes_a_wrong_one(name: str) -> None:
    noisy, clean = listening(name, mishap=Mishap(garbage=True)), listening(name)

    def told_id(console: ListeningConsole) -> str | None:
        identity = console.identity()
        return identity.device_id if identity else None

    def answers(desk: Desk, question: Callable[[ListeningConsole], object]) -> object:
        with desk.console() as console:
            try:
                return question(console)
            except WrongAnswer:
                return None

    assert answers(clean, told_id) == clean.board.device_id
    for question in (
        told_id,
        ListeningConsole.mac,
        ListeningConsole.version,
        ListeningConsole.modules,
        ListeningConsole.claimed,
    ):
        assert answers(noisy, question) in (None, answers(clean, question))


@pytest.mark.parametrize("name", ["photon", "electron"])
def test_a_device_secret_never_comes_through_and_the_serial_number_does(name: str) -> None:
    desk = listening(name, secret="S3CR3TS3CR3TXYZ", serial_number="PH-0042")
    with desk.console() as console:
        identity = console.identity()
        assert identity is not None
        assert identity.serial_number == "PH-0042"
        assert "S3CR3T" not in repr(identity)


@pytest.mark.parametrize("name", OTHERS)
def test_a_board_that_runs_its_program_is_not_listening(name: str) -> None:
    desk = Desk(name)
    with desk.console() as console:
        assert not console.is_listening(within=1.0)


# --- control requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OTHERS)
def test_control_requests_are_answered_as_the_generation_can(name: str) -> None:
    desk = Desk(name)
    early = name == "photon-0.5"
    with desk.usb() as pipe:
        assert requests.device_id(pipe, desk.clock) == (None if early else desk.board.device_id)
        assert (requests.system_version(pipe, desk.clock) is None) == early
        mode = requests.device_mode(pipe, desk.clock)
        assert mode in ((None,) if name.startswith("photon-0") else (Mode.NORMAL,))
        report = requests.module_info(pipe, desk.clock)
        assert (report is None) == name.startswith("photon-0")
        assert requests.claimed(pipe, desk.clock) is (None if name.startswith("photon-0") else False)


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "photon-0.5"])
def test_a_control_request_brings_the_board_into_dfu(name: str) -> None:
    desk = Desk(name)
    with desk.usb() as pipe:
        assert requests.enter_dfu(pipe, desk.clock)
    desk.clock.pause(RETURN_S)
    assert desk.seen()[2] is Mode.DFU


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "photon-0.5"])
def test_a_control_request_makes_the_board_listen(name: str) -> None:
    desk = Desk(name)
    with desk.usb() as pipe:
        assert requests.start_listening(pipe, desk.clock)
    desk.clock.pause(RETURN_S)
    with desk.console() as console:
        assert console.is_listening(within=1.0)
    if name not in ("photon-0.6", "photon-0.7"):
        with desk.usb() as pipe:
            assert requests.device_mode(pipe, desk.clock) is Mode.LISTENING


def test_firmware_without_control_requests_says_no_to_every_order() -> None:
    desk = Desk("photon-0.5")
    with desk.usb() as pipe:
        assert not requests.enter_dfu(pipe, desk.clock)
        assert not requests.start_listening(pipe, desk.clock)


# --- mishaps --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", STANDARD_MISHAPS, ids=lambda mishap: mishap.name)
@pytest.mark.parametrize("name", ["core", "photon"])
def test_whatever_goes_wrong_ends_in_an_answer_or_a_fault_within_its_time(name: str, mishap: Mishap) -> None:
    for work in (_read_a_page, _ask_the_console, _ask_by_request):
        desk = in_dfu(name) if work is _read_a_page else listening(name)
        desk.board.transfers = 0
        desk.board.mishap = mishap
        before = desk.clock.now()
        with suppress(Fault):
            work(desk)
        assert desk.clock.now() - before < 90


def _read_a_page(desk: Desk) -> None:
    with desk.dfu() as session:
        session.settle()
        session.read(0x0800_0000, 4096)
        session.leave()


def _ask_the_console(desk: Desk) -> None:
    with desk.console() as console:
        console.identity()
        console.mac()
        console.modules()


def _ask_by_request(desk: Desk) -> None:
    if desk.seen()[1].key == "core":
        return  # never on a Core (6)
    with desk.usb() as pipe:
        requests.device_id(pipe, desk.clock)
        requests.module_info(pipe, desk.clock)
        requests.enter_dfu(pipe, desk.clock)
