"""Answers in the form their questions promise."""

from __future__ import annotations

import pytest

from app.platforms.model import Mode
from app.text import text
from app.work.questions import Choose, Confirm, DoThis, Enter, PickFile, Question, parse_answer

WORDS = text("Test", "Words")
CONFIRM = Confirm("sure", WORDS, WORDS, WORDS, WORDS)
CHOOSE = Choose("how", WORDS, WORDS, (("press", WORDS), ("type", WORDS)))
ENTER = Enter("device-id", WORDS, WORDS, WORDS)
MAY_BE_EMPTY = Enter("note", WORDS, WORDS, WORDS, allow_empty=True)


@pytest.mark.parametrize(
    ("question", "given", "answer"),
    [
        (CONFIRM, True, True),
        (CONFIRM, "Yes", True),
        (CONFIRM, " n ", False),
        (CHOOSE, "type", "type"),
        (CHOOSE, " press ", "press"),
        (ENTER, "53ff", "53ff"),
        (ENTER, " spaces stay ", " spaces stay "),
        (MAY_BE_EMPTY, "", ""),
        (PickFile("file", WORDS, WORDS), "/a/b", "/a/b"),
    ],
)
def test_an_answer_is_taken(question: Question, given: object, answer: object) -> None:
    assert parse_answer(question, given) == answer


@pytest.mark.parametrize(
    ("question", "given"),
    [
        (CONFIRM, "perhaps"),
        (CHOOSE, "jump"),
        (ENTER, ""),
        (ENTER, None),
        (DoThis("enter-dfu", WORDS, WORDS, None, None, Mode.DFU), "done"),
    ],
)
def test_an_answer_of_another_form_is_refused(question: Question, given: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_answer(question, given)
