"""A table of key faults and of what the program said of them, made by running the key check on practice boards.

Run by hand: `python tests/bench/key_table.py [--markdown]`. The exit status is 1 if a board was told something else
than the diagnosis says of what it holds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.key_boards import ROWS, lay, makers_key  # noqa: E402
from support.key_cases import CASES, KeyCase  # noqa: E402

from app.recipes.check_keys import CheckKeys  # noqa: E402
from app.work.key_case import LightSeen  # noqa: E402
from app.work.key_diagnosis import diagnose  # noqa: E402
from app.work.key_rules import CULPRIT_WORDS, REPAIR_WORDS, SURENESS_WORDS  # noqa: E402

WIDTH = 110


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    lights: str
    said: str
    culprit: str
    sure: str
    repair: str


def rows(folder: Path) -> Iterator[Row]:
    """Run the key check on each case, once for each thing it has to say; lights that it takes alike share a line."""
    number = 0
    for case in CASES:
        if (case.board, case.firmware) not in ROWS:
            continue
        alike: dict[str, list[LightSeen]] = {}
        for light, code, _ in case.says:
            alike.setdefault(code, []).append(light)
        for lights in alike.values():
            number += 1
            yield _row(case, lights, folder / str(number))


def _row(case: KeyCase, lights: list[LightSeen], folder: Path) -> Row:
    outcome = lay(case, folder).succeed(CheckKeys, {"light": lights[0].value})
    main = diagnose(case.found(), lights[0]).main
    said, sure = main.words.english(), SURENESS_WORDS[main.sureness].english()
    if outcome.summary.english() != f"{said} {sure}":
        raise SystemExit(f"{case.name}: the board was told: {outcome.summary.english()}")
    every = len(lights) == len(LightSeen)
    return Row(
        case.name,
        "any" if every else ", ".join(light.value for light in lights),
        said,
        CULPRIT_WORDS[main.culprit].english(),
        sure.partition(":")[0],
        main.repair.value or REPAIR_WORDS[main.repair].english(),
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="as a table for a document")
    markdown = parser.parse_args(arguments).markdown
    if markdown:
        print("| Key fault | Light | What Rekindle said | At fault | How sure | The one repair |")
        print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, makers_key():
        for row in rows(Path(folder)):
            if markdown:
                print(f"| {row.fault} | {row.lights} | {row.said} | {row.culprit} | {row.sure} | {row.repair} |")
                continue
            print(f"{row.fault}  [light: {row.lights}]")
            print(textwrap.fill(row.said, WIDTH, initial_indent="    ", subsequent_indent="    "))
            print(f"    at fault: {row.culprit} ({row.sure.lower()}); repair: {row.repair}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
