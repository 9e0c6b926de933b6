"""A table of boards that do not connect and of what the interview said, made by holding it on recorded cases.

Run by hand: `python tests/bench/interview_table.py [--markdown]`. The exit status is 1 if a case ended elsewhere than
it has to, or took more questions than it may.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.connect_cases import CASES, ConnectCase  # noqa: E402

from app.platforms.lights import pattern  # noqa: E402
from app.platforms.table import platform  # noqa: E402
from app.recipes.registry import known  # noqa: E402
from app.work.connect_rules import RULES  # noqa: E402

WIDTH = 110
SURE = {3: "certain", 2: "likely", 1: "a guess"}


def light_of(row: ConnectCase) -> str:
    """Return what the light does, in words."""
    if row.reading is None:
        return "not seen"
    many = len(row.reading.guesses) > 1
    return " or ".join(
        f"{pattern(key).name.english()}{f' ({share:.0%})' if many else ''}" for key, share in row.reading.guesses
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="as a table for a document")
    markdown = parser.parse_args(arguments).markdown
    if markdown:
        print("| What is the matter | Board | Light | Questions and answers | What Rekindle said | How sure | Next |")
        print("|---|---|---|---|---|---|---|")
    wrong, asked_in_all, reached, began = [], [], set(), time.process_time()
    for row in CASES:
        asked, diagnosis = row.play()
        cause = diagnosis.main
        reached.add(cause.code)
        asked_in_all.append(len(asked))
        if (cause.code, cause.sureness) != (row.code, row.sure) or len(asked) > row.asks:
            wrong.append(row.name)
        answers = ", ".join(f"{key}: {row.answers.get(key, 'unknown')}" for key in asked) or "none"
        recipe = known(cause.recipes[0]) if cause.recipes else None
        following = recipe.title.english() if recipe is not None else cause.step.english()
        board, said, sure = platform(row.board).name, cause.words.english(), SURE[cause.sureness]
        if markdown:
            print(f"| {row.name} | {board} | {light_of(row)} | {answers} | {said} | {sure} | {following} |")
            continue
        print(f"{row.name}  [{board}; light: {light_of(row)}]")
        print(f"    asked: {answers}")
        print(textwrap.fill(said, WIDTH, initial_indent="    ", subsequent_indent="    "))
        print(f"    {sure}; next: {following}\n")
    spent = time.process_time() - began
    print()
    print(
        f"{len(CASES)} cases, {len(CASES) - len(wrong)} as recorded; {len(reached)} of {len(RULES)} rules reached; "
        f"questions after the light: {sum(asked_in_all) / len(asked_in_all):.1f} on average, {max(asked_in_all)} at "
        f"most; {1000 * spent / len(CASES):.1f} ms of processor time each."
    )
    for name in wrong:
        print(f"not as recorded: {name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
