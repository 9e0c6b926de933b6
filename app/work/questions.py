"""What a job may ask the person: a closed list. The window and the console each have one view per kind.

`name` is how `rekindle run --answer name=value` gives the answer beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from app.platforms.model import Choreography, Mode, Platform
from app.text import Text
from app.work import light_words, wifi_form
from app.work.plan import RescuePlan
from app.work.wifi_form import SeenNetwork


@dataclass(frozen=True, slots=True)
class Confirm:
    """Yes or no. Answer: bool.

    `risky` is true where yes is against better advice: then no is the answer that is offered first.
    """

    name: str
    title: Text
    body: Text
    yes: Text
    no: Text
    risky: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """One of several. Answer: the key (str) of the option chosen."""

    name: str
    title: Text
    body: Text
    options: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One of the things to choose from, with room to say what it is.

    Attributes:
        key: The answer.
        title: A few words, or a name the person gave.
        body: A sentence or two.
        icon: Name of a picture in `resources/icons/cards`, "" for none.
        mark: A word or two in the corner, for example `On the board now`; None for none.
        fits: Whether it can be chosen; `body` says why not.
        light: Key of a light pattern to be shown living in place of an icon, "" for none.
    """

    key: str
    title: Text | str
    body: Text
    icon: str = ""
    mark: Text | None = None
    fits: bool = True
    light: str = ""


@dataclass(frozen=True, slots=True)
class ChooseCard:
    """One of several that need a sentence each: clouds, keys, servers. Answer: the key (str) of the card chosen."""

    name: str
    title: Text
    body: Text
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """A line of text. Answer: str. A `secret` is shown as dots and never logged.

    `allow_empty` says whether "" is an answer; `hint` is an example of the form; `start` stands in the line already,
    for example what was answered the last time.
    """

    name: str
    title: Text
    body: Text
    hint: Text
    secret: bool = False
    allow_empty: bool = False
    start: str = ""


@dataclass(frozen=True, slots=True)
class PickFile:
    """A file, or with `folder` a folder. Answer: str, the path; "" when the person picked none.

    `none` says what that means, where it is something else than to go on without.
    """

    name: str
    title: Text
    body: Text
    suffixes: tuple[str, ...] = ()
    folder: bool = False
    none: Text | None = None


@dataclass(frozen=True, slots=True)
class DoThis:
    """Something for the person's hands, ended by what USB shows, not by an answer.

    Attributes:
        name: Stable name, for example `enter-dfu`.
        title: One imperative sentence.
        body: What to wait for.
        platform: Which board to draw.
        choreography: Which buttons, how long, which light; None for plain plugging.
        until: The mode the program waits for.
    """

    name: str
    title: Text
    body: Text
    platform: Platform | None
    choreography: Choreography | None
    until: Mode


@dataclass(frozen=True, slots=True)
class Review:
    """The plan of a rescue, to be agreed to before the first byte is written. Answer: bool."""

    name: str
    title: Text
    body: Text
    plan: RescuePlan
    yes: Text
    no: Text


@dataclass(frozen=True, slots=True)
class LightStage:
    """One thing the light will show: `light` is the key of a light pattern; `seconds` is how long, None if unknown."""

    light: str
    words: Text
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WatchLight:
    """Something the board does by itself, seen only by its light. Answer: the key (str) of an option.

    USB may end it before an answer comes: `until` says which mode the program waits for, None for no mode. With
    `or_back` the board's coming back in any mode ends it: what it came back as has to be told from that.
    """

    name: str
    title: Text
    body: Text
    platform: Platform
    stages: tuple[LightStage, ...]
    options: tuple[tuple[str, Text], ...] = ()
    until: Mode | None = None
    or_back: bool = False


@dataclass(frozen=True, slots=True)
class TellLight:
    """What the light of a board does, told by somebody who sees it. Answer: `LightReading`.

    `eras` narrows the boards and firmware that come into question, where that is known; empty for all of the platform.
    Given beforehand it is a pattern's key, words such as `red counted 2` (see `app/work/light_words.py`), or `unseen`.
    """

    name: str
    title: Text
    body: Text
    platform: Platform
    eras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WifiForm:
    """The networks a board is to be told, and what it takes to join them. Answer: `WifiAnswer` or `LookAgain`.

    Attributes:
        name: Stable name.
        title: What is asked.
        body: What to mind.
        seen: Networks seen from here, the strongest first.
        enterprise: Whether this board knows networks of companies with a sign-in.
        forget: Whether the networks it knows already can be forgotten first.
        joined: Name of the network this computer is in, b"" where nobody knows.
        trouble: Why there are no networks, or fewer than there could be; None when all is well.
        platform: Which board it is for, None where what speaks against a network is not to be looked at.
        version: The board's firmware as it told it, "" where that is not known.
    """

    name: str
    title: Text
    body: Text
    seen: tuple[SeenNetwork, ...] = ()
    enterprise: bool = False
    forget: bool = True
    joined: bytes = b""
    trouble: Text | None = None
    platform: Platform | None = None
    version: str = ""


Question = Confirm | Choose | ChooseCard | Enter | PickFile | DoThis | Review | WatchLight | TellLight | WifiForm

Answers = tuple[tuple[str, object], ...]
"""Answers given beforehand: the questions' names and what was answered."""


_YES = ("yes", "y", "true", "1")
_NO = ("no", "n", "false", "0")


def parse_answer(question: Question, given: object) -> object:
    """Return what a view, a terminal or `--answer` gave in the form the question's class promises.

    Raises:
        ValueError: It has another form; the words say which one is wanted.
    """
    match question:
        case Confirm() | Review():
            if isinstance(given, bool):
                return given
            word = str(given).strip().lower()
            if word in _YES:
                return True
            if word in _NO:
                return False
            raise ValueError("yes or no")
        case Choose(options=options) | WatchLight(options=options):
            keys = [key for key, _ in options]
            word = str(given).strip()
            if word in keys:
                return word
            raise ValueError(f"one of {', '.join(keys)}")
        case ChooseCard(cards=cards):
            fitting = [card.key for card in cards if card.fits]
            word = str(given).strip()
            if word in fitting:
                return word
            raise ValueError(f"one of {', '.join(fitting)}")
        case Enter(allow_empty=allow_empty):
            if isinstance(given, str) and (given or allow_empty):
                return given
            raise ValueError("some text")
        case PickFile():
            return str(given)
        case WifiForm(seen=seen):
            return wifi_form.parse(given, seen)
        case TellLight(platform=platform, eras=eras):
            return light_words.parse(given, eras or platform.light_eras)
        case DoThis():
            raise ValueError("this is done with the hands")
        case _ as missing:
            assert_never(missing)
