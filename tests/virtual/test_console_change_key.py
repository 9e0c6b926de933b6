"""A new key without a window: answers given beforehand, what is to be handed on, and no private byte anywhere."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support import secret_bytes
from support.key_seat import KeySeat

from app.keys.device_key import examine, public_der
from app.platforms.model import Algorithm
from app.terminal import DONE, FAULT


@pytest.mark.parametrize(("name", "way"), [("core", "here"), ("photon", "here"), ("photon", "board")])
def test_a_key_is_changed_without_a_window_and_without_telling_a_private_byte(
    name: str, way: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seat = KeySeat(tmp_path, name)
    old = seat.key
    out = tmp_path / "out"
    out.mkdir()
    with seat.logging_everything(), caplog.at_level(logging.DEBUG):
        code = seat.run("change-key", out, way=way, plan="yes", light="asked", device_id=seat.board.device_id)
    seat.bus.close()
    assert code == DONE, seat.news.getvalue()
    new = seat.key
    report = examine(new, Algorithm.RSA_1024)
    assert report.fingerprint != examine(old, Algorithm.RSA_1024).fingerprint
    saved = out / f"{seat.board.device_id}.pub.pem"
    assert public_der(saved.read_bytes()) == public_der(report)
    outcome = seat.last["outcome"]
    assert isinstance(outcome, dict)
    assert outcome["unfinished"] is True
    everything = seat.told() + caplog.text
    assert report.readable_fingerprint in everything
    assert secret_bytes.told(everything, [old, new]) == []


def test_without_answers_nothing_is_changed_and_the_question_is_named(tmp_path: Path) -> None:
    seat = KeySeat(tmp_path, "photon")
    before = bytes(seat.board.dct)
    out = tmp_path / "out"
    out.mkdir()
    assert seat.run("change-key", out) == FAULT
    seat.bus.close()
    assert bytes(seat.board.dct) == before
    assert "way" in seat.news.getvalue()
    assert not list(out.iterdir())
