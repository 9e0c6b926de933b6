"""Is the board that is plugged in the one something was kept from?"""

from __future__ import annotations

import pytest

from app.undo.board_name import BoardName, Match

ID = "0123456789abcdef01234567"
OTHER = "f" * 24
HASH = "CE8A4602EFCD"  # what a Core makes of ID (device-protocol.md 1.4)
OTHER_HASH = "8D96428E5349"
CDC, DFU = "00000000050C", "00000000010C"  # the same on every old Photon

YES, MAYBE, NO = Match.YES, Match.MAYBE, Match.NO


@pytest.mark.parametrize(
    ("kept", "platform", "device_id", "serial", "answer"),
    [
        # A Core in update mode shows the hash of its ID only.
        (BoardName("core", ID, HASH), "core", None, HASH, YES),
        (BoardName("core", ID), "core", None, HASH, YES),
        (BoardName("core", ID), "core", None, OTHER_HASH, NO),
        (BoardName("core", None, HASH), "core", ID, HASH, YES),
        (BoardName("core", None, HASH), "core", ID, None, YES),
        (BoardName("core", None, HASH), "core", OTHER, None, NO),
        (BoardName("core", None, HASH), "core", None, HASH, YES),
        (BoardName("core", None, HASH), "core", None, OTHER_HASH, NO),
        (BoardName("core", None, HASH), "core", None, ID.upper(), YES),
        (BoardName("core", None, HASH + "\0"), "core", None, HASH, YES),
        # A newer Photon shows its ID.
        (BoardName("photon", ID, ID.upper()), "photon", None, ID, YES),
        (BoardName("photon", None, ID), "photon", None, ID.upper(), YES),
        (BoardName("photon", None, ID), "photon", OTHER, DFU, NO),
        (BoardName("photon", ID), "photon", None, OTHER, NO),
        # An old one shows what every old one shows, and another number in another mode.
        (BoardName("photon", None, DFU), "photon", None, DFU, MAYBE),
        (BoardName("photon", None, CDC), "photon", None, DFU, MAYBE),
        (BoardName("photon", ID, DFU), "photon", None, DFU, MAYBE),
        (BoardName("photon", None, DFU), "photon", ID, DFU, MAYBE),
        (BoardName("photon", ID, DFU), "photon", ID, DFU, YES),
        (BoardName("photon", ID, DFU), "photon", OTHER, DFU, NO),
        (BoardName("photon", None, DFU), "photon", None, ID, MAYBE),
        # Only the Core hashes.
        (BoardName("photon", None, HASH), "photon", None, HASH, MAYBE),
        (BoardName("photon", ID), "photon", None, OTHER_HASH, MAYBE),
        (BoardName("core", ID), "core", None, "", MAYBE),
        (BoardName("core", None), "core", None, None, MAYBE),
        (BoardName("core", None, "odd"), "core", None, "odd", MAYBE),
        (BoardName("photon", ID), "p1", ID, ID, NO),
    ],
)
def test_matching_says_what_the_numbers_prove(
    kept: BoardName, platform: str, device_id: str | None, serial: str | None, answer: Match
) -> None:
    assert kept.matches(platform, device_id, serial) is answer


@pytest.mark.parametrize(
    ("platform", "device_id"), [("toaster", None), ("core", "0123"), ("core", ID.upper()), ("core", "../../x")]
)
def test_a_board_that_cannot_be_is_refused(platform: str, device_id: str | None) -> None:
    with pytest.raises(ValueError, match=r"platform|device ID"):
        BoardName(platform, device_id)


def test_the_folder_is_the_id_or_else_the_serial() -> None:
    assert BoardName("core", ID, HASH).folder_name == ID
    assert BoardName("core", None, HASH).folder_name == f"serial-core-{HASH}"
    assert "/" not in BoardName("core", None, "../../x").folder_name
