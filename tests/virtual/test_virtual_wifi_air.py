"""Networks around a board and those it has stored: what it gets into, what its light tells, how it forgets."""

from __future__ import annotations

from typing import Any

import pytest
from support.virtual_desk import LONG, Desk, Dfu

from app.virtual.air import HOME, PRACTICE_AIR, Cipher, Internet, Network, Profile, Security, good_pem, joined, stored

PASSWORD = b"secret123"
NET = Network(b"MyNet", password=PASSWORD)
PROFILE = Profile(b"MyNet", Security.WPA2, PASSWORD)


def settled(name: str, network: Network, profile: Profile = PROFILE, **options: Any) -> Desk:  # noqa: ANN401
    """Have a board with that profile start in that air."""
    given: dict[str, Any] = {"networks": (network,), **options}
    desk = Desk(name, **given)
    desk.board.profiles_stored = (profile,)
    desk.hand.reset()
    return desk


def known(desk: Desk) -> list[Profile]:
    desk.board.tick()
    return list(desk.board.profiles_stored)


def lights(desk: Desk, seconds: float) -> list[str]:
    """Return what the light shows one after another."""
    seen: list[str] = []
    for _ in range(int(seconds / 0.25)):
        desk.clock.pause(0.25)
        if not seen or seen[-1] != desk.board.light_pattern:
            seen.append(desk.board.light_pattern)
    return seen


FITS = [
    (NET, PROFILE),
    (Network(b"MyNet", Security.OPEN), Profile(b"MyNet", Security.OPEN)),
    (Network(b"MyNet", hidden=True, password=PASSWORD), PROFILE),
    (
        Network(b"MyNet", cipher=Cipher.AES_TKIP, password=PASSWORD),
        Profile(b"MyNet", Security.WPA2, PASSWORD, Cipher.TKIP),
    ),
    (Network(b"MyNet", cipher=Cipher.TKIP, password=PASSWORD), PROFILE),
]
NEVER = [
    (NET, Profile(b"MyNet", Security.WPA2, b"Secret123")),
    (NET, Profile(b"MyNet", Security.WPA2, PASSWORD + b" ")),
    (NET, Profile(b"mynet", Security.WPA2, PASSWORD)),
    (NET, Profile(b"MyNet", Security.WPA, PASSWORD)),
    (NET, Profile(b"MyNet", Security.OPEN)),
    (NET, Profile(b"MyNet", Security.WPA2, PASSWORD, Cipher.TKIP)),
    (Network(b"MyNet", channel=36, password=PASSWORD), PROFILE),
]


@pytest.mark.parametrize(("network", "profile"), FITS)
@pytest.mark.parametrize("core", [True, False])
def test_board_gets_into_what_fits(network: Network, profile: Profile, core: bool) -> None:
    assert joined((HOME, network), (profile,), core=core) is network


@pytest.mark.parametrize(("network", "profile"), NEVER)
@pytest.mark.parametrize("core", [True, False])
def test_board_never_gets_into_what_does_not_fit(network: Network, profile: Profile, core: bool) -> None:
    assert joined((HOME, network), (profile,), core=core) is None


@pytest.mark.parametrize(
    ("network", "profile"),
    [
        (Network(b"MyNet", Security.WEP, password=b"12345"), Profile(b"MyNet", Security.WEP, b"12345")),
        (Network(b"MyNet", channel=12, password=PASSWORD), PROFILE),
        (Network(b"MyNet", channel=13, password=PASSWORD), PROFILE),
        (Network(b"MyNet", n_only=True, password=PASSWORD), PROFILE),
    ],
    ids=["wep", "channel 12", "channel 13", "n only"],
)
def test_core_does_not_get_into_what_a_photon_does(network: Network, profile: Profile) -> None:
    assert joined((network,), (profile,), core=True) is None
    assert joined((network,), (profile,), core=False) is network


@pytest.mark.parametrize(
    ("name", "story"),
    [
        ("core", ["blinking green", "breathing green", "blinking cyan", "blinking cyan rapidly", "breathing cyan"]),
        (
            "photon",
            ["blinking green", "blinking green rapidly", "blinking cyan", "blinking cyan rapidly", "breathing cyan"],
        ),
    ],
)
def test_light_tells_the_way_to_the_cloud_after_setup(name: str, story: list[str]) -> None:
    desk = Desk(name, networks=(NET,))
    tty = desk.listening()
    desk.board.profiles = False
    answers = [b"MyNet", b"3", PASSWORD] if name == "core" else [b"MyNet", PASSWORD]
    tty.say(b"w")
    for line in answers[:-1]:
        tty.say(line + b"\n")
    tty.send(answers[-1] + b"\n")
    assert lights(desk, 30) == ["blinking blue", *story]


@pytest.mark.parametrize("name", ["core", "core-0.7", "photon-0.5", "photon"])
@pytest.mark.parametrize(
    ("network", "profile"),
    [
        (NET, Profile(b"MyNet", Security.WPA2, b"Secret123")),
        (Network(b"another", password=PASSWORD), PROFILE),
        (Network(b"MyNet", channel=44, password=PASSWORD), PROFILE),
    ],
    ids=["wrong password", "out of range", "5 GHz"],
)
def test_light_blinks_green_for_ever_where_the_board_does_not_get_in(
    name: str, network: Network, profile: Profile
) -> None:
    desk = settled(name, network, profile)
    desk.clock.pause(10)
    assert lights(desk, 60) == ["blinking green"]
    desk.clock.pause(3600.0)
    assert desk.board.light_pattern == "blinking green"
    desk.board.networks = (Network(profile.ssid, password=profile.password),)
    desk.clock.pause(LONG)
    assert desk.board.light_pattern == "breathing cyan"


@pytest.mark.parametrize(
    ("name", "internet", "pattern"),
    [
        ("core", Internet.NO_ADDRESS, "breathing green"),
        ("photon", Internet.NO_ADDRESS, "blinking green rapidly"),
        ("core", Internet.NONE, "two red blinks"),
        ("photon", Internet.NONE, "two orange blinks"),
        ("core", Internet.BLOCKED, "three red blinks"),
        ("photon", Internet.BLOCKED, "three orange blinks"),
        ("photon", Internet.PORTAL, "three orange blinks"),
    ],
)
def test_light_tells_what_is_missing_behind_the_network(name: str, internet: Internet, pattern: str) -> None:
    desk = settled(name, Network(b"MyNet", password=PASSWORD, internet=internet))
    desk.clock.pause(10)
    seen = lights(desk, 40)
    assert pattern in seen
    assert "breathing cyan" not in seen


def test_practice_network_is_what_a_board_knows_unless_told_otherwise() -> None:
    desk = Desk("photon")
    assert [row.ssid for row in desk.board.profiles_stored] == [HOME.ssid]
    assert HOME in PRACTICE_AIR
    assert desk.board.light_pattern == "breathing cyan"
    desk.board.profiles = True
    assert len(desk.board.profiles_stored) == 1


def test_board_that_knows_another_network_goes_nowhere() -> None:
    desk = Desk("photon", networks=(NET,))
    assert desk.board.light_pattern == "blinking green"
    assert not desk.listens()


def test_electron_needs_no_network_in_the_air() -> None:
    assert Desk("electron", networks=()).board.light_pattern == "breathing cyan"


def test_same_name_is_stored_once() -> None:
    other = Profile(b"Other", Security.OPEN)
    newer = Profile(b"MyNet", Security.WPA2, b"another one")
    assert stored((PROFILE, other), newer) == (other, newer)


def test_of_several_networks_the_first_known_one_that_is_there_is_joined() -> None:
    open_net = Network(b"Open", Security.OPEN)
    profiles = (Profile(b"Gone", Security.OPEN), Profile(b"Open", Security.OPEN), PROFILE)
    assert joined((NET, open_net), profiles, core=False) is open_net


# --- kept and forgotten ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["core", "photon-0.6", "photon"])
def test_networks_survive_power_and_come_back_with_the_memories(name: str) -> None:
    desk = settled(name, NET)
    desk.clock.pause(LONG)
    desk.board.unplug()
    desk.board.plug()
    desk.clock.pause(LONG)
    assert known(desk) == [PROFILE]
    assert desk.board.light_pattern == "breathing cyan"
    kept = desk.board.memories()
    desk.board.profiles = False
    desk.board.restore(kept)
    assert known(desk) == [PROFILE]


@pytest.mark.parametrize(("name", "seconds"), [("core", 7.0), ("photon-0.5", 10.0), ("photon", 10.0)])
def test_mode_held_long_forgets_them(name: str, seconds: float) -> None:
    desk = settled(name, NET)
    desk.clock.pause(LONG)
    desk.hand.hold_mode(3.0 + seconds - 0.5)
    assert known(desk) == [PROFILE]
    desk.clock.pause(1.0)
    if not desk.listens():
        desk.hand.enter_listening()
    desk.hand.hold_mode(seconds + 0.1)
    assert known(desk) == []


def test_reset_of_ten_seconds_forgets_them_on_a_core() -> None:
    desk = settled("core", NET)
    desk.hand.hold_mode_through_reset(11.0)
    desk.clock.pause(LONG)
    assert known(desk) == []
    assert desk.listens()


@pytest.mark.parametrize("name", ["core", "photon-0.6", "photon"])
def test_flag_in_the_memory_forgets_them_at_the_next_start(name: str) -> None:
    desk = settled(name, NET)
    if name == "core":
        desk.board.internal[0x4C02:0x4C04] = b"\x01\x00"
    else:
        desk.board.dct[6:8] = b"\x01\x00"
    assert known(desk) == [PROFILE]
    desk.hand.reset()
    desk.clock.pause(LONG)
    assert known(desk) == []
    assert desk.listens()


def test_flashing_keeps_them() -> None:
    desk = settled("photon", NET)
    dfu: Dfu = desk.dfu()
    dfu.erase(0x080A_0000)
    assert known(desk) == [PROFILE]


def test_pem_is_told_from_what_only_looks_like_it() -> None:
    good = b"-----BEGIN CERTIFICATE-----\r\nQUJD\r\n-----END CERTIFICATE-----"
    assert good_pem(good) == good
    for bad in (b"", b"QUJD", good.replace(b"QUJD", b"QUJ"), good.replace(b"END CERT", b"END PERT"), good[:-1]):
        assert good_pem(bad) == b""
