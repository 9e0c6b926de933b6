"""The one-key commands of the listening console, as a table: what each does, since when, on which boards.

Source: device-protocol.md 5.1 to 5.7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.platforms.model import Platform
from app.text import Text, text


@dataclass(frozen=True, slots=True)
class ConsoleCommand:
    """One character that a listening board understands.

    Attributes:
        key: The character.
        name: What it is for, in a few words.
        what: What it does.
        since: The first firmware that knows it, "" when all do.
        source: Section of the specification.
        wifi_only: Whether only boards with Wi-Fi have it.
        caution: What a person should know before it is sent, because it changes something; None when it only asks.
        recipe: Key of a recipe that does the same with more care, "" for none.
    """

    key: str
    name: Text
    what: Text
    since: str
    source: str
    wifi_only: bool = False
    caution: Text | None = None
    recipe: str = ""


CONSOLE_COMMANDS: tuple[ConsoleCommand, ...] = (
    ConsoleCommand(
        "i",
        text("ConsoleCommands", "Device ID"),
        text("ConsoleCommands", "The board tells its device ID."),
        "",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "v",
        text("ConsoleCommands", "Version"),
        text("ConsoleCommands", "The board tells its firmware version."),
        "0.4.4",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "m",
        text("ConsoleCommands", "MAC address"),
        text("ConsoleCommands", "The board tells the address of its radio."),
        "0.4.0",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "s",
        text("ConsoleCommands", "Modules"),
        text("ConsoleCommands", "The board lists its firmware modules, with versions and whether each is sound."),
        "0.4.0",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "c",
        text("ConsoleCommands", "Claimed?"),
        text("ConsoleCommands", "The board tells whether it belongs to somebody's account. A Core always says no."),
        "0.6.0",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "d",
        text("ConsoleCommands", "Diagnostics"),
        text("ConsoleCommands", "The board tells numbers about its state."),
        "0.8.0",
        "device-protocol.md 5.3",
    ),
    ConsoleCommand(
        "w",
        text("ConsoleCommands", "Wi-Fi dialogue"),
        text("ConsoleCommands", "The board asks for a network name and a password, and stores them."),
        "",
        "device-protocol.md 5.4",
        wifi_only=True,
        caution=text(
            "ConsoleCommands",
            "The board then asks for a network, its security and a password, and waits for each until RESET is "
            "pressed. Joining a network with the form is easier: it knows the questions of every firmware.",
        ),
        recipe="join-wifi",
    ),
    ConsoleCommand(
        "C",
        text("ConsoleCommands", "Claim code"),
        text(
            "ConsoleCommands",
            "The board asks for a claim code of 63 characters and stores it. A Core does not keep it.",
        ),
        "0.6.0",
        "device-protocol.md 5.3",
        caution=text("ConsoleCommands", "The board then waits for 63 characters and a line end."),
    ),
    ConsoleCommand(
        "x",
        text("ConsoleCommands", "Leave"),
        text("ConsoleCommands", "The board leaves listening mode and connects. It says nothing."),
        "0.4.0",
        "device-protocol.md 5.2",
        caution=text(
            "ConsoleCommands", "The board leaves listening mode, and answers no more commands until it is back in it."
        ),
    ),
    ConsoleCommand(
        "L",
        text("ConsoleCommands", "Safe mode"),
        text("ConsoleCommands", "The board restarts into safe mode and listens there. USB drops for a moment."),
        "0.5.0",
        "device-protocol.md 5.2",
        caution=text("ConsoleCommands", "The board restarts without running its program. RESET brings it back."),
    ),
)
"""All but `f`, which waits for a file by YMODEM (5.7): the recipes write firmware with a check of every byte."""

UNKNOWN_BEFORE = text("ConsoleCommands", "Firmware {version} does not know it; it came with {since}.")
NO_WIFI = text("ConsoleCommands", "This board has no Wi-Fi.")

_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


_DIALOGUES = frozenset("wCf")
"""Commands after which the board asks something, or waits for a file (5.2)."""


def as_sent(line: str, end: bytes, *, asked: bool) -> bytes:
    """Return the bytes of a line a person typed.

    A command that begins a dialogue goes without its line end: that would answer the first question with nothing.

    Args:
        line: What was typed.
        end: What is to follow a line.
        asked: Whether the board has asked something, so that the line is an answer.
    """
    return line.encode() if line in _DIALOGUES and not asked else line.encode() + end


def console_command(key: str) -> ConsoleCommand:
    """Return the command of that character; KeyError when there is none."""
    return {command.key: command for command in CONSOLE_COMMANDS}[key]


def cannot(command: ConsoleCommand, platform: Platform | None, version: str) -> Text | None:
    """Say why a board does not understand a command, None when it does or when that is not known.

    Args:
        command: The command.
        platform: The kind of board, None when there is none.
        version: The firmware version the board told, "" when it has not.
    """
    if command.wifi_only and platform is not None and platform.has_modem:
        return NO_WIFI
    told, needed = numbers(version), numbers(command.since)
    if told is not None and needed is not None and told < needed:
        return UNKNOWN_BEFORE.with_values(version=version, since=command.since)
    return None


def numbers(version: str) -> tuple[int, int, int] | None:
    """Return the three numbers of a version like `0.8.0-rc.10`, None when it is none."""
    found = _NUMBERS.search(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
