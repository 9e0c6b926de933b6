"""Interrupted rescues at the command line: which there are, and the commands that go on with them."""

from __future__ import annotations

from app.console import say_fault
from app.faults import Fault
from app.flow import PUT_BACK, to_finish, to_put_back
from app.plain import json_line, to_json
from app.platforms.table import platform
from app.recipes.registry import known
from app.terminal import DONE, FAULT, Terminal
from app.text import text
from app.undo.board_name import Match
from app.undo.rescue import InterruptedRescue
from app.undo.store import UndoStore
from app.work.questions import Answers

_NONE = text("Console", "No rescue was interrupted.")
_KEPT = text("Console", "Nothing is lost: what was on a board before is kept. Finish with the command below a rescue.")
_NEW_BOARD = text("Console", "A practice board is a new one at each start: nothing of the rescue is on it.")
_LINE = text("Console", "{id}  {board}  {recipe}, begun {started} UTC; {done} of {all} parts are written")
_FINISH = text("Console", "  Finish: {command}")
_PUT_BACK = text("Console", "  Put back what was there: {command}")


def list_rescues(undo: UndoStore, terminal: Terminal, *, as_json: bool) -> int:
    """Print the interrupted rescues, newest first, and how to go on; return the exit code."""
    try:
        rescues = undo.interrupted()
    except Fault as fault:
        say_fault(terminal, fault, as_json=as_json)
        return FAULT
    for rescue in rescues:
        if as_json:
            terminal.say(json_line({"rescue": _plain(rescue)}))
            continue
        terminal.say(_words(rescue))
        practice = practice_board(rescue) if undo.practice else None
        if (command := finish_command(rescue, practice)) is not None:
            terminal.say(_FINISH.with_values(command=command).english())
        if (command := put_back_command(rescue, practice)) is not None:
            terminal.say(_PUT_BACK.with_values(command=command).english())
    if not as_json:
        terminal.aside((_KEPT if rescues else _NONE).english())
        if rescues and undo.practice:
            terminal.aside(_NEW_BOARD.english())
    return DONE


def forget_rescue(undo: UndoStore, rescue_id: str, terminal: Terminal, *, as_json: bool) -> int:
    """Offer an interrupted rescue no more; what was kept stays. Return the exit code."""
    try:
        undo.forget(rescue_id)
    except Fault as fault:
        say_fault(terminal, fault, as_json=as_json)
        return FAULT
    return DONE


def finish_command(rescue: InterruptedRescue, practice: str | None = None) -> str | None:
    """Return the command that finishes it, on that practice board; None when this version has no such recipe."""
    return _command(rescue, *to_finish(rescue), practice)


def put_back_command(rescue: InterruptedRescue, practice: str | None = None) -> str | None:
    """Return the command that puts back what was there; None when nothing was kept or there is no such recipe."""
    return _command(rescue, PUT_BACK, to_put_back(rescue)[1], practice) if rescue.to_put_back else None


def practice_board(rescue: InterruptedRescue) -> str | None:
    """Return the name of the practice board it was begun on; None when there is none like it."""
    from app.virtual.catalogue import PRACTICE_BOARDS

    for name, row in PRACTICE_BOARDS.items():
        if rescue.board.matches(row.kind.key, row.device_id, None) is Match.YES:
            return name
    return None


def _command(rescue: InterruptedRescue, key: str, answers: Answers, practice: str | None) -> str | None:
    if known(key) is None:
        return None
    wanted = rescue.board.device_id or rescue.board.serial
    parts = ["rekindle", "run", key, *(("--practice", practice) if practice else ())]
    parts += ("--board", wanted) if wanted else ()
    for name, answer in answers:
        said = {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)
        parts += ["--answer", _quoted(f"{name}={said}")]
    return " ".join(parts)


def _quoted(words: str) -> str:
    """Quote for any shell; an answer holds no quotes but in the names of files."""
    return f'"{words}"' if any(sign in words for sign in " '&|;<>()$`") else words


def _words(rescue: InterruptedRescue) -> str:
    name = rescue.board.device_id or rescue.board.serial
    return _LINE.with_values(
        id=rescue.id,
        board=f"{platform(rescue.board.platform).name} {name}".strip(),
        recipe=rescue.recipe,
        started=f"{rescue.started:%Y-%m-%d %H:%M}",
        done=_done(rescue),
        all=len(rescue.planned),
    ).english()


def _done(rescue: InterruptedRescue) -> int:
    return sum(each in rescue.written for each in rescue.planned)  # one place may be written twice: patch, then Tinker


def _plain(rescue: InterruptedRescue) -> object:
    return to_json(
        {
            "id": rescue.id,
            "platform": rescue.board.platform,
            "device_id": rescue.board.device_id,
            "serial": rescue.board.serial,
            "recipe": rescue.recipe,
            "answers": rescue.answers,
            "started": f"{rescue.started:%Y-%m-%dT%H:%M:%SZ}",
            "planned": rescue.planned,
            "written": rescue.written,
            "kept": tuple(each.region for each in rescue.snapshots),
        }
    )
