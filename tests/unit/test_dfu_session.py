"""The DFU session against byte-level traces (device-protocol.md Appendix A.2 and A.3)."""

from __future__ import annotations

from collections.abc import Set

import pytest
from support.clock import FastClock
from support.scripted import Alt, In, Out, ScriptedUsbPipe, Transfer

from app.faults import (
    BoardGone,
    BoardSilent,
    Cancelled,
    DfuRefused,
    DfuStuck,
    Fault,
    TransferStalled,
    WrongAnswer,
)
from app.platforms.model import Quirk
from app.protocols.dfu import DfuSession

CORE_CONFIGURATION = bytes.fromhex(
    "09022400010100c032 0904000000fe010204 0904000100fe010205 09210bff0000041a01".replace(" ", "")
)
PHOTON_CONFIGURATION = bytes.fromhex(
    "09022400010102c032 0904000000fe010204 0904000100fe010205 09210bff0000101a01".replace(" ", "")
)
CORE = frozenset({Quirk.EVEN_LENGTH, Quirk.STARTS_IN_ERROR, Quirk.WORKS_AFTER_STATUS})
PHOTON = frozenset({Quirk.WORKS_DURING_STATUS, Quirk.STALLS_ON_FAILURE})

IDLE = bytes.fromhex("000000000200")
SYNCED = bytes.fromhex("000000000500")
BUSY_50 = bytes.fromhex("003200000400")
FIRMWARE_ERROR = bytes.fromhex("0a0000000a00")


def string(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return bytes([len(raw) + 2, 3]) + raw


def opening(configuration: bytes, *layouts: str | Fault) -> list[Transfer]:
    def descriptor(value: int, answer: bytes | Fault, length: int, language: int = 0) -> In:
        return In(6, value, answer, length, 0x80, language)

    return [
        descriptor(0x0200, configuration[:9], 9),
        descriptor(0x0200, configuration, 36),
        *(
            descriptor(0x0304 + number, text if isinstance(text, Fault) else string(text), 255, 0x0409)
            for number, text in enumerate(layouts)
        ),
        Alt(0),
    ]


CORE_OPENING = opening(
    CORE_CONFIGURATION,
    "@Internal Flash  /0x08000000/20*001Ka,108*001Kg\0",
    "@SPI Flash : SST25x/0x00000000/512*04Kg" + "\0" * 9,
)
PHOTON_OPENING = opening(
    PHOTON_CONFIGURATION,
    "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg",
    "@DCT Flash   /0x00000000/01*016Kg",
)


def getstatus(answer: bytes | Fault) -> In:
    return In(3, 0, answer, 6)


def getstate(state: int) -> In:
    return In(5, 0, bytes([state]), 1)


def dnload(block: int, data: bytes, answer: Fault | None = None) -> Out:
    return Out(1, block, data, answer)


CLRSTATUS = Out(4, 0)
ABORT = Out(6, 0)


def set_address(address: str, busy: bytes = BUSY_50) -> list[Transfer]:
    return [dnload(0, bytes.fromhex("21" + address)), getstatus(busy), getstatus(SYNCED)]


def core() -> tuple[DfuSession, ScriptedUsbPipe, FastClock]:
    return session(CORE_OPENING, CORE)


def photon() -> tuple[DfuSession, ScriptedUsbPipe, FastClock]:
    return session(PHOTON_OPENING, PHOTON)


def session(script: list[Transfer], quirks: Set[Quirk]) -> tuple[DfuSession, ScriptedUsbPipe, FastClock]:
    pipe, clock = ScriptedUsbPipe(script), FastClock()
    return DfuSession(pipe, quirks=quirks, clock=clock), pipe, clock


def test_opening_reads_transfer_size_and_layouts() -> None:
    dfu, pipe, _ = core()
    assert (dfu.interface, dfu.transfer_size, dfu.alt) == (0, 1024, 0)
    assert dfu.layouts[1].contains(0, 0x200000)
    assert pipe.script == []
    assert photon()[0].transfer_size == 4096


def test_leaving_the_block_closes_the_pipe() -> None:
    dfu, pipe, _ = core()
    with dfu:
        assert not pipe.closed
    assert pipe.closed


def test_a_missing_layout_string_does_not_keep_the_session_from_opening() -> None:
    dfu, _, _ = session(opening(CORE_CONFIGURATION, TransferStalled(), "DFU Interface"), CORE)
    assert dict(dfu.layouts) == {}


@pytest.mark.parametrize(
    "configuration",
    [
        b"",
        CORE_CONFIGURATION[:27],
        CORE_CONFIGURATION[:9] + CORE_CONFIGURATION[27:],
        CORE_CONFIGURATION.replace(b"\0\4\x1a", b"\0\0\x1a"),
        CORE_CONFIGURATION[:9] + b"\0" * 27,
    ],
)
def test_a_configuration_without_usable_dfu_interface_is_a_wrong_answer(configuration: bytes) -> None:
    script: list[Transfer] = [In(6, 0x0200, configuration[:9], 9, 0x80)]
    if configuration:
        script.append(In(6, 0x0200, configuration, 36, 0x80))
    with pytest.raises(WrongAnswer):
        session(script, CORE)


# --- settle -----------------------------------------------------------------------------------------------------------


def test_the_core_error_at_entry_is_cleared_once() -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(10), getstatus(FIRMWARE_ERROR), CLRSTATUS, getstatus(IDLE))
    dfu.settle()
    assert pipe.script == []


def test_idle_is_left_alone() -> None:
    dfu, pipe, _ = photon()
    pipe.then(getstate(2), getstatus(IDLE))
    dfu.settle()
    assert pipe.script == []


@pytest.mark.parametrize("state", [5, 9])
def test_idle_within_a_transfer_is_aborted(state: int) -> None:
    dfu, pipe, _ = photon()
    pipe.then(getstate(state), getstatus(bytes([0, 0, 0, 0, state, 0])), ABORT, getstatus(IDLE))
    dfu.settle()
    assert pipe.script == []


@pytest.mark.parametrize("state", [3, 6])
def test_a_command_that_was_sent_but_not_carried_out_is_dropped_before_any_getstatus(state: int) -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(state), ABORT, getstatus(IDLE))
    dfu.settle()
    assert pipe.script == []


def test_the_illegal_state_after_a_bad_upload_needs_two_clrstatus() -> None:
    dfu, pipe, _ = photon()
    pipe.then(
        getstate(15),
        getstatus(bytes.fromhex("000000000f00")),
        CLRSTATUS,
        getstatus(bytes.fromhex("0e0000000a00")),
        CLRSTATUS,
        getstatus(IDLE),
    )
    dfu.settle()
    assert pipe.script == []


def test_a_busy_board_is_given_its_poll_time_and_then_aborted() -> None:
    dfu, pipe, clock = core()
    pipe.then(getstate(4), getstatus(BUSY_50), getstatus(SYNCED), ABORT, getstatus(IDLE))
    before = clock.now()
    dfu.settle()
    assert clock.now() - before == pytest.approx(0.05)
    assert pipe.script == []


def test_a_stalled_getstatus_is_asked_again() -> None:
    dfu, pipe, _ = photon()
    pipe.then(In(5, 0, TransferStalled()), getstatus(TransferStalled()), getstatus(SYNCED), ABORT, getstatus(IDLE))
    dfu.settle()
    assert pipe.script == []


def test_a_board_that_always_stalls_is_stuck() -> None:
    dfu, pipe, _ = photon()
    pipe.then(getstate(2), *[getstatus(TransferStalled())] * 12)
    with pytest.raises(DfuStuck, match="stalled"):
        dfu.settle()


def test_a_board_that_never_leaves_its_error_is_stuck_and_says_in_which_state() -> None:
    dfu, pipe, _ = core()
    again: list[Transfer] = [getstatus(FIRMWARE_ERROR), CLRSTATUS]
    pipe.then(getstate(10), *again * 12)
    with pytest.raises(DfuStuck, match="ERROR, status 10"):
        dfu.settle()


def test_a_short_getstatus_is_a_wrong_answer() -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(2), getstatus(b"\0\0"))
    with pytest.raises(WrongAnswer):
        dfu.settle()


@pytest.mark.parametrize("fault", [BoardGone(), BoardSilent()])
def test_gone_and_time_out_pass_through_settle(fault: Fault) -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(2), getstatus(fault))
    with pytest.raises(type(fault)):
        dfu.settle()


# --- the traces of A.2 and A.3 --------------------------------------------------------------------------------------


def test_core_trace_set_address_erase_write_leave() -> None:
    dfu, pipe, clock = core()
    block = bytes(range(256)) * 4
    pipe.then(
        getstate(10), getstatus(FIRMWARE_ERROR), CLRSTATUS, getstatus(IDLE),
        dnload(0, bytes.fromhex("4100500008")), getstatus(BUSY_50), getstatus(SYNCED),
        *set_address("00500008"),
        dnload(2, block), getstatus(BUSY_50), getstatus(SYNCED),
        getstate(5), getstatus(SYNCED), ABORT, getstatus(IDLE),
        dnload(2, b""), getstatus(bytes.fromhex("000100000700")),
    )  # fmt: skip
    before = clock.now()
    dfu.settle()
    dfu.erase(0x08005000)
    dfu.write(0x08005000, block)
    assert clock.now() - before == pytest.approx(3 * 0.05)
    dfu.leave()
    assert pipe.script == []


def test_photon_trace_writes_one_byte_into_the_dct_and_ignores_stale_poll_bytes() -> None:
    dfu, pipe, clock = photon()
    stale = bytes.fromhex("00ffff7f0500")
    pipe.then(
        Alt(1),
        dnload(0, bytes.fromhex("21d9060000")), getstatus(bytes.fromhex("000000000400")), getstatus(stale),
        dnload(2, b"\xa5"), getstatus(bytes.fromhex("000100000400")), getstatus(stale),
    )  # fmt: skip
    before = clock.now()
    dfu.select(1)
    dfu.write(1753, b"\xa5")
    assert clock.now() - before == pytest.approx(0.001)
    assert dfu.alt == 1
    assert pipe.script == []


def test_protected_erase_on_a_photon_is_refused_by_name() -> None:
    dfu, pipe, _ = photon()
    pipe.then(dnload(0, bytes.fromhex("4100000008")), getstatus(TransferStalled()))
    with pytest.raises(DfuRefused, match="erase 0x08000000: stalled"):
        dfu.erase(0x08000000)


def test_getstatus_may_take_as_long_as_an_erase_where_the_work_is_done_in_it() -> None:
    dfu, pipe, _ = photon()
    pipe.timeouts.clear()
    pipe.then(dnload(0, bytes.fromhex("4100000208")), getstatus(BUSY_50), getstatus(SYNCED))
    dfu.erase(0x08020000)
    assert pipe.timeouts[1] >= 5000


def test_an_error_status_is_refused_with_its_number() -> None:
    dfu, pipe, _ = core()
    pipe.then(dnload(0, bytes.fromhex("2100500008")), getstatus(bytes.fromhex("080000000a00")))
    with pytest.raises(DfuRefused, match="set address 0x08005000: ERROR, status 8"):
        dfu.set_address(0x08005000)


def test_a_board_that_stays_busy_is_silent_in_the_end() -> None:
    dfu, pipe, clock = core()
    pipe.then(dnload(0, bytes.fromhex("4100500008")), *[getstatus(BUSY_50)] * 400)
    before = clock.now()
    with pytest.raises(BoardSilent, match="erase 0x08005000"):
        dfu.erase(0x08005000)
    assert clock.now() - before < 16


def test_an_absurd_poll_time_is_cut_to_the_limit() -> None:
    dfu, pipe, clock = core()
    pipe.then(dnload(0, bytes.fromhex("4100500008")), getstatus(bytes.fromhex("00ffffff0400")), getstatus(SYNCED))
    before = clock.now()
    dfu.erase(0x08005000)
    assert clock.now() - before < 16


def test_an_odd_block_is_padded_with_ff_on_the_core() -> None:
    dfu, pipe, _ = core()
    pipe.then(Alt(1), *set_address("00100000"), dnload(2, b"\1\2\3\xff"), getstatus(BUSY_50), getstatus(SYNCED))
    dfu.select(1)
    dfu.write(0x1000, b"\1\2\3")
    assert pipe.script == []


@pytest.mark.parametrize(("address", "size"), [(0x08005000, 0), (0x08005000, 1025), (0x0801FFFF, 2), (0x1000, 4)])
def test_a_block_outside_the_memory_or_of_wrong_size_never_reaches_the_board(address: int, size: int) -> None:
    dfu, _, _ = core()
    with pytest.raises(ValueError, match="bytes"):
        dfu.write(address, bytes(size))


def test_erase_outside_the_memory_never_reaches_the_board() -> None:
    dfu, _, _ = core()
    with pytest.raises(ValueError, match="0x08020000"):
        dfu.erase(0x08020000)


def test_an_alternate_setting_the_board_lacks_is_a_wrong_answer() -> None:
    dfu, _, _ = core()
    with pytest.raises(WrongAnswer, match="alternate setting 2"):
        dfu.select(2)


# --- blocks one after the other -----------------------------------------------------------------------------------


def done(*transfers: Transfer, busy: bytes = BUSY_50) -> list[Transfer]:
    """An operation from its DNLOAD to the end."""
    return [*transfers, getstatus(busy), getstatus(SYNCED)]


def erase(address: str) -> list[Transfer]:
    return done(dnload(0, bytes.fromhex("41" + address)))


def test_an_erase_moves_the_pointer_so_its_page_costs_six_transfers() -> None:
    dfu, pipe, _ = core()
    pipe.then(*erase("00500008"), *done(dnload(2, b"a" * 1024)), *erase("00540008"), *done(dnload(2, b"b" * 1024)))
    before = dfu.transfers
    for address, data in ((0x08005000, b"a" * 1024), (0x08005400, b"b" * 1024)):
        dfu.erase(address)
        dfu.write_block(address, data)
    assert dfu.transfers - before == 12
    assert pipe.script == []


def test_blocks_are_reached_by_number_from_one_address_even_with_gaps() -> None:
    dfu, pipe, _ = photon()
    pipe.then(
        *erase("00000208"), *done(dnload(2, b"a" * 4096)), *done(dnload(3, b"b" * 4096)), *done(dnload(33, b"c" * 8))
    )
    dfu.erase(0x08020000)
    dfu.write_block(0x08020000, b"a" * 4096)
    dfu.write_block(0x08021000, b"b" * 4096)
    dfu.write_block(0x0803F000, b"c" * 8)
    assert pipe.script == []


def test_a_block_before_the_pointer_or_between_block_numbers_gets_an_address_of_its_own() -> None:
    dfu, pipe, _ = core()
    pipe.then(
        *set_address("00540008"), *done(dnload(2, b"a" * 4)),
        *set_address("00500008"), *done(dnload(2, b"b" * 4)),
        *set_address("08500008"), *done(dnload(2, b"c" * 4)),
        *done(dnload(3, b"d" * 4)),
    )  # fmt: skip
    for address, data in ((0x08005400, b"a"), (0x08005000, b"b"), (0x08005008, b"c"), (0x08005408, b"d")):
        dfu.write_block(address, data * 4)
    assert pipe.script == []


def test_block_numbers_end_at_sixteen_bits() -> None:
    dfu, pipe, _ = session(opening(CORE_CONFIGURATION, "@Huge /0x00000000/70*001Mg", "@Odd"), CORE)
    last = 0x0FFFF - 2  # so many blocks after the first
    pipe.then(
        *set_address("00000000"), *done(dnload(2, b"aa")), *done(dnload(0xFFFE, b"bb")),
        *set_address((last * 1024).to_bytes(4, "little").hex()), *done(dnload(2, b"cc")),
    )  # fmt: skip
    dfu.write_block(0, b"aa")
    dfu.write_block((last - 1) * 1024, b"bb")
    dfu.write_block(last * 1024, b"cc")
    assert pipe.script == []


def test_after_a_refusal_or_another_alternate_setting_the_address_is_set_anew() -> None:
    dfu, pipe, _ = photon()
    pipe.then(
        *erase("00000208"), dnload(2, b"abcd"), getstatus(TransferStalled()),
        *set_address("00000208"), *done(dnload(2, b"abcd")),
        Alt(1), *set_address("04000000"), *done(dnload(2, b"e")),
    )  # fmt: skip
    dfu.erase(0x08020000)
    with pytest.raises(DfuRefused):
        dfu.write_block(0x08020000, b"abcd")
    dfu.write_block(0x08020000, b"abcd")
    dfu.select(1)
    dfu.write_block(4, b"e")
    assert pipe.script == []


def test_the_wish_to_stop_waits_until_the_uninterrupted_part_is_over() -> None:
    def stop() -> None:
        raise Cancelled

    pipe = ScriptedUsbPipe(CORE_OPENING)
    dfu = DfuSession(pipe, quirks=CORE, clock=FastClock(), check=stop)
    pipe.then(*erase("00500008"), *done(dnload(2, b"abcd")))
    with dfu.uninterrupted():
        dfu.erase(0x08005000)
        dfu.write_block(0x08005000, b"abcd")
    with pytest.raises(Cancelled):
        dfu.erase(0x08005400)
    assert pipe.script == []


# --- reading ----------------------------------------------------------------------------------------------------------


def test_reading_spi_flash_as_traced_with_a_short_last_block() -> None:
    dfu, pipe, _ = core()
    pipe.then(
        Alt(1), *set_address("00100000"), ABORT,
        In(2, 2, b"a" * 1024, 1024), In(2, 3, b"b" * 1024, 1024), In(2, 4, b"c" * 10, 10), ABORT,
    )  # fmt: skip
    told: list[tuple[int, int]] = []
    dfu.select(1)
    assert (
        dfu.read(0x1000, 2058, lambda done, total: told.append((done, total))) == b"a" * 1024 + b"b" * 1024 + b"c" * 10
    )
    assert told == [(1024, 2058), (2048, 2058), (2058, 2058)]
    assert pipe.script == []


def test_a_stall_while_reading_is_retried_from_the_block_it_met() -> None:
    dfu, pipe, _ = core()
    pipe.then(
        *set_address("00500008"), ABORT, In(2, 2, b"a" * 1024, 1024), In(2, 3, TransferStalled()),
        getstate(9), getstatus(bytes.fromhex("000000000900")), ABORT, getstatus(IDLE),
        *set_address("00540008"), ABORT, In(2, 2, b"b" * 76, 76), ABORT,
    )  # fmt: skip
    assert dfu.read(0x08005000, 1100) == b"a" * 1024 + b"b" * 76
    assert pipe.script == []


def test_a_stall_that_does_not_end_is_refused_after_four_tries() -> None:
    dfu, pipe, _ = photon()
    stalled: list[Transfer] = [dnload(0, bytes.fromhex("2100000208")), getstatus(TransferStalled())]
    settled: list[Transfer] = [getstate(2), getstatus(IDLE)]
    pipe.then(*(stalled + settled) * 3, *stalled)
    with pytest.raises(DfuRefused, match="set address 0x08020000"):
        dfu.read(0x08020000, 4)
    assert pipe.script == []


def test_a_stall_after_the_last_byte_costs_nothing() -> None:
    dfu, pipe, _ = core()
    pipe.then(
        *set_address("00500008"), ABORT, In(2, 2, b"abcd", 4), Out(6, 0, b"", TransferStalled()),
        getstate(2), getstatus(IDLE),
    )  # fmt: skip
    assert dfu.read(0x08005000, 4) == b"abcd"
    assert pipe.script == []


@pytest.mark.parametrize("piece", [b"", b"abc", b"abcde"])
def test_an_answer_of_the_wrong_length_is_a_wrong_answer(piece: bytes) -> None:
    dfu, pipe, _ = core()
    pipe.then(*set_address("00500008"), ABORT, In(2, 2, piece, 4))
    with pytest.raises(WrongAnswer, match="instead of 4"):
        dfu.read(0x08005000, 4)


def test_a_wish_to_stop_is_felt_between_two_blocks() -> None:
    checks = 0

    def check() -> None:
        nonlocal checks
        checks += 1
        if checks == 3:
            raise Cancelled

    pipe = ScriptedUsbPipe(CORE_OPENING)
    dfu = DfuSession(pipe, quirks=CORE, clock=FastClock(), check=check)
    pipe.then(*set_address("00500008"), ABORT, In(2, 2, bytes(1024), 1024))
    with pytest.raises(Cancelled):
        dfu.read(0x08005000, 4096)
    assert pipe.script == []


def test_block_numbers_never_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.protocols.dfu.MAX_BLOCKS", 2)
    dfu, pipe, _ = core()
    pipe.then(
        *set_address("00500008"), ABORT, In(2, 2, b"a" * 1024, 1024), In(2, 3, b"b" * 1024, 1024), ABORT,
        *set_address("00580008"), ABORT, In(2, 2, b"c" * 4, 4), ABORT,
    )  # fmt: skip
    assert dfu.read(0x08005000, 2052) == b"a" * 1024 + b"b" * 1024 + b"cccc"
    assert pipe.script == []


def test_reading_beyond_the_end_of_flash_never_reaches_the_board() -> None:
    dfu, _, _ = core()
    with pytest.raises(ValueError, match="0x0801FFFC"):
        dfu.read(0x0801FFFC, 8)


# --- leaving ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        bytes.fromhex("000100000700"),
        SYNCED,
        bytes.fromhex("000000000800"),
        TransferStalled(),
        BoardSilent(),
        BoardGone(),
    ],
)
def test_every_known_way_of_leaving_is_success(answer: bytes | Fault) -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(2), getstatus(IDLE), dnload(2, b""), getstatus(answer))
    dfu.leave()
    assert pipe.script == []


def test_a_board_that_stays_idle_or_stalls_refuses_to_leave() -> None:
    dfu, pipe, _ = core()
    pipe.then(getstate(2), getstatus(IDLE), dnload(2, b""), getstatus(IDLE))
    with pytest.raises(DfuRefused, match="leave: IDLE"):
        dfu.leave()
    pipe.then(getstate(2), getstatus(IDLE), dnload(2, b"", TransferStalled()))
    with pytest.raises(DfuRefused, match="leave: stalled"):
        dfu.leave()
