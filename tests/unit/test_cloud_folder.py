"""The folder of a local cloud: found in each of its forms, and never without a key it had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from support import device_keys
from support.spark_server import lay_out, public_pem
from support.spec_cloud import server_key, server_public

from app.cloud_faults import NoCloudFolder, ServerKeyWrongSize
from app.faults import FileNoRoom
from app.files import HandedOn
from app.keys.cloud_folder import CloudFolder, Stored, open_folder
from app.keys.device_key import KeyReport, examine, public_der
from app.keys.letter import PublicKeyLetter, letter
from app.platforms.model import Algorithm

ID = "53ff6f065067544840551187"


def report() -> KeyReport:
    return examine(device_keys.as_device().ljust(612, b"\xff"), Algorithm.RSA_1024)


def paper() -> PublicKeyLetter:
    return letter(ID, "core", report())


@pytest.mark.parametrize("fork", [False, True])
@pytest.mark.parametrize("chosen", ["", "keys", "home"])
def test_it_is_found_from_any_folder_of_it(fork: bool, chosen: str, tmp_path: Path) -> None:
    root = tmp_path / "spark server"
    keys = lay_out(root, fork=fork)
    path = {"": root, "keys": keys, "home": keys.parent}[chosen]
    found = open_folder(path)
    assert (found.root, found.keys) == (root, keys)
    assert found.server_key().public_der == server_public()
    assert not found.server_key().stale


def test_a_server_in_a_folder_named_data_is_itself(tmp_path: Path) -> None:
    keys = lay_out(tmp_path / "data")
    assert open_folder(tmp_path / "data").keys == keys


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_anything_else_is_none(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "core_keys"
    make(path)
    with pytest.raises(NoCloudFolder):
        open_folder(path)
    with pytest.raises(NoCloudFolder):
        open_folder(tmp_path / "not there")


def test_a_locked_private_key_is_not_needed(tmp_path: Path) -> None:
    lay_out(tmp_path)
    locked = server_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    (tmp_path / "default_key.pem").write_bytes(locked)
    found = open_folder(tmp_path).server_key()
    assert (found.public_der, found.file.name) == (server_public(), "default_key.pub.pem")


def test_a_public_file_of_another_key_is_stale(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (tmp_path / "default_key.pub.pem").write_bytes(public_pem("old"))
    found = open_folder(tmp_path).server_key()
    assert found.stale
    assert found.public_der == server_public()


def test_a_server_key_that_no_board_can_use_is_told_as_what_it_is(tmp_path: Path) -> None:
    lay_out(tmp_path)
    short = rsa.generate_private_key(65537, 1024)
    (tmp_path / "default_key.pem").write_bytes(
        short.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    with pytest.raises(ServerKeyWrongSize):
        open_folder(tmp_path).server_key()


def test_a_key_is_put_and_a_second_time_left_alone(tmp_path: Path) -> None:
    keys = lay_out(tmp_path)
    keys.rmdir()  # a server that never met a board
    folder = open_folder(tmp_path)
    own = public_der(report())
    assert folder.stored(ID, own) is Stored.NOTHING
    assert folder.place(paper()).wrote
    assert folder.stored(ID, own) is Stored.SAME
    assert not folder.place(paper()).wrote
    assert [each.name for each in keys.iterdir()] == [f"{ID}.pub.pem"]


def test_another_key_gets_the_first_free_number_once(tmp_path: Path) -> None:
    keys = lay_out(tmp_path)
    folder = open_folder(tmp_path)
    for _ in range(2):
        (keys / f"{ID}.pub.pem").write_bytes(b"not a key")
        assert folder.stored(ID, public_der(report())) is Stored.OTHER
        placed = folder.place(paper())
        assert placed.kept == keys / f"{ID}.pub.pem.1"
        assert placed.kept.read_bytes() == b"not a key"
    assert len(list(keys.iterdir())) == 2


class FullDisk(HandedOn):
    """A disk that is full after so many writes."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def write(self, descriptor: int, content: bytes) -> None:
        """Write, or fail."""
        if not self.left:
            raise OSError(28, "No space left on device")
        self.left -= 1
        super().write(descriptor, content)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_full_disk_takes_no_key_away(writes: int, tmp_path: Path) -> None:
    keys = lay_out(tmp_path)
    (keys / f"{ID}.pub.pem").write_bytes(public_pem("old"))
    with pytest.raises(FileNoRoom):
        open_folder(tmp_path).place(paper(), FullDisk(writes))
    assert (keys / f"{ID}.pub.pem").read_bytes() == public_pem("old")
    assert not [each for each in keys.iterdir() if each.name.endswith(".part")]


def noted(folder: CloudFolder, content: bytes) -> Path:
    file = folder.keys / f"{ID}_handshake.pub.pem"
    file.write_bytes(content)
    return file


def test_a_key_the_server_has_seen_is_accepted_under_its_name(tmp_path: Path) -> None:
    lay_out(tmp_path)
    folder = open_folder(tmp_path)
    assert folder.knock_of(ID) is None
    assert folder.seen(ID) == 0
    file = noted(folder, paper().public_pem.encode())
    assert folder.seen(ID) > 0
    knock = folder.knock_of(ID)
    assert knock is not None
    assert knock.public_der == public_der(report())
    assert folder.accept(ID, knock.public_der).wrote
    assert not file.exists()
    assert folder.stored(ID, knock.public_der) is Stored.SAME


def test_a_note_that_is_not_whole_yet_holds_no_key(tmp_path: Path) -> None:
    lay_out(tmp_path)
    folder = open_folder(tmp_path)
    noted(folder, paper().public_pem.encode()[:60])
    knock = folder.knock_of(ID)
    assert knock is not None
    assert knock.public_der is None


def test_no_private_byte_is_in_what_is_told(tmp_path: Path) -> None:
    lay_out(tmp_path)
    found = open_folder(tmp_path)
    told = repr((found, found.server_key()))
    assert "PRIVATE" not in told
    assert str(server_key().private_numbers().d) not in told
