"""The list of firmware modules a board reports, as JSON of several shapes, on its console and by control request.

Source: device-protocol.md 5.3 (`s`) and 6.3 (type 90).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntFlag, unique

from app.faults import WrongAnswer

# `"_":""` is written where the firmware had to swallow a trailing comma; in a list it is not even JSON.
_DUMMY = re.compile(r'"_"\s*:\s*""')
_COMMAS = re.compile(r",(?:\s*,)+")
_COMMA_AFTER_OPENING = re.compile(r"([\[{])\s*,")
_COMMA_BEFORE_CLOSING = re.compile(r",\s*([\]}])")


@unique
class ModuleFunction(Enum):
    """What a module is."""

    NONE = "n"
    RESOURCE = "r"
    BOOT_LOADER = "b"
    MONOLITHIC = "m"
    SYSTEM = "s"
    USER = "u"
    UNKNOWN = "?"


@unique
class ModuleStore(Enum):
    """Where a module lies."""

    MAIN = "m"
    BACKUP = "b"
    FACTORY = "f"
    SCRATCH = "t"
    UNKNOWN = "?"


class ModuleCheck(IntFlag):
    """What a board checks about a module; one mask says what was checked, another what was found good."""

    INTEGRITY = 2
    DEPENDENCIES = 4
    RANGE = 8
    PLATFORM = 16
    PRODUCT = 32
    DEPENDENCIES_FULL = 64


@dataclass(frozen=True, slots=True)
class Dependency:
    """A module that another one needs, at least in this version."""

    function: ModuleFunction
    index: int
    version: int


@dataclass(frozen=True, slots=True)
class Module:
    """One module, or the empty place for one (`function` NONE).

    Attributes:
        function: What it is.
        index: Its number among those of its function.
        version: Its version number; None for an empty place.
        store: Where it lies.
        size: How many bytes fit there at most.
        checked: What the board checked.
        passed: What it found good.
        user_hash: SHA-256 of a user module, 64 hex digits, else "".
        dependencies: What it needs.
    """

    function: ModuleFunction
    index: int
    version: int | None
    store: ModuleStore
    size: int
    checked: ModuleCheck
    passed: ModuleCheck
    user_hash: str
    dependencies: tuple[Dependency, ...]

    @property
    def valid(self) -> bool:
        """Whether there is a module and everything that was checked was found good."""
        return self.version is not None and self.checked & self.passed == self.checked


@dataclass(frozen=True, slots=True)
class ModuleReport:
    """All modules a board reports; `platform` is its platform number, None when it does not say."""

    platform: int | None
    modules: tuple[Module, ...]


def parse_modules(told: str) -> ModuleReport:
    """Read the report in any of its shapes.

    0.4.0 leaves out the outer braces, and 1.2 prints a lone `}` for an empty report.

    Raises:
        WrongAnswer: It is not such a report.
    """
    document = _document(told.strip())
    modules = document.get("m", [])
    if not isinstance(modules, list):
        raise WrongAnswer("module list: m is no list")
    platform = document.get("p")
    return ModuleReport(
        platform if isinstance(platform, int) else None,
        tuple(_module(entry) for entry in modules if isinstance(entry, dict)),
    )


def _document(told: str) -> Mapping[str, object]:
    """Return the outermost JSON object."""
    if told == "}":
        return {}
    braced = told if told.startswith("{") else "{" + told + "}"
    for text in (braced, _without_dummies(braced)):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    raise WrongAnswer(f"module list of {len(told)} characters is no JSON")


def _without_dummies(text: str) -> str:
    """Take out dummy pairs, and the commas that are left over then."""
    for pattern, instead in (
        (_DUMMY, ""),
        (_COMMAS, ","),
        (_COMMA_AFTER_OPENING, r"\1"),
        (_COMMA_BEFORE_CLOSING, r"\1"),
    ):
        text = pattern.sub(instead, text)
    return text


def _module(entry: Mapping[str, object]) -> Module:
    version = entry.get("v")
    needs = entry.get("d")
    user_hash = entry.get("u")
    return Module(
        function=_function(entry.get("f", "n")),
        index=_number(entry.get("n")),
        version=_number(version) if version is not None else None,
        store=_store(entry.get("l")),
        size=_number(entry.get("s")),
        checked=ModuleCheck(_number(entry.get("vc"))),
        passed=ModuleCheck(_number(entry.get("vv"))),
        user_hash=user_hash if isinstance(user_hash, str) else "",
        dependencies=tuple(
            Dependency(_function(need.get("f")), _number(need.get("n")), _number(need.get("v")))
            for need in (needs if isinstance(needs, list) else ())
            if isinstance(need, dict) and "f" in need
        ),
    )


def _function(letter: object) -> ModuleFunction:
    return next((known for known in ModuleFunction if known.value == letter), ModuleFunction.UNKNOWN)


def _store(letter: object) -> ModuleStore:
    return next((known for known in ModuleStore if known.value == letter), ModuleStore.UNKNOWN)


def _number(value: object) -> int:
    """Return a number that is written as a number or as a string; 0 when it is neither."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        return int(value)
    return 0
