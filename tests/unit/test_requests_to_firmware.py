"""Control requests against the forms of device-protocol.md 6 and the trace of Appendix A.5."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FastClock
from support.scripted import In, Out, ScriptedUsbPipe, Transfer

from app.faults import (
    BoardGone,
    BoardSilent,
    BusFailed,
    Cancelled,
    Fault,
    RequestRefused,
    TransferStalled,
    WrongAnswer,
)
from app.platforms.model import Mode
from app.protocols import requests
from app.protocols.requests import RequestType, exchange, protobuf_fields

ID = "53ff6f065067544840551187"
STALL = TransferStalled()
NOTHING = bytes.fromhex("010000000000")
PENDING = bytes.fromhex("010000000200")
DONE = bytes.fromhex("09000000000000000000")


def raw(kind: int, answer: bytes | Fault) -> In:
    return In(0x50, 0, answer, 64, 0xC0, kind)


def order(kind: int, answer: Fault | None = None) -> Out:
    return Out(0x50, 0, b"", answer, 0x40, kind)


def init(kind: int, answer: bytes | Fault, size: int = 0) -> In:
    return In(1, size, answer, 64, 0xC0, kind)


def begun(number: int = 1) -> bytes:
    return struct.pack("<IHH", 3, 0, number)


def look(answer: bytes | Fault, number: int = 1) -> In:
    return In(2, 0, answer, 64, 0xC0, number)


def recv(answer: bytes | Fault, length: int, number: int = 1) -> In:
    return In(4, 0, answer, length, 0xC0, number)


def reset(number: int = 1) -> In:
    return In(5, 0, NOTHING, 64, 0xC0, number)


def result(code: int, size: int | None = None) -> bytes:
    if size is None:
        return struct.pack("<IHi", 9, 0, code)
    return struct.pack("<IHIi", 13, 0, size, code)


def scripted(*script: Transfer) -> tuple[ScriptedUsbPipe, FastClock]:
    return ScriptedUsbPipe(script), FastClock()


# --- texts, the raw way ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [ID.encode() + b"\0", ID.upper().encode() + b"\0", ID.upper().encode()],
    ids=["0.6.3", "0.7", "0.8"],
)
def test_the_device_id_is_read_in_all_three_forms(answer: bytes) -> None:
    pipe, clock = scripted(raw(20, answer))
    assert requests.device_id(pipe, clock) == ID
    assert pipe.script == []


@pytest.mark.parametrize("answer", [b"0.6.3\0\x55", b"0.7.0\0", b"2.3.1-rc.1"], ids=["0.6.3", "0.7", "0.8"])
def test_the_version_is_read_in_all_three_forms(answer: bytes) -> None:
    pipe, clock = scripted(raw(30, answer))
    assert requests.system_version(pipe, clock) == answer.split(b"\0")[0].decode()


@pytest.mark.parametrize("answer", [b"", b"\0", ID.encode()[:-1], b"\xff" * 24])
def test_a_device_id_of_another_form_is_a_wrong_answer(answer: bytes) -> None:
    pipe, clock = scripted(raw(20, answer))
    with pytest.raises(WrongAnswer):
        requests.device_id(pipe, clock)


def test_a_version_of_garbage_is_a_wrong_answer() -> None:
    pipe, clock = scripted(raw(30, b"\xff\xfe"))
    with pytest.raises(WrongAnswer):
        requests.system_version(pipe, clock)


def test_firmware_without_control_requests_tells_nothing() -> None:
    pipe, clock = scripted(raw(20, STALL), init(20, STALL), raw(30, STALL), init(30, STALL))
    assert requests.device_id(pipe, clock) is None
    assert requests.system_version(pipe, clock) is None


# --- the channel ----------------------------------------------------------------------------------------


def test_the_trace_of_the_specification() -> None:
    pipe, clock = scripted(
        raw(20, STALL),
        init(20, bytes.fromhex("0300000000000100")),
        look(bytes.fromhex("010000000200")),
        look(bytes.fromhex("0d00000000001a00000000000000")),
        recv(b"\x0a\x18" + ID.encode(), 26),
    )
    before = clock.now()
    assert requests.device_id(pipe, clock) == ID
    assert clock.now() - before == pytest.approx(0.1)
    assert pipe.script == []


def test_a_request_the_channel_does_not_know_tells_nothing() -> None:
    for ask in (requests.device_mode, requests.module_info):
        kind = 72 if ask is requests.device_mode else 90
        pipe, clock = scripted(init(kind, begun()), look(result(-120)))
        assert ask(pipe, clock) is None
        assert pipe.script == []


@pytest.mark.parametrize(
    ("reply", "mode"), [(b"\x08\x00", Mode.NORMAL), (b"\x08\x01", Mode.LISTENING), (b"\x08\x07", None)]
)
def test_the_device_mode_is_told(reply: bytes, mode: Mode | None) -> None:
    pipe, clock = scripted(init(72, begun(7)), look(result(0, 2), 7), recv(reply, 2, 7))
    assert requests.device_mode(pipe, clock) == mode


def test_a_mode_of_zero_may_be_left_out() -> None:
    pipe, clock = scripted(init(72, begun()), look(DONE))
    assert requests.device_mode(pipe, clock) == Mode.NORMAL


def test_the_module_list_is_read() -> None:
    told = b'{"p":6,"m":[{"s":16384,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":11,"d":[]}]}'
    pipe, clock = scripted(init(90, begun()), look(result(0, len(told))), recv(told, len(told)))
    report = requests.module_info(pipe, clock)
    assert report is not None
    assert [module.version for module in report.modules] == [11]


@pytest.mark.parametrize(("reply", "owned"), [(b"\x08\x01", True), (b"\x08\x00", False)])
def test_whether_an_account_owns_the_board_is_told(reply: bytes, owned: bool) -> None:
    pipe, clock = scripted(init(201, begun()), look(result(0, 2)), recv(reply, 2))
    assert requests.claimed(pipe, clock) is owned
    pipe, clock = scripted(init(201, begun()), look(DONE))
    assert requests.claimed(pipe, clock) is False
    pipe, clock = scripted(init(201, begun()), look(result(-120)))
    assert requests.claimed(pipe, clock) is None


def test_the_numbers_of_the_diagnostics_are_read_and_nothing_else() -> None:
    told = b'{"one":1,"half":0.5,"well":true,"name":"Attic of Ada","list":[1]}'
    pipe, clock = scripted(init(100, begun()), look(result(0, len(told))), recv(told, len(told)))
    assert requests.diagnostics(pipe, clock) == {"one": 1, "half": 0.5, "well": True}


def test_a_payload_is_sent_once_there_is_room_for_it() -> None:
    pipe, clock = scripted(
        init(70, struct.pack("<IHH", 3, 2, 5), 3),
        look(PENDING, 5),
        look(NOTHING, 5),
        Out(3, 0, b"abc", None, 0x40, 5),
        look(PENDING, 5),
        look(DONE, 5),
    )
    assert exchange(pipe, clock, lambda: None, RequestType.START_LISTENING, b"abc") == b""
    assert pipe.script == []


def test_a_board_with_four_requests_under_way_is_asked_again() -> None:
    pipe, clock = scripted(init(72, struct.pack("<IH", 1, 3)), init(72, begun()), look(DONE))
    assert requests.device_mode(pipe, clock) == Mode.NORMAL


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ([init(72, struct.pack("<IH", 1, 4))], RequestRefused),
        ([init(72, struct.pack("<IH", 1, 1))], RequestRefused),
        ([init(72, NOTHING)], WrongAnswer),
        ([init(72, b"\3\0\0\0\0\0")], WrongAnswer),
        ([init(72, b"")], WrongAnswer),
        ([init(72, b"\0" * 6)], WrongAnswer),
        ([init(72, begun()), look(struct.pack("<IH", 1, 5)), reset()], RequestRefused),
        ([init(72, begun()), look(result(-110)), reset()], RequestRefused),
        ([init(72, begun()), look(result(0, 9)), recv(b"\x08", 9), reset()], WrongAnswer),
        ([init(72, begun()), look(result(0, 1 << 20)), reset()], WrongAnswer),
        ([init(72, begun()), look(BoardGone()), reset()], BoardGone),
        ([init(72, begun()), look(result(0, 2)), recv(STALL, 2), reset()], TransferStalled),
    ],
)
def test_what_goes_wrong_on_the_channel_is_a_fault_and_the_request_is_given_back(
    script: list[Transfer], fault: type[Fault]
) -> None:
    pipe, clock = scripted(*script)
    with pytest.raises(fault):
        requests.device_mode(pipe, clock)
    assert pipe.script == []


def test_a_request_without_result_ends_after_a_minute() -> None:
    pipe, clock = scripted(init(72, begun()), *[look(PENDING)] * 67, reset())
    before = clock.now()
    with pytest.raises(BoardSilent):
        requests.device_mode(pipe, clock)
    assert clock.now() - before == pytest.approx(60.8)  # 1.8 s in ever longer steps, then one a second
    assert pipe.script == []


def test_a_wish_to_stop_ends_the_request_and_gives_it_back() -> None:
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Cancelled

    pipe, clock = scripted(init(72, begun()), look(PENDING), reset())
    with pytest.raises(Cancelled):
        requests.device_mode(pipe, clock, check)
    assert pipe.script == []


# --- orders ---------------------------------------------------------------------------------------------

Order = Callable[[ScriptedUsbPipe, FastClock], bool]
ORDERS = [(requests.enter_dfu, 50), (requests.start_listening, 70)]


@pytest.mark.parametrize(("give", "kind"), ORDERS)
@pytest.mark.parametrize("answer", [None, BoardSilent(), BoardGone(), BusFailed()])
def test_a_raw_order_counts_as_taken_even_if_its_transfer_never_ends(
    give: Order, kind: int, answer: Fault | None
) -> None:
    pipe, clock = scripted(order(kind, answer))
    assert give(pipe, clock)
    assert pipe.script == []


@pytest.mark.parametrize(("give", "kind"), ORDERS)
def test_newer_firmware_takes_orders_over_the_channel(give: Order, kind: int) -> None:
    pipe, clock = scripted(order(kind, STALL), init(kind, begun()), look(DONE))
    assert give(pipe, clock)
    assert pipe.script == []


def test_a_board_that_leaves_while_it_is_asked_for_the_result_has_obeyed() -> None:
    pipe, clock = scripted(order(50, STALL), init(50, begun()), look(BoardGone()), reset())
    assert requests.enter_dfu(pipe, clock)


def test_a_board_that_leaves_before_it_took_the_order_has_not_obeyed() -> None:
    pipe, clock = scripted(order(50, STALL), init(50, BoardGone()))
    with pytest.raises(BoardGone):
        requests.enter_dfu(pipe, clock)


def test_firmware_without_the_order_says_so() -> None:
    pipe, clock = scripted(order(50, STALL), init(50, STALL), order(70, STALL), init(70, begun()), look(result(-120)))
    assert not requests.enter_dfu(pipe, clock)
    assert not requests.start_listening(pipe, clock)


# --- protobuf -------------------------------------------------------------------------------------------


def test_protobuf_fields_of_every_kind_are_read() -> None:
    message = bytes.fromhex("08ac0212036162631d0100000021020000000000000008ffffffffffffffffff01")
    assert protobuf_fields(message) == {1: 2**64 - 1, 2: b"abc", 3: b"\1\0\0\0", 4: b"\2\0\0\0\0\0\0\0"}
    assert protobuf_fields(b"") == {}


@pytest.mark.parametrize("message", ["08", "0880", "1205616263", "0b", "1d0100", "08" + "ff" * 11])
def test_cut_off_protobuf_is_a_wrong_answer(message: str) -> None:
    with pytest.raises(WrongAnswer):
        protobuf_fields(bytes.fromhex(message))


@pytest.mark.parametrize(("kind", "reply"), [(20, b"\x08\x05"), (20, b""), (72, b"\x0a\x01a")])
def test_a_field_of_the_wrong_kind_is_a_wrong_answer(kind: int, reply: bytes) -> None:
    script = [init(kind, begun()), look(result(0, len(reply) or None)), recv(reply, len(reply))]
    pipe, clock = scripted(*([raw(20, STALL), *script] if kind == 20 else script))
    with pytest.raises(WrongAnswer):
        (requests.device_id if kind == 20 else requests.device_mode)(pipe, clock)


@given(st.binary(max_size=60))
def test_any_bytes_are_protobuf_or_a_wrong_answer(message: bytes) -> None:
    try:
        fields = protobuf_fields(message)
    except WrongAnswer:
        return
    assert all(isinstance(value, int | bytes) for value in fields.values())


@given(st.binary(max_size=64))
def test_any_answer_to_init_ends_in_an_answer_or_a_fault(reply: bytes) -> None:
    class Stubborn(ScriptedUsbPipe):
        def control_in(
            self, request_type: int, request: int, value: int, index: int, length: int, timeout_ms: int
        ) -> bytes:
            return reply[:length]

    try:
        mode = requests.device_mode(Stubborn(), FastClock())
    except Fault:
        return
    assert mode in (Mode.NORMAL, Mode.LISTENING, None)
