"""How well the light decoder tells every light of every board: prints a markdown table.

Run by hand: `python tests/bench/decoder_table.py [tries] [seed]`; 20 tries of each light by default. Somebody taps
along with 10 % jitter, joins at any moment, misses and doubles taps, and mixes up the colours people do mix up;
the questions that tell are answered by what the board does. The same numbers for the same seed.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.light_watcher import Fingers, answer, look  # noqa: E402

from app.platforms.lights import ERAS, PATTERNS, LightPattern, patterns_of  # noqa: E402
from app.platforms.model import Mode, Platform  # noqa: E402
from app.platforms.table import PLATFORMS  # noqa: E402
from app.work.light_decoder import AGES, Reading, Seen, decode, eras_for, with_told  # noqa: E402
from app.work.light_seen import name_of  # noqa: E402

USUAL = Fingers(jitter=0.10, missed=0.03, doubled=0.02)
MIXES_UP = 0.10
MOST_QUESTIONS = 3


@dataclass(slots=True)
class Tally:
    """How often it was right: at once, among the first two, after one question, after three; and the questions."""

    tries: int = 0
    first: int = 0
    two: int = 0
    one_more: int = 0
    at_last: int = 0
    asked: int = 0

    def add(self, other: Tally) -> None:
        """Count others in."""
        self.tries += other.tries
        self.first += other.first
        self.two += other.two
        self.one_more += other.one_more
        self.at_last += other.at_last
        self.asked += other.asked

    def row(self, name: str) -> str:
        """Return a line of the table."""
        parts = (self.first, self.two, self.one_more, self.at_last)
        shares = " | ".join(f"{100 * part / self.tries:.1f} %" for part in parts)
        return f"| {name} | {self.tries} | {shares} | {self.asked / self.tries:.2f} |"


HEAD = (
    "| {what} | tries | right first | among first two | after one question | after up to three | questions |\n"
    "|---|---|---|---|---|---|---|"
)


def right(reading: Reading, pattern: LightPattern, among: int = 1) -> bool:
    """Whether the pattern, or one that says the same, is among the first so many guesses."""
    return name_of(pattern.key) in [name_of(guess.pattern.key) for guess in reading.guesses[:among]]


def tell(pattern: LightPattern, seen: Seen, eras: tuple[str, ...]) -> Tally:
    """Let the decoder tell one light, with the questions it asks."""
    reading = decode(seen, eras)
    tally = Tally(1, right(reading, pattern), right(reading, pattern, 2))
    tally.one_more = tally.at_last = tally.first
    for number in range(MOST_QUESTIONS):
        if reading.telling is None:
            break
        seen = with_told(seen, reading.telling.key, answer(pattern, reading.telling))
        reading = decode(seen, eras)
        tally.asked += 1
        tally.at_last = right(reading, pattern)
        if number == 0:
            tally.one_more = tally.at_last
    return tally


def tally_of(
    platform: Platform,
    patterns: Iterable[LightPattern],
    tries: int,
    dice: random.Random,
    *,
    age_known: bool = False,
    sees: Callable[[LightPattern], Seen] | None = None,
) -> Tally:
    """Let the decoder tell each of these lights of a board so many times."""
    whole = Tally()
    for pattern in patterns:
        eras = eras_for(platform, pattern.era if age_known and pattern.era in AGES else "")
        for _ in range(tries):
            seen = sees(pattern) if sees is not None else look(pattern, dice, USUAL, mixes_up=MIXES_UP)
            whole.add(tell(pattern, seen, eras))
    return whole


def main() -> int:
    """Print the tables."""
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 5)
    core = next(each for each in PLATFORMS if each.key == "core")
    print(HEAD.format(what="lights of"))
    for era, words in ERAS.items():
        mine = [known for known in PATTERNS if known.era == era]
        board = next(each for each in reversed(PLATFORMS) if era in each.light_eras)
        print(tally_of(board, mine, tries, dice).row(f"{words.english()} ({era}), on {board.name}"))
    for board in PLATFORMS:
        for age_known in (False, True):
            name = f"{board.name}, all lights, firmware {'known' if age_known else 'unknown'}"
            print(tally_of(board, patterns_of(board), tries, dice, age_known=age_known).row(name))
    ways: dict[str, Callable[[LightPattern], Seen]] = {
        "colours sure": lambda known: look(known, dice, USUAL),
        "colours mixed up, 30 %": lambda known: look(known, dice, USUAL, mixes_up=0.3),
        "no colour named": lambda known: look(known, dice, USUAL, names_colour=False),
        "no colour named, mode seen on USB": lambda known: replace(
            look(known, dice, USUAL, names_colour=False), mode=known.mode or Mode.NORMAL
        ),
        "20 % jitter": lambda known: look(known, dice, Fingers(0.2, 0.05, 0.05), mixes_up=MIXES_UP),
        "nothing but colour": lambda known: Seen(look(known, dice, USUAL, mixes_up=MIXES_UP).colour),
    }
    for name, sees in ways.items():
        print(tally_of(core, patterns_of(core), tries, dice, sees=sees).row(f"Core, {name}"))
    print()
    print(HEAD.format(what="light of a Core, firmware unknown"))
    for known in patterns_of(core):
        print(tally_of(core, [known], tries, dice).row(f"`{known.key}`"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
