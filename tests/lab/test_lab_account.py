"""Boards on a real tty and real USB become the account's: a claim code through the cable, and a claim by its own ID."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cloud_server import CloudServer
from support.person import Person
from support.stores import stores

from app.clock import RealClock
from app.cloud.client import CloudClient
from app.cloud.profiles import CloudServer as Kind
from app.cloud.profiles import Profile, ProfileBook, profile
from app.cloud.session import Sessions
from app.cloud.tokens import SavedSignIn, TokenStore
from app.engine.accounts import Accounts
from app.engine.engine import Engine
from app.keys.safe import KeySafe
from app.platforms.model import Mode
from app.transports.trace import TracingBus
from app.virtual.board import VirtualBoard
from app.virtual.catalogue import make
from app.virtual.hand import PracticeHand
from app.work.events import Failed, Post, Stopped, Succeeded
from lab.desk import Desk
from lab.station import SHOWN_S, Observer, shows

pytestmark = pytest.mark.lab

ADA = "ada@example.org"
RUN_S = 90.0
LOOK_S = 0.1


@contextmanager
def server_for(board: VirtualBoard) -> Iterator[CloudServer]:
    """A server that a board is seen by as soon as its own firmware is in the makers' cloud, with the code it shows."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S):
            if board.in_makers_cloud:
                server.comes_online(board.device_id, board.published_claim_code)

    with CloudServer() as server:
        server.user(ADA)
        watching = threading.Thread(target=look, name="board's way to the server")
        watching.start()
        try:
            yield server
        finally:
            over.set()
            watching.join()


def accounts_at(server: CloudServer, folder: Path) -> Callable[[Post], Accounts]:
    """Somebody who signed in there before the program started."""
    at = profile(server.address, name="lab", kind=Kind.PARTICLE)
    book = ProfileBook(folder / "accounts")
    book.choose(book.add(at).id)
    tokens = TokenStore(lambda: None)
    tokens.keep(at, SavedSignIn(ADA, server.token_for(ADA)))

    def client(at: Profile, check: Callable[[], None]) -> CloudClient:
        return CloudClient(at, clock=RealClock(), check=check)

    return lambda post: Accounts(book, Sessions(tokens, client), post)


@pytest.mark.parametrize(("name", "recipe"), [("photon", "claim-by-cable"), ("core-0.7", "claim-board")])
def test_a_board_on_a_real_port_becomes_the_accounts(desk: Desk, name: str, recipe: str, tmp_path: Path) -> None:
    board = make(name, desk.board_clock)
    cable = desk.plug(board)
    PracticeHand(board).enter_listening()
    desk.await_mode(cable, Mode.NORMAL)
    trace = tmp_path / "trace.jsonl"
    bus = TracingBus(desk.bus, trace)
    safe = KeySafe(tmp_path / "safe")
    observer = Observer(Person(board, {"claim-wifi": "known"}))
    with server_for(board) as server:
        engine = Engine(
            bus, desk.clock, safe, observer, accounts=accounts_at(server, tmp_path), **stores(tmp_path, safe)
        )
        engine.start()
        try:
            observer.first(lambda event: shows(event, cable.port_path), SHOWN_S)
            number = engine.run(recipe, cable.port_path)
            _, last = observer.first(
                lambda event: isinstance(event, Succeeded | Failed | Stopped) and event.run == number, RUN_S
            )
        finally:
            engine.close()
        assert isinstance(last, Succeeded), last
        assert not last.outcome.unfinished
        assert server.boards[board.device_id].owner == ADA
        asked = [(each.method, each.path.partition("?")[0]) for each in server.asked]
        by_code = ("POST", "/v1/device_claims") in asked
        assert by_code is (recipe == "claim-by-cable")
        assert (("POST", "/v1/devices") in asked) is not by_code
        told = trace.read_text("utf-8") + repr([event for _, event in observer.events])
        assert bool(board.published_claim_code) is by_code  # a Core only pretends to keep one (5.3)
        for secret in {*server.tokens, board.published_claim_code} - {""}:
            assert secret not in told
            assert secret.encode().hex() not in told
