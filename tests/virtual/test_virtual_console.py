"""The listening console (device-protocol.md 5.1 to 5.3) and the magic baud rates (5.6)."""

from __future__ import annotations

import json

import pytest
from support.virtual_desk import LONG, Desk

from app.virtual.board import Phase

CODE = "0123456789" * 6 + "abc"


@pytest.mark.parametrize(
    ("name", "options", "reply"),
    [
        ("core", {}, "Your core id is {id}\r\n"),
        ("core-0.7", {}, "Your core id is {id}\r\n"),
        ("photon-0.5", {}, "Your device id is {id}\r\n"),
        ("photon", {}, "Your device id is {id}\r\n"),
        ("p1", {}, "Your device id is {id}\r\n"),
        ("photon", {"secret": "A1B2C3D4E5F6G7H"}, "Device ID: {id}\r\nDevice Secret: A1B2C3D4E5F6G7H\r\n"),
        ("photon", {"serial_number": "PHHMAB123"}, "Device ID: {id}\r\nSerial Number: PHHMAB123\r\n"),
        ("photon-0.7", {"secret": "A1B2C3D4E5F6G7H"}, "Your device id is {id}\r\n"),
        (
            "electron",
            {"firmware": "1.4"},
            "Device ID: {id}\r\nIMEI: 353162070012345\r\nICCID: 8934076500002345678\r\n",
        ),
        (
            "electron",
            {},
            "Device ID: {id}\r\nIMEI: 353162070012345\r\nICCID: 8934076500002345678\r\nCell Radio Version: 08.90\r\n",
        ),
    ],
)
def test_identity_in_all_its_forms(name: str, options: dict[str, str], reply: str) -> None:
    desk = Desk(name, **options)
    assert desk.listening().say(b"i").decode() == reply.format(id=desk.board.device_id)


def test_electron_waits_for_its_modem() -> None:
    tty = Desk("electron").listening()
    assert tty.say(b"i", within=1.9) == b""
    tty.desk.clock.pause(0.2)
    assert tty.everything().startswith(b"Device ID: ")


def test_mac_is_told_from_0_4_on() -> None:
    assert Desk("core-0.5").listening().say(b"m") == b"Your device MAC address is\r\n08:00:28:6c:26:31\r\n"
    assert Desk("core", firmware="0.4.0").listening().say(b"m").startswith(b"Your core MAC address is\r\n")
    assert Desk("core").listening().say(b"m") == b""


def test_version_ends_oddly() -> None:
    assert Desk("photon-0.7").listening().say(b"v") == b"system firmware version: 0.7.0\n\r\n"
    assert Desk("core", firmware="0.4.0").listening().say(b"v") == b""


def test_module_list_tells_what_is_in_the_memory() -> None:
    desk = Desk("photon-0.7")
    tty = desk.listening()
    reply = tty.say(b"s")
    assert reply.endswith(b"}\r\n")
    document = json.loads(reply)
    assert document["p"] == 6
    assert [(module.get("f"), module.get("n"), module.get("v")) for module in document["m"]] == [
        ("b", "0", 101),
        ("s", "1", 207),
        ("s", "2", 207),
        ("u", "1", 3),
        (None, None, None),
    ]
    assert document["m"][2]["d"] == [{"f": "s", "n": "1", "v": 207, "_": ""}]
    assert len(document["m"][3]["u"]) == 64
    desk.board.internal[0x60100] ^= 1
    assert json.loads(tty.say(b"s"))["m"][2]["vv"] != 30


def test_module_list_of_today_leaves_empty_places_out() -> None:
    assert all("f" in module for module in json.loads(Desk("photon").listening().say(b"s"))["m"])


def test_module_list_of_0_4_0_has_no_outer_braces() -> None:
    reply = Desk("core", firmware="0.4.0").listening().say(b"s")
    assert reply.startswith(b'"p":0,')
    assert reply.endswith(b"]\r\n")


def test_electron_tells_its_modem_in_the_module_list() -> None:
    assert json.loads(Desk("electron").listening().say(b"s"))["imei"] == "353162070012345"


@pytest.mark.parametrize(
    ("name", "claimed", "reply"),
    [
        ("photon", True, b"Device claimed: yes\r\n"),
        ("photon", False, b"Device claimed: no\r\n"),
        ("core-0.7", True, b"Device claimed: no\r\n"),
        ("photon-0.5", True, b""),
        ("core", True, b""),
    ],
)
def test_claimed_or_not(name: str, claimed: bool, reply: bytes) -> None:
    assert Desk(name, claimed=claimed).listening().say(b"c") == reply


def test_claim_code_is_echoed_and_kept_by_a_photon() -> None:
    desk = Desk("photon")
    tty = desk.listening()
    assert tty.say(b"C") == b"Enter 63-digit claim code: "
    assert tty.say(CODE.encode() + b"\n").decode() == f"{CODE}\r\nClaim code set to: {CODE}\r\n"
    assert desk.board.dct[1762 : 1762 + 63] == CODE.encode()


def test_claim_code_is_only_said_to_be_kept_by_a_core() -> None:
    tty = Desk("core-0.7").listening()
    tty.say(b"C")
    assert tty.say(CODE.encode() + b"\n").endswith(b"Claim code set to: " + CODE.encode() + b"\r\n")


def test_claim_code_of_another_length_is_refused() -> None:
    desk = Desk("photon")
    tty = desk.listening()
    tty.say(b"C")
    assert tty.say(b"abc\r") == (b"abc\r\nSorry, claim code is not 63 characters long. Claim code unchanged.\r\n")
    assert desk.board.dct[1762] == 0xFF


def test_character_beyond_the_longest_line_ends_it_and_is_swallowed() -> None:
    tty = Desk("photon").listening()
    tty.say(b"C")
    assert tty.say(CODE.encode()) == CODE.encode()
    assert tty.say(b"Z").decode() == f"\r\nClaim code set to: {CODE}\r\n"


def test_backspace_takes_one_character_away_and_is_echoed() -> None:
    tty = Desk("photon").listening()
    tty.say(b"C")
    assert tty.say(b"\x08\x7fa\x7fb\x08") == b"a\x7fb\x08"


def test_everything_that_waits_after_a_line_is_thrown_away() -> None:
    tty = Desk("photon-0.6").listening()
    tty.say(b"C")
    assert tty.say(b"abc\nic").endswith(b"Claim code unchanged.\r\n")


def test_unknown_characters_are_dropped() -> None:
    tty = Desk("photon").listening()
    assert tty.say(b"\r\n?qzI \x00\xff") == b""
    assert Desk("electron").listening().say(b"w") == b""


def test_nothing_is_printed_before_somebody_speaks() -> None:
    tty = Desk("photon").listening()
    assert tty.everything() == b""


def test_output_up_to_0_6_takes_a_millisecond_per_character() -> None:
    tty = Desk("photon-0.6").listening()
    tty.send(b"v")
    tty.desk.clock.pause(0.0105)
    assert tty.everything() == b"system firm"[:11]
    tty.desk.clock.pause(0.1)
    assert tty.everything() == b"ware version: 0.6.3\n\r\n"


def test_output_from_0_7_on_comes_at_once() -> None:
    tty = Desk("photon-0.7").listening()
    tty.send(b"v")
    assert tty.everything() == b"system firmware version: 0.7.0\n\r\n"


def test_core_of_2014_reads_one_character_in_250_ms() -> None:
    tty = Desk("core").listening()
    tty.send(b"?i")
    tty.desk.clock.pause(0.249)
    assert tty.everything() == b""
    tty.desk.clock.pause(0.251)
    assert tty.everything() != b""


def test_x_leaves_listening() -> None:
    desk = Desk("photon")
    tty = desk.listening()
    assert tty.say(b"xi", within=0.0) == b""
    assert not desk.board.listening_now
    assert desk.board.light_pattern == "blinking green"
    assert tty.say(b"i") == b""


def test_capital_l_restarts_into_safe_mode_and_listening() -> None:
    desk = Desk("photon")
    before = desk.face
    desk.listening().say(b"L", within=LONG)
    assert not before.attached()
    assert desk.board.listening_now
    assert desk.board.safe_mode


def test_board_that_does_not_listen_does_not_answer() -> None:
    desk = Desk("photon")
    serial = desk.face.serial
    assert serial is not None
    desk.face.bulk_out(serial.to_board, b"i")
    desk.clock.pause(5)
    assert desk.face.bulk_in(serial.to_host, 64) == b""


def test_core_of_2014_has_no_port_until_it_listens_and_keeps_it_until_reset() -> None:
    desk = Desk("core")
    assert desk.bus.sightings() == []
    desk.listening()
    assert len(desk.bus.sightings()) == 1
    desk.hand.reset()
    desk.clock.pause(LONG)
    assert desk.bus.sightings() == []


def test_core_of_2014_has_a_port_when_its_application_wants_one() -> None:
    assert len(Desk("core", app_uses_serial=True).bus.sightings()) == 1


@pytest.mark.parametrize("name", ["photon-0.5", "photon-0.6", "photon-0.7", "photon", "p1", "electron"])
def test_14400_baud_brings_later_boards_into_dfu(name: str) -> None:
    desk = Desk(name)
    before = desk.face
    desk.set_baud(14400)
    desk.clock.pause(LONG)
    assert not before.attached()
    assert desk.board.phase is Phase.DFU
    assert desk.board.light_pattern == "blinking yellow"


@pytest.mark.parametrize("name", ["core-0.5", "core-0.7"])
def test_14400_baud_only_restarts_a_core_with_the_original_boot_loader(name: str) -> None:
    desk = Desk(name)
    before = desk.face
    desk.set_baud(14400)
    desk.clock.pause(LONG)
    assert not before.attached()
    assert desk.board.phase is Phase.FIRMWARE


def test_14400_baud_brings_a_core_with_a_later_boot_loader_into_dfu() -> None:
    desk = Desk("core-0.7", boot="0.7")
    desk.set_baud(14400)
    desk.clock.pause(LONG)
    assert desk.board.phase is Phase.DFU
    assert desk.bus.sightings()[0].serial == "50FF6C065067545639190387"


def test_core_of_2014_knows_no_magic_baud_rates() -> None:
    desk = Desk("core", app_uses_serial=True)
    before = desk.face
    desk.set_baud(14400)
    desk.set_baud(28800)
    desk.clock.pause(LONG)
    assert before.attached()
    assert not desk.board.listening_now


@pytest.mark.parametrize("name", ["core-0.5", "photon-0.5", "photon"])
def test_28800_baud_starts_listening(name: str) -> None:
    desk = Desk(name)
    desk.set_baud(28800)
    assert desk.board.listening_now
    desk.set_baud(28800)
    assert desk.board.listening_now
    assert desk.face.attached()
