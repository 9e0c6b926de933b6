"""The whole sweep: a rescue is cut off at every single transfer, finished, and judged; prints a table for each kind.

Run by hand: `python tests/bench/sweep_cuts.py [--kind gone_amid] [--recipe restore-system --board photon-0.7]`.

The rescue is run once. At each transfer the process forks: the child, with a copy of the stores, lives through the cut
there and all that follows, while the parent goes on. `--at N` plays single cuts and tells all about them.
The exit status is 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support.cuts import (  # noqa: E402
    UPDATE,
    UPGRADE,
    Case,
    Cut,
    Ending,
    Killed,
    Kind,
    Whole,
    before_each_transfer,
    finish_after,
    play_cut,
    put_back_after,
    restore,
    run_whole,
)
from support.desk import Desk  # noqa: E402
from support.real_pack import PLACE  # noqa: E402

from app.firmware.pack import RescuePack  # noqa: E402
from app.work.events import Event  # noqa: E402

Judge = Callable[[Case, Whole, Desk, Path, Cut, Event], Cut]
SHOWN = 40  # wrong cuts that are told one by one
ALONE_MS = 501  # between two cuts while the board works alone
SECOND = 7919  # a prime, so that second cuts are spread over the whole rescue, the same each time
RESULT = "result"
CORES = {case.recipe.key: case for case in (UPGRADE, UPDATE)}
RESTORE = "restore-system"


@dataclass
class Sweep:
    """One way through all cuts of a case.

    Attributes:
        case: What is cut.
        whole: The same run without a cut.
        kinds: How it is cut.
        numbers: At which transfers.
        twice: Whether the run that finishes it is cut, too.
        judge: What is done after the cut.
        jobs: How many children live at once.
        folder: Where all this is done, in memory.
    """

    case: Case
    whole: Whole
    kinds: Sequence[Kind]
    numbers: frozenset[int]
    twice: bool
    judge: Judge
    jobs: int
    folder: Path
    _place: Desk = field(init=False)
    _base: int = 0
    _seen: int = 0
    _cut: Cut | None = None  # of this process, if it is a child
    _ending: Ending | None = None
    _children: dict[int, Cut] = field(default_factory=dict)
    _done: list[Cut] = field(default_factory=list)

    def run(self, pack: RescuePack) -> list[Cut]:
        """Run the case once, and beside it all that comes of its cuts."""
        home = self.folder / "home"
        home.mkdir()
        os.chdir(home)
        self._place = self.case.lay(Path(), pack)  # stores have the same name in every child, and are not the same
        self._base = self._place.board.transfers
        gc.disable()  # what the children share with this process stays shared
        gc.freeze()
        try:
            try:
                with before_each_transfer(self._before):
                    self._place.play(self.case.recipe)
            except Killed:
                assert self._cut is not None
            if self._cut is not None:
                self._live_on(self._cut)
        except BaseException:
            if self._cut is not None:
                self._leave(replace(self._cut, wrong=traceback.format_exc()))
            raise
        while self._children:
            self._collect()
        return sorted(self._done, key=lambda cut: (cut.kind.value, cut.number))

    def _before(self) -> None:
        """Before a transfer: once for each, and each kind, have a child that is cut off there."""
        if self._ending is not None:
            self._ending()
            return
        number = self._place.board.transfers - self._base + 1
        if number == self._seen or number not in self.numbers:
            return
        self._seen = number
        for kind in self.kinds:
            again = 1 + number * SECOND % len(self.whole.phases) if self.twice else 0
            cut = Cut(kind, number, self.whole.phases[number - 1], again)
            while len(self._children) >= self.jobs:
                self._collect()
            shutil.copytree(self.folder / "home", self._folder_of(cut) / "home")  # before this process goes on
            child = os.fork()
            if child:
                self._children[child] = cut
                continue
            self._cut = cut
            self._take_own_files(self._folder_of(cut))
            self._ending = Ending(self._place, kind, 1)
            self._ending()
            return

    def _take_own_files(self, folder: Path) -> None:
        """In a child: go on with the copies of all files, also of the open ones."""
        home = self.folder / "home"
        os.chdir(folder / "home")
        for name in os.listdir("/proc/self/fd"):
            descriptor = int(name)
            try:
                path = Path(os.readlink(f"/proc/self/fd/{name}"))
            except FileNotFoundError:  # the folder just listed
                continue
            if path.is_relative_to(home):
                own = os.open(folder / "home" / path.relative_to(home), os.O_WRONLY | os.O_APPEND)
                os.dup2(own, descriptor, inheritable=False)
                os.close(own)

    def _live_on(self, cut: Cut) -> None:
        """In a child, after its cut: finish and judge."""
        assert self._ending is not None
        folder = self._folder_of(cut)
        # The stores by their full name: for the old one this process may still be at work on its journal.
        place = replace(self._place, undo=type(self._place.undo)(folder / "home" / "boards"))
        last = self._place.person.events[-1]
        self._leave(self.judge(self.case, self.whole, place, folder / "next", cut, last))

    def _leave(self, cut: Cut) -> None:
        (self._folder_of(cut) / RESULT).write_bytes(pickle.dumps(cut))
        os._exit(0)

    def _collect(self) -> None:
        child, status = os.wait()
        cut = self._children.pop(child)
        folder = self._folder_of(cut)
        try:
            cut = pickle.loads((folder / RESULT).read_bytes())
        except OSError:
            cut = replace(cut, wrong=f"the child ended with status {status}")
        shutil.rmtree(folder, ignore_errors=True)
        self._done.append(cut)
        if len(self._done) % 100 == 0:
            wrong = sum(bool(each.wrong) for each in self._done)
            print(f"{len(self._done)} cuts, {wrong} wrong", file=sys.stderr, flush=True)

    def _folder_of(self, cut: Cut) -> Path:
        return self.folder / f"{cut.kind.value}-{cut.number}"


def alone(case: Case, whole: Whole, every: int, judge: Judge, folder: Path, pack: RescuePack) -> list[Cut]:
    """Pull the cable every so many milliseconds while there are no transfers."""
    done = []
    for first, last, phase in whole.gaps:
        for number in range(first + 1, last, every):
            here = folder / f"alone-{number}"
            place = case.lay(here / "first", pack)
            event = play_cut(case, place, Kind.ALONE, number)
            done.append(judge(case, whole, place, here / "next", Cut(Kind.ALONE, number, phase), event))
            shutil.rmtree(here)
    return done


def table(whole: Whole, kind: Kind, cuts: Sequence[Cut]) -> str:
    """Return what came of the cuts of one kind, a line for each step."""
    lines = [
        f"{kind.value}: {len(cuts)} cuts, {len(whole.phases)} transfers",
        f"  {'step':<44}{'transfers':>9}{'cuts':>7}{'right':>7}{'changed':>9}{'offered':>11}{'worst, s':>10}",
    ]
    for phase in [*sorted(set(whole.phases)), None]:
        mine = [cut for cut in cuts if phase in (None, cut.phase)]
        changed = [cut for cut in mine if cut.changed and cut.how != "done"]
        title = "all" if phase is None else whole.titles[phase] if phase >= 0 else "before"
        count = len(whole.phases) if phase is None else whole.phases.count(phase)
        right = sum(not cut.wrong for cut in mine)
        offered = f"{sum(cut.listed for cut in changed)}/{len(changed)}"
        worst = max((cut.seconds for cut in mine), default=0.0)
        lines.append(
            f"  {title:<44}{count:>9}{len(mine):>7}{right:>7}"
            f"{sum(cut.changed for cut in mine):>9}{offered:>11}{worst:>10.1f}"
        )
    return "\n".join(lines)


def main() -> int:
    """Sweep as the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=[kind.value for kind in Kind], action="append", help="all without it")
    parser.add_argument("--recipe", choices=[*CORES, RESTORE], default=UPGRADE.recipe.key)
    parser.add_argument("--board", default="photon-0.7", help="practice board whose system is restored")
    parser.add_argument("--at", type=int, action="append", help="only at that transfer; may be given again")
    parser.add_argument("--every", type=int, default=1, help="only at every so many transfers")
    parser.add_argument("--twice", action="store_true", help="the run that finishes it is cut as well")
    parser.add_argument("--back", action="store_true", help="put back what was there instead of finishing it")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    case = CORES.get(given.recipe) or restore(given.board)
    kinds = [Kind(kind) for kind in given.kind] if given.kind else list(Kind)
    pack = RescuePack(PLACE)
    memory = Path("/dev/shm")
    failed = 0
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        folder = Path(place).resolve()
        whole = run_whole(case, folder / "whole", pack)
        numbers = frozenset(given.at or range(1, len(whole.phases) + 1, given.every))
        began = time.monotonic()
        judge = put_back_after if given.back else finish_after
        at_transfers = [kind for kind in kinds if kind is not Kind.ALONE]
        cuts = Sweep(case, whole, at_transfers, numbers, given.twice, judge, given.jobs, folder).run(pack)
        os.chdir(TESTS)
        if Kind.ALONE in kinds:
            cuts += alone(case, whole, ALONE_MS, judge, folder, pack)
        took = time.monotonic() - began
    print(f"{case.recipe.key} on {case.board}{', put back' * given.back}{', cut twice' * given.twice}")
    for kind in kinds:
        mine = [cut for cut in cuts if cut.kind is kind]
        print(table(whole, kind, mine))
        wrong = [cut for cut in mine if cut.wrong]
        failed += len(wrong)
        for cut in mine if given.at else wrong[:SHOWN]:
            print(f"  --kind {kind.value} --at {cut.number}: {cut.wrong or cut}")
    print(f"{len(cuts)} cuts, {failed} wrong, {took:.0f} s")
    all_there = sum(cut.kind is not Kind.ALONE for cut in cuts) == len(at_transfers) * len(numbers)
    return 0 if all_there and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
