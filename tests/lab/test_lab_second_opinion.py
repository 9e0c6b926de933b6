"""`dfu-util` and we on the same board: what it writes we read right, and what a boot loader does to both."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.faults import DfuRefused, PortBusy
from app.firmware.image import parse
from app.firmware.pack import pick
from app.platforms.identify import boot_loader_of
from app.platforms.model import BootLoader, Mode, Region
from app.protocols.dfu import DfuSession
from app.protocols.flash import Flasher, FlashReport, plan_flash, span
from app.virtual.dfu_model import DfuRequest
from app.virtual.enumeration import Exchange
from app.virtual.machine import Phase
from app.virtual.timing import Timing
from app.work.events import Failed
from app.work.plan import Health, SlotState
from lab.desk import BOARD_TIMES
from lab.station import INTERNAL, RESTORE, MakeStation, Station, at_write

pytestmark = pytest.mark.lab

ENDED_S = 20.0
MANIFEST, DNLOAD_IDLE = 7, 5
SECTOR_ERASE_S = 1.0  # device-protocol.md 2.5, a sector of 128 KB
REAL_ERASE = replace(Timing.TYPICAL, f2_erase_128k=SECTOR_ERASE_S * BOARD_TIMES)  # in the board's faster time


@dataclass(frozen=True)
class Written:
    """A file of the rescue pack that `dfu-util` writes, and what our X-ray has to say of its slot."""

    board: str
    region: str
    role: str
    says: str


WRITTEN = [
    Written("core", "application", "tinker", "Tinker"),
    Written("core", "factory", "tinker", "Tinker"),
    Written("photon-0.7", "user", "tinker", "Tinker"),
]


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: f"{case.board}-{case.region}")
def test_what_dfu_util_writes_the_x_ray_reads_right(station: MakeStation, case: Written) -> None:
    place = station(case.board)
    file = pick(place.kind.key, case.role)
    place.dfu_util_writes(case.region, place.pack.read(file.name))
    slot = place.x_ray().slot(case.region)
    assert slot.state is SlotState.GOOD
    assert case.says in slot.what.english()
    assert (slot.used, slot.sha256) == (file.size, file.sha256)
    assert slot.version == parse(place.pack.read(file.name)).version


@pytest.mark.parametrize(("board", "second"), [("photon", SlotState.GOOD), ("photon-0.7", SlotState.MISFIT)])
def test_a_whole_system_written_by_dfu_util_is_found_whole_and_the_boot_loader_it_lacks_too(
    station: MakeStation, board: str, second: SlotState
) -> None:
    place = station(board)
    for role, region in (("system-1", "system-1"), ("system-2", "system-2"), ("tinker", "user")):
        place.dfu_util_writes(region, place.pack.read(pick("photon", role).name))
    found = place.x_ray()
    states = [found.slot(key).state for key in ("bootloader", "system-1", "system-2", "user")]
    assert states == [SlotState.GOOD, SlotState.GOOD, second, SlotState.GOOD]
    assert [found.slot(f"system-{number}").what.english() for number in (1, 2)] == [
        "System part 1, 2.2.0",
        "System part 2, 2.2.0",
    ]
    # System part 2 of 2.2.0 asks for boot loader 1003 (7.3); dfu-util does not look.
    assert ("restore-system" in found.verdict.recipes) is (second is SlotState.MISFIT)


@pytest.mark.parametrize(
    ("board", "region", "role", "helps"),
    [
        ("core", "application", "tinker", "full-firmware-upgrade"),
        ("photon", "system-1", "system-1", "restore-system"),
        ("electron", "system-2", "system-2", "restore-system"),
    ],
)
def test_dfu_util_ended_amid_writing_leaves_damage_that_the_verdict_knows_a_recipe_for(
    station: MakeStation, board: str, region: str, role: str, helps: str
) -> None:
    place = station(board)
    content = place.pack.read(pick(place.kind.key, role).name)
    row = place.kind.region(region)
    command = ["dfu-util", *place.dfu_util_arguments(row.alt, row.start, content)]
    started: list[subprocess.Popen[bytes]] = []
    whole = plan_flash(
        place.kind, loader_of(place), row, row.start, content, bytes(span(place.kind, row, row.start, len(content))[1])
    )
    with at_write(whole.erases + whole.blocks // 2, lambda: started[0].kill()):  # it erases everything first
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        assert started[0].wait(ENDED_S) == -signal.SIGKILL
    assert place.cells(region, len(content))[-64:] == b"\xff" * 64, "the end was erased and never written"
    found = place.x_ray()
    assert found.slot(region).state is SlotState.DAMAGED
    assert found.verdict.health is Health.OVER_USB
    assert helps in found.verdict.recipes


# --- leaving ----------------------------------------------------------------------------------------------------------


def leaving(place: Station) -> list[Exchange]:
    """The class requests from the last empty DNLOAD on."""
    log = [each for each in place.board.wire if each.setup[0] & 0x60 == 0x20]
    empty = [
        number for number, each in enumerate(log) if each.setup[1] == DfuRequest.DNLOAD and each.setup[6:8] == b"\0\0"
    ]
    return log[empty[-1] :]


GENERATIONS = [
    ("core", "original", MANIFEST),
    ("core", "0.5", DNLOAD_IDLE),
    ("photon-0.5", "0.4.0", MANIFEST),
    ("photon", "2.x", DNLOAD_IDLE),
]


@pytest.mark.parametrize(("board", "boot", "state"), GENERATIONS)
def test_both_programs_leave_each_generation_of_boot_loaders_alike(
    station: MakeStation, board: str, boot: str, state: int
) -> None:
    place = station(board, boot=boot)
    key = place.kind.key
    region = "application" if key == "core" else "user"
    place.dfu_util_writes(region, place.pack.read(pick(key, "tinker").name), ":leave")
    theirs = leaving(place)
    assert [each.setup[1] for each in theirs[:2]] == [DfuRequest.DNLOAD, DfuRequest.GETSTATUS]
    # The original one answers and resets at once; later ones answer as if nothing were, and reset 500 ms later (2.2).
    assert isinstance(theirs[1].result, bytes)
    assert theirs[1].result[4] == state
    place.desk.await_("firmware started by dfu-util", lambda: place.board.phase is Phase.FIRMWARE or None)

    place.into_dfu()
    place.leave()
    ours = leaving(place)
    place.desk.await_("firmware started by us", lambda: place.board.phase is Phase.FIRMWARE or None)
    assert [each.setup[1] for each in ours] == [DfuRequest.DNLOAD, DfuRequest.GETSTATUS]
    assert [each.result for each in ours] == [each.result for each in theirs[:2]]


# --- refusals and long work -------------------------------------------------------------------------------------------


def flash(place: Station, session: DfuSession, region: Region, content: bytes) -> FlashReport:
    """Write as the recipes do: read, plan, write, read back."""
    loader = loader_of(place)
    start, size = span(place.kind, region, region.start, len(content))
    session.select(region.alt)
    plan = plan_flash(place.kind, loader, region, region.start, content, session.read(start, size))
    return Flasher(session, place.kind, loader, place.desk.clock).write(plan)


def loader_of(place: Station) -> BootLoader:
    seen = place.desk.await_mode(place.cable, Mode.DFU)
    found = boot_loader_of(place.kind, seen.serial, seen.release)
    assert found is not None
    return found


def test_a_protected_sector_refuses_with_a_real_stall_and_takes_it_after_an_erase(station: MakeStation) -> None:
    place = station("photon")
    region = place.kind.region("system-1")
    place.board.internal[region.start - INTERNAL : region.end - INTERNAL] = b"\xff" * region.size
    assert place.board.f2_flash is not None
    assert place.board.f2_flash.protected
    content = place.pack.read(pick("photon", "system-1").name)
    with place.session() as session:
        with pytest.raises(DfuRefused):
            session.write(region.start, content[:4096])
        session.settle()
        assert session.read(region.start, 4096) == b"\xff" * 4096
        report = flash(place, session, region, content)
        assert report.erases == 2, "two sectors of 128 KB"
    assert place.dfu_util_reads(0, region.start, len(content)) == content


def test_writing_over_what_is_there_without_an_erase_is_refused_with_a_real_stall(station: MakeStation) -> None:
    place = station("photon")
    region = place.kind.region("user")
    assert place.board.f2_flash is not None
    place.board.f2_flash.protected.clear()
    with place.session() as session:
        before = session.read(region.start, 64)
        with pytest.raises(DfuRefused):
            session.write(region.start, bytes(value ^ 0xFF for value in before))
        session.settle()
        content = place.pack.read(pick("photon", "tinker").name)
        flash(place, session, region, content)
    assert place.dfu_util_reads(0, region.start, len(content)) == content


def test_a_status_that_takes_as_long_as_a_real_sector_erase_is_waited_for_by_both(
    station: MakeStation, record_property: Callable[[str, object], None]
) -> None:
    place = station("photon", timing=REAL_ERASE)
    region = place.kind.region("user")
    content = place.pack.read(pick("photon", "tinker").name)
    with place.session() as session:
        began = time.monotonic()
        session.erase(region.start)
        took = time.monotonic() - began
    assert took >= SECTOR_ERASE_S
    assert place.cells("user", 0x20000) == b"\xff" * 0x20000
    place.dfu_util_writes("user", content)
    assert place.cells("user", len(content)) == content
    record_property("measured", f"one GETSTATUS that erases 128 KB: {took:.3f} s")


# --- at the same time -------------------------------------------------------------------------------------------------


def test_while_dfu_util_writes_we_say_that_another_program_has_the_board_and_do_not_disturb_it(
    station: MakeStation,
) -> None:
    place = station("photon", timing=REAL_ERASE)
    region = place.kind.region("system-1")
    content = place.pack.read(pick("photon", "system-1").name)
    begun = threading.Event()
    with at_write(1, begun.set):
        process = subprocess.Popen(
            ["dfu-util", *place.dfu_util_arguments(region.alt, region.start, content)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            assert begun.wait(ENDED_S)
            last = place.run("restore-system", RESTORE)
            assert process.poll() is None, "dfu-util was done before us"
            assert process.wait(ENDED_S) == 0
        finally:
            process.kill()
            process.wait(ENDED_S)
    assert isinstance(last, Failed), last
    assert last.code == PortBusy.code
    assert place.cells("system-1", len(content)) == content
    assert place.undo.interrupted() == ()


def test_while_we_write_dfu_util_gets_nothing_and_does_not_disturb_us(station: MakeStation, tmp_path: Path) -> None:
    place = station("photon", timing=REAL_ERASE)
    content = place.pack.read(pick("photon", "tinker").name)
    own = tmp_path / "blink.bin"
    own.write_bytes(content)
    region = place.kind.region("user")
    arguments = place.dfu_util_arguments(region.alt, region.start, b"not from here")
    others: list[subprocess.Popen[bytes]] = []
    # At the first erase, which takes a second.
    with at_write(1, lambda: others.append(subprocess.Popen(["dfu-util", *arguments], stdin=subprocess.DEVNULL))):
        place.succeed("flash-file", {"file": str(own), "slot": "user", "plan": True})
    (other,) = others
    assert other.wait(ENDED_S) != 0
    assert place.cells("user", len(content)) == content


# --- transfers --------------------------------------------------------------------------------------------------------


def test_we_write_and_read_back_with_fewer_transfers_than_dfu_util_needs_to_write(
    station: MakeStation, record_property: Callable[[str, object], None]
) -> None:
    place = station("core")
    region = place.kind.region("application")
    content = place.pack.read(pick("core", "tinker").name)
    other = place.cells("application", region.size)

    def old_content() -> None:
        place.board.internal[region.start - INTERNAL : region.end - INTERNAL] = other

    before = place.board.transfers
    place.dfu_util_writes("application", content)
    theirs = place.board.transfers - before
    assert place.cells("application", len(content)) == content
    old_content()
    with place.session() as session:
        before = place.board.transfers
        flash(place, session, region, content)
        ours = place.board.transfers - before
        assert place.cells("application", len(content)) == content
        before = place.board.transfers
        again = flash(place, session, region, content)
        unchanged = place.board.transfers - before
    assert ours < theirs
    assert again.written == again.erases == 0
    assert unchanged < theirs / 3
    words = f"dfu-util {theirs}, we {ours}, again {unchanged} (read before and after included)"
    record_property("measured", f"transfers for Tinker on a Core: {words}")
