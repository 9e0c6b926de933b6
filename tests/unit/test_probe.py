"""Who called this computer, and what that proves: one board among scanners, browsers and other boards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.air import HERE, Air, AirLine
from support.clock import FastClock
from support.shaking_device import DEVICE_ID, ShakingDevice, device_key, server_key, spki

from app.protocols.handshake import NONCE, STEP_S, Failure, Stage
from app.work.probe import AT_ONCE, GOODBYE_S, KEPT, Attempt, Probe, Verdict

PORT = 5683
OTHER_ID = "bb" * 12


class House:
    """This computer with a probe, and callers that are let live by hand."""

    def __init__(self, is_ours: Callable[[str], bool | None] = lambda told: told == DEVICE_ID) -> None:
        self.clock = FastClock()
        self.air = Air()
        self.probe = Probe(self.air.listen(PORT), server_key(), spki(device_key()), is_ours, self.clock)
        self.callers: list[tuple[AirLine, ShakingDevice]] = []

    def stranger(self, data: bytes = b"", peer: str = "192.168.1.66") -> AirLine:
        """Somebody calls and says this."""
        line = self.air.dial(HERE, PORT, peer=peer)
        assert line is not None
        line.send(data)
        return line

    def board(self, peer: str = "192.168.1.50", **changes: object) -> ShakingDevice:
        """A board calls."""
        made = ShakingDevice(**{"key": device_key(), "server": server_key(), **changes})  # type: ignore[arg-type]
        self.callers.append((self.stranger(peer=peer), made))
        return made

    def decided(self) -> bool:
        """Whether waiting longer makes no sense."""
        return self.probe.decided

    def verdict(self) -> Verdict:
        """What is proven by now."""
        return self.probe.verdict

    def live(self, seconds: float = 5.0) -> list[Attempt]:
        """Let time pass; return the news."""
        news: list[Attempt] = []
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            news += self.probe.poll()
            for line, board in self.callers:
                line.send(board.feed(line.receive() or b""))
                if board.closed:
                    line.close()
            self.clock.pause(0.25)
        return news


def test_a_board_gets_through_and_is_let_go_politely() -> None:
    house = House()
    board = house.board()
    news = house.live(1.0)
    assert [each.stage for each in news][-1] is Stage.DONE
    assert not house.decided()  # it has to read our hello first
    house.live(GOODBYE_S + 0.5)
    assert house.decided()
    assert house.verdict() is Verdict.PROVEN
    assert board.seen == ["nonce", "session", "hello"]
    assert house.probe.best is not None
    assert house.probe.best.device_id == DEVICE_ID
    assert house.probe.best.peer == "192.168.1.50"


def test_nobody_calls() -> None:
    house = House()
    assert house.live() == []
    assert house.verdict() is Verdict.NOTHING_CAME
    assert not house.decided()


def test_a_second_board_of_the_house_does_not_spoil_it() -> None:
    house = House()
    house.board("192.168.1.51", server=server_key(1), device_id=OTHER_ID)
    house.live()
    assert house.verdict() is Verdict.WRONG_SERVER_KEY
    assert not house.decided()
    house.board()
    house.live()
    assert house.verdict() is Verdict.PROVEN
    house.board("192.168.1.51", server=server_key(1), device_id=OTHER_ID)
    house.live()
    assert house.verdict() is Verdict.PROVEN


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (b"", Verdict.NO_ANSWER),
        (b"GET / HTTP/1.1\r\n\r\n", Verdict.NO_ANSWER),
        (b"\x00" * 5000, Verdict.NO_ANSWER),
        (b"\x00" * 256, Verdict.WRONG_SERVER_KEY),
    ],
)
@pytest.mark.parametrize("leaves", [True, False])
def test_strangers_alone_prove_nothing(data: bytes, verdict: Verdict, leaves: bool) -> None:
    house = House()
    line = house.stranger(data)
    house.live(1.0)
    assert len(line.receive() or b"") == NONCE
    if leaves:
        line.close()
    house.live(STEP_S + 1)
    assert house.verdict() is verdict
    assert not house.decided()
    assert line.receive() is None


def test_strangers_that_never_end_do_not_keep_the_board_out() -> None:
    house = House()
    for number in range(3 * AT_ONCE):
        house.stranger(b"\x01", peer=f"192.168.2.{number}")
    house.live(1.0)
    board = house.board()
    house.live(1.0)
    for number in range(3 * AT_ONCE):
        house.stranger(peer=f"192.168.3.{number}")
    house.live()
    assert board.seen[-1] == "hello"
    assert house.verdict() is Verdict.PROVEN


def test_a_stranger_that_never_stops_sending_is_cut_off() -> None:
    house = House()
    line = house.stranger()
    for _ in range(20):
        line.send(b"\xff" * 10_000)
        house.live(0.25)
    assert line.receive() is not None
    assert line.receive() is None


def test_what_is_remembered_is_bounded_and_the_best_stays() -> None:
    house = House()
    house.board()
    house.live()
    for number in range(3 * KEPT):
        house.stranger(b"rubbish", peer=f"192.168.3.{number}").close()
        house.live(0.5)
    assert len(house.probe.attempts) <= KEPT
    assert house.probe.calls == 1 + 3 * KEPT
    assert house.verdict() is Verdict.PROVEN


def test_a_slow_drip_ends_with_its_step() -> None:
    house = House()
    line = house.stranger()
    for _ in range(int(STEP_S) + 5):
        line.send(b"\x01")
        house.live(1.0)
    assert [each.failure for each in house.probe.attempts] == [Failure.SLOW]


def test_another_id_decides_at_once() -> None:
    house = House()
    house.board(device_id=OTHER_ID)
    house.live()
    assert house.decided()
    assert house.verdict() is Verdict.WRONG_ID
    assert house.probe.best is not None
    assert house.probe.best.device_id == OTHER_ID


def test_another_key_decides_at_once() -> None:
    house = House()
    house.board(key=device_key(1))
    house.live()
    assert house.decided()
    assert house.verdict() is Verdict.OTHER_KEY


def test_a_board_that_breaks_off_is_given_a_second_try() -> None:
    house = House()
    house.board(key=device_key(1), sends_key=False)
    house.live()
    assert house.verdict() is Verdict.NOT_ACCEPTED
    assert not house.decided()
    house.board(key=device_key(1), sends_key=False)
    house.live()
    assert house.decided()
    assert house.verdict() is Verdict.NOT_ACCEPTED


def test_one_accident_of_the_radio_is_forgiven() -> None:
    house = House()
    house.board(key=device_key(1), sends_key=False)
    house.live()
    house.board(sends_key=False)
    house.live()
    assert house.verdict() is Verdict.PROVEN


def test_a_replay_is_told() -> None:
    house = House()
    house.stranger(ShakingDevice(device_key(), server_key()).answer(b"n" * 40))
    house.live()
    assert house.verdict() is Verdict.OLD_NONCE
    assert not house.decided()


def test_ended_in_the_middle_it_is_silent() -> None:
    house = House()
    board = house.board()
    house.probe.poll()
    line = house.callers[0][0]
    line.send(board.feed(line.receive() or b""))
    house.probe.poll()
    house.callers.clear()
    house.live(1.0)
    assert house.verdict() is Verdict.SILENT


def test_closing_ends_everything_and_keeps_what_is_known() -> None:
    house = House()
    house.board()
    house.live()
    line = house.stranger()
    house.live(0.5)
    house.probe.close()
    house.probe.close()
    line.receive()  # the nonce
    assert line.receive() is None
    assert house.verdict() is Verdict.PROVEN
    late = house.air.dial(HERE, PORT)
    assert late is None or late.receive() is None
