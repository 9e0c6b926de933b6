"""No target reaches a key: whatever a recipe asks for, on every board."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platforms.model import Medium, Platform, Region
from app.platforms.table import PLATFORMS, platform
from app.protocols.flash import span
from app.text import text
from app.work.spans import Target, refuse_keys

WORDS = text("Test", "Words")


def target(region: Region, offset: int, size: int, *, into_settings: bool = False, over_key: bool = False) -> Target:
    return Target(WORDS, region.key, region.start + offset, bytes(size), WORDS, "test", into_settings, over_key)


def touched(board: Platform, wanted: Target) -> tuple[int, int, int]:
    region = board.region(wanted.region)
    start, size = span(board, region, wanted.address, len(wanted.content))
    return region.alt, start, start + size


@given(st.data())
def test_a_target_that_is_let_through_shares_no_erase_unit_with_a_key_or_a_secret(data: st.DataObject) -> None:
    board = data.draw(st.sampled_from(PLATFORMS))
    region = data.draw(st.sampled_from([each for each in board.regions if each.writable]))
    offset = data.draw(st.integers(0, region.size - 1))
    size = data.draw(st.integers(1, min(region.size - offset, 70_000)))
    wanted = target(region, offset, size)
    alt, start, end = touched(board, wanted)
    near_key = any(
        slot.alt == alt and slot.address < end and start < slot.address + slot.size for slot in board.key_slots
    )
    near_secret = any(
        each.secret and each.alt == alt and each.start < end and start < each.end for each in board.regions
    )
    if near_key or near_secret:
        with pytest.raises(ValueError, match="would reach"):
            refuse_keys(board, wanted)
    else:
        refuse_keys(board, wanted)


@pytest.mark.parametrize("board", PLATFORMS, ids=lambda board: board.key)
def test_settings_may_be_written_where_that_is_meant_and_never_a_key(board: Platform) -> None:
    for region in (each for each in board.regions if each.medium is Medium.DCT):
        flag = board.field("ota-update-flag")
        with pytest.raises(ValueError, match="would reach"):
            refuse_keys(board, target(region, flag.address, flag.size))
        refuse_keys(board, target(region, flag.address, flag.size, into_settings=True))
        for slot in board.key_slots:
            with pytest.raises(ValueError, match="key slot"):
                refuse_keys(board, target(region, slot.address, slot.size, into_settings=True))
            refuse_keys(board, target(region, slot.address, slot.size, over_key=True))


def test_the_neighbour_of_a_cores_key_is_refused_too() -> None:
    core = platform("core")
    with pytest.raises(ValueError, match="server-public"):
        refuse_keys(core, target(core.region("server-key"), 0xF00, 16, into_settings=True))


def test_a_target_outside_its_region_is_refused() -> None:
    core = platform("core")
    region = core.region("factory")
    with pytest.raises(ValueError, match="are not in factory"):
        refuse_keys(core, Target(WORDS, "factory", region.end - 4, bytes(8), WORDS, "test"))
