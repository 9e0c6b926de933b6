"""The X-ray tells which server a board is set to, and that a damaged one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.desk import IN_DFU, Desk, desk
from support.real_pack import real_pack
from support.spec_cloud import server_block, server_public

from app.keys.clouds import FILE, local_cloud
from app.keys.server_key import parse_host
from app.platforms.model import Algorithm
from app.work.plan import Health, SlotState, SlotView, XRay
from app.work.xray import look

HOST = "192.168.7.30"
BOTH = ("core", "photon")


def lay(name: str, folder: Path, content: bytes) -> Desk:
    place = desk(name, folder, IN_DFU)
    cells, at = (place.board.spi, 0x1000) if name == "core" else (place.board.dct, 2082)  # device-protocol.md 3.2, 3.5
    cells[at : at + len(content)] = content
    return place


def seen(place: Desk) -> XRay:
    return look(place.job()).xray


def server(place: Desk, name: str) -> SlotView:
    return seen(place).slot("server-key" if name == "core" else "dct")


@pytest.mark.parametrize("name", BOTH)
def test_a_remembered_cloud_is_named_with_its_server(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, server_block(HOST))
    place.clouds.remember(local_cloud(parse_host(HOST), server_public(), Algorithm.RSA_2048, name="Workshop"))
    slot = server(place, name)
    assert f"{HOST}, Workshop" in slot.what.english()
    assert slot.state is (SlotState.GOOD if name == "core" else SlotState.KEPT)
    assert seen(place).verdict.health is Health.NOTHING_WRONG


@pytest.mark.parametrize("name", BOTH)
def test_the_makers_cloud_is_named(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, real_pack().read("rsa.pub.der"))
    assert "device.spark.io, Particle cloud" in server(place, name).what.english()


@pytest.mark.parametrize("name", BOTH)
def test_a_damaged_server_is_wrong_and_the_key_check_is_advised(name: str, tmp_path: Path) -> None:
    block = bytearray(server_block(HOST))
    block[5] ^= 0xFF
    place = lay(name, tmp_path, bytes(block))
    verdict = seen(place).verdict
    assert (verdict.health, verdict.recipes) == (Health.OVER_USB, ("check-keys",))
    assert "server" in verdict.reasons[0].english()
    assert "damaged" in server(place, name).what.english()
    if name == "core":
        assert server(place, name).state is SlotState.DAMAGED


@pytest.mark.parametrize("name", BOTH)
def test_no_server_is_told_and_is_not_called_wrong(name: str, tmp_path: Path) -> None:
    place = lay(name, tmp_path, b"\xff" * 512)
    assert seen(place).verdict.health is Health.NOTHING_WRONG
    if name == "core":
        assert server(place, name).state is SlotState.BLANK
    else:
        assert "none stored" in server(place, name).what.english()


def test_an_electrons_server_is_the_one_of_the_connection_it_uses(tmp_path: Path) -> None:
    place = desk("electron", tmp_path, IN_DFU)
    place.board.dct[2082 : 2082 + 512] = server_block(HOST)
    place.board.dct[3298 : 3298 + 320] = real_pack().read("ec.pub.der")
    assert "Particle cloud" in seen(place).slot("dct").what.english()
    place.board.dct[2977] = 0
    assert HOST in seen(place).slot("dct").what.english()


def test_a_book_of_clouds_that_cannot_be_opened_does_not_stop_the_xray(tmp_path: Path) -> None:
    place = lay("core", tmp_path, server_block(HOST))
    (place.clouds.root / FILE).mkdir(parents=True)
    assert HOST in server(place, "core").what.english()
