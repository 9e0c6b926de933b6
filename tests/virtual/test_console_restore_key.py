"""A key restored without a window: named beforehand, finished after a pulled cable, and no private byte told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support import device_keys, secret_bytes
from support.key_seat import KeySeat

from app.terminal import DONE, FAULT


@pytest.mark.parametrize("name", ["core", "photon"])
def test_a_file_and_then_a_backup_without_a_window_and_without_telling_a_private_byte(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seat = KeySeat(tmp_path, name)
    file = tmp_path / "mine.der"
    file.write_bytes(device_keys.as_device())
    old = seat.key
    with seat.logging_everything(), caplog.at_level(logging.DEBUG):
        known = {"device_id": seat.board.device_id, "plan": "yes"}
        first = seat.run("restore-key", key="file", key_file=str(file), key_belongs="yes", **known)
        middle = seat.key
        (backup,) = [each for each in seat.safe.backups() if seat.safe.key_bytes(each) == old]
        seat.into_dfu()
        second = seat.run("restore-key", key=f"backup:{backup.reference}", **known)
    seat.bus.close()
    assert (first, second) == (DONE, DONE), seat.news.getvalue()
    assert middle.startswith(device_keys.as_device())
    assert seat.key == old
    everything = seat.told() + caplog.text
    assert backup.fingerprint in everything
    assert secret_bytes.told(everything, [old, device_keys.as_device()]) == []


def test_without_answers_nothing_is_changed_and_the_question_is_named(tmp_path: Path) -> None:
    seat = KeySeat(tmp_path, "photon")
    before = bytes(seat.board.dct)
    assert seat.run("restore-key") == FAULT
    seat.bus.close()
    assert bytes(seat.board.dct) == before
    assert seat.last["code"] == "question.no-answer"
    assert "--answer key=" in str(seat.last["next_step"])
