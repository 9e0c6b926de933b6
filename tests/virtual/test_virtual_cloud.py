"""Virtual boards and their cloud: the device side of 10.1 against a server typed from the specification."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.air import HERE, Air, Weather
from support.clock import FastClock
from support.real_pack import real_pack
from support.spec_cloud import Faults, SpecCloud, server_block, server_key, server_public
from support.virtual_desk import Dfu

from app.firmware.pack import pick
from app.protocols import handshake as ours
from app.virtual.board import VirtualBoard
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import HEALTHY_BOARDS, make
from app.virtual.cloud_model import Handshake, PrivateKey, Verdict, public_half, read_server
from app.virtual.hand import PracticeHand
from app.virtual.machine import Phase
from app.virtual.mishaps import Mishap
from app.virtual.personality import FIRMWARES
from app.virtual.practice_keys import rsa_key
from app.virtual.timing import Timing

STEP_S = 0.05
TCP_BOARDS = tuple(name for name in HEALTHY_BOARDS if name != "electron")
SPARK = {"core": "red"}  # 9.2: orange from 0.4 on
OFTEN = 1000

CYAN, FAST, BREATHING = "blinking cyan", "blinking cyan rapidly", "breathing cyan"
RED, ORANGE, MAGENTA = "a red flash", "an orange flash", "a magenta flash"


class House:
    """A board, its server and the air between them."""

    def __init__(
        self,
        name: str,
        *,
        host: str = HERE,
        port: int = 5683,
        weather: Weather = Weather.FAIR,
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.clock = FastClock()
        self.air = Air(names={"cloud.home": HERE}, ports={9999: 5683}, weather=weather)
        given = {"profiles": True, "world": self.air, "server": server_block(host, port), **options}
        self.board: VirtualBoard = make(name, self.clock, **given)
        self.hand = PracticeHand(self.board)
        self.listener = self.air.listen(5683)
        self.cloud = SpecCloud(self.listener, self.board.registered)
        self.lights: list[str] = []
        self.since: list[float] = []
        self.bus = VirtualBus(self.clock, [self.board])

    def live(self, until: str = "", within: float = 60.0, step: float = STEP_S) -> list[str]:
        """Let time pass until the light shows that; return everything it showed."""
        end = self.clock.now() + within
        while self.clock.now() < end:
            words = self.board.light_pattern
            if not self.lights or self.lights[-1] != words:
                self.lights.append(words)
                self.since.append(self.clock.now())
            if words == until:
                return self.lights
            self.cloud.poll()
            self.clock.pause(step)
        assert not until, f"never {until}: {self.lights}"
        return self.lights

    def after_address(self) -> list[str]:
        """The lights since the board began to look for its cloud."""
        return self.lights[self.lights.index(CYAN) :]

    def lasted(self, number: int) -> float:
        """Seconds that a light since then lasted."""
        first = self.lights.index(CYAN) + number
        return self.since[first + 1] - self.since[first]


# --- all is well ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TCP_BOARDS)
def test_board_with_the_right_keys_connects_and_breathes_cyan(name: str) -> None:
    house = House(name)
    house.live(BREATHING)
    assert house.after_address() == [CYAN, FAST, BREATHING]
    (talk,) = house.cloud.talks
    assert talk.plain[40:52] == bytes.fromhex(house.board.device_id)
    platform = house.board.personality.kind.number.to_bytes(2, "big")
    assert talk.hello[:2] == b"\x50\x02"
    assert talk.hello[4:7] == b"\xb1h\xff"
    if name == "core":  # firmware of 2013-14 sends neither its public key nor its platform
        assert len(talk.plain) == 52
        assert len(talk.hello) == 13
    else:
        assert talk.plain[52:] == house.board.registered
        assert len(talk.hello) == 15
        assert talk.hello[-2:] == platform


@pytest.mark.parametrize("name", TCP_BOARDS)
def test_board_and_the_programs_own_server_side_understand_each_other(name: str) -> None:
    house = House(name)
    while (line := house.listener.accept()) is None:
        house.clock.pause(STEP_S)
        house.board.tick()
    talk = ours.Handshake(
        server_key(), house.board.registered, lambda told: told == house.board.device_id, house.clock.now()
    )
    while house.board.light_pattern != BREATHING:
        talk.receive(line.receive() or b"", house.clock.now())
        line.send(talk.take())
        assert talk.failure is None
        house.clock.pause(STEP_S)
    assert talk.stage is ours.Stage.DONE
    assert talk.hello is not None
    assert talk.hello.platform == (None if name == "core" else house.board.personality.kind.number)


def test_electron_connects_over_tcp_when_its_transport_byte_says_so() -> None:
    house = House("electron", transport="tcp")
    house.live(BREATHING)
    assert house.cloud.talks[0].plain[52:] == house.board.registered


def test_electron_reaches_no_other_server_over_udp() -> None:
    house = House("electron", server=bytes.fromhex("30") * 192 + b"\x00\x04" + bytes((192, 168, 1, 20)))
    house.live("three orange blinks")
    assert house.cloud.talks == []
    assert house.air.dialled == []


def test_board_connects_after_leaving_update_mode() -> None:
    house = House("photon")
    house.hand.enter_dfu()
    house.clock.pause(5)
    assert house.board.phase is Phase.DFU
    assert house.cloud.talks == []
    face = house.board.face()
    assert face is not None
    dfu = Dfu(face)
    dfu.at(0x080A0000)
    dfu.send(2, b"")
    dfu.status()
    house.clock.pause(1)
    house.live(BREATHING)
    assert len(house.cloud.talks) == 1


def test_board_in_safe_mode_breathes_magenta_once_it_is_connected() -> None:
    house = House("photon-safe-mode")
    house.live("breathing magenta")
    assert house.cloud.talks[0].done


def test_message_before_the_servers_hello_is_passed_over() -> None:
    house = House("photon")
    house.cloud.faults = Faults(talks_first=True)
    house.live(BREATHING)


def test_bytes_that_come_one_by_one_are_put_together() -> None:
    house = House("core-0.7", weather=Weather(crumb=100))
    house.cloud.faults = Faults()
    house.live(BREATHING)


def test_lines_that_bring_a_few_bytes_at_a_time_are_enough_for_every_step() -> None:
    house = House("photon-0.5", weather=Weather(crumb=7))
    house.live(BREATHING)


@pytest.mark.parametrize("host", ["cloud.home", HERE])
def test_a_server_is_found_by_name_or_address(host: str) -> None:
    house = House("photon", host=host)
    house.live(BREATHING)
    assert house.air.dialled == [(host, 5683)]


@pytest.mark.parametrize(
    ("name", "firmware", "port"),
    [
        ("core", "", 5683),
        ("core", "0.4.0", 5683),
        ("core", "0.4.4", 5683),
        ("photon-0.5", "0.4.4", 5683),
        ("core-0.5", "", 9999),
        ("photon-0.5", "", 9999),
        ("photon", "", 9999),
    ],
)
def test_port_counts_from_0_4_9_on(name: str, firmware: str, port: int) -> None:
    house = House(name, port=9999, firmware=firmware)
    house.live(BREATHING)
    assert house.air.dialled == [(HERE, port)]


@pytest.mark.parametrize("port", [0, 0xFFFF])
def test_no_port_is_the_usual_one(port: int) -> None:
    house = House("photon", port=port)
    house.live(BREATHING)
    assert house.air.dialled == [(HERE, 5683)]


# --- something is wrong ---------------------------------------------------------------------------------------------

CAUSES = [
    pytest.param(Faults(other_device_key=True), ORANGE, id="other device key"),
    pytest.param(Faults(bad_signature=True), MAGENTA, id="bad signature"),
    pytest.param(Faults(closes_after=40), RED, id="closes after the nonce"),
]
OTHER_CAUSES = [
    (Faults(short_secrets=True), ORANGE),
    (Faults(signed_by="another"), MAGENTA),
    (Faults(closes_after=0), RED),
    (Faults(closes_after=20), RED),
    (Faults(closes_after=300), RED),
    (Faults(closes_after=424), RED),
    (Faults(bad_hello=True), RED),
    (Faults(frame_length=15), RED),
    (Faults(frame_length=0), RED),
    (Faults(frame_length=0xFFFF), RED),
]


@pytest.mark.parametrize(("faults", "flash"), OTHER_CAUSES)
def test_every_way_a_handshake_can_fail_has_its_colour(faults: Faults, flash: str) -> None:
    for name in ("core", "photon"):
        house = House(name)
        house.cloud.faults = faults
        house.live(flash)
        assert house.after_address() == [CYAN, FAST, flash]


@pytest.mark.parametrize("name", TCP_BOARDS)
@pytest.mark.parametrize(("faults", "flash"), CAUSES)
def test_failed_handshake_flashes_in_the_colour_of_its_cause_and_is_tried_again(
    name: str, faults: Faults, flash: str
) -> None:
    house = House(name)
    house.cloud.faults = faults
    house.live(flash)
    assert house.after_address()[:3] == [CYAN, FAST, flash]
    house.cloud.faults = Faults.NONE
    house.live(BREATHING)
    assert house.after_address() == [CYAN, FAST, flash, CYAN, FAST, BREATHING]
    assert house.lasted(2) == pytest.approx(0.25, abs=2 * STEP_S)


def test_server_with_another_key_cannot_read_the_board_and_closes() -> None:
    house = House("photon", server=server_block(HERE, name="another"))
    house.live(RED)
    assert house.cloud.talks[0].plain[:40] != house.cloud.talks[0].nonce


@pytest.mark.parametrize("name", ["core", "photon-0.6", "p1"])
@pytest.mark.parametrize("key", ["corrupt", "unusable"])
def test_board_whose_own_key_cannot_be_read_shows_orange(name: str, key: str) -> None:
    house = House(name, key=key)
    house.live(ORANGE)


SILENCES = [
    pytest.param(Faults(says_nothing=True), 20.0, id="no nonce"),
    pytest.param(Faults(silent_after=40), 20.75, id="no secrets"),
    pytest.param(Faults(silent_after=424), 21.5, id="no hello"),
]


@pytest.mark.parametrize("name", ["core", "core-0.7", "photon-0.5", "p1"])
@pytest.mark.parametrize(("faults", "seconds"), SILENCES)
def test_board_waits_20_seconds_for_each_step_and_flashes_red(name: str, faults: Faults, seconds: float) -> None:
    house = House(name)
    house.cloud.faults = faults
    house.live(RED, step=0.1)
    assert house.lasted(1) == pytest.approx(seconds, abs=0.3)


def test_server_that_drips_does_not_get_more_than_20_seconds() -> None:
    house = House("photon")
    house.cloud.faults = Faults(drips=True)
    house.live(RED, step=0.1)
    assert house.lasted(1) == pytest.approx(20.0, abs=0.3)
    assert house.cloud.talks[0].sent > 10


@pytest.mark.parametrize("name", TCP_BOARDS)
def test_nobody_at_the_address_is_three_blinks_and_is_tried_again(name: str) -> None:
    house = House(name)
    house.listener.close()
    blinks = f"three {SPARK.get(name, 'orange')} blinks"
    house.live(blinks)
    assert house.after_address() == [CYAN, blinks]
    house.listener = house.air.listen(5683)
    house.cloud = SpecCloud(house.listener, house.board.registered)
    house.live(BREATHING)
    assert house.after_address()[2:] == [CYAN, FAST, BREATHING]


@pytest.mark.parametrize(
    ("weather", "seconds"),
    [
        pytest.param(Weather(firewall=True), 21.5, id="firewall"),
        pytest.param(Weather(refuses=True), 1.5, id="refuses"),
        pytest.param(Weather(other_network=True), 1.5, id="other network"),
    ],
)
def test_what_the_air_swallows_is_three_blinks(weather: Weather, seconds: float) -> None:
    house = House("photon", weather=weather)
    house.live("three orange blinks")
    assert house.lasted(0) == pytest.approx(seconds, abs=0.1)
    assert house.cloud.talks == []


@pytest.mark.parametrize("count", [1, 39, 255, 256, 257])
def test_line_that_breaks_is_red(count: int) -> None:
    for weather in (Weather(cut_up=count), Weather(cut_down=count)):
        house = House("photon-0.7", weather=weather)
        house.live(RED)


@pytest.mark.parametrize(
    ("firmware", "word"), [("spark_11", "red"), ("0.4.0", "orange"), ("0.5", "orange"), ("0.7", "orange")]
)
def test_core_that_loses_the_internet_blinks_twice(firmware: str, word: str) -> None:
    house = House("core", firmware=firmware)
    house.live(BREATHING)
    house.board.online = False
    house.cloud.talks[0].line.close()
    house.live(f"two {word} blinks")
    house.board.online = True
    house.live(BREATHING)


def test_connected_board_whose_server_goes_away_connects_anew() -> None:
    house = House("photon")
    house.live(BREATHING)
    house.cloud.talks[0].line.close()
    house.live(FAST)
    house.live(BREATHING)
    assert [talk.done for talk in house.cloud.talks] == [True, True]


# --- the end of a line ----------------------------------------------------------------------------------------------


def _into_dfu(house: House) -> None:
    house.hand.enter_dfu()


def _unplug(house: House) -> None:
    house.bus.unplug(house.board)


def _listen(house: House) -> None:
    house.hand.enter_listening()


def _reset(house: House) -> None:
    house.board.press("reset")


def _restore(house: House) -> None:
    house.board.restore(house.board.memories())


@pytest.mark.parametrize("end", [_into_dfu, _unplug, _listen, _reset, _restore])
@pytest.mark.parametrize("moment", [FAST, BREATHING])
def test_whatever_takes_the_board_away_closes_its_line(end: Callable[[House], None], moment: str) -> None:
    house = House("core-0.7")
    house.live(moment)
    assert [line.closed for line in house.air.lines] == [False]
    end(house)
    assert [line.closed for line in house.air.lines] == [True]


def test_board_that_is_taken_away_while_the_firewall_swallows_everything_closes_its_line() -> None:
    house = House("photon", weather=Weather(firewall=True))
    house.live(CYAN)
    house.clock.pause(5)
    house.board.tick()
    (line,) = house.air.lines
    house.bus.unplug(house.board)
    assert line.closed
    house.clock.pause(100)
    assert house.board.light_pattern == "off"


# --- keys at the start of the cloud (4.2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photon-0.5", "photon-0.6", "photon-0.7", "photon", "p1"])
def test_photon_without_a_key_makes_one_and_stores_its_public_half(name: str) -> None:
    house = House(name, key="blank")
    first = house.board.registered
    house.live(ORANGE)  # the server knows the old one
    made = bytes(house.board.dct[34 : 34 + 611])
    assert made[:4] == bytes.fromhex("3082025F")
    public = bytes(house.board.dct[1250 : 1250 + 162])
    assert public == public_half(made)
    assert public != first
    assert house.cloud.talks[0].plain[52:] == public
    house.cloud = SpecCloud(house.listener, public)
    house.live(BREATHING)
    assert bytes(house.board.dct[34 : 34 + 611]) == made
    house.board.dct[34] = 0xFF
    house.hand.reset()
    house.live(ORANGE)
    assert bytes(house.board.dct[34 : 34 + 611]) not in (made, b"\xff" * 611)


def test_core_without_a_key_makes_none() -> None:
    house = House("core-0.7", key="blank")
    house.live(ORANGE)
    assert house.board.spi[0x2000:0x2400] == b"\xff" * 0x400


def test_electron_without_an_ec_key_makes_one() -> None:
    house = House("electron", key="blank", server=None)
    house.live(RED)  # the makers' cloud knows another one
    public = bytes(house.board.dct[2978 : 2978 + 91])
    assert house.board.dct[3106:3110] == bytes.fromhex("30770201")
    assert public[:4] == bytes.fromhex("30593013")
    house.board.registered = public
    house.live(BREATHING)


BUILT_IN = server_block("device.spark.io", 0xFFFF, name="makers")


@pytest.mark.parametrize("name", ["photon", "p1"])
def test_firmware_of_1_0_and_later_restores_a_blank_server_key(name: str) -> None:
    house = House(name, server=b"", built_in_server=BUILT_IN)
    house.live(FAST)
    assert house.board.dct[2082 : 2082 + 512] == BUILT_IN


def test_an_address_without_a_key_stays_when_the_key_is_restored() -> None:
    ours = server_block(HERE, 5683)
    house = House("photon", server=b"\xff" * 294 + ours[294:], built_in_server=BUILT_IN)
    house.live(RED)  # the server at that address has another key
    assert house.board.dct[2082 : 2082 + 294] == BUILT_IN[:294]
    assert house.board.dct[2082 + 384 : 2082 + 512] == ours[384:]


@pytest.mark.parametrize("name", ["core", "core-0.7", "photon-0.5", "photon-0.7"])
def test_a_core_and_older_firmware_leave_a_blank_server_key_as_it_is(name: str) -> None:
    house = House(name, server=b"", built_in_server=BUILT_IN)
    house.live(RED)
    cells, start = (house.board.spi, 0x1000) if name.startswith("core") else (house.board.dct, 2082)
    assert cells[start : start + 512] == b"\xff" * 512


# --- the makers' cloud ----------------------------------------------------------------------------------------------


def far(name: str, **options: Any) -> House:  # noqa: ANN401 - handed on to `make`
    block = real_pack().read(pick(make(name, FastClock()).personality.kind.key, "server-key").name)
    return House(name, **{"server": block, "built_in_server": block, **options})


@pytest.mark.parametrize("name", HEALTHY_BOARDS)
def test_practice_board_with_the_real_server_block_reaches_the_makers_cloud(name: str) -> None:
    house = far(name)
    house.live(BREATHING)
    assert house.after_address() == [CYAN, FAST, BREATHING]
    assert house.air.dialled == []  # nobody is asked for it
    assert house.board.next_change() is None  # nor looked after


@pytest.mark.parametrize("name", HEALTHY_BOARDS)
def test_board_made_without_a_server_block_gets_there_too(name: str) -> None:
    house = House(name, server=None)
    house.live(BREATHING)


@pytest.mark.parametrize("name", ["photon", "p1", "electron"])
def test_blank_server_key_is_no_trouble_for_firmware_that_restores_it(name: str) -> None:
    house = far(name, server=b"")
    house.live(BREATHING)
    house = House(name, server=b"")  # even where nobody has the block
    house.live(BREATHING)


@pytest.mark.parametrize("name", TCP_BOARDS)
def test_key_that_the_makers_cloud_does_not_know_is_orange(name: str) -> None:
    house = House(name, server=None, registered=rsa_key("somebody else").public_der())
    house.live(ORANGE)
    assert house.after_address()[:3] == [CYAN, FAST, ORANGE]
    house.board.registered = make(name, FastClock()).registered
    house.live(BREATHING)


@pytest.mark.parametrize("name", TCP_BOARDS)
def test_another_server_key_with_the_makers_address_is_red(name: str) -> None:
    house = House(name, host="device.spark.io", port=0xFFFF)
    house.live(RED)
    assert house.air.dialled == []


@pytest.mark.parametrize("name", ["core", "photon"])
def test_slot_that_was_written_is_judged_even_on_a_board_made_without_a_block(name: str) -> None:
    house = House(name, server=None)
    house.live(BREATHING)
    cells, start = (house.board.spi, 0x1000) if name == "core" else (house.board.dct, 2082)
    cells[start : start + 512] = server_block("device.spark.io", 0xFFFF)
    house.hand.reset()
    house.live(RED)


def test_electron_whose_ec_key_is_not_the_known_one_does_not_connect() -> None:
    house = House("electron", server=None, registered=make("electron", FastClock(), device_id="00" * 12).registered)
    house.live(RED)


MISHAPS = [
    pytest.param(Mishap(cloud_refuses=1), "three orange blinks", id="refuses"),
    pytest.param(Mishap(cloud_closes=1), RED, id="closes"),
    pytest.param(Mishap(cloud_mute=1), RED, id="mute"),
]


@pytest.mark.parametrize("server", [None, server_block(HERE)], ids=["far", "local"])
@pytest.mark.parametrize(("mishap", "light"), MISHAPS)
def test_mishap_of_the_cloud_happens_so_and_so_often(server: bytes | None, mishap: Mishap, light: str) -> None:
    house = House("photon", server=server, mishap=mishap)
    house.live(light)
    house.live(BREATHING)


@pytest.mark.parametrize(
    ("mishap", "light"), [(Mishap(cloud_other_key=1), ORANGE), (Mishap(cloud_bad_signature=1), MAGENTA)]
)
def test_mishap_of_the_makers_cloud_alone(mishap: Mishap, light: str) -> None:
    house = House("core", server=None, mishap=mishap)
    house.live(light)
    house.live(BREATHING)


def test_mute_board_says_nothing_to_a_server() -> None:
    house = House("photon", mishap=Mishap(cloud_mute=OFTEN))
    house.live(RED)
    assert house.cloud.talks[0].plain == b""
    assert house.lasted(1) == pytest.approx(20.0, abs=0.3)


# --- time -----------------------------------------------------------------------------------------------------------


def test_board_that_never_succeeds_does_not_run_in_circles_even_without_any_timing() -> None:
    house = House("core", server=b"", timing=Timing.ZERO)
    house.clock.pause(3600)
    assert house.board.light_pattern in (RED, CYAN, FAST)


def test_board_looks_at_its_line_at_most_every_20_milliseconds() -> None:
    house = House("photon", timing=Timing.ZERO)
    house.cloud.faults = Faults(says_nothing=True)
    house.live(FAST)
    moments = []
    for _ in range(50):
        moment = house.board.next_change()
        assert moment is not None
        moments.append(moment)
        house.clock.pause(moment - house.clock.now())
        house.board.tick()
    assert all(later - earlier >= 0.0199 for earlier, later in itertools.pairwise(moments))


# --- pieces ---------------------------------------------------------------------------------------------------------


def test_fixed_offset_reader_takes_both_encodings_and_no_other() -> None:
    key = rsa_key("a board")
    block = pow(int.from_bytes(b"\0\x02" + b"\x07" * 85 + b"\0" + bytes(40), "big"), 65537, key.n).to_bytes(128, "big")
    for der in (key.standard_der(), key.device_der()):
        assert PrivateKey.read(der.ljust(612, b"\xff")).decrypt(block) == bytes(40)
        assert public_half(der) == key.public_der()
    odd = rsa_key("a board", usable=False)
    block = pow(int.from_bytes(b"\0\x02" + b"\x07" * 85 + b"\0" + bytes(40), "big"), 65537, odd.n).to_bytes(128, "big")
    assert PrivateKey.read(odd.standard_der().ljust(612, b"\xff")).decrypt(block) is None
    assert PrivateKey.read(odd.device_der()).decrypt(block) == bytes(40)


@pytest.mark.parametrize("slot", [b"\0" * 612, b"\xff" * 612, b"\x30" * 612])
def test_fixed_offset_reader_stands_any_slot(slot: bytes) -> None:
    assert PrivateKey.read(slot).decrypt(b"\x11" * 128) is None


def test_no_private_number_is_in_a_keys_words() -> None:
    key = rsa_key("a board")
    assert str(key.p) not in repr(PrivateKey.read(key.device_der()))


@given(st.binary(min_size=128, max_size=128))
def test_every_address_block_can_be_read(address: bytes) -> None:
    server = read_server(b"\0" * 384 + address, 0, 384, FIRMWARES["2.x"], "00" * 12)
    assert 1 <= server.port <= 0xFFFF
    assert len(server.host) <= 126
    if address[0] > 1:
        assert server.host == "device.spark.io"


@given(st.lists(st.binary(max_size=500), max_size=8))
def test_garbage_from_a_server_ends_the_handshake_and_nothing_else(parts: list[bytes]) -> None:
    talk = Handshake(
        "00" * 12, rsa_key("a board").device_der(), server_public()[33:289], platform=6, firmware=FIRMWARES["2.x"]
    )
    sent = b"".join(talk.receive(part) for part in parts)
    assert len(sent) in (0, 256)
    assert talk.verdict in (None, Verdict.UNREADABLE)
    talk.fail()
    assert talk.verdict in (Verdict.BROKEN, Verdict.UNREADABLE)
    assert talk.receive(b"\0" * 500) == b""


@pytest.mark.parametrize("modulus", [bytes(256), bytes(255) + b"\x03"])
def test_server_key_that_is_no_number_to_reckon_with_ends_the_handshake(modulus: bytes) -> None:
    talk = Handshake("00" * 12, rsa_key("a board").device_der(), modulus, platform=6, firmware=FIRMWARES["2.x"])
    assert talk.receive(bytes(40)) == b""
    assert talk.verdict is Verdict.BROKEN
