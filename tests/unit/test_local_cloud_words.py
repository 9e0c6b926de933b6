"""Whatever is found of a server, there is one sentence for it, and one step that is missing."""

from __future__ import annotations

import itertools

import pytest

from app.platforms.model import Platform
from app.platforms.table import PLATFORMS, platform
from app.recipes.local_cloud_words import (
    API_PORT,
    PROVE,
    Circumstances,
    FolderNow,
    Knocked,
    Reached,
    check_question,
    finding,
    other_network,
    reached_words,
)
from app.recipes.prove_handshake_words import Seen
from app.recipes.registry import recipe
from app.transports.network import Reach

HOST, ID = "192.168.1.30", "53ff6f065067544840551187"
FOLDERS = (
    None,
    *(
        FolderNow(server, board, knocked, foreign)
        for server, board, knocked, foreign in itertools.product((True, False), (True, False), Knocked, (True, False))
    ),
)


def test_every_way_a_server_answers_has_its_own_words() -> None:
    said = {
        (boards, programs): reached_words(Reached(HOST, 5683, boards, programs)).english()
        for boards, programs in itertools.product(Reach, Reach)
    }
    for words in said.values():
        assert HOST in words
        assert "{" not in words
    distinct = {
        said[pair]
        for pair in (
            (Reach.ANSWERS, Reach.ANSWERS),
            (Reach.REFUSED, Reach.REFUSED),
            (Reach.SILENT, Reach.SILENT),
            (Reach.NO_HOST, Reach.NO_HOST),
            (Reach.ANSWERS, Reach.REFUSED),
            (Reach.ANSWERS, Reach.SILENT),
            (Reach.REFUSED, Reach.ANSWERS),
            (Reach.SILENT, Reach.ANSWERS),
            (Reach.REFUSED, Reach.SILENT),
        )
    }
    assert len(distinct) == 9
    assert str(API_PORT) in said[Reach.REFUSED, Reach.ANSWERS]
    options = [key for key, _ in check_question(Reached(HOST, 5683, Reach.SILENT, Reach.SILENT)).options]
    assert options == ["again", "anyway"]


@pytest.mark.parametrize("kind", PLATFORMS, ids=lambda kind: kind.key)
def test_whatever_came_of_it_one_step_is_named_and_at_most_one_repair(kind: Platform) -> None:
    count = 0
    for seen, reach, folder, honoured, own_key in itertools.product(
        (None, *Seen), (None, *Reach), FOLDERS, (True, False, None), (True, False)
    ):
        reached = None if reach is None else Reached(HOST, 5690, reach, Reach.ANSWERS)
        found = finding(
            Circumstances(
                kind,
                ID,
                HOST,
                5690,
                usual_port=False,
                honoured=honoured,
                seen=seen,
                reached=reached,
                folder=folder,
                own_key=own_key,
            )
        )
        for words in (found.summary, found.cause, *found.next_steps):
            assert "{" not in words.english()
        assert found.next_steps
        if found.repair:
            recipe(found.repair)
        if kind.has_modem:
            assert found.repair not in (PROVE, "join-wifi")  # which are only for boards with Wi-Fi
        count += 1
    assert count > 1000


def test_a_connected_board_lacks_nothing() -> None:
    found = finding(Circumstances(platform("photon"), ID, HOST, 5683, connected=True, folder=FolderNow(False, False)))
    assert "connected" in found.summary.english()
    assert found.repair == ""


def test_old_firmware_is_blamed_only_where_the_port_is_another() -> None:
    for usual, blamed in ((True, False), (False, True)):
        around = Circumstances(platform("core"), ID, HOST, 5690, usual_port=usual, honoured=False, seen=Seen.CYAN)
        assert ("never calls port" in finding(around).summary.english()) == blamed


@pytest.mark.parametrize(
    ("host", "own", "hinted"),
    [
        (HOST, ("192.168.1.20", "127.0.0.1"), False),
        (HOST, ("192.168.2.20", "127.0.0.1"), True),
        (HOST, ("192.168.2.20", "192.168.1.7"), False),
        (HOST, ("127.0.0.1",), False),
        ("10.0.0.1", ("192.168.2.20",), True),
        ("8.8.8.8", ("192.168.2.20",), False),
        ("127.0.0.1", ("192.168.2.20",), False),
        ("cloud.example.org", ("192.168.2.20",), False),
    ],
)
def test_another_network_is_hinted_at_only_where_it_shows(host: str, own: tuple[str, ...], hinted: bool) -> None:
    assert (other_network(host, own) is not None) == hinted
