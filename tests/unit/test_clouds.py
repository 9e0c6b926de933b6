"""The clouds a person uses: remembered whole or not at all, and told apart on a board."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ending_disk import Refusing, no_room
from support.spec_cloud import server_public

from app.faults import NoRoom
from app.keys.clouds import FILE, Cloud, CloudBook, CloudKind, local_cloud, which_cloud
from app.keys.server_key import (
    NO_ADDRESS,
    PARTICLE_FINGERPRINTS,
    AddressKind,
    ServerAddress,
    ServerBlock,
    build_server,
    parse_host,
    parse_server,
)
from app.platforms.model import Algorithm
from app.platforms.table import platform

SLOT = platform("photon").slot("server-public")
MOMENT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
RSA = Algorithm.RSA_2048


def cloud(host: str = "192.168.1.10", key: str = "ours", name: str = "") -> Cloud:
    return local_cloud(parse_host(host), server_public(key), RSA, name=name, used=MOMENT)


def block(host: str = "192.168.1.10", key: str = "ours") -> ServerBlock:
    return parse_server(build_server(SLOT, server_public(key), parse_host(host)), SLOT)


class Days:
    """A clock that goes on a day whenever it is looked at."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        self.now += timedelta(days=1)
        return self.now


def test_what_is_remembered_is_there_after_a_new_start(tmp_path: Path) -> None:
    kept = CloudBook(tmp_path / "a" / "clouds").remember(cloud("cloud.example.org:5690", name="Workshop"))
    (found,) = CloudBook(tmp_path / "a" / "clouds").clouds()
    assert found == kept
    assert (found.name, found.host, found.port, found.public_der) == (
        "Workshop",
        "cloud.example.org",
        5690,
        server_public(),
    )
    assert found.address == ServerAddress(AddressKind.DOMAIN, "cloud.example.org", 5690)


def test_the_one_used_last_is_the_first(tmp_path: Path) -> None:
    book = CloudBook(tmp_path, now=Days())
    one, two = cloud("10.0.0.1"), cloud("10.0.0.2")
    for each in (one, two, one):
        book.remember(each)
    assert [each.id for each in book.clouds()] == [one.id, two.id]
    assert [each.id for each in book] == [one.id, two.id]


def test_the_same_server_is_remembered_once_under_its_newest_name(tmp_path: Path) -> None:
    book = CloudBook(tmp_path)
    book.remember(cloud("10.0.0.1", name="Old"))
    book.remember(cloud("10.0.0.1:5683", name="New"))
    assert [each.name for each in book.clouds()] == ["New"]


def test_another_key_or_another_address_is_another_cloud() -> None:
    ids = {cloud().id, cloud("192.168.1.11").id, cloud("192.168.1.10:5690").id, cloud(key="other").id}
    assert len(ids) == 4


def test_what_is_forgotten_is_gone_and_the_rest_stays(tmp_path: Path) -> None:
    book = CloudBook(tmp_path)
    for each in (cloud("10.0.0.1"), cloud("10.0.0.2")):
        book.remember(each)
    book.forget(cloud("10.0.0.1").id)
    book.forget("000000000000")
    assert [each.host for each in book.clouds()] == ["10.0.0.2"]


def test_nothing_is_made_before_something_is_remembered(tmp_path: Path) -> None:
    book = CloudBook(tmp_path / "clouds")
    assert book.clouds() == ()
    book.forget("000000000000")
    assert not (tmp_path / "clouds").exists()


def test_the_key_as_pem_is_the_same_key() -> None:
    key = load_pem_public_key(cloud().public_pem)
    assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == server_public()
    assert cloud().fingerprint == block().fingerprint


def test_a_full_disk_is_a_fault_and_leaves_what_was_there(tmp_path: Path) -> None:
    CloudBook(tmp_path).remember(cloud("10.0.0.1"))
    for actions in range(4):  # make the folder, create, write, flush
        book = CloudBook(tmp_path, actions=Refusing(actions, no_room))
        with pytest.raises(NoRoom):
            book.remember(cloud("10.0.0.2"))
        assert [each.host for each in book.clouds()] == ["10.0.0.1"]


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"[]", b'{"format": 2, "clouds": []}', b"[" * 100_000], ids=range(5)
)
def test_a_file_that_is_none_is_passed_over_and_put_aside(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(content)
    book = CloudBook(tmp_path)
    assert book.clouds() == ()
    book.remember(cloud())
    assert [each.host for each in book.clouds()] == ["192.168.1.10"]
    assert content in [path.read_bytes() for path in tmp_path.iterdir()]
    assert FILE in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"host": "::1"},
        {"host": 5},
        {"port": 70000},
        {"port": True},
        {"port": "80"},
        {"algorithm": "dsa"},
        {"public_key": "00"},
        {"public_key": "zz"},
        {"used": "yesterday"},
        {"used": "2026-11-23T09:30:00"},
        {"name": None},
    ],
    ids=str,
)
def test_a_row_that_is_wrong_is_passed_over_alone(
    change: dict[str, object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    book = CloudBook(tmp_path)
    book.remember(cloud("10.0.0.1"))
    book.remember(cloud("10.0.0.2"))
    whole = json.loads((tmp_path / FILE).read_bytes())
    whole["clouds"][0] |= change
    whole["clouds"].append("rubbish")
    (tmp_path / FILE).write_text(json.dumps(whole))
    assert [each.host for each in book.clouds()] == ["10.0.0.1"]
    assert FILE in caplog.text


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_breaks_the_book(caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_bytes(content)
        assert CloudBook(Path(folder)).clouds() == ()
    assert FILE in caplog.text


# --- which one a board is set to ------------------------------------------------------------------------------------


def test_a_remembered_cloud_is_known_by_key_and_address() -> None:
    found = which_cloud(block(), [cloud("10.0.0.9"), cloud(name="Workshop")])
    assert (found.kind, found.name, found.cloud_id, found.mixed) == (CloudKind.LOCAL, "Workshop", cloud().id, False)


def test_its_port_counts_and_the_usual_one_may_be_left_out() -> None:
    assert which_cloud(block("192.168.1.10:5683"), [cloud()]).kind is CloudKind.LOCAL
    assert which_cloud(block("192.168.1.10:5690"), [cloud()]).kind is CloudKind.UNKNOWN


def test_its_key_at_another_address_is_no_cloud_but_says_whose_key_it_is() -> None:
    found = which_cloud(block("10.9.9.9"), [cloud(name="Workshop")])
    assert (found.kind, found.mixed, found.key_of, found.name) == (
        CloudKind.UNKNOWN,
        True,
        CloudKind.LOCAL,
        "Workshop",
    )


def test_a_stranger_is_a_stranger() -> None:
    found = which_cloud(block(key="other"), [cloud()])
    assert (found.kind, found.mixed) == (CloudKind.UNKNOWN, False)


def test_blank_memory_is_no_cloud_and_an_address_without_a_key_is_a_strange_one() -> None:
    assert which_cloud(parse_server(b"\xff" * 512, SLOT), []).kind is CloudKind.NONE
    raw = bytearray(build_server(SLOT, server_public(), parse_host("10.0.0.1")))
    raw[:294] = b"\xff" * 294
    assert which_cloud(parse_server(bytes(raw), SLOT), []).kind is CloudKind.UNKNOWN


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("device.spark.io", CloudKind.PARTICLE),
        ("Device.Spark.IO", CloudKind.PARTICLE),
        ("x.udp.particle.io", CloudKind.PARTICLE),
        ("192.168.1.10", CloudKind.UNKNOWN),
        ("notspark.io", CloudKind.UNKNOWN),
    ],
)
def test_the_makers_key_belongs_to_the_makers_addresses(host: str, kind: CloudKind) -> None:
    makers = replace(block(host), fingerprint=PARTICLE_FINGERPRINTS[RSA])
    found = which_cloud(makers, [])
    assert (found.kind, found.mixed, found.key_of) == (kind, kind is CloudKind.UNKNOWN, CloudKind.PARTICLE)


def test_the_makers_key_without_an_address_is_theirs() -> None:
    makers = replace(block(), fingerprint=PARTICLE_FINGERPRINTS[RSA], address=NO_ADDRESS)
    assert which_cloud(makers, []).kind is CloudKind.PARTICLE
