"""Events, boards and the like as plain data: what `--json` prints, one object a line, ASCII only.

This is a promise to scripts: members are added, never renamed or removed. Texts are English sentences for people and
may change; keys, codes, names and values of the kinds below may not.

| line | members |
|---|---|
| `rekindle list` | `board`: a board |
| `rekindle list --recipes` | `recipe`: `key`, `title`, `summary`, `group` |
| `rekindle list --practice` | `practice_board`: `name`, `title`, `default` |
| `rekindle pack` | `pack_file`: a file of the rescue pack and its `state` (`present`, `missing`, `damaged`) |
| `rekindle pack add` | `pack_added`: `path`, `names` (recognised and kept), `unknown` (how many others) |
| `rekindle pack fetch` | `pack_fetched`: a file of the rescue pack that is here now |
| `rekindle pack notices` | `pack_notice`: `title`, `words`, `licence` (its text; empty if it is not here) |
| `rekindle light` | `light`: `guesses`, `telling`, `panic` (below) |
| `rekindle updates` | `updates`: whether newer versions are looked for, and what is known (below) |
| `rekindle rescues` | `rescue`: one that was interrupted |
| `rekindle run --save` | `document_saved`: `key`, `path` |
| `rekindle run` | `event`: its kind, `run`: the run's number (0 if none could be started), and the members below |

| `event` | further members |
|---|---|
| `PlanReady` | `recipe` (key), `title`, `steps`: each `title`, `detail` or null, `weight`, `can_stop` |
| `StepStarted` | `step`, from 0 |
| `StepProgress` | `step`, `fraction`, `done`, `total`, `rate`, `seconds_left` (see `app/work/events.py`) |
| `StepDone`, `StepSkipped` | `step`, `note`: what was found, or null |
| `Asked` | `question`: `kind` (the class in `app/work/questions.py`, for example `Choose`), `name`... |
| `Answered` | `name`: the question is over |
| `Hint`, `Note` | `words` |
| `Succeeded` | `outcome`: `summary`, `facts`, `kept`, `warnings`, `next_steps`, `xray`, `next_recipes`, ... (below) |
| `Stopped` | `changed`: whether the board's memory was changed before |
| `Failed` | `code`, `cause`, `next_step`, `retryable`, `detail` |

A question's `name` is what `--answer` takes; its `kind` is `Confirm`, `Choose`, `ChooseCard`, `Enter`, `PickFile`,
`DoThis`, `Review`, `WatchLight`, `TellLight` or `WifiForm`, and its further members are those of that class. A card
of a `ChooseCard` has `key` (the answer), `title`, `body`, `icon`, `mark` or null, `light` (key of a light pattern) and
`fits`: whether it can be answered.

A `light` has `guesses`, the most likely first: each `key`, `likelihood` (0 to 1), `name`, `meaning`, `advice`, `recipe`
("" for none); `panic`: the code or null; and `telling`: the question that would tell best, or null: `key`, `words` and
`options` (each `key`, `words`, `light`). It is answered by one more word, for example `flash=red`.

A `TellLight` asks what the light does: the answer is the key of a light, words such as `red counted 2` (see
`app/work/light_words.py`), or `unseen`.

A `WifiForm` has `seen`: networks with `ssid` (text; what is no UTF-8 as escapes), `security` and `cipher` (numbers, or
null), `channel` and `rssi` (0: not known), `note` or null, `fits`; `enterprise` and `forget`, which say what may be
answered; `joined`, the network this computer is in, and `trouble`, why it sees none, or null. Its answer is a name or
JSON (see `app/work/wifi_form.py`), or nothing to look again; a password is never in either.

With `--save` a line `document_saved` (`key`, `path`) for each document comes before the outcome. One that cannot be
written is a fault of run 0 there, and the exit code is 1 although the run succeeded.

An outcome also has `unfinished` and `documents`. A fact has `key`, `label`, `value`, `copy`, `qr`; a document `key`,
`title`, `body`, `file_name`, `content`, `aside` (it can wait). The last line of a run is `Succeeded` (exit code 0),
`Failed` (1) or `Stopped` (130).

A `Review` has a `plan`: `xray`, `writes`, `stays`, `needs`, `warnings`, `seconds`. An `xray` has `platform`, `slots`
and a `verdict` (`health`, `reasons`, `recipes`); slots and writes have the members listed in `app/work/plan.py`,
addresses and sizes as numbers. Nothing of a memory that holds keys or settings is ever in one.

`updates` has `standing` (`ready`, `no-key`, `no-address`), `installed`, `agreed` or null (not said yet), `address`,
`own_address` (the person gave it), `tried` (when it looked last, or null) and `notice`: null, or the newer version with
`version`, `date`, `expires`, `link`, `notes` and `quiet` (the window does not tell of it).

A file of the rescue pack has `name`, `title`, `platform` (null for every board), `role`, `release` (empty where nothing
says), `size`, `sha256` and `package_version`. A fault is a `Failed` event of run 0.

An interrupted rescue has `id`, `platform`, `device_id` or null, `serial`, `recipe` (key), `answers`, `started` (UTC),
`planned` and `written` (each `region`, `alt`, `address`, `size`, `sha256`, which is empty for secrets) and `kept`
(regions). `rekindle run RECIPE --answer resume=ID` with the same answers finishes it.

A board has `port`, `platform`, `name`, `mode` (`normal`, `listening`, `dfu`), `serial`, `device_id` with its `proof`,
`boot_loader`, `system_version`, `usb` (`2b04:c006`), `serial_port` and `denied` (the system does not let this program
open it). What is not known is null; a version that is not known is empty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from app.platforms.model import Choreography, Platform
from app.text import Text
from app.work.board import Board
from app.work.events import Event
from app.work.questions import Question


def json_line(plain: object) -> str:
    """Return plain data as one line that every terminal and every pipe can carry."""
    return json.dumps(plain)


def event_json(event: Event) -> dict[str, object]:
    """Return an event as plain data; `event` names its kind, the rest are its fields without the way to reply."""
    plain = to_json(event)
    assert isinstance(plain, dict)
    return {"event": type(event).__name__, **plain}


def to_json(value: object) -> object:
    """Return anything an event may hold as plain data: texts in English, boards and platforms by what names them."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Text():
            return value.english()
        case Enum():
            return value.value
        case Board():
            return _board_json(value)
        case Platform() | Choreography():
            return value.key
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case Mapping():
            return {str(key): to_json(each) for key, each in value.items()}
        case tuple() | list():
            return [to_json(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            kind = {"kind": type(value).__name__} if isinstance(value, Question) else {}
            members = {each.name: getattr(value, each.name) for each in fields(value)}
            return {**kind, **{name: to_json(each) for name, each in members.items() if not callable(each)}}
        case _:
            return str(value)


def _board_json(board: Board) -> dict[str, object]:
    seen = board.sighting
    return {
        "port": board.port_path,
        "platform": board.platform.key,
        "name": board.platform.name,
        "mode": board.mode.value,
        "serial": seen.serial,
        "device_id": board.identity.device_id if board.identity else None,
        "proof": board.identity.proof.value if board.identity else None,
        "boot_loader": board.boot_loader.key if board.boot_loader else None,
        "system_version": board.system_version,
        "usb": f"{seen.vendor:04x}:{seen.product:04x}",
        "serial_port": seen.serial_port,
        "denied": seen.denied,
    }
