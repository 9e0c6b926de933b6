"""A rescue as its journal tells it: what was kept, planned and written, and how it ended."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from app.undo.board_name import BoardName
from app.undo.journal import DROPPED, FINISHED, FORMAT, Planned, Records
from app.undo.snapshots import CONTENT, FILE_NAME, Snapshot

_BOARD_FOLDER = re.compile(r"[A-Za-z0-9_-]+")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InterruptedRescue:
    """A rescue as its journal tells it. Nothing in it is secret.

    Attributes:
        id: Its name.
        board: The board it was begun on, with the ID if that was proven later.
        recipe: Key of the recipe.
        answers: What shaped it; no secrets.
        program: The program's name and version then.
        started: When, UTC.
        snapshots: What was kept, in that order.
        planned: What was to be written, in that order.
        written: What was written and read back.
        pages: How many pages were noted as written.
        reached: Points of the rescue that were reached, by the recipe's own names.
        finished: Whether it was done to its end.
        dropped: Whether the person wants no more of it.
        damaged: Whether a part of the journal cannot be read; more may have been planned and written then.
    """

    id: str
    board: BoardName
    recipe: str
    answers: Mapping[str, object] = field(hash=False)
    program: str
    started: datetime
    snapshots: tuple[Snapshot, ...] = ()
    planned: tuple[Planned, ...] = ()
    written: tuple[Planned, ...] = ()
    pages: int = 0
    reached: frozenset[str] = frozenset()
    finished: bool = False
    dropped: bool = False
    damaged: bool = False

    @property
    def open(self) -> bool:
        """Whether it may have left a board half-written."""
        return bool(self.planned or self.damaged) and not (self.finished or self.dropped)

    @property
    def to_put_back(self) -> tuple[Snapshot, ...]:
        """What was there before, in the order to write it so that the oldest content wins where pieces overlap.

        Only pieces that were to be written to; all of them when the journal does not tell any more.
        """
        chosen: list[Snapshot] = []
        for piece in self.snapshots:
            known = any(
                older.alt == piece.alt and older.address <= piece.address and piece.end <= older.end for older in chosen
            )
            if not known and (self.damaged or any(_touches(piece, target) for target in self.planned)):
                chosen.append(piece)
        return tuple(reversed(chosen))


def _touches(piece: Snapshot, target: Planned) -> bool:
    return piece.alt == target.alt and piece.address < target.address + target.size and target.address < piece.end


def told(path: Path, records: Records, root: Path) -> InterruptedRescue | None:
    """Return what a journal tells; None without a beginning that makes sense.

    Args:
        path: The journal.
        records: What is in it.
        root: The store's folder, where the contents it names are.
    """
    if not records.known:
        return None
    try:
        rescue = _begun(path.stem, records.known[0])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("journal %s has no beginning: %s", path.name, error)
        return None
    damaged = records.damaged
    for record in records.known[1:]:
        try:
            rescue = _with(rescue, record, root)
        except (KeyError, TypeError, ValueError):
            damaged = True
            break
    return replace(rescue, finished=FINISHED in records.ends, dropped=DROPPED in records.ends, damaged=damaged)


def _with(rescue: InterruptedRescue, record: Mapping[str, object], root: Path) -> InterruptedRescue:
    """Return the rescue with one more record; one of a kind not known here changes nothing."""
    match record["what"]:
        case "keep":
            kept = _snapshot(record, root)
            return rescue if kept in rescue.snapshots else replace(rescue, snapshots=(*rescue.snapshots, kept))
        case "plan":
            target = Planned(
                _text(record["region"]),
                _number(record["alt"]),
                _number(record["address"]),
                _number(record["size"]),
                _text(record["sha256"]),
            )
            return rescue if target in rescue.planned else replace(rescue, planned=(*rescue.planned, target))
        case "page":
            return replace(rescue, pages=rescue.pages + 1)
        case "reached":
            return replace(rescue, reached=rescue.reached | {_text(record["point"])})
        case "wrote":
            done = [
                target
                for target in rescue.planned
                if (target.region, target.address, target.size) == (record["region"], record["address"], record["size"])
            ]
            return replace(rescue, written=tuple(dict.fromkeys([*rescue.written, *done[-1:]])))
        case "board":
            return replace(rescue, board=replace(rescue.board, device_id=_text(record["device_id"])))
        case _:
            return rescue


def _snapshot(record: Mapping[str, object], root: Path) -> Snapshot:
    board, file = _text(record["board"]), _text(record["file"])
    if not (_BOARD_FOLDER.fullmatch(board) and FILE_NAME.fullmatch(file)):
        raise ValueError("not a file of this store")
    return Snapshot(
        region=_text(record["region"]),
        alt=_number(record["alt"]),
        address=_number(record["address"]),
        size=_number(record["size"]),
        file=root / board / CONTENT / file,
        digest=_text(record["digest"]),
        secret=bool(record["secret"]),
    )


def _begun(rescue_id: str, record: Mapping[str, object]) -> InterruptedRescue:
    """Return a rescue from its first record.

    Raises:
        KeyError, TypeError, ValueError: It is none of this version.
    """
    if (record["what"], record["format"]) != ("begin", FORMAT):
        raise ValueError("a journal of another version")
    answers = record["answers"]
    if not isinstance(answers, dict):
        raise TypeError("no answers")
    device_id = record["device_id"]
    return InterruptedRescue(
        id=rescue_id,
        board=BoardName(
            _text(record["platform"]), None if device_id is None else _text(device_id), _text(record["serial"])
        ),
        recipe=_text(record["recipe"]),
        answers=answers,
        program=_text(record["program"]),
        started=datetime.fromisoformat(_text(record["at"])).astimezone(UTC),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a number")
    return value
