"""Every mishap at every transfer of the recipes that write keys and servers, and what a person does after it.

Run by hand: `python tests/bench/sweep_keys.py [--case "restore-key core"] [--kind gone_amid] [--every 5]`.

Prints a table: recipe and board by kind of mishap, how many were played and how many of them were wrong. `--at N` plays
single ones. The exit status is 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import count
from multiprocessing import get_context
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.key_cuts import (  # noqa: E402
    CASES,
    EVERY_KIND,
    End,
    Found,
    KeyCase,
    KeyWhole,
    Kinds,
    play,
    quick_keys,
    whole_run,
)
from support.secret_bytes import Told  # noqa: E402

SHOWN = 60  # wrong ones that are told one by one
AT_ONCE = 20  # mishaps that a process plays in a row
MEMORY = Path("/dev/shm")

_TOLD = Told()
_NUMBERS = count()


@cache
def _whole(number: int) -> KeyWhole:
    with tempfile.TemporaryDirectory(dir=_memory()) as place, quick_keys():
        return whole_run(CASES[number], Path(place) / "whole")


def _memory() -> Path | None:
    return MEMORY if MEMORY.is_dir() else None


def _ends(kind: Kinds, number: int, *, each: bool) -> Sequence[End]:
    """What is done after a mishap: everything, or each in turn."""
    ends = tuple(End)
    return ends if each else (ends[(number + EVERY_KIND.index(kind)) % len(ends)],)


def _played(number: int, kind: Kinds, places: Sequence[int], each: bool) -> tuple[list[Found], int]:
    """In a process of its own: play some mishaps; return what came of them, and how many lines were searched."""
    logging.getLogger("app").propagate = False
    whole, before = _whole(number), _TOLD.lines
    found = []
    with tempfile.TemporaryDirectory(dir=_memory()) as place, quick_keys():
        for at in places:
            for end in _ends(kind, at, each=each):
                folder = Path(place) / str(next(_NUMBERS))
                found.append(play(CASES[number], whole, kind, at, end, folder, _TOLD))
                shutil.rmtree(folder, ignore_errors=True)
    return found, _TOLD.lines - before


def _parcels(
    cases: Sequence[KeyCase], kinds: Sequence[Kinds], every: int, at: Sequence[int]
) -> Iterator[tuple[int, Kinds, Sequence[int]]]:
    for case in cases:
        number = CASES.index(case)
        for kind in kinds:
            places = [place for place in _whole(number).numbers(kind) if not at or place in at]
            if len(places) > AT_ONCE:
                places = places[EVERY_KIND.index(kind) % every :: every]
            for start in range(0, len(places), AT_ONCE):
                yield number, kind, places[start : start + AT_ONCE]


def table(found: Sequence[Found], kinds: Sequence[Kinds], cases: Sequence[KeyCase]) -> str:
    """Return how many there were, and how many of them were wrong, by case and kind."""
    there = Counter((each.case, each.kind) for each in found)
    wrong = Counter((each.case, each.kind) for each in found if each.wrong)
    lines = [f"{'':<28}" + "".join(f"{kind.value:>14}" for kind in kinds) + f"{'all':>14}"]
    for name in [*map(str, cases), "all"]:
        cells = []
        for kind in [*kinds, None]:
            mine = [key for key in there if name in ("all", key[0]) and kind in (None, key[1])]
            count_of, bad = sum(there[key] for key in mine), sum(wrong[key] for key in mine)
            cells.append(f"{f'{count_of - bad}/{count_of}' if count_of else '-':>14}")
        lines.append(f"{name:<28}" + "".join(cells))
    return "\n".join(lines)


def main() -> int:
    """Sweep as the command line says; return the exit status."""
    names = [str(case) for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=names, action="append", help="all without it")
    parser.add_argument("--kind", choices=[kind.value for kind in EVERY_KIND], action="append", help="all without it")
    parser.add_argument("--at", type=int, action="append", help="only there; may be given again")
    parser.add_argument("--every", type=int, default=1, help="only at every so many places")
    parser.add_argument("--each-end", action="store_true", help="after each mishap everything a person may do")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    cases = [case for case in CASES if not given.case or str(case) in given.case]
    kinds = [kind for kind in EVERY_KIND if not given.kind or kind.value in given.kind]
    began = time.monotonic()
    found: list[Found] = []
    lines = 0
    with ProcessPoolExecutor(given.jobs, get_context("fork")) as pool:
        waiting = [
            pool.submit(_played, *parcel, given.each_end)
            for parcel in _parcels(cases, kinds, given.every, given.at or [])
        ]
        for parcel in waiting:
            fresh, searched = parcel.result()
            found += fresh
            lines += searched
            for each in fresh:
                if each.wrong:
                    print(
                        f"{each.case} {each.kind.value} {each.number} {each.end.value}: {each.wrong}", file=sys.stderr
                    )
    print("right/played")
    print(table(found, kinds, cases))
    wrong = [each for each in found if each.wrong]
    for each in found if given.at else wrong[:SHOWN]:
        print(f"  {each.case} --kind {each.kind.value} --at {each.number}, {each.end.value}: {each.how} {each.wrong}")
    ends = Counter(each.how for each in found)
    print("how the runs ended: " + ", ".join(f"{how} {number}" for how, number in ends.most_common()))
    took = time.monotonic() - began
    print(f"{len(found)} mishaps, {len(wrong)} wrong; {lines} lines searched for private bytes; {took:.0f} s")
    return 1 if wrong or not found else 0


if __name__ == "__main__":
    sys.exit(main())
