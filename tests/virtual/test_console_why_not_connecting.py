"""The interview in a terminal: typed at prompts, answered beforehand, as JSON, its report saved."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

from support.ears import Ears
from support.patient_clock import PatientClock
from support.stores import stores

from app import console
from app.console import Desk
from app.keys.safe import KeySafe
from app.terminal import DONE, FAULT, Terminal
from app.transports.wifi_scan import HeardNetwork, Protection, Scan
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make

FACTOR = 800.0
AROUND = Scan((HeardNetwork(b"Home", 6, -48, Protection.WPA2),), b"Home")


class Typist(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        return True


class Seat:
    """A running Photon, and a terminal whose output is kept."""

    def __init__(self, folder: Path, typed: str | None = None) -> None:
        clock = PatientClock(FACTOR)
        board = make("photon", clock, profiles=True)
        self._desk = Desk(VirtualBus(clock, (board,)), clock, {"1-1": board})
        self._safe = KeySafe(folder / "safe", practice=True)
        self._stores = stores(folder, self._safe)
        self._stores["scanner"] = Ears(AROUND)
        self.news, self.asides = io.StringIO(), io.StringIO()
        answers = Typist(typed) if typed is not None else io.StringIO()
        self._terminal = Terminal(answers, self.news, self.asides)
        clock.pause(5)

    def run(self, answers: Mapping[str, str], *, as_json: bool = False, save: Path | None = None) -> int:
        return console.run(
            "why-not-connecting",
            self._desk,
            self._safe,
            self._terminal,
            board=None,
            answers=answers,
            as_json=as_json,
            save=save,
            **self._stores,
        )


def test_light_and_answers_are_typed_and_a_wrong_word_is_asked_again(tmp_path: Path) -> None:
    seat = Seat(tmp_path, "green blink\nperhaps\nunsure\n")
    assert seat.run({}) == DONE
    asides, news = seat.asides.getvalue(), seat.news.getvalue()
    assert "one of sure, unsure, changed, never, unknown" in asides
    assert "They were typed, but I am not sure" in asides + news
    assert "Name or password of the network may be wrong on the board. That is likely." in news
    assert "rekindle run join-wifi" in news
    assert "Network security: not known" in news


def test_with_everything_answered_beforehand_nobody_is_needed_and_the_report_is_saved(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    told = {"light": "from-0.7.connecting", "credentials": "sure", "network": "Home", "elsewhere": "yes"}
    told |= {"report": "yes", "router-model": "Netgear WNDR3700", "security": "WPA2", "environment": "home"}
    told |= {"topology": "1 router", "provider": "A", "settings": "none"}
    rest = dict.fromkeys(("basics", "router", "cleared"), "unknown")
    assert seat.run(told | rest, as_json=True, save=tmp_path) == DONE
    end = json.loads(seat.news.getvalue().splitlines()[-1])
    assert end["event"] == "Succeeded"
    assert end["outcome"]["unfinished"]
    (document,) = end["outcome"]["documents"]
    (saved,) = tmp_path.glob("connection-report-*.txt")
    assert saved.read_text(encoding="utf-8") == document["content"]
    assert "Router make and model: Netgear WNDR3700" in document["content"]
    assert "Internet service provider: A" in document["content"]


def test_with_nobody_there_it_says_which_answer_is_missing(tmp_path: Path) -> None:
    seat = Seat(tmp_path)
    assert seat.run({"light": "from-0.7.connecting"}) == FAULT
    assert "--answer credentials=" in seat.news.getvalue() + seat.asides.getvalue()
