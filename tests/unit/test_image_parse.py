from __future__ import annotations

import gzip
import hashlib
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.image_maker import CORE_FIRMWARE, HOMES, NUMBERS, WHOLE, Recipe, info, make, make_legacy, reseal

from app.faults import ImageDamaged, ImageUnreadable
from app.firmware.image import Dependency, Form, Function, find, parse
from app.platforms.table import platform

ALL = {f"{board} {region}": recipe for (board, region), recipe in HOMES.items()} | {
    f"{board} whole": recipe for board, recipe in WHOLE.items()
}


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    recipe = draw(st.sampled_from(list(ALL.values())))
    needs = st.tuples(st.integers(1, 8), st.integers(0, 255), st.integers(0, 0xFFFF))
    return recipe.but(
        size=draw(st.integers(0x300, 0x2000)),
        version=draw(st.integers(0, 0xFFFF)),
        suffix=draw(st.sampled_from((36, 40, 0xFFFF))),
        needs=tuple(draw(st.lists(needs, max_size=2))),
        seed=draw(st.integers(0, 2**32)),
    )


@given(recipe=recipes())
def test_what_was_built_into_an_image_is_read_from_it(recipe: Recipe) -> None:
    content = make(recipe)
    image = parse(content)
    assert image.content == content
    assert image.form is (Form.CORE if recipe.info_at == 0x10C else Form.MODULE)
    assert (image.start, image.end) == (recipe.start, recipe.start + recipe.size)
    assert (image.function, image.index, image.version) == (recipe.function, recipe.index, recipe.version)
    assert image.platform == image.built_for == recipe.platform
    assert image.dependencies == tuple(Dependency(Function(f), i, v) for f, i, v in recipe.needs)
    assert image.crc_ok is True
    assert image.sha_ok is (None if recipe.suffix == 0xFFFF else True)
    assert image.sha256 == hashlib.sha256(content).hexdigest()
    assert image.missing == 0


@given(recipe=recipes(), data=st.data())
def test_one_changed_byte_is_always_noticed(recipe: Recipe, data: st.DataObject) -> None:
    content = bytearray(make(recipe))
    headers = st.integers(recipe.info_at, recipe.info_at + 23)
    at = data.draw(
        st.one_of(st.integers(0, len(content) - 1), headers, st.integers(len(content) - 44, len(content) - 1))
    )
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        image = parse(bytes(content))
    except ImageUnreadable:
        return
    assert image.crc_ok is False


@given(recipe=recipes(), data=st.data())
def test_a_file_that_is_cut_off_is_refused(recipe: Recipe, data: st.DataObject) -> None:
    content = make(recipe)
    size = data.draw(st.integers(recipe.info_at + 28, len(content) - 1))
    with pytest.raises(ImageDamaged) as refused:
        parse(content[:size])
    said = refused.value.cause.english()
    assert "cut off" in said
    assert str(len(content)) in said
    assert str(size) in said


@given(recipe=recipes(), more=st.binary(min_size=1, max_size=64))
def test_bytes_after_the_end_are_refused(recipe: Recipe, more: bytes) -> None:
    content = make(recipe)
    with pytest.raises(ImageDamaged) as refused:
        parse(content + more)
    said = refused.value.cause.english()
    assert str(len(content)) in said
    assert str(len(content) + len(more)) in said


def test_a_wrong_checksum_is_told_not_refused() -> None:
    content = bytearray(make(CORE_FIRMWARE))
    content[0x200] ^= 1
    image = parse(bytes(content))
    assert image.crc_ok is False
    assert image.sha_ok is False


def test_the_checksum_is_big_endian() -> None:
    content = make(CORE_FIRMWARE)
    assert parse(content).crc_ok
    assert parse(content[:-4] + content[:-5:-1]).crc_ok is False


def test_a_right_checksum_does_not_hide_a_wrong_hash() -> None:
    content = bytearray(make(CORE_FIRMWARE.but(suffix=40)))
    content[0x200] ^= 1
    image = parse(reseal(bytes(content)))
    assert (image.crc_ok, image.sha_ok) == (True, False)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(0x10C, id="start"),
        pytest.param(0x110, id="end"),
        pytest.param(0x10C + 14, id="function"),
    ],
)
def test_a_core_image_with_a_broken_header_does_not_pass_for_one_without_header(at: int) -> None:
    content = bytearray(make(CORE_FIRMWARE))
    content[at] ^= 0x40
    with pytest.raises(ImageDamaged):
        parse(bytes(content))


@pytest.mark.parametrize("content", ["lost", "added"])
def test_a_core_image_whose_header_moved_does_not_pass_for_one_without_header(content: str) -> None:
    whole = make(CORE_FIRMWARE)
    moved = whole[:0x40] + whole[0x44:] if content == "lost" else whole[:0x40] + b"\0\0" + whole[0x40:]
    with pytest.raises(ImageDamaged):
        parse(moved)


# --- the Core before 0.4 --------------------------------------------------------------------------------------------


@given(size=st.integers(0x100, 0x3000), seed=st.integers(0, 2**32))
def test_an_old_core_image_is_recognised_by_its_first_two_words(size: int, seed: int) -> None:
    image = parse(make_legacy(size, seed))
    assert image.form is Form.LEGACY
    assert (image.start, image.size) == (0x0800_5000, size)
    assert image.function is Function.MONOLITHIC
    assert (image.version, image.platform, image.crc_ok, image.sha_ok) == (None, None, None, None)
    assert image.built_for == 0
    assert image.known is None


def test_the_reset_vector_of_an_old_core_image_is_not_taken_for_the_end_of_a_module() -> None:
    # 0x08005403 would be the end of a module that begins at 0x08004c00.
    assert parse(make_legacy(2055)).form is Form.LEGACY


def test_an_old_core_image_that_starts_beyond_its_end_is_cut_off() -> None:
    with pytest.raises(ImageDamaged, match="damaged") as refused:
        parse(make_legacy(0x1000)[:0x700])
    assert "cut off" in refused.value.cause.english()


def test_an_old_core_image_has_to_fit_into_a_core() -> None:
    assert parse(make_legacy(110_592)).size == 110_592
    with pytest.raises(ImageDamaged) as refused:
        parse(make_legacy(110_596))
    assert "110596" in refused.value.cause.english()


@pytest.mark.parametrize(
    ("at", "word"), [(0, 0x2002_0000), (0, 0x0800_5000), (4, 0x0800_4FFF), (4, 0x0802_0001), (4, 0x0800_5100)]
)
def test_other_first_words_are_no_core_image(at: int, word: int) -> None:
    content = bytearray(make_legacy())
    content[at : at + 4] = word.to_bytes(4, "little")
    with pytest.raises(ImageUnreadable):
        parse(bytes(content))


# --- files given by mistake -----------------------------------------------------------------------------------------


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("core_tinker.bin", make(CORE_FIRMWARE))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\xa5", "too short", id="ota-flag"),
        pytest.param(bytes(range(0x80, 0xA0)), "too short", id="short"),
        pytest.param(b"\xff" * 4096, "blank", id="erased"),
        pytest.param(b"\0" * 4096, "blank", id="zeros"),
        pytest.param(b"\x7fELF\x01\x01\x01" + bytes(9000), ".elf", id="elf"),
        pytest.param(_zip(), "zip", id="zip"),
        pytest.param(gzip.compress(make(CORE_FIRMWARE)), "gzip", id="gzip"),
        pytest.param(b":020000040800F2\r\n:1050000000500020\r\n" * 99, "HEX", id="hex"),
        pytest.param(b"S00F000068656C6C6F202020202000003C\r\n" * 99, "S-record", id="s-record"),
        pytest.param(b"\n<!DOCTYPE html><html><body>404" + b" " * 900, "web page", id="html"),
        pytest.param("Größe: klein, Straße: lang. ".encode() * 300, "text file", id="text"),
        pytest.param("wide".encode("utf-16") * 300, "text file", id="utf-16"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nMIIB", "key", id="key"),
        pytest.param(b"UF2\n\x57\x51\x5d\x9e" + bytes(504), "UF2", id="uf2"),
        pytest.param(b"DfuSe\x01" + bytes(504), "DfuSe", id="dfuse"),
        pytest.param(bytes(range(256)) * 16, "Nothing in it says", id="noise"),
    ],
)
def test_a_file_that_is_no_image_is_refused_with_what_it_looks_like(content: bytes, word: str) -> None:
    with pytest.raises(ImageUnreadable) as refused:
        parse(content)
    assert word in refused.value.cause.english()


@given(content=st.binary(max_size=2048))
def test_reading_any_bytes_ends_in_an_image_or_a_refusal(content: bytes) -> None:
    try:
        image = parse(content)
    except ImageUnreadable:
        pass
    else:
        assert image.form is Form.LEGACY or image.crc_ok is not None


# --- in flash memory ------------------------------------------------------------------------------------------------


@given(recipe=recipes(), rest=st.binary(max_size=600))
def test_an_image_in_memory_is_found_whatever_follows_it(recipe: Recipe, rest: bytes) -> None:
    board = next(platform(key) for key, number in NUMBERS.items() if number == recipe.platform)
    content = make(recipe)
    assert find(content + rest, recipe.start, board) == parse(content)
    assert find(content + b"\xff" * 900, recipe.start, board) == parse(content)


@pytest.mark.parametrize("name", ALL)
def test_a_damaged_image_in_memory_is_found_and_told(name: str) -> None:
    recipe = ALL[name]
    board = next(platform(key) for key, number in NUMBERS.items() if number == recipe.platform)
    content = bytearray(make(recipe))
    content[0x280] ^= 1
    found = find(bytes(content) + b"\xff" * 64, recipe.start, board)
    assert found is not None
    assert found.crc_ok is False
    assert found.size == recipe.size


def test_an_image_longer_than_what_was_read_says_how_much_is_missing() -> None:
    recipe = HOMES["photon", "system-1"]
    found = find(make(recipe)[:0x400], recipe.start, platform("photon"))
    assert found is not None
    assert found.missing == recipe.size - 0x400
    assert found.crc_ok is False


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("memory", [b"", b"\xff" * 4096, b"\0" * 4096, bytes(range(256)) * 16])
def test_memory_without_an_image_has_none(key: str, memory: bytes) -> None:
    board = platform(key)
    assert all(find(memory, region.start, board) is None for region in board.regions)


def test_an_old_core_image_in_memory_ends_where_blank_flash_begins() -> None:
    content = make_legacy()
    found = find(content + b"\xff" * 9000, 0x0800_5000, platform("core"))
    assert found == parse(content)


def test_only_a_board_that_has_old_core_images_is_said_to_hold_one() -> None:
    assert find(make_legacy() + b"\xff" * 9000, 0x0802_0000, platform("photon")) is None


@pytest.mark.parametrize("at", [0x10C, 0x10D, 0x10E, 0x10C + 14])
def test_a_core_image_with_a_broken_header_in_memory_is_damaged_not_old(at: int) -> None:
    content = bytearray(make(CORE_FIRMWARE))
    content[at] ^= 0x41
    found = find(bytes(content) + b"\xff" * 4096, 0x0800_5000, platform("core"))
    assert found is not None
    assert found.crc_ok is False


def test_an_image_never_shows_its_bytes_when_it_is_printed() -> None:
    image = parse(make(CORE_FIRMWARE))
    assert "content" not in repr(image)
    assert len(info(CORE_FIRMWARE)) == 24
