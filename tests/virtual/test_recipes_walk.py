"""Every recipe on every board with every mishap: success, or a fault with a cause and a next step; never a bug.

For a few, each recipe meets half of the mishaps once, on boards and in modes dealt out to it, and runs undisturbed on
a third of them. For many, it runs undisturbed on each board in each mode, and meets each mishap in each mode on one or
two of the Cores and one or two of the others, whose memories differ. `REKINDLE_TESTS=every` tries all mishaps on all
boards in all modes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import device_keys
from support.air import HERE, Air
from support.cloud_accounts import at_practice
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.every import CHOSEN, FEW, deal, part
from support.image_maker import HOMES, make
from support.real_pack import real_pack
from support.spark_server import lay_out

from app.engine.runner import run_recipe
from app.platforms.model import Platform, Region
from app.recipes import save_board, shared
from app.recipes.base import Recipe
from app.recipes.change_key import ChangeKey
from app.recipes.claim_by_cable import ClaimByCable
from app.recipes.flash_file import FlashFile
from app.recipes.local_cloud import LocalCloud
from app.recipes.prove_handshake import ProveHandshake
from app.recipes.put_back import PutBack
from app.recipes.register_key import RegisterKey
from app.recipes.registry import RECIPES
from app.recipes.release_board import ReleaseBoard
from app.recipes.restore_key import RestoreKey
from app.recipes.switch_cloud import SwitchCloud
from app.text import Text
from app.virtual.catalogue import HEALTHY_BOARDS
from app.virtual.mishaps import STANDARD_MISHAPS, Mishap
from app.virtual.practice_account import USER, PracticeCloud
from app.work.connect_asks import ASKS
from app.work.events import Failed, Succeeded
from app.work.flashing import board_name
from app.work.memory_map import whole_memory


def said(words: Text) -> str:
    sentence = words.english()
    assert sentence.strip()
    assert "{" not in sentence, sentence
    return sentence


CORES = ("core", "core-0.5", "core-0.7")
ONLY = {
    "deep-update": CORES,
    "full-firmware-upgrade": CORES,
    "restore-system": tuple(name for name in HEALTHY_BOARDS if name not in CORES),
    "clear-wifi": tuple(name for name in HEALTHY_BOARDS if name != "electron"),
    "prove-handshake": tuple(name for name in HEALTHY_BOARDS if name != "electron"),
    "join-wifi": tuple(name for name in HEALTHY_BOARDS if name != "electron"),
    "why-not-connecting": tuple(name for name in HEALTHY_BOARDS if name != "electron"),
    "first-set-up": tuple(name for name in HEALTHY_BOARDS if name != "electron"),
    "claim-by-cable": tuple(name for name in HEALTHY_BOARDS if name not in (*CORES, "photon-0.5")),
}
"""Recipes that fit some boards only."""
WRITES_KEYS = ("restore-key", "change-key")
"""Recipes that are for changing a key: the one before has to be on the board or in the key safe afterwards."""
ANSWERS = {
    "how": "press",
    "cloud": "particle",
    "way": "here",
    "plan": True,
    "radio-patch": "1.13.7",
    "patch-again": "run",
    "release": "2.2.0",
    "application": "keep",
    "downgrade": True,
    "factory-reset": True,
    "wifi": "keep",
    "forget": True,
    "clear-wifi": "done",
    "network": "known",
    "light": "cyan",
    "security": "wpa2",
    "password": "a password",
    "claim-wifi": "known",
    "transfer": True,
    "register": True,
    "key-from": "board",
    "board-name": "desk-lamp",
    "join-light": "connected",
    "risk": True,
    "slot": "application",
    "other-board": True,
    "with-keys": False,
    "start": True,
    "read-keys": True,
    "report": False,
    **{ask.key: "unknown" for ask in ASKS if ask.key not in ("network", "cloud")},
}


def small_memory(platform: Platform) -> tuple[Region, ...]:
    return tuple(row for row in whole_memory(platform) if row.size <= 16 * 1024)


def key_memory(place: Desk) -> bytes:
    """Where the board keeps its keys, and everything that shares an erase unit with them (3.2, 3.5)."""
    if place.board.spi_flash is not None:
        return bytes(place.board.spi[0x1000:0x3000])
    kept = bytearray(place.board.dct)
    kept[1753:1754] = b""  # the mark of a waiting update, which a restore sets and new firmware takes off (8.5)
    kept[3618 - 1 : 3630 - 1] = b""  # the device ID, which firmware from 0.6 on stores there itself (3.5)
    return bytes(kept)


def own_keys(place: Desk, memory: bytes) -> bytes:
    """The same without what tells the board its server, and which of two connections it uses (3.2, 3.5)."""
    kept = bytearray(memory)
    if place.board.spi_flash is not None:
        kept[:0x1000] = b""
    else:
        kept[3298 - 13 : 3298 - 13 + 320] = bytes(320)  # two places before were taken out
        kept[2977 - 1] = 0
        kept[2082 - 1 : 2082 - 1 + 512] = bytes(512)
    return bytes(kept)


def put_ready(recipe: type[Recipe], place: Desk, folder: Path) -> None:
    """Give a recipe what it works with: a file of the person's, or something that was kept of this board."""
    platform = place.seen().platform
    if recipe is FlashFile:
        home = "user" if ("user" in {region.key for region in platform.regions}) else "application"
        file = folder / f"{place.board.device_id}.bin"
        file.write_bytes(make(HOMES[platform.key, home]))
        place.person.answers.update({"file": str(file), "slot": home})
    elif recipe is PutBack:
        kept = b"what was there" * 100
        area = platform.region("ota")
        board = board_name(place.job())
        with place.undo.begin(board, FlashFile.key) as journal:
            journal.keeps(place.undo.keep(board, "ota", area.alt, area.start, kept))
            journal.plans("ota", area.alt, area.start, len(kept), "")
        place.person.answers["what"] = f"rescue-{journal.id}"
    elif recipe is RestoreKey:
        know_the_id(place)
        file = folder / f"{place.board.device_id}.der"
        slots = {"electron": "device-private-udp"}
        file.write_bytes(device_keys.ec_der() if platform.key in slots else device_keys.as_device())
        chosen = {"key": "file", "key-file": str(file), "key-belongs": True, "key-slot": slots.get(platform.key)}
        place.person.answers.update(chosen)
    elif recipe is ChangeKey:
        know_the_id(place)
    elif recipe is LocalCloud:
        know_the_id(place)
        root = place.clouds.root.parent / "server"
        lay_out(root)
        given = {"server-folder": str(root), "host": HERE, "cloud-name": ""}
        place.person.answers.update({**given, "server-check": "anyway", "seen": "stop"})


def sign_in(recipe: type[Recipe], place: Desk) -> None:
    """Somebody is signed in at the server of practice; what a recipe is for belongs to them already."""
    cloud = PracticeCloud(lambda: place.bus.boards)
    place.accounts = at_practice(cloud, place.clock)
    if recipe in (ReleaseBoard, RegisterKey):
        cloud.give(place.board.device_id, USER)
    place.person.answers["confirm-release"] = place.board.device_id
    know_the_id(place)


def know_the_id(place: Desk) -> None:
    """A key is written only where the ID is proven: typed, or in the settings of an old Photon (1.4)."""
    place.person.answers["device-id"] = place.board.device_id
    if place.board.spi_flash is None and place.board.dct[3618] == 0xFF:
        place.board.dct[3618:3630] = bytes.fromhex(place.board.device_id)


def key_in_use(place: Desk) -> bytes:
    """The slot of the key that the board uses as it is set: an Electron's is the one for UDP (4.1)."""
    return bytes(place.board.dct[3106:3298]) if place.board.personality.kind.key == "electron" else place.slot


def own_slots(place: Desk) -> bytes:
    """Everything of the settings but the claim code and its mark (3.5)."""
    kept = bytearray(place.board.dct)
    for start, end in ((3618, 3630), (1762, 1826), (1753, 1754)):  # the rearmost first
        kept[start:end] = b""
    return bytes(kept)


def key_is_somewhere(place: Desk, before: bytes) -> bool:
    """Whether the key that was in the slot is there, or in the key safe."""
    return key_in_use(place) == before or before in [place.safe.key_bytes(each) for each in place.safe.backups()]


def surroundings(recipe: type[Recipe]) -> dict[str, Any]:
    """A network for the recipes whose board calls somebody; the others need none."""
    if recipe not in (ProveHandshake, LocalCloud):
        return {}
    air = Air()
    return {"network": air, "world": air}


MODES = (RUNNING, LISTENING, IN_DFU)


def walk() -> Iterator[object]:
    """Every recipe on every board it fits, in every mode, each with the mishaps it meets there."""
    for recipe in RECIPES:
        boards = [name for name in HEALTHY_BOARDS if recipe.key not in ONLY or name in ONLY[recipe.key]]
        places = [(name, mode) for name in boards for mode in MODES]
        met: dict[tuple[str, str], Sequence[Mishap]] = {}
        if CHOSEN == FEW:
            quiet = part(places, len(boards), f"{recipe.key} undisturbed")
            some = part(STANDARD_MISHAPS, 2, f"{recipe.key} mishaps")
            met.update(zip(places, deal(some, len(places), recipe.key), strict=True))
        else:
            quiet = places
            for cores, mode in itertools.product((True, False), MODES):
                alike = [place for place in places if place[1] == mode and (place[0] in CORES) is cores]
                dealt = deal(STANDARD_MISHAPS, len(alike), f"{recipe.key} {cores} {mode}") if alike else []
                met.update(zip(alike, dealt, strict=True))
        for name, mode in places:
            mishaps = (*([Mishap.NONE] if (name, mode) in quiet else []), *met[name, mode])
            if mishaps:
                yield pytest.param(recipe, name, mode, mishaps, id=f"{recipe.key}-{name}-{mode}")


@pytest.mark.parametrize(("recipe", "name", "mode", "mishaps"), list(walk()))
def test_every_mishap_ends_in_success_or_in_a_fault_with_advice(
    recipe: type[Recipe],
    name: str,
    mode: str,
    mishaps: Sequence[Mishap],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "COACH_S", 20.0)  # the same way at a fifteenth of the looks
    monkeypatch.setattr(save_board, "whole_memory", small_memory)  # large plain places are read as small ones are
    writes = recipe.promise.changes_board
    pack = real_pack() if writes else None
    for mishap in mishaps:
        place = desk(name, tmp_path / mishap.name, mode, answers=ANSWERS, pack=pack, **surroundings(recipe))
        before = place.memories()
        keys, key = key_memory(place), key_in_use(place)
        put_ready(recipe, place, tmp_path)
        if recipe.needs_account:
            sign_in(recipe, place)
            before, keys = place.memories(), key_memory(place)
        job = place.job()
        assert recipe.fit(job.board).ok
        place.board.mishap = mishap
        slots = own_slots(place)
        run_recipe(recipe(), job)
        last = place.person.events[-1]
        if mishap is Mishap.NONE:
            assert isinstance(last, Succeeded), last
        if isinstance(last, Failed):
            assert last.code != "bug", (mishap.name, last.detail)
            assert said(last.cause)
            assert said(last.next_step)
        else:
            assert isinstance(last, Succeeded), last
        if not mishap.wrong_board:  # another board has another ID, and its firmware stores that itself
            if not writes:
                assert place.memories() == before, mishap.name
            if recipe is ProveHandshake and place.undo.interrupted():
                assert key_in_use(place) == key, mishap.name  # the server is another one until it is finished
            elif recipe in (SwitchCloud, LocalCloud):
                assert own_keys(place, key_memory(place)) == own_keys(place, keys), mishap.name
            elif recipe.key in WRITES_KEYS:
                assert key_is_somewhere(place, key), mishap.name
            elif recipe is ClaimByCable:
                assert own_slots(place) == slots, mishap.name  # a code is beside them, on purpose
            else:
                assert key_memory(place) == keys, mishap.name
