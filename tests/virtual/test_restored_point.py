"""What is said of a key that was written in another form than it had is no more than what is known of that form."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import device_keys
from support.desk import IN_DFU, desk

from app.recipes.restore_key import RestoreKey


def without_point(der: bytes) -> bytes:
    """An EC key (SEC1) without its public point, which stands at its end."""
    assert der[0] == 0x30
    version, secret = der[2:5], der[5:39]
    assert (version, secret[:2]) == (b"\x02\x01\x01", b"\x04\x20")
    curve = device_keys.tlv(0xA0, bytes.fromhex("06082a8648ce3d030107"))
    return device_keys.tlv(0x30, version + secret + curve)


@pytest.mark.parametrize(
    ("name", "slot", "content", "words", "never"),
    [
        ("electron", "device-private-udp", "point", "public point of the key was missing or compressed", "could not"),
        ("photon", "device-private", "short", "firmware could not have read the key in its first form", "point"),
    ],
)
def test_only_what_is_known_is_said(name: str, slot: str, content: str, words: str, never: str, tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    short = device_keys.as_openssl(device_keys.SHORT_P, device_keys.SHORT_Q)
    file.write_bytes(short if content == "short" else without_point(device_keys.ec_der()))
    answers = {"key": "file", "key-file": str(file), "key-belongs": True, "key-slot": slot, "plan": True, "risk": True}
    place = desk(name, tmp_path / "own", IN_DFU, answers=answers)
    outcome = place.succeed(RestoreKey)
    said = " ".join(each.english() for each in (*outcome.warnings, *outcome.next_steps))
    assert words in said
    assert never not in said
