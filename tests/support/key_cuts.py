"""Every mishap at every transfer of a recipe that writes keys: no key is ever lost, nothing else is touched.

Beside `support.cuts`, which does the same for rescues that must leave keys alone, and whose means are used here.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from itertools import count, pairwise
from pathlib import Path
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from app.flow import to_finish, to_put_back
from app.keys import device_key
from app.keys.device_key import KeyState, examine
from app.keys.new_key import NewKey, generate
from app.keys.safe import KeySafe
from app.platforms.model import Algorithm, KeySlot
from app.platforms.table import platform
from app.protocols.handshake import new_server_key
from app.recipes import change_key, prove_handshake
from app.recipes.base import Recipe
from app.recipes.change_key import ChangeKey
from app.recipes.prove_handshake import ProveHandshake
from app.recipes.put_back import PutBack
from app.recipes.restore_key import RestoreKey
from app.recipes.switch_cloud import SwitchCloud
from app.transports.trace import TracingBus
from app.undo.rescue import InterruptedRescue
from app.virtual.board import VirtualBoard
from app.virtual.machine import Memories, Phase
from app.virtual.mishaps import Mishap
from app.work.events import Event, Failed, Succeeded
from support import device_keys
from support.air import Air
from support.cuts import (
    CORE_FLAGS,
    MISHAPS,
    Killed,
    Kind,
    WrongAfterCut,
    before_each_transfer,
    come_back,
    differences,
    expect,
    settle,
    start_anew,
)
from support.desk import IN_DFU, LISTENING, RUNNING, Desk, desk
from support.real_pack import real_pack
from support.secret_bytes import Listener, Told
from support.spec_cloud import server_block, server_key

PRIVATE, PUBLIC, SERVER, TRANSPORT = "device-private", "device-public", "server-public", "transport"
TRANSPORT_AT = slice(2977, 2978)  # device-protocol.md 3.5
DEVICE_ID = slice(3618, 3630)  # which firmware from 0.6 on writes whenever it starts (3.5)
SECTOR = 0x1000  # of a Core's external flash (3.2)
BLANK = 0xFF
HOST, OTHER_HOST, LAST_HOST = "192.168.7.30", "192.168.7.31", "cloud.example.org"
WORN_STEP = 61  # bytes between two worn places that are tried
DRAWN_KEYS = 4  # keys made for all runs; each run takes the next one


class Trouble(Enum):
    """What else goes wrong, beside the ways a run can end that are in `Kind`."""

    STALL = "stall_at"
    SILENT = "silent_at"
    WRONG = "wrong_at"
    FAILS = "fails_at"  # counted in erases and writes
    LOST = "lost_at"  # likewise
    NEVER = "never_returns"  # from that transfer on
    OTHER = "wrong_board"  # likewise
    WORN = "worn"  # counted in places of the slot


Kinds = Kind | Trouble
CUTS = (Kind.BEFORE, Kind.AMID, Kind.AFTER, Kind.KILLED)
EVERY_KIND: tuple[Kinds, ...] = (*CUTS, *Trouble)
OF_TRANSFER: dict[Trouble, Callable[[int], Mishap]] = {
    Trouble.STALL: lambda number: Mishap(stall_at=number),
    Trouble.SILENT: lambda number: Mishap(silent_at=number),
    Trouble.WRONG: lambda number: Mishap(wrong_at=number),
}
FROM_TRANSFER = {Trouble.NEVER: Mishap(never_returns=True), Trouble.OTHER: Mishap(wrong_board=True)}


class End(Enum):
    """What the person does after a run that did not reach its end."""

    FINISH = "finish"
    BACK = "put back"
    AGAIN = "again"


# --- keys -----------------------------------------------------------------------------------------------------------


@cache
def _drawn(algorithm: Algorithm, number: int) -> NewKey:
    return generate(algorithm)


@cache
def _throw_away() -> rsa.RSAPrivateKey:
    return new_server_key()


_proven_once = cache(device_key._rsa_key)


@contextmanager
def quick_keys() -> Iterator[None]:
    """A few keys for all runs, each run another, and each proven once to be one: that takes longer than all else."""
    numbers = count()
    with (
        mock.patch.object(device_key, "_rsa_key", _proven_once),
        mock.patch.object(change_key, "generate", lambda algorithm: _drawn(algorithm, next(numbers) % DRAWN_KEYS)),
        mock.patch.object(prove_handshake, "new_server_key", _throw_away),
    ):
        yield


def other_key(slot: KeySlot) -> bytes:
    """The key that is restored: another one than the practice boards have."""
    if slot.algorithm is Algorithm.RSA_1024:
        return device_keys.as_device()
    return device_keys.ec_der(0x7654321)


# --- cases ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyCase:
    """A recipe to play mishaps in.

    Attributes:
        name: For people.
        recipe: What is run.
        board: Name of the practice board.
        prepare: What is done before; returns what the person answers.
        mode: What the board does when the run begins.
        writes: Slots it may change, by the beginning of their names.
        options: For `make`.
        on_air: Whether the board reaches this computer over the network.
        stays: Whether what it writes is gone again when it is done.
        makes_own: Whether the board makes its key.
        toggles: Whether it goes back where it came from when it is run again.
        answers: What is in a person's mind when the program starts anew.
    """

    name: str
    recipe: type[Recipe]
    board: str
    prepare: Callable[[Desk, Path], dict[str, object]]
    mode: str = IN_DFU
    writes: tuple[str, ...] = (PRIVATE, PUBLIC)
    options: Mapping[str, Any] = field(default_factory=dict)
    on_air: bool = False
    stays: bool = True
    makes_own: bool = False
    toggles: bool = False
    answers: Mapping[str, object] = field(
        default_factory=lambda: {"plan": True, "with-keys": True, "key-belongs": True}
    )

    def lay(self, folder: Path) -> tuple[Desk, dict[str, object]]:
        """Lay the desk this case begins with, the same one each time; return the answers of the run, too."""
        options = dict(self.options)
        if self.on_air:
            air = Air()
            options |= {"world": air, "network": air}
        place = desk(
            self.board,
            folder / "stores",
            self.mode,
            answers=self.answers,
            pack=real_pack(),
            prepare=_knows_its_id,
            **options,
        )
        if self.on_air:
            air.bring(place.board)
        place.person.answers["device-id"] = place.board.device_id
        folder.mkdir(parents=True, exist_ok=True)
        return place, self.prepare(place, folder)

    def __str__(self) -> str:
        return f"{self.name} {self.board}"


def _knows_its_id(board: VirtualBoard) -> None:
    if board.spi_flash is None:
        board.dct[DEVICE_ID] = bytes.fromhex(board.device_id)


def kind_of(board: VirtualBoard) -> str:
    """Key of its platform."""
    return board.personality.kind.key


def cells(board: VirtualBoard) -> bytearray:
    """The memory with its keys, as it is."""
    return board.dct_cells if board.spi_flash is None else board.serial_cells


def slots(board: VirtualBoard, name: str) -> list[KeySlot]:
    """Its slots whose names begin so."""
    return [slot for slot in platform(kind_of(board)).key_slots if slot.key.startswith(name)]


def used(board: VirtualBoard) -> str:
    """How the names of those slots end that belong to the connection it is set to."""
    return "-udp" if kind_of(board) == "electron" and cells(board)[TRANSPORT_AT] != b"\0" else ""


def used_slot(board: VirtualBoard, name: str = PRIVATE) -> KeySlot:
    """The slot of that connection."""
    wanted = name + used(board)
    return next(slot for slot in platform(kind_of(board)).key_slots if slot.key == wanted)


def in_slot(board: VirtualBoard, slot: KeySlot) -> bytes:
    """What stands there."""
    return bytes(cells(board)[slot.address : slot.address + slot.size])


def _neighbours(place: Desk) -> None:
    """What shares a sector of a Core with its key or its server must stay."""
    if place.board.spi_flash is not None:
        place.board.spi[0x1800:0x2000] = bytes(range(256)) * 8
        place.board.spi[0x2400:0x3000] = bytes(reversed(range(256))) * 12


def _file(place: Desk, folder: Path) -> dict[str, object]:
    _neighbours(place)
    slot = used_slot(place.board)
    path = folder / "key.der"
    path.write_bytes(other_key(slot))
    return {"key": "file", "key-file": str(path), "key-slot": slot.key}


def _change(way: str) -> Callable[[Desk, Path], dict[str, object]]:
    def prepare(place: Desk, _folder: Path) -> dict[str, object]:
        _neighbours(place)
        place.person.answers |= {"no-key": "here"}
        return {"way": way}

    return prepare


def _put_server(place: Desk, host: str, name: str) -> None:
    slot = next(slot for slot in slots(place.board, SERVER) if slot.key == SERVER)
    block = server_block(host, 0xFFFF, name=name).ljust(slot.size, b"\xff")
    cells(place.board)[slot.address : slot.address + slot.size] = block


def _switch(place: Desk, folder: Path) -> dict[str, object]:
    _neighbours(place)
    if kind_of(place.board) == "electron":
        slot = used_slot(place.board, SERVER)
        makers = place.pack.read("ec.pub.der")
        cells(place.board)[slot.address : slot.address + len(makers)] = makers
    else:
        _put_server(place, OTHER_HOST, "other")
    path = folder / "server.pub.pem"
    path.write_bytes(server_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return {"cloud": "local", "server-key": str(path), "host": HOST}


def _way_back(place: Desk, folder: Path) -> dict[str, object]:
    answers = _switch(place, folder)
    place.succeed(SwitchCloud, answers)
    place.person.events.clear()
    place.hand_into_dfu()
    return {"cloud": "before"}


def _prove(place: Desk, _folder: Path) -> dict[str, object]:
    _neighbours(place)
    _put_server(place, LAST_HOST, "other")
    return {}


_HERE, _OWN = _change("here"), _change("board")
_SERVERS: tuple[str, ...] = (SERVER,)

CASES = (
    KeyCase("restore-key", RestoreKey, "core", _file, LISTENING),
    KeyCase("restore-key", RestoreKey, "photon", _file, RUNNING),
    KeyCase("restore-key", RestoreKey, "photon-0.5", _file),
    KeyCase("restore-key", RestoreKey, "p1", _file),
    KeyCase("restore-key", RestoreKey, "electron", _file),
    KeyCase("change-key here", ChangeKey, "core", _HERE),
    KeyCase("change-key here", ChangeKey, "photon", _HERE, RUNNING),
    KeyCase("change-key here", ChangeKey, "photon-0.5", _HERE),
    KeyCase("change-key here", ChangeKey, "p1", _HERE),
    KeyCase("change-key here", ChangeKey, "electron", _HERE),
    KeyCase("change-key board", ChangeKey, "photon", _OWN, makes_own=True),
    KeyCase("change-key board", ChangeKey, "electron", _OWN, makes_own=True),
    KeyCase("switch-cloud", SwitchCloud, "core", _switch, LISTENING, writes=_SERVERS),
    KeyCase("switch-cloud", SwitchCloud, "photon", _switch, RUNNING, writes=_SERVERS),
    KeyCase("switch-cloud", SwitchCloud, "electron", _switch, writes=(*_SERVERS, TRANSPORT)),
    KeyCase("switch-cloud back", SwitchCloud, "electron", _way_back, writes=(*_SERVERS, TRANSPORT), toggles=True),
    KeyCase("prove-handshake", ProveHandshake, "core", _prove, LISTENING, _SERVERS, on_air=True, stays=False),
    KeyCase("prove-handshake", ProveHandshake, "photon", _prove, RUNNING, _SERVERS, on_air=True, stays=False),
)


# --- what must hold at every moment ---------------------------------------------------------------------------------


class Watch:
    """Looks at a board and its safe before every transfer, through all runs of one mishap.

    Attributes:
        keys: Every private key there was, as it stood in a slot or in the safe: what nobody may tell.
        before: What the board held.
        worn: Address of a place that was worn.
    """

    def __init__(self, case: KeyCase, place: Desk, worn: int | None = None) -> None:
        self._case = case
        self.worn = self._worn = worn
        self._place = place
        self.before = place.board.memories()
        self.keys: set[bytes] = set()
        self._good: set[str] = set()  # fingerprints
        self._last: object = None
        self._moved: object = None
        self._safe: dict[str, bytes] = {}
        self._listing: object = None
        self()
        expect(bool(self._good) or worn is not None, "the board has no good key to begin with")

    def moved(self, place: Desk) -> None:
        """The program was started anew: with copies of the stores."""
        self._place = place
        self._last = self._listing = self._moved = None
        self()

    def healed(self) -> None:
        """Nothing is worn any more."""
        self._worn = self._last = None
        self()

    def __call__(self) -> None:
        board = self._place.board
        private = [(slot, in_slot(board, slot)) for slot in slots(board, PRIVATE)]
        listing = _listing(self._place.safe.root)
        state = (private, listing)
        if state != self._last:
            self._last = state
            self._look_at_keys(private, listing)
        face = board.face()
        moved = (board.presence, 0 if face is None or face.dfu is None else face.dfu.changes)
        if moved != self._moved:  # memory changes only with these
            self._moved = moved
            self._look_beside(board)

    def _look_at_keys(self, private: Sequence[tuple[KeySlot, bytes]], listing: object) -> None:
        there = set()
        for slot, raw in private:
            report = examine(self._read(slot, raw), slot.algorithm)
            if report.state is KeyState.GOOD:
                there.add(report.fingerprint)
                self.keys.add(raw)
        if listing != self._listing:
            self._listing = listing
            safe = KeySafe(self._place.safe.root, practice=True)
            kept = {backup.fingerprint: safe.key_bytes(backup) for backup in safe.backups() if backup.damaged is None}
            self._safe = {key: raw for key, raw in kept.items() if _is_good(raw)}
            self.keys |= set(self._safe.values())
        good = there | set(self._safe)
        lost = self._good - good
        if lost and self._case.makes_own:  # made by the board while no program ran; what goes over it has kept it
            lost -= self._in_undo_store()
        expect(not lost, "a good key is neither on the board nor in the safe any more")
        self._good = good
        if PRIVATE in self._case.writes:
            for slot, raw in private:
                self._made_of_kept_keys(slot, raw)

    def _read(self, slot: KeySlot, raw: bytes, *, always: bool = False) -> bytes:
        """What anybody reads there, or could when the run began: worn memory is never read otherwise."""
        read, worn = bytearray(raw), self.worn if always else self._worn
        if worn is not None and slot.address <= worn < slot.address + slot.size:
            read[worn - slot.address] ^= 1
        return bytes(read)

    def _in_undo_store(self) -> set[str]:
        """Fingerprints of the good keys in what was kept before it was written over."""
        store, found = self._place.undo, set()
        for slot in slots(self._place.board, PRIVATE):
            for piece in (piece for rescue in store.rescues() for piece in rescue.snapshots):
                if piece.alt == slot.alt and piece.address <= slot.address and slot.address + slot.size <= piece.end:
                    raw = store.read(piece)[slot.address - piece.address :][: slot.size]
                    found.add(examine(raw, slot.algorithm).fingerprint)
        return found

    def _made_of_kept_keys(self, slot: KeySlot, raw: bytes) -> None:
        """Whatever is written to the board, whole or in the making, is in the safe already; so is what it goes over."""
        old = self._read(slot, _cells_of(self.before, slot), always=True)
        if self._read(slot, raw, always=True) == old or (self._case.makes_own and _is_good(raw)):
            return
        kept = [key.ljust(slot.size, b"\xff") for key in self._safe.values()]
        if _is_good(old):
            expect(old in kept, f"{slot.key} is written over, and what was there is not in the safe")
        for at, byte in enumerate(raw):
            if slot.address + at == self.worn:
                continue
            made = {
                BLANK,
                old[at],
                *(each for key in kept for each in (key[at], key[at] & old[at])),
            }  # not erased before
            expect(byte in made, f"{slot.key}: not from the safe")

    def _look_beside(self, board: VirtualBoard) -> None:
        """Nothing beside the slots, or on a Core beside their sectors, changes at any moment."""
        before = self.before
        one, other = board.internal_cells, before.internal
        if board.spi_flash is not None:
            expect(one[: CORE_FLAGS.start] == other[: CORE_FLAGS.start], "the boot loader is changed")
            expect(one[CORE_FLAGS.stop :] == other[CORE_FLAGS.stop :], "the firmware is changed")
            sectors = {slot.address // SECTOR for name in self._case.writes for slot in slots(board, name)}
            expect(without(board.serial_cells, sectors) == without(before.serial, sectors), "other memory is changed")
            return
        expect(one == other, "internal flash is changed")
        expect(board.serial_cells == before.serial, "serial flash is changed")
        expect(masked(self._case, board, board.dct_cells) == masked(self._case, board, before.dct), "settings changed")


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            status = os.stat(os.path.join(place, name))
            found.append((os.path.join(place, name), status.st_size, status.st_mtime_ns))
    return sorted(found)


@cache
def _is_good(raw: bytes) -> bool:
    return any(examine(raw, algorithm).state is KeyState.GOOD for algorithm in (Algorithm.RSA_1024, Algorithm.EC_P256))


def _cells_of(memories: Memories, slot: KeySlot) -> bytes:
    there = memories.dct if memories.dct else memories.serial
    return bytes(there[slot.address : slot.address + slot.size])


def without(content: bytes | bytearray, sectors: set[int]) -> list[bytes]:
    """The memory but for these sectors."""
    edges = [0, *(edge for each in sorted(sectors) for edge in (each * SECTOR, (each + 1) * SECTOR)), len(content)]
    return [bytes(content[start:end]) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def masked(case: KeyCase, board: VirtualBoard, content: bytes | bytearray) -> bytes:
    """The memory with the keys but for the slots that the case may change, and the board's ID."""
    rest = bytearray(content)
    for name in case.writes:
        for slot in slots(board, name):
            rest[slot.address : slot.address + slot.size] = bytes(slot.size)
    if board.spi_flash is None:
        rest[DEVICE_ID] = bytes(12)
        if TRANSPORT in case.writes:
            rest[TRANSPORT_AT] = b"\0"
        for slot in slots(board, PUBLIC):  # firmware writes the public half of its key at every start (4.2)
            rest[slot.address : slot.address + slot.size] = bytes(slot.size)
    return bytes(rest)


# --- playing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyWhole:
    """A run that nothing disturbs.

    Attributes:
        after: What the board holds once it has started.
        transfers: How many there were.
        changes: How many erases and writes at most between two enumerations.
        slot: Where it writes.
        leaves: Transfers before and after which the board left the bus, the first and the last.
    """

    after: Memories
    transfers: int
    changes: int
    slot: KeySlot
    leaves: tuple[int, ...]

    def numbers(self, kind: Kinds) -> Sequence[int]:
        """All places where that mishap is played."""
        if kind is Trouble.WORN:
            return range(0, min(self.slot.size, 640), WORN_STEP)
        if kind in FROM_TRANSFER:  # from one transfer or from the next is the same until the board leaves the bus
            return self.leaves
        return range(1, (self.changes if kind in (Trouble.FAILS, Trouble.LOST) else self.transfers) + 1)


@dataclass(frozen=True)
class Found:
    """What came of one mishap.

    Attributes:
        case: In what it was played.
        kind: Which.
        number: Where.
        end: What the person did after it.
        how: How the run ended: the code of a fault, "done", "stopped", "killed".
        wrong: What is not as it must be; "" when all is.
    """

    case: str
    kind: Kinds
    number: int
    end: End
    how: str = ""
    wrong: str = ""


def whole_run(case: KeyCase, folder: Path) -> KeyWhole:
    """Run a case to its end, and see to it that it ends right."""
    place, answers = case.lay(folder)
    watch = Watch(case, place)
    base, most = place.board.transfers, 0
    presences: list[int] = []

    def note() -> None:
        nonlocal most
        watch()
        if len(presences) < place.board.transfers - base + 1:
            presences.append(place.board.presence)
        face = place.board.face()
        most = max(most, face.dfu.changes if face is not None and face.dfu is not None else 0)

    with before_each_transfer(note):
        last = place.play(case.recipe, answers)
    expect(isinstance(last, Succeeded), f"the run that nothing disturbs ends in {last}")
    transfers = place.board.transfers - base
    settle(place)
    watch()
    slot = used_slot(place.board, SERVER if SERVER in case.writes else PRIVATE)
    edges = [number + 1 for number, (one, other) in enumerate(pairwise(presences), 1) if one != other]
    leaves = tuple(sorted({1, transfers, *edges, *(number - 1 for number in edges)}))
    return KeyWhole(place.board.memories(), transfers, most, slot, leaves)


class _Troubled:
    """Plays one mishap at its place, and watches."""

    def __init__(self, place: Desk, kind: Kinds, number: int, whole: KeyWhole, watch: Watch) -> None:
        self._place, self._kind, self._watch = place, kind, watch
        self._at = place.board.transfers + number
        self._id = place.board.device_id
        self._stranger: Memories | None = None
        self.killed = False
        if isinstance(kind, Kind) and kind is not Kind.KILLED:
            place.board.mishap = MISHAPS[kind](self._at)
        elif kind in OF_TRANSFER:
            place.board.mishap = OF_TRANSFER[Trouble(kind)](self._at)
        elif kind is Trouble.FAILS:
            place.board.mishap = Mishap(fails_at=number)
        elif kind is Trouble.LOST:
            place.board.mishap = Mishap(lost_at=number)
        elif kind is Trouble.WORN:
            place.board.mishap = Mishap(worn=whole.slot.address + number)

    def __call__(self) -> None:
        self._watch()
        if self._place.board.transfers + 1 >= self._at:
            if self._kind is Kind.KILLED:
                self.killed = True
                raise Killed
            if self._kind in FROM_TRANSFER and self._place.board.mishap is Mishap.NONE:
                self._place.board.mishap = FROM_TRANSFER[Trouble(self._kind)]
        self.look_at_stranger()

    def look_at_stranger(self) -> None:
        """Nothing is written to another board than the one that was chosen."""
        board = self._place.board
        if board.device_id == self._id:
            return
        now = board.memories()
        if self._stranger is not None:
            expect(not _changed(self._stranger, now), "another board was written to")
        self._stranger = now

    def over(self) -> None:
        """The board that was chosen comes back."""
        self.look_at_stranger()
        board = self._place.board
        if board.device_id != self._id:
            board.plate = replace(board.plate, device_id=self._id)
            _knows_its_id(board)


def _changed(one: Memories, other: Memories) -> bool:
    """Whether memory was changed by more than a start of the board: it notes how it started, and its ID."""
    flags = slice(CORE_FLAGS.start, CORE_FLAGS.stop)
    pairs = [(one.internal, other.internal, flags if not one.dct else slice(0)), (one.dct, other.dct, DEVICE_ID)]
    for old, new, may in pairs:
        left, right = bytearray(old), bytearray(new)
        left[may] = right[may] = b""
        if left != right:
            return True
    return one.serial != other.serial


def play(case: KeyCase, whole: KeyWhole, kind: Kinds, number: int, end: End, folder: Path, told: Told) -> Found:
    """Play one mishap, then what the person does after it; judge everything."""
    found = Found(str(case), kind, number, end)
    heard = Listener()
    root = logging.getLogger("app")
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    try:
        return _play(case, whole, found, folder, told, heard)
    except WrongAfterCut as wrong:
        return replace(found, wrong=str(wrong))
    finally:
        root.setLevel(level)
        root.removeHandler(heard)


def _play(case: KeyCase, whole: KeyWhole, found: Found, folder: Path, told: Told, heard: Listener) -> Found:
    place, answers = case.lay(folder / "first")
    worn = whole.slot.address + found.number if found.kind is Trouble.WORN else None
    watch = Watch(case, place, worn)
    events: list[Event] = []
    troubled = _Troubled(place, found.kind, found.number, whole, watch)
    trace = folder / "trace.jsonl"
    bus = TracingBus(place.bus, trace)
    with before_each_transfer(troubled), contextlib.suppress(Killed):
        place.play(case.recipe, answers, bus)
    bus.close()
    if troubled.killed and isinstance(place.network, Air):  # the operating system takes a dead program's ports back
        for listener in tuple(place.network.listeners):
            listener.close()
    last = place.person.events[-1]
    events += place.person.events
    how = "killed" if troubled.killed else last.code if isinstance(last, Failed) else type(last).__name__.lower()
    found = replace(found, how=how)
    try:
        watch()
        _no_bug(last, heard)
        troubled.over()
        if isinstance(last, Succeeded):
            place.board.mishap = Mishap.NONE
            settle(place)
            if place.board.phase is not Phase.FIRMWARE:  # it was said to have been seen no more
                come_back(place, Kind.BEFORE)
            expect(not place.undo.interrupted(), "it is offered to be finished although it said it had ended well")
            _judge(case, whole, place, watch, End.FINISH)
        else:
            place = _after(case, whole, place, found, folder, answers, watch)
            events += place.person.events
            _no_bug(place.person.events[-1], heard)
    except WrongAfterCut as wrong:
        return replace(found, wrong=f"{found.how}: {wrong}")
    else:
        return found
    finally:
        texts = [repr(events), "\n".join(heard.lines), trace.read_text(encoding="utf-8"), *_notes(folder)]
        leaked = told.look(texts, [*watch.keys, *_private_bytes(case)])
        if leaked:
            raise WrongAfterCut(f"private bytes are told: {len(leaked)}, in {_where(texts, leaked[0])}")


def _after(
    case: KeyCase,
    whole: KeyWhole,
    place: Desk,
    found: Found,
    folder: Path,
    answers: dict[str, object],
    watch: Watch,
) -> Desk:
    """The person plugs the board in again, starts the program again, and does what was to be done."""
    come_back(place, found.kind if isinstance(found.kind, Kind) else Kind.BEFORE)
    watch.healed()
    if found.number % 2 or not place.bus.sightings():
        place.hand_into_dfu()
        expect(bool(place.bus.sightings()), "the board does not come into update mode")
    known = place.person.answers
    place = start_anew(case, place, folder / "next")
    place.person.answers = dict(known)
    watch.moved(place)
    listed = place.undo.interrupted()
    expect(len(listed) <= 1, "more is offered to be finished than was begun")
    if not listed:
        slot = whole.slot
        there = in_slot(place.board, slot) == _cells_of(watch.before, slot)
        expect(there, "the board was changed and nothing is offered to be finished")
    recipe, given = _next_run(case, found.end, listed, answers)
    with before_each_transfer(watch):
        last = place.play(recipe, given)
    watch()
    end = found.end if listed else End.AGAIN
    expect(isinstance(last, Succeeded), f"{end.value}: it ends in {last}")
    expect(not place.undo.interrupted(), f"{end.value}: something is still offered to be finished")
    settle(place)
    watch()
    _judge(case, whole, place, watch, end)
    return place


def _next_run(
    case: KeyCase, end: End, listed: Sequence[InterruptedRescue], answers: dict[str, object]
) -> tuple[type[Recipe], dict[str, object]]:
    if not listed or end is End.AGAIN:
        return case.recipe, answers
    if end is End.BACK:
        key, given = to_put_back(listed[0])
        expect(key == PutBack.key, f"it is put back by {key}")
        return PutBack, dict(given)
    key, given = to_finish(listed[0])
    expect(key == case.recipe.key, f"it is finished by {key}")
    return case.recipe, dict(given)


def _judge(case: KeyCase, whole: KeyWhole, place: Desk, watch: Watch, end: End) -> None:
    """Once everything is done: what was written is whole, or what was there before; nothing else was touched."""
    board = place.board
    expect(board.phase is Phase.FIRMWARE, f"the board does not run: {board.phase}")
    now = board.memories()
    back = end is End.BACK or not case.stays
    wanted = watch.before if back else whole.after
    if case.recipe is ChangeKey and not back:
        report = examine(in_slot(board, used_slot(board)), used_slot(board).algorithm)
        expect(report.state is KeyState.GOOD, f"the key on the board is {report.state.value}")
        old = _cells_of(watch.before, used_slot(board))
        expect(in_slot(board, used_slot(board)) != old, "the key is the old one")
        kept = {each.fingerprint for each in KeySafe(place.safe.root, practice=True).backups() if not each.damaged}
        expect(report.fingerprint in kept, "the new key is not in the safe")
        old_one = examine(old, used_slot(board).algorithm).fingerprint
        expect(watch.worn is not None or old_one in kept, "the old key is not in the safe")
        wanted = replace(wanted, serial=_with(wanted.serial, now.serial, board), dct=_with(wanted.dct, now.dct, board))
    reference = replace(wanted, internal=whole.after.internal, radio=now.radio)
    found = differences(_plain(reference, watch.worn), _plain(now, watch.worn))
    if found and end is End.AGAIN and case.toggles:
        reference = replace(watch.before, internal=whole.after.internal, radio=now.radio)
        found = differences(_plain(reference, watch.worn), _plain(now, watch.worn))
    expect(not found, f"not as it must be in the end: {found}")


def _with(wanted: bytes, now: bytes, board: VirtualBoard) -> bytes:
    """The memory that is wanted, with the keys that are there: they are judged by themselves."""
    content = bytearray(wanted)
    if bool(now) and (board.spi_flash is None) == (len(now) < 0x8000):
        for name in (PRIVATE, PUBLIC):
            for slot in slots(board, name):
                content[slot.address : slot.address + slot.size] = now[slot.address : slot.address + slot.size]
    return bytes(content)


def _plain(memories: Memories, worn: int | None) -> Memories:
    """But for the board's ID, which firmware writes when it starts, and what nobody could read."""
    dct, serial = bytearray(memories.dct), bytearray(memories.serial)
    if dct:
        dct[DEVICE_ID] = bytes(12)
    if worn is not None:
        (dct or serial)[worn] = 0
    return replace(memories, dct=bytes(dct), serial=bytes(serial))


def _no_bug(last: Event, heard: Listener) -> None:
    expect(not isinstance(last, Failed) or last.code != "bug", f"a bug: {last}")
    failed = [line for line in heard.lines if "tidying up failed" in line or line.startswith("CRITICAL")]
    expect(not failed, f"a bug while tidying up: {failed[:1]}")


def _private_bytes(case: KeyCase) -> list[bytes]:
    """Other keys nobody may tell: that of this run's server, and of the file that is restored."""
    if case.recipe is ProveHandshake:
        return [_throw_away().private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())]
    return []


def _notes(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in folder.rglob("*.json*")]


def _where(texts: Sequence[str], needle: str) -> str:
    names = ["events", "log", "trace"]
    return next((name for name, text in zip(names, texts, strict=False) if needle in text), "a journal or note")
