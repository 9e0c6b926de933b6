"""The rescue pack at the command line: what is there, adding files, downloading, whose the files are."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from app.console import WrongUsageError, say_fault
from app.faults import Cancelled, Fault, PackNothingFound
from app.firmware.fetch import SOURCE, Fetcher
from app.firmware.pack import PACK, PackState, RescuePack, pack_file
from app.plain import json_line, to_json
from app.terminal import DONE, FAULT, STOPPED, Terminal
from app.text import text

_STATES = {
    PackState.PRESENT: text("Console", "here"),
    PackState.MISSING: text("Console", "missing"),
    PackState.DAMAGED: text("Console", "damaged"),
}
_GET_THEM = text(
    "Console", "{count} files are missing or damaged. Get them: rekindle pack fetch, or rekindle pack add FILE"
)
_ALL_HERE = text("Console", "All {count} files are here.")
_WHOSE = text("Console", "Whose they are: rekindle pack notices")
_ADDED = text("Console", "{path}: {count} files of the pack")
_NO_LICENCE_FILE = text("Console", "The licence file is not here yet; it comes with the files.")


def list_pack(pack: RescuePack, terminal: Terminal, *, as_json: bool) -> int:
    """Print every file of the pack and its state; return the exit code."""
    try:
        items = pack.items()
    except Fault as fault:
        return _fault(terminal, fault, as_json=as_json)
    for item in items:
        if as_json:
            terminal.say(json_line({"pack_file": {**_row(item.file.name), "state": item.state.value}}))
        else:
            terminal.say(f"{_STATES[item.state].english():<8} {item.file.name:<46} {item.file.title.english()}")
    wrong = sum(item.state is not PackState.PRESENT for item in items)
    if not as_json:
        words = _GET_THEM.with_values(count=wrong) if wrong else _ALL_HERE.with_values(count=len(items))
        terminal.aside(words.english())
        terminal.aside(_WHOSE.english())
    return DONE


def add_to_pack(pack: RescuePack, paths: Sequence[Path], terminal: Terminal, *, as_json: bool) -> int:
    """Take the pack's files out of these files, folders and archives; return the exit code.

    One that cannot be used or has nothing in it does not keep the others out, but ends in a fault.
    """
    code = DONE
    for path in paths:
        try:
            added = pack.add(path)
            if not added.names:
                raise PackNothingFound(str(path), file=path.name or str(path))
        except Fault as fault:
            code = _fault(terminal, fault, as_json=as_json)
            continue
        if as_json:
            row = {"path": str(path), "names": added.names, "unknown": added.unknown}
            terminal.say(json_line({"pack_added": to_json(row)}))
        else:
            terminal.say(_ADDED.with_values(path=path, count=len(added.names)).english())
            for name in added.names:
                terminal.say(f"  {name}")
    return code


def fetch_pack(
    pack: RescuePack, names: Sequence[str], terminal: Terminal, *, as_json: bool, source: str = SOURCE
) -> int:
    """Download these files, or all that are missing or damaged; return the exit code.

    What came with the program is taken first. Ctrl-C stops; what came is used the next time.

    Raises:
        WrongUsageError: The table has no such file.
    """
    known = {file.name for file in PACK}
    if strangers := [name for name in names if name not in known]:
        raise WrongUsageError(f"the rescue pack has no file {strangers[0]}; see rekindle pack")
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    def progress(name: str, done: int, total: int) -> None:
        if done == total:
            plain = json_line({"pack_fetched": _row(name)})
            terminal.say(plain if as_json else f"{_STATES[PackState.PRESENT].english():<8} {name}")

    with terminal.interrupts(stop.set):
        try:
            pack.fill_from_bundle()
            wanted = {item.file.name for item in pack.items() if item.state is not PackState.PRESENT}
            chosen = [file.name for file in PACK if file.name in wanted and (not names or file.name in names)]
            if chosen:
                Fetcher(pack, source).fetch(chosen, progress, check)
            elif not as_json:
                terminal.aside(_ALL_HERE.with_values(count=len(names) or len(PACK)).english())
        except Fault as fault:
            return _fault(terminal, fault, as_json=as_json)
        except Cancelled:
            return STOPPED
    return DONE


def show_notices(pack: RescuePack, terminal: Terminal, *, as_json: bool) -> int:
    """Print who made the files and under which licence they came; return the exit code."""
    try:
        notices = pack.notices()
    except Fault as fault:
        return _fault(terminal, fault, as_json=as_json)
    for notice in notices:
        if as_json:
            terminal.say(json_line({"pack_notice": to_json(notice)}))
            continue
        terminal.say(notice.title.english())
        for words in notice.words:
            terminal.say(f"  {words.english()}")
    if not as_json:
        licence = next((notice.licence for notice in notices if notice.licence), "")
        terminal.say("")
        terminal.say(licence or _NO_LICENCE_FILE.english())
    return DONE


def _row(name: str) -> dict[str, object]:
    file = pack_file(name)
    row = {
        "name": file.name,
        "title": file.title,
        "platform": file.platform,
        "role": file.role,
        "release": file.release,
        "size": file.size,
        "sha256": file.sha256,
        "package_version": file.package_version,
    }
    plain = to_json(row)
    assert isinstance(plain, dict)
    return plain


def _fault(terminal: Terminal, fault: Fault, *, as_json: bool) -> int:
    say_fault(terminal, fault, as_json=as_json)
    return FAULT
