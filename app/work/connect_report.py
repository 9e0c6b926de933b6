"""The report for others, about a board that does not connect: laid out as step 6 of the user's support page asks.

It is English whatever language the window speaks, because it is made for an English-speaking forum. What nobody was
asked, or could say, stands as `not known`. No network's name, password, key or whole device ID is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from app import log
from app.platforms.lights import pattern
from app.platforms.model import Mode
from app.protocols.wifi import SECURITY_NAMES, shown_name
from app.text import Text, text
from app.work.board import Board
from app.work.connect_asks import ASKS, DONT_KNOW, Option
from app.work.connect_case import Known
from app.work.connect_diagnosis import Diagnosis
from app.work.connect_rules import SURENESS_REASONS
from app.work.events import Document
from app.work.key_rules import CULPRIT_WORDS
from app.work.light_decoder import LightReading

DOCUMENT = "connection-report"
FILE_NAME = "connection-report-%Y%m%d-%H%M%S.txt"
"""With the time, because a file that is there already is never replaced."""
NOT_KNOWN = "not known"
_YES_NO = {True: "yes", False: "no", None: NOT_KNOWN}
LOG_LINES = 40
SHORTEST_NAME = 3
"""A shorter name of a network is not looked for in the log: it would be found inside other words."""
LONGEST_FIELD = 500

_TITLE = text("ConnectReport", "Report to show to others")
_BODY = text(
    "ConnectReport",
    "It has what a forum or a friend will ask for. Search the forum for your router and for what the light does first: "
    "others may have solved it. Read it before you send it; names of networks and your device ID are left out.",
)
_BEGAN = re.compile(r" app\.log: rekindle \S+$")
_LONG_ID = re.compile(r"\b[0-9A-Fa-f]{24}\b")
_MAC = re.compile(r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b")
_SHORT_SERIAL = re.compile(r"\b[0-9A-F]{12}\b")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing only a person knows.

    Attributes:
        key: Stable name.
        label: What it is called in the report, in English.
        title: The question.
        body: What to mind.
        hint: An example.
    """

    key: str
    label: str
    title: Text
    body: Text
    hint: Text


_MAY_BE_EMPTY = text("ConnectReport", "Leave it empty if you do not know.")
FIELDS: tuple[Field, ...] = (
    Field(
        "router-model",
        "Router make and model",
        text("ConnectReport", "Which router is it, make and model?"),
        text("ConnectReport", "It stands on a label at its back or bottom. Leave it empty if you do not know."),
        text("ConnectReport", "for example: Netgear WNDR3700"),
    ),
    Field(
        "security",
        "Network security",
        text("ConnectReport", "How is the network protected?"),
        _MAY_BE_EMPTY,
        text("ConnectReport", "for example: WPA2, WEP, open"),
    ),
    Field(
        "environment",
        "Environment",
        text("ConnectReport", "Where is the network?"),
        _MAY_BE_EMPTY,
        text("ConnectReport", "for example: home, small office, company, school, public"),
    ),
    Field(
        "topology",
        "Network topology",
        text("ConnectReport", "How many routers and range extenders are there, and about how many devices?"),
        _MAY_BE_EMPTY,
        text("ConnectReport", "for example: 1 router, 1 extender, 12 devices"),
    ),
    Field(
        "provider",
        "Internet service provider",
        text("ConnectReport", "Who provides the internet there?"),
        _MAY_BE_EMPTY,
        text("ConnectReport", "for example: the name on the bill"),
    ),
    Field(
        "settings",
        "Network settings that diverge from the norm",
        text("ConnectReport", "Is anything set differently from the way the router came?"),
        _MAY_BE_EMPTY,
        text("ConnectReport", "for example: guest network, fixed addresses, MAC filter"),
    ),
)
"""In the order in which the support page asks for them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the person filled in: key of the field and what was entered; empty for what was not."""

    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    def get(self, key: str) -> str:
        """Return it as one line, "" when it was not entered."""
        return " ".join(self.fields.get(key, "").split())[:LONGEST_FIELD]


def report(
    board: Board,
    known: Known,
    diagnosis: Diagnosis,
    light: LightReading | None,
    told: Told,
    made: datetime,
    scan_trouble: Text | None = None,
    lines: Iterable[str] | None = None,
) -> Document:
    """Return the report.

    Args:
        board: The board as it was last seen.
        known: What was measured, seen and answered.
        diagnosis: What follows from it.
        light: The reading of the light, None when it was not asked for.
        told: What the person filled in.
        made: When, in the person's own time.
        scan_trouble: Why this computer heard no networks, None when it did.
        lines: Lines of the program's log; None for the last ones of the log file.
    """
    sections = (
        ("Board", _board(board, known, light)),
        ("Tried from this computer", _tried(known, scan_trouble)),
        ("Answers", _answers(known)),
        ("What Rekindle makes of it", _causes(diagnosis)),
        ("Log", _log(log.recent(LOG_LINES) if lines is None else lines)),
    )
    content = [f"Connection report, made by Rekindle {log.version()} on {made:%Y-%m-%d}", ""]
    content += _section("Network", _network(known, told))  # what the person typed stands as it is
    for title, rows in sections:
        content += _section(title, _discreet(rows, board, known))
    return Document(DOCUMENT, _TITLE, _BODY, made.strftime(FILE_NAME), "\n".join(content), aside=True)


def _section(title: str, rows: list[str]) -> list[str]:
    return [title, "-" * len(title), *(rows or ["nothing"]), ""]


def _network(known: Known, told: Told) -> list[str]:
    security = told.get("security")
    network = next((case.network for case, _ in known.cases()), None)
    if not security and network is not None and network.security is not None:
        security = SECURITY_NAMES[network.security].english()
    rows = []
    for each in FIELDS:
        value = security if each.key == "security" else told.get(each.key)
        rows.append(f"{each.label}: {value or NOT_KNOWN}")
    if network is not None:
        channel = f"channel {network.channel}" if network.channel else f"channel {NOT_KNOWN}"
        strength = f"{network.rssi} dBm" if network.rssi else f"strength {NOT_KNOWN}"
        rows.append(f"As heard beside the board: {channel}, {strength}")
    return rows


def _board(board: Board, known: Known, light: LightReading | None) -> list[str]:
    measured = known.measured
    modes = {Mode.NORMAL: "running", Mode.LISTENING: "listening", Mode.DFU: "update mode (DFU)"}
    seen = [f"{pattern(key).name.english()} ({share:.0%})" for key, share in (light.guesses[:3] if light else ())]
    keys = measured.keys
    return [
        f"Kind: {board.platform.name}",
        f"Mode: {modes[measured.mode]}",
        f"Firmware: {measured.version or board.system_version or NOT_KNOWN}",
        f"System parts in order: {_YES_NO[measured.system_sound]}",
        f"Claimed by an account: {_YES_NO[measured.claimed]}",
        f"Light: {' or '.join(seen) or NOT_KNOWN}",
        f"Diagnostics: {', '.join(f'{name}={value}' for name, value in measured.diagnostics) or NOT_KNOWN}",
        f"Keys: {NOT_KNOWN if keys is None else f'at fault: {CULPRIT_WORDS[keys.culprit].english()}'}",
    ]


def _tried(known: Known, trouble: Text | None) -> list[str]:
    measured = known.measured
    rows = [f"{each.key}: {each.state.value}. {each.words.english()}" for each in measured.checks]
    if measured.heard:
        channels = sorted({each.channel for each in measured.heard if each.channel})
        rows.append(f"Wi-Fi networks heard: {len(measured.heard)}, on channels {channels}")
    elif trouble is not None:
        rows.append(f"Wi-Fi networks: {trouble.english()}")
    same = next((case.same for case, _ in known.cases()), None)
    rows.append(f"This computer is in the board's network: {_YES_NO[same]}")
    return rows


def _answers(known: Known) -> list[str]:
    """What was asked and answered; the network that was chosen is not named."""
    asks = {each.key: each for each in ASKS}
    rows = []
    for place, (key, answer) in enumerate(known.told):
        if key == "network":
            chosen = any(case.network is not None for case, _ in known.cases())
            said = "one of those heard" if chosen else "none of those heard, or not known"
        else:
            before = replace(known, told=known.told[:place])  # later answers leave out what was offered then
            said = _option((each for case, _ in before.cases() for each in asks[key].options(case)), answer)
        rows.append(f"{asks[key].title.english()} {said}")
    return rows


def _option(options: Iterable[Option], answer: str) -> str:
    words = next((each.words for each in options if each.key == answer), DONT_KNOW)
    return words.english() if isinstance(words, Text) else words


def _causes(diagnosis: Diagnosis) -> list[str]:
    rows = []
    for number, cause in enumerate(diagnosis.causes, start=1):
        sure = SURENESS_REASONS[cause.sureness].english().partition(":")[0].lower()
        rows.append(f"{number}. {_unnamed(cause.words).english()} ({sure})")
    return rows


def _unnamed(words: Text) -> Text:
    """Return a sentence without the network's name, however short that is."""
    return words.with_values(name="[network]") if "name" in dict(words.values) else words


def _log(lines: Iterable[str]) -> list[str]:
    """Return what this start of the program wrote, without secrets."""
    rows: list[str] = []
    for line in lines:
        if _BEGAN.search(line):  # what an earlier start of the program wrote is another story
            rows.clear()
        rows.append(log.redact(line))
    return rows


def _discreet(rows: Iterable[str], board: Board, known: Known) -> list[str]:
    """Return the lines without anything that is nobody's business."""
    home = str(Path.home())
    # An error of the operating system writes a path as Python would.
    private = {home: "~", repr(home)[1:-1]: "~", board.sighting.serial or "": "[serial]"}
    names = {each.name for each in known.measured.heard} | {_readable(known.measured.joined)}
    private |= {name: "[network]" for name in names if len(name) >= SHORTEST_NAME}
    for each in known.measured.checks:
        values = dict(each.words.values)
        if values.get("host") != known.measured.platform.default_host:  # a server of one's own
            private |= {str(values[name]): "[server]" for name in ("host", "address") if name in values}
    secrets = sorted(filter(None, private), key=len, reverse=True)
    found = []
    for row in rows:
        for secret in secrets:
            row = row.replace(secret, private[secret])
        found.append(_LONG_ID.sub("[device ID]", _MAC.sub("[MAC]", _SHORT_SERIAL.sub("[serial]", row))))
    return found


def _readable(name: bytes | None) -> str:
    return shown_name(name or b"")
