"""Cards, a prefilled line and what is to be handed on, at the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.patient_clock import PatientClock
from support.stores import stores

from app import console
from app.console_documents import save_documents
from app.faults import FileNameTaken, FileNoRoom, FolderGone
from app.files import HandedOn, hand_on
from app.keys.safe import KeySafe
from app.recipes import registry
from app.recipes.base import Group, Promise, Recipe
from app.terminal import DONE, FAULT, Terminal
from app.text import text
from app.virtual.bus import VirtualBus
from app.virtual.catalogue import make
from app.work.events import Document, Outcome
from app.work.job import Job
from app.work.questions import Card, ChooseCard, Enter, Question
from app.work.step import Step

WORDS = text("Test", "Words.")
PEM = "-----BEGIN PUBLIC KEY-----\nMIGf\n-----END PUBLIC KEY-----\n"
DOCUMENT = Document("public-key", text("Test", "Send this to your cloud"), WORDS, "53ff.pub.pem", PEM)
CLOUDS = ChooseCard(
    "cloud",
    text("Test", "Which cloud?"),
    WORDS,
    (
        Card("particle", text("Test", "Particle"), WORDS, mark=text("Test", "On the board now")),
        Card("workshop", "Wörkshop", WORDS),
        Card("undo", text("Test", "Undo"), text("Test", "Nothing was kept yet."), fits=False),
    ),
)
HOST = Enter("host", WORDS, WORDS, text("Test", "host:port"), start="192.168.1.20")


class Asks(Recipe):
    """Asks what it is told to, and hands on a document and the answers."""

    key = "asks"
    title = text("Test", "Asks")
    summary = WORDS
    group = Group.KEYS
    promise = Promise(WORDS, WORDS, WORDS, WORDS)
    questions: tuple[Question, ...] = ()

    def __init__(self) -> None:
        self.given: list[object] = []

    def steps(self) -> Sequence[Step]:
        return (Step(WORDS, self._ask),)

    def _ask(self, job: Job) -> None:
        self.given = [job.ask(question) for question in self.questions]

    def outcome(self) -> Outcome:
        return Outcome(text("Test", "Answers: {given}").with_values(given=self.given), documents=(DOCUMENT,))


class Person(io.StringIO):
    def isatty(self) -> bool:
        return True


class Seat:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clock = PatientClock(160.0)
        board = make("photon", clock)
        self.bus = VirtualBus(clock, [board])
        self.desk = console.Desk(self.bus, clock, {"1-1": board})
        self.news, self.asides = io.StringIO(), io.StringIO()

    def run(
        self,
        *questions: Question,
        typed: str | None = None,
        answers: dict[str, str] | None = None,
        save: Path | None = None,
        as_json: bool = False,
    ) -> int:
        Asks.questions = questions
        keys = Person(typed) if typed is not None else io.StringIO()
        terminal = Terminal(keys, self.news, self.asides)
        safe = KeySafe(self.folder / "safe", practice=True)
        more = stores(self.folder, safe)
        return console.run(
            "asks", self.desk, safe, terminal, board=None, answers=answers or {}, as_json=as_json, save=save, **more
        )

    @property
    def lines(self) -> list[str]:
        return self.news.getvalue().splitlines()


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seat]:
    monkeypatch.setattr(registry, "RECIPES", (Asks,))
    made = Seat(tmp_path)
    yield made
    made.bus.close()


def test_cards_are_printed_with_mark_and_body_and_the_key_is_the_answer(seat: Seat) -> None:
    assert seat.run(CLOUDS, typed="undo\nworkshop\n") == DONE
    start = seat.lines.index("Which cloud?")
    assert seat.lines[start + 2 : start + 8] == [
        "  particle: Particle [On the board now]",
        "      Words.",
        "  workshop: Wörkshop",
        "      Words.",
        "  (undo) Undo",
        "      Nothing was kept yet.",
    ]
    assert "particle / workshop > " in seat.asides.getvalue()
    assert "one of particle, workshop" in seat.asides.getvalue()  # the grey one is no answer
    assert "Answers: ['workshop']" in seat.lines


def test_without_a_person_each_card_that_fits_says_how_it_is_chosen(seat: Seat) -> None:
    assert seat.run(CLOUDS) == FAULT
    ways = [line for line in seat.lines if "--answer cloud=" in line]
    assert ways[:2] == ["  --answer cloud=particle: Particle", "  --answer cloud=workshop: Wörkshop"]
    assert not any("cloud=undo" in line for line in ways)


def test_a_card_is_chosen_beforehand_but_not_a_grey_one(seat: Seat) -> None:
    assert seat.run(CLOUDS, answers={"cloud": "particle"}) == DONE
    assert seat.run(CLOUDS, answers={"cloud": "undo"}) == FAULT
    assert "  Code: question.bad-answer" in "\n".join(seat.lines)


@pytest.mark.parametrize(("typed", "given"), [("\n", "192.168.1.20"), ("10.0.0.7\n", "10.0.0.7")])
def test_enter_alone_keeps_what_stands_in_the_line(seat: Seat, typed: str, given: str) -> None:
    assert seat.run(HOST, typed=typed) == DONE
    assert "(host:port) [192.168.1.20] > " in seat.asides.getvalue()
    assert f"Answers: ['{given}']" in seat.lines


def test_what_is_to_be_handed_on_is_printed_line_by_line(seat: Seat) -> None:
    assert seat.run() == DONE
    start = seat.lines.index("Send this to your cloud")
    assert seat.lines[start + 2 : start + 5] == PEM.splitlines()
    assert not any(line.startswith("Saved") for line in seat.lines)


def test_save_writes_it_and_the_outcome_stays_the_last_line(seat: Seat, tmp_path: Path) -> None:
    assert seat.run(save=tmp_path) == DONE
    assert (tmp_path / "53ff.pub.pem").read_text(encoding="ascii") == PEM
    assert f"Saved: {tmp_path / '53ff.pub.pem'}" in seat.lines
    assert seat.run(save=tmp_path, as_json=True) == DONE  # the same lines are there already
    last = [json.loads(line) for line in seat.lines[-2:]]
    assert last[0] == {"document_saved": {"key": "public-key", "path": str(tmp_path / "53ff.pub.pem")}}
    assert last[1]["event"] == "Succeeded"
    assert last[1]["outcome"]["documents"][0]["content"] == PEM


def test_another_file_of_that_name_stays_and_the_run_says_so(seat: Seat, tmp_path: Path) -> None:
    (tmp_path / "53ff.pub.pem").write_text("mine", encoding="ascii")
    assert seat.run(save=tmp_path) == FAULT
    assert (tmp_path / "53ff.pub.pem").read_text(encoding="ascii") == "mine"
    assert any(FileNameTaken.code in line for line in seat.lines)
    assert "Answers: []" in seat.lines


def test_a_folder_that_is_not_there_is_wrong_usage_before_anything_is_done(seat: Seat, tmp_path: Path) -> None:
    with pytest.raises(console.WrongUsageError, match="--save takes a folder"):
        seat.run(save=tmp_path / "nowhere")
    assert seat.lines == []


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_name_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    tricky = Document("x", WORDS, WORDS, "../out.pem", PEM)
    saved, faults = save_documents((tricky,), tmp_path / "in")
    assert [path for _, path in saved] == [tmp_path / "in" / "out.pem"]
    assert faults == []
    assert not (tmp_path / "out.pem").exists()


def test_what_the_person_agreed_to_replace_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.pem"
    target.write_text("something longer than what follows", encoding="ascii")
    hand_on(target, b"short", over=True)
    assert target.read_bytes() == b"short"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pem"]  # no part is left


def test_a_folder_that_went_away_and_a_full_disk_have_their_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FolderGone):
        hand_on(tmp_path / "gone" / "a.pem", b"x", over=True)

    def full(*_given: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(HandedOn, "write", full)
    target = tmp_path / "a.pem"
    target.write_bytes(b"before")
    with pytest.raises(FileNoRoom):
        hand_on(target, b"x", over=True)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pem"]
