"""The account in the terminal: nothing secret on the command line or in what is printed; the sign-in is kept."""

from __future__ import annotations

import getpass
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import FastClock
from support.cloud_server import CloudServer, Failure, Personality
from support.secret_store import SecretStore

from app import main as program
from app.cloud.client import CloudClient
from app.cloud.profiles import CloudServer as Kind
from app.cloud.profiles import Profile, ProfileBook, profile
from app.cloud.session import Sessions
from app.cloud.tokens import TokenStore
from app.console_account import AccountConsole
from app.terminal import DONE, FAULT, WRONG_USAGE, Terminal

USER, PASSWORD, CODE = "ada@example.org", "correct horse", "314159"
MINE = "a" * 24


class Place:
    """One server, one store, and a terminal for each command."""

    def __init__(self, server: CloudServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.store: SecretStore | None = SecretStore()
        self.tokens = TokenStore(lambda: self.store)
        self.clock = FastClock()
        self.book = ProfileBook(folder / "accounts")
        kind = Kind.PARTICLE if server.personality is Personality.PARTICLE else Kind.LOCAL
        self.at = self.book.add(profile(server.address, name="mine", kind=kind))
        self.book.choose(self.at.id)
        self.out, self.aside = "", ""
        self.typed: list[str] = []
        monkeypatch.setattr(getpass, "getpass", lambda _prompt, _stream: self.typed.pop(0))

    def make(self, at: Profile, check: object) -> CloudClient:
        return CloudClient(at, clock=self.clock)

    def run(self, command: str, *words: str, lines: str = "", as_json: bool = False) -> int:
        out, aside = io.StringIO(), io.StringIO()
        terminal = Terminal(io.StringIO(lines), out, aside)
        console = AccountConsole(self.book, Sessions(self.tokens, self.make), terminal, as_json=as_json)
        code: int = getattr(console, command)(*words)
        self.out, self.aside = out.getvalue(), aside.getvalue()
        for secret in (PASSWORD, CODE, *self.server.tokens):
            assert secret not in self.out + self.aside
        return code


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with CloudServer() as server:
        server.user(USER, PASSWORD)
        server.board(MINE, owner=USER, name="lamp", online=False)
        yield Place(server, tmp_path, monkeypatch)


def test_signs_in_lists_boards_and_signs_out(place: Place) -> None:
    place.typed = [PASSWORD]
    assert place.run("sign_in", "", lines=f"{USER}\n") == DONE
    assert f"Signed in as {USER}" in place.out
    assert "mine" in place.aside
    assert place.run("status") == DONE
    assert USER in place.out
    assert place.run("boards") == DONE
    assert MINE in place.out
    assert "lamp" in place.out
    assert "offline" in place.out
    assert place.run("sign_out") == DONE
    assert not place.server.tokens
    assert place.run("boards") == FAULT
    assert "not signed in" in place.out


def test_a_one_time_code_may_be_mistyped(place: Place) -> None:
    place.server.users[USER].otp = CODE
    place.typed = [PASSWORD, "161803", CODE]
    assert place.run("sign_in", USER) == DONE
    assert "does not accept this code" in place.aside
    assert place.run("boards") == DONE


def test_a_wrong_password_says_so(place: Place) -> None:
    place.typed = ["wrong"]
    assert place.run("sign_in", USER) == FAULT
    assert "does not know this user name" in place.out


def test_a_token_comes_from_standard_input(place: Place) -> None:
    token = place.server.token_for(USER)
    assert place.run("use_token", lines=f"{token}\n") == DONE
    assert place.run("boards") == DONE


def test_no_input_is_a_fault_and_no_traceback(place: Place) -> None:
    assert place.run("use_token") == FAULT
    assert "not answered" in place.out


def test_a_sign_in_that_is_over_is_forgotten(place: Place) -> None:
    place.typed = [PASSWORD]
    place.run("sign_in", USER)
    place.server.tokens.clear()
    assert place.run("boards") == FAULT
    assert place.run("status") == DONE
    assert "Nobody is signed in" in place.out


def test_without_a_safe_store_it_says_how_long_the_sign_in_lasts(place: Place) -> None:
    place.store = None
    place.typed = [PASSWORD]
    assert place.run("sign_in", USER) == DONE
    assert "until the program ends" in place.aside


def test_a_server_that_cannot_be_told_is_no_reason_to_stay_signed_in(place: Place) -> None:
    place.typed = [PASSWORD]
    place.run("sign_in", USER)
    place.server.failures = [Failure(times=9, after_doing=False)]
    assert place.run("sign_out") == DONE
    assert "stays valid" in place.aside
    assert place.run("status") == DONE
    assert "Nobody" in place.out


def test_status_and_clouds_ask_no_server(place: Place) -> None:
    for command in ("status", "clouds"):
        assert place.run(command) == DONE
    assert not place.server.asked


def test_each_line_of_json_is_whole(place: Place) -> None:
    place.typed = [PASSWORD]
    assert place.run("sign_in", USER, as_json=True) == DONE
    assert json.loads(place.out)["account"]["user"] == USER
    assert place.run("boards", as_json=True) == DONE
    assert json.loads(place.out)["cloud_board"]["id"] == MINE
    assert place.run("clouds", as_json=True) == DONE
    assert [json.loads(line)["cloud"]["active"] for line in place.out.splitlines()].count(True) == 1
    assert place.run("sign_out", as_json=True) == DONE
    assert json.loads(place.out)["account"]["ended_at_the_cloud"] is True


def test_another_cloud_is_chosen_by_name_or_address(place: Place) -> None:
    assert place.run("choose", "Particle") == DONE
    assert place.book.active().name == "Particle"
    assert place.run("choose", "192.168.1.9") == DONE
    assert place.book.active().base_url == "http://192.168.1.9:8080"
    assert place.run("choose", "nowhere") == FAULT
    assert place.run("choose", "http://example.org@evil") == FAULT


def test_a_password_on_the_command_line_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["account", "sign-in", USER, PASSWORD])
    assert ended.value.code == WRONG_USAGE
