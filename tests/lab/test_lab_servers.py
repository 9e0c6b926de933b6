"""Servers on the real kernel's USB stack: blocks as `dfu-util` reads and writes them, and the handshake by real TCP."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from app.firmware.pack import pick
from app.work.events import Asked, Event, Outcome, StepStarted
from app.work.questions import ChooseCard, Enter, PickFile, WatchLight
from lab.key_desk import KeyDesk, told
from lab.openssl import new_key, public_der, server_public
from lab.station import MakeStation
from lab.window import window_on

pytestmark = pytest.mark.lab

HOUSE = "192.168.44.7"
"""The guest's address in a network of its own: a board cannot be told to call the loopback."""
TCP = {"core": (0x1000, 2048), "photon": (2082, 512), "electron": (2082, 512)}  # device-protocol.md 3.2, 3.5, 4.4
UDP, TRANSPORT = (3298, 320), 2977
BESIDE = bytes(range(255, -1, -1)) * 8  # in what is left of a Core's sector
PARTICLE = {  # 4.3: SHA-256 of the makers' blobs as they fill their slots
    "core": "f4e4ac980b56a88a50f359b5fb60b0313274685b27edbffe3e135f897b88744b",
    "photon": "2a1c82fb5f28fe1ba95b4af966aca326eb22398b977fa2540233dbe703fddb16",
    "electron": "8bf15949f650e70f7a575b15585084ac12af597642427a5ca00a427d421affa4",
}


def block(name: str, address: bytes, port: bytes = b"\xff\xff") -> bytes:
    """A local cloud's block, by hand from 4.3: key, erased bytes, type, length and address at 384, port at 450."""
    whole = bytearray(b"\xff" * TCP[name][1])
    key = public_der(server_public())
    assert len(key) == 294
    whole[:294] = key
    whole[384 : 384 + len(address)] = address
    whole[450:452] = port
    return bytes(whole)


IPV4 = b"\x00\x04" + bytes([192, 168, 44, 7])
NAME = b"\x01\x11cloud.example.org"


def fingerprint() -> str:
    digits = hashlib.sha256(public_der(server_public())).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, 64, 4))


class ServerDesk(KeyDesk):
    """A board whose server is written or read."""

    def __init__(self, station: MakeStation, name: str, **options: object) -> None:
        super().__init__(station, name, **options)
        self.name = name.split("-")[0]
        if self.slot.half is None:
            self.place.board.spi[0x1800:0x2000] = BESIDE

    def with_server(self, around: bytearray, content: bytes, *, udp: bool = False) -> bytearray:
        """What has to be there once a block is written: the block, how an Electron connects, and nothing else."""
        start, first = (UDP if udp else TCP[self.name])[0], self.slot.around[0]
        changed = bytearray(around)
        changed[start - first : start - first + len(content)] = content
        if self.name == "electron":
            changed[TRANSPORT] = 0xFF if udp else 0
        return changed


def public_file(folder: Path) -> str:
    file = folder / "default_key.pub.pem"
    file.write_bytes(server_public())
    return str(file)


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "typed", "address", "port"),
    [
        ("core-0.7", f"{HOUSE}:5690", IPV4, (5690).to_bytes(2, "big")),
        ("photon", "cloud.example.org", NAME + b"\0", b"\xff\xff"),
        ("electron", HOUSE, IPV4, b"\xff\xff"),
    ],
    ids=["core", "photon", "electron"],
)
def test_what_switching_writes_is_the_block_built_by_hand_and_on_the_way_back_the_makers(
    station: MakeStation, name: str, typed: str, address: bytes, port: bytes, tmp_path: Path
) -> None:
    desk = ServerDesk(station, name)
    before = desk.around()
    answers = {"cloud": "local", "server-key": public_file(tmp_path), "host": typed}
    outcome = desk.succeed("switch-cloud", answers)
    assert told(outcome)["server-fingerprint"] == fingerprint()
    after = desk.around()
    assert after == desk.with_server(before, block(desk.name, address, port))

    desk.succeed("switch-cloud", {"cloud": "particle"})
    udp = desk.name == "electron"
    size = UDP[1] if udp else TCP[desk.name][1]
    blob = desk.place.pack.read(pick(desk.name, "server-key").name).ljust(size, b"\xff")
    assert hashlib.sha256(blob).hexdigest() == PARTICLE[desk.name]
    assert desk.around() == desk.with_server(after, blob, udp=udp)
    assert desk.place.undo.interrupted() == ()


@pytest.mark.parametrize(
    ("name", "address", "port", "host", "number"),
    [("core", IPV4, b"\xff\xff", HOUSE, "5683"), ("photon", NAME, b"\x16\x3a", "cloud.example.org", "5690")],
    ids=["core", "photon"],
)
def test_a_server_that_the_particle_command_line_would_write_with_dfu_util_is_shown_as_it_is(
    station: MakeStation, name: str, address: bytes, port: bytes, host: str, number: str
) -> None:
    desk = ServerDesk(station, name)
    place, start = desk.place, TCP[name][0]
    place.desk.run_dfu_util(place.dfu_util_arguments(1, start, block(name, address, port)))
    said = told(desk.succeed("check-keys", {"light": "unseen"}))
    assert (said["server-host"], said["server-port"]) == (host, number)
    assert (said["server-key"], said["server-fingerprint"]) == ("good", fingerprint())
    assert said["cloud"] == "a server this program does not know"

    # Without a host it writes the bytes of the blob and nothing behind them (4.5).
    blob = place.pack.read(pick(name, "server-key").name)
    place.into_dfu()
    place.desk.run_dfu_util(place.dfu_util_arguments(1, start, blob))
    said = told(desk.succeed("check-keys", {"light": "unseen"}))
    assert (said["server-host"], said["server-port"]) == ("device.spark.io", "5683")
    assert said["cloud"] == "Particle cloud"


# --- the handshake ----------------------------------------------------------------------------------------------------


@pytest.fixture
def house() -> Iterator[str]:
    """Give the guest an address in a network of its own."""

    def ip(what: str) -> None:
        subprocess.run(["/bin/busybox", "ip", "addr", what, f"{HOUSE}/24", "dev", "lo"], check=True, timeout=10)

    ip("add")
    yield HOUSE
    ip("del")


REPLACE = 4  # the step of the recipe that writes this computer's server; the key was read before
STEPS = ("call", "server-key", "device-id", "public-key", "session", "hello")


class Proof:
    """One handshake that is proved, or not, in the guest."""

    def __init__(
        self, station: MakeStation, name: str, meanwhile: Callable[[ServerDesk], None] = lambda _: None
    ) -> None:
        short = name.split("-")[0]
        self.desk = desk = ServerDesk(station, name, profiles=True, server=block(short, NAME))
        self.before = desk.around()
        self.while_waiting: list[bytes] = []

        def waits(event: Event) -> None:
            if isinstance(event, StepStarted) and event.step == REPLACE:
                meanwhile(desk)
            if isinstance(event, Asked) and isinstance(event.question, WatchLight) and not self.while_waiting:
                self.while_waiting.append(desk.in_memory())

        desk.place.before_event = waits
        self.outcome: Outcome = desk.succeed("prove-handshake")
        self.said = told(self.outcome)
        self.how_far = [self.said[f"step-{step}"].split(" ")[0].rstrip(":") for step in STEPS]
        desk.place.before_event = lambda _: None

    def check_server_was_this_computer_and_is_back(self) -> None:
        """Insist that the board was told to call the guest, and has its old server again."""
        start, size = TCP[self.desk.name]
        start -= self.desk.slot.around[0]
        (meanwhile,) = self.while_waiting
        served = meanwhile[start : start + size]
        assert served[384:390] == IPV4
        assert served[:294] != public_der(server_public())
        after = self.desk.around()
        assert after[start : start + size] == self.before[start : start + size]
        if self.desk.name == "core":
            assert after[:0x1000] == self.before[:0x1000], "what shares its sector"
        assert self.desk.place.undo.interrupted() == ()


@pytest.mark.parametrize("name", ["core-0.7", "photon"])
def test_a_handshake_is_proved_by_real_tcp_and_the_old_server_is_back_for_dfu_util(
    station: MakeStation, house: str, name: str
) -> None:
    proof = Proof(station, name)
    assert proof.how_far == ["done"] * 6, proof.said
    assert proof.said["peer"] == house
    assert proof.said["told-id"] == proof.desk.place.board.device_id
    assert not proof.outcome.unfinished
    proof.check_server_was_this_computer_and_is_back()
    assert proof.desk.around()[-0x1000:] == proof.before[-0x1000:]


@pytest.mark.usefixtures("house")
def test_a_board_with_another_device_key_is_told_by_real_tcp_and_its_old_server_is_back(station: MakeStation) -> None:
    other = new_key("rsa", "another board's")

    def change(desk: ServerDesk) -> None:
        desk.place.board.dct[desk.slot.start : desk.slot.start + desk.slot.size] = other.ljust(desk.slot.size, b"\xff")

    proof = Proof(station, "photon", change)
    assert proof.how_far[:3] == ["done"] * 3, proof.said
    assert proof.how_far[3:] == ["failed", "not", "not"], proof.said
    assert proof.outcome.unfinished
    assert proof.outcome.next_recipes == ("restore-key",)
    proof.check_server_was_this_computer_and_is_back()


# --- in the window ----------------------------------------------------------------------------------------------------


def test_to_a_local_cloud_from_the_first_click_to_what_dfu_util_reads(
    station: MakeStation, qtbot: QtBot, tmp_path: Path
) -> None:
    desk = ServerDesk(station, "photon")
    desk.place.board.dct[3618:3630] = bytes.fromhex(desk.place.board.device_id)
    before = desk.around()
    with window_on(desk.place, qtbot) as window:
        window.start("switch-cloud")
        window.wait_for(ChooseCard, "cloud")
        window.click("choose-local")
        window.wait_for(PickFile, "server-key")
        window.click("pick")
        (dialog,) = window.shell.findChildren(QFileDialog)
        dialog.fileSelected.emit(public_file(tmp_path))
        dialog.close()
        for name, words in (("host", HOUSE), ("cloud-name", "Workshop")):
            window.wait_for(Enter, name)
            window.wait(lambda: [each for each in window.shell.findChildren(QLineEdit) if each.isVisible()])
            (line,) = [each for each in window.shell.findChildren(QLineEdit) if each.isVisible()]
            line.selectAll()
            QTest.keyClicks(line, words)
            QTest.keyClick(line, Qt.Key.Key_Return)
        window.agree()
        outcome = window.outcome()
    assert told(outcome)["server-host"] == HOUSE
    assert [cloud.name for cloud in desk.place.clouds.clouds()] == ["Workshop"]
    assert desk.around() == desk.with_server(before, block("photon", IPV4))
