"""Practice has an account server of its own, inside the program: everything works, and no real server is asked."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from support.clock import FastClock
from support.desk import IN_DFU, RUNNING, Desk, desk

from app.account_faults import (
    BoardNotOnline,
    BoardOfSomeoneElse,
    CloudUnreachable,
    OneTimeCodeNeeded,
    OneTimeCodeRefused,
    SignInRefused,
    TokenRefused,
)
from app.cloud.client import CloudClient, Token
from app.cloud.in_memory import in_memory
from app.cloud.profiles import PARTICLE, Profile, profile
from app.engine.accounts import Accounts
from app.practice import practice_accounts
from app.virtual.practice_account import CAREFUL_USER, CODE, NEIGHBOUR, PASSWORD, USER, PracticeCloud
from app.work.events import Event

ONLINE_S = 40.0
CLAIM_CODE, CLAIMED = 1762, 1825  # device-protocol.md 3.5
NEIGHBOURS_BOARD = "48ff6c065067555026311387"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("practice asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


class Place:
    def __init__(self, folder: Path, mode: str = RUNNING) -> None:
        self.desk: Desk = desk("photon", folder, mode)
        self.desk.clock.pause(ONLINE_S)
        self.server = PracticeCloud(lambda: self.desk.bus.boards)

    def client(self, at: Profile = PARTICLE) -> CloudClient:
        return CloudClient(
            at, clock=self.desk.clock, http=in_memory(self.server.answer), resolve=lambda _host: ("127.0.0.1",)
        )

    def signed_in(self, user: str = USER) -> Token:
        return Token(self.server.token_for(user))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_log_does_not_say_that_a_real_server_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cloud = PracticeCloud(lambda: ())
    with CloudClient(PARTICLE, clock=FastClock(), http=in_memory(cloud.answer)) as client:
        client.devices(Token(cloud.token_for(USER)))
    assert "api.particle.io" not in caplog.text


def test_signs_in_with_the_words_on_the_screen_and_out_again(place: Place) -> None:
    with place.client() as client:
        token = client.sign_in(USER, PASSWORD)
        assert client.who(token).name == USER
        assert {board.name for board in client.devices(token)} == {"greenhouse", "doorbell"}
        client.revoke(token)
        with pytest.raises(TokenRefused):
            client.devices(token)


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", PASSWORD), (NEIGHBOUR, PASSWORD)])
def test_refuses_everybody_else(place: Place, user: str, password: str) -> None:
    with place.client() as client, pytest.raises(SignInRefused):
        client.sign_in(user, password)


def test_one_account_asks_for_a_code(place: Place) -> None:
    with place.client() as client:
        with pytest.raises(OneTimeCodeNeeded) as needed:
            client.sign_in(CAREFUL_USER, PASSWORD)
        with pytest.raises(OneTimeCodeRefused):
            client.one_time_code(needed.value.mfa_token, "161803")
        token = client.one_time_code(needed.value.mfa_token, CODE)
        assert client.who(token).name == CAREFUL_USER
        client.revoke(token, user=CAREFUL_USER, password=PASSWORD, code=CODE)
        with pytest.raises(TokenRefused):
            client.who(token)


def test_claims_names_and_releases_the_board_on_the_desk(place: Place) -> None:
    board = place.desk.board.device_id
    with place.client() as client:
        token = place.signed_in()
        client.claim(token, board)
        client.rename(token, board, "window-sill")
        client.signal(token, board, on=True)
        mine = client.device(token, board)
        assert (mine.name, mine.online, mine.platform_id) == ("window-sill", True, 6)
        client.release(token, board)
        assert board not in {each.id for each in client.devices(token)}


def test_a_board_that_is_not_connected_cannot_be_claimed(tmp_path: Path) -> None:
    place = Place(tmp_path, mode=IN_DFU)
    with place.client() as client, pytest.raises(BoardNotOnline):
        client.claim(place.signed_in(), place.desk.board.device_id)


def test_a_neighbours_board_takes_a_transfer(place: Place) -> None:
    with place.client() as client:
        token = place.signed_in()
        with pytest.raises(BoardOfSomeoneElse):
            client.claim(token, NEIGHBOURS_BOARD)
        assert client.claim(token, NEIGHBOURS_BOARD, request_transfer=True).transfer_requested


def test_a_shown_claim_code_makes_the_board_mine_once(place: Place) -> None:
    desk = place.desk
    with place.client() as client:
        token = place.signed_in()
        code = client.claim_code(token).value
        desk.board.dct[CLAIM_CODE : CLAIM_CODE + len(code)] = code.encode()
        assert desk.board.device_id not in {each.id for each in client.devices(token)}
        desk.person.hand.reset()
        desk.clock.pause(ONLINE_S)
        assert client.device(token, desk.board.device_id).online
        assert desk.board.dct[CLAIMED] == ord("1")
        client.release(token, desk.board.device_id)
        desk.person.hand.reset()
        desk.clock.pause(ONLINE_S)
        assert desk.board.device_id not in {each.id for each in client.devices(token)}


def test_no_other_server_answers(place: Place) -> None:
    with place.client(profile("http://cloud.local:8080")) as client, pytest.raises(CloudUnreachable):
        client.devices(place.signed_in())


def test_at_a_command_line_the_practice_user_is_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path))
    place = desk("photon", tmp_path)
    news: list[Event] = []

    def run(make: Callable[[], Accounts]) -> str:
        accounts = make()
        accounts.start()
        try:
            return accounts.required().user
        finally:
            accounts.stop()
            assert accounts.join(10)

    boards = place.bus.boards
    assert run(lambda: practice_accounts(news.append, place.clock, (), lambda: boards, signed_in=True)) == USER
