"""The flasher on every practice board and boot loader, undisturbed and with everything that goes wrong in a memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from support.clock import FastClock

from app.faults import BoardGone, Cancelled, DfuRefused, FlashDiffers, WrongAnswer
from app.platforms.identify import boot_loader_of
from app.platforms.model import BootLoader, Medium, Platform, Quirk, Region
from app.platforms.table import platform
from app.protocols.dfu import DfuSession
from app.protocols.flash import Flasher, FlashReport, UnitWritten, plan_flash, reachable, span
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.virtual.mishaps import Mishap
from app.virtual.personality import CORE_BOOT_LOADERS, F2_BOOT_LOADERS

BOOT_LOADERS = [
    *(("core", key) for key in CORE_BOOT_LOADERS),
    *((name, key) for name in ("photon", "p1", "electron") for key in F2_BOOT_LOADERS),
]
REFUSING = [(name, key) for name, key in BOOT_LOADERS if name != "core" and F2_BOOT_LOADERS[key].reports_failures]
MODE_CHANGE_S = 5.0


class Bench:
    """A practice board in DFU mode, with everything that is in it before anything is written."""

    def __init__(self, name: str, boot: str = "", **options: object) -> None:
        self.clock = FastClock()
        self.board: VirtualBoard = make(name, self.clock, boot=boot, **options)  # type: ignore[arg-type]
        self.bus = VirtualBus(self.clock, [self.board])
        self.platform: Platform = platform(name)
        PracticeHand(self.board).enter_dfu()
        self.clock.pause(MODE_CHANGE_S)
        self.before = self.everything()
        self.units: list[UnitWritten] = []
        self.steps: list[tuple[int, int]] = []
        self.session: DfuSession | None = None

    def everything(self) -> tuple[bytes, bytes, bytes]:
        return bytes(self.board.internal), bytes(self.board.spi), bytes(self.board.dct)

    def memory(self, region: Region) -> bytes:
        """What stands in the region, without asking over USB."""
        cells = {
            Medium.INTERNAL_F1: self.board.internal,
            Medium.INTERNAL_F2: self.board.internal,
            Medium.SPI: self.board.spi,
            Medium.DCT: self.board.dct,
        }[region.medium]
        start = region.start - self.platform.bases[region.alt]
        return bytes(cells[start : start + region.size])

    def loader(self) -> BootLoader:
        """What the board's boot loader is taken for: the oldest one where USB does not tell."""
        (sighting,) = self.bus.sightings()
        return boot_loader_of(self.platform, sighting.serial, sighting.release) or self.platform.boot_loaders[0]

    @contextmanager
    def opened(self, check: Callable[[], None] = lambda: None) -> Iterator[tuple[DfuSession, BootLoader]]:
        loader = self.loader()
        pipe = self.bus.open_usb(self.bus.sightings()[0])
        with DfuSession(pipe, quirks=loader.quirks, clock=self.clock, check=check) as session:
            self.session = session
            yield session, loader

    def flash(
        self,
        region: Region,
        address: int,
        content: bytes,
        *,
        mishap: Mishap | None = None,
        on_unit: Callable[[UnitWritten], None] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> FlashReport:
        """Read, plan, write; the mishap begins with the writing, its counts then start anew."""
        with self.opened(check) as (session, loader):
            session.settle()
            session.select(region.alt)
            start, size = span(self.platform, region, address, len(content))
            plan = plan_flash(self.platform, loader, region, address, content, session.read(start, size))
            if mishap is not None:
                self.board.transfers = 0
                face = self.board.face()
                assert face is not None
                assert face.dfu is not None
                face.dfu.changes = 0
                self.board.mishap = mishap

            def told(unit: UnitWritten) -> None:
                self.units.append(unit)
                if on_unit is not None:
                    on_unit(unit)

            return Flasher(session, self.platform, loader, self.clock).write(
                plan, told, lambda done, total: self.steps.append((done, total))
            )

    def only_changed(self, region: Region, address: int, content: bytes) -> None:
        """The content stands there and every other byte of the board is as before."""
        internal, spi, dct = (bytearray(part) for part in self.before)
        cells = {Medium.SPI: spi, Medium.DCT: dct}.get(region.medium, internal)
        at = address - self.platform.bases[region.alt]
        cells[at : at + len(content)] = content
        assert self.everything() == (bytes(internal), bytes(spi), bytes(dct))


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


def small_region(bench: Bench) -> Region:
    """Where a quick test writes: pages on the Core, a sector of user firmware elsewhere."""
    return bench.platform.region("application" if bench.platform.key == "core" else "user")


# --- undisturbed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "boot"), BOOT_LOADERS)
def test_every_writable_region_takes_an_image_and_nothing_else_changes(name: str, boot: str) -> None:
    for region in platform(name).regions:
        bench = Bench(name, boot)
        if not region.writable or not reachable(bench.platform, bench.loader(), region):
            continue
        # Begins and ends within an erase unit, so that there are bytes of others in the first and the last.
        offset = 40 if region.size > 4096 else 0
        content = noise(1, min(region.size - offset, 140_001 if region.medium is Medium.INTERNAL_F2 else 9_001))
        report = bench.flash(region, region.start + offset, content)
        bench.only_changed(region, region.start + offset, content)
        assert (report.rounds, report.size) == (1, len(content))
        assert bench.steps[-1] == (len(content), len(content))
        assert bench.steps == sorted(bench.steps)
        changed = [unit for unit in bench.units if not unit.done]
        assert [unit.address for unit in bench.units if unit.done] == [unit.address for unit in changed]


@pytest.mark.parametrize(("name", "boot"), BOOT_LOADERS)
def test_what_stands_there_already_is_read_and_not_touched(name: str, boot: str) -> None:
    bench = Bench(name, boot)
    region = small_region(bench)
    report = bench.flash(region, region.start, bench.memory(region)[:5000])
    assert (report.erases, report.blocks, report.changed, bench.units) == (0, 0, 0, [])
    assert bench.everything() == bench.before
    assert bench.steps[-1] == (5000, 5000)


def test_a_page_of_the_core_costs_six_transfers_and_waits_exactly_as_long_as_it_is_told() -> None:
    bench = Bench("core")
    region = bench.platform.region("application")
    content = noise(1, 40 * 1024)
    began = bench.clock.now()
    report = bench.flash(region, region.start, content)
    # Settle 2; 6 a page; reading back: an address 3, two aborts, an upload a page.
    assert (report.erases, report.blocks, report.transfers) == (40, 40, 2 + 40 * 6 + 3 + 2 + 40)
    assert report.seconds == pytest.approx(40 * 0.100 + 0.050)
    assert bench.clock.now() - began == pytest.approx(report.seconds + 0.050)  # the address of the first read


def test_consecutive_blank_pages_need_no_address_but_that_of_the_reading_before() -> None:
    bench = Bench("core")
    region = bench.platform.region("ota")
    report = bench.flash(region, region.start, noise(1, 16 * 1024))
    assert (report.erases, report.blocks) == (0, 16)
    assert report.transfers == 2 + 16 * 3 + 3 + 2 + 16
    assert report.seconds == pytest.approx(16 * 0.030 + 0.030)


def test_a_sector_of_a_photon_takes_as_long_as_its_hardware() -> None:
    bench = Bench("photon")
    region = bench.platform.region("system-1")
    content = noise(1, region.size)
    report = bench.flash(region, region.start, content)
    assert (report.erases, report.blocks) == (2, 64)
    assert report.seconds == pytest.approx(2 * 1.0 + region.size / 4 * 16e-6)
    assert report.transfers == 2 + 66 * 3 + 3 + 2 + 64


def test_the_estimate_is_near_what_it_takes() -> None:
    for name, key in (("core", "application"), ("core", "factory"), ("photon", "system-2"), ("photon-0.5", "dct")):
        bench = Bench(name.partition("-")[0], name.partition("-")[2])
        region = bench.platform.region(key)
        content = noise(1, min(region.size, 100_000))
        with bench.opened() as (session, loader):
            session.settle()
            session.select(region.alt)
            start, size = span(bench.platform, region, region.start, len(content))
            plan = plan_flash(bench.platform, loader, region, region.start, content, session.read(start, size))
            report = Flasher(session, bench.platform, loader, bench.clock).write(plan)
        # Transfers take no time here; the estimate counts a little for each.
        assert report.seconds <= plan.seconds <= report.seconds * 1.1 + 0.5


def test_progress_runs_with_the_clock() -> None:
    bench = Bench("core")
    region = bench.platform.region("application")
    moments: list[tuple[float, float]] = []
    content = bench.memory(region)[: 30 * 1024] + noise(1, 30 * 1024)
    with bench.opened() as (session, loader):
        session.settle()
        plan = plan_flash(bench.platform, loader, region, region.start, content, session.read(region.start, 60 * 1024))
        began = bench.clock.now()
        Flasher(session, bench.platform, loader, bench.clock).write(
            plan, progress=lambda done, total: moments.append((bench.clock.now() - began, done / total))
        )
    whole = moments[-1][0]
    assert len(moments) > 30
    assert all(abs(moment / whole - share) < 0.1 for moment, share in moments)


def test_units_are_told_before_the_first_command_and_with_the_neighbours_in_them() -> None:
    bench = Bench("core")
    region = bench.platform.region("server-key")
    bench.board.spi[0x1000:0x1800] = noise(2, 0x800)
    old = bytes(bench.board.spi[0x1000:0x2000])
    seen: list[tuple[bool, bytes]] = []

    def told(unit: UnitWritten) -> None:
        seen.append((unit.done, bytes(bench.board.spi[0x1000:0x2000])))

    bench.flash(region, 0x1180, b"\x01" * 128, on_unit=told)
    new = old[:0x180] + b"\x01" * 128 + old[0x200:]
    assert seen == [(False, old), (True, new)]
    assert [(unit.address, unit.size) for unit in bench.units] == [(0x1000, 4096)] * 2


def test_what_the_unit_hook_raises_ends_the_writing_before_anything_is_erased() -> None:
    bench = Bench("core")
    region = bench.platform.region("server-key")

    def refuse(_: UnitWritten) -> None:
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        bench.flash(region, 0x1000, b"\x01" * 128, on_unit=refuse)
    assert bench.everything() == bench.before


def test_a_unit_that_was_begun_is_finished_before_a_stop_is_heard() -> None:
    bench = Bench("core")
    region = bench.platform.region("application")
    content = noise(1, 8 * 1024)
    old = bench.memory(region)[: 8 * 1024]

    def check() -> None:
        if len(bench.units) >= 5:  # the third unit has been announced
            raise Cancelled

    with pytest.raises(Cancelled):
        bench.flash(region, region.start, content, check=check)
    assert bench.memory(region)[: 8 * 1024] == content[: 3 * 1024] + old[3 * 1024 :]


@pytest.mark.parametrize(("name", "key"), [("photon", "user"), ("core", "factory")])
def test_a_stop_that_comes_with_the_progress_waits_until_the_unit_is_filled(name: str, key: str) -> None:
    bench = Bench(name)
    region = bench.platform.region(key)
    content = noise(1, min(region.size, 128 * 1024))

    def stopped(done: int, total: int) -> None:
        assert total == len(content)
        if done:
            raise Cancelled

    with bench.opened() as (session, loader):
        session.settle()
        session.select(region.alt)
        plan = plan_flash(
            bench.platform, loader, region, region.start, content, session.read(region.start, len(content))
        )
        with pytest.raises(Cancelled):
            Flasher(session, bench.platform, loader, bench.clock).write(plan, bench.units.append, stopped)
    (first, *_) = plan.units
    assert [unit.done for unit in bench.units] == [False, True]
    assert bench.memory(region)[: first.size] == first.new


# --- the long GETSTATUS and protected memory --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "boot"), REFUSING)
def test_protected_blank_system_parts_are_erased_at_once(name: str, boot: str) -> None:
    bench = Bench(name, boot)
    region = bench.platform.region("system-1")
    assert bench.board.f2_flash is not None
    bench.board.internal[0x20000:0x40000] = b"\xff" * 0x20000
    bench.before = bench.everything()
    bench.board.f2_flash.protected.update(range(5, 12))
    content = noise(1, 9000)
    report = bench.flash(region, region.start, content)
    bench.only_changed(region, region.start, content)
    assert (report.erases, report.blocks) == (1, 3)


@pytest.mark.parametrize(("name", "boot"), REFUSING)
def test_other_memory_that_turns_out_to_be_protected_is_erased_after_the_refusal(name: str, boot: str) -> None:
    bench = Bench(name, boot)
    region = bench.platform.region("ota")
    assert bench.board.f2_flash is not None
    bench.board.f2_flash.protected.update(range(5, 12))
    content = noise(1, 9000)
    report = bench.flash(region, region.start, content)
    bench.only_changed(region, region.start, content)
    assert (report.erases, report.blocks, report.rounds) == (1, 4, 1)


def test_the_dct_without_system_part_2_ends_in_a_refusal_within_its_time() -> None:
    bench = Bench("photon", part2=False)
    began = bench.clock.now()
    with pytest.raises(DfuRefused):
        bench.flash(bench.platform.region("dct"), 1753, b"\xa5")
    assert bench.clock.now() - began < 10
    assert bench.everything() == bench.before


# --- memories that fail -----------------------------------------------------------------------------------------------

CHANGES = range(1, 10)
FAILING = [("core", "original"), ("photon", "0.4.0"), ("photon", "0.5"), ("photon", "2.x"), ("electron", "0.7")]


def used(bench: Bench) -> tuple[Region, bytes]:
    """A content that needs erases and several blocks, and a region for it."""
    region = small_region(bench)
    content = noise(7, 4_500 if bench.platform.key == "core" else 20_000)
    return region, content


@pytest.mark.parametrize("count", CHANGES)
@pytest.mark.parametrize(("name", "boot"), FAILING)
def test_an_erase_or_block_that_is_refused_once_is_done_again(name: str, boot: str, count: int) -> None:
    bench = Bench(name, boot)
    region, content = used(bench)
    bench.flash(region, region.start, content, mishap=Mishap(fails_at=count))
    bench.only_changed(region, region.start, content)


@pytest.mark.parametrize("count", CHANGES)
@pytest.mark.parametrize(("name", "boot"), FAILING)
def test_an_erase_or_block_that_is_lost_in_silence_is_found_and_done_again(name: str, boot: str, count: int) -> None:
    bench = Bench(name, boot)
    region, content = used(bench)
    report = bench.flash(region, region.start, content, mishap=Mishap(lost_at=count))
    bench.only_changed(region, region.start, content)
    assert report.rounds <= 2


@pytest.mark.parametrize("count", range(1, 4))
def test_a_lost_block_in_spi_flash_and_in_the_dct_is_found_too(count: int) -> None:
    for name, key in (("core", "factory"), ("p1", "serial-flash"), ("photon", "dct")):
        bench = Bench(name)
        region = bench.platform.region(key)
        content = noise(3, 12_000)
        report = bench.flash(region, region.start, content, mishap=Mishap(lost_at=count))
        bench.only_changed(region, region.start, content)
        assert report.rounds == 2


@pytest.mark.parametrize("name", ["core", "photon", "electron"])
def test_worn_memory_ends_in_a_fault_that_says_where(name: str) -> None:
    bench = Bench(name)
    region = small_region(bench)
    worn = region.start + 2_345
    with pytest.raises(FlashDiffers) as caught:
        bench.flash(region, region.start, noise(1, 5_000), mishap=Mishap(worn=worn))
    unit = span(bench.platform, region, worn, 1)[0]
    assert f"0x{unit:08X}" in caught.value.detail
    assert len([seen for seen in bench.units if seen.address == unit and not seen.done]) == 3


@pytest.mark.parametrize(("name", "boot"), FAILING)
def test_any_single_stall_is_survived(name: str, boot: str) -> None:
    bench = Bench(name, boot)
    region = small_region(bench)
    content = noise(1, 2_500)
    report = bench.flash(region, region.start, content)
    for number in range(1, report.transfers + 1):
        bench = Bench(name, boot)
        bench.flash(region, region.start, content, mishap=Mishap(stall_at=number))
        bench.only_changed(region, region.start, content)


def test_a_boot_loader_that_stalls_for_ever_is_given_up() -> None:
    bench = Bench("photon")
    region = bench.platform.region("ota")
    assert bench.board.f2_flash is not None
    bench.board.f2_flash.write = lambda address, data: (False, 0.0)  # type: ignore[method-assign]
    began = bench.clock.now()
    with pytest.raises(DfuRefused):
        bench.flash(region, region.start, noise(1, 9000))
    assert bench.clock.now() - began < 15


@pytest.mark.parametrize("number", [1, 3, 5, 8, 12, 20])
def test_a_pulled_cable_ends_in_its_fault(number: int) -> None:
    bench = Bench("core")
    region = bench.platform.region("application")
    with pytest.raises(BoardGone):
        bench.flash(region, region.start, noise(1, 8_000), mishap=Mishap(gone_at=number))


def test_a_boot_loader_that_ignores_the_alternate_setting_never_gets_the_keys_overwritten() -> None:
    bench = Bench("p1", "0.4.0")  # chooses by address, and serial flash begins at the DCT's addresses (2.4.2)
    region = bench.platform.region("serial-flash")
    assert not reachable(bench.platform, bench.loader(), region)
    with pytest.raises(ValueError, match="not reachable"):
        bench.flash(region, 0, noise(1, 4096))
    assert bench.everything() == bench.before
    assert reachable(bench.platform, bench.platform.boot_loader("0.6"), region)


# --- plans for something else -----------------------------------------------------------------------------------------


def test_a_boot_loader_with_another_transfer_size_is_refused_before_anything_is_sent() -> None:
    bench = Bench("core")
    region = bench.platform.region("application")
    with bench.opened() as (session, loader):
        other = replace(loader, transfer_size=2048)
        plan = plan_flash(bench.platform, other, region, region.start, b"1234", bytes(1024))
        with pytest.raises(WrongAnswer):
            Flasher(session, bench.platform, other, bench.clock).write(plan)
    assert bench.everything() == bench.before


def test_a_plan_for_another_board_is_refused() -> None:
    bench = Bench("core")
    photon = platform("photon")
    plan = plan_flash(photon, photon.boot_loader(), photon.region("dct"), 1753, b"1", b"2")
    with bench.opened() as (session, loader), pytest.raises(ValueError, match="photon"):
        Flasher(session, bench.platform, loader, bench.clock).write(plan)


def test_memory_protected_in_silence_is_found_by_reading_back_and_erased() -> None:
    bench = Bench("photon", "0.4.0")
    with bench.opened() as (_, loader):
        assert Quirk.NEVER_REPORTS_ERRORS in loader.quirks
    region = bench.platform.region("ota")
    assert bench.board.f2_flash is not None
    bench.board.f2_flash.protected.update(range(5, 12))
    content = noise(1, 9000)
    report = bench.flash(region, region.start, content)
    bench.only_changed(region, region.start, content)
    assert (report.rounds, report.erases, report.blocks) == (2, 1, 6)
