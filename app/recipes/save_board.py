"""Save everything that is on a board: each byte that update mode gives, kept on this computer with a manifest."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from app.faults import DfuRefused, Fault, SnapshotDiffers
from app.platforms.model import Medium, Mode, Quirk, Region
from app.protocols.flash import reachable
from app.recipes.base import Group, Promise, Recipe
from app.recipes.read_identity import identity_from_dct
from app.recipes.shared import (
    LEFT_RUNNING,
    ask_console_for_id,
    enter_dfu,
    leave_as_found,
    leave_dfu,
    unlock_safe,
)
from app.text import Text, joined, text
from app.undo.dumps import Dump, DumpPart, Missing
from app.work.events import Fact, Outcome
from app.work.flashing import board_name
from app.work.job import Job
from app.work.memory_map import whole_memory
from app.work.reading import part_of_step, read_once, read_twice
from app.work.step import Step

log = logging.getLogger(__name__)

_READ = text("SaveBoard", "{size} bytes in {count} slots read.")
_READ_SOME = text("SaveBoard", "{size} bytes in {count} slots read; could not be read: {missing}.")
_MISSING = text("SaveBoard", "{name} could not be read, so it is NOT in what was saved. {reason}")
_OVER_PART_2 = text(
    "SaveBoard",
    "This boot loader reads it with the help of the system parts, and one of those is missing or damaged.",
)
_BY_ADDRESS = text("SaveBoard", "This boot loader takes its addresses for those of another memory.")
_REFUSED = text("SaveBoard", "The boot loader does not give it.")
_AGAIN = text("SaveBoard", "{name}: two reads differ; reading again.")
_KEPT = text("SaveBoard", "Stored, read back from the disk and compared.")
_STAYS = text("SaveBoard", "It stays in update mode, as it was found.")
_IN_UPDATE_MODE = text("SaveBoard", "The board is still in update mode (blinking yellow). Press RESET to start it.")
_DONE = text("SaveBoard", "Everything that is on this board is saved.")
_DONE_SOME = text("SaveBoard", "What could be read of this board is saved, but that is not all of it.")
_ID_UNKNOWN = text("SaveBoard", "not proven yet")
_SECRETS = text("SaveBoard", "{names}: keys, passwords and settings")
_SEALED = text("SaveBoard", "{names}: keys, passwords and settings; sealed with the passphrase of the key safe")
_NO_SECRETS = text("SaveBoard", "nothing: the memory with keys and settings could not be read")
_OPEN = text(
    "SaveBoard",
    "The key safe has no passphrase, so the keys among it lie open in this folder, for your eyes only. Do not give the "
    "folder away.",
)
_PUT_BACK = text("SaveBoard", "Whatever happens to this board: “Put it back” brings back what was saved.")
_SYSTEM_FIRST = text(
    "SaveBoard", "Restore the system, then save the board once more: its keys and settings can be read then."
)


class SaveBoard(Recipe):
    """Read all memory of a board in update mode and keep it, verified."""

    key = "save-board"
    title = text("SaveBoard", "Save what is on the board")
    summary = text(
        "SaveBoard",
        "Keeps everything that is on the board on this computer: firmware, settings, keys. It can be put back later.",
    )
    group = Group.KEEP_SAFE
    promise = Promise(
        reads=text("SaveBoard", "All memory of the board; the slots with keys and settings twice."),
        writes=text("SaveBoard", "Nothing. The board is only read."),
        keeps=text(
            "SaveBoard",
            "Every byte that could be read, in a folder of this board on this computer; keys are sealed if your key "
            "safe has a passphrase.",
        ),
        takes=text("SaveBoard", "About a minute, and a little longer if you have to press the buttons."),
        risks=(
            text("SaveBoard", "If the cable is pulled meanwhile, nothing is lost: plug the board in and start again."),
            text("SaveBoard", "The board restarts, so a program running on it is interrupted."),
        ),
    )

    def __init__(self) -> None:
        self._found_mode: Mode | None = None
        self._parts: list[DumpPart] = []
        self._missing: list[tuple[Region, Text]] = []
        self._dump: Dump | None = None
        self._device_id: str | None = None
        self._secret_names: list[Text] = []
        self._left: Text | None = None

    def steps(self) -> Sequence[Step]:
        """Return the parts in order."""
        return (
            Step(text("SaveBoard", "Check what is needed"), self._prepare),
            Step(
                text("SaveBoard", "Bring the board into update mode (DFU)"),
                enter_dfu,
                weight=3,
                detail=text("SaveBoard", "Without buttons where that is possible."),
            ),
            Step(
                text("SaveBoard", "Read all of its memory"),
                self._read,
                weight=20,
                detail=text("SaveBoard", "Nothing is written to the board."),
            ),
            Step(text("SaveBoard", "Keep it and read it back"), self._keep, weight=2, can_stop=False),
            Step(text("SaveBoard", "Return the board to normal"), self._leave, weight=2, can_stop=False),
        )

    def outcome(self) -> Outcome:
        """Say what was saved, what was not, where it is and what in it is secret."""
        dump = self._dump
        assert dump is not None
        device_id = self._device_id
        facts = [
            Fact("folder", text("SaveBoard", "Folder"), str(dump.manifest.parent.parent), copy=True),
            Fact("dump", text("SaveBoard", "Name"), dump.id, copy=True),
            Fact("size", text("SaveBoard", "Bytes"), str(dump.size)),
            Fact("regions", text("SaveBoard", "Slots"), str(len(dump.parts))),
            Fact("secret", text("SaveBoard", "Secret in it"), self._secret_words(dump)),
            Fact("device-id", text("SaveBoard", "Device ID"), device_id or _ID_UNKNOWN, copy=device_id is not None),
        ]
        lost = any(reason is _OVER_PART_2 for _, reason in self._missing)
        return Outcome(
            _DONE_SOME if self._missing else _DONE,
            tuple(facts),
            kept=(str(dump.manifest), *dict.fromkeys(str(part.file) for part in dump.parts)),
            warnings=(
                *(_MISSING.with_values(name=row.name, reason=reason) for row, reason in self._missing),
                *((_OPEN,) if any(part.secret and not part.sealed for part in dump.parts) else ()),
            ),
            next_steps=(
                *((_SYSTEM_FIRST,) if lost else ()),
                _PUT_BACK,
                *((_IN_UPDATE_MODE,) if self._left is None else ()),
                *((self._left,) if self._left not in (None, LEFT_RUNNING) else ()),
            ),
            next_recipes=("restore-system",) if lost else (),
        )

    def tidy(self, job: Job) -> None:
        """Let a board that was brought into update mode run its firmware again."""
        leave_as_found(job, self._found_mode)

    # --- steps ---

    def _prepare(self, job: Job) -> None:
        unlock_safe(job)
        job.undo.insist_writable(sum(row.size for row in whole_memory(job.platform)), secret=True)
        self._found_mode = job.refresh().mode
        ask_console_for_id(job)

    def _read(self, job: Job) -> None:
        identity_from_dct(job)
        rows = whole_memory(job.platform)
        total = sum(row.size * _reads(row) for row in rows)
        done = 0
        for row in rows:
            content = self._read_row(job, row, done, total)
            done += row.size * _reads(row)
            if isinstance(content, bytes):
                self._parts.append(DumpPart(row.key, row.alt, row.start, content, row.secret))
                if row.secret:
                    self._secret_names.append(row.name)
            else:
                job.note(_MISSING.with_values(name=row.name, reason=content))
                self._missing.append((row, content))
        if not self._parts:
            raise DfuRefused("no slot of the board could be read")
        size = sum(len(part.content) for part in self._parts)
        if self._missing:
            names = joined([row.name for row, _ in self._missing])
            job.say(_READ_SOME.with_values(size=size, count=len(self._parts), missing=names))
        else:
            job.say(_READ.with_values(size=size, count=len(self._parts)))

    def _keep(self, job: Job) -> None:
        board = board_name(job)
        self._device_id = board.device_id
        loader = job.board.boot_loader
        missing = [Missing(row.key, row.alt, row.start, row.size, why.english()) for row, why in self._missing]
        self._dump = dump = job.undo.save_dump(board, self._parts, loader.key if loader else "", missing)
        if job.undo.load_dump(dump) != {part.region: part.content for part in self._parts}:
            raise SnapshotDiffers(folder=dump.manifest.parent)
        self._parts.clear()
        job.say(_KEPT)

    def _leave(self, job: Job) -> None:
        if self._found_mode is Mode.DFU:
            job.skip(_STAYS)  # telling it to start would change its flags (3.1)
            return
        try:
            self._left = leave_dfu(job)
        except Fault as fault:  # everything is saved: whatever becomes of the board now is no failure of that
            log.info("return to normal: %s: %s", fault.code, fault.detail)
            self._left = fault.cause
        job.say(self._left)

    # --- inside ---

    def _read_row(self, job: Job, row: Region, done: int, total: int) -> bytes | Text:
        """Return what stands there, or why it cannot be read.

        Raises:
            KeyReadsDiffer: It holds keys, and no two reads in a row were the same.
        """
        loader = job.boot_loader
        if not reachable(job.platform, loader, row):
            return _BY_ADDRESS
        tick = part_of_step(job, done, total)
        try:
            if row.secret:
                differs = _AGAIN.with_values(name=row.name)
                content = read_twice(job, row.alt, row.start, row.size, row.key, tick, differs=differs)
            else:
                content = read_once(job, row.alt, row.start, row.size, tick)
        except DfuRefused as fault:
            log.info("region %s: %s", row.key, fault.detail)
            return _REFUSED
        if row.medium is Medium.DCT and job.has(Quirk.DCT_NEEDS_PART2) and content == bytes(row.size):
            return _OVER_PART_2
        return content

    def _secret_words(self, dump: Dump) -> Text:
        if not self._secret_names:
            return _NO_SECRETS
        sealed = all(part.sealed for part in dump.parts if part.secret)
        return (_SEALED if sealed else _SECRETS).with_values(names=joined(self._secret_names))


def _reads(row: Region) -> int:
    """How often a slot is read: what is kept of keys must not be a slip of the cable."""
    return 2 if row.secret else 1
