"""A table of mishaps amid joining a network: mishap x generation x what was said x what the board held, from real runs.

Run by hand: `python tests/bench/wifi_mishaps.py [--markdown]`. Each run is `join-wifi` on a virtual board that takes a
name of 32 and a password of 64 bytes, neither of them ASCII; then the next runs, until the network is saved. The exit
status is 1 if a run ended otherwise than it may, a board held a part of what it was told, took a line that is no
answer, or anything secret was in trace, log, events or words.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.wifi_mishaps import ROWS, TROUBLES, Ran, Row, Trouble, play  # noqa: E402

AGAIN = {0: "–", 1: "saved at once", 2: "saved after RESET", 3: "NOT SAVED"}


def wrong(trouble: Trouble, ran: Ran) -> bool:
    """Whether a run was not as it may be."""
    ended = ran.code in trouble.ends and ran.holds in trouble.holds and ran.tries <= 2
    return not ended or bool(ran.strange or ran.leaks)


def lines(trouble: Trouble, results: list[tuple[Row, Ran]]) -> list[tuple[str, ...]]:
    """Return the table's lines of one mishap; boards on which all went alike share one."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    lefts: dict[tuple[str, str, str], set[int]] = {}
    for row, ran in results:
        key = ran.code, ran.holds, AGAIN[ran.tries]
        alike.setdefault(key, []).append(row.words)
        lefts.setdefault(key, set()).add(ran.left)
    everybody = [row.words for row in ROWS if trouble.for_whom(row)]
    return [
        (trouble.words, "all" if boards == everybody else "; ".join(boards), *key[:2], _span(lefts[key]), key[2])
        for key, boards in alike.items()
    ]


def _span(counts: set[int]) -> str:
    least, most = min(counts), max(counts)
    return "–" if not most else str(most) if least == most else f"{least} to {most}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="as a table for a document")
    markdown = parser.parse_args(arguments).markdown
    heads = ("Mishap", "Boards", "What was said", "The board held", "Unended line (bytes)", "Next run")
    if markdown:
        print(f"| {' | '.join(heads)} |")
        print("|" + "---|" * len(heads))
    bad: list[str] = []
    said: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for trouble in TROUBLES:
            results = []
            for row in ROWS:
                if trouble.for_whom(row):
                    ran = play(row, trouble, Path(folder) / f"{trouble.key}-{len(said)}-{row.firmware}-{row.name}")
                    results.append((row, ran))
                    said[ran.code] += 1
                    bad += [f"{trouble.words}, {row.words}: {ran}"] if wrong(trouble, ran) else []
            for line in lines(trouble, results):
                print(f"| {' | '.join(line)} |" if markdown else "  ".join(line))
    print(f"\n{said.total()} runs: " + ", ".join(f"{count} {code}" for code, count in said.most_common()))
    print(f"wrong: {len(bad)}")
    for each in bad:
        print(each)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
