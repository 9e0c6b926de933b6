"""What a cloud is told of a board's key: the public half and nothing else."""

from __future__ import annotations

import pytest
from support.device_keys import as_device, ec_der

from app.keys.clouds import CloudKind
from app.keys.device_key import examine, public_der
from app.keys.letter import PublicKeyLetter, letter, local_cloud_places
from app.platforms.model import Algorithm
from app.work.letters import document

CORE_ID = "53ff6f065067544840551187"


@pytest.mark.parametrize(
    ("der", "algorithm", "name"), [(as_device(), Algorithm.RSA_1024, "rsa"), (ec_der(), Algorithm.EC_P256, "ecc")]
)
def test_a_letter_holds_the_public_half_under_the_clouds_name_for_its_kind(
    der: bytes, algorithm: Algorithm, name: str
) -> None:
    report = examine(der, algorithm)
    written = letter(CORE_ID, "core", report)
    assert written.algorithm == name
    assert public_der(written.public_pem.encode()) == public_der(report)
    assert written.file_name == f"{CORE_ID}.pub.pem"


def test_a_slot_without_a_key_makes_no_letter() -> None:
    with pytest.raises(ValueError, match="no key"):
        letter(CORE_ID, "core", examine(b"\xff" * 612, Algorithm.RSA_1024))


def test_a_private_key_or_a_wrong_id_gets_into_no_letter() -> None:
    pem = examine(as_device(), Algorithm.RSA_1024).public_pem.decode()
    private = "-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----\n"
    for given in (private, pem + private):
        with pytest.raises(ValueError, match="not a public key"):
            PublicKeyLetter(CORE_ID, "core", "rsa", given)
    with pytest.raises(ValueError, match="24"):
        PublicKeyLetter("53FF", "core", "rsa", pem)
    with pytest.raises(ValueError, match="rsa or ecc"):
        PublicKeyLetter(CORE_ID, "core", "rsa-1024", pem)


def test_where_it_is_known_which_cloud_gets_them_the_lines_say_nothing_of_the_other() -> None:
    key = letter(CORE_ID, "core", examine(as_device(), Algorithm.RSA_1024))
    particle = document(key, CloudKind.PARTICLE).body.english()
    assert "support" in particle
    assert "core_keys" not in particle
    local = document(key, CloudKind.LOCAL).body.english()
    assert "core_keys" in local
    assert "support" not in local
    assert document(key, CloudKind.NONE).body == document(key).body


def test_the_lines_to_hand_on_say_where_each_cloud_takes_them() -> None:
    paper = document(letter(CORE_ID, "core", examine(as_device(), Algorithm.RSA_1024)))
    body = paper.body.english()
    assert local_cloud_places(CORE_ID) == (f"core_keys/{CORE_ID}.pub.pem", f"data/deviceKeys/{CORE_ID}.pub.pem")
    assert all(place in body for place in local_cloud_places(CORE_ID))
    assert "Particle" in body
    assert paper.content.startswith("-----BEGIN PUBLIC KEY-----")
