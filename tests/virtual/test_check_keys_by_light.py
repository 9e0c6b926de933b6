"""A board with wrong keys tries to reach its cloud, and the key check blames what was made wrong.

Somebody only says what its light did. The board and its server know the specification for themselves; the table of the
diagnosis is not theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.air import HERE, Air
from support.desk import RUNNING, Desk, desk
from support.real_pack import real_pack
from support.spec_cloud import Faults, SpecCloud, server_block, server_public

from app.keys.clouds import CloudBook, local_cloud
from app.keys.server_key import parse_host
from app.platforms.model import Algorithm
from app.recipes.check_keys import CheckKeys
from app.virtual.practice_keys import rsa_key
from app.work.events import Outcome
from app.work.key_case import LightSeen

STEP_S = 0.02
WATCH_S = 25.0  # the person is told to watch for half a minute
WORDS = {
    "breathing cyan": LightSeen.CONNECTED,
    "an orange flash": LightSeen.ORANGE,
    "a magenta flash": LightSeen.MAGENTA,
    "a red flash": LightSeen.RED,
}
GARAGE = "garage"


def far(name: str) -> bytes:
    """The makers' own block, as it belongs onto that board."""
    return real_pack().read("rsa.pub-padded.der" if name.startswith("core") else "rsa.pub.der")


def at_home(key: bytes) -> bytes:
    """A block with this key, and with the address of the local cloud."""
    block = bytearray(server_block(HERE))
    block[:294] = key[:294]
    return bytes(block)


def watched(place: Desk, cloud: SpecCloud | None) -> LightSeen:
    """What a person sees of the light in half a minute: the most telling thing."""
    seen: set[LightSeen] = set()
    end = place.clock.now() + WATCH_S
    while place.clock.now() < end:
        words = place.board.light_pattern
        if words in WORDS:
            seen.add(WORDS[words])
        elif "cyan" in words:
            seen.add(LightSeen.CYAN)
        elif "blinks" in words:
            seen.add(LightSeen.BLINKS)
        if cloud is not None:
            cloud.poll()
        place.clock.pause(STEP_S)
    flashes = seen & {LightSeen.ORANGE, LightSeen.MAGENTA, LightSeen.RED, LightSeen.BLINKS}
    order = (*sorted(flashes, key=lambda light: light.value), LightSeen.CONNECTED, LightSeen.CYAN)
    return next((light for light in order if light in seen), LightSeen.OTHER)


def tried(
    name: str,
    folder: Path,
    *,
    serves: bool = True,
    faults: Faults | None = None,
    server: bytes,
    **options: Any,  # noqa: ANN401 - handed on to `make`
) -> tuple[LightSeen, str, Outcome]:
    """Let a board try, watch it, and check its keys; return the light, what is at fault, and the outcome."""
    air = Air()
    listener = air.listen(5683) if serves else None
    place = desk(name, folder, RUNNING, network=air, world=air, server=server, **options)
    cloud = SpecCloud(listener, place.board.registered) if listener is not None else None
    if cloud is not None and faults is not None:
        cloud.faults = faults
    remember(place.clouds)
    light = watched(place, cloud)
    outcome = place.succeed(CheckKeys, {"light": light.value})
    (culprit,) = [fact.value for fact in outcome.facts if fact.key == "culprit"]
    assert not isinstance(culprit, str)
    return light, culprit.english(), outcome


def remember(clouds: CloudBook) -> None:
    """The local cloud is one the person has used."""
    clouds.remember(local_cloud(parse_host(HERE), server_public(), Algorithm.RSA_2048, name=GARAGE))


@pytest.mark.parametrize("name", ["core-0.7", "photon-0.7"])
def test_a_board_that_is_connected_is_told_that_all_is_well(name: str, tmp_path: Path) -> None:
    light, culprit, outcome = tried(name, tmp_path, server=server_block(HERE))
    assert (light, culprit) == (LightSeen.CONNECTED, "nothing")
    assert not outcome.unfinished


@pytest.mark.parametrize("name", ["core-0.7", "photon-0.7"])
def test_the_makers_cloud_that_knows_another_key_of_the_board(name: str, tmp_path: Path) -> None:
    other = rsa_key("another board").public_der()
    light, culprit, outcome = tried(name, tmp_path, serves=False, server=far(name), registered=other)
    assert (light, culprit) == (LightSeen.ORANGE, "what the server knows of this board")
    assert "Hand the board's public key" in outcome.next_steps[0].english()


@pytest.mark.parametrize("name", ["core-0.7", "photon-0.7"])
def test_a_local_cloud_that_knows_another_key_of_the_board(name: str, tmp_path: Path) -> None:
    light, culprit, _ = tried(name, tmp_path, server=server_block(HERE), faults=Faults(other_device_key=True))
    assert (light, culprit) == (LightSeen.ORANGE, "what the server knows of this board")


def test_the_makers_key_with_the_address_of_a_local_cloud(tmp_path: Path) -> None:
    light, culprit, outcome = tried("photon-0.7", tmp_path, server=at_home(far("photon-0.7")))
    assert light in (LightSeen.RED, LightSeen.MAGENTA)
    assert culprit == "server key and server address: they do not belong together"
    assert outcome.next_recipes[:1] == ("switch-cloud",)


def test_a_local_cloud_that_was_given_a_new_key(tmp_path: Path) -> None:
    light, culprit, _ = tried("photon-0.7", tmp_path, server=server_block(HERE, name="another"))
    assert light in (LightSeen.RED, LightSeen.MAGENTA)
    assert culprit == "the server key"


def test_a_server_that_signs_with_another_key(tmp_path: Path) -> None:
    light, culprit, _ = tried("photon-0.7", tmp_path, server=server_block(HERE), faults=Faults(bad_signature=True))
    assert (light, culprit) == (LightSeen.MAGENTA, "the server key")


def test_a_local_cloud_that_is_switched_off(tmp_path: Path) -> None:
    light, culprit, outcome = tried("photon-0.7", tmp_path, serves=False, server=server_block(HERE))
    assert light in (LightSeen.CYAN, LightSeen.BLINKS)
    assert culprit == "the server address"
    assert HERE in outcome.summary.english()


@pytest.mark.parametrize(
    ("key", "repair"), [("unusable", "restore-key"), ("corrupt", "change-key"), ("blank", "change-key")]
)
def test_a_core_whose_own_key_is_at_fault(key: str, repair: str, tmp_path: Path) -> None:
    light, culprit, outcome = tried("core-0.7", tmp_path, server=server_block(HERE), key=key)
    assert light is not LightSeen.CONNECTED
    assert culprit == "the board's own key (device key)"
    assert outcome.next_recipes[0] == repair


def test_a_photon_that_made_itself_a_key_is_no_longer_the_one_its_cloud_knows(tmp_path: Path) -> None:
    known = rsa_key("before").public_der()
    light, culprit, outcome = tried(
        "photon-0.7", tmp_path, serves=False, server=far("photon-0.7"), registered=known, key="blank"
    )
    assert (light, culprit) == (LightSeen.ORANGE, "what the server knows of this board")
    assert len(outcome.documents) == 1
