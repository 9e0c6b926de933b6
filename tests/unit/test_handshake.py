"""The cloud's side of the handshake against a board's side that was written apart from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.every import examples
from support.shaking_device import DEVICE_ID, ShakingDevice, device_key, server_key, spki

from app.protocols.handshake import ANSWER, STEP_S, TOTAL_S, Failure, Handshake, Stage, public_half

OTHER_ID = "aa" * 12


def ours(device_id: str) -> bool:
    return device_id == DEVICE_ID


def begun(is_ours: Callable[[str], bool | None] = ours) -> Handshake:
    return Handshake(server_key(), spki(device_key()), is_ours, 0.0)


def device(**changes: object) -> ShakingDevice:
    return ShakingDevice(**{"key": device_key(), "server": server_key(), **changes})  # type: ignore[arg-type]


def play(shake: Handshake, board: ShakingDevice, now: float = 1.0) -> None:
    """Carry the bytes to and fro until nobody says any more."""
    for _ in range(10):
        back = board.feed(shake.take())
        if board.closed:
            shake.ended(1.0)
        if not back:
            return
        shake.receive(back, now)


@pytest.mark.parametrize("sends_key", [False, True], ids=["52 bytes", "214 bytes"])
@pytest.mark.parametrize("size", [13, 15, 29])
def test_a_board_of_every_age_gets_through(size: int, sends_key: bool) -> None:
    shake, board = begun(), device(hello_bytes=size, sends_key=sends_key)
    play(shake, board)
    assert shake.stage is Stage.DONE
    assert shake.failure is None
    assert shake.over
    assert board.seen == ["nonce", "session", "hello"]
    assert shake.device_id == DEVICE_ID
    assert shake.told_key is sends_key
    assert shake.hello is not None
    assert (shake.hello.product, shake.hello.version) == (0x1234, 7)
    assert shake.hello.platform == (None if size == 13 else 6)
    assert shake.hello.device_id == (DEVICE_ID if size == 29 else None)


def test_the_sizes_of_what_the_server_sends_are_those_of_the_specification() -> None:
    shake, board = begun(), device()
    nonce = shake.take()
    assert len(nonce) == 40
    shake.receive(board.feed(nonce), 1.0)
    session = shake.take()
    assert len(session) == 384
    shake.receive(board.feed(session), 1.0)
    assert len(shake.take()) == 18
    assert shake.take() == b""


def test_another_server_key_is_told_from_the_nonce() -> None:
    shake = begun()
    play(shake, device(server=server_key(1)))
    assert (shake.stage, shake.failure) == (Stage.ANSWERED, Failure.WRONG_SERVER_KEY)
    assert shake.take() == b""
    assert not shake.ours


def test_an_answer_larger_than_the_modulus_is_another_server_key() -> None:
    shake = begun()
    shake.receive(b"\xff" * ANSWER, 1.0)
    assert shake.failure is Failure.WRONG_SERVER_KEY


@pytest.mark.parametrize("sends_key", [False, True])
def test_a_replayed_answer_is_no_proof(sends_key: bool) -> None:
    first, board = begun(), device(sends_key=sends_key)
    recorded = board.feed(first.take())
    first.receive(recorded, 1.0)
    assert first.stage is Stage.SAME_KEY
    second = begun()
    second.receive(recorded, 1.0)
    assert (second.stage, second.failure) == (Stage.ANSWERED, Failure.OLD_NONCE)
    assert second.device_id is None


def test_the_board_of_somebody_else_is_not_judged_by_this_key() -> None:
    shake = begun()
    play(shake, device(device_id=OTHER_ID))
    assert (shake.stage, shake.failure) == (Stage.KNOWS_SERVER, Failure.WRONG_ID)
    assert shake.device_id == OTHER_ID


def test_an_unknown_id_is_taken_as_it_is_told() -> None:
    shake = begun(lambda _: None)
    play(shake, device(device_id=OTHER_ID))
    assert (shake.stage, shake.device_id) == (Stage.DONE, OTHER_ID)


def test_a_hello_with_another_id_than_the_answer_is_refused() -> None:
    shake, board = begun(), device(hello_bytes=29)
    nonce = shake.take()
    shake.receive(board.feed(nonce), 1.0)
    board.device_id = OTHER_ID
    shake.receive(board.feed(shake.take()), 1.0)
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.WRONG_ID)
    assert shake.hello is None


def test_a_public_key_that_is_not_that_of_the_slot_is_told() -> None:
    shake = begun()
    play(shake, device(key=device_key(1)))
    assert (shake.stage, shake.failure) == (Stage.KNOWS_ID, Failure.OTHER_KEY)
    assert shake.take() == b""


def test_a_board_that_cannot_use_its_key_breaks_off() -> None:
    shake = begun()
    board = device(key=device_key(1), told=spki(device_key()))
    play(shake, board)
    assert board.colour == "orange"
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.LEFT)


def test_an_old_board_with_another_key_breaks_off() -> None:
    shake = begun()
    board = device(key=device_key(1), sends_key=False)
    play(shake, board)
    assert board.colour == "orange"
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.LEFT)


def test_the_signature_is_checked_by_the_board() -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    session = bytearray(shake.take())
    session[-1] ^= 1
    board.feed(bytes(session))
    assert board.colour == "magenta"


@pytest.mark.parametrize("size", [0, 1, 100, 255])
def test_a_truncated_answer(size: int) -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take())[:size], 1.0)
    shake.ended(1.0)
    assert (shake.stage, shake.failure) == (Stage.CALLED, Failure.CUT_SHORT if size else Failure.LEFT)


@pytest.mark.parametrize("size", [1, 2, 17])
def test_a_truncated_hello(size: int) -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    shake.receive(board.feed(shake.take())[:size], 1.0)
    shake.ended(1.0)
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.CUT_SHORT)


def test_a_board_that_gave_up_waiting_did_not_refuse() -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    shake.ended(1.0 + 20.0)
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.SILENT)


@pytest.mark.parametrize("length", [0, 1, 13, 15, 17, 31, 33, 48, 0x1000, 0xFFFF])
def test_a_frame_of_a_length_no_hello_has_is_refused_at_once(length: int) -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    shake.receive(length.to_bytes(2, "big"), 1.0)
    assert shake.failure is Failure.GARBAGE


@pytest.mark.parametrize(
    "message",
    [
        b"\x40\x02\x00\x01\xb1h\xff\x00\x01\x00\x01\x00\x00",  # to be confirmed
        b"\x50\x01\x00\x01\xb1h\xff\x00\x01\x00\x01\x00\x00",  # GET
        b"\x50\x02\x00\x01\xb1x\xff\x00\x01\x00\x01\x00\x00",  # another path
        b"\x50\x02\x00\x01\xb1h\xff\x00\x01\x00\x01\x00",  # too short
        b"\x50\x02\x00\x01\xb1h\xff\x00\x01\x00\x01\x00\x00\x00",  # between two sizes
        b"\x50\x02\x00\x01\xb1h\xff\x00\x01\x00\x01\x00\x00\x00\x06\x00\x0d" + bytes(12),  # an ID of 13 bytes
        b"",
    ],
)
def test_a_message_that_is_no_hello_is_refused(message: bytes) -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    board.feed(shake.take())
    sealed = board._aes().encryptor().update(message + bytes([16 - len(message) % 16]) * (16 - len(message) % 16))
    shake.receive(len(sealed).to_bytes(2, "big") + sealed, 1.0)
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.BAD_SESSION)


def test_a_hello_in_another_session_cannot_be_read() -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    board.feed(shake.take())
    board._session = bytes(40)
    shake.receive(board.hello(), 1.0)
    assert (shake.stage, shake.failure) == (Stage.SAME_KEY, Failure.BAD_SESSION)


def test_more_than_an_answer_before_the_session_is_garbage() -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()) + b"\x00", 1.0)
    assert shake.failure is Failure.GARBAGE


def test_what_comes_after_the_hello_changes_nothing() -> None:
    shake, board = begun(), device()
    play(shake, board)
    shake.receive(b"\xff" * 5000, 2.0)
    shake.ended(1.0)
    shake.tick(1e6)
    assert (shake.stage, shake.failure) == (Stage.DONE, None)


def test_nobody_says_anything() -> None:
    shake = begun()
    shake.tick(STEP_S - 0.1)
    assert not shake.over
    shake.tick(STEP_S)
    assert shake.failure is Failure.SILENT


def test_a_drop_at_a_time_does_not_make_the_step_longer() -> None:
    shake, board = begun(), device()
    answer = board.feed(shake.take())
    now = 0.0
    for byte in answer:
        now += 1.0
        shake.receive(bytes([byte]), now)
    assert shake.failure is Failure.SLOW
    assert now > STEP_S


def test_each_step_has_its_own_time_and_all_of_it_an_end() -> None:
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), STEP_S - 1)
    assert not shake.over
    shake.receive(board.feed(shake.take()), 2 * STEP_S - 2)
    assert (shake.stage, shake.failure) == (Stage.DONE, None)
    late = begun()
    late.tick(TOTAL_S)
    assert late.failure is Failure.SILENT


def test_a_device_key_of_another_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="1024"):
        Handshake(server_key(), public_half(server_key()), ours, 0.0)


def test_the_public_half_is_what_lies_on_boards() -> None:
    assert public_half(device_key()) == spki(device_key())
    assert len(public_half(server_key())) == 294


def test_nothing_secret_is_in_what_is_printed() -> None:
    shake, board = begun(), device()
    play(shake, board)
    printed = repr(shake) + repr(shake.hello) + str(shake.failure)
    assert board._session.hex() not in printed
    assert repr(board._session) not in printed


def chunks(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, over and over."""
    found, at, number = [], 0, 0
    while at < len(data):
        size = sizes[number % len(sizes)]
        found.append(data[at : at + size])
        at, number = at + size, number + 1
    return found


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.sampled_from([13, 15, 29]))
def test_it_does_not_matter_in_what_pieces_bytes_come(sizes: list[int], hello: int) -> None:
    shake, board = begun(), device(hello_bytes=hello)
    for _ in range(2):
        out = b"".join(board.feed(piece) for piece in chunks(shake.take(), sizes))
        for piece in chunks(out, sizes):
            shake.receive(piece, 1.0)
    board.feed(shake.take())
    assert shake.stage is Stage.DONE
    assert board.seen[-1] == "hello"


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 255), st.integers(1, 255))
def test_a_damaged_answer_never_proves_anything(at: int, change: int) -> None:
    shake, board = begun(), device()
    answer = bytearray(board.feed(shake.take()))
    answer[at] ^= change
    shake.receive(bytes(answer), 1.0)
    assert shake.failure is Failure.WRONG_SERVER_KEY
    assert shake.take() == b""


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 17), st.integers(1, 255))
def test_a_damaged_hello_gets_no_answer_or_tells_other_numbers(at: int, change: int) -> None:
    """There is no checksum in the session, so what is damaged may still be a hello; the ID was proven before."""
    shake, board = begun(), device()
    shake.receive(board.feed(shake.take()), 1.0)
    frame = bytearray(board.feed(shake.take()))
    frame[at] ^= change
    shake.receive(bytes(frame), 1.0)
    if shake.stage is Stage.DONE:
        assert shake.device_id == DEVICE_ID
    else:
        assert shake.failure in (Failure.BAD_SESSION, Failure.GARBAGE, None)
        assert shake.take() == b""


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.binary(max_size=700), max_size=6))
def test_rubbish_never_gets_further_than_the_answer(pieces: list[bytes]) -> None:
    shake = begun()
    shake.take()
    for piece in pieces:
        shake.receive(piece, 1.0)
    assert shake.stage <= Stage.ANSWERED
    assert len(shake._in) <= ANSWER
    assert shake.take() == b""
