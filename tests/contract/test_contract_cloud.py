"""What the program and an account server agree on, asked of the tests' own server and, where told, of a real one.

A real server is told by the environment:

    REKINDLE_CLOUD_URL      for example https://api.particle.io or http://192.168.1.10:8080
    REKINDLE_CLOUD_KIND     particle (the default) or local
    REKINDLE_CLOUD_TOKEN    an access token; or instead
    REKINDLE_CLOUD_USER, REKINDLE_CLOUD_PASSWORD    of an account without a second step
    REKINDLE_CLOUD_BOARD    device ID of a board of that account that is online and may be renamed and blinked; it is
                            never released

Nothing but that board's name is changed there, and it is changed back. Without them the tests of a real server are
skipped, and say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from support.cloud_server import CloudServer, Personality

from app.account_faults import (
    BoardNotOnline,
    BoardNotYours,
    BoardOfSomeoneElse,
    BoardUnknownToCloud,
    CloudDoesNotOffer,
    KeyKindNotTaken,
    OneTimeCodeNeeded,
    OneTimeCodeRefused,
    SignInRefused,
    TokenRefused,
)
from app.clock import RealClock
from app.cloud.client import CloudClient, Token
from app.cloud.profiles import CloudServer as Kind
from app.cloud.profiles import profile
from app.keys.letter import PublicKeyLetter

MINE, THEIRS, NOBODYS, AWAY, NEVER = (digit * 24 for digit in "12345")
USER, PASSWORD = "ada@example.org", "correct horse, battery"
ADDRESS = os.environ.get("REKINDLE_CLOUD_URL", "")
REAL_KIND = Kind(os.environ.get("REKINDLE_CLOUD_KIND", "particle"))
PEM = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ==\n-----END PUBLIC KEY-----\n"


@dataclass
class Seat:
    """Somebody signed in at a server."""

    client: CloudClient
    token: Token
    kind: Kind
    board: str
    user: str
    server: CloudServer | None  # None: a real one
    password: str = ""

    def inside(self) -> CloudServer:
        """The tests' own server, whose state can be looked at."""
        if self.server is None:
            pytest.skip("would change boards of a real account")
        return self.server


def own(personality: Personality) -> Iterator[Seat]:
    with CloudServer(personality) as server:
        server.user(USER, PASSWORD)
        server.user("bob@example.org", "his")
        server.board(MINE, owner=USER, name="mine")
        server.board(THEIRS, owner="bob@example.org", name="theirs")
        server.board(NOBODYS)
        server.board(AWAY, owner=USER, online=False)
        kind = Kind(personality.value)
        with CloudClient(profile(server.address, kind=kind), clock=RealClock()) as client:
            yield Seat(client, client.sign_in(USER, PASSWORD), kind, MINE, USER, server, PASSWORD)


def real() -> Iterator[Seat]:
    kind = REAL_KIND
    user, password = os.environ.get("REKINDLE_CLOUD_USER", ""), os.environ.get("REKINDLE_CLOUD_PASSWORD", "")
    with CloudClient(profile(ADDRESS, kind=kind), clock=RealClock()) as client:
        value = os.environ.get("REKINDLE_CLOUD_TOKEN", "")
        token = Token(value) if value else client.sign_in(user, password)
        yield Seat(client, token, kind, os.environ.get("REKINDLE_CLOUD_BOARD", ""), user, None, password)
        if not value and kind is Kind.PARTICLE:
            client.revoke(token)


@pytest.fixture
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    yield from real() if request.param == "real" else own(Personality(request.param))


def asked_of(*kinds: str) -> pytest.MarkDecorator:
    real_one = ["real"] if ADDRESS and REAL_KIND.value in kinds else []
    return pytest.mark.parametrize("seat", [*kinds, *real_one], indirect=True)


both = asked_of("particle", "local")
particle = asked_of("particle")
local = asked_of("local")


@pytest.mark.skipif(not ADDRESS, reason="NO REAL SERVER WAS ASKED: set REKINDLE_CLOUD_URL, see this file's first lines")
@pytest.mark.parametrize("seat", ["real"], indirect=True)
def test_a_real_server_was_asked(seat: Seat) -> None:
    assert isinstance(seat.client.devices(seat.token), tuple)


def a_board(seat: Seat) -> str:
    if not seat.board:
        pytest.skip("REKINDLE_CLOUD_BOARD names no board")
    return seat.board


# --- signing in and out ---


@both
def test_a_wrong_password_is_refused(seat: Seat) -> None:
    if not seat.user:
        pytest.skip("REKINDLE_CLOUD_USER names nobody")
    with pytest.raises(SignInRefused):
        seat.client.sign_in(seat.user, "certainly not this one")


@particle
def test_a_token_tells_whose_it_is(seat: Seat) -> None:
    assert seat.client.who(seat.token).name == seat.user or not seat.user


@local
def test_a_local_cloud_does_not_know_whose_a_token_is(seat: Seat) -> None:
    with pytest.raises(CloudDoesNotOffer):
        seat.client.who(seat.token)


@both
def test_a_token_nobody_made_is_refused(seat: Seat) -> None:
    with pytest.raises(TokenRefused):
        seat.client.devices(Token("0123456789abcdef0123456789abcdef01234567"))


@both
def test_a_token_ends_by_itself_after_ninety_days(seat: Seat) -> None:
    seat.inside()
    assert seat.token.ends is not None


@particle
def test_a_one_time_code_is_asked_for_and_checked(seat: Seat) -> None:
    seat.inside().user("eve@example.org", "secret", otp="123456")
    with pytest.raises(OneTimeCodeNeeded) as needed:
        seat.client.sign_in("eve@example.org", "secret")
    with pytest.raises(OneTimeCodeRefused):
        seat.client.one_time_code(needed.value.mfa_token, "654321")
    token = seat.client.one_time_code(needed.value.mfa_token, "123 456")
    assert seat.client.who(token).name == "eve@example.org"


@particle
def test_a_token_that_was_revoked_opens_nothing(seat: Seat) -> None:
    seat.inside()
    seat.client.revoke(seat.token)
    with pytest.raises(TokenRefused):
        seat.client.devices(seat.token)


@both
def test_a_token_is_revoked_with_the_password(seat: Seat) -> None:
    seat.inside()
    with pytest.raises(SignInRefused):
        seat.client.revoke(seat.token, user=seat.user, password="not this one")
    seat.client.revoke(seat.token, user=seat.user, password=seat.password)
    with pytest.raises(TokenRefused):
        seat.client.devices(seat.token)


@local
def test_a_local_cloud_is_not_asked_to_revoke_without_the_password(seat: Seat) -> None:
    with pytest.raises(CloudDoesNotOffer):
        seat.client.revoke(seat.token)
    seat.client.devices(seat.token)


# --- boards ---


@both
def test_the_list_has_the_board_with_what_is_known_of_it(seat: Seat) -> None:
    wanted = a_board(seat)
    found = {board.id: board for board in seat.client.devices(seat.token)}
    assert wanted in found
    assert found[wanted].online is True
    if seat.kind is Kind.PARTICLE:
        assert found[wanted].platform_id is not None
        assert found[wanted].last_heard is not None


@local
def test_a_local_cloud_lists_every_board_that_connects(seat: Seat) -> None:
    seat.inside().board(NEVER, needs_deep_update=True)
    found = {board.id: board for board in seat.client.devices(seat.token)}
    assert set(found) == {MINE, THEIRS, NOBODYS, AWAY, NEVER}
    assert [board.id for board in found.values() if board.needs_deep_update] == [NEVER]
    assert found[AWAY].online is False


@particle
def test_particle_lists_only_boards_of_the_account(seat: Seat) -> None:
    seat.inside()
    assert {board.id for board in seat.client.devices(seat.token)} == {MINE, AWAY}


@both
def test_one_board_is_the_same_as_in_the_list(seat: Seat) -> None:
    wanted = a_board(seat)
    one = seat.client.device(seat.token, wanted)
    listed = next(board for board in seat.client.devices(seat.token) if board.id == wanted)
    assert (one.id, one.name, one.online) == (listed.id, listed.name, listed.online)


@both
def test_a_board_that_is_not_there_is_not_there(seat: Seat) -> None:
    with pytest.raises((BoardNotYours, BoardUnknownToCloud)):
        seat.client.device(seat.token, "0" * 23 + "1")


@particle
def test_a_board_is_renamed_and_back(seat: Seat) -> None:
    wanted = a_board(seat)
    before = seat.client.device(seat.token, wanted).name
    assert seat.client.rename(seat.token, wanted, "rekindle-contract") == "rekindle-contract"
    try:
        assert seat.client.device(seat.token, wanted).name == "rekindle-contract"
    finally:
        seat.client.rename(seat.token, wanted, before)


@particle
def test_a_board_blinks_and_stops(seat: Seat) -> None:
    wanted = a_board(seat)
    seat.client.signal(seat.token, wanted, on=True)
    if seat.server is not None:
        assert seat.server.boards[wanted].signalling
    seat.client.signal(seat.token, wanted, on=False)
    if seat.server is not None:
        assert not seat.server.boards[wanted].signalling


@particle
def test_a_board_that_is_away_cannot_blink(seat: Seat) -> None:
    seat.inside()
    with pytest.raises(BoardNotOnline):
        seat.client.signal(seat.token, AWAY, on=True)


@both
def test_claiming_ones_own_board_again_is_no_trouble(seat: Seat) -> None:
    claimed = seat.client.claim(seat.token, a_board(seat))
    assert not claimed.transfer_requested
    assert claimed.certain is (seat.kind is Kind.PARTICLE)


@particle
def test_a_board_of_nobody_is_claimed_and_released(seat: Seat) -> None:
    server = seat.inside()
    seat.client.claim(seat.token, NOBODYS)
    assert server.boards[NOBODYS].owner == USER
    assert NOBODYS in {board.id for board in seat.client.devices(seat.token)}
    seat.client.release(seat.token, NOBODYS)
    assert server.boards[NOBODYS].owner == ""
    with pytest.raises(BoardNotYours):
        seat.client.release(seat.token, NOBODYS)


@particle
def test_a_board_that_is_away_cannot_be_claimed(seat: Seat) -> None:
    seat.inside().boards[NOBODYS].online = False
    with pytest.raises(BoardNotOnline):
        seat.client.claim(seat.token, NOBODYS)


@particle
def test_a_board_of_somebody_else_is_asked_for(seat: Seat) -> None:
    server = seat.inside()
    with pytest.raises(BoardOfSomeoneElse):
        seat.client.claim(seat.token, THEIRS)
    assert seat.client.claim(seat.token, THEIRS, request_transfer=True).transfer_requested
    assert server.transfers == [(THEIRS, USER)]
    server.approve_transfers()
    assert THEIRS in {board.id for board in seat.client.devices(seat.token)}


@local
def test_a_local_cloud_has_no_release_and_no_claim_codes(seat: Seat) -> None:
    seat.inside()
    with pytest.raises(CloudDoesNotOffer):
        seat.client.release(seat.token, MINE)
    with pytest.raises(CloudDoesNotOffer):
        seat.client.claim_code(seat.token)


@local
def test_an_old_local_cloud_has_no_claim(seat: Seat) -> None:
    seat.inside().stub_claim = False
    with pytest.raises(CloudDoesNotOffer):
        seat.client.claim(seat.token, MINE)


@particle
def test_a_board_that_shows_a_claim_code_is_in_the_account(seat: Seat) -> None:
    code = seat.client.claim_code(seat.token)
    assert len(code.value) == 63
    assert code.value not in repr(code)
    server = seat.inside()
    server.comes_online(NEVER, code.value)
    assert NEVER in {board.id for board in seat.client.devices(seat.token)}


@both
def test_a_public_key_is_registered(seat: Seat) -> None:
    server = seat.inside()
    seat.client.send_key(seat.token, PublicKeyLetter(MINE, "photon", "rsa", PEM))
    assert server.boards[MINE].key == PEM
    assert server.boards[MINE].algorithm == "rsa"


@local
def test_a_local_cloud_takes_no_key_of_an_electron(seat: Seat) -> None:
    server = seat.inside()
    before = len(server.asked)
    with pytest.raises(KeyKindNotTaken):
        seat.client.send_key(seat.token, PublicKeyLetter(MINE, "electron", "ecc", PEM))
    assert len(server.asked) == before
