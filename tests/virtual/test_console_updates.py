"""`rekindle updates` in the terminal: what it says, what it remembers, and exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.release_signer import LINK, NOW, PUBLIC, NoticeServer, envelope

from app import main as program
from app.console_updates import UpdateConsole
from app.engine.updates import UpdateBook, UpdateDesk
from app.terminal import DONE, FAULT, WRONG_USAGE, Terminal
from app.updates import Channel, proven

FOUND = proven(envelope(), (PUBLIC,), NOW).version


class Place:
    """A person at a terminal, and a server."""

    def __init__(self, folder: Path, server: NoticeServer) -> None:
        self.folder = folder
        self.server = server
        self.channel = Channel(server.address, (PUBLIC,))
        self.out = ""

    def run(self, command: str, *words: str, as_json: bool = False, yes: bool | None = None) -> int:
        out = io.StringIO()
        desk = UpdateDesk(self.channel, UpdateBook(self.folder), now=lambda: NOW, installed="0.1.0")
        console = UpdateConsole(desk, Terminal(io.StringIO(), out, out), as_json=as_json)
        named = {} if yes is None else {"yes": yes}
        code: int = getattr(console, command)(*words, **named)
        self.out = out.getvalue()
        return code


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with NoticeServer(envelope()) as server:
        yield Place(tmp_path / "data", server)


def test_it_is_off_at_first_and_switched_on_and_off_without_asking_anybody(place: Place) -> None:
    assert place.run("status") == DONE
    assert "does not look" in place.out
    assert place.run("agree", yes=True) == DONE
    assert "once a day" in place.out
    assert place.run("status") == DONE
    assert "once a day" in place.out
    assert "has not looked yet" in place.out
    assert place.run("agree", yes=False) == DONE
    assert "does not look" in place.out
    assert not place.server.asked


def test_now_tells_of_a_newer_version_and_so_does_the_state_afterwards(place: Place) -> None:
    assert place.run("now") == DONE
    for command in ("now", "status"):
        assert place.run(command) == DONE
        assert "Version 0.2.0 is there. This is version 0.1.0." in place.out
        assert LINK in place.out
        assert "2026-12-01" in place.out
        assert "  A board that was lost is found again." in place.out


def test_now_without_a_newer_version_says_so(place: Place) -> None:
    place.server.content = envelope(version="0.1.0")
    assert place.run("now") == DONE
    assert place.out == "No newer version is told of. This is version 0.1.0.\n"


def test_what_goes_wrong_is_told_with_a_code(place: Place) -> None:
    for content, status, code in (
        (b"garbage", 200, "updates.not-genuine"),
        (b"", 404, "updates.refused"),
        (envelope(link="http://a.example"), 200, "updates.notice-wrong"),
    ):
        place.server.content, place.server.status = content, status
        assert place.run("now") == FAULT
        assert code in place.out
        assert place.run("now", as_json=True) == FAULT
        assert json.loads(place.out)["code"] == code


def test_what_the_window_was_told_to_keep_quiet_is_said_to_be_so(place: Place) -> None:
    place.run("now")
    UpdateDesk(place.channel, UpdateBook(place.folder), now=lambda: NOW, installed="0.1.0").skip(FOUND)
    assert place.run("status") == DONE
    assert "does not tell of it" in place.out


def test_another_address_and_the_default_again(place: Place) -> None:
    assert place.run("address", "https://mirror.example/n") == DONE
    assert "https://mirror.example/n" in place.out
    assert "address default" in place.out
    assert place.run("address", "default") == DONE
    assert place.server.address in place.out
    place.run("now")
    assert place.run("address", "default") == DONE
    assert "0.2.0" not in place.out  # that is another question
    assert place.run("address", "http://mirror.example/n") == FAULT
    assert "updates.address-bad" in place.out


@pytest.mark.parametrize(("channel", "words"), [(Channel(), "no release key"), (Channel("", (PUBLIC,)), "where to")])
def test_a_copy_that_cannot_look_says_so_plainly(place: Place, channel: Channel, words: str) -> None:
    place.channel = channel
    assert place.run("status") == DONE
    assert words in place.out
    for command, yes in (("now", None), ("agree", True)):
        assert place.run(command, yes=yes) == FAULT
        assert words in place.out
    assert place.run("agree", yes=False) == DONE
    assert UpdateBook(place.folder).read().agreed is False


def test_json_has_every_member_before_and_after_a_look(place: Place) -> None:
    assert place.run("status", as_json=True) == DONE
    before = json.loads(place.out)["updates"]
    assert before == {
        "standing": "ready",
        "installed": "0.1.0",
        "agreed": None,
        "address": place.server.address,
        "own_address": False,
        "tried": None,
        "notice": None,
    }
    assert place.run("now", as_json=True) == DONE
    after = json.loads(place.out)["updates"]
    assert after["notice"]["version"] == "0.2.0"
    assert after["notice"]["quiet"] is False
    assert after["tried"] == NOW.isoformat()


def test_the_command_line_leads_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REKINDLE_DATA", str(tmp_path / "data"))
    assert program.main(["updates", "off"]) == DONE
    assert program.main(["updates", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["updates"]["agreed"] is False
    assert program.main(["updates", "address", "nonsense"]) == FAULT
    with pytest.raises(SystemExit) as ended:
        program.main(["updates", "address"])
    assert ended.value.code == WRONG_USAGE
