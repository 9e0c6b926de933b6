"""Why a board does not connect, and the one question that would tell most. Pure, and nothing in it is secret.

The rules are in `connect_rules`, the questions in `connect_asks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from string import Formatter

from app.text import Text
from app.work.connect_asks import ASKS, UNKNOWN_WEIGHT, Ask, Option
from app.work.connect_case import UNKNOWN, Case, Known
from app.work.connect_rules import RULES, Rule
from app.work.key_rules import REPAIR_WORDS, Sureness
from app.work.preflight import Severity

MOST_QUESTIONS = 5
"""A person who has answered so many wants an answer, not another question."""
CLEAR, BETTER_THAN_NOT = 0.8, 0.45
"""How likely a reading of the light has to be for certainty, and to be more than a guess."""
SURER_BITS = 0.5
GUESS_FOR_GUESS = 0.5
"""What a question is worth that only leads from one guess to another, beside one that may end the questions."""
WORTH_NAMING = 0.12
"""A less likely reading of the light leads to no cause."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why a board may not connect.

    Attributes:
        code: Stable name of the rule.
        words: One sentence.
        step: What to do next.
        sureness: How sure it is.
        recipes: What to go on with, the best first; not all may fit the board.
        source: Sections of the specification, or a step of the support page.
        keys: Whether reading the board's keys would tell more.
    """

    code: str
    words: Text
    step: Text
    sureness: Sureness
    recipes: tuple[str, ...]
    source: str
    keys: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a board does not connect, the most likely cause first; there is always at least one."""

    causes: tuple[Cause, ...]

    @property
    def main(self) -> Cause:
        """The most likely cause."""
        return self.causes[0]

    @property
    def clear(self) -> bool:
        """Whether it is likely at least, so that nothing more need be asked."""
        return self.main.sureness is not Sureness.POSSIBLE


def diagnose(known: Known) -> Diagnosis:
    """Say why a board does not connect, from what is known by now."""
    found: dict[str, tuple[Sureness, float, int, Rule, Case]] = {}
    for case, share in known.cases():
        if share < WORTH_NAMING and found:
            continue
        for place, rule in enumerate(RULES):
            if not rule.when(case):
                continue
            sureness = min(rule.sureness, _most(share)) if rule.by_light else rule.sureness
            before = found.get(rule.code)
            if before is None or sureness > before[0]:
                found[rule.code] = (sureness, share, place, rule, case)
    ranked = sorted(found.values(), key=lambda each: (-each[0], -round(each[1], 2), each[2]))
    return Diagnosis(tuple(_cause(rule, sureness, case) for sureness, _, _, rule, case in ranked))


def next_question(known: Known) -> Ask | None:
    """Return the question that would change the answer most; None when none would, or enough was asked."""
    if len(known.told) >= MOST_QUESTIONS or diagnose(known).clear:
        return None
    worth = [(_worth(known, each), each) for each in ASKS if not known.asked(each.key) and _makes_sense(known, each)]
    best = max(worth, key=lambda each: each[0], default=None)  # of equals the first
    return best[1] if best is not None and best[0] > 0 else None


def options_of(known: Known, ask: Ask) -> tuple[Option, ...]:
    """Return what may be answered, without "I don't know"."""
    return next(ask.options(case) for case, _ in known.cases() if ask.when(case))


def _makes_sense(known: Known, ask: Ask) -> bool:
    return any(ask.when(case) for case, share in known.cases() if share >= WORTH_NAMING)


def _worth(known: Known, ask: Ask) -> float:
    """How much the answer is expected to change.

    In bits: how evenly the answers lead to different causes, less if none of them would be surer than what is known;
    and half a bit for each step of sureness gained.
    """
    before = diagnose(known).main
    shares: dict[tuple[str, Sureness], float] = {}
    weights = [(option.key, option.weight) for option in options_of(known, ask)] + [(UNKNOWN, UNKNOWN_WEIGHT)]
    whole = sum(weight for _, weight in weights)
    for key, weight in weights:
        main = diagnose(known.with_answer(ask.key, key)).main
        shares[main.code, main.sureness] = shares.get((main.code, main.sureness), 0.0) + weight / whole
    told = -sum(share * math.log2(share) for share in shares.values())
    if all(sureness <= before.sureness for _, sureness in shares):
        told *= GUESS_FOR_GUESS
    surer = sum(share * (sureness - before.sureness) for (_, sureness), share in shares.items())
    return round(told + SURER_BITS * surer, 6) if told > 0 else 0.0


def _most(share: float) -> Sureness:
    """The most a reading of the light can make sure."""
    if share >= CLEAR:
        return Sureness.CERTAIN
    return Sureness.LIKELY if share >= BETTER_THAN_NOT else Sureness.POSSIBLE


def _cause(rule: Rule, sureness: Sureness, case: Case) -> Cause:
    """Fill in what was found."""
    keys, recipes = case.measured.keys, rule.recipes
    if keys is not None and rule.code.startswith("keys-read"):
        recipes = (*(repair.recipe for repair in keys.repairs if repair.recipe), "check-keys")
    if rule.code == "unfinished-rescue":
        recipes = (case.measured.unfinished, *recipes)
    return Cause(
        rule.code, _filled(rule.words, case), _filled(rule.step, case), sureness, recipes, rule.source, rule.keys
    )


def _filled(words: Text, case: Case) -> Text:
    places = {name for _, name, _, _ in Formatter().parse(words.source) if name}
    return words.with_values(**{name: _value(name, case) for name in places}) if places else words


def _value(name: str, case: Case) -> object:
    keys = case.measured.keys
    if name == "name":
        return case.network.name if case.network is not None else ""
    if name in ("keys", "repair"):
        assert keys is not None, "the rule holds only when the keys were read"
        return keys.main.words if name == "keys" else REPAIR_WORDS[keys.repair]
    if name in ("tried", "tried_change"):
        failed = case.failed
        assert failed is not None, "the rule holds only when something fails"
        return failed.words if name == "tried" or failed.change is None else failed.change
    finding = case.finding(Severity.STOPS if name in ("finding", "change") else Severity.WARNS)
    assert finding is not None, "the rule holds only when there is one"
    return finding.words if name in ("finding", "warning") else finding.change
