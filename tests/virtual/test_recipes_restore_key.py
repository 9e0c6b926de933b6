"""Restoring a key on virtual boards: the right key into the right place, nothing beside it, and no key ever lost."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import device_keys
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.moments import asked, at_step, come_back, plans

from app.keys.device_key import KeyState, examine
from app.keys.safe import Backup
from app.platforms.model import Algorithm, Mode
from app.recipes.back_up_key import BackUpKey
from app.recipes.put_back import PutBack
from app.recipes.restore_key import RestoreKey
from app.virtual.mishaps import Mishap
from app.work.events import Asked, Event, Failed, Outcome, Stopped, Succeeded
from app.work.questions import ChooseCard

BOARDS = ("core", "core-0.5", "core-0.7", "photon", "photon-0.6", "photon-0.7", "p1")
WRITE_STEP, COMPARE_STEP, START_STEP = 5, 6, 7
DCT_PRIVATE, DCT_PUBLIC = slice(34, 646), slice(1250, 1412)  # device-protocol.md 3.5


def lay(name: str, folder: Path, mode: str = IN_DFU, **options: object) -> Desk:
    place = desk(name, folder, mode, answers={"plan": True, "key-belongs": True}, **options)  # type: ignore[arg-type]
    place.person.answers["device-id"] = place.board.device_id
    return place


def keep_key(place: Desk) -> Backup:
    """Back the key up; return the backup of the key in use, the board being in update mode again."""
    place.succeed(BackUpKey, {"device-id": place.board.device_id})
    place.hand_into_dfu()
    return next(each for each in place.safe.backups() if each.slot == "device-private")


def cells(place: Desk) -> tuple[bytearray, int]:
    """The memory with the key, and where in it the key begins."""
    if place.board.spi_flash is not None:
        return place.board.spi, 0x2000
    return place.board.dct, 34


def put(place: Desk, content: bytes) -> None:
    """Put something over the key slot."""
    memory, start = cells(place)
    memory[start : start + 612] = content.ljust(612, b"\xff")


def rubbish(size: int = 612) -> bytes:
    return random.Random(5).randbytes(size)


def outside(place: Desk) -> bytes:
    """Everything in the memory with the key but the key and its public half."""
    memory, start = cells(place)
    kept = bytearray(memory)
    if place.board.spi_flash is not None:
        kept[start : start + 1024] = b""
    else:
        kept[DCT_PUBLIC] = b""
        kept[DCT_PRIVATE] = b""
    return bytes(kept)


def named(backup: Backup) -> dict[str, object]:
    return {"key": f"backup:{backup.reference}"}


def restore(place: Desk, **answers: object) -> Outcome:
    return place.succeed(RestoreKey, answers)


def facts(outcome: Outcome) -> Mapping[str, str]:
    return {fact.key: fact.value if isinstance(fact.value, str) else fact.value.english() for fact in outcome.facts}


def said(event: Event) -> str:
    assert isinstance(event, Failed), event
    return event.code


@pytest.mark.parametrize("name", BOARDS)
def test_smoke(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path)
    backup = keep_key(place)
    key = place.slot
    put(place, rubbish())
    before = outside(place)
    after: list[bytes] = []
    at_step(place, START_STEP, lambda: after.append(outside(place)))
    outcome = restore(place, **named(backup))
    print(outcome)
    assert after == [before]
    assert place.slot == key
