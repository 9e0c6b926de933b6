"""The identity lock: a board is followed by its port and checked by what its serial number says (1.4)."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from support.clock import FastClock

from app.faults import BoardGone, IdentityMismatch
from app.platforms.identify import core_serial
from app.platforms.model import Mode
from app.platforms.table import platform
from app.transports.base import Sighting
from app.work.board import Proof
from app.work.identity import UNWATCHED_SECONDS, Evidence, IdentityBook

CORE_ID = "53ff6f065067544840551187"
OTHER_CORE_ID = "48ff6c065067555026311387"
PHOTON_ID = "2a0047001247353236343033"
HASH = core_serial(CORE_ID)
CONSTANT_RUNNING, CONSTANT_DFU = "00000000050C", "00000000010C"
PORT = "1-2.3"


def sighting(
    kind: str, mode: Mode, serial: str | None, *, address: int = 5, port: str = PORT, release: int = 0x0200
) -> Sighting:
    ids = platform(kind).ids[mode]
    return Sighting(port, address, ids.vendor, ids.product, serial, None, release, None)


STRANGER = Sighting(PORT, 9, 0x046D, 0xC077, None, None, 0x7200, None)


@pytest.mark.parametrize(
    ("known", "seen", "verdict"),
    [
        (Evidence(platform("core"), hash_serial=HASH), sighting("core", Mode.DFU, HASH), True),
        (Evidence(platform("core"), hash_serial=HASH), sighting("core", Mode.DFU, core_serial(OTHER_CORE_ID)), False),
        (Evidence(platform("core"), hash_serial=HASH), sighting("core", Mode.NORMAL, CORE_ID.upper()), True),
        (Evidence(platform("core"), hash_serial=HASH), sighting("core", Mode.NORMAL, OTHER_CORE_ID.upper()), False),
        (Evidence(platform("core"), CORE_ID), sighting("core", Mode.DFU, HASH), True),
        (Evidence(platform("core"), CORE_ID), sighting("core", Mode.DFU, core_serial(OTHER_CORE_ID)), False),
        (Evidence(platform("photon"), PHOTON_ID), sighting("photon", Mode.DFU, PHOTON_ID), True),
        (Evidence(platform("photon"), PHOTON_ID), sighting("photon", Mode.DFU, PHOTON_ID.upper()), True),
        (Evidence(platform("photon"), PHOTON_ID), sighting("photon", Mode.DFU, "ab" * 12), False),
        (Evidence(platform("photon"), PHOTON_ID), sighting("photon", Mode.DFU, CONSTANT_DFU), None),
        (Evidence(platform("photon")), sighting("photon", Mode.DFU, PHOTON_ID), None),
        (Evidence(platform("photon")), sighting("photon", Mode.NORMAL, None), None),
        (Evidence(platform("core"), hash_serial=HASH), sighting("photon", Mode.DFU, CONSTANT_DFU), False),
        (Evidence(platform("core"), hash_serial=HASH), STRANGER, None),
    ],
)
def test_a_sighting_is_the_same_board_another_one_or_cannot_be_told(
    known: Evidence, seen: Sighting, verdict: bool | None
) -> None:
    assert known.agrees(seen) is verdict


def test_an_id_proven_in_one_mode_stays_known_in_the_other() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("core", Mode.NORMAL, HASH)])
    book.prove(PORT, 5, CORE_ID, Proof.CONSOLE)
    book.look([])
    (board,) = book.look([sighting("core", Mode.DFU, HASH, address=6)])
    assert board.mode is Mode.DFU
    assert board.identity is not None
    assert (board.identity.device_id, board.identity.proof) == (CORE_ID, Proof.CONSOLE)


def test_another_core_on_the_same_port_inherits_nothing() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("core", Mode.NORMAL, HASH)])
    book.prove(PORT, 5, CORE_ID, Proof.CONSOLE)
    (board,) = book.look([sighting("core", Mode.DFU, core_serial(OTHER_CORE_ID), address=6)])
    assert board.identity is None


def test_another_port_inherits_nothing() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("photon", Mode.NORMAL, CONSTANT_RUNNING)])
    book.prove(PORT, 5, PHOTON_ID, Proof.CONSOLE)
    (board,) = book.look([sighting("photon", Mode.NORMAL, CONSTANT_RUNNING, port="1-4", address=6)])
    assert board.identity is None


@pytest.mark.parametrize(("gap", "known"), [(UNWATCHED_SECONDS - 1, True), (UNWATCHED_SECONDS + 1, False)])
def test_a_board_without_a_telling_serial_is_unknown_after_a_long_absence(gap: float, known: bool) -> None:
    clock = FastClock()
    book = IdentityBook(clock)
    book.look([sighting("photon", Mode.NORMAL, CONSTANT_RUNNING)])
    book.prove(PORT, 5, PHOTON_ID, Proof.CONSOLE)
    book.look([])
    clock.pause(gap)
    (board,) = book.look([sighting("photon", Mode.DFU, CONSTANT_DFU, address=6)])
    assert (board.identity is not None) is known


def test_a_board_whose_serial_agrees_is_known_after_any_absence() -> None:
    clock = FastClock()
    book = IdentityBook(clock)
    book.look([sighting("core", Mode.NORMAL, HASH)])
    book.prove(PORT, 5, CORE_ID, Proof.CONSOLE)
    book.look([])
    clock.pause(3600)
    (board,) = book.look([sighting("core", Mode.DFU, HASH, address=6)])
    assert board.identity is not None


def test_24_digits_of_serial_prove_the_id_at_once_and_in_lower_case() -> None:
    (board,) = IdentityBook(FastClock()).look([sighting("photon", Mode.DFU, PHOTON_ID.upper(), release=0x0250)])
    assert board.identity is not None
    assert (board.identity.device_id, board.identity.proof) == (PHOTON_ID, Proof.SERIAL)


def test_an_id_that_does_not_hash_to_the_serial_is_refused() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("core", Mode.DFU, HASH)])
    with pytest.raises(IdentityMismatch):
        book.prove(PORT, 5, OTHER_CORE_ID, Proof.TYPED)


def test_an_id_that_contradicts_the_proven_one_is_refused() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("photon", Mode.NORMAL, PHOTON_ID)])
    with pytest.raises(IdentityMismatch):
        book.prove(PORT, 5, "ab" * 12, Proof.CONSOLE)


def test_the_strongest_proof_stays() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("core", Mode.DFU, HASH)])
    assert book.prove(PORT, 5, CORE_ID, Proof.TYPED).proof is Proof.TYPED
    assert book.prove(PORT, 5, CORE_ID, Proof.CONSOLE).proof is Proof.CONSOLE
    assert book.prove(PORT, 5, CORE_ID, Proof.TYPED).proof is Proof.CONSOLE


def test_nothing_is_proven_about_a_board_that_has_left_its_address() -> None:
    book = IdentityBook(FastClock())
    book.look([sighting("photon", Mode.NORMAL, CONSTANT_RUNNING)])
    book.look([sighting("photon", Mode.DFU, CONSTANT_DFU, address=6)])
    with pytest.raises(BoardGone):
        book.prove(PORT, 5, PHOTON_ID, Proof.CONSOLE)


def test_a_board_that_answered_is_listening_until_it_enumerates_anew() -> None:
    book = IdentityBook(FastClock())
    seen = sighting("core", Mode.NORMAL, HASH)
    book.look([seen])
    book.heard(PORT, 5, listening=True)
    assert book.look([seen])[0].mode is Mode.LISTENING
    assert book.look([sighting("core", Mode.NORMAL, HASH, address=6)])[0].mode is Mode.NORMAL


def test_strangers_are_no_boards_and_boards_come_in_port_order() -> None:
    book = IdentityBook(FastClock())
    boards = book.look(
        [
            sighting("photon", Mode.DFU, PHOTON_ID, port="1-4", release=0x0250),
            STRANGER,
            sighting("core", Mode.DFU, HASH, port="1-1"),
        ]
    )
    assert [board.port_path for board in boards] == ["1-1", "1-4"]


def test_an_older_list_of_boards_never_follows_a_newer_one() -> None:
    book = IdentityBook(FastClock())
    listing, go_on = threading.Event(), threading.Event()
    lists = iter(([sighting("core", Mode.DFU, HASH, address=5)], [sighting("core", Mode.NORMAL, HASH, address=6)]))

    class SlowBus:
        def sightings(self) -> Sequence[Sighting]:
            now = next(lists)
            if not listing.is_set():
                listing.set()
                assert go_on.wait(10)
            return now

    slow = threading.Thread(target=book.see, args=(SlowBus(),))
    slow.start()
    assert listing.wait(10)
    fast = threading.Thread(target=book.see, args=(SlowBus(),))
    fast.start()
    go_on.set()
    slow.join(10)
    fast.join(10)
    book.prove(PORT, 6, CORE_ID, Proof.CONSOLE)  # raises if the board were thought to be at its older address


def test_a_bus_that_cannot_be_listed_leaves_the_book_usable() -> None:
    book = IdentityBook(FastClock())

    class BrokenBus:
        def sightings(self) -> Sequence[Sighting]:
            raise BoardGone

    for _ in range(2):
        with pytest.raises(BoardGone):
            book.see(BrokenBus())  # type: ignore[arg-type]  # nothing else is used
