"""A recipe that asks a cloud, run from the terminal: the engine hands the account on, and only where it is needed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import console
from app.console import Desk
from app.engine.accounts import Accounts
from app.keys.safe import KeySafe
from app.practice import practice_accounts
from app.terminal import DONE, FAULT, Terminal
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.work.events import Post


class Seat:
    """A practice board, a terminal, and accounts that are made when they are asked for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, signed_in: bool = True) -> None:
        monkeypatch.setenv("REKINDLE_DATA", str(folder / "data"))
        self.folder = folder
        self.clock = PatientClock(160.0)
        self.board = make("photon", self.clock, profiles=True)
        self.bus = VirtualBus(self.clock, [self.board])
        self.signed_in = signed_in
        self.made = 0
        self.out = ""

    def accounts(self, post: Post) -> Accounts:
        self.made += 1
        return practice_accounts(post, self.clock, (), lambda: self.bus.boards, signed_in=self.signed_in)

    def run(self, recipe: str, **answers: str) -> int:
        safe = KeySafe(self.folder / "safe", practice=True)
        news = io.StringIO()
        code = console.run(
            recipe,
            Desk(self.bus, self.clock, {"1-1": self.board}),
            safe,
            Terminal(io.StringIO(), news, io.StringIO()),
            board=None,
            answers=answers,
            as_json=False,
            accounts=self.accounts,
            **stores(self.folder, safe),
        )
        self.out = news.getvalue()
        return code


def test_a_board_is_claimed_from_the_terminal_by_who_is_signed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(tmp_path, monkeypatch)
    assert seat.run("claim-board") == DONE
    assert "This board is yours now." in seat.out


def test_without_a_sign_in_the_next_step_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = Seat(tmp_path, monkeypatch, signed_in=False)
    assert seat.run("claim-board") == FAULT
    assert "You are not signed in at Particle." in seat.out
    assert "Sign in" in seat.out


def test_what_asks_no_cloud_opens_no_store_for_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = Seat(tmp_path, monkeypatch)
    assert seat.run("read-id") == DONE
    assert not seat.made
